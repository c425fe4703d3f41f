// The bench's assembler as a worker of the page: fetches NASM (images/nasm) and serves.

import { FaultError } from "../src/contract/schema.ts";
import { serveAssembler } from "./bench/serve.ts";

async function fetchModule(address: string): Promise<WebAssembly.Module> {
  let response: Response | null = null;
  try {
    response = await fetch(address);
  } catch {
    // said below
  }
  // A server of single pages answers everything with its page.
  if (!response?.ok || response.headers.get("Content-Type")?.startsWith("text/html"))
    throw new FaultError("bench.missing", "The assembler is not here: NASM was not built for this page.", "Run npm run images -- nasm on an x86-64 Linux machine with apt.");
  return WebAssembly.compile(await response.arrayBuffer());
}
const serve = serveAssembler(fetchModule, (message) => postMessage(message));
self.onmessage = ({ data }: MessageEvent<unknown>) => void serve(data);
