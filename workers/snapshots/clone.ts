// Clones of a machine. Linked: disks stand on the same frozen layers until somebody writes; full: every written chunk is copied. The memory of a
// running machine is copied once into shared memory, from which each clone takes a chunk when it first touches it.

import type { DomainConfig } from "../../src/contract/domain.ts";
import type { CloneOf, Seed } from "../../src/contract/machine.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { isWritten, mapSources } from "../../src/contract/sources-of.ts";
import { contentOf, deleteImage, type ImageRow, type Library, newId, openLibrary, overlayId, storageReason } from "../../src/contract/storage.ts";
import { MemoryFile } from "../backends/byte-file.ts";
import { later } from "../backends/io.ts";
import { LibraryFile } from "../backends/library-file.ts";
import type { Machine } from "../machine/machine.ts";
import type { Sections } from "../machine/snapshot.ts";
import { CHUNK_BYTES, type PackedChunk, type RamKeeper } from "./ram-keeper.ts";
import type { VmState } from "./vm-file.ts";

export const CLONE_KINDS = ["linked", "full"] as const;
export type CloneKind = (typeof CLONE_KINDS)[number];

/** The state of a machine that stands still, for workers that go on from it. */
export function makeSeed(machine: Machine, keeper: RamKeeper): Seed {
  const { bios, vgaBios } = machine.board.parts.firmware;
  return { sections: machine.save(), firmware: { bios: bios && shared(bios), vgaBios: vgaBios && shared(vgaBios) }, ...keeper.copy() };
}
function shared(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const out = new Uint8Array(new SharedArrayBuffer(bytes.length));
  out.set(bytes);
  return out;
}
/** A chunk of a seed; its view is made when it is read. */
class SeedChunk implements PackedChunk {
  readonly raw = true;
  readonly #ram: SharedArrayBuffer;
  readonly #at: number;
  readonly name?: string;
  constructor(ram: SharedArrayBuffer, at: number, name: string) {
    this.#ram = ram;
    this.#at = at;
    if (name !== "") this.name = name;
  }
  get bytes(): Uint8Array {
    return new Uint8Array(this.#ram, this.#at, CHUNK_BYTES);
  }
}
export function seedVm(seed: Seed): VmState {
  const chunks = new Map<number, PackedChunk>();
  seed.chunks.forEach((chunk, n) => chunks.set(chunk, new SeedChunk(seed.ram, n * CHUNK_BYTES, seed.names[n] ?? "")));
  return { sections: seed.sections as Sections, chunks, dateMs: Date.now(), waits: "" };
}

/** A drive of the machine whose writes are kept: its file, and how what is written so far becomes a layer that nobody writes any more. */
export interface ClonedDisk {
  readonly image: string;
  freeze(): Promise<string | null>;
}
/** Copies the disks of a machine `count` times. The machine must not write while this runs. */
export async function cloneDisks(domain: DomainConfig, disks: ReadonlyMap<string, ClonedDisk>, kind: CloneKind, count: number): Promise<readonly CloneOf[]> {
  const db = await openLibrary();
  const frozen = new Map<string, { readonly row: ImageRow & { readonly blob?: Blob }; readonly layer: string | null; readonly size: number }>();
  for (const [at, disk] of disks) {
    const layer = await disk.freeze();
    const row = await db.get("images", disk.image);
    if (!row) throw new FaultError("source.library", `The disk at ${at} was deleted from the library.`);
    frozen.set(at, { row, layer, size: row.size });
  }
  const clones: CloneOf[] = [];
  const made: string[] = [];
  const one = async (i: number): Promise<void> => {
    const machine = newId();
    const renamed = new Map<string, string>();
    for (const [at, { row, layer, size }] of frozen) {
      const id = row.over ? overlayId(machine, at, row.over.source) : newId();
      made.push(id);
      const { layer: _, ...rest } = row;
      const about = { ...rest, id, addedAt: Date.now(), ...(row.over ? { over: { ...row.over, machine } } : { name: numbered(row.name, i + 1) }) };
      if (kind === "linked") await linkImage(db, about, row, layer, size);
      else await copyImage(db, about, row, layer, size);
      if (!row.over) renamed.set(`library:${row.id}`, `library:${id}`);
    }
    // A disk in two drives of a machine cannot be: the first name found is the only one.
    clones.push({ machine, domain: mapSources(domain, (s) => renamed.get(s) ?? s) });
  };
  try {
    for (let i = 0; i < count; i++) await one(i);
  } catch (error) {
    // All or none: disks of those that were made already belong to no machine.
    for (const id of made) await deleteImage(db, id).catch(() => {});
    if (error instanceof FaultError) throw error;
    throw new FaultError("library.full", `${domain.name} could not be copied: ${storageReason(error)}.`, "Nothing of the copy was kept. Make a linked clone, or free space.");
  }
  return clones;
}
const numbered = (name: string, n: number) => name.replace(/(\.\w+)?$/, ` (${n})$1`);

async function linkImage(db: Library, about: ImageRow & { readonly blob?: Blob }, from: ImageRow, layer: string | null, size: number): Promise<void> {
  const own = layer === null ? null : newId();
  const { blob: _, pieces: __, ...plain } = about;
  const tx = db.transaction(["images", "layers"], "readwrite", { durability: "strict" });
  await Promise.all([
    tx.objectStore("images").put({ ...plain, ...(own ? { layer: own } : {}), ...(from.over ? {} : { of: from.of ?? from.id }) }),
    ...(own ? [tx.objectStore("layers").put({ id: own, image: about.id, parent: layer, size })] : []),
    tx.done,
  ]);
}
async function copyImage(db: Library, about: ImageRow & { readonly blob?: Blob }, from: ImageRow, layer: string | null, size: number): Promise<void> {
  const holder = await db.get("images", from.of ?? from.id);
  const root = holder && !from.over ? await contentOf(db, holder) : undefined;
  const { blob: _, of: __, pieces: ___, ...plain } = about;
  const own = layer === null ? null : newId();
  if (own !== null) {
    // What it reads is what was frozen: writes to it go to another layer from now on.
    const file = await LibraryFile.open(from.id, true, from.over ? new MemoryFile(new Uint8Array(0), true, from.name) : undefined);
    let batch: [number, Uint8Array][] = [];
    const put = async () => {
      const tx = db.transaction("chunks", "readwrite");
      await Promise.all([...batch.map(([n, bytes]) => tx.store.put(bytes, [own, n])), tx.done]);
      batch = [];
    };
    try {
      for (const n of file.writtenChunks()) {
        const bytes = new Uint8Array(CHUNK_BYTES);
        await later(file.read(n * CHUNK_BYTES, bytes));
        batch.push([n, bytes]);
        if (batch.length === 64) await put();
      }
      await put();
    } catch (error) {
      await db.delete("chunks", IDBKeyRange.bound([own, 0], [own, Number.MAX_SAFE_INTEGER])).catch(() => {});
      throw new FaultError("library.full", `${from.name} could not be copied: ${storageReason(error)}.`, "Nothing of the copy was kept. Make a linked clone, or free space.");
    }
  }
  const tx = db.transaction(["images", "layers"], "readwrite", { durability: "strict" });
  await Promise.all([
    tx.objectStore("images").put({ ...plain, ...(own ? { layer: own } : {}), ...(root ? { blob: root } : {}) }),
    ...(own ? [tx.objectStore("layers").put({ id: own, image: about.id, parent: null, size })] : []),
    tx.done,
  ]);
}
/** Clones a machine that is off: its disks are held while it is done. */
export async function cloneIdle(domain: DomainConfig, machine: string, kind: CloneKind, count: number): Promise<readonly CloneOf[]> {
  const files: LibraryFile[] = [];
  const disks = new Map<string, ClonedDisk>();
  try {
    const db = await openLibrary();
    for (const disk of domain.disks) {
      if (!isWritten(disk)) continue;
      const library = disk.source.startsWith("library:");
      const image = library ? disk.source.slice("library:".length) : overlayId(machine, disk.at, disk.source);
      const row = await db.get("images", image);
      if (!row && !library) continue;
      const file = await LibraryFile.open(image, false, row?.over ? new MemoryFile(new Uint8Array(0), true, row.name) : undefined);
      files.push(file);
      disks.set(disk.at, { image, freeze: () => file.freeze() });
    }
    return await cloneDisks(domain, disks, kind, count);
  } finally {
    for (const file of files) await later(file.close());
  }
}
