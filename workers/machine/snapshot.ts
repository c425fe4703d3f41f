// A machine's state without its RAM: one named, versioned section per device, plus processor, PCI and time. Describes hardware, not our code.
// RAM and disks are added by workers/snapshots.

import type { DomainConfig } from "../../src/contract/domain.ts";
import { VCPU_STATE_VERSION } from "../cpu/core/layout.ts";
import { numberField, fields, SnapshotError, timeField } from "../platform/state.ts";
import type { State } from "../platform/types.ts";
import type { Board } from "./board.ts";

/** Devices that boards of the first saved machines did not have: where their section is absent they are as after a reset. */
const CAME_LATER: ReadonlySet<string> = new Set(["fpu-error"]);

export interface Section {
  readonly device: string;
  readonly type: string;
  readonly version: number;
  readonly state: State;
}
export interface Sections {
  readonly format: 1;
  readonly config: DomainConfig;
  readonly sections: readonly Section[];
}

export function saveSections(board: Board): Sections {
  return {
    format: 1,
    config: board.config,
    sections: [
      { device: "board", type: "board", version: 1, state: { nowNs: board.clock.now(), instructions: board.cpu.instructions() } },
      { device: "cpu", type: "cpu", version: VCPU_STATE_VERSION, state: board.cpu.save() },
      { device: "pci", type: "pci", version: 1, state: board.pci.save() },
      ...board.devices.map(({ id, type, device }) => ({ device: id, type: type.name, version: type.version, state: device.save() })),
    ],
  };
}

/** The machine must be paused, and built from an equal config. Sections of devices it does not have are refused by name. */
export function loadSections(board: Board, snapshot: Sections): void {
  if (snapshot.format !== 1) throw new SnapshotError(`format ${String(snapshot.format)} is not known`);
  const left = new Map(snapshot.sections.map((s) => [s.device, s]));
  const take = (id: string, type: string): Section => {
    const found = left.get(id);
    if (!found) throw new SnapshotError(`section ${id} is absent`);
    if (found.type !== type) throw new SnapshotError(`section ${id} is a ${found.type}, not a ${type}`);
    left.delete(id);
    return found;
  };
  const own = fields(take("board", "board").state, "board");
  numberField(own, "instructions", 0, Number.MAX_SAFE_INTEGER);
  const { state: cpu, version } = take("cpu", "cpu");
  if (version !== VCPU_STATE_VERSION) throw new SnapshotError(`its processor state has version ${version}, this program knows ${VCPU_STATE_VERSION}`);
  const pci = take("pci", "pci").state;
  const parts = board.devices.flatMap(({ id, type, device }) => {
    if (CAME_LATER.has(id) && !left.has(id)) {
      device.reset();
      return [];
    }
    const section = take(id, type.name);
    let { state } = section;
    for (let v = section.version; v < type.version; v++) {
      const step = type.upgrade?.[v];
      if (!step) throw new SnapshotError(`${id}: no way from version ${v} to ${v + 1}`);
      state = step(state);
    }
    if (section.version > type.version) throw new SnapshotError(`${id}: version ${section.version} is newer than this program`);
    return [{ device, state }];
  });
  for (const name of left.keys()) throw new SnapshotError(`unknown section "${name}"`);
  board.cpu.load(cpu);
  board.clock.set(timeField(own, "nowNs"));
  board.pci.load(pci);
  for (const { device, state } of parts) device.load(state);
}
