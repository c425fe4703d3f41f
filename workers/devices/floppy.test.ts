// DMA controller and floppy controller together, as a BIOS drives them.
import { describe, expect, test } from "vitest";
import { FaultError } from "../../src/contract/schema.ts";
import { MemoryBlock } from "../backends/block-memory.ts";
import { testSlot } from "../platform/test-slot.ts";
import type { BlockBackend } from "../platform/types.ts";
import { dma8237 } from "./dma8237.ts";
import { floppy, floppyGeometry } from "./floppy.ts";

const pattern = (sectors: number) => new Uint8Array(sectors * 512).map((_, i) => i + (i >> 9) * 3);
function make(medium: BlockBackend | null) {
  const slot = testSlot({}, "fdc");
  const dma = dma8237.create(slot);
  dma.reset();
  const mine = Object.assign(Object.create(slot) as typeof slot, {
    backend: (_k: string, id: string) => (id === "floppy0" ? medium : null),
    dma: (n: number) => dma.channel(n),
  });
  const device = floppy.create(mine as never, floppy.options.parse({ floppy0: true }));
  device.reset();
  const command = (...bytes: number[]) => {
    for (const byte of bytes) {
      expect(slot.in8(0x3f4) & 0xc0).toBe(0x80);
      slot.out8(0x3f5, byte);
    }
  };
  const results = () => {
    const out: number[] = [];
    while ((slot.in8(0x3f4) & 0xd0) === 0xd0) out.push(slot.in8(0x3f5));
    return out;
  };
  const start = () => {
    slot.out8(0x3f2, 0);
    slot.out8(0x3f2, 0x1c);
    expect(slot.level(6)).toBe(true);
    for (let i = 0; i < 4; i++) {
      command(8);
      expect(results()[0]).toBe(0xc0 | i);
    }
    command(3, 0xaf, 2);
  };
  const program = (address: number, bytes: number, mode: number) => {
    slot.out8(0x0a, 6);
    slot.out8(0x0c, 0);
    slot.out8(0x04, address & 255);
    slot.out8(0x04, (address >> 8) & 255);
    slot.out8(0x81, address >> 16);
    slot.out8(0x05, (bytes - 1) & 255);
    slot.out8(0x05, (bytes - 1) >> 8);
    slot.out8(0x0b, mode | 2);
    slot.out8(0x0a, 2);
  };
  return { slot, dma, device, command, results, start, program };
}

describe("dma8237", () => {
  test("counts, terminal count, autoinit, wrap, words", () => {
    const { slot, dma } = make(null);
    slot.out8(0x0c, 0);
    for (const [port, value] of [[0x02, 0xf0], [0x02, 0xff], [0x83, 1], [0x03, 0x1f], [0x03, 0], [0x0b, 0x55], [0x0a, 1]] as const) slot.out8(port, value);
    const channel = dma.channel(1);
    expect(channel.transfer(new Uint8Array(16).fill(1), true)).toBe(16);
    expect(channel.terminal).toBe(false);
    expect(channel.transfer(new Uint8Array(32).fill(2), true)).toBe(16);
    expect(channel.terminal).toBe(true);
    expect(slot.bytes[0x1fff0]).toBe(1);
    expect(slot.bytes[0x10000]).toBe(2); // wraps inside its 64 KiB
    expect(slot.in8(0x08)).toBe(2);
    expect(slot.in8(0x08)).toBe(0);
    expect(channel.transfer(new Uint8Array(4), true)).toBe(4); // reloaded
    expect(channel.transfer(new Uint8Array(4), false)).toBe(0); // other direction
    for (const [port, value] of [[0xd8, 0], [0xc4, 0x00], [0xc4, 0x10], [0x8b, 3], [0xc6, 1], [0xc6, 0], [0xd6, 0x49], [0xd4, 1]] as const) slot.out8(port, value);
    slot.bytes.set([9, 8, 7, 6], 0x22000);
    const words = new Uint8Array(8);
    expect(dma.channel(5).transfer(words, false)).toBe(4);
    expect([...words.subarray(0, 4)]).toEqual([9, 8, 7, 6]);
    const saved = dma.save();
    dma.load(saved);
    expect(dma.save()).toEqual(saved);
  });
});

