// Makes the cases of ../avx: every row of rows-v3.ts and rows-vex.ts that a program may execute, in 64-bit and compatibility code, with edge
// values, rounding modes, masked and unmasked exceptions. Run: npx tsx make-avx.ts /tmp/exec [cases per row].

import { writeFileSync } from "node:fs";
import type { Row } from "../../cpu/isa/row.ts";
import { ROWS_V3 } from "../../cpu/isa/rows-v3.ts";
import { ROWS_VEX } from "../../cpu/isa/rows-vex.ts";
import { type Case, CHECK_APPROXIMATE, CHECK_EXACT, CHECK_UNPREDICTABLE, DATA_LINEAR, FX, GPR, MEMORY, packCases } from "./cases.ts";
import { encode, put, Random, strained, value } from "./encode.ts";
import { encodeVex } from "./encode-vex.ts";
import { notCaptured } from "./not-captured.ts";
import { ask } from "./oracle.ts";
import { ignoredFlags, mxcsr } from "./inputs.ts";

const program = process.argv[2] ?? "/tmp/exec";
const perRow = Number(process.argv[3] ?? "40");
const only = process.argv[4];
const questions: { row: Row; mode: number; code: Uint8Array; before: Uint8Array }[] = [];
const empty: string[] = [];

/** XSAVE areas lie at MEMORY + 128; the header's fields are mostly legal. */
function xsaveCase(rng: Random, before: Uint8Array): void {
  const at = MEMORY + 128;
  put(before, GPR, BigInt(rng.one(6) ? rng.next() : rng.below(8)), 8);
  put(before, GPR + 2 * 8, rng.one(8) ? BigInt(rng.below(2)) : 0n, 8);
  for (let i = 0; i < 64; i++) before[at + 512 + i] = 0;
  const present = rng.below(8);
  put(before, at + 512, BigInt(present), 8);
  if (rng.one(2)) put(before, at + 520, 0x8000000000000000n | BigInt(rng.one(5) ? rng.below(16) : present | rng.below(8)), 8);
  if (rng.one(8)) before[at + 512 + rng.below(64)] = 1 << rng.below(8);
  put(before, at, BigInt(0x340 | rng.below(64)), 2);
  put(before, at + 2, BigInt(rng.below(8) << 11), 2);
  put(before, at + 4, BigInt(rng.below(256)), 1);
  put(before, at + 6, 0n, 8);
  put(before, at + 14, 0n, 10);
  put(before, at + 24, rng.one(8) ? rng.bits(32) : rng.bits(16), 4);
  for (let i = 0; i < 8; i++) put(before, at + 32 + i * 16, value(rng, "f80", 80), 10);
  // Initial states, so that the optimization shows.
  if (rng.one(3)) for (let i = 0; i < 16; i++) put(before, FX + 160 + i * 16, 0n, 16);
  if (rng.one(3)) put(before, YMMH_AT, 0n, 256);
  put(before, FX + 24, rng.one(2) ? 0x1f80n : mxcsr(rng), 4);
}
const YMMH_AT = MEMORY + 1024;

let seed = 1;
for (const row of [...ROWS_V3, ...ROWS_VEX]) {
  const rng = new Random(0x2545f491 ^ (seed++ * 7919));
  if (notCaptured(row) || (only && row.op !== only)) continue;
  const isVex = row.enc.startsWith("VEX");
  const simple = row.operands === undefined || /^(CLFLUSHOPT|CLWB)$/.test(row.op);
  const float = row.mxcsr === true || row.fn.startsWith("cvt") || row.fn.startsWith("vcvt");
  const wanted = simple ? 4 : float ? Math.ceil(perRow * 1.5) : perRow;
  let made = 0;
  for (let tries = 0; made < wanted && tries < wanted * 20; tries++) {
    const mode = row.mode === "only64" ? 0 : rng.one(5) ? 1 : 0;
    const e = isVex ? encodeVex(row, rng, mode) : encode(row, rng, mode, row.op === "MOVBE" ? { memory: true } : {});
    if (e === undefined) continue;
    if (/^XSAVE|^XRSTOR/.test(row.op)) {
      // [RDI] only.
      put(e.before, GPR + 7 * 8, BigInt(DATA_LINEAR + 128 + (rng.one(12) ? 8 : 0)), 8);
      xsaveCase(rng, e.before);
      const bytes = row.enc.split(" ").filter((t) => /^[0-9A-F]{2}$/.test(t)).map((t) => Number.parseInt(t, 16));
      const digit = Number(/\/(\d)/.exec(row.enc)?.[1] ?? 0);
      const rex = mode === 0 && rng.one(2) ? [0x48] : [];
      const code = Uint8Array.from([...rex, ...bytes, 0x07 | (digit << 3)]);
      questions.push({ row, mode, code, before: e.before });
      if (made++ === 0) for (const other of strained(code, false)) questions.push({ row, mode, code: other, before: e.before });
      continue;
    }
    if (row.op === "XGETBV") put(e.before, GPR + 8, BigInt(rng.one(3) ? 7 : 0), 8);
    if (row.guard === "avx" || row.guard === "sse") put(e.before, FX + 24, mxcsr(rng), 4);
    if (row.op === "SHA256RNDS2" || /BLENDV/.test(row.op)) put(e.before, FX + 160, value(rng, "int", 128), 16);
    made++;
    questions.push({ row, mode, code: e.code, before: e.before });
    // Behind a REX prefix AMD finds a VEX one undefined before it counts bytes.
    if (made === 1 && !(isVex && e.code.some((b, i) => (b === 0xc4 || b === 0xc5) && ((e.code[i - 1] ?? 0) & 0xf0) === 0x40))) for (const code of strained(e.code, false)) questions.push({ row, mode, code, before: e.before });
  }
  if (made === 0) empty.push(`${row.op} ${row.enc}`);
}
if (empty.length) console.log(`no cases: ${empty.join(", ")}`);
const answers = ask(program, questions);
const cases: Case[] = questions.map(({ row, mode, code, before }, i) => ({
  name: `${row.op} ${row.enc}`,
  mode,
  check: /^RD(RAND|SEED)$/.test(row.op) ? CHECK_UNPREDICTABLE : /^VR(CP|SQRT)/.test(row.op) ? CHECK_APPROXIMATE : CHECK_EXACT,
  flagsIgnored: ignoredFlags(row),
  code,
  before,
  ...(answers[i] as { vector: number; after: Uint8Array }),
}));
const packed = packCases(cases);
writeFileSync(process.argv[5] ?? new URL("../avx/cases.bin", import.meta.url), packed);
console.log(`${cases.length} cases, ${packed.length} bytes, ${cases.filter((c) => c.vector !== 255).length} faults`);
