// `qemu-img info`, `map`, `check`, `measure` and `compare`: looking at images without changing them (except check -r).

import type { CheckReport, Image, Specific } from "../backends/image.ts";
import { Qcow2Image } from "../backends/formats/qcow2.ts";
import type { Io } from "../backends/io.ts";
import { canCreate, checkOptions } from "./create.ts";
import { checkFormat, type ImgHost, openPath, type Piece, reasonOf, statusAbove } from "./host.ts";
import { humanSize, NO_ICOUNT, snapshotTable } from "../backends/snapshot-table.ts";
import { ImgError, keyValues, last, parseArgs, type Parsed, sizeOf, TRY_HELP } from "./options.ts";

/** As QEMU prints JSON: four spaces, keys as given. */
const json = (value: unknown): string => `${JSON.stringify(value, (_, v) => (typeof v === "bigint" ? Number(v) : v), 4)}\n`;
export function wantsJson(parsed: Parsed): boolean {
  const output = last(parsed, "output") ?? "human";
  if (output !== "human" && output !== "json") throw new ImgError("--output must be used with human or json as argument.");
  return output === "json";
}
function oneFile(parsed: Parsed): string {
  const [path, ...more] = parsed.operands;
  if (path === undefined || more.length > 0) throw new ImgError(`Expecting one image file name\n${TRY_HELP}`);
  return path;
}

// ---- info ------------------------------------------------------------------------------------------------------------

function specificLines(value: Specific, indent: string): string {
  let out = "";
  for (const [key, v] of Object.entries(value)) {
    if (Array.isArray(v)) {
      out += `${indent}${key}:\n`;
      v.forEach((one, i) => {
        out += `${indent}    [${i}]:\n${specificLines(one as Specific, `${indent}        `)}`;
      });
    } else if (typeof v === "object") out += `${indent}${key}:\n${specificLines(v as Specific, `${indent}    `)}`;
    else out += `${indent}${key}: ${v}\n`;
  }
  return out;
}
const dashed = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(dashed) : typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k.replaceAll(" ", "-"), dashed(v)])) : value;

export function* info(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "f: U force-share image-opts object: output: backing-chain");
  const asJson = wantsJson(parsed);
  const path = oneFile(parsed);
  const chain = parsed.options.has("backing-chain");
  const format = last(parsed, "f");
  const first = yield* openPath(host, path, { ...(format === undefined ? {} : { format }), readOnly: true, alone: true });
  const images: Image[] = [first];
  if (chain)
    for (let top = first; top.backingName !== null; top = images.at(-1) as Image) {
      const name = besides(top);
      const next = yield* openPath(host, name, { ...(top.backingFormat === null ? {} : { format: top.backingFormat }), readOnly: true, alone: true });
      if (images.some((i) => i.file.name === next.file.name)) throw new ImgError(`Backing file '${name}' creates an infinite loop.`);
      images.push(next);
    }
  const texts: string[] = [];
  const values: unknown[] = [];
  for (const image of images) {
    const specific = image.specific ? yield* image.specific() : {};
    const has = Object.keys(specific).length > 0;
    const snapshots = image instanceof Qcow2Image ? image.snapshots : [];
    const allocated = image.file.allocated?.() ?? image.file.size;
    const full = image.backingName === null ? null : besides(image);
    if (asJson)
      values.push({
        ...(snapshots.length > 0
          ? { snapshots: snapshots.map((s) => ({ ...(s.icount === NO_ICOUNT ? {} : { icount: s.icount }), "vm-clock-nsec": s.vmClockNs % 1e9, name: s.name, "date-sec": s.dateSec, "date-nsec": s.dateNsec, "vm-clock-sec": Math.floor(s.vmClockNs / 1e9), id: s.id, "vm-state-size": s.vmStateSize })) }
          : {}),
        ...(image.backingFormat === null ? {} : { "backing-filename-format": image.backingFormat }),
        "virtual-size": image.size,
        filename: image.file.name,
        ...(image.clusterSize === null ? {} : { "cluster-size": image.clusterSize }),
        format: image.format,
        "actual-size": allocated,
        ...(has ? { "format-specific": { type: image.format, data: dashed(specific) } } : {}),
        ...(full === null ? {} : { "full-backing-filename": full, "backing-filename": image.backingName }),
        "dirty-flag": image.dirty === true,
      });
    else {
      let text = `image: ${image.file.name}\nfile format: ${image.format}\nvirtual size: ${humanSize(image.size)} (${image.size} bytes)\ndisk size: ${humanSize(allocated)}\n`;
      if (image.dirty) text += "cleanly shut down: no\n";
      if (image.clusterSize !== null) text += `cluster_size: ${image.clusterSize}\n`;
      if (full !== null) text += `backing file: ${image.backingName}${full === image.backingName ? "" : ` (actual path: ${full})`}\n`;
      if (image.backingFormat !== null) text += `backing file format: ${image.backingFormat}\n`;
      if (snapshots.length > 0) text += `Snapshot list:\n${snapshotTable(snapshots)}\n`;
      if (has) text += `Format specific information:\n${specificLines(specific, "    ")}`;
      texts.push(text);
    }
    yield* image.close();
  }
  host.out(asJson ? json(chain ? values : values[0]) : texts.join("\n"));
  return 0;
}
/** The backing file's path as seen from here. */
export function besides(image: Image, name = image.backingName as string): string {
  const own = image.file.name;
  return name.startsWith("/") || !own.includes("/") ? name : own.slice(0, own.lastIndexOf("/") + 1) + name;
}

