// Programs of this host as witnesses in Debian: gzip, sha512sum, bc and awk, the very files, give the same answers in the guest as here.
// They are put behind the guest's initrd with their libraries. Needs a glibc host of x86-64; a program that is not there is left out, by name.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { extendInitrd } from "./archive.ts";
import { guestConfig, Stage } from "./stage.ts";

const folder = mkdtempSync(join(tmpdir(), "guesthouse-witness-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const say = (command: string, args: readonly string[], input = "") => {
  const r = spawnSync(command, args, { encoding: "utf8", input });
  return r.status === 0 ? r.stdout.trim() : "";
};
/** mawk, gawk, or whatever awk stands for here. */
const AWK = `BEGIN { x = 1; for (i = 1; i < 6000; i++) { x = (x * 16807) % 2147483647; printf "%d %.17g %s\\n", x, sin(i) * sqrt(x) / 7, substr("guesthouse", i % 7, 4) } }`;

interface Witness {
  readonly name: string;
  /** Command with PROGRAM for the program and DATA for a file of numbers. */
  readonly script: string;
}
const witnesses: readonly Witness[] = [
  { name: "awk", script: "PROGRAM -f AWKFILE | busybox-sha" },
  { name: "sha512sum", script: "PROGRAM < DATA" },
  { name: "gzip", script: "PROGRAM -9 -n < DATA | busybox-sha; PROGRAM -9 -n < DATA | PROGRAM -d | busybox-sha" },
  { name: "bc", script: "BC_LINE_LENGTH=0 PROGRAM -l BCFILE | busybox-sha" },
];
const BC = "scale=300\n4*a(1)\ne(1)\nsqrt(2)\ns(1)+c(2)+l(3)\n2^4000%97\n7^300/3\nquit\n";

/** Where a program's file, its loader and its libraries are. */
function partsOf(name: string): { file: string; loader: string; libraries: string[] } | null {
  const file = say("sh", ["-c", `readlink -f "$(command -v ${name})"`]);
  const listed = file && say("ldd", [file]);
  const all = [...(listed || "").matchAll(/(\/\S+\.so\S*)/g)].map((m) => m[1] as string);
  const loader = all.find((l) => /ld-linux/.test(l));
  return loader ? { file, loader, libraries: all } : null;
}
describe("programs of the host in Debian", () => {
  it("gzip, sha512sum, bc and awk give the host's own answers", async () => {
    const files = new Map<string, Uint8Array>();
    const here: string[] = [];
    const left: string[] = [];
    const data = join(folder, "data");
    let seed = 1;
    writeFileSync(data, Array.from({ length: 20_000 }, (_, i) => `${(seed = (seed * 16807) % 2147483647)} ${(seed / 7).toString(36)} ${"guest".repeat(i % 5)}`).join("\n"));
    writeFileSync(join(folder, "check.awk"), AWK);
    writeFileSync(join(folder, "check.bc"), BC);
    for (const [path, from] of [["w/data", data], ["w/check.awk", join(folder, "check.awk")], ["w/check.bc", join(folder, "check.bc")]] as const) files.set(path, readFileSync(from));
    const library = (path: string) => files.set(`w/lib/${basename(path)}`, readFileSync(path));
    const lines: string[] = [];
    for (const { name, script } of witnesses) {
      const parts = partsOf(name);
      if (!parts) {
        left.push(name);
        continue;
      }
      files.set(`w/bin/${name}`, readFileSync(parts.file));
      parts.libraries.forEach(library);
      const fill = (text: string, program: string, base: string) =>
        text.replaceAll("PROGRAM", program).replaceAll("DATA", `${base}/data`).replaceAll("AWKFILE", `${base}/check.awk`).replaceAll("BCFILE", `${base}/check.bc`).replaceAll("busybox-sha", "sha512sum");
      here.push(say("sh", ["-c", fill(script, parts.file, folder)]));
      lines.push(`echo ${name}-$((6*7)); ${fill(script, `/w/lib/${basename(parts.loader)} --library-path /w/lib /w/bin/${name}`, "/w")}`);
    }
    expect(here.every((t) => t !== "")).toBe(true);
    files.set("w/run", Buffer.from(`#!/bin/sh\nexport PATH\n${lines.join("\n")}\necho all-$((6*7))\n`));
    const initrd = join(folder, "initrd.gz");
    extendInitrd("debian-amd64", files, initrd);
    const base = guestConfig("debian-amd64");
    const stage = await Stage.open({ ...base, memoryMiB: Math.max(base.memoryMiB, 512), cpu: { ...base.cpu, model: "max" }, boot: { ...base.boot, initrd: `file:${initrd}` } });
    await stage.node.machine.start();
    await stage.until(() => stage.text().includes("Type commands here"), 300, "boot");
    stage.type("stty -onlcr; sh /w/run\r");
    await stage.until(() => stage.text().includes("\nall-42"), 300, "the programs");
    const text = stage.text().replaceAll("\r", "");
    const ran = witnesses.filter((w) => !left.includes(w.name));
    ran.forEach(({ name }, i) => {
      const said = text.split(`\n${name}-42\n`)[1]?.split(/\n(?:\w+-42)\n/)[0]?.trim();
      expect(said, name).toBe(here[i]);
    });
    if (left.length) console.warn(`left out: ${left.join(", ")} (not on this host, or not linked with glibc)`);
    expect(stage.missing()).toEqual([]);
    stage.type("poweroff -f\r");
    await expect.poll(() => stage.node.machine.state, { timeout: 60_000 }).toBe("off");
  });
});
