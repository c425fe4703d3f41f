// VMware disks (VMware "Virtual Disk Format 5.0"): monolithicSparse, streamOptimized, monolithicFlat and their split forms, with a parent.
// Sparse extents are two levels of tables over grains of 64 KiB, kept twice. Left out: ESX's own sparse formats (COWD, SESPARSE), by name.

import { FaultError } from "../../../src/contract/schema.ts";
import { type ByteFile, readOnlyFault } from "../byte-file.ts";
import { deflate } from "pako";
import { inflateZlib } from "../deflate.ts";
import { type CheckReport, corrupt, type Extent, type Image, put64le, readBehind, readTable, type Specific, u64le, unsupported, viewOf } from "../image.ts";
import type { Io } from "../io.ts";

const MAGIC = 0x564d444b; // "KDMV" read little endian
const COWD = 0x44574f43;
const FLAG_NEWLINE = 1;
const FLAG_REDUNDANT = 2;
const FLAG_ZERO_GRAIN = 4;
const FLAG_COMPRESSED = 0x10000;
const FLAG_MARKERS = 0x20000;
const ENTRIES = 512;
const GRAIN = 65536;

interface Part {
  readonly start: number;
  readonly length: number;
  readonly kind: "flat" | "sparse" | "zero";
  readonly file: ByteFile | null;
  readonly offset: number;
  readonly sparse: Sparse | null;
}

