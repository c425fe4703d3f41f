// Descriptor tables in words: GDT, LDT, IDT, the interrupt vectors of real mode, and the task state segment (SDM 3A 3.4.5, 3.5, 6.11, 6.14, 8.2, 8.7).
// Reads what the guest can have no say about: nothing faults, nothing is marked accessed.

import type { Descriptor, DescriptorKind, DescriptorTable, TaskState } from "../../src/contract/inspect.ts";
import type { SegmentView, TableView } from "../cpu/wasm-cpu.ts";
import { type Looked, readMemory } from "./look.ts";
import type { Symbols } from "./symbols.ts";

const SYSTEM: readonly (readonly [DescriptorKind, 16 | 32 | null])[] = [
  ["reserved", null], ["tss", 16], ["ldt", null], ["tss", 16], ["call-gate", 16], ["task-gate", null], ["interrupt-gate", 16], ["trap-gate", 16],
  ["reserved", null], ["tss", 32], ["reserved", null], ["tss", 32], ["call-gate", 32], ["reserved", null], ["interrupt-gate", 32], ["trap-gate", 32],
];
const u64 = (bytes: Uint8Array, at: number) => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);
const MOST_ENTRIES = 8192;

function describe(d: bigint, high: bigint | null, long: boolean, symbols: Symbols, base: { readonly index: number; readonly selector: number; readonly held: readonly string[] }): Descriptor {
  const type = Number((d >> 40n) & 15n);
  const isSystem = !(d & (1n << 44n));
  const nothing = { ...base, raw: d, high, bits: null, present: (d & (1n << 47n)) !== 0n, dpl: Number((d >> 45n) & 3n), base: null, limit: null, target: null, ist: 0, busy: false, flags: [] };
  if (d === 0n) return { ...nothing, kind: "null" };
  const at = ((d >> 16n) & 0xffffffn) | ((d >> 32n) & 0xff000000n);
  const small = (d & 0xffffn) | ((d >> 32n) & 0xf0000n);
  const limit = d & (1n << 55n) ? (small << 12n) | 0xfffn : small;
  if (!isSystem) {
    const code = (type & 8) !== 0;
    const flags: Descriptor["flags"] = [
      ...(type & 1 ? (["accessed"] as const) : []),
      ...(type & 2 ? ([code ? "readable" : "writable"] as const) : []),
      ...(type & 4 ? ([code ? "conforming" : "expand-down"] as const) : []),
    ];
    return { ...nothing, kind: code ? "code" : "data", bits: code && long && d & (1n << 53n) ? 64 : d & (1n << 54n) ? 32 : 16, base: at, limit, flags };
  }
  const [kind, size] = SYSTEM[type] as (typeof SYSTEM)[number];
  // Long mode has no 16-bit and task gates; the others are 64-bit.
  if (kind === "reserved" || (long && (size === 16 || kind === "task-gate"))) return { ...nothing, kind: "reserved" };
  const bits = kind === "ldt" || kind === "task-gate" ? null : long ? 64 : size;
  if (kind === "ldt" || kind === "tss") return { ...nothing, kind, bits, base: at | ((high ?? 0n) & 0xffffffffn) << 32n, limit, busy: kind === "tss" && (type & 2) !== 0 };
  const offset = (d & 0xffffn) | (size === 16 ? 0n : (d >> 32n) & 0xffff0000n) | (((high ?? 0n) & 0xffffffffn) << 32n);
  return { ...nothing, kind, bits, target: { selector: Number((d >> 16n) & 0xffffn), offset, symbol: symbols.at(offset) }, ist: long ? Number((d >> 32n) & 7n) : 0 };
}
export interface TableSource {
  readonly looked: Looked;
  readonly symbols: Symbols;
}
function readable(looked: Looked, base: bigint, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const n = Math.min(length - done, 4096 - Number((base + BigInt(done)) & 0xfffn));
    const part = readMemory(looked, base + BigInt(done), n);
    if (!part) return out.subarray(0, done);
    out.set(part, done);
    done += n;
  }
  return out;
}
/** GDT or LDT. */
export function segmentTable({ looked, symbols }: TableSource, name: "GDT" | "LDT", table: TableView): DescriptorTable {
  const { cpu } = looked;
  const long = (cpu.registers().efer & 0x400n) !== 0n;
  const wanted = Math.min(Math.floor((table.limit + 1) / 8), MOST_ENTRIES);
  const bytes = readable(looked, table.base, wanted * 8);
  const { segments } = cpu.segments();
  const entries: Descriptor[] = [];
  for (let index = 0; index * 8 + 8 <= bytes.length; index++) {
    const d = u64(bytes, index * 8);
    const system = !(d & (1n << 44n)) && [2, 9, 11, 12].includes(Number((d >> 40n) & 15n));
    const wide = long && system && index * 8 + 16 <= bytes.length;
    const selector = index * 8 + (name === "LDT" ? 4 : 0);
    const held = segments.filter((s) => (s.selector & 0xfffc) === selector && (s.selector & 0xfffc) !== 0).map((s) => s.name);
    entries.push(describe(d, wide ? u64(bytes, index * 8 + 8) : null, long, symbols, { index, selector, held }));
    if (wide) index++;
  }
  return { name, base: table.base, limit: table.limit, entries, unreadable: wanted - Math.floor(bytes.length / 8) };
}
/** The IDT, or in real mode the vector table that IDTR names as well. `only`: entries of other vectors are neither read nor described. */
export function interruptTable({ looked, symbols }: TableSource, only?: readonly number[]): DescriptorTable & { readonly size: number } {
  const { cpu } = looked;
  const { cr0, efer } = cpu.registers();
  const { idt } = cpu.segments();
  const real = !(cr0 & 1n);
  const long = (efer & 0x400n) !== 0n;
  const size = real ? 4 : long ? 16 : 8;
  const wanted = Math.min(256, Math.floor((idt.limit + 1) / size));
  const entry = (index: number, bytes: Uint8Array, at: number): Descriptor => {
    const place = { index, selector: index, held: [] };
    if (!real) return describe(u64(bytes, at), long ? u64(bytes, at + 8) : null, long, symbols, place);
    const word = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
    const target = { selector: word >>> 16, offset: BigInt(word & 0xffff), symbol: null };
    return { ...place, raw: BigInt(word), high: null, kind: "interrupt-gate", bits: 16, present: true, dpl: 0, base: null, limit: null, target, ist: 0, busy: false, flags: [] };
  };
  const table = { name: real ? ("IVT" as const) : ("IDT" as const), base: idt.base, limit: idt.limit, size };
  if (only) {
    const inside = only.filter((vector) => vector < wanted);
    const entries = inside.flatMap((vector) => {
      const bytes = readable(looked, idt.base + BigInt(vector * size), size);
      return bytes.length === size ? [entry(vector, bytes, 0)] : [];
    });
    return { ...table, entries, unreadable: inside.length - entries.length };
  }
  const bytes = readable(looked, idt.base, wanted * size);
  const have = Math.floor(bytes.length / size);
  return { ...table, entries: Array.from({ length: have }, (_, index) => entry(index, bytes, index * size)), unreadable: wanted - have };
}

