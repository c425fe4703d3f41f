// The qcow2 format, read and written: L1 and L2 tables, zero and compressed clusters, backing files, internal snapshots (qcow2-snapshots.ts),
// resizing (QEMU docs/interop/qcow2.rst). Tables are cached and written in an order that leaves at worst leaked clusters behind when the
// program dies: data and refcounts, then the tables that use them, then counts that fell. Left out: bitmaps, subclusters, encryption.

import { FaultError } from "../../../src/contract/schema.ts";
import { type ByteFile, readOnlyFault } from "../byte-file.ts";
import { needZstd, zstdCompress, zstdDecompress } from "../compress.ts";
import { deflate12, inflateExactly } from "../deflate.ts";
import { corrupt, type Extent, type Image, type CheckReport, readBehind, readTable, type Specific, viewOf } from "../image.ts";
import type { Io } from "../io.ts";
import { checkQcow2 } from "./qcow2-check.ts";
import { COMPATIBLE, encodeQcow2Header, entryOffset, INCOMPATIBLE, type Qcow2Header, readQcow2Header } from "./qcow2-header.ts";
import { Refcounts } from "./qcow2-refcounts.ts";
import { type Qcow2Snapshot, readSnapshotTable } from "./qcow2-snapshots.ts";

interface Table {
  readonly view: DataView;
  dirty: boolean;
}
const COPIED = 0x80000000;
const COMPRESSED = 0x40000000;
const MOST_CACHED = 16 << 20;

export class Qcow2Image implements Image {
  readonly format = "qcow2";
  readonly file: ByteFile;
  readonly header: Qcow2Header;
  readonly readOnly: boolean;
  readonly clusterSize: number;
  readonly refcounts: Refcounts;
  backing: Image | null = null;
  snapshots: Qcow2Snapshot[] = [];
  l1: Table = { view: new DataView(new ArrayBuffer(0)), dirty: false };
  readonly #l2 = new Map<number, Table>();
  /** L2 entries per table. */
  readonly #per: number;
  /** Host ranges whose counts fall once the tables no longer name them. */
  #freed: { readonly offset: number; readonly bytes: number }[] = [];
  /** Where the next compressed cluster may start, 0 for a fresh one. */
  #compressedAt = 0;
  #unpacked: { readonly offset: number; readonly bytes: Uint8Array } | null = null;

