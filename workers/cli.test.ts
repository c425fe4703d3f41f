// The program as a person runs it: help, faults, exit status, serial output, screendump and counters.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const core = process.env.GUESTHOUSE_CORE ?? join(root, "workers/cpu/build/core.wasm");
const folder = mkdtempSync(join(tmpdir(), "gh-cli-"));
function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "bin/guesthouse.mjs"), ...args], {
    encoding: "utf8",
    cwd: folder,
    timeout: 60_000,
    input: "",
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
    expect(run("--version").stdout).toMatch(/^guesthouse \d/);
    expect(run("-device", "help").stdout).toContain("isa-debug-exit");
    expect(run("-d", "help").stdout).toContain("ioport");
    expect(run("-cpu", "help").stdout).toContain("qemu64");
  });
  test("faults are sentences with status 1", () => {
    const asked = run("-enable-kvm");
    expect(asked.status).toBe(1);
    expect(asked.stderr).toBe("guesthouse: -enable-kvm is not supported.\n  Leave it out: there is no KVM here, guest code is interpreted or translated (-accel).\n");
    expect(run("-hda", "/no/such.img").stderr).toContain("guesthouse: Cannot open /no/such.img: there is no such file.");
    expect(run("-d", "nonsense").stderr).toContain("-d nonsense is not supported.");
  });
});

describe.skipIf(!existsSync(core))("with a machine", () => {
  test("isa-debug-exit v leaves with 2v+1", () => {
    const image = bootSector(0xb0, 0x10, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd);
    expect(run("-bios", "none", "-hda", image, "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-m", "16").status).toBe(33);
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
});
