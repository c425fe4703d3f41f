// System instructions: control and debug registers, descriptor tables, MSRs, CPUID, TSC, ports, SYSCALL and SYSENTER, HLT.
// Intel SDM 2, 3A 2.5, 4 (MSRs). Left out: performance counters, VMX, SMX, MONITOR's wake-up (MWAIT waits for an interrupt).

import { GP, NP, raise, raiseCode, UD } from "./fault";
import { ACF, flagBits, IF, RF, setFlagBits, VM, ZF, } from "./flags";
import { apicMsrRead, apicMsrWrite, missing, pioRead, pioWrite, readTpr, writeTpr } from "./host";
import { shadowNext, shadowStack, writeFlags } from "./interrupts";
import { EVENT_CR0, LOG_CR0, logs, report } from "./log";
import { setVif, virtualIf } from "./vme";
import { cr3Watched, cr3Written, emit, tracing } from "./watch";
import { ATTENTION, ATTENTION_INTR, SHADOW_END, TRACE_HALT, CPUID_BASE, CR0, CR2, CR3, CR4, DR, EFER, EFLAGS, FEATURES, GDT_BASE, GDT_LIMIT, IDT_BASE, IDT_LIMIT, IP,
  MSR_BIOS_SIGN, MSR_CSTAR, MSR_DEBUGCTL, MSR_KERNEL_GS_BASE, MSR_LSTAR, MSR_MISC_ENABLE, MSR_MTRR, MSR_MTRR_DEF_TYPE, MSR_PAT, MSR_SFMASK,
  MSR_STAR, MSR_SYSENTER_CS, MSR_SYSENTER_EIP, MSR_SYSENTER_ESP, MSR_TSC_ADJUST, MSR_TSC_AUX, REC_ADDR_SHIFT, REC_R0, REC_R1, REC_SEG, REC_SIZE,
  SCRATCH_BASE, SEG_BASE, TSC_OFFSET,
} from "./layout";
import {
  ATTR_NULL, codeSize, halt, longMode, PE, protectedMode, realOrV86, updateAttention, updateDebug, updateLookupKey, updateMode, virtual8086,
} from "./mode";
import { guestNs } from "./time";
import { enterSystem, flushAll, flushPage, flushPcid, loadPdptes, Mem, switchAddressSpace, updateContext } from "./mmu";
import { Ea, Reg } from "./operands";
import { retired, stopBlock } from "./run";
import {
  descAttr, descBase, descDpl, descLimit, descPresent, descSystem, descType, descriptorAt, loadSegment, readDescriptor, readDescriptorHigh,
  segAttr, segBase, segLimit, selector, setCpl, setSegment,
} from "./segments";
import { CS, FS, GS, LDTR, RAX, RBX, RCX, RDX, Regs, RSP, SS, TR, vcpu } from "./state";
import { fullFlags, loadLdt } from "./task";
import { xsaveSize } from "./xsave";

const PG: u64 = 0x80000000;
const WP: u64 = 0x10000;
const CD: u64 = 0x40000000;
const NW: u64 = 0x20000000;
const PAE: u64 = 0x20;
const PCIDE: u64 = 0x20000;
const UMIP: u64 = 0x800;
const OSXSAVE: u64 = 0x40000;
const LME: u64 = 0x100;
const LMA: u64 = 0x400;
const SCE: u64 = 1;

/** #GP(0) unless CPL is 0. */
export function privileged(): void {
  if (Regs.cpl() != 0) raiseCode(GP, 0);
}

// ---- ports ----------------------------------------------------------------------------------------------------------
/** I/O permission: IOPL, then the TSS bitmap. */
export function checkPort(port: u32, size: u32): void {
  if (!protectedMode()) return;
  const iopl = (<u32>load<u64>(vcpu, EFLAGS) >> 12) & 3;
  if (Regs.cpl() <= iopl && !virtual8086()) return;
  if (!(segAttr(TR) & 8) || segAttr(TR) & ATTR_NULL) raiseCode(GP, 0);
  const base = segBase(TR);
  const limit = segLimit(TR);
  if (limit < 103) raiseCode(GP, 0);
  enterSystem();
  const map = <u32>Mem.read<u16>(base + 102);
  const at = map + (port >> 3);
  if (at + 1 > limit) {
    updateContext();
    raiseCode(GP, 0);
  }
  const bits = <u32>Mem.read<u8>(base + at) | (<u32>Mem.read<u8>(base + at + 1) << 8);
  updateContext();
  if ((bits >> (port & 7)) & ((1 << size) - 1)) raiseCode(GP, 0);
}
export function inImm<T>(port: u8): T {
  checkPort(port, sizeof<T>());
  return <T>pioRead(port, sizeof<T>());
}
export function inDx<T>(port: u16): T {
  checkPort(port, sizeof<T>());
  return <T>pioRead(port, sizeof<T>());
}
export function outImm<T>(port: u8, v: T): void {
  checkPort(port, sizeof<T>());
  pioWrite(port, sizeof<T>(), <u32>v);
}
export function outDx<T>(port: u16, v: T): void {
  checkPort(port, sizeof<T>());
  pioWrite(port, sizeof<T>(), <u32>v);
}

