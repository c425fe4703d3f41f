// Fused handlers: one handler for two instructions that often follow each other. Made of the two handlers' own text, so semantics stay written
// once; it saves the second's dispatch. The records stay as they are: the second runs by its own handler whenever a block is entered or stopped
// between the two, and the translator sees the first's own (region.ts). Read by generate.ts; core/decode.ts `fuse` pairs the records of a block.
// Which pairs: what counts of a booting Debian and of integer loops show; branches with the operations that compilers put before them.

import type { Handler } from "./letters.ts";

interface Family {
  readonly first: readonly string[];
  readonly second: readonly string[];
}
export interface Fusion {
  readonly first: string;
  readonly second: string;
}
const words = (text: string) => text.trim().split(/\s+/);
const jumps = (codes: string, size: string) => words(codes).map((c) => `j${c}_${size}_end`);
const EQUAL = "4 5";
const SIGNED = "4 5 8 9";
const COMPARED = "2 3 4 5 6 7 12 13 14 15";

/** Operations on registers of type `t`. Code for 64 bits computes with 32 mostly: fewer there. */
function computing(t: string): readonly string[] {
  if (t === "u64") return [`add_${t}_R0${t}rw_R1${t}r`, `sub_${t}_R0${t}rw_R1${t}r`, `add_${t}_R0${t}rw_I${t}`, `and_${t}_R0${t}rw_I${t}`, `mov_${t}_R0${t}w_R1${t}r`, `lea_${t}`, `shl_${t}_R0${t}rw_Iu8`];
  return [
    ...words("add sub xor and or").map((op) => `${op}_${t}_R0${t}rw_R1${t}r`),
    ...words("add sub and adc").map((op) => `${op}_${t}_R0${t}rw_I${t}`),
    ...words("shl shr rol").map((op) => `${op}_${t}_R0${t}rw_Iu8`),
    `mov_${t}_R0${t}w_R1${t}r`, `mov_${t}_R0${t}w_I${t}`, `lea_${t}`, `imul_${t}_R0${t}w_R1${t}r_I${t}`, `movzx8_${t}_R0${t}w_R1u8r`,
  ];
}
/** Families of code whose near jumps and stack have the size `code`, with operands of type `t`. */
function families(t: string, code: string): readonly Family[] {
  const rr = (op: string) => `${op}_${t}_R0${t}r_R1${t}r`;
  const load = `mov_${t}_R0${t}w_M${t}r`;
  const store = `mov_${t}_M${t}w_R0${t}r`;
  const move = `mov_${t}_R0${t}w_R1${t}r`;
  return [
    { first: [rr("cmp"), `cmp_${t}_R0${t}r_I${t}`, `cmp_${t}_M${t}r_R0${t}r`, `cmp_${t}_M${t}r_I${t}`, `cmp_${t}_R0${t}r_M${t}r`], second: jumps(COMPARED, code) },
    { first: [rr("test"), `test_${t}_R0${t}r_I${t}`, `dec_${t}_R0${t}rw`, `sub_${t}_R0${t}rw_I${t}`, `add_${t}_R0${t}rw_I${t}`, `and_${t}_R0${t}rw_I${t}`], second: jumps(SIGNED, code) },
    { first: computing(t), second: [...computing(t), load, store] },
    { first: [load], second: [load, store, move, `lea_${t}`, rr("cmp"), rr("test"), `cmp_${t}_M${t}r_R0${t}r`, ...words("add sub and xor").map((op) => `${op}_${t}_R0${t}rw_R1${t}r`), `add_${t}_R0${t}rw_I${t}`] },
    { first: [store], second: [load, store, move, `lea_${t}`, `add_${t}_R0${t}rw_R1${t}r`, `add_${t}_R0${t}rw_I${t}`, `jmpRel_${code}_end`] },
    { first: [move, `lea_${t}`], second: [`jmpRel_${code}_end`, `callRel_${code}_end`, `push_${code}_R0${code}r`] },
    { first: computing(t).slice(0, 2), second: [rr("cmp"), `jmpRel_${code}_end`, `ret_${code}_end`] },
    { first: [`inc_${t}_R0${t}rw`, `add_${t}_R0${t}rw_I${t}`, `lea_${t}`], second: [rr("cmp"), `cmp_${t}_R0${t}r_I${t}`] },
    { first: [`lea_${t}`, `movzx8_${t}_R0${t}w_Mu8r`], second: [`movzx8_${t}_R0${t}w_Mu8r`, "test_u8_R0u8r_R1u8r", `mov_${t}_R0${t}w_R1${t}r`] },
    { first: ["mov_u8_Mu8w_R0u8r", "mov_u8_Mu8w_Iu8"], second: [`add_${t}_R0${t}rw_R1${t}r`, `add_${t}_R0${t}rw_I${t}`, `lea_${t}`, `inc_${t}_R0${t}rw`, load] },
  ];
}
/** What depends on the size of the code's stack and jumps alone. */
function codeFamilies(code: string): readonly Family[] {
  const push = `push_${code}_R0${code}r`;
  const pop = `popReg_${code}`;
  return [
    { first: ["cmp_u8_R0u8r_Iu8", "cmp_u8_Mu8r_Iu8"], second: jumps("2 3 4 5 6 7", code) },
    { first: ["test_u8_R0u8r_R1u8r"], second: jumps(SIGNED, code) },
    { first: ["test_u8_R0u8r_Iu8", "test_u8_Mu8r_Iu8", "cmp_u8_R0u8r_R1u8r"], second: jumps(EQUAL, code) },
    { first: [push], second: [push, `mov_${code}_R0${code}w_R1${code}r`, `callRel_${code}_end`, `dec_${code}_R0${code}rw`, `sub_${code}_R0${code}rw_I${code}`] },
    { first: [pop], second: [pop, `ret_${code}_end`, `add_${code}_R0${code}rw_R1${code}r`] },
    { first: [`sub_${code}_R0${code}rw_I${code}`, `dec_${code}_R0${code}rw`, `add_${code}_R0${code}rw_I${code}`, `leave_${code}`], second: [pop, `callRel_${code}_end`, `ret_${code}_end`] },
  ];
}

