import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FaultError } from "../../src/contract/schema.ts";
import { VMGENID_ADDRESS, VMGENID_OFFSET } from "../devices/vmgenid.ts";
import { buildBoard } from "./board.ts";
import { fakeBackends, FakeCpu, FakeMemory, testConfig, testFirmware } from "./fakes.ts";
import type { FirmwareImages } from "./parts.ts";

function build(config = testConfig(), firmware: FirmwareImages = testFirmware, disks = {}) {
  const memory = new FakeMemory();
  const backends = fakeBackends(disks);
  let cpu: FakeCpu | null = null;
  const board = buildBoard(config, {
    cpuFactory: (host) => {
      cpu = new FakeCpu(host);
      return cpu;
    },
    memory,
    backends: backends.source,
    firmware,
    hostNowMs: () => 0,
    hostDateMs: () => Date.UTC(2026, 0, 2),
  });
  board.reset();
  return { board, memory, backends, cpu: cpu as unknown as FakeCpu, host: (cpu as unknown as FakeCpu).host };
}
const cmos = (host: FakeCpu["host"], index: number) => {
  host.pioWrite(0x70, 1, index);
  return host.pioRead(0x71, 1);
};
const pciRead = (host: FakeCpu["host"], devfn: number, offset: number) => {
  host.pioWrite(0xcf8, 4, (0x80000000 | (devfn << 8) | offset) >>> 0);
  return host.pioRead(0xcfc, 4);
};

describe("board", () => {
  it("is QEMU's pc", () => {
    const { host, cpu } = build();
    expect(pciRead(host, 0x00, 0)).toBe(0x12378086);
    expect(pciRead(host, 0x08, 0)).toBe(0x70008086);
    expect(pciRead(host, 0xf0, 0)).toBe(0xffffffff);
    expect(cpu.a20).toBe(true);
    expect(cpu.resets).toBe(1);
  });
  it("tells the firmware about memory", () => {
    const { host } = build(testConfig({ memoryMiB: 512 }));
    expect(cmos(host, 0x15) | (cmos(host, 0x16) << 8)).toBe(640);
    expect(cmos(host, 0x34) | (cmos(host, 0x35) << 8)).toBe((496 * 1024) / 64);
  });
  it("puts memory above 3 GiB past 4 GiB", () => {
    const { memory, host } = build(testConfig({ memoryMiB: 3584 }));
    expect(memory.ram.map((r) => r.base)).toEqual([0, 0x100000000]);
    expect(cmos(host, 0x5b) | (cmos(host, 0x5c) << 8)).toBe(512 * 16);
  });
  it("maps the BIOS at the top and below 1 MiB", () => {
    const { memory } = build();
    expect(memory.mapped.map((m) => m.base)).toContain(0xfffc0000);
    expect(memory.mapped.map((m) => m.base)).toContain(0xe0000);
  });
  it("shadows through PAM", () => {
    const { memory, host } = build();
    pciRead(host, 0, 0x58);
    memory.shadows.length = 0;
    host.pioWrite(0xcfd, 1, 0x30);
    expect(memory.shadows).toEqual([{ physical: 0xf0000, length: 0x10000, reads: "ram", writes: "ram" }]);
  });
  it("carries the timer interrupt through the 8259 pair", () => {
    const { board, host, cpu } = build();
    for (const [port, value] of [[0x20, 0x11], [0x21, 0x08], [0x21, 4], [0x21, 1], [0x21, 0xfe], [0x43, 0x34], [0x40, 0xa9], [0x40, 0x04]] as const) host.pioWrite(port, 1, value);
    board.clock.skipTo(2e6);
    board.clock.timers.runDue(board.clock.now());
    expect(cpu.intrLevel).toBe(true);
    expect(host.acknowledge()).toBe(8);
    expect(cpu.intrLevel).toBe(false);
  });
  it("carries the timer interrupt through the I/O APIC at pin 2", () => {
    const { board, host, cpu } = build();
    host.mmioWrite(0xfee000f0, 4, 0x1ff);
    for (const [select, value] of [[0x14, 0x31], [0x15, 0]] as const) {
      host.mmioWrite(0xfec00000, 4, select);
      host.mmioWrite(0xfec00010, 4, value);
    }
    for (const [port, value] of [[0x43, 0x34], [0x40, 0xa9], [0x40, 0x04]] as const) host.pioWrite(port, 1, value);
    board.clock.skipTo(2e6);
    board.clock.timers.runDue(board.clock.now());
    expect(cpu.intrLevel).toBe(true);
    expect(host.acknowledge()).toBe(0x31);
  });
  it("asks for a reset through 0xCF9, 0x64 and 0x92", () => {
    for (const [port, value] of [[0xcf9, 6], [0x64, 0xfe], [0x92, 1]] as const) {
      const { board, host } = build();
      host.pioWrite(port, 1, value);
      expect(board.request).toEqual({ what: "reset" });
    }
  });
  it("moves a PCI BAR as the guest programs it", () => {
    const { board, host } = build(testConfig({ devices: [{ type: "edu" }] }));
    host.pioWrite(0xcf8, 4, 0x80001810);
    host.pioWrite(0xcfc, 4, 0xffffffff);
    expect(host.pioRead(0xcfc, 4)).toBe(0xfff00000);
    host.pioWrite(0xcfc, 4, 0xfe000000);
    host.pioWrite(0xcf8, 4, 0x80001804);
    host.pioWrite(0xcfc, 2, 6);
    expect(host.mmioRead(0xfe000000, 4)).toBe(0x010000ed);
    expect(board.mmio.list().some((e) => e.base === 0xfe000000)).toBe(true);
  });
  it("refuses what it does not know", () => {
    expect(() => build(testConfig({ devices: [{ type: "warp-drive" }] }))).toThrow(FaultError);
  });
  it("matches the golden list", () => {
    expect(build(testConfig({ serial: ["console", "null"], devices: [{ type: "edu" }] })).board.describe().join("\n")).toMatchSnapshot();
  });
  it("starts a boot sector without firmware", async () => {
    const disk = new Uint8Array(1440 * 1024).fill(0x90);
    const config = testConfig({ firmware: { bios: "none" }, disks: [{ at: "floppy0", media: "floppy", source: "memory:x" }] });
    const { board, cpu, memory } = build(config, { bios: null }, { floppy0: disk });
    await board.prepare();
    board.reset();
    expect(cpu.started).toEqual([0, 0x7c00, 0]);
    expect(memory.ram[0]?.bytes[0x7c00]).toBe(0x90);
  });
});

