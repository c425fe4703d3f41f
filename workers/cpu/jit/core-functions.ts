// What the translator knows about core's compiled functions: their instructions as tokens (parsed once), where structures end, which locals loops
// assign, and what a call of one can touch. WebAssembly core specification, binary format.

import type { Body, CoreCode } from "./core-code.ts";
import { arity } from "./fold.ts";

/** Instructions of one function body, in parallel arrays. The last is the function's `end`. */
export interface Tokens {
  readonly count: number;
  /** Opcode; 0xfc00 + n and 0xfd00 + n for the prefixed ones. */
  readonly op: Int32Array;
  /** First immediates: local, global, function, label, alignment / offset, i32 constant, block type. */
  readonly a: Int32Array;
  readonly b: Int32Array;
  /** Bytes in core.wasm. */
  readonly start: Int32Array;
  readonly stop: Int32Array;
  /** Operands that a plain instruction takes (-1: it is not plain), and whether it leaves a value. */
  readonly take: Int8Array;
  readonly leaves: Uint8Array;
  /** i64 constants by token. */
  readonly wide: ReadonlyMap<number, bigint>;
  /** Labels of br_table by token, the default last. */
  readonly tables: ReadonlyMap<number, readonly number[]>;
  /** For block, loop, if: the token of its `end`, and of its `else` (-1). */
  readonly end: Int32Array;
  readonly otherwise: Int32Array;
  /** Locals that a loop assigns, by the loop's token. */
  readonly assigned: ReadonlyMap<number, ReadonlySet<number>>;
  /** Locals (not parameters) that may be read before they are set: they start as zero. */
  readonly zeroed: ReadonlySet<number>;
  readonly returns: boolean;
  readonly calls: readonly number[];
}
export interface Effects {
  /** Leaves general registers alone. */
  readonly noRegisters: boolean;
  /** Reaches the host: may fault (unwind), do I/O, take time. */
  readonly reachesHost: boolean;
  /** ... and may come back with a wish to stop behind the instruction: not only by raising a fault. */
  readonly stops: boolean;
  readonly readsFlags: boolean;
  readonly writesFlags: boolean;
  /** Chooses another TLB table or generation. */
  readonly movesTlb: boolean;
  /** Looks at the running instruction, which is known where the state is in place. */
  readonly readsRecord: boolean;
}

export class CoreFunctions {
  readonly code: CoreCode;
  private readonly parsed = new Map<number, Tokens | null>();
  private readonly known = new Map<number, Effects>();
  private readonly flagGlobals: ReadonlySet<number>;
  /** Functions that unwind. */
  readonly neverReturn: ReadonlySet<number>;
  /** What translated code calls in place of a function of mmu.ts, by that function's index. */
  readonly accesses: ReadonlyMap<number, number>;

  constructor(code: CoreCode) {
    this.code = code;
    const unwind = code.imports.get("unwind");
    if (unwind === undefined) throw new Error("translator: core imports no unwind");
    this.neverReturn = new Set([unwind, ...["raise", "raiseCode", "raiseNear", "simdFault"].map((n) => this.function(n))]);
    this.flagGlobals = new Set(["flagOp", "flagA", "flagB"].map((n) => this.global(n)));
    const replaced = (name: string) => {
      const size = /<u(\d+)>|(128)/.exec(name);
      return this.function(size ? `region${name.startsWith("read") ? "Read" : "Write"}${size[1] ?? size[2]}` : name === "modifySlow" ? "regionModify" : "regionProbe");
    };
    this.accesses = new Map(Object.entries(code.accesses).map(([name, index]) => [index, replaced(name)]));
    if (this.accesses.size < 10) throw new Error("translator: core names too few access functions");
  }
  global(name: string): number {
    return this.named(name, 3);
  }
  function(name: string): number {
    return this.named(name, 0);
  }
  private named(name: string, kind: number): number {
    const found = this.code.exports.get(name);
    if (found?.kind !== kind) throw new Error(`translator: core exports no ${kind === 3 ? "global" : "function"} ${name}`);
    return found.index;
  }
  /** Null for imports and for bodies with instructions unknown here. */
  tokens(index: number): Tokens | null {
    let t = this.parsed.get(index);
    if (t === undefined) {
      const body = this.code.bodies.get(index);
      t = body ? parse(this.code, body) : null;
      this.parsed.set(index, t);
    }
    return t;
  }
  /** A slow path: called, not copied. */
  isCold(index: number): boolean {
    return ((this.code.homes[index] ?? 0) & 2) !== 0;
  }
  /** What a call of `index` can do, its callees included. */
  effects(index: number): Effects {
    const known = this.known.get(index);
    if (known) return known;
    const seen = new Set<number>();
    let noRegisters = true;
    let reachesHost = false;
    let stops = false;
    let readsFlags = false;
    let writesFlags = false;
    let readsRecord = false;
    let movesTlb = false;
    const record = this.global("currentRecord");
    const stop = this.global("stopSignal");
    const tlb = this.global("tlb");
    const generation = this.global("generation");
    const visit = (f: number) => {
      if (seen.has(f)) return;
      seen.add(f);
      if (this.neverReturn.has(f)) {
        reachesHost = true;
        return;
      }
      if (f < this.code.importedFunctions) {
        reachesHost = stops = true;
        return;
      }
      if (!((this.code.homes[f] ?? 0) & 1)) noRegisters = false;
      const t = this.tokens(f);
      if (!t) {
        noRegisters = false;
        reachesHost = stops = readsFlags = writesFlags = true;
        return;
      }
      for (let i = 0; i < t.count; i++) {
        const op = t.op[i];
        if ((op === 0x23 || op === 0x24) && this.flagGlobals.has(t.a[i] as number)) {
          if (op === 0x23) readsFlags = true;
          else writesFlags = true;
        } else if (op === 0x23 && t.a[i] === record) readsRecord = true;
        else if (op === 0x24 && t.a[i] === stop) stops = true;
        else if (op === 0x24 && (t.a[i] === tlb || t.a[i] === generation)) movesTlb = true;
        else if (op === 0x11 || op === 0x13) noRegisters = false;
      }
      t.calls.forEach(visit);
    };
    visit(index);
    const effects = { noRegisters, reachesHost, stops, readsFlags, writesFlags, movesTlb, readsRecord };
    this.known.set(index, effects);
    return effects;
  }
}

