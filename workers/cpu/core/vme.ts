// Virtual-8086 mode extensions (CR4.VME) and protected-mode virtual interrupts (CR4.PVI): where IOPL keeps a program from IF, CLI, STI,
// PUSHF, POPF, IRET and INT n work on VIF and the interrupt redirection bitmap instead of faulting. Intel SDM 3B 20.3 and 20.4.

import { GP, raiseCode } from "./fault";
import { IF, IOPL, TF, VIF, VIP } from "./flags";
import { CR4, EFLAGS, IP } from "./layout";
import { virtual8086 } from "./mode";
import { enterSystem, Mem, updateContext } from "./mmu";
import { Stack } from "./operands";
import { segBase, segLimit, selector, setRealSegment } from "./segments";
import { CS, Regs, TR, vcpu } from "./state";
import { fullFlags } from "./task";

const VME: u64 = 1;
const PVI: u64 = 2;

/** For CLI and STI that IOPL forbids: does VIF take the place of IF? */
export function virtualIf(): bool {
  const cr4 = load<u64>(vcpu, CR4);
  return virtual8086() ? (cr4 & VME) != 0 : Regs.cpl() == 3 && (cr4 & PVI) != 0;
}
/** For PUSHF, POPF and IRET in virtual-8086 mode with IOPL < 3: allowed with a 16-bit operand under VME, else #GP. */
export function virtualFlags(bytes: u32): void {
  if (bytes != 2 || !(load<u64>(vcpu, CR4) & VME)) raiseCode(GP, 0);
}
export function setVif(on: bool): void {
  const flags = load<u64>(vcpu, EFLAGS);
  if (on && flags & VIP) raiseCode(GP, 0);
  store<u64>(vcpu, on ? flags | VIF : flags & ~(<u64>VIF), EFLAGS);
}
/** FLAGS as a virtual-8086 program sees them under VME: VIF in the place of IF, IOPL 3. */
export function seenFlags(): u64 {
  const flags = fullFlags();
  return (flags & ~(<u64>IF)) | IOPL | (flags & VIF ? <u64>IF : 0);
}
/** Checks flags to be loaded by POPF or IRET under VME and moves IF to VIF. */
export function loadedFlags(v: u64): u64 {
  if (v & TF || (v & IF && load<u64>(vcpu, EFLAGS) & VIP)) raiseCode(GP, 0);
  return (v & ~(<u64>VIF)) | (v & IF ? <u64>VIF : 0);
}
/** INT n in virtual-8086 mode: true when the redirection bitmap sent it to the program's own vector table. */
export function redirected(vector: u32): bool {
  if (!(load<u64>(vcpu, CR4) & VME)) return false;
  const base = segBase(TR);
  if (segLimit(TR) < 103) raiseCode(GP, 0);
  enterSystem();
  const at = <u32>Mem.read<u16>(base + 102) - 32 + (vector >> 3);
  if (at > segLimit(TR)) raiseCode(GP, 0);
  const bits = Mem.read<u8>(base + at);
  updateContext();
  if ((bits >> <u8>(vector & 7)) & 1) return false;
  const entry = Mem.read<u32>(<u64>(vector * 4));
  const outer = (load<u64>(vcpu, EFLAGS) & IOPL) == IOPL;
  Stack.poke<u16>(2, <u16>(outer ? fullFlags() : seenFlags()));
  Stack.poke<u16>(4, <u16>selector(CS));
  Stack.poke<u16>(6, <u16>load<u64>(vcpu, IP));
  Stack.adjust(-6);
  store<u64>(vcpu, load<u64>(vcpu, EFLAGS) & ~(<u64>(TF | (outer ? IF : VIF))), EFLAGS);
  setRealSegment(CS, entry >> 16);
  store<u64>(vcpu, <u64>(entry & 0xffff), IP);
  return true;
}
/** In virtual-8086 mode under VME with both VIF and VIP: #GP before the next instruction, so that the monitor delivers what it holds. */
export function virtualPending(): bool {
  const flags = load<u64>(vcpu, EFLAGS);
  return (load<u64>(vcpu, CR4) & VME) != 0 && (flags & IOPL) != IOPL && (flags & (VIF | VIP)) == (VIF | VIP);
}
