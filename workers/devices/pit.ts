// 8254 programmable interval timer and port 0x61 (Intel 82C54 data sheet 231244; port 0x61: PIIX3 290550 2.5.3.3 NSC).
// All six modes, binary and BCD, counter latch, read-back, gate of channel 2, refresh toggle; the speaker plays what channel 2 makes in mode 3.
// Left out: a new count in modes 2 and 3 takes effect at once instead of at the end of the period (as QEMU does); sound that programs make by
// switching the speaker bit or in other modes (QEMU has none either).

import { object } from "../../src/contract/schema.ts";
import { byteRegion } from "../platform/bus.ts";
import { booleanField, fields, listField, numberField, timeField } from "../platform/state.ts";
import type { Clock, Device, DeviceType, IrqLine, Slot, SpeakerBackend, State, Timer } from "../platform/types.ts";

export const PIT_HZ = 1193182;

class Counter {
  mode = 0;
  bcd = false;
  /** 1 = low byte, 2 = high byte, 3 = both. */
  access = 3;
  /** 1 to 0x10000 (or 10000 in BCD). */
  count = 0x10000;
  /** No count written since the control word: OUT rests, nothing counts. */
  loaded = false;
  startNs = 0;
  gate: boolean;
  highNext = false;
  writeLow = 0;
  readHighNext = false;
  latched = -1;
  latchedBytes = 0;
  statusLatch = -1;
  /** Modes 1 and 5 wait for a rising gate. */
  triggered = false;
  readonly clock: Clock;

