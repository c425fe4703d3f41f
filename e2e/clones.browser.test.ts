// Clones: ten of a running guest at once, each going on in the same shell as a machine of its own; disks that are shared until somebody writes.
// The time is printed; its limit here is loose because test machines are slow.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, inject, test } from "vitest";
import { browser, id, openPage, serialText, until, withBrowser, viewport } from "./browsing.ts";
import { domainSchema } from "../src/contract/domain.ts";
import { encodeLink } from "../src/manager/link.ts";
import { countingDisk } from "./counting-disk.ts";

const site = inject("site");
const guests = JSON.parse(readFileSync(join(site, "guests/index.json"), "utf8")) as { id: string; config: { boot: object } }[];
const GUEST = process.env.E2E_GUEST ?? "debian-amd64";

withBrowser();
const open = async (fragment = "") => openPage(await browser.newContext({ viewport }), fragment);
const shows = (page: Page, text: string, ms = 30_000) => until(async () => (await serialText(page)).includes(text), ms, async () => `"${text}" is not on the console: ${JSON.stringify((await serialText(page)).slice(-400))} ${await page.textContent(id("notices"))}`);
const states = (page: Page) => page.$$eval(`${id("machines")} ${id("badge")}`, (b) => b.map((x) => x.getAttribute("data-state")));
async function clone(page: Page, kind: "linked" | "full", count: number): Promise<number> {
  const before = (await states(page)).length;
  await page.click(id("tool-copy"));
  await page.check(id(`clone-${kind}`));
  await page.fill(id("clone-count"), String(count));
  const clicked = performance.now();
  await page.click(id("clone-start"));
  await until(async () => (await states(page)).slice(before).filter((s) => s === "running").length === count, 30_000, async () => `${JSON.stringify(await states(page))} ${await page.textContent(id("notices"))}`);
  return performance.now() - clicked;
}
const select = (page: Page, n: number) => page.locator(`${id("machines")} li button`).nth(n).click();

describe.skipIf(!guests.some((g) => g.id === GUEST))(`${GUEST} with 256 MiB`, () => {
  test("ten linked clones go on side by side, each by itself", async () => {
    const { config } = guests.find((g) => g.id === GUEST) as (typeof guests)[number];
    const page = await open(await encodeLink(domainSchema.parse({ ...config, name: "class", memoryMiB: 256, boot: { ...config.boot, resume: "" } })));
    await page.click(id("link-start"));
    await page.click(id("tab-serial"));
    await shows(page, "~ #", 180_000);
    await page.click(".xterm-screen");
    await page.keyboard.type("word=swordfish; echo RE''ADY\r");
    await shows(page, "READY");
    const ms = await clone(page, "linked", 10);
    console.log(`ten linked clones of a running 256 MiB ${GUEST}: ${ms.toFixed(0)} ms`);
    expect(ms).toBeLessThan(20_000);
    expect((await states(page)).filter((s) => s === "running").length).toBe(11);
    for (const n of [3, 10]) {
      await select(page, n);
      await page.waitForSelector(id("shared"), { timeout: 10_000 });
      expect(await page.textContent(id("shared"))).toMatch(/Shared with class.*MiB/);
      await page.click(id("tab-serial"));
      await page.click(".xterm-screen");
      await page.keyboard.type(`word=$word-${n}; echo I am $word.\r`);
      await shows(page, `I am swordfish-${n}.`);
    }
    await page.context().close();
  }, 300_000);
});

test("disks of clones are shared until somebody writes; full clones and clones of a machine that is off are by themselves too", async () => {
  const page = await open();
  await page.setInputFiles(id("add-file"), { name: "count.img", mimeType: "application/octet-stream", buffer: countingDisk() });
  await page.locator(".files li").first().locator('button:has-text("Use in a new machine")').click();
  await page.click(id("form-start"));
  const counts = async (n: number) => {
    await page.click(id("tab-serial"));
    await shows(page, `COUNT=${n}`);
  };
  await counts(1);
  await page.click(id("tool-reset"));
  await counts(2);
  await clone(page, "linked", 1);
  await clone(page, "full", 1);
  for (const [n, reset] of [[1, 3], [2, 3], [0, 3]] as const) {
    await select(page, n);
    await page.click(id("tool-reset"));
    await counts(reset);
  }
  // Off: the disks alone.
  await select(page, 1);
  await page.click(id("tool-power"));
  await page.waitForSelector(`.machine-head ${id("badge")}[data-state="off"]`);
  await page.click(id("tool-copy"));
  await page.click(id("clone-start"));
  await until(async () => (await states(page)).length === 4, 10_000, async () => (await page.textContent(id("notices"))) ?? "");
  await select(page, 3);
  await page.click(id("tool-play"));
  await counts(4);
  await select(page, 1);
  await page.click(id("tool-play"));
  await counts(4);
  // The first machine and its file can go: clones stand on what it held.
  await select(page, 0);
  await page.click(".machine-head .danger");
  await page.click('.files li[data-name="count.img"] button[aria-label="Remove from this browser"]');
  await page.waitForSelector('.files li[data-name="count.img"]', { state: "detached" });
  await select(page, 2);
  await page.click(id("tool-reset"));
  await counts(5);
  await page.context().close();
}, 180_000);
