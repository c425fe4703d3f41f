// The registers of an instruction case in the core's state block: written before it runs, read after. User mode in long mode (64-bit or
// compatibility segment), page tables, GDT and TSS at fixed places, the addresses of exec.c.

import * as L from "../../cpu/core/layout.ts";
import { BASES, CODE_LINEAR, DATA_LINEAR, FLAGS, FS_LINEAR, FX, GPR, GS_LINEAR, RIP, SELECTORS, STATE_SIZE, YMMH } from "./cases.ts";

export const TABLES = 0x101000; // PML4, PDPT, PD on three physical pages; then the page tables
const GDT = 0x106000;
const TSS = 0x107000;
const PAGE_TABLES = 0x108000;
const ATTR_NULL = 0x10000; // core/mode.ts
const FLAGS_MASK = 0x8d5;
/** Linux's descriptors, by selector / 8: kernel code, 64-bit kernel code, kernel data, user code, user data, 64-bit user code. */
const DESCRIPTORS = [0n, 0xcf9b000000ffffn, 0xaf9b000000ffffn, 0xcf93000000ffffn, 0xcffb000000ffffn, 0xcff3000000ffffn, 0xaffb000000ffffn];


/** The oracle's code region is full of INT3. */
export const CODE_START = CODE_LINEAR - 65536;
/** What a case may write to: cleared before each. */
export const DATA_START = DATA_LINEAR - 65536;
export const DATA_LENGTH = 3 * 65536;
/** Where branches may land, where data lies, and the system tables: all that is mapped, as [start, length). */
export const MAPPED: readonly (readonly [number, number])[] = [
  [0, 65536],
  [TABLES & ~0xffff, 65536],
  [DATA_LINEAR - 65536, 3 * 65536],
  [CODE_LINEAR - 65536, 3 * 65536],
];
/**
 * Identity map of just the ranges above (the system tables for the kernel only, code read-only), descriptors, and a task-state segment without an I/O map.
 * Without `low` the first range, where only branches may go, is not mapped, as on the oracle.
 */
