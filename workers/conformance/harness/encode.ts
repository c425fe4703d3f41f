// Makes machine code and interesting inputs from rows of the instruction table: a register or memory form at random, with the
// operand registers and memory filled by what the mnemonic works on (integers, singles, doubles, extended numbers).

import type { Row } from "../../cpu/isa/row.ts";
import { baseState, CODE_LINEAR, DATA_LINEAR, FLAGS, FX, GPR, MEMORY, YMMH } from "./cases.ts";

/** Small reproducible generator (xorshift 32). */
export class Random {
  constructor(private state: number) {}
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return this.state;
  }
  below(n: number): number {
    return this.next() % n;
  }
  one(n: number): boolean {
    return this.below(n) === 0;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
  bits(n: number): bigint {
    let v = 0n;
    for (let i = 0; i < n; i += 32) v = (v << 32n) | BigInt(this.next());
    return BigInt.asUintN(n, v);
  }
}

/** The longest an instruction may be; one byte more is #GP. */
const LONGEST = 15;
/**
 * What each row gets one of beyond its own cases: the instruction behind LOCK (legal for few), filled up with prefixes that change nothing to
 * 15 bytes, and to 16. Relative branches would go elsewhere when padded.
 */
export function strained(code: Uint8Array, branch: boolean): Uint8Array[] {
  const out = code.includes(0xf0) ? [] : [Uint8Array.of(0xf0, ...code)];
  if (!branch) for (const n of [LONGEST, LONGEST + 1]) out.push(Uint8Array.of(...new Uint8Array(n - code.length).fill(0x3e), ...code));
  return out;
}

export type Kind = "int" | "f32" | "f64" | "f80" | "bcd";

const SINGLES = [
  0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001, 0xffa00000, 0x00000001, 0x80000001,
  0x007fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x40490fdb, 0x4f000000, 0xcf000000, 0x4effffff, 0x5f000000, 0xdf000000,
  0x3effffff, 0x3f000000, 0x3fc00000, 0x40200000, 0x33800000, 0x0d800000, 0x72800000, 0x4b800001, 0x3f800001,
];
const DOUBLES = [
  0n, 0x8000000000000000n, 0x3ff0000000000000n, 0xbff0000000000000n, 0x7ff0000000000000n, 0xfff0000000000000n, 0x7ff8000000000000n,
  0xfff8000000000001n, 0x7ff0000000000001n, 0xfff4000000000000n, 1n, 0x8000000000000001n, 0x000fffffffffffffn, 0x0010000000000000n,
  0x8010000000000000n, 0x7fefffffffffffffn, 0xffefffffffffffffn, 0x400921fb54442d18n, 0x41dfffffffc00000n, 0x41e0000000000000n,
  0xc1e0000000000000n, 0xc1e0000000200000n, 0x43e0000000000000n, 0xc3e0000000000000n, 0x3fe0000000000000n, 0x3ff8000000000000n,
  0x4004000000000000n, 0x3ca0000000000000n, 0x0350000000000000n, 0x7c90000000000000n, 0x36a0000000000000n, 0x380fffffffffffffn,
  0x47efffffe0000000n, 0x47effffff0000000n, 0x3ff0000000000001n, 0x41efffffffe00000n,
];
const EXTENDED: readonly (readonly [number, bigint])[] = [
  [0, 0n], [0x8000, 0n], [0x3fff, 0x8000000000000000n], [0xbfff, 0x8000000000000000n], [0x7fff, 0x8000000000000000n],
  [0xffff, 0x8000000000000000n], [0x7fff, 0xc000000000000000n], [0xffff, 0xc000000000000001n], [0x7fff, 0x8000000000000001n],
  [0xffff, 0xa000000000000000n], [0, 1n], [0x8000, 0x7fffffffffffffffn], [0, 0x8000000000000000n], [0x8000, 0xffffffffffffffffn],
  [1, 0x8000000000000000n], [0x7ffe, 0xffffffffffffffffn], [0xfffe, 0xffffffffffffffffn], [0x3ffe, 0x8000000000000000n],
  [0x3fff, 0xc000000000000000n], [0x4000, 0xa000000000000000n], [0x4000, 0xc90fdaa22168c235n], [0x403e, 0x8000000000000000n],
  [0xc03e, 0x8000000000000000n], [0x403d, 0xffffffffffffffffn], [0x401d, 0xfffffffe00000000n], [0x401e, 0x8000000000000000n],
  [0x400d, 0xfffe000000000000n], [0x400e, 0x8000000000000000n], [0x3f81, 0x8000000000000000n], [0x407e, 0xffffff8000000000n],
  [0x3c01, 0x8000000000000000n], [0x43fe, 0xfffffffffffffc00n], [0x3fbe, 0x8000000000000000n], [0x403a, 0xde0b6b3a7640000n << 4n],
  [0x1234, 0x4000000000000000n], [0x7fff, 0x4000000000000000n], [0x4005, 0x0fffffffffffffffn], [0x3fff, 0x8000000000000001n],
];

