// Integer SIMD on 128-bit registers: SSE2, SSSE3, SSE4.1 and SSE4.2 (string compares and CRC32 included), and the moves and shuffles of
// SSE. Intel SDM 2, one function per mnemonic; operands and results as rows-sse.ts names them. wasm SIMD wherever it is exact.

import { GP, NM, raise, raiseCode, UD } from "./fault";
import { setFlagBits } from "./flags";
import { CR0, CR4, MXCSR, PREFIX_REX_W, REC_ADDR_SHIFT, REC_PREFIX, REC_R0, REC_R1, REC_SEG } from "./layout";
import { ACCESS_READ, Mem, translate } from "./mmu";
import { Ea } from "./operands";
import { currentRecord } from "./run";
import { updateFast } from "./sse-float";
import { RAX, RCX, RDI, RDX, Regs, vcpu } from "./state";

/** CR0.EM or no CR4.OSFXSR: #UD; CR0.TS: #NM. */
export function sseGuard(r: usize): void {
  const cr0 = load<u64>(vcpu, CR0);
  if ((cr0 & 12) == 0 && (load<u64>(vcpu, CR4) & 0x200) != 0) return;
  if ((cr0 & 4) != 0 || (load<u64>(vcpu, CR4) & 0x200) == 0) raise(UD);
  raise(NM);
}

// ---- control, hints -------------------------------------------------------------------------------------------------
export function ldmxcsr(value: u32): void {
  if (value & 0xffff0000) raiseGp();
  store<u32>(vcpu, value, MXCSR);
  updateFast();
}
function raiseGp(): void {
  raiseCode(GP, 0);
}
/** Fences, PAUSE and prefetches: nothing to order, nothing to fetch. */
export function hint(): void {}
export function hintM(linear: u64): void {}
/** CLFLUSH, CLFLUSHOPT, CLWB: nothing to flush, but they fault like a load. */
export function flushLine(linear: u64): void {
  translate(linear, ACCESS_READ);
}

// ---- moves ----------------------------------------------------------------------------------------------------------
export function movVdq(w: v128): v128 {
  return w;
}
export function movdToVdq<T>(x: T): v128 {
  return i64x2.replace_lane(i64x2.splat(0), 0, <u64>x);
}
export function movdFromVdq<T>(v: v128): T {
  return <T>i64x2.extract_lane(v, 0);
}
export function movqToVdq(x: u64): v128 {
  return i64x2.replace_lane(i64x2.splat(0), 0, x);
}
export function movqFromVdq(v: v128): u64 {
  return i64x2.extract_lane(v, 0);
}
export function movdLow(v: v128): u32 {
  return i32x4.extract_lane(v, 0);
}
/** MOVQ between registers: the upper half is cleared. */
export function movqReg(v: v128): v128 {
  return i64x2.replace_lane(v, 1, 0);
}
export function movssMerge(v: v128, w: v128): v128 {
  return i32x4.shuffle(v, w, 4, 1, 2, 3);
}
export function movssLoad(x: u32): v128 {
  return i32x4.replace_lane(i32x4.splat(0), 0, x);
}
export function movsdMerge(v: v128, w: v128): v128 {
  return i64x2.shuffle(v, w, 2, 1);
}
export function movlps(v: v128, x: u64): v128 {
  return i64x2.replace_lane(v, 0, x);
}
export function movhps(v: v128, x: u64): v128 {
  return i64x2.replace_lane(v, 1, x);
}
export function movhlps(v: v128, w: v128): v128 {
  return i64x2.shuffle(v, w, 3, 1);
}
export function movlhps(v: v128, w: v128): v128 {
  return i64x2.shuffle(v, w, 0, 2);
}
export function movhpsStore(v: v128): u64 {
  return i64x2.extract_lane(v, 1);
}
export function movddup(x: u64): v128 {
  return i64x2.splat(x);
}
export function movsldup(w: v128): v128 {
  return i32x4.shuffle(w, w, 0, 0, 2, 2);
}
export function movshdup(w: v128): v128 {
  return i32x4.shuffle(w, w, 1, 1, 3, 3);
}
export function movnti<T>(x: T): T {
  return x;
}
export function movmskps(w: v128): u32 {
  return i32x4.bitmask(w);
}
export function movmskpd(w: v128): u32 {
  return i64x2.bitmask(w);
}
export function pmovmskb(w: v128): u32 {
  return i8x16.bitmask(w);
}
/** The selected bytes of a register to DS:rDI (segment override allowed); bytes not selected are not touched. */
export function maskmovdqu(r: usize): void {
  const v = v128.load(Regs.xmm(load<u8>(r, REC_R0)));
  const mask = i8x16.bitmask(v128.load(Regs.xmm(load<u8>(r, REC_R1))));
  storeMasked(r, i64x2.extract_lane(v, 0), mask & 0xff, i64x2.extract_lane(v, 1), mask >> 8);
}
export function storeMasked(r: usize, low: u64, lowMask: u32, high: u64, highMask: u32): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const linear = Ea.writeAt(load<u8>(r, REC_SEG), (Regs.get(RDI) << shift) >> shift, 1);
  for (let i: u32 = 0; i < 16; i++) {
    if (((lowMask | (highMask << 8)) >> i) & 1) Mem.probeWrite(linear + i, 1);
  }
  for (let i: u32 = 0; i < 8; i++) {
    if ((lowMask >> i) & 1) Mem.write<u8>(linear + i, <u8>(low >> (i << 3)));
    if ((highMask >> i) & 1) Mem.write<u8>(linear + 8 + i, <u8>(high >> (i << 3)));
  }
}

