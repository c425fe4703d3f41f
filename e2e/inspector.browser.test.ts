// The inspector in Chromium: panels over a running machine, by mouse and by keyboard; what they show is held against the machine's own commands.
// Stories that need a guest are skipped where none was built.

import type { BrowserContext, Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { browser, id, openPage, until, viewport, withBrowser } from "./browsing.ts";

withBrowser();
const text = async (page: Page, name: string) => (await page.textContent(id(name))) ?? "";
const state = (page: Page) => page.getAttribute(`.machine-head ${id("badge")}`, "data-state");
/** A machine of a QEMU line, started, with the inspector open. */
async function inspected(page: Page, line = "qemu-system-x86_64 -m 64"): Promise<void> {
  await page.click(id("new-machine"));
  await page.fill(id("qemu-line"), line);
  await page.click(id("qemu-fill"));
  await page.click(id("form-start"));
  await until(async () => (await state(page)) === "running", 30_000, "running");
  await page.click(id("tool-inspect"));
  await page.waitForSelector(id("insp-run"));
}
const pause = async (page: Page) => {
  await page.click(id("insp-run"));
  await until(async () => (await state(page)) === "paused", 5000, "paused");
};
const register = (page: Page, name: string) => page.textContent(`[data-register="${name}"] .addr`);
const panel = async (page: Page, name: string) => {
  await page.click(id("insp-panels"));
  await page.click(id(`panel-item-${name}`));
};

describe("a machine with firmware only", () => {
  let context: BrowserContext;
  let page: Page;
  const errors: string[] = [];
  beforeAll(async () => {
    context = await browser.newContext({ viewport });
    page = await openPage(context);
    page.on("pageerror", (e) => errors.push(e.message));
    await inspected(page);
    await until(async () => (await text(page, "screen-text")).includes("No bootable device"), 60_000, "SeaBIOS gives up");
  }, 100_000);

  test("paused: where it stands, in registers and listing alike", async () => {
    await pause(page);
    await until(async () => (await page.$$(`${id("panel-code")} tr.current`)).length === 1, 5000, "the next instruction");
    const where = (await page.textContent(`${id("insp-where")} .addr`)) as string;
    const current = (await page.textContent(`${id("panel-code")} tr.current .addr`)) as string;
    expect(Number.parseInt(current, 16)).toBe(Number(where));
    expect(await register(page, "eflags")).toMatch(/^[0-9a-f]{8}$/);
  });
  test("a step moves on by one instruction; keys do the same", async () => {
    const next = async () => (await page.textContent(`${id("panel-code")} tr.current + tr .addr`)) as string;
    const at = async () => (await page.textContent(`${id("panel-code")} tr.current .addr`)) as string;
    const from = await at();
    await page.click(id("insp-stepi"));
    await until(async () => (await at()) !== from, 5000, "a step");
    expect(await next()).not.toBe(null);
    const second = await at();
    await page.focus(id("insp-stepi"));
    await page.keyboard.press("F11");
    await until(async () => (await at()) !== second, 5000, "a step by F11");
  });
  test("a register is edited in place, and the monitor agrees; what cannot be set is said", async () => {
    await page.hover('[data-register="ebx"]');
    await page.click('[data-register="ebx"] .edit');
    await page.keyboard.press("Control+a");
    await page.keyboard.type("1234abcd");
    await page.keyboard.press("Enter");
    await until(async () => (await register(page, "ebx")) === "1234abcd", 3000, "the new value");
    expect(await page.getAttribute('[data-register="ebx"]', "class")).toContain("changed");
    await page.click(id("tab-monitor"));
    await page.fill(id("monitor-line"), "print $ebx");
    await page.press(id("monitor-line"), "Enter");
    await until(async () => (await text(page, "monitor")).includes("0x1234abcd"), 3000, "the monitor's answer");
    await page.click(id("tab-screen"));
  });
  test("a breakpoint by click in the gutter stops the machine there, and goes by click", async () => {
    // SeaBIOS waits for the time to pass: the instruction comes round again.
    const row = `${id("panel-code")} tr.current`;
    const at = (await page.textContent(`${row} .addr`)) as string;
    await page.click(`${row} .bp`);
    await until(async () => (await page.getAttribute(`${row} .bp`, "aria-pressed")) === "true", 3000, "a red dot");
    await page.click(id("insp-run"));
    await until(async () => (await text(page, "insp-where")).includes("Breakpoint 1"), 20_000, "the breakpoint's stop");
    expect(await page.textContent(`${row} .addr`)).toBe(at);
    await page.click(id("insp-tab-breakpoints"));
    await until(async () => (await page.$$(id("breakpoint"))).length === 1, 3000, "the list");
    expect(await text(page, "breakpoint")).toMatch(/Executed/);
    await page.click(`${row} .bp`);
    await until(async () => (await page.$$(id("breakpoint"))).length === 0, 3000, "the empty list");
  });
  test("a breakpoint with a condition, and one that makes no sense", async () => {
    await page.selectOption(id("bp-kind"), "port");
    await page.fill(id("bp-what"), "0x3d4");
    await page.fill(id("bp-condition"), "$eax == 0x77777");
    await page.click(id("bp-add"));
    await until(async () => (await page.$$(id("breakpoint"))).length === 1, 3000, "the list");
    expect(await text(page, "breakpoint")).toContain("$eax == 0x77777");
    await page.fill(id("bp-what"), "0x99999");
    await page.click(id("bp-add"));
    await until(async () => (await page.textContent(`${id("panel-breakpoints")} [role=alert]`).catch(() => "")) !== "", 3000, "a refusal");
    await page.click(`${id("breakpoint")} button`);
    await page.click(id("insp-tab-registers"));
  });
  test("panels close, open, undock and dock by keyboard alone, and are remembered", async () => {
    await page.focus(id("insp-tab-registers"));
    await page.keyboard.press("ArrowRight");
    await until(async () => (await page.getAttribute(id("insp-tab-breakpoints"), "aria-selected")) === "true" || (await page.evaluate("document.activeElement.textContent")) === "Breakpoints", 2000, "the next tab");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Delete");
    await until(async () => (await page.$(id("insp-tab-breakpoints"))) === null, 2000, "a closed panel");
    await page.focus(id("insp-panels"));
    await page.keyboard.press("Enter");
    await until(async () => (await page.evaluate("document.activeElement.getAttribute('role')")) === "menuitemcheckbox", 2000, "the menu");
    await page.keyboard.type("B");
    await page.keyboard.press("Enter");
    await page.waitForSelector(id("insp-tab-breakpoints"));
    await page.click(id("insp-tab-breakpoints"));
    await page.locator(id("insp-arrange")).last().focus();
    await page.keyboard.press("Enter");
    await page.keyboard.type("U");
    await page.keyboard.press("Enter");
    await until(async () => (await page.$$("[data-floating] [data-testid=insp-tab-breakpoints], [data-tabset-floating] [data-testid=insp-tab-breakpoints]")).length === 1, 3000, "a floating panel");
    await page.click(id("insp-close"));
    await page.waitForSelector(id("inspector"), { state: "detached" });
    await page.click(id("tool-inspect"));
    await page.waitForSelector("[data-testid=insp-tab-breakpoints]");
    expect((await page.$$("[data-floating] [data-testid=insp-tab-breakpoints], [data-tabset-floating] [data-testid=insp-tab-breakpoints]")).length).toBe(1);
    await panel(page, "registers");
    await page.waitForSelector(id("insp-tab-registers"), { state: "detached" });
    await page.click(id("insp-panels"));
    await page.click("text=First arrangement");
    await page.waitForSelector(id("insp-tab-registers"));
  });
  test("an address is a link: Enter opens its menu, and the listing goes there", async () => {
    const link = page.locator('[data-register="esp"] .addr');
    await link.focus();
    await page.keyboard.press("Enter");
    await page.click(id("go-code"));
    await until(async () => (await page.inputValue(id("code-address"))) === `0x${Number.parseInt((await register(page, "esp")) as string, 16).toString(16)}`, 3000, "the listing there");
    await page.click("text=Follow");
  });
  test("nothing went wrong in the page", () => expect(errors).toEqual([]));
});

test("a machine whose time is instructions records, steps back and runs back", async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  await inspected(page, "qemu-system-x86_64 -m 16 -icount shift=3");
  await page.click(id("insp-record"));
  await until(async () => (await page.getAttribute(id("insp-record"), "aria-pressed")) === "true", 5000, "recording");
  await pause(page);
  const at = async () => (await page.textContent(`${id("insp-where")} .addr`)) as string;
  const trail = [await at()];
  for (let n = 0; n < 3; n++) {
    await page.click(id("insp-stepi"));
    await new Promise((r) => setTimeout(r, 400));
    trail.push(await at());
  }
  for (let n = 2; n >= 0; n--) {
    await page.click(id("insp-step-back"));
    await until(async () => (await at()) === trail[n], 5000, `back at ${trail[n]}`);
  }
  await page.click(id("insp-run-back"));
  await until(async () => (await text(page, "insp-where")).includes("The first moment that is known"), 20_000, "the beginning");
  await context.close();
});
