// npm run fuzz:disks -- --seconds N [--seed S] [--only NAME] [--keep]: breeds inputs for the readers of disks, saved machines, bundles and links
// (workers/conformance/fuzz-disks/targets.ts). Guided by coverage: V8 counts the blocks of our own files that an input reaches; one that reaches new
// ones joins the corpus. A worker does the work; when it is silent for half a minute its input hangs. Findings are printed and (--keep) stored as cases
// that the unit tests run for ever.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { gunzipSync, gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { loadZstd } from "../workers/backends/compress.ts";
import { type Target, targets, tryInput } from "../workers/conformance/fuzz-disks/targets.ts";

/** Workers of Node cannot run TypeScript: they get this file bundled. */
const BUNDLE = "fuzz-disks.bundle.mjs";
const bundle = join(process.cwd(), "workers/cpu/build", BUNDLE);
const CASES = join(process.cwd(), "workers/conformance/fuzz-disks/cases");
const SLOW_MS = 3000;
const HANG_MS = 30_000;
const MOST_CORPUS = 400;
const MOST_INPUT = 4 << 20;
/** Looking at coverage takes longer than most inputs: several are looked at together, and again one by one when there was something new. */
const BATCH = 16;

interface Job {
  readonly target: string;
  readonly seed: number;
  readonly seconds: number;
  /** The input at work: length, then bytes. */
  readonly current: SharedArrayBuffer;
}
interface Report {
  readonly runs: number;
  readonly corpus: number;
  readonly blocks: number;
}
type Message = { readonly kind: "finding"; readonly why: string; readonly stack: string; readonly input: Uint8Array } | ({ readonly kind: "done" } & Report) | { readonly kind: "alive" };

function dice(seed: number): (below: number) => number {
  let a = seed | 0 || 1;
  return (below) => {
    a ^= a << 13;
    a ^= a >>> 17;
    a ^= a << 5;
    return Math.floor(((a >>> 0) / 2 ** 32) * below);
  };
}
const INTERESTING = [0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];
function mutate(from: Uint8Array, other: Uint8Array, roll: (below: number) => number): Uint8Array {
  let out = from.slice();
  for (let n = 1 + roll(4); n > 0; n--) {
    // Most of what matters is near the start, and at the end.
    const place = () => (roll(3) === 0 ? roll(out.length || 1) : roll(8) === 0 ? Math.max(0, out.length - 1 - roll(1024)) : roll(Math.min(out.length || 1, 1024)));
    const at = place();
    const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
    const value = roll(2) ? (INTERESTING[roll(INTERESTING.length)] as number) : roll(2 ** 32);
    switch (roll(9)) {
      case 0:
        if (out.length) out[at] = (out[at] as number) ^ (1 << roll(8));
        break;
      case 1:
        if (out.length) out[at] = roll(256);
        break;
      case 2:
        if (at + 2 <= out.length) view.setUint16(at, value & 0xffff, roll(2) === 0);
        break;
      case 3:
        if (at + 4 <= out.length) view.setUint32(at & ~3, value >>> 0, roll(2) === 0);
        break;
      case 4:
        if ((at & ~7) + 8 <= out.length) view.setBigUint64(at & ~7, (BigInt(roll(4) ? 0 : roll(2 ** 32)) << 32n) | BigInt(value >>> 0), roll(2) === 0);
        break;
      case 5:
        out = out.slice(0, roll(4) ? at : roll(out.length + 1));
        break;
      case 6: {
        const length = 1 + roll(64);
        const to = place();
        out.set(out.subarray(at, Math.min(at + length, out.length)).slice(0, Math.max(0, out.length - to)), to);
        break;
      }
      case 7: {
        const piece = other.subarray(roll(other.length || 1)).subarray(0, 1 + roll(256));
        if (at + piece.length <= out.length) out.set(piece, at);
        break;
      }
      default: {
        const more = 1 + roll(512);
        if (out.length + more > MOST_INPUT) break;
        const grown = new Uint8Array(out.length + more);
        grown.set(out.subarray(0, at));
        grown.set(out.subarray(at), at + more);
        out = grown;
      }
    }
  }
  return out;
}

