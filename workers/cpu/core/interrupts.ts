// Delivery of interrupts and exceptions, IRET, traps. Intel SDM 3A chapter 6 (events, double faults), 17 (debug), 2A INT and IRET.

import {BP, clearFault, DB, DE, DF, faultCode, faultHasCode, faultVector, GP, NP, PF, raiseCode, TS,
} from "./fault";
import { ACF, flagBits, ID, IF, IOPL, NT, RF, setFlagBits, TF, VIF, VIP, VM } from "./flags";
import { acknowledge, } from "./host";
import {
  ATTENTION, ATTENTION_NMI, ATTENTION_SHADOW, COUNTERS, DR, EFLAGS, IDT_BASE, IDT_LIMIT, IP, NMI_STATE, TRACE_EXCEPTION, TRACE_HANDLER, TRACE_IRET, TRACE_SOFTWARE,
} from "./layout";
import { codeBase, codeSize, longMode, protectedMode, unhalt, updateAttention, updateMode, virtual8086, ATTR_L, ATTR_DB, ATTR_NULL } from "./mode";
import { clearWatchHit, enterLevel, enterSystem, Mem, updateContext, watchHit } from "./mmu";
import { Stack, } from "./operands";
import { EVENT_DELIVER, EVENT_EXCEPTION, EVENT_HARDWARE, LOG_INTERRUPTS, logs, report } from "./log";
import { currentIp, leaveIp, requestShutdown, stopBlock } from "./run";
import {
  alignNew, checkReturnCode, checkReturnStack, checkTarget, commitPointer, commitStack, descAttr, descDpl, descPresent, descSystem, descType,
  dropPrivilegedSegments, enterV86, loadCode, loadReturnStack, newStack, pushNew, readDescriptor, segLimit, selector, setNewStack, setCpl,
  setRealSegment, setSegment,
} from "./segments";
import { CS, DS, ES, FS, GS, Regs, RSP, SS, TR, vcpu } from "./state";
import { fullFlags, taskSwitch } from "./task";
import { emit, faultAddress, noteException, signed, tracing, vectorTaken, vectorsWatched } from "./watch";
import { loadedFlags, redirected, virtualFlags, virtualPending } from "./vme";

// EFLAGS bits that live in the state block (everything but the six arithmetic flags).
export const SYSTEM_FLAGS: u64 = 0x3f7700;

/** Sets EFLAGS from `value` where `mask` has ones (arithmetic flags included). */
export function writeFlags(value: u64, mask: u64): void {
  const arithmetic = <u32>((flagBits() & ~mask) | (value & mask));
  setFlagBits(arithmetic);
  const old = load<u64>(vcpu, EFLAGS);
  store<u64>(vcpu, ((old & ~mask) | (value & mask)) & SYSTEM_FLAGS, EFLAGS);
  if ((old ^ load<u64>(vcpu, EFLAGS)) & ACF) updateContext();
  updateAttention();
}
function clearSystemFlags(bits: u64): void {
  const old = load<u64>(vcpu, EFLAGS);
  store<u64>(vcpu, old & ~bits, EFLAGS);
}

// ---- faults ---------------------------------------------------------------------------------------------------------

/** Vector under delivery, -1: none. A fault meanwhile makes a double fault (or shutdown). */
let delivering: i32 = -1;
let deliveringExternal: bool = false;

