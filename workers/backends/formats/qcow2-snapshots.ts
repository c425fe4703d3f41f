// Internal snapshots of a qcow2 image: the snapshot table, create, apply, delete, and the state of a virtual machine that is kept behind
// the end of the disk (QEMU docs/interop/qcow2.rst, "Snapshots"). Every step leaves a valid image; only clusters may leak when it is cut.

import { FaultError } from "../../../src/contract/schema.ts";
import type { ByteFile } from "../byte-file.ts";
import { corrupt, put64be, readTable, type SnapshotRow, u64be, viewOf } from "../image.ts";
import type { Io } from "../io.ts";
import type { Qcow2Image } from "./qcow2.ts";
import { entryOffset, type Qcow2Header } from "./qcow2-header.ts";

export interface Qcow2Snapshot extends SnapshotRow {
  readonly l1Offset: number;
  readonly l1Size: number;
  readonly extra: Uint8Array;
  /** Bytes of its entry in the table. */
  readonly entryBytes: number;
}
const FIXED = 40;
const MOST_BYTES = 64 << 20;
const NO_ICOUNT = 0xffffffffffffffffn;

export function* readSnapshotTable(file: ByteFile, header: Qcow2Header): Io<Qcow2Snapshot[]> {
  const out: Qcow2Snapshot[] = [];
  let at = header.snapshotsOffset;
  for (let i = 0; i < header.snapshotCount; i++) {
    const fixed = viewOf(yield* readTable("qcow2", file, at, FIXED, "its snapshot table"));
    const idBytes = fixed.getUint16(12);
    const nameBytes = fixed.getUint16(14);
    const extraBytes = fixed.getUint32(36);
    if (extraBytes > 1024) throw corrupt("qcow2", file, `snapshot ${i} has too much extra data`);
    const length = FIXED + extraBytes + idBytes + nameBytes;
    const bytes = yield* readTable("qcow2", file, at, length, "its snapshot table");
    const v = viewOf(bytes);
    const l1Size = v.getUint32(8);
    const l1Offset = u64be(v, 0);
    if (l1Size * 8 > 32 << 20 || l1Offset % 2 ** header.clusterBits !== 0 || l1Offset > 2 ** 52) throw corrupt("qcow2", file, `the L1 table of snapshot ${i} is impossible`);
    const text = (from: number, n: number) => new TextDecoder().decode(bytes.subarray(from, from + n));
    const vmClock = v.getBigUint64(24);
    out.push({
      l1Offset, l1Size,
      id: text(FIXED + extraBytes, idBytes), name: text(FIXED + extraBytes + idBytes, nameBytes),
      dateSec: v.getUint32(16), dateNsec: v.getUint32(20), vmClockNs: Number(vmClock),
      vmStateSize: extraBytes >= 8 ? u64be(v, FIXED) : v.getUint32(32),
      diskSize: extraBytes >= 16 ? u64be(v, FIXED + 8) : header.size,
      icount: extraBytes >= 24 ? v.getBigUint64(FIXED + 16) : NO_ICOUNT,
      extra: bytes.slice(FIXED, FIXED + extraBytes),
      entryBytes: Math.ceil(length / 8) * 8,
    });
    at += Math.ceil(length / 8) * 8;
    if (at - header.snapshotsOffset > MOST_BYTES) throw corrupt("qcow2", file, "its snapshot table is too large");
  }
  return out;
}
function encode(s: Qcow2Snapshot): Uint8Array {
  const id = new TextEncoder().encode(s.id);
  const name = new TextEncoder().encode(s.name);
  const extra = new Uint8Array(Math.max(24, s.extra.length));
  extra.set(s.extra);
  const e = viewOf(extra);
  put64be(e, 0, s.vmStateSize);
  put64be(e, 8, s.diskSize);
  e.setBigUint64(16, s.icount);
  const out = new Uint8Array(Math.ceil((FIXED + extra.length + id.length + name.length) / 8) * 8);
  const v = viewOf(out);
  put64be(v, 0, s.l1Offset);
  v.setUint32(8, s.l1Size);
  v.setUint16(12, id.length);
  v.setUint16(14, name.length);
  v.setUint32(16, s.dateSec);
  v.setUint32(20, s.dateNsec);
  v.setBigUint64(24, BigInt(Math.max(0, Math.round(s.vmClockNs))));
  v.setUint32(32, s.vmStateSize > 0xffffffff ? 0 : s.vmStateSize);
  v.setUint32(36, extra.length);
  out.set(extra, FIXED);
  out.set(id, FIXED + extra.length);
  out.set(name, FIXED + extra.length + id.length);
  return out;
}
/** Writes a whole new table beside the old one, then points the header to it. */
function* writeTable(image: Qcow2Image, snapshots: Qcow2Snapshot[]): Io<void> {
  const { header } = image;
  const parts = snapshots.map(encode);
  const length = parts.reduce((sum, p) => sum + p.length, 0);
  const old = { offset: header.snapshotsOffset, bytes: image.snapshots.reduce((sum, s) => sum + s.entryBytes, 0) };
  let home = 0;
  if (length > 0) {
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    home = yield* image.refcounts.allocate(Math.ceil(length / image.clusterSize));
    yield* image.refcounts.write();
    yield* image.file.write(home, bytes);
    yield* image.file.flush();
  }
  header.snapshotsOffset = home;
  header.snapshotCount = snapshots.length;
  yield* image.writeHeader();
  yield* image.file.flush();
  if (old.bytes > 0) yield* image.refcounts.free(old.offset, old.bytes);
  image.snapshots = snapshots.map((s, i) => ({ ...s, entryBytes: (parts[i] as Uint8Array).length }));
  yield* image.flush();
}
const inL1 = (v: DataView, i: number) => entryOffset(v.getUint32(i * 8), v.getUint32(i * 8 + 4));

