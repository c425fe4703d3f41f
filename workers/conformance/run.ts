// npm run conformance: every suite with passed and failed counts, then rows and cases of each family of instructions, the rows without a case
// with their reason, and the worst error of the transcendental instructions. `--rows` lists the counts of all rows, `--translated` runs the
// instruction cases through the translator.

import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { coreBinary, coreWasm } from "./harness/core-wasm.ts";
import { instructionTable } from "./instruction-table.ts";
import { KNOWN, surprises } from "./known-failures.ts";
import { runCases } from "./harness/suite.ts";
import { runGroup } from "./system/program.ts";
import { worstErrors } from "./x87-sse/transcendentals.ts";

const translated = process.argv.includes("--translated");
const wasm = coreWasm();
const core = coreBinary();
let failed = 0;
for (const suite of ["integer", "x87-sse", "avx"]) {
  const result = runCases(wasm, new URL(`${suite}/cases.bin`, import.meta.url), { translated });
  const unexpected = surprises(suite, result.problems);
  failed += unexpected.length;
  const how = translated ? `, ${result.translated} of them by translated code` : "";
  console.log(`${suite.padEnd(22)} ${String(result.passed).padStart(6)} passed ${String(result.problems.length).padStart(5)} failed${how}`);
  for (const p of unexpected.slice(0, 20)) console.log(`  ${p}`);
}
const system = new URL("system/", import.meta.url);
for (const group of readdirSync(fileURLToPath(system)).filter((n) => existsSync(new URL(`${n}/expected.txt`, system)))) {
  const { passed, problems } = await runGroup(core, new URL(`${group}/`, system));
  failed += surprises(`system/${group}`, problems.map((p) => `${p.name}: ${p.detail}`)).length;
  console.log(`${`system/${group}`.padEnd(22)} ${String(passed.length).padStart(6)} passed ${String(problems.length).padStart(5)} failed`);
  for (const p of problems) console.log(`  ${p.name}: ${p.detail}`);
}
const table = instructionTable();
console.log(`\n${table.covered} of ${table.rows} rows have instruction cases, ${table.cases} in all`);
for (const f of table.families) console.log(`${f.name.padEnd(32)} ${String(f.rows.length).padStart(5)} rows ${String(f.cases).padStart(7)} cases`);
const all = table.families.flatMap((f) => f.rows);
for (const [op, enc, , , cases, reason, programs] of all) {
  if (reason !== undefined) console.log(`  ${op} ${enc}: none, ${reason} (system suite: ${programs})`);
  else if (process.argv.includes("--rows")) console.log(`${String(cases).padStart(6)}  ${op} ${enc}`);
}
const errors = [...worstErrors(wasm)].map(([op, e]) => `${op} ${(e / 1000).toFixed(3)}`);
console.log(`worst error of the transcendental instructions, in units of the last place: ${errors.join(", ")}`);
console.log(`known failures: ${KNOWN.length}`);
process.exit(failed ? 1 : 0);
