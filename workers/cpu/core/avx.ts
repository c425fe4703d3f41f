// What AVX and AVX2 add to the lanes of SSE: guards, operands in memory, broadcasts, permutes across lanes, variable shifts, masked moves,
// gathers, VZEROUPPER. Intel SDM 1 chapter 14, SDM 2. Functions of rows marked `addresses` get pointers and write all 32 bytes themselves.

import { GP, NM, raise, raiseCode, UD } from "./fault";
import { setFlagBits, VM } from "./flags";
import {
  CR0, CR4, EFLAGS, REC_ADDR_SHIFT, REC_BASE, REC_DISP, REC_INDEX, REC_R0, REC_R1, REC_SCALE, REC_SEG, TLB_ADDEND, TLB_READ, TLB_WRITE,
  VEX_TEMP, XCR0,
} from "./layout";
import { codeSize } from "./mode";
import { generation, Mem } from "./mmu";
import { Ea } from "./operands";
import { movmskpd, movmskps, pcmpestrmRow, pcmpistrm, pmovmskb, pshufd } from "./sse-int";
import { cvtpd2dq, cvtpd2ps, cvttpd2dq, holdExceptions, releaseExceptions } from "./sse-float";
import { Regs, vcpu } from "./state";

const OSXSAVE: u64 = 0x40000;

/** VEX instructions on vectors: protected mode, CR4.OSXSAVE, SSE and AVX state enabled in XCR0, else #UD; CR0.TS: #NM. */
export function avxGuard(): void {
  if ((load<u64>(vcpu, CR0) & 9) == 1 && (load<u64>(vcpu, CR4) & OSXSAVE) != 0 && (load<u64>(vcpu, XCR0) & 6) == 6 && !(load<u64>(vcpu, EFLAGS) & VM)) return;
  vexGuard();
  if (!(load<u64>(vcpu, CR4) & OSXSAVE) || (load<u64>(vcpu, XCR0) & 6) != 6) raise(UD);
  raise(NM);
}
/** Every VEX encoding: #UD in real-address and virtual-8086 mode. */
export function vexGuard(): void {
  if (!(load<u64>(vcpu, CR0) & 1) || (load<u64>(vcpu, EFLAGS) & VM) != 0) raise(UD);
}
/** Where the `size` bytes of the record's memory operand can be read: in place, or copied to VEX_TEMP. */
export function vexSource(r: usize, size: u32, align: u32): usize {
  const linear = Ea.toRead(r, size);
  if (linear & (align - 1)) raiseCode(GP, 0);
  const e = Mem.entry(linear);
  if (load<u64>(e, TLB_READ) == (((linear + (size - 1)) & ~0xfff) | generation)) return <usize>(<u32>linear + load<u32>(e, TLB_ADDEND));
  const to = vcpu + VEX_TEMP;
  if (size == 1) store<u8>(to, Mem.read<u8>(linear));
  else if (size == 2) store<u16>(to, Mem.read<u16>(linear));
  else if (size == 4) store<u32>(to, Mem.read<u32>(linear));
  else for (let n: u32 = 0; n < size; n += 8) store<u64>(to + n, Mem.read<u64>(linear + n));
  return to;
}
/** Writes the first `size` bytes of VEX_TEMP to the record's memory operand. */
export function vexStore(r: usize, size: u32, align: u32): void {
  const linear = Ea.toWrite(r, size);
  if (linear & (align - 1)) raiseCode(GP, 0);
  const from = vcpu + VEX_TEMP;
  const e = Mem.entry(linear);
  if (load<u64>(e, TLB_WRITE) == (((linear + (size - 1)) & ~0xfff) | generation)) {
    const to = <usize>(<u32>linear + load<u32>(e, TLB_ADDEND));
    if (size == 1) store<u8>(to, load<u8>(from));
    else if (size == 2) store<u16>(to, load<u16>(from));
    else if (size == 4) store<u32>(to, load<u32>(from));
    else if (size == 8) store<u64>(to, load<u64>(from));
    else {
      v128.store(to, v128.load(from));
      if (size == 32) v128.store(to, v128.load(from, 16), 16);
    }
    return;
  }
  if (size == 1) Mem.write<u8>(linear, load<u8>(from));
  else if (size == 2) Mem.write<u16>(linear, load<u16>(from));
  else if (size == 4) Mem.write<u32>(linear, load<u32>(from));
  else {
    Mem.probeWrite(linear, size);
    for (let n: u32 = 0; n < size; n += 8) Mem.write<u64>(linear + n, load<u64>(from + n));
  }
}
function put256(d: usize, low: v128, high: v128): void {
  v128.store(d, low);
  v128.store(d, high, 16);
}
function count(): u32 {
  return codeSize == 2 ? 16 : 8;
}
export function vzeroupper(r: usize): void {
  // Written out: a loop would make the translator forget what it knows.
  const zero = i64x2.splat(0);
  v128.store(Regs.xmm(0), zero, 16);
  v128.store(Regs.xmm(1), zero, 16);
  v128.store(Regs.xmm(2), zero, 16);
  v128.store(Regs.xmm(3), zero, 16);
  v128.store(Regs.xmm(4), zero, 16);
  v128.store(Regs.xmm(5), zero, 16);
  v128.store(Regs.xmm(6), zero, 16);
  v128.store(Regs.xmm(7), zero, 16);
  if (count() == 8) return;
  v128.store(Regs.xmm(8), zero, 16);
  v128.store(Regs.xmm(9), zero, 16);
  v128.store(Regs.xmm(10), zero, 16);
  v128.store(Regs.xmm(11), zero, 16);
  v128.store(Regs.xmm(12), zero, 16);
  v128.store(Regs.xmm(13), zero, 16);
  v128.store(Regs.xmm(14), zero, 16);
  v128.store(Regs.xmm(15), zero, 16);
}
export function vzeroall(r: usize): void {
  for (let n: u32 = 0; n < count(); n++) put256(Regs.xmm(n), i64x2.splat(0), i64x2.splat(0));
}

