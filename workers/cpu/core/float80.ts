// Arithmetic of the 80-bit extended format as the x87 does it: NaN choice, unsupported encodings, denormals, precision and rounding
// control. Intel SDM 1 4.8.3 (operands), table 4-7 (NaN results), 8.5 (exceptions). A number is a significand u64 and a
// sign-and-exponent u32 (16 bits used); results are left in R, exceptions in F.exc (FX_ bits), round-up in F.up.

import {
  addCore,
  divCore,
  F,
  FX_DE,
  FX_IE,
  FX_OE,
  FX_PE,
  FX_UE,
  FX_ZE,
  intCore,
  mulCore,
  ROUND_DOWN,
  rintCore,
  roundCore,
  sqrtCore,
} from "./float-core";
import { FCW } from "./layout";
import { vcpu } from "./state";

export const TOP_BIT: u64 = 0x8000000000000000;
const QUIET: u64 = 0x4000000000000000;
export const INDEFINITE_SIG: u64 = 0xc000000000000000;
export const INDEFINITE_SE: u32 = 0xffff;

/** The result of the functions below. */
export class R {
  static sig: u64 = 0;
  static se: u32 = 0;
}

export function setR(sig: u64, se: u32): void {
  R.sig = sig;
  R.se = se;
}
export function invalid80(): void {
  F.exc |= FX_IE;
  setR(INDEFINITE_SIG, INDEFINITE_SE);
}
export function isZero80(sig: u64, se: u32): bool {
  return sig == 0 && (se & 0x7fff) == 0;
}
export function isDenormal80(sig: u64, se: u32): bool {
  return (se & 0x7fff) == 0 && sig != 0;
}
export function isInf80(sig: u64, se: u32): bool {
  return (se & 0x7fff) == 0x7fff && sig == TOP_BIT;
}
/** NaN with its integer bit set. */
export function isNan80(sig: u64, se: u32): bool {
  return (se & 0x7fff) == 0x7fff && sig > TOP_BIT;
}
export function isSnan80(sig: u64, se: u32): bool {
  return isNan80(sig, se) && !(sig & QUIET);
}
/** Unnormals, pseudo-infinities, pseudo-NaNs. */
export function isUnsupported80(sig: u64, se: u32): bool {
  return (se & 0x7fff) != 0 && <i64>sig >= 0;
}
function isNormal80(sig: u64, se: u32): bool {
  return (se & 0x7fff) - 1 < 0x7ffe && <i64>sig < 0;
}
/** Exponent of the leading bit of a nonzero finite number. */
export function exp80(sig: u64, se: u32): i32 {
  const e = <i32>(se & 0x7fff);
  if (e == 0) return -16382 - <i32>clz(sig);
  return e - 16383;
}
/** Significand with the top bit set. */
export function sig80(sig: u64): u64 {
  return sig << clz(sig);
}
export function rounding(): u32 {
  return (<u32>load<u16>(vcpu, FCW) >> 10) & 3;
}
function packR(): void {
  const e = F.exp;
  if (e > 16383) setR(TOP_BIT, (F.sign << 15) | 0x7fff);
  else setR(F.hi, (F.sign << 15) | (<i64>F.hi < 0 ? <u32>(e + 16383) : 0));
}
/** Rounds F to the register format at full precision. */
export function pack80(): void {
  const cw = <u32>load<u16>(vcpu, FCW);
  roundCore(64, -16382, 16383, (cw >> 10) & 3, cw & 0x3f, 24576);
  packR();
}
/** Rounds F with precision control. */
export function pack80Pc(): void {
  const cw = <u32>load<u16>(vcpu, FCW);
  if ((cw & 0xf00) == 0x300 && F.exp >= -16382 && F.exp < 16383) {
    let hi = F.hi;
    let e = F.exp + 16383;
    const lo = F.lo;
    F.up = false;
    if (lo != 0) {
      F.exc |= FX_PE;
      if (lo > TOP_BIT || (lo == TOP_BIT && (hi & 1) != 0)) {
        F.up = true;
        hi++;
        if (hi == 0) {
          hi = TOP_BIT;
          e++;
        }
      }
    }
    R.sig = hi;
    R.se = (F.sign << 15) | <u32>e;
    return;
  }
  const pc = (cw >> 8) & 3;
  roundCore(pc == 0 ? 24 : pc == 2 ? 53 : 64, -16382, 16383, (cw >> 10) & 3, cw & 0x3f, 24576);
  packR();
}

