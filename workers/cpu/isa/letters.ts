// The letters of the table: parses encodings and operands, gives operands their types and record slots. See README.md. Read by expand.ts,
// expand-vex.ts, tables.ts and the disassembler.

import type { Row } from "./row.ts";

export interface Encoding {
  /** 0 one-byte, 1 0F, 2 0F38, 3 0F3A. */
  readonly map: number;
  /** Mandatory prefix: null none, else 1 = 66, 2 = F3, 3 = F2. */
  readonly prefix: number | null;
  readonly opcode: number;
  /** Opcodes opcode..opcode+7 (register in the low bits). */
  readonly plusR: boolean;
  readonly modrm: boolean;
  /** ModRM.reg must be this. */
  readonly digit: number | null;
  /** ModRM must be this byte. */
  readonly exact: number | null;
  /** "m" / "r": memory or register form only. */
  readonly only: "m" | "r" | null;
  /** VEX prefix: L (2: any) and W (2: any); null: legacy encoding. */
  readonly vex: { readonly l: 0 | 1 | 2; readonly w: 0 | 1 | 2 } | null;
}
const VEX_L: { readonly [text: string]: 0 | 1 | 2 } = { "128": 0, LZ: 0, "256": 1, LIG: 2 };
/** "VEX.128.66.0F38.W0" to its fields; map and prefix as in legacy encodings. */
function parseVex(text: string): { l: 0 | 1 | 2; w: 0 | 1 | 2; prefix: number; map: number } {
  const m = /^VEX\.(128|256|LZ|LIG)(?:\.(66|F3|F2))?\.(0F|0F38|0F3A)\.(W0|W1|WIG)$/.exec(text);
  if (!m) throw new Error(`isa: cannot parse "${text}"`);
  return {
    l: VEX_L[m[1] ?? ""] ?? 0,
    prefix: m[2] === "66" ? 1 : m[2] === "F3" ? 2 : m[2] === "F2" ? 3 : 0,
    map: m[3] === "0F" ? 1 : m[3] === "0F38" ? 2 : 3,
    w: m[4] === "W0" ? 0 : m[4] === "W1" ? 1 : 2,
  };
}
export function parseEncoding(enc: string): Encoding {
  const parts = enc.trim().split(/\s+/);
  let prefix: number | null = null;
  const vex = parts[0]?.startsWith("VEX.") ? parseVex(parts.shift() ?? "") : null;
  if (!vex && parts.length > 1 && ["66", "F2", "F3", "NP"].includes(parts[0] ?? "")) {
    prefix = parts[0] === "NP" ? 0 : parts[0] === "66" ? 1 : parts[0] === "F3" ? 2 : 3;
    parts.shift();
  }
  let map = vex?.map ?? 0;
  if (vex) prefix = vex.prefix;
  else if (parts[0] === "0F" && parts.length > 1) {
    map = 1;
    parts.shift();
    const second: string | undefined = parts[0];
    if (second === "38" || second === "3A") {
      map = second === "38" ? 2 : 3;
      parts.shift();
    }
  }
  const first = parts.shift() ?? "";
  const plusR = first.endsWith("+r");
  const opcode = Number.parseInt(first, 16);
  let digit: number | null = null;
  let exact: number | null = null;
  let only: "m" | "r" | null = null;
  let modrm = false;
  for (const part of parts) {
    const m = /^\/(r|[0-7])(?::([mr]))?$/.exec(part);
    if (m) {
      modrm = true;
      if (m[1] !== "r") digit = Number(m[1]);
      only = (m[2] as "m" | "r" | undefined) ?? null;
    } else if (/^[0-9A-F]{2}(\+i)?$/.test(part)) {
      modrm = true;
      if (part.endsWith("+i")) {
        // "D8 C0+i": eight ModRM bytes.
        const b = Number.parseInt(part, 16);
        digit = (b >> 3) & 7;
        only = "r";
      } else exact = Number.parseInt(part, 16);
    } else throw new Error(`isa: cannot parse "${enc}" at "${part}"`);
  }
  if (Number.isNaN(opcode)) throw new Error(`isa: no opcode in "${enc}"`);
  return { map, prefix, opcode, plusR, modrm, digit, exact, only, vex };
}

