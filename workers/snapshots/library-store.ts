// savevm in a page: machines are kept in the browser's library (contract/storage.ts). RAM chunks are stored once, however many snapshots hold
// them; disks of the library are frozen as layers; the tree of snapshots remembers which came from which.

import { FaultError } from "../../src/contract/schema.ts";
import { deleteVm, newId, openLibrary, type SavedVmRow, storageReason } from "../../src/contract/storage.ts";
import { loadUnzstd } from "../backends/compress.ts";
import type { LibraryDisk } from "../backends/library-file.ts";
import type { Machine } from "../machine/machine.ts";
import type { SavedVm, SnapshotStore } from "../monitor/command.ts";
import type { BaseVm } from "./base-vm.ts";
import type { PackedChunk, RamKeeper } from "./ram-keeper.ts";
import { decodeLog, play } from "./recording.ts";
import { captureVm, restoreVm, standingStill } from "./save-vm.ts";
import type { TimeTravel } from "./time-travel.ts";
import { decodeVmHead, encodeVm, vmHeadLength } from "./vm-file.ts";

export interface LibraryStoreParts {
  readonly machine: Machine;
  readonly keeper: RamKeeper;
  /** Id of the machine in the library. */
  readonly id: string;
  readonly disks: ReadonlyMap<string, LibraryDisk>;
  /** Refuses when a drive's writes would not be part of what is `what` ("saved"). */
  whole(what: string): void;
  thumbnail(): Promise<string>;
  /** Plays recordings, where time is instructions. */
  readonly history?: TimeTravel;
  /** The guest's saved machine that this one continued from, when there is one. */
  base(): Promise<BaseVm | null>;
}
const row = (v: SavedVmRow): SavedVm => ({ id: v.id, name: v.name, vmStateSize: v.ramBytes, dateMs: v.dateMs, vmClockNs: v.vmClockNs, parent: v.parent, notes: v.notes, ownBytes: v.ownBytes, thumbnail: v.thumbnail });

