// npm run mips: million instructions per second of processor time of the interpreter in three integer loops on a bare machine (mips/program.asm).

import { coreBinary } from "./harness/core-wasm.ts";
import { loadProgram, programBoard } from "./system/program.ts";

const module = coreBinary();
const rom = loadProgram(new URL("mips/program.bin.z", import.meta.url));
for (const [n, name] of ["arithmetic in registers", "memory (sieve)", "calls (fib)"].entries()) {
  const { cpu, memory, run } = await programBoard(module, rom);
  memory.write(0x7000, Uint8Array.of(n));
  run(20_000_000);
  const from = cpu.instructions();
  const started = process.cpuUsage();
  run(150_000_000);
  const { user, system } = process.cpuUsage(started);
  const ms = (user + system) / 1000;
  console.log(`${name.padEnd(26)} ${((cpu.instructions() - from) / ms / 1000).toFixed(0).padStart(5)} MIPS`);
}
process.exit(0);
