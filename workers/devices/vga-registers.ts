// The register file of a VGA with the Bochs display interface (DISPI): sequencer, CRTC, graphics and attribute
// controllers, palette DAC, input status, and VBE_DISPI registers 0-10.
// From the IBM VGA data book (PS/2 Hardware Interface Technical Reference, "Video Subsystem") and Bochs' VBE DISPI
// interface, version B0C5. Left out: the DAC comparator, light pen, feature connector; the pixel clock of misc output 2-3.

import type { Clock, State } from "../platform/types.ts";
import { type Reader, readObject } from "./state-reader.ts";

export const DISPI_ID = 0xb0c5;
export const DISPI = {
  ID: 0,
  XRES: 1,
  YRES: 2,
  BPP: 3,
  ENABLE: 4,
  BANK: 5,
  VIRT_WIDTH: 6,
  VIRT_HEIGHT: 7,
  X_OFFSET: 8,
  Y_OFFSET: 9,
  VIDEO_MEMORY_64K: 10,
} as const;
export const DISPI_ENABLED = 0x01;
export const DISPI_GETCAPS = 0x02;
export const DISPI_8BIT_DAC = 0x20;
export const DISPI_LFB = 0x40;
export const DISPI_NO_CLEAR = 0x80;
/** What GETCAPS reports; wide enough for 1920x1080x32 in 16 MiB. */
const MAX_XRES = 2560;
const MAX_YRES = 1600;
const MAX_BPP = 32;

/** Bits that exist, by index (data book, register summaries). */
const SEQ_MASK = [0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0xff];
const GFX_MASK = [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0];
const CRTC_COUNT = 0x19;

export class VgaRegisters {
  readonly seq = new Uint8Array(8);
  readonly crtc = new Uint8Array(32);
  readonly gfx = new Uint8Array(16);
  readonly attr = new Uint8Array(32);
  readonly dac = new Uint8Array(768);
  readonly dispi = new Uint16Array(11);
  /** Bytes per line and first byte shown, kept right by `fixDispi`. */
  dispiLineBytes = 0;
  dispiStart = 0;
  /** Added to window addresses, from the bank register. */
  bankOffset = 0;
  dac8 = false;
  pelMask = 0xff;
  /** Bit 5 of the attribute index: the palette is connected to the screen. */
  attrIndex = 0;
  /** Set whenever a register that shapes the picture changes; the renderer clears it. */
  changed = true;

  #misc = 0;
  #feature = 0;
  #seqIndex = 0;
  #crtcIndex = 0;
  #gfxIndex = 0;
  #attrData = false;
  #dacState = 0;
  #dacRead = 0;
  #dacWrite = 0;
  #dacPhase = 0;
  readonly #dacLatch = new Uint8Array(3);
  #dispiIndex = 0;
  readonly #clock: Clock;
  readonly #memoryBytes: number;
  /** Asked to clear `length` bytes of video memory when a DISPI mode is set. */
  readonly #clear: (length: number) => void;

  constructor(clock: Clock, memoryBytes: number, clear: (length: number) => void) {
    this.#clock = clock;
    this.#memoryBytes = memoryBytes;
    this.#clear = clear;
  }

