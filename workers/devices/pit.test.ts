import { describe, expect, it } from "vitest";
import { testSlot } from "../platform/test-slot.ts";
import { pit, PIT_HZ } from "./pit.ts";

const ns = (ticks: number) => (ticks / PIT_HZ) * 1e9;
function make() {
  const slot = testSlot();
  const chip = pit.create(slot);
  chip.reset();
  const program = (counter: number, mode: number, count: number, bcd = 0) => {
    slot.out8(0x43, (counter << 6) | 0x30 | (mode << 1) | bcd);
    slot.out8(0x40 + counter, count & 0xff);
    slot.out8(0x40 + counter, count >> 8);
  };
  const value = (counter: number) => {
    slot.out8(0x43, counter << 6);
    return slot.in8(0x40 + counter) | (slot.in8(0x40 + counter) << 8);
  };
  return { slot, chip, program, value };
}
describe("pit", () => {
  it("mode 2 interrupts at 100 Hz", () => {
    const { slot, program } = make();
    program(0, 2, 11932);
    const before = slot.edges(0);
    slot.advance(1e9);
    expect(slot.edges(0) - before).toBe(99);
  });
  it("mode 3 interrupts once per period and counts by two", () => {
    const { slot, program, value } = make();
    program(0, 3, 1000);
    slot.advance(ns(100) + 1);
    expect(value(0)).toBe(800);
    const before = slot.edges(0);
    slot.advance(ns(10_000));
    expect(slot.edges(0) - before).toBe(10);
  });
  it("mode 0 interrupts once and counts on", () => {
    const { slot, program, value } = make();
    program(0, 0, 500);
    expect(slot.level(0)).toBe(false);
    slot.advance(ns(499));
    expect(slot.level(0)).toBe(false);
    slot.advance(ns(2));
    expect(slot.level(0)).toBe(true);
    slot.advance(ns(10));
    expect(value(0)).toBeGreaterThan(0xfff0);
  });
  it("mode 1 is triggered by the gate of counter 2", () => {
    const { slot, program } = make();
    program(2, 1, 100);
    expect(slot.in8(0x61) & 0x20).toBe(0x20);
    slot.out8(0x61, 1);
    expect(slot.in8(0x61) & 0x20).toBe(0);
    slot.advance(ns(101));
    expect(slot.in8(0x61) & 0x20).toBe(0x20);
  });
  it("modes 4 and 5 strobe for one tick", () => {
    const { slot, program } = make();
    program(0, 4, 50);
    const before = slot.edges(0);
    slot.advance(ns(60));
    expect(slot.edges(0) - before).toBe(1);
    program(2, 5, 50);
    slot.out8(0x61, 1);
    slot.advance(ns(50) + 100);
    expect(slot.in8(0x61) & 0x20).toBe(0);
    slot.advance(ns(2));
    expect(slot.in8(0x61) & 0x20).toBe(0x20);
  });
  it("latches, reads back and counts in BCD", () => {
    const { slot, program, value } = make();
    program(0, 2, 0x1000, 1);
    slot.advance(ns(1) + 10);
    expect(value(0)).toBe(0x0999);
    slot.out8(0x43, 0xe2); // read-back: status of counter 0
    expect(slot.in8(0x40)).toBe(0xb5);
    slot.out8(0x43, 0xc2); // status and count
    slot.in8(0x40);
    expect(slot.in8(0x40) | (slot.in8(0x40) << 8)).toBe(0x0999);
  });
  it("toggles the refresh bit", () => {
    const { slot } = make();
    const first = slot.in8(0x61) & 0x10;
    slot.advance(15085);
    expect(slot.in8(0x61) & 0x10).not.toBe(first);
  });
  it("plays channel 2 in mode 3 while gate and speaker bit are on, also when loaded from a saved state", () => {
    const { slot, chip, program } = make();
    program(2, 3, 1193);
    slot.out8(0x61, 1);
    slot.out8(0x61, 2);
    expect(slot.tones).toEqual([]);
    slot.advance(5000);
    slot.out8(0x61, 3);
    expect(slot.tones).toEqual([[5000, PIT_HZ / 1193]]);
    const saved = chip.save();
    slot.advance(1e6);
    // The control word stops the counter; the second byte of the count starts it.
    program(2, 3, 2386);
    expect(slot.tones.slice(1)).toEqual([[1_005_000, 0], [1_005_000, PIT_HZ / 2386]]);
    slot.out8(0x61, 0);
    slot.out8(0x61, 0);
    expect(slot.tones.slice(3)).toEqual([[1_005_000, 0]]);
    chip.load(saved);
    chip.reset();
    expect(slot.tones.slice(4).map(([, hz]) => Math.round(hz))).toEqual([1000, 0]);
    expect(slot.missed.size).toBe(0);
    program(2, 0, 100);
    slot.out8(0x61, 3);
    expect(slot.tones).toHaveLength(6);
    expect([...slot.missed.keys()]).toEqual(["speaker: sound of the 8254 in other modes than 3"]);
  });
  it("counts on without a timer to wait for while the HPET has its interrupt, and goes on in step", () => {
    const { slot, chip, program, value } = make();
    program(0, 2, 1000);
    expect(chip.save()).toMatchObject({ due: expect.any(Number) });
    slot.drive("disable", true);
    expect(chip.save()).toMatchObject({ due: null });
    const before = slot.edges(0);
    slot.advance(ns(10_300) + 10);
    expect(slot.edges(0)).toBe(before);
    expect(value(0)).toBe(700);
    chip.load(chip.save());
    expect(chip.save()).toMatchObject({ due: null });
    slot.drive("disable", false);
    slot.advance(ns(690));
    expect(slot.edges(0)).toBe(before);
    slot.advance(ns(20));
    expect(slot.edges(0)).toBe(before + 1);
  });
});
