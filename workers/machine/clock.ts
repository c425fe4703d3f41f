// Where guest time comes from. `wall` follows the host, in steps of at most one second, and stands still while paused;
// `instructions` is the executed instruction count << shift plus what HLT jumped over: exactly repeatable (architecture 5).

import { TimerQueue } from "../platform/timer-queue.ts";

/** A gap of the host longer than this (a suspended tab, a debugger) is not caught up. */
const MOST_STEP_NS = 1e9;

export class MachineClock {
  readonly mode: "wall" | "instructions";
  readonly shift: number;
  readonly timers: TimerQueue;
  /** Set by the board once the processor exists. */
  instructions: () => number = () => 0;
  private readonly host: () => number;
  private paused = true;
  /** wall: guest time at `hostBase`. instructions: ns that HLT jumped over (and where a snapshot began). */
  private base = 0;
  private hostBase = 0;
  private lastSeen = 0;

  /** `hostNowMs` is performance.now or a stand-in for tests. */
  constructor(mode: "wall" | "instructions", shift: number, hostNowMs: () => number = () => performance.now()) {
    this.mode = mode;
    this.shift = shift;
    this.host = hostNowMs;
    this.timers = new TimerQueue(() => this.now());
  }
  now(): number {
    if (this.mode === "instructions") return this.base + this.instructions() * 2 ** this.shift;
    if (this.paused) return this.base;
    const hostMs = this.host();
    let now = this.base + (hostMs - this.hostBase) * 1e6;
    if (now - this.lastSeen > MOST_STEP_NS) {
      now = this.lastSeen + MOST_STEP_NS;
      this.base = now;
      this.hostBase = hostMs;
    }
    if (now < this.lastSeen) return this.lastSeen;
    // Whole ns keep saved states and TSC values integral.
    this.lastSeen = Math.floor(now);
    return this.lastSeen;
  }
  pause(): void {
    if (this.paused) return;
    if (this.mode === "wall") this.base = this.now();
    this.paused = true;
  }
  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.hostBase = this.host();
    if (this.mode === "wall") this.lastSeen = this.base;
  }
  /** instructions mode: nothing runs until `atNs`, so go there. */
  skipTo(atNs: number): void {
    const now = this.now();
    // Whole ns: a saved time is exactly the one that goes on.
    if (this.mode === "instructions" && atNs > now) this.base += Math.ceil(atNs - now);
  }
  /** After a snapshot was loaded (while paused, processor already restored). */
  set(nowNs: number): void {
    if (this.mode === "instructions") this.base = nowNs - this.instructions() * 2 ** this.shift;
    else {
      this.base = this.lastSeen = nowNs;
      this.hostBase = this.host();
    }
  }
}
