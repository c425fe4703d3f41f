// Everything a device may know: registers by offset, lines, a clock, guest memory and its slot.
// A device never knows its address, the CPU, the page or another device; the board (workers/machine) wires them.
// Shapes follow shared/design/architecture.md section 8.

import type { Schema } from "../../src/contract/schema.ts";
import type { TraceName } from "../../src/contract/trace.ts";

/** Access width in bytes. The CPU splits 8-byte MMIO into two 4-byte accesses, so 8 reaches no device today. */
export type Width = 1 | 2 | 4 | 8;

/** Registers seen by offset. Values are unsigned; a read of nothing returns all ones of the width. */
export interface Region {
  read(offset: number, width: Width): number;
  write(offset: number, width: Width, value: number): void;
}
export interface Mapping {
  move(base: number): void;
  remove(): void;
}
/** An address space (ports or physical memory). `map` throws on overlap: that is a board bug. */
export interface Bus extends Region {
  map(base: number, length: number, region: Region): Mapping;
}
export interface IrqLine {
  set(high: boolean): void;
}
export interface Timer {
  /** `lenient`: the guest asks a clock when it fires and makes up for what it missed, so an idle machine may be a few milliseconds late. */
  arm(atNs: number, lenient?: boolean): void;
  cancel(): void;
  readonly due: number | null;
}
/** Guest nanoseconds since power-on. Devices never ask the host for time. */
export interface Clock {
  now(): number;
  timer(fire: () => void): Timer;
}
export type State =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly State[]
  | { readonly [k: string]: State };
export interface Device<S extends State = State> {
  reset(): void;
  save(): S;
  /** Checks lengths and ranges: snapshots come from strangers. Throws a SnapshotError naming the field. */
  load(state: S): void;
}
/** Guest-physical memory as bus-master DMA sees it. Reads of holes give 0xFF, writes to ROM or holes are ignored. */
export interface GuestRam {
  read(address: number, into: Uint8Array): void;
  write(address: number, from: Uint8Array): void;
}
/** One PCI function, as handed out by the slot. */
export interface PciFunction {
  /** The 256-byte configuration space (live; the device may change its own status bytes). */
  readonly config: Uint8Array;
  /** INTx, already swizzled and routed by the board. */
  readonly intx: IrqLine;
  /**
   * Declares BAR `index` (0-5, or 6 for the expansion ROM). The PCI layer sizes, moves and unmaps it as the guest programs it.
   * `length` is a power of two.
   */
  bar(index: number, kind: "io" | "memory" | "prefetchable", length: number, region: Region): void;
  /** Declares BAR `index` as plain memory: the CPU reaches it without a call; its length is `ram.bytes.length`. */
  barRam(index: number, kind: "memory" | "prefetchable", ram: MappedRam): void;
  /** Bits of the configuration space that the guest may write, beyond the standard ones: mask per byte. */
  writable(offset: number, mask: Uint8Array): void;
  /** Called after each guest write to configuration space. */
  onConfigWrite(listener: (offset: number, width: Width, value: number) => void): void;
  /** Bus-master transfers: honour the command register's bus-master bit. */
  readonly dma: GuestRam;
}
/** A linear byte buffer the CPU can reach without leaving core (video memory, ROM). */
export interface MappedRam {
  readonly bytes: Uint8Array;
  /** Pages written by the guest since the last call, one bit per 4 KiB page; clears them. */
  takeDirty(): Uint32Array;
  map(physicalBase: number): void;
  unmap(): void;
}
/** One channel of the ISA DMA controllers, as the device on its DREQ/DACK lines sees it. */
export interface DmaChannel {
  /**
   * Moves up to `bytes.length` bytes between `bytes` and memory as the channel is programmed and returns how many moved:
   * fewer when the count ran out, 0 when the channel is masked or programmed for the other direction.
   */
  transfer(bytes: Uint8Array, toMemory: boolean): number;
  /** True when the last `transfer` reached terminal count (TC). */
  readonly terminal: boolean;
}
/** The side of the DMA controller that the board hands out through `Slot.dma`. */
export interface DmaController {
  channel(index: number): DmaChannel;
}
/** Bus-side services of a chipset. */
export interface Chipset {
  /** PCI configuration cycle on bus 0; `devfn` = device << 3 | function. All ones where nothing answers. */
  pciRead(devfn: number, offset: number, width: 1 | 2 | 4): number;
  pciWrite(devfn: number, offset: number, width: 1 | 2 | 4, value: number): void;
  /** PAM: how a range below 1 MiB answers. */
  shadow(physical: number, length: number, reads: "ram" | "bus", writes: "ram" | "bus"): void;
}
/** Everything a device may touch. */
export interface Slot {
  readonly id: string;
  readonly pio: Bus;
  readonly mmio: Bus;
  readonly clock: Clock;
  readonly ram: GuestRam;
  /** ISA interrupt 0-15 (reaches the 8259 pair and the I/O APIC alike). */
  irq(line: number): IrqLine;
  /** A named output wire (for example "int", "a20", "reset", "nmi", "smi"). The board connects it. */
  wire(name: string): IrqLine;
  /** A named input pin: the board calls `listener` when the wire changes. */
  pin(name: string, listener: (high: boolean) => void): void;
  pci(config: Uint8Array): PciFunction;
  /** ISA DMA channel 0-7 (the board asks the `dma8237` device's `channel(n)`). */
  dma(channel: number): DmaChannel;
  /** Message-signalled interrupt: a write of `data` to `address` (0xFEExxxxx reaches the local APIC). */
  message(address: number, data: number): void;
  /** What only the chipset may touch: PCI configuration cycles and shadowing. */
  readonly chipset: Chipset;
  /** Fast memory inside the frame pool (video RAM, ROM). `length` is a multiple of 4096. */
  memory(length: number, kind: "ram" | "rom"): MappedRam;
  backend<K extends keyof Backends>(kind: K, id: string): Backends[K];
  trace(kind: TraceName, a?: number, b?: number, c?: number): void;
  /** A behaviour of the real part that we lack: counted, shown by `info missing`, listed in the docs. */
  missing(what: string): void;
}
export interface DeviceType<O, S extends State> {
  readonly name: string;
  readonly summary: string;
  readonly options: Schema<O>;
  readonly version: number;
  readonly upgrade?: { readonly [from: number]: (old: State) => State };
  create(slot: Slot, options: O): Device<S>;
}

