// Hardware task switches, 16- and 32-bit TSS. Intel SDM 3A chapter 7.3. Left out: faults in the new task's segment loads are raised in
// the new task (as the manual says) but the order among several bad selectors is ES, CS, SS, DS, FS, GS.

import { DB, GP, NP, raiseCode, SSF, TS } from "./fault";
import { flagBits, NT, setFlagBits, VM } from "./flags";
import { hardwareTrap, resumesHere } from "./interrupts";
import { cr3Watched, cr3Written } from "./watch";
import { CR0, CR3, CR4, DR, EFLAGS, IP } from "./layout";
import { ATTR_NULL, updateAttention, updateMode } from "./mode";
import { enterSystem, loadPdptes, Mem, switchAddressSpace, updateContext } from "./mmu";
import { Stack } from "./operands";
import { leaveIp } from "./run";
import {
  descAttr, descBase, descDpl, descLimit, descPresent, descSystem, descType, descriptorAt, readDescriptor, segAttr, segBase, segLimit,
  selector, setAccessed, setCpl, setSegment, loadFromDescriptor,
} from "./segments";
import { CS, DS, ES, FS, GS, LDTR, Regs, SS, TR, vcpu } from "./state";

/** All of EFLAGS as a task or interrupt frame stores them. */
export function fullFlags(): u64 {
  return load<u64>(vcpu, EFLAGS) | flagBits() | 2;
}
function setBusy(sel: u32, busy: bool): void {
  const at = descriptorAt(sel) + 5;
  enterSystem();
  const b = Mem.read<u8>(at);
  Mem.write<u8>(at, busy ? b | 2 : b & ~2);
  updateContext();
}
/**
 * Switches to the task of `sel`. kind 0: JMP, 1: CALL or interrupt (nests), 2: IRET (back link). `ip` is saved in the old task.
 * `hasCode`: push `code` on the new stack. `savedFlags`: set in the EFLAGS of the old task, RF when it faulted.
 */
