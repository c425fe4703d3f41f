// Random sequences of instructions for the fuzzer: encodings of table rows one behind the other, with the inputs of each merged into one state
// (first come, first served). Where a flag is left undefined, a CMP defines the flags again before the next instruction.

import { ROWS_INT } from "../../cpu/isa/rows-int.ts";
import { ROWS_MMX } from "../../cpu/isa/rows-mmx.ts";
import { ROWS_SSE } from "../../cpu/isa/rows-sse.ts";
import { ROWS_V3 } from "../../cpu/isa/rows-v3.ts";
import { ROWS_VEX } from "../../cpu/isa/rows-vex.ts";
import { ROWS_X87 } from "../../cpu/isa/rows-x87.ts";
import type { Row } from "../../cpu/isa/row.ts";
import { baseState, FX, GPR, MEMORY, MEMORY_SIZE, YMMH } from "./cases.ts";
import { encode, put, type Random } from "./encode.ts";
import { encodeInteger } from "./encode-int.ts";
import { encodeVex } from "./encode-vex.ts";
import { mxcsr } from "./inputs.ts";

export interface Part {
  readonly name: string;
  readonly code: Uint8Array;
  readonly before: Uint8Array;
  readonly flagsIgnored: number;
}
export interface Sequence {
  readonly mode: number;
  readonly parts: readonly Part[];
  readonly code: Uint8Array;
  readonly before: Uint8Array;
  readonly flagsIgnored: number;
  /** Rounds of a loop around the parts; 0: none. */
  readonly rounds: number;
}
/** Branches and string repeats end a sequence elsewhere; kernels, vendors and state images answer for themselves. */
const LEFT_OUT =
  /^(J\w*|LOOP\w*|CALLF?|RETF?|IRET|INT\w*|SYS\w+|CPUID|RDTSCP?|RDPMC|S[GIL]DT|STR|SMSW|MONITOR|MWAIT|CLAC|STAC|INVPCID|(RD|WR)[FG]SBASE|RSM|UD\d|RDRAND|RDSEED|RDPID|XSETBV|XGETBV|XSAVE\w*|XRSTORS?|F(N?STENV|LDENV|N?SAVE|RSTOR|XSAVE|XRSTOR)|V?R(CP|SQRT)[PS]S|F(SIN|COS|SINCOS|PTAN|PATAN|2XM1|YL2X|YL2XP1|PREM1?)|IN|OUT|INSB?|OUTSB?|CLI|STI|HLT|L[GIL]DT|LTR|LMSW|INVLPG|SWAPGS|CLTS|W?B?INVD|WRMSR|RDMSR|POPF|PUSHF|LAR|LSL|VER[RW]|ARPL|L[DEFGS]S|POP .S|BOUND|(MOVS|CMPS|STOS|LODS|SCAS)B?|V?MASKMOVDQU|MASKMOVQ|ENTER|PUSH .S|V?LDMXCSR|FLDCW|V?STMXCSR)$/;
// A 16-bit double shift by more than 16 has no defined result.
const usable = (row: Row) => !LEFT_OUT.test(row.op) && !/^SH[LR]D$/.test(row.op) && !/Cd|Dd|Sw/.test(row.operands ?? "");
const POOLS: readonly (readonly Row[])[] = [ROWS_INT, ROWS_INT, ROWS_X87, ROWS_MMX, ROWS_SSE, [...ROWS_V3, ...ROWS_VEX.filter((r) => r.guard === "vex")], ROWS_VEX].map((rows) => rows.filter(usable));
const CMP: Row = { op: "CMP", enc: "39 /r:r", operands: "Ev Gv", fn: "cmp", flags: "oszapc" };

/** What they leave undefined depends on a count that an earlier instruction may change. */
const SHIFTS = /^(RO[LR]|RC[LR]|SH[LR]D?|SA[LR])$/;

function part(row: Row, rng: Random, mode: number): Part | undefined {
  const name = `${row.op} ${row.enc}`;
  if (row.enc.startsWith("VEX")) {
    const e = encodeVex(row, rng, mode, 400);
    return e && { name, code: e.code, before: e.before, flagsIgnored: undefinedFlags(row) };
  }
  if (ROWS_INT.includes(row) || row === CMP) {
    const e = encodeInteger(row, rng, mode);
    if (row === CMP && e?.code.includes(0xf0)) return undefined;
    return e && { name, code: e.code, before: e.before, flagsIgnored: e.ignored | undefinedFlags(row) | (SHIFTS.test(row.op) ? 0x811 : 0) };
  }
  // AMD does not check the alignment of SHA's operands.
  const e = encode(row, rng, mode, row.op === "MOVBE" ? { memory: true } : row.op.startsWith("SHA") ? { memory: false } : {});
  return e && { name, code: e.code, before: e.before, flagsIgnored: undefinedFlags(row) };
}
const FLAG_BITS: { readonly [letter: string]: number } = { c: 1, p: 4, a: 0x10, z: 0x40, s: 0x80, o: 0x800 };
const undefinedFlags = (row: Row) => [...(row.flags?.split("?")[1] ?? "")].reduce((bits, l) => bits | (FLAG_BITS[l] ?? 0), 0);

