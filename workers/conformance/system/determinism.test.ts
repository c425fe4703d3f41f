// Clock mode "instructions": two runs of the same program end in the same processor state and the same memory, byte for byte.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { coreWasm } from "../harness/core-wasm.ts";
import { loadProgram, programBoard } from "./program.ts";

async function hashOf(module: WebAssembly.Module, group: string): Promise<string> {
  const run = await programBoard(module, loadProgram(new URL(`${group}/program.bin.z`, import.meta.url)), "max", 16);
  const end = run.run();
  const { block } = run.cpu.save() as unknown as { block: Uint8Array };
  const hash = createHash("sha256").update(end).update(String(run.cpu.instructions())).update(String(run.board.clock.now())).update(block);
  const page = new Uint8Array(1 << 16);
  for (let at = 0; at < 16 << 20; at += page.length) {
    run.memory.read(at, page);
    hash.update(page);
  }
  return hash.digest("hex");
}

test.each(["smc", "irq", "long-mode", "tasks"])("two runs of %s are equal", async (group) => {
  const module = new WebAssembly.Module(coreWasm() as BufferSource);
  expect(await hashOf(module, group)).toBe(await hashOf(module, group));
});
