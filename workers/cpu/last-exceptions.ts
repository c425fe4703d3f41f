// The last exceptions that core raised, so that a shutdown can be explained afterwards: an exception whose handler cannot be entered makes a double
// fault, that one a shutdown (Intel SDM 3A 6.15, interrupt 8). Core tells of each by a call (core/interrupts.ts); a guest that raises many is not
// listened to while it does, so that the calls cost less than a thousandth of its time.

import type { RaisedException } from "../../src/contract/shutdown.ts";

/** An exception, a double fault, and one more than the architecture makes. */
const KEPT = 4;
/** Instructions for each exception, on the average, and how many may come at once. */
const LEAST_APART = 50_000;
const MOST_AT_ONCE = 2000;

export class LastExceptions {
  private readonly kept: RaisedException[] = [];
  private readonly listen: (on: boolean) => void;
  private on = true;
  private room = MOST_AT_ONCE;
  private instructions = 0;
  private count = 0;

  /** `listen`: told to begin or to end to report exceptions here. */
  constructor(listen: (on: boolean) => void) {
    this.listen = listen;
    listen(true);
  }
  add(raised: RaisedException): void {
    this.kept.push(raised);
    if (this.kept.length > KEPT) this.kept.shift();
  }
  /** After a run: how many instructions were executed and exceptions raised so far. */
  look(instructions: number, count: number): void {
    // A machine that went back begins to count there.
    const apart = Math.max(0, instructions - this.instructions);
    this.room = Math.max(-MOST_AT_ONCE, Math.min(MOST_AT_ONCE, this.room + apart / LEAST_APART - Math.max(0, count - this.count)));
    this.instructions = instructions;
    this.count = count;
    const on = this.on ? this.room > 0 : this.room >= MOST_AT_ONCE / 2;
    if (on === this.on) return;
    this.on = on;
    this.kept.length = 0;
    this.listen(on);
  }
  /** Those of the last instruction, oldest first, null when nobody listened; they are forgotten here: a machine that goes back raises them again. */
  take(): readonly RaisedException[] | null {
    const kept = this.kept.splice(0);
    const last = kept[kept.length - 1];
    if (!this.on) return null;
    if (!last) return [];
    return kept.filter((e) => e.instructions === last.instructions && e.address === last.address);
  }
}
