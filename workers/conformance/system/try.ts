// npx tsx try.ts [group...]: runs programs and shows what differs. CORE_WASM names the core. `--accept "SDM 3A 5.3" group [name...]` writes
// our results into expected.txt with that note, for lines where the manual was read and QEMU is not the oracle.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { coreBinary } from "../harness/core-wasm.ts";
import { runGroup } from "./program.ts";

const here = new URL(".", import.meta.url);
const module = coreBinary();
let names = process.argv.slice(2);
let note = "";
let accepted: string[] = [];
if (names[0] === "--accept") {
  note = names[1] ?? "SDM";
  accepted = names.slice(3);
  names = names.slice(2, 3);
}
for (const group of names.length ? names : readdirSync(fileURLToPath(here)).filter((n) => existsSync(new URL(`${n}/expected.txt`, here)))) {
  const { passed, problems } = await runGroup(module, new URL(`${group}/`, here));
  console.log(`${group}: ${passed.length} passed, ${problems.length} failed`);
  if (note !== "") {
    const file = new URL(`${group}/expected.txt`, here);
    const lines = readFileSync(file, "utf8").split("\n").filter((l) => l !== "");
    for (const p of problems) {
      if (accepted.length && !accepted.includes(p.name)) continue;
      const got = /(?:got|line) "(.*?)"(?:, expected|$)/.exec(p.detail)?.[1];
      const at = lines.findIndex((l) => (l.split(": ")[0] ?? "") === p.name);
      if (got === undefined) {
        if (p.detail.startsWith("got \"nothing\"")) lines.splice(at, 1);
      } else if (at >= 0) lines[at] = `${got}  ; ${note}`;
      else lines.push(`${got}  ; ${note}`);
      console.log(`  accepted ${p.name}`);
    }
    writeFileSync(file, `${lines.join("\n")}\n`);
  } else for (const p of problems) console.log(`  ${p.name}: ${p.detail}`);
}
process.exit(0);
