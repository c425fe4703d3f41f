// Virtual PC disk images (Microsoft "Virtual Hard Disk Image Format Specification" 1.0): fixed, dynamic and differencing, read and written.
// A block has a bitmap that says which of its sectors are here; the others are zeros or the parent's. Left out: splitting into parts.

import { FaultError } from "../../../src/contract/schema.ts";
import type { ByteFile } from "../byte-file.ts";
import { type Extent, type Image, corrupt, put64be, readBehind, readTable, type Specific, u64be, unsupported, viewOf } from "../image.ts";
import { readOnlyFault } from "../byte-file.ts";
import type { Io } from "../io.ts";

const FOOTER = 512;
const FREE = 0xffffffff;
const TYPE = { fixed: 2, dynamic: 3, differencing: 4 } as const;
/** Seconds from 1970 to 2000. */
const EPOCH = 946684800;
const MOST_CHS = 65535 * 16 * 255;

function checksum(bytes: Uint8Array, skip: number): number {
  let sum = 0;
  bytes.forEach((b, i) => {
    if (i < skip || i >= skip + 4) sum += b;
  });
  return ~sum >>> 0;
}
const sealFooter = (f: Uint8Array): void => viewOf(f).setUint32(64, checksum(f, 64));

/** Cylinders, heads and sectors per track for a number of sectors (appendix of the specification). */
export function vhdGeometry(total: number): readonly [number, number, number] {
  const sectors = Math.min(total, MOST_CHS);
  let perTrack: number;
  let heads: number;
  let cylinderHeads: number;
  if (sectors >= 65535 * 16 * 63) {
    perTrack = 255;
    heads = 16;
    cylinderHeads = Math.floor(sectors / perTrack);
  } else {
    perTrack = 17;
    cylinderHeads = Math.floor(sectors / perTrack);
    heads = Math.max(4, Math.floor((cylinderHeads + 1023) / 1024));
    if (cylinderHeads >= heads * 1024 || heads > 16) {
      perTrack = 31;
      heads = 16;
      cylinderHeads = Math.floor(sectors / perTrack);
    }
    if (cylinderHeads >= heads * 1024) {
      perTrack = 63;
      heads = 16;
      cylinderHeads = Math.floor(sectors / perTrack);
    }
  }
  return [Math.floor(cylinderHeads / heads), heads, perTrack];
}

export class VhdImage implements Image {
  readonly format = "vpc";
  readonly file: ByteFile;
  readonly readOnly: boolean;
  readonly size: number;
  readonly clusterSize: number | null;
  backing: Image | null = null;
  readonly backingName: string | null;
  readonly backingFormat: string | null;
  readonly type: "fixed" | "dynamic" | "differencing";
  readonly #footer: Uint8Array;
  readonly #bat: DataView;
  readonly #batAt: number;
  readonly #bitmapBytes: number;
  /** Where the next block goes; the footer lies there now. */
  #end: number;
  #bitmap: { block: number; bytes: Uint8Array } | null = null;

