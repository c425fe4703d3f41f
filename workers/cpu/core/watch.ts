// What the trace bus and the debugger ask of core: events of the processor (TRACE_ bits), stops after an instruction (STOP_ bits), breakpoints on
// execution, watched data, page-table frames. All of it lies on paths that are slow already (page walks, mode changes, interrupts, decoding):
// off, each costs a branch on a global there and nothing where code runs. A watched page is never cached in the TLB; a block never goes over a
// breakpoint, and the instruction at one is decoded each time, so only the code around it is interpreted. workers/cpu/watch.ts fills the lists.

import { traceEvent, unwind } from "./host";
import {
  A20_MASK, ATTENTION, ATTENTION_BREAK, BREAK_LIST, CPL, CR0, CR2, EFER, ICOUNT, P2M_PRESENT, STOP_ANY_INTERRUPT, STOP_CR3, STOP_MODE, STOP_RING, STOP_VECTORS,
  TABLE_PAGES, TRACE_CR3, TRACE_MODE, TRACE_RING, TRACE_TABLE_WRITE, VECTOR_LIST, WATCH_LIST, BREAK_EXECUTE, BREAK_DATA, BREAK_VECTOR, BREAK_MODE, BREAK_CR3, P2M_PAGES, RAISED, RAISED_COUNT, RAISED_MOST, RAISED_SIZE,
} from "./layout";
import { codeBase, codeSize, virtual8086 } from "./mode";
import { forgetWrites, p2m } from "./mmu";
import { currentIp, retired, stopBlock } from "./run";
import { vcpu } from "./state";

/** TRACE_ bits of what is reported. */
export let tracing: u32 = 0;
/** STOP_ bits. */
let stops: u32 = 0;
/** Entries of BREAK_LIST and WATCH_LIST. */
export let breaks: u32 = 0;
export let watches: u32 = 0;
/** updateMode() and writes of CR3 have somebody to tell. */
export let modeWatched: bool = false;
export let cr3Watched: bool = false;
export let vectorsWatched: bool = false;

/** Why the run ended, BREAK_, and the address or number that goes with it. */
export let breakCause: u32 = 0;
export let breakDetail: u64 = 0;

/** The host wants to know of the first write to each clean page, before it happens: it copies the page (checkpoints of the debugger). */
export let saving: bool = false;
export function setSaving(on: bool): void {
  saving = on;
}
export function emit(kind: u32, a: f64, b: f64, c: f64): void {
  traceEvent(kind, a, b, c);
}
/** Linear addresses travel as signed numbers: canonical ones are exact. */
export function signed(linear: u64): f64 {
  return <f64>(<i64>linear);
}
export function setTracing(mask: u32): void {
  if (mask & TRACE_TABLE_WRITE && !(tracing & TRACE_TABLE_WRITE)) memory.fill(TABLE_PAGES, 0, P2M_PAGES >> 3);
  tracing = mask;
  update();
}
export function setStops(bits: u32): void {
  stops = bits;
  update();
}
export function setLists(breakCount: u32, watchCount: u32): void {
  breaks = breakCount;
  watches = watchCount;
}
function update(): void {
  modeWatched = (tracing & (TRACE_MODE | TRACE_RING)) != 0 || (stops & (STOP_MODE | STOP_RING)) != 0;
  cr3Watched = (tracing & TRACE_CR3) != 0 || (stops & STOP_CR3) != 0;
  vectorsWatched = (stops & (STOP_VECTORS | STOP_ANY_INTERRUPT)) != 0;
  lastMode = modeNumber();
  lastRing = load<u32>(vcpu, CPL);
}

// ---- stops ----------------------------------------------------------------------------------------------------------

/** Ends the run behind the instruction being executed. The first cause counts. */
export function requestBreak(cause: u32, detail: u64): void {
  if (!breakCause) {
    breakCause = cause;
    breakDetail = detail;
  }
  store<u32>(vcpu, load<u32>(vcpu, ATTENTION) | ATTENTION_BREAK, ATTENTION);
  stopBlock();
}
export function clearBreak(): void {
  breakCause = 0;
  breakDetail = 0;
}
/** Instruction count at which breakpoints on execution have been reported, or are not to be. */
let passed: u64 = ~(<u64>0);
export function passBreaks(): void {
  passed = load<u64>(vcpu, ICOUNT);
  clearBreak();
}
/** A breakpoint unwound to the end of the run: is it that? */
let unwound: bool = false;
export function takeUnwound(): bool {
  const was = unwound;
  unwound = false;
  return was;
}
/** Bytes from `linear` (at `host`) to the next breakpoint in its page, -1: none. Ends the run where it is 0, once. */
export function toBreak(linear: u64, host: usize): i32 {
  let nearest: u64 = 4096;
  const room = 4096 - (linear & 0xfff);
  for (let n: u32 = 0; n < breaks; n++) {
    const at = BREAK_LIST + (n << 4);
    const address = load<u64>(at);
    let distance: u64 = address - linear;
    if (load<u32>(at, 8)) {
      const entry = p2m(address & load<u64>(vcpu, A20_MASK));
      distance = entry & P2M_PRESENT ? <u64>((entry & ~0xfff) | <u32>(address & 0xfff)) - <u64>host : room;
    }
    if (distance < room && distance < nearest) nearest = distance;
  }
  if (nearest == 4096) return -1;
  if (!nearest && load<u64>(vcpu, ICOUNT) != passed) {
    breakCause = BREAK_EXECUTE;
    breakDetail = linear;
    unwound = true;
    unwind();
  }
  return <i32>nearest;
}
export function vectorTaken(vector: u32, hardware: bool): void {
  if (stops & STOP_ANY_INTERRUPT && hardware) requestBreak(BREAK_VECTOR, vector);
  else if (stops & STOP_VECTORS && load<u32>(VECTOR_LIST + ((vector >> 5) << 2)) & (1 << (vector & 31))) requestBreak(BREAK_VECTOR, vector);
}

