// Linear to physical to host: the software TLB, the page walker, and memory access for instructions. Intel SDM 3A chapters 4 and 5.
// Fast path: one tag compare against (linear + size - 1), so page-straddling accesses miss; everything odd takes the slow path.
// Tags carry a generation in their low 12 bits: a flush is an increment. Left out: LA57, shadow stacks, protection keys.

import { blockWritten } from "./blocks";
import { AC, faultVector, GP, PF, SSF, raiseCode, recordCode } from "./fault";
import { ACF } from "./flags";
import { mmioRead, mmioWrite, pageIn, pageWritten } from "./host";
import {
  A20_MASK, CODE_BASE, COUNTERS, CPL, CR0, CR2, CR3, CR4, DR, EFER, EFLAGS, FEATURES, LOOKUP_BASE, LOOKUP_STRIDE, P2M_BASE, P2M_DIRTY, P2M_LAZY, P2M_PAGES, TRACE_TABLE_WRITE, TRACE_TLB_FILL, TRACE_TLB_FLUSH,
  P2M_PRESENT, P2M_ROM, P2M_WRITE_BUS, PCID_BASE, PCID_STRIDE, PDPTE, POOL_BASE, TLB_ADDEND, TLB_BASE, TLB_ENTRIES, TLB_ENTRY_SIZE,
  TLB_EXEC, TLB_INFO, TLB_LOG_BASE, TLB_LOG_MOST, TLB_LOG_STRIDE, TLB_READ, TLB_STRIDE, TLB_WRITE, VCPU_BASE, VCPU_STRIDE, REC_SEG, P2M_TRACK,
} from "./layout";
import { usesStack } from "./decode";
import { currentRecord } from "./run";
import { RSP, Regs, SS, vcpu } from "./state";
import { dataTouched, emit, lookAtPage, notePageTable, saving, signed, tablePage, tableWritten, tracing, watchedPage, watches } from "./watch";

export const ACCESS_READ: u32 = 0;
export const ACCESS_WRITE: u32 = 1;
export const ACCESS_EXEC: u32 = 2;

// Privilege contexts, one TLB table each.
const CONTEXT_SUPERVISOR: u32 = 0;
const CONTEXT_USER: u32 = 1;
const CONTEXT_SMAP: u32 = 2; // supervisor that may not touch user pages
const CONTEXT_ALIGN: u32 = 3; // user with alignment checks: never filled, every access takes the slow path

const PG: u64 = 0x80000000;
const WP: u64 = 0x10000;
const AM: u64 = 0x40000;
const PSE: u64 = 0x10;
const PAE: u64 = 0x20;
const PGE: u64 = 0x80;
const PCIDE: u64 = 0x20000;
const SMEP: u64 = 0x100000;
const SMAP: u64 = 0x200000;
const LMA: u64 = 0x400;
const NXE: u64 = 0x800;
const NX: u64 = 0x8000000000000000;
/** Physical address width of every model, bits 40-51 of entries are reserved. */
const RESERVED_HIGH: u64 = 0x000fff0000000000;
/** In feature words 0 and 4 (isa/features.ts). */
const PSE36: u32 = 1 << 17;
const PDPE1GB: u32 = 1 << 26;
const FRAME_MASK: u64 = 0x000000fffffff000;

/** Table of the current context, tag generation, context number. */
export let tlb: usize = TLB_BASE;
export let generation: u64 = 1;
let context: u32 = 0;
/** Of the block lookup: user code goes with the address space, supervisor code stays as long as the global pages do. */
export let userGeneration: u64 = 1;
/** Supervisor code ran from a page that is not global. */
let localSystem: bool = false;
let nextGeneration: u64 = 2;
let largeLow: u64 = ~(<u64>0);
let largeHigh: u64 = 0;
/** Data breakpoints enabled: nothing is cached, every access is checked. */
let watching: bool = false;