function unkept(why: string): FaultError {
  return new FaultError("library.full", `The snapshot could not be stored: ${why}.`, "Delete other snapshots or files; the machine goes on.");
}
export class LibraryStore implements SnapshotStore {
  readonly #parts: LibraryStoreParts;
  /** The chunks of this session by name. */
  readonly #chunks = new Map<string, PackedChunk>();
  /** The snapshot that the machine went on from. */
  #current: string | null = null;
  constructor(parts: LibraryStoreParts) {
    this.#parts = parts;
  }
  /** Chunks of the guest's saved machine go by common names. */
  async #adopt(): Promise<void> {
    const base = await this.#parts.base().catch(() => null);
    for (const packed of base?.chunks.values() ?? []) if (packed.name !== undefined && !this.#chunks.has(packed.name)) this.#chunks.set(packed.name, packed);
  }
  async #rows(): Promise<readonly SavedVmRow[]> {
    return (await (await openLibrary()).getAll("vms")).filter((v) => v.machine === this.#parts.id).sort((a, b) => a.dateMs - b.dateMs);
  }
  async list(): Promise<readonly SavedVm[]> {
    return (await this.#rows()).map(row);
  }
  async #find(name: string): Promise<SavedVmRow> {
    const rows = await this.#rows();
    const found = rows.find((v) => v.id === name) ?? rows.findLast((v) => v.name === name);
    if (!found) throw new FaultError("snapshot.unknown", `Snapshot '${name}' does not exist.`, "info snapshots lists them.");
    return found;
  }
  async save(name: string): Promise<SavedVm> {
    const { machine, keeper, id, disks } = this.#parts;
    this.#parts.whole("saved");
    const db = await openLibrary();
    await this.#adopt();
    return standingStill(machine, async () => {
      const vm = await captureVm(machine, keeper);
      const frozen: { [at: string]: { image: string; layer: string | null } } = {};
      for (const [at, disk] of disks)
        frozen[at] = {
          image: disk.file.image,
          layer: await disk.freeze().catch((error: unknown) => {
            throw error instanceof FaultError && error.fault.code === "library.full" ? unkept(error.message.replace(/\.$/, "")) : error;
          }),
        };
      const contents = new Map<string, PackedChunk>();
      const chunks: (readonly [number, string])[] = [];
      let ramBytes = 0;
      for (const [n, packed] of vm.chunks) {
        packed.name ??= crypto.randomUUID();
        const content = packed.name;
        if (!this.#chunks.has(content)) this.#chunks.set(content, packed);
        contents.set(content, packed);
        ramBytes += packed.bytes.length;
        chunks.push([n, content]);
      }
      const [start, head] = encodeVm(vm) as [Uint8Array, Uint8Array];
      const bytes = new Uint8Array(start.length + head.length);
      bytes.set(start);
      bytes.set(head, start.length);
      const thumbnail = await this.#parts.thumbnail();
      // What is not here yet must be at hand: a transaction does not wait for the network.
      for (const packed of contents.values()) void packed.bytes;
      let saved: SavedVmRow;
      try {
        const tx = db.transaction(["vms", "ram"], "readwrite", { durability: "strict" });
        // Only now is it certain what others have stored and not deleted again.
        const stored = new Set(await tx.objectStore("ram").getAllKeys());
        const fresh = [...contents].filter(([content]) => !stored.has(content));
        saved = {
          id: newId(), machine: id, parent: this.#current, name, notes: "", dateMs: vm.dateMs, vmClockNs: machine.board.clock.now(),
          ownBytes: fresh.reduce((sum, [, { bytes: b }]) => sum + b.length, 0) + bytes.length, ramBytes, thumbnail, head: bytes, chunks, disks: frozen,
        };
        await Promise.all([...fresh.map(([content, { bytes: b }]) => tx.objectStore("ram").put(b.slice(), content)), tx.objectStore("vms").put(saved), tx.done]);
      } catch (error) {
        throw unkept(storageReason(error));
      }
      this.#current = saved.id;
      return row(saved);
    });
  }
  async load(name: string): Promise<void> {
    const { machine, keeper, disks, history } = this.#parts;
    const db = await openLibrary();
    await loadUnzstd();
    const found = await this.#find(name);
    await this.#adopt();
    for (const at of new Set([...Object.keys(found.disks), ...disks.keys()]))
      if (found.disks[at]?.image !== disks.get(at)?.file.image) throw new FaultError("snapshot.config", "The saved machine has other drives.", "A machine is loaded into one with the same hardware.");
    const missing = [...new Set(found.chunks.map(([, content]) => content))].filter((content) => !this.#chunks.has(content));
    const tx = db.transaction("ram");
    const stored = await Promise.all(missing.map((content) => tx.store.get(content)));
    stored.forEach((bytes, i) => {
      if (!bytes) throw new FaultError("library.damaged", `A part of the snapshot '${found.name}' is missing in the library.`);
      this.#chunks.set(missing[i] as string, { bytes, name: missing[i] as string });
    });
    await standingStill(machine, async () => {
      // The head knows everything but where chunks are: that is in the row.
      const head = decodeVmHead(found.head, Number.MAX_SAFE_INTEGER, () => ({ bytes: new Uint8Array(0) }));
      if (vmHeadLength(found.head) !== found.head.length) throw new FaultError("snapshot.bad", "The saved machine cannot be used: its head is damaged.");
      const chunks = new Map(found.chunks.map(([n, content]) => [n, this.#chunks.get(content) as PackedChunk]));
      for (const [at, disk] of disks) await disk.revert(found.disks[at]?.layer ?? null);
      const restore = () => restoreVm(machine, keeper, { ...head, chunks });
      if (found.recording && history) await play(history, await decodeLog(found.recording), restore);
      else await restore();
    });
    this.#current = found.id;
  }
  async remove(name: string): Promise<void> {
    const found = await this.#find(name);
    await deleteVm(await openLibrary(), found.id);
    if (this.#current === found.id) this.#current = found.parent;
  }
  async describe(name: string, change: { readonly name?: string; readonly notes?: string }): Promise<void> {
    const found = await this.#find(name);
    await (await openLibrary()).put("vms", { ...found, ...change });
  }
}
