// Power-on that goes on from a saved state instead of booting: from the seed of a clone, once; else from the saved machine that the domain names
// (boot.resume), which may still be arriving. Kernel and RAM disk are needed only for the next reset: they come afterwards.

import type { DomainConfig } from "../src/contract/domain.ts";
import type { Seed } from "../src/contract/machine.ts";
import { FaultError } from "../src/contract/schema.ts";
import type { Machine } from "./machine/machine.ts";
import { seedVm } from "./snapshots/clone.ts";
import { type BaseVm, named } from "./snapshots/base-vm.ts";
import type { RamKeeper } from "./snapshots/ram-keeper.ts";
import { restoreVm, resumeLine } from "./snapshots/save-vm.ts";
import type { KnownVm } from "./sources.ts";

const REST_AFTER_MS = 1500;

export interface ResumeParts {
  readonly machine: Machine;
  readonly keeper: RamKeeper;
  readonly config: DomainConfig;
  readonly seed: Seed | undefined;
  /** The saved machine that the domain names, fetched when first asked for; null when it names none. */
  readonly known: (() => Promise<KnownVm>) | null;
  /** Fetches what firmware will ask for and gives it to the board. */
  loadBootFiles(): Promise<void>;
  /** What the guest reads before anything that is typed. */
  say(line: string): void;
  /** Text for the person, on the console. */
  print(text: string): void;
  failed(error: unknown): void;
}
/** Sets up power-on. */
export function resumeInsteadOfBooting({ machine, keeper, seed, known, ...parts }: ResumeParts): void {
  let files: Promise<void> | null = null;
  const load = () => (files ??= parts.loadBootFiles());
  let left = seed;
  machine.resetAfter = async () => {
    await load();
  };
  // Also when it is on because a snapshot was loaded.
  let waiting = false;
  machine.onState((notice) => {
    if (notice.state !== "running" || waiting || !known || seed) return;
    waiting = true;
    // The rest of the saved machine and what a reset needs come in the background, when the guest is at its prompt; whoever resets sooner waits for them.
    setTimeout(() => void rest(known).catch(() => {}), REST_AFTER_MS); // said at the reset
  });
  let standsOnIt = false;
  const rest = async (saved: () => Promise<KnownVm>): Promise<void> => {
    const { complete } = await saved();
    await complete().catch((error: unknown) => {
      if (standsOnIt) parts.failed(error);
    });
    await load();
  };
  machine.onStart = async () => {
    try {
      if (left) {
        const vm = seedVm(left);
        left = undefined;
        await restoreVm(machine, keeper, vm);
        return true;
      }
      if (!known) return false;
      const { vm } = await known();
      standsOnIt = true;
      await restoreVm(machine, keeper, vm);
      if (vm.waits === "ask-time") parts.say(resumeLine());
      return true;
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      // It boots instead, and says why.
      parts.print(`[guesthouse] This machine boots instead of resuming: ${error.fault.message}\r\n`);
      return false;
    }
  };
}
/** The guest's saved machine as something that snapshots, links and clones stand on. */
export async function baseOf(config: DomainConfig, known: (() => Promise<KnownVm>) | null): Promise<BaseVm | null> {
  if (!known) return null;
  const { vm, sha256, complete } = await known();
  await complete();
  return named({ source: config.boot.resume, sha256, chunks: vm.chunks });
}
