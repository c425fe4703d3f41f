// The PC speakers of all machines through WebAudio: a square wave each, scheduled by the moments in guest time that its worker tells. Browsers keep a
// page silent until somebody has touched it; so do we, and what sounds then is what plays at that moment. While all are silent the context
// rests: an audio thread that plays nothing costs as much as an idle guest.

import type { SpokenTone } from "../contract/machine.ts";

/** Tones are told in batches up to so much late; they are played by this much later, so that their lengths are right. */
const LATE_S = 0.06;
/** Further ahead the guest's clock and the page's have parted (a pause, a snapshot): they are set anew. */
const PARTED_S = 0.5;
const VOLUME = 0.08;
const REST_AFTER_MS = 3000;

/** What we use of WebAudio: an AudioContext is one. */
interface Param {
  value: number;
  setValueAtTime(value: number, at: number): unknown;
  cancelScheduledValues(from: number): unknown;
}
interface Gain {
  readonly gain: Param;
  connect(to: never): unknown;
}
interface Oscillator {
  type: string;
  readonly frequency: Param;
  connect(to: never): unknown;
  start(): void;
  stop(): void;
}
export interface SoundContext {
  readonly currentTime: number;
  readonly sampleRate: number;
  readonly state: string;
  readonly destination: unknown;
  createOscillator(): Oscillator;
  createGain(): Gain;
  suspend(): Promise<void>;
  resume(): Promise<void>;
}
interface Voice {
  /** What the guest plays, in Hz, heard or not. */
  hz: number;
  running: boolean;
  wave: { readonly oscillator: Oscillator; readonly gain: Gain } | null;
  /** Page seconds minus guest seconds. */
  apart: number;
}
export class Speaker {
  readonly #voices = new Map<string, Voice>();
  readonly #makeContext: () => SoundContext;
  readonly #mayPlay: () => boolean;
  #context: SoundContext | null = null;
  #on: boolean;
  #resting: ReturnType<typeof setTimeout> | null = null;

  /** `mayPlay`: has somebody touched the page? */
  constructor(on: boolean, makeContext: () => SoundContext, mayPlay: () => boolean) {
    this.#on = on;
    this.#makeContext = makeContext;
    this.#mayPlay = mayPlay;
  }
  get on(): boolean {
    return this.#on;
  }
  set on(on: boolean) {
    this.#on = on;
    this.touched();
  }
  /** Somebody touched the page, or wants to hear again: what plays now may be heard. */
  touched(): void {
    for (const voice of this.#voices.values()) this.#now(voice);
  }
  tones(machine: string, tones: readonly SpokenTone[]): void {
    let voice = this.#voices.get(machine);
    if (!voice) this.#voices.set(machine, (voice = { hz: 0, running: true, wave: null, apart: 0 }));
    for (const { atNs, hz } of tones) {
      voice.hz = hz;
      const context = this.#audible(voice);
      if (!context) continue;
      let at = atNs / 1e9 + voice.apart;
      if (at < context.currentTime || at > context.currentTime + PARTED_S) {
        at = context.currentTime + LATE_S;
        voice.apart = at - atNs / 1e9;
      }
      this.#play(context, voice, at);
    }
    this.#rest();
  }
  /** A machine that stands still is silent; one that goes on plays what it played. */
  state(machine: string, running: boolean): void {
    const voice = this.#voices.get(machine);
    if (!voice || voice.running === running) return;
    voice.running = running;
    this.#now(voice);
  }
  forget(machine: string): void {
    this.#voices.get(machine)?.wave?.oscillator.stop();
    this.#voices.delete(machine);
  }
  #audible(voice: Voice): SoundContext | null {
    if (!this.#on || !voice.running || !this.#mayPlay()) return null;
    if (!this.#context) {
      if (voice.hz === 0) return null;
      this.#context = this.#makeContext();
    }
    if (voice.hz !== 0 && this.#context.state === "suspended") void this.#context.resume();
    return this.#context;
  }
  #now(voice: Voice): void {
    const context = this.#audible(voice);
    if (context) this.#play(context, voice, context.currentTime);
    else if (voice.wave && this.#context) {
      voice.wave.gain.gain.cancelScheduledValues(0);
      voice.wave.gain.gain.setValueAtTime(0, this.#context.currentTime);
    }
    this.#rest();
  }
  #play(context: SoundContext, voice: Voice, at: number): void {
    if (!voice.wave) {
      if (voice.hz === 0) return;
      const oscillator = context.createOscillator();
      oscillator.type = "square";
      const gain = context.createGain();
      gain.gain.value = 0;
      oscillator.connect(gain as never);
      gain.connect(context.destination as never);
      oscillator.start();
      voice.wave = { oscillator, gain };
    }
    const { oscillator, gain } = voice.wave;
    // Nobody hears what is above; it would come out as something else.
    const heard = voice.hz > 0 && voice.hz < context.sampleRate / 2;
    if (heard) oscillator.frequency.setValueAtTime(voice.hz, at);
    gain.gain.setValueAtTime(heard ? VOLUME : 0, at);
  }
  #rest(): void {
    if (this.#resting !== null) clearTimeout(this.#resting);
    this.#resting = null;
    const context = this.#context;
    if (!context || [...this.#voices.values()].some((v) => v.hz !== 0 && v.running && this.#on)) return;
    this.#resting = setTimeout(() => void context.suspend(), REST_AFTER_MS);
  }
}
