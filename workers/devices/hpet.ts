// High precision event timers (IA-PC HPET specification 1.0a): three comparators, 64-bit main counter at 100 MHz, legacy replacement.
// Wire "legacy": high while the comparators take IRQ0 and IRQ8 from the 8254 and the RTC. A comparator that may not interrupt and sets
// no status bit is not waited for: its value is worked out when it is read. As QEMU's, FSB (MSI) delivery works whether announced or not.

import { boolean, object, optional } from "../../src/contract/schema.ts";
import { wordRegion } from "../platform/bus.ts";
import { fields, numberField, numbersField, listField, SnapshotError, timeOrNull } from "../platform/state.ts";
import type { Clock, Device, DeviceType, IrqLine, Slot, State, Timer } from "../platform/types.ts";

const PERIOD_NS = 10;
const TIMERS = 3;
const CFG_LEVEL = 2, CFG_ENABLE = 4, CFG_PERIODIC = 8, CFG_SET = 0x40, CFG_32 = 0x100;
const CFG_FSB = 0x4000, CFG_FSB_CAPABLE = 0x8000;
const CFG_WRITABLE = 0x7f4e;
/** Periodic and 64-bit capable; may be routed to I/O APIC input 2 only, as QEMU's i440FX board. */
const CFG_CAPABLE = 0x30;
const ROUTES = 1 << 2;
const U64 = (1n << 64n) - 1n;

class Comparator {
  config = CFG_CAPABLE;
  compare = U64;
  period = 0n;
  /** FSB interrupt route: what is written where. */
  data = 0;
  address = 0;
  /** VAL_SET covered a low half: the high half that follows goes to the accumulator too. */
  setHigh = false;
  readonly timer: Timer;
  constructor(timer: Timer) {
    this.timer = timer;
  }
}

class Hpet implements Device<State> {
  private config = 0;
  private status = 0;
  /** Counter value while stopped; while running, the value at guest time 0 (modulo 2^64). */
  private offset = 0n;
  private readonly comparators: Comparator[] = [];
  private readonly clock: Clock;
  private readonly lines: IrqLine[] = [];
  private readonly legacy: IrqLine;
  private readonly slot: Slot;

  private readonly capable: number;