function parse(core: CoreCode, body: Body): Tokens | null {
  const { bytes } = core;
  const op: number[] = [];
  const a: number[] = [];
  const b: number[] = [];
  const start: number[] = [];
  const stop: number[] = [];
  const wide = new Map<number, bigint>();
  const tables = new Map<number, readonly number[]>();
  const calls: number[] = [];
  let returns = false;
  let at = body.start;
  const u32 = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const x = bytes[at++] as number;
      value |= (x & 0x7f) << shift;
      if (!(x & 0x80)) return value >>> 0;
    }
  };
  const s32 = () => {
    let value = 0;
    let shift = 0;
    let x: number;
    do {
      x = bytes[at++] as number;
      value |= (x & 0x7f) << shift;
      shift += 7;
    } while (x & 0x80);
    return shift < 32 && x & 0x40 ? value | (-1 << shift) : value;
  };
  const s64 = () => {
    let value = 0n;
    let shift = 0n;
    let x: number;
    do {
      x = bytes[at++] as number;
      value |= BigInt(x & 0x7f) << shift;
      shift += 7n;
    } while (x & 0x80);
    return BigInt.asIntN(64, x & 0x40 ? value | (-1n << shift) : value);
  };
  while (at < body.end) {
    const from = at;
    let o = bytes[at++] as number;
    let x = 0;
    let y = 0;
    if (o >= 0x02 && o <= 0x04) {
      x = bytes[at] as number;
      // A type index: several values, which asc does not make.
      if (x < 0x40) return null;
      at++;
    } else if (o === 0x0c || o === 0x0d || o === 0x10 || (o >= 0x20 && o <= 0x24)) x = u32();
    else if (o === 0x0e) {
      const labels: number[] = [];
      for (let n = u32(); n >= 0; n--) labels.push(u32());
      tables.set(op.length, labels);
    } else if (o === 0x11 || o === 0x13 || (o >= 0x28 && o <= 0x3e)) {
      x = u32();
      y = u32();
    } else if (o === 0x3f || o === 0x40) at++;
    else if (o === 0x41) x = s32();
    else if (o === 0x42) wide.set(op.length, s64());
    else if (o === 0x43) at += 4;
    else if (o === 0x44) at += 8;
    else if (o === 0xfc) {
      const sub = u32();
      o = 0xfc00 + sub;
      if (sub === 10) at += 2;
      else if (sub === 11) at += 1;
      else if (sub > 7) return null;
    } else if (o === 0xfd) {
      const sub = u32();
      o = 0xfd00 + sub;
      if (sub <= 11 || sub === 92 || sub === 93) {
        x = u32();
        y = u32();
      } else if (sub === 12 || sub === 13) at += 16;
      else if (sub >= 21 && sub <= 34) at += 1;
      else if (sub >= 84 && sub <= 91) {
        x = u32();
        y = u32();
        at += 1;
      }
    } else if (!(o <= 0x01 || o === 0x05 || o === 0x0b || o === 0x0f || o === 0x1a || o === 0x1b || (o >= 0x45 && o <= 0xc4))) return null;
    if (o === 0x10) calls.push(x);
    if (o === 0x0f) returns = true;
    op.push(o);
    a.push(x);
    b.push(y);
    start.push(from);
    stop.push(at);
  }
  const count = op.length;
  const end = new Int32Array(count).fill(-1);
  const otherwise = new Int32Array(count).fill(-1);
  const assigned = new Map<number, Set<number>>();
  const open: number[] = [];
  const parameters = core.types[body.type]?.params.length ?? 0;
  const set = new Set<number>();
  const zeroed = new Set<number>();
  for (let i = 0; i < count; i++) {
    const o = op[i] as number;
    const n = a[i] as number;
    if (o >= 0x02 && o <= 0x04) {
      open.push(i);
      if (o === 0x03) assigned.set(i, new Set());
    } else if (o === 0x05) otherwise[open[open.length - 1] as number] = i;
    else if (o === 0x0b) {
      const opened = open.pop();
      if (opened !== undefined) end[opened] = i;
    } else if (o === 0x21 || o === 0x22) {
      for (const s of open) assigned.get(s)?.add(n);
      if (open.length) {
        if (!set.has(n)) zeroed.add(n);
      } else set.add(n);
    } else if (o === 0x20 && n >= parameters && !set.has(n)) zeroed.add(n);
  }
  for (const n of zeroed) if (n < parameters) zeroed.delete(n);
  const ints = (v: number[]) => Int32Array.from(v);
  const effects = op.map(arity);
  const take = Int8Array.from(effects, (e) => e?.take ?? -1);
  const leaves = Uint8Array.from(effects, (e) => (e?.leave ? 1 : 0));
  return { count, op: ints(op), a: ints(a), b: ints(b), take, leaves, start: ints(start), stop: ints(stop), wide, tables, end, otherwise, assigned, zeroed, returns, calls };
}
