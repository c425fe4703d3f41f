import { describe, expect, it } from "vitest";
import * as a from "./aml.ts";
import { buildAcpi } from "./tables.ts";
import { buildSmbios } from "../smbios.ts";

const input = { pciHole: 0x80000000, floppy: true, serial: [true, true], processors: 1, generation: null };
/** Carries out the linker-loader script as firmware does. */
function link(files: ReturnType<typeof buildAcpi>) {
  const memory: { [name: string]: { base: number; bytes: Uint8Array } } = {};
  const content: { [name: string]: Uint8Array } = { "etc/acpi/tables": files.tables, "etc/acpi/rsdp": files.rsdp };
  const text = (b: Uint8Array) => new TextDecoder().decode(b).replace(/\0.*$/s, "");
  let next = 0x10000;
  for (let at = 0; at < files.loader.length; at += 128) {
    const e = files.loader.subarray(at, at + 128);
    const v = new DataView(e.buffer, e.byteOffset, 128);
    const file = text(e.subarray(4, 60));
    switch (v.getUint32(0, true)) {
      case 1:
        memory[file] = { base: next, bytes: (content[file] as Uint8Array).slice() };
        next += 0x10000;
        break;
      case 2: {
        const to = memory[text(e.subarray(60, 116))];
        const d = memory[file];
        const offset = v.getUint32(116, true);
        if (!to || !d) throw new Error("pointer before allocate");
        const dv = new DataView(d.bytes.buffer);
        dv.setUint32(offset, dv.getUint32(offset, true) + to.base, true);
        break;
      }
      case 3: {
        const d = (memory[file] as { bytes: Uint8Array }).bytes;
        const [result, start, length] = [60, 64, 68].map((o) => v.getUint32(o, true)) as [number, number, number];
        d[result] = 0;
        d[result] = -d.subarray(start, start + length).reduce((x, y) => x + y, 0) & 0xff;
        break;
      }
      default:
        throw new Error("unknown command");
    }
  }
  return memory;
}
describe("ACPI", () => {
  it("links into tables with right sums and pointers", () => {
    const memory = link(buildAcpi(input));
    const { base, bytes } = memory["etc/acpi/tables"] as { base: number; bytes: Uint8Array };
    const rsdp = (memory["etc/acpi/rsdp"] as { bytes: Uint8Array }).bytes;
    expect(rsdp.reduce((x, y) => x + y, 0) & 0xff).toBe(0);
    const v = new DataView(bytes.buffer);
    const table = (address: number) => {
      const at = address - base;
      const length = v.getUint32(at + 4, true);
      return { at, length, name: new TextDecoder().decode(bytes.subarray(at, at + 4)), sum: bytes.subarray(at, at + length).reduce((x, y) => x + y, 0) & 0xff };
    };
    const rsdt = table(new DataView(rsdp.buffer).getUint32(16, true));
    expect(rsdt).toMatchObject({ name: "RSDT", sum: 0 });
    const listed = Array.from({ length: (rsdt.length - 36) / 4 }, (_, i) => table(v.getUint32(rsdt.at + 36 + 4 * i, true)));
    expect(listed.map((t) => t.name)).toEqual(["FACP", "APIC", "HPET", "WAET"]);
    expect(listed.every((t) => t.sum === 0)).toBe(true);
    const fadt = listed[0] as { at: number; length: number };
    expect(fadt.length).toBe(244);
    expect(table(v.getUint32(fadt.at + 40, true))).toMatchObject({ name: "DSDT", sum: 0 });
    expect((v.getUint32(fadt.at + 36, true) - base) % 64).toBe(0);
    expect(v.getUint32(fadt.at + 76, true)).toBe(0x608);
    // Power and sleep button are in PM1, not devices.
    expect(v.getUint32(fadt.at + 112, true) & 0x30).toBe(0);
    expect(listed.map((t) => t.length).slice(2, 3)).toEqual([56]);
  });
  it("codes names, ids and lengths", () => {
    expect([...a.eisa("PNP0A03")]).toEqual([0x0c, 0x41, 0xd0, 0x0a, 0x03]);
    expect([...a.name("\\_SB.PCI0")]).toEqual([0x5c, 0x2e, ...new TextEncoder().encode("_SB_PCI0")]);
    expect([...a.pkg(a.int(0), a.int(5))]).toEqual([0x12, 5, 2, 0, 0x0a, 5]);
    const long = a.scope("\\", a.buffer(new Uint8Array(100)));
    expect(long[1]).toBe(0x40 | ((long.length - 1) & 15));
    expect(long[2]).toBe((long.length - 1) >> 4);
  });
});
describe("SMBIOS", () => {
  it("has whole structures and counts them", () => {
    const { anchor, tables } = buildSmbios({ memoryMiB: 64, low: 64 << 20, high: 0, name: "x", cpu: "qemu64" });
    expect(anchor.length).toBe(31);
    const types: number[] = [];
    for (let at = 0; at < tables.length; ) {
      types.push(tables[at] as number);
      at += tables[at + 1] as number;
      while (tables[at] !== 0 || tables[at + 1] !== 0) at++;
      at += 2;
    }
    expect(types).toEqual([0, 1, 3, 4, 16, 17, 19, 32, 127]);
    expect(new DataView(anchor.buffer).getUint16(28, true)).toBe(9);
  });
});
