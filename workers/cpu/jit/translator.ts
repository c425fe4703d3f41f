// Hot blocks become WebAssembly functions made of core's own compiled handlers (splice.ts), many per module. A translated block takes the place of
// its first record's handler, so the run loop, faults, budgets and invalidation work as they do for interpreted blocks; what cannot be copied
// is left to the interpreter from that record on. First step of the translation engine: one guest block per function, registers in the state
// block, compiled on the processor's own thread between slices. Left out: regions, registers in locals, links between blocks.

import {
  BLOCK_COUNT,
  BLOCK_FLAGS,
  BLOCK_HEADER_SIZE,
  BLOCK_INTERPRETED,
  JIT_QUEUE,
  RECORD_SIZE,
  VCPU_BASE,
} from "../core/layout.ts";
import { CoreCode } from "./core-code.ts";
import { I32, leb, section, sleb, text, vector } from "./emit.ts";
import { type Imports, Locals, splice } from "./splice.ts";

export interface TranslatorStats {
  readonly modules: number;
  readonly functions: number;
  readonly bytes: number;
  readonly compileMs: number;
  /** Instructions copied, and left to the interpreter at the end of a block. */
  readonly copied: number;
  readonly left: number;
}
/** Translated blocks kept at most (table entries); beyond that hot blocks stay interpreted until the block cache is flushed. */
const MOST_FUNCTIONS = 40_000;
const MOST_PER_MODULE = 256;
const MOST_WAITS = 20;

export class Translator {
  private readonly code: CoreCode;
  private readonly memory: WebAssembly.Memory;
  private readonly exports: WebAssembly.Exports;
  private readonly table: WebAssembly.Table;
  private readonly vcpuGlobal: number;
  private readonly stopGlobal: number;
  /** Blocks worth a module of their own; fewer wait a few slices for company. */
  private readonly leastBatch: number;
  private waited = 0;
  private readonly counts = { modules: 0, functions: 0, bytes: 0, compileMs: 0, copied: 0, left: 0 };

