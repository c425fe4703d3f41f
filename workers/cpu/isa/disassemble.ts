// The disassembler: the same table and the same opcode maps as the decoder, printed in Intel syntax. Reads bytes, touches nothing.

import { parseOperands, ROWS, type Operand } from "./expand.ts";
import { decodeTables, GROUPS_OFFSET, LEGACY_MAPS_OFFSET, MAPS_OFFSET, ROWS_OFFSET, VEX_OFFSET } from "./tables.ts";

export interface Disassembled {
  readonly text: string;
  /** Bytes of the instruction; 1 when it is not one. */
  readonly length: number;
  /** Table row, or null for an undefined opcode. */
  readonly row: number | null;
}
const R64 = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
const R8 = ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"];
const R8X = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"];
const SEGMENTS = ["es", "cs", "ss", "ds", "fs", "gs"];
function register(n: number, bits: number, rex: boolean): string {
  if (bits === 8) return n < 8 ? ((rex ? R8X : R8)[n] as string) : `r${n}b`;
  if (n >= 8) return bits === 64 ? `r${n}` : bits === 32 ? `r${n}d` : `r${n}w`;
  const name = R64[n] as string;
  return bits === 64 ? name : bits === 32 ? `e${name.slice(1)}` : name.slice(1);
}
let tables: Uint8Array | null = null;
const hex = (v: bigint) => (v < 0n ? `-0x${(-v).toString(16)}` : `0x${v.toString(16)}`);

