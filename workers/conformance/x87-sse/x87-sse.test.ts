// Every MMX, SSE and x87 encoding against the states a real processor left (see ../harness). Needs core.wasm (`npm run core`); another
// place can be named in CORE_WASM.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compare, unpackCases } from "../harness/cases.ts";
import { Machine } from "../harness/machine.ts";

const places = [process.env.CORE_WASM ?? "", ...["../../../public/core.wasm", "../../cpu/core/core.wasm"].map((p) => fileURLToPath(new URL(p, import.meta.url)))];
const wasm = places.find((p) => p !== "" && existsSync(p));

test("instruction cases leave the state a real processor leaves", () => {
  if (wasm === undefined) throw new Error("no core.wasm: run `npm run core`");
  const machine = new Machine(readFileSync(wasm));
  const problems: string[] = [];
  let count = 0;
  for (const c of unpackCases(readFileSync(new URL("cases.bin", import.meta.url)))) {
    const r = machine.run(c.mode, c.code, c.before);
    const problem = compare(c, r.vector, r.after);
    if (problem !== "") problems.push(`${c.name} ${Buffer.from(c.code).toString("hex")}: ${problem}`);
    count++;
  }
  expect(count).toBeGreaterThan(8000);
  expect(problems).toEqual([]);
}, 60_000);
