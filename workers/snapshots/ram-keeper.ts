// RAM in snapshots: chunks of 64 KiB, packed with Zstandard. A snapshot after another packs only chunks with pages written since; chunks that
// did not change are shared. Going back marks pages as deferred: each chunk is unpacked when the guest (or DMA) first touches it, so that
// reverting takes milliseconds whatever the size (architecture 4, the frame pool).

import type { Seed } from "../../src/contract/machine.ts";
import { isZero } from "../backends/image.ts";
import { zstdCompress, zstdDecompress } from "../backends/compress.ts";
import type { PoolMemory } from "../cpu/guest-memory.ts";
import type { HotPages } from "./vm-file.ts";

export const CHUNK_PAGES = 16;
const PAGE = 4096;
export const CHUNK_BYTES = CHUNK_PAGES * PAGE;

/** A chunk as it is kept; null: zeros. The same object means the same contents. */
export interface PackedChunk {
  readonly bytes: Uint8Array;
  /** The bytes are the contents themselves, in memory that other machines read too. */
  readonly raw?: true;
  /** What it is called in the library, when it has a name: one name means the same contents too. */
  name?: string;
}
export const sameChunk = (a: PackedChunk | undefined, b: PackedChunk | undefined): boolean => a === b || (a?.name !== undefined && a.name === b?.name);
export type Chunks = ReadonlyMap<number, PackedChunk>;

export class RamKeeper {
  readonly #memory: PoolMemory;
  /** What each chunk held when it was last saved or loaded; undefined: never. */
  #known: Map<number, PackedChunk | null> | null = null;
  /** Chunks written since. */
  readonly #written = new Set<number>();
  /** Told of each page that is touched first: that page alone arrives then, not its chunk. For whoever finds out what a start needs. */
  onTouch: ((page: number) => void) | null = null;
  readonly #scratch = new Uint8Array(CHUNK_BYTES);

