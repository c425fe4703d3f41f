// What the running mode implies, derived once when CS, SS, CR0, EFER, CPL or the generation change: code size, code base, stack
// mask, lookup key, segment shortcuts. Intel SDM 3A 2.2 and 3.4.5.

import {
  ATTENTION, ATTENTION_HALT, ATTENTION_INTR, ATTENTION_TRAP, CR0, DR, EFER, EFLAGS, HALTED, MODE_COMPATIBILITY, MODE_FLAT, TRACE_WAKE, MODE_KEY, SEG_ATTR, SEG_BASE, SEG_CHECK, SEG_LIMIT,
} from "./layout";
import { IF, TF, VM } from "./flags";
import { generation, setWatching, userGeneration, updateContext } from "./mmu";
import { setStackMode } from "./operands";
import { stopBlock } from "./run";
import { CS, GS, Regs, SS, vcpu } from "./state";
import { emit, modeUpdated, modeWatched, tracing } from "./watch";

export const PE: u64 = 1;
export const LMA: u64 = 0x400;
export const ATTR_L: u32 = 0x2000;
export const ATTR_DB: u32 = 0x4000;
export const ATTR_NULL: u32 = 0x10000;

/** 0: 16-bit, 1: 32-bit, 2: 64-bit code. */
export let codeSize: u32 = 0;
/** CS base (0 in 64-bit mode). */
export let codeBase: u64 = 0;
/** Key of the RIP -> block cache: generation, privilege, code size, CS limit (folded to 16 bits). */
export let lookupKey: u32 = 0;

/** What a decoded block depends on: codeSize, and MODE_FLAT and MODE_COMPATIBILITY where they hold. */
export let blockMode: u32 = 0;

export function protectedMode(): bool {
  return (load<u64>(vcpu, CR0) & PE) != 0;
}
export function virtual8086(): bool {
  return (load<u64>(vcpu, EFLAGS) & VM) != 0;
}
export function realOrV86(): bool {
  return !protectedMode() || virtual8086();
}
export function longMode(): bool {
  return (load<u64>(vcpu, EFER) & LMA) != 0;
}
export function updateLookupKey(): void {
  // A block that was found under one CS limit may end outside another.
  const limit = codeSize == 2 ? ~(<u32>0) : load<u32>(vcpu + (CS << 2), SEG_LIMIT);
  const user = Regs.cpl() == 3;
  lookupKey = ((user ? <u32>userGeneration : <u32>generation) << 5) | blockMode | (user ? 8 : 0) | 16 | ((limit ^ (limit >> 16)) << 17);
}
/** Which checks accesses through segment `s` need (SEG_CHECK). */
export function updateSegment(s: u32): void {
  let check: u32 = 3;
  if (codeSize == 2) check = s <= GS ? 0 : 3;
  else {
    const attr = load<u32>(vcpu + (s << 2), SEG_ATTR);
    const flat = load<u64>(vcpu + (s << 3), SEG_BASE) == 0 && load<u32>(vcpu + (s << 2), SEG_LIMIT) == 0xffffffff;
    if (flat && !(attr & ATTR_NULL)) {
      if (attr & 8) check = attr & 2 ? 2 : 3;
      else if (!(attr & 4)) check = attr & 2 ? 0 : 2;
    }
  }
  store<u8>(vcpu + s, <u8>check, SEG_CHECK);
}
/** After a change of a segment register outside updateMode(). */
export function updateFlat(): void {
  const before = blockMode;
  blockMode = codeSize;
  if (codeSize == 1 && flatSegments()) blockMode |= longMode() ? MODE_FLAT | MODE_COMPATIBILITY : MODE_FLAT;
  if (blockMode != before) updateLookupKey();
}
/** SEG_CHECK of ES, CS, SS, DS as one word: nothing to check but writes through CS; that implies base 0 and limit 4 GiB. */
const FLAT_CHECKS: u32 = 0x00000200;
function flatSegments(): bool {
  return load<u32>(vcpu + SEG_CHECK) == FLAT_CHECKS && (load<u32>(vcpu + (SS << 2), SEG_ATTR) & ATTR_DB) != 0;
}
/** Recomputes everything derived. Call after any change of CS, SS, CR0.PE/PG, EFER, CPL, EFLAGS.VM. */
export function updateMode(): void {
  const csAttr = load<u32>(vcpu + (CS << 2), SEG_ATTR);
  const before = codeSize;
  if (longMode() && csAttr & ATTR_L) {
    codeSize = 2;
    codeBase = 0;
    setStackMode(~(<u64>0), 9);
  } else {
    codeSize = csAttr & ATTR_DB && !virtual8086() ? 1 : 0;
    codeBase = load<u64>(vcpu + (CS << 3), SEG_BASE);
    setStackMode(load<u32>(vcpu + (SS << 2), SEG_ATTR) & ATTR_DB ? 0xffffffff : 0xffff, SS);
  }
  store<u32>(vcpu, codeSize, MODE_KEY);
  for (let s: u32 = 0; s <= GS; s++) updateSegment(s);
  updateContext();
  updateFlat();
  updateLookupKey();
  if (modeWatched) modeUpdated();
}
/** Recomputes the attention bits that depend on EFLAGS and the debug registers; `intr` is the pin. */
export let intrPin: bool = false;
export function setIntrPin(high: bool): void {
  intrPin = high;
  updateAttention();
}
/** HLT: nothing is executed until an interrupt. */
export function halt(): void {
  store<u32>(vcpu, 1, HALTED);
  store<u32>(vcpu, load<u32>(vcpu, ATTENTION) | ATTENTION_HALT, ATTENTION);
}
export function unhalt(): void {
  if (tracing & TRACE_WAKE && load<u32>(vcpu, HALTED)) emit(TRACE_WAKE, 0, 0, 0);
  store<u32>(vcpu, 0, HALTED);
  store<u32>(vcpu, load<u32>(vcpu, ATTENTION) & ~ATTENTION_HALT, ATTENTION);
}
export function updateAttention(): void {
  const flags = load<u64>(vcpu, EFLAGS);
  let a = load<u32>(vcpu, ATTENTION) & ~(ATTENTION_INTR | ATTENTION_TRAP);
  if (intrPin && flags & IF) a |= ATTENTION_INTR;
  const dr7 = load<u64>(vcpu + 56, DR);
  if (flags & TF || dr7 & 0xff) a |= ATTENTION_TRAP;
  store<u32>(vcpu, a, ATTENTION);
  // A device that an instruction touched may have raised its line: the block ends behind that instruction, interpreted or translated.
  if (a) stopBlock();
}
/** After a write of DR7. */
export function updateDebug(): void {
  const dr7 = load<u64>(vcpu + 56, DR);
  let data = false;
  for (let n: u32 = 0; n < 4; n++) if (dr7 & (3 << (n * 2)) && dr7 & (1 << (16 + n * 4))) data = true;
  setWatching(data);
  updateLookupKey();
  updateAttention();
}
