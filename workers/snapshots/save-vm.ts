// Saving and going back: sections of every device (machine/snapshot.ts), RAM chunks (ram-keeper.ts), and the disks by whoever keeps them.
// The machine stands still for the moment it is saved or loaded, and runs on afterwards if it ran before.

import type { DomainConfig } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { loadUnzstd, loadZstd } from "../backends/compress.ts";
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
/** What differs between the hardware of a saved machine and this one, in words, or null. */
function mismatch(saved: DomainConfig, own: DomainConfig): string | null {
  if (saved.memoryMiB !== own.memoryMiB) return `${saved.memoryMiB} MiB of memory, not ${own.memoryMiB}`;
  if (saved.cpu.model !== own.cpu.model) return `a ${saved.cpu.model} processor, not ${own.cpu.model}`;
  if (saved.vga !== own.vga) return "another display adapter";
  if (saved.clock.mode !== own.clock.mode) return `a clock that follows ${saved.clock.mode}, not ${own.clock.mode}`;
  const ports = (c: DomainConfig) => c.serial.map((s) => (s === "none" ? "none" : "port")).join();
  if (ports(saved) !== ports(own)) return "other serial ports";
  const drives = (c: DomainConfig) => c.disks.map((d) => `${d.at} ${d.media} ${d.source === "" ? "empty" : "full"}`).sort().join();
  if (drives(saved) !== drives(own)) return "other drives";
  if (JSON.stringify(saved.devices) !== JSON.stringify(own.devices)) return "other devices";
  return null;
}
/** The line that a guest waits for whose state says "ask-time": the date, and 256 bits of randomness. */
export function resumeLine(): string {
  const seed = Array.from(crypto.getRandomValues(new Uint8Array(32)), (b) => b.toString(16).padStart(2, "0")).join("");
  return `${Math.round(Date.now() / 1000)} ${seed}\n`;
}
/** Puts a machine into a saved state. It is paused afterwards, also when it was off. */
export async function restoreVm(machine: Machine, keeper: RamKeeper, vm: VmState): Promise<void> {
  if ([...vm.chunks.values()].some((c) => !c.raw)) await loadUnzstd();
  await machine.prepare();
  if (machine.state === "running") machine.pause("snapshot");
  const wrong = mismatch(vm.sections.config, machine.board.config);
  if (wrong !== null) throw new FaultError("snapshot.config", `The saved machine has ${wrong}.`, "A machine is loaded into one with the same hardware.");
  keeper.restore(vm.chunks, vm.hot);
  try {
    // One that waits for date and randomness gets them that way; the event would only have it do so twice.
    machine.load(vm.sections, vm.waits === "");
  } catch (error) {
    // Half a machine must not run.
    machine.powerOff();
    if (error instanceof SnapshotError) throw new FaultError("snapshot.bad", `The saved machine cannot be used: ${error.message}.`, "It may come from another version, or from a machine with other devices.");
    throw error;
  }
}
