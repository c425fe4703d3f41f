// How workers of a page get bytes from web servers.

import type { Fetcher } from "./sources.ts";

export const pageFetch: Fetcher = (url, cache, range) =>
  fetch(url, {
    cache: cache === "reload" ? "reload" : cache === "revalidate" ? "no-cache" : "default",
    ...(range ? { headers: { Range: `bytes=${range[0]}-${range[1] ?? ""}` } } : {}),
  });

/** Bytes at once: a worker may wait for an answer; nothing else of the page does. */
export function fetchNow(url: string, from: number, to: number): Uint8Array | null {
  const request = new XMLHttpRequest();
  // An address of its own: a cache would have it wait for the same file that is on its way to the thread which waits here.
  request.open("GET", `${url}?from=${from}`, false);
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
