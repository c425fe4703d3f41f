// npm run bench:guest: the guest benchmark suite (images/bench/bench.c) on Guesthouse (translated and interpreted), v86 and QEMU's TCG, one after the other, in
// Node and in Chromium, with checks that all computed the same. Prints a table with ratios and geometric means; `--write` puts it into docs/performance-guest.md.
// Flags: --guest debian-i386|debian-amd64, --warm MS, --only NAME,NAME, --engines tcg,guesthouse,v86,guesthouse-chromium,v86-chromium,interp ("": the guest is only built). Needs gcc (for i386: gcc-multilib) and, for TCG,
// qemu-system-x86; what is missing is installed where the user may, else left out by name. `--child ENGINE` is the process that is measured.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { launch, serveFolder } from "../e2e/site.ts";
import { makeInitramfs } from "../images/lib/initramfs.ts";
import { domainSchema } from "../src/contract/domain.ts";
import { nullBytes, QueueBytes } from "../workers/backends/bytes.ts";
import { nullPicture } from "../workers/backends/picture.ts";
import { guestConfig, jitWorker } from "../workers/conformance/boots/stage.ts";
import { openMachine } from "../workers/node-machine.ts";
import { bootingSite, firmware, type Guest, v86Options, v86Site } from "./bench-page.ts";

const root = join(import.meta.dirname, "..");
const { values: flags } = parseArgs({
  options: {
    guest: { type: "string", default: "debian-i386" },
    warm: { type: "string", default: "300" },
    only: { type: "string", default: "" },
    engines: { type: "string", default: "tcg,guesthouse,v86,interp" },
    write: { type: "boolean", default: false },
    child: { type: "string", default: "" },
    "cut-off": { type: "string", default: "400" },
  },
});
const ENGINES = ["tcg", "guesthouse", "v86", "guesthouse-chromium", "v86-chromium", "interp"];
const engines = flags.engines.split(",").filter((e) => e !== "");
const unknown = engines.find((e) => !ENGINES.includes(e));
if (unknown) {
  console.error(`There is no engine "${unknown}"; there are ${ENGINES.join(", ")}.`);
  process.exit(2);
}
const wide = flags.guest === "debian-amd64";
const CUT_OFF_MS = Number(flags["cut-off"]) * 1000;

interface Result {
  readonly group: string;
  readonly name: string;
  readonly cold: number;
  readonly warm: number;
  readonly check: string;
}
interface Run {
  readonly engine: string;
  readonly results: readonly Result[];
  readonly problem: string | null;
}
function parse(text: string): Result[] {
  return [...text.matchAll(/^bench (\S+) (\S+) (\S+) (\S+) (\S+)\r?$/gm)].map((m) => ({ group: m[1] ?? "", name: m[2] ?? "", cold: Number(m[3]), warm: Number(m[4]), check: m[5] ?? "" }));
}
const done = (text: string) => text.includes("bench done");

// ---- the guest --------------------------------------------------------------------------------------------------------

