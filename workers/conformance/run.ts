// npm run conformance: every suite with passed and failed counts, then how many cases each row of the instruction table has. `--rows`
// lists the counts of all rows, otherwise only rows without a case are named. `--translated` runs the instruction cases through the translator.

import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ROWS } from "../cpu/isa/expand.ts";
import { coreBinary, coreWasm } from "./harness/core-wasm.ts";
import { runCases } from "./harness/suite.ts";
import { runGroup } from "./system/program.ts";

const translated = process.argv.includes("--translated");
const wasm = coreWasm();
const core = coreBinary();
const coverage = new Map<string, number>();
let failed = 0;
for (const suite of ["integer", "x87-sse", "avx"]) {
  const result = runCases(wasm, new URL(`${suite}/cases.bin`, import.meta.url), { translated });
  failed += result.problems.length;
  const how = translated ? `, ${result.translated} of them by translated code` : "";
  console.log(`${suite.padEnd(22)} ${String(result.passed).padStart(6)} passed ${String(result.problems.length).padStart(5)} failed${how}`);
  for (const p of result.problems.slice(0, 20)) console.log(`  ${p}`);
  for (const [name, n] of result.coverage) coverage.set(name, (coverage.get(name) ?? 0) + n);
}
const system = new URL("system/", import.meta.url);
for (const group of readdirSync(fileURLToPath(system)).filter((n) => existsSync(new URL(`${n}/expected.txt`, system)))) {
  const { passed, problems } = await runGroup(core, new URL(`${group}/`, system));
  failed += problems.length;
  console.log(`${`system/${group}`.padEnd(22)} ${String(passed.length).padStart(6)} passed ${String(problems.length).padStart(5)} failed`);
  for (const p of problems) console.log(`  ${p.name}: ${p.detail}`);
}
// Integer cases are counted by row; the others by mnemonic.
const rows = ROWS.map((row) => ({ name: `${row.op} ${row.enc}`, count: coverage.get(`${row.op} ${row.enc}`) ?? coverage.get(row.op) ?? 0 }));
const without = rows.filter((r) => r.count === 0);
console.log(`\n${rows.length - without.length} of ${rows.length} rows have instruction cases`);
if (process.argv.includes("--rows")) for (const r of rows) console.log(`${String(r.count).padStart(6)}  ${r.name}`);
else console.log(`without (the system suite has most of them): ${without.map((r) => r.name).join(", ")}`);
process.exit(failed ? 1 : 0);