/** Vector values come mostly from a pool, so that they pack well. */
const pools = new Map<Kind, bigint[]>();
export function value(rng: Random, kind: Kind, bits: number): bigint {
  if (bits < 128 || rng.one(5)) return freshValue(rng, kind, bits);
  let pool = pools.get(kind);
  if (!pool) {
    const own = new Random(0x6b43a9b5);
    pool = Array.from({ length: 1024 }, () => freshValue(own, kind, 256));
    pools.set(kind, pool);
  }
  return BigInt.asUintN(bits, rng.pick(pool));
}
function freshValue(rng: Random, kind: Kind, bits: number): bigint {
  if (kind === "f32") {
    let v = 0n;
    const shared = rng.below(256);
    for (let i = 0; i < bits; i += 32) {
      let x: number;
      const how = rng.below(8);
      if (how < 3) x = rng.pick(SINGLES);
      else if (how < 6) x = ((rng.next() & 0x807fffff) | ((124 + rng.below(8)) << 23)) >>> 0;
      else if (how < 7) x = ((rng.next() & 0x807fffff) | ((shared & 0xff) << 23)) >>> 0;
      else x = rng.next();
      v |= BigInt(x) << BigInt(i);
    }
    return v;
  }
  if (kind === "f64") {
    let v = 0n;
    for (let i = 0; i < bits; i += 64) {
      const how = rng.below(8);
      let x: bigint;
      if (how < 3) x = rng.pick(DOUBLES);
      else if (how < 6) x = (rng.bits(64) & 0x800fffffffffffffn) | (BigInt(1020 + rng.below(8)) << 52n);
      else if (how < 7) x = (rng.bits(64) & 0x800fffffffffffffn) | (BigInt(1023 + rng.below(70)) << 52n);
      else x = rng.bits(64);
      v |= x << BigInt(i);
    }
    return BigInt.asUintN(bits, v);
  }
  if (kind === "f80") {
    const how = rng.below(8);
    if (how < 4) {
      const [se, sig] = rng.pick(EXTENDED);
      return (BigInt(se) << 64n) | sig;
    }
    const se = how < 6 ? 0x3ffc + rng.below(8) : how < 7 ? 0x3fff - 80 + rng.below(160) : rng.below(0x7fff);
    const shape = rng.below(3);
    const sig = shape === 0 ? rng.bits(64) : shape === 1 ? rng.bits(64) & 0xffffff0000000000n : rng.bits(64) & 0xfffffffffffff800n;
    return (BigInt(se | (rng.below(2) << 15)) << 64n) | sig | 0x8000000000000000n;
  }
  if (kind === "bcd") {
    let v = 0n;
    for (let i = 0; i < 18; i++) v = (v << 4n) | BigInt(rng.below(10));
    return v | (BigInt(rng.below(2)) << 79n);
  }
  const how = rng.below(6);
  const size = rng.pick([8, 16, 32, 64]);
  if (how < 2) {
    let v = 0n;
    const edges = [0n, 1n, (1n << BigInt(size)) - 1n, 1n << BigInt(size - 1), (1n << BigInt(size - 1)) - 1n, rng.bits(size)];
    for (let i = 0; i < bits; i += size) v |= rng.pick(edges) << BigInt(i);
    return BigInt.asUintN(bits, v);
  }
  if (how === 2) return BigInt.asUintN(bits, BigInt(rng.below(70)));
  return rng.bits(bits);
}

