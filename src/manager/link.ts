// Share links live in the URL fragment, which no server sees: "#vm=" + base64url(deflate-raw(JSON)) is a DomainConfig alone, "#m=" + base64url a
// bundle (contract/bundle.ts) with disks and running state, "#asm=" a program of the assembly bench, "#at=ADDRESS&sha256=HASH" a bundle on a web server. Links come from strangers: size
// and shape are checked here and by the bundle's reader, and the page asks before it starts anything.

import { joined } from "../contract/bytes.ts";
import { type BundlePlace, LINK_HOSTED, LINK_INLINE, MOST_LINK } from "../contract/bundle.ts";
import { BENCH_MODES, type BenchProgram } from "../contract/assembly.ts";
import { type DomainConfig, domainSchema } from "../contract/domain.ts";
import { choice, FaultError, object, string } from "../contract/schema.ts";
import { sourcesOf } from "../contract/sources-of.ts";

const PREFIX = "#vm=";
/** A program of the assembly bench: base64url(deflate-raw(JSON)), as a domain is. */
const PREFIX_BENCH = "#asm=";
const MOST_SOURCE = 128 * 1024;
const MOST_FRAGMENT = 32 * 1024;
const MOST_JSON = 128 * 1024;

export function isLink(fragment: string): boolean {
  return [PREFIX, PREFIX_BENCH, LINK_INLINE, LINK_HOSTED].some((p) => fragment.startsWith(p));
}
/** Where the bundle of a link is; null for a link that is a domain alone. */
export function placeOf(fragment: string): BundlePlace | null {
  if (fragment.startsWith(LINK_INLINE)) {
    try {
      return { kind: "bytes", bytes: fromBase64Url(fragment.slice(LINK_INLINE.length)), from: "link" };
    } catch {
      throw new FaultError("link.bad", "The link is damaged: its text cannot be unpacked.", "Was it copied completely?");
    }
  }
  if (!fragment.startsWith(LINK_HOSTED)) return null;
  const [address = "", ...rest] = fragment.slice(LINK_HOSTED.length).split("&");
  const sha256 = /^sha256=([0-9a-f]{64})$/.exec(rest.join("&"))?.[1];
  let url = "";
  try {
    url = new URL(decodeURIComponent(address)).href;
  } catch {
    // said below
  }
  if (!/^https?:\/\//.test(url) || sha256 === undefined) throw new FaultError("link.bad", "The link is damaged: it does not name a web address and a hash.", "Was it copied completely?");
  return { kind: "hosted", url, sha256 };
}
/** A bundle as a fragment, or null when it is too large for one. */
export function inlineLink(bytes: Uint8Array): string | null {
  return LINK_INLINE.length + (bytes.length * 4) / 3 > MOST_LINK ? null : LINK_INLINE + toBase64Url(bytes);
}
export const HOSTED_MANIFEST = "machine.guesthouse";
/** `folder`: the web address of the folder with manifest and chunks. */
export function hostedLink(folder: string, sha256: string): string {
  const wanted = URL.canParse(folder) ? new URL(folder) : null;
  if (!wanted || !/^https?:$/.test(wanted.protocol)) throw new FaultError("link.address", `"${folder}" is not a web address.`, "Write https://example.org/machine/.");
  if (!wanted.pathname.endsWith("/")) wanted.pathname += "/";
  return `${LINK_HOSTED}${encodeURIComponent(new URL(HOSTED_MANIFEST, wanted).href)}&sha256=${sha256}`;
}
export async function encodeLink(config: DomainConfig): Promise<string> {
  const local = sourcesOf(config).find((s) => s.startsWith("library:") || s.startsWith("file:"));
  if (local)
    throw new FaultError("link.local", "This machine uses files that are only on this computer, so a link to it would not work elsewhere.", "Put the files on a web server and name them as url:https://…");
  const packed = await through(new TextEncoder().encode(JSON.stringify(config)), new CompressionStream("deflate-raw"), Infinity);
  const fragment = PREFIX + toBase64Url(packed);
  if (fragment.length > MOST_FRAGMENT) throw new FaultError("link.long", "This machine is too large for a link.", "Shorten its kernel command line.");
  return fragment;
}
export const isBenchLink = (fragment: string): boolean => fragment.startsWith(PREFIX_BENCH);
export async function encodeBench({ mode, source }: BenchProgram): Promise<string> {
  const packed = await through(new TextEncoder().encode(JSON.stringify({ mode, source })), new CompressionStream("deflate-raw"), Infinity);
  const fragment = PREFIX_BENCH + toBase64Url(packed);
  if (fragment.length > MOST_FRAGMENT || source.length > MOST_SOURCE) throw new FaultError("link.program", "This program is too large for a link.", "Send it as a file.");
  return fragment;
}
export async function decodeBench(fragment: string): Promise<BenchProgram> {
  const value = await unpacked(fragment, PREFIX_BENCH);
  return object("a program", { mode: choice("mode", BENCH_MODES), source: string("source") }).parse(value, "link");
}
export async function decodeLink(fragment: string): Promise<DomainConfig> {
  if (!isLink(fragment)) throw new FaultError("link.bad", "This is not a link to a machine.");
  const value = await unpacked(fragment, PREFIX);
  const config = domainSchema.parse(value, "link");
  const local = sourcesOf(config).find((s) => s.startsWith("library:") || s.startsWith("file:"));
  if (local) throw new FaultError("link.local", `The link names "${local}", a file on somebody else's computer.`);
  return config;
}
/** The JSON of a fragment, its sizes checked. */
async function unpacked(fragment: string, prefix: string): Promise<unknown> {
  if (fragment.length > MOST_FRAGMENT) throw new FaultError("link.long", "The link is too long to be one of ours.");
  let json: string;
  try {
    const packed = fromBase64Url(fragment.slice(prefix.length));
    json = new TextDecoder("utf-8", { fatal: true }).decode(await through(packed, new DecompressionStream("deflate-raw"), MOST_JSON));
  } catch (error) {
    if (error instanceof FaultError) throw error;
    throw new FaultError("link.bad", "The link is damaged: its text cannot be unpacked.", "Was it copied completely?");
  }
  try {
    return JSON.parse(json);
  } catch {
    throw new FaultError("link.bad", "The link is damaged: its text cannot be read.", "Was it copied completely?");
  }
}
async function through(bytes: Uint8Array<ArrayBuffer>, step: CompressionStream | DecompressionStream, most: number): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(step).getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new FaultError("link.long", "The link unpacks to more than a machine can be.");
    }
    parts.push(value);
  }
  return joined(parts);
}
function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) throw new Error("not base64url");
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}
