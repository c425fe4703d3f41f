// The looking commands over a real machine: a boot sector of first-steps in the real core (no packages needed).

import { beforeAll, describe, expect, it } from "vitest";
import sectors from "../../images/first-steps/sectors.json" with { type: "json" };
import { domainSchema } from "../../src/contract/domain.ts";
import { nullBytes } from "../backends/bytes.ts";
import { CapturePicture } from "../backends/picture.ts";
import { openMachine } from "../node-machine.ts";
import { createMonitor, type Monitor } from "./index.ts";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let monitor: Monitor;
const say = async (line: string): Promise<string> => {
  const reply = await monitor.type(line);
  if (!reply.ok) throw new Error(`${line}: ${reply.error.code}: ${reply.error.message}`);
  return reply.value;
};
const fault = async (line: string): Promise<string> => {
  const reply = await monitor.type(line);
  return reply.ok ? "ok" : reply.error.code;
};
beforeAll(async () => {
  const image = join(mkdtempSync(join(tmpdir(), "monitor-")), "paging.img");
  writeFileSync(image, Buffer.from(sectors.paging, "base64"));
  const config = domainSchema.parse({
    name: "t", memoryMiB: 16, cpu: { model: "qemu64", count: 1, accel: "interp" }, clock: { mode: "instructions" },
    firmware: { bios: "none", vgaBios: "none" }, boot: {}, vga: "std", disks: [{ at: "ide0-master", media: "disk", source: `file:${image}`, readOnly: true }],
  });
  const root = new URL("../../", import.meta.url).pathname;
  const { machine, board, cpu, input, debug } = await openMachine(config, { root, picture: new CapturePicture(), bytes: () => nullBytes });
  monitor = createMonitor({ board, machine, cpu, input, debug, version: "test" });
  await machine.start();
  for (let n = 0; n < 200 && !cpu.registers().halted; n++) await new Promise((r) => setTimeout(r, 10));
  machine.pause();
});
describe("info", () => {
  it("jit says that the machine is interpreted", async () => {
    expect(await say("info jit")).toBe("The machine is interpreted (accel interp).");
  });
  it("registers in 32-bit paging mode", async () => {
    const text = await say("info registers");
    expect(text).toMatch(/^EAX=/);
    expect(text).toContain("CR0=e0000011");
    expect(text).toContain("CR3=00001000");
    expect(text).toMatch(/HLT=1/);
    expect(text).toMatch(/CS =0008 00000000 ffffffff/);
  });
  it("mem lists what the boot sector mapped: 4 MiB and one page behind them", async () => {
    expect(await say("info mem")).toBe("0000000000000000-0000000000401000 0000000000401000 -rw");
  });
  it("tlb shows the second address of the screen", async () => {
    expect(await say("info tlb")).toMatch(/^0000000000007000: 0000000000007000 r?/m);
  });
  it("devices, buses, PCI, interrupts, drives", async () => {
    expect(await say("info qtree")).toContain("i8042");
    expect(await say("info mtree")).toMatch(/0?60|0060/);
    expect(await say("info pci")).toContain("8086:1237");
    expect(await say("info pic")).toContain("8259:");
    expect(await say("info irq")).toContain("interrupts taken: 0");
    expect(await say("info block")).toContain("ide0-master");
    expect(await say("info stats")).toContain("instructions");
  });
});
describe("memory and ports", () => {
  it("x follows the guest's tables, xp does not", async () => {
    const physical = (await say("xp /8xb 0xb8000")).split(": ")[1];
    // Two letters with their attribute: device memory is read over the bus.
    expect(physical).toMatch(/^0x[4-7][0-9a-f] (0x[0-9a-f]{2}) 0x[2-7][0-9a-f] \1 /);
    expect((await say("x /8xb 0x400000")).split(": ")[1]).toBe(physical);
    expect(await say("xp /1xw 0xfee00030")).toBe("fee00030: 0x00050014");
    expect(await say("xp /2xh 0x7dfe")).toContain("0xaa55");
    expect(await fault("x 0x800000")).toBe("monitor.unmapped");
    expect(await fault("x /9z 0")).toBe("monitor.format");
  });
  it("x /i disassembles", async () => {
    expect(await say("x /2i $eip-1")).toMatch(/f4 +hlt\n.*jmp/);
  });
  it("print evaluates", async () => {
    expect(await say("print 2+3*4")).toBe("0xe");
    expect(await say("print /d (1<<4)-1")).toBe("15");
    expect(await say("p $cr3")).toBe("0x1000");
    expect(await fault("print 1+")).toBe("expression.invalid");
    expect(await fault("print $nope")).toBe("expression.register");
  });
  it("i and o reach the ports", async () => {
    await say("o /b 0x70 0x0f");
    await say("o /b 0x71 0x5a");
    await say("o /b 0x70 0x0f");
    expect(await say("i /b 0x71")).toContain("= 0x5a");
    expect(await fault("i 0x10000")).toBe("monitor.port");
    expect(await fault("screendump x.png")).toBe("screendump.unavailable");
  });
});
