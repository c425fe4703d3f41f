// Files that are read in pieces when touched: over HTTP with Range requests, and from a File or Blob. Read only.
// Left out: keeping the pieces beyond the session.

import { FaultError } from "../../src/contract/schema.ts";
import { type ByteFile, FetchedFile } from "./byte-file.ts";

/** What we need of a Blob or File. */
export interface Sliceable {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}
export function blobFile(blob: Sliceable, name = "The file"): ByteFile {
  return new FetchedFile(name, blob.size, async (at, length) => new Uint8Array(await blob.slice(at, at + length).arrayBuffer()));
}

interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  arrayBuffer(): Promise<ArrayBuffer>;
}
type Fetch = (url: string, init: { readonly headers?: { readonly [name: string]: string }; readonly method?: string }) => Promise<Answer>;

/** What a web server says of a file that tells it from another: its size and tag (or date, which other sites may always read). */
export interface Fingerprinted {
  readonly fingerprint: string;
}
const fingerprintOf = (answer: Answer, size: number) => `${size} ${answer.headers.get("ETag") ?? answer.headers.get("Last-Modified") ?? ""}`.trim();

/** Opens a file on a web server. Asks for one byte first: the answer tells the size and whether ranges work. */
export async function httpFile(url: string, fetchIt: Fetch = (globalThis as unknown as { fetch: Fetch }).fetch): Promise<ByteFile & Fingerprinted> {
  let first: Answer;
  try {
    first = await fetchIt(url, { headers: { Range: "bytes=0-0" } });
  } catch {
    throw new FaultError("url.unreachable", `Cannot reach ${url}.`, "Is the address right, and does the server allow other sites to read it (CORS)?");
  }
  if (!first.ok) throw new FaultError("url.status", `${url} answered ${first.status}.`);
  if (first.status !== 206) {
    // No ranges: take the whole answer that is already on its way.
    const whole = new Uint8Array(await first.arrayBuffer());
    return Object.assign(blobFile({ size: whole.length, slice: (a, b) => ({ arrayBuffer: async () => whole.slice(a, b).buffer as ArrayBuffer }) }, url), { fingerprint: fingerprintOf(first, whole.length) });
  }
  const total = Number(/\/(\d+)$/.exec(first.headers.get("Content-Range") ?? "")?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(total)) throw new FaultError("url.size", `${url} does not tell its size.`, "The server must send Content-Range with the total.");
  const file = new FetchedFile(url, total, async (at, length) => {
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await fetchIt(url, { headers: { Range: `bytes=${at}-${at + length - 1}` } });
        const bytes = answer.status === 206 ? new Uint8Array(await answer.arrayBuffer()) : null;
        if (bytes?.length === length) return bytes;
        throw new Error(`answered ${answer.status} with ${bytes?.length ?? 0} bytes`);
      } catch (error) {
        if (attempt === 2) throw error;
      }
    }
  });
  return Object.assign(file, { fingerprint: fingerprintOf(first, total) });
}
