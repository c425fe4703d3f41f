// -d as QEMU 7.2's: what its items print, in its words, by hooks of core (core/log.ts), of the board and of the trace bus. in_asm, exec and cpu
// go block by block, and our blocks need not end where QEMU's translation blocks do; instructions are in Intel's syntax.
// Left out, refused by name: what belongs to QEMU's own translator (out_asm, op, op_opt, op_ind, plugin) and to user mode (page, strace, tid).

import { type Fault, FaultError } from "../src/contract/schema.ts";
import { matchKinds, type TraceName, traceKinds, traceNames } from "../src/contract/trace.ts";
import { RECORD_SIZE } from "./cpu/core/layout.ts";
import { disassemble } from "./cpu/isa/disassemble.ts";
import type { MadeRegion } from "./cpu/jit/port.ts";
import { bitsOf, type RegionSource } from "./cpu/jit/region.ts";
import type { Translator } from "./cpu/jit/translator.ts";
import type { WasmCpu } from "./cpu/wasm-cpu.ts";
import type { Board } from "./machine/board.ts";
import { cpuState } from "./monitor/cpu-state.ts";
import { hex } from "./monitor/format.ts";
import { startTrace } from "./trace-file.ts";

const ITEMS: readonly (readonly [name: string, summary: string])[] = [
  ["in_asm", "show target assembly code for each block when it is first run"],
  ["int", "show interrupts/exceptions in short format"],
  ["exec", "show trace before each executed block (lots of logs)"],
  ["cpu", "show CPU registers before entering a block (lots of logs)"],
  ["fpu", "include FPU registers in the 'cpu' logging"],
  ["mmu", "log MMU-related activities"],
  ["pcall", "x86 only: protected mode far calls (compiled out in QEMU 7.2: prints nothing)"],
  ["cpu_reset", "show CPU state before CPU resets"],
  ["jit", "show each region of guest code when it was translated (ours; the\nmonitor's 'region' shows the WebAssembly too)"],
  ["unimp", "log unimplemented functionality"],
  ["guest_errors", "log when the guest OS does something invalid (eg accessing a\nnon-existent register)"],
  ["nochain", "accepted: blocks are never chained while they are logged"],
  ["trace:PATTERN", "enable trace events (trace:help lists them)"],
];
const REFUSED = new Set(["out_asm", "op", "op_opt", "op_ind", "page", "plugin", "strace", "tid"]);
// core/log.ts
const LOG_BLOCKS = 1, LOG_INTERRUPTS = 2, LOG_CR0 = 4;
const EVENT_BLOCK = 0, EVENT_EXCEPTION = 1, EVENT_HARDWARE = 2, EVENT_DELIVER = 3, EVENT_CR0 = 4;

export function debugHelp(): string {
  return `Log items (comma separated):\n${ITEMS.map(([name, summary]) => `${name.padEnd(15)} ${summary}`).join("\n")}\n\nUse "-d trace:help" to get a list of trace events.`;
}
export function traceHelp(): string {
  return traceNames.map((name) => `${name.padEnd(16)}${traceKinds[name].summary}`).join("\n");
}
export interface DebugItems {
  readonly items: ReadonlySet<string>;
  readonly kinds: readonly TraceName[];
}
const unsupported = (item: string, hint: string): Fault => ({ code: "flags.unsupported", message: `-d ${item} is not supported.`, hint });

/** Understands the items, or throws a FaultError that names the one it does not. */
export function parseDebugItems(given: readonly string[]): DebugItems {
  const items = new Set<string>();
  const kinds = new Set<TraceName>();
  for (const item of given) {
    if (item.startsWith("trace:")) {
      const found = matchKinds([item.slice(6)]);
      if ("unknown" in found) throw fault(unsupported(item, `Trace events: ${traceNames.join(", ")}.`));
      for (const kind of found.kinds) kinds.add(kind);
    } else if (Object.hasOwn(traceKinds, item)) kinds.add(item as TraceName);
    else if (ITEMS.some(([name]) => name === item)) items.add(item);
    else throw fault(unsupported(item, REFUSED.has(item) ? "It belongs to QEMU's own translator or to user mode. Known items: guesthouse -d help." : "Known items: guesthouse -d help."));
  }
  return { items, kinds: [...kinds] };
}
function fault({ code, message, hint }: Fault): FaultError {
  return new FaultError(code, message, hint);
}

