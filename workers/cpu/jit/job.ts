// One module's worth of translation, apart from the processor: regions in, a compiled module out. Runs on the processor's thread (tests, hosts
// without workers) or in jit.worker.

import { type Compiled, compileRegion } from "./compile.ts";
import { CoreCode } from "./core-code.ts";
import { CoreFunctions } from "./core-functions.ts";
import { Ir } from "./ir.ts";
import { buildModule, ImportTable, STATE_PAGES } from "./module.ts";
import type { Answer, Job, JitCompiler, JobResult, MadeRegion, Port, Request } from "./port.ts";
import * as regions from "./region.ts";

export class JobRunner {
  private readonly core: CoreFunctions;
  private readonly ir = new Ir();
  private readonly empty = new WebAssembly.Memory({ initial: STATE_PAGES, maximum: 65536, shared: true });
  private readonly globals = new Map<number, WebAssembly.Global>();
  constructor(core: Uint8Array) {
    this.core = new CoreFunctions(new CoreCode(core));
  }
  /** `ahead`: the functions are compiled here, not where they are called first. */
  run(job: Job, ahead = false): JobResult {
    const started = performance.now();
    const imports = new ImportTable();
    const made: MadeRegion[] = [];
    const functions: Compiled[] = [];
    job.regions.forEach((source, n) => {
      const region = regions.regionOf(source);
      const compiled = compileRegion(this.core, this.ir, imports, region);
      if (!compiled) return;
      const { promoted, plain, left, body } = compiled;
      made.push({ source: n, span: region.span, promoted, plain, left, size: body.length });
      functions.push(compiled);
    });
    const bytes = made.length ? buildModule(this.core.code, functions, imports) : new Uint8Array(0);
    const translated = performance.now();
    const module = made.length ? new WebAssembly.Module(bytes as BufferSource) : null;
    if (ahead && module) this.callOnce(module, made.length, imports);
    return {
      module, bytes, regions: made, functions: [...imports.functions.keys()], globals: [...imports.globals.keys()],
      translateMs: translated - started, compileMs: performance.now() - translated,
    };
  }
  /**
   * Engines compile a function when it is called first, on the thread that calls; the code belongs to the module, which other threads share. Here the
   * functions are called for no record, so that they trap before they do anything.
   */
  private callOnce(module: WebAssembly.Module, regions: number, { functions, globals }: ImportTable): void {
    const core: { [name: string]: WebAssembly.ImportValue } = { memory: this.empty };
    for (const f of functions.keys()) core[`f${f}`] = NOTHING;
    for (const g of globals.keys()) {
      let global = this.globals.get(g);
      if (!global) {
        global = globalOf(this.core.code, g);
        this.globals.set(g, global);
      }
      core[`g${g}`] = global;
    }
    const { exports } = new WebAssembly.Instance(module, { core });
    for (let n = 0; n < regions; n++)
      try {
        (exports[`r${n}`] as () => void)();
        throw new Error("translator: a region ran for no record");
      } catch (error) {
        if (error instanceof WebAssembly.RuntimeError) continue;
        throw error;
      }
  }
}
const NOTHING = () => 0;
const TYPE_NAMES = new Map<number, WebAssembly.ValueType>([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x7b, "v128"],
]);
/** A global like core's, with nothing in it. */
function globalOf(code: CoreCode, g: number): WebAssembly.Global {
  const { type, mutable } = code.globals[g] as { type: number; mutable: boolean };
  const value = TYPE_NAMES.get(type);
  if (!value) throw new Error(`translator: no type for global ${g}`);
  return new WebAssembly.Global({ value, mutable }, value === "i64" ? 0n : value === "v128" ? undefined : 0);
}
const runners = new WeakMap<Uint8Array, JobRunner>();
/** On the calling thread; one parsed core per binary. */
export function inlineCompiler(core: Uint8Array): JitCompiler {
  return {
    apart: false,
    regions: () => regions,
    submit(job, done) {
      let runner = runners.get(core);
      if (!runner) {
        runner = new JobRunner(core);
        runners.set(core, runner);
      }
      done(runner.run(job));
    },
  };
}
/** The worker's side. */
export function serveJobs(port: Port): void {
  let runner: JobRunner | null = null;
  port.listen((message) => {
    const { core, id, job } = message as { core?: Uint8Array } & Partial<Request>;
    if (core) runner = new JobRunner(core);
    else if (id !== undefined && job && runner) {
      try {
        port.post({ id, result: runner.run(job, true) } satisfies Answer);
      } catch (error) {
        port.post({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) } satisfies Answer);
      }
    }
  });
}
