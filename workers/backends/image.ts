// The face of an image format: a virtual disk in bytes over a ByteFile, perhaps with another image behind it (backing chain). Also the raw
// format, the generic format that is a table of blocks, and the adapter to the BlockBackend that drives use.

import { FaultError } from "../../src/contract/schema.ts";
import type { BlockBackend } from "../platform/types.ts";
import { SECTOR } from "./block-memory.ts";
import { type ByteFile, readOnlyFault } from "./byte-file.ts";
import { type Io, later, now } from "./io.ts";

/** What one layer says of a run of bytes, as `qemu-img map` shows it. */
export interface Extent {
  readonly length: number;
  /** This layer decides what is here (false: the backing file does, or zeros). */
  readonly present: boolean;
  readonly data: boolean;
  readonly zero: boolean;
  /** Where in the file the bytes lie, when they lie there as they are. */
  readonly offset: number | null;
  readonly compressed?: boolean;
}
export interface SnapshotRow {
  readonly id: string;
  readonly name: string;
  readonly vmStateSize: number;
  readonly dateSec: number;
  readonly dateNsec: number;
  readonly vmClockNs: number;
  readonly icount: bigint;
  readonly diskSize: number;
}
/** Findings of `check`; lines are as qemu-img prints them. */
export interface CheckReport {
  readonly lines: readonly string[];
  readonly corruptions: number;
  readonly leaks: number;
  readonly corruptionsFixed: number;
  readonly leaksFixed: number;
  readonly allocatedClusters: number;
  readonly totalClusters: number;
  readonly compressedClusters: number;
  readonly fragmentedClusters: number;
  readonly imageEndOffset: number;
}
/** A value of the "Format specific information" that `info` shows. */
export type Specific = { readonly [key: string]: string | number | boolean | Specific | readonly Specific[] };

export interface Image {
  readonly format: string;
  readonly file: ByteFile;
  /** Virtual size in bytes, a multiple of 512. */
  readonly size: number;
  readonly readOnly: boolean;
  /** The image behind this one, attached by whoever opens the chain. */
  backing: Image | null;
  /** Name and format of the backing file as written in the header. */
  readonly backingName: string | null;
  readonly backingFormat: string | null;
  readonly clusterSize: number | null;
  readonly sync: boolean;
  read(at: number, into: Uint8Array): Io<void>;
  write(at: number, from: Uint8Array): Io<void>;
  /** Stores a whole cluster compressed; only formats that can. */
  writeCompressed?(at: number, from: Uint8Array): Io<void>;
  /** Makes a run read as zeros without storing them, where the format can say so; false when it cannot. */
  writeZeroes?(at: number, length: number): Io<boolean>;
  /** Gives clusters back so that the backing file shows through again. */
  discard?(at: number, length: number): Io<void>;
  extent(at: number, length: number): Io<Extent>;
  flush(): Io<void>;
  close(): Io<void>;
  resize?(size: number, shrink: boolean): Io<void>;
  check?(repair: "none" | "leaks" | "all"): Io<CheckReport>;
  specific?(): Io<Specific>;
  encrypted?: boolean;
  /** Metadata was not closed cleanly. */
  readonly dirty?: boolean;
}

export class RawImage implements Image {
  readonly format = "raw";
  readonly file: ByteFile;
  readonly sync: boolean;
  readonly readOnly: boolean;
  backing: Image | null = null;
  readonly backingName = null;
  readonly backingFormat = null;
  readonly clusterSize = null;
  constructor(file: ByteFile) {
    this.file = file;
    this.sync = file.sync;
    this.readOnly = file.readOnly;
  }
  /** A last piece of a sector counts as a whole one, as in QEMU. */
  get size(): number {
    return Math.ceil(this.file.size / SECTOR) * SECTOR;
  }
  read(at: number, into: Uint8Array): Io<void> {
    return this.file.read(at, into);
  }
  /** Asked before each write; throws to refuse. */
  guard: ((at: number, from: Uint8Array) => Io<void>) | null = null;
  *write(at: number, from: Uint8Array): Io<void> {
    if (this.guard) yield* this.guard(at, from);
    yield* this.file.write(at, from);
  }
  /** Nobody tells us where a host file has holes: in a file that has some, aligned 4 KiB of zeros count as one. */
  *extent(at: number, length: number): Io<Extent> {
    const whole: Extent = { length, present: true, data: true, zero: false, offset: at };
    const { file } = this;
    if (!file.allocated || file.allocated() >= file.size) return whole;
    const piece = new Uint8Array(Math.min(length, PIECE));
    let done = 0;
    let zero: boolean | null = null;
    while (done < length) {
      const n = Math.min(length - done, piece.length);
      const bytes = piece.subarray(0, n);
      yield* file.read(at + done, bytes);
      for (let i = 0; i < n; ) {
        const step = Math.min(HOLE - ((at + done + i) % HOLE), n - i);
        const hole = isZero(bytes.subarray(i, i + step));
        zero ??= hole;
        if (hole !== zero) return { ...whole, length: done + i, zero, data: !zero };
        i += step;
      }
      done += n;
    }
    return { ...whole, zero: zero === true, data: zero !== true };
  }
  *resize(size: number): Io<void> {
    yield* this.file.truncate(size);
  }
  flush(): Io<void> {
    return this.file.flush();
  }
  close(): Io<void> {
    return this.file.close();
  }
}
const PIECE = 1 << 20;
const HOLE = 4096;

