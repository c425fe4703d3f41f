import { describe, expect, it } from "vitest";
import { testSlot } from "../platform/test-slot.ts";
import { rtc } from "./rtc.ts";

function make(iso = "2026-02-28T23:59:58Z") {
  const slot = testSlot();
  const chip = rtc.create(slot, { baseSeconds: Date.parse(iso) / 1000 });
  chip.reset();
  const get = (i: number) => (slot.out8(0x70, i), slot.in8(0x71));
  const set = (i: number, v: number) => (slot.out8(0x70, i), slot.out8(0x71, v));
  return { slot, get, set };
}
describe("rtc", () => {
  it("keeps the date over the end of a month", () => {
    const { slot, get } = make();
    expect([9, 8, 7, 4, 2, 0].map(get)).toEqual([0x26, 0x02, 0x28, 0x23, 0x59, 0x58]);
    slot.advance(2e9);
    expect([8, 7, 4, 2, 0, 0x32].map(get)).toEqual([0x03, 0x01, 0, 0, 0, 0x20]);
  });
  it("is set by the guest, in binary and 12 hours", () => {
    const { slot, get, set } = make();
    set(11, 0x84);
    for (const [i, v] of [[0, 5], [2, 30], [4, 0x80 | 3], [7, 15], [8, 6], [9, 99], [0x32, 19]] as const) set(i, v);
    set(11, 0x04);
    slot.advance(60e9);
    expect([0, 2, 4, 7, 8, 9].map(get)).toEqual([5, 31, 0x83, 15, 6, 99]);
    set(11, 0x06);
    expect(get(4)).toBe(15);
  });
  it("says when an update is near", () => {
    const { slot, get } = make();
    expect(get(10) & 0x80).toBe(0);
    slot.advance(999_900_000);
    expect(get(10) & 0x80).toBe(0x80);
    slot.advance(200_000);
    expect(get(10) & 0x80).toBe(0);
  });
  it("interrupts periodically at 1024 Hz", () => {
    const { slot, get, set } = make();
    set(11, 0x42);
    let seen = 0;
    for (let i = 0; i < 2000; i++) {
      slot.advance(500_000);
      if (slot.level(8)) {
        expect(get(12) & 0xc0).toBe(0xc0);
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(1000);
    expect(seen).toBeLessThan(1030);
  });
  it("raises alarm and update-ended interrupts", () => {
    const { slot, get, set } = make();
    for (const [i, v] of [[1, 0x00], [3, 0xff], [5, 0xff]] as const) set(i, v);
    set(11, 0x22);
    slot.advance(1.5e9);
    expect(slot.level(8)).toBe(false);
    slot.advance(1e9);
    expect(slot.level(8)).toBe(true);
    expect(get(12) & 0xa0).toBe(0xa0);
    expect(slot.level(8)).toBe(false);
    set(11, 0x12);
    slot.advance(1e9);
    expect(get(12) & 0x90).toBe(0x90);
  });
});