/** Connects the items to a machine; `write` gets whole lines. Returns what writes the rest. */
export function startDebugLog({ items, kinds }: DebugItems, board: Board, cpu: WasmCpu, write: (text: string) => void): () => void {
  const on = (...names: string[]) => names.some((n) => items.has(n));
  cpu.setLogging((on("in_asm", "exec", "cpu") ? LOG_BLOCKS : 0) | (on("int") ? LOG_INTERRUPTS : 0) | (on("mmu") ? LOG_CR0 : 0));
  const seen = new Set<string>();
  let count = 0;
  cpu.onLog = (event, a, b, ip) => {
    switch (event) {
      case EVENT_BLOCK:
        if (on("in_asm")) write(assembly(board, cpu, ip, b, seen));
        if (on("exec")) write(executed(cpu, ip));
        if (on("cpu")) write(`${cpuState(cpu, { conditions: true, fpu: on("fpu") }, ip)}\n`);
        break;
      case EVENT_EXCEPTION:
        write(`check_exception old: 0x${(a >>> 0).toString(16)} new 0x${b.toString(16)}\n`);
        break;
      case EVENT_HARDWARE:
        write(`Servicing hardware INT=0x${hex(BigInt(a), 2)}\n`);
        break;
      case EVENT_DELIVER:
        // As in QEMU, real mode says nothing here.
        if (cpu.registers().cr0 & 1n) write(delivered(cpu, a, b, ip, count++));
        break;
      case EVENT_CR0:
        write(`CR0 update: CR0=0x${hex(BigInt(a >>> 0), 8)}\n`);
        break;
      default:
        throw new Error(`core reports event ${event}`);
    }
  };
  if (on("cpu_reset")) cpu.onReset = () => write(`CPU Reset (CPU 0)\n${cpuState(cpu, { conditions: true, fpu: true })}\n`);
  if (on("unimp")) board.onMissing = (what) => write(`guesthouse: unimplemented: ${what}\n`);
  const { translator } = cpu;
  if (on("jit"))
    translator?.onModule((sources, { regions }) => {
      for (const made of regions) write(translated(translator, sources[made.source] as RegionSource, made));
    });
  const shown = [...kinds, ...(on("guest_errors") ? (["guest.odd"] as const) : [])];
  return traced(board, shown, write);
}
/** A region: where and how large, then its blocks in the order in which they were gathered. */
function translated(translator: Translator, source: RegionSource, { size }: MadeRegion): string {
  const bits = bitsOf(source.mode);
  const lines = [`JIT: region from 0x${hex(source.linear, 0)}, ${bits}-bit: ${source.blocks.length} blocks, ${source.blocks.reduce((n, b) => n + b.records.length / RECORD_SIZE, 0)} instructions, ${size} bytes of WebAssembly`];
  for (const block of source.blocks) {
    const code = translator.codeOf(block);
    for (let at = 0; at < code.length; ) {
      const linear = BigInt.asUintN(bits === 64 ? 64 : 32, source.linear + BigInt(block.delta + at));
      const { length, text } = disassemble(code.subarray(at), bits, linear);
      lines.push(`0x${hex(linear, 8)}:  ${text}`);
      at += Math.max(1, length);
    }
  }
  return `${lines.join("\n")}\n`;
}
function traced({ trace }: Board, kinds: readonly TraceName[], write: (text: string) => void): () => void {
  if (kinds.length === 0) return () => {};
  return startTrace(trace, [{ kinds, filter: {}, file: "", format: "log" }], () => ({ write, close: () => {} }));
}
const selector = (cpu: WasmCpu, name: string) => cpu.segments().segments.find((s) => s.name === name);

