// Entry of the translator's worker in Node. Everything is in cpu/jit/job.ts.

import { setFlagsFromString } from "node:v8";
import { parentPort } from "node:worker_threads";
import { serveJobs } from "./cpu/jit/job.ts";

const port = parentPort;
if (port === null) throw new Error("jit-worker.node: not a worker");
// Up to V8 12 the hints of translated code (cpu/jit/module.ts) count only with this flag.
if (Number(process.versions.v8.split(".")[0]) < 13) setFlagsFromString("--experimental-wasm-branch-hinting");
serveJobs({
  post: (message) => port.postMessage(message),
  listen: (listener) => void port.on("message", listener),
});
