// What the trace bus costs while nothing is traced: the core as it is against one that was compiled without the bus's seams. A run is a process with three
// machines, two of the core without (the second one is the control: its difference is what the method cannot see) and one with. All three do the same
// work at the same instruction counts (clock mode "instructions": the guest runs a loop of a shell, forks, execs, page tables), in short pieces, by
// turns in every order; what a piece cost is its processor time. Machines are made in another order in each run: where their memory lies and how the
// host's engine compiled them differs by run, so runs are what the interval is drawn over (bootstrap over runs, then over pieces in each).
// As a program: one run, told as JSON; ORDER says who is made first.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { domainSchema } from "../src/contract/domain.ts";
import { nullBytes, QueueBytes } from "../workers/backends/bytes.ts";
import { nullPicture } from "../workers/backends/picture.ts";
import { guestConfig, jitWorker } from "../workers/conformance/boots/stage.ts";
import { createMonitor } from "../workers/monitor/index.ts";
import { openMachine } from "../workers/node-machine.ts";
import { random } from "../workers/snapshots/random-steps.node.ts";

const root = join(import.meta.dirname, "..");
export const OFF_GUEST = "debian-i386";
const PIECE = 20_000_000;
/** Instructions of each machine before it counts: code gets hot, is translated, and compiled once more by the host's engine. */
const WARM = 1_600_000_000;
const WORK = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); done; n=0; while [ $n -lt 3 ]; do busybox true; n=$((n+1)); done; ls -lR /sys/class/tty > /tmp/l; head -c 1000 /tmp/l";
const ORDERS = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2]] as const;

/** Seconds of processor time of one piece in each machine: without the bus, without it again, with it. */
export type OffPiece = readonly [without: number, again: number, withIt: number];
export interface OffRun {
  readonly pieces: readonly OffPiece[];
}
interface Stepping {
  /** Runs the next piece; its seconds of processor time. */
  piece(): number;
  instructions(): number;
  heard(): number;
}
async function stepping(core: Uint8Array, from: number): Promise<Stepping> {
  const base = guestConfig(OFF_GUEST);
  const config = domainSchema.parse({ ...base, clock: { ...base.clock, mode: "instructions", shift: 3 } });
  let text = "";
  const serial = new QueueBytes((byte) => void (text = (text + String.fromCharCode(byte)).slice(-2000)));
  const made = await openMachine(config, { root, jitWorker, picture: nullPicture, bytes: (id) => (id === "serial0" ? serial : nullBytes), core });
  const { machine, cpu, board } = made;
  await machine.start();
  for (const late = Date.now() + 300_000; !text.includes("~ #"); await new Promise((r) => setTimeout(r, 20))) if (Date.now() > late || machine.state !== "running") throw new Error(`no prompt: ${text.slice(-300)}`);
  machine.pause();
  const advance = (to: number) => {
    if (!machine.advance(to)) throw new Error(`the machine is ${machine.state} (${machine.last.reason})`);
  };
  // All are at the same count when the loop is typed.
  const begin = Math.max(from, Math.ceil(cpu.instructions() / PIECE) * PIECE);
  advance(begin);
  // One event that every interrupt of the guest causes: heard only where the core has the bus.
  const monitor = createMonitor({ ...made, version: "bench" });
  await monitor.execute("trace on", { kinds: "cpu.iret", filter: "" });
  serial.feed(Buffer.from(`stty -echo; while :; do ${WORK}; done\r`));
  advance(begin + PIECE);
  const heard = board.trace.count("cpu.iret");
  await monitor.execute("trace off", { kinds: "cpu.iret" });
  let at = begin + PIECE;
  return {
    piece: () => {
      const began = process.cpuUsage();
      advance((at += PIECE));
      const { user, system } = process.cpuUsage(began);
      return (user + system) / 1e6;
    },
    instructions: () => at,
    heard: () => heard,
  };
}
/** The same module under a name of its own (a custom section): V8 compiles equal bytes once for all, and two machines with shared code get hot sooner. */
function withName(core: Uint8Array, n: number): Uint8Array {
  const name = Buffer.from(`machine-${n}`);
  return new Uint8Array(Buffer.concat([core, Buffer.from([0, name.length + 1, name.length]), name]));
}
async function oneRun(turn: number, pieces: number): Promise<OffRun> {
  const build = join(root, "workers/cpu/build");
  const cores = ["untraced.wasm", "untraced.wasm", "core.wasm"].map((name, n) => withName(new Uint8Array(readFileSync(join(build, name))), n));
  const machines: Stepping[] = [];
  let from = 0;
  for (const which of ORDERS[turn % ORDERS.length] as readonly number[]) {
    const made = await stepping(cores[which] as Uint8Array, from);
    machines[which] = made;
    from = Math.max(from, made.instructions() - PIECE);
  }
  const heard = machines.map((m) => m.heard() > 0);
  if (JSON.stringify(heard) !== "[false,false,true]") throw new Error(`events are heard of ${JSON.stringify(heard)}: without, without, with the bus was meant`);
  for (let n = 0; n < WARM / PIECE; n++) {
    for (const m of machines) m.piece();
    // What was translated meanwhile is delivered between two turns of the event loop.
    await new Promise((r) => setTimeout(r, 1));
  }
  const out: OffPiece[] = [];
  for (let n = 0; n < pieces; n++) {
    const took: number[] = [];
    for (const which of ORDERS[n % ORDERS.length] as readonly number[]) took[which] = (machines[which] as Stepping).piece();
    out.push(took as unknown as OffPiece);
    await new Promise((r) => setTimeout(r, 1));
  }
  return { pieces: out };
}

