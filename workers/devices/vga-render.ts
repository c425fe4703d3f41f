// Turns VGA state into an RGBA picture: text (8, 9 or 16 dots, blink, cursor, underline, panning, split screen), planar,
// CGA-shifted, 256-colour and DISPI modes. From the IBM VGA data book, "Attribute Controller" and "CRT Controller".
// DISPI pictures redraw only lines on dirty pages; the others are small and are redrawn whole when something changed.
// Left out: overscan border, cursor and display skew, colour-plane readback, interlace.

import { CP437 } from "./vga-font.ts";
import { DISPI, type VgaRegisters } from "./vga-registers.ts";

const MAX_PIXELS = 2560 * 1600;
/** Cursor: 32 frames at 60 Hz, half on and half off, as QEMU draws it (the data book has 16); characters half as fast. */
const CURSOR_HALF_NS = 266_000_000;
const BLINK_HALF_NS = 532_000_000;
/** A cursor that blinked so long over a still picture stays on, as in terminals (VTE's cursor-blink-timeout): an idle machine shall cost little. */
const BLINKING_NS = 10e9;
/** A still picture that may be written behind our back: through the linear framebuffer, which text hardly ever is. */
const QUIET_LOOK_NS = 100_000_000, QUIET_TEXT_LOOK_NS = 500_000_000;
const OPAQUE = 0xff000000;

/** A byte to eight nibbles, leftmost pixel in the top nibble. */
const PIXELS = Uint32Array.from({ length: 256 }, (_, v) => {
  let word = 0;
  for (let bit = 0; bit < 8; bit++) if (v & (1 << bit)) word |= 1 << (4 * bit);
  return word >>> 0;
});

export interface TextCursor {
  readonly x: number;
  readonly y: number;
}

export class VgaRenderer {
  width = 0;
  height = 0;
  /** Rows of the last text picture; null in graphics modes. */
  rows: readonly string[] | null = null;
  cursor: TextCursor | null = null;
  readonly #regs: VgaRegisters;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #halves: Uint16Array;
  #pixels = new Uint32Array(0);
  rgba = new Uint8ClampedArray(0);
  readonly #palette16 = new Uint32Array(16);
  readonly #palette256 = new Uint32Array(256);
  readonly #line = new Uint32Array(4096);
  #phases = -1;
  /** When the picture last changed by more than blinking. */
  #changedNs = 0;
  #blinks = false;
  #mode = "";
  /** Lines of a row of text, or 0 when rows do not follow each other simply (split, doubled or scrolled by lines). */
  #cellHeight = 0;
  /** The lines that the last picture changed. */
  changedFrom = 0;
  changedTo = 0;
  /** The last picture differs from the one before by the cursor alone. */
  onlyBlinked = false;

