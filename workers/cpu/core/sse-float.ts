// SSE and SSE2 floating point, with the arithmetic of SSE3 and SSE4.1: exact MXCSR behaviour. Intel SDM 1 chapters 10, 11 and
// appendix E. When inexact is already sticky, rounding is to nearest, everything is masked and neither FTZ nor DAZ is set, the
// host's arithmetic does the work and only operands or results that could carry a flag or a NaN go to the exact path (float-core.ts). The exact
// path records exceptions and never unwinds (`exactSd`, `settle`); whoever called it raises what is unmasked, so that translated code needs the
// state in place only there.
// RCPPS and RSQRTPS round the true value to 12 bits; real processors differ from each other there.

import {
  addCore,
  divCore,
  F,
  FX_DE,
  FX_IE,
  FX_PE,
  FX_UE,
  FX_ZE,
  intCore,
  mulCore,
  ROUND_DOWN,
  ROUND_ZERO,
  rintCore,
  roundCore,
  sqrtCore,
} from "./float-core";
import { raise, UD, XM } from "./fault";
import { setFlagBits } from "./flags";
import { CR4, MXCSR, SSE_FAST32, SSE_FAST64 } from "./layout";
import { vcpu } from "./state";

const ADD: u32 = 0;
const SUB: u32 = 1;
const MUL: u32 = 2;
const DIV: u32 = 3;
const SQRT: u32 = 4;
const MIN: u32 = 5;
const MAX: u32 = 6;

export const SIGN64: u64 = 0x8000000000000000;
export const INF64: u64 = 0x7ff0000000000000;
export const QUIET64: u64 = 0x0008000000000000;
export const ABS64: u64 = 0x7fffffffffffffff;
export const SIGN32: u32 = 0x80000000;
export const INF32: u32 = 0x7f800000;
export const QUIET32: u32 = 0x00400000;
const DEFAULT_NAN64: u64 = 0xfff8000000000000;

/** MXCSR with PE sticky, all exceptions masked, round to nearest, no DAZ, no FTZ. */
export function isFast(): bool {
  return (load<u32>(vcpu, MXCSR) & 0xffe0) == 0x1fa0;
}
/** To be called whenever MXCSR changed: isFast() as limits of usual64() and usual32(). */
export function updateFast(): void {
  const fast = isFast();
  store<u64>(vcpu, fast ? 0xffbffffffffffffe : 0, SSE_FAST64);
  store<u32>(vcpu, fast ? 0xfdfffffe : 0, SSE_FAST32);
}
/** isFast(), and a result that is finite and above the smallest normal number (which may have been tiny before it was rounded). */
function usual64(r: u64): bool {
  return (r << 1) - 0x0020000000000002 < load<u64>(vcpu, SSE_FAST64);
}
function usual32(r: u32): bool {
  return (r << 1) - 0x01000002 < load<u32>(vcpu, SSE_FAST32);
}

/** MXCSR of the running instruction (exact path). */
export let mx: u32 = 0;
/** Between the lanes of a 256-bit instruction: exceptions gather in F.exc and are reported together. */
let held: bool = false;

export function begin(): void {
  mx = load<u32>(vcpu, MXCSR);
  if (!held) F.exc = 0;
}
export function holdExceptions(): void {
  held = true;
  F.exc = 0;
}
export function releaseExceptions(): void {
  held = false;
  mx = load<u32>(vcpu, MXCSR);
  finish();
}
/** Exceptions of the last settle() that are not masked: to be raised before the destination is written. */
export let unmasked: u32 = 0;
/** Records the exceptions in MXCSR. */
export function settle(): void {
  const exc = F.exc;
  if (exc == 0 || held) return;
  unmasked = exc & ~(mx >> 7) & 0x3f;
  // What an earlier step of the instruction recorded stays.
  store<u32>(vcpu, load<u32>(vcpu, MXCSR) | (unmasked & 7 ? exc & 7 : exc), MXCSR);
  updateFast();
}
/** #XM, or #UD without CR4.OSXMMEXCPT. Does not return. */
export function simdFault(): void {
  unmasked = 0;
  raise(load<u64>(vcpu, CR4) & 0x400 ? XM : UD);
}
/** Records the exceptions and raises what is unmasked. Call before the destination is written. */
export function finish(): void {
  if (F.exc == 0) return;
  settle();
  if (unmasked) simdFault();
}

export function isDenormal64(v: u64): bool {
  return (v << 1) - 1 < 0x001fffffffffffff;
}
export function isDenormal32(v: u32): bool {
  return (v << 1) - 1 < 0x00ffffff;
}
/** Normal and finite. */
export function isNormal64(v: u64): bool {
  return (v << 1) - 0x0020000000000000 < 0xffc0000000000000;
}
export function isNormal32(v: u32): bool {
  return (v << 1) - 0x01000000 < 0xfe000000;
}
/** Neither denormal nor NaN: compared without anything to report. */
function isComparable64(v: u64): bool {
  const t = v << 1;
  return t - 1 >= 0x001fffffffffffff && t <= 0xffe0000000000000;
}
function isComparable32(v: u32): bool {
  const t = v << 1;
  return t - 1 >= 0x00ffffff && t <= 0xff000000;
}
// The same for vectors, on lanes shifted left by one (the sign goes) and moved so that signed comparisons do: a constant to add, then a limit.
const LANES32: usize = memory.data<u32>([
  0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x80ffffff, 0x80ffffff, 0x80ffffff, 0x80ffffff,
  0x7efffffe, 0x7efffffe, 0x7efffffe, 0x7efffffe, 0x7dfffffd, 0x7dfffffd, 0x7dfffffd, 0x7dfffffd,
], 16);
const LANES64: usize = memory.data<u64>([
  0x7fffffffffffffff, 0x7fffffffffffffff, 0x801fffffffffffff, 0x801fffffffffffff,
  0x7fdffffffffffffe, 0x7fdffffffffffffe, 0x7fbffffffffffffd, 0x7fbffffffffffffd,
], 16);
function denormals64(v: v128): v128 {
  return i64x2.gt_s(v128.load(LANES64, 16), i64x2.add(i64x2.shl(v, 1), v128.load(LANES64)));
}
function denormals32(v: v128): v128 {
  return i32x4.gt_s(v128.load(LANES32, 16), i32x4.add(i32x4.shl(v, 1), v128.load(LANES32)));
}
/** Lanes that are not finite and above the smallest normal number. */
function odd64(v: v128): v128 {
  return i64x2.gt_s(i64x2.add(i64x2.shl(v, 1), v128.load(LANES64, 32)), v128.load(LANES64, 48));
}
function odd32(v: v128): v128 {
  return i32x4.gt_s(i32x4.add(i32x4.shl(v, 1), v128.load(LANES32, 32)), v128.load(LANES32, 48));
}
export function anyDenormal64(v: v128): bool {
  return v128.any_true(denormals64(v));
}
export function anyDenormal32(v: v128): bool {
  return v128.any_true(denormals32(v));
}
export function anyOdd64(v: v128): bool {
  return v128.any_true(odd64(v));
}
export function anyOdd32(v: v128): bool {
  return v128.any_true(odd32(v));
}
function comparable64(v: v128, w: v128): bool {
  return !v128.any_true(v128.or(v128.or(f64x2.ne(v, v), f64x2.ne(w, w)), v128.or(denormals64(v), denormals64(w))));
}
function comparable32(v: v128, w: v128): bool {
  return !v128.any_true(v128.or(v128.or(f32x4.ne(v, v), f32x4.ne(w, w)), v128.or(denormals32(v), denormals32(w))));
}
/** Nothing to report from r = v op w. */
function usualPd(r: v128, v: v128, w: v128): bool {
  return isFast() && !v128.any_true(v128.or(odd64(r), v128.or(denormals64(v), denormals64(w))));
}
function usualPs(r: v128, v: v128, w: v128): bool {
  return isFast() && !v128.any_true(v128.or(odd32(r), v128.or(denormals32(v), denormals32(w))));
}

