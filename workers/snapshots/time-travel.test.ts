// Going back: random moments have the states they had, interpreted and translated, with interrupts, halts, inputs and disks; steps and runs back; a recording
// that another machine plays. A slice of steps here; `npm run history` goes back ten thousand times.

import { describe, expect, test } from "vitest";
import { type SectorMachine, sectorMachine } from "../debugging.node.ts";
import { countingProgram as program, poolOf, recordedCounting, StateHash, walkBack } from "./random-steps.node.ts";

const more = { serial: ["console"] };
const word = (made: SectorMachine, at: number) => {
  const bytes = new Uint8Array(4);
  made.board.memory.read(at, bytes);
  return new DataView(bytes.buffer).getUint32(0, true);
};

describe.each(["interp", "jit"] as const)("%s", (accel) => {
  test("60 random steps back", async () => {
    const made = await recordedCounting(accel, 300_000);
    expect(word(made, 0x504)).toBe(15);
    expect(word(made, 0x508)).toBeGreaterThan(5);
    const seen: number[] = [];
    const walk = walkBack(made, 0, { steps: 60, moments: 40, seed: 7, wholeEvery: 5, progress: ({ steps }) => void seen.push(steps) });
    expect(walk).toMatchObject({ steps: 60 });
    expect(walk.returns).toBeGreaterThan(0);
    expect(walk.whole).toBeGreaterThan(10);
    expect(walk.back).toBeGreaterThan(300_000);
    expect(seen).toHaveLength(60);
  }, 120_000);
  test("a difference is found, where it is, also in a page that nobody noted as written", async () => {
    const made = await recordedCounting(accel, 60_000);
    const hash = new StateHash(made);
    const before = hash.of(true);
    expect(hash.of()).toBe(before);
    const page = poolOf(made).frame(0x300);
    page[5] = 1;
    expect(() => hash.of(true)).toThrow("page 768 changed, but was not noted as written");
    page[5] = 0;
    made.board.memory.write(0x300005, new Uint8Array([1]));
    expect(hash.of()).not.toBe(before);
    made.board.memory.write(0x300005, new Uint8Array([0]));
    expect(hash.of(true)).toBe(before);
    // Behind history's back: the next visit sees other bytes.
    expect(() => walkBack(made, 0, { steps: 200, moments: 20, seed: 3, wholeEvery: 1000, progress: ({ steps }) => void (steps === 3 && poolOf(made).putFrame(0x300, new Uint8Array(4096).fill(7))) })).toThrow(/another state/);
  });
  test("a run that was never recorded ends in the same state", async () => {
    const made = await sectorMachine(program, more, accel);
    await made.machine.start({ paused: true });
    made.machine.advance(70_000);
    made.serial.feed([0x41]);
    made.machine.advance(100_000);
    const other = await sectorMachine(program, more, accel, 20_000);
    await other.machine.start({ paused: true });
    await other.type("record");
    other.machine.advance(70_000);
    other.serial.feed([0x41]);
    other.machine.advance(90_000);
    await other.type("goto 100");
    await other.type("goto 100000");
    expect(new StateHash(other).of()).toBe(new StateHash(made).of());
  });
  test("steps back, runs back to breakpoints, and stops at the beginning", async () => {
    const made = await recordedCounting(accel, 100_000);
    const trail: [number, bigint][] = [];
    for (let n = 0; n < 20; n++) {
      trail.push([made.cpu.instructions(), made.cpu.linearIp()]);
      made.machine.advance(made.cpu.instructions() + 1);
    }
    for (const [at, ip] of trail.reverse()) {
      await made.type("reverse-stepi");
      expect([made.cpu.instructions(), made.cpu.linearIp()]).toEqual([at, ip]);
    }
    // The handler: its second instruction, each time it ran.
    const tick = word(made, 0x20) & 0xffff;
    const ticks = word(made, 0x508);
    await made.type(`break ${tick}`);
    for (let n = 1; n <= 5; n++) {
      expect(await made.type("reverse-continue")).toContain("about to execute");
      expect([made.cpu.linearIp(), word(made, 0x508)]).toEqual([BigInt(tick), ticks - n]);
    }
    await made.type("delete");
    await made.type("watch phys 0x600 /1 if p8[0x600] != 0");
    expect(await made.type("reverse-continue")).toContain("wrote 1 watched bytes at 0x600");
    expect(word(made, 0x600)).toBe(0x41);
    await made.type("delete");
    expect(await made.type("reverse-continue")).toContain("the beginning of what is known");
    expect(made.cpu.instructions()).toBe(0);
    expect(await made.type("reverse-stepi 5")).toContain("the beginning of what is known");
  });
  test("who is spoken to in the past takes another way; who changes it begins anew", async () => {
    const made = await recordedCounting(accel, 100_000);
    await made.type("goto 40000");
    const had = word(made, 0x504);
    made.serial.feed([0x7a]);
    made.machine.advance(100_000);
    expect(word(made, 0x504)).toBe(had + 1);
    expect(made.history?.info().to).toBe(100_000);
    await made.type("poke 0x508 32 0");
    expect(await made.type("goto 100")).toContain("the beginning of what is known");
    expect(made.cpu.instructions()).toBe(100_000);
  });
});

test("a million instructions back in less than a second", async () => {
  // inc dword [500h]; add eax, ebx; jmp back
  const loop = new Uint8Array(512);
  loop.set([0x66, 0xff, 0x06, 0x00, 0x05, 0x66, 0x01, 0xd8, 0xeb, 0xf6]);
  loop.set([0x55, 0xaa], 510);
  const made = await sectorMachine(loop, more, "jit", 10_000_000);
  await made.machine.start({ paused: true });
  await made.type("record");
  made.machine.advance(25_000_000);
  const began = performance.now();
  made.history?.stepBack(1_000_000);
  const took = performance.now() - began;
  expect(made.cpu.instructions()).toBe(24_000_000);
  // Generous: the machine that tests may be busy.
  expect(took).toBeLessThan(3000);
  console.log(`1,000,000 instructions back: ${took.toFixed(0)} ms`);
});
test("a recording is played by another machine; inputs are part of it", async () => {
  const made = await recordedCounting("jit", 120_000);
  const end = new StateHash(made).of();
  let file: Uint8Array | undefined;
  const { createMonitor } = await import("../monitor/index.ts");
  const saving = createMonitor({ ...made, version: "t", ...(made.history ? { history: made.history } : {}), saveFile: (_, bytes) => { file = bytes; } });
  expect((await saving.type("record_save x")).ok).toBe(true);
  expect(new StateHash(made).of()).toBe(end);
  const other = await sectorMachine(program, more, "interp", 70_000);
  const playing = createMonitor({ ...other, version: "t", ...(other.history ? { history: other.history } : {}), readFile: () => file as Uint8Array });
  expect(await playing.type("replay x")).toMatchObject({ ok: true, value: "The recording ends at instruction 120000." });
  other.machine.resume();
  await other.machine.stopped();
  expect(other.debug.stop).toMatchObject({ reason: "end", instructions: 120_000 });
  expect(new StateHash(other).of()).toBe(end);
  const broken = (file as Uint8Array).slice(0, 100);
  const refusing = createMonitor({ ...other, version: "t", ...(other.history ? { history: other.history } : {}), readFile: () => broken });
  expect(await refusing.type("replay x")).toMatchObject({ ok: false, error: { code: "recording.bad" } });
});
test("a machine that follows the host's clock says why it cannot", async () => {
  const made = await sectorMachine("irq", { clock: { mode: "wall" } });
  expect(await made.type("record")).toBe("Only a machine whose time is instructions can go back.");
});
