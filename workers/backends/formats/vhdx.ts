// Hyper-V disks, version 2 (Microsoft [MS-VHDX]): read and written, dynamic and fixed, with the log: a table is changed by an entry in the
// log first, and what a program left there is replayed on opening. Left out: differencing images (parent locators), refused by name.

import { FaultError } from "../../../src/contract/schema.ts";
import type { ByteFile } from "../byte-file.ts";
import { ABSENT, BlockTableImage, type CheckReport, corrupt, put64le, readTable, type Specific, u64le, unsupported, viewOf, ZERO } from "../image.ts";
import type { Io } from "../io.ts";
import { crc32c } from "./crc32c.ts";

const KIB64 = 65536;
const MIB = 1 << 20;
const HEADER_BYTES = 4096;
const LOG_SECTOR = 4096;
const BAT = "2dc27766f62342009d64115e9bfd4a08";
const METADATA = "8b7ca20647904b9ab8fe575f050f886e";
const ITEM = {
  parameters: "caa16737fa364d43b3b633f0aa44e76b",
  size: "2fa54224cd1b4876b2115dbed83bf4b8",
  page83: "beca12abb2e6452393efc309e000c746",
  logicalSector: "8141bf1da96f4709ba47f233a8faab5f",
  physicalSector: "cda348c7445d44719cc9e9885251c556",
  parentLocator: "a8d35f2db30b454dabf7d3d84834ab0c",
} as const;
const STATE = { absent: 0, undefined: 1, zero: 2, unmapped: 3, present: 6, partial: 7 } as const;

/** A GUID in the mixed order that Microsoft stores, as 32 hex digits in reading order. */
function guidText(b: Uint8Array, at: number): string {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return order.map((i) => (b[at + i] as number).toString(16).padStart(2, "0")).join("");
}
function putGuid(b: Uint8Array, at: number, text: string): void {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  order.forEach((to, i) => {
    b[at + to] = Number.parseInt(text.slice(i * 2, i * 2 + 2), 16);
  });
}
function sealed(bytes: Uint8Array, at = 4): boolean {
  const copy = bytes.slice();
  viewOf(copy).setUint32(at, 0, true);
  return crc32c(copy) === viewOf(bytes).getUint32(at, true);
}
function seal(bytes: Uint8Array, at = 4): void {
  viewOf(bytes).setUint32(at, 0, true);
  viewOf(bytes).setUint32(at, crc32c(bytes), true);
}
const isZeroGuid = (b: Uint8Array, at: number) => b.subarray(at, at + 16).every((x) => x === 0);

interface Region {
  readonly at: number;
  readonly length: number;
}

export class VhdxImage extends BlockTableImage {
  readonly format = "vhdx";
  readonly size: number;
  readonly clusterSize: number;
  readonly #header: Uint8Array;
  #current: number;
  readonly #bat: DataView;
  readonly #batAt: number;
  readonly #perChunk: number;
  readonly #log: Region;
  readonly #random: () => Uint8Array;
  #logNext = 0;
  #sequence = 1;
  #writing = false;

