// What a board is built from: the processor and memory behind their faces, the things behind the devices, and firmware bytes.

import type { Cpu, CpuHost, GuestMemory } from "../cpu/cpu.ts";
import type { Backends } from "../platform/types.ts";

/** Finds the backend for a device: block "ide0-master", bytes "serial0" | "debugcon" | "e9", picture and input by device id. */
export type BackendSource = <K extends keyof Backends>(kind: K, id: string) => Backends[K];

export interface FirmwareImages {
  /** System BIOS: a multiple of 64 KiB, at most 16 MiB. Null for `firmware.bios: "none"`. */
  readonly bios: Uint8Array | null;
  readonly vgaBios?: Uint8Array | undefined;
  /** linuxboot_dma.bin and multiboot_dma.bin of the package qemu-system-data. */
  readonly linuxboot?: Uint8Array | undefined;
  readonly multiboot?: Uint8Array | undefined;
  readonly kernel?: Uint8Array | undefined;
  readonly initrd?: Uint8Array | undefined;
  /** Multiboot modules in order; the command line includes the module's name. */
  readonly modules?: readonly { readonly bytes: Uint8Array; readonly commandLine: string }[] | undefined;
}
export interface BoardParts {
  readonly cpuFactory: (host: CpuHost) => Cpu;
  readonly memory: GuestMemory;
  readonly backends: BackendSource;
  readonly firmware: FirmwareImages;
  /** Host milliseconds, monotonic; performance.now when left out. */
  readonly hostNowMs?: () => number;
  /** A shared word on which a halted machine may block its thread (sleep.ts); without it every sleep goes through the event loop. */
  readonly doorbell?: Int32Array;
  /** So often the event loop has its turn meanwhile; seldom where whoever has news rings. */
  readonly eventLoopEveryMs?: number;
  /** So many milliseconds late may the tick of a guest be that does nothing else (tick-watch.ts). */
  readonly mostLateMs?: number;
  /** Host date for the RTC, ms since 1970; Date.now when left out. */
  readonly hostDateMs?: () => number;
  /** Buffer of the trace bus (a SharedArrayBuffer in the browser). */
  readonly trace?: { readonly buffer: ArrayBufferLike; readonly capacity: number };
}
