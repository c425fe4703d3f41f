// What a machine's worker needs only when somebody asks: the debugger with the disassembler behind it, every command of the monitor, snapshots and
// clones, going back in time. A part of its own (worker-parts.ts): half of the program of a worker, which a start does without (ADR 0018).

import type { PoolMemory } from "./cpu/guest-memory.ts";
import type { WasmCpu } from "./cpu/wasm-cpu.ts";
import { type LibraryParts, libraryPowers } from "./machine-library.ts";
import { Debugger } from "./machine/debugger.ts";
import type { LifeContext, MonitorContext } from "./monitor/command.ts";
import { createMonitor } from "./monitor/index.ts";
import type { Monitor } from "./monitor/registry.ts";
import type { RamKeeper } from "./snapshots/ram-keeper.ts";
import type { RecordedInputs } from "./snapshots/recorded-inputs.ts";
import { TimeTravel } from "./snapshots/time-travel.ts";

export interface ToolParts extends LifeContext, Required<Pick<MonitorContext, "saveFile" | "screendump">> {
  readonly cpu: WasmCpu;
  readonly memory: PoolMemory;
  readonly keeper: RamKeeper;
  /** What a machine hears whose time is instructions; null: it cannot go back. */
  readonly inputs: RecordedInputs | null;
  /** Null: there is no library here. */
  readonly library: LibraryParts | null;
}
export interface MachineTools {
  readonly monitor: Monitor;
}
export function makeTools({ memory, inputs, library, ...context }: ToolParts): MachineTools {
  const { machine, cpu } = context;
  const debug = new Debugger(machine, cpu);
  const history = inputs ? { history: new TimeTravel(machine, memory, debug, inputs) } : {};
  return { monitor: createMonitor({ ...context, debug, ...history, ...(library ? libraryPowers({ ...library, ...history }) : {}) }) };
}
