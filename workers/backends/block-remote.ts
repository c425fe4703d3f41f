// Files that are read in pieces when touched: from a File or Blob, and over HTTP (RFC 9110, 14: Range) from any server. Read only. A piece that does
// not come is asked for again for some seconds, then the read fails and the guest sees a medium error; the next read asks anew.
// Left out: keeping the pieces beyond the session (the browser's own cache does that), several ranges in one request.

import { joined } from "../../src/contract/bytes.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { type ByteFile, FetchedFile, MemoryFile } from "./byte-file.ts";

/** What we need of a Blob or File. */
export interface Sliceable {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}
export function blobFile(blob: Sliceable, name = "The file"): ByteFile {
  return new FetchedFile(name, blob.size, async (at, length) => new Uint8Array(await blob.slice(at, at + length).arrayBuffer()));
}

export interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body?: ReadableStream<Uint8Array> | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}
export type Fetch = (url: string, init: { readonly headers?: { readonly [name: string]: string }; readonly method?: string; readonly cache?: RequestCache }) => Promise<Answer>;
export interface RemoteOptions {
  readonly fetch?: Fetch;
  /** Told while a file arrives whole, because its server cannot send pieces; `total` is 0 when unknown. */
  readonly progress?: ((loaded: number, total: number) => void) | undefined;
  /** Told when a piece did not come at last, and (null) when one came again. */
  readonly trouble?: ((fault: FaultError | null) => void) | undefined;
  readonly pause?: (ms: number) => Promise<void>;
}
/** What a web server says of a file that tells it from another: its size and tag (or date, which other sites may always read). */
export interface Fingerprinted {
  readonly fingerprint: string;
}

/** Waits between attempts: Linux gives an IDE command thirty seconds. */
const PAUSES_MS = [200, 500, 1000, 2000, 4000];
/** The most that a server without ranges may send: it is held in memory. */
const MOST_WHOLE = 2 ** 31;
const CORS = "Is the address right, and does the server allow other sites to read it (CORS: Access-Control-Allow-Origin)?";

const tagOf = (answer: Answer) => answer.headers.get("ETag") ?? answer.headers.get("Last-Modified") ?? "";
const statusFault = (url: string, status: number) => new FaultError("url.status", `${url} answered ${status}.`, "Is the address right, and may anybody read the file?");
const changed = (url: string) => new FaultError("url.changed", `${url} is another file than when the machine was started.`, "Start the machine again: it would read half of each.");

/** Does `work` until it succeeds; a Fault is final at once, anything else only after all pauses. */
export async function untilHere<T>(url: string, work: () => Promise<T>, { pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)), trouble }: RemoteOptions): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      const value = await work();
      trouble?.(null);
      return value;
    } catch (error) {
      const wait = PAUSES_MS[attempt];
      if (!(error instanceof FaultError) && wait !== undefined) {
        await pause(wait);
        continue;
      }
      const fault =
        error instanceof FaultError
          ? error
          : new FaultError("url.offline", `${url} stopped answering: ${error instanceof Error ? error.message : String(error)}.`, "The guest was told of a read error; what it wrote is safe. It can read again when the network is back.");
      trouble?.(fault);
      throw fault;
    }
  }
}
/** The fetch of this place, called as a plain function. */
export const placeFetch: Fetch = (url, init) => (globalThis as unknown as { fetch: Fetch }).fetch(url, init);