function tlbTable(): usize {
  return TLB_BASE + ((<u32>vcpu - VCPU_BASE) / VCPU_STRIDE) * TLB_STRIDE;
}
function lookupTable(): usize {
  return LOOKUP_BASE + ((<u32>vcpu - VCPU_BASE) / VCPU_STRIDE) * LOOKUP_STRIDE;
}
function pcidTable(): usize {
  return PCID_BASE + ((<u32>vcpu - VCPU_BASE) / VCPU_STRIDE) * PCID_STRIDE;
}
function tlbLog(): usize {
  return TLB_LOG_BASE + ((<u32>vcpu - VCPU_BASE) / VCPU_STRIDE) * TLB_LOG_STRIDE;
}
function selectContext(c: u32): void {
  context = c;
  tlb = tlbTable() + c * (TLB_ENTRIES * TLB_ENTRY_SIZE);
}
function supervisorContext(): u32 {
  return load<u64>(vcpu, CR4) & SMAP ? CONTEXT_SMAP : CONTEXT_SUPERVISOR;
}
/** To be called whenever CPL, EFLAGS.AC, CR0.AM or CR4.SMAP change. */
export function updateContext(): void {
  if (load<u32>(vcpu, CPL) == 3) {
    const align = (load<u64>(vcpu, EFLAGS) & ACF) != 0 && (load<u64>(vcpu, CR0) & AM) != 0;
    selectContext(align ? CONTEXT_ALIGN : CONTEXT_USER);
  } else if (load<u64>(vcpu, CR4) & SMAP && !(load<u64>(vcpu, EFLAGS) & ACF)) selectContext(CONTEXT_SMAP);
  else selectContext(CONTEXT_SUPERVISOR);
}
/** Enters the context of implicit supervisor accesses (descriptor tables, TSS); undone by updateContext(). */
export function enterSystem(): void {
  selectContext(supervisorContext());
}
/** Enters the context of ordinary accesses at privilege level `level` while CPL is another (stack switches). */
export function enterLevel(level: u32): void {
  selectContext(level == 3 ? CONTEXT_USER : supervisorContext());
}

function clearTables(): void {
  memory.fill(tlbTable(), 0, TLB_ENTRIES * TLB_ENTRY_SIZE * 4);
  memory.fill(pcidTable(), 0, PCID_STRIDE);
  memory.fill(lookupTable(), 0, LOOKUP_STRIDE);
  nextGeneration = 1;
}
function freshGeneration(): void {
  const counter = vcpu + COUNTERS;
  store<u64>(counter, load<u64>(counter, 40) + 1, 40);
  if (tracing & TRACE_TLB_FLUSH) emit(TRACE_TLB_FLUSH, 0, 0, 0);
  if (nextGeneration > 4095) clearTables();
  generation = nextGeneration++;
  userGeneration = generation;
  localSystem = false;
  store<u32>(tlbLog(), 0);
  largeLow = ~(<u64>0);
  largeHigh = 0;
}
/** Forgets what is not global: those entries are known by name. */
function forgetLocal(): void {
  const log = tlbLog();
  const count = load<u32>(log);
  if (count > TLB_LOG_MOST || localSystem || nextGeneration > 4095) {
    freshGeneration();
    return;
  }
  const counter = vcpu + COUNTERS;
  store<u64>(counter, load<u64>(counter, 40) + 1, 40);
  if (tracing & TRACE_TLB_FLUSH) emit(TRACE_TLB_FLUSH, 0, 0, 0);
  for (let n: u32 = 0; n < count; n++) {
    const e = <usize>load<u32>(log + 4 + (n << 2));
    store<u64>(e, 0, TLB_READ);
    store<u64>(e, 0, TLB_WRITE);
    store<u64>(e, 0, TLB_EXEC);
  }
  store<u32>(log, 0);
  userGeneration = nextGeneration++;
}
/** Forgets every translation of every address space. */
export function flushAll(): void {
  memory.fill(pcidTable(), 0, PCID_STRIDE);
  freshGeneration();
  if (load<u64>(vcpu, CR4) & PCIDE) store<u16>(pcidTable() + ((<usize>load<u64>(vcpu, CR3) & 0xfff) << 1), <u16>generation);
}
/** CR3 was written. `keep`: bit 63 of the new value with CR4.PCIDE. */
export function switchAddressSpace(keep: bool): void {
  if (load<u64>(vcpu, CR4) & PCIDE) {
    const slot = pcidTable() + ((<usize>load<u64>(vcpu, CR3) & 0xfff) << 1);
    const known = load<u16>(slot);
    if (keep && known) {
      generation = known;
      userGeneration = known;
      // Large-page fragments of this generation may exist: treat INVLPG conservatively.
      largeLow = 0;
      largeHigh = ~(<u64>0);
      return;
    }
    freshGeneration();
    store<u16>(slot, <u16>generation);
    return;
  }
  forgetLocal();
}
/** INVPCID of one address space. */
export function flushPcid(pcid: u32): void {
  store<u16>(pcidTable() + (pcid << 1), 0);
  if ((<u32>load<u64>(vcpu, CR3) & 0xfff) == pcid) flushAll();
}
export function flushPage(linear: u64): void {
  const counter = vcpu + COUNTERS;
  store<u64>(counter, load<u64>(counter, 48) + 1, 48);
  if (tracing & TRACE_TLB_FLUSH) emit(TRACE_TLB_FLUSH, 1, signed(linear), 0);
  if (linear >= largeLow && linear <= largeHigh) {
    flushAll();
    return;
  }
  const page = linear & ~0xfff;
  for (let c: u32 = 0; c < 4; c++) {
    const e = tlbTable() + c * (TLB_ENTRIES * TLB_ENTRY_SIZE) + ((<usize>(linear >> 12) & (TLB_ENTRIES - 1)) << 5);
    if ((load<u64>(e, TLB_READ) & ~0xfff) == page) store<u64>(e, 0, TLB_READ);
    if ((load<u64>(e, TLB_WRITE) & ~0xfff) == page) store<u64>(e, 0, TLB_WRITE);
    if ((load<u64>(e, TLB_EXEC) & ~0xfff) == page) store<u64>(e, 0, TLB_EXEC);
  }
  memory.fill(lookupTable() + lookupGroup(linear), 0, 4096);
}
/** Byte offset of the lookup slots of a page. */
export function lookupGroup(linear: u64): usize {
  return ((<usize>(linear >> 12) ^ <usize>(linear >> 20)) & 255) << 12;
}
/** A frame begins to hold code: its write translations go, so that writes are seen. */
export function forgetWrites(host: usize): void {
  const frame = host & ~0xfff;
  let e = tlbTable();
  const end = e + TLB_ENTRIES * TLB_ENTRY_SIZE * 4;
  for (; e < end; e += TLB_ENTRY_SIZE) {
    const tag = load<u64>(e, TLB_WRITE);
    if (tag && <usize>(<u32>tag & ~0xfff) + load<u32>(e, TLB_ADDEND) == frame) store<u64>(e, 0, TLB_WRITE);
  }
}
export function setWatching(on: bool): void {
  if (on != watching) {
    watching = on;
    flushAll();
  }
}

