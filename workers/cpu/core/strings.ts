// String instructions. MOVS, STOS, SCAS and CMPS work on whole page-bounded runs when the direction is up and the memory is plain RAM; the
// others go element by element. A repeated instruction does a bounded number of elements, then restarts itself, so that interrupts and budgets stay
// timely and deterministic. Intel SDM 1 7.3.9, 2 REP.

import { cmp } from "./alu";
import { DF } from "./flags";
import { pioRead, pioWrite } from "./host";
import { ATTENTION, ATTENTION_TRAP, EFLAGS, IP, PREFIX_REP, PREFIX_REPNE, REC_ADDR_SHIFT, REC_PREFIX, REC_SEG, SEG_BASE, SEG_CHECK, TLB_ADDEND, TLB_READ, TLB_WRITE } from "./layout";
import { codeSize } from "./mode";
import { generation, Mem } from "./mmu";
import { Ea } from "./operands";
import { currentIp } from "./run";
import { ES, RAX, RCX, RDI, RDX, Regs, RSI, vcpu } from "./state";
import { checkPort } from "./system";

/** Elements per execution of a repeated instruction. */
const CHUNK: u64 = 0x10000;
/** Elements this time: one when single-stepping or watching, where a trap may follow each. */
function quotaOf(most: u64): u64 {
  return load<u32>(vcpu, ATTENTION) & ATTENTION_TRAP ? 1 : most;
}

function advance(n: u32, shift: u64, by: u64): void {
  const v = Regs.get(n) + by;
  if (shift == 48) store<u16>(vcpu + (n << 3), <u16>v);
  else if (shift == 32) Regs.set(n, v & 0xffffffff);
  else Regs.set(n, v);
}
function masked(n: u32, shift: u64): u64 {
  return (Regs.get(n) << shift) >> shift;
}
function step<T>(): u64 {
  return load<u64>(vcpu, EFLAGS) & DF ? -(<u64>sizeof<T>()) : <u64>sizeof<T>();
}
function again(): void {
  store<u64>(vcpu, currentIp(), IP);
}
function destination(): u32 {
  return codeSize == 2 ? 8 : ES;
}
/** Host address when the linear byte is plainly readable / writable RAM, else 0. */
function plainRead(linear: u64): usize {
  const e = Mem.entry(linear);
  return load<u64>(e, TLB_READ) == ((linear & ~0xfff) | generation) ? <usize>(<u32>linear + load<u32>(e, TLB_ADDEND)) : 0;
}
function plainWrite(linear: u64): usize {
  const e = Mem.entry(linear);
  return load<u64>(e, TLB_WRITE) == ((linear & ~0xfff) | generation) ? <usize>(<u32>linear + load<u32>(e, TLB_ADDEND)) : 0;
}
/** Elements until the offset would wrap or the page ends. */
function run<T>(linear: u64, offset: u64, shift: u64, count: u64): u64 {
  let n = (4096 - (linear & 0xfff)) / sizeof<T>();
  if (shift) {
    const room = (((<u64>1) << (64 - shift)) - offset) / sizeof<T>();
    if (room < n) n = room;
  }
  return n < count ? n : count;
}
/** How many of `n` elements from the start equal `a` (`want`), or differ from it. */
function matching<T>(at: usize, n: usize, a: T, want: bool): usize {
  const bytes = n * sizeof<T>();
  const splat = v128.splat<T>(a);
  const flip = i8x16.splat(want ? -1 : 0);
  let i: usize = 0;
  for (; i + 64 <= bytes; i += 64) {
    const p = v128.xor(v128.eq<T>(v128.load(at + i), splat), flip);
    const q = v128.xor(v128.eq<T>(v128.load(at + i, 16), splat), flip);
    const s = v128.xor(v128.eq<T>(v128.load(at + i, 32), splat), flip);
    const t = v128.xor(v128.eq<T>(v128.load(at + i, 48), splat), flip);
    if (v128.any_true(v128.or(v128.or(p, q), v128.or(s, t)))) break;
  }
  while (i < bytes && (load<T>(at + i) == a) == want) i += sizeof<T>();
  return i / sizeof<T>();
}
/** How many of `n` pairs of elements from the start are equal (`want`), or differ. */
function matchingPairs<T>(x: usize, y: usize, n: usize, want: bool): usize {
  const bytes = n * sizeof<T>();
  const flip = i8x16.splat(want ? -1 : 0);
  let i: usize = 0;
  for (; i + 32 <= bytes; i += 32) {
    const p = v128.xor(v128.eq<T>(v128.load(x + i), v128.load(y + i)), flip);
    const q = v128.xor(v128.eq<T>(v128.load(x + i, 16), v128.load(y + i, 16)), flip);
    if (v128.any_true(v128.or(p, q))) break;
  }
  while (i < bytes && (load<T>(x + i) == load<T>(y + i)) == want) i += sizeof<T>();
  return i / sizeof<T>();
}
function fill<T>(to: usize, bytes: usize, v: T): void {
  let i: usize = 0;
  const splat = v128.splat<T>(v);
  for (; i + 16 <= bytes; i += 16) v128.store(to + i, splat);
  for (; i < bytes; i += sizeof<T>()) store<T>(to + i, v);
}

