// The qcow2 header, version 2 and 3, and its extensions (QEMU docs/interop/qcow2.rst). Everything in it is checked before it is used.
// Refused by name: encryption, external data files, extended L2 entries, unknown incompatible features.

import type { ByteFile } from "../byte-file.ts";
import { corrupt, put64be, u64be, unsupported, viewOf } from "../image.ts";
import type { Io } from "../io.ts";

export const MAGIC = 0x514649fb;
export const INCOMPATIBLE = { dirty: 1, corrupt: 2, dataFile: 4, compression: 8, extendedL2: 16 } as const;
export const COMPATIBLE = { lazyRefcounts: 1 } as const;
const EXT_BACKING_FORMAT = 0xe2792aca;
const EXT_FEATURES = 0x6803f857;
const EXT_BITMAPS = 0x23852875;
const EXT_DATA_FILE = 0x44415441;
const MOST_L1_BYTES = 32 << 20;
const MOST_REFTABLE_BYTES = 8 << 20;
const MOST_SNAPSHOTS = 65536;

/** Offset in an L1 or standard L2 entry. */
export const entryOffset = (hi: number, lo: number): number => (hi & 0x00ffffff) * 0x100000000 + ((lo & 0xfffffe00) >>> 0);


export interface Qcow2Header {
  version: 2 | 3;
  backingName: string | null;
  backingFormat: string | null;
  clusterBits: number;
  size: number;
  l1Size: number;
  l1Offset: number;
  refcountTableOffset: number;
  refcountTableClusters: number;
  snapshotCount: number;
  snapshotsOffset: number;
  incompatible: number;
  compatible: number;
  autoclear: number;
  refcountOrder: number;
  compression: "zlib" | "zstd";
  /** Extensions that we do not know, kept as they are. */
  readonly otherExtensions: readonly { readonly type: number; readonly data: Uint8Array }[];
}

