// The browser's database as page and workers see it (IndexedDB "guesthouse", version 2): files of the library, layers of disks with their
// written chunks, saved machines and their RAM. A layer that another one or a saved machine stands on is never written again.

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { DomainConfig } from "./domain.ts";

export const CHUNK_BYTES = 65536;

export interface ImageRow {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly addedAt: number;
  /** The layer that holds what was written, when something was. */
  readonly layer?: string | null;
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
  /** The layer of each disk, by place. */
  readonly disks: { readonly [at: string]: { readonly image: string; readonly layer: string | null } };
}
export interface Tables extends DBSchema {
  images: { key: string; value: ImageRow & { readonly blob: Blob } };
  machines: { key: string; value: SavedMachine };
  layers: { key: string; value: LayerRow };
  chunks: { key: [layer: string, index: number]; value: Uint8Array };
  vms: { key: string; value: SavedVmRow };
  ram: { key: string; value: Uint8Array };
}
export type Library = IDBPDatabase<Tables>;
let database: Promise<Library> | null = null;
export function openLibrary(): Promise<Library> {
  database ??= openDB<Tables>("guesthouse", 2, {
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
    },
    // Another tab wants a newer version: let it.
    blocking: (_from, _to, event) => (event.target as IDBDatabase | null)?.close(),
    terminated: () => {
      database = null;
    },
  });
  return database;
}
export const diskLock = (image: string): string => `guesthouse-disk-${image}`;
export const newId = (): string => crypto.randomUUID().slice(0, 8);
