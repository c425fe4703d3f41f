// Where the PC speaker's tones go: nowhere, or in small batches to whoever plays them (src/manager/speaker.ts in the page). A guest may change the
// tone a million times a second; a listener hears of it a hundred times, with the moments in guest time.

import type { SpokenTone } from "../../src/contract/machine.ts";
import type { SpeakerBackend } from "../platform/types.ts";

export const nullSpeaker: SpeakerBackend = { tone: () => {} };

const EVERY_MS = 10;
/** More changes than these in one batch are heard by nobody: the newest takes the place of the one before. */
const MOST_TONES = 128;

export class SpeakerSink implements SpeakerBackend {
  readonly #send: (tones: readonly SpokenTone[]) => void;
  readonly #now: () => number;
  #tones: SpokenTone[] = [];
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(send: (tones: readonly SpokenTone[]) => void, now: () => number = () => performance.now()) {
    this.#send = send;
    this.#now = now;
  }
  tone(atNs: number, hz: number): void {
    if (this.#tones.length === MOST_TONES) this.#tones.pop();
    this.#tones.push({ atNs, hz });
    if (this.#now() - this.#sentAt >= EVERY_MS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), EVERY_MS);
  }
  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sentAt = this.#now();
    const tones = this.#tones;
    this.#tones = [];
    if (tones.length > 0) this.#send(tones);
  }
}
