// Translated functions as one WebAssembly module: imports of core's memory, functions (f<index>) and globals (g<index>), exports r0, r1, ...
// The memory is declared as large as core's tables are, so that engines need not look whether an access to the state is in bounds.

import { TLB_BASE } from "../core/layout.ts";
import type { CoreCode } from "./core-code.ts";
import type { Compiled } from "./compile.ts";
import type { Imports } from "./copy.ts";
import { I32, leb, section, text, vector } from "./emit.ts";

/** WebAssembly pages up to the TLB: everything that translated code reaches by a constant address. */
export const STATE_PAGES = TLB_BASE / 65536;

/** Numbers what a module imports of core in the order of first use. */
export class ImportTable implements Imports {
  /** Import by index in core. */
  readonly functions = new Map<number, number>();
  readonly globals = new Map<number, number>();
  functionOf(core: number): number {
    return numbered(this.functions, core);
  }
  globalOf(core: number): number {
    return numbered(this.globals, core);
  }
}
function numbered(map: Map<number, number>, core: number): number {
  const n = map.get(core) ?? map.size;
  if (n === map.size) map.set(core, n);
  return n;
}
/** The custom section "metadata.code.branch_hint" (WebAssembly branch hinting): engines that know it put the unlikely arm out of the way. */
function branchHints(first: number, made: readonly Pick<Compiled, "hints">[]): number[] {
  const functions = made.flatMap(({ hints }, n) => {
    if (!hints.length) return [];
    const each: number[][] = [];
    for (let i = 0; i < hints.length; i += 2) each.push([...leb(hints[i] as number), 1, hints[i + 1] as number]);
    return [[...leb(first + n), ...vector(each)]];
  });
  return functions.length ? section(0, [...text("metadata.code.branch_hint"), ...vector(functions)]) : [];
}
export function buildModule(code: CoreCode, made: readonly Pick<Compiled, "body" | "hints">[], { functions, globals }: ImportTable): Uint8Array {
  const bodies = made.map(({ body }) => body);
  const types: number[][] = [[0x60, 1, I32, 0]];
  const typeOf = new Map<string, number>([["127:", 0]]);
  const typeIndex = (core: number): number => {
    const signature = code.types[code.functionTypes[core] as number];
    if (!signature) throw new Error(`translator: function ${core} has no type`);
    const key = `${signature.params.join(",")}:${signature.results.join(",")}`;
    let n = typeOf.get(key);
    if (n === undefined) {
      n = types.length;
      typeOf.set(key, n);
      types.push([0x60, ...leb(signature.params.length), ...signature.params, ...leb(signature.results.length), ...signature.results]);
    }
    return n;
  };
  const imports: number[][] = [[...text("core"), ...text("memory"), 2, 3, ...leb(STATE_PAGES), ...leb(65536)]];
  for (const f of functions.keys()) imports.push([...text("core"), ...text(`f${f}`), 0, ...leb(typeIndex(f))]);
  for (const g of globals.keys()) {
    const global = code.globals[g];
    if (!global) throw new Error(`translator: no global ${g}`);
    imports.push([...text("core"), ...text(`g${g}`), 3, global.type, global.mutable ? 1 : 0]);
  }
  const names = bodies.map((_, n) => [...text(`r${n}`), 0, ...leb(functions.size + n)]);
  const head = [
    0, 97, 115, 109, 1, 0, 0, 0,
    ...section(1, vector(types)),
    ...section(2, vector(imports)),
    ...section(3, vector(bodies.map(() => [0]))),
    ...section(7, vector(names)),
    ...branchHints(functions.size, made),
  ];
  const sizes = bodies.map((b) => leb(b.length));
  const count = leb(bodies.length);
  const codeSize = bodies.reduce((n, b, i) => n + b.length + (sizes[i] as number[]).length, count.length);
  const codeHead = [10, ...leb(codeSize), ...count];
  const out = new Uint8Array(head.length + codeHead.length + codeSize - count.length);
  out.set(head);
  out.set(codeHead, head.length);
  let at = head.length + codeHead.length;
  bodies.forEach((b, i) => {
    const size = sizes[i] as number[];
    out.set(size, at);
    out.set(b, at + size.length);
    at += size.length + b.length;
  });
  return out;
}
