// Python in Debian: what it computes (python/answers.py), and how each test of a part of its own test suite ends, is what the same files give on this
// processor. They come from Debian's packages (images/python); without a package source, or on a host that is not x86-64 Linux, it is left out, by name.
// Left out: the longer ones of the suite (README.md names those that were run by hand).

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
/** Of its own test suite those that end soon: without test_integers of test_struct. */
const TESTS = "test_float test_cmath test_complex test_struct test_binascii test_fractions";
/** How each test ended, in the order they ran. */
const outcomes = (text: string) => [...text.replaceAll("\r", "").matchAll(/^.* \.\.\. (?:ok|skipped .*|FAIL|ERROR|expected failure|unexpected success)$/gm)].map((m) => m[0]);

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
    // Compiled here: to compile the library is most of what a short program does, and none of what it is asked for.
    here(`${command(`${folder}/py`)} -m compileall -q --invalidation-mode unchecked-hash usr/lib/python3.11`);
    const compiled = (readdirSync(join(folder, "py"), { recursive: true }) as string[]).filter((f) => f.endsWith(".pyc"));
    const answers = here(`${command(`${folder}/py`)} answers.py`);
    expect(answers.stderr).toBe("");
    // A test that starts another Python needs the loader where the program says it is.
    const alone = here("./usr/bin/python3.11 -c 1").status === 0;
    const tests = `-m test -v -i test_integers ${alone ? "" : "-i test_struct_cleans_up_at_runtime_shutdown "}${TESTS}`;
    const suite = outcomes(here(`${command(`${folder}/py`)} ${tests} 2>&1`).stdout);
    expect(suite.length).toBeGreaterThan(200);
    expect(suite.filter((l) => /(?:FAIL|ERROR|success)$/.test(l))).toEqual([]);

    const initrd = join(folder, "initrd.gz");
    const run = `#!/bin/sh
cd /py
export ${environment("/py")}
${command("/py")} answers.py
echo answers-$((6*7))
LD_LIBRARY_PATH=/py/lib ${command("/py")} ${tests} > /py/tests 2>&1
grep ' \\.\\.\\. ' /py/tests
tail -1 /py/tests
echo tests-$((6*7))
`;
    const loader = files.get("py/lib/ld-linux-x86-64.so.2") as Uint8Array;
    const more = compiled.map((f) => [`py/${f}`, readFileSync(join(folder, "py", f))] as const);
    extendInitrd("debian-amd64", new Map([...files, ...more, ["lib64/ld-linux-x86-64.so.2", loader], ["py/answers.py", script], ["py/run", Buffer.from(run)]]), initrd);
    const base = guestConfig("debian-amd64");
    const stage = await Stage.open({ ...base, memoryMiB: 1024, cpu: { ...base.cpu, model: "max" }, boot: { ...base.boot, initrd: `file:${initrd}` } });
    await stage.node.machine.start();
    await stage.until(() => stage.text().includes("Type commands here"), 300, "boot");
    stage.type("stty -onlcr; sh /py/run\r");
    await stage.until(() => stage.text().includes("\nanswers-42"), 300, "the answers");
    const said = stage.text().replaceAll("\r", "").split("\nanswers-42")[0]?.split("\n") ?? [];
    const lines = answers.stdout.trim().split("\n");
    expect(said.slice(-lines.length)).toEqual(lines);
    await stage.until(() => stage.text().includes("\ntests-42"), 600, "Python's own tests");
    const own = stage.text().split("\nanswers-42")[1] ?? "";
    expect(outcomes(own)).toEqual(suite);
    expect(own).toContain("Tests result: SUCCESS");
    expect(stage.missing()).toEqual([]);
    stage.type("poweroff -f\r");
    await expect.poll(() => stage.node.machine.state, { timeout: 60_000 }).toBe("off");
  }, 900_000);
});
