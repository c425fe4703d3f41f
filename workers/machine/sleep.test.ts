// Short waits block on the doorbell, give the event loop its turn now and then, and stop blocking when the outside world is lively.

import { describe, expect, it } from "vitest";
import { Sleep } from "./sleep.ts";

const word = () => new Int32Array(new SharedArrayBuffer(4));

describe("sleep", () => {
  it("blocks for a short wait and says when the event loop is due", () => {
    let now = 0;
    const sleep = new Sleep(word(), () => now, () => {});
    sleep.entered();
    const began = performance.now();
    expect(sleep.wait(4)).toBe("slept");
    expect(performance.now() - began).toBeGreaterThan(3);
    now = 20;
    expect(sleep.wait(4)).toBe("busy");
    sleep.entered();
    expect(sleep.wait(1)).toBe("slept");
  });
  it("a rung doorbell ends the wait, and the next ones leave the thread free", async () => {
    const bell = word();
    let awake = 0;
    const sleep = new Sleep(bell, () => 5, () => awake++);
    sleep.entered();
    Atomics.store(bell, 0, 1);
    const began = performance.now();
    expect(sleep.wait(8)).toBe("busy");
    expect(performance.now() - began).toBeLessThan(5);
    expect(bell[0]).toBe(0);
    expect(sleep.wait(2)).toBe("later");
    await new Promise((r) => setTimeout(r, 20));
    expect(awake).toBe(1);
  });
  it("without a doorbell, and for long waits, it is the event loop's timer", async () => {
    let awake = 0;
    const sleep = new Sleep(null, () => 0, () => awake++);
    expect(sleep.wait(1)).toBe("later");
    sleep.cancel();
    expect(new Sleep(word(), () => 0, () => awake++).wait(30)).toBe("later");
    await new Promise((r) => setTimeout(r, 60));
    expect(awake).toBe(1);
  });
});
