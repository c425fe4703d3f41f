// MMX: 64-bit integer SIMD on the significands of the x87 registers. Intel SDM 1 chapter 9, SDM 2. An operation is its 128-bit
// sibling on one lane. Every instruction but EMMS marks all tags valid and clears TOP; a written register gets exponent 0xFFFF.

import { NM, raise, UD } from "./fault";
import { CR0, FPR, FSW, FTW, REC_R0, REC_R1 } from "./layout";
import * as S from "./sse-int";
import { vcpu } from "./state";
import { pendingFault } from "./x87";

/** CR0.EM: #UD; CR0.TS: #NM; a pending x87 exception: #MF. */
export function mmxAvailable(): void {
  const cr0 = load<u64>(vcpu, CR0);
  if (cr0 & 12) raise(cr0 & 4 ? UD : NM);
}
export function mmxGuard(r: usize): void {
  mmxAvailable();
  if (load<u16>(vcpu, FSW) & 0x80) pendingFault();
}
/** The transition to MMX state, once the operand in memory did not fault. */
export function mmxEnter(): void {
  store<u16>(vcpu, load<u16>(vcpu, FSW) & 0xc7ff, FSW);
  store<u16>(vcpu, 0, FTW);
}
/** EMMS needs the checks but not the transition: it comes after. */
export function emms(): void {
  store<u16>(vcpu, 0xffff, FTW);
}

export class Mmx {
  @inline static get(n: u32): u64 {
    return load<u64>(vcpu + (n << 4), FPR);
  }
  @inline static set(n: u32, v: u64): void {
    store<u64>(vcpu + (n << 4), v, FPR);
    store<u16>(vcpu + (n << 4), 0xffff, FPR + 8);
  }
}
function up(a: u64): v128 {
  return i64x2.splat(a);
}
function both(a: u64, b: u64): v128 {
  return i64x2.replace_lane(i64x2.splat(a), 1, b);
}
function low(v: v128): u64 {
  return i64x2.extract_lane(v, 0);
}
function high(v: v128): u64 {
  return i64x2.extract_lane(v, 1);
}

// ---- moves ----------------------------------------------------------------------------------------------------------
export function movqMmx(q: u64): u64 {
  return q;
}
export function movdToMmx<T>(x: T): u64 {
  return <u64>x;
}
export function movdFromMmx<T>(q: u64): T {
  return <T>q;
}
export function movq2dq(q: u64): v128 {
  return i64x2.replace_lane(i64x2.splat(0), 0, q);
}
export function movdq2q(v: v128): u64 {
  return i64x2.extract_lane(v, 0);
}
export function pmovmskbMmx(q: u64): u32 {
  return i8x16.bitmask(i64x2.replace_lane(i64x2.splat(0), 0, q));
}
export function pshufw(q: u64, imm: u8): u64 {
  return S.shuffleWords(q, imm);
}
export function pinsrwMmx(p: u64, x: u32, imm: u8): u64 {
  const shift = <u64>(imm & 3) << 4;
  return (p & ~((<u64>0xffff) << shift)) | (<u64>(x & 0xffff) << shift);
}
export function pextrwMmx(q: u64, imm: u8): u32 {
  return <u32>(q >> (<u64>(imm & 3) << 4)) & 0xffff;
}
export function maskmovq(r: usize): void {
  const q = Mmx.get(load<u8>(r, REC_R0));
  const mask = i8x16.bitmask(i64x2.replace_lane(i64x2.splat(0), 0, Mmx.get(load<u8>(r, REC_R1))));
  S.storeMasked(r, q, mask & 0xff, 0, 0);
}

