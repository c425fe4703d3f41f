// src/contract/addresses.ts says where addresses stand in what the monitor prints: held against what a real machine's monitor prints, so that a command
// that prints otherwise one day does not lose its links in silence.

import { expect, test } from "vitest";
import { addressesIn } from "../../src/contract/addresses.ts";
import { sectorMachine } from "../debugging.node.ts";

test("answers of a machine with paging have their addresses found, with what they are", async () => {
  const m = await sectorMachine("paging");
  await m.machine.start();
  for (let n = 0; n < 300 && !m.cpu.registers().halted; n++) await new Promise((r) => setTimeout(r, 10));
  m.machine.pause();
  const { rip, cr3 } = m.cpu.registers();
  for (const [line, linear, physical] of [
    ["info registers", [rip], [cr3]],
    ["info stop", [rip], []],
    ["info mem", [0n], []],
    ["info tlb", [rip & ~0xfffn], [rip & ~0xfffn]],
    ["break 0x7c00", [0x7c00n], []],
    ["info breakpoints", [0x7c00n], []],
    ["x /4xb 0x7c00", [0x7c00n], []],
    ["x /1i 0x7c00", [0x7c00n], []],
    ["xp /4xb 0x7c00", [], [0x7c00n]],
    ["disassemble 0x7c00 2", [0x7c00n], []],
    ["walk 0x7c00", [0x7c00n], [0x7c00n, cr3]],
    ["print $rip", [rip], []],
    ["info map", [], [0n]],
    ["info mtree", [], [0xfee00000n]],
    ["info gdt", [m.cpu.segments().gdt.base], []],
    ["info interrupts", [], []],
  ] as const) {
    const text = await m.type(line);
    const found = addressesIn(line, text);
    for (const address of linear) expect(found, `${line}: ${text}`).toContainEqual(expect.objectContaining({ address, physical: false }));
    for (const address of physical) expect(found, `${line}: ${text}`).toContainEqual(expect.objectContaining({ address, physical: true }));
    for (const { from, to, address } of found) expect(BigInt(`0x${text.slice(from, to).replace("0x", "")}`)).toBe(address);
  }
  await m.close();
});
