// Every mode of the video BIOS, pixel by pixel: a boot sector (program.asm) sets it and fills video memory; QEMU's screendump of the same, as a
// hash (qemu.json), is what our picture must be. Captured with `qemu-system-x86_64 -vga std`, monitor command screendump.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { domainSchema } from "../../../src/contract/domain.ts";
import { nullBytes } from "../../backends/bytes.ts";
import { MemoryBlock } from "../../backends/block-memory.ts";
import { nullSpeaker } from "../../backends/speaker.ts";
import { CapturePicture } from "../../backends/picture.ts";
import type { DisplayDevice } from "../../devices/vga.ts";
import { createMemory, PoolMemory } from "../../cpu/guest-memory.ts";
import { WasmCpu } from "../../cpu/wasm-cpu.ts";
import { buildBoard } from "../../machine/board.ts";
import { Machine } from "../../machine/machine.ts";
import type { BackendSource } from "../../machine/parts.ts";
import { findFirmware } from "../../node-machine.ts";
import { coreBinary } from "../harness/core-wasm.ts";

interface Mode {
  readonly width: number;
  readonly height: number;
  readonly sha256: string;
  readonly sector: string;
}
const { modes } = JSON.parse(readFileSync(new URL("qemu.json", import.meta.url), "utf8")) as { modes: { readonly [mode: string]: Mode } };
const root = new URL("../../../", import.meta.url).pathname;
const [bios, vgaBios] = ["bios-256k.bin", "vgabios-stdvga.bin"].map((name) => findFirmware(name, root));
const DONE = 0x55;

async function show(sector: Uint8Array): Promise<CapturePicture> {
  const floppy = new Uint8Array(1440 * 1024);
  floppy.set(sector);
  const picture = new CapturePicture();
  const disk = new MemoryBlock(floppy, false, "the floppy");
  let ended = () => {};
  const done = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const make: { readonly [kind: string]: (id: string) => unknown } = {
    block: () => disk,
    picture: () => picture,
    input: () => ({ onKey: () => {}, onPointer: () => {} }),
    speaker: () => nullSpeaker,
    bytes: (id) => (id === "e9" ? { ...nullBytes, write: (byte: number) => byte === DONE && ended() } : nullBytes),
  };
  const backends = ((kind: string, id: string) => make[kind]?.(id)) as unknown as BackendSource;
  const memory = new PoolMemory(createMemory());
  const config = domainSchema.parse({
    name: "vga", memoryMiB: 16, cpu: { model: "qemu64", count: 1, accel: "interp" }, clock: { mode: "instructions" }, firmware: {}, boot: { order: "a" }, vga: "std",
    serial: [], disks: [{ at: "floppy0", media: "floppy", source: "memory:0" }],
  });
  const board = buildBoard(config, {
    cpuFactory: (host) => new WasmCpu({ core: coreBinary(), memory, host, model: "qemu64", accel: "interp" }),
    memory, backends, firmware: { bios: bios ?? null, vgaBios: vgaBios ?? undefined },
  });
  const machine = new Machine(board);
  await machine.start();
  await done;
  machine.pause();
  (board.device("vga") as unknown as DisplayDevice).refresh();
  machine.powerOff();
  return picture;
}
test.skipIf(!bios || !vgaBios).each(Object.entries(modes))("mode %s", async (_, mode) => {
  const picture = await show(new Uint8Array(inflateSync(Buffer.from(mode.sector, "base64"))));
  expect([picture.width, picture.height]).toEqual([mode.width, mode.height]);
  const rgb = new Uint8Array(mode.width * mode.height * 3);
  for (let i = 0; i < rgb.length; i++) rgb[i] = picture.rgba[Math.floor(i / 3) * 4 + (i % 3)] as number;
  expect(createHash("sha256").update(rgb).digest("hex")).toBe(mode.sha256);
}, 60_000);