  private constructor(file: ByteFile, header: Qcow2Header, readOnly: boolean) {
    this.file = file;
    this.header = header;
    this.readOnly = readOnly || file.readOnly;
    this.clusterSize = 2 ** header.clusterBits;
    this.#per = this.clusterSize / 8;
    this.refcounts = new Refcounts(file, header, () => this.writeHeader());
    // The rest of a cluster of compressed pieces is ours only while one of them is left.
    this.refcounts.onFree = (cluster) => {
      if (cluster === Math.floor(this.#compressedAt / this.clusterSize)) this.#compressedAt = 0;
    };
  }
  /** `repairing`: opened to be checked, so that marks of corruption are no obstacle. */
  static *open(file: ByteFile, readOnly = false, repairing = false): Io<Qcow2Image> {
    const header = yield* readQcow2Header(file);
    const image = new Qcow2Image(file, header, readOnly);
    if (header.compression === "zstd") yield* needZstd();
    if (!image.readOnly && !repairing && header.incompatible & INCOMPATIBLE.corrupt)
      throw new FaultError("qcow2.corrupt", `${file.name} is marked as corrupt and cannot be written.`, "Open it read only, or repair it: guesthouse img check -r all.");
    image.l1 = { view: viewOf(yield* readTable("qcow2", file, header.l1Offset, header.l1Size * 8, "its L1 table")), dirty: false };
    yield* image.refcounts.open();
    image.snapshots = yield* readSnapshotTable(file, header);
    if (!image.readOnly && !repairing) {
      // Left by a program that died: the counts were not kept up to date.
      if (header.incompatible & INCOMPATIBLE.dirty) yield* image.check("all");
      if (header.autoclear) {
        header.autoclear = 0;
        yield* image.writeHeader();
      }
    }
    return image;
  }
  get size(): number {
    return this.header.size;
  }
  get sync(): boolean {
    return this.file.sync;
  }
  get dirty(): boolean {
    return (this.header.incompatible & INCOMPATIBLE.dirty) !== 0;
  }
  get backingName(): string | null {
    return this.header.backingName;
  }
  get backingFormat(): string | null {
    return this.header.backingFormat;
  }
  *writeHeader(): Io<void> {
    const bytes = encodeQcow2Header(this.header);
    if (!bytes) throw new FaultError("qcow2.header", `${this.file.name}: the name of the backing file does not fit into the header.`, "Use a shorter path.");
    yield* this.file.write(0, bytes);
  }
  *setBacking(name: string | null, format: string | null): Io<void> {
    this.header.backingName = name;
    this.header.backingFormat = name === null ? null : format;
    yield* this.writeHeader();
  }

  // ---- tables --------------------------------------------------------------------------------------------------------

  /** The L2 table at a file offset. */
  *table(offset: number): Io<Table> {
    const found = this.#l2.get(offset);
    if (found) {
      this.#l2.delete(offset);
      this.#l2.set(offset, found);
      return found;
    }
    if (offset % this.clusterSize !== 0) throw corrupt("qcow2", this.file, `an L2 table lies at ${offset}`);
    yield* this.#trim();
    const bytes = new Uint8Array(this.clusterSize);
    yield* this.file.read(offset, bytes);
    const table = { view: viewOf(bytes), dirty: false };
    this.#l2.set(offset, table);
    return table;
  }
  *#trim(): Io<void> {
    if (this.#l2.size * this.clusterSize < MOST_CACHED) return;
    for (const [offset, table] of this.#l2) {
      if (table.dirty) {
        yield* this.#writeTables();
        break;
      }
      this.#l2.delete(offset);
      break;
    }
    const oldest = this.#l2.keys().next().value;
    if (oldest !== undefined && !this.#l2.get(oldest)?.dirty) this.#l2.delete(oldest);
  }
  #l1Entry(index: number): readonly [number, number] {
    const { view } = this.l1;
    if (index * 8 >= view.byteLength) return [0, 0];
    return [view.getUint32(index * 8), view.getUint32(index * 8 + 4)];
  }
  /** The L2 entry of a guest offset. */
  *entry(at: number): Io<readonly [number, number]> {
    const cluster = Math.floor(at / this.clusterSize);
    const [hi, lo] = this.#l1Entry(Math.floor(cluster / this.#per));
    const offset = entryOffset(hi, lo);
    if (offset === 0) return [0, 0];
    const { view } = yield* this.table(offset);
    const n = (cluster % this.#per) * 8;
    return [view.getUint32(n), view.getUint32(n + 4)];
  }
  /** The L2 table of a guest offset, made or copied so that it may be changed. */
  *#writable(at: number): Io<Table> {
    const index = Math.floor(at / this.clusterSize / this.#per);
    if (index * 8 >= this.l1.view.byteLength) yield* this.growL1(index + 1);
    const [hi, lo] = this.#l1Entry(index);
    const offset = entryOffset(hi, lo);
    if (offset !== 0 && hi & COPIED) {
      const table = yield* this.table(offset);
      table.dirty = true;
      return table;
    }
    yield* this.#markDirty();
    const fresh = new Uint8Array(this.clusterSize);
    if (offset !== 0) {
      const { view } = yield* this.table(offset);
      fresh.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
      this.#freed.push({ offset, bytes: this.clusterSize });
    }
    const home = yield* this.refcounts.allocate(1);
    yield* this.#trim();
    const table = { view: viewOf(fresh), dirty: true };
    this.#l2.set(home, table);
    this.l1.view.setUint32(index * 8, Math.floor(home / 0x100000000) | COPIED);
    this.l1.view.setUint32(index * 8 + 4, home % 0x100000000);
    this.l1.dirty = true;
    return table;
  }
  *#setEntry(at: number, hi: number, lo: number): Io<void> {
    const table = yield* this.#writable(at);
    const n = (Math.floor(at / this.clusterSize) % this.#per) * 8;
    this.#drop(table.view.getUint32(n), table.view.getUint32(n + 4), entryOffset(hi, lo));
    table.view.setUint32(n, hi);
    table.view.setUint32(n + 4, lo);
  }
  /** What an overwritten entry held is free after the next write of the tables, unless it is kept. */
  #drop(hi: number, lo: number, kept: number): void {
    if (hi & COMPRESSED) this.#freed.push(this.compressedRange(hi, lo));
    else {
      const offset = entryOffset(hi, lo);
      if (offset !== 0 && offset !== kept) this.#freed.push({ offset, bytes: this.clusterSize });
    }
  }
  /** Where a compressed cluster lies: whole sectors. */
  compressedRange(hi: number, lo: number): { readonly offset: number; readonly bytes: number; readonly exact: number } {
    const shift = 62 - (this.header.clusterBits - 8) - 32;
    const exact = (hi & ((1 << shift) - 1)) * 0x100000000 + lo;
    const sectors = (((hi & 0x3fffffff) >>> shift) & ((1 << (this.header.clusterBits - 8)) - 1)) + 1;
    const offset = exact - (exact % 512);
    return { offset, bytes: sectors * 512, exact };
  }
  /** Replaces the L1 table by a longer one. */
  *growL1(entries: number): Io<void> {
    const bytes = new Uint8Array(entries * 8);
    bytes.set(new Uint8Array(this.l1.view.buffer, this.l1.view.byteOffset, this.l1.view.byteLength));
    yield* this.replaceL1(bytes);
  }
  *replaceL1(bytes: Uint8Array): Io<void> {
    const { header } = this;
    if (bytes.length > 32 << 20) throw new FaultError("qcow2.large", `${this.file.name} cannot be that large.`, "Use larger clusters.");
    yield* this.#writeTables();
    const home = yield* this.refcounts.allocate(Math.max(1, Math.ceil(bytes.length / this.clusterSize)));
    yield* this.refcounts.write();
    yield* this.file.write(home, bytes);
    yield* this.file.flush();
    const old = { offset: header.l1Offset, bytes: header.l1Size * 8 };
    header.l1Offset = home;
    header.l1Size = bytes.length / 8;
    this.l1 = { view: viewOf(bytes), dirty: false };
    yield* this.writeHeader();
    yield* this.file.flush();
    if (old.bytes > 0) yield* this.refcounts.free(old.offset, old.bytes);
    yield* this.refcounts.write();
  }
  /** With lazy refcounts the file says once that its counts are stale, instead of writing them each time. */
  *#markDirty(): Io<void> {
    if (!(this.header.compatible & COMPATIBLE.lazyRefcounts) || this.dirty) return;
    this.header.incompatible |= INCOMPATIBLE.dirty;
    yield* this.writeHeader();
    yield* this.file.flush();
  }
  *#writeTables(): Io<void> {
    const lazy = this.dirty;
    if (!lazy) yield* this.refcounts.write();
    const changed = [...this.#l2].filter(([, table]) => table.dirty);
    if (changed.length > 0 || this.l1.dirty) {
      if (!lazy) yield* this.file.flush();
      for (const [offset, table] of changed) {
        yield* this.file.write(offset, new Uint8Array(table.view.buffer, table.view.byteOffset, table.view.byteLength));
        table.dirty = false;
      }
      if (this.l1.dirty) {
        if (changed.length > 0) yield* this.file.flush();
        yield* this.file.write(this.header.l1Offset, new Uint8Array(this.l1.view.buffer, this.l1.view.byteOffset, this.l1.view.byteLength));
        this.l1.dirty = false;
      }
    }
    if (this.#freed.length > 0) {
      yield* this.file.flush();
      const freed = this.#freed;
      this.#freed = [];
      for (const { offset, bytes } of freed) yield* this.refcounts.free(offset, bytes);
      if (!lazy) yield* this.refcounts.write();
    }
  }
  /** Forgets cached tables (all must be written). */
  forget(): void {
    this.#l2.clear();
    this.#unpacked = null;
    this.#compressedAt = 0;
  }

  // ---- data ----------------------------------------------------------------------------------------------------------

  *read(at: number, into: Uint8Array): Io<void> {
    for (let done = 0; done < into.length; ) {
      const within = (at + done) % this.clusterSize;
      const part = into.subarray(done, Math.min(into.length, done + this.clusterSize - within));
      const [hi, lo] = yield* this.entry(at + done);
      if (hi & COMPRESSED) part.set((yield* this.#unpack(hi, lo)).subarray(within, within + part.length));
      else if (lo & 1 && this.header.version === 3) part.fill(0);
      else {
        const offset = entryOffset(hi, lo);
        if (offset === 0) yield* readBehind(this.backing, at + done, part);
        else {
          if (offset % this.clusterSize !== 0) throw corrupt("qcow2", this.file, `a data cluster lies at ${offset}`);
          yield* this.file.read(offset + within, part);
        }
      }
      done += part.length;
    }
  }
  *#unpack(hi: number, lo: number): Io<Uint8Array> {
    const { offset, bytes, exact } = this.compressedRange(hi, lo);
    if (this.#unpacked?.offset === exact) return this.#unpacked.bytes;
    const packed = new Uint8Array(bytes - (exact - offset));
    yield* this.file.read(exact, packed);
    const unpacked =
      this.header.compression === "zstd" ? zstdDecompress(packed, this.clusterSize, this.file.name) : inflateExactly(packed, this.clusterSize, this.file.name);
    this.#unpacked = { offset: exact, bytes: unpacked };
    return unpacked;
  }
  *write(at: number, from: Uint8Array): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.file.name);
    for (let done = 0; done < from.length; ) {
      const within = (at + done) % this.clusterSize;
      const part = from.subarray(done, Math.min(from.length, done + this.clusterSize - within));
      const [hi, lo] = yield* this.entry(at + done);
      const offset = hi & COMPRESSED ? 0 : entryOffset(hi, lo);
      const zero = !(hi & COMPRESSED) && (lo & 1) === 1;
      if (offset !== 0 && hi & COPIED && !zero) yield* this.file.write(offset + within, part);
      else {
        let whole = part;
        if (part.length < this.clusterSize) {
          whole = new Uint8Array(this.clusterSize);
          yield* this.read(at + done - within, whole);
          whole.set(part, within);
        }
        yield* this.#markDirty();
        yield* this.#writable(at + done);
        // A zero cluster that was given space in advance keeps it.
        const home = offset !== 0 && hi & COPIED ? offset : yield* this.refcounts.allocate(1);
        yield* this.file.write(home, whole);
        yield* this.#setEntry(at + done, Math.floor(home / 0x100000000) | COPIED, home % 0x100000000);
      }
      done += part.length;
    }
  }
  /** Gives an absent cluster its place without writing it: the file reads as zeros there (preallocation of a new image). */
  *reserve(at: number): Io<void> {
    yield* this.#writable(at);
    const home = yield* this.refcounts.allocate(1);
    if (this.file.size < home + this.clusterSize) yield* this.file.truncate(home + this.clusterSize);
    yield* this.#setEntry(at, Math.floor(home / 0x100000000) | COPIED, home % 0x100000000);
  }
  *writeCompressed(at: number, from: Uint8Array): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.file.name);
    if (at % this.clusterSize !== 0 || (from.length !== this.clusterSize && at + from.length !== this.size)) throw new Error("compressed writes are whole clusters");
    let whole = from;
    if (from.length < this.clusterSize) {
      whole = new Uint8Array(this.clusterSize);
      whole.set(from);
    }
    const packed = this.header.compression === "zstd" ? zstdCompress(whole) : deflate12(whole);
    if (packed.length >= this.clusterSize) return yield* this.write(at, from);
    yield* this.#markDirty();
    yield* this.#writable(at);
    let place = this.#compressedAt;
    const used = place % this.clusterSize;
    if (used === 0 || used + packed.length > this.clusterSize) {
      const fresh = (yield* this.refcounts.find(1)) * this.clusterSize;
      // Goes on into the next cluster when that is the neighbour.
      if (used === 0 || fresh !== place - used + this.clusterSize) place = fresh;
    }
    for (let c = Math.floor(place / this.clusterSize); c <= Math.floor((place + packed.length - 1) / this.clusterSize); c++) yield* this.refcounts.add(c, 1);
    yield* this.file.write(place, packed);
    const sectors = Math.floor((place + packed.length - 1) / 512) - Math.floor(place / 512);
    const shift = 62 - (this.header.clusterBits - 8) - 32;
    yield* this.#setEntry(at, COMPRESSED | (sectors << shift) | Math.floor(place / 0x100000000), place % 0x100000000);
    this.#compressedAt = place + packed.length;
    // A full 1-bit count cannot be shared by a second piece.
    if ((yield* this.refcounts.get(Math.floor(this.#compressedAt / this.clusterSize))) >= this.refcounts.most) this.#compressedAt = 0;
  }
  *writeZeroes(at: number, length: number): Io<boolean> {
    if (this.readOnly) throw readOnlyFault(this.file.name);
    const edge = (from: number, to: number) => this.write(from, new Uint8Array(to - from));
    const first = Math.ceil(at / this.clusterSize) * this.clusterSize;
    const end = at + length >= this.size ? Math.ceil(this.size / this.clusterSize) * this.clusterSize : Math.floor((at + length) / this.clusterSize) * this.clusterSize;
    if (this.header.version < 3) return false;
    if (end <= first) {
      yield* edge(at, at + length);
      return true;
    }
    if (at < first) yield* edge(at, first);
    for (let c = first; c < end; c += this.clusterSize) {
      const [hi, lo] = yield* this.entry(c);
      if (hi === 0 && lo === 0 && this.backing === null && this.backingName === null) continue;
      if (!(hi & COMPRESSED) && lo & 1) continue;
      yield* this.#setEntry(c, 0, 1);
    }
    if (at + length > end) yield* edge(end, at + length);
    return true;
  }
  *discard(at: number, length: number): Io<void> {
    for (let c = Math.ceil(at / this.clusterSize) * this.clusterSize; c < at + length; c += this.clusterSize) {
      const [hi, lo] = yield* this.entry(c);
      if (hi !== 0 || lo !== 0) yield* this.#setEntry(c, 0, 0);
    }
  }
  /** Everything is absent again, and the file short: header, refcounts and an L1 table of zeros. Only without snapshots. */
  *makeEmpty(): Io<void> {
    if (this.snapshots.length > 0) throw new Error("an image with snapshots cannot be emptied");
    yield* this.discard(0, this.size);
    for (let i = 0; i < this.l1.view.byteLength / 8; i++) {
      const [hi, lo] = this.#l1Entry(i);
      const offset = entryOffset(hi, lo);
      if (offset === 0) continue;
      this.l1.view.setBigUint64(i * 8, 0n);
      this.l1.dirty = true;
      this.#freed.push({ offset, bytes: this.clusterSize });
    }
    yield* this.#writeTables();
    this.forget();
    let end = Math.ceil(this.file.size / this.clusterSize);
    while (end > 1 && (yield* this.refcounts.get(end - 1)) === 0) end--;
    yield* this.file.truncate(end * this.clusterSize);
    yield* this.flush();
  }
  *extent(at: number, length: number): Io<Extent> {
    let first: Extent | null = null;
    let done = 0;
    while (done < length) {
      const within = (at + done) % this.clusterSize;
      const n = Math.min(length - done, this.clusterSize - within);
      const one = this.#describe(yield* this.entry(at + done), n, within);
      if (first === null) first = one;
      else if (first.present !== one.present || first.data !== one.data || first.zero !== one.zero || first.compressed !== one.compressed || (first.offset === null) !== (one.offset === null) || (first.offset !== null && one.offset !== first.offset + done)) break;
      done += n;
    }
    return { ...(first as Extent), length: done };
  }
  #describe([hi, lo]: readonly [number, number], length: number, within: number): Extent {
    if (hi & COMPRESSED) return { length, present: true, data: true, zero: false, offset: null, compressed: true };
    const offset = entryOffset(hi, lo);
    if (lo & 1) return { length, present: true, data: false, zero: true, offset: offset === 0 ? null : offset + within };
    if (offset === 0) return { length, present: false, data: false, zero: this.backing === null, offset: null };
    return { length, present: true, data: true, zero: false, offset: offset + within };
  }
  *flush(): Io<void> {
    if (this.readOnly) return;
    yield* this.#writeTables();
    yield* this.file.flush();
  }
  *close(): Io<void> {
    if (!this.readOnly) {
      yield* this.flush();
      if (this.dirty) {
        yield* this.refcounts.write();
        yield* this.file.flush();
        this.header.incompatible &= ~INCOMPATIBLE.dirty;
        yield* this.writeHeader();
        yield* this.file.flush();
      }
    }
    yield* this.file.close();
  }
  *resize(size: number, shrink: boolean): Io<void> {
    const { header } = this;
    if (size < header.size) {
      if (!shrink) throw new FaultError("image.shrink", "Shrinking an image deletes what lies beyond its new end.", "Add --shrink if you mean it.");
      if (this.snapshots.length > 0) throw new FaultError("qcow2.shrink", "An image with snapshots cannot be made smaller.", "Delete the snapshots first.");
      // What lies behind the new end is gone, the rest of the last cluster too.
      const end = Math.ceil(size / this.clusterSize) * this.clusterSize;
      if (end > size) {
        const [hi, lo] = yield* this.entry(size);
        if (hi !== 0 || lo !== 0) yield* this.write(size, new Uint8Array(Math.min(end, header.size) - size));
      }
      yield* this.discard(end, header.size - end);
    } else {
      const needed = Math.ceil(size / (this.clusterSize * this.#per));
      // Behind an old end that is inside a cluster, the backing file must not show.
      if (this.backing && size > header.size) yield* this.#hideBacking(header.size, size);
      if (needed > header.l1Size) yield* this.growL1(needed);
    }
    header.size = size;
    yield* this.#writeTables();
    yield* this.writeHeader();
    yield* this.flush();
  }
  *#hideBacking(from: number, to: number): Io<void> {
    const end = Math.min(to, this.backing?.size ?? 0);
    if (end <= from) return;
    this.header.size = to;
    const needed = Math.ceil(to / (this.clusterSize * this.#per));
    if (needed > this.header.l1Size) yield* this.growL1(needed);
    if (!(yield* this.writeZeroes(from, end - from))) yield* this.write(from, new Uint8Array(end - from));
  }
  *check(repair: "none" | "leaks" | "all"): Io<CheckReport> {
    if (!this.readOnly && repair === "none") yield* this.flush();
    return yield* checkQcow2(this, repair);
  }
  *specific(): Io<Specific> {
    const h = this.header;
    if (h.version === 2) return { compat: "0.10", "compression type": h.compression, "refcount bits": 16 };
    return {
      compat: "1.1",
      "compression type": h.compression,
      "lazy refcounts": (h.compatible & COMPATIBLE.lazyRefcounts) !== 0,
      "refcount bits": 1 << h.refcountOrder,
      corrupt: (h.incompatible & INCOMPATIBLE.corrupt) !== 0,
      "extended l2": false,
    };
  }
  /** Guest offset where the state of a virtual machine is kept: the first L2 table behind the disk. */
  get vmStateOffset(): number {
    return Math.ceil(this.size / (this.clusterSize * this.#per)) * this.clusterSize * this.#per;
  }
}

export interface Qcow2Options {
  readonly size: number;
  readonly version?: 2 | 3;
  readonly clusterSize?: number;
  readonly refcountBits?: number;
  readonly lazyRefcounts?: boolean;
  readonly compression?: "zlib" | "zstd";
  readonly backingName?: string | null;
  readonly backingFormat?: string | null;
  readonly preallocation?: "off" | "metadata" | "falloc" | "full";
}
/** Writes an empty image: header, refcount table, one refcount block and the L1 table, where QEMU puts them. */
export function* createQcow2(file: ByteFile, options: Qcow2Options): Io<void> {
  const { size, version = 3, clusterSize = 65536, refcountBits = 16, lazyRefcounts = false, compression = "zlib" } = options;
  const invalid = (message: string) => new FaultError("image.option", message);
  const clusterBits = Math.log2(clusterSize);
  if (!Number.isInteger(clusterBits) || clusterBits < 9 || clusterBits > 21) throw invalid("Cluster size must be a power of two between 512 and 2048k");
  const refcountOrder = Math.log2(refcountBits);
  if (!Number.isInteger(refcountOrder) || refcountOrder > 6) throw invalid("Refcount width must be a power of two and may not exceed 64 bits");
  if (version === 2 && refcountOrder !== 4) throw invalid("Different refcount widths than 16 bits require compatibility level 1.1 or above (use version=v3 or greater)");
  if (version === 2 && lazyRefcounts) throw invalid("Lazy refcounts only supported with compatibility level 1.1 and above (use version=v3 or greater)");
  if (version === 2 && compression !== "zlib") throw invalid("Non-zlib compression type is only supported with compatibility level 1.1 and above (use version=v3 or greater)");
  const l1Size = Math.ceil(size / (clusterSize * (clusterSize / 8)));
  if (l1Size * 8 > 32 << 20) throw invalid("Image size too large for file format (try using a larger cluster size)");
  const header: Qcow2Header = {
    version, backingName: options.backingName ?? null, backingFormat: options.backingName ? (options.backingFormat ?? null) : null, clusterBits, size,
    l1Size: 0, l1Offset: 0, refcountTableOffset: clusterSize, refcountTableClusters: 1, snapshotCount: 0, snapshotsOffset: 0,
    incompatible: compression === "zstd" ? INCOMPATIBLE.compression : 0, compatible: lazyRefcounts ? COMPATIBLE.lazyRefcounts : 0, autoclear: 0, refcountOrder, compression, otherExtensions: [],
  };
  const bytes = encodeQcow2Header(header);
  if (!bytes) throw new FaultError("qcow2.header", `${file.name}: the name of the backing file does not fit into the header.`, "Use a shorter path or larger clusters.");
  yield* file.truncate(0);
  const table = new Uint8Array(clusterSize);
  viewOf(table).setUint32(4, clusterSize * 2);
  yield* file.write(clusterSize, table);
  yield* file.write(clusterSize * 2, new Uint8Array(clusterSize));
  const refcounts = new Refcounts(file, header, function* () {
    yield* file.write(0, encodeQcow2Header(header) as Uint8Array);
  });
  yield* refcounts.open();
  for (let c = 0; c < 3; c++) yield* refcounts.add(c, 1);
  if (l1Size > 0) {
    header.l1Offset = yield* refcounts.allocate(Math.ceil((l1Size * 8) / clusterSize));
    header.l1Size = l1Size;
    yield* file.write(header.l1Offset, new Uint8Array(l1Size * 8));
  }
  yield* refcounts.write();
  yield* file.write(0, encodeQcow2Header(header) as Uint8Array);
  if (options.preallocation && options.preallocation !== "off") {
    const image = yield* Qcow2Image.open(file);
    for (let at = 0; at < size; at += clusterSize) yield* image.reserve(at);
    yield* image.flush();
  }
  yield* file.flush();
}
