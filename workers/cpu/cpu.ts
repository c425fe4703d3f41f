// The processor behind one face: the machine sees runs, exits and lines, never wasm.
// What KVM calls an exit is a call of CpuHost here (or the end of `run`).

import type { MapRange, Place } from "../../src/contract/inspect.ts";
import type { IrqLine, State } from "../platform/types.ts";

/**
 * Why `run` came back. budget: the instruction count was reached. halt: HLT with nothing pending. kick: the attention word
 * was set from outside (or by CpuHost calling `kick`). shutdown: triple fault. break: a breakpoint of the debugger at `ip` (linear).
 */
export type Exit =
  | { readonly reason: "budget" | "halt" | "kick" | "shutdown" }
  | { readonly reason: "break"; readonly ip: bigint };

/** What the processor asks of the board while it runs. Values are unsigned 32-bit; 8-byte accesses arrive as two of 4. */
export interface CpuHost {
  pioRead(port: number, width: 1 | 2 | 4): number;
  pioWrite(port: number, width: 1 | 2 | 4, value: number): void;
  mmioRead(physical: number, width: 1 | 2 | 4): number;
  mmioWrite(physical: number, width: 1 | 2 | 4, value: number): void;
  /** Interrupt-acknowledge cycle: the vector to deliver (0-255); called only while `intr` is high and IF allows it. */
  acknowledge(): number;
  /** Task priority of the local APIC as CR8 sees it (0-15). */
  readTpr(): number;
  writeTpr(value: number): void;
  /** APIC_BASE (0x1B), TSC_DEADLINE (0x6E0) and x2APIC MSRs (0x800-0x8FF). null / false: #GP. */
  apicMsrRead(index: number): bigint | null;
  apicMsrWrite(index: number, value: bigint): boolean;
  /** FERR#: an x87 error waits and CR0.NE is clear (asked again at each waiting instruction); false: it was cleared. */
  ferr(asserted: boolean): void;
  /** Guest nanoseconds (drives the TSC). */
  nowNs(): number;
  /** What nowNs() does during a run: 2^n ns pass with each instruction, or it follows the host's clock. Left out: it is asked each time. */
  readonly time?: number | "host";
  /** A behaviour of the real part that we lack. */
  missing(what: string): void;
}

export interface CpuCounters {
  /** Guest instructions retired since power-on. */
  readonly instructions: number;
  readonly tlbFills: number;
  readonly interrupts: number;
  readonly exceptions: number;
  readonly blocksDecoded: number;
}

export interface Cpu {
  /** The INTR pin (level). */
  readonly intr: IrqLine;
  /** Edge: one NMI. */
  nmi(): void;
  /** INIT: registers as after reset, but memory-type MSRs, TSC and x87 stay. `startup` = SIPI vector page. */
  init(): void;
  startup(page: number): void;
  /** A20 line: false masks physical address bit 20. */
  setA20(enabled: boolean): void;
  /** Runs at most `budget` instructions, exactly that many unless it returns earlier for another reason. */
  run(budget: number): Exit;
  /** The guest hardly works: code that runs from a halt to the next one need not be made fast. */
  idle: boolean;
  /** Makes a running `run` return with "kick" at the next block end (callable from CpuHost callbacks). */
  kick(): void;
  /** Instructions retired; exact also inside CpuHost callbacks. */
  instructions(): number;
  counters(): CpuCounters;
  /** Linear address of the instruction being executed, as a signed number (exact for canonical addresses). */
  linearAddress?(): number;
  reset(): void;
  /** A person switched the machine on: what is told of its last life ends. */
  poweredOn?(): void;
  /** Boot without firmware: after `reset`, real mode at cs:ip with DL set, DS = ES = SS = 0, SP = 0x7C00, interrupts on. */
  start?(cs: number, ip: number, dl: number): void;
  save(): State;
  load(state: State): void;
}

/** Guest-physical memory: the frame pool and the map page -> frame. Implemented beside core (workers/cpu/guest-memory.ts). */
export interface GuestMemory {
  /** Adds RAM (zeroed frames) at `physical`; both multiples of 4096. Throws FaultError "memory.pool" when the pool is too small. */
  addRam(physical: number, length: number): void;
  /** Allocates frames that a device owns (video memory, ROM); unmapped at first. */
  allocate(length: number, kind: "ram" | "rom"): import("../platform/types.ts").MappedRam;
  /** DMA and loader access; writes invalidate decoded code. */
  read(address: number, into: Uint8Array): void;
  write(address: number, from: Uint8Array): void;
  /**
   * Chipset shadowing (i440FX PAM): how a 4 KiB-aligned range of RAM answers. "ram": read/write RAM;
   * "rom": reads RAM, ignores writes; "bus": goes to the MMIO bus (or to a MappedRam mapped below).
   */
  setShadow(physical: number, length: number, reads: "ram" | "bus", writes: "ram" | "bus"): void;
  /** Is this address read from memory (RAM, ROM, memory of a device), not from the bus? */
  readable(address: number): boolean;
  /** Where a physical address leads, for people to look at; changes nothing. */
  place(address: number): Place;
  /** What answers where, as ranges in rising order; registers of devices are not listed. */
  ranges(): MapRange[];
}
