// Which exceptions belong to a shutdown, and that a guest which raises many is left alone until it does not any more.

import { expect, test } from "vitest";
import { LastExceptions } from "./last-exceptions.ts";

const raised = (vector: number, instructions: number, address = 0x10000) => ({ vector, code: null, touched: null, address, instructions });
test("the chain is what the last instruction raised", () => {
  const last = new LastExceptions(() => {});
  expect(last.take()).toEqual([]);
  for (const e of [raised(14, 5), raised(6, 9, 0x20000), raised(13, 9), raised(8, 9)]) last.add(e);
  expect(last.take()?.map((e) => e.vector)).toEqual([13, 8]);
  expect(last.take()).toEqual([]);
});
test("exceptions that come too fast are not listened to; nothing is claimed of them", () => {
  const heard: boolean[] = [];
  const last = new LastExceptions((on) => heard.push(on));
  last.add(raised(14, 1_000_000));
  last.look(1_000_000, 1900);
  expect(heard).toEqual([true]);
  last.look(2_000_000, 5000);
  expect(heard).toEqual([true, false]);
  expect(last.take()).toBeNull();
  // One in fifty thousand instructions is slow enough: after as many as were too many, they are heard again.
  last.look(2_000_000 + 1500 * 50_000, 5000);
  expect(heard).toEqual([true, false]);
  last.look(2_000_000 + 4500 * 50_000, 5000);
  expect(heard).toEqual([true, false, true]);
  last.add(raised(6, 9e9));
  expect(last.take()).toHaveLength(1);
});
