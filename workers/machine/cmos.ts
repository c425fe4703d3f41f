// The inventory that a PC's firmware expects in CMOS memory, byte by byte as QEMU's pc and SeaBIOS agree on it
// (QEMU hw/i386/pc.c, SeaBIOS src/hw/rtc.h; Ralf Brown's CMOS.LST for the older bytes).

import type { DomainConfig } from "../../src/contract/domain.ts";

const DEVICE_CODES: { readonly [letter: string]: number } = { a: 1, c: 2, d: 3, n: 4 };

export function fillCmos(
  rtc: { poke(index: number, value: number): void },
  config: DomainConfig,
  low: number,
  high: number,
  sectorsOf: (disk: string) => number,
): void {
  const word = (index: number, value: number) => {
    rtc.poke(index, value & 0xff);
    rtc.poke(index + 1, value >> 8);
  };
  word(0x15, 640);
  const extendedKiB = Math.min(65535, Math.max(0, low / 1024 - 1024));
  word(0x17, extendedKiB);
  word(0x30, extendedKiB);
  word(0x34, Math.min(65535, Math.max(0, (low - 0x1000000) / 65536)));
  const highUnits = high / 65536;
  rtc.poke(0x5b, highUnits & 0xff);
  rtc.poke(0x5c, (highUnits >> 8) & 0xff);
  rtc.poke(0x5d, (highUnits >> 16) & 0xff);
  rtc.poke(0x5f, config.cpu.count - 1);

  // An empty drive without a medium is a 1.44 MB drive.
  const floppyType = (at: string) => {
    if (!config.disks.some((d) => d.at === at)) return 0;
    const sectors = sectorsOf(at);
    if (sectors === 5760) return 5;
    if (sectors === 2400) return 2;
    if (sectors === 1440) return 3;
    return sectors === 720 ? 1 : 4;
  };
  const first = floppyType("floppy0");
  const second = floppyType("floppy1");
  rtc.poke(0x10, (first << 4) | second);
  const drives = (first ? 1 : 0) + (second ? 1 : 0);
  // 0x02 floating-point unit, 0x04 PS/2 mouse.
  rtc.poke(0x14, 0x06 | (drives === 0 ? 0 : drives === 1 ? 1 : 0x41));

  const order = [...config.boot.order].map((letter) => DEVICE_CODES[letter] ?? 0);
  rtc.poke(0x3d, ((order[1] ?? 0) << 4) | (order[0] ?? 0));
  rtc.poke(0x38, (order[2] ?? 0) << 4);

  // Hard disks: type 47 with geometry, and the translation SeaBIOS is to use (0 none, 1 LBA), two bits per drive.
  let translation = 0;
  let types = 0;
  ["ide0-master", "ide0-slave", "ide1-master", "ide1-slave"].forEach((at, i) => {
    const disk = config.disks.find((d) => d.at === at);
    if (disk?.media !== "disk") return;
    const sectors = sectorsOf(at);
    const cylinders = Math.max(2, Math.min(16383, Math.floor(sectors / (16 * 63))));
    if (cylinders > 1024) translation |= 1 << (2 * i);
    if (i > 1) return;
    types |= i === 0 ? 0xf0 : 0x0f;
    rtc.poke(0x19 + i, 47);
    const at0 = i === 0 ? 0x1b : 0x24;
    word(at0, cylinders);
    rtc.poke(at0 + 2, 16);
    word(at0 + 3, 0xffff);
    rtc.poke(at0 + 5, 0xc8);
    word(at0 + 6, cylinders);
    rtc.poke(at0 + 8, 63);
  });
  rtc.poke(0x12, types);
  rtc.poke(0x39, translation);
}
