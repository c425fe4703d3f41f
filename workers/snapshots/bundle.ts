// The format of bundles (contract/bundle.ts): "GUESTHSE", format, length and SHA-256 of a packed manifest, the manifest (JSON), then the packed
// pieces in its order, or none of them when they lie on a web server. Bundles come from strangers: every length is bounded before memory is
// taken, every piece is checked against its hash before it is unpacked.

import { BUNDLE_FORMAT, type BundleBlob, type BundleGroup, type BundleSummary, type Manifest, manifestSchema } from "../../src/contract/bundle.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { loadZstd, zstdCompress, zstdDecompress } from "../backends/compress.ts";
import { CHUNK_BYTES } from "./ram-keeper.ts";

const MAGIC = new TextEncoder().encode("GUESTHSE");
const HEAD = 56;
const MOST_MANIFEST = 64 << 20;
const MOST_BLOBS = 1 << 20;

const bad = (why: string) => new FaultError("bundle.bad", `The machine cannot be opened: ${why}.`, "The link or file may be damaged, or was not copied completely.");

export async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  return Array.from(hash, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Collects packed pieces. */
export class BundleWriter {
  readonly blobs: BundleBlob[] = [];
  readonly parts: Uint8Array[] = [];
  readonly #level: number;
  readonly #known = new Map<string, number>();
  constructor(level: number) {
    this.#level = level;
  }
  async add(plain: Uint8Array): Promise<number> {
    const packed = zstdCompress(plain, this.#level);
    const hash = await sha256(packed);
    const known = this.#known.get(hash);
    if (known !== undefined) return known;
    this.#known.set(hash, this.blobs.length);
    this.blobs.push({ sha256: hash, bytes: packed.length, plain: plain.length });
    this.parts.push(packed);
    return this.blobs.length - 1;
  }
  /** Chunks in groups of at most `most`; `read` fills in a chunk and says false when it is to be left out. */
  async groups(chunks: Iterable<number>, most: number, read: (chunk: number, into: Uint8Array) => boolean | Promise<boolean>): Promise<BundleGroup[]> {
    const out: BundleGroup[] = [];
    const buffer = new Uint8Array(most * CHUNK_BYTES);
    let held: number[] = [];
    const put = async () => {
      if (held.length > 0) out.push({ blob: await this.add(buffer.subarray(0, held.length * CHUNK_BYTES)), chunks: held });
      held = [];
    };
    for (const chunk of chunks) {
      const into = buffer.subarray(held.length * CHUNK_BYTES, (held.length + 1) * CHUNK_BYTES);
      if (await read(chunk, into)) held.push(chunk);
      if (held.length === most) await put();
    }
    await put();
    return out;
  }
}
export async function encodeBundle(manifest: Manifest, blobs: readonly Uint8Array[]): Promise<Uint8Array> {
  const plain = new TextEncoder().encode(JSON.stringify(manifest));
  const packed = zstdCompress(plain, 19);
  const out = new Uint8Array(HEAD + packed.length + blobs.reduce((sum, b) => sum + b.length, 0));
  out.set(MAGIC);
  const v = new DataView(out.buffer);
  v.setUint32(8, BUNDLE_FORMAT, true);
  v.setUint32(12, packed.length, true);
  v.setUint32(16, plain.length, true);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", packed as BufferSource));
  out.set(hash, 24);
  out.set(packed, HEAD);
  let at = HEAD + packed.length;
  for (const b of blobs) {
    out.set(b, at);
    at += b.length;
  }
  return out;
}

/** Bytes of a bundle by place, wherever they are. */
export type ReadBytes = (at: number, length: number) => Promise<Uint8Array>;
export interface OpenBundle {
  readonly manifest: Manifest;
  /** Where the first piece lies. */
  readonly start: number;
  readonly bytes: number;
}
/** Reads the manifest; `size` is the length of what holds it. `inside` says whether the pieces follow it. */
export async function openBundle(read: ReadBytes, size: number, inside: boolean): Promise<OpenBundle> {
  await loadZstd();
  if (size < HEAD) throw bad("it is too short");
  const head = await read(0, HEAD);
  if (head.length !== HEAD || MAGIC.some((b, i) => head[i] !== b)) throw bad("it is not a machine of Guesthouse");
  const v = new DataView(head.buffer, head.byteOffset, HEAD);
  const format = v.getUint32(8, true);
  if (format !== BUNDLE_FORMAT) throw new FaultError("bundle.version", `The machine has format ${format}; this program knows ${BUNDLE_FORMAT}.`, "A newer Guesthouse made it.");
  const packed = v.getUint32(12, true);
  const plain = v.getUint32(16, true);
  if (packed > MOST_MANIFEST || plain > MOST_MANIFEST || packed === 0) throw bad("its list of contents is too large");
  if (HEAD + packed > size) throw bad("it is cut short");
  const bytes = await read(HEAD, packed);
  if (bytes.length !== packed) throw bad("it is cut short");
  const expected = Array.from(head.subarray(24, HEAD), (b) => b.toString(16).padStart(2, "0")).join("");
  if ((await sha256(bytes)) !== expected) throw bad("its list of contents does not have the hash that it names");
  let manifest: Manifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(zstdDecompress(bytes, plain, "the machine"))), "machine");
  } catch (error) {
    if (error instanceof FaultError && error.fault.code !== "image.compressed") throw error;
    throw bad("its list of contents cannot be read");
  }
  const total = manifest.blobs.reduce((sum, b) => sum + b.bytes, 0);
  if (manifest.blobs.length > MOST_BLOBS) throw bad("it has too many pieces");
  if (inside && HEAD + packed + total !== size) throw bad(`it has ${size} bytes instead of ${HEAD + packed + total}`);
  checkManifest(manifest);
  return { manifest, start: HEAD + packed, bytes: inside ? size : HEAD + packed + total };
}
function checkManifest({ blobs, files, state, recording, domain }: Manifest): void {
  const groups = (list: readonly BundleGroup[], most: number) => {
    const seen = new Set<number>();
    for (const g of list) {
      const blob = blobs[g.blob];
      if (!blob || blob.plain !== g.chunks.length * CHUNK_BYTES) throw bad("a group of chunks does not fit its piece");
      for (const n of g.chunks) {
        if (n >= most || seen.has(n)) throw bad("a chunk is where none can be");
        seen.add(n);
      }
    }
  };
  const names = new Set<string>();
  for (const f of files) {
    if (names.has(f.id)) throw bad("two files have one name");
    names.add(f.id);
    if (f.size > 2 ** 43) throw bad(`the file ${f.name} is too large`);
    groups(f.groups, Math.ceil(f.size / CHUNK_BYTES));
    if (f.base === null ? !/^bundle:\d+$/.test(f.id) : !domain.disks.some((d) => d.at === f.id && d.source === f.base?.source)) throw bad(`the file ${f.name} belongs to no drive`);
  }
  if (recording && (!state || !blobs[recording.log])) throw bad("its recording begins nowhere");
  if (state) {
    if (!blobs[state.head]) throw bad("its devices are absent");
    groups(state.groups, 2 ** 20);
    if (state.thumbnail !== "" && !/^data:image\/(png|webp|jpeg);base64,[A-Za-z0-9+/=]*$/.test(state.thumbnail)) throw bad("its picture is none");
  }
}
/** A piece, checked and unpacked. */
export async function unpackBlob(bytes: Uint8Array, blob: BundleBlob): Promise<Uint8Array> {
  if (bytes.length !== blob.bytes || (await sha256(bytes)) !== blob.sha256) throw bad("a piece does not have the hash that its list of contents names");
  return zstdDecompress(bytes, blob.plain, "the machine");
}
/** Writes a ^ b into a. */
export function xorInto(a: Uint8Array, b: Uint8Array): void {
  const x = new Uint32Array(a.buffer, a.byteOffset, a.length >> 2);
  const y = new Uint32Array(b.buffer, b.byteOffset, b.length >> 2);
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) ^ (y[i] as number);
}
export function summarize({ manifest, bytes }: OpenBundle, sources: readonly string[], hosted: string | null): BundleSummary {
  const sum = (list: readonly BundleGroup[]) => list.reduce((n, g) => n + (manifest.blobs[g.blob]?.bytes ?? 0), 0);
  const hosts = new Set<string>(hosted === null ? [] : [new URL(hosted).origin]);
  for (const source of sources) {
    const address = /^(?:url|chunks):(.*)$/.exec(source)?.[1];
    if (address && URL.canParse(address)) hosts.add(new URL(address).origin);
  }
  const { state, recording } = manifest;
  return {
    domain: manifest.domain,
    dateMs: manifest.dateMs,
    program: manifest.program,
    bytes,
    files: manifest.files.map((f) => ({ name: f.name, size: f.size, bytes: sum(f.groups), over: f.base?.source ?? "" })),
    state: state && { dateMs: state.dateMs, bytes: sum(state.groups) + (manifest.blobs[state.head]?.bytes ?? 0), base: state.base?.source ?? "", thumbnail: state.thumbnail },
    recording: recording && { instructions: recording.instructions, inputs: recording.inputs },
    hosts: [...hosts],
  };
}
