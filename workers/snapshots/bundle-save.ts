// Makes a bundle (contract/bundle.ts) of a machine: its domain, the files of the library that it names, what its drives wrote over other sources,
// and its memory and devices. For a link, RAM is the difference to the guest's saved machine that it continued from, chunk by chunk (XOR), so
// that a Debian at its prompt fits in 50 KB.

import { PROGRAM } from "../../src/contract/version.ts";
import { BUNDLE_FORMAT, type BundleFile, type BundleState, type MadeBundle, type Manifest, MOST_LINK } from "../../src/contract/bundle.ts";
import type { DomainConfig } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { mapSources, sourcesOf } from "../../src/contract/sources-of.ts";
import { openLibrary } from "../../src/contract/storage.ts";
import { MemoryFile } from "../backends/byte-file.ts";
import { loadZstd, zstdDecompress } from "../backends/compress.ts";
import { isZero } from "../backends/image.ts";
import { later } from "../backends/io.ts";
import { LibraryFile } from "../backends/library-file.ts";
import type { BaseVm } from "./base-vm.ts";
import { BundleWriter, encodeBundle, sha256, summarize, xorInto } from "./bundle.ts";
import { encodeLog, type RecordedLog } from "./recording.ts";
import { CHUNK_BYTES, type Chunks, sameChunk } from "./ram-keeper.ts";
import { encodeVm, type VmState } from "./vm-file.ts";

export type Carriage = "link" | "file" | "hosted";
export interface StateToSend {
  readonly vm: VmState;
  readonly base: BaseVm | null;
  readonly thumbnail: string;
  /** What came in since. */
  readonly log?: RecordedLog & { readonly from: number };
}
/** Chunks in one packed piece: a link is packed as a whole, the others arrive piece by piece. */
const PER_BLOB: { readonly [C in Carriage]: number } = { link: 256, file: 16, hosted: 16 };
const LEVEL: { readonly [C in Carriage]: number } = { link: 19, file: 3, hosted: 6 };

/** Is most of RAM still as it was there? A machine that was reset since has nothing to do with it. */
function continues(now: Chunks, before: Chunks): boolean {
  let same = 0;
  for (const [n, packed] of now) if (sameChunk(before.get(n), packed)) same++;
  return same * 2 > now.size;
}
/** Memory that begins nowhere known and is far too much for any link: whoever asks shall hear that in seconds, not after minutes of packing hard. */
function tooMuch({ vm, base }: StateToSend): boolean {
  let packed = 0;
  for (const { bytes } of vm.chunks.values()) packed += bytes.length;
  return packed > 4 * MOST_LINK && !(base && continues(vm.chunks, base.chunks));
}
export async function makeState(writer: BundleWriter, { vm, base, thumbnail }: StateToSend, perBlob: number): Promise<BundleState> {
  const head = encodeVm({ ...vm, chunks: new Map() });
  const bytes = new Uint8Array(head.reduce((n, h) => n + h.length, 0));
  head.reduce((at, h) => (bytes.set(h, at), at + h.length), 0);
  const under = base && continues(vm.chunks, base.chunks) ? base : null;
  const changed = [...vm.chunks.keys()].filter((n) => !sameChunk(under?.chunks.get(n), vm.chunks.get(n))).sort((a, b) => a - b);
  const groups = await writer.groups(changed, perBlob, (n, into) => {
    into.set(zstdDecompress((vm.chunks.get(n) as { bytes: Uint8Array }).bytes, CHUNK_BYTES, "RAM"));
    const old = under?.chunks.get(n);
    if (old) xorInto(into, zstdDecompress(old.bytes, CHUNK_BYTES, "RAM"));
    return true;
  });
  const zeros = under ? [...under.chunks.keys()].filter((n) => !vm.chunks.has(n)) : [];
  return { head: await writer.add(bytes), dateMs: vm.dateMs, base: under && { source: under.source, fingerprint: under.sha256 }, groups, zeros, thumbnail };
}
/** A file of the library as it was committed last. Of what lies over another source only the written chunks are here. */
async function makeFile(writer: BundleWriter, image: string, id: string, perBlob: number): Promise<BundleFile | null> {
  const row = await (await openLibrary()).get("images", image);
  if (!row) throw new FaultError("source.library", `The file "${image}" is not in this browser's library.`, "Add the file again, then choose it in the settings.");
  if (row.over && !row.layer) return null;
  const file = await LibraryFile.open(image, true, row.over ? new MemoryFile(new Uint8Array(0), true, row.name) : undefined);
  const chunks = row.over ? file.writtenChunks() : Array.from({ length: Math.ceil(file.size / CHUNK_BYTES) }, (_, n) => n);
  const groups = await writer.groups(chunks, perBlob, async (n, into) => {
    await later(file.read(n * CHUNK_BYTES, into));
    return row.over !== undefined || !isZero(into);
  });
  return { id, name: row.name, size: row.over ? row.size : file.size, base: row.over ? { source: row.over.source, fingerprint: row.over.fingerprint } : null, groups };
}
/** Everything written must be committed, and the machine must stand still, while this runs. */
export async function makeBundle(domain: DomainConfig, machine: string, carriage: Carriage, state: StateToSend | null): Promise<MadeBundle> {
  await loadZstd();
  const writer = new BundleWriter(carriage === "link" && state !== null && tooMuch(state) ? LEVEL.file : LEVEL[carriage]);
  const perBlob = PER_BLOB[carriage];
  const files: BundleFile[] = [];
  const names = new Map<string, string>();
  for (const source of sourcesOf(domain)) {
    if (source.startsWith("file:")) throw new FaultError("link.local", `This machine uses "${source}", a file on this computer.`, "Put the file into the library and choose it in the settings.");
    if (!source.startsWith("library:") || names.has(source)) continue;
    const id = `bundle:${names.size}`;
    names.set(source, id);
    const file = await makeFile(writer, source.slice("library:".length), id, perBlob);
    if (file) files.push(file);
  }
  for (const row of await (await openLibrary()).getAll("images")) {
    if (row.over?.machine !== machine || !domain.disks.some((d) => d.at === row.over?.at && d.source === row.over.source)) continue;
    const file = await makeFile(writer, row.id, row.over.at, perBlob);
    if (file) files.push(file);
  }
  const recording = state?.log ? { log: await writer.add(encodeLog(state.log)), instructions: state.log.end - state.log.from, inputs: state.log.inputs.length } : null;
  const manifest: Manifest = {
    format: BUNDLE_FORMAT,
    program: PROGRAM,
    dateMs: Date.now(),
    domain: mapSources(domain, (s) => names.get(s) ?? s),
    files,
    // A difference is only small enough to matter in a link: files and pieces on a server are whole and open anywhere.
    state: state && (await makeState(writer, carriage === "link" ? state : { ...state, base: null }, perBlob)),
    recording,
    blobs: writer.blobs,
  };
  const bytes = await encodeBundle(manifest, carriage === "hosted" ? [] : writer.parts);
  const total = carriage === "hosted" ? bytes.length + writer.parts.reduce((n, p) => n + p.length, 0) : bytes.length;
  return {
    bytes,
    sha256: await sha256(bytes),
    summary: summarize({ manifest, start: 0, bytes: total }, sourcesOf(manifest.domain), null),
    chunks: carriage === "hosted" ? writer.blobs.map((b, i) => ({ name: `chunks/${b.sha256}`, bytes: writer.parts[i] as Uint8Array })) : [],
  };
}