  constructor(slot: Slot, options: { readonly msi: boolean }) {
    this.slot = slot;
    this.capable = CFG_CAPABLE | (options.msi ? CFG_FSB_CAPABLE : 0);
    this.clock = slot.clock;
    this.legacy = slot.wire("legacy");
    for (let line = 0; line < 24; line++) this.lines.push(slot.irq(line));
    for (let n = 0; n < TIMERS; n++) this.comparators.push(new Comparator(slot.clock.timer(() => this.expire(n))));
    slot.mmio.map(0xfed00000, 0x400, wordRegion((o) => this.read(o), (o, v) => this.write(o, v)));
    this.reset();
  }
  private counter(): bigint {
    if (!(this.config & 1)) return this.offset;
    return (this.offset + BigInt(Math.floor(this.clock.now() / PERIOD_NS))) & U64;
  }
  private line(n: number): IrqLine {
    if (this.config & 2 && n < 2) return this.lines[n === 0 ? 0 : 8] as IrqLine;
    return this.lines[((this.comparators[n] as Comparator).config >> 9) & 31 & 23] as IrqLine;
  }
  private arm(n: number): void {
    const c = this.comparators[n] as Comparator;
    if (!(this.config & 1) || !(c.config & (CFG_ENABLE | CFG_LEVEL))) {
      c.timer.cancel();
      return;
    }
    const mask = c.config & CFG_32 ? 0xffffffffn : U64;
    let left = (c.compare - this.counter()) & mask;
    if (left === 0n) left = mask + 1n;
    const ns = Number(left) * PERIOD_NS;
    if (ns > 2 ** 52) c.timer.cancel();
    else c.timer.arm(Math.floor(this.clock.now() / PERIOD_NS) * PERIOD_NS + ns);
  }
  /** A periodic comparator moves past the counter by whole periods; what the host slept through is skipped. */
  private advance(c: Comparator): void {
    if (!(c.config & CFG_PERIODIC) || c.period === 0n) return;
    const mask = c.config & CFG_32 ? 0xffffffffn : U64;
    const behind = (this.counter() - c.compare) & mask;
    c.compare = (c.compare + (behind / c.period + 1n) * c.period) & mask;
  }
  /** Catches up with a periodic comparator that nobody waited for. Ahead of the counter by at most a period: nothing to do. */
  private settle(c: Comparator): void {
    if (!(this.config & 1) || c.timer.due !== null || !(c.config & CFG_PERIODIC) || c.period === 0n) return;
    const mask = c.config & CFG_32 ? 0xffffffffn : U64;
    if (((c.compare - this.counter()) & mask) > mask >> 1n) this.advance(c);
  }
  private expire(n: number): void {
    const c = this.comparators[n] as Comparator;
    this.advance(c);
    this.arm(n);
    if (c.config & CFG_LEVEL) this.status |= 1 << n;
    if (!(c.config & CFG_ENABLE)) return;
    if (c.config & CFG_FSB) {
      this.slot.message(c.address, c.data);
      return;
    }
    const line = this.line(n);
    if (c.config & CFG_LEVEL) line.set(true);
    else {
      line.set(true);
      line.set(false);
    }
  }
  private read(offset: number): number {
    switch (offset) {
      case 0x00:
        return 0x8086a201;
      case 0x04:
        return PERIOD_NS * 1e6;
      case 0x10:
        return this.config;
      case 0x20:
        return this.status;
      case 0xf0:
        return Number(this.counter() & 0xffffffffn);
      case 0xf4:
        return Number(this.counter() >> 32n);
    }
    const c = this.comparators[(offset - 0x100) >> 5];
    if (offset < 0x100 || !c) return 0;
    switch (offset & 0x1f) {
      case 0x00:
        return c.config;
      case 0x04:
        return ROUTES;
      case 0x08:
      case 0x0c:
        this.settle(c);
        return Number((offset & 0x1f) === 8 ? c.compare & 0xffffffffn : c.compare >> 32n);
      case 0x10:
        return c.data;
      case 0x14:
        return c.address;
      default:
        return 0;
    }
  }
  private write(offset: number, value: number): void {
    if (offset === 0x10) {
      const before = this.counter();
      const was = this.config;
      this.config = value & 3;
      if ((was ^ value) & 1)
        this.offset = value & 1 ? (before - BigInt(Math.floor(this.clock.now() / PERIOD_NS))) & U64 : before;
      if ((was ^ value) & 2) {
        for (const line of this.lines) line.set(false);
        this.legacy.set((value & 2) !== 0);
      }
      for (let n = 0; n < TIMERS; n++) this.arm(n);
      return;
    }
    if (offset === 0x20) {
      const clear = value & this.status;
      this.status &= ~clear;
      for (let n = 0; n < TIMERS; n++) if (clear & (1 << n)) this.line(n).set(false);
      return;
    }
    if (offset === 0xf0 || offset === 0xf4) {
      const now = this.counter();
      const next = offset === 0xf0 ? (now & ~0xffffffffn) | BigInt(value >>> 0) : (now & 0xffffffffn) | (BigInt(value >>> 0) << 32n);
      this.offset = this.config & 1 ? (next - BigInt(Math.floor(this.clock.now() / PERIOD_NS))) & U64 : next;
      for (let n = 0; n < TIMERS; n++) this.arm(n);
      return;
    }
    const n = (offset - 0x100) >> 5;
    const c = this.comparators[n];
    if (offset < 0x100 || !c) return;
    const word = BigInt(value >>> 0);
    switch (offset & 0x1f) {
      case 0x00: {
        this.settle(c);
        if (c.config & CFG_LEVEL && !(value & CFG_ENABLE)) this.line(n).set(false);
        c.config = (value & CFG_WRITABLE) | this.capable;
        if (value & CFG_32) {
          c.compare &= 0xffffffffn;
          c.period &= 0xffffffffn;
        }
        this.arm(n);
        break;
      }
      case 0x08:
      case 0x0c: {
        const high = (offset & 0x1f) === 0x0c;
        if (high && c.config & CFG_32) break;
        const merge = (old: bigint) => (high ? (old & 0xffffffffn) | (word << 32n) : (old & ~0xffffffffn) | word);
        if (!(c.config & CFG_PERIODIC) || c.config & CFG_SET || (high && c.setHigh)) c.compare = merge(c.compare) & (c.config & CFG_32 ? 0xffffffffn : U64);
        // In periodic mode the same write is the period, unless VAL_SET gave it to the accumulator alone; drivers write twice.
        if (c.config & CFG_PERIODIC) c.period = merge(c.period) & (c.config & CFG_32 ? 0x7fffffffn : U64);
        c.setHigh = !high && (c.config & CFG_SET) !== 0;
        c.config &= ~CFG_SET;
        this.arm(n);
        break;
      }
      case 0x10:
        c.data = value >>> 0;
        break;
      case 0x14:
        c.address = value >>> 0;
        break;
      default:
    }
  }
  reset(): void {
    for (const line of this.lines) line.set(false);
    this.config = this.status = 0;
    this.offset = 0n;
    for (const c of this.comparators) {
      c.config = this.capable;
      c.compare = U64;
      c.period = 0n;
      c.data = c.address = 0;
      c.timer.cancel();
    }
    this.legacy.set(false);
  }
  save(): State {
    return {
      config: this.config, status: this.status, offset: this.offset, configs: this.comparators.map((c) => c.config),
      values: this.comparators.flatMap((c) => [c.compare, c.period]), due: this.comparators.map((c) => c.timer.due),
      routes: this.comparators.flatMap((c) => [c.data, c.address]),
    };
  }
  load(state: State): void {
    const f = fields(state, "hpet");
    this.config = numberField(f, "config", 0, 3);
    this.status = numberField(f, "status", 0, 7);
    const big = (v: State | undefined): bigint => {
      if (typeof v !== "bigint" || v < 0n || v > U64) throw new SnapshotError("hpet: counter out of range");
      return v;
    };
    this.offset = big(f.offset);
    const configs = numbersField(f, "configs", TIMERS, 0xffff);
    const values = listField(f, "values", TIMERS * 2);
    const due = listField(f, "due", TIMERS);
    const routes = numbersField(f, "routes", TIMERS * 2, 0xffffffff);
    this.comparators.forEach((c, n) => {
      c.config = ((configs[n] as number) & CFG_WRITABLE) | this.capable;
      c.data = routes[2 * n] as number;
      c.address = routes[2 * n + 1] as number;
      c.compare = big(values[2 * n]);
      c.period = big(values[2 * n + 1]);
      const at = timeOrNull({ due: due[n] as State }, "due");
      if (at === null) c.timer.cancel();
      else c.timer.arm(at);
    });
    this.legacy.set((this.config & 2) !== 0);
    const high = new Set<IrqLine>();
    for (let n = 0; n < TIMERS; n++) if (this.status & (1 << n)) high.add(this.line(n));
    for (const line of this.lines) line.set(high.has(line));
  }
}

const options = object("the timers", { msi: optional(boolean("announce FSB interrupts"), false) });
type HpetOptions = ReturnType<typeof options.parse>;

export const hpet = {
  name: "hpet",
  summary: "high precision event timers",
  options,
  version: 2,
  // Before the FSB routes; timers that may not interrupt were waited for all the same.
  upgrade: { 1: (old: State): State => ({ ...(old as object), routes: new Array<number>(TIMERS * 2).fill(0) }) },
  create: (slot: Slot, given: HpetOptions): Hpet => new Hpet(slot, given),
} satisfies DeviceType<HpetOptions, State>;
