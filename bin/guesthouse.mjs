#!/usr/bin/env node
// Starts workers/cli.ts: bundles it when a source is newer than the bundle, brings the core up to date, and runs it in this process.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bundle = join(root, "dist/cli/guesthouse.cjs");
const inputs = join(root, "dist/cli/inputs.json");

function fresh() {
  if (!existsSync(bundle) || !existsSync(inputs)) return false;
  const made = statSync(bundle).mtimeMs;
  return JSON.parse(readFileSync(inputs, "utf8")).every((file) => existsSync(join(root, file)) && statSync(join(root, file)).mtimeMs < made);
}
if (!fresh()) {
  const { build } = await import("esbuild");
  mkdirSync(dirname(bundle), { recursive: true });
  const { metafile } = await build({
    entryPoints: { guesthouse: join(root, "workers/cli.ts"), "jit-worker": join(root, "workers/jit-worker.node.ts") },
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    sourcemap: "inline",
    metafile: true,
    logLevel: "error",
    outdir: dirname(bundle),
    outExtension: { ".js": ".cjs" },
  });
  writeFileSync(inputs, JSON.stringify(Object.keys(metafile.inputs)));
}
// The stamp of build-core tells whether anything changed; its output goes to stderr, for stdout belongs to the guest.
if (!process.env.GUESTHOUSE_CORE && !["img", "chunks"].includes(process.argv[2]) && !process.argv.some((word) => /^--?(help|h|version)$/.test(word)))
  execFileSync(process.execPath, [join(root, "scripts/build-core.mjs")], { cwd: root, stdio: ["ignore", 2, 2] });

process.env.GUESTHOUSE_ROOT ??= root;
process.env.GUESTHOUSE_JIT_WORKER ??= join(dirname(bundle), "jit-worker.cjs");
process.argv[1] = bundle;
await import(pathToFileURL(bundle).href);
