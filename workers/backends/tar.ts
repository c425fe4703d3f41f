// Tar archives (POSIX ustar) through tar-stream.

import { extract, pack } from "tar-stream";
import { FaultError } from "../../src/contract/schema.ts";

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
/** The plain files of an archive. Their contents stay with the browser, which may keep them on disk. */
export async function readTar(archive: Blob, what: string): Promise<readonly { readonly name: string; readonly blob: Blob }[]> {
  const found: { readonly name: string; readonly blob: Blob }[] = [];
  const parser = extract();
  const done = new Promise<void>((resolve, reject) => {
    parser.on("entry", (header, contents, next) => {
      const parts: Uint8Array[] = [];
      contents.on("data", (part: unknown) => void parts.push((part as Uint8Array).slice()));
      contents.on("end", () => {
        if (header.type === "file" || header.type === "contiguous-file") found.push({ name: header.name, blob: new Blob(parts as BlobPart[]) });
        next();
      });
      contents.on("error", reject);
    });
    parser.on("finish", resolve);
    parser.on("error", reject);
  });
  const feed = async () => {
    const reader = archive.stream().getReader();
    for (;;) {
      const { done: end, value } = await reader.read();
      if (end) break;
      if (!parser.write(value as never)) await Promise.race([new Promise<void>((resolve) => parser.once("drain", () => resolve())), done]);
    }
    (parser as unknown as { end(): void }).end();
    await done;
  };
  try {
    await feed();
  } catch (error) {
    throw new FaultError("tar.bad", `${what} cannot be read: ${error instanceof Error ? error.message : String(error)}.`, "It may be damaged, or was not copied completely.");
  }
  return found;
}