const middle = (list: readonly number[]) => {
  const sorted = [...list].sort((a, b) => a - b);
  return ((sorted[list.length >> 1] as number) + (sorted[(list.length - 1) >> 1] as number)) / 2;
};
export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}
const DRAWS = 2000;
/** Median over runs of the median in each, and where 95 of 100 draws of runs and of pieces in them put it. */
export function interval(runs: readonly (readonly number[])[]): Interval {
  const next = random(1);
  const draw = <T>(list: readonly T[]): T[] => list.map(() => list[Math.floor(next() * list.length)] as T);
  const drawn = Array.from({ length: DRAWS }, () => middle(draw(runs).map((run) => middle(draw(run))))).sort((a, b) => a - b);
  return { median: middle(runs.map(middle)), low: drawn[Math.floor(DRAWS * 0.025)] as number, high: drawn[Math.floor(DRAWS * 0.975)] as number };
}
export interface OffResult {
  /** Speed with the bus (off) in parts of the speed without. */
  readonly off: Interval;
  /** The same of the second machine without it. */
  readonly control: Interval;
  readonly runs: readonly OffRun[];
}
export function offResult(runs: readonly OffRun[]): OffResult {
  return {
    off: interval(runs.map((run) => run.pieces.map(([a, b, bus]) => Math.sqrt(a * b) / bus))),
    control: interval(runs.map((run) => run.pieces.map(([a, b]) => a / b))),
    runs,
  };
}
/** All runs, one process each, one after the other. */
export function measureOff(runs: number, pieces: number): OffResult {
  execFileSync(process.execPath, [join(root, "scripts/build-core.mjs")], { stdio: "inherit" });
  execFileSync(process.execPath, [join(root, "scripts/build-core.mjs"), "--without-trace", "--out", join(root, "workers/cpu/build/untraced.wasm")], { stdio: "inherit" });
  const out: OffRun[] = [];
  for (let n = 0; n < runs; n++) {
    const began = Date.now();
    const told = execFileSync(process.execPath, ["--import", "tsx", import.meta.filename, String(n), String(pieces)], { cwd: root, stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 24 }).toString();
    out.push(JSON.parse(told.trim().split("\n").at(-1) as string) as OffRun);
    const { off, control } = offResult(out.slice(-1));
    console.log(`run ${n + 1} of ${runs}: ${off.median.toFixed(3)}, control ${control.median.toFixed(3)}, ${((Date.now() - began) / 1000).toFixed(0)} s`);
  }
  return offResult(out);
}
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [turn, pieces] = process.argv.slice(2).map(Number);
  if (!Number.isInteger(turn) || !Number.isInteger(pieces)) throw new Error("bench-off: ORDER PIECES");
  console.log(JSON.stringify(await oneRun(turn as number, pieces as number)));
  process.exit(0);
}
