// Integer rows to machine code: every operand letter of rows-int.ts, every addressing form (SIB, RIP-relative, 8- and 32-bit displacements,
// address-size prefix, GS and ignored segment prefixes), LOCK, and inputs that make results interesting (quotients that fit, bit strings
// around the operand, selectors that exist). What the manual leaves undefined is named by `ignored`, or not generated at all.

import type { Row } from "../../cpu/isa/row.ts";
import { baseState, CODE_LINEAR, DATA_LINEAR, FLAGS, GPR, GS_LINEAR, MEMORY } from "./cases.ts";
import { put, type Random } from "./encode.ts";

export interface Integer {
  readonly code: Uint8Array;
  readonly before: Uint8Array;
  /** EFLAGS bits left undefined. */
  readonly ignored: number;
}
const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const RSP = 4;
const RBP = 5;
const RSI = 6;
const RDI = 7;
const FLAG_BITS: { readonly [letter: string]: number } = { o: 0x800, s: 0x80, z: 0x40, a: 0x10, p: 4, c: 1 };
const flagBits = (letters: string): number => [...letters].reduce((bits, l) => bits | (FLAG_BITS[l] ?? 0), 0);
const SELECTORS = [0, 1, 2, 3, 0x2b, 0x2b, 0x2b, 0x28, 0x29, 0x23, 0x33, 0x18, 0x1b, 0x10, 0x63, 0x2f, 0x1000];

/** A word: edges, small numbers, and anything. */
export function word(rng: Random, bits: number): bigint {
  const b = BigInt(bits);
  const how = rng.below(8);
  if (how < 3) return rng.pick([0n, 1n, 2n, (1n << b) - 1n, (1n << b) - 2n, 1n << (b - 1n), (1n << (b - 1n)) - 1n, (1n << (b - 1n)) + 1n, 0x80n, 0x7fn, 0xffn, 0x100n, BigInt.asUintN(bits, -0x80n)]);
  if (how === 3) return BigInt(rng.below(70));
  if (how === 4) return (1n << BigInt(rng.below(bits))) - BigInt(rng.below(2));
  return rng.bits(Math.max(32, bits)) & ((1n << b) - 1n);
}