// ---- shuffles -------------------------------------------------------------------------------------------------------
function selectors(imm: u32): u32 {
  return (imm & 3) | ((imm & 12) << 6) | ((imm & 48) << 12) | ((imm & 192) << 18);
}
/** Byte indices of a shuffle of four dwords. */
function dwordIndex(imm: u32): v128 {
  const s = selectors(imm) << 2;
  const t = i32x4.splat(s);
  return i32x4.add(i8x16.shuffle(t, t, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), i32x4.splat(0x03020100));
}
export function pshufd(w: v128, imm: u8): v128 {
  return i8x16.swizzle(w, dwordIndex(imm));
}
/** Four words of a u64. */
export function shuffleWords(x: u64, imm: u32): u64 {
  return (
    ((x >> (<u64>(imm & 3) << 4)) & 0xffff) |
    (((x >> (<u64>((imm >> 2) & 3) << 4)) & 0xffff) << 16) |
    (((x >> (<u64>((imm >> 4) & 3) << 4)) & 0xffff) << 32) |
    ((x >> (<u64>((imm >> 6) & 3) << 4)) << 48)
  );
}
export function pshuflw(w: v128, imm: u8): v128 {
  return i64x2.replace_lane(w, 0, shuffleWords(i64x2.extract_lane(w, 0), imm));
}
export function pshufhw(w: v128, imm: u8): v128 {
  return i64x2.replace_lane(w, 1, shuffleWords(i64x2.extract_lane(w, 1), imm));
}
export function shufps(v: v128, w: v128, imm: u8): v128 {
  const index = dwordIndex(imm);
  return i64x2.shuffle(i8x16.swizzle(v, index), i8x16.swizzle(w, index), 0, 3);
}
export function shufpd(v: v128, w: v128, imm: u8): v128 {
  const low: u64 = imm & 1 ? i64x2.extract_lane(v, 1) : i64x2.extract_lane(v, 0);
  const high: u64 = imm & 2 ? i64x2.extract_lane(w, 1) : i64x2.extract_lane(w, 0);
  return i64x2.replace_lane(i64x2.splat(low), 1, high);
}
export function unpcklps(v: v128, w: v128): v128 {
  return i32x4.shuffle(v, w, 0, 4, 1, 5);
}
export function unpckhps(v: v128, w: v128): v128 {
  return i32x4.shuffle(v, w, 2, 6, 3, 7);
}
export function unpcklpd(v: v128, w: v128): v128 {
  return i64x2.shuffle(v, w, 0, 2);
}
export function unpckhpd(v: v128, w: v128): v128 {
  return i64x2.shuffle(v, w, 1, 3);
}
/** PINSRW and PEXTRW through a byte swizzle would need memory; a lane is chosen by shifting a half. */
export function pinsrw(v: v128, x: u32, imm: u8): v128 {
  const shift = <u64>(imm & 3) << 4;
  const mask = ~((<u64>0xffff) << shift);
  const bits = <u64>(x & 0xffff) << shift;
  if (imm & 4) return i64x2.replace_lane(v, 1, (i64x2.extract_lane(v, 1) & mask) | bits);
  return i64x2.replace_lane(v, 0, (i64x2.extract_lane(v, 0) & mask) | bits);
}
export function pextrw(w: v128, imm: u8): u32 {
  const half: u64 = imm & 4 ? i64x2.extract_lane(w, 1) : i64x2.extract_lane(w, 0);
  return <u32>(half >> (<u64>(imm & 3) << 4)) & 0xffff;
}

