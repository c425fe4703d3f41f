// Commands that look: registers, translations, interrupt controllers, PCI, the device tree, address spaces, drives. Output in the manner of
// QEMU's monitor. Nothing here changes the machine.

import type { PciFunctionInfo } from "../../src/contract/inspect.ts";
import { choice, FaultError, optional } from "../../src/contract/schema.ts";
import type { Shutdown } from "../../src/contract/shutdown.ts";
import { cpuState } from "./cpu-state.ts";
import { hex } from "./format.ts";
import { type AnyCommand, command } from "./command.ts";

interface PicState {
  readonly [key: string]: unknown;
}

export const inspectCommands: readonly AnyCommand[] = [
  command({
    name: "info registers",
    summary: "registers of the processor; info registers shutdown: as they were at the last triple fault",
    args: { when: optional(choice("now or shutdown", ["now", "shutdown"]), "now" as const) },
    run: ({ cpu: now }, { when }) => {
      const cpu = when === "now" ? now : now.lastShutdown?.view;
      if (!cpu) throw new FaultError("monitor.shutdown", "The processor has not shut down since power-on.");
      return { registers: cpu.registers(), ...cpu.segments(), debug: cpu.debugRegisters(), vector: cpu.vectorRegisters(), bits: cpu.codeBits(), linearIp: cpu.linearIp(), text: cpuState(cpu, { fpu: true }) };
    },
    print: ({ text }) => text,
  }),
  command({
    name: "info shutdown",
    summary: "the last triple fault: which exceptions made the processor shut down, and where",
    args: {},
    run: ({ cpu }): Shutdown | null => {
      if (!cpu.lastShutdown) return null;
      const { view: _, ...told } = cpu.lastShutdown;
      return told;
    },
    print: shutdownText,
  }),
  command({
    name: "info mem",
    summary: "mapped ranges of the current address space",
    args: {},
    run: ({ board, cpu }) => mappedRanges(cpu.registers(), (address) => readEntry(board.memory, address)),
    print: (ranges) =>
      ranges === null
        ? "Paging is off."
        : ranges.map((r) => `${hex(r.from, 16)}-${hex(r.to, 16)} ${hex(r.to - r.from, 16)} ${r.rights}`).join("\n") || "Nothing is mapped.",
  }),
  command({
    name: "info tlb",
    summary: "valid entries of the translation cache",
    args: {},
    run: ({ cpu }) => cpu.tlb().map((e) => ({ ...e, physical: cpu.translate(e.linear) })),
    print: (entries) =>
      entries.length === 0
        ? "The TLB is empty."
        : entries
            .map((e) => `${hex(e.linear, 16)}: ${e.physical === null ? "-".repeat(16) : hex(e.physical, 16)} ${e.read ? "r" : "-"}${e.write ? "w" : "-"}${e.execute ? "x" : "-"} ${["kernel", "user", "kernel-smap", "aligned"][e.context]}`)
            .join("\n"),
  }),
  command({
    name: "info pic",
    summary: "interrupt controllers: 8259 pair, I/O APIC, local APIC",
    args: {},
    run: ({ board }) => {
      const ioApic = board.device("ioapic") as unknown as { describe?(): readonly { pin: number; low: number; high: number; level: boolean }[] } | null;
      const local = board.device("lapic") as unknown as { describe?(): { readonly [k: string]: number | readonly number[] } } | null;
      return { pic: board.device("pic")?.save() as PicState | undefined, ioApic: ioApic?.describe?.() ?? [], localApic: local?.describe?.() ?? {} };
    },
    print: ({ pic, ioApic, localApic }) =>
      [
        "8259:",
        ...plain(pic, 1),
        "I/O APIC:",
        ...ioApic.map((p) => `  pin ${String(p.pin).padStart(2)}: vector ${hex(BigInt(p.low & 255), 2)} ${p.low & 0x10000 ? "masked " : ""}${p.low & 0x8000 ? "level" : "edge"} ${p.level ? "high" : "low"}`),
        "local APIC:",
        ...Object.entries(localApic).map(([k, v]) => `  ${k}: ${typeof v === "number" ? hex(BigInt(v >>> 0), 8) : [...v].map((x) => hex(BigInt(x >>> 0), 8)).join(" ")}`),
      ].join("\n"),
  }),
  command({
    name: "info irq",
    summary: "how many interrupts were taken and lines changed",
    args: {},
    run: ({ board, cpu }) => ({ taken: cpu.counters().interrupts, lines: board.irqCounts() }),
    print: ({ taken, lines }) => [`interrupts taken: ${taken}`, ...lines.map((n, i) => (n ? `GSI ${i}: ${n} rising edges` : "")).filter((l) => l)].join("\n"),
  }),
  command({
    name: "info pci",
    summary: "PCI functions and their base addresses",
    args: {},
    run: ({ board }): PciFunctionInfo[] =>
      board.pci.list().map((f) => ({
        slot: f.devfn >> 3,
        function: f.devfn & 7,
        vendor: f.read(0, 2),
        device: f.read(2, 2),
        subsystem: [f.read(0x2c, 2), f.read(0x2e, 2)] as const,
        classCode: f.read(10, 2),
        progIf: f.read(9, 1),
        revision: f.read(8, 1),
        command: f.read(4, 2),
        irqPin: f.read(0x3d, 1),
        irqLine: f.read(0x3c, 1),
        id: board.devices.find((d) => d.devfn === f.devfn)?.id ?? "",
        bars: f.list(),
      })),
    print: (list: readonly PciFunctionInfo[]) =>
      list
        .map((f) =>
          [
            `  Bus  0, device ${String(f.slot).padStart(3)}, function ${f.function}:`,
            `    class ${hex(BigInt(f.classCode), 4)}: PCI device ${hex(BigInt(f.vendor), 4)}:${hex(BigInt(f.device), 4)}`,
            ...(f.irqPin ? [`      IRQ ${f.irqLine}, pin ${String.fromCharCode(64 + f.irqPin)}`] : []),
            ...f.bars.map((b) => `      BAR${b.index}: ${b.kind} at ${b.at < 0 ? "unmapped" : `0x${b.at.toString(16)} [0x${(b.at + b.length - 1).toString(16)}]`}`),
          ].join("\n"),
        )
        .join("\n"),
  }),
  command({
    name: "info qtree",
    summary: "devices of the machine",
    args: {},
    run: ({ board }) => board.devices.map((d) => ({ id: d.id, type: d.type.name, summary: d.type.summary, slot: d.devfn < 0 ? null : `00:${hex(BigInt(d.devfn >> 3), 2)}.${d.devfn & 7}` })),
    print: (list) => ["bus: main-system-bus", ...list.map((d) => `  dev: ${d.type}, id "${d.id}"${d.slot ? `, addr ${d.slot}` : ""}\n    ${d.summary}`)].join("\n"),
  }),
  command({
    name: "info mtree",
    summary: "port and memory address spaces",
    args: {},
    run: ({ board }) => board.describe(),
    print: (lines) => lines.join("\n"),
  }),
  command({
    name: "info block",
    summary: "drives",
    args: {},
    run: ({ board }) =>
      board.config.disks.map((d) => {
        const backend = board.parts.backends("block", d.at);
        return { at: d.at, media: d.media, source: d.source, sectors: backend?.sectors ?? 0, readOnly: backend?.readOnly ?? true };
      }),
    print: (list) => list.map((d) => `${d.at}: ${d.source || "[empty]"} (${d.media}, ${(d.sectors / 2048).toFixed(2)} MiB${d.readOnly ? ", read-only" : ""})`).join("\n") || "There are no drives.",
  }),
  command({
    name: "info jit",
    summary: "the translator: modules, functions, bytes, time, how regions ended",
    args: {},
    run: ({ cpu }) => cpu.translator?.stats ?? null,
    print: (s) =>
      s === null
        ? "The machine is interpreted (accel interp)."
        : [
            `${s.live} regions in use, of ${s.functions} translated (${s.blocks} blocks) in ${s.modules} modules (${s.merged} more made of small ones), ${(s.bytes / 1024).toFixed(0)} KiB`,
            `${s.translateMs.toFixed(0)} ms to translate, ${s.compileMs.toFixed(0)} ms to compile, ${s.installMs.toFixed(0)} ms to install; ${s.inFlight} modules in flight`,
            `instructions: ${s.promoted} with registers in locals, ${s.plain} with the state in memory, ${s.left} left to the interpreter`,
            `dropped: ${s.invalidated} because their code was written, ${s.late} for the same before they were installed, ${s.evicted} to make room`,
            `${s.ends.linked} times a region went on in the next; to the loop: ${s.ends.untranslated} where nothing is translated, ${s.ends.unknown} where the block was not found, ${s.ends.bailed} for an instruction left to the interpreter, ${s.ends.faulted} with a page fault, ${s.ends.attention} with work to attend to, ${s.ends.budget} at the end of a run, ${s.ends.stopped} because code or mode changed`,
          ].join("\n"),
  }),
  command({
    name: "info stats",
    summary: "counters of the processor and the buses",
    args: {},
    run: ({ board, cpu, machine }) => ({ ...cpu.counters(), guestNs: board.clock.now(), busyMs: machine.busyMs, trace: Object.fromEntries(board.trace.counts()) }),
  }),
];

