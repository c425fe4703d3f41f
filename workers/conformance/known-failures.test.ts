// The list of known failures: each line has a suite that exists and a reason, and a listed case that passes is an error.

import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { KNOWN, parseKnown, surprises } from "./known-failures.ts";

test("every line names a suite and gives a reason", () => {
  for (const { suite } of KNOWN) expect(existsSync(new URL(`${suite}/`, import.meta.url)), suite).toBe(true);
  expect(() => parseKnown("system/misc: lock mov")).toThrow("reason");
  expect(parseKnown("# nothing\n\nsystem/misc: lock mov; TCG cannot\n")).toEqual([{ suite: "system/misc", name: "lock mov", reason: "TCG cannot" }]);
});
test("a failure that is not listed and a listed one that passes are both surprises", () => {
  const known = parseKnown("integer: ADD 00 /r: 0000; made up\nintegers: x; y");
  expect(surprises("integer", ["ADD 00 /r: 0000 in 64-bit code: vector 6"], known)).toEqual([]);
  expect(surprises("integer", ["ADD 00 /r: 0001 in 64-bit code: vector 6"], known)).toHaveLength(2);
  expect(surprises("integer", [], known)).toHaveLength(1);
});