// ---- the exact path -------------------------------------------------------------------------------------------------
export function expOf(t: u64): i32 {
  const field = <i32>((t >> 52) & 0x7ff);
  if (field != 0) return field - 1023;
  return -1011 - <i32>clz(t & 0x000fffffffffffff);
}
export function sigOf(t: u64): u64 {
  const fraction = t & 0x000fffffffffffff;
  if (((t >> 52) & 0x7ff) != 0) return (fraction << 11) | SIGN64;
  return fraction << clz(fraction);
}
/** Single to double bits, exact, NaN payloads moved (no flags). */
export function widen(v: u32): u64 {
  const sign = <u64>(v & SIGN32) << 32;
  const t = v & 0x7fffffff;
  if (t >= INF32) return sign | INF64 | ((<u64>(t & 0x007fffff)) << 29);
  if (t == 0) return sign;
  if (t < 0x00800000) {
    const n = clz(t);
    return sign | ((<u64>(1023 - 126 + 8 - n)) << 52) | ((<u64>(t << (n - 8)) & 0x007fffff) << 29);
  }
  return sign | (((<u64>t) << 29) + 0x3800000000000000);
}
/** Double bits of a special value (zero, infinity, NaN) in the wanted format. */
export function special(v: u64, single: bool): u64 {
  if (!single) return v;
  return ((v >> 32) & SIGN32) | ((v & ABS64) >= INF64 ? INF32 : 0) | ((v >> 29) & 0x007fffff);
}
/** Rounds F to double or single by `mx`. */
export function pack(single: bool): u64 {
  const sign = <u64>F.sign;
  const rc = (mx >> 13) & 3;
  const masks = (mx >> 7) & 0x3f;
  if (single) roundCore(24, -126, 127, rc, masks, 192);
  else roundCore(53, -1022, 1023, rc, masks, 1536);
  if (F.tiny && (mx & 0x8000) != 0 && (masks & FX_UE) != 0) {
    F.exc |= FX_UE | FX_PE;
    return single ? sign << 31 : sign << 63;
  }
  const hi = F.hi;
  const e = F.exp;
  if (single) {
    if (e > 127) return (sign << 31) | INF32;
    return (sign << 31) | (<i64>hi < 0 ? (<u64>(e + 127)) << 23 : 0) | ((hi >> 40) & 0x007fffff);
  }
  if (e > 1023) return (sign << 63) | INF64;
  return (sign << 63) | (<i64>hi < 0 ? (<u64>(e + 1023)) << 52 : 0) | ((hi >> 11) & 0x000fffffffffffff);
}
export function invalid(single: bool): u64 {
  F.exc |= FX_IE;
  return special(DEFAULT_NAN64, single);
}

/** One lane. Operands are double bits; `denormal` has bit 0 for a, bit 1 for b (before widening). */
function arith(op: u32, a: u64, b: u64, denormal: u32, single: bool): u64 {
  const ta = a & ABS64;
  const tb = b & ABS64;
  if (op >= MIN) {
    if (ta > INF64 || tb > INF64) {
      F.exc |= FX_IE;
      return U.second;
    }
    if (denormal) F.exc |= FX_DE;
    const x = reinterpret<f64>(a);
    const y = reinterpret<f64>(b);
    return (op == MIN ? x < y : x > y) ? U.first : U.second;
  }
  if (op != SQRT && ta > INF64) {
    if (!(a & QUIET64) || (tb > INF64 && !(b & QUIET64))) F.exc |= FX_IE;
    return special(a | QUIET64, single);
  }
  if (tb > INF64) {
    if (!(b & QUIET64)) F.exc |= FX_IE;
    return special(b | QUIET64, single);
  }
  const sa = <u32>(a >> 63);
  let sb = <u32>(b >> 63);
  if (op <= SUB) {
    if (op == SUB) {
      sb ^= 1;
      b ^= SIGN64;
    }
    if (ta == INF64) {
      if (tb == INF64 && sa != sb) return invalid(single);
      if (denormal) F.exc |= FX_DE;
      return special(a, single);
    }
    if (denormal) F.exc |= FX_DE;
    if (tb == INF64) return special(b, single);
    if (ta == 0) {
      if (tb == 0) {
        if (sa == sb) return special(a, single);
        return ((mx >> 13) & 3) == ROUND_DOWN ? special(SIGN64, single) : 0;
      }
      F.sign = sb;
      F.exp = expOf(tb);
      F.hi = sigOf(tb);
      F.lo = 0;
    } else if (tb == 0) {
      F.sign = sa;
      F.exp = expOf(ta);
      F.hi = sigOf(ta);
      F.lo = 0;
    } else {
      addCore(sa, expOf(ta), sigOf(ta), sb, expOf(tb), sigOf(tb));
      if (F.hi == 0) return ((mx >> 13) & 3) == ROUND_DOWN ? special(SIGN64, single) : 0;
    }
    return pack(single);
  }
  const sign = sa ^ sb;
  const zero = (<u64>sign) << 63;
  if (op == MUL) {
    if (ta == INF64 || tb == INF64) {
      if (ta == 0 || tb == 0) return invalid(single);
      if (denormal) F.exc |= FX_DE;
      return special(zero | INF64, single);
    }
    if (denormal) F.exc |= FX_DE;
    if (ta == 0 || tb == 0) return special(zero, single);
    mulCore(sign, expOf(ta), sigOf(ta), expOf(tb), sigOf(tb));
    return pack(single);
  }
  if (op == DIV) {
    if (ta == INF64) {
      if (tb == INF64) return invalid(single);
      if (denormal) F.exc |= FX_DE;
      return special(zero | INF64, single);
    }
    if (tb == 0) {
      if (ta == 0) return invalid(single);
      F.exc |= FX_ZE;
      return special(zero | INF64, single);
    }
    if (denormal) F.exc |= FX_DE;
    if (ta == 0 || tb == INF64) return special(zero, single);
    divCore(sign, expOf(ta), sigOf(ta), expOf(tb), sigOf(tb));
    return pack(single);
  }
  // square root of b
  if (tb == 0) return special(b, single);
  if (sb) return invalid(single);
  if (denormal) F.exc |= FX_DE;
  if (tb == INF64) return special(b, single);
  sqrtCore(expOf(tb), sigOf(tb));
  return pack(single);
}

/** Operand bits as MIN and MAX return them. */
class U {
  static first: u64 = 0;
  static second: u64 = 0;
}
/**
 * Zeros and infinities, which the fast paths leave out: without denormals and NaNs a result is exact when a sum is zero, or an operand infinite,
 * or a factor or a dividend zero. Division by zero is not among them.
 */
