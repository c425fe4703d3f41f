// Files as a cpio archive (newc), gzip-compressed, that Linux unpacks over the first one of an initrd; and an initrd with one behind it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
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
/** The guest's initrd with these files added, written to `to`. */
export function extendInitrd(guest: string, files: ReadonlyMap<string, Uint8Array>, to: string): void {
  const own = readFileSync(join(root, `images/${guest}/build/initrd.gz`));
  writeFileSync(to, Buffer.concat([own, Buffer.alloc((4 - (own.length % 4)) % 4), files.size ? archive(files) : Buffer.alloc(0)]));
}
