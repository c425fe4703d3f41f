// The format of instruction cases: what goes in, what a real processor left behind. Files are brotli-compressed; a case stores its
// input as differences from BASE and its output as differences from its input, so the results need no processor to be checked.
// File: u32 count, then per case: u16 name length and mnemonic, u8 mode (0 = 64-bit, 1 = compatibility), u8 check, u32 flags ignored,
// u8 code length, code, u8 vector (255 = completed), input differences, output differences; differences: u8 count of {u16 offset, u8 length, bytes}.

import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

export const DATA_LINEAR = 0x10000000;
export const CODE_LINEAR = 0x20000000;
/** Bases of GS and FS in 64-bit code. */
export const GS_LINEAR = DATA_LINEAR + 0x40;
export const FS_LINEAR = DATA_LINEAR + 0x80;
export const MEMORY_SIZE = 1024;
/** Offsets in the state. */
export const GPR = 0;
export const FLAGS = 128;
export const RIP = 136;
export const FX = 144;
/** ES CS SS DS FS GS after the case; 0 in files that do not compare them. */
export const SELECTORS = FX + 416;
/** Bases of FS and GS after the case; compared where the byte at BASES_COUNT is 1. */
export const BASES = FX + 432;
export const BASES_COUNT = FX + 428;
export const MEMORY = FX + 512;
/** Upper halves of YMM0-15. */
export const YMMH = MEMORY + MEMORY_SIZE;
export const STATE_SIZE = YMMH + 256;

/** How results are compared: to the bit, a last-place tolerance of ST0 and ST1, 12 bits per single, or without what is other each time. */
export const CHECK_EXACT = 0;
export const CHECK_TRANSCENDENTAL = 1;
export const CHECK_APPROXIMATE = 2;
export const CHECK_UNPREDICTABLE = 3;

export interface Case {
  readonly name: string;
  readonly mode: number;
  readonly check: number;
  /** EFLAGS bits the manual leaves undefined for this form. */
  readonly flagsIgnored: number;
  readonly code: Uint8Array;
  readonly before: Uint8Array;
  /** 255: completed. */
  readonly vector: number;
  readonly after: Uint8Array;
}

/** The state every case starts from. */
export function baseState(): Uint8Array {
  const s = new Uint8Array(STATE_SIZE);
  const view = new DataView(s.buffer);
  for (let i = 0; i < 16; i++) view.setBigUint64(GPR + i * 8, BigInt(0x11111111) * BigInt(i), true);
  view.setBigUint64(FLAGS, 0x202n, true);
  view.setUint16(FX, 0x37f, true);
  view.setUint32(FX + 24, 0x1f80, true);
  for (let i = 0; i < 8; i++) view.setBigUint64(FX + 32 + i * 16, 0x8000000000000000n + BigInt(i), true);
  for (let i = 0; i < 8; i++) view.setUint16(FX + 40 + i * 16, 0x3fff + i, true);
  for (let i = 0; i < 16 * 16; i++) s[FX + 160 + i] = (i * 37 + 11) & 0xff;
  for (let i = 0; i < MEMORY_SIZE; i++) s[MEMORY + i] = (i * 73 + 5) & 0xff;
  for (let i = 0; i < 256; i++) s[YMMH + i] = (i * 59 + 23) & 0xff;
  return s;
}

function differences(from: Uint8Array, to: Uint8Array): Uint8Array[] {
  const runs: Uint8Array[] = [];
  for (let i = 0; i < to.length; ) {
    if (from[i] === to[i]) {
      i++;
      continue;
    }
    let end = i + 1;
    for (let j = end; j < to.length && j - i < 255 && j - end < 4; j++) if (from[j] !== to[j]) end = j + 1;
    const run = new Uint8Array(3 + end - i);
    run[0] = i & 0xff;
    run[1] = i >> 8;
    run[2] = end - i;
    run.set(to.subarray(i, end), 3);
    runs.push(run);
    i = end;
  }
  return [Uint8Array.of(runs.length), ...runs];
}

