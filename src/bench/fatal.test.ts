import { expect, test } from "vitest";
import type { TraceEvent } from "../contract/trace.ts";
import { fatalOf } from "./fatal.ts";

const event = (instructions: number, ip: number, a: number, b = -1, c = 0): TraceEvent => ({ atNs: 0, instructions, kind: "cpu.exception", cpu: 0, device: -1, a, b, c, ip });
test("the first exception of the last instruction is what happened", () => {
  expect(fatalOf([event(5, 0x10000, 6), event(9, 0x10010, 14, 2, 0x500000), event(9, 0x10010, 13, 14 * 8 + 2), event(9, 0x10010, 8, 0)])).toEqual({ vector: 14, address: 0x10010, code: 2, touched: 0x500000, gate: null });
  expect(fatalOf([event(9, 0x10010, 0), event(9, 0x10010, 13, 2), event(9, 0x10010, 8, 0)])).toMatchObject({ vector: 0, code: null, gate: null });
});
test("a gate that cannot be used is named; nothing traced is nothing said", () => {
  expect(fatalOf([event(3, 0x10002, 13, 0x80 * 8 + 2), event(3, 0x10002, 8, 0)])).toMatchObject({ vector: 13, gate: 0x80 });
  // A selector of the GDT is no gate.
  expect(fatalOf([event(3, 0x10002, 13, 0x80)])).toMatchObject({ gate: null, code: 0x80 });
  expect(fatalOf([{ ...event(3, 0, 0), kind: "cpu.halt" }])).toBeNull();
  expect(fatalOf([])).toBeNull();
});
