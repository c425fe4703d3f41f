// Before any test: core.wasm is there and fresh (build-core.mjs does nothing when the sources have not changed).

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export default function setup(): void {
  if (process.env.CORE_WASM !== undefined) return;
  execFileSync(process.execPath, [fileURLToPath(new URL("build-core.mjs", import.meta.url))], { stdio: "inherit" });
}