export function isZero(bytes: Uint8Array): boolean {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes.length >> 3 : 0;
  if (aligned > 0) {
    const words = new BigUint64Array(bytes.buffer, bytes.byteOffset, aligned);
    for (let i = 0; i < aligned; i++) if (words[i] !== 0n) return false;
  }
  for (let i = aligned * 8; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
/** Reads what lies behind a layer: the backing image up to its end, zeros beyond. */
export function* readBehind(backing: Image | null, at: number, into: Uint8Array): Io<void> {
  const have = backing ? Math.max(0, Math.min(into.length, backing.size - at)) : 0;
  if (backing && have > 0) yield* backing.read(at, into.subarray(0, have));
  into.fill(0, have);
}

/** Where a block of a table format lies: an offset in the file, or one of these. */
export const ABSENT = -1;
export const ZERO = -2;

/** Formats that are one table from block number to place in the file. They fill in the table; the rest is here. */
export abstract class BlockTableImage implements Image {
  abstract readonly format: string;
  abstract readonly size: number;
  abstract readonly clusterSize: number;
  readonly file: ByteFile;
  readonly sync: boolean;
  readonly readOnly: boolean;
  backing: Image | null = null;
  backingName: string | null = null;
  backingFormat: string | null = null;

  constructor(file: ByteFile, readOnly = file.readOnly) {
    this.file = file;
    this.sync = file.sync;
    this.readOnly = readOnly;
  }
  protected abstract lookup(block: number): Io<number>;
  /** Stores a whole block that is absent and enters it in the table. */
  protected abstract allocate(block: number, bytes: Uint8Array): Io<void>;
  /** Part of a block whose place is known; formats with compressed blocks override it. */
  protected *load(_block: number, place: number, within: number, into: Uint8Array): Io<void> {
    yield* this.file.read(place + within, into);
  }
  protected *store(_block: number, place: number, within: number, from: Uint8Array): Io<void> {
    yield* this.file.write(place + within, from);
  }
  *read(at: number, into: Uint8Array): Io<void> {
    for (let done = 0; done < into.length; ) {
      const block = Math.floor((at + done) / this.clusterSize);
      const within = (at + done) % this.clusterSize;
      const part = into.subarray(done, Math.min(into.length, done + this.clusterSize - within));
      const place = yield* this.lookup(block);
      if (place === ZERO) part.fill(0);
      else if (place === ABSENT) yield* readBehind(this.backing, at + done, part);
      else yield* this.load(block, place, within, part);
      done += part.length;
    }
  }
  *write(at: number, from: Uint8Array): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.file.name);
    for (let done = 0; done < from.length; ) {
      const block = Math.floor((at + done) / this.clusterSize);
      const within = (at + done) % this.clusterSize;
      const part = from.subarray(done, Math.min(from.length, done + this.clusterSize - within));
      const place = yield* this.lookup(block);
      if (place >= 0) yield* this.store(block, place, within, part);
      else {
        const whole = new Uint8Array(this.clusterSize);
        if (place === ABSENT && part.length < whole.length) yield* readBehind(this.backing, block * this.clusterSize, whole);
        whole.set(part, within);
        // Zeros over zeros need no place.
        if (place === ZERO || this.backing !== null || !isZero(whole)) yield* this.allocate(block, whole);
      }
      done += part.length;
    }
  }
  *extent(at: number, length: number): Io<Extent> {
    let first: Extent | null = null;
    let done = 0;
    while (done < length) {
      const block = Math.floor((at + done) / this.clusterSize);
      const within = (at + done) % this.clusterSize;
      const n = Math.min(length - done, this.clusterSize - within);
      const place = yield* this.lookup(block);
      const offset = place >= 0 ? place + within : null;
      const one = this.describe(n, place, offset);
      if (first === null) first = one;
      else if (first.present !== one.present || first.data !== one.data || first.zero !== one.zero || first.compressed !== one.compressed || (first.offset !== null && offset !== first.offset + done)) break;
      done += n;
    }
    return { ...(first as Extent), length: done };
  }
  protected describe(length: number, place: number, offset: number | null): Extent {
    return { length, present: place !== ABSENT, data: place >= 0, zero: place === ZERO || (place === ABSENT && this.backing === null), offset };
  }
  *flush(): Io<void> {
    if (!this.readOnly) yield* this.file.flush();
  }
  *close(): Io<void> {
    yield* this.flush();
    yield* this.file.close();
  }
}