/** One operand: unsupported or NaN handled (true: R is the result). */
export function special1(sig: u64, se: u32): bool {
  if (isUnsupported80(sig, se)) {
    invalid80();
    return true;
  }
  if (isNan80(sig, se)) {
    if (!(sig & QUIET)) F.exc |= FX_IE;
    setR(sig | QUIET, se);
    return true;
  }
  return false;
}
/** Two operands, likewise. */
export function special2(a: u64, ase: u32, b: u64, bse: u32): bool {
  if (isUnsupported80(a, ase) || isUnsupported80(b, bse)) {
    invalid80();
    return true;
  }
  const an = isNan80(a, ase);
  const bn = isNan80(b, bse);
  if (!an && !bn) return false;
  const as = an && !(a & QUIET);
  const bs = bn && !(b & QUIET);
  if (as || bs) F.exc |= FX_IE;
  a |= QUIET;
  b |= QUIET;
  let first: bool;
  if (!bn) first = true;
  else if (!an) first = false;
  else if (as != bs) first = bs;
  else if (a != b) first = a > b;
  else first = (ase & 0x8000) <= (bse & 0x8000);
  if (first) setR(a, ase);
  else setR(b, bse);
  return true;
}
function denormal2(a: u64, ase: u32, b: u64, bse: u32): void {
  if (isDenormal80(a, ase) || isDenormal80(b, bse)) F.exc |= FX_DE;
}
function zeroSum(): void {
  setR(0, rounding() == ROUND_DOWN ? 0x8000 : 0);
}

