// Disks in the page's library: what a guest wrote and flushed is there after the tab died, in raw and qcow2 files; two tabs never write one disk;
// snapshots of the whole machine and going back.

import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { browser, id, openPage, serialScreen, until, withBrowser, viewport } from "./browsing.ts";
import { MemoryFile } from "../workers/backends/byte-file.ts";
import { createQcow2, Qcow2Image } from "../workers/backends/formats/qcow2.ts";
import { now } from "../workers/backends/io.ts";
import { COUNTING_DISK_BYTES as SIZE, countingDisk } from "./counting-disk.ts";

withBrowser();
function qcow2Disk(): Buffer {
  const file = new MemoryFile();
  now(createQcow2(file, { size: SIZE }));
  const image = now(Qcow2Image.open(file));
  now(image.write(0, new Uint8Array(countingDisk().subarray(0, 512))));
  now(image.close());
  return Buffer.from(file.bytes);
}
async function counts(page: Page, n: number): Promise<void> {
  await page.click(id("tab-serial"));
  await until(async () => (await serialScreen(page)).includes(`COUNT=${n}`), 30_000, `COUNT=${n}`);
}
/** Starts the machine that is in the list. */
async function startAgain(page: Page, name: string): Promise<void> {
  await page.locator("nav, aside").getByText(name, { exact: false }).first().click();
  await page.click(id("tool-play"));
}

for (const [kind, make] of [["raw", countingDisk], ["qcow2", qcow2Disk]] as const)
  describe(`a ${kind} disk`, () => {
    test("keeps what was flushed when the tab dies; a second tab is refused; snapshots bring it back, another day too", async () => {
      const context = await browser.newContext({ viewport });
      const page = await openPage(context);
      await page.setInputFiles(id("add-file"), { name: `count.${kind}`, mimeType: "application/octet-stream", buffer: make() });
      await page.locator(".files li").first().locator('button:has-text("Use in a new machine")').click();
      await page.click(id("form-start"));
      await counts(page, 1);
      await page.click(id("tool-reset"));
      await counts(page, 2);
      // A second tab may not write the same disk.
      const other = await openPage(context);
      await startAgain(other, "count");
      await until(async () => ((await other.textContent(id("notices"))) ?? "").includes("in use by another machine or tab"), 15_000, "the notice");
      await other.close();
      // The tab dies without a chance to say goodbye.
      await page.close({ runBeforeUnload: false });
      const again = await openPage(context);
      await startAgain(again, "count");
      await counts(again, 3);
      // A snapshot holds memory, devices and the disk.
      await again.click(id("tab-snapshots"));
      await again.fill(id("snap-name"), "three");
      await again.click(id("snap-save"));
      await again.waitForSelector(id("snapshot"), { timeout: 15_000 });
      await again.click(id("tool-reset"));
      await counts(again, 4);
      await again.click(id("tab-snapshots"));
      await again.click(id("snap-load"));
      await again.waitForSelector(`${id("snap-load")}:not([disabled])`);
      await again.click(id("tool-reset"));
      await again.click(id("tab-serial"));
      await until(async () => ((await serialScreen(again)).match(/COUNT=4/g) ?? []).length === 2, 30_000, "COUNT=4 a second time");
      await again.close({ runBeforeUnload: false });
      // Another day: straight into the snapshot.
      const day = await openPage(context);
      await day.locator("nav, aside").getByText("count", { exact: false }).first().click();
      await day.click(id("tab-snapshots"));
      await day.click(id("snap-load"));
      await day.waitForSelector(`${id("snap-load")}:not([disabled])`);
      await day.click(id("tool-reset"));
      await counts(day, 4);
      await context.close();
    }, 120_000);
  });

