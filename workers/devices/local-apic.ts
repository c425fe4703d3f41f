// Local APIC: xAPIC registers by memory and x2APIC by MSR (Intel SDM 3A chapter 11). Timer one-shot, periodic and TSC-deadline,
// LINT0/LINT1, error and spurious vectors, priorities, IPIs to the own processor, EOI broadcast.
// Left out: moving the register page, CMCI, thermal and performance interrupts (registers only), other processors.
// Wires: "int" (a vector is deliverable), "nmi", "init". Bus clock and TSC run at 1 GHz: one tick is 1 ns.

import { object } from "../../src/contract/schema.ts";
import { allOnes, wordRegion } from "../platform/bus.ts";
import { fields, numberField, numbersField, timeField, timeOrNull } from "../platform/state.ts";
import type { Clock, Device, DeviceType, IrqLine, Slot, State, Timer } from "../platform/types.ts";

const LVT_TIMER = 0, LVT_LINT0 = 3, LVT_LINT1 = 4, LVT_ERROR = 5;
const MASKED = 0x10000;
const BASE_BSP = 0x100, BASE_X2 = 0x400, BASE_ENABLE = 0x800;
const VERSION = 0x00050014;

function highest(bits: Uint32Array): number {
  for (let i = 7; i >= 0; i--) {
    const word = bits[i] as number;
    if (word !== 0) return i * 32 + 31 - Math.clz32(word);
  }
  return -1;
}

export class LocalApic implements Device<State> {
  private base = 0xfee00000 + BASE_ENABLE + BASE_BSP;
  private readonly id = 0;
  private tpr = 0;
  private ldr = 0;
  private dfr = 0xffffffff;
  private svr = 0xff;
  private esr = 0;
  private errors = 0;
  private icrLow = 0;
  private icrHigh = 0;
  private divide = 0;
  private initial = 0;
  private startNs = 0;
  private deadline = 0;
  private readonly lvt = new Uint32Array(6);
  private readonly irr = new Uint32Array(8);
  private readonly isr = new Uint32Array(8);
  private readonly tmr = new Uint32Array(8);
  /** Cached highest bits, -1 for none. */
  private topIrr = -1;
  private topIsr = -1;
  private lint0Level = false;
  private readonly clock: Clock;
  private readonly timer: Timer;
  private readonly int: IrqLine;
  private readonly nmiWire: IrqLine;
  private readonly initWire: IrqLine;
  private readonly slot: Slot;
  /** The board: an EOI of a level interrupt goes to the I/O APIC. */
  onEoi: ((vector: number) => void) | null = null;
  /** The board: startup IPI to ourselves. */
  onStartup: ((page: number) => void) | null = null;
  /** The board: LINT0 or the enables changed, the path of the 8259 may have opened or closed. */
  onExtIntChange: (() => void) | null = null;

  constructor(slot: Slot) {
    this.slot = slot;
    this.clock = slot.clock;
    this.int = slot.wire("int");
    this.nmiWire = slot.wire("nmi");
    this.initWire = slot.wire("init");
    this.timer = slot.clock.timer(() => this.expire());
    const region = wordRegion((o) => this.readRegister(o), (o, v) => this.writeRegister(o, v));
    slot.mmio.map(0xfee00000, 0x1000, {
      read: (o, w) => ((this.base & (BASE_ENABLE | BASE_X2)) === BASE_ENABLE ? region.read(o, w) : allOnes(w)),
      write: (o, w, v) => {
        if ((this.base & (BASE_ENABLE | BASE_X2)) === BASE_ENABLE) region.write(o, w, v);
      },
    });
    slot.pin("lint0", (high) => {
      const rises = high && !this.lint0Level;
      this.lint0Level = high;
      const entry = this.lvt[LVT_LINT0] as number;
      // ExtINT goes around the APIC; the other modes are ours.
      if (rises && ((entry >> 8) & 7) !== 7) this.local(LVT_LINT0);
    });
    slot.pin("lint1", (high) => {
      if (high) this.local(LVT_LINT1);
    });
    this.reset();
  }

  // ---- what the board asks -------------------------------------------------------------------------------------------