function exactZero64(op: u32, a: u64, b: u64, r: u64): bool {
  if (!isComparable64(a) || !isComparable64(b) || r << 1 > 0xffe0000000000000) return false;
  const s = a << 1;
  const t = b << 1;
  if (op == DIV) return t != 0 && (s == 0 || s == 0xffe0000000000000 || t == 0xffe0000000000000);
  if (s == 0xffe0000000000000 || t == 0xffe0000000000000) return true;
  return op == MUL ? s == 0 || t == 0 : r << 1 == 0;
}
function lane64(op: u32, a: u64, b: u64): u64 {
  if (op <= DIV && (mx & 0xffe0) == 0x1fa0) {
    const x = reinterpret<f64>(a);
    const y = reinterpret<f64>(b);
    const r = reinterpret<u64>(op == ADD ? x + y : op == SUB ? x - y : op == MUL ? x * y : x / y);
    if (exactZero64(op, a, b, r) || ((r << 1) - 0x0020000000000002 < 0xffbffffffffffffe && !isDenormal64(a) && !isDenormal64(b))) return r;
  }
  let denormal: u32 = 0;
  if (isDenormal64(a) && op != SQRT) {
    if (mx & 0x40) a &= SIGN64;
    else denormal = 1;
  }
  if (isDenormal64(b)) {
    if (mx & 0x40) b &= SIGN64;
    else denormal |= 2;
  }
  U.first = a;
  U.second = b;
  return arith(op, a, b, denormal, false);
}
function exactZero32(op: u32, a: u32, b: u32, r: u32): bool {
  if (!isComparable32(a) || !isComparable32(b) || r << 1 > 0xff000000) return false;
  const s = a << 1;
  const t = b << 1;
  if (op == DIV) return t != 0 && (s == 0 || s == 0xff000000 || t == 0xff000000);
  if (s == 0xff000000 || t == 0xff000000) return true;
  return op == MUL ? s == 0 || t == 0 : r << 1 == 0;
}
/** The same for all lanes of sums and products at once. */
function exactZeros(op: u32, v: v128, w: v128, r: v128): bool {
  const inf = i32x4.splat(0x7f800000);
  const zero = f32x4.splat(0);
  if (!comparable32(v, w)) return false;
  const infinite = v128.or(f32x4.eq(f32x4.abs(v), inf), f32x4.eq(f32x4.abs(w), inf));
  const zeros = op == MUL ? v128.or(f32x4.eq(v, zero), f32x4.eq(w, zero)) : f32x4.eq(r, zero);
  return !v128.any_true(v128.or(f32x4.ne(r, r), v128.andnot(odd32(r), v128.or(infinite, zeros))));
}
function lane32(op: u32, a: u32, b: u32): u32 {
  if (op <= DIV && (mx & 0xffe0) == 0x1fa0) {
    const x = reinterpret<f32>(a);
    const y = reinterpret<f32>(b);
    const r = reinterpret<u32>(op == ADD ? x + y : op == SUB ? x - y : op == MUL ? x * y : x / y);
    if (exactZero32(op, a, b, r) || ((r << 1) - 0x01000002 < 0xfdfffffe && !isDenormal32(a) && !isDenormal32(b))) return r;
  }
  let denormal: u32 = 0;
  if (isDenormal32(a) && op != SQRT) {
    if (mx & 0x40) a &= SIGN32;
    else denormal = 1;
  }
  if (isDenormal32(b)) {
    if (mx & 0x40) b &= SIGN32;
    else denormal |= 2;
  }
  U.first = a;
  U.second = b;
  return <u32>arith(op, widen(a), widen(b), denormal, true);
}
// One instruction, exactly; exceptions are recorded, and unmasked ones left in `unmasked`.
export function exactSd(op: u32, v: v128, w: u64): v128 {
  begin();
  const r = lane64(op, i64x2.extract_lane(v, 0), w);
  settle();
  return i64x2.replace_lane(v, 0, r);
}
export function exactSs(op: u32, v: v128, w: u32): v128 {
  begin();
  const r = lane32(op, i32x4.extract_lane(v, 0), w);
  settle();
  return i32x4.replace_lane(v, 0, r);
}
/** `even` for lanes 0 and 2, `odd` for the others (they differ for ADDSUB). */
export function exactPd(even: u32, odd: u32, v: v128, w: v128): v128 {
  begin();
  const r0 = lane64(even, i64x2.extract_lane(v, 0), i64x2.extract_lane(w, 0));
  const r1 = lane64(odd, i64x2.extract_lane(v, 1), i64x2.extract_lane(w, 1));
  settle();
  return i64x2.replace_lane(i64x2.splat(r0), 1, r1);
}
export function exactPs(even: u32, odd: u32, v: v128, w: v128): v128 {
  begin();
  if (even == odd && even <= MUL && (mx & 0xffe0) == 0x1fa0) {
    const fast = even == ADD ? f32x4.add(v, w) : even == SUB ? f32x4.sub(v, w) : f32x4.mul(v, w);
    if (exactZeros(even, v, w, fast)) return fast;
  }
  let r = i32x4.splat(lane32(even, i32x4.extract_lane(v, 0), i32x4.extract_lane(w, 0)));
  r = i32x4.replace_lane(r, 1, lane32(odd, i32x4.extract_lane(v, 1), i32x4.extract_lane(w, 1)));
  r = i32x4.replace_lane(r, 2, lane32(even, i32x4.extract_lane(v, 2), i32x4.extract_lane(w, 2)));
  r = i32x4.replace_lane(r, 3, lane32(odd, i32x4.extract_lane(v, 3), i32x4.extract_lane(w, 3)));
  settle();
  return r;
}
function restSd(op: u32, v: v128, w: u64): v128 {
  const r = exactSd(op, v, w);
  if (unmasked) simdFault();
  return r;
}
function restSs(op: u32, v: v128, w: u32): v128 {
  const r = exactSs(op, v, w);
  if (unmasked) simdFault();
  return r;
}
function restPd(even: u32, odd: u32, v: v128, w: v128): v128 {
  const r = exactPd(even, odd, v, w);
  if (unmasked) simdFault();
  return r;
}
function restPs(even: u32, odd: u32, v: v128, w: v128): v128 {
  const r = exactPs(even, odd, v, w);
  if (unmasked) simdFault();
  return r;
}

