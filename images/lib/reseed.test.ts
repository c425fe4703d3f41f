// The committed bytes of the guests' reseed program are what its source assembles to (where nasm is installed).
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import reseed from "./reseed.json" with { type: "json" };

const nasm = spawnSync("nasm", ["-v"]).status === 0;
test("is a 32-bit ELF program", () => expect(Buffer.from(reseed.reseed, "base64").subarray(0, 5).toString("latin1")).toBe("\x7fELF\x01"));
test.runIf(nasm)("is what its source assembles to", () => {
  const out = join(mkdtempSync(join(tmpdir(), "reseed-")), "reseed");
  expect(spawnSync("nasm", ["-f", "bin", join(import.meta.dirname, "reseed.asm"), "-o", out]).status).toBe(0);
  expect(readFileSync(out).toString("base64")).toBe(reseed.reseed);
});
