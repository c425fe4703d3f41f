// What a person does with keyboard, mouse and monitor reaches the machine: mouse and wheel as PS/2 packets, every command of the monitor, the
// clipboard, a keyboard alone; and what cannot be had is a sentence in the page and in the monitor, with the page still usable.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, inject, test } from "vitest";
import { browser, id, served, until, withBrowser, viewport } from "./browsing.ts";
import { elfHeader, truncatedKernel } from "../workers/conformance/bad-images.ts";

const site = inject("site");
const guests = JSON.parse(readFileSync(join(site, "guests/index.json"), "utf8")) as { id: string }[];
const GUEST = process.env.E2E_GUEST ?? "debian-amd64";
/** wheel-mouse.asm: sums of x, y, wheel and the last buttons as four hexadecimal words. */
const WHEEL_MOUSE =
  "+jHAjtiO0LwAfLgAuI7A/LCo6I0AsCDoiADonAAk3IjDsGDofACI2Oh/AL7CfKyEwHQRiMOw1OhoAIjY6GsA6HcA6+roNADobwCi0HyIw+hnALEE6BoAAQbKfOhbALEF6A4AAQbMfOhPAJgBBs5869OI3NLsgOQB9tzDMf++yny5BACticK9BADBwgSI0CQPPAocaS+0H6tNde64IB+r4uLDUOgMAFjmZMNQ6AQAWOZgw+RkqAJ1+sPkZKgBdPrkYMPzyPNk81D0";

