// Near control flow, stack instructions and the far ones' operand side. Raw handlers: they take the decoded record.
// IP already holds the address of the next instruction (run.ts). Intel SDM 2.

import { BP, GP, OF as OFV, raise, raiseCode, BR, UD } from "./fault";
import {
  condition, IF, IOPL, VIF, VM, RF, overflow, holds0, holds1, holds10, holds11, Quick,
} from "./flags";
import { softwareInterrupt, softwareTrap, hardwareTrap, writeFlags, iret, shadowStack } from "./interrupts";
import { EFLAGS, IP, REC_ADDR_SHIFT, REC_IMM, REC_R0, REC_SEG, SEG_LIMIT, } from "./layout";
import { virtual8086 } from "./mode";
import { Mem } from "./mmu";
import { Ea, Reg, Stack, stackMask } from "./operands";
import { farCall, farJump, farReturn, loadSegment, selector } from "./segments";
import { loadedFlags, seenFlags, virtualFlags } from "./vme";
import { CS, RCX, Regs, RBP, RSP, SS, vcpu } from "./state";
import { fullFlags } from "./task";

class Near {
  /** Sets IP for a near transfer of operand size T, with its limit or canonical check. */
  @inline static to<T>(target: u64): void {
    if (sizeof<T>() == 8) {
      if (<i64>(target << 16) >> 16 != <i64>target) raiseCode(GP, 0);
      store<u64>(vcpu, target, IP);
    } else {
      const ip = sizeof<T>() == 2 ? target & 0xffff : target & 0xffffffff;
      if (ip > <u64>load<u32>(vcpu + (CS << 2), SEG_LIMIT)) raiseCode(GP, 0);
      store<u64>(vcpu, ip, IP);
    }
  }
}
function near<T>(target: u64): void {
  Near.to<T>(target);
}
// Jcc, one function per condition so that each handler tests just what it needs.
class Jump {
  @inline static on<T>(r: usize, taken: bool): void {
    if (taken) Near.to<T>(load<u64>(vcpu, IP) + load<u64>(r, REC_IMM));
  }
}
// The target is checked first, then the stack: a fault of either puts IP back (run.ts abandonBlock).
/** The frequent ones: inline in each of their handlers, fused ones too (isa/generate.ts finds them here). */
export class ControlInline {
  @inline static jmpRel<T>(r: usize): void {
    Near.to<T>(load<u64>(vcpu, IP) + load<u64>(r, REC_IMM));
  }
  @inline static j0<T>(r: usize): void { Jump.on<T>(r, holds0()); }
  @inline static j1<T>(r: usize): void { Jump.on<T>(r, holds1()); }
  @inline static j2<T>(r: usize): void { Jump.on<T>(r, Quick.cf()); }
  @inline static j3<T>(r: usize): void { Jump.on<T>(r, !Quick.cf()); }
  @inline static j4<T>(r: usize): void { Jump.on<T>(r, Quick.zf()); }
  @inline static j5<T>(r: usize): void { Jump.on<T>(r, !Quick.zf()); }
  @inline static j6<T>(r: usize): void { Jump.on<T>(r, Quick.belowEqual()); }
  @inline static j7<T>(r: usize): void { Jump.on<T>(r, !Quick.belowEqual()); }
  @inline static j8<T>(r: usize): void { Jump.on<T>(r, Quick.sf()); }
  @inline static j9<T>(r: usize): void { Jump.on<T>(r, !Quick.sf()); }
  @inline static j10<T>(r: usize): void { Jump.on<T>(r, holds10()); }
  @inline static j11<T>(r: usize): void { Jump.on<T>(r, holds11()); }
  @inline static j12<T>(r: usize): void { Jump.on<T>(r, Quick.less()); }
  @inline static j13<T>(r: usize): void { Jump.on<T>(r, !Quick.less()); }
  @inline static j14<T>(r: usize): void { Jump.on<T>(r, Quick.lessEqual()); }
  @inline static j15<T>(r: usize): void { Jump.on<T>(r, !Quick.lessEqual()); }
  @inline static callRel<T>(r: usize): void {
    const ip = load<u64>(vcpu, IP);
    Near.to<T>(ip + load<u64>(r, REC_IMM));
    Stack.push<T>(<T>ip);
  }
  /** The stack pointer moves only after the target was found good. */
  @inline static ret<T>(r: usize): void {
    if (sizeof<T>() == 8) {
      const top = Regs.get(RSP);
      Near.to<T>(<u64>Mem.read<T>(top));
      Regs.set(RSP, top + 8);
      return;
    }
    const offset = Regs.get(RSP) & stackMask;
    Near.to<T>(<u64>Mem.read<T>(Stack.linear(offset, sizeof<T>(), false)));
    Stack.setPointer((offset + sizeof<T>()) & stackMask);
  }
  @inline static push<T>(v: T): void {
    Stack.push<T>(v);
  }
  @inline static popReg<T>(r: usize): void {
    const v = Stack.pop<T>();
    Reg.write<T>(r, REC_R0, v);
  }
}
export function jmpTo<T>(v: T): void {
  near<T>(<u64>v);
}
export function callTo<T>(v: T): void {
  const ip = load<u64>(vcpu, IP);
  near<T>(<u64>v);
  Stack.push<T>(<T>ip);
}
export function retImm<T>(r: usize): void {
  const offset = Regs.get(RSP) & stackMask;
  near<T>(<u64>Mem.read<T>(Stack.linear(offset, sizeof<T>(), false)));
  Stack.setPointer((offset + sizeof<T>() + load<u64>(r, REC_IMM)) & stackMask);
}
/** LOOPNE 0, LOOPE 1, LOOP 2, JCXZ 3. The counter has the address size. */
export function loop<T>(r: usize, kind: u32): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  let c = (Regs.get(RCX) << shift) >> shift;
  if (kind == 3) {
    if (c == 0) near<T>(load<u64>(vcpu, IP) + load<u64>(r, REC_IMM));
    return;
  }
  c = ((c - 1) << shift) >> shift;
  const taken = c != 0 && (kind == 2 || condition(4) == (kind == 1));
  if (taken) near<T>(load<u64>(vcpu, IP) + load<u64>(r, REC_IMM));
  if (shift == 48) store<u16>(vcpu + (RCX << 3), <u16>c);
  else Regs.set(RCX, c);
}

