// A real file system: a qcow2 with ext4, made by e2fsprogs, is imported, mounted and written by Debian; the tab dies without a word; what was synced
// is there when the page is opened again, and e2fsck and debugfs find it in the exported image. A guest that was broken goes back to its snapshot, file
// system and all; sent to a fresh profile, its shell goes on there.

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, expect, inject, test } from "vitest";
import { browser, id, openPage, serialText, until, viewport, withBrowser } from "./browsing.ts";
import { MemoryFile } from "../workers/backends/byte-file.ts";
import { createQcow2, Qcow2Image } from "../workers/backends/formats/qcow2.ts";
import { now } from "../workers/backends/io.ts";

withBrowser();
const guests = JSON.parse(readFileSync(join(inject("site"), "guests/index.json"), "utf8")) as { id: string }[];
const path = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const has = ["mkfs.ext4", "e2fsck", "debugfs"].every((p) => spawnSync("sh", ["-c", `command -v ${p}`], { env: path }).status === 0);
const folder = mkdtempSync(join(tmpdir(), "guesthouse-ext4-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const SIZE = 48 << 20;

function ext4InQcow2(): Buffer {
  const raw = join(folder, "made.img");
  writeFileSync(raw, "");
  truncateSync(raw, SIZE);
  execFileSync("mkfs.ext4", ["-q", "-F", "-L", "guesthouse", raw], { env: path });
  const bytes = new Uint8Array(readFileSync(raw));
  const file = new MemoryFile();
  now(createQcow2(file, { size: SIZE }));
  const image = now(Qcow2Image.open(file));
  for (let at = 0; at < SIZE; at += 65536) {
    const piece = bytes.subarray(at, at + 65536);
    if (piece.some((b) => b !== 0)) now(image.write(at, piece));
  }
  now(image.close());
  return Buffer.from(file.bytes);
}
/** Types a command and waits for what it prints. */
async function say(page: Page, line: string, answer: RegExp, ms = 60_000): Promise<void> {
  await page.click(".xterm-screen");
  await page.keyboard.type(`${line}\r`);
  await until(async () => answer.test(await serialText(page)), ms, async () => `${line}: ${await serialText(page)}`);
}
async function mounted(page: Page): Promise<void> {
  await page.click(id("tab-serial"));
  await until(async () => (await serialText(page)).includes("Type commands here"), 240_000, async () => `the prompt: ${await serialText(page)}; ${await page.textContent(id("notices"))}`);
  await say(page, "clear; modprobe -a ata_piix sd_mod ext4; while [ ! -b /dev/sda ]; do sleep 1; done; mkdir -p /mnt; mount -t ext4 /dev/sda /mnt && echo mount''ed", /^mounted$/m);
}
async function raw(context: BrowserContext, page: Page): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent("download", { timeout: 60_000 }), page.locator('.files li[data-name="data.qcow2"]').locator(id("export")).selectOption("raw")]);
  const file = join(folder, `${context.pages().length}-${Date.now()}.img`);
  copyFileSync((await download.path()) as string, file);
  return file;
}
const debugfs = (file: string, command: string) => execFileSync("debugfs", ["-R", command, file], { env: path, stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });

