// Sequences on which the fuzzer (npm run fuzz:isa) once found a difference, and fresh ones from a fixed seed: interpreter against what the
// host's processor left (found.bin), and against the translator.

import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compare, unpackCases } from "../harness/cases.ts";
import { coreBinary, coreWasm } from "../harness/core-wasm.ts";
import { Random } from "../harness/encode.ts";
import { Machine } from "../harness/machine.ts";
import { sequence } from "../harness/sequence.ts";
import { Translated } from "../harness/translated.ts";

test("sequences that once failed leave what a real processor left", () => {
  const file = new URL("found.bin", import.meta.url);
  expect(existsSync(file)).toBe(true);
  const machine = new Machine(coreWasm(), false, false);
  const translated = new Translated(coreBinary(), false);
  const problems: string[] = [];
  let count = 0;
  for (const c of unpackCases(readFileSync(file))) {
    count++;
    for (const [who, r] of [["interpreter", machine.run(c.mode, c.code, c.before, true)], ["translator", translated.run(c.mode, c.code, c.before)]] as const) {
      const problem = compare(c, r.vector, r.after);
      if (problem) problems.push(`${who}, ${Buffer.from(c.code).toString("hex")} in ${c.mode ? "32" : "64"}-bit code: ${problem}`);
    }
  }
  expect(problems).toEqual([]);
  expect(count).toBeGreaterThan(0);
}, 60_000);

test("the translator leaves what the interpreter leaves, on random sequences", () => {
  const machine = new Machine(coreWasm(), false, false);
  const translated = new Translated(coreBinary(), false);
  const rng = new Random(20261123);
  const problems: string[] = [];
  for (let n = 0; n < 400; n++) {
    const s = sequence(rng, 8, false);
    const a = machine.run(s.mode, s.code, s.before, true);
    const b = translated.run(s.mode, s.code, s.before);
    const problem = compare({ name: "sequence", mode: s.mode, check: 0, flagsIgnored: 0, code: s.code, before: s.before, ...a }, b.vector, b.after);
    if (problem) problems.push(`${Buffer.from(s.code).toString("hex")} in ${s.mode ? "32" : "64"}-bit code: ${problem}`);
  }
  expect(problems).toEqual([]);
  expect(translated.translated()).toBeGreaterThan(300);
}, 60_000);
