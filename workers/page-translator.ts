// The translator of a machine in a page: jit.worker, and what gathers regions for it. Both are fetched when there is something to translate first
// (ADR 0018): a machine that waits at its prompt needs none. When one does not come the person is told why, and the machine is interpreted from then on.

import { type Fault, faultOf } from "../src/contract/schema.ts";
import { type JitCompiler, type Port, type Regions, workerCompiler } from "./cpu/jit/port.ts";
import { part, partFault } from "./worker-parts.ts";

/** Starts jit.worker. `failed` hears its error: a text when it has a bug, "" when its program did not come. */
export type StartJitWorker = (failed: (message: string) => void) => Port;

export function pageTranslator(core: Uint8Array, loadRegions: () => Promise<Regions>, startWorker: StartJitWorker, trouble: (fault: Fault) => void): JitCompiler {
  let regions: Regions | null = null;
  let asked = false;
  let absent = false;
  let started: Pick<JitCompiler, "submit"> | null = null;
  const gone = (error: unknown) => {
    if (absent) return;
    absent = true;
    regions = null;
    trouble(faultOf(error, "The machine is interpreted."));
  };
  const fail = (reason: string) => {
    throw new Error(`translator: ${reason}`);
  };
  const start = () => workerCompiler(core, startWorker((message) => (message === "" ? gone(partFault("the translator is not there.")) : fail(message))), fail);
  return {
    apart: true,
    regions: () => {
      if (!asked) {
        asked = true;
        part(loadRegions).then((here) => {
          if (!absent) regions = here;
        }, gone);
      }
      return regions;
    },
    submit: (job, done) => (started ??= start()).submit(job, done),
  };
}
