// Every integer row that a program may execute, against the states a real processor left (see ../harness).

import { expect, test } from "vitest";
import { coreWasm } from "../harness/core-wasm.ts";
import { runCases } from "../harness/suite.ts";
import { surprises } from "../known-failures.ts";

test("integer instructions leave the state a real processor leaves", () => {
  const { passed, problems } = runCases(coreWasm(), new URL("cases.bin", import.meta.url));
  expect(surprises("integer", problems)).toEqual([]);
  expect(passed).toBeGreaterThan(42_000);
}, 60_000);