// ---- broadcasts, permutes -------------------------------------------------------------------------------------------
export function broadcastb(x: u8): v128 {
  return i8x16.splat(x);
}
export function broadcastw(x: u16): v128 {
  return i16x8.splat(x);
}
export function broadcastd(x: u32): v128 {
  return i32x4.splat(x);
}
export function broadcastq(x: u64): v128 {
  return i64x2.splat(x);
}
/** VMOVDDUP of one lane. */
export function movddupLane(w: v128): v128 {
  return i64x2.shuffle(w, w, 0, 0);
}
/** VPERMILPS with a vector of selectors. */
export function vpermilps(v: v128, w: v128): v128 {
  const at = i32x4.mul(i32x4.shl(v128.and(w, i32x4.splat(3)), 2), i32x4.splat(0x01010101));
  return i8x16.swizzle(v, i32x4.add(at, i32x4.splat(0x03020100)));
}
export function vpermilpd(v: v128, w: v128): v128 {
  const high = i64x2.eq(v128.and(w, i64x2.splat(2)), i64x2.splat(2));
  return v128.bitselect(i64x2.shuffle(v, v, 1, 1), i64x2.shuffle(v, v, 0, 0), high);
}
export function vpermilpdImm(w: v128, imm: u8): v128 {
  return pshufd(w, (imm & 1 ? 0x0e : 0x04) | (imm & 2 ? 0xe0 : 0x40));
}
function half(h: usize, w: usize, select: u32): v128 {
  if (select & 8) return i64x2.splat(0);
  return v128.load((select & 2 ? w : h) + (select & 1 ? 16 : 0));
}
export function vperm2x128(d: usize, h: usize, w: usize, imm: u8): void {
  put256(d, half(h, w, imm), half(h, w, imm >> 4));
}
export function vinsertx128(d: usize, h: usize, w: usize, imm: u8): void {
  const x = v128.load(w);
  put256(d, imm & 1 ? v128.load(h) : x, imm & 1 ? x : v128.load(h, 16));
}
export function vextractx128(d: usize, v: usize, imm: u8): void {
  put256(d, imm & 1 ? v128.load(v, 16) : v128.load(v), i64x2.splat(0));
}
/** VPERMQ and VPERMPD: four quadwords by the immediate. */
export function vpermq(d: usize, w: usize, imm: u8): void {
  const s = <usize>imm;
  const a = load<u64>(w + ((s & 3) << 3));
  const b = load<u64>(w + (((s >> 2) & 3) << 3));
  const c = load<u64>(w + (((s >> 4) & 3) << 3));
  const e = load<u64>(w + ((s >> 6) << 3));
  put256(d, i64x2.replace_lane(i64x2.splat(a), 1, b), i64x2.replace_lane(i64x2.splat(c), 1, e));
}
function permuteDwords(low: v128, high: v128, select: v128): v128 {
  const at = i32x4.add(i32x4.mul(i32x4.shl(v128.and(select, i32x4.splat(3)), 2), i32x4.splat(0x01010101)), i32x4.splat(0x03020100));
  const upper = i32x4.eq(v128.and(select, i32x4.splat(4)), i32x4.splat(4));
  return v128.bitselect(i8x16.swizzle(high, at), i8x16.swizzle(low, at), upper);
}
/** VPERMD and VPERMPS: eight dwords of `w` by the indices in `h`. */
export function vpermd(d: usize, h: usize, w: usize): void {
  const low = v128.load(w);
  const high = v128.load(w, 16);
  put256(d, permuteDwords(low, high, v128.load(h)), permuteDwords(low, high, v128.load(h, 16)));
}