  get hardwareEnabled(): boolean {
    return (this.base & BASE_ENABLE) !== 0;
  }
  get softwareEnabled(): boolean {
    return this.hardwareEnabled && (this.svr & 0x100) !== 0;
  }
  /** Does the 8259's INT reach the processor (through LINT0 as ExtINT, or because we are switched off)? */
  acceptsExtInt(): boolean {
    if (!this.hardwareEnabled) return true;
    const entry = this.lvt[LVT_LINT0] as number;
    return !(entry & MASKED) && ((entry >> 8) & 7) === 7;
  }
  hasDeliverable(): boolean {
    return this.topIrr >= 0 && this.topIrr >> 4 > this.ppr() >> 4 && this.softwareEnabled;
  }
  /** INTA: the vector to deliver, moved from IRR to ISR. */
  acknowledge(): number {
    if (!this.hasDeliverable()) return this.svr & 0xff;
    const vector = this.topIrr;
    (this.irr as Uint32Array)[vector >> 5] = (this.irr[vector >> 5] as number) & ~(1 << (vector & 31));
    this.isr[vector >> 5] = (this.isr[vector >> 5] as number) | (1 << (vector & 31));
    this.topIrr = highest(this.irr);
    this.topIsr = Math.max(this.topIsr, vector);
    this.slot.trace("irq.accept", vector, 1);
    this.update();
    return vector;
  }
  get taskPriority(): number {
    return this.tpr >> 4;
  }
  set taskPriority(value: number) {
    this.tpr = (value & 15) << 4;
    this.update();
  }
  /** A message on the system bus (I/O APIC, HPET, MSI). */
  message(address: number, data: number): void {
    const destination = (address >>> 12) & 0xff;
    if (!this.matches(destination, (address & 4) !== 0)) return;
    this.deliver((data >> 8) & 7, data & 0xff, (data & 0x8000) !== 0);
  }
  msrRead(index: number): bigint | null {
    if (index === 0x1b) return BigInt(this.base);
    if (index === 0x6e0) return BigInt(((this.lvt[LVT_TIMER] as number) >> 17) & 3) === 2n ? BigInt(this.deadline) : 0n;
    if (!(this.base & BASE_X2) || index < 0x800 || index > 0x8ff) return null;
    if (index === 0x830) return (BigInt(this.icrHigh) << 32n) | BigInt(this.icrLow);
    if (index === 0x802) return BigInt(this.id);
    if (index === 0x80d) return BigInt(((this.id >> 4) << 16) | (1 << (this.id & 15)));
    if (index === 0x80b || index === 0x83f || index === 0x831 || index === 0x80e) return null;
    return this.isRegister(index - 0x800) ? BigInt(this.readRegister((index - 0x800) << 4) >>> 0) : null;
  }
  msrWrite(index: number, value: bigint): boolean {
    if (index === 0x1b) return this.writeBase(value);
    if (index === 0x6e0) {
      if ((((this.lvt[LVT_TIMER] as number) >> 17) & 3) !== 2) return true;
      this.deadline = Number(value);
      if (value === 0n) this.timer.cancel();
      else this.timer.arm(this.deadline, true);
      return true;
    }
    if (!(this.base & BASE_X2) || index < 0x800 || index > 0x8ff) return false;
    if (index === 0x830) {
      this.icrHigh = Number(value >> 32n);
      this.icrLow = Number(value & 0xffffffffn);
      this.sendIpi();
      return true;
    }
    if (value >> 32n) return false;
    const low = Number(value);
    if (index === 0x83f) {
      if (low > 0xff) return false;
      this.deliver(0, low, false);
      return true;
    }
    switch (index) {
      case 0x80b:
      case 0x828:
        if (value !== 0n) return false;
        break;
      case 0x808: case 0x80f: case 0x832: case 0x833: case 0x834: case 0x835: case 0x836: case 0x837: case 0x838: case 0x83e:
        break;
      default:
        return false;
    }
    this.writeRegister((index - 0x800) << 4, low);
    return true;
  }
  private isRegister(n: number): boolean {
    return n === 2 || n === 3 || n === 8 || n === 10 || n === 13 || n === 15 || (n >= 0x10 && n <= 0x28) || (n >= 0x32 && n <= 0x39) || n === 0x3e;
  }
  private writeBase(value: bigint): boolean {
    // Reserved bits: 0-7, 9, and above 36 physical address bits.
    if (value & 0x2ffn || value >> 40n) return false;
    const low = Number(value & 0xfffn);
    const mode = low & (BASE_ENABLE | BASE_X2);
    const before = this.base & (BASE_ENABLE | BASE_X2);
    if (mode === BASE_X2 || (before === (BASE_ENABLE | BASE_X2) && mode === BASE_ENABLE) || (before === 0 && mode === (BASE_ENABLE | BASE_X2))) return false;
    if (value >> 12n !== 0xfee00n) this.slot.missing("local APIC: moved register page");
    this.base = 0xfee00000 + (low & ~BASE_BSP) + (low & BASE_BSP);
    if (mode === (BASE_ENABLE | BASE_X2)) this.ldr = 0;
    if (!mode) {
      this.resetRegisters();
    }
    this.update();
    this.onExtIntChange?.();
    return true;
  }