/** a + b, or a - b with flip = 0x8000. */
export function add80(a: u64, ase: u32, b: u64, bse: u32, flip: u32): void {
  if (isNormal80(a, ase) && isNormal80(b, bse)) {
    bse ^= flip;
    addCore(ase >> 15, <i32>(ase & 0x7fff) - 16383, a, bse >> 15, <i32>(bse & 0x7fff) - 16383, b);
    if (F.hi == 0) zeroSum();
    else pack80Pc();
    return;
  }
  if (special2(a, ase, b, bse)) return;
  bse ^= flip;
  if (isInf80(a, ase)) {
    if (isInf80(b, bse) && ase != bse) {
      invalid80();
      return;
    }
    denormal2(a, ase, b, bse);
    setR(a, ase);
    return;
  }
  denormal2(a, ase, b, bse);
  if (isInf80(b, bse)) {
    setR(b, bse);
    return;
  }
  if (a == 0) {
    if (b == 0) {
      if (ase == bse) setR(0, ase);
      else zeroSum();
      return;
    }
    unpackTo(b, bse);
  } else if (b == 0) unpackTo(a, ase);
  else {
    addCore(ase >> 15, exp80(a, ase), sig80(a), bse >> 15, exp80(b, bse), sig80(b));
    if (F.hi == 0) {
      zeroSum();
      return;
    }
  }
  pack80Pc();
}
/** F = the number, exactly. */
export function unpackTo(sig: u64, se: u32): void {
  F.sign = se >> 15;
  F.exp = exp80(sig, se);
  F.hi = sig80(sig);
  F.lo = 0;
}
export function mul80(a: u64, ase: u32, b: u64, bse: u32): void {
  const sign = (ase ^ bse) >> 15;
  if (isNormal80(a, ase) && isNormal80(b, bse)) {
    mulCore(sign, <i32>(ase & 0x7fff) - 16383, a, <i32>(bse & 0x7fff) - 16383, b);
    pack80Pc();
    return;
  }
  if (special2(a, ase, b, bse)) return;
  if (isInf80(a, ase) || isInf80(b, bse)) {
    if (isZero80(a, ase) || isZero80(b, bse)) {
      invalid80();
      return;
    }
    denormal2(a, ase, b, bse);
    setR(TOP_BIT, (sign << 15) | 0x7fff);
    return;
  }
  denormal2(a, ase, b, bse);
  if (a == 0 || b == 0) {
    setR(0, sign << 15);
    return;
  }
  mulCore(sign, exp80(a, ase), sig80(a), exp80(b, bse), sig80(b));
  pack80Pc();
}
export function div80(a: u64, ase: u32, b: u64, bse: u32): void {
  const sign = (ase ^ bse) >> 15;
  if (isNormal80(a, ase) && isNormal80(b, bse)) {
    divCore(sign, <i32>(ase & 0x7fff) - 16383, a, <i32>(bse & 0x7fff) - 16383, b);
    pack80Pc();
    return;
  }
  if (special2(a, ase, b, bse)) return;
  if (isInf80(a, ase)) {
    if (isInf80(b, bse)) {
      invalid80();
      return;
    }
    denormal2(a, ase, b, bse);
    setR(TOP_BIT, (sign << 15) | 0x7fff);
    return;
  }
  if (b == 0) {
    if (a == 0) {
      invalid80();
      return;
    }
    F.exc |= FX_ZE;
    setR(TOP_BIT, (sign << 15) | 0x7fff);
    return;
  }
  denormal2(a, ase, b, bse);
  if (a == 0 || isInf80(b, bse)) {
    setR(0, sign << 15);
    return;
  }
  divCore(sign, exp80(a, ase), sig80(a), exp80(b, bse), sig80(b));
  pack80Pc();
}
export function sqrt80(a: u64, ase: u32): void {
  if (special1(a, ase)) return;
  if (a == 0) {
    setR(a, ase);
    return;
  }
  if (ase & 0x8000) {
    invalid80();
    return;
  }
  if (isInf80(a, ase)) {
    setR(a, ase);
    return;
  }
  if (isDenormal80(a, ase)) F.exc |= FX_DE;
  sqrtCore(exp80(a, ase), sig80(a));
  pack80Pc();
}
export function rint80(a: u64, ase: u32): void {
  if (special1(a, ase)) return;
  if (isInf80(a, ase) || a == 0) {
    setR(a, ase);
    return;
  }
  if (isDenormal80(a, ase)) F.exc |= FX_DE;
  if (rintCore(ase >> 15, exp80(a, ase), sig80(a), rounding())) F.exc |= FX_PE;
  if (F.hi == 0) setR(0, ase & 0x8000);
  else setR(F.hi, (ase & 0x8000) | <u32>(F.exp + 16383));
}
/** Comparison: 0 greater, 1 less, 2 equal, 3 unordered. `quiet`: QNaNs raise nothing. */
export function compare80(a: u64, ase: u32, b: u64, bse: u32, quiet: bool): u32 {
  if (isNormal80(a, ase) && isNormal80(b, bse)) {
    if (ase == bse && a == b) return 2;
    if ((ase ^ bse) & 0x8000) return ase >> 15;
    return u32(ase > bse || (ase == bse && a > b)) == ase >> 15 ? 1 : 0;
  }
  if (isUnsupported80(a, ase) || isUnsupported80(b, bse)) {
    F.exc |= FX_IE;
    return 3;
  }
  if (isNan80(a, ase) || isNan80(b, bse)) {
    if (!quiet || isSnan80(a, ase) || isSnan80(b, bse)) F.exc |= FX_IE;
    return 3;
  }
  denormal2(a, ase, b, bse);
  if (a == 0 && b == 0) return 2;
  const negative = (ase & 0x8000) != 0;
  if (a == 0) return bse & 0x8000 ? 0 : 1;
  if (b == 0) return negative ? 1 : 0;
  if ((ase ^ bse) & 0x8000) return negative ? 1 : 0;
  const ea = isInf80(a, ase) ? 20000 : exp80(a, ase);
  const eb = isInf80(b, bse) ? 20000 : exp80(b, bse);
  const na = sig80(a);
  const nb = sig80(b);
  if (ea == eb && na == nb) return 2;
  const greater = ea > eb || (ea == eb && na > nb);
  return greater != negative ? 0 : 1;
}

