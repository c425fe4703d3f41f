// 82093AA I/O APIC with 24 pins (Intel 290566), version 0x20 with the EOI register of later parts, as QEMU shows it.
// Level and edge pins, remote IRR, masks. Pin n is ISA interrupt n, but interrupt 0 arrives at pin 2: the board wires that.
// Left out: polarity (kept in the register; the lines are logical), delivery status (delivery is immediate).

import { object } from "../../src/contract/schema.ts";
import { wordRegion } from "../platform/bus.ts";
import { fields, numberField, numbersField } from "../platform/state.ts";
import type { Device, DeviceType, Slot, State } from "../platform/types.ts";

const PINS = 24;
const MASKED = 0x10000, LEVEL = 0x8000, REMOTE_IRR = 0x4000, READ_ONLY = 0x5000;

export class IoApic implements Device<State> {
  private select = 0;
  private id = 0;
  private readonly low = new Uint32Array(PINS);
  private readonly high = new Uint32Array(PINS);
  private irr = 0;
  private levels = 0;
  private readonly slot: Slot;

  constructor(slot: Slot) {
    this.slot = slot;
    for (let pin = 0; pin < PINS; pin++) slot.pin(`pin${pin}`, (high) => this.set(pin, high));
    slot.mmio.map(0xfec00000, 0x1000, wordRegion(
      (o) => (o === 0 ? this.select : o === 0x10 ? this.read() : 0),
      (o, v) => {
        if (o === 0) this.select = v & 0xff;
        else if (o === 0x10) this.write(v);
        else if (o === 0x40) this.eoi(v & 0xff);
      },
    ));
    this.reset();
  }
  private set(pin: number, high: boolean): void {
    const bit = 1 << pin;
    const rises = high && !(this.levels & bit);
    this.levels = high ? this.levels | bit : this.levels & ~bit;
    const entry = this.low[pin] as number;
    if (entry & LEVEL) {
      if (high) {
        this.irr |= bit;
        this.service(pin);
      } else this.irr &= ~bit;
    } else if (rises && !(entry & MASKED)) {
      // An edge on a masked pin is lost (82093AA 3.2.4).
      this.irr |= bit;
      this.service(pin);
    }
  }
  private service(pin: number): void {
    const bit = 1 << pin;
    const entry = this.low[pin] as number;
    if (!(this.irr & bit) || entry & MASKED) return;
    if (entry & LEVEL) {
      if (entry & REMOTE_IRR) return;
      this.low[pin] = entry | REMOTE_IRR;
    } else this.irr &= ~bit;
    this.slot.trace("irq.route", entry & 0xff, pin);
    const address = 0xfee00000 + (((this.high[pin] as number) >>> 24) << 12) + (entry & 0x800 ? 4 : 0);
    this.slot.message(address, (entry & 0x7ff) | (entry & LEVEL) | 0x4000);
  }
  /** End of interrupt for `vector`, from the local APIC. */
  eoi(vector: number): void {
    for (let pin = 0; pin < PINS; pin++) {
      const entry = this.low[pin] as number;
      if ((entry & 0xff) !== vector || !(entry & LEVEL) || !(entry & REMOTE_IRR)) continue;
      this.low[pin] = entry & ~REMOTE_IRR;
      this.service(pin);
    }
  }
  private read(): number {
    const s = this.select;
    if (s === 0 || s === 2) return this.id << 24;
    if (s === 1) return ((PINS - 1) << 16) | 0x20;
    const pin = (s - 0x10) >> 1;
    if (pin < 0 || pin >= PINS) return 0;
    return (s & 1 ? this.high[pin] : this.low[pin]) as number;
  }
  private write(value: number): void {
    const s = this.select;
    if (s === 0) {
      this.id = (value >>> 24) & 15;
      return;
    }
    const pin = (s - 0x10) >> 1;
    if (pin < 0 || pin >= PINS) return;
    if (s & 1) {
      this.high[pin] = value;
      return;
    }
    const before = this.low[pin] as number;
    let entry = (value & 0x1afff) | (before & READ_ONLY);
    if (!(entry & LEVEL)) entry &= ~REMOTE_IRR;
    this.low[pin] = entry;
    const bit = 1 << pin;
    if (entry & LEVEL) this.irr = this.levels & bit ? this.irr | bit : this.irr & ~bit;
    else if (before & LEVEL) this.irr &= ~bit;
    this.service(pin);
  }
  describe(): readonly { readonly pin: number; readonly low: number; readonly high: number; readonly level: boolean }[] {
    return [...this.low].map((low, pin) => ({ pin, low, high: this.high[pin] as number, level: (this.levels & (1 << pin)) !== 0 }));
  }
  reset(): void {
    this.select = this.id = this.irr = 0;
    this.low.fill(MASKED);
    this.high.fill(0);
  }
  save(): State {
    return { select: this.select, id: this.id, low: [...this.low], high: [...this.high], irr: this.irr >>> 0, levels: this.levels >>> 0 };
  }
  load(state: State): void {
    const f = fields(state, "io-apic");
    this.select = numberField(f, "select", 0, 255);
    this.id = numberField(f, "id", 0, 15);
    this.low.set(numbersField(f, "low", PINS));
    this.high.set(numbersField(f, "high", PINS));
    this.irr = numberField(f, "irr", 0, 0xffffff);
    this.levels = numberField(f, "levels", 0, 0xffffff);
  }
}

export const ioApic = {
  name: "io-apic",
  summary: "82093AA I/O APIC",
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): IoApic => new IoApic(slot),
} satisfies DeviceType<object, State>;