  // ---- delivery ------------------------------------------------------------------------------------------------------

  private matches(destination: number, logical: boolean): boolean {
    if (!logical) return destination === this.id || destination === 0xff;
    if (this.base & BASE_X2) return (destination & (1 << (this.id & 15))) !== 0 || destination === 0xff;
    if (this.dfr >>> 28 === 15) return (destination & (this.ldr >>> 24)) !== 0;
    const own = this.ldr >>> 24;
    return destination === 0xff || (destination >> 4 === own >> 4 && (destination & own & 15) !== 0);
  }
  private deliver(mode: number, vector: number, level: boolean): void {
    switch (mode) {
      case 0:
      case 1:
        if (!this.softwareEnabled) return;
        if (vector < 16) return this.error(0x40);
        this.irr[vector >> 5] = (this.irr[vector >> 5] as number) | (1 << (vector & 31));
        if (level) this.tmr[vector >> 5] = (this.tmr[vector >> 5] as number) | (1 << (vector & 31));
        else this.tmr[vector >> 5] = (this.tmr[vector >> 5] as number) & ~(1 << (vector & 31));
        if (vector > this.topIrr) this.topIrr = vector;
        this.slot.trace("irq.request", vector, 1);
        this.update();
        break;
      case 2:
        this.slot.missing("local APIC: SMI");
        break;
      case 4:
        this.pulse(this.nmiWire);
        break;
      case 5:
        this.pulse(this.initWire);
        break;
      case 6:
        this.onStartup?.(vector);
        break;
      default:
        this.slot.missing(`local APIC: delivery mode ${mode}`);
    }
  }
  private pulse(wire: IrqLine): void {
    wire.set(true);
    wire.set(false);
  }
  private local(index: number): void {
    const entry = this.lvt[index] as number;
    if (entry & MASKED || !this.hardwareEnabled) return;
    const mode = (entry >> 8) & 7;
    if (mode === 7) return;
    this.deliver(index === LVT_TIMER || index === LVT_ERROR ? 0 : mode, entry & 0xff, mode === 0 && (entry & 0x8000) !== 0);
  }
  private error(bit: number): void {
    const fresh = !(this.errors & bit);
    this.errors |= bit;
    if (fresh && ((this.lvt[LVT_ERROR] as number) & 0xff) >= 16) this.local(LVT_ERROR);
  }
  private sendIpi(): void {
    const vector = this.icrLow & 0xff;
    const mode = (this.icrLow >> 8) & 7;
    const shorthand = (this.icrLow >> 18) & 3;
    if (mode <= 1 && vector < 16) this.error(0x20);
    // INIT level de-assert changes nothing since the Pentium 4.
    if (mode === 5 && !(this.icrLow & 0x4000) && this.icrLow & 0x8000) return;
    if (shorthand === 3) return; // all but self: nobody
    if (shorthand === 0) {
      const logical = (this.icrLow & 0x800) !== 0;
      if (this.base & BASE_X2) {
        const to = this.icrHigh >>> 0;
        const hit = logical ? to >>> 16 === this.id >> 4 && (to & (1 << (this.id & 15))) !== 0 : to === this.id;
        if (!hit && to !== 0xffffffff) return;
      } else if (!this.matches(this.icrHigh >>> 24, logical)) return;
    }
    // A processor does not start or reset itself this way: INIT with "self" is invalid.
    if (shorthand === 1 && mode !== 0) return;
    this.deliver(mode, vector, false);
  }
  private ppr(): number {
    const serving = this.topIsr < 0 ? 0 : this.topIsr & 0xf0;
    return (this.tpr & 0xf0) >= serving ? this.tpr : serving;
  }
  private update(): void {
    this.int.set(this.hasDeliverable());
  }
  private eoi(): void {
    const vector = this.topIsr;
    if (vector < 0) return;
    this.slot.trace("irq.eoi", vector, 1);
    this.isr[vector >> 5] = (this.isr[vector >> 5] as number) & ~(1 << (vector & 31));
    this.topIsr = highest(this.isr);
    if ((this.tmr[vector >> 5] as number) & (1 << (vector & 31))) this.onEoi?.(vector);
    this.update();
  }

