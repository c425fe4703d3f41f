// Two cascaded 8259A interrupt controllers and the edge/level registers of the PIIX3 (Intel 8259A data sheet 231468, PIIX3 290550 2.5.2).
// ICW1-4, OCW1-3, automatic and rotating EOI, special mask, special fully nested, poll, ELCR, spurious IRQ7/15.
// Left out: 8080 mode (ICW4 bit 0 clear), buffered mode (no pins to see it on).

import { object } from "../../src/contract/schema.ts";
import { byteRegion } from "../platform/bus.ts";
import { fields, numbersField } from "../platform/state.ts";
import type { Device, DeviceType, IrqLine, Slot, State } from "../platform/types.ts";

class I8259 {
  irr = 0;
  isr = 0;
  imr = 0;
  lines = 0;
  elcr = 0;
  base = 0;
  /** 0 = ready, 1-3 = the ICW2-4 that is expected next. */
  expects = 0;
  needsIcw4 = 0;
  autoEoi = 0;
  rotateOnAutoEoi = 0;
  specialMask = 0;
  fullyNested = 0;
  lowestPlusOne = 0;
  readIsr = 0;
  poll = 0;
  single = 0;
  levelMode = 0;
  int = false;
  readonly master: boolean;
  readonly elcrMask: number;
  readonly output: (high: boolean) => void;
  readonly missing: (what: string) => void;
  readonly trace: (kind: "irq.request" | "irq.eoi", vector: number) => void;

  constructor(master: boolean, output: (high: boolean) => void, missing: I8259["missing"], trace: I8259["trace"]) {
    this.master = master;
    this.trace = trace;
    this.elcrMask = master ? 0xf8 : 0xde;
    this.output = output;
    this.missing = missing;
  }
  private priorityOf(mask: number): number {
    if (mask === 0) return 8;
    let priority = 0;
    while ((mask & (1 << ((priority + this.lowestPlusOne) & 7))) === 0) priority++;
    return priority;
  }
  /** The request that would be acknowledged now, or -1. */
  request(): number {
    const wanted = this.priorityOf(this.irr & ~this.imr);
    if (wanted === 8) return -1;
    let serving = this.isr;
    if (this.specialMask) serving &= ~this.imr;
    if (this.fullyNested && this.master) serving &= ~4;
    return wanted < this.priorityOf(serving) ? (wanted + this.lowestPlusOne) & 7 : -1;
  }
  update(): void {
    const high = this.request() >= 0;
    if (high === this.int) return;
    this.int = high;
    this.output(high);
  }
  private isLevel(bit: number): boolean {
    return this.levelMode !== 0 || (this.elcr & bit) !== 0;
  }
  set(line: number, high: boolean): void {
    const bit = 1 << line;
    const before = this.irr;
    if (this.isLevel(bit)) {
      if (high) {
        this.irr |= bit;
        this.lines |= bit;
      } else {
        this.irr &= ~bit;
        this.lines &= ~bit;
      }
    } else if (high) {
      if ((this.lines & bit) === 0) this.irr |= bit;
      this.lines |= bit;
    } else this.lines &= ~bit;
    if (this.irr & ~before) this.trace("irq.request", this.base + line);
    this.update();
  }
  /** The bit of the in-service register goes. */
  private endOf(line: number): void {
    if (this.isr & (1 << line)) this.trace("irq.eoi", this.base + line);
    this.isr &= ~(1 << line);
  }
  serve(line: number): void {
    const bit = 1 << line;
    if (this.autoEoi) {
      if (this.rotateOnAutoEoi) this.lowestPlusOne = (line + 1) & 7;
    } else this.isr |= bit;
    if (!this.isLevel(bit)) this.irr &= ~bit;
    this.update();
  }
  initialize(): void {
    this.irr = this.isr = this.imr = this.base = 0;
    this.lines = 0;
    this.expects = this.needsIcw4 = this.autoEoi = this.rotateOnAutoEoi = this.specialMask = this.fullyNested = 0;
    this.lowestPlusOne = this.readIsr = this.poll = this.single = this.levelMode = 0;
    this.update();
  }
  write(offset: number, value: number): void {
    if (offset === 0) {
      if (value & 0x10) {
        // ICW1. The level lines stay asserted from outside; only edges are forgotten.
        const held = this.lines & this.elcr;
        this.initialize();
        this.irr = this.lines = held;
        this.expects = 1;
        this.needsIcw4 = value & 1;
        this.single = value & 2 ? 1 : 0;
        this.levelMode = value & 8 ? 1 : 0;
        this.update();
      } else if (value & 8) {
        if (value & 4) this.poll = 1;
        if (value & 2) this.readIsr = value & 1;
        if (value & 0x40) this.specialMask = (value >> 5) & 1;
      } else this.endOfInterrupt(value);
      return;
    }
    switch (this.expects) {
      case 0:
        this.imr = value;
        this.update();
        break;
      case 1:
        this.base = value & 0xf8;
        this.expects = this.single ? (this.needsIcw4 ? 3 : 0) : 2;
        break;
      case 2:
        this.expects = this.needsIcw4 ? 3 : 0;
        break;
      default:
        this.fullyNested = (value >> 4) & 1;
        this.autoEoi = (value >> 1) & 1;
        if (!(value & 1)) this.missing("pic 8080 mode");
        this.expects = 0;
    }
  }
  private endOfInterrupt(value: number): void {
    const command = value >> 5;
    const highest = (): number => {
      const priority = this.priorityOf(this.specialMask ? this.isr & ~this.imr : this.isr);
      return priority === 8 ? -1 : (priority + this.lowestPlusOne) & 7;
    };
    let line = value & 7;
    switch (command) {
      case 0:
      case 4:
        this.rotateOnAutoEoi = command >> 2;
        break;
      case 1:
      case 5:
        line = highest();
        if (line < 0) break;
        this.endOf(line);
        if (command === 5) this.lowestPlusOne = (line + 1) & 7;
        break;
      case 3:
        this.endOf(line);
        break;
      case 6:
        this.lowestPlusOne = (line + 1) & 7;
        break;
      case 7:
        this.endOf(line);
        this.lowestPlusOne = (line + 1) & 7;
        break;
      default: // 2: no operation
    }
    this.update();
  }
  read(offset: number): number {
    if (this.poll) {
      this.poll = 0;
      const line = this.request();
      if (line < 0) return 0;
      this.serve(line);
      return 0x80 | line;
    }
    if (offset === 1) return this.imr;
    return this.readIsr ? this.isr : this.irr;
  }
  registers(): number[] {
    return [
      this.irr, this.isr, this.imr, this.lines, this.elcr, this.base, this.expects, this.needsIcw4, this.autoEoi,
      this.rotateOnAutoEoi, this.specialMask, this.fullyNested, this.lowestPlusOne, this.readIsr, this.poll, this.single,
      this.levelMode,
    ];
  }
  restore(r: number[]): void {
    const at = (i: number) => r[i] as number;
    this.irr = at(0);
    this.isr = at(1);
    this.imr = at(2);
    this.lines = at(3);
    this.elcr = at(4) & this.elcrMask;
    this.base = at(5) & 0xf8;
    this.expects = at(6) & 3;
    this.needsIcw4 = at(7) & 1;
    this.autoEoi = at(8) & 1;
    this.rotateOnAutoEoi = at(9) & 1;
    this.specialMask = at(10) & 1;
    this.fullyNested = at(11) & 1;
    this.lowestPlusOne = at(12) & 7;
    this.readIsr = at(13) & 1;
    this.poll = at(14) & 1;
    this.single = at(15) & 1;
    this.levelMode = at(16) & 1;
  }
}

