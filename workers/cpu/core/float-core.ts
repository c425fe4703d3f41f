// Binary floating point on unpacked numbers, shared by x87 (extended, with precision control) and the exact path of SSE.
// An unpacked number is sign, exponent of the leading bit, and a 64-bit significand with its top bit set; results add a
// second word whose low bit is sticky. Rounding, tininess after rounding and the wrapped exponents of unmasked overflow
// and underflow follow Intel SDM 1 4.8, 4.9 and 8.5. Written from the definitions of IEEE 754.

export const FX_IE: u32 = 1;
export const FX_DE: u32 = 2;
export const FX_ZE: u32 = 4;
export const FX_OE: u32 = 8;
export const FX_UE: u32 = 16;
export const FX_PE: u32 = 32;

export const ROUND_NEAREST: u32 = 0;
export const ROUND_DOWN: u32 = 1;
export const ROUND_UP: u32 = 2;
export const ROUND_ZERO: u32 = 3;

/** Result registers of the functions below (wasm globals). */
export class F {
  static sign: u32 = 0;
  static exp: i32 = 0;
  static hi: u64 = 0;
  static lo: u64 = 0;
  /** Exceptions raised so far by the running instruction. */
  static exc: u32 = 0;
  /** The last rounding increased the magnitude (C1). */
  static up: bool = false;
  /** The last rounding found the result tiny. */
  static tiny: bool = false;
}

/** High half of a 64 x 64 bit product. */
export function mulHigh(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const t = ah * bl + ((al * bl) >> 32);
  const u = al * bh + (t & 0xffffffff);
  return ah * bh + (t >> 32) + (u >> 32);
}

/** floor((high:low) / d) for high < d and d with its top bit set; the remainder goes to F.lo. */
export function div128(high: u64, low: u64, d: u64): u64 {
  const dh = d >> 32;
  const dl = d & 0xffffffff;
  let q1 = high / dh;
  let r = high - q1 * dh;
  while (q1 > 0xffffffff || q1 * dl > ((r << 32) | (low >> 32))) {
    q1--;
    r += dh;
    if (r > 0xffffffff) break;
  }
  const mid = ((high << 32) | (low >> 32)) - q1 * d;
  let q0 = mid / dh;
  r = mid - q0 * dh;
  while (q0 > 0xffffffff || q0 * dl > ((r << 32) | (low & 0xffffffff))) {
    q0--;
    r += dh;
    if (r > 0xffffffff) break;
  }
  F.lo = ((mid << 32) | (low & 0xffffffff)) - q0 * d;
  return (q1 << 32) + q0;
}

/** a + b, both nonzero. An exact zero difference leaves F.hi = 0 (the caller picks the sign). */
export function addCore(sa: u32, ea: i32, a: u64, sb: u32, eb: i32, b: u64): void {
  if (ea < eb || (ea == eb && a < b)) {
    const s = sa;
    const e = ea;
    const t = a;
    sa = sb;
    ea = eb;
    a = b;
    sb = s;
    eb = e;
    b = t;
  }
  const d = ea - eb;
  let bh: u64 = 0;
  let bl: u64 = 0;
  if (d == 0) bh = b;
  else if (d < 64) {
    bh = b >> (<u64>d);
    bl = b << (<u64>(64 - d));
  } else if (d == 64) bl = b;
  else bl = d < 128 ? (b >> (<u64>(d - 64))) | u64(b << (<u64>(128 - d)) != 0) : 1;
  F.sign = sa;
  if (sa == sb) {
    const sum = a + bh;
    if (sum < a) {
      F.lo = (sum << 63) | (bl >> 1) | (bl & 1);
      F.hi = (sum >> 1) | 0x8000000000000000;
      F.exp = ea + 1;
    } else {
      F.lo = bl;
      F.hi = sum;
      F.exp = ea;
    }
    return;
  }
  let lo: u64 = 0 - bl;
  let hi = a - bh - u64(bl != 0);
  if (hi == 0) {
    if (lo == 0) {
      F.hi = 0;
      F.lo = 0;
      F.exp = ea;
      return;
    }
    hi = lo;
    lo = 0;
    ea -= 64;
  }
  const n = clz(hi);
  if (n != 0) {
    hi = (hi << n) | (lo >> (64 - n));
    lo <<= n;
    ea -= <i32>n;
  }
  F.hi = hi;
  F.lo = lo;
  F.exp = ea;
}

