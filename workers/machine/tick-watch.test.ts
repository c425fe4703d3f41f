// A steady one-shot tick may be late; anything else (another deadline, work, news from outside, a strict timer) is on time.

import { describe, expect, it } from "vitest";
import { TimerQueue } from "../platform/timer-queue.ts";
import { TickWatch } from "./tick-watch.ts";

const MS = 1e6;
/** Ticks of `period` until the watch lets one be late; the last due time and instruction count. */
function settled(period: number, mostLateMs?: number): { watch: TickWatch; due: number; count: number } {
  const watch = new TickWatch(mostLateMs);
  let due = 0;
  let count = 0;
  for (let n = 0; n < 40; n++) {
    due += period + (n % 2 ? 20_000 : -20_000);
    count += 3200;
    watch.until(due, Infinity, count);
  }
  return { watch, due, count };
}

describe("tick watch", () => {
  it("lets a steady tick be late by at most 20 ms, never beyond a strict timer", () => {
    const { watch, due, count } = settled(4 * MS);
    expect(watch.until(due + 12 * MS, Infinity, count + 3200)).toBe(due + 32 * MS);
    expect(watch.until(due + 12 * MS, due + 15 * MS, count + 3200)).toBe(due + 15 * MS);
    expect(watch.until(due + 12 * MS, due + 11 * MS, count + 3200)).toBe(due + 12 * MS);
  });
  it("lets it be as late as it is told", () => {
    const { watch, due, count } = settled(4 * MS, 34);
    expect(watch.until(due + 12 * MS, Infinity, count + 3200)).toBe(due + 46 * MS);
  });
  it("is on time at first, after news from outside and after a deadline off the grid", () => {
    const fresh = new TickWatch();
    for (let n = 1; n < 10; n++) expect(fresh.until(n * 4 * MS, Infinity, n * 3200)).toBe(n * 4 * MS);
    const { watch, due, count } = settled(4 * MS);
    watch.disturbed();
    expect(watch.until(due + 4 * MS, Infinity, count + 3200)).toBe(due + 4 * MS);
    const other = settled(4 * MS);
    expect(other.watch.until(other.due + 5 * MS, Infinity, other.count + 3200)).toBe(other.due + 5 * MS);
    expect(other.watch.until(other.due + 8 * MS, Infinity, other.count + 6400)).toBe(other.due + 8 * MS);
  });
  it("one busy wake is forgiven, a guest that works is on time", () => {
    const { watch, due, count } = settled(4 * MS);
    expect(watch.until(due + 4 * MS, Infinity, count + 20_000)).toBe(due + 24 * MS);
    watch.until(due + 8 * MS, Infinity, count + 40_000);
    expect(watch.until(due + 12 * MS, Infinity, count + 60_000)).toBe(due + 12 * MS);
    expect(watch.until(due + 16 * MS, Infinity, count + 80_000)).toBe(due + 16 * MS);
  });
  it("distances beyond a tick's are left alone: nothing to save", () => {
    const { watch, due, count } = settled(50 * MS);
    expect(watch.until(due + 50 * MS, Infinity, count + 3200)).toBe(due + 50 * MS);
  });
});

describe("lenient timers", () => {
  it("do not count among those that must not be late", () => {
    const queue = new TimerQueue(() => 0);
    const tick = queue.timer(() => {});
    tick.arm(5, true);
    expect([queue.next(), queue.nextStrict()]).toEqual([5, Infinity]);
    queue.timer(() => {}).arm(9);
    expect([queue.next(), queue.nextStrict()]).toEqual([5, 9]);
    tick.arm(5);
    expect(queue.nextStrict()).toBe(5);
  });
});
