// Operand access of decoded records: registers, effective addresses, stack. The generated handlers are made of these.
// Intel SDM 1 chapter 3.7 (operand addressing), 3A 5.3 (limit checks) and 5.4 (type checks).

import { GP, SSF, raiseCode } from "./fault";
import {
  REC_ADDR_SHIFT, REC_BASE, REC_DISP, REC_INDEX, REC_R0, REC_R1, REC_R2, REC_SCALE, REC_SEG, SEG_ATTR, SEG_BASE, SEG_CHECK, SEG_LIMIT, VCPU_BASE, XMM, FPR,
} from "./layout";
import { Mem } from "./mmu";
import { RSP, Regs, SS, vcpu } from "./state";

/** Offset mask and segment number (SS, or 9 in 64-bit mode) of the stack. Kept by updateMode() in mode.ts. */
export let stackMask: u64 = 0xffff;
export let stackSegment: u32 = SS;
export function setStackMode(mask: u64, segment: u32): void {
  stackMask = mask;
  stackSegment = segment;
}

function segmentFault(seg: u32): void {
  raiseCode(seg == SS || seg == 9 ? SSF : GP, 0);
}
/** Linear address of a legacy-mode access, with null, type and limit checks. */
export function segmentLinear(seg: u32, offset: u64, size: u32, write: bool): u64 {
  const attr = load<u32>(vcpu + (seg << 2), SEG_ATTR);
  if (attr & 0x10000) segmentFault(seg);
  const type = attr & 15;
  if (write) {
    if (type & 8 || !(type & 2)) segmentFault(seg);
  } else if ((type & 10) == 8) segmentFault(seg);
  const limit = <u64>load<u32>(vcpu + (seg << 2), SEG_LIMIT);
  const last = offset + size - 1;
  if ((type & 12) == 4) {
    // Expand-down: valid above the limit, up to 64 KiB or 4 GiB.
    const top: u64 = attr & 0x4000 ? 0xffffffff : 0xffff;
    if (offset <= limit || last > top) segmentFault(seg);
  } else if (last > limit) segmentFault(seg);
  return (offset + load<u64>(seg << 3, VCPU_BASE + SEG_BASE)) & 0xffffffff;
}
export class Ea {
  /** Effective address (offset in the segment). */
  @inline static offset(r: usize): u64 {
    const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
    return (
      ((load<u64>(<usize>load<u8>(r, REC_BASE), VCPU_BASE) +
        (load<u64>(<usize>load<u8>(r, REC_INDEX), VCPU_BASE) << <u64>load<u8>(r, REC_SCALE)) +
        <u64>(<i64>load<i32>(r, REC_DISP))) <<
        shift) >>
      shift
    );
  }
  @inline static toRead(r: usize, size: u32): u64 {
    const seg = <u32>load<u8>(r, REC_SEG);
    if (load<u8>(seg, VCPU_BASE + SEG_CHECK) & 1) return segmentLinear(seg, Ea.offset(r), size, false);
    return Ea.offset(r) + load<u64>(seg << 3, VCPU_BASE + SEG_BASE);
  }
  @inline static toWrite(r: usize, size: u32): u64 {
    const seg = <u32>load<u8>(r, REC_SEG);
    if (load<u8>(seg, VCPU_BASE + SEG_CHECK) & 2) return segmentLinear(seg, Ea.offset(r), size, true);
    return Ea.offset(r) + load<u64>(seg << 3, VCPU_BASE + SEG_BASE);
  }
  /** Linear address of an offset in a segment given by number. */
  static readAt(seg: u32, offset: u64, size: u32): u64 {
    if (load<u8>(seg, VCPU_BASE + SEG_CHECK) & 1) return segmentLinear(seg, offset, size, false);
    return offset + load<u64>(seg << 3, VCPU_BASE + SEG_BASE);
  }
  static writeAt(seg: u32, offset: u64, size: u32): u64 {
    if (load<u8>(seg, VCPU_BASE + SEG_CHECK) & 2) return segmentLinear(seg, offset, size, true);
    return offset + load<u64>(seg << 3, VCPU_BASE + SEG_BASE);
  }
  /** #GP(0) unless 16-byte aligned (SSE operands). */
  static aligned(linear: u64): u64 {
    if (linear & 15) raiseCode(GP, 0);
    return linear;
  }
}
/** General registers by the byte offset that the decoder stored in the record. */
export class Reg {
  /** A record's register field; written so that the offset ends up in the instruction. */
  @inline static field(r: usize, slot: u32): usize {
    return slot == REC_R0 ? load<u8>(r, REC_R0) : slot == REC_R1 ? load<u8>(r, REC_R1) : load<u8>(r, REC_R2);
  }
  @inline static read<T>(r: usize, slot: u32): T {
    return load<T>(Reg.field(r, slot), VCPU_BASE);
  }
  @inline static write<T>(r: usize, slot: u32, v: T): void {
    if (sizeof<T>() == 4) store<u64>(Reg.field(r, slot), <u64>(<u32>v), VCPU_BASE);
    else store<T>(Reg.field(r, slot), v, VCPU_BASE);
  }
  @inline static xmm(r: usize, slot: u32): usize {
    return vcpu + (Reg.field(r, slot) << 5) + XMM;
  }
  @inline static mmx(r: usize, slot: u32): usize {
    return vcpu + ((Reg.field(r, slot) & 7) << 4) + FPR;
  }
}
export class Stack {
  @inline static linear(offset: u64, size: u32, write: bool): u64 {
    if (load<u8>(stackSegment, VCPU_BASE + SEG_CHECK) & (write ? 2 : 1)) return segmentLinear(stackSegment, offset, size, write);
    return offset + load<u64>(stackSegment << 3, VCPU_BASE + SEG_BASE);
  }
  @inline static setPointer(offset: u64): void {
    if (stackMask == 0xffff) store<u16>(vcpu + (RSP << 3), <u16>offset);
    else store<u64>(vcpu + (RSP << 3), offset);
  }
  // Eight-byte stack slots exist in 64-bit mode only: no segment, no mask.
  @inline static push<T>(v: T): void {
    if (sizeof<T>() == 8) {
      const top = Regs.get(RSP) - 8;
      Mem.write<T>(top, v);
      Regs.set(RSP, top);
      return;
    }
    const offset = (Regs.get(RSP) - sizeof<T>()) & stackMask;
    Mem.write<T>(Stack.linear(offset, sizeof<T>(), true), v);
    Stack.setPointer(offset);
  }
  @inline static pop<T>(): T {
    if (sizeof<T>() == 8) {
      const top = Regs.get(RSP);
      const w = Mem.read<T>(top);
      Regs.set(RSP, top + 8);
      return w;
    }
    const offset = Regs.get(RSP) & stackMask;
    const v = Mem.read<T>(Stack.linear(offset, sizeof<T>(), false));
    Stack.setPointer((offset + sizeof<T>()) & stackMask);
    return v;
  }
  /** Reads `index` bytes above the top without moving the pointer. */
  static peek<T>(index: u64): T {
    return Mem.read<T>(Stack.linear((Regs.get(RSP) + index) & stackMask, sizeof<T>(), false));
  }
  /** Writes below the top without moving the pointer (so that a fault leaves it). */
  static poke<T>(below: u64, v: T): void {
    Mem.write<T>(Stack.linear((Regs.get(RSP) - below) & stackMask, sizeof<T>(), true), v);
  }
  static adjust(bytes: u64): void {
    Stack.setPointer((Regs.get(RSP) + bytes) & stackMask);
  }
}
/** Writes an MMX register: exponent and sign become all ones (SDM 1 9.6.2). */
export function writeMmx(at: usize, v: u64): void {
  store<u64>(at, v);
  store<u16>(at, 0xffff, 8);
}
