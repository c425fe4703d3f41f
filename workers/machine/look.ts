// Memory and registers of a machine as a debugger reads and writes them: by linear address of the current context or by physical address,
// RAM and ROM only (registers of devices may change when they are read). Nothing here faults, fills the TLB or sets accessed bits.

import type { WasmCpu } from "../cpu/wasm-cpu.ts";
import type { GuestMemory } from "../cpu/cpu.ts";
import type { Surroundings } from "./expression.ts";

export interface Looked {
  readonly cpu: WasmCpu;
  readonly memory: GuestMemory;
}
/** What reading needs: how addresses are translated, and the memory. */
export interface Readable {
  readonly cpu: { translate(linear: bigint): bigint | null };
  readonly memory: GuestMemory;
}
/** Calls `piece` for every run within a page; false where nothing is mapped or a device answers. */
function pieces({ cpu, memory }: Readable, address: bigint, length: number, physical: boolean, piece: (at: number, from: number, n: number) => void): boolean {
  for (let done = 0; done < length; ) {
    const here = BigInt.asUintN(64, address + BigInt(done));
    const at = physical ? here : cpu.translate(here);
    if (at === null || at >= 1n << 52n || !memory.readable(Number(at))) return false;
    const n = Math.min(length - done, 4096 - Number(here & 0xfffn));
    piece(Number(at), done, n);
    done += n;
  }
  return true;
}
/** The bytes there, or null when one of them cannot be read. */
export function readMemory(looked: Readable, address: bigint, length: number, physical = false): Uint8Array | null {
  const out = new Uint8Array(length);
  return pieces(looked, address, length, physical, (at, from, n) => looked.memory.read(at, out.subarray(from, from + n))) ? out : null;
}
/** Where in the pool the byte at a linear address is; null: nowhere. */
export function hostOf({ cpu, memory }: Looked, linear: bigint): number | null {
  const physical = cpu.translate(linear);
  const frame = physical === null ? null : memory.place(Number(physical)).frame;
  return frame === null ? null : frame + Number(linear & 0xfffn);
}
/** Writes them if all of them can be written. */
export function writeMemory(looked: Looked, address: bigint, bytes: Uint8Array, physical = false): boolean {
  if (!pieces(looked, address, bytes.length, physical, () => {})) return false;
  return pieces(looked, address, bytes.length, physical, (at, from, n) => looked.memory.write(at, bytes.subarray(from, from + n)));
}

const NAMES = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
/** A register by the names that people type: rip, eax, cs, cr3, dr7, eflags, cpl, fs_base. */
export function registerValue(cpu: WasmCpu, name: string): bigint | null {
  const r = cpu.registers();
  const wide = name.replace(/^[re]/, "");
  const n = NAMES.indexOf(wide);
  if (n >= 0) {
    const v = r.gpr[n] as bigint;
    return name.startsWith("r") ? v : name.startsWith("e") ? v & 0xffffffffn : v & 0xffffn;
  }
  const low = /^([abcd])l$/.exec(name);
  if (low) return (r.gpr[NAMES.indexOf(`${low[1]}x`)] as bigint) & 0xffn;
  const numbered = /^r(\d+)(d?)$/.exec(name);
  if (numbered && Number(numbered[1]) < 16) return (r.gpr[Number(numbered[1])] as bigint) & (numbered[2] ? 0xffffffffn : 0xffffffffffffffffn);
  if (wide === "ip" || name === "pc") return cpu.linearIp();
  if (name === "eflags" || name === "rflags") return r.eflags;
  if (name === "cpl") return BigInt(r.cpl);
  if (name === "cr0" || name === "cr2" || name === "cr3" || name === "cr4" || name === "efer") return r[name];
  const debug = /^dr([0-7])$/.exec(name);
  if (debug) return cpu.debugRegisters()[Number(debug[1])] ?? null;
  const { segments } = cpu.segments();
  const base = /^(..)_base$/.exec(name);
  const segment = segments.find((s) => s.name.toLowerCase() === (base ? base[1] : name));
  if (!segment) return null;
  return base ? segment.base : BigInt(segment.selector);
}
export function surroundings(looked: Looked): Surroundings {
  return {
    register: (name) => registerValue(looked.cpu, name),
    memory: (address, bytes, physical) => {
      const got = readMemory(looked, address, bytes, physical);
      return got ? got.reduceRight((v, b) => (v << 8n) | BigInt(b), 0n) : null;
    },
  };
}
