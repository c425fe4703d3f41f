// The browser killed (SIGKILL, all its processes) at random points while a guest writes and flushes: what the guest said was flushed is there when the
// browser comes back, and nothing is torn. KILLS=40 npm run e2e kills for a long run; two here. The guest counts: it writes the number into one of 64 slots,
// flushes, writes it into sector 100, flushes, prints it.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { id, serialScreen, viewport } from "./browsing.ts";
import { serveFolder, type Served } from "./site.ts";

const KILLS = Number(process.env.KILLS ?? 2);
/** Assembled by NASM; prints WAS= and SLOT= at its start, then N= and the number (hexadecimal) after each flush. */
const CODE = Buffer.from("31c08ed88ec08ed0bc007c8816cb7cc706d47c6400b442e85e00a10080a3c97cbebb7ce85c00a1c97c83e03f40a3d47cb442e84300a10080bec07ce84400ff06c97ca1c97ca3008083e03f40a3d47ce81400c706d47c6400e80b00a1c97cbec67ce81e00ebd8b80043e80c00baf701b0e7eeeca88075fbc3becc7c8a16cb7ccd13c350ac84c07405e82100ebf65bb90400c1c30488d8240f04303c3976020427e80900e2ecb00de80200b00abafd0350eca82074fb58baf803eec35741533d00534c4f543d004e3d0000000010000100008000000000000000000000", "hex");
function disk(): Buffer {
  const bytes = Buffer.alloc(4 << 20);
  CODE.copy(bytes);
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}
let served: Served;
let profile = "";
beforeAll(async () => {
  served = await serveFolder(inject("site"), { isolated: true });
  profile = mkdtempSync(join(tmpdir(), "gh-kills-"));
});
afterAll(() => {
  served?.close();
  rmSync(profile, { recursive: true, force: true });
});
async function browse(): Promise<{ readonly page: Page; readonly process: ChildProcess; kill(): Promise<void> }> {
  const portFile = join(profile, "DevToolsActivePort");
  rmSync(portFile, { force: true });
  const child = spawn(
    process.env.CHROMIUM ?? "/usr/bin/chromium",
    ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
    { detached: true, stdio: "ignore" },
  );
  for (const end = Date.now() + 30_000; !existsSync(portFile) || readFileSync(portFile, "utf8").split("\n").length < 2; await new Promise((r) => setTimeout(r, 50))) if (Date.now() > end) throw new Error("the browser did not start");
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${readFileSync(portFile, "utf8").split("\n")[0]}`);
  const page = await (browser.contexts()[0] ?? (await browser.newContext())).newPage();
  await page.setViewportSize(viewport);
  page.on("dialog", (d) => void d.accept().catch(() => {}));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    page,
    process: child,
    kill: async () => {
      // Its own group: the browser with all its processes, and nothing else.
      process.kill(-(child.pid as number), "SIGKILL");
      await gone;
      await browser.close().catch(() => {});
    },
  };
}
const last = (text: string, what: RegExp) => [...text.matchAll(what)].map((m) => Number.parseInt(m[1] as string, 16)).at(-1);

test(`${KILLS} kills`, async () => {
  let acknowledged = 0;
  let writes = 0;
  for (let n = 0; n <= KILLS; n++) {
    const { page, kill } = await browse();
    try {
      await page.goto(served.url);
      await page.waitForSelector("main");
      if (n === 0) {
        await page.setInputFiles(id("add-file"), { name: "kill.img", mimeType: "application/octet-stream", buffer: disk() });
        await page.locator(".files li").first().locator('button:has-text("Use in a new machine")').click();
        await page.click(id("form-start"));
      } else {
        await page.locator(`${id("machines")} li button`).first().click();
        await page.click(id("tool-play"));
      }
      await page.click(id("tab-serial"));
      const end = Date.now() + 60_000;
      let text = "";
      // The first lines scroll away quickly: they are in the terminal's own buffer.
      while (!/SLOT=[0-9a-f]{4}/.test(text)) {
        if (Date.now() > end) throw new Error(`the guest did not start: ${JSON.stringify(text)} ${await page.textContent(id("notices"))}`);
        text = `${text}\n${await serialScreen(page)}`;
        await new Promise((r) => setTimeout(r, 5));
      }
      const was = last(text, /WAS=([0-9a-f]{4})/g) as number;
      const slot = last(text, /SLOT=([0-9a-f]{4})/g) as number;
      // Not less than the last that was seen acknowledged; its slot was flushed before it.
      expect(was, `kill ${n}`).toBeGreaterThanOrEqual(acknowledged);
      expect(slot, `kill ${n}`).toBe(was);
      const stop = Date.now() + Math.random() * 1500;
      do {
        const seen = last(await serialScreen(page), /N=([0-9a-f]{4})\n/g);
        if (seen !== undefined) acknowledged = Math.max(acknowledged, seen);
      } while (Date.now() < stop);
      writes = acknowledged;
    } finally {
      await kill();
    }
  }
  console.log(`${KILLS} kills, ${writes} numbers acknowledged, none lost`);
  expect(writes).toBeGreaterThan(KILLS);
}, 60_000 + KILLS * 60_000);
