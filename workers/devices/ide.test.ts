// IDE as guests use it: signatures, IDENTIFY, PIO, multiple, LBA48, DMA, async backends, and a CD read both ways.
import { describe, expect, test } from "vitest";
import { MemoryBlock } from "../backends/block-memory.ts";
import { testSlot } from "../platform/test-slot.ts";
import type { BlockBackend } from "../platform/types.ts";
import { type IdeController, ide } from "./ide.ts";

function pattern(sectors: number): Uint8Array {
  return new Uint8Array(sectors * 512).map((_, i) => (i >> 9) * 7 + i);
}
function make(disks: { readonly [at: string]: BlockBackend | null }, kinds: { readonly [at: string]: string } = {}) {
  const plain = testSlot({}, "ide");
  const slot = Object.assign(Object.create(plain) as typeof plain, {
    backend: (_kind: string, id: string) => disks[id] ?? null,
  });
  const device = ide.create(
    slot as never,
    ide.options.parse(Object.fromEntries(Object.keys(disks).map((at) => [at, kinds[at] ?? "disk"]))),
  ) as IdeController;
  device.reset();
  const base = 0xc000;
  const fn = plain.function!;
  fn.write(4, 2, 5);
  fn.write(0x20, 4, base | 1);
  const lba = (sector: number, count: number, slave = 0) => {
    plain.out8(0x1f2, count & 0xff);
    plain.out8(0x1f3, sector & 0xff);
    plain.out8(0x1f4, (sector >> 8) & 0xff);
    plain.out8(0x1f5, (sector >> 16) & 0xff);
    plain.out8(0x1f6, 0xe0 | (slave << 4) | ((sector >> 24) & 15));
  };
  const pioIn = (bytes: number) => {
    const out = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i += 2) {
      const v = plain.in16(0x1f0);
      out[i] = v & 255;
      out[i + 1] = v >> 8;
    }
    return out;
  };
  const prd = (...entries: [number, number][]) => {
    const view = new DataView(plain.bytes.buffer);
    entries.forEach(([address, size], i) => {
      view.setUint32(0x1000 + i * 8, address, true);
      view.setUint32(0x1004 + i * 8, (size & 0xffff) + (i === entries.length - 1 ? 0x80000000 : 0), true);
    });
    plain.out32(base + 4, 0x1000);
  };
  return { slot: plain, device, lba, pioIn, prd, base };
}
const status = 0x1f7;

