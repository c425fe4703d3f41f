// Entry of a machine worker: a MachineHost behind Comlink. Everything else is in machine-host.ts.

import { expose } from "comlink";
import { CLONE_WORKER, type MachineNotice } from "../src/contract/machine.ts";
import { FaultError } from "../src/contract/schema.ts";
import { loadUnzstd } from "./backends/compress.ts";
import { LibraryFile } from "./backends/library-file.ts";
import { MachineHost } from "./machine-host.ts";
import { fetchNow, pageFetch } from "./page-fetch.ts";
import { pageTranslator, type StartJitWorker } from "./page-translator.ts";

/** It ends with this worker. */
const startJitWorker: StartJitWorker = (failed) => {
  const worker = new Worker(new URL("./jit.worker.ts", import.meta.url), { type: "module", name: "jit" });
  // A program that does not come is an error without a text.
  worker.onerror = (event) => {
    event.preventDefault();
    failed(event.message ?? "");
  };
  return {
    post: (message) => worker.postMessage(message),
    listen: (listener) => {
      worker.onmessage = (event: MessageEvent) => listener(event.data);
    },
  };
};
// Saved machines are packed: ready before the first is asked for. Those that go on from another's memory need it only when they are saved.
if (self.name !== CLONE_WORKER) void loadUnzstd();
const host = new MachineHost({
  fetch: pageFetch,
  loadCore: async (base) => {
    const response = await fetch(`${base}core.wasm`);
    if (!response.ok) throw new FaultError("core.missing", `core.wasm is not on this site (answer ${response.status}).`, "Was the site built with npm run build?");
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { module: await WebAssembly.compile(bytes), bytes };
  },
  library: { file: LibraryFile.open, overlay: LibraryFile.openOverlay },
  fetchNow,
  startTranslator: (core, trouble) => pageTranslator(core, () => import("./cpu/jit/region.ts"), startJitWorker, trouble),
});

expose({
  open: (options: Parameters<MachineHost["open"]>[0]) => host.open(options),
  execute: (name: string, args: { readonly [name: string]: unknown }) => host.execute(name, args),
  type: (line: string) => host.type(line),
  complete: (line: string) => host.complete(line),
  watch: (listener: (notice: MachineNotice) => void) => host.watch(listener),
  poke: () => host.poke(),
});