export interface Operand {
  readonly access: "r" | "w" | "rw";
  readonly letter: string;
  readonly size: string;
  readonly text: string;
  /** Both lanes read the same part ("Wdq*"). */
  readonly shared: boolean;
}
export function parseOperands(text: string | undefined): Operand[] {
  return (text ?? "")
    .split(/\s+/)
    .filter((t) => t)
    .map((t) => {
      const access = t[0] === "=" ? "w" : t[0] === "+" ? "rw" : "r";
      const shared = t.endsWith("*");
      const body = t.replace(/^[=+]/, "").replace(/\*$/, "");
      const fixed = ["AL", "AX", "CL", "DX", "rAX", "eAXz", "one", "STi"].includes(body);
      return fixed
        ? { access, letter: body, size: "", text: body, shared }
        : { access, letter: body[0] ?? "", size: body.slice(1), text: body, shared };
    });
}
const SIZES = ["16", "32", "64"] as const;
const TYPES: { readonly [size: string]: string } = { b: "u8", w: "u16", d: "u32", q: "u64", dq: "v128", ps: "v128", pd: "v128" };

/** Wasm-side type of an operand at operand size index 0-2, or null when it has none of its own. */
export function typeOf(o: Operand, s: number): string | null {
  const v = `u${SIZES[s]}`;
  switch (o.letter) {
    case "AL":
    case "CL":
    case "one":
      return "u8";
    case "AX":
    case "DX":
      return "u16";
    case "rAX":
      return v;
    case "eAXz":
      return s === 0 ? "u16" : "u32";
    case "v":
      return v;
    case "b":
      return "u8";
    case "z":
      return s === 0 ? "u16" : "u32";
    case "R":
      return v;
    case "E":
    case "G":
    case "B":
    case "Z":
    case "M":
    case "O":
      if (o.size === "v") return v;
      if (o.size === "y") return s === 2 ? "u64" : "u32";
      if (o.size === "z") return s === 0 ? "u16" : "u32";
      if (o.letter === "M" && (o.size === "" || o.size === "t" || o.size === "dq")) return "u64";
      return TYPES[o.size] ?? null;
    case "V":
    case "W":
    case "U":
    case "H":
    case "L":
    case "P":
    case "Q":
    case "N":
      return TYPES[o.size] ?? null;
    case "J":
      return v;
    case "S":
    case "C":
    case "D":
    case "STi":
      return "u32";
    default:
      return null;
  }
}
/** The T of `fn<T>`. */
export function genericType(row: Row, ops: readonly Operand[], s: number): string | null {
  if (row.sized === false) return null;
  for (const o of ops) {
    if (o.letter === "I") continue;
    const wide = o.size === "v" || o.size === "y" || o.size === "z" || ["v", "z", "R", "rAX", "eAXz", "J"].includes(o.letter);
    if (wide) return typeOf(o, s);
  }
  const ints = ops.filter((o) => ["E", "G", "B", "Z", "O", "AL", "AX", "b"].includes(o.letter) || (o.letter === "M" && o.size !== ""));
  const last = ints[ints.length - 1];
  if (last) return typeOf(last, s);
  // An immediate alone (PUSH Iz) follows the operand size.
  if (ops.some((o) => o.letter === "I" && (o.size === "z" || o.size === "bs" || o.size === "v")) && !row.raw) return `u${SIZES[s]}`;
  return null;
}

export const GUARDS: { readonly [g: string]: string } = {
  x87: "x87Guard(r);",
  x87nowait: "x87GuardNoWait(r);",
  mmx: "mmxGuard(r);",
  sse: "sseGuard(r);",
  priv: "privileged();",
  avx: "avxGuard();",
  vex: "vexGuard();",
};
export interface Handler {
  readonly name: string;
  readonly body: string;
  /** A function that this handler shares with others. */
  readonly shared?: { readonly name: string; readonly text: string };
}
export const isRegisterFile = (o: Operand) => ["E", "G", "B", "Z", "R", "V", "H", "W", "U", "P", "Q", "N", "S", "C", "D", "STi"].includes(o.letter);
export const isRm = (o: Operand) => ["E", "W", "Q"].includes(o.letter);
export const isImplied = (o: Operand) => ["AL", "AX", "CL", "DX", "rAX", "eAXz"].includes(o.letter);
export const bytesOf: { readonly [t: string]: number } = { u8: 1, u16: 2, u32: 4, u64: 8, v128: 16 };

/** Operands that take a register slot in the record, in order, for a memory or register form. */
export function slots(ops: readonly Operand[], memory: boolean): Operand[] {
  return ops.filter((o) => (isRegisterFile(o) && !(memory && isRm(o))) || isImplied(o)).slice(0, 3);
}
