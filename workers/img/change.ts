// `qemu-img convert`, `resize`, `snapshot`, `rebase`, `commit` and `dd`: making and changing images.

import { closeChain, type Image, isZero, readBehind } from "../backends/image.ts";
import { Qcow2Image } from "../backends/formats/qcow2.ts";
import { applySnapshot, createSnapshot, deleteSnapshot, findSnapshot } from "../backends/formats/qcow2-snapshots.ts";
import { VmdkImage } from "../backends/formats/vmdk.ts";
import type { Io } from "../backends/io.ts";
import { canCreate, checkOptions, makeFile } from "./create.ts";
import { checkFormat, type ImgHost, openPath, reasonOf, statusAbove } from "./host.ts";
import { snapshotTable } from "../backends/snapshot-table.ts";
import { besides } from "./look.ts";
import { ImgError, keyValues, last, parseArgs, type Parsed, sizeOf, TRY_HELP } from "./options.ts";

const BUFFER = 2 << 20;

/** Progress as QEMU prints it with -p. */
class Progress {
  readonly #host: ImgHost;
  readonly #on: boolean;
  #shown = -1;
  constructor(host: ImgHost, on: boolean) {
    this.#host = host;
    this.#on = on;
    this.at(0);
  }
  at(percent: number): void {
    if (!this.#on || (percent - this.#shown < 1 && percent < 100 && this.#shown >= 0)) return;
    this.#shown = percent;
    this.#host.out(`    (${percent.toFixed(2)}/100%)\r`);
  }
  end(): void {
    if (!this.#on) return;
    this.at(100);
    this.#host.out("\n");
  }
}
const formatOf = (parsed: Parsed, name: string) => {
  const format = last(parsed, name);
  return format === undefined ? {} : { format };
};

// ---- convert ---------------------------------------------------------------------------------------------------------

export function* convert(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "f: O: B: F: c o: l: S: p q n m: W t: T: U r: C force-share image-opts object: target-image-opts target-is-zero salvage bitmaps skip-broken-bitmaps");
  const sources = parsed.operands.slice(0, -1);
  const target = parsed.operands.at(-1);
  if (target === undefined || sources.length === 0) throw new ImgError("Must specify image file name");
  const output = last(parsed, "O") ?? "raw";
  const compress = parsed.options.has("c");
  const given = keyValues(parsed.options.get("o") ?? []);
  const backing = last(parsed, "B") ?? given.get("backing_file");
  const exists = parsed.options.has("n");
  const skip = last(parsed, "S");
  const sparse = skip === undefined ? 4096 : (sizeOf(skip) ?? 0);
  const images: Image[] = [];
  for (const path of sources) images.push(yield* openPath(host, path, { ...formatOf(parsed, "f"), readOnly: true }));
  const wanted = last(parsed, "l");
  if (wanted !== undefined) {
    const name = wanted.replace(/^snapshot\.(name|id)=/, "");
    const image = images[0];
    const found = image instanceof Qcow2Image ? findSnapshot(image, name) : null;
    if (!(image instanceof Qcow2Image) || !found) throw new ImgError(`Failed to load snapshot: Can't find snapshot`);
    yield* viewSnapshot(image, found.l1Offset, found.l1Size, found.diskSize);
  }
  const total = images.reduce((sum, i) => sum + i.size, 0);
  checkFormat(output);
  if (!exists && !canCreate(output)) throw new ImgError(`Format driver '${output}' does not support image creation`);
  if (compress && !["qcow2", "vmdk"].includes(output)) throw new ImgError("Compression not supported for this file format");
  if (backing !== undefined) given.set("backing_file", backing);
  const backingFormat = last(parsed, "F");
  if (backingFormat !== undefined) given.set("backing_fmt", backingFormat);
  if (backing !== undefined && !given.has("backing_fmt")) throw new ImgError("backing format must be specified");
  if (!exists) {
    checkOptions(output, given, "");
    if (given.has("size")) throw new ImgError("Invalid parameter 'size'");
    yield* makeFile(host, { format: output, path: target, size: total, given }, `${target}: error while converting ${output}: `);
  }
  const out = yield* openPath(host, target, { format: output, readOnly: false });
  if (exists && out.size < total) throw new ImgError("Cannot grow device files");
  const progress = new Progress(host, parsed.options.has("p"));
  let data = 0;
  for (const image of images) for (let at = 0; at < image.size; ) {
    const s = yield* statusAbove(image, at, image.size - at);
    if (s.data) data += s.length;
    at += s.length;
  }
  // A new image without a backing file reads as zeros: zeros need not be written.
  const blank = !exists && out.backing === null;
  const stream = out instanceof VmdkImage && out.compresses;
  const unit = compress || stream ? (out.clusterSize ?? 65536) : Math.max(sparse, 512);
  let base = 0;
  let copied = 0;
  const buffer = new Uint8Array(Math.max(BUFFER, unit));
  try {
    for (const image of images) {
      for (let at = 0; at < image.size; ) {
        let s = yield* statusAbove(image, at, image.size - at, null);
        // With a backing file, what the source does not hold itself is taken to be there.
        if (backing !== undefined && !(yield* ownsAny(image, at, s.length))) {
          const own = yield* image.extent(at, s.length);
          at += own.length;
          continue;
        }
        if (s.data && s.length > buffer.length) s = { ...s, length: buffer.length };
        let length = s.length;
        if (unit > 512 && (compress || stream)) {
          // Whole clusters only: a cluster is read even when a part of it is known to be zero.
          const from = (base + at) % unit;
          length = Math.min(image.size - at, Math.max(unit - from, Math.floor(length / unit) * unit));
          if (from !== 0) throw new ImgError("Sources of a compressed image must be whole clusters");
        }
        if (!s.data && s.length >= length) {
          if (!blank) yield* zero(out, base + at, length);
          at += length;
          continue;
        }
        const piece = buffer.subarray(0, length);
        yield* image.read(at, piece);
        yield* store(out, base + at, piece, unit, blank && sparse > 0, compress);
        copied += length;
        progress.at(Math.min(100, (copied * 100) / Math.max(1, data)));
        at += length;
      }
      base += image.size;
    }
  } catch (error) {
    if (error instanceof ImgError) throw error;
    throw new ImgError(`error while writing at byte ${base}: ${reasonOf(error)}`);
  }
  progress.end();
  for (const image of images) yield* closeChain(image);
  yield* closeChain(out);
  return 0;
}
function* ownsAny(image: Image, at: number, length: number): Io<boolean> {
  return (yield* image.extent(at, length)).present;
}
function* zero(out: Image, at: number, length: number): Io<void> {
  if (out.writeZeroes && (yield* out.writeZeroes(at, length))) return;
  for (let done = 0; done < length; done += BUFFER) yield* out.write(at + done, new Uint8Array(Math.min(BUFFER, length - done)));
}
/** Writes a piece, leaving out units of zeros where the target is blank. */
function* store(out: Image, at: number, piece: Uint8Array, unit: number, skipZeros: boolean, compress: boolean): Io<void> {
  const pack = compress && out.writeCompressed ? (p: number, b: Uint8Array) => (out.writeCompressed as NonNullable<Image["writeCompressed"]>)(p, b) : null;
  for (let done = 0; done < piece.length; ) {
    let n = Math.min(piece.length - done, unit - ((at + done) % unit));
    const hole = skipZeros && isZero(piece.subarray(done, done + n));
    // Runs of the same kind go together, except where each cluster is packed by itself.
    while (!pack && !hole && done + n < piece.length) {
      const more = Math.min(piece.length - done - n, unit);
      if (skipZeros && isZero(piece.subarray(done + n, done + n + more))) break;
      n += more;
    }
    const part = piece.subarray(done, done + n);
    if (!hole) yield* pack ? pack(at + done, part) : out.write(at + done, part);
    done += n;
  }
}
/** Lets an image, opened read only, show one of its snapshots. */
function* viewSnapshot(image: Qcow2Image, l1Offset: number, l1Size: number, diskSize: number): Io<void> {
  const bytes = new Uint8Array(l1Size * 8);
  yield* image.file.read(l1Offset, bytes);
  image.l1 = { view: new DataView(bytes.buffer), dirty: false };
  image.header.size = diskSize;
}

// ---- resize ----------------------------------------------------------------------------------------------------------

export function* resize(args: readonly string[], host: ImgHost): Io<number> {
  // "-32M" is a size when it comes last.
  const parsed = parseArgs(args, "f: q image-opts object: preallocation: shrink");
  const [path, text, ...more] = parsed.operands;
  if (path === undefined || text === undefined || more.length > 0) throw new ImgError(`Not enough arguments\n${TRY_HELP}`);
  const sign = text[0] === "+" || text[0] === "-" ? text[0] : "";
  const amount = sizeOf(text.slice(sign.length));
  if (amount === null) throw new ImgError("Parameter 'size' expects a non-negative number below 2^64\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.");
  const image = yield* openPath(host, path, { ...formatOf(parsed, "f"), readOnly: false });
  const size = sign === "+" ? image.size + amount : sign === "-" ? image.size - amount : amount;
  if (size <= 0) throw new ImgError("New image size must be positive");
  const shrink = parsed.options.has("shrink");
  if (size < image.size && !shrink)
    throw new ImgError(
      "Use the --shrink option to perform a shrink operation.\nqemu-img: warning: Shrinking an image will delete all data beyond the shrunken image's end. Before performing such an operation, make sure there is no important data there.",
    );
  if (!image.resize) throw new ImgError("Image format driver does not support resize");
  try {
    yield* image.resize(Math.ceil(size / 512) * 512, shrink);
  } catch (error) {
    throw new ImgError(reasonOf(error));
  }
  yield* closeChain(image);
  if (!parsed.options.has("q")) host.out("Image resized.\n");
  return 0;
}

// ---- snapshot --------------------------------------------------------------------------------------------------------

export function* snapshot(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "l a: c: d: q U force-share image-opts object:");
  const acts = ["l", "a", "c", "d"].filter((n) => parsed.options.has(n));
  if (acts.length > 1) throw new ImgError(`Cannot mix '-l', '-a', '-c', '-d'\n${TRY_HELP}`);
  const [path, ...more] = parsed.operands;
  if (path === undefined || more.length > 0) throw new ImgError(`Expecting one image file name\n${TRY_HELP}`);
  const act = acts[0] ?? "";
  const name = act === "" ? "" : (last(parsed, act) ?? "");
  const image = yield* openPath(host, path, { readOnly: act === "l" || act === "" });
  const failed: { readonly [act: string]: string } = { c: "create", a: "apply", d: "delete" };
  if (!(image instanceof Qcow2Image)) {
    if (act === "l" || act === "") return 0;
    throw new ImgError(`Could not ${failed[act]} snapshot '${name}': -95 (Operation not supported)`);
  }
  if (act === "l") {
    if (image.snapshots.length > 0) host.out(`Snapshot list:\n${snapshotTable(image.snapshots)}\n`);
  } else if (act !== "") {
    const found = findSnapshot(image, name);
    try {
      if (act === "c") yield* createSnapshot(image, { name, dateMs: host.dateMs(), icount: 0n });
      else if (act === "a") {
        if (!found) throw new ImgError(`Could not apply snapshot '${name}': Failed to load snapshot: No such file or directory`);
        yield* applySnapshot(image, found);
      } else {
        if (!found) throw new ImgError(`Could not delete snapshot '${name}': snapshot not found`);
        yield* deleteSnapshot(image, found);
      }
    } catch (error) {
      if (error instanceof ImgError) throw error;
      throw new ImgError(`Could not ${failed[act]} snapshot '${name}': ${reasonOf(error)}`);
    }
  }
  yield* closeChain(image);
  return 0;
}

