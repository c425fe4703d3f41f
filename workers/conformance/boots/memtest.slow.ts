// memtest86+ runs all of its tests once without an error: `npm run memtest`, some six minutes (its bit fade test alone waits for minutes). The boots have a
// slice of it (guests.boot.ts).

import { expect, it } from "vitest";
import { guestConfig, Stage } from "./stage.ts";

it("a full pass without an error", async () => {
  const stage = await Stage.open({ ...guestConfig("memtest86+"), memoryMiB: 32 });
  const started = Date.now();
  await stage.node.machine.start();
  const seen = new Set<string>();
  await stage.until(() => {
    const test = /Test #(\d+ +\[[^\]]+\])/.exec(stage.screen())?.[1];
    if (test && !seen.has(test)) {
      seen.add(test);
      console.log(`${Math.round((Date.now() - started) / 1000)} s: test #${test}`);
    }
    return /Pass:\s+[1-9]/.test(stage.screen()) || /Errors:\s+[1-9]/.test(stage.screen());
  }, 3000, "the pass");
  expect(stage.screen()).toMatch(/Status: Pass/);
  expect(stage.screen()).toMatch(/Pass:\s+1\s+Errors:\s+0\s/);
  expect(seen.size).toBeGreaterThanOrEqual(10);
  expect(stage.missing()).toEqual([]);
});
