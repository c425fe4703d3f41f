// Assembles every program (nasm) and records what QEMU prints: writes program.bin.z and expected.txt beside each program.asm. Lines of
// expected.txt that end in "; SDM ..." were decided by hand against QEMU and are kept. npx tsx capture.ts [group...].

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { parseExpected } from "./program.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const args = process.argv.slice(2);
const names = args.filter((a) => !a.startsWith("--"));
const groups = readdirSync(here, { withFileTypes: true }).filter((d) => d.isDirectory() && existsSync(join(here, d.name, "program.asm"))).map((d) => d.name);
for (const group of names.length ? names : groups) {
  const dir = join(here, group);
  const work = mkdtempSync(join(tmpdir(), "gh-capture-"));
  const rom = join(work, "rom.bin");
  execFileSync("nasm", ["-f", "bin", "-w-all", "-i", `${here}`, "-o", rom, join(dir, "program.asm")], { stdio: "inherit" });
  writeFileSync(join(dir, "program.bin.z"), deflateSync(readFileSync(rom), { level: 9 }));
  const out = join(work, "out.txt");
  const model = /^; cpu: (.*)$/m.exec(readFileSync(join(dir, "program.asm"), "utf8"))?.[1] ?? "max";
  const q = spawnSync(
    "qemu-system-x86_64",
    ["-accel", "tcg", "-cpu", model, "-m", "64", "-bios", rom, "-display", "none", "-nodefaults", "-no-reboot", "-debugcon", `file:${out}`, "-device", "isa-debug-exit,iobase=0x501,iosize=2"],
    { timeout: 20_000 },
  );
  const lines = existsSync(out) ? readFileSync(out, "latin1").split("\n").filter((l) => l !== "") : [];
  if (q.status !== 3) lines.push(q.error ? "(no end)" : "(reset)");
  const file = join(dir, "expected.txt");
  const kept = new Map((existsSync(file) ? parseExpected(readFileSync(file, "utf8")) : []).filter((l) => l.note !== "").map((l) => [l.name, l]));
  const text = lines.map((l) => {
    const name = l.split(": ")[0] ?? l;
    const k = kept.get(name);
    return k ? `${k.text}  ; ${k.note}` : l;
  });
  writeFileSync(file, `${text.join("\n")}\n`);
  console.log(`${group}: ${lines.length} lines, QEMU exit ${q.status}, last "${lines.at(-1)}"`);
}
