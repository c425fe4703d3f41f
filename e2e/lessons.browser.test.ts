// Lessons as a student and a teacher use them, in Chromium: all of them by "show me", the list, a step by hand in English with a wrong answer,
// progress over a reload, results as a file, a lesson from a file, and a broken one.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { expect, inject, test } from "vitest";
import { browser, id, openPage, until, viewport, withBrowser } from "./browsing.ts";
import type { Page } from "playwright-core";

withBrowser();
const passed = (page: Page) => page.getAttribute(id("lesson-standing"), "data-passed").then((p) => p === "true");
const ready = (page: Page) => page.waitForSelector(`${id("lesson-show")}:not([disabled])`, { timeout: 60_000 });

/** Presses "show me" and "next" to the end; the machine must do every step. */
async function playAll(page: Page, lesson: string, steps: number): Promise<void> {
  for (let n = 0; n < steps; n++) {
    await ready(page);
    await page.click(id("lesson-show"));
    await until(() => passed(page), 60_000, async () => `${lesson}, step ${n + 1}: ${await page.textContent(id("lesson-standing"))}`);
    if (n < steps - 1) await page.click(id("lesson-next"));
  }
  await page.waitForSelector(".lesson-finish");
}
const { lessons } = JSON.parse(readFileSync(new URL("../public/lessons/index.json", import.meta.url), "utf8")) as { lessons: { id: string; steps: number; title: { [language: string]: string } }[] };
const linux = existsSync(join(inject("site"), "guests/debian-amd64"));
lessons.forEach((row, n) => {
  // Every other one in Chinese; Node plays them all (workers/conformance/lessons).
  const language = n % 2 ? "en" : "zh-CN";
  test.skipIf(row.id === "linux-switch" && !linux)(`lesson ${n + 1}, ${row.id}, is played to its end (${language})`, async () => {
    const context = await browser.newContext({ viewport });
    const page = await openPage(context, `?lang=${language}&lesson=${row.id}`);
    await page.waitForSelector(id("lesson"));
    expect(await page.textContent(`${id("lesson")} h2`)).toBe(row.title[language]);
    await playAll(page, row.id, row.steps);
    await context.close();
  }, 240_000);
});

test("a lesson is shown from the first step to the last, in Chinese", async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context, "?lang=zh-CN");
  await page.click(id("lessons-open"));
  await page.click(`${id("lesson-modes")} ${id("lesson-begin")}`);
  await page.waitForSelector(id("lesson"));
  expect(await page.textContent(`${id("lesson")} h2`)).toBe("实模式、保护模式、长模式");
  await playAll(page, "modes", 6);
  expect(new URL(page.url()).searchParams.get("step")).toBe("long");
  // Results for the teacher.
  await page.click(".lesson-results summary");
  await page.fill(id("lesson-student"), "李雷");
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(id("lesson-save"))]);
  const results = JSON.parse(readFileSync(await download.path(), "utf8"));
  expect([results.student, results.lesson.id, results.passed, results.of, results.language]).toEqual(["李雷", "modes", 6, 6, "zh-CN"]);
  expect(results.steps.every((s: { shown: boolean; passedAt: string | null }) => s.shown && s.passedAt !== null)).toBe(true);
  expect(results.machine.registers).toContain("RAX=123456789abcdef0");
  await page.click(id("lesson-close"));
  await page.waitForSelector(id("lessons"));
  expect(await page.textContent(id("lesson-modes"))).toContain("6 / 6");
  // The lesson's machine is gone, and was never in the list.
  expect(await page.$$(`${id("machines")} li`)).toEqual([]);
  await context.close();
});

test("a student answers, errs, takes a hint, and goes on after a reload", async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context, "?lesson=power-on");
  await ready(page);
  await page.fill(id("lesson-answer"), "0x7c00");
  await page.click(id("lesson-hand"));
  await until(async () => (await page.getAttribute(id("lesson-standing"), "data-kind")) === "bad", 5000, "the wrong answer is refused");
  await page.click(id("lesson-hint"));
  await page.waitForSelector(id("lesson-hint-text"));
  await page.click(".lesson-commands button");
  await until(async () => ((await page.textContent(id("monitor"))) ?? "").includes("CS =f000 ffff0000"), 5000, "the line was typed into the monitor");
  await page.fill(id("lesson-answer"), "FFFFFFF0h");
  await page.press(id("lesson-answer"), "Enter");
  await until(() => passed(page), 5000, "the right answer passes");
  await page.click(id("lesson-next"));
  await ready(page);
  // By the monitor, as a student types.
  await page.fill(id("monitor-line"), "stepi");
  await page.press(id("monitor-line"), "Enter");
  await until(() => passed(page), 5000, "the step by hand passes");
  await page.reload();
  await page.waitForSelector(id("lesson"));
  await until(async () => (await page.$$('.lesson-steps [data-done="true"]')).length === 2, 20_000, "progress was kept");
  expect(await page.getAttribute(id("lesson-step-first-jump"), "aria-current")).toBe("step");
  await context.close();
});

test("a lesson from a zip runs; a broken one names file, line and key", async () => {
  const folder = new URL("../public/lessons/rings/", import.meta.url).pathname;
  const files = Object.fromEntries(["lesson.yaml", "text.en.md", "rings.b64"].map((n) => [n, new Uint8Array(readFileSync(`${folder}${n}`))]));
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  await page.click(id("lessons-open"));
  const yaml = readFileSync(`${folder}lesson.yaml`, "utf8");
  const broken = zipSync({ ...files, "lesson.yaml": strToU8(yaml.replace("- ring: 3", "- ringg: 3")) });
  await page.setInputFiles(id("lesson-file"), { name: "broken.zip", mimeType: "application/zip", buffer: Buffer.from(broken) });
  await until(async () => ((await page.textContent("body")) ?? "").includes('lesson.yaml, line 11: steps[0].check[1]: unknown field "ringg"'), 5000, "the Fault is shown");
  const own = zipSync({ ...files, "text.en.md": strToU8(readFileSync(`${folder}text.en.md`, "utf8").replace("# Rings", "# <img src=x onerror=document.title='owned'> Rings").replace("The processor works", "<script>document.title='owned'</script>The processor works")) });
  await page.setInputFiles(id("lesson-file"), { name: "own.zip", mimeType: "application/zip", buffer: Buffer.from(own) });
  await ready(page);
  await page.click(id("lesson-show"));
  await until(() => passed(page), 20_000, "its first step passes");
  // HTML in a text stays text.
  expect(await page.textContent(id("lesson"))).toContain("<script>");
  expect(await page.$$(`${id("lesson")} img, ${id("lesson")} script`)).toEqual([]);
  expect(await page.title()).not.toContain("owned");
  await context.close();
});

test("no text without translation", async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context, "?lang=qps&lesson=rings");
  await ready(page);
  const loose = await page.evaluate(`(() => {
    const walker = document.createTreeWalker(document.querySelector(".lesson"), NodeFilter.SHOW_TEXT);
    const found = [];
    for (let n = walker.nextNode(); n; n = walker.nextNode()) {
      const text = n.textContent.trim();
      if (/\\p{L}/u.test(text) && !n.parentElement.closest('[translate="no"]') && !/^\\[[\\w.]+\\]/.test(text)) found.push(text);
    }
    return found;
  })()`);
  expect(loose).toEqual([]);
  await context.close();
});
