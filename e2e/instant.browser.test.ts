// A default guest continues from its saved machine: from the click to a working prompt, with the right date and randomness of its own.
// The times are printed; the limits here are loose because test machines are slow.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { describe, expect, inject, test } from "vitest";
import { browser, id, serialText, served, until as waitUntil, withBrowser, viewport } from "./browsing.ts";
import { serveFolder } from "./site.ts";

const site = inject("site");
const guests = JSON.parse(readFileSync(join(site, "guests/index.json"), "utf8")) as { id: string; config: { boot: { resume: string } } }[];
const GUEST = process.env.E2E_GUEST ?? "debian-amd64";
const resumes = guests.some((g) => g.id === GUEST && g.config.boot.resume !== "");

withBrowser();
async function until(page: Page, what: (text: string) => boolean, ms: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    const text = await serialText(page);
    if (what(text)) return performance.now() - started;
    if (performance.now() - started > ms) throw new Error(`waited too long; the console shows ${JSON.stringify(text.slice(-500))}`);
    await new Promise((r) => setTimeout(r, 20));
  }
}
async function start(context: BrowserContext, url = served.url): Promise<{ readonly page: Page; readonly ms: number; readonly answerMs: number }> {
  const page = await context.newPage();
  page.on("dialog", (d) => void d.accept());
  await page.goto(url);
  await page.waitForSelector(`${id(`guest-${GUEST}`)} ${id("guest-start")}`);
  const clicked = performance.now();
  await page.click(`${id(`guest-${GUEST}`)} ${id("guest-start")}`);
  await page.click(id("tab-serial"));
  await until(page, (t) => t.endsWith("~ #"), 30_000);
  const ms = performance.now() - clicked;
  const typed = performance.now();
  await page.click(".xterm-screen");
  await page.keyboard.type("echo an$((40+2))swer\r");
  await until(page, (t) => t.includes("an42swer"), 20_000);
  return { page, ms, answerMs: performance.now() - typed };
}
const run = async (page: Page, command: string, end: string): Promise<string> => {
  await page.keyboard.type(`${command}; echo ${end.slice(0, 1)}''${end.slice(1)}\r`);
  await until(page, (t) => t.includes(end), 20_000);
  return serialText(page);
};

/** The site as links, but for what of the folder `path` makes itself or leaves out: it is given each name and says whether it saw to it. */
function siteBut(path: string, other: (name: string, at: string) => boolean): string {
  const folder = mkdtempSync(join(tmpdir(), "gh-poorer-"));
  let here = "";
  for (const own of ["", ...path.split("/")]) {
    here = join(here, own);
    mkdirSync(join(folder, here), { recursive: true });
    for (const name of readdirSync(join(site, here))) {
      const at = join(folder, here, name);
      if (`${path}/`.startsWith(`${join(here, name)}/`) || (here === path && other(name, at))) continue;
      symlinkSync(join(site, here, name), at);
    }
  }
  return folder;
}

test("what a machine's worker reads before it starts stays small", () => {
  const [worker, ...more] = readdirSync(join(site, "assets")).filter((f) => /^machine\.worker-.*\.js$/.test(f));
  expect(more).toEqual([]);
  const text = readFileSync(join(site, "assets", worker as string), "utf8");
  expect(text.length).toBeLessThan(320_000);
  // The monitor's commands, the image formats and the instruction table come later (workers/worker-parts.ts).
  for (const late of ["machine-tools", "sources", "region", "zstddec"]) expect(text).toMatch(new RegExp(`import\\([^)]*${late}-`));
});