  constructor(clock: Clock, gate: boolean) {
    this.clock = clock;
    this.gate = gate;
  }
  reset(gate: boolean): void {
    this.mode = 0;
    this.bcd = false;
    this.access = 3;
    this.count = 0x10000;
    this.loaded = false;
    this.startNs = this.clock.now();
    this.gate = gate;
    this.highNext = this.readHighNext = this.triggered = false;
    this.writeLow = this.latchedBytes = 0;
    this.latched = this.statusLatch = -1;
  }
  ticks(atNs: number): number {
    return Math.max(0, Math.floor(((atNs - this.startNs) / 1e9) * PIT_HZ + 1e-6));
  }
  private counting(): boolean {
    if (!this.loaded) return false;
    return this.mode === 1 || this.mode === 5 ? this.triggered : this.gate;
  }
  out(atNs: number): boolean {
    if (!this.loaded) return this.mode !== 0;
    const t = this.ticks(atNs);
    switch (this.mode) {
      case 0:
        return this.gate && t >= this.count;
      case 1:
        return !this.triggered || t >= this.count;
      case 2:
        return !this.gate || t % this.count !== this.count - 1;
      case 3:
        return !this.gate || t % this.count < Math.ceil(this.count / 2);
      case 4:
        return !this.gate || t !== this.count;
      default:
        return !this.triggered || t !== this.count;
    }
  }
  /** When OUT next rises, or null. */
  nextRise(atNs: number): number | null {
    if (!this.counting()) return null;
    const t = this.ticks(atNs);
    let rise: number;
    if (this.mode === 2 || this.mode === 3) rise = (Math.floor(t / this.count) + 1) * this.count;
    else {
      rise = this.mode >= 4 ? this.count + 1 : this.count;
      if (t >= rise) return null;
    }
    return this.startNs + (rise / PIT_HZ) * 1e9;
  }
  value(atNs: number): number {
    let left: number;
    if (!this.counting() && !(this.loaded && this.mode === 0)) left = this.count;
    else {
      const t = this.gate || this.mode === 1 || this.mode === 5 ? this.ticks(atNs) : 0;
      if (this.mode === 2) left = this.count - (t % this.count);
      else if (this.mode === 3) left = (this.count & ~1) - ((2 * t) % Math.max(2, this.count & ~1));
      else left = this.count - t;
    }
    if (!this.bcd) return left & 0xffff;
    const n = ((left % 10000) + 10000) % 10000;
    return (n % 10) | ((Math.floor(n / 10) % 10) << 4) | ((Math.floor(n / 100) % 10) << 8) | (Math.floor(n / 1000) << 12);
  }
  load(raw: number): void {
    const n = this.bcd
      ? (raw & 15) + ((raw >> 4) & 15) * 10 + ((raw >> 8) & 15) * 100 + ((raw >> 12) & 15) * 1000
      : raw;
    this.count = n === 0 ? (this.bcd ? 10000 : 0x10000) : n;
    // A count of 1 is illegal in modes 2 and 3; two keeps the arithmetic whole.
    if ((this.mode === 2 || this.mode === 3) && this.count === 1) this.count = 2;
    if ((this.mode === 1 || this.mode === 5) && this.loaded && this.triggered) return; // takes effect at the next trigger
    this.loaded = true;
    this.startNs = this.clock.now();
  }
  setGate(high: boolean): void {
    if (high === this.gate) return;
    const now = this.clock.now();
    if (high) {
      if (this.mode === 1 || this.mode === 5) {
        this.triggered = true;
        this.startNs = now;
      } else if (this.mode === 2 || this.mode === 3) this.startNs = now;
      else this.startNs += now - this.pausedNs;
    } else this.pausedNs = now;
    this.gate = high;
  }
  pausedNs = 0;
  latchCount(): void {
    if (this.latchedBytes > 0) return;
    this.latched = this.value(this.clock.now());
    this.latchedBytes = this.access === 3 ? 2 : 1;
  }
  latchStatus(): void {
    if (this.statusLatch >= 0) return;
    this.statusLatch =
      (this.out(this.clock.now()) ? 0x80 : 0) | (this.loaded ? 0 : 0x40) | (this.access << 4) | (this.mode << 1) | (this.bcd ? 1 : 0);
  }
  read(): number {
    if (this.statusLatch >= 0) {
      const status = this.statusLatch;
      this.statusLatch = -1;
      return status;
    }
    if (this.latchedBytes > 0) {
      this.latchedBytes--;
      if (this.access === 2) return this.latched >> 8;
      if (this.access === 3 && this.latchedBytes === 0) return this.latched >> 8;
      return this.latched & 0xff;
    }
    const value = this.value(this.clock.now());
    if (this.access === 1) return value & 0xff;
    if (this.access === 2) return value >> 8;
    this.readHighNext = !this.readHighNext;
    return this.readHighNext ? value & 0xff : value >> 8;
  }
  /** True when this byte completed a count. */
  write(byte: number): boolean {
    if (this.access === 1) this.load(byte);
    else if (this.access === 2) this.load(byte << 8);
    else if (!this.highNext) {
      this.highNext = true;
      this.writeLow = byte;
      if (this.mode === 0) this.loaded = false; // the first byte stops counting
      return false;
    } else {
      this.highNext = false;
      this.load(this.writeLow | (byte << 8));
    }
    return true;
  }
  control(byte: number): void {
    this.access = (byte >> 4) & 3;
    const mode = (byte >> 1) & 7;
    this.mode = mode > 5 ? mode & 3 : mode;
    this.bcd = (byte & 1) !== 0;
    this.loaded = this.triggered = this.highNext = this.readHighNext = false;
    this.latchedBytes = 0;
    this.statusLatch = -1;
  }
  save(): State {
    return {
      mode: this.mode, bcd: this.bcd, access: this.access, count: this.count, loaded: this.loaded, startNs: this.startNs,
      gate: this.gate, highNext: this.highNext, writeLow: this.writeLow, readHighNext: this.readHighNext,
      latched: this.latched, latchedBytes: this.latchedBytes, statusLatch: this.statusLatch, triggered: this.triggered,
      pausedNs: this.pausedNs,
    };
  }
  restore(state: State): void {
    const f = fields(state, "pit counter");
    this.mode = numberField(f, "mode", 0, 5);
    this.bcd = booleanField(f, "bcd");
    this.access = numberField(f, "access", 1, 3);
    this.count = numberField(f, "count", 1, 0x10000);
    this.loaded = booleanField(f, "loaded");
    this.startNs = timeField(f, "startNs");
    this.gate = booleanField(f, "gate");
    this.highNext = booleanField(f, "highNext");
    this.writeLow = numberField(f, "writeLow", 0, 255);
    this.readHighNext = booleanField(f, "readHighNext");
    this.latched = numberField(f, "latched", -1, 0xffff);
    this.latchedBytes = numberField(f, "latchedBytes", 0, 2);
    this.statusLatch = numberField(f, "statusLatch", -1, 255);
    this.triggered = booleanField(f, "triggered");
    this.pausedNs = timeField(f, "pausedNs");
  }
}

class Pit implements Device<State> {
  private readonly counters: readonly [Counter, Counter, Counter];
  private readonly clock: Clock;
  private readonly irq: IrqLine;
  /** Level of our output, channel 0. */
  private level = false;
  private readonly timer: Timer;
  private readonly slot: Slot;
  private readonly speaker: SpeakerBackend;
  /** What the speaker was told last, in Hz. */
  private playing = 0;
  private speakerBits = 0;
  private disabled = false;
  private dueAt = 0;

