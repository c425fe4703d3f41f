// FMA and F16C. Intel SDM 1 14.4 and 14.5, SDM 2. A fused multiply-add rounds once: exactly in float-core.ts, and on plain numbers with
// everything masked by the host's arithmetic with error terms and one rounding to odd (Boldo and Melquiond, "Emulation of FMA", 2008).

import { addToProduct, F, FX_DE, FX_IE, mulCore, ROUND_DOWN, roundCore } from "./float-core";
import {
  ABS64, anyDenormal32, anyOdd32, begin, expOf, finish, INF32, INF64, invalid, isDenormal32, isDenormal64, isFast, isNormal32, isNormal64, mode, mx,
  pack, QUIET32, QUIET64, SIGN32, SIGN64, sigOf, special, widen,
} from "./sse-float";

// ---- one lane, exactly ----------------------------------------------------------------------------------------------
/** a * b + c on double bits. `negate`: 1 the product, 2 c. `denormal`: an operand was denormal before widening. */
function fused(a: u64, b: u64, c: u64, negate: u32, denormal: bool, single: bool): u64 {
  const ta = a & ABS64;
  const tb = b & ABS64;
  let tc = c & ABS64;
  if (ta > INF64 || tb > INF64 || tc > INF64) {
    if ((ta > INF64 && !(a & QUIET64)) || (tb > INF64 && !(b & QUIET64)) || (tc > INF64 && !(c & QUIET64))) F.exc |= FX_IE;
    return special((ta > INF64 ? a : tb > INF64 ? b : c) | QUIET64, single);
  }
  const sign = <u32>((a ^ b) >> 63) ^ (negate & 1);
  if (negate & 2) c ^= SIGN64;
  const sc = <u32>(c >> 63);
  if (ta == INF64 || tb == INF64) {
    if (ta == 0 || tb == 0 || (tc == INF64 && sc != sign)) return invalid(single);
    if (denormal) F.exc |= FX_DE;
    return special(((<u64>sign) << 63) | INF64, single);
  }
  if (denormal) F.exc |= FX_DE;
  if (tc == INF64) return special(c, single);
  if (ta == 0 || tb == 0) {
    if (tc == 0) {
      if (sign == sc) return special(c, single);
      return ((mx >> 13) & 3) == ROUND_DOWN ? special(SIGN64, single) : 0;
    }
    F.sign = sc;
    F.exp = expOf(tc);
    F.hi = sigOf(tc);
    F.lo = 0;
    return pack(single);
  }
  mulCore(sign, expOf(ta), sigOf(ta), expOf(tb), sigOf(tb));
  if (tc != 0) {
    addToProduct(sc, expOf(tc), sigOf(tc));
    if (F.hi == 0) return ((mx >> 13) & 3) == ROUND_DOWN ? special(SIGN64, single) : 0;
  }
  return pack(single);
}
function fused64(a: u64, b: u64, c: u64, negate: u32): u64 {
  let denormal = isDenormal64(a) || isDenormal64(b) || isDenormal64(c);
  if (denormal && (mx & 0x40) != 0) {
    if (isDenormal64(a)) a &= SIGN64;
    if (isDenormal64(b)) b &= SIGN64;
    if (isDenormal64(c)) c &= SIGN64;
    denormal = false;
  }
  return fused(a, b, c, negate, denormal, false);
}
function fused32(a: u32, b: u32, c: u32, negate: u32): u32 {
  let denormal = isDenormal32(a) || isDenormal32(b) || isDenormal32(c);
  if (denormal && (mx & 0x40) != 0) {
    if (isDenormal32(a)) a &= SIGN32;
    if (isDenormal32(b)) b &= SIGN32;
    if (isDenormal32(c)) c &= SIGN32;
    denormal = false;
  }
  return <u32>fused(widen(a), widen(b), widen(c), negate, denormal, true);
}

