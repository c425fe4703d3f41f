// Makes the cases of ../x87-sse: every MMX, SSE and x87 row, register and memory forms, edge values, rounding and precision modes,
// masked and unmasked. Run: gcc -O2 -o /tmp/exec exec.c && npx tsx make-x87-sse.ts /tmp/exec [cases per row].

import { writeFileSync } from "node:fs";
import type { Row } from "../../cpu/isa/row.ts";
import { ROWS_MMX } from "../../cpu/isa/rows-mmx.ts";
import { ROWS_SSE } from "../../cpu/isa/rows-sse.ts";
import { ROWS_X87 } from "../../cpu/isa/rows-x87.ts";
import { type Case, CHECK_APPROXIMATE, CHECK_EXACT, CHECK_TRANSCENDENTAL, DATA_LINEAR, FX, GPR, MEMORY, packCases } from "./cases.ts";
import { type Encoded, encode, put, Random, strained, value } from "./encode.ts";
import { mxcsr } from "./inputs.ts";
import { ask } from "./oracle.ts";

const TRANSCENDENTAL = /^(FSIN|FCOS|FSINCOS|FPTAN|FPATAN|F2XM1|FYL2X|FYL2XP1)$/;

function x87State(rng: Random, s: Uint8Array, row: Row): void {
  const masks = rng.below(5) ? 0x3f : rng.below(64);
  const control = 0x40 | masks | (rng.pick([0, 2, 3, 3, 3]) << 8) | (rng.pick([0, 0, 1, 2, 3]) << 10);
  put(s, FX, BigInt(control), 2);
  const top = rng.below(8);
  let sw = (top << 11) | (rng.one(2) ? 0 : (rng.below(16) & 7) << 8) | (rng.one(4) ? 0x4000 : 0);
  if (rng.one(6)) sw |= rng.below(64);
  // Pending exceptions only now and then: they make waiting instructions fault.
  if (sw & ~control & 0x3f) {
    if (rng.one(3)) sw |= 0x8080;
    else sw &= ~0x3f;
  }
  put(s, FX + 2, BigInt(sw), 2);
  let tags = 0;
  const loads = /^(FLD|FILD|FBLD|FPTAN|FSINCOS|FXTRACT)/.test(row.op);
  for (let i = 0; i < 8; i++) {
    const used = i === 7 && loads ? rng.one(8) : i < 2 ? !rng.one(16) : !rng.one(4);
    if (used) tags |= 1 << ((top + i) & 7);
    put(s, FX + 32 + i * 16, value(rng, "f80", 80), 10);
  }
  put(s, FX + 4, BigInt(tags), 1);
  if (TRANSCENDENTAL.test(row.op) && !rng.one(4)) {
    const narrow = /F2XM1|FYL2XP1/.test(row.op);
    for (const i of [0, 1]) {
      const se = narrow && i === 0 ? 0x3fff - 1 - rng.below(70) : 0x3fff - 30 + rng.below(60);
      const sign = /^FYL2X$/.test(row.op) && i === 0 ? 0 : rng.below(2) << 15;
      put(s, FX + 32 + i * 16, (BigInt(se | sign) << 64n) | rng.bits(63) | 0x8000000000000000n, 10);
    }
    if (row.op === "FYL2XP1") put(s, FX + 32, (BigInt((0x3fff - 2 - rng.below(60)) | (rng.below(2) << 15)) << 64n) | rng.bits(63) | 0x8000000000000000n, 10);
  }
  if (row.op === "FPREM" || row.op === "FPREM1") {
    // Differences past 63 take a vendor's own partial steps: stay within.
    if (!rng.one(4)) {
      const e = 0x3fff + rng.below(60) - 30;
      put(s, FX + 32 + 8, BigInt((e + rng.below(60)) | (rng.below(2) << 15)), 2);
      put(s, FX + 48 + 8, BigInt(e | (rng.below(2) << 15)), 2);
      for (const i of [0, 1]) put(s, FX + 32 + i * 16, rng.bits(64) | 0x8000000000000000n, 8);
    }
  }
  if (row.op === "FSCALE" && !rng.one(4)) put(s, FX + 48, (BigInt((0x3fff + rng.below(17)) | (rng.below(2) << 15)) << 64n) | rng.bits(63) | 0x8000000000000000n, 10);
}
function x87Memory(rng: Random, row: Row, e: Encoded): void {
  const s = e.before;
  if (!e.memory) return;
  const o = (row.operands ?? "").replace("=", "");
  const at = MEMORY + e.at;
  const integer = row.op.startsWith("FI");
  if (o === "Md") put(s, at, value(rng, integer ? "int" : "f32", 32), 4);
  else if (o === "Mq") put(s, at, value(rng, integer ? "int" : "f64", 64), 8);
  else if (o === "Mw") put(s, at, row.op === "FLDCW" ? BigInt(rng.below(0x2000)) : value(rng, "int", 16), 2);
  else if (o === "Mt") put(s, at, value(rng, row.op === "FBLD" ? "bcd" : "f80", 80), 10);
  else if (/FLDENV|FRSTOR|FXRSTOR/.test(row.op)) {
    const word = /FXRSTOR/.test(row.op) || e.code[0] === 0x66 ? 2 : 4;
    put(s, at, BigInt(0x340 | rng.below(64)), word);
    put(s, at + word, BigInt(rng.below(0x8000) & 0x7f7f), word);
    if (word === 4 || !/FXRSTOR/.test(row.op)) put(s, at + 2 * word, rng.bits(16), word);
    else put(s, at + 24, rng.one(4) ? rng.bits(32) : rng.bits(16), 4);
    if (/FXRSTOR/.test(row.op)) put(s, at + 2, (BigInt(rng.below(0x8000) & 0x7f7f) & 0xffc0n), 2);
  }
}