export class Pic implements Device<State> {
  readonly master: I8259;
  readonly slave: I8259;
  private readonly int: IrqLine;
  private readonly trace: (vector: number) => void;

  constructor(slot: Slot) {
    this.int = slot.wire("int");
    const missing = (what: string) => slot.missing(what);
    const trace: I8259["trace"] = (kind, vector) => slot.trace(kind, vector, 0);
    this.trace = (vector) => slot.trace("irq.accept", vector, 0);
    this.master = new I8259(true, (high) => this.int.set(high), missing, trace);
    this.slave = new I8259(false, (high) => {
      // The request of the slave is not latched: when it drops before INTA, nothing is left of it.
      if (!high) this.master.irr &= ~4;
      this.master.set(2, high);
    }, missing, trace);
    const ports = (chip: I8259) => byteRegion((o) => chip.read(o), (o, v) => chip.write(o, v));
    slot.pio.map(0x20, 2, ports(this.master));
    slot.pio.map(0xa0, 2, ports(this.slave));
    slot.pio.map(0x4d0, 2, byteRegion(
      (o) => (o === 0 ? this.master : this.slave).elcr,
      (o, v) => {
        const chip = o === 0 ? this.master : this.slave;
        chip.elcr = v & chip.elcrMask;
      },
    ));
    for (let line = 0; line < 16; line++) {
      if (line === 2) continue;
      const chip = line < 8 ? this.master : this.slave;
      slot.pin(`irq${line}`, (high) => chip.set(line & 7, high));
    }
  }
  /** INTA cycle: the vector. */
  acknowledge(): number {
    const line = this.master.request();
    if (line < 0) return this.master.base + 7; // the request went away: spurious IRQ7
    let vector = this.master.base + line;
    if (line === 2) {
      const second = this.slave.request();
      vector = this.slave.base + (second < 0 ? 7 : second);
      if (second >= 0) this.slave.serve(second);
    }
    this.trace(vector);
    this.master.serve(line);
    return vector;
  }
  reset(): void {
    for (const chip of [this.slave, this.master]) {
      chip.elcr = 0;
      chip.initialize();
    }
  }
  save(): State {
    return { master: this.master.registers(), slave: this.slave.registers() };
  }
  load(state: State): void {
    const from = fields(state, "pic");
    this.slave.restore(numbersField(from, "slave", 17, 255));
    this.master.restore(numbersField(from, "master", 17, 255));
    this.slave.update();
    this.master.update();
  }
}

export const pic = {
  name: "pic",
  summary: "8259A interrupt controller pair",
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): Pic => new Pic(slot),
} satisfies DeviceType<object, State>;
