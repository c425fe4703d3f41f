// A file of a bundle (contract/bundle.ts) that is read as it is touched: its packed pieces come from wherever the bundle lies, and are checked before they
// are unpacked. What no piece holds is zeros, or the file that the machine wrote over. Read only.

import type { BundleFile, BundleGroup, Manifest } from "../../src/contract/bundle.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { type ByteFile, FetchedFile } from "../backends/byte-file.ts";
import { later } from "../backends/io.ts";
import { CHUNK_BYTES } from "./ram-keeper.ts";

/** Unpacked pieces kept, for the neighbours of what was read: 16 MiB at most of our own making. */
const KEPT = 16;

/** `piece` gives an unpacked piece by its number in the manifest. */
export function chunkedFile(name: string, file: BundleFile, { blobs }: Pick<Manifest, "blobs">, piece: (index: number) => Promise<Uint8Array>, under: ByteFile | null = null): ByteFile {
  const where = new Map<number, readonly [group: BundleGroup, index: number]>();
  for (const group of file.groups) group.chunks.forEach((n, i) => where.set(n, [group, i]));
  const kept = new Map<number, Promise<Uint8Array>>();
  const get = (index: number): Promise<Uint8Array> => {
    let found = kept.get(index);
    if (found) kept.delete(index);
    else {
      if (!blobs[index]) throw new FaultError("bundle.bad", `${name}: a piece is not listed.`);
      found = piece(index);
      found.catch(() => kept.delete(index));
      if (kept.size >= KEPT) kept.delete(kept.keys().next().value as number);
    }
    kept.set(index, found);
    return found;
  };
  return new FetchedFile(name, file.size, async (at, length) => {
    const out = new Uint8Array(length);
    const parts: Promise<void>[] = [];
    for (let n = Math.floor(at / CHUNK_BYTES); n * CHUNK_BYTES < at + length; n++) {
      const from = Math.max(at, n * CHUNK_BYTES);
      const into = out.subarray(from - at, Math.min(length, (n + 1) * CHUNK_BYTES - at));
      const place = where.get(n);
      if (!place) {
        if (under) parts.push(later(under.read(from, into)));
        continue;
      }
      const [group, index] = place;
      const start = index * CHUNK_BYTES + from - n * CHUNK_BYTES;
      parts.push(get(group.blob).then((bytes) => into.set(bytes.subarray(start, start + into.length))));
    }
    await Promise.all(parts);
    return out;
  });
}