// ---- far ------------------------------------------------------------------------------------------------------------
export function jmpFarImm<T>(r: usize): void {
  const imm = load<u64>(r, REC_IMM);
  farJump<T>(<u32>(imm >> 32), imm & 0xffffffff);
}
export function callFarImm<T>(r: usize): void {
  const imm = load<u64>(r, REC_IMM);
  farCall<T>(<u32>(imm >> 32), imm & 0xffffffff);
}
export function jmpFarMem<T>(r: usize): void {
  const at = Ea.toRead(r, sizeof<T>() + 2);
  const offset = <u64>Mem.read<T>(at);
  farJump<T>(Mem.read<u16>(at + sizeof<T>()), offset);
}
export function callFarMem<T>(r: usize): void {
  const at = Ea.toRead(r, sizeof<T>() + 2);
  const offset = <u64>Mem.read<T>(at);
  farCall<T>(Mem.read<u16>(at + sizeof<T>()), offset);
}
export function retFar<T>(r: usize): void {
  farReturn<T>(load<u64>(r, REC_IMM));
}
export function iretOp<T>(r: usize): void {
  iret<T>();
}
/** LES LDS LSS LFS LGS: param = segment. */
export function loadFarPointer<T>(r: usize, s: u32): void {
  const at = Ea.toRead(r, sizeof<T>() + 2);
  const offset = Mem.read<T>(at);
  loadSegment(s, Mem.read<u16>(at + sizeof<T>()));
  Reg.write<T>(r, REC_R0, offset);
}

// ---- interrupts -----------------------------------------------------------------------------------------------------
export function intImm(r: usize): void {
  softwareInterrupt(<u32>load<u8>(r, REC_IMM));
}
export function int3(r: usize): void {
  softwareTrap(BP);
}
export function into(r: usize): void {
  if (overflow()) softwareTrap(OFV);
}
export function int1(r: usize): void {
  hardwareTrap(1);
}
export function undefinedOpcode(r: usize): void {
  raise(UD);
}
export function bound<T>(r: usize): void {
  const at = Ea.toRead(r, 2 * sizeof<T>());
  const low = Mem.read<T>(at);
  const high = Mem.read<T>(at + sizeof<T>());
  const v = Reg.read<T>(r, REC_R0);
  if (sizeof<T>() == 2 ? <i16>v < <i16>low || <i16>v > <i16>high : <i32>v < <i32>low || <i32>v > <i32>high) raise(BR);
}