/** `codeBits`: 16, 32 or 64. `ip` is the address of bytes[0], for relative targets. */
export function disassemble(bytes: Uint8Array, codeBits: 16 | 32 | 64, ip: bigint): Disassembled {
  tables ??= decodeTables();
  const view = new DataView(tables.buffer);
  let at = 0;
  const byte = () => {
    if (at >= bytes.length) throw new RangeError("short");
    return bytes[at++] as number;
  };
  const signed = (size: number): bigint => {
    let v = 0n;
    for (let i = 0; i < size; i++) v |= BigInt(byte()) << BigInt(8 * i);
    return BigInt.asIntN(8 * size, v);
  };
  try {
    let rex = 0;
    let opsize = codeBits === 16 ? 16 : 32;
    let address: number = codeBits;
    let segment = "";
    let lock = false;
    let rep = "";
    let op: number;
    for (;;) {
      op = byte();
      if (codeBits === 64 && (op & 0xf0) === 0x40) {
        rex = op;
        continue;
      }
      if (op === 0x66) opsize = codeBits === 16 ? 32 : 16;
      else if (op === 0x67) address = codeBits === 64 ? 32 : codeBits === 32 ? 16 : 32;
      else if (op === 0xf0) lock = true;
      else if (op === 0xf3) rep = "rep";
      else if (op === 0xf2) rep = "repne";
      else if ((op & 0xe7) === 0x26) segment = SEGMENTS[(op >> 3) & 3] as string;
      else if (op === 0x64 || op === 0x65) segment = SEGMENTS[op - 0x60] as string;
      else break;
      rex = 0;
    }
    let map = 0;
    let vvvv = 0;
    let e: number;
    const sixtySix = opsize !== (codeBits === 16 ? 16 : 32);
    const vex = (op === 0xc4 || op === 0xc5) && (codeBits === 64 || (bytes[at] ?? 0) >= 0xc0);
    if (vex) {
      const illegal = rex !== 0 || sixtySix || lock || rep !== "";
      const b1 = byte();
      const b2 = op === 0xc4 ? byte() : b1;
      const w = op === 0xc4 ? b2 >> 7 : 0;
      map = op === 0xc4 ? b1 & 31 : 1;
      rex = codeBits === 64 ? 0x40 | (b1 & 0x80 ? 0 : 4) | (op === 0xc4 ? (b1 & 0x40 ? 0 : 2) | (b1 & 0x20 ? 0 : 1) | (w << 3) : 0) : 0;
      vvvv = (~b2 >> 3) & (codeBits === 64 ? 15 : 7);
      opsize = 32;
      const l = (b2 >> 2) & 1;
      op = byte();
      e = illegal || map < 1 || map > 3 ? 0 : view.getUint16(VEX_OFFSET + ((((w * 2 + l) * 3 + (map - 1)) * 4 + (b2 & 3)) * 256 + op) * 2, true);
    } else {
      if (op === 0x0f) {
        op = byte();
        map = op === 0x38 ? 2 : op === 0x3a ? 3 : 1;
        if (map > 1) op = byte();
      }
      const mandatory = rep === "rep" ? 2 : rep === "repne" ? 3 : sixtySix ? 1 : 0;
      e = view.getUint16((codeBits === 64 ? MAPS_OFFSET : LEGACY_MAPS_OFFSET) + ((((map << 2) | mandatory) << 8) | op) * 2, true);
    }
    let modrm = -1;
    if (e & 0x8000) {
      modrm = byte();
      e = view.getUint16(GROUPS_OFFSET + ((e & 0x7fff) * 72 + (modrm >= 0xc0 ? 8 + (modrm & 63) : (modrm >> 3) & 7)) * 2, true);
    }
    const row = ROWS[e - 1];
    if (e === 0 || !row) return { text: "(bad)", length: 1, row: null };
    if (vex && vvvv !== 0 && !((tables[ROWS_OFFSET + e * 32 + 23] as number) & 1)) return { text: "(bad)", length: 1, row: null };
    const flags = tables[ROWS_OFFSET + e * 32 + 13] as number;
    if (flags & 1 && modrm < 0) modrm = byte();
    let size = opsize;
    if (codeBits === 64) {
      if (rex & 8) size = 64;
      else if (row.size64 === "default" && size === 32) size = 64;
      if (row.size64 === "force") size = 64;
    }
    let memory = "";
    if (flags & 1 && modrm < 0xc0 && !(flags & 128)) memory = memoryText();
    function memoryText(): string {
      const mod = modrm >> 6;
      const rm = modrm & 7;
      const parts: string[] = [];
      let disp = 0n;
      let relative = false;
      if (address === 16) {
        if (mod === 0 && rm === 6) disp = BigInt.asUintN(16, signed(2));
        else parts.push(["bx+si", "bx+di", "bp+si", "bp+di", "si", "di", "bp", "bx"][rm] as string);
        if (mod === 1) disp = signed(1);
        else if (mod === 2) disp = signed(2);
      } else {
        const bits = address;
        if (rm === 4) {
          const sib = byte();
          const base = sib & 7;
          const index = ((sib >> 3) & 7) | ((rex & 2) << 2);
          if (base === 5 && mod === 0) disp = signed(4);
          else parts.push(register(base | ((rex & 1) << 3), bits, true));
          if (row?.vsib) parts.push(`${row.lanes === 2 && ((row.param ?? 0) & 3) !== 1 ? "ymm" : "xmm"}${index}*${1 << (sib >> 6)}`);
          else if (index !== 4) parts.push(`${register(index, bits, true)}${sib >> 6 ? `*${1 << (sib >> 6)}` : ""}`);
        } else if (rm === 5 && mod === 0) {
          disp = signed(4);
          relative = codeBits === 64;
        } else parts.push(register(rm | ((rex & 1) << 3), bits, true));
        if (mod === 1) disp = signed(1);
        else if (mod === 2) disp = signed(4);
      }
      if (relative) parts.push("rip");
      const sum = parts.join("+");
      const tail = parts.length === 0 ? hex(BigInt.asUintN(address, disp)) : disp === 0n ? "" : disp < 0n ? hex(disp) : `+${hex(disp)}`;
      return `${segment ? `${segment}:` : ""}[${sum}${tail}]`;
    }
    const reg = ((modrm >> 3) & 7) | ((rex & 4) << 1);
    const rm = (modrm & 7) | ((rex & 1) << 3);
    const low = (op & 7) | ((rex & 1) << 3);
    const widthOf = (o: Operand): number =>
      ({ b: 8, w: 16, d: 32, q: 64, v: size, y: size === 64 ? 64 : 32, z: size === 16 ? 16 : 32 })[o.size] ?? size;
    const pointer: { readonly [bits: number]: string } = { 8: "byte", 16: "word", 32: "dword", 64: "qword" };
    const vector = (o: Operand, n: number) =>
      `${vex && (o.shared ? 1 : (row.lanes ?? 1)) * ({ dq: 16, q: 8, d: 4, w: 2, b: 1 }[o.size] ?? 16) > 16 ? "ymm" : "xmm"}${n}`;
    const operand = (o: Operand): string | null => {
      switch (o.letter) {
        case "AL":
          return "al";
        case "AX":
          return "ax";
        case "CL":
          return "cl";
        case "DX":
          return "dx";
        case "one":
          return "1";
        case "rAX":
          return register(0, size, true);
        case "eAXz":
          return register(0, size === 16 ? 16 : 32, true);
        case "STi":
          return `st(${modrm & 7})`;
        case "E":
        case "R":
          return memory ? `${pointer[widthOf(o)] ?? ""} ${memory}` : register(rm, widthOf(o), rex !== 0);
        case "M":
          return o.size && pointer[widthOf(o)] && o.size !== "t" && o.size !== "dq" ? `${pointer[widthOf(o)]} ${memory}` : memory;
        case "G":
          return register(reg, widthOf(o), rex !== 0);
        case "Z":
          return register(low, widthOf(o), rex !== 0);
        case "V":
          return vector(o, reg);
        case "H":
          return vector(o, vvvv);
        case "L":
          return vector(o, (byte() >> 4) & (codeBits === 64 ? 15 : 7));
        case "B":
          return register(vvvv, widthOf(o), true);
        case "W":
          return memory || vector(o, rm);
        case "U":
          return vector(o, rm);
        case "P":
          return `mm${reg & 7}`;
        case "Q":
          return memory || `mm${rm & 7}`;
        case "N":
          return `mm${rm & 7}`;
        case "S":
          return SEGMENTS[reg & 7] ?? "?";
        case "C":
          return `cr${reg}`;
        case "D":
          return `dr${reg}`;
        case "I": {
          if (o.size === "wb") {
            const w = signed(2);
            return `${hex(BigInt.asUintN(16, w))},${hex(BigInt.asUintN(8, signed(1)))}`;
          }
          if (o.size === "b") return hex(BigInt.asUintN(8, signed(1)));
          if (o.size === "w") return hex(BigInt.asUintN(16, signed(2)));
          if (o.size === "bs") return hex(signed(1));
          if (o.size === "v") return hex(BigInt.asUintN(size, signed(size / 8)));
          return hex(signed(size === 16 ? 2 : 4));
        }
        case "J": {
          const delta = o.size === "b" ? signed(1) : signed(size === 16 && codeBits !== 64 ? 2 : 4);
          return hex(BigInt.asUintN(codeBits === 64 ? 64 : size, ip + BigInt(at) + delta));
        }
        case "O":
          return `${segment ? `${segment}:` : ""}[${hex(BigInt.asUintN(address, signed(address / 8)))}]`;
        case "A": {
          const offset = size === 16 ? BigInt.asUintN(16, signed(2)) : BigInt.asUintN(32, signed(4));
          return `${hex(BigInt.asUintN(16, signed(2)))}:${hex(offset)}`;
        }
        default:
          return null;
      }
    };
    const shown = parseOperands(row.operands).map(operand).filter((t): t is string => t !== null);
    const string = /^(MOVS|CMPS|STOS|LODS|SCAS|INS|OUTS)B?$/.test(row.op);
    const wide = string && !row.op.endsWith("B") ? { 16: "w", 32: "d", 64: "q" }[size] : "";
    const prefix = `${lock ? "lock " : ""}${string && rep ? `${rep} ` : ""}`;
    return { text: `${prefix}${row.op.toLowerCase()}${wide}${shown.length ? ` ${shown.join(", ")}` : ""}`, length: at, row: e - 1 };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { text: "(bad)", length: 1, row: null };
  }
}
