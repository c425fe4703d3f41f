// npm run bench:trace: what looking costs. Node: a fixed piece of work of a resumed debian-amd64 (arithmetic, processes, files, output), in turn without
// and with one kind of trace, by processor time; the row "off" is nothing against nothing, so what other rows differ by less than it is not measurable.
// Chromium: the speed of a guest that spins, in turn with the inspector closed and with the dashboard alone open; frames a second and long tasks of the page.
// Flags: --where node|chromium|both, --rounds 3, --kinds cpu.ring,… , --write (docs/performance-trace.md; a part that was not measured stays).
// Nothing here passes or fails.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch, serveFolder } from "../e2e/site.ts";
import { domainSchema } from "../src/contract/domain.ts";
import { type TraceName, traceKinds, traceNames } from "../src/contract/trace.ts";
import { nullBytes, QueueBytes } from "../workers/backends/bytes.ts";
import { nullPicture } from "../workers/backends/picture.ts";
import { jitWorker } from "../workers/conformance/boots/stage.ts";
import { createMonitor } from "../workers/monitor/index.ts";
import { openMachine } from "../workers/node-machine.ts";

const root = join(import.meta.dirname, "..");
const GUEST = "debian-amd64";
const { values: flags } = parseArgs({ options: { where: { type: "string", default: "both" }, rounds: { type: "string", default: "3" }, kinds: { type: "string", default: "" }, write: { type: "boolean", default: false } } });
const rounds = Number(flags.rounds);
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[list.length >> 1] as number;
const ratio = (v: number) => v.toFixed(3);

// ---- kinds of trace, in Node -------------------------------------------------------------------------------------------

