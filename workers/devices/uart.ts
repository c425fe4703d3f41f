// 16550A UART (National Semiconductor PC16550D data sheet, table II). Full register set, 16-byte FIFOs, loopback,
// receive, timeout, transmit-empty, line and modem status interrupts. Sending takes no time.
// Left out: parity and framing errors (a byte stream has none), DMA modes.

import { integer, object, optional, string } from "../../src/contract/schema.ts";
import { byteRegion } from "../platform/bus.ts";
import { booleanField, bytesUpTo, fields, numberField, timeOrNull } from "../platform/state.ts";
import type { BytesBackend, Clock, Device, DeviceType, IrqLine, Slot, State, Timer } from "../platform/types.ts";

const IER_RDI = 1, IER_THRI = 2, IER_RLSI = 4, IER_MSI = 8;
const LSR_DATA_READY = 1, LSR_OVERRUN = 2, LSR_BREAK = 0x10, LSR_THR_EMPTY = 0x20, LSR_EMPTY = 0x40;
const MCR_LOOP = 0x10, MCR_OUT2 = 8;
/** What a null-modem partner that is always there shows: DCD, DSR, CTS. */
const MSR_CONNECTED = 0xb0;
const TRIGGER = [1, 4, 8, 14] as const;

const options = object("serial port", {
  index: optional(integer("COM port number, from 0", 0, 3), 0),
  iobase: optional(integer("first port, 0 = the standard one", 0, 0xffff), 0),
  irq: optional(integer("interrupt, 0 = the standard one", 0, 15), 0),
  /** Name of the byte stream; by default the slot's id. */
  chardev: optional(string("byte stream"), ""),
});
type Options = { readonly index: number; readonly iobase: number; readonly irq: number; readonly chardev: string };
const PORTS = [0x3f8, 0x2f8, 0x3e8, 0x2e8] as const;
const IRQS = [4, 3, 4, 3] as const;

class Uart implements Device<State> {
  private ier = 0;
  private fcr = 0;
  private lcr = 0;
  private mcr = 0;
  private lsrErrors = 0;
  private msr = MSR_CONNECTED;
  private scratch = 0;
  private divisor = 12;
  private thrPending = false;
  private timedOut = false;
  private readonly fifo = new Uint8Array(16);
  private head = 0;
  private count = 0;
  private lastRead = 0;
  private readonly out: BytesBackend;
  private readonly irq: IrqLine;
  private readonly clock: Clock;
  private readonly timer: Timer;
  private readonly slot: Slot;

