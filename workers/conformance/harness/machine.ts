// Runs instruction cases on the real core without a processor around it: faults are caught where they unwind, before delivery. With `translated`,
// each code is executed once by the interpreter to be found hot, then translated, and it is the translation whose state counts.

import * as L from "../../cpu/core/layout.ts";
import { inlineCompiler } from "../../cpu/jit/job.ts";
import { Translator } from "../../cpu/jit/translator.ts";
import { chooseCpu } from "../../cpu/models.ts";
import { decodeTables } from "../../cpu/isa/tables.ts";
import { CODE_LINEAR, DATA_LINEAR, MEMORY, MEMORY_SIZE } from "./cases.ts";
import { CODE_START, DATA_LENGTH, DATA_START, enterCase, leaveCase, MAPPED, writeTables } from "./registers.ts";

interface CoreExports {
  start(): void;
  reset(hard: number, signature: number): void;
  run(budget: number): number;
  restored(): void;
  registersReplaced(): void;
  hostWritten(host: number, size: number): void;
  eflags(): bigint;
  currentIp(): bigint;
  setHotThreshold(n: number): void;
  readonly faultVector: WebAssembly.Global;
}
/** Room for a case's code; behind it INT3. */
const CODE_ROOM = 192;
/** More instructions than a sequence should take; the vector of one that took them. */
const ENDLESS = 5000;
export const TIMEOUT = 254;

export class Machine {
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private readonly core: CoreExports;
  private fresh = true;
  private nextFrame = L.POOL_BASE;
  private readonly frames = new Map<number, number>();
  private readonly translator: Translator | null = null;
  private lastCode = "";
  private budget = 1;
  /** Cases whose state a translation left. */
  translatedCases = 0;

  /** Without `low`, the first pages are not mapped: nothing of a case without branches belongs there. */
  constructor(wasm: Uint8Array, translated = false, low = true) {
    const memory = new WebAssembly.Memory({ initial: 4096, maximum: 65536, shared: true });
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    const host = new Proxy(
      {},
      {
        get: (_, name) => (): number => {
          if (name === "unwind") throw new Error("unwind");
          return 0;
        },
        has: () => true,
      },
    );
    const module = new WebAssembly.Module(wasm as BufferSource);
    const imports: Record<string, Record<string, WebAssembly.ImportValue>> = { env: { memory, abort: () => {} } };
    for (const i of WebAssembly.Module.imports(module)) {
      if (i.kind === "function") {
        const group = (imports[i.module] ??= {});
        group[i.name] = (host as Record<string, () => number>)[i.name] as () => number;
      }
    }
    const { exports } = new WebAssembly.Instance(module, imports);
    this.core = exports as unknown as CoreExports;
    this.bytes.set(decodeTables(), L.DECODE_BASE);
    // The cases come from an AMD processor, and vendors differ (SYSRET and SYSENTER outside 64-bit code): everything there is, under AMD's name.
    this.bytes.set(new Uint8Array(chooseCpu("max").cpuid.buffer), L.CPUID_BASE);
    this.bytes.set(new Uint8Array(chooseCpu("EPYC").cpuid.buffer, 12, 12), L.CPUID_BASE + 12);
    this.setFeatures(new Uint32Array(8).fill(0xffffffff));
    this.core.start();
    this.core.reset(1, 0);
    if (translated) {
      this.translator = new Translator(inlineCompiler(wasm), memory, exports, 1, 1);
      this.core.setHotThreshold(1);
    }
    for (const [start, length] of MAPPED) for (let p = start; p < start + length; p += 4096) this.frame(p);
    writeTables((physical, bytes) => this.bytes.set(bytes, this.frame(physical) + (physical & 0xfff)), low);
    this.bytes.fill(0xcc, this.frame(CODE_START), this.frame(CODE_START) + DATA_LENGTH);
  }

