// What a person keeps in this browser: image files (dropped or chosen) and the list of their machines. IndexedDB; nothing leaves the
// browser. A file is named in a domain as "library:ID".

import { type DomainConfig, domainSchema } from "../contract/domain.ts";
import type { Attachments } from "../contract/machine.ts";
import { type Fault, FaultError, faultOf } from "../contract/schema.ts";
import { contentOf, deleteImage, deleteVm, diskLock, type ImageRow, openLibrary, type SavedMachine } from "../contract/storage.ts";
import { sourcesOf } from "../contract/sources-of.ts";

export type { ImageRow, SavedMachine };
const open = openLibrary;
const without = ({ id, name, size, addedAt, arriving }: ImageRow): ImageRow => ({ id, name, size, addedAt, ...(arriving ? { arriving } : {}) });

export async function listImages(): Promise<readonly ImageRow[]> {
  return (await (await open()).getAll("images")).filter((row) => !row.gone && !row.over).map(without).sort((a, b) => a.addedAt - b.addedAt);
}
export { beginImport, type Ending, runImport } from "./import-file.ts";
export { openLibrary };

/** Holds a file while something is written to it; a Fault when another machine or tab does. */
export async function holding<T>(row: ImageRow, work: () => Promise<T>): Promise<T> {
  if (!navigator.locks) return work();
  return navigator.locks.request(diskLock(row.id), { ifAvailable: true }, (lock) => {
    if (!lock) throw new FaultError("disk.busy", `${row.name} is in use by another machine or tab.`, "Turn that machine off, or make the disk read only here.");
    return work();
  }) as Promise<T>;
}
/** Deletes a file with everything written to it. One that a running machine writes is refused. */
export async function removeImage(id: string): Promise<void> {
  const busy = (await navigator.locks?.query())?.held?.some((l) => l.name === diskLock(id));
  if (busy) throw new FaultError("disk.busy", "The file is in use by a machine.", "Turn the machine off first.");
  await deleteImage(await open(), id);
}
export async function renameImage(id: string, name: string): Promise<void> {
  const tx = (await open()).transaction("images", "readwrite");
  const row = await tx.store.get(id);
  if (row && name.trim() !== "") await tx.store.put({ ...row, name: name.trim() });
  await tx.done;
}
/** Bytes that this site uses and may use. */
export async function storageUse(): Promise<{ readonly used: number; readonly quota: number; readonly persistent: boolean }> {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return { used: usage, quota, persistent: (await navigator.storage?.persisted?.()) ?? false };
}
/** The stored files that a domain names. */
export async function attachmentsOf(config: DomainConfig): Promise<Attachments> {
  const out: { [source: string]: Blob } = {};
  for (const source of sourcesOf(config)) {
    if (!source.startsWith("library:") || out[source]) continue;
    const row = await (await open()).get("images", source.slice("library:".length));
    if (!row) throw new FaultError("source.library", `A file of this machine (${source}) is not in this browser's library.`, "Add the file again, then choose it in the settings.");
    const content = row.of === undefined ? await contentOf(await open(), row) : undefined;
    if (content) out[source] = content;
  }
  return out;
}
/** Machines of this browser; `unreadable` gets those that this version cannot understand, which stay where they are. */
export async function listMachines(unreadable: (fault: Fault) => void = () => {}): Promise<readonly SavedMachine[]> {
  const rows = await (await open()).getAll("machines");
  return rows
    .flatMap((row) => {
      try {
        return [{ ...row, config: domainSchema.parse(row.config, "machine") }];
      } catch (error) {
        const { message, hint } = faultOf(error);
        unreadable({ code: "machine.unreadable", message: `The machine "${String((row.config as { name?: unknown } | null)?.name ?? row.id)}" cannot be shown: ${message}`, hint: hint ?? "Another version of Guesthouse may have made it; it is kept." });
        return [];
      }
    })
    .sort((a, b) => a.createdAt - b.createdAt);
}
export async function saveMachine(machine: SavedMachine): Promise<void> {
  await (await open()).put("machines", machine);
}
export async function removeMachine(id: string): Promise<void> {
  const db = await open();
  for (const vm of await db.getAll("vms")) if (vm.machine === id) await deleteVm(db, vm.id);
  for (const image of await db.getAll("images")) if (image.over?.machine === id) await deleteImage(db, image.id);
  await db.delete("machines", id);
}
/** A snapshot as the page lists it. */
export interface SnapshotRow {
  readonly id: string;
  readonly parent: string | null;
  readonly name: string;
  readonly notes: string;
  readonly dateMs: number;
  readonly ownBytes: number;
  readonly ramBytes: number;
  readonly thumbnail: string;
}
export async function listSnapshots(machine: string): Promise<readonly SnapshotRow[]> {
  return (await (await open()).getAll("vms"))
    .filter((v) => v.machine === machine)
    .map(({ id, parent, name, notes, dateMs, ownBytes, ramBytes, thumbnail }) => ({ id, parent, name, notes, dateMs, ownBytes, ramBytes, thumbnail }))
    .sort((a, b) => a.dateMs - b.dateMs);
}
export async function removeSnapshot(id: string): Promise<void> {
  await deleteVm(await open(), id);
}
export async function describeSnapshot(id: string, change: { readonly name?: string; readonly notes?: string }): Promise<void> {
  const db = await open();
  const row = await db.get("vms", id);
  if (row) await db.put("vms", { ...row, ...change });
}