const folder = join(root, "images/build/bench");
const INIT = (warm: string, only: string) => `#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
busybox mount -t tmpfs tmp /tmp
exec </dev/ttyS0 >/dev/ttyS0 2>/dev/null
/bench ${warm} ${only.replaceAll(",", " ")}
busybox poweroff -f
`;
function guest(): Guest {
  const config = guestConfig(flags.guest);
  const path = (source: string) => join(root, "images", source.replace(/^guest:([^/]+)\//, "$1/build/"));
  return {
    kernel: path(config.boot.kernel ?? ""),
    initrd: join(folder, `${flags.guest}.initrd.gz`),
    append: `console=ttyS0 quiet mitigations=off no_timer_check rdinit=/bench-init`,
    memoryMiB: config.memoryMiB,
  };
}
function buildGuest(): void {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, `bench-${wide ? 64 : 32}`);
  const options = wide ? [] : ["-m32", "-march=i686", "-msse2", "-mfpmath=sse"];
  const compile = () => spawnSync("gcc", [...options, "-O2", "-fno-tree-vectorize", "-static", "-o", program, join(root, "images/bench/bench.c")], { encoding: "utf8" });
  let made = compile();
  if (made.status !== 0 && process.getuid?.() === 0) {
    spawnSync("apt-get", ["install", "-y", "-qq", "gcc", "libc6-dev", ...(wide ? [] : ["gcc-multilib"])], { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
    made = compile();
  }
  if (made.status !== 0) throw new Error(`bench.c does not compile (gcc${wide ? "" : " and gcc-multilib"} needed): ${made.stderr ?? ""}`);
  const base = readFileSync(join(root, `images/${flags.guest}/build/initrd.gz`));
  const extra = makeInitramfs([
    { kind: "file", path: "bench", mode: 0o755, bytes: new Uint8Array(readFileSync(program)) },
    { kind: "file", path: "bench-init", mode: 0o755, bytes: new TextEncoder().encode(INIT(flags.warm, flags.only)) },
  ]);
  // The kernel reads one archive after the other.
  writeFileSync(guest().initrd, Buffer.concat([base, extra]));
}

// ---- engines ----------------------------------------------------------------------------------------------------------

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
async function waitFor(text: () => string, running: () => boolean): Promise<string | null> {
  const started = performance.now();
  while (!done(text())) {
    if (!running()) return "it stopped";
    if (performance.now() - started > CUT_OFF_MS) return `cut off after ${flags["cut-off"]} s`;
    await sleep(50);
  }
  return null;
}
async function guesthouse(accel: "interp" | "jit"): Promise<Run> {
  const g = guest();
  const base = guestConfig(flags.guest);
  const config = domainSchema.parse({ ...base, cpu: { ...base.cpu, accel }, boot: { ...base.boot, kernel: `file:${g.kernel}`, initrd: `file:${g.initrd}`, append: g.append } });
  let text = "";
  const serial = new QueueBytes((byte) => void (text += String.fromCharCode(byte)));
  const { machine } = await openMachine(config, { root, jitWorker, picture: nullPicture, bytes: (port) => (port === "serial0" ? serial : nullBytes) });
  await machine.start();
  const problem = await waitFor(
    () => text,
    () => machine.state === "running",
  );
  return { engine: accel === "jit" ? "guesthouse" : "interp", results: parse(text), problem };
}
async function v86(): Promise<Run> {
  const { V86 } = (await import("v86")) as unknown as { V86: new (options: object) => { add_listener(name: string, listener: (byte: number) => void): void } };
  const g = guest();
  const buffer = (bytes: Uint8Array) => ({ buffer: Uint8Array.from(bytes).buffer });
  const emulator = new V86({
    ...v86Options(g, true), wasm_path: join(root, "node_modules/v86/build/v86.wasm"), bios: buffer(firmware("bios.bin")), vga_bios: buffer(firmware("vgabios-stdvga.bin")),
    bzimage: buffer(readFileSync(g.kernel)), initrd: buffer(readFileSync(g.initrd)),
  });
  let text = "";
  emulator.add_listener("serial0-output-byte", (byte) => void (text += String.fromCharCode(byte)));
  return { engine: "v86", problem: await waitFor(() => text, () => true), results: parse(text) };
}
/** `seen` gives the serial text that the page shows; what scrolled away was seen before. */
async function inPage(engine: string, folder: string, start: (page: Page) => Promise<void>, seen: string): Promise<Run> {
  const browser = await launch();
  const served = await serveFolder(folder, { isolated: true });
  const found = new Map<string, Result>();
  let last = "";
  try {
    const page = await (await browser.newContext({ viewport: { width: 1366, height: 768 } })).newPage();
    await page.goto(served.url);
    await start(page);
    const started = performance.now();
    while (!done(last)) {
      last = String(await page.evaluate(seen));
      for (const r of parse(last)) found.set(r.name, r);
      if (performance.now() - started > CUT_OFF_MS) return { engine, results: [...found.values()], problem: `cut off after ${flags["cut-off"]} s` };
      await sleep(200);
    }
    return { engine, results: [...found.values()], problem: null };
  } finally {
    await browser.close();
    served.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
const id = (name: string) => `[data-testid="${name}"]`;
async function guesthouseInChromium(): Promise<Run> {
  const folder = mkdtempSync(join(os.tmpdir(), "guesthouse-bench-site-"));
  bootingSite(folder, flags.guest, guest());
  const start = async (page: Page) => {
    await page.click(`${id(`guest-${flags.guest}`)} ${id("guest-start")}`);
    await page.click(id("tab-serial"));
  };
  return inPage("guesthouse-chromium", folder, start, `[...document.querySelectorAll(".xterm-rows > div")].map((r) => r.textContent.trimEnd()).join("\\n")`);
}
function v86InChromium(): Promise<Run> {
  const start = async (page: Page) => {
    await page.waitForFunction("globalThis.ready");
    await page.click("#start");
  };
  return inPage("v86-chromium", v86Site(guest()), start, "globalThis.seen");
}
function tcg(): Run {
  const program = wide ? "qemu-system-x86_64" : "qemu-system-i386";
  const g = guest();
  const args = ["-accel", "tcg", "-m", String(g.memoryMiB), "-kernel", g.kernel, "-initrd", g.initrd, "-append", g.append, "-nographic", "-monitor", "none", "-serial", "stdio", "-no-reboot"];
  const { stdout, error } = spawnSync(program, args, { encoding: "latin1", timeout: CUT_OFF_MS, input: "", maxBuffer: 1 << 24 });
  return { engine: "tcg", results: parse(stdout ?? ""), problem: done(stdout ?? "") ? null : error ? error.message : "it stopped" };
}
/** In a process of its own, so that no engine inherits another's heap. */
async function apart(engine: string): Promise<Run> {
  if (engine === "tcg") return tcg();
  if (engine === "guesthouse-chromium") return guesthouseInChromium();
  if (engine === "v86-chromium") return v86InChromium();
  const { stdout } = spawnSync(process.execPath, ["--import", "tsx", import.meta.filename, "--child", engine, "--guest", flags.guest, "--warm", flags.warm, "--cut-off", flags["cut-off"]], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 24 });
  const line = stdout.split("\n").find((l) => l.startsWith('{"engine"'));
  return line ? (JSON.parse(line) as Run) : { engine, results: [], problem: "the process ended" };
}

// ---- the table --------------------------------------------------------------------------------------------------------

const geometric = (list: readonly number[]) => (list.length ? Math.exp(list.reduce((n, v) => n + Math.log(v), 0) / list.length) : Number.NaN);
function report(runs: readonly Run[]): string {
  const base = runs.find((r) => r.engine === "tcg") ?? (runs[0] as Run);
  const names = base.results.map((r) => r.name);
  const of = (run: Run, name: string) => run.results.find((r) => r.name === name);
  const ratio = (run: Run, name: string, kind: "cold" | "warm") => {
    const mine = of(run, name)?.[kind];
    const theirs = of(base, name)?.[kind];
    return mine && theirs ? mine / theirs : null;
  };
  const shown = (n: number | null) => (n === null || Number.isNaN(n) ? "-" : n.toFixed(2));
  const head = ["benchmark", ...runs.flatMap((r) => [`${r.engine} cold`, `${r.engine} warm`]), "same value"];
  const rows: string[][] = [];
  for (const name of names) {
    const checks = new Set(runs.flatMap((r) => of(r, name)?.check ?? []));
    rows.push([name, ...runs.flatMap((r) => [shown(ratio(r, name, "cold")), shown(ratio(r, name, "warm"))]), checks.size === 1 ? "yes" : `NO: ${[...checks].join(" ")}`]);
  }
  for (const group of [...new Set(base.results.map((r) => r.group)), "all"]) {
    const members = base.results.filter((r) => group === "all" || r.group === group).map((r) => r.name);
    const mean = (run: Run, kind: "cold" | "warm") => shown(geometric(members.flatMap((m) => ratio(run, m, kind) ?? [])));
    rows.push([`**${group}** (geometric mean)`, ...runs.flatMap((r) => [mean(r, "cold"), mean(r, "warm")]), ""]);
  }
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const problems = runs.flatMap((r) => (r.problem ? [`- ${r.engine}: ${r.problem}; ${r.results.length} of ${names.length} benchmarks`] : []));
  const cpus = os.cpus();
  return [
    `Date: ${new Date().toISOString().slice(0, 10)}. ${cpus.length} x ${cpus[0]?.model.trim()}; Node ${process.versions.node}; guest ${flags.guest}; ${flags.warm} ms each after warming; load at the end ${os.loadavg()[0]?.toFixed(2)}.`,
    `Speed relative to ${base.engine} (1 = as fast): iterations per second in the first 50 ms (cold) and later (warm).`,
    "",
    line(head),
    line(head.map((_, i) => (i ? "---:" : "---"))),
    ...rows.map(line),
    "",
    ...problems,
  ].join("\n");
}
if (flags.child) {
  const inside = flags.child === "v86" ? v86 : flags.child === "guesthouse" || flags.child === "interp" ? () => guesthouse(flags.child === "interp" ? "interp" : "jit") : () => apart(flags.child);
  const run = await inside();
  console.log(JSON.stringify(run));
  process.exit(0);
}
execFileSync(process.execPath, [join(root, "scripts/build-core.mjs")], { stdio: "inherit" });
buildGuest();
const runs: Run[] = [];
for (const engine of engines) {
  if (engine.startsWith("v86") && wide) continue;
  const started = performance.now();
  const run = await apart(engine);
  console.log(`${engine}: ${run.results.length} benchmarks in ${((performance.now() - started) / 1000).toFixed(0)} s${run.problem ? `, ${run.problem}` : ""}`);
  runs.push(run);
}
if (!runs.length) process.exit(0);
const text = report(runs);
console.log(`\n${text}`);
if (flags.write && !flags.only) {
  const file = join(root, "docs/performance-guest.md");
  const other = existsSync(file) ? readFileSync(file, "utf8") : "# Performance: the guest benchmark suite\n\nWritten by `npm run bench:guest -- --write`; not edited by hand. Programs: images/bench/bench.c.\n";
  const section = `\n## ${flags.guest}\n\n${text}\n`;
  const at = other.indexOf(`\n## ${flags.guest}\n`);
  const next = at < 0 ? -1 : other.indexOf("\n## ", at + 1);
  writeFileSync(file, at < 0 ? other + section : other.slice(0, at) + section + (next < 0 ? "" : other.slice(next)));
}