// ---- arithmetic and logic -------------------------------------------------------------------------------------------
export function paddb(v: v128, w: v128): v128 {
  return i8x16.add(v, w);
}
export function paddw(v: v128, w: v128): v128 {
  return i16x8.add(v, w);
}
export function paddd(v: v128, w: v128): v128 {
  return i32x4.add(v, w);
}
export function paddq(v: v128, w: v128): v128 {
  return i64x2.add(v, w);
}
export function psubb(v: v128, w: v128): v128 {
  return i8x16.sub(v, w);
}
export function psubw(v: v128, w: v128): v128 {
  return i16x8.sub(v, w);
}
export function psubd(v: v128, w: v128): v128 {
  return i32x4.sub(v, w);
}
export function psubq(v: v128, w: v128): v128 {
  return i64x2.sub(v, w);
}
export function paddsb(v: v128, w: v128): v128 {
  return i8x16.add_sat_s(v, w);
}
export function paddsw(v: v128, w: v128): v128 {
  return i16x8.add_sat_s(v, w);
}
export function paddusb(v: v128, w: v128): v128 {
  return i8x16.add_sat_u(v, w);
}
export function paddusw(v: v128, w: v128): v128 {
  return i16x8.add_sat_u(v, w);
}
export function psubsb(v: v128, w: v128): v128 {
  return i8x16.sub_sat_s(v, w);
}
export function psubsw(v: v128, w: v128): v128 {
  return i16x8.sub_sat_s(v, w);
}
export function psubusb(v: v128, w: v128): v128 {
  return i8x16.sub_sat_u(v, w);
}
export function psubusw(v: v128, w: v128): v128 {
  return i16x8.sub_sat_u(v, w);
}
export function pmullw(v: v128, w: v128): v128 {
  return i16x8.mul(v, w);
}
export function pmulhw(v: v128, w: v128): v128 {
  return i16x8.shuffle(i32x4.extmul_low_i16x8_s(v, w), i32x4.extmul_high_i16x8_s(v, w), 1, 3, 5, 7, 9, 11, 13, 15);
}
export function pmulhuw(v: v128, w: v128): v128 {
  return i16x8.shuffle(i32x4.extmul_low_i16x8_u(v, w), i32x4.extmul_high_i16x8_u(v, w), 1, 3, 5, 7, 9, 11, 13, 15);
}
export function pmuludq(v: v128, w: v128): v128 {
  return i64x2.mul(v128.and(v, i64x2.splat(0xffffffff)), v128.and(w, i64x2.splat(0xffffffff)));
}
export function pmaddwd(v: v128, w: v128): v128 {
  return i32x4.dot_i16x8_s(v, w);
}
/** Sums of absolute differences of eight bytes, one per half. */
export function psadbw(v: v128, w: v128): v128 {
  const d = v128.or(i8x16.sub_sat_u(v, w), i8x16.sub_sat_u(w, v));
  let s = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(d));
  s = i64x2.add(s, i64x2.shr_u(s, 32));
  return v128.and(s, i64x2.splat(0xffff));
}
export function pavgb(v: v128, w: v128): v128 {
  return i8x16.avgr_u(v, w);
}
export function pavgw(v: v128, w: v128): v128 {
  return i16x8.avgr_u(v, w);
}
export function pminub(v: v128, w: v128): v128 {
  return i8x16.min_u(v, w);
}
export function pmaxub(v: v128, w: v128): v128 {
  return i8x16.max_u(v, w);
}
export function pminsw(v: v128, w: v128): v128 {
  return i16x8.min_s(v, w);
}
export function pmaxsw(v: v128, w: v128): v128 {
  return i16x8.max_s(v, w);
}
export function pand(v: v128, w: v128): v128 {
  return v128.and(v, w);
}
export function pandn(v: v128, w: v128): v128 {
  return v128.andnot(w, v);
}
export function por(v: v128, w: v128): v128 {
  return v128.or(v, w);
}
export function pxor(v: v128, w: v128): v128 {
  return v128.xor(v, w);
}
export function pcmpeqb(v: v128, w: v128): v128 {
  return i8x16.eq(v, w);
}
export function pcmpeqw(v: v128, w: v128): v128 {
  return i16x8.eq(v, w);
}
export function pcmpeqd(v: v128, w: v128): v128 {
  return i32x4.eq(v, w);
}
export function pcmpgtb(v: v128, w: v128): v128 {
  return i8x16.gt_s(v, w);
}
export function pcmpgtw(v: v128, w: v128): v128 {
  return i16x8.gt_s(v, w);
}
export function pcmpgtd(v: v128, w: v128): v128 {
  return i32x4.gt_s(v, w);
}

