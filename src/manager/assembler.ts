// The bench's assembler as the page sees it: one request at a time, the newest waits, and a source that takes too long ends the worker. The module
// is compiled once and handed to the next worker.

import type { Assembly, AssemblyRequest } from "../contract/assembly.ts";
import { type Fault, FaultError, type Reply } from "../contract/schema.ts";

/** What a Worker is to this file. */
export interface AssemblyWorker {
  postMessage(message: unknown): void;
  terminate(): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: unknown) => void) | null;
}
export const MOST_MS = 8000;
type Said = { readonly begun: Reply<WebAssembly.Module> } | { readonly answer: Reply<Assembly> };

export class Assembler {
  readonly #start: () => AssemblyWorker;
  readonly #address: string;
  readonly #mostMs: number;
  #worker: AssemblyWorker | null = null;
  #module: WebAssembly.Module | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** `address`: where nasm.wasm is. */
  constructor(start: () => AssemblyWorker, address: string, mostMs = MOST_MS) {
    this.#start = start;
    this.#address = address;
    this.#mostMs = mostMs;
  }
  assemble(request: AssemblyRequest): Promise<Reply<Assembly>> {
    const mine = this.#last.then(() => this.#run(request));
    this.#last = mine;
    return mine;
  }
  async #run(request: AssemblyRequest): Promise<Reply<Assembly>> {
    const begun = await this.#begin();
    if (begun) return { ok: false, error: begun };
    const answer = await this.#ask<{ readonly answer: Reply<Assembly> }>({ assemble: request }, "answer", this.#mostMs);
    if (answer) return answer.answer;
    const error = new FaultError("bench.time", `The assembler was stopped after ${this.#mostMs / 1000} seconds.`, "Look for %rep and times with large counts, and for macros that call themselves.");
    return { ok: false, error: error.fault };
  }
  async #begin(): Promise<Fault | null> {
    if (this.#worker) return null;
    this.#worker = this.#start();
    // Fetching may take as long as the network needs.
    const said = await this.#ask<{ readonly begun: Reply<WebAssembly.Module> }>({ begin: this.#module ?? this.#address }, "begun", Number.POSITIVE_INFINITY);
    if (said?.begun.ok) {
      this.#module = said.begun.value;
      return null;
    }
    this.close();
    return said && !said.begun.ok ? said.begun.error : new FaultError("bench.worker", "The assembler's worker could not be started.", "Load the page again.").fault;
  }
  /** Null: it took too long or its worker failed; the worker is gone then. */
  #ask<T extends Said>(message: unknown, key: string, mostMs: number): Promise<T | null> {
    const worker = this.#worker as AssemblyWorker;
    return new Promise((done) => {
      const end = (value: T | null) => {
        clearTimeout(timer);
        worker.onmessage = null;
        worker.onerror = null;
        if (value === null) this.close();
        done(value);
      };
      const timer = mostMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => end(null), mostMs);
      worker.onmessage = ({ data }) => {
        if (typeof data === "object" && data !== null && key in data) end(data as T);
      };
      worker.onerror = () => end(null);
      worker.postMessage(message);
    });
  }
  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
  }
}
