// Segment registers and descriptors: loads with their checks, far jumps, calls and returns, call gates.
// Intel SDM 3A chapters 3.4, 5.5-5.8, 2A CALL/JMP/RET. Checks come first; state changes when nothing can fault any more.

import { GP, NP, raiseCode, SSF, TS } from "./fault";
import { settleResumeHere } from "./interrupts";
import { CPL, GDT_BASE, GDT_LIMIT, IP, SEG_ATTR, SEG_BASE, SEG_LIMIT, SEG_SELECTOR } from "./layout";
import { ATTR_DB, ATTR_L, ATTR_NULL, codeSize, longMode, realOrV86, updateFlat, updateMode, updateSegment, virtual8086 } from "./mode";
import { enterLevel, enterSystem, Mem, updateContext } from "./mmu";
import { Stack, stackMask } from "./operands";
import { CS, LDTR, Regs, RSP, SS, TR, vcpu, ES } from "./state";
import { taskSwitch } from "./task";

export function selector(s: u32): u32 {
  return load<u16>(vcpu + (s << 1), SEG_SELECTOR);
}
export function segBase(s: u32): u64 {
  return load<u64>(vcpu + (s << 3), SEG_BASE);
}
export function segAttr(s: u32): u32 {
  return load<u32>(vcpu + (s << 2), SEG_ATTR);
}
export function segLimit(s: u32): u32 {
  return load<u32>(vcpu + (s << 2), SEG_LIMIT);
}
/** Writes a segment register with its hidden part; updateMode() is the caller's business for CS and SS. */
export function setSegment(s: u32, sel: u32, base: u64, limit: u32, attr: u32): void {
  store<u16>(vcpu + (s << 1), <u16>sel, SEG_SELECTOR);
  store<u64>(vcpu + (s << 3), base, SEG_BASE);
  store<u32>(vcpu + (s << 2), limit, SEG_LIMIT);
  store<u32>(vcpu + (s << 2), attr, SEG_ATTR);
  updateSegment(s);
  updateFlat();
}
/** A segment in real or virtual-8086 mode: only selector and base change in real mode ("unreal" limits stay). CS too is writable there. */
export function setRealSegment(s: u32, sel: u32): void {
  if (virtual8086()) setSegment(s, sel, <u64>(sel << 4), 0xffff, 0xf3);
  else setSegment(s, sel, <u64>(sel << 4), segLimit(s), s == CS ? (segAttr(s) & ~(0x68 | ATTR_NULL)) | 0x93 : segAttr(s) & ~ATTR_NULL);
}

// ---- descriptors ----------------------------------------------------------------------------------------------------
// A descriptor is a u64 as it lies in memory.
export function descBase(d: u64): u64 {
  return ((d >> 16) & 0xffffff) | ((d >> 32) & 0xff000000);
}
export function descLimit(d: u64): u32 {
  const l = <u32>(d & 0xffff) | (<u32>(d >> 32) & 0xf0000);
  return <u32>(d >> 32) & 0x800000 ? (l << 12) | 0xfff : l;
}
export function descAttr(d: u64): u32 {
  return <u32>(d >> 40) & 0xf0ff;
}
export function descDpl(d: u64): u32 {
  return <u32>(d >> 45) & 3;
}
export function descType(d: u64): u32 {
  return <u32>(d >> 40) & 15;
}
export function descSystem(d: u64): bool {
  return !((d >> 44) & 1);
}
export function descPresent(d: u64): bool {
  return ((d >> 47) & 1) != 0;
}
/** Linear address of a selector's descriptor, or ~0 when it lies outside its table. */
export function descriptorAt(sel: u32): u64 {
  let base: u64;
  let limit: u32;
  if (sel & 4) {
    if (segAttr(LDTR) & ATTR_NULL) return ~(<u64>0);
    base = segBase(LDTR);
    limit = segLimit(LDTR);
  } else {
    base = load<u64>(vcpu, GDT_BASE);
    limit = load<u32>(vcpu, GDT_LIMIT);
  }
  if ((sel | 7) > limit) return ~(<u64>0);
  return base + (sel & 0xfff8);
}
/** Descriptor of a non-null selector; `vector`(selector) when it lies outside its table. */
export function readDescriptor(sel: u32, vector: u32): u64 {
  const at = descriptorAt(sel);
  if (at == ~(<u64>0)) raiseCode(vector, sel & 0xfffc);
  enterSystem();
  const d = Mem.read<u64>(at);
  updateContext();
  return d;
}
/** Upper 8 bytes of a 16-byte system descriptor. */
export function readDescriptorHigh(sel: u32, vector: u32): u64 {
  const at = descriptorAt(sel);
  if (descriptorAt(sel + 8) == ~(<u64>0)) raiseCode(vector, sel & 0xfffc);
  enterSystem();
  const d = Mem.read<u64>(at + 8);
  updateContext();
  return d;
}
export function setAccessed(sel: u32, d: u64): void {
  if ((d >> 40) & 1) return;
  enterSystem();
  Mem.write<u8>(descriptorAt(sel) + 5, <u8>(d >> 40) | 1);
  updateContext();
}
export function loadFromDescriptor(s: u32, sel: u32, d: u64): void {
  setSegment(s, sel, descBase(d), descLimit(d), descAttr(d) | (descSystem(d) ? 0 : 1));
}
function loadNull(s: u32, sel: u32): void {
  // A null SS in 64-bit mode keeps its DPL usable; others become unusable.
  setSegment(s, sel, 0, 0, ATTR_NULL | (s == SS ? Regs.cpl() << 5 : 0));
}