// ---- data -----------------------------------------------------------------------------------------------------------

/** The translation just made was not cached, because somebody watches its page. */
export let watchedPage: bool = false;
/** A page-table entry is about to be written: its page is known to hold a table. */
export let tablePage: bool = false;
export function lookAtPage(linear: u64, physical: u64, write: bool): void {
  watchedPage = tablePage = false;
  if (write && tracing & TRACE_TABLE_WRITE && physical >> 12 < P2M_PAGES) {
    const page = <u32>(physical >> 12);
    if (load<u8>(TABLE_PAGES + (page >> 3)) & (1 << (page & 7))) watchedPage = tablePage = true;
  }
  for (let n: u32 = 0; n < watches; n++) {
    const at = WATCH_LIST + (n << 5);
    const start = load<u64>(at) & ~0xfff;
    const end = load<u64>(at) + load<u64>(at, 8);
    const address = load<u32>(at, 16) & 4 ? physical : linear;
    if (address >= start && address < ((end + 0xfff) & ~0xfff)) watchedPage = true;
  }
}
export function dataTouched(linear: u64, physical: u64, size: u32, write: bool): void {
  const kind: u32 = write ? 2 : 1;
  for (let n: u32 = 0; n < watches; n++) {
    const at = WATCH_LIST + (n << 5);
    const flags = load<u32>(at, 16);
    if (!(flags & kind)) continue;
    const address = flags & 4 ? physical : linear;
    const start = load<u64>(at);
    if (address < start + load<u64>(at, 8) && address + size > start) requestBreak(BREAK_DATA, ((<u64>n) << 1) | (write ? 1 : 0));
  }
}
/** The walk read an entry at `physical`: its page holds a table, writes to it are seen from now on. */
export function notePageTable(physical: u64): void {
  const page = <u32>(physical >> 12);
  if (page >= P2M_PAGES) return;
  const at = TABLE_PAGES + (page >> 3);
  const bit: u8 = <u8>(<u32>1 << (page & 7));
  if (load<u8>(at) & bit) return;
  store<u8>(at, load<u8>(at) | bit);
  const entry = p2m(physical);
  if (entry & P2M_PRESENT) forgetWrites(entry & ~0xfff);
}
export function tableWritten(physical: u64, value: u64, size: u32): void {
  emit(TRACE_TABLE_WRITE, <f64>physical, <f64>(value & 0xffffffff), size == 8 ? <f64>(value >> 32) : 0);
}

// ---- mode, ring, address space --------------------------------------------------------------------------------------

let lastMode: u32 = 0;
let lastRing: u32 = 0;
/** 0 real, 1 virtual-8086, 2 protected with 16-bit code, 3 with 32-bit code, 4 compatibility, 5 64-bit. */
export function modeNumber(): u32 {
  if (!(load<u64>(vcpu, CR0) & 1)) return 0;
  if (virtual8086()) return 1;
  if (load<u64>(vcpu, EFER) & 0x400) return codeSize == 2 ? 5 : 4;
  return codeSize == 1 ? 3 : 2;
}
export function modeUpdated(): void {
  const mode = modeNumber();
  const ring = load<u32>(vcpu, CPL);
  if (mode != lastMode) {
    const before = lastMode;
    lastMode = mode;
    if (tracing & TRACE_MODE) emit(TRACE_MODE, <f64>mode, <f64>(load<u64>(vcpu, CR0)), <f64>(load<u64>(vcpu, EFER)));
    if (stops & STOP_MODE) requestBreak(BREAK_MODE, (before << 8) | mode);
  }
  if (ring != lastRing) {
    const before = lastRing;
    lastRing = ring;
    if (tracing & TRACE_RING) emit(TRACE_RING, <f64>ring, <f64>before, 0);
    if (stops & STOP_RING) requestBreak(BREAK_MODE, 0x10000 | (before << 8) | ring);
  }
}
export function cr3Written(before: u64, now: u64): void {
  if (tracing & TRACE_CR3) emit(TRACE_CR3, <f64>now, <f64>before, 0);
  if (stops & STOP_CR3 && now != before) requestBreak(BREAK_CR3, now);
}
/** Every exception is kept: a few stores, so that nobody has to listen for the few that end in a shutdown. */
export function noteException(vector: u32, code: i32): void {
  const count = load<u32>(vcpu, RAISED_COUNT);
  store<u32>(vcpu, count + 1, RAISED_COUNT);
  const at = vcpu + RAISED + (count & (RAISED_MOST - 1)) * RAISED_SIZE;
  store<u32>(at, vector);
  store<i32>(at, code, 4);
  store<u64>(at, load<u64>(vcpu, CR2), 8);
  store<u64>(at, codeBase + currentIp(), 16);
  store<u64>(at, retired(), 24);
}
/** CR2, for the event of a page fault. */
export function faultAddress(): f64 {
  return signed(load<u64>(vcpu, CR2));
}
