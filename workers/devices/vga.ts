// QEMU's "std" VGA: PCI 1234:1111, linear framebuffer in BAR 0, MMIO copies of the ports and the Bochs DISPI registers in
// BAR 2, expansion ROM in BAR 6, the legacy window A0000-BFFFF and ports 3B0-3DF, 1CE-1D1.
// From the IBM VGA data book and QEMU docs/specs/standard-vga. Parts: vga-registers, vga-memory, vga-render, vga-modes.
// Left out: EDID in BAR 2 (reads as zero), byte-swapped framebuffer, feature connector.

import { choice, integer, object, optional, type Schema } from "../../src/contract/schema.ts";
import type { Device, DeviceType, MappedRam, PictureBackend, Region, Slot, State, Width } from "../platform/types.ts";
import { readObject } from "./state-reader.ts";
import { VgaWindow } from "./vga-memory.ts";
import { presetText } from "./vga-modes.ts";
import { VgaRegisters } from "./vga-registers.ts";
import { VgaRenderer } from "./vga-render.ts";

const PCI_VENDOR = 0x1234;
const PCI_DEVICE = 0x1111;
const PAGE = 4096;
const QEXT_SIZE = 8;
const LITTLE_ENDIAN = 0x1e1e1e1e;
/** Looks without a change before the display counts as quiet: half a second at 30 looks a second. */
const QUIET_AFTER = 15;

/** A video BIOS image, given by the board; null leaves the expansion ROM out. */
const romSchema: Schema<Uint8Array | null> = {
  summary: "video BIOS image",
  kind: { type: "string" },
  parse: (input) => (input instanceof Uint8Array && input.length > 0 ? input : null),
};

const options = object("QEMU standard VGA", {
  preset: optional(choice("state after reset: a usable text mode 3, or none (the video BIOS sets a mode)", ["none", "text"]), "none" as const),
  rom: optional(romSchema, null),
  memoryMiB: optional(integer("video memory in MiB, a power of two", 1, 64), 16),
});
type VgaOptions = ReturnType<typeof options.parse>;

/** A device with a display: the picture can be brought up to date at once (for a screendump). */
export interface DisplayDevice extends Device {
  refresh(): void;
}

class Vga implements DisplayDevice {
  readonly #slot: Slot;
  readonly #preset: boolean;
  readonly #memory: MappedRam;
  readonly #regs: VgaRegisters;
  readonly #window: VgaWindow;
  readonly #renderer: VgaRenderer;
  readonly #picture: PictureBackend;
  readonly #timer;
  #shownText: readonly string[] | null = null;
  #endian = LITTLE_ENDIAN;
  /** Looks in a row that found nothing but a blinking cursor; after some the display is quiet. */
  #unchanged = 0;
  #quiet = false;

