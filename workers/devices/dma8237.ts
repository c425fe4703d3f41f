// The two cascaded 8237A DMA controllers of an AT with their page registers. From Intel 8237A data sheet (231466) and PIIX3
// 290550 2.5.1. Channels 0-3 move bytes, 5-7 words. Devices move blocks through `channel(n)` when they like.
// Left out: memory to memory, rotating priority, software requests (a device decides when to transfer), extended write timing.

import { object } from "../../src/contract/schema.ts";
import type { Device, DeviceType, DmaChannel, DmaController, GuestRam, Slot, State } from "../platform/types.ts";
import { readObject } from "./state-reader.ts";

/** Page register of each channel, as offset from 0x80. */
const PAGE_OF = [7, 3, 1, 2, 0x0f, 0x0b, 0x09, 0x0a];
const DISABLED = 0x04;
const AUTO_INIT = 0x10;
const DECREMENT = 0x20;

class Channel implements DmaChannel {
  baseAddress = 0;
  baseCount = 0;
  address = 0;
  count = 0;
  mode = 0;
  masked = true;
  terminal = false;
  readonly #owner: Chip;
  readonly #index: number;
  constructor(owner: Chip, index: number) {
    this.#owner = owner;
    this.#index = index;
  }
  transfer(bytes: Uint8Array, toMemory: boolean): number {
    this.terminal = false;
    const { words, ram } = this.#owner;
    const kind = (this.mode >> 2) & 3;
    const verify = kind === 0;
    if (this.masked || this.#owner.command & DISABLED || (!verify && (kind === 1) !== toMemory)) return 0;
    const unit = words ? 2 : 1;
    const page = this.#owner.page(this.#index);
    const high = words ? (page & 0xfe) << 16 : page << 16;
    let done = 0;
    while (done + unit <= bytes.length) {
      // One run without crossing the 64K-unit wrap or the count.
      const down = (this.mode & DECREMENT) !== 0;
      const toWrap = down ? 1 : 0x10000 - this.address;
      const run = Math.min(Math.floor((bytes.length - done) / unit), this.count + 1, toWrap);
      const physical = high + this.address * unit;
      const piece = bytes.subarray(done, done + run * unit);
      if (!verify) {
        if (toMemory) ram.write(physical, piece);
        else ram.read(physical, piece);
        this.#owner.slot.trace("dma.transfer", physical, piece.length, toMemory ? 1 : 0);
      }
      this.address = (down ? this.address - run : this.address + run) & 0xffff;
      done += run * unit;
      this.count -= run;
      if (this.count < 0) {
        this.terminal = true;
        this.#owner.reached |= 1 << (this.#index & 3);
        if (this.mode & AUTO_INIT) {
          this.address = this.baseAddress;
          this.count = this.baseCount;
        } else {
          this.count = 0xffff;
          this.masked = true;
        }
        break;
      }
    }
    return done;
  }
}

/** One 8237: four channels and the shared registers. Registers are 1 byte apart (first chip) or 2 (second). */
class Chip {
  command = 0;
  reached = 0;
  highByte = false;
  readonly channels: readonly Channel[];
  readonly words: boolean;
  readonly ram: GuestRam;
  readonly slot: Slot;
  readonly page: (channel: number) => number;
  constructor(slot: Slot, words: boolean, page: (channel: number) => number) {
    this.slot = slot;
    this.ram = slot.ram;
    this.words = words;
    this.page = page;
    this.channels = [0, 1, 2, 3].map((i) => new Channel(this, i + (words ? 4 : 0)));
  }
  clear(): void {
    this.command = this.reached = 0;
    this.highByte = false;
    for (const channel of this.channels) channel.masked = true;
  }
  reset(): void {
    this.clear();
    for (const channel of this.channels) {
      channel.baseAddress = channel.baseCount = channel.address = channel.count = channel.mode = 0;
      channel.terminal = false;
    }
  }
  read(register: number): number {
    if (register < 8) {
      const channel = this.channels[register >> 1]!;
      const value = register & 1 ? channel.count & 0xffff : channel.address;
      const byte = this.highByte ? value >> 8 : value & 0xff;
      this.highByte = !this.highByte;
      return byte;
    }
    if (register === 8) {
      const value = this.reached;
      this.reached = 0;
      return value;
    }
    if (register === 0x0f) return this.channels.reduce((mask, channel, i) => mask | (channel.masked ? 1 << i : 0), 0xf0);
    return register === 0x0d ? 0 : 0xff;
  }
  write(register: number, value: number): void {
    if (register < 8) {
      const channel = this.channels[register >> 1]!;
      const merge = (old: number) => (this.highByte ? (old & 0xff) | (value << 8) : (old & 0xff00) | value);
      if (register & 1) channel.count = channel.baseCount = merge(channel.baseCount);
      else channel.address = channel.baseAddress = merge(channel.baseAddress);
      this.highByte = !this.highByte;
      return;
    }
    switch (register) {
      case 8:
        if (value & 1) this.slot.missing("dma memory to memory");
        this.command = value;
        break;
      case 9:
        if (value & 4) this.slot.missing("dma software request");
        break;
      case 0x0a:
        this.channels[value & 3]!.masked = (value & 4) !== 0;
        break;
      case 0x0b:
        this.channels[value & 3]!.mode = value & 0xfc;
        break;
      case 0x0c:
        this.highByte = false;
        break;
      case 0x0d:
        this.clear();
        break;
      case 0x0e:
        for (const channel of this.channels) channel.masked = false;
        break;
      case 0x0f:
        this.channels.forEach((channel, i) => {
          channel.masked = (value & (1 << i)) !== 0;
        });
        break;
      default:
        break;
    }
  }
  save(): State {
    return {
      small: [this.command, this.reached, this.highByte ? 1 : 0],
      channels: this.channels.map((c) => [c.baseAddress, c.baseCount, c.address, c.count, c.mode, c.masked ? 1 : 0, c.terminal ? 1 : 0]),
    };
  }
  load(state: State): void {
    const from = readObject(state, "dma.chip");
    const small = from.integers("small", 3, 255);
    const list = from.part("channels");
    const rows = this.channels.map((_, i) => readObject({ row: Array.isArray(list) ? (list as readonly State[])[i] ?? null : null }, `dma.channel${i}`).integers("row", 7, 0xffff));
    this.command = small[0]!;
    this.reached = small[1]! & 15;
    this.highByte = small[2] !== 0;
    this.channels.forEach((c, i) => {
      const r = rows[i]!;
      [c.baseAddress, c.baseCount, c.address, c.count] = [r[0]!, r[1]!, r[2]!, r[3]!];
      c.mode = r[4]! & 0xfc;
      c.masked = r[5] !== 0;
      c.terminal = r[6] !== 0;
    });
  }
}

class Dma implements Device, DmaController {
  readonly #pages = new Uint8Array(16);
  readonly #chips: readonly [Chip, Chip];
  constructor(slot: Slot) {
    const page = (channel: number) => this.#pages[PAGE_OF[channel] ?? 0]!;
    this.#chips = [new Chip(slot, false, page), new Chip(slot, true, page)];
    const bytewise = (read: (offset: number) => number, write: (offset: number, value: number) => void) => ({
      read: (offset: number, width: number) => {
        let value = 0;
        for (let i = 0; i < width; i++) value |= read(offset + i) << (8 * i);
        return value >>> 0;
      },
      write: (offset: number, width: number, value: number) => {
        for (let i = 0; i < width; i++) write(offset + i, (value >>> (8 * i)) & 0xff);
      },
    });
    const [a, b] = this.#chips;
    slot.pio.map(0x00, 16, bytewise((offset) => a.read(offset & 15), (offset, value) => a.write(offset & 15, value)));
    slot.pio.map(0xc0, 32, bytewise((offset) => b.read((offset >> 1) & 15), (offset, value) => b.write((offset >> 1) & 15, value)));
    slot.pio.map(0x80, 16, bytewise((offset) => this.#pages[offset & 15]!, (offset, value) => {
      this.#pages[offset & 15] = value;
    }));
  }
  channel(index: number): DmaChannel {
    const channel = this.#chips[index < 4 ? 0 : 1].channels[index & 3];
    if (!channel || index === 4 || index > 7) throw new Error(`no DMA channel ${index}`);
    return channel;
  }
  reset(): void {
    this.#pages.fill(0);
    for (const chip of this.#chips) chip.reset();
  }
  save(): State {
    return { pages: this.#pages.slice(), chips: this.#chips.map((chip) => chip.save()) };
  }
  load(state: State): void {
    const from = readObject(state, "dma");
    const pages = from.bytes("pages", 16);
    const chips = from.part("chips");
    this.#chips.forEach((chip, i) => chip.load(Array.isArray(chips) ? ((chips as readonly State[])[i] ?? null) : null));
    this.#pages.set(pages);
  }
}

const options = object("DMA controllers", {});
export const dma8237 = {
  name: "dma8237",
  summary: "two 8237 DMA controllers with page registers",
  options,
  version: 1,
  create: (slot: Slot): Device & DmaController => new Dma(slot),
} satisfies DeviceType<ReturnType<typeof options.parse>, State>;
