// The trace bus: ring, filters and readers; what the processor and the devices of a real machine say on it; exports; and that nothing of it changes the
// guest's time or state.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { COUNTERS } from "../cpu/core/layout.ts";
import { type TraceName, traceNames } from "../../src/contract/trace.ts";
import { sectorMachine, type SectorMachine } from "../debugging.node.ts";
import { parseFilter } from "../monitor/trace.ts";
import { parseTrace } from "../trace-file.ts";
import { exportTrace } from "./trace-export.ts";
import { TraceBus, traceKind } from "./trace.ts";

describe("the ring", () => {
  test("keeps the newest events and tells each reader what it lost", () => {
    const bus = new TraceBus(8);
    bus.set("pio.write", true);
    for (let n = 0; n < 20; n++) bus.emitName("pio.write", n);
    expect(bus.recent().map((e) => e.a)).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
    expect(bus.since(0)).toMatchObject({ lost: 12, end: 20 });
    expect(bus.since(15, 2).events.map((e) => e.a)).toEqual([15, 16]);
    expect(bus.count("pio.write")).toBe(20);
  });
  test("a kind that is off counts and writes nothing", () => {
    const bus = new TraceBus(8);
    bus.emitName("pio.read", 1);
    expect([bus.count("pio.read"), bus.end]).toEqual([1, 0]);
  });
  test("an event that is overwritten while it is read is not given", () => {
    const bus = new TraceBus(4);
    bus.set("pio.write", true);
    for (let n = 0; n < 4; n++) bus.emitName("pio.write", n);
    // As the writer leaves it halfway: slot 2 is being filled for event 6.
    new Float64Array(bus.buffer).fill(0, new Float64Array(bus.buffer).length - 8 - 1, new Float64Array(bus.buffer).length - 8);
    expect(bus.recent()).toHaveLength(3);
    expect(bus.since(0).lost).toBe(1);
  });
  test("filters by range, processor, one of n and rate", () => {
    const bus = new TraceBus(1024);
    let now = 0;
    bus.now = () => now;
    bus.set("pio.write", true, parseFilter(["address=0x3f8-0x3ff"]));
    for (const port of [0x3f7, 0x3f8, 0x3ff, 0x400]) bus.emitName("pio.write", port);
    expect(bus.recent().map((e) => e.a)).toEqual([0x3f8, 0x3ff]);
    bus.set("pio.read", true, parseFilter(["every=3"]));
    for (let n = 0; n < 7; n++) bus.emitName("pio.read", n);
    expect(bus.recent(3).map((e) => e.a)).toEqual([0, 3, 6]);
    bus.set("mmio.read", true, parseFilter(["cpu=1"]));
    bus.emitName("mmio.read", 1);
    expect(bus.recent(1)[0]?.kind).toBe("pio.read");
    // 1000 a second is 10 in each 10 ms.
    bus.set("irq.line", true, parseFilter(["rate=1000"]));
    const before = bus.end;
    for (let n = 0; n < 100; n++, now += 200_000) bus.emitName("irq.line", n);
    expect(bus.end - before).toBe(20);
    expect(bus.limited("irq.line")).toBe(80);
  });
  test("filters that cannot be understood are refused by name", () => {
    expect(() => parseFilter(["colour=5"])).toThrow('"colour=5" is not a filter');
    expect(() => parseFilter(["rate=x"])).toThrow("rate=x is not a number");
    expect(parseFilter(["address=0xffffffff81000000"])).toMatchObject({ from: -0x7f000000, to: -0x7f000000 });
    expect(() => parseTrace("nothing", () => "")).toThrow('There is no trace event "nothing"');
    expect(parseTrace("enable=irq.*,events=list,file=x.json", () => "# mine\ncpu.halt\n")).toMatchObject({ file: "x.json", format: "perfetto", kinds: ["irq.line", "irq.route", "irq.request", "irq.accept", "irq.eoi", "cpu.halt"] });
  });
});

const run = async (made: SectorMachine, instructions: number) => {
  if (made.machine.state === "off") await made.machine.start({ paused: true });
  made.machine.advance(made.cpu.instructions() + instructions);
};
const kinds = (made: SectorMachine, ...wanted: TraceName[]) => made.board.trace.recent().filter((e) => wanted.includes(e.kind));