const TSS_32 = "ESP0 SS0 ESP1 SS1 ESP2 SS2 CR3 EIP EFLAGS EAX ECX EDX EBX ESP EBP ESI EDI ES CS SS DS FS GS LDT".split(" ");
const TSS_16 = "link SP0 SS0 SP1 SS1 SP2 SS2 IP FLAGS AX CX DX BX SP BP SI DI ES CS SS DS LDT".split(" ");
export function taskState(looked: Looked, tr: SegmentView): TaskState {
  const type = tr.attributes & 15;
  const { efer } = looked.cpu.registers();
  const usable = (tr.selector & 0xfffc) !== 0 && [1, 3, 9, 11].includes(type);
  const bits = !usable ? null : type < 8 ? 16 : efer & 0x400n ? 64 : 32;
  const empty: TaskState = { selector: tr.selector, base: tr.base, limit: tr.limit, bits, fields: [], openPorts: [] };
  if (bits === null) return empty;
  const bytes = readable(looked, tr.base, Math.min(tr.limit + 1, 0x2100));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fields: { name: string; value: bigint }[] = [];
  const add = (name: string, at: number, width: 2 | 4 | 8) => {
    if (at + width > bytes.length) return;
    fields.push({ name, value: width === 8 ? view.getBigUint64(at, true) : BigInt(width === 4 ? view.getUint32(at, true) : view.getUint16(at, true)) });
  };
  if (bits === 16) TSS_16.forEach((name, n) => add(name, n * 2, 2));
  else if (bits === 32) {
    add("link", 0, 2);
    TSS_32.forEach((name, n) => add(name, 4 + n * 4, /S$/.test(name) && name !== "EFLAGS" || name === "LDT" || /^SS\d$/.test(name) ? 2 : 4));
  } else {
    for (let n = 0; n < 3; n++) add(`RSP${n}`, 4 + n * 8, 8);
    for (let n = 1; n < 8; n++) add(`IST${n}`, 28 + n * 8, 8);
  }
  if (bits !== 16) add("I/O map", 102, 2);
  return { ...empty, fields, openPorts: bits === 16 ? [] : openPorts(view) };
}
/** A port is open where its bit is clear; bits behind the limit count as set. */
function openPorts(view: DataView): (readonly [number, number])[] {
  if (view.byteLength < 104) return [];
  const map = view.getUint16(102, true);
  const out: [number, number][] = [];
  for (let port = 0; port < 0x10000; port++) {
    const at = map + (port >> 3);
    // The processor reads two bytes: the last must lie within the limit.
    if (at + 1 >= view.byteLength) break;
    if (view.getUint8(at) & (1 << (port & 7))) continue;
    const last = out[out.length - 1];
    if (last && last[1] + 1 === port) last[1] = port;
    else out.push([port, port]);
  }
  return out;
}
