// What npm run fuzz:disks found stays found: every kept input, and the seeds cut at many places, end in a Fault or a result, soon.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { loadZstd } from "../../backends/compress.ts";
import { targets, tryInput } from "./targets.ts";

const folder = join(import.meta.dirname, "cases");
const cases = existsSync(folder) ? readdirSync(folder) : [];

describe("strangers' bytes", () => {
  for (const target of targets)
    test(target.name, async () => {
      await loadZstd();
      const inputs = cases.filter((f) => f.startsWith(`${target.name}.`)).map((f) => new Uint8Array(gunzipSync(readFileSync(join(folder, f)))));
      for (const seed of await target.seeds()) {
        // A seed that is refused would breed nothing.
        await expect(target.run(seed.slice()), "a seed").resolves.toBeUndefined();
        for (const part of [0, 0.01, 0.1, 0.4, 0.9, 0.999]) inputs.push(seed.slice(0, Math.floor(seed.length * part)));
      }
      for (const input of inputs) expect(await tryInput(target, input)).toBeNull();
    }, 60_000);
  test("belong to a reader", () => expect(cases.filter((f) => !targets.some((t) => f.startsWith(`${t.name}.`)))).toEqual([]));
});