  constructor(regs: VgaRegisters, bytes: Uint8Array) {
    this.#regs = regs;
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.#halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  }

  /**
   * Brings the picture up to date. `dirty` has one bit per 4 KiB page of video memory. Returns true when pixels changed.
   */
  render(dirty: Uint32Array, nowNs: number): boolean {
    const drawn = this.#draw(dirty, nowNs);
    if (drawn && !this.onlyBlinked) {
      this.changedFrom = 0;
      this.changedTo = this.height;
    }
    return drawn;
  }
  /** When a picture that stands still is to be looked at next: at the cursor's next turn, or now and then. */
  nextLook(nowNs: number): number {
    if (this.#mode !== "text") return nowNs + QUIET_LOOK_NS;
    if (!this.#blinks && (this.cursor === null || nowNs - this.#changedNs > BLINKING_NS)) return nowNs + QUIET_TEXT_LOOK_NS;
    return (Math.floor(nowNs / CURSOR_HALF_NS) + 1) * CURSOR_HALF_NS;
  }

  #draw(dirty: Uint32Array, nowNs: number): boolean {
    const regs = this.#regs;
    const full = regs.changed;
    regs.changed = false;
    this.onlyBlinked = false;
    const blank = !(regs.attrIndex & 0x20) || (regs.seq[1]! & 0x20) !== 0;
    const mode = blank ? "blank" : regs.dispiOn ? "dispi" : regs.gfx[6]! & 1 ? "graphics" : "text";
    const switched = mode !== this.#mode;
    this.#mode = mode;
    if (mode === "dispi") return this.#renderDispi(dirty, full || switched);
    const touched = full || switched || anyDirty(dirty, 256 / 4);
    if (mode === "blank") return this.#renderBlank(switched);
    if (mode === "graphics") return touched && this.#renderGraphics();
    if (touched || nowNs < this.#changedNs) this.#changedNs = nowNs;
    const cursorOff = nowNs - this.#changedNs > BLINKING_NS ? 0 : Math.floor(nowNs / CURSOR_HALF_NS) & 1;
    const phases = cursorOff | ((Math.floor(nowNs / BLINK_HALF_NS) & 1) << 1);
    const turned = phases ^ this.#phases;
    const animated =
      this.#phases < 0 || ((turned & 1) !== 0 && this.cursor !== null) || ((turned & 2) !== 0 && this.#blinks);
    if (!touched && !animated) return false;
    this.#phases = phases;
    const { cursor } = this;
    if (!touched && cursor !== null && this.#cellHeight > 0 && !this.#blinks) {
      // The cursor's own lines are enough.
      this.onlyBlinked = true;
      this.changedFrom = Math.min(this.height, cursor.y * this.#cellHeight);
      this.changedTo = Math.min(this.height, this.changedFrom + this.#cellHeight);
      return this.#renderText((phases & 1) === 0, true, this.changedFrom, this.changedTo);
    }
    return this.#renderText((phases & 1) === 0, (phases & 2) === 0, 0, Number.POSITIVE_INFINITY);
  }

  #resize(width: number, height: number): boolean {
    if (width < 1 || height < 1 || width * height > MAX_PIXELS || width > 4000) return false;
    if (width !== this.width || height !== this.height) {
      this.width = width;
      this.height = height;
      if (this.#pixels.length !== width * height) {
        this.#pixels = new Uint32Array(width * height);
        this.rgba = new Uint8ClampedArray(this.#pixels.buffer);
      }
    }
    return true;
  }

  #colour(index: number): number {
    const { dac, dac8, pelMask } = this.#regs;
    const at = (index & pelMask) * 3;
    const [r, g, b] = [dac[at]!, dac[at + 1]!, dac[at + 2]!];
    if (dac8) return (OPAQUE | (b << 16) | (g << 8) | r) >>> 0;
    // Six bits to eight as QEMU does it: the lowest bit fills both new ones.
    const wide = (v: number) => (v << 2) | (v & 1 ? 3 : 0);
    return (OPAQUE | (wide(b) << 16) | (wide(g) << 8) | wide(r)) >>> 0;
  }
  #updatePalette16(): void {
    const { attr } = this.#regs;
    const enabled = attr[0x12]! & 15;
    for (let i = 0; i < 16; i++) {
      const v = attr[i & enabled]!;
      const index =
        attr[0x10]! & 0x80 ? ((attr[0x14]! & 15) << 4) | (v & 15) : ((attr[0x14]! & 12) << 4) | (v & 0x3f);
      this.#palette16[i] = this.#colour(index);
    }
  }
  #updatePalette256(): void {
    for (let i = 0; i < 256; i++) this.#palette256[i] = this.#colour(i);
  }

  #renderBlank(switched: boolean): boolean {
    if (!switched) return false;
    this.rows = null;
    this.cursor = null;
    if (this.width === 0) this.#resize(640, 400);
    this.#pixels.fill(OPAQUE >>> 0);
    return true;
  }

  // ---- text ---------------------------------------------------------------------------------------------------------

  /** Lines outside `from` to `to` - 1 stay as they are. */
  #renderText(cursorOn: boolean, blinkOn: boolean, from: number, to: number): boolean {
    const { crtc, seq, attr } = this.#regs;
    const cellHeight = (crtc[9]! & 0x1f) + 1;
    const columns = crtc[1]! + 1;
    const cellWidth = seq[1]! & 8 ? 16 : seq[1]! & 1 ? 8 : 9;
    const height = this.#regs.displayLines;
    if (columns < 2 || height < cellHeight) return false;
    const width = columns * cellWidth;
    if (!this.#resize(width, height)) return false;
    this.#updatePalette16();

    const doubled = crtc[9]! >> 7;
    const rowStep = crtc[0x13]! << 1;
    const start = ((crtc[0x0c]! << 8) | crtc[0x0d]!) + ((crtc[8]! >> 5) & 3);
    const lineCompare = this.#regs.lineCompare;
    const cursorAt = (crtc[0x0e]! << 8) | crtc[0x0f]!;
    const cursorFirst = crtc[0x0a]! & 0x1f;
    const cursorLast = Math.min(crtc[0x0b]! & 0x1f, cellHeight - 1);
    const cursorEnabled = !(crtc[0x0a]! & 0x20) && cursorFirst <= cursorLast;
    const map = seq[3]!;
    const fontA = (((map >> 4) & 1) | ((map << 1) & 6)) * 32768 + 2;
    const fontB = (((map >> 5) & 1) | ((map >> 1) & 6)) * 32768 + 2;
    const blinking = (attr[0x10]! & 8) !== 0;
    const ninth = (attr[0x10]! & 4) !== 0;
    const underline = crtc[0x14]! & 0x1f;
    // Panning counts dots; in 9-dot modes 8 means none and 0-7 mean 1-8.
    const panCode = attr[0x13]! & 15;
    const pan = cellWidth === 9 ? (panCode >= 8 ? 0 : panCode + 1) : (panCode & 7) * (cellWidth >> 3);
    const bytes = this.#bytes;
    const words = this.#words;
    const palette = this.#palette16;

    let address = start;
    let scan = crtc[8]! & 0x1f;
    let repeat = doubled;
    let panNow = pan;
    this.#blinks = false;
    this.#cellHeight = doubled === 0 && scan === 0 && lineCompare >= height ? cellHeight : 0;
    for (let y = 0; y < height; y++) {
      const target = panNow ? this.#line : this.#pixels;
      let out = panNow ? 0 : y * width;
      const cells = y < from || y >= to ? 0 : panNow ? columns + 1 : columns;
      for (let column = 0; column < cells; column++) {
        const cell = (address + column) & 0xffff;
        const word = words[cell]!;
        const code = word & 0xff;
        const look = (word >>> 8) & 0xff;
        let fg = palette[look & 15]!;
        let back = look >> 4;
        if (blinking) {
          if (back & 8) {
            this.#blinks = true;
            if (!blinkOn) fg = palette[back & 7]!;
          }
          back &= 7;
        }
        const bg = palette[back]!;
        let bits = bytes[(look & 8 ? fontA : fontB) + ((code << 5) + scan) * 4]!;
        if (scan === underline && (look & 7) === 1) bits = 0xff;
        let last = ninth && code >= 0xc0 && code <= 0xdf ? bits & 1 : 0;
        if (cursorEnabled && cursorOn && cell === cursorAt && scan >= cursorFirst && scan <= cursorLast) {
          bits = 0xff;
          last = 1;
        }
        if (cellWidth === 16) {
          for (let bit = 0x80; bit; bit >>= 1) {
            const colour = bits & bit ? fg : bg;
            target[out++] = colour;
            target[out++] = colour;
          }
        } else {
          target[out] = bits & 0x80 ? fg : bg;
          target[out + 1] = bits & 0x40 ? fg : bg;
          target[out + 2] = bits & 0x20 ? fg : bg;
          target[out + 3] = bits & 0x10 ? fg : bg;
          target[out + 4] = bits & 0x08 ? fg : bg;
          target[out + 5] = bits & 0x04 ? fg : bg;
          target[out + 6] = bits & 0x02 ? fg : bg;
          target[out + 7] = bits & 0x01 ? fg : bg;
          out += 8;
          if (cellWidth === 9) target[out++] = last ? fg : bg;
        }
      }
      if (panNow && cells > 0) this.#pixels.set(this.#line.subarray(panNow, panNow + width), y * width);
      if (y === lineCompare) {
        address = 0;
        scan = 0;
        repeat = doubled;
        if (attr[0x10]! & 0x20) panNow = 0;
      } else if (repeat) repeat--;
      else {
        repeat = doubled;
        if (++scan >= cellHeight) {
          scan = 0;
          address += rowStep;
        }
      }
    }
    if (!this.onlyBlinked) this.#readText(start, columns, Math.max(1, Math.floor(height / (cellHeight << doubled))), rowStep, cursorAt, cursorEnabled);
    return true;
  }

  #readText(start: number, columns: number, count: number, rowStep: number, cursorAt: number, cursorEnabled: boolean): void {
    const rows: string[] = [];
    let cursor: TextCursor | null = null;
    for (let y = 0; y < count; y++) {
      let row = "";
      for (let x = 0; x < columns; x++) {
        const cell = (start + y * rowStep + x) & 0xffff;
        row += CP437[this.#words[cell]! & 0xff];
        if (cell === cursorAt && cursorEnabled) cursor = { x, y };
      }
      rows.push(row);
    }
    this.rows = rows;
    this.cursor = cursor;
  }

  // ---- graphics through the planes ----------------------------------------------------------------------------------

  #renderGraphics(): boolean {
    const { crtc, seq, gfx, attr } = this.#regs;
    const shift = (gfx[5]! >> 5) & 3;
    const halved = (seq[1]! & 8) !== 0;
    const cells = crtc[1]! + 1;
    const height = this.#regs.displayLines;
    // Dots per cell are 8; a halved dot clock shows each twice, and 256-colour pixels take two dots.
    const width = cells * 8 * (halved ? 2 : 1);
    if (!this.#resize(width, height)) return false;
    this.rows = null;
    this.cursor = null;
    if (shift >= 2) this.#updatePalette256();
    else this.#updatePalette16();

    const doubled = crtc[9]! >> 7;
    const scans = (crtc[9]! & 0x1f) + 1;
    const rowStep = crtc[0x13]! << 1;
    const byteMode = (crtc[0x17]! >> 6) & 1;
    const lineCompare = this.#regs.lineCompare;
    const wordCount = cells;
    const panCode = attr[0x13]! & 7;
    const pan = shift >= 2 ? panCode & 6 : panCode * (halved ? 2 : 1);
    let address = ((crtc[0x0c]! << 8) | crtc[0x0d]!) + ((crtc[8]! >> 5) & 3);
    let scan = crtc[8]! & 0x1f;
    let repeat = doubled;
    let panNow = pan;
    let previous = -1;
    for (let y = 0; y < height; y++) {
      let from = address;
      if (!(crtc[0x17]! & 1)) {
        const bit = 1 << (12 + byteMode);
        from = (from & ~bit) | (scan & 1 ? bit : 0);
      }
      if (!(crtc[0x17]! & 2)) {
        const bit = 1 << 13;
        from = (from & ~bit) | (scan & 2 ? bit : 0);
      }
      const key = from * 16 + panNow;
      if (key === previous) this.#pixels.copyWithin(y * width, (y - 1) * width, y * width);
      else {
        if (panNow === 0) this.#drawPlanarLine(this.#pixels, y * width, from, wordCount, shift, halved);
        else {
          this.#drawPlanarLine(this.#line, 0, from, wordCount + 1, shift, halved);
          this.#pixels.set(this.#line.subarray(panNow, panNow + width), y * width);
        }
        previous = key;
      }
      if (y === lineCompare) {
        address = 0;
        scan = 0;
        repeat = doubled;
        if (attr[0x10]! & 0x20) panNow = 0;
      } else if (repeat) repeat--;
      else {
        repeat = doubled;
        if (++scan >= scans) {
          scan = 0;
          address += rowStep;
        }
      }
    }
    return true;
  }

  /** Draws `count` words of four planes: 8 pixels each, or 4 double-width ones with 256 colours. */
  #drawPlanarLine(into: Uint32Array, at: number, from: number, count: number, shift: number, halved: boolean): void {
    const words = this.#words;
    let out = at;
    if (shift >= 2) {
      const palette = this.#palette256;
      for (let i = 0; i < count; i++) {
        const word = words[(from + i) & 0xffff]!;
        const a = palette[word & 0xff]!;
        const b = palette[(word >>> 8) & 0xff]!;
        const c = palette[(word >>> 16) & 0xff]!;
        const d = palette[word >>> 24]!;
        into[out] = into[out + 1] = a;
        into[out + 2] = into[out + 3] = b;
        into[out + 4] = into[out + 5] = c;
        into[out + 6] = into[out + 7] = d;
        out += 8;
      }
      return;
    }
    const palette = this.#palette16;
    for (let i = 0; i < count; i++) {
      const word = words[(from + i) & 0xffff]!;
      const pixels = shift === 0 ? planar(word) : cgaShifted(word);
      for (let nibble = 28; nibble >= 0; nibble -= 4) {
        const colour = palette[(pixels >>> nibble) & 15]!;
        into[out++] = colour;
        if (halved) into[out++] = colour;
      }
    }
  }

