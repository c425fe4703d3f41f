// The transcendental instructions of the x87: power series on a 128-bit significand, rounded once to 64 bits. Intel SDM 1 8.3.8 and
// 8.3.10: arguments of FSIN, FCOS, FSINCOS and FPTAN are reduced by the 66-bit pi of the real units (so results near multiples of pi
// agree with them). Arguments outside a documented domain (F2XM1 past 1, FYL2XP1 past 1 - sqrt(1/2)) still get the true value.

import { F, FX_DE, FX_PE, FX_ZE, mulHigh } from "./float-core";
import { exp80, invalid80, isDenormal80, isInf80, isZero80, pack80, setR, sig80, special1, special2, TOP_BIT } from "./float80";

// Numbers with 128-bit significands: {sign, exponent of the leading bit, high, low}, four words each, zero has high = 0.
/** 1/k! for k = 0 to 29. */
const INVERSE_FACTORIAL: usize = memory.data<u64>([
  0, 0x0, 0x8000000000000000, 0x0,
  0, 0x0, 0x8000000000000000, 0x0,
  0, 0xffffffffffffffff, 0x8000000000000000, 0x0,
  0, 0xfffffffffffffffd, 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaab,
  0, 0xfffffffffffffffb, 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaab,
  0, 0xfffffffffffffff9, 0x8888888888888888, 0x8888888888888889,
  0, 0xfffffffffffffff6, 0xb60b60b60b60b60b, 0x60b60b60b60b60b6,
  0, 0xfffffffffffffff3, 0xd00d00d00d00d00d, 0xd00d00d00d00d0,
  0, 0xfffffffffffffff0, 0xd00d00d00d00d00d, 0xd00d00d00d00d0,
  0, 0xffffffffffffffed, 0xb8ef1d2ab6399c7d, 0x560e4472800b8ef2,
  0, 0xffffffffffffffea, 0x93f27dbbc4fae397, 0x780b69f5333c725b,
  0, 0xffffffffffffffe6, 0xd7322b3faa271c7f, 0x3a3f25c1bee38f10,
  0, 0xffffffffffffffe3, 0x8f76c77fc6c4bdaa, 0x26d4c3d67f425f60,
  0, 0xffffffffffffffdf, 0xb092309d43684be5, 0x1c198e91d7b4269e,
  0, 0xffffffffffffffdb, 0xc9cba54603e4e905, 0xd6f8a2efd1f27546,
  0, 0xffffffffffffffd7, 0xd73f9f399dc0f88e, 0xc32b58774657f48f,
  0, 0xffffffffffffffd3, 0xd73f9f399dc0f88e, 0xc32b58774657f48f,
  0, 0xffffffffffffffcf, 0xca963b81856a5359, 0x3028cbbb8d7ff53c,
  0, 0xffffffffffffffcb, 0xb413c31dcbecbbdd, 0x8024435161554bc3,
  0, 0xffffffffffffffc7, 0x97a4da340a0ab926, 0x50f61dbdcb3a5abf,
  0, 0xffffffffffffffc2, 0xf2a15d201011283d, 0x4e5695fc785d5dff,
  0, 0xffffffffffffffbe, 0xb8dc77b6e7ab8c5f, 0x78a37e77372290c2,
  0, 0xffffffffffffffba, 0x8671cb6dbfc294a2, 0x86485bf99c763abc,
  0, 0xffffffffffffffb5, 0xbb0da098b1c0cecb, 0xdc3826ebfb13cc27,
  0, 0xffffffffffffffb0, 0xf96780cb97abbe65, 0x25a033e54ec51034,
  0, 0xffffffffffffffac, 0x9f9e66e8b2fd46a7, 0x22520cbbb7885c4a,
  0, 0xffffffffffffffa7, 0xc4742fe35272cd1c, 0x790285d3580a4a34,
  0, 0xffffffffffffffa2, 0xe8d58e16e6751905, 0x4d0c78aea13b9a50,
  0, 0xffffffffffffff9e, 0x850c5131a842e9b9, 0xe2e28e1aa546a152,
  0, 0xffffffffffffff99, 0x92cfcc5a1ac56bd5, 0xf1873bb378948eb3,
]);
/** 1/(2k+1) for k = 0 to 21. */
const INVERSE_ODD: usize = memory.data<u64>([
  0, 0x0, 0x8000000000000000, 0x0,
  0, 0xfffffffffffffffe, 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaab,
  0, 0xfffffffffffffffd, 0xcccccccccccccccc, 0xcccccccccccccccd,
  0, 0xfffffffffffffffd, 0x9249249249249249, 0x2492492492492492,
  0, 0xfffffffffffffffc, 0xe38e38e38e38e38e, 0x38e38e38e38e38e4,
  0, 0xfffffffffffffffc, 0xba2e8ba2e8ba2e8b, 0xa2e8ba2e8ba2e8ba,
  0, 0xfffffffffffffffc, 0x9d89d89d89d89d89, 0xd89d89d89d89d89e,
  0, 0xfffffffffffffffc, 0x8888888888888888, 0x8888888888888889,
  0, 0xfffffffffffffffb, 0xf0f0f0f0f0f0f0f0, 0xf0f0f0f0f0f0f0f1,
  0, 0xfffffffffffffffb, 0xd79435e50d79435e, 0x50d79435e50d7943,
  0, 0xfffffffffffffffb, 0xc30c30c30c30c30c, 0x30c30c30c30c30c3,
  0, 0xfffffffffffffffb, 0xb21642c8590b2164, 0x2c8590b21642c859,
  0, 0xfffffffffffffffb, 0xa3d70a3d70a3d70a, 0x3d70a3d70a3d70a4,
  0, 0xfffffffffffffffb, 0x97b425ed097b425e, 0xd097b425ed097b42,
  0, 0xfffffffffffffffb, 0x8d3dcb08d3dcb08d, 0x3dcb08d3dcb08d3e,
  0, 0xfffffffffffffffb, 0x8421084210842108, 0x4210842108421084,
  0, 0xfffffffffffffffa, 0xf83e0f83e0f83e0f, 0x83e0f83e0f83e0f8,
  0, 0xfffffffffffffffa, 0xea0ea0ea0ea0ea0e, 0xa0ea0ea0ea0ea0ea,
  0, 0xfffffffffffffffa, 0xdd67c8a60dd67c8a, 0x60dd67c8a60dd67d,
  0, 0xfffffffffffffffa, 0xd20d20d20d20d20d, 0x20d20d20d20d20d2,
  0, 0xfffffffffffffffa, 0xc7ce0c7ce0c7ce0c, 0x7ce0c7ce0c7ce0c8,
  0, 0xfffffffffffffffa, 0xbe82fa0be82fa0be, 0x82fa0be82fa0be83,
]);
/** atan(k/16) for k = 0 to 16. */
const ATAN_SIXTEENTHS: usize = memory.data<u64>([
  0, 0xffffffffffffb1e0, 0x0, 0x0,
  0, 0xfffffffffffffffb, 0xffaaddb967ef4e36, 0xcb2792dc0e2e0d51,
  0, 0xfffffffffffffffc, 0xfeadd4d5617b6e32, 0xc897989f3e888ef8,
  0, 0xfffffffffffffffd, 0xbdcbda5e72d81134, 0x7b0b4f881c9c7488,
  0, 0xfffffffffffffffd, 0xfadbafc96406eb15, 0x6dc79ef5f7a217e6,
  0, 0xfffffffffffffffe, 0x9b13b9b83f5e5e69, 0xc5abb498d27af328,
  0, 0xfffffffffffffffe, 0xb7b0ca0f26f78473, 0x8aa32122dcfe4483,
  0, 0xfffffffffffffffe, 0xd327761e611fe5b6, 0x427c95e9001e7136,
  0, 0xfffffffffffffffe, 0xed63382b0dda7b45, 0x6fe445ecbc3a8d03,
  0, 0xffffffffffffffff, 0x832bf4a6d9867e2a, 0x4b6a09cb61a515c1,
  0, 0xffffffffffffffff, 0x8f005d5ef7f59f9b, 0x5c835e1665c43748,
  0, 0xffffffffffffffff, 0x9a2f80e671bdda20, 0x4226f8e2204ff3bd,
  0, 0xffffffffffffffff, 0xa4bc7d1934f70924, 0x19a87f2a457dac9f,
  0, 0xffffffffffffffff, 0xaeac4c38b4d8c080, 0x14725e2f3e52070a,
  0, 0xffffffffffffffff, 0xb8053e2bc2319e73, 0xcb2da55210a4443d,
  0, 0xffffffffffffffff, 0xc0ce85b8ac526640, 0x89dd62c46e92fa25,
  0, 0xffffffffffffffff, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1,
]);
/** 1, ln 2, 2/ln 2, pi/2, pi, pi/4, 3 pi/4. */
const NUMBERS: usize = memory.data<u64>([
  0, 0x0, 0x8000000000000000, 0x0,
  0, 0xffffffffffffffff, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af,
  0, 0x1, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89,
  0, 0x0, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1,
  0, 0x1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1,
  0, 0xffffffffffffffff, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1,
  0, 0x1, 0x96cbe3f9990e91a7, 0x9394c9e8a0a5159d,
]);

