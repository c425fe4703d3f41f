// The translator's worker as one text, made from its source: worker threads do not read TypeScript. For programs that run from source (tests, benchmarks,
// images); the terminal program has its own bundle.

import { buildSync } from "esbuild";
import { fileURLToPath } from "node:url";

const { outputFiles } = buildSync({
  entryPoints: [fileURLToPath(new URL("jit-worker.node.ts", import.meta.url))],
  bundle: true,
  platform: "node",
  format: "cjs",
  write: false,
});
export const jitWorker = { text: outputFiles[0]?.text ?? "" };