  // ---- DISPI --------------------------------------------------------------------------------------------------------

  #renderDispi(dirty: Uint32Array, all: boolean): boolean {
    const regs = this.#regs;
    const width = regs.dispi[DISPI.XRES]!;
    const height = regs.dispi[DISPI.YRES]!;
    const bits = regs.dispi[DISPI.BPP]!;
    if (!this.#resize(width, height)) return false;
    this.rows = null;
    this.cursor = null;
    if (all) {
      if (bits === 4) this.#updatePalette16();
      else if (bits === 8) this.#updatePalette256();
    }
    const step = regs.dispiLineBytes;
    const shown = bits === 15 ? width * 2 : (width * bits) >> 3;
    let drawn = false;
    for (let y = 0; y < height; y++) {
      const from = regs.dispiStart + y * step;
      if (!all && !rangeDirty(dirty, from, shown)) continue;
      drawn = true;
      this.#drawDispiLine(y * width, from, width, bits);
    }
    return drawn;
  }

  #drawDispiLine(at: number, from: number, width: number, bits: number): void {
    const into = this.#pixels;
    switch (bits) {
      case 32: {
        const words = this.#words;
        let source = from >> 2;
        for (let out = at, end = at + width; out < end; out++) {
          const v = words[source++]!;
          into[out] = OPAQUE | ((v & 0xff) << 16) | (v & 0xff00) | ((v >>> 16) & 0xff);
        }
        break;
      }
      case 24: {
        const bytes = this.#bytes;
        let source = from;
        for (let out = at, end = at + width; out < end; out++, source += 3)
          into[out] = OPAQUE | (bytes[source]! << 16) | (bytes[source + 1]! << 8) | bytes[source + 2]!;
        break;
      }
      case 16: {
        const halves = this.#halves;
        let source = from >> 1;
        for (let out = at, end = at + width; out < end; out++) {
          const v = halves[source++]!;
          const [r, g, b] = [v >> 11, (v >> 5) & 63, v & 31];
          into[out] = OPAQUE | (((b << 3) | (b >> 2)) << 16) | (((g << 2) | (g >> 4)) << 8) | ((r << 3) | (r >> 2));
        }
        break;
      }
      case 15: {
        const halves = this.#halves;
        let source = from >> 1;
        for (let out = at, end = at + width; out < end; out++) {
          const v = halves[source++]!;
          const [r, g, b] = [(v >> 10) & 31, (v >> 5) & 31, v & 31];
          into[out] = OPAQUE | (((b << 3) | (b >> 2)) << 16) | (((g << 3) | (g >> 2)) << 8) | ((r << 3) | (r >> 2));
        }
        break;
      }
      case 8: {
        const { pelMask } = this.#regs;
        const bytes = this.#bytes;
        const palette = this.#palette256;
        if (pelMask === 0) into.fill(palette[0]!, at, at + width);
        else for (let i = 0; i < width; i++) into[at + i] = palette[bytes[from + i]!]!;
        break;
      }
      default: {
        const palette = this.#palette16;
        let out = at;
        for (let i = 0; i < width >> 3; i++) {
          const pixels = planar(this.#words[(from >> 2) + i]!);
          for (let nibble = 28; nibble >= 0; nibble -= 4) into[out++] = palette[(pixels >>> nibble) & 15]!;
        }
      }
    }
  }
}