  /** As if the model had just these CPUID features (words as in isa/features.ts). What is decoded already stays. */
  setFeatures(words: ArrayLike<number>): void {
    for (let i = 0; i < 8; i++) this.view.setUint32(L.VCPU_BASE + L.FEATURES + i * 4, words[i] ?? 0, true);
  }
  /** Host address of the frame of a physical page, made on demand. */
  private frame(physical: number): number {
    const page = physical >>> 12;
    let f = this.frames.get(page);
    if (f === undefined) {
      f = this.nextFrame;
      this.nextFrame += 4096;
      this.frames.set(page, f);
      this.view.setUint32(L.P2M_BASE + page * 4, f | L.P2M_PRESENT, true);
    }
    return f;
  }

  /** Runs one instruction, or (`toEnd`, interpreted) until the code's end or a fault. */
  run(mode: number, code: Uint8Array, before: Uint8Array, toEnd = false): { vector: number; after: Uint8Array } {
    if (toEnd) {
      // The same bytes behind it as exec.c puts there: a sequence may read them.
      this.place(code, 0xcc);
      this.load(mode, before);
      return this.execute(ENDLESS, code.length);
    }
    if (!this.translator) {
      this.place(code, 0xcc);
      this.load(mode, before);
      return this.execute(1);
    }
    const key = `${mode} ${Buffer.from(code).toString("hex")}`;
    if (key !== this.lastCode) {
      // UD2 behind the code: it ends the block, and its fault shows the state there.
      this.place(code, 0x0b);
      this.lastCode = key;
      this.load(mode, before);
      // Two instructions, so that the block runs as a whole and counts as executed.
      this.execute(2);
      const block = this.view.getUint32(L.JIT_QUEUE + 4, true);
      this.budget = this.view.getUint32(L.JIT_QUEUE, true) ? this.view.getUint16(block + L.BLOCK_COUNT, true) : 0;
      this.translator.drain();
      if (this.budget && !this.view.getUint32(block + L.BLOCK_INTERPRETED, true)) this.budget = 0;
    }
    this.load(mode, before);
    if (this.budget > 0) this.translatedCases++;
    return this.execute(Math.max(1, this.budget));
  }
  private place(code: Uint8Array, filler: number): void {
    const host = this.frame(CODE_LINEAR);
    for (let i = 0; i < CODE_ROOM; i++) this.bytes[host + i] = filler === 0x0b && (i - code.length) % 2 === 0 ? 0x0f : filler;
    this.bytes.set(code, host);
    this.core.hostWritten(host, CODE_ROOM);
  }
  private load(mode: number, before: Uint8Array): void {
    this.bytes.fill(0, this.frame(DATA_START), this.frame(DATA_START) + DATA_LENGTH);
    this.bytes.set(before.subarray(MEMORY, MEMORY + MEMORY_SIZE), this.frame(DATA_LINEAR));
    enterCase(this.view, this.bytes, mode, before);
    if (this.fresh) this.core.restored();
    else this.core.registersReplaced();
    this.fresh = false;
  }
  /** `length`: bytes of a sequence that runs to its end. */
  private execute(budget: number, length = -1): { vector: number; after: Uint8Array } {
    const b = L.VCPU_BASE;
    const v = this.view;
    let vector = length >= 0 ? TIMEOUT : 255;
    let rip: bigint;
    try {
      this.core.run(budget);
      rip = v.getBigUint64(b + L.IP, true);
    } catch (e) {
      if (!(e instanceof Error) || e.message !== "unwind") throw e;
      vector = this.core.faultVector.value as number;
      rip = this.core.currentIp();
      // The INT3 (without a gate, a fault) or UD2 behind the code: the code itself ended well.
      if (length >= 0 ? rip === BigInt(CODE_LINEAR + length) : budget > 1 && rip !== BigInt(CODE_LINEAR)) return this.left(255, rip);
    }
    return this.left(vector, rip);
  }
  private left(vector: number, rip: bigint): { vector: number; after: Uint8Array } {
    const after = leaveCase(this.view, this.bytes, rip, this.core.eflags());
    after.set(this.bytes.subarray(this.frame(DATA_LINEAR), this.frame(DATA_LINEAR) + MEMORY_SIZE), MEMORY);
    return { vector, after };
  }
}