describe("disk", () => {
  const disk = () => new MemoryBlock(pattern(4096));
  test("empty channel answers zero, signature after soft reset", () => {
    const { slot } = make({ "ide0-master": disk() });
    expect(slot.in8(0x177)).toBe(0);
    slot.out8(0x3f6, 4);
    expect(slot.in8(status)).toBe(0x80);
    slot.out8(0x3f6, 0);
    expect([slot.in8(status), slot.in8(0x1f2), slot.in8(0x1f3), slot.in8(0x1f4), slot.in8(0x1f5)]).toEqual([0x50, 1, 1, 0, 0]);
  });
  test("IDENTIFY", () => {
    const { slot, pioIn } = make({ "ide0-master": disk() });
    slot.out8(0x1f6, 0xa0);
    slot.out8(0x1f7, 0xec);
    expect(slot.level(14)).toBe(true);
    expect(slot.in8(status)).toBe(0x58);
    expect(slot.level(14)).toBe(false);
    const words = new Uint16Array(pioIn(512).buffer);
    expect([words[60], words[100], words[3], words[6]]).toEqual([4096, 4096, 16, 63]);
    expect(String.fromCharCode(words[27]! >> 8, words[27]! & 255)).toBe("GU");
    expect(slot.in8(status)).toBe(0x50);
  });
  test("PIO read of two sectors raises one interrupt each", () => {
    const { slot, lba, pioIn } = make({ "ide0-master": disk() });
    lba(5, 2);
    slot.out8(status, 0x20);
    expect(slot.edges(14)).toBe(1);
    slot.in8(status);
    const first = pioIn(512);
    expect(slot.edges(14)).toBe(2);
    const second = pioIn(512);
    expect([...first, ...second]).toEqual([...pattern(4096).subarray(5 * 512, 7 * 512)]);
    expect(slot.in8(status)).toBe(0x50);
  });
  test("32-bit PIO, READ MULTIPLE, CHS", () => {
    const { slot, lba, pioIn } = make({ "ide0-master": disk() });
    lba(0, 16);
    slot.out8(status, 0xc6);
    lba(3, 16);
    slot.out8(status, 0xc4);
    const wanted = new DataView(pattern(4096).buffer);
    for (let i = 0; i < 16 * 512; i += 4) expect(slot.in32(0x1f0)).toBe(wanted.getUint32(3 * 512 + i, true));
    expect(slot.in8(status)).toBe(0x50);
    slot.out8(0x1f2, 1);
    slot.out8(0x1f3, 2); // cylinder 0, head 1, sector 2
    slot.out8(0x1f4, 0);
    slot.out8(0x1f5, 0);
    slot.out8(0x1f6, 0xa1);
    slot.out8(status, 0x20);
    expect([...pioIn(512)]).toEqual([...pattern(4096).subarray(64 * 512, 65 * 512)]);
  });
  test("PIO write, LBA48, out of range", () => {
    const medium = disk();
    const { slot, lba } = make({ "ide0-master": medium });
    lba(9, 1);
    slot.out8(status, 0x30);
    expect(slot.in8(status)).toBe(0x58);
    for (let i = 0; i < 256; i++) slot.out16(0x1f0, 0xabcd);
    expect(slot.in8(status)).toBe(0x50);
    expect(medium.bytes[9 * 512]).toBe(0xcd);
    for (const [port, old, now] of [[0x1f2, 0, 1], [0x1f3, 0, 4], [0x1f4, 0, 0], [0x1f5, 0, 0]] as const) {
      slot.out8(port, old);
      slot.out8(port, now);
    }
    slot.out8(0x1f6, 0xe0);
    slot.out8(status, 0x24);
    expect(slot.in16(0x1f0)).toBe(new DataView(medium.bytes.buffer).getUint16(4 * 512, true));
    slot.out8(0x3f6, 4);
    slot.out8(0x3f6, 0);
    lba(4096, 1);
    slot.out8(status, 0x20);
    expect(slot.in8(status) & 1).toBe(1);
    expect(slot.in8(0x1f1)).toBe(0x10);
  });
  test("bus-master read and write through a scattered table", () => {
    const medium = disk();
    const { slot, lba, prd, base } = make({ "ide0-master": medium });
    prd([0x2000, 0x200], [0x8000, 0x600]);
    lba(7, 4);
    slot.out8(status, 0xc8);
    expect(slot.level(14)).toBe(false);
    slot.out8(base, 0x09);
    expect(slot.level(14)).toBe(true);
    expect(slot.in8(base + 2) & 7).toBe(4);
    expect([...slot.bytes.subarray(0x2000, 0x2200)]).toEqual([...pattern(4096).subarray(7 * 512, 8 * 512)]);
    expect([...slot.bytes.subarray(0x8000, 0x8600)]).toEqual([...pattern(4096).subarray(8 * 512, 11 * 512)]);
    expect(slot.in8(status)).toBe(0x50);
    slot.out8(base, 0);
    slot.out8(base + 2, 4);
    expect(slot.in8(base + 2) & 7).toBe(0);
    slot.bytes.fill(0x5a, 0x2000, 0x2200);
    prd([0x2000, 0x200]);
    lba(20, 1);
    slot.out8(status, 0xca);
    slot.out8(base, 0x01);
    expect(medium.bytes[20 * 512 + 511]).toBe(0x5a);
    expect(medium.bytes[21 * 512]).toBe(pattern(4096)[21 * 512]);
  });
  test("a table that is too short ends in an error", () => {
    const { slot, lba, prd, base } = make({ "ide0-master": disk() });
    prd([0x2000, 0x200]);
    lba(7, 4);
    slot.out8(status, 0xc8);
    slot.out8(base, 0x09);
    expect(slot.in8(base + 2) & 3).toBe(2);
    expect(slot.in8(status) & 1).toBe(1);
  });
  test("an asynchronous backend keeps BSY until it is done", async () => {
    const bytes = pattern(16);
    let release = () => {};
    const slow: BlockBackend = {
      sectors: 16,
      readOnly: false,
      read: (sector, into) =>
        new Promise((resolve) => {
          release = () => {
            into.set(bytes.subarray(sector * 512, sector * 512 + into.length));
            resolve();
          };
        }),
      write: async () => {},
      flush: async () => {},
    };
    const { slot, lba, pioIn, device } = make({ "ide0-master": slow });
    lba(2, 1);
    slot.out8(status, 0x20);
    expect(slot.in8(status) & 0x80).toBe(0x80);
    const saved = device.save();
    release();
    await Promise.resolve();
    await Promise.resolve();
    expect(slot.in8(status)).toBe(0x58);
    expect(pioIn(512)[0]).toBe(bytes[1024]);
    device.load(saved);
    expect(slot.in8(status) & 0x80).toBe(0x80);
    release();
    await Promise.resolve();
    await Promise.resolve();
    expect(pioIn(512)[1]).toBe(bytes[1025]);
  });
  test("nIEN silences the line, slave is found, state round trip", () => {
    const { slot, lba, device } = make({ "ide0-master": disk(), "ide0-slave": disk() });
    slot.out8(0x3f6, 2);
    lba(1, 1, 1);
    slot.out8(status, 0x20);
    expect(slot.level(14)).toBe(false);
    slot.in16(0x1f0);
    const saved = device.save();
    const next = slot.in16(0x1f0);
    device.load(saved);
    expect(device.save()).toEqual(saved);
    expect(slot.in16(0x1f0)).toBe(next);
  });
});

