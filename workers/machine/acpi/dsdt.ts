// The DSDT of our pc: one PCI bus with its windows and routing through the PIIX3's PIRQ registers, the ISA devices, HPET, S3, S4, S5.
// Names follow QEMU's pc so that guests' logs look familiar. Left out: hot plug, CPU and PCI notifications.

import * as a from "./aml.ts";

export interface DsdtInput {
  /** First byte of the PCI memory window below 4 GiB. */
  readonly pciHole: number;
  readonly floppy: boolean;
  /** Which of COM1 and COM2 exist. */
  readonly serial: readonly boolean[];
  /** Physical address of the generation ID, when there is one. */
  readonly generation: number | null;
}
const LINKS = ["LNKA", "LNKB", "LNKC", "LNKD"] as const;

/** The AML after the header. */
export function dsdtBody(input: DsdtInput): a.Aml {
  const links = LINKS.map((link, i) => {
    const register = a.name(`PRQ${i}`);
    return a.device(link,
      a.nameDef("_HID", a.eisa("PNP0C0F")),
      a.nameDef("_UID", a.int(i)),
      a.nameDef("_PRS", a.resources(a.interrupts(5, 10, 11))),
      a.method("_STA", 0, false, a.ret(a.call("IQST", register))),
      a.method("_DIS", 0, false, a.or(register, a.int(0x80), register)),
      a.method("_CRS", 0, false, a.ret(a.call("IQCR", register))),
      a.method("_SRS", 1, false, a.createDword(a.arg(0), 5, "PRRI"), a.store(a.name("PRRI"), register)));
  });
  // The power management function raises interrupt 9 itself, whatever the PIRQ registers say.
  const system = a.device("LNKS",
    a.nameDef("_HID", a.eisa("PNP0C0F")),
    a.nameDef("_UID", a.int(4)),
    a.nameDef("_PRS", a.resources(a.interrupts(9))),
    a.method("_SRS", 1, false),
    a.method("_STA", 0, false, a.ret(a.int(0x0b))),
    a.method("_DIS", 0, false),
    a.method("_CRS", 0, false, a.ret(a.name("_PRS"))));

  const routing: a.Aml[] = [];
  for (let slot = 0; slot < 32; slot++)
    for (let pin = 0; pin < 4; pin++) {
      const link = slot === 1 && pin === 0 ? "LNKS" : (LINKS[(slot + pin - 1) & 3] as string);
      routing.push(a.pkg(a.int(slot * 0x10000 + 0xffff), a.int(pin), a.name(`\\_SB.${link}`), a.int(0)));
    }

  const isa: a.Aml[] = [
    a.nameDef("_ADR", a.int(0x00010000)),
    a.region("P40C", 2, 0x60, 4),
    a.device("KBD", a.nameDef("_HID", a.eisa("PNP0303")), a.nameDef("_STA", a.int(15)),
      a.nameDef("_CRS", a.resources(a.io(0x60, 1), a.io(0x64, 1), a.irqNoFlags(1)))),
    a.device("MOU", a.nameDef("_HID", a.eisa("PNP0F13")), a.nameDef("_STA", a.int(15)), a.nameDef("_CRS", a.resources(a.irqNoFlags(12)))),
    a.device("RTC", a.nameDef("_HID", a.eisa("PNP0B00")), a.nameDef("_CRS", a.resources(a.io(0x70, 8), a.irqNoFlags(8)))),
  ];
  if (input.floppy)
    isa.push(a.device("FDC0", a.nameDef("_HID", a.eisa("PNP0700")), a.nameDef("_STA", a.int(15)),
      a.nameDef("_CRS", a.resources(a.io(0x3f2, 4), a.io(0x3f7, 1), a.irqNoFlags(6), a.dma8(2)))));
  input.serial.slice(0, 2).forEach((present, i) => {
    if (present)
      isa.push(a.device(`COM${i + 1}`, a.nameDef("_HID", a.eisa("PNP0501")), a.nameDef("_UID", a.int(i + 1)), a.nameDef("_STA", a.int(15)),
        a.nameDef("_CRS", a.resources(a.io(i === 0 ? 0x3f8 : 0x2f8, 8), a.irqNoFlags(i === 0 ? 4 : 3)))));
  });

  const generation =
    input.generation === null
      ? []
      : [
          a.scope("\\_SB", a.device("VGEN",
            a.nameDef("_HID", a.str("QEMUVGID")),
            a.nameDef("_CID", a.str("VM_Gen_Counter")),
            a.nameDef("_DDN", a.str("VM_Gen_Counter")),
            a.nameDef("_STA", a.int(15)),
            a.nameDef("ADDR", a.pkg(a.int(input.generation), a.int(0))))),
          a.scope("\\_GPE", a.method("_E05", 0, false, a.notify("\\_SB.VGEN", 0x80))),
        ];

  return a.bytes(
    a.nameDef("\\PICF", a.int(0)),
    a.method("\\_PIC", 1, false, a.store(a.arg(0), a.name("\\PICF"))),
    a.scope("\\_SB",
      a.processor("C000", 0),
      a.device("PCI0",
        a.nameDef("_HID", a.eisa("PNP0A03")),
        a.nameDef("_ADR", a.int(0)),
        a.nameDef("_UID", a.int(0)),
        a.nameDef("_CRS", a.resources(
          a.wordSpace(2, 0, 0, 0xff),
          a.io(0xcf8, 8),
          a.wordSpace(1, 3, 0x0000, 0x0cf7),
          a.wordSpace(1, 3, 0x0d00, 0xffff),
          a.dwordMemory(true, 0x000a0000, 0x000bffff),
          a.dwordMemory(false, input.pciHole, 0xfebfffff))),
        a.nameDef("_PRT", a.pkg(...routing)),
        a.device("ISA", ...isa)),
      a.byteField("PCI0.ISA.P40C", ["PRQ0", 8], ["PRQ1", 8], ["PRQ2", 8], ["PRQ3", 8]),
      a.method("IQST", 1, false, a.iff(a.and(a.int(0x80), a.arg(0)), a.ret(a.int(0x09))), a.ret(a.int(0x0b))),
      a.method("IQCR", 1, true,
        a.nameDef("PRR0", a.resources(a.interrupts(0))),
        a.createDword(a.name("PRR0"), 5, "PRRI"),
        a.iff(a.less(a.arg(0), a.int(0x80)), a.store(a.arg(0), a.name("PRRI"))),
        a.ret(a.name("PRR0"))),
      ...links,
      system,
      a.device("HPET", a.nameDef("_HID", a.eisa("PNP0103")), a.nameDef("_UID", a.int(0)), a.nameDef("_STA", a.int(15)),
        a.nameDef("_CRS", a.resources(a.memory32Fixed(0xfed00000, 0x400, false))))),
    ...generation,
    // Sleep types as in QEMU: suspend to RAM is 1, hibernation 2 (power goes off), soft off 0.
    a.nameDef("\\_S3", a.pkg(a.int(1), a.int(1), a.int(0), a.int(0))),
    a.nameDef("\\_S4", a.pkg(a.int(2), a.int(2), a.int(0), a.int(0))),
    a.nameDef("\\_S5", a.pkg(a.int(0), a.int(0), a.int(0), a.int(0))),
  );
}