/** The accumulator. */
class A {
  static sign: u32 = 0;
  static exp: i32 = 0;
  static hi: u64 = 0;
  static lo: u64 = 0;
}
function setA(sign: u32, exp: i32, hi: u64, lo: u64): void {
  A.sign = sign;
  A.exp = exp;
  A.hi = hi;
  A.lo = lo;
}
function setTable(table: usize, index: u32): void {
  const p = table + (index << 5);
  setA(<u32>load<u64>(p), <i32>load<u64>(p, 8), load<u64>(p, 16), load<u64>(p, 24));
}
function addTable(table: usize, index: u32, negate: u32): void {
  const p = table + (index << 5);
  add(<u32>load<u64>(p) ^ negate, <i32>load<u64>(p, 8), load<u64>(p, 16), load<u64>(p, 24));
}
function mulTable(table: usize, index: u32): void {
  const p = table + (index << 5);
  mul(<u32>load<u64>(p), <i32>load<u64>(p, 8), load<u64>(p, 16), load<u64>(p, 24));
}
/** A *= the number. */
function mul(sign: u32, exp: i32, hi: u64, lo: u64): void {
  const ahi = A.hi;
  const alo = A.lo;
  if (ahi == 0 || hi == 0) {
    A.hi = 0;
    A.lo = 0;
    return;
  }
  let rl = ahi * hi;
  let rh = mulHigh(ahi, hi);
  const x = mulHigh(ahi, lo);
  const y = mulHigh(alo, hi);
  rl += x;
  if (rl < x) rh++;
  rl += y;
  if (rl < y) rh++;
  let e = A.exp + exp + 1;
  if (<i64>rh >= 0) {
    rh = (rh << 1) | (rl >> 63);
    rl <<= 1;
    e--;
  }
  setA(A.sign ^ sign, e, rh, rl);
}
/** A += the number. */
function add(sb: u32, eb: i32, bh: u64, bl: u64): void {
  if (bh == 0) return;
  let sa = A.sign;
  let ea = A.exp;
  let ah = A.hi;
  let al = A.lo;
  if (ah == 0) {
    setA(sb, eb, bh, bl);
    return;
  }
  if (ea < eb || (ea == eb && (ah < bh || (ah == bh && al < bl)))) {
    const s = sa;
    const e = ea;
    const h = ah;
    const l = al;
    sa = sb;
    ea = eb;
    ah = bh;
    al = bl;
    sb = s;
    eb = e;
    bh = h;
    bl = l;
  }
  const d = ea - eb;
  if (d >= 128) {
    setA(sa, ea, ah, al);
    return;
  }
  if (d >= 64) {
    bl = bh >> <u64>(d - 64);
    bh = 0;
  } else if (d != 0) {
    bl = (bl >> <u64>d) | (bh << <u64>(64 - d));
    bh >>= <u64>d;
  }
  if (sa == sb) {
    let l = al + bl;
    const carry = u64(l < al);
    let h = ah + bh;
    let over = h < ah;
    h += carry;
    if (carry != 0 && h == 0) over = true;
    if (over) {
      l = (l >> 1) | (h << 63);
      h = (h >> 1) | TOP_BIT;
      ea++;
    }
    setA(sa, ea, h, l);
    return;
  }
  let l = al - bl;
  let h = ah - bh - u64(al < bl);
  if (h == 0) {
    if (l == 0) {
      setA(0, 0, 0, 0);
      return;
    }
    h = l;
    l = 0;
    ea -= 64;
  }
  const n = clz(h);
  if (n != 0) {
    h = (h << n) | (l >> (64 - n));
    l <<= n;
    ea -= <i32>n;
  }
  setA(sa, ea, h, l);
}
/** A /= the number (nonzero), one bit at a time. */
function div(sign: u32, exp: i32, hi: u64, lo: u64): void {
  if (A.hi == 0) return;
  let rh = A.hi;
  let rl = A.lo;
  let qh: u64 = 0;
  let ql: u64 = 0;
  let e = A.exp - exp;
  let carry: u64 = 0;
  if (rh < hi || (rh == hi && rl < lo)) {
    e--;
    carry = rh >> 63;
    rh = (rh << 1) | (rl >> 63);
    rl <<= 1;
  }
  for (let i: u32 = 0; i < 128; i++) {
    qh = (qh << 1) | (ql >> 63);
    ql <<= 1;
    if (carry != 0 || rh > hi || (rh == hi && rl >= lo)) {
      rh = rh - hi - u64(rl < lo);
      rl -= lo;
      ql |= 1;
    }
    carry = rh >> 63;
    rh = (rh << 1) | (rl >> 63);
    rl <<= 1;
  }
  setA(A.sign ^ sign, e, qh, ql);
}
/** F = A, marked inexact, rounded into R. */
function finishA(sign: u32): void {
  F.sign = A.sign ^ sign;
  F.exp = A.exp;
  F.hi = A.hi;
  F.lo = A.lo | 1;
  pack80();
}

