// In which order hot blocks go to the compiler. The rest of the translator is tested with the real core (conformance/).

import { expect, test } from "vitest";
import { ARENA_BASE, BLOCK_COUNT, BLOCK_HITS, BLOCK_HOST, BLOCK_MODE, JIT_QUEUE, JIT_QUEUE_LINEAR } from "../core/layout.ts";
import type { Job, JobResult } from "./job.ts";
import { Translator } from "./translator.ts";

const EMPTY: JobResult = { module: null, bytes: new Uint8Array(0), regions: [], functions: [], globals: [], translateMs: 0, compileMs: 0 };

function stage() {
  const memory = new WebAssembly.Memory({ initial: 4096, maximum: 65536, shared: true });
  const view = new DataView(memory.buffer);
  const submitted: { job: Job; done: (result: JobResult) => void }[] = [];
  const core = { flushes: { value: 0 }, table: new WebAssembly.Table({ initial: 1, element: "anyfunc" }), addUser: () => 1, installRegion: () => {}, removeRegion: () => {} };
  const translator = new Translator({ submit: (job, done) => void submitted.push({ job, done }) }, memory, core as unknown as WebAssembly.Exports, 100, 4);
  const blockAt = (n: number) => ARENA_BASE + n * 4096;
  /** Block n became hot and has run so often since. */
  const heat = (n: number, hits: number) => {
    const block = blockAt(n);
    view.setUint16(block + BLOCK_COUNT, 1, true);
    view.setUint16(block + BLOCK_MODE, 2, true);
    view.setUint32(block + BLOCK_HOST, 0x40000000 + n * 4096, true);
    view.setUint32(block + BLOCK_HITS, hits, true);
    const queued = view.getUint32(JIT_QUEUE, true);
    view.setUint32(JIT_QUEUE + 4 + queued * 4, block, true);
    view.setBigUint64(JIT_QUEUE_LINEAR + queued * 8, BigInt(n) * 4096n, true);
    view.setUint32(JIT_QUEUE, queued + 1, true);
  };
  const entries = (n: number) => submitted[n]?.job.regions.map((r) => (r.entry - ARENA_BASE) / 4096);
  return { translator, submitted, heat, entries };
}

test("what runs most goes first, what came later may overtake, and nothing is forgotten", () => {
  const { translator, submitted, heat, entries } = stage();
  for (let n = 1; n <= 30; n++) heat(n, 100 + n);
  translator.drain();
  expect(entries(0)).toEqual([30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19]);
  heat(31, 5000);
  translator.drain();
  expect(entries(1)?.slice(0, 3)).toEqual([31, 18, 17]);
  // Two are under way: the rest waits.
  translator.drain();
  expect(submitted).toHaveLength(2);
  submitted[0]?.done(EMPTY);
  translator.drain();
  submitted[1]?.done(EMPTY);
  submitted[2]?.done(EMPTY);
  translator.drain();
  expect(submitted.flatMap((_, n) => entries(n) ?? []).sort((a, b) => a - b)).toEqual(Array.from({ length: 31 }, (_, n) => n + 1));
});

test("a few hot blocks wait while a module is under way, and go at once when none is", () => {
  const { translator, submitted, heat, entries } = stage();
  heat(1, 100);
  translator.drain();
  expect(entries(0)).toEqual([1]);
  heat(2, 100);
  translator.drain();
  expect(submitted).toHaveLength(1);
  submitted[0]?.done(EMPTY);
  translator.drain();
  expect(entries(1)).toEqual([2]);
});

test("an idle guest's blocks are not translated, and count anew", () => {
  const { translator, submitted, heat } = stage();
  heat(1, 100);
  translator.drain(true);
  translator.drain();
  expect(submitted).toHaveLength(0);
});
