// A machine as something to send: a running guest packed into a link, opened in a profile that has never seen it, where its shell goes on; a
// link says what it holds and asks first; damaged ones and those for another guest are refused; files and web servers carry what is too large.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, inject, test } from "vitest";
import { browser, id, openPage, serialText, withBrowser, viewport } from "./browsing.ts";
import { domainSchema } from "../src/contract/domain.ts";
import { encodeLink } from "../src/manager/link.ts";
import { countingDisk } from "./counting-disk.ts";
import { serveFolder } from "./site.ts";

const site = inject("site");
const guests = JSON.parse(readFileSync(join(site, "guests/index.json"), "utf8")) as { id: string; config: { boot: { resume: string } } }[];
const GUEST = process.env.E2E_GUEST ?? "debian-amd64";
const resumes = guests.some((g) => g.id === GUEST && g.config.boot.resume !== "");

withBrowser();
const fresh = () => browser.newContext({ viewport, acceptDownloads: true });
async function until(page: Page, what: (text: string) => boolean, ms: number): Promise<void> {
  for (const end = Date.now() + ms; !what(await serialText(page)); await new Promise((r) => setTimeout(r, 50)))
    if (Date.now() > end) throw new Error(`waited too long; the console shows ${JSON.stringify((await serialText(page)).slice(-500))}; notices ${await page.textContent(id("notices"))}`);
}
async function guest(page: Page): Promise<void> {
  await page.click(`${id(`guest-${GUEST}`)} ${id("guest-start")}`);
  await page.click(id("tab-serial"));
  await until(page, (t) => t.endsWith("~ #"), 60_000);
  await page.click(".xterm-screen");
}
async function run(page: Page, command: string, end: string): Promise<string> {
  await page.keyboard.type(`${command}; echo ${end.slice(0, 1)}''${end.slice(1)}\r`);
  await until(page, (t) => t.includes(end), 30_000);
  return serialText(page);
}
async function share(page: Page): Promise<string> {
  await page.click(id("tool-link"));
  await page.waitForSelector(`${id("share-link")}, ${id("share-large")}`, { timeout: 60_000 });
  const link = (await page.$(id("share-link"))) ? await page.inputValue(id("share-link")) : "";
  return link;
}
const closeDialog = (page: Page) => page.click(`${id("share-dialog")} .row.end > button:last-child`);

describe.skipIf(!resumes)(`${GUEST} in a link`, () => {
  test("a fresh profile goes on in the shell where it was", async () => {
    const mine = await fresh();
    const page = await openPage(mine);
    await guest(page);
    const plain = await share(page);
    expect(plain).toContain("#m=");
    console.log(`link of a fresh ${GUEST}: ${plain.length} characters`);
    await closeDialog(page);
    await page.click(".xterm-screen");
    await run(page, "secret=swordfish; cd /etc", "WORD1");
    const link = await share(page);
    const theirs = await fresh();
    const other = await openPage(theirs, link.slice(link.indexOf("#")));
    await other.waitForSelector(id("link-dialog"));
    const told = (await other.textContent(id("link-dialog"))) ?? "";
    expect(told).toContain("512");
    expect(told).toContain(`guest:${GUEST}/resume.json`);
    // Nothing runs, nothing is kept before the answer.
    expect(await other.$(id("machine"))).toBeNull();
    await other.click(id("link-start"));
    await other.waitForSelector(id("machine"), { timeout: 60_000 });
    await other.waitForSelector(`.machine-head ${id("badge")}[data-state="running"]`, { timeout: 60_000 });
    await other.click(id("tab-serial"));
    await other.click(".xterm-screen");
    expect(await run(other, "echo $secret in $(pwd)", "WORD2")).toContain("swordfish in /etc");
    // Mine went on by itself.
    await closeDialog(page);
    await page.click(".xterm-screen");
    expect(await run(page, "echo still $secret; dd if=/dev/urandom of=/root/data bs=1024 count=1024 2>/dev/null", "WORD3")).toContain("still swordfish");
    await theirs.close();
    // A mebibyte that cannot be packed still fits.
    const long = await share(page);
    console.log(`with a random mebibyte in its home directory: ${long.length} characters`);
    expect(long.length).toBeGreaterThan(1_400_000);
    const others = await fresh();
    const third = await openPage(others, long.slice(long.indexOf("#")));
    await third.waitForSelector(id("link-dialog"), { timeout: 60_000 });
    await others.close();
    // A damaged link is refused in a sentence.
    const at = Math.floor(link.length * 0.7);
    const bad = await openPage(mine, `${link.slice(link.indexOf("#"), at)}${link[at] === "A" ? "B" : "A"}${link.slice(at + 1)}`);
    await bad.waitForSelector(`${id("link-dialog")}, ${id("notices")} .fault`);
    if (await bad.$(id("link-dialog"))) await bad.click(id("link-start"));
    await bad.waitForSelector(`${id("notices")} .fault`);
    expect(await bad.textContent(id("notices"))).toMatch(/hash|damaged/);
    await mine.close();
  }, 180_000);
  test("a running editor goes on with what it has not written yet", async () => {
    const mine = await fresh();
    const page = await openPage(mine);
    await guest(page);
    await page.keyboard.type("vi /root/letter\r");
    await until(page, (t) => t.includes("~\n~"), 20_000);
    // It asks the terminal for its size first, and takes what is typed meanwhile for the answer.
    await new Promise((r) => setTimeout(r, 1500));
    await page.keyboard.type("iDear reader,");
    await until(page, (t) => t.includes("Dear reader,"), 20_000);
    const link = await share(page);
    console.log(`link of ${GUEST} with a running editor: ${link.length} characters`);
    const theirs = await fresh();
    const other = await openPage(theirs, link.slice(link.indexOf("#")));
    await other.waitForSelector(id("link-dialog"), { timeout: 60_000 });
    await other.click(id("link-start"));
    await other.waitForSelector(`.machine-head ${id("badge")}[data-state="running"]`, { timeout: 60_000 });
    await other.click(id("tab-serial"));
    await other.click(".xterm-screen");
    await other.keyboard.type(" hello");
    await until(other, (t) => t.includes("hello"), 20_000);
    // An editor takes an escape that is followed at once for the beginning of a key's sequence.
    await other.keyboard.press("Escape");
    await new Promise((r) => setTimeout(r, 1000));
    await other.keyboard.type(":wq\r");
    await until(other, (t) => t.includes("~ #"), 20_000);
    // The shell too asks the terminal where its cursor is.
    await new Promise((r) => setTimeout(r, 1500));
    expect(await run(other, "cat /root/letter", "WORD6")).toContain("Dear reader, hello");
    await theirs.close();
    await mine.close();
  }, 240_000);
});