// ---- variable shifts ------------------------------------------------------------------------------------------------
function shift32(a: u32, n: u32, kind: u32): u32 {
  if (kind == 2) return <u32>(<i32>a >> <i32>(n > 31 ? 31 : n));
  if (n > 31) return 0;
  return kind ? a >> n : a << n;
}
/** kind: 0 left, 1 right, 2 right with the sign. */
function shiftDwords(v: v128, w: v128, kind: u32): v128 {
  let r = i32x4.splat(shift32(i32x4.extract_lane(v, 0), i32x4.extract_lane(w, 0), kind));
  r = i32x4.replace_lane(r, 1, shift32(i32x4.extract_lane(v, 1), i32x4.extract_lane(w, 1), kind));
  r = i32x4.replace_lane(r, 2, shift32(i32x4.extract_lane(v, 2), i32x4.extract_lane(w, 2), kind));
  return i32x4.replace_lane(r, 3, shift32(i32x4.extract_lane(v, 3), i32x4.extract_lane(w, 3), kind));
}
export function vpsllvd(v: v128, w: v128): v128 {
  return shiftDwords(v, w, 0);
}
export function vpsrlvd(v: v128, w: v128): v128 {
  return shiftDwords(v, w, 1);
}
export function vpsravd(v: v128, w: v128): v128 {
  return shiftDwords(v, w, 2);
}
function shift64(a: u64, n: u64, right: bool): u64 {
  if (n > 63) return 0;
  return right ? a >> n : a << n;
}
export function vpsllvq(v: v128, w: v128): v128 {
  const low = shift64(i64x2.extract_lane(v, 0), i64x2.extract_lane(w, 0), false);
  return i64x2.replace_lane(i64x2.splat(low), 1, shift64(i64x2.extract_lane(v, 1), i64x2.extract_lane(w, 1), false));
}
export function vpsrlvq(v: v128, w: v128): v128 {
  const low = shift64(i64x2.extract_lane(v, 0), i64x2.extract_lane(w, 0), true);
  return i64x2.replace_lane(i64x2.splat(low), 1, shift64(i64x2.extract_lane(v, 1), i64x2.extract_lane(w, 1), true));
}

