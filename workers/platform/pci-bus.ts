// PCI bus 0: configuration space of each function, BAR sizing and mapping (PCI Local Bus 3.0, chapter 6).
// Left out: bridges, 64-bit BARs, capabilities (a device writes its own). Where a BAR the guest programmed collides
// with something else it stays unmapped and is tried again at the next change: guests do that while sizing.

import type { GuestBus } from "./bus.ts";
import { fields, SnapshotError } from "./state.ts";
import type { GuestRam, IrqLine, MappedRam, Mapping, PciFunction, Region, State, Width } from "./types.ts";

interface Bar {
  readonly index: number;
  readonly kind: "io" | "memory" | "prefetchable";
  readonly length: number;
  readonly target: Region | MappedRam;
  /** Where it is mapped now, -1 for nowhere. */
  at: number;
  mapping: Mapping | null;
}

export class PciFunctionImpl implements PciFunction {
  readonly config = new Uint8Array(256);
  readonly mask = new Uint8Array(256);
  readonly intx: IrqLine;
  readonly dma: GuestRam;
  readonly devfn: number;
  private readonly initial: Uint8Array;
  private readonly bus: PciBus;
  private readonly bars: Bar[] = [];
  private readonly listeners: ((offset: number, width: Width, value: number) => void)[] = [];

  constructor(bus: PciBus, devfn: number, config: Uint8Array, intx: IrqLine, ram: GuestRam) {
    this.bus = bus;
    this.devfn = devfn;
    this.intx = intx;
    this.initial = new Uint8Array(256);
    this.initial.set(config.subarray(0, 256));
    this.config.set(this.initial);
    this.mask[4] = 0x47;
    this.mask[5] = 0x05;
    this.mask[0x0c] = this.mask[0x0d] = this.mask[0x3c] = 0xff;
    const isMaster = () => (this.config[4] as number) & 4;
    this.dma = {
      read: (address, into) => {
        if (isMaster()) ram.read(address, into);
        else into.fill(0xff);
      },
      write: (address, from) => {
        if (isMaster()) ram.write(address, from);
      },
    };
  }
  bar(index: number, kind: "io" | "memory" | "prefetchable", length: number, target: Region | MappedRam): void {
    const at = index === 6 ? 0x30 : 0x10 + index * 4;
    const type = kind === "io" ? 1 : kind === "prefetchable" ? 8 : 0;
    let mask = ~(length - 1) >>> 0;
    if (index === 6) mask = (mask | 1) >>> 0;
    for (let i = 0; i < 4; i++) {
      this.mask[at + i] = (mask >>> (8 * i)) & 0xff;
      this.initial[at + i] = this.config[at + i] = i === 0 && index !== 6 ? type : 0;
    }
    this.bars.push({ index, kind, length, target, at: -1, mapping: null });
  }
  barRam(index: number, kind: "memory" | "prefetchable", ram: MappedRam): void {
    this.bar(index, kind, ram.bytes.length, ram);
  }
  writable(offset: number, mask: Uint8Array): void {
    for (let i = 0; i < mask.length && offset + i < 256; i++)
      this.mask[offset + i] = (this.mask[offset + i] as number) | (mask[i] as number);
  }
  onConfigWrite(listener: (offset: number, width: Width, value: number) => void): void {
    this.listeners.push(listener);
  }
  /** Power-on contents; the interrupt line and everything guest-programmed are lost. Devices set their own bytes in reset(). */
  reset(): void {
    for (let i = 0; i < 256; i++) {
      const mask = this.mask[i] as number;
      this.config[i] = ((this.config[i] as number) & ~mask) | ((this.initial[i] as number) & mask);
    }
    this.config[7] = this.initial[7] as number;
    this.bus.remap();
  }
  read(offset: number, width: number): number {
    let value = 0;
    for (let i = 0; i < width; i++) value |= (this.config[(offset + i) & 0xff] as number) << (8 * i);
    return value >>> 0;
  }
  write(offset: number, width: Width, value: number): void {
    for (let i = 0; i < width; i++) {
      const at = (offset + i) & 0xff;
      const byte = (value >>> (8 * i)) & 0xff;
      const mask = this.mask[at] as number;
      if (at === 7) this.config[7] = (this.config[7] as number) & ~(byte & 0xf9);
      else this.config[at] = ((this.config[at] as number) & ~mask) | (byte & mask);
    }
    for (let i = 0; i < this.listeners.length; i++)
      (this.listeners[i] as (o: number, w: Width, v: number) => void)(offset, width, value);
    if (offset < 0x34 && offset + width > 4) this.bus.remap();
  }
  /** Unmaps what moved or was switched off (first), then maps what should be there (second). */
  unmapStale(): void {
    for (const bar of this.bars) {
      const want = this.wanted(bar);
      if (bar.at === -1 || want === bar.at) continue;
      if ("map" in bar.target) bar.target.unmap();
      else bar.mapping?.remove();
      bar.mapping = null;
      bar.at = -1;
    }
  }
  mapWanted(): void {
    for (const bar of this.bars) {
      const want = this.wanted(bar);
      if (want === -1 || bar.at === want) continue;
      if ("map" in bar.target) {
        bar.target.map(want);
        bar.at = want;
        continue;
      }
      bar.mapping = (bar.kind === "io" ? this.bus.pio : this.bus.mmio).tryMap(want, bar.length, bar.target);
      if (bar.mapping !== null) bar.at = want;
    }
  }
  private wanted(bar: Bar): number {
    const command = this.config[4] as number;
    const value = this.read(bar.index === 6 ? 0x30 : 0x10 + bar.index * 4, 4);
    if (bar.kind === "io") {
      if (!(command & 1)) return -1;
      const base = value & 0xfffc & ~(bar.length - 1);
      return value >= 0x10000 || base === 0 || base + bar.length > 0x10000 ? -1 : base;
    }
    if (!(command & 2) || (bar.index === 6 && !(value & 1))) return -1;
    const base = (value & ~(bar.length - 1) & ~0xf) >>> 0;
    // The top of 4 GiB holds the BIOS: a BAR that reaches it is being sized.
    return base === 0 || base < 0x100000 || base + bar.length > 0xfec00000 ? -1 : base;
  }
  list(): readonly { readonly index: number; readonly kind: string; readonly length: number; readonly at: number }[] {
    return this.bars.map(({ index, kind, length, at }) => ({ index, kind, length, at }));
  }
}

