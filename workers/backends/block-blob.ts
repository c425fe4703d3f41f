// A read-only disk over a Blob (a dropped or stored file): read in pieces of 256 KiB as the guest asks, the newest pieces kept.
// Left out: writing; put an OverlayBlock on top.

import type { BlockBackend } from "../platform/types.ts";
import { SECTOR, sectorsOf } from "./block-memory.ts";

const PIECE = 256 * 1024;
const KEEP = 128;

export class BlobBlock implements BlockBackend {
  readonly sectors: number;
  readonly readOnly = true;
  readonly #blob: Blob;
  readonly #pieces = new Map<number, Promise<Uint8Array>>();
  constructor(blob: Blob, name = "The disk") {
    this.sectors = sectorsOf(blob.size, name);
    this.#blob = blob;
  }
  async read(sector: number, into: Uint8Array): Promise<void> {
    let done = 0;
    while (done < into.length) {
      const at = sector * SECTOR + done;
      const piece = await this.#piece(Math.floor(at / PIECE));
      const from = at % PIECE;
      const part = piece.subarray(from, from + into.length - done);
      if (part.length === 0) throw new Error("read past the end of the disk");
      into.set(part, done);
      done += part.length;
    }
  }
  async write(): Promise<void> {
    throw new Error("this disk is read-only");
  }
  async flush(): Promise<void> {}
  #piece(n: number): Promise<Uint8Array> {
    let piece = this.#pieces.get(n);
    if (piece) this.#pieces.delete(n);
    else {
      piece = this.#blob.slice(n * PIECE, (n + 1) * PIECE).arrayBuffer().then((b) => new Uint8Array(b));
      piece.catch(() => this.#pieces.delete(n));
    }
    this.#pieces.set(n, piece);
    if (this.#pieces.size > KEEP) this.#pieces.delete(this.#pieces.keys().next().value as number);
    return piece;
  }
}
