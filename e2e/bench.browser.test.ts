// The assembly bench in Chromium: an example runs, errors stand at their lines, a breakpoint and steps mark lines, a program that never ends assembling is
// stopped, the keyboard leaves the editor, a link opens in a fresh profile and runs nothing by itself, and the last source is kept.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import type { Page } from "playwright-core";
import { browser, id, openPage, served, until, viewport, withBrowser } from "./browsing.ts";

withBrowser();
const nasm = existsSync(join(inject("site"), "guests/nasm/nasm.wasm"));
/** Where pictures go for a person to judge; none when not asked for. */
const pictures = process.env.BENCH_PICTURES;
async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}
const said = async (page: Page) => (await page.textContent(id("bench-said"))) ?? "";
const line = (page: Page) => page.getAttribute(id("bench-standing"), "data-line");
async function open(page: Page): Promise<void> {
  await page.click(id("bench-open"));
  await page.waitForSelector(id("bench-editor"));
}
/** Replaces what is in the editor, as somebody who types. */
async function write(page: Page, text: string): Promise<void> {
  await page.click(id("bench-editor"));
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
}
const good = (page: Page) => until(async () => /bytes, no errors/.test(await said(page)), 20_000, () => said(page));
const stopped = (page: Page, n: number) => until(async () => (await line(page)) === String(n), 15_000, async () => `line ${n}: ${await said(page)}`);

