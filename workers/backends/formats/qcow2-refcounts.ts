// Reference counts of a qcow2 file's clusters: a table of blocks of 1- to 64-bit counters, and the search for free clusters
// (QEMU docs/interop/qcow2.rst, "Host cluster management"). Changes stay in memory until `write`; a block covers itself.

import { FaultError } from "../../../src/contract/schema.ts";
import type { ByteFile } from "../byte-file.ts";
import { corrupt, put64be, readTable, u64be, viewOf } from "../image.ts";
import type { Io } from "../io.ts";
import type { Qcow2Header } from "./qcow2-header.ts";

interface Block {
  readonly bytes: Uint8Array;
  dirty: boolean;
}
/** Reads and writes one counter of a refcount block; counters of less than a byte fill it from the lowest bit. */
export function getCount(bytes: Uint8Array, order: number, index: number): number {
  if (order < 3) {
    const width = 1 << order;
    return ((bytes[(index * width) >> 3] as number) >> ((index * width) & 7)) & ((1 << width) - 1);
  }
  let value = 0;
  const size = 1 << (order - 3);
  for (let i = 0; i < size; i++) value = value * 256 + (bytes[index * size + i] as number);
  return value;
}
export function setCount(bytes: Uint8Array, order: number, index: number, value: number): void {
  if (order < 3) {
    const width = 1 << order;
    const at = (index * width) >> 3;
    const shift = (index * width) & 7;
    bytes[at] = ((bytes[at] as number) & ~(((1 << width) - 1) << shift)) | (value << shift);
    return;
  }
  const size = 1 << (order - 3);
  for (let i = size - 1; i >= 0; i--) {
    bytes[index * size + i] = value % 256;
    value = Math.floor(value / 256);
  }
}

export class Refcounts {
  readonly #file: ByteFile;
  readonly #header: Qcow2Header;
  readonly #writeHeader: () => Io<void>;
  readonly #clusterSize: number;
  /** Counters per block. */
  readonly #per: number;
  readonly #blocks = new Map<number, Block>();
  #table: Uint8Array = new Uint8Array(0);
  #tableDirty = false;
  /** No cluster below is free. */
  #hint = 0;
  /** Told of each cluster that nobody uses any more. */
  onFree: (cluster: number) => void = () => {};