export function movs<T>(r: usize): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const seg = <u32>load<u8>(r, REC_SEG);
  const rep = (load<u8>(r, REC_PREFIX) & (PREFIX_REP | PREFIX_REPNE)) != 0;
  if (rep) {
    repMovs<T>(r);
    return;
  }
  const by = step<T>();
  const v = Mem.read<T>(Ea.readAt(seg, masked(RSI, shift), sizeof<T>()));
  Mem.write<T>(Ea.writeAt(destination(), masked(RDI, shift), sizeof<T>()), v);
  advance(RSI, shift, by);
  advance(RDI, shift, by);
}
/** A function of its own: handlers of the single form stay small enough for the translator. */
function repMovs<T>(r: usize): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const seg = <u32>load<u8>(r, REC_SEG);
  const by = step<T>();
  let left = masked(RCX, shift);
  if (!left) return;
  let quota = quotaOf(CHUNK);
  const dst = destination();
  const flat = !load<u8>(vcpu + seg, SEG_CHECK) && !load<u8>(vcpu + dst, SEG_CHECK);
  while (left && quota) {
    const si = masked(RSI, shift);
    const di = masked(RDI, shift);
    if (flat && by == sizeof<T>()) {
      const source = si + load<u64>(vcpu + (seg << 3), SEG_BASE);
      const target = di + load<u64>(vcpu + (dst << 3), SEG_BASE);
      const from = plainRead(source);
      const to = plainWrite(target);
      if (from && to) {
        let n = run<T>(source, si, shift, run<T>(target, di, shift, left));
        if (n > quota) n = quota;
        if (n) {
          const bytes = <usize>n * sizeof<T>();
          // Overlap forward by less than the length replicates a pattern: element order matters then.
          if (to > from && to < from + bytes) for (let i: usize = 0; i < bytes; i += sizeof<T>()) store<T>(to + i, load<T>(from + i));
          else memory.copy(to, from, bytes);
          advance(RSI, shift, bytes);
          advance(RDI, shift, bytes);
          left -= n;
          quota -= n;
          advance(RCX, shift, -n);
          continue;
        }
      }
    }
    const v = Mem.read<T>(Ea.readAt(seg, si, sizeof<T>()));
    Mem.write<T>(Ea.writeAt(dst, di, sizeof<T>()), v);
    advance(RSI, shift, by);
    advance(RDI, shift, by);
    advance(RCX, shift, -1);
    left--;
    quota--;
  }
  if (left) again();
}
export function stos<T>(r: usize): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const rep = (load<u8>(r, REC_PREFIX) & (PREFIX_REP | PREFIX_REPNE)) != 0;
  const by = step<T>();
  const v = load<T>(vcpu);
  const dst = destination();
  if (!rep) {
    Mem.write<T>(Ea.writeAt(dst, masked(RDI, shift), sizeof<T>()), v);
    advance(RDI, shift, by);
    return;
  }
  let left = masked(RCX, shift);
  let quota = quotaOf(CHUNK);
  const flat = !load<u8>(vcpu + dst, SEG_CHECK);
  while (left && quota) {
    const di = masked(RDI, shift);
    if (flat && by == sizeof<T>()) {
      const target = di + load<u64>(vcpu + (dst << 3), SEG_BASE);
      const to = plainWrite(target);
      if (to) {
        let n = run<T>(target, di, shift, left);
        if (n > quota) n = quota;
        if (n) {
          const bytes = <usize>n * sizeof<T>();
          if (sizeof<T>() == 1 || v == <T>0) memory.fill(to, <u8>v, bytes);
          else fill<T>(to, bytes, v);
          advance(RDI, shift, bytes);
          advance(RCX, shift, -n);
          left -= n;
          quota -= n;
          continue;
        }
      }
    }
    Mem.write<T>(Ea.writeAt(dst, di, sizeof<T>()), v);
    advance(RDI, shift, by);
    advance(RCX, shift, -1);
    left--;
    quota--;
  }
  if (left) again();
}
export function lods<T>(r: usize): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const seg = <u32>load<u8>(r, REC_SEG);
  const rep = (load<u8>(r, REC_PREFIX) & (PREFIX_REP | PREFIX_REPNE)) != 0;
  if (!rep) {
    const v = Mem.read<T>(Ea.readAt(seg, masked(RSI, shift), sizeof<T>()));
    if (sizeof<T>() == 4) Regs.set(RAX, <u64>v);
    else store<T>(vcpu, v);
    advance(RSI, shift, step<T>());
    return;
  }
  let left = masked(RCX, shift);
  let quota = quotaOf(CHUNK);
  while (left && quota) {
    const v = Mem.read<T>(Ea.readAt(seg, masked(RSI, shift), sizeof<T>()));
    if (sizeof<T>() == 4) Regs.set(RAX, <u64>v);
    else store<T>(vcpu, v);
    advance(RSI, shift, step<T>());
    advance(RCX, shift, -1);
    left--;
    quota--;
  }
  if (left) again();
}
export function scas<T>(r: usize): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const prefix = <u32>load<u8>(r, REC_PREFIX);
  const rep = (prefix & (PREFIX_REP | PREFIX_REPNE)) != 0;
  const want = (prefix & PREFIX_REP) != 0;
  const dst = destination();
  const a = load<T>(vcpu);
  if (!rep) {
    const v = Mem.read<T>(Ea.readAt(dst, masked(RDI, shift), sizeof<T>()));
    advance(RDI, shift, step<T>());
    cmp<T>(a, v);
    return;
  }
  let left = masked(RCX, shift);
  let quota = quotaOf(CHUNK);
  if (quota > left) quota = left;
  const flat = !(load<u8>(vcpu + dst, SEG_CHECK) & 1) && !(load<u64>(vcpu, EFLAGS) & DF);
  while (quota) {
    if (flat) {
      // All but the element that ends the instruction, whose flags stay.
      const di = masked(RDI, shift);
      const target = di + load<u64>(vcpu + (dst << 3), SEG_BASE);
      const from = plainRead(target);
      const n = from ? matching<T>(from, <usize>run<T>(target, di, shift, quota - 1), a, want) : 0;
      if (n) {
        advance(RDI, shift, n * sizeof<T>());
        advance(RCX, shift, -(<u64>n));
        left -= n;
        quota -= n;
        cmp<T>(a, load<T>(from + (n - 1) * sizeof<T>()));
      }
    }
    const v = Mem.read<T>(Ea.readAt(dst, masked(RDI, shift), sizeof<T>()));
    advance(RDI, shift, step<T>());
    left--;
    quota--;
    advance(RCX, shift, -1);
    cmp<T>(a, v);
    if ((a == v) != want) return;
  }
  if (left) again();
}
export function cmps<T>(r: usize): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const seg = <u32>load<u8>(r, REC_SEG);
  const prefix = <u32>load<u8>(r, REC_PREFIX);
  const rep = (prefix & (PREFIX_REP | PREFIX_REPNE)) != 0;
  const want = (prefix & PREFIX_REP) != 0;
  const dst = destination();
  if (!rep) {
    const a = Mem.read<T>(Ea.readAt(seg, masked(RSI, shift), sizeof<T>()));
    const b = Mem.read<T>(Ea.readAt(dst, masked(RDI, shift), sizeof<T>()));
    advance(RSI, shift, step<T>());
    advance(RDI, shift, step<T>());
    cmp<T>(a, b);
    return;
  }
  let left = masked(RCX, shift);
  let quota = quotaOf(CHUNK);
  if (quota > left) quota = left;
  const flat = !((load<u8>(vcpu + seg, SEG_CHECK) | load<u8>(vcpu + dst, SEG_CHECK)) & 1) && !(load<u64>(vcpu, EFLAGS) & DF);
  while (quota) {
    if (flat) {
      const si = masked(RSI, shift);
      const di = masked(RDI, shift);
      const source = si + load<u64>(vcpu + (seg << 3), SEG_BASE);
      const target = di + load<u64>(vcpu + (dst << 3), SEG_BASE);
      const x = plainRead(source);
      const y = plainRead(target);
      const most = run<T>(source, si, shift, run<T>(target, di, shift, quota - 1));
      const n = x && y ? matchingPairs<T>(x, y, <usize>most, want) : 0;
      if (n) {
        advance(RSI, shift, n * sizeof<T>());
        advance(RDI, shift, n * sizeof<T>());
        advance(RCX, shift, -(<u64>n));
        left -= n;
        quota -= n;
        cmp<T>(load<T>(x + (n - 1) * sizeof<T>()), load<T>(y + (n - 1) * sizeof<T>()));
      }
    }
    const a = Mem.read<T>(Ea.readAt(seg, masked(RSI, shift), sizeof<T>()));
    const b = Mem.read<T>(Ea.readAt(dst, masked(RDI, shift), sizeof<T>()));
    advance(RSI, shift, step<T>());
    advance(RDI, shift, step<T>());
    left--;
    quota--;
    advance(RCX, shift, -1);
    cmp<T>(a, b);
    if ((a == b) != want) return;
  }
  if (left) again();
}
export function ins<T>(r: usize): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const rep = (load<u8>(r, REC_PREFIX) & (PREFIX_REP | PREFIX_REPNE)) != 0;
  const dst = destination();
  const port = <u32>Regs.get(RDX) & 0xffff;
  let left: u64 = rep ? masked(RCX, shift) : 1;
  // Before the count is looked at, as on processors: without permission a count of 0 faults too.
  checkPort(port, sizeof<T>());
  if (!left) return;
  let quota = quotaOf(4096);
  while (left && quota) {
    const at = Ea.writeAt(dst, masked(RDI, shift), sizeof<T>());
    Mem.probeWrite(at, sizeof<T>());
    Mem.write<T>(at, <T>pioRead(port, sizeof<T>()));
    advance(RDI, shift, step<T>());
    if (rep) advance(RCX, shift, -1);
    left--;
    quota--;
  }
  if (left) again();
}
export function outs<T>(r: usize): void {
  const shift = <u64>load<u8>(r, REC_ADDR_SHIFT);
  const seg = <u32>load<u8>(r, REC_SEG);
  const rep = (load<u8>(r, REC_PREFIX) & (PREFIX_REP | PREFIX_REPNE)) != 0;
  const port = <u32>Regs.get(RDX) & 0xffff;
  let left: u64 = rep ? masked(RCX, shift) : 1;
  // Before the count is looked at, as on processors: without permission a count of 0 faults too.
  checkPort(port, sizeof<T>());
  if (!left) return;
  let quota = quotaOf(4096);
  while (left && quota) {
    pioWrite(port, sizeof<T>(), <u32>Mem.read<T>(Ea.readAt(seg, masked(RSI, shift), sizeof<T>())));
    advance(RSI, shift, step<T>());
    if (rep) advance(RCX, shift, -1);
    left--;
    quota--;
  }
  if (left) again();
}