// ---- flags ----------------------------------------------------------------------------------------------------------
export function cli(r: usize): void {
  if (protectedMode()) {
    const iopl = (<u32>load<u64>(vcpu, EFLAGS) >> 12) & 3;
    if (virtual8086() ? iopl < 3 : Regs.cpl() > iopl) {
      if (!virtualIf()) raiseCode(GP, 0);
      setVif(false);
      return;
    }
  }
  store<u64>(vcpu, load<u64>(vcpu, EFLAGS) & ~(<u64>IF), EFLAGS);
  store<u32>(vcpu, load<u32>(vcpu, ATTENTION) & ~ATTENTION_INTR, ATTENTION);
}
export function sti(r: usize): void {
  if (protectedMode()) {
    const iopl = (<u32>load<u64>(vcpu, EFLAGS) >> 12) & 3;
    if (virtual8086() ? iopl < 3 : Regs.cpl() > iopl) {
      if (!virtualIf()) raiseCode(GP, 0);
      setVif(true);
      return;
    }
  }
  const old = load<u64>(vcpu, EFLAGS);
  if (old & IF) return;
  store<u64>(vcpu, old | IF, EFLAGS);
  updateAttention();
  // With nothing waiting the shadow costs nothing: what comes later looks whether an instruction was executed since (attend()).
  if (load<u32>(vcpu, ATTENTION)) shadowNext();
  else store<u64>(vcpu, retired() + 1, SHADOW_END);
}
export function setDirection(r: usize, on: u32): void {
  const f = load<u64>(vcpu, EFLAGS);
  store<u64>(vcpu, on ? f | 0x400 : f & ~0x400, EFLAGS);
}
export function carry(r: usize, op: u32): void {
  const f = flagBits();
  setFlagBits(op == 0 ? f & ~1 : op == 1 ? f | 1 : f ^ 1);
}
export function setAc(r: usize, on: u32): void {
  if (Regs.cpl() != 0) raise(UD);
  const f = load<u64>(vcpu, EFLAGS);
  store<u64>(vcpu, on ? f | ACF : f & ~(<u64>ACF), EFLAGS);
  updateContext();
}
export function hlt(r: usize): void {
  privileged();
  if (tracing & TRACE_HALT) emit(TRACE_HALT, 0, 0, 0);
  halt();
  stopBlock();
}
/** The address is only checked: what MWAIT waits for ends at every interrupt, and a processor may end it whenever it likes. */
export function monitor(r: usize): void {
  if (Regs.cpl() != 0) raise(UD);
  if (<u32>Regs.get(RCX) != 0) raiseCode(GP, 0);
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  Mem.read<u8>(Ea.readAt(load<u8>(r, REC_SEG), (Regs.get(RAX) << shift) >> shift, 1));
}
/** ECX bit 0: a masked interrupt ends the wait too; then, and with interrupts off, the wait is over at once. */
export function mwait(r: usize): void {
  if (Regs.cpl() != 0) raise(UD);
  if (<u32>Regs.get(RCX) & ~1) raiseCode(GP, 0);
  if (tracing & TRACE_HALT) emit(TRACE_HALT, 1, 0, 0);
  if (load<u64>(vcpu, EFLAGS) & IF) halt();
  stopBlock();
}
export function nop(r: usize): void {}
export function pause(r: usize): void {}

