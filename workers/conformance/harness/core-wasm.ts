// The core to test: workers/cpu/build/core.wasm (`node scripts/build-core.mjs`; vitest's setup does that), or the file that CORE_WASM names.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { decodeTables } from "../../cpu/isa/tables.ts";
import type { CoreBinary } from "../../cpu/wasm-cpu.ts";

let tables: Uint8Array | null = null;
/** The core compiled and as bytes. */
export function coreBinary(): CoreBinary {
  const bytes = coreWasm();
  return { module: new WebAssembly.Module(bytes as BufferSource), bytes, decode: (tables ??= decodeTables()) };
}
export function coreWasm(): Uint8Array {
  const path = process.env.CORE_WASM ?? fileURLToPath(new URL("../../cpu/build/core.wasm", import.meta.url));
  if (!existsSync(path)) throw new Error(`no ${path}: run \`node scripts/build-core.mjs\``);
  return readFileSync(path);
}
