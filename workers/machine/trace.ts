// The writing side of the trace bus (src/contract/trace.ts has kinds, layout and reader): counters that always count, an enable word per kind,
// filters, and the ring. A kind that is off costs a counter and one branch where it is emitted, and nothing in core (workers/cpu/watch.ts).

import { TRACE_KINDS, TRACE_VERSION, TRACE_WORDS, traceBytes, type TraceFilter, traceKind, type TraceName, traceNames, TraceReader, traceViews } from "../../src/contract/trace.ts";

export { traceBytes, traceKind, traceNames };
export type { TraceEvent, TraceName } from "../../src/contract/trace.ts";

/** A rate is kept in pieces of so much guest time. */
const WINDOW_NS = 10_000_000;

interface Gate {
  readonly filter: TraceFilter;
  seen: number;
  windowEndsNs: number;
  left: number;
}

function prepared(capacity: number, buffer: ArrayBufferLike): ArrayBufferLike {
  const { head } = traceViews(buffer, capacity);
  head.set([TRACE_VERSION, capacity, traceNames.length, TRACE_WORDS]);
  return buffer;
}

export class TraceBus extends TraceReader {
  readonly buffer: ArrayBufferLike;
  private readonly gates: (Gate | null)[] = new Array<Gate | null>(TRACE_KINDS).fill(null);
  now: () => number = () => 0;
  instructions: () => number = () => 0;
  /** Linear address of the running instruction, signed. */
  address: () => number = () => 0;
  /** Told after kinds were switched: whoever produces them on demand does so or stops. */
  onChange: (() => void) | null = null;
  /** Called when half of the ring was written since the last call: a reader in this thread that must not lose anything. */
  onHalf: (() => void) | null = null;

  constructor(capacity = 4096, buffer: ArrayBufferLike = new ArrayBuffer(traceBytes(capacity))) {
    super(prepared(capacity, buffer));
    this.buffer = buffer;
  }
  /** `device`: its place among the board's, -1 for none. */
  emit(kind: number, a = 0, b = 0, c = 0, device = -1): void {
    const { counts, enable } = this.views;
    (counts[kind] as number)++;
    if (enable[kind] === 0) return;
    this.write(kind, a, b, c, device);
  }
  emitName(name: TraceName, a = 0, b = 0, c = 0, device = -1): void {
    this.emit(traceKind(name), a, b, c, device);
  }
  private write(kind: number, a: number, b: number, c: number, device: number): void {
    const { written, ring } = this.views;
    const now = this.now();
    const gate = this.gates[kind];
    if (gate && !this.passes(gate, kind, now, a)) return;
    const n = written[0] as number;
    const at = (n % this.capacity) * TRACE_WORDS;
    ring[at + 7] = 0;
    ring[at] = now;
    ring[at + 1] = this.instructions();
    ring[at + 2] = kind + 65536 * (device + 1);
    ring[at + 3] = a;
    ring[at + 4] = b;
    ring[at + 5] = c;
    ring[at + 6] = this.address();
    ring[at + 7] = n + 1;
    written[0] = n + 1;
    if (this.onHalf && (n + 1) % (this.capacity >> 1) === 0) this.onHalf();
  }
  private passes(gate: Gate, kind: number, now: number, a: number): boolean {
    const { from, to, cpu, rate, every } = gate.filter;
    if (from !== undefined && a < from) return false;
    if (to !== undefined && a > to) return false;
    if (cpu !== undefined && cpu !== 0) return false;
    if (every !== undefined && kind !== MILESTONE && gate.seen++ % every !== 0) return false;
    if (rate !== undefined) {
      if (now >= gate.windowEndsNs || now < gate.windowEndsNs - WINDOW_NS) {
        gate.windowEndsNs = now + WINDOW_NS;
        gate.left = Math.max(1, Math.floor((rate * WINDOW_NS) / 1e9));
      }
      if (gate.left <= 0) {
        (this.views.limited[kind] as number)++;
        return false;
      }
      gate.left--;
    }
    return true;
  }
  /** Switches a kind; `filter` replaces the one it had. */
  set(name: TraceName, on: boolean, filter: TraceFilter = {}): void {
    const kind = traceKind(name);
    this.gates[kind] = Object.keys(filter).length > 0 ? { filter, seen: 0, windowEndsNs: 0, left: 0 } : null;
    this.views.enable[kind] = on ? 1 : 0;
    this.onChange?.();
  }
  filterOf(name: TraceName): TraceFilter {
    return this.gates[traceKind(name)]?.filter ?? {};
  }
  get on(): readonly TraceName[] {
    return traceNames.filter((name) => this.isOn(name));
  }
}
const MILESTONE = traceKind("insn.milestone");