// ---- control registers ----------------------------------------------------------------------------------------------
function writeCr0(v: u64): void {
  const old = load<u64>(vcpu, CR0);
  if (v >> 32) raiseCode(GP, 0);
  if (logs(LOG_CR0)) report(EVENT_CR0, <u32>v, 0, 0);
  if (v & PG && !(v & PE)) raiseCode(GP, 0);
  if (v & NW && !(v & CD)) raiseCode(GP, 0);
  const next = (v & 0xe005003f) | 0x10; // ET is always set
  const efer = load<u64>(vcpu, EFER);
  if (next & PG && !(old & PG)) {
    if (efer & LME) {
      if (!(load<u64>(vcpu, CR4) & PAE) || segAttr(CS) & 0x2000) raiseCode(GP, 0);
      store<u64>(vcpu, efer | LMA, EFER);
    } else if (load<u64>(vcpu, CR4) & PAE && !loadPdptes(load<u64>(vcpu, CR3))) raiseCode(GP, 0);
  } else if (!(next & PG) && old & PG) {
    if (efer & LMA) {
      if (codeSize == 2) raiseCode(GP, 0);
      if (load<u64>(vcpu, CR4) & PCIDE) raiseCode(GP, 0);
      store<u64>(vcpu, efer & ~LMA, EFER);
    }
  }
  store<u64>(vcpu, next, CR0);
  if ((old ^ next) & (PG | WP | PE)) flushAll();
  updateMode();
  stopBlock();
}
function writeCr4(v: u64): void {
  const old = load<u64>(vcpu, CR4);
  // VME PVI TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT UMIP FSGSBASE PCIDE SMEP SMAP, as far as the model has them.
  if (v & ~cr4Allowed()) raiseCode(GP, 0);
  if (longMode() && !(v & PAE)) raiseCode(GP, 0);
  if (v & PCIDE && !(old & PCIDE) && (!longMode() || load<u64>(vcpu, CR3) & 0xfff)) raiseCode(GP, 0);
  if ((old ^ v) & PAE && load<u64>(vcpu, CR0) & PG && v & PAE && !longMode() && !loadPdptes(load<u64>(vcpu, CR3))) raiseCode(GP, 0);
  store<u64>(vcpu, v, CR4);
  if ((old ^ v) & 0x3200b0) flushAll(); // PSE PAE PGE PCIDE SMEP SMAP
  updateMode();
  stopBlock();
}
/** Feature bits by number as isa/features.ts gives them: word << 5 | bit. */
export function feature(n: u32): bool {
  return (load<u32>(vcpu + ((n >> 5) << 2), FEATURES) & (1 << (n & 31))) != 0;
}
function cr4Allowed(): u64 {
  let m: u64 = 0x100; // PCE
  if (feature(1)) m |= 3; // VME, PVI
  if (feature(2)) m |= 8; // DE
  if (feature(3)) m |= 0x10; // PSE
  if (feature(4)) m |= 4; // TSD
  if (feature(6)) m |= PAE;
  if (feature(7)) m |= 0x40; // MCE
  if (feature(24)) m |= 0x600; // FXSR, SSE exceptions
  if (feature(13)) m |= 0x80;
  if (feature(64 + 2)) m |= UMIP;
  if (feature(96 + 0)) m |= 0x10000; // FSGSBASE
  if (feature(32 + 17)) m |= PCIDE;
  if (feature(32 + 26)) m |= OSXSAVE;
  if (feature(96 + 7)) m |= 0x100000;
  if (feature(96 + 20)) m |= 0x200000;
  return m;
}
/** Registers that are not there are #UD before anybody asks who reads them (so does silicon). */
function controlRegister(n: u32): u32 {
  if (n == 1 || (n > 4 && n != 8)) raise(UD);
  privileged();
  return n;
}
export function movFromCr<T>(r: usize): void {
  const n = controlRegister(<u32>load<u8>(r, REC_R1));
  let v: u64;
  switch (n) {
    case 0: v = load<u64>(vcpu, CR0); break;
    case 2: v = load<u64>(vcpu, CR2); break;
    case 3: v = load<u64>(vcpu, CR3); break;
    case 4: v = load<u64>(vcpu, CR4); break;
    case 8: v = readTpr(); break;
    default:
      raise(UD);
      return;
  }
  if (codeSize == 2) Reg.write<u64>(r, REC_R0, v);
  else Reg.write<u32>(r, REC_R0, <u32>v);
}
export function movToCr<T>(r: usize): void {
  const n = controlRegister(<u32>load<u8>(r, REC_R0));
  const v = codeSize == 2 ? Reg.read<u64>(r, REC_R1) : <u64>Reg.read<u32>(r, REC_R1);
  switch (n) {
    case 0: writeCr0(v); break;
    case 2: store<u64>(vcpu, v, CR2); break;
    case 3: writeCr3(v); break;
    case 4: writeCr4(v); break;
    case 8:
      if (v >> 4) raiseCode(GP, 0);
      writeTpr(<u32>v);
      stopBlock();
      break;
    default: raise(UD);
  }
}
function writeCr3(v: u64): void {
  const pcide = (load<u64>(vcpu, CR4) & PCIDE) != 0;
  const keep = pcide && v >> 63 != 0;
  const next = pcide ? v & ~((<u64>1) << 63) : v;
  if (longMode() && next >> 40) raiseCode(GP, 0);
  if (load<u64>(vcpu, CR0) & PG && load<u64>(vcpu, CR4) & PAE && !longMode() && !loadPdptes(next)) raiseCode(GP, 0);
  if (cr3Watched) cr3Written(load<u64>(vcpu, CR3), next);
  store<u64>(vcpu, next, CR3);
  switchAddressSpace(keep);
  updateLookupKey();
  stopBlock();
}
export function lmsw(v: u16): void {
  privileged();
  const old = load<u64>(vcpu, CR0);
  writeCr0((old & ~14) | (<u64>v & 15) | (old & 1));
}
function umip(): void {
  if (load<u64>(vcpu, CR4) & UMIP && Regs.cpl() != 0 && protectedMode()) raiseCode(GP, 0);
}
export function smsw<T>(): T {
  umip();
  return <T>load<u64>(vcpu, CR0);
}
export function clts(r: usize): void {
  privileged();
  store<u64>(vcpu, load<u64>(vcpu, CR0) & ~8, CR0);
}
export function movFromDr<T>(r: usize): void {
  const n = drNumber(<u32>load<u8>(r, REC_R1));
  const v = load<u64>(vcpu + (n << 3), DR);
  if (codeSize == 2) Reg.write<u64>(r, REC_R0, v);
  else Reg.write<u32>(r, REC_R0, <u32>v);
}
function drNumber(n: u32): u32 {
  if (n > 7 || ((n == 4 || n == 5) && load<u64>(vcpu, CR4) & 8)) raise(UD);
  privileged();
  if (n == 4 || n == 5) n += 2;
  if (load<u64>(vcpu + 56, DR) & 0x2000) {
    // General detect.
    store<u64>(vcpu + 56, load<u64>(vcpu + 56, DR) & ~0x2000, DR);
    store<u64>(vcpu + 48, load<u64>(vcpu + 48, DR) | 0x2000, DR);
    raise(1);
  }
  return n;
}
export function movToDr<T>(r: usize): void {
  const n = drNumber(<u32>load<u8>(r, REC_R0));
  let v = codeSize == 2 ? Reg.read<u64>(r, REC_R1) : <u64>Reg.read<u32>(r, REC_R1);
  if (n >= 6) {
    if (v >> 32) raiseCode(GP, 0);
    v = n == 6 ? (v & 0xe00f) | 0xffff0ff0 : (v & 0xffff2bff) | 0x400;
  }
  store<u64>(vcpu + (n << 3), v, DR);
  updateDebug();
  stopBlock();
}

