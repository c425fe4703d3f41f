// Hot blocks become WebAssembly: the region around each is compiled (job.ts, usually in jit.worker), many regions per module, several modules in flight. A
// region's function takes the place of the handler of its entry block's first record, so the run loop, budgets and invalidation see an ordinary
// block; core's dispatcher goes from region to region by tail calls. When a block of a region is overwritten, core takes the region away and hands the
// table index back.

import { BLOCK_COUNT, BLOCK_HITS, BLOCK_HOST, BLOCK_INTERPRETED, BLOCK_LENGTH, JIT_ENDS, JIT_FREED, JIT_QUEUE, JIT_QUEUE_LINEAR, RECORD_SIZE } from "../core/layout.ts";
import type { JitCompiler, JobResult, Regions } from "./port.ts";
import type { RegionSource } from "./region.ts";
import { userCode } from "./found.ts";

export interface TranslatorStats {
  modules: number;
  /** Regions translated in all, and in use now. */
  functions: number;
  live: number;
  blocks: number;
  bytes: number;
  /** Modules asked for and not yet there. */
  inFlight: number;
  /** Time to make modules, and to have the engine compile them; on the processor's thread: to install them. */
  translateMs: number;
  compileMs: number;
  installMs: number;
  /** Instructions with registers in locals, with the state in memory, and left to the interpreter. */
  promoted: number;
  plain: number;
  left: number;
  /** Regions dropped because their code was written (late: before they were installed), and to make room. */
  invalidated: number;
  late: number;
  evicted: number;
  /** Modules made anew from the regions of several small ones. */
  merged: number;
  /** How often translated regions ended, and why. */
  ends: { readonly [cause in (typeof ENDS)[number]]: number };
}
/** In the order of END_* (core/layout.ts). */
const ENDS = ["linked", "attention", "unknown", "untranslated", "budget", "bailed", "faulted", "stopped"] as const;
/** Told of every module made: what it was made of, and its bytes. */
type ModuleListener = (sources: readonly RegionSource[], result: JobResult) => void;
interface Installed {
  /** Whose function it is now. */
  module: Made;
  readonly entry: number;
  readonly linear: bigint;
  readonly blocks: readonly { readonly block: number; readonly delta: number }[];
}
interface Made {
  /** Of the table; some may be another module's, or free again. */
  readonly slots: readonly number[];
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
const MOST_PER_MODULE = 12;
/** Modules asked for at a time: one being made and one for when it is done. More hot blocks wait in core's queue. */
const MOST_IN_FLIGHT = 2;
/**
 * A module has pages, a jump table and an instance of its own: code spread over hundreds of small ones misses the host's caches and TLB (ADR 0017). So this many
 * modules with fewer regions than `MERGED_FROM` are made anew as one with at most `MOST_MERGED`; larger ones took too long to make, and gained less.
 */
const MODULES_TO_MERGE = 16;
const MERGED_FROM = 48;
const MOST_MERGED = 64;

export class Translator {
  private readonly compiler: JitCompiler;
  private readonly memory: WebAssembly.Memory;
  private readonly exports: WebAssembly.Exports;
  private readonly core: CoreFace;
  private readonly view: DataView;
  private readonly queue: Uint32Array;
  private readonly freed: Uint32Array;
  private readonly freeSlots: number[] = [];
  /** By table index. */
  private readonly installed = new Map<number, Installed>();
  private modules: Made[] = [];
  /** Those of them that are to be merged, in the order they came. */
  private small: Made[] = [];
  private readonly threshold: number;
  /** Blocks worth a module of their own while another is being made. */
  private readonly leastBatch: number;
  private epoch = 0;
  /** The regions of each module asked for and not yet there. */
  private readonly inFlight = new Set<readonly RegionSource[]>();
  private readonly counts = {
    modules: 0, functions: 0, blocks: 0, bytes: 0, translateMs: 0, compileMs: 0, installMs: 0, promoted: 0, plain: 0, left: 0, invalidated: 0, late: 0, evicted: 0, merged: 0,
  };
  private readonly listeners: ModuleListener[] = [];