function contributory(v: i32): bool {
  return v == <i32>DE || (v >= <i32>TS && v <= <i32>GP);
}
export function deliverFault(): void {
  let vector = faultVector;
  let code = faultCode;
  let hasCode = faultHasCode;
  updateContext();
  if (logs(LOG_INTERRUPTS)) report(EVENT_EXCEPTION, delivering, vector, load<u64>(vcpu, IP));
  if (delivering >= 0) {
    // A device's interrupt is benign, whatever its vector (SDM 3A table 6-4).
    const first = deliveringExternal ? -1 : delivering;
    if (first == DF) {
      delivering = -1;
      clearFault();
      requestShutdown();
      return;
    }
    const second = vector;
    const double = (contributory(first) && contributory(second)) || (first == PF && (contributory(second) || second == PF));
    if (double) {
      vector = DF;
      code = 0;
      hasCode = true;
    } else if (hasCode && vector != PF) code |= 1;
  }
  noteException(vector, hasCode ? <i32>code : -1);
  if (tracing & TRACE_EXCEPTION) emit(TRACE_EXCEPTION, <f64>vector, hasCode ? <f64>code : -1, vector == PF ? faultAddress() : 0);
  delivering = vector;
  deliveringExternal = false;
  clearFault();
  const counter = vcpu + COUNTERS;
  store<u64>(counter, load<u64>(counter, 16) + 1, 16);
  // Faults (not traps) push RF so that an instruction breakpoint does not fire again.
  deliver(<u32>vector, hasCode, code, false, vector != DB && vector != BP);
  delivering = -1;
}
export function deliverInterrupt(): void {
  const vector = acknowledge();
  const counter = vcpu + COUNTERS;
  store<u64>(counter, load<u64>(counter, 8) + 1, 8);
  if (logs(LOG_INTERRUPTS)) report(EVENT_HARDWARE, vector, 0, load<u64>(vcpu, IP));
  delivering = <i32>vector;
  deliveringExternal = true;
  deliver(vector, false, 0, false, false);
  delivering = -1;
}
export function deliverNmi(): void {
  store<u32>(vcpu, load<u32>(vcpu, ATTENTION) & ~ATTENTION_NMI, ATTENTION);
  store<u32>(vcpu, 2, NMI_STATE);
  delivering = 2;
  deliveringExternal = true;
  deliver(2, false, 0, false, false);
  delivering = -1;
}
/** INT n, INT3, INTO: IP is already that of the next instruction. */
export function softwareInterrupt(vector: u32): void {
  if (virtual8086()) {
    if (redirected(vector)) {
      updateMode();
      updateAttention();
      stopBlock();
      return;
    }
    if ((load<u64>(vcpu, EFLAGS) & IOPL) != IOPL) raiseCode(GP, 0);
  }
  deliver(vector, false, 0, true, false);
}
export function softwareTrap(vector: u32): void {
  deliver(vector, false, 0, true, false);
}
/** ICEBP and single-step traps: not subject to the gate's DPL. */
export function hardwareTrap(vector: u32): void {
  deliver(vector, false, 0, false, false);
}

/**
 * Where IRET or a task switch set RF. The flag goes off when the instruction there is done (SDM 3B 17.3.1.1): not looked at before each one, but
 * when EFLAGS are stored next, and while breakpoints are on (trapBefore).
 */
let resumeAt: u64 = 0;
export function resumesHere(): void {
  if (load<u64>(vcpu, EFLAGS) & RF) resumeAt = load<u64>(vcpu, IP);
}

/** Before EFLAGS are stored by what stands at `at`: RF was for the instruction at resumeAt only. */
function settleResume(at: u64): void {
  if (load<u64>(vcpu, EFLAGS) & RF && at != resumeAt) clearSystemFlags(RF);
}
/** The same for an instruction that switches tasks. */
export function settleResumeHere(): void {
  settleResume(currentIp());
}

