// Turns the source strings of a domain ("file:PATH", "memory:BYTES", "url:HTTP…", "library:ID") into disks.
// Kinds that need the host (files, the image library) are given by whoever opens; the rest is here.

import { FaultError } from "../../src/contract/schema.ts";
import type { BlockBackend } from "../platform/types.ts";
import { OverlayBlock, sectorsOf } from "./block-memory.ts";
import { httpFile } from "./block-remote.ts";
import { type ByteFile, MemoryFile } from "./byte-file.ts";
import { openImage, type Surroundings } from "./formats/index.ts";
import { blockOf, type CacheMode, type Image } from "./image.ts";
import { later } from "./io.ts";
import { webAddress } from "./web-address.ts";

export interface SourceOptions {
  readonly readOnly?: boolean;
  /** Writes go to memory and are lost at the end. */
  readonly snapshot?: boolean;
  /** Format of the image; "auto" looks. */
  readonly format?: string;
  readonly cache?: CacheMode;
  /** Where backing files and extents are found. */
  readonly around?: Surroundings;
  /** Told of the image that was opened, before it is hidden behind the drive. */
  readonly opened?: (image: Image) => void;
}
/** Opens what follows the colon. `readOnly` is set when the domain says so or when writes stay in memory anyway. */
export type Opener = (rest: string, readOnly: boolean) => Promise<ByteFile | BlockBackend> | ByteFile | BlockBackend;
export type Openers = { readonly [kind: string]: Opener };

export const sharedOpeners: Openers = {
  memory: (rest) => {
    const bytes = parseSize(rest);
    if (bytes === null || bytes > 2 ** 31) throw new FaultError("source.memory", `"memory:${rest}" does not name a size.`, "Write memory:64M.");
    return new MemoryFile(new Uint8Array(bytes), false, `memory:${rest}`);
  },
  url: (rest) => httpFile(webAddress(rest)),
};

/** "64M", "1G", "512" (bytes) to bytes; null when it is no size. */
export function parseSize(text: string): number | null {
  const match = /^(\d+)([kKmMgGtT]?)[bB]?$/.exec(text);
  if (!match) return null;
  const size = Number(match[1]) * 1024 ** " kmgt".indexOf((match[2] || " ").toLowerCase());
  return Number.isSafeInteger(size) && size > 0 ? size : null;
}

/** Opens a source. "" is an empty drive (null). What cannot be written gets a memory overlay unless it is to be read only. */
export async function openSource(source: string, options: SourceOptions = {}, openers: Openers = {}): Promise<BlockBackend | null> {
  if (source === "") return null;
  const colon = source.indexOf(":");
  const kind = colon > 0 ? source.slice(0, colon) : "";
  const all: Openers = { ...sharedOpeners, ...openers };
  const open = Object.hasOwn(all, kind) ? all[kind] : undefined;
  if (!open) throw new FaultError("source.kind", `"${source}" is not a source this place can open.`, `Known: ${Object.keys(all).map((k) => `${k}:`).join(" ")}`);
  const readOnly = options.readOnly === true;
  const found = await open(source.slice(colon + 1), readOnly || options.snapshot === true);
  const base = "sectors" in found ? found : await openDrive(found, options);
  if (readOnly) return base.readOnly ? base : readOnlyView(base);
  return options.snapshot || base.readOnly ? new OverlayBlock(base) : base;
}

/** A drive's view of an image file in any format. */
export async function openDrive(file: ByteFile, options: SourceOptions = {}): Promise<BlockBackend> {
  const { format = "auto", readOnly, snapshot, around, cache, opened } = options;
  if (format === "raw") sectorsOf(file.size, file.name);
  const image = await later(
    openImage(file, { readOnly: readOnly === true || snapshot === true, ...(format === "auto" ? {} : { format }), ...(around ? { around } : {}) }),
  );
  if (image.format === "raw") sectorsOf(file.size, file.name);
  opened?.(image);
  return blockOf(image, cache);
}

function readOnlyView(base: BlockBackend): BlockBackend {
  const refuse = async () => {
    throw new Error("this disk is read only");
  };
  const view = { sectors: base.sectors, readOnly: true, read: (s: number, b: Uint8Array) => base.read(s, b), write: refuse, flush: async () => {} };
  return base.readSync ? { ...view, readSync: (s: number, b: Uint8Array) => base.readSync?.(s, b) } : view;
}
