// Older formats that are only read: QED (QEMU docs/interop/qed_spec.txt), Parallels (QEMU docs/interop/parallels.txt), cloop 2.x
// (compressed loop device) and the copy-on-write files of user-mode Linux (cow version 2). Writing any of them is refused.

import type { ByteFile } from "../byte-file.ts";
import { inflateZlib } from "../deflate.ts";
import { ABSENT, BlockTableImage, big, corrupt, type Extent, readTable, u64be, u64le, unsupported, viewOf, ZERO } from "../image.ts";
import type { Io } from "../io.ts";

abstract class ReadOnlyImage extends BlockTableImage {
  constructor(file: ByteFile) {
    super(file, true);
  }
  protected *allocate(): Io<void> {
    throw unsupported(this.format, this.file, "writing");
  }
}

export class QedImage extends ReadOnlyImage {
  readonly format = "qed";
  readonly size: number;
  readonly clusterSize: number;
  readonly #tableClusters: number;
  readonly #l1: DataView;
  readonly #l2 = new Map<number, DataView>();
  private constructor(file: ByteFile, header: DataView, l1: Uint8Array, backing: string | null, raw: boolean) {
    super(file);
    this.clusterSize = header.getUint32(4, true);
    this.#tableClusters = header.getUint32(8, true);
    this.size = u64le(header, 48);
    this.#l1 = viewOf(l1);
    this.backingName = backing;
    this.backingFormat = backing !== null && raw ? "raw" : null;
  }
  static *open(file: ByteFile): Io<QedImage> {
    const bytes = new Uint8Array(64);
    yield* file.read(0, bytes);
    const h = viewOf(bytes);
    const bad = (why: string) => corrupt("qed", file, why);
    if (h.getUint32(0, true) !== 0x00444551) throw bad("its signature is wrong");
    const cluster = h.getUint32(4, true);
    const tables = h.getUint32(8, true);
    if (cluster < 4096 || cluster > 64 << 20 || (cluster & (cluster - 1)) !== 0) throw bad("its cluster size is impossible");
    if (tables < 1 || tables > 16 || (tables & (tables - 1)) !== 0) throw bad("its table size is impossible");
    if (h.getUint32(16, true) & ~7 || h.getUint32(20, true) !== 0) throw unsupported("qed", file, "an unknown feature");
    const size = u64le(h, 48);
    const entries = (cluster * tables) / 8;
    if (size % 512 || size > entries * entries * cluster || size > 2 ** 52) throw bad("its size is impossible");
    let backing: string | null = null;
    if (h.getUint32(16, true) & 1) {
      const length = h.getUint32(60, true);
      if (length > 1023) throw bad("the name of its backing file is too long");
      backing = new TextDecoder().decode(yield* readTable("qed", file, h.getUint32(56, true), length, "the name of its backing file"));
    }
    const l1 = yield* readTable("qed", file, u64le(h, 40), cluster * tables, "its L1 table");
    return new QedImage(file, h, l1, backing, (h.getUint32(16, true) & 4) !== 0);
  }
  protected *lookup(block: number): Io<number> {
    const per = (this.clusterSize * this.#tableClusters) / 8;
    const l1 = u64le(this.#l1, Math.floor(block / per) * 8);
    if (l1 === 0) return ABSENT;
    let table = this.#l2.get(l1);
    if (!table) {
      if (l1 % this.clusterSize) throw corrupt("qed", this.file, "an L2 table has an impossible place");
      table = viewOf(yield* readTable("qed", this.file, l1, this.clusterSize * this.#tableClusters, "an L2 table"));
      if (this.#l2.size > 64) this.#l2.clear();
      this.#l2.set(l1, table);
    }
    const at = u64le(table, (block % per) * 8);
    if (at > 2 ** 52) throw corrupt("qed", this.file, "a cluster has an impossible place");
    return at === 0 ? ABSENT : at === 1 ? ZERO : at;
  }
}

export class ParallelsImage extends ReadOnlyImage {
  readonly format = "parallels";
  readonly size: number;
  readonly clusterSize: number;
  readonly #bat: DataView;
  /** Bytes per unit of a table entry: a sector in old files, a cluster in extended ones. */
  readonly #unit: number;
  private constructor(file: ByteFile, size: number, cluster: number, bat: Uint8Array, unit: number) {
    super(file);
    this.size = size;
    this.clusterSize = cluster;
    this.#bat = viewOf(bat);
    this.#unit = unit;
  }
  static *open(file: ByteFile): Io<ParallelsImage> {
    const bytes = new Uint8Array(64);
    yield* file.read(0, bytes);
    const h = viewOf(bytes);
    const magic = new TextDecoder().decode(bytes.subarray(0, 16));
    const extended = magic === "WithouFreSpacExt";
    if (!extended && magic !== "WithoutFreeSpace") throw corrupt("parallels", file, "its signature is wrong");
    if (h.getUint32(16, true) !== 2) throw unsupported("parallels", file, `version ${h.getUint32(16, true)}`);
    const tracks = h.getUint32(28, true);
    const entries = h.getUint32(32, true);
    const sectors = extended ? u64le(h, 36) : h.getUint32(36, true);
    if (tracks === 0 || tracks > 0x7fffffff / 513 || entries > 0x7fffffff / 4) throw corrupt("parallels", file, "its tables are impossible");
    if (sectors > entries * tracks) throw corrupt("parallels", file, "its table is too small for its disk");
    const bat = yield* readTable("parallels", file, 64, entries * 4, "its block table");
    return new ParallelsImage(file, sectors * 512, tracks * 512, bat, extended ? tracks * 512 : 512);
  }
  protected *lookup(block: number): Io<number> {
    const entry = block * 4 < this.#bat.byteLength ? this.#bat.getUint32(block * 4, true) : 0;
    return entry === 0 ? ABSENT : entry * this.#unit;
  }
}

export class CloopImage extends ReadOnlyImage {
  readonly format = "cloop";
  readonly size: number;
  readonly clusterSize: number;
  readonly #offsets: DataView;
  #last: { readonly block: number; readonly bytes: Uint8Array } | null = null;
  private constructor(file: ByteFile, block: number, blocks: number, offsets: Uint8Array) {
    super(file);
    this.clusterSize = block;
    this.size = block * blocks;
    this.#offsets = viewOf(offsets);
  }
  static *open(file: ByteFile): Io<CloopImage> {
    const bytes = new Uint8Array(136);
    yield* file.read(0, bytes);
    const h = viewOf(bytes);
    const block = h.getUint32(128);
    const blocks = h.getUint32(132);
    if (block === 0 || block % 512 || block > 64 << 20) throw corrupt("cloop", file, "its block size is impossible");
    if (blocks > 0x1fffffff) throw corrupt("cloop", file, "it has too many blocks");
    const offsets = yield* readTable("cloop", file, 136, (blocks + 1) * 8, "its offset table");
    const v = viewOf(offsets);
    for (let i = 1; i <= blocks; i++) {
      const length = u64be(v, i * 8) - u64be(v, (i - 1) * 8);
      if (!(length >= 0 && length <= block * 2 + 1024)) throw corrupt("cloop", file, `block ${i - 1} has an impossible size`);
    }
    return new CloopImage(file, block, blocks, offsets);
  }
  protected *lookup(block: number): Io<number> {
    return u64be(this.#offsets, block * 8);
  }
  protected override *load(block: number, place: number, within: number, into: Uint8Array): Io<void> {
    if (this.#last?.block !== block) {
      const packed = new Uint8Array(u64be(this.#offsets, (block + 1) * 8) - place);
      yield* this.file.read(place, packed);
      this.#last = { block, bytes: inflateZlib(packed, this.clusterSize, this.file.name) };
    }
    into.set(this.#last.bytes.subarray(within, within + into.length));
  }
  protected override describe(length: number): Extent {
    return { length, present: true, data: true, zero: false, offset: null, compressed: true };
  }
}

export class CowImage extends ReadOnlyImage {
  readonly format = "cow";
  readonly size: number;
  readonly clusterSize = 512;
  readonly #bitmap: Uint8Array;
  readonly #dataAt: number;
  private constructor(file: ByteFile, size: number, bitmap: Uint8Array, dataAt: number, backing: string | null) {
    super(file);
    this.size = size;
    this.#bitmap = bitmap;
    this.#dataAt = dataAt;
    this.backingName = backing;
  }
  static *open(file: ByteFile): Io<CowImage> {
    const HEADER = 1056;
    const bytes = new Uint8Array(HEADER);
    yield* file.read(0, bytes);
    const h = viewOf(bytes);
    if (h.getUint32(0) !== 0x4f4f4f4d) throw corrupt("cow", file, "its signature is wrong");
    if (h.getUint32(4) !== 2) throw unsupported("cow", file, `version ${h.getUint32(4)}`);
    const size = big(h.getUint32(1040), h.getUint32(1044));
    if (size % 512 || size > 2 ** 38 || h.getUint32(1048) !== 512) throw corrupt("cow", file, "its size is impossible");
    const end = bytes.indexOf(0, 8);
    const name = new TextDecoder().decode(bytes.subarray(8, Math.min(end < 0 ? 1032 : end, 1032)));
    const bitmapBytes = Math.ceil(size / 512 / 8);
    const bitmap = yield* readTable("cow", file, HEADER, bitmapBytes, "its bitmap");
    return new CowImage(file, size, bitmap, Math.ceil((HEADER + bitmapBytes) / 512) * 512, name === "" ? null : name);
  }
  protected *lookup(block: number): Io<number> {
    return (this.#bitmap[block >> 3] as number) & (1 << (block & 7)) ? this.#dataAt + block * 512 : ABSENT;
  }
}