describe("a real machine", () => {
  test("an interrupt's way from the line to the handler and back", async () => {
    const made = await sectorMachine("irq");
    await made.type("trace on irq,cpu.handler,cpu.iret,cpu.halt,cpu.wake");
    await run(made, 3000);
    const names = made.board.trace.recent().map((e) => e.kind);
    const at = names.indexOf("cpu.handler");
    // The timer's line, the 8259's request, acceptance, handler, end of interrupt, return to behind HLT.
    expect(names.slice(0, at + 1)).toEqual(expect.arrayContaining(["cpu.halt", "irq.line", "irq.request", "cpu.wake", "irq.accept", "cpu.handler"]));
    expect(names.indexOf("irq.request")).toBeLessThan(names.indexOf("irq.accept"));
    expect(names.slice(at).filter((n) => n !== "irq.line").slice(0, 4)).toEqual(["cpu.handler", "irq.eoi", "cpu.iret", "cpu.halt"]);
    const handler = kinds(made, "cpu.handler")[0];
    expect(handler).toMatchObject({ a: 8, c: 0x7c00 + handlerOffset(made) });
    expect(kinds(made, "cpu.iret")[0]?.a).toBe(handler?.b);
    expect(kinds(made, "irq.eoi")[0]).toMatchObject({ a: 8, b: 0 });
  });
  test("modes, translations and page-table writes on the way to long mode", async () => {
    const made = await sectorMachine("modes");
    await made.type("trace on cpu.mode,cpu.cr3,tlb.fill");
    await run(made, 6000);
    expect(kinds(made, "cpu.mode").map((e) => e.a)).toEqual([2, 3, 4, 5]);
    expect(kinds(made, "cpu.cr3")[0]).toMatchObject({ a: 0x1000, b: 0 });
    const large = kinds(made, "tlb.fill").find((e) => e.c & 256);
    expect(large?.a).toBe(large?.b);
  });
  test.each(["interp", "jit"] as const)("writes to page tables, %s", async (accel) => {
    // 32-bit paging; 3000h is the table of linear 400000h.
    const made = await sectorMachine("paging", {}, accel);
    await run(made, 20_000);
    expect(made.cpu.registers().cr0 & 0x80000000n).not.toBe(0n);
    await made.type("trace on page.write");
    // In place of the HLT at the end: mov [3008h], ecx; mov eax, [402000h]; invlpg [402000h]; add ecx, 1000h; jmp back.
    const code = [0x89, 0x0d, 0x08, 0x30, 0, 0, 0xa1, 0, 0x20, 0x40, 0, 0x0f, 0x01, 0x3d, 0, 0x20, 0x40, 0, 0x81, 0xc1, 0, 0x10, 0, 0, 0xeb, 0xe6];
    made.board.memory.write(0x6000, Uint8Array.from(code));
    made.cpu.edit((s) => {
      s.setBigUint64(144, 0x6000n, true);
      s.setBigUint64(8, 0x5003n, true);
      s.setUint32(920, 0, true);
      s.setUint32(468, s.getUint32(468, true) & ~64, true);
    });
    await run(made, 5000);
    const seen = kinds(made, "page.write");
    expect(seen.length).toBeGreaterThan(500);
    expect([...new Set(seen.map((e) => e.a))]).toEqual([0x3008]);
    expect((seen[1]?.b as number) - (seen[0]?.b as number)).toBe(0x1000);
    if (accel === "jit") expect(made.cpu.translator?.stats.functions).toBeGreaterThan(0);
  });
  test("a fault in ring 3: rings, exception, handler", async () => {
    const made = await sectorMachine("ring3-fault");
    await made.type("trace on cpu.ring,cpu.exception,cpu.handler");
    await run(made, 3000);
    expect(made.board.trace.recent().map((e) => [e.kind, e.a, e.b])).toEqual([["cpu.ring", 3, 0], ["cpu.exception", 13, 0], ["cpu.ring", 0, 3], ["cpu.handler", 13, expect.any(Number)]]);
  });
  test("milestones and points are exact", async () => {
    const made = await sectorMachine("irq");
    await made.type("trace on insn.milestone every=100");
    await run(made, 1050);
    expect(kinds(made, "insn.milestone").map((e) => e.a)).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
    await made.type("trace off");
    const tick = 0x7c00 + handlerOffset(made);
    await made.type(`trace on insn.at address=${tick}`);
    const handled = made.cpu.counters().interrupts;
    await run(made, 2000);
    const seen = kinds(made, "insn.at");
    expect(seen.length).toBe(made.cpu.counters().interrupts - handled);
    expect(seen.every((e) => e.a === tick && e.ip === tick)).toBe(true);
  });
  test.each(["interp", "jit"] as const)("tracing everything changes neither time nor state, %s", async (accel) => {
    const state = async (traced: boolean) => {
      const made = await sectorMachine("irq", {}, accel);
      if (traced) {
        for (const kind of traceNames) if (kind !== "insn.at") made.board.trace.set(kind, true, kind === "insn.milestone" ? { every: 77 } : {});
        made.board.trace.set("insn.at", true, { from: 0x7c00 + handlerOffset(made) });
        await made.debug.add({ kind: "execute", address: 0x7c70n, physical: false }, { condition: "$rax == 0x123456" });
        await made.debug.add({ kind: "data", address: 0xb8000n, length: 4096, access: "access", physical: true }, { condition: "0" });
      }
      await run(made, 60_000);
      const { block } = made.cpu.save() as unknown as { block: Uint8Array };
      block.fill(0, COUNTERS, COUNTERS + 64);
      const ram = new Uint8Array(1 << 20);
      made.board.memory.read(0, ram);
      return { events: made.board.trace.end, hash: createHash("sha256").update(block).update(ram).update(String(made.board.clock.now())).digest("hex") };
    };
    const plain = await state(false);
    const traced = await state(true);
    expect(plain.events).toBe(0);
    expect(traced.events).toBeGreaterThan(1000);
    expect(traced.hash).toBe(plain.hash);
  });
});
/** Where `tick:` begins in the sector of irq.asm: the word that goes to the vector table. */
function handlerOffset(made: SectorMachine): number {
  const bytes = new Uint8Array(64);
  made.board.memory.read(0x7c00, bytes);
  const at = bytes.findIndex((b, n) => b === 0xc7 && bytes[n + 1] === 0x06 && bytes[n + 2] === 0x20 && bytes[n + 3] === 0);
  return ((bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8)) - 0x7c00;
}

