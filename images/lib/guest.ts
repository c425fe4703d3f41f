// What a recipe is and what it leaves behind: files under images/<id>/build/, a record of the packages used, and a row of the catalogue that
// the page and the command line read.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DomainConfig } from "../../src/contract/domain.ts";
import type { Package, PackageSource } from "./debian.ts";

export interface Text {
  readonly en: string;
  readonly "zh-CN": string;
}
export interface CatalogueRow {
  readonly id: string;
  readonly title: Text;
  readonly summary: Text;
  readonly config: DomainConfig;
  readonly sizeBytes: number;
  /** It can be started from a snapshot (resume.ts). */
  readonly resumes?: boolean;
}
export interface Recipe {
  readonly id: string;
  /** Bump to rebuild when the recipe itself changed. */
  readonly revision: number;
  /** Needs Debian packages. */
  readonly packages: boolean;
  /** Built only when named: for tests, not for the page. */
  readonly onDemand?: boolean;
  /** No machine needs it to start: `npm start` builds it while the page is served already. */
  readonly later?: boolean;
  build(context: BuildContext): Promise<readonly Omit<CatalogueRow, "sizeBytes">[]>;
}
export interface BuildContext {
  readonly source: PackageSource;
  /** Writes images/<id>/build/<name>. */
  write(name: string, bytes: Uint8Array): void;
  /** Notes a package that was used, for built.json. */
  used(pkg: Package): void;
}
export interface Built {
  readonly revision: number;
  readonly packages: readonly Omit<Package, "file">[];
  readonly files: { readonly [name: string]: { readonly bytes: number; readonly sha256: string } };
  readonly rows: readonly CatalogueRow[];
}
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
/** The record of an earlier build if it is complete and undamaged, else null. `problems` collects damaged files. */
export function readBuilt(root: string, recipe: Recipe, problems: string[] = []): Built | null {
  const file = join(root, recipe.id, "build/built.json");
  if (!existsSync(file)) return null;
  const built = JSON.parse(readFileSync(file, "utf8")) as Built;
  if (built.revision !== recipe.revision) return null;
  for (const [name, expected] of Object.entries(built.files)) {
    const path = join(root, recipe.id, "build", name);
    if (!existsSync(path)) return null;
    if (sha256(readFileSync(path)) !== expected.sha256) {
      problems.push(`${recipe.id}/build/${name}`);
      return null;
    }
  }
  return built;
}
export async function buildRecipe(root: string, recipe: Recipe, source: PackageSource): Promise<Built> {
  const dir = join(root, recipe.id, "build");
  mkdirSync(dir, { recursive: true });
  const files: { [name: string]: { bytes: number; sha256: string } } = {};
  const packages: Omit<Package, "file">[] = [];
  const rows = await recipe.build({
    source,
    used: ({ file: _file, ...pkg }) => void packages.push(pkg),
    write: (name, bytes) => {
      writeFileSync(join(dir, `${name}.part`), bytes);
      renameSync(join(dir, `${name}.part`), join(dir, name));
      files[name] = { bytes: bytes.length, sha256: sha256(bytes) };
    },
  });
  const sizeOf = (config: DomainConfig) =>
    [config.boot.kernel, config.boot.initrd, ...config.disks.map((d) => d.source)]
      .map((s) => files[s.split("/").pop() ?? ""]?.bytes ?? 0)
      .reduce((a, b) => a + b, 0);
  const built: Built = { revision: recipe.revision, packages, files, rows: rows.map((r) => ({ ...r, sizeBytes: sizeOf(r.config) })) };
  writeFileSync(join(dir, "built.json"), `${JSON.stringify(built, null, 2)}\n`);
  return built;
}
