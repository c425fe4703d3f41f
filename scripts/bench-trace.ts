// npm run bench:trace: what looking costs. off: the core as it is, nothing traced, against a core compiled without the seams of the trace bus (bench-off.ts). node: a
// fixed piece of work of a resumed debian-amd64 (arithmetic, processes, files, output), in turn without and with one kind of trace, by processor time; its row
// "off" is nothing against nothing, so what other rows differ by less than it is not measurable.
// chromium: the speed of a guest that spins, in turn with the inspector closed and with the dashboard alone open; frames a second and long tasks of the page.
// flows: the longest tasks of the page's thread in the usual flows (bench-flows.ts); --pictures FOLDER photographs them in both languages and themes.
// Flags: --where off,node,chromium,flows, --rounds 3, --kinds cpu.ring,… , --write (docs/performance-trace.md; a part that was not measured stays).
// Nothing here passes or fails.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { launch, serveFolder } from "../e2e/site.ts";
import { domainSchema } from "../src/contract/domain.ts";
import { type TraceName, traceKinds, traceNames } from "../src/contract/trace.ts";
import { nullBytes, QueueBytes } from "../workers/backends/bytes.ts";
import { nullPicture } from "../workers/backends/picture.ts";
import { jitWorker } from "../workers/conformance/boots/stage.ts";
import { createMonitor } from "../workers/monitor/index.ts";
import { type NodeMachine, openMachine } from "../workers/node-machine.ts";
import { flows, VIEWPORT } from "./bench-flows.ts";
import { type Interval, measureOff, OFF_GUEST } from "./bench-off.ts";

const root = join(import.meta.dirname, "..");
const GUEST = "debian-amd64";
const { values: flags } = parseArgs({ options: { where: { type: "string", default: "all" }, rounds: { type: "string", default: "3" }, kinds: { type: "string", default: "" }, pictures: { type: "string", default: "" }, write: { type: "boolean", default: false } } });
const rounds = Number(flags.rounds);
const titles = { off: "## Tracing that is off, in Node", node: "## Tracing, by kind, in Node", chromium: "## The dashboard, in Chromium", flows: "## The page's thread, in Chromium" } as const;
const wrong = flags.kinds.split(",").find((kind) => kind !== "" && !traceNames.includes(kind as TraceName));
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const median = (list: readonly number[]) => {
  const sorted = [...list].sort((a, b) => a - b);
  return ((sorted[list.length >> 1] as number) + (sorted[(list.length - 1) >> 1] as number)) / 2;
};
const ratio = (v: number) => v.toFixed(3);

// ---- kinds of trace, in Node -------------------------------------------------------------------------------------------