// ---- stack ----------------------------------------------------------------------------------------------------------
/** POP m: the address is computed after RSP moved, and a fault leaves RSP alone. */
export function popMem<T>(r: usize): void {
  const v = Stack.peek<T>(0);
  const sp = Regs.get(RSP);
  Stack.adjust(sizeof<T>());
  const moved = Regs.get(RSP);
  const offset = Ea.offset(r);
  Regs.set(RSP, sp);
  Mem.write<T>(Ea.writeAt(load<u8>(r, REC_SEG), offset, sizeof<T>()), v);
  Regs.set(RSP, moved);
}
export function pushSeg<T>(r: usize, s: u32): void {
  // Processors write only two bytes for a 32-bit push of a selector; the rest of the slot stays.
  if (sizeof<T>() == 4) {
    Stack.poke<u16>(4, <u16>selector(s));
    Stack.adjust(-4);
  } else Stack.push<T>(<T>selector(s));
}
export function popSeg<T>(r: usize, s: u32): void {
  const sel = <u32>Stack.peek<T>(0) & 0xffff;
  const mask = stackMask;
  const sp = (Regs.get(RSP) + sizeof<T>()) & mask;
  loadSegment(s, sel);
  if (mask == 0xffff) store<u16>(vcpu + (RSP << 3), <u16>sp);
  else Regs.set(RSP, sp);
  if (s == SS) shadowStack();
}
export function pusha<T>(r: usize): void {
  const sp = Regs.get(RSP);
  for (let n: u32 = 0; n < 8; n++) Stack.poke<T>((n + 1) * sizeof<T>(), <T>(n == RSP ? sp : Regs.get(n)));
  Stack.adjust(-(8 * <u64>sizeof<T>()));
}
/** All eight are read before one changes: the slots may lie on two pages, or wrap to two ends of a segment. */
export function popa<T>(r: usize): void {
  const n = sizeof<T>();
  const di = Stack.peek<T>(0), si = Stack.peek<T>(n), bp = Stack.peek<T>(2 * n);
  Stack.peek<T>(3 * n);
  const bx = Stack.peek<T>(4 * n), dx = Stack.peek<T>(5 * n), cx = Stack.peek<T>(6 * n), ax = Stack.peek<T>(7 * n);
  popped<T>(7, di);
  popped<T>(6, si);
  popped<T>(5, bp);
  popped<T>(3, bx);
  popped<T>(2, dx);
  popped<T>(1, cx);
  popped<T>(0, ax);
  Stack.adjust(8 * sizeof<T>());
}
function popped<T>(n: u32, v: T): void {
  if (sizeof<T>() == 2) store<u16>(vcpu + (n << 3), <u16>v);
  else Regs.set(n, <u64>v);
}
export function enter<T>(r: usize): void {
  const imm = load<u32>(r, REC_IMM);
  const size = <u64>(imm & 0xffff);
  const level = (imm >> 16) & 31;
  const n = <u64>sizeof<T>();
  Stack.poke<T>(n, <T>Regs.get(RBP));
  const frame = (Regs.get(RSP) - n) & stackMask;
  let below = n;
  if (level) {
    for (let i: u32 = 1; i < level; i++) {
      const at = (Regs.get(RBP) - i * n) & stackMask;
      below += n;
      Stack.poke<T>(below, Mem.read<T>(Stack.linear(at, <u32>n, false)));
    }
    below += n;
    Stack.poke<T>(below, <T>frame);
  }
  // The final stack pointer must be writable.
  Mem.probeWrite(Stack.linear((Regs.get(RSP) - below - size) & stackMask, <u32>n, true), <u32>n);
  Stack.adjust(-(below + size));
  if (sizeof<T>() == 2) store<u16>(vcpu + (RBP << 3), <u16>frame);
  else if (sizeof<T>() == 4) Regs.set(RBP, <u64>(<u32>frame));
  else Regs.set(RBP, frame);
}
export function leave<T>(r: usize): void {
  const offset = Regs.get(RBP) & stackMask;
  const v = Mem.read<T>(Stack.linear(offset, sizeof<T>(), false));
  Stack.setPointer((offset + sizeof<T>()) & stackMask);
  if (sizeof<T>() == 2) store<u16>(vcpu + (RBP << 3), <u16>v);
  else Regs.set(RBP, <u64>v);
}
export function pushf<T>(r: usize): void {
  if (virtual8086() && (load<u64>(vcpu, EFLAGS) & IOPL) != IOPL) {
    virtualFlags(sizeof<T>());
    Stack.push<T>(<T>seenFlags());
    return;
  }
  Stack.push<T>(<T>(fullFlags() & ~(<u64>(VM | RF))));
}
export function popf<T>(r: usize): void {
  const flags = load<u64>(vcpu, EFLAGS);
  const iopl = <u32>(flags >> 12) & 3;
  const cpl = Regs.cpl();
  if (virtual8086() && iopl != 3) {
    virtualFlags(sizeof<T>());
    const loaded = loadedFlags(<u64>Stack.peek<T>(0));
    Stack.adjust(sizeof<T>());
    writeFlags(loaded, 0x4dd5 | VIF);
    return;
  }
  let mask: u64 = sizeof<T>() == 2 ? 0x7fd5 : 0x247fd5;
  if (cpl > 0) mask &= ~(<u64>IOPL);
  if (cpl > iopl) mask &= ~(<u64>IF);
  const v = <u64>Stack.pop<T>();

  writeFlags(v, mask);

}