describe("CD-ROM", () => {
  const disc = () => new MemoryBlock(pattern(400), true);
  const kinds = { "ide0-master": "cdrom" };
  const packet = (slot: ReturnType<typeof testSlot>, bytes: readonly number[], limit = 0xfffe, dma = 0) => {
    slot.out8(0x1f6, 0xa0);
    slot.out8(0x1f1, dma);
    slot.out8(0x1f4, limit & 255);
    slot.out8(0x1f5, limit >> 8);
    slot.out8(status, 0xa0);
    expect(slot.in8(status)).toBe(0x58);
    expect(slot.in8(0x1f2)).toBe(1);
    for (let i = 0; i < 12; i += 2) slot.out16(0x1f0, (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8));
  };
  test("signature and IDENTIFY PACKET", () => {
    const { slot, pioIn } = make({ "ide0-master": disc() }, kinds);
    slot.out8(status, 0xec);
    expect([slot.in8(status) & 1, slot.in8(0x1f4), slot.in8(0x1f5)]).toEqual([1, 0x14, 0xeb]);
    slot.out8(status, 0xa1);
    expect(new Uint16Array(pioIn(512).buffer)[0]).toBe(0x85c0);
  });
  test("READ(10) by PIO in pieces of the byte limit", () => {
    const { slot, pioIn } = make({ "ide0-master": disc() }, kinds);
    packet(slot, [0x28, 0, 0, 0, 0, 3, 0, 0, 2], 2048);
    const got: number[] = [];
    for (let i = 0; i < 2; i++) {
      expect(slot.in8(status)).toBe(0x58);
      expect(slot.in8(0x1f2)).toBe(2);
      expect(slot.in8(0x1f4) | (slot.in8(0x1f5) << 8)).toBe(2048);
      got.push(...pioIn(2048));
    }
    expect([slot.in8(status), slot.in8(0x1f2)]).toEqual([0x50, 3]);
    expect(got).toEqual([...pattern(400).subarray(3 * 2048, 5 * 2048)]);
  });
  test("READ(12) by DMA", () => {
    const { slot, prd, base } = make({ "ide0-master": disc() }, kinds);
    prd([0x4000, 0x1000]);
    packet(slot, [0xa8, 0, 0, 0, 0, 1, 0, 0, 0, 2], 0xfffe, 1);
    slot.out8(base, 0x09);
    expect(slot.in8(base + 2) & 7).toBe(4);
    expect([...slot.bytes.subarray(0x4000, 0x5000)]).toEqual([...pattern(400).subarray(2048, 3 * 2048)]);
  });
  test("no medium, sense, change", () => {
    const { slot, pioIn, device } = make({ "ide0-master": null }, kinds);
    packet(slot, [0]);
    expect(slot.in8(status) & 1).toBe(1);
    packet(slot, [3, 0, 0, 0, 18]);
    expect([...pioIn(18)].slice(2, 14)).toEqual([2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x3a, 0]);
    expect(device.changeMedium("ide0-master", disc())).toBe(true);
    packet(slot, [0]);
    expect(slot.in8(0x1f1) >> 4).toBe(6);
    packet(slot, [0]);
    expect(slot.in8(status)).toBe(0x50);
    packet(slot, [0x25]);
    expect([...pioIn(8)]).toEqual([0, 0, 0, 99, 0, 0, 8, 0]);
  });
  test("INQUIRY, TOC formats, MODE SENSE, events", () => {
    const { slot, pioIn } = make({ "ide0-master": disc() }, kinds);
    packet(slot, [0x12, 0, 0, 0, 36]);
    expect(pioIn(36)[0]).toBe(5);
    packet(slot, [0x43, 0, 0, 0, 0, 0, 0, 0, 20]);
    expect([...pioIn(20)]).toEqual([0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 0, 100]);
    packet(slot, [0x43, 2, 2, 0, 0, 0, 0, 0, 255]);
    expect(pioIn(48)[1]).toBe(46);
    packet(slot, [0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255]);
    expect(pioIn(28)[8]).toBe(0x2a);
    packet(slot, [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8]);
    expect([...pioIn(8)]).toEqual([0, 6, 4, 0x10, 0, 2, 0, 0]);
    packet(slot, [0x46, 0, 0, 0, 0, 0, 0, 0, 32]);
    expect(pioIn(32)[7]).toBe(8);
  });
  test("locked tray stays shut, eject opens it", () => {
    const { slot } = make({ "ide0-master": disc() }, kinds);
    packet(slot, [0x1e, 0, 0, 0, 1]);
    packet(slot, [0x1b, 0, 0, 0, 2]);
    expect(slot.in8(status) & 1).toBe(1);
    packet(slot, [0x1e, 0, 0, 0, 0]);
    packet(slot, [0x1b, 0, 0, 0, 2]);
    packet(slot, [0]);
    expect(slot.in8(0x1f1) >> 4).toBe(2);
  });
});
