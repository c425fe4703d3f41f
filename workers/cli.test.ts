// The program as a person runs it: help, faults, exit status, serial output, screendump and counters.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { elfHeader, truncatedKernel } from "./conformance/bad-images.ts";

const root = join(import.meta.dirname, "..");
const core = process.env.GUESTHOUSE_CORE ?? join(root, "workers/cpu/build/core.wasm");
const folder = mkdtempSync(join(tmpdir(), "gh-cli-"));
const run = (...args: string[]) => runWith("", ...args);
function runWith(input: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "bin/guesthouse.mjs"), ...args], {
    encoding: "utf8",
    cwd: folder,
    timeout: 60_000,
    input,
    env: { ...process.env, GUESTHOUSE_CORE: core },
  });
  return { status, stdout, stderr };
}
/** A boot sector: code, then the signature. */
function bootSector(...code: number[]): string {
  const sector = new Uint8Array(512);
  sector.set(code);
  sector.set([0x55, 0xaa], 510);
  const path = join(folder, `boot-${code.length}.img`);
  writeFileSync(path, sector);
  return path;
}

describe("without a machine", () => {
  test("help, version, devices", () => {
    expect(run("-help").stdout).toContain("-kernel FILE");
    for (const flag of ["-version", "--version"]) expect(run(flag).stdout).toMatch(/^guesthouse \d/);
    expect(run("-device", "help").stdout).toContain("isa-debug-exit");
    expect(run("-d", "help").stdout).toContain("in_asm");
    expect(run("-cpu", "help").stdout).toContain("qemu64");
  });
  test("faults are sentences with status 1", () => {
    const asked = run("-enable-kvm");
    expect(asked.status).toBe(1);
    expect(asked.stderr).toBe("guesthouse: -enable-kvm is not supported. [flags.unsupported]\n  Leave it out: there is no KVM here, guest code is interpreted or translated (-accel).\n");
    expect(run("-hda", "/no/such.img").stderr).toContain("guesthouse: Cannot open /no/such.img: there is no such file.");
    expect(run("-d", "nonsense").stderr).toContain("-d nonsense is not supported.");
  });
});

describe("what a person cannot have is a sentence with a code and a hint, with status 1", () => {
  const file = (name: string, bytes: Uint8Array | string): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const firmware = join(folder, "firmware");
  mkdirSync(firmware, { recursive: true });
  writeFileSync(join(firmware, "bios-256k.bin"), new Uint8Array(65536));
  writeFileSync(join(firmware, "built.json"), JSON.stringify({ files: { "bios-256k.bin": { bytes: 65536, sha256: createHash("sha256").update("another").digest("hex") } } }));
  const kernel = file("vmlinuz", truncatedKernel());
  const odd = file("odd.img", new Uint8Array(700));
  test.each<[string, readonly string[], string, string, string]>([
    ["a truncated kernel", ["-kernel", kernel], "The kernel has 4096 bytes; its header announces 8002560.", "Was the download complete?", "boot.kernel.truncated"],
    ["a kernel of a few bytes", ["-kernel", file("tiny", "x")], "The kernel has only 1 bytes.", "Was the download complete?", "boot.kernel.truncated"],
    ["no kernel at all", ["-kernel", odd.replace("odd.img", "no.img")], "there is no such file.", "Check the path; it is relative to the current directory.", "file.open"],
    ["a disk of a wrong size", ["-hda", odd], `${odd} has 700 bytes, which is not a whole number of 512-byte sectors.`, "Pad the image, for example with truncate -s %512 FILE.", "block.size"],
    ["an empty disk", ["-hda", file("empty.img", "")], "empty.img is empty: a disk has at least one sector of 512 bytes.", "Was the file copied completely?", "block.empty"],
    ["a floppy of no format", ["-fda", file("three.img", new Uint8Array(1536))], "A floppy image of 1536 bytes is no format of a PC drive", "truncate -s 1440K FILE", "floppy.size"],
    ["an ELF for ARM", ["-kernel", file("arm.elf", elfHeader(1, 40))], "The kernel is an ELF file for ARM, not for a PC.", "Give a kernel built for x86.", "boot.kernel.machine"],
    ["vmlinux", ["-kernel", file("vmlinux", elfHeader(2, 62))], "The kernel is an ELF file without a Multiboot header.", "For Linux give the bzImage", "boot.kernel.elf"],
    ["more memory than there is", ["-m", "8G"], "expected a whole number from 1 to 3584, got 8192", "A machine can have 1 to 3584 MiB (3.5 GiB) of memory", "schema.invalid"],
    ["an unknown CPU flag", ["-cpu", "qemu64,+nonsense"], 'There is no CPU flag "+nonsense".', "Write +flag or -flag", "cpu.flag"],
    ["a CPU flag that is not there yet", ["-cpu", "qemu64,+vmx"], 'The CPU flag "vmx" is known but not implemented here.', "Leave it out", "cpu.flag"],
    ["an unknown CPU", ["-cpu", "z80"], 'There is no CPU model "z80".', "Known models: qemu64", "cpu.model"],
    ["a damaged image", ["-L", firmware], "bios-256k.bin is damaged: its SHA-256 is", "Run npm run images: a damaged file is built again.", "image.hash"],
  ])("%s", (_, flags, sentence, hint, code) => {
    const said = run(...flags);
    expect(said.stderr).toMatch(/^guesthouse: .* \[[a-z.A-Z]+\]\n {2}\S.*\n$/);
    expect(said.stderr).toContain(` [${code}]\n`);
    expect(said.stderr).toContain(sentence);
    expect(said.stderr).toContain(hint);
    expect(said.stdout).toBe("");
    expect(said.status).toBe(1);
  });
});

