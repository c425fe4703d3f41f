// Runs a whole case file on the core: what passed, what did not, how many cases each row has.

import { readFileSync } from "node:fs";
import { compare, unpackCases } from "./cases.ts";
import { Machine } from "./machine.ts";

export interface SuiteResult {
  passed: number;
  /** Cases of them whose state translated code left. */
  translated: number;
  readonly problems: string[];
}
/** `translated`: every `stride`-th case through the translator, at threshold 1. */
export function runCases(wasm: Uint8Array, file: URL, { translated = false, stride = 1 } = {}): SuiteResult {
  const machine = new Machine(wasm, translated);
  const result: SuiteResult = { passed: 0, translated: 0, problems: [] };
  let n = 0;
  for (const c of unpackCases(readFileSync(file))) {
    if (n++ % stride) continue;
    const r = machine.run(c.mode, c.code, c.before);
    const problem = compare(c, r.vector, r.after);
    if (problem === "") result.passed++;
    else result.problems.push(`${c.name}: ${Buffer.from(c.code).toString("hex")} in ${c.mode ? "32" : "64"}-bit code: ${problem}`);
  }
  result.translated = machine.translatedCases;
  return result;
}