/** MOV/POP to a data segment register or SS, LDS and friends. */
export function loadSegment(s: u32, sel: u32): void {
  if (realOrV86()) {
    setRealSegment(s, sel);
    if (s == SS) updateMode();
    return;
  }
  const cpl = Regs.cpl();
  const rpl = sel & 3;
  if (!(sel & 0xfffc)) {
    if (s == SS && !(codeSize == 2 && cpl < 3 && rpl == cpl)) raiseCode(GP, 0);
    loadNull(s, sel);
    if (s == SS) updateMode();
    return;
  }
  const code = sel & 0xfffc;
  const d = readDescriptor(sel, GP);
  const type = descType(d);
  if (descSystem(d)) raiseCode(GP, code);
  if (s == SS) {
    if (rpl != cpl || descDpl(d) != cpl || type & 8 || !(type & 2)) raiseCode(GP, code);
    if (!descPresent(d)) raiseCode(SSF, code);
  } else {
    if ((type & 10) == 8) raiseCode(GP, code);
    if ((type & 12) != 12 && (descDpl(d) < rpl || descDpl(d) < cpl)) raiseCode(GP, code);
    if (!descPresent(d)) raiseCode(NP, code);
  }
  setAccessed(sel, d);
  loadFromDescriptor(s, sel, d);
  if (s == SS) updateMode();
}
/** After a change to outer privilege: data segments that are too privileged become null, and null selectors 1-3 become 0 (bases stay). */
export function dropPrivilegedSegments(): void {
  const cpl = Regs.cpl();
  for (let s: u32 = ES; s <= 5; s++) {
    if (s == CS || s == SS) continue;
    const a = segAttr(s);
    if (a & ATTR_NULL) {
      store<u16>(vcpu + (s << 1), 0, SEG_SELECTOR);
      continue;
    }
    // Data or non-conforming code.
    if ((a & 0x1c) != 0x1c && ((a >> 5) & 3) < cpl) setSegment(s, 0, 0, 0, ATTR_NULL);
  }
}
export function setCpl(level: u32): void {
  store<u32>(vcpu, level, CPL);
}
/** Checks a code descriptor as a direct far jump/call target at the current privilege. */
function checkCode(sel: u32, d: u64): void {
  const code = sel & 0xfffc;
  const cpl = Regs.cpl();
  const type = descType(d);
  if (!(type & 8)) raiseCode(GP, code);
  if (type & 4) {
    if (descDpl(d) > cpl) raiseCode(GP, code);
  } else if ((sel & 3) > cpl || descDpl(d) != cpl) raiseCode(GP, code);
  if (!descPresent(d)) raiseCode(NP, code);
  checkLongBits(sel, d);
}
export function checkLongBits(sel: u32, d: u64): void {
  if (longMode() && (descAttr(d) & (ATTR_L | ATTR_DB)) == (ATTR_L | ATTR_DB)) raiseCode(GP, sel & 0xfffc);
}
/** #GP(0) when `offset` cannot be an instruction address in a segment of descriptor `d`. */
export function checkTarget(d: u64, offset: u64): void {
  if (longMode() && descAttr(d) & ATTR_L) {
    if (<i64>(offset << 16) >> 16 != <i64>offset) raiseCode(GP, 0);
  } else if (offset > <u64>descLimit(d)) raiseCode(GP, 0);
}
export function loadCode(sel: u32, d: u64, level: u32): void {
  setAccessed(sel, d);
  setCpl(level);
  loadFromDescriptor(CS, (sel & 0xfffc) | level, d);
}
function jumpTo(ip: u64): void {
  store<u64>(vcpu, ip, IP);
}

