// The slow half of memory access in translated code (workers/cpu/jit copies the fast half from mmu.ts and calls these in place of readSlow and its
// like). They end the region before anything that needs more than RAM: device memory, code that is written to, page straddles, breakpoints, alignment
// checks. The interpreter then executes that one instruction, so that translated code needs no checks behind a fast access. They may fault.

import { linesOf, wroteBesideCode } from "./blocks";
import { faultVector } from "./fault";
import { TLB_ADDEND, TLB_INFO, TLB_READ, TRACE_TABLE_WRITE } from "./layout";
import { ACCESS_READ, ACCESS_WRITE, checkedAccesses, codeLines, generation, Mem, translateSoftly } from "./mmu";
import { abandonRegion, bail, enterAt, stopSignal } from "./run";
import { tracing, watchedPage, watches } from "./watch";

/** Host address of `size` bytes, or 0: the region ends. */
function reach(linear: u64, size: u32, access: u32): usize {
  if ((<u32>linear & 0xfff) + size > 4096 || checkedAccesses()) {
    bail();
    return 0;
  }
  const host = translateSoftly(linear, access);
  if (faultVector >= 0) {
    abandonRegion();
    return 0;
  }
  // A page walk that set a bit in a table beside code asks to stop, too. What is watched is for the interpreter.
  if (host && !stopSignal && !(watches || tracing & TRACE_TABLE_WRITE ? watchedPage : false)) return host;
  bail();
  return 0;
}
/** The same for a write, which must not hit code. */
function reachWrite(linear: u64, size: u32): usize {
  const e = Mem.entry(linear);
  // Beside code: the translation is known, only the code lines are looked at.
  const known = load<u32>(e, TLB_INFO) == 1 && load<u64>(e, TLB_READ) == (((linear + (size - 1)) & ~0xfff) | generation) && !checkedAccesses();
  const host = known ? <usize>(<u32>linear + load<u32>(e, TLB_ADDEND)) : reach(linear, size, ACCESS_WRITE);
  if (!host) return 0;
  const lines = load<u64>(codeLines(host));
  if (lines) {
    if (lines & linesOf(<u32>host & 0xfff, size)) {
      bail();
      return 0;
    }
    wroteBesideCode(host);
  } else if (known) store<u32>(e, 0, TLB_INFO);
  return host;
}
function regionRead<T>(linear: u64, record: usize, ip: u64, icount: u64): T {
  enterAt(record, ip, icount);
  const host = reach(linear, sizeof<T>(), ACCESS_READ);
  return host ? load<T>(host) : <T>0;
}
function regionWrite<T>(linear: u64, v: T, record: usize, ip: u64, icount: u64): void {
  enterAt(record, ip, icount);
  const host = reachWrite(linear, sizeof<T>());
  if (host) store<T>(host, v);
}
/** Read-modify-write: never 0 where the region goes on. */
export function regionModify(linear: u64, size: u32, record: usize, ip: u64, icount: u64): usize {
  enterAt(record, ip, icount);
  return reachWrite(linear, size);
}
/** Behind it, writes to the range neither fault nor end the region. */
export function regionProbe(linear: u64, size: u32, record: usize, ip: u64, icount: u64): void {
  enterAt(record, ip, icount);
  reachWrite(linear, size);
}
export function regionRead8(linear: u64, record: usize, ip: u64, icount: u64): u8 {
  return regionRead<u8>(linear, record, ip, icount);
}
export function regionRead16(linear: u64, record: usize, ip: u64, icount: u64): u16 {
  return regionRead<u16>(linear, record, ip, icount);
}
export function regionRead32(linear: u64, record: usize, ip: u64, icount: u64): u32 {
  return regionRead<u32>(linear, record, ip, icount);
}
export function regionRead64(linear: u64, record: usize, ip: u64, icount: u64): u64 {
  return regionRead<u64>(linear, record, ip, icount);
}
export function regionRead128(linear: u64, record: usize, ip: u64, icount: u64): v128 {
  enterAt(record, ip, icount);
  const host = reach(linear, 16, ACCESS_READ);
  return host ? v128.load(host) : i64x2.splat(0);
}
export function regionWrite8(linear: u64, v: u8, record: usize, ip: u64, icount: u64): void {
  regionWrite<u8>(linear, v, record, ip, icount);
}
export function regionWrite16(linear: u64, v: u16, record: usize, ip: u64, icount: u64): void {
  regionWrite<u16>(linear, v, record, ip, icount);
}
export function regionWrite32(linear: u64, v: u32, record: usize, ip: u64, icount: u64): void {
  regionWrite<u32>(linear, v, record, ip, icount);
}
export function regionWrite64(linear: u64, v: u64, record: usize, ip: u64, icount: u64): void {
  regionWrite<u64>(linear, v, record, ip, icount);
}
export function regionWrite128(linear: u64, v: v128, record: usize, ip: u64, icount: u64): void {
  enterAt(record, ip, icount);
  const host = reachWrite(linear, 16);
  if (host) v128.store(host, v);
}