/** One sparse extent: its tables, and where new grains go. */
class Sparse {
  readonly file: ByteFile;
  readonly capacity: number;
  readonly grain: number;
  readonly compressed: boolean;
  readonly version: number;
  readonly #zeroGrain: boolean;
  readonly #directory: DataView;
  readonly #copy: DataView | null;
  readonly #tables = new Map<number, DataView>();
  #end = 0;
  constructor(file: ByteFile, header: DataView, directory: Uint8Array, copy: Uint8Array | null) {
    this.file = file;
    this.capacity = u64le(header, 12) * 512;
    this.grain = u64le(header, 20) * 512;
    this.version = header.getUint32(4, true);
    const flags = header.getUint32(8, true);
    this.compressed = (flags & FLAG_COMPRESSED) !== 0;
    this.#zeroGrain = (flags & FLAG_ZERO_GRAIN) !== 0;
    this.#directory = viewOf(directory);
    this.#copy = copy && viewOf(copy);
    this.#end = Math.ceil(Math.max(file.size, u64le(header, 64) * 512) / 512) * 512;
  }
  static *open(file: ByteFile): Io<{ readonly sparse: Sparse; readonly descriptor: string | null }> {
    const bad = (why: string) => corrupt("vmdk", file, why);
    const bytes = new Uint8Array(512);
    yield* file.read(0, bytes);
    let h = viewOf(bytes);
    if (h.getUint32(0, true) !== MAGIC) throw bad("a sparse extent has no header");
    if (h.getUint32(4, true) > 3) throw unsupported("vmdk", file, `version ${h.getUint32(4, true)}`);
    const descriptorAt = u64le(h, 28) * 512;
    const descriptorBytes = u64le(h, 36) * 512;
    if (u64le(h, 56) >= 2 ** 52) {
      // Written as a stream: the header that knows the directory is the footer.
      const footer = new Uint8Array(512);
      yield* file.read(file.size - 1024, footer);
      if (viewOf(footer).getUint32(0, true) !== MAGIC) throw bad("its footer is missing: the stream was cut");
      h = viewOf(footer);
    }
    const flags = h.getUint32(8, true);
    const grain = u64le(h, 20);
    const capacity = u64le(h, 12);
    if (grain < 1 || grain > 2 ** 17 || (grain & (grain - 1)) !== 0) throw bad("its grain size is impossible");
    if (h.getUint32(44, true) !== ENTRIES) throw unsupported("vmdk", file, `${h.getUint32(44, true)} entries per grain table`);
    if (capacity > 2 ** 43) throw bad("its capacity is impossible");
    if (flags & FLAG_COMPRESSED && h.getUint16(77, true) !== 1) throw unsupported("vmdk", file, `compression ${h.getUint16(77, true)}`);
    const tables = Math.ceil(Math.ceil(capacity / grain) / ENTRIES);
    const directory = yield* readTable("vmdk", file, u64le(h, 56) * 512, tables * 4, "its grain directory");
    const redundant = flags & FLAG_REDUNDANT && u64le(h, 48) > 0 && u64le(h, 48) < 2 ** 40;
    const copy = redundant ? yield* readTable("vmdk", file, u64le(h, 48) * 512, tables * 4, "its second grain directory") : null;
    let descriptor: string | null = null;
    if (descriptorAt > 0 && descriptorBytes > 0) {
      if (descriptorBytes > 1 << 20) throw bad("its descriptor is too long");
      descriptor = text(yield* readTable("vmdk", file, descriptorAt, descriptorBytes, "its descriptor"));
    }
    return { sparse: new Sparse(file, h, directory, copy), descriptor };
  }
  *#table(index: number): Io<DataView | null> {
    const found = this.#tables.get(index);
    if (found) return found;
    const sector = index * 4 < this.#directory.byteLength ? this.#directory.getUint32(index * 4, true) : 0;
    if (sector === 0) return null;
    const view = viewOf(yield* readTable("vmdk", this.file, sector * 512, ENTRIES * 4, "a grain table"));
    if (this.#tables.size > 1024) this.#tables.delete(this.#tables.keys().next().value as number);
    this.#tables.set(index, view);
    return view;
  }
  /** Place of a grain: 0 absent, -2 zeros. */
  *lookup(grain: number): Io<number> {
    const table = yield* this.#table(Math.floor(grain / ENTRIES));
    const sector = table?.getUint32((grain % ENTRIES) * 4, true) ?? 0;
    return sector === 1 && this.#zeroGrain ? -2 : sector * 512;
  }
  *unpack(place: number): Io<Uint8Array> {
    const head = new Uint8Array(12);
    yield* this.file.read(place, head);
    const size = viewOf(head).getUint32(8, true);
    if (size === 0 || size > this.grain * 2 + 1024) throw corrupt("vmdk", this.file, "a compressed grain has an impossible size");
    const packed = new Uint8Array(size);
    yield* this.file.read(place + 12, packed);
    return inflateZlib(packed, this.grain, this.file.name);
  }
  /** Appends a grain and enters it into both tables. */
  *append(grain: number, bytes: Uint8Array): Io<void> {
    const place = this.#end;
    if (this.compressed) {
      const packed = deflate(bytes);
      const out = new Uint8Array(Math.ceil((12 + packed.length) / 512) * 512);
      put64le(viewOf(out), 0, (grain * this.grain) / 512);
      viewOf(out).setUint32(8, packed.length, true);
      out.set(packed, 12);
      yield* this.file.write(place, out);
      this.#end += out.length;
    } else {
      yield* this.file.write(place, bytes);
      this.#end += bytes.length;
    }
    yield* this.#enter(grain, place / 512);
  }
  *#enter(grain: number, sector: number): Io<void> {
    const index = Math.floor(grain / ENTRIES);
    const table = yield* this.#table(index);
    // Programs make all grain tables at the start; a file without is only read.
    if (!table) throw unsupported("vmdk", this.file, "writing to a missing grain table");
    const at = (grain % ENTRIES) * 4;
    table.setUint32(at, sector, true);
    const entry = new Uint8Array(4);
    viewOf(entry).setUint32(0, sector, true);
    for (const directory of [this.#copy, this.#directory]) {
      const home = directory?.getUint32(index * 4, true) ?? 0;
      if (home !== 0) yield* this.file.write(home * 512 + at, entry);
    }
  }
  *allocated(): Io<readonly [number, number]> {
    const grains = Math.ceil(this.capacity / this.grain);
    let used = 0;
    // Table by table: a header may claim petabytes, of which the directory knows next to nothing.
    const tables = Math.min(Math.ceil(grains / ENTRIES), this.#directory.byteLength / 4);
    for (let index = 0; index < tables; index++) {
      const table = yield* this.#table(index);
      if (!table) continue;
      const end = Math.min(ENTRIES, grains - index * ENTRIES);
      for (let n = 0; n < end; n++) {
        const sector = table.getUint32(n * 4, true);
        if (sector > 1 || (sector === 1 && !this.#zeroGrain)) used++;
      }
    }
    return [used, grains];
  }
}
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
/** Opens another file beside the image, by the name that the descriptor gives. */
export type Siblings = (name: string) => Io<ByteFile>;

export class VmdkImage implements Image {
  readonly format = "vmdk";
  readonly file: ByteFile;
  readonly readOnly: boolean;
  readonly size: number;
  readonly clusterSize: number | null;
  backing: Image | null = null;
  readonly backingName: string | null;
  readonly backingFormat: string | null;
  readonly #parts: readonly Part[];
  readonly #descriptor: string;
  #cached: { readonly part: Part; readonly grain: number; readonly bytes: Uint8Array } | null = null;

  private constructor(file: ByteFile, parts: readonly Part[], descriptor: string, readOnly: boolean) {
    this.file = file;
    this.#parts = parts;
    this.#descriptor = descriptor;
    this.size = parts.reduce((sum, p) => sum + p.length, 0);
    this.clusterSize = parts.find((p) => p.sparse)?.sparse?.grain ?? null;
    this.backingName = field(descriptor, "parentFileNameHint");
    this.backingFormat = this.backingName === null ? null : "vmdk";
    this.readOnly = readOnly || file.readOnly;
  }
  static *open(file: ByteFile, siblings: Siblings, readOnly = false): Io<VmdkImage> {
    const bad = (why: string) => corrupt("vmdk", file, why);
    const head = new Uint8Array(512);
    yield* file.read(0, head);
    const magic = viewOf(head).getUint32(0, true);
    if (magic === COWD) throw unsupported("vmdk", file, "the ESX sparse format (COWD)");
    if (magic === MAGIC) {
      const { sparse, descriptor } = yield* Sparse.open(file);
      return new VmdkImage(file, [{ start: 0, length: sparse.capacity, kind: "sparse", file, offset: 0, sparse }], descriptor ?? "", readOnly);
    }
    if (file.size > 1 << 20) throw bad("its descriptor is too long");
    const bytes = new Uint8Array(file.size);
    yield* file.read(0, bytes);
    const descriptor = text(bytes);
    if (!/^# Disk DescriptorFile/m.test(descriptor)) throw bad("it has neither header nor descriptor");
    const type = field(descriptor, "createType") ?? "";
    if (!["monolithicFlat", "twoGbMaxExtentFlat", "twoGbMaxExtentSparse", "vmfs", "monolithicSparse"].includes(type)) throw unsupported("vmdk", file, `create type "${type}"`);
    const parts: Part[] = [];
    let start = 0;
    for (const line of descriptor.split("\n")) {
      const match = /^(RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)(?:\s+"([^"]*)")?(?:\s+(\d+))?/.exec(line.trim());
      if (!match) continue;
      const [, access, count, kind, name, offset] = match;
      const length = Number(count) * 512;
      if (access === "NOACCESS" || !Number.isSafeInteger(length) || parts.length > 4096) throw bad("an extent cannot be used");
      if (kind === "ZERO") parts.push({ start, length, kind: "zero", file: null, offset: 0, sparse: null });
      else if (kind === "FLAT" || kind === "VMFS") parts.push({ start, length, kind: "flat", file: yield* siblings(name ?? ""), offset: Number(offset ?? 0) * 512, sparse: null });
      else if (kind === "SPARSE") {
        const sibling = yield* siblings(name ?? "");
        const { sparse } = yield* Sparse.open(sibling);
        if (sparse.capacity < length) throw bad("an extent is smaller than the descriptor says");
        parts.push({ start, length, kind: "sparse", file: sibling, offset: 0, sparse });
      } else throw unsupported("vmdk", file, `extent type ${kind}`);
      start += length;
    }
    if (parts.length === 0) throw bad("its descriptor names no extents");
    return new VmdkImage(file, parts, descriptor, readOnly || parts.some((p) => p.file?.readOnly));
  }
  get sync(): boolean {
    return this.file.sync && this.#parts.every((p) => p.file?.sync !== false);
  }
  #part(at: number): Part {
    const found = this.#parts.find((p) => at < p.start + p.length);
    if (!found) throw new Error("past the end of the disk");
    return found;
  }
  /** The piece at `at`: how many bytes are alike, where they lie (0 absent, -2 zeros). */
  *#piece(at: number, most: number): Io<{ readonly part: Part; readonly bytes: number; readonly place: number; readonly grain: number; readonly within: number }> {
    const part = this.#part(at);
    const inPart = at - part.start;
    const bytes = Math.min(most, part.length - inPart);
    if (part.kind === "zero") return { part, bytes, place: -2, grain: 0, within: 0 };
    if (!part.sparse) return { part, bytes, place: part.offset + inPart, grain: -1, within: 0 };
    const { grain } = part.sparse;
    const index = Math.floor(inPart / grain);
    const within = inPart % grain;
    return { part, bytes: Math.min(bytes, grain - within), place: yield* part.sparse.lookup(index), grain: index, within };
  }
  *read(at: number, into: Uint8Array): Io<void> {
    for (let done = 0; done < into.length; ) {
      const { part, bytes, place, grain, within } = yield* this.#piece(at + done, into.length - done);
      const to = into.subarray(done, done + bytes);
      if (place === -2) to.fill(0);
      else if (place === 0 && grain >= 0) yield* readBehind(this.backing, at + done, to);
      else if (part.sparse?.compressed) to.set((yield* this.#unpacked(part, grain, place)).subarray(within, within + bytes));
      else yield* (part.file as ByteFile).read(place + within, to);
      done += bytes;
    }
  }
  *#unpacked(part: Part, grain: number, place: number): Io<Uint8Array> {
    if (this.#cached?.part === part && this.#cached.grain === grain) return this.#cached.bytes;
    const bytes = yield* (part.sparse as Sparse).unpack(place);
    this.#cached = { part, grain, bytes };
    return bytes;
  }
  *write(at: number, from: Uint8Array): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.file.name);
    for (let done = 0; done < from.length; ) {
      const { part, bytes, place, grain, within } = yield* this.#piece(at + done, from.length - done);
      const piece = from.subarray(done, done + bytes);
      if (part.kind === "zero") throw unsupported("vmdk", this.file, "writing to a ZERO extent");
      if (!part.sparse) yield* (part.file as ByteFile).write(place, piece);
      else if (part.sparse.compressed) {
        if (place !== 0) throw new FaultError("vmdk.stream", `${this.file.name}: a streamOptimized image is written once, from the beginning to the end.`, "Convert it to qcow2 or monolithicSparse to write to it.");
        yield* this.#append(part, grain, within, piece, at + done);
      } else if (place > 0) yield* part.sparse.file.write(place + within, piece);
      else if (place === -2 || this.backing !== null || piece.some((b) => b !== 0)) yield* this.#append(part, grain, within, piece, at + done, place === -2);
      done += bytes;
    }
  }
  *#append(part: Part, grain: number, within: number, piece: Uint8Array, at: number, zero = false): Io<void> {
    const sparse = part.sparse as Sparse;
    const whole = new Uint8Array(sparse.grain);
    if (piece.length < whole.length && !zero) yield* readBehind(this.backing, at - within, whole);
    whole.set(piece, within);
    yield* sparse.append(grain, whole);
  }
  get compresses(): boolean {
    return this.#parts.some((p) => p.sparse?.compressed);
  }
  *extent(at: number, length: number): Io<Extent> {
    let first: Extent | null = null;
    let done = 0;
    while (done < length) {
      const { part, bytes, place, grain, within } = yield* this.#piece(at + done, length - done);
      const compressed = part.sparse?.compressed === true && place > 0;
      const absent = place === 0 && grain >= 0;
      const offset = absent || place === -2 || compressed ? null : place + within;
      const one: Extent = { length: bytes, present: !absent, data: !absent && place !== -2, zero: place === -2 || (absent && this.backing === null), offset, ...(compressed ? { compressed } : {}) };
      if (first === null) first = one;
      else if (first.present !== one.present || first.zero !== one.zero || first.compressed !== one.compressed || (first.offset !== null && offset !== first.offset + done)) break;
      done += bytes;
    }
    return { ...(first as Extent), length: done };
  }
  *flush(): Io<void> {
    if (this.readOnly) return;
    for (const part of this.#parts) if (part.file) yield* part.file.flush();
  }
  *close(): Io<void> {
    yield* this.flush();
    for (const part of this.#parts) if (part.file && part.file !== this.file) yield* part.file.close();
    yield* this.file.close();
  }
  *check(): Io<CheckReport> {
    let used = 0;
    let total = 0;
    for (const { sparse } of this.#parts) {
      if (!sparse) continue;
      const [a, b] = yield* sparse.allocated();
      used += a;
      total += b;
    }
    return { lines: [], corruptions: 0, leaks: 0, corruptionsFixed: 0, leaksFixed: 0, allocatedClusters: used, totalClusters: total, compressedClusters: 0, fragmentedClusters: 0, imageEndOffset: 0 };
  }
  *specific(): Io<Specific> {
    return {
      cid: Number.parseInt(field(this.#descriptor, "CID", false) ?? "0", 16),
      "parent cid": Number.parseInt(field(this.#descriptor, "parentCID", false) ?? "0", 16),
      "create type": field(this.#descriptor, "createType") ?? "",
      extents: this.#parts.map((p): Specific => {
        const common: Specific = { "virtual size": p.length, filename: p.file?.name ?? "" };
        if (!p.sparse) return { ...common, format: "FLAT" };
        return { ...(p.sparse.compressed ? { compressed: true } : {}), ...common, "cluster size": p.sparse.grain, format: "" };
      }),
    };
  }
}
function field(descriptor: string, name: string, quoted = true): string | null {
  const match = new RegExp(`^\\s*${name}\\s*=\\s*${quoted ? '"([^"\\n]*)"' : "(\\S+)"}`, "m").exec(descriptor);
  return match?.[1] ?? null;
}

export interface VmdkOptions {
  readonly size: number;
  readonly subformat?: "monolithicSparse" | "streamOptimized" | "monolithicFlat";
  readonly adapter?: string;
  readonly hwVersion?: string;
  readonly zeroedGrain?: boolean;
  readonly cid: number;
  readonly parent?: { readonly name: string; readonly cid: number };
  /** The file of a flat extent, made beside the descriptor, and its name there. */
  readonly flat?: { readonly name: string; readonly file: ByteFile };
  /** How the descriptor calls the file itself. */
  readonly selfName: string;
}
export function* createVmdk(file: ByteFile, options: VmdkOptions): Io<void> {
  const { size, subformat = "monolithicSparse", adapter = "ide", cid, parent, flat, zeroedGrain = false } = options;
  if (parent && subformat === "monolithicFlat") throw new FaultError("image.option", "Flat image can't have backing file");
  const sectors = size / 512;
  const heads = adapter === "ide" ? 16 : 255;
  const extent = subformat === "monolithicFlat" ? `RW ${sectors} FLAT "${flat?.name}" 0` : `RW ${sectors} SPARSE "${options.selfName}"`;
  const descriptor = [
    "# Disk DescriptorFile", "version=1", `CID=${cid.toString(16)}`, `parentCID=${(parent?.cid ?? 0xffffffff).toString(16)}`, `createType="${subformat}"`,
    parent ? `parentFileNameHint="${parent.name}"` : "", "", "# Extent description", extent, "", "# The Disk Data Base", "#DDB", "",
    `ddb.virtualHWVersion = "${options.hwVersion ?? "4"}"`, `ddb.geometry.cylinders = "${Math.floor(sectors / (63 * heads))}"`, `ddb.geometry.heads = "${heads}"`,
    'ddb.geometry.sectors = "63"', `ddb.adapterType = "${adapter}"`, 'ddb.toolsVersion = "2147483647"', "",
  ].join("\n");
  const words = new TextEncoder().encode(descriptor);
  yield* file.truncate(0);
  if (subformat === "monolithicFlat") {
    yield* file.write(0, words);
    if (!flat) throw new Error("a flat extent needs a file");
    yield* flat.file.truncate(size);
    yield* flat.file.flush();
    yield* file.flush();
    return;
  }
  const compressed = subformat === "streamOptimized";
  const tables = Math.ceil(Math.ceil(size / GRAIN) / ENTRIES);
  const directorySectors = Math.ceil((tables * 4) / 512);
  const tableSectors = (ENTRIES * 4) / 512;
  const copyAt = 21;
  const directoryAt = copyAt + directorySectors + tableSectors * tables;
  const overhead = Math.ceil((directoryAt + directorySectors + tableSectors * tables) / (GRAIN / 512)) * (GRAIN / 512);
  const head = new Uint8Array(512);
  const v = viewOf(head);
  v.setUint32(0, MAGIC, true);
  v.setUint32(4, compressed ? 3 : zeroedGrain ? 2 : 1, true);
  v.setUint32(8, FLAG_NEWLINE | FLAG_REDUNDANT | (compressed ? FLAG_COMPRESSED | FLAG_MARKERS : 0) | (zeroedGrain ? FLAG_ZERO_GRAIN : 0), true);
  put64le(v, 12, sectors);
  put64le(v, 20, GRAIN / 512);
  put64le(v, 28, 1);
  put64le(v, 36, 20);
  v.setUint32(44, ENTRIES, true);
  put64le(v, 48, copyAt);
  put64le(v, 56, directoryAt);
  put64le(v, 64, overhead);
  head.set([0x0a, 0x20, 0x0d, 0x0a], 73);
  v.setUint16(77, compressed ? 1 : 0, true);
  if (words.length > 20 * 512) throw new FaultError("image.option", "The name of the backing file is too long for a vmdk descriptor.");
  yield* file.write(0, head);
  yield* file.write(512, words);
  for (const at of [copyAt, directoryAt]) {
    const directory = new Uint8Array(directorySectors * 512);
    for (let t = 0; t < tables; t++) viewOf(directory).setUint32(t * 4, at + directorySectors + t * tableSectors, true);
    yield* file.write(at * 512, directory);
  }
  yield* file.truncate(overhead * 512);
  yield* file.flush();
}