/** Work that goes through every layer: integer loops, forks and execs (page tables, address spaces), directories, a kilobyte to the console. */
const WORK = "i=0; while [ $i -lt 4000 ]; do i=$((i+1)); done; n=0; while [ $n -lt 3 ]; do busybox true; n=$((n+1)); done; ls -lR /sys/class/tty > /tmp/l; head -c 1000 /tmp/l";
const WARM = 8;
/** Processes for each round, and pieces of each, of the part "off". */
const OFF_RUNS = 3;
const OFF_PIECES = 60;
interface Working extends NodeMachine {
  ask(name: string, args?: { readonly [name: string]: unknown }): Promise<unknown>;
  /** Seconds of processor time of one piece of work. */
  work(): Promise<number>;
}
/** A guest at its prompt whose code is warm. */
async function working(): Promise<Working> {
  const guests = JSON.parse(readFileSync(join(root, "images/build/index.json"), "utf8")) as { id: string; config: unknown }[];
  const config = domainSchema.parse(guests.find((g) => g.id === GUEST)?.config);
  let text = "";
  const serial = new QueueBytes((byte) => void (text = (text + String.fromCharCode(byte)).slice(-8000)));
  const made = await openMachine(config, { root, jitWorker, picture: nullPicture, bytes: (id) => (id === "serial0" ? serial : nullBytes), traceCapacity: 1 << 16 });
  const { machine } = made;
  const monitor = createMonitor({ ...made, version: "bench" });
  await machine.start();
  let turns = 0;
  const work = async (): Promise<number> => {
    const end = `done-${++turns}.`;
    const from = process.cpuUsage();
    serial.feed(Buffer.from(`${WORK}; echo d''one-${turns}.\r`));
    machine.wake();
    for (const late = Date.now() + 120_000; !text.includes(end); await sleep(2)) if (Date.now() > late || machine.state !== "running") throw new Error(`no end of the work: ${text.slice(-300)}`);
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1e6;
  };
  while (!text.includes("~ #")) await sleep(20);
  serial.feed(Buffer.from("stty -echo\r"));
  for (let n = 0; n < WARM; n++) await work();
  return {
    ...made,
    work,
    ask: async (name, args = {}) => {
      const reply = await monitor.execute(name, args);
      if (!reply.ok) throw new Error(`${name}: ${reply.error.message}`);
      return reply.value;
    },
  };
}
const spread = (list: readonly number[]) => `${ratio(Math.min(...list))} – ${ratio(Math.max(...list))}`;
/** Rounds through all kinds, each piece with a kind between two without, so that a busy host and code that gets hotter fall on all of them alike. */
async function tracing(): Promise<string[]> {
  const made = await working();
  await made.ask("symbols linux");
  const entry = made.debug.symbols.address("do_syscall_64");
  const wanted = flags.kinds === "" ? traceNames : (flags.kinds.split(",") as TraceName[]);
  const { trace } = made.board;
  const ratios = new Map<TraceName | "off", number[]>([["off", []], ...wanted.map((kind) => [kind, []] as [TraceName, number[]])]);
  const events = new Map<TraceName, number>();
  for (let round = 0; round < rounds; round++) {
    const began = Date.now();
    let before = await made.work();
    for (const kind of wanted) {
      await made.ask("trace on", { kinds: kind, filter: kind === "insn.at" ? `address=0x${(entry ?? 0n).toString(16)}` : "" });
      const counted = trace.count(kind);
      const during = await made.work();
      events.set(kind, trace.count(kind) - counted);
      await made.ask("trace off", { kinds: kind });
      const after = await made.work();
      ratios.get(kind)?.push((before + after) / 2 / during);
      ratios.get("off")?.push(before / after);
      before = after;
    }
    console.log(`round ${round + 1} of ${rounds}: ${wanted.length} kinds in ${((Date.now() - began) / 1000).toFixed(0)} s`);
  }
  made.machine.powerOff();
  await made.close();
  return [
    titles.node,
    "",
    `${head()} Guest ${GUEST}, resumed; each piece of work: ${"`"}${WORK}${"`"}. Speed with the kind on against the pieces without it before and behind (1 = as fast), by processor time, the median of ${rounds} rounds through all kinds and the range.`,
    "The first row is one piece without any kind against the next: the noise. `insn.at` is set on do_syscall_64, `insn.milestone` comes every million instructions. Nobody reads the ring here: panels read it on the page's thread.",
    "",
    "| kind | cost class | speed | range | events in a piece |",
    "| --- | --- | ---: | --- | ---: |",
    ...[...ratios].map(([kind, list]) => `| ${kind === "off" ? "off" : `\`${kind}\``} | ${kind === "off" ? "" : traceKinds[kind].cost} | ${ratio(median(list))} | ${kind === "off" ? `half between ${quarters(list)}` : spread(list)} | ${kind === "off" ? "" : events.get(kind)} |`),
  ];
}
/** Runs of three machines each, by instruction counts (bench-off.ts). */
async function off(): Promise<string[]> {
  const { off: bus, control, runs } = measureOff(rounds * OFF_RUNS, OFF_PIECES);
  const words = ({ median: m, low, high }: Interval) => `${ratio(m)} of the speed without it, 95 %: ${ratio(low)} to ${ratio(high)}`;
  return [
    titles.off,
    "",
    `${head()} ${runs.length} processes with three machines each (${OFF_GUEST}, time by instruction counts): two run a core that was compiled without the seams of the trace bus (${"`"}build-core.mjs --without-trace${"`"}), one the core as it is with every kind off. All do the same work at the same instruction counts, ${runs.length * OFF_PIECES} pieces of 20 million instructions, by turns in every order; by processor time. The interval is of 2000 draws of processes and of pieces in them (bootstrap).`,
    "",
    `**With the bus there and off: ${words(bus)}.**`,
    `The second machine without it, the control: ${words(control)}. What the bus costs cannot be told from nothing below that.`,
  ];
}
const quarters = (list: readonly number[]) => {
  const sorted = [...list].sort((a, b) => a - b);
  return `${ratio(sorted[sorted.length >> 2] as number)} and ${ratio(sorted[(sorted.length * 3) >> 2] as number)}`;
};
const head = () => `Date: ${new Date().toISOString().slice(0, 10)}. ${os.cpus().length} x ${os.cpus()[0]?.model ?? "?"}; Node ${process.versions.node}; load at the end ${(os.loadavg()[0] ?? 0).toFixed(2)}.`;

// ---- the dashboard, in Chromium ----------------------------------------------------------------------------------------

const WINDOW_MS = 5000;
interface Window {
  readonly mips: number;
  readonly frames: number;
  readonly longest: number;
}
async function dashboard(): Promise<string[]> {
  return inChromium(async (browser, url) => {
    const page = await (await browser.newContext({ viewport: VIEWPORT })).newPage();
    page.setDefaultTimeout(120_000);
    const id = (name: string) => `[data-testid="${name}"]`;
    await page.goto(url);
    const layout = JSON.stringify({ version: 1, root: { type: "tabset", size: 100, tabs: [{ id: "dashboard", data: null }], selectedId: "dashboard" } });
    await page.evaluate(`localStorage.setItem("guesthouse.inspector.layout", ${JSON.stringify(layout)})`);
    await page.reload();
    await page.click(`${id(`guest-${GUEST}`)} ${id("guest-start")}`);
    await page.click(id("tab-serial"));
    await page.waitForFunction(`document.querySelector(".xterm-rows")?.textContent.includes("~ #")`, undefined, { polling: 100 });
    await page.click(".xterm-screen");
    await page.keyboard.type("while :; do :; done\r");
    await sleep(8000);
    /** Instructions a second between two changes of the status line, and what the page's thread did meanwhile. */
    const window = (): Promise<Window> =>
      page.evaluate(`(async () => {
        const status = document.querySelector('${id("status")}');
        const next = () => new Promise((resolve) => {
          const seen = new MutationObserver(() => {
            seen.disconnect();
            resolve([performance.now(), Number(status.getAttribute("data-instructions"))]);
          });
          seen.observe(status, { attributes: true, attributeFilter: ["data-instructions"] });
        });
        let longest = 0;
        const tasks = new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration);
        });
        tasks.observe({ type: "longtask" });
        let frames = 0;
        let over = false;
        const frame = () => {
          frames++;
          if (!over) requestAnimationFrame(frame);
        };
        const [t0, i0] = await next();
        requestAnimationFrame(frame);
        await new Promise((r) => setTimeout(r, ${WINDOW_MS}));
        const [t1, i1] = await next();
        over = true;
        tasks.disconnect();
        return { mips: (i1 - i0) / (t1 - t0) / 1000, frames: frames / ((t1 - t0) / 1000), longest };
      })()`);
    const closed: Window[] = [];
    const open: Window[] = [];
    const ratios: number[] = [];
    closed.push(await window());
    for (let n = 0; n < rounds; n++) {
      await page.click(id("tool-inspect"));
      await page.waitForSelector(id("panel-dashboard"));
      await sleep(1500);
      const during = await window();
      await page.click(id("insp-close"));
      await sleep(500);
      const before = closed.at(-1) as Window;
      const after = await window();
      open.push(during);
      closed.push(after);
      ratios.push(during.mips / ((before.mips + after.mips) / 2));
      console.log(`dashboard: ${ratio(ratios.at(-1) as number)} (${during.mips.toFixed(0)} MIPS against ${before.mips.toFixed(0)} and ${after.mips.toFixed(0)}), ${during.frames.toFixed(0)} frames a second, longest task ${during.longest.toFixed(0)} ms`);
    }
    const row = (name: string, list: readonly Window[]) => `| ${name} | ${median(list.map((w) => w.mips)).toFixed(0)} | ${median(list.map((w) => w.frames)).toFixed(1)} | ${Math.max(...list.map((w) => w.longest)) || "none over 50"} |`;
    return [
      titles.chromium,
      "",
      `${head()} Guest ${GUEST} whose shell spins; in turn ${WINDOW_MS / 1000} s with the inspector closed and ${WINDOW_MS / 1000} s with the dashboard open.`,
      "",
      `**Speed with the dashboard open: ${ratio(median(ratios))} of the speed with it closed** (median of ${rounds}; ${ratio(Math.min(...ratios))} to ${ratio(Math.max(...ratios))}). Asked: 0.9.`,
      "",
      "| | guest MIPS | frames a second | longest task of the page, ms |",
      "| --- | ---: | ---: | ---: |",
      row("inspector closed", closed),
      row("dashboard open", open),
    ];
  });
}
/** The built page in a browser; SITE names a ready build, as for the browser tests. */
async function inChromium<T>(work: (browser: Browser, url: string) => Promise<T>): Promise<T> {
  const site = process.env.SITE ?? mkdtempSync(join(os.tmpdir(), "guesthouse-trace-"));
  if (!process.env.SITE) execFileSync(process.execPath, [join(root, "node_modules/vite/bin/vite.js"), "build", "--outDir", site, "--emptyOutDir", "--logLevel", "error"], { cwd: root, stdio: "inherit" });
  const browser = await launch();
  const served = await serveFolder(site, { isolated: true });
  try {
    return await work(browser, served.url);
  } finally {
    await browser.close();
    served.close();
    if (!process.env.SITE) rmSync(site, { recursive: true, force: true });
  }
}
const MOST_TASK_MS = 50;
async function usual(): Promise<string[]> {
  const rows = await inChromium((browser, url) => flows(browser, { url, guest: GUEST, rounds, ...(flags.pictures === "" ? {} : { pictures: flags.pictures }) }));
  const over = rows.filter((r) => median(r.longest) > MOST_TASK_MS);
  return [
    titles.flows,
    "",
    `${head()} The longest task of the page's thread in each step of the usual flows, played ${rows[0]?.longest.length ?? 0} times, by the thread's processor time: on a busy host any task lasts long.`,
    "",
    over.length === 0 ? `**No step of ${rows.length} has a task over ${MOST_TASK_MS} ms** (median of the rounds).` : `**Over ${MOST_TASK_MS} ms: ${over.map((r) => r.step).join(", ")}.**`,
    "",
    "| step | median, ms | longest, ms | what the longest did |",
    "| --- | ---: | ---: | --- |",
    ...rows.map((r) => `| ${r.step} | ${median(r.longest).toFixed(0)} | ${Math.max(...r.longest).toFixed(0)} | ${r.parts.join("; ").replaceAll("|", "/")} |`),
  ];
}

const parts = { off, node: tracing, chromium: dashboard, flows: usual } as const;
const file = join(root, "docs/performance-trace.md");
/** The part as it was written last. */
function before(title: string): string[] {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const from = text.indexOf(title);
  if (from < 0) return [title, "", "Not measured yet."];
  const end = text.indexOf("\n## ", from + 3);
  return text.slice(from, end < 0 ? undefined : end).trimEnd().split("\n");
}
const order = Object.keys(parts) as (keyof typeof parts)[];
const asked = flags.where === "all" ? order : order.filter((part) => flags.where.split(",").includes(part));
if (asked.length === 0 || wrong !== undefined) {
  console.error(wrong !== undefined ? `bench-trace: there is no trace event "${wrong}"` : `bench-trace: --where takes all, or of ${order.join(", ")}`);
  process.exit(2);
}
for (const part of asked) {
  const lines = await parts[part]();
  console.log(lines.join("\n"));
  // Each part is written when it is done: one that fails takes none of the others with it.
  const all = order.flatMap((name) => [...(name === part ? lines : before(titles[name])), ""]);
  if (flags.write) writeFileSync(file, ["# Performance: what looking costs", "", "Written by `npm run bench:trace -- --write`; not edited by hand.", "", ...all].join("\n"));
}
process.exit(0);
