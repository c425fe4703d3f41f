// npm run bench: boots one guest in Guesthouse and in v86, in Node and in Chromium, one after the other, until its prompt is on the serial
// line; then watches an idle guest for five seconds and has its shell start a hundred programs. Prints a table; `--write` makes docs/performance.md of it. Nothing here passes or fails.
// Flags: --node-only, --runs N (median), --guest debian-amd64 (Guesthouse only: v86 has no 64-bit mode), --all (v86 without its JIT too), --write.
// `--child ENGINE` is the process that is measured in Node: it prints one line of JSON.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { launch, serveFolder } from "../e2e/site.ts";
import { nullBytes, QueueBytes } from "../workers/backends/bytes.ts";
import { nullPicture } from "../workers/backends/picture.ts";
import { guestConfig, jitWorker } from "../workers/conformance/boots/stage.ts";
import { openMachine } from "../workers/node-machine.ts";
import { bootingSite, firmware, type Guest, v86Options, v86Site } from "./bench-page.ts";
import { descendantsSeconds } from "./processor-time.ts";

const root = join(import.meta.dirname, "..");
const v86Folder = join(root, "node_modules/v86");
const PROMPT = "Type commands here";
const TIMEOUT_S = 300;
/** Between the prompt and the idle measurement: the shell starts, the page's counters catch up. */
const SETTLE_MS = 2000;
const IDLE_MS = 5000;
/** A hundred programs one after the other, by the guest's own clock: it prints the time before them and after the first, the tenth and the last. */
const COMMANDS =
  'read a x </proc/uptime;i=0;while [ $i -lt 100 ];do i=$((i+1));/bin/busybox ls / >/dev/null;case $i in 1|10|100)read t x </proc/uptime;a="$a $t";;esac;done;echo "to""ok $a end"\n';
const COMMANDS_S = 60;
/** Seconds from the command to the end of the first, tenth and hundredth program; null: not seen. */
type Commands = readonly [number, number, number] | null;
function commandsOf(text: string): Commands {
  const [, ...at] = /took ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) end/.exec(text.replaceAll(/[\r\n]/g, "")) ?? [];
  const [start, one, ten, hundred] = at.map(Number);
  return start === undefined || one === undefined || ten === undefined || hundred === undefined ? null : [one - start, ten - start, hundred - start];
}
async function commandsIn(text: () => string | Promise<string>): Promise<Commands> {
  for (const end = performance.now() + COMMANDS_S * 1000; performance.now() < end; await sleep(100)) {
    const found = commandsOf(await text());
    if (found) return found;
  }
  return null;
}