  constructor(compiler: JitCompiler, memory: WebAssembly.Memory, exports: WebAssembly.Exports, threshold: number, leastBatch: number) {
    this.compiler = compiler;
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
    const ends = Object.fromEntries(ENDS.map((cause, n) => [cause, Number(this.view.getBigUint64(JIT_ENDS + n * 8, true))])) as TranslatorStats["ends"];
    return { ...this.counts, live: this.installed.size, inFlight: this.inFlight.size, ends };
  }
  /** For the trace bus, -d and tests. */
  onModule(listener: ModuleListener): void {
    this.listeners.push(listener);
  }
  /** Between slices: takes back what core dropped, has translated what it found hot. `idle`: what an idle guest does often enough is not hot. */
  drain(idle = false): void {
    this.reclaim();
    const count = this.queue[0] as number;
    if (idle && count > 0) {
      for (const block of new Uint32Array(this.memory.buffer, JIT_QUEUE + 4, count)) this.view.setUint32(block + BLOCK_HITS, 0, true);
      this.queue[0] = 0;
      return;
    }
    // At once when nobody is busy with an earlier module; else when there is enough for one of its own.
    if (count === 0) this.merge();
    if (count === 0 || (this.inFlight.size > 0 && (count < this.leastBatch || this.inFlight.size >= MOST_IN_FLIGHT))) return;
    const from = this.compiler.regions();
    // Until it is here the queue fills, and blocks that find it full come again.
    if (from === null) return;
    const { view } = this;
    const linear = new BigUint64Array(this.memory.buffer, JIT_QUEUE_LINEAR, count);
    const hot = new Map<number, bigint>();
    new Uint32Array(this.memory.buffer, JIT_QUEUE + 4, count).forEach((block, n) => void hot.set(block, linear[n] as bigint));
    const alive = [...hot].filter(([b]) => view.getUint16(b + BLOCK_COUNT, true) > 0 && view.getUint32(b + BLOCK_INTERPRETED, true) === 0);
    // What runs most comes first; the rest waits in the queue, where later ones may overtake it.
    if (alive.length > MOST_PER_MODULE) {
      const hits = new Map(alive.map(([b]) => [b, view.getUint32(b + BLOCK_HITS, true)]));
      alive.sort(([x], [y]) => (hits.get(y) as number) - (hits.get(x) as number));
    }
    const later = alive.splice(MOST_PER_MODULE);
    later.forEach(([block, found], n) => {
      view.setUint32(JIT_QUEUE + 4 + n * 4, block, true);
      view.setBigUint64(JIT_QUEUE_LINEAR + n * 8, found, true);
    });
    this.queue[0] = later.length;
    if (alive.length) {
      const regions: RegionSource[] = [];
      const flying = [...this.inFlight].flat();
      const entries = new Set(flying.map((r) => r.entry));
      const covered = new Set(flying.flatMap((r) => r.blocks.map((b) => b.block)));
      for (const [entry, found] of alive) {
        // A path's blocks become hot together; in a kernel one copy of them is enough. Whoever is entered from elsewhere too comes again.
        if (covered.has(entry) && !userCode(view, found)) {
          view.setUint32(entry + BLOCK_HITS, this.threshold >> 1, true);
          continue;
        }
        const region = from.gatherRegion(view, entry, found, this.threshold, entries);
        regions.push(region);
        entries.add(entry);
        for (const { block } of region.blocks) covered.add(block);
      }
      if (!regions.length) return;
      this.submit(regions, (result, instance) => {
        for (const listener of this.listeners) listener(regions, result);
        this.install(regions, result, instance);
        this.evict();
      });
    }
  }
  /** `done` is called with what was made of the regions, unless that is nothing or the block cache was emptied meanwhile. */
  private submit(regions: readonly RegionSource[], done: (result: JobResult, instance: WebAssembly.Instance) => void): void {
    const { epoch } = this;
    this.inFlight.add(regions);
    this.compiler.submit({ regions }, (result) => {
      this.inFlight.delete(regions);
      this.counts.translateMs += result.translateMs;
      this.counts.compileMs += result.compileMs;
      this.reclaim();
      if (result.module === null || epoch !== this.epoch) return;
      const started = performance.now();
      const core: { [name: string]: WebAssembly.ImportValue } = { memory: this.memory };
      for (const f of result.functions) core[`f${f}`] = this.exports[`f${f}`] as WebAssembly.ImportValue;
      for (const g of result.globals) core[`g${g}`] = this.exports[`g${g}`] as WebAssembly.ImportValue;
      done(result, new WebAssembly.Instance(result.module, { core }));
      this.counts.installMs += performance.now() - started;
    });
  }
  /** It is here once there are regions. */
  private gathering(): Regions {
    const from = this.compiler.regions();
    if (!from) throw new Error("translator: there are regions and nothing that gathers them");
    return from;
  }
  /** When nothing is hot: the regions of small modules get one together, where they stay in their places of the table. */
  private merge(): void {
    if (!this.compiler.apart || this.small.length < MODULES_TO_MERGE || this.inFlight.size > 0) return;
    const slots: number[] = [];
    while (this.small.length) {
      const live = this.liveOf(this.small[0] as Made);
      if (slots.length + live.length > MOST_MERGED) break;
      slots.push(...live);
      this.small.shift();
    }
    if (slots.length < 2) return;
    const before = slots.map((slot) => this.installed.get(slot) as Installed);
    const from = this.gathering();
    const regions = before.map(({ entry, linear, blocks }) => from.gatherAgain(this.view, entry, linear, blocks));
    this.submit(regions, (result, { exports }) => {
      const made: { slots: number[] } = { slots: [] };
      result.regions.forEach(({ source }, n) => {
        const slot = slots[source] as number;
        const installed = this.installed.get(slot);
        // Taken away meanwhile, and perhaps another one by now.
        if (!installed || installed !== before[source]) return;
        this.core.table.set(slot, exports[`r${n}`] as () => void);
        installed.module = made;
        made.slots.push(slot);
      });
      this.keep(made);
      this.modules = this.modules.filter((m) => m === made || this.liveOf(m).length > 0);
      this.counts.merged++;
    });
  }
  private liveOf(made: Made): number[] {
    return made.slots.filter((slot) => this.installed.get(slot)?.module === made);
  }
  private keep(made: Made): void {
    this.modules.push(made);
    if (made.slots.length < MERGED_FROM) this.small.push(made);
  }
  private reclaim(): void {
    const epoch = this.core.flushes.value as number;
    if (epoch !== this.epoch) {
      // The block cache was emptied: nothing of ours is reachable.
      this.epoch = epoch;
      for (const slot of [...this.installed.keys()]) this.free(slot);
      this.modules = [];
      this.small = [];
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
  private install(sources: readonly RegionSource[], result: JobResult, { exports }: WebAssembly.Instance): void {
    const made: { slots: number[] } = { slots: [] };
    const { view, counts } = this;
    result.regions.forEach((region, n) => {
      const source = sources[region.source] as RegionSource;
      // Blocks may have been overwritten meanwhile; their memory is reused only after a flush.
      const alive = source.blocks.every((b) => view.getUint16(b.block + BLOCK_COUNT, true) === b.records.length / RECORD_SIZE);
      if (!alive || view.getUint32(source.entry + BLOCK_INTERPRETED, true)) {
        counts.late++;
        return;
      }
      for (const { block } of source.blocks) if (block !== source.entry && !this.core.addUser(block, source.entry)) return;
      const slot = this.freeSlots.pop() ?? this.core.table.grow(1);
      this.core.table.set(slot, exports[`r${n}`] as () => void);
      this.core.installRegion(source.entry, slot, region.span);
      this.installed.set(slot, { module: made, entry: source.entry, linear: source.linear, blocks: source.blocks.map(({ block, delta }) => ({ block, delta })) });
      made.slots.push(slot);
      counts.functions++;
      counts.blocks += source.blocks.length;
      counts.promoted += region.promoted;
      counts.plain += region.plain;
      counts.left += region.left;
    });
    this.keep(made);
    counts.modules++;
    counts.bytes += result.bytes.length;
  }
  /** Installed regions that contain the code at a host address, the one that begins with it first. */
  regionsAt(host: number): RegionSource[] {
    const { view } = this;
    const from = (block: number) => view.getUint32(block + BLOCK_HOST, true);
    return [...this.installed.values()]
      .filter(({ blocks }) => blocks.some(({ block }) => host >= from(block) && host < from(block) + view.getUint16(block + BLOCK_LENGTH, true)))
      .sort((a, b) => Number(from(b.entry) === host) - Number(from(a.entry) === host))
      .map(({ entry, linear, blocks }) => this.gathering().gatherAgain(view, entry, linear, blocks));
  }
  /** The guest's code behind a block of a region. */
  codeOf({ host, length }: RegionSource["blocks"][number]): Uint8Array {
    return new Uint8Array(this.memory.buffer, host, length).slice();
  }
  /** The oldest modules go when there are too many regions. */
  private evict(): void {
    while (this.installed.size > MOST_FUNCTIONS) {
      const oldest = this.modules.shift();
      if (!oldest) return;
      for (const slot of this.liveOf(oldest)) {
        this.core.removeRegion((this.installed.get(slot) as Installed).entry);
        this.counts.evicted++;
      }
      this.small = this.small.filter((m) => m !== oldest);
      this.reclaim();
    }
  }
}
