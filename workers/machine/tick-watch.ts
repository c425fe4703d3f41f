// Recognizes a guest that does nothing but take its periodic tick, and lets it be late. A kernel with a fixed tick (HZ_PERIODIC) wakes hundreds of
// times a second only to find that there is nothing to do; each wake costs the host far more than the guest. When the tick is a one-shot timer that
// is armed anew each time, the kernel reads its clock and makes up for missed ticks at once, so several become one interrupt.
// Left out: timers that are periodic by themselves (PIT, RTC, HPET): a late one is a lost interrupt there, so they are always on time.

/** So late may a tick be. A page, which rings the doorbell for all that a person does, allows more. */
const MOST_LATE_MS = 20;
/** Ticks of equal distance, with nothing between them, before one may be late. */
const STEADY_TICKS = 16;
/** More ticks than that are not remembered: a few busy wakes, one after the other, end it. */
const MOST_TICKS = 24;
const BUSY_COSTS = 4;
/** Longer distances cost little, and shorter ones are not ticks. */
const LONGEST_NS = 10.5e6;
const SHORTEST_NS = 0.9e6;
/** A deadline is computed by guest code of varying speed: so far from the grid it still belongs to it. */
const TOLERANCE_NS = 0.2e6;
/** A busy host makes a tick later still; the next one is that much further. */
const MOST_PERIODS = 25;
/** Between two halts a guest that does more than this has something to do (a tick that runs the kernel's own timers takes 12,000). */
const MOST_INSTRUCTIONS = 16_000;

export class TickWatch {
  #due = 0;
  #period = 0;
  #ticks = 0;
  #instructions = 0;
  readonly #mostLateNs: number;

  constructor(mostLateMs = MOST_LATE_MS) {
    this.#mostLateNs = mostLateMs * 1e6;
  }

  /** Something came from outside: the guest will be on time until it is idle again. */
  disturbed(): void {
    this.#ticks = 0;
  }
  /** The guest halts: until when it may sleep. `due`: its earliest timer; `strict`: its earliest timer that must not be late. */
  until(due: number, strict: number, instructions: number): number {
    const did = instructions - this.#instructions;
    this.#instructions = instructions;
    if (did > MOST_INSTRUCTIONS) this.#ticks = Math.max(0, this.#ticks - BUSY_COSTS);
    if (strict <= due) return due;
    const step = due - this.#due;
    if (step !== 0) {
      this.#due = due;
      const periods = Math.round(step / this.#period);
      if (periods >= 1 && Math.abs(step - periods * this.#period) < TOLERANCE_NS && periods <= MOST_PERIODS) this.#ticks = Math.min(this.#ticks + 1, MOST_TICKS);
      else {
        this.#ticks = 0;
        this.#period = step >= SHORTEST_NS && step <= LONGEST_NS ? step : Infinity;
      }
    }
    return this.#ticks >= STEADY_TICKS ? Math.min(due + this.#mostLateNs, strict) : due;
  }
}