describe("exports", () => {
  test("CSV has a line per event", () => {
    const bus = new TraceBus(8);
    bus.address = () => -0x7f000000;
    bus.set("pio.write", true);
    bus.emitName("pio.write", 0x80, 7, 1);
    expect(exportTrace("csv", bus.recent())).toBe("ns,instructions,cpu,kind,a,b,c,ip\n0,0,0,pio.write,128,7,1,0xffffffff81000000\n");
    expect(exportTrace("log", bus.recent())).toBe("0.000000000 pio.write port=0x80 value=0x7 width in bytes=1 @0xffffffff81000000\n");
  });
  test("Perfetto's JSON: slices of handlers nest and end, every track has a name", async () => {
    const made = await sectorMachine("irq");
    await made.type("trace on *");
    await run(made, 5000);
    const { traceEvents } = JSON.parse(exportTrace("perfetto", made.board.trace.recent())) as { traceEvents: { name: string; ph: string; ts: number; dur?: number; tid: number }[] };
    const slices = traceEvents.filter((e) => e.ph === "X");
    expect(slices.filter((e) => e.name === "vector 0x8").length).toBeGreaterThan(5);
    expect(slices.every((e) => (e.dur as number) >= 0)).toBe(true);
    const halts = slices.filter((e) => e.name === "HLT");
    const handlers = slices.filter((e) => e.name === "vector 0x8");
    // The processor sleeps between the handlers.
    expect(halts.every((h) => handlers.every((x) => x.ts + (x.dur as number) <= h.ts + 1e-6 || x.ts >= h.ts + (h.dur as number) - 1e-6))).toBe(true);
    const named = new Set(traceEvents.filter((e) => e.name === "thread_name").map((e) => e.tid));
    expect(traceEvents.every((e) => e.ph === "M" || named.has(e.tid))).toBe(true);
    expect(traceKind("cpu.halt")).toBeLessThan(64);
  });
});
