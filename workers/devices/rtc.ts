// MC146818A real-time clock with 128 bytes of CMOS memory at ports 0x70/0x71 (Motorola MC146818A data sheet, 1984).
// Time of day in BCD or binary, 12 or 24 hours, alarm with don't-care, periodic and update-ended interrupts, UIP.
// Left out: daylight saving (bit is kept), square wave. The NMI mask of port 0x70 drives the wire "nmi-mask".

import { integer, object, optional } from "../../src/contract/schema.ts";
import { byteRegion } from "../platform/bus.ts";
import { bytesField, fields, numberField, timeField, timeOrNull } from "../platform/state.ts";
import type { Clock, Device, DeviceType, IrqLine, Slot, State, Timer } from "../platform/types.ts";

const A = 10, B = 11, C = 12, D = 13, CENTURY = 0x32;
const B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_BINARY = 4, B_24H = 2;
const UIP_NS = 244141; // 8 cycles of 32,768 Hz before the update

const options = object("real-time clock", {
  /** Seconds since 1970 at guest time 0, as a local clock would show them. */
  baseSeconds: optional(integer("start time", 0, 2 ** 40), 0),
});

class Rtc implements Device<State> {
  private readonly cmos = new Uint8Array(128);
  private index = 0;
  /** Seconds to add to guest time. While SET is on, the time registers stand still and this is recomputed at the end. */
  private offsetNs: number;
  /** Second and periodic tick up to which flags have been accounted. */
  private seenSecond = 0;
  private seenTick = 0;
  private readonly clock: Clock;
  private readonly irq: IrqLine;
  private readonly nmiMask: IrqLine;
  private readonly timer: Timer;
  private disabled = false;

