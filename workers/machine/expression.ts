// Expressions of the monitor and of the debugger's conditions, to 64 bits: numbers, $registers, memory (u32[$rsp + 8], p8[0xb8000] for physical),
// arithmetic, comparisons and logic with C's precedence. Compiled once, evaluated often (a conditional breakpoint in a hot loop).
// Comparisons are unsigned; memory of devices cannot be read this way, because reading it may have effects.

import { FaultError } from "../../src/contract/schema.ts";

/** What an expression looks at. */
export interface Surroundings {
  /** Value of a register by its name without $, null when there is none. */
  register(name: string): bigint | null;
  /** Little-endian memory at a linear or physical address; null where nothing can be read. */
  memory(address: bigint, bytes: number, physical: boolean): bigint | null;
}
export type Expression = (around: Surroundings) => bigint;

const LEVELS: readonly (readonly string[])[] = [["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<", ">", "<=", ">="], ["<<", ">>"], ["+", "-"], ["*", "/", "%"]];
const u64 = (v: bigint) => BigInt.asUintN(64, v);
const bool = (v: boolean) => (v ? 1n : 0n);
function nonZero(v: bigint): bigint {
  if (v === 0n) throw new FaultError("expression.zero", "Division by zero.");
  return v;
}
const OPERATORS: { readonly [op: string]: (a: bigint, b: bigint) => bigint } = {
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
  "&": (a, b) => a & b,
  "==": (a, b) => bool(a === b),
  "!=": (a, b) => bool(a !== b),
  "<": (a, b) => bool(a < b),
  ">": (a, b) => bool(a > b),
  "<=": (a, b) => bool(a <= b),
  ">=": (a, b) => bool(a >= b),
  "<<": (a, b) => a << (b & 63n),
  ">>": (a, b) => a >> (b & 63n),
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / nonZero(b),
  "%": (a, b) => a % nonZero(b),
};

export function compile(text: string): Expression {
  const tokens = text.match(/\$\w+|0[xX][0-9a-fA-F]+|\d+|[up](?:8|16|32|64)\b|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>()[\]]|\S/g) ?? [];
  let at = 0;
  const bad = (): never => {
    throw new FaultError("expression.invalid", `"${text}" is not an expression.`, "Numbers (decimal or 0x…), registers ($rip), memory (u32[$rsp+8]), + - * / % & | ^ ~ << >> == != < > <= >= && || ! ( ).");
  };
  const expect = (token: string) => {
    if (tokens[at++] !== token) bad();
  };
  const primary = (): Expression => {
    const t = tokens[at++] ?? bad();
    if (t === "(") {
      const inner = level(0);
      expect(")");
      return inner;
    }
    if (t === "-" || t === "+" || t === "~" || t === "!") {
      const of = primary();
      return t === "-" ? (s) => u64(-of(s)) : t === "~" ? (s) => u64(~of(s)) : t === "!" ? (s) => bool(of(s) === 0n) : of;
    }
    if (t.startsWith("$")) {
      const name = t.slice(1).toLowerCase();
      return (s) => {
        const v = s.register(name);
        if (v === null) throw new FaultError("expression.register", `There is no register ${t}.`, "For example $rip, $rsp, $eax, $cr3, $cs.");
        return v;
      };
    }
    if (/^(0[xX][0-9a-fA-F]+|\d+)$/.test(t)) {
      const v = u64(BigInt(t));
      return () => v;
    }
    const memory = /^([up])(8|16|32|64)$/.exec(t);
    if (!memory) return bad();
    expect("[");
    const address = level(0);
    expect("]");
    const bytes = Number(memory[2]) / 8;
    const physical = memory[1] === "p";
    return (s) => {
      const where = address(s);
      const v = s.memory(where, bytes, physical);
      if (v === null) throw new FaultError("expression.memory", `Nothing can be read at 0x${where.toString(16)}.`);
      return v;
    };
  };
  const level = (n: number): Expression => {
    const ops = LEVELS[n];
    if (!ops) return primary();
    let left = level(n + 1);
    while (ops.includes(tokens[at] ?? "")) {
      const op = tokens[at++] as string;
      const a = left;
      const b = level(n + 1);
      if (op === "||") left = (s) => bool(a(s) !== 0n || b(s) !== 0n);
      else if (op === "&&") left = (s) => bool(a(s) !== 0n && b(s) !== 0n);
      else {
        const work = OPERATORS[op] as (a: bigint, b: bigint) => bigint;
        left = (s) => u64(work(a(s), b(s)));
      }
    }
    return left;
  };
  const made = level(0);
  if (at !== tokens.length) bad();
  return made;
}
