// The committed bytes are what the sources assemble to (where nasm is installed), and each is a boot sector.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import sectors from "./sectors.json" with { type: "json" };

const here = fileURLToPath(new URL(".", import.meta.url));
const nasm = (() => {
  try {
    execFileSync("nasm", ["-v"]);
    return true;
  } catch {
    return false;
  }
})();
describe("first steps", () => {
  it("has one sector per source", () => {
    const sources = readdirSync(here).filter((f) => f.endsWith(".asm"));
    expect(Object.keys(sectors).map((n) => `${n}.asm`).sort()).toEqual(sources.sort());
  });
  for (const [name, base64] of Object.entries(sectors)) {
    it(`${name} is a boot sector`, () => {
      const bytes = Buffer.from(base64, "base64");
      expect(bytes.length).toBe(512);
      expect(bytes.readUInt16LE(510)).toBe(0xaa55);
    });
    it.runIf(nasm)(`${name} is what its source assembles to`, () => {
      const out = join(mkdtempSync(join(tmpdir(), "steps-")), "out.bin");
      execFileSync("nasm", ["-f", "bin", join(here, `${name}.asm`), "-o", out]);
      expect(readFileSync(out).toString("base64")).toBe(base64);
    });
  }
});