// ---- descriptor tables ----------------------------------------------------------------------------------------------
function storeTable(r: usize, base: u64, limit: u32): void {
  umip();
  const at = Ea.toWrite(r, codeSize == 2 ? 10 : 6);
  Mem.probeWrite(at, codeSize == 2 ? 10 : 6);
  Mem.write<u16>(at, <u16>limit);
  if (codeSize == 2) Mem.write<u64>(at + 2, base);
  else Mem.write<u32>(at + 2, <u32>base);
}
export function sgdt(r: usize): void {
  storeTable(r, load<u64>(vcpu, GDT_BASE), load<u32>(vcpu, GDT_LIMIT));
}
export function sidt(r: usize): void {
  storeTable(r, load<u64>(vcpu, IDT_BASE), load<u32>(vcpu, IDT_LIMIT));
}
export function loadTable(r: usize, idt: u32): void {
  privileged();
  const at = Ea.toRead(r, codeSize == 2 ? 10 : 6);
  const limit = <u32>Mem.read<u16>(at);
  let base: u64;
  if (codeSize == 2) {
    base = Mem.read<u64>(at + 2);
    if (<i64>(base << 16) >> 16 != <i64>base) raiseCode(GP, 0);
  } else {
    base = Mem.read<u32>(at + 2);
    if (load<u8>(r, REC_SIZE) == 1) base &= 0xffffff;
  }
  if (idt) {
    store<u64>(vcpu, base, IDT_BASE);
    store<u32>(vcpu, limit, IDT_LIMIT);
  } else {
    store<u64>(vcpu, base, GDT_BASE);
    store<u32>(vcpu, limit, GDT_LIMIT);
  }
}
export function sldtReg<T>(r: usize, s: u32): void {
  if (realOrV86()) raise(UD);
  umip();
  Reg.write<T>(r, REC_R0, <T>selector(s));
}
export function sldtMem(r: usize, s: u32): void {
  if (realOrV86()) raise(UD);
  umip();
  Mem.write<u16>(Ea.toWrite(r, 2), <u16>selector(s));
}
export function lldt(sel: u16): void {
  if (realOrV86()) raise(UD);
  privileged();
  if (sel & 0xfffc) {
    if (sel & 4) raiseCode(GP, sel & 0xfffc);
    const d = readDescriptor(sel, GP);
    if (!descSystem(d) || descType(d) != 2) raiseCode(GP, sel & 0xfffc);
    if (!descPresent(d)) raiseCode(NP, sel & 0xfffc);
    let base = descBase(d);
    if (longMode()) base |= (readDescriptorHigh(sel, GP) & 0xffffffff) << 32;
    setSegment(LDTR, sel, base, descLimit(d), descAttr(d));
  } else loadLdt(sel, GP);
}
export function ltr(sel: u16): void {
  if (realOrV86()) raise(UD);
  privileged();
  if (!(sel & 0xfffc)) raiseCode(GP, 0);
  if (sel & 4) raiseCode(GP, sel & 0xfffc);
  const d = readDescriptor(sel, GP);
  const type = descType(d);
  if (!descSystem(d) || (type != 9 && !(type == 1 && !longMode()))) raiseCode(GP, sel & 0xfffc);
  if (!descPresent(d)) raiseCode(NP, sel & 0xfffc);
  let base = descBase(d);
  if (longMode()) base |= (readDescriptorHigh(sel, GP) & 0xffffffff) << 32;
  enterSystem();
  Mem.write<u8>(descriptorAt(sel) + 5, <u8>(d >> 40) | 2);
  updateContext();
  setSegment(TR, sel, base, descLimit(d), descAttr(d) | 2);
}
/** A descriptor for LAR, LSL, VERR, VERW, or 0 when the selector is not readable here. */
function peekDescriptor(sel: u32): u64 {
  if (!(sel & 0xfffc)) return 0;
  const at = descriptorAt(sel);
  if (at == ~(<u64>0)) return 0;
  enterSystem();
  const d = Mem.read<u64>(at);
  updateContext();
  return d;
}
function visible(sel: u32, d: u64): bool {
  const type = descType(d);
  if (!descSystem(d) && (type & 12) == 12) return true; // conforming code
  return descDpl(d) >= Regs.cpl() && descDpl(d) >= (sel & 3);
}
function setZf(on: bool): void {
  const f = flagBits();
  setFlagBits(on ? f | ZF : f & ~ZF);
}
// A selector that fails the checks leaves the whole destination alone (a 32-bit form does not clear its upper half).
function lar<T>(r: usize, sel: u32): void {
  if (realOrV86()) raise(UD);
  const d = peekDescriptor(sel);
  let ok = d != 0 && visible(sel, d);
  if (ok && descSystem(d)) {
    const t = descType(d);
    ok = longMode() ? t == 2 || t == 9 || t == 11 || t == 12 : t == 1 || t == 2 || t == 3 || t == 4 || t == 5 || t == 9 || t == 11 || t == 12;
  }
  setZf(ok);
  if (ok) Reg.write<T>(r, REC_R0, <T>((d >> 32) & 0xf0ff00));
}
function lsl<T>(r: usize, sel: u32): void {
  if (realOrV86()) raise(UD);
  const d = peekDescriptor(sel);
  let ok = d != 0 && visible(sel, d);
  if (ok && descSystem(d)) {
    const t = descType(d);
    ok = longMode() ? t == 2 || t == 9 || t == 11 : t == 1 || t == 2 || t == 3 || t == 9 || t == 11;
  }
  setZf(ok);
  if (ok) Reg.write<T>(r, REC_R0, <T>descLimit(d));
}
export function larReg<T>(r: usize): void {
  lar<T>(r, Reg.read<u16>(r, REC_R1));
}
export function larMem<T>(r: usize): void {
  lar<T>(r, Mem.read<u16>(Ea.toRead(r, 2)));
}
export function lslReg<T>(r: usize): void {
  lsl<T>(r, Reg.read<u16>(r, REC_R1));
}
export function lslMem<T>(r: usize): void {
  lsl<T>(r, Mem.read<u16>(Ea.toRead(r, 2)));
}
export function verify(sel: u16, write: u32): void {
  if (realOrV86()) raise(UD);
  const d = peekDescriptor(sel);
  let ok = d != 0 && !descSystem(d) && visible(sel, d);
  const type = descType(d);
  if (ok) ok = write ? !(type & 8) && (type & 2) != 0 : !(type & 8) || (type & 2) != 0;
  setZf(ok);
}
export function arpl(a: u16, b: u16): u16 {
  if (realOrV86()) raise(UD);
  const lower = (a & 3) < (b & 3);
  setZf(lower);
  return lower ? (a & 0xfffc) | (b & 3) : a;
}
export function movSegReg(r: usize): void {
  movToSeg(<u32>load<u8>(r, REC_R0), Reg.read<u16>(r, REC_R1));
}
export function movSegMem(r: usize): void {
  const s = <u32>load<u8>(r, REC_R0);
  // Before the operand is looked at.
  if (s == CS || s > 5) raise(UD);
  movToSeg(s, Mem.read<u16>(Ea.toRead(r, 2)));
}
function movToSeg(s: u32, sel: u32): void {
  if (s == CS || s > 5) raise(UD);
  loadSegment(s, sel);
  if (s == SS) shadowStack();
}
export function movRegSeg<T>(r: usize): void {
  const s = <u32>load<u8>(r, REC_R1);
  if (s > 5) raise(UD);
  Reg.write<T>(r, REC_R0, <T>selector(s));
}
export function movMemSeg(r: usize): void {
  const s = <u32>load<u8>(r, REC_R0);
  if (s > 5) raise(UD);
  Mem.write<u16>(Ea.toWrite(r, 2), <u16>selector(s));
}

