import { expect, test } from "vitest";
import { fatalOf, type RaisedException } from "./shutdown.ts";

const raised = (vector: number, address: number, code: number | null = null, touched: number | null = null): RaisedException => ({ vector, code, touched, address, instructions: 9 });
test("the first exception of the last instruction is what happened", () => {
  expect(fatalOf({ raised: [raised(14, 0x10010, 2, 0x500000), raised(13, 0x10010, 14 * 8 + 3), raised(8, 0x10010, 0)] })).toEqual({ vector: 14, address: 0x10010, code: 2, touched: 0x500000, gate: null, external: false });
  expect(fatalOf({ raised: [raised(0, 0x10010), raised(13, 0x10010, 3), raised(8, 0x10010, 0)] })).toMatchObject({ vector: 0, code: null, gate: null });
});
test("a gate that cannot be used is named; nothing known is nothing said", () => {
  expect(fatalOf({ raised: [raised(13, 0x10002, 0x80 * 8 + 2), raised(8, 0x10002, 0)] })).toMatchObject({ vector: 13, gate: 0x80, external: false });
  expect(fatalOf({ raised: [raised(13, 0x10002, 0x20 * 8 + 3), raised(8, 0x10002, 0)] })).toMatchObject({ gate: 0x20, external: true });
  // A selector of the GDT is no gate.
  expect(fatalOf({ raised: [raised(13, 0x10002, 0x80)] })).toMatchObject({ gate: null, code: 0x80 });
  expect(fatalOf({ raised: [] })).toBeNull();
});
