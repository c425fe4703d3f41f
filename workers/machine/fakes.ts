// Stand-ins for the processor, memory and backends, for tests of the board and the run loop. The fake CPU executes a JavaScript
// function per run instead of instructions.

import type { DomainConfig } from "../../src/contract/domain.ts";
import type { MapRange, Place } from "../../src/contract/inspect.ts";
import { domainSchema } from "../../src/contract/domain.ts";
import type { Cpu, CpuHost, Exit, GuestMemory } from "../cpu/cpu.ts";
import type { Backends, MappedRam } from "../platform/types.ts";
import type { BackendSource, FirmwareImages } from "./parts.ts";

export class FakeMemory implements GuestMemory {
  readonly ram: { base: number; bytes: Uint8Array }[] = [];
  readonly mapped: { base: number; bytes: Uint8Array }[] = [];
  readonly shadows: { physical: number; length: number; reads: string; writes: string }[] = [];
  addRam(physical: number, length: number): void {
    // Only the first 16 MiB hold bytes: tests look there.
    this.ram.push({ base: physical, bytes: new Uint8Array(Math.min(length, 16 << 20)) });
  }
  allocate(length: number): MappedRam {
    const bytes = new Uint8Array(length);
    const entry = { base: -1, bytes };
    return {
      bytes,
      takeDirty: () => new Uint32Array(Math.ceil(length / 4096 / 32)),
      map: (base) => {
        entry.base = base;
        if (!this.mapped.includes(entry)) this.mapped.push(entry);
      },
      unmap: () => {
        const at = this.mapped.indexOf(entry);
        if (at >= 0) this.mapped.splice(at, 1);
      },
    };
  }
  readable(address: number): boolean {
    return this.ram.some((r) => address >= r.base && address < r.base + r.bytes.length);
  }
  place(address: number): Place {
    return { kind: this.readable(address) ? "ram" : "bus", frame: null, writable: true, dirty: false, packed: false };
  }
  ranges(): MapRange[] {
    return this.ram.map((r) => ({ from: r.base, to: r.base + r.bytes.length - 1, kind: "ram", writable: true }));
  }
  read(address: number, into: Uint8Array): void {
    const found = this.ram.find((r) => address >= r.base && address + into.length <= r.base + r.bytes.length);
    if (found) into.set(found.bytes.subarray(address - found.base, address - found.base + into.length));
    else into.fill(0xff);
  }
  write(address: number, from: Uint8Array): void {
    const found = this.ram.find((r) => address >= r.base && address + from.length <= r.base + r.bytes.length);
    found?.bytes.set(from, address - found.base);
  }
  setShadow(physical: number, length: number, reads: "ram" | "bus", writes: "ram" | "bus"): void {
    this.shadows.push({ physical, length, reads, writes });
  }
}

export class FakeCpu implements Cpu {
  readonly host: CpuHost;
  intrLevel = false;
  idle = false;
  nmis = 0;
  inits = 0;
  resets = 0;
  a20 = false;
  started: number[] | null = null;
  private count = 0;
  private kicked = false;
  /** What `run` does; returns the instructions it took (at most the budget) and why it ended. */
  script: (budget: number, cpu: FakeCpu) => { ran: number; exit: Exit } = () => ({ ran: 0, exit: { reason: "halt" } });
  readonly intr = {
    set: (high: boolean) => {
      this.intrLevel = high;
    },
  };
  constructor(host: CpuHost) {
    this.host = host;
  }
  nmi(): void {
    this.nmis++;
  }
  init(): void {
    this.inits++;
  }
  startup(): void {}
  setA20(enabled: boolean): void {
    this.a20 = enabled;
  }
  run(budget: number): Exit {
    this.kicked = false;
    const { ran, exit } = this.script(budget, this);
    this.count += ran;
    return this.kicked ? { reason: "kick" } : exit;
  }
  kick(): void {
    this.kicked = true;
  }
  instructions(): number {
    return this.count;
  }
  counters() {
    return { instructions: this.count, tlbFills: 0, interrupts: 0, exceptions: 0, blocksDecoded: 0 };
  }
  reset(): void {
    this.resets++;
  }
  start(cs: number, ip: number, dl: number): void {
    this.started = [cs, ip, dl];
  }
  save(): number {
    return this.count;
  }
  load(state: unknown): void {
    this.count = Number(state);
  }
}

export interface FakeBackends {
  readonly source: BackendSource;
  readonly output: { readonly [id: string]: number[] };
  key(scancode: number, down: boolean): void;
}
export function fakeBackends(disks: { readonly [id: string]: Uint8Array } = {}): FakeBackends {
  const output: { [id: string]: number[] } = {};
  const keys: ((scancode: number, down: boolean) => void)[] = [];
  const make: { [K in keyof Backends]: (id: string) => Backends[K] } = {
    block: (id) => {
      const bytes = disks[id];
      if (!bytes) return null;
      const readSync = (sector: number, into: Uint8Array) => into.set(bytes.subarray(sector * 512, sector * 512 + into.length));
      return {
        sectors: bytes.length / 512,
        readOnly: false,
        readSync,
        writeSync: (sector, from) => bytes.set(from, sector * 512),
        read: async (sector, into) => readSync(sector, into),
        write: async (sector, from) => bytes.set(from, sector * 512),
        flush: async () => {},
      };
    },
    bytes: (id) => ({
      write: (byte) => {
        let list = output[id];
        if (!list) output[id] = list = [];
        list.push(byte);
      },
      onReadable: () => {},
      read: () => -1,
    }),
    picture: () => ({ frame: () => {}, text: () => {}, refreshNs: Infinity }),
    input: () => ({ onKey: (listener) => void keys.push(listener), onPointer: () => {} }),
    speaker: () => ({ tone: () => {} }),
  };
  return {
    source: (kind, id) => make[kind](id) as never,
    output,
    key: (scancode, down) => {
      for (const listener of keys) listener(scancode, down);
    },
  };
}

export function testConfig(more: { readonly [k: string]: unknown } = {}): DomainConfig {
  return domainSchema.parse({
    name: "test",
    memoryMiB: 64,
    cpu: { model: "qemu64", count: 1, accel: "interp" },
    clock: { mode: "instructions", shift: 0 },
    firmware: {},
    boot: {},
    vga: "std",
    ...more,
  });
}
export const testFirmware: FirmwareImages = { bios: new Uint8Array(0x40000).fill(0xf4) };
