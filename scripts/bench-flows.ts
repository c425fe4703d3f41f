// What a page's own thread does while somebody uses it: the usual flows are played in Chromium some times, and of each step the task that computed
// longest is noted, with its processor time (page-tasks.ts): a busy host makes any task last long. With `pictures`, each step is photographed too, in
// English and Chinese, light and dark.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { longestTask, TRACED } from "./page-tasks.ts";

export const VIEWPORT = { width: 1366, height: 768 } as const;
const id = (name: string) => `[data-testid="${name}"]`;
/** A step's tasks have to be over before the next begins; panels look four times a second. */
const SETTLE_MS = 700;
const PANELS = ["code", "memory", "walk", "registers", "breakpoints", "dashboard", "interrupts", "dma", "tlb", "tables", "ports", "timeline", "pci", "map"] as const;

export interface FlowRow {
  readonly step: string;
  /** The task of each round that computed longest: processor time, in ms. */
  readonly longest: number[];
  /** What the longest of them did. */
  parts: readonly string[];
}
export interface FlowOptions {
  readonly url: string;
  readonly guest: string;
  readonly rounds: number;
  readonly pictures?: string;
}
async function play(page: Page, guest: string, step: (name: string, act: () => Promise<void>) => Promise<void>, url: string, query: string): Promise<void> {
  const visible = (name: string) => page.waitForSelector(id(name));
  const said = (text: RegExp, place = "main") => page.waitForFunction(`${text}.test(document.querySelector(${JSON.stringify(place)})?.textContent ?? "")`, undefined, { polling: 100 });
  /** The list of machines and places stands behind a button where the bench or a lesson takes the width. */
  const go = async (place: string) => {
    if (!(await page.isVisible(id(place)))) await page.click(".menu-button");
    await page.click(id(place));
  };
  await step("open the page", async () => {
    await page.goto(`${url}${query}`);
    await visible(`guest-${guest}`);
  });
  await step("start a guest", async () => {
    await page.click(`${id(`guest-${guest}`)} ${id("guest-start")}`);
    await page.click(id("tab-serial"));
    await said(/~ #/, ".xterm-rows");
  });
  await step("type a command", async () => {
    await page.click(".xterm-screen");
    await page.keyboard.type("ls -l /etc; while :; do :; done\r");
  });
  await step("open the inspector", async () => {
    await page.click(id("tool-inspect"));
    await visible("insp-run");
  });
  for (const name of PANELS)
    await step(`panel ${name}`, async () => {
      // The menu would close a panel that is open.
      if (await page.isVisible(id(`insp-tab-${name}`))) await page.click(id(`insp-tab-${name}`));
      else {
        await page.click(id("insp-panels"));
        await page.click(id(`panel-item-${name}`));
      }
      await visible(`panel-${name}`);
    });
  await step("pause", async () => {
    await page.click(id("insp-run"));
    await page.waitForSelector('[data-state="paused"]');
  });
  await step("step", () => page.click(id("insp-stepi")));
  await step("close the inspector", () => page.click(id("insp-close")));
  await step("open the bench", async () => {
    await go("bench-open");
    await visible("bench-editor");
  });
  await step("run an example", async () => {
    await page.selectOption(id("bench-examples"), "flags");
    await page.waitForSelector(`${id("bench-said")}[data-errors="0"][data-busy="false"]`);
    await page.click(id("bench-run"));
    await visible("panel-registers");
  });
  await step("step back on the bench", () => page.click(id("bench-back")));
  await step("share a program", async () => {
    await page.click(id("bench-share"));
    await visible("bench-link");
  });
  await page.click(id("bench-link-close"));
  await step("list of lessons", async () => {
    await go("lessons-open");
    await visible("lessons");
  });
  await step("begin a lesson", async () => {
    await page.locator(id("lesson-begin")).nth(1).click();
    await visible("lesson");
  });
  await step("open help", async () => {
    await go("help-open");
    await visible("help-search");
  });
  await step("search help", async () => {
    await page.fill(id("help-search"), "add");
  });
  await step("form of a new machine", async () => {
    await go("new-machine");
    await visible("form-start");
  });
}
export async function flows(browser: Browser, { url, guest, rounds, pictures }: FlowOptions): Promise<FlowRow[]> {
  const rows = new Map<string, FlowRow>();
  const looks = pictures === undefined ? Array.from({ length: rounds }, () => ["en", "light"] as const) : (["en", "zh-CN"] as const).flatMap((language) => (["light", "dark"] as const).map((theme) => [language, theme] as const));
  for (const [language, theme] of looks) {
    const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: theme });
    const page = await context.newPage();
    page.on("dialog", (d) => void d.accept());
    page.setDefaultTimeout(60_000);
    let shot = 0;
    const step = async (name: string, act: () => Promise<void>): Promise<void> => {
      await browser.startTracing(page, { categories: [...TRACED] });
      await act();
      await page.waitForTimeout(SETTLE_MS);
      const task = longestTask(await browser.stopTracing(), url);
      const row = rows.get(name) ?? { step: name, longest: [], parts: [] };
      if (task && task.cpuMs > Math.max(0, ...row.longest)) row.parts = task.parts;
      row.longest.push(task?.cpuMs ?? 0);
      rows.set(name, row);
      if (pictures === undefined) return;
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, `${language}-${theme}-${String(++shot).padStart(2, "0")}-${name.replaceAll(" ", "-")}.png`) });
    };
    await play(page, guest, step, url, `?lang=${language}`);
    await context.close();
  }
  return [...rows.values()];
}
