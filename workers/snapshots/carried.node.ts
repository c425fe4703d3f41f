// A machine that somebody sent (a ".guesthouse" file, or a link), run in a terminal as it is: its drives read the pieces they need, its memory goes on
// from where it stood, and the bundle is never written: what the guest writes stays in memory. The page instead takes a copy into its library.

import { createHash } from "node:crypto";
import { openAsBlob, statSync } from "node:fs";
import type { BundleBlob, BundleFile, BundlePlace, BundleSummary } from "../../src/contract/bundle.ts";
import type { DomainConfig } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { fileFault } from "../backends/byte-file.node.ts";
import type { ByteFile } from "../backends/byte-file.ts";
import { loadUnzstd, zstdDecompress } from "../backends/compress.ts";
import { later } from "../backends/io.ts";
import type { BaseVm } from "./base-vm.ts";
import { unpackBlob, xorInto } from "./bundle.ts";
import { inspectBundle, type Opened, openPlace } from "./bundle-load.ts";
import { chunkedFile } from "./chunked-file.ts";
import { CHUNK_BYTES, type PackedChunk } from "./ram-keeper.ts";
import { decodeLog, type RecordedLog } from "./recording.ts";
import { decodeVmHead, type VmState } from "./vm-file.ts";

export interface CarriedMachine {
  readonly domain: DomainConfig;
  readonly summary: BundleSummary;
  /** A file of its own ("bundle:0"). */
  file(id: string): ByteFile;
  /** What the drive at a place wrote over its source, of which `base` has the bytes; null when it wrote nothing. */
  written(at: string, base: () => Promise<ByteFile>): Promise<ByteFile | null>;
  /** Memory and devices; null when it was off. `base` finds a guest's saved machine. */
  state(base: (source: string) => Promise<BaseVm>): Promise<VmState | null>;
  /** What came in since; null when nothing was recorded. */
  recording(): Promise<RecordedLog | null>;
}
/** Is this word of a command line a machine that somebody sent? */
export const isBundleName = (word: string): boolean => /\.guesthouse$/i.test(word);

export async function bundleFilePlace(path: string): Promise<BundlePlace> {
  try {
    if (statSync(path).isDirectory()) throw Object.assign(new Error("directory"), { code: "EISDIR" });
    return { kind: "bytes", bytes: await openAsBlob(path), from: "file" };
  } catch (error) {
    throw fileFault(path, error);
  }
}
export async function carriedMachine(place: BundlePlace, name: string): Promise<CarriedMachine> {
  const environment = {
    fetch: (url: string) => fetch(url),
    base: async (): Promise<BaseVm> => {
      throw new Error("only a library asks for it");
    },
  };
  const summary = await inspectBundle(place, environment);
  const opened: Opened = await openPlace(place, environment);
  const { manifest } = opened;
  const piece = async (index: number): Promise<Uint8Array> => unpackBlob(await opened.blob(index), manifest.blobs[index] as BundleBlob);
  const listed = (id: string): BundleFile | undefined => manifest.files.find((f) => f.id === id);
  return {
    domain: manifest.domain,
    summary,
    file(id) {
      const file = listed(id);
      if (file?.base !== null) throw new FaultError("bundle.bad", `The machine cannot be opened: a file that it names (${id}) is not in it.`);
      return chunkedFile(`${name}#${file.name}`, file, manifest, piece);
    },
    async written(at, base) {
      const file = listed(at);
      if (!file?.base) return null;
      const under = await base();
      const fingerprint = (under as { readonly fingerprint?: string }).fingerprint ?? (await hashOf(under));
      if (fingerprint !== file.base.fingerprint)
        throw new FaultError("disk.base-changed", `${file.base.source} is another file than the one that this machine wrote over.`, "What was written cannot be read without it. Guests built at another time differ.");
      return chunkedFile(`${name}#${file.name}`, file, manifest, piece, under);
    },
    recording: async () => (manifest.recording ? decodeLog(await piece(manifest.recording.log)) : null),
    async state(base) {
      const { state } = manifest;
      if (!state) return null;
      await loadUnzstd();
      const under = state.base && (await base(state.base.source));
      if (under && under.sha256 !== state.base?.fingerprint)
        throw new FaultError("bundle.base", `The machine goes on from ${state.base?.source} with the hash ${state.base?.fingerprint.slice(0, 12)}…; here it is ${under.sha256.slice(0, 12)}….`, "Its guests were built at another time. Ask for the machine as a file: that opens anywhere.");
      const chunks = new Map<number, PackedChunk>(under?.chunks ?? []);
      for (const n of state.zeros) chunks.delete(n);
      for (const group of state.groups) {
        const plain = await piece(group.blob);
        group.chunks.forEach((n, i) => {
          const bytes = plain.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
          const old = under?.chunks.get(n);
          if (old) xorInto(bytes, zstdDecompress(old.bytes, CHUNK_BYTES, "the saved machine"));
          chunks.set(n, { bytes, raw: true });
        });
      }
      const head = await piece(state.head);
      return { ...decodeVmHead(head, head.length, () => ({ bytes: new Uint8Array(0) })), chunks };
    },
  };
}
/** As the page tells a guest's file from another (workers/sources.ts). */
async function hashOf(file: ByteFile): Promise<string> {
  const hash = createHash("sha256");
  const piece = new Uint8Array(1 << 20);
  for (let at = 0; at < file.size; at += piece.length) {
    await later(file.read(at, piece));
    hash.update(piece.subarray(0, Math.min(piece.length, file.size - at)));
  }
  return hash.digest("hex");
}
