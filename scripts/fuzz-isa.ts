// npm run fuzz:isa -- --seconds N [--seed S] [--length L] [--user | --system] [--loops] [--no-jit] [--keep]: random instruction sequences. Half of the time
// in user mode, three ways: interpreter, translator, and the host's own processor through workers/conformance/harness/exec.c when gcc is there (else
// interpreter against translator); half in every system mode against Bochs (fuzz-system.ts). A sequence on which they differ is cut down to the
// shortest that still differs, printed, and (--keep) stored in workers/conformance/fuzz/found.bin or fuzz-system/cases.z, which the suites run.
// Left out of the user half: kernel entries, what the host's kernel changes, results that vendors keep differently (harness/README.md).

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Case, CHECK_EXACT, compare, packCases, unpackCases } from "../workers/conformance/harness/cases.ts";
import { coreBinary, coreWasm } from "../workers/conformance/harness/core-wasm.ts";
import { Random } from "../workers/conformance/harness/encode.ts";
import { Machine, TIMEOUT } from "../workers/conformance/harness/machine.ts";
import { ask } from "../workers/conformance/harness/oracle.ts";
import { type Sequence, shorter, sequence } from "../workers/conformance/harness/sequence.ts";
import { Translated } from "../workers/conformance/harness/translated.ts";
import { disassemble } from "../workers/cpu/isa/disassemble.ts";
import { fuzzSystem } from "./fuzz-system.ts";

const option = (name: string, fallback: number) => {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? fallback : Number(process.argv[at + 1]);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} wants a number`);
  return value;
};
const only = process.argv.includes("--user") ? "user" : process.argv.includes("--system") ? "system" : "both";
const seconds = option("seconds", 60) / (only === "both" ? 2 : 1);
const longest = option("length", 8);
const rng = new Random(option("seed", Date.now() & 0x7fffffff) || 1);
const loops = process.argv.includes("--loops");
const translates = !process.argv.includes("--no-jit");
const BATCH = 1500;
const store = fileURLToPath(new URL("../workers/conformance/fuzz/found.bin", import.meta.url));

/** exec.c built, or null without gcc. */
function buildOracle(): string | null {
  const file = join(mkdtempSync(join(tmpdir(), "guesthouse-fuzz-")), "exec");
  const source = fileURLToPath(new URL("../workers/conformance/harness/exec.c", import.meta.url));
  const built = spawnSync("gcc", ["-O2", "-mfsgsbase", "-fno-stack-protector", "-o", file, source]);
  if (built.status !== 0) return null;
  // One question, to see that this host runs it.
  return spawnSync(file, { input: Buffer.alloc(0) }).status === 0 ? file : null;
}
const oracle = buildOracle();
if (!oracle) console.log("no gcc, or a host that cannot run exec.c: interpreter against translator only");
const machine = new Machine(coreWasm(), false, false);
const core = coreBinary();
const fresh = () => (translates ? new Translated(core, false) : null);
let translated = fresh();

type Answer = { readonly vector: number; readonly after: Uint8Array };
function asCase(s: Sequence, answer: Answer): Case {
  return { name: "sequence", mode: s.mode, check: CHECK_EXACT, flagsIgnored: s.flagsIgnored, code: s.code, before: s.before, ...answer };
}
/** What differs, or "". */
function differs(s: Sequence, host: Answer | null): string {
  const interpreted = machine.run(s.mode, s.code, s.before, true);
  // A loop whose body changes its counter may go on for ever.
  if (interpreted.vector === TIMEOUT || host?.vector === TIMEOUT) return "";
  // Accesses that wrap at 4 GiB under a limit of FFFFFFFFh may fault or not (SDM 3A 5.3).
  const wraps = s.mode === 1 && (host?.vector === 13 || host?.vector === 12) && interpreted.vector === 14;
  if (host && !wraps) {
    const problem = compare(asCase(s, host), interpreted.vector, interpreted.after);
    if (problem) return `interpreter and host: ${problem}`;
  }
  if (!translated) return "";
  const fast = translated.run(s.mode, s.code, s.before);
  const problem = compare({ ...asCase(s, interpreted), flagsIgnored: 0 }, fast.vector, fast.after);
  return problem ? `translator and interpreter: ${problem}` : "";
}
const answers = (list: readonly Sequence[]): (Answer | null)[] => (oracle ? ask(oracle, list) : list.map(() => null));

function minimise(first: Sequence): Sequence {
  let best = first;
  for (let again = true; again; ) {
    again = false;
    const tries = shorter(best);
    if (tries.length === 0) break;
    const replies = answers(tries);
    for (const [i, t] of tries.entries()) {
      if (!differs(t, replies[i] ?? null)) continue;
      best = t;
      again = true;
      break;
    }
  }
  return best;
}
function listing(s: Sequence): string {
  const bits = s.mode === 0 ? 64 : 32;
  return s.parts.map((p) => `    ${Buffer.from(p.code).toString("hex").padEnd(24)} ${disassemble(p.code, bits, 0n).text}`).join("\n");
}

const started = Date.now();
const end = started + seconds * 1000;
const found: Case[] = [];
const seen = new Map<string, number>();
let sequences = 0;
let instructions = 0;
let completed = 0;
while (only !== "system" && Date.now() < end) {
  const batch = Array.from({ length: BATCH }, () => sequence(rng, longest, loops));
  const replies = answers(batch);
  for (const [i, s] of batch.entries()) {
    const host = replies[i] ?? null;
    sequences++;
    instructions += s.parts.length;
    if (host?.vector === 255) completed++;
    if (!differs(s, host)) continue;
    const least = minimise(s);
    const [reply] = answers([least]);
    const what = differs(least, reply ?? null);
    const key = least.parts.map((p) => p.name).join(" + ");
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    if (before >= 2) continue;
    const rounds = least.rounds ? ` (${least.rounds} rounds)` : "";
    console.log(`${s.mode ? "32" : "64"}-bit${rounds}: ${what.slice(0, 400)}\n${listing(least)}`);
    if (reply && least.code.length <= 126) found.push(asCase(least, reply));
  }
  // The translator keeps every function it made.
  translated = fresh();
}
if (found.length) {
  const old = existsSync(store) ? [...unpackCases(readFileSync(store))] : [];
  if (process.argv.includes("--keep")) writeFileSync(store, packCases([...old, ...found]));
}
let failed = seen.size > 0;
const rate = Math.round(sequences / ((Date.now() - started) / 1000));
if (only !== "system") console.log(`${sequences} sequences (${rate} a second), ${instructions} instructions, ${completed} sequences ran to their end, ${[...seen.values()].reduce((a, b) => a + b, 0)} differences of ${seen.size} kinds`);
for (const [key, n] of seen) console.log(`${String(n).padStart(6)}  ${key}`);
if (only !== "user") {
  const system = await fuzzSystem(rng, seconds, option("length", 4), process.argv.includes("--keep"), option("corpus", 0));
  console.log(`${system.cases} system-mode cases, ${system.findings} differences of ${system.kinds.size} kinds`);
  for (const [key, n] of system.kinds) console.log(`${String(n).padStart(6)}  ${key}`);
  failed ||= system.findings > 0;
}
process.exit(failed ? 1 : 0);