// ---- arithmetic and logic -------------------------------------------------------------------------------------------
export function paddbMmx(p: u64, q: u64): u64 {
  return low(S.paddb(up(p), up(q)));
}
export function paddwMmx(p: u64, q: u64): u64 {
  return low(S.paddw(up(p), up(q)));
}
export function padddMmx(p: u64, q: u64): u64 {
  return low(S.paddd(up(p), up(q)));
}
export function paddqMmx(p: u64, q: u64): u64 {
  return low(S.paddq(up(p), up(q)));
}
export function psubbMmx(p: u64, q: u64): u64 {
  return low(S.psubb(up(p), up(q)));
}
export function psubwMmx(p: u64, q: u64): u64 {
  return low(S.psubw(up(p), up(q)));
}
export function psubdMmx(p: u64, q: u64): u64 {
  return low(S.psubd(up(p), up(q)));
}
export function psubqMmx(p: u64, q: u64): u64 {
  return low(S.psubq(up(p), up(q)));
}
export function paddsbMmx(p: u64, q: u64): u64 {
  return low(S.paddsb(up(p), up(q)));
}
export function paddswMmx(p: u64, q: u64): u64 {
  return low(S.paddsw(up(p), up(q)));
}
export function paddusbMmx(p: u64, q: u64): u64 {
  return low(S.paddusb(up(p), up(q)));
}
export function padduswMmx(p: u64, q: u64): u64 {
  return low(S.paddusw(up(p), up(q)));
}
export function psubsbMmx(p: u64, q: u64): u64 {
  return low(S.psubsb(up(p), up(q)));
}
export function psubswMmx(p: u64, q: u64): u64 {
  return low(S.psubsw(up(p), up(q)));
}
export function psubusbMmx(p: u64, q: u64): u64 {
  return low(S.psubusb(up(p), up(q)));
}
export function psubuswMmx(p: u64, q: u64): u64 {
  return low(S.psubusw(up(p), up(q)));
}
export function pmullwMmx(p: u64, q: u64): u64 {
  return low(S.pmullw(up(p), up(q)));
}
export function pmulhwMmx(p: u64, q: u64): u64 {
  return low(S.pmulhw(up(p), up(q)));
}
export function pmulhuwMmx(p: u64, q: u64): u64 {
  return low(S.pmulhuw(up(p), up(q)));
}
export function pmuludqMmx(p: u64, q: u64): u64 {
  return low(S.pmuludq(up(p), up(q)));
}
export function pmaddwdMmx(p: u64, q: u64): u64 {
  return low(S.pmaddwd(up(p), up(q)));
}
export function psadbwMmx(p: u64, q: u64): u64 {
  return low(S.psadbw(up(p), up(q)));
}
export function pavgbMmx(p: u64, q: u64): u64 {
  return low(S.pavgb(up(p), up(q)));
}
export function pavgwMmx(p: u64, q: u64): u64 {
  return low(S.pavgw(up(p), up(q)));
}
export function pminubMmx(p: u64, q: u64): u64 {
  return low(S.pminub(up(p), up(q)));
}
export function pmaxubMmx(p: u64, q: u64): u64 {
  return low(S.pmaxub(up(p), up(q)));
}
export function pminswMmx(p: u64, q: u64): u64 {
  return low(S.pminsw(up(p), up(q)));
}
export function pmaxswMmx(p: u64, q: u64): u64 {
  return low(S.pmaxsw(up(p), up(q)));
}
export function pandMmx(p: u64, q: u64): u64 {
  return low(S.pand(up(p), up(q)));
}
export function pandnMmx(p: u64, q: u64): u64 {
  return low(S.pandn(up(p), up(q)));
}
export function porMmx(p: u64, q: u64): u64 {
  return low(S.por(up(p), up(q)));
}
export function pxorMmx(p: u64, q: u64): u64 {
  return low(S.pxor(up(p), up(q)));
}
export function pcmpeqbMmx(p: u64, q: u64): u64 {
  return low(S.pcmpeqb(up(p), up(q)));
}
export function pcmpeqwMmx(p: u64, q: u64): u64 {
  return low(S.pcmpeqw(up(p), up(q)));
}
export function pcmpeqdMmx(p: u64, q: u64): u64 {
  return low(S.pcmpeqd(up(p), up(q)));
}
export function pcmpgtbMmx(p: u64, q: u64): u64 {
  return low(S.pcmpgtb(up(p), up(q)));
}
export function pcmpgtwMmx(p: u64, q: u64): u64 {
  return low(S.pcmpgtw(up(p), up(q)));
}
export function pcmpgtdMmx(p: u64, q: u64): u64 {
  return low(S.pcmpgtd(up(p), up(q)));
}

