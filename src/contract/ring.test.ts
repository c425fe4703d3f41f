// Ring and input events: order, wrap-around, what a full ring does, round trip of events.

import { describe, expect, test } from "vitest";
import { pushKey, pushPointer, takeInput } from "./input.ts";
import { Ring } from "./ring.ts";

describe("ring", () => {
  test("keeps order over many wraps", () => {
    const writer = Ring.create(16);
    const reader = new Ring(writer.buffer);
    let next = 0;
    let seen = 0;
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 11; i++) expect(writer.push(next++ & 255)).toBe(true);
      for (const byte of reader.drain(11)) expect(byte).toBe(seen++ & 255);
    }
    expect(reader.shift()).toBe(-1);
  });
  test("a full ring refuses and counts", () => {
    const ring = Ring.create(8);
    expect(ring.write(new Uint8Array(12))).toBe(8);
    expect(ring.free).toBe(0);
    expect(ring.push(1)).toBe(false);
    expect(ring.lost).toBe(1);
  });
  test("capacity is a power of two", () => expect(() => Ring.create(12)).toThrow());
});
describe("input", () => {
  test("keys and pointers come out as they went in", () => {
    const ring = Ring.create(64);
    pushKey(ring, 0xe05b, true);
    pushPointer(ring, -300, 70, -1, 5);
    pushKey(ring, 0x1c, false);
    const seen: unknown[] = [];
    takeInput(ring, (code, down) => seen.push([code, down]), (...pointer) => seen.push(pointer));
    expect(seen).toEqual([[0xe05b, true], [-300, 70, -1, 5], [0x1c, false]]);
  });
  test("no half event in a full ring", () => {
    const ring = Ring.create(16);
    expect([pushKey(ring, 1, true), pushKey(ring, 1, false), pushKey(ring, 2, true)]).toEqual([true, true, false]);
    expect(ring.length).toBe(16);
  });
});
