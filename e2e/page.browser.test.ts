// The page in Chromium, as a person uses it. Guests come from the built catalogue; stories that need one are skipped when none was
// built (npm run images, or GUESTS_DIR). Firmware alone is enough for the rest.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { browser, id, served, until, withBrowser, viewport } from "./browsing.ts";
import { truncatedKernel } from "../workers/conformance/bad-images.ts";
import { serveFolder } from "./site.ts";

const site = inject("site");
const guests = JSON.parse(readFileSync(join(site, "guests/index.json"), "utf8")) as { id: string; title: { en: string } }[];
const GUEST = process.env.E2E_GUEST ?? "debian-amd64";
const hasGuest = guests.some((g) => g.id === GUEST);
const BOOT_MS = 180_000;

withBrowser();
const errors: string[] = [];
async function open(query = "", context?: BrowserContext): Promise<Page> {
  const page = await (context ?? (await browser.newContext({ viewport }))).newPage();
  page.on("pageerror", (e) => errors.push(e.message));
  page.on("dialog", (d) => void d.accept());
  await page.goto(`${served.url}${query}`);
  await page.waitForSelector("main");
  return page;
}
const text = async (page: Page, name: string) => (await page.textContent(id(name))) ?? "";
const instructions = async (page: Page) => Number(await page.getAttribute(id("status"), "data-instructions"));
const state = (page: Page) => page.getAttribute(`.machine-head ${id("badge")}`, "data-state");
/** A machine with firmware only: SeaBIOS finds nothing to boot and waits. */
async function bareMachine(page: Page): Promise<void> {
  await page.click(id("new-machine"));
  await page.fill(id("form-memory"), "64");
  await page.click(id("form-start"));
  await until(async () => (await text(page, "screen-text")).includes("SeaBIOS"), 30_000, "SeaBIOS on the screen");
}

describe("a machine with firmware only", () => {
  let page: Page;
  beforeAll(async () => {
    page = await open();
    await bareMachine(page);
  }, 60_000);
  test("text can be read off the VGA screen", async () => {
    await until(async () => (await text(page, "screen-text")).includes("No bootable device"), 60_000, "SeaBIOS gives up");
  });
  test("the canvas shows the picture", async () => {
    const lit = await page.$eval(id("screen"), (c) => {
      const canvas = c as unknown as { width: number; height: number; getContext(k: string): { getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray } } };
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let n = 0;
      for (let i = 0; i < data.length; i += 4) if ((data[i] as number) > 100) n++;
      return n;
    });
    expect(lit).toBeGreaterThan(500);
  });
  test("the mouse is captured, its moves are taken, and Ctrl+Alt lets go", async () => {
    const locked = () => page.evaluate(`document.pointerLockElement === document.querySelector('${id("screen")}')`);
    const hint = async () => (await page.textContent("#screen-hint")) ?? "";
    expect(await locked()).toBe(false);
    await page.click("text=Capture the mouse");
    await until(async () => (await locked()) === true, 5000, "pointer lock");
    await until(async () => (await hint()).includes("Press Ctrl+Alt to release"), 3000, "the hint");
    await page.mouse.move(400, 300);
    await page.mouse.move(460, 330);
    await page.mouse.down();
    await page.mouse.up();
    await page.keyboard.down("Control");
    await page.keyboard.down("Alt");
    await page.keyboard.up("Alt");
    await page.keyboard.up("Control");
    await until(async () => (await locked()) === false, 5000, "release");
    await until(async () => !(await hint()).includes("Press Ctrl+Alt to release them"), 3000, "the hint again");
  });
  test("full screen shows the display alone, and Escape's way out works", async () => {
    await page.click('[data-testid="tool-full"]');
    await until(async () => (await page.evaluate("document.fullscreenElement?.className ?? ''")) !== "", 5000, "full screen");
    const shown = (await page.evaluate(`(() => { const c = document.querySelector('${id("screen")}').getBoundingClientRect(); return [document.fullscreenElement.contains(document.querySelector('${id("screen")}')), c.width / c.height]; })()`)) as [boolean, number];
    expect(shown[0]).toBe(true);
    expect(shown[1]).toBeCloseTo(720 / 400, 1);
    await page.evaluate("document.exitFullscreen()");
    await until(async () => (await page.evaluate("document.fullscreenElement === null")) === true, 5000, "the page again");
  });
  test("reset boots again; power off and start too", async () => {
    // SeaBIOS waits; a reset makes it work again, too quickly to see its text go.
    await until(async () => (await instructions(page)) > 0, 5000, "statistics");
    await new Promise((r) => setTimeout(r, 1000));
    const before = await instructions(page);
    await page.click(id("tool-reset"));
    await until(async () => (await instructions(page)) > before + 1e6, 10_000, "firmware runs again");
    await until(async () => (await text(page, "screen-text")).includes("No bootable device"), 60_000, "firmware after reset");
    await page.click(id("tool-power"));
    await until(async () => (await state(page)) === "off", 5000, "off");
    await page.click(id("tool-play"));
    await until(async () => (await state(page)) === "running", 10_000, "running again");
  });
  test("the monitor answers, completes and remembers", async () => {
    await page.click(id("tab-monitor"));
    await page.fill(id("monitor-line"), "info statu");
    await page.press(id("monitor-line"), "Tab");
    await until(async () => (await page.inputValue(id("monitor-line"))).startsWith("info status"), 3000, "completion");
    await page.press(id("monitor-line"), "Enter");
    await until(async () => (await text(page, "monitor")).includes("VM status: running"), 3000, "an answer");
    await page.fill(id("monitor-line"), "fly");
    await page.press(id("monitor-line"), "Enter");
    await until(async () => (await text(page, "monitor")).includes('There is no command "fly".'), 3000, "a fault");
    await page.press(id("monitor-line"), "ArrowUp");
    await page.press(id("monitor-line"), "ArrowUp");
    expect(await page.inputValue(id("monitor-line"))).toContain("info status");
  });
  test("two machines run at once", async () => {
    await bareMachine(page);
    const states = await page.$$eval(`${id("machines")} ${id("badge")}`, (b) => b.map((x) => x.getAttribute("data-state")));
    expect(states.filter((s) => s === "running").length).toBe(2);
  });
});