  constructor(file: ByteFile, header: Qcow2Header, writeHeader: () => Io<void>) {
    this.#file = file;
    this.#header = header;
    this.#writeHeader = writeHeader;
    this.#clusterSize = 2 ** header.clusterBits;
    this.#per = (this.#clusterSize * 8) >> header.refcountOrder;
  }
  *open(): Io<void> {
    const h = this.#header;
    this.#table = yield* readTable("qcow2", this.#file, h.refcountTableOffset, h.refcountTableClusters * this.#clusterSize, "its refcount table");
  }
  get most(): number {
    return this.#header.refcountOrder >= 5 ? 2 ** 32 - 1 : 2 ** (1 << this.#header.refcountOrder) - 1;
  }
  /** Offsets of the refcount blocks, 0 where there is none. */
  *offsets(): Generator<number> {
    const v = viewOf(this.#table);
    for (let i = 0; i < this.#table.length / 8; i++) yield big56(v, i * 8);
  }
  get blockCoverage(): number {
    return this.#per;
  }
  *#block(index: number): Io<Block | null> {
    const found = this.#blocks.get(index);
    if (found) return found;
    if (index >= this.#table.length / 8) return null;
    const offset = big56(viewOf(this.#table), index * 8);
    if (offset === 0) return null;
    if (offset % this.#clusterSize !== 0 || offset > 2 ** 52) throw corrupt("qcow2", this.#file, `refcount block ${index} has an impossible place`);
    const bytes = new Uint8Array(this.#clusterSize);
    yield* this.#file.read(offset, bytes);
    const block = { bytes, dirty: false };
    this.#blocks.set(index, block);
    return block;
  }
  *get(cluster: number): Io<number> {
    const block = yield* this.#block(Math.floor(cluster / this.#per));
    return block ? getCount(block.bytes, this.#header.refcountOrder, cluster % this.#per) : 0;
  }
  *add(cluster: number, delta: number): Io<number> {
    const index = Math.floor(cluster / this.#per);
    let block = yield* this.#block(index);
    if (!block) {
      if (delta < 0) throw corrupt("qcow2", this.#file, `cluster ${cluster} is used but counts as free`);
      yield* this.#newBlock(index, cluster);
      block = (yield* this.#block(index)) as Block;
    }
    const order = this.#header.refcountOrder;
    const value = getCount(block.bytes, order, cluster % this.#per) + delta;
    if (value < 0) throw corrupt("qcow2", this.#file, `the refcount of cluster ${cluster} would be below zero`);
    if (value > this.most) throw new FaultError("qcow2.refcount", `${this.#file.name}: a cluster is shared more often than its ${1 << order}-bit refcount can count.`, "Create the image with refcount_bits=16 or more.");
    setCount(block.bytes, order, cluster % this.#per, value);
    block.dirty = true;
    if (value === 0) {
      if (cluster < this.#hint) this.#hint = cluster;
      this.onFree(cluster);
    }
    return value;
  }
  *set(cluster: number, value: number): Io<void> {
    yield* this.add(cluster, value - (yield* this.get(cluster)));
  }
  /** First of `count` free clusters in a row; their counts are still zero. */
  *find(count: number): Io<number> {
    let run = 0;
    let at = this.#hint;
    let first = -1;
    for (;;) {
      const index = Math.floor(at / this.#per);
      if (!(yield* this.#block(index))) {
        // A new block lies in the first cluster that it covers, where nothing else is.
        yield* this.#newBlock(index, -1);
        run = 0;
        continue;
      }
      if ((yield* this.get(at)) === 0) {
        if (first < 0) first = at;
        if (++run === count) break;
      } else run = 0;
      at++;
    }
    this.#hint = first;
    return at - count + 1;
  }
  *allocate(count: number): Io<number> {
    const first = yield* this.find(count);
    for (let i = 0; i < count; i++) yield* this.add(first + i, 1);
    if (first === this.#hint) this.#hint = first + count;
    return first * this.#clusterSize;
  }
  *free(offset: number, bytes: number): Io<void> {
    const first = Math.floor(offset / this.#clusterSize);
    const last = Math.floor((offset + bytes - 1) / this.#clusterSize);
    for (let c = first; c <= last; c++) yield* this.add(c, -1);
  }
  /** A block for counters `index`; it may not lie in cluster `except`. */
  *#newBlock(index: number, except: number): Io<void> {
    if (index >= this.#table.length / 8) yield* this.#growTable(index);
    if (yield* this.#block(index)) return;
    const base = index * this.#per;
    let home = base;
    if (home === except) home++;
    const bytes = new Uint8Array(this.#clusterSize);
    setCount(bytes, this.#header.refcountOrder, home - base, 1);
    this.#blocks.set(index, { bytes, dirty: true });
    put64be(viewOf(this.#table), index * 8, home * this.#clusterSize);
    this.#tableDirty = true;
  }
  /** Moves the table to a larger place behind everything that is counted so far; blocks that count the place come with it. */
  *#growTable(index: number): Io<void> {
    const h = this.#header;
    const per = this.#per;
    const old = { offset: h.refcountTableOffset, clusters: h.refcountTableClusters };
    const firstIndex = Math.max(index, this.#table.length / 8);
    const base = firstIndex * per;
    let blocks = 1;
    let clusters: number;
    for (;;) {
      clusters = Math.ceil(((firstIndex + blocks) * 1.5 * 8) / this.#clusterSize);
      if (blocks * per >= blocks + clusters) break;
      blocks++;
    }
    if (clusters * this.#clusterSize > 8 << 20) throw new FaultError("qcow2.large", `${this.#file.name} cannot grow further: its refcount table would be too large.`, "Use larger clusters.");
    const table = new Uint8Array(clusters * this.#clusterSize);
    table.set(this.#table);
    for (let b = 0; b < blocks; b++) {
      const bytes = new Uint8Array(this.#clusterSize);
      for (let c = 0; c < blocks + clusters; c++) if (Math.floor(c / per) === b) setCount(bytes, h.refcountOrder, c % per, 1);
      this.#blocks.set(firstIndex + b, { bytes, dirty: true });
      put64be(viewOf(table), (firstIndex + b) * 8, (base + b) * this.#clusterSize);
    }
    this.#table = table;
    h.refcountTableOffset = (base + blocks) * this.#clusterSize;
    h.refcountTableClusters = clusters;
    this.#tableDirty = true;
    yield* this.write();
    yield* this.#file.flush();
    yield* this.#writeHeader();
    yield* this.#file.flush();
    yield* this.free(old.offset, old.clusters * this.#clusterSize);
  }
  get dirty(): boolean {
    if (this.#tableDirty) return true;
    for (const block of this.#blocks.values()) if (block.dirty) return true;
    return false;
  }
  /** Writes what changed: blocks first, then the table. */
  *write(): Io<void> {
    const v = viewOf(this.#table);
    for (const [index, block] of this.#blocks) {
      if (!block.dirty) continue;
      yield* this.#file.write(big56(v, index * 8), block.bytes);
      block.dirty = false;
    }
    if (this.#tableDirty) {
      yield* this.#file.write(this.#header.refcountTableOffset, this.#table);
      this.#tableDirty = false;
    }
  }
  /** Forgets everything cached (after a repair wrote another table). */
  *reload(): Io<void> {
    this.#blocks.clear();
    this.#hint = 0;
    this.#tableDirty = false;
    yield* this.open();
  }
}
const big56 = (v: DataView, at: number): number => u64be(v, at) - (u64be(v, at) % 512);