const linuxboot = "/usr/share/qemu/linuxboot_dma.bin";
describe.skipIf(!existsSync(linuxboot))("kernel boot", () => {
  function bzImage(): Uint8Array {
    const k = new Uint8Array(0x1000 + 512);
    const v = new DataView(k.buffer);
    v.setUint8(0x1f1, 3);
    v.setUint16(0x1fe, 0xaa55, true);
    v.setUint32(0x202, 0x53726448, true);
    v.setUint16(0x206, 0x020f, true);
    v.setUint8(0x211, 1);
    v.setUint32(0x1f4, (k.length - 2048) / 16, true);
    v.setUint32(0x238, 2047, true);
    v.setUint32(0x22c, 0x7fffffff, true);
    return k;
  }
  const rom = () => new Uint8Array(readFileSync(linuxboot));
  it("sets the keys for a bzImage", () => {
    const { host, board } = build(testConfig({ boot: { kernel: "k", append: "console=ttyS0" } }), { ...testFirmware, kernel: bzImage(), initrd: new Uint8Array(5000), linuxboot: rom() });
    const item = (key: number, n: number) => {
      host.pioWrite(0x510, 2, key);
      return Array.from({ length: n }, () => host.pioRead(0x511, 1));
    };
    expect(item(0x07, 4)).toEqual([0, 0, 0x10, 0]);
    expect(String.fromCharCode(...item(0x15, 13))).toBe("console=ttyS0");
    expect(item(0x18, 0x211)[0x210]).toBe(0xb0);
    expect(board.fwCfg.file("genroms/linuxboot_dma.bin")).not.toBeNull();
    expect(new TextDecoder().decode(board.fwCfg.file("bootorder") as Uint8Array)).toBe("/rom@genroms/linuxboot_dma.bin\0");
  });
  it("names what is wrong with a foreign or truncated kernel", () => {
    const arm = new Uint8Array(64);
    arm.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    arm[18] = 183;
    const code = (kernel: Uint8Array) => {
      try {
        build(testConfig({ boot: { kernel: "k" } }), { ...testFirmware, kernel, linuxboot: rom() });
      } catch (e) {
        return (e as FaultError).fault?.code;
      }
      return "none";
    };
    expect(code(arm)).toBe("boot.kernel.machine");
    expect(code(bzImage().slice(0, 0x900))).toBe("boot.kernel.truncated");
    expect(code(new Uint8Array(4096))).toBe("boot.kernel.format");
  });
  it("lays out a Multiboot ELF with modules", () => {
    const k = new Uint8Array(0x2000);
    const v = new DataView(k.buffer);
    k.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
    v.setUint16(18, 3, true);
    v.setUint32(24, 0x100010, true);
    v.setUint32(28, 52, true);
    v.setUint16(42, 32, true);
    v.setUint16(44, 1, true);
    [1, 0x1000, 0x100000, 0x100000, 0x800, 0x3000].forEach((n, i) => v.setUint32(52 + 4 * i, n, true));
    [0x1badb002, 3, (-(0x1badb002 + 3)) >>> 0].forEach((n, i) => v.setUint32(0x1000 + 4 * i, n, true));
    const { board } = build(testConfig({ boot: { kernel: "k.elf", append: "hi" } }), {
      ...testFirmware, kernel: k, multiboot: new Uint8Array(1024), modules: [{ bytes: Uint8Array.of(1, 2, 3), commandLine: "m1 x" }],
    });
    expect(board.fwCfg.file("genroms/multiboot_dma.bin")).not.toBeNull();
  });
});

