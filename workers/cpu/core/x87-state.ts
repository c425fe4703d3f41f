// Images of the x87 and SSE state: FNSTENV, FLDENV, FNSAVE, FRSTOR (16- and 32-bit, protected and real-address formats), FXSAVE and
// FXRSTOR with their REX.W forms. Intel SDM 1 8.1.10, 10.5.1; SDM 2A FXSAVE. Left out: AMD's fast FXSAVE (EFER.FFXSR).

import { GP, NM, raise, raiseCode } from "./fault";
import {
  CR0,
  CR4,
  EFER,
  EFLAGS,
  FCS,
  FCW,
  FDP,
  FDS,
  FIP,
  FOP,
  FPR,
  FSW,
  FTW,
  MXCSR,
  PREFIX_REX_W,
  REC_PREFIX,
  REC_SIZE,
  SEG_ATTR,
  XMM,
} from "./layout";
import { Mem } from "./mmu";
import { Ea } from "./operands";
import { updateFast } from "./sse-float";
import { CS, vcpu } from "./state";
import { fninit, updateSummary } from "./x87";

/** The full tag word, with zero and special told from valid. */
function fullTags(): u32 {
  const tags = <u32>load<u16>(vcpu, FTW);
  let r: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    let t = (tags >> (n << 1)) & 3;
    if (t != 3) {
      const sig = load<u64>(vcpu + (n << 4), FPR);
      const e = <u32>load<u16>(vcpu + (n << 4), FPR + 8) & 0x7fff;
      t = e == 0x7fff ? 2 : e == 0 ? (sig == 0 ? 1 : 2) : <i64>sig < 0 ? 0 : 2;
    }
    r |= t << (n << 1);
  }
  return r;
}
/** Only emptiness is kept. */
function setTags(tags: u32): void {
  const full = tags & (tags >> 1) & 0x5555;
  store<u16>(vcpu, full | (full << 1), FTW);
}
function isReal(): bool {
  return (load<u64>(vcpu, CR0) & 1) == 0 || (load<u64>(vcpu, EFLAGS) & 0x20000) != 0;
}
function isWide(r: usize): bool {
  return load<u8>(r, REC_SIZE) != 1;
}
function writeEnvironment(linear: u64, wide: bool): void {
  const cw = <u32>load<u16>(vcpu, FCW);
  const sw = <u32>load<u16>(vcpu, FSW);
  const tags = fullTags();
  const ip = load<u32>(vcpu, FIP);
  const dp = load<u32>(vcpu, FDP);
  const op = <u32>load<u16>(vcpu, FOP) & 0x7ff;
  const real = isReal();
  if (wide) {
    Mem.write<u32>(linear, cw | 0xffff0000);
    Mem.write<u32>(linear + 4, sw | 0xffff0000);
    Mem.write<u32>(linear + 8, tags | 0xffff0000);
    if (real) {
      Mem.write<u32>(linear + 12, ip & 0xffff);
      Mem.write<u32>(linear + 16, ((ip >> 16) << 12) | op);
      Mem.write<u32>(linear + 20, dp & 0xffff);
      Mem.write<u32>(linear + 24, (dp >> 16) << 12);
    } else {
      Mem.write<u32>(linear + 12, ip);
      Mem.write<u32>(linear + 16, <u32>load<u16>(vcpu, FCS) | (op << 16));
      Mem.write<u32>(linear + 20, dp);
      Mem.write<u32>(linear + 24, <u32>load<u16>(vcpu, FDS) | 0xffff0000);
    }
    return;
  }
  Mem.write<u16>(linear, <u16>cw);
  Mem.write<u16>(linear + 2, <u16>sw);
  Mem.write<u16>(linear + 4, <u16>tags);
  Mem.write<u16>(linear + 6, <u16>ip);
  Mem.write<u16>(linear + 8, real ? <u16>(((ip >> 4) & 0xf000) | op) : load<u16>(vcpu, FCS));
  Mem.write<u16>(linear + 10, <u16>dp);
  Mem.write<u16>(linear + 12, real ? <u16>((dp >> 4) & 0xf000) : load<u16>(vcpu, FDS));
}
function readEnvironment(linear: u64, wide: bool): void {
  const step: u64 = wide ? 4 : 2;
  const cw = <u32>Mem.read<u16>(linear);
  const sw = <u32>Mem.read<u16>(linear + step);
  const tags = <u32>Mem.read<u16>(linear + 2 * step);
  let ip: u32 = wide ? Mem.read<u32>(linear + 12) : <u32>Mem.read<u16>(linear + 6);
  const selector: u32 = wide ? Mem.read<u32>(linear + 16) : <u32>Mem.read<u16>(linear + 8);
  let dp: u32 = wide ? Mem.read<u32>(linear + 20) : <u32>Mem.read<u16>(linear + 10);
  const data: u32 = wide ? Mem.read<u32>(linear + 24) : <u32>Mem.read<u16>(linear + 12);
  let op: u32 = 0;
  if (isReal()) {
    op = selector & 0x7ff;
    ip = (ip & 0xffff) | ((selector & 0x0ffff000) << 4);
    dp = (dp & 0xffff) | ((data & 0x0ffff000) << 4);
  } else {
    if (wide) op = (selector >> 16) & 0x7ff;
    store<u16>(vcpu, selector, FCS);
    store<u16>(vcpu, data, FDS);
  }
  store<u16>(vcpu, (cw & 0x1f7f) | 0x40, FCW);
  store<u16>(vcpu, sw, FSW);
  setTags(tags);
  store<u64>(vcpu, ip, FIP);
  store<u64>(vcpu, dp, FDP);
  store<u16>(vcpu, op, FOP);
  updateSummary();
}
export function fnstenv(r: usize): void {
  const wide = isWide(r);
  const size: u32 = wide ? 28 : 14;
  const linear = Ea.toWrite(r, size);
  Mem.probeWrite(linear, size);
  writeEnvironment(linear, wide);
  store<u16>(vcpu, load<u16>(vcpu, FCW) | 0x3f, FCW);
  updateSummary();
}
export function fldenv(r: usize): void {
  const wide = isWide(r);
  readEnvironment(Ea.toRead(r, wide ? 28 : 14), wide);
}
export function fnsave(r: usize): void {
  const wide = isWide(r);
  const head: u32 = wide ? 28 : 14;
  const linear = Ea.toWrite(r, head + 80);
  Mem.probeWrite(linear, head + 80);
  writeEnvironment(linear, wide);
  const top = <u32>load<u16>(vcpu, FSW) >> 11;
  for (let i: u32 = 0; i < 8; i++) {
    const p = vcpu + (((top + i) & 7) << 4);
    Mem.write<u64>(linear + head + i * 10, load<u64>(p, FPR));
    Mem.write<u16>(linear + head + i * 10 + 8, load<u16>(p, FPR + 8));
  }
  fninit();
}
export function frstor(r: usize): void {
  const wide = isWide(r);
  const head: u32 = wide ? 28 : 14;
  const linear = Ea.toRead(r, head + 80);
  // Touch the end first, so that a fault leaves the state alone.
  Mem.read<u16>(linear + head + 78);
  readEnvironment(linear, wide);
  const top = <u32>load<u16>(vcpu, FSW) >> 11;
  for (let i: u32 = 0; i < 8; i++) {
    const p = vcpu + (((top + i) & 7) << 4);
    store<u64>(p, Mem.read<u64>(linear + head + i * 10), FPR);
    store<u16>(p, Mem.read<u16>(linear + head + i * 10 + 8), FPR + 8);
  }
}

