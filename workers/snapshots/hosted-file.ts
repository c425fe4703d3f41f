// A disk on any static web server, in pieces named by their SHA-256: the manifest of a bundle (contract/bundle.ts) with "chunks/" beside it, of which
// the guest's reads fetch what they touch. "chunks:ADDRESS#sha256=HASH", and "&file=NAME" where the bundle holds several files. Every piece is
// checked before it is unpacked. Made by Share in the page and by `guesthouse chunks` in a terminal.

import type { BundleBlob, BundleFile } from "../../src/contract/bundle.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { type Fingerprinted, placeFetch, type RemoteOptions, untilHere } from "../backends/block-remote.ts";
import type { ByteFile } from "../backends/byte-file.ts";
import { chunkedFile } from "./chunked-file.ts";
import { openBundle, sha256, unpackBlob } from "./bundle.ts";

const MOST_MANIFEST = 64 << 20;

interface Address {
  readonly url: string;
  readonly sha256: string;
  readonly file: string | null;
}
export function parseHosted(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : null;
  const wanted = new URLSearchParams(url?.hash.slice(1) ?? "");
  const hash = wanted.get("sha256") ?? "";
  if (!url || !/^https?:$/.test(url.protocol) || !/^[0-9a-f]{64}$/.test(hash))
    throw new FaultError("chunks.address", `"${text}" does not name a list of chunks and its hash.`, "Write chunks:https://HOST/machine.guesthouse#sha256=HASH, as guesthouse chunks prints it.");
  url.hash = "";
  return { url: url.href, sha256: hash, file: wanted.get("file") };
}
function chosen(files: readonly BundleFile[], { url, file }: Address): BundleFile {
  const whole = files.filter((f) => f.base === null);
  const found = file === null ? whole : whole.filter((f) => f.name === file || f.id === file);
  if (found.length === 1) return found[0] as BundleFile;
  const names = whole.map((f) => f.name).join(", ");
  const hint = whole.length > 0 ? `Add &file=NAME; it has ${names}.` : "It holds a machine without disks of its own.";
  if (file === null) throw new FaultError("chunks.file", `${url} holds ${whole.length} files.`, hint);
  throw new FaultError("chunks.file", `${url} does not hold one file called "${file}".`, hint);
}

export async function hostedFile(text: string, options: RemoteOptions = {}): Promise<ByteFile & Fingerprinted> {
  const address = parseHosted(text);
  const fetchIt = options.fetch ?? placeFetch;
  /** A file of known length. What is named by its hash never changes: any copy in the browser's cache will do, unless it is damaged. */
  const get = async (url: string, most: number, cache: "force-cache" | "reload"): Promise<Uint8Array> => {
    const answer = await fetchIt(url, { cache });
    if (answer.status === 404 || answer.status === 403 || answer.status === 410)
      throw new FaultError("bundle.missing", `${url} could not be fetched (answer ${answer.status}).`, "The server must allow other sites to read it (CORS), and all chunks must lie beside the manifest.");
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    if (Number(answer.headers.get("Content-Length") ?? 0) > most) throw new FaultError("bundle.bad", `${url} is larger than it can be.`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (bytes.length > most) throw new FaultError("bundle.bad", `${url} is larger than it can be.`);
    return bytes;
  };
  /** As `get`, with what `check` makes of it; a copy that it refuses is fetched once more past the cache. */
  const checked = async <T>(url: string, most: number, how: RemoteOptions, check: (bytes: Uint8Array) => Promise<T>): Promise<T> => {
    const bytes = await untilHere(url, () => get(url, most, "force-cache"), how);
    return check(bytes).catch(async () => check(await untilHere(url, () => get(url, most, "reload"), how)));
  };

  // What is wrong while it is opened is thrown.
  const list = await checked(address.url, MOST_MANIFEST, { ...options, trouble: undefined }, async (bytes) => {
    if ((await sha256(bytes)) !== address.sha256) throw new FaultError("bundle.bad", `${address.url} does not have the hash that its name says.`, "The server's files may have changed since.");
    return bytes;
  }).catch((error: unknown) => {
    if (error instanceof FaultError && error.fault.code === "url.offline") throw new FaultError("url.unreachable", `Cannot reach ${address.url}.`, "Is the address right, and does the server allow other sites to read it (CORS: Access-Control-Allow-Origin)?");
    throw error;
  });
  const { manifest } = await openBundle(async (at, length) => list.slice(at, at + length), list.length, false);
  const file = chosen(manifest.files, address);
  const piece = async (index: number): Promise<Uint8Array> => {
    const blob = manifest.blobs[index] as BundleBlob;
    try {
      return await checked(new URL(`chunks/${blob.sha256}`, address.url).href, blob.bytes, options, (bytes) => unpackBlob(bytes, blob));
    } catch (error) {
      // Said already when it did not come; a wrong hash is known only here.
      if (error instanceof FaultError && error.fault.code === "bundle.bad") options.trouble?.(error);
      throw error;
    }
  };
  const made = chunkedFile(`${address.url}#${file.name}`, file, manifest, piece);
  return Object.assign(made, { fingerprint: `${address.sha256} ${file.id}` });
}
