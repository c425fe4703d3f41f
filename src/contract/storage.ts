// The browser's database as page and workers see it (IndexedDB "guesthouse", version 3): files of the library, layers of disks with their
// written chunks, saved machines and their RAM. A layer that another one or a saved machine stands on is never written again.

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { DomainConfig } from "./domain.ts";
import { FaultError } from "./schema.ts";

export const CHUNK_BYTES = 65536;
/** What a file arrives in, when it is larger. */
export const PIECE_BYTES = 4 << 20;

export interface ImageRow {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly addedAt: number;
  /** The layer that holds what was written, when something was. */
  readonly layer?: string | null;
  /** A linked clone: the file whose added contents it stands on. */
  readonly of?: string;
  /** What one drive of one machine wrote over a source outside the library; not listed among a person's files. */
  readonly over?: { readonly machine: string; readonly at: string; readonly source: string; readonly fingerprint: string };
  /** Deleted by the person, but linked clones still stand on it. */
  readonly gone?: boolean;
  /** Its contents lie in that many pieces. */
  readonly pieces?: number;
  /** Not whole yet: bytes in pieces so far, and when the person's file was changed last. */
  readonly arriving?: { readonly bytes: number; readonly modified: number };
}
/** Id of what a drive wrote over its source. */
export function overlayId(machine: string, at: string, source: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(source)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return `over-${machine}-${at}-${hash.toString(16)}`;
}
export interface SavedMachine {
  readonly id: string;
  readonly config: DomainConfig;
  readonly createdAt: number;
}
/** Written chunks over another layer, or over the file as it was added. */
export interface LayerRow {
  readonly id: string;
  readonly image: string;
  readonly parent: string | null;
  /** Length of the file as this layer shows it. */
  readonly size: number;
}
export interface SavedVmRow {
  readonly id: string;
  readonly machine: string;
  readonly parent: string | null;
  readonly name: string;
  readonly notes: string;
  readonly dateMs: number;
  readonly vmClockNs: number;
  /** Bytes that only this one needs, and all it stands on. */
  readonly ownBytes: number;
  readonly ramBytes: number;
  /** Small picture of the screen as a data URL, "" for none. */
  readonly thumbnail: string;
  /** As a file (workers/snapshots/vm-file.ts) without the chunks. */
  readonly head: Uint8Array;
  /** Content of RAM by chunk: key in the store "ram". */
  readonly chunks: readonly (readonly [chunk: number, content: string])[];
  /** Inputs that came after it (workers/snapshots/recording.ts): when it is loaded they come again. */
  readonly recording?: Uint8Array;
  /** The layer of each disk, by place. */
  readonly disks: { readonly [at: string]: { readonly image: string; readonly layer: string | null } };
}
export interface Tables extends DBSchema {
  images: { key: string; value: ImageRow & { readonly blob?: Blob } };
  pieces: { key: [image: string, index: number]; value: Blob };
  machines: { key: string; value: SavedMachine };
  layers: { key: string; value: LayerRow };
  chunks: { key: [layer: string, index: number]; value: Uint8Array };
  vms: { key: string; value: SavedVmRow };
  ram: { key: string; value: Uint8Array };
}
export type Library = IDBPDatabase<Tables>;
let database: Promise<Library> | null = null;
export function openLibrary(): Promise<Library> {
  database ??= openDB<Tables>("guesthouse", 3, {
    upgrade(db, from) {
      if (from < 1) {
        db.createObjectStore("images", { keyPath: "id" });
        db.createObjectStore("machines", { keyPath: "id" });
      }
      if (from < 2) {
        db.createObjectStore("layers", { keyPath: "id" });
        db.createObjectStore("chunks");
        db.createObjectStore("vms", { keyPath: "id" });
        db.createObjectStore("ram");
      }
      if (from < 3) db.createObjectStore("pieces");
    },
    // Another tab wants a newer version: let it.
    blocking: (_from, _to, event) => (event.target as IDBDatabase | null)?.close(),
    terminated: () => {
      database = null;
    },
  });
  return database;
}
/** Why something could not be stored, in words. */
export function storageReason(error: unknown): string {
  const { name, message } = (error ?? {}) as { readonly name?: string; readonly message?: string };
  return name === "QuotaExceededError" ? "the browser's storage is full" : message || name || String(error);
}
export const diskLock = (image: string): string => `guesthouse-disk-${image}`;
export const newId = (): string => crypto.randomUUID().slice(0, 8);