export function mulCore(sign: u32, ea: i32, a: u64, eb: i32, b: u64): void {
  let hi = mulHigh(a, b);
  let lo = a * b;
  let e = ea + eb + 1;
  if (<i64>hi >= 0) {
    hi = (hi << 1) | (lo >> 63);
    lo <<= 1;
    e--;
  }
  F.sign = sign;
  F.hi = hi;
  F.lo = lo;
  F.exp = e;
}

/** The product that mulCore left in F, plus a nonzero number. An exact zero leaves F.hi = 0 (the caller picks the sign). */
export function addToProduct(sb: u32, eb: i32, b: u64): void {
  let sa = F.sign;
  let ea = F.exp;
  let ah = F.hi;
  let al = F.lo;
  let bh = b;
  let bl: u64 = 0;
  if (ea < eb || (ea == eb && ah < bh)) {
    const s = sa;
    const e = ea;
    sa = sb;
    ea = eb;
    sb = s;
    eb = e;
    bh = ah;
    bl = al;
    ah = b;
    al = 0;
  }
  // The smaller one goes right by the difference of the exponents; what falls off stays as a sticky bit.
  const d = <u64>(ea - eb);
  if (d != 0) {
    if (d < 64) {
      const lost = u64(bl << (64 - d) != 0);
      bl = (bl >> d) | (bh << (64 - d)) | lost;
      bh >>= d;
    } else if (d < 128) {
      const lost = u64(bl != 0 || (d > 64 && bh << (128 - d) != 0));
      bl = (bh >> (d - 64)) | lost;
      bh = 0;
    } else {
      bl = 1;
      bh = 0;
    }
  }
  F.sign = sa;
  if (sa == sb) {
    const lo = al + bl;
    const c = u64(lo < al);
    const part = ah + bh;
    const hi = part + c;
    if (part < ah || hi < part) {
      F.lo = (lo >> 1) | (hi << 63) | (lo & 1);
      F.hi = (hi >> 1) | 0x8000000000000000;
      F.exp = ea + 1;
    } else {
      F.lo = lo;
      F.hi = hi;
      F.exp = ea;
    }
    return;
  }
  let lo = al - bl;
  let hi = ah - bh - u64(al < bl);
  if (hi == 0) {
    hi = lo;
    lo = 0;
    ea -= 64;
  }
  if (hi == 0) {
    F.hi = 0;
    F.lo = 0;
    F.exp = ea;
    return;
  }
  const n = clz(hi);
  if (n != 0) {
    hi = (hi << n) | (lo >> (64 - n));
    lo <<= n;
    ea -= <i32>n;
  }
  F.hi = hi;
  F.lo = lo;
  F.exp = ea;
}

export function divCore(sign: u32, ea: i32, a: u64, eb: i32, b: u64): void {
  let q: u64;
  if (a >= b) {
    q = div128(a >> 1, a << 63, b);
    F.exp = ea - eb;
  } else {
    q = div128(a, 0, b);
    F.exp = ea - eb - 1;
  }
  const rem = F.lo;
  const twice = rem << 1;
  F.sign = sign;
  F.hi = q;
  if (rem == 0) F.lo = 0;
  else if (<i64>rem < 0 || twice > b) F.lo = 0xc000000000000000;
  else if (twice == b) F.lo = 0x8000000000000000;
  else F.lo = 0x4000000000000000;
}

