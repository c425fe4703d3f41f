// The transcendental instructions are as exact as the manual promises, and better (transcendentals.ts).

import { expect, test } from "vitest";
import { coreWasm } from "../harness/core-wasm.ts";
import { worstErrors } from "./transcendentals.ts";

test("transcendental instructions are within a unit of the last place", () => {
  const worst = worstErrors(coreWasm());
  expect(worst.size).toBe(7);
  for (const [op, thousandths] of worst) expect(thousandths, op).toBeLessThan(600);
}, 60_000);