// ---- shifts -------------------------------------------------------------------------------------------------------
function psrlwBy(v: v128, n: u64): v128 {
  if (n > 15) return i64x2.splat(0);
  return i16x8.shr_u(v, <i32>n);
}
export function psrlw(v: v128, w: v128): v128 {
  return psrlwBy(v, i64x2.extract_lane(w, 0));
}
export function psrlwIb(v: v128, imm: u8): v128 {
  return psrlwBy(v, imm);
}
function psrldBy(v: v128, n: u64): v128 {
  if (n > 31) return i64x2.splat(0);
  return i32x4.shr_u(v, <i32>n);
}
export function psrld(v: v128, w: v128): v128 {
  return psrldBy(v, i64x2.extract_lane(w, 0));
}
export function psrldIb(v: v128, imm: u8): v128 {
  return psrldBy(v, imm);
}
function psrlqBy(v: v128, n: u64): v128 {
  if (n > 63) return i64x2.splat(0);
  return i64x2.shr_u(v, <i32>n);
}
export function psrlq(v: v128, w: v128): v128 {
  return psrlqBy(v, i64x2.extract_lane(w, 0));
}
export function psrlqIb(v: v128, imm: u8): v128 {
  return psrlqBy(v, imm);
}
function psrawBy(v: v128, n: u64): v128 {
  if (n > 15) return i16x8.shr_s(v, 15);
  return i16x8.shr_s(v, <i32>n);
}
export function psraw(v: v128, w: v128): v128 {
  return psrawBy(v, i64x2.extract_lane(w, 0));
}
export function psrawIb(v: v128, imm: u8): v128 {
  return psrawBy(v, imm);
}
function psradBy(v: v128, n: u64): v128 {
  if (n > 31) return i32x4.shr_s(v, 31);
  return i32x4.shr_s(v, <i32>n);
}
export function psrad(v: v128, w: v128): v128 {
  return psradBy(v, i64x2.extract_lane(w, 0));
}
export function psradIb(v: v128, imm: u8): v128 {
  return psradBy(v, imm);
}
function psllwBy(v: v128, n: u64): v128 {
  if (n > 15) return i64x2.splat(0);
  return i16x8.shl(v, <i32>n);
}
export function psllw(v: v128, w: v128): v128 {
  return psllwBy(v, i64x2.extract_lane(w, 0));
}
export function psllwIb(v: v128, imm: u8): v128 {
  return psllwBy(v, imm);
}
function pslldBy(v: v128, n: u64): v128 {
  if (n > 31) return i64x2.splat(0);
  return i32x4.shl(v, <i32>n);
}
export function pslld(v: v128, w: v128): v128 {
  return pslldBy(v, i64x2.extract_lane(w, 0));
}
export function pslldIb(v: v128, imm: u8): v128 {
  return pslldBy(v, imm);
}
function psllqBy(v: v128, n: u64): v128 {
  if (n > 63) return i64x2.splat(0);
  return i64x2.shl(v, <i32>n);
}
export function psllq(v: v128, w: v128): v128 {
  return psllqBy(v, i64x2.extract_lane(w, 0));
}
export function psllqIb(v: v128, imm: u8): v128 {
  return psllqBy(v, imm);
}
export function psrldq(v: v128, imm: u8): v128 {
  const n = <i32>imm > 15 ? 16 : <i32>imm;
  // Indices past 15 select zero.
  return i8x16.swizzle(v, i8x16.add(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat(<i8>n)));
}
export function pslldq(v: v128, imm: u8): v128 {
  const n = <i32>imm > 15 ? 16 : <i32>imm;
  return i8x16.swizzle(v, i8x16.sub(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat(<i8>n)));
}

