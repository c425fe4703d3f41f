// A slice of the instruction cases through the translator: the state that translated code leaves is the one a real processor left. The whole corpus:
// npm run conformance -- --translated.

import { expect, test } from "vitest";
import { coreBinary, coreWasm } from "./harness/core-wasm.ts";
import { runCases } from "./harness/suite.ts";
import { loadProgram, programBoard } from "./system/program.ts";

test.each([
  ["integer", 61],
  ["x87-sse", 83],
  ["avx", 97],
] as const)("translated %s instructions leave the state a real processor leaves", (suite, stride) => {
  const { passed, translated, problems } = runCases(coreWasm(), new URL(`${suite}/cases.bin`, import.meta.url), { translated: true, stride });
  expect(problems).toEqual([]);
  expect(passed).toBeGreaterThan(400);
  expect(translated).toBeGreaterThan(passed * 0.95);
}, 120_000);
test("what an idle guest does often is not translated, what it does at work is", async () => {
  const rom = loadProgram(new URL("mips/program.bin.z", import.meta.url));
  const { cpu, memory } = await programBoard(coreBinary(), rom, "max", 64, "jit");
  // INC EAX; HLT; JMP back: from halt to halt, woken by an NMI through an IRET.
  memory.write(0x1000, Uint8Array.of(0x66, 0x40, 0xf4, 0xeb, 0xfb));
  memory.write(0x2000, Uint8Array.of(0xcf));
  memory.write(8, Uint8Array.of(0x00, 0x20, 0, 0));
  const halts = (idle: boolean) => {
    cpu.idle = idle;
    for (let n = 0; n < 50; n++) {
      cpu.nmi();
      expect(cpu.run(1000).reason).toBe("halt");
    }
  };
  cpu.start(0, 0x1000, 0);
  halts(true);
  expect(cpu.translator?.stats.functions).toBe(0);
  halts(false);
  expect(cpu.translator?.stats.functions).toBeGreaterThan(0);
});
