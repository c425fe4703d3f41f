// What happened since a step began: switches on the kinds that its checks are about, copies their events out of the ring before they are
// overwritten, and remembers the counters as they were.

import { type TraceEvent, type TraceName, TraceReader } from "../contract/trace.ts";
import { type EventPattern, patternsOf, type Predicate } from "./format.ts";
import type { LessonMachine } from "./machine.ts";

const MOST_KEPT = 50_000;
/** Kinds that never count on their own are slow: only what is asked for. */
export class StepEvents {
  readonly #machine: LessonMachine;
  readonly #reader: TraceReader;
  readonly #filters = new Map<TraceName, string>();
  readonly #counts = new Map<TraceName, number>();
  #at: number;
  readonly kept: TraceEvent[] = [];
  /** Events that were overwritten before they could be copied. */
  lost = 0;
  private constructor(machine: LessonMachine, check: readonly Predicate[]) {
    this.#machine = machine;
    this.#reader = new TraceReader(machine.trace);
    const byKind = new Map<TraceName, EventPattern[]>();
    for (const p of patternsOf(check)) byKind.set(p.kind as TraceName, [...(byKind.get(p.kind as TraceName) ?? []), p]);
    for (const [kind, patterns] of byKind) {
      const ranges = patterns.map((p) => p.a);
      const known = ranges.flatMap((r) => (r ? [r] : []));
      // A range of addresses keeps the ring for what is asked.
      const narrow = known.length === ranges.length;
      const from = Math.min(...known.map(([a]) => a));
      const to = Math.max(...known.map(([, b]) => b));
      this.#filters.set(kind, narrow ? `address=${from}-${to}` : "");
    }
    this.#at = this.#reader.end;
  }
  static async begin(machine: LessonMachine, check: readonly Predicate[]): Promise<StepEvents> {
    const events = new StepEvents(machine, check);
    for (const kind of events.#filters.keys()) events.#counts.set(kind, events.#reader.count(kind));
    await events.#listen();
    events.#at = events.#reader.end;
    return events;
  }
  /** Somebody else may have switched a kind off. */
  async #listen(): Promise<void> {
    for (const [kind, filter] of this.#filters) if (!this.#reader.isOn(kind)) await this.#machine.execute("trace on", { kinds: kind, filter });
  }
  async end(): Promise<void> {
    const kinds = [...this.#filters.keys()];
    if (kinds.length > 0) await this.#machine.execute("trace off", { kinds: kinds.join(",") });
  }
  /** Copies what is new. */
  poll(): void {
    if (this.#filters.size === 0) return;
    const { events, end, lost } = this.#reader.since(this.#at);
    this.#at = end;
    this.lost += lost;
    for (const event of events) if (this.#filters.has(event.kind)) this.kept.push(event);
    if (this.kept.length > MOST_KEPT) this.kept.splice(0, this.kept.length - MOST_KEPT);
    for (const kind of this.#filters.keys())
      if (!this.#reader.isOn(kind)) {
        void this.#listen();
        break;
      }
  }
  matching(pattern: EventPattern): readonly TraceEvent[] {
    return this.kept.filter((e) => fits(e, pattern));
  }
  /** How often; exact even when events were lost, as long as only the kind is asked for. */
  count(pattern: EventPattern): number {
    const kind = pattern.kind as TraceName;
    if (pattern.a || pattern.b || pattern.c) return this.matching(pattern).length;
    return this.#reader.count(kind) - (this.#counts.get(kind) ?? 0);
  }
}
const within = (value: number, range: readonly [number, number] | null) => range === null || (value >= range[0] && value <= range[1]);
export function fits(event: TraceEvent, pattern: EventPattern): boolean {
  return event.kind === pattern.kind && within(event.a, pattern.a) && within(event.b, pattern.b) && within(event.c, pattern.c);
}