const program = process.argv[2] ?? "/tmp/exec";
const perRow = Number(process.argv[3] ?? "26");
const questions: { row: Row; mode: number; e: Encoded }[] = [];
let seed = 1;
for (const [rows, kind] of [
  [ROWS_X87, "x87"],
  [ROWS_MMX, "mmx"],
  [ROWS_SSE, "sse"],
] as const) {
  for (const row of rows) {
    const rng = new Random(0x9e3779b9 ^ (seed++ * 7919));
    const operands = row.operands ?? "";
    const plain = operands === "" && kind !== "x87";
    const count = plain || /^(PREFETCH|CLFLUSH)/.test(row.op) ? 2 : kind === "mmx" ? Math.ceil(perRow * 0.6) : perRow;
    for (let i = 0, tries = 0; i < count && tries < count * 4; tries++) {
      const mode = rng.one(5) ? 1 : 0;
      let e = encode(row, rng, mode);
      if (e === undefined) continue;
      if (/^(FXSAVE|FXRSTOR|FNSTENV|FNSAVE|FLDENV|FRSTOR)$/.test(row.op)) {
        if (e.at !== 256) continue;
        if (/ENV|SAVE$|FRSTOR/.test(row.op) && !/^FX/.test(row.op) && rng.one(3)) e = { ...e, code: Uint8Array.from([0x66, ...e.code]) };
      }
      i++;
      if (kind === "x87" || row.guard === "mmx") {
        if (kind === "x87") x87State(rng, e.before, row);
        x87Memory(rng, row, e);
      }
      if (row.guard === "mmx") {
        put(e.before, FX + 2, BigInt(rng.one(2) ? rng.below(8) << 11 : 0), 2);
        put(e.before, FX + 4, BigInt(rng.below(256)), 1);
      }
      if (kind === "sse") put(e.before, FX + 24, mxcsr(rng), 4);
      if (row.op === "LDMXCSR") put(e.before, MEMORY + e.at, rng.one(4) ? rng.bits(32) : rng.bits(16), 4);
      if (/^MASKMOV/.test(row.op)) put(e.before, GPR + 7 * 8, BigInt(DATA_LINEAR + 256 + rng.below(300)), 8);
      questions.push({ row, mode, e });
      if (i === 1) for (const code of strained(e.code, false)) questions.push({ row, mode, e: { ...e, code } });
    }
  }
}
// FYL2XP1 is undefined from 1 - sqrt(1/2) on.
const wild = ({ row, e }: { row: Row; e: Encoded }): boolean => {
  const se = new DataView(e.before.buffer).getUint16(FX + 40, true) & 0x7fff;
  return row.op === "FYL2XP1" && se >= 0x3ffd && se < 0x7fff;
};
for (let i = questions.length - 1; i >= 0; i--) if (wild(questions[i] as (typeof questions)[0])) questions.splice(i, 1);
const answers = ask(program, questions.map(({ mode, e }) => ({ mode, code: e.code, before: e.before })));
const cases: Case[] = questions.map(({ row, mode, e }, i) => ({
  name: row.op,
  mode,
  check: TRANSCENDENTAL.test(row.op) ? CHECK_TRANSCENDENTAL : /^R(CP|SQRT)/.test(row.op) ? CHECK_APPROXIMATE : CHECK_EXACT,
  flagsIgnored: 0,
  code: e.code,
  before: e.before,
  ...(answers[i] as { vector: number; after: Uint8Array }),
}));
const packed = packCases(cases);
writeFileSync(new URL("../x87-sse/cases.bin", import.meta.url), packed);
console.log(`${cases.length} cases, ${packed.length} bytes, ${cases.filter((c) => c.vector !== 255).length} faults`);
