// How the window A0000-BFFFF reaches the four planes: chain-4, odd/even, and latched access with write modes 0-3 and
// read modes 0-1. From the IBM VGA data book, "Graphics Controller". Plane p of address n is byte n*4+p of one buffer,
// so linear (chain-4, DISPI) and planar views share memory. Odd/even addresses are stored without gaps (character n at
// byte 4n), which is invisible to programs that keep one mode. Left out: the 32 KiB odd/even page bit of misc output.

import type { Region, Width } from "../platform/types.ts";
import type { VgaRegisters } from "./vga-registers.ts";

/** Four bits to four bytes: bit p becomes 0xFF in byte p. */
const SPREAD = Int32Array.from({ length: 16 }, (_, v) =>
  [0, 1, 2, 3].reduce((sum, p) => sum | (v & (1 << p) ? 0xff << (8 * p) : 0), 0),
);

export class VgaWindow implements Region {
  /** One bit per 4 KiB page of video memory written through the window. */
  readonly dirty: Uint32Array;
  latch = 0;
  readonly #regs: VgaRegisters;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;

  constructor(regs: VgaRegisters, bytes: Uint8Array) {
    this.#regs = regs;
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.dirty = new Uint32Array(Math.ceil(bytes.length / 4096 / 32));
  }

  #mark(byte: number): void {
    const page = byte >>> 12;
    this.dirty[page >>> 5] = this.dirty[page >>> 5]! | (1 << (page & 31));
  }

  /** Offset in the 128 KiB window to an address in the selected map, or -1 when the map does not answer there. */
  #locate(offset: number): number {
    switch (this.#regs.gfx[6]! & 0x0c) {
      case 0x00:
        return offset;
      case 0x04:
        return offset < 0x10000 ? offset + this.#regs.bankOffset : -1;
      case 0x08:
        return offset >= 0x10000 && offset < 0x18000 ? offset - 0x10000 : -1;
      default:
        return offset >= 0x18000 ? offset - 0x18000 : -1;
    }
  }

  read(offset: number, width: Width): number {
    let value = 0;
    for (let i = 0; i < width && i < 4; i++) value |= this.#readByte((offset + i) & 0x1ffff) << (8 * i);
    return value >>> 0;
  }

  write(offset: number, width: Width, value: number): void {
    const regs = this.#regs;
    if (width === 4 && regs.seq[4]! & 8 && (regs.seq[2]! & 15) === 15 && (offset & 3) === 0) {
      const at = this.#locate(offset);
      if (at < 0 || at + 4 > this.#bytes.length) return;
      this.#words[at >>> 2] = value;
      this.#mark(at);
      return;
    }
    for (let i = 0; i < width && i < 4; i++) this.#writeByte((offset + i) & 0x1ffff, (value >>> (8 * i)) & 0xff);
  }

  #readByte(offset: number): number {
    const { gfx, seq } = this.#regs;
    const at = this.#locate(offset);
    if (at < 0) return 0xff;
    if (seq[4]! & 8) return at < this.#bytes.length ? this.#bytes[at]! : 0xff;
    if (gfx[5]! & 0x10) {
      const byte = ((at & ~1) << 1) | (gfx[4]! & 2) | (at & 1);
      return byte < this.#bytes.length ? this.#bytes[byte]! : 0xff;
    }
    if (at >= this.#words.length) return 0xff;
    this.latch = this.#words[at]!;
    if (!(gfx[5]! & 8)) return (this.latch >>> (8 * (gfx[4]! & 3))) & 0xff;
    let differs = (this.latch ^ SPREAD[gfx[2]! & 15]!) & SPREAD[gfx[7]! & 15]!;
    differs |= differs >>> 16;
    differs |= differs >>> 8;
    return ~differs & 0xff;
  }

  #writeByte(offset: number, value: number): void {
    const { gfx, seq } = this.#regs;
    const at = this.#locate(offset);
    if (at < 0) return;
    if (seq[4]! & 8) {
      if (at < this.#bytes.length && seq[2]! & (1 << (at & 3))) {
        this.#bytes[at] = value;
        this.#mark(at);
      }
      return;
    }
    if (gfx[5]! & 0x10) {
      const plane = (gfx[4]! & 2) | (at & 1);
      const byte = ((at & ~1) << 1) | plane;
      if (byte < this.#bytes.length && seq[2]! & (1 << plane)) {
        this.#bytes[byte] = value;
        this.#mark(byte);
      }
      return;
    }
    if (at >= this.#words.length) return;
    const planes = SPREAD[seq[2]! & 15]!;
    const word = this.#latched(value);
    this.#words[at] = (this.#words[at]! & ~planes) | (word & planes);
    this.#mark(at << 2);
  }

  /** What the graphics controller makes of a CPU byte and the latches. */
  #latched(byte: number): number {
    const { gfx } = this.#regs;
    const turn = gfx[3]! & 7;
    let bits = gfx[8]!;
    let word: number;
    switch (gfx[5]! & 3) {
      case 1:
        return this.latch;
      case 2:
        word = SPREAD[byte & 15]!;
        break;
      case 3:
        bits &= (byte >>> turn) | (byte << (8 - turn));
        word = SPREAD[gfx[0]! & 15]!;
        break;
      default: {
        const rotated = ((byte >>> turn) | (byte << (8 - turn))) & 0xff;
        const fixed = SPREAD[gfx[1]! & 15]!;
        word = (Math.imul(rotated, 0x01010101) & ~fixed) | (SPREAD[gfx[0]! & 15]! & fixed);
      }
    }
    switch (gfx[3]! & 0x18) {
      case 0x08:
        word &= this.latch;
        break;
      case 0x10:
        word |= this.latch;
        break;
      case 0x18:
        word ^= this.latch;
        break;
      default:
        break;
    }
    const mask = Math.imul(bits & 0xff, 0x01010101);
    return (word & mask) | (this.latch & ~mask);
  }
}