  private constructor(file: ByteFile, readOnly: boolean, random: () => Uint8Array, header: Uint8Array, current: number, bat: Uint8Array, batAt: number, size: number, block: number, perChunk: number) {
    super(file, readOnly || file.readOnly);
    this.#random = random;
    this.#header = header;
    this.#current = current;
    this.#bat = viewOf(bat);
    this.#batAt = batAt;
    this.size = size;
    this.clusterSize = block;
    this.#perChunk = perChunk;
    const h = viewOf(header);
    this.#log = { at: u64le(h, 72), length: h.getUint32(68, true) };
  }
  static *open(file: ByteFile, readOnly = false, random: () => Uint8Array = () => crypto.getRandomValues(new Uint8Array(16))): Io<VhdxImage> {
    const bad = (why: string) => corrupt("vhdx", file, why);
    const id = new Uint8Array(8);
    yield* file.read(0, id);
    if (new TextDecoder().decode(id) !== "vhdxfile") throw bad("its signature is wrong");
    let header: Uint8Array | null = null;
    let current = 0;
    for (const n of [0, 1]) {
      const one = new Uint8Array(HEADER_BYTES);
      yield* file.read(KIB64 * (n + 1), one);
      const v = viewOf(one);
      if (v.getUint32(0, true) !== 0x64616568 || !sealed(one) || v.getUint16(66, true) !== 1) continue;
      if (header && u64le(v, 8) <= u64le(viewOf(header), 8)) continue;
      header = one;
      current = n;
    }
    if (!header) throw bad("neither of its headers is whole");
    const h = viewOf(header);
    const logAt = u64le(h, 72);
    const logLength = h.getUint32(68, true);
    if (!isZeroGuid(header, 48)) {
      if (h.getUint16(64, true) !== 0) throw unsupported("vhdx", file, `log version ${h.getUint16(64, true)}`);
      if (logAt % MIB || logLength % MIB || logLength > 256 * MIB) throw bad("its log has an impossible place");
      const changed = yield* replay(file, header, logAt, logLength, readOnly || file.readOnly);
      if (changed) {
        // The log is done: a header without it.
        header.fill(0, 48, 64);
        put64le(h, 8, u64le(h, 8) + 1);
        seal(header);
        current ^= 1;
        yield* file.write(KIB64 * (current + 1), header);
        yield* file.flush();
      }
    }
    let bat: Region | null = null;
    let metadata: Region | null = null;
    for (const at of [3 * KIB64, 4 * KIB64]) {
      const table = new Uint8Array(KIB64);
      yield* file.read(at, table);
      const v = viewOf(table);
      if (v.getUint32(0, true) !== 0x69676572 || !sealed(table)) continue;
      const count = v.getUint32(8, true);
      if (count > 2047) throw bad("its region table is too long");
      for (let i = 0; i < count; i++) {
        const entry = 16 + i * 32;
        const region = { at: u64le(v, entry + 16), length: v.getUint32(entry + 24, true) };
        const guid = guidText(table, entry);
        if (region.at % MIB || region.length % MIB || region.at > 2 ** 52) throw bad("a region has an impossible place");
        if (guid === BAT) bat = region;
        else if (guid === METADATA) metadata = region;
        else if (v.getUint32(entry + 28, true) & 1) throw unsupported("vhdx", file, `region ${guid}`);
      }
      break;
    }
    if (!bat || !metadata) throw bad("its region table is damaged");
    const table = new Uint8Array(KIB64);
    yield* file.read(metadata.at, table);
    const m = viewOf(table);
    if (new TextDecoder().decode(table.subarray(0, 8)) !== "metadata" || m.getUint16(10, true) > 2047) throw bad("its metadata table is damaged");
    const items = new Map<string, Region>();
    for (let i = 0; i < m.getUint16(10, true); i++) {
      const entry = 32 + i * 32;
      const guid = guidText(table, entry);
      const item = { at: m.getUint32(entry + 16, true), length: m.getUint32(entry + 20, true) };
      const known = Object.values(ITEM).includes(guid as (typeof ITEM)["size"]);
      if (!known && m.getUint32(entry + 24, true) & 4) throw unsupported("vhdx", file, `metadata item ${guid}`);
      if (item.length > MIB || item.at + item.length > metadata.length) throw bad("a metadata item has an impossible place");
      items.set(guid, item);
    }
    const metadataAt = metadata.at;
    function* item(guid: string, bytes: number): Io<DataView> {
      const found = items.get(guid);
      if (!found || found.length < bytes) throw bad("a metadata item is missing");
      return viewOf(yield* readTable("vhdx", file, metadataAt + found.at, found.length, "a metadata item"));
    }
    const parameters = yield* item(ITEM.parameters, 8);
    const block = parameters.getUint32(0, true);
    if (parameters.getUint32(4, true) & 2) throw unsupported("vhdx", file, "a parent (differencing images)");
    const size = u64le(yield* item(ITEM.size, 8), 0);
    const sector = (yield* item(ITEM.logicalSector, 4)).getUint32(0, true);
    if (sector !== 512 && sector !== 4096) throw bad("its sector size is impossible");
    if (block < MIB || block > 256 * MIB || (block & (block - 1)) !== 0) throw bad("its block size is impossible");
    if (size > 64 * 2 ** 40 || size % sector !== 0) throw bad("its size is impossible");
    const perChunk = (2 ** 23 * sector) / block;
    const blocks = Math.ceil(size / block);
    const entries = blocks + Math.floor((blocks - 1) / perChunk);
    if (entries * 8 > bat.length) throw bad("its block table is too small for its disk");
    const bytes = yield* readTable("vhdx", file, bat.at, Math.ceil((entries * 8) / LOG_SECTOR) * LOG_SECTOR, "its block table");
    return new VhdxImage(file, readOnly, random, header, current, bytes, bat.at, size, block, perChunk);
  }
  #entry(block: number): number {
    return (block + Math.floor(block / this.#perChunk)) * 8;
  }
  protected *lookup(block: number): Io<number> {
    const at = this.#entry(block);
    if (at + 8 > this.#bat.byteLength) return ABSENT;
    const low = this.#bat.getUint32(at, true);
    switch (low & 7) {
      case STATE.present: {
        const place = this.#bat.getUint32(at + 4, true) * 0x100000000 + ((low & 0xfff00000) >>> 0);
        if (place < MIB || place > 2 ** 52) throw corrupt("vhdx", this.file, "a block has an impossible place");
        return place;
      }
      case STATE.zero:
      case STATE.unmapped:
      case STATE.undefined:
      case STATE.absent:
        return (low & 7) === STATE.absent ? ABSENT : ZERO;
      default:
        throw corrupt("vhdx", this.file, `a block is in state ${low & 7}`);
    }
  }
  protected *allocate(block: number, bytes: Uint8Array): Io<void> {
    const place = Math.ceil(this.file.size / MIB) * MIB;
    yield* this.file.write(place, bytes);
    const at = this.#entry(block);
    this.#bat.setUint32(at, ((place % 0x100000000) | STATE.present) >>> 0, true);
    this.#bat.setUint32(at + 4, Math.floor(place / 0x100000000), true);
    const sector = at - (at % LOG_SECTOR);
    yield* this.#logged(this.#batAt + sector, new Uint8Array(this.#bat.buffer, this.#bat.byteOffset + sector, LOG_SECTOR));
  }
  /** The header first names us and our log, before anything else changes. */
  *#beginWriting(): Io<void> {
    if (this.#writing) return;
    this.#writing = true;
    const h = this.#header;
    h.set(this.#random(), 16); // file write GUID
    h.set(this.#random(), 32); // data write GUID
    h.set(this.#random(), 48); // log GUID
    yield* this.#writeHeader();
  }
  *#writeHeader(): Io<void> {
    const v = viewOf(this.#header);
    put64le(v, 8, u64le(v, 8) + 1);
    seal(this.#header);
    this.#current ^= 1;
    yield* this.file.write(KIB64 * (this.#current + 1), this.#header);
    yield* this.file.flush();
  }
  /** One 4 KiB sector of a table, through the log: durable there before it is changed in place. */
  *#logged(target: number, sector: Uint8Array): Io<void> {
    yield* this.#beginWriting();
    const entry = new Uint8Array(2 * LOG_SECTOR);
    const v = viewOf(entry);
    if (this.#logNext + entry.length > this.#log.length) this.#logNext = 0;
    entry.set(new TextEncoder().encode("loge"));
    v.setUint32(8, entry.length, true);
    v.setUint32(12, this.#logNext, true); // all older entries are done: the tail is this one
    put64le(v, 16, this.#sequence);
    v.setUint32(24, 1, true);
    entry.set(this.#header.subarray(48, 64), 32);
    put64le(v, 48, this.file.size);
    put64le(v, 56, this.file.size);
    entry.set(new TextEncoder().encode("desc"), 64);
    entry.set(sector.subarray(LOG_SECTOR - 4), 68); // trailing bytes
    entry.set(sector.subarray(0, 8), 72); // leading bytes
    put64le(v, 80, target);
    put64le(v, 88, this.#sequence);
    entry.set(new TextEncoder().encode("data"), LOG_SECTOR);
    v.setUint32(LOG_SECTOR + 4, Math.floor(this.#sequence / 0x100000000), true);
    entry.set(sector.subarray(8, LOG_SECTOR - 4), LOG_SECTOR + 8);
    v.setUint32(2 * LOG_SECTOR - 4, this.#sequence % 0x100000000, true);
    seal(entry);
    yield* this.file.flush();
    yield* this.file.write(this.#log.at + this.#logNext, entry);
    yield* this.file.flush();
    yield* this.file.write(target, sector);
    yield* this.file.flush();
    this.#sequence++;
    this.#logNext += entry.length;
  }
  override *write(at: number, from: Uint8Array): Io<void> {
    if (!this.readOnly) yield* this.#beginWriting();
    yield* super.write(at, from);
  }
  override *close(): Io<void> {
    if (this.#writing) {
      yield* this.file.flush();
      this.#header.fill(0, 48, 64);
      yield* this.#writeHeader();
    }
    yield* super.close();
  }
  *check(): Io<CheckReport> {
    return { lines: [], corruptions: 0, leaks: 0, corruptionsFixed: 0, leaksFixed: 0, allocatedClusters: 0, totalClusters: 0, compressedClusters: 0, fragmentedClusters: 0, imageEndOffset: 0 };
  }
  *specific(): Io<Specific> {
    return {};
  }
}

interface LogEntry {
  readonly sequence: number;
  readonly tail: number;
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly flushedSize: number;
}
/** Applies the newest whole sequence of the log. True when the file was changed. */
function* replay(file: ByteFile, header: Uint8Array, logAt: number, logLength: number, readOnly: boolean): Io<boolean> {
  const log = yield* readTable("vhdx", file, logAt, logLength, "its log");
  const entryAt = (at: number): LogEntry | null => {
    const first = ring(log, at, LOG_SECTOR);
    const v = viewOf(first);
    const length = v.getUint32(8, true);
    if (v.getUint32(0, true) !== 0x65676f6c || length < LOG_SECTOR || length % LOG_SECTOR || length > logLength) return null;
    if (guidText(first, 32) !== guidText(header, 48)) return null;
    const tail = v.getUint32(12, true);
    if (tail % LOG_SECTOR || tail >= logLength) return null;
    const bytes = ring(log, at, length);
    return sealed(bytes) ? { sequence: u64le(v, 16), tail, length, bytes, flushedSize: u64le(v, 48) } : null;
  };
  // The last entry that is whole, and whose older ones back to its tail are whole too.
  let best: LogEntry[] = [];
  for (let start = 0; start < logLength; start += LOG_SECTOR) {
    const chain: LogEntry[] = [];
    let at = start;
    let walked = 0;
    let entry = entryAt(at);
    while (entry && walked < logLength && (chain.length === 0 || entry.sequence === (chain[chain.length - 1] as LogEntry).sequence + 1)) {
      chain.push(entry);
      walked += entry.length;
      at = (at + entry.length) % logLength;
      entry = entryAt(at);
    }
    const last = chain[chain.length - 1];
    if (!last || last.sequence <= (best[best.length - 1]?.sequence ?? 0)) continue;
    // Drop what lies before the tail of the last entry.
    let from = 0;
    let offset = start;
    while (from < chain.length && offset !== last.tail) {
      offset = (offset + (chain[from] as LogEntry).length) % logLength;
      from++;
    }
    if (from < chain.length) best = chain.slice(from);
  }
  if (best.length === 0) return false;
  if (readOnly) throw new FaultError("vhdx.log", `${file.name} was not closed cleanly, and its log cannot be replayed while it is read only.`, "Open it for writing once, or run guesthouse img check -r all.");
  for (const entry of best) {
    if (entry.flushedSize > file.size) throw corrupt("vhdx", file, "it is shorter than its log says");
    const v = viewOf(entry.bytes);
    const count = v.getUint32(24, true);
    let data = Math.ceil((64 + count * 32) / LOG_SECTOR) * LOG_SECTOR;
    if (data > entry.length) throw corrupt("vhdx", file, "an entry of its log is damaged");
    for (let i = 0; i < count; i++) {
      const d = 64 + i * 32;
      const target = u64le(v, d + 16);
      if (target % LOG_SECTOR || target > 2 ** 52 || u64le(v, d + 24) !== entry.sequence) throw corrupt("vhdx", file, "a descriptor of its log is damaged");
      if (v.getUint32(d, true) === 0x6f72657a) {
        const length = u64le(v, d + 8);
        if (length % LOG_SECTOR || length > file.size) throw corrupt("vhdx", file, "a descriptor of its log is damaged");
        for (let done = 0; done < length; done += LOG_SECTOR) yield* file.write(target + done, new Uint8Array(LOG_SECTOR));
      } else if (v.getUint32(d, true) === 0x63736564 && data + LOG_SECTOR <= entry.length) {
        const sector = entry.bytes.slice(data, data + LOG_SECTOR);
        sector.set(entry.bytes.subarray(d + 8, d + 16), 0);
        sector.set(entry.bytes.subarray(d + 4, d + 8), LOG_SECTOR - 4);
        yield* file.write(target, sector);
        data += LOG_SECTOR;
      } else throw corrupt("vhdx", file, "a descriptor of its log is damaged");
    }
  }
  yield* file.flush();
  return true;
}
function ring(log: Uint8Array, at: number, length: number): Uint8Array {
  if (at + length <= log.length) return log.subarray(at, at + length);
  const out = new Uint8Array(length);
  out.set(log.subarray(at));
  out.set(log.subarray(0, length - (log.length - at)), log.length - at);
  return out;
}

export interface VhdxOptions {
  readonly size: number;
  readonly subformat?: "dynamic" | "fixed";
  readonly blockSize?: number;
  readonly logSize?: number;
  readonly random: () => Uint8Array;
}
export function* createVhdx(file: ByteFile, { size, subformat = "dynamic", blockSize = 0, logSize = MIB, random }: VhdxOptions): Io<void> {
  if (size > 64 * 2 ** 40) throw new FaultError("image.option", "Image size too large; max of 64TB");
  const block = blockSize || (size > 32 * 2 ** 40 ? 64 : size > 100 * 2 ** 30 ? 32 : size > 2 ** 30 ? 16 : 8) * MIB;
  if (block < MIB || block > 256 * MIB || (block & (block - 1)) !== 0) throw new FaultError("image.option", "Block size must be a power of two from 1 MiB to 256 MiB");
  if (logSize < MIB || logSize % MIB || logSize > 256 * MIB) throw new FaultError("image.option", "Log size must be a multiple of 1 MB");
  const blocks = Math.ceil(size / block);
  const perChunk = (2 ** 23 * 512) / block;
  const entries = blocks + Math.floor(Math.max(0, blocks - 1) / perChunk);
  const metadataAt = MIB + logSize;
  const batAt = metadataAt + MIB;
  const batLength = Math.max(MIB, Math.ceil((entries * 8) / MIB) * MIB);
  yield* file.truncate(0);
  const id = new Uint8Array(KIB64);
  id.set(new TextEncoder().encode("vhdxfile"));
  const creator = "Guesthouse";
  for (let i = 0; i < creator.length; i++) viewOf(id).setUint16(8 + i * 2, creator.charCodeAt(i), true);
  yield* file.write(0, id);
  const header = new Uint8Array(HEADER_BYTES);
  const h = viewOf(header);
  header.set(new TextEncoder().encode("head"));
  header.set(random(), 16);
  header.set(random(), 32);
  h.setUint16(66, 1, true);
  h.setUint32(68, logSize, true);
  put64le(h, 72, MIB);
  for (const n of [0, 1]) {
    put64le(h, 8, n);
    seal(header);
    yield* file.write(KIB64 * (n + 1), header);
  }
  const regions = new Uint8Array(KIB64);
  const r = viewOf(regions);
  regions.set(new TextEncoder().encode("regi"));
  r.setUint32(8, 2, true);
  for (const [n, guid, at, length] of [[0, BAT, batAt, batLength], [1, METADATA, metadataAt, MIB]] as const) {
    putGuid(regions, 16 + n * 32, guid);
    put64le(r, 32 + n * 32, at);
    r.setUint32(40 + n * 32, length, true);
    r.setUint32(44 + n * 32, 1, true);
  }
  seal(regions);
  yield* file.write(3 * KIB64, regions);
  yield* file.write(4 * KIB64, regions);
  const metadata = new Uint8Array(2 * KIB64);
  const m = viewOf(metadata);
  metadata.set(new TextEncoder().encode("metadata"));
  // flags: 1 user, 2 virtual disk, 4 required
  const items: readonly (readonly [string, Uint8Array, number])[] = [
    [ITEM.parameters, words(block, subformat === "fixed" ? 1 : 0), 4],
    [ITEM.size, words(size % 0x100000000, Math.floor(size / 0x100000000)), 6],
    [ITEM.page83, random(), 6],
    [ITEM.logicalSector, words(512), 6],
    [ITEM.physicalSector, words(512), 6],
  ];
  m.setUint16(10, items.length, true);
  let at = KIB64;
  items.forEach(([guid, bytes, flags], i) => {
    putGuid(metadata, 32 + i * 32, guid);
    m.setUint32(48 + i * 32, at, true);
    m.setUint32(52 + i * 32, bytes.length, true);
    m.setUint32(56 + i * 32, flags, true);
    metadata.set(bytes, at);
    at += bytes.length;
  });
  yield* file.write(metadataAt, metadata);
  const bat = new Uint8Array(Math.ceil((entries * 8) / LOG_SECTOR) * LOG_SECTOR);
  const dataAt = batAt + batLength;
  if (subformat === "fixed")
    for (let b = 0; b < blocks; b++) {
      const place = dataAt + b * block;
      const e = (b + Math.floor(b / perChunk)) * 8;
      viewOf(bat).setUint32(e, ((place % 0x100000000) | STATE.present) >>> 0, true);
      viewOf(bat).setUint32(e + 4, Math.floor(place / 0x100000000), true);
    }
  yield* file.write(batAt, bat);
  yield* file.truncate(dataAt + (subformat === "fixed" ? blocks * block : 0));
  yield* file.flush();
}
function words(...values: readonly number[]): Uint8Array {
  const out = new Uint8Array(values.length * 4);
  values.forEach((value, i) => viewOf(out).setUint32(i * 4, value, true));
  return out;
}
