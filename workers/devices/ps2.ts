// The two devices on a PS/2 connector: keyboard (IBM PS/2 technical reference, scan code sets 1 and 2) and wheel mouse
// (Microsoft IntelliMouse, five-byte extension left out). Not device types: the 8042 owns them.
// Left out: typematic repeat (the host repeats), scan code set 3, keyboard LEDs as output.

import { fields, bytesUpTo, numberField, booleanField } from "../platform/state.ts";
import type { State } from "../platform/types.ts";

/** The 8042's translation from set 2 to set 1 (index: set-2 byte). Bytes not listed pass unchanged. */
export const SET2_TO_SET1 = new Uint8Array(256).map((_, i) => i);
/** Make codes of set 2 by set-1 code (0 = none). */
export const SET1_TO_SET2 = new Uint8Array(128);
{
  const table =
    "ff 43 41 3f 3d 3b 3c 58 64 44 42 40 3e 0f 29 59 65 38 2a 70 1d 10 02 5a 66 71 2c 1f 1e 11 03 5b " +
    "67 2e 2d 20 12 05 04 5c 68 39 2f 21 14 13 06 5d 69 31 30 23 22 15 07 5e 6a 72 32 24 16 08 09 5f " +
    "6b 33 25 17 18 0b 0a 60 6c 34 35 26 27 19 0c 61 6d 73 28 74 1a 0d 62 6e 3a 36 1c 1b 75 2b 63 76 " +
    "55 56 77 78 79 7a 0e 7b 7c 4f 7d 4b 47 7e 7f 6f 52 53 50 4c 4d 48 01 45 57 4e 51 4a 37 49 46 54 " +
    "80 81 82 41 54";
  table.split(" ").forEach((hex, i) => {
    const set1 = Number.parseInt(hex, 16);
    SET2_TO_SET1[i] = set1;
    if (i > 0 && set1 < 128 && SET1_TO_SET2[set1] === 0) SET1_TO_SET2[set1] = i;
  });
  SET1_TO_SET2[0x41] = 0x83; // F7
  SET1_TO_SET2[0x54] = 0x84; // SysRq
}

