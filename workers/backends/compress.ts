// Zstandard, the same in Node and in a browser, through its own C code as WebAssembly: a small build that only unpacks, ready in a third of the time,
// which is all that the start of a saved machine needs, and a whole one. Deflate is in deflate.ts.

import type { ZSTDDecoder } from "zstddec";
import { FaultError } from "../../src/contract/schema.ts";
import { type Io, wait } from "./io.ts";

/**
 * The C functions under the package's wrapper. The wrapper itself copies results through a JavaScript array of numbers, which takes fifty times
 * as long as the work; the package's version is pinned because these names are its private fields.
 */
interface Inside {
  readonly _mainModule: { malloc(bytes: number): { readonly ptr: number }; free(at: { readonly ptr: number }): void; readonly _module: { readonly HEAPU8: Uint8Array } };
  readonly _zstdClass: {
    compressBound(bytes: number): number;
    isError(code: number): boolean | number;
    compress(to: number, room: number, from: number, bytes: number, level: number): number;
  };
}
let zstd: Inside | null = null;
let unpacker: ZSTDDecoder | null = null;
/** Unpacking alone; Zstandard must be loaded before an Io that may not wait uses it. */
export async function loadUnzstd(): Promise<void> {
  if (unpacker) return;
  // A clone's memory is not packed: its worker never reads this.
  const made = new (await import("zstddec")).ZSTDDecoder();
  await made.init();
  unpacker = made;
}
/** Packing and unpacking. A quarter of the program of a machine's worker: read when something is packed, so that machines start sooner. */
export async function loadZstd(): Promise<void> {
  const unpacking = loadUnzstd();
  zstd ??= (await (await import("@hpcc-js/wasm-zstd")).Zstd.load()) as unknown as Inside;
  await unpacking;
}
/** Runs a function of the C code from one buffer of its memory to another; null when it reports an error. */
function run(from: Uint8Array, room: number, work: (c: Inside["_zstdClass"], to: number, at: number) => number): Uint8Array | null {
  if (!zstd) throw new Error("zstd is not loaded");
  const { _mainModule: memory, _zstdClass: c } = zstd;
  const input = memory.malloc(from.length);
  const output = memory.malloc(room);
  try {
    memory._module.HEAPU8.set(from, input.ptr);
    const length = work(c, output.ptr, input.ptr);
    return c.isError(length) ? null : memory._module.HEAPU8.slice(output.ptr, output.ptr + length);
  } finally {
    memory.free(output);
    memory.free(input);
  }
}
export function* needZstd(): Io<void> {
  if (!zstd || !unpacker) yield* wait(loadZstd());
}
export const damaged = (what: string) => new FaultError("image.compressed", `Compressed data of ${what} is damaged.`, "The image file is corrupt, or was not copied completely.");

export function zstdCompress(bytes: Uint8Array, level = 3): Uint8Array {
  // ZSTD_compressBound, as the format's header file gives it, and room to spare.
  const room = bytes.length + (bytes.length >> 8) + 1024;
  const packed = run(bytes, room, (c, to, at) => c.compress(to, room, at, bytes.length, level));
  if (!packed) throw new Error("zstd could not compress");
  return packed;
}
/** Unpacks one frame of exactly `length` bytes; padding after the frame is cut off first. */
export function zstdDecompress(bytes: Uint8Array, length: number, what: string): Uint8Array {
  let frame: Uint8Array;
  try {
    frame = bytes.subarray(0, frameLength(bytes));
  } catch {
    throw damaged(what);
  }
  // Room for one byte more tells a frame that is too long.
  if (!unpacker) throw new Error("zstd is not loaded");
  // An error's code is a negative length, which cuts nothing out of the buffer.
  const out = unpacker.decode(frame, length + 1);
  if (out.length !== length) throw damaged(what);
  return out;
}
/** Length of the Zstandard frame at the start (RFC 8878, 3.1.1): qcow2 pads it to whole sectors. */
function frameLength(bytes: Uint8Array): number {
  const at = (n: number) => {
    const value = bytes[n];
    if (value === undefined) throw new Error("short frame");
    return value;
  };
  if (at(0) !== 0x28 || at(1) !== 0xb5 || at(2) !== 0x2f || at(3) !== 0xfd) throw new Error("no frame");
  const descriptor = at(4);
  const single = (descriptor & 0x20) !== 0;
  let n = 5 + (single ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number);
  const sizeFlag = descriptor >> 6;
  n += sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag;
  for (;;) {
    const head = at(n) | (at(n + 1) << 8) | (at(n + 2) << 16);
    n += 3;
    const type = (head >> 1) & 3;
    if (type === 3) throw new Error("reserved block");
    n += type === 1 ? 1 : head >> 3;
    if (head & 1) break;
  }
  if (descriptor & 4) n += 4;
  if (n > bytes.length) throw new Error("short frame");
  return n;
}
