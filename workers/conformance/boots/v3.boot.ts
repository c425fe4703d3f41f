// x86-64-v3 seen from Debian: /proc/cpuinfo shows the model's features and no others, and a static glibc program built for v3 prints what it
// prints on the host. Needs gcc and a host of that level; without them the program is left out, by name.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FEATURES } from "../../cpu/isa/features.ts";
import { chooseCpu } from "../../cpu/models.ts";
import { extendInitrd } from "./archive.ts";
import { guestConfig, root, Stage } from "./stage.ts";

/** What Linux calls them. Not compared: those it shows by its own lights. */
const LINUX: { readonly [feature: string]: string } = {
  sse3: "pni", sse41: "sse4_1", sse42: "sse4_2", "lahf-lm": "lahf_lm", sha: "sha_ni", "tsc-deadline": "tsc_deadline_timer", "tsc-adjust": "tsc_adjust", cx16: "cx16",
};
const OWN_LIGHTS = /^(hypervisor|apic|tsc|mtrr|ss|ht|monitor|vmx|osxsave)$/;

const folder = mkdtempSync(join(tmpdir(), "guesthouse-v3-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** The program and what it prints here, or why there is none. */
function witness(): { program: Uint8Array; output: string } | string {
  const file = join(folder, "check");
  const source = join(root, "workers/conformance/boots/v3/check.c");
  const flags = "-O3 -march=x86-64-v3 -maes -mpclmul -ffp-contract=fast -static".split(" ");
  const built = spawnSync("gcc", [...flags, "-o", file, source, "-lm"], { encoding: "utf8" });
  if (built.status !== 0) return "no gcc that builds for x86-64-v3";
  const ran = spawnSync(file, [], { encoding: "utf8" });
  if (ran.status !== 0) return "the host is not an x86-64-v3 processor";
  return { program: readFileSync(file), output: ran.stdout };
}
const made = witness();

describe("x86-64-v3 in Debian", () => {
  for (const [model, accel] of [["qemu64,-sse3", "jit"], ["Nehalem,+aes", "jit"], ["Haswell", "jit"], ["max", "interp"], ["EPYC,-avx", "jit"]] as const)
    it(`${model} (${accel}): its features, and the host's answers`, async () => {
      const base = guestConfig("debian-amd64");
      const initrd = join(folder, "initrd.gz");
      extendInitrd("debian-amd64", new Map(typeof made === "string" ? [] : [["v3-check", made.program]]), initrd);
      const stage = await Stage.open({ ...base, cpu: { ...base.cpu, model, accel }, boot: { ...base.boot, initrd: `file:${initrd}` } });
      await stage.node.machine.start();
      await stage.until(() => stage.text().includes("Type commands here"), 300, "boot");
      stage.type("grep -m1 ^flags /proc/cpuinfo; echo flags-$((6*7))\r");
      await stage.until(() => stage.text().includes("\nflags-42"), 60, "cpuinfo");
      const shown = new Set(/\nflags\s*:\s*([^\r\n]*)/.exec(stage.text())?.[1]?.split(" "));
      const { features, model: chosen } = chooseCpu(model);
      // Linux says so of every 64-bit AMD processor (arch/x86/kernel/cpu/amd.c).
      const own = (f: string) => OWN_LIGHTS.test(f) || (f === "3dnowprefetch" && chosen.vendor === "AuthenticAMD");
      const wrong = Object.keys(FEATURES).filter((f) => !own(f) && shown.has(LINUX[f] ?? f.replaceAll("-", "_")) !== features.has(f));
      expect(wrong).toEqual([]);
      if (typeof made === "string") console.warn(`left out: ${made}`);
      else if (features.has("avx2")) {
        stage.type("stty -onlcr; /v3-check; echo end-$((6*7))\r");
        await stage.until(() => stage.text().includes("\nend-42"), 120, "the program");
        // The command may be echoed twice: by the terminal, and by the shell once it reads.
        const said = stage.text().split("echo end-$((6*7))").pop()?.split("end-42")[0]?.replaceAll("\r", "").trim();
        expect(said).toBe(made.output.trim());
      }
      expect(stage.missing()).toEqual([]);
      stage.type("poweroff -f\r");
      await expect.poll(() => stage.node.machine.state, { timeout: 60_000 }).toBe("off");
    });
});