export function encodeInteger(row: Row, rng: Random, mode: number): Integer | undefined {
  const long = mode === 0;
  if (row.mode === "no64" && long) return undefined;
  if (row.mode === "only64" && !long) return undefined;
  const before = baseState();
  const operands = (row.operands ?? "").split(" ").filter((o) => o !== "").map((o) => o.replace(/^[=+]/, ""));
  const op = row.op;
  const opcode: number[] = [];
  let modrm: string | undefined;
  let form: string | undefined;
  let plus = false;
  for (const t of row.enc.split(" ")) {
    const m = /^(\/[r0-7])(?::([mr]))?$/.exec(t);
    if (m) {
      modrm = m[1];
      form = m[2];
    } else {
      opcode.push(Number.parseInt(t.slice(0, 2), 16));
      plus ||= t.endsWith("+r");
    }
  }
  const mandatory: number[] = [];
  while (opcode.length > 1 && (opcode[0] === 0x66 || opcode[0] === 0xf2 || opcode[0] === 0xf3)) mandatory.push(opcode.shift() as number);
  const getReg = (n: number): bigint => new DataView(before.buffer).getBigUint64(GPR + n * 8, true);
  const setReg = (n: number, v: bigint): void => put(before, GPR + n * 8, BigInt.asUintN(long ? 64 : 32, v), 8);
  const setMemory = (at: number, v: bigint, bytes: number): void => put(before, MEMORY + at, v, bytes);

  // ---- size
  const memory = modrm !== undefined && (form === "m" || op === "PREFETCHW" || (form === undefined && !operands.includes("Cd") && !operands.includes("Dd") && rng.below(2) === 0));
  const branch = /^(J|LOOP)/.test(op) || ["CALL", "RET", "JMP"].includes(op);
  const near = branch && row.size64 === "force";
  const sizable = operands.some((o) => /^(v|z)$|^[EGZMOIR](v|z)$|^rAX$|^eAXz$|^Jz$/.test(o)) || row.size64 !== undefined;
  let size = 4;
  const prefixes: number[] = [...mandatory];
  let rexW = false;
  if (row.size64 && long) size = 8;
  if (sizable && !(near && long) && !(operands.includes("Cd") || operands.includes("Dd"))) {
    const choice = rng.below(long && !row.size64 ? 3 : 2);
    if (choice === 1) {
      size = 2;
      prefixes.push(0x66);
    } else if (choice === 2 || (row.size64 && long && rng.one(4))) {
      size = 8;
      rexW = true;
    }
  } else if (operands.some((o) => o === "My" || o === "Ey") && long && rng.one(2)) {
    rexW = true;
    size = 8;
  }
  if (op === "BSWAP" && size === 2) return undefined;
  if (op === "MOVSXD" && size === 2) return undefined;
  const stack = /^(PUSH|POP|ENTER|LEAVE|CALL|RET|IRET)/.test(op) && op !== "POPCNT";
  const sp = 512 + 8 * rng.below(8) + (rng.one(8) ? rng.below(8) : 0);
  setReg(RSP, BigInt(DATA_LINEAR + sp));

  // ---- operands
  const byteForm = operands.some((o) => o === "Eb" || o === "Gb" || o === "Zb");
  const bytesOf = (o: string): number => (/b$/.test(o) || o === "AL" || o === "CL" ? 1 : /w$/.test(o) || o === "AX" || o === "DX" ? 2 : /d$/.test(o) ? 4 : size);
  const implied = new Set<number>();
  if (operands.some((o) => /^(AL|AX|rAX|eAXz)$/.test(o)) || /^(I?MUL|I?DIV|CMPXCHG|XLAT|LAHF|SAHF|CBW|CWD|SALC|STOS|LODS|SCAS)/.test(op)) implied.add(RAX);
  if (operands.includes("CL") || /^(LOOP|JRCXZ|CMPXCHG8B)/.test(op)) implied.add(RCX);
  if (/^(MUL|I?DIV|CMPXCHG8B|CWD|IN|OUT)/.test(op)) implied.add(RDX);
  if (/^(CMPXCHG8B|XLAT)/.test(op)) implied.add(RBX);
  const string = operands.includes("X") && /^(MOVS|CMPS|STOS|LODS|SCAS|INS|OUTS)/.test(op);
  for (const n of implied) setReg(n, word(rng, long ? 64 : 32));
  let rex = rexW ? 0x48 : 0;
  if (long && byteForm && rng.one(2)) rex |= 0x40;
  const many = long && (!byteForm || rex !== 0) ? 16 : 8;
  const segment = operands.includes("Sw");
  const system = operands.includes("Cd") || operands.includes("Dd");
  const reg = modrm === "/r" ? (segment ? rng.pick([0, 2, 3, 4, 5, 0, 3, 4, 5, 1, 6]) : system ? rng.pick([0, 2, 3]) : rng.below(many)) : modrm === undefined ? 0 : Number(modrm.slice(1));
  let rm = rng.below(many);
  if (plus) rm = rng.below(long ? (operands.includes("Zb") && rex === 0 ? 8 : 16) : 8);
  // High byte registers: AH CH DH BH live in registers 0-3.
  const holder = (n: number): number => (byteForm && rex === 0 && n >= 4 ? n - 4 : n);
  if (modrm === "/r" && reg >= 8) rex |= 0x44;
  const regRow = modrm === "/r" && !segment && !system;
  if (regRow && !(stack && holder(reg) === RSP)) if (!implied.has(holder(reg)) || rng.one(2)) setReg(holder(reg), word(rng, long ? 64 : 32));

  const lea = op === "LEA";
  const nop = /^(NOP|PREFETCHW)/.test(op);
  const at = 256 + rng.below(96) + (/CMPXCHG8B/.test(op) ? 0 : 0);
  const aligned = op === "CMPXCHG8B" && rexW && !rng.one(5) ? at & ~15 : at;
  let target = DATA_LINEAR + aligned;
  const tail: number[] = [];
  let ripAt = -1;
  const bytesAt = (n: number, v: number): void => {
    for (let i = 0; i < n; i++) tail.push((v >>> (8 * i)) & 0xff);
  };
  let gs = false;
  if (memory) {
    const field = (reg & 7) << 3;
    const short = rng.one(5) && (long || lea || nop); // address-size prefix
    if (short) prefixes.push(0x67);
    if (long && !lea && rng.one(6)) {
      prefixes.push(0x65);
      gs = true;
      target -= GS_LINEAR;
    } else if (rng.one(8)) prefixes.push(...(long ? [rng.pick([0x2e, 0x36, 0x3e, 0x26])] : [rng.pick([0x36, 0x3e, 0x26])]));
    const free = (n: number): boolean => !implied.has(n) && !(stack && n === RSP) && !(regRow && holder(reg) === n && !lea);
    if (short && !long) {
      // 16-bit addressing: only for instructions that do not access.
      const mod = rng.below(3);
      const rm16 = rng.below(8);
      for (const n of [RBX, RBP, RSI, RDI]) setReg(n, rng.bits(32));
      tail.push((mod << 6) | field | rm16);
      if (mod === 1) bytesAt(1, rng.below(256));
      else if (mod === 2 || rm16 === 6) bytesAt(2, rng.below(65536));
    } else {
      const wide = (v: number): bigint => BigInt.asUintN(64, BigInt(v)) | (short ? rng.bits(32) << 32n : 0n);
      const set = (n: number, v: number): void => setReg(n, short ? (BigInt.asUintN(32, BigInt(v)) | (rng.bits(32) << 32n)) : wide(v));
      const how = rng.below(8);
      const candidates = Array.from({ length: long ? 16 : 8 }, (_, n) => n).filter(free);
      const base = rng.pick(candidates);
      if (how === 0) {
        if (long) {
          tail.push(0x04 | field, 0x25);
          bytesAt(4, target);
          // A negative displacement with the prefix wraps in 32 bits, without it it is an address of the upper half.
          if (target < 0 && short) return undefined;
        } else {
          tail.push(0x05 | field);
          bytesAt(4, target);
        }
      } else if (how === 1 && long && !gs) {
        tail.push(0x05 | field);
        ripAt = tail.length;
        bytesAt(4, 0);
      } else if (how <= 4) {
        const index = rng.pick(candidates.filter((n) => n !== RSP && n !== base));
        const scale = rng.below(4);
        const noBase = rng.one(4);
        const n = rng.pick([0, 1, 2, 3, -1, -2, 100]);
        const mod = noBase ? 0 : (base & 7) === 5 ? 1 + rng.below(2) : rng.below(3);
        const disp = noBase || mod === 2 ? rng.pick([64, -64, 0x1234, -0x12345]) : mod === 1 ? rng.below(256) - 128 : 0;
        if (index >= 8) rex |= 0x42;
        if (noBase) {
          const rest = target - n * (1 << scale);
          tail.push(0x04 | field, (scale << 6) | ((index & 7) << 3) | 5);
          bytesAt(4, rest);
        } else {
          if (base >= 8) rex |= 0x41;
          tail.push((mod << 6) | 0x04 | field, (scale << 6) | ((index & 7) << 3) | (base & 7));
          if (mod === 1) bytesAt(1, disp);
          else if (mod === 2) bytesAt(4, disp);
          set(base, target - disp - n * (1 << scale));
        }
        set(index, n);
      } else {
        let b = base;
        if (stack && rng.one(4)) b = RSP; // PUSH [RSP+d], POP [RSP+d]
        const mod = b === RSP && stack ? 1 : (b & 7) === 5 ? 1 + rng.below(2) : rng.below(3);
        if (b >= 8) rex |= 0x41;
        const disp = b === RSP && stack ? rng.below(100) - 50 : mod === 2 ? rng.pick([0x7ff, -0x7ff, 0x12345678]) : mod === 1 ? rng.below(256) - 128 : 0;
        if ((b & 7) === 4) tail.push((mod << 6) | field | 4, 0x24);
        else tail.push((mod << 6) | field | (b & 7));
        if (mod === 1) bytesAt(1, disp);
        else if (mod === 2) bytesAt(4, disp);
        if (b === RSP && stack) target = DATA_LINEAR + sp + disp;
        else set(b, target - disp);
        if (b === RSP && stack && (gs || short)) return undefined;
      }
    }
    // Now and then an address that is not canonical.
    if (long && !short && !lea && !nop && !stack && ripAt < 0 && rng.one(40)) {
      const used = (tail[0] as number) & 7;
      if (used !== 4 && used !== 5) setReg(used | (rex & 1 ? 8 : 0), (0x8000n + rng.bits(16)) << 44n);
    }
  } else if (modrm !== undefined) {
    if (rm >= 8) rex |= 0x41;
    tail.push(0xc0 | ((reg & 7) << 3) | (rm & 7));
    const own = holder(rm);
    if (!(stack && own === RSP) && !(implied.has(own) && rng.one(2))) setReg(own, word(rng, long ? 64 : 32));
  } else if (plus) {
    if (rm >= 8) rex |= 0x41;
    const own = holder(rm);
    if (!(stack && own === RSP) && !implied.has(own)) setReg(own, word(rng, long ? 64 : 32));
    opcode[opcode.length - 1] = (opcode[opcode.length - 1] as number) + (rm & 7);
  }
  const where = target + (gs ? GS_LINEAR : 0) - DATA_LINEAR; // memory operand's offset in the case's memory
  const rmBytes = operands.map((o) => (/^[EM]/.test(o) ? bytesOf(o) : 0)).find((n) => n > 0) ?? size;
  const setRm = (v: bigint, bytes: number): void => {
    if (memory) setMemory(where, v, bytes);
    else {
      const own = holder(rm);
      const shift = byteForm && rex === 0 && rm >= 4 ? 8n : 0n;
      const mask = ((1n << BigInt(bytes * 8)) - 1n) << shift;
      if (!(stack && own === RSP)) setReg(own, (getReg(own) & ~mask) | ((v << shift) & mask));
    }
  };
  const getRm = (bytes: number): bigint => {
    let v = 0n;
    if (memory) for (let i = bytes - 1; i >= 0; i--) v = (v << 8n) | BigInt(before[MEMORY + where + i] ?? 0);
    else v = getReg(holder(rm)) >> (byteForm && rex === 0 && rm >= 4 ? 8n : 0n);
    return v & ((1n << BigInt(bytes * 8)) - 1n);
  };
  if (memory && !lea && !nop) {
    if (where < 0 || where > 960) return undefined;
    setMemory(where, word(rng, rmBytes * 8), rmBytes);
  }

  // ---- immediates
  const imm: number[] = [];
  const pushImm = (v: bigint, bytes: number): void => {
    for (let i = 0; i < bytes; i++) imm.push(Number((v >> BigInt(8 * i)) & 0xffn));
  };
  let displacement: { bytes: number } | undefined;
  let count = -1;
  for (const o of operands) {
    if (o === "Ib" || o === "Ibs") {
      const v = /^(AAM|AAD)$/.test(op) ? rng.pick([10, 10, 16, 0, 1, rng.below(256)]) : rng.one(3) ? rng.below(256) : rng.below(36);
      count = v;
      pushImm(BigInt(o === "Ibs" ? Number(word(rng, 8)) : v), 1);
      if (o === "Ibs" && /^BT/.test(op)) imm[imm.length - 1] = rng.below(256);
    } else if (o === "Iw") pushImm(BigInt(rng.pick([0, 4, 8, 16, 64])), 2);
    else if (o === "Iwb") {
      pushImm(BigInt(rng.pick([0, 8, 16, 64, 100])), 2);
      pushImm(BigInt(rng.pick([0, 0, 1, 1, 2, 3, 5, 32, 34])), 1);
    } else if (o === "Iz") pushImm(word(rng, size === 2 ? 16 : 32), size === 2 ? 2 : 4);
    else if (o === "Iv") pushImm(word(rng, size * 8), size);
    else if (o === "Jb") displacement = { bytes: 1 };
    else if (o === "Jz") displacement = { bytes: size === 2 ? 2 : 4 };
    else if (o === "Ob" || o === "Ov") {
      const bytes = o === "Ob" ? 1 : size;
      setMemory(aligned, word(rng, bytes * 8), bytes);
      let a = BigInt(DATA_LINEAR + aligned);
      if (long && rng.one(4)) {
        prefixes.push(0x65);
        a -= BigInt(GS_LINEAR);
      }
      if (long && rng.one(3)) {
        prefixes.push(0x67);
        pushImm(a, 4);
      } else pushImm(a, long ? 8 : 4);
    } else if (o === "Ap") {
      pushImm(BigInt(CODE_LINEAR + 64 + rng.below(30000)), size === 2 ? 2 : 4);
      pushImm(BigInt(rng.pick([0x23, 0x33, 0x23, 0x33, 0x2b, 0, 0x10, 0x1b, 0x20, 0x63])), 2);
    }
  }

  // ---- inputs that fit the mnemonic
  const bits = rmBytes * 8;
  const codeTarget = (): bigint => BigInt(CODE_LINEAR + rng.pick([64 + rng.below(30000), -1 - rng.below(30000)]));
  const flags = (rng.next() & 0x8d5) | (string && rng.one(2) ? 0x400 : 0);
  put(before, FLAGS, BigInt(0x202 | flags), 8);
  let skip = false;
  if (/^I?DIV$/.test(op) && !rng.one(5)) {
    const signed = op === "IDIV";
    const d = getRm(rmBytes);
    if (d !== 0n && !(!memory && (holder(rm) === RAX || holder(rm) === RDX))) {
      const D = signed ? BigInt.asIntN(bits, d) : d;
      let q = word(rng, bits);
      if (signed) q = BigInt.asIntN(bits, q);
      const magnitude = D < 0n ? -D : D;
      let r = rng.bits(64) % magnitude;
      const product = q * D;
      if (signed && product < 0n) r = -r;
      let n = product + r;
      if (rng.one(8)) n += rng.one(2) ? magnitude : -magnitude;
      if (rmBytes === 1) setReg(RAX, (getReg(RAX) & ~0xffffn) | BigInt.asUintN(16, n));
      else {
        const mask = (1n << BigInt(bits)) - 1n;
        setReg(RAX, (getReg(RAX) & ~mask) | (BigInt.asUintN(bits * 2, n) & mask));
        setReg(RDX, (getReg(RDX) & ~mask) | ((BigInt.asUintN(bits * 2, n) >> BigInt(bits)) & mask));
      }
    }
  } else if (/^CMPXCHG$/.test(op) && rng.one(2)) {
    const mask = (1n << BigInt(bits)) - 1n;
    if (memory || holder(rm) !== RAX) setReg(RAX, (getReg(RAX) & ~mask) | getRm(rmBytes));
  } else if (op === "CMPXCHG8B") {
    const half = rexW ? 8 : 4;
    const low = word(rng, half * 8);
    const high = word(rng, half * 8);
    setMemory(where, low | (high << BigInt(half * 8)), half * 2);
    if (rng.one(2)) {
      setReg(RAX, low | (rexW ? 0n : getReg(RAX) & ~0xffffffffn));
      setReg(RDX, high | (rexW ? 0n : getReg(RDX) & ~0xffffffffn));
    }
  } else if (/^BT[SRC]?$/.test(op) && memory && operands[1] === "Gv") {
    const range = 800;
    const offset = BigInt.asUintN(size * 8, BigInt(rng.below(2 * range) - range));
    if (prefixes.includes(0x67) && !long) return undefined;
    setReg(holder(reg), (getReg(holder(reg)) & ~((1n << BigInt(size * 8)) - 1n)) | offset);
  } else if (op === "BOUND") {
    const half = size * 8;
    const edge = BigInt.asIntN(half, word(rng, half));
    const low = edge - BigInt(rng.below(4));
    const high = edge + BigInt(rng.below(4));
    setMemory(where, BigInt.asUintN(half, low) | (BigInt.asUintN(half, high) << BigInt(half)), size * 2);
    setReg(holder(reg), BigInt.asUintN(half, edge + BigInt(rng.below(6) - 3)));
  } else if (op === "INTO") put(before, FLAGS, BigInt(0x202 | (flags & ~0x800)), 8);
  else if (/^L[EDSFG]S$/.test(op)) {
    setMemory(where, word(rng, size * 8), size);
    setMemory(where + size, BigInt(rng.pick(SELECTORS)), 2);
    if (size === 8) skip = true; // AMD has no 64-bit far pointers
  } else if (segment && row.operands?.startsWith("=Sw")) setRm(BigInt(rng.pick(SELECTORS)), 2);
  else if (/^POP [A-Z]S/.test(op)) setMemory(sp, BigInt(rng.pick(SELECTORS)) | (rng.bits(16) << 16n), size === 2 ? 2 : 4);
  else if (/^PUSH [A-Z]S/.test(op)) setMemory(sp - 8, 0n, 8);
  else if (/^(LAR|LSL|VERR|VERW)$/.test(op)) setRm(BigInt(rng.pick([0, 3, 0x23, 0x2b, 0x33, 0x23, 0x2b, 0x33, 0x20, 0x1000, 0x10, 0x1b, 0x18])), 2);
  else if (op === "POPF") setMemory(sp, (rng.bits(32) & 0x200ed7n) | (rng.bits(32) & 0x3000n), size);
  else if (op === "LEAVE") setReg(RBP, BigInt(DATA_LINEAR + 400 + rng.below(100)));
  else if (op === "ENTER") setReg(RBP, BigInt(DATA_LINEAR + 700 + rng.below(64)));
  else if (op === "XLAT") setReg(RBX, BigInt(DATA_LINEAR + 256 + rng.below(256)));
  else if (/^LOOP|^JRCXZ/.test(op)) {
    if (rng.one(3)) prefixes.push(long ? 0x67 : 0x67);
    setReg(RCX, rng.pick([0n, 1n, 2n, 0x10000n, 0x10001n, 0x100000000n, 0x100000001n, 5n, word(rng, 64)]));
  } else if (["JMP", "CALL"].includes(op) && modrm !== undefined) {
    setRm(size === 2 ? rng.bits(16) : codeTarget(), size);
    if (!memory && rm === RSP) return undefined;
  } else if (["JMPF", "CALLF"].includes(op) && memory) {
    setMemory(where, size === 2 ? rng.bits(16) : codeTarget(), size);
    setMemory(where + size, BigInt(rng.pick([0x23, 0x33, 0x23, 0x33, 0x2b, 0, 0x10, 0x1b, 0x63])), 2);
    if (size === 8) skip = true; // AMD has no 64-bit far offsets here
  } else if (op === "RET") setMemory(sp, size === 2 ? rng.bits(16) : codeTarget(), size);
  else if (op === "RETF" || op === "IRET") {
    const selector = BigInt(rng.pick(long ? [0x33, 0x33, 0x33, 0x23, 0x23, 0, 0x10, 0x2b, 0x20, 0x63] : [0x23, 0x23, 0x33, 0x33, 0, 0x10, 0x2b, 0x20, 0x63]));
    setMemory(sp, size === 2 ? rng.bits(16) : codeTarget(), size);
    setMemory(sp + size, selector | (size > 2 ? rng.bits(16) << 16n : 0n), size);
    if (op === "IRET") {
      setMemory(sp + 2 * size, (rng.bits(32) & 0x200ed7n) | 2n, size);
      if (long) {
        setMemory(sp + 3 * size, BigInt(DATA_LINEAR + 300 + rng.below(300)), size);
        setMemory(sp + 4 * size, BigInt(rng.pick([0x2b, 0x2b, 0x2b, 0x2b, 0, 0x28, 0x33])), size);
        if (size === 2) setMemory(sp + 6, rng.bits(16), 2);
      }
    }
  }
  const addressShort = string && rng.one(4) && long;
  if (string) {
    const element = /B$/.test(op) ? 1 : size;
    const rep = rng.below(4);
    if (rep >= 2) prefixes.push(rep === 2 ? 0xf3 : 0xf2);
    if (addressShort) prefixes.push(0x67);
    if (rng.one(8)) prefixes.push(0x3e);
    const garbage = (v: number): bigint => BigInt(v) | (addressShort ? rng.bits(32) << 32n : 0n);
    const n = rng.pick([0, 1, 2, 3, 5, 8, 13, 16]);
    const from = 300 + rng.below(200);
    const to = rng.one(2) ? from + rng.below(32) - 16 : 300 + rng.below(200);
    setReg(RCX, garbage(n));
    setReg(RSI, garbage(DATA_LINEAR + from));
    setReg(RDI, garbage(DATA_LINEAR + to));
    // Equal stretches for comparisons.
    const fill = BigInt(rng.below(256));
    const run = element * rng.below(8);
    for (let i = -run; i < run + element; i++)
      if (/^(CMPS|SCAS)/.test(op)) {
        setMemory(from + i, fill, 1);
        setMemory(to + i, fill, 1);
      }
    if (/^SCAS/.test(op) && rng.one(2)) setReg(RAX, BigInt.asUintN(64, fill * 0x0101010101010101n));
    // With no iteration, what becomes of the upper halves is each vendor's.
    if (rep >= 2 && addressShort && n === 0) return undefined;
    if (/^(INS|OUTS)/.test(op) && rep >= 2 && n === 0) return undefined;
  }
  if (skip) return undefined;

  // ---- LOCK
  if (!string && !stack && !branch && !/^(UD|HLT|CPUID|VER[RW]|LAR|LSL)/.test(op) && modrm !== undefined) {
    if (row.lock && memory ? rng.one(8) : rng.one(60)) prefixes.push(0xf0);
  }

  // ---- undefined results
  const [, undefinedFlags = ""] = (row.flags ?? "").split("?");
  let ignored = flagBits(undefinedFlags);
  if (/^(RO[LR]|RC[LR]|SH[LR]D?|SA[LR])$/.test(op)) {
    const raw = operands.includes("one") ? 1 : operands.includes("CL") ? Number(getReg(RCX) & 0xffn) : count;
    const masked = raw & (size === 8 && !byteForm ? 63 : 31);
    const width = byteForm ? 8 : size * 8;
    if (masked === 0) ignored = 0;
    else if (masked === 1) ignored &= ~0x800;
    if (/^(SHL|SAL|SHR)$/.test(op) && masked >= width) ignored |= 1;
    if (/^SH[LR]D$/.test(op)) {
      if (masked > width) return undefined;
      if (masked > 1) ignored |= 0x800;
    }
    if (/^RC/.test(op) && masked % (width + 1) === 0 && masked > 0) ignored |= 0x800;
  }
  if (/^BS[FR]$/.test(op) && getRm(rmBytes) === 0n && long && size === 4) return undefined;
  if (system && !prefixes.length) ignored = 0;

  const limitBytes = prefixes.length + (rex ? 1 : 0) + opcode.length + tail.length + imm.length + (displacement?.bytes ?? 0);
  if (limitBytes > 14 || (rex && !long)) return undefined;
  // Prefix order is free, except that REX comes last.
  const code = [...prefixes, ...(rex ? [rex] : []), ...opcode, ...tail, ...imm];
  if (displacement) {
    const length = code.length + displacement.bytes;
    let d: number;
    do d = displacement.bytes === 1 ? rng.below(256) - 128 : displacement.bytes === 2 ? rng.below(65536) - 32768 : rng.below(60000) - 30000;
    while (d < 0 && d >= -length);
    for (let i = 0; i < displacement.bytes; i++) code.push((d >> (8 * i)) & 0xff);
  }
  if (ripAt >= 0) {
    const at32 = prefixes.length + (rex ? 1 : 0) + opcode.length + ripAt;
    const d = target - (CODE_LINEAR + code.length);
    for (let i = 0; i < 4; i++) code[at32 + i] = (d >> (8 * i)) & 0xff;
  }
  if (ripAt >= 0 && prefixes.includes(0x67) && target < 0) return undefined;
  return { code: Uint8Array.from(code), before, ignored };
}