/** A = 2^x - 1 for a nonzero x of at most 1 (Horner over x ln 2). */
function expm1(sign: u32, e: i32, sig: u64): void {
  setTable(NUMBERS, 1);
  mul(sign, e, sig, 0);
  const ys = A.sign;
  const ye = A.exp;
  const yh = A.hi;
  const yl = A.lo;
  const terms: u32 = ye < -40 ? 4 : 26;
  setTable(INVERSE_FACTORIAL, terms);
  for (let k: u32 = terms - 1; k > 0; k--) {
    mul(ys, ye, yh, yl);
    addTable(INVERSE_FACTORIAL, k, 0);
  }
  mul(ys, ye, yh, yl);
}
export function f2xm1R(a: u64, ase: u32): void {
  if (special1(a, ase)) return;
  if (isZero80(a, ase)) {
    setR(a, ase);
    return;
  }
  if (isInf80(a, ase)) {
    if (ase & 0x8000) setR(TOP_BIT, 0xbfff);
    else setR(a, ase);
    return;
  }
  if (isDenormal80(a, ase)) F.exc |= FX_DE;
  const e = exp80(a, ase);
  if (e >= 0) {
    // The bounds are exact; past them the result is undefined and the operand stays.
    F.exc |= FX_PE;
    if (a == TOP_BIT && e == 0) setR(TOP_BIT, ase & 0x8000 ? 0xbffe : 0x3fff);
    else setR(a, ase);
    return;
  }
  expm1(ase >> 15, e, sig80(a));
  finishA(0);
}