test.runIf(nasm)("an example runs; a breakpoint and steps mark lines; registers stand beside them", { timeout: 120_000 }, async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  await open(page);
  await page.selectOption(id("bench-examples"), "flags");
  await good(page);
  await picture(page, "1-example");
  await page.click(id("bench-run"));
  await until(async () => (await said(page)).includes("The program has ended."), 20_000, () => said(page));
  expect(await page.textContent(id("panel-registers"))).toMatch(/000013ba/);
  // What comes next is another run; there is nothing to go on with, but one can go back.
  expect(await page.getAttribute(id("bench-run"), "class")).toBe("primary");
  expect(await page.isEnabled(id("bench-resume"))).toBe(false);
  await page.click(id("bench-back"));
  await stopped(page, 15);
  expect(await page.getAttribute(id("bench-resume"), "class")).toBe("primary");
  await page.focus(id("bench-editor"));
  await page.keyboard.press("Shift+F10");
  await stopped(page, 14);
  // A breakpoint by its gutter: line 5 is "loop sum".
  await page.locator(".cm-lineNumbers .cm-gutterElement", { hasText: /^5$/ }).click();
  await page.waitForSelector(".bench-dot:visible");
  await page.click(id("bench-run"));
  await stopped(page, 5);
  expect(await page.textContent(".bench-current")).toContain("loop sum");
  await picture(page, "2-breakpoint");
  await page.click(id("bench-into"));
  await stopped(page, 4);
  await page.click(id("bench-step"));
  await stopped(page, 5);
  // A step over LOOP runs the loop, and its breakpoint stops it.
  await page.click(id("bench-step"));
  await until(async () => /ecx\s*00000062/.test((await page.textContent(id("panel-registers"))) ?? ""), 10_000, () => said(page));
  await stopped(page, 5);
  // Without it the program runs on to its end.
  await page.locator(".cm-lineNumbers .cm-gutterElement", { hasText: /^5$/ }).click();
  await page.click(id("bench-resume"));
  await until(async () => (await said(page)).includes("The program has ended."), 20_000, () => said(page));
  // A changed source is another program.
  await page.click(id("bench-editor"));
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("; new\n");
  await until(async () => (await said(page)).includes("run it again"), 5000, () => said(page));
  // The bench's machine is not among the person's own.
  expect(await page.$$(`${id("machines")} li`)).toEqual([]);
  await context.close();
});
test.runIf(nasm)("errors stand at their lines, a source without end is stopped, and the bench goes on", { timeout: 120_000 }, async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  await open(page);
  await write(page, "mov eax, 1\nbadop ebx, 2\nmov ecx, nolabel\nret\n");
  await until(async () => (await page.getAttribute(id("bench-said"), "data-errors")) === "1", 20_000, () => said(page));
  expect(await said(page)).toContain("line 2 error: parser: instruction expected");
  expect(await page.$$(".cm-lint-marker-error")).toHaveLength(1);
  await picture(page, "3-error");
  await page.click(id("bench-message"));
  expect(await page.getAttribute(":focus", "data-testid")).toBe("bench-editor");
  await write(page, "%macro a 0\n%rep 65000\n%rep 65000\n%assign x 1\n%endrep\n%endrep\n%endmacro\na\n");
  await until(async () => (await said(page)).includes("The assembler was stopped after 8 seconds."), 40_000, () => said(page));
  await write(page, "mov eax, 7\nret\n");
  await good(page);
  await context.close();
});
test.runIf(nasm)("the keyboard runs, steps and leaves; a boot sector steps through SeaBIOS; a triple fault is said", { timeout: 180_000 }, async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  await open(page);
  await write(page, "mov eax, 5\ninc eax\nret\n");
  await good(page);
  await page.keyboard.press("F10");
  await stopped(page, 1);
  await page.keyboard.press("F10");
  await stopped(page, 2);
  await page.keyboard.press("Control+Enter");
  await until(async () => (await said(page)).includes("The program has ended."), 20_000, () => said(page));
  await page.focus(id("bench-editor"));
  await page.keyboard.press("Tab");
  expect(await page.getAttribute(":focus", "data-testid")).toBe("bench-editor");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  expect(await page.getAttribute(":focus", "data-testid")).not.toBe("bench-editor");
  await write(page, "ud2\n");
  await good(page);
  await page.click(id("bench-run"));
  await until(async () => (await said(page)).includes("Line 1 (at 10000h) raised exception 6: #UD, invalid opcode. No handler took it, so the processor shut down (triple fault)."), 20_000, () => said(page));
  expect(await page.textContent(".bench-current")).toContain("ud2");
  // The registers stay as they were, the inspector says what happened, and one can go back from there.
  expect(await page.textContent(id("panel-registers"))).toMatch(/eip00010000/);
  expect(await page.getAttribute('[data-register="eip"] .edit', "title").catch(() => null)).toBeNull();
  await picture(page, "9-triple-fault");
  await page.click(id("tool-inspect"));
  await until(async () => /The processor shut down \(triple fault\)\. The instruction at 10000h raised exception 6: #UD, invalid opcode\. +Its handler could not be entered: #GP, general protection → #DF, double fault\./.test((await page.textContent(id("insp-shutdown")).catch(() => "")) ?? ""), 10_000, async () => (await page.textContent(id("inspector"))) ?? "");
  await picture(page, "11-triple-fault-inspector");
  await page.click(id("insp-close"));
  await page.click(id("bench-back"));
  await until(async () => (await page.getAttribute(`${id("machine")} ${id("status")}`, "data-state")) === "paused", 10_000, () => said(page));
  await write(page, "mov edi, 0x1234\nint 0x80\nret\n");
  await good(page);
  await page.click(id("bench-run"));
  await until(async () => (await said(page)).includes("The interrupt table (IDT) has no usable entry for vector 128."), 20_000, () => said(page));
  // In real mode SeaBIOS has a handler for it that returns to the same instruction.
  await page.selectOption(id("bench-mode"), "boot");
  await write(page, "nop\nud2\nhlt\n");
  await good(page);
  await page.click(id("bench-run"));
  await until(async () => (await said(page)).includes("Line 2 (at 7c01h) raised exception 6: #UD, invalid opcode. In real mode the table at address 0 names its handler, and entry 6 leads into SeaBIOS, to fff53h."), 30_000, () => said(page));
  expect(await page.textContent(".bench-current")).toContain("ud2");
  await picture(page, "12-real-mode");
  await page.click(id("tool-power"));
  await page.selectOption(id("bench-examples"), "hello");
  await good(page);
  await page.click(id("bench-step"));
  await stopped(page, 3);
  await page.click(id("bench-resume"));
  await until(async () => (await page.textContent("main"))?.includes("Hello from 7C00h") === true, 30_000, () => said(page));
  await picture(page, "4-boot");
  await context.close();
});
test.runIf(nasm)("labels are names in the inspector and the monitor; files beside the source are included", { timeout: 120_000 }, async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  await open(page);
  await write(page, '%include "six.inc"\nstart: mov eax, SIX\n call twice\n ret\ntwice: add eax, eax\n ret\n');
  await until(async () => (await said(page)).includes("unable to open include file"), 20_000, () => said(page));
  await page.setInputFiles(id("bench-files"), [{ name: "six.inc", mimeType: "text/plain", buffer: Buffer.from("SIX equ 6\n") }]);
  await good(page);
  await page.setInputFiles(id("bench-files"), [{ name: "out.bin", mimeType: "text/plain", buffer: Buffer.from("x") }]);
  await page.waitForSelector(id("bench-files-refused"));
  await page.click(id("bench-step"));
  await stopped(page, 2);
  await page.click(id("tab-monitor"));
  await page.click(id("monitor-line"));
  await page.keyboard.type("break twice\n");
  await page.click(id("bench-resume"));
  await stopped(page, 5);
  await page.click(id("tool-inspect"));
  await until(async () => ((await page.textContent(id("panel-code"))) ?? "").includes("<twice>"), 15_000, async () => (await page.textContent(id("panel-code"))) ?? "");
  await picture(page, "10-labels");
  await page.click(id("insp-close"));
  await page.click(id("bench-share"));
  expect(await page.textContent(id("bench-share-dialog"))).toContain("not the files beside it");
  await page.click(id("bench-link-close"));
  await page.click(id("bench-file-remove"));
  await until(async () => (await said(page)).includes("unable to open include file"), 20_000, () => said(page));
  await context.close();
});
test.runIf(nasm)("files beside the source stay over a reload; examples speak Chinese; a control leads back to the machines", { timeout: 120_000 }, async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context, "?lang=zh-CN");
  await open(page);
  await page.selectOption(id("bench-examples"), "flags");
  await until(async () => (await said(page)).includes("没有错误"), 20_000, () => said(page));
  expect(await page.textContent(id("bench-editor"))).toContain("; 平坦的 32 位程序。单步执行，观察 EAX 和标志位。");
  await page.setInputFiles(id("bench-files"), [{ name: "six.inc", mimeType: "text/plain", buffer: Buffer.from("SIX equ 6\n") }, { name: "gone.inc", mimeType: "text/plain", buffer: Buffer.from("x") }]);
  await page.locator(id("bench-file-remove")).nth(1).click();
  await write(page, '%include "six.inc"\nmov eax, SIX\nret\n');
  await until(async () => (await said(page)).includes("没有错误"), 20_000, () => said(page));
  await picture(page, "13-files-zh");
  await page.waitForFunction(() => localStorage.getItem("guesthouse.bench")?.includes("six.inc"));
  await page.reload();
  await open(page);
  await until(async () => (await said(page)).includes("没有错误"), 20_000, () => said(page));
  expect(await page.$$(id("bench-file-remove"))).toHaveLength(1);
  // By keyboard: the first stop behind the link over the header.
  await page.focus(".skip");
  for (const _ of [0, 1]) await page.keyboard.press("Tab");
  expect(await page.getAttribute(":focus", "data-testid")).toBe("back");
  await page.keyboard.press("Enter");
  await page.waitForSelector(id("home-bench"));
  expect(await page.$(id("bench-editor"))).toBeNull();
  await context.close();
});
test.runIf(nasm)("a link shows its program, runs nothing by itself, and opens in a fresh profile; the source is kept", { timeout: 120_000 }, async () => {
  const context = await browser.newContext({ viewport });
  // What the address of this page says (a language, a lesson) is not the friend's.
  const page = await openPage(context, "?lang=en");
  await open(page);
  await page.selectOption(id("bench-mode"), "flat64");
  await write(page, "; 六乘七\nmov rax, 6\nimul rax, 7\nret\n");
  await good(page);
  await page.click(id("bench-share"));
  const link = await page.inputValue(id("bench-link"));
  expect(link.slice(0, link.indexOf("#"))).toBe(served.url);
  expect(link).toMatch(/#asm=[\w-]+$/);
  await context.close();
  const other = await browser.newContext({ viewport, colorScheme: "dark" });
  const fresh = await openPage(other, `?lang=zh-CN${link.slice(link.indexOf("#"))}`);
  await fresh.waitForSelector(id("bench-link-dialog"));
  expect(await fresh.textContent(id("bench-link-source"))).toContain("; 六乘七\nmov rax, 6");
  expect(await fresh.$(id("machine"))).toBeNull();
  await picture(fresh, "5-link-zh-dark");
  await fresh.click(id("bench-link-open"));
  await fresh.waitForSelector(id("bench-editor"));
  await until(async () => (await said(fresh)).includes("没有错误"), 20_000, () => said(fresh));
  expect(await fresh.inputValue(id("bench-mode"))).toBe("flat64");
  expect(await fresh.$(id("machine"))).toBeNull();
  await fresh.click(id("bench-run"));
  await until(async () => (await said(fresh)).includes("程序已结束"), 20_000, () => said(fresh));
  expect(await fresh.textContent(id("panel-registers"))).toMatch(/000000000000002a/);
  await picture(fresh, "6-ran-zh-dark");
  await fresh.reload();
  await fresh.click(id("bench-open"));
  await until(async () => ((await fresh.textContent(id("bench-editor"))) ?? "").includes("六乘七"), 10_000, "the source was kept");
  await other.close();
});
test.runIf(nasm)("no text of the bench is without a translation; it fits a school laptop, and a narrow window", { timeout: 120_000 }, async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context, "?lang=qps");
  await open(page);
  await until(async () => (await said(page)).includes("bench.good"), 20_000, () => said(page));
  await page.click(id("bench-run"));
  await until(async () => (await said(page)).includes("bench.ended"), 20_000, () => said(page));
  const bare = await page.$$eval(".bench-work *", (all) =>
    all
      .filter((e) => e.closest('[translate="no"]') === null && e.closest(".cm-editor") === null)
      .flatMap((e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => (n.textContent ?? "").trim()))
      .filter((text) => /\p{L}{3}/u.test(text) && !/^\W*[\w-]+(\.[\w-]+)+/.test(text)),
  );
  expect(bare).toEqual([]);
  const wide = () => page.$eval("html", (html) => html.scrollWidth - html.clientWidth);
  expect(await wide()).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 760, height: 900 });
  expect(await wide()).toBeLessThanOrEqual(0);
  await picture(page, "7-narrow");
  await context.close();
});
test.runIf(nasm).each(["light", "dark"] as const)("axe finds no serious fault on the bench (%s)", { timeout: 120_000 }, async (theme) => {
  const context = await browser.newContext({ viewport, colorScheme: theme });
  await context.addInitScript(`localStorage.setItem("guesthouse.theme", "${theme}")`);
  const page = await openPage(context);
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  const look = () => page.evaluate('axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => v.id + ": " + v.nodes.slice(0, 5).map((n) => n.html.slice(0, 140)).join(" | ")))');
  await open(page);
  await write(page, "; a mistake\nmov al, 1234\nbadop 'text', 0x10\nlabel: db 5\n");
  await until(async () => (await page.getAttribute(id("bench-said"), "data-errors")) === "1", 20_000, () => said(page));
  expect(await look()).toEqual([]);
  await write(page, "%define SIX 6\nmov eax, SIX\nstop: ret\n");
  await good(page);
  await page.click(id("bench-step"));
  await stopped(page, 2);
  expect(await look()).toEqual([]);
  await picture(page, `8-axe-${theme}`);
  await context.close();
});
test.skipIf(nasm)("without NASM the bench says so by name", async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  await open(page);
  await until(async () => (await said(page)).includes("NASM was not built"), 20_000, () => said(page));
  await context.close();
});