describe("floppy", () => {
  test("reads across heads by DMA and ends with TC", () => {
    const { slot, command, results, start, program } = make(new MemoryBlock(pattern(2880)));
    start();
    expect(slot.in8(0x3f7) & 0x80).toBe(0x80);
    command(0x0f, 0, 3);
    command(8);
    expect(results()).toEqual([0x20, 3]);
    expect(slot.in8(0x3f7) & 0x80).toBe(0);
    program(0x8000, 4 * 512, 0x44);
    command(0xe6, 0, 3, 0, 17, 2, 18, 0x1b, 0xff);
    expect(slot.level(6)).toBe(true);
    expect(results()).toEqual([4, 0, 0, 3, 1, 3, 2]);
    expect(slot.level(6)).toBe(false);
    const at = (3 * 36 + 16) * 512;
    expect([...slot.bytes.subarray(0x8000, 0x8800)]).toEqual([...pattern(2880).subarray(at, at + 2048)]);
  });
  test("writes, formats, refuses when protected", () => {
    const medium = new MemoryBlock(pattern(2880));
    const { slot, command, results, start, program } = make(medium);
    start();
    slot.bytes.fill(0x77, 0x8000, 0x8200);
    program(0x8000, 512, 0x48);
    command(0xc5, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
    expect(results().slice(0, 3)).toEqual([0, 0, 0]);
    expect([...medium.bytes.subarray(512, 1024)]).toEqual(new Array(512).fill(0x77));
    for (let i = 0; i < 18; i++) slot.bytes.set([0, 1, i + 1, 2], 0x9000 + 4 * i);
    program(0x9000, 72, 0x48);
    command(0x4d, 4, 2, 18, 0x54, 0xf6);
    expect(results().slice(0, 3)).toEqual([4, 0, 0]);
    expect([medium.bytes[18 * 512], medium.bytes[36 * 512 - 1], medium.bytes[36 * 512]]).toEqual([0xf6, 0xf6, pattern(2880)[36 * 512]]);
    const locked = make(new MemoryBlock(pattern(1440), true));
    locked.start();
    locked.program(0x8000, 512, 0x48);
    locked.command(0xc5, 0, 0, 0, 1, 2, 9, 0x1b, 0xff);
    expect(locked.results().slice(0, 2)).toEqual([0x40, 2]);
  });
  test("bad sector, no medium, invalid command", () => {
    const { command, results, start, program } = make(new MemoryBlock(pattern(2880)));
    start();
    program(0x8000, 512, 0x44);
    command(0xe6, 0, 0, 0, 19, 2, 19, 0x1b, 0xff);
    expect(results().slice(0, 2)).toEqual([0x40, 4]);
    command(0x1f);
    expect(results()).toEqual([0x80]);
    command(8);
    expect(results()).toEqual([0x80]);
    const empty = make(null);
    empty.start();
    empty.command(0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    expect(empty.results()[0]).toBe(0x40);
  });
  test("without DMA the program moves the bytes", () => {
    const { slot, command, results, start } = make(new MemoryBlock(pattern(2880)));
    start();
    command(3, 0xaf, 3);
    command(0xe6, 0, 0, 0, 18, 2, 18, 0x1b, 0xff);
    const got: number[] = [];
    while ((slot.in8(0x3f4) & 0xf0) === 0xf0) got.push(slot.in8(0x3f5));
    expect(got.length).toBe(19 * 512); // the last of head 0, then head 1
    expect(got.slice(0, 512)).toEqual([...pattern(2880).subarray(17 * 512, 18 * 512)]);
    expect(results().slice(0, 2)).toEqual([0x40, 0x80]);
  });
  test("identity, lock, dump, recalibrate, read id, state", () => {
    const { command, results, start, device } = make(new MemoryBlock(pattern(2880)));
    start();
    command(0x10);
    expect(results()).toEqual([0x90]);
    command(0x13, 0, 0x57, 0);
    command(0x94);
    expect(results()).toEqual([0x10]);
    command(0x0e);
    expect(results().slice(7, 9)).toEqual([0x80, 0x57]);
    command(0x07, 0);
    command(8);
    expect(results()).toEqual([0x20, 0]);
    command(0x4a, 0);
    expect(results()).toEqual([0, 0, 0, 0, 0, 1, 2]);
    command(0x4a);
    const saved = device.save();
    command(4);
    const after = results();
    device.load(saved);
    expect(device.save()).toEqual(saved);
    command(4);
    expect(results()).toEqual(after);
  });
  test("sizes", () => {
    expect([720, 1440, 2400, 2880, 5760].map((s) => floppyGeometry(s).perTrack)).toEqual([9, 9, 15, 18, 36]);
    expect(() => floppyGeometry(1)).toThrow(FaultError);
    expect(() => floppyGeometry(1)).toThrow("use 360, 720, 1200, 1440, 2880 KiB");
    const { device } = make(new MemoryBlock(pattern(2880)));
    expect(device.changeMedium("floppy0", new MemoryBlock(pattern(1440)))).toBe(true);
    expect(device.changeMedium("floppy1", null)).toBe(false);
  });
});
