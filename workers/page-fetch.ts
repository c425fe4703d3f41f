// How workers of a page get bytes from web servers.

import type { Fetcher } from "./sources.ts";

export const pageFetch: Fetcher = (url, cache) => fetch(url, { cache: cache === "reload" ? "reload" : cache === "revalidate" ? "no-cache" : "default" });

/** Bytes at once: a worker may wait for an answer; nothing else of the page does. */
export function fetchNow(url: string, from: number, to: number): Uint8Array | null {
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  request.responseType = "arraybuffer";
  request.setRequestHeader("Range", `bytes=${from}-${to - 1}`);
  try {
    request.send();
  } catch {
    return null;
  }
  if (!(request.response instanceof ArrayBuffer)) return null;
  const bytes = new Uint8Array(request.response);
  // A server without ranges answers with everything.
  return request.status === 206 ? bytes : request.status === 200 ? bytes.subarray(from, to) : null;
}
