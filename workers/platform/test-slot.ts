// A slot for unit tests: real buses, lines one can look at, memory in an array, and time that moves when the test says so.

import { MemoryBus, PortBus } from "./bus.ts";
import { PciBus, type PciFunctionImpl } from "./pci-bus.ts";
import { TimerQueue } from "./timer-queue.ts";
import type { Backends, DmaChannel, IrqLine, MappedRam, Slot } from "./types.ts";
import { Wire } from "./wire.ts";

export interface TestSlot extends Slot {
  readonly pio: PortBus;
  readonly mmio: MemoryBus;
  readonly pciBus: PciBus;
  readonly clock: TimerQueue;
  /** 1 MiB of guest memory from address 0. */
  readonly bytes: Uint8Array;
  /** Moves time by `ns`, firing timers on the way at their own times. */
  advance(ns: number): void;
  /** Level of ISA interrupt `line`, and how often it rose. */
  level(line: number): boolean;
  edges(line: number): number;
  /** A named output wire. */
  wireLevel(name: string): boolean;
  wireEdges(name: string): number;
  /** Drives a named input pin. */
  drive(pin: string, high: boolean): void;
  readonly messages: { readonly address: number; readonly data: number }[];
  readonly missed: Map<string, number>;
  /** Bytes sent through the `bytes` backend; `feed` puts bytes to be read by the device. */
  readonly sent: number[];
  feed(...bytes: number[]): void;
  /** Shadow calls of the chipset: [physical, length, reads, writes]. */
  readonly shadows: [number, number, string, string][];
  /** The function that the device made with `pci()`. */
  readonly function: PciFunctionImpl | null;
  /** What the speaker was told: [ns, Hz]. */
  readonly tones: (readonly [number, number])[];
  readonly keyListeners: ((scancode: number, down: boolean) => void)[];
  readonly pointerListeners: ((dx: number, dy: number, dz: number, buttons: number) => void)[];
  in8(port: number): number;
  in16(port: number): number;
  in32(port: number): number;
  out8(port: number, value: number): void;
  out16(port: number, value: number): void;
  out32(port: number, value: number): void;
}

export function testSlot(backends: Partial<Backends> = {}, id = "test"): TestSlot {
  let now = 0;
  const clock = new TimerQueue(() => now);
  const pio = new PortBus();
  const mmio = new MemoryBus();
  const pciBus = new PciBus(pio, mmio);
  const bytes = new Uint8Array(1 << 20);
  const irqs = Array.from({ length: 24 }, () => ({ wire: new Wire(), edges: 0 }));
  for (const irq of irqs) irq.wire.connect((high) => (irq.edges += high ? 1 : 0));
  const wires = new Map<string, { wire: Wire; edges: number }>();
  const pins = new Map<string, (high: boolean) => void>();
  const messages: { address: number; data: number }[] = [];
  const missed = new Map<string, number>();
  const sent: number[] = [];
  const queue: number[] = [];
  const readable: (() => void)[] = [];
  const shadows: [number, number, string, string][] = [];
  const tones: (readonly [number, number])[] = [];
  const keyListeners: ((scancode: number, down: boolean) => void)[] = [];
  const pointerListeners: ((dx: number, dy: number, dz: number, buttons: number) => void)[] = [];
  let made: PciFunctionImpl | null = null;
  const ram = {
    read(address: number, into: Uint8Array) {
      for (let i = 0; i < into.length; i++) into[i] = bytes[address + i] ?? 0xff;
    },
    write(address: number, from: Uint8Array) {
      for (let i = 0; i < from.length; i++) if (address + i < bytes.length) bytes[address + i] = from[i] as number;
    },
  };
  const wireOf = (name: string) => {
    let found = wires.get(name);
    if (!found) {
      const fresh = { wire: new Wire(), edges: 0 };
      fresh.wire.connect((high) => (fresh.edges += high ? 1 : 0));
      wires.set(name, fresh);
      found = fresh;
    }
    return found;
  };
  const standIn: { [K in keyof Backends]: Backends[K] } = {
    block: backends.block ?? null,
    bytes: backends.bytes ?? {
      write: (byte) => void sent.push(byte),
      onReadable: (listener) => void readable.push(listener),
      read: () => queue.shift() ?? -1,
    },
    picture: backends.picture ?? { frame: () => {}, text: () => {}, refreshNs: 33e6 },
    input: backends.input ?? {
      onKey: (listener) => void keyListeners.push(listener),
      onPointer: (listener) => void pointerListeners.push(listener),
    },
    speaker: backends.speaker ?? { tone: (atNs, hz) => void tones.push([atNs, hz]) },
  };
  const noDma: DmaChannel = { transfer: () => 0, terminal: false };
  return {
    id,
    pio,
    mmio,
    pciBus,
    clock,
    ram,
    bytes,
    messages,
    missed,
    sent,
    shadows,
    tones,
    keyListeners,
    pointerListeners,
    get function() {
      return made;
    },
    advance(ns) {
      const end = now + ns;
      for (;;) {
        const next = clock.next();
        if (next > end) break;
        now = Math.max(now, next);
        clock.runDue(now);
      }
      now = end;
    },
    irq: (line): IrqLine => (irqs[line] as { wire: Wire }).wire,
    level: (line) => irqs[line]?.wire.level ?? false,
    edges: (line) => irqs[line]?.edges ?? 0,
    wire: (name) => wireOf(name).wire,
    wireLevel: (name) => wires.get(name)?.wire.level ?? false,
    wireEdges: (name) => wires.get(name)?.edges ?? 0,
    pin: (name, listener) => void pins.set(name, listener),
    drive(pin, high) {
      const listener = pins.get(pin);
      if (!listener) throw new Error(`no pin ${pin}`);
      listener(high);
    },
    pci(config) {
      made = pciBus.add(0x18, config, wireOf("intx").wire, ram);
      return made;
    },
    dma: () => noDma,
    message: (address, data) => void messages.push({ address, data }),
    chipset: {
      pciRead: (devfn, offset, width) => pciBus.read(devfn, offset, width),
      pciWrite: (devfn, offset, width, value) => pciBus.write(devfn, offset, width, value),
      shadow: (physical, length, reads, writes) => void shadows.push([physical, length, reads, writes]),
    },
    memory(length): MappedRam {
      const buffer = new Uint8Array(length);
      return { bytes: buffer, takeDirty: () => new Uint32Array(Math.ceil(length / 4096 / 32)), map: () => {}, unmap: () => {} };
    },
    backend: (kind) => standIn[kind],
    trace: () => {},
    missing: (what) => void missed.set(what, (missed.get(what) ?? 0) + 1),
    feed(...more) {
      queue.push(...more);
      for (const listener of readable) listener();
    },
    in8: (port) => pio.read(port, 1),
    in16: (port) => pio.read(port, 2),
    in32: (port) => pio.read(port, 4),
    out8: (port, value) => pio.write(port, 1, value),
    out16: (port, value) => pio.write(port, 2, value),
    out32: (port, value) => pio.write(port, 4, value),
  };
}