function delivered(cpu: WasmCpu, a: number, code: number, ip: bigint, count: number): string {
  const r = cpu.registers();
  const cs = selector(cpu, "CS");
  const vector = a & 255;
  const base = cpu.codeBits() === 64 ? 0n : (cs?.base ?? 0n);
  const last = vector === 14 ? ` CR2=${hex(r.cr2, 16)}` : ` env->regs[R_EAX]=${hex(r.gpr[0] as bigint, 16)}`;
  return (
    `${String(count).padStart(6)}: v=${hex(BigInt(vector), 2)} e=${hex(BigInt(code), 4)} i=${a >> 8} cpl=${r.cpl} IP=${hex(BigInt(cs?.selector ?? 0), 4)}:${hex(ip, 16)}` +
    ` pc=${hex(base + ip, 16)} SP=${hex(BigInt(selector(cpu, "SS")?.selector ?? 0), 4)}:${hex(r.gpr[4] as bigint, 16)}${last}\n${cpuState(cpu, { conditions: true }, ip)}\n`
  );
}
/** QEMU's hflags, as far as they say something about our blocks. */
function executed(cpu: WasmCpu, ip: bigint): string {
  const r = cpu.registers();
  const bits = cpu.codeBits();
  const { segments } = cpu.segments();
  const attribute = (name: string) => segments.find((s) => s.name === name)?.attributes ?? 0;
  const base = bits === 64 ? 0n : (segments.find((s) => s.name === "CS")?.base ?? 0n);
  const protectedMode = (r.cr0 & 1n) !== 0n;
  const long = (r.efer & 0x400n) !== 0n;
  const v86 = (r.eflags & 0x20000n) !== 0n;
  const based = segments.some((s) => ["ES", "SS", "DS"].includes(s.name) && s.base !== 0n);
  let flags = r.cpl;
  if (bits >= 32) flags |= 0x10;
  if (attribute("SS") & 0x4000 && !(attribute("SS") & 0x10000)) flags |= 0x20;
  if (!protectedMode || v86 || bits === 16 || (bits === 32 && based)) flags |= 0x40;
  if (protectedMode) flags |= 0x80;
  flags |= Number(r.eflags) & 0x63100;
  flags |= Number((r.cr0 & 0xen) << 8n);
  if (long) flags |= 0x4000;
  if (bits === 64) flags |= 0x8000;
  if (r.cr4 & 0x200n) flags |= 1 << 22;
  return `Trace 0: 0x0 [${hex(base, 16)}/${hex(base + ip, 16)}/${hex(BigInt(flags), 8)}/ff000000] \n`;
}
function assembly(board: Board, cpu: WasmCpu, ip: bigint, length: number, seen: Set<string>): string {
  const bits = cpu.codeBits();
  const start = (bits === 64 ? 0n : (selector(cpu, "CS")?.base ?? 0n)) + ip;
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const linear = BigInt.asUintN(64, start + BigInt(done));
    const n = Math.min(length - done, 4096 - Number(linear & 0xfffn));
    const at = cpu.translate(linear);
    if (at !== null) board.memory.read(Number(at), bytes.subarray(done, done + n));
    done += n;
  }
  const key = `${start} ${bits} ${bytes.join(" ")}`;
  if (seen.has(key)) return "";
  seen.add(key);
  const lines = ["----------------", "IN: "];
  for (let at = 0; at < length; ) {
    const d = disassemble(bytes.subarray(at), bits, start + BigInt(at));
    const raw = [...bytes.subarray(at, at + d.length)].map((x) => `${hex(BigInt(x), 2)} `);
    const [name = "", ...rest] = d.text.split(" ");
    lines.push(`0x${hex(start + BigInt(at), 8)}:  ${raw.slice(0, 8).join("").padEnd(24)} ${name.padEnd(8)} ${rest.join(" ")}`);
    if (raw.length > 8) lines.push(`0x${hex(start + BigInt(at + 8), 8)}:  ${raw.slice(8).join("").trimEnd()}`);
    at += d.length;
  }
  return `${lines.join("\n")}\n\n`;
}