  constructor(slot: Slot, o: Options) {
    this.slot = slot;
    this.clock = slot.clock;
    this.irq = slot.irq(o.irq || (IRQS[o.index] as number));
    this.out = slot.backend("bytes", o.chardev || slot.id);
    this.timer = slot.clock.timer(() => {
      this.timedOut = this.count > 0;
      this.update();
    });
    this.out.onReadable(() => this.pull());
    slot.pio.map(o.iobase || (PORTS[o.index] as number), 8, byteRegion((r) => this.read(r), (r, v) => this.write(r, v)));
  }
  private capacity(): number {
    return this.fcr & 1 ? 16 : 1;
  }
  /** Takes what fits from outside. */
  private pull(): void {
    if (this.mcr & MCR_LOOP) return;
    while (this.count < this.capacity()) {
      const byte = this.out.read();
      if (byte < 0) break;
      this.receive(byte);
    }
  }
  private receive(byte: number): void {
    this.slot.trace("serial.in", byte);
    if (this.count >= this.capacity()) {
      this.lsrErrors |= LSR_OVERRUN;
      if (!(this.fcr & 1)) this.fifo[this.head] = byte;
    } else {
      this.fifo[(this.head + this.count) & 15] = byte;
      this.count++;
    }
    if (this.fcr & 1) this.timer.arm(this.clock.now() + 4 * this.characterNs());
    this.timedOut = false;
    this.update();
  }
  private characterNs(): number {
    const bits = 2 + ((this.lcr & 3) + 5) + (this.lcr & 8 ? 1 : 0) + (this.lcr & 4 ? 1 : 0);
    return (bits * 16 * Math.max(1, this.divisor) * 1e9) / 1843200;
  }
  private trigger(): number {
    return this.fcr & 1 ? (TRIGGER[this.fcr >> 6] as number) : 1;
  }
  /** Interrupt identification by priority; 1 = none. */
  private pending(): number {
    if (this.ier & IER_RLSI && this.lsrErrors) return 6;
    if (this.ier & IER_RDI && this.count >= this.trigger()) return 4;
    if (this.ier & IER_RDI && this.timedOut && this.count > 0) return 12;
    if (this.ier & IER_THRI && this.thrPending) return 2;
    if (this.ier & IER_MSI && this.msr & 0x0f) return 0;
    return 1;
  }
  private update(): void {
    // OUT2 gates the interrupt on a PC; QEMU does not look at it, and neither do drivers that forget it.
    this.irq.set(this.pending() !== 1);
  }
  private read(register: number): number {
    switch (register) {
      case 0: {
        if (this.lcr & 0x80) return this.divisor & 0xff;
        if (this.count > 0) {
          this.lastRead = this.fifo[this.head] as number;
          this.head = (this.head + 1) & 15;
          this.count--;
          this.timedOut = false;
          if (this.count > 0) this.timer.arm(this.clock.now() + 4 * this.characterNs());
          else this.timer.cancel();
          this.pull();
          this.update();
        }
        return this.lastRead;
      }
      case 1:
        return this.lcr & 0x80 ? this.divisor >> 8 : this.ier;
      case 2: {
        const id = this.pending();
        if (id === 2) {
          this.thrPending = false;
          this.update();
        }
        return id | (this.fcr & 1 ? 0xc0 : 0);
      }
      case 3:
        return this.lcr;
      case 4:
        return this.mcr;
      case 5: {
        const value = this.lsrErrors | LSR_THR_EMPTY | LSR_EMPTY | (this.count > 0 ? LSR_DATA_READY : 0);
        if (this.lsrErrors) {
          this.lsrErrors = 0;
          this.update();
        }
        return value;
      }
      case 6: {
        const value = this.mcr & MCR_LOOP ? this.loopStatus() | (this.msr & 0x0f) : this.msr;
        if (this.msr & 0x0f) {
          this.msr &= 0xf0;
          this.update();
        }
        return value;
      }
      default:
        return this.scratch;
    }
  }
  /** In loopback DTR, RTS, OUT1, OUT2 come back as DSR, CTS, RI, DCD. */
  private loopStatus(): number {
    return ((this.mcr & 1) << 5) | ((this.mcr & 2) << 3) | ((this.mcr & 4) << 4) | ((this.mcr & 8) << 4);
  }
  private write(register: number, value: number): void {
    switch (register) {
      case 0:
        if (this.lcr & 0x80) {
          this.divisor = (this.divisor & 0xff00) | value;
          return;
        }
        this.thrPending = false;
        this.update();
        if (this.mcr & MCR_LOOP) this.receive(value);
        else {
          this.slot.trace("serial.byte", value);
          this.out.write(value);
        }
        this.thrPending = true;
        this.update();
        return;
      case 1:
        if (this.lcr & 0x80) {
          this.divisor = (this.divisor & 0xff) | (value << 8);
          return;
        }
        // Switching the interrupt on while the holding register is empty raises it at once.
        if (value & IER_THRI && !(this.ier & IER_THRI)) this.thrPending = true;
        this.ier = value & 0x0f;
        this.update();
        return;
      case 2: {
        const toggled = (value ^ this.fcr) & 1;
        if (toggled || value & 2) this.clearReceive();
        if (value & 4) this.thrPending = true;
        this.fcr = value & 1 ? value & 0xc9 : 0;
        this.pull();
        this.update();
        return;
      }
      case 3: {
        const broke = value & 0x40 && !(this.lcr & 0x40);
        this.lcr = value;
        if (broke && this.mcr & MCR_LOOP) {
          this.lsrErrors |= LSR_BREAK;
          this.update();
        }
        return;
      }
      case 4: {
        const before = this.mcr & MCR_LOOP ? this.loopStatus() : this.msr & 0xf0;
        this.mcr = value & 0x1f;
        const after = this.mcr & MCR_LOOP ? this.loopStatus() : MSR_CONNECTED;
        let delta = (before ^ after) >> 4;
        if (!(before & 0x40) || after & 0x40) delta &= ~4; // RI counts its trailing edge only
        // Entering and leaving loopback is not a change of the outside lines.
        if (this.mcr & MCR_LOOP) this.msr |= delta & 0x0f;
        else this.msr = MSR_CONNECTED | (this.msr & 0x0f);
        if (!(this.mcr & MCR_LOOP)) this.pull();
        this.update();
        return;
      }
      case 7:
        this.scratch = value;
        return;
      default: // LSR and MSR are read-only
    }
  }
  private clearReceive(): void {
    this.head = this.count = 0;
    this.timedOut = false;
    this.timer.cancel();
  }
  reset(): void {
    this.ier = this.fcr = this.lcr = this.mcr = this.lsrErrors = this.scratch = 0;
    this.mcr = MCR_OUT2;
    this.msr = MSR_CONNECTED;
    this.divisor = 12;
    this.thrPending = false;
    this.lastRead = 0;
    this.clearReceive();
    this.irq.set(false);
  }
  save(): State {
    const queue = Uint8Array.from({ length: this.count }, (_, i) => this.fifo[(this.head + i) & 15] as number);
    return {
      ier: this.ier, fcr: this.fcr, lcr: this.lcr, mcr: this.mcr, lsrErrors: this.lsrErrors, msr: this.msr, scratch: this.scratch,
      divisor: this.divisor, thrPending: this.thrPending, timedOut: this.timedOut, queue, lastRead: this.lastRead, due: this.timer.due,
    };
  }
  load(state: State): void {
    const f = fields(state, "uart");
    this.ier = numberField(f, "ier", 0, 15);
    this.fcr = numberField(f, "fcr", 0, 255);
    this.lcr = numberField(f, "lcr", 0, 255);
    this.mcr = numberField(f, "mcr", 0, 31);
    this.lsrErrors = numberField(f, "lsrErrors", 0, 31);
    this.msr = numberField(f, "msr", 0, 255);
    this.scratch = numberField(f, "scratch", 0, 255);
    this.divisor = numberField(f, "divisor", 0, 0xffff);
    this.thrPending = booleanField(f, "thrPending");
    this.timedOut = booleanField(f, "timedOut");
    const queue = bytesUpTo(f, "queue", 16);
    this.head = 0;
    this.count = queue.length;
    this.fifo.set(queue);
    this.lastRead = numberField(f, "lastRead", 0, 255);
    const due = timeOrNull(f, "due");
    if (due === null) this.timer.cancel();
    else this.timer.arm(due);
    this.update();
  }
}

export const uart = {
  name: "isa-serial",
  summary: "16550A serial port",
  options,
  version: 1,
  create: (slot: Slot, o: Options): Uart => new Uart(slot, o),
} satisfies DeviceType<Options, State>;
