// A whole machine as one file (".ghvm", and the machine's state inside qcow2 snapshots): "GHVM", a version, a packed head (config, sections,
// table of RAM chunks) and the chunks. Format 1. Files come from strangers: every size is checked before anything is built from it.

import { type DomainConfig, domainSchema } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { zstdCompress, zstdDecompress } from "../backends/compress.ts";
import { bytesField, fields, listField, numberField, SnapshotError } from "../platform/state.ts";
import type { State } from "../platform/types.ts";
import { CHUNK_BYTES, type Chunks, type PackedChunk } from "./ram-keeper.ts";
import type { Section, Sections } from "../machine/snapshot.ts";
import { decodeState, encodeState } from "./state-codec.ts";

export interface HotPages {
  readonly pages: Uint32Array;
  /** 4 KiB of each. */
  readonly bytes: Uint8Array;
}
export interface VmState {
  readonly sections: Sections;
  readonly chunks: Chunks;
  /** When it was saved, ms since 1970. */
  readonly dateMs: number;
  /** Pages that whoever goes on from here touches at once, beside the chunks that hold them too. */
  readonly hot?: HotPages;
  /** "ask-time": the guest waits on COM1 for a line with the date and fresh entropy (images/lib/resume.ts). */
  readonly waits: "" | "ask-time";
}
const MAGIC = new TextEncoder().encode("GHVM");
const FORMAT = 1;
const MOST_HEAD = 64 << 20;
const PAGE = 4096;
const MOST_HOT = 8192;
const MOST_CHUNKS = (4 * 2 ** 30) / CHUNK_BYTES + 16;

export function encodeVm(vm: VmState, level = 3): readonly Uint8Array[] {
  const chunks = [...vm.chunks];
  const table = new Uint8Array(chunks.length * 8);
  const t = new DataView(table.buffer);
  chunks.forEach(([chunk, packed], i) => {
    t.setUint32(i * 8, chunk, true);
    t.setUint32(i * 8 + 4, packed.bytes.length, true);
  });
  const plain = encodeState({
    config: JSON.stringify(vm.sections.config),
    sections: vm.sections.sections.map((s): State => ({ device: s.device, type: s.type, version: s.version, state: s.state })),
    chunkBytes: CHUNK_BYTES,
    chunks: table,
    dateMs: vm.dateMs,
    waits: vm.waits,
    ...(vm.hot ? { hot: { pages: new Uint8Array(vm.hot.pages.buffer, vm.hot.pages.byteOffset, vm.hot.pages.byteLength), bytes: vm.hot.bytes } } : {}),
  });
  const packed = zstdCompress(plain, level);
  const head = new Uint8Array(16);
  head.set(MAGIC);
  const v = new DataView(head.buffer);
  v.setUint32(4, FORMAT, true);
  v.setUint32(8, packed.length, true);
  v.setUint32(12, plain.length, true);
  return [head, packed, ...chunks.map(([, c]) => c.bytes)];
}
const bad = (why: string) => new FaultError("snapshot.bad", `The saved machine cannot be used: ${why}.`, "The file may be damaged, or was not copied completely.");

/** Bytes of the head, so that the rest may be fetched later. */
export function vmHeadLength(start: Uint8Array): number {
  const v = new DataView(start.buffer, start.byteOffset, start.byteLength);
  if (start.length < 16 || MAGIC.some((b, i) => start[i] !== b)) throw bad("it does not start with GHVM");
  if (v.getUint32(4, true) !== FORMAT) throw bad(`its format ${v.getUint32(4, true)} is not known`);
  const packed = v.getUint32(8, true);
  if (packed > MOST_HEAD || v.getUint32(12, true) > MOST_HEAD) throw bad("its head is too large");
  return 16 + packed;
}
export function decodeVm(bytes: Uint8Array): VmState {
  return decodeVmHead(bytes, bytes.length, (at, length) => ({ bytes: bytes.subarray(at, at + length) }));
}
/** From the head alone: `chunkAt` gives what lies at a place of the file, which has `total` bytes. */
export function decodeVmHead(bytes: Uint8Array, total: number, chunkAt: (at: number, length: number) => PackedChunk): VmState {
  const end = vmHeadLength(bytes);
  if (end > bytes.length) throw bad("it is cut short");
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const head = fields(decodeState(zstdDecompress(bytes.subarray(16, end), v.getUint32(12, true), "the saved machine")), "the head");
    if (numberField(head, "chunkBytes") !== CHUNK_BYTES) throw new SnapshotError("its chunks have another size");
    const config: DomainConfig = domainSchema.parse(JSON.parse(typeof head.config === "string" ? head.config : "null"), "saved machine");
    const sections = listField(head, "sections").map((one): Section => {
      const s = fields(one, "section");
      const { device, type, state } = s;
      if (typeof device !== "string" || typeof type !== "string" || state === undefined) throw new SnapshotError("a section is damaged");
      return { device, type, version: numberField(s, "version"), state };
    });
    const table = bytesField(head, "chunks");
    if (table.length % 8 || table.length / 8 > MOST_CHUNKS) throw new SnapshotError("the table of chunks is damaged");
    const t = new DataView(table.buffer, table.byteOffset, table.byteLength);
    const chunks = new Map<number, PackedChunk>();
    let at = end;
    for (let i = 0; i < table.length; i += 8) {
      const length = t.getUint32(i + 4, true);
      if (length > CHUNK_BYTES * 2 || at + length > total) throw new SnapshotError("a chunk is cut short");
      chunks.set(t.getUint32(i, true), chunkAt(at, length));
      at += length;
    }
    const dateMs = head.dateMs;
    return { sections: { format: 1, config, sections }, chunks, ...(head.hot === undefined ? {} : { hot: hotPages(head.hot) }), dateMs: typeof dateMs === "number" && Number.isFinite(dateMs) ? dateMs : 0, waits: head.waits === "ask-time" ? "ask-time" : "" };
  } catch (error) {
    if (error instanceof SnapshotError || error instanceof SyntaxError) throw bad(error.message);
    throw error;
  }
}
function hotPages(state: State): HotPages {
  const hot = fields(state, "the first pages");
  const pages = bytesField(hot, "pages");
  const bytes = bytesField(hot, "bytes");
  // Also what a page number means is checked by whoever puts them into memory: pages that nobody waits for are left alone.
  if (pages.length % 4 || pages.length / 4 > MOST_HOT || bytes.length !== (pages.length / 4) * PAGE) throw new SnapshotError("its first pages are damaged");
  return { pages: new Uint32Array(pages.slice().buffer), bytes };
}
