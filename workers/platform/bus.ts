// The two address spaces of a PC: 64 Ki ports by table, physical memory by a sorted list with a last-hit cache.
// An access that lies wholly in one mapping reaches it in one piece; one that straddles is cut into bytes.
// Reads of nothing give all ones, writes to nothing are dropped. Nothing is allocated per access.

import type { Bus, Mapping, Region, Width } from "./types.ts";

export function allOnes(width: Width): number {
  return width === 1 ? 0xff : width === 2 ? 0xffff : width === 4 ? 0xffffffff : 2 ** 53 - 1;
}

/** A bus whose `tryMap` answers null instead of throwing, for ranges that the guest chooses. */
export interface GuestBus extends Bus {
  tryMap(base: number, length: number, region: Region): Mapping | null;
  list(): readonly { readonly base: number; readonly length: number; readonly region: Region }[];
}

interface Entry {
  base: number;
  length: number;
  readonly region: Region;
}

export class PortBus implements GuestBus {
  private readonly table: (Entry | null)[] = new Array<Entry | null>(65536).fill(null);
  private readonly entries: Entry[] = [];

  read(port: number, width: Width): number {
    const entry = this.table[port & 0xffff];
    if (entry !== null && entry !== undefined && port + width <= entry.base + entry.length)
      return entry.region.read(port - entry.base, width);
    if (width === 1) return 0xff;
    let value = 0;
    for (let i = 0; i < width; i++) {
      const one = this.table[(port + i) & 0xffff];
      value += (one ? one.region.read(((port + i) & 0xffff) - one.base, 1) & 0xff : 0xff) * 2 ** (8 * i);
    }
    return value;
  }
  write(port: number, width: Width, value: number): void {
    const entry = this.table[port & 0xffff];
    if (entry !== null && entry !== undefined && port + width <= entry.base + entry.length) {
      entry.region.write(port - entry.base, width, value);
      return;
    }
    if (width === 1) return;
    for (let i = 0; i < width; i++) {
      const at = (port + i) & 0xffff;
      const one = this.table[at];
      if (one) one.region.write(at - one.base, 1, Math.floor(value / 2 ** (8 * i)) & 0xff);
    }
  }
  map(base: number, length: number, region: Region): Mapping {
    const mapping = this.tryMap(base, length, region);
    if (mapping === null) throw new Error(`port range 0x${base.toString(16)}+${length} overlaps or is out of range`);
    return mapping;
  }
  tryMap(base: number, length: number, region: Region): Mapping | null {
    const entry: Entry = { base, length, region };
    if (!this.insert(entry)) return null;
    return {
      move: (to) => {
        this.drop(entry);
        const from = entry.base;
        entry.base = to;
        if (!this.insert(entry)) {
          entry.base = from;
          this.insert(entry);
          throw new Error(`port range 0x${to.toString(16)}+${length} overlaps`);
        }
      },
      remove: () => this.drop(entry),
    };
  }
  list(): readonly Entry[] {
    return [...this.entries].sort((a, b) => a.base - b.base);
  }
  private insert(entry: Entry): boolean {
    if (entry.base < 0 || entry.length < 1 || entry.base + entry.length > 65536) return false;
    for (let i = 0; i < entry.length; i++) if (this.table[entry.base + i]) return false;
    for (let i = 0; i < entry.length; i++) this.table[entry.base + i] = entry;
    this.entries.push(entry);
    return true;
  }
  private drop(entry: Entry): void {
    const at = this.entries.indexOf(entry);
    if (at < 0) return;
    this.entries.splice(at, 1);
    for (let i = 0; i < entry.length; i++) this.table[entry.base + i] = null;
  }
}

export class MemoryBus implements GuestBus {
  private readonly entries: Entry[] = [];
  private last: Entry | null = null;