// ---- map -------------------------------------------------------------------------------------------------------------

export function* map(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "f: s: l: U force-share image-opts object: output: start-offset: max-length:");
  const asJson = wantsJson(parsed);
  const path = oneFile(parsed);
  const format = last(parsed, "f");
  const image = yield* openPath(host, path, { ...(format === undefined ? {} : { format }), readOnly: true });
  const start = sizeOf(last(parsed, "s", "start-offset") ?? "0") ?? 0;
  const most = last(parsed, "l", "max-length");
  const end = most === undefined ? image.size : Math.min(image.size, start + (sizeOf(most) ?? 0));
  if (!asJson) host.out(`${"Offset".padEnd(16)}${"Length".padEnd(16)}${"Mapped to".padEnd(16)}File\n`);
  const hex = (n: number) => (n === 0 ? "0" : `0x${n.toString(16)}`);
  interface Run {
    start: number;
    length: number;
    readonly piece: Piece;
  }
  const runs: Run[] = [];
  for (let at = start; at < end; ) {
    const piece = yield* statusAbove(image, at, end - at);
    const last = runs.at(-1);
    const joins =
      last && last.piece.depth === piece.depth && last.piece.present === piece.present && last.piece.data === piece.data && last.piece.zero === piece.zero && last.piece.image === piece.image && last.piece.compressed === piece.compressed &&
      (piece.offset === null ? last.piece.offset === null : last.piece.offset !== null && last.piece.offset + last.length === piece.offset);
    if (last && joins) last.length += piece.length;
    else runs.push({ start: at, length: piece.length, piece });
    at += piece.length;
  }
  if (asJson) {
    const lines = runs.map(
      ({ start: at, length, piece }) =>
        `{ "start": ${at}, "length": ${length}, "depth": ${piece.depth}, "present": ${piece.present}, "zero": ${piece.zero}, "data": ${piece.data}${piece.offset === null ? "" : `, "offset": ${piece.offset}`}}`,
    );
    host.out(`[${lines.join(",\n")}]\n`);
  } else
    for (const { start: at, length, piece } of runs) {
      if (!piece.data) continue;
      if (piece.offset === null) throw new ImgError("File contains external, encrypted or compressed clusters.");
      host.out(`${hex(at).padEnd(16)}${hex(length).padEnd(16)}${hex(piece.offset).padEnd(16)}${piece.image.file.name}\n`);
    }
  return 0;
}

// ---- check -----------------------------------------------------------------------------------------------------------

