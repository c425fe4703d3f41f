// System-mode cases with the lines that Bochs printed for them: a corpus of every mode, and those that npm run fuzz:isa once found us wrong on.
// Interpreted and translated. Neither Bochs nor QEMU is needed.

import { expect, test } from "vitest";
import { coreBinary } from "../harness/core-wasm.ts";
import { surprises } from "../known-failures.ts";
import { readStored, runOurs } from "./board.ts";
import { MODE_NAMES } from "./forms.ts";
import { difference, listing } from "./rom.ts";

const stored = readStored();
test("every mode has stored cases", () => {
  expect(new Set(stored.map((c) => c.record[2])).size).toBe(MODE_NAMES.length);
  expect(stored.length).toBeGreaterThan(200);
});
test.each(["interp", "jit"] as const)("%s leaves what Bochs leaves", async (accel) => {
  const lines = await runOurs(coreBinary(), stored.map((c) => c.record), accel);
  const failures = stored.map((c, i) => ({ c, what: difference(lines[i] as string, c.expected) })).filter((f) => f.what !== "");
  expect(surprises("fuzz-system", failures.map(({ c, what }) => `${Buffer.from(c.record).toString("hex")}: ${what}\n${listing(c.record)}`))).toEqual([]);
}, 120_000);