// ---- TLB and caches -------------------------------------------------------------------------------------------------
export function invlpg(r: usize): void {
  privileged();
  const seg = <u32>load<u8>(r, REC_SEG);
  flushPage(Ea.offset(r) + (codeSize == 2 && seg < 4 ? 0 : segBase(seg)));
  updateLookupKey();
  stopBlock();
}
export function invd(r: usize): void {
  privileged();
}
export function invpcid(r: usize): void {
  privileged();
  const kind = codeSize == 2 ? Reg.read<u64>(r, REC_R0) : <u64>Reg.read<u32>(r, REC_R0);
  const at = Ea.toRead(r, 16);
  const pcid = Mem.read<u64>(at);
  const linear = Mem.read<u64>(at + 8);
  if (kind > 3 || (kind < 2 && pcid >> 12)) raiseCode(GP, 0);
  if (kind == 0) {
    if (<i64>(linear << 16) >> 16 != <i64>linear) raiseCode(GP, 0);
    if ((load<u64>(vcpu, CR3) & 0xfff) == pcid) flushPage(linear);
    else flushPcid(<u32>pcid);
  } else if (kind == 1) flushPcid(<u32>pcid);
  else flushAll();
  updateLookupKey();
  stopBlock();
}

// ---- time, CPUID, MSRs ----------------------------------------------------------------------------------------------
/** The TSC runs at 1 GHz of guest time. */
export function tsc(): u64 {
  return guestNs() + load<u64>(vcpu, TSC_OFFSET);
}
export function rdtsc(r: usize): void {
  if (load<u64>(vcpu, CR4) & 4 && Regs.cpl() != 0 && protectedMode()) raiseCode(GP, 0);
  const t = tsc();
  Regs.set(RAX, t & 0xffffffff);
  Regs.set(RDX, t >> 32);
}
export function rdtscp(r: usize): void {
  rdtsc(r);
  Regs.set(RCX, load<u64>(vcpu, MSR_TSC_AUX) & 0xffffffff);
}
export function rdpid<T>(): T {
  return <T>load<u64>(vcpu, MSR_TSC_AUX);
}
export function rdpmc(r: usize): void {
  if (Regs.cpl() != 0 && protectedMode() && !(load<u64>(vcpu, CR4) & 0x100)) raiseCode(GP, 0);
  missing(5, <u32>Regs.get(RCX));
  raiseCode(GP, 0);
}
export function cpuid(r: usize): void {
  const leaf = <u32>Regs.get(RAX);
  const sub = <u32>Regs.get(RCX);
  const basicMax = load<u32>(CPUID_BASE, 8);
  let wanted = leaf;
  let rec = find(wanted, sub);
  if (!rec && !(leaf & 0x80000000)) {
    // Beyond the highest basic leaf: the highest basic leaf's data; unknown ones within the range are zero.
    wanted = basicMax;
    if (leaf > basicMax) rec = find(wanted, sub);
  }
  let a: u32 = 0, b: u32 = 0, c: u32 = 0, d: u32 = 0;
  if (rec) {
    a = load<u32>(rec, 8);
    b = load<u32>(rec, 12);
    c = load<u32>(rec, 16);
    d = load<u32>(rec, 20);
  }
  if (leaf == 1) {
    // OSXSAVE mirrors CR4.
    if (load<u64>(vcpu, CR4) & OSXSAVE) c |= 1 << 27;
  }
  // Size of the XSAVE area for what XCR0 enables now (the compacted one has the same layout).
  if (leaf == 0xd && rec != 0 && (sub == 0 || (sub == 1 && (a & 2) != 0))) b = xsaveSize();
  Regs.set(RAX, a);
  Regs.set(RBX, b);
  Regs.set(RCX, c);
  Regs.set(RDX, d);
}
/** CPUID records: leaf, subleaf (~0: any), eax, ebx, ecx, edx; the list ends with leaf = subleaf = 0xfffffffe. The first is leaf 0. */
function find(leaf: u32, sub: u32): usize {
  let at: usize = CPUID_BASE;
  for (let n: u32 = 0; n < 600; n++) {
    const l = load<u32>(at);
    const s = load<u32>(at, 4);
    if (l == 0xfffffffe && s == 0xfffffffe) return 0;
    if (l == leaf && (s == sub || s == 0xffffffff)) return at;
    at += 24;
  }
  return 0;
}
function canonical(v: u64): void {
  if (<i64>(v << 16) >> 16 != <i64>v) raiseCode(GP, 0);
}
/** Whether the model has a register that comes with a CPUID feature (SDM 4 table 2-2; APM 2 appendix A). Without: #GP. */
function msrThere(index: u32): bool {
  switch (index) {
    case 0x10: return feature(4);
    case 0x3b: return feature(96 + 1);
    case 0xfe: case 0x2ff: return feature(12);
    case 0x174: case 0x175: case 0x176: return feature(11);
    case 0x277: return feature(16);
    case 0x6e0: return feature(32 + 24);
    case 0xda0: return feature(192 + 3);
    case 0xc0000081: case 0xc0000082: case 0xc0000083: case 0xc0000084: return feature(128 + 11);
    case 0xc0000100: case 0xc0000101: case 0xc0000102: return feature(128 + 29);
    case 0xc0000103: return feature(128 + 27) || feature(64 + 22);
    default: return mtrrSlot(index) < 0 || feature(12);
  }
}
function readMsr(index: u32): u64 {
  if (!msrThere(index)) raiseCode(GP, 0);
  switch (index) {
    case 0x10: return tsc();
    case 0x17: return 0;
    case 0x1b: case 0x6e0:
      if (!apicMsrRead(index)) raiseCode(GP, 0);
      return load<u64>(SCRATCH_BASE);
    case 0x3a: return 1; // IA32_FEATURE_CONTROL: locked, VMX off
    case 0x3b: return load<u64>(vcpu, MSR_TSC_ADJUST);
    case 0x8b: return load<u64>(vcpu, MSR_BIOS_SIGN);
    case 0xce: case 0x34: case 0x33: case 0x2c: case 0x2a: case 0x198: case 0x19c: case 0x1a2: case 0x179: case 0x17a: case 0x17b: case 0x140:
    case 0xcd: case 0x611: case 0x606: case 0x639: case 0x641: case 0x619: case 0x122: case 0x10a: case 0x48: case 0x49:
    case 0x1c9: case 0x1db: case 0x1dc: case 0x1dd: case 0x1de: case 0x345: case 0x38d: case 0x38e: case 0x38f: case 0x390: case 0x300: return 0;
    case 0xda0: return 0; // IA32_XSS: no supervisor state components
    case 0xfe: return 0x508; // 8 variable ranges, fixed ranges, write-combining
    case 0x174: return load<u64>(vcpu, MSR_SYSENTER_CS);
    case 0x175: return load<u64>(vcpu, MSR_SYSENTER_ESP);
    case 0x176: return load<u64>(vcpu, MSR_SYSENTER_EIP);
    case 0x1a0: return load<u64>(vcpu, MSR_MISC_ENABLE);
    case 0x1d9: return load<u64>(vcpu, MSR_DEBUGCTL);
    case 0x277: return load<u64>(vcpu, MSR_PAT);
    case 0x2ff: return load<u64>(vcpu, MSR_MTRR_DEF_TYPE);
    // AMD: SYSCFG, IORRs, TOP_MEM, HWCR, SMM base and mask, VM_CR, OSVW, DE_CFG and northbridge: nothing configured.
    case 0xc0010010: case 0xc0010015: case 0xc0010016: case 0xc0010017: case 0xc0010018: case 0xc0010019: case 0xc001001a: case 0xc001001d:
    case 0xc001001f: case 0xc0010055: case 0xc0010058: case 0xc0010111: case 0xc0010112: case 0xc0010113: case 0xc0010114: case 0xc0010140:
    case 0xc0010141: case 0xc0011020: case 0xc0011021: case 0xc0011022: case 0xc0011023: case 0xc0011028: case 0xc0011029: case 0xc001102a: case 0xc0010000:
    case 0xc0010001: case 0xc0010002: case 0xc0010003: case 0xc0010004: case 0xc0010005: case 0xc0010006: case 0xc0010007: return 0;
    case 0xc0000080: return load<u64>(vcpu, EFER);
    case 0xc0000081: return load<u64>(vcpu, MSR_STAR);
    case 0xc0000082: return load<u64>(vcpu, MSR_LSTAR);
    case 0xc0000083: return load<u64>(vcpu, MSR_CSTAR);
    case 0xc0000084: return load<u64>(vcpu, MSR_SFMASK);
    case 0xc0000100: return segBase(FS);
    case 0xc0000101: return segBase(GS);
    case 0xc0000102: return load<u64>(vcpu, MSR_KERNEL_GS_BASE);
    case 0xc0000103: return load<u64>(vcpu, MSR_TSC_AUX);
    default: break;
  }
  const slot = mtrrSlot(index);
  if (slot >= 0) return load<u64>(vcpu + (<usize>slot << 3), MSR_MTRR);
  if (index >= 0x800 && index < 0x900) {
    if (!apicMsrRead(index)) raiseCode(GP, 0);
    return load<u64>(SCRATCH_BASE);
  }
  if (index >= 0x400 && index < 0x428) return 0; // machine-check banks: none
  missing(3, index);
  raiseCode(GP, 0);
  return 0;
}
/** Variable ranges 0x200-0x20f, then the eleven fixed ones. */
function mtrrSlot(index: u32): i32 {
  if (index >= 0x200 && index < 0x210) return index - 0x200;
  if (index == 0x250) return 16;
  if (index == 0x258 || index == 0x259) return 17 + index - 0x258;
  if (index >= 0x268 && index < 0x270) return 19 + index - 0x268;
  return -1;
}
function memoryType(t: u64): bool {
  return t < 7 && t != 2 && t != 3;
}
/** Reserved bits and types of the MTRRs (SDM 3A 11.11.2): physical addresses have 40 bits (models.ts). */
function checkMtrr(slot: i32, v: u64): void {
  const high: u64 = 0xffffff0000000000;
  if (slot < 16) {
    if (slot & 1 ? (v & (high | 0x7ff)) != 0 : (v & (high | 0xf00)) != 0 || !memoryType(v & 255)) raiseCode(GP, 0);
    return;
  }
  for (let n: u64 = 0; n < 64; n += 8) if (!memoryType((v >> n) & 255)) raiseCode(GP, 0);
}
function writeMsr(index: u32, v: u64): void {
  if (!msrThere(index)) raiseCode(GP, 0);
  switch (index) {
    case 0x10: {
      const delta = v - tsc();
      store<u64>(vcpu, load<u64>(vcpu, TSC_OFFSET) + delta, TSC_OFFSET);
      store<u64>(vcpu, load<u64>(vcpu, MSR_TSC_ADJUST) + delta, MSR_TSC_ADJUST);
      return;
    }
    case 0x1b: case 0x6e0:
      // x2APIC mode is the processor's to have.
      if (index == 0x1b && v & 0x400 && !feature(32 + 21)) raiseCode(GP, 0);
      store<u64>(SCRATCH_BASE, v);
      if (!apicMsrWrite(index)) raiseCode(GP, 0);
      stopBlock();
      return;
    case 0x3b: {
      store<u64>(vcpu, load<u64>(vcpu, TSC_OFFSET) + v - load<u64>(vcpu, MSR_TSC_ADJUST), TSC_OFFSET);
      store<u64>(vcpu, v, MSR_TSC_ADJUST);
      return;
    }
    case 0x8b: store<u64>(vcpu, v, MSR_BIOS_SIGN); return;
    case 0x79: case 0x48: case 0x49: case 0x17a: case 0x17b: case 0x140: case 0x1a2: case 0x122: case 0x1c9: case 0x38d: case 0x38f: case 0x390: return;
    case 0xda0:
      if (v) raiseCode(GP, 0);
      return;
    case 0x174: store<u64>(vcpu, v, MSR_SYSENTER_CS); return;
    case 0x175: canonical(v); store<u64>(vcpu, v, MSR_SYSENTER_ESP); return;
    case 0x176: canonical(v); store<u64>(vcpu, v, MSR_SYSENTER_EIP); return;
    case 0x1a0: store<u64>(vcpu, v, MSR_MISC_ENABLE); return;
    case 0x1d9: store<u64>(vcpu, v, MSR_DEBUGCTL); return;
    case 0x277: {
      for (let n: u64 = 0; n < 64; n += 8) {
        const t = (v >> n) & 255;
        if (t > 7 || t == 2 || t == 3) raiseCode(GP, 0);
      }
      store<u64>(vcpu, v, MSR_PAT);
      return;
    }
    case 0x2ff:
      if (v & ~0xcff || !memoryType(v & 255)) raiseCode(GP, 0);
      store<u64>(vcpu, v, MSR_MTRR_DEF_TYPE);
      return;
    case 0xc0000080: {
      const old = load<u64>(vcpu, EFER);
      let allowed: u64 = LME | LMA;
      if (feature(128 + 11)) allowed |= SCE;
      if (feature(128 + 20)) allowed |= 0x800; // NXE
      if (!feature(128 + 29)) allowed &= ~(LME | LMA);
      if (v & ~allowed) raiseCode(GP, 0);
      if ((old ^ v) & LME && load<u64>(vcpu, CR0) & PG) raiseCode(GP, 0);
      store<u64>(vcpu, (v & ~LMA) | (old & LMA), EFER);
      if ((old ^ v) & 0x800) flushAll();
      updateMode();
      stopBlock();
      return;
    }
    case 0xc0010010: case 0xc0010015: case 0xc001001f: case 0xc0010055: case 0xc0010111: case 0xc0010114: case 0xc0010140: case 0xc0010141:
    case 0xc0011020: case 0xc0011021: case 0xc0011022: case 0xc0011023: case 0xc0011028: case 0xc0011029: case 0xc001102a: case 0xc0010000: case 0xc0010001:
    case 0xc0010002: case 0xc0010003: case 0xc0010004: case 0xc0010005: case 0xc0010006: case 0xc0010007: return;
    case 0xc0000081: store<u64>(vcpu, v, MSR_STAR); return;
    case 0xc0000082: canonical(v); store<u64>(vcpu, v, MSR_LSTAR); return;
    case 0xc0000083: canonical(v); store<u64>(vcpu, v, MSR_CSTAR); return;
    case 0xc0000084: store<u64>(vcpu, v & 0xffffffff, MSR_SFMASK); return;
    case 0xc0000100: canonical(v); store<u64>(vcpu + (FS << 3), v, SEG_BASE); updateMode(); return;
    case 0xc0000101: canonical(v); store<u64>(vcpu + (GS << 3), v, SEG_BASE); updateMode(); return;
    case 0xc0000102: canonical(v); store<u64>(vcpu, v, MSR_KERNEL_GS_BASE); return;
    case 0xc0000103:
      if (v >> 32) raiseCode(GP, 0);
      store<u64>(vcpu, v, MSR_TSC_AUX);
      return;
    default: break;
  }
  const slot = mtrrSlot(index);
  if (slot >= 0) {
    checkMtrr(slot, v);
    store<u64>(vcpu + (<usize>slot << 3), v, MSR_MTRR);
    return;
  }
  if (index >= 0x800 && index < 0x900) {
    store<u64>(SCRATCH_BASE, v);
    if (!apicMsrWrite(index)) raiseCode(GP, 0);
    stopBlock();
    return;
  }
  if (index >= 0x400 && index < 0x428) return;
  missing(3, index);
  raiseCode(GP, 0);
}
export function rdmsr(r: usize): void {
  privileged();
  const v = readMsr(<u32>Regs.get(RCX));
  Regs.set(RAX, v & 0xffffffff);
  Regs.set(RDX, v >> 32);
}
export function wrmsr(r: usize): void {
  privileged();
  writeMsr(<u32>Regs.get(RCX), (Regs.get(RDX) << 32) | (Regs.get(RAX) & 0xffffffff));
}
/** RDFSBASE 0, RDGSBASE 1, WRFSBASE 2, WRGSBASE 3. */
export function fsgsBase<T>(r: usize, kind: u32): void {
  if (!(load<u64>(vcpu, CR4) & 0x10000)) raise(UD);
  const s = kind & 1 ? GS : FS;
  if (kind < 2) Reg.write<T>(r, REC_R0, <T>segBase(s));
  else {
    const v = <u64>Reg.read<T>(r, REC_R0);
    canonical(v);
    store<u64>(vcpu + (s << 3), v, SEG_BASE);
  }
}
export function swapgs(r: usize): void {
  privileged();
  const v = segBase(GS);
  store<u64>(vcpu + (GS << 3), load<u64>(vcpu, MSR_KERNEL_GS_BASE), SEG_BASE);
  store<u64>(vcpu, v, MSR_KERNEL_GS_BASE);
}