export function* check(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "f: r: q T: U force-share image-opts object: output: repair:");
  const asJson = wantsJson(parsed);
  const path = oneFile(parsed);
  const repair = last(parsed, "r", "repair") ?? "none";
  if (repair !== "none" && repair !== "leaks" && repair !== "all") throw new ImgError(`-r expects 'leaks' or 'all', not '${repair}'\n${TRY_HELP}`);
  const format = last(parsed, "f");
  const quiet = parsed.options.has("q");
  const image = yield* openPath(host, path, { ...(format === undefined ? {} : { format }), readOnly: repair === "none", repairing: true, alone: true });
  if (!image.check) throw new ImgError("This image format does not support checks", 63);
  let report = yield* image.check(repair);
  const say = (text: string) => {
    if (!quiet && !asJson) host.out(text);
  };
  for (const line of report.lines) host.err(`${line}\n`);
  const { corruptionsFixed, leaksFixed } = report;
  if (corruptionsFixed > 0 || leaksFixed > 0) {
    say(`The following inconsistencies were found and repaired:\n\n    ${leaksFixed} leaked clusters\n    ${corruptionsFixed} corruptions\n\nDouble checking the fixed image now...\n`);
    report = yield* image.check("none");
    for (const line of report.lines) host.err(`${line}\n`);
  }
  yield* image.close();
  if (asJson) host.out(json(checkJson(report, image, corruptionsFixed, leaksFixed)));
  else if (!quiet) host.out(checkText(report));
  return report.corruptions > 0 ? 2 : report.leaks > 0 ? 3 : 0;
}
/** Two digits behind the point; an exact half goes to the even digit, as in C. */
function percent(part: number, whole: number): string {
  const scaled = (part * 10000) / whole;
  const floor = Math.floor(scaled);
  return ((scaled - floor === 0.5 ? floor + (floor % 2) : Math.round(scaled)) / 100).toFixed(2);
}
function checkText(r: CheckReport): string {
  let out = "";
  if (r.corruptions === 0 && r.leaks === 0) out += "No errors were found on the image.\n";
  else {
    if (r.corruptions > 0) out += `\n${r.corruptions} errors were found on the image.\nData may be corrupted, or further writes to the image may corrupt it.\n`;
    if (r.leaks > 0) out += `\n${r.leaks} leaked clusters were found on the image.\nThis means waste of disk space, but no harm to data.\n`;
  }
  if (r.totalClusters !== 0 && r.allocatedClusters !== 0 && r.imageEndOffset > 0)
    out += `${r.allocatedClusters}/${r.totalClusters} = ${percent(r.allocatedClusters, r.totalClusters)}% allocated, ${percent(r.fragmentedClusters, r.allocatedClusters)}% fragmented, ${percent(r.compressedClusters, r.allocatedClusters)}% compressed clusters\n`;
  if (r.imageEndOffset > 0) out += `Image end offset: ${r.imageEndOffset}\n`;
  return out;
}
function checkJson(r: CheckReport, image: Image, corruptionsFixed: number, leaksFixed: number): object {
  const some = (key: string, value: number) => (value > 0 ? { [key]: value } : {});
  return {
    ...some("image-end-offset", r.imageEndOffset), ...some("total-clusters", r.totalClusters), ...some("corruptions", r.corruptions), "check-errors": 0, ...some("leaks", r.leaks), ...some("fragmented-clusters", r.fragmentedClusters),
    ...some("compressed-clusters", r.compressedClusters), ...some("allocated-clusters", r.allocatedClusters), filename: image.file.name, ...some("corruptions-fixed", corruptionsFixed),
    ...some("leaks-fixed", leaksFixed), format: image.format,
  };
}

// ---- measure ---------------------------------------------------------------------------------------------------------

/** Bytes of refcount tables and blocks for `clusters` clusters. */
function refcountBytes(clusters: number, clusterSize: number, order: number): number {
  const perBlock = (clusterSize * 8) / 2 ** order;
  let table = 0;
  let blocks = 0;
  for (let n = 0, before = -1; n !== before; ) {
    before = n;
    blocks = Math.ceil((clusters + table + blocks) / perBlock);
    table = Math.ceil(blocks / (clusterSize / 8));
    n = clusters + blocks + table;
  }
  return (blocks + table) * clusterSize;
}
export function* measure(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "f: l: o: O: U force-share image-opts object: output: size: snapshot:");
  const asJson = wantsJson(parsed);
  const [path] = parsed.operands;
  const sizeText = last(parsed, "size");
  if ((path === undefined) === (sizeText === undefined) || parsed.operands.length > 1) throw new ImgError("Either --size N or one filename must be specified.");
  const output = last(parsed, "O") ?? "raw";
  checkFormat(output);
  const given = keyValues(parsed.options.get("o") ?? []);
  if (canCreate(output)) checkOptions(output, given, "");
  if (output !== "raw" && output !== "qcow2") throw new ImgError(`Block driver '${output}' does not support size measurement`);
  const format = last(parsed, "f");
  const image = path === undefined ? null : yield* openPath(host, path, { ...(format === undefined ? {} : { format }), readOnly: true });
  const size = image ? image.size : sizeOf(sizeText as string);
  if (size === null) throw new ImgError("Invalid image size specified. You may use k, M, G, T, P or E suffixes for\nqemu-img: kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
  let required = size;
  let full = size;
  if (output === "qcow2") {
    const cluster = sizeOf(given.get("cluster_size") ?? "64k") ?? 65536;
    if (Math.log2(cluster) % 1 !== 0 || cluster < 512 || cluster > 2 << 20) throw new ImgError("Cluster size must be a power of two between 512 and 2048k");
    const order = Math.log2(Number(given.get("refcount_bits") ?? 16));
    const aligned = Math.ceil(size / cluster) * cluster;
    const per = cluster / 8;
    const l2 = Math.ceil(aligned / cluster / per) * per;
    const l1 = Math.ceil((l2 * 8) / cluster / per) * per;
    const meta = cluster + l2 * 8 + l1 * 8;
    full = meta + refcountBytes((aligned + meta) / cluster, cluster, order) + aligned;
    let data = 0;
    if (given.has("preallocation") && !["off", "metadata"].includes(given.get("preallocation") as string)) data = aligned;
    else if (image) {
      let covered = 0;
      for (let at = 0; at < size; ) {
        const piece = yield* statusAbove(image, at, size - at);
        if (piece.data) {
          const from = Math.max(covered, Math.floor(at / cluster) * cluster);
          const to = Math.ceil((at + piece.length) / cluster) * cluster;
          if (to > from) data += to - from;
          covered = Math.max(covered, to);
        }
        at += piece.length;
      }
    }
    required = full - aligned + data;
  }
  const bitmaps = output === "qcow2" && image instanceof Qcow2Image && image.header.version === 3;
  if (asJson) host.out(json({ ...(bitmaps ? { bitmaps: 0 } : {}), required, "fully-allocated": full }));
  else host.out(`required size: ${required}\nfully allocated size: ${full}\n${bitmaps ? "bitmaps size: 0\n" : ""}`);
  return 0;
}