/** Opens a file on a web server. Asks for one byte first: the answer tells the size and whether ranges work. */
export async function httpFile(url: string, options: RemoteOptions = {}): Promise<ByteFile & Fingerprinted> {
  const fetchIt = options.fetch ?? placeFetch;
  let first: Answer;
  try {
    first = await fetchIt(url, { headers: { Range: "bytes=0-0" } });
  } catch {
    throw new FaultError("url.unreachable", `Cannot reach ${url}.`, CORS);
  }
  if (!first.ok) throw statusFault(url, first.status);
  const tag = tagOf(first);
  const named = (file: ByteFile) => Object.assign(file, { fingerprint: `${file.size} ${tag}`.trim() });
  if (first.status !== 206) return named(new MemoryFile(await whole(url, first, options), true, url));
  const total = totalOf(first) ?? (await askSize(url, fetchIt));
  if (total === null) throw new FaultError("url.size", `${url} does not tell its size.`, "The server must send Content-Range with the total; to other sites it must show it (Access-Control-Expose-Headers: Content-Range).");
  return named(
    new FetchedFile(url, total, (at, length) =>
      untilHere(
        url,
        async () => {
          const answer = await fetchIt(url, { headers: { Range: `bytes=${at}-${at + length - 1}` } });
          // Gone, forbidden or shorter than it was: asking again does not help. Overloaded servers recover.
          if (answer.status === 416) throw changed(url);
          if (answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429) throw statusFault(url, answer.status);
          if (answer.status !== 206) throw new Error(`it answered ${answer.status} to a range`);
          if ((tagOf(answer) || tag) !== tag || (totalOf(answer) ?? total) !== total) throw changed(url);
          const bytes = new Uint8Array(await answer.arrayBuffer());
          if (bytes.length !== length) throw new Error(`${bytes.length} bytes came instead of ${length}`);
          return bytes;
        },
        options,
      ),
    ),
  );
}
function totalOf(answer: Answer): number | null {
  const total = Number(/\/(\d+)$/.exec(answer.headers.get("Content-Range") ?? "")?.[1] ?? Number.NaN);
  return Number.isSafeInteger(total) ? total : null;
}
/** Other sites may read Content-Length always, Content-Range only where the server says so. */
async function askSize(url: string, fetchIt: Fetch): Promise<number | null> {
  const answer = await fetchIt(url, { method: "HEAD" }).catch(() => null);
  const length = Number(answer?.ok && !answer.headers.get("Content-Encoding") ? (answer.headers.get("Content-Length") ?? Number.NaN) : Number.NaN);
  return Number.isSafeInteger(length) && length > 0 ? length : null;
}
/** No ranges: the whole answer that is already on its way. */
async function whole(url: string, answer: Answer, { progress }: RemoteOptions): Promise<Uint8Array> {
  const tooLarge = () => new FaultError("url.ranges", `${url} is too large to be held in memory, and its server does not send pieces of it.`, "Use a server that answers Range requests, or add the file to the library.");
  // With a content encoding the length counts compressed bytes.
  const total = answer.headers.get("Content-Encoding") ? 0 : Number(answer.headers.get("Content-Length") ?? 0);
  const reader = answer.body?.getReader();
  if (total > MOST_WHOLE) {
    await reader?.cancel().catch(() => {});
    throw tooLarge();
  }
  if (!reader) return new Uint8Array(await answer.arrayBuffer());
  const bytes = await arriving(url, reader, (loaded) => {
    if (loaded > MOST_WHOLE) throw tooLarge();
    progress?.(loaded, total);
  });
  if (total > 0 && bytes.length !== total) throw stopped(url, bytes.length);
  return bytes;
}
const stopped = (name: string, loaded: number) => new FaultError("source.network", `${name} stopped arriving after ${loaded} bytes.`, "Try again.");
/** What a server sends, to its end. `heard` is told how much is here, at first and after each piece; what it throws ends the transfer. */
export async function arriving(name: string, reader: ReadableStreamDefaultReader<Uint8Array>, heard: (loaded: number) => void): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let loaded = 0; ; ) {
    try {
      heard(loaded);
    } catch (error) {
      await reader.cancel().catch(() => {});
      throw error;
    }
    const piece = await reader.read().catch(() => {
      throw stopped(name, loaded);
    });
    if (piece.done) return parts.length === 1 ? (parts[0] as Uint8Array) : joined(parts);
    parts.push(piece.value);
    loaded += piece.value.length;
  }
}
