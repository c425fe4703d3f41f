// `guesthouse chunks FILE FOLDER`: a disk image as a manifest with content-addressed pieces beside it, for any static web server. Drives name it
// "chunks:ADDRESS#sha256=HASH" (hosted-file.ts); opened as a machine's link it is a machine with that one disk.

import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { PROGRAM } from "../../src/contract/version.ts";
import { BUNDLE_FORMAT, type Manifest } from "../../src/contract/bundle.ts";
import { domainSchema } from "../../src/contract/domain.ts";
import { NodeFile } from "../backends/byte-file.node.ts";
import { loadZstd } from "../backends/compress.ts";
import { isZero } from "../backends/image.ts";
import { now } from "../backends/io.ts";
import { BundleWriter, encodeBundle, sha256 } from "./bundle.ts";
import { CHUNK_BYTES } from "./ram-keeper.ts";

export const HOSTED_DISK = "disk.guesthouse";
/** Chunks of 64 KiB in one piece, and how hard they are packed: as Share does for a web server. */
const PER_PIECE = 16;
const LEVEL = 6;

export interface HostedDisk {
  readonly sha256: string;
  readonly pieces: number;
  /** Of all pieces and the manifest. */
  readonly bytes: number;
}
export async function saveHosted(path: string, folder: string, progress: (done: number, total: number) => void = () => {}): Promise<HostedDisk> {
  await loadZstd();
  const file = new NodeFile(path, "read");
  mkdirSync(join(folder, "chunks"), { recursive: true });
  const writer = new BundleWriter(LEVEL);
  let stored = 0;
  let bytes = 0;
  // Pieces go to the disk as they come to be: the image may be larger than memory.
  const store = () => {
    for (; stored < writer.parts.length; stored++) {
      const part = writer.parts[stored] as Uint8Array;
      writeFileSync(join(folder, "chunks", writer.blobs[stored]?.sha256 ?? ""), part);
      bytes += part.length;
      writer.parts[stored] = new Uint8Array(0);
    }
  };
  const groups = await writer.groups(Array.from({ length: Math.ceil(file.size / CHUNK_BYTES) }, (_, n) => n), PER_PIECE, (n, into) => {
    store();
    now(file.read(n * CHUNK_BYTES, into));
    progress(n * CHUNK_BYTES, file.size);
    return !isZero(into);
  });
  store();
  const name = basename(path);
  const manifest: Manifest = {
    format: BUNDLE_FORMAT,
    program: PROGRAM,
    dateMs: Date.now(),
    domain: domainSchema.parse({ name, memoryMiB: 128, cpu: { model: "qemu64", count: 1, accel: "jit" }, clock: { mode: "wall" }, firmware: {}, boot: {}, vga: "std", disks: [{ at: "ide0-master", media: "disk", source: "bundle:0" }] }),
    files: [{ id: "bundle:0", name, size: file.size, base: null, groups }],
    state: null,
    recording: null,
    blobs: writer.blobs,
  };
  now(file.close());
  const list = await encodeBundle(manifest, []);
  writeFileSync(join(folder, HOSTED_DISK), list);
  return { sha256: await sha256(list), pieces: writer.blobs.length, bytes: bytes + list.length };
}
