// The shape of a command: everything one can do to a machine is declared once as name, arguments, help and run. Parser, help text,
// completion, the page's buttons and the tests all use this one declaration. A name may have two words ("info status").

import type { MadeBundle } from "../../src/contract/bundle.ts";
import type { CloneOf } from "../../src/contract/machine.ts";
import type { Schema } from "../../src/contract/schema.ts";
import type { Debugger } from "../machine/debugger.ts";
import type { Board } from "../machine/board.ts";
import type { InputHub } from "../machine/input.ts";
import type { Machine } from "../machine/machine.ts";
import type { RamKeeper } from "../snapshots/ram-keeper.ts";
import type { TimeTravel } from "../snapshots/time-travel.ts";
import type { WasmCpu } from "../cpu/wasm-cpu.ts";

/** A saved state of the machine and its disks, as listed. */
export interface SavedVm {
  readonly id: string;
  readonly name: string;
  readonly vmStateSize: number;
  readonly dateMs: number;
  readonly vmClockNs: number;
  /** The snapshot it was made after; only where they form a tree. */
  readonly parent?: string | null;
  readonly notes?: string;
  readonly ownBytes?: number;
  /** A picture of the screen as a data URL. */
  readonly thumbnail?: string;
}
/** Where savevm keeps machines: in qcow2 disks in a terminal, in the library in a page. */
export interface SnapshotStore {
  list(): Promise<readonly SavedVm[]>;
  save(name: string): Promise<SavedVm>;
  load(name: string): Promise<void>;
  remove(name: string): Promise<void>;
  describe?(name: string, change: { readonly name?: string; readonly notes?: string }): Promise<void>;
}
/** How a machine travels: in an address, as one file, or as pieces on a web server. */
export const CARRIAGES = ["link", "file", "hosted"] as const;
/** What commands work on. */
export interface MonitorContext {
  readonly board: Board;
  readonly machine: Machine;
  readonly cpu: WasmCpu;
  readonly input: InputHub;
  readonly debug: Debugger;
  /** Checkpoints and replay, where time is instructions. */
  readonly history?: TimeTravel;
  readonly version: string;
  /** What firmware wrote to port 0x402 (kept when the domain asks for it). */
  readonly debugLog?: () => string;
  readonly snapshots?: SnapshotStore;
  /** Makes more machines of this one, where there is a library. */
  readonly clone?: (kind: "linked" | "full", count: number) => Promise<readonly CloneOf[]>;
  /** Packs the machine for somebody else. */
  readonly share?: (carriage: (typeof CARRIAGES)[number], state: boolean, recording: boolean) => Promise<MadeBundle>;
  readonly keeper?: RamKeeper;
  /** Reads a file by name, in a terminal. */
  readonly readFile?: (name: string) => Uint8Array | Promise<Uint8Array>;
  /** Keeps a file for the person, where there are files. */
  readonly saveFile?: (name: string, bytes: Uint8Array) => void | Promise<void>;
  /** Ends the program, where there is one to end (a terminal): quit does so even when the machine is off already. */
  readonly leave?: () => void;
  /** Writes the screen to a file, where there are files. */
  readonly screendump?: (file: string) => void | Promise<void>;
}
/** What the commands for the life of a machine need: a worker has them before the rest of the monitor. */
export type LifeContext = Pick<MonitorContext, "board" | "machine" | "input" | "history" | "version" | "debugLog" | "leave">;
export interface Command<A = { readonly [name: string]: unknown }, R = unknown, C = MonitorContext> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** Positional in the order written; the last takes the rest of the line when it is text. */
  readonly args: { readonly [K in keyof A & string]: Schema<A[K]> };
  /** Changes the machine in a way that replay cannot repeat. */
  readonly disturbs?: true;
  run(context: C, args: A): R | Promise<R>;
  /** The result as the console shows it; JSON when left out, nothing for undefined. */
  print?(result: R): string;
}
// biome-ignore lint/suspicious/noExplicitAny: the registry holds commands of every type
export type AnyCommand<C = MonitorContext> = Command<any, any, C>;

/** Checks a declaration's types and forgets them. */
export function command<A, R, C = MonitorContext>(declared: Command<A, R, C>): AnyCommand<C> {
  return declared;
}
