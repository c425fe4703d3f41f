// Python in Debian: what it computes (python/answers.py) is what the same files compute on this processor. They come from Debian's packages
// (images/python); without a package source, or on a host that is not x86-64 Linux, it is left out, by name. Left out: Python's own test suite,
// which is in the archive and runs (python -m test), but takes too long for here.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { extendInitrd, readArchive } from "./archive.ts";
import { guestConfig, root, Stage } from "./stage.ts";

const folder = mkdtempSync(join(tmpdir(), "guesthouse-python-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** The archive, built when it is not there yet; or why there is none. */
function python(): ReadonlyMap<string, Uint8Array> | string {
  const file = join(root, "images/python/build/python.cpio.gz");
  if (!existsSync(file)) spawnSync(process.execPath, ["--import", "tsx", join(root, "images/build.ts"), "python"], { cwd: root });
  if (!existsSync(file)) return "Debian's Python cannot be fetched (npm run images -- python says why)";
  return readArchive(readFileSync(file));
}
describe("Python in Debian", () => {
  it("gives the host's answers", async (context) => {
    const files = python();
    if (typeof files === "string") {
      console.warn(`left out: ${files}`);
      return context.skip();
    }
    for (const [path, bytes] of files) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), bytes, { mode: 0o755 });
    }
    const script = readFileSync(join(import.meta.dirname, "python/answers.py"));
    writeFileSync(join(folder, "py/answers.py"), script);
    const command = (base: string) => `${base}/lib/ld-linux-x86-64.so.2 --library-path ${base}/lib ${base}/usr/bin/python3.11`;
    const environment = (base: string) => `PYTHONHOME=${base}/usr PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 LC_ALL=C.UTF-8 TMPDIR=${base}`;
    const here = (what: string) => spawnSync("sh", ["-c", `cd ${folder}/py; ${environment(`${folder}/py`)} ${what}`], { encoding: "utf8", maxBuffer: 1 << 26 });
    if (here(`${command(`${folder}/py`)} -c 1`).error || process.platform !== "linux" || process.arch !== "x64") {
      console.warn("left out: this host does not run Linux programs for x86-64");
      return context.skip();
    }
    const answers = here(`${command(`${folder}/py`)} answers.py`);
    expect(answers.stderr).toBe("");

    const initrd = join(folder, "initrd.gz");
    const run = `#!/bin/sh\ncd /py\nexport ${environment("/py")}\n${command("/py")} answers.py\necho answers-$((6*7))\n`;
    extendInitrd("debian-amd64", new Map([...files, ["py/answers.py", script], ["py/run", Buffer.from(run)]]), initrd);
    const base = guestConfig("debian-amd64");
    const stage = await Stage.open({ ...base, memoryMiB: 1024, cpu: { ...base.cpu, model: "max" }, boot: { ...base.boot, initrd: `file:${initrd}` } });
    await stage.node.machine.start();
    await stage.until(() => stage.text().includes("Type commands here"), 300, "boot");
    stage.type("stty -onlcr; sh /py/run\r");
    await stage.until(() => stage.text().includes("\nanswers-42"), 300, "the answers");
    const said = stage.text().replaceAll("\r", "").split("\nanswers-42")[0]?.split("\n") ?? [];
    const lines = answers.stdout.trim().split("\n");
    expect(said.slice(-lines.length)).toEqual(lines);
    expect(stage.missing()).toEqual([]);
    stage.type("poweroff -f\r");
    await expect.poll(() => stage.node.machine.state, { timeout: 60_000 }).toBe("off");
  }, 900_000);
});