test("new disks, export in another format, rename", async () => {
  const context = await browser.newContext({ viewport, acceptDownloads: true });
  const page = await openPage(context);
  await page.setInputFiles(id("add-file"), { name: "mine.img", mimeType: "application/octet-stream", buffer: countingDisk() });
  const row = page.locator(".files li").first();
  await row.waitFor();
  for (const [format, name, magic] of [["qcow2", "mine.qcow2", "QFI"], ["vmdk", "mine.vmdk", "KDMV"], ["same", "mine.img", ""]] as const) {
    const [download] = await Promise.all([page.waitForEvent("download"), row.locator(id("export")).selectOption(format)]);
    expect(download.suggestedFilename()).toBe(name);
    const bytes = readFileSync((await download.path()) as string);
    if (magic) expect(bytes.subarray(0, magic.length).toString("latin1")).toBe(magic);
    else expect(Buffer.compare(bytes, countingDisk())).toBe(0);
    if (format === "qcow2") {
      const image = now(Qcow2Image.open(new MemoryFile(new Uint8Array(bytes), true)));
      const sector = new Uint8Array(512);
      now(image.read(0, sector));
      expect(Buffer.compare(Buffer.from(sector), countingDisk().subarray(0, 512))).toBe(0);
    }
  }
  await page.click(id("new-disk"));
  await until(async () => (await page.locator(".files li input").evaluateAll((all) => all.map((i) => (i as unknown as { value: string }).value))).includes("disk-256M.qcow2"), 10_000, "the new disk");
  await row.locator("input").fill("other.img");
  await row.locator("input").blur();
  // The row carries the name as the library has it: a reload before that would lose the change, as in any page.
  await page.waitForSelector('.files li[data-name="other.img"]');
  await page.reload();
  await until(async () => (await page.locator(".files li input").first().inputValue()) === "other.img", 10_000, "the new name");
  await context.close();
}, 90_000);

test("img works on the library, on the start page and in a machine's monitor, with qemu-img's words", async () => {
  const context = await browser.newContext({ viewport, acceptDownloads: true });
  const page = await openPage(context);
  await page.setInputFiles(id("add-file"), { name: "mine.img", mimeType: "application/octet-stream", buffer: countingDisk() });
  await page.waitForSelector('.files li[data-name="mine.img"]');
  await page.click(`${id("img-shell")} summary`);
  const log = async () => (await page.$$eval(`${id("img-log")} pre`, (all) => all.map((p) => `${p.className}: ${p.textContent}`))).join("\n");
  const img = async (line: string, answer: RegExp) => {
    await page.fill(id("img-line"), line);
    await page.press(id("img-line"), "Enter");
    await until(async () => answer.test(await log()), 20_000, async () => `${line}: ${await log()}`);
  };
  await img("convert -f raw -O qcow2 mine.img 'my copy.qcow2'", /input: img convert/);
  await page.waitForSelector('.files li[data-name="my copy.qcow2"]', { timeout: 20_000 });
  await img("info 'my copy.qcow2'", /output: image: my copy\.qcow2\nfile format: qcow2\nvirtual size: 4 MiB \(4194304 bytes\)/);
  await img("qemu-img compare -f raw -F qcow2 mine.img 'my copy.qcow2'", /Images are identical\./);
  await img("check 'my copy.qcow2'", /No errors were found on the image\./);
  await img("resize 'my copy.qcow2' 8M", /Image resized\./);
  await img("snapshot -c before 'my copy.qcow2'", /input: img snapshot -c/);
  await img("snapshot -l 'my copy.qcow2'", /Snapshot list:[\s\S]*before/);
  await img("info gone.img", /error: qemu-img: Could not open 'gone\.img': .*No such file or directory/);
  await img("info mine.img | tail", /error: The command line uses a pipe.*\[flags\.shell\]/);
  // In the monitor, of a machine that is off; and a disk that a running machine writes is not touched.
  await page.locator('.files li[data-name="mine.img"]').locator('button:has-text("Use in a new machine")').click();
  await page.click(id("form-start"));
  await counts(page, 1);
  await page.click(id("tab-monitor"));
  const say = async (line: string, answer: RegExp) => {
    await page.fill(id("monitor-line"), line);
    await page.press(id("monitor-line"), "Enter");
    await until(async () => answer.test((await page.textContent(id("monitor"))) ?? ""), 20_000, async () => `${line}: ${await page.textContent(id("monitor"))}`);
  };
  await say("img info 'my copy.qcow2'", /virtual size: 8 MiB/);
  await say("img resize -f raw mine.img 8M", /mine\.img is in use by another machine or tab/);
  await page.click(id("tool-power"));
  await until(async () => (await page.getAttribute(`.machine-head ${id("badge")}`, "data-state")) === "off", 10_000, "off");
  await say("img dd if=mine.img of=head.img bs=512 count=1", /img dd/);
  await page.locator("nav").getByText("Start page", { exact: false }).or(page.locator("nav button").first()).first().click();
  await page.waitForSelector('.files li[data-name="head.img"]', { timeout: 20_000 });
  await context.close();
}, 120_000);
