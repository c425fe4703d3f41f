// qemu-img over the browser's library: a path is the name of a file there (or its id). What it creates is a new file of the library.

import { FaultError } from "../../src/contract/schema.ts";
import { newId, openLibrary } from "../../src/contract/storage.ts";
import { type ByteFile, MemoryFile } from "../backends/byte-file.ts";
import { type Io, later, wait } from "../backends/io.ts";
import { LibraryFile } from "../backends/library-file.ts";
import type { ImgHost } from "./host.ts";
import { img } from "./index.ts";

async function find(path: string): Promise<string | null> {
  const rows = await (await openLibrary()).getAll("images");
  return (rows.find((r) => r.id === path) ?? rows.filter((r) => r.name === path).sort((a, b) => b.addedAt - a.addedAt)[0])?.id ?? null;
}
async function openFile(path: string, mode: "read" | "write" | "create"): Promise<ByteFile> {
  let id = await find(path);
  if (id === null && mode !== "create") throw new FaultError("file.open", `Cannot open ${path}: there is no such file.`);
  if (id === null) {
    id = newId();
    const layer = newId();
    const tx = (await openLibrary()).transaction(["images", "layers"], "readwrite");
    await Promise.all([tx.objectStore("images").put({ id, name: path, size: 0, addedAt: Date.now(), layer, blob: new Blob([]) }), tx.objectStore("layers").put({ id: layer, image: id, parent: null, size: 0 }), tx.done]);
  }
  return LibraryFile.open(id, mode === "read");
}
export function libraryHost(out: (text: string) => void, err: (text: string) => void): ImgHost {
  return {
    *open(path, mode): Io<ByteFile> {
      return yield* wait(openFile(path, mode));
    },
    around: {
      *open(name, _from, readOnly): Io<ByteFile> {
        return yield* wait(openFile(name, readOnly ? "read" : "write"));
      },
    },
    out,
    err,
    dateMs: () => Date.now(),
    random: () => crypto.getRandomValues(new Uint8Array(16)),
  };
}
export interface ImgAnswer {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}
/** `heard` is told what it prints as it prints it. */
export async function imgInLibrary(words: readonly string[], heard: (text: string) => void = () => {}): Promise<ImgAnswer> {
  let out = "";
  let err = "";
  const status = await later(img(words, libraryHost((t) => { out += t; heard(t); }, (t) => { err += t; })));
  return { status, out, err };
}
const PIECE = 4 << 20;
/** A file of the library in another format, or as it is ("" ). */
export async function exportFile(id: string, format: string, options: readonly string[] = []): Promise<Blob> {
  if (format === "") {
    const file = await LibraryFile.open(id, true);
    const parts: Blob[] = [];
    for (let at = 0; at < file.size; at += PIECE) {
      const bytes = new Uint8Array(Math.min(PIECE, file.size - at));
      await later(file.read(at, bytes));
      parts.push(new Blob([bytes]));
    }
    return new Blob(parts, { type: "application/octet-stream" });
  }
  const target = new MemoryFile(undefined, false, "export");
  let err = "";
  const host = libraryHost(() => {}, (text) => {
    err += text;
  });
  const status = await later(
    img(["convert", "-O", format, ...options, id, "export"], {
      ...host,
      *open(path, mode): Io<ByteFile> {
        return path === "export" ? target : yield* host.open(path, mode);
      },
    }),
  );
  if (status !== 0) throw new FaultError("image.export", err.replace(/^qemu-img: /, "").trim() || "The file could not be converted.");
  return new Blob([target.bytes.slice()], { type: "application/octet-stream" });
}
