// Writes to an image until it is killed: operation n of a seed is always the same, so that the parent knows what was asked. After each flush
// "n" is printed: everything up to operation n is acknowledged. See crash.test.ts.

import { writeSync } from "node:fs";
import { NodeFile } from "../byte-file.node.ts";
import { loadZstd } from "../compress.ts";
import { openImage } from "../formats/index.ts";
import { now } from "../io.ts";
import { operation } from "./crash-operations.ts";

async function main(): Promise<void> {
  const [path = "", format = "", seed = "0", from = "0"] = process.argv.slice(2);
  await loadZstd();
  const image = now(openImage(new NodeFile(path, "write"), { format }));
  writeSync(1, "open\n");
  for (let n = Number(from); ; n++) {
    const op = operation(Number(seed), n, image.size);
    if (op.kind === "flush") {
      now(image.flush());
      writeSync(1, `${n}\n`);
    } else if (op.kind === "zero" && image.writeZeroes) now(image.writeZeroes(op.at, op.bytes.length));
    else now(image.write(op.at, op.bytes));
  }
}
void main();
