// The inspector's commands over real machines: boot sectors of first-steps in the real core. The page walk is held against core's own translation.

import { beforeAll, describe, expect, test } from "vitest";
import type { CodeListing, DescriptorTable, Interrupts, MachineMap, MemoryBytes, TaskState, Walk } from "../../src/contract/inspect.ts";
import { sectorMachine, type SectorMachine } from "../debugging.node.ts";
import { walk, type WalkedRegisters } from "../machine/page-walk.ts";
import { FakeMemory } from "../machine/fakes.ts";
import { needle } from "./look.ts";

async function halted(name: Parameters<typeof sectorMachine>[0]): Promise<SectorMachine> {
  const m = await sectorMachine(name);
  await m.machine.start();
  for (let n = 0; n < 300 && !m.cpu.registers().halted; n++) await new Promise((r) => setTimeout(r, 10));
  m.machine.pause();
  return m;
}
async function ask<T>(m: SectorMachine, name: string, args: { readonly [name: string]: unknown } = {}): Promise<T> {
  const reply = await m.monitor.execute(name, args);
  if (!reply.ok) throw new Error(`${name}: ${reply.error.code} ${reply.error.message}`);
  return reply.value as T;
}

describe("a translated machine", () => {
  let m: SectorMachine;
  let at = "";
  beforeAll(async () => {
    m = await sectorMachine("paging", {}, "jit");
    await m.machine.start();
    for (let n = 0; n < 300 && !m.cpu.registers().halted; n++) await new Promise((r) => setTimeout(r, 10));
    m.machine.pause();
    const list = await ask<CodeListing>(m, "disassemble", { address: "0x7c00", count: 60 });
    at = `0x${(list.lines.find((l) => l.code === "region")?.address ?? 0n).toString(16)}`;
  });
  test("region shows each instruction beside its WebAssembly", async () => {
    const shown = await ask<{ entry: bigint; size: number; parts: { guest: { address: bigint; text: string } | null; wasm: string[] }[] }>(m, "region", { address: at });
    const guest = shown.parts.flatMap((p) => p.guest ?? []);
    const wasm = shown.parts.flatMap((p) => p.wasm).join("\n");
    // The same instructions as the disassembler lists, and a whole function: what begins ends.
    const listed = await ask<CodeListing>(m, "disassemble", { address: `0x${shown.entry.toString(16)}`, count: 1 });
    expect(guest[0]).toEqual({ address: shown.entry, text: listed.lines[0]?.text });
    expect(wasm).toMatch(/return_call \$(dispatch|bailFrom)/);
    expect(wasm.match(/^\s*(block|loop|if)\b/gm)?.length).toBe((wasm.match(/^\s*end\b/gm)?.length ?? 0));
    expect(await m.type(`region ${at}`)).toContain(`region from 0x${shown.entry.toString(16)}, ${shown.size} bytes of WebAssembly`);
  });
  test("where nothing is translated it says so", async () => {
    expect(await m.type("region 0x9000")).toBe("The code at 0x9000 is not translated.");
    expect(await m.type("region 0x70000000")).toBe("Nothing is mapped at 0x70000000.");
  });
});
describe("a machine with 32-bit paging", () => {
  let m: SectorMachine;
  beforeAll(async () => {
    m = await halted("paging");
  });
  test("walks go as core's own translation, for every page and beyond", async () => {
    let mapped = 0;
    for (let address = 0n; address < 0x900000n; address += 0x3000n + 0x123n) {
      const w = await ask<Walk>(m, "walk", { address: `0x${address.toString(16)}` });
      expect(w.physical, address.toString(16)).toBe(m.cpu.translate(address));
      if (w.physical !== null) mapped++;
    }
    expect(mapped).toBeGreaterThan(100);
  });
  test("a walk names tables, bits and the frame of the pool, whose bytes are the guest's", async () => {
    const w = await ask<Walk>(m, "walk", { address: "0x400000" });
    expect(w.mode).toBe("32-bit");
    expect(w.levels.map((l) => l.name)).toEqual(["PD", "PT"]);
    expect(w.levels[0]).toMatchObject({ table: 0x1000n, index: 1, at: 0x1004n, bytes: 4, leads: "table" });
    expect(w.levels[1]?.bits.slice(0, 2)).toEqual(["P", "R/W"]);
    const place = (await ask<Walk>(m, "walk", { address: "0x7c00" })).place;
    expect(place).toMatchObject({ kind: "ram", writable: true });
    const host = new Uint8Array(m.cpu.debugRegisters().length);
    m.board.memory.read(0x7c00, host);
    expect(await ask<MemoryBytes>(m, "memory", { address: "0x7c00", length: 8 })).toMatchObject({ bytes: [...host] });
    expect(await m.type("walk 0x400000")).toMatch(/PT {3}at .* -> 0xb8000\n {2}physical 0xb8000, page of 4 KiB -rwx, bus$/);
    expect(await m.type("walk 0x7c00")).toMatch(/physical 0x7c00, page of 4 KiB -rwx, ram in frame 0x[0-9a-f]+ of the pool$/);
  });
  test("an address without a translation says where the walk ended", async () => {
    const w = await ask<Walk>(m, "walk", { address: "0x40000000" });
    expect(w).toMatchObject({ physical: null, why: "absent", place: null });
    expect(w.levels).toHaveLength(1);
  });
  test("bytes that cannot be read say why", async () => {
    const b = await ask<MemoryBytes>(m, "memory", { address: "0x400ffe", length: 4 });
    // The screen in text mode answers from the VGA's registers; behind it nothing is mapped.
    expect(b.bytes).toEqual([-2, -2, -1, -1]);
    expect((await ask<MemoryBytes>(m, "memory", { address: "p:0xfee00000", length: 2 })).bytes).toEqual([-2, -2]);
  });
  test("find finds bytes and text, across pages, and says when not", async () => {
    const boot = await ask<MemoryBytes>(m, "memory", { address: "0x7c00", length: 6 });
    const pattern = boot.bytes.map((b) => b.toString(16).padStart(2, "0")).join("");
    expect(await ask(m, "find", { what: pattern, from: "0x7000" })).toMatchObject({ at: 0x7c00n });
    expect(await ask(m, "find", { what: pattern, from: "0x7c01", pages: 4 })).toMatchObject({ at: null });
    await ask(m, "poke", { address: "0x8ffe", bits: "32", value: "0x44434241" });
    expect(await ask(m, "find", { what: '"ABCD"', from: "p:0" })).toMatchObject({ at: 0x8ffen });
    expect(() => needle("zz")).toThrow("neither text in quotes nor bytes");
  });
  test("listings mark the next instruction, breakpoints and decoded code, and find their way back", async () => {
    const at = m.cpu.linearIp();
    const list = await ask<CodeListing>(m, "disassemble", { address: "$rip", count: 3, back: 4 });
    expect(list.ip).toBe(at);
    const here = list.lines.findIndex((l) => l.address === at);
    expect(here).toBeGreaterThan(0);
    // What lies before ends exactly where the address begins.
    for (const [n, l] of list.lines.entries()) if (n > 0) expect(l.address).toBe((list.lines[n - 1]?.address as bigint) + BigInt(list.lines[n - 1]?.bytes.length as number));
    expect(list.lines[here - 1]?.text).toMatch(/^hlt/);
    expect(list.lines[here - 1]?.code).not.toBe(null);
    await ask(m, "break", { what: "$rip" });
    expect((await ask<CodeListing>(m, "disassemble")).lines[0]?.breakpoints).toHaveLength(1);
    await ask(m, "delete");
    expect((await ask<CodeListing>(m, "disassemble")).lines[0]?.breakpoints).toHaveLength(0);
  });
  test("the GDT in words", async () => {
    const gdt = await ask<DescriptorTable>(m, "info gdt");
    expect(gdt.entries[0]?.kind).toBe("null");
    expect(gdt.entries[1]).toMatchObject({ kind: "code", bits: 32, selector: 8, base: 0n, limit: 0xffffffffn, dpl: 0, present: true, held: ["CS"] });
    expect(gdt.entries[2]).toMatchObject({ kind: "data", held: expect.arrayContaining(["SS", "DS"]) });
    expect(await m.type("info ldt")).toBe("There is no local descriptor table.");
    expect(await ask<TaskState>(m, "info tss")).toMatchObject({ bits: null });
  });
  test("what commands that only look give can travel to the page", async () => {
    const looking = m.monitor.commands.filter((c) => c.name.startsWith("info ") && c.name !== "info symbol");
    expect(looking.length).toBeGreaterThan(15);
    for (const c of looking) {
      const reply = await m.monitor.execute(c.name, {});
      expect(() => structuredClone(reply), c.name).not.toThrow();
    }
    expect(structuredClone(await m.monitor.execute("break", { what: "0x7c00 if $eax == 5" }))).toMatchObject({ ok: true });
    await ask(m, "delete");
  });
  test("symbols name addresses, and addresses have names", async () => {
    expect(await ask(m, "symbols", { file: "x.map", content: "00007c00 T boot\n00007c10 t inner\n" })).toBe(2);
    expect(await ask(m, "info symbol", { what: "0x7c14" })).toMatchObject({ symbol: { name: "inner", offset: 4 } });
    expect(await ask(m, "info symbol", { what: "boot" })).toMatchObject({ address: 0x7c00n });
    expect((await ask<CodeListing>(m, "disassemble", { address: "0x7c10" })).lines[0]?.symbol).toEqual({ name: "inner", offset: 0 });
    expect(await m.type("symbols x.map 0 nothing")).toMatch(/no symbols in this file/);
  });
  test("the map has RAM, video memory, ROM ranges and ports", async () => {
    const { memory, ports } = await ask<MachineMap>(m, "info map");
    expect(memory.find((r) => r.from === 0)).toMatchObject({ kind: "ram", to: 0x9ffff });
    expect(memory.find((r) => r.from <= 0xb8000 && r.to >= 0xb8fff)?.kind).toBe("bus");
    expect(memory.some((r) => r.kind === "bus" && r.from === 0xfee00000)).toBe(true);
    expect(ports.some((p) => p.from <= 0x40 && p.to >= 0x40)).toBe(true);
    for (const [n, r] of memory.entries()) if (n > 0) expect(r.from).toBeGreaterThan(memory[n - 1]?.to as number);
  });
});