// ---- conversions ----------------------------------------------------------------------------------------------------
/** Single to extended, exact: NaNs keep their kind. True when the operand was denormal. */
export function fromSingle(v: u32): bool {
  const e = (v >> 23) & 0xff;
  const fraction = v & 0x007fffff;
  const sign = (v >> 16) & 0x8000;
  if (e == 0xff) setR(TOP_BIT | (<u64>fraction << 40), sign | 0x7fff);
  else if (e != 0) setR(TOP_BIT | (<u64>fraction << 40), sign | (e + 16256));
  else if (fraction == 0) setR(0, sign);
  else {
    const n = clz(fraction);
    setR(<u64>fraction << (n + 32), sign | (16383 - 118 - n));
    return true;
  }
  return false;
}
export function fromDouble(v: u64): bool {
  const e = <u32>(v >> 52) & 0x7ff;
  const fraction = v & 0x000fffffffffffff;
  const sign = <u32>(v >> 48) & 0x8000;
  if (e == 0x7ff) setR(TOP_BIT | (fraction << 11), sign | 0x7fff);
  else if (e != 0) setR(TOP_BIT | (fraction << 11), sign | (e + 15360));
  else if (fraction == 0) setR(0, sign);
  else {
    const n = clz(fraction);
    setR(fraction << n, sign | (16383 - 1011 - <u32>n));
    return true;
  }
  return false;
}
export function fromInt64(v: i64): void {
  if (v == 0) {
    setR(0, 0);
    return;
  }
  const sign: u32 = v < 0 ? 0x8000 : 0;
  const m: u64 = v < 0 ? <u64>(-v) : <u64>v;
  const n = clz(m);
  setR(m << n, sign | (16446 - <u32>n));
}
/** Extended to single or double bits, rounded by the control word. */
export function toFormat(sig: u64, se: u32, single: bool): u64 {
  const sign: u64 = <u64>(se >> 15) << (single ? 31 : 63);
  const inf: u64 = single ? 0x7f800000 : 0x7ff0000000000000;
  F.up = false;
  if (isUnsupported80(sig, se)) {
    F.exc |= FX_IE;
    return single ? 0xffc00000 : 0xfff8000000000000;
  }
  if ((se & 0x7fff) == 0x7fff) {
    if (sig == TOP_BIT) return sign | inf;
    if (!(sig & QUIET)) F.exc |= FX_IE;
    return sign | inf | (((sig | QUIET) << 1) >> (single ? 41 : 12));
  }
  if (sig == 0) return sign;
  unpackTo(sig, se);
  const cw = <u32>load<u16>(vcpu, FCW);
  const rc = (cw >> 10) & 3;
  if (single) {
    roundCore(24, -126, 127, rc, cw & 0x3f, 192);
    if (F.exp > 127) return sign | inf;
    return sign | (<i64>F.hi < 0 ? <u64>(F.exp + 127) << 23 : 0) | ((F.hi >> 40) & 0x007fffff);
  }
  roundCore(53, -1022, 1023, rc, cw & 0x3f, 1536);
  if (F.exp > 1023) return sign | inf;
  return sign | (<i64>F.hi < 0 ? <u64>(F.exp + 1023) << 52 : 0) | ((F.hi >> 11) & 0x000fffffffffffff);
}
/** Extended to a signed integer of `bits` bits; the integer indefinite when it does not fit. */
export function toInteger(sig: u64, se: u32, bits: u32, rc: u32): u64 {
  const indefinite: u64 = <u64>1 << (bits - 1);
  F.up = false;
  if (isUnsupported80(sig, se) || (se & 0x7fff) == 0x7fff) {
    F.exc |= FX_IE;
    return indefinite;
  }
  if (sig == 0) return 0;
  const sign = se >> 15;
  const v = intCore(sign, exp80(sig, se), sig80(sig), rc, sign ? indefinite : indefinite - 1);
  if (F.exc & FX_IE) return indefinite;
  return sign ? 0 - v : v;
}