/** Work that goes through every layer: integer loops, forks and execs (page tables, address spaces), directories, a few kilobytes to the console. */
const WORK = "i=0; while [ $i -lt 15000 ]; do i=$((i+1)); done; n=0; while [ $n -lt 12 ]; do busybox true; n=$((n+1)); done; ls -lR /sys/class > /tmp/l; head -c 2000 /tmp/l";
interface Row {
  readonly kind: string;
  readonly cost: string;
  readonly ratio: number;
  readonly least: number;
  readonly most: number;
  readonly events: number;
}
async function tracing(): Promise<string[]> {
  const guests = JSON.parse(readFileSync(join(root, "images/build/index.json"), "utf8")) as { id: string; config: unknown }[];
  const config = domainSchema.parse(guests.find((g) => g.id === GUEST)?.config);
  let text = "";
  const serial = new QueueBytes((byte) => void (text = (text + String.fromCharCode(byte)).slice(-8000)));
  const made = await openMachine(config, { root, jitWorker, picture: nullPicture, bytes: (id) => (id === "serial0" ? serial : nullBytes), traceCapacity: 1 << 16 });
  const { machine } = made;
  const monitor = createMonitor({ ...made, version: "bench" });
  const ask = async (name: string, args: { readonly [name: string]: unknown } = {}): Promise<unknown> => {
    const reply = await monitor.execute(name, args);
    if (!reply.ok) throw new Error(`${name}: ${reply.error.message}`);
    return reply.value;
  };
  await machine.start();
  let turns = 0;
  /** Seconds of processor time of one piece of work. */
  const work = async (): Promise<number> => {
    const end = `done-${++turns}.`;
    const from = process.cpuUsage();
    serial.feed(Buffer.from(`${WORK}; echo d''one-${turns}.\r`));
    machine.wake();
    for (const late = Date.now() + 120_000; !text.includes(end); await sleep(5)) if (Date.now() > late || machine.state !== "running") throw new Error(`no end of the work: ${text.slice(-300)}`);
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1e6;
  };
  while (!text.includes("~ #")) await sleep(20);
  serial.feed(Buffer.from("stty -echo\r"));
  for (let n = 0; n < 6; n++) await work();
  await ask("symbols linux");
  const entry = made.debug.symbols.address("do_syscall_64");
  const wanted = flags.kinds === "" ? traceNames : (flags.kinds.split(",") as TraceName[]);
  const { trace } = machine.board;
  const rows: Row[] = [];
  for (const kind of [null, ...wanted]) {
    const ratios: number[] = [];
    let events = 0;
    let before = await work();
    for (let n = 0; n < rounds; n++) {
      const filter = kind === "insn.at" ? `address=0x${(entry ?? 0n).toString(16)}` : "";
      if (kind) await ask("trace on", { kinds: kind, filter });
      const counted = kind ? trace.count(kind) : 0;
      const during = await work();
      events = kind ? trace.count(kind) - counted : 0;
      if (kind) await ask("trace off", { kinds: kind });
      const after = await work();
      ratios.push((before + after) / 2 / during);
      before = after;
    }
    const row = { kind: kind ?? "off", cost: kind ? traceKinds[kind].cost : "", ratio: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios), events };
    rows.push(row);
    console.log(`${row.kind.padEnd(16)} ${ratio(row.ratio)}  (${ratio(row.least)} to ${ratio(row.most)}), ${row.events} events`);
  }
  machine.powerOff();
  await made.close();
  return [
    "## Tracing, by kind, in Node",
    "",
    `${head()} Guest ${GUEST}, resumed; each piece of work: ${"`"}${WORK}${"`"}. Speed with the kind on against the pieces without it before and behind (1 = as fast), by processor time, the median of ${rounds} and the range.`,
    "The first row is off against off: the noise. `insn.at` is set on do_syscall_64, `insn.milestone` comes every million instructions. Nobody reads the ring here: panels read it on the page's thread.",
    "",
    "| kind | cost class | speed | range | events in a piece |",
    "| --- | --- | ---: | --- | ---: |",
    ...rows.map((r) => `| ${r.kind === "off" ? "off" : `\`${r.kind}\``} | ${r.cost} | ${ratio(r.ratio)} | ${ratio(r.least)} – ${ratio(r.most)} | ${r.events} |`),
  ];
}
const head = () => `Date: ${new Date().toISOString().slice(0, 10)}. ${os.cpus().length} x ${os.cpus()[0]?.model ?? "?"}; Node ${process.versions.node}; load at the end ${(os.loadavg()[0] ?? 0).toFixed(2)}.`;

// ---- the dashboard, in Chromium ----------------------------------------------------------------------------------------

const WINDOW_MS = 5000;
interface Window {
  readonly mips: number;
  readonly frames: number;
  readonly longest: number;
}
async function dashboard(): Promise<string[]> {
  // SITE names a ready build, as for the browser tests.
  const site = process.env.SITE ?? mkdtempSync(join(os.tmpdir(), "guesthouse-trace-"));
  if (!process.env.SITE) execFileSync(process.execPath, [join(root, "node_modules/vite/bin/vite.js"), "build", "--outDir", site, "--emptyOutDir", "--logLevel", "error"], { cwd: root, stdio: "inherit" });
  const browser = await launch();
  const served = await serveFolder(site, { isolated: true });
  try {
    const page = await (await browser.newContext({ viewport: { width: 1366, height: 768 } })).newPage();
    page.setDefaultTimeout(120_000);
    const id = (name: string) => `[data-testid="${name}"]`;
    await page.goto(served.url);
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
      "## The dashboard, in Chromium",
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
  } finally {
    await browser.close();
    served.close();
    if (!process.env.SITE) rmSync(site, { recursive: true, force: true });
  }
}

const parts = { node: tracing, chromium: dashboard } as const;
const file = join(root, "docs/performance-trace.md");
const titles = { node: "## Tracing, by kind, in Node", chromium: "## The dashboard, in Chromium" } as const;
/** The part as it was written last. */
function before(title: string): string[] {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const from = text.indexOf(title);
  if (from < 0) return [title, "", "Not measured yet."];
  const end = text.indexOf("\n## ", from + 3);
  return text.slice(from, end < 0 ? undefined : end).trimEnd().split("\n");
}
const sections: string[] = [];
for (const where of ["node", "chromium"] as const) sections.push(...(flags.where === "both" || flags.where === where ? await parts[where]() : before(titles[where])), "");
const text = ["# Performance: what looking costs", "", "Written by `npm run bench:trace -- --write`; not edited by hand.", "", ...sections].join("\n");
if (flags.write) writeFileSync(file, text);
else console.log(text);
process.exit(0);
