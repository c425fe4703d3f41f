// Commands behind the inspector's panels: listings, bytes, page walks, descriptor tables, interrupt controllers, maps, symbols. Each gives plain data
// (src/contract/inspect.ts) and prints it for the console. Nothing here changes the guest.

import type { Descriptor, DescriptorTable, InterruptGate, Interrupts, LinuxTask, MachineMap, MemoryBytes, TaskState, Walk } from "../../src/contract/inspect.ts";
import { FaultError, integer, optional, string } from "../../src/contract/schema.ts";
import { disassemble } from "../cpu/isa/disassemble.ts";
import { bitsOf } from "../cpu/jit/region.ts";
import { interruptTable, segmentTable, taskState } from "../machine/descriptors.ts";
import { linuxSymbols } from "../machine/kallsyms.ts";
import { linuxTasks } from "../machine/linux-tasks.ts";
import { listing } from "../machine/listing.ts";
import { hostOf, readMemory } from "../machine/look.ts";
import { walk } from "../machine/page-walk.ts";
import { parseElfSymbols, parseSystemMap } from "../machine/symbols.ts";
import { type AnyCommand, command, type MonitorContext } from "./command.ts";
import { evaluate, hex } from "./format.ts";

const UNMAPPED = -1;
const DEVICE = -2;
const h = (v: bigint | number) => `0x${v.toString(16)}`;
const sizeText = (n: number) => (n >= 1 << 30 ? `${n / 2 ** 30} GiB` : n >= 1 << 20 ? `${n / 2 ** 20} MiB` : `${n / 1024} KiB`);
const physicalOrLinear = (context: MonitorContext, text: string): { at: bigint; physical: boolean } => {
  const physical = text.startsWith("p:");
  return { at: evaluate(context, physical ? text.slice(2) : text), physical };
};
const source = ({ debug }: MonitorContext) => ({ looked: debug.looked, symbols: debug.symbols });