/** Square root of a positive number. */
export function sqrtCore(e: i32, a: u64): void {
  let nh: u64;
  let nl: u64;
  if (e & 1) {
    nh = a;
    nl = 0;
  } else {
    nh = a >> 1;
    nl = a << 63;
  }
  // 53 bits from the host, one Newton step in integers, then the last unit by comparison.
  const root = sqrt<f64>(<f64>nh) * 4294967296.0;
  let r: u64 = root >= 18446744073709551616.0 ? 0xffffffffffffffff : <u64>root;
  if (<i64>r >= 0) r = 0x8000000000000000;
  let rl = r * r;
  let rh = mulHigh(r, r);
  let dl = nl - rl;
  let dh = nh - rh - u64(nl < rl);
  const diff = <f64>(<i64>dh) * 18446744073709551616.0 + <f64>dl;
  const step = <i64>nearest<f64>(diff / (2.0 * <f64>r));
  const moved = r + <u64>step;
  if (step >= 0) r = moved < r ? 0xffffffffffffffff : moved;
  else r = moved;
  while (true) {
    rl = r * r;
    rh = mulHigh(r, r);
    if (rh > nh || (rh == nh && rl > nl)) {
      r--;
      continue;
    }
    dl = nl - rl;
    dh = nh - rh - u64(nl < rl);
    // A remainder above 2r: one more fits (2r has 65 bits).
    if (r != 0xffffffffffffffff && (dh > 1 || (dh == 1 && dl > r << 1))) {
      r++;
      continue;
    }
    break;
  }
  F.sign = 0;
  F.exp = e >> 1;
  F.hi = r;
  F.lo = (dh | dl) == 0 ? 0 : dh != 0 || dl > r ? 0xc000000000000000 : 0x4000000000000000;
}

/**
 * Rounds F to `p` significant bits within [emin, emax]. `masks` has a bit set for each masked exception (FX_ positions).
 * Leaves F.hi with its top bit set, or clear for a denormal or zero; infinity is F.exp = emax + 1 with F.hi = 2^63.
 */
export function roundCore(p: u32, emin: i32, emax: i32, rc: u32, masks: u32, wrap: i32): void {
  let hi = F.hi;
  let lo = F.lo;
  let e = F.exp;
  const drop = <u64>(64 - p);
  const unit: u64 = <u64>1 << drop;
  const sign = F.sign;
  let tiny = false;
  F.tiny = false;
  if (e < emin) {
    tiny = true;
    if (e == emin - 1) {
      // Tiny only if rounding with an unbounded exponent stays below emin.
      let rest = lo;
      if (drop != 0) rest = (hi << (64 - drop)) | (lo >> drop) | u64((lo << (64 - drop)) != 0);
      if ((hi | (unit - 1)) == 0xffffffffffffffff) {
        if (rc == ROUND_NEAREST ? <i64>rest < 0 : rc == ROUND_ZERO ? false : rest != 0 && (rc == ROUND_DOWN ? sign != 0 : sign == 0)) tiny = false;
      }
    }
    if (tiny && !(masks & FX_UE)) {
      F.exc |= FX_UE;
      F.tiny = true;
      e += wrap;
      tiny = false;
      if (e < emin) e = emin; // cannot happen for arithmetic; conversions from wider formats only report the flag
    } else {
      F.tiny = tiny;
      const n = <u64>(emin - e);
      e = emin;
      if (n < 64) {
        lo = (hi << (64 - n)) | (lo >> n) | u64((lo << (64 - n)) != 0);
        hi >>= n;
      } else if (n < 128) {
        lo = (n == 64 ? hi : (hi >> (n - 64)) | u64((hi << (128 - n)) != 0)) | u64(lo != 0);
        hi = 0;
      } else {
        lo = 1;
        hi = 0;
      }
    }
  }
  if (drop != 0) {
    lo = (hi << (64 - drop)) | (lo >> drop) | u64((lo << (64 - drop)) != 0);
    hi &= ~(unit - 1);
  }
  F.up = false;
  if (lo != 0) {
    F.exc |= tiny ? FX_PE | FX_UE : FX_PE;
    let inc: bool;
    if (rc == ROUND_NEAREST) inc = lo > 0x8000000000000000 || (lo == 0x8000000000000000 && (hi & unit) != 0);
    else if (rc == ROUND_ZERO) inc = false;
    else inc = rc == ROUND_DOWN ? sign != 0 : sign == 0;
    if (inc) {
      F.up = true;
      const before = hi;
      hi += unit;
      if (hi < before) {
        hi = 0x8000000000000000;
        e++;
      }
    }
  }
  if (e > emax) {
    if (masks & FX_OE) {
      F.exc |= FX_OE | FX_PE;
      if (rc == ROUND_NEAREST || (rc == ROUND_DOWN && sign != 0) || (rc == ROUND_UP && sign == 0)) {
        hi = 0x8000000000000000;
        e = emax + 1;
        F.up = true;
      } else {
        hi = ~(unit - 1);
        e = emax;
        F.up = false;
      }
    } else {
      F.exc |= FX_OE;
      e -= wrap;
    }
  }
  F.hi = hi;
  F.exp = e;
}

