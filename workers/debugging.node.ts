// For tests of the trace bus, the debugger, the gdb stub and time travel: a machine that runs a boot sector of first-steps in the real core, without
// firmware, its time counted in instructions.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sectors from "../images/first-steps/sectors.json" with { type: "json" };
import { domainSchema } from "../src/contract/domain.ts";
import { nullBytes, QueueBytes } from "./backends/bytes.ts";
import { CapturePicture } from "./backends/picture.ts";
import { createMonitor, type Monitor } from "./monitor/index.ts";
import { type NodeMachine, openMachine } from "./node-machine.ts";

export interface SectorMachine extends NodeMachine {
  readonly monitor: Monitor;
  readonly serial: QueueBytes;
  /** A line of the monitor; a Fault becomes its sentence. */
  type(line: string): Promise<string>;
}
export async function sectorMachine(sector: keyof typeof sectors | Uint8Array, more: { readonly [field: string]: unknown } = {}, accel: "interp" | "jit" = "interp", checkpointEvery?: number): Promise<SectorMachine> {
  const image = join(mkdtempSync(join(tmpdir(), "debugging-")), "disk.img");
  writeFileSync(image, typeof sector === "string" ? Buffer.from(sectors[sector], "base64") : sector);
  const config = domainSchema.parse({
    name: "t", memoryMiB: 16, cpu: { model: "qemu64", count: 1, accel }, clock: { mode: "instructions", shift: 3 }, firmware: { bios: "none", vgaBios: "none" }, boot: {}, vga: "std",
    disks: [{ at: "ide0-master", media: "disk", source: `file:${image}`, readOnly: true }], ...more,
  });
  const root = new URL("../", import.meta.url).pathname;
  const serial = new QueueBytes(() => {});
  const made = await openMachine(config, { root, picture: new CapturePicture(), bytes: (id) => (id === "serial0" ? serial : nullBytes), traceCapacity: 1 << 16, tuning: { threshold: 2, leastBatch: 1 }, ...(checkpointEvery === undefined ? {} : { checkpointEvery }) });
  const monitor = createMonitor({ ...made, version: "test" });
  return {
    ...made,
    monitor,
    serial,
    type: async (line) => {
      const reply = await monitor.type(line);
      return reply.ok ? reply.value : reply.error.message;
    },
  };
}
