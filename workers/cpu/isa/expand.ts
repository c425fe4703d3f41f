// From rows to forms: gives each row the handlers of its memory and register forms at 16, 32 and
// 64 bits (names and AssemblyScript text), and the recipe by which the decoder fills the record. Read by generate.ts and tables.ts.

import { vexHandler } from "./expand-vex.ts";
import { FEATURES } from "./features.ts";
import {
  bytesOf,
  GUARDS,
  genericType,
  type Handler,
  isRm,
  type Operand,
  parseEncoding,
  parseOperands,
  slots,
  typeOf,
} from "./letters.ts";
import type { Row } from "./row.ts";
import { ROWS_INT } from "./rows-int.ts";
import { ROWS_MMX } from "./rows-mmx.ts";
import { ROWS_SSE } from "./rows-sse.ts";
import { ROWS_V3 } from "./rows-v3.ts";
import { ROWS_VEX } from "./rows-vex.ts";
import { ROWS_X87 } from "./rows-x87.ts";

export { type Encoding, type Handler, type Operand, parseEncoding, parseOperands, slots } from "./letters.ts";

export const ROWS: readonly Row[] = [...ROWS_INT, ...ROWS_X87, ...ROWS_MMX, ...ROWS_SSE, ...ROWS_V3, ...ROWS_VEX];

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
  if (enc.vex && !row.raw && ops.some((o) => "VHUW".includes(o.letter))) return vexHandler(row, ops, memory, s);
  const generic = genericType(row, ops, s);
  const call = generic ? `${row.fn}<${generic}>` : row.fn;
  const guard = row.guard ? GUARDS[row.guard] : "";
  const param = row.param === undefined ? [] : [String(row.param)];
  const chain = row.end ? "Chain.last(r);" : "Chain.next(r);";
  if (row.raw) {
    const name = ["h", row.fn, generic ?? "", row.param === undefined ? "" : `p${row.param}`, row.guard ?? "", row.end ? "end" : ""].filter((x) => x).join("_");
    return { name, body: `${guard} ${call}(${["r", ...param].join(", ")}); ${row.guard === "mmx" ? "mmxEnter(); " : ""}${chain}` };
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
  // The transition to MMX state comes after whatever can fault: a read, or the store.
  const enter = row.guard === "mmx" ? "mmxEnter();" : "";
  const stores = enter !== "" && finish.startsWith("Mem.write");
  if (!stores) code.push(enter);
  code.push(finish ? `const v = ${invocation}; ${finish}` : `${invocation};`);
  if (stores) code.push(enter);
  const name = ["h", row.fn, generic ?? "", ...key, row.param === undefined ? "" : `p${row.param}`, row.guard ?? "", row.end ? "end" : ""].filter((x) => x).join("_");
  return { name, body: [guard, ...code, chain].join(" ") };
}

/** Functions that only compute: with operands in registers their handlers cannot fault, reach the host or ask to stop. */
const PURE = new Set(
  ("mov add adc sub sbb cmp and or xor test inc dec neg not shl shr sar rol ror rcl rcr shld shrd imul movzx8 movzx16 movsx8 movsx16 movsxd byteSwap " +
    "lea xchgReg xchgAccumulator extendAccumulator extendDouble bt bts btr btc nop").split(" "),
);
const isPure = (row: Row, h: Handler) => !row.guard && !/\b(Mem|Ea)\./.test(h.body) && (PURE.has(row.fn) || /^(cmov|set)\d+$/.test(row.fn));

/** All handlers by name, in a stable order; a name's index is its number in the core's handler table. */
export function allHandlers(): Map<string, Handler> {
  const all = new Map<string, Handler>();
  for (const row of ROWS)
    for (const memory of [true, false])
      for (let s = 0; s < 3; s++) {
        const own = handlerOf(row, memory, s);
        if (!own) continue;
        const h = isPure(row, own) ? own : { ...own, body: `Chain.enter(r); ${own.body}` };
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
    case "B":
      return 14;
    case "H":
      return 15;
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
    if (o.letter === "L") return 12;
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
