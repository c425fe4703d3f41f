// The exports of core.wasm: what the host (workers/cpu/wasm-cpu.ts) calls.

import { blockWritten, dropBlocks, flushBlocks } from "./blocks";
import { HANDLERS, setBadHandler } from "./decode";
import { clearFault } from "./fault";
import { flagA, flagB, flagBits, flagOp, setFlagBits, setLazyState } from "./flags";
import { badHandlerIndex, fillFusions, fillHandlers } from "./handlers.gen";
import { SYSTEM_FLAGS } from "./interrupts";
import {
  A20_MASK, ATTENTION, ATTENTION_KICK, BLOCK_IP, ICOUNT, LIMIT, ATTENTION_NMI, CPL, CR0, CR2, CR3, CR4, DR, EFER, EFLAGS, FCW, FSW, FTW, GDT_BASE, GDT_LIMIT, GPR, HALTED, IDT_BASE,
  IDT_LIMIT, IP, MSR_BIOS_SIGN, MSR_MISC_ENABLE, MSR_MTRR, MSR_MTRR_DEF_TYPE, MSR_PAT, MXCSR, NMI_STATE, TSC_OFFSET, XCR0, XMM, FPR, MSR_STAR,
  LAZY_SAVE, P2M_PRESENT, SCRATCH_BASE, MSR_TSC_ADJUST, FIP, FDP, FOP, FCS, FDS,
} from "./layout";
import { codeBase, halt, updateAttention, updateDebug, updateLookupKey, updateMode } from "./mode";
import { keepLogging } from "./log";
import { probe } from "./inspect";
import { codeLines, flushAll, generation, p2m } from "./mmu";
import { abandonBlock, currentIp, stopBlock } from "./run";
import { setSegment } from "./segments";
import { updateFast } from "./sse-float";
import { CS, LDTR, TR, vcpu } from "./state";
import { forgetTime } from "./time";

export { run, resume, instructionCount, currentIp, setHotThreshold, currentRecord, stopAt } from "./run";
// For the translator: what it copies, calls or keeps in locals.
export {
  regionModify, regionProbe, regionRead128, regionRead16, regionRead32, regionRead64, regionRead8, regionWrite128, regionWrite16, regionWrite32, regionWrite64, regionWrite8,
} from "./region";
export { bailAt, bailFrom, dispatch, enterRecord, leaveStopped, raiseNear, stopSignal } from "./run";
export { addUser, installRegion, removeRegion, flushes } from "./blocks";
export { codeBase, codeSize } from "./mode";
export { flagA, flagB, flagOp } from "./flags";
export { stackMask, stackSegment } from "./operands";
export { generation, setSoftFaults, tlb } from "./mmu";
export {
  holds0, holds1, holds2, holds3, holds4, holds5, holds6, holds7, holds8, holds9, holds10, holds11, holds12, holds13, holds14, holds15,
} from "./flags";
export { setLogging } from "./log";
export { setTimeScale } from "./time";
export { setIntrPin } from "./mode";
export { probe } from "./inspect";
export { breakCause, breakDetail, clearBreak, passBreaks, requestBreak, setLists, setSaving, setStops, setTracing } from "./watch";
export { flagBits } from "./flags";
// The guards of vector and x87 instructions, and what their slow paths share: the translator knows these by name.
export { avxGuard, vexGuard } from "./avx";
export { mmxAvailable } from "./mmx";
export { exactComi32, exactComi64, exactPd, exactPs, exactSd, exactSs, settle, simdFault, updateFast } from "./sse-float";
export { sseGuard } from "./sse-int";
export {
  exactArith, exactArithMd, exactArithMq, exactFldMd, exactFldMq, exactFldSti, exactFstSti, exactFxch, fpuGuard, usualArith, usualArithMd, usualArithMq,
} from "./x87";
export { faultCode, faultHasCode, faultVector, raise, raiseCode } from "./fault";

