// npm test: installs what it needs and runs everything: types, lint, unit, contract and conformance tests, boots in Node, the page in Chromium.
// Ends with the line "N passed, N failed" and a status of 0 only when nothing failed.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildCore, buildImages, install, needPrograms, root, run, tool } from "./steps.mjs";

install();
buildCore();
buildImages();
const missing = needPrograms({ chromium: "chromium" });
const scratch = mkdtempSync(join(tmpdir(), "guesthouse-test-"));
let passed = 0;
let failed = 0;

/** A check that passes or fails as a whole. */
function check(name, command, args) {
  const status = run(command, args, { allowFailure: true });
  if (status === 0) passed++;
  else failed++;
  console.log(`${status === 0 ? "ok" : "FAILED"}  ${name}`);
}
/** A Vitest run, counted test by test. */
function suite(name, args) {
  const report = join(scratch, `${name}.json`);
  const status = run(tool("vitest"), ["run", ...args, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`], { allowFailure: true });
  let counts;
  try {
    counts = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    failed++;
    console.log(`FAILED  ${name}: no report`);
    return;
  }
  passed += counts.numPassedTests;
  failed += counts.numFailedTests;
  // A file that does not even load has no failed tests, but fails the run.
  if (status !== 0 && counts.numFailedTests === 0) failed++;
  console.log(`${status === 0 ? "ok" : "FAILED"}  ${name}: ${counts.numPassedTests} passed, ${counts.numFailedTests} failed`);
}

for (const part of ["page", "worker", "node"]) check(`types (${part})`, tool("tsc"), ["-p", join(root, `tsconfig.${part}.json`)]);
check("lint", tool("biome"), ["lint", "--error-on-warnings"]);
suite("node", []);
suite("boots", ["--config", "vitest.boot.config.ts"]);
if (missing.length) {
  failed++;
  console.log(`FAILED  page: ${missing.join(", ")} is not installed and could not be installed here.`);
} else suite("page", ["--config", "vitest.e2e.config.ts"]);
rmSync(scratch, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
