// Fused handlers (isa/fuse.ts): a run that stops after every instruction, where no pair is executed by one handler, ends in the same state as
// runs of any length; a store into the pair's second instruction and a fault of it are seen.

import { expect, test } from "vitest";
import { ARENA_BASE, BLOCK_HEADER_SIZE, COUNTERS, FUSE_ALONE, FUSE_FUNCTIONS } from "../../cpu/core/layout.ts";
import { coreBinary } from "../harness/core-wasm.ts";
import { loadProgram, programBoard } from "./program.ts";

const core = coreBinary();
const mips = loadProgram(new URL("../mips/program.bin.z", import.meta.url));

/** Was the first block decoded with a fused handler in its first record? */
function startsFused(buffer: ArrayBufferLike): boolean {
  const view = new DataView(buffer);
  const handler = view.getUint32(ARENA_BASE + BLOCK_HEADER_SIZE, true);
  return handler < FUSE_FUNCTIONS && view.getUint16(FUSE_ALONE + 2 * handler, true) !== 0;
}
async function stateAfter(rom: Uint8Array, loop: number, instructions: number, slice: number): Promise<string> {
  const { cpu, memory, run } = await programBoard(core, rom, "max", 16);
  memory.write(0x7000, Uint8Array.of(loop));
  run(instructions, slice);
  const { block } = cpu.save() as unknown as { block: Uint8Array };
  block.fill(0, COUNTERS, COUNTERS + 64);
  return Buffer.from(block).toString("base64");
}
test.each([0, 1, 2])("integer loop %i: the same state after runs of 1, 2, 3, 7 and many instructions", async (loop) => {
  const one = await stateAfter(mips, loop, 70_001, 1);
  for (const slice of [2, 3, 7, 100_000]) expect(await stateAfter(mips, loop, 70_001, slice), `${slice} at a time`).toBe(one);
});
/** Executes real-mode code at 0:1000. */
async function real(code: readonly number[], prepare: (write: (at: number, bytes: readonly number[]) => void) => void = () => {}) {
  const { cpu, memory } = await programBoard(core, mips, "max", 16);
  memory.write(0x1000, Uint8Array.from(code));
  prepare((at, bytes) => memory.write(at, Uint8Array.from(bytes)));
  cpu.start(0, 0x1000, 0);
  const exit = cpu.run(100);
  return { cpu, exit, register: (n: number) => Number((cpu.save() as unknown as { block: Uint8Array }).block.reduceRight((v, b, i) => (i >= 8 * n && i < 8 * n + 4 ? v * 256 + b : v), 0)), memory };
}
test("a store into the second instruction of a pair is seen", async () => {
  // mov byte [1008], 9; add eax, 1 (whose 1 becomes 9); hlt
  const { exit, register, memory } = await real([0xc6, 0x06, 0x08, 0x10, 9, 0x66, 0x83, 0xc0, 1, 0xf4]);
  expect(exit.reason).toBe("halt");
  expect(register(0)).toBe(9);
  expect(startsFused(memory.memory.buffer), "decoded as a pair").toBe(true);
});
test("a fault of the second instruction of a pair has that one's address, and the first is done", async () => {
  // mov eax, [1000]; mov ebx, [ffff]: past the segment's limit
  const code = [0x66, 0x8b, 0x06, 0x00, 0x10, 0x66, 0x8b, 0x1e, 0xff, 0xff, 0xf4];
  const { exit, register, memory } = await real(code, (write) => {
    write(4 * 13, [0x00, 0x20, 0, 0]); // vector 13: 0:2000
    write(0x2000, [0xf4]);
  });
  expect(exit.reason).toBe("halt");
  expect(startsFused(memory.memory.buffer), "decoded as a pair").toBe(true);
  expect(register(0)).toBe(0x068b66 + 0);
  expect(register(3)).toBe(0);
  const frame = new Uint8Array(2);
  memory.read((0x7c00 - 6) & 0xffff, frame);
  expect((frame[0] as number) | ((frame[1] as number) << 8)).toBe(0x1005);
});