describe("generation ID", () => {
  const made = (clock: "wall" | "instructions", options: object = {}) => build(testConfig({ clock: { mode: clock }, devices: [{ type: "vmgenid", options }] }));
  const guid = ({ memory }: ReturnType<typeof build>) => Buffer.from(memory.mapped.find((m) => m.base === VMGENID_ADDRESS)?.bytes.subarray(VMGENID_OFFSET, VMGENID_OFFSET + 16) ?? []).toString("hex");
  it("is another one for each machine and after each load, and the guest is told by GPE0 bit 5", () => {
    const a = made("wall");
    expect(guid(a)).toMatch(/^[0-9a-f]{32}$/);
    expect(guid(a)).not.toBe(guid(made("wall")));
    // The guest has enabled the event: SCI is interrupt 9.
    a.host.pioWrite(0xafe2, 1, 1 << 5);
    const before = guid(a);
    const raised = a.board.irqCounts()[9] ?? 0;
    a.board.newGeneration();
    expect(guid(a)).not.toBe(before);
    expect(a.host.pioRead(0xafe0, 1)).toBe(1 << 5);
    expect(a.board.irqCounts()[9]).toBe(raised + 1);
    // Written ones clear it.
    a.host.pioWrite(0xafe0, 1, 1 << 5);
    expect(a.host.pioRead(0xafe0, 1)).toBe(0);
  });
  it("is always the same where runs are to be repeatable", () => {
    const a = made("instructions");
    a.board.newGeneration();
    expect(guid(a)).toBe("0".repeat(32));
    expect(a.host.pioRead(0xafe0, 1)).toBe(0);
  });
  it("is the person's when they gave one", () => {
    const a = made("wall", { guid: "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87" });
    a.board.newGeneration();
    expect(guid(a)).toBe("af6e4e32d1d1f64bbf41b9bb6c91fb87");
    expect(() => made("wall", { guid: "x" })).toThrow(FaultError);
    expect(() => build(testConfig({ devices: [{ type: "vmgenid" }, { type: "vmgenid" }] }))).toThrow("one vmgenid");
  });
});