function shutdownText(shutdown: Shutdown | null): string {
  if (!shutdown) return "The processor has not shut down since power-on.";
  const { count, instructions, address, raised } = shutdown;
  const signed = (v: number) => hex(BigInt.asUintN(64, BigInt(v)), 0);
  return [
    `shutdown ${count} since power-on: at 0x${hex(address, 0)}, after ${instructions} instructions`,
    ...raised.map((e) => `  exception ${e.vector}${e.code === null ? "" : `, error code 0x${e.code.toString(16)}`}${e.touched !== null ? `, at address 0x${signed(e.touched)}` : ""}`),
    ...(raised.length === 0 ? ["  no exception: an interrupt could not be delivered"] : []),
  ].join("\n");
}
function plain(value: unknown, depth: number): string[] {
  const pad = "  ".repeat(depth);
  if (typeof value !== "object" || value === null) return [`${pad}${String(value)}`];
  return Object.entries(value).flatMap(([k, v]) =>
    typeof v === "object" && v !== null && !(v instanceof Uint8Array) ? [`${pad}${k}:`, ...plain(v, depth + 1)] : [`${pad}${k}: ${typeof v === "number" ? hex(BigInt(v), 2) : String(v)}`],
  );
}
function readEntry(memory: { read(address: number, into: Uint8Array): void }, address: bigint): bigint {
  const bytes = new Uint8Array(8);
  memory.read(Number(address), bytes);
  return new DataView(bytes.buffer).getBigUint64(0, true);
}
interface Range {
  readonly from: bigint;
  readonly to: bigint;
  readonly rights: string;
}
/** Walks all tables, joining neighbours of equal rights (as QEMU's info mem). Null without paging. */
function mappedRanges(r: { cr0: bigint; cr3: bigint; cr4: bigint; efer: bigint }, entryAt: (address: bigint) => bigint): Range[] | null {
  if (!(r.cr0 & 0x80000000n)) return null;
  const out: { from: bigint; to: bigint; rights: string }[] = [];
  const mask = 0xffffffff000n;
  const add = (from: bigint, size: bigint, rights: number) => {
    const text = `${rights & 4 ? "u" : "-"}r${rights & 2 ? "w" : "-"}`;
    const last = out[out.length - 1];
    if (last && last.to === from && last.rights === text) last.to = from + size;
    else out.push({ from, to: from + size, rights: text });
  };
  const wide = (r.efer & 0x400n) !== 0n || (r.cr4 & 0x20n) !== 0n;
  if (!wide) {
    const word = (address: bigint) => entryAt(address) & 0xffffffffn;
    for (let i = 0n; i < 1024n; i++) {
      const pde = word((r.cr3 & 0xfffff000n) + i * 4n);
      if (!(pde & 1n)) continue;
      if (pde & 0x80n && r.cr4 & 0x10n) add(i << 22n, 1n << 22n, Number(pde & 6n));
      else
        for (let j = 0n; j < 1024n; j++) {
          const pte = word((pde & 0xfffff000n) + j * 4n);
          if (pte & 1n) add((i << 22n) | (j << 12n), 4096n, Number(pde & pte & 6n));
        }
    }
    return out;
  }
  const walk = (table: bigint, level: number, base: bigint, rights: number, entries: number) => {
    const size = 1n << BigInt(12 + 9 * (level - 1));
    for (let i = 0; i < entries; i++) {
      const e = entryAt(table + BigInt(i) * 8n);
      if (!(e & 1n)) continue;
      let linear = base + BigInt(i) * size;
      if (level === 4 && i >= 256) linear |= 0xffff000000000000n;
      const here = level === 3 && entries === 4 ? rights : rights & Number(e & 6n);
      if (level === 1 || (e & 0x80n && level < 4)) add(linear, size, here);
      else walk(e & mask, level - 1, linear, here, 512);
    }
  };
  if (r.efer & 0x400n) walk(r.cr3 & mask, 4, 0n, 6, 512);
  else walk(r.cr3 & 0xffffffe0n, 3, 0n, 6, 4);
  return out;
}
