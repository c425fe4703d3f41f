// ACPI tables and the linker-loader script by which firmware places them (ACPI 6.4 chapter 5; QEMU docs/specs/acpi and SeaBIOS'
// romfile_loader: allocate, add-pointer, add-checksum). RSDP revision 0, RSDT, FADT revision 3, FACS, DSDT, MADT, HPET, WAET.

import { bytes, le } from "./aml.ts";
import { type DsdtInput, dsdtBody } from "./dsdt.ts";

const TABLES = "etc/acpi/tables";
const RSDP = "etc/acpi/rsdp";
const OEM = "GUESTH";
const OEM_TABLE = "GUESTHPC";
export const PM_BASE = 0x600;

const ascii = (s: string) => new TextEncoder().encode(s);
const padded = (s: string, length: number) => {
  const out = new Uint8Array(length);
  out.set(ascii(s).subarray(0, length));
  return out;
};

class Script {
  private readonly parts: Uint8Array[] = [];
  private entry(command: number, ...parts: Uint8Array[]): void {
    const out = new Uint8Array(128);
    out.set(bytes(le(command, 4), ...parts));
    this.parts.push(out);
  }
  /** Zone 1 = high memory, 2 = the F segment. */
  allocate(file: string, align: number, zone: 1 | 2): void {
    this.entry(1, padded(file, 56), le(align, 4), le(zone, 1));
  }
  pointer(file: string, offset: number, size: number, to: string): void {
    this.entry(2, padded(file, 56), padded(to, 56), le(offset, 4), le(size, 1));
  }
  checksum(file: string, at: number, start: number, length: number): void {
    this.entry(3, padded(file, 56), le(at, 4), le(start, 4), le(length, 4));
  }
  bytes(): Uint8Array {
    return bytes(...this.parts);
  }
}

function table(signature: string, revision: number, body: Uint8Array): Uint8Array {
  return bytes(ascii(signature), le(36 + body.length, 4), revision, 0, padded(OEM, 6), padded(OEM_TABLE, 8), le(1, 4), ascii("GHPC"), le(1, 4), body);
}
/** Generic address: space 0 memory, 1 I/O. */
const address = (space: number, bits: number, access: number, at: number) => bytes(space, bits, 0, access, le(at, 8));

function fadt(): Uint8Array {
  const none = address(0, 0, 0, 0);
  const body = bytes(
    le(0, 4), le(0, 4), // FACS, DSDT: linked by firmware
    1, 0, le(9, 2), // SCI at interrupt 9
    le(0xb2, 4), 0xf1, 0xf0, 0, 0, // SMI command port: ACPI enable, disable
    le(PM_BASE, 4), le(0, 4), le(PM_BASE + 4, 4), le(0, 4), le(0, 4), le(PM_BASE + 8, 4), le(0xafe0, 4), le(0, 4),
    4, 2, 0, 4, 4, 0, 0, 0,
    le(0xfff, 2), le(0xfff, 2), // no C2, no C3
    le(0, 2), le(0, 2), 0, 0, 0, 0, 0x32, // century register
    le(3, 2), 0, // legacy devices, 8042
    // WBINVD, C1, RTC wake, platform clock, reset register. Bit 5 (no sleep button in PM1, set by QEMU) is 0: ours is there.
    le(0x0001 | 0x0004 | 0x0080 | 0x8000 | 0x0400, 4),
    address(1, 8, 1, 0xcf9), 0x0f, le(0, 3),
    le(0, 8), le(0, 8),
    address(1, 32, 0, PM_BASE), none, address(1, 16, 0, PM_BASE + 4), none, none, address(1, 32, 0, PM_BASE + 8), address(1, 32, 0, 0xafe0), none,
  );
  return table("FACP", 3, body);
}
function facs(): Uint8Array {
  return bytes(ascii("FACS"), le(64, 4), new Uint8Array(56));
}
function madt(processors: number): Uint8Array {
  const override = (source: number, gsi: number, flags: number) => bytes(2, 10, 0, source, le(gsi, 4), le(flags, 2));
  const cpus = Array.from({ length: processors }, (_, i) => bytes(0, 8, i, i, le(1, 4)));
  return table("APIC", 1, bytes(
    le(0xfee00000, 4), le(1, 4),
    ...cpus,
    bytes(1, 12, 0, 0, le(0xfec00000, 4), le(0, 4)),
    override(0, 2, 0),
    ...[5, 9, 10, 11].map((line) => override(line, line, 0x0d)), // PCI and SCI: level, active high
    bytes(4, 6, 0xff, le(0, 2), 1), // NMI at LINT1
  ));
}
function hpetTable(): Uint8Array {
  return table("HPET", 1, bytes(le(0x8086a201, 4), address(0, 0, 0, 0xfed00000), 0, le(0, 2), 0));
}
/** Tells Windows that the PM timer needs no double reading. */
function waet(): Uint8Array {
  return table("WAET", 1, le(2, 4));
}

export interface AcpiFiles {
  readonly loader: Uint8Array;
  readonly tables: Uint8Array;
  readonly rsdp: Uint8Array;
}
export function buildAcpi(input: DsdtInput & { readonly processors: number }): AcpiFiles {
  const script = new Script();
  let blob = new Uint8Array(0);
  const place = (data: Uint8Array, align = 1): number => {
    const at = Math.ceil(blob.length / align) * align;
    const grown = new Uint8Array(at + data.length);
    grown.set(blob);
    grown.set(data, at);
    blob = grown;
    return at;
  };
  const put32 = (at: number, value: number) => new DataView(blob.buffer).setUint32(at, value, true);
  const sum = (at: number, length: number) => script.checksum(TABLES, at + 9, at, length);

  script.allocate(TABLES, 64, 1);
  const facsAt = place(facs(), 64);
  const dsdt = table("DSDT", 1, dsdtBody(input));
  const dsdtAt = place(dsdt);
  sum(dsdtAt, dsdt.length);
  const fadtBytes = fadt();
  const fadtAt = place(fadtBytes);
  put32(fadtAt + 36, facsAt);
  script.pointer(TABLES, fadtAt + 36, 4, TABLES);
  put32(fadtAt + 40, dsdtAt);
  script.pointer(TABLES, fadtAt + 40, 4, TABLES);
  put32(fadtAt + 140, dsdtAt);
  script.pointer(TABLES, fadtAt + 140, 8, TABLES);
  sum(fadtAt, fadtBytes.length);
  const listed = [fadtAt];
  for (const data of [madt(input.processors), hpetTable(), waet()]) {
    const at = place(data);
    sum(at, data.length);
    listed.push(at);
  }
  const rsdt = table("RSDT", 1, bytes(...listed.map((at) => le(at, 4))));
  const rsdtAt = place(rsdt);
  listed.forEach((_, i) => script.pointer(TABLES, rsdtAt + 36 + 4 * i, 4, TABLES));
  sum(rsdtAt, rsdt.length);

  const rsdp = bytes(ascii("RSD PTR "), 0, padded(OEM, 6), 0, le(rsdtAt, 4));
  script.allocate(RSDP, 16, 2);
  script.pointer(RSDP, 16, 4, TABLES);
  script.checksum(RSDP, 8, 0, 20);
  return { loader: script.bytes(), tables: blob, rsdp };
}
