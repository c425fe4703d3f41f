// A machine as an OVA: saved from the page, added in a fresh profile, where it becomes a machine whose disk boots; one whose manifest is wrong is refused.

import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { browser, id, openPage, withBrowser, viewport } from "./browsing.ts";
import { countingDisk } from "./counting-disk.ts";

withBrowser();
const open = async () => openPage(await browser.newContext({ viewport, acceptDownloads: true }));
async function counts(page: Page, n: number): Promise<void> {
  await page.click(id("tab-serial"));
  await page.waitForFunction(`[...document.querySelectorAll(".xterm-rows > div")].some((r) => r.textContent.includes("COUNT=${n}"))`, null, { timeout: 30_000 });
}
test("an OVA goes out and comes back", async () => {
  const page = await open();
  await page.setInputFiles(id("add-file"), { name: "count.img", mimeType: "application/octet-stream", buffer: countingDisk() });
  await page.locator(".files li").first().locator('button:has-text("Use in a new machine")').click();
  await page.fill(id("form-memory"), "96");
  await page.click(id("form-start"));
  await counts(page, 1);
  await page.click(id("tool-power"));
  await page.waitForSelector(`.machine-head ${id("badge")}[data-state="off"]`);
  await page.click(id("tool-link"));
  await page.waitForSelector(`${id("share-ova")}:not([disabled])`, { timeout: 30_000 });
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(id("share-ova"))]);
  expect(download.suggestedFilename()).toBe("count.ova");
  const ova = readFileSync((await download.path()) as string);
  await page.context().close();

  const other = await open();
  const bad = Buffer.from(ova);
  bad[bad.length - 6000] = (bad[bad.length - 6000] as number) ^ 0xff;
  await other.setInputFiles(id("add-file"), { name: "count.ova", mimeType: "application/octet-stream", buffer: bad });
  await other.waitForSelector(`${id("notices")} .fault`, { timeout: 30_000 });
  expect(await other.textContent(id("notices"))).toContain("damaged");
  expect(await other.$(".files li")).toBeNull();
  // How far it is, is shown while it arrives, and nothing afterwards.
  await other.evaluate(`window.parts = [];
    new MutationObserver(() => {
      const bar = document.querySelector('${id("appliance-progress")}');
      if (bar && window.parts.at(-1) !== bar.value) window.parts.push(bar.value);
    }).observe(document.body, { subtree: true, childList: true, attributes: true })`);
  await other.setInputFiles(id("add-file"), { name: "count.ova", mimeType: "application/octet-stream", buffer: ova });
  await other.waitForSelector(id("form-memory"), { timeout: 30_000 });
  expect(await other.inputValue(id("form-memory"))).toBe("96");
  const parts = (await other.evaluate("window.parts")) as readonly number[];
  expect(parts.length).toBeGreaterThan(2);
  expect(parts).toEqual([...parts].sort((a, b) => a - b));
  expect(parts.at(-1)).toBeGreaterThanOrEqual(0.5);
  expect(await other.$(id("appliance"))).toBeNull();
  await other.click(id("form-start"));
  await counts(other, 2);
  await other.click(id("tool-reset"));
  await counts(other, 3);
  await other.context().close();
}, 120_000);
