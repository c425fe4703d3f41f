// Machine code and inputs from VEX rows: two- and three-byte prefixes, ignored and required W and L, all registers, memory at any alignment,
// vector indices, and now and then what must fault: another prefix before VEX, a VEX.vvvv that should be 1111b, a wrong W or L.

import { parseEncoding, parseOperands } from "../../cpu/isa/expand.ts";
import type { Row } from "../../cpu/isa/row.ts";
import { baseState, DATA_LINEAR, FLAGS, GPR, MEMORY } from "./cases.ts";
import { kindOf, put, putVector, type Random, value } from "./encode.ts";

export interface Vex {
  readonly code: Uint8Array;
  readonly before: Uint8Array;
}
const RSP = 4;
const RDX = 2;

/** `faults`: one in so many is made illegal. Undefined when the form does not exist in `mode`. */
export function encodeVex(row: Row, rng: Random, mode: number, faults = 24): Vex | undefined {
  const long = mode === 0;
  if ((row.mode === "only64" && !long) || (row.mode === "no64" && long)) return undefined;
  const enc = parseEncoding(row.enc);
  const ops = parseOperands(row.operands);
  const vex = enc.vex;
  if (!vex) return undefined;
  const before = baseState();
  const registers = long ? 16 : 8;
  const memory = enc.modrm && (enc.only === "m" || (enc.only === null && rng.one(2)));
  let w = vex.w === 2 ? rng.below(2) : vex.w;
  let l = vex.l === 2 ? rng.below(2) : vex.l;
  const general = (n: number) => (n === RSP ? 6 : n);
  const isGeneral = (letter: string) => ops.some((o) => o.letter === letter);
  let reg = enc.digit ?? (enc.modrm ? rng.below(registers) : 0);
  if (isGeneral("G")) reg = general(reg);
  let rm = rng.below(registers);
  if (isGeneral("E") || (isGeneral("R") && !memory)) rm = general(rm);
  const usesV = ops.some((o) => o.letter === "H" || o.letter === "B");
  let vvvv = usesV ? rng.below(registers) : 0;
  if (isGeneral("B")) vvvv = general(vvvv);
  const lanes = row.lanes ?? (row.param !== undefined && row.raw && row.param & 4 ? 2 : 1);

  // ---- what goes wrong
  const illegal = rng.one(faults) ? rng.below(5) : -1;
  const prefixes: number[] = [];
  if (illegal === 0) prefixes.push(rng.pick(long ? [0x66, 0xf2, 0xf3, 0xf0, 0x48, 0x40] : [0x66, 0xf2, 0xf3, 0xf0]));
  else if (illegal === 1 && !usesV) vvvv = 1 + rng.below(registers - 1);
  else if (illegal === 2) l ^= 1;
  else if (illegal === 3 && !/^VPERM(Q|PD)$/.test(row.op)) w ^= 1; // AMD ignores W there, the manual does not
  if (rng.one(10) && illegal < 0) prefixes.push(rng.pick([0x2e, 0x36, 0x3e, 0x26]));

  // ---- memory operand
  const tail: number[] = [];
  let rex = 0; // R 4, X 2, B 1
  const field = (reg & 7) << 3;
  const dword = (v: number) => {
    for (let i = 0; i < 4; i++) tail.push((v >>> (8 * i)) & 0xff);
  };
  const aligned = row.aligned ? lanes * 16 : 1;
  let at = 256 + (row.aligned && !rng.one(8) ? aligned * rng.below(4) : rng.below(64));
  const kind = /PH2PS/.test(row.op) ? "int" : kindOf(row.op.replace(/^V/, ""));
  const vector = () => value(rng, kind, 256);
  let index = -1;
  put(before, GPR + RSP * 8, BigInt(DATA_LINEAR + 512), 8);
  const addressed = new Set<number>();
  const setAddress = (n: number, v: bigint) => {
    put(before, GPR + n * 8, BigInt.asUintN(long ? 64 : 32, v), 8);
    addressed.add(n);
  };
  if (memory && row.vsib) {
    index = rng.below(registers);
    if (index === reg || index === vvvv) index = rng.one(6) ? index : (index + 1) % registers;
    const base = rng.pick(long ? [0, 1, 3, 5, 7, 9, 12, 14] : [0, 1, 3, 5, 7]);
    const scale = rng.below(4);
    const disp = rng.below(64) - 32;
    tail.push(0x44 | field, (scale << 6) | ((index & 7) << 3) | (base & 7), disp & 0xff);
    if (base >= 8) rex |= 1;
    if (index >= 8) rex |= 2;
    setAddress(base, BigInt(DATA_LINEAR + 512 - disp));
    at = 512;
  } else if (memory) {
    const how = rng.below(5);
    const base = rng.pick(long ? [0, 1, 3, 5, 6, 7, 8, 10, 12, 13, 15] : [0, 1, 3, 5, 6, 7]);
    if (how === 0) {
      if (long) tail.push(0x04 | field, 0x25);
      else tail.push(0x05 | field);
      dword(DATA_LINEAR + at);
    } else if (how === 1 || base === 12) {
      const x = base === 6 ? 1 : 6;
      const scale = rng.below(4);
      if (base >= 8) rex |= 1;
      tail.push(0x84 | field, (scale << 6) | (x << 3) | (base & 7));
      dword(at - 64);
      const n = rng.below(4);
      setAddress(x, BigInt(n));
      setAddress(base, BigInt(DATA_LINEAR + 64 - n * (1 << scale)));
    } else {
      if (base >= 8) rex |= 1;
      const disp = rng.below(256) - 128;
      tail.push(0x40 | field | (base & 7), disp & 0xff);
      setAddress(base, BigInt(DATA_LINEAR + at - disp));
    }
  } else if (enc.modrm) {
    if (rm >= 8) rex |= 1;
    tail.push(0xc0 | field | (rm & 7));
  }
  if (reg >= 8) rex |= 4;

  // ---- immediate
  let immediate: number | undefined;
  if (ops.some((o) => o.letter === "I")) immediate = rng.one(3) ? rng.below(32) : rng.below(256);
  let fourth = 0;
  if (ops.some((o) => o.letter === "L")) {
    fourth = rng.below(registers);
    immediate = (fourth << 4) | rng.below(16) | (!long && rng.one(2) ? 0x80 : 0);
  }
  if (immediate !== undefined) tail.push(immediate);

  // ---- prefix
  const inverted = (~vvvv & 15) << 3;
  const short = enc.map === 1 && w === 0 && (rex & 3) === 0 && (long || rex === 0) && rng.one(2);
  const code = [...prefixes];
  const pp = enc.prefix ?? 0;
  if (short) code.push(0xc5, (rex & 4 ? 0 : 0x80) | inverted | (l << 2) | pp, enc.opcode, ...tail);
  else {
    // B is ignored outside 64-bit mode, and so is the top bit of vvvv.
    let bits = (rex & 4 ? 0 : 0x80) | (rex & 2 ? 0 : 0x40) | (rex & 1 ? 0 : 0x20);
    if (!long && rng.one(4)) bits ^= 0x20;
    const v = !long && usesV && rng.one(4) ? inverted ^ 0x40 : inverted;
    code.push(0xc4, bits | (illegal === 4 && rng.one(2) ? rng.pick([0, 4, 31]) : enc.map), (w << 7) | v | (l << 2) | pp, enc.opcode, ...tail);
  }

  // ---- inputs
  const maskRegister = row.vsib || /MASKMOV[PDQ]/.test(row.op);
  for (const o of ops) {
    const register = o.letter === "V" || o.letter === "G" ? reg : o.letter === "H" || o.letter === "B" ? vvvv : o.letter === "L" ? fourth : rm;
    if ("VHL".includes(o.letter) || ("WU".includes(o.letter) && !memory)) putVector(before, register, maskRegister && o.letter === "H" ? rng.bits(256) : vector());
    else if ((o.letter === "G" || o.letter === "B" || (o.letter === "E" && !memory)) && !addressed.has(register))
      put(before, GPR + register * 8, row.op === "BEXTR" && o.letter === "B" ? BigInt(rng.below(80) | (rng.below(80) << 8)) : value(rng, "int", long ? 64 : 32), 8);
  }
  if (memory) put(before, MEMORY + at, vector(), 32);
  if (index >= 0) {
    const wide = (row.param ?? 0) & 2 ? 64 : 32;
    let v = 0n;
    for (let i = 0; i < 256; i += wide) v |= BigInt.asUintN(wide, BigInt(rng.below(50) - 25)) << BigInt(i);
    if (index !== reg && index !== vvvv) putVector(before, index, v);
  }
  if (/MULX/.test(row.op) && !addressed.has(RDX)) put(before, GPR + RDX * 8, value(rng, "int", long ? 64 : 32), 8);
  if (/PCMPESTR/.test(row.op)) for (const n of [0, 2]) if (!addressed.has(n)) put(before, GPR + n * 8, BigInt.asUintN(long ? 64 : 32, BigInt(rng.below(40) - 20)), 8);
  if (/MASKMOVDQU/.test(row.op)) put(before, GPR + 7 * 8, BigInt(DATA_LINEAR + 256 + rng.below(300)), 8);
  if (row.op === "VLDMXCSR") put(before, MEMORY + at, rng.one(4) ? rng.bits(32) : rng.bits(16), 4);
  put(before, FLAGS, 0x202n | (rng.bits(12) & 0x8d5n), 8);
  return { code: Uint8Array.from(code), before };
}
