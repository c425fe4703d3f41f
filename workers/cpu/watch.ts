// The host's side of core/watch.ts: which events core reports to the trace bus, and the lists of what ends a run for the debugger. Setting a
// breakpoint drops the code decoded and translated around it, nowhere else where its address means one place for every address space.

import {
  BREAK_CR3, BREAK_DATA, BREAK_EXECUTE, BREAK_HOST, BREAK_LIST, BREAK_MODE, BREAK_MOST, BREAK_VECTOR, STOP_ANY_INTERRUPT, STOP_CR3, STOP_MODE, STOP_RING, STOP_VECTORS,
  TRACE_CODE_WRITE, TRACE_CR3, TRACE_DECODE, TRACE_EXCEPTION, TRACE_HALT, TRACE_HANDLER, TRACE_IRET, TRACE_MODE, TRACE_RING, TRACE_SOFTWARE, TRACE_TABLE_WRITE,
  TRACE_TLB_FILL, TRACE_TLB_FLUSH, TRACE_WAKE, VECTOR_LIST, WATCH_LIST, WATCH_MOST,
} from "./core/layout.ts";
import { FaultError } from "../../src/contract/schema.ts";
import type { TraceName } from "../../src/contract/trace.ts";

/** What core reports, by the names of the trace bus. */
export const coreEvents: readonly (readonly [bit: number, name: TraceName])[] = [
  [TRACE_MODE, "cpu.mode"], [TRACE_RING, "cpu.ring"], [TRACE_CR3, "cpu.cr3"], [TRACE_EXCEPTION, "cpu.exception"], [TRACE_SOFTWARE, "cpu.software"],
  [TRACE_HANDLER, "cpu.handler"], [TRACE_IRET, "cpu.iret"], [TRACE_HALT, "cpu.halt"], [TRACE_WAKE, "cpu.wake"], [TRACE_TLB_FILL, "tlb.fill"],
  [TRACE_TLB_FLUSH, "tlb.flush"], [TRACE_TABLE_WRITE, "page.write"], [TRACE_DECODE, "code.decode"], [TRACE_CODE_WRITE, "code.write"],
];
export interface ExecutePoint {
  readonly address: bigint;
  readonly physical: boolean;
}
export interface DataPoint extends ExecutePoint {
  readonly length: number;
  readonly read: boolean;
  readonly write: boolean;
}
/** Everything that ends a run. */
export interface StopList {
  readonly execute: readonly ExecutePoint[];
  readonly data: readonly DataPoint[];
  readonly vectors: readonly number[];
  readonly anyInterrupt: boolean;
  readonly mode: boolean;
  readonly ring: boolean;
  readonly cr3: boolean;
}
export const noStops: StopList = { execute: [], data: [], vectors: [], anyInterrupt: false, mode: false, ring: false, cr3: false };
/** Why a run ended. `point`: index in the list of data. */
export type StopCause =
  | { readonly kind: "execute"; readonly address: bigint }
  | { readonly kind: "data"; readonly point: number; readonly write: boolean }
  | { readonly kind: "vector"; readonly vector: number }
  | { readonly kind: "mode" | "ring"; readonly before: number; readonly now: number }
  | { readonly kind: "cr3"; readonly value: bigint }
  | { readonly kind: "host" };

export interface WatchCore {
  setTracing(mask: number): void;
  setStops(bits: number): void;
  setLists(breaks: number, watches: number): void;
  dropCode(linear: bigint): number;
  dropPhysical(physical: bigint): number;
  dropAllCode(): void;
  mappingsChanged(): void;
  requestBreak(cause: number, detail: bigint): void;
  passBreaks(): void;
  clearBreak(): void;
  readonly breakCause: WebAssembly.Global;
  readonly breakDetail: WebAssembly.Global;
}

const key = (p: ExecutePoint) => `${p.physical ? "p" : ""}${p.address}`;

