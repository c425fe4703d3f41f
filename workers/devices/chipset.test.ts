import { describe, expect, it } from "vitest";
import { testSlot } from "../platform/test-slot.ts";
import { debugConsole, debugExit } from "./debug-ports.ts";
import { edu } from "./edu.ts";
import { FW_CFG, fwCfg } from "./fw-cfg.ts";
import { fpuError } from "./fpu-error.ts";
import { hpet } from "./hpet.ts";
import { pciHost } from "./pci-host.ts";
import { piix3 } from "./piix3.ts";
import { piix4Pm } from "./piix4-pm.ts";

describe("host bridge", () => {
  it("shadows by PAM and resets by 0xCF9", () => {
    const slot = testSlot();
    pciHost.create(slot).reset();
    slot.function?.write(0x5a, 1, 0x31);
    expect(slot.shadows).toEqual([[0xc0000, 0x4000, "ram", "bus"], [0xc4000, 0x4000, "ram", "ram"]]);
    slot.out8(0xcf9, 2);
    slot.out8(0xcf9, 6);
    expect(slot.wireEdges("reset")).toBe(1);
    slot.out32(0xcf8, 0x80001800);
    expect(slot.in16(0xcfe)).toBe(0x1237);
    slot.out32(0xcf8, 0x00001800);
    expect(slot.in32(0xcfc)).toBe(0xffffffff);
  });
});
describe("PIIX3", () => {
  it("routes PIRQs by its registers and shares a line", () => {
    const slot = testSlot();
    piix3.create(slot).reset();
    slot.drive("pirqa", true);
    expect(slot.level(11)).toBe(false);
    slot.function?.write(0x60, 4, 0x80800b0b);
    expect(slot.level(11)).toBe(true);
    slot.drive("pirqb", true);
    slot.drive("pirqa", false);
    expect(slot.level(11)).toBe(true);
    slot.drive("pirqb", false);
    expect(slot.level(11)).toBe(false);
  });
});
describe("power management", () => {
  function make() {
    const slot = testSlot();
    piix4Pm.create(slot).reset();
    slot.function?.write(0x40, 4, 0x601);
    slot.function?.write(0x80, 1, 1);
    return slot;
  }
  it("counts at 3.579545 MHz", () => {
    const slot = make();
    const first = slot.in32(0x608);
    slot.advance(1e6);
    expect(slot.in32(0x608) - first).toBe(3579);
  });
  it("enables ACPI, takes the power button and switches off", () => {
    const slot = make();
    slot.out8(0xb2, 0xf1);
    expect(slot.in16(0x604) & 1).toBe(1);
    slot.out16(0x602, 0x100);
    slot.drive("power-button", true);
    expect(slot.level(9)).toBe(true);
    slot.out16(0x600, 0x100);
    expect(slot.level(9)).toBe(false);
    slot.out16(0x604, 0x2001);
    expect(slot.wireEdges("poweroff")).toBe(1);
  });
  it("takes the sleep button; a status bit is cleared by writing it, and only an enabled one interrupts", () => {
    const slot = make();
    slot.drive("sleep-button", true);
    expect([slot.in16(0x600), slot.level(9)]).toEqual([0x200, false]);
    slot.out16(0x602, 0x200);
    expect(slot.level(9)).toBe(true);
    slot.out16(0x600, 0x100);
    expect(slot.level(9)).toBe(true);
    slot.out16(0x600, 0x200);
    expect([slot.in16(0x600), slot.level(9)]).toEqual([0, false]);
  });
  it("raises the timer overflow", () => {
    const slot = make();
    slot.out16(0x602, 1);
    slot.advance(2.4e9);
    expect(slot.level(9)).toBe(true);
    expect(slot.in16(0x600) & 1).toBe(1);
  });
});
describe("APM control port", () => {
  it("switches ACPI mode, and names the SMI that nobody handles", () => {
    const slot = testSlot();
    piix4Pm.create(slot).reset();
    slot.function?.write(0x40, 4, 0x601);
    slot.function?.write(0x80, 1, 1);
    slot.out8(0xb2, 0xf1);
    expect(slot.in16(0x604) & 1).toBe(1);
    slot.out8(0xb2, 0xf0);
    expect(slot.in16(0x604) & 1).toBe(0);
    expect(slot.missed.size).toBe(0);
    slot.out8(0xb2, 0x42);
    expect([slot.in8(0xb2), [...slot.missed.keys()]]).toEqual([0x42, ["SMI through port B2"]]);
  });
});
describe("hpet", () => {
  const at = 0xfed00000;
  it("counts at 100 MHz and fires one-shot through legacy routing", () => {
    const slot = testSlot();
    hpet.create(slot, { msi: false }).reset();
    expect(slot.mmio.read(at + 4, 4)).toBe(10_000_000);
    slot.mmio.write(at + 0x10, 4, 3);
    expect(slot.wireLevel("legacy")).toBe(true);
    slot.mmio.write(at + 0x100, 4, 0x104);
    slot.mmio.write(at + 0x108, 4, slot.mmio.read(at + 0xf0, 4) + 100);
    slot.advance(999);
    expect(slot.edges(0)).toBe(0);
    slot.advance(2);
    expect(slot.edges(0)).toBe(1);
  });
  it("runs periodically as Linux programs it", () => {
    const slot = testSlot();
    hpet.create(slot, { msi: false }).reset();
    slot.mmio.write(at + 0x10, 4, 3);
    slot.mmio.write(at + 0x100, 4, 0x14c);
    slot.mmio.write(at + 0x108, 4, 1000);
    slot.mmio.write(at + 0x108, 4, 1000);
    slot.advance(10_000 * 10 + 5);
    expect(slot.edges(0)).toBe(10);
  });
  it("does not wait for a comparator that may not interrupt, and still knows its value", () => {
    const slot = testSlot();
    hpet.create(slot, { msi: false }).reset();
    slot.mmio.write(at + 0x10, 4, 1);
    slot.mmio.write(at + 0x100, 4, 0x148);
    slot.mmio.write(at + 0x108, 4, 1000);
    slot.mmio.write(at + 0x108, 4, 1000);
    expect(slot.clock.next()).toBe(Number.POSITIVE_INFINITY);
    slot.advance(10_000 * 7 + 50);
    expect(slot.mmio.read(at + 0x108, 4)).toBe(8000);
    slot.mmio.write(at + 0x100, 4, 0x50c);
    slot.advance(10_000);
    expect(slot.edges(2)).toBe(1);
  });
  it("sends an FSB message when the comparator says so, announced or not", () => {
    const slot = testSlot();
    hpet.create(slot, { msi: true }).reset();
    expect(slot.mmio.read(at + 0x100, 4) & 0x8000).toBe(0x8000);
    slot.mmio.write(at + 0x110, 4, 0x4031);
    slot.mmio.write(at + 0x114, 4, 0xfee00000);
    slot.mmio.write(at + 0x10, 4, 1);
    slot.mmio.write(at + 0x100, 4, 0x4104);
    slot.mmio.write(at + 0x108, 4, 100);
    slot.advance(1001);
    expect(slot.messages).toEqual([{ address: 0xfee00000, data: 0x4031 }]);
    expect(slot.edges(2)).toBe(0);
  });
});
describe("fw_cfg", () => {
  it("answers by port and by DMA", () => {
    const slot = testSlot();
    const chip = fwCfg.create(slot);
    chip.later(() => chip.addFile("etc/b", Uint8Array.of(1, 2, 3)));
    chip.addFile("etc/a", Uint8Array.of(9));
    chip.reset();
    slot.out16(0x510, 0);
    expect(String.fromCharCode(slot.in8(0x511), slot.in8(0x511), slot.in8(0x511), slot.in8(0x511))).toBe("QEMU");
    slot.out16(0x510, FW_CFG.FILE_DIR);
    const dir = Uint8Array.from({ length: 132 }, () => slot.in8(0x511));
    expect(dir[3]).toBe(2);
    expect(new TextDecoder().decode(dir.subarray(12, 17))).toBe("etc/a");
    const view = new DataView(slot.bytes.buffer);
    view.setUint32(0x1000, (0x21 << 16) | 8 | 2);
    view.setUint32(0x1004, 5);
    view.setUint32(0x1008, 0);
    view.setUint32(0x100c, 0x2000);
    slot.bytes.fill(0xee, 0x2000, 0x2006);
    slot.out32(0x514, 0);
    slot.out32(0x518, 0x00100000);
    expect([...slot.bytes.subarray(0x2000, 0x2006)]).toEqual([1, 2, 3, 0, 0, 0xee]);
    expect(view.getUint32(0x1000)).toBe(0);
  });
});
describe("debug ports", () => {
  it("prints, answers and exits", () => {
    const slot = testSlot();
    debugConsole.create(slot, { iobase: 0x402, readback: 0xe9 });
    slot.out8(0x402, 72);
    expect(slot.sent).toEqual([72]);
    expect(slot.in8(0x402)).toBe(0xe9);
    let status = -1;
    debugExit.create(slot, { iobase: 0x501, iosize: 2 }).onExit = (s) => (status = s);
    slot.out8(0x501, 0x10);
    expect(status).toBe(0x21);
  });
});
describe("edu", () => {
  function make() {
    const slot = testSlot();
    edu.create(slot).reset();
    slot.function?.write(0x10, 4, 0xfe000000);
    slot.function?.write(4, 2, 6);
    const get = (r: number) => slot.mmio.read(0xfe000000 + r, 4);
    const set = (r: number, v: number) => slot.mmio.write(0xfe000000 + r, 4, v);
    return { slot, get, set };
  }
  it("inverts, multiplies and interrupts", () => {
    const { slot, get, set } = make();
    set(4, 0x12345678);
    expect(get(4)).toBe(0xedcba987);
    set(0x20, 0x80);
    set(8, 5);
    expect(get(0x20) & 1).toBe(1);
    slot.advance(20_000);
    expect(get(8)).toBe(120);
    expect(slot.wireLevel("intx")).toBe(true);
    expect(get(0x24)).toBe(1);
    set(0x64, 1);
    expect(slot.wireLevel("intx")).toBe(false);
  });
  it("copies by DMA both ways", () => {
    const { slot, get, set } = make();
    slot.bytes.set([1, 2, 3, 4], 0x3000);
    for (const [r, v] of [[0x80, 0x3000], [0x88, 0x40000], [0x90, 4], [0x98, 1]] as const) set(r, v);
    slot.advance(200_000);
    for (const [r, v] of [[0x80, 0x40000], [0x88, 0x4000], [0x90, 4], [0x98, 7]] as const) set(r, v);
    slot.advance(200_000);
    expect([...slot.bytes.subarray(0x4000, 0x4004)]).toEqual([1, 2, 3, 4]);
    expect(get(0x24)).toBe(0x100);
  });
  it("announces and sends one message-signalled interrupt as QEMU's", () => {
    const { slot, get, set } = make();
    const f = slot.function;
    if (!f) throw new Error("no function");
    // What QEMU 7.2 answers in its monitor (i /4 0xcfc), before and after writing all ones.
    expect([0x34, 0x40, 0x44, 0x48, 0x4c].map((at) => f.read(at, 4))).toEqual([0x40, 0x00800005, 0, 0, 0]);
    const all = [0x40, 0x44, 0x48, 0x4c].map((at) => {
      f.write(at, 4, 0xffffffff);
      return f.read(at, 4);
    });
    expect(all).toEqual([0x00810005, 0xfffffffc, 0xffffffff, 0xffffffff]);
    for (const [at, v] of [[0x44, 0xfee00000], [0x48, 0], [0x4c, 0x41]] as const) f.write(at, 4, v);
    set(0x60, 2);
    expect(slot.messages).toEqual([{ address: 0xfee00000, data: 0x41 }]);
    expect(slot.wireLevel("intx")).toBe(false);
    expect(get(0x24)).toBe(2);
    f.write(0x42, 2, 0x80);
    set(0x60, 4);
    expect(slot.wireLevel("intx")).toBe(true);
    expect(slot.messages.length).toBe(1);
  });
});
describe("x87 error logic", () => {
  it("raises interrupt 13 until port F0 is written, and again after the error was cleared", () => {
    const slot = testSlot();
    fpuError.create(slot).reset();
    slot.drive("ferr", true);
    slot.drive("ferr", true);
    expect([slot.level(13), slot.edges(13)]).toEqual([true, 1]);
    slot.out8(0xf0, 0);
    expect(slot.level(13)).toBe(false);
    slot.drive("ferr", true);
    expect(slot.level(13)).toBe(false);
    slot.drive("ferr", false);
    slot.drive("ferr", true);
    expect([slot.level(13), slot.edges(13)]).toEqual([true, 2]);
  });
});
