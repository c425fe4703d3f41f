// Finds the bytes that a domain names: "guest:PATH" and "firmware:NAME" below the page's base, "url:…", "memory:BYTES", and whatever
// the page attached (dropped and stored files). Progress is counted over all files of a machine. What was built by us is checked against
// the hash in its built.json.

import { FaultError } from "../src/contract/schema.ts";
import type { Attachments } from "../src/contract/machine.ts";
import { arriving, type Fingerprinted, httpFile } from "./backends/block-remote.ts";
import { type ByteFile, MemoryFile } from "./backends/byte-file.ts";
import { loadUnzstd } from "./backends/compress.ts";
import { readAll } from "./backends/byte-file.ts";
import { isRemote, webAddress } from "./backends/web-address.ts";
import { damage, damagedFault, type ImageRecord, parseRecord, parseSavedRecord } from "./image-record.ts";
import { part } from "./worker-parts.ts";
import { decodeVm } from "./snapshots/vm-file.ts";
import { openVmStream, type VmStream } from "./snapshots/vm-stream.ts";

const MOST_MEMORY_DISK = 2 ** 31;

export type Progress = (what: string, loaded: number, total: number) => void;
/**
 * Gets a URL; replaced in tests. "revalidate" asks the server whether a cached copy still holds, "reload" passes caches by. `range`: a part is enough, from
 * its first byte to its last (null: the end); servers may send the whole (200) all the same.
 */
export type Fetcher = (url: string, cache?: "revalidate" | "reload" | null, range?: readonly [from: number, last: number | null]) => Promise<Response>;

/** Told when bytes of a source that is read in pieces did not come, and (null) when some came again. */
export type Trouble = (source: string, fault: FaultError | null) => void;
/** A saved machine and its hash, as its record has it. */
export type KnownVm = VmStream & { readonly sha256: string };