// ---- physical memory ------------------------------------------------------------------------------------------------

/** p2m entry of a physical address: frame | flags, 0 = not RAM. */
export function p2m(physical: u64): u32 {
  const page = physical >> 12;
  if (page >= P2M_PAGES) return 0;
  const entry = load<u32>(P2M_BASE + (<usize>page << 2));
  return entry & P2M_LAZY ? pageIn(<u32>page) : entry;
}
function physicalRead32(physical: u64): u32 {
  if (tracing & TRACE_TABLE_WRITE) notePageTable(physical);
  const entry = p2m(physical);
  if (entry & P2M_PRESENT) return load<u32>((entry & ~0xfff) + (<usize>physical & 0xfff));
  return mmioRead(<f64>physical, 4);
}
function physicalRead64(physical: u64): u64 {
  if (tracing & TRACE_TABLE_WRITE) notePageTable(physical);
  const entry = p2m(physical);
  if (entry & P2M_PRESENT) return load<u64>((entry & ~0xfff) + (<usize>physical & 0xfff));
  return <u64>mmioRead(<f64>physical, 4) | ((<u64>mmioRead(<f64>(physical + 4), 4)) << 32);
}
function physicalOr32(physical: u64, bits: u32): void {
  const entry = p2m(physical);
  if ((entry & (P2M_PRESENT | P2M_ROM)) != P2M_PRESENT) return;
  const host = (entry & ~0xfff) + (<usize>physical & 0xfff);
  if (saving && !(entry & P2M_DIRTY)) pageWritten(<u32>(physical >> 12));
  store<u32>(host, load<u32>(host) | bits);
  if (load<u64>(codeLines(host))) blockWritten(host, 4);
  store<u32>(P2M_BASE + (<usize>(physical >> 12) << 2), entry | P2M_DIRTY);
}
/** Address of the code-line bitmap of the frame that holds `host`. */
export function codeLines(host: usize): usize {
  return CODE_BASE + (((host - POOL_BASE) >> 12) << 3);
}

// ---- page walk ------------------------------------------------------------------------------------------------------

let walkWritable: bool = false; // a later write needs no further check
/** Bytes of the large page found, less one; 0: a page of 4 KiB. */
let walkLarge: u64 = 0;
let walkGlobal: bool = false;
/** For the debugger: levels visited by the last walk are not kept here; see inspect.ts. */