  constructor(memory: PoolMemory) {
    this.#memory = memory;
  }
  #look(): void {
    this.#memory.takeWritten((page) => this.#written.add(Math.floor(page / CHUNK_PAGES)));
  }
  /** RAM by chunks: chunk, first page and the page behind the last. A chunk that two runs of RAM share comes twice. */
  *#pieces(): Generator<readonly [chunk: number, from: number, end: number]> {
    for (const [first, pages] of this.#memory.ramRuns())
      for (let chunk = Math.floor(first / CHUNK_PAGES); chunk * CHUNK_PAGES < first + pages; chunk++) yield [chunk, Math.max(first, chunk * CHUNK_PAGES), Math.min(first + pages, (chunk + 1) * CHUNK_PAGES)];
  }
  /** The contents of RAM now; packs what changed since the last capture or restore. */
  capture(level = 1): Chunks {
    this.#look();
    const before = this.#known;
    const known = new Map<number, PackedChunk | null>();
    for (const [chunk] of this.#pieces()) {
      if (known.has(chunk)) continue;
      const kept = before?.get(chunk);
      if (kept === undefined || this.#written.has(chunk)) known.set(chunk, this.#pack(chunk, level));
      else if (kept?.raw) known.set(chunk, { bytes: zstdCompress(kept.bytes, level), ...(kept.name === undefined ? {} : { name: kept.name }) });
      else known.set(chunk, kept);
    }
    this.#known = known;
    this.#written.clear();
    return withoutZeros(known);
  }
  #pack(chunk: number, level: number): PackedChunk | null {
    return this.#copy(chunk, this.#scratch) ? { bytes: zstdCompress(this.#scratch, level) } : null;
  }
  /** Contents of a chunk; false when it is zeros. */
  #copy(chunk: number, into: Uint8Array): boolean {
    const memory = this.#memory;
    const first = chunk * CHUNK_PAGES;
    for (let page = first; page < first + CHUNK_PAGES; page++) if (memory.isDeferred(page)) memory.pageIn(page);
    // Nearly always its frames lie side by side.
    const whole = memory.frames(first, CHUNK_PAGES);
    if (whole) {
      if (isZero(whole)) return false;
      into.set(whole);
      return true;
    }
    let zero = true;
    for (let n = 0; n < CHUNK_PAGES; n++) {
      const to = into.subarray(n * PAGE, (n + 1) * PAGE);
      const frame = memory.frames(first + n, 1);
      if (!frame) to.fill(0);
      else {
        zero &&= isZero(frame);
        to.set(frame);
      }
    }
    return !zero;
  }
  /** RAM as it is now, unpacked, in memory that other workers can read. Nothing is packed; what the guest has not touched stays deferred. */
  copy(): Pick<Seed, "ram" | "chunks" | "names"> {
    this.#look();
    const memory = this.#memory;
    const sure = (chunk: number) => (this.#written.has(chunk) ? undefined : this.#known?.get(chunk));
    const all: number[] = [];
    for (const [chunk] of this.#pieces())
      // A chunk that was never saved and never written holds zeros.
      if (sure(chunk) !== null && (this.#known || this.#written.has(chunk)) && all[all.length - 1] !== chunk) all.push(chunk);
    const ram = new SharedArrayBuffer(all.length * CHUNK_BYTES);
    const chunks = new Uint32Array(new SharedArrayBuffer(all.length * 4));
    const names: string[] = [];
    let n = 0;
    for (const chunk of all) {
      const into = new Uint8Array(ram, n * CHUNK_BYTES, CHUNK_BYTES);
      const kept = sure(chunk);
      if (kept?.raw) into.set(kept.bytes);
      else if (kept && memory.isDeferred(chunk * CHUNK_PAGES)) into.set(zstdDecompress(kept.bytes, CHUNK_BYTES, "the snapshot"));
      else if (!this.#copy(chunk, into)) continue;
      if (kept?.name !== undefined) {
        while (names.length < n) names.push("");
        names.push(kept.name);
      }
      chunks[n++] = chunk;
    }
    return { ram, chunks: chunks.subarray(0, n), names };
  }
  /** Makes RAM hold `chunks` again; `hot` are pages of them that shall be there at once. Returns how many chunks differ from what is there. */
  restore(chunks: Chunks, hot?: HotPages): number {
    this.#look();
    const memory = this.#memory;
    const before = this.#known;
    const known = new Map<number, PackedChunk | null>();
    const deferred: [from: number, end: number][] = [];
    let pages = 0;
    for (const [chunk, from, end] of this.#pieces()) {
      const wanted = chunks.get(chunk) ?? null;
      known.set(chunk, wanted);
      // RAM that was never saved or loaded holds zeros where nobody wrote.
      if (!this.#written.has(chunk) && (before ? before.get(chunk) : null) === wanted) continue;
      const last = deferred[deferred.length - 1];
      if (last?.[1] === from) last[1] = end;
      else deferred.push([from, end]);
      pages += end - from;
    }
    this.#known = known;
    this.#written.clear();
    memory.defer(deferred, (page) => this.#arrive(page));
    hot?.pages.forEach((page, n) => {
      if (memory.isDeferred(page)) this.#put(page, hot.bytes.subarray(n * PAGE, (n + 1) * PAGE));
    });
    return pages / CHUNK_PAGES;
  }
  #arrive(touched: number): void {
    const chunk = Math.floor(touched / CHUNK_PAGES);
    const packed = this.#known?.get(chunk) ?? null;
    const bytes = packed?.raw ? packed.bytes : packed && zstdDecompress(packed.bytes, CHUNK_BYTES, "the snapshot");
    const first = chunk * CHUNK_PAGES;
    this.onTouch?.(touched);
    const [from, end] = this.onTouch ? [touched, touched + 1] : [first, first + CHUNK_PAGES];
    for (let page = from; page < end; page++) if (this.#memory.isDeferred(page)) this.#put(page, bytes?.subarray((page - first) * PAGE, (page - first + 1) * PAGE));
  }
  #put(page: number, bytes: Uint8Array | undefined): void {
    if (bytes) this.#memory.frame(page).set(bytes);
    else this.#memory.frame(page).fill(0);
    this.#memory.arrived(page);
  }
}
function withoutZeros(known: ReadonlyMap<number, PackedChunk | null>): Chunks {
  const out = new Map<number, PackedChunk>();
  for (const [chunk, packed] of known) if (packed) out.set(chunk, packed);
  return out;
}