  reset(): void {
    for (const bank of [this.seq, this.crtc, this.gfx, this.attr, this.dac, this.#dacLatch]) bank.fill(0);
    this.dispi.fill(0);
    this.dispi[DISPI.ID] = DISPI_ID;
    this.dispiLineBytes = this.dispiStart = this.bankOffset = 0;
    this.dac8 = false;
    this.pelMask = 0xff;
    this.attrIndex = 0;
    this.#attrData = false;
    this.#misc = this.#feature = this.#seqIndex = this.#crtcIndex = this.#gfxIndex = 0;
    this.#dacState = this.#dacRead = this.#dacWrite = this.#dacPhase = this.#dispiIndex = 0;
    this.changed = true;
  }

  get misc(): number {
    return this.#misc;
  }
  set misc(value: number) {
    this.#misc = value & 0xef;
  }
  get dispiOn(): boolean {
    return (this.dispi[DISPI.ENABLE]! & DISPI_ENABLED) !== 0;
  }

  // ---- ports 0x3B0-0x3DF, one byte at a time ------------------------------------------------------------------------

  /** The half of the address space (0x3Bx or 0x3Dx) that misc output bit 0 turns off answers all ones. */
  #dead(port: number): boolean {
    return this.#misc & 1 ? port >= 0x3b0 && port <= 0x3bf : port >= 0x3d0 && port <= 0x3df;
  }

  readPort(port: number): number {
    if (this.#dead(port)) return 0xff;
    switch (port) {
      case 0x3c0:
        return this.#attrData ? 0 : this.attrIndex;
      case 0x3c1:
        return this.attr[this.attrIndex & 0x1f]!;
      case 0x3c2:
        return 0x10; // switch sense: a colour monitor is attached
      case 0x3c4:
        return this.#seqIndex;
      case 0x3c5:
        return this.seq[this.#seqIndex]!;
      case 0x3c6:
        return this.pelMask;
      case 0x3c7:
        return this.#dacState;
      case 0x3c8:
        return this.#dacWrite;
      case 0x3c9: {
        const value = this.dac[this.#dacRead * 3 + this.#dacPhase]!;
        if (++this.#dacPhase === 3) {
          this.#dacPhase = 0;
          this.#dacRead = (this.#dacRead + 1) & 0xff;
        }
        return value;
      }
      case 0x3ca:
        return this.#feature;
      case 0x3cc:
        return this.#misc;
      case 0x3ce:
        return this.#gfxIndex;
      case 0x3cf:
        return this.gfx[this.#gfxIndex]!;
      case 0x3b4:
      case 0x3d4:
        return this.#crtcIndex;
      case 0x3b5:
      case 0x3d5:
        return this.#crtcIndex < CRTC_COUNT ? this.crtc[this.#crtcIndex]! : 0;
      case 0x3ba:
      case 0x3da:
        this.#attrData = false;
        return this.#inputStatus1();
      default:
        return 0xff;
    }
  }

  writePort(port: number, value: number): void {
    if (this.#dead(port)) return;
    switch (port) {
      case 0x3c0:
        if (!this.#attrData) {
          if ((this.attrIndex ^ value) & 0x20) this.changed = true;
          this.attrIndex = value & 0x3f;
        } else this.#writeAttr(this.attrIndex & 0x1f, value);
        this.#attrData = !this.#attrData;
        break;
      case 0x3c2:
        this.#misc = value & 0xef;
        break;
      case 0x3c4:
        this.#seqIndex = value & 7;
        break;
      case 0x3c5:
        this.#store(this.seq, this.#seqIndex, value & SEQ_MASK[this.#seqIndex]!);
        break;
      case 0x3c6:
        if (this.pelMask !== value) this.changed = true;
        this.pelMask = value;
        break;
      case 0x3c7:
        this.#dacRead = value;
        this.#dacPhase = 0;
        this.#dacState = 3;
        break;
      case 0x3c8:
        this.#dacWrite = value;
        this.#dacPhase = 0;
        this.#dacState = 0;
        break;
      case 0x3c9:
        this.#dacLatch[this.#dacPhase] = this.dac8 ? value : value & 0x3f;
        if (++this.#dacPhase === 3) {
          this.#dacPhase = 0;
          for (let i = 0; i < 3; i++) this.#store(this.dac, this.#dacWrite * 3 + i, this.#dacLatch[i]!);
          this.#dacWrite = (this.#dacWrite + 1) & 0xff;
        }
        break;
      case 0x3ce:
        this.#gfxIndex = value & 0x0f;
        break;
      case 0x3cf:
        this.#store(this.gfx, this.#gfxIndex, value & GFX_MASK[this.#gfxIndex]!);
        break;
      case 0x3b4:
      case 0x3d4:
        this.#crtcIndex = value;
        break;
      case 0x3b5:
      case 0x3d5:
        this.#writeCrtc(this.#crtcIndex, value);
        break;
      case 0x3ba:
      case 0x3da:
        this.#feature = value & 0x10;
        break;
      default:
        break;
    }
  }

  #store(bank: Uint8Array, index: number, value: number): void {
    if (bank[index] === value) return;
    bank[index] = value;
    // Write-side registers (map mask, set/reset, bit mask…) change no picture by themselves, but telling them apart
    // costs more than it saves, except for the ones planar drawing programs hammer.
    if (bank === this.gfx && index !== 5 && index !== 6) return;
    if (bank === this.seq && index === 2) return;
    this.changed = true;
  }

  #writeAttr(index: number, value: number): void {
    if (index < 0x10) this.#store(this.attr, index, value & 0x3f);
    else if (index === 0x10) this.#store(this.attr, index, value & 0xef);
    else if (index === 0x11) this.#store(this.attr, index, value);
    else if (index === 0x12) this.#store(this.attr, index, value & 0x3f);
    else if (index <= 0x14) this.#store(this.attr, index, value & 0x0f);
  }

  #writeCrtc(index: number, value: number): void {
    if (index >= CRTC_COUNT) return;
    if (index <= 7 && this.crtc[0x11]! & 0x80) {
      // Protected: only line compare bit 8 (overflow bit 4) stays writable.
      if (index === 7) this.#store(this.crtc, 7, (this.crtc[7]! & ~0x10) | (value & 0x10));
      return;
    }
    this.#store(this.crtc, index, value);
  }

  /** Lines shown, from vertical display end and its overflow bits. */
  get displayLines(): number {
    return (this.crtc[0x12]! | ((this.crtc[7]! & 0x02) << 7) | ((this.crtc[7]! & 0x40) << 3)) + 1;
  }
  get lineCompare(): number {
    return this.crtc[0x18]! | ((this.crtc[7]! & 0x10) << 4) | ((this.crtc[9]! & 0x40) << 3);
  }

  /** Bit 3: vertical retrace; bit 0: not displaying. Timing from the CRTC totals and the dot clock. */
  #inputStatus1(): number {
    const dots = this.seq[1]! & 1 ? 8 : 9;
    const hertz = (this.#misc & 0x0c ? 28_322_000 : 25_175_000) / (this.seq[1]! & 8 ? 2 : 1);
    let lineNs = (((this.crtc[0]! + 5) * dots) / hertz) * 1e9;
    let lines = (this.crtc[6]! | ((this.crtc[7]! & 1) << 8) | ((this.crtc[7]! & 0x20) << 4)) + 2;
    let shown = this.displayLines;
    let retraceStart = this.crtc[0x10]! | ((this.crtc[7]! & 4) << 6) | ((this.crtc[7]! & 0x80) << 2);
    if (lines < 100 || this.crtc[0] === 0) {
      lineNs = 31_778; // not programmed (or a DISPI mode): 640x480 at 60 Hz
      lines = 525;
      shown = 480;
      retraceStart = 490;
    }
    const now = this.#clock.now();
    const line = Math.floor(now / lineNs) % lines;
    const column = (now % lineNs) / lineNs;
    let value = 0;
    if (line >= shown || column > 0.8) value |= 0x01;
    const into = line - Math.min(retraceStart, lines - 3);
    if (into >= 0 && into < 3) value |= 0x08;
    return value;
  }

  // ---- Bochs DISPI --------------------------------------------------------------------------------------------------

  get dispiIndex(): number {
    return this.#dispiIndex;
  }
  set dispiIndex(value: number) {
    this.#dispiIndex = value & 0xffff;
  }

  readDispi(index: number): number {
    if (index === DISPI.VIDEO_MEMORY_64K) return this.#memoryBytes >>> 16;
    if (index > DISPI.VIDEO_MEMORY_64K) return 0;
    if (this.dispi[DISPI.ENABLE]! & DISPI_GETCAPS) {
      if (index === DISPI.XRES) return MAX_XRES;
      if (index === DISPI.YRES) return MAX_YRES;
      if (index === DISPI.BPP) return MAX_BPP;
    }
    return this.dispi[index]!;
  }

  writeDispi(index: number, value: number): void {
    const regs = this.dispi;
    switch (index) {
      case DISPI.ID:
        if (value >= 0xb0c0 && value <= DISPI_ID) regs[index] = value;
        break;
      case DISPI.XRES:
      case DISPI.YRES:
      case DISPI.BPP:
      case DISPI.VIRT_WIDTH:
      case DISPI.X_OFFSET:
      case DISPI.Y_OFFSET:
        regs[index] = value;
        this.#fixDispi();
        this.changed = true;
        break;
      case DISPI.BANK: {
        const banks = (this.#memoryBytes >>> 16) - 1;
        regs[index] = value & (regs[DISPI.BPP] === 4 ? banks >>> 2 : banks);
        this.bankOffset = regs[index]! << 16;
        break;
      }
      case DISPI.ENABLE:
        this.#enableDispi(value);
        break;
      default:
        break;
    }
  }

  #enableDispi(value: number): void {
    const regs = this.dispi;
    const turnsOn = (value & DISPI_ENABLED) !== 0 && !this.dispiOn;
    if (turnsOn) {
      regs[DISPI.VIRT_WIDTH] = regs[DISPI.X_OFFSET] = regs[DISPI.Y_OFFSET] = 0;
      regs[DISPI.ENABLE] = regs[DISPI.ENABLE]! | DISPI_ENABLED;
      this.#fixDispi();
      if (!(value & DISPI_NO_CLEAR)) this.#clear(this.dispiLineBytes * regs[DISPI.YRES]!);
      this.#programForDispi();
    } else if (!(value & DISPI_ENABLED)) {
      this.bankOffset = 0;
      regs[DISPI.BANK] = 0;
    }
    const wide = (value & DISPI_8BIT_DAC) !== 0;
    if (wide !== this.dac8) {
      // The stored components keep their colour when the DAC changes width.
      for (let i = 0; i < 768; i++) this.dac[i] = wide ? (this.dac[i]! << 2) | (this.dac[i]! >> 4) : this.dac[i]! >> 2;
      this.dac8 = wide;
    }
    regs[DISPI.ENABLE] = value & 0xe3;
    this.changed = true;
  }

  /** The DISPI switch sets the ordinary registers too, so that the window at A0000 and planar access work. */
  #programForDispi(): void {
    const { crtc, gfx, seq } = this;
    const height = this.dispi[DISPI.YRES]! - 1;
    gfx[6] = (gfx[6]! & ~0x0c) | 0x05;
    crtc[0x17] = crtc[0x17]! | 3;
    crtc[0x13] = this.dispiLineBytes >> 3;
    crtc[1] = (this.dispi[DISPI.XRES]! >> 3) - 1;
    crtc[0x12] = height;
    crtc[7] = (crtc[7]! & ~0x42) | ((height >> 7) & 2) | ((height >> 3) & 0x40) | 0x10;
    crtc[0x18] = 0xff;
    crtc[9] = (crtc[9]! & ~0x9f) | 0x40;
    if (this.dispi[DISPI.BPP] === 4) {
      gfx[5] = gfx[5]! & ~0x60;
      seq[1] = seq[1]! & ~8;
    } else {
      gfx[5] = (gfx[5]! & ~0x60) | 0x40;
      seq[4] = seq[4]! | 8;
      seq[2] = seq[2]! | 0x0f;
    }
  }

  /** The guest has no error channel here: values are moved to the closest that work. */
  #fixDispi(): void {
    const r = this.dispi;
    if (!this.dispiOn) return;
    if (![4, 8, 15, 16, 24, 32].includes(r[DISPI.BPP]!)) r[DISPI.BPP] = 8;
    const bits = r[DISPI.BPP] === 15 ? 16 : r[DISPI.BPP]!;
    r[DISPI.XRES] = Math.min(Math.max(r[DISPI.XRES]! & ~7, 8), MAX_XRES);
    r[DISPI.VIRT_WIDTH] = Math.max(Math.min(r[DISPI.VIRT_WIDTH]! & ~7, MAX_XRES), r[DISPI.XRES]!);
    const lineBytes = (r[DISPI.VIRT_WIDTH]! * bits) >> 3;
    const lines = Math.floor(this.#memoryBytes / lineBytes);
    r[DISPI.YRES] = Math.min(Math.max(r[DISPI.YRES]!, 1), MAX_YRES, lines);
    r[DISPI.VIRT_HEIGHT] = Math.min(lines, 0xffff);
    const fits = () => this.#startByte(bits, lineBytes) + r[DISPI.YRES]! * lineBytes <= this.#memoryBytes;
    if (!fits()) r[DISPI.Y_OFFSET] = 0;
    if (!fits()) r[DISPI.X_OFFSET] = 0;
    this.dispiLineBytes = lineBytes;
    this.dispiStart = this.#startByte(bits, lineBytes) & ~3;
  }
  #startByte(bits: number, lineBytes: number): number {
    return ((this.dispi[DISPI.X_OFFSET]! * bits) >> 3) + this.dispi[DISPI.Y_OFFSET]! * lineBytes;
  }

  // ---- state --------------------------------------------------------------------------------------------------------

  save(): State {
    return {
      seq: this.seq.slice(),
      crtc: this.crtc.slice(),
      gfx: this.gfx.slice(),
      attr: this.attr.slice(),
      dac: this.dac.slice(),
      dispi: Array.from(this.dispi),
      small: [
        this.#misc,
        this.#feature,
        this.#seqIndex,
        this.#crtcIndex,
        this.#gfxIndex,
        this.attrIndex,
        this.#attrData ? 1 : 0,
        this.#dacState,
        this.#dacRead,
        this.#dacWrite,
        this.#dacPhase,
        this.pelMask,
        this.dac8 ? 1 : 0,
      ],
      latch: this.#dacLatch.slice(),
      dispiIndex: this.#dispiIndex,
    };
  }

  load(state: State): void {
    const from: Reader = readObject(state, "vga.registers");
    this.reset();
    this.seq.set(from.bytes("seq", 8).map((v, i) => v & SEQ_MASK[i]!));
    this.crtc.set(from.bytes("crtc", 32));
    this.gfx.set(from.bytes("gfx", 16).map((v, i) => v & GFX_MASK[i]!));
    this.attr.set(from.bytes("attr", 32));
    this.dac.set(from.bytes("dac", 768));
    this.#dacLatch.set(from.bytes("latch", 3));
    const dispi = from.integers("dispi", 11, 0xffff);
    const small = from.integers("small", 13, 0xff);
    this.#misc = small[0]! & 0xef;
    this.#feature = small[1]!;
    this.#seqIndex = small[2]! & 7;
    this.#crtcIndex = small[3]!;
    this.#gfxIndex = small[4]! & 15;
    this.attrIndex = small[5]! & 0x3f;
    this.#attrData = small[6] !== 0;
    this.#dacState = small[7]! & 3;
    this.#dacRead = small[8]!;
    this.#dacWrite = small[9]!;
    this.#dacPhase = small[10]! % 3;
    this.pelMask = small[11]!;
    this.dac8 = small[12] !== 0;
    this.#dispiIndex = from.integer("dispiIndex", 0xffff);
    this.dispi.set(dispi);
    this.#fixDispi();
    this.bankOffset = (this.dispi[DISPI.BANK]! & ((this.#memoryBytes >>> 16) - 1)) << 16;
    this.changed = true;
  }
}
