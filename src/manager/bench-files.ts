// Files beside the bench's source, kept in this browser (IndexedDB "guesthouse-bench"): a database of its own, since nothing else stands on it.

import { type DBSchema, openDB } from "idb";
import { FaultError } from "../contract/schema.ts";
import { storageReason } from "../contract/storage.ts";

interface Tables extends DBSchema {
  files: { key: string; value: Uint8Array };
}
const open = () => openDB<Tables>("guesthouse-bench", 1, { upgrade: (db) => void db.createObjectStore("files") });

/** Empty where a browser keeps nothing. */
export async function keptBenchFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  try {
    const db = await open();
    const tx = db.transaction("files");
    const [names, contents] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll()]);
    db.close();
    return new Map(names.map((name, n) => [name, contents[n] as Uint8Array]));
  } catch {
    return new Map();
  }
}
/** Exactly these are kept from now on. */
export async function keepBenchFiles(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  try {
    const db = await open();
    const tx = db.transaction("files", "readwrite");
    await tx.store.clear();
    for (const [name, bytes] of files) await tx.store.put(bytes, name);
    await tx.done;
    db.close();
  } catch (error) {
    throw new FaultError("bench.keep", `The files beside the source cannot be kept: ${storageReason(error)}.`, "They stay until the bench is closed.");
  }
}
