// The trace bus, version 1: per-kind counters that always count, an enable word per kind, and a ring of events, all in one buffer
// that may be a SharedArrayBuffer (architecture 1.4). A kind that is off costs a counter and one branch.
// Layout: Int32 head [version, capacity, kinds, 0] · Int32 enable[64] · Float64 written · Float64 counters[64] · Float64 ring[capacity][5]
// (guest ns, kind, a, b, c). The writer is one; readers copy and check `written` again.

import { type TraceName, traceKinds } from "../../src/contract/trace.ts";

const KINDS = 64;
const HEAD_BYTES = 16 + KINDS * 4;
export const traceNames = Object.keys(traceKinds) as TraceName[];
const indexByName = new Map<string, number>(traceNames.map((name, i) => [name, i]));
export function traceKind(name: TraceName): number {
  return indexByName.get(name) as number;
}
export function traceBytes(capacity: number): number {
  return HEAD_BYTES + 8 + KINDS * 8 + capacity * 40;
}

export interface TraceEvent {
  readonly atNs: number;
  readonly kind: TraceName;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export class TraceBus {
  readonly buffer: ArrayBufferLike;
  readonly counters: Float64Array;
  readonly enable: Int32Array;
  private readonly written: Float64Array;
  private readonly ring: Float64Array;
  private readonly capacity: number;
  now: () => number = () => 0;

  constructor(capacity = 4096, buffer: ArrayBufferLike = new ArrayBuffer(traceBytes(capacity))) {
    this.buffer = buffer;
    this.capacity = capacity;
    const head = new Int32Array(buffer, 0, 4);
    head[0] = 1;
    head[1] = capacity;
    head[2] = traceNames.length;
    this.enable = new Int32Array(buffer, 16, KINDS);
    this.written = new Float64Array(buffer, HEAD_BYTES, 1);
    this.counters = new Float64Array(buffer, HEAD_BYTES + 8, KINDS);
    this.ring = new Float64Array(buffer, HEAD_BYTES + 8 + KINDS * 8, capacity * 5);
  }
  emit(kind: number, a = 0, b = 0, c = 0): void {
    (this.counters[kind] as number)++;
    if (this.enable[kind] === 0) return;
    const n = this.written[0] as number;
    const at = (n % this.capacity) * 5;
    this.ring[at] = this.now();
    this.ring[at + 1] = kind;
    this.ring[at + 2] = a;
    this.ring[at + 3] = b;
    this.ring[at + 4] = c;
    this.written[0] = n + 1;
  }
  emitName(name: TraceName, a = 0, b = 0, c = 0): void {
    this.emit(indexByName.get(name) as number, a, b, c);
  }
  set(name: TraceName, on: boolean): void {
    this.enable[traceKind(name)] = on ? 1 : 0;
  }
  count(name: TraceName): number {
    return this.counters[traceKind(name)] as number;
  }
  /** Every kind with its count so far. */
  counts(): readonly (readonly [TraceName, number])[] {
    return traceNames.map((name) => [name, this.count(name)] as const);
  }
  /** The newest `most` events, oldest first. */
  recent(most = this.capacity): TraceEvent[] {
    const end = this.written[0] as number;
    const out: TraceEvent[] = [];
    for (let n = Math.max(0, end - Math.min(most, this.capacity)); n < end; n++) {
      const at = (n % this.capacity) * 5;
      const v = (i: number) => this.ring[at + i] as number;
      out.push({ atNs: v(0), kind: traceNames[v(1)] as TraceName, a: v(2), b: v(3), c: v(4) });
    }
    return out;
  }
  /** Events from number `from` on (0 is the first ever), the number of the next one, and how many were overwritten unread. */
  since(from: number): { readonly events: TraceEvent[]; readonly end: number; readonly lost: number } {
    const end = this.written[0] as number;
    const start = Math.max(from, end - this.capacity);
    return { events: this.recent(end - start), end, lost: start - from };
  }
}
