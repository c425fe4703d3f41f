// Entry of a machine worker: a MachineHost behind Comlink. Everything else is in machine-host.ts.

import { expose } from "comlink";
import { CLONE_WORKER, type MachineNotice } from "../src/contract/machine.ts";
import { FaultError, faultOf } from "../src/contract/schema.ts";
import { loadUnzstd } from "./backends/compress.ts";
import { LibraryFile } from "./backends/library-file.ts";
import { type JitCompiler, type Regions, workerCompiler } from "./cpu/jit/port.ts";
import { MachineHost } from "./machine-host.ts";
import { fetchNow, pageFetch } from "./page-fetch.ts";
import { part } from "./worker-parts.ts";

function startTranslator(core: Uint8Array): Pick<JitCompiler, "submit"> {
  const worker = new Worker(new URL("./jit.worker.ts", import.meta.url), { type: "module", name: "jit" });
  const fail = (reason: string) => {
    throw new Error(`translator: ${reason}`);
  };
  worker.onerror = (event) => fail(event.message);
  return workerCompiler(
    core,
    {
      post: (message) => worker.postMessage(message),
      listen: (listener) => {
        worker.onmessage = (event: MessageEvent) => listener(event.data);
      },
    },
    fail,
  );
}
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
  // Started when there is something to translate: a machine that waits at its prompt needs none. It ends with this worker.
  startTranslator: (core, trouble) => {
    let started: Pick<JitCompiler, "submit"> | null = null;
    let regions: Regions | null = null;
    let asked = false;
    return {
      apart: true,
      regions: () => {
        if (!asked) {
          asked = true;
          part(() => import("./cpu/jit/region.ts")).then(
            (here) => {
              regions = here;
            },
            (error: unknown) => trouble(faultOf(error, "The machine is interpreted.")),
          );
        }
        return regions;
      },
      submit: (job, done) => (started ??= startTranslator(core)).submit(job, done),
    };
  },
});

expose({
  open: (options: Parameters<MachineHost["open"]>[0]) => host.open(options),
  execute: (name: string, args: { readonly [name: string]: unknown }) => host.execute(name, args),
  type: (line: string) => host.type(line),
  complete: (line: string) => host.complete(line),
  watch: (listener: (notice: MachineNotice) => void) => host.watch(listener),
  poke: () => host.poke(),
});