/** Adds `delta` to the count of everything below an L1 table. */
function* addBelow(image: Qcow2Image, l1: DataView, delta: 1 | -1): Io<void> {
  const { refcounts, clusterSize } = image;
  for (let i = 0; i < l1.byteLength / 8; i++) {
    const offset = inL1(l1, i);
    if (offset === 0) continue;
    const { view } = yield* image.table(offset);
    for (let n = 0; n < view.byteLength; n += 8) {
      const hi = view.getUint32(n);
      const lo = view.getUint32(n + 4);
      if (hi === 0 && lo === 0) continue;
      if (hi & 0x40000000) {
        const { offset: from, bytes } = image.compressedRange(hi, lo);
        for (let c = Math.floor(from / clusterSize); c <= Math.floor((from + bytes - 1) / clusterSize); c++) yield* refcounts.add(c, delta);
      } else {
        const data = entryOffset(hi, lo);
        if (data !== 0) yield* refcounts.add(data / clusterSize, delta);
      }
    }
    yield* refcounts.add(offset / clusterSize, delta);
  }
}
/** Sets or clears the COPIED flags of the active tables as the counts say. */
export function* markCopied(image: Qcow2Image): Io<void> {
  const { refcounts, clusterSize, l1 } = image;
  for (let i = 0; i < l1.view.byteLength / 8; i++) {
    const offset = inL1(l1.view, i);
    if (offset === 0) continue;
    const table = yield* image.table(offset);
    for (let n = 0; n < table.view.byteLength; n += 8) {
      const hi = table.view.getUint32(n);
      const lo = table.view.getUint32(n + 4);
      const data = hi & 0x40000000 ? 0 : entryOffset(hi, lo);
      if (data === 0) continue;
      const own = (yield* refcounts.get(data / clusterSize)) === 1;
      const wanted = own ? (hi | 0x80000000) >>> 0 : hi & 0x7fffffff;
      if (wanted !== hi) {
        table.view.setUint32(n, wanted);
        table.dirty = true;
      }
    }
    const hi = l1.view.getUint32(i * 8);
    const wanted = (yield* refcounts.get(offset / clusterSize)) === 1 ? (hi | 0x80000000) >>> 0 : hi & 0x7fffffff;
    if (wanted !== hi) {
      l1.view.setUint32(i * 8, wanted);
      l1.dirty = true;
    }
  }
}
export function findSnapshot(image: Qcow2Image, wanted: string): Qcow2Snapshot | null {
  return image.snapshots.find((s) => s.id === wanted) ?? image.snapshots.find((s) => s.name === wanted) ?? null;
}
export interface NewSnapshot {
  readonly name: string;
  readonly dateMs: number;
  readonly vmStateSize?: number;
  readonly vmClockNs?: number;
  readonly icount?: bigint;
}
export function* createSnapshot(image: Qcow2Image, wanted: NewSnapshot): Io<Qcow2Snapshot> {
  yield* image.flush();
  const id = String(image.snapshots.reduce((most, s) => Math.max(most, Number.parseInt(s.id, 10) || 0), 0) + 1);
  const { header, refcounts, l1 } = image;
  const copy = new Uint8Array(l1.view.buffer.slice(l1.view.byteOffset, l1.view.byteOffset + l1.view.byteLength) as ArrayBuffer);
  for (let i = 0; i < copy.length; i += 8) copy[i] = (copy[i] as number) & 0x7f;
  const l1Offset = yield* refcounts.allocate(Math.max(1, Math.ceil(copy.length / image.clusterSize)));
  yield* image.file.write(l1Offset, copy);
  yield* addBelow(image, l1.view, 1);
  yield* markCopied(image);
  yield* image.flush();
  const snapshot: Qcow2Snapshot = {
    id, name: wanted.name, l1Offset, l1Size: copy.length / 8, vmStateSize: wanted.vmStateSize ?? 0, dateSec: Math.floor(wanted.dateMs / 1000), dateNsec: (wanted.dateMs % 1000) * 1e6,
    vmClockNs: wanted.vmClockNs ?? 0, icount: wanted.icount ?? NO_ICOUNT, diskSize: header.size, extra: new Uint8Array(0), entryBytes: 0,
  };
  yield* writeTable(image, [...image.snapshots, snapshot]);
  return snapshot;
}
export function* applySnapshot(image: Qcow2Image, snapshot: Qcow2Snapshot): Io<void> {
  yield* image.flush();
  const { header } = image;
  const wanted = yield* readTable("qcow2", image.file, snapshot.l1Offset, snapshot.l1Size * 8, "the L1 table of a snapshot");
  for (let i = 0; i < wanted.length; i += 8) wanted[i] = (wanted[i] as number) & 0x7f;
  const bytes = new Uint8Array(Math.max(wanted.length, Math.ceil(snapshot.diskSize / (image.clusterSize * (image.clusterSize / 8))) * 8));
  bytes.set(wanted);
  const before = image.l1.view;
  yield* addBelow(image, viewOf(bytes), 1);
  header.size = snapshot.diskSize;
  yield* image.replaceL1(bytes);
  yield* addBelow(image, before, -1);
  yield* markCopied(image);
  yield* image.flush();
  image.forget();
}
export function* deleteSnapshot(image: Qcow2Image, snapshot: Qcow2Snapshot): Io<void> {
  yield* image.flush();
  const l1 = viewOf(yield* readTable("qcow2", image.file, snapshot.l1Offset, snapshot.l1Size * 8, "the L1 table of a snapshot"));
  yield* writeTable(image, image.snapshots.filter((s) => s !== snapshot));
  yield* addBelow(image, l1, -1);
  if (snapshot.l1Size > 0) yield* image.refcounts.free(snapshot.l1Offset, snapshot.l1Size * 8);
  yield* markCopied(image);
  yield* image.flush();
}

