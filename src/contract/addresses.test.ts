// The forms that the monitor prints in, by example; workers/monitor/addresses.test.ts holds them against a real machine's answers.

import { expect, test } from "vitest";
import { addressesIn } from "./addresses.ts";

/** As "linear" or "physical:…", as they stand in the text. */
const found = (command: string, text: string) => addressesIn(command, text).map((a) => `${a.physical ? "physical:" : ""}${text.slice(a.from, a.to)}`);

test("registers: those that can hold addresses, the bases of segments and tables; not flags, selectors and limits", () => {
  expect(found("info registers", "RAX=000000000001ad40 R10=00000000fffffffb R8 =0000000000000000\nRIP=ffffffff9ae4e8cb RFL=00000246 [---Z-P-] CPL=0\nCS =0010 0000000000000000 ffffffff 00af9b00 DPL=0\nTR =0040 fffffe0000003000 00004087\nGDT=     fffffe0000001000 0000007f\nCR0=80050033 CR2=00007f0012345678 CR3=0000000014c06006 CR4=000006f0")).toEqual([
    "000000000001ad40", "00000000fffffffb", "0000000000000000", "ffffffff9ae4e8cb", "0000000000000000", "fffffe0000003000", "fffffe0000001000", "00007f0012345678", "physical:0000000014c06006",
  ]);
  expect(found("info registers", "EAX=00000000 EIP=0000fff0 EFL=00000002\nCS =f000 ffff0000 0000ffff 00009b00")).toEqual(["00000000", "0000fff0", "ffff0000"]);
});
test.each<[string, string, readonly string[]]>([
  ["x /2xg $rsp", "ffffffff9be03e90: 0xffffffff9a43eccd 0xffffffff9ae4ea18", ["ffffffff9be03e90", "0xffffffff9a43eccd", "0xffffffff9ae4ea18"]],
  ["x /4xb 0x7c00", "0000000000007c00: 0x12 0x34 0x56 0x78", ["0000000000007c00"]],
  ["xp /1xg 0x1000", "0000000000001000: 0x0000000014c06067", ["physical:0000000000001000"]],
  ["info  mem", "0000000000400000-0000000000500000 0000000000100000 ur-", ["0000000000400000", "0000000000500000"]],
  ["info tlb", "fffffe0000000000: 0000000013d10000 r-- kernel\nffffffff9be03000: ---------------- rw- kernel", ["fffffe0000000000", "physical:0000000013d10000", "ffffffff9be03000"]],
  ["info pci", "      BAR0: prefetchable at 0xfd000000 [0xfdffffff]\n      BAR4: io at 0xc000 [0xc00f]", ["physical:0xfd000000", "physical:0xfdffffff"]],
  ["info map", "0000000000-000009ffff ram\nport 0cf8-0cff", ["physical:0000000000", "physical:000009ffff"]],
  ["walk $rip", "0xffffffff9ae4e8cb, paging: 4-level\n  PD   at 0x13416000 [215] = 00000000124001e1  P A  -> 0x12400000\n  physical 0x1244e8cb, page of 2 MiB -r-x, ram in frame 0x1a44e000 of the pool", ["0xffffffff9ae4e8cb", "physical:0x13416000", "physical:0x12400000", "physical:0x1244e8cb"]],
  ["info shutdown", "shutdown 1 since power-on: at 0x10010, after 5000000 instructions\n  exception 14, error code 0x10002, at address 0x500000", ["0x10010", "0x500000"]],
  ["info idt", "IDT at 0xfffffe0000000000, limit 0xfff\n0000: interrupt-gate 64-bit dpl 0 0010:ffffffff9b000990 <asm_exc_divide_error>", ["0xfffffe0000000000", "ffffffff9b000990"]],
  ["b phys 0x1234", "Breakpoint 1: phys 0x1234", ["physical:0x1234"]],
  ["find 55aa p:0", "0x6fb2", ["physical:0x6fb2"]],
  ["info tasks", "      1 init             CR3 0x14dfc000\n      2 kthreadd         kernel thread", ["physical:0x14dfc000"]],
  ["p $cr3", "0x14c06006", ["physical:0x14c06006"]],
  ["print $rip", "0xffffffff9ae4e8cb", ["0xffffffff9ae4e8cb"]],
  ["trace show 2", "19.018917193 tlb.fill linear address=0xfffffe0000000ec0 physical address=0x13d10ec0 access=0x20 @0xffffffff9ae4e8cb\n19.1 cpu.exception vector=0x0e error code=0x10002 CR2 of a page fault=0x7f00 @0x401000", ["0xfffffe0000000ec0", "physical:0x13d10ec0", "0xffffffff9ae4e8cb", "0x7f00", "0x401000"]],
  ["info status", "VM status: running", []],
  ["info version", "Guesthouse 0x12345678", []],
])("%s", (command, text, expected) => expect(found(command, text)).toEqual(expected));