  constructor(slot: Slot, given: VgaOptions) {
    this.#slot = slot;
    this.#preset = given.preset === "text";
    const mib = 1 << Math.floor(Math.log2(given.memoryMiB));
    this.#memory = slot.memory(mib << 20, "ram");
    const bytes = this.#memory.bytes;
    this.#regs = new VgaRegisters(slot.clock, bytes.length, (length) => bytes.fill(0, 0, Math.min(length, bytes.length)));
    this.#window = new VgaWindow(this.#regs, bytes);
    this.#renderer = new VgaRenderer(this.#regs, bytes);
    this.#picture = slot.backend("picture", slot.id);
    this.#timer = slot.clock.timer(() => {
      if (this.watched) this.refresh();
      this.#arm();
    });

    const config = new Uint8Array(256);
    const view = new DataView(config.buffer);
    view.setUint16(0x00, PCI_VENDOR, true);
    view.setUint16(0x02, PCI_DEVICE, true);
    config[0x08] = 2;
    config[0x0b] = 0x03;
    view.setUint16(0x2c, 0x1af4, true);
    view.setUint16(0x2e, 0x1100, true);
    const pci = slot.pci(config);
    pci.barRam(0, "prefetchable", this.#memory);
    pci.bar(2, "memory", PAGE, this.#mmio());
    if (given.rom) pci.bar(6, "memory", romLength(given.rom.length), romRegion(given.rom));

    slot.mmio.map(0xa0000, 0x20000, {
      read: (offset, width) => this.#window.read(offset, width),
      write: (offset, width, value) => {
        this.#window.write(offset, width, value);
        if (this.#quiet) this.#touched();
      },
    });
    slot.pio.map(0x3b0, 12, this.#ports(0x3b0));
    slot.pio.map(0x3c0, 32, this.#ports(0x3c0));
    slot.pio.map(0x1ce, 4, this.#dispiPorts());
    this.reset();
    this.#pristine = !this.#preset;
    this.#arm();
  }

  #arm(): void {
    const period = this.#picture.refreshNs;
    if (!Number.isFinite(period) || period <= 0) return;
    this.#quiet = this.#unchanged >= QUIET_AFTER || !this.watched;
    const now = this.#slot.clock.now();
    this.#timer.arm(this.#quiet ? this.#renderer.nextLook(now) : now + period);
  }
  get watched(): boolean {
    return this.#picture.watched !== false;
  }
  /** Something that shows was written: a quiet display is looked at soon again. Writes to the linear framebuffer go unnoticed till the next look. */
  #touched(): void {
    if (!this.#quiet) return;
    this.#quiet = false;
    this.#unchanged = 0;
    if (this.watched) this.#timer.arm(this.#slot.clock.now() + this.#picture.refreshNs);
  }

  /** Renders if anything changed since the last time and hands the picture over. */
  refresh(): void {
    const dirty = this.#memory.takeDirty();
    const own = this.#window.dirty;
    for (let i = 0; i < own.length; i++) {
      own[i] = own[i]! | (dirty[i] ?? 0);
    }
    const renderer = this.#renderer;
    const drawn = renderer.render(own, this.#slot.clock.now());
    own.fill(0);
    this.#unchanged = drawn && !renderer.onlyBlinked ? 0 : this.#unchanged + 1;
    if (!drawn) return;
    if (!renderer.onlyBlinked && (renderer.rows !== null || this.#shownText !== null)) this.#picture.text(renderer.rows, renderer.cursor);
    this.#picture.frame(renderer.width, renderer.height, renderer.rgba, renderer.changedFrom, renderer.changedTo);
    this.#shownText = renderer.rows;
  }

  /** The VGA ports are eight bits wide: a wider access reaches the following ports in turn. */
  #ports(base: number): Region {
    const regs = this.#regs;
    return {
      read: (offset, width) => {
        let value = 0;
        for (let i = 0; i < width && i < 4; i++) value |= regs.readPort(base + offset + i) << (8 * i);
        return value >>> 0;
      },
      write: (offset, width, value) => {
        for (let i = 0; i < width && i < 4; i++) regs.writePort(base + offset + i, (value >>> (8 * i)) & 0xff);
        if (this.#quiet) this.#touched();
      },
    };
  }

  /** 1CE: index; 1CF (and 1D0): data, 16 bits. A byte access reads or writes the low half. */
  #dispiPorts(): Region {
    const regs = this.#regs;
    return {
      read: (offset, width) => {
        const value = offset === 0 ? regs.dispiIndex : regs.readDispi(regs.dispiIndex);
        return width === 1 ? value & 0xff : value;
      },
      write: (offset, _width, value) => {
        if (offset === 0) regs.dispiIndex = value;
        else regs.writeDispi(regs.dispiIndex, value & 0xffff);
        if (this.#quiet) this.#touched();
      },
    };
  }

  #mmio(): Region {
    const regs = this.#regs;
    const ports = this.#ports(0x3c0);
    return {
      read: (offset, width) => {
        if (offset < 0x400) return 0;
        if (offset < 0x420) return ports.read(offset - 0x400, width);
        if (offset >= 0x500 && offset < 0x516) {
          const low = regs.readDispi((offset - 0x500) >> 1) >>> (8 * (offset & 1));
          if (width === 4) return (low | (regs.readDispi(((offset - 0x500) >> 1) + 1) << 16)) >>> 0;
          return width === 1 ? low & 0xff : low & 0xffff;
        }
        if (offset === 0x600) return QEXT_SIZE;
        if (offset === 0x604) return this.#endian;
        return width === 1 ? 0xff : width === 2 ? 0xffff : 0xffffffff;
      },
      write: (offset, width, value) => {
        if (offset >= 0x400 && offset < 0x420) ports.write(offset - 0x400, width, value);
        else if (offset >= 0x500 && offset < 0x516) {
          regs.writeDispi((offset - 0x500) >> 1, value & 0xffff);
          if (width === 4) regs.writeDispi(((offset - 0x500) >> 1) + 1, value >>> 16);
          if (this.#quiet) this.#touched();
        } else if (offset === 0x604 && value !== LITTLE_ENDIAN) this.#slot.missing("vga byte-swapped framebuffer");
      },
    };
  }

  reset(): void {
    this.#pristine = false;
    this.#regs.reset();
    this.#window.latch = 0;
    if (this.#preset) presetText(this.#regs, this.#memory.bytes);
  }

  /** Neither reset nor loaded since it was made: nobody can have written to video memory. */
  #pristine = false;
  save(): State {
    return { registers: this.#regs.save(), latch: this.#window.latch >>> 0, memory: packPages(this.#memory.bytes) };
  }

  load(state: State): void {
    const from = readObject(state, "vga");
    const latch = from.integer("latch", 0xffffffff);
    const packed = readObject(from.part("memory"), "vga.memory");
    const { bytes } = this.#memory;
    const index = packed.blob("pages", bytes.length / PAGE / 8 + 1);
    const content = packed.blob("bytes", bytes.length);
    this.#regs.load(from.part("registers"));
    this.#window.latch = latch | 0;
    // A new machine's video memory holds zeros: left alone, it costs the host nothing.
    if (!this.#pristine) bytes.fill(0);
    this.#pristine = false;
    let at = 0;
    for (let page = 0; page < bytes.length / PAGE; page++) {
      if (!((index[page >> 3] ?? 0) & (1 << (page & 7)))) continue;
      bytes.set(content.subarray(at, at + PAGE), page * PAGE);
      at += PAGE;
    }
    this.#window.dirty.fill(0xffffffff);
  }
}

/** Video memory without its zero pages: a bit per page, then the pages. */
function packPages(bytes: Uint8Array): State {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const count = bytes.length / PAGE;
  const pages = new Uint8Array(Math.ceil(count / 8));
  const used: number[] = [];
  for (let page = 0; page < count; page++) {
    if (isZero(words, page * (PAGE / 4), (page + 1) * (PAGE / 4))) continue;
    pages[page >> 3] = pages[page >> 3]! | (1 << (page & 7));
    used.push(page);
  }
  const content = new Uint8Array(used.length * PAGE);
  used.forEach((page, n) => content.set(bytes.subarray(page * PAGE, (page + 1) * PAGE), n * PAGE));
  return { pages, bytes: content };
}

/** Eight words at a time: 16 MiB of zeros are looked through at each checkpoint of a recording. */
function isZero(words: Uint32Array, from: number, to: number): boolean {
  for (let i = from; i < to; i += 8)
    if ((words[i]! | words[i + 1]! | words[i + 2]! | words[i + 3]! | words[i + 4]! | words[i + 5]! | words[i + 6]! | words[i + 7]!) !== 0) return false;
  return true;
}

function romLength(length: number): number {
  let size = 2048;
  while (size < length) size *= 2;
  return size;
}
function romRegion(rom: Uint8Array): Region {
  return {
    read: (offset: number, width: Width) => {
      let value = 0;
      for (let i = 0; i < width && i < 4; i++) value |= (rom[offset + i] ?? 0) << (8 * i);
      return value >>> 0;
    },
    write: () => {},
  };
}

export const vga: DeviceType<VgaOptions, State> = {
  name: "vga",
  summary: "standard VGA with Bochs VBE extensions (PCI)",
  options,
  version: 1,
  create: (slot, given) => new Vga(slot, given),
};