/**
 * FPREM (nearest = false) and FPREM1. R = remainder; returns the low quotient bits, or -1 when the reduction is partial.
 * A partial step reduces the exponent difference by 32 to 63 (SDM 2A, FPREM).
 */
export function rem80(a: u64, ase: u32, b: u64, bse: u32, near: bool): i32 {
  if (special2(a, ase, b, bse)) return 0;
  if (isInf80(a, ase) || isZero80(b, bse)) {
    invalid80();
    return 0;
  }
  denormal2(a, ase, b, bse);
  if (isInf80(b, bse) || a == 0) {
    if (a == 0) setR(0, ase);
    else {
      unpackTo(a, ase);
      pack80();
    }
    return 0;
  }
  let ea = exp80(a, ase);
  const eb = exp80(b, bse);
  const sa = ase >> 15;
  let r = sig80(a);
  const d = sig80(b);
  let diff = ea - eb;
  if (diff < 0) {
    // |a| < |b|: the quotient is 0, or 1 for FPREM1 past half.
    if (near && diff == -1 && r > d) {
      addCore(sa, ea, r, sa ^ 1, eb, d);
      pack80();
      return 1;
    }
    unpackTo(a, ase);
    pack80();
    return 0;
  }
  let partial = false;
  if (diff >= 64) {
    partial = true;
    diff = (diff & 31) + 32;
  }
  let q: u64 = 0;
  let carry: u64 = 0;
  // Shift and subtract: the carry is bit 64 of the running remainder.
  for (let i: i32 = 0; ; i++) {
    q <<= 1;
    if (carry != 0 || r >= d) {
      r -= d;
      q |= 1;
    }
    if (i == diff) break;
    carry = r >> 63;
    r <<= 1;
  }
  ea -= diff;
  let sign = sa;
  if (near && !partial) {
    // Round the quotient to nearest even.
    const twiceBig = (r >> 63) != 0 || r << 1 > d;
    const tie = (r >> 63) == 0 && r << 1 == d;
    if (twiceBig || (tie && (q & 1) != 0)) {
      r = d - r;
      q++;
      sign ^= 1;
    }
  }
  if (r == 0) {
    setR(0, sa << 15);
  } else {
    const n = clz(r);
    F.sign = sign;
    F.hi = r << n;
    F.lo = 0;
    F.exp = ea - <i32>n;
    pack80();
  }
  return partial ? -1 : <i32>(q & 7);
}
/** FSCALE: a * 2^trunc(b). */
export function scale80(a: u64, ase: u32, b: u64, bse: u32): void {
  if (special2(a, ase, b, bse)) return;
  const down = (bse & 0x8000) != 0;
  if (isInf80(b, bse)) {
    if (down ? isInf80(a, ase) : isZero80(a, ase)) {
      invalid80();
      return;
    }
    denormal2(a, ase, b, bse);
    if (isInf80(a, ase) || isZero80(a, ase)) setR(a, ase);
    else if (down) setR(0, ase & 0x8000);
    else setR(TOP_BIT, (ase & 0x8000) | 0x7fff);
    return;
  }
  denormal2(a, ase, b, bse);
  if (isInf80(a, ase) || a == 0) {
    setR(a, ase);
    return;
  }
  unpackTo(a, ase);
  if (b != 0) {
    const e = exp80(b, bse);
    if (e >= 0) {
      const n: i32 = e > 16 ? 0x10000 : <i32>(sig80(b) >> <u64>(63 - e));
      F.exp += down ? -n : n;
    }
  }
  // So far out that even the wrapped exponents of the unmasked responses do not reach: zero or infinity.
  const masks = <u32>load<u16>(vcpu, FCW);
  if (F.exp < -16382 - 24576 && !(masks & FX_UE)) {
    F.exc |= FX_UE | FX_PE;
    setR(0, ase & 0x8000);
    return;
  }
  if (F.exp > 16383 + 24576 && !(masks & FX_OE)) {
    F.exc |= FX_OE | FX_PE;
    F.up = true;
    setR(TOP_BIT, ase | 0x7fff);
    return;
  }
  pack80();
}
