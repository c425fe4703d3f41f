// QEMU's TCG and Bochs as oracles: each runs a 64 KiB ROM and gives the lines it printed to port E9, and "(reset)" or "(no end)" behind them.

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export function runQemu(rom: string, model: string | undefined, work: string, timeout = 20_000): string[] {
  const out = join(work, "out.txt");
  rmSync(out, { force: true });
  const q = spawnSync(
    "qemu-system-x86_64",
    ["-accel", "tcg", "-cpu", model ?? "max", "-m", "64", "-bios", rom, "-display", "none", "-nodefaults", "-no-reboot", "-debugcon", `file:${out}`, "-device", "isa-debug-exit,iobase=0x501,iosize=2"],
    { timeout },
  );
  const lines = existsSync(out) ? readFileSync(out, "latin1").split("\n").filter((l) => l !== "") : [];
  if (q.status !== 3) lines.push(q.error ? "(no end)" : "(reset)");
  return lines;
}
/** Bochs prints port E9 on its standard output and ends when a program writes to port 501, which to it is a panicking VGA BIOS. */
export function runBochs(rom: string, model: string | undefined, work: string, timeout = 60_000): string[] {
  const rc = join(work, "bochsrc");
  const log = join(work, "bochs.log");
  rmSync(log, { force: true });
  writeFileSync(
    rc,
    `display_library: rfb, options="timeout=0"
megs: 64
romimage: file=${rom}, address=0xffff0000
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=${model ?? "tigerlake"}, count=1, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=0
port_e9_hack: enabled=1
log: ${log}
panic: action=fatal
clock: sync=none
sound: driver=dummy
speaker: enabled=0
boot: floppy
`,
  );
  writeFileSync(join(work, "go"), "c\n");
  // Into a file: Bochs stops for good when a pipe is full for a moment.
  const out = join(work, "bochs.out");
  const file = openSync(out, "w");
  const b = spawnSync("stdbuf", ["-oL", "bochs", "-q", "-f", rc, "-rc", join(work, "go")], { timeout, encoding: "latin1", stdio: ["ignore", file, "pipe"] });
  closeSync(file);
  const text = readFileSync(out, "latin1").split("\n(0).[")[0] as string;
  const lines = text
    .split("\n")
    .map((l) => l.replace(/^.*<bochs:\d+> /, "").replace(/\(0\)\.\[.*$/, ""))
    .filter((l) => /^[^\n]*: /.test(l) && !/^0000|^ALSA|^Next at|^\*\*\*|^LTDL|^\(0\)|^=====|Bochs x86|Built from|Timestamp/.test(l));
  const end = existsSync(log) ? readFileSync(log, "latin1") : "";
  if (!/VGABIOS panic/.test(`${b.stderr}${end}`)) lines.push(/triple fault|3rd (\(\d+\) )?exception/.test(`${b.stderr}${end}`) ? "(reset)" : "(no end)");
  return lines;
}
