// Breakpoints of every kind, with conditions, and steps: over boot sectors of first-steps in the real core, interpreted and translated.

import { describe, expect, test } from "vitest";
import { sectorMachine, type SectorMachine } from "../debugging.node.ts";
import { compile } from "./expression.ts";

/** Runs until the debugger stops the machine. */
async function go(made: SectorMachine): Promise<string> {
  if (made.machine.state === "off") await made.machine.start();
  else made.machine.resume();
  await made.machine.stopped();
  return made.type("info stop");
}
const ip = (made: SectorMachine) => Number(made.cpu.linearIp());
/** Address of the first place where the sector has these bytes. */
function find(made: SectorMachine, ...bytes: number[]): number {
  const sector = new Uint8Array(512);
  made.board.memory.read(0x7c00, sector);
  const at = sector.findIndex((_, n) => bytes.every((b, k) => sector[n + k] === b));
  if (at < 0) throw new Error("not in the sector");
  return 0x7c00 + at;
}
async function paused(...args: Parameters<typeof sectorMachine>): Promise<SectorMachine> {
  const made = await sectorMachine(...args);
  await made.machine.start({ paused: true });
  return made;
}

describe("expressions", () => {
  const around = { register: (name: string) => ({ rax: 5n, rsp: 0x1000n })[name] ?? null, memory: (at: bigint, bytes: number, physical: boolean) => (at === 0x1008n ? 0x1234n + (physical ? 1n : 0n) : bytes > 8 ? 0n : null) };
  test.each<[string, bigint]>([
    ["1 + 2 * 3", 7n], ["(1 + 2) * 3", 9n], ["$rax == 5 && $rsp != 0", 1n], ["$rax > 5 || 0", 0n], ["!$rax", 0n], ["-1", 0xffffffffffffffffn], ["~0 >> 63", 1n],
    ["u32[$rsp + 8]", 0x1234n], ["p16[0x1008]", 0x1235n], ["1 << 4 | 3", 19n], ["5 & 3 == 3", 1n], ["0x10 <= 16", 1n],
  ])("%s", (text, value) => expect(compile(text)(around)).toBe(value));
  test.each(["1 +", "u32(5)", "u32[5", "$rax $rax", "a"])("%s is refused", (text) => expect(() => compile(text)).toThrow("is not an expression"));
  test("what cannot be read, and division by zero, are Faults", () => {
    expect(() => compile("u8[0]")(around)).toThrow("Nothing can be read at 0x0");
    expect(() => compile("1 / ($rax - 5)")(around)).toThrow("Division by zero");
    expect(() => compile("$nix")(around)).toThrow("no register $nix");
  });
});

