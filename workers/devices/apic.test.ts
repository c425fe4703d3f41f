import { describe, expect, it } from "vitest";
import { testSlot } from "../platform/test-slot.ts";
import { ioApic } from "./io-apic.ts";
import { localApic } from "./local-apic.ts";

function local() {
  const slot = testSlot();
  const chip = localApic.create(slot);
  chip.reset();
  const get = (r: number) => slot.mmio.read(0xfee00000 + r, 4);
  const set = (r: number, v: number) => slot.mmio.write(0xfee00000 + r, 4, v);
  set(0xf0, 0x1ff);
  return { slot, chip, get, set };
}
describe("local APIC", () => {
  it("starts in virtual-wire mode", () => {
    const slot = testSlot();
    const chip = localApic.create(slot);
    expect(chip.acceptsExtInt()).toBe(true);
    expect(slot.mmio.read(0xfee00030, 4)).toBe(0x50014);
  });
  it("delivers by priority, blocks by TPR, nests and ends", () => {
    const { slot, chip, get, set } = local();
    chip.message(0xfee00000, 0x45);
    chip.message(0xfee00000, 0x61);
    expect(chip.acknowledge()).toBe(0x61);
    expect(slot.wireLevel("int")).toBe(false);
    expect(get(0x100 + 0x30)).toBe(2);
    set(0xb0, 0);
    set(0x80, 0x50);
    expect(slot.wireLevel("int")).toBe(false);
    set(0x80, 0x30);
    expect(chip.acknowledge()).toBe(0x45);
    expect(get(0xa0)).toBe(0x40);
  });
  it("counts one-shot, periodic and deadline", () => {
    const { slot, chip, get, set } = local();
    set(0x3e0, 0x0b);
    set(0x320, 0x30);
    set(0x380, 1000);
    slot.advance(400);
    expect(get(0x390)).toBe(600);
    slot.advance(700);
    expect(chip.acknowledge()).toBe(0x30);
    expect(get(0x390)).toBe(0);
    set(0xb0, 0);
    set(0x320, 0x20031);
    set(0x380, 5000);
    slot.advance(5000);
    expect(chip.acknowledge()).toBe(0x31);
    set(0xb0, 0);
    slot.advance(5000);
    expect(chip.acknowledge()).toBe(0x31);
    set(0xb0, 0);
    set(0x320, 0x40032);
    expect(chip.msrWrite(0x6e0, BigInt(slot.clock.now() + 300))).toBe(true);
    slot.advance(301);
    expect(chip.acknowledge()).toBe(0x32);
    expect(chip.msrRead(0x6e0)).toBe(0n);
  });
  it("sends IPIs to itself and tells of errors", () => {
    const { slot, chip, get, set } = local();
    set(0x300, 0x40041);
    expect(chip.acknowledge()).toBe(0x41);
    set(0x310, 0);
    set(0x300, 0x4400);
    expect(slot.wireEdges("nmi")).toBe(1);
    set(0x300, 0x40001);
    set(0x280, 0);
    expect(get(0x280)).toBe(0x60);
  });
  it("speaks x2APIC", () => {
    const { chip, get } = local();
    expect(chip.msrRead(0x802)).toBe(null);
    expect(chip.msrWrite(0x1b, 0xfee00d00n)).toBe(true);
    expect(get(0x30)).toBe(0xffffffff);
    expect(chip.msrRead(0x803)).toBe(0x50014n);
    expect(chip.msrWrite(0x83f, 0x55n)).toBe(true);
    expect(chip.acknowledge()).toBe(0x55);
    expect(chip.msrWrite(0x80b, 0n)).toBe(true);
    expect(chip.msrWrite(0x80b, 1n)).toBe(false);
    expect(chip.msrWrite(0x1b, 0xfee00900n)).toBe(false);
  });
});
describe("I/O APIC", () => {
  function make() {
    const slot = testSlot();
    const chip = ioApic.create(slot);
    chip.reset();
    const set = (r: number, v: number) => (slot.mmio.write(0xfec00000, 4, r), slot.mmio.write(0xfec00010, 4, v));
    const get = (r: number) => (slot.mmio.write(0xfec00000, 4, r), slot.mmio.read(0xfec00010, 4));
    return { slot, chip, set, get };
  }
  it("sends one message per edge, none while masked", () => {
    const { slot, set, get } = make();
    expect(get(1)).toBe(0x170020);
    slot.drive("pin4", true);
    slot.drive("pin4", false);
    set(0x18, 0x24);
    expect(slot.messages).toEqual([]);
    slot.drive("pin4", true);
    expect(slot.messages).toEqual([{ address: 0xfee00000, data: 0x4024 }]);
  });
  it("repeats a level interrupt after EOI only", () => {
    const { slot, chip, set, get } = make();
    set(0x10 + 22, 0x8030);
    slot.drive("pin11", true);
    expect(slot.messages.length).toBe(1);
    expect(get(0x10 + 22) & 0x4000).toBe(0x4000);
    chip.eoi(0x30);
    expect(slot.messages.length).toBe(2);
    slot.drive("pin11", false);
    chip.eoi(0x30);
    expect(slot.messages.length).toBe(2);
    expect(get(0x10 + 22) & 0x4000).toBe(0);
  });
});