function deliver(vector: u32, hasCode: bool, code: u32, soft: bool, setRf: bool): void {
  stepFlag = false;
  settleResume(soft ? currentIp() : load<u64>(vcpu, IP));
  if (logs(LOG_INTERRUPTS)) report(EVENT_DELIVER, vector | (soft ? 256 : 0), hasCode ? code : 0, soft ? currentIp() : load<u64>(vcpu, IP));
  if (soft && tracing & TRACE_SOFTWARE) emit(TRACE_SOFTWARE, <f64>vector, 0, 0);
  const from = load<u64>(vcpu, IP) + codeBase;
  if (!protectedMode()) realInterrupt(vector);
  else if (longMode()) longInterrupt(vector, hasCode, code, soft, setRf);
  else protectedInterrupt(vector, hasCode, code, soft, setRf);
  updateMode();
  if (tracing & TRACE_HANDLER) emit(TRACE_HANDLER, <f64>vector, signed(from), signed(load<u64>(vcpu, IP) + codeBase));
  if (vectorsWatched) vectorTaken(vector, deliveringExternal && delivering >= 0);
  updateAttention();
  stopBlock();
}
function realInterrupt(vector: u32): void {
  if (vector * 4 + 3 > load<u32>(vcpu, IDT_LIMIT)) raiseCode(GP, 0);
  const entry = Mem.read<u32>(load<u64>(vcpu, IDT_BASE) + vector * 4);
  Stack.poke<u16>(2, <u16>fullFlags());
  Stack.poke<u16>(4, <u16>selector(CS));
  Stack.poke<u16>(6, <u16>load<u64>(vcpu, IP));
  Stack.adjust(-6);
  clearSystemFlags(IF | TF | ACF);
  setRealSegment(CS, entry >> 16);
  store<u64>(vcpu, <u64>(entry & 0xffff), IP);
}
function gateCode(vector: u32, soft: bool): u32 {
  return (vector << 3) | 2 | (soft ? 0 : deliveringExternal || delivering >= 0 ? 1 : 0);
}
function protectedInterrupt(vector: u32, hasCode: bool, code: u32, soft: bool, setRf: bool): void {
  const ext: u32 = soft ? 0 : 1;
  if ((vector << 3) + 7 > load<u32>(vcpu, IDT_LIMIT)) raiseCode(GP, gateCode(vector, soft));
  enterSystem();
  const gate = Mem.read<u64>(load<u64>(vcpu, IDT_BASE) + (vector << 3));
  updateContext();
  const type = <u32>(gate >> 40) & 31;
  if (type != 5 && type != 6 && type != 7 && type != 14 && type != 15) raiseCode(GP, gateCode(vector, soft));
  const cpl = Regs.cpl();
  if (soft && descDpl(gate) < cpl) raiseCode(GP, gateCode(vector, soft));
  if (!descPresent(gate)) raiseCode(NP, gateCode(vector, soft));
  const target = <u32>(gate >> 16) & 0xffff;
  if (type == 5) {
    taskSwitch(target, 1, load<u64>(vcpu, IP), hasCode, code, setRf ? RF : 0);
    return;
  }
  if (!(target & 0xfffc)) raiseCode(GP, ext);
  const d = readDescriptor(target, GP);
  const tcode = (target & 0xfffc) | ext;
  if (descSystem(d) || !(descType(d) & 8) || descDpl(d) > cpl) raiseCode(GP, tcode);
  if (!descPresent(d)) raiseCode(NP, tcode);
  const wide = type >= 14;
  const width: u32 = wide ? 4 : 2;
  const offset = wide ? (gate & 0xffff) | ((gate >> 32) & 0xffff0000) : gate & 0xffff;
  checkTarget(d, offset);
  const conforming = (descType(d) & 4) != 0;
  const v86 = virtual8086();
  const flags = fullFlags() | (setRf ? RF : 0);
  const ip = load<u64>(vcpu, IP);
  let level = cpl;
  if (!conforming && descDpl(d) < cpl) {
    level = descDpl(d);
    if (v86 && level != 0) raiseCode(GP, target & 0xfffc);
    newStack(level, 0);
    enterLevel(level);
    if (v86) {
      pushNew(width, selector(GS));
      pushNew(width, selector(FS));
      pushNew(width, selector(DS));
      pushNew(width, selector(ES));
    }
    pushNew(width, selector(SS));
    pushNew(width, Regs.get(RSP));
    pushNew(width, flags);
    pushNew(width, selector(CS));
    pushNew(width, ip);
    if (hasCode) pushNew(width, code);
    updateContext();
    clearSystemFlags(VM | TF | NT | RF | (type & 1 ? 0 : IF));
    loadCode(target, d, level);
    commitStack(level);
    if (v86) for (let s: u32 = ES; s <= GS; s++) if (s != CS && s != SS) setSegment(s, 0, 0, 0, ATTR_NULL);
  } else {
    if (v86) raiseCode(GP, target & 0xfffc);
    if (!conforming && descDpl(d) != cpl) raiseCode(GP, tcode);
    if (wide) {
      Stack.poke<u32>(4, <u32>flags);
      Stack.poke<u32>(8, selector(CS));
      Stack.poke<u32>(12, <u32>ip);
      if (hasCode) Stack.poke<u32>(16, code);
      Stack.adjust(hasCode ? -16 : -12);
    } else {
      Stack.poke<u16>(2, <u16>flags);
      Stack.poke<u16>(4, <u16>selector(CS));
      Stack.poke<u16>(6, <u16>ip);
      if (hasCode) Stack.poke<u16>(8, <u16>code);
      Stack.adjust(hasCode ? -8 : -6);
    }
    clearSystemFlags(VM | TF | NT | RF | (type & 1 ? 0 : IF));
    loadCode(target, d, cpl);
  }
  store<u64>(vcpu, offset, IP);
}
function longInterrupt(vector: u32, hasCode: bool, code: u32, soft: bool, setRf: bool): void {
  const ext: u32 = soft ? 0 : 1;
  if ((vector << 4) + 15 > load<u32>(vcpu, IDT_LIMIT)) raiseCode(GP, gateCode(vector, soft));
  enterSystem();
  const at = load<u64>(vcpu, IDT_BASE) + (vector << 4);
  const gate = Mem.read<u64>(at);
  const high = Mem.read<u64>(at + 8);
  updateContext();
  const type = <u32>(gate >> 40) & 31;
  if (type != 14 && type != 15) raiseCode(GP, gateCode(vector, soft));
  const cpl = Regs.cpl();
  if (soft && descDpl(gate) < cpl) raiseCode(GP, gateCode(vector, soft));
  if (!descPresent(gate)) raiseCode(NP, gateCode(vector, soft));
  const target = <u32>(gate >> 16) & 0xffff;
  const offset = (gate & 0xffff) | ((gate >> 32) & 0xffff0000) | (high << 32);
  const ist = <u32>(gate >> 32) & 7;
  if (!(target & 0xfffc)) raiseCode(GP, ext);
  const d = readDescriptor(target, GP);
  const tcode = (target & 0xfffc) | ext;
  if (descSystem(d) || !(descType(d) & 8) || descDpl(d) > cpl) raiseCode(GP, tcode);
  if ((descAttr(d) & (ATTR_L | ATTR_DB)) != ATTR_L) raiseCode(GP, tcode);
  if (!descPresent(d)) raiseCode(NP, tcode);
  if (<i64>(offset << 16) >> 16 != <i64>offset) raiseCode(GP, 0);
  const conforming = (descType(d) & 4) != 0;
  const flags = fullFlags() | (setRf ? RF : 0);
  const oldSs = selector(SS);
  const oldSp = Regs.get(RSP);
  const inner = !conforming && descDpl(d) < cpl;
  const level = inner ? descDpl(d) : cpl;
  if (inner || ist) newStack(level, ist);
  else setNewStack(oldSp);
  alignNew();
  enterLevel(level);
  pushNew(8, oldSs);
  pushNew(8, oldSp);
  pushNew(8, flags);
  pushNew(8, selector(CS));
  pushNew(8, load<u64>(vcpu, IP));
  if (hasCode) pushNew(8, code);
  updateContext();
  clearSystemFlags(VM | TF | NT | RF | (type & 1 ? 0 : IF));
  loadCode(target, d, level);
  if (inner) commitStack(level);
  else commitPointer();
  store<u64>(vcpu, offset, IP);
}

