// What the image tool needs of the place it runs in, and opening images with qemu-img's words for what goes wrong.

import { FaultError } from "../../src/contract/schema.ts";
import type { ByteFile } from "../backends/byte-file.ts";
import { findFormat, formats, type OpenOptions, openImage, probeFormat, type Surroundings } from "../backends/formats/index.ts";
import type { Image } from "../backends/image.ts";
import type { Io } from "../backends/io.ts";
import { ImgError } from "./options.ts";

export interface ImgHost {
  open(path: string, mode: "read" | "write" | "create"): Io<ByteFile>;
  readonly around: Surroundings;
  out(text: string): void;
  err(text: string): void;
  dateMs(): number;
  /** 16 random bytes. */
  random(): Uint8Array;
}
/** A Fault in qemu-img's words where it has some. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof FaultError)) throw error;
  const { code, message } = error.fault;
  if (code !== "file.open") return message;
  const name = /^Cannot open (.*): ([^:]*)\.$/.exec(message);
  const why: { readonly [text: string]: string } = { "there is no such file": "No such file or directory", "permission is denied": "Permission denied", "it is a directory": "Is a directory", "the file system is read-only": "Read-only file system" };
  return name ? `Could not open '${name[1]}': ${why[name[2] ?? ""] ?? name[2]}` : message;
}
export function checkFormat(name: string | undefined, where = ""): void {
  if (name !== undefined && !formats.some((f) => f.name === name)) throw new ImgError(`${where}Unknown file format '${name}'`);
}
export interface OpenHow extends Omit<OpenOptions, "around"> {
  readonly status?: number;
  /** What failed, before the reason: "Could not open 'x'". */
  readonly lead?: string;
}
export function* openPath(host: ImgHost, path: string, how: OpenHow = {}): Io<Image> {
  const { status = 1, lead = `Could not open '${path}'` } = how;
  checkFormat(how.format);
  let file: ByteFile | null = null;
  try {
    file = yield* host.open(path, how.readOnly === false ? "write" : "read");
    const { format } = how;
    if (format !== undefined && format !== "raw" && format !== "vpc") {
      const head = new Uint8Array(2048);
      yield* file.read(0, head);
      if (findFormat(format).probe(head, file) === 0) throw new ImgError(`${lead}: Image is not in ${format} format`, status);
    }
    const image = yield* openImage(file, { ...how, around: host.around });
    if (format === undefined && image.format === "raw" && how.readOnly === false)
      host.err(
        `WARNING: Image format was not specified for '${path}' and probing guessed raw.\n         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be restricted.\n         Specify the 'raw' format explicitly to remove the restrictions.\n`,
      );
    return image;
  } catch (error) {
    if (file) yield* file.close();
    if (error instanceof ImgError) throw error;
    throw new ImgError(`${lead}: ${reasonOf(error)}`, status);
  }
}
export { probeFormat };

export interface Piece {
  readonly length: number;
  readonly depth: number;
  readonly present: boolean;
  readonly data: boolean;
  readonly zero: boolean;
  readonly offset: number | null;
  readonly compressed: boolean;
  readonly image: Image;
}
/** What decides a run of bytes, looking through the whole chain, or down to (not including) `base`. */
export function* statusAbove(image: Image, at: number, length: number, base: Image | null = null): Io<Piece> {
  let most = length;
  let depth = 0;
  for (let layer: Image | null = image; layer && layer !== base; layer = layer.backing) {
    if (at >= layer.size) return { length: most, depth, present: false, data: false, zero: true, offset: null, compressed: false, image: layer };
    const e = yield* layer.extent(at, Math.min(most, layer.size - at));
    most = e.length;
    if (e.present) return { length: most, depth, present: true, data: e.data, zero: e.zero, offset: e.offset, compressed: e.compressed === true, image: layer };
    if (layer.backing === null || layer.backing === base) return { length: most, depth: layer.backing === base && base !== null ? depth : 0, present: false, data: false, zero: base === null, offset: null, compressed: false, image: layer };
    depth++;
  }
  throw new Error("an image chain without an end");
}
