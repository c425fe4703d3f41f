// Assembles every program (nasm) and records what QEMU and Bochs print: program.bin.z, qemu.txt and bochs.txt beside each program.asm. Then
// expected.txt: QEMU's line; where Bochs alone agrees with the line that was expected before, that one with "; Bochs: why"; where neither does,
// "; SDM ...", decided by hand (try.ts --accept) and kept. A program's line "; oracle: Bochs, why" makes Bochs the first to ask. npx tsx capture.ts [group...]; --judge only compares what is stored.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { runBochs, runQemu } from "./oracles.ts";
import { type ExpectedLine, parseExpected } from "./program.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const args = process.argv.slice(2);
const names = args.filter((a) => !a.startsWith("--"));
const groups = readdirSync(here, { withFileTypes: true }).filter((d) => d.isDirectory() && existsSync(join(here, d.name, "program.asm"))).map((d) => d.name);

const modelOf = (oracle: "qemu" | "bochs", source: string) => (oracle === "qemu" ? /^; cpu: (.*)$/m : /^; bochs: (.*)$/m).exec(source)?.[1];
const nameOf = (line: string) => line.split(": ")[0] ?? line;
const read = (file: string) => (existsSync(file) ? readFileSync(file, "utf8").split("\n").filter((l) => l !== "") : []);

/** Who says so: QEMU counts first, then Bochs, then the manual. The reason of an older note is kept. */
function judge(was: readonly ExpectedLine[], qemu: readonly string[], bochs: readonly string[], onlyBochs: string): string[] {
  const q = new Map(qemu.map((l) => [nameOf(l), l]));
  const b = new Map(bochs.map((l) => [nameOf(l), l]));
  const old = new Map(was.map((l) => [l.name, l]));
  const order = [...new Set([...qemu.map(nameOf), ...bochs.map(nameOf), ...was.map((l) => l.name)])].filter((n) => !n.startsWith("(") || (onlyBochs === "" ? q.has(n) || old.get(n)?.note : b.has(n)));
  const out: string[] = [];
  for (const name of order) {
    const before = old.get(name);
    const reason = before?.note.replace(/^Bochs[;:] ?/, "") ?? "";
    if (!before || before.note === "") {
      const [line, other] = [q.get(name), b.get(name)];
      if (onlyBochs !== "" && other !== undefined && other !== line) out.push(`${other}  ; Bochs: ${onlyBochs}`);
      else if (line !== undefined) out.push(line);
    } else if (q.get(name) === before.text) out.push(before.text);
    else if (b.get(name) === before.text) out.push(`${before.text}  ; Bochs: ${reason}`);
    else out.push(`${before.text}  ; ${reason}`);
  }
  return out;
}
for (const group of names.length ? names : groups) {
  const dir = join(here, group);
  if (!args.includes("--judge")) {
    const work = mkdtempSync(join(tmpdir(), "gh-capture-"));
    const rom = join(work, "rom.bin");
    const source = readFileSync(join(dir, "program.asm"), "utf8");
    execFileSync("nasm", ["-f", "bin", "-w-all", "-i", here, "-o", rom, join(dir, "program.asm")], { stdio: "inherit" });
    writeFileSync(join(dir, "program.bin.z"), deflateSync(readFileSync(rom), { level: 9 }));
    for (const [name, run] of [["qemu", runQemu], ["bochs", runBochs]] as const) writeFileSync(join(dir, `${name}.txt`), `${run(rom, modelOf(name, source), work).join("\n")}\n`);
    rmSync(work, { recursive: true, force: true });
  }
  const file = join(dir, "expected.txt");
  const was = existsSync(file) ? parseExpected(readFileSync(file, "utf8")) : [];
  const [qemu, bochs] = [read(join(dir, "qemu.txt")), read(join(dir, "bochs.txt"))];
  const onlyBochs = /^; oracle: Bochs, (.*)$/m.exec(readFileSync(join(dir, "program.asm"), "utf8"))?.[1] ?? "";
  const text = judge(was, qemu, bochs, onlyBochs);
  writeFileSync(file, `${text.join("\n")}\n`);
  const now = parseExpected(text.join("\n"));
  const [byBochs, byManual] = [now.filter((l) => l.note.startsWith("Bochs")), now.filter((l) => l.note !== "" && !l.note.startsWith("Bochs"))];
  const differ = now.filter((l) => l.note === "" && bochs.some((x) => nameOf(x) === l.name && x !== l.text)).length;
  console.log(`${group}: ${now.length} lines, QEMU ${qemu.length}, Bochs ${bochs.length}; by Bochs alone ${byBochs.length}, by the manual ${byManual.length}; Bochs differs from QEMU's on ${differ}`);
}
