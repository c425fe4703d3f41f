// Writes workers/cpu/build/core.page.wasm: core.wasm with the decoder's tables in a custom section "decode". A page starts each machine in a worker
// of its own; computing the tables there took half of the time. Does nothing when core.wasm has not changed. Argument: core.wasm of one's own.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DECODE_SECTION } from "../workers/cpu/decode-section.ts";
import { decodeTables } from "../workers/cpu/isa/tables.ts";

const core = process.argv[2] ?? join(import.meta.dirname, "../workers/cpu/build/core.wasm");
const out = core.replace(/\.wasm$/, ".page.wasm");
const bytes = readFileSync(core);
const tables = decodeTables();
const digest = createHash("sha256").update(bytes).update(tables).digest("hex");
if (!existsSync(out) || !existsSync(`${out}.stamp`) || readFileSync(`${out}.stamp`, "utf8") !== digest) {
  const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)]);
  const name = Buffer.from(DECODE_SECTION);
  const part = `${out}.${process.pid}.part`;
  writeFileSync(part, Buffer.concat([bytes, Buffer.from([0, ...leb(leb(name.length).length + name.length + tables.length), ...leb(name.length)]), name, tables]));
  renameSync(part, out);
  writeFileSync(`${out}.stamp`, digest);
}
