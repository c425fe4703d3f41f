// npm run history [-- STEPS]: goes back ten thousand random times and compares the hash of the whole state each time (workers/snapshots/random-steps.node.ts
// says what is compared; time-travel.test.ts has a slice). A third of the steps each: a small program with interrupts, halts and inputs, interpreted; the same,
// translated; debian-i386 with SeaBIOS while it boots, translated. Flags: --only program,debian, --seed N. Ends with status 1 at the first difference.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { domainSchema } from "../src/contract/domain.ts";
import { nullBytes, QueueBytes } from "../workers/backends/bytes.ts";
import { nullPicture } from "../workers/backends/picture.ts";
import { guestConfig, jitWorker } from "../workers/conformance/boots/stage.ts";
import { createMonitor } from "../workers/monitor/index.ts";
import { type NodeMachine, openMachine } from "../workers/node-machine.ts";
import { recordedCounting, walkBack } from "../workers/snapshots/random-steps.node.ts";

const { values: flags, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: "string", default: "" }, seed: { type: "string", default: "7" } } });
const all = Number(positionals[0] ?? "10000");
const seed = Number(flags.seed);
if (!Number.isInteger(all) || all < 3 || !Number.isInteger(seed)) {
  console.error("history: the number of steps is a whole number from 3 on, and so is --seed");
  process.exit(2);
}
const seconds = () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6;
const millions = (n: number) => (n / 1e6).toFixed(1);

/** Firmware and Linux: 60 million instructions of a boot after the first 300 million, with a checkpoint each million. */
async function debian(): Promise<NodeMachine> {
  const base = guestConfig("debian-i386");
  const config = domainSchema.parse({ ...base, clock: { ...base.clock, mode: "instructions", shift: 3 }, boot: { ...base.boot, resume: "" } });
  const serial = new QueueBytes(() => {});
  const made = await openMachine(config, { root: join(import.meta.dirname, ".."), jitWorker, picture: nullPicture, bytes: (id) => (id === "serial0" ? serial : nullBytes), checkpointEvery: 1_000_000 });
  await made.machine.start({ paused: true });
  made.machine.advance(300_000_000);
  const reply = await createMonitor({ ...made, version: "history" }).type("record");
  if (!reply.ok) throw new Error(reply.error.message);
  made.machine.advance(360_000_000);
  return made;
}
const parts = [
  { name: "program, interpreted", make: () => recordedCounting("interp", 3_000_000), from: 0, moments: 400 },
  { name: "program, translated", make: () => recordedCounting("jit", 3_000_000), from: 0, moments: 400 },
  { name: "debian-i386 booting, translated", make: debian, from: 300_000_000, moments: 400 },
].filter(({ name }) => flags.only.split(",").some((only) => name.includes(only)));

let done = 0;
for (const [n, { name, make, from, moments }] of parts.entries()) {
  const steps = Math.floor(((n + 1) * all) / parts.length) - Math.floor((n * all) / parts.length);
  let began = seconds();
  const made = await make();
  console.log(`${name}: recorded in ${(seconds() - began).toFixed(0)} s of processor time`);
  began = seconds();
  let told = Date.now();
  const walk = walkBack(made, from, {
    steps, moments, seed, wholeEvery: 50,
    progress: (at) => {
      if (Date.now() - told < 15_000) return;
      told = Date.now();
      console.log(`  ${at.steps} of ${steps} steps back, ${millions(at.back)} million instructions, ${(seconds() - began).toFixed(0)} s`);
    },
  });
  done += walk.steps;
  console.log(`${name}: ${walk.steps} steps back over ${millions(walk.back)} million instructions in all, ${walk.returns} returns; each state was the one it had (RAM hashed whole ${walk.whole} times). ${(seconds() - began).toFixed(0)} s of processor time, ${(((seconds() - began) * 1000) / walk.steps).toFixed(0)} ms a step with its comparison.`);
  await made.machine.powerOff();
  await made.close();
}
console.log(`history: ${done} steps back, no difference.`);
process.exit(0);