  private constructor(file: ByteFile, footer: Uint8Array, header: Uint8Array | null, bat: Uint8Array, size: number, readOnly: boolean) {
    this.file = file;
    this.readOnly = readOnly || file.readOnly;
    this.size = size;
    this.#footer = footer;
    const type = viewOf(footer).getUint32(60);
    this.type = type === TYPE.fixed ? "fixed" : type === TYPE.dynamic ? "dynamic" : "differencing";
    this.#bat = viewOf(bat);
    const h = header && viewOf(header);
    this.#batAt = h ? u64be(h, 16) : 0;
    this.clusterSize = h ? h.getUint32(32) : null;
    this.#bitmapBytes = this.clusterSize ? Math.ceil(this.clusterSize / 512 / 8 / 512) * 512 : 0;
    const [name, format] = header && type === TYPE.differencing ? parentOf(header) : [null, null];
    this.backingName = name;
    this.backingFormat = format;
    this.#end = Math.ceil((this.#batAt + bat.length) / 512) * 512;
    for (let b = 0; b < bat.length / 4; b++) {
      const sector = this.#bat.getUint32(b * 4);
      if (sector !== FREE) this.#end = Math.max(this.#end, sector * 512 + this.#bitmapBytes + (this.clusterSize ?? 0));
    }
  }
  static *open(file: ByteFile, readOnly = false): Io<VhdImage> {
    const bad = (why: string) => corrupt("vpc", file, why);
    let footer = new Uint8Array(FOOTER);
    yield* file.read(0, footer);
    if (!isFooter(footer)) {
      // A fixed disk has its footer at the end only (511 bytes from old programs).
      if (file.size < FOOTER) throw bad("it is too short");
      footer = new Uint8Array(FOOTER);
      yield* file.read(file.size - FOOTER, footer);
      if (!isFooter(footer)) throw bad("it has no footer");
    }
    const f = viewOf(footer);
    if (checksum(footer, 64) !== f.getUint32(64)) throw bad("the checksum of its footer is wrong");
    const type = f.getUint32(60);
    const [cylinders, heads, perTrack] = [f.getUint16(56), footer[58] as number, footer[59] as number];
    // Virtual PC sizes a disk by its geometry; newer programs (and very large disks) by the number of bytes.
    const creator = new TextDecoder().decode(footer.subarray(28, 32));
    const chs = cylinders * heads * perTrack;
    const byBytes = ["win ", "qem2", "d2v ", "tap\0", "CTXS"].includes(creator) || creator === "gh  " || chs === MOST_CHS;
    const size = byBytes ? u64be(f, 48) : chs * 512;
    if (size > 2 ** 52 || size % 512 !== 0) throw bad("its size is impossible");
    if (type === TYPE.fixed) {
      if (size > file.size) throw bad("it is shorter than its disk");
      return new VhdImage(file, footer, null, new Uint8Array(0), size, readOnly);
    }
    if (type !== TYPE.dynamic && type !== TYPE.differencing) throw unsupported("vpc", file, `disk type ${type}`);
    const header = yield* readTable("vpc", file, u64be(f, 16), 1024, "its dynamic header");
    const h = viewOf(header);
    if (new TextDecoder().decode(header.subarray(0, 8)) !== "cxsparse") throw bad("it has no dynamic header");
    const block = h.getUint32(32);
    const entries = h.getUint32(28);
    if (block < 4096 || block > 1 << 28 || (block & (block - 1)) !== 0) throw bad("its block size is impossible");
    if (entries * block < size) throw bad("its table is too small for its disk");
    const bat = yield* readTable("vpc", file, u64be(h, 16), entries * 4, "its block table");
    return new VhdImage(file, footer, header, bat, size, readOnly);
  }
  get sync(): boolean {
    return this.file.sync;
  }
  #place(block: number): number {
    const sector = this.#bat.getUint32(block * 4);
    return sector === FREE ? -1 : sector * 512;
  }
  *#bits(block: number): Io<Uint8Array> {
    if (this.#bitmap?.block === block) return this.#bitmap.bytes;
    const bytes = new Uint8Array(this.#bitmapBytes);
    yield* this.file.read(this.#place(block), bytes);
    this.#bitmap = { block, bytes };
    return bytes;
  }
  /** The run of sectors from `at` that are all here or all not here, at most `length` bytes and inside one block; its place or -1. */
  *#run(at: number, length: number): Io<readonly [bytes: number, place: number]> {
    const size = this.clusterSize as number;
    const block = Math.floor(at / size);
    const within = at % size;
    const most = Math.min(length, size - within);
    const place = this.#place(block);
    if (place < 0) return [most, -1];
    const bits = yield* this.#bits(block);
    const first = Math.floor(within / 512);
    const here = (n: number) => ((bits[n >> 3] as number) & (0x80 >> (n & 7))) !== 0;
    let n = first + 1;
    while (n * 512 < within + most && here(n) === here(first)) n++;
    return [Math.min(most, n * 512 - within), here(first) ? place + this.#bitmapBytes + within : -1];
  }
  *read(at: number, into: Uint8Array): Io<void> {
    if (this.clusterSize === null) return yield* this.file.read(at, into);
    for (let done = 0; done < into.length; ) {
      const [bytes, place] = yield* this.#run(at + done, into.length - done);
      const part = into.subarray(done, done + bytes);
      if (place >= 0) yield* this.file.read(place, part);
      else yield* readBehind(this.backing, at + done, part);
      done += bytes;
    }
  }
  *write(at: number, from: Uint8Array): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.file.name);
    if (this.clusterSize === null) return yield* this.file.write(at, from);
    const size = this.clusterSize;
    for (let done = 0; done < from.length; ) {
      const block = Math.floor((at + done) / size);
      const within = (at + done) % size;
      const part = from.subarray(done, Math.min(from.length, done + size - within));
      if (this.#place(block) < 0) {
        if (this.backing === null && part.every((b) => b === 0)) {
          done += part.length;
          continue;
        }
        yield* this.#newBlock(block);
      }
      const place = this.#place(block);
      yield* this.file.write(place + this.#bitmapBytes + within, part);
      const bits = yield* this.#bits(block);
      let changed = false;
      for (let n = Math.floor(within / 512); n * 512 < within + part.length; n++) {
        const mask = 0x80 >> (n & 7);
        if (!((bits[n >> 3] as number) & mask)) {
          bits[n >> 3] = (bits[n >> 3] as number) | mask;
          changed = true;
        }
      }
      if (changed) yield* this.file.write(place, bits);
      done += part.length;
    }
  }
  /** A block at the end: its bitmap, room for its data, the footer behind it, then the table. Without a parent all of it counts as here. */
  *#newBlock(block: number): Io<void> {
    const place = this.#end;
    const bits = new Uint8Array(this.#bitmapBytes).fill(this.type === "differencing" ? 0 : 0xff);
    this.#end = place + this.#bitmapBytes + (this.clusterSize as number);
    yield* this.file.write(this.#end, this.#footer);
    // The old footer lay where the bitmap goes now; the data may not show it.
    yield* this.file.write(place, bits);
    yield* this.file.write(place + this.#bitmapBytes, new Uint8Array(Math.max(0, FOOTER - this.#bitmapBytes)));
    this.#bat.setUint32(block * 4, place / 512);
    const sector = (block * 4) & ~511;
    yield* this.file.write(this.#batAt + sector, new Uint8Array(this.#bat.buffer, this.#bat.byteOffset + sector, Math.min(512, this.#bat.byteLength - sector)));
    this.#bitmap = { block, bytes: bits };
  }
  *extent(at: number, length: number): Io<Extent> {
    if (this.clusterSize === null) return { length, present: true, data: true, zero: false, offset: at };
    let done = 0;
    let first: Extent | null = null;
    while (done < length) {
      const [bytes, place] = yield* this.#run(at + done, length - done);
      const present = place >= 0;
      if (first && (first.present !== present || (present && place !== (first.offset as number) + done))) break;
      first ??= { length, present, data: present, zero: !present && this.backing === null, offset: present ? place : null };
      done += bytes;
    }
    return { ...(first as Extent), length: done };
  }
  *flush(): Io<void> {
    if (!this.readOnly) yield* this.file.flush();
  }
  *close(): Io<void> {
    yield* this.flush();
    yield* this.file.close();
  }
  *specific(): Io<Specific> {
    return {};
  }
}
const isFooter = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(0, 8)) === "conectix";

/** Name of the parent: its plain name, and the format is always VHD. */
function parentOf(header: Uint8Array): readonly [string, string] {
  let name = "";
  for (let i = 64; i + 1 < 576; i += 2) {
    const unit = ((header[i] as number) << 8) | (header[i + 1] as number);
    if (unit === 0) break;
    name += String.fromCharCode(unit);
  }
  return [name.split(/[\\/]/).pop() ?? "", "vpc"];
}

export interface VhdOptions {
  readonly size: number;
  readonly subformat?: "dynamic" | "fixed";
  readonly forceSize?: boolean;
  readonly uuid: () => Uint8Array;
  readonly dateMs: number;
  /** Makes a differencing disk of this parent. */
  readonly parent?: { readonly name: string; readonly footer: Uint8Array };
}
/** The virtual size that a new disk gets: whole cylinders, unless forced. */
export function vhdSize(size: number, forced: boolean): number {
  if (forced) return size;
  const total = Math.ceil(size / 512);
  for (let i = 0; ; i++) {
    const [c, h, s] = vhdGeometry(total + i);
    if (c * h * s >= Math.min(total, MOST_CHS)) return Math.min(total, MOST_CHS) === MOST_CHS ? total * 512 : c * h * s * 512;
  }
}
export function* createVhd(file: ByteFile, options: VhdOptions): Io<void> {
  const { subformat = "dynamic", forceSize = false, uuid, dateMs, parent } = options;
  const size = vhdSize(options.size, forceSize);
  if (size > 2040 * 2 ** 30) throw new FaultError("image.option", "The image is too large for the vpc format: 2040 GiB at most.");
  const fixed = subformat === "fixed" && !parent;
  const footer = new Uint8Array(FOOTER);
  const f = viewOf(footer);
  footer.set(new TextEncoder().encode("conectix"));
  f.setUint32(8, 2);
  f.setUint32(12, 0x00010000);
  put64be(f, 16, fixed ? 2 ** 64 - 2048 : FOOTER);
  if (fixed) f.setBigUint64(16, 0xffffffffffffffffn);
  f.setUint32(24, Math.max(0, Math.floor(dateMs / 1000) - EPOCH));
  footer.set(new TextEncoder().encode(forceSize ? "qem2" : "qemu"), 28);
  f.setUint32(32, 0x00050003);
  footer.set(new TextEncoder().encode("Wi2k"), 36);
  put64be(f, 40, size);
  put64be(f, 48, size);
  const [c, h, s] = vhdGeometry(size / 512);
  f.setUint16(56, c);
  footer[58] = h;
  footer[59] = s;
  f.setUint32(60, fixed ? TYPE.fixed : parent ? TYPE.differencing : TYPE.dynamic);
  footer.set(uuid(), 68);
  sealFooter(footer);
  yield* file.truncate(0);
  if (fixed) {
    yield* file.write(size, footer);
    yield* file.flush();
    return;
  }
  const block = 2 << 20;
  const entries = Math.ceil(size / block);
  const header = new Uint8Array(1024);
  const v = viewOf(header);
  header.set(new TextEncoder().encode("cxsparse"));
  v.setBigUint64(8, 0xffffffffffffffffn);
  put64be(v, 16, 3 * 512);
  v.setUint32(24, 0x00010000);
  v.setUint32(28, entries);
  v.setUint32(32, block);
  const batBytes = Math.ceil((entries * 4) / 512) * 512;
  let end = 3 * 512 + batBytes;
  if (parent) {
    header.set(parent.footer.subarray(68, 84), 40);
    header.set(parent.footer.subarray(24, 28), 56);
    for (let i = 0; i < Math.min(255, parent.name.length); i++) v.setUint16(64 + i * 2, parent.name.charCodeAt(i));
    // Locator "W2ru": the relative path in UTF-16, little endian, in a sector of its own.
    const path = new Uint8Array(512);
    const relative = `.\\${parent.name}`;
    for (let i = 0; i < Math.min(255, relative.length); i++) viewOf(path).setUint16(i * 2, relative.charCodeAt(i), true);
    header.set(new TextEncoder().encode("W2ru"), 576);
    v.setUint32(580, 512);
    v.setUint32(584, relative.length * 2);
    put64be(v, 592, end);
    yield* file.write(end, path);
    end += 512;
  }
  v.setUint32(36, checksum(header, 36));
  yield* file.write(0, footer);
  yield* file.write(FOOTER, header);
  yield* file.write(3 * 512, new Uint8Array(batBytes).fill(0xff));
  yield* file.write(end, footer);
  yield* file.flush();
}
