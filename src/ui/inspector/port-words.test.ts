// Port accesses in words, against sequences as operating systems write them.

import { describe, expect, test } from "vitest";
import { translate } from "../../i18n/index.ts";
import { PortReader, portsNamed } from "./port-words.ts";

const read = (events: readonly (readonly [port: number, write: boolean, value: number, width?: number])[]) => {
  const reader = new PortReader();
  return events.map(([port, write, value, width = 1]) => {
    const { chip, key, values } = reader.words(port, write, value, width);
    return `${chip}: ${key ? translate("en", key, values) : ""}`;
  });
};
test("ports are named by number, range or chip", () => {
  expect([portsNamed("0x60"), portsNamed("3f8-3ff"), portsNamed("pit"), portsNamed(""), portsNamed("nobody")]).toEqual([{ from: 0x60, to: 0x60 }, { from: 0x3f8, to: 0x3ff }, { from: 0x40, to: 0x43 }, null, null]);
});
describe("ports in words", () => {
  test("the PIT: mode, then low and high byte", () => {
    expect(read([[0x43, true, 0x34], [0x40, true, 0x9c], [0x40, true, 0x2e], [0x43, true, 0x00], [0x40, false, 5]])).toEqual([
      "PIT: channel 0: mode 2, low byte then high byte follow",
      "PIT: channel 0, mode 2: low byte 156",
      "PIT: channel 0, mode 2: high byte 46",
      "PIT: channel 0: count held for reading",
      "PIT: channel 0, mode 2: low byte read, 5",
    ]);
  });
  test("the 8259: initialisation words in their order, masks, ends of interrupts", () => {
    expect(read([[0x20, true, 0x11], [0x21, true, 0x30], [0x21, true, 4], [0x21, true, 1], [0x21, true, 0xfb], [0x20, true, 0x20], [0xa0, true, 0x62]])).toEqual([
      "8259 master: initialisation begins (ICW1)", "8259 master: vectors from 0x30 (ICW2)", "8259 master: how the two are cascaded (ICW3)", "8259 master: mode (ICW4)", "8259 master: mask 11111011",
      "8259 master: end of interrupt", "8259 slave: end of interrupt of line 10",
    ]);
  });
  test("index registers: CMOS and PCI", () => {
    expect(read([[0x70, true, 0x8b], [0x71, false, 2], [0xcf8, true, 0x80000b04, 4], [0xcfc, false, 5, 2], [0xcfe, false, 0x280, 2]])).toEqual([
      "RTC / CMOS: register B chosen", "RTC / CMOS: register B read, 02", "PCI: register 04 of 00:01.3 chosen", "PCI: register 04 of 00:01.3 read, 0005", "PCI: register 06 of 00:01.3 read, 0280",
    ]);
  });
  test("a serial port: divisor latch, characters", () => {
    expect(read([[0x3fb, true, 0x83], [0x3f8, true, 1], [0x3fb, true, 3], [0x3f8, true, 0x41], [0x3fd, false, 0x60]])).toEqual([
      "COM1: LCR written, 83", "COM1: DLL written, 01", "COM1: LCR written, 03", "COM1: sends A", "COM1: LSR read, 60",
    ]);
  });
  test("disks' commands, keyboard, and ports that nobody knows", () => {
    expect(read([[0x1f7, true, 0xec], [0x64, true, 0xd4], [0x60, true, 0xf4], [0x60, false, 0xfa], [0x9999, false, 0]])).toEqual([
      "IDE 0: command IDENTIFY DEVICE", "i8042: command d4", "i8042: f4 to the mouse", "i8042: takes fa", ": ",
    ]);
  });
});