// ---- plain numbers, by the host -------------------------------------------------------------------------------------
/** s + e, where e is the error of s, rounded to odd. */
function toOdd(s: v128, e: v128): v128 {
  const inexact = f64x2.ne(e, f64x2.splat(0));
  const even = i64x2.eq(v128.and(s, i64x2.splat(1)), i64x2.splat(0));
  const step = v128.or(i64x2.shr_s(v128.xor(s, e), 63), i64x2.splat(1)); // 1 away from zero, -1 towards
  return i64x2.add(s, v128.and(step, v128.and(inexact, even)));
}
/** Error of the sum s = a + b. */
function sumError(a: v128, b: v128, s: v128): v128 {
  const t = f64x2.sub(s, a);
  return f64x2.add(f64x2.sub(a, f64x2.sub(s, t)), f64x2.sub(b, t));
}
/** Two singles (as doubles): the product is exact; the sum rounded to odd has bits enough that a second rounding does no harm. */
function fastSingles(a: v128, b: v128, c: v128): v128 {
  const p = f64x2.mul(a, b);
  const s = f64x2.add(p, c);
  return f32x4.demote_f64x2_zero(toOdd(s, sumError(p, c, s)));
}
function splitHigh(a: v128): v128 {
  const t = f64x2.mul(a, f64x2.splat(134217729.0));
  return f64x2.sub(t, f64x2.sub(t, a));
}
function fastDoubles(a: v128, b: v128, c: v128): v128 {
  const uh = f64x2.mul(a, b);
  const ah = splitHigh(a);
  const al = f64x2.sub(a, ah);
  const bh = splitHigh(b);
  const bl = f64x2.sub(b, bh);
  const ul = f64x2.add(f64x2.mul(al, bl), f64x2.add(f64x2.add(f64x2.sub(f64x2.mul(ah, bh), uh), f64x2.mul(ah, bl)), f64x2.mul(al, bh)));
  const th = f64x2.add(c, ul);
  const tl = sumError(c, ul, th);
  const vh = f64x2.add(uh, th);
  const vl = sumError(uh, th, vh);
  const z = f64x2.add(tl, vl);
  return f64x2.add(vh, toOdd(z, sumError(tl, vl, z)));
}
/** Lanes whose exponent is within `range` of zero, as a mask: far from overflow and from denormal error terms. */
function near(v: v128, range: u64): v128 {
  const e = v128.and(i64x2.shr_u(v, 52), i64x2.splat(0x7ff));
  return v128.and(i64x2.gt_s(e, i64x2.splat(<i64>(1023 - range))), i64x2.lt_s(e, i64x2.splat(<i64>(1023 + range))));
}
function areNear(a: v128, b: v128, c: v128): v128 {
  return v128.and(v128.and(near(a, 400), near(b, 400)), near(c, 800));
}