function bytesOf(context: MonitorContext, text: string, length: number): MemoryBytes {
  const { at, physical } = physicalOrLinear(context, text);
  const { cpu, board } = context;
  const bytes: number[] = [];
  while (bytes.length < length) {
    const here = BigInt.asUintN(64, at + BigInt(bytes.length));
    const n = Math.min(length - bytes.length, 4096 - Number(here & 0xfffn));
    const to = physical ? here : cpu.translate(here);
    if (to === null) bytes.push(...new Array<number>(n).fill(UNMAPPED));
    else if (to >= 1n << 52n || !board.memory.readable(Number(to))) bytes.push(...new Array<number>(n).fill(DEVICE));
    else {
      const part = new Uint8Array(n);
      board.memory.read(Number(to), part);
      bytes.push(...part);
    }
  }
  return { address: at, physical, bytes };
}
function dumpText({ address, bytes }: MemoryBytes): string {
  const lines: string[] = [];
  for (let n = 0; n < bytes.length; n += 16) {
    const row = bytes.slice(n, n + 16);
    const shown = row.map((b) => (b === UNMAPPED ? "--" : b === DEVICE ? "??" : b.toString(16).padStart(2, "0"))).join(" ");
    lines.push(`${hex(address + BigInt(n), 16)}: ${shown.padEnd(47)}  ${row.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : ".")).join("")}`);
  }
  return lines.join("\n");
}
/** "text in quotes" or bytes in hex. */
export function needle(text: string): Uint8Array {
  const quoted = /^"(.*)"$/s.exec(text.trim());
  if (quoted) return new TextEncoder().encode(quoted[1]);
  const digits = text.replace(/\s+|0x/gi, "");
  if (digits === "" || digits.length % 2 || !/^[0-9a-f]+$/i.test(digits)) throw new FaultError("memory.pattern", `"${text}" is neither text in quotes nor bytes in hex.`, 'For example "login:" or 55 aa.');
  return Uint8Array.from(digits.match(/../g) as string[], (d) => Number.parseInt(d, 16));
}
const SEARCH_PAGES = 65536;
/** The first place from an address on; a range that nothing is mapped in is stepped over page by page. */
function search(context: MonitorContext, text: string, from: string, most: number): { readonly at: bigint | null; readonly end: bigint } {
  const wanted = needle(text);
  const { at: start, physical } = physicalOrLinear(context, from);
  const { looked } = context.debug;
  let page = start & ~0xfffn;
  let tail = new Uint8Array(0);
  for (let n = 0; n < most; n++, page = BigInt.asUintN(64, page + 4096n)) {
    const bytes = readMemory(looked, page, 4096, physical);
    if (!bytes) {
      tail = new Uint8Array(0);
      continue;
    }
    const both = new Uint8Array(tail.length + 4096);
    both.set(tail);
    both.set(bytes, tail.length);
    const origin = page - BigInt(tail.length);
    outer: for (let i = Number(start > origin ? start - origin : 0n); i + wanted.length <= both.length; i++) {
      for (let k = 0; k < wanted.length; k++) if (both[i + k] !== wanted[k]) continue outer;
      return { at: origin + BigInt(i), end: page };
    }
    tail = both.slice(Math.max(0, both.length - wanted.length + 1));
  }
  return { at: null, end: page };
}
function walkOf(context: MonitorContext, text: string): Walk {
  const { cpu, board } = context;
  return walk(board.memory, { ...cpu.registers(), pdpte: cpu.pdptes(), a20: cpu.pins().a20 }, evaluate(context, text));
}
function walkText(w: Walk): string {
  const lines = [`${h(w.linear)}, paging: ${w.mode}`];
  for (const l of w.levels) lines.push(`  ${l.name.padEnd(4)} at ${h(l.table)} [${l.index}] = ${hex(l.entry, l.bytes * 2)}  ${l.bits.join(" ")}${l.target === null ? `  ${l.leads}` : `  -> ${h(l.target)}`}`);
  if (w.physical === null) return [...lines, `  no translation: ${w.why}`].join("\n");
  const rights = w.rights ? ` ${w.rights.user ? "u" : "-"}r${w.rights.write ? "w" : "-"}${w.rights.execute ? "x" : "-"}` : "";
  const place = w.place === null ? "" : `, ${w.place.kind}${w.place.frame === null ? "" : ` in frame ${h(w.place.frame)} of the pool`}${w.place.packed ? " (packed)" : ""}`;
  return [...lines, `  physical ${h(w.physical)}${w.pageBytes ? `, page of ${sizeText(w.pageBytes)}` : ""}${rights}${place}`].join("\n");
}
function descriptorText(d: Descriptor): string {
  const size = d.bits === null ? "" : ` ${d.bits}-bit`;
  const rest = d.target
    ? `${hex(BigInt(d.target.selector), 4)}:${hex(d.target.offset, 0)}${d.target.symbol ? ` <${d.target.symbol.name}>` : ""}${d.ist ? ` IST${d.ist}` : ""}`
    : d.base === null ? "" : `base ${h(d.base)} limit ${h(d.limit ?? 0n)}`;
  return `${hex(BigInt(d.selector), 4)}: ${d.kind}${size}${d.busy ? " busy" : ""}${d.present || d.kind === "null" ? "" : " not present"}${d.kind === "null" ? "" : ` dpl ${d.dpl}`} ${rest} ${d.flags.join(" ")}${d.held.length ? ` (${d.held.join(" ")})` : ""}`.trimEnd();
}
function tableText(t: DescriptorTable): string {
  const lines = t.entries.filter((d) => d.kind !== "null").map(descriptorText);
  return [`${t.name} at ${h(t.base)}, limit ${h(t.limit)}`, ...lines, ...(t.unreadable ? [`${t.unreadable} entries cannot be read`] : [])].join("\n");
}
/** Entries of the interrupt table for these vectors: panels ask for them some times a second, and 256 descriptors with their symbols are not free. */
function gatesOf(context: MonitorContext, vectors: ReadonlySet<number>): InterruptGate[] {
  const { symbols } = context.debug;
  const { name, base, size, entries } = interruptTable(source(context), [...vectors].sort((a, b) => a - b));
  return entries.map(({ index, kind, target, present }) => {
    const handler = target === null || kind === "task-gate" ? null : target.offset + (name === "IVT" ? BigInt(target.selector) * 16n : 0n);
    return { vector: index, at: base + BigInt(index * size), kind, present, handler, symbol: handler === null ? null : symbols.at(handler) };
  });
}
function interrupts(context: MonitorContext): Interrupts {
  const { board, cpu } = context;
  const pic = board.device("pic")?.save() as { readonly master: readonly number[]; readonly slave: readonly number[] };
  // The order of I8259.registers().
  const half = (r: readonly number[]) => ({ irr: r[0] as number, isr: r[1] as number, imr: r[2] as number, elcr: r[4] as number, base: r[5] as number });
  const io = board.device("ioapic") as unknown as { describe(): readonly { pin: number; low: number; high: number; level: boolean }[] } | null;
  const local = board.device("lapic") as unknown as { describe(): Record<string, number> & { irr: number[]; isr: number[]; lvt: number[] } } | null;
  const l = local?.describe();
  const levels = board.irqLevels();
  const taken = board.vectorCounts();
  const halves = [half(pic.master), half(pic.slave)];
  const pins = io?.describe() ?? [];
  const vectors = new Set([
    ...taken.map((v) => v.vector),
    ...pins.filter((p) => !(p.low & 0x10000)).map((p) => p.low & 255),
    ...(l ? l.lvt.slice(0, 1).filter((v) => !(v & 0x10000)).map((v) => v & 255) : []),
    ...halves.flatMap((p, n) => Array.from({ length: 8 }, (_, line) => line).filter((line) => !((p.imr >> line) & 1) && !(n === 0 && line === 2)).map((line) => (p.base & 0xf8) | line)),
  ]);
  return {
    pic: halves,
    ioApic: pins.map((p) => ({
      pin: p.pin, vector: p.low & 255, masked: (p.low & 0x10000) !== 0, level: (p.low & 0x8000) !== 0, waiting: (p.low & 0x4000) !== 0, delivery: (p.low >> 8) & 7, destination: p.high >>> 24,
    })),
    local: l ? { enabled: ((l.svr as number) & 0x100) !== 0, tpr: l.tpr as number, ppr: l.ppr as number, irr: l.irr, isr: l.isr, lvt: l.lvt, timer: { initial: l.initial as number, current: l.current as number } } : null,
    lines: board.irqCounts().map((rises, n) => ({ rises, high: levels[n] as boolean })),
    vectors: taken,
    gates: gatesOf(context, vectors),
    taken: cpu.counters().interrupts,
  };
}
function machineMap({ board }: MonitorContext): MachineMap {
  const memory = [...board.memory.ranges(), ...board.mmio.list().map((e) => ({ from: e.base, to: e.base + e.length - 1, kind: "bus" as const, writable: true }))].sort((a, b) => a.from - b.from);
  return { memory, ports: board.pio.list().map((e) => ({ from: e.base, to: e.base + e.length - 1 })) };
}