export function packCases(cases: readonly Case[]): Uint8Array {
  const base = baseState();
  const parts: Uint8Array[] = [];
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, cases.length, true);
  parts.push(count);
  for (const c of cases) {
    const name = new TextEncoder().encode(c.name);
    const head = new Uint8Array(2 + name.length + 7 + c.code.length + 1);
    const view = new DataView(head.buffer);
    view.setUint16(0, name.length, true);
    head.set(name, 2);
    let p = 2 + name.length;
    head[p++] = c.mode;
    head[p++] = c.check;
    view.setUint32(p, c.flagsIgnored, true);
    p += 4;
    head[p++] = c.code.length;
    head.set(c.code, p);
    head[p + c.code.length] = c.vector;
    parts.push(head, ...differences(base, c.before), ...differences(c.before, c.after));
  }
  const raw = Buffer.concat(parts);
  // A wide window: inputs come back from pools of values.
  return brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length } });
}

/** The cases of a file, one after the other: all at once would take hundreds of megabytes. */
export function* unpackCases(packed: Uint8Array): Generator<Case> {
  const b = new Uint8Array(brotliDecompressSync(packed));
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const base = baseState();
  const names = new TextDecoder();
  let p = 4;
  const apply = (from: Uint8Array): Uint8Array => {
    const s = from.slice();
    for (let n = b[p++] ?? 0; n > 0; n--) {
      const length = b[p + 2] ?? 0;
      s.set(b.subarray(p + 3, p + 3 + length), view.getUint16(p, true));
      p += 3 + length;
    }
    return s;
  };
  for (let n = view.getUint32(0, true); n > 0; n--) {
    const nameLength = view.getUint16(p, true);
    const name = names.decode(b.subarray(p + 2, p + 2 + nameLength));
    p += 2 + nameLength;
    const mode = b[p] ?? 0;
    const check = b[p + 1] ?? 0;
    const flagsIgnored = view.getUint32(p + 2, true);
    const length = b[p + 6] ?? 0;
    const code = b.slice(p + 7, p + 7 + length);
    p += 7 + length;
    const vector = b[p++] ?? 0;
    const before = apply(base);
    yield { name, mode, check, flagsIgnored, code, vector, before, after: apply(before) };
  }
}

/** 80-bit number as an integer that grows with its value, for last-place distances. */
function ordered80(view: DataView, at: number): bigint {
  const se = view.getUint16(at + 8, true);
  const magnitude = (BigInt(se & 0x7fff) << 63n) + (view.getBigUint64(at, true) & 0x7fffffffffffffffn);
  return se & 0x8000 ? -magnitude : magnitude;
}

/** Distance in units of the last place of the worst of ST0 and ST1. */
export function lastPlaces(a: Uint8Array, b: Uint8Array): number {
  const va = new DataView(a.buffer, a.byteOffset);
  const vb = new DataView(b.buffer, b.byteOffset);
  let worst = 0;
  for (const at of [FX + 32, FX + 48]) {
    const d = Number(ordered80(va, at) - ordered80(vb, at));
    worst = Math.max(worst, Math.abs(d));
  }
  return worst;
}

/** What clocks, random numbers and the model decide: offsets and lengths in the state. */
function unpredictable(c: Case): (readonly [number, number])[] {
  if (/^(RDTSCP?|CPUID)\b/.test(c.name)) return (c.name.startsWith("CPUID") ? [0, 1, 2, 3] : [0, 2]).map((n) => [GPR + n * 8, 4] as const);
  // RDRAND, RDSEED: as many bytes of the register as the operand has.
  const at = c.code.indexOf(0x0f);
  const rex = c.mode === 0 && ((c.code[at - 1] ?? 0) & 0xf0) === 0x40 ? (c.code[at - 1] as number) : 0;
  const bytes = rex & 8 ? 8 : c.code.subarray(0, at).includes(0x66) ? 2 : 4;
  return [[GPR + (((c.code[at + 2] as number) & 7) | (rex & 1 ? 8 : 0)) * 8, bytes]];
}