// ---- arithmetic -----------------------------------------------------------------------------------------------------
export function addsd(v: v128, w: u64): v128 {
  const r = f64x2.extract_lane(v, 0) + reinterpret<f64>(w);
  if (usual64(reinterpret<u64>(r)) && !isDenormal64(i64x2.extract_lane(v, 0)) && !isDenormal64(w)) return f64x2.replace_lane(v, 0, r);
  return restSd(ADD, v, w);
}
export function addss(v: v128, w: u32): v128 {
  const r = f32x4.extract_lane(v, 0) + reinterpret<f32>(w);
  if (usual32(reinterpret<u32>(r)) && !isDenormal32(i32x4.extract_lane(v, 0)) && !isDenormal32(w)) return f32x4.replace_lane(v, 0, r);
  return restSs(ADD, v, w);
}
export function addpd(v: v128, w: v128): v128 {
  const r = f64x2.add(v, w);
  if (usualPd(r, v, w)) return r;
  return restPd(ADD, ADD, v, w);
}
export function addps(v: v128, w: v128): v128 {
  const r = f32x4.add(v, w);
  if (usualPs(r, v, w)) return r;
  return restPs(ADD, ADD, v, w);
}
export function subsd(v: v128, w: u64): v128 {
  const r = f64x2.extract_lane(v, 0) - reinterpret<f64>(w);
  if (usual64(reinterpret<u64>(r)) && !isDenormal64(i64x2.extract_lane(v, 0)) && !isDenormal64(w)) return f64x2.replace_lane(v, 0, r);
  return restSd(SUB, v, w);
}
export function subss(v: v128, w: u32): v128 {
  const r = f32x4.extract_lane(v, 0) - reinterpret<f32>(w);
  if (usual32(reinterpret<u32>(r)) && !isDenormal32(i32x4.extract_lane(v, 0)) && !isDenormal32(w)) return f32x4.replace_lane(v, 0, r);
  return restSs(SUB, v, w);
}
export function subpd(v: v128, w: v128): v128 {
  const r = f64x2.sub(v, w);
  if (usualPd(r, v, w)) return r;
  return restPd(SUB, SUB, v, w);
}
export function subps(v: v128, w: v128): v128 {
  const r = f32x4.sub(v, w);
  if (usualPs(r, v, w)) return r;
  return restPs(SUB, SUB, v, w);
}
export function mulsd(v: v128, w: u64): v128 {
  const r = f64x2.extract_lane(v, 0) * reinterpret<f64>(w);
  if (usual64(reinterpret<u64>(r)) && !isDenormal64(i64x2.extract_lane(v, 0)) && !isDenormal64(w)) return f64x2.replace_lane(v, 0, r);
  return restSd(MUL, v, w);
}
export function mulss(v: v128, w: u32): v128 {
  const r = f32x4.extract_lane(v, 0) * reinterpret<f32>(w);
  if (usual32(reinterpret<u32>(r)) && !isDenormal32(i32x4.extract_lane(v, 0)) && !isDenormal32(w)) return f32x4.replace_lane(v, 0, r);
  return restSs(MUL, v, w);
}
export function mulpd(v: v128, w: v128): v128 {
  const r = f64x2.mul(v, w);
  if (usualPd(r, v, w)) return r;
  return restPd(MUL, MUL, v, w);
}
export function mulps(v: v128, w: v128): v128 {
  const r = f32x4.mul(v, w);
  if (usualPs(r, v, w)) return r;
  return restPs(MUL, MUL, v, w);
}
export function divsd(v: v128, w: u64): v128 {
  const r = f64x2.extract_lane(v, 0) / reinterpret<f64>(w);
  if (usual64(reinterpret<u64>(r)) && !isDenormal64(i64x2.extract_lane(v, 0)) && !isDenormal64(w)) return f64x2.replace_lane(v, 0, r);
  return restSd(DIV, v, w);
}
export function divss(v: v128, w: u32): v128 {
  const r = f32x4.extract_lane(v, 0) / reinterpret<f32>(w);
  if (usual32(reinterpret<u32>(r)) && !isDenormal32(i32x4.extract_lane(v, 0)) && !isDenormal32(w)) return f32x4.replace_lane(v, 0, r);
  return restSs(DIV, v, w);
}
export function divpd(v: v128, w: v128): v128 {
  const r = f64x2.div(v, w);
  if (usualPd(r, v, w)) return r;
  return restPd(DIV, DIV, v, w);
}
export function divps(v: v128, w: v128): v128 {
  const r = f32x4.div(v, w);
  if (usualPs(r, v, w)) return r;
  return restPs(DIV, DIV, v, w);
}
export function sqrtsd(v: v128, w: u64): v128 {
  if (isNormal64(w) && <i64>w > 0 && isFast()) return i64x2.replace_lane(v, 0, reinterpret<u64>(sqrt<f64>(reinterpret<f64>(w))));
  return restSd(SQRT, v, w);
}
export function sqrtss(v: v128, w: u32): v128 {
  if (isNormal32(w) && <i32>w > 0 && isFast()) return i32x4.replace_lane(v, 0, reinterpret<u32>(sqrt<f32>(reinterpret<f32>(w))));
  return restSs(SQRT, v, w);
}
export function sqrtpd(w: v128): v128 {
  const r = f64x2.sqrt(w);
  if (isFast() && !anyOdd64(r) && !anyDenormal64(w)) return r;
  return restPd(SQRT, SQRT, w, w);
}
export function sqrtps(w: v128): v128 {
  const r = f32x4.sqrt(w);
  if (isFast() && !anyOdd32(r) && !anyDenormal32(w)) return r;
  return restPs(SQRT, SQRT, w, w);
}
export function minsd(v: v128, w: u64): v128 {
  const a: u64 = i64x2.extract_lane(v, 0);
  if (isComparable64(a) && isComparable64(w)) return reinterpret<f64>(a) < reinterpret<f64>(w) ? v : i64x2.replace_lane(v, 0, w);
  return restSd(MIN, v, w);
}
export function minss(v: v128, w: u32): v128 {
  const a: u32 = i32x4.extract_lane(v, 0);
  if (isComparable32(a) && isComparable32(w)) return reinterpret<f32>(a) < reinterpret<f32>(w) ? v : i32x4.replace_lane(v, 0, w);
  return restSs(MIN, v, w);
}
export function minpd(v: v128, w: v128): v128 {
  if (comparable64(v, w)) return f64x2.pmin(w, v);
  return restPd(MIN, MIN, v, w);
}
export function minps(v: v128, w: v128): v128 {
  if (comparable32(v, w)) return f32x4.pmin(w, v);
  return restPs(MIN, MIN, v, w);
}
export function maxsd(v: v128, w: u64): v128 {
  const a: u64 = i64x2.extract_lane(v, 0);
  if (isComparable64(a) && isComparable64(w)) return reinterpret<f64>(a) > reinterpret<f64>(w) ? v : i64x2.replace_lane(v, 0, w);
  return restSd(MAX, v, w);
}
export function maxss(v: v128, w: u32): v128 {
  const a: u32 = i32x4.extract_lane(v, 0);
  if (isComparable32(a) && isComparable32(w)) return reinterpret<f32>(a) > reinterpret<f32>(w) ? v : i32x4.replace_lane(v, 0, w);
  return restSs(MAX, v, w);
}
export function maxpd(v: v128, w: v128): v128 {
  if (comparable64(v, w)) return f64x2.pmax(w, v);
  return restPd(MAX, MAX, v, w);
}
export function maxps(v: v128, w: v128): v128 {
  if (comparable32(v, w)) return f32x4.pmax(w, v);
  return restPs(MAX, MAX, v, w);
}

