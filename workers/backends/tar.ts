// Tar archives (POSIX ustar) through tar-stream.

import { pack } from "tar-stream";

export interface TarFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}
/** The archive in pieces. */
export async function makeTar(files: Iterable<TarFile> | AsyncIterable<TarFile>, mtime = new Date()): Promise<Uint8Array[]> {
  const archive = pack();
  const parts: Uint8Array[] = [];
  const read = (async () => {
    for await (const part of archive as AsyncIterable<Uint8Array>) parts.push(part);
  })();
  for await (const { name, bytes } of files) await new Promise<void>((resolve, reject) => archive.entry({ name, size: bytes.length, mtime, mode: 0o644 }, bytes as never, (error) => (error ? reject(error) : resolve())));
  archive.finalize();
  await read;
  return parts;
}