// ---- rebase ----------------------------------------------------------------------------------------------------------

export function* rebase(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "f: F: b: u p q t: T: U force-share image-opts object: compress");
  const [path, ...more] = parsed.operands;
  if (path === undefined || more.length > 0) throw new ImgError(`Expecting one image file name\n${TRY_HELP}`);
  const name = last(parsed, "b");
  const unsafe = parsed.options.has("u");
  if (!unsafe && name === undefined) throw new ImgError(`Use backing file (-b) option or unsafe mode (-u)\n${TRY_HELP}`);
  const format = last(parsed, "F");
  checkFormat(format, "Invalid format name: ");
  const image = yield* openPath(host, path, { ...formatOf(parsed, "f"), readOnly: false, alone: unsafe });
  if (!(image instanceof Qcow2Image)) throw new ImgError("Cannot change the old backing file: Operation not supported");
  const progress = new Progress(host, parsed.options.has("p"));
  if (!unsafe) {
    let fresh: Image | null = null;
    if (name !== undefined && name !== "") {
      const where = besides(image, name);
      fresh = yield* openPath(host, where, { ...(format === undefined ? {} : { format }), readOnly: true, lead: `Could not open new backing file '${name}'` });
    }
    const old = image.backing;
    const one = new Uint8Array(BUFFER);
    const two = new Uint8Array(BUFFER);
    for (let at = 0; at < image.size; ) {
      const own = yield* image.extent(at, Math.min(BUFFER, image.size - at));
      if (!own.present) {
        yield* readBehind(old, at, one.subarray(0, own.length));
        yield* readBehind(fresh, at, two.subarray(0, own.length));
        // What differs between old and new must be kept here, whole clusters at a time.
        const unit = image.clusterSize;
        for (let done = 0; done < own.length; ) {
          const n = Math.min(own.length - done, unit - ((at + done) % unit));
          const before = one.subarray(done, done + n);
          if (!before.every((b, i) => b === two[done + i])) {
            if (isZero(before) && (yield* image.writeZeroes(at + done, n))) {
              // said in the table
            } else yield* image.write(at + done, before.slice());
          }
          done += n;
        }
      }
      at += own.length;
      progress.at((at * 100) / image.size);
    }
    yield* image.flush();
    if (fresh) yield* closeChain(fresh);
  }
  yield* image.setBacking(name === undefined || name === "" ? null : name, format ?? null);
  yield* image.flush();
  yield* closeChain(image);
  progress.end();
  return 0;
}