/** A = 2 atanh(A) / ln 2 = log2((1 + A) / (1 - A)), for small A. */
function log2Series(): void {
  const s = A.sign;
  const e = A.exp;
  const h = A.hi;
  const l = A.lo;
  if (h == 0) return;
  mul(s, e, h, l);
  const e2 = A.exp;
  const h2 = A.hi;
  const l2 = A.lo;
  const terms: u32 = e2 < -60 ? 2 : 20;
  setTable(INVERSE_ODD, terms);
  for (let k: i32 = <i32>terms - 1; k >= 0; k--) {
    mul(0, e2, h2, l2);
    addTable(INVERSE_ODD, k, 0);
  }
  mul(s, e, h, l);
  mulTable(NUMBERS, 2);
}
function addInteger(n: i32): void {
  if (n == 0) return;
  const m = <u64>(n < 0 ? -n : n);
  const z = clz(m);
  add(n < 0 ? 1 : 0, 63 - <i32>z, m << z, 0);
}
/** y * log2(x): x = a, y = b. */
export function fyl2xR(a: u64, ase: u32, b: u64, bse: u32): void {
  if (special2(a, ase, b, bse)) return;
  if (isZero80(a, ase)) {
    if (isZero80(b, bse)) invalid80();
    else if (isInf80(b, bse)) setR(TOP_BIT, (bse ^ 0x8000) | 0x7fff);
    else {
      F.exc |= FX_ZE;
      setR(TOP_BIT, ((bse ^ 0x8000) & 0x8000) | 0x7fff);
    }
    return;
  }
  if (ase & 0x8000) {
    invalid80();
    return;
  }
  const one = a == TOP_BIT && ase == 0x3fff;
  const below = (ase & 0x7fff) < 0x3fff;
  if (isInf80(a, ase)) {
    if (isZero80(b, bse)) {
      invalid80();
      return;
    }
    if (isDenormal80(b, bse)) F.exc |= FX_DE;
    setR(TOP_BIT, (bse & 0x8000) | 0x7fff);
    return;
  }
  if (isInf80(b, bse)) {
    if (one) invalid80();
    else {
      if (isDenormal80(a, ase)) F.exc |= FX_DE;
      setR(TOP_BIT, below ? bse ^ 0x8000 : bse);
    }
    return;
  }
  if (isDenormal80(a, ase) || isDenormal80(b, bse)) F.exc |= FX_DE;
  if (isZero80(b, bse) || one) {
    setR(0, (bse & 0x8000) ^ (below ? 0x8000 : 0));
    return;
  }
  let e = exp80(a, ase);
  const m = sig80(a);
  // m in [sqrt(1/2), sqrt 2)
  let me: i32 = 0;
  if (m > 0xb504f333f9de6484) {
    me = -1;
    e++;
  }
  if (m == TOP_BIT) setA(0, 0, 0, 0);
  else {
    setA(0, me, m, 0);
    add(0, 0, TOP_BIT, 0);
    const dh = A.hi;
    const dl = A.lo;
    const de = A.exp;
    setA(0, me, m, 0);
    add(1, 0, TOP_BIT, 0);
    div(0, de, dh, dl);
    log2Series();
  }
  const exact = m == TOP_BIT;
  addInteger(e);
  mul(bse >> 15, exp80(b, bse), sig80(b), 0);
  if (exact) {
    // A power of two: the product may be exact, but the units report PE all the same.
    F.exc |= FX_PE;
    F.sign = A.sign;
    F.exp = A.exp;
    F.hi = A.hi;
    F.lo = A.lo;
    pack80();
  } else finishA(0);
}
/** y * log2(x + 1). */
export function fyl2xp1R(a: u64, ase: u32, b: u64, bse: u32): void {
  if (special2(a, ase, b, bse)) return;
  const sign = (ase ^ bse) & 0x8000;
  if (isInf80(a, ase)) {
    if (ase & 0x8000 || isZero80(b, bse)) invalid80();
    else {
      if (isDenormal80(b, bse)) F.exc |= FX_DE;
      setR(TOP_BIT, sign | 0x7fff);
    }
    return;
  }
  if (isInf80(b, bse)) {
    if (isZero80(a, ase)) invalid80();
    else {
      if (isDenormal80(a, ase)) F.exc |= FX_DE;
      setR(TOP_BIT, sign | 0x7fff);
    }
    return;
  }
  if (isDenormal80(a, ase) || isDenormal80(b, bse)) F.exc |= FX_DE;
  if (a == 0 || b == 0) {
    setR(0, sign);
    return;
  }
  const e = exp80(a, ase);
  const s = ase >> 15;
  if (s != 0 && e >= 0) {
    // Below -1 (undefined): the operand stays.
    F.exc |= FX_PE;
    setR(a, ase);
    return;
  }
  const m = sig80(a);
  if (e >= 0) {
    // Past the documented range: 1 + x, then as a logarithm.
    setA(0, e, m, 0);
    add(0, 0, TOP_BIT, 0);
    const n = A.exp;
    A.exp = 0;
    const h = A.hi;
    const l = A.lo;
    add(0, 0, TOP_BIT, 0);
    const dh = A.hi;
    const dl = A.lo;
    const de = A.exp;
    setA(0, 0, h, l);
    add(1, 0, TOP_BIT, 0);
    div(0, de, dh, dl);
    log2Series();
    addInteger(n);
  } else {
    // s = x / (2 + x)
    setA(s, e, m, 0);
    add(0, 1, TOP_BIT, 0);
    const dh = A.hi;
    const dl = A.lo;
    const de = A.exp;
    setA(s, e, m, 0);
    div(0, de, dh, dl);
    log2Series();
  }
  mul(bse >> 15, exp80(b, bse), sig80(b), 0);
  finishA(0);
}

