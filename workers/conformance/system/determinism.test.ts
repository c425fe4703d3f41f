// Clock mode "instructions": two runs of the same program end in the same processor state and the same memory, byte for byte, whether the
// code was interpreted or translated (here from its second execution on).

import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { COUNTERS } from "../../cpu/core/layout.ts";
import type { TranslatorStats } from "../../cpu/jit/translator.ts";
import { coreBinary } from "../harness/core-wasm.ts";
import { loadProgram, programBoard } from "./program.ts";

const here = new URL(".", import.meta.url);
const groups = readdirSync(fileURLToPath(here)).filter((n) => existsSync(new URL(`${n}/program.bin.z`, here)));
const core = coreBinary();

async function hashOf(group: string, accel: "interp" | "jit"): Promise<{ hash: string; translated: number; ends: TranslatorStats["ends"] | undefined }> {
  const run = await programBoard(core, loadProgram(new URL(`${group}/program.bin.z`, import.meta.url)), "max", 16, accel);
  // Small slices, the same for both: the translator works between them.
  const end = run.run(50_000_000, 500);
  const { block } = run.cpu.save() as unknown as { block: Uint8Array };
  // Statistics are not state: translated code looks up blocks less often.
  block.fill(0, COUNTERS, COUNTERS + 64);
  const hash = createHash("sha256").update(end).update(String(run.cpu.instructions())).update(String(run.board.clock.now())).update(block).update(run.output());
  const page = new Uint8Array(1 << 16);
  for (let at = 0; at < 16 << 20; at += page.length) {
    run.memory.read(at, page);
    hash.update(page);
  }
  return { hash: hash.digest("hex"), translated: run.cpu.translator?.stats.functions ?? 0, ends: run.cpu.translator?.stats.ends };
}

test.each(["smc", "irq", "long-mode", "tasks", "fast-strings"])("two runs of %s are equal", async (group) => {
  expect((await hashOf(group, "interp")).hash).toBe((await hashOf(group, "interp")).hash);
});
test.each(groups)("%s ends the same interpreted and translated", async (group) => {
  const translated = await hashOf(group, "jit");
  expect(translated.translated).toBeGreaterThan(10);
  expect(translated.hash).toBe((await hashOf(group, "interp")).hash);
});
test("how regions ended is counted by cause; page faults of instructions that often fault end them without an interpreter's help", async () => {
  const { ends } = await hashOf("page-faults", "jit");
  // Of some 3,000 in all: each of eight places is left to the interpreter 64 times.
  expect(ends?.faulted).toBeGreaterThan(500);
  expect(ends?.bailed).toBeGreaterThan(8 * 64);
  expect(ends?.linked).toBeGreaterThan(100);
  expect((await hashOf("smc", "jit")).ends?.faulted).toBe(0);
});
