// Translating one linear address by hand, level by level, for people to look at (SDM 3A 4.3 to 4.5): off, 32-bit with PSE and PSE-36, PAE, 4-level.
// Reads the tables in memory and changes nothing: no accessed bits, no TLB. Core's own walker (cpu/core/mmu.ts) is the one that guests feel; a test
// compares the two. Left out: 5-level paging (no model has it), protection keys (the same).

import type { PagingMode, Walk, WalkLevel } from "../../src/contract/inspect.ts";
import type { GuestMemory } from "../cpu/cpu.ts";

export interface WalkedRegisters {
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
  /** The processor's copies of the four PDPT entries. */
  readonly pdpte: readonly bigint[];
  readonly a20: boolean;
}
const FRAME = 0xffffffffff000n;
const NX = 1n << 63n;
/** Physical addresses of every model have 40 bits. */
const RESERVED_HIGH = 0xfff0000000000n & ~0xff_ffff_ffffn;

export function pagingMode({ cr0, cr4, efer }: Pick<WalkedRegisters, "cr0" | "cr4" | "efer">): PagingMode {
  if (!(cr0 & 0x80000000n)) return "off";
  return efer & 0x400n ? "4-level" : cr4 & 0x20n ? "pae" : "32-bit";
}
const LOW_NAMES = ["P", "R/W", "U/S", "PWT", "PCD", "A", "D"];
function bitNames(entry: bigint, leads: WalkLevel["leads"], last: boolean): string[] {
  if (!(entry & 1n)) return [];
  const names = LOW_NAMES.filter((_, n) => entry & (1n << BigInt(n)) && (n !== 6 || leads === "page"));
  if (entry & 0x80n) names.push(last ? "PAT" : "PS");
  if (entry & 0x100n && leads === "page") names.push("G");
  if (entry & 0x1000n && leads === "page" && !last) names.push("PAT");
  if (entry & NX) names.push("XD");
  return names;
}

export function walk(memory: GuestMemory, r: WalkedRegisters, address: bigint): Walk {
  const mode = pagingMode(r);
  const linear = BigInt.asUintN(mode === "4-level" ? 64 : 32, address);
  const levels: WalkLevel[] = [];
  const rights = { write: true, user: true, execute: true };
  const failed = (why: Walk["why"]): Walk => ({ linear, mode, levels, physical: null, pageBytes: 0, rights: null, why, place: null });
  const masked = (physical: bigint) => (r.a20 ? physical : physical & ~0x100000n);
  const found = (physical: bigint, pageBytes: number): Walk => {
    const at = masked(physical);
    return { linear, mode, levels, physical: at, pageBytes, rights: mode === "off" ? null : rights, why: null, place: memory.place(Number(at)) };
  };
  if (mode === "off") return found(linear, 0);
  const wide = mode !== "32-bit";
  if (mode === "4-level" && BigInt.asUintN(64, BigInt.asIntN(48, linear)) !== linear) return failed("non-canonical");
  const pse = wide || (r.cr4 & 0x10n) !== 0n;
  const read = (at: bigint): bigint => {
    const bytes = new Uint8Array(8);
    memory.read(Number(masked(at)), wide ? bytes : bytes.subarray(0, 4));
    return new DataView(bytes.buffer).getBigUint64(0, true);
  };
  const reserved = wide ? RESERVED_HIGH | (mode === "pae" ? 0x7ff0000000000000n : 0n) | (r.efer & 0x800n ? 0n : NX) : 0n;
  let table = wide ? (mode === "pae" ? r.cr3 & 0xffffffe0n : r.cr3 & FRAME) : r.cr3 & 0xfffff000n;
  const first = mode === "4-level" ? 4 : mode === "pae" ? 3 : 2;
  for (let level = first; level >= 1; level--) {
    const width = wide ? 9n : 10n;
    const shift = 12n + BigInt(level - 1) * width;
    const index = Number((linear >> shift) & (mode === "pae" && level === 3 ? 3n : (1n << width) - 1n));
    const bytes = wide ? 8 : 4;
    const at = table + BigInt(index * bytes);
    const top = mode === "pae" && level === 3;
    const entry = top ? (r.pdpte[index] as bigint) : read(at);
    const large = level > 1 && level < 4 && !top && pse && (entry & 0x80n) !== 0n;
    const page = level === 1 || large;
    const size = 1n << shift;
    let odd = top ? false : (entry & reserved) !== 0n;
    if (level === 4 && entry & 0x80n) odd = true;
    if (large && (wide ? entry & (size - 1n) & ~0x1fffn : entry & 0x200000n)) odd = true;
    const leads = !(entry & 1n) ? "absent" : odd ? "reserved" : page ? "page" : "table";
    let target: bigint | null = null;
    if (leads === "page") target = wide ? entry & FRAME & ~(size - 1n) : large ? (entry & 0xffc00000n) | (((entry >> 13n) & 0xffn) << 32n) : entry & 0xfffff000n;
    else if (leads === "table") target = wide ? entry & FRAME : entry & 0xfffff000n;
    levels.push({ name: (["PT", "PD", "PDPT", "PML4"] as const)[level - 1] as WalkLevel["name"], table, index, at, bytes, entry, bits: bitNames(entry, leads, level === 1), leads, target });
    if (leads === "absent" || leads === "reserved") return failed(leads);
    if (!top) {
      if (!(entry & 2n)) rights.write = false;
      if (!(entry & 4n)) rights.user = false;
      if (entry & NX) rights.execute = false;
    }
    if (leads === "page") return found((target as bigint) | (linear & (size - 1n)), Number(size));
    table = target as bigint;
  }
  throw new Error("a walk without an end");
}
