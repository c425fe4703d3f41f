// Help in Chromium: the instruction table is fetched only when asked for, is reached and searched with the keyboard alone, says what
// docs/instructions.md says, and shows no untranslated text in any language.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { browser, id, openPage, until, viewport, withBrowser } from "./browsing.ts";

withBrowser();
interface Table {
  readonly rows: number;
  readonly cases: number;
  readonly families: readonly { readonly id: string; readonly rows: readonly (readonly [string, string, string, string, number, string?, string?])[] }[];
}
const table = JSON.parse(readFileSync(join(import.meta.dirname, "../src/ui/instructions.gen.json"), "utf8")) as Table;
const rowOf = (op: string) => table.families.flatMap((f) => f.rows).find((r) => r[0] === op) as Table["families"][0]["rows"][0];

test("the table is loaded when it is asked for, found by keyboard, and shows the cases of a row", async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  const loaded: string[] = [];
  page.on("request", (r) => void loaded.push(r.url()));
  expect(await page.$(id("help"))).toBeNull();
  // By Tab to the entry of the list, and Enter.
  for (let n = 0; n < 30; n++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(`document.activeElement?.dataset.testid === "help-open"`)) break;
  }
  await page.keyboard.press("Enter");
  await page.waitForSelector(id("help-search"));
  for (const topic of ["inspector", "bench"]) expect((await page.$$(`${id(`help-${topic}`)} li`)).length).toBeGreaterThan(4);
  expect(loaded.some((u) => /instructions/.test(u))).toBe(true);
  expect((await page.textContent(id("help-count"))) ?? "").toContain(table.cases.toLocaleString("en"));
  for (let n = 0; n < 10; n++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(`document.activeElement?.dataset.testid === "help-search"`)) break;
  }
  await page.keyboard.type("wrfsbase");
  await until(async () => (await page.$$(id("help-row"))).length === 1, 5000, "one row");
  const cells = await page.$$eval(`${id("help-row")} > *`, (all) => all.map((c) => c.textContent ?? ""));
  const row = rowOf("WRFSBASE");
  expect(cells).toEqual([row[0], row[1], row[2], row[3], row[4].toLocaleString("en")]);
  expect(row[4]).toBeGreaterThan(0);
  // A row without captured cases names its reason and the programs that execute it.
  await page.fill(id("help-search"), "syscall");
  await until(async () => ((await page.textContent(`${id("help-row")} td:last-child`)) ?? "").includes(rowOf("SYSCALL")[5] as string), 5000, "the reason");
  // Without a search the families are folded; one opens with the keyboard and shows all its rows.
  await page.fill(id("help-search"), "");
  await until(async () => (await page.$$(id("help-row"))).length === 0, 5000, "folded");
  await page.focus(id("help-family-x87"));
  await page.keyboard.press("Enter");
  const x87 = table.families.find((f) => f.id === "x87") as Table["families"][0];
  await until(async () => (await page.$$(id("help-row"))).length === x87.rows.length, 5000, "all x87 rows");
  await context.close();
}, 60_000);
test("Chinese, and the pseudo-language without text outside the tables", async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context, "?lang=qps");
  await page.click(id("help-open"));
  await page.waitForSelector(id("help-search"));
  await page.fill(id("help-search"), "aes");
  await until(async () => (await page.$$(id("help-row"))).length > 0, 5000, "rows");
  const bare = await page.evaluate(`[...document.querySelectorAll('[data-testid="help"] :is(h2, h3, p, label, button > span, thead th)')]
    .filter((e) => !e.closest('[translate="no"]')).map((e) => e.firstChild?.textContent.trim() ?? "").filter((t) => t && !/^\\[[\\w.-]+\\]/.test(t))`);
  expect(bare).toEqual([]);
  await page.selectOption(id("language"), "zh-CN");
  await until(async () => ((await page.textContent(id("help"))) ?? "").includes("指令"), 5000, "Chinese");
  const colours: unknown[] = [];
  for (const theme of ["light", "dark"]) {
    await page.selectOption(id("theme"), theme);
    colours.push(await page.evaluate(`(() => { const s = getComputedStyle(document.querySelector('.help-table th')); const b = getComputedStyle(document.querySelector('.help-table')); return [s.color, b.backgroundColor]; })()`));
    if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `help-${theme}.png`) });
  }
  expect(colours[0]).not.toEqual(colours[1]);
  await context.close();
}, 60_000);
