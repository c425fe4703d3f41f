// What a machine of a page can do because there is a library: snapshots, packing for somebody else, clones. Disks are committed and the machine
// stands still while each is done.

import type { DomainConfig } from "../src/contract/domain.ts";
import { type CloneOf, isOn, type Seed } from "../src/contract/machine.ts";
import { FaultError } from "../src/contract/schema.ts";
import { LibraryDisk } from "./backends/library-file.ts";
import type { Machine } from "./machine/machine.ts";
import type { MonitorContext } from "./monitor/index.ts";
import type { BlockBackend } from "./platform/types.ts";
import type { BaseVm } from "./snapshots/base-vm.ts";
import { makeBundle } from "./snapshots/bundle-save.ts";
import { cloneDisks, makeSeed } from "./snapshots/clone.ts";
import { LibraryStore } from "./snapshots/library-store.ts";
import type { TimeTravel } from "./snapshots/time-travel.ts";
import type { RamKeeper } from "./snapshots/ram-keeper.ts";
import { captureRecording } from "./snapshots/recording.ts";
import { captureVm, standingStill } from "./snapshots/save-vm.ts";

export interface LibraryParts {
  readonly id: string;
  readonly config: DomainConfig;
  readonly machine: Machine;
  readonly keeper: RamKeeper;
  /** Where time is instructions. */
  readonly history?: TimeTravel;
  readonly disks: ReadonlyMap<string, BlockBackend>;
  base(): Promise<BaseVm | null>;
  thumbnail(): Promise<string>;
  /** The page adds the clones to its list. */
  cloned(clones: readonly CloneOf[], seed: Seed | null): void;
}
export function libraryPowers(parts: LibraryParts): Pick<MonitorContext, "snapshots" | "share" | "clone"> {
  const { id, config, machine, keeper, history, thumbnail } = parts;
  const base = () => parts.base().catch(() => null);
  const disks = new Map([...parts.disks].flatMap(([at, disk]) => (disk instanceof LibraryDisk ? [[at, disk] as const] : [])));
  const unkept = [...parts.disks].filter(([, disk]) => !disk.readOnly && !(disk instanceof LibraryDisk)).map(([at]) => at);
  const whole = (what: string) => {
    if (unkept[0] !== undefined) throw new FaultError("snapshot.disk-format", `The drive ${unkept[0]} keeps its writes in memory only, so that the machine cannot be ${what} whole.`, "Put the disk into the library, or make it read only.");
  };
  const on = () => isOn(machine.state);
  return {
    snapshots: new LibraryStore({ machine, keeper, id, disks, whole, thumbnail, base, ...(history ? { history } : {}) }),
    share: (carriage, withState, withRecording) =>
      standingStill(machine, async () => {
        if (withState) whole("sent");
        for (const disk of disks.values()) await disk.settle();
        // Chunks of the guest's saved machine must have their names before they are compared.
        const under = withState ? await base() : null;
        if (withState && withRecording) {
          if (!history) throw new FaultError("history.clock", "Only a machine whose time is instructions can go back.", "Start it with -icount shift=3.");
          const { from } = history.info();
          const { vm, log } = await captureRecording(machine, keeper, history);
          return makeBundle(config, id, carriage, { vm, base: under, thumbnail: await thumbnail(), log: { ...log, from } });
        }
        return makeBundle(config, id, carriage, withState ? { vm: await captureVm(machine, keeper), base: under, thumbnail: await thumbnail() } : null);
      }),
    clone: (kind, count) =>
      standingStill(machine, async () => {
        if (on()) whole("cloned");
        await base();
        const seed = on() ? makeSeed(machine, keeper) : null;
        const clones = await cloneDisks(config, new Map([...disks].map(([at, disk]) => [at, { image: disk.file.image, freeze: () => disk.freeze() }])), kind, count);
        parts.cloned(clones, seed);
        return clones;
      }),
  };
}
