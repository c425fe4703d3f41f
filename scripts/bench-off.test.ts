// The interval of bench-off.ts: what is known goes in, what has to be told comes out.

import { expect, test } from "vitest";
import { random } from "../workers/snapshots/random-steps.node.ts";
import { interval, offResult } from "./bench-off.ts";

/** `runs` processes whose machines differ by themselves (up to `bias`), with noisy pieces around `speed`. */
function runs(speed: number, bias: number, noise: number) {
  const next = random(5);
  return Array.from({ length: 6 }, () => {
    const own = speed * (1 + bias * (next() - 0.5));
    return Array.from({ length: 100 }, () => own * (1 + noise * (next() - 0.5)));
  });
}
test("a difference that is there lies in an interval without 1, however noisy pieces are", () => {
  const { median, low, high } = interval(runs(0.97, 0.01, 0.4));
  expect(high).toBeLessThan(1);
  expect(low).toBeLessThanOrEqual(0.97);
  expect(high).toBeGreaterThanOrEqual(0.97);
  expect(Math.abs(median - 0.97)).toBeLessThan(0.02);
});
test("machines that differ by themselves widen it: pieces of one process are not independent", () => {
  const width = (list: number[][]) => interval(list).high - interval(list).low;
  expect(width(runs(1, 0.2, 0.02))).toBeGreaterThan(5 * width(runs(1, 0, 0.02)));
});
test("the bus is held against both machines without it, the control is one of them against the other", () => {
  const { off, control } = offResult([{ pieces: [[2, 8, 5], [2, 8, 5]] }]);
  expect(off).toEqual({ median: 0.8, low: 0.8, high: 0.8 });
  expect(control).toEqual({ median: 0.25, low: 0.25, high: 0.25 });
});
