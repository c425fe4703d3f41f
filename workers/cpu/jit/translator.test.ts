// In which order hot blocks go to the compiler. The rest of the translator is tested with the real core (conformance/).

import { expect, test } from "vitest";
import { ARENA_BASE, BLOCK_COUNT, BLOCK_HITS, BLOCK_HOST, BLOCK_MODE, JIT_FREED, JIT_QUEUE, JIT_QUEUE_LINEAR } from "../core/layout.ts";
import { I32, section, text, vector } from "./emit.ts";
import * as regions from "./region.ts";
import type { Job, JobResult } from "./port.ts";
import { Translator } from "./translator.ts";

const EMPTY: JobResult = { module: null, bytes: new Uint8Array(0), regions: [], functions: [], globals: [], translateMs: 0, compileMs: 0 };

/** As jit.worker answers: a function that does nothing for each region. */
function made({ regions }: Job): JobResult {
  const bytes = Uint8Array.from([
    0, 97, 115, 109, 1, 0, 0, 0,
    ...section(1, vector([[0x60, 1, I32, 0]])), ...section(3, vector(regions.map(() => [0]))),
    ...section(7, vector(regions.map((_, n) => [...text(`r${n}`), 0, n]))), ...section(10, vector(regions.map(() => [2, 0, 0x0b]))),
  ]);
  return { ...EMPTY, module: new WebAssembly.Module(bytes), bytes, regions: regions.map((_, source) => ({ source, span: 1, promoted: 1, plain: 0, left: 0, size: 2 })) };
}

function stage(apart = true) {
  const memory = new WebAssembly.Memory({ initial: 4096, maximum: 65536, shared: true });
  const view = new DataView(memory.buffer);
  const submitted: { job: Job; done: (result: JobResult) => void }[] = [];
  const core = { flushes: { value: 0 }, table: new WebAssembly.Table({ initial: 1, element: "anyfunc" }), addUser: () => 1, installRegion: () => {}, removeRegion: () => {} };
  const translator = new Translator({ apart, regions: () => regions, submit: (job, done) => void submitted.push({ job, done }) }, memory, core as unknown as WebAssembly.Exports, 100, 4);
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
  const takeAway = (slot: number) => {
    view.setUint32(JIT_FREED, 1, true);
    view.setUint32(JIT_FREED + 4, slot, true);
  };
  return { translator, submitted, heat, entries, table: core.table, takeAway };
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

test("the regions of sixteen small modules get a module together, in their places of the table; what is taken away meanwhile stays away", () => {
  const { translator, submitted, heat, entries, table, takeAway } = stage();
  for (let n = 1; n <= 16; n++) {
    heat(n, 100);
    translator.drain();
    submitted[n - 1]?.done(made(submitted[n - 1]?.job as Job));
  }
  const before = Array.from({ length: 16 }, (_, n) => table.get(n + 1));
  translator.drain();
  expect(entries(16)).toEqual(Array.from({ length: 16 }, (_, n) => n + 1));
  takeAway(5);
  submitted[16]?.done(made(submitted[16]?.job as Job));
  for (let n = 1; n <= 16; n++)
    if (n === 5) expect(table.get(n)).toBeNull();
    else {
      expect(typeof table.get(n)).toBe("function");
      expect(table.get(n)).not.toBe(before[n - 1]);
    }
  expect(translator.stats).toMatchObject({ modules: 16, functions: 16, live: 15, merged: 1, inFlight: 0, invalidated: 1 });
  // Fifteen regions are few: with fifteen more modules they are merged again.
  translator.drain();
  expect(submitted).toHaveLength(17);
});

test("on the processor's own thread nothing is merged", () => {
  const { translator, submitted, heat } = stage(false);
  for (let n = 1; n <= 20; n++) {
    heat(n, 100);
    translator.drain();
    submitted[n - 1]?.done(made(submitted[n - 1]?.job as Job));
  }
  translator.drain();
  expect(submitted).toHaveLength(20);
});