/** A page fault is recorded, not raised. */
let softly: bool = false;
/** Not for tests that look at faults before they are delivered. */
let softFaults: bool = true;
export function setSoftFaults(on: bool): void {
  softFaults = on;
}
/** After an unwinding out of translateSoftly(). */
export function endSoftly(): void {
  softly = false;
}
/** Returns only where faults are recorded. */
function pageFault(linear: u64, code: u32): u64 {
  store<u64>(vcpu, linear, CR2);
  updateContext();
  if (softly) recordCode(PF, code);
  else raiseCode(PF, code);
  return 0;
}
function faultCode(access: u32, present: u32): u32 {
  let code = present;
  if (access == ACCESS_WRITE) code |= 2;
  if (context == CONTEXT_USER || context == CONTEXT_ALIGN) code |= 4;
  if (access == ACCESS_EXEC && ((load<u64>(vcpu, CR4) & PAE && load<u64>(vcpu, EFER) & NXE) || load<u64>(vcpu, CR4) & SMEP)) code |= 16;
  return code;
}
/** Checks a leaf: `rights` = AND of the U (4) and W (2) bits of all levels, `nx` = OR of NX. Returns true when allowed. */
function allowed(access: u32, rights: u32, nx: bool): bool {
  const user = context == CONTEXT_USER || context == CONTEXT_ALIGN;
  if (user && !(rights & 4)) return false;
  walkWritable = (rights & 2) != 0 || (!user && !(load<u64>(vcpu, CR0) & WP));
  if (access == ACCESS_WRITE) {
    if (!walkWritable) return false;
  } else if (access == ACCESS_EXEC) {
    if (nx) return false;
    if (!user && rights & 4 && load<u64>(vcpu, CR4) & SMEP) return false;
    return true;
  }
  if (context == CONTEXT_SMAP && rights & 4) return false;
  return true;
}
/** Walks 32-bit tables. */
function walk32(linear: u64, access: u32): u64 {
  const l = <u32>linear;
  const pdeAt = (load<u64>(vcpu, CR3) & 0xfffff000) | <u64>((l >> 22) << 2);
  const pde = physicalRead32(pdeAt);
  if (!(pde & 1)) return pageFault(linear, faultCode(access, 0));
  if (pde & 0x80 && load<u64>(vcpu, CR4) & PSE) {
    // PSE-36 has 40 bits of physical address here; without it all of these are reserved.
    if (pde & (load<u32>(vcpu, FEATURES) & PSE36 ? 0x200000 : 0x3fe000)) return pageFault(linear, faultCode(access, 9));
    if (!allowed(access, pde & 6, false)) return pageFault(linear, faultCode(access, 1));
    const set: u32 = access == ACCESS_WRITE ? 0x60 : 0x20;
    if ((pde & set) != set) physicalOr32(pdeAt, set);
    walkLarge = 0x3fffff;
    walkGlobal = (pde & 0x100) != 0;
    // PSE-36: bits 13-20 hold physical address bits 32-39.
    return ((<u64>(pde >> 13) & 0xff) << 32) | <u64>(pde & 0xffc00000) | <u64>(l & 0x3fffff);
  }
  const pteAt = <u64>(pde & 0xfffff000) | <u64>(((l >> 12) & 0x3ff) << 2);
  const pte = physicalRead32(pteAt);
  if (!(pte & 1)) return pageFault(linear, faultCode(access, 0));
  if (!allowed(access, pde & pte & 6, false)) return pageFault(linear, faultCode(access, 1));
  if (!(pde & 0x20)) physicalOr32(pdeAt, 0x20);
  const set: u32 = access == ACCESS_WRITE ? 0x60 : 0x20;
  if ((pte & set) != set) physicalOr32(pteAt, set);
  walkGlobal = (pte & 0x100) != 0;
  return <u64>(pte & 0xfffff000) | <u64>(l & 0xfff);
}
/** Walks PAE and 4-level tables. */
function walk64(linear: u64, access: u32, long: bool): u64 {
  const efer = load<u64>(vcpu, EFER);
  // Bits 52-62 are ignored in 4-level tables and reserved in PAE ones.
  const reservedAlways = RESERVED_HIGH | (long ? 0 : 0x7ff0000000000000) | (efer & NXE ? 0 : NX);
  let rights: u32 = 6;
  let nx = false;
  let table: u64;
  let at4: u64 = 0;
  let at3: u64 = 0;
  let e4: u64 = 0;
  let e3: u64 = 0;
  if (long) {
    at4 = (load<u64>(vcpu, CR3) & FRAME_MASK) | (((linear >> 39) & 511) << 3);
    e4 = physicalRead64(at4);
    if (!(e4 & 1)) return pageFault(linear, faultCode(access, 0));
    if (e4 & (reservedAlways | 0x80)) return pageFault(linear, faultCode(access, 9));
    rights &= <u32>e4;
    nx = (e4 & NX) != 0;
    at3 = (e4 & FRAME_MASK) | (((linear >> 30) & 511) << 3);
    e3 = physicalRead64(at3);
    if (!(e3 & 1)) return pageFault(linear, faultCode(access, 0));
    if (e3 & reservedAlways) return pageFault(linear, faultCode(access, 9));
    rights &= <u32>e3;
    nx = nx || (e3 & NX) != 0;
    if (e3 & 0x80) {
      // Without pages of 1 GiB the bit is reserved.
      if (e3 & 0x3fffe000 || !(load<u32>(vcpu + 16, FEATURES) & PDPE1GB)) return pageFault(linear, faultCode(access, 9));
      if (!allowed(access, rights, nx)) return pageFault(linear, faultCode(access, 1));
      if (!(e4 & 0x20)) physicalOr32(at4, 0x20);
      const set: u32 = access == ACCESS_WRITE ? 0x60 : 0x20;
      if ((<u32>e3 & set) != set) physicalOr32(at3, set);
      walkLarge = 0x3fffffff;
      walkGlobal = (e3 & 0x100) != 0;
      return (e3 & 0x000000ffc0000000) | (linear & 0x3fffffff);
    }
    table = e3 & FRAME_MASK;
  } else {
    e3 = load<u64>(vcpu + (<usize>((linear >> 30) & 3) << 3), PDPTE);
    if (!(e3 & 1)) return pageFault(linear, faultCode(access, 0));
    table = e3 & FRAME_MASK;
  }
  const at2 = table | (((linear >> 21) & 511) << 3);
  const e2 = physicalRead64(at2);
  if (!(e2 & 1)) return pageFault(linear, faultCode(access, 0));
  if (e2 & (reservedAlways | (e2 & 0x80 ? 0x1fe000 : 0))) return pageFault(linear, faultCode(access, 9));
  rights &= <u32>e2;
  nx = nx || (e2 & NX) != 0;
  if (e2 & 0x80) {
    if (!allowed(access, rights, nx)) return pageFault(linear, faultCode(access, 1));
    if (long) {
      if (!(e4 & 0x20)) physicalOr32(at4, 0x20);
      if (!(e3 & 0x20)) physicalOr32(at3, 0x20);
    }
    const set: u32 = access == ACCESS_WRITE ? 0x60 : 0x20;
    if ((<u32>e2 & set) != set) physicalOr32(at2, set);
    walkLarge = 0x1fffff;
    walkGlobal = (e2 & 0x100) != 0;
    return (e2 & 0x000000ffffe00000) | (linear & 0x1fffff);
  }
  const at1 = (e2 & FRAME_MASK) | (((linear >> 12) & 511) << 3);
  const e1 = physicalRead64(at1);
  if (!(e1 & 1)) return pageFault(linear, faultCode(access, 0));
  if (e1 & reservedAlways) return pageFault(linear, faultCode(access, 9));
  rights &= <u32>e1;
  nx = nx || (e1 & NX) != 0;
  if (!allowed(access, rights, nx)) return pageFault(linear, faultCode(access, 1));
  if (long) {
    if (!(e4 & 0x20)) physicalOr32(at4, 0x20);
    if (!(e3 & 0x20)) physicalOr32(at3, 0x20);
  }
  if (!(e2 & 0x20)) physicalOr32(at2, 0x20);
  const set: u32 = access == ACCESS_WRITE ? 0x60 : 0x20;
  if ((<u32>e1 & set) != set) physicalOr32(at1, set);
  walkGlobal = (e1 & 0x100) != 0;
  return (e1 & FRAME_MASK) | (linear & 0xfff);
}

