// Hot blocks become WebAssembly: the region around each is compiled (compile.ts), many regions per module. A region's function takes the place of the
// handler of its entry block's first record, so the run loop, budgets and invalidation see an ordinary block; core's dispatcher goes from region to
// region by tail calls. When a block of a region is overwritten, core takes the region away and hands the table index back.

import { BLOCK_COUNT, BLOCK_HEADER_SIZE, BLOCK_INTERPRETED, JIT_FREED, JIT_QUEUE } from "../core/layout.ts";
import { type Compiled, compileRegion } from "./compile.ts";
import type { Imports } from "./copy.ts";
import { CoreCode } from "./core-code.ts";
import { CoreFunctions } from "./core-functions.ts";
import { Ir } from "./ir.ts";
import { buildModule } from "./module.ts";
import { findRegion, type Region } from "./region.ts";

export interface TranslatorStats {
  modules: number;
  /** Regions translated in all, and in use now. */
  functions: number;
  live: number;
  blocks: number;
  bytes: number;
  /** Time to make modules, and to have the engine compile them. */
  translateMs: number;
  compileMs: number;
  /** Instructions with registers in locals, with the state in memory, and left to the interpreter. */
  promoted: number;
  plain: number;
  left: number;
  /** Regions dropped because their code was written, and to make room. */
  invalidated: number;
  evicted: number;
}
interface CoreFace {
  addUser(block: number, entry: number): number;
  installRegion(entry: number, handler: number, span: number): void;
  removeRegion(entry: number): void;
  readonly flushes: WebAssembly.Global;
  readonly table: WebAssembly.Table;
}
/** Regions kept at most; beyond that the oldest modules go. */
const MOST_FUNCTIONS = 30_000;
const MOST_PER_MODULE = 64;
const MOST_WAITS = 20;

export class Translator {
  private readonly functions: CoreFunctions;
  private readonly memory: WebAssembly.Memory;
  private readonly exports: WebAssembly.Exports;
  private readonly core: CoreFace;
  private readonly view: DataView;
  private readonly queue: Uint32Array;
  private readonly freed: Uint32Array;
  private readonly ir = new Ir();
  private readonly freeSlots: number[] = [];
  /** Entry block by table index. */
  private readonly installed = new Map<number, number>();
  private modules: { readonly slots: readonly number[] }[] = [];
  private readonly threshold: number;
  /** Blocks worth a module of their own; fewer wait a few slices for company. */
  private readonly leastBatch: number;
  /** Told of every module made: what it was made of, and its bytes. For logs and tests. */
  onModule: ((made: readonly { readonly region: Region; readonly compiled: Compiled }[], bytes: Uint8Array) => void) | null = null;
  private waited = 0;
  private epoch = 0;
  private readonly counts: TranslatorStats = {
    modules: 0, functions: 0, live: 0, blocks: 0, bytes: 0, translateMs: 0, compileMs: 0, promoted: 0, plain: 0, left: 0, invalidated: 0, evicted: 0,
  };