/** All pairs, each once; every name must be a handler. */
export function fusions(handlers: ReadonlyMap<string, Handler>): readonly Fusion[] {
  const found = new Map<string, Fusion>();
  for (const family of [...families("u32", "u32"), ...families("u32", "u64"), ...families("u64", "u64"), ...codeFamilies("u32"), ...codeFamilies("u64")])
    for (const a of family.first)
      for (const b of family.second) {
        const [first, second] = [`h_${a}`, `h_${b}`];
        for (const name of [first, second]) if (!handlers.has(name)) throw new Error(`isa: cannot fuse ${name}: no such handler`);
        found.set(`${first} ${second}`, { first, second });
      }
  return [...found.values()];
}
/** The text of a fused handler: a block that is to stop between the two (run.ts stopBefore) does. What only computes cannot ask for that, so there the
 * question comes first, and nothing stands between the flags that the first sets and the second reads. */
export function fusedBody(first: Handler, second: Handler): string {
  const one = first.body.replace(/Chain\.next\(r\);\s*$/, "").trim();
  if (one === first.body.trim()) throw new Error(`isa: ${first.name} ends its block and cannot be the first of a pair`);
  const two = second.body.replace(/\br\b/g, "s").trim();
  const computes = !one.includes("Chain.enter");
  return computes
    ? `const s = r + 32; if (Chain.stops(s)) ${first.name}(r); else { { ${one} } { ${two} } }`
    : `{ ${one} } const s = r + 32; if (Chain.stops(s)) Chain.end(s); else { ${two} }`;
}