/** Differences between the expected and the actual state that matter, as text; empty when the case passes. */
export function compare(c: Case, vector: number, after: Uint8Array): string {
  if (vector !== c.vector) return `vector ${vector}, expected ${c.vector}`;
  const problems: string[] = [];
  const expected = c.after.slice();
  const actual = after.slice();
  // Kept differently by every vendor: FOP, FIP, FDP, the MXCSR mask, and the unused bytes of x87 registers.
  for (const s of [expected, actual]) {
    s.fill(0, FX + 6, FX + 24);
    s.fill(0, FX + 28, FX + 32);
    for (let i = 0; i < 8; i++) s.fill(0, FX + 42 + i * 16, FX + 48 + i * 16);
    s.fill(0, c.after[BASES_COUNT] ? FX + 448 : c.after[SELECTORS + 4] ? FX + 428 : FX + 416, FX + 512);
    s[BASES_COUNT] = 0;
    // A null selector's low bits do not survive the way through the oracle's kernel.
    for (let i = 0; i < 12; i += 2) if ((s[SELECTORS + i] ?? 0) < 4 && s[SELECTORS + i + 1] === 0) s[SELECTORS + i] = 0;
    const view = new DataView(s.buffer, s.byteOffset);
    view.setUint32(FLAGS, view.getUint32(FLAGS, true) & 0xcd5 & ~c.flagsIgnored, true);
    view.setUint32(FLAGS + 4, 0, true);
  }
  // State images repeat those fields; the cases put them at MEMORY + 256.
  if (/^F(XSAVE|NSAVE|NSTENV)$/.test(c.name)) {
    const fields: readonly (readonly [number, number])[] =
      c.name === "FXSAVE" ? [[6, 24], [28, 32], ...Array.from({ length: 8 }, (_, i) => [42 + i * 16, 48 + i * 16] as const), [416, 512]] : c.code.subarray(0, c.code.findIndex((b) => b === 0xd9 || b === 0xdd)).includes(0x66) ? [[6, 14]] : [[12, 28]];
    for (const s of [expected, actual]) for (const [a, b] of fields) s.fill(0, MEMORY + 256 + a, MEMORY + 256 + b);
  }
  // MXCSR_MASK is the model's.
  if (c.name.startsWith("XSAVE")) for (const s of [expected, actual]) s.fill(0, MEMORY + 128 + 28, MEMORY + 128 + 32);
  if (c.check === CHECK_TRANSCENDENTAL && vector === 255) {
    // Rounded-up and the last places differ between vendors; the manual promises one unit.
    for (const s of [expected, actual]) s[FX + 3] = (s[FX + 3] ?? 0) & ~2;
    if (lastPlaces(expected, actual) <= 2) {
      for (const at of [FX + 32, FX + 48]) actual.set(expected.subarray(at, at + 10), at);
    }
  }
  if (c.check === CHECK_UNPREDICTABLE && vector === 255) for (const s of [expected, actual]) for (const [at, length] of unpredictable(c)) s.fill(0, at, at + length);
  if (c.check === CHECK_APPROXIMATE) {
    const ve = new DataView(expected.buffer);
    const va = new DataView(actual.buffer);
    for (let at = FX + 160; at < STATE_SIZE; at += 4) {
      if (at === FX + 416) at = YMMH;
      const x = ve.getFloat32(at, true);
      const y = va.getFloat32(at, true);
      if (Number.isFinite(x) && Math.abs(x - y) <= Math.abs(x) * 2 ** -11) ve.setUint32(at, va.getUint32(at, true), true);
    }
  }
  if (Buffer.compare(expected, actual) === 0) return "";
  const hex = (s: Uint8Array): string => Buffer.from(s).reverse().toString("hex");
  const check = (name: string, at: number, length: number): void => {
    const e = hex(expected.subarray(at, at + length));
    const a = hex(actual.subarray(at, at + length));
    if (e !== a) problems.push(`${name}=${a}, expected ${e}`);
  };
  for (let i = 0; i < 16; i++) check(`r${i}`, GPR + i * 8, 8);
  check("flags", FLAGS, 8);
  check("rip", RIP, 8);
  check("selectors", SELECTORS, 12);
  check("bases", BASES, 16);
  check("fcw", FX, 2);
  check("fsw", FX + 2, 2);
  check("ftw", FX + 4, 1);
  check("mxcsr", FX + 24, 4);
  for (let i = 0; i < 8; i++) check(`st${i}`, FX + 32 + i * 16, 10);
  for (let i = 0; i < 16; i++) check(`xmm${i}`, FX + 160 + i * 16, 16);
  for (let i = 0; i < 16; i++) check(`ymmh${i}`, YMMH + i * 16, 16);
  for (let i = 0; i < MEMORY_SIZE; i += 16) check(`memory+${i}`, MEMORY + i, 16);
  return problems.join("; ");
}