  constructor(code: CoreCode, memory: WebAssembly.Memory, exports: WebAssembly.Exports, threshold: number, leastBatch: number) {
    this.functions = functionsOf(code);
    this.memory = memory;
    this.exports = exports;
    this.core = exports as unknown as CoreFace;
    this.view = new DataView(memory.buffer);
    this.queue = new Uint32Array(memory.buffer, JIT_QUEUE, 1);
    this.freed = new Uint32Array(memory.buffer, JIT_FREED, 1);
    this.threshold = threshold;
    this.leastBatch = leastBatch;
    this.epoch = this.core.flushes.value as number;
  }
  get stats(): TranslatorStats {
    return { ...this.counts, live: this.installed.size };
  }
  /** Between slices: takes back what core dropped, translates what it found hot. */
  drain(): void {
    this.reclaim();
    const count = this.queue[0] as number;
    if (count === 0 || (count < this.leastBatch && ++this.waited < MOST_WAITS)) return;
    this.waited = 0;
    const hot = [...new Uint32Array(this.memory.buffer, JIT_QUEUE + 4, count)];
    this.queue[0] = 0;
    const { view } = this;
    const alive = [...new Set(hot)].filter((b) => view.getUint16(b + BLOCK_COUNT, true) > 0 && view.getUint32(b + BLOCK_INTERPRETED, true) === 0);
    for (let at = 0; at < alive.length; at += MOST_PER_MODULE) this.translate(alive.slice(at, at + MOST_PER_MODULE));
  }
  private reclaim(): void {
    const epoch = this.core.flushes.value as number;
    if (epoch !== this.epoch) {
      // The block cache was emptied: nothing of ours is reachable.
      this.epoch = epoch;
      for (const slot of [...this.installed.keys()]) this.free(slot);
      this.modules = [];
      return;
    }
    const count = this.freed[0] as number;
    if (count === 0) return;
    for (const slot of new Uint32Array(this.memory.buffer, JIT_FREED + 4, count))
      if (this.installed.has(slot)) {
        this.counts.invalidated++;
        this.free(slot);
      }
    this.freed[0] = 0;
  }
  private free(slot: number): void {
    this.installed.delete(slot);
    this.core.table.set(slot, null);
    this.freeSlots.push(slot);
  }
  private translate(entries: readonly number[]): void {
    const started = performance.now();
    const functionImports = new Map<number, number>();
    const globalImports = new Map<number, number>();
    const number = (map: Map<number, number>) => (core: number) => {
      let n = map.get(core);
      if (n === undefined) {
        n = map.size;
        map.set(core, n);
      }
      return n;
    };
    const imports: Imports = { functionOf: number(functionImports), globalOf: number(globalImports) };
    const made: { readonly region: Region; readonly compiled: Compiled }[] = [];
    for (const entry of entries) {
      const region = findRegion(this.view, entry, this.threshold);
      const compiled = compileRegion(this.functions, this.ir, imports, region);
      if (!compiled) continue;
      made.push({ region, compiled });
      this.counts.promoted += compiled.promoted;
      this.counts.plain += compiled.plain;
      this.counts.left += compiled.left;
    }
    if (made.length === 0) return;
    const bytes = buildModule(
      this.functions.code,
      made.map((m) => m.compiled.body),
      functionImports,
      globalImports,
    );
    const translated = performance.now();
    this.onModule?.(made, bytes);
    const core: { [name: string]: WebAssembly.ImportValue } = { memory: this.memory };
    for (const f of functionImports.keys()) core[`f${f}`] = this.exports[`f${f}`] as WebAssembly.ImportValue;
    for (const g of globalImports.keys()) core[`g${g}`] = this.exports[`g${g}`] as WebAssembly.ImportValue;
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), { core });
    this.install(
      made.map((m) => m.region),
      instance,
    );
    this.counts.modules++;
    this.counts.functions += made.length;
    this.counts.bytes += bytes.length;
    this.counts.translateMs += translated - started;
    this.counts.compileMs += performance.now() - translated;
    this.evict();
  }
  private install(regions: readonly Region[], instance: WebAssembly.Instance): void {
    const slots: number[] = [];
    regions.forEach((region, n) => {
      for (const node of region.nodes) if (node.block !== region.entry && !this.core.addUser(node.block, region.entry)) return;
      const slot = this.freeSlots.pop() ?? this.core.table.grow(1);
      this.core.table.set(slot, instance.exports[`r${n}`] as () => void);
      this.core.installRegion(region.entry, slot, region.span);
      this.installed.set(slot, region.entry);
      slots.push(slot);
      this.counts.blocks += region.nodes.length;
    });
    this.modules.push({ slots });
  }
  /** The oldest modules go when there are too many regions. */
  private evict(): void {
    while (this.installed.size > MOST_FUNCTIONS) {
      const oldest = this.modules.shift();
      if (!oldest) return;
      for (const slot of oldest.slots) {
        const entry = this.installed.get(slot);
        // The slot may belong to a younger module by now; dropping that one region costs little.
        if (entry === undefined || this.view.getUint32(entry + BLOCK_HEADER_SIZE, true) !== slot) continue;
        this.core.removeRegion(entry);
        this.counts.evicted++;
      }
      this.reclaim();
    }
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
const functions = new WeakMap<CoreCode, CoreFunctions>();
function functionsOf(code: CoreCode): CoreFunctions {
  let f = functions.get(code);
  if (!f) {
    f = new CoreFunctions(code);
    functions.set(code, f);
  }
  return f;
}