test("interrupts are counted by vector as the processor acknowledged them", async () => {
  const m = await sectorMachine("irq");
  await m.machine.start();
  const count = async () => (await ask<Interrupts>(m, "info interrupts")).vectors.reduce((sum, v) => sum + v.count, 0);
  for (let n = 0; n < 500 && (await count()) < 5; n++) await new Promise((r) => setTimeout(r, 10));
  m.machine.pause();
  const i = await ask<Interrupts>(m, "info interrupts");
  expect(i.vectors.length).toBeGreaterThan(0);
  expect(i.vectors.reduce((sum, v) => sum + v.count, 0)).toBe(m.board.trace.count("irq.accept"));
  expect(i.lines[0]?.rises).toBeGreaterThan(0);
  expect(i.pic[0]?.base).toBe((i.vectors[0]?.vector ?? 0) & 0xf8);
  // The gates of those vectors are the ones of the whole table.
  const { entries, base } = await ask<DescriptorTable>(m, "info idt");
  expect(i.gates.map(({ vector }) => vector)).toEqual(expect.arrayContaining(i.vectors.map(({ vector }) => vector)));
  for (const gate of i.gates) {
    const target = entries[gate.vector]?.target;
    expect(gate).toMatchObject({ at: base + BigInt(gate.vector * 4), kind: "interrupt-gate", handler: (target?.offset ?? 0n) + BigInt((target?.selector ?? 0) * 16) });
  }
});

