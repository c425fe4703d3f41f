// Integer instructions whose operands do not fit the pattern values in, value out: multiply and divide on RDX:RAX, CMPXCHG, XADD, XCHG, XLAT,
// bit strings in memory, sign extensions of the accumulator. Intel SDM 2.

import { cmp, divide128, divRemainder, mulHighS, mulHighU, add } from "./alu";
import { DE, GP, raise, raiseCode, UD } from "./fault";
import {
  CF, condition, flagBits, OF, setFlagBits, setResult, sx, ZF, holds0, holds1, holds2, holds3, holds4, holds5, holds6, holds7,
  holds8, holds9, holds10, holds11, holds12, holds13, holds14, holds15,
} from "./flags";
import { REC_IMM, REC_R0, REC_R1, REC_SEG, REC_ADDR_SHIFT } from "./layout";
import { Mem } from "./mmu";
import { Ea, Reg } from "./operands";
import { RAX, RBX, RCX, RDX, Regs, vcpu } from "./state";
import { codeSize } from "./mode";
import { feature } from "./system";

function setAccumulator<T>(n: u32, v: T): void {
  if (sizeof<T>() == 4) Regs.set(n, <u64>(<u32>v));
  else store<T>(vcpu + (n << 3), v);
}
export function mul<T>(b: T): void {
  const a = load<T>(vcpu);
  if (sizeof<T>() == 1) {
    const r = <u32>a * <u32>b;
    store<u16>(vcpu, <u16>r);
    setResult<u8>(<u8>r, r >> 8 ? CF | OF : 0);
  } else if (sizeof<T>() == 8) {
    const high = mulHighU(<u64>a, <u64>b);
    const low = <u64>a * <u64>b;
    Regs.set(RAX, low);
    Regs.set(RDX, high);
    setResult<u64>(low, high ? CF | OF : 0);
  } else {
    const r = <u64>a * <u64>b;
    const high = <T>(r >> (sizeof<T>() << 3));
    setAccumulator<T>(RAX, <T>r);
    setAccumulator<T>(RDX, high);
    setResult<T>(<T>r, high != <T>0 ? CF | OF : 0);
  }
}
export function imul1<T>(b: T): void {
  const a = load<T>(vcpu);
  if (sizeof<T>() == 1) {
    const r = <i32>(<i8>a) * <i32>(<i8>b);
    store<u16>(vcpu, <u16>r);
    setResult<u8>(<u8>r, r != <i32>(<i8>r) ? CF | OF : 0);
  } else if (sizeof<T>() == 8) {
    const high = mulHighS(<i64>a, <i64>b);
    const low = <i64>a * <i64>b;
    Regs.set(RAX, <u64>low);
    Regs.set(RDX, <u64>high);
    setResult<u64>(<u64>low, high != low >> 63 ? CF | OF : 0);
  } else {
    const r = <i64>sx<T>(a) * <i64>sx<T>(b);
    setAccumulator<T>(RAX, <T>r);
    setAccumulator<T>(RDX, <T>(r >> (sizeof<T>() << 3)));
    setResult<T>(<T>r, <i64>sx<T>(<T>r) != r ? CF | OF : 0);
  }
}
export function div<T>(d: T): void {
  if (d == <T>0) raise(DE);
  if (sizeof<T>() == 1) {
    const n = <u32>load<u16>(vcpu);
    const q = n / <u32>d;
    if (q > 0xff) raise(DE);
    store<u16>(vcpu, <u16>(q | ((n % <u32>d) << 8)));
  } else if (sizeof<T>() == 8) {
    const hi = Regs.get(RDX);
    if (hi >= <u64>d) raise(DE);
    const q = divide128(hi, Regs.get(RAX), <u64>d);
    Regs.set(RAX, q);
    Regs.set(RDX, divRemainder);
  } else {
    const bits = <u64>sizeof<T>() << 3;
    const n = (<u64>load<T>(vcpu + 16) << bits) | <u64>load<T>(vcpu);
    const q = n / <u64>d;
    if (q >> bits) raise(DE);
    const rem = n % <u64>d;
    setAccumulator<T>(RAX, <T>q);
    setAccumulator<T>(RDX, <T>rem);
  }
}
export function idiv<T>(d: T): void {
  if (d == <T>0) raise(DE);
  if (sizeof<T>() == 1) {
    const n = <i32>load<i16>(vcpu);
    const v = <i32>(<i8>d);
    const q = n / v;
    if (q != <i32>(<i8>q)) raise(DE);
    store<u16>(vcpu, <u16>((q & 0xff) | ((n % v) << 8)));
  } else if (sizeof<T>() == 8) {
    let hi = Regs.get(RDX);
    let lo = Regs.get(RAX);
    const negative = <i64>hi < 0;
    if (negative) {
      lo = ~lo + 1;
      hi = ~hi + (lo == 0 ? 1 : 0);
    }
    const v = <i64>d;
    const m = v < 0 ? <u64>(-v) : <u64>v;
    if (hi >= m) raise(DE);
    const q = divide128(hi, lo, m);
    const opposite = negative != v < 0;
    if (opposite ? q > 0x8000000000000000 : q > 0x7fffffffffffffff) raise(DE);
    Regs.set(RAX, opposite ? -q : q);
    Regs.set(RDX, negative ? -divRemainder : divRemainder);
  } else if (sizeof<T>() == 4) {
    const n = <i64>((<u64>load<u32>(vcpu + 16) << 32) | <u64>load<u32>(vcpu));
    const v = <i64>(<i32>d);
    if (v == -1) {
      // The only quotient that can overflow the host's division.
      const q = -<u64>n;
      if (<i64>q != <i64>(<i32>q)) raise(DE);
      Regs.set(RAX, q & 0xffffffff);
      Regs.set(RDX, 0);
      return;
    }
    const q = n / v;
    if (q != <i64>(<i32>q)) raise(DE);
    Regs.set(RAX, <u64>(<u32>q));
    Regs.set(RDX, <u64>(<u32>(n % v)));
  } else {
    const n = <i32>((<u32>load<u16>(vcpu + 16) << 16) | <u32>load<u16>(vcpu));
    const v = <i32>(<i16>d);
    if (v == -1) {
      const q = -<i64>n;
      if (q != <i64>(<i16>q)) raise(DE);
      store<u16>(vcpu, <u16>q);
      store<u16>(vcpu + 16, 0);
      return;
    }
    const q = n / v;
    if (q != <i32>(<i16>q)) raise(DE);
    store<u16>(vcpu, <u16>q);
    store<u16>(vcpu + 16, <u16>(n % v));
  }
}
/** CBW CWDE CDQE. */
export function extendAccumulator<T>(r: usize): void {
  if (sizeof<T>() == 2) store<u16>(vcpu, <u16>(<i16>load<i8>(vcpu)));
  else if (sizeof<T>() == 4) Regs.set(RAX, <u64>(<u32>(<i32>load<i16>(vcpu))));
  else Regs.set(RAX, <u64>(<i64>load<i32>(vcpu)));
}
/** CWD CDQ CQO. */
export function extendDouble<T>(r: usize): void {
  if (sizeof<T>() == 2) store<u16>(vcpu + 16, <u16>(load<i16>(vcpu) >> 15));
  else if (sizeof<T>() == 4) Regs.set(RDX, <u64>(<u32>(load<i32>(vcpu) >> 31)));
  else Regs.set(RDX, <u64>(load<i64>(vcpu) >> 63));
}
export function cmpxchgReg<T>(r: usize): void {
  const a = load<T>(vcpu);
  const d = Reg.read<T>(r, REC_R0);
  cmp<T>(a, d);
  if (a == d) Reg.write<T>(r, REC_R0, Reg.read<T>(r, REC_R1));
  else setAccumulator<T>(RAX, d);
}
export function cmpxchgMem<T>(r: usize): void {
  const at = Ea.toWrite(r, sizeof<T>());
  const host = Mem.modify<T>(at);
  const a = load<T>(vcpu);
  const d = host ? load<T>(host) : Mem.read<T>(at);
  const equal = a == d;
  const v = equal ? Reg.read<T>(r, REC_R0) : d;
  if (host) store<T>(host, v);
  else Mem.write<T>(at, v);
  cmp<T>(a, d);
  if (!equal) setAccumulator<T>(RAX, d);
}
function setZf(on: bool): void {
  const f = flagBits();
  setFlagBits(on ? f | ZF : f & ~ZF);
}
export function cmpxchg8b(r: usize): void {
  const at = Ea.toWrite(r, 8);
  Mem.probeWrite(at, 8);
  const d = Mem.read<u64>(at);
  const a = (Regs.get(RDX) << 32) | (Regs.get(RAX) & 0xffffffff);
  if (a == d) {
    Mem.write<u64>(at, (Regs.get(RCX) << 32) | (Regs.get(RBX) & 0xffffffff));
    setZf(true);
  } else {
    Mem.write<u64>(at, d);
    Regs.set(RAX, d & 0xffffffff);
    Regs.set(RDX, d >> 32);
    setZf(false);
  }
}
export function cmpxchg16b(r: usize): void {
  if (!feature(32 + 13)) raise(UD);
  const at = Ea.toWrite(r, 16);
  if (at & 15) raiseCode(GP, 0);
  Mem.probeWrite(at, 16);
  const low = Mem.read<u64>(at);
  const high = Mem.read<u64>(at + 8);
  if (low == Regs.get(RAX) && high == Regs.get(RDX)) {
    Mem.write<u64>(at, Regs.get(RBX));
    Mem.write<u64>(at + 8, Regs.get(RCX));
    setZf(true);
  } else {
    Regs.set(RAX, low);
    Regs.set(RDX, high);
    setZf(false);
  }
}
export function cmpxchg8or16<T>(r: usize): void {
  if (sizeof<T>() == 8) cmpxchg16b(r);
  else cmpxchg8b(r);
}
export function xaddReg<T>(r: usize): void {
  const d = Reg.read<T>(r, REC_R0);
  const s = Reg.read<T>(r, REC_R1);
  const sum = add<T>(d, s);
  Reg.write<T>(r, REC_R1, d);
  Reg.write<T>(r, REC_R0, sum);
}
export function xaddMem<T>(r: usize): void {
  const at = Ea.toWrite(r, sizeof<T>());
  const host = Mem.modify<T>(at);
  const d = host ? load<T>(host) : Mem.read<T>(at);
  const sum = add<T>(d, Reg.read<T>(r, REC_R0));
  if (host) store<T>(host, sum);
  else Mem.write<T>(at, sum);
  Reg.write<T>(r, REC_R0, d);
}
export function xchgReg<T>(r: usize): void {
  const a = Reg.read<T>(r, REC_R0);
  Reg.write<T>(r, REC_R0, Reg.read<T>(r, REC_R1));
  Reg.write<T>(r, REC_R1, a);
}
export function xlat(r: usize): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const offset = ((Regs.get(RBX) + load<u8>(vcpu)) << shift) >> shift;
  store<u8>(vcpu, Mem.read<u8>(Ea.readAt(load<u8>(r, REC_SEG), offset, 1)));
}
/** Inline in its handlers (isa/generate.ts). */
export class MiscInline {
  @inline static xchgMem<T>(r: usize): void {
    const at = Ea.toWrite(r, sizeof<T>());
    const host = Mem.modify<T>(at);
    const d = host ? load<T>(host) : Mem.read<T>(at);
    const s = Reg.read<T>(r, REC_R0);
    if (host) store<T>(host, s);
    else Mem.write<T>(at, s);
    Reg.write<T>(r, REC_R0, d);
  }
  @inline static lea<T>(r: usize): void {
    Reg.write<T>(r, REC_R0, <T>Ea.offset(r));
  }
}
// CMOVcc and SETcc, one function per condition.
export function cmov0<T>(old: T, v: T): T { return holds0() ? v : old; }
export function cmov1<T>(old: T, v: T): T { return holds1() ? v : old; }
export function cmov2<T>(old: T, v: T): T { return holds2() ? v : old; }
export function cmov3<T>(old: T, v: T): T { return holds3() ? v : old; }
export function cmov4<T>(old: T, v: T): T { return holds4() ? v : old; }
export function cmov5<T>(old: T, v: T): T { return holds5() ? v : old; }
export function cmov6<T>(old: T, v: T): T { return holds6() ? v : old; }
export function cmov7<T>(old: T, v: T): T { return holds7() ? v : old; }
export function cmov8<T>(old: T, v: T): T { return holds8() ? v : old; }
export function cmov9<T>(old: T, v: T): T { return holds9() ? v : old; }
export function cmov10<T>(old: T, v: T): T { return holds10() ? v : old; }
export function cmov11<T>(old: T, v: T): T { return holds11() ? v : old; }
export function cmov12<T>(old: T, v: T): T { return holds12() ? v : old; }
export function cmov13<T>(old: T, v: T): T { return holds13() ? v : old; }
export function cmov14<T>(old: T, v: T): T { return holds14() ? v : old; }
export function cmov15<T>(old: T, v: T): T { return holds15() ? v : old; }
export function set0(): u8 { return holds0() ? 1 : 0; }
export function set1(): u8 { return holds1() ? 1 : 0; }
export function set2(): u8 { return holds2() ? 1 : 0; }
export function set3(): u8 { return holds3() ? 1 : 0; }
export function set4(): u8 { return holds4() ? 1 : 0; }
export function set5(): u8 { return holds5() ? 1 : 0; }
export function set6(): u8 { return holds6() ? 1 : 0; }
export function set7(): u8 { return holds7() ? 1 : 0; }
export function set8(): u8 { return holds8() ? 1 : 0; }
export function set9(): u8 { return holds9() ? 1 : 0; }
export function set10(): u8 { return holds10() ? 1 : 0; }
export function set11(): u8 { return holds11() ? 1 : 0; }
export function set12(): u8 { return holds12() ? 1 : 0; }
export function set13(): u8 { return holds13() ? 1 : 0; }
export function set14(): u8 { return holds14() ? 1 : 0; }
export function set15(): u8 { return holds15() ? 1 : 0; }
// moffs: the offset is the immediate.
export function movFromOffset<T>(r: usize): void {
  const v = Mem.read<T>(Ea.readAt(load<u8>(r, REC_SEG), load<u64>(r, REC_IMM), sizeof<T>()));
  setAccumulator<T>(RAX, v);
}
export function movToOffset<T>(r: usize): void {
  Mem.write<T>(Ea.writeAt(load<u8>(r, REC_SEG), load<u64>(r, REC_IMM), sizeof<T>()), load<T>(vcpu));
}
/** BT BTS BTR BTC with a register bit offset into a memory bit string. kind 0-3. */
export function bitString<T>(r: usize, kind: u32): void {
  const index = <i64>sx<T>(Reg.read<T>(r, REC_R0));
  const bits: i64 = sizeof<T>() << 3;
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const log: i64 = sizeof<T>() == 2 ? 4 : sizeof<T>() == 4 ? 5 : 6;
  const offset = ((Ea.offset(r) + <u64>((index >> log) * sizeof<T>())) << shift) >> shift;
  const mask = <u64>1 << <u64>(index & (bits - 1));
  const seg = <u32>load<u8>(r, REC_SEG);
  if (kind == 0) {
    carryIf((<u64>Mem.read<T>(Ea.readAt(seg, offset, sizeof<T>())) & mask) != 0);
    return;
  }
  const at = Ea.writeAt(seg, offset, sizeof<T>());
  Mem.probeWrite(at, sizeof<T>());
  const v = <u64>Mem.read<T>(at);
  Mem.write<T>(at, <T>(kind == 1 ? v | mask : kind == 2 ? v & ~mask : v ^ mask));
  carryIf((v & mask) != 0);
}
function carryIf(on: bool): void {
  const f = flagBits();
  setFlagBits(on ? f | CF : f & ~CF);
}
/** BSF and BSR of zero leave the whole destination alone, also its upper half (undefined in Intel's manual, AMD's has it so). */
function isZero<T>(v: T): bool {
  if (v != <T>0) {
    setFlagBits(flagBits() & ~ZF);
    return false;
  }
  setFlagBits((flagBits() & ~0x8d5) | ZF | 4);
  return true;
}
export function bsfReg<T>(r: usize): void {
  const v = Reg.read<T>(r, REC_R1);
  if (!isZero<T>(v)) Reg.write<T>(r, REC_R0, <T>ctz<u64>(<u64>v));
}
export function bsfMem<T>(r: usize): void {
  const v = Mem.read<T>(Ea.toRead(r, sizeof<T>()));
  if (!isZero<T>(v)) Reg.write<T>(r, REC_R0, <T>ctz<u64>(<u64>v));
}
export function bsrReg<T>(r: usize): void {
  const v = Reg.read<T>(r, REC_R1);
  if (!isZero<T>(v)) Reg.write<T>(r, REC_R0, <T>(63 - clz<u64>(<u64>v)));
}
export function bsrMem<T>(r: usize): void {
  const v = Mem.read<T>(Ea.toRead(r, sizeof<T>()));
  if (!isZero<T>(v)) Reg.write<T>(r, REC_R0, <T>(63 - clz<u64>(<u64>v)));
}
export function salc(r: usize): void {
  store<u8>(vcpu, condition(2) ? 0xff : 0);
}
/** LAHF and SAHF came late to 64-bit mode, with a CPUID bit of their own. */
function lahfThere(): void {
  if (codeSize == 2 && !feature(160)) raise(UD);
}
export function lahfOp(r: usize): void {
  lahfThere();
  store<u8>(vcpu + 1, <u8>((flagBits() & 0xd5) | 2));
}
export function sahfOp(r: usize): void {
  lahfThere();
  setFlagBits((flagBits() & OF) | (<u32>load<u8>(vcpu + 1) & 0xd5));
}
/** 90+r: exchanging the accumulator with itself is NOP (and does not zero the upper half). */
export function xchgAccumulator<T>(r: usize): void {
  if (load<u8>(r, REC_R0) != load<u8>(r, REC_R1)) xchgReg<T>(r);
}
