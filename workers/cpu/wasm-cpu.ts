// The Cpu face over core.wasm: instantiates the core on the shared memory, translates guest faults (a host throw that unwinds wasm) into
// deliveries, and gives the host functions. Runs in a Web Worker and in Node alike.

import type { Shutdown } from "../../src/contract/shutdown.ts";
import type { TraceName } from "../../src/contract/trace.ts";
import { bytesField, fields } from "../platform/state.ts";
import type { IrqLine, State } from "../platform/types.ts";
import {
  A20_MASK,
  ATTENTION,
  ATTENTION_SHADOW,
  BLOCK_FRAME_NEXT,
  BLOCK_HOST,
  BLOCK_INTERPRETED,
  BLOCK_LENGTH,
  BLOCK_USERS,
  COUNTERS,
  CPUID_BASE,
  DECODE_BASE,
  DR,
  FCW,
  FEATURES,
  FPR,
  FRAME_BLOCKS_BASE,
  FSW,
  FTW,
  GDT_BASE,
  GDT_LIMIT,
  IDT_BASE,
  IDT_LIMIT,
  MODE_KEY,
  MXCSR,
  PDPTE,
  POOL_BASE,
  SCRATCH_BASE,
  SEG_ATTR,
  SEG_BASE,
  SEG_LIMIT,
  SEG_SELECTOR,
  TLB_BASE,
  TLB_CONTEXTS,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_EXEC,
  TLB_READ,
  TLB_WRITE,
  TIME_FOLLOWED,
  VCPU_BASE,
  VCPU_STATE_SIZE,
  XMM,
} from "./core/layout.ts";
import type { Cpu, CpuCounters, CpuHost, Exit } from "./cpu.ts";
import { decodeSectionOf } from "./decode-section.ts";
import type { PoolMemory } from "./guest-memory.ts";
import type { JitCompiler } from "./jit/port.ts";
import { Translator } from "./jit/translator.ts";
import { forgetExceptions, lastExceptions } from "./last-exceptions.ts";
import { chooseCpu } from "./models.ts";
import { CpuWatch, coreEvents, type WatchCore } from "./watch.ts";

const eventOf = new Map(coreEvents);
/** What host.unwind throws: one object, so that a throw allocates nothing and carries no stack. */
const UNWIND = Object.freeze({ guesthouse: "guest fault" });

const MISSING: { readonly [code: number]: (detail: number) => string } = {
  1: (d) =>
    `opcode ${d & 0x800 ? "VEX " : ""}${["", "0F ", "0F 38 ", "0F 3A "][(d >> 8) & 3]}${(d & 255).toString(16)}${["", " (66)", " (F3)", " (F2)"][(d >> 12) & 3]}`,
  2: (d) => `executing from the bus at ${d.toString(16)}000`,
  3: (d) => `MSR ${(d >>> 0).toString(16)}`,
  5: (d) => `performance counter ${d}`,
};

interface CoreExports extends WatchCore {
  start(): void;
  reset(hard: boolean, signature: number): void;
  startAt(cs: number, ip: number): void;
  run(budget: number): number;
  resume(): number;
  setHotThreshold(n: number): void;
  kick(): void;
  raiseNmi(): void;
  setIntrPin(high: boolean): void;
  setLogging(mask: number): void;
  setTimeScale(scale: number): void;
  setA20(on: boolean): void;
  currentAddress(): number;
  setSaving(on: boolean): void;
  setSoftFaults(on: boolean): void;
  setEflags(value: bigint): void;
  hostWritten(host: number, size: number): void;
  instructionCount(): number;
  currentLinear(): bigint;
  currentGeneration(): number;
  saveLazy(): void;
  restored(): void;
  registersReplaced(): void;
  eflags(): bigint;
  probe(linear: bigint): number;
}

/** core.wasm, compiled and as bytes (the translator copies from the bytes). */
export interface CoreBinary {
  /** Bytes for DECODE_BASE; left out where the file has them in a section (decode-section.ts): a page's has. */
  readonly decode?: Uint8Array;
  readonly module: WebAssembly.Module;
  readonly bytes: Uint8Array;
}
const DEFAULT_TUNING = { threshold: 500, leastBatch: 16 };

