// Memory as the kernel of a running Linux sees it. With page-table isolation (Documentation/arch/x86/pti.rst) a processor at ring 3 runs on tables that
// have next to nothing of the kernel; the kernel's own are the page below (bit 12 of CR3 clear), so they are walked instead.

import type { Looked, Readable } from "./look.ts";
import { walk } from "./page-walk.ts";

const PTI_USER = 0x1000n;

export function kernelView({ cpu, memory }: Looked): Readable {
  const r = cpu.registers();
  if (r.cpl !== 3 || !(r.cr3 & PTI_USER)) return { cpu, memory };
  const registers = { ...r, cr3: r.cr3 & ~PTI_USER, pdpte: cpu.pdptes(), a20: cpu.pins().a20 };
  // Without isolation the page below is no page table: what it maps, if anything, is asked only where the processor's own tables have nothing.
  return { memory, cpu: { translate: (linear) => cpu.translate(linear) ?? walk(memory, registers, linear).physical } };
}