/** atan(y / x): x = a (ST0), y = b (ST1). */
export function fpatanR(a: u64, ase: u32, b: u64, bse: u32): void {
  if (special2(a, ase, b, bse)) return;
  const sign = bse >> 15;
  const behind = (ase & 0x8000) != 0;
  if (isDenormal80(a, ase) || isDenormal80(b, bse)) F.exc |= FX_DE;
  const ai = isInf80(a, ase);
  const bi = isInf80(b, bse);
  if (bi) {
    setTable(NUMBERS, ai ? (behind ? 6 : 5) : 3);
    finishA(sign);
    return;
  }
  if (b == 0 || ai) {
    if (behind) {
      setTable(NUMBERS, 4);
      finishA(sign);
    } else setR(0, bse & 0x8000);
    return;
  }
  if (a == 0) {
    setTable(NUMBERS, 3);
    finishA(sign);
    return;
  }
  const ea = exp80(a, ase);
  const eb = exp80(b, bse);
  const na = sig80(a);
  const nb = sig80(b);
  const steep = eb > ea || (eb == ea && nb > na);
  // The quotient may be far below every exponent: the 32-bit exponents of A have room.
  setA(0, steep ? ea : eb, steep ? na : nb, 0);
  div(0, steep ? eb : ea, steep ? nb : na, 0);
  // t in (0, 1]: subtract the nearest sixteenth.
  let k: u32 = 0;
  if (A.exp >= -5) k = <u32>(((A.hi >> <u64>(-A.exp)) + 0x0400000000000000) >> 59);
  const te = A.exp;
  const th = A.hi;
  const tl = A.lo;
  if (k != 0) {
    const z = clz(<u64>k);
    const ce = 59 - <i32>z;
    const ch = <u64>k << z;
    setA(0, te, th, tl);
    mul(0, ce, ch, 0);
    add(0, 0, TOP_BIT, 0);
    const de = A.exp;
    const dh = A.hi;
    const dl = A.lo;
    setA(0, te, th, tl);
    add(1, ce, ch, 0);
    div(0, de, dh, dl);
  }
  if (A.hi != 0) {
    const s = A.sign;
    const e = A.exp;
    const h = A.hi;
    const l = A.lo;
    if (e > -70) {
      mul(s, e, h, l);
      const e2 = A.exp;
      const h2 = A.hi;
      const l2 = A.lo;
      setTable(INVERSE_ODD, 12);
      for (let i: i32 = 11; i >= 0; i--) {
        mul(1, e2, h2, l2);
        addTable(INVERSE_ODD, i, 0);
      }
      mul(s, e, h, l);
    } else shrink();
  }
  if (k != 0) addTable(ATAN_SIXTEENTHS, k, 0);
  if (steep) {
    A.sign ^= 1;
    addTable(NUMBERS, 3, 0);
  }
  if (behind) {
    A.sign ^= 1;
    addTable(NUMBERS, 4, 0);
  }
  finishA(sign);
}