// ---- compare ---------------------------------------------------------------------------------------------------------

export function* compare(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "f: F: T: p q s U force-share image-opts object:");
  if (parsed.operands.length !== 2) throw new ImgError(`Expecting two image file names\n${TRY_HELP}`);
  const strict = parsed.options.has("s");
  const quiet = parsed.options.has("q");
  const say = (text: string) => {
    if (!quiet) host.out(`${text}\n`);
  };
  const images: Image[] = [];
  for (const [i, name] of ["f", "F"].entries()) {
    const format = last(parsed, name);
    images.push(yield* openPath(host, parsed.operands[i] as string, { ...(format === undefined ? {} : { format }), readOnly: true, status: 2 }));
  }
  const [a, b] = images as [Image, Image];
  if (a.size !== b.size && strict) {
    say("Strict mode: Image size mismatch!");
    return 1;
  }
  const both = Math.min(a.size, b.size);
  const one = new Uint8Array(1 << 20);
  const two = new Uint8Array(1 << 20);
  try {
    for (let at = 0; at < both; ) {
      const s = yield* statusAbove(a, at, both - at);
      const t = yield* statusAbove(b, at, s.length);
      const length = Math.min(s.length, t.length);
      const known = (p: typeof s) => p.zero && !p.data;
      if (strict && (s.present !== t.present || (s.offset === null) !== (t.offset === null) || s.data !== t.data || s.zero !== t.zero)) {
        say(`Strict mode: Offset ${at} block status mismatch!`);
        return 1;
      }
      if (!(known(s) && known(t)))
        for (let done = 0; done < length; done += one.length) {
          const n = Math.min(one.length, length - done);
          yield* a.read(at + done, one.subarray(0, n));
          yield* b.read(at + done, two.subarray(0, n));
          const different = firstDifferentSector(one, two, n);
          if (different >= 0) {
            say(`Content mismatch at offset ${at + done + different}!`);
            return 1;
          }
        }
      at += length;
    }
    if (a.size !== b.size) {
      if (!quiet) host.out("Warning: Image size mismatch!\n");
      const longer = a.size > b.size ? a : b;
      for (let at = both; at < longer.size; ) {
        const s = yield* statusAbove(longer, at, longer.size - at);
        if (s.data)
          for (let done = 0; done < s.length; done += one.length) {
            const n = Math.min(one.length, s.length - done);
            yield* longer.read(at + done, one.subarray(0, n));
            two.fill(0);
            const different = firstDifferentSector(one, two, n);
            if (different >= 0) {
              say(`Content mismatch at offset ${at + done + different}!`);
              return 1;
            }
          }
        at += s.length;
      }
    }
  } catch (error) {
    throw new ImgError(`Error while reading: ${reasonOf(error)}`, 4);
  }
  say("Images are identical.");
  return 0;
}
function firstDifferentSector(a: Uint8Array, b: Uint8Array, length: number): number {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i - (i % 512);
  return -1;
}
