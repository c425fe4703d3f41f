// How things move in the machine, in Chromium: the drawn way of an interrupt with its links, DMA as arrows, and the timeline with the names of Linux's
// tasks. Stories that need a guest are skipped where none was built.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { browser, id, inspectGuest, openPage, openPanel, until, viewport, withBrowser } from "./browsing.ts";

withBrowser();
const SHOTS = process.env.E2E_SHOTS;
const shot = async (page: Page, name: string) => void (SHOTS && (await page.screenshot({ path: join(SHOTS, `${name}.png`) })));
const panel = async (page: Page, name: string) => {
  if (await page.$(id(`insp-tab-${name}`))) return page.click(id(`insp-tab-${name}`));
  await openPanel(page, name);
};
const GUEST = process.env.E2E_GUEST ?? "debian-amd64";
const guests = JSON.parse(readFileSync(join(inject("site"), "guests/index.json"), "utf8")) as { id: string; config: { boot: { resume: string } } }[];

describe.skipIf(!guests.some((g) => g.id === GUEST && g.config.boot.resume !== ""))(`in ${GUEST}`, () => {
  let context: BrowserContext;
  let page: Page;
  beforeAll(async () => {
    context = await browser.newContext({ viewport });
    page = await openPage(context);
    await inspectGuest(page, GUEST);
  }, 120_000);

  test("the way of the serial port's interrupt: line, I/O APIC, local APIC, gate, handler; its count grows and its links lead on", async () => {
    await page.click(id("insp-tab-code"));
    await page.click(id("code-symbols"));
    await page.click(id("symbols-linux"));
    await until(async () => /\d{5,} /.test((await page.textContent(id("code-symbols-said")).catch(() => "")) ?? ""), 60_000, "symbols");
    await page.click(".xterm-screen");
    await page.keyboard.type("echo hello\r");
    await panel(page, "interrupts");
    const row = page.locator(`${id("interrupt-paths")} [data-vector-path]`, { hasText: "COM1" });
    await until(async () => (await row.count()) === 1, 5000, "the way of line 4");
    const count = async () => Number(await row.getAttribute("data-path-count"));
    expect(await row.textContent()).toMatch(/GSI 4.*I\/O APIC 4.*edge.*LAPIC 0x[0-9a-f]{2}.*IRR.*ISR.*IDT\[0x[0-9a-f]{2}\].*present/);
    expect(await row.textContent()).toMatch(/irq_entries_start/);
    const before = await count();
    await page.click(".xterm-screen");
    await page.keyboard.type("echo more\r");
    await until(async () => (await count()) > before, 5000, "the count to grow");
    await shot(page, "interrupts");
    // The vector leads to its row of the IDT, the gate to its bytes, the handler to its instructions.
    const vector = await row.getAttribute("data-vector-path");
    await page.click(id(`path-vector-${vector}`));
    await until(async () => (await page.getAttribute(`${id("panel-tables")} tr.current`, "data-entry").catch(() => "")) === vector, 5000, "the row of the IDT");
    await page.click(id("insp-tab-interrupts"));
    await row.locator(".addr").last().click();
    await page.click(id("go-code"));
    await until(async () => (await page.locator(`${id("panel-code")} tr.symbol`).allTextContents()).some((s) => s.startsWith("irq_entries_start")), 5000, "the handler's code");
    // Paused it stays as it is.
    await page.click(id("insp-run"));
    await page.click(id("insp-tab-interrupts"));
    const stands = await count();
    await new Promise((r) => setTimeout(r, 1500));
    expect(await count()).toBe(stands);
    await page.click(id("insp-run"));
  }, 180_000);
  test("the timeline names the address space of a program that spins", async () => {
    await panel(page, "timeline");
    await page.click(id("timeline-names"));
    await page.click(".xterm-screen");
    await page.keyboard.type("sh -c 'while :; do :; done' & \r");
    await until(async () => /CR3 [0-9a-f]{8} sh \(\d+\)/.test((await page.textContent(id("timeline-spaces"))) ?? ""), 20_000, async () => `a name; shown is ${await page.textContent(id("panel-timeline"))}`);
    await shot(page, "timeline");
    await page.click(".xterm-screen");
    await page.keyboard.type("kill $!\r");
  }, 60_000);
});
test("DMA is drawn: the firmware's reads of its configuration arrive in memory, and their address is a link", async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  await page.click(id("new-machine"));
  await page.fill(id("qemu-line"), "qemu-system-x86_64 -m 64");
  await page.click(id("qemu-fill"));
  await page.click(id("form-start"));
  await page.click(id("tool-inspect"));
  await page.waitForSelector(id("insp-run"));
  await panel(page, "dma");
  await page.waitForSelector(id("panel-dma"));
  await page.click(id("tool-reset"));
  await page.waitForSelector("[data-dma-device=fw-cfg]", { timeout: 20_000 });
  await until(async () => (await page.$$(`${id("panel-dma")} svg .in .arrow`)).length > 3, 10_000, "arrows to memory");
  const listed = await page.$$eval(`${id("dma-list")} tr[data-dma]`, (rows) => rows.map((r) => [Number(r.getAttribute("data-dma")), Number(r.getAttribute("data-bytes")), r.getAttribute("data-to")] as const));
  expect(listed.every(([at, bytes, to]) => at < 64 << 20 && bytes > 0 && to === "1")).toBe(true);
  await shot(page, "dma");
  await page.locator(`${id("dma-list")} tr[data-dma]`).first().locator(".addr").click();
  await page.click(id("go-memory"));
  await until(async () => (await page.inputValue(id("memory-address"))).startsWith("p:0x"), 5000, "the bytes there");
  await context.close();
});
test("a panel in a window of its own, by keyboard: it shows the machine, is remembered, and docks when it is closed", async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  await page.click(id("new-machine"));
  await page.fill(id("form-memory"), "32");
  await page.click(id("form-start"));
  await page.click(id("tool-inspect"));
  await page.waitForSelector(id("panel-registers"));
  const popOut = async () => {
    await page.locator(id("insp-arrange")).last().focus();
    await page.keyboard.press("Enter");
    await page.keyboard.type("I");
    const [made] = await Promise.all([context.waitForEvent("page"), page.keyboard.press("Enter")]);
    return made;
  };
  const there = await popOut();
  await there.waitForSelector(id("panel-registers"));
  await until(async () => (await page.$(id("insp-tab-registers"))) === null, 5000, "the panel to leave the page");
  await page.click(id("insp-run"));
  await until(async () => /^Paused at|^Stepped/.test((await there.textContent(id("insp-where")).catch(() => "")) ?? ""), 10_000, "the pause, told in the window");
  const at = async () => there.textContent(`${id("insp-where")} .addr`);
  const before = await at();
  await there.locator(`${id("panel-registers")} .addr`).first().focus();
  await there.keyboard.press("F11");
  await until(async () => (await at()) !== before, 5000, "a step by a key in the window");
  // A link in the window leads on in the page.
  await there.locator(`${id("panel-registers")} .addr`).first().focus();
  await there.keyboard.press("Enter");
  await there.keyboard.press("ArrowDown");
  await until(async () => (await there.evaluate("document.activeElement.dataset.testid")) === "go-code", 3000, "the menu's second item");
  await there.keyboard.press("Home");
  await there.keyboard.press("Enter");
  await page.waitForSelector(id("panel-memory"));
  if (SHOTS) await there.screenshot({ path: join(SHOTS, "window.png") });
  // Closed with the inspector, there again with it.
  await Promise.all([there.waitForEvent("close"), page.click(id("insp-close"))]);
  const [again] = await Promise.all([context.waitForEvent("page"), page.click(id("tool-inspect"))]);
  await again.waitForSelector(id("panel-registers"));
  await again.close({ runBeforeUnload: true });
  await page.waitForSelector(id("insp-tab-registers"));
  await page.click(id("insp-close"));
  await page.click(id("tool-inspect"));
  await page.waitForSelector(id("insp-tab-registers"));
  expect(context.pages()).toHaveLength(1);
  await context.close();
}, 120_000);
