// Assembles the programs of public/lessons with nasm and writes their bytes beside them as base64 (NAME.b64), so that a machine without an assembler
// has them. A test compares both where nasm is installed. `node --import tsx scripts/assemble-lessons.ts`

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const lessons = join(import.meta.dirname, "../public/lessons");
export function assembled(source: string): string {
  const out = join(mkdtempSync(join(tmpdir(), "lesson-")), "out.bin");
  execFileSync("nasm", ["-w+error", "-f", "bin", source, "-o", out]);
  return `${(readFileSync(out).toString("base64").match(/.{1,120}/g) ?? []).join("\n")}\n`;
}
export const programs = (): string[] => readdirSync(lessons, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".asm")).map((f) => join(lessons, f));
if (process.argv[1] === import.meta.filename) for (const source of programs()) writeFileSync(source.replace(/\.asm$/, ".b64"), assembled(source));