/** Physical address behind the last translate() that returned 0. */
export let physicalAddress: u64 = 0;

function nonCanonical(linear: u64): void {
  updateContext();
  const rec = currentRecord;
  let stack = false;
  if (rec) {
    // Without a memory operand, stack instructions name the stack segment (decode.ts); with one, their stack access is told by its address.
    stack = load<u8>(rec, REC_SEG) == SS || load<u8>(rec, REC_SEG) == 9;
    if (!stack && usesStack(rec)) stack = linear + 0x10000 - Regs.get(RSP) < 0x20000;
  }
  raiseCode(stack ? SSF : GP, 0);
}
function canonical(linear: u64): bool {
  return <i64>(linear << 16) >> 16 == <i64>linear;
}
/** An access across two pages whose second part is not canonical faults before the first is looked at. */
function checkBoth(linear: u64, size: u32): void {
  if (load<u64>(vcpu, EFER) & LMA && !canonical(linear + size - 1)) nonCanonical(linear);
}
/**
 * Translates one byte address for an access, raising the guest's fault, and fills the TLB. Returns the host address, or 0 when the
 * access must go to the bus (then physicalAddress is set). A write to ROM returns the address 0 with physicalAddress ~0.
 */
export function translate(linear: u64, access: u32): usize {
  const counters = vcpu + COUNTERS;
  store<u64>(counters, load<u64>(counters) + 1);
  let physical: u64;
  walkLarge = 0;
  walkGlobal = false;
  walkWritable = true;
  if (load<u64>(vcpu, CR0) & PG) {
    if (load<u64>(vcpu, EFER) & LMA) {
      if (!canonical(linear)) nonCanonical(linear);
      physical = walk64(linear, access, true);
    } else if (load<u64>(vcpu, CR4) & PAE) physical = walk64(linear & 0xffffffff, access, false);
    else physical = walk32(linear & 0xffffffff, access);
  } else physical = linear & 0xffffffff;
  if (softly && faultVector >= 0) return 0;
  physical &= load<u64>(vcpu, A20_MASK);
  const entry = p2m(physical);
  physicalAddress = physical;
  if (tracing & TRACE_TLB_FILL) emit(TRACE_TLB_FILL, signed(linear), <f64>physical, <f64>(access | (context << 4) | (walkLarge ? 256 : 0)));
  if (!(entry & P2M_PRESENT)) return 0;
  const host = <usize>(entry & ~0xfff) + (<usize>physical & 0xfff);
  if (access == ACCESS_WRITE) {
    if (entry & P2M_ROM) {
      physicalAddress = ~(<u64>0);
      return 0;
    }
    if (entry & P2M_WRITE_BUS) return 0;
    if (!(entry & P2M_DIRTY)) {
      if (saving) pageWritten(<u32>(physical >> 12));
      store<u32>(P2M_BASE + (<usize>(physical >> 12) << 2), entry | P2M_DIRTY);
    }
  }
  if (watching || context == CONTEXT_ALIGN) return host;
  if ((watches || tracing & TRACE_TABLE_WRITE) && access != ACCESS_EXEC) {
    lookAtPage(linear, physical, access == ACCESS_WRITE);
    if (watchedPage) return host;
  }
  const page = linear & ~0xfff;
  const tag = page | generation;
  const e = Mem.entry(linear);
  const addend = <u32>(host & ~0xfff) - <u32>page;
  if (load<u32>(e, TLB_ADDEND) != addend || (load<u64>(e, TLB_READ) != tag && load<u64>(e, TLB_WRITE) != tag && load<u64>(e, TLB_EXEC) != tag)) {
    store<u64>(e, 0, TLB_READ);
    store<u64>(e, 0, TLB_WRITE);
    store<u64>(e, 0, TLB_EXEC);
    store<u32>(e, addend, TLB_ADDEND);
    store<u32>(e, 0, TLB_INFO);
  }
  if (walkLarge) {
    if (page < largeLow) largeLow = page;
    if (page > largeHigh) largeHigh = page | 0xfff;
    // Fragments of the same large page may lie anywhere around.
    const low = page & ~walkLarge;
    const high = page | walkLarge;
    if (low < largeLow) largeLow = low;
    if (high > largeHigh) largeHigh = high;
  }
  if (!walkGlobal || !(load<u64>(vcpu, CR4) & PGE)) noteLocal(e, access);
  if (access == ACCESS_EXEC) store<u64>(e, tag, TLB_EXEC);
  else if (access == ACCESS_READ) store<u64>(e, tag, TLB_READ);
  else {
    // Reads are allowed wherever writes are.
    store<u64>(e, tag, TLB_READ);
    if (entry & P2M_TRACK) return host;
    if (load<u64>(codeLines(host))) store<u32>(e, 1, TLB_INFO);
    else store<u64>(e, tag, TLB_WRITE);
  }
  return host;
}

