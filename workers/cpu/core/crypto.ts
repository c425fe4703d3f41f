// AES-NI, PCLMULQDQ and the SHA extensions: values in, value out. Intel SDM 2; FIPS 197 (AES) and FIPS 180-4 (SHA) for the functions' names.

import { Regs } from "./state";

const SBOX: usize = memory.data<u8>([
  0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76, 0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0,
  0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0, 0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
  0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75, 0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0,
  0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84, 0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
  0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8, 0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5,
  0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2, 0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
  0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb, 0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c,
  0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79, 0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
  0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a, 0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e,
  0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e, 0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
  0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16,
]);
const INVERSE_SBOX: usize = memory.data<u8>([
  0x52, 0x09, 0x6a, 0xd5, 0x30, 0x36, 0xa5, 0x38, 0xbf, 0x40, 0xa3, 0x9e, 0x81, 0xf3, 0xd7, 0xfb, 0x7c, 0xe3, 0x39, 0x82, 0x9b, 0x2f, 0xff, 0x87,
  0x34, 0x8e, 0x43, 0x44, 0xc4, 0xde, 0xe9, 0xcb, 0x54, 0x7b, 0x94, 0x32, 0xa6, 0xc2, 0x23, 0x3d, 0xee, 0x4c, 0x95, 0x0b, 0x42, 0xfa, 0xc3, 0x4e,
  0x08, 0x2e, 0xa1, 0x66, 0x28, 0xd9, 0x24, 0xb2, 0x76, 0x5b, 0xa2, 0x49, 0x6d, 0x8b, 0xd1, 0x25, 0x72, 0xf8, 0xf6, 0x64, 0x86, 0x68, 0x98, 0x16,
  0xd4, 0xa4, 0x5c, 0xcc, 0x5d, 0x65, 0xb6, 0x92, 0x6c, 0x70, 0x48, 0x50, 0xfd, 0xed, 0xb9, 0xda, 0x5e, 0x15, 0x46, 0x57, 0xa7, 0x8d, 0x9d, 0x84,
  0x90, 0xd8, 0xab, 0x00, 0x8c, 0xbc, 0xd3, 0x0a, 0xf7, 0xe4, 0x58, 0x05, 0xb8, 0xb3, 0x45, 0x06, 0xd0, 0x2c, 0x1e, 0x8f, 0xca, 0x3f, 0x0f, 0x02,
  0xc1, 0xaf, 0xbd, 0x03, 0x01, 0x13, 0x8a, 0x6b, 0x3a, 0x91, 0x11, 0x41, 0x4f, 0x67, 0xdc, 0xea, 0x97, 0xf2, 0xcf, 0xce, 0xf0, 0xb4, 0xe6, 0x73,
  0x96, 0xac, 0x74, 0x22, 0xe7, 0xad, 0x35, 0x85, 0xe2, 0xf9, 0x37, 0xe8, 0x1c, 0x75, 0xdf, 0x6e, 0x47, 0xf1, 0x1a, 0x71, 0x1d, 0x29, 0xc5, 0x89,
  0x6f, 0xb7, 0x62, 0x0e, 0xaa, 0x18, 0xbe, 0x1b, 0xfc, 0x56, 0x3e, 0x4b, 0xc6, 0xd2, 0x79, 0x20, 0x9a, 0xdb, 0xc0, 0xfe, 0x78, 0xcd, 0x5a, 0xf4,
  0x1f, 0xdd, 0xa8, 0x33, 0x88, 0x07, 0xc7, 0x31, 0xb1, 0x12, 0x10, 0x59, 0x27, 0x80, 0xec, 0x5f, 0x60, 0x51, 0x7f, 0xa9, 0x19, 0xb5, 0x4a, 0x0d,
  0x2d, 0xe5, 0x7a, 0x9f, 0x93, 0xc9, 0x9c, 0xef, 0xa0, 0xe0, 0x3b, 0x4d, 0xae, 0x2a, 0xf5, 0xb0, 0xc8, 0xeb, 0xbb, 0x3c, 0x83, 0x53, 0x99, 0x61,
  0x17, 0x2b, 0x04, 0x7e, 0xba, 0x77, 0xd6, 0x26, 0xe1, 0x69, 0x14, 0x63, 0x55, 0x21, 0x0c, 0x7d,
]);