// ---- IRET -----------------------------------------------------------------------------------------------------------
function unblockNmi(): void {
  const s = load<u32>(vcpu, NMI_STATE);
  store<u32>(vcpu, s & ~2, NMI_STATE);
}
export function iret<T>(): void {
  returned<T>();
  if (tracing & TRACE_IRET) emit(TRACE_IRET, signed(load<u64>(vcpu, IP) + codeBase), <f64>Regs.cpl(), 0);
}
function returned<T>(): void {
  const size = <u64>sizeof<T>();
  const low: u64 = sizeof<T>() == 2 ? 0x7fd5 : 0x257fd5;
  if (virtual8086() && (load<u64>(vcpu, EFLAGS) & IOPL) != IOPL) virtualFlags(sizeof<T>());
  // NMIs are no longer blocked even if the instruction faults behind here (SDM 3C 28.2.3, NMI unblocking due to IRET).
  unblockNmi();
  if (!protectedMode()) {
    const ip = <u64>Stack.peek<T>(0);
    const cs = <u32>Stack.peek<T>(size) & 0xffff;
    const flags = <u64>Stack.peek<T>(2 * size);
    if (ip > <u64>segLimit(CS)) raiseCode(GP, 0);
    Stack.adjust(3 * size);
    setRealSegment(CS, cs);
    store<u64>(vcpu, ip, IP);
    writeFlags(flags, low);
    updateMode();
    return;
  }
  if (virtual8086()) {
    const own = (load<u64>(vcpu, EFLAGS) & IOPL) == IOPL;
    const ip = <u64>Stack.peek<T>(0);
    const cs = <u32>Stack.peek<T>(size) & 0xffff;
    let flags = <u64>Stack.peek<T>(2 * size);
    if (ip > 0xffff) raiseCode(GP, 0);
    if (!own) flags = loadedFlags(flags);
    Stack.adjust(3 * size);
    setRealSegment(CS, cs);
    store<u64>(vcpu, ip, IP);
    writeFlags(flags, own ? low & ~(<u64>IOPL) : <u64>(0x4dd5 | VIF));
    updateMode();
    return;
  }
  if (load<u64>(vcpu, EFLAGS) & NT) {
    if (longMode()) raiseCode(GP, 0);
    enterSystem();
    const link = Mem.read<u16>(load<u64>(vcpu + (TR << 3), 1792));
    updateContext();
    settleResumeHere();
    taskSwitch(link, 2, load<u64>(vcpu, IP), false, 0);
    stopBlock();
    return;
  }
  const ip = <u64>Stack.peek<T>(0);
  const cs = <u32>Stack.peek<T>(size) & 0xffff;
  const flags = <u64>Stack.peek<T>(2 * size);
  const cpl = Regs.cpl();
  if (sizeof<T>() == 4 && flags & VM && cpl == 0 && !longMode()) {
    const sp = <u64>Stack.peek<T>(12);
    const ss = <u32>Stack.peek<T>(16) & 0xffff;
    const es = <u32>Stack.peek<T>(20) & 0xffff;
    const ds = <u32>Stack.peek<T>(24) & 0xffff;
    const fs = <u32>Stack.peek<T>(28) & 0xffff;
    const gs = <u32>Stack.peek<T>(32) & 0xffff;
    setFlagBits(<u32>flags);
    store<u64>(vcpu, flags & SYSTEM_FLAGS, EFLAGS);
    setCpl(3);
    enterV86(cs, CS);
    enterV86(ss, SS);
    enterV86(es, ES);
    enterV86(ds, DS);
    enterV86(fs, FS);
    enterV86(gs, GS);
    store<u64>(vcpu, ip & 0xffff, IP);
    Regs.set(RSP, sp);
    resumesHere();
    updateMode();
    updateAttention();
    stopBlock();
    if (virtualPending()) {
      leaveIp(true);
      raiseCode(GP, 0);
    }
    return;
  }
  const d = checkReturnCode(cs);
  const rpl = cs & 3;
  checkTarget(d, ip);
  let mask = low | (sizeof<T>() == 2 ? 0 : ID | ACF | RF);
  if (cpl > 0) mask &= ~(<u64>IOPL);
  else if (sizeof<T>() != 2) mask |= VIF | VIP;
  if (cpl > ((<u32>load<u64>(vcpu, EFLAGS) >> 12) & 3)) mask &= ~(<u64>IF);
  if (rpl != cpl || codeSize == 2) {
    const sp = <u64>Stack.peek<T>(3 * size);
    const ss = <u32>Stack.peek<T>(4 * size) & 0xffff;
    const sd = checkReturnStack(ss, rpl, longMode() && (descAttr(d) & ATTR_L) != 0);
    loadCode(cs, d, rpl);
    store<u64>(vcpu, ip, IP);
    loadReturnStack(ss, sd, rpl, sp);
    if (rpl != cpl) dropPrivilegedSegments();
  } else {
    Stack.adjust(3 * size);
    loadCode(cs, d, rpl);
    store<u64>(vcpu, ip, IP);
  }
  writeFlags(flags, mask);
  resumesHere();
  updateMode();
}

