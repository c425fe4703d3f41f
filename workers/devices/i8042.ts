// 8042 keyboard controller with a PS/2 keyboard and mouse, and the fast gate of port 0x92 (IBM PS/2 technical reference, "Keyboard and
// auxiliary device controller"; PIIX3 290550 for 0x92). Wires: "a20" (high = line open), "reset" (pulse). IRQ1 and IRQ12.
// Left out: keyboard lock, password commands, test pins. Bytes appear at once: no serial delay.

import { object } from "../../src/contract/schema.ts";
import { booleanField, bytesUpTo, fields, numberField } from "../platform/state.ts";
import { byteRegion } from "../platform/bus.ts";
import type { Device, DeviceType, IrqLine, Slot, State } from "../platform/types.ts";
import { ByteQueue, Ps2Keyboard, Ps2Mouse, SET2_TO_SET1 } from "./ps2.ts";

const MODE_KEYBOARD_INT = 1, MODE_MOUSE_INT = 2, MODE_SYSTEM = 4, MODE_NO_KEYBOARD = 0x10, MODE_NO_MOUSE = 0x20, MODE_TRANSLATE = 0x40;
const STATUS_FULL = 1, STATUS_SYSTEM = 4, STATUS_COMMAND = 8, STATUS_UNLOCKED = 0x10, STATUS_AUX = 0x20;

class I8042 implements Device<State> {
  private readonly keyboard: Ps2Keyboard;
  private readonly mouse: Ps2Mouse;
  /** Answers of the controller itself; `fromAux` says which of them pretend to come from the mouse. */
  private readonly replies: ByteQueue;
  private mode = 0;
  private outputPort = 0;
  private command = 0;
  private full = false;
  private aux = false;
  private data = 0;
  private breakNext = false;
  private lastWasCommand = false;
  private replyAux = false;
  private port92 = 0;
  private readonly irq1: IrqLine;
  private readonly irq12: IrqLine;
  private readonly a20: IrqLine;
  private readonly resetWire: IrqLine;
  private readonly slot: Slot;

