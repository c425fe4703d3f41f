// Deflate (RFC 1950, 1951) for image formats, the same in Node and in a browser, through pako: qcow2 wants a 4 KiB window, which few libraries can
// write. Apart from Zstandard: machines without disks start without it.

import { deflateRaw, Inflate } from "pako";
import { damaged } from "./compress.ts";

/** Raw deflate as qcow2 writes it: window of 4 KiB. */
export function deflate12(bytes: Uint8Array, level = 6): Uint8Array {
  return deflateRaw(bytes, { windowBits: 12, memLevel: 9, level });
}
/** Unpacks exactly `length` bytes of raw deflate; what follows in `bytes` is ignored. */
export function inflateExactly(bytes: Uint8Array, length: number, what: string, raw = true): Uint8Array {
  const out = new Uint8Array(length);
  let have = 0;
  const stream = new Inflate({ raw, chunkSize: Math.min(65536, Math.max(512, length)) });
  stream.onData = (chunk: Uint8Array) => {
    if (have + chunk.length > length) throw damaged(what);
    out.set(chunk, have);
    have += chunk.length;
  };
  try {
    stream.push(bytes, true);
  } catch {
    throw damaged(what);
  }
  if (have !== length) throw damaged(what);
  return out;
}
export function inflateZlib(bytes: Uint8Array, length: number, what: string): Uint8Array {
  return inflateExactly(bytes, length, what, false);
}
