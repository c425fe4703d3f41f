// `qemu-img create`, and making an image of any writable format with its -o options. The "Formatting" line lists options in QEMU's order.

import { FaultError } from "../../src/contract/schema.ts";
import type { ByteFile } from "../backends/byte-file.ts";
import { createQcow2 } from "../backends/formats/qcow2.ts";
import { createVdi } from "../backends/formats/vdi.ts";
import { createVhd } from "../backends/formats/vhd.ts";
import { createVhdx } from "../backends/formats/vhdx.ts";
import { createVmdk } from "../backends/formats/vmdk.ts";
import { formats } from "../backends/formats/index.ts";
import { viewOf } from "../backends/image.ts";
import type { Io } from "../backends/io.ts";
import { type ImgHost, openPath, reasonOf } from "./host.ts";
import { ImgError, keyValues, last, parseArgs, sizeOf, TRY_HELP } from "./options.ts";

/** Options in the order QEMU prints them; "size" marks a size in bytes, "flag" on or off; a default is always printed. */
type Row = readonly [name: string, kind: "text" | "size" | "flag" | "number" | "disk-size", standard?: string];
const BACKING: readonly Row[] = [["backing_file", "text"], ["backing_fmt", "text"]];
const rows: { readonly [format: string]: readonly Row[] } = {
  raw: [["size", "disk-size"], ["preallocation", "text"]],
  qcow2: [
    ["cluster_size", "size", "65536"], ["extended_l2", "flag", "off"], ["preallocation", "text"], ["compression_type", "text", "zlib"], ["size", "disk-size"], ["compat", "text"], ...BACKING,
    ["lazy_refcounts", "flag", "off"], ["refcount_bits", "number", "16"],
  ],
  vmdk: [["size", "disk-size"], ["adapter_type", "text"], ...BACKING, ["compat6", "flag", "off"], ["hwversion", "text", "undefined"], ["subformat", "text"], ["zeroed_grain", "flag"]],
  vdi: [["size", "disk-size"], ["static", "flag", "off"]],
  vpc: [["size", "disk-size"], ["subformat", "text"], ["force_size", "flag"]],
  vhdx: [["size", "disk-size"], ["log_size", "size", "1048576"], ["block_size", "size", "0"], ["subformat", "text"], ["block_state_zero", "flag"]],
};
export interface Wanted {
  readonly format: string;
  readonly path: string;
  readonly size: number;
  readonly given: ReadonlyMap<string, string>;
  /** Content ID of a VMDK's parent. */
  readonly parentCid?: number;
}
export function canCreate(format: string): boolean {
  return Object.hasOwn(rows, format);
}
/** Checks names and kinds of options. */
export function checkOptions(format: string, given: ReadonlyMap<string, string>, lead: string): void {
  for (const [name, value] of given) {
    const row = rows[format]?.find((r) => r[0] === name);
    if (!row) throw new ImgError(`${lead}Invalid parameter '${name}'`);
    if (row[1] === "flag" && value !== "on" && value !== "off") throw new ImgError(`${lead}Parameter '${name}' expects 'on' or 'off'`);
    if ((row[1] === "size" || row[1] === "disk-size") && sizeOf(value) === null)
      throw new ImgError(`${lead}Parameter '${name}' expects a non-negative number below 2^64\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.`);
    if (row[1] === "number" && !/^\d+$/.test(value)) throw new ImgError(`${lead}Parameter '${name}' expects a number`);
  }
}
export function formattingLine({ format, path, size, given }: Wanted): string {
  const parts = (rows[format] ?? []).flatMap(([name, kind, standard]) => {
    if (kind === "disk-size") return [`size=${size}`];
    const value = given.get(name) ?? standard;
    if (value === undefined) return [];
    return [`${name}=${kind === "size" ? sizeOf(value) : value}`];
  });
  return `Formatting '${path}', fmt=${format} ${parts.join(" ")}\n`;
}
const on = (given: ReadonlyMap<string, string>, name: string) => given.get(name) === "on";
function oneOf<T extends string>(given: ReadonlyMap<string, string>, name: string, values: readonly T[]): T | undefined {
  const value = given.get(name);
  if (value === undefined) return undefined;
  if (!(values as readonly string[]).includes(value)) throw new FaultError("image.option", `Invalid parameter '${value}'`);
  return value as T;
}

