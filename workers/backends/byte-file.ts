// What an image file lies in: bytes with a length that can grow. One in memory, one over a Blob or a web server that is only read.
// Left out: sparse storage in memory (a hole costs memory).

import { FaultError } from "../../src/contract/schema.ts";
import { type Io, later, wait } from "./io.ts";

export interface ByteFile {
  /** As a person knows it. */
  readonly name: string;
  /** True when no operation ever waits. */
  readonly sync: boolean;
  readonly readOnly: boolean;
  readonly size: number;
  /** Bytes past the end read as zeros. */
  read(at: number, into: Uint8Array): Io<void>;
  /** Grows the file where needed. */
  write(at: number, from: Uint8Array): Io<void>;
  truncate(size: number): Io<void>;
  /** Returns when everything written before is durable. */
  flush(): Io<void>;
  close(): Io<void>;
  /** Bytes that the host's disk gives to the file; its size where nobody knows. */
  allocated?(): number;
}

/** The whole file, in memory. */
export async function readAll(file: ByteFile): Promise<Uint8Array> {
  const all = new Uint8Array(file.size);
  await later(file.read(0, all));
  return all;
}
/** A refusal for files that are only read. */
export function readOnlyFault(name: string): FaultError {
  return new FaultError("block.readonly", `${name} is read only.`);
}

/** The most that one array can have everywhere. */
const MOST_BYTES = 2 ** 32 - 1;
function allocate(bytes: number): Uint8Array | null {
  try {
    return new Uint8Array(bytes);
  } catch {
    return null;
  }
}
export class MemoryFile implements ByteFile {
  readonly name: string;
  readonly sync = true;
  readonly readOnly: boolean;
  readonly #most: number;
  #bytes: Uint8Array;
  #size: number;
  /** `most`: bytes that it may grow to. */
  constructor(bytes: Uint8Array = new Uint8Array(0), readOnly = false, name = "memory", most = MOST_BYTES) {
    this.#most = most;
    this.#bytes = bytes;
    this.#size = bytes.length;
    this.readOnly = readOnly;
    this.name = name;
  }
  get size(): number {
    return this.#size;
  }
  /** The contents; valid until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }
  *read(at: number, into: Uint8Array): Io<void> {
    const have = Math.max(0, Math.min(into.length, this.#size - at));
    if (have > 0) into.set(this.#bytes.subarray(at, at + have));
    into.fill(0, have);
  }
  *write(at: number, from: Uint8Array): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.name);
    if (at + from.length > this.#size) this.#resize(at + from.length);
    this.#bytes.set(from, at);
  }
  *truncate(size: number): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.name);
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    this.#resize(size);
  }
  #resize(size: number): void {
    if (size > this.#bytes.length) {
      const grown = size > this.#most ? null : allocate(Math.max(size, Math.min(this.#bytes.length * 2, this.#bytes.length + 2 ** 26, this.#most)));
      if (!grown) throw new FaultError("block.memory", `${this.name} would need ${size} bytes of memory.`);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#size = size;
  }
  *flush(): Io<void> {}
  *close(): Io<void> {}
}

/** A file that is fetched as it is touched: `fetch(at, length)` gives exactly that many bytes. Chunks are kept, least recently used out. */
export class FetchedFile implements ByteFile {
  readonly sync = false;
  readonly readOnly = true;
  readonly name: string;
  readonly size: number;
  readonly #fetch: (at: number, length: number) => Promise<Uint8Array>;
  readonly #chunks = new Map<number, Promise<Uint8Array>>();
  constructor(name: string, size: number, fetch: (at: number, length: number) => Promise<Uint8Array>) {
    this.name = name;
    this.size = size;
    this.#fetch = fetch;
  }
  #chunk(index: number): Promise<Uint8Array> {
    let chunk = this.#chunks.get(index);
    if (chunk) this.#chunks.delete(index);
    else {
      chunk = this.#fetch(index * CHUNK, Math.min(CHUNK, this.size - index * CHUNK));
      chunk.catch(() => this.#chunks.delete(index));
      if (this.#chunks.size >= KEPT) this.#chunks.delete(this.#chunks.keys().next().value as number);
    }
    this.#chunks.set(index, chunk);
    return chunk;
  }
  *read(at: number, into: Uint8Array): Io<void> {
    const end = Math.min(at + into.length, this.size);
    if (end < at + into.length) into.fill(0, Math.max(0, end - at));
    const parts: Promise<void>[] = [];
    for (let index = Math.floor(at / CHUNK); index * CHUNK < end; index++)
      parts.push(
        this.#chunk(index).then((chunk) => {
          const from = Math.max(at, index * CHUNK);
          const to = Math.min(end, index * CHUNK + chunk.length);
          into.set(chunk.subarray(from - index * CHUNK, to - index * CHUNK), from - at);
        }),
      );
    yield* wait(Promise.all(parts));
  }
  *write(): Io<void> {
    throw readOnlyFault(this.name);
  }
  *truncate(): Io<void> {
    throw readOnlyFault(this.name);
  }
  *flush(): Io<void> {}
  *close(): Io<void> {}
}
const CHUNK = 256 * 1024;
/** 64 MiB of chunks. */
const KEPT = 256;