  // ---- timer ---------------------------------------------------------------------------------------------------------

  private divisor(): number {
    const bits = (this.divide & 3) | ((this.divide >> 1) & 4);
    return bits === 7 ? 1 : 2 << bits;
  }
  private timerMode(): number {
    return ((this.lvt[LVT_TIMER] as number) >> 17) & 3;
  }
  private current(): number {
    if (this.initial === 0 || this.timerMode() === 2) return 0;
    const ticks = Math.floor((this.clock.now() - this.startNs) / this.divisor());
    if (this.timerMode() === 1) return this.initial - (ticks % this.initial);
    return ticks >= this.initial ? 0 : this.initial - ticks;
  }
  private armTimer(): void {
    if (this.timerMode() === 2) return;
    if (this.initial === 0) this.timer.cancel();
    else this.timer.arm(this.startNs + this.initial * this.divisor(), this.timerMode() === 0);
  }
  private expire(): void {
    const mode = this.timerMode();
    if (mode === 2) this.deadline = 0;
    else if (mode === 1 && this.initial !== 0) {
      const period = this.initial * this.divisor();
      const now = this.clock.now();
      this.startNs += period;
      // Long behind (host was away): drop the lost ticks. A period is never so short that the host hangs on it.
      if (now - this.startNs > 2e8) this.startNs = now;
      this.timer.arm(this.startNs + Math.max(period, 1000));
    }
    this.local(LVT_TIMER);
  }

  // ---- registers -----------------------------------------------------------------------------------------------------