/** Once per instance, after the host wrote the decoder tables. */
export function start(): void {
  fillHandlers(HANDLERS);
  fillFusions();
  setBadHandler(badHandlerIndex());
}
/** Processor state after RESET (`hard`) or INIT. Intel SDM 3A table 10-1. `signature`: EDX. */
export function reset(hard: bool, signature: u32): void {
  clearFault();
  memory.fill(vcpu + GPR, 0, 128);
  store<u64>(vcpu + 16, <u64>signature, GPR);
  setFlagBits(0);
  store<u64>(vcpu, 2, EFLAGS);
  store<u64>(vcpu, 0xfff0, IP);
  store<u32>(vcpu, 0, CPL);
  const cr0 = load<u64>(vcpu, CR0);
  store<u64>(vcpu, hard ? 0x60000010 : (cr0 & 0x60000000) | 0x10, CR0);
  store<u64>(vcpu, 0, CR2);
  store<u64>(vcpu, 0, CR3);
  store<u64>(vcpu, 0, CR4);
  store<u64>(vcpu, 0, EFER);
  setSegment(CS, 0xf000, 0xffff0000, 0xffff, 0x9b);
  for (let s: u32 = 0; s < 6; s++) if (s != CS) setSegment(s, 0, 0, 0xffff, 0x93);
  setSegment(LDTR, 0, 0, 0xffff, 0x82);
  setSegment(TR, 0, 0, 0xffff, 0x8b);
  store<u64>(vcpu, 0, GDT_BASE);
  store<u32>(vcpu, 0xffff, GDT_LIMIT);
  store<u64>(vcpu, 0, IDT_BASE);
  store<u32>(vcpu, 0xffff, IDT_LIMIT);
  for (let n: u32 = 0; n < 6; n++) store<u64>(vcpu + (n << 3), 0, DR);
  store<u64>(vcpu + 48, 0xffff0ff0, DR);
  store<u64>(vcpu + 56, 0x400, DR);
  store<u32>(vcpu, 0, HALTED);
  store<u32>(vcpu, 0, NMI_STATE);
  store<u32>(vcpu, 0, ATTENTION);
  if (hard) {
    memory.fill(vcpu + MSR_STAR, 0, 64);
    store<u64>(vcpu, 0x0007040600070406, MSR_PAT);
    store<u64>(vcpu, 1, MSR_MISC_ENABLE);
    store<u64>(vcpu, 0, MSR_MTRR_DEF_TYPE);
    memory.fill(vcpu + MSR_MTRR, 0, 27 * 8);
    store<u64>(vcpu, 0, MSR_BIOS_SIGN);
    store<u64>(vcpu, 0, TSC_OFFSET);
    store<u64>(vcpu, 0, MSR_TSC_ADJUST);
    store<u64>(vcpu, 1, XCR0);
    memory.fill(vcpu + XMM, 0, 512);
    memory.fill(vcpu + FPR, 0, 128);
    store<u16>(vcpu, 0x40, FCW);
    store<u16>(vcpu, 0, FSW);
    store<u16>(vcpu, 0x5555, FTW);
    store<u16>(vcpu, 0, FOP);
    store<u64>(vcpu, 0, FIP);
    store<u64>(vcpu, 0, FDP);
    store<u16>(vcpu, 0, FCS);
    store<u16>(vcpu, 0, FDS);
    store<u32>(vcpu, 0x1f80, MXCSR);
    updateFast();
    store<u64>(vcpu, ~(<u64>0), A20_MASK);
  }
  flushAll();
  flushBlocks();
  updateMode();
  updateFast();
  updateDebug();
  keepLogging();
}
/** Starts at cs:ip in real mode (boot sectors without firmware, SIPI). */
export function startAt(cs: u32, ip: u32): void {
  setSegment(CS, cs, <u64>(cs << 4), 0xffff, 0x9b);
  store<u64>(vcpu, ip, IP);
  updateMode();
}
export function kick(): void {
  store<u32>(vcpu, load<u32>(vcpu, ATTENTION) | ATTENTION_KICK, ATTENTION);
  // From a device that an instruction touched: the block ends behind it, so that run() ends at the same count interpreted or translated.
  stopBlock();
}
export function raiseNmi(): void {
  store<u32>(vcpu, load<u32>(vcpu, ATTENTION) | ATTENTION_NMI, ATTENTION);
  stopBlock();
}
export function setA20(on: bool): void {
  store<u64>(vcpu, on ? ~(<u64>0) : ~(<u64>0x100000), A20_MASK);
  flushAll();
  updateLookupKey();
}
/** Physical mappings changed (shadowing, BARs with memory): nothing cached may survive. */
export function mappingsChanged(): void {
  flushAll();
  updateLookupKey();
  stopBlock();
}
/** The host wrote `size` bytes (within one frame) at a host address. */
export function hostWritten(host: usize, size: u32): void {
  if (load<u64>(codeLines(host))) blockWritten(host, size);
}
/** Code at a linear address is decoded anew, with the translations that contain it (a breakpoint was set or taken away). False: the address space
 * does not say where every process has it. */
