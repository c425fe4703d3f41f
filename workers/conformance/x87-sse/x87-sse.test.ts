// Every MMX, SSE and x87 encoding against the states a real processor left (see ../harness).

import { expect, test } from "vitest";
import { coreWasm } from "../harness/core-wasm.ts";
import { runCases } from "../harness/suite.ts";
import { surprises } from "../known-failures.ts";

test("x87, MMX and SSE instructions leave the state a real processor leaves", () => {
  const { passed, problems } = runCases(coreWasm(), new URL("cases.bin", import.meta.url));
  expect(surprises("x87-sse", problems)).toEqual([]);
  expect(passed).toBeGreaterThan(43_000);
}, 60_000);