  constructor(code: CoreCode, memory: WebAssembly.Memory, exports: WebAssembly.Exports, leastBatch = 32) {
    this.leastBatch = leastBatch;
    this.code = code;
    this.memory = memory;
    this.exports = exports;
    this.table = exports.table as WebAssembly.Table;
    const globalIndex = (name: string): number => {
      const found = code.exports.get(name);
      if (found?.kind !== 3) throw new Error(`translator: core exports no global ${name}`);
      return found.index;
    };
    this.vcpuGlobal = globalIndex("vcpu");
    this.stopGlobal = globalIndex("stopAt");
  }
  get stats(): TranslatorStats {
    return this.counts;
  }
  /** Translates what the core found hot since the last call. */
  drain(): void {
    const queue = new Uint32Array(this.memory.buffer, JIT_QUEUE, 1);
    const count = queue[0] as number;
    if (count === 0 || (count < this.leastBatch && ++this.waited < MOST_WAITS)) return;
    this.waited = 0;
    const blocks = [...new Uint32Array(this.memory.buffer, JIT_QUEUE + 4, count)];
    queue[0] = 0;
    const view = new DataView(this.memory.buffer);
    const alive = blocks.filter((b) => view.getUint32(b + BLOCK_FLAGS, true) & 1 && view.getUint16(b + BLOCK_COUNT, true) > 0 && view.getUint32(b + BLOCK_INTERPRETED, true) === 0);
    for (let at = 0; at < alive.length; at += MOST_PER_MODULE) this.translate(alive.slice(at, at + MOST_PER_MODULE), view);
  }
  private translate(blocks: readonly number[], view: DataView): void {
    if (this.counts.functions + blocks.length > MOST_FUNCTIONS) return;
    const started = performance.now();
    const functionImports = new Map<number, number>();
    const globalImports = new Map<number, number>();
    const imports: Imports = {
      functionOf: (core) => {
        let n = functionImports.get(core);
        if (n === undefined) {
          n = functionImports.size;
          functionImports.set(core, n);
        }
        return n;
      },
      globalOf: (core) => {
        let n = globalImports.get(core);
        if (n === undefined) {
          n = globalImports.size;
          globalImports.set(core, n);
        }
        return n;
      },
    };
    const bodies = blocks.map((block) => this.function(block, view, imports));
    const bytes = this.module(bodies, functionImports, globalImports);
    const core: { [name: string]: WebAssembly.ImportValue } = { memory: this.memory, table: this.table };
    for (const f of functionImports.keys()) core[`f${f}`] = this.exports[`f${f}`] as WebAssembly.ImportValue;
    for (const g of globalImports.keys()) core[`g${g}`] = this.exports[`g${g}`] as WebAssembly.ImportValue;
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), { core });
    const base = this.table.grow(blocks.length);
    blocks.forEach((block, n) => {
      this.table.set(base + n, instance.exports[`b${n}`] as () => void);
      const first = block + BLOCK_HEADER_SIZE;
      view.setUint32(block + BLOCK_INTERPRETED, view.getUint32(first, true), true);
      view.setUint32(first, base + n, true);
    });
    this.counts.modules++;
    this.counts.functions += blocks.length;
    this.counts.bytes += bytes.length;
    this.counts.compileMs += performance.now() - started;
  }
  /** Code section entry for one block. */
  private function(block: number, view: DataView, imports: Imports): number[] {
    const count = view.getUint16(block + BLOCK_COUNT, true);
    const locals = new Locals([I32]);
    const code: number[] = [];
    for (let n = 0; n < count; n++) {
      const record = block + BLOCK_HEADER_SIZE + n * RECORD_SIZE;
      const handler = view.getUint32(record, true);
      const index = this.code.table.get(handler);
      locals.release(1);
      const copy = index === undefined ? null : splice(this.code, index, record, new DataView(view.buffer, record, RECORD_SIZE), locals, imports, this.vcpuGlobal, VCPU_BASE);
      if (!copy) {
        // The interpreter goes on from here to the end of the block.
        code.push(0x41, ...sleb(record), 0x41, ...sleb(handler), 0x11, 0, 0);
        this.counts.left += count - n;
        break;
      }
      for (const b of copy.code) code.push(b);
      this.counts.copied++;
      // Self-modified code, a changed mode: the block ends behind the instruction that did it.
      if (copy.calls && n + 1 < count) code.push(0x23, ...leb(imports.globalOf(this.stopGlobal)), 0x04, 0x40, 0x0f, 0x0b);
    }
    code.push(0x0b);
    const extra = locals.types.slice(1);
    const declared = vector(extra.map((t) => [1, t]));
    return [...leb(declared.length + code.length), ...declared, ...code];
  }
  private module(bodies: readonly number[][], functions: ReadonlyMap<number, number>, globals: ReadonlyMap<number, number>): Uint8Array {
    const types: number[][] = [[0x60, 1, I32, 0]];
    const typeOf = new Map<string, number>([["127:", 0]]);
    const typeIndex = (core: number): number => {
      const signature = this.code.types[this.code.functionTypes[core] as number];
      if (!signature) throw new Error(`translator: function ${core} has no type`);
      const key = `${signature.params.join(",")}:${signature.results.join(",")}`;
      let n = typeOf.get(key);
      if (n === undefined) {
        n = types.length;
        typeOf.set(key, n);
        types.push([0x60, ...leb(signature.params.length), ...signature.params, ...leb(signature.results.length), ...signature.results]);
      }
      return n;
    };
    const imports: number[][] = [[...text("core"), ...text("memory"), 2, 3, ...leb(1), ...leb(65536)], [...text("core"), ...text("table"), 1, 0x70, 0, 0]];
    for (const f of functions.keys()) imports.push([...text("core"), ...text(`f${f}`), 0, ...leb(typeIndex(f))]);
    for (const g of globals.keys()) {
      const global = this.code.globals[g];
      if (!global) throw new Error(`translator: no global ${g}`);
      imports.push([...text("core"), ...text(`g${g}`), 3, global.type, global.mutable ? 1 : 0]);
    }
    const names = bodies.map((_, n) => [...text(`b${n}`), 0, ...leb(functions.size + n)]);
    const out: number[] = [0, 97, 115, 109, 1, 0, 0, 0];
    const push = (bytes: readonly number[]) => {
      for (const b of bytes) out.push(b);
    };
    push(section(1, vector(types)));
    push(section(2, vector(imports)));
    push(section(3, vector(bodies.map(() => [0]))));
    push(section(7, vector(names)));
    push(section(10, vector(bodies)));
    return Uint8Array.from(out);
  }
}
const codes = new WeakMap<Uint8Array, CoreCode>();
/** The parsed core, once per binary. */
export function coreCodeOf(bytes: Uint8Array): CoreCode {
  let code = codes.get(bytes);
  if (!code) {
    code = new CoreCode(bytes);
    codes.set(bytes, code);
  }
  return code;
}