/** One boot. `cpu` is processor time up to the prompt, which other work disturbs less than `seconds`; `idle` is the share of one processor that five idle seconds cost. */
interface Boot {
  readonly seconds: number | null;
  readonly cpu: number | null;
  readonly instructions: number;
  readonly idle: number | null;
  readonly commands?: Commands;
  readonly problem?: string;
}
interface Line extends Boot {
  readonly engine: string;
  readonly where: string;
  readonly runs: readonly number[];
  readonly load: string;
}
const { values: flags } = parseArgs({
  options: {
    "node-only": { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    runs: { type: "string", default: "1" },
    guest: { type: "string", default: "debian-i386" },
    child: { type: "string", default: "" },
  },
});
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const load = () => os.loadavg().map((n) => n.toFixed(2)).join(" ");

function guestOf(id: string): Guest {
  const rows = JSON.parse(readFileSync(join(root, "images/build/index.json"), "utf8")) as { id: string; config: { memoryMiB: number; boot: { kernel: string; initrd: string; append: string } } }[];
  const row = rows.find((r) => r.id === id);
  if (!row?.config.boot.initrd) throw new Error(`${id} is no built guest with kernel and initrd: npm run images`);
  const path = (source: string) => join(root, "images", source.replace(/^guest:([^/]+)\//, "$1/build/"));
  const { kernel, initrd, append } = row.config.boot;
  return { kernel: path(kernel), initrd: path(initrd), append, memoryMiB: row.config.memoryMiB };
}
// ---- in Node: each boot in a process of its own -----------------------------------------------------------------------

/** As the terminal program runs it: nobody looks at the picture, as in v86 without a page. */
async function guesthouseInNode(id: string): Promise<Boot> {
  const config = guestConfig(id);
  let text = "";
  const serial = new QueueBytes((byte) => void (text = (text + String.fromCharCode(byte)).slice(-4000)));
  const started = performance.now();
  const cpuBefore = cpuSeconds();
  const { machine, cpu: core } = await openMachine(config, { root, jitWorker, picture: nullPicture, bytes: (port) => (port === "serial0" ? serial : nullBytes) });
  await machine.start();
  while (!text.includes(PROMPT)) {
    await sleep(20);
    const problem = machine.state !== "running" ? `the machine is ${machine.state}` : performance.now() - started > TIMEOUT_S * 1000 ? `no prompt after ${TIMEOUT_S} s` : null;
    if (problem) return { seconds: null, cpu: null, instructions: 0, idle: null, problem };
  }
  const seconds = (performance.now() - started) / 1000;
  const cpu = cpuSeconds() - cpuBefore;
  const { instructions } = core.counters();
  await sleep(SETTLE_MS);
  const used = cpuSeconds();
  await sleep(IDLE_MS);
  const idle = ((cpuSeconds() - used) * 1000) / IDLE_MS;
  serial.feed(new TextEncoder().encode(COMMANDS));
  return { seconds, cpu, instructions, idle, commands: await commandsIn(() => text) };
}
async function v86InNode(id: string, jit: boolean): Promise<Boot> {
  const { V86 } = (await import("v86")) as unknown as { V86: new (options: object) => V86Like };
  const guest = guestOf(id);
  const buffer = (bytes: Uint8Array) => ({ buffer: Uint8Array.from(bytes).buffer });
  const started = performance.now();
  const cpuBefore = cpuSeconds();
  const emulator = new V86({
    ...v86Options(guest, jit),
    wasm_path: join(v86Folder, "build/v86.wasm"),
    bios: buffer(firmware("bios.bin")),
    vga_bios: buffer(firmware("vgabios-stdvga.bin")),
    bzimage: buffer(readFileSync(guest.kernel)),
    initrd: buffer(readFileSync(guest.initrd)),
  });
  let text = "";
  emulator.add_listener("serial0-output-byte", (byte) => void (text = (text + String.fromCharCode(byte)).slice(-4000)));
  // The counter has 32 bits: watched often enough to see each turn.
  let instructions = 0;
  let last = 0;
  while (!text.includes(PROMPT)) {
    await sleep(20);
    const now = emulator.get_instruction_counter();
    instructions += (now - last) >>> 0;
    last = now;
    if (performance.now() - started > TIMEOUT_S * 1000) return { seconds: null, cpu: null, instructions, idle: null, problem: `no prompt after ${TIMEOUT_S} s` };
  }
  const seconds = (performance.now() - started) / 1000;
  const cpu = cpuSeconds() - cpuBefore;
  await sleep(SETTLE_MS);
  const used = cpuSeconds();
  await sleep(IDLE_MS);
  const idle = ((cpuSeconds() - used) * 1000) / IDLE_MS;
  emulator.serial0_send(COMMANDS);
  return { seconds, cpu, instructions, idle, commands: await commandsIn(() => text) };
}
interface V86Like {
  serial0_send(text: string): void;
  add_listener(name: string, listener: (byte: number) => void): void;
  get_instruction_counter(): number;
}
function inNode(engine: string): Boot {
  const { stdout, status } = spawnSync(process.execPath, ["--import", "tsx", import.meta.filename, "--child", engine, "--guest", flags.guest], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], timeout: (TIMEOUT_S + 60) * 1000 });
  const line = stdout.split("\n").find((l) => l.startsWith('{"seconds"'));
  return line ? (JSON.parse(line) as Boot) : { seconds: null, cpu: null, instructions: 0, idle: null, problem: `ended with status ${status}` };
}

// ---- in Chromium ------------------------------------------------------------------------------------------------------

async function inPage(folder: string, go: (page: Page) => Promise<{ readonly seconds: number; readonly count: () => Promise<number>; readonly type: (text: string) => Promise<void>; readonly text: () => Promise<string> }>): Promise<Boot> {
  const browser = await launch();
  const served = await serveFolder(folder, { isolated: true });
  try {
    const page = await (await browser.newContext({ viewport: { width: 1366, height: 768 } })).newPage();
    page.setDefaultTimeout(TIMEOUT_S * 1000);
    await page.goto(served.url);
    const cpuAtStart = descendantsSeconds();
    const { seconds, count, type, text } = await go(page);
    const cpuAtPrompt = descendantsSeconds();
    await sleep(SETTLE_MS);
    const instructions = await count();
    const before = descendantsSeconds();
    await sleep(IDLE_MS);
    const after = descendantsSeconds();
    await type(COMMANDS);
    const commands = await commandsIn(text);
    return { seconds, cpu: cpuAtStart === null || cpuAtPrompt === null ? null : cpuAtPrompt - cpuAtStart, instructions, idle: before === null || after === null ? null : ((after - before) * 1000) / IDLE_MS, commands };
  } catch (error) {
    return { seconds: null, cpu: null, instructions: 0, idle: null, problem: error instanceof Error ? (error.message.split("\n")[0] as string) : String(error) };
  } finally {
    await browser.close();
    served.close();
  }
}
const id = (name: string) => `[data-testid="${name}"]`;
function guesthouseInPage(site: string): Promise<Boot> {
  return inPage(site, async (page) => {
    await page.waitForSelector(id(`guest-${flags.guest}`));
    const started = performance.now();
    await page.click(`${id(`guest-${flags.guest}`)} ${id("guest-start")}`);
    await page.click(id("tab-serial"));
    await page.waitForFunction(`document.querySelector('${id("serial")}')?.textContent.includes("${PROMPT}")`, undefined, { polling: 50 });
    return {
      seconds: (performance.now() - started) / 1000,
      count: async () => Number(await page.getAttribute(id("status"), "data-instructions")),
      type: async (text) => {
        await page.click(".xterm");
        await page.keyboard.insertText(text.slice(0, -1));
        await page.keyboard.press("Enter");
      },
      text: () => page.evaluate("[...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent.trimEnd()).join('')") as Promise<string>,
    };
  });
}
function v86InPage(folder: string): Promise<Boot> {
  return inPage(folder, async (page) => {
    await page.waitForFunction("globalThis.ready");
    const started = performance.now();
    await page.click("#start");
    await page.waitForFunction(`globalThis.seen.includes("${PROMPT}")`, undefined, { polling: 50 });
    return {
      seconds: (performance.now() - started) / 1000,
      count: async () => Number(await page.evaluate("globalThis.instructions")),
      type: (text) => page.evaluate(`globalThis.send(${JSON.stringify(text)})`),
      text: () => page.evaluate("globalThis.seen") as Promise<string>,
    };
  });
}

// ---- the table --------------------------------------------------------------------------------------------------------

/** The boot with the median time; a failed one counts as the slowest. */
function median(boots: readonly Boot[]): Boot {
  const sorted = [...boots].sort((a, b) => (a.seconds ?? Number.POSITIVE_INFINITY) - (b.seconds ?? Number.POSITIVE_INFINITY));
  return sorted[Math.floor((sorted.length - 1) / 2)] as Boot;
}
const mips = (l: Boot) => (l.seconds === null ? null : l.instructions / l.seconds / 1e6);
function table(lines: readonly Line[]): string {
  const shown = (n: number | null, digits: number) => (n === null ? "-" : n.toFixed(digits));
  const rows = lines.map((l) => [
    l.engine,
    l.where,
    l.seconds === null ? (l.problem ?? "failed") : shown(l.seconds, 1),
    shown(l.cpu, 1),
    shown(l.seconds === null ? null : l.instructions / 1e6, 0),
    shown(mips(l), 0),
    l.idle === null ? "-" : `${(l.idle * 100).toFixed(1)} %`,
    l.commands?.map((n) => n.toFixed(2)).join(" / ") ?? "-",
    l.runs.map((s) => s.toFixed(1)).join(" "),
    l.load,
  ]);
  const head = ["engine", "where", "seconds to the prompt", "CPU seconds", "million instructions", "MIPS", "idle CPU", "1st / 10th / 100th command (s)", "all runs (s)", "load before"];
  const widths = head.map((h, i) => Math.max(h.length, ...rows.map((r) => (r[i] as string).length)));
  const line = (cells: readonly string[]) => `| ${cells.map((c, i) => (i >= 2 && i <= 7 ? c.padStart(widths[i] as number) : c.padEnd(widths[i] as number))).join(" | ")} |`;
  return [line(head), `|${widths.map((w, i) => (i >= 2 && i <= 7 ? `${"-".repeat(w + 1)}:` : "-".repeat(w + 2))).join("|")}|`, ...rows.map(line)].join("\n");
}
function ratios(lines: readonly Line[]): string {
  const out: string[] = [];
  for (const where of new Set(lines.map((l) => l.where))) {
    const ours = lines.find((l) => l.engine === "Guesthouse" && l.where === where);
    if (!ours?.seconds) continue;
    for (const theirs of lines.filter((l) => l.engine !== "Guesthouse" && l.where === where && l.seconds)) {
      const time = ours.seconds / (theirs.seconds as number);
      const speed = (mips(ours) as number) / (mips(theirs) as number);
      const work = ours.cpu && theirs.cpu ? `, ${(ours.cpu / theirs.cpu).toFixed(2)} x its CPU seconds` : "";
      out.push(`- ${where}: Guesthouse needs ${time.toFixed(2)} x the time of ${theirs.engine}${work}, at ${speed.toFixed(2)} x its MIPS.`);
    }
  }
  return out.join("\n");
}

async function main(): Promise<void> {
  const withV86 = flags.guest !== "debian-amd64";
  const runs = Math.max(1, Number(flags.runs) || 1);
  const lines: Line[] = [];
  let chromium = "";
  const measure = async (engine: string, where: string, boot: () => Boot | Promise<Boot>, times = runs) => {
    const before = load();
    const boots: Boot[] = [];
    for (let n = 0; n < times; n++) {
      boots.push(await boot());
      const last = boots[n] as Boot;
      console.log(`${engine}, ${where}, run ${n + 1}: ${last.seconds === null ? last.problem : `${last.seconds.toFixed(1)} s`} (load ${load()})`);
    }
    lines.push({ engine, where, load: before, runs: boots.flatMap((b) => (b.seconds === null ? [] : [b.seconds])), ...median(boots) });
    // After every engine, so that a run that is cut short leaves what it has measured.
    if (flags.write) writePage(report(lines, runs, chromium));
  };
  execFileSync(process.execPath, [join(root, "scripts/build-core.mjs")], { stdio: "inherit" });
  await measure("Guesthouse", "Node", () => inNode("guesthouse"));
  if (withV86) await measure("v86", "Node", () => inNode("v86"));
  if (!flags["node-only"]) {
    const site = mkdtempSync(join(os.tmpdir(), "guesthouse-bench-site-"));
    const other = withV86 ? v86Site(guestOf(flags.guest)) : "";
    try {
      bootingSite(site, flags.guest);
      const browser = await launch();
      chromium = browser.version();
      await browser.close();
      await measure("Guesthouse", "Chromium", () => guesthouseInPage(site));
      if (withV86) await measure("v86", "Chromium", () => v86InPage(other));
    } finally {
      rmSync(site, { recursive: true, force: true });
      if (other) rmSync(other, { recursive: true, force: true });
    }
  }
  // Slow enough that once will do.
  if (withV86 && flags.all) await measure("v86, no JIT", "Node", () => inNode("v86-nojit"), 1);
  console.log(`\n${report(lines, runs, chromium)}`);
}
function report(lines: readonly Line[], runs: number, chromium: string): string {
  const cpus = os.cpus();
  const v86 = JSON.parse(readFileSync(join(v86Folder, "package.json"), "utf8")) as { version: string };
  const commit = spawnSync("git", ["describe", "--always", "--dirty=+changes"], { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "";
  const facts = [
    `Date: ${new Date().toISOString().slice(0, 10)}. Machine: ${cpus.length} x ${cpus[0]?.model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}.`,
    `Guesthouse ${commit}; v86 ${v86.version}; Node ${process.versions.node} (V8 ${process.versions.v8})${chromium ? `; Chromium ${chromium}, headless` : ""}.`,
    `Guest: ${flags.guest}, ${guestOf(flags.guest).memoryMiB} MiB, \`${guestOf(flags.guest).append}\`. ${runs === 1 ? "One run" : `Median of ${runs} runs`}; load at the end ${load()}.`,
  ].join("\n");
  return `${facts}\n\n${table(lines)}\n\n${ratios(lines)}\n`;
}
function writePage(text: string): void {
  writeFileSync(
    join(root, "docs/performance.md"),
    `# Performance: the same boot in Guesthouse and in v86

Written by \`npm run bench -- --write\`; not edited by hand. Nothing in the tests depends on these figures.

${text}
- *Seconds to the prompt* run from the start of the machine (in Chromium: from the click, files already on a local server) to the text
  "${PROMPT}" on the serial line. *MIPS* is instructions by these seconds, whatever the guest waited for.
- *CPU seconds* is processor time up to the prompt, of all threads (Chromium: of all its processes). Where it is well below the seconds, the
  machine was busy with other work; where it is above, engine and browser used more than one processor.
- *Idle CPU* is processor time of the process (Chromium: of all its processes) in five seconds of an idle shell, 100 % being one processor.
- *1st / 10th / 100th command*: then the shell starts \`busybox ls\` a hundred times; guest seconds from the line's start to the end of these programs.
- v86 runs with its defaults, which leave ACPI out: its kernel finds no tables. Firmware is Debian's SeaBIOS in both.
- The load averages show how busy the machine was with other work; figures were taken one after the other, and v86, which
  compiles while it runs, suffers more from a busy machine than an interpreter does: compare on an idle one, with --runs 3.
`,
  );
}
if (flags.child) {
  const boot = flags.child === "guesthouse" ? await guesthouseInNode(flags.guest) : await v86InNode(flags.guest, flags.child === "v86");
  console.log(JSON.stringify(boot));
  process.exit(0);
}
await main();
