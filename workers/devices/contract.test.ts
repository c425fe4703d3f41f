// What every device type must keep, looping over the registry: reset twice is reset once; save, load, save is equal; a stranger's state
// is refused or harmless; ten thousand random accesses never throw.

import { describe, expect, it } from "vitest";
import { allOnes } from "../platform/bus.ts";
import { SnapshotError } from "../platform/state.ts";
import { type TestSlot, testSlot } from "../platform/test-slot.ts";
import type { Device, Width } from "../platform/types.ts";
import { deviceTypes } from "./index.ts";

/** A small repeatable generator (mulberry32). */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}
function make(index: number): { slot: TestSlot; device: Device } {
  const type = deviceTypes[index];
  if (!type) throw new Error("no such type");
  const slot = testSlot({ block: null });
  const device = type.create(slot, type.options.parse({}));
  slot.pciBus.reset();
  device.reset();
  return { slot, device };
}
/** Programs every BAR of the device's PCI function, if it has one. */
function mapBars(slot: TestSlot): void {
  const f = slot.function;
  if (!f) return;
  let memory = 0xd0000000;
  let port = 0xc000;
  for (const bar of f.list()) {
    const at = bar.index === 6 ? 0x30 : 0x10 + bar.index * 4;
    if (bar.kind === "io") {
      f.write(at, 4, port);
      port += Math.max(256, bar.length);
    } else {
      memory = Math.ceil(memory / bar.length) * bar.length;
      f.write(at, 4, memory + (bar.index === 6 ? 1 : 0));
      memory += bar.length;
    }
  }
  f.write(4, 2, 7);
}
function hammer(slot: TestSlot, count: number, seed: number): void {
  const next = random(seed);
  const widths: Width[] = [1, 2, 4];
  for (let i = 0; i < count; i++) {
    const ranges = next() & 1 && slot.mmio.list().length > 0 ? slot.mmio : slot.pio;
    const list = ranges.list();
    const range = list[next() % Math.max(1, list.length)];
    if (!range) continue;
    const width = widths[next() % 3] as Width;
    const at = range.base + (next() % range.length);
    if (next() & 1) ranges.write(at, width, next() % 2 ** (8 * width));
    else {
      const value = ranges.read(at, width);
      if (!(value >= 0 && value <= allOnes(width))) throw new Error(`read of ${at.toString(16)} gave ${value} for width ${width}`);
    }
    if (next() % 16 === 0) slot.advance(next() % 50_000);
    if (slot.function && next() % 64 === 0) slot.function.write((next() % 192) + 64, 1, next() & 0xff);
  }
}

describe.each(deviceTypes.map((t, i) => [t.name, i] as const))("%s", (_name, index) => {
  it("resets twice as once", () => {
    const { slot, device } = make(index);
    mapBars(slot);
    hammer(slot, 300, 7);
    slot.pciBus.reset();
    device.reset();
    const once = device.save();
    device.reset();
    expect(device.save()).toEqual(once);
  });
  it("saves what it loads", () => {
    const { slot, device } = make(index);
    mapBars(slot);
    hammer(slot, 500, 11);
    const state = device.save();
    const other = make(index);
    mapBars(other.slot);
    other.slot.advance(slot.clock.now());
    if (slot.function) other.slot.pciBus.load(slot.pciBus.save());
    other.device.load(structuredClone(state));
    expect(other.device.save()).toEqual(state);
  });
  it("refuses a stranger's nonsense in a controlled way", () => {
    const { device } = make(index);
    const state = device.save();
    if (typeof state !== "object" || state === null) return;
    for (const nonsense of [null, 5, "x", [], {}, { ...(state as object), [Object.keys(state)[0] ?? "x"]: "nonsense" }]) {
      try {
        device.load(nonsense as never);
      } catch (e) {
        expect((e as Error).name).toBe("SnapshotError");
        expect(e).toBeInstanceOf(Error);
      }
    }
    expect(SnapshotError).toBeDefined();
  });
  it("survives ten thousand random accesses", () => {
    const { slot } = make(index);
    mapBars(slot);
    hammer(slot, 10_000, 23 + index);
  });
});
