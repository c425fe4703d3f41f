// Parts of a worker's program that are read when they are needed first: a machine starts sooner without what it may never use (ADR 0018).

import { FaultError } from "../src/contract/schema.ts";

export const partFault = (why: string): FaultError => new FaultError("program.part", `A part of Guesthouse could not be loaded: ${why}`, "Is the network there? If this site was renewed since you opened it, reload the page.");

/** Reads a part of the program; a Fault when the site does not answer, or has been built anew since the page was opened. */
export async function part<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw partFault(error instanceof Error ? error.message : String(error));
  }
}