// ---- far jump and call ----------------------------------------------------------------------------------------------

export function farJump<T>(sel: u32, offset: u64): void {
  if (realOrV86()) {
    if (offset > <u64>segLimit(CS)) raiseCode(GP, 0);
    setRealSegment(CS, sel);
    jumpTo(offset);
    updateMode();
    return;
  }
  if (!(sel & 0xfffc)) raiseCode(GP, 0);
  const d = readDescriptor(sel, GP);
  if (!descSystem(d)) {
    checkCode(sel, d);
    checkTarget(d, offset);
    loadCode(sel, d, Regs.cpl());
    jumpTo(offset);
    updateMode();
    return;
  }
  systemTransfer<T>(sel, d, false);
}
export function farCall<T>(sel: u32, offset: u64): void {
  if (realOrV86()) {
    if (offset > <u64>segLimit(CS)) raiseCode(GP, 0);
    const ip = load<u64>(vcpu, IP);
    Stack.poke<T>(sizeof<T>(), <T>selector(CS));
    Stack.poke<T>(2 * sizeof<T>(), <T>ip);
    Stack.adjust(-(2 * <u64>sizeof<T>()));
    setRealSegment(CS, sel);
    jumpTo(offset);
    updateMode();
    return;
  }
  if (!(sel & 0xfffc)) raiseCode(GP, 0);
  const d = readDescriptor(sel, GP);
  if (!descSystem(d)) {
    checkCode(sel, d);
    const ip = load<u64>(vcpu, IP);
    Stack.poke<T>(sizeof<T>(), <T>selector(CS));
    Stack.poke<T>(2 * sizeof<T>(), <T>ip);
    checkTarget(d, offset);
    Stack.adjust(-(2 * <u64>sizeof<T>()));
    loadCode(sel, d, Regs.cpl());
    jumpTo(offset);
    updateMode();
    return;
  }
  systemTransfer<T>(sel, d, true);
}
/** Call gates, task gates and TSS as target of a far jump or call. */
function systemTransfer<T>(sel: u32, d: u64, call: bool): void {
  const code = sel & 0xfffc;
  const type = descType(d);
  const cpl = Regs.cpl();
  if (descDpl(d) < cpl || descDpl(d) < (sel & 3)) raiseCode(GP, code);
  if (longMode()) {
    if (type != 12) raiseCode(GP, code);
  } else if (type == 1 || type == 9) {
    if (!descPresent(d)) raiseCode(NP, code);
    settleResumeHere();
    taskSwitch(sel, call ? 1 : 0, load<u64>(vcpu, IP), false, 0);
    return;
  } else if (type == 5) {
    if (!descPresent(d)) raiseCode(NP, code);
    settleResumeHere();
    taskSwitch(<u32>(d >> 16) & 0xffff, call ? 1 : 0, load<u64>(vcpu, IP), false, 0);
    return;
  } else if (type != 4 && type != 12) raiseCode(GP, code);
  if (!descPresent(d)) raiseCode(NP, code);
  const target = <u32>(d >> 16) & 0xffff;
  let offset = (d & 0xffff) | ((d >> 32) & 0xffff0000);
  if (type == 4) offset &= 0xffff;
  if (longMode()) {
    const high = readDescriptorHigh(sel, GP);
    if ((high >> 40) & 31) raiseCode(GP, code);
    offset |= (high & 0xffffffff) << 32;
  }
  if (!(target & 0xfffc)) raiseCode(GP, 0);
  const t = readDescriptor(target, GP);
  const tcode = target & 0xfffc;
  if (descSystem(t) || !(descType(t) & 8) || descDpl(t) > cpl) raiseCode(GP, tcode);
  if (longMode() && (descAttr(t) & (ATTR_L | ATTR_DB)) != ATTR_L) raiseCode(GP, tcode);
  const conforming = (descType(t) & 4) != 0;
  if (!call && !conforming && descDpl(t) != cpl) raiseCode(GP, tcode);
  if (!descPresent(t)) raiseCode(NP, tcode);
  checkTarget(t, offset);
  const width: u32 = longMode() ? 8 : type == 4 ? 2 : 4;
  const ip = load<u64>(vcpu, IP);
  if (call && !conforming && descDpl(t) < cpl) {
    const level = descDpl(t);
    const oldSs = selector(SS);
    const oldSp = Regs.get(RSP);
    const count: u32 = longMode() ? 0 : <u32>(d >> 32) & 31;
    newStack(level, 0);
    // Parameters are read from the old stack before the new one is written.
    for (let i: u32 = 0; i < count; i++) {
      const at = (oldSp + (count - 1 - i) * width) & stackMask;
      const linear = Stack.linear(at, width, false);
      paramValue(i, width == 2 ? <u32>Mem.read<u16>(linear) : Mem.read<u32>(linear));
    }
    enterLevel(level);
    pushNew(width, oldSs);
    pushNew(width, oldSp);
    for (let i: u32 = 0; i < count; i++) pushNew(width, load<u32>(PARAMS + (i << 2)));
    pushNew(width, selector(CS));
    pushNew(width, ip);
    updateContext();
    loadCode(target, t, level);
    commitStack(level);
    jumpTo(offset);
    updateMode();
    return;
  }
  if (call) {
    if (width == 8) {
      Stack.poke<u64>(8, selector(CS));
      Stack.poke<u64>(16, ip);
    } else if (width == 4) {
      Stack.poke<u32>(4, selector(CS));
      Stack.poke<u32>(8, <u32>ip);
    } else {
      Stack.poke<u16>(2, <u16>selector(CS));
      Stack.poke<u16>(4, <u16>ip);
    }
    Stack.adjust(-(2 * <u64>width));
  }
  loadCode(target, t, cpl);
  jumpTo(offset);
  updateMode();
}
const PARAMS: usize = 0x190000 + 0xa000; // in SCRATCH
function paramValue(i: u32, v: u32): void {
  store<u32>(PARAMS + (i << 2), v);
}