function is64(): bool {
  return (load<u64>(vcpu, EFER) & 0x400) != 0 && (load<u32>(vcpu + (CS << 2), SEG_ATTR) & 0x2000) != 0;
}
function checkArea(linear: u64): void {
  if (linear & 15) raiseCode(GP, 0);
}
// The x87 and the SSE part of an FXSAVE image, which XSAVE begins with (xsave.ts).
export function saveX87(r: usize, linear: u64): void {
  Mem.write<u16>(linear, load<u16>(vcpu, FCW));
  Mem.write<u16>(linear + 2, load<u16>(vcpu, FSW));
  const tags = ~(<u32>load<u16>(vcpu, FTW));
  let brief: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) brief |= ((tags >> (n << 1)) & 1) << n;
  Mem.write<u16>(linear + 4, <u16>brief);
  Mem.write<u16>(linear + 6, load<u16>(vcpu, FOP));
  if (load<u8>(r, REC_PREFIX) & PREFIX_REX_W) {
    Mem.write<u64>(linear + 8, load<u64>(vcpu, FIP));
    Mem.write<u64>(linear + 16, load<u64>(vcpu, FDP));
  } else {
    Mem.write<u64>(linear + 8, <u64>load<u32>(vcpu, FIP) | (<u64>load<u16>(vcpu, FCS) << 32));
    Mem.write<u64>(linear + 16, <u64>load<u32>(vcpu, FDP) | (<u64>load<u16>(vcpu, FDS) << 32));
  }
  const top = <u32>load<u16>(vcpu, FSW) >> 11;
  for (let i: u32 = 0; i < 8; i++) {
    const p = vcpu + (((top + i) & 7) << 4);
    Mem.write<u64>(linear + 32 + (i << 4), load<u64>(p, FPR));
    Mem.write<u64>(linear + 40 + (i << 4), <u64>load<u16>(p, FPR + 8));
  }
}
export function saveMxcsr(linear: u64): void {
  Mem.write<u32>(linear + 24, load<u32>(vcpu, MXCSR));
  Mem.write<u32>(linear + 28, 0xffff);
}
/** 16 vector registers in 64-bit mode, 8 elsewhere. */
export function vectorCount(): u32 {
  return is64() ? 16 : 8;
}
/** XMM registers, or the upper halves of YMM ones (`part` 16), 16 bytes each from `linear`. */
export function saveVectors(linear: u64, part: u32): void {
  const count = vectorCount();
  for (let i: u32 = 0; i < count; i++) {
    const p = vcpu + XMM + (i << 5) + part;
    Mem.write<u64>(linear + (i << 4), load<u64>(p));
    Mem.write<u64>(linear + 8 + (i << 4), load<u64>(p, 8));
  }
}
export function loadVectors(linear: u64, part: u32): void {
  const count = vectorCount();
  for (let i: u32 = 0; i < count; i++) {
    const p = vcpu + XMM + (i << 5) + part;
    store<u64>(p, Mem.read<u64>(linear + (i << 4)));
    store<u64>(p, Mem.read<u64>(linear + 8 + (i << 4)), 8);
  }
}
export function loadX87(r: usize, linear: u64): void {
  const sw = <u32>Mem.read<u16>(linear + 2);
  store<u16>(vcpu, (<u32>Mem.read<u16>(linear) & 0x1f7f) | 0x40, FCW);
  store<u16>(vcpu, sw, FSW);
  const brief = <u32>Mem.read<u8>(linear + 4);
  let tags: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) if (!((brief >> n) & 1)) tags |= 3 << (n << 1);
  store<u16>(vcpu, tags, FTW);
  store<u16>(vcpu, Mem.read<u16>(linear + 6) & 0x7ff, FOP);
  if (load<u8>(r, REC_PREFIX) & PREFIX_REX_W) {
    store<u64>(vcpu, Mem.read<u64>(linear + 8), FIP);
    store<u64>(vcpu, Mem.read<u64>(linear + 16), FDP);
  } else {
    store<u64>(vcpu, Mem.read<u32>(linear + 8), FIP);
    store<u16>(vcpu, Mem.read<u16>(linear + 12), FCS);
    store<u64>(vcpu, Mem.read<u32>(linear + 16), FDP);
    store<u16>(vcpu, Mem.read<u16>(linear + 20), FDS);
  }
  updateSummary();
  for (let i: u32 = 0; i < 8; i++) {
    const p = vcpu + ((((sw >> 11) + i) & 7) << 4);
    store<u64>(p, Mem.read<u64>(linear + 32 + (i << 4)), FPR);
    store<u16>(p, Mem.read<u16>(linear + 40 + (i << 4)), FPR + 8);
  }
}
export function fxsave(r: usize): void {
  if (load<u64>(vcpu, CR0) & 12) raise(NM);
  const linear = Ea.toWrite(r, 512);
  checkArea(linear);
  Mem.probeWrite(linear, 512);
  saveX87(r, linear);
  saveMxcsr(linear);
  if (load<u64>(vcpu, CR4) & 0x200) saveVectors(linear + 160, 0);
}
export function fxrstor(r: usize): void {
  if (load<u64>(vcpu, CR0) & 12) raise(NM);
  const linear = Ea.toRead(r, 512);
  checkArea(linear);
  Mem.read<u8>(linear + 511);
  const mxcsr = Mem.read<u32>(linear + 24);
  const sse = (load<u64>(vcpu, CR4) & 0x200) != 0;
  if (sse && mxcsr & 0xffff0000) raiseCode(GP, 0);
  loadX87(r, linear);
  if (!sse) return;
  store<u32>(vcpu, mxcsr, MXCSR);
  updateFast();
  loadVectors(linear + 160, 0);
}