// ---- comparison -----------------------------------------------------------------------------------------------------
/** For each predicate 0-15, which relations hold it: 1 greater, 2 less, 4 equal, 8 unordered. */
const RELATIONS: u64 = 0xf1530eac79db8624;
function relations(predicate: u32): u32 {
  return <u32>(RELATIONS >> (<u64>(predicate & 15) << 2)) & 15;
}
/** Predicate 0-31 (SSE has 0-7) on one lane of double bits; IE and DE as MXCSR asks. */
function compare(predicate: u32, a: u64, b: u64, denormal: u32): bool {
  const ta = a & ABS64;
  const tb = b & ABS64;
  if (ta > INF64 || tb > INF64) {
    const kind = predicate & 3;
    const signals = (kind == 1 || kind == 2) != ((predicate & 16) != 0);
    if (signals || (ta > INF64 && !(a & QUIET64)) || (tb > INF64 && !(b & QUIET64))) F.exc |= FX_IE;
    return (relations(predicate) & 8) != 0;
  }
  if (denormal) F.exc |= FX_DE;
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  return (relations(predicate) & (x > y ? 1 : x < y ? 2 : 4)) != 0;
}
function compare64(predicate: u32, a: u64, b: u64): u64 {
  let denormal: u32 = 0;
  if (isDenormal64(a)) {
    if (mx & 0x40) a &= SIGN64;
    else denormal = 1;
  }
  if (isDenormal64(b)) {
    if (mx & 0x40) b &= SIGN64;
    else denormal |= 2;
  }
  return compare(predicate, a, b, denormal) ? 0xffffffffffffffff : 0;
}
function compare32(predicate: u32, a: u32, b: u32): u32 {
  let denormal: u32 = 0;
  if (isDenormal32(a)) {
    if (mx & 0x40) a &= SIGN32;
    else denormal = 1;
  }
  if (isDenormal32(b)) {
    if (mx & 0x40) b &= SIGN32;
    else denormal |= 2;
  }
  return compare(predicate, widen(a), widen(b), denormal) ? 0xffffffff : 0;
}
export function cmpsd(v: v128, w: u64, imm: u8): v128 {
  return vcmpsd(v, w, imm & 7);
}
export function vcmpsd(v: v128, w: u64, imm: u8): v128 {
  const a: u64 = i64x2.extract_lane(v, 0);
  if (isComparable64(a) && isComparable64(w)) {
    const x = reinterpret<f64>(a);
    const y = reinterpret<f64>(w);
    return i64x2.replace_lane(v, 0, relations(imm) & (x > y ? 1 : x < y ? 2 : 4) ? -1 : 0);
  }
  begin();
  const r = compare64(imm & 31, i64x2.extract_lane(v, 0), w);
  finish();
  return i64x2.replace_lane(v, 0, r);
}
export function cmpss(v: v128, w: u32, imm: u8): v128 {
  return vcmpss(v, w, imm & 7);
}
export function vcmpss(v: v128, w: u32, imm: u8): v128 {
  const a: u32 = i32x4.extract_lane(v, 0);
  if (isComparable32(a) && isComparable32(w)) {
    const x = reinterpret<f32>(a);
    const y = reinterpret<f32>(w);
    return i32x4.replace_lane(v, 0, relations(imm) & (x > y ? 1 : x < y ? 2 : 4) ? -1 : 0);
  }
  begin();
  const r = compare32(imm & 31, i32x4.extract_lane(v, 0), w);
  finish();
  return i32x4.replace_lane(v, 0, r);
}
export function cmppd(v: v128, w: v128, imm: u8): v128 {
  return vcmppd(v, w, imm & 7);
}
export function vcmppd(v: v128, w: v128, imm: u8): v128 {
  const p = <u32>imm & 31;
  if (comparable64(v, w)) {
    // Plain numbers: one of greater, less, equal holds.
    switch (relations(p) & 7) {
      case 0:
        return i64x2.splat(0);
      case 1:
        return f64x2.gt(v, w);
      case 2:
        return f64x2.lt(v, w);
      case 3:
        return f64x2.ne(v, w);
      case 4:
        return f64x2.eq(v, w);
      case 5:
        return f64x2.ge(v, w);
      case 6:
        return f64x2.le(v, w);
      default:
        return i64x2.splat(-1);
    }
  }
  begin();
  let r = i64x2.splat(compare64(p, i64x2.extract_lane(v, 0), i64x2.extract_lane(w, 0)));
  r = i64x2.replace_lane(r, 1, compare64(p, i64x2.extract_lane(v, 1), i64x2.extract_lane(w, 1)));
  finish();
  return r;
}
export function cmpps(v: v128, w: v128, imm: u8): v128 {
  return vcmpps(v, w, imm & 7);
}
export function vcmpps(v: v128, w: v128, imm: u8): v128 {
  const p = <u32>imm & 31;
  if (comparable32(v, w)) {
    // Plain numbers: one of greater, less, equal holds.
    switch (relations(p) & 7) {
      case 0:
        return i64x2.splat(0);
      case 1:
        return f32x4.gt(v, w);
      case 2:
        return f32x4.lt(v, w);
      case 3:
        return f32x4.ne(v, w);
      case 4:
        return f32x4.eq(v, w);
      case 5:
        return f32x4.ge(v, w);
      case 6:
        return f32x4.le(v, w);
      default:
        return i64x2.splat(-1);
    }
  }
  begin();
  let r = i32x4.splat(compare32(p, i32x4.extract_lane(v, 0), i32x4.extract_lane(w, 0)));
  r = i32x4.replace_lane(r, 1, compare32(p, i32x4.extract_lane(v, 1), i32x4.extract_lane(w, 1)));
  r = i32x4.replace_lane(r, 2, compare32(p, i32x4.extract_lane(v, 2), i32x4.extract_lane(w, 2)));
  r = i32x4.replace_lane(r, 3, compare32(p, i32x4.extract_lane(v, 3), i32x4.extract_lane(w, 3)));
  finish();
  return r;
}
/** COMIS and UCOMIS: ZF PF CF; the other arithmetic flags are cleared. Returns them. */
function comi(a: u64, b: u64, denormal: u32, ordered: bool): u32 {
  const ta = a & ABS64;
  const tb = b & ABS64;
  let bits: u32;
  if (ta > INF64 || tb > INF64) {
    if (ordered || (ta > INF64 && !(a & QUIET64)) || (tb > INF64 && !(b & QUIET64))) F.exc |= FX_IE;
    bits = 0x45;
  } else {
    if (denormal) F.exc |= FX_DE;
    const x = reinterpret<f64>(a);
    const y = reinterpret<f64>(b);
    bits = x > y ? 0 : x < y ? 1 : 0x40;
  }
  settle();
  return bits;
}
export function exactComi64(a: u64, b: u64, ordered: bool): u32 {
  begin();
  let denormal: u32 = 0;
  if (isDenormal64(a)) {
    if (mx & 0x40) a &= SIGN64;
    else denormal = 1;
  }
  if (isDenormal64(b)) {
    if (mx & 0x40) b &= SIGN64;
    else denormal |= 2;
  }
  return comi(a, b, denormal, ordered);
}
export function exactComi32(a: u32, b: u32, ordered: bool): u32 {
  begin();
  let denormal: u32 = 0;
  if (isDenormal32(a)) {
    if (mx & 0x40) a &= SIGN32;
    else denormal = 1;
  }
  if (isDenormal32(b)) {
    if (mx & 0x40) b &= SIGN32;
    else denormal |= 2;
  }
  return comi(widen(a), widen(b), denormal, ordered);
}
function comi64(v: v128, w: u64, ordered: bool): void {
  const a: u64 = i64x2.extract_lane(v, 0);
  let bits: u32;
  if (isComparable64(a) && isComparable64(w)) {
    const x = f64x2.extract_lane(v, 0);
    const y = reinterpret<f64>(w);
    bits = u32(x < y) | (u32(x == y) << 6);
  } else {
    bits = exactComi64(a, w, ordered);
    if (unmasked) simdFault();
  }
  setFlagBits(bits);
}
function comi32(v: v128, w: u32, ordered: bool): void {
  const a: u32 = i32x4.extract_lane(v, 0);
  let bits: u32;
  if (isComparable32(a) && isComparable32(w)) {
    const x = f32x4.extract_lane(v, 0);
    const y = reinterpret<f32>(w);
    bits = u32(x < y) | (u32(x == y) << 6);
  } else {
    bits = exactComi32(a, w, ordered);
    if (unmasked) simdFault();
  }
  setFlagBits(bits);
}
export function comisd(v: v128, w: u64): void {
  comi64(v, w, true);
}
export function ucomisd(v: v128, w: u64): void {
  comi64(v, w, false);
}
export function comiss(v: v128, w: u32): void {
  comi32(v, w, true);
}
export function ucomiss(v: v128, w: u32): void {
  comi32(v, w, false);
}

