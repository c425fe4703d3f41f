// Disks that are read in chunks when touched: over HTTP with Range requests, and from a File or Blob. Read only; put an
// OverlayBlock on top to write. Chunks are kept in memory, least recently used first out. Left out: keeping them on disk.

import { FaultError } from "../../src/contract/schema.ts";
import type { BlockBackend } from "../platform/types.ts";
import { SECTOR, sectorsOf } from "./block-memory.ts";

const CHUNK = 256 * 1024;
/** 64 MiB of chunks. */
const KEPT = 256;

/** Reads by chunk through `fetchChunk`, which gives `length` bytes from `at`. Concurrent reads of one chunk share one fetch. */
class ChunkedBlock implements BlockBackend {
  readonly readOnly = true;
  readonly sectors: number;
  readonly #bytes: number;
  readonly #fetch: (at: number, length: number) => Promise<Uint8Array>;
  readonly #chunks = new Map<number, Promise<Uint8Array>>();

  constructor(bytes: number, name: string, fetchChunk: (at: number, length: number) => Promise<Uint8Array>) {
    this.sectors = sectorsOf(bytes, name);
    this.#bytes = bytes;
    this.#fetch = fetchChunk;
  }
  #chunk(index: number): Promise<Uint8Array> {
    let chunk = this.#chunks.get(index);
    if (chunk) this.#chunks.delete(index);
    else {
      chunk = this.#fetch(index * CHUNK, Math.min(CHUNK, this.#bytes - index * CHUNK));
      chunk.catch(() => this.#chunks.delete(index));
      if (this.#chunks.size >= KEPT) this.#chunks.delete(this.#chunks.keys().next().value as number);
    }
    this.#chunks.set(index, chunk);
    return chunk;
  }
  async read(sector: number, into: Uint8Array): Promise<void> {
    const from = sector * SECTOR;
    const parts: Promise<void>[] = [];
    for (let index = Math.floor(from / CHUNK); index * CHUNK < from + into.length; index++)
      parts.push(
        this.#chunk(index).then((chunk) => {
          const start = Math.max(from, index * CHUNK);
          const end = Math.min(from + into.length, index * CHUNK + chunk.length);
          into.set(chunk.subarray(start - index * CHUNK, end - index * CHUNK), start - from);
        }),
      );
    await Promise.all(parts);
  }
  async write(): Promise<void> {
    throw new Error("this disk is read only");
  }
  async flush(): Promise<void> {}
}

/** What we need of a Blob or File. */
export interface Sliceable {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}
export function blobBlock(blob: Sliceable, name = "The file"): BlockBackend {
  return new ChunkedBlock(blob.size, name, async (at, length) => new Uint8Array(await blob.slice(at, at + length).arrayBuffer()));
}

interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  arrayBuffer(): Promise<ArrayBuffer>;
}
type Fetch = (url: string, init: { readonly headers?: { readonly [name: string]: string }; readonly method?: string }) => Promise<Answer>;

/** Opens a disk on a web server. Asks for one byte first: the answer tells the size and whether ranges work. */
export async function httpBlock(url: string, fetchIt: Fetch = (globalThis as unknown as { fetch: Fetch }).fetch): Promise<BlockBackend> {
  let first: Answer;
  try {
    first = await fetchIt(url, { headers: { Range: "bytes=0-0" } });
  } catch {
    throw new FaultError("url.unreachable", `Cannot reach ${url}.`, "Is the address right, and does the server allow other sites to read it (CORS)?");
  }
  if (!first.ok) throw new FaultError("url.status", `${url} answered ${first.status}.`);
  if (first.status !== 206) {
    // No ranges: take the whole answer that is already on its way.
    const whole = new Uint8Array(await first.arrayBuffer());
    return blobBlock({ size: whole.length, slice: (a, b) => ({ arrayBuffer: async () => whole.slice(a, b).buffer as ArrayBuffer }) }, url);
  }
  const total = Number(/\/(\d+)$/.exec(first.headers.get("Content-Range") ?? "")?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(total)) throw new FaultError("url.size", `${url} does not tell its size.`, "The server must send Content-Range with the total.");
  return new ChunkedBlock(total, url, async (at, length) => {
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await fetchIt(url, { headers: { Range: `bytes=${at}-${at + length - 1}` } });
        const bytes = answer.status === 206 ? new Uint8Array(await answer.arrayBuffer()) : null;
        if (bytes?.length === length) return bytes;
        throw new Error(`answered ${answer.status} with ${bytes?.length ?? 0} bytes`);
      } catch (error) {
        if (attempt === 2) throw error;
      }
    }
  });
}
