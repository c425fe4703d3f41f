// Registers as a debugger writes them. Segment registers load as in real mode there, and from the descriptor tables in protected mode, without the
// checks that an instruction makes (as QEMU's gdb stub does).

import {
  CR0, CR2, CR3, CR4, EFER, FCW, FPR, FSW, FTW, GPR, IP, MXCSR, SEG_ATTR, SEG_BASE, SEG_LIMIT, SEG_SELECTOR, XMM,
} from "./core/layout.ts";
import type { GuestMemory } from "./cpu.ts";
import type { WasmCpu } from "./wasm-cpu.ts";

const NAMES = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const CONTROL: { readonly [name: string]: number } = { cr0: CR0, cr2: CR2, cr3: CR3, cr4: CR4, efer: EFER };
const SEGMENTS = ["es", "cs", "ss", "ds", "fs", "gs"];

/** False: there is no such register, or it cannot be written. */
export function setRegister(cpu: WasmCpu, memory: GuestMemory, name: string, value: bigint): boolean {
  const v = BigInt.asUintN(64, value);
  const wide = name.replace(/^[re]/, "");
  const number = NAMES.includes(wide) ? NAMES.indexOf(wide) : Number(/^r(\d+)$/.exec(name)?.[1] ?? 99);
  if (number < 16) {
    const keep = name.startsWith("r") ? 0n : name.startsWith("e") ? 0n : cpu.registers().gpr[number] ?? 0n;
    const bits = name.startsWith("r") ? 64 : name.startsWith("e") ? 32 : 16;
    cpu.edit((s) => s.setBigUint64(GPR + number * 8, bits === 16 ? (keep & ~0xffffn) | (v & 0xffffn) : BigInt.asUintN(bits, v), true));
    return true;
  }
  if (wide === "ip" || name === "pc") {
    // Names an offset in CS, as the register does.
    cpu.edit((s) => s.setBigUint64(IP, v, true));
    return true;
  }
  if (name === "eflags" || name === "rflags") {
    cpu.edit(() => {}, v);
    return true;
  }
  const control = CONTROL[name];
  if (control !== undefined) {
    cpu.edit((s) => s.setBigUint64(control, v, true));
    return true;
  }
  const base = /^(fs|gs)_base$/.exec(name);
  if (base) {
    cpu.edit((s) => s.setBigUint64(SEG_BASE + SEGMENTS.indexOf(base[1] as string) * 8, v, true));
    return true;
  }
  const segment = SEGMENTS.indexOf(name);
  if (segment >= 0) return setSegment(cpu, memory, segment, Number(v & 0xffffn));
  if (name === "mxcsr") {
    cpu.edit((s) => s.setUint32(MXCSR, Number(v & 0xffffn), true));
    return true;
  }
  const word = { fctrl: FCW, fstat: FSW, ftag: FTW }[name];
  if (word !== undefined) {
    cpu.edit((s) => s.setUint16(word, Number(v & 0xffffn), true));
    return true;
  }
  return false;
}
function setSegment(cpu: WasmCpu, memory: GuestMemory, n: number, selector: number): boolean {
  const { cr0, eflags } = cpu.registers();
  const put = (base: bigint, limit: number, attributes: number | null) =>
    cpu.edit((s) => {
      s.setUint16(SEG_SELECTOR + n * 2, selector, true);
      s.setBigUint64(SEG_BASE + n * 8, base, true);
      s.setUint32(SEG_LIMIT + n * 4, limit, true);
      if (attributes !== null) s.setUint32(SEG_ATTR + n * 4, attributes, true);
    });
  if (!(cr0 & 1n) || eflags & 0x20000n) {
    put(BigInt(selector) << 4n, 0xffff, null);
    return true;
  }
  if ((selector & 0xfffc) === 0) {
    put(0n, 0, 0x10000);
    return true;
  }
  if (selector & 4) return false; // LDT: not looked up
  const { gdt } = cpu.segments();
  if ((selector & 0xfff8) + 7 > gdt.limit) return false;
  const at = cpu.translate(gdt.base + BigInt(selector & 0xfff8));
  if (at === null) return false;
  const bytes = new Uint8Array(8);
  memory.read(Number(at), bytes);
  const d = new DataView(bytes.buffer).getBigUint64(0, true);
  const limit = Number((d & 0xffffn) | ((d >> 32n) & 0xf0000n));
  const pages = (d >> 55n) & 1n;
  put(((d >> 16n) & 0xffffffn) | ((d >> 32n) & 0xff000000n), pages ? (limit * 4096 + 4095) >>> 0 : limit, Number((d >> 40n) & 0xffffn));
  return true;
}
/** Physical x87 register n: significand, sign and exponent. */
export function setX87(cpu: WasmCpu, n: number, significand: bigint, exponent: number): void {
  cpu.edit((s) => {
    s.setBigUint64(FPR + n * 16, significand, true);
    s.setUint16(FPR + n * 16 + 8, exponent, true);
  });
}
export function setXmm(cpu: WasmCpu, n: number, low: bigint, high: bigint): void {
  cpu.edit((s) => {
    s.setBigUint64(XMM + n * 32, low, true);
    s.setBigUint64(XMM + n * 32 + 8, high, true);
  });
}
