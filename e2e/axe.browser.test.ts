// axe over every view of the page, in both themes: the start page, forms, a running machine with each tab and each panel of the inspector, lessons, help and
// dialogs. Nothing that axe calls serious or critical may be found.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { browser, id, openPage, openPanel, until, viewport, withBrowser } from "./browsing.ts";

withBrowser();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
interface Found {
  readonly rule: string;
  readonly impact: string;
  readonly nodes: readonly string[];
}
const PANELS = ["code", "memory", "walk", "registers", "breakpoints", "dashboard", "interrupts", "dma", "tlb", "tables", "ports", "timeline", "pci", "map"];

describe.each(["light", "dark"] as const)("%s", (theme) => {
  test("no serious fault", async () => {
    const context = await browser.newContext({ viewport, colorScheme: theme });
    await context.addInitScript(`localStorage.setItem("guesthouse.theme", "${theme}")`);
    const page = await openPage(context);
    await page.evaluate(axe);
    const faults: string[] = [];
    let looks = 0;
    const look = async (where: string, on: Page = page) => {
      // What fades in is looked at when it stands still.
      await new Promise((r) => setTimeout(r, 300));
      const found = (await on.evaluate(
        `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => ({ rule: v.id, impact: v.impact, nodes: v.nodes.slice(0, 4).map((n) => n.target.join(" ") + " | " + n.html.slice(0, 160) + " | " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? "")) })))`,
      )) as readonly Found[];
      looks++;
      for (const { rule, impact, nodes } of found) faults.push(`${where}: ${rule} (${impact})\n    ${nodes.join("\n    ")}`);
    };
    await look("start page");
    await page.click(id("home-lessons"));
    await page.waitForSelector(id("lesson-modes"));
    await look("lessons");
    await page.click(`${id("lesson-modes")} ${id("lesson-begin")}`);
    await page.waitForSelector(id("lesson"));
    await until(async () => (await page.$(`.machine-head ${id("badge")}`)) !== null, 30_000, "the lesson's machine");
    await look("a lesson");
    await page.click(id("lesson-close"));
    await page.click(id("help-open"));
    await look("help");
    await page.click(id("new-machine"));
    await look("new machine");
    await page.fill(id("form-memory"), "32");
    await page.click(id("form-start"));
    await until(async () => (await page.getAttribute(`.machine-head ${id("badge")}`, "data-state").catch(() => "")) === "running", 30_000, "running");
    for (const tab of ["screen", "serial", "monitor", "snapshots", "settings"]) {
      await page.click(id(`tab-${tab}`));
      await look(`tab ${tab}`);
      if (tab !== "monitor") continue;
      await page.fill(id("monitor-line"), "info registers");
      await page.press(id("monitor-line"), "Enter");
      await page.waitForSelector(`${id("monitor")} button.addr`);
      await look("addresses in the monitor");
    }
    let link = "";
    for (const [tool, dialog] of [["link", "share-dialog"], ["copy", "clone-dialog"]] as const) {
      await page.click(id(`tool-${tool}`));
      await page.waitForSelector(id(dialog));
      await until(async () => (await page.$("dialog [role=status]")) === null, 60_000, "the dialog");
      await look(dialog);
      if (tool === "link") link = await page.inputValue(id("share-link"));
      await page.keyboard.press("Escape");
      await page.waitForSelector(id(dialog), { state: "detached" });
    }
    await page.click(id("tab-screen"));
    await page.click(id("tool-inspect"));
    await page.waitForSelector(id("insp-run"));
    await page.click(id("insp-run"));
    for (const name of PANELS) {
      if (!(await page.$(id(`insp-tab-${name}`)))) await openPanel(page, name);
      await page.click(id(`insp-tab-${name}`));
      await page.waitForSelector(id(`panel-${name}`));
      await look(`panel ${name}`);
    }
    await page.click(id("insp-panels"));
    await look("menu of panels");
    // What somebody who is sent the machine is asked.
    const other = await openPage(context);
    await other.goto(link);
    await other.waitForSelector(id("link-dialog"));
    await other.evaluate(axe);
    await look("link-dialog", other);
    console.log(`${theme}: ${looks} views`);
    expect(faults.join("\n")).toBe("");
    await context.close();
  }, 240_000);
});
