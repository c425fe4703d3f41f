// Without apt: npm run images says what it lacks for each guest, first-steps is built all the same, and the catalogue holds it. In a copy of this
// folder, so that nothing built is touched.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "gh-images-"));
  cpSync(join(root, "images"), join(copy, "images"), { recursive: true, filter: (path) => !["build", ".cache"].includes(basename(path)) });
  for (const name of ["src", "workers", "node_modules", "package.json"]) symlinkSync(join(root, name), join(copy, name));
  // A PATH with a shell and Node, and nothing else.
  mkdirSync(join(copy, "bin"));
  symlinkSync("/bin/sh", join(copy, "bin/sh"));
  symlinkSync(process.execPath, join(copy, "bin/node"));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const build = (...args: string[]) =>
  spawnSync(process.execPath, ["--import", "tsx", join(copy, "images/build.ts"), ...args], { cwd: copy, encoding: "utf8", env: { ...process.env, PATH: join(copy, "bin") } });

test("first-steps is built; the others say that apt is missing and what to do", { timeout: 180_000 }, () => {
  const said = build();
  expect(said.status).toBe(0);
  expect(said.stdout).toContain("images: first-steps built in");
  for (const guest of ["firmware", "debian-amd64", "debian-i386", "memtest86+", "nasm"])
    expect(said.stderr).toContain(`images: ${guest} was not built: There is no apt-get on this machine, so Debian packages cannot be fetched. Name a Debian mirror: npm run images -- --mirror ADDRESS.`);
  const rows = JSON.parse(readFileSync(join(copy, "images/build/index.json"), "utf8")) as { id: string }[];
  expect(rows.map((r) => r.id)).toEqual(["vga-text", "modes", "paging", "irq", "ring3-fault"].map((n) => `first-steps-${n}`));
  expect(readFileSync(join(copy, "images/first-steps/build/vga-text.img")).length).toBe(512);
});
test("a guest asked for by name that cannot be built is a failure; a mirror that does not answer says so", { timeout: 180_000 }, () => {
  expect(build("memtest86+").status).toBe(1);
  const said = build("memtest86+", "--mirror", "http://127.0.0.1:9/debian");
  expect(said.status).toBe(1);
  expect(said.stderr).toMatch(/images: memtest86\+ was not built: The mirror does not answer: .* Check the address given with --mirror\./);
});
