// Between the processor's thread and whoever translates (job.ts): what they send each other, and the sender's side. Nothing here reads the instruction
// table: a machine starts before anything is translated.

import type { gatherAgain, gatherRegion, RegionSource } from "./region.ts";

export interface Regions {
  readonly gatherRegion: typeof gatherRegion;
  readonly gatherAgain: typeof gatherAgain;
}
export interface Job {
  readonly regions: readonly RegionSource[];
}
export interface MadeRegion {
  /** Index in the job. */
  readonly source: number;
  readonly span: number;
  readonly promoted: number;
  readonly plain: number;
  readonly left: number;
  /** Bytes of its function. */
  readonly size: number;
}
export interface JobResult {
  /** Function r<n> belongs to regions[n]. Null: nothing could be translated. */
  readonly module: WebAssembly.Module | null;
  readonly bytes: Uint8Array;
  readonly regions: readonly MadeRegion[];
  /** Core's functions and globals that the module imports. */
  readonly functions: readonly number[];
  readonly globals: readonly number[];
  readonly translateMs: number;
  readonly compileMs: number;
}
/** Who carries jobs out: calls `done` at once or later. */
export interface JitCompiler {
  /** What gathers regions (region.ts, with the instruction table behind it); null: it is not here yet, ask again. */
  regions(): Regions | null;
  /** It works beside the processor's thread, so that larger jobs hold nothing up. */
  readonly apart: boolean;
  submit(job: Job, done: (result: JobResult) => void): void;
}

/** What a message port of either kind can do. */
export interface Port {
  post(message: unknown): void;
  listen(listener: (message: unknown) => void): void;
}
export interface Request {
  readonly id: number;
  readonly job: Job;
}
export interface Answer {
  readonly id: number;
  readonly result?: JobResult;
  readonly error?: string;
}
/** The page's or Node's side of jit.worker. `fail` is called when the worker has a bug: nothing is swallowed. */
export function workerCompiler(core: Uint8Array, port: Port, fail: (reason: string) => void): Pick<JitCompiler, "submit"> {
  let next = 0;
  const waiting = new Map<number, (result: JobResult) => void>();
  port.listen((message) => {
    const { id, result, error } = message as Answer;
    const done = waiting.get(id);
    waiting.delete(id);
    if (result) done?.(result);
    else fail(error ?? "jit.worker gave no result");
  });
  port.post({ core });
  return {
    submit(job, done) {
      const id = next++;
      waiting.set(id, done);
      port.post({ id, job } satisfies Request);
    },
  };
}