/** translate(), but a page fault is left recorded (faultVector) and the address is 0. For callers that can leave what they do without a trace. */
export function translateSoftly(linear: u64, access: u32): usize {
  softly = softFaults;
  const host = translate(linear, access);
  softly = false;
  return host;
}
function noteLocal(e: usize, access: u32): void {
  if (access == ACCESS_EXEC && context != CONTEXT_USER) localSystem = true;
  const log = tlbLog();
  const count = load<u32>(log);
  if (count > TLB_LOG_MOST) return;
  if (count < TLB_LOG_MOST) store<u32>(log + 4 + (count << 2), <u32>e);
  store<u32>(log, count + 1);
}
/** Host address of an instruction byte, raising the guest's fault; 0 when it lies on the bus. */
export function executableHost(linear: u64): usize {
  const host = Known.executable(linear);
  return host ? host : translate(linear, ACCESS_EXEC);
}
/** The same where a page fault is left recorded. */
export function executableSoftly(linear: u64): usize {
  const host = Known.executable(linear);
  return host ? host : translateSoftly(linear, ACCESS_EXEC);
}
class Known {
  @inline static executable(linear: u64): usize {
    const e = Mem.entry(linear);
    return load<u64>(e, TLB_EXEC) == ((linear & ~0xfff) | generation) ? <usize>(<u32>linear + load<u32>(e, TLB_ADDEND)) : 0;
  }
}

