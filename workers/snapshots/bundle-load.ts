// Opens a bundle: what it holds (nothing is kept), or the machine in it as a fork of one's own in the library: files, what drives wrote, and the
// running state as its first snapshot. The machine's row is written last: a bundle that fails half way leaves nothing behind.

import type { BundleFile, BundleGroup, BundlePlace, BundleSummary } from "../../src/contract/bundle.ts";
import type { DomainConfig } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { keptIn, mapSources, sourcesOf } from "../../src/contract/sources-of.ts";
import { CHUNK_BYTES, type ImageRow, type LayerRow, type Library, newId, openLibrary, overlayId, type SavedVmRow, storageReason } from "../../src/contract/storage.ts";
import { loadZstd, zstdCompress, zstdDecompress } from "../backends/compress.ts";
import { isZero } from "../backends/image.ts";
import { baseName, type BaseVm } from "./base-vm.ts";
import { type OpenBundle, openBundle, type ReadBytes, sha256, summarize, unpackBlob, xorInto } from "./bundle.ts";
import { decodeLog } from "./recording.ts";
import { decodeVmHead, vmHeadLength } from "./vm-file.ts";

/** Pieces of a web server under way at once. */
const AHEAD = 4;
const MOST_HOSTED_MANIFEST = 64 << 20;

export interface BundleEnvironment {
  fetch(url: string): Promise<Response>;
  /** The saved machine that this site has under a name. */
  base(source: string): Promise<BaseVm>;
  readonly progress?: (loaded: number, total: number) => void;
}
export interface Opened extends OpenBundle {
  blob(index: number): Promise<Uint8Array>;
}
const missing = (url: string, status: number | null) =>
  new FaultError("bundle.missing", `${url} could not be fetched${status === null ? "" : ` (answer ${status})`}.`, "The server must allow other sites to read it (CORS), and all chunks must lie beside the manifest.");

async function fetched(environment: BundleEnvironment, url: string, most: number): Promise<Uint8Array> {
  const response = await environment.fetch(url).catch(() => {
    throw missing(url, null);
  });
  if (!response.ok) throw missing(url, response.status);
  if (Number(response.headers.get("content-length") ?? 0) > most) throw new FaultError("bundle.bad", `${url} is larger than it can be.`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length > most) throw new FaultError("bundle.bad", `${url} is larger than it can be.`);
  return bytes;
}
/** Its list of contents, and how its pieces are read. */
export async function openPlace(place: BundlePlace, environment: BundleEnvironment): Promise<Opened> {
  if (place.kind === "bytes") {
    const { bytes } = place;
    const read: ReadBytes = async (at, length) => (bytes instanceof Blob ? new Uint8Array(await bytes.slice(at, at + length).arrayBuffer()) : bytes.slice(at, at + length));
    const opened = await openBundle(read, bytes instanceof Blob ? bytes.size : bytes.length, true);
    const offsets: number[] = [];
    opened.manifest.blobs.reduce((at, b, i) => ((offsets[i] = at), at + b.bytes), opened.start);
    return { ...opened, blob: (i) => read(offsets[i] as number, opened.manifest.blobs[i]?.bytes ?? 0) };
  }
  const bytes = await fetched(environment, place.url, MOST_HOSTED_MANIFEST);
  if ((await sha256(bytes)) !== place.sha256) throw new FaultError("bundle.bad", `${place.url} does not have the hash that the link names.`, "The server's files may have changed since the link was made.");
  const opened = await openBundle(async (at, length) => bytes.slice(at, at + length), bytes.length, false);
  return {
    ...opened,
    blob: async (i) => {
      const blob = opened.manifest.blobs[i];
      return blob ? fetched(environment, new URL(`chunks/${blob.sha256}`, place.url).href, blob.bytes) : new Uint8Array(0);
    },
  };
}
export async function inspectBundle(place: BundlePlace, environment: BundleEnvironment): Promise<BundleSummary> {
  const opened = await openPlace(place, environment);
  const foreign = sourcesOf(opened.manifest.domain).find((s) => s.startsWith("library:") || s.startsWith("file:"));
  if (foreign) throw new FaultError("link.local", `The machine names "${foreign}", a file on somebody else's computer.`);
  const absent = sourcesOf(opened.manifest.domain).find((s) => s.startsWith("bundle:") && !opened.manifest.files.some((f) => f.id === s));
  if (absent) throw new FaultError("bundle.bad", `The machine cannot be opened: a file that it names (${absent}) is not in it.`);
  return summarize(opened, sourcesOf(opened.manifest.domain), place.kind === "hosted" ? place.url : null);
}

