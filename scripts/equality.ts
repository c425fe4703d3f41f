// npm run equality -- --guest debian-amd64 --instructions 1000000000 --every 100000000: boots a guest in clock mode "instructions" twice, interpreted and
// translated (with a random threshold, printed), and compares processor, memory, time and serial output at the same instruction counts. Ends with status 1
// at the first difference.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { domainSchema } from "../src/contract/domain.ts";
import { nullBytes, QueueBytes } from "../workers/backends/bytes.ts";
import { nullPicture } from "../workers/backends/picture.ts";
import { guestConfig } from "../workers/conformance/boots/stage.ts";
import { runBoard } from "../workers/conformance/system/program.ts";
import { COUNTERS } from "../workers/cpu/core/layout.ts";
import { openMachine } from "../workers/node-machine.ts";

const root = join(import.meta.dirname, "..");
const { values: flags } = parseArgs({
  options: {
    guest: { type: "string", default: "debian-i386" },
    instructions: { type: "string", default: "1000000000" },
    every: { type: "string", default: "100000000" },
    threshold: { type: "string", default: String(1 + Math.floor(Math.random() * 2000)) },
  },
});

/** A booting guest that can be asked for the hash of its state. */
async function side(accel: "interp" | "jit") {
  const base = guestConfig(flags.guest);
  const config = domainSchema.parse({ ...base, cpu: { ...base.cpu, accel }, clock: { ...base.clock, mode: "instructions", shift: 0 } });
  let text = "";
  const serial = new QueueBytes((byte) => void (text += String.fromCharCode(byte)));
  const { board, cpu } = await openMachine(config, {
    root,
    picture: nullPicture,
    bytes: (port) => (port === "serial0" ? serial : nullBytes),
    tuning: { threshold: Number(flags.threshold), leastBatch: 1 },
  });
  await board.prepare();
  board.reset();
  return {
    cpu,
    run: (most: number) => runBoard(board, cpu, most, 100_000),
    text: () => text,
    hash() {
      const { block } = cpu.save() as unknown as { block: Uint8Array };
      block.fill(0, COUNTERS, COUNTERS + 64); // statistics
      const hash = createHash("sha1").update(block).update(String(board.clock.now())).update(text);
      const page = new Uint8Array(1 << 20);
      for (let at = 0; at < config.memoryMiB; at++) {
        board.memory.read(at << 20, page);
        hash.update(page);
      }
      return hash.digest("hex");
    },
  };
}
const a = await side("interp");
const b = await side("jit");
const every = Number(flags.every);
console.log(`${flags.guest}: interpreted against translated from execution ${flags.threshold} on`);
for (let n = every; n <= Number(flags.instructions); n += every) {
  const ends = [a.run(every), b.run(every)];
  const hashes = [a.hash(), b.hash()];
  const counts = [a.cpu.instructions(), b.cpu.instructions()];
  const equal = hashes[0] === hashes[1] && counts[0] === counts[1] && ends[0] === ends[1];
  console.log(`${((counts[0] as number) / 1e6).toFixed(0).padStart(6)} M instructions  ${hashes[0]}  ${equal ? "equal" : `DIFFERENT: ${hashes[1]} at ${counts[1]}`}`);
  if (!equal) {
    console.log(`serial: ${a.text().slice(-300)}\n---\n${b.text().slice(-300)}`);
    process.exit(1);
  }
  if (ends[0] !== "budget") break;
}
console.log(`equal to the end; last line on the serial console: ${a.text().trimEnd().split("\n").at(-1) ?? ""}`);
process.exit(0);