// ---- both lanes at once ---------------------------------------------------------------------------------------------
export function vpmovmskb(w: usize): u32 {
  return pmovmskb(v128.load(w)) | (pmovmskb(v128.load(w, 16)) << 16);
}
export function vmovmskps(w: usize): u32 {
  return movmskps(v128.load(w)) | (movmskps(v128.load(w, 16)) << 4);
}
export function vmovmskpd(w: usize): u32 {
  return movmskpd(v128.load(w)) | (movmskpd(v128.load(w, 16)) << 2);
}
/** VPTEST, VTESTPS, VTESTPD: the bits of `mask` in each lane; `lanes` 1 or 2. */
function test(v: usize, w: usize, mask: v128, lanes: u32): void {
  let both = v128.and(v128.load(v), v128.load(w));
  let only = v128.andnot(v128.load(w), v128.load(v));
  if (lanes == 2) {
    both = v128.or(both, v128.and(v128.load(v, 16), v128.load(w, 16)));
    only = v128.or(only, v128.andnot(v128.load(w, 16), v128.load(v, 16)));
  }
  setFlagBits((v128.any_true(v128.and(both, mask)) ? 0 : 0x40) | (v128.any_true(v128.and(only, mask)) ? 0 : 1));
}
export function vptest(v: usize, w: usize, lanes: u32): void {
  test(v, w, i64x2.splat(-1), lanes);
}
export function vtestps(v: usize, w: usize, lanes: u32): void {
  test(v, w, i32x4.splat(0x80000000), lanes);
}
export function vtestpd(v: usize, w: usize, lanes: u32): void {
  test(v, w, i64x2.splat(0x8000000000000000), lanes);
}
export function vcvtpd2ps(d: usize, w: usize): void {
  holdExceptions();
  const low = cvtpd2ps(v128.load(w));
  const high = cvtpd2ps(v128.load(w, 16));
  releaseExceptions();
  put256(d, i64x2.shuffle(low, high, 0, 2), i64x2.splat(0));
}
export function vcvtpd2dq(d: usize, w: usize): void {
  holdExceptions();
  const low = cvtpd2dq(v128.load(w));
  const high = cvtpd2dq(v128.load(w, 16));
  releaseExceptions();
  put256(d, i64x2.shuffle(low, high, 0, 2), i64x2.splat(0));
}
export function vcvttpd2dq(d: usize, w: usize): void {
  holdExceptions();
  const low = cvttpd2dq(v128.load(w));
  const high = cvttpd2dq(v128.load(w, 16));
  releaseExceptions();
  put256(d, i64x2.shuffle(low, high, 0, 2), i64x2.splat(0));
}
/** String compares with a mask result: the upper half of YMM0 is cleared. */
export function vpcmpistrm(v: v128, w: v128, imm: u8): void {
  pcmpistrm(v, w, imm);
  v128.store(Regs.xmm(0), i64x2.splat(0), 16);
}
export function vpcmpestrm(v: v128, w: v128, imm: u8): void {
  pcmpestrmRow(v, w, imm);
  v128.store(Regs.xmm(0), i64x2.splat(0), 16);
}

