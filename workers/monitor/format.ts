// Numbers as the monitor prints and reads them.

import { FaultError } from "../../src/contract/schema.ts";
import type { MonitorContext } from "./command.ts";

export function hex(value: bigint, width: number): string {
  return BigInt.asUintN(64, value).toString(16).padStart(width, "0");
}
/** Register names an expression may use: $rip, $eax, $cs … */
function register(context: MonitorContext, name: string): bigint {
  const r = context.cpu.registers();
  const names = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
  const plain = name.toLowerCase();
  const wide = plain.replace(/^[re]/, "");
  const n = names.indexOf(wide);
  if (n >= 0) {
    const v = r.gpr[n] as bigint;
    return plain.startsWith("r") ? v : plain.startsWith("e") ? v & 0xffffffffn : v & 0xffffn;
  }
  const numbered = /^r(\d+)$/.exec(plain);
  if (numbered && Number(numbered[1]) < 16) return r.gpr[Number(numbered[1])] as bigint;
  if (wide === "ip" || plain === "pc") return context.cpu.linearIp();
  if (plain === "eflags") return r.eflags;
  if (plain === "cr0" || plain === "cr2" || plain === "cr3" || plain === "cr4") return r[plain];
  const segment = context.cpu.segments().segments.find((s) => s.name.toLowerCase() === plain);
  if (segment) return BigInt(segment.selector);
  throw new FaultError("expression.register", `There is no register $${name}.`, "For example $rip, $rsp, $eax, $cr3, $cs.");
}
/** Evaluates numbers, $registers, + - * / & | ^ ~ << >> and brackets to 64 bits. */
export function evaluate(context: MonitorContext, text: string): bigint {
  const tokens = text.match(/\$\w+|0[xX][0-9a-fA-F]+|\d+|<<|>>|[-+*/%&|^~()]|\S/g) ?? [];
  let at = 0;
  const bad = (): never => {
    throw new FaultError("expression.invalid", `"${text}" is not an expression.`, "Numbers (decimal or 0x…), registers ($rip) and + - * / % & | ^ ~ << >> ( ).");
  };
  const primary = (): bigint => {
    const t = tokens[at++] ?? bad();
    if (t === "(") {
      const v = level(0);
      if (tokens[at++] !== ")") bad();
      return v;
    }
    if (t === "-") return -primary();
    if (t === "+") return primary();
    if (t === "~") return ~primary();
    if (t.startsWith("$")) return register(context, t.slice(1));
    if (/^(0[xX][0-9a-fA-F]+|\d+)$/.test(t)) return BigInt(t);
    return bad();
  };
  const levels: readonly (readonly string[])[] = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "%"]];
  const level = (n: number): bigint => {
    const ops = levels[n];
    if (!ops) return primary();
    let v = level(n + 1);
    while (ops.includes(tokens[at] ?? "")) {
      const op = tokens[at++];
      const w = level(n + 1);
      if ((op === "/" || op === "%") && w === 0n) throw new FaultError("expression.zero", "Division by zero.");
      v = op === "|" ? v | w : op === "^" ? v ^ w : op === "&" ? v & w : op === "<<" ? v << (w & 63n) : op === ">>" ? BigInt.asUintN(64, v) >> (w & 63n) : op === "+" ? v + w : op === "-" ? v - w : op === "*" ? v * w : op === "/" ? v / w : v % w;
    }
    return v;
  };
  const v = level(0);
  if (at !== tokens.length) bad();
  return BigInt.asUintN(64, v);
}
