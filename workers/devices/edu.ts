// QEMU's educational PCI device, 1234:11e8 (QEMU docs/specs/edu.rst): identification, liveness, factorial, interrupts, DMA.
// A whole device to read and to write a driver for. One message-signalled interrupt (capability at 40h), as QEMU's.

import { object } from "../../src/contract/schema.ts";
import { allOnes } from "../platform/bus.ts";
import { pciHeader } from "../platform/pci-bus.ts";
import { bytesField, fields, numberField, timeField, timeOrNull } from "../platform/state.ts";
import type { Clock, Device, DeviceType, PciFunction, Slot, State, Timer, Width } from "../platform/types.ts";

const ID = 0x010000ed;
const STATUS_COMPUTING = 1, STATUS_IRQ = 0x80;
const IRQ_FACTORIAL = 1, IRQ_DMA = 0x100;
const DMA_RUN = 1, DMA_TO_RAM = 2, DMA_IRQ = 4;
const BUFFER_AT = 0x40000, BUFFER_LENGTH = 4096;
/** The device sees 28 address bits, as QEMU's default dma_mask. */
const DMA_ADDRESSES = 2 ** 28;
/** Capability: control (64-bit address, one vector), address low and high, data. */
const MSI = 0x40;
const MSI_WRITABLE = Uint8Array.of(0, 0, 1, 0, 0xfc, ...new Array<number>(11).fill(0xff));
const FACTORIAL_NS = 10_000, DMA_NS = 100_000;

class Edu implements Device<State> {
  private liveness = 0;
  private argument = 0;
  private result = 0;
  private status = 0;
  private interrupts = 0;
  private source = 0;
  private destination = 0;
  private count = 0;
  private command = 0;
  private readonly buffer = new Uint8Array(BUFFER_LENGTH);
  private readonly clock: Clock;
  private readonly function: PciFunction;
  private readonly factorialTimer: Timer;
  private readonly dmaTimer: Timer;
  private readonly slot: Slot;