// ---- conversions ----------------------------------------------------------------------------------------------------
function singleToDouble(v: u32): u64 {
  const t = v & 0x7fffffff;
  if (t > INF32) {
    if (!(v & QUIET32)) F.exc |= FX_IE;
    return widen(v | QUIET32);
  }
  if (isDenormal32(v)) {
    if (mx & 0x40) return <u64>(v & SIGN32) << 32;
    F.exc |= FX_DE;
  }
  return widen(v);
}
export function doubleToSingle(v: u64): u32 {
  const t = v & ABS64;
  if (t > INF64) {
    if (!(v & QUIET64)) F.exc |= FX_IE;
    return <u32>special(v | QUIET64, true);
  }
  if (t == INF64 || t == 0) return <u32>special(v, true);
  if (isDenormal64(v)) {
    if (mx & 0x40) return <u32>(v >> 32) & SIGN32;
    F.exc |= FX_DE;
  }
  F.sign = <u32>(v >> 63);
  F.exp = expOf(t);
  F.hi = sigOf(t);
  F.lo = 0;
  return <u32>pack(true);
}
/** Double bits to a signed integer of `bits` bits; the integer indefinite on overflow or NaN. */
function toInt(v: u64, bits: u32, rc: u32): u64 {
  const t = v & ABS64;
  const indefinite: u64 = <u64>1 << (bits - 1);
  if (t >= INF64) {
    F.exc |= FX_IE;
    return indefinite;
  }
  if (t == 0) return 0;
  const sign = <u32>(v >> 63);
  const before = F.exc;
  F.exc = 0;
  const r = intCore(sign, expOf(t), sigOf(t), rc, sign ? indefinite : indefinite - 1);
  const bad = (F.exc & FX_IE) != 0;
  F.exc |= before;
  if (bad) return indefinite;
  return sign ? 0 - r : r;
}
function doubleToInt(v: u64, bits: u32, rc: u32): u64 {
  if ((mx & 0x40) != 0 && isDenormal64(v)) return 0;
  return toInt(v, bits, rc);
}
function singleToInt(v: u32, bits: u32, rc: u32): u64 {
  if ((mx & 0x40) != 0 && isDenormal32(v)) return 0;
  return toInt(widen(v), bits, rc);
}
function fromInt(v: u64, single: bool): u64 {
  if (v == 0) return 0;
  const sign = <u32>(v >> 63);
  if (sign) v = 0 - v;
  const n = clz(v);
  F.sign = sign;
  F.exp = 63 - <i32>n;
  F.hi = v << n;
  F.lo = 0;
  return pack(single);
}
export function mode(): u32 {
  return (mx >> 13) & 3;
}
export function pair(low: u64, high: u64): v128 {
  return i64x2.replace_lane(i64x2.splat(low), 1, high);
}
function join32(low: u64, high: u64): u64 {
  return (low & 0xffffffff) | (high << 32);
}