export function dropCode(linear: u64): bool {
  if (load<u64>(vcpu, CR0) & 0x80000000 && linear < (load<u64>(vcpu, EFER) & 0x400 ? 0x800000000000 : 0xc0000000)) return false;
  if (!probe(linear)) return false;
  return dropPhysical(load<u64>(SCRATCH_BASE + 0x4000));
}
export function dropPhysical(physical: u64): bool {
  const entry = p2m(physical);
  if (!(entry & P2M_PRESENT)) return false;
  dropBlocks((entry & ~0xfff) + (<usize>physical & 0xfff), 1);
  return true;
}
export function dropAllCode(): void {
  flushBlocks();
}
/** As currentLinear, as a number. */
export function currentAddress(): f64 {
  return <f64>(<i64>(codeBase + currentIp()));
}
/** Linear address of the instruction being executed. */
export function currentLinear(): u64 {
  return codeBase + currentIp();
}
/** Tag generation of the current address space, for the inspector's view of the TLB. */
export function currentGeneration(): u32 {
  return <u32>generation;
}
/** Lazy flags into and out of the state block (snapshots, debuggers). */
export function saveLazy(): void {
  // Scratch of the run loop: the same whatever ran last.
  store<u64>(vcpu, load<u64>(vcpu, IP), BLOCK_IP);
  store<u64>(vcpu, load<u64>(vcpu, ICOUNT), LIMIT);
  store<u64>(vcpu, flagOp, LAZY_SAVE);
  store<u64>(vcpu, flagA, LAZY_SAVE + 8);
  store<u64>(vcpu, flagB, LAZY_SAVE + 16);
}
/** After the state block was replaced: everything derived is recomputed. */
export function restored(): void {
  forgetTime(true);
  setLazyState(<u32>load<u64>(vcpu, LAZY_SAVE), load<u64>(vcpu, LAZY_SAVE + 8), load<u64>(vcpu, LAZY_SAVE + 16));
  flushAll();
  flushBlocks();
  updateMode();
  updateDebug();
  keepLogging();
  updateAttention();
  if (load<u32>(vcpu, HALTED)) halt();
}
/** After registers were replaced but memory and its mapping were not (instruction suites). */
export function registersReplaced(): void {
  const ip = load<u64>(vcpu, IP);
  abandonBlock(); // a block that a fault left
  store<u64>(vcpu, ip, IP);
  clearFault();
  setLazyState(<u32>load<u64>(vcpu, LAZY_SAVE), load<u64>(vcpu, LAZY_SAVE + 8), load<u64>(vcpu, LAZY_SAVE + 16));
  updateMode();
  updateFast();
  updateDebug();
  updateAttention();
}
/** A debugger writes EFLAGS. */
export function setEflags(value: u64): void {
  setFlagBits(<u32>value);
  store<u64>(vcpu, value & SYSTEM_FLAGS, EFLAGS);
  updateMode();
  updateAttention();
}
/** Everything of EFLAGS, for inspectors. */
export function eflags(): u64 {
  return load<u64>(vcpu, EFLAGS) | flagBits() | 2;
}
