import { describe, expect, it } from "vitest";
import { buildBoard } from "./board.ts";
import { fakeBackends, FakeCpu, FakeMemory, testConfig, testFirmware } from "./fakes.ts";
import { Machine } from "./machine.ts";

function build(more: { readonly [k: string]: unknown } = {}, hostNowMs?: () => number) {
  let cpu: FakeCpu | null = null;
  const backends = fakeBackends();
  const board = buildBoard(testConfig(more), {
    cpuFactory: (host) => {
      cpu = new FakeCpu(host);
      return cpu;
    },
    memory: new FakeMemory(),
    backends: backends.source,
    firmware: testFirmware,
    ...(hostNowMs ? { hostNowMs } : {}),
  });
  return { board, machine: new Machine(board), cpu: cpu as unknown as FakeCpu, backends };
}
const wall = { clock: { mode: "wall" } };

describe("machine", () => {
  it("runs until the guest leaves through isa-debug-exit", async () => {
    const { machine, cpu } = build({ devices: [{ type: "isa-debug-exit", options: { iobase: 0xf4, iosize: 4 } }] });
    cpu.script = (_, c) => {
      c.host.pioWrite(0xf4, 4, 3);
      return { ran: 10, exit: { reason: "budget" } };
    };
    expect(await machine.run()).toEqual({ state: "off", reason: "exit", exitStatus: 7 });
  });
  it("resets on a triple fault, or stops with noReboot", async () => {
    const { machine, cpu } = build({ noReboot: true });
    cpu.script = () => ({ ran: 1, exit: { reason: "shutdown" } });
    expect((await machine.run()).reason).toBe("shutdown");
    const second = build();
    let runs = 0;
    second.cpu.script = () => {
      if (++runs === 3) second.machine.powerOff();
      return { ran: 1, exit: { reason: "shutdown" } };
    };
    await second.machine.run();
    expect(second.cpu.resets).toBeGreaterThan(2);
  });
  it("jumps over HLT to the next timer when time is instructions", async () => {
    const { machine, cpu, board } = build();
    let halts = 0;
    await machine.start({ paused: true });
    cpu.host.pioWrite(0x43, 1, 0x34);
    cpu.host.pioWrite(0x40, 1, 0);
    cpu.host.pioWrite(0x40, 1, 0);
    cpu.script = () => {
      if (++halts === 20) machine.pause();
      return { ran: 5, exit: { reason: "halt" } };
    };
    machine.resume();
    const began = performance.now();
    await machine.stopped();
    expect(board.clock.now()).toBeGreaterThan(19 * 54e6);
    expect(performance.now() - began).toBeLessThan(500);
  });
  it("is repeatable: the budget ends exactly at the next timer", async () => {
    const run = async () => {
      const { machine, cpu, board } = build();
      const seen: number[] = [];
      await machine.start({ paused: true });
      for (const v of [0x34, 0x10, 0x27]) cpu.host.pioWrite(v === 0x34 ? 0x43 : 0x40, 1, v);
      cpu.script = (budget) => {
        seen.push(board.clock.now() + budget);
        if (seen.length === 40) machine.pause();
        return { ran: budget, exit: { reason: "budget" } };
      };
      machine.resume();
      await machine.stopped();
      return board.clock.now();
    };
    expect(Number.isInteger(await run())).toBe(true);
  });
  it("sleeps in HLT by the wall clock and wakes on a key", async () => {
    const { machine, cpu, backends } = build(wall);
    let runs = 0;
    cpu.script = () => {
      runs++;
      return { ran: 1, exit: { reason: "halt" } };
    };
    await machine.start();
    cpu.host.pioWrite(0x64, 1, 0x60);
    cpu.host.pioWrite(0x60, 1, 0x01);
    for (const [port, value] of [[0x20, 0x11], [0x21, 8], [0x21, 4], [0x21, 1], [0x21, 0]] as const) cpu.host.pioWrite(port, 1, value);
    await new Promise((r) => setTimeout(r, 100));
    expect(runs).toBeLessThan(10);
    expect(machine.busyMs).toBeLessThan(30);
    const before = runs;
    backends.key(0x1e, true);
    await new Promise((r) => setTimeout(r, 20));
    expect(cpu.intrLevel).toBe(true);
    expect(runs).toBeGreaterThan(before);
    machine.powerOff();
  });
  it("calls short wakes of a resting guest idle, and a long one work again", async () => {
    let host = 0;
    const { machine, cpu } = build(wall, () => host);
    const idle: boolean[] = [];
    let halts = true;
    cpu.script = () => {
      idle.push(cpu.idle);
      host += 0.5;
      return halts ? { ran: 9000, exit: { reason: "halt" } } : { ran: 40_000, exit: { reason: "budget" } };
    };
    await machine.start({ paused: true });
    machine.resume();
    for (let n = 0; n < 40; n++) {
      machine.runSlice();
      host += 30;
    }
    expect(idle[0]).toBe(false);
    expect(idle.at(-1)).toBe(true);
    halts = false;
    idle.length = 0;
    machine.runSlice();
    expect(idle).toEqual([true, true, true, false]);
    machine.powerOff();
  });
  it("stands still while paused and bounds the step after a gap", async () => {
    let host = 0;
    const { machine, cpu, board } = build(wall, () => host);
    cpu.script = () => {
      host += 5;
      return { ran: 100, exit: { reason: "budget" } };
    };
    await machine.start({ paused: true });
    const at = board.clock.now();
    host += 10_000;
    expect(board.clock.now()).toBe(at);
    machine.resume();
    host += 60_000;
    expect(board.clock.now() - at).toBeLessThanOrEqual(1e9);
    machine.powerOff();
  });
  it("crashes when a part throws", async () => {
    const { machine, cpu } = build();
    cpu.script = () => {
      throw new Error("bug");
    };
    const notice = await machine.run();
    expect(notice.state).toBe("crashed");
    expect((notice.error as Error).message).toBe("bug");
  });
  it("saves and loads every section, and refuses an unknown one by name", async () => {
    const { machine, cpu } = build({ devices: [{ type: "edu" }] });
    await machine.start({ paused: true });
    cpu.host.pioWrite(0x70, 1, 0x40);
    cpu.host.pioWrite(0x71, 1, 0x5a);
    const saved = structuredClone(machine.save());
    const other = build({ devices: [{ type: "edu" }] });
    await other.machine.start({ paused: true });
    other.machine.load(saved);
    expect(other.machine.save()).toEqual(saved);
    const odd = { ...saved, sections: [...saved.sections, { device: "flux", type: "flux", version: 1, state: null }] };
    expect(() => other.machine.load(odd)).toThrow(/flux/);
  });
  it("switches off through ACPI S5", async () => {
    const { machine, cpu } = build();
    cpu.script = (_, c) => {
      const config = (offset: number, value: number) => (c.host.pioWrite(0xcf8, 4, 0x80000b00 + offset), c.host.pioWrite(0xcfc, 4, value));
      config(0x40, 0x601);
      config(0x80, 1);
      c.host.pioWrite(0x604, 2, 0x2000);
      return { ran: 5, exit: { reason: "budget" } };
    };
    expect((await machine.run()).reason).toBe("poweroff");
  });
  it("suspends to RAM through ACPI S3; a key resumes it as QEMU's, with CMOS and WAK_STS saying so", async () => {
    const { machine, cpu, backends, board } = build(wall);
    const config = (offset: number, value: number) => (cpu.host.pioWrite(0xcf8, 4, 0x80000b00 + offset), cpu.host.pioWrite(0xcfc, 4, value));
    const map = () => (config(0x40, 0x601), config(0x80, 1));
    let runs = 0;
    cpu.script = () => {
      runs++;
      if (runs === 1) {
        // Firmware's shadow: where PAM put RAM it stays through the resume.
        cpu.host.pioWrite(0xcf8, 4, 0x80000058);
        cpu.host.pioWrite(0xcfd, 1, 0x30);
        map();
        cpu.host.pioWrite(0x604, 2, 0x2400);
        return { ran: 5, exit: { reason: "budget" } };
      }
      return { ran: 1, exit: { reason: "halt" } };
    };
    await machine.start();
    await new Promise((r) => setTimeout(r, 60));
    expect([machine.suspended, machine.state, runs]).toEqual([true, "running", 1]);
    expect(() => machine.save()).toThrow(/suspended to RAM and cannot be saved/);
    cpu.host.pioWrite(0x70, 1, 0x0f);
    expect(cpu.host.pioRead(0x71, 1)).toBe(0xfe);
    const resets = cpu.resets;
    backends.key(0x1e, true);
    await new Promise((r) => setTimeout(r, 60));
    expect([machine.suspended, cpu.resets - resets]).toEqual([false, 1]);
    expect(runs).toBeGreaterThan(1);
    expect(board.pci.read(0, 0x59, 1)).toBe(0x30);
    map();
    expect(cpu.host.pioRead(0x600, 2) & 0x8000).toBe(0x8000);
    expect(machine.wakeUp()).toBe(false);
    machine.powerOff();
  });
  it("the clock's alarm wakes a suspended machine, with RTC_STS saying so", async () => {
    const { machine, cpu } = build(wall);
    const config = (offset: number, value: number) => (cpu.host.pioWrite(0xcf8, 4, 0x80000b00 + offset), cpu.host.pioWrite(0xcfc, 4, value));
    const map = () => (config(0x40, 0x601), config(0x80, 1));
    const cmos = (register: number, value: number) => (cpu.host.pioWrite(0x70, 1, register), cpu.host.pioWrite(0x71, 1, value));
    let runs = 0;
    cpu.script = () => {
      runs++;
      if (runs === 1) {
        map();
        // Any hour, minute and second; alarm interrupt on.
        for (const register of [1, 3, 5]) cmos(register, 0xff);
        cmos(11, 0x22);
        cpu.host.pioWrite(0x602, 2, 0x400);
        cpu.host.pioWrite(0x604, 2, 0x2400);
        return { ran: 5, exit: { reason: "budget" } };
      }
      return { ran: 1, exit: { reason: "halt" } };
    };
    await machine.start();
    await new Promise((r) => setTimeout(r, 60));
    expect([machine.suspended, runs]).toEqual([true, 1]);
    for (let n = 0; n < 100 && machine.suspended; n++) await new Promise((r) => setTimeout(r, 30));
    expect(machine.suspended).toBe(false);
    map();
    expect(cpu.host.pioRead(0x600, 2) & 0x8400).toBe(0x8400);
    machine.powerOff();
  });
  it("traces port accesses and counts what is missing", async () => {
    const { board, cpu, machine } = build();
    await machine.start({ paused: true });
    const before = board.trace.count("pio.write");
    board.trace.set("pio.write", true);
    cpu.host.pioWrite(0x80, 1, 7);
    expect(board.trace.count("pio.write") - before).toBe(1);
    expect(board.trace.recent(1)[0]).toMatchObject({ kind: "pio.write", a: 0x80, b: 7, c: 1 });
    cpu.host.missing("warp");
    expect(board.missing.get("warp")).toBe(1);
  });
});