describe("a disk on a web server", () => {
  test("keeps what is written over it in this browser, and travels as a file and as a folder of chunks", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gh-links-"));
    const files = await serveFolder(folder, { isolated: false, cors: true });
    writeFileSync(join(folder, "count.img"), countingDisk());
    const domain = domainSchema.parse({
      name: "count", memoryMiB: 16, cpu: { model: "qemu64", count: 1, accel: "jit" }, clock: { mode: "wall" }, firmware: {}, boot: {}, vga: "none",
      disks: [{ at: "ide0-master", media: "disk", source: `url:${files.url}count.img`, format: "raw" }],
    });
    const counts = async (page: Page, n: number) => {
      await page.click(id("tab-serial"));
      await until(page, (t) => t.includes(`COUNT=${n}`), 30_000);
    };
    const mine = await fresh();
    let page = await openPage(mine, await encodeLink(domain));
    expect(await page.textContent(id("link-dialog"))).toContain("count.img");
    await page.click(id("link-start"));
    await counts(page, 1);
    await page.click(id("tool-reset"));
    await counts(page, 2);
    await page.close({ runBeforeUnload: false });
    page = await openPage(mine);
    await page.locator("nav").getByText("count").first().click();
    await page.click(id("tool-play"));
    await counts(page, 3);
    // As a file: memory, devices and what was written over the disk.
    await page.click(id("tool-link"));
    await page.waitForSelector(`${id("share-file")}:not([disabled])`, { timeout: 30_000 });
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(id("share-file"))]);
    expect(download.suggestedFilename()).toBe("count.guesthouse");
    const bundle = readFileSync((await download.path()) as string);
    const theirs = await fresh();
    const other = await openPage(theirs);
    await other.setInputFiles(id("add-file"), { name: "count.guesthouse", mimeType: "application/octet-stream", buffer: bundle });
    await other.waitForSelector(id("link-dialog"));
    expect(await other.textContent(id("link-dialog"))).toContain(`Written over url:${files.url}count.img`);
    await other.click(id("link-start"));
    await other.waitForSelector(`.machine-head ${id("badge")}[data-state="running"]`, { timeout: 30_000 });
    await other.click(id("tool-reset"));
    await counts(other, 4);
    await theirs.close();
    // As a folder of a web server.
    await page.waitForSelector(`${id("share-file")}:not([disabled])`);
    await page.click(`${id("share-dialog")} summary`);
    await page.fill(id("share-folder"), `${files.url}m`);
    const [archive] = await Promise.all([page.waitForEvent("download"), page.click(id("share-hosted"))]);
    mkdirSync(join(folder, "m"));
    execFileSync("tar", ["xf", (await archive.path()) as string, "-C", join(folder, "m")]);
    const link = await page.inputValue(id("share-link"));
    expect(link).toContain("#at=");
    const third = await fresh();
    const last = await openPage(third, link.slice(link.indexOf("#")));
    // Nothing is fetched from there before the person agrees.
    await last.waitForSelector(id("link-host-dialog"));
    await last.click(id("link-look"));
    await last.waitForSelector(id("link-dialog"));
    await last.click(id("link-start"));
    await last.waitForSelector(`.machine-head ${id("badge")}[data-state="running"]`, { timeout: 30_000 });
    await last.click(id("tool-reset"));
    await counts(last, 4);
    // A chunk that is not what the link's hashes say.
    const chunk = join(folder, "m/chunks", readdirSync(join(folder, "m/chunks"))[0] as string);
    const bytes = readFileSync(chunk);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    writeFileSync(chunk, bytes);
    const fourth = await openPage(third, link.slice(link.indexOf("#")));
    await fourth.click(id("link-look"));
    await fourth.click(id("link-start"));
    await fourth.waitForSelector(`${id("notices")} .fault`, { timeout: 30_000 });
    expect(await fourth.textContent(id("notices"))).toContain("hash");
    await third.close();
    await mine.close();
    files.close();
    rmSync(folder, { recursive: true });
  }, 180_000);
});
