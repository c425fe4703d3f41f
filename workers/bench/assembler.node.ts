// Entry of the bench's assembler in Node, for tests: the module's address is a file.

import { readFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { serveAssembler } from "./serve.ts";

const port = parentPort;
if (port === null) throw new Error("assembler.node: not a worker");
const serve = serveAssembler((file) => WebAssembly.compile(readFileSync(file)), (message) => port.postMessage(message));
port.on("message", (message) => void serve(message));
