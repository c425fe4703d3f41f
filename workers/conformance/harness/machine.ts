// Runs one instruction case on the real core: user mode in long mode (64-bit or compatibility segment), flat memory of a few pages,
// the same addresses as exec.c. Faults are caught where they unwind, before delivery. With `translated`, each code is executed once by the
// interpreter to be found hot, then translated, and it is the translation whose state counts.

import * as L from "../../cpu/core/layout.ts";
import { inlineCompiler } from "../../cpu/jit/job.ts";
import { Translator } from "../../cpu/jit/translator.ts";
import { decodeTables } from "../../cpu/isa/tables.ts";
import { CODE_LINEAR, DATA_LINEAR, FLAGS, FX, GPR, GS_LINEAR, MEMORY, MEMORY_SIZE, RIP, SELECTORS, STATE_SIZE, YMMH } from "./cases.ts";

interface CoreExports {
  start(base: number): void;
  reset(hard: number, signature: number): void;
  run(budget: number): number;
  restored(): void;
  registersReplaced(): void;
  abandonBlock(): void;
  hostWritten(host: number, size: number): void;
  eflags(): bigint;
  currentIp(): bigint;
  setHotThreshold(n: number): void;
  readonly faultVector: WebAssembly.Global;
}
const TABLES = 0x101000; // PML4, PDPT, PD on three physical pages
const GDT = 0x106000;
const TSS = 0x107000;
const ATTR_NULL = 0x10000; // core/mode.ts
const FLAGS_MASK = 0x8d5;
/** Linux's descriptors, by selector / 8: kernel code, 64-bit kernel code, kernel data, user code, user data, 64-bit user code. */
const DESCRIPTORS = [0n, 0xcf9b000000ffffn, 0xaf9b000000ffffn, 0xcf93000000ffffn, 0xcffb000000ffffn, 0xcff3000000ffffn, 0xaffb000000ffffn];

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

  constructor(wasm: Uint8Array, translated = false) {
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
    for (let i = 0; i < 8; i++) this.view.setUint32(L.VCPU_BASE + L.FEATURES + i * 4, 0xffffffff, true);
    this.core.start(L.VCPU_BASE);
    this.core.reset(1, 0);
    if (translated) {
      this.translator = new Translator(inlineCompiler(wasm), memory, exports, 1, 1);
      this.core.setHotThreshold(1);
    }
    // Identity map of the first GiB by 2 MiB user pages.
    const u64 = (physical: number, v: bigint): void => this.view.setBigUint64(this.frame(physical) + (physical & 0xfff), v, true);
    u64(TABLES, BigInt(TABLES + 0x1000) | 7n);
    u64(TABLES + 0x1000, BigInt(TABLES + 0x2000) | 7n);
    for (let i = 0; i < 512; i++) u64(TABLES + 0x2000 + i * 8, (BigInt(i) << 21n) | 0xe7n);
    this.view.setUint16(this.frame(TSS) + 102, 0xffff, true);
    DESCRIPTORS.forEach((d, i) => u64(GDT + i * 8, d));
    for (let p = DATA_LINEAR - 65536; p < DATA_LINEAR + 131072; p += 4096) this.frame(p);
    // Where branches may land: around the code, and where a 16-bit instruction pointer points.
    for (let p = CODE_LINEAR - 65536; p < CODE_LINEAR + 131072; p += 4096) this.frame(p);
    for (let p = 0; p < 65536; p += 4096) this.frame(p);
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

  private enter(mode: number): void {
    const b = L.VCPU_BASE;
    this.view.setBigUint64(b + L.CR0, 0x80050033n, true);
    this.view.setBigUint64(b + L.CR3, BigInt(TABLES), true);
    this.view.setBigUint64(b + L.CR4, 0x50620n, true);
    this.view.setBigUint64(b + L.XCR0, 7n, true);
    this.view.setBigUint64(b + L.EFER, 0xd01n, true);
    for (let s = 0; s < 6; s++) {
      const absent = s >= 4;
      this.view.setBigUint64(b + L.SEG_BASE + s * 8, s === 5 && !mode ? BigInt(GS_LINEAR) : 0n, true);
      this.view.setUint32(b + L.SEG_LIMIT + s * 4, absent ? 0 : 0xffffffff, true);
      this.view.setUint16(b + L.SEG_SELECTOR + s * 2, absent ? 0 : s === 1 ? (mode ? 0x23 : 0x33) : 0x2b, true);
      this.view.setUint32(b + L.SEG_ATTR + s * 4, absent ? ATTR_NULL : s === 1 ? (mode ? 0xc0fb : 0xa0fb) : 0xc0f3, true);
    }
    this.view.setUint32(b + L.CPL, 3, true);
    this.view.setBigUint64(b + L.GDT_BASE, BigInt(GDT), true);
    this.view.setUint32(b + L.GDT_LIMIT, 0x7f, true);
    // A task-state segment without an I/O map.
    this.view.setBigUint64(b + L.SEG_BASE + 7 * 8, BigInt(TSS), true);
    this.view.setUint32(b + L.SEG_LIMIT + 7 * 4, 0x67, true);
    this.view.setUint32(b + L.SEG_ATTR + 7 * 4, 0x8b, true);
  }

  run(mode: number, code: Uint8Array, before: Uint8Array): { vector: number; after: Uint8Array } {
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
    for (let i = 0; i < 64; i++) this.bytes[host + i] = filler === 0x0b && (i - code.length) % 2 === 0 ? 0x0f : filler;
    this.bytes.set(code, host);
    this.core.hostWritten(host, 64);
  }
  private load(mode: number, before: Uint8Array): void {
    const b = L.VCPU_BASE;
    const v = this.view;
    const s = new DataView(before.buffer, before.byteOffset);
    this.bytes.set(before.subarray(MEMORY, MEMORY + MEMORY_SIZE), this.frame(DATA_LINEAR));
    for (let i = 0; i < 16; i++) v.setBigUint64(b + L.GPR + i * 8, s.getBigUint64(GPR + i * 8, true), true);
    const flags = s.getUint32(FLAGS, true) & 0xcd5;
    v.setBigUint64(b + L.EFLAGS, BigInt(0x202 | (flags & 0x400)), true);
    v.setBigUint64(b + L.LAZY_SAVE, 0n, true);
    v.setBigUint64(b + L.LAZY_SAVE + 16, BigInt(flags & FLAGS_MASK), true);
    v.setBigUint64(b + L.IP, BigInt(CODE_LINEAR), true);
    v.setUint32(b + L.ATTENTION, 0, true);
    const sw = s.getUint16(FX + 2, true);
    const brief = s.getUint8(FX + 4);
    v.setUint16(b + L.FCW, s.getUint16(FX, true), true);
    v.setUint16(b + L.FSW, sw, true);
    let tags = 0;
    for (let n = 0; n < 8; n++) if (!((brief >> n) & 1)) tags |= 3 << (2 * n);
    v.setUint16(b + L.FTW, tags, true);
    for (let i = 0; i < 8; i++) {
      const at = b + L.FPR + ((((sw >> 11) & 7) + i) & 7) * 16;
      v.setBigUint64(at, s.getBigUint64(FX + 32 + i * 16, true), true);
      v.setUint16(at + 8, s.getUint16(FX + 40 + i * 16, true), true);
    }
    v.setUint32(b + L.MXCSR, s.getUint32(FX + 24, true), true);
    for (let i = 0; i < 16; i++) this.bytes.set(before.subarray(FX + 160 + i * 16, FX + 176 + i * 16), b + L.XMM + i * 32);
    for (let i = 0; i < 16; i++) this.bytes.set(before.subarray(YMMH + i * 16, YMMH + 16 + i * 16), b + L.XMM + i * 32 + 16);
    this.enter(mode);
    if (this.fresh) this.core.restored();
    else this.core.registersReplaced();
    this.fresh = false;
  }
  private execute(budget: number): { vector: number; after: Uint8Array } {
    const b = L.VCPU_BASE;
    const v = this.view;
    let vector = 255;
    let rip: bigint;
    try {
      this.core.run(budget);
      rip = v.getBigUint64(b + L.IP, true);
    } catch (e) {
      if (!(e instanceof Error) || e.message !== "unwind") throw e;
      vector = this.core.faultVector.value as number;
      rip = this.core.currentIp();
      // The UD2 behind the code: the code itself ended well.
      if (budget > 1 && rip !== BigInt(CODE_LINEAR)) vector = 255;
      const gone = v.getBigUint64(b + L.ICOUNT, true);
      this.core.abandonBlock();
      v.setBigUint64(b + L.ICOUNT, gone, true);
    }
    const after = new Uint8Array(STATE_SIZE);
    const o = new DataView(after.buffer);
    for (let i = 0; i < 16; i++) o.setBigUint64(GPR + i * 8, v.getBigUint64(b + L.GPR + i * 8, true), true);
    o.setBigUint64(FLAGS, this.core.eflags(), true);
    o.setBigUint64(RIP, rip - BigInt(CODE_LINEAR), true);
    const sw2 = v.getUint16(b + L.FSW, true);
    const tags2 = v.getUint16(b + L.FTW, true);
    o.setUint16(FX, v.getUint16(b + L.FCW, true), true);
    o.setUint16(FX + 2, sw2, true);
    let brief2 = 0;
    for (let n = 0; n < 8; n++) if (((tags2 >> (2 * n)) & 3) !== 3) brief2 |= 1 << n;
    o.setUint8(FX + 4, brief2);
    for (let i = 0; i < 8; i++) {
      const at = b + L.FPR + ((((sw2 >> 11) & 7) + i) & 7) * 16;
      o.setBigUint64(FX + 32 + i * 16, v.getBigUint64(at, true), true);
      o.setUint16(FX + 40 + i * 16, v.getUint16(at + 8, true), true);
    }
    o.setUint32(FX + 24, v.getUint32(b + L.MXCSR, true), true);
    for (let i = 0; i < 16; i++) after.set(this.bytes.subarray(b + L.XMM + i * 32, b + L.XMM + i * 32 + 16), FX + 160 + i * 16);
    for (let i = 0; i < 16; i++) after.set(this.bytes.subarray(b + L.XMM + i * 32 + 16, b + L.XMM + i * 32 + 32), YMMH + i * 16);
    for (let i = 0; i < 6; i++) o.setUint16(SELECTORS + i * 2, v.getUint16(b + L.SEG_SELECTOR + i * 2, true), true);
    after.set(this.bytes.subarray(this.frame(DATA_LINEAR), this.frame(DATA_LINEAR) + MEMORY_SIZE), MEMORY);
    return { vector, after };
  }
}