  constructor(slot: Slot) {
    this.clock = slot.clock;
    this.irq = slot.irq(0);
    this.slot = slot;
    this.speaker = slot.backend("speaker", slot.id);
    this.counters = [new Counter(slot.clock, true), new Counter(slot.clock, true), new Counter(slot.clock, false)];
    this.timer = slot.clock.timer(() => this.expire());
    slot.pio.map(0x40, 4, byteRegion((o) => this.read(o), (o, v) => this.write(o, v)));
    slot.pio.map(0x61, 1, byteRegion(() => this.read61(), (_, v) => this.write61(v)));
    // HPET legacy replacement takes IRQ0 away from us: counting goes on, but nothing waits for it.
    slot.pin("disable", (high) => {
      this.disabled = high;
      if (high) this.drive(false);
      this.schedule();
    });
    this.reset();
  }
  private drive(high: boolean): void {
    this.level = high;
    this.irq.set(high);
  }
  private expire(): void {
    this.drive(false);
    this.drive(true);
    // Count from the tick that just fired, so that a late host does not lose ticks; but give up on what is long past.
    const now = this.clock.now();
    this.schedule(now - this.dueAt < 2e8 ? this.dueAt : now);
  }
  private schedule(from = this.clock.now()): void {
    const next = this.disabled ? null : this.counters[0].nextRise(from);
    if (next === null) this.timer.cancel();
    else {
      this.dueAt = next;
      this.timer.arm(next);
    }
  }
  private read(offset: number): number {
    return offset === 3 ? 0xff : (this.counters[offset] as Counter).read();
  }
  private write(offset: number, value: number): void {
    if (offset < 3) {
      const complete = (this.counters[offset] as Counter).write(value);
      if (offset === 0) {
        const mode = this.counters[0].mode;
        if (mode === 0 || !complete) this.drive(this.counters[0].out(this.clock.now()) && !this.disabled);
        else if (!this.disabled) this.drive(true);
        this.schedule();
      } else if (offset === 2) this.play();
      return;
    }
    const select = value >> 6;
    if (select === 3) {
      for (let i = 0; i < 3; i++) {
        if (!(value & (2 << i))) continue;
        const counter = this.counters[i] as Counter;
        if (!(value & 0x20)) counter.latchCount();
        if (!(value & 0x10)) counter.latchStatus();
      }
      return;
    }
    const counter = this.counters[select] as Counter;
    if ((value & 0x30) === 0) {
      counter.latchCount();
      return;
    }
    counter.control(value);
    if (select === 0) {
      this.drive(counter.mode !== 0 && !this.disabled);
      this.schedule();
    } else if (select === 2) this.play();
  }
  private read61(): number {
    const now = this.clock.now();
    // The refresh request toggles every 15.085 us.
    return this.speakerBits | (Math.floor(now / 15085) & 1 ? 0x10 : 0) | (this.counters[2].out(now) ? 0x20 : 0);
  }
  private write61(value: number): void {
    this.speakerBits = value & 0x0f;
    this.counters[2].setGate((value & 1) !== 0);
    this.play();
  }
  /** Tells the speaker when what it is to play has changed. */
  private play(): void {
    const { loaded, mode, count } = this.counters[2];
    const on = (this.speakerBits & 3) === 3 && loaded;
    // The other modes make single edges: a click, or sound that a program times itself.
    if (on && mode !== 3) this.slot.missing("speaker: sound of the 8254 in other modes than 3");
    const hz = on && mode === 3 ? PIT_HZ / count : 0;
    if (hz === this.playing) return;
    this.playing = hz;
    this.slot.trace("speaker.tone", hz);
    this.speaker.tone(this.clock.now(), hz);
  }
  reset(): void {
    this.counters[0].reset(true);
    this.counters[1].reset(true);
    this.counters[2].reset(false);
    this.speakerBits = 0;
    this.play();
    this.drive(false);
    this.timer.cancel();
  }
  save(): State {
    return { counters: this.counters.map((c) => c.save()), speakerBits: this.speakerBits, disabled: this.disabled, due: this.timer.due, level: this.level };
  }
  load(state: State): void {
    const f = fields(state, "pit");
    listField(f, "counters", 3).forEach((c, i) => (this.counters[i] as Counter).restore(c));
    this.speakerBits = numberField(f, "speakerBits", 0, 15);
    this.disabled = booleanField(f, "disabled");
    const due = f.due === null ? null : timeField(f, "due");
    if (due === null || this.disabled) this.timer.cancel();
    else {
      this.dueAt = due;
      this.timer.arm(this.dueAt);
    }
    // Machines of version 1 did not say; then the line is left as it is.
    if (f.level !== null) this.drive(booleanField(f, "level"));
    this.play();
  }
}

export const pit = {
  name: "pit",
  summary: "8254 timer with port 0x61",
  options: object("none", {}),
  version: 2,
  upgrade: { 1: (old: State): State => ({ ...(old as { readonly [k: string]: State }), level: null }) },
  create: (slot: Slot): Pit => new Pit(slot),
} satisfies DeviceType<object, State>;