// ---- stack switch to inner privilege --------------------------------------------------------------------------------
let newSs: u32 = 0;
let newSsDesc: u64 = 0;
let newSp: u64 = 0;
let newMask: u64 = 0;
let newBase: u64 = 0;

/** Reads the stack of privilege `level` from the TSS (`ist` 1-7: the interrupt stack table of long mode) and checks it. */
export function newStack(level: u32, ist: u32): void {
  const base = segBase(TR);
  const limit = segLimit(TR);
  const tr = selector(TR) & 0xfffc;
  enterSystem();
  if (longMode()) {
    const at: u32 = ist ? 28 + ist * 8 : 4 + level * 8;
    if (at + 7 > limit) raiseCode(TS, tr);
    newSp = Mem.read<u64>(base + at);
    updateContext();
    newSs = level; // a null selector with RPL = new CPL
    newSsDesc = 0;
    newMask = ~(<u64>0);
    newBase = 0;
    if (<i64>(newSp << 16) >> 16 != <i64>newSp) raiseCode(SSF, 0);
    return;
  }
  if (segAttr(TR) & 8) {
    const at: u32 = 4 + level * 8;
    if (at + 5 > limit) raiseCode(TS, tr);
    newSp = Mem.read<u32>(base + at);
    newSs = Mem.read<u16>(base + at + 4);
  } else {
    const at: u32 = 2 + level * 4;
    if (at + 3 > limit) raiseCode(TS, tr);
    newSp = Mem.read<u16>(base + at);
    newSs = Mem.read<u16>(base + at + 2);
  }
  updateContext();
  if (!(newSs & 0xfffc)) raiseCode(TS, newSs & 0xfffc);
  const d = readDescriptor(newSs, TS);
  if ((newSs & 3) != level || descDpl(d) != level || descSystem(d) || descType(d) & 8 || !(descType(d) & 2)) raiseCode(TS, newSs & 0xfffc);
  if (!descPresent(d)) raiseCode(SSF, newSs & 0xfffc);
  newSsDesc = d;
  newMask = descAttr(d) & ATTR_DB ? 0xffffffff : 0xffff;
  newBase = descBase(d);
}
/** Aligns the new stack pointer to 16 bytes (interrupts in 64-bit mode). */
export function alignNew(): void {
  newSp &= ~(<u64>15);
}
export function setNewStack(sp: u64): void {
  newSp = sp;
  newSsDesc = 0;
  newMask = ~(<u64>0);
  newBase = 0;
}
/** Pushes on the new stack; nothing is committed. */
export function pushNew(width: u32, v: u64): void {
  newSp = (newSp - width) & newMask;
  if (newSsDesc) {
    const expandDown = (descType(newSsDesc) & 4) != 0;
    const limit = <u64>descLimit(newSsDesc);
    if (expandDown ? newSp <= limit : newSp + width - 1 > limit) raiseCode(SSF, newSs & 0xfffc);
  }
  const linear = newMask == ~(<u64>0) ? newSp : (newBase + newSp) & 0xffffffff;
  if (width == 8) Mem.write<u64>(linear, v);
  else if (width == 4) Mem.write<u32>(linear, <u32>v);
  else Mem.write<u16>(linear, <u16>v);
}
export function commitStack(level: u32): void {
  if (newSsDesc) {
    setAccessed(newSs, newSsDesc);
    loadFromDescriptor(SS, newSs, newSsDesc);
    if (newMask == 0xffff) store<u16>(vcpu + (RSP << 3), <u16>newSp);
    else Regs.set(RSP, newSp);
  } else {
    setSegment(SS, newSs, 0, 0, ATTR_NULL | (level << 5));
    Regs.set(RSP, newSp);
  }
}
/** Keeps SS, takes only the pointer (interrupt without privilege change in long mode with IST or alignment). */
export function commitPointer(): void {
  Regs.set(RSP, newSp);
}