export class PciBus {
  readonly pio: GuestBus;
  readonly mmio: GuestBus;
  private readonly functions: (PciFunctionImpl | null)[] = new Array<PciFunctionImpl | null>(256).fill(null);
  constructor(pio: GuestBus, mmio: GuestBus) {
    this.pio = pio;
    this.mmio = mmio;
  }
  add(devfn: number, config: Uint8Array, intx: IrqLine, ram: GuestRam): PciFunctionImpl {
    if (this.functions[devfn]) throw new Error(`PCI function ${devfn >> 3}.${devfn & 7} is taken`);
    const made = new PciFunctionImpl(this, devfn, config, intx, ram);
    this.functions[devfn] = made;
    return made;
  }
  at(devfn: number): PciFunctionImpl | null {
    return this.functions[devfn & 0xff] ?? null;
  }
  list(): readonly PciFunctionImpl[] {
    return this.functions.filter((f) => f !== null);
  }
  read(devfn: number, offset: number, width: number): number {
    const target = this.functions[devfn & 0xff];
    if (!target) return width === 1 ? 0xff : width === 2 ? 0xffff : 0xffffffff;
    return target.read(offset, width);
  }
  write(devfn: number, offset: number, width: Width, value: number): void {
    this.functions[devfn & 0xff]?.write(offset, width, value);
  }
  remap(): void {
    for (const f of this.functions) f?.unmapStale();
    for (const f of this.functions) f?.mapWanted();
  }
  reset(): void {
    for (const f of this.functions) f?.reset();
  }
  save(): State {
    const out: { [k: string]: Uint8Array } = {};
    for (const f of this.list()) out[String(f.devfn)] = f.config.slice();
    return out;
  }
  load(state: State): void {
    const from = fields(state, "pci");
    for (const [devfn, bytes] of Object.entries(from)) {
      const target = this.functions[Number(devfn)];
      if (!target || !(bytes instanceof Uint8Array) || bytes.length !== 256) throw new SnapshotError(`pci function ${devfn}`);
      target.config.set(bytes);
    }
    this.remap();
  }
}

/** The first 64 bytes of a type-0 header. `classCode` is 24 bits: class, subclass, interface. */
export function pciHeader(h: {
  readonly vendor: number;
  readonly device: number;
  readonly classCode: number;
  readonly revision?: number;
  readonly subsystem?: readonly [vendor: number, device: number];
  readonly command?: number;
  readonly status?: number;
  readonly multifunction?: boolean;
  /** 1-4 = INTA-INTD, 0 = none. */
  readonly interruptPin?: number;
  /** Where a capability for one message-signalled interrupt with a 64-bit address stands (PCI Local Bus 3.0, 6.8.1). */
  readonly msi?: number;
}): Uint8Array {
  const config = new Uint8Array(256);
  const view = new DataView(config.buffer);
  view.setUint16(0, h.vendor, true);
  view.setUint16(2, h.device, true);
  view.setUint16(4, h.command ?? 0, true);
  view.setUint16(6, h.status ?? 0, true);
  config[8] = h.revision ?? 0;
  config[9] = h.classCode & 0xff;
  view.setUint16(10, h.classCode >> 8, true);
  config[0x0e] = h.multifunction ? 0x80 : 0;
  view.setUint16(0x2c, h.subsystem?.[0] ?? 0x1af4, true);
  view.setUint16(0x2e, h.subsystem?.[1] ?? 0x1100, true);
  config[0x3d] = h.interruptPin ?? 0;
  if (h.msi) {
    config[6] = (config[6] as number) | 0x10;
    config[0x34] = h.msi;
    config[h.msi] = 5;
    config[h.msi + 2] = 0x80;
  }
  return config;
}
