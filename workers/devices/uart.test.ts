import { describe, expect, it } from "vitest";
import { testSlot } from "../platform/test-slot.ts";
import { uart } from "./uart.ts";

function make() {
  const slot = testSlot();
  const chip = uart.create(slot, uart.options.parse({}));
  chip.reset();
  const reg = (r: number) => slot.in8(0x3f8 + r);
  const set = (r: number, v: number) => slot.out8(0x3f8 + r, v);
  return { slot, reg, set };
}
describe("uart", () => {
  it("sends at once and stays ready", () => {
    const { slot, reg, set } = make();
    set(0, 65);
    expect(slot.sent).toEqual([65]);
    expect(reg(5) & 0x60).toBe(0x60);
  });
  it("raises THRE when enabled and again after each byte, cleared by IIR", () => {
    const { slot, reg, set } = make();
    set(1, 2);
    expect(slot.level(4)).toBe(true);
    expect(reg(2) & 15).toBe(2);
    expect(slot.level(4)).toBe(false);
    expect(reg(2) & 15).toBe(1);
    set(0, 66);
    expect(slot.level(4)).toBe(true);
  });
  it("receives with interrupt, keeps order and never drops what waits outside", () => {
    const { slot, reg, set } = make();
    set(1, 1);
    slot.feed(1, 2, 3);
    expect(slot.level(4)).toBe(true);
    expect([reg(0), reg(0), reg(0)]).toEqual([1, 2, 3]);
    expect(reg(5) & 1).toBe(0);
  });
  it("waits for the FIFO trigger, then times out", () => {
    const { slot, reg, set } = make();
    set(2, 0x81); // FIFO on, trigger 8
    set(1, 1);
    slot.feed(9);
    expect(slot.level(4)).toBe(false);
    slot.advance(10e6);
    expect(reg(2)).toBe(0xcc);
    slot.feed(1, 2, 3, 4, 5, 6, 7);
    expect(reg(2)).toBe(0xc4);
  });
  it("loops back data and modem lines", () => {
    const { slot, reg, set } = make();
    set(4, 0x1f);
    set(0, 0x5a);
    expect(reg(0)).toBe(0x5a);
    expect(slot.sent).toEqual([]);
    expect(reg(6) & 0xf0).toBe(0xf0);
    set(4, 0x10);
    expect(reg(6) & 0xf0).toBe(0);
  });
  it("is found by autoconfig: scratch, divisor, FIFO bits, 16550A loop test", () => {
    const { reg, set } = make();
    set(7, 0xa5);
    expect(reg(7)).toBe(0xa5);
    set(3, 0x80);
    set(0, 1);
    set(1, 2);
    expect([reg(0), reg(1)]).toEqual([1, 2]);
    set(3, 3);
    set(2, 1);
    expect(reg(2) >> 6).toBe(3);
    set(4, 0x1a);
    expect(reg(6) & 0xf0).toBe(0x90);
  });
});