/** Makes an empty image in `file`. */
export function* createImage(host: ImgHost, file: ByteFile, { format, path, size, given, parentCid }: Wanted): Io<void> {
  const rounded = Math.ceil(size / 512) * 512;
  const random = () => host.random();
  const n = (name: string) => (given.has(name) ? (sizeOf(given.get(name) as string) ?? 0) : undefined);
  switch (format) {
    case "raw":
      oneOf(given, "preallocation", ["off", "falloc", "full"]);
      yield* file.truncate(0);
      yield* file.truncate(size);
      if ((given.get("preallocation") ?? "off") !== "off") for (let at = 0; at < size; at += 1 << 20) yield* file.write(at, new Uint8Array(Math.min(1 << 20, size - at)));
      return;
    case "qcow2": {
      if (on(given, "extended_l2")) throw new FaultError("image.unsupported", "Extended L2 entries (subclusters) are not supported");
      const compat = oneOf(given, "compat", ["0.10", "1.1", "v2", "v3"]) ?? "1.1";
      const clusterSize = n("cluster_size");
      const compression = oneOf(given, "compression_type", ["zlib", "zstd"]);
      const preallocation = oneOf(given, "preallocation", ["off", "metadata", "falloc", "full"]);
      yield* createQcow2(file, {
        size: rounded, version: compat === "0.10" || compat === "v2" ? 2 : 3, ...(clusterSize === undefined ? {} : { clusterSize }), ...(compression ? { compression } : {}), ...(preallocation ? { preallocation } : {}),
        refcountBits: Number(given.get("refcount_bits") ?? 16), lazyRefcounts: on(given, "lazy_refcounts"), backingName: given.get("backing_file") ?? null, backingFormat: given.get("backing_fmt") ?? null,
      });
      return;
    }
    case "vdi":
      return yield* createVdi(file, { size: rounded, fixed: on(given, "static"), uuid: random });
    case "vpc":
      return yield* createVhd(file, { size: rounded, subformat: oneOf(given, "subformat", ["dynamic", "fixed"]) ?? "dynamic", forceSize: on(given, "force_size"), uuid: random, dateMs: host.dateMs() });
    case "vhdx":
      return yield* createVhdx(file, { size: rounded, subformat: oneOf(given, "subformat", ["dynamic", "fixed"]) ?? "dynamic", blockSize: n("block_size") ?? 0, logSize: n("log_size") ?? 1 << 20, random });
    case "vmdk": {
      const subformat = oneOf(given, "subformat", ["monolithicSparse", "streamOptimized", "monolithicFlat"]) ?? "monolithicSparse";
      const selfName = path.split("/").pop() as string;
      const flatName = `${selfName.replace(/\.vmdk$/, "")}-flat.vmdk`;
      const flat = subformat === "monolithicFlat" ? { name: flatName, file: yield* host.open(path.slice(0, path.length - selfName.length) + flatName, "create") } : undefined;
      const backing = given.get("backing_file");
      const adapter = oneOf(given, "adapter_type", ["ide", "buslogic", "lsilogic", "legacyESX"]);
      yield* createVmdk(file, {
        size: rounded, subformat, cid: viewOf(host.random()).getUint32(0), selfName, ...(flat ? { flat } : {}), ...(adapter ? { adapter } : {}),
        ...(given.has("hwversion") && given.get("hwversion") !== "undefined" ? { hwVersion: given.get("hwversion") as string } : {}), zeroedGrain: on(given, "zeroed_grain"), ...(backing ? { parent: { name: backing, cid: parentCid ?? 0xfffffffe } } : {}),
      });
      if (flat) yield* flat.file.close();
      return;
    }
    default:
      throw new FaultError("image.format", `Format driver '${format}' does not support image creation`);
  }
}

