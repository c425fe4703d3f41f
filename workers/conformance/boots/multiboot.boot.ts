// Multiboot 1 kernels booted through the firmware and multiboot_dma.bin, against what QEMU 7.2 prints for the same files (multiboot/*.txt):
//   qemu-system-x86_64 -m 64 -kernel x.elf -initrd "mod1 arg one,mod2" -append "hello world" -serial stdio -display none -no-reboot
//     -device isa-debug-exit,iobase=0xf4,iosize=4
// The wrong kinds are refused before anything runs.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type DomainConfig, domainSchema } from "../../../src/contract/domain.ts";
import { elfHeader } from "../bad-images.ts";
import { modules, multibootElf, multibootPlain } from "./multiboot-kernel.ts";
import { Stage } from "./stage.ts";

const folder = mkdtempSync(join(tmpdir(), "gh-multiboot-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes);
  return `file:${join(folder, name)}`;
};
const domain = (boot: object): DomainConfig =>
  domainSchema.parse({
    name: "multiboot",
    memoryMiB: 64,
    cpu: { model: "qemu64", count: 1, accel: "interp" },
    clock: { mode: "wall" },
    firmware: {},
    boot,
    vga: "std",
    devices: [{ type: "isa-debug-exit", options: { iobase: 0xf4, iosize: 4 } }],
    noReboot: true,
  });
const expected = (name: string) => readFileSync(new URL(`multiboot/${name}.txt`, import.meta.url), "latin1");

describe("Multiboot 1", () => {
  it.each([
    ["an ELF32 file with two modules", "x.elf", multibootElf(), true],
    ["a plain file with addresses in its header", "x.bin", multibootPlain(), true],
    ["no modules and no command line", "x.elf", multibootElf(), false],
  ] as const)("%s prints what it prints in QEMU", async (_, name, kernel, full) => {
    const initrd = modules.map((m, i) => `${file(m.name, m.bytes)}${i === 0 ? " arg one" : ""}`).join(",");
    const stage = await Stage.open(domain({ kernel: file(name, kernel), ...(full ? { initrd, append: "hello world" } : {}) }));
    const { machine } = stage.node;
    await machine.start();
    const end = Date.now() + 30_000;
    while (machine.state === "running" && Date.now() < end) await new Promise((r) => setTimeout(r, 20));
    expect(stage.text().replaceAll(`${folder}/`, "")).toBe(expected(full ? name : "bare"));
    expect(machine.last).toMatchObject({ state: "off", exitStatus: 33 });
  });
  it.each([
    ["an ELF64 file for x86-64", elfHeader(2, 62, true), "boot.multiboot.elf64", /64-bit ELF file/],
    ["an ELF file for ARM", elfHeader(1, 40, true), "boot.kernel.machine", /for ARM, not for a PC/],
    ["an ELF file with nothing to load", elfHeader(1, 3, true), "boot.multiboot", /nothing to load/],
    ["a truncated ELF file", multibootElf().slice(0, 200), "boot.multiboot", /a segment lies outside the file/],
    ["a truncated plain file", multibootPlain().slice(0, 200), "boot.multiboot", /shorter than load_end_addr says/],
  ])("%s is refused with a hint", async (_, kernel, code, sentence) => {
    await expect(Stage.open(domain({ kernel: file("wrong", kernel) }))).rejects.toMatchObject({
      fault: { code, message: expect.stringMatching(sentence), hint: expect.any(String) },
    });
  });
  it("modules that do not fit in memory are refused", async () => {
    const kernel = file("x.elf", multibootElf());
    const initrd = file("large", new Uint8Array(63 << 20));
    await expect(Stage.open(domain({ kernel, initrd }))).rejects.toMatchObject({
      fault: { code: "boot.kernel.memory", message: expect.stringContaining("does not fit in 64 MiB"), hint: "Give the machine more memory." },
    });
  });
});