export function cvtps2pd(w: u64): v128 {
  if (isComparable32(<u32>w) && isComparable32(<u32>(w >> 32))) return f64x2.promote_low_f32x4(i64x2.splat(w));
  begin();
  const r0 = singleToDouble(<u32>w);
  const r1 = singleToDouble(<u32>(w >> 32));
  finish();
  return pair(r0, r1);
}
export function cvtpd2ps(w: v128): v128 {
  const fast = f32x4.demote_f64x2_zero(w);
  if (usual32(i32x4.extract_lane(fast, 0)) && usual32(i32x4.extract_lane(fast, 1))) return fast;
  begin();
  const r0 = doubleToSingle(i64x2.extract_lane(w, 0));
  const r1 = doubleToSingle(i64x2.extract_lane(w, 1));
  finish();
  return pair(join32(r0, r1), 0);
}
export function cvtss2sd(v: v128, w: u32): v128 {
  if (isNormal32(w)) return i64x2.replace_lane(v, 0, widen(w));
  begin();
  const r = singleToDouble(w);
  finish();
  return i64x2.replace_lane(v, 0, r);
}
export function cvtsd2ss(v: v128, w: u64): v128 {
  const fast = reinterpret<u32>(<f32>reinterpret<f64>(w));
  if (usual32(fast)) return i32x4.replace_lane(v, 0, fast);
  begin();
  const r = doubleToSingle(w);
  finish();
  return i32x4.replace_lane(v, 0, r);
}
export function cvtdq2pd(w: u64): v128 {
  return f64x2.convert_low_i32x4_s(i64x2.splat(w));
}
export function cvtdq2ps(w: v128): v128 {
  if (isFast()) return f32x4.convert_i32x4_s(w);
  begin();
  let r = i32x4.splat(<u32>fromInt(i32x4.extract_lane(w, 0), true));
  r = i32x4.replace_lane(r, 1, <u32>fromInt(i32x4.extract_lane(w, 1), true));
  r = i32x4.replace_lane(r, 2, <u32>fromInt(i32x4.extract_lane(w, 2), true));
  r = i32x4.replace_lane(r, 3, <u32>fromInt(i32x4.extract_lane(w, 3), true));
  finish();
  return r;
}
function toDwords(w: v128, rc: u32): v128 {
  let r = i32x4.splat(<u32>singleToInt(i32x4.extract_lane(w, 0), 32, rc));
  r = i32x4.replace_lane(r, 1, <u32>singleToInt(i32x4.extract_lane(w, 1), 32, rc));
  r = i32x4.replace_lane(r, 2, <u32>singleToInt(i32x4.extract_lane(w, 2), 32, rc));
  r = i32x4.replace_lane(r, 3, <u32>singleToInt(i32x4.extract_lane(w, 3), 32, rc));
  finish();
  return r;
}
/** Every lane is well inside the integers of 32 bits. */
function fits32(w: v128): bool {
  return i32x4.all_true(f32x4.lt(f32x4.abs(w), f32x4.splat(2147483520)));
}
function fits64(w: v128): bool {
  return i64x2.all_true(f64x2.lt(f64x2.abs(w), f64x2.splat(2147483647)));
}
export function cvtps2dq(w: v128): v128 {
  if (isFast() && fits32(w)) return i32x4.trunc_sat_f32x4_s(f32x4.nearest(w));
  begin();
  return toDwords(w, mode());
}
export function cvttps2dq(w: v128): v128 {
  if (isFast() && fits32(w)) return i32x4.trunc_sat_f32x4_s(w);
  begin();
  return toDwords(w, ROUND_ZERO);
}
function pdToDwords(w: v128, rc: u32): u64 {
  const r0 = doubleToInt(i64x2.extract_lane(w, 0), 32, rc);
  const r1 = doubleToInt(i64x2.extract_lane(w, 1), 32, rc);
  finish();
  return join32(r0, r1);
}
export function cvtpd2dq(w: v128): v128 {
  if (isFast() && fits64(w)) return i32x4.trunc_sat_f64x2_s_zero(f64x2.nearest(w));
  begin();
  return pair(pdToDwords(w, mode()), 0);
}
export function cvttpd2dq(w: v128): v128 {
  if (isFast() && fits64(w)) return i32x4.trunc_sat_f64x2_s_zero(w);
  begin();
  return pair(pdToDwords(w, ROUND_ZERO), 0);
}
export function cvtpd2pi(w: v128): u64 {
  begin();
  return pdToDwords(w, mode());
}
export function cvttpd2pi(w: v128): u64 {
  begin();
  return pdToDwords(w, ROUND_ZERO);
}
function psToPi(w: u64, rc: u32): u64 {
  const r0 = singleToInt(<u32>w, 32, rc);
  const r1 = singleToInt(<u32>(w >> 32), 32, rc);
  finish();
  return join32(r0, r1);
}
export function cvtps2pi(w: u64): u64 {
  begin();
  return psToPi(w, mode());
}
export function cvttps2pi(w: u64): u64 {
  begin();
  return psToPi(w, ROUND_ZERO);
}
export function cvtpi2ps(v: v128, q: u64): v128 {
  begin();
  const r0 = fromInt(<u64>(<i64>(<i32>q)), true);
  const r1 = fromInt(<u64>((<i64>q) >> 32), true);
  finish();
  return i64x2.replace_lane(v, 0, join32(r0, r1));
}
export function cvtsi2sd<T>(v: v128, x: T): v128 {
  if (sizeof<T>() == 4) return f64x2.replace_lane(v, 0, <f64>(<i32>x));
  if (isFast()) return f64x2.replace_lane(v, 0, <f64>(<i64>x));
  begin();
  const r = fromInt(<u64>x, false);
  finish();
  return i64x2.replace_lane(v, 0, r);
}
export function cvtsi2ss<T>(v: v128, x: T): v128 {
  if (isFast()) return f32x4.replace_lane(v, 0, sizeof<T>() == 4 ? <f32>(<i32>x) : <f32>(<i64>x));
  begin();
  const r = fromInt(sizeof<T>() == 4 ? <u64>(<i64>(<i32>x)) : <u64>x, true);
  finish();
  return i32x4.replace_lane(v, 0, <u32>r);
}
export function cvtsd2si<T>(w: u64): T {
  const x = reinterpret<f64>(w);
  if (abs<f64>(x) < 2147483647.0 && isFast()) return <T>(<i64>(<i32>nearest<f64>(x)));
  begin();
  const r = doubleToInt(w, sizeof<T>() * 8, mode());
  finish();
  return <T>r;
}
export function cvttsd2si<T>(w: u64): T {
  const x = reinterpret<f64>(w);
  if (abs<f64>(x) < 2147483647.0 && isFast()) return <T>(<i64>(<i32>x));
  begin();
  const r = doubleToInt(w, sizeof<T>() * 8, ROUND_ZERO);
  finish();
  return <T>r;
}
export function cvtss2si<T>(w: u32): T {
  const x = reinterpret<f32>(w);
  if (abs<f32>(x) < 2147483520.0 && isFast()) return <T>(<i64>(<i32>nearest<f32>(x)));
  begin();
  const r = singleToInt(w, sizeof<T>() * 8, mode());
  finish();
  return <T>r;
}
export function cvttss2si<T>(w: u32): T {
  const x = reinterpret<f32>(w);
  if (abs<f32>(x) < 2147483520.0 && isFast()) return <T>(<i64>(<i32>x));
  begin();
  const r = singleToInt(w, sizeof<T>() * 8, ROUND_ZERO);
  finish();
  return <T>r;
}

// ---- approximations -------------------------------------------------------------------------------------------------
/** Keeps 12 significant bits, to nearest. */
function twelve(x: f64): u32 {
  const bits = reinterpret<u32>(<f32>x);
  return (bits + 0x400 + ((bits >> 11) & 1) - 1) & 0xfffff800;
}
function rcp(v: u32): u32 {
  const t = v & 0x7fffffff;
  const sign = v & SIGN32;
  if (t > INF32) return v | QUIET32;
  if (t == INF32) return sign;
  if (t < 0x00800000) return sign | INF32;
  const r = 1.0 / <f64>reinterpret<f32>(t);
  return r < 1.1754943508222875e-38 ? sign : sign | twelve(r);
}
function rsqrt(v: u32): u32 {
  const t = v & 0x7fffffff;
  if (t > INF32) return v | QUIET32;
  if (t < 0x00800000) return (v & SIGN32) | INF32;
  if (v & SIGN32) return 0xffc00000;
  if (t == INF32) return 0;
  return twelve(1.0 / sqrt<f64>(<f64>reinterpret<f32>(t)));
}
export function rcpss(v: v128, w: u32): v128 {
  return i32x4.replace_lane(v, 0, rcp(w));
}
export function rsqrtss(v: v128, w: u32): v128 {
  return i32x4.replace_lane(v, 0, rsqrt(w));
}
export function rcpps(w: v128): v128 {
  let r = i32x4.splat(rcp(i32x4.extract_lane(w, 0)));
  r = i32x4.replace_lane(r, 1, rcp(i32x4.extract_lane(w, 1)));
  r = i32x4.replace_lane(r, 2, rcp(i32x4.extract_lane(w, 2)));
  return i32x4.replace_lane(r, 3, rcp(i32x4.extract_lane(w, 3)));
}
export function rsqrtps(w: v128): v128 {
  let r = i32x4.splat(rsqrt(i32x4.extract_lane(w, 0)));
  r = i32x4.replace_lane(r, 1, rsqrt(i32x4.extract_lane(w, 1)));
  r = i32x4.replace_lane(r, 2, rsqrt(i32x4.extract_lane(w, 2)));
  return i32x4.replace_lane(r, 3, rsqrt(i32x4.extract_lane(w, 3)));
}

