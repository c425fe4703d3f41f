// savevm where disks are image files: every writable disk is a qcow2 and gets an internal snapshot; the first one keeps the machine's state
// too, behind its end, as QEMU does. `qemu-img snapshot -l` lists them, `qemu-img check` finds them in order.

import { FaultError } from "../../src/contract/schema.ts";
import { loadZstd } from "../backends/compress.ts";
import { Qcow2Image } from "../backends/formats/qcow2.ts";
import { applySnapshot, createSnapshot, deleteSnapshot, findSnapshot, loadVmState, type Qcow2Snapshot, saveVmState } from "../backends/formats/qcow2-snapshots.ts";
import type { Image } from "../backends/image.ts";
import { later } from "../backends/io.ts";
import type { Machine } from "../machine/machine.ts";
import type { SavedVm, SnapshotStore } from "../monitor/command.ts";
import type { RamKeeper } from "./ram-keeper.ts";
import { captureVm, restoreVm, standingStill } from "./save-vm.ts";
import { decodeVm, encodeVm } from "./vm-file.ts";

const row = (s: Qcow2Snapshot): SavedVm => ({ id: s.id, name: s.name, vmStateSize: s.vmStateSize, dateMs: s.dateSec * 1000, vmClockNs: s.vmClockNs });

export class Qcow2Store implements SnapshotStore {
  readonly #machine: Machine;
  readonly #keeper: RamKeeper;
  readonly #images: ReadonlyMap<string, Image>;
  constructor(machine: Machine, keeper: RamKeeper, images: ReadonlyMap<string, Image>) {
    this.#machine = machine;
    this.#keeper = keeper;
    this.#images = images;
  }
  #disks(): readonly [Qcow2Image, ...Qcow2Image[]] {
    const out: Qcow2Image[] = [];
    for (const [at, image] of this.#images) {
      if (image.readOnly) continue;
      if (!(image instanceof Qcow2Image)) throw new FaultError("snapshot.disk-format", `Device '${at}' is writable but does not support snapshots.`, `Convert its image: guesthouse img convert -O qcow2 ${image.file.name} disk.qcow2`);
      out.push(image);
    }
    const [first, ...rest] = out;
    if (!first) throw new FaultError("snapshot.nowhere", "No block device can accept snapshots.", "Give the machine a qcow2 disk: guesthouse img create -f qcow2 state.qcow2 1M, then -hda state.qcow2.");
    return [first, ...rest];
  }
  async list(): Promise<readonly SavedVm[]> {
    const [first, ...rest] = this.#disks();
    return first.snapshots.filter((s) => rest.every((d) => findSnapshot(d, s.name))).map(row);
  }
  async save(name: string): Promise<SavedVm> {
    const [first, ...rest] = this.#disks();
    return standingStill(this.#machine, async () => {
      const vm = await captureVm(this.#machine, this.#keeper);
      const snapshot = { name, dateMs: vm.dateMs, vmClockNs: this.#machine.board.clock.now() };
      for (const disk of rest) await later(createSnapshot(disk, snapshot));
      return row(await later(saveVmState(first, encodeVm(vm), snapshot)));
    });
  }
  async load(name: string): Promise<void> {
    await loadZstd();
    const [first, ...rest] = this.#disks();
    const found = findSnapshot(first, name);
    if (!found) throw new FaultError("snapshot.unknown", `Snapshot '${name}' does not exist.`, "info snapshots lists them.");
    const others = rest.map((disk) => {
      const one = findSnapshot(disk, found.name);
      if (!one) throw new FaultError("snapshot.unknown", `Snapshot '${name}' is not on every disk.`, "info snapshots lists those that are.");
      return [disk, one] as const;
    });
    await standingStill(this.#machine, async () => {
      // Everything that can be wrong with it is found before a disk is touched.
      const vm = decodeVm(await later(loadVmState(first, found)));
      for (const [disk, one] of others) await later(applySnapshot(disk, one));
      await later(applySnapshot(first, found));
      await restoreVm(this.#machine, this.#keeper, vm);
    });
  }
  async remove(name: string): Promise<void> {
    const disks = this.#disks();
    if (!findSnapshot(disks[0], name)) throw new FaultError("snapshot.unknown", `Snapshot '${name}' does not exist.`, "info snapshots lists them.");
    const { name: plain } = findSnapshot(disks[0], name) as Qcow2Snapshot;
    for (const disk of disks) {
      const one = findSnapshot(disk, plain);
      if (one) await later(deleteSnapshot(disk, one));
    }
  }
}
