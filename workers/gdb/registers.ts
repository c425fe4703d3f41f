// Registers as gdb numbers them: target descriptions of i386 and x86-64 (gdb manual, appendix G: features org.gnu.gdb.i386.core, .sse and .segments, and one
// of ours with the control registers that QEMU's stub shows), and their values in the order of the description.
// Left out: AVX halves, MPX, protection keys, debug registers (gdb has breakpoints of its own).

import { setRegister, setX87, setXmm } from "../cpu/edit-registers.ts";
import type { GuestMemory } from "../cpu/cpu.ts";
import type { WasmCpu } from "../cpu/wasm-cpu.ts";

export interface GdbRegister {
  readonly name: string;
  readonly bits: number;
  readonly type: string;
  readonly group?: string;
}
interface Feature {
  readonly name: string;
  readonly types?: string;
  readonly registers: readonly GdbRegister[];
}
export interface GdbTarget {
  readonly wide: boolean;
  readonly registers: readonly GdbRegister[];
  readonly xml: string;
}
const flags = (id: string, size: number, fields: readonly (readonly [string, number, number?])[]) =>
  `<flags id="${id}" size="${size}">${fields.map(([name, start, end = start]) => `<field name="${name}" start="${start}" end="${end}"/>`).join("")}</flags>`;
const EFLAGS = flags("i386_eflags", 4, [
  ["", 22, 31], ["ID", 21], ["VIP", 20], ["VIF", 19], ["AC", 18], ["VM", 17], ["RF", 16], ["", 15], ["NT", 14], ["IOPL", 12, 13], ["OF", 11], ["DF", 10], ["IF", 9], ["TF", 8],
  ["SF", 7], ["ZF", 6], ["", 5], ["AF", 4], ["", 3], ["PF", 2], ["", 1], ["CF", 0],
]);
const MXCSR = flags("i386_mxcsr", 4, [["IE", 0], ["DE", 1], ["ZE", 2], ["OE", 3], ["UE", 4], ["PE", 5], ["DAZ", 6], ["IM", 7], ["DM", 8], ["ZM", 9], ["OM", 10], ["UM", 11], ["PM", 12], ["RC", 13, 14], ["FZ", 15]]);
const CR0 = flags("cr0_flags", 4, [["PG", 31], ["CD", 30], ["NW", 29], ["AM", 18], ["WP", 16], ["NE", 5], ["ET", 4], ["TS", 3], ["EM", 2], ["MP", 1], ["PE", 0]]);
const VECTOR = '<vector id="v4f" type="ieee_single" count="4"/><vector id="v2d" type="ieee_double" count="2"/><vector id="v16i8" type="int8" count="16"/><vector id="v8i16" type="int16" count="8"/><vector id="v4i32" type="int32" count="4"/><vector id="v2i64" type="int64" count="2"/><union id="vec128"><field name="v4_float" type="v4f"/><field name="v2_double" type="v2d"/><field name="v16_int8" type="v16i8"/><field name="v8_int16" type="v8i16"/><field name="v4_int32" type="v4i32"/><field name="v2_int64" type="v2i64"/><field name="uint128" type="uint128"/></union>';

const GENERAL_64 = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
const GENERAL_32 = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
const FLOAT = ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"];
/** CR8 has a port of its own in the local APIC: shown, not written. */
const CONTROL = ["cr0", "cr2", "cr3", "cr4", "efer"];

