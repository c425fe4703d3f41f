// XSAVE, XSAVEOPT, XSAVEC, XSAVES, XRSTOR, XRSTORS, XGETBV and XSETBV for x87, SSE and AVX state. Intel SDM 1 chapter 13. Both formats put AVX
// state at 576. A component is in its initial configuration when its registers have their initial values. Left out: the modified
// optimization (XSAVEOPT writes everything that is in use), supervisor components (IA32_XSS has none).

import { GP, NM, raise, raiseCode, UD } from "./fault";
import { CR0, CR4, FCS, FCW, FDP, FDS, FEATURES, FIP, FOP, FPR, FSW, FTW, MXCSR, XCR0, XMM } from "./layout";
import { Mem } from "./mmu";
import { Ea } from "./operands";
import { updateFast } from "./sse-float";
import { RAX, RCX, RDX, Regs, vcpu } from "./state";
import { loadVectors, loadX87, saveMxcsr, saveVectors, saveX87, vectorCount } from "./x87-state";
import { fninit } from "./x87";

const X87: u64 = 1;
const SSE: u64 = 2;
const AVX: u64 = 4;
const HEADER: u64 = 512;
const AVX_AT: u64 = 576;
const COMPACT: u64 = 0x8000000000000000;
const FEATURE_AVX: u32 = 1 << 28;

