// The inspector in Chromium: panels over a running machine, by mouse and by keyboard; what they show is held against the machine's own commands.
// Stories that need a guest are skipped where none was built.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { browser, id, inspectGuest, openPage, openPanel, serialText, until, viewport, withBrowser } from "./browsing.ts";

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
/** What the monitor printed last. */
const answer = async (page: Page) => ((await page.locator(`${id("monitor")} pre.output`).last().textContent()) ?? "").trim();

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
    // Its time follows the host: what it would need to go back is said where one looks for it.
    expect(await page.isDisabled(id("insp-record"))).toBe(true);
    expect(await page.getAttribute(id("insp-record"), "title")).toContain("Only a machine whose time counts instructions");
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
    await openPanel(page, "registers");
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
  test("an address that the monitor prints is one too, by keyboard, and opens a closed inspector there", async () => {
    await page.click(id("insp-close"));
    await page.click(id("tab-monitor"));
    await page.fill(id("monitor-line"), "info registers");
    await page.press(id("monitor-line"), "Enter");
    await until(async () => (await page.locator(`${id("monitor")} pre.output`).last().locator("button.addr").count()) > 8, 5000, "links");
    const focused = () => page.evaluate("document.activeElement.closest('pre.output') ? document.activeElement.textContent : ''") as Promise<string>;
    await page.focus(id("monitor-line"));
    await page.keyboard.press("Shift+Tab");
    expect(await focused()).toMatch(/^[0-9a-f]{8}$/);
    // Four rows of registers: EIP is the ninth. One stop of Tab for all of them.
    for (let n = 0; n < 8; n++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await until(async () => (await page.evaluate("document.activeElement.getAttribute('role')")) === "menuitem", 2000, "the menu");
    await page.keyboard.press("Escape");
    expect(await focused()).toMatch(/^[0-9a-f]{8}$/);
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    // The third item is the page walk: the inspector opens with it in front.
    await page.waitForSelector(id("panel-walk"));
    const eip = ((await answer(page)).match(/EIP=([0-9a-f]{8})/) as RegExpMatchArray)[1] as string;
    await until(async () => Number.parseInt(await page.inputValue(id("walk-address")), 16) === Number.parseInt(eip, 16), 3000, "the walk of EIP");
    await page.click(id("tab-screen"));
  });
  test("ports in words while the log is open, and no tracing when it is closed", async () => {
    const on = async () => {
      await page.click(id("tab-monitor"));
      await page.fill(id("monitor-line"), "trace info");
      await page.press(id("monitor-line"), "Enter");
      await new Promise((r) => setTimeout(r, 400));
      return (await answer(page)).split("on: ").at(-1)?.trim();
    };
    expect(await on()).toBe("nothing");
    await openPanel(page, "ports");
    await page.waitForSelector(id("panel-ports"));
    await until(async () => (await on()) === "pio.read, pio.write", 5000, "tracing of ports");
    if ((await state(page)) === "paused") await page.click(id("insp-run"));
    // What is looked for is all that is recorded: firmware's other accesses would be too many.
    await page.fill(id("ports-filter"), "PIT");
    await page.click(id("tool-reset"));
    await until(async () => (await text(page, "panel-ports")).includes("channel 0: mode 2, low byte then high byte follow"), 20_000, "the firmware's programming of the PIT");
    await page.fill(id("ports-filter"), "0x70-0x71");
    await page.click(id("tool-reset"));
    await until(async () => /RTC \/ CMOS/.test(await text(page, "panel-ports")) && !/PIT/.test(await text(page, "panel-ports")), 5000, "the filter");
    await openPanel(page, "ports");
    await until(async () => (await on()) === "nothing", 5000, "no tracing");
    await page.click(id("tab-screen"));
  });
  test("the timeline shows modes and rings, and tracing that the monitor began stays", async () => {
    await page.click(id("tab-monitor"));
    await page.fill(id("monitor-line"), "trace on cpu.mode");
    await page.press(id("monitor-line"), "Enter");
    await openPanel(page, "timeline");
    // Before anything changes it shows what the processor is in.
    await until(async () => /^(real|protected.*) · ring 0$/.test((await text(page, "timeline-now")).trim()), 5000, async () => `mode and ring, not ${await text(page, "timeline-now")}`);
    const modes = async () => Number(await page.getAttribute(id("timeline-now"), "data-modes"));
    const before = await modes();
    if ((await state(page)) === "paused") await page.click(id("insp-run"));
    await page.click(id("tool-reset"));
    await until(async () => (await modes()) > before + 1, 20_000, "a change of mode");
    await openPanel(page, "timeline");
    await page.fill(id("monitor-line"), "trace info");
    await page.press(id("monitor-line"), "Enter");
    await until(async () => (await answer(page)).endsWith("on: cpu.mode"), 5000, "the monitor's own kind");
    await page.fill(id("monitor-line"), "trace off");
    await page.press(id("monitor-line"), "Enter");
    await page.click(id("tab-screen"));
  });
  test("every panel opens, in the pseudo-language without a text that is not translated", async () => {
    const other = await openPage(context, "?lang=qps");
    other.on("pageerror", (e) => errors.push(e.message));
    await other.click(id("new-machine"));
    await other.fill(id("form-memory"), "32");
    await other.click(id("form-start"));
    await until(async () => (await state(other)) === "running", 30_000, "running");
    if (!(await other.$(id("inspector")))) await other.click(id("tool-inspect"));
    await other.waitForSelector(id("insp-run"));
    const names = ["code", "memory", "walk", "registers", "breakpoints", "dashboard", "interrupts", "dma", "tlb", "tables", "ports", "timeline", "pci", "map"];
    for (const name of names) {
      if (!(await other.$(id(`insp-tab-${name}`)))) await openPanel(other, name);
      await other.click(id(`insp-tab-${name}`));
      await other.waitForSelector(id(`panel-${name}`));
      await new Promise((r) => setTimeout(r, 500));
      const bare = await other.evaluate(`(() => {
        const found = [];
        const walker = document.createTreeWalker(document.querySelector(".inspector"), NodeFilter.SHOW_TEXT);
        for (let n = walker.nextNode(); n; n = walker.nextNode()) {
          const text = n.data.trim();
          if (!text || n.parentElement.closest('[translate]')?.getAttribute("translate") === "no") continue;
          if (/^[^A-Za-z]*$/.test(text.replace(/\\[[\\w.-]+\\]/g, ""))) continue;
          found.push(text);
        }
        for (const e of document.querySelectorAll(".inspector [title], .inspector [aria-label], .inspector [placeholder]"))
          for (const a of ["title", "aria-label", "placeholder"]) {
            const v = e.getAttribute(a);
            if (v && !/\\[[\\w.-]+\\]/.test(v) && !e.closest('[translate="no"]') && !(a === "placeholder" && /^[^a-z]*[0-9]/.test(v))) found.push(a + ": " + v);
          }
        return found;
      })()`);
      expect(bare, name).toEqual([]);
    }
    // Closed, it leaves nothing behind: no tracing, no question to the machine.
    await other.click(id("insp-close"));
    await other.waitForSelector(id("inspector"), { state: "detached" });
    await other.click(id("tab-monitor"));
    await other.fill(id("monitor-line"), "trace info");
    await other.press(id("monitor-line"), "Enter");
    await until(async () => (await answer(other)).endsWith("on: nothing"), 5000, "no tracing");
    await other.close();
  }, 180_000);
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

describe("pages and bytes", () => {
  const site = inject("site");
  const guests = JSON.parse(readFileSync(join(site, "guests/index.json"), "utf8")) as { id: string; config: { boot: { resume: string } } }[];
  const first = guests.some((g) => g.id === "first-steps-paging");

  test.skipIf(!first)("a boot sector's page tables: two addresses of the screen are one page; bytes are searched and changed", async () => {
    const context = await browser.newContext({ viewport });
    const page = await openPage(context);
    await page.click(`${id("guest-first-steps-paging")} ${id("guest-start")}`);
    await until(async () => (await state(page)) === "running", 20_000, "running");
    await page.click(id("tool-inspect"));
    await page.waitForSelector(id("insp-run"));
    await new Promise((r) => setTimeout(r, 1500));
    await pause(page);
    await page.click(id("insp-tab-walk"));
    await page.fill(id("walk-address"), "0x400000");
    await page.press(id("walk-address"), "Enter");
    await until(async () => (await text(page, "walk-physical").catch(() => "")) === "0xb8000", 5000, "the screen's page");
    expect(await page.$$eval(`${id("panel-walk")} li[data-level]`, (all) => all.map((e) => [e.getAttribute("data-level"), e.querySelector(".entry")?.textContent]))).toEqual([["PD", expect.stringMatching(/^[0-9a-f]{5}\d67$|^[0-9a-f]{8}$/)], ["PT", expect.stringMatching(/^000b8/)]]);
    await page.fill(id("walk-address"), "0x40000000");
    await page.press(id("walk-address"), "Enter");
    await page.waitForSelector(`${id("panel-walk")} li.absent`);
    // An address in the walk is a link to the bytes of the table.
    await page.click(`${id("panel-walk")} li[data-level=PD] .addr`);
    await page.click(id("go-memory"));
    await page.waitForSelector(id("panel-memory"));
    expect(await page.inputValue(id("memory-address"))).toBe("p:0x1000");
    const cells = () => page.$$eval(`${id("panel-memory")} tbody tr:first-child td[data-n]`, (all) => all.slice(0, 4).map((e) => e.textContent).join(" "));
    const before = await cells();
    expect(before).toMatch(/^[0-9a-f]{2} [0-9a-f]{2} /);
    await page.fill(id("memory-address"), "0x7c00");
    await page.press(id("memory-address"), "Enter");
    await page.fill(id("memory-search"), "55 aa");
    await page.press(id("memory-search"), "Enter");
    await until(async () => (await page.inputValue(id("memory-address"))) === "0x7dfe", 5000, "the boot signature");
    await page.focus(`${id("panel-memory")} td[data-n="0"]`);
    await page.keyboard.type("99");
    await until(async () => (await cells()).startsWith("99 aa"), 3000, "the byte that was typed");
    expect(await page.$$eval(`${id("panel-memory")} td.changed`, (all) => all.length)).toBe(1);
    await context.close();
  });

  const GUEST = process.env.E2E_GUEST ?? "debian-amd64";
  describe.skipIf(!guests.some((g) => g.id === GUEST && g.config.boot.resume !== ""))(`in ${GUEST}`, () => {
    let context: BrowserContext;
    let page: Page;
    const said = async (command: string, end: string): Promise<string> => {
      await page.click(".xterm-screen");
      await page.keyboard.type(`clear; ${command}; echo ${end.slice(0, 1)}''${end.slice(1)}\r`);
      await until(async () => (await serialText(page)).includes(end), 30_000, async () => `the answer; the console shows ${(await serialText(page)).slice(-600)}`);
      return serialText(page);
    };
    beforeAll(async () => {
      context = await browser.newContext({ viewport });
      page = await openPage(context);
      await inspectGuest(page, GUEST);
    }, 120_000);

    test("page walks agree with /proc/self/pagemap", async () => {
      // The stack, the program and a library of the shell; then it spins, so that a pause finds its address space.
      const shown = await said(
        `for m in stack busybox vdso; do l=$(grep -m1 $m /proc/$$/maps); a=0x\${l%%-*}; [ $m = stack ] && { e=\${l%% *}; a=$((0x\${e##*-} - 4096)); }; [ "$l" ] && echo V=$((a)) P=$(dd if=/proc/$$/pagemap bs=8 count=1 skip=$((a >> 12)) 2>/dev/null | hexdump -e '2/4 "%08x "'); done`,
        "PAGES1",
      );
      const pages = [...shown.matchAll(/V=(\d+) P=([0-9a-f]{8}) ([0-9a-f]{8})/g)].map(([, v, low, high]) => ({ at: BigInt(v as string), entry: BigInt(`0x${high}${low}`) })).filter((p) => p.entry >> 63n);
      expect(pages.length, shown).toBeGreaterThanOrEqual(2);
      await page.keyboard.type("while :; do :; done\r");
      await new Promise((r) => setTimeout(r, 1500));
      await pause(page);
      await page.click(id("insp-tab-walk"));
      for (const { at, entry } of pages) {
        const frame = entry & ((1n << 55n) - 1n);
        await page.fill(id("walk-address"), `0x${at.toString(16)}`);
        await page.press(id("walk-address"), "Enter");
        await until(async () => (await page.textContent(`${id("panel-walk")} .piece.whole .addr`)) === at.toString(16).padStart(16, "0"), 5000, "the walk");
        await until(async () => (await text(page, "walk-physical").catch(() => "")) === `0x${((frame << 12n) | (at & 0xfffn)).toString(16)}`, 5000, async () => `frame ${frame.toString(16)} behind ${at.toString(16)}; shown is ${await text(page, "panel-walk")}`);
        expect(await page.$$eval(`${id("panel-walk")} li[data-level]`, (all) => all.length)).toBe(4);
      }
      await page.click(id("insp-run"));
      await page.click(".xterm-screen");
      await page.keyboard.press("Control+c");
    });
    test("the running kernel's symbols are found, where /proc/kallsyms says, and name the listing", async () => {
      const shown = await said("for s in schedule do_syscall_64 vfs_read; do grep \" $s\\$\" /proc/kallsyms; done", "NAMES1");
      const inGuest = [...shown.matchAll(/^([0-9a-f]{16}) \w (\w+)/gm)].map(([, at, name]) => [name, at] as const);
      expect(inGuest.length, shown).toBe(3);
      await page.click(id("insp-tab-code"));
      await page.click(id("code-symbols"));
      await page.click(id("symbols-linux"));
      await until(async () => /\d{5,} /.test(await text(page, "code-symbols-said").catch(() => "")), 60_000, "symbols");
      for (const [name, at] of inGuest) {
        await page.fill(id("code-address"), name as string);
        await page.press(id("code-address"), "Enter");
        await until(async () => (await page.locator(`${id("panel-code")} tr.symbol`).allTextContents()).includes(`${name}:`), 5000, `the listing of ${name}`);
        const row = page.locator(`${id("panel-code")} tr.symbol`, { hasText: new RegExp(`^${name}:$`) });
        expect(await row.locator("xpath=following-sibling::tr[1]//*[contains(@class,'addr')]").first().textContent()).toBe(at);
      }
    });
    test("counts of interrupts agree with /proc/interrupts", async () => {
      await openPanel(page, "interrupts");
      const counts = async () => {
        await new Promise((r) => setTimeout(r, 700));
        return page.$$eval(`${id("panel-interrupts")} tr[data-vector]`, (rows) => {
          const of = (test: (r: (typeof rows)[number]) => boolean) => rows.filter(test).reduce((sum, r) => sum + Number(r.getAttribute("data-count")), 0);
          return { serial: of((r) => r.getAttribute("data-pins") === "4"), timer: of((r) => r.getAttribute("data-timer") === "true") };
        });
      };
      const guest = async (end: string) => {
        const shown = await said("grep -E 'ttyS0|LOC:' /proc/interrupts", end);
        return { serial: Number(/^ *4: +(\d+).*ttyS0/m.exec(shown)?.[1]), timer: Number(/LOC: +(\d+)/.exec(shown)?.[1]) };
      };
      const before1 = await counts();
      const guest1 = await guest("FIRST1");
      const after1 = await counts();
      await said("i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); done; sleep 3", "BUSY1");
      const before2 = await counts();
      const guest2 = await guest("SECOND1");
      const after2 = await counts();
      for (const kind of ["serial", "timer"] as const) {
        const delta = guest2[kind] - guest1[kind];
        console.log(`${kind}: the guest counts ${delta} more, the panel ${before2[kind] - after1[kind]} to ${after2[kind] - before1[kind]}`);
        expect(delta).toBeGreaterThan(50);
        expect(delta).toBeGreaterThanOrEqual(before2[kind] - after1[kind]);
        expect(delta).toBeLessThanOrEqual(after2[kind] - before1[kind]);
      }
    });
    test("the PCI tree is the one of the guest's sysfs", async () => {
      await openPanel(page, "pci");
      await page.waitForSelector("[data-pci]");
      const shown = await said(`cd /sys/bus/pci/devices; for d in *; do echo D=$d $(cat $d/vendor $d/device $d/class); done; cd`, "TREE1");
      // Lines of the console are cut where it ends.
      const flat = shown.replaceAll("\n", " ");
      const inGuest = [...flat.matchAll(/D=0000:([0-9a-f:.]+) +0x(\w{4}) +0x(\w{4}) +0x(\w{6})/g)].map(([, name, vendor, device, code]) => ({ name, ids: `${vendor}:${device}`, code }));
      const here = await page.$$eval("[data-pci]", (all) => all.map((e) => ({ name: e.getAttribute("data-pci"), ids: e.getAttribute("data-ids"), code: e.getAttribute("data-class") })));
      expect(inGuest.length, shown).toBeGreaterThanOrEqual(5);
      expect(here).toEqual(inGuest);
    });
  });
});
