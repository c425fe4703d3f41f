// Copies a compiled handler of core into a function under construction (architecture 3: semantics are written once). Locals are renumbered,
// calls and globals become imports, `return` becomes a branch out of the copy, the handler's chaining tail call is dropped, and loads from the
// decoded record become constants, which lets the engine fold register addresses and immediates.

import type { Body, CoreCode } from "./core-code.ts";
import { leb, sleb, sleb64, zero } from "./emit.ts";

/** Hands out import numbers of the module under construction. */
export interface Imports {
  functionOf(coreIndex: number): number;
  globalOf(coreIndex: number): number;
}
/** Locals of the function under construction; those of one copy are free again for the next. */
export class Locals {
  readonly types: number[];
  private readonly used = new Set<number>();
  constructor(params: readonly number[]) {
    this.types = [...params];
    for (let i = 0; i < params.length; i++) this.used.add(i);
  }
  release(params: number): void {
    this.used.clear();
    for (let i = 0; i < params; i++) this.used.add(i);
  }
  take(type: number): number {
    for (let i = 0; i < this.types.length; i++)
      if (this.types[i] === type && !this.used.has(i)) {
        this.used.add(i);
        return i;
      }
    this.types.push(type);
    this.used.add(this.types.length - 1);
    return this.types.length - 1;
  }
}
interface Token {
  readonly op: number;
  readonly start: number;
  readonly end: number;
  /** First immediate as a number where there is one. */
  readonly a: number;
  readonly b: number;
}
export interface Spliced {
  readonly code: number[];
  /** Calls anything (so it can fault or stop the block). */
  readonly calls: boolean;
}

function tokens(core: CoreCode, body: Body): Token[] | null {
  const bytes = core.bytes;
  const out: Token[] = [];
  let at = body.start;
  const u32 = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = bytes[at++] as number;
      value |= (b & 0x7f) << shift;
      if (!(b & 0x80)) return value >>> 0;
    }
  };
  const signed = () => {
    let value = 0;
    let shift = 0;
    let b: number;
    do {
      b = bytes[at++] as number;
      value |= (b & 0x7f) << shift;
      shift += 7;
    } while (b & 0x80);
    return shift < 32 && b & 0x40 ? value | (-1 << shift) : value;
  };
  while (at < body.end) {
    const start = at;
    const op = bytes[at++] as number;
    let a = 0;
    let b = 0;
    if (op >= 0x02 && op <= 0x04) signed();
    else if (op === 0x0c || op === 0x0d || op === 0x10 || (op >= 0x20 && op <= 0x24)) a = u32();
    else if (op === 0x0e) {
      for (let n = u32(); n > 0; n--) u32();
      u32();
    } else if (op === 0x11 || op === 0x13) {
      a = u32();
      b = u32();
    } else if (op >= 0x28 && op <= 0x3e) {
      a = u32();
      b = u32();
    } else if (op === 0x3f || op === 0x40) at++;
    else if (op === 0x41) a = signed();
    else if (op === 0x42) while ((bytes[at++] as number) & 0x80);
    else if (op === 0x43) at += 4;
    else if (op === 0x44) at += 8;
    else if (op === 0xfc) {
      const sub = u32();
      if (sub === 10) at += 2;
      else if (sub === 11) at += 1;
      else if (sub > 7) return null;
    } else if (op === 0xfd) {
      const sub = u32();
      if (sub <= 11 || sub === 92 || sub === 93) {
        u32();
        u32();
      } else if (sub === 12 || sub === 13) at += 16;
      else if (sub >= 21 && sub <= 34) at += 1;
      else if (sub >= 84 && sub <= 91) {
        u32();
        u32();
        at += 1;
      }
    } else if (!(op <= 0x01 || op === 0x05 || op === 0x0b || op === 0x0f || op === 0x1a || op === 0x1b || (op >= 0x45 && op <= 0xc4))) return null;
    out.push({ op, start, end: at, a, b });
  }
  return out;
}
/** Value of a load of `op` at `offset` of the record, as a constant instruction; null for other instructions. */
function constantLoad(op: number, record: DataView, offset: number): number[] | null {
  if (offset < 0 || offset > 31) return null;
  const i32 = (v: number) => [0x41, ...sleb(v)];
  const i64 = (v: bigint) => [0x42, ...sleb64(v)];
  switch (op) {
    case 0x28:
      return offset > 28 ? null : i32(record.getInt32(offset, true));
    case 0x29:
      return offset > 24 ? null : i64(record.getBigInt64(offset, true));
    case 0x2c:
      return i32(record.getInt8(offset));
    case 0x2d:
      return i32(record.getUint8(offset));
    case 0x2e:
      return i32(record.getInt16(offset, true));
    case 0x2f:
      return i32(record.getUint16(offset, true));
    case 0x30:
      return i64(BigInt(record.getInt8(offset)));
    case 0x31:
      return i64(BigInt(record.getUint8(offset)));
    case 0x32:
      return i64(BigInt(record.getInt16(offset, true)));
    case 0x33:
      return i64(BigInt(record.getUint16(offset, true)));
    case 0x34:
      return offset > 28 ? null : i64(BigInt(record.getInt32(offset, true)));
    case 0x35:
      return offset > 28 ? null : i64(BigInt(record.getUint32(offset, true)));
    default:
      return null;
  }
}
const tokenCache = new Map<number, Token[] | null>();