// ---- packed ---------------------------------------------------------------------------------------------------------
// kind: 1 negates the product, 2 the addend, 4 the addend of even lanes (FMADDSUB), 8 of odd lanes (FMSUBADD).
function negation(kind: u32, odd: bool): u32 {
  return kind & (odd ? 8 : 4) ? 2 : kind & 3;
}
function multiplyAddPd(a: v128, b: v128, c: v128, kind: u32): v128 {
  if (isFast() && i64x2.all_true(areNear(a, b, c))) {
    const x = kind & 1 ? f64x2.neg(a) : a;
    const sign = kind & 2 ? i64x2.splat(SIGN64) : kind & 4 ? i64x2(<i64>SIGN64, 0) : kind & 8 ? i64x2(0, <i64>SIGN64) : i64x2.splat(0);
    const r = fastDoubles(x, b, v128.xor(c, sign));
    if (isNormal64(i64x2.extract_lane(r, 0)) && isNormal64(i64x2.extract_lane(r, 1))) return r;
  }
  begin();
  const r0 = fused64(i64x2.extract_lane(a, 0), i64x2.extract_lane(b, 0), i64x2.extract_lane(c, 0), negation(kind, false));
  const r1 = fused64(i64x2.extract_lane(a, 1), i64x2.extract_lane(b, 1), i64x2.extract_lane(c, 1), negation(kind, true));
  finish();
  return i64x2.replace_lane(i64x2.splat(r0), 1, r1);
}
function multiplyAddPs(a: v128, b: v128, c: v128, kind: u32): v128 {
  if (isFast() && !anyDenormal32(a) && !anyDenormal32(b) && !anyDenormal32(c)) {
    const x = kind & 1 ? f32x4.neg(a) : a;
    const even = i64x2.splat(0x80000000);
    const sign = kind & 2 ? i32x4.splat(SIGN32) : kind & 4 ? even : kind & 8 ? i64x2.shl(even, 32) : i64x2.splat(0);
    const y = v128.xor(c, sign);
    const low = fastSingles(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(b), f64x2.promote_low_f32x4(y));
    const high = fastSingles(f64x2.promote_low_f32x4(upper(x)), f64x2.promote_low_f32x4(upper(b)), f64x2.promote_low_f32x4(upper(y)));
    const r = i64x2.shuffle(low, high, 0, 2);
    if (!anyOdd32(r)) return r;
  }
  begin();
  let r = i32x4.splat(fused32(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0), i32x4.extract_lane(c, 0), negation(kind, false)));
  r = i32x4.replace_lane(r, 1, fused32(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1), i32x4.extract_lane(c, 1), negation(kind, true)));
  r = i32x4.replace_lane(r, 2, fused32(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2), i32x4.extract_lane(c, 2), negation(kind, false)));
  r = i32x4.replace_lane(r, 3, fused32(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3), i32x4.extract_lane(c, 3), negation(kind, true)));
  finish();
  return r;
}
function upper(v: v128): v128 {
  return i64x2.shuffle(v, v, 1, 1);
}
// v: first operand (and destination), h: second, w: third. The numbers name the factors and the addend: 132 is v * w + h.
export function fma132pd(v: v128, h: v128, w: v128, kind: u32): v128 {
  return multiplyAddPd(v, w, h, kind);
}
export function fma213pd(v: v128, h: v128, w: v128, kind: u32): v128 {
  return multiplyAddPd(h, v, w, kind);
}
export function fma231pd(v: v128, h: v128, w: v128, kind: u32): v128 {
  return multiplyAddPd(h, w, v, kind);
}
export function fma132ps(v: v128, h: v128, w: v128, kind: u32): v128 {
  return multiplyAddPs(v, w, h, kind);
}
export function fma213ps(v: v128, h: v128, w: v128, kind: u32): v128 {
  return multiplyAddPs(h, v, w, kind);
}
export function fma231ps(v: v128, h: v128, w: v128, kind: u32): v128 {
  return multiplyAddPs(h, w, v, kind);
}

// ---- scalar ---------------------------------------------------------------------------------------------------------
function multiplyAddSd(a: u64, b: u64, c: u64, kind: u32): u64 {
  if (isFast()) {
    const x = i64x2.splat(kind & 1 ? a ^ SIGN64 : a);
    const y = i64x2.splat(b);
    const z = i64x2.splat(kind & 2 ? c ^ SIGN64 : c);
    if (i64x2.all_true(areNear(x, y, z))) {
      const r: u64 = i64x2.extract_lane(fastDoubles(x, y, z), 0);
      if (isNormal64(r)) return r;
    }
  }
  begin();
  const r = fused64(a, b, c, kind);
  finish();
  return r;
}
function multiplyAddSs(a: u32, b: u32, c: u32, kind: u32): u32 {
  if (isFast() && !isDenormal32(a) && !isDenormal32(b) && !isDenormal32(c)) {
    const x = f64x2.promote_low_f32x4(i32x4.splat(kind & 1 ? a ^ SIGN32 : a));
    const z = f64x2.promote_low_f32x4(i32x4.splat(kind & 2 ? c ^ SIGN32 : c));
    const r: u32 = i32x4.extract_lane(fastSingles(x, f64x2.promote_low_f32x4(i32x4.splat(b)), z), 0);
    if (isNormal32(r)) return r;
  }
  begin();
  const r = fused32(a, b, c, kind);
  finish();
  return r;
}
export function fma132sd(v: v128, h: v128, w: u64, kind: u32): v128 {
  return i64x2.replace_lane(v, 0, multiplyAddSd(i64x2.extract_lane(v, 0), w, i64x2.extract_lane(h, 0), kind));
}
export function fma213sd(v: v128, h: v128, w: u64, kind: u32): v128 {
  return i64x2.replace_lane(v, 0, multiplyAddSd(i64x2.extract_lane(h, 0), i64x2.extract_lane(v, 0), w, kind));
}
export function fma231sd(v: v128, h: v128, w: u64, kind: u32): v128 {
  return i64x2.replace_lane(v, 0, multiplyAddSd(i64x2.extract_lane(h, 0), w, i64x2.extract_lane(v, 0), kind));
}
export function fma132ss(v: v128, h: v128, w: u32, kind: u32): v128 {
  return i32x4.replace_lane(v, 0, multiplyAddSs(i32x4.extract_lane(v, 0), w, i32x4.extract_lane(h, 0), kind));
}
export function fma213ss(v: v128, h: v128, w: u32, kind: u32): v128 {
  return i32x4.replace_lane(v, 0, multiplyAddSs(i32x4.extract_lane(h, 0), i32x4.extract_lane(v, 0), w, kind));
}
export function fma231ss(v: v128, h: v128, w: u32, kind: u32): v128 {
  return i32x4.replace_lane(v, 0, multiplyAddSs(i32x4.extract_lane(h, 0), w, i32x4.extract_lane(v, 0), kind));
}