describe.skipIf(!existsSync(core))("with a machine", () => {
  test("isa-debug-exit v leaves with 2v+1", () => {
    const image = bootSector(0xb0, 0x10, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd);
    expect(run("-bios", "none", "-hda", image, "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-m", "16").status).toBe(33);
  }, 60_000);
  test("monitor lines and Ctrl-A keys can be piped in", () => {
    const image = bootSector(0xf4, 0xeb, 0xfd); // hlt; jmp
    const common = ["-bios", "none", "-hda", image, "-m", "16"];
    const both = (text: string) => `${text}fly\ninfo status\n`;
    for (const flags of [["-nographic"], ["-display", "none", "-serial", "mon:stdio"]])
      for (const end of ["quit\n", "\x01x"]) {
        const said = runWith(`${both("\x01c")}${end}`, ...common, ...flags);
        expect(said.stdout).toContain('There is no command "fly". Type help for the list.');
        expect(said.stdout).toContain("VM status: running");
        expect(said).toMatchObject({ status: 0, stderr: "" });
      }
    const alone = runWith(`${both("")}quit\n`, ...common, "-display", "none", "-serial", "null", "-monitor", "stdio");
    expect(alone.stdout).toMatch(/^Guesthouse monitor: [\s\S]*There is no command "fly"[\s\S]*VM status: running/);
    expect(alone.status).toBe(0);
  }, 60_000);
  test("serial, debug console, screendump, stats", () => {
    // mov dx,3F8h; mov al,'A'; out dx,al; mov al,'D'; out E9h,al; mov ax,B800h; mov es,ax; mov word es:[0],0748h; mov al,0; out F4h,al
    const image = bootSector(
      0xba, 0xf8, 0x03, 0xb0, 0x41, 0xee, 0xb0, 0x44, 0xe6, 0xe9, 0xb8, 0x00, 0xb8, 0x8e, 0xc0,
      0x26, 0xc7, 0x06, 0x00, 0x00, 0x48, 0x07, 0xb0, 0x00, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd,
    );
    const [text, stats, serial, png] = ["s.txt", "s.json", "serial.txt", "s.png"].map((name) => join(folder, name)) as [string, string, string, string];
    const common = ["-bios", "none", "-hda", image, "-device", "isa-debug-exit,iobase=0xf4", "-m", "16", "-icount", "shift=3"];
    const first = run(...common, "-serial", "stdio", "-debugcon", "stdio", "-screendump", text, "-stats", stats);
    expect(first.status).toBe(1);
    expect(first.stdout).toBe("A");
    expect(first.stderr).toBe("D");
    expect(readFileSync(text, "utf8").split("\n")[0]).toBe("H");
    const counted = JSON.parse(readFileSync(stats, "utf8")) as { instructions: number; pio: number };
    expect(counted.pio).toBeGreaterThanOrEqual(3);
    run(...common, "-serial", `file:${serial}`, "-screendump", png, "-stats", stats);
    expect(readFileSync(serial, "utf8")).toBe("A");
    expect([...readFileSync(png).subarray(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
    expect((JSON.parse(readFileSync(stats, "utf8")) as { instructions: number }).instructions).toBe(counted.instructions);
  }, 60_000);
  test("pc-testdev's ports and memory answer as QEMU's", () => {
    const { sector, lines, status } = JSON.parse(readFileSync(join(root, "workers/conformance/testdev/qemu.json"), "utf8")) as { sector: string; lines: readonly string[]; status: number };
    const image = join(folder, "testdev.img");
    writeFileSync(image, Buffer.concat([Buffer.from(sector, "base64"), Buffer.alloc(1_474_560 - 512)]));
    const serial = join(folder, "testdev.txt");
    const exit = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"];
    const said = run("-m", "16", "-nodefaults", "-bios", "none", "-device", "pc-testdev", ...exit, "-drive", `file=${image},if=floppy,format=raw`, "-serial", `file:${serial}`);
    expect(said).toMatchObject({ stdout: "", stderr: "", status });
    expect(readFileSync(serial, "utf8").split("\n").filter((l) => l !== "")).toEqual(lines);
    // Beside a debug console that somebody listens to, port E9 is the console's.
    expect(run("-m", "16", "-nodefaults", "-bios", "none", "-device", "pc-testdev", ...exit, "-fda", image, "-debugcon", "file:e9.txt")).toMatchObject({ stderr: "", status });
  }, 60_000);
  test("-S waits for cont; -stats has every field; -D takes the log; -global, -name, -smp 1", () => {
    const stats = join(folder, "all.json");
    const log = join(folder, "log.txt");
    const exit = bootSector(0xb0, 0x01, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd, 0x90);
    const said = runWith("info status\ncont\n", "-S", "-monitor", "stdio", "-serial", "null", "-display", "none", "-bios", "none", "-hda", exit, "-m", "16", "-smp", "1", "-name", "guest=shop", "-global", "isa-debug-exit.iobase=0xf4", "-device", "isa-debug-exit", "-stats", stats, "-d", "in_asm,cpu_reset", "-D", log);
    expect(said.stdout).toContain("VM status: paused");
    expect(said).toMatchObject({ stderr: "", status: 3 });
    expect(Object.keys(JSON.parse(readFileSync(stats, "utf8")) as object)).toEqual(["instructions", "seconds", "busySeconds", "guestSeconds", "mips", "tlbFills", "interrupts", "exceptions", "blocksDecoded", "pio", "mmio", "missing"]);
    expect(JSON.parse(readFileSync(stats, "utf8"))).toMatchObject({ instructions: 2, interrupts: 0, pio: 1 });
    expect(readFileSync(log, "utf8")).toMatch(/CPU Reset[\s\S]*IN:[\s\S]*0xf4/);
  }, 60_000);
  test("what ends a machine: triple fault with -no-reboot, power off with and without -no-shutdown, a signal", async () => {
    // lidt of a limit of 0 and int 3: three faults
    const triple = bootSector(0x0f, 0x01, 0x1e, 0x10, 0x7c, 0xcd, 0x03, 0xf4, 0x90);
    expect(run("-bios", "none", "-hda", triple, "-m", "16", "-display", "none", "-serial", "null", "-no-reboot")).toMatchObject({ stderr: "", status: 0 });
    // PM base 600h and enable by configuration space, then SLP_EN of S5 (ACPI's power off)
    const off = bootSector(
      0x66, 0xb8, 0x40, 0x0b, 0x00, 0x80, 0xba, 0xf8, 0x0c, 0x66, 0xef, 0xba, 0xfc, 0x0c, 0x66, 0xb8, 0x01, 0x06, 0x00, 0x00, 0x66, 0xef, // config 40h = 601h
      0x66, 0xb8, 0x80, 0x0b, 0x00, 0x80, 0xba, 0xf8, 0x0c, 0x66, 0xef, 0xba, 0xfc, 0x0c, 0xb0, 0x01, 0xee, // config 80h = 1
      0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4, 0xeb, 0xfd,
    );
    const flags = ["-bios", "none", "-hda", off, "-m", "16", "-display", "none", "-serial", "null"];
    expect(run(...flags)).toMatchObject({ stderr: "", status: 0 });
    expect(runWith("info status\nquit\n", ...flags, "-no-shutdown", "-monitor", "stdio")).toMatchObject({ stderr: "", status: 0 });
    const hang = bootSector(0xf4, 0xeb, 0xfd, 0x90, 0x90, 0x90);
    const child = spawn(process.execPath, [join(root, "bin/guesthouse.mjs"), "-bios", "none", "-hda", hang, "-m", "16", "-display", "none", "-serial", "null", "-monitor", "stdio"], { cwd: folder, env: { ...process.env, GUESTHOUSE_CORE: core } });
    let out = "";
    let errors = "";
    child.stdout.on("data", (d: Buffer) => {
      out += d.toString();
    });
    child.stderr.on("data", (d: Buffer) => {
      errors += d.toString();
    });
    for (let n = 0; n < 600 && !out.includes("(guesthouse)"); n++) await new Promise((r) => setTimeout(r, 50));
    child.kill("SIGTERM");
    const status = await new Promise((resolve) => child.on("exit", resolve));
    expect(errors).toBe("guesthouse: terminating on signal 15\n");
    expect(status).toBe(0);
  }, 90_000);
});
