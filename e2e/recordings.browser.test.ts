// A recording of a deterministic machine, shared from the page as a link and as a file: whoever opens it sees the same again, with the keys that were
// typed, up to the same state, and can step and run back in it.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { browser, id, openPage, until, viewport, withBrowser } from "./browsing.ts";

withBrowser();
const state = (page: Page) => page.getAttribute(`.machine-head ${id("badge")}`, "data-state");
const text = async (page: Page, name: string) => (await page.textContent(id(name)).catch(() => "")) ?? "";
/** What the monitor answers. */
async function say(page: Page, line: string): Promise<string> {
  await page.click(id("tab-monitor"));
  const before = await page.locator(`${id("monitor")} pre.output`).count();
  await page.fill(id("monitor-line"), line);
  await page.press(id("monitor-line"), "Enter");
  await until(async () => (await page.locator(`${id("monitor")} pre.output`).count()) > before, 10_000, `an answer to ${line}`);
  return ((await page.locator(`${id("monitor")} pre.output`).last().textContent()) ?? "").trim();
}
const standing = async (page: Page) => `${await say(page, "info registers")}\n${/now at (\d+)/.exec(await say(page, "info record"))?.[1]}`;

test("recorded, shared, opened by somebody else: the same happens again, and goes back", async () => {
  const context = await browser.newContext({ viewport, acceptDownloads: true });
  const page = await openPage(context);
  await page.click(id("new-machine"));
  await page.fill(id("qemu-line"), "qemu-system-x86_64 -m 16 -icount shift=3 -boot menu=on");
  await page.click(id("qemu-fill"));
  await page.click(id("form-start"));
  await page.click(id("tool-inspect"));
  await page.waitForSelector(id("insp-run"));
  await until(async () => (await state(page)) === "running", 30_000, "the machine");
  await page.click(id("insp-record"));
  await until(async () => (await page.getAttribute(id("insp-record"), "aria-pressed")) === "true", 5000, "recording");
  await until(async () => (await text(page, "screen-text")).includes("No bootable device"), 60_000, "SeaBIOS gives up");
  await page.click(id("tab-screen"));
  await page.focus(id("screen"));
  await page.keyboard.type("abc");
  await new Promise((r) => setTimeout(r, 500));
  await page.click(id("insp-run"));
  await until(async () => (await state(page)) === "paused", 5000, "paused");
  expect(Number(/, (\d+) inputs/.exec(await say(page, "info record"))?.[1])).toBeGreaterThanOrEqual(6);
  const end = await standing(page);
  const from = /^instructions (\d+) to/.exec(await say(page, "info record"))?.[1];
  await page.click(id("tool-link"));
  await until(async () => (await page.inputValue(id("share-link")).catch(() => "")) !== "", 60_000, "a link");
  expect(await page.isChecked(id("share-recording"))).toBe(true);
  const link = await page.inputValue(id("share-link"));
  console.log(`link of a recording: ${link.length} characters`);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(id("share-file"))]);
  const file = join(mkdtempSync(join(tmpdir(), "recording-")), "machine.guesthouse");
  await download.saveAs(file);
  await context.close();

  const opens: readonly ((page: Page) => Promise<unknown>)[] = [(p) => p.goto(link), (p) => p.setInputFiles(id("add-file"), file)];
  for (const open of opens) {
    const other = await browser.newContext({ viewport });
    const there = await openPage(other);
    await open(there);
    await there.waitForSelector(id("link-dialog"));
    expect(await text(there, "link-dialog")).toMatch(/[\d,]{7,} instructions, \d+ inputs/);
    await there.click(id("link-start"));
    await until(async () => ["running", "paused"].includes((await state(there).catch(() => "")) ?? ""), 30_000, "the machine");
    if (!(await there.$(id("inspector")))) await there.click(id("tool-inspect"));
    await until(async () => /end of the recording/i.test(await text(there, "insp-where")), 60_000, async () => `the end; it says ${await text(there, "insp-where")}, ${await state(there)}`);
    expect(await standing(there)).toBe(end);
    await there.click(id("insp-step-back"));
    await until(async () => (await text(there, "insp-where")).includes("Went back to"), 10_000, async () => `a step back; it says ${await text(there, "insp-where")}`);
    await there.click(id("insp-run-back"));
    await until(async () => (await text(there, "insp-where")).includes("The first moment that is known"), 30_000, "the beginning");
    expect(await say(there, "info record")).toMatch(new RegExp(`^instructions ${from} to \\d+, now at ${from}$`, "m"));
    await other.close();
  }
}, 300_000);