export interface WasmCpuOptions {
  readonly core: CoreBinary;
  readonly memory: PoolMemory;
  readonly host: CpuHost;
  readonly model: string;
  /** "jit" translates hot code; "interp" (the default) never does. The guest sees no difference but speed. */
  readonly accel?: "interp" | "jit" | undefined;
  /** Who translates: needed for "jit" (inlineCompiler of jit/job.ts: this thread). */
  readonly compiler?: JitCompiler | undefined;
  /** Executions of a block before it is translated, and blocks worth a module: small ones only in tests. */
  readonly tuning?: { readonly threshold: number; readonly leastBatch: number } | undefined;
}

export class WasmCpu implements Cpu {
  readonly intr: IrqLine;
  private readonly binary: CoreBinary;
  private readonly memory: PoolMemory;
  private readonly core: CoreExports;
  private readonly state: DataView;
  private readonly memoryView: DataView;
  private readonly block: Uint8Array;
  private readonly counterView: BigUint64Array;
  private readonly signature: number;
  private running = false;
  idle = false;
  /** Null: interpreter only. */
  readonly translator: Translator | null = null;
  private faultHeard: ((vector: number) => void) | null = null;
  /** Events for the trace bus, and what ends runs. */
  readonly watch: CpuWatch;
  /** The last shutdown since power-on, and the registers as they were then. */
  lastShutdown: (Shutdown & { readonly view: CpuView }) | null = null;
  /** What core reports for the trace bus. */
  onTrace: ((name: TraceName, a: number, b: number, c: number) => void) | null = null;

