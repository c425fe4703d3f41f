// savevm, loadvm, delvm and info snapshots, as in QEMU's monitor: RAM, devices and disks together.

import { FaultError, optional, string } from "../../src/contract/schema.ts";
import { NO_ICOUNT, snapshotTable } from "../backends/snapshot-table.ts";
import { type AnyCommand, command, type MonitorContext, type SavedVm, type SnapshotStore } from "./command.ts";

function storeOf({ snapshots }: MonitorContext): SnapshotStore {
  if (!snapshots) throw new FaultError("snapshot.nowhere", "There is nowhere to keep snapshots of this machine.", "Give it a qcow2 disk.");
  return snapshots;
}
const tag = string("name or number of the snapshot");

function describe(context: MonitorContext, name: string, change: { readonly name?: string; readonly notes?: string }): Promise<void> {
  const store = storeOf(context);
  if (!store.describe) throw new FaultError("snapshot.fixed", "Names of snapshots in qcow2 disks cannot be changed.", "Save it again under another name.");
  return store.describe(name, change);
}
export const snapshotCommands: readonly AnyCommand[] = [
  command({
    name: "savevm",
    summary: "save the whole machine under a name (replaces one of that name)",
    args: { name: optional(string("name of the snapshot"), "") },
    run: async (context, { name }): Promise<SavedVm> => {
      const store = storeOf(context);
      const date = new Date();
      const two = (n: number) => String(n).padStart(2, "0");
      const wanted = name || `vm-${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
      for (const old of await store.list()) if (old.name === wanted) await store.remove(old.name);
      return store.save(wanted);
    },
    print: () => "",
  }),
  command({
    name: "loadvm",
    summary: "go back to a saved machine",
    args: { name: tag },
    run: (context, { name }) => storeOf(context).load(name),
  }),
  command({
    name: "delvm",
    summary: "delete a saved machine",
    args: { name: tag },
    run: (context, { name }) => storeOf(context).remove(name),
  }),
  command({
    name: "snapshot_name",
    summary: "give a saved machine another name",
    args: { name: tag, to: string("new name") },
    run: (context, { name, to }) => describe(context, name, { name: to }),
  }),
  command({
    name: "snapshot_notes",
    summary: "write notes to a saved machine",
    args: { name: tag, notes: string("text") },
    run: (context, { name, notes }) => describe(context, name, { notes }),
  }),
  command({
    name: "info snapshots",
    summary: "saved machines",
    args: {},
    run: (context) => storeOf(context).list(),
    print: (list: readonly SavedVm[]) =>
      list.length === 0
        ? "There is no snapshot available."
        : `List of snapshots present on all disks:\n${snapshotTable(list.map((s) => ({ ...s, id: "--", dateSec: Math.floor(s.dateMs / 1000), dateNsec: 0, icount: NO_ICOUNT, diskSize: 0 })))}`,
  }),
];
