// Large files come into the library with progress, pause, resume, also after a reload; when storage is full nothing is lost: not what has arrived of a
// file, not what a guest wrote (its machine stops until there is space), not the machine whose snapshot does not fit.

import { createHash, randomBytes } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CDPSession, Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { BUNDLE_FORMAT } from "../src/contract/bundle.ts";
import { domainSchema } from "../src/contract/domain.ts";
import { loadZstd } from "../workers/backends/compress.ts";
import { BundleWriter, encodeBundle } from "../workers/snapshots/bundle.ts";
import { browser, id, openPage, serialScreen, served, until, viewport, withBrowser } from "./browsing.ts";
import { countingDisk } from "./counting-disk.ts";

withBrowser();
const MIB = 1 << 20;
const folder = mkdtempSync(join(tmpdir(), "guesthouse-import-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A disk that boots, of that many MiB, with noise here and there. */
function bigDisk(name: string, mib: number): string {
  const path = join(folder, name);
  const bytes = Buffer.alloc(mib * MIB);
  countingDisk().copy(bytes);
  for (let at = 8 * MIB; at < bytes.length; at += MIB) randomBytes(4096).copy(bytes, at);
  writeFileSync(path, bytes);
  utimesSync(path, 1_700_000_000, 1_700_000_000);
  return path;
}
const sha = (path: string) =>
  new Promise<string>((resolve, reject) => {
    const hash = createHash("sha256");
    createReadStream(path).on("data", (d) => hash.update(d)).on("end", () => resolve(hash.digest("hex"))).on("error", reject);
  });
const notices = async (page: Page) => (await page.textContent(id("notices"))) ?? "";
const arrived = async (page: Page) => Number(await page.getAttribute(id("import-progress"), "value"));
async function exported(page: Page, name: string): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent("download", { timeout: 60_000 }), page.locator(`.files li[data-name="${name}"]`).locator(id("export")).selectOption("same")]);
  return (await download.path()) as string;
}
/** Lasts as long as the session that said so. */
const sessions = new Map<Page, CDPSession>();
async function quota(page: Page, bytes: number | null): Promise<void> {
  const session = sessions.get(page) ?? (await page.context().newCDPSession(page));
  sessions.set(page, session);
  await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(served.url).origin, ...(bytes === null ? {} : { quotaSize: bytes }) });
}
const used = async (page: Page) => Number(await page.evaluate("navigator.storage.estimate().then((e) => e.usage)"));
async function boots(page: Page, name: string, n: number): Promise<void> {
  await page.click(id("tab-serial"));
  await until(async () => (await serialScreen(page)).includes(`COUNT=${n}`), 60_000, async () => `COUNT=${n} of ${name}, not ${await serialScreen(page)}; ${await notices(page)}`);
}
/** A machine whose disk counts its starts, after the first. */
async function startsCounting(page: Page): Promise<void> {
  await page.setInputFiles(id("add-file"), { name: "count.img", mimeType: "application/octet-stream", buffer: countingDisk() });
  await page.click(".files li button:has-text('Use in a new machine')");
  await page.click(id("form-start"));
  await boots(page, "count.img", 1);
}

test("an import pauses, goes on, goes on after a reload with the same file only, and is whole", async () => {
  const context = await browser.newContext({ viewport, acceptDownloads: true });
  const page = await openPage(context);
  const path = bigDisk("big.img", 320);
  await page.setInputFiles(id("add-file"), path);
  await page.click(id("import-pause"));
  await page.waitForSelector(id("import-resume"));
  const first = await arrived(page);
  expect(first).toBeLessThan(320 * MIB);
  // It stands still, and goes on.
  await new Promise((r) => setTimeout(r, 500));
  expect(await arrived(page)).toBe(first);
  await page.click(id("import-resume"));
  await until(async () => (await arrived(page)) > first, 10_000, "more of it");
  await page.click(id("import-pause"));
  await page.waitForSelector(id("import-resume"));
  const second = await arrived(page);
  expect(second).toBeLessThan(320 * MIB);
  expect(await page.locator(".files li button:has-text('Use in a new machine')").count()).toBe(0);
  await page.reload();
  // The tab does not have the file any more.
  await page.waitForSelector("text=Choose the file again to go on");
  expect(await arrived(page)).toBe(second);
  const other = bigDisk("other.img", 320);
  await page.setInputFiles(id("import-file"), other);
  await until(async () => /other\.img is not the file whose import began: big\.img, 335544320 bytes\..*library\.other-file/s.test(await notices(page)), 10_000, async () => `the notice, not ${await notices(page)}`);
  expect(await arrived(page)).toBe(second);
  await page.setInputFiles(id("import-file"), path);
  await page.waitForSelector(".files li button:has-text('Use in a new machine')", { timeout: 60_000 });
  expect(await page.locator(id("arriving")).count()).toBe(0);
  expect(await sha(await exported(page, "big.img"))).toBe(await sha(path));
  await page.click(".files li button:has-text('Use in a new machine')");
  await page.click(id("form-start"));
  await boots(page, "big.img", 1);
  await page.click(id("tool-reset"));
  await boots(page, "big.img", 2);
  await context.close();
}, 240_000);

