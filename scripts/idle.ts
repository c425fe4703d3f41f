// npm run idle: boots one guest to its prompt in Node and in Chromium and tells what the idle guest costs, by process and thread.
// Flags: --guest debian-i386, --where node|chromium|both, --tab serial,screen (Chromium: what is shown), --seconds 10,
// --settle 15 (seconds of rest before).
// 100 % is one processor. The promise is under 5 % for all processes of the browser together (docs/performance.md has the figures).

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch, serveFolder } from "../e2e/site.ts";
import { nullBytes, QueueBytes } from "../workers/backends/bytes.ts";
import { nullPicture } from "../workers/backends/picture.ts";
import { guestConfig, jitWorker } from "../workers/conformance/boots/stage.ts";
import { openMachine } from "../workers/node-machine.ts";
import { descendants, threads } from "./processor-time.ts";

const root = join(import.meta.dirname, "..");
const PROMPT = "Type commands here";
const { values: flags } = parseArgs({
  options: {
    guest: { type: "string", default: "debian-amd64" },
    where: { type: "string", default: "both" },
    tab: { type: "string", default: "serial" },
    seconds: { type: "string", default: "10" },
    settle: { type: "string", default: "15" },
  },
});
const seconds = Number(flags.seconds);
/** Cursors blink for ten seconds after the last output, and the host's engine still compiles what the boot made hot. */
const settleMs = Number(flags.settle) * 1000;
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const percent = (s: number) => `${((s / seconds) * 100).toFixed(1)} %`;

/** What grew in between, largest first. */
function grown(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): [string, number][] {
  return [...after].map(([name, s]): [string, number] => [name, s - (before.get(name) ?? 0)]).filter(([, s]) => s > 0).sort((a, b) => b[1] - a[1]);
}
/** A figure of a guest that stood still, or of processes that could not be found, is none. */
function checkAlive(instructionsASecond: number, rows: readonly (readonly [string, number])[]): void {
  if (!(instructionsASecond > 0)) throw new Error("the guest retired no instructions: it is not idle but stopped");
  if (rows.length === 0) throw new Error("no process used any time: the browser's processes were not found");
}
function tell(what: string, rows: readonly (readonly [string, number])[]): void {
  console.log(`${what}: ${percent(rows.reduce((sum, [, s]) => sum + s, 0))}`);
  for (const [name, s] of rows) console.log(`  ${name}: ${percent(s)}`);
}
async function inNode(): Promise<void> {
  let text = "";
  const serial = new QueueBytes((byte) => void (text = (text + String.fromCharCode(byte)).slice(-4000)));
  const { machine, cpu } = await openMachine(guestConfig(flags.guest), { root, jitWorker, picture: nullPicture, bytes: (port) => (port === "serial0" ? serial : nullBytes) });
  await machine.start();
  while (!text.includes(PROMPT)) {
    await sleep(50);
    if (machine.state !== "running") throw new Error(`the machine is ${machine.state}`);
  }
  await sleep(settleMs);
  const before = threads(process.pid);
  const was = cpu.counters();
  const counts = new Map(machine.board.trace.counts());
  const busy = machine.busyMs;
  await sleep(seconds * 1000);
  const is = cpu.counters();
  tell(`${flags.guest} in Node`, grown(before, threads(process.pid)));
  const rate = (n: number) => Math.round(n / seconds);
  const events = machine.board.trace.counts().flatMap(([name, n]) => (n > (counts.get(name) ?? 0) ? [`${name} ${rate(n - (counts.get(name) ?? 0))}`] : []));
  console.log(`  in slices ${percent((machine.busyMs - busy) / 1000)}; a second: ${Object.entries(is).map(([name, n]) => `${name} ${rate(n - was[name as keyof typeof was])}`).join(", ")}, ${events.join(", ")}`);
  machine.powerOff();
}
async function inChromium(): Promise<void> {
  const site = mkdtempSync(join(os.tmpdir(), "guesthouse-idle-"));
  execFileSync(process.execPath, [join(root, "node_modules/vite/bin/vite.js"), "build", "--outDir", site, "--emptyOutDir", "--logLevel", "warn"], { cwd: root, stdio: "inherit" });
  // Children of this process that are not the browser's (tsx has one).
  const others = new Set([...(descendants() ?? [])].map(([name]) => name));
  const ofBrowser = () => {
    const all = descendants();
    if (!all) throw new Error("no /proc here");
    return new Map([...all].filter(([name]) => !others.has(name)));
  };
  const browser = await launch();
  const served = await serveFolder(site, { isolated: true });
  try {
    const page = await (await browser.newContext({ viewport: { width: 1366, height: 768 } })).newPage();
    page.setDefaultTimeout(300_000);
    await page.goto(served.url);
    const id = (name: string) => `[data-testid="${name}"]`;
    const instructions = async () => Number(await page.getAttribute(id("status"), "data-instructions"));
    await page.click(`${id(`guest-${flags.guest}`)} ${id("guest-start")}`);
    await page.click(id("tab-serial"));
    await page.waitForFunction(`document.querySelector('${id("serial")}')?.textContent.includes("${PROMPT}")`, undefined, { polling: 100 });
    for (const tab of flags.tab.split(",")) {
      await page.click(id(`tab-${tab}`));
      await sleep(settleMs);
      const processes = ofBrowser();
      const ids = [...processes.keys()].map((n) => Number.parseInt(n, 10));
      const before = ids.map((n) => threads(n));
      const was = await instructions();
      await sleep(seconds * 1000);
      const after = ofBrowser();
      const rate = Math.round(((await instructions()) - was) / seconds);
      const rows = grown(processes, after);
      checkAlive(rate, rows);
      tell(`${flags.guest} in Chromium, ${tab} shown (${rate} instructions a second)`, rows);
      ids.forEach((n, i) => {
        for (const [name, s] of grown(before[i] as ReadonlyMap<string, number>, threads(n))) console.log(`    ${n} thread ${name}: ${percent(s)}`);
      });
    }
  } finally {
    await browser.close();
    served.close();
    rmSync(site, { recursive: true, force: true });
  }
}
if (flags.where !== "chromium") await inNode();
if (flags.where !== "node") await inChromium();
process.exit(0);