// ---- commit ----------------------------------------------------------------------------------------------------------

export function* commit(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "f: b: d p q r: t: image-opts object:");
  const [path, ...more] = parsed.operands;
  if (path === undefined || more.length > 0) throw new ImgError(`Expecting one image file name\n${TRY_HELP}`);
  if (parsed.options.has("b")) throw new ImgError("commit -b (an intermediate image) is not supported");
  const top = yield* openPath(host, path, { ...formatOf(parsed, "f"), readOnly: false });
  if (top.backing === null) throw new ImgError("Image does not have a backing file");
  const behind = { format: top.backing.format };
  yield* closeChain(top.backing);
  const where = besides(top);
  const below = yield* openPath(host, where, { ...behind, readOnly: false });
  top.backing = below;
  const progress = new Progress(host, parsed.options.has("p"));
  if (below.size < top.size) {
    if (!below.resize) throw new ImgError("Could not commit image: the backing file is smaller and cannot be resized");
    yield* below.resize(top.size, false);
  }
  const buffer = new Uint8Array(BUFFER);
  for (let at = 0; at < top.size; ) {
    const own = yield* top.extent(at, Math.min(BUFFER, top.size - at));
    if (own.present) {
      const piece = buffer.subarray(0, own.length);
      yield* top.read(at, piece);
      if (own.zero) yield* zero(below, at, own.length);
      else yield* below.write(at, piece);
    }
    at += own.length;
    progress.at((at * 100) / top.size);
  }
  yield* below.flush();
  if (!parsed.options.has("d") && top instanceof Qcow2Image && top.snapshots.length === 0) yield* top.makeEmpty();
  yield* closeChain(top);
  progress.end();
  if (!parsed.options.has("q")) host.out("Image committed.\n");
  return 0;
}

