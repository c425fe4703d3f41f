// The files that a person names in a terminal, for drives and for `guesthouse img`: paths, and what lies on web servers ("https://…",
// "chunks:https://…"), which is only read. Also the other files of an image (backing files, extents), which may lie there too.

import { FaultError } from "../../src/contract/schema.ts";
import { NodeFile, nodeSurroundings } from "../backends/byte-file.node.ts";
import { type ByteFile, readOnlyFault } from "../backends/byte-file.ts";
import { httpFile, type RemoteOptions } from "../backends/block-remote.ts";
import type { Surroundings } from "../backends/formats/index.ts";
import { type Io, wait } from "../backends/io.ts";
import { hostedFile } from "./hosted-file.ts";

const CHUNKS = "chunks:";
export function remoteFile(name: string, options?: RemoteOptions): Promise<ByteFile> | null {
  if (/^https?:\/\//.test(name)) return httpFile(name, options);
  return name.startsWith(CHUNKS) ? hostedFile(name.slice(CHUNKS.length), options) : null;
}
export function* namedFile(name: string, mode: "read" | "write" | "create", options?: RemoteOptions): Io<ByteFile> {
  if (mode !== "read" && /^(https?:\/\/|chunks:)/.test(name)) throw readOnlyFault(name);
  const remote = remoteFile(name, options);
  return remote ? yield* wait(remote) : new NodeFile(name, mode);
}
/** Other files of an image lie where their names say: of one on a web server, on that server, never on this computer. */
export function namedSurroundings(options?: RemoteOptions): Surroundings {
  return {
    *open(name, from, readOnly) {
      const away = /^https?:\/\//.test(from.name);
      const beside = away && !name.startsWith(CHUNKS) && URL.canParse(name, from.name) ? new URL(name, from.name).href : name;
      const remote = remoteFile(beside, options);
      if (!remote && away) throw new FaultError("image.foreign", `${from.name} names "${name}", a file of this computer.`, "An image of a web server may only stand on others there.");
      if (!remote) return yield* nodeSurroundings.open(name, from, readOnly);
      if (!readOnly) throw readOnlyFault(beside);
      return yield* wait(remote);
    },
  };
}