/** Saves the state of a machine together with the disk: `state` is written behind the disk, and only the snapshot keeps it. */
export function* saveVmState(image: Qcow2Image, state: readonly Uint8Array[], wanted: NewSnapshot): Io<Qcow2Snapshot> {
  const from = image.vmStateOffset;
  let at = from;
  for (const part of state) {
    yield* image.write(at, part);
    at += part.length;
  }
  const snapshot = yield* createSnapshot(image, { ...wanted, vmStateSize: at - from });
  yield* image.discard(from, Math.ceil((at - from) / image.clusterSize) * image.clusterSize);
  yield* image.flush();
  return snapshot;
}
/** The saved state of a machine; the image's contents stay as they are. */
export function* loadVmState(image: Qcow2Image, snapshot: Qcow2Snapshot): Io<Uint8Array> {
  if (snapshot.vmStateSize === 0) throw new FaultError("snapshot.disk", `Snapshot "${snapshot.name}" holds disks only, not a running machine.`, "Revert the disk while the machine is off: guesthouse img snapshot -a.");
  if (snapshot.vmStateSize > 4 * 2 ** 30) throw corrupt("qcow2", image.file, "the saved machine is too large");
  const active = image.l1;
  const span = image.clusterSize * (image.clusterSize / 8);
  const from = Math.ceil(snapshot.diskSize / span) * span;
  if (image.vmStateOffset !== from && from % span !== 0) throw corrupt("qcow2", image.file, "the saved machine has an impossible place");
  image.l1 = { view: viewOf(yield* readTable("qcow2", image.file, snapshot.l1Offset, snapshot.l1Size * 8, "the L1 table of a snapshot")), dirty: false };
  try {
    const out = new Uint8Array(snapshot.vmStateSize);
    yield* image.read(from, out);
    return out;
  } finally {
    image.l1 = active;
  }
}
