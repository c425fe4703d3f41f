// `guesthouse img …` over files of the terminal's directory.

import { randomBytes } from "node:crypto";
import { writeAll } from "../backends/bytes.node.ts";
import { later } from "../backends/io.ts";
import { namedFile, namedSurroundings } from "../snapshots/named-file.node.ts";
import { img } from "./index.ts";
import type { ImgHost } from "./host.ts";

export const nodeImgHost: ImgHost = {
  open: (path, mode) => namedFile(path, mode),
  around: namedSurroundings(),
  out: (text) => writeAll(1, new TextEncoder().encode(text)),
  err: (text) => writeAll(2, new TextEncoder().encode(text)),
  dateMs: () => Date.now(),
  random: () => new Uint8Array(randomBytes(16)),
};
export function imgMain(words: readonly string[]): Promise<number> {
  return later(img(words, nodeImgHost));
}
