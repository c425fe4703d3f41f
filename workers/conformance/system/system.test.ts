// Bare-metal programs: the lines they print on our board against those of QEMU, or of the manual where it says more (see README.md).

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { coreBinary } from "../harness/core-wasm.ts";
import { surprises } from "../known-failures.ts";
import { parseExpected, runGroup } from "./program.ts";

const here = new URL(".", import.meta.url);
const groups = readdirSync(fileURLToPath(here)).filter((n) => existsSync(new URL(`${n}/expected.txt`, here)));

test.each(groups)("%s", async (group) => {
  const module = coreBinary();
  const { passed, problems } = await runGroup(module, new URL(`${group}/`, here));
  expect(surprises(`system/${group}`, problems.map((p) => `${p.name}: ${p.detail}`))).toEqual([]);
  expect(passed.length).toBeGreaterThan(0);
});

/** Every line says who decided it; what the oracles printed stands beside it. */
test.each(groups)("%s: the judges are named truly", (group) => {
  const lines = (file: string) => new Map(readFileSync(new URL(`${group}/${file}.txt`, here), "utf8").split("\n").map((l) => [l.split(": ")[0] ?? l, l]));
  const [qemu, bochs] = [lines("qemu"), lines("bochs")];
  const wrong = parseExpected(readFileSync(new URL(`${group}/expected.txt`, here), "utf8")).filter(({ name, text, note }) => {
    if (note === "") return qemu.get(name) !== text;
    if (note.startsWith("Bochs: ")) return bochs.get(name) !== text || qemu.get(name) === text;
    return !note.startsWith("SDM") || qemu.get(name) === text || bochs.get(name) === text;
  });
  expect(wrong).toEqual([]);
});