export function writeTables(write: (physical: number, bytes: Uint8Array) => void, low = true): void {
  const u64 = (physical: number, v: bigint) => write(physical, new Uint8Array(BigUint64Array.of(v).buffer));
  u64(TABLES, BigInt(TABLES + 0x1000) | 7n);
  u64(TABLES + 0x1000, BigInt(TABLES + 0x2000) | 7n);
  const tables = new Map<number, number>();
  for (const [start, length] of low ? MAPPED : MAPPED.slice(1))
    for (let p = start; p < start + length; p += 4096) {
      const region = p >>> 21;
      let table = tables.get(region);
      if (table === undefined) {
        table = PAGE_TABLES + tables.size * 4096;
        tables.set(region, table);
        u64(TABLES + 0x2000 + region * 8, BigInt(table) | 7n);
      }
      u64(table + ((p >>> 12) & 511) * 8, BigInt(p) | (start === (TABLES & ~0xffff) ? 0x63n : start === CODE_START ? 0x65n : 0x67n));
    }
  write(TSS + 102, Uint8Array.of(0xff, 0xff));
  DESCRIPTORS.forEach((d, i) => u64(GDT + i * 8, d));
}
function enterMode(v: DataView, mode: number): void {
  const b = L.VCPU_BASE;
  v.setBigUint64(b + L.CR0, 0x80050033n, true);
  v.setBigUint64(b + L.CR3, BigInt(TABLES), true);
  v.setBigUint64(b + L.CR4, 0x50620n, true);
  v.setBigUint64(b + L.XCR0, 7n, true);
  v.setBigUint64(b + L.EFER, 0xd01n, true);
  for (let s = 0; s < 6; s++) {
    const absent = s >= 4;
    v.setBigUint64(b + L.SEG_BASE + s * 8, s >= 4 && !mode ? BigInt(s === 4 ? FS_LINEAR : GS_LINEAR) : 0n, true);
    v.setUint32(b + L.SEG_LIMIT + s * 4, absent ? 0 : 0xffffffff, true);
    v.setUint16(b + L.SEG_SELECTOR + s * 2, absent ? 0 : s === 1 ? (mode ? 0x23 : 0x33) : 0x2b, true);
    v.setUint32(b + L.SEG_ATTR + s * 4, absent ? ATTR_NULL : s === 1 ? (mode ? 0xc0fb : 0xa0fb) : 0xc0f3, true);
  }
  v.setUint32(b + L.CPL, 3, true);
  v.setBigUint64(b + L.GDT_BASE, BigInt(GDT), true);
  v.setUint32(b + L.GDT_LIMIT, 0x7f, true);
  // A task-state segment without an I/O map.
  v.setBigUint64(b + L.SEG_BASE + 7 * 8, BigInt(TSS), true);
  v.setUint32(b + L.SEG_LIMIT + 7 * 4, 0x67, true);
  v.setUint32(b + L.SEG_ATTR + 7 * 4, 0x8b, true);
}
/** Everything but memory. */
export function enterCase(v: DataView, bytes: Uint8Array, mode: number, before: Uint8Array): void {
  const b = L.VCPU_BASE;
  const s = new DataView(before.buffer, before.byteOffset);
  for (let i = 0; i < 16; i++) v.setBigUint64(b + L.GPR + i * 8, s.getBigUint64(GPR + i * 8, true), true);
  const flags = s.getUint32(FLAGS, true) & 0xcd5;
  v.setBigUint64(b + L.EFLAGS, BigInt(0x202 | (flags & 0x400)), true);
  v.setBigUint64(b + L.LAZY_SAVE, 0n, true);
  v.setBigUint64(b + L.LAZY_SAVE + 16, BigInt(flags & FLAGS_MASK), true);
  v.setBigUint64(b + L.IP, BigInt(CODE_LINEAR), true);
  v.setUint32(b + L.ATTENTION, 0, true);
  const sw = s.getUint16(FX + 2, true);
  const brief = s.getUint8(FX + 4);
  v.setUint16(b + L.FCW, s.getUint16(FX, true), true);
  v.setUint16(b + L.FSW, sw, true);
  let tags = 0;
  for (let n = 0; n < 8; n++) if (!((brief >> n) & 1)) tags |= 3 << (2 * n);
  v.setUint16(b + L.FTW, tags, true);
  for (let i = 0; i < 8; i++) {
    const at = b + L.FPR + ((((sw >> 11) & 7) + i) & 7) * 16;
    v.setBigUint64(at, s.getBigUint64(FX + 32 + i * 16, true), true);
    v.setUint16(at + 8, s.getUint16(FX + 40 + i * 16, true), true);
  }
  v.setUint32(b + L.MXCSR, s.getUint32(FX + 24, true), true);
  for (let i = 0; i < 16; i++) bytes.set(before.subarray(FX + 160 + i * 16, FX + 176 + i * 16), b + L.XMM + i * 32);
  for (let i = 0; i < 16; i++) bytes.set(before.subarray(YMMH + i * 16, YMMH + 16 + i * 16), b + L.XMM + i * 32 + 16);
  enterMode(v, mode);
}
/** The state a case left, without memory. `rip` is linear. */
export function leaveCase(v: DataView, bytes: Uint8Array, rip: bigint, flags: bigint): Uint8Array {
  const b = L.VCPU_BASE;
  const after = new Uint8Array(STATE_SIZE);
  const o = new DataView(after.buffer);
  for (let i = 0; i < 16; i++) o.setBigUint64(GPR + i * 8, v.getBigUint64(b + L.GPR + i * 8, true), true);
  o.setBigUint64(FLAGS, flags, true);
  o.setBigUint64(RIP, rip - BigInt(CODE_LINEAR), true);
  const sw2 = v.getUint16(b + L.FSW, true);
  const tags2 = v.getUint16(b + L.FTW, true);
  o.setUint16(FX, v.getUint16(b + L.FCW, true), true);
  o.setUint16(FX + 2, sw2, true);
  let brief2 = 0;
  for (let n = 0; n < 8; n++) if (((tags2 >> (2 * n)) & 3) !== 3) brief2 |= 1 << n;
  o.setUint8(FX + 4, brief2);
  for (let i = 0; i < 8; i++) {
    const at = b + L.FPR + ((((sw2 >> 11) & 7) + i) & 7) * 16;
    o.setBigUint64(FX + 32 + i * 16, v.getBigUint64(at, true), true);
    o.setUint16(FX + 40 + i * 16, v.getUint16(at + 8, true), true);
  }
  o.setUint32(FX + 24, v.getUint32(b + L.MXCSR, true), true);
  for (let i = 0; i < 16; i++) after.set(bytes.subarray(b + L.XMM + i * 32, b + L.XMM + i * 32 + 16), FX + 160 + i * 16);
  for (let i = 0; i < 16; i++) after.set(bytes.subarray(b + L.XMM + i * 32 + 16, b + L.XMM + i * 32 + 32), YMMH + i * 16);
  for (let i = 0; i < 2; i++) o.setBigUint64(BASES + i * 8, v.getBigUint64(b + L.SEG_BASE + (4 + i) * 8, true), true);
  for (let i = 0; i < 6; i++) o.setUint16(SELECTORS + i * 2, v.getUint16(b + L.SEG_SELECTOR + i * 2, true), true);
  return after;
}
