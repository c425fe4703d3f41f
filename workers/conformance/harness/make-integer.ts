// Makes the cases of ../integer: every row of rows-int.ts that a program may execute, in 64-bit and compatibility code, privileged ones
// for their #GP. Run: gcc -O2 -mfsgsbase -fno-stack-protector -o /tmp/exec exec.c && taskset -c 0 npx tsx make-integer.ts /tmp/exec [cases per row]
// (on processor 0, whose TSC_AUX is 0 as ours).

import { writeFileSync } from "node:fs";
import type { Row } from "../../cpu/isa/row.ts";
import { ROWS_INT } from "../../cpu/isa/rows-int.ts";
import { BASES, BASES_COUNT, type Case, CHECK_EXACT, CHECK_UNPREDICTABLE, FLAGS, GPR, packCases, SELECTORS } from "./cases.ts";
import { Random, strained } from "./encode.ts";
import { encodeInteger, type Integer } from "./encode-int.ts";
import { notCaptured } from "./not-captured.ts";
import { ask } from "./oracle.ts";

// The programs of ../system have what is not comparable in user mode on a host (not-captured.ts names it with its reason).

const program = process.argv[2] ?? "/tmp/exec";
const perRow = Number(process.argv[3] ?? "48");
const questions: { row: Row; mode: number; e: Integer }[] = [];
let seed = 1;
const empty: string[] = [];
for (const row of ROWS_INT) {
  const rng = new Random(0x51ed2701 ^ (seed++ * 7919));
  if (notCaptured(row)) continue;
  const operands = row.operands ?? "";
  const privileged = /^(CLI|STI|HLT|LLDT|LTR|LGDT|LIDT|LMSW|INVLPG|SWAPGS|CLTS|INVD|WBINVD|WRMSR|RDMSR|IN|OUT|INSB?|OUTSB?|SYSRET|SYSENTER|SYSEXIT|RDPMC|INVPCID|RSM|CLAC|STAC|MONITOR|MWAIT|UD0)$/.test(row.op) || /Cd|Dd/.test(operands);
  const simple = operands === "" || /^(SET|J[A-Z]+$|NOP|UD1|PREFETCHW)/.test(row.op) || /^(UD|CL|ST|CM)/.test(row.op);
  const sized = /[EGMO]v/.test(operands);
  const wanted = privileged ? 4 : operands === "" ? 6 : simple || /^CMOV/.test(row.op) ? Math.ceil(perRow * 0.5) : sized ? Math.ceil(perRow * 1.35) : perRow;
  let made = 0;
  let first: { mode: number; e: Integer } | null = null;
  for (let tries = 0; made < wanted && tries < wanted * 6; tries++) {
    const mode = row.mode === "no64" ? 1 : row.mode === "only64" ? 0 : rng.one(4) ? 1 : 0;
    const e = encodeInteger(row, rng, mode);
    if (e === undefined) continue;
    // Linux opens these gates to programs.
    if (row.op === "INT" && [3, 4, 0x80].includes(e.code[e.code.length - 1] as number)) continue;
    made++;
    first ??= { mode, e };
    questions.push({ row, mode, e });
  }
  // AMD takes UD0 and UD1 for two bytes, LOCK MOV CR0 for MOV CR8, and LOCK before VERW for nothing.
  const own = /^UD[01]$|^VERW$/.test(row.op) || /Cd/.test(operands);
  const far = operands.includes("J");
  if (first && !own) for (const code of strained(first.e.code, far)) questions.push({ row, mode: first.mode, e: { ...first.e, code } });
  if (made === 0) empty.push(`${row.op} ${row.enc}`);
}
if (empty.length) console.log(`no cases: ${empty.join(", ")}`);
const answers = ask(program, questions.map(({ mode, e }) => ({ mode, code: e.code, before: e.before })));
const cases: Case[] = questions.map(({ row, mode, e }, i) => ({
  name: `${row.op} ${row.enc}`,
  mode,
  check: /^(RDTSCP?|CPUID)$/.test(row.op) ? CHECK_UNPREDICTABLE : CHECK_EXACT,
  flagsIgnored: e.ignored,
  code: e.code,
  before: e.before,
  ...(answers[i] as { vector: number; after: Uint8Array }),
}));
// A far transfer to 32-bit code leaves the upper half of RSP undefined: the oracle's kernel sees it cleared.
for (let i = cases.length - 1; i >= 0; i--) {
  const c = cases[i] as Case;
  const now = new DataView(c.after.buffer, c.after.byteOffset);
  if (c.mode === 0 && c.vector === 255 && now.getUint16(SELECTORS + 2, true) === 0x23 && new DataView(c.before.buffer).getUint32(GPR + 4 * 8 + 4, true) !== 0) cases.splice(i, 1);
}
// Bases of FS and GS: what loads of a null selector do to them is each vendor's, so only their own instructions are asked.
for (const c of cases) {
  if (/^(RD|WR)[FG]SBASE/.test(c.name)) c.after[BASES_COUNT] = 1;
  else c.after.fill(0, BASES, BASES + 16);
}
// Bits 16-19 of what LAR loads are undefined (SDM); ours are zero, as QEMU's.
for (const c of cases) {
  if (!c.name.startsWith("LAR") || c.vector !== 255 || !((c.after[FLAGS] ?? 0) & 0x40)) continue;
  for (let i = 0; i < 16; i++) if (c.after[GPR + i * 8 + 2] === 0xcf || c.after[GPR + i * 8 + 2] === 0xaf) c.after[GPR + i * 8 + 2] = (c.after[GPR + i * 8 + 2] as number) & 0xf0;
}
const packed = packCases(cases);
writeFileSync(process.argv[4] ?? new URL("../integer/cases.bin", import.meta.url), packed);
const faults = new Map<number, number>();
for (const c of cases) faults.set(c.vector, (faults.get(c.vector) ?? 0) + 1);
console.log(`${cases.length} cases, ${packed.length} bytes, vectors ${[...faults].map(([v, n]) => `${v}:${n}`).join(" ")}`);