  private find(physical: number): Entry | null {
    const last = this.last;
    if (last !== null && physical >= last.base && physical < last.base + last.length) return last;
    let low = 0;
    let high = this.entries.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const entry = this.entries[middle] as Entry;
      if (physical < entry.base) high = middle - 1;
      else if (physical >= entry.base + entry.length) low = middle + 1;
      else {
        this.last = entry;
        return entry;
      }
    }
    return null;
  }
  read(physical: number, width: Width): number {
    const entry = this.find(physical);
    if (entry !== null && physical + width <= entry.base + entry.length) return entry.region.read(physical - entry.base, width);
    if (width === 1) return 0xff;
    let value = 0;
    for (let i = 0; i < width; i++) {
      const one = this.find(physical + i);
      value += (one ? one.region.read(physical + i - one.base, 1) & 0xff : 0xff) * 2 ** (8 * i);
    }
    return value;
  }
  write(physical: number, width: Width, value: number): void {
    const entry = this.find(physical);
    if (entry !== null && physical + width <= entry.base + entry.length) {
      entry.region.write(physical - entry.base, width, value);
      return;
    }
    if (width === 1) return;
    for (let i = 0; i < width; i++) {
      const one = this.find(physical + i);
      if (one) one.region.write(physical + i - one.base, 1, Math.floor(value / 2 ** (8 * i)) & 0xff);
    }
  }
  map(base: number, length: number, region: Region): Mapping {
    const mapping = this.tryMap(base, length, region);
    if (mapping === null) throw new Error(`memory range 0x${base.toString(16)}+0x${length.toString(16)} overlaps`);
    return mapping;
  }
  tryMap(base: number, length: number, region: Region): Mapping | null {
    const entry: Entry = { base, length, region };
    if (!this.insert(entry)) return null;
    return {
      move: (to) => {
        this.drop(entry);
        const from = entry.base;
        entry.base = to;
        if (!this.insert(entry)) {
          entry.base = from;
          this.insert(entry);
          throw new Error(`memory range 0x${to.toString(16)}+0x${length.toString(16)} overlaps`);
        }
      },
      remove: () => this.drop(entry),
    };
  }
  list(): readonly Entry[] {
    return this.entries;
  }
  private insert(entry: Entry): boolean {
    if (entry.base < 0 || entry.length < 1) return false;
    for (const other of this.entries)
      if (entry.base < other.base + other.length && other.base < entry.base + entry.length) return false;
    this.entries.push(entry);
    this.entries.sort((a, b) => a.base - b.base);
    return true;
  }
  private drop(entry: Entry): void {
    const at = this.entries.indexOf(entry);
    if (at >= 0) this.entries.splice(at, 1);
    this.last = null;
  }
}

/** A region of 8-bit registers: wider accesses are cut into bytes, low byte first, as an 8-bit ISA card sees them. */
export function byteRegion(read8: (offset: number) => number, write8: (offset: number, value: number) => void): Region {
  return {
    read(offset, width) {
      if (width === 1) return read8(offset);
      let value = 0;
      for (let i = 0; i < width; i++) value += (read8(offset + i) & 0xff) * 2 ** (8 * i);
      return value;
    },
    write(offset, width, value) {
      if (width === 1) return write8(offset, value & 0xff);
      for (let i = 0; i < width; i++) write8(offset + i, Math.floor(value / 2 ** (8 * i)) & 0xff);
    },
  };
}

/** A region of aligned 32-bit registers: narrower and misaligned reads are cut from it, narrower writes carry only their own bytes. */
export function wordRegion(read32: (offset: number) => number, write32: (offset: number, value: number) => void): Region {
  return {
    read(offset, width) {
      const shift = (offset & 3) * 8;
      const word = read32(offset & ~3) >>> 0;
      if (width === 4 && shift === 0) return word;
      if (width === 8) return word + (read32((offset & ~3) + 4) >>> 0) * 2 ** 32;
      return (word >>> shift) & (allOnes(width) >>> 0);
    },
    write(offset, width, value) {
      if (width === 8) {
        write32(offset & ~3, value >>> 0);
        write32((offset & ~3) + 4, Math.floor(value / 2 ** 32) >>> 0);
        return;
      }
      write32(offset & ~3, (value << ((offset & 3) * 8)) >>> 0);
    },
  };
}