withBrowser();
const errors: string[] = [];
async function open(locale = "en"): Promise<Page> {
  const context = await browser.newContext({ viewport, locale, permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  page.on("pageerror", (e) => errors.push(e.message));
  page.on("dialog", (d) => void d.accept());
  await page.goto(served.url);
  await page.waitForSelector("main");
  return page;
}
const text = async (page: Page, name: string) => (await page.textContent(id(name))) ?? "";
function floppy(sector: Buffer): Buffer {
  const image = Buffer.alloc(1_474_560);
  sector.copy(image);
  image.writeUInt16LE(0xaa55, 510);
  return image;
}
async function useFile(page: Page, name: string, buffer: Buffer, button = "Use in a new machine"): Promise<void> {
  await page.setInputFiles(id("add-file"), { name, mimeType: "application/octet-stream", buffer });
  const row = page.locator(".files li", { has: page.locator(`input[value="${name}"]`) });
  await row.locator(`button:has-text("${button}")`).click();
}
/** The sentence with hint and code: in a notice, and as the monitor's answer to start. */
async function refusedTwice(page: Page, sentence: RegExp, code: string): Promise<void> {
  await until(async () => sentence.test(await text(page, "notices")) && (await text(page, "notices")).includes(code), 10_000, async () => `the notice, not ${await text(page, "notices")}`);
  expect(await page.getAttribute(`${id("notices")} .fault`, "data-code")).toBe(code);
  await page.click(id("tab-monitor"));
  await say(page, "start");
  await until(async () => sentence.test(await text(page, "monitor")) && (await text(page, "monitor")).includes(`[${code}]`), 10_000, async () => `the monitor's answer, not ${await text(page, "monitor")}`);
}
async function say(page: Page, line: string): Promise<void> {
  await page.fill(id("monitor-line"), line);
  await page.press(id("monitor-line"), "Enter");
}

test("mouse moves, wheel and buttons reach the guest", async () => {
  const page = await open();
  await useFile(page, "mouse.img", floppy(Buffer.from(WHEEL_MOUSE, "base64")));
  await page.click(id("form-start"));
  const words = async () => (await text(page, "screen-text")).trim().slice(0, 19).split(" ").map((w) => Number.parseInt(w, 16));
  await until(async () => /^0000 0000 0000 0000/.test((await text(page, "screen-text")).trim()), 60_000, "the boot sector waits for packets");
  await page.click("text=Capture the mouse");
  await until(async () => (await page.evaluate("document.pointerLockElement !== null")) === true, 5000, "pointer lock");
  await page.mouse.move(400, 300);
  await until(async () => ((await words())[0] ?? 0) !== 0, 10_000, "a first move");
  const [x0 = 0, y0 = 0] = await words();
  await page.mouse.move(460, 280, { steps: 4 });
  // Right is positive, up is positive.
  await until(async () => {
    const [x = 0, y = 0] = await words();
    return ((x - x0) & 0xffff) === 60 && ((y - y0) & 0xffff) === 20;
  }, 10_000, "60 to the right, 20 up");
  await page.mouse.wheel(0, 100);
  await until(async () => (await words())[2] === 1, 10_000, "a turn of the wheel");
  await page.mouse.down();
  await until(async () => (((await words())[3] ?? 0) & 7) === 1, 10_000, "the left button");
  await page.mouse.up();
  await until(async () => (((await words())[3] ?? 0) & 7) === 0, 10_000, "the button let go");
  await page.context().close();
});

test("every command of the monitor answers in the page", async () => {
  const page = await open();
  await page.click(id("new-machine"));
  await page.fill(id("form-memory"), "32");
  await page.click(id("form-start"));
  await until(async () => (await text(page, "screen-text")).includes("No bootable device"), 60_000, "firmware waits");
  await page.click(id("tab-monitor"));
  for (const [line, answer] of [
    ["help", "system_powerdown"], ["info status", "VM status: running"], ["info registers", "EIP="], ["info mem", "Paging is off."], ["info tlb", "rw"], ["info pic", "8259:"],
    ["info irq", "interrupts taken"], ["info pci", "8086:1237"], ["info qtree", "i8042"], ["info mtree", "port 0060"], ["info block", "There are no drives."],
    ["info version", "Guesthouse"], ["info missing", "Nothing is missing so far."], ["xp /2xh 0xb8000", "000b8000: 0x0"], ["x /1i 0xffff0", "jmp"], ["print 6*7", "0x2a"], ["i /b 0x64", "portb[0x0064]"],
    ["stop", ""], ["info status", "VM status: paused"], ["o /b 0x80 0x12", ""], ["cont", ""], ["sendkey ctrl-alt-delete", ""], ["nmi", ""], ["system_powerdown", ""], ["system_reset", ""], ["info status", "VM status: running"],
  ] as const) {
    await say(page, "clear");
    await say(page, line);
    await until(async () => {
      const lines = await page.$$eval(`${id("monitor")} pre`, (all) => all.map((p) => `${p.className} ${p.textContent}`));
      if (lines.some((l) => l.startsWith("error"))) throw new Error(`${line}: ${lines.join("\n")}`);
      return lines.some((l) => l === `input > ${line}`) && (answer === "" || lines.some((l) => l.startsWith("output") && l.includes(answer)));
    }, 5000, `the answer to ${line}`);
  }
  // Speed, load, guest time, exits and memory, kept up to date.
  const line = () => text(page, "status");
  await until(async () => /\d MIPS.*\d %.*00:0\d:\d\d.*\/s.*[34]\d\.\d MiB/s.test((await line()).replaceAll("\n", " ")), 10_000, async () => `a status line, not ${await line()}`);
  const then = await line();
  await until(async () => (await line()) !== then, 10_000, "the clock of the status line goes on");
  const download = page.waitForEvent("download");
  await say(page, "screendump shot.png");
  expect((await download).suggestedFilename()).toBe("shot.png");
  await page.context().close();
});

describe("what cannot be had", () => {
  test.each<[string, string, Buffer, RegExp, string]>([
    ["a truncated kernel", "vmlinuz-cut", Buffer.from(truncatedKernel()), /The kernel has 4096 bytes; its header announces 8002560\. ?Was the download complete\?/, "boot.kernel.truncated"],
    ["an ELF file for ARM", "arm.elf", Buffer.from(elfHeader(1, 40)), /The kernel is an ELF file for ARM, not for a PC\. ?Give a kernel built for x86\./, "boot.kernel.machine"],
    ["a disk of a wrong size", "odd.img", Buffer.alloc(700), /odd\.img has 700 bytes, which is not a whole number of 512-byte sectors\. ?Pad the image/, "block.size"],
  ])("%s is a sentence in the page and in the monitor", async (_, name, bytes, sentence, code) => {
    const page = await open();
    await useFile(page, name, bytes);
    await page.click(id("form-start"));
    await refusedTwice(page, sentence, code);
    await page.click(id("tab-screen"));
    await page.context().close();
  });
  test.skipIf(!guests.some((g) => g.id === "first-steps-vga-text")).each<[string, RegExp]>([
    ["en", /guest:first-steps\/vga-text\.img is damaged: its SHA-256 is [0-9a-f]{12}… instead of [0-9a-f]{12}…\. ?Run npm run images/],
    ["zh-CN", /guest:first-steps\/vga-text\.img 已损坏：其 SHA-256 为 [0-9a-f]{12}…，应为 [0-9a-f]{12}…。 ?请运行 npm run images：损坏的文件会重新构建。/],
  ])("a guest's image that is not what was recorded is a sentence (%s); whole again, it starts", async (locale, sentence) => {
    const page = await open(locale);
    await page.context().route("**/first-steps/vga-text.img*", async (route) => {
      const response = await route.fetch();
      const body = await response.body();
      body[0] = (body[0] as number) ^ 1;
      await route.fulfill({ response, body });
    });
    await page.click(`${id("guest-first-steps-vga-text")} ${id("guest-start")}`);
    await until(async () => sentence.test(await text(page, "notices")), 20_000, "the notice");
    expect(await text(page, "notices")).toContain("image.hash");
    await page.click(id("tab-monitor"));
    await say(page, "start");
    await until(async () => sentence.test(await text(page, "monitor")) && (await text(page, "monitor")).includes("[image.hash]"), 20_000, "sentence and code in the monitor");
    await page.context().unroute("**/first-steps/vga-text.img*");
    await say(page, "start");
    await page.click(id("tab-screen"));
    await until(async () => (await text(page, "screen-text")).trim() !== "", 20_000, "the guest's text");
    await page.context().close();
  });
  test.each<[string, RegExp, string]>([
    ["qemu64,+nonsense", /There is no CPU flag "\+nonsense"\. ?Write \+flag or -flag/, "cpu.flag"],
    ["qemu64,+vmx", /The CPU flag "vmx" is known but not implemented here\. ?Leave it out/, "cpu.flag"],
    ["z80", /There is no CPU model "z80"\. ?Known models: qemu64/, "cpu.model"],
  ])("the processor %s is a sentence in the page and in the monitor; corrected, the machine starts", async (model, sentence, code) => {
    const page = await open();
    await page.click(id("new-machine"));
    await page.fill(id("form-cpu"), model);
    await page.fill(id("form-memory"), "32");
    await page.click(id("form-start"));
    await refusedTwice(page, sentence, code);
    await page.click(id("tab-settings"));
    await page.fill(id("form-cpu"), "qemu64");
    await page.click('form button[type="submit"]:has-text("Save")');
    await page.click(id("tool-play"));
    await page.click(id("tab-screen"));
    await until(async () => (await text(page, "screen-text")).includes("SeaBIOS"), 30_000, "the machine starts");
    await page.context().close();
  });
  test("more memory than the pool is a sentence in form and command line; what the computer refuses, in the page and the monitor", async () => {
    const page = await open();
    await page.click(id("new-machine"));
    await page.fill(id("qemu-line"), "qemu-system-x86_64 -m 64G");
    await page.click(id("qemu-fill"));
    expect(await text(page, "qemu-refused")).toMatch(/from 1 to 3584.*A machine can have 1 to 3584 MiB.*schema\.invalid/s);
    await page.fill(id("form-memory"), "8192");
    await page.click(id("form-start"));
    await until(async () => /from 1 to 3584 MiB\. ?It is taken from a pool.*form\.memory/s.test(await text(page, "notices")), 10_000, "the notice");
    await page.click(`${id("notices")} button`);
    // A computer that gives no more memory: the worker's first words are replaced.
    const workers = /machine\.worker-.*\.js/;
    await page.context().route(workers, async (route) => {
      const response = await route.fetch();
      const refuse = 'const memory = WebAssembly.Memory; memory.prototype.grow = () => { throw new RangeError("no"); };\n';
      await route.fulfill({ response, body: refuse + (await response.text()) });
    });
    await page.reload();
    await page.click(id("new-machine"));
    await page.fill(id("form-memory"), "1024");
    await page.click(id("form-start"));
    await refusedTwice(page, /The host refused \d+ MiB for RAM\. ?Close other tabs, or choose less memory\./, "memory.host");
    await page.context().unroute(workers);
    await page.reload();
    await page.click(`${id("machines")} button`);
    await page.click(id("tool-play"));
    await until(async () => (await text(page, "screen-text")).includes("SeaBIOS"), 30_000, "the machine starts");
    await page.context().close();
  });
  test("in Chinese: sentence with its values, hint and code, in the page and in the monitor", async () => {
    const page = await open("zh-CN");
    await useFile(page, "vmlinuz-cut", Buffer.from(truncatedKernel()), "用于新虚拟机");
    await page.click(id("form-start"));
    await refusedTwice(page, /内核文件有 4096 字节，而其文件头声明为 8002560 字节。 ?下载是否完整？/, "boot.kernel.truncated");
    // A sentence whose values the translation leaves out is followed by the original.
    await page.click(id("new-machine"));
    await page.fill(id("qemu-line"), "qemu-system-x86_64 -enable-kvm");
    await page.click(id("qemu-fill"));
    expect(await text(page, "qemu-refused")).toMatch(/不支持 -enable-kvm。请去掉它/);
    await page.fill(id("qemu-line"), "qemu-system-x86_64 -m 64 | tee log");
    await page.click(id("qemu-fill"));
    expect(await text(page, "qemu-refused")).toMatch(/只有 shell 才能执行.*并只粘贴一条命令。The command line uses a pipe.*flags\.shell/s);
    await page.context().close();
  });
  test("a saved machine that this version cannot read is named, and kept", async () => {
    const page = await open();
    await page.click(id("new-machine"));
    await page.fill(id("form-name"), "Odd one");
    await page.click('form button[type="button"]:has-text("Only create")');
    const change = (mib: number) => page.evaluate(`new Promise((done, fail) => { const asked = indexedDB.open("guesthouse"); asked.onerror = fail; asked.onsuccess = () => { const tx = asked.result.transaction("machines", "readwrite"); const all = tx.objectStore("machines").getAll(); all.onsuccess = () => { for (const m of all.result) { m.config.memoryMiB = ${mib}; tx.objectStore("machines").put(m); } }; tx.oncomplete = () => { asked.result.close(); done(all.result.length); }; }; })`);
    expect(await change(9000)).toBe(1);
    await page.reload();
    await until(async () => /The machine "Odd one" cannot be shown: machine\.memoryMiB: .*got 9000.*machine\.unreadable/s.test(await text(page, "notices")), 10_000, "the notice");
    expect(await change(32)).toBe(1);
    await page.reload();
    await page.click(`${id("machines")} button`);
    await page.click(id("tool-play"));
    await until(async () => (await text(page, "screen-text")).includes("SeaBIOS"), 30_000, "the machine starts");
    await page.context().close();
  });
});

test("a keyboard alone starts a machine, changes tabs, leaves screen and terminal", async () => {
  const page = await open();
  const focused = () => page.evaluate("document.activeElement?.getAttribute('data-testid') ?? document.activeElement?.id ?? ''") as Promise<string>;
  const tabTo = async (name: string) => {
    for (let n = 0; n < 60; n++) {
      await page.keyboard.press("Tab");
      if ((await focused()) === name) return;
    }
    throw new Error(`Tab does not reach ${name}`);
  };
  await tabTo("new-machine");
  await page.keyboard.press("Enter");
  await page.waitForSelector(id("machine-form"));
  await tabTo("form-start");
  await page.keyboard.press("Enter");
  await until(async () => (await text(page, "screen-text")).includes("SeaBIOS"), 30_000, "a machine starts");
  await tabTo("tab-screen");
  const leave = async () => {
    for (const key of ["Control", "Alt"]) await page.keyboard.down(key);
    for (const key of ["Alt", "Control"]) await page.keyboard.up(key);
  };
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("screen");
  await leave();
  expect(await focused()).toBe("tab-screen");
  await page.keyboard.press("ArrowRight");
  await until(async () => (await page.$(`${id("serial")} textarea`)) !== null, 5000, "the terminal");
  await page.focus(`${id("serial")} textarea`);
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement?.tagName")).toBe("TEXTAREA");
  await leave();
  expect(await focused()).toBe("tab-serial");
  await page.context().close();
});

describe.skipIf(!guests.some((g) => g.id === GUEST))("the serial console", () => {
  test("echoes without a noticeable delay; selected text is copied", async () => {
    const page = await open();
    await page.click(`${id(`guest-${GUEST}`)} ${id("guest-start")}`);
    await page.click(id("tab-serial"));
    await until(async () => (await text(page, "serial")).includes("Type commands here"), 180_000, "the prompt");
    await page.click(".xterm-screen");
    await page.keyboard.type("#");
    await new Promise((r) => setTimeout(r, 1500));
    // Keystroke to changed row, as the page itself sees it; one at a time from rest.
    const times: number[] = [];
    for (const key of "abcdefgh") {
      await page.evaluate(`(() => { const place = document.querySelector('${id("serial")} .xterm-rows'); globalThis.echoed = new Promise((done) => { let at = 0; addEventListener('keydown', () => { at = performance.now(); }, { capture: true, once: true }); const look = new MutationObserver(() => { if (at) { look.disconnect(); done(performance.now() - at); } }); look.observe(place, { childList: true, subtree: true, characterData: true }); }); })()`);
      await page.keyboard.press(key);
      times.push(Number(await page.evaluate("globalThis.echoed")));
      // Longer than the page goes on looking at every frame (src/ui/pace.ts).
      await new Promise((r) => setTimeout(r, 900));
    }
    times.sort((a, b) => a - b);
    console.log(`keystroke to echo: median ${times[4]?.toFixed(1)} ms, worst ${times[7]?.toFixed(1)} ms`);
    expect(times[4]).toBeLessThan(100);
    await page.keyboard.press("Enter");
    await page.keyboard.type("echo co''pied\r");
    await until(async () => (await text(page, "serial")).includes("copied"), 10_000, "the answer");
    const line = page.locator(".xterm-rows > div", { hasText: /^copied/ }).last();
    const box = await line.boundingBox();
    if (!box) throw new Error("the line is not shown");
    await page.mouse.dblclick(box.x + 20, box.y + box.height / 2);
    await page.keyboard.press("Control+Shift+KeyC");
    await until(async () => (await page.evaluate("navigator.clipboard.readText()")) === "copied", 5000, "the clipboard");
    await page.context().close();
  }, 240_000);
});
test("nothing was thrown on the page", () => {
  expect(errors).toEqual([]);
});
