// Builds the site once for all browser tests, and serves folders: with or without isolation headers, at any path.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import type { TestProject } from "vitest/node";

const root = join(import.meta.dirname, "..");
const types: { readonly [extension: string]: string } = { html: "text/html", js: "text/javascript", css: "text/css", json: "application/json", svg: "image/svg+xml", wasm: "application/wasm" };

declare module "vitest" {
  interface ProvidedContext {
    site: string;
  }
}
/** vitest's global setup: SITE names a ready build. What is built here is what people get: vitest's own NODE_ENV would make React's build for development. */
export default function setup(project: TestProject): () => void {
  const ready = process.env.SITE;
  const folder = ready ?? mkdtempSync(join(tmpdir(), "guesthouse-site-"));
  if (!ready) execFileSync(process.execPath, [join(root, "node_modules/vite/bin/vite.js"), "build", "--outDir", folder, "--emptyOutDir", "--logLevel", "warn"], { cwd: root, stdio: "inherit", env: { ...process.env, NODE_ENV: "production" } });
  project.provide("site", folder);
  return () => {
    if (!ready) rmSync(folder, { recursive: true, force: true });
  };
}
export interface Served {
  readonly url: string;
  close(): void;
}
export async function serveFolder(folder: string, options: { readonly isolated: boolean; readonly at?: string; readonly slow?: string; readonly cors?: boolean }): Promise<Served> {
  const at = options.at ?? "/";
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? "/").split("?")[0] as string);
    const inside = path.startsWith(at) ? path.slice(at.length) : null;
    const file = inside === null ? null : join(folder, inside === "" ? "index.html" : inside);
    if (!file?.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) {
      response.statusCode = 404;
      response.end("not found");
      return;
    }
    if (options.isolated) {
      response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
      response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    }
    if (options.cors) response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Content-Type", types[file.split(".").pop() as string] ?? "application/octet-stream");
    const bytes = readFileSync(file);
    // As static hosts do: parts of a file.
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const from = Number(range?.[1] ?? 0);
    const part = bytes.subarray(from, range?.[2] ? Number(range[2]) + 1 : undefined);
    if (range) {
      response.statusCode = 206;
      response.setHeader("Content-Range", `bytes ${from}-${from + part.length - 1}/${bytes.length}`);
    }
    response.setHeader("Content-Length", part.length);
    response.end(part);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${at}`, close: () => server.close() };
}
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}
