// The timers of one machine: a binary heap ordered by due time, then by order of arming, so that equal times fire in a fixed order.
// Where "now" comes from (host clock or instruction count) is the machine's business.

import type { Clock, Timer } from "./types.ts";

class QueuedTimer implements Timer {
  at = 0;
  lenient = false;
  sequence = 0;
  /** Place in the heap, -1 when idle. */
  index = -1;
  readonly queue: TimerQueue;
  readonly fire: () => void;
  constructor(queue: TimerQueue, fire: () => void) {
    this.queue = queue;
    this.fire = fire;
  }
  before(other: QueuedTimer): boolean {
    return this.at < other.at || (this.at === other.at && this.sequence < other.sequence);
  }
  get due(): number | null {
    return this.index < 0 ? null : this.at;
  }
  arm(atNs: number, lenient = false): void {
    this.lenient = lenient;
    this.queue.arm(this, atNs);
  }
  cancel(): void {
    this.queue.cancel(this);
  }
}

export class TimerQueue implements Clock {
  private readonly heap: QueuedTimer[] = [];
  private sequence = 0;
  private readonly source: () => number;
  /** Called when the earliest due time moved closer: a running slice may have to end early. */
  onEarlier: ((atNs: number) => void) | null = null;
  constructor(source: () => number) {
    this.source = source;
  }
  now(): number {
    return this.source();
  }
  timer(fire: () => void): Timer {
    return new QueuedTimer(this, fire);
  }
  /** Due time of the earliest timer, or Infinity. */
  next(): number {
    const first = this.heap[0];
    return first === undefined ? Infinity : first.at;
  }
  /** Due time of the earliest timer that must not be late, or Infinity. */
  nextStrict(): number {
    let at = Infinity;
    for (const timer of this.heap) if (!timer.lenient && timer.at < at) at = timer.at;
    return at;
  }
  /** Armed timers in the order in which they will fire. */
  order(): readonly object[] {
    return [...this.heap].sort((a, b) => (a.before(b) ? -1 : 1));
  }
  /** Timers that are due at the same time fire in this order again (states were loaded meanwhile, which arms them anew). */
  reorder(order: readonly object[]): void {
    const place = new Map(order.map((timer, n) => [timer, n]));
    const armed = [...this.heap].sort((a, b) => (place.get(a) ?? order.length) - (place.get(b) ?? order.length));
    for (const timer of armed) timer.sequence = this.sequence++;
    this.heap.sort((a, b) => (a.before(b) ? -1 : 1));
    this.heap.forEach((timer, n) => (timer.index = n));
  }
  /** Fires everything due at `now`; returns how many fired. A limit keeps a timer that re-arms in the past from hanging us. */
  runDue(now: number, limit = 10000): number {
    let fired = 0;
    while (fired < limit) {
      const first = this.heap[0];
      if (first === undefined || first.at > now) break;
      this.cancel(first);
      first.fire();
      fired++;
    }
    return fired;
  }
  arm(timer: QueuedTimer, atNs: number): void {
    if (timer.index >= 0) this.cancel(timer);
    timer.at = atNs;
    timer.sequence = this.sequence++;
    timer.index = this.heap.length;
    this.heap.push(timer);
    this.up(timer.index);
    if (timer.index === 0 && this.onEarlier !== null) this.onEarlier(atNs);
  }
  cancel(timer: QueuedTimer): void {
    const index = timer.index;
    if (index < 0) return;
    timer.index = -1;
    const last = this.heap.pop() as QueuedTimer;
    if (last === timer) return;
    this.heap[index] = last;
    last.index = index;
    this.up(index);
    this.down(last.index);
  }
  private before(a: QueuedTimer, b: QueuedTimer): boolean {
    return a.before(b);
  }
  private up(start: number): void {
    let i = start;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.before(this.heap[i] as QueuedTimer, this.heap[parent] as QueuedTimer)) return;
      this.swap(i, parent);
      i = parent;
    }
  }
  private down(start: number): void {
    let i = start;
    for (;;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < this.heap.length && this.before(this.heap[child] as QueuedTimer, this.heap[least] as QueuedTimer)) least = child;
      if (least === i) return;
      this.swap(i, least);
      i = least;
    }
  }
  private swap(i: number, j: number): void {
    const a = this.heap[i] as QueuedTimer;
    const b = this.heap[j] as QueuedTimer;
    this.heap[i] = b;
    this.heap[j] = a;
    b.index = i;
    a.index = j;
  }
}
