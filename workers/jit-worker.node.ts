// Entry of the translator's worker in Node. Everything is in cpu/jit/job.ts.

import { parentPort } from "node:worker_threads";
import { serveJobs } from "./cpu/jit/job.ts";

const port = parentPort;
if (port === null) throw new Error("jit-worker.node: not a worker");
serveJobs({
  post: (message) => port.postMessage(message),
  listen: (listener) => void port.on("message", listener),
});
