// RDTSC between the core's looks at the host's clock (core/time.ts): a loop that stores what it reads, in real mode.

import { expect, test } from "vitest";
import type { CpuHost } from "../../cpu/cpu.ts";
import { createMemory, PoolMemory } from "../../cpu/guest-memory.ts";
import { WasmCpu } from "../../cpu/wasm-cpu.ts";
import { coreBinary } from "../harness/core-wasm.ts";

const RUN = 20_000;
/** What the guest read, one of every four instructions from the second on; and how often the clock was asked. */
function readings(time: CpuHost["time"], clock: (instructions: number) => number, runs: readonly number[]): { seen: number[]; asked: number } {
  const memory = new PoolMemory(createMemory());
  memory.addRam(0, 1 << 20);
  memory.addRam(0xffff0000, 0x10000);
  memory.write(0xfffffff0, Uint8Array.of(0xea, 0, 0x7c, 0, 0)); // jmp 0:0x7c00
  // rdtsc; mov [di], eax; add di, 4; jmp back
  memory.write(0x7c00, Uint8Array.of(0x0f, 0x31, 0x66, 0x89, 0x05, 0x83, 0xc7, 4, 0xeb, 0xf6));
  let asked = 0;
  const host = {
    nowNs: () => {
      asked++;
      return clock(cpu.instructions());
    },
    readTpr: () => 0, missing: () => {}, apicMsrRead: () => null, apicMsrWrite: () => false, pioRead: () => 0xff, pioWrite: () => {}, mmioRead: () => 0xff, mmioWrite: () => {}, acknowledge: () => 0, writeTpr: () => {}, ferr: () => {},
    ...(time === undefined ? {} : { time }),
  } satisfies CpuHost;
  const cpu: WasmCpu = new WasmCpu({ core: coreBinary(), memory, host, model: "max", accel: "interp" });
  for (const budget of runs) cpu.run(budget);
  const bytes = new Uint8Array(RUN);
  memory.read(0, bytes);
  const view = new DataView(bytes.buffer);
  return { seen: Array.from({ length: RUN / 4 - 1 }, (_, n) => view.getUint32(n * 4, true)), asked };
}

test("time is instructions: exact to the instruction, asked once a run", () => {
  const { seen, asked } = readings(3, (n) => 1_000_000 + n * 8, [7001, RUN - 7001]);
  expect(seen).toEqual(seen.map((_, n) => 1_000_000 + (1 + 4 * n) * 8));
  expect(asked).toBe(2);
});
test("the host's time: never back, never far from it, seldom asked", () => {
  // 2.5 ns for each instruction, on a clock that shows steps of 5 microseconds.
  const clock = (n: number) => 1_000_000 + Math.floor((n * 2.5) / 5000) * 5000;
  const { seen, asked } = readings("host", clock, [RUN]);
  seen.forEach((t, n) => {
    expect(t).toBeGreaterThanOrEqual(seen[n - 1] ?? 0);
    expect(Math.abs(t - clock(1 + 4 * n))).toBeLessThan(4096 * 2.5 + 5000);
  });
  expect(new Set(seen).size).toBeGreaterThan(1000);
  expect(asked).toBeLessThanOrEqual(Math.ceil(RUN / 4096) + 1);
});
test("left out: it is asked each time", () => {
  const { seen, asked } = readings(undefined, (n) => n, [RUN]);
  expect(asked).toBe(RUN / 4);
  expect(seen).toEqual(seen.map((_, n) => 1 + 4 * n));
});
