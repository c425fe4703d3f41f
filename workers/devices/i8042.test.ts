import { describe, expect, it } from "vitest";
import { testSlot } from "../platform/test-slot.ts";
import { i8042 } from "./i8042.ts";

function make() {
  const slot = testSlot();
  const chip = i8042.create(slot);
  chip.reset();
  const drain = () => {
    const out: number[] = [];
    while (slot.in8(0x64) & 1) out.push(slot.in8(0x60));
    return out;
  };
  const key = (code: number, down: boolean) => slot.keyListeners.forEach((l) => l(code, down));
  return { slot, drain, key };
}
describe("i8042", () => {
  it("passes its self test and resets the keyboard", () => {
    const { slot, drain } = make();
    slot.out8(0x64, 0xaa);
    expect(drain()).toEqual([0x55]);
    slot.out8(0x60, 0xff);
    expect(drain()).toEqual([0xfa, 0xaa]);
    slot.out8(0x60, 0xf2);
    expect(drain()).toEqual([0xfa, 0xab, 0x83]);
  });
  it("sends set 2 raw and set 1 translated", () => {
    const { slot, drain, key } = make();
    key(0x1e, true);
    key(0x1e, false);
    key(0xe048, true);
    key(0xe048, false);
    expect(drain()).toEqual([0x1c, 0xf0, 0x1c, 0xe0, 0x75, 0xe0, 0xf0, 0x75]);
    slot.out8(0x64, 0x60);
    slot.out8(0x60, 0x43);
    for (const code of [0x1e, 0x3b, 0x41, 0x44, 0x57, 0x58, 0x39, 0x01, 0x1c, 0x2a, 0x56, 0x37, 0x4a]) {
      key(code, true);
      key(code, false);
      expect(drain()).toEqual([code, code | 0x80]);
    }
    key(0xe048, true);
    key(0xe048, false);
    expect(drain()).toEqual([0xe0, 0x48, 0xe0, 0xc8]);
  });
  it("raises IRQ1 per byte and IRQ12 for the mouse", () => {
    const { slot, drain, key } = make();
    slot.out8(0x64, 0x60);
    slot.out8(0x60, 0x47);
    key(0x10, true);
    expect(slot.level(1)).toBe(true);
    slot.in8(0x60);
    expect(slot.level(1)).toBe(false);
    slot.out8(0x64, 0xd4);
    slot.out8(0x60, 0xf4);
    expect(slot.in8(0x64) & 0x21).toBe(0x21);
    expect(slot.level(12)).toBe(true);
    expect(drain()).toEqual([0xfa]);
    slot.pointerListeners.forEach((l) => l(5, -3, 0, 1));
    expect(drain()).toEqual([0x29, 5, 0xfd]);
  });
  it("becomes a wheel mouse after the knock", () => {
    const { slot, drain } = make();
    const mouse = (v: number) => (slot.out8(0x64, 0xd4), slot.out8(0x60, v));
    for (const v of [0xf3, 200, 0xf3, 100, 0xf3, 80]) mouse(v);
    drain();
    mouse(0xf2);
    expect(drain()).toEqual([0xfa, 3]);
    mouse(0xf4);
    drain();
    slot.pointerListeners.forEach((l) => l(0, 0, -1, 0));
    expect(drain()).toEqual([8, 0, 0, 0xff]);
  });
  it("drives A20 and reset from command and port 0x92", () => {
    const { slot } = make();
    slot.out8(0x64, 0xd1);
    slot.out8(0x60, 0xdd);
    expect(slot.wireLevel("a20")).toBe(false);
    slot.out8(0x92, 2);
    expect(slot.wireLevel("a20")).toBe(true);
    expect(slot.in8(0x92) & 2).toBe(2);
    slot.out8(0x64, 0xfe);
    slot.out8(0x92, 3);
    expect(slot.wireEdges("reset")).toBe(2);
  });
  it("holds keys back while the keyboard is disabled", () => {
    const { slot, drain, key } = make();
    slot.out8(0x64, 0xad);
    key(0x1e, true);
    expect(drain()).toEqual([]);
    slot.out8(0x64, 0xae);
    expect(drain()).toEqual([0x1c]);
  });
});
