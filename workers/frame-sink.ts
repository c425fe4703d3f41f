// The picture behind a display device: writes frames and text rows into a FrameView that the page reads. Header word 0 is a sequence
// lock: odd while a frame is being written, so that a reader that saw the same even number before and after has a whole frame.

import { FRAME_HEADER_BYTES, FRAME_PIXEL_BYTES, FRAME_TEXT_BYTES, type FrameView } from "../src/contract/machine.ts";
import type { PictureBackend } from "./platform/types.ts";

const MOST_WIDTH = 1920;
const MOST_HEIGHT = 1080;
const REFRESH_NS = 33_000_000;

export function createFrameView(): FrameView {
  return {
    header: new SharedArrayBuffer(FRAME_HEADER_BYTES),
    pixels: new SharedArrayBuffer(FRAME_PIXEL_BYTES),
    text: new SharedArrayBuffer(FRAME_TEXT_BYTES),
  };
}
export class FrameSink implements PictureBackend {
  readonly refreshNs = REFRESH_NS;
  readonly #header: Int32Array;
  readonly #pixels: Uint8Array;
  readonly #text: Uint16Array;
  constructor(view: FrameView) {
    this.#header = new Int32Array(view.header);
    this.#pixels = new Uint8Array(view.pixels);
    this.#text = new Uint16Array(view.text);
  }
  /** Has the reader the picture as it is? */
  #seen(): boolean {
    return Atomics.load(this.#header, 10) === Atomics.load(this.#header, 0);
  }
  #locked(write: () => void): void {
    Atomics.add(this.#header, 0, 1);
    write();
    Atomics.add(this.#header, 0, 1);
  }
  get watched(): boolean {
    return Atomics.load(this.#header, 11) !== 0;
  }
  frame(width: number, height: number, rgba: Uint8ClampedArray, from = 0, to = height): void {
    const header = this.#header;
    const w = Math.min(width, MOST_WIDTH);
    const h = Math.min(height, MOST_HEIGHT);
    const whole = header[1] !== w || header[2] !== h;
    const first = whole ? 0 : from;
    const end = whole ? h : Math.min(h, to);
    // Lines that the reader has not seen yet stay marked.
    const seen = this.#seen() || (header[8] as number) >= (header[9] as number);
    this.#locked(() => {
      header[1] = w;
      header[2] = h;
      header[8] = seen || whole ? first : Math.min(first, header[8] as number);
      header[9] = seen || whole ? end : Math.max(end, header[9] as number);
      if (w === width) this.#pixels.set(rgba.subarray(first * w * 4, end * w * 4), first * w * 4);
      else for (let y = first; y < end; y++) this.#pixels.set(rgba.subarray(y * width * 4, (y * width + w) * 4), y * w * 4);
    });
  }
  text(rows: readonly string[] | null, cursor: { readonly x: number; readonly y: number } | null): void {
    const header = this.#header;
    const seen = this.#seen();
    this.#locked(() => {
      if (seen) header[8] = header[9] = 0;
      header[3] = rows ? 1 : 0;
      const columns = rows ? Math.min(200, Math.max(0, ...rows.map((r) => r.length))) : 0;
      const count = rows ? Math.min(100, rows.length) : 0;
      header[4] = columns;
      header[5] = count;
      header[6] = cursor?.x ?? -1;
      header[7] = cursor?.y ?? -1;
      for (let y = 0; y < count; y++) {
        const row = rows?.[y] ?? "";
        for (let x = 0; x < columns; x++) this.#text[y * columns + x] = x < row.length ? row.charCodeAt(x) : 32;
      }
    });
  }
}

/** The picture on a canvas; null where there is none or nothing can draw it. */
function canvasOf(view: FrameView): OffscreenCanvas | null {
  const [, width = 0, height = 0] = new Int32Array(view.header);
  if (width <= 0 || height <= 0 || width > MOST_WIDTH || height > MOST_HEIGHT || typeof OffscreenCanvas === "undefined") return null;
  const full = new OffscreenCanvas(width, height);
  full.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(new Uint8Array(view.pixels, 0, width * height * 4).slice().buffer), width, height), 0, 0);
  return full;
}
const pngOf = async (canvas: OffscreenCanvas) => new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
/** The picture as a PNG file, or null. */
export async function framePng(view: FrameView): Promise<Uint8Array | null> {
  const full = canvasOf(view);
  return full && pngOf(full);
}
/** The picture in small, as a data URL; "" where there is none or nothing can draw it. */
export async function thumbnail(view: FrameView): Promise<string> {
  const full = canvasOf(view);
  if (!full) return "";
  const { width, height } = full;
  const small = new OffscreenCanvas(192, Math.max(1, Math.round((192 * height) / width)));
  small.getContext("2d")?.drawImage(full, 0, 0, small.width, small.height);
  const bytes = await pngOf(small);
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
}