export class Sources {
  readonly #base: string;
  readonly #attachments: Attachments;
  readonly #fetch: Fetcher;
  readonly #progress: Progress;
  readonly #trouble: Trouble;
  readonly #loaded = new Map<string, { loaded: number; total: number }>();
  readonly #records = new Map<string, Promise<ImageRecord | null>>();
  constructor(base: string, attachments: Attachments, fetcher: Fetcher, progress: Progress, trouble: Trouble = () => {}) {
    this.#base = base;
    this.#attachments = attachments;
    this.#fetch = fetcher;
    this.#progress = progress;
    this.#trouble = trouble;
  }
  /** What the page attached under this name, if anything. */
  attached(source: string): Uint8Array | Blob | undefined {
    return Object.hasOwn(this.#attachments, source) ? this.#attachments[source] : undefined;
  }
  async bytes(source: string): Promise<Uint8Array> {
    const attached = this.attached(source);
    if (attached) return attached instanceof Uint8Array ? attached : new Uint8Array(await attached.arrayBuffer());
    const colon = source.indexOf(":");
    const kind = colon < 0 ? "" : source.slice(0, colon);
    const rest = source.slice(colon + 1);
    switch (kind) {
      case "guest":
        return this.#built(source, "guests/", rest);
      case "firmware":
        return this.#built(source, "", `firmware/${rest}`);
      case "url":
        return this.#download(source, webAddress(rest));
      case "chunks": {
        const { file } = await this.file(source);
        if (file.size > MOST_MEMORY_DISK) throw new FaultError("source.memory", `${source} is too large to be read whole.`);
        return readAll(file);
      }
      case "memory": {
        const size = Number(rest);
        if (!Number.isInteger(size) || size <= 0 || size > MOST_MEMORY_DISK)
          throw new FaultError("source.memory", `"${source}" is not a size.`, "Write memory:BYTES, at most 2 GiB.");
        return new Uint8Array(size);
      }
      case "library":
        throw new FaultError("source.library", `The file "${rest}" is not in this browser's library.`, "Drop the file into the window, then choose it again.");
      case "file":
        throw new FaultError("source.file", `A browser cannot open "${rest}" by its path.`, "Drop the file into the window and choose it there.");
      default:
        throw new FaultError("source.unknown", `"${source}" does not say where its bytes come from.`, "Known: guest:, library:, url:, chunks:, memory:.");
    }
  }
  /** A file that is only read, with what tells it from another of the same name. */
  async file(source: string): Promise<{ readonly file: ByteFile; readonly fingerprint: string }> {
    if (isRemote(source)) {
      const file = await this.#remote(source);
      return { file, fingerprint: file.fingerprint };
    }
    const bytes = await this.bytes(source);
    return { file: new MemoryFile(bytes, true, source), fingerprint: source.startsWith("memory:") ? String(bytes.length) : await sha256(bytes, String(bytes.length)) };
  }
  /** Read in pieces as the guest asks, where the server can. */
  async #remote(source: string): Promise<ByteFile & Fingerprinted> {
    const rest = source.slice(source.indexOf(":") + 1);
    const options = { progress: (loaded: number, total: number) => this.#count(source, loaded, total), trouble: (fault: FaultError | null) => this.#trouble(source, fault) };
    if (source.startsWith("url:")) return httpFile(webAddress(rest), options);
    return (await part(() => import("./snapshots/hosted-file.ts"))).hostedFile(rest, options);
  }
  /**
   * A saved machine that can run before it is here: a guest's, through its record ("guest:ID/resume.json"), or any other source, whole.
   * `fetchNow` gets a piece at once. The head's hash is checked before anything starts from it, the whole file's when everything arrived: `complete()`
   * fails when that is wrong.
   */
  async savedMachine(source: string, fetchNow: (url: string, from: number, to: number) => Uint8Array | null): Promise<KnownVm> {
    if (!source.startsWith("guest:") || !source.endsWith(".json")) {
      const bytes = await this.bytes(source);
      await loadUnzstd();
      return { vm: decodeVm(bytes), sha256: await sha256(bytes, ""), complete: async () => bytes };
    }
    const path = source.slice("guest:".length);
    const url = `${this.#base}guests/${safePath(path, source)}`;
    let response: Response;
    try {
      response = await this.#fetch(url, "revalidate");
    } catch {
      throw new FaultError("source.network", `${source} could not be fetched.`, "Is the network there?");
    }
    if (!response.ok) throw missingFault(source, response.status);
    const record = parseSavedRecord(await response.text(), source);
    const file = `${url.slice(0, url.lastIndexOf("/") + 1)}${record.file}`;
    const get = async (from: number, last: number | null, cache: "reload" | null = null): Promise<Response> => {
      const body = await this.#fetch(file, cache, from === 0 && last === null ? undefined : [from, last]).catch(() => null);
      if (!body?.ok) throw missingFault(record.file, body?.status ?? 0);
      return body;
    };
    const { head } = record;
    const checkHead = async (bytes: Uint8Array): Promise<void> => {
      const detail = damage(head, bytes.length, await sha256(bytes, head.sha256));
      if (detail !== null) throw damagedFault(record.file, `at its beginning ${detail}`);
    };
    const begin = async (cache?: "reload") =>
      openVmStream(
        await get(0, head.bytes - 1, cache),
        { total: record.bytes, head: head.bytes, check: checkHead },
        (from) => get(from, null),
        (from, to) => fetchNow(file, from, to),
        (loaded) => this.#count(source, loaded, Math.max(loaded, head.bytes)),
      );
    // A copy in a cache may be damaged: once more past it.
    const stream = await begin().catch((error: unknown) => {
      if (error instanceof FaultError && error.fault.code === "image.hash") return begin("reload");
      throw error;
    });
    let checked: Promise<Uint8Array> | null = null;
    const check = async (): Promise<Uint8Array> => {
      const bytes = await stream.complete();
      const detail = damage(record, bytes.length, await sha256(bytes, record.sha256));
      if (detail !== null) throw damagedFault(record.file, detail);
      return bytes;
    };
    return { vm: stream.vm, sha256: record.sha256, complete: () => (checked ??= check()) };
  }
  /** A file that `npm run images` built, checked against its record. */
  async #built(source: string, top: string, path: string): Promise<Uint8Array> {
    const url = `${this.#base}${top}${safePath(path, source)}`;
    const [folder = "", ...name] = path.split("/");
    const [record, bytes] = await Promise.all([this.#record(`${this.#base}${top}${encodeURIComponent(folder)}/built.json`), this.#download(source, url)]);
    const expected = record?.get(name.join("/"));
    if (!expected) return bytes;
    const wrong = async (found: Uint8Array) => damage(expected, found.length, found.length === expected.bytes ? await sha256(found, expected.sha256) : "");
    if ((await wrong(bytes)) === null) return bytes;
    // A cache may hold the file of an earlier build: once more past it.
    const again = await this.#download(source, url, "reload");
    const detail = await wrong(again);
    if (detail !== null) throw damagedFault(source, detail);
    return again;
  }
  #record(url: string): Promise<ImageRecord | null> {
    let record = this.#records.get(url);
    if (!record) {
      record = this.#fetch(url, "revalidate").then(
        async (response) => (response.ok ? parseRecord(await response.text()) : null),
        () => null,
      );
      this.#records.set(url, record);
    }
    return record;
  }
  async #download(source: string, url: string, cache?: "reload"): Promise<Uint8Array> {
    // Unknown until its headers are here: the sum must not look complete before.
    this.#loaded.set(source, { loaded: 0, total: 0 });
    let response: Response;
    try {
      response = await this.#fetch(url, cache);
    } catch {
      throw new FaultError("source.network", `${source} could not be fetched.`, "Is the network there, and does the other site allow it (CORS)?");
    }
    // A server for single-page sites answers a missing file with its index page.
    const looksLikePage = (response.headers.get("content-type") ?? "").startsWith("text/html") && !url.endsWith(".html");
    if (!response.ok || looksLikePage)
      throw new FaultError(
        "source.missing",
        `${source} is not on this site${response.ok ? "" : ` (answer ${response.status})`}.`,
        source.startsWith("guest:") ? "Build the guests with npm run images." : "Was the site built with npm run build?",
      );
    const header = Number(response.headers.get("content-length") ?? 0);
    // With a content encoding the length counts compressed bytes.
    const total = response.headers.get("content-encoding") ? 0 : header;
    const heard = (loaded: number) => this.#count(source, loaded, total);
    if (response.body) return arriving(source, response.body.getReader(), heard);
    heard(0);
    return new Uint8Array(await response.arrayBuffer());
  }
  #count(source: string, loaded: number, total: number): void {
    this.#loaded.set(source, { loaded, total });
    let all = 0;
    let whole = 0;
    let known = true;
    for (const one of this.#loaded.values()) {
      all += one.loaded;
      whole += one.total;
      if (one.total === 0) known = false;
    }
    this.#progress(source, all, known ? whole : 0);
  }
}
const missingFault = (name: string, status: number) => new FaultError("source.missing", `${name} is not on this site (answer ${status}).`, "Build the guests with npm run images.");
function safePath(path: string, source: string): string {
  const parts = path.split("/");
  if (path === "" || parts.some((p) => p === "" || p === "." || p === "..") || /[\\?#]/.test(path))
    throw new FaultError("source.path", `"${source}" is not a path below this site.`);
  return parts.map(encodeURIComponent).join("/");
}
/** Without crypto.subtle (a page that is not a secure context) nothing can be said: the hash counts as right. */
async function sha256(bytes: Uint8Array, unknown: string): Promise<string> {
  if (typeof crypto === "undefined" || !crypto.subtle) return unknown;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  return Array.from(hash, (b) => b.toString(16).padStart(2, "0")).join("");
}
