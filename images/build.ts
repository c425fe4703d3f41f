// npm run images [-- NAMES] [--mirror ADDRESS] [--force] [--first | --later]: builds every guest whose result is missing, damaged or from an older recipe, and writes
// the catalogue images/build/index.json. A guest whose packages cannot be fetched is reported and does not keep the others from being built.
// --first leaves out what no machine needs to start, --later builds just that (npm start: before and while it serves the page).

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FaultError } from "../src/contract/schema.ts";
import { recipe as amd64 } from "./debian-amd64/recipe.ts";
import { recipe as i386 } from "./debian-i386/recipe.ts";
import { recipe as firmware } from "./firmware/recipe.ts";
import { recipe as firstSteps } from "./first-steps/recipe.ts";
import { type PackageSource, packageSource } from "./lib/debian.ts";
import { buildRecipe, type CatalogueRow, readBuilt } from "./lib/guest.ts";
import { makeResume, readResume, resuming } from "./lib/resume.ts";
import { recipe as memtest } from "./memtest86+/recipe.ts";
import { recipe as nasm } from "./nasm/recipe.ts";
import { recipe as python } from "./python/recipe.ts";

const recipes = [firstSteps, firmware, amd64, i386, memtest, nasm, python];
const root = dirname(fileURLToPath(import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { mirror: { type: "string" }, force: { type: "boolean" }, quiet: { type: "boolean" }, first: { type: "boolean" }, later: { type: "boolean" } },
});
const unknown = positionals.filter((n) => !recipes.some((r) => r.id === n));
if (unknown.length) {
  console.error(`images: there is no guest ${unknown.join(", ")}. Known: ${recipes.map((r) => r.id).join(", ")}.`);
  process.exit(1);
}
let source: PackageSource | null = null;
const rows: CatalogueRow[] = [];
let failed = 0;
for (const recipe of recipes) {
  if (recipe.onDemand && !positionals.includes(recipe.id)) continue;
  const damaged: string[] = [];
  const known = readBuilt(root, recipe, damaged);
  for (const file of damaged) console.log(`images: ${file} does not have its recorded hash; it is built again.`);
  const wanted = positionals.length ? positionals.includes(recipe.id) : !(recipe.later ? values.first : values.later);
  if (known && !(values.force && wanted)) {
    rows.push(...known.rows);
    continue;
  }
  if (!wanted) continue;
  try {
    const started = Date.now();
    if (recipe.packages) source ??= packageSource(join(root, ".cache"), values.mirror ?? null);
    const built = await buildRecipe(root, recipe, source as PackageSource);
    rows.push(...built.rows);
    const versions = built.packages.map((p) => `${p.name} ${p.version}`).join(", ");
    console.log(`images: ${recipe.id} built in ${((Date.now() - started) / 1000).toFixed(1)} s${versions ? ` from ${versions}` : ""}`);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    failed++;
    console.error(`images: ${recipe.id} was not built: ${error.fault.message}${error.fault.hint ? ` ${error.fault.hint}` : ""}`);
  }
}
// Guests that can start from a snapshot get one; without it they boot.
const project = dirname(root);
const finished: CatalogueRow[] = [];
for (const { resumes, ...row } of rows) {
    if (!resumes) {
      finished.push(row);
      continue;
    }
    try {
      const known = readResume(project, row.id);
      const started = Date.now();
      const record = known ?? (await makeResume(project, row.id, row.config));
      if (!known) console.log(`images: ${row.id} saved for an instant start in ${((Date.now() - started) / 1000).toFixed(1)} s (${(record.bytes / 2 ** 20).toFixed(1)} MiB)`);
      finished.push({ ...row, config: resuming(row.id, row.config), sizeBytes: record.bytes });
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      console.error(`images: ${row.id} has no instant start: ${error.fault.message}`);
      finished.push(row);
    }
  }
mkdirSync(join(root, "build"), { recursive: true });
writeFileSync(join(root, "build/index.json"), `${JSON.stringify(finished, null, 2)}\n`);
if (failed && positionals.length) process.exitCode = 1;