function useSymbols({ debug }: MonitorContext, bytes: Uint8Array, from: string, base: bigint): number {
  const elf = bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
  const found = elf ? parseElfSymbols(bytes) : parseSystemMap(new TextDecoder().decode(bytes));
  debug.symbols.set(base === 0n ? found : found.map(([at, name]) => [BigInt.asUintN(64, at + base), name] as const), from);
  return debug.symbols.count;
}

/** A translated region as `region` shows it. */
interface RegionListing {
  /** Linear address of the entry. */
  readonly entry: bigint;
  /** Bytes of its function. */
  readonly size: number;
  /** Regions that contain the code at the address, this one included. */
  readonly regions: number;
  /** Null: the function's beginning and ends. */
  readonly parts: readonly { readonly guest: { readonly address: bigint; readonly text: string } | null; readonly wasm: readonly string[] }[];
}
async function regionOf(context: MonitorContext, text: string): Promise<RegionListing> {
  const { cpu, board } = context;
  if (!cpu.translator) throw new FaultError("monitor.interpreted", "The machine is interpreted; nothing is translated.", "Start it with -accel jit.");
  const address = evaluate(context, text);
  const host = hostOf({ cpu, memory: board.memory }, address) ?? -1;
  if (host < 0 && cpu.translate(address) === null) throw new FaultError("monitor.unmapped", `Nothing is mapped at 0x${hex(address, 0)}.`);
  const found = cpu.translator.regionsAt(host);
  const [source] = found;
  // The text needs a parser that nobody else does.
  const { showRegion } = await import("../cpu/jit/show.ts");
  const shown = source ? showRegion(cpu.coreBytes, source) : null;
  const block = source?.blocks.find((b) => host >= b.host && host < b.host + b.length);
  if (!source || !shown || !block) throw new FaultError("monitor.untranslated", `The code at 0x${hex(address, 0)} is not translated.`, "disassemble marks translated code with T; code is translated when it has run some hundred times.");
  const bits = bitsOf(source.mode);
  const at = (delta: number) => BigInt.asUintN(bits === 64 ? 64 : 32, address + BigInt(delta - block.delta - (host - block.host)));
  return {
    entry: at(0),
    size: shown.size,
    regions: found.length,
    parts: shown.parts.map(({ guest, wasm }) => {
      if (!guest) return { guest: null, wasm };
      const bytes = readMemory({ cpu, memory: board.memory }, at(guest.delta), guest.length);
      return { guest: { address: at(guest.delta), text: bytes ? disassemble(bytes, bits, at(guest.delta)).text : "(not mapped)" }, wasm };
    }),
  };
}
export const lookCommands: readonly AnyCommand[] = [
  command({
    name: "region",
    summary: "the translated region at an address: each instruction beside the WebAssembly made of it: region $rip",
    args: { address: optional(string("address"), "$rip") },
    run: (context, { address }) => regionOf(context, address),
    print: ({ entry, size, regions, parts }) =>
      [
        `region from 0x${hex(entry, 0)}, ${size} bytes of WebAssembly${regions > 1 ? `; the address is in ${regions} regions` : ""}`,
        ...parts.flatMap(({ guest, wasm }) => {
          const left = guest ? `0x${hex(guest.address, 0)}:  ${guest.text}` : "";
          return (wasm.length ? wasm : [""]).map((line, n) => `${(n === 0 ? left : "").padEnd(48)} ${line.trimEnd()}`.trimEnd());
        }),
      ].join("\n"),
  }),
  command({
    name: "disassemble",
    aliases: ["disas"],
    summary: "instructions from an address on, with symbols, breakpoints and marks (T translated, D decoded): disassemble $rip 10",
    args: { address: optional(string("address"), "$rip"), count: optional(integer("instructions", 1, 1000), 16), back: optional(integer("instructions before the address", 0, 200), 0) },
    run: (context, { address, count, back }) => listing(context.debug, evaluate(context, address), count, back),
    print: ({ lines, ip, unmapped }) =>
      [
        ...lines.flatMap((l) => [
          ...(l.symbol && l.symbol.offset === 0 ? [`<${l.symbol.name}>:`] : []),
          `${l.address === ip ? "=>" : "  "}${l.breakpoints.length ? "*" : " "}${l.code === "region" ? "T" : l.code === "decoded" ? "D" : " "} 0x${hex(l.address, 0)}:  ${[...l.bytes].map((b) => b.toString(16).padStart(2, "0")).join(" ").padEnd(24)} ${l.text}${l.target ? ` <${l.target.name}${l.target.offset ? `+0x${hex(BigInt(l.target.offset), 0)}` : ""}>` : ""}`,
        ]),
        ...(unmapped === null ? [] : [`0x${hex(unmapped, 0)}: nothing is mapped`]),
      ].join("\n"),
  }),
  command({
    name: "memory",
    summary: "bytes at an address; registers of devices are not read: memory 0xb8000 64, memory p:0x7c00 512",
    args: { address: string("linear address, or p: and a physical one"), length: optional(integer("bytes", 1, 65536), 256) },
    run: (context, { address, length }) => bytesOf(context, address, length),
    print: dumpText,
  }),
  command({
    name: "find",
    summary: 'search memory: find "login:" 0, find 55aa p:0x7c00',
    args: { what: string("text in quotes or bytes in hex"), from: optional(string("where to begin; p: for physical"), "0"), pages: optional(integer("pages to look through", 1, 1 << 20), SEARCH_PAGES) },
    run: (context, { what, from, pages }) => search(context, what, from, pages),
    print: ({ at, end }) => (at === null ? `Not found before ${h(end)}.` : h(at)),
  }),
  command({
    name: "walk",
    summary: "translate an address level by level, down to the frame of the pool: walk $rip",
    args: { address: optional(string("linear address"), "$rip") },
    run: (context, { address }) => walkOf(context, address),
    print: walkText,
  }),
  command({ name: "info gdt", summary: "the global descriptor table in words", args: {}, run: (context) => segmentTable(source(context), "GDT", context.cpu.segments().gdt), print: tableText }),
  command({
    name: "info ldt",
    summary: "the local descriptor table in words",
    args: {},
    run: (context) => {
      const ldt = context.cpu.segments().segments.find((s) => s.name === "LDT");
      const none = !ldt || (ldt.selector & 0xfffc) === 0 || (ldt.attributes & 0x10000) !== 0;
      return none ? null : segmentTable(source(context), "LDT", ldt);
    },
    print: (t) => (t === null ? "There is no local descriptor table." : tableText(t)),
  }),
  command({ name: "info idt", summary: "the interrupt descriptor table, or the vectors of real mode, in words", args: {}, run: (context) => interruptTable(source(context)), print: tableText }),
  command({
    name: "info tss",
    summary: "the task state segment: stacks of the rings, ports open to all",
    args: {},
    run: ({ cpu, debug }) => {
      const tr = cpu.segments().segments.find((s) => s.name === "TR");
      if (!tr) throw new Error("no task register");
      return taskState(debug.looked, tr);
    },
    print: (t: TaskState) =>
      t.bits === null
        ? "The task register holds no task state segment."
        : [`TSS ${hex(BigInt(t.selector), 4)}, ${t.bits}-bit, at ${h(t.base)}, limit ${h(t.limit)}`, ...t.fields.map((f) => `  ${f.name}: ${h(f.value)}`), `  open ports: ${t.openPorts.map(([a, b]) => (a === b ? h(a) : `${h(a)}-${h(b)}`)).join(" ") || "none"}`].join("\n"),
  }),
  command({
    name: "info interrupts",
    summary: "interrupts: requests, masks and service of every controller, counts by vector and line",
    args: {},
    run: interrupts,
    print: (i) =>
      [
        ...i.pic.map((p, n) => `8259 ${n === 0 ? "master" : "slave"}: vectors from ${h(p.base)}, IRR ${hex(BigInt(p.irr), 2)} ISR ${hex(BigInt(p.isr), 2)} IMR ${hex(BigInt(p.imr), 2)}`),
        ...i.vectors.map((v) => `vector ${h(v.vector)}: ${v.count} acknowledged from the ${v.by ? "local APIC" : "8259 pair"}${i.ioApic.filter((p) => v.by && p.vector === v.vector && !p.masked).map((p) => `, pin ${p.pin}`).join("")}`),
        ...i.lines.flatMap((l, n) => (l.rises ? [`GSI ${n}: ${l.rises} rising edges, ${l.high ? "high" : "low"}`] : [])),
        ...i.gates.flatMap((g) => (g.handler === null ? [] : [`gate ${h(g.vector)} at ${h(g.at)}: handler ${h(g.handler)}${g.symbol ? ` <${g.symbol.name}>` : ""}`])),
      ].join("\n"),
  }),
  command({
    name: "info map",
    summary: "what answers where in memory and port space, as the processor sees it now",
    args: {},
    run: machineMap,
    print: ({ memory, ports }) =>
      [...memory.map((r) => `${hex(BigInt(r.from), 10)}-${hex(BigInt(r.to), 10)} ${r.kind}${r.writable ? "" : " (read only)"}`), ...ports.map((p) => `port ${hex(BigInt(p.from), 4)}-${hex(BigInt(p.to), 4)}`)].join("\n"),
  }),
  command({
    name: "symbols",
    summary: "names of addresses from a file: System.map, what nm prints, or ELF; base is added to each address",
    args: {
      file: string("file name"),
      base: optional(string("added to each address"), "0"),
      content: optional(string("the file itself, a character for each byte, where there are no files to open"), ""),
    },
    run: async (context, { file, base, content }) => {
      if (content === "" && !context.readFile) throw new FaultError("file.unavailable", "This console cannot read files.", "Use the page, or the program guesthouse in a terminal.");
      const bytes = content === "" ? await (context.readFile as NonNullable<MonitorContext["readFile"]>)(file) : Uint8Array.from(content, (c) => c.charCodeAt(0));
      return useSymbols(context, bytes, file, evaluate(context, base));
    },
    print: (n) => `${n} symbols`,
  }),
  command({
    name: "symbols linux",
    summary: "names of addresses from the running Linux itself: its own symbol table, found in memory",
    args: {},
    run: ({ debug }) => {
      debug.symbols.set(linuxSymbols(debug.looked), "Linux");
      return debug.symbols.count;
    },
    print: (n) => `${n} symbols`,
  }),
  command({
    name: "info tasks",
    summary: "processes of the running Linux and their page tables, found in its memory",
    args: {},
    run: ({ debug }) => linuxTasks(debug.looked, debug.symbols),
    print: (tasks: readonly LinuxTask[]) => tasks.map((t) => `${t.current ? "*" : " "}${String(t.pid).padStart(6)} ${t.comm.padEnd(16)} ${t.cr3 === null ? "kernel thread" : `CR3 ${h(t.cr3)}`}${t.task === null ? "" : `  task_struct ${h(t.task)}`}`).join("\n"),
  }),
  command({
    name: "info symbol",
    summary: "the name that an address has, and where a name is",
    args: { what: string("address or name") },
    run: (context, { what }) => {
      const address = evaluate(context, what);
      return { address, symbol: context.debug.symbols.at(address), count: context.debug.symbols.count, from: context.debug.symbols.from };
    },
    print: ({ address, symbol, count }) => (symbol ? `${h(address)} = ${symbol.name}${symbol.offset ? `+${h(symbol.offset)}` : ""}` : count === 0 ? "There are no symbols: symbols FILE." : `${h(address)} has no name.`),
  }),
];
