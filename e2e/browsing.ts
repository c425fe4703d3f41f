// What browser tests begin with: a browser and a server of the built site for each file of tests, a page of it, and how a test finds, reads and waits.

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, inject } from "vitest";
import { launch, serveFolder, type Served } from "./site.ts";

/** Both are there while tests run, once withBrowser() was called. */
export let browser: Browser;
export let served: Served;
/** To be called once by a file of tests. */
export function withBrowser(): void {
  beforeAll(async () => {
    browser = await launch();
    served = await serveFolder(inject("site"), { isolated: true });
  });
  afterAll(async () => {
    await browser?.close();
    served?.close();
  });
}
export const viewport = { width: 1366, height: 768 } as const;
/** The start page in a new tab; questions are answered with yes. `rest`: what follows the address. */
export async function openPage(context: BrowserContext, rest = ""): Promise<Page> {
  const page = await context.newPage();
  page.on("dialog", (d) => void d.accept());
  await page.goto(`${served.url}${rest}`);
  await page.waitForSelector("main");
  return page;
}
export const id = (name: string) => `[data-testid="${name}"]`;
/** A panel of the inspector, by its menu. */
export async function openPanel(page: Page, name: string): Promise<void> {
  await page.click(id("insp-panels"));
  await page.click(id(`panel-item-${name}`));
}
/** Starts a guest, with the inspector beside its serial console, at its prompt. */
export async function inspectGuest(page: Page, guest: string): Promise<void> {
  await page.click(`${id(`guest-${guest}`)} ${id("guest-start")}`);
  await page.click(id("tab-serial"));
  await until(async () => (await serialText(page)).endsWith("~ #"), 40_000, "a prompt");
  await page.click(id("tool-inspect"));
  await page.waitForSelector(id("insp-run"));
}
const rows = (page: Page) => page.$$eval(".xterm-rows > div", (all) => all.map((r) => (r.textContent ?? "").trimEnd()));
/** The serial console as it stands, with its empty lines, or without. */
export const serialScreen = async (page: Page) => (await rows(page)).join("\n");
export const serialText = async (page: Page) => (await rows(page)).filter((l) => l !== "").join("\n");
export async function until(what: () => Promise<boolean>, ms: number, why: string | (() => Promise<string>)): Promise<void> {
  for (const end = Date.now() + ms; !(await what()); await new Promise((r) => setTimeout(r, 50)))
    if (Date.now() > end) throw new Error(typeof why === "string" ? `waited too long for: ${why}` : await why());
}
