// The generated tables under docs/ are those that the registries give today. `npm run docs` mends a failure here.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { generate } from "./docs.ts";

const root = join(import.meta.dirname, "..");
const pages = generate();

describe("generated docs are fresh (npm run docs)", () => {
  for (const [file, text] of pages)
    test(file, () => {
      const path = join(root, file);
      expect(existsSync(path) ? readFileSync(path, "utf8") : "", `${file} is stale: npm run docs`).toBe(text);
    });
});
test("the texts of missing behaviours are found in devices and in the core", () => {
  const text = pages.get("docs/missing.md") ?? "";
  expect(text).toContain("pic 8080 mode");
  expect(text).toContain("(core)");
});