export function* create(args: readonly string[], host: ImgHost): Io<number> {
  const parsed = parseArgs(args, "f: o: q b: F: u object:");
  const [path, sizeText, ...more] = parsed.operands;
  if (path === undefined) throw new ImgError(`Expecting image file name\n${TRY_HELP}`);
  if (more.length > 0) throw new ImgError(`Unexpected argument: ${more[0]}`);
  const format = last(parsed, "f") ?? "raw";
  const given = keyValues(parsed.options.get("o") ?? []);
  let size = sizeText === undefined ? null : sizeOf(sizeText);
  if (sizeText !== undefined && size === null)
    throw new ImgError("Invalid image size specified. You may use k, M, G, T, P or E suffixes for\nqemu-img: kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
  if (!formats.some((f) => f.name === format)) throw new ImgError(`${path}: Unknown file format '${format}'`);
  if (!canCreate(format)) throw new ImgError(`${path}: Format driver '${format}' does not support image creation`);
  checkOptions(format, given, `${path}: `);
  if (given.has("size")) size ??= sizeOf(given.get("size") as string);
  let parentCid: number | undefined;
  const backing = last(parsed, "b") ?? given.get("backing_file");
  const backingFormat = last(parsed, "F") ?? given.get("backing_fmt");
  if (backing !== undefined && backing !== "") {
    if (!rows[format]?.some((r) => r[0] === "backing_file")) throw new ImgError(`${path}: Backing file not supported for file format '${format}'`);
    if (backing === path) throw new ImgError(`${path}: Error: Trying to create an image with the same filename as the backing file`);
    given.set("backing_file", backing);
    if (backingFormat !== undefined) given.set("backing_fmt", backingFormat);
    if (!parsed.options.has("u")) {
      const folder = path.includes("/") && !backing.startsWith("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "";
      let found: { readonly size: number; readonly format: string; readonly cid: number };
      try {
        const image = yield* openPath(host, folder + backing, { ...(backingFormat === undefined ? {} : { format: backingFormat }), readOnly: true, lead: "" });
        found = { size: image.size, format: image.format, cid: image.format === "vmdk" ? Number((yield* image.specific?.() ?? none())?.cid) : 0 };
        yield* image.close();
      } catch (error) {
        if (error instanceof ImgError) throw new ImgError(`${path}: ${error.message.replace(/^: /, "")}\nCould not open backing image.`);
        throw error;
      }
      if (backingFormat === undefined) throw new ImgError(`${path}: Backing file specified without backing format\nDetected format of ${found.format}.`);
      if (format === "vmdk" && found.format !== "vmdk") throw new ImgError(`${path}: Invalid backing file format: ${found.format}. Must be vmdk.`);
      parentCid = found.cid;
      size ??= found.size;
    }
  }
  if (size === null) throw new ImgError(`${path}: Image creation needs a size parameter`);
  const wanted: Wanted = { format, path, size, given, ...(parentCid === undefined ? {} : { parentCid }) };
  if (!parsed.options.has("q")) host.out(formattingLine(wanted));
  yield* makeFile(host, wanted, `${path}: `);
  return 0;
}
function* none(): Io<null> {
  return null;
}
/** Creates and closes the file; failures are qemu-img's. */
export function* makeFile(host: ImgHost, wanted: Wanted, lead: string): Io<void> {
  try {
    const file = yield* host.open(wanted.path, "create");
    try {
      yield* createImage(host, file, wanted);
    } finally {
      yield* file.close();
    }
  } catch (error) {
    if (error instanceof ImgError) throw error;
    throw new ImgError(`${lead}${reasonOf(error)}`);
  }
}