// ---- far return -----------------------------------------------------------------------------------------------------

/** Checks CS of a far return or IRET to protected mode; returns its descriptor. */
export function checkReturnCode(sel: u32): u64 {
  const code = sel & 0xfffc;
  if (!code) raiseCode(GP, 0);
  const d = readDescriptor(sel, GP);
  const rpl = sel & 3;
  if (descSystem(d) || !(descType(d) & 8) || rpl < Regs.cpl()) raiseCode(GP, code);
  if (descType(d) & 4 ? descDpl(d) > rpl : descDpl(d) != rpl) raiseCode(GP, code);
  if (!descPresent(d)) raiseCode(NP, code);
  checkLongBits(sel, d);
  return d;
}
/** Checks SS for a return to privilege `rpl`; returns its descriptor, 0 for an allowed null. `toLong`: the target is 64-bit code. */
export function checkReturnStack(sel: u32, rpl: u32, toLong: bool): u64 {
  const code = sel & 0xfffc;
  if (!code) {
    if (toLong && rpl < 3 && (sel & 3) == rpl) return 0;
    raiseCode(GP, 0);
  }
  const d = readDescriptor(sel, GP);
  if ((sel & 3) != rpl || descDpl(d) != rpl || descSystem(d) || descType(d) & 8 || !(descType(d) & 2)) raiseCode(GP, code);
  if (!descPresent(d)) raiseCode(SSF, code);
  return d;
}
export function loadReturnStack(sel: u32, d: u64, level: u32, sp: u64): void {
  if (d) {
    setAccessed(sel, d);
    loadFromDescriptor(SS, sel, d);
  } else setSegment(SS, sel, 0, 0, ATTR_NULL | (level << 5));
  updateMode();
  if (codeSize == 2 || stackMask == 0xffffffff) Regs.set(RSP, codeSize == 2 ? sp : sp & 0xffffffff);
  else store<u16>(vcpu + (RSP << 3), <u16>sp);
}
export function farReturn<T>(release: u64): void {
  const size = <u64>sizeof<T>();
  const ip = <u64>Stack.peek<T>(0);
  const sel = <u32>Stack.peek<T>(size) & 0xffff;
  if (realOrV86()) {
    if (ip > <u64>segLimit(CS)) raiseCode(GP, 0);
    Stack.adjust(2 * size + release);
    setRealSegment(CS, sel);
    jumpTo(ip);
    updateMode();
    return;
  }
  const d = checkReturnCode(sel);
  const rpl = sel & 3;
  checkTarget(d, ip);
  if (rpl == Regs.cpl()) {
    Stack.adjust(2 * size + release);
    loadCode(sel, d, rpl);
    jumpTo(ip);
    updateMode();
    return;
  }
  const sp = <u64>Stack.peek<T>(2 * size + release);
  const ss = <u32>Stack.peek<T>(3 * size + release) & 0xffff;
  const sd = checkReturnStack(ss, rpl, longMode() && (descAttr(d) & ATTR_L) != 0);
  loadCode(sel, d, rpl);
  jumpTo(ip);
  loadReturnStack(ss, sd, rpl, sp);
  if (codeSize == 2) Regs.set(RSP, Regs.get(RSP) + release);
  else Stack.adjust(release);
  dropPrivilegedSegments();
  updateMode();
}
/** Segment part of virtual-8086 entry by IRET. */
export function enterV86(sel: u32, s: u32): void {
  setSegment(s, sel, <u64>(sel << 4), 0xffff, 0xf3);
}
