// Every image format by name: how its files are recognised (the highest score wins, as in QEMU), opened and made; and opening a whole
// backing chain. A parser here treats its input as hostile: what cannot be right is a Fault that names file and reason.

import { FaultError } from "../../../src/contract/schema.ts";
import type { ByteFile } from "../byte-file.ts";
import { closeChain, type Image, RawImage, unsupported, viewOf } from "../image.ts";
import type { Io } from "../io.ts";
import { Qcow2Image } from "./qcow2.ts";
import { CloopImage, CowImage, ParallelsImage, QedImage } from "./read-only.ts";
import { VdiImage } from "./vdi.ts";
import { VhdImage } from "./vhd.ts";
import { VhdxImage } from "./vhdx.ts";
import { VmdkImage } from "./vmdk.ts";

/** Finds the other files of an image: extents and backing files, by the name in `from`. */
export interface Surroundings {
  open(name: string, from: ByteFile, readOnly: boolean): Io<ByteFile>;
}
interface OpenHow {
  readonly readOnly: boolean;
  readonly repairing: boolean;
  readonly around: Surroundings;
}
interface Format {
  readonly name: string;
  readonly summary: string;
  /** 0: not this format, 100: certainly. `head` is the first 2 KiB. */
  probe(head: Uint8Array, file: ByteFile): number;
  open(file: ByteFile, how: OpenHow): Io<Image>;
}
const starts = (head: Uint8Array, text: string, at = 0) => [...text].every((c, i) => head[at + i] === c.charCodeAt(0));
const u32 = (head: Uint8Array, at: number, little = false) => viewOf(head).getUint32(at, little);

export const formats: readonly Format[] = [
  { name: "raw", summary: "the bytes of the disk, nothing else", probe: () => 1, open: function* (file) { return new RawImage(file); } },
  {
    name: "qcow2",
    summary: "QEMU copy on write, versions 2 and 3",
    probe: (head) => (starts(head, "QFI\xfb") && u32(head, 4) >= 2 ? 100 : 0),
    open: (file, { readOnly, repairing }) => Qcow2Image.open(file, readOnly, repairing),
  },
  {
    name: "vmdk",
    summary: "VMware: sparse, streamOptimized, flat",
    probe: (head) => (starts(head, "KDMV") || starts(head, "COWD") ? 100 : /^(#[^\n]*\n|\s*\n)*\s*version=[123]\s/.test(new TextDecoder("latin1").decode(head)) ? 100 : 0),
    open: (file, { readOnly, around }) => VmdkImage.open(file, (name) => around.open(name, file, readOnly), readOnly),
  },
  { name: "vdi", summary: "VirtualBox", probe: (head) => (u32(head, 64, true) === 0xbeda107f ? 100 : 0), open: (file, { readOnly }) => VdiImage.open(file, readOnly) },
  { name: "vhdx", summary: "Hyper-V", probe: (head) => (starts(head, "vhdxfile") ? 100 : 0), open: (file, { readOnly }) => VhdxImage.open(file, readOnly) },
  { name: "vpc", summary: "Virtual PC (VHD)", probe: (head) => (starts(head, "conectix") ? 100 : 0), open: (file, { readOnly }) => VhdImage.open(file, readOnly) },
  { name: "qed", summary: "QEMU enhanced disk, read only", probe: (head) => (starts(head, "QED\0") ? 100 : 0), open: (file) => QedImage.open(file) },
  {
    name: "parallels",
    summary: "Parallels, read only",
    probe: (head) => ((starts(head, "WithoutFreeSpace") || starts(head, "WithouFreSpacExt")) && u32(head, 16, true) === 2 ? 100 : 0),
    open: (file) => ParallelsImage.open(file),
  },
  { name: "cloop", summary: "compressed loop device, read only", probe: (head) => (starts(head, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n") ? 2 : 0), open: (file) => CloopImage.open(file) },
  { name: "cow", summary: "user-mode Linux copy on write, read only", probe: (head) => (starts(head, "OOOM") && u32(head, 4) === 2 ? 100 : 0), open: (file) => CowImage.open(file) },
];
export function findFormat(name: string): Format {
  const found = formats.find((f) => f.name === (name === "vhd" ? "vpc" : name));
  if (!found) throw new FaultError("image.format", `Unknown image format "${name}".`, `Known: ${formats.map((f) => f.name).join(", ")}.`);
  return found;
}
export function* probeFormat(file: ByteFile): Io<Format> {
  const head = new Uint8Array(2048);
  yield* file.read(0, head);
  if (starts(head, "QFI\xfb") && u32(head, 4) === 1) throw unsupported("qcow", file, "version 1");
  if (starts(head, "LUKS\xba\xbe")) throw unsupported("luks", file, "encryption");
  let best = formats[0] as Format;
  let score = 0;
  for (const format of formats) {
    const one = format.probe(head, file);
    if (one > score) {
      score = one;
      best = format;
    }
  }
  return best;
}
export interface OpenOptions {
  /** Name of the format; looked for when left out. */
  readonly format?: string | undefined;
  readonly readOnly?: boolean;
  readonly repairing?: boolean;
  /** Leave the backing file alone. */
  readonly alone?: boolean;
  readonly around?: Surroundings;
}
/** For places that have no other files. */
export const nothingAround: Surroundings = {
  *open(name, from) {
    throw new FaultError("image.sibling", `${from.name} needs the file "${name}", which cannot be found here.`, "Convert it to a single file first: qemu-img convert -O qcow2.");
  },
};
const MOST_CHAIN = 200;

/** Opens an image and everything behind it. Backing files are only read. */
export function* openImage(file: ByteFile, options: OpenOptions = {}): Io<Image> {
  const around = options.around ?? nothingAround;
  const readOnly = options.readOnly === true || file.readOnly;
  const format = options.format === undefined ? yield* probeFormat(file) : findFormat(options.format);
  const image = yield* format.open(file, { readOnly, repairing: options.repairing === true, around });
  // As QEMU does: a guest may not turn a disk that was taken for raw into an image that names host files.
  if (image instanceof RawImage && options.format === undefined)
    image.guard = function* (at, from) {
      if (at >= 2048) return;
      const head = new Uint8Array(2048);
      yield* file.read(0, head);
      head.set(from.subarray(0, 2048 - at), at);
      if ((formats.find((f) => f.name !== "raw" && f.name !== "cloop" && f.probe(head, file) > 50) ?? null) !== null)
        throw new FaultError("image.guard", `${file.name}: its format was not given, so that nothing may be written to its start that looks like another format.`, "Give format=raw.");
    };
  if (options.alone) return image;
  const seen = new Set<string>([file.name]);
  let top = image;
  while (top.backingName !== null) {
    let below: Image;
    try {
      const name = top.backingName.replace(/^file:/, "");
      const next = yield* around.open(name, top.file, true);
      if (seen.has(next.name)) throw new FaultError("image.loop", `The backing files of ${file.name} form a loop.`);
      if (seen.size >= MOST_CHAIN) throw new FaultError("image.chain", `${file.name} has more than ${MOST_CHAIN} backing files behind it.`);
      seen.add(next.name);
      const wanted = top.backingFormat === null ? yield* probeFormat(next) : findFormat(top.backingFormat);
      below = yield* wanted.open(next, { readOnly: true, repairing: false, around });
    } catch (error) {
      yield* closeChain(image);
      throw error;
    }
    top.backing = below;
    top = below;
  }
  return image;
}
