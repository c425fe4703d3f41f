// What a person keeps in this browser: image files (dropped or chosen) and the list of their machines. IndexedDB; nothing leaves the
// browser. A file is named in a domain as "library:ID".

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { type DomainConfig, domainSchema } from "../contract/domain.ts";
import type { Attachments } from "../contract/machine.ts";
import { FaultError } from "../contract/schema.ts";
import { sourcesOf } from "./sources-of.ts";

export interface ImageRow {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly addedAt: number;
}
export interface SavedMachine {
  readonly id: string;
  readonly config: DomainConfig;
  readonly createdAt: number;
}
interface Tables extends DBSchema {
  images: { key: string; value: ImageRow & { readonly blob: Blob } };
  machines: { key: string; value: SavedMachine };
}
let database: Promise<IDBPDatabase<Tables>> | null = null;
function open(): Promise<IDBPDatabase<Tables>> {
  database ??= openDB<Tables>("guesthouse", 1, {
    upgrade(db) {
      db.createObjectStore("images", { keyPath: "id" });
      db.createObjectStore("machines", { keyPath: "id" });
    },
  });
  return database;
}
const without = ({ id, name, size, addedAt }: ImageRow): ImageRow => ({ id, name, size, addedAt });

export async function listImages(): Promise<readonly ImageRow[]> {
  return (await (await open()).getAll("images")).map(without).sort((a, b) => a.addedAt - b.addedAt);
}
export async function addImage(file: File): Promise<ImageRow> {
  if (file.size === 0) throw new FaultError("library.empty", `"${file.name}" is empty.`);
  const row = { id: crypto.randomUUID().slice(0, 8), name: file.name, size: file.size, addedAt: Date.now() };
  try {
    await (await open()).put("images", { ...row, blob: file });
  } catch (error) {
    throw new FaultError("library.full", `"${file.name}" could not be stored: ${error instanceof Error ? error.message : String(error)}`, "The browser's storage may be full.");
  }
  return row;
}
export async function removeImage(id: string): Promise<void> {
  await (await open()).delete("images", id);
}
/** The stored files that a domain names. */
export async function attachmentsOf(config: DomainConfig): Promise<Attachments> {
  const out: { [source: string]: Blob } = {};
  for (const source of sourcesOf(config)) {
    if (!source.startsWith("library:") || out[source]) continue;
    const row = await (await open()).get("images", source.slice("library:".length));
    if (!row) throw new FaultError("source.library", `A file of this machine (${source}) is not in this browser's library.`, "Add the file again, then choose it in the settings.");
    out[source] = row.blob;
  }
  return out;
}
export async function listMachines(): Promise<readonly SavedMachine[]> {
  const rows = await (await open()).getAll("machines");
  return rows
    .flatMap((row) => {
      try {
        return [{ ...row, config: domainSchema.parse(row.config, "machine") }];
      } catch {
        return [];
      }
    })
    .sort((a, b) => a.createdAt - b.createdAt);
}
export async function saveMachine(machine: SavedMachine): Promise<void> {
  await (await open()).put("machines", machine);
}
export async function removeMachine(id: string): Promise<void> {
  await (await open()).delete("machines", id);
}
