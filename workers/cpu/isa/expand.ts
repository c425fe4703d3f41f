// From rows to forms: parses encodings and operand letters, gives each row the handlers of its memory and register forms at 16, 32 and
// 64 bits (names and AssemblyScript text), and the recipe by which the decoder fills the record. Read by generate.ts and tables.ts.

import { FEATURES } from "./features.ts";
import type { Row } from "./row.ts";
import { ROWS_INT } from "./rows-int.ts";
import { ROWS_MMX } from "./rows-mmx.ts";
import { ROWS_SSE } from "./rows-sse.ts";
import { ROWS_X87 } from "./rows-x87.ts";

export const ROWS: readonly Row[] = [...ROWS_INT, ...ROWS_X87, ...ROWS_MMX, ...ROWS_SSE];

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
}
export function parseEncoding(enc: string): Encoding {
  const parts = enc.trim().split(/\s+/);
  let prefix: number | null = null;
  if (parts.length > 1 && ["66", "F2", "F3"].includes(parts[0] ?? "")) {
    prefix = parts[0] === "66" ? 1 : parts[0] === "F3" ? 2 : 3;
    parts.shift();
  }
  let map = 0;
  if (parts[0] === "0F" && parts.length > 1) {
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
  return { map, prefix, opcode, plusR, modrm, digit, exact, only };
}

export interface Operand {
  readonly access: "r" | "w" | "rw";
  readonly letter: string;
  readonly size: string;
  readonly text: string;
}
export function parseOperands(text: string | undefined): Operand[] {
  return (text ?? "")
    .split(/\s+/)
    .filter((t) => t)
    .map((t) => {
      const access = t[0] === "=" ? "w" : t[0] === "+" ? "rw" : "r";
      const body = t.replace(/^[=+]/, "");
      const fixed = ["AL", "AX", "CL", "DX", "rAX", "eAXz", "one", "STi"].includes(body);
      return fixed
        ? { access, letter: body, size: "", text: body }
        : { access, letter: body[0] ?? "", size: body.slice(1), text: body };
    });
}
const SIZES = ["16", "32", "64"] as const;
const TYPES: { readonly [size: string]: string } = { b: "u8", w: "u16", d: "u32", q: "u64", dq: "v128", ps: "v128", pd: "v128" };

/** Wasm-side type of an operand at operand size index 0-2, or null when it has none of its own. */
function typeOf(o: Operand, s: number): string | null {
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
function genericType(row: Row, ops: readonly Operand[], s: number): string | null {
  if (row.sized === false) return null;
  for (const o of ops) {
    if (o.letter === "I") continue;
    const wide = o.size === "v" || o.size === "y" || o.size === "z" || ["v", "z", "R", "rAX", "eAXz", "J"].includes(o.letter);
    if (wide) return typeOf(o, s);
  }
  const ints = ops.filter((o) => ["E", "G", "Z", "O", "AL", "AX", "b"].includes(o.letter) || (o.letter === "M" && o.size !== ""));
  const last = ints[ints.length - 1];
  if (last) return typeOf(last, s);
  // An immediate alone (PUSH Iz) follows the operand size.
  if (ops.some((o) => o.letter === "I" && (o.size === "z" || o.size === "bs" || o.size === "v")) && !row.raw) return `u${SIZES[s]}`;
  return null;
}

const GUARDS: { readonly [g: string]: string } = {
  x87: "x87Guard(r);",
  x87nowait: "x87GuardNoWait(r);",
  mmx: "mmxGuard(r);",
  sse: "sseGuard(r);",
  priv: "privileged();",
};
export interface Handler {
  readonly name: string;
  readonly body: string;
}
const isRegisterFile = (o: Operand) => ["E", "G", "Z", "R", "V", "W", "U", "P", "Q", "N", "S", "C", "D", "STi"].includes(o.letter);
const isRm = (o: Operand) => ["E", "W", "Q"].includes(o.letter);
const isImplied = (o: Operand) => ["AL", "AX", "CL", "DX", "rAX", "eAXz"].includes(o.letter);
const bytesOf: { readonly [t: string]: number } = { u8: 1, u16: 2, u32: 4, u64: 8, v128: 16 };

/** Operands that take a register slot in the record, in order, for a memory or register form. */
export function slots(ops: readonly Operand[], memory: boolean): Operand[] {
  return ops.filter((o) => (isRegisterFile(o) && !(memory && isRm(o))) || isImplied(o)).slice(0, 3);
}
/** The handler of a row in memory or register form at operand size s, or null when the row has no such form. */
export function handlerOf(row: Row, memory: boolean, s: number): Handler | null {
  const enc = parseEncoding(row.enc);
  const ops = parseOperands(row.operands);
  if (enc.modrm) {
    if (memory && (enc.only === "r" || enc.exact !== null)) return null;
    if (!memory && enc.only === "m") return null;
    if (!memory && ops.some((o) => o.letter === "M")) return null;
    if (memory && ops.some((o) => o.letter === "U" || o.letter === "N" || o.letter === "STi")) return null;
  }
  const generic = genericType(row, ops, s);
  const call = generic ? `${row.fn}<${generic}>` : row.fn;
  const guard = row.guard ? GUARDS[row.guard] : "";
  const param = row.param === undefined ? [] : [String(row.param)];
  const chain = row.end ? "Chain.last(r);" : "Chain.next(r);";
  if (row.raw) {
    const name = ["h", row.fn, generic ?? "", row.param === undefined ? "" : `p${row.param}`, row.guard ?? "", row.end ? "end" : ""].filter((x) => x).join("_");
    return { name, body: `${guard} ${call}(${["r", ...param].join(", ")}); ${chain}` };
  }
  const slotList = slots(ops, memory);
  const slotOf = (o: Operand) => `REC_R${slotList.indexOf(o)}`;
  const code: string[] = [];
  const args: string[] = [];
  const key: string[] = [];
  let finish = "";
  let lin = false;
  ops.forEach((o, i) => {
    const t = typeOf(o, s);
    const memoryOperand = o.letter === "M" || (memory && isRm(o));
    const reads = o.access !== "w";
    const writes = o.access !== "r";
    if (o.letter === "X" || o.letter === "v" || o.letter === "b" || o.letter === "z") return;
    if (o.letter === "I") {
      const T = o.size === "b" ? "u8" : o.size === "w" ? "u16" : (generic ?? "u64");
      args.push(`<${T}>load<u64>(r, REC_IMM)`);
      key.push(`I${T}`);
      return;
    }
    if (o.letter === "one") {
      args.push("<u8>1");
      key.push("one");
      return;
    }
    if (o.letter === "STi") {
      args.push(`<u32>load<u8>(r, ${slotOf(o)})`);
      key.push(`sti${slotOf(o).slice(-1)}`);
      return;
    }
    if (!t) throw new Error(`isa: ${row.op} ${row.enc}: operand ${o.text} has no type`);
    if (memoryOperand && o.letter === "M" && (o.size === "" || o.size === "t" || o.size === "dq")) {
      // The function gets the linear address.
      const size = o.size === "t" ? 10 : o.size === "dq" ? 16 : 1;
      args.push(`Ea.${writes ? "toWrite" : "toRead"}(r, ${size})`);
      key.push(`A${size}${writes ? "w" : ""}`);
      return;
    }
    if (memoryOperand) {
      const size = bytesOf[t] ?? 8;
      const align = t === "v128" && !row.unaligned;
      const address = `Ea.${writes ? "toWrite" : "toRead"}(r, ${size})`;
      code.push(`const lin = ${align ? `Ea.aligned(${address})` : address};`);
      lin = true;
      key.push(`M${t}${o.access}${align ? "a" : ""}`);
      if (o.access === "rw" && t !== "v128") {
        code.push(`const host = Mem.modify<${t}>(lin);`, `const m${i} = host ? load<${t}>(host) : Mem.read<${t}>(lin);`);
        args.push(`m${i}`);
        finish = `if (host) store<${t}>(host, v); else Mem.write<${t}>(lin, v);`;
      } else {
        if (reads) {
          code.push(`const m${i} = Mem.read<${t}>(lin);`);
          args.push(`m${i}`);
        }
        if (writes) finish = `Mem.write<${t}>(lin, v);`;
      }
      return;
    }
    const slot = slotOf(o);
    key.push(`${"VWU".includes(o.letter) ? "X" : "PQN".includes(o.letter) ? "P" : "SCD".includes(o.letter) ? "N" : "R"}${slot.slice(-1)}${t}${o.access}`);
    if ("VWU".includes(o.letter)) {
      if (reads) args.push(`load<${t}>(Reg.xmm(r, ${slot}))`);
      if (writes) finish = `store<${t}>(Reg.xmm(r, ${slot}), v);`;
    } else if ("PQN".includes(o.letter)) {
      if (reads) args.push(`load<${t}>(Reg.mmx(r, ${slot}))`);
      if (writes) finish = `writeMmx(Reg.mmx(r, ${slot}), v);`;
    } else if ("SCD".includes(o.letter)) {
      args.push(`<u32>load<u8>(r, ${slot})`);
    } else {
      if (reads) args.push(`Reg.read<${t}>(r, ${slot})`);
      if (writes) finish = `Reg.write<${t}>(r, ${slot}, v);`;
    }
  });
  void lin;
  const invocation = `${call}(${[...args, ...param].join(", ")})`;
  code.push(finish ? `const v = ${invocation}; ${finish}` : `${invocation};`);
  const name = ["h", row.fn, generic ?? "", ...key, row.param === undefined ? "" : `p${row.param}`, row.guard ?? "", row.end ? "end" : ""].filter((x) => x).join("_");
  return { name, body: [guard, ...code, chain].join(" ") };
}

/** All handlers by name, in a stable order; a name's index is its number in the core's handler table. */
export function allHandlers(): Map<string, Handler> {
  const all = new Map<string, Handler>();
  for (const row of ROWS)
    for (const memory of [true, false])
      for (let s = 0; s < 3; s++) {
        const h = handlerOf(row, memory, s);
        if (!h) continue;
        const known = all.get(h.name);
        if (known && known.body !== h.body) throw new Error(`isa: two bodies for ${h.name}:\n${known.body}\n${h.body}`);
        all.set(h.name, h);
      }
  return all;
}

/** Decoder recipe of a register operand (numbers as in core/decode.ts slotOf). */
export function recipeOf(o: Operand): number {
  const byteSized = o.size === "b";
  switch (o.letter) {
    case "G":
      return byteSized ? 1 : 2;
    case "E":
      return byteSized ? 3 : 4;
    case "R":
      return 4;
    case "Z":
      return byteSized ? 5 : 6;
    case "V":
      return 7;
    case "C":
    case "D":
      return 7;
    case "S":
    case "P":
      return 10;
    case "W":
    case "U":
      return 8;
    case "Q":
    case "N":
    case "STi":
      return 11;
    case "CL":
      return 12;
    case "DX":
      return 13;
    default:
      return 0; // the accumulator, at state offset 0
  }
}
export function immediateKind(ops: readonly Operand[]): number {
  for (const o of ops) {
    if (o.letter === "I") {
      if (o.size === "bs") return 1;
      if (o.size === "b") return 2;
      if (o.size === "w") return 3;
      if (o.size === "z") return 4;
      if (o.size === "v") return 5;
      if (o.size === "wb") return 7;
      throw new Error(`isa: immediate ${o.text}`);
    }
    if (o.letter === "J") return o.size === "b" ? 1 : 10;
    if (o.letter === "O") return 6;
    if (o.letter === "A") return 8;
  }
  return ops.some((o) => o.letter === "X") ? 11 : 0;
}
export function featureNumber(name: string | undefined): number {
  if (!name) return 0;
  const n = FEATURES[name];
  if (n === undefined) throw new Error(`isa: unknown CPUID feature ${name}`);
  return n;
}