// ---- instruction access ---------------------------------------------------------------------------------------------

/** Breakpoints on data or alignment checks are on. */
export function checkedAccesses(): bool {
  return watching || context == CONTEXT_ALIGN;
}
function checkAlign(linear: u64, size: u32): void {
  if (context == CONTEXT_ALIGN && size > 1 && <u32>linear & (size - 1)) {
    updateContext();
    raiseCode(AC, 0);
  }
}
/** Set by checkWatch when a data breakpoint matched: DR6 bits to report after the instruction. */
export let watchHit: u32 = 0;
export function clearWatchHit(): void {
  watchHit = 0;
}
function checkWatch(linear: u64, size: u32, write: bool): void {
  const dr7 = load<u64>(vcpu + 56, DR);
  for (let n: u32 = 0; n < 4; n++) {
    if (!(dr7 & (3 << (n * 2)))) continue;
    const type = <u32>(dr7 >> (16 + n * 4)) & 3;
    if (type != 3 && !(type == 1 && write)) continue;
    let len = (<u32>(dr7 >> (18 + n * 4)) & 3) + 1;
    if (len == 3) len = 8;
    const start = load<u64>(vcpu + (n << 3), DR) & ~(<u64>(len - 1));
    if (linear < start + len && linear + size > start) watchHit |= 1 << n;
  }
}
function busRead<T>(physical: u64): T {
  if (sizeof<T>() == 8) return <T>(<u64>mmioRead(<f64>physical, 4) | ((<u64>mmioRead(<f64>(physical + 4), 4)) << 32));
  return <T>mmioRead(<f64>physical, sizeof<T>());
}
function busWrite<T>(physical: u64, v: T): void {
  if (physical == ~(<u64>0)) return;
  if (sizeof<T>() == 8) {
    mmioWrite(<f64>physical, 4, <u32>v);
    mmioWrite(<f64>(physical + 4), 4, <u32>(<u64>v >> 32));
  } else mmioWrite(<f64>physical, sizeof<T>(), <u32>v);
}
export function readSlow<T>(linear: u64): T {
  checkAlign(linear, sizeof<T>());
  if (watching) checkWatch(linear, sizeof<T>(), false);
  if (sizeof<T>() > 1 && (<u32>linear & 0xfff) + <u32>sizeof<T>() > 4096) {
    let v: u64 = 0;
    const first = 4096 - (<u32>linear & 0xfff);
    checkBoth(linear, sizeof<T>());
    // The first page faults first; then bytes of both.
    translate(linear, ACCESS_READ);
    translate(linear + first, ACCESS_READ);
    for (let i: u32 = 0; i < <u32>sizeof<T>(); i++) v |= (<u64>readByte(linear + i)) << (i << 3);
    return <T>v;
  }
  const host = translate(linear, ACCESS_READ);
  if (watches) dataTouched(linear, physicalAddress, sizeof<T>(), false);
  if (host) return load<T>(host);
  return busRead<T>(physicalAddress);
}
function readByte(linear: u64): u8 {
  const host = translate(linear, ACCESS_READ);
  if (watches) dataTouched(linear, physicalAddress, 1, false);
  return host ? load<u8>(host) : busRead<u8>(physicalAddress);
}
export function writeSlow<T>(linear: u64, v: T): void {
  checkAlign(linear, sizeof<T>());
  if (watching) checkWatch(linear, sizeof<T>(), true);
  if (sizeof<T>() > 1 && (<u32>linear & 0xfff) + <u32>sizeof<T>() > 4096) {
    const first = 4096 - (<u32>linear & 0xfff);
    checkBoth(linear, sizeof<T>());
    translate(linear, ACCESS_WRITE);
    translate(linear + first, ACCESS_WRITE);
    for (let i: u32 = 0; i < <u32>sizeof<T>(); i++) writeByte(linear + i, <u8>(<u64>v >> <u64>(i << 3)));
    return;
  }
  // Beside code: the translation is known, only the code lines are looked at.
  const e = Mem.entry(linear);
  const known = load<u32>(e, TLB_INFO) == 1 && load<u64>(e, TLB_READ) == ((linear & ~0xfff) | generation) && !watching;
  const host = known ? <usize>(<u32>linear + load<u32>(e, TLB_ADDEND)) : translate(linear, ACCESS_WRITE);
  if (!known) {
    if (watches) dataTouched(linear, physicalAddress, sizeof<T>(), true);
    if (tablePage && tracing & TRACE_TABLE_WRITE) tableWritten(physicalAddress, <u64>v, sizeof<T>());
  }
  if (host) {
    store<T>(host, v);
    if (load<u64>(codeLines(host))) blockWritten(host, sizeof<T>());
    else if (known) store<u32>(e, 0, TLB_INFO);
  } else busWrite<T>(physicalAddress, v);
}
function writeByte(linear: u64, v: u8): void {
  const host = translate(linear, ACCESS_WRITE);
  if (watches) dataTouched(linear, physicalAddress, 1, true);
  if (host) {
    store<u8>(host, v);
    if (load<u64>(codeLines(host))) blockWritten(host, 1);
  } else busWrite<u8>(physicalAddress, v);
}
/** Read-modify-write: where the write after a successful `modify` goes. 0: by writeSlow (bus, straddling, code). */
export function modifySlow(linear: u64, size: u32): usize {
  probeWrite(linear, size);
  return 0;
}
export function probeWrite(linear: u64, size: u32): void {
  if (size > 1) checkBoth(linear, size);
  translate(linear, ACCESS_WRITE);
  if (size > 1 && (<u32>linear & 0xfff) + size > 4096) translate(linear + (4096 - (<u32>linear & 0xfff)), ACCESS_WRITE);
}
export function readSlow128(linear: u64): v128 {
  return i64x2.replace_lane(i64x2.splat(<i64>Mem.read<u64>(linear)), 1, <i64>Mem.read<u64>(linear + 8));
}
export function writeSlow128(linear: u64, v: v128): void {
  probeWrite(linear, 16);
  Mem.write<u64>(linear, <u64>i64x2.extract_lane(v, 0));
  Mem.write<u64>(linear + 8, <u64>i64x2.extract_lane(v, 1));
}

