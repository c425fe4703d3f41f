// Plays the sessions of golden/cases.txt through a qemu-img, real or ours, and writes down what it printed. What may differ from run to
// run (dates, identifiers, blocks on the host's disk) is masked.

import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
const mask = (text: string): string =>
  text
    .replace(/disk size: .*/g, "disk size: N")
    .replace(/"actual-size": \d+/g, '"actual-size": N')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "DATE")
    .replace(/"date-n?sec": \d+/g, '"date": N')
    .replace(/( {4}cid: |"cid": )\d+/g, "$1N")
    .replace(/\r/g, "\n");

export function playSessions(run: (args: readonly string[]) => Result, only = ""): string {
  const out: string[] = [];
  const before = process.cwd();
  let skip = false;
  for (const line of readFileSync(join(import.meta.dirname, "golden/cases.txt"), "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("== ")) {
      skip = only !== "" && line !== `== ${only}`;
      process.chdir(mkdtempSync(join(tmpdir(), "gh-img-")));
      if (!skip) out.push(line);
      continue;
    }
    if (skip) continue;
    const words = line.split(" ").map((w) => (w === '""' ? "" : w));
    out.push(`$ ${line}`);
    if (words[0] === "!fill") {
      const [, name = "", size, ...pieces] = words;
      const bytes = new Uint8Array(Number(size));
      for (let i = 0; i < pieces.length; i += 3) bytes.fill(Number(pieces[i + 2]), Number(pieces[i]), Number(pieces[i]) + Number(pieces[i + 1]));
      // Written sparsely: qemu-img asks the host where holes are.
      const file = openSync(name, "w");
      for (let at = 0; at < bytes.length; at += 4096) {
        const block = bytes.subarray(at, at + 4096);
        if (block.some((b) => b !== 0)) writeSync(file, block, 0, block.length, at);
      }
      if (bytes[bytes.length - 1] === 0) ftruncateSync(file, bytes.length);
      closeSync(file);
    } else if (words[0] === "!poke") {
      const bytes = readFileSync(words[1] as string);
      bytes[Number(words[2])] = Number(words[3]);
      writeFileSync(words[1] as string, bytes);
    } else {
      const { status, stdout, stderr } = run(words);
      const text = mask(stdout) + mask(stderr).replace(/^/gm, "| ").replace(/\| $/, "");
      if (text !== "") out.push(text.replace(/\n$/, ""));
      out.push(`=> ${status}`);
    }
  }
  process.chdir(before);
  return out.join("\n");
}
