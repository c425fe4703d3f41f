// The page's build: React, module workers, and a static site that works from any folder. Guests (images/*/build), firmware and core.wasm
// are served beside it in dev and copied in the build. Environment: GUESTS_DIR (instead of images/), FIRMWARE_DIRS (colon separated),
// CORE_WASM (a ready core instead of building one).

import { execFileSync } from "node:child_process";
import { copyFileSync, createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { dirname, join, normalize, relative, resolve, sep } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const root = import.meta.dirname;
const guestsDir = process.env.GUESTS_DIR;
const firmwareDirs = (process.env.FIRMWARE_DIRS ?? [join(root, "images/firmware/build"), "/usr/share/seabios", "/usr/share/qemu"].join(":")).split(":");
const firmwareFiles = ["bios-256k.bin", "vgabios-stdvga.bin", "linuxboot_dma.bin", "multiboot_dma.bin"];
const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin" };

function coreWasm(): string {
  const built = process.env.CORE_WASM ?? join(root, "workers/cpu/build/core.wasm");
  if (!process.env.CORE_WASM) execFileSync(process.execPath, [join(root, "scripts/build-core.mjs")], { stdio: "inherit" });
  execFileSync(process.execPath, ["--import", "tsx", join(root, "scripts/page-core.ts"), built], { cwd: root, stdio: "inherit" });
  return built.replace(/\.wasm$/, ".page.wasm");
}
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
/** Folders of built guests: id to folder. */
function guestFolders(): Map<string, string> {
  const folders = new Map<string, string>();
  const top = guestsDir ?? join(root, "images");
  if (!existsSync(top)) return folders;
  for (const entry of readdirSync(top, { withFileTypes: true })) {
    const folder = guestsDir ? join(top, entry.name) : join(top, entry.name, "build");
    if (entry.isDirectory() && entry.name !== "firmware" && existsSync(folder)) folders.set(entry.name, folder);
  }
  return folders;
}
/** The catalogue that `npm run images` wrote; an empty list when nothing was built. */
function catalogue(): string {
  const file = guestsDir ? join(guestsDir, "index.json") : join(root, "images/build/index.json");
  return existsSync(file) ? readFileSync(file, "utf8") : "[]";
}
/** built.json with the firmware files that really come from its folder: others may come from the system. */
function firmwareRecord(): string {
  const folder = firmwareDirs.find((d) => existsSync(join(d, "built.json")));
  if (folder === undefined) return "{}";
  const built = JSON.parse(readFileSync(join(folder, "built.json"), "utf8")) as { files: { [name: string]: unknown } };
  const files = Object.fromEntries(Object.entries(built.files).filter(([name]) => find(`firmware/${name}`) === join(folder, name)));
  return JSON.stringify({ ...built, files });
}
/** The file behind a path of the site, or null. */
function find(path: string): string | null {
  const [top, ...rest] = path.split("/");
  if (rest.includes("..")) return null;
  if (top === "core.wasm") return coreWasm();
  if (top === "firmware") {
    const name = rest.join("/");
    if (!firmwareFiles.includes(name)) return null;
    return firmwareDirs.map((d) => join(d, name)).find((f) => existsSync(f)) ?? null;
  }
  if (top === "guests") {
    const folder = guestFolders().get(rest[0] ?? "");
    if (!folder) return null;
    const file = normalize(join(folder, ...rest.slice(1)));
    return file.startsWith(folder + sep) && existsSync(file) && statSync(file).isFile() ? file : null;
  }
  return null;
}
function serve(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const path = decodeURIComponent((request.url ?? "/").split(/[?#]/)[0] as string).slice(1);
  if (path === "guests/index.json" || path === "firmware/built.json") {
    response.setHeader("Content-Type", "application/json");
    response.end(path === "guests/index.json" ? catalogue() : firmwareRecord());
    return;
  }
  if (!/^(guests|firmware)\//.test(path) && path !== "core.wasm") return next();
  const file = find(path);
  if (!file) {
    response.statusCode = 404;
    response.end("not found");
    return;
  }
  for (const [name, value] of Object.entries(isolation)) response.setHeader(name, value);
  response.setHeader("Content-Type", path.endsWith(".wasm") ? "application/wasm" : "application/octet-stream");
  const { size, mtimeMs } = statSync(file);
  const tag = `"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"`;
  response.setHeader("ETag", tag);
  response.setHeader("Accept-Ranges", "bytes");
  // A name with a hash in it never changes its contents.
  response.setHeader("Cache-Control", /\/resume-[0-9a-f]+\.ghvm$/.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
  if (request.headers["if-none-match"] === tag) {
    response.statusCode = 304;
    response.end();
    return;
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const from = range ? Number(range[1]) : 0;
  const to = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  if (range && (from > to || from >= size)) {
    response.statusCode = 416;
    response.setHeader("Content-Range", `bytes */${size}`);
    response.end();
    return;
  }
  if (range) {
    response.statusCode = 206;
    response.setHeader("Content-Range", `bytes ${from}-${to}/${size}`);
  }
  response.setHeader("Content-Length", to - from + 1);
  createReadStream(file, { start: from, end: to }).pipe(response);
}
function machineFiles(): Plugin {
  let out = "";
  return {
    name: "guesthouse-files",
    configResolved(config) {
      out = resolve(config.root, config.build.outDir);
    },
    configureServer(server) {
      server.middlewares.use(serve);
    },
    closeBundle() {
      const put = (path: string, file: string) => {
        const target = join(out, path);
        mkdirSync(dirname(target), { recursive: true });
        copyFileSync(file, target);
      };
      put("core.wasm", coreWasm());
      for (const name of firmwareFiles) {
        const file = find(`firmware/${name}`);
        if (file) put(`firmware/${name}`, file);
        else this.warn(`${name} was not found in ${firmwareDirs.join(", ")}: machines will not start`);
      }
      writeFileSync(join(out, "firmware/built.json"), firmwareRecord());
      mkdirSync(join(out, "guests"), { recursive: true });
      writeFileSync(join(out, "guests/index.json"), catalogue());
      for (const [id, folder] of guestFolders())
        for (const file of filesBelow(folder)) put(`guests/${id}/${relative(folder, file)}`, file);
    },
  };
}

export default defineConfig({
  root,
  base: "./",
  plugins: [react(), machineFiles()],
  // tar-stream asks for Node's events: its own stand-in for other hosts is here already.
  resolve: { alias: { events: "bare-events" } },
  worker: { format: "es" },
  build: { outDir: "dist", target: "es2022", chunkSizeWarningLimit: 1500 },
  server: { headers: isolation },
  preview: { headers: isolation },
});