// ---- shifts -------------------------------------------------------------------------------------------------------
export function psrlwMmx(p: u64, q: u64): u64 {
  return low(S.psrlw(up(p), up(q)));
}
export function psrlwMmxIb(p: u64, imm: u8): u64 {
  return low(S.psrlwIb(up(p), imm));
}
export function psrldMmx(p: u64, q: u64): u64 {
  return low(S.psrld(up(p), up(q)));
}
export function psrldMmxIb(p: u64, imm: u8): u64 {
  return low(S.psrldIb(up(p), imm));
}
export function psrlqMmx(p: u64, q: u64): u64 {
  return low(S.psrlq(up(p), up(q)));
}
export function psrlqMmxIb(p: u64, imm: u8): u64 {
  return low(S.psrlqIb(up(p), imm));
}
export function psrawMmx(p: u64, q: u64): u64 {
  return low(S.psraw(up(p), up(q)));
}
export function psrawMmxIb(p: u64, imm: u8): u64 {
  return low(S.psrawIb(up(p), imm));
}
export function psradMmx(p: u64, q: u64): u64 {
  return low(S.psrad(up(p), up(q)));
}
export function psradMmxIb(p: u64, imm: u8): u64 {
  return low(S.psradIb(up(p), imm));
}
export function psllwMmx(p: u64, q: u64): u64 {
  return low(S.psllw(up(p), up(q)));
}
export function psllwMmxIb(p: u64, imm: u8): u64 {
  return low(S.psllwIb(up(p), imm));
}
export function pslldMmx(p: u64, q: u64): u64 {
  return low(S.pslld(up(p), up(q)));
}
export function pslldMmxIb(p: u64, imm: u8): u64 {
  return low(S.pslldIb(up(p), imm));
}
export function psllqMmx(p: u64, q: u64): u64 {
  return low(S.psllq(up(p), up(q)));
}
export function psllqMmxIb(p: u64, imm: u8): u64 {
  return low(S.psllqIb(up(p), imm));
}

// ---- unpack and pack ------------------------------------------------------------------------------------------------
export function punpcklbwMmx(p: u64, q: u64): u64 {
  return low(S.punpcklbw(up(p), up(q)));
}
export function punpckhbwMmx(p: u64, q: u64): u64 {
  return high(S.punpcklbw(up(p), up(q)));
}
export function punpcklwdMmx(p: u64, q: u64): u64 {
  return low(S.punpcklwd(up(p), up(q)));
}
export function punpckhwdMmx(p: u64, q: u64): u64 {
  return high(S.punpcklwd(up(p), up(q)));
}
export function punpckldqMmx(p: u64, q: u64): u64 {
  return low(S.punpckldq(up(p), up(q)));
}
export function punpckhdqMmx(p: u64, q: u64): u64 {
  return high(S.punpckldq(up(p), up(q)));
}
export function packsswbMmx(p: u64, q: u64): u64 {
  const v = both(p, q);
  return low(S.packsswb(v, v));
}
export function packuswbMmx(p: u64, q: u64): u64 {
  const v = both(p, q);
  return low(S.packuswb(v, v));
}
export function packssdwMmx(p: u64, q: u64): u64 {
  const v = both(p, q);
  return low(S.packssdw(v, v));
}

// ---- SSSE3 ----------------------------------------------------------------------------------------------------------
export function phaddwMmx(p: u64, q: u64): u64 {
  const v = both(p, q);
  return low(S.phaddw(v, v));
}
export function phadddMmx(p: u64, q: u64): u64 {
  const v = both(p, q);
  return low(S.phaddd(v, v));
}
export function phaddswMmx(p: u64, q: u64): u64 {
  const v = both(p, q);
  return low(S.phaddsw(v, v));
}
export function phsubwMmx(p: u64, q: u64): u64 {
  const v = both(p, q);
  return low(S.phsubw(v, v));
}
export function phsubdMmx(p: u64, q: u64): u64 {
  const v = both(p, q);
  return low(S.phsubd(v, v));
}
export function phsubswMmx(p: u64, q: u64): u64 {
  const v = both(p, q);
  return low(S.phsubsw(v, v));
}
export function pmaddubswMmx(p: u64, q: u64): u64 {
  return low(S.pmaddubsw(up(p), up(q)));
}
export function pmulhrswMmx(p: u64, q: u64): u64 {
  return low(S.pmulhrsw(up(p), up(q)));
}
export function pshufbMmx(p: u64, q: u64): u64 {
  return low(i8x16.swizzle(up(p), v128.and(up(q), i8x16.splat(<i8>0x87))));
}
export function palignrMmx(p: u64, q: u64, imm: u8): u64 {
  const n = <u64>imm << 3;
  if (n >= 128) return 0;
  if (n >= 64) return p >> (n - 64);
  if (n == 0) return q;
  return (q >> n) | (p << (64 - n));
}
export function psignbMmx(p: u64, q: u64): u64 {
  return low(S.psignb(up(p), up(q)));
}
export function psignwMmx(p: u64, q: u64): u64 {
  return low(S.psignw(up(p), up(q)));
}
export function psigndMmx(p: u64, q: u64): u64 {
  return low(S.psignd(up(p), up(q)));
}
export function pabsbMmx(q: u64): u64 {
  return low(i8x16.abs(up(q)));
}
export function pabswMmx(q: u64): u64 {
  return low(i16x8.abs(up(q)));
}
export function pabsdMmx(q: u64): u64 {
  return low(i32x4.abs(up(q)));
}