  constructor(slot: Slot, baseSeconds: number) {
    this.clock = slot.clock;
    this.irq = slot.irq(8);
    this.nmiMask = slot.wire("nmi-mask");
    this.offsetNs = baseSeconds * 1e9;
    this.timer = slot.clock.timer(() => this.expire());
    this.cmos[A] = 0x26;
    this.cmos[B] = B_24H;
    this.cmos[D] = 0x80;
    slot.pio.map(0x70, 2, byteRegion((o) => (o === 0 ? 0xff : this.read(this.index)), (o, v) => (o === 0 ? this.select(v) : this.write(this.index, v))));
    slot.pin("disable", (high) => {
      this.disabled = high;
      this.update();
    });
    this.seenSecond = this.second();
    this.seenTick = this.tick();
  }
  /** Sets a byte of the non-volatile memory (the board's inventory). */
  poke(index: number, value: number): void {
    this.cmos[index & 0x7f] = value;
  }
  peek(index: number): number {
    return this.cmos[index & 0x7f] as number;
  }
  private reg(index: number): number {
    return this.cmos[index] as number;
  }
  private second(): number {
    return Math.floor((this.clock.now() + this.offsetNs) / 1e9);
  }
  /** Length of the periodic interrupt in cycles of 32,768 Hz, 0 when off. */
  private period(): number {
    const rate = this.reg(A) & 15;
    if (rate === 0 || ((this.reg(A) >> 4) & 7) > 2) return 0;
    return 1 << ((rate <= 2 ? rate + 7 : rate) - 1);
  }
  private tick(): number {
    const period = this.period();
    return period === 0 ? 0 : Math.floor(((this.clock.now() / 1e9) * 32768) / period);
  }
  private encode(value: number): number {
    return this.reg(B) & B_BINARY ? value : (Math.floor(value / 10) << 4) | (value % 10);
  }
  private decode(value: number): number {
    return this.reg(B) & B_BINARY ? value : (value >> 4) * 10 + (value & 15);
  }
  /** Copies the running time into the registers. */
  private refresh(): void {
    if (this.reg(B) & B_SET) return;
    const date = new Date(this.second() * 1000);
    this.cmos[0] = this.encode(date.getUTCSeconds());
    this.cmos[2] = this.encode(date.getUTCMinutes());
    const hours = date.getUTCHours();
    this.cmos[4] = this.reg(B) & B_24H ? this.encode(hours) : this.encode(hours % 12 || 12) | (hours >= 12 ? 0x80 : 0);
    this.cmos[6] = this.encode(date.getUTCDay() + 1);
    this.cmos[7] = this.encode(date.getUTCDate());
    this.cmos[8] = this.encode(date.getUTCMonth() + 1);
    this.cmos[9] = this.encode(date.getUTCFullYear() % 100);
    this.cmos[CENTURY] = this.encode(Math.floor(date.getUTCFullYear() / 100));
  }
  /** Takes the time from the registers. */
  private adopt(): void {
    const raw = this.reg(4);
    let hours = this.decode(raw & (this.reg(B) & B_24H ? 0xff : 0x7f));
    if (!(this.reg(B) & B_24H)) hours = (hours % 12) + (raw & 0x80 ? 12 : 0);
    const year = this.decode(this.reg(CENTURY)) * 100 + this.decode(this.reg(9));
    const ms = Date.UTC(year, this.decode(this.reg(8)) - 1, this.decode(this.reg(7)), hours, this.decode(this.reg(2)), this.decode(this.reg(0)));
    if (Number.isFinite(ms)) this.offsetNs = ms * 1e6 - this.clock.now();
    this.seenSecond = this.second();
  }
  private alarmMatches(second: number): boolean {
    const date = new Date(second * 1000);
    const field = (index: number, is: number) => {
      const raw = this.reg(index);
      if ((raw & 0xc0) === 0xc0) return true;
      if (index !== 5 || this.reg(B) & B_24H) return this.decode(raw) === is;
      return (this.decode(raw & 0x7f) % 12) + (raw & 0x80 ? 12 : 0) === is;
    };
    return field(1, date.getUTCSeconds()) && field(3, date.getUTCMinutes()) && field(5, date.getUTCHours());
  }
  /** Brings the flags of register C up to now. */
  private account(): void {
    let flags = 0;
    if (!(this.reg(B) & B_SET)) {
      const second = this.second();
      if (second > this.seenSecond) {
        flags |= 0x10;
        const from = Math.max(this.seenSecond + 1, second - 86400);
        for (let s = from; s <= second; s++)
          if (this.alarmMatches(s)) {
            flags |= 0x20;
            break;
          }
        this.seenSecond = second;
      }
    }
    const tick = this.tick();
    if (tick !== this.seenTick && this.period() !== 0) flags |= 0x40;
    this.seenTick = tick;
    this.cmos[C] = this.reg(C) | flags;
  }
  private expire(): void {
    this.account();
    this.update();
  }
  private update(): void {
    const active = this.reg(C) & this.reg(B) & 0x70;
    this.cmos[C] = (this.reg(C) & 0x70) | (active ? 0x80 : 0);
    this.irq.set(active !== 0 && !this.disabled);
    this.schedule();
  }
  private schedule(): void {
    let due = Infinity;
    const b = this.reg(B);
    const now = this.clock.now();
    if (b & (B_UIE | B_AIE) && !(b & B_SET)) due = (this.second() + 1) * 1e9 - this.offsetNs;
    const period = this.period();
    if (b & B_PIE && period !== 0) due = Math.min(due, (((this.tick() + 1) * period) / 32768) * 1e9);
    if (due === Infinity) this.timer.cancel();
    else this.timer.arm(Math.max(Math.ceil(due), now + 1));
  }
  private select(value: number): void {
    this.index = value & 0x7f;
    this.nmiMask.set((value & 0x80) !== 0);
  }
  private read(index: number): number {
    if (index <= 9 || index === CENTURY) {
      if ((index & 1) === 0 || index > 5) this.refresh();
      return this.reg(index);
    }
    if (index === A) {
      const into = (((this.clock.now() + this.offsetNs) % 1e9) + 1e9) % 1e9;
      return this.reg(A) | (!(this.reg(B) & B_SET) && into >= 1e9 - UIP_NS ? 0x80 : 0);
    }
    if (index === C) {
      this.account();
      const active = this.reg(C) & this.reg(B) & 0x70;
      const value = (this.reg(C) & 0x70) | (active ? 0x80 : 0);
      this.cmos[C] = 0;
      this.irq.set(false);
      this.schedule();
      return value;
    }
    return this.reg(index);
  }
  private write(index: number, value: number): void {
    if (index === C || index === D) return;
    if (index === A) {
      this.account();
      this.cmos[A] = value & 0x7f;
      this.seenTick = this.tick();
      this.update();
      return;
    }
    if (index === B) {
      this.account();
      this.refresh();
      const before = this.reg(B);
      // SET aborts the update cycle and clears UIE.
      this.cmos[B] = value & B_SET ? value & ~B_UIE : value;
      if (before & B_SET && !(value & B_SET)) this.adopt();
      this.update();
      return;
    }
    const isTime = index === CENTURY || index > 5 ? index <= 9 || index === CENTURY : (index & 1) === 0;
    if (isTime) {
      this.refresh();
      this.cmos[index] = value;
      if (!(this.reg(B) & B_SET)) this.adopt();
      return;
    }
    this.cmos[index] = value;
    if (index <= 5) this.schedule();
  }
  /** The battery kept the clock going while the machine was away: it is `seconds` since 1970 now. */
  setTime(seconds: number): void {
    this.offsetNs = seconds * 1e9 - this.clock.now();
    this.seenSecond = this.second();
    this.schedule();
  }
  reset(): void {
    // RESET clears the enables and flags; time and memory are kept by the battery.
    this.cmos[B] = this.reg(B) & ~(B_PIE | B_AIE | B_UIE | 8);
    this.cmos[C] = 0;
    this.index = 0;
    this.seenSecond = this.second();
    this.seenTick = this.tick();
    this.irq.set(false);
    this.nmiMask.set(false);
    this.timer.cancel();
  }
  save(): State {
    return { cmos: this.cmos.slice(), index: this.index, offsetNs: this.offsetNs, seenSecond: this.seenSecond, seenTick: this.seenTick, due: this.timer.due };
  }
  load(state: State): void {
    const f = fields(state, "rtc");
    this.cmos.set(bytesField(f, "cmos", 128));
    this.index = numberField(f, "index", 0, 127);
    this.offsetNs = timeField(f, "offsetNs");
    this.seenSecond = timeField(f, "seenSecond");
    this.seenTick = timeField(f, "seenTick");
    const due = timeOrNull(f, "due");
    if (due === null) this.timer.cancel();
    else this.timer.arm(due);
    this.irq.set((this.reg(C) & this.reg(B) & 0x70) !== 0 && !this.disabled);
  }
}

export const rtc = {
  name: "rtc",
  summary: "MC146818A real-time clock and CMOS memory",
  options,
  version: 1,
  create: (slot: Slot, o: { readonly baseSeconds: number }): Rtc => new Rtc(slot, o.baseSeconds),
} satisfies DeviceType<{ readonly baseSeconds: number }, State>;
export type { Rtc };