// ---- backends: what stands behind a device -------------------------------------------------------------------------

/** A disk. Sectors are 512 bytes. Requests complete in any order; `flush` resolves when earlier writes are durable. */
export interface BlockBackend {
  readonly sectors: number;
  readonly readOnly: boolean;
  /** True when read/write complete before returning (memory, file): lets deterministic machines stay deterministic. */
  readSync?(sector: number, into: Uint8Array): void;
  writeSync?(sector: number, from: Uint8Array): void;
  read(sector: number, into: Uint8Array): Promise<void>;
  write(sector: number, from: Uint8Array): Promise<void>;
  flush(): Promise<void>;
  /** As `flush`, done when it returns; throws when it could not be made durable. */
  flushSync?(): void;
}
/** A byte stream: serial port, debug console. */
export interface BytesBackend {
  /** Guest to outside. */
  write(byte: number): void;
  /** Outside to guest: the device registers once and is called when bytes may be read. */
  onReadable(listener: () => void): void;
  /** Next byte, or -1. */
  read(): number;
}
/** Where a display device shows its picture. */
export interface PictureBackend {
  /** A new RGBA frame, of which only the lines `from` to `to` - 1 changed. `rgba` is reused by the caller after the call returns. */
  frame(width: number, height: number, rgba: Uint8ClampedArray, from?: number, to?: number): void;
  /** Text mode content for tests, accessibility and `screendump`: rows of characters, or null in graphics modes. */
  text(rows: readonly string[] | null, cursor: { readonly x: number; readonly y: number } | null): void;
  /** How often the device should look for changes, ns of guest time. */
  readonly refreshNs: number;
  /** False while nobody looks: the device need not draw. Left out: always somebody. */
  readonly watched?: boolean;
}
/** What a speaker plays: a square wave of so many Hz from a moment of guest time on, 0: silence. */
export interface SpeakerBackend {
  tone(atNs: number, hz: number): void;
}
/** Keyboard and mouse. Keys are PS/2 set-1 scan codes (0xE0-prefixed as 0xE0xx) with make/break. */
export interface InputBackend {
  onKey(listener: (scancode: number, down: boolean) => void): void;
  onPointer(listener: (dx: number, dy: number, dz: number, buttons: number) => void): void;
}
export interface Backends {
  readonly block: BlockBackend | null;
  readonly bytes: BytesBackend;
  readonly picture: PictureBackend;
  readonly input: InputBackend;
  readonly speaker: SpeakerBackend;
}