  private readRegister(offset: number): number {
    if (offset & 15) return 0;
    const register = offset >> 4;
    if (register >= 0x10 && register < 0x18) return this.isr[register - 0x10] as number;
    if (register >= 0x18 && register < 0x20) return this.tmr[register - 0x18] as number;
    if (register >= 0x20 && register < 0x28) return this.irr[register - 0x20] as number;
    if (register >= 0x32 && register <= 0x37) return this.lvt[register - 0x32] as number;
    switch (register) {
      case 0x02:
        return this.id << 24;
      case 0x03:
        return VERSION;
      case 0x08:
        return this.tpr;
      case 0x09:
      case 0x0a:
        return this.ppr();
      case 0x0d:
        return this.ldr;
      case 0x0e:
        return this.dfr;
      case 0x0f:
        return this.svr;
      case 0x28:
        return this.esr;
      case 0x30:
        return this.icrLow;
      case 0x31:
        return this.icrHigh;
      case 0x38:
        return this.initial;
      case 0x39:
        return this.current();
      case 0x3e:
        return this.divide;
      default:
        return 0;
    }
  }
  private writeRegister(offset: number, value: number): void {
    if (offset & 15) return;
    const register = offset >> 4;
    switch (register) {
      case 0x08:
        this.tpr = value & 0xff;
        this.update();
        break;
      case 0x0b:
        this.eoi();
        break;
      case 0x0d:
        this.ldr = (value & 0xff000000) >>> 0;
        break;
      case 0x0e:
        this.dfr = (value | 0x0fffffff) >>> 0;
        break;
      case 0x0f:
        this.svr = value & 0x1ff;
        if (!(value & 0x100)) for (let i = 0; i < 6; i++) this.lvt[i] = (this.lvt[i] as number) | MASKED;
        this.update();
        this.onExtIntChange?.();
        break;
      case 0x28:
        this.esr = this.errors;
        this.errors = 0;
        break;
      case 0x30:
        this.icrLow = (value & 0xccfff) >>> 0;
        this.sendIpi();
        break;
      case 0x31:
        this.icrHigh = (value & 0xff000000) >>> 0;
        break;
      case 0x32: case 0x33: case 0x34: case 0x35: case 0x36: case 0x37:
        this.writeLvt(register - 0x32, value);
        break;
      case 0x38:
        if (this.timerMode() === 2) break;
        this.initial = value >>> 0;
        this.startNs = this.clock.now();
        this.armTimer();
        break;
      case 0x3e: {
        const left = this.current();
        this.divide = value & 0x0b;
        if (left > 0) {
          this.startNs = this.clock.now() - (this.initial - left) * this.divisor();
          this.armTimer();
        }
        break;
      }
      default: // read-only or reserved
    }
  }
  private writeLvt(index: number, value: number): void {
    const writable = index === LVT_TIMER ? 0x700ff : index === LVT_LINT0 || index === LVT_LINT1 ? 0x1a7ff : index === LVT_ERROR ? 0x100ff : 0x107ff;
    let entry = value & writable;
    if (!(this.svr & 0x100)) entry |= MASKED;
    const before = this.timerMode();
    this.lvt[index] = entry;
    if (index === LVT_TIMER && this.timerMode() !== before) {
      // Entering or leaving deadline mode disarms the timer.
      if (before === 2 || this.timerMode() === 2) {
        this.timer.cancel();
        this.initial = 0;
        this.deadline = 0;
      }
    }
    if (index === LVT_LINT0) this.onExtIntChange?.();
  }
  /** State for `info lapic`. */
  describe(): { readonly [k: string]: number | readonly number[] } {
    return {
      id: this.id, base: this.base, tpr: this.tpr, ppr: this.ppr(), svr: this.svr, esr: this.esr, icr: this.icrLow, lvt: [...this.lvt],
      irr: [...this.irr], isr: [...this.isr], tmr: [...this.tmr], initial: this.initial, current: this.current(), divide: this.divisor(),
    };
  }
  private resetRegisters(): void {
    this.tpr = this.ldr = this.esr = this.errors = this.icrLow = this.icrHigh = this.divide = this.initial = this.startNs = this.deadline = 0;
    this.dfr = 0xffffffff;
    this.svr = 0xff;
    this.lvt.fill(MASKED);
    // The firmware of a PC expects the boot processor in virtual-wire mode (as QEMU).
    this.lvt[LVT_LINT0] = 0x700;
    this.irr.fill(0);
    this.isr.fill(0);
    this.tmr.fill(0);
    this.topIrr = this.topIsr = -1;
    this.timer.cancel();
  }
  reset(): void {
    this.base = 0xfee00000 + BASE_ENABLE + BASE_BSP;
    this.resetRegisters();
    this.update();
    this.onExtIntChange?.();
  }
  save(): State {
    return {
      registers: [this.base, this.tpr, this.ldr, this.dfr, this.svr, this.esr, this.errors, this.icrLow, this.icrHigh, this.divide, this.initial],
      startNs: this.startNs, deadline: this.deadline, due: this.timer.due, lint0: this.lint0Level ? 1 : 0,
      lvt: [...this.lvt], irr: [...this.irr], isr: [...this.isr], tmr: [...this.tmr],
    };
  }
  load(state: State): void {
    const f = fields(state, "local-apic");
    const r = numbersField(f, "registers", 11);
    const at = (i: number) => r[i] as number;
    this.base = 0xfee00000 + (at(0) & 0xd00);
    this.tpr = at(1) & 0xff;
    this.ldr = at(2);
    this.dfr = at(3);
    this.svr = at(4) & 0x1ff;
    this.esr = at(5) & 0xff;
    this.errors = at(6) & 0xff;
    this.icrLow = at(7);
    this.icrHigh = at(8);
    this.divide = at(9) & 0x0b;
    this.initial = at(10);
    this.startNs = timeField(f, "startNs");
    this.deadline = timeField(f, "deadline");
    this.lint0Level = numberField(f, "lint0", 0, 1) === 1;
    this.lvt.set(numbersField(f, "lvt", 6));
    this.irr.set(numbersField(f, "irr", 8));
    this.isr.set(numbersField(f, "isr", 8));
    this.tmr.set(numbersField(f, "tmr", 8));
    this.topIrr = highest(this.irr);
    this.topIsr = highest(this.isr);
    const due = timeOrNull(f, "due");
    if (due === null) this.timer.cancel();
    else this.timer.arm(due);
    this.update();
    this.onExtIntChange?.();
  }
}

export const localApic = {
  name: "local-apic",
  summary: "local APIC of the processor",
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): LocalApic => new LocalApic(slot),
} satisfies DeviceType<object, State>;
