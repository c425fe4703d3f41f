// How a halted machine waits for its next timer. A timeout of the event loop costs about twice what a futex does and, in browsers, has a grain
// of 4 ms; so waits of a few milliseconds (a kernel with a periodic tick) block the thread on a shared word, the doorbell, which whoever has news
// for this thread rings. The event loop still gets its turn every few milliseconds, and nothing blocks while the outside world keeps waking us.

/** Waits longer than the event loop's distance by more than this, or than MOST_BLOCKED_MS, go through the event loop. */
const BLOCKED_BEYOND_MS = 6;
const MOST_BLOCKED_MS = 26;
/** So often, at least, messages and I/O get their turn, where nobody rings. */
const EVENT_LOOP_EVERY_MS = 12;
/** After something from outside (a key, a disk's answer) more is likely to follow, and it arrives through the event loop. */
const LIVELY_MS = 100;

export class Sleep {
  readonly #doorbell: Int32Array | null;
  readonly #now: () => number;
  readonly #awake: () => void;
  readonly #everyMs: number;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #outsideAt = Number.NEGATIVE_INFINITY;
  #eventLoopAt = Number.NEGATIVE_INFINITY;

  /** `awake` runs after a sleep that went through the event loop. Without a doorbell every sleep does. */
  constructor(doorbell: Int32Array | null, now: () => number, awake: () => void, everyMs = EVENT_LOOP_EVERY_MS) {
    this.#everyMs = everyMs;
    this.#doorbell = doorbell;
    this.#now = now;
    this.#awake = awake;
  }
  /** We come from the event loop: it had its turn. */
  entered(): void {
    this.#eventLoopAt = this.#now();
  }
  /** Something from outside happened. */
  outside(): void {
    this.#outsideAt = this.#now();
    this.cancel();
  }
  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
  /** "slept": the wait is over, go on. "busy": let the event loop have its turn first. "later": `awake` will be called. */
  wait(ms: number): "slept" | "busy" | "later" {
    const bell = this.#doorbell;
    const now = this.#now();
    if (bell !== null && ms <= Math.max(MOST_BLOCKED_MS, this.#everyMs + BLOCKED_BEYOND_MS) && now - this.#outsideAt > LIVELY_MS) {
      if (now - this.#eventLoopAt > this.#everyMs) return "busy";
      Atomics.wait(bell, 0, 0, ms);
      if (Atomics.exchange(bell, 0, 0) === 0) return "slept";
      this.#outsideAt = this.#now();
      return "busy";
    }
    // Rounded down when the rest can be blocked away, else up: a timer that comes too early makes another round trip.
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#awake();
      },
      bell === null ? Math.ceil(ms) : Math.max(1, Math.floor(ms)),
    );
    return "later";
  }
}