describe("walks of tables that are made here", () => {
  const memory = new FakeMemory();
  memory.addRam(0, 1 << 20);
  const put = (at: number, value: bigint, bytes: 4 | 8) => {
    const b = new Uint8Array(8);
    new DataView(b.buffer).setBigUint64(0, value, true);
    memory.write(at, b.subarray(0, bytes));
  };
  const base: WalkedRegisters = { cr0: 0x80000001n, cr3: 0x1000n, cr4: 0n, efer: 0n, pdpte: [0n, 0n, 0n, 0n], a20: true };
  test("real mode and a closed A20 line", () => {
    expect(walk(memory, { ...base, cr0: 0n }, 0x100123n)).toMatchObject({ mode: "off", physical: 0x100123n, levels: [], rights: null });
    expect(walk(memory, { ...base, cr0: 0n, a20: false }, 0x100123n).physical).toBe(0x123n);
  });
  test("4 MiB pages and PSE-36", () => {
    put(0x1000 + 4 * 3, 0x00c00000n | 0x2000n | 0x87n, 4);
    const w = walk(memory, { ...base, cr4: 0x10n }, 0xc12345n);
    expect(w).toMatchObject({ mode: "32-bit", physical: 0x100c12345n, pageBytes: 1 << 22, rights: { write: true, user: true } });
    expect(w.levels[0]?.bits).toEqual(["P", "R/W", "U/S", "PS"]);
    // Without CR4.PSE the bit means nothing: the entry is a table.
    expect(walk(memory, base, 0xc12345n).levels).toHaveLength(2);
    put(0x1000 + 4 * 4, 0x200083n, 4);
    expect(walk(memory, { ...base, cr4: 0x10n }, 0x1000000n).why).toBe("reserved");
  });
  test("PAE takes the processor's PDPT entries; large page of 2 MiB; XD needs EFER.NXE", () => {
    put(0x3000 + 8 * 5, 0x600000n | 0x83n | (1n << 63n), 8);
    const r = { ...base, cr4: 0x20n, efer: 0x800n, pdpte: [0n, 0x3001n, 0n, 0n] };
    const w = walk(memory, r, 0x40a12345n);
    expect(w).toMatchObject({ mode: "pae", physical: 0x612345n, pageBytes: 1 << 21, rights: { write: true, user: false, execute: false } });
    expect(w.levels.map((l) => [l.name, l.index])).toEqual([["PDPT", 1], ["PD", 5]]);
    expect(walk(memory, { ...r, efer: 0n }, 0x40a12345n).why).toBe("reserved");
  });
  test("4 levels: rights are the least of all, 1 GiB pages, canonical addresses only", () => {
    put(0x1000 + 8 * 511, 0x4007n, 8);
    put(0x4000 + 8 * 510, 0x5005n, 8);
    put(0x4000 + 8 * 511, 0x40000083n, 8);
    put(0x5000, 0x6007n, 8);
    put(0x6000 + 8, 0x7000n | 0x167n, 8);
    const r = { ...base, cr4: 0x20n, efer: 0xd00n };
    const w = walk(memory, r, 0xffffffff80001abcn);
    expect(w).toMatchObject({ mode: "4-level", physical: 0x7abcn, pageBytes: 4096, rights: { write: false, user: true, execute: true } });
    expect(w.levels.map((l) => l.index)).toEqual([511, 510, 0, 1]);
    expect(w.levels[3]?.bits).toEqual(["P", "R/W", "U/S", "A", "D", "G"]);
    expect(walk(memory, r, 0xffffffffc0000123n)).toMatchObject({ physical: 0x40000123n, pageBytes: 1 << 30 });
    expect(walk(memory, r, 0x8000_0000_0000n).why).toBe("non-canonical");
  });
});