/** Vendors differ in where fast system calls work: CPUID leaf 0 says which this is. */
function intel(): bool {
  return load<u32>(CPUID_BASE, 12) == 0x756e6547; // "Genu"
}

// ---- fast system calls ----------------------------------------------------------------------------------------------
function flatSegment(s: u32, sel: u32, attr: u32): void {
  setSegment(s, sel, 0, 0xffffffff, attr);
}
/** Intel's know it in 64-bit code only (SDM 2B), AMD's in compatibility and legacy mode too (APM 3). */
export function syscall(r: usize): void {
  if (!(load<u64>(vcpu, EFER) & SCE) || !protectedMode() || (codeSize != 2 && intel())) raise(UD);
  const star = load<u64>(vcpu, MSR_STAR);
  const cs = <u32>(star >> 32) & 0xfffc;
  const ip = load<u64>(vcpu, IP);
  if (longMode()) {
    Regs.set(RCX, ip);
    Regs.set(11, fullFlags() & ~(<u64>RF));
    const mask = load<u64>(vcpu, MSR_SFMASK);
    store<u64>(vcpu, codeSize == 2 ? load<u64>(vcpu, MSR_LSTAR) : load<u64>(vcpu, MSR_CSTAR), IP);
    setCpl(0);
    flatSegment(CS, cs, 0xa09b);
    flatSegment(SS, cs + 8, 0xc093);
    writeFlags(0, mask | RF | VM);
  } else {
    Regs.set(RCX, ip & 0xffffffff);
    store<u64>(vcpu, star & 0xffffffff, IP);
    setCpl(0);
    flatSegment(CS, cs, 0xc09b);
    flatSegment(SS, cs + 8, 0xc093);
    writeFlags(0, IF | RF | VM);
  }
  updateMode();
}
export function sysret<T>(r: usize): void {
  if (!(load<u64>(vcpu, EFER) & SCE) || !protectedMode() || (codeSize != 2 && intel())) raise(UD);
  privileged();
  const star = load<u64>(vcpu, MSR_STAR);
  const base = <u32>(star >> 48);
  if (longMode()) {
    const wide = load<u8>(r, REC_SIZE) == 3;
    const ip = Regs.get(RCX);
    if (wide && <i64>(ip << 16) >> 16 != <i64>ip) raiseCode(GP, 0);
    const flags = Regs.get(11);
    store<u64>(vcpu, wide ? ip : ip & 0xffffffff, IP);
    setCpl(3);
    flatSegment(CS, (wide ? base + 16 : base) | 3, wide ? 0xa0fb : 0xc0fb);
    flatSegment(SS, (base + 8) | 3, 0xc0f3);
    writeFlags(flags, 0x3c7fd5 | ACF);
  } else {
    store<u64>(vcpu, Regs.get(RCX) & 0xffffffff, IP);
    setCpl(3);
    flatSegment(CS, base | 3, 0xc0fb);
    flatSegment(SS, (base + 8) | 3, 0xc0f3);
    writeFlags(IF, IF);
  }
  updateMode();
}
/** AMD's refuse it, and SYSEXIT, in long mode (APM 3; in ring 3 an EPYC's SYSEXIT is #GP before that). */
export function sysenter(r: usize): void {
  if (longMode() && !intel()) raise(UD);
  const cs = <u32>load<u64>(vcpu, MSR_SYSENTER_CS) & 0xfffc;
  if (!protectedMode() || !cs) raiseCode(GP, 0);
  const long = longMode();
  setCpl(0);
  flatSegment(CS, cs, long ? 0xa09b : 0xc09b);
  flatSegment(SS, cs + 8, 0xc093);
  writeFlags(0, IF | VM | RF);
  const sp = load<u64>(vcpu, MSR_SYSENTER_ESP);
  const ip = load<u64>(vcpu, MSR_SYSENTER_EIP);
  Regs.set(RSP, long ? sp : sp & 0xffffffff);
  store<u64>(vcpu, long ? ip : ip & 0xffffffff, IP);
  updateMode();
}
export function sysexit<T>(r: usize): void {
  if (!protectedMode() || Regs.cpl() != 0) raiseCode(GP, 0);
  if (longMode() && !intel()) raise(UD);
  const cs = <u32>load<u64>(vcpu, MSR_SYSENTER_CS) & 0xfffc;
  if (!cs) raiseCode(GP, 0);
  const wide = load<u8>(r, REC_SIZE) == 3;
  const ip = Regs.get(RDX);
  const sp = Regs.get(RCX);
  if (wide) {
    canonical(ip);
    canonical(sp);
  }
  setCpl(3);
  flatSegment(CS, (wide ? cs + 32 : cs + 16) | 3, wide ? 0xa0fb : 0xc0fb);
  flatSegment(SS, (wide ? cs + 40 : cs + 24) | 3, 0xc0f3);
  Regs.set(RSP, wide ? sp : sp & 0xffffffff);
  store<u64>(vcpu, wide ? ip : ip & 0xffffffff, IP);
  updateMode();
  stopBlock();
}
export function rsm(r: usize): void {
  raise(UD);
}
