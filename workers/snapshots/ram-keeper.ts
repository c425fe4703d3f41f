// RAM in snapshots: chunks of 64 KiB, packed with Zstandard. A snapshot after another packs only chunks with pages written since; chunks that
// did not change are shared. Going back marks pages as deferred: each chunk is unpacked when the guest (or DMA) first touches it, so that
// reverting takes milliseconds whatever the size (architecture 4, the frame pool).

import { isZero } from "../backends/image.ts";
import { zstdCompress, zstdDecompress } from "../backends/compress.ts";
import type { PoolMemory } from "../cpu/guest-memory.ts";

export const CHUNK_PAGES = 16;
const PAGE = 4096;
export const CHUNK_BYTES = CHUNK_PAGES * PAGE;

/** A chunk as it is kept; null: zeros. The same object means the same contents. */
export interface PackedChunk {
  readonly bytes: Uint8Array;
}
export type Chunks = ReadonlyMap<number, PackedChunk>;

export class RamKeeper {
  readonly #memory: PoolMemory;
  /** What each chunk held when it was last saved or loaded; undefined: never. */
  #known: Map<number, PackedChunk | null> | null = null;
  /** Chunks written since. */
  readonly #written = new Set<number>();
  /** Told of each chunk that is unpacked. */
  onArrival: (chunk: number) => void = () => {};
  readonly #scratch = new Uint8Array(CHUNK_BYTES);

  constructor(memory: PoolMemory) {
    this.#memory = memory;
  }
  #look(): void {
    this.#memory.takeWritten((page) => this.#written.add(Math.floor(page / CHUNK_PAGES)));
  }
  /** The contents of RAM now; packs what changed since the last capture or restore. */
  capture(level = 1): Chunks {
    this.#look();
    const before = this.#known;
    const known = new Map<number, PackedChunk | null>();
    const chunks = new Set<number>();
    for (const page of this.#memory.ramPages()) chunks.add(Math.floor(page / CHUNK_PAGES));
    for (const chunk of chunks) {
      const kept = before?.get(chunk);
      known.set(chunk, kept !== undefined && !this.#written.has(chunk) ? kept : this.#pack(chunk, level));
    }
    this.#known = known;
    this.#written.clear();
    return withoutZeros(known);
  }
  #pack(chunk: number, level: number): PackedChunk | null {
    const memory = this.#memory;
    let zero = true;
    for (let n = 0; n < CHUNK_PAGES; n++) {
      const page = chunk * CHUNK_PAGES + n;
      const to = this.#scratch.subarray(n * PAGE, (n + 1) * PAGE);
      if (!memory.hasRam(page)) {
        to.fill(0);
        continue;
      }
      if (memory.isDeferred(page)) memory.pageIn(page);
      const frame = memory.frame(page);
      if (zero && isZero(frame)) to.fill(0);
      else {
        zero = false;
        to.set(frame);
      }
    }
    return zero ? null : { bytes: zstdCompress(this.#scratch, level) };
  }
  /** Makes RAM hold `chunks` again. Returns how many chunks differ from what is there. */
  restore(chunks: Chunks): number {
    this.#look();
    const memory = this.#memory;
    const before = this.#known;
    const known = new Map<number, PackedChunk | null>();
    const deferred: number[] = [];
    for (const page of memory.ramPages()) {
      const chunk = Math.floor(page / CHUNK_PAGES);
      let wanted = known.get(chunk);
      if (wanted === undefined) {
        wanted = chunks.get(chunk) ?? null;
        known.set(chunk, wanted);
      }
      if (this.#written.has(chunk) || before?.get(chunk) !== wanted) deferred.push(page);
    }
    this.#known = known;
    this.#written.clear();
    memory.defer(deferred, (page) => this.#unpack(Math.floor(page / CHUNK_PAGES)));
    return deferred.length / CHUNK_PAGES;
  }
  #unpack(chunk: number): void {
    const packed = this.#known?.get(chunk) ?? null;
    this.onArrival(chunk);
    const bytes = packed && zstdDecompress(packed.bytes, CHUNK_BYTES, "the snapshot");
    for (let n = 0; n < CHUNK_PAGES; n++) {
      const page = chunk * CHUNK_PAGES + n;
      if (!this.#memory.isDeferred(page)) continue;
      if (bytes) this.#memory.frame(page).set(bytes.subarray(n * PAGE, (n + 1) * PAGE));
      else this.#memory.frame(page).fill(0);
      this.#memory.arrived(page);
    }
  }
}
function withoutZeros(known: ReadonlyMap<number, PackedChunk | null>): Chunks {
  const out = new Map<number, PackedChunk>();
  for (const [chunk, packed] of known) if (packed) out.set(chunk, packed);
  return out;
}