// ---- dd --------------------------------------------------------------------------------------------------------------

export function* dd(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "f: O: U force-share image-opts object:");
  const values = new Map<string, string>();
  for (const word of parsed.operands) {
    const at = word.indexOf("=");
    const name = at < 0 ? word : word.slice(0, at);
    if (!["bs", "count", "if", "of", "skip"].includes(name)) throw new ImgError(`unrecognized operand ${name}`);
    values.set(name, word.slice(at + 1));
  }
  const amount = (name: string, standard: number | null): number | null => {
    const text = values.get(name);
    if (text === undefined) return standard;
    const value = sizeOf(text);
    if (value === null) throw new ImgError(`Invalid number: ${text}`);
    return value;
  };
  const bs = amount("bs", 512) as number;
  if (bs <= 0 || bs > 0x7fffffff) throw new ImgError("Invalid bs specified. Must be between 1 and 2147483647.");
  const count = amount("count", null);
  const skip = amount("skip", 0) as number;
  const from = values.get("if");
  const to = values.get("of");
  if (from === undefined || to === undefined) throw new ImgError("Must specify both input and output files");
  const output = last(parsed, "O") ?? "raw";
  checkFormat(output);
  if (!canCreate(output)) throw new ImgError(`Format driver '${output}' does not support image creation`);
  const image = yield* openPath(host, from, { ...formatOf(parsed, "f"), readOnly: true });
  const end = count === null ? image.size : Math.min(image.size, (skip + count) * bs);
  const start = Math.min(end, skip * bs);
  const size = Math.max(0, end - start);
  yield* makeFile(host, { format: output, path: to, size, given: new Map() }, `${to}: error while creating output image of type '${output}': `);
  const out = yield* openPath(host, to, { format: output, readOnly: false });
  if (skip * bs > image.size) host.err(`qemu-img: warning: ${from}: cannot skip to specified offset\n`);
  const buffer = new Uint8Array(Math.min(BUFFER, Math.max(512, size)));
  for (let at = start; at < end; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, end - at));
    yield* image.read(at, piece);
    yield* store(out, at - start, piece, 512, true, false);
  }
  yield* closeChain(image);
  yield* closeChain(out);
  return 0;
}