// ---- SSE3: horizontal and mixed --------------------------------------------------------------------------------------
export function addsubpd(v: v128, w: v128): v128 {
  const r = f64x2.add(v, v128.xor(w, i64x2.replace_lane(i64x2.splat(0), 0, <i64>SIGN64)));
  if (usualPd(r, v, w)) return r;
  return restPd(SUB, ADD, v, w);
}
export function addsubps(v: v128, w: v128): v128 {
  const r = f32x4.add(v, v128.xor(w, i64x2.splat(0x80000000)));
  if (usualPs(r, v, w)) return r;
  return restPs(SUB, ADD, v, w);
}
export function haddpd(v: v128, w: v128): v128 {
  return addpd(i64x2.shuffle(v, w, 0, 2), i64x2.shuffle(v, w, 1, 3));
}
export function hsubpd(v: v128, w: v128): v128 {
  return subpd(i64x2.shuffle(v, w, 0, 2), i64x2.shuffle(v, w, 1, 3));
}
export function haddps(v: v128, w: v128): v128 {
  return addps(i32x4.shuffle(v, w, 0, 2, 4, 6), i32x4.shuffle(v, w, 1, 3, 5, 7));
}
export function hsubps(v: v128, w: v128): v128 {
  return subps(i32x4.shuffle(v, w, 0, 2, 4, 6), i32x4.shuffle(v, w, 1, 3, 5, 7));
}

// ---- SSE4.1: rounding and dot products -------------------------------------------------------------------------------
function round64(v: u64, imm: u32): u64 {
  const t = v & ABS64;
  if (t > INF64) {
    if (!(v & QUIET64)) F.exc |= FX_IE;
    return v | QUIET64;
  }
  if (t == INF64 || t == 0) return v;
  const sign = <u32>(v >> 63);
  if (rintCore(sign, expOf(t), sigOf(t), imm & 4 ? mode() : imm & 3) && !(imm & 8)) F.exc |= FX_PE;
  const s = v & SIGN64;
  return F.hi == 0 ? s : s | (<u64>(F.exp + 1023) << 52) | ((F.hi >> 11) & 0x000fffffffffffff);
}
function roundDouble(v: u64, imm: u32): u64 {
  if ((mx & 0x40) != 0 && isDenormal64(v)) return v & SIGN64;
  return round64(v, imm);
}
function roundSingle(v: u32, imm: u32): u32 {
  if ((mx & 0x40) != 0 && isDenormal32(v)) return v & SIGN32;
  const r = round64(widen(v), imm);
  const t = r & ABS64;
  if (t >= INF64 || t == 0) return <u32>special(r, true);
  return (<u32>(r >> 32) & SIGN32) | <u32>((t - 0x3800000000000000) >> 29);
}
export function roundsd(v: v128, w: u64, imm: u8): v128 {
  if (isFast() && isNormal64(w)) {
    const x = reinterpret<f64>(w);
    const rc = imm & 4 ? 0 : imm & 3;
    return f64x2.replace_lane(v, 0, rc == 0 ? nearest<f64>(x) : rc == 1 ? floor<f64>(x) : rc == 2 ? ceil<f64>(x) : trunc<f64>(x));
  }
  begin();
  const r = roundDouble(w, imm);
  finish();
  return i64x2.replace_lane(v, 0, r);
}
export function roundss(v: v128, w: u32, imm: u8): v128 {
  if (isFast() && isNormal32(w)) {
    const x = reinterpret<f32>(w);
    const rc = imm & 4 ? 0 : imm & 3;
    return f32x4.replace_lane(v, 0, rc == 0 ? nearest<f32>(x) : rc == 1 ? floor<f32>(x) : rc == 2 ? ceil<f32>(x) : trunc<f32>(x));
  }
  begin();
  const r = roundSingle(w, imm);
  finish();
  return i32x4.replace_lane(v, 0, r);
}
export function roundpd(w: v128, imm: u8): v128 {
  begin();
  const r0 = roundDouble(i64x2.extract_lane(w, 0), imm);
  const r1 = roundDouble(i64x2.extract_lane(w, 1), imm);
  finish();
  return pair(r0, r1);
}
export function roundps(w: v128, imm: u8): v128 {
  begin();
  let r = i32x4.splat(roundSingle(i32x4.extract_lane(w, 0), imm));
  r = i32x4.replace_lane(r, 1, roundSingle(i32x4.extract_lane(w, 1), imm));
  r = i32x4.replace_lane(r, 2, roundSingle(i32x4.extract_lane(w, 2), imm));
  r = i32x4.replace_lane(r, 3, roundSingle(i32x4.extract_lane(w, 3), imm));
  finish();
  return r;
}
export function dppd(v: v128, w: v128, imm: u8): v128 {
  begin();
  const p0: u64 = imm & 16 ? lane64(MUL, i64x2.extract_lane(v, 0), i64x2.extract_lane(w, 0)) : 0;
  const p1: u64 = imm & 32 ? lane64(MUL, i64x2.extract_lane(v, 1), i64x2.extract_lane(w, 1)) : 0;
  finish();
  const sum = lane64(ADD, p0, p1);
  finish();
  return pair(imm & 1 ? sum : 0, imm & 2 ? sum : 0);
}
function selectedProducts(v: v128, w: v128, imm: u32): v128 {
  let r = i32x4.splat(imm & 16 ? lane32(MUL, i32x4.extract_lane(v, 0), i32x4.extract_lane(w, 0)) : 0);
  r = i32x4.replace_lane(r, 1, imm & 32 ? lane32(MUL, i32x4.extract_lane(v, 1), i32x4.extract_lane(w, 1)) : 0);
  r = i32x4.replace_lane(r, 2, imm & 64 ? lane32(MUL, i32x4.extract_lane(v, 2), i32x4.extract_lane(w, 2)) : 0);
  return i32x4.replace_lane(r, 3, imm & 128 ? lane32(MUL, i32x4.extract_lane(v, 3), i32x4.extract_lane(w, 3)) : 0);
}
function pairSums(p: v128): v128 {
  const r = i32x4.splat(lane32(ADD, i32x4.extract_lane(p, 0), i32x4.extract_lane(p, 1)));
  return i32x4.replace_lane(r, 1, lane32(ADD, i32x4.extract_lane(p, 2), i32x4.extract_lane(p, 3)));
}
function spread(sums: v128, imm: u32): v128 {
  const sum = lane32(ADD, i32x4.extract_lane(sums, 0), i32x4.extract_lane(sums, 1));
  const bits = i32x4(1, 2, 4, 8);
  return v128.and(i32x4.splat(sum), i32x4.eq(v128.and(i32x4.splat(imm), bits), bits));
}
// Each step reports its exceptions before the next begins; with 256 bits, those of both lanes.
export function dpps(v: v128, w: v128, imm: u8): v128 {
  begin();
  const products = selectedProducts(v, w, imm);
  finish();
  const sums = pairSums(products);
  finish();
  const r = spread(sums, imm);
  finish();
  return r;
}
export function vdpps(d: usize, h: usize, w: usize, imm: u8): void {
  begin();
  const low = selectedProducts(v128.load(h), v128.load(w), imm);
  const high = selectedProducts(v128.load(h, 16), v128.load(w, 16), imm);
  finish();
  const lowSums = pairSums(low);
  const highSums = pairSums(high);
  finish();
  const r0 = spread(lowSums, imm);
  const r1 = spread(highSums, imm);
  finish();
  v128.store(d, r0);
  v128.store(d, r1, 16);
}

// ---- MXCSR ----------------------------------------------------------------------------------------------------------
export function stmxcsr(): u32 {
  return load<u32>(vcpu, MXCSR);
}