/** How durable writes are, as QEMU's cache=: `unsafe` ignores flushes, `writethrough` and `directsync` flush after each write. */
export type CacheMode = "writeback" | "none" | "unsafe" | "writethrough" | "directsync";

/** A drive's view of an image. Requests are taken one after another, so that metadata is never changed by two at once. */
export function blockOf(image: Image, cache: CacheMode = "writeback"): BlockBackend & { close(): Promise<void>; readonly image: Image } {
  const through = cache === "writethrough" || cache === "directsync";
  const flushes = cache !== "unsafe";
  function* store(sector: number, from: Uint8Array): Io<void> {
    yield* image.write(sector * SECTOR, from);
    if (through) yield* image.flush();
  }
  const shared = { sectors: Math.floor(image.size / SECTOR), readOnly: image.readOnly, image };
  if (chainSync(image))
    return {
      ...shared,
      readSync: (sector, into) => now(image.read(sector * SECTOR, into)),
      writeSync: (sector, from) => now(store(sector, from)),
      read: async (sector, into) => now(image.read(sector * SECTOR, into)),
      write: async (sector, from) => now(store(sector, from)),
      flush: async () => {
        if (flushes && !image.readOnly) now(image.flush());
      },
      flushSync: () => {
        if (flushes && !image.readOnly) now(image.flush());
      },
      close: async () => now(closeChain(image)),
    };
  let queue: Promise<unknown> = Promise.resolve();
  const next = (work: () => Io<void>): Promise<void> => {
    const done = queue.then(() => later(work()));
    queue = done.catch(() => {});
    return done;
  };
  return {
    ...shared,
    read: (sector, into) => next(() => image.read(sector * SECTOR, into)),
    write: (sector, from) => next(() => store(sector, from)),
    flush: async () => {
      if (flushes && !image.readOnly) await next(() => image.flush());
    },
    close: () => next(() => closeChain(image)),
  };
}
function chainSync(image: Image): boolean {
  for (let i: Image | null = image; i; i = i.backing) if (!i.sync) return false;
  return true;
}
export function* closeChain(image: Image): Io<void> {
  for (let i: Image | null = image; i; i = i.backing) yield* i.close();
}

/** A header field check that names file and format. */
export function corrupt(format: string, file: ByteFile, why: string): FaultError {
  return new FaultError("image.corrupt", `${file.name} is not a usable ${format} image: ${why}.`, "The file may be damaged or cut short.");
}
/** A feature of a format that is known but not done here, by name. */
export function unsupported(format: string, file: ByteFile, what: string): FaultError {
  return new FaultError("image.unsupported", `${file.name}: ${what} of ${format} images is not supported.`);
}
/** A table from the file, refused when it is larger than its format can need or lies past the end. */
export function* readTable(format: string, file: ByteFile, at: number, bytes: number, what: string): Io<Uint8Array> {
  if (!Number.isSafeInteger(at) || at < 0 || bytes < 0 || bytes > MOST_TABLE) throw corrupt(format, file, `${what} has an impossible place or size`);
  // A short last piece reads as zeros; a small file that announces a huge table is damaged.
  if (at + bytes > file.size + SHORT_TABLE) throw corrupt(format, file, `${what} lies past its end`);
  const out = new Uint8Array(bytes);
  yield* file.read(at, out);
  return out;
}
const MOST_TABLE = 128 << 20;
const SHORT_TABLE = 1 << 20;
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
/** A 64-bit number from two halves; NaN-free, but above 2^53 it is not exact: callers compare with a limit. */
export const big = (high: number, low: number): number => high * 0x100000000 + low;
export const u64le = (v: DataView, at: number): number => big(v.getUint32(at + 4, true), v.getUint32(at, true));
export const u64be = (v: DataView, at: number): number => big(v.getUint32(at), v.getUint32(at + 4));
export function put64le(v: DataView, at: number, value: number): void {
  v.setUint32(at, value % 0x100000000, true);
  v.setUint32(at + 4, Math.floor(value / 0x100000000), true);
}
export function put64be(v: DataView, at: number, value: number): void {
  v.setUint32(at, Math.floor(value / 0x100000000));
  v.setUint32(at + 4, value % 0x100000000);
}
