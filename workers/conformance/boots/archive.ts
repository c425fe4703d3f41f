// Files as a cpio archive (newc), gzip-compressed, that Linux unpacks over the first one of an initrd; and an initrd with one behind it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { root } from "./stage.ts";

/** Path in the guest (without a first slash) to content; all may be executed. Folders are made. */
export function archive(files: ReadonlyMap<string, Uint8Array>): Buffer {
  let inode = 1;
  const entry = (path: string, mode: number, data: Uint8Array) => {
    const hex = (n: number) => n.toString(16).padStart(8, "0");
    const head = `070701${[inode++, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, path.length + 1, 0].map(hex).join("")}${path}\0`;
    const pad = (n: number) => Buffer.alloc((4 - (n % 4)) % 4);
    return Buffer.concat([Buffer.from(head), pad(head.length), data, pad(data.length)]);
  };
  const none = new Uint8Array(0);
  const folders = new Set<string>();
  for (const path of files.keys()) for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) folders.add(path.slice(0, at));
  return gzipSync(Buffer.concat([...[...folders].sort().map((f) => entry(f, 0o40755, none)), ...[...files].map(([path, data]) => entry(path, 0o100755, data)), entry("TRAILER!!!", 0, none)]));
}
/** Files of a gzipped newc archive: path to content. */
export function readArchive(packed: Uint8Array): Map<string, Uint8Array> {
  const bytes = gunzipSync(packed);
  const files = new Map<string, Uint8Array>();
  for (let at = 0; bytes.toString("latin1", at, at + 6) === "070701"; ) {
    const field = (n: number) => Number.parseInt(bytes.toString("latin1", at + 6 + n * 8, at + 14 + n * 8), 16);
    const [mode, size, named] = [field(1), field(6), field(11)];
    const path = bytes.toString("utf8", at + 110, at + 110 + named - 1);
    if (path === "TRAILER!!!") break;
    const from = (at + 110 + named + 3) & ~3;
    if (mode >> 12 === 8) files.set(path, bytes.subarray(from, from + size));
    at = (from + size + 3) & ~3;
  }
  return files;
}
/** The guest's initrd with these files added, written to `to`. */
export function extendInitrd(guest: string, files: ReadonlyMap<string, Uint8Array>, to: string): void {
  const own = readFileSync(join(root, `images/${guest}/build/initrd.gz`));
  writeFileSync(to, Buffer.concat([own, Buffer.alloc((4 - (own.length % 4)) % 4), files.size ? archive(files) : Buffer.alloc(0)]));
}