// ---- half precision -------------------------------------------------------------------------------------------------
function fromHalf(h: u32): u32 {
  const sign = (h & 0x8000) << 16;
  const e = (h >> 10) & 31;
  const fraction = h & 0x3ff;
  if (e == 31) {
    if (fraction != 0 && !(fraction & 0x200)) F.exc |= FX_IE;
    return sign | INF32 | (fraction << 13) | (fraction ? QUIET32 : 0);
  }
  if (e != 0) return sign | ((e + 112) << 23) | (fraction << 13);
  if (fraction == 0) return sign;
  // Denormal halves are ordinary singles; neither DE nor DAZ applies.
  const n = clz(fraction) - 21;
  return sign | ((113 - n) << 23) | (((fraction << n) & 0x3ff) << 13);
}
export function cvtph2ps(x: u64): v128 {
  begin();
  let r = i32x4.splat(fromHalf(<u32>x & 0xffff));
  r = i32x4.replace_lane(r, 1, fromHalf(<u32>(x >> 16) & 0xffff));
  r = i32x4.replace_lane(r, 2, fromHalf(<u32>(x >> 32) & 0xffff));
  r = i32x4.replace_lane(r, 3, fromHalf(<u32>(x >> 48)));
  finish();
  return r;
}
/** FTZ does not apply, DAZ does. */
function toHalf(v: u32, imm: u32): u64 {
  const sign = v >> 31;
  const t = v & 0x7fffffff;
  if (t > INF32) {
    if (!(v & QUIET32)) F.exc |= FX_IE;
    return (sign << 15) | 0x7e00 | ((t >> 13) & 0x3ff);
  }
  if (t == INF32) return (sign << 15) | 0x7c00;
  if (t == 0) return sign << 15;
  if (isDenormal32(v)) {
    if (mx & 0x40) return sign << 15;
    F.exc |= FX_DE;
  }
  const d = widen(t);
  F.sign = sign;
  F.exp = expOf(d);
  F.hi = sigOf(d);
  F.lo = 0;
  roundCore(11, -14, 15, imm & 4 ? mode() : imm & 3, (mx >> 7) & 0x3f, 24);
  if (F.exp > 15) return (sign << 15) | 0x7c00;
  return (sign << 15) | (<i64>F.hi < 0 ? <u32>(F.exp + 15) << 10 : 0) | (<u32>(F.hi >> 53) & 0x3ff);
}
function fourHalves(at: usize, imm: u32): u64 {
  return toHalf(load<u32>(at), imm) | (toHalf(load<u32>(at, 4), imm) << 16) | (toHalf(load<u32>(at, 8), imm) << 32) | (toHalf(load<u32>(at, 12), imm) << 48);
}
export function vcvtps2ph(d: usize, v: usize, imm: u8, lanes: u32): void {
  begin();
  const low = fourHalves(v, imm);
  const high: u64 = lanes == 2 ? fourHalves(v + 16, imm) : 0;
  finish();
  store<u64>(d, low);
  store<u64>(d, high, 8);
  v128.store(d, i64x2.splat(0), 16);
}