// ---- sine and cosine ------------------------------------------------------------------------------------------------
/** pi/2 in units of 2^-67: 66 bits of pi. */
const HALF_PI_HIGH: u64 = 0xc;
const HALF_PI_LOW: u64 = 0x90fdaa22168c234c;
/** Reduced argument of the running instruction, |r| <= pi/4. */
class Angle {
  static sign: u32 = 0;
  static exp: i32 = 0;
  static hi: u64 = 0;
  static lo: u64 = 0;
}
/** Reduces a nonzero |x| < 2^63; returns the quadrant. */
function reduce(e: i32, sig: u64): u32 {
  Angle.sign = 0;
  if (e < -1) {
    Angle.exp = e;
    Angle.hi = sig;
    Angle.lo = 0;
    return 0;
  }
  let rh: u64 = 0;
  let rl = sig;
  let q: u32 = 0;
  for (let i: i32 = e + 4; i > 0; i--) {
    rh = (rh << 1) | (rl >> 63);
    rl <<= 1;
    q <<= 1;
    if (rh > HALF_PI_HIGH || (rh == HALF_PI_HIGH && rl >= HALF_PI_LOW)) {
      rh = rh - HALF_PI_HIGH - u64(rl < HALF_PI_LOW);
      rl -= HALF_PI_LOW;
      q |= 1;
    }
  }
  const th = (rh << 1) | (rl >> 63);
  const tl = rl << 1;
  if (th > HALF_PI_HIGH || (th == HALF_PI_HIGH && tl > HALF_PI_LOW)) {
    const l = rl;
    rl = HALF_PI_LOW - l;
    rh = HALF_PI_HIGH - rh - u64(HALF_PI_LOW < l);
    q++;
    Angle.sign = 1;
  }
  let exp: i32 = 60; // the leading bit of rh has weight 2^(127 - 67)
  if (rh == 0) {
    rh = rl;
    rl = 0;
    exp -= 64;
  }
  const n = clz(rh);
  if (n != 0 && rh != 0) {
    rh = (rh << n) | (rl >> (64 - n));
    rl <<= n;
  }
  Angle.exp = exp - <i32>n;
  Angle.hi = rh;
  Angle.lo = rl;
  return q & 3;
}
/** A = sine (odd = 1) or cosine (odd = 0) of the reduced angle. */
function series(odd: u32): void {
  const e = Angle.exp;
  const h = Angle.hi;
  const l = Angle.lo;
  setA(0, e, h, l);
  mul(0, e, h, l);
  const e2 = A.exp;
  const h2 = A.hi;
  const l2 = A.lo;
  const terms: u32 = e < -64 ? 1 : 13;
  setTable(INVERSE_FACTORIAL, (terms << 1) + odd);
  for (let k: i32 = <i32>terms - 1; k >= 0; k--) {
    mul(1, e2, h2, l2);
    addTable(INVERSE_FACTORIAL, (k << 1) + odd, 0);
  }
  if (odd) mul(Angle.sign, e, h, l);
  // Terms below 128 bits were lost; they only make the result smaller.
  if (e < -60) shrink();
}
/** The next smaller magnitude. */
function shrink(): void {
  if (A.lo == 0) {
    A.hi--;
    if (<i64>A.hi >= 0) {
      A.hi = 0xffffffffffffffff;
      A.exp--;
    }
  }
  A.lo--;
}
/** A = sin (which = 0) or cos (which = 1) of the angle in quadrant q, for positive x. */
function circular(q: u32, which: u32): void {
  const n = (q + which) & 3;
  series(n & 1 ? 0 : 1);
  if (n & 2) A.sign ^= 1;
}
/** True: R is the result or the argument is out of range (`outOfRange`). */
export let outOfRange: bool = false;
function trigSpecial(a: u64, ase: u32): bool {
  outOfRange = false;
  if (special1(a, ase)) return true;
  if (isInf80(a, ase)) {
    invalid80();
    return true;
  }
  if (a == 0) return false;
  if (exp80(a, ase) >= 63) {
    outOfRange = true;
    return true;
  }
  if (isDenormal80(a, ase)) F.exc |= FX_DE;
  return false;
}
export function fsinR(a: u64, ase: u32): void {
  if (trigSpecial(a, ase)) return;
  if (a == 0) {
    setR(a, ase);
    return;
  }
  circular(reduce(exp80(a, ase), sig80(a)), 0);
  finishA(ase >> 15);
}
export function fcosR(a: u64, ase: u32): void {
  if (trigSpecial(a, ase)) return;
  if (a == 0) {
    setR(TOP_BIT, 0x3fff);
    return;
  }
  circular(reduce(exp80(a, ase), sig80(a)), 1);
  finishA(0);
}
export function fptanR(a: u64, ase: u32): void {
  if (trigSpecial(a, ase)) return;
  if (a == 0) {
    setR(a, ase);
    return;
  }
  const q = reduce(exp80(a, ase), sig80(a));
  if (Angle.exp < -60 && !(q & 1)) {
    // tan x is x and a little more.
    setA(Angle.sign, Angle.exp, Angle.hi, Angle.lo);
    finishA(ase >> 15);
    return;
  }
  circular(q, 1);
  const s = A.sign;
  const e = A.exp;
  const h = A.hi;
  const l = A.lo;
  circular(q, 0);
  div(s, e, h, l);
  finishA(ase >> 15);
}
