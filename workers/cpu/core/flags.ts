// The six arithmetic flags, lazily: an operation leaves its kind and two values, readers derive what they need.
// The translator maps the three globals to locals, so V8 deletes what nobody reads (architecture 3). Intel SDM 1 section 3.4.3.

export const CF: u32 = 1;
export const PF: u32 = 4;
export const AF: u32 = 0x10;
export const ZF: u32 = 0x40;
export const SF: u32 = 0x80;
export const TF: u32 = 0x100;
export const IF: u32 = 0x200;
export const DF: u32 = 0x400;
export const OF: u32 = 0x800;
export const IOPL: u32 = 0x3000;
export const NT: u32 = 0x4000;
export const RF: u32 = 0x10000;
export const VM: u32 = 0x20000;
export const ACF: u32 = 0x40000;
export const VIF: u32 = 0x80000;
export const VIP: u32 = 0x100000;
export const ID: u32 = 0x200000;
export const ARITHMETIC: u32 = 0x8d5;

// Kinds. A and B are sign-extended from the operand size, whose 64 - bits stands in flagOp >> 8.
export const RAW: u32 = 0; // B = all six bits
export const RES: u32 = 1; // A = result, B = CF, AF and OF
export const SUB: u32 = 2; // A - B
export const ADD: u32 = 3; // A + B
export const SBB1: u32 = 4; // A - B - 1
export const ADC1: u32 = 5; // A + B + 1

export let flagOp: u32 = 0;
export let flagA: u64 = 0;
export let flagB: u64 = 0;

/** Sign-extends from T to 64 bits. */
export function sx<T>(v: T): u64 {
  if (sizeof<T>() == 1) return <u64>(<i64>(<i8>v));
  if (sizeof<T>() == 2) return <u64>(<i64>(<i16>v));
  if (sizeof<T>() == 4) return <u64>(<i64>(<i32>v));
  return <u64>v;
}
export function setLazy<T>(kind: u32, a: T, b: T): void {
  flagOp = kind | ((64 - (<u32>sizeof<T>() << 3)) << 8);
  flagA = sx<T>(a);
  flagB = sx<T>(b);
}
/** Flags from a result, with CF, AF, OF given as EFLAGS bits. */
export function setResult<T>(r: T, bits: u32): void {
  flagOp = RES | ((64 - (<u32>sizeof<T>() << 3)) << 8);
  flagA = sx<T>(r);
  flagB = bits;
}
/** Replaces all six flags by EFLAGS-positioned bits. */
export function setFlagBits(bits: u32): void {
  flagOp = RAW;
  flagB = bits & ARITHMETIC;
}
/** Replaces CF and OF by EFLAGS-positioned bits; the other four stay as lazy as they were. */
export function setCarryOverflow(bits: u32): void {
  if ((flagOp & 0xff) > RES) {
    const r = result();
    const shift: u64 = flagOp >> 8;
    flagB = (flagA ^ flagB ^ r) & AF;
    flagA = <u64>(<i64>(r << shift) >> <i64>shift);
    flagOp = (flagOp & ~0xff) | RES;
  }
  flagB = (flagB & ~(<u64>(CF | OF))) | bits;
}
/** Restores lazy state saved with a snapshot of a vCPU. */
export function setLazyState(op: u32, a: u64, b: u64): void {
  flagOp = op;
  flagA = a;
  flagB = b;
}