/** Takes from each part what it sets beyond the common state, in order. */
function join(mode: number, parts: readonly Part[], controls: Uint8Array, rounds: number): Sequence {
  const base = baseState();
  const before = baseState();
  const taken = new Uint8Array(before.length);
  for (const [at, length] of [[FX, 32]] as const) {
    before.set(controls.subarray(at, at + length), at);
    taken.fill(1, at, at + length);
  }
  const merge = (from: Uint8Array, at: number, unit: number) => {
    let differs = false;
    for (let i = at; i < at + unit; i++) differs ||= from[i] !== base[i];
    if (!differs || taken[at]) return;
    before.set(from.subarray(at, at + unit), at);
    taken.fill(1, at, at + unit);
  };
  for (const p of parts) {
    for (let n = 0; n < 17; n++) merge(p.before, GPR + n * 8, 8);
    for (let at = FX + 32; at < FX + 416; at += 16) merge(p.before, at, 16);
    for (let at = MEMORY; at < MEMORY + MEMORY_SIZE; at += 8) merge(p.before, at, 8);
    for (let at = YMMH; at < YMMH + 256; at += 16) merge(p.before, at, 16);
  }
  const body = parts.flatMap((p) => [...p.code]);
  return { mode, parts, code: Uint8Array.from(rounds ? looped(mode, body, rounds) : body), before, flagsIgnored: rounds ? 0 : (parts[parts.length - 1]?.flagsIgnored ?? 0), rounds };
}
/** MOV counter, rounds; body; DEC counter; JNZ body. The counter is R9D, or EDI in 32-bit code. */
function looped(mode: number, body: readonly number[], rounds: number): number[] {
  const start = mode ? [0xbf, rounds, 0, 0, 0] : [0x41, 0xb9, rounds, 0, 0, 0];
  const count = mode ? [0x4f] : [0x41, 0xff, 0xc9];
  const back = -(body.length + count.length + 6);
  return [...start, ...body, ...count, 0x0f, 0x85, ...new Uint8Array(Int32Array.of(back).buffer)];
}
/** A conditional branch over an increment. */
function branch(rng: Random): Part {
  const c = rng.below(16);
  const r = rng.pick([0, 1, 2, 3, 6]);
  return { name: `J${c} INC`, code: Uint8Array.of(0x70 | c, 2, 0xff, 0xc0 | r), before: baseState(), flagsIgnored: 0 };
}
const controlsOf = new WeakMap<Sequence, Uint8Array>();

/** `loops`: one in four runs in a loop. */
export function sequence(rng: Random, longest: number, loops: boolean): Sequence {
  const mode = rng.one(5) ? 1 : 0;
  const wanted = 1 + rng.below(longest);
  const parts: Part[] = [];
  // Mostly one kind of instruction in a sequence: they share registers that way.
  const favourite = rng.pick(POOLS);
  let bytes = 0;
  while (parts.length < wanted) {
    const row = rng.pick(rng.below(3) ? favourite : rng.pick(POOLS));
    const jump = rng.one(12);
    if ((row.mode === "only64" && mode) || (row.mode === "no64" && !mode)) continue;
    const made = jump ? branch(rng) : part(row, rng, mode);
    if (!made) continue;
    const open = parts[parts.length - 1]?.flagsIgnored;
    const closing = open ? part(CMP, rng, mode) : undefined;
    if (open && !closing) continue;
    bytes += made.code.length + (closing?.code.length ?? 0);
    if (bytes > 100) break;
    if (closing) parts.push(closing);
    parts.push(made);
  }
  // x87 and MXCSR controls: one for all.
  const controls = baseState();
  put(controls, FX, BigInt(0x40 | (rng.below(5) ? 0x3f : rng.below(64)) | (rng.pick([0, 2, 3, 3]) << 8) | (rng.below(4) << 10)), 2);
  const top = rng.below(8);
  put(controls, FX + 2, BigInt(top << 11), 2);
  put(controls, FX + 4, BigInt(rng.one(3) ? 0 : rng.below(256)), 1);
  put(controls, FX + 24, mxcsr(rng), 4);
  // DEC at the end of a loop leaves CF alone: a sequence that ends with undefined flags is not looped.
  const rounds = loops && rng.one(4) && parts[parts.length - 1]?.flagsIgnored === 0 ? 2 + rng.below(4) : 0;
  const s = join(mode, parts, controls, rounds);
  controlsOf.set(s, controls);
  return s;
}
/** The same sequence without one of its instructions, each in turn; a CMP that defines flags goes with what it follows. */
export function shorter(s: Sequence): Sequence[] {
  const controls = controlsOf.get(s);
  if (!controls || s.parts.length < 2) return [];
  const straight = s.rounds ? [{ ...join(s.mode, s.parts, controls, 0), before: s.before }] : [];
  for (const t of straight) controlsOf.set(t, controls);
  return [...straight, ...s.parts.flatMap((_, i) => {
    const left = s.parts.filter((__, n) => n !== i);
    // Never let an instruction read flags that the one before it leaves undefined.
    if (left.some((p, n) => n + 1 < left.length && p.flagsIgnored !== 0 && left[n + 1]?.name !== "CMP 39 /r:r")) return [];
    if (s.rounds && left[left.length - 1]?.flagsIgnored) return [];
    const t = { ...join(s.mode, left, controls, s.rounds), before: s.before };
    controlsOf.set(t, controls);
    return [t];
  })];
}
