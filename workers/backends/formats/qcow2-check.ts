// Consistency of a qcow2 image, as `qemu-img check` defines it: every cluster's count must equal the number of references found by walking
// all tables; clusters used once carry the COPIED flag in the active tables. Repairs counts and flags. Lines are worded as QEMU's.

import { type CheckReport, readTable, viewOf } from "../image.ts";
import type { Io } from "../io.ts";
import type { Qcow2Image } from "./qcow2.ts";
import { entryOffset, INCOMPATIBLE } from "./qcow2-header.ts";
import { markCopied } from "./qcow2-snapshots.ts";

const MOST_CLUSTERS = 2 ** 28;
const hex = (hi: number, lo: number) => ((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16);

export function* checkQcow2(image: Qcow2Image, repair: "none" | "leaks" | "all"): Io<CheckReport> {
  const { clusterSize, header, file, refcounts } = image;
  const lines: string[] = [];
  let corruptions = 0;
  let leaks = 0;
  let corruptionsFixed = 0;
  let leaksFixed = 0;
  let allocatedClusters = 0;
  let compressedClusters = 0;
  let fragmentedClusters = 0;
  const fileClusters = Math.min(MOST_CLUSTERS, Math.ceil(file.size / clusterSize));
  let counted = new Uint32Array(fileClusters + 16);
  let highest = 0;

  const count = (offset: number, bytes: number) => {
    if (bytes <= 0) return;
    if (offset + bytes > file.size + clusterSize && Math.floor((offset + bytes - 1) / clusterSize) > fileClusters) {
      lines.push(`ERROR: counting reference for region exceeding the end of the file by one cluster or more: offset 0x${offset.toString(16)} size 0x${bytes.toString(16)}`);
      corruptions++;
      return;
    }
    for (let c = Math.floor(offset / clusterSize); c <= Math.floor((offset + bytes - 1) / clusterSize); c++) {
      if (c >= counted.length) {
        const more = new Uint32Array(Math.max(c + 1, counted.length * 2));
        more.set(counted);
        counted = more;
      }
      counted[c] = (counted[c] as number) + 1;
      if (c > highest) highest = c;
    }
  };
  function* walk(l1: DataView, active: boolean): Io<void> {
    for (let i = 0; i < l1.byteLength / 8; i++) {
      const l1Hi = l1.getUint32(i * 8);
      const offset = entryOffset(l1Hi, l1.getUint32(i * 8 + 4));
      if (offset === 0) continue;
      if (offset % clusterSize !== 0 || offset >= file.size + clusterSize) {
        lines.push(`ERROR l2_offset=${offset.toString(16)}: Table is not cluster aligned; L1 entry corrupted`);
        corruptions++;
        continue;
      }
      count(offset, clusterSize);
      const { view } = yield* image.table(offset);
      let next = 0;
      for (let n = 0; n < view.byteLength; n += 8) {
        const hi = view.getUint32(n);
        const lo = view.getUint32(n + 4);
        if (hi === 0 && lo === 0) continue;
        if (hi & 0x40000000) {
          if (hi & 0x80000000) {
            lines.push(`ERROR: cluster ${image.compressedRange(hi, lo).offset}: copied flag must never be set for compressed clusters`);
            corruptions++;
          }
          const { offset: from, bytes } = image.compressedRange(hi, lo);
          count(from, bytes);
          if (active) {
            allocatedClusters++;
            compressedClusters++;
            fragmentedClusters++;
          }
          continue;
        }
        const data = entryOffset(hi, lo);
        if (data === 0) continue;
        if (data % clusterSize !== 0) {
          lines.push(`ERROR offset=${data.toString(16)}: Cluster is not properly aligned; L2 entry corrupted.`);
          corruptions++;
          continue;
        }
        count(data, clusterSize);
        if (active) {
          allocatedClusters++;
          if (next !== 0 && data !== next) fragmentedClusters++;
          next = data + clusterSize;
        }
      }
    }
  }
  count(0, clusterSize);
  if (header.l1Size > 0) count(header.l1Offset, header.l1Size * 8);
  yield* walk(image.l1.view, true);
  for (const s of image.snapshots) {
    count(s.l1Offset, s.l1Size * 8);
    yield* walk(viewOf(yield* readTable("qcow2", file, s.l1Offset, s.l1Size * 8, "the L1 table of a snapshot")), false);
  }
  if (header.snapshotCount > 0) count(header.snapshotsOffset, image.snapshots.reduce((sum, s) => sum + s.entryBytes, 0));
  count(header.refcountTableOffset, header.refcountTableClusters * clusterSize);
  let index = 0;
  let coverage = 0;
  for (const offset of refcounts.offsets()) {
    if (offset !== 0) {
      if (offset % clusterSize !== 0 || offset > file.size + clusterSize) {
        lines.push(`ERROR refcount block ${index} is ${offset % clusterSize ? "not cluster aligned; refcount table entry corrupted" : "outside image"}`);
        corruptions++;
      } else {
        count(offset, clusterSize);
        coverage = (index + 1) * refcounts.blockCoverage;
      }
    }
    index++;
  }
  // ---- counts
  const last = Math.max(highest + 1, Math.min(coverage, fileClusters + refcounts.blockCoverage));
  const repairs: string[] = [];
  const wrong: (readonly [number, number])[] = [];
  for (let c = 0; c < last; c++) {
    const found = c < counted.length ? (counted[c] as number) : 0;
    const said = yield* refcounts.get(c);
    if (said === found) {
      continue;
    }
    const leak = said > found;
    const fix = leak ? repair !== "none" : repair === "all";
    const text = `cluster ${c} refcount=${said} reference=${found}`;
    lines.push(`${leak ? "Leaked" : "ERROR"} ${text}`);
    if (fix) repairs.push(`Repairing ${text}`);
    if (leak) leaks++;
    else corruptions++;
    if (fix) {
      wrong.push([c, found]);
      if (leak) leaksFixed++;
      else corruptionsFixed++;
    }
    if (said > 0 && c > highest) highest = c;
  }
  lines.push(...repairs);
  for (const [c, value] of wrong) yield* refcounts.set(c, value);
  // ---- flags
  const fixFlags = repair === "all";
  const flagWord = fixFlags ? "Repairing" : "ERROR";
  for (let i = 0; i < image.l1.view.byteLength / 8; i++) {
    const hi = image.l1.view.getUint32(i * 8);
    const lo = image.l1.view.getUint32(i * 8 + 4);
    const offset = entryOffset(hi, lo);
    if (offset === 0 || offset % clusterSize !== 0 || offset >= file.size + clusterSize) continue;
    const own = yield* refcounts.get(offset / clusterSize);
    if ((own === 1) !== ((hi & 0x80000000) !== 0)) {
      lines.push(`${flagWord} OFLAG_COPIED L2 cluster: l1_index=${i} l1_entry=${hex(hi, lo)} refcount=${own}`);
      corruptions++;
      if (fixFlags) corruptionsFixed++;
    }
    const { view } = yield* image.table(offset);
    for (let n = 0; n < view.byteLength; n += 8) {
      const h = view.getUint32(n);
      const l = view.getUint32(n + 4);
      const data = h & 0x40000000 ? 0 : entryOffset(h, l);
      if (data === 0 || data % clusterSize !== 0) continue;
      const references = yield* refcounts.get(data / clusterSize);
      if ((references === 1) === ((h & 0x80000000) !== 0)) continue;
      lines.push(`${flagWord} OFLAG_COPIED data cluster: l2_entry=${hex(h, l)} refcount=${references}`);
      corruptions++;
      if (fixFlags) corruptionsFixed++;
    }
  }
  if (repair !== "none" && (corruptionsFixed > 0 || leaksFixed > 0 || header.incompatible & (INCOMPATIBLE.dirty | INCOMPATIBLE.corrupt))) {
    if (repair === "all") yield* markCopied(image);
    yield* refcounts.write();
    if (corruptions === corruptionsFixed) header.incompatible &= ~(INCOMPATIBLE.dirty | INCOMPATIBLE.corrupt);
    yield* image.writeHeader();
    yield* image.flush();
  }
  return {
    lines, corruptions: corruptions - corruptionsFixed, leaks: leaks - leaksFixed, corruptionsFixed, leaksFixed, allocatedClusters,
    totalClusters: Math.ceil(image.size / clusterSize), compressedClusters, fragmentedClusters, imageEndOffset: (highest + 1) * clusterSize,
  };
}