/** What a mnemonic's vector and memory operands hold. */
export function kindOf(op: string): Kind {
  if (/^(P|AES|SHA|MOV[DQ]|MASK|LDDQU|CVTDQ|CVTPI|CVTSI|LDMX|CRC|AND|OR|XOR)/.test(op)) return "int";
  if (/^CVTT?(PS|SS)/.test(op) || /(PS|SS)$/.test(op)) return "f32";
  if (/(PD|SD)$|^CVTT?(PD|SD)|DDUP/.test(op)) return "f64";
  return "int";
}

export interface Encoded {
  readonly code: Uint8Array;
  readonly memory: boolean;
  readonly reg: number;
  readonly rm: number;
  /** Where the memory operand lies, from DATA_LINEAR. */
  readonly at: number;
  readonly imm: bigint;
  readonly wide: boolean;
  readonly size: number;
  readonly before: Uint8Array;
}

function put(s: Uint8Array, at: number, v: bigint, bytes: number): void {
  for (let i = 0; i < bytes; i++) s[at + i] = Number((v >> BigInt(8 * i)) & 0xffn);
}

/** One encoding of a row, with its input state (x87 and MXCSR controls are the caller's). Undefined when it has no such form in `mode`. */
export function encode(row: Row, rng: Random, mode: number, want: { memory?: boolean } = {}): Encoded | undefined {
  const before = baseState();
  const long = mode === 0;
  const operands = (row.operands ?? "").split(" ").filter((o) => o !== "").map((o) => o.replace(/^[=+]/, ""));
  const tokens = row.enc.split(" ");
  const bytes: number[] = [];
  let modrm: string | undefined;
  let form: string | undefined;
  let plus = false;
  for (const t of tokens) {
    const m = /^(\/[r0-7])(?::([mr]))?$/.exec(t);
    if (m) {
      modrm = m[1];
      form = m[2];
    } else if (/^[0-9A-F]{2}(\+r)?$/.test(t)) {
      bytes.push(Number.parseInt(t.slice(0, 2), 16));
      plus ||= t.endsWith("+r");
    } else if (t !== "NP") return undefined;
  }
  const prefixes: number[] = [];
  while (bytes.length > 1 && (bytes[0] === 0x66 || bytes[0] === 0xf2 || bytes[0] === 0xf3)) prefixes.push(bytes.shift() as number);
  const letters = operands.map((o) => o.slice(1));
  const memory = modrm !== undefined && (form === "m" || (form === undefined && (want.memory ?? rng.one(2))));
  let rexW = false;
  let size = 4;
  const sizable = letters.some((l) => l === "v" || l === "z") || row.size64 !== undefined;
  if (sizable) {
    const choice = rng.below(long ? 3 : 2);
    if (choice === 0) {
      size = 2;
      prefixes.unshift(0x66);
    } else if (choice === 2) {
      size = 8;
      rexW = true;
    }
  } else if (letters.includes("y") && long && rng.one(2)) rexW = true;
  const narrow = operands.some((o) => /^(P|Q|N|STi|Eb|Gb)/.test(o)) || !long;
  let reg = modrm === "/r" ? rng.below(narrow ? 8 : 16) : modrm === undefined ? 0 : Number(modrm.slice(1));
  let rm = rng.below(operands.some((o) => /^(Q|N|STi|Eb|Gb)/.test(o)) || !long ? 8 : 16);
  if (plus) rm = rng.below(long && !operands.includes("Zb") ? 16 : 8);
  // The stack pointer stays out of general operands: it holds the memory operand's neighbourhood for pushes.
  if (operands.some((o) => /^G/.test(o)) && reg === 4) reg = 6;
  if (!memory && operands.some((o) => /^[EZ]/.test(o)) && rm === 4) rm = 7;
  const at = 256 + 16 * rng.below(4) + ((row.unaligned && rng.one(3)) || (row.guard === "sse" && !row.op.startsWith("SHA") && rng.one(16)) ? rng.below(16) : 0);
  put(before, GPR + 4 * 8, BigInt(DATA_LINEAR + 512), 8);
  let rex = rexW ? 0x48 : 0;
  if (modrm === "/r" && reg >= 8) rex |= 0x44;
  const tail: number[] = [];
  if (modrm !== undefined) {
    const field = (reg & 7) << 3;
    if (!memory) {
      if (rm >= 8) rex |= 0x41;
      tail.push(0xc0 | field | (rm & 7));
    } else {
      const how = rng.below(4);
      const base = long ? rng.pick([0, 1, 3, 5, 6, 7, 8, 10, 13, 15]) : rng.pick([0, 1, 3, 5, 6, 7]);
      if (how === 0) {
        // absolute
        if (long) tail.push(0x04 | field, 0x25);
        else tail.push(0x05 | field);
        const linear = DATA_LINEAR + at;
        for (let i = 0; i < 4; i++) tail.push((linear >>> (8 * i)) & 0xff);
      } else if (how === 1) {
        const index = base === 6 ? 1 : 6;
        const scale = rng.below(4);
        if (base >= 8) rex |= 0x41;
        tail.push(0x84 | field, (scale << 6) | (index << 3) | (base & 7));
        for (let i = 0; i < 4; i++) tail.push(((at - 64) >>> (8 * i)) & 0xff);
        const n = rng.below(4);
        put(before, GPR + index * 8, BigInt(n), 8);
        put(before, GPR + base * 8, BigInt(DATA_LINEAR + 64 - n * (1 << scale)), 8);
      } else {
        if (base >= 8) rex |= 0x41;
        const disp = rng.below(256) - 128;
        tail.push(0x40 | field | (base & 7), disp & 0xff);
        put(before, GPR + base * 8, BigInt(DATA_LINEAR + at - disp), 8);
      }
    }
  } else if (plus) {
    if (rm >= 8) rex |= 0x41;
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) + (rm & 7);
  }
  let imm = 0n;
  let immBytes = 0;
  for (const o of operands) {
    if (o === "Ib") {
      immBytes = 1;
      imm = rng.one(2) ? BigInt(rng.below(256)) : BigInt(rng.below(20));
    } else if (o === "Iw") {
      immBytes = 2;
      imm = rng.bits(16);
    } else if (o === "Iz") {
      immBytes = size === 2 ? 2 : 4;
      imm = value(rng, "int", immBytes * 8);
    } else if (o === "Iv") {
      immBytes = size;
      imm = value(rng, "int", immBytes * 8);
    } else if (/^[JO]|^Sw|^[CD]d$/.test(o)) return undefined;
  }
  if (rex !== 0 && !long) return undefined;
  const code = [...prefixes, ...(rex ? [rex] : []), ...bytes, ...tail];
  for (let i = 0; i < immBytes; i++) code.push(Number((imm >> BigInt(8 * i)) & 0xffn));
  // Inputs.
  const kind = kindOf(row.op);
  for (const o of operands) {
    const c = o.charAt(0);
    const isRm = /^[EWUQN]/.test(o);
    const n = isRm || c === "Z" ? rm : reg;
    if (/^(E|G|Z)/.test(o) && !(isRm && memory)) {
      const used = memory && (code.length > 0) && n !== 4 && isAddress(before, n);
      if (!used) put(before, GPR + n * 8, value(rng, "int", long ? 64 : 32), 8);
    } else if (/^(V|W|U)/.test(o) && !(isRm && memory)) put(before, FX + 160 + n * 16, value(rng, kind, 128), 16);
    else if (/^(P|Q|N)/.test(o) && !(isRm && memory)) put(before, FX + 32 + (n & 7) * 16, value(rng, kind, 64), 8);
  }
  if (memory) put(before, MEMORY + at, value(rng, kind, 128), 16);
  put(before, FLAGS, 0x202n | (rng.bits(12) & 0x8d5n), 8);
  return { code: Uint8Array.from(code), memory, reg, rm, at, imm, wide: rexW, size, before };
}
function isAddress(s: Uint8Array, n: number): boolean {
  const v = new DataView(s.buffer).getBigUint64(GPR + n * 8, true);
  return (v >= BigInt(DATA_LINEAR - 65536) && v < BigInt(DATA_LINEAR + 65536)) || v < 4n || v === BigInt(CODE_LINEAR);
}
/** Fills vector register n, all 32 bytes, with what a mnemonic works on. */
export function putVector(s: Uint8Array, n: number, v: bigint): void {
  put(s, FX + 160 + n * 16, v, 16);
  put(s, YMMH + n * 16, v >> 128n, 16);
}
export { put };