function substitute64(x: u64, table: usize): u64 {
  let r: u64 = 0;
  for (let n: u64 = 0; n < 64; n += 8) r |= (<u64>load<u8>(table + ((<usize>(x >> n)) & 0xff))) << n;
  return r;
}
function substitute(v: v128, table: usize): v128 {
  const low = substitute64(i64x2.extract_lane(v, 0), table);
  return i64x2.replace_lane(i64x2.splat(low), 1, substitute64(i64x2.extract_lane(v, 1), table));
}
function shiftRows(v: v128): v128 {
  return i8x16.shuffle(v, v, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11);
}
function inverseShiftRows(v: v128): v128 {
  return i8x16.shuffle(v, v, 0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3);
}
/** Every byte times x in the field of AES. */
function xtime(v: v128): v128 {
  return v128.xor(i8x16.add(v, v), v128.and(i8x16.shr_s(v, 7), i8x16.splat(0x1b)));
}
function mixColumns(v: v128): v128 {
  const r1 = i8x16.shuffle(v, v, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
  const r2 = i8x16.shuffle(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  const r3 = i8x16.shuffle(v, v, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
  return v128.xor(v128.xor(xtime(v128.xor(v, r1)), r1), v128.xor(r2, r3));
}
export function aesimc(w: v128): v128 {
  const r2 = i8x16.shuffle(w, w, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  return mixColumns(v128.xor(w, xtime(xtime(v128.xor(w, r2)))));
}
export function aesenc(v: v128, w: v128): v128 {
  return v128.xor(mixColumns(substitute(shiftRows(v), SBOX)), w);
}
export function aesenclast(v: v128, w: v128): v128 {
  return v128.xor(substitute(shiftRows(v), SBOX), w);
}
export function aesdec(v: v128, w: v128): v128 {
  return v128.xor(aesimc(substitute(inverseShiftRows(v), INVERSE_SBOX)), w);
}
export function aesdeclast(v: v128, w: v128): v128 {
  return v128.xor(substitute(inverseShiftRows(v), INVERSE_SBOX), w);
}
export function aeskeygenassist(w: v128, imm: u8): v128 {
  const s = substitute(w, SBOX);
  const a: u32 = i32x4.extract_lane(s, 1);
  const b: u32 = i32x4.extract_lane(s, 3);
  let r = i32x4.splat(a);
  r = i32x4.replace_lane(r, 1, rotr<u32>(a, 8) ^ imm);
  r = i32x4.replace_lane(r, 2, b);
  return i32x4.replace_lane(r, 3, rotr<u32>(b, 8) ^ imm);
}

// ---- carry-less multiplication --------------------------------------------------------------------------------------
const HOLES: u64 = 0x1111111111111111;
/** Low half of the product: every fourth bit at a time, so that the carries of an ordinary product fall into the holes. */
function carrylessLow(x: u64, y: u64): u64 {
  const x0 = x & HOLES;
  const x1 = x & (HOLES << 1);
  const x2 = x & (HOLES << 2);
  const x3 = x & (HOLES << 3);
  const y0 = y & HOLES;
  const y1 = y & (HOLES << 1);
  const y2 = y & (HOLES << 2);
  const y3 = y & (HOLES << 3);
  return (
    (((x0 * y0) ^ (x1 * y3) ^ (x2 * y2) ^ (x3 * y1)) & HOLES) |
    (((x0 * y1) ^ (x1 * y0) ^ (x2 * y3) ^ (x3 * y2)) & (HOLES << 1)) |
    (((x0 * y2) ^ (x1 * y1) ^ (x2 * y0) ^ (x3 * y3)) & (HOLES << 2)) |
    (((x0 * y3) ^ (x1 * y2) ^ (x2 * y1) ^ (x3 * y0)) & (HOLES << 3))
  );
}
function reverse(x: u64): u64 {
  x = ((x >> 1) & 0x5555555555555555) | ((x & 0x5555555555555555) << 1);
  x = ((x >> 2) & 0x3333333333333333) | ((x & 0x3333333333333333) << 2);
  x = ((x >> 4) & 0x0f0f0f0f0f0f0f0f) | ((x & 0x0f0f0f0f0f0f0f0f) << 4);
  return bswap<u64>(x);
}
export function pclmulqdq(v: v128, w: v128, imm: u8): v128 {
  const a: u64 = imm & 1 ? i64x2.extract_lane(v, 1) : i64x2.extract_lane(v, 0);
  const b: u64 = imm & 16 ? i64x2.extract_lane(w, 1) : i64x2.extract_lane(w, 0);
  const high = reverse(carrylessLow(reverse(a), reverse(b))) >> 1;
  return i64x2.replace_lane(i64x2.splat(carrylessLow(a, b)), 1, high);
}

// ---- SHA ------------------------------------------------------------------------------------------------------------
function dwords(d0: u32, d1: u32, d2: u32, d3: u32): v128 {
  let r = i32x4.splat(d0);
  r = i32x4.replace_lane(r, 1, d1);
  r = i32x4.replace_lane(r, 2, d2);
  return i32x4.replace_lane(r, 3, d3);
}
export function sha1rnds4(v: v128, w: v128, imm: u8): v128 {
  let a: u32 = i32x4.extract_lane(v, 3);
  let b: u32 = i32x4.extract_lane(v, 2);
  let c: u32 = i32x4.extract_lane(v, 1);
  let d: u32 = i32x4.extract_lane(v, 0);
  let e: u32 = 0; // the caller added it to the first message word
  const kind = imm & 3;
  const k: u32 = kind == 0 ? 0x5a827999 : kind == 1 ? 0x6ed9eba1 : kind == 2 ? 0x8f1bbcdc : 0xca62c1d6;
  for (let i: u32 = 0; i < 4; i++) {
    const m: u32 = i == 0 ? i32x4.extract_lane(w, 3) : i == 1 ? i32x4.extract_lane(w, 2) : i == 2 ? i32x4.extract_lane(w, 1) : i32x4.extract_lane(w, 0);
    const f = kind == 0 ? (b & c) ^ (~b & d) : kind == 2 ? (b & c) ^ (b & d) ^ (c & d) : b ^ c ^ d;
    const t = f + rotl<u32>(a, 5) + m + e + k;
    e = d;
    d = c;
    c = rotl<u32>(b, 30);
    b = a;
    a = t;
  }
  return dwords(d, c, b, a);
}
export function sha1nexte(v: v128, w: v128): v128 {
  const e: u32 = i32x4.extract_lane(v, 3);
  return i32x4.replace_lane(w, 3, <u32>i32x4.extract_lane(w, 3) + rotl<u32>(e, 30));
}
export function sha1msg1(v: v128, w: v128): v128 {
  return v128.xor(v, i64x2.shuffle(w, v, 1, 2));
}
export function sha1msg2(v: v128, w: v128): v128 {
  const w16 = rotl<u32>(<u32>i32x4.extract_lane(v, 3) ^ <u32>i32x4.extract_lane(w, 2), 1);
  const w17 = rotl<u32>(<u32>i32x4.extract_lane(v, 2) ^ <u32>i32x4.extract_lane(w, 1), 1);
  const w18 = rotl<u32>(<u32>i32x4.extract_lane(v, 1) ^ <u32>i32x4.extract_lane(w, 0), 1);
  const w19 = rotl<u32>(<u32>i32x4.extract_lane(v, 0) ^ w16, 1);
  return dwords(w19, w18, w17, w16);
}
/** The two rounds take their message words, with constants added, from XMM0. */
export function sha256rnds2(v: v128, w: v128): v128 {
  const message = load<u64>(Regs.xmm(0));
  let a: u32 = i32x4.extract_lane(w, 3);
  let b: u32 = i32x4.extract_lane(w, 2);
  let c: u32 = i32x4.extract_lane(v, 3);
  let d: u32 = i32x4.extract_lane(v, 2);
  let e: u32 = i32x4.extract_lane(w, 1);
  let f: u32 = i32x4.extract_lane(w, 0);
  let g: u32 = i32x4.extract_lane(v, 1);
  let h: u32 = i32x4.extract_lane(v, 0);
  for (let i: u64 = 0; i < 2; i++) {
    const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const t = ((e & f) ^ (~e & g)) + s1 + <u32>(message >> (i << 5)) + h;
    const next = t + ((a & b) ^ (a & c) ^ (b & c)) + s0;
    h = g;
    g = f;
    f = e;
    e = t + d;
    d = c;
    c = b;
    b = a;
    a = next;
  }
  return dwords(f, e, b, a);
}
function sigma0(x: u32): u32 {
  return rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3);
}
function sigma1(x: u32): u32 {
  return rotr<u32>(x, 17) ^ rotr<u32>(x, 19) ^ (x >> 10);
}
export function sha256msg1(v: v128, w: v128): v128 {
  return i32x4.add(
    v,
    dwords(sigma0(i32x4.extract_lane(v, 1)), sigma0(i32x4.extract_lane(v, 2)), sigma0(i32x4.extract_lane(v, 3)), sigma0(i32x4.extract_lane(w, 0))),
  );
}
export function sha256msg2(v: v128, w: v128): v128 {
  const w16 = <u32>i32x4.extract_lane(v, 0) + sigma1(i32x4.extract_lane(w, 2));
  const w17 = <u32>i32x4.extract_lane(v, 1) + sigma1(i32x4.extract_lane(w, 3));
  const w18 = <u32>i32x4.extract_lane(v, 2) + sigma1(w16);
  const w19 = <u32>i32x4.extract_lane(v, 3) + sigma1(w17);
  return dwords(w16, w17, w18, w19);
}