/**
 * The body of core function `index` applied to the record at `address`. Null when it cannot be copied (a second chaining call, an instruction
 * unknown here): the caller then leaves the rest of the block to the interpreter. `vcpuGlobal` is replaced by the constant `vcpu`.
 */
export function splice(core: CoreCode, index: number, address: number, record: DataView, locals: Locals, imports: Imports, vcpuGlobal: number, vcpu: number): Spliced | null {
  const body = core.bodies.get(index);
  if (!body) return null;
  let list = tokenCache.get(index);
  if (list === undefined) {
    list = tokens(core, body);
    tokenCache.set(index, list);
  }
  if (!list) return null;
  const last = list[list.length - 1];
  if (last?.op !== 0x0b) return null;
  // Any other chaining call would run the next record twice.
  if (list.some((t, i) => (t.op === 0x11 || t.op === 0x13) && i !== list.length - 2)) return null;
  const signature = core.types[body.type];
  if (signature?.results.length !== 0) return null;

  const { bytes } = core;
  const firstWrite = list.findIndex((t) => (t.op === 0x21 || t.op === 0x22) && t.a === 0);
  const firstLoop = list.findIndex((t) => t.op === 0x03);
  const foldEnd = firstWrite < 0 ? list.length : firstLoop >= 0 && firstLoop < firstWrite ? firstLoop : firstWrite;
  const map: number[] = [];
  const code: number[] = [];
  const local = (n: number): number => {
    let m = map[n];
    if (m === undefined) {
      const type = n === 0 ? 0x7f : (body.locals[n - 1] as number);
      m = locals.take(type);
      map[n] = m;
    }
    return m;
  };
  const inner: number[] = [];
  let depth = 0;
  let calls = false;
  for (let i = 0; i < list.length - 1; i++) {
    const t = list[i] as Token;
    if (t.op === 0x20 && t.a === 0 && i < foldEnd) {
      const next = list[i + 1];
      const plus = list[i + 2];
      const load = list[i + 3];
      const direct = next ? constantLoad(next.op, record, next.b) : null;
      if (direct) {
        inner.push(...direct);
        i += 1;
        continue;
      }
      if (next?.op === 0x41 && plus?.op === 0x6a && load) {
        const folded = constantLoad(load.op, record, next.a + load.b);
        if (folded) {
          inner.push(...folded);
          i += 3;
          continue;
        }
      }
      inner.push(0x41, ...sleb(address));
      continue;
    }
    switch (t.op) {
      case 0x02:
      case 0x03:
      case 0x04:
        depth++;
        break;
      case 0x0b:
        depth--;
        break;
      case 0x0f:
        inner.push(0x0c, ...leb(depth));
        continue;
      case 0x10:
        calls = true;
        inner.push(0x10, ...leb(imports.functionOf(t.a)));
        continue;
      case 0x13:
        // The chain: its record argument and table index are not needed.
        inner.push(0x1a, 0x1a);
        continue;
      case 0x20:
      case 0x21:
      case 0x22:
        inner.push(t.op, ...leb(local(t.a)));
        continue;
      case 0x23:
        if (t.a === vcpuGlobal) inner.push(0x41, ...sleb(vcpu));
        else inner.push(0x23, ...leb(imports.globalOf(t.a)));
        continue;
      case 0x24:
        inner.push(0x24, ...leb(imports.globalOf(t.a)));
        continue;
    }
    for (let at = t.start; at < t.end; at++) inner.push(bytes[at] as number);
  }
  // Locals start as zero in a function; here they may hold what an earlier copy left.
  map.forEach((m, n) => {
    if (n === 0) code.push(0x41, ...sleb(address), 0x21, ...leb(m));
    else code.push(...zero(body.locals[n - 1] as number), 0x21, ...leb(m));
  });
  code.push(0x02, 0x40, ...inner, 0x0b);
  return { code, calls };
}