  constructor(slot: Slot) {
    this.slot = slot;
    this.clock = slot.clock;
    this.factorialTimer = slot.clock.timer(() => this.finishFactorial());
    this.dmaTimer = slot.clock.timer(() => this.finishDma());
    this.function = slot.pci(pciHeader({ vendor: 0x1234, device: 0x11e8, revision: 0x10, classCode: 0x00ff00, interruptPin: 1, msi: MSI }));
    this.function.writable(MSI, MSI_WRITABLE);
    this.function.bar(0, "memory", 1 << 20, { read: (o, w) => this.read(o, w), write: (o, w, v) => this.write(o, w, v) });
  }
  private read(offset: number, width: Width): number {
    if (width < 4 || (offset < 0x80 && width !== 4)) return allOnes(width);
    const wide = (value: number) => (width === 4 ? value % 2 ** 32 : value);
    switch (offset) {
      case 0x00:
        return ID;
      case 0x04:
        return this.liveness;
      case 0x08:
        return this.result;
      case 0x20:
        return this.status;
      case 0x24:
        return this.interrupts;
      case 0x80:
        return wide(this.source);
      case 0x84:
        return Math.floor(this.source / 2 ** 32);
      case 0x88:
        return wide(this.destination);
      case 0x8c:
        return Math.floor(this.destination / 2 ** 32);
      case 0x90:
        return wide(this.count);
      case 0x98:
        return this.command;
      default:
        return 0xffffffff;
    }
  }
  private write(offset: number, width: Width, value: number): void {
    if (width < 4 || (offset < 0x80 && width !== 4)) return;
    switch (offset) {
      case 0x04:
        this.liveness = ~value >>> 0;
        break;
      case 0x08:
        if (this.status & STATUS_COMPUTING) break;
        this.argument = value;
        this.status |= STATUS_COMPUTING;
        this.factorialTimer.arm(this.clock.now() + FACTORIAL_NS);
        break;
      case 0x20:
        this.status = (this.status & STATUS_COMPUTING) | (value & STATUS_IRQ);
        break;
      case 0x60:
        this.raise(value);
        break;
      case 0x64:
        this.interrupts = (this.interrupts & ~value) >>> 0;
        this.update();
        break;
      default:
        // Transfers in flight may not be changed.
        if (this.command & DMA_RUN) break;
        if (offset === 0x80) this.source = width === 8 ? value : this.source - (this.source % 2 ** 32) + value;
        else if (offset === 0x84) this.source = (this.source % 2 ** 32) + value * 2 ** 32;
        else if (offset === 0x88) this.destination = width === 8 ? value : this.destination - (this.destination % 2 ** 32) + value;
        else if (offset === 0x8c) this.destination = (this.destination % 2 ** 32) + value * 2 ** 32;
        else if (offset === 0x90) this.count = value;
        else if (offset === 0x98) {
          this.command = value & 7;
          if (value & DMA_RUN) this.dmaTimer.arm(this.clock.now() + DMA_NS);
        }
    }
  }
  private finishFactorial(): void {
    let product = 1;
    // Factors beyond 34 leave a multiple of 2^32: zero.
    for (let n = Math.min(this.argument, 40); n > 0; n--) product = Math.imul(product, n) >>> 0;
    this.result = product;
    this.status &= ~STATUS_COMPUTING;
    if (this.status & STATUS_IRQ) {
      this.raise(IRQ_FACTORIAL);
    }
  }
  private finishDma(): void {
    const toRam = (this.command & DMA_TO_RAM) !== 0;
    const inside = (toRam ? this.source : this.destination) - BUFFER_AT;
    const physical = (toRam ? this.destination : this.source) % DMA_ADDRESSES;
    if (inside < 0 || inside + this.count > BUFFER_LENGTH) this.slot.trace("guest.odd", inside);
    else {
      const bytes = this.buffer.subarray(inside, inside + this.count);
      this.slot.trace("dma.transfer", physical, this.count, toRam ? 1 : 0);
      if (toRam) this.function.dma.write(physical, bytes);
      else this.function.dma.read(physical, bytes);
    }
    this.command &= ~DMA_RUN;
    if (this.command & DMA_IRQ) {
      this.raise(IRQ_DMA);
    }
  }
  /** Bits were raised: a message each time, or the level of the pin. */
  private raise(bits: number): void {
    this.interrupts = (this.interrupts | bits) >>> 0;
    const config = new DataView(this.function.config.buffer, this.function.config.byteOffset);
    if (this.interrupts !== 0 && config.getUint8(MSI + 2) & 1)
      this.slot.message(config.getUint32(MSI + 4, true) + config.getUint32(MSI + 8, true) * 2 ** 32, config.getUint16(MSI + 12, true));
    else this.update();
  }
  private update(): void {
    this.function.intx.set(this.interrupts !== 0 && !((this.function.config[MSI + 2] as number) & 1));
  }
  reset(): void {
    this.liveness = this.argument = this.result = this.status = this.interrupts = this.source = this.destination = this.count = this.command = 0;
    this.buffer.fill(0);
    this.factorialTimer.cancel();
    this.dmaTimer.cancel();
    this.update();
  }
  save(): State {
    return {
      liveness: this.liveness, argument: this.argument, result: this.result, status: this.status, interrupts: this.interrupts,
      source: this.source, destination: this.destination, count: this.count, command: this.command, buffer: this.buffer.slice(),
      factorialDue: this.factorialTimer.due, dmaDue: this.dmaTimer.due,
    };
  }
  load(state: State): void {
    const f = fields(state, "edu");
    this.liveness = numberField(f, "liveness");
    this.argument = numberField(f, "argument");
    this.result = numberField(f, "result");
    this.status = numberField(f, "status", 0, 255);
    this.interrupts = numberField(f, "interrupts");
    this.source = timeField(f, "source");
    this.destination = timeField(f, "destination");
    this.count = timeField(f, "count");
    this.command = numberField(f, "command", 0, 7);
    this.buffer.set(bytesField(f, "buffer", BUFFER_LENGTH));
    for (const [timer, name] of [[this.factorialTimer, "factorialDue"], [this.dmaTimer, "dmaDue"]] as const) {
      const due = timeOrNull(f, name);
      if (due === null) timer.cancel();
      else timer.arm(due);
    }
    this.update();
  }
}

export const edu = {
  name: "edu",
  summary: "QEMU's educational PCI device",
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): Edu => new Edu(slot),
} satisfies DeviceType<object, State>;
