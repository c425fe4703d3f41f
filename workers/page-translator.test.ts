import { expect, test, vi } from "vitest";
import type { Fault } from "../src/contract/schema.ts";
import type { Job, JobResult, Regions } from "./cpu/jit/port.ts";
import { pageTranslator } from "./page-translator.ts";

const regions: Regions = { gatherRegion: () => expect.unreachable(), gatherAgain: () => expect.unreachable() };
const job: Job = { regions: [] };
function translator(load: () => Promise<Regions> = async () => regions) {
  const faults: Fault[] = [];
  const posted: unknown[] = [];
  let starts = 0;
  let failed: (message: string) => void = () => expect.unreachable();
  let answer: (message: unknown) => void = () => expect.unreachable();
  const made = pageTranslator(
    new Uint8Array([1]),
    load,
    (told) => {
      starts++;
      failed = told;
      return { post: (message) => void posted.push(message), listen: (listener) => (answer = listener) };
    },
    (fault) => void faults.push(fault),
  );
  return { made, faults, posted, starts: () => starts, fail: (message: string) => failed(message), answer: (message: unknown) => answer(message) };
}

test("its parts are asked for when there is something to translate", async () => {
  const load = vi.fn(async () => regions);
  const t = translator(load);
  expect([load.mock.calls.length, t.starts()]).toEqual([0, 0]);
  expect(t.made.regions()).toBe(null);
  await vi.waitFor(() => expect(t.made.regions()).toBe(regions));
  const done: JobResult[] = [];
  t.made.submit(job, (result) => done.push(result));
  t.made.submit(job, (result) => done.push(result));
  expect([load.mock.calls.length, t.starts(), t.posted.length]).toEqual([1, 1, 3]);
  t.answer({ id: 1, result: "second" });
  expect(done).toEqual(["second"]);
  expect(t.faults).toEqual([]);
});
test("what gathers regions does not come: said once, nothing is gathered", async () => {
  const t = translator(() => Promise.reject(new TypeError("Failed to fetch")));
  t.made.regions();
  await vi.waitFor(() => expect(t.faults).toMatchObject([{ code: "program.part", message: expect.stringContaining("Failed to fetch") }]));
  expect(t.made.regions()).toBe(null);
});
test("jit.worker does not come: said once, nothing is gathered any more", async () => {
  const t = translator();
  t.made.regions();
  await vi.waitFor(() => expect(t.made.regions()).toBe(regions));
  t.made.submit(job, () => expect.unreachable());
  t.fail("");
  t.fail("");
  expect(t.faults).toMatchObject([{ code: "program.part" }]);
  expect(t.made.regions()).toBe(null);
});
test("a bug of jit.worker is not swallowed", () => {
  const t = translator();
  t.made.submit(job, () => expect.unreachable());
  expect(() => t.fail("RangeError: x")).toThrow("translator: RangeError: x");
  expect(() => t.answer({ id: 0, error: "no such region" })).toThrow("translator: no such region");
  expect(t.faults).toEqual([]);
});