describe.each(["interp", "jit"] as const)("%s", (accel) => {
  test("execution: at the address, each time, and not again when it goes on; deleted it is gone", async () => {
    const made = await paused("irq", {}, accel);
    // Hot code first, so that there is something translated to be undone.
    made.machine.advance(30_000);
    const tick = find(made, 0x50, 0x53, 0x57, 0xff, 0x06);
    const inc = tick + 3;
    expect(await made.type(`break ${inc}`)).toBe(`Breakpoint 1: 0x${inc.toString(16)}`);
    const counts: number[] = [];
    for (let n = 0; n < 5; n++) {
      expect(await go(made)).toContain(`Breakpoint 1: about to execute 0x${inc.toString(16)}`);
      expect(ip(made)).toBe(inc);
      counts.push(made.cpu.counters().interrupts);
    }
    expect(counts.map((c) => c - (counts[0] as number))).toEqual([0, 1, 2, 3, 4]);
    await made.type(`break phys ${tick}`);
    expect(await go(made)).toContain("Breakpoint 2");
    expect(ip(made)).toBe(tick);
    expect(await made.type("info breakpoints")).toMatch(/1 {3}y {2}0x7c\w\w, 5 hits\n2 {3}y {2}phys 0x7c\w\w, 1 hits/);
    await made.type("delete");
    made.machine.advance(made.cpu.instructions() + 20_000);
    expect(made.debug.stop?.breakpoints).toEqual([2]);
    if (accel === "jit") expect(made.cpu.translator?.stats.functions).toBeGreaterThan(0);
  });
  test("conditions, ignore counts, breakpoints for once", async () => {
    const made = await paused("irq", {}, accel);
    const tick = find(made, 0x50, 0x53, 0x57, 0xff, 0x06);
    const count = wordAt(made, tick + 5);
    await made.type(`break ${tick} if u16[${count}] == 7`);
    expect(await go(made)).toContain("Breakpoint 1");
    expect(wordAt(made, count)).toBe(7);
    await made.type("delete 1");
    await made.type(`tbreak ${tick}`);
    await go(made);
    expect(await made.type("info breakpoints")).toBe("There are no breakpoints.");
    await made.type(`break ${tick}`);
    await made.type("breakpoint 3 on 10");
    await go(made);
    expect(wordAt(made, count)).toBe(19);
    await made.type(`break ${tick} if u16[0xfffffff0] == 1`);
    await made.type("delete 3");
    expect(await go(made)).toContain("condition of breakpoint 4: Nothing can be read");
    expect(await made.type("break 1 +")).toContain("is not an expression");
    expect(await made.type("delete 99")).toBe("There is no breakpoint 99.");
  });
  test("data: writes, reads, either; by linear and by physical address", async () => {
    const made = await paused("irq", {}, accel);
    const tick = find(made, 0x50, 0x53, 0x57, 0xff, 0x06);
    const count = wordAt(made, tick + 5);
    made.machine.advance(10_000);
    const before = wordAt(made, count);
    await made.type(`watch ${count} /2`);
    expect(await go(made)).toContain(`wrote 2 watched bytes at 0x${count.toString(16)}`);
    expect(ip(made)).toBe(tick + 7);
    expect(wordAt(made, count)).toBe(before + 1);
    await made.type("delete");
    await made.type(`rwatch phys ${count} /1`);
    // INC reads as well; then MOV AX, [count].
    await go(made);
    const places = [ip(made)];
    await go(made);
    places.push(ip(made));
    expect(places).toContain(tick + 10);
    await made.type("delete");
    await made.type(`awatch ${count} /2 if u16[${count}] == ${before + 5}`);
    await go(made);
    expect(wordAt(made, count)).toBe(before + 5);
    expect(await made.type("watch 0 /9999")).toBe("9999 bytes cannot be watched.");
  });
  test("a page that is mapped twice is watched at both linear addresses by its physical one", async () => {
    const made = await paused("paging", {}, accel);
    await made.type("watch phys 0x3000 /4");
    const text = await go(made);
    expect(text).toContain("wrote 4 watched bytes at 0x3000");
  });
  test("ports, vectors, interrupts, CR3, mode and ring", async () => {
    const irq = await paused("irq", {}, accel);
    await irq.type("break port 0x20-0x21 write");
    expect(await go(irq)).toContain("wrote 0x11 to port 0x20");
    await irq.type("delete");
    await irq.type("break vector 8");
    expect(await go(irq)).toContain("in the handler of vector 0x8");
    expect(ip(irq)).toBe(find(irq, 0x50, 0x53, 0x57, 0xff, 0x06));
    await irq.type("delete");
    expect(await irq.type("until interrupt")).toContain("in the handler of vector 0x8");
    const modes = await paused("modes", {}, accel);
    await modes.type("break mode");
    const seen: string[] = [];
    for (let n = 0; n < 4; n++) seen.push((await go(modes)).split("\n")[0] as string);
    expect(seen.map((s) => s.replace(/^.*: /, ""))).toEqual([
      "mode changed from real to protected 16-bit", "mode changed from protected 16-bit to protected 32-bit", "mode changed from protected 32-bit to compatibility", "mode changed from compatibility to 64-bit",
    ]);
    const paging = await paused("paging", {}, accel);
    await paging.type("break cr3");
    expect(await go(paging)).toContain("CR3 is now 0x1000");
    const ring = await paused("ring3-fault", {}, accel);
    await ring.type("break ring");
    expect(await go(ring)).toContain("ring changed from 0 to 3");
    // Where two things happen at once the first is named: here the new ring, before the handler.
    await ring.type("delete");
    await ring.type("break vector 13");
    expect(await go(ring)).toContain("vector 0xd");
  });
  test("steps: into, over, out, to an address", async () => {
    const made = await paused("modes", {}, accel);
    const call = find(made, 0xe8);
    expect(await made.type(`until ${call}`)).toMatch(/^0x7c\w\w: {2}call/i);
    const sp = made.cpu.registers().gpr[4];
    expect(await made.type("stepi")).toMatch(/lods/i);
    expect(made.cpu.registers().gpr[4]).toBe((sp as bigint) - 2n);
    await made.type("stepi 3");
    await made.type("finish");
    expect(ip(made)).toBe(call + 3);
    expect(made.cpu.registers().gpr[4]).toBe(sp);
    // Again from the start, over the call.
    const again = await paused("modes", {}, accel);
    await again.type(`until ${call}`);
    const n = again.cpu.instructions();
    await again.type("nexti");
    expect(ip(again)).toBe(call + 3);
    expect(again.cpu.instructions() - n).toBeGreaterThan(50);
    expect(made.cpu.instructions()).toBe(again.cpu.instructions());
    await again.type("set $eax 0x1234");
    expect(await again.type("print $ax")).toBe("0x1234");
    await again.type("poke 0x500 32 0xdeadbeef");
    expect(await again.type("print p32[0x500]")).toBe("0xdeadbeef");
  });
});
function wordAt(made: SectorMachine, address: number): number {
  const bytes = new Uint8Array(2);
  made.board.memory.read(address, bytes);
  return (bytes[0] as number) | ((bytes[1] as number) << 8);
}