  constructor(options: WasmCpuOptions) {
    const { core: binary, memory, host, model } = options;
    const choice = chooseCpu(model);
    this.signature = choice.signature;
    const buffer = memory.memory.buffer;
    this.state = new DataView(buffer, VCPU_BASE, VCPU_STATE_SIZE);
    this.memoryView = new DataView(buffer);
    this.block = new Uint8Array(buffer, VCPU_BASE, VCPU_STATE_SIZE);
    this.counterView = new BigUint64Array(buffer, VCPU_BASE + COUNTERS, 8);
    const scratch = new DataView(buffer, SCRATCH_BASE, 16);
    this.binary = binary;
    this.memory = memory;
    const tables = binary.decode ?? decodeSectionOf(binary.module);
    new Uint8Array(buffer, DECODE_BASE, tables.length).set(tables);
    new Uint32Array(buffer, CPUID_BASE, choice.cpuid.length).set(choice.cpuid);
    new Uint32Array(buffer, VCPU_BASE + FEATURES, 8).set(choice.words);
    const imports = {
      env: {
        memory: memory.memory,
        abort: () => {
          throw new Error("core aborted");
        },
      },
      host: {
        unwind: () => {
          throw UNWIND;
        },
        pioRead: (port: number, width: 1 | 2 | 4) => host.pioRead(port, width),
        pioWrite: (port: number, width: 1 | 2 | 4, value: number) => host.pioWrite(port, width, value >>> 0),
        mmioRead: (physical: number, width: 1 | 2 | 4) => host.mmioRead(physical, width),
        mmioWrite: (physical: number, width: 1 | 2 | 4, value: number) => host.mmioWrite(physical, width, value >>> 0),
        acknowledge: () => host.acknowledge(),
        readTpr: () => host.readTpr(),
        writeTpr: (value: number) => host.writeTpr(value),
        apicMsrRead: (index: number) => {
          const v = host.apicMsrRead(index >>> 0);
          if (v === null) return 0;
          scratch.setBigUint64(0, BigInt.asUintN(64, v), true);
          return 1;
        },
        apicMsrWrite: (index: number) => (host.apicMsrWrite(index >>> 0, scratch.getBigUint64(0, true)) ? 1 : 0),
        pageIn: (page: number) => memory.pageIn(page),
        pageWritten: (page: number) => memory.firstWrite?.(page),
        ferr: (asserted: number) => host.ferr(asserted !== 0),
        logEvent: (event: number, a: number, b: number) => this.onLog?.(event, a, b, scratch.getBigUint64(0, true)),
        traceEvent: (kind: number, a: number, b: number, c: number) => this.traced(kind, a, b, c),
        nowNs: () => host.nowNs(),
        missing: (code: number, detail: number) => host.missing(MISSING[code]?.(detail) ?? `core ${code} ${detail}`),
        bug: (code: number, detail: number) => {
          throw new Error(`core bug ${code} (${detail})`);
        },
      },
    };
    const instance = new WebAssembly.Instance(binary.module, imports);
    this.core = instance.exports as unknown as CoreExports;
    const { core } = this;
    core.start();
    if (host.time !== undefined) core.setTimeScale(host.time === "host" ? TIME_FOLLOWED : host.time);
    memory.attach({
      mappingsChanged: () => core.mappingsChanged(),
      hostWritten: (at, size) => core.hostWritten(at, size),
      watchWrites: (on) => core.setSaving(on),
    });
    core.reset(true, this.signature);
    if (options.accel === "jit") {
      const { threshold, leastBatch } = options.tuning ?? DEFAULT_TUNING;
      if (!options.compiler) throw new Error("nobody is there who translates");
      this.translator = new Translator(options.compiler, memory.memory, instance.exports, threshold, leastBatch);
      core.setHotThreshold(threshold);
    }
    this.intr = { set: (high) => core.setIntrPin(high) };
    this.watch = new CpuWatch(core, buffer);
  }
  private traced(kind: number, a: number, b: number, c: number): void {
    this.onTrace?.(eventOf.get(kind) as TraceName, a, b, c);
  }
  /** What core reports for -d (core/log.ts): event, a, b, instruction pointer. */
  onLog: ((event: number, a: number, b: number, ip: bigint) => void) | null = null;
  /** Before RESET: the state as it was. */
  onReset: (() => void) | null = null;
  /** For tests: `heard` is called with the vector of each fault before it is delivered. All faults then unwind to here, which costs time. */
  onFault(heard: (vector: number) => void): void {
    this.faultHeard = heard;
    this.core.setSoftFaults(false);
  }
  setLogging(mask: number): void {
    this.core.setLogging(mask);
  }
  nmi(): void {
    this.core.raiseNmi();
  }
  init(): void {
    this.core.reset(false, this.signature);
  }
  startup(page: number): void {
    this.core.startAt(page << 8, 0);
  }
  start(cs: number, ip: number, dl: number): void {
    this.core.startAt(cs, ip);
    this.state.setBigUint64(4 * 8, 0x7c00n, true);
    this.state.setBigUint64(2 * 8, BigInt(dl), true);
  }
  setA20(enabled: boolean): void {
    this.core.setA20(enabled);
  }
  run(budget: number): Exit {
    const { core } = this;
    let code: number;
    this.running = true;
    this.memory.touch();
    try {
      code = core.run(budget);
    } catch (error) {
      code = this.faulted(error);
    }
    this.running = false;
    this.translator?.drain(this.idle);
    switch (code) {
      case 0:
        return BUDGET;
      case 1:
        return HALT;
      case 2:
        return KICK;
      case 3:
        this.lastShutdown = { count: (this.lastShutdown?.count ?? 0) + 1, instructions: this.instructions(), address: this.linearIp(), raised: lastExceptions(this.memoryView), view: this.view() };
        return SHUTDOWN;
      case 4:
        return { reason: "break", ip: core.currentLinear() };
      default:
        throw new Error(`core: unknown exit ${code}`);
    }
  }
  private faulted(first: unknown): number {
    let error = first;
    for (;;) {
      if (error !== UNWIND) throw error;
      if (this.faultHeard) {
        const vector = (this.core as unknown as { faultVector: WebAssembly.Global }).faultVector.value as number;
        // Else a breakpoint ended the run this way.
        if (vector >= 0) this.faultHeard(vector);
      }
      try {
        return this.core.resume();
      } catch (next) {
        error = next;
      }
    }
  }
  kick(): void {
    if (this.running) this.core.kick();
  }
  instructions(): number {
    return this.core.instructionCount();
  }
  counters(): CpuCounters {
    const c = (n: number) => Number(this.counterView[n]);
    return { instructions: this.instructions(), tlbFills: c(0), interrupts: c(1), exceptions: c(2), blocksDecoded: c(3) };
  }
  /** x87 and SSE registers as they stand in the state: control, status and tag words, MXCSR, significands and exponents, XMM words. */
  vectorRegisters(): { readonly control: number; readonly status: number; readonly tags: number; readonly mxcsr: number; readonly x87: readonly (readonly [bigint, number])[]; readonly xmm: readonly (readonly [bigint, bigint])[] } {
    const s = this.state;
    return {
      control: s.getUint16(FCW, true), status: s.getUint16(FSW, true), tags: s.getUint16(FTW, true), mxcsr: s.getUint32(MXCSR, true),
      x87: Array.from({ length: 8 }, (_, n) => [s.getBigUint64(FPR + n * 16, true), s.getUint16(FPR + n * 16 + 8, true)] as const),
      xmm: Array.from({ length: 16 }, (_, n) => [s.getBigUint64(XMM + n * 32, true), s.getBigUint64(XMM + n * 32 + 8, true)] as const),
    };
  }
  /** Is the A20 line open, and does an instruction just done hold interrupts back (STI, MOV SS)? */
  pins(): { readonly a20: boolean; readonly shadow: boolean } {
    return { a20: (this.state.getUint32(A20_MASK, true) & 0x100000) !== 0, shadow: (this.state.getUint32(ATTENTION, true) & ATTENTION_SHADOW) !== 0 };
  }
  /** Registers and flags for inspectors. */
  registers(): Registers {
    const s = this.state;
    const gpr = Array.from({ length: 16 }, (_, n) => s.getBigUint64(n * 8, true));
    return { gpr, rip: s.getBigUint64(144, true), eflags: this.core.eflags(), cr0: s.getBigUint64(344, true), cr2: s.getBigUint64(352, true), cr3: s.getBigUint64(360, true), cr4: s.getBigUint64(368, true), efer: s.getBigUint64(384, true), cpl: s.getUint32(464, true), halted: s.getUint32(920, true) !== 0 };
  }
  /** Segment registers in the order ES CS SS DS FS GS LDT TR, and the descriptor tables. */
  segments(): { readonly segments: readonly SegmentView[]; readonly gdt: TableView; readonly idt: TableView } {
    const s = this.state;
    const names = ["ES", "CS", "SS", "DS", "FS", "GS", "LDT", "TR"];
    return {
      segments: names.map((name, n) => ({
        name,
        selector: s.getUint16(SEG_SELECTOR + n * 2, true),
        base: s.getBigUint64(SEG_BASE + n * 8, true),
        limit: s.getUint32(SEG_LIMIT + n * 4, true),
        attributes: s.getUint32(SEG_ATTR + n * 4, true),
      })),
      gdt: { base: s.getBigUint64(GDT_BASE, true), limit: s.getUint32(GDT_LIMIT, true) },
      idt: { base: s.getBigUint64(IDT_BASE, true), limit: s.getUint32(IDT_LIMIT, true) },
    };
  }
  /** The copies of the four PDPT entries that PAE paging uses. */
  pdptes(): readonly bigint[] {
    return Array.from({ length: 4 }, (_, n) => this.state.getBigUint64(PDPTE + n * 8, true));
  }
  /** Does the processor have 64-bit mode (CPUID 8000_0001h EDX bit 29)? */
  hasLongMode(): boolean {
    return (this.state.getUint32(FEATURES + 16, true) & 0x20000000) !== 0;
  }
  /** 16, 32 or 64: how instruction bytes at RIP are read. */
  codeBits(): 16 | 32 | 64 {
    return ([16, 32, 64] as const)[this.state.getUint32(MODE_KEY, true)] ?? 16;
  }
  /** Linear address of the next instruction. */
  linearIp(): bigint {
    return BigInt.asUintN(64, this.core.currentLinear());
  }
  /** The same as a signed number, exact for canonical addresses; also while an instruction runs. */
  linearAddress(): number {
    return this.core.currentAddress();
  }
  /** Debug registers DR0-DR7. */
  debugRegisters(): readonly bigint[] {
    return Array.from({ length: 8 }, (_, n) => this.state.getBigUint64(DR + n * 8, true));
  }
  /** Valid entries of the software TLB in the current generation: linear page, host frame, rights. */
  tlb(): readonly TlbView[] {
    const view = new DataView(this.block.buffer, TLB_BASE, TLB_ENTRIES * TLB_ENTRY_SIZE * TLB_CONTEXTS);
    const generation = BigInt(this.core.currentGeneration());
    const out: TlbView[] = [];
    for (let n = 0; n < TLB_ENTRIES * TLB_CONTEXTS; n++) {
      const at = n * TLB_ENTRY_SIZE;
      const tags = [TLB_READ, TLB_WRITE, TLB_EXEC].map((o) => view.getBigUint64(at + o, true));
      const valid = tags.map((t) => t !== 0n && (t & 0xfffn) === generation);
      const tag = tags.find((_, i) => valid[i]);
      if (tag === undefined) continue;
      const linear = BigInt.asUintN(64, tag & ~0xfffn);
      out.push({ context: Math.floor(n / TLB_ENTRIES), linear, read: valid[0] === true, write: valid[1] === true, execute: valid[2] === true });
    }
    return out.sort((a, b) => (a.linear < b.linear ? -1 : a.linear > b.linear ? 1 : a.context - b.context));
  }
  /** Bytes of core.wasm: what translated code is copied from. */
  get coreBytes(): Uint8Array {
    return this.binary.bytes;
  }
  /** What the processor has made of code at an address of the pool: asked for many bytes of few frames. */
  codeMarks(): (host: number) => "region" | "decoded" | null {
    const view = new DataView(this.block.buffer);
    const frames = new Map<number, readonly { readonly from: number; readonly to: number; readonly region: boolean }[]>();
    const blocksOf = (frame: number) => {
      const blocks: { from: number; to: number; region: boolean }[] = [];
      for (let b = view.getUint32(FRAME_BLOCKS_BASE + frame * 4, true); b !== 0; b = view.getUint32(b + BLOCK_FRAME_NEXT, true)) {
        const from = view.getUint32(b + BLOCK_HOST, true);
        blocks.push({ from, to: from + view.getUint16(b + BLOCK_LENGTH, true), region: view.getUint32(b + BLOCK_INTERPRETED, true) !== 0 || view.getUint32(b + BLOCK_USERS, true) !== 0 });
      }
      return blocks;
    };
    return (host) => {
      const frame = (host - POOL_BASE) >>> 12;
      let blocks = frames.get(frame);
      if (!blocks) frames.set(frame, (blocks = blocksOf(frame)));
      const here = blocks.filter((b) => host >= b.from && host < b.to);
      return here.some((b) => b.region) ? "region" : here.length > 0 ? "decoded" : null;
    };
  }
  /** Physical address behind a linear one, as the current tables say, or null. */
  translate(linear: bigint): bigint | null {
    if (!this.core.probe(BigInt.asUintN(64, linear))) return null;
    return new DataView(this.block.buffer, SCRATCH_BASE + 0x4000, 8).getBigUint64(0, true);
  }
  /** What can be looked at, as it is now. */
  view(): CpuView {
    const [registers, segments, debug, vector, pins, bits, at] = [this.registers(), this.segments(), this.debugRegisters(), this.vectorRegisters(), this.pins(), this.codeBits(), this.linearIp()];
    return { registers: () => registers, segments: () => segments, debugRegisters: () => debug, vectorRegisters: () => vector, pins: () => pins, codeBits: () => bits, linearIp: () => at };
  }
  poweredOn(): void {
    forgetExceptions(this.memoryView);
    this.lastShutdown = null;
  }
  reset(): void {
    this.onReset?.();
    this.core.reset(true, this.signature);
  }
  save(): State {
    this.core.saveLazy();
    return { block: this.block.slice() };
  }
  load(state: State): void {
    forgetExceptions(this.memoryView);
    this.block.set(bytesField(fields(state, "cpu"), "block", VCPU_STATE_SIZE));
    this.core.restored();
  }
  /** Registers in the state block were replaced from outside; memory, its mapping and translated code stay (instruction suites, the fuzzer). */
  registersReplaced(): void {
    this.core.registersReplaced();
  }
  /** A debugger changes the state block: `change` writes fields (core/layout.ts), what is derived from them follows. */
  edit(change: (state: DataView) => void, eflags?: bigint): void {
    this.core.saveLazy();
    change(this.state);
    this.core.registersReplaced();
    if (eflags !== undefined) this.core.setEflags(BigInt.asUintN(64, eflags));
    this.core.mappingsChanged();
  }
  attention(): number {
    return this.state.getUint32(ATTENTION, true);
  }
}
export type CpuView = Pick<WasmCpu, "registers" | "segments" | "debugRegisters" | "vectorRegisters" | "pins" | "codeBits" | "linearIp">;
export interface SegmentView {
  readonly name: string;
  readonly selector: number;
  readonly base: bigint;
  readonly limit: number;
  /** Descriptor bits 40-55; bit 16: null. */
  readonly attributes: number;
}
export interface TableView {
  readonly base: bigint;
  readonly limit: number;
}
export interface TlbView {
  /** 0 supervisor, 1 user, 2 supervisor under SMAP. */
  readonly context: number;
  readonly linear: bigint;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}
export interface Registers {
  readonly gpr: readonly bigint[];
  readonly rip: bigint;
  readonly eflags: bigint;
  readonly cr0: bigint;
  readonly cr2: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
  readonly cpl: number;
  readonly halted: boolean;
}
const BUDGET: Exit = { reason: "budget" };
const HALT: Exit = { reason: "halt" };
const KICK: Exit = { reason: "kick" };
const SHUTDOWN: Exit = { reason: "shutdown" };