describe("without a machine", () => {
  test("a refused QEMU flag is a sentence; an accepted line fills the form", async () => {
    const page = await open();
    await page.click(id("new-machine"));
    await page.fill(id("qemu-line"), "qemu-system-x86_64 -enable-kvm -m 512");
    await page.click(id("qemu-fill"));
    expect(await text(page, "qemu-refused")).toMatch(/-enable-kvm is not supported\..+/);
    await page.fill(id("qemu-line"), "qemu-system-x86_64 -m 512 -kernel bzImage -append 'console=ttyS0'");
    await page.click(id("qemu-fill"));
    expect(await text(page, "qemu-refused")).toBe("");
    expect(await page.inputValue(id("form-memory"))).toBe("512");
    await page.context().close();
  });
  test("a wrong value and a missing file are faults with a sentence", async () => {
    const page = await open();
    await page.click(id("new-machine"));
    await page.fill(id("form-memory"), "lots");
    await page.click(id("form-start"));
    await until(async () => (await text(page, "notices")).includes("from 1 to 3584"), 5000, "a notice");
    await page.click(`${id("notices")} button`);
    expect(await text(page, "notices")).toBe("");
    await page.context().close();
  });
  test("a share link shows what it holds and asks before starting", async () => {
    const page = await open();
    await page.click(id("new-machine"));
    await page.fill(id("form-name"), "Shared one");
    await page.fill(id("form-memory"), "48");
    await page.click('form button[type="button"]:has-text("Only create")');
    await page.click(id("tool-link"));
    const link = await page.inputValue(id("share-link"));
    expect(link).toContain("#vm=");
    const other = await open(link.slice(link.indexOf("#")));
    await other.waitForSelector(id("link-dialog"));
    expect(await text(other, "link-dialog")).toContain("Shared one");
    expect(await other.$(id("machine"))).toBeNull();
    await other.click(id("link-start"));
    await until(async () => (await text(other, "screen-text")).includes("SeaBIOS"), 30_000, "the shared machine runs");
    await other.context().close();
    const bad = await open("#vm=AAAA");
    await until(async () => (await text(bad, "notices")).includes("damaged"), 5000, "a damaged link");
    await bad.context().close();
    await page.context().close();
  });
  test("a dropped file is kept and offered", async () => {
    const page = await open();
    await page.setInputFiles(id("add-file"), { name: "floppy.img", mimeType: "application/octet-stream", buffer: bootSector("Hello from a floppy") });
    await page.waitForSelector('.files button:has-text("Use in a new machine")');
    await page.reload();
    await page.click('.files button:has-text("Use in a new machine")');
    await page.click(id("form-start"));
    await until(async () => (await text(page, "screen-text")).includes("Hello from a floppy"), 60_000, "the floppy's boot sector");
    await page.context().close();
  });
  test("a truncated kernel and an odd-sized disk are sentences; then a machine starts", async () => {
    const page = await open();
    const give = async (name: string, buffer: Buffer) => {
      await page.setInputFiles(id("add-file"), { name, mimeType: "application/octet-stream", buffer });
      await page.waitForSelector(`.files input[value="${name}"]`);
      const use = page.locator(".files li", { has: page.locator(`input[value="${name}"]`) }).locator('button:has-text("Use in a new machine")');
      await use.click();
      await page.click(id("form-start"));
    };
    await give("vmlinuz-cut", Buffer.from(truncatedKernel()));
    await until(async () => (await text(page, "notices")).includes("The kernel has 4096 bytes; its header announces 8002560.Was the download complete?"), 10_000, "the kernel's notice");
    await page.goto(served.url);
    await give("odd.img", Buffer.alloc(3_000_700));
    await until(async () => /odd\.img has 3000700 bytes, which is not a whole number of 512-byte sectors\.Pad the image/.test(await text(page, "notices")), 10_000, "the disk's notice");
    await page.click(`${id("notices")} button`);
    await bareMachine(page);
    expect(await state(page)).toBe("running");
    await page.context().close();
  });
  test("a plain server without headers works through the service worker, from a folder", async () => {
    const plain = await serveFolder(site, { isolated: false, at: "/some/where/" });
    const context = await browser.newContext();
    const page = await context.newPage();
    let loads = 0;
    page.on("load", () => loads++);
    await page.goto(plain.url);
    await page.waitForSelector(id("new-machine"), { timeout: 20_000 });
    expect(await page.evaluate(() => (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated)).toBe(true);
    expect(loads).toBeLessThanOrEqual(2);
    await bareMachine(page);
    await context.close();
    plain.close();
  });
  test("a page that cannot be isolated says so and does not loop", async () => {
    const plain = await serveFolder(site, { isolated: false });
    const context = await browser.newContext({ serviceWorkers: "block" });
    const page = await context.newPage();
    let loads = 0;
    page.on("load", () => loads++);
    await page.goto(plain.url);
    await page.waitForSelector(id("blocked"), { timeout: 20_000 });
    expect(loads).toBeLessThanOrEqual(2);
    await context.close();
    plain.close();
  });
  test("the pseudo-language finds no text outside the tables", async () => {
    const page = await open("?lang=qps");
    const check = async (where: string) => {
      const bare = await page.evaluate(`(() => {
        const found = [];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        for (let n = walker.nextNode(); n; n = walker.nextNode()) {
          const text = n.data.trim();
          if (!text || n.parentElement.closest('[translate="no"], script, style, noscript, textarea')) continue;
          if (!text.replace(/\\[[\\w.-]+\\]/g, "").trim() || /^[\\d\\s.,:%/]+$/.test(text)) continue;
          found.push(text);
        }
        for (const e of document.querySelectorAll("[title], [aria-label], [placeholder]"))
          for (const a of ["title", "aria-label"]) {
            const v = e.getAttribute(a);
            if (v && !/^\\[[\\w.-]+\\]/.test(v) && !e.closest('[translate="no"]') && !e.matches("section.machine")) found.push(a + ": " + v);
          }
        return found;
      })()`);
      expect(bare, where).toEqual([]);
    };
    await check("start page");
    await page.click(id("new-machine"));
    await check("form");
    await page.fill(id("qemu-line"), "qemu-system-x86_64 -enable-kvm");
    await page.click(id("qemu-fill"));
    await check("refused flag");
    await page.click(id("form-start"));
    await until(async () => (await state(page)) === "running", 20_000, "running");
    for (const tab of ["screen", "serial", "monitor", "settings"]) {
      await page.click(id(`tab-${tab}`));
      await check(tab);
    }
    await page.context().close();
  });
  test("Chinese is chosen by the browser's language and remembered when chosen", async () => {
    const context = await browser.newContext({ locale: "zh-CN" });
    const page = await open("", context);
    await page.waitForSelector("text=启动一台电脑");
    await page.selectOption(id("language"), "en");
    await page.reload();
    await page.waitForSelector("text=Start a computer");
    await context.close();
  });
});

describe.skipIf(!hasGuest)(`the guest ${GUEST}`, () => {
  let page: Page;
  const serial = () => text(page, "serial");
  beforeAll(async () => {
    const context = await browser.newContext({ viewport, permissions: ["clipboard-read", "clipboard-write"] });
    page = await open("", context);
    await page.evaluate(`(() => { let last = performance.now(); globalThis.worstGap = 0; const beat = (now) => { globalThis.worstGap = Math.max(globalThis.worstGap, now - last); last = now; requestAnimationFrame(beat); }; requestAnimationFrame((n) => { last = n; beat(n); }); })()`);
    await page.click(`${id(`guest-${GUEST}`)} ${id("guest-start")}`);
    await page.click(id("tab-serial"));
  }, 30_000);
  test("the page stays responsive while the guest runs flat out", async () => {
    await until(async () => (await instructions(page)) > 1e8, 30_000, "the guest runs");
    await page.evaluate("globalThis.worstGap = 0");
    await new Promise((r) => setTimeout(r, 5000));
    expect(Number(await page.evaluate("globalThis.worstGap"))).toBeLessThan(200);
  });
  test("boots to a shell on the serial console", async () => {
    await until(async () => /[#$] $/.test((await page.$$eval(".xterm-rows > div", (rows) => rows.map((r) => r.textContent ?? "").filter((l) => l.trim()).pop() ?? "")).replace(/\s+$/, " ")), BOOT_MS, "a prompt");
  }, BOOT_MS + 5000);
  test("a typed command answers", async () => {
    await page.click(".xterm-screen");
    await page.keyboard.type("uname -m\r");
    await until(async () => /x86_64|i686/.test(await serial()), 20_000, "uname's answer");
  });
  test("the clipboard can be pasted", async () => {
    await page.evaluate('navigator.clipboard.writeText("echo $((1200+34))pasted\\n")');
    await page.click(id("serial-paste"));
    await until(async () => (await serial()).includes("1234pasted"), 20_000, "the pasted command's output");
  });
  test("kernel messages are on the VGA screen", async () => {
    await page.click(id("tab-screen"));
    await until(async () => (await text(page, "screen-text")).length > 100, 10_000, "text on the screen");
  });
  test("keys typed on the screen reach the guest; Ctrl+Alt lets go", async () => {
    await page.click(id("screen"));
    // Physical keys: Playwright types shifted characters without Shift, so it is pressed by hand.
    await page.keyboard.type("expr 7000 / 2; echo ");
    await page.keyboard.press("Shift+KeyH");
    await page.keyboard.type("ello");
    await page.keyboard.press("Enter");
    await until(async () => /^3500\nHello$/m.test(await text(page, "screen-text")), 20_000, "the command's output on the screen");
    await page.keyboard.down("Control");
    await page.keyboard.down("Alt");
    await page.keyboard.up("Alt");
    await page.keyboard.up("Control");
    expect(await page.evaluate("document.activeElement.getAttribute('role')")).toBe("tab");
  });
  test("output keeps flowing while another tab is shown", async () => {
    await page.click(id("tab-serial"));
    await page.click(".xterm-screen");
    await page.keyboard.type("sleep 1; echo hid''den\r");
    await page.click(id("tab-monitor"));
    await new Promise((r) => setTimeout(r, 2500));
    await page.click(id("tab-serial"));
    await until(async () => (await serial()).includes("hidden"), 10_000, "output made while hidden");
  });
  test("pause: the instruction count stands still; resume goes on", async () => {
    await page.click(id("tool-pause"));
    await until(async () => (await state(page)) === "paused", 5000, "paused");
    await new Promise((r) => setTimeout(r, 1200));
    const at = await instructions(page);
    await new Promise((r) => setTimeout(r, 1500));
    expect(await instructions(page)).toBe(at);
    await page.click(id("tool-play"));
    await until(async () => (await instructions(page)) > at, 5000, "instructions again");
  });
  test("power off", async () => {
    await page.click(id("tool-power"));
    await until(async () => (await state(page)) === "off", 5000, "off");
  });
});
test("nothing was thrown on the page", () => {
  expect(errors).toEqual([]);
});

/** A 1.44 MB floppy whose boot sector prints a text through INT 10h and stops. */
function bootSector(message: string): Buffer {
  const image = Buffer.alloc(1_474_560);
  // cli; xor ax,ax; mov ds,ax; mov si,msg; next: lodsb; test al,al; jz stop; mov ah,0Eh; mov bx,7; int 10h; jmp next; stop: hlt; jmp stop
  const code = [0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x20, 0x7c, 0xac, 0x84, 0xc0, 0x74, 0x09, 0xb4, 0x0e, 0xbb, 0x07, 0x00, 0xcd, 0x10, 0xeb, 0xf2, 0xf4, 0xeb, 0xfd];
  Buffer.from(code).copy(image, 0);
  image.write(`${message}\0`, 0x20, "latin1");
  image.writeUInt16LE(0xaa55, 510);
  return image;
}