/**
 * Rounds an unpacked number to an integer of at most 64 bits of magnitude; returns it, or raises FX_IE (in F.exc) when it
 * does not fit in `limit` (largest magnitude for the sign). FX_PE when inexact.
 */
export function intCore(sign: u32, e: i32, sig: u64, rc: u32, limit: u64): u64 {
  let v: u64;
  let rest: u64;
  F.up = false;
  if (e >= 64) {
    F.exc |= FX_IE;
    return 0;
  }
  if (e >= 0) {
    const n = <u64>(63 - e);
    v = sig >> n;
    rest = n == 0 ? 0 : sig << (64 - n);
  } else {
    v = 0;
    rest = e == -1 ? sig : 1;
  }
  let up = false;
  if (rest != 0) {
    if (rc == ROUND_NEAREST) up = rest > 0x8000000000000000 || (rest == 0x8000000000000000 && (v & 1) != 0);
    else if (rc != ROUND_ZERO) up = rc == ROUND_DOWN ? sign != 0 : sign == 0;
    if (up) {
      v++;
      if (v == 0) {
        F.exc |= FX_IE;
        return 0;
      }
    }
  }
  if (v > limit) {
    F.exc |= FX_IE;
    return 0;
  }
  if (rest != 0) F.exc |= FX_PE;
  F.up = up;
  return v;
}

/** Rounds an unpacked number to an integral value in place: F = result (F.hi = 0 for zero). Sets F.up; true when inexact. */
export function rintCore(sign: u32, e: i32, sig: u64, rc: u32): bool {
  F.sign = sign;
  F.lo = 0;
  F.up = false;
  if (e >= 63) {
    F.hi = sig;
    F.exp = e;
    return false;
  }
  let v: u64;
  let rest: u64;
  if (e >= 0) {
    const n = <u64>(63 - e);
    v = sig >> n;
    rest = sig << (64 - n);
  } else {
    v = 0;
    rest = e == -1 ? sig : 1;
  }
  if (rest != 0) {
    let up = false;
    if (rc == ROUND_NEAREST) up = rest > 0x8000000000000000 || (rest == 0x8000000000000000 && (v & 1) != 0);
    else if (rc != ROUND_ZERO) up = rc == ROUND_DOWN ? sign != 0 : sign == 0;
    if (up) v++;
    F.up = up;
  }
  if (v == 0) {
    F.hi = 0;
    F.exp = 0;
  } else {
    const n = clz(v);
    F.hi = v << n;
    F.exp = 63 - <i32>n;
  }
  return rest != 0;
}
