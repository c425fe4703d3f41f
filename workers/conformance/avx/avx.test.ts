// Every VEX encoding and what came with x86-64-v3 against the states a real processor left (see ../harness).

import { expect, test } from "vitest";
import { coreWasm } from "../harness/core-wasm.ts";
import { runCases } from "../harness/suite.ts";
import { surprises } from "../known-failures.ts";

test("AVX, AVX2, FMA, F16C, BMI, AES, SHA and XSAVE instructions leave the state a real processor leaves", () => {
  const { passed, problems } = runCases(coreWasm(), new URL("cases.bin", import.meta.url));
  expect(surprises("avx", problems)).toEqual([]);
  expect(passed).toBeGreaterThan(70_000);
}, 60_000);
