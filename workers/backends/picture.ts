// Where a picture goes when there is no page: nowhere, or into memory for screendumps and tests.

import type { PictureBackend } from "../platform/types.ts";

export const nullPicture: PictureBackend = { frame: () => {}, text: () => {}, refreshNs: Number.POSITIVE_INFINITY };

/** Keeps the last picture. With the default period of infinity it is only drawn when asked (DisplayDevice.refresh). */
export class CapturePicture implements PictureBackend {
  readonly refreshNs: number;
  width = 0;
  height = 0;
  rgba = new Uint8ClampedArray(0);
  rows: readonly string[] | null = null;
  cursor: { readonly x: number; readonly y: number } | null = null;
  frames = 0;
  constructor(refreshNs: number = Number.POSITIVE_INFINITY) {
    this.refreshNs = refreshNs;
  }
  frame(width: number, height: number, rgba: Uint8ClampedArray): void {
    this.width = width;
    this.height = height;
    if (this.rgba.length !== rgba.length) this.rgba = new Uint8ClampedArray(rgba.length);
    this.rgba.set(rgba);
    this.frames++;
  }
  text(rows: readonly string[] | null, cursor: { readonly x: number; readonly y: number } | null): void {
    this.rows = rows;
    this.cursor = cursor;
  }
}