// ---- traps ----------------------------------------------------------------------------------------------------------

/** Before one instruction of single-step mode: instruction breakpoints. False: #DB was delivered instead. */
export function trapBefore(): bool {
  const flags = load<u64>(vcpu, EFLAGS);
  const dr7 = load<u64>(vcpu + 56, DR);
  if (dr7 & 0xff && !(flags & RF && load<u64>(vcpu, IP) == resumeAt)) {
    const linear = load<u64>(vcpu, IP) + codeBase;
    let hit: u64 = 0;
    for (let n: u32 = 0; n < 4; n++)
      if (dr7 & (3 << (n * 2)) && !(dr7 & (15 << (16 + n * 4))) && load<u64>(vcpu + (n << 3), DR) == linear) hit |= 1 << n;
    if (hit) {
      store<u64>(vcpu + 48, (load<u64>(vcpu + 48, DR) & ~15) | hit, DR);
      raiseDebugFault();
      return false;
    }
  }
  stepFlag = (flags & TF) != 0;
  if (flags & RF) store<u64>(vcpu, flags & ~(<u64>RF), EFLAGS);
  clearWatchHit();
  holdTrap = false;
  return true;
}
function raiseDebugFault(): void {
  delivering = DB;
  deliveringExternal = false;
  deliver(DB, false, 0, false, true);
  delivering = -1;
}
/** TF as it was before the instruction. */
let stepFlag: bool = false;
/** After one instruction: single-step and data breakpoints. */
export function serviceTrap(): void {
  if (holdTrap) {
    holdTrap = false;
    stepFlag = false;
    return;
  }
  let dr6: u64 = watchHit;
  clearWatchHit();
  if (stepFlag) dr6 |= 0x4000;
  stepFlag = false;
  if (!dr6) return;
  store<u64>(vcpu + 48, load<u64>(vcpu + 48, DR) | dr6, DR);
  unhalt();
  delivering = DB;
  deliveringExternal = false;
  deliver(DB, false, 0, false, false);
  delivering = -1;
}
/** MOV SS and POP SS also hold back the debug trap of their own end (SDM 3A 6.8.3). */
let holdTrap: bool = false;
export function shadowStack(): void {
  holdTrap = true;
  shadowNext();
}
/** STI, and MOV SS, POP SS: nothing interrupts before the next instruction is done. */
export function shadowNext(): void {
  store<u32>(vcpu, load<u32>(vcpu, ATTENTION) | ATTENTION_SHADOW, ATTENTION);
  stopBlock();
}

