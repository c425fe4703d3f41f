// Drives whose disks lie on another site: read by ranges and in content-addressed pieces as the guest asks, written in the library, named in words when
// the site forbids it, changes the file or goes away in the middle; then the guest sees a read error and goes on when the site is back.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { domainSchema } from "../src/contract/domain.ts";
import { encodeLink } from "../src/manager/link.ts";
import { HOSTED_DISK, saveHosted } from "../workers/snapshots/hosted-save.node.ts";
import { browser, id, openPage, serialText, until, viewport, withBrowser } from "./browsing.ts";
import { countingDisk } from "./counting-disk.ts";

withBrowser();
/** reading-disk.asm. */
const READING = "31c08ed88ec08ed0bc007c8816737cbafd03eca80174fbbaf803eca2667c2c3030e4c1e00ba35a7cc706547c0100b4428a16737cbe527ccd13be6c7c7209a00080a2687cbe627cac84c074c3baf803eeebf51000010000800000000000000000000052454144303d780d0a004641494c0d0a";
const folder = mkdtempSync(join(tmpdir(), "guesthouse-remote-"));
let mode: "ranges" | "whole" | "closed" | "gone";
let etag: string;
let asked: string[];
/** Another site: all may read it, unless it is closed. It does not show Content-Range, as most do not. */
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const path = (request.url ?? "").split("?")[0] as string;
  asked.push(`${request.method} ${path} ${request.headers.range ?? ""}`.trim());
  if (mode === "gone") return void request.socket.destroy();
  if (mode !== "closed") response.setHeader("Access-Control-Allow-Origin", "*");
  const bytes = readFileSync(join(folder, path));
  response.setHeader("ETag", etag);
  response.setHeader("Access-Control-Expose-Headers", "ETag");
  const range = mode === "whole" ? null : /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "");
  if (!range) {
    response.setHeader("Content-Length", bytes.length);
    return void response.end(request.method === "HEAD" ? undefined : bytes);
  }
  const part = bytes.subarray(Number(range[1]), Number(range[2]) + 1);
  response.writeHead(206, { "Content-Range": `bytes ${range[1]}-${Number(range[1]) + part.length - 1}/${bytes.length}`, "Content-Length": part.length });
  response.end(part);
});
let site = "";
let pieces = "";
beforeAll(async () => {
  writeFileSync(join(folder, "count.img"), countingDisk());
  const reading = Buffer.alloc(4 << 20, "ABCD");
  for (let n = 0; n < 4; n++) reading.fill("ABCD"[n] as string, n << 20, (n + 1) << 20);
  reading.fill(0, 0, 512);
  Buffer.from(READING, "hex").copy(reading);
  reading.writeUInt16LE(0xaa55, 510);
  writeFileSync(join(folder, "read.img"), reading);
  const made = await saveHosted(join(folder, "count.img"), join(folder, "pieces"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  pieces = `chunks:${site}/pieces/${HOSTED_DISK}#sha256=${made.sha256}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  mode = "ranges";
  etag = '"1"';
  asked = [];
});
const notices = async (page: Page) => (await page.textContent(id("notices"))) ?? "";
const says = (page: Page, text: string) => until(async () => (await serialText(page)).includes(text), 60_000, async () => `"${text}" is not on the console: ${await serialText(page)} ${await notices(page)}`);
const told = (page: Page, code: string) => until(async () => (await notices(page)).includes(code), 40_000, async () => `no ${code}: ${await notices(page)}`);
const linkOf = (source: string) => encodeLink(domainSchema.parse({ name: "away", memoryMiB: 32, cpu: { model: "qemu64", count: 1, accel: "interp" }, clock: { mode: "wall" }, firmware: {}, boot: {}, vga: "std", serial: ["console"], disks: [{ at: "ide0-master", media: "disk", source }] }));
async function started(source: string): Promise<Page> {
  const page = await openPage(await browser.newContext({ viewport }), await linkOf(source));
  await page.click(id("link-start"));
  return page;
}

test.each([["ranges", () => `url:${site}/count.img`, "ranges"], ["a server without ranges", () => `url:${site}/count.img`, "whole"], ["content-addressed pieces", () => pieces, "ranges"]] as const)("a disk by %s boots, and what is written to it is kept", async (_, source, how) => {
  mode = how;
  const page = await started(source());
  await page.click(id("tab-serial"));
  await says(page, "COUNT=1");
  const before = asked.length;
  await page.click(id("tool-reset"));
  await says(page, "COUNT=2");
  // Nothing is fetched twice.
  expect(asked.length).toBe(before);
  if (how === "ranges") expect(asked.filter((a) => a.startsWith("GET /count.img") && !a.includes("bytes="))).toEqual([]);
  await page.reload();
  await page.click(`${id("machines")} li button`);
  await page.click(id("tool-play"));
  await page.click(id("tab-serial"));
  await says(page, "COUNT=3");
  await page.context().close();
}, 120_000);

test("a site that forbids it, and a file that changed, are said in words", async () => {
  mode = "closed";
  const page = await started(`url:${site}/count.img`);
  await told(page, "url.unreachable");
  expect(await notices(page)).toContain("Access-Control-Allow-Origin");
  mode = "ranges";
  await page.click(id("tool-play"));
  await page.click(id("tab-serial"));
  await says(page, "COUNT=1");
  etag = '"2"';
  await page.reload();
  await page.click(`${id("machines")} li button`);
  await page.click(id("tool-play"));
  await told(page, "disk.base-changed");
  await page.context().close();
}, 120_000);

test("a site that goes away: the guest sees a read error, the person why, and reads go on when it is back", async () => {
  const page = await started(`url:${site}/read.img`);
  await page.click(id("tab-serial"));
  await page.click(".xterm-screen");
  await until(async () => asked.length > 0, 30_000, "nothing was read");
  await new Promise((r) => setTimeout(r, 2000));
  await page.keyboard.type("1");
  await says(page, "READ1=B");
  mode = "gone";
  await page.keyboard.type("2");
  await says(page, "FAIL");
  await told(page, "url.offline");
  // What was read before is still there; the machine runs on.
  await page.keyboard.type("1");
  await until(async () => (await serialText(page)).split("READ1=B").length === 3, 20_000, async () => serialText(page));
  mode = "ranges";
  await page.keyboard.type("2");
  await says(page, "READ2=C");
  await page.context().close();
}, 120_000);