// ---- unpack and pack ------------------------------------------------------------------------------------------------
export function punpcklbw(v: v128, w: v128): v128 {
  return i8x16.shuffle(v, w, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
export function punpckhbw(v: v128, w: v128): v128 {
  return i8x16.shuffle(v, w, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
export function punpcklwd(v: v128, w: v128): v128 {
  return i16x8.shuffle(v, w, 0, 8, 1, 9, 2, 10, 3, 11);
}
export function punpckhwd(v: v128, w: v128): v128 {
  return i16x8.shuffle(v, w, 4, 12, 5, 13, 6, 14, 7, 15);
}
export function punpckldq(v: v128, w: v128): v128 {
  return i32x4.shuffle(v, w, 0, 4, 1, 5);
}
export function punpckhdq(v: v128, w: v128): v128 {
  return i32x4.shuffle(v, w, 2, 6, 3, 7);
}
export function punpcklqdq(v: v128, w: v128): v128 {
  return i64x2.shuffle(v, w, 0, 2);
}
export function punpckhqdq(v: v128, w: v128): v128 {
  return i64x2.shuffle(v, w, 1, 3);
}
export function packsswb(v: v128, w: v128): v128 {
  return i8x16.narrow_i16x8_s(v, w);
}
export function packuswb(v: v128, w: v128): v128 {
  return i8x16.narrow_i16x8_u(v, w);
}
export function packssdw(v: v128, w: v128): v128 {
  return i16x8.narrow_i32x4_s(v, w);
}

// ---- SSSE3 ----------------------------------------------------------------------------------------------------------
export function phaddw(v: v128, w: v128): v128 {
  return i16x8.add(i16x8.shuffle(v, w, 0, 2, 4, 6, 8, 10, 12, 14), i16x8.shuffle(v, w, 1, 3, 5, 7, 9, 11, 13, 15));
}
export function phaddd(v: v128, w: v128): v128 {
  return i32x4.add(i32x4.shuffle(v, w, 0, 2, 4, 6), i32x4.shuffle(v, w, 1, 3, 5, 7));
}
export function phaddsw(v: v128, w: v128): v128 {
  return i16x8.add_sat_s(i16x8.shuffle(v, w, 0, 2, 4, 6, 8, 10, 12, 14), i16x8.shuffle(v, w, 1, 3, 5, 7, 9, 11, 13, 15));
}
export function phsubw(v: v128, w: v128): v128 {
  return i16x8.sub(i16x8.shuffle(v, w, 0, 2, 4, 6, 8, 10, 12, 14), i16x8.shuffle(v, w, 1, 3, 5, 7, 9, 11, 13, 15));
}
export function phsubd(v: v128, w: v128): v128 {
  return i32x4.sub(i32x4.shuffle(v, w, 0, 2, 4, 6), i32x4.shuffle(v, w, 1, 3, 5, 7));
}
export function phsubsw(v: v128, w: v128): v128 {
  return i16x8.sub_sat_s(i16x8.shuffle(v, w, 0, 2, 4, 6, 8, 10, 12, 14), i16x8.shuffle(v, w, 1, 3, 5, 7, 9, 11, 13, 15));
}
/** Unsigned by signed bytes, pairs summed with saturation. */
export function pmaddubsw(v: v128, w: v128): v128 {
  const mask = i16x8.splat(0xff);
  const even = i16x8.mul(v128.and(v, mask), i16x8.shr_s(i16x8.shl(w, 8), 8));
  const odd = i16x8.mul(i16x8.shr_u(v, 8), i16x8.shr_s(w, 8));
  return i16x8.add_sat_s(even, odd);
}
/** High product rounded; 0x8000 * 0x8000 wraps to 0x8000, where wasm saturates to 0x7FFF: flip those lanes. */
export function pmulhrsw(v: v128, w: v128): v128 {
  const least = i16x8.splat(-32768);
  return v128.xor(i16x8.q15mulr_sat_s(v, w), v128.and(i16x8.eq(v, least), i16x8.eq(w, least)));
}
export function pshufb(v: v128, w: v128): v128 {
  // Bit 7 clears; otherwise the low four bits choose. Keep bit 7, so that swizzle sees an index past 15.
  return i8x16.swizzle(v, v128.and(w, i8x16.splat(<i8>0x8f)));
}
export function palignr(v: v128, w: v128, imm: u8): v128 {
  const n = <u32>imm;
  if (n >= 32) return i64x2.splat(0);
  if (n >= 16) return psrldq(v, <u8>(n - 16));
  return v128.or(psrldq(w, <u8>n), pslldq(v, <u8>(16 - n)));
}
export function psignb(v: v128, w: v128): v128 {
  const zero = i64x2.splat(0);
  const negative = i8x16.lt_s(w, zero);
  return v128.andnot(i8x16.sub(v128.xor(v, negative), negative), i8x16.eq(w, zero));
}
export function psignw(v: v128, w: v128): v128 {
  const zero = i64x2.splat(0);
  const negative = i16x8.lt_s(w, zero);
  return v128.andnot(i16x8.sub(v128.xor(v, negative), negative), i16x8.eq(w, zero));
}
export function psignd(v: v128, w: v128): v128 {
  const zero = i64x2.splat(0);
  const negative = i32x4.lt_s(w, zero);
  return v128.andnot(i32x4.sub(v128.xor(v, negative), negative), i32x4.eq(w, zero));
}
export function pabsb(w: v128): v128 {
  return i8x16.abs(w);
}
export function pabsw(w: v128): v128 {
  return i16x8.abs(w);
}
export function pabsd(w: v128): v128 {
  return i32x4.abs(w);
}

// ---- SSE4.1 ---------------------------------------------------------------------------------------------------------
export function packusdw(v: v128, w: v128): v128 {
  return i16x8.narrow_i32x4_u(v, w);
}
export function pcmpeqq(v: v128, w: v128): v128 {
  return i64x2.eq(v, w);
}
export function pcmpgtq(v: v128, w: v128): v128 {
  return i64x2.gt_s(v, w);
}
export function pminsb(v: v128, w: v128): v128 {
  return i8x16.min_s(v, w);
}
export function pminsd(v: v128, w: v128): v128 {
  return i32x4.min_s(v, w);
}
export function pminuw(v: v128, w: v128): v128 {
  return i16x8.min_u(v, w);
}
export function pminud(v: v128, w: v128): v128 {
  return i32x4.min_u(v, w);
}
export function pmaxsb(v: v128, w: v128): v128 {
  return i8x16.max_s(v, w);
}
export function pmaxsd(v: v128, w: v128): v128 {
  return i32x4.max_s(v, w);
}
export function pmaxuw(v: v128, w: v128): v128 {
  return i16x8.max_u(v, w);
}
export function pmaxud(v: v128, w: v128): v128 {
  return i32x4.max_u(v, w);
}
export function pmulld(v: v128, w: v128): v128 {
  return i32x4.mul(v, w);
}
export function pmuldq(v: v128, w: v128): v128 {
  return i64x2.extmul_low_i32x4_s(i32x4.shuffle(v, v, 0, 2, 0, 2), i32x4.shuffle(w, w, 0, 2, 0, 2));
}
export function pmovsxbw(x: u64): v128 {
  const v = i64x2.splat(<u64>x);
  return i16x8.extend_low_i8x16_s(v);
}
export function pmovzxbw(x: u64): v128 {
  const v = i64x2.splat(<u64>x);
  return i16x8.extend_low_i8x16_u(v);
}
export function pmovsxbd(x: u32): v128 {
  const v = i64x2.splat(<u64>x);
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v));
}
export function pmovzxbd(x: u32): v128 {
  const v = i64x2.splat(<u64>x);
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v));
}
export function pmovsxbq(x: u32): v128 {
  const v = i64x2.splat(<u64>x);
  return i64x2.extend_low_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v)));
}
export function pmovzxbq(x: u32): v128 {
  const v = i64x2.splat(<u64>x);
  return i64x2.extend_low_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v)));
}
export function pmovsxwd(x: u64): v128 {
  const v = i64x2.splat(<u64>x);
  return i32x4.extend_low_i16x8_s(v);
}
export function pmovzxwd(x: u64): v128 {
  const v = i64x2.splat(<u64>x);
  return i32x4.extend_low_i16x8_u(v);
}
export function pmovsxwq(x: u32): v128 {
  const v = i64x2.splat(<u64>x);
  return i64x2.extend_low_i32x4_s(i32x4.extend_low_i16x8_s(v));
}
export function pmovzxwq(x: u32): v128 {
  const v = i64x2.splat(<u64>x);
  return i64x2.extend_low_i32x4_u(i32x4.extend_low_i16x8_u(v));
}
export function pmovsxdq(x: u64): v128 {
  const v = i64x2.splat(<u64>x);
  return i64x2.extend_low_i32x4_s(v);
}
export function pmovzxdq(x: u64): v128 {
  const v = i64x2.splat(<u64>x);
  return i64x2.extend_low_i32x4_u(v);
}
/** Smallest word and its index. */
export function phminposuw(w: v128): v128 {
  let low: u64 = i64x2.extract_lane(w, 0);
  let high: u64 = i64x2.extract_lane(w, 1);
  let best: u64 = 0x10000;
  let at: u64 = 0;
  for (let i: u64 = 0; i < 8; i++) {
    const x = (i < 4 ? low : high) & 0xffff;
    if (i < 4) low >>= 16;
    else high >>= 16;
    if (x < best) {
      best = x;
      at = i;
    }
  }
  return i64x2.replace_lane(i64x2.splat(0), 0, best | (at << 16));
}
/** Sums of absolute differences of four bytes of `w` against a sliding window of `v`. */
export function mpsadbw(v: v128, w: v128, imm: u8): v128 {
  const window = imm & 4 ? psrldq(v, 4) : v;
  const block = i32x4.extract_lane(pshufd(w, imm & 3), 0);
  let sum = i64x2.splat(0);
  for (let i: u32 = 0; i < 4; i++) {
    const a = i16x8.extend_low_i8x16_u(psrldq(window, <u8>i));
    const b = i16x8.splat(<i16>((block >> (i << 3)) & 0xff));
    sum = i16x8.add(sum, i16x8.abs(i16x8.sub(a, b)));
  }
  return sum;
}
export function ptest(v: v128, w: v128): void {
  setFlagBits((v128.any_true(v128.and(w, v)) ? 0 : 0x40) | (v128.any_true(v128.andnot(w, v)) ? 0 : 1));
}
/** Blends by the sign bits of XMM0. */
export function pblendvb(v: v128, w: v128): v128 {
  return vpblendvb(v, w, v128.load(Regs.xmm(0)));
}
export function blendvps(v: v128, w: v128): v128 {
  return vblendvps(v, w, v128.load(Regs.xmm(0)));
}
export function blendvpd(v: v128, w: v128): v128 {
  return vblendvpd(v, w, v128.load(Regs.xmm(0)));
}
export function vpblendvb(v: v128, w: v128, mask: v128): v128 {
  return v128.bitselect(w, v, i8x16.shr_s(mask, 7));
}
export function vblendvps(v: v128, w: v128, mask: v128): v128 {
  return v128.bitselect(w, v, i32x4.shr_s(mask, 31));
}
export function vblendvpd(v: v128, w: v128, mask: v128): v128 {
  return v128.bitselect(w, v, i64x2.shr_s(mask, 63));
}
export function pblendw(v: v128, w: v128, imm: u8): v128 {
  const bits = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
  return v128.bitselect(w, v, i16x8.eq(v128.and(i16x8.splat(<i16>imm), bits), bits));
}
export function blendps(v: v128, w: v128, imm: u8): v128 {
  const bits = i32x4(1, 2, 4, 8);
  return v128.bitselect(w, v, i32x4.eq(v128.and(i32x4.splat(imm), bits), bits));
}
export function blendpd(v: v128, w: v128, imm: u8): v128 {
  const bits = i64x2(1, 2);
  return v128.bitselect(w, v, i64x2.eq(v128.and(i64x2.splat(imm), bits), bits));
}
export function pinsrb(v: v128, x: u32, imm: u8): v128 {
  const shift = <u64>(imm & 7) << 3;
  const mask = ~((<u64>0xff) << shift);
  const bits = <u64>(x & 0xff) << shift;
  if (imm & 8) return i64x2.replace_lane(v, 1, (i64x2.extract_lane(v, 1) & mask) | bits);
  return i64x2.replace_lane(v, 0, (i64x2.extract_lane(v, 0) & mask) | bits);
}
export function pextrb(w: v128, imm: u8): u32 {
  const half: u64 = imm & 8 ? i64x2.extract_lane(w, 1) : i64x2.extract_lane(w, 0);
  return <u32>(half >> (<u64>(imm & 7) << 3)) & 0xff;
}
export function pextrbStore(w: v128, imm: u8): u8 {
  return <u8>pextrb(w, imm);
}
export function pextrwStore(w: v128, imm: u8): u16 {
  return <u16>pextrw(w, imm);
}
export function pinsr<T>(v: v128, x: T, imm: u8): v128 {
  if (sizeof<T>() == 8) return imm & 1 ? i64x2.replace_lane(v, 1, <u64>x) : i64x2.replace_lane(v, 0, <u64>x);
  switch (imm & 3) {
    case 0:
      return i32x4.replace_lane(v, 0, <u32>x);
    case 1:
      return i32x4.replace_lane(v, 1, <u32>x);
    case 2:
      return i32x4.replace_lane(v, 2, <u32>x);
    default:
      return i32x4.replace_lane(v, 3, <u32>x);
  }
}
export function pextr<T>(w: v128, imm: u8): T {
  if (sizeof<T>() == 8) return <T>(imm & 1 ? i64x2.extract_lane(w, 1) : i64x2.extract_lane(w, 0));
  return <T>extractps(w, imm);
}
export function extractps(w: v128, imm: u8): u32 {
  return i32x4.extract_lane(i8x16.swizzle(w, dwordIndex(imm & 3)), 0);
}
function insertDword(v: v128, x: u32, imm: u32): v128 {
  const bits = i32x4(1, 2, 4, 8);
  const at = i32x4.splat(1 << ((imm >> 4) & 3));
  const r = v128.bitselect(i32x4.splat(x), v, i32x4.eq(at, bits));
  return v128.andnot(r, i32x4.eq(v128.and(i32x4.splat(imm), bits), bits));
}
export function insertps(v: v128, w: v128, imm: u8): v128 {
  return insertDword(v, extractps(w, imm >> 6), imm);
}
export function insertpsMem(v: v128, x: u32, imm: u8): v128 {
  return insertDword(v, x, imm);
}

