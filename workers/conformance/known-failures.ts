// known-failures.txt as the suites read it: which cases of a suite may fail, and that each line gives its reason. A listed case that
// passes fails the suite too, so that the list stays true.

import { readFileSync } from "node:fs";

export interface KnownFailure {
  readonly suite: string;
  readonly name: string;
  readonly reason: string;
}
export function parseKnown(text: string): KnownFailure[] {
  return text.split("\n").filter((l) => l.trim() !== "" && !l.startsWith("#")).map((line) => {
    const [, suite, name, reason] = /^([\w/-]+): (.*?); (.+)$/.exec(line) ?? [];
    if (suite === undefined || name === undefined || reason === undefined) throw new Error(`known-failures.txt wants "suite: case; reason", not "${line}"`);
    return { suite, name, reason };
  });
}
export const KNOWN = parseKnown(readFileSync(new URL("known-failures.txt", import.meta.url), "utf8"));

/** What is wrong with a suite's outcome: failures that are not known, and known ones that did not happen. Failures begin with the case's name. */
export function surprises(suite: string, failures: readonly string[], known: readonly KnownFailure[] = KNOWN): string[] {
  const own = known.filter((k) => k.suite === suite);
  const is = (failure: string, k: KnownFailure) => failure === k.name || failure.startsWith(`${k.name}: `) || failure.startsWith(`${k.name} in `);
  return [
    ...failures.filter((f) => !own.some((k) => is(f, k))),
    ...own.filter((k) => !failures.some((f) => is(f, k))).map((k) => `${k.name}: passes, but is listed in known-failures.txt (${k.reason})`),
  ];
}