export function taskSwitch(sel: u32, kind: u32, ip: u64, hasCode: bool, code: u32, savedFlags: u64 = 0): void {
  const bad: u32 = kind == 2 ? TS : GP;
  if (sel & 4 || !(sel & 0xfffc)) raiseCode(bad, sel & 0xfffc);
  const d = readDescriptor(sel, bad);
  const type = descType(d);
  if (!descSystem(d) || (type & 5) != 1) raiseCode(bad, sel & 0xfffc);
  if (kind == 2 ? !(type & 2) : (type & 2) != 0) raiseCode(bad, sel & 0xfffc);
  if (!descPresent(d)) raiseCode(NP, sel & 0xfffc);
  const wide = (type & 8) != 0;
  if (descLimit(d) < (wide ? <u32>0x67 : <u32>0x2b)) raiseCode(TS, sel & 0xfffc);
  const oldWide = (segAttr(TR) & 8) != 0;
  const oldBase = segBase(TR);
  const oldSel = selector(TR);
  const base = descBase(d);
  let flags = fullFlags() | savedFlags;
  if (kind == 2) flags &= ~NT;

  // Read the new task first: page faults belong to the old one.
  enterSystem();
  const size: u32 = wide ? 104 : 44;
  Mem.read<u8>(base);
  Mem.read<u8>(base + size - 1);
  const newCr3: u64 = wide && load<u64>(vcpu, CR0) & 0x80000000 ? <u64>Mem.read<u32>(base + 28) : load<u64>(vcpu, CR3);
  const nip = wide ? Mem.read<u32>(base + 32) : <u32>Mem.read<u16>(base + 14);
  const nflags = wide ? Mem.read<u32>(base + 36) : <u32>Mem.read<u16>(base + 16);
  const r0 = reg(base, wide, 0), r1 = reg(base, wide, 1), r2 = reg(base, wide, 2), r3 = reg(base, wide, 3);
  const r4 = reg(base, wide, 4), r5 = reg(base, wide, 5), r6 = reg(base, wide, 6), r7 = reg(base, wide, 7);
  const es = seg(base, wide, 0), cs = seg(base, wide, 1), ss = seg(base, wide, 2), ds = seg(base, wide, 3);
  const fs: u32 = wide ? seg(base, wide, 4) : 0, gs: u32 = wide ? seg(base, wide, 5) : 0;
  const ldt: u32 = wide ? Mem.read<u16>(base + 96) : Mem.read<u16>(base + 42);
  const trap: bool = wide ? (Mem.read<u8>(base + 100) & 1) != 0 : false;

  // Save the old task.
  if (oldWide) {
    Mem.probeWrite(oldBase + 32, 64);
    Mem.write<u32>(oldBase + 32, <u32>ip);
    Mem.write<u32>(oldBase + 36, <u32>flags);
    for (let n: u32 = 0; n < 8; n++) Mem.write<u32>(oldBase + 40 + n * 4, <u32>Regs.get(n));
    for (let n: u32 = 0; n < 6; n++) Mem.write<u16>(oldBase + 72 + n * 4, <u16>selector(n));
  } else {
    Mem.probeWrite(oldBase + 14, 28);
    Mem.write<u16>(oldBase + 14, <u16>ip);
    Mem.write<u16>(oldBase + 16, <u16>flags);
    for (let n: u32 = 0; n < 8; n++) Mem.write<u16>(oldBase + 18 + n * 2, <u16>Regs.get(n));
    for (let n: u32 = 0; n < 4; n++) Mem.write<u16>(oldBase + 34 + n * 2, <u16>selector(n));
  }
  if (kind == 1) Mem.write<u16>(base, <u16>oldSel);
  updateContext();
  if (kind != 1) setBusy(oldSel, false);
  if (kind != 2) setBusy(sel, true);

  // The new task is current from here on: faults are raised before its first instruction.
  leaveIp(true);
  setSegment(TR, sel, base, descLimit(d), descAttr(d) | 2);
  store<u64>(vcpu, load<u64>(vcpu, CR0) | 8, CR0);
  if (newCr3 != load<u64>(vcpu, CR3)) {
    if (cr3Watched) cr3Written(load<u64>(vcpu, CR3), newCr3);
    store<u64>(vcpu, newCr3, CR3);
    if (load<u64>(vcpu, CR4) & 0x20) loadPdptes(newCr3);
    switchAddressSpace(false);
  }
  store<u64>(vcpu, nip, IP);
  const nested: u32 = kind == 1 ? nflags | NT : nflags;
  setFlagBits(nested);
  store<u64>(vcpu, <u64>(nested & 0x003f7700), EFLAGS);
  resumesHere();
  Regs.set(0, r0);
  Regs.set(1, r1);
  Regs.set(2, r2);
  Regs.set(3, r3);
  Regs.set(4, r4);
  Regs.set(5, r5);
  Regs.set(6, r6);
  Regs.set(7, r7);
  // The local enables and LE (SDM 3B 17.2.4).
  store<u64>(vcpu + 56, load<u64>(vcpu + 56, DR) & ~0x155, DR);
  for (let n: u32 = 0; n < 6; n++) setSegment(n, seg6(n, es, cs, ss, ds, fs, gs), 0, 0, ATTR_NULL);
  setSegment(LDTR, ldt, 0, 0, ATTR_NULL);
  if (nested & VM) {
    setCpl(3);
    for (let n: u32 = 0; n < 6; n++) {
      const s = seg6(n, es, cs, ss, ds, fs, gs);
      setSegment(n, s, <u64>(s << 4), 0xffff, 0xf3);
    }
    updateMode();
  } else {
    setCpl(cs & 3);
    updateMode();
    loadLdt(ldt, TS);
    const c = readDescriptorOrTs(cs);
    if (descSystem(c) || !(descType(c) & 8)) raiseCode(TS, cs & 0xfffc);
    if (descType(c) & 4 ? descDpl(c) > (cs & 3) : descDpl(c) != (cs & 3)) raiseCode(TS, cs & 0xfffc);
    if (!descPresent(c)) raiseCode(NP, cs & 0xfffc);
    setAccessed(cs, c);
    loadFromDescriptor(CS, cs, c);
    updateMode();
    const s = readDescriptorOrTs(ss);
    if (descSystem(s) || descType(s) & 8 || !(descType(s) & 2) || (ss & 3) != (cs & 3) || descDpl(s) != (cs & 3)) raiseCode(TS, ss & 0xfffc);
    if (!descPresent(s)) raiseCode(SSF, ss & 0xfffc);
    setAccessed(ss, s);
    loadFromDescriptor(SS, ss, s);
    // A fault of the data segments is already pushed with this stack's width.
    updateMode();
    loadData(ES, es);
    loadData(DS, ds);
    loadData(FS, fs);
    loadData(GS, gs);
    updateMode();
  }
  updateAttention();
  if (hasCode) {
    if (wide) Stack.push<u32>(code);
    else Stack.push<u16>(<u16>code);
  }
  if (load<u64>(vcpu, IP) > <u64>segLimit(CS)) raiseCode(GP, 0);
  leaveIp(false);
  if (trap) {
    // The T bit: #DB in the new task, before its first instruction (SDM 3B 17.3.1.5).
    store<u64>(vcpu + 48, load<u64>(vcpu + 48, DR) | 0x8000, DR);
    hardwareTrap(DB);
  }
}
function reg(base: u64, wide: bool, n: u32): u64 {
  return wide ? <u64>Mem.read<u32>(base + 40 + n * 4) : <u64>Mem.read<u16>(base + 18 + n * 2) | 0xffff0000;
}
function seg(base: u64, wide: bool, n: u32): u32 {
  return wide ? <u32>Mem.read<u16>(base + 72 + n * 4) : <u32>Mem.read<u16>(base + 34 + n * 2);
}
function seg6(n: u32, es: u32, cs: u32, ss: u32, ds: u32, fs: u32, gs: u32): u32 {
  switch (n) {
    case 0: return es;
    case 1: return cs;
    case 2: return ss;
    case 3: return ds;
    case 4: return fs;
    default: return gs;
  }
}
function readDescriptorOrTs(sel: u32): u64 {
  if (!(sel & 0xfffc)) raiseCode(TS, 0);
  return readDescriptor(sel, TS);
}
function loadData(s: u32, sel: u32): void {
  if (!(sel & 0xfffc)) return;
  const d = readDescriptor(sel, TS);
  const type = descType(d);
  if (descSystem(d) || (type & 10) == 8) raiseCode(TS, sel & 0xfffc);
  if ((type & 12) != 12 && (descDpl(d) < (sel & 3) || descDpl(d) < Regs.cpl())) raiseCode(TS, sel & 0xfffc);
  if (!descPresent(d)) raiseCode(NP, sel & 0xfffc);
  setAccessed(sel, d);
  loadFromDescriptor(s, sel, d);
}
/** LLDT and the LDT of a new task. */
export function loadLdt(sel: u32, vector: u32): void {
  if (!(sel & 0xfffc)) {
    setSegment(LDTR, sel, 0, 0, ATTR_NULL);
    return;
  }
  if (sel & 4) raiseCode(vector, sel & 0xfffc);
  const d = readDescriptor(sel, vector);
  if (!descSystem(d) || descType(d) != 2) raiseCode(vector, sel & 0xfffc);
  if (!descPresent(d)) raiseCode(vector == TS ? TS : NP, sel & 0xfffc);
  setSegment(LDTR, sel, descBase(d), descLimit(d), descAttr(d));
}