export function* readQcow2Header(file: ByteFile): Io<Qcow2Header> {
  const bad = (why: string) => corrupt("qcow2", file, why);
  const head = new Uint8Array(112);
  yield* file.read(0, head);
  const v = viewOf(head);
  if (v.getUint32(0) !== MAGIC) throw bad("it does not start with QFI\\xfb");
  const version = v.getUint32(4);
  if (version !== 2 && version !== 3) throw unsupported("qcow2", file, `version ${version}`);
  const clusterBits = v.getUint32(20);
  if (clusterBits < 9 || clusterBits > 21) throw bad(`its cluster size is 2^${clusterBits}`);
  const clusterSize = 2 ** clusterBits;
  const size = u64be(v, 24);
  if (size > 2 ** 52 || size % 512 !== 0) throw bad("its size is impossible");
  if (v.getUint32(32) !== 0) throw unsupported("qcow2", file, v.getUint32(32) === 2 ? "LUKS encryption" : "encryption");
  const l1Size = v.getUint32(36);
  const l1Offset = u64be(v, 40);
  const refcountTableOffset = u64be(v, 48);
  const refcountTableClusters = v.getUint32(56);
  const snapshotCount = v.getUint32(60);
  const snapshotsOffset = u64be(v, 64);
  let incompatible = 0;
  let compatible = 0;
  let autoclear = 0;
  let refcountOrder = 4;
  let headerLength = 72;
  let compression: "zlib" | "zstd" = "zlib";
  if (version === 3) {
    if (v.getUint32(72) !== 0 || v.getUint32(76) & ~31) throw unsupported("qcow2", file, "an unknown incompatible feature");
    incompatible = v.getUint32(76);
    compatible = v.getUint32(84);
    autoclear = v.getUint32(92);
    refcountOrder = v.getUint32(96);
    headerLength = v.getUint32(100);
    if (refcountOrder > 6) throw bad("its refcount width is impossible");
    if (headerLength < 104 || headerLength > clusterSize || headerLength % 8 !== 0) throw bad("its header length is impossible");
    if (incompatible & INCOMPATIBLE.compression) {
      if (headerLength < 112) throw bad("the compression type is missing");
      if (head[104] === 1) compression = "zstd";
      else throw unsupported("qcow2", file, `compression type ${head[104]}`);
    }
    if (incompatible & INCOMPATIBLE.dataFile) throw unsupported("qcow2", file, "an external data file");
    if (incompatible & INCOMPATIBLE.extendedL2) throw unsupported("qcow2", file, "extended L2 entries (subclusters)");
  }
  const place = (at: number, what: string) => {
    if (at > 2 ** 52 || at % clusterSize !== 0 || at === 0) throw bad(`${what} has an impossible place`);
  };
  const needed = Math.ceil(size / (clusterSize * (clusterSize / 8)));
  if (l1Size * 8 > MOST_L1_BYTES) throw bad("its L1 table is too large");
  if (l1Size < needed) throw bad("its L1 table is too small");
  if (l1Size > 0) place(l1Offset, "its L1 table");
  if (refcountTableClusters * clusterSize > MOST_REFTABLE_BYTES || refcountTableClusters === 0) throw bad("its refcount table has an impossible size");
  place(refcountTableOffset, "its refcount table");
  if (snapshotCount > MOST_SNAPSHOTS) throw bad("it has too many snapshots");
  if (snapshotCount > 0) place(snapshotsOffset, "its snapshot table");

  const cluster = new Uint8Array(clusterSize);
  yield* file.read(0, cluster);
  const c = viewOf(cluster);
  const backingAt = u64be(v, 8);
  const backingLength = v.getUint32(16);
  let backingName: string | null = null;
  if (backingAt !== 0) {
    if (backingLength > 1023 || backingAt + backingLength > clusterSize) throw bad("the name of its backing file is too long");
    if (backingLength > 0) backingName = new TextDecoder().decode(cluster.subarray(backingAt, backingAt + backingLength));
  }
  let backingFormat: string | null = null;
  const otherExtensions: { type: number; data: Uint8Array }[] = [];
  for (let at = headerLength, end = backingAt || clusterSize; at + 8 <= end; ) {
    const type = c.getUint32(at);
    const length = c.getUint32(at + 4);
    if (type === 0) break;
    if (length > end - at - 8) throw bad("a header extension is too long");
    const data = cluster.slice(at + 8, at + 8 + length);
    if (type === EXT_BACKING_FORMAT) backingFormat = new TextDecoder().decode(data);
    else if (type === EXT_DATA_FILE) throw unsupported("qcow2", file, "an external data file");
    else if (type === EXT_BITMAPS) {
      // We do not keep dirty bitmaps up to date: dropping the autoclear bit tells others so, as the format says.
      autoclear &= ~1;
    } else if (type !== EXT_FEATURES) otherExtensions.push({ type, data });
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return {
    version, backingName, backingFormat, clusterBits, size, l1Size, l1Offset, refcountTableOffset, refcountTableClusters,
    snapshotCount, snapshotsOffset, incompatible, compatible, autoclear, refcountOrder, compression, otherExtensions,
  };
}

const FEATURES: readonly (readonly [number, number, string])[] = [
  [0, 0, "dirty bit"], [0, 1, "corrupt bit"], [0, 2, "external data file"], [0, 3, "compression type"], [0, 4, "extended L2 entries"],
  [1, 0, "lazy refcounts"], [2, 0, "bitmaps"], [2, 1, "raw external data"],
];
/** The first cluster, as QEMU writes it: header, extensions, backing file name. Null when it does not fit. */
export function encodeQcow2Header(h: Qcow2Header): Uint8Array | null {
  // Names of features are for people only: small clusters go without.
  return encode(h, true) ?? encode(h, false);
}
function encode(h: Qcow2Header, withNames: boolean): Uint8Array | null {
  const out = new Uint8Array(2 ** h.clusterBits);
  const v = viewOf(out);
  const fixed = h.version === 3 ? 112 : 72;
  let at = fixed;
  const room = (bytes: number) => at + bytes <= out.length;
  const extension = (type: number, data: Uint8Array): boolean => {
    if (!room(8 + Math.ceil(data.length / 8) * 8)) return false;
    v.setUint32(at, type);
    v.setUint32(at + 4, data.length);
    out.set(data, at + 8);
    at += 8 + Math.ceil(data.length / 8) * 8;
    return true;
  };
  if (h.backingFormat !== null && !extension(EXT_BACKING_FORMAT, new TextEncoder().encode(h.backingFormat))) return null;
  if (h.version === 3 && withNames) {
    const names = new Uint8Array(FEATURES.length * 48);
    FEATURES.forEach(([kind, bit, name], i) => {
      names[i * 48] = kind;
      names[i * 48 + 1] = bit;
      names.set(new TextEncoder().encode(name), i * 48 + 2);
    });
    if (!extension(EXT_FEATURES, names)) return null;
  }
  for (const { type, data } of h.otherExtensions) if (!extension(type, data)) return null;
  if (!room(8)) return null;
  at += 8; // end of extensions
  if (h.backingName !== null) {
    const name = new TextEncoder().encode(h.backingName);
    if (name.length > 1023 || !room(name.length)) return null;
    out.set(name, at);
    put64be(v, 8, at);
    v.setUint32(16, name.length);
  }
  v.setUint32(0, MAGIC);
  v.setUint32(4, h.version);
  v.setUint32(20, h.clusterBits);
  put64be(v, 24, h.size);
  v.setUint32(36, h.l1Size);
  put64be(v, 40, h.l1Offset);
  put64be(v, 48, h.refcountTableOffset);
  v.setUint32(56, h.refcountTableClusters);
  v.setUint32(60, h.snapshotCount);
  put64be(v, 64, h.snapshotsOffset);
  if (h.version === 3) {
    v.setUint32(76, h.incompatible);
    v.setUint32(84, h.compatible);
    v.setUint32(92, h.autoclear);
    v.setUint32(96, h.refcountOrder);
    v.setUint32(100, 112);
    out[104] = h.compression === "zstd" ? 1 : 0;
  }
  return out;
}
