// The processor's state as QEMU 7.2 prints it: `info registers`, -d cpu, -d int and -d cpu_reset. 64-bit registers are shown in 64-bit mode.
// Not QEMU's: its lazy flags (CCS, CCD, CCO) are always shown as computed; a loaded TR is busy, where TCG's copy stays available.

import type { CpuView, SegmentView } from "../cpu/wasm-cpu.ts";
import { hex } from "./format.ts";

const NAMES = ["AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI"];
const ORDER = [0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15];
const FLAGS = [[0x400, "D"], [0x800, "O"], [0x80, "S"], [0x40, "Z"], [0x10, "A"], [4, "P"], [1, "C"]] as const;
const SYSTEM_32 = "Reserved TSS16-avl LDT TSS16-busy CallGate16 TaskGate IntGate16 TrapGate16 Reserved TSS32-avl Reserved TSS32-busy CallGate32 Reserved IntGate32 TrapGate32".split(" ");
const SYSTEM_64 = "<hiword> Reserved LDT Reserved Reserved Reserved Reserved Reserved Reserved TSS64-avl Reserved TSS64-busy CallGate64 Reserved IntGate64 TrapGate64".split(" ");

export interface CpuStateParts {
  /** Flags as QEMU keeps them between instructions. */
  readonly conditions?: boolean;
  readonly fpu?: boolean;
}
function segment(s: SegmentView, protectedMode: boolean, long: boolean, wide: boolean): string {
  // QEMU keeps a loaded null selector as nothing at all in 64-bit mode.
  const a = s.attributes & 0x10000 ? 0 : s.attributes & 0xf0ff;
  // The descriptor's upper half, whose bits 16-19 are the limit's as it was written.
  const flags = ((a & 0xff) << 8) | ((a & 0xf000) << 8) | (a === 0 ? 0 : (((a & 0x8000 ? s.limit >>> 28 : s.limit >>> 16) & 15) << 16));
  const head = `${s.name.padEnd(3)}=${hex(BigInt(s.selector), 4)} ${hex(s.base, wide ? 16 : 8)} ${hex(BigInt(s.limit), 8)} ${hex(BigInt(flags), 8)}`;
  if (!protectedMode || !(a & 0x80)) return head;
  const bit = (n: number, letter: string) => (a & n ? letter : "-");
  const dpl = ` DPL=${(a >> 5) & 3} `;
  if (!(a & 0x10)) return `${head}${dpl}${(long ? SYSTEM_64 : SYSTEM_32)[a & 15]}`;
  if (a & 8) return `${head}${dpl}${a & 0x2000 ? "CS64" : a & 0x4000 ? "CS32" : "CS16"} [${bit(4, "C")}${bit(2, "R")}${bit(1, "A")}]`;
  return `${head}${dpl}${a & 0x4000 || long ? "DS  " : "DS16"} [${bit(4, "E")}${bit(2, "W")}${bit(1, "A")}]`;
}
/** `ip`: the instruction pointer to show, where the state holds that of the next instruction. */
export function cpuState(cpu: CpuView, parts: CpuStateParts = {}, ip?: bigint): string {
  const r = cpu.registers();
  const { segments, gdt, idt } = cpu.segments();
  const debug = cpu.debugRegisters();
  const { a20, shadow } = cpu.pins();
  const wide = cpu.codeBits() === 64;
  const long = (r.efer & 0x400n) !== 0n;
  const protectedMode = (r.cr0 & 1n) !== 0n;
  const width = wide ? 16 : 8;
  const shown = wide ? ORDER : ORDER.slice(0, 8);
  const name = (n: number) => (n < 8 ? `${wide ? "R" : "E"}${NAMES[n]}` : `R${n}`.padEnd(3));
  const lines: string[] = [];
  for (let i = 0; i < shown.length; i += 4) lines.push(shown.slice(i, i + 4).map((n) => `${name(n)}=${hex(r.gpr[n] as bigint, width).slice(-width)}`).join(" "));
  const flags = FLAGS.map(([bit, letter]) => (Number(r.eflags) & bit ? letter : "-")).join("");
  lines.push(`${wide ? "R" : "E"}IP=${hex(ip ?? r.rip, width)} ${wide ? "R" : "E"}FL=${hex(r.eflags, 8)} [${flags}] CPL=${r.cpl} II=${shadow ? 1 : 0} A20=${a20 ? 1 : 0} SMM=0 HLT=${r.halted ? 1 : 0}`);
  for (const s of segments) lines.push(segment({ ...s, name: s.name }, protectedMode, long, wide));
  const table = long ? 16 : 8;
  lines.push(`GDT=     ${hex(gdt.base, table)} ${hex(BigInt(gdt.limit), 8)}`, `IDT=     ${hex(idt.base, table)} ${hex(BigInt(idt.limit), 8)}`);
  lines.push(`CR0=${hex(r.cr0, 8)} CR2=${hex(r.cr2, table)} CR3=${hex(r.cr3, table)} CR4=${hex(r.cr4, 8)}`);
  lines.push(`${[0, 1, 2, 3].map((n) => `DR${n}=${hex(debug[n] ?? 0n, 16)} `).join("")}`, `DR6=${hex(debug[6] ?? 0n, 16)} DR7=${hex(debug[7] ?? 0n, 16)}`);
  if (parts.conditions) lines.push(`CCS=${hex(r.eflags & 0x8d5n, width)} CCD=${hex(0n, width)} CCO=EFLAGS`);
  lines.push(`EFER=${hex(r.efer, 16)}`);
  if (parts.fpu) lines.push(...vectorLines(cpu, wide));
  return lines.join("\n");
}
function vectorLines(cpu: CpuView, wide: boolean): string[] {
  const v = cpu.vectorRegisters();
  const top = (v.status >> 11) & 7;
  // QEMU's FTW has a bit per register that is set when it holds something.
  let used = 0;
  for (let n = 0; n < 8; n++) if (((v.tags >> (2 * n)) & 3) !== 3) used |= 1 << n;
  const pairs = (all: readonly string[]) => all.flatMap((text, n) => (n & 1 ? [] : [`${text} ${all[n + 1]}`]));
  return [
    `FCW=${hex(BigInt(v.control), 4)} FSW=${hex(BigInt(v.status), 4)} [ST=${top}] FTW=${hex(BigInt(used), 2)} MXCSR=${hex(BigInt(v.mxcsr), 8)}`,
    ...pairs(v.x87.map(([low, high], n) => `FPR${n}=${hex(low, 16)} ${hex(BigInt(high), 4)}`)),
    ...pairs(v.xmm.slice(0, wide ? 16 : 8).map(([low, high], n) => `XMM${String(n).padStart(2, "0")}=${hex(high, 16)} ${hex(low, 16)}`)),
  ];
}