export function xsaveSize(): u32 {
  return load<u64>(vcpu, XCR0) & AVX ? 832 : 576;
}
function supported(): u64 {
  return load<u32>(vcpu + 4, FEATURES) & FEATURE_AVX ? X87 | SSE | AVX : X87 | SSE;
}
function enabled(): void {
  if (!(load<u64>(vcpu, CR4) & 0x40000)) raise(UD);
}
function edxEax(): u64 {
  return (Regs.get(RDX) << 32) | (Regs.get(RAX) & 0xffffffff);
}
export function xgetbv(r: usize): void {
  enabled();
  const index = <u32>Regs.get(RCX);
  let v = load<u64>(vcpu, XCR0);
  if (index == 1 && load<u32>(vcpu + 24, FEATURES) & 4) v &= inUse();
  else if (index != 0) raiseCode(GP, 0);
  Regs.set(RAX, v & 0xffffffff);
  Regs.set(RDX, v >> 32);
}
export function xsetbv(r: usize): void {
  enabled();
  if (Regs.cpl() != 0 || <u32>Regs.get(RCX) != 0) raiseCode(GP, 0);
  const v = edxEax();
  if (!(v & X87) || v & ~supported() || (v & (SSE | AVX)) == AVX) raiseCode(GP, 0);
  store<u64>(vcpu, v, XCR0);
}
/** XINUSE: which components are not in their initial configuration. */
function inUse(): u64 {
  let used: u64 = 0;
  if (load<u16>(vcpu, FCW) != 0x37f || load<u16>(vcpu, FSW) != 0 || load<u16>(vcpu, FTW) != 0xffff || load<u16>(vcpu, FOP) != 0) used = X87;
  if ((load<u64>(vcpu, FIP) | load<u64>(vcpu, FDP)) != 0 || (load<u16>(vcpu, FCS) | load<u16>(vcpu, FDS)) != 0) used = X87;
  for (let n: u32 = 0; n < 128; n += 16) if ((load<u64>(vcpu + n, FPR) | <u64>load<u16>(vcpu + n, FPR + 8)) != 0) used = X87;
  for (let n: u32 = 0; n < 512; n += 32) {
    if (v128.any_true(v128.load(vcpu + n, XMM))) used |= SSE;
    if (v128.any_true(v128.load(vcpu + n, XMM + 16))) used |= AVX;
  }
  return used;
}
function guard(): void {
  enabled();
  if (load<u64>(vcpu, CR0) & 8) raise(NM);
}
function aligned(linear: u64): u64 {
  if (linear & 63) raiseCode(GP, 0);
  return linear;
}
/** kind: 0 XSAVE, 1 XSAVEOPT, 2 XSAVEC, 3 XSAVES. */
export function xsave(r: usize, kind: u32): void {
  guard();
  if (kind == 3 && Regs.cpl() != 0) raiseCode(GP, 0);
  const wanted = edxEax() & load<u64>(vcpu, XCR0);
  const size: u32 = wanted & AVX ? 832 : 576;
  const linear = aligned(Ea.toWrite(r, size));
  // At most two pages.
  Mem.probeWrite(linear, size);
  const compact = kind >= 2;
  let used = inUse();
  if (compact && load<u32>(vcpu, MXCSR) != 0x1f80) used |= SSE;
  const write = kind == 0 ? wanted : wanted & used;
  const old: u64 = compact ? 0 : Mem.read<u64>(linear + HEADER) & ~wanted;
  if (write & X87) saveX87(r, linear);
  if (compact ? write & SSE : wanted & (SSE | AVX)) saveMxcsr(linear);
  if (write & SSE) saveVectors(linear + 160, 0);
  if (write & AVX) saveVectors(linear + AVX_AT, 16);
  Mem.write<u64>(linear + HEADER, old | (wanted & used));
  if (compact) Mem.write<u64>(linear + HEADER + 8, wanted | COMPACT);
}
function clearVectors(part: u32): void {
  const count = vectorCount();
  for (let n: u32 = 0; n < count; n++) v128.store(vcpu + XMM + (n << 5) + part, i64x2.splat(0));
}
/** `supervisor`: XRSTORS. */
export function xrstor(r: usize, supervisor: u32): void {
  guard();
  if (supervisor && Regs.cpl() != 0) raiseCode(GP, 0);
  const linear = aligned(Ea.toRead(r, 576));
  const present = Mem.read<u64>(linear + HEADER);
  const layout = Mem.read<u64>(linear + HEADER + 8);
  const xcr0 = load<u64>(vcpu, XCR0);
  const compact = (layout & COMPACT) != 0;
  if (compact) {
    // Needs XSAVEC; nothing outside the layout, the layout nothing outside XCR0, the rest of the header zero.
    if (!(load<u32>(vcpu + 24, FEATURES) & 2) || layout & ~(COMPACT | xcr0) || present & ~layout) raiseCode(GP, 0);
    for (let n: u64 = 16; n < 64; n += 8) if (Mem.read<u64>(linear + HEADER + n)) raiseCode(GP, 0);
  } else if (supervisor || layout || present & ~xcr0 || Mem.read<u64>(linear + HEADER + 16)) raiseCode(GP, 0);
  const wanted = edxEax() & xcr0;
  const from = wanted & present;
  // Whatever can fault comes first: the area's end, and MXCSR's reserved bits when it is loaded.
  Mem.read<u8>(linear + (from & AVX ? 831 : 575));
  const mxcsr = Mem.read<u32>(linear + 24);
  const loadsMxcsr = compact ? (from & SSE) != 0 : (wanted & (SSE | AVX)) != 0;
  if (loadsMxcsr && mxcsr & 0xffff0000) raiseCode(GP, 0);
  if (from & X87) loadX87(r, linear);
  else if (wanted & X87) initialX87();
  if (loadsMxcsr) store<u32>(vcpu, mxcsr, MXCSR);
  else if (wanted & SSE) store<u32>(vcpu, 0x1f80, MXCSR);
  updateFast();
  if (from & SSE) loadVectors(linear + 160, 0);
  else if (wanted & SSE) clearVectors(0);
  if (from & AVX) loadVectors(linear + AVX_AT, 16);
  else if (wanted & AVX) clearVectors(16);
}
function initialX87(): void {
  fninit();
  store<u16>(vcpu, 0, FOP);
  store<u64>(vcpu, 0, FIP);
  store<u64>(vcpu, 0, FDP);
  store<u16>(vcpu, 0, FCS);
  store<u16>(vcpu, 0, FDS);
  memory.fill(vcpu + FPR, 0, 128);
}
