// A file of the host as a ByteFile, read and written at once. Node only. Left out: locking against other programs.

import { closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { FaultError } from "../../src/contract/schema.ts";
import { dirname, isAbsolute, join } from "node:path";
import { type ByteFile, readOnlyFault } from "./byte-file.ts";
import type { Surroundings } from "./formats/index.ts";
import type { Io } from "./io.ts";

/** Says in a sentence why a file cannot be opened. */
export function fileFault(path: string, error: unknown): FaultError {
  const code = (error as { readonly code?: string }).code ?? "error";
  const why: { readonly [code: string]: string } = {
    ENOENT: "there is no such file",
    EACCES: "permission is denied",
    EPERM: "permission is denied",
    EISDIR: "it is a directory",
    EROFS: "the file system is read-only",
  };
  return new FaultError("file.open", `Cannot open ${path}: ${why[code] ?? code}.`, code === "ENOENT" ? "Check the path; it is relative to the current directory." : undefined);
}

export class NodeFile implements ByteFile {
  readonly name: string;
  readonly sync = true;
  readonly readOnly: boolean;
  #file: number;
  #size: number;
  constructor(path: string, mode: "read" | "write" | "create") {
    this.name = path;
    this.readOnly = mode === "read";
    try {
      this.#file = openSync(path, mode === "read" ? constants.O_RDONLY : mode === "write" ? constants.O_RDWR : constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o644);
    } catch (error) {
      throw fileFault(path, error);
    }
    const stat = fstatSync(this.#file);
    if (stat.isDirectory()) {
      closeSync(this.#file);
      throw fileFault(path, { code: "EISDIR" });
    }
    this.#size = stat.size;
  }
  get size(): number {
    return this.#size;
  }
  *read(at: number, into: Uint8Array): Io<void> {
    let done = 0;
    while (done < into.length) {
      const n = readSync(this.#file, into, done, into.length - done, at + done);
      if (n === 0) {
        into.fill(0, done);
        return;
      }
      done += n;
    }
  }
  *write(at: number, from: Uint8Array): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.name);
    let done = 0;
    try {
      while (done < from.length) done += writeSync(this.#file, from, done, from.length - done, at + done);
    } catch (error) {
      if ((error as { readonly code?: string }).code === "ENOSPC") throw new FaultError("block.space", `There is no space left for ${this.name}.`, "Free some space; what was flushed before is intact.");
      throw error;
    }
    this.#size = Math.max(this.#size, at + from.length);
  }
  *truncate(size: number): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.name);
    ftruncateSync(this.#file, size);
    this.#size = size;
  }
  *flush(): Io<void> {
    if (!this.readOnly) fdatasyncSync(this.#file);
  }
  *close(): Io<void> {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }
  allocated(): number {
    return fstatSync(this.#file).blocks * 512;
  }
}
/** Other files of an image lie where their names say, seen from the image's own directory. */
export const nodeSurroundings: Surroundings = {
  *open(name, from, readOnly) {
    return new NodeFile(isAbsolute(name) ? name : join(dirname(from.name), name), readOnly ? "read" : "write");
  },
};
