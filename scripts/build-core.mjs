// Builds workers/cpu/build/core.wasm: generates the handlers from the instruction table, compiles the AssemblyScript core, and makes the
// handlers' chaining calls tail calls, exports everything for translated code and says which functions touch registers. Does nothing when the sources have not changed. `--debug` keeps names; `--out FILE` writes elsewhere;
// `--without-trace` leaves the seams of the trace bus out (what they cost while nobody traces is measured against that: bench-trace.ts).

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { exportAll } from "./export-all.mjs";
import { addHomes } from "./homes.mjs";
import { makeTailCalls } from "./tail-calls.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const args = process.argv.slice(2);
const debug = args.includes("--debug");
const outAt = args.indexOf("--out");
const out = outAt >= 0 ? args[outAt + 1] : join(root, "workers/cpu/build/core.wasm");
const stamp = `${out}.stamp`;
const untraced = args.includes("--without-trace");

const sources = ["workers/cpu/core", "workers/cpu/isa", "scripts/build-core.mjs", "scripts/tail-calls.mjs", "scripts/export-all.mjs", "scripts/homes.mjs", "package-lock.json"];
const hash = createHash("sha256").update(`${debug ? "debug" : "release"}${untraced ? " untraced" : ""}`);
for (const source of sources) {
  const path = join(root, source);
  const files = source.includes(".") ? [path] : readdirSync(path).filter((f) => !f.endsWith(".gen.ts") && !f.endsWith(".test.ts")).map((f) => join(path, f));
  for (const file of files.sort()) hash.update(file.slice(root.length)).update(readFileSync(file));
}
const digest = hash.digest("hex");
if (existsSync(out) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) process.exit(0);

const started = Date.now();
mkdirSync(dirname(out), { recursive: true });
const node = process.execPath;
execFileSync(node, ["--import", "tsx", join(root, "workers/cpu/isa/generate.ts")], { cwd: root, stdio: "inherit" });
// A name of its own until it is whole: two builds at once must not mix.
const part = `${out}.${process.pid}.part.wasm`;
/** The sources with a mask of trace kinds that is always empty: the compiler drops what stands behind it. */
function untracedSources() {
  // Not beside core: `npm run check` would read it. AssemblyScript wants it below the root.
  mkdirSync(join(root, "tmp"), { recursive: true });
  const copy = mkdtempSync(join(root, "tmp/untraced-"));
  cpSync(join(root, "workers/cpu/core"), copy, { recursive: true });
  const watch = join(copy, "watch.ts");
  const text = readFileSync(watch, "utf8");
  const without = text.replace("export let tracing: u32 = 0;", "export const tracing: u32 = 0;").replace("  tracing = mask;\n", "");
  if (without.length !== text.length + "const".length - "let".length - "  tracing = mask;\n".length) throw new Error("watch.ts has another trace mask than this script knows");
  writeFileSync(watch, without);
  return copy;
}
const entry = untraced ? untracedSources() : join(root, "workers/cpu/core");
const flags = ["--config", "workers/cpu/core/asconfig.json", "-o", part, "--debug"];
execFileSync(node, [join(root, "node_modules/assemblyscript/bin/asc.js"), join(relative(root, entry), "index.ts"), ...flags], { cwd: root, stdio: "inherit" });
const compiled = readFileSync(part);
const chained = makeTailCalls(compiled);
const bytes = addHomes(exportAll(compiled), debug);
writeFileSync(part, bytes);
renameSync(part, out);
for (const f of readdirSync(dirname(out))) if (f.includes(`.${process.pid}.part.`)) rmSync(join(dirname(out), f));
writeFileSync(stamp, digest);
if (untraced) rmSync(entry, { recursive: true });
console.log(`core: ${bytes.length} bytes, ${chained} tail calls, ${((Date.now() - started) / 1000).toFixed(1)} s`);
