// Saving and going back: sections of every device (machine/snapshot.ts), RAM chunks (ram-keeper.ts), and the disks by whoever keeps them.
// The machine stands still for the moment it is saved or loaded, and runs on afterwards if it ran before.

import { FaultError } from "../../src/contract/schema.ts";
import { loadZstd } from "../backends/compress.ts";
import type { Machine } from "../machine/machine.ts";
import { SnapshotError } from "../platform/state.ts";
import type { RamKeeper } from "./ram-keeper.ts";
import type { VmState } from "./vm-file.ts";

/** Runs `work` while the machine stands still. */
export async function standingStill<T>(machine: Machine, work: () => Promise<T> | T): Promise<T> {
  const state = () => machine.state;
  const running = state() === "running";
  if (running) machine.pause("snapshot");
  try {
    return await work();
  } finally {
    if (running && state() === "paused") machine.resume();
  }
}
export async function captureVm(machine: Machine, keeper: RamKeeper, waits: VmState["waits"] = "", level = 1): Promise<VmState> {
  await loadZstd();
  if (machine.state !== "running" && machine.state !== "paused") throw new FaultError("snapshot.off", "Only a machine that is on can be saved.", "Start it first; disks of a machine that is off are saved by guesthouse img snapshot.");
  return standingStill(machine, () => ({ sections: machine.save(), chunks: keeper.capture(level), dateMs: Date.now(), waits }));
}
/** Puts a machine into a saved state. It is paused afterwards, also when it was off. */
export async function restoreVm(machine: Machine, keeper: RamKeeper, vm: VmState): Promise<void> {
  await loadZstd();
  await machine.prepare();
  if (machine.state === "running") machine.pause("snapshot");
  const { config } = machine.board;
  const saved = vm.sections.config;
  if (saved.memoryMiB !== config.memoryMiB) throw new FaultError("snapshot.config", `The saved machine has ${saved.memoryMiB} MiB of memory, this one ${config.memoryMiB} MiB.`, "A machine is loaded into one with the same settings.");
  if (saved.cpu.model !== config.cpu.model) throw new FaultError("snapshot.config", `The saved machine has a ${saved.cpu.model} processor, this one ${config.cpu.model}.`, "A machine is loaded into one with the same settings.");
  keeper.restore(vm.chunks);
  try {
    machine.load(vm.sections);
  } catch (error) {
    // Half a machine must not run.
    machine.powerOff();
    if (error instanceof SnapshotError) throw new FaultError("snapshot.bad", `The saved machine cannot be used: ${error.message}.`, "It may come from another version, or from a machine with other devices.");
    throw error;
  }
}