// ---- masked moves and gathers ---------------------------------------------------------------------------------------
// kind: 1 = 64-bit elements, 2 = 64-bit indices, 4 = 256 bits.
function selected(mask: usize, i: u32, wide: u32): bool {
  return wide ? load<i64>(mask + (i << 3)) < 0 : load<i32>(mask + (i << 2)) < 0;
}
function elementAt(r: usize, i: u32, wide: u32): u64 {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  return ((Ea.offset(r) + (i << (2 + wide))) << shift) >> shift;
}
/** Elements not selected read as zero and are not touched in memory. */
export function vmaskmovLoad(r: usize, kind: u32): void {
  const wide = kind & 1;
  const n: u32 = (kind & 4 ? 32 : 16) >> (2 + wide);
  const mask = Regs.xmm(load<u8>(r, REC_R1));
  const seg = <u32>load<u8>(r, REC_SEG);
  const to = vcpu + VEX_TEMP;
  memory.fill(to, 0, 32);
  for (let i: u32 = 0; i < n; i++) {
    if (!selected(mask, i, wide)) continue;
    const linear = Ea.readAt(seg, elementAt(r, i, wide), wide ? 8 : 4);
    if (wide) store<u64>(to + (i << 3), Mem.read<u64>(linear));
    else store<u32>(to + (i << 2), Mem.read<u32>(linear));
  }
  memory.copy(Regs.xmm(load<u8>(r, REC_R0)), to, 32);
}
export function vmaskmovStore(r: usize, kind: u32): void {
  const wide = kind & 1;
  const n: u32 = (kind & 4 ? 32 : 16) >> (2 + wide);
  const size: u32 = wide ? 8 : 4;
  const mask = Regs.xmm(load<u8>(r, REC_R0));
  const from = Regs.xmm(load<u8>(r, REC_R1));
  const seg = <u32>load<u8>(r, REC_SEG);
  for (let i: u32 = 0; i < n; i++) if (selected(mask, i, wide)) Mem.probeWrite(Ea.writeAt(seg, elementAt(r, i, wide), size), size);
  for (let i: u32 = 0; i < n; i++) {
    if (!selected(mask, i, wide)) continue;
    const linear = Ea.writeAt(seg, elementAt(r, i, wide), size);
    if (wide) Mem.write<u64>(linear, load<u64>(from + (i << 3)));
    else Mem.write<u32>(linear, load<u32>(from + (i << 2)));
  }
}
/**
 * Gathers load element by element; each clears its mask when it is done, so that after a fault the instruction goes on where it stopped
 * (the one place where a fault leaves changed state behind; SDM 2, VGATHERDPS).
 */
export function vgather(r: usize, kind: u32): void {
  const d = <u32>load<u8>(r, REC_R0);
  const m = <u32>load<u8>(r, REC_R1);
  const x = <u32>load<u8>(r, REC_INDEX);
  if (d == m || d == x || m == x) raise(UD);
  const wide = kind & 1;
  const wideIndex = (kind >> 1) & 1;
  const n: u32 = (kind & 4 ? 32 : 16) >> (2 + (wide | wideIndex));
  const to = Regs.xmm(d);
  const mask = Regs.xmm(m);
  const index = Regs.xmm(x);
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const scale = <u64>load<u8>(r, REC_SCALE);
  const start = load<u64>(vcpu + load<u8>(r, REC_BASE)) + <u64>(<i64>load<i32>(r, REC_DISP));
  const seg = <u32>load<u8>(r, REC_SEG);
  for (let i: u32 = 0; i < n; i++) {
    if (!selected(mask, i, wide)) {
      // Passed, like those that were loaded.
      if (wide) store<u64>(mask + (i << 3), 0);
      else store<u32>(mask + (i << 2), 0);
      continue;
    }
    const at: u64 = wideIndex ? load<u64>(index + (i << 3)) : <u64>(<i64>load<i32>(index + (i << 2)));
    const linear = Ea.readAt(seg, ((start + (at << scale)) << shift) >> shift, wide ? 8 : 4);
    if (wide) {
      store<u64>(to + (i << 3), Mem.read<u64>(linear));
      store<u64>(mask + (i << 3), 0);
    } else {
      store<u32>(to + (i << 2), Mem.read<u32>(linear));
      store<u32>(mask + (i << 2), 0);
    }
  }
  memory.fill(mask, 0, 32);
  const bytes = n << (2 + wide);
  memory.fill(to + bytes, 0, 32 - bytes);
}