test("a file that is deleted while it arrives leaves nothing behind", async () => {
  const context = await browser.newContext({ viewport });
  const page = await openPage(context);
  await page.setInputFiles(id("add-file"), bigDisk("gone.img", 160));
  await page.click(id("import-pause"));
  await page.waitForSelector(id("import-resume"));
  await page.locator(id("arriving")).locator("button.icon-only").click();
  await until(async () => (await page.locator(id("arriving")).count()) === 0, 5000, "the row to go");
  expect(await page.evaluate(`new Promise((done) => { const asked = indexedDB.open("guesthouse"); asked.onsuccess = () => { const tx = asked.result.transaction(["images", "pieces"]); const n = [tx.objectStore("images").count(), tx.objectStore("pieces").count()]; tx.oncomplete = () => { asked.result.close(); done(n.map((x) => x.result).join()); }; }; })`)).toBe("0,0");
  await context.close();
}, 120_000);

describe("when storage is full", () => {
  test("an import says so, keeps what arrived, and goes on when there is space; other files are as they were", async () => {
    const context = await browser.newContext({ viewport, acceptDownloads: true });
    const page = await openPage(context);
    await quota(page, (await used(page)) + 60 * MIB);
    await page.setInputFiles(id("add-file"), { name: "small.img", mimeType: "application/octet-stream", buffer: countingDisk() });
    await page.waitForSelector('.files li[data-name="small.img"]');
    const path = bigDisk("large.img", 160);
    await page.setInputFiles(id("add-file"), path);
    const sentence = /"large\.img" could not be stored: the browser's storage is full, after (\d+) of 160 MiB\. ?What has arrived is kept.*library\.full/s;
    await until(async () => sentence.test(await notices(page)), 60_000, async () => `the notice, not ${await notices(page)}`);
    const mib = Number(sentence.exec(await notices(page))?.[1]);
    expect(mib).toBeGreaterThan(0);
    expect(await arrived(page)).toBe(mib * MIB);
    await page.click(`${id("notices")} button`);
    await page.click(id("import-resume"));
    await until(async () => sentence.test(await notices(page)), 60_000, "the notice again");
    expect(await sha(await exported(page, "small.img"))).toBe(createHash("sha256").update(countingDisk()).digest("hex"));
    await quota(page, null);
    await page.click(id("import-resume"));
    await until(async () => (await page.locator(id("arriving")).count()) === 0, 60_000, "the rest");
    expect(await sha(await exported(page, "large.img"))).toBe(await sha(path));
    await context.close();
  }, 240_000);
  test("a guest's write stops the machine with a notice and is done when there is space; a snapshot is refused and the machine goes on", async () => {
    const context = await browser.newContext({ viewport });
    const page = await openPage(context);
    await startsCounting(page);
    await quota(page, 1024);
    // Chromium asks for the quota again after half a minute.
    await new Promise((r) => setTimeout(r, 32_000));
    // Nothing to write: a snapshot's memory alone does not fit.
    await page.click(id("tab-snapshots"));
    await page.fill(id("snap-name"), "no room");
    await page.click(id("snap-save"));
    await until(async () => /The snapshot could not be stored: .*Delete other snapshots or files; the machine goes on\..*library\.full/s.test(await notices(page)), 30_000, async () => `the notice, not ${await notices(page)}`);
    const state = () => page.getAttribute(`.machine-head ${id("badge")}`, "data-state");
    expect(await state()).toBe("running");
    for (const button of await page.locator(`${id("notices")} button`).all()) await button.click();
    await page.click(id("tool-reset"));
    await until(async () => (await state()) === "paused", 30_000, "the machine to stop");
    expect(await notices(page)).toMatch(/count\.img could not be written: the browser's storage is full\..*what was flushed before is intact.*library\.full/s);
    await boots(page, "count.img", 1);
    expect(await serialScreen(page)).not.toContain("COUNT=2");
    // Still full: it stops again.
    await page.click(id("tool-play"));
    await until(async () => (await state()) === "paused", 30_000, "the machine to stop again");
    await quota(page, null);
    await page.click(id("tool-play"));
    await boots(page, "count.img", 2);
    await page.close({ runBeforeUnload: false });
    const again = await openPage(context);
    await again.locator("nav, aside").getByText("count", { exact: false }).first().click();
    await again.click(id("tool-play"));
    await boots(again, "count.img", 3);
    await context.close();
  }, 240_000);
  test("clones and a machine that somebody sent are refused whole; nothing of them is kept", async () => {
    const context = await browser.newContext({ viewport });
    const page = await openPage(context);
    await startsCounting(page);
    await page.click(id("tool-power"));
    await page.waitForSelector(`.machine-head ${id("badge")}[data-state="off"]`);
    const stored = () =>
      page.evaluate(`new Promise((done) => { const asked = indexedDB.open("guesthouse"); asked.onsuccess = () => { const names = ["images", "layers", "chunks", "machines", "vms", "ram"]; const tx = asked.result.transaction(names); const n = names.map((name) => tx.objectStore(name).count()); tx.oncomplete = () => { asked.result.close(); done(n.map((x) => x.result).join()); }; }; })`);
    const before = await stored();
    await quota(page, 1024);
    await new Promise((r) => setTimeout(r, 32_000));
    const refused = async (sentence: RegExp) => {
      await until(async () => sentence.test(await notices(page)), 30_000, async () => `${sentence}, not ${await notices(page)}`);
      expect(await stored()).toBe(before);
    };
    for (const kind of ["full", "linked"]) {
      await page.click(id("tool-copy"));
      await page.check(id(`clone-${kind}`));
      await page.fill(id("clone-count"), "3");
      await page.click(id("clone-start"));
      await refused(/could not be (copied|written): .*library\.full/s);
      await page.keyboard.press("Escape");
      await page.waitForSelector(id("clone-dialog"), { state: "detached" });
      for (const button of await page.locator(`${id("notices")} button`).all()) await button.click();
    }
    await page.locator("button.entry").first().click();
    await page.setInputFiles(id("add-file"), { name: "sent.guesthouse", mimeType: "application/octet-stream", buffer: await sent() });
    await page.click(id("link-add"));
    await refused(/The machine could not be stored: .*Nothing of it was kept.*library\.full/s);
    await quota(page, null);
    await page.click(id("link-add"));
    await until(async () => (await page.locator(`${id("machines")} li`).count()) === 2, 30_000, "the machine that was sent");
    await context.close();
  }, 240_000);
});
/** A machine whose disk is 8 MiB of noise. */
async function sent(): Promise<Buffer> {
  await loadZstd();
  const writer = new BundleWriter(1);
  const groups = await writer.groups(Array.from({ length: 128 }, (_, n) => n), 16, (_n, into) => {
    randomBytes(into.length).copy(into);
    return true;
  });
  const domain = domainSchema.parse({ name: "sent", memoryMiB: 32, cpu: { model: "qemu64", count: 1, accel: "interp" }, clock: { mode: "wall" }, firmware: {}, boot: {}, vga: "std", disks: [{ at: "ide0-master", media: "disk", source: "bundle:0" }] });
  return Buffer.from(await encodeBundle({ format: BUNDLE_FORMAT, program: "t", dateMs: 1, domain, files: [{ id: "bundle:0", name: "noise.img", size: 8 * MIB, base: null, groups }], state: null, recording: null, blobs: writer.blobs }, writer.parts));
}