function describe(wide: boolean): GdbTarget {
  const bits = wide ? 64 : 32;
  const int = `int${bits}`;
  const pointers = new Set(["rbp", "rsp", "esp", "ebp"]);
  const core: GdbRegister[] = [
    ...(wide ? GENERAL_64 : GENERAL_32).map((name) => ({ name, bits, type: pointers.has(name) ? "data_ptr" : int })),
    { name: wide ? "rip" : "eip", bits, type: "code_ptr" },
    { name: "eflags", bits: 32, type: "i386_eflags" },
    ...["cs", "ss", "ds", "es", "fs", "gs"].map((name) => ({ name, bits: 32, type: "int32" })),
    ...Array.from({ length: 8 }, (_, n) => ({ name: `st${n}`, bits: 80, type: "i387_ext" })),
    ...FLOAT.map((name) => ({ name, bits: 32, type: "int", group: "float" })),
  ];
  const features: readonly Feature[] = [
    { name: "org.gnu.gdb.i386.core", types: EFLAGS, registers: core },
    { name: "org.gnu.gdb.i386.sse", types: VECTOR + MXCSR, registers: [...Array.from({ length: wide ? 16 : 8 }, (_, n) => ({ name: `xmm${n}`, bits: 128, type: "vec128" })), { name: "mxcsr", bits: 32, type: "i386_mxcsr", group: "vector" }] },
    ...(wide ? [{ name: "org.gnu.gdb.i386.segments", registers: ["fs_base", "gs_base"].map((name) => ({ name, bits: 64, type: "int" })) }] : []),
    { name: "org.guesthouse.i386.control", types: CR0, registers: CONTROL.map((name) => ({ name, bits, type: name === "cr0" && !wide ? "cr0_flags" : int, group: "system" })) },
  ];
  const registers = features.flatMap((f) => f.registers);
  const xml = `<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0"><architecture>${wide ? "i386:x86-64" : "i386"}</architecture>${features
    .map((f) => `<feature name="${f.name}">${f.types ?? ""}${f.registers.map((r) => `<reg name="${r.name}" bitsize="${r.bits}" type="${r.type}" regnum="${registers.indexOf(r)}"${r.group ? ` group="${r.group}"` : ""}/>`).join("")}</feature>`)
    .join("")}</target>`;
  return { wide, registers, xml };
}
export const target64 = describe(true);
export const target32 = describe(false);

const GENERAL: { readonly [name: string]: number } = Object.fromEntries(
  ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"].flatMap((name, n) => [[`r${name}`, n], [`e${name}`, n]]).concat(Array.from({ length: 8 }, (_, n) => [`r${n + 8}`, n + 8])),
);
/** All registers' bytes, little-endian, in the description's order. */
export function readRegisters(cpu: WasmCpu, target: GdbTarget): Uint8Array[] {
  const r = cpu.registers();
  const v = cpu.vectorRegisters();
  const { segments } = cpu.segments();
  const top = (v.status >> 11) & 7;
  const segment = (name: string) => segments.find((s) => s.name.toLowerCase() === name);
  const float: { readonly [name: string]: number } = { fctrl: v.control, fstat: v.status, ftag: v.tags };
  return target.registers.map(({ name, bits }) => {
    const out = new Uint8Array(bits / 8);
    const view = new DataView(out.buffer);
    const put = (value: bigint) => {
      for (let n = 0; n < out.length; n++) out[n] = Number((value >> BigInt(n * 8)) & 0xffn);
    };
    const general = GENERAL[name];
    const st = /^st(\d)$/.exec(name);
    const xmm = /^xmm(\d+)$/.exec(name);
    if (general !== undefined) put(r.gpr[general] as bigint);
    else if (name === "rip" || name === "eip") put(r.rip);
    else if (name === "eflags") put(r.eflags);
    else if (st) {
      const [low, high] = v.x87[(top + Number(st[1])) & 7] as readonly [bigint, number];
      view.setBigUint64(0, low, true);
      view.setUint16(8, high, true);
    } else if (xmm) {
      const [low, high] = v.xmm[Number(xmm[1])] as readonly [bigint, bigint];
      view.setBigUint64(0, low, true);
      view.setBigUint64(8, high, true);
    } else if (name === "mxcsr") put(BigInt(v.mxcsr));
    else if (name in float) put(BigInt(float[name] as number));
    else if (name.endsWith("_base")) put(segment(name.slice(0, 2))?.base ?? 0n);
    else if (CONTROL.includes(name)) put(r[name as "cr0"]);
    else if (segment(name)) put(BigInt(segment(name)?.selector ?? 0));
    return out;
  });
}
/** False: it cannot be written. */
export function writeRegister(cpu: WasmCpu, memory: GuestMemory, { name }: GdbRegister, bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const st = /^st(\d)$/.exec(name);
  const xmm = /^xmm(\d+)$/.exec(name);
  if (st) {
    const top = (cpu.vectorRegisters().status >> 11) & 7;
    setX87(cpu, (top + Number(st[1])) & 7, view.getBigUint64(0, true), view.getUint16(8, true));
    return true;
  }
  if (xmm) {
    setXmm(cpu, Number(xmm[1]), view.getBigUint64(0, true), view.getBigUint64(8, true));
    return true;
  }
  const value = bytes.reduceRight((v, b) => (v << 8n) | BigInt(b), 0n);
  return setRegister(cpu, memory, name, value);
}
