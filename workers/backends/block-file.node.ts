// A disk in a file, read and written at once (so that machines driven by instructions stay repeatable). Node only.
// Left out: locking against other programs.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { FaultError } from "../../src/contract/schema.ts";
import type { BlockBackend } from "../platform/types.ts";
import { SECTOR, sectorsOf } from "./block-memory.ts";

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

export class FileBlock implements BlockBackend {
  readonly sectors: number;
  readonly readOnly: boolean;
  readonly #file: number;

  constructor(path: string, readOnly: boolean) {
    try {
      this.#file = openSync(path, readOnly ? "r" : "r+");
    } catch (error) {
      throw fileFault(path, error);
    }
    this.readOnly = readOnly;
    const stat = fstatSync(this.#file);
    if (stat.isDirectory()) {
      closeSync(this.#file);
      throw fileFault(path, { code: "EISDIR" });
    }
    this.sectors = sectorsOf(stat.size, path);
  }
  readSync(sector: number, into: Uint8Array): void {
    let done = 0;
    while (done < into.length) {
      const n = readSync(this.#file, into, done, into.length - done, sector * SECTOR + done);
      if (n === 0) throw new Error("the file ended early");
      done += n;
    }
  }
  writeSync(sector: number, from: Uint8Array): void {
    let done = 0;
    while (done < from.length) done += writeSync(this.#file, from, done, from.length - done, sector * SECTOR + done);
  }
  async read(sector: number, into: Uint8Array): Promise<void> {
    this.readSync(sector, into);
  }
  async write(sector: number, from: Uint8Array): Promise<void> {
    this.writeSync(sector, from);
  }
  async flush(): Promise<void> {
    if (!this.readOnly) fsyncSync(this.#file);
  }
  close(): void {
    closeSync(this.#file);
  }
}
