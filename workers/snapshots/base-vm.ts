// A saved machine that many stand on: the one that a guest of this site continues from. It is known by its hash, and its chunks of RAM have the
// same names in every library, so that snapshots and links share them.

import type { Chunks } from "./ram-keeper.ts";

export interface BaseVm {
  readonly source: string;
  readonly sha256: string;
  readonly chunks: Chunks;
}
/** Gives its chunks their names. */
export function named(base: BaseVm): BaseVm {
  for (const [n, packed] of base.chunks) packed.name ??= baseName(base, n);
  return base;
}
/** Key of one of its chunks in the library's store of RAM. */
export function baseName(base: BaseVm, chunk: number): string {
  return `${base.sha256.slice(0, 16)}.${chunk}`;
}
