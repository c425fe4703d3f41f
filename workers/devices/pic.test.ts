import { describe, expect, it } from "vitest";
import { testSlot } from "../platform/test-slot.ts";
import { pic } from "./pic.ts";

function make(masterMask = 0, slaveMask = 0) {
  const slot = testSlot();
  const chip = pic.create(slot);
  chip.reset();
  for (const [port, value] of [[0x20, 0x11], [0x21, 0x08], [0x21, 4], [0x21, 1], [0xa0, 0x11], [0xa1, 0x70], [0xa1, 2], [0xa1, 1], [0x21, masterMask], [0xa1, slaveMask]] as const) slot.out8(port, value);
  return { slot, chip };
}
describe("pic", () => {
  it("delivers by priority and waits for EOI", () => {
    const { slot, chip } = make();
    slot.drive("irq5", true);
    slot.drive("irq1", true);
    expect(slot.wireLevel("int")).toBe(true);
    expect(chip.acknowledge()).toBe(9);
    expect(slot.wireLevel("int")).toBe(false);
    slot.out8(0x20, 0x20);
    expect(chip.acknowledge()).toBe(13);
    slot.out8(0x20, 0x0b);
    expect(slot.in8(0x20)).toBe(0x20);
  });
  it("cascades the slave through line 2", () => {
    const { slot, chip } = make();
    slot.drive("irq12", true);
    expect(chip.acknowledge()).toBe(0x74);
    slot.out8(0xa0, 0x20);
    slot.out8(0x20, 0x20);
    slot.drive("irq12", false);
    slot.drive("irq12", true);
    expect(chip.acknowledge()).toBe(0x74);
  });
  it("takes one interrupt per edge, and repeats a level line", () => {
    const { slot, chip } = make();
    slot.drive("irq3", true);
    chip.acknowledge();
    slot.out8(0x20, 0x20);
    expect(slot.wireLevel("int")).toBe(false);
    slot.out8(0x4d1, 0x08);
    slot.drive("irq11", true);
    chip.acknowledge();
    slot.out8(0xa0, 0x20);
    slot.out8(0x20, 0x20);
    expect(slot.wireLevel("int")).toBe(true);
    slot.drive("irq11", false);
    expect(slot.wireLevel("int")).toBe(false);
  });
  it("answers a request that went away with the spurious vector", () => {
    const { slot, chip } = make();
    slot.out8(0x4d0, 0x20);
    slot.drive("irq5", true);
    slot.drive("irq5", false);
    expect(chip.acknowledge()).toBe(15);
    slot.out8(0x20, 0x0b);
    expect(slot.in8(0x20)).toBe(0);
  });
  it("rotates, masks specially and polls", () => {
    const { slot, chip } = make();
    slot.drive("irq0", true);
    chip.acknowledge();
    slot.out8(0x20, 0xa0); // rotate on non-specific EOI: line 0 is lowest now
    slot.drive("irq0", false);
    slot.drive("irq0", true);
    slot.drive("irq6", true);
    slot.out8(0x20, 0x0c);
    expect(slot.in8(0x20)).toBe(0x86);
    slot.out8(0x20, 0x66);
    slot.out8(0x21, 0x80);
    slot.out8(0x20, 0x68);
    expect(chip.acknowledge()).toBe(8);
  });
  it("ends by itself with automatic EOI", () => {
    const slot = testSlot();
    const chip = pic.create(slot);
    for (const [port, value] of [[0x20, 0x11], [0x21, 8], [0x21, 4], [0x21, 3], [0x21, 0]] as const) slot.out8(port, value);
    slot.drive("irq1", true);
    chip.acknowledge();
    slot.drive("irq4", true);
    expect(slot.wireLevel("int")).toBe(true);
  });
});