/** Memory access of instructions at linear addresses, in the current privilege context. */
export class Mem {
  @inline static entry(linear: u64): usize {
    return tlb + (<usize>(linear >> 7) & ((TLB_ENTRIES - 1) << 5));
  }
  @inline static read<T>(linear: u64): T {
    const e = Mem.entry(linear);
    if (load<u64>(e, TLB_READ) == (((linear + (sizeof<T>() - 1)) & ~0xfff) | generation))
      return load<T>(<usize>(<u32>linear + load<u32>(e, TLB_ADDEND)));
    if (isVector<T>()) return <T>readSlow128(linear);
    return readSlow<T>(linear);
  }
  @inline static write<T>(linear: u64, v: T): void {
    const e = Mem.entry(linear);
    if (load<u64>(e, TLB_WRITE) == (((linear + (sizeof<T>() - 1)) & ~0xfff) | generation))
      store<T>(<usize>(<u32>linear + load<u32>(e, TLB_ADDEND)), v);
    else if (isVector<T>()) writeSlow128(linear, v);
    else writeSlow<T>(linear, v);
  }
  /** Host address for a read-modify-write, or 0: then read, compute and write() (which cannot fault any more). */
  @inline static modify<T>(linear: u64): usize {
    const e = Mem.entry(linear);
    if (load<u64>(e, TLB_WRITE) == (((linear + (sizeof<T>() - 1)) & ~0xfff) | generation))
      return <usize>(<u32>linear + load<u32>(e, TLB_ADDEND));
    return modifySlow(linear, sizeof<T>());
  }
  static probeWrite(linear: u64, size: u32): void {
    probeWrite(linear, size);
  }
}

/** Loads the PAE page-directory-pointer registers from CR3. False: a reserved bit is set (#GP for MOV to CR). */
export function loadPdptes(cr3: u64): bool {
  const base = cr3 & 0xffffffe0;
  for (let n: u32 = 0; n < 4; n++) {
    const e = physicalRead64(base + (n << 3));
    if (e & 1 && e & 0xffffff00000001e6) return false;
  }
  for (let n: u32 = 0; n < 4; n++) store<u64>(vcpu + (n << 3), physicalRead64(base + (n << 3)), PDPTE);
  return true;
}