function result(): u64 {
  const kind = flagOp & 0xff;
  if (kind == RES) return flagA;
  if (kind == SUB) return flagA - flagB;
  if (kind == ADD) return flagA + flagB;
  if (kind == SBB1) return flagA - flagB - 1;
  return flagA + flagB + 1;
}
function cfSlow(): bool {
  const kind = flagOp & 0xff;
  const shift: u64 = flagOp >> 8;
  if (kind == ADD) return (flagA + flagB) << shift < flagA << shift;
  if (kind == SBB1) return flagA <= flagB;
  return (flagA + flagB + 1) << shift <= flagA << shift;
}
/** The usual kinds inline, the others by call: for handlers, which run for every instruction. */
export class Quick {
  @inline static cf(): bool {
    const kind = flagOp & 0xff;
    return kind == SUB ? flagA < flagB : kind <= RES ? <bool>(flagB & 1) : cfSlow();
  }
  @inline static zf(): bool {
    const kind = flagOp & 0xff;
    return kind == SUB ? flagA == flagB : kind == RES ? flagA == 0 : zfSlow();
  }
  @inline static sf(): bool {
    return (flagOp & 0xff) == RES ? <i64>(flagA << <u64>(flagOp >> 8)) < 0 : sf();
  }
  @inline static less(): bool {
    return (flagOp & 0xff) == SUB ? <i64>flagA < <i64>flagB : lSlow();
  }
  @inline static lessEqual(): bool {
    return (flagOp & 0xff) == SUB ? <i64>flagA <= <i64>flagB : lessEqual();
  }
  @inline static belowEqual(): bool {
    return (flagOp & 0xff) == SUB ? flagA <= flagB : belowEqual();
  }
}
export function cf(): bool {
  return Quick.cf();
}
function zfSlow(): bool {
  if (!(flagOp & 0xff)) return (flagB & ZF) != 0;
  return result() << <u64>(flagOp >> 8) == 0;
}
export function zf(): bool {
  return Quick.zf();
}
export function sf(): bool {
  if (!(flagOp & 0xff)) return (flagB & SF) != 0;
  return <i64>(result() << <u64>(flagOp >> 8)) < 0;
}
export function pf(): bool {
  if (!(flagOp & 0xff)) return (flagB & PF) != 0;
  return (popcnt<u32>(<u32>result() & 0xff) & 1) == 0;
}
export function af(): bool {
  if ((flagOp & 0xff) <= RES) return (flagB & AF) != 0;
  return ((flagA ^ flagB ^ result()) & AF) != 0;
}
export function overflow(): bool {
  const kind = flagOp & 0xff;
  if (kind <= RES) return (flagB & OF) != 0;
  const r = result();
  const v = kind == SUB || kind == SBB1 ? (flagA ^ flagB) & (flagA ^ r) : (flagA ^ r) & (flagB ^ r);
  return <i64>(v << <u64>(flagOp >> 8)) < 0;
}
function lSlow(): bool {
  return sf() != overflow();
}
export function less(): bool {
  if ((flagOp & 0xff) == SUB) return <i64>flagA < <i64>flagB;
  return lSlow();
}
export function lessEqual(): bool {
  if ((flagOp & 0xff) == SUB) return <i64>flagA <= <i64>flagB;
  return zf() || lSlow();
}
export function belowEqual(): bool {
  if ((flagOp & 0xff) == SUB) return flagA <= flagB;
  return cf() || zf();
}
/** Condition code 0-15 as in Jcc (SDM 1 appendix B). */
export function condition(code: u32): bool {
  switch (code) {
    case 0: return overflow();
    case 1: return !overflow();
    case 2: return cf();
    case 3: return !cf();
    case 4: return zf();
    case 5: return !zf();
    case 6: return belowEqual();
    case 7: return !belowEqual();
    case 8: return sf();
    case 9: return !sf();
    case 10: return pf();
    case 11: return !pf();
    case 12: return less();
    case 13: return !less();
    case 14: return lessEqual();
    default: return !lessEqual();
  }
}
// Each code as a function of its own: Jcc, CMOVcc and SETcc name theirs, and the translator copies these for its branches. (A chain of tests
// on a constant code leaves dead flag computations behind in asc.)
export function holds0(): bool { return overflow(); }
export function holds1(): bool { return !overflow(); }
export function holds2(): bool { return cf(); }
export function holds3(): bool { return !cf(); }
export function holds4(): bool { return zf(); }
export function holds5(): bool { return !zf(); }
export function holds6(): bool { return belowEqual(); }
export function holds7(): bool { return !belowEqual(); }
export function holds8(): bool { return sf(); }
export function holds9(): bool { return !sf(); }
export function holds10(): bool { return pf(); }
export function holds11(): bool { return !pf(); }
export function holds12(): bool { return less(); }
export function holds13(): bool { return !less(); }
export function holds14(): bool { return lessEqual(); }
export function holds15(): bool { return !lessEqual(); }
/** The six flags as EFLAGS bits. */
export function flagBits(): u32 {
  if (!(flagOp & 0xff)) return <u32>flagB;
  let bits: u32 = 0;
  if (cf()) bits |= CF;
  if (pf()) bits |= PF;
  if (af()) bits |= AF;
  if (zf()) bits |= ZF;
  if (sf()) bits |= SF;
  if (overflow()) bits |= OF;
  return bits;
}
