// SMBIOS 2.8 tables (DMTF DSP0134) for fw_cfg: types 0, 1, 3, 4, 16, 17, 19, 32, 127. Firmware places them and sums the anchor.

import { bytes, le } from "./acpi/aml.ts";

class Tables {
  private readonly parts: Uint8Array[] = [];
  count = 0;
  largest = 0;
  add(type: number, handle: number, body: Uint8Array, strings: readonly string[]): void {
    const text = strings.length === 0 ? Uint8Array.of(0, 0) : bytes(...strings.map((s) => bytes(new TextEncoder().encode(s), 0)), 0);
    const all = bytes(type, 4 + body.length, le(handle, 2), body, text);
    this.parts.push(all);
    this.count++;
    this.largest = Math.max(this.largest, all.length);
  }
  bytes(): Uint8Array {
    return bytes(...this.parts);
  }
}

export function buildSmbios(input: { readonly memoryMiB: number; readonly low: number; readonly high: number; readonly name: string; readonly cpu: string }): {
  readonly anchor: Uint8Array;
  readonly tables: Uint8Array;
} {
  const t = new Tables();
  // BIOS: PCI, extended characteristics: virtual machine, ACPI
  t.add(0, 0, bytes(1, 2, le(0xe800, 2), 3, 0, le(0x08, 8), 0, 0x14, 0, 0, 0xff, 0xff), ["SeaBIOS", "1.16", "04/01/2014"]);
  t.add(1, 0x100, bytes(1, 2, 3, 0, new Uint8Array(16), 6, 0, 0), ["Guesthouse", "Standard PC (i440FX + PIIX, 1996)", "pc-i440fx"]);
  t.add(3, 0x300, bytes(1, 1, 2, 0, 0, 3, 3, 3, 2, le(0, 4), 0, 0, 0, 0, 0), ["Guesthouse", "pc-i440fx"]);
  t.add(4, 0x400, bytes(
    1, 3, 1, 2, le(0, 8), 3, 0, le(0, 2), le(1000, 2), le(1000, 2), 0x41, 1,
    le(0xffff, 2), le(0xffff, 2), le(0xffff, 2), 0, 0, 0, 1, 1, 1, le(2, 2), le(1, 2)), ["CPU 0", "Guesthouse", input.cpu]);
  t.add(16, 0x1000, bytes(1, 3, 6, le(input.memoryMiB * 1024, 4), le(0xfffe, 2), le(1, 2), le(0, 8)), []);
  t.add(17, 0x1100, bytes(
    le(0x1000, 2), le(0xfffe, 2), le(0xffff, 2), le(0xffff, 2), le(Math.min(input.memoryMiB, 0x7ffe), 2), 9, 0, 1, 0, 7, le(2, 2), le(0, 2),
    2, 0, 0, 0, 0, le(0, 4), le(0, 2), le(0, 2), le(0, 2), le(0, 2)), ["DIMM 0", "Guesthouse"]);
  t.add(19, 0x1300, bytes(le(0, 4), le(input.low / 1024 - 1, 4), le(0x1000, 2), 1, le(0, 8), le(0, 8)), []);
  if (input.high > 0)
    t.add(19, 0x1301, bytes(le(0x400000, 4), le(0x400000 + input.high / 1024 - 1, 4), le(0x1000, 2), 1, le(0, 8), le(0, 8)), []);
  t.add(32, 0x2000, bytes(new Uint8Array(6), 0), []);
  t.add(127, 0x7f00, new Uint8Array(0), []);
  const tables = t.bytes();
  const anchor = bytes(
    new TextEncoder().encode("_SM_"), 0, 31, 2, 8, le(t.largest, 2), 0, new Uint8Array(5),
    new TextEncoder().encode("_DMI_"), 0, le(tables.length, 2), le(0, 4), le(t.count, 2), 0x28);
  return { anchor, tables };
}