/** A byte queue of limited length with a listener; what does not fit is dropped whole. */
export class ByteQueue {
  private bytes: number[] = [];
  readonly limit: number;
  readonly onData: () => void;
  constructor(limit: number, onData: () => void) {
    this.limit = limit;
    this.onData = onData;
  }
  get length(): number {
    return this.bytes.length;
  }
  push(...more: number[]): void {
    if (this.bytes.length + more.length > this.limit) return;
    this.bytes.push(...more);
    this.onData();
  }
  shift(): number {
    return this.bytes.shift() ?? -1;
  }
  peek(): number {
    return this.bytes[0] ?? -1;
  }
  clear(): void {
    this.bytes.length = 0;
  }
  save(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
  load(bytes: Uint8Array): void {
    this.bytes = [...bytes];
  }
}

export class Ps2Keyboard {
  readonly queue: ByteQueue;
  private set = 2;
  private scanning = true;
  private command = 0;
  private leds = 0;
  private lastSent = 0;
  private readonly missing: (what: string) => void;
  constructor(onData: () => void, missing: (what: string) => void) {
    this.queue = new ByteQueue(256, onData);
    this.missing = missing;
  }
  /** A key by its set-1 make code (0xE0xx for extended keys, 0xE11D for Pause). */
  key(scancode: number, down: boolean): void {
    if (!this.scanning) return;
    if (scancode === 0xe11d || scancode === 0xe145 || scancode === 0xe046) {
      if (!down) return;
      if (this.set === 1) this.queue.push(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
      else this.queue.push(0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77);
      return;
    }
    const extended = scancode >> 8 === 0xe0;
    const code = scancode & 0x7f;
    if (this.set === 1) {
      const byte = code | (down ? 0 : 0x80);
      if (extended) this.queue.push(0xe0, byte);
      else this.queue.push(byte);
      return;
    }
    const set2 = SET1_TO_SET2[code] as number;
    if (set2 === 0) return;
    if (extended && down) this.queue.push(0xe0, set2);
    else if (extended) this.queue.push(0xe0, 0xf0, set2);
    else if (down) this.queue.push(set2);
    else this.queue.push(0xf0, set2);
  }
  write(byte: number): void {
    const command = this.command;
    this.command = 0;
    if (command === 0xed) {
      this.leds = byte & 7;
      this.queue.push(0xfa);
      return;
    }
    if (command === 0xf0) {
      if (byte === 0) this.queue.push(0xfa, this.set);
      else if (byte <= 2) {
        this.set = byte;
        this.queue.push(0xfa);
      } else {
        if (byte === 3) this.missing("keyboard scan code set 3");
        this.queue.push(byte === 3 ? 0xfa : 0xfe);
      }
      return;
    }
    if (command === 0xf3 || command === 0xfc) {
      this.queue.push(0xfa);
      return;
    }
    switch (byte) {
      case 0xed:
      case 0xf0:
      case 0xf3:
        this.command = byte;
        this.queue.push(0xfa);
        break;
      case 0xee:
        this.queue.push(0xee);
        break;
      case 0xf2:
        this.queue.push(0xfa, 0xab, 0x83);
        break;
      case 0xf4:
        this.queue.clear();
        this.scanning = true;
        this.queue.push(0xfa);
        break;
      case 0xf5:
      case 0xf6:
        this.defaults();
        this.scanning = byte === 0xf6;
        this.queue.push(0xfa);
        break;
      case 0xfe:
        this.queue.push(this.lastSent);
        break;
      case 0xff:
        this.defaults();
        this.queue.push(0xfa, 0xaa);
        break;
      case 0xf7: case 0xf8: case 0xf9: case 0xfa:
        this.queue.push(0xfa);
        break;
      case 0xfb: case 0xfc: case 0xfd:
        this.queue.push(0xfa);
        this.command = 0xfc;
        break;
      default:
        this.queue.push(0xfe);
    }
  }
  taken(byte: number): void {
    this.lastSent = byte;
  }
  private defaults(): void {
    this.queue.clear();
    this.set = 2;
    this.scanning = true;
  }
  reset(): void {
    this.defaults();
    this.command = 0;
    this.leds = 0;
    this.lastSent = 0;
  }
  save(): State {
    return { queue: this.queue.save(), set: this.set, scanning: this.scanning, command: this.command, leds: this.leds, lastSent: this.lastSent };
  }
  load(state: State): void {
    const f = fields(state, "keyboard");
    this.queue.load(bytesUpTo(f, "queue", 256));
    this.set = numberField(f, "set", 1, 2);
    this.scanning = booleanField(f, "scanning");
    this.command = numberField(f, "command", 0, 255);
    this.leds = numberField(f, "leds", 0, 7);
    this.lastSent = numberField(f, "lastSent", 0, 255);
  }
}

export class Ps2Mouse {
  readonly queue: ByteQueue;
  private id = 0;
  private reporting = false;
  private remote = false;
  private wrap = false;
  private scale2 = false;
  private resolution = 2;
  private rate = 100;
  private command = 0;
  private knock = 0;
  private dx = 0;
  private dy = 0;
  private dz = 0;
  private buttons = 0;
  private sentButtons = 0;
  constructor(onData: () => void) {
    this.queue = new ByteQueue(256, onData);
  }
  /** dx right, dy up, dz towards the user; buttons bit 0 left, 1 right, 2 middle. */
  move(dx: number, dy: number, dz: number, buttons: number): void {
    this.dx += dx;
    this.dy += dy;
    this.dz += dz;
    this.buttons = buttons & 7;
    if (!this.reporting || this.remote) {
      if (!this.reporting) this.dx = this.dy = this.dz = 0;
      return;
    }
    while ((this.dx || this.dy || this.dz || this.buttons !== this.sentButtons) && this.queue.length < 64) this.packet();
  }
  private packet(): void {
    const clamp = (v: number, low: number, high: number) => Math.max(low, Math.min(high, v));
    const dx = clamp(this.dx, -256, 255);
    const dy = clamp(this.dy, -256, 255);
    const dz = this.id === 3 ? clamp(this.dz, -8, 7) : 0;
    this.dx -= dx;
    this.dy -= dy;
    this.dz = this.id === 3 ? this.dz - dz : 0;
    this.sentButtons = this.buttons;
    const head = 8 | this.buttons | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0);
    if (this.id === 3) this.queue.push(head, dx & 0xff, dy & 0xff, dz & 0xff);
    else this.queue.push(head, dx & 0xff, dy & 0xff);
  }
  write(byte: number): void {
    if (this.wrap && byte !== 0xff && byte !== 0xec) {
      this.queue.push(byte);
      return;
    }
    const command = this.command;
    this.command = 0;
    if (command === 0xf3) {
      this.rate = byte;
      // The knock of the IntelliMouse: 200, 100, 80.
      const next = byte === 200 ? 1 : byte === 100 && this.knock === 1 ? 2 : byte === 80 && this.knock === 2 ? 3 : 0;
      this.knock = next;
      if (next === 3) this.id = 3;
      this.queue.push(0xfa);
      return;
    }
    if (command === 0xe8) {
      this.resolution = byte & 3;
      this.queue.push(0xfa);
      return;
    }
    switch (byte) {
      case 0xe6:
      case 0xe7:
        this.scale2 = byte === 0xe7;
        this.queue.push(0xfa);
        break;
      case 0xe8:
      case 0xf3:
        this.command = byte;
        this.queue.push(0xfa);
        break;
      case 0xe9:
        this.queue.push(0xfa,
          (this.remote ? 0x40 : 0) | (this.reporting ? 0x20 : 0) | (this.scale2 ? 0x10 : 0) |
            ((this.buttons & 1) << 2) | ((this.buttons & 4) >> 1) | ((this.buttons & 2) >> 1),
          this.resolution, this.rate);
        break;
      case 0xea:
        this.remote = false;
        this.queue.push(0xfa);
        break;
      case 0xeb:
        this.queue.push(0xfa);
        this.packet();
        break;
      case 0xec:
      case 0xee:
        this.wrap = byte === 0xee;
        this.queue.push(0xfa);
        break;
      case 0xf0:
        this.remote = true;
        this.queue.push(0xfa);
        break;
      case 0xf2:
        this.queue.push(0xfa, this.id);
        break;
      case 0xf4:
      case 0xf5:
        this.reporting = byte === 0xf4;
        this.queue.push(0xfa);
        break;
      case 0xf6:
        this.defaults();
        this.queue.push(0xfa);
        break;
      case 0xff:
        this.defaults();
        this.id = 0;
        this.queue.push(0xfa, 0xaa, 0x00);
        break;
      default:
        this.queue.push(0xfe);
    }
  }
  private defaults(): void {
    this.queue.clear();
    this.reporting = this.remote = this.wrap = this.scale2 = false;
    this.resolution = 2;
    this.rate = 100;
    this.knock = 0;
    this.dx = this.dy = this.dz = 0;
  }
  reset(): void {
    this.defaults();
    this.id = 0;
    this.command = 0;
    this.buttons = this.sentButtons = 0;
  }
  save(): State {
    return {
      queue: this.queue.save(), id: this.id, reporting: this.reporting, remote: this.remote, wrap: this.wrap, scale2: this.scale2,
      resolution: this.resolution, rate: this.rate, command: this.command, knock: this.knock, buttons: this.buttons, sentButtons: this.sentButtons,
    };
  }
  load(state: State): void {
    const f = fields(state, "mouse");
    this.queue.load(bytesUpTo(f, "queue", 256));
    this.id = numberField(f, "id", 0, 4);
    this.reporting = booleanField(f, "reporting");
    this.remote = booleanField(f, "remote");
    this.wrap = booleanField(f, "wrap");
    this.scale2 = booleanField(f, "scale2");
    this.resolution = numberField(f, "resolution", 0, 3);
    this.rate = numberField(f, "rate", 0, 255);
    this.command = numberField(f, "command", 0, 255);
    this.knock = numberField(f, "knock", 0, 3);
    this.buttons = numberField(f, "buttons", 0, 7);
    this.sentButtons = numberField(f, "sentButtons", 0, 7);
    this.dx = this.dy = this.dz = 0;
  }
}
