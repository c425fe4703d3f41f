// The whole surface of a machine worker. Control travels as messages (Comlink): open, execute, type, complete, watch. Data travels through
// shared memory: the views below. Every verb is a command of workers/monitor, so this file never grows with them.

import type { DomainConfig } from "./domain.ts";
import type { Fault, Reply } from "./schema.ts";

/** The name of a worker that was started for a clone. */
export const CLONE_WORKER = "clone";
export type MachineState = "off" | "paused" | "running" | "crashed";
/** It has memory to lose. */
export const isOn = (state: MachineState | "opening"): boolean => state === "running" || state === "paused";

/** Bytes that a domain's sources name and the worker cannot fetch itself (a dropped file). Key: the source string. */
export type Attachments = { readonly [source: string]: Uint8Array | Blob };

export interface OpenOptions {
  readonly config: DomainConfig;
  /** Absolute URL (ending in "/") below which "guest:" and "firmware:" sources and core.wasm are found. */
  readonly base: string;
  readonly attachments: Attachments;
  /** Its id in the library, where its snapshots are kept. */
  readonly machine?: string;
  /** The state that power-on continues, instead of what its domain says. */
  readonly seed?: Seed;
  /** The processor's core, when the page has compiled it already. */
  readonly core?: { readonly module: WebAssembly.Module; readonly bytes: Uint8Array };
}
/**
 * The state of a machine that others go on from: devices (plain data, as machine/snapshot.ts has them) and chunks of RAM that all their workers read.
 * It is sent to each of them: what is large is shared memory.
 */
export interface Seed {
  readonly sections: unknown;
  /** The images in its ROMs, checked when they were fetched. */
  readonly firmware: { readonly bios: Uint8Array | null; readonly vgaBios: Uint8Array | undefined };
  /** Chunks one behind the other. */
  readonly ram: SharedArrayBuffer;
  /** Which chunk of RAM each is. */
  readonly chunks: Uint32Array;
  /** What they are called in the library, as far as the last one that has a name; "": none. */
  readonly names: readonly string[];
}
/** A clone whose disks are ready: it is added to the list, and goes on from the seed when there is one. */
export interface CloneOf {
  readonly machine: string;
  readonly domain: DomainConfig;
}

/**
 * Frame buffer shared with the page. header (Int32 x 16): [0] sequence (odd while being written), [1] width, [2] height, [3] 1 = text mode,
 * [4] text columns, [5] text rows, [6] cursor x, [7] cursor y (-1 none), [8] and [9] first and last + 1 line that changed since the sequence
 * number in [10], which the reader writes; [11] 1 = somebody looks (the reader's too). pixels: RGBA, at most 1920x1080. text: UTF-16, row by row.
 */
export interface FrameView {
  readonly header: SharedArrayBuffer;
  readonly pixels: SharedArrayBuffer;
  readonly text: SharedArrayBuffer;
}
export const FRAME_HEADER_BYTES = 64;
export const FRAME_PIXEL_BYTES = 1920 * 1080 * 4;
export const FRAME_TEXT_BYTES = 2 * 200 * 100;

/** Statistics, Float64 each, written by the worker a few times a second. */
export const STATS = {
  instructions: 0,
  guestNs: 1,
  /** Host milliseconds spent running. */
  busyMs: 2,
  /** Host milliseconds since power-on. */
  hostMs: 3,
  pio: 4,
  mmio: 5,
  interrupts: 6,
  tlbFills: 7,
  memoryBytes: 8,
  /** RAM that the guest has not touched since it was loaded: it lies packed with whoever has it too. */
  deferredBytes: 9,
  /** Bytes that drives read and wrote, and that serial ports sent and took. */
  diskBytes: 10,
  serialBytes: 11,
} as const;
export const STATS_COUNT = 16;

export interface SharedViews {
  readonly frame: FrameView;
  /** Ring (contract/ring.ts) per serial port with a console backend: guest to page, page to guest. */
  readonly serial: readonly { readonly out: SharedArrayBuffer; readonly in: SharedArrayBuffer }[];
  /** Ring of 8-byte input events, page to guest: see contract/input.ts. */
  readonly input: SharedArrayBuffer;
  readonly stats: SharedArrayBuffer;
  readonly trace: SharedArrayBuffer;
  /** Int32 x 1: set to 1 and notified when a message follows, since the worker may be blocked on it (workers/machine/sleep.ts). */
  readonly doorbell: SharedArrayBuffer;
}
/** The PC speaker: a square wave of `hz` from a moment of guest time on, 0: silence. */
export interface SpokenTone {
  readonly atNs: number;
  readonly hz: number;
}
export interface MachineNotice {
  readonly state: MachineState;
  /** "start", "pause", "resume", "poweroff", "reset", "shutdown", "exit", "break", "error", "io-error" (with an error: a disk cannot be written; going on tries again); "progress" while files are fetched, "clone", "file", "sound". */
  readonly reason: string;
  /** With reason "progress": bytes fetched so far of all files of the machine; total 0 when unknown. */
  readonly progress?: { readonly what: string; readonly loaded: number; readonly total: number };
  readonly exitStatus?: number;
  /** With reason "clone": machines that came to be. */
  readonly clones?: readonly CloneOf[];
  readonly seed?: Seed;
  /** With reason "file": a file for the person's computer (screendump). */
  readonly file?: { readonly name: string; readonly bytes: Uint8Array };
  /** With reason "sound": what the PC speaker plays from now on. */
  readonly tones?: readonly SpokenTone[];
  readonly error?: Fault;
  /** Report of a crash: registers, last trace events, version. */
  readonly report?: string;
}
export interface MachineRpc {
  open(options: OpenOptions): Promise<Reply<SharedViews>>;
  /** A command by name with its arguments, as `help` lists them; the result is plain data. */
  execute(name: string, args: { readonly [name: string]: unknown }): Promise<Reply<unknown>>;
  /** A line of the monitor console: parsed, executed, printed. */
  type(line: string): Promise<Reply<string>>;
  complete(line: string): Promise<readonly string[]>;
  watch(listener: (notice: MachineNotice) => void): Promise<void>;
  /** Something was put into an input ring: end a sleep. */
  poke(): Promise<void>;
}
