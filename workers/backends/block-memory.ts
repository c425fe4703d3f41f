// A disk in memory, and a copy-on-write layer that keeps writes in memory over a base that is only read.
// Left out: giving back memory of overwritten blocks.

import { FaultError } from "../../src/contract/schema.ts";
import type { BlockBackend } from "../platform/types.ts";

export const SECTOR = 512;

/** Sectors in `bytes`, or a Fault that names the disk. */
export function sectorsOf(bytes: number, name: string): number {
  if (bytes === 0) throw new FaultError("block.empty", `${name} is empty: a disk has at least one sector of 512 bytes.`, "Was the file copied completely? A blank disk is made with truncate -s 64M FILE.");
  if (bytes % SECTOR !== 0)
    throw new FaultError(
      "block.size",
      `${name} has ${bytes} bytes, which is not a whole number of 512-byte sectors.`,
      "Pad the image, for example with truncate -s %512 FILE.",
    );
  return bytes / SECTOR;
}

export class MemoryBlock implements BlockBackend {
  readonly sectors: number;
  readonly readOnly: boolean;
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array, readOnly = false, name = "The disk") {
    this.sectors = sectorsOf(bytes.length, name);
    this.bytes = bytes;
    this.readOnly = readOnly;
  }
  readSync(sector: number, into: Uint8Array): void {
    into.set(this.bytes.subarray(sector * SECTOR, sector * SECTOR + into.length));
  }
  writeSync(sector: number, from: Uint8Array): void {
    this.bytes.set(from, sector * SECTOR);
  }
  async read(sector: number, into: Uint8Array): Promise<void> {
    this.readSync(sector, into);
  }
  async write(sector: number, from: Uint8Array): Promise<void> {
    this.writeSync(sector, from);
  }
  async flush(): Promise<void> {}
}

const CLUSTER_SECTORS = 128;
const CLUSTER = CLUSTER_SECTORS * SECTOR;

/** Writes stay in memory in clusters of 64 KiB; a bitmap tells which sectors of a cluster were written. */
export class OverlayBlock implements BlockBackend {
  readonly sectors: number;
  readonly readOnly = false;
  readonly readSync?: (sector: number, into: Uint8Array) => void;
  readonly writeSync: (sector: number, from: Uint8Array) => void;
  readonly #base: BlockBackend;
  readonly #clusters = new Map<number, { readonly bytes: Uint8Array; readonly written: Uint32Array }>();

  constructor(base: BlockBackend) {
    this.#base = base;
    this.sectors = base.sectors;
    this.writeSync = (sector, from) => this.#store(sector, from);
    if (base.readSync) {
      this.readSync = (sector, into) => {
        if (!this.#covers(sector, into.length / SECTOR)) base.readSync?.(sector, into);
        this.#lay(sector, into);
      };
    }
  }
  #has(sector: number): boolean {
    const cluster = this.#clusters.get(Math.floor(sector / CLUSTER_SECTORS));
    const bit = sector % CLUSTER_SECTORS;
    return cluster !== undefined && (cluster.written[bit >> 5]! & (1 << (bit & 31))) !== 0;
  }
  #covers(sector: number, count: number): boolean {
    for (let i = 0; i < count; i++) if (!this.#has(sector + i)) return false;
    return true;
  }
  #lay(sector: number, into: Uint8Array): void {
    if (this.#clusters.size === 0) return;
    for (let i = 0; i < into.length / SECTOR; i++) {
      if (!this.#has(sector + i)) continue;
      const cluster = this.#clusters.get(Math.floor((sector + i) / CLUSTER_SECTORS))!;
      const at = ((sector + i) % CLUSTER_SECTORS) * SECTOR;
      into.set(cluster.bytes.subarray(at, at + SECTOR), i * SECTOR);
    }
  }
  #store(sector: number, from: Uint8Array): void {
    for (let i = 0; i < from.length / SECTOR; i++) {
      const index = Math.floor((sector + i) / CLUSTER_SECTORS);
      const within = (sector + i) % CLUSTER_SECTORS;
      let cluster = this.#clusters.get(index);
      if (!cluster) {
        cluster = { bytes: new Uint8Array(CLUSTER), written: new Uint32Array(CLUSTER_SECTORS / 32) };
        this.#clusters.set(index, cluster);
      }
      cluster.bytes.set(from.subarray(i * SECTOR, (i + 1) * SECTOR), within * SECTOR);
      cluster.written[within >> 5] = cluster.written[within >> 5]! | (1 << (within & 31));
    }
  }
  async read(sector: number, into: Uint8Array): Promise<void> {
    if (!this.#covers(sector, into.length / SECTOR)) await this.#base.read(sector, into);
    this.#lay(sector, into);
  }
  async write(sector: number, from: Uint8Array): Promise<void> {
    this.#store(sector, from);
  }
  async flush(): Promise<void> {}
}
