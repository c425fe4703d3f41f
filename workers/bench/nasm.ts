// One run of NASM (images/nasm, ADR 0015) on a fresh instance: a source in, bytes, listing and messages out. Its files live in memory behind WASI
// preview 1; what it may write is limited here, its memory by the module itself (128 MiB). A source that never ends is ended by whoever owns the worker.

import { ConsoleStdout, File, type Inode, OpenFile, PreopenDirectory, WASI, WASIProcExit } from "@bjorn3/browser_wasi_shim";
import type { Assembly, AssemblyRequest, SourceMessage } from "../../src/contract/assembly.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { readListing } from "./listing.ts";

const SOURCE = "bench.asm";
/** A program of the bench is loaded into 448 KiB; a listing has some forty characters for each line. */
export const MOST_OUTPUT = 1 << 20;
const MOST_LISTING = 32 << 20;
const MOST_SAID = 256 << 10;
const MOST_MESSAGES = 200;
const NO_SPACE = 51;

class LimitedFile extends File {
  full = false;
  readonly most: number;
  constructor(most: number) {
    super([]);
    this.most = most;
  }
  override path_open(oflags: number, rights: bigint, flags: number) {
    const opened = super.path_open(oflags, rights, flags);
    if (opened.fd_obj) {
      const inner = opened.fd_obj;
      const write = inner.fd_write.bind(inner);
      inner.fd_write = (data: Uint8Array) => {
        if (Number(inner.file_pos) + data.length > this.most) {
          this.full = true;
          throw new Full();
        }
        return write(data);
      };
      inner.fd_allocate = () => NO_SPACE;
      inner.fd_pwrite = () => ({ ret: NO_SPACE, nwritten: 0 });
      inner.fd_filestat_set_size = () => NO_SPACE;
    }
    return opened as { ret: number; fd_obj: OpenFile };
  }
}
/** NASM removes a listing before it writes it; ours stays, with its limit. */
class Folder extends PreopenDirectory {
  override path_unlink_file(): number {
    return 0;
  }
}
/** Ends a run whose output is larger than anything that the bench could load. */
class Full extends Error {}

export function assemble(module: WebAssembly.Module, request: AssemblyRequest): Assembly {
  const out = new LimitedFile(MOST_OUTPUT);
  const list = new LimitedFile(MOST_LISTING);
  const map = new LimitedFile(MOST_LISTING);
  const files = new Map<string, Inode>();
  for (const [name, bytes] of Object.entries(request.files ?? {})) files.set(name, new File(bytes, { readonly: true }));
  files.set(SOURCE, new File(new TextEncoder().encode(request.source.endsWith("\n") ? request.source : `${request.source}\n`), { readonly: true }));
  files.set("out.bin", out);
  files.set("out.lst", list);
  files.set("out.map", map);
  const said: string[] = [];
  let heard = 0;
  const decoder = new TextDecoder();
  const hear = new ConsoleStdout((bytes) => {
    heard += bytes.length;
    if (heard <= MOST_SAID) said.push(decoder.decode(bytes, { stream: true }));
  });
  const before = [...(request.before ?? []), "[map sections symbols out.map]"].flatMap((b) => ["--before", b]);
  const wasi = new WASI(
    ["nasm", "-f", "bin", "-o", "out.bin", "-l", "out.lst", ...before, SOURCE],
    [],
    [new OpenFile(new File([])), hear, hear, new Folder(".", files)],
    { debug: false },
  );
  const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi.wasiImport as WebAssembly.ModuleImports });
  let status: number;
  try {
    status = wasi.start(instance as unknown as Parameters<typeof wasi.start>[0]);
  } catch (error) {
    if (error instanceof Full) {
      if (out.full) throw new FaultError("bench.large", `The program is larger than ${MOST_OUTPUT / 1024} KiB.`, "Look at times, resb and align: their counts are in bytes.");
      throw new FaultError("bench.listing", "The source becomes too many lines.", "Look at %rep and at macros that call themselves.");
    }
    if (error instanceof WASIProcExit) status = error.code;
    else if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) throw new FaultError("bench.assembler", `The assembler stopped: ${error.message}.`, "Look for %rep and times with large counts, and for macros that call themselves.");
    else throw error;
  }
  const messages = readMessages(said.join(""));
  if (status !== 0 && !messages.some((m) => m.severity === "error")) messages.push({ line: null, severity: "error", message: said.join("").trim().split("\n").at(-1) || `nasm: ${status}` });
  const failed = status !== 0;
  const text = (file: File) => new TextDecoder().decode(file.data);
  if (failed) return { bytes: null, origin: 0, rows: [], symbols: [], messages };
  const bytes = out.data.slice();
  return { bytes, ...readListing(text(list), text(map)), messages };
}
/** "bench.asm:3: error: …"; what is said about a macro's inside stands at the line that calls it, and at the macro's own as a line more. */
export function readMessages(said: string): SourceMessage[] {
  const messages: SourceMessage[] = [];
  for (const line of said.split("\n")) {
    if (line.trim() === "" || messages.length >= MOST_MESSAGES) continue;
    const [, file, number, kind, words] = /^(?:([^:]+):(\d+): )?(?:nasm: )?(error|warning|fatal|panic|critical|note|debug|\.\.\.): ?(.*)$/.exec(line) ?? [];
    const where = file === SOURCE ? Number(number) : null;
    const last = messages.at(-1);
    if (kind === undefined || kind === "..." || kind === "note" || kind === "debug") {
      // It goes on about the message before.
      if (last) messages[messages.length - 1] = { ...last, message: `${last.message}\n${line.replace(/^[^:]+:(\d+): \.*\s*/, "$1: ")}` };
      continue;
    }
    const message = file !== undefined && where === null ? `${file}:${number}: ${words}` : (words ?? "");
    messages.push({ line: where, severity: kind === "warning" ? "warning" : "error", message });
  }
  return messages;
}