// ---- SSE4.2: string compares -----------------------------------------------------------------------------------------
function element(low: u64, high: u64, imm: u32, i: u32): i32 {
  if (imm & 1) {
    const x = <u32>((i < 4 ? low : high) >> (<u64>(i & 3) << 4)) & 0xffff;
    return imm & 2 ? <i32>(<i16>x) : <i32>x;
  }
  const x = <u32>((i < 8 ? low : high) >> (<u64>(i & 7) << 3)) & 0xff;
  return imm & 2 ? <i32>(<i8>x) : <i32>x;
}
function implicitLength(low: u64, high: u64, imm: u32, count: u32): u32 {
  let n: u32 = 0;
  while (n < count && element(low, high, imm, n) != 0) n++;
  return n;
}
function explicitLength(register: u32, wide: bool, count: u32): u32 {
  const v: i64 = wide ? <i64>Regs.get(register) : <i64>(<i32>Regs.get(register));
  if (v > <i64>count || v < -(<i64>count)) return count;
  return <u32>(v < 0 ? -v : v);
}
/** IntRes2 of SDM 2 4.1; sets the flags. */
function stringCompare(v: v128, w: v128, imm: u32, la: u32, lb: u32): u32 {
  const count: u32 = imm & 1 ? 8 : 16;
  const al: u64 = i64x2.extract_lane(v, 0);
  const ah: u64 = i64x2.extract_lane(v, 1);
  const bl: u64 = i64x2.extract_lane(w, 0);
  const bh: u64 = i64x2.extract_lane(w, 1);
  let r: u32 = 0;
  for (let j: u32 = 0; j < count; j++) {
    let hit = false;
    switch ((imm >> 2) & 3) {
      case 0: {
        if (j < lb) {
          const b = element(bl, bh, imm, j);
          for (let i: u32 = 0; i < la; i++) if (element(al, ah, imm, i) == b) hit = true;
        }
        break;
      }
      case 1: {
        if (j < lb) {
          const b = element(bl, bh, imm, j);
          for (let i: u32 = 0; i + 1 < la; i += 2) {
            if (element(al, ah, imm, i) <= b && b <= element(al, ah, imm, i + 1)) hit = true;
          }
        }
        break;
      }
      case 2: {
        if (j < la && j < lb) hit = element(al, ah, imm, j) == element(bl, bh, imm, j);
        else hit = j >= la && j >= lb;
        break;
      }
      default: {
        hit = true;
        for (let i: u32 = 0; i < la && i + j < count; i++) {
          if (i + j >= lb || element(al, ah, imm, i) != element(bl, bh, imm, i + j)) hit = false;
        }
      }
    }
    if (hit) r |= 1 << j;
  }
  const all: u32 = imm & 1 ? 0xff : 0xffff;
  if (imm & 0x10) r ^= imm & 0x20 ? ((<u32>1 << lb) - 1) & all : all;
  setFlagBits((r ? 1 : 0) | (lb < count ? 0x40 : 0) | (la < count ? 0x80 : 0) | (r & 1 ? 0x800 : 0));
  return r;
}
function storeIndex(r: u32, imm: u32): void {
  const count: u32 = imm & 1 ? 8 : 16;
  Regs.set(RCX, r == 0 ? count : imm & 0x40 ? 31 - clz(r) : ctz(r));
}
function storeMask(r: u32, imm: u32): void {
  let v = i64x2.splat(0);
  if (imm & 0x40) {
    if (imm & 1) {
      const bits = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
      v = i16x8.eq(v128.and(i16x8.splat(<i16>r), bits), bits);
    } else {
      const bits = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
      const t = i16x8.splat(<i16>r);
      v = i8x16.eq(v128.and(i8x16.shuffle(t, t, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), bits), bits);
    }
  } else v = i64x2.replace_lane(v, 0, r);
  v128.store(Regs.xmm(0), v);
}
function implicitCompare(v: v128, w: v128, imm: u32): u32 {
  const count: u32 = imm & 1 ? 8 : 16;
  const la = implicitLength(i64x2.extract_lane(v, 0), i64x2.extract_lane(v, 1), imm, count);
  const lb = implicitLength(i64x2.extract_lane(w, 0), i64x2.extract_lane(w, 1), imm, count);
  return stringCompare(v, w, imm, la, lb);
}
export function pcmpistri(v: v128, w: v128, imm: u8): void {
  storeIndex(implicitCompare(v, w, imm), imm);
}
export function pcmpistrm(v: v128, w: v128, imm: u8): void {
  storeMask(implicitCompare(v, w, imm), imm);
}
/** `wide`: REX.W, lengths in RAX and RDX. */
export function pcmpestri(v: v128, w: v128, imm: u8, wide: bool): void {
  const count: u32 = imm & 1 ? 8 : 16;
  storeIndex(stringCompare(v, w, imm, explicitLength(RAX, wide, count), explicitLength(RDX, wide, count)), imm);
}
export function pcmpestrm(v: v128, w: v128, imm: u8, wide: bool): void {
  const count: u32 = imm & 1 ? 8 : 16;
  storeMask(stringCompare(v, w, imm, explicitLength(RAX, wide, count), explicitLength(RDX, wide, count)), imm);
}
/** CRC32 with the Castagnoli polynomial, bit reflected. */
export function crc32<T>(crc: u32, x: T): u32 {
  let c = <u64>crc ^ <u64>x;
  for (let i: u32 = 0; i < sizeof<T>() * 8; i++) c = (c >> 1) ^ (c & 1 ? 0x82f63b78 : 0);
  return <u32>c;
}
/** REX.W: the lengths are RAX and RDX whole. */
function hasWideLengths(): bool {
  return (load<u8>(currentRecord, REC_PREFIX) & PREFIX_REX_W) != 0;
}
export function pcmpestriRow(v: v128, w: v128, imm: u8): void {
  pcmpestri(v, w, imm, hasWideLengths());
}
export function pcmpestrmRow(v: v128, w: v128, imm: u8): void {
  pcmpestrm(v, w, imm, hasWideLengths());
}