test("what the page runs before it is drawn stays small; terminals, editor, charts and lessons come later", () => {
  const html = readFileSync(join(site, "index.html"), "utf8");
  const begun = new Set([...html.matchAll(/(?:src|href)="\.\/assets\/([^"]+\.js)"/g)].map((m) => m[1] as string));
  const text = (file: string) => readFileSync(join(site, "assets", file), "utf8");
  for (const file of begun) for (const m of text(file).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) begun.add(m[1] as string);
  expect([...begun].reduce((sum, file) => sum + text(file).length, 0)).toBeLessThan(520_000);
  for (const late of ["MachineView", "Inspector", "Bench", "editor", "session", "Dashboard"]) {
    expect([...begun].filter((file) => file.startsWith(`${late}-`)), late).toEqual([]);
    expect(readdirSync(join(site, "assets")).filter((f) => f.startsWith(`${late}-`) && f.endsWith(".js")), late).not.toEqual([]);
  }
});
describe.skipIf(!resumes)(`${GUEST} starts at once`, () => {
  test("cold, warm, date, randomness, reboot", async () => {
    const context = await browser.newContext({ viewport });
    const cold = await start(context);
    console.log(`cold: prompt after ${cold.ms.toFixed(0)} ms, first command answered after ${cold.answerMs.toFixed(0)} ms more`);
    const dated = /D=(\d+)/.exec(await run(cold.page, "echo D=$(date +%s)", "DATED"));
    expect(Math.abs(Number(dated?.[1]) - Date.now() / 1000)).toBeLessThan(5);
    const random = async (page: Page) => /R=([0-9a-f]{16})/.exec((await run(page, 'echo R=$(head -c 8 /dev/urandom | hexdump -e \'8/1 "%02x"\')', "RANDOM1")).replaceAll("\n", ""))?.[1];
    const first = await random(cold.page);
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    // A shell that ends is followed by another, which does not wait for a date as the first did.
    await cold.page.keyboard.type("clear; exit\r");
    await until(cold.page, (t) => t.includes("BOOT-OK") && t.endsWith("~ #") && !t.includes("exit"), 20_000);
    await cold.page.close();
    const warm = await start(context);
    console.log(`warm: prompt after ${warm.ms.toFixed(0)} ms, first command answered after ${warm.answerMs.toFixed(0)} ms more`);
    expect(await random(warm.page)).not.toBe(first);
    expect(cold.ms).toBeLessThan(20_000);
    expect(warm.ms).toBeLessThan(20_000);
    await warm.page.close();
    await context.close();
  }, 120_000);
  test("interpreted, with a reason, where its translator does not come", async () => {
    const context = await browser.newContext({ viewport });
    const folder = siteBut("assets", (name) => name.startsWith("jit.worker-"));
    const poorer = await serveFolder(folder, { isolated: true });
    const { page } = await start(context, poorer.url);
    expect(await run(page, "n=0; while [ $n -lt 20000 ]; do n=$((n+1)); done; echo N=$n", "COUNTED")).toContain("N=20000");
    expect(await page.textContent(id("notices"))).toContain("the translator is not there");
    await context.close();
    poorer.close();
    rmSync(folder, { recursive: true });
  }, 120_000);
  test.each([
    ["beginning: it boots instead, and says why", (_bytes: number, head: number) => head >> 1, /boots instead of resuming: resume-\w+\.ghvm is damaged: at its beginning its SHA-256 is/],
    ["end, seen when all of it is here: the machine stops, and says why", (bytes: number) => bytes - 3, /resume-\w+\.ghvm is damaged: its SHA-256 is/],
  ])("a saved machine damaged at its %s", async (_, place, sentence) => {
    const folder = siteBut(`guests/${GUEST}`, (name, at) => {
      if (!name.endsWith(".ghvm")) return false;
      const bytes = readFileSync(join(site, "guests", GUEST, name));
      const spoilt = place(bytes.length, bytes.readUInt32LE(8));
      bytes[spoilt] = (bytes[spoilt] as number) ^ 1;
      writeFileSync(at, bytes);
      return true;
    });
    const damaged = await serveFolder(folder, { isolated: true });
    const context = await browser.newContext({ viewport });
    const page = await context.newPage();
    await page.goto(damaged.url);
    await page.click(`${id(`guest-${GUEST}`)} ${id("guest-start")}`);
    await page.click(id("tab-serial"));
    // On the console a long sentence goes over several rows.
    const told = async () => `${(await serialText(page)).replaceAll("\n", "")} ${await page.textContent(id("notices"))}`;
    await waitUntil(async () => sentence.test(await told()), 30_000, told);
    await context.close();
    damaged.close();
    rmSync(folder, { recursive: true });
  }, 90_000);
});