function planar(word: number): number {
  return (
    PIXELS[word & 0xff]! |
    (PIXELS[(word >>> 8) & 0xff]! << 1) |
    (PIXELS[(word >>> 16) & 0xff]! << 2) |
    (PIXELS[word >>> 24]! << 3)
  );
}

/** Shift mode 1: even plane pairs give four pixels, then odd pairs; planes 2-3 add the upper two bits. */
function cgaShifted(word: number): number {
  let pixels = 0;
  for (let half = 0; half < 2; half++) {
    const low = (word >>> (8 * half)) & 0xff;
    const high = (word >>> (8 * half + 16)) & 0xff;
    for (let turn = 6; turn >= 0; turn -= 2)
      pixels = (pixels << 4) | ((low >> turn) & 3) | (((high >> turn) & 3) << 2);
  }
  return pixels >>> 0;
}

function anyDirty(dirty: Uint32Array, pages: number): boolean {
  for (let i = 0; i < pages >> 5; i++) if (dirty[i]) return true;
  return false;
}
function rangeDirty(dirty: Uint32Array, from: number, length: number): boolean {
  for (let page = from >>> 12; page <= (from + length - 1) >>> 12; page++)
    if (dirty[page >>> 5]! & (1 << (page & 31))) return true;
  return false;
}