test.skipIf(!has || !guests.some((g) => g.id === "debian-amd64"))("a file in ext4 in qcow2 outlives its tab; e2fsck has nothing to say", async () => {
  const context = await browser.newContext({ viewport, acceptDownloads: true });
  const page = await openPage(context);
  await page.setInputFiles(id("add-file"), { name: "data.qcow2", mimeType: "application/octet-stream", buffer: ext4InQcow2() });
  await page.waitForSelector('.files li[data-name="data.qcow2"]');
  await page.click(id("new-machine"));
  await page.fill(id("qemu-line"), "qemu-system-x86_64 -name ext4 -m 256 -kernel guest:debian-amd64/vmlinuz -initrd guest:debian-amd64/initrd.gz -append 'console=ttyS0 quiet' -drive file=data.qcow2,format=qcow2");
  await page.click(id("qemu-fill"));
  expect(await page.textContent(id("qemu-refused"))).toBe("");
  await page.click(id("form-start"));
  await mounted(page);
  await say(page, "clear; echo kept by Guesthouse > /mnt/note; dd if=/dev/urandom of=/mnt/noise bs=64k count=64 2>/dev/null; sync; sha256sum /mnt/noise; echo syn''ced", /^synced$/m);
  const sum = /^([0-9a-f]{64}) {2}\/mnt\/noise$/m.exec((await serialText(page)).replace(/\n(?=[0-9a-f]*\s*\/mnt)/g, ""))?.[1];
  expect(sum).toBeDefined();
  // Never synced: it may be lost, the rest may not.
  await page.keyboard.type("while :; do date >> /mnt/unsynced; done\r");
  await new Promise((r) => setTimeout(r, 2000));
  await page.close({ runBeforeUnload: false });

  const again = await openPage(context);
  await again.waitForSelector('.files li[data-name="data.qcow2"]');
  const killed = await raw(context, again);
  // The journal is replayed, as at the next mount; nothing else may be wrong.
  const repair = spawnSync("e2fsck", ["-p", killed], { env: path, encoding: "utf8" });
  expect([0, 1], repair.stdout).toContain(repair.status);
  expect(spawnSync("e2fsck", ["-fn", killed], { env: path, encoding: "utf8" })).toMatchObject({ status: 0 });
  expect(debugfs(killed, "cat /note")).toBe("kept by Guesthouse\n");

  await again.locator("nav").getByText("ext4", { exact: false }).first().click();
  await again.click(id("tool-play"));
  await mounted(again);
  // Each answer has a number: an earlier one may still be on the screen.
  let asked = 0;
  const whole = async (where: Page, command = "") => {
    asked++;
    await say(where, `clear; cat /mnt/note; sha256sum /mnt/noise; ${command}echo wh''ole${asked}`, new RegExp(`^whole${asked}$`, "m"));
    expect(await serialText(where)).toContain("kept by Guesthouse");
    expect((await serialText(where)).replaceAll("\n", "")).toContain(sum as string);
  };
  await whole(again);

  // A snapshot; the guest is broken for good, on its disk too; back.
  await say(again, "clear; word=swordfish; echo r''eady", /^ready$/m);
  await again.click(id("tab-snapshots"));
  await again.fill(id("snap-name"), "whole");
  await again.click(id("snap-save"));
  await again.waitForSelector(id("snapshot"), { timeout: 60_000 });
  await again.click(id("tab-serial"));
  await say(again, "clear; rm -rf /mnt/*; dd if=/dev/zero of=/dev/sda bs=64k count=64 2>/dev/null; sync; rm -rf /bin /sbin /usr /lib; ls /mnt/note /bin/busybox; echo br''oken", /^broken$/m);
  expect(await serialText(again)).toMatch(/note: No such file[\s\S]*busybox: No such file/);
  await again.click(id("tab-snapshots"));
  await again.click(id("snap-load"));
  await again.waitForSelector(`${id("snap-load")}:not([disabled])`, { timeout: 60_000 });
  await again.click(id("tab-serial"));
  await whole(again, "echo $word; ");
  expect(await serialText(again)).toContain("swordfish");

  // Sent: the shell goes on in a profile that has never seen the machine.
  await again.click(id("tool-link"));
  await again.waitForSelector(`${id("share-file")}:not([disabled])`, { timeout: 90_000 });
  const [sent] = await Promise.all([again.waitForEvent("download", { timeout: 90_000 }), again.click(id("share-file"))]);
  const theirs = await browser.newContext({ viewport });
  const other = await openPage(theirs);
  await other.setInputFiles(id("add-file"), { name: "ext4.guesthouse", mimeType: "application/octet-stream", buffer: readFileSync((await sent.path()) as string) });
  await other.waitForSelector(id("link-dialog"), { timeout: 60_000 });
  await other.click(id("link-start"));
  await other.waitForSelector(`.machine-head ${id("badge")}[data-state="running"]`, { timeout: 60_000 });
  await other.click(id("tab-serial"));
  await whole(other, "echo $word >> /mnt/note; sync; cat /mnt/note; ");
  expect(await serialText(other)).toContain("swordfish");
  await theirs.close();
  await again.click(`${id("share-dialog")} .row.end > button:last-child`);

  // What they wrote is theirs.
  await whole(again, "grep -c Guesthouse /mnt/note; umount /mnt && ");
  expect(await serialText(again)).not.toContain("swordfish");
  await again.click(id("tool-power"));
  await until(async () => (await again.getAttribute(`.machine-head ${id("badge")}`, "data-state")) === "off", 20_000, "off");
  await again.locator("nav button").first().click();
  const clean = await raw(context, again);
  expect(spawnSync("e2fsck", ["-fn", clean], { env: path, encoding: "utf8" })).toMatchObject({ status: 0 });
  expect(debugfs(clean, "cat /note")).toBe("kept by Guesthouse\n");
  await context.close();
}, 900_000);