/** Deletes a layer that nothing stands on any more, and then perhaps what it stood on. */
export async function dropLayer(db: Library, id: string): Promise<void> {
  const [layers, images, vms] = await Promise.all([db.getAll("layers"), db.getAll("images"), db.getAll("vms")]);
  const used = layers.some((l) => l.parent === id) || images.some((i) => i.layer === id) || vms.some((v) => Object.values(v.disks).some((d) => d.layer === id));
  const row = layers.find((l) => l.id === id);
  if (used || !row) return;
  const tx = db.transaction(["layers", "chunks"], "readwrite");
  await Promise.all([tx.objectStore("layers").delete(id), tx.objectStore("chunks").delete(IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER])), tx.done]);
  if (row.parent !== null) await dropLayer(db, row.parent);
}
/** The contents of a file as it was added: one Blob, or pieces put together (nothing is read yet). Undefined when they are lost. */
export async function contentOf(db: Library, row: ImageRow & { readonly blob?: Blob }): Promise<Blob | undefined> {
  if (row.arriving) throw new FaultError("library.arriving", `${row.name} has not arrived completely.`, "Resume its import on the start page, or delete it there.");
  if (row.pieces === undefined) return row.blob;
  const pieces = await db.getAll("pieces", IDBKeyRange.bound([row.id, 0], [row.id, Number.MAX_SAFE_INTEGER]));
  return pieces.length === row.pieces ? new Blob(pieces) : undefined;
}
async function deleteContent(db: Library, id: string): Promise<void> {
  const tx = db.transaction(["images", "pieces"], "readwrite");
  await Promise.all([tx.objectStore("images").delete(id), tx.objectStore("pieces").delete(IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER])), tx.done]);
}
/** Deletes a file with everything written to it; its contents stay while linked clones stand on them. */
export async function deleteImage(db: Library, id: string): Promise<void> {
  const row = await db.get("images", id);
  if (!row) return;
  const all = await db.getAll("images");
  const { layer, ...rest } = row;
  if (all.some((i) => i.of === id)) await db.put("images", { ...rest, gone: true });
  else await deleteContent(db, id);
  // Layers that snapshots or clones stand on stay until those go.
  if (layer) await dropLayer(db, layer);
  if (row.of !== undefined && !all.some((i) => i.id !== id && i.of === row.of) && all.some((i) => i.id === row.of && i.gone)) await deleteContent(db, row.of);
}
/** Deletes a saved machine; those made after it hang on the one before. What only it needed goes with it. */
export async function deleteVm(db: Library, id: string): Promise<void> {
  // One transaction: a machine that is saved meanwhile may come to stand on the same chunks.
  const tx = db.transaction(["vms", "ram"], "readwrite");
  const vms = await tx.objectStore("vms").getAll();
  const row = vms.find((v) => v.id === id);
  if (!row) return;
  const others = vms.filter((v) => v.id !== id);
  const needed = new Set(others.flatMap((v) => v.chunks.map(([, content]) => content)));
  await Promise.all([
    tx.objectStore("vms").delete(id),
    ...others.filter((v) => v.parent === id).map((v) => tx.objectStore("vms").put({ ...v, parent: row.parent })),
    ...[...new Set(row.chunks.map(([, content]) => content))].filter((content) => !needed.has(content)).map((content) => tx.objectStore("ram").delete(content)),
    tx.done,
  ]);
  for (const disk of Object.values(row.disks)) if (disk.layer !== null) await dropLayer(db, disk.layer);
}
