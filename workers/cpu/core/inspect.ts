// Page walks for people: no faults, no accessed bits, no TLB. The walk leaves one entry per level at SCRATCH_BASE + 0x4000.

import { A20_MASK, CR0, CR3, CR4, EFER, P2M_PRESENT, PDPTE, SCRATCH_BASE } from "./layout";
import { p2m } from "./mmu";
import { vcpu } from "./state";

const OUT: usize = SCRATCH_BASE + 0x4000;

function entry64(at: u64): u64 {
  const e = p2m(at);
  return e & P2M_PRESENT ? load<u64>((e & ~0xfff) + (<usize>at & 0xfff)) : 0;
}
function entry32(at: u64): u64 {
  const e = p2m(at);
  return e & P2M_PRESENT ? <u64>load<u32>((e & ~0xfff) + (<usize>at & 0xfff)) : 0;
}
let levels: u32 = 0;
function note(at: u64, value: u64): void {
  store<u64>(OUT + 32 + (levels << 4), at);
  store<u64>(OUT + 40 + (levels << 4), value);
  levels++;
}
/**
 * Translates a linear address. Result at SCRATCH_BASE + 0x4000: physical address (u64), number of levels (u32), page size (u32) at +8,
 * then from +32 pairs of entry address and entry. False when not mapped.
 */
export function probe(linear: u64): bool {
  levels = 0;
  const ok = walk(linear);
  store<u32>(OUT, levels, 8);
  return ok;
}
function done(physical: u64, size: u32): bool {
  store<u64>(OUT, physical & load<u64>(vcpu, A20_MASK));
  store<u32>(OUT, size, 12);
  return true;
}
function walk(linear: u64): bool {
  if (!(load<u64>(vcpu, CR0) & 0x80000000)) return done(linear & 0xffffffff, 4096);
  const long = (load<u64>(vcpu, EFER) & 0x400) != 0;
  const mask: u64 = 0xfffffff000;
  if (!long && !(load<u64>(vcpu, CR4) & 0x20)) {
    const at2 = (load<u64>(vcpu, CR3) & 0xfffff000) + (((linear >> 22) & 1023) << 2);
    const e2 = entry32(at2);
    note(at2, e2);
    if (!(e2 & 1)) return false;
    if (e2 & 0x80 && load<u64>(vcpu, CR4) & 0x10) return done((e2 & 0xffc00000) | (linear & 0x3fffff), 0x400000);
    const at1 = (e2 & 0xfffff000) + (((linear >> 12) & 1023) << 2);
    const e1 = entry32(at1);
    note(at1, e1);
    return e1 & 1 ? done((e1 & 0xfffff000) | (linear & 0xfff), 4096) : false;
  }
  let e3: u64;
  if (long) {
    if (<i64>(linear << 16) >> 16 != <i64>linear) return false;
    const at4 = (load<u64>(vcpu, CR3) & mask) + (((linear >> 39) & 511) << 3);
    const e4 = entry64(at4);
    note(at4, e4);
    if (!(e4 & 1)) return false;
    const at3 = (e4 & mask) + (((linear >> 30) & 511) << 3);
    e3 = entry64(at3);
    note(at3, e3);
    if (!(e3 & 1)) return false;
    if (e3 & 0x80) return done((e3 & 0xffc0000000) | (linear & 0x3fffffff), 0x40000000);
  } else {
    e3 = load<u64>(vcpu + (<usize>((linear >> 30) & 3) << 3), PDPTE);
    note((load<u64>(vcpu, CR3) & 0xffffffe0) + (((linear >> 30) & 3) << 3), e3);
    if (!(e3 & 1)) return false;
  }
  const at2 = (e3 & mask) + (((linear >> 21) & 511) << 3);
  const e2 = entry64(at2);
  note(at2, e2);
  if (!(e2 & 1)) return false;
  if (e2 & 0x80) return done((e2 & 0xffffe00000) | (linear & 0x1fffff), 0x200000);
  const at1 = (e2 & mask) + (((linear >> 12) & 511) << 3);
  const e1 = entry64(at1);
  note(at1, e1);
  return e1 & 1 ? done((e1 & mask) | (linear & 0xfff), 4096) : false;
}
