import { expect, test } from "vitest";
import type { TraceEvent } from "../contract/trace.ts";
import { hangOf } from "./hang.ts";

const event = (kind: TraceEvent["kind"], a: number, ip: number, b = -1, c = 0): TraceEvent => ({ atNs: 0, instructions: 0, kind, cpu: 0, device: -1, a, b, c, ip });
const round = (vector: number, ip: number, handler = 0xfff53) => [event("cpu.exception", vector, ip), event("cpu.handler", vector, handler, ip, handler)];
test("an exception that firmware sends back to the same instruction, again and again", () => {
  expect(hangOf([...round(6, 0x7c05), ...round(6, 0x7c05), ...round(6, 0x7c05)])).toEqual({ vector: 6, address: 0x7c05, handler: 0xfff53, irq: null });
  // The timer comes between.
  expect(hangOf([...round(13, 0x7c05), ...round(13, 0x7c05), event("cpu.handler", 8, 0xffea5, 0x7c05, 0xffea5), ...round(13, 0x7c05)])).toMatchObject({ vector: 13, irq: 5 });
});
test("what goes on, and what the program handles itself, is no such thing", () => {
  expect(hangOf([...round(6, 0x7c05), ...round(6, 0x7c07), ...round(6, 0x7c09), ...round(0, 0x7c09)])).toBeNull();
  expect(hangOf([...round(6, 0x7c05, 0x7c40), ...round(6, 0x7c05, 0x7c40), ...round(6, 0x7c05, 0x7c40)])).toBeNull();
  expect(hangOf([event("cpu.handler", 8, 0xffea5, 0x7c05, 0xffea5)])).toBeNull();
  expect(hangOf([])).toBeNull();
});