/** Blocks of our own files, as V8 counts them. */
class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();
  #post(method: string, parameters: object = {}): unknown {
    let result: unknown;
    (this.#session as unknown as { post(m: string, p: object, done: (error: Error | null, r: unknown) => void): void }).post(method, parameters, (error, r) => {
      if (error) throw error;
      result = r;
    });
    return result;
  }
  constructor() {
    this.#session.connect();
    this.#post("Profiler.enable");
    this.#post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }
  /** How many blocks were reached for the first time since it was asked last. */
  fresh(): number {
    const { result } = this.#post("Profiler.takePreciseCoverage") as { result: { url: string; functions: { ranges: { startOffset: number; endOffset: number; count: number }[] }[] }[] };
    let n = 0;
    for (const { url, functions } of result) {
      if (!url.endsWith(BUNDLE)) continue;
      for (const f of functions)
        for (const { startOffset, endOffset, count } of f.ranges) {
          const key = `${url}:${startOffset}-${endOffset}${count ? "" : "!"}`;
          if (count === 0 || this.#seen.has(key)) continue;
          this.#seen.add(key);
          n++;
        }
    }
    return n;
  }
  get size(): number {
    return this.#seen.size;
  }
}

async function work({ target: name, seed, seconds, current }: Job): Promise<void> {
  const target = targets.find((t) => t.name === name) as Target;
  const roll = dice(seed);
  const say = (message: Message) => parentPort?.postMessage(message);
  await loadZstd();
  const coverage = new Coverage();
  const shared = new Uint8Array(current);
  const length = new Uint32Array(current, 0, 1);
  const corpus: Uint8Array[] = [...(await target.seeds()), ...keptCases(name)];
  const found = new Set<string>();
  let runs = 0;
  const one = async (input: Uint8Array): Promise<void> => {
    length[0] = Math.min(input.length, current.byteLength - 4);
    shared.set(input.subarray(0, current.byteLength - 4), 4);
    const started = process.cpuUsage();
    const wrong = await tryInput(target, input);
    runs++;
    // Time of the processor: the test machine has other work.
    const { user, system } = process.cpuUsage(started);
    const took = (user + system) / 1000;
    const why = wrong ? wrong.message : took > SLOW_MS ? `took ${took.toFixed(0)} ms` : null;
    const place = wrong?.stack?.split("\n").find((l) => l.includes("/workers/") && !l.includes("/fuzz-disks/")) ?? (wrong ? "" : "slow");
    if (why === null || found.has(place)) return;
    found.add(place);
    say({ kind: "finding", why, stack: wrong?.stack ?? "", input });
  };
  for (const input of corpus.slice()) await one(input);
  coverage.fresh();
  const end = performance.now() + seconds * 1000;
  for (let heard = 0; performance.now() < end; ) {
    const batch = Array.from({ length: BATCH }, () => mutate(corpus[roll(corpus.length)] as Uint8Array, corpus[roll(corpus.length)] as Uint8Array, roll));
    for (const input of batch) await one(input);
    if (coverage.fresh() > 0 && corpus.length < MOST_CORPUS) corpus.push(...batch.filter(() => roll(4) === 0).concat(batch[BATCH - 1] as Uint8Array));
    if (performance.now() - heard > 500) {
      heard = performance.now();
      say({ kind: "alive" });
    }
  }
  say({ kind: "done", runs, corpus: corpus.length, blocks: coverage.size });
}
function keptCases(target: string): Uint8Array[] {
  return existsSync(CASES) ? readdirSync(CASES).filter((f) => f.startsWith(`${target}.`)).map((f) => new Uint8Array(gunzipSync(readFileSync(join(CASES, f))))) : [];
}

async function fuzz(job: Omit<Job, "current">, keep: boolean): Promise<Report & { readonly findings: number }> {
  const current = new SharedArrayBuffer(MOST_INPUT + 4);
  let findings = 0;
  const finding = (why: string, stack: string, input: Uint8Array) => {
    findings++;
    const name = `${job.target}.${createHash("sha256").update(input).digest("hex").slice(0, 12)}`;
    console.log(`FOUND ${name}: ${why}\n${stack.split("\n").slice(1, 6).join("\n")}`);
    if (!keep) return;
    mkdirSync(CASES, { recursive: true });
    writeFileSync(join(CASES, `${name}.gz`), gzipSync(input, { level: 9 }));
  };
  const started = performance.now();
  let report: Report = { runs: 0, corpus: 0, blocks: 0 };
  for (let seed = job.seed; ; seed++) {
    const left = job.seconds - (performance.now() - started) / 1000;
    if (left <= 0) break;
    const worker = new Worker(bundle, { workerData: { ...job, seed, seconds: left, current } satisfies Job, resourceLimits: { maxOldGenerationSizeMb: 1024 } });
    const ended = await new Promise<boolean>((resolve) => {
      let watch: ReturnType<typeof setTimeout>;
      const input = () => new Uint8Array(current).slice(4, 4 + (new Uint32Array(current, 0, 1)[0] as number));
      const again = () => {
        clearTimeout(watch);
        watch = setTimeout(() => {
          finding("hangs", "", input());
          void worker.terminate();
          resolve(false);
        }, HANG_MS);
      };
      again();
      worker.on("message", (message: Message) => {
        again();
        if (message.kind === "finding") finding(message.why, message.stack, message.input);
        else if (message.kind === "done") {
          report = { runs: report.runs + message.runs, corpus: message.corpus, blocks: message.blocks };
          clearTimeout(watch);
          resolve(true);
        }
      });
      worker.on("error", (error: Error) => {
        finding(`ends the worker: ${error.message}`, error.stack ?? "", input());
        clearTimeout(watch);
        resolve(false);
      });
    });
    await worker.terminate();
    if (ended) break;
  }
  return { ...report, findings };
}
if (isMainThread) {
  buildSync({ entryPoints: [fileURLToPath(import.meta.url)], outfile: bundle, bundle: true, platform: "node", format: "esm", packages: "external", sourcemap: "inline", logLevel: "error" });
  const option = (name: string, fallback: string) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? fallback : (process.argv[at + 1] as string);
  };
  const only = option("only", "");
  const chosen = targets.filter((t) => only === "" || t.name === only);
  const seconds = Number(option("seconds", "60")) / chosen.length;
  let findings = 0;
  for (const { name } of chosen) {
    const report = await fuzz({ target: name, seed: Number(option("seed", String(Date.now() & 0x7fffffff))), seconds }, process.argv.includes("--keep"));
    findings += report.findings;
    console.log(`${name}: ${report.runs} inputs, ${report.corpus} in the corpus, ${report.blocks} blocks reached, ${report.findings} findings`);
  }
  process.exit(findings > 0 ? 1 : 0);
} else {
  process.setSourceMapsEnabled(true);
  void work(workerData as Job);
}
