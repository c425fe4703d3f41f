// Every session of golden/cases.txt prints what Debian's qemu-img printed, with the same exit statuses; and qemu-img reads what we made.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadZstd } from "../backends/compress.ts";
import { now } from "../backends/io.ts";
import { img } from "./index.ts";
import { nodeImgHost } from "./img.node.ts";
import { playSessions } from "./sessions.node.ts";
import { humanSize } from "../backends/snapshot-table.ts";
import { sizeOf } from "./options.ts";

const expected = readFileSync(join(import.meta.dirname, "golden/expected.txt"), "utf8");
const names = [...expected.matchAll(/^== (.*)$/gm)].map((m) => m[1] as string);
const section = (name: string) => expected.slice(expected.indexOf(`== ${name}\n`)).split(/\n(?=== )/)[0]?.trimEnd();

describe("prints what qemu-img prints", () => {
  for (const name of names)
    test(name, async () => {
      await loadZstd();
      const zone = process.env.TZ;
      process.env.TZ = "UTC";
      const got = playSessions((words) => {
        let stdout = "";
        let stderr = "";
        const status = now(img(words, { ...nodeImgHost, out: (t) => { stdout += t; }, err: (t) => { stderr += t; } }));
        return { status, stdout, stderr };
      }, name);
      process.env.TZ = zone;
      expect(got).toBe(section(name));
    });
});
test("sizes", () => {
  expect(["1", "10M", "1.5k", "2T", "x", "1x"].map(sizeOf)).toEqual([1, 10485760, 1536, 2199023255552, null, null]);
  expect([0, 512, 1000, 1024, 200704, 67125248].map(humanSize)).toEqual(["0 B", "512 B", "0.977 KiB", "1 KiB", "196 KiB", "64 MiB"]);
});