export interface ImportedMachine {
  readonly machine: string;
  readonly domain: DomainConfig;
  readonly snapshot: string | null;
}
/** Everything a failed import has to take back. */
interface Written {
  readonly layers: string[];
  readonly ram: string[];
}
const full = (error: unknown) =>
  error instanceof FaultError
    ? error
    : new FaultError("library.full", `The machine could not be stored: ${storageReason(error)}.`, "Nothing of it was kept. Delete files or snapshots, then open it again.");

export async function importBundle(place: BundlePlace, environment: BundleEnvironment, name: string): Promise<ImportedMachine> {
  await inspectBundle(place, environment);
  const opened = await openPlace(place, environment);
  const { manifest } = opened;
  const db = await openLibrary();
  await loadZstd();
  const machine = newId();
  const written: Written = { layers: [], ram: [] };
  let loaded = 0;
  /** Groups in order, their pieces fetched ahead. */
  async function* groups(list: readonly BundleGroup[]): AsyncGenerator<readonly [readonly number[], Uint8Array]> {
    const ahead: Promise<Uint8Array>[] = [];
    for (let i = 0; i < list.length; i++) {
      for (let k = i + ahead.length; k < Math.min(list.length, i + AHEAD); k++) {
        const next = opened.blob(list[k]?.blob ?? -1);
        next.catch(() => {}); // said when its turn comes
        ahead.push(next);
      }
      const { blob, chunks } = list[i] as BundleGroup;
      const about = manifest.blobs[blob];
      const bytes = await (ahead.shift() as Promise<Uint8Array>);
      if (!about) throw new FaultError("bundle.bad", "The machine cannot be opened: a piece is not listed.");
      loaded += bytes.length;
      environment.progress?.(loaded, opened.bytes);
      yield [chunks, await unpackBlob(bytes, about)];
    }
  }
  try {
    const ids = new Map(manifest.files.filter((f) => f.base === null).map((f) => [f.id, newId()]));
    const domain = { ...mapSources(manifest.domain, (s) => (ids.has(s) ? `library:${ids.get(s)}` : s)), name };
    const rows: (ImageRow & { readonly blob?: Blob })[] = [];
    for (const file of manifest.files) rows.push(await storeFile(db, file, machine, ids.get(file.id) ?? "", domain, groups, written));
    const layers: LayerRow[] = rows.flatMap((r) => (r.layer ? [{ id: r.layer, image: r.id, parent: null, size: r.size }] : []));
    const snapshot = manifest.state ? await storeState() : null;
    const saved = snapshot?.(rows, domain);
    // A layer that a snapshot stands on is never written again.
    const current = !saved
      ? rows
      : rows.map((r) => {
          if (!r.layer) return r;
          const layer = newId();
          layers.push({ id: layer, image: r.id, parent: r.layer, size: r.size });
          return { ...r, layer };
        });
    const tx = db.transaction(["images", "layers", "vms", "machines"], "readwrite", { durability: "strict" });
    await Promise.all([
      ...current.map((r) => tx.objectStore("images").put(r)),
      ...layers.map((l) => tx.objectStore("layers").put(l)),
      ...(saved ? [tx.objectStore("vms").put(saved)] : []),
      tx.objectStore("machines").put({ id: machine, config: domain, createdAt: Date.now() }),
      tx.done,
    ]);
    return { machine, domain, snapshot: saved?.id ?? null };
  } catch (error) {
    await takeBack(db, written).catch(() => {});
    throw full(error);
  }

  async function storeState(): Promise<(rows: readonly ImageRow[], domain: DomainConfig) => SavedVmRow> {
    const state = manifest.state as NonNullable<typeof manifest.state>;
    const about = manifest.blobs[state.head];
    if (!about) throw new FaultError("bundle.bad", "The machine cannot be opened: its devices are absent.");
    const head = await unpackBlob(await opened.blob(state.head), about);
    decodeVmHead(head, head.length, () => ({ bytes: new Uint8Array(0) }));
    if (vmHeadLength(head) !== head.length) throw new FaultError("snapshot.bad", "The saved machine cannot be used: its head is damaged.");
    const listed = manifest.recording && manifest.blobs[manifest.recording.log];
    const recording = listed ? await unpackBlob(await opened.blob(manifest.recording?.log ?? -1), listed) : undefined;
    // Refused before anything is kept.
    if (recording) await decodeLog(recording);
    let base: BaseVm | null = null;
    if (state.base) {
      base = await environment.base(state.base.source);
      if (base.sha256 !== state.base.fingerprint)
        throw new FaultError("bundle.base", `The machine goes on from ${state.base.source} with the hash ${state.base.fingerprint.slice(0, 12)}…; this site has ${base.sha256.slice(0, 12)}….`, "Its guests were built at another time. Ask for the machine as a file: that opens anywhere.");
    }
    const content = new Map<number, string>();
    const known = new Set(await db.getAllKeys("ram"));
    const zeros = new Set(state.zeros);
    const changed = new Set(state.groups.flatMap((g) => g.chunks));
    const fresh: [string, Uint8Array][] = [];
    const put = async () => {
      const tx = db.transaction("ram", "readwrite");
      await Promise.all([...fresh.map(([id, bytes]) => tx.store.put(bytes, id)), tx.done]);
      fresh.length = 0;
    };
    const prefix = newId();
    let ramBytes = 0;
    let ownBytes = head.length;
    for await (const [chunks, plain] of groups(state.groups)) {
      for (const [i, n] of chunks.entries()) {
        const piece = plain.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
        const under = base?.chunks.get(n);
        if (under) xorInto(piece, zstdDecompress(under.bytes, CHUNK_BYTES, "the saved machine"));
        const id = `${prefix}.${n}`;
        const packed = zstdCompress(piece, 1);
        ramBytes += packed.length;
        ownBytes += packed.length;
        content.set(n, id);
        written.ram.push(id);
        fresh.push([id, packed]);
      }
      await put();
    }
    for (const [n, packed] of base?.chunks ?? []) {
      if (zeros.has(n) || changed.has(n)) continue;
      const id = baseName(base as BaseVm, n);
      content.set(n, id);
      const { bytes } = packed;
      ramBytes += bytes.length;
      if (known.has(id)) continue;
      written.ram.push(id);
      fresh.push([id, bytes.slice()]);
      ownBytes += bytes.length;
    }
    await put();
    return (rows, domain) => ({
      id: `${machine}-0`, machine, parent: null, name: manifest.domain.name, notes: "", dateMs: state.dateMs, vmClockNs: 0, ownBytes, ramBytes, thumbnail: state.thumbnail, head,
      chunks: [...content],
      ...(recording ? { recording } : {}),
      disks: Object.fromEntries(
        domain.disks.flatMap((d) => {
          const kept = keptIn(domain, d);
          if (kept === null) return [];
          const image = kept === "library" ? d.source.slice("library:".length) : overlayId(machine, d.at, d.source);
          return [[d.at, { image, layer: rows.find((r) => r.id === image)?.layer ?? null }] as const];
        }),
      ),
    });
  }
}
async function storeFile(
  db: Library, file: BundleFile, machine: string, id: string, domain: DomainConfig, groups: (list: readonly BundleGroup[]) => AsyncGenerator<readonly [readonly number[], Uint8Array]>, written: Written,
): Promise<ImageRow & { readonly blob?: Blob }> {
  const { name, size, base } = file;
  const row = { name, size, addedAt: Date.now() };
  // Kernels are read whole, from the file as it was added.
  if (base === null && !domain.disks.some((d) => d.source === `library:${id}`)) {
    if (size > 2 ** 31) throw new FaultError("bundle.bad", `The machine cannot be opened: ${name} is too large to boot from.`);
    const bytes = new Uint8Array(size);
    for await (const [chunks, plain] of groups(file.groups))
      for (const [i, n] of chunks.entries()) bytes.set(plain.subarray(i * CHUNK_BYTES, Math.min((i + 1) * CHUNK_BYTES, i * CHUNK_BYTES + size - n * CHUNK_BYTES)), n * CHUNK_BYTES);
    return { ...row, id, blob: new Blob([bytes]) };
  }
  const layer = newId();
  written.layers.push(layer);
  for await (const [chunks, plain] of groups(file.groups)) {
    const tx = db.transaction("chunks", "readwrite");
    const puts = [...chunks.entries()].flatMap(([i, n]) => {
      const piece = plain.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
      return base === null && isZero(piece) ? [] : [tx.store.put(piece, [layer, n])];
    });
    await Promise.all([...puts, tx.done]);
  }
  if (base === null) return { ...row, id, layer, blob: new Blob([]) };
  return { ...row, id: overlayId(machine, file.id, base.source), layer, over: { machine, at: file.id, source: base.source, fingerprint: base.fingerprint } };
}
async function takeBack(db: Library, { layers, ram }: Written): Promise<void> {
  const tx = db.transaction(["chunks", "ram", "vms"], "readwrite");
  // Somebody else may have come to stand on a common chunk meanwhile.
  const needed = new Set((await tx.objectStore("vms").getAll()).flatMap((v) => v.chunks.map(([, content]) => content)));
  await Promise.all([
    ...layers.map((id) => tx.objectStore("chunks").delete(IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]))),
    ...ram.filter((id) => !needed.has(id)).map((id) => tx.objectStore("ram").delete(id)),
    tx.done,
  ]);
}