export class CpuWatch {
  private readonly core: WatchCore;
  private readonly view: DataView;
  private stops: StopList = noStops;
  private mask = 0;
  constructor(core: WatchCore, buffer: ArrayBufferLike) {
    this.core = core;
    this.view = new DataView(buffer);
  }
  /** Reports exactly these kinds (those that core knows) from now on. */
  report(names: readonly TraceName[]): void {
    const mask = coreEvents.reduce((sum, [bit, name]) => (names.includes(name) ? sum | bit : sum), 0);
    if (mask === this.mask) return;
    const pages = (mask ^ this.mask) & TRACE_TABLE_WRITE;
    this.mask = mask;
    this.core.setTracing(mask);
    // Stores that the TLB has cached go unseen: it is emptied.
    if (pages) this.core.mappingsChanged();
  }
  get active(): StopList {
    return this.stops;
  }
  set(list: StopList): void {
    const { core, view } = this;
    if (list.execute.length > BREAK_MOST) throw new FaultError("debug.breakpoints", `At most ${BREAK_MOST} breakpoints on execution can be set.`);
    if (list.data.length > WATCH_MOST) throw new FaultError("debug.watchpoints", `At most ${WATCH_MOST} ranges of data can be watched.`);
    const before = new Map(this.stops.execute.map((p) => [key(p), p]));
    const after = new Map(list.execute.map((p) => [key(p), p]));
    const changed = [...[...before].filter(([k]) => !after.has(k)), ...[...after].filter(([k]) => !before.has(k))].map(([, p]) => p);
    list.execute.forEach((p, n) => {
      view.setBigUint64(BREAK_LIST + n * 16, BigInt.asUintN(64, p.address), true);
      view.setUint32(BREAK_LIST + n * 16 + 8, p.physical ? 1 : 0, true);
    });
    list.data.forEach((p, n) => {
      const at = WATCH_LIST + n * 32;
      view.setBigUint64(at, BigInt.asUintN(64, p.address), true);
      view.setBigUint64(at + 8, BigInt(p.length), true);
      view.setUint32(at + 16, (p.read ? 1 : 0) | (p.write ? 2 : 0) | (p.physical ? 4 : 0), true);
    });
    for (let n = 0; n < 8; n++) view.setUint32(VECTOR_LIST + n * 4, list.vectors.reduce((word, v) => (v >> 5 === n ? word | (1 << (v & 31)) : word), 0), true);
    core.setLists(list.execute.length, list.data.length);
    core.setStops(
      (list.mode ? STOP_MODE : 0) | (list.ring ? STOP_RING : 0) | (list.cr3 ? STOP_CR3 : 0) | (list.vectors.length > 0 ? STOP_VECTORS : 0) | (list.anyInterrupt ? STOP_ANY_INTERRUPT : 0),
    );
    const dataChanged = JSON.stringify(list.data, plain) !== JSON.stringify(this.stops.data, plain);
    this.stops = list;
    let all = false;
    for (const p of changed) if (!(p.physical ? core.dropPhysical(p.address) : core.dropCode(BigInt.asUintN(64, p.address)))) all = true;
    if (all) core.dropAllCode();
    // The lookup by address, and translations of watched pages.
    if (changed.length > 0 || dataChanged) core.mappingsChanged();
  }
  /** Ends the run behind the running instruction (ports). */
  request(): void {
    this.core.requestBreak(BREAK_HOST, 0n);
  }
  /** The next instruction runs even if there is a breakpoint. */
  pass(): void {
    this.core.passBreaks();
  }
  /** Why the last run ended with "break"; forgets it. */
  takeCause(): StopCause {
    const cause = this.core.breakCause.value as number;
    const detail = BigInt.asUintN(64, this.core.breakDetail.value as bigint);
    this.core.clearBreak();
    const n = Number(detail & 0xffffffffn);
    switch (cause) {
      case BREAK_EXECUTE:
        return { kind: "execute", address: detail };
      case BREAK_DATA:
        return { kind: "data", point: n >> 1, write: (n & 1) !== 0 };
      case BREAK_VECTOR:
        return { kind: "vector", vector: n };
      case BREAK_MODE:
        return { kind: n & 0x10000 ? "ring" : "mode", before: (n >> 8) & 255, now: n & 255 };
      case BREAK_CR3:
        return { kind: "cr3", value: detail };
      case BREAK_HOST:
        return { kind: "host" };
      default:
        throw new Error(`core: unknown cause of a break ${cause}`);
    }
  }
}
const plain = (_: string, v: unknown) => (typeof v === "bigint" ? v.toString() : v);
