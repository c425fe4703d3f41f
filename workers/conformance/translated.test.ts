// A slice of the instruction cases through the translator: the state that translated code leaves is the one a real processor left. The whole corpus:
// npm run conformance -- --translated.

import { expect, test } from "vitest";
import { coreWasm } from "./harness/core-wasm.ts";
import { runCases } from "./harness/suite.ts";

test.each([
  ["integer", 61],
  ["x87-sse", 83],
  ["avx", 97],
] as const)("translated %s instructions leave the state a real processor leaves", (suite, stride) => {
  const { passed, translated, problems } = runCases(coreWasm(), new URL(`${suite}/cases.bin`, import.meta.url), { translated: true, stride });
  expect(problems).toEqual([]);
  expect(passed).toBeGreaterThan(400);
  expect(translated).toBeGreaterThan(passed * 0.95);
}, 120_000);