  constructor(slot: Slot) {
    this.slot = slot;
    this.irq1 = slot.irq(1);
    this.irq12 = slot.irq(12);
    this.a20 = slot.wire("a20");
    this.resetWire = slot.wire("reset");
    const fill = () => this.fill();
    this.keyboard = new Ps2Keyboard(fill, (what) => slot.missing(what));
    this.mouse = new Ps2Mouse(fill);
    this.replies = new ByteQueue(16, () => {});
    const input = slot.backend("input", slot.id);
    input.onKey((scancode, down) => this.keyboard.key(scancode, down));
    input.onPointer((dx, dy, dz, buttons) => this.mouse.move(dx, dy, dz, buttons));
    slot.pio.map(0x60, 1, byteRegion(() => this.readData(), (_, v) => this.writeData(v)));
    slot.pio.map(0x64, 1, byteRegion(() => this.status(), (_, v) => this.writeCommand(v)));
    slot.pio.map(0x92, 1, byteRegion(
      () => (this.port92 & ~2) | (this.outputPort & 2),
      (_, v) => {
        const resets = v & 1 && !(this.port92 & 1);
        this.port92 = v & 0xfd;
        this.setOutputPort((this.outputPort & ~2) | (v & 2));
        if (resets) this.pulseReset();
      },
    ));
    this.reset();
  }
  private status(): number {
    return (this.full ? STATUS_FULL : 0) | (this.aux && this.full ? STATUS_AUX : 0) | (this.mode & MODE_SYSTEM ? STATUS_SYSTEM : 0) |
      (this.lastWasCommand ? STATUS_COMMAND : 0) | STATUS_UNLOCKED;
  }
  /** Moves the next byte into the output buffer, by priority: controller, keyboard, mouse. */
  private fill(): void {
    if (this.full) return;
    let byte = this.replies.shift();
    if (byte >= 0) return this.latch(byte, this.replyAux);
    if (!(this.mode & MODE_NO_KEYBOARD)) {
      while (this.keyboard.queue.length > 0) {
        byte = this.keyboard.queue.shift();
        this.keyboard.taken(byte);
        if (!(this.mode & MODE_TRANSLATE)) return this.latch(byte, false);
        if (byte === 0xf0) {
          this.breakNext = true;
          continue;
        }
        const translated = (SET2_TO_SET1[byte] as number) | (this.breakNext ? 0x80 : 0);
        this.breakNext = false;
        return this.latch(translated, false);
      }
    }
    if (!(this.mode & MODE_NO_MOUSE) && this.mouse.queue.length > 0) this.latch(this.mouse.queue.shift(), true);
  }
  private latch(byte: number, aux: boolean): void {
    this.full = true;
    this.aux = aux;
    this.data = byte;
    this.updateIrq();
  }
  private updateIrq(): void {
    this.irq1.set(this.full && !this.aux && (this.mode & MODE_KEYBOARD_INT) !== 0);
    this.irq12.set(this.full && this.aux && (this.mode & MODE_MOUSE_INT) !== 0);
  }
  private readData(): number {
    if (this.full) {
      this.full = false;
      this.updateIrq();
      const value = this.data;
      this.fill();
      return value;
    }
    return this.data;
  }
  private reply(byte: number, aux = false): void {
    this.replyAux = aux;
    // A controller answer replaces what the devices had put there: drivers empty the buffer first, and expect it now.
    if (this.full) {
      this.replies.push(byte);
      return;
    }
    this.latch(byte, aux);
  }
  private pulseReset(): void {
    this.resetWire.set(true);
    this.resetWire.set(false);
  }
  private setOutputPort(value: number): void {
    this.outputPort = value | 1;
    this.a20.set((value & 2) !== 0);
    if (!(value & 1)) this.pulseReset();
  }
  private writeCommand(value: number): void {
    this.lastWasCommand = true;
    this.command = 0;
    if (value >= 0x20 && value <= 0x3f) {
      if (value === 0x20) this.reply(this.mode);
      else this.reply(0);
      return;
    }
    if (value >= 0xf0) {
      // Pulses the low output bits that are 0 in the command; bit 0 is the processor's reset.
      if (!(value & 1)) this.pulseReset();
      return;
    }
    switch (value) {
      case 0x60: case 0xd1: case 0xd2: case 0xd3: case 0xd4: case 0xcb:
        this.command = value;
        break;
      case 0xa7:
        this.mode |= MODE_NO_MOUSE;
        break;
      case 0xa8:
        this.mode &= ~MODE_NO_MOUSE;
        this.fill();
        break;
      case 0xa9:
      case 0xab:
        this.reply(0);
        break;
      case 0xaa:
        this.mode |= MODE_SYSTEM;
        this.reply(0x55);
        break;
      case 0xad:
        this.mode |= MODE_NO_KEYBOARD;
        break;
      case 0xae:
        this.mode &= ~MODE_NO_KEYBOARD;
        this.fill();
        break;
      case 0xc0:
        this.reply(0x80);
        break;
      case 0xca:
        this.reply(1);
        break;
      case 0xd0:
        this.reply(this.outputPort | (this.full ? (this.aux ? 0x20 : 0x10) : 0));
        break;
      case 0xdd:
        this.setOutputPort(this.outputPort & ~2);
        break;
      case 0xdf:
        this.setOutputPort(this.outputPort | 2);
        break;
      default:
        this.slot.missing(`i8042 command 0x${value.toString(16)}`);
    }
  }
  private writeData(value: number): void {
    this.lastWasCommand = false;
    const command = this.command;
    this.command = 0;
    switch (command) {
      case 0x60:
        this.mode = value & 0x77;
        this.updateIrq();
        this.fill();
        break;
      case 0xd1:
        this.setOutputPort(value);
        break;
      case 0xd2:
        this.reply(value);
        break;
      case 0xd3:
        this.reply(value, true);
        break;
      case 0xd4:
        this.mouse.write(value);
        this.mode &= ~MODE_NO_MOUSE;
        this.fill();
        break;
      case 0xcb:
        break;
      default:
        // Writing to the keyboard opens its clock line again.
        this.mode &= ~MODE_NO_KEYBOARD;
        this.keyboard.write(value);
        this.fill();
    }
  }
  reset(): void {
    this.keyboard.reset();
    this.mouse.reset();
    this.replies.clear();
    this.mode = MODE_KEYBOARD_INT | MODE_MOUSE_INT;
    this.command = this.data = this.port92 = 0;
    this.full = this.aux = this.breakNext = this.lastWasCommand = this.replyAux = false;
    this.outputPort = 3;
    this.a20.set(true);
    this.updateIrq();
  }
  save(): State {
    return {
      keyboard: this.keyboard.save(), mouse: this.mouse.save(), replies: this.replies.save(), mode: this.mode, outputPort: this.outputPort,
      command: this.command, full: this.full, aux: this.aux, data: this.data, breakNext: this.breakNext,
      lastWasCommand: this.lastWasCommand, replyAux: this.replyAux, port92: this.port92,
    };
  }
  load(state: State): void {
    const f = fields(state, "i8042");
    this.keyboard.load(f.keyboard ?? null);
    this.mouse.load(f.mouse ?? null);
    this.replies.load(bytesUpTo(f, "replies", 16));
    this.mode = numberField(f, "mode", 0, 255);
    this.outputPort = numberField(f, "outputPort", 0, 255);
    this.command = numberField(f, "command", 0, 255);
    this.full = booleanField(f, "full");
    this.aux = booleanField(f, "aux");
    this.data = numberField(f, "data", 0, 255);
    this.breakNext = booleanField(f, "breakNext");
    this.lastWasCommand = booleanField(f, "lastWasCommand");
    this.replyAux = booleanField(f, "replyAux");
    this.port92 = numberField(f, "port92", 0, 255);
    this.a20.set((this.outputPort & 2) !== 0);
    this.updateIrq();
  }
}

export const i8042 = {
  name: "i8042",
  summary: "keyboard controller with PS/2 keyboard and wheel mouse",
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): I8042 => new I8042(slot),
} satisfies DeviceType<object, State>;
