// Work that is cut into tasks: something else has its turn between any two of them, and what did not begin can be called off.

import { expect, test } from "vitest";
import { breathe } from "../contract/breathe.ts";
import { inTasks, whenIdle } from "./tasks.ts";

test.each([["inTasks", inTasks], ["whenIdle", whenIdle]] as const)("%s: each in a task of its own, in order, until called off", async (_, cut) => {
  const seen: string[] = [];
  // Microtasks of a job are done before the next job begins; a message of somebody else comes between.
  const job = (name: string) => () => {
    seen.push(name);
    void Promise.resolve().then(() => seen.push(`${name}'`));
  };
  cut(job("a"), job("b"));
  expect(seen).toEqual([]);
  while (seen.length < 4) await breathe();
  expect(seen).toEqual(["a", "a'", "b", "b'"]);
  seen.length = 0;
  const cancel = cut(job("c"), () => cancel(), job("d"));
  for (const end = Date.now() + 1000; Date.now() < end; ) await breathe();
  expect(seen).toEqual(["c", "c'"]);
});
