// Byte streams of a terminal program: standard input and output, and a file. Node only.
// Output is gathered for one turn of the event loop, because a system call a byte is slow.

import { closeSync, openSync, writeSync } from "node:fs";
import type { BytesBackend } from "../platform/types.ts";
import { fileFault } from "./byte-file.node.ts";
import { QueueBytes } from "./bytes.ts";

/** Gathers bytes and hands them over at the end of the turn, or when there are many. */
export class ByteGatherer {
  readonly #buffer = new Uint8Array(4096);
  #length = 0;
  #planned = false;
  readonly #sink: (bytes: Uint8Array) => void;
  constructor(sink: (bytes: Uint8Array) => void) {
    this.#sink = sink;
  }
  push(byte: number): void {
    this.#buffer[this.#length++] = byte;
    if (this.#length === this.#buffer.length) this.flush();
    else if (!this.#planned) {
      this.#planned = true;
      setImmediate(() => {
        this.#planned = false;
        this.flush();
      });
    }
  }
  flush(): void {
    if (this.#length === 0) return;
    const bytes = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    this.#sink(bytes);
  }
}

/** Writes everything to a descriptor, waiting out a full pipe. */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(descriptor, bytes, at, bytes.length - at);
    } catch (error) {
      const { code } = error as { readonly code?: string };
      if (code === "EAGAIN") continue;
      if (code === "EPIPE") return; // nobody reads any more
      throw error;
    }
  }
}

export function stdoutBytes(): { readonly backend: QueueBytes; flush(): void } {
  const gather = new ByteGatherer((bytes) => writeAll(1, bytes));
  return { backend: new QueueBytes((byte) => gather.push(byte)), flush: () => gather.flush() };
}

export function fileBytes(path: string): { readonly backend: BytesBackend; close(): void } {
  let file: number;
  try {
    file = openSync(path, "w");
  } catch (error) {
    throw fileFault(path, error);
  }
  const gather = new ByteGatherer((bytes) => writeAll(file, bytes));
  return {
    backend: { write: (byte) => gather.push(byte), onReadable: () => {}, read: () => -1 },
    close: () => {
      gather.flush();
      closeSync(file);
    },
  };
}
