// VirtualBox disk images (VDI 1.1), dynamic and static: one table of 1 MiB blocks, little endian (VirtualBox VDICore.h, QEMU block/vdi.c).
// Left out: differencing images (VirtualBox finds the parent by UUID in its registry, which is not in the file): refused by name.

import { FaultError } from "../../../src/contract/schema.ts";
import type { ByteFile } from "../byte-file.ts";
import { ABSENT, BlockTableImage, type CheckReport, corrupt, put64le, readTable, type Specific, u64le, unsupported, viewOf, ZERO } from "../image.ts";
import type { Io } from "../io.ts";

const SIGNATURE = 0xbeda107f;
const BLOCK = 1 << 20;
const UNALLOCATED = 0xffffffff;
const DISCARDED = 0xfffffffe;
const MOST_BLOCKS = 0x20000000;

export class VdiImage extends BlockTableImage {
  readonly format = "vdi";
  size: number;
  readonly clusterSize: number;
  readonly #header: Uint8Array;
  #map: DataView;
  readonly #mapAt: number;
  #dataAt: number;

  private constructor(file: ByteFile, header: Uint8Array, map: Uint8Array, readOnly: boolean) {
    super(file, readOnly || file.readOnly);
    const v = viewOf(header);
    this.#header = header;
    this.#map = viewOf(map);
    this.#mapAt = v.getUint32(340, true);
    this.#dataAt = v.getUint32(344, true);
    this.size = Math.ceil(u64le(v, 368) / 512) * 512;
    this.clusterSize = v.getUint32(376, true);
  }
  static *open(file: ByteFile, readOnly = false): Io<VdiImage> {
    const header = new Uint8Array(512);
    yield* file.read(0, header);
    const v = viewOf(header);
    const bad = (why: string) => corrupt("vdi", file, why);
    if (v.getUint32(64, true) !== SIGNATURE) throw bad("its signature is wrong");
    if (v.getUint32(68, true) !== 0x00010001) throw unsupported("vdi", file, `version ${v.getUint32(68, true) >>> 16}.${v.getUint32(68, true) & 0xffff}`);
    const blocks = v.getUint32(384, true);
    const size = u64le(v, 368);
    if (v.getUint32(360, true) !== 512) throw unsupported("vdi", file, `a sector size of ${v.getUint32(360, true)} bytes`);
    if (v.getUint32(376, true) !== BLOCK) throw unsupported("vdi", file, `a block size of ${v.getUint32(376, true)} bytes`);
    if (v.getUint32(340, true) % 512 || v.getUint32(344, true) % 512) throw bad("its tables are not at sector borders");
    if (blocks > MOST_BLOCKS || size > blocks * BLOCK) throw bad("its block count does not fit its size");
    if (header.subarray(440, 456).some((b) => b !== 0)) throw unsupported("vdi", file, "a parent (differencing images)");
    if (header.subarray(424, 440).some((b) => b !== 0)) throw unsupported("vdi", file, "a linked image");
    const map = yield* readTable("vdi", file, v.getUint32(340, true), blocks * 4, "its block map");
    return new VdiImage(file, header, map, readOnly);
  }
  protected *lookup(block: number): Io<number> {
    const entry = block * 4 < this.#map.byteLength ? this.#map.getUint32(block * 4, true) : UNALLOCATED;
    if (entry === UNALLOCATED) return ABSENT;
    if (entry === DISCARDED) return ZERO;
    return this.#dataAt + entry * BLOCK;
  }
  protected *allocate(block: number, bytes: Uint8Array): Io<void> {
    const v = viewOf(this.#header);
    const index = v.getUint32(388, true);
    yield* this.file.write(this.#dataAt + index * BLOCK, bytes);
    this.#map.setUint32(block * 4, index, true);
    // The count first: a block in the map that the count does not cover would be given out twice.
    v.setUint32(388, index + 1, true);
    yield* this.file.write(0, this.#header);
    const sector = (block * 4) & ~511;
    yield* this.file.write(this.#mapAt + sector, new Uint8Array(this.#map.buffer, this.#map.byteOffset + sector, Math.min(512, this.#map.byteLength - sector)));
  }
  *check(): Io<CheckReport> {
    const lines: string[] = [];
    const blocks = this.#map.byteLength / 4;
    const said = viewOf(this.#header).getUint32(388, true);
    const seen = new Uint8Array(blocks);
    let used = 0;
    for (let b = 0; b < blocks; b++) {
      const entry = this.#map.getUint32(b * 4, true);
      if (entry >= DISCARDED) continue;
      if (entry >= blocks) lines.push(`ERROR: block index ${b} out of range, is ${entry}`);
      else if (seen[entry]) lines.push(`ERROR: block index ${entry} also used by block ${b}`);
      else {
        seen[entry] = 1;
        used++;
      }
    }
    if (used !== said) lines.push(`ERROR: allocated blocks mismatch, is ${used}, should be ${said}`);
    return { lines, corruptions: lines.length, leaks: 0, corruptionsFixed: 0, leaksFixed: 0, allocatedClusters: used, totalClusters: blocks, compressedClusters: 0, fragmentedClusters: 0, imageEndOffset: 0 };
  }
  *specific(): Io<Specific> {
    return {};
  }
}

export interface VdiOptions {
  readonly size: number;
  readonly fixed?: boolean;
  /** 16 random bytes. */
  readonly uuid: () => Uint8Array;
}
export function* createVdi(file: ByteFile, { size, fixed = false, uuid }: VdiOptions): Io<void> {
  const blocks = Math.ceil(size / BLOCK);
  if (blocks > MOST_BLOCKS) throw new FaultError("image.option", "The image is too large for the vdi format.");
  const header = new Uint8Array(512);
  header.set(new TextEncoder().encode("<<< QEMU VM Virtual Disk Image >>>\n"));
  const v = viewOf(header);
  const mapBytes = Math.ceil((blocks * 4) / 512) * 512;
  v.setUint32(64, SIGNATURE, true);
  v.setUint32(68, 0x00010001, true);
  v.setUint32(72, 0x180, true);
  v.setUint32(76, fixed ? 2 : 1, true);
  v.setUint32(340, 512, true);
  v.setUint32(344, 512 + mapBytes, true);
  v.setUint32(360, 512, true);
  put64le(v, 368, size);
  v.setUint32(376, BLOCK, true);
  v.setUint32(384, blocks, true);
  v.setUint32(388, fixed ? blocks : 0, true);
  header.set(uuid(), 392);
  header.set(uuid(), 408);
  const map = new Uint8Array(mapBytes);
  const m = viewOf(map);
  for (let b = 0; b < blocks; b++) m.setUint32(b * 4, fixed ? b : UNALLOCATED, true);
  yield* file.truncate(0);
  yield* file.write(0, header);
  yield* file.write(512, map);
  if (fixed) yield* file.truncate(512 + mapBytes + blocks * BLOCK);
  yield* file.flush();
}
