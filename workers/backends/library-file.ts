// A file of the browser's library as a ByteFile: written chunks of 64 KiB in IndexedDB over the file as it was added. Writes gather in memory; a
// flush is one strict transaction, so that after a crash the file is as at the last flush or a later commit, never in between. A Web Lock keeps
// other tabs and machines from writing the same file. Left out: giving chunks of zeros back.

import { FaultError } from "../../src/contract/schema.ts";
import { CHUNK_BYTES, contentOf, diskLock, dropLayer, type Library, newId, openLibrary, overlayId, storageReason } from "../../src/contract/storage.ts";
import type { BlockBackend } from "../platform/types.ts";
import { blobFile } from "./block-remote.ts";
import { type ByteFile, readOnlyFault } from "./byte-file.ts";
import { type Io, wait } from "./io.ts";

/** Clean chunks kept in memory: 32 MiB. */
const KEPT = 512;
/** Dirty chunks before they are written without being asked: 16 MiB, or two seconds. */
const MOST_DIRTY = 256;
const COMMIT_MS = 2000;

/** Holds the lock of a library file until `release` is called; null when somebody else has it. */
async function takeLock(image: string): Promise<(() => void) | null> {
  const locks = (globalThis as { readonly navigator?: { readonly locks?: LockManager } }).navigator?.locks;
  if (!locks) return () => {};
  return new Promise((resolve, reject) => {
    locks
      .request(diskLock(image), { ifAvailable: true }, (lock) => {
        if (!lock) return void resolve(null);
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}
function full(name: string, error: unknown): FaultError {
  return new FaultError("library.full", `${name} could not be written: ${storageReason(error)}.`, "Delete files or snapshots, or free space on the disk; what was flushed before is intact.");
}

export class LibraryFile implements ByteFile {
  readonly name: string;
  readonly image: string;
  readonly sync = false;
  readonly readOnly: boolean;
  readonly #db: Library;
  readonly #base: ByteFile;
  readonly #release: () => void;
  #layer: string | null;
  #size: number;
  #sizeStored: number;
  /** Which layer holds a chunk. */
  #where = new Map<number, string>();
  readonly #clean = new Map<number, Uint8Array>();
  readonly #dirty = new Map<number, Uint8Array>();
  /** Written since the commit under way began. */
  readonly #touched = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #committing: Promise<void> = Promise.resolve();
  /**
   * Asked when what was written cannot be stored: resolves with true when it shall be tried again (QEMU's werror=enospc stops the machine until
   * then). What was written stays in memory. Without it the write or flush fails.
   */
  onFull: ((fault: FaultError) => Promise<boolean>) | null = null;

  private constructor(db: Library, name: string, image: string, base: ByteFile, layer: string | null, readOnly: boolean, release: () => void) {
    this.#db = db;
    this.name = name;
    this.image = image;
    this.#base = base;
    this.#layer = layer;
    this.readOnly = readOnly;
    this.#release = release;
    this.#size = this.#sizeStored = base.size;
  }
  /** `base`: what the row was written over, where that is not in the library. */
  static async open(image: string, readOnly: boolean, base?: ByteFile): Promise<LibraryFile> {
    const db = await openLibrary();
    const row = await db.get("images", image);
    if (!row || row.gone) throw new FaultError("source.library", `The file "${image}" is not in this browser's library.`, "Add the file again, then choose it in the settings.");
    const release = readOnly ? () => {} : await takeLock(image);
    if (!release) throw new FaultError("disk.busy", `${row.name} is in use by another machine or tab.`, "Turn that machine off, or make the disk read only here.");
    try {
      const holder = row.of === undefined ? row : await db.get("images", row.of);
      const blob = base || !holder ? undefined : await contentOf(db, holder);
      if (!base && !blob) throw new FaultError("library.damaged", `A part of ${row.name} is missing in the library.`, "Restore the file from a copy.");
      const file = new LibraryFile(db, row.name, image, base ?? blobFile(blob as Blob, row.name), row.layer ?? null, readOnly, release);
      await file.#index();
      return file;
    } catch (error) {
      release();
      throw error;
    }
  }
  /** What drive `at` of a machine wrote over `base`, the file that `source` names: kept under an id of its own. */
  static async openOverlay(machine: string, at: string, source: string, base: ByteFile, fingerprint: string): Promise<LibraryFile> {
    const id = overlayId(machine, at, source);
    const db = await openLibrary();
    const row = await db.get("images", id);
    if (!row) await db.put("images", { id, name: source, size: base.size, addedAt: Date.now(), over: { machine, at, source, fingerprint } });
    else if (row.over?.fingerprint !== fingerprint)
      throw new FaultError("disk.base-changed", `${source} is another file than the one that this machine wrote over.`, "Bring the old file back, or give the drive a new disk: what was written cannot be read without it.");
    return LibraryFile.open(id, false, base);
  }
  /** Chunks that hold anything but what was added first, or (all) anything but zeros. Read when everything is written. */
  writtenChunks(): readonly number[] {
    return [...this.#where.keys()].sort((a, b) => a - b);
  }
  async #index(): Promise<void> {
    this.#where = new Map();
    this.#clean.clear();
    this.#size = this.#base.size;
    const seen = new Set<string>();
    for (let id = this.#layer, top = true; id !== null; top = false) {
      if (seen.has(id)) throw new Error("layers form a loop");
      seen.add(id);
      const row = await this.#db.get("layers", id);
      if (!row) throw new FaultError("library.damaged", `A part of ${this.name} is missing in the library.`, "Restore the file from a copy.");
      if (top) this.#size = row.size;
      for (const key of await this.#db.getAllKeys("chunks", IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]))) if (!this.#where.has(key[1])) this.#where.set(key[1], id);
      id = row.parent;
    }
    this.#sizeStored = this.#size;
  }
  get size(): number {
    return this.#size;
  }
  get layer(): string | null {
    return this.#layer;
  }
  *#chunk(index: number): Io<Uint8Array> {
    const dirty = this.#dirty.get(index);
    if (dirty) return dirty;
    const known = this.#clean.get(index);
    if (known) {
      this.#clean.delete(index);
      this.#clean.set(index, known);
      return known;
    }
    const layer = this.#where.get(index);
    let bytes: Uint8Array;
    if (layer !== undefined) {
      const stored = yield* wait(this.#db.get("chunks", [layer, index]));
      if (stored?.length !== CHUNK_BYTES) throw new FaultError("library.damaged", `A part of ${this.name} is missing in the library.`, "Restore the file from a copy.");
      bytes = stored;
    } else {
      bytes = new Uint8Array(CHUNK_BYTES);
      yield* this.#base.read(index * CHUNK_BYTES, bytes);
    }
    this.#keep(index, bytes);
    return bytes;
  }
  #keep(index: number, bytes: Uint8Array): void {
    if (this.#clean.size >= KEPT) this.#clean.delete(this.#clean.keys().next().value as number);
    this.#clean.set(index, bytes);
  }
  *read(at: number, into: Uint8Array): Io<void> {
    for (let done = 0; done < into.length; ) {
      const within = (at + done) % CHUNK_BYTES;
      const n = Math.min(into.length - done, CHUNK_BYTES - within);
      if (at + done >= this.#size) into.fill(0, done, done + n);
      else into.set((yield* this.#chunk(Math.floor((at + done) / CHUNK_BYTES))).subarray(within, within + n), done);
      done += n;
    }
  }
  *write(at: number, from: Uint8Array): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.name);
    for (let done = 0; done < from.length; ) {
      const index = Math.floor((at + done) / CHUNK_BYTES);
      const within = (at + done) % CHUNK_BYTES;
      const n = Math.min(from.length - done, CHUNK_BYTES - within);
      let chunk = this.#dirty.get(index);
      if (!chunk) {
        chunk = n === CHUNK_BYTES ? new Uint8Array(CHUNK_BYTES) : (yield* this.#chunk(index)).slice();
        this.#clean.delete(index);
        this.#dirty.set(index, chunk);
      }
      chunk.set(from.subarray(done, done + n), within);
      this.#touched.add(index);
      done += n;
    }
    this.#size = Math.max(this.#size, at + from.length);
    if (this.#dirty.size >= MOST_DIRTY) yield* wait(this.#committed("relaxed"));
    else this.#timer ??= setTimeout(() => void this.#committed("relaxed").catch(() => {}), COMMIT_MS);
  }
  *truncate(size: number): Io<void> {
    if (this.readOnly) throw readOnlyFault(this.name);
    if (size < this.#size) {
      const end = Math.ceil(this.#size / CHUNK_BYTES);
      for (let index = Math.ceil(size / CHUNK_BYTES); index < end; index++) if (this.#where.has(index) || this.#dirty.has(index) || index * CHUNK_BYTES < this.#base.size) yield* this.write(index * CHUNK_BYTES, new Uint8Array(CHUNK_BYTES));
      if (size % CHUNK_BYTES) yield* this.write(size, new Uint8Array(CHUNK_BYTES - (size % CHUNK_BYTES)));
    }
    this.#size = size;
  }
  *flush(): Io<void> {
    if (!this.readOnly) yield* wait(this.#committed("strict"));
  }
  async #committed(durability: "strict" | "relaxed"): Promise<void> {
    for (;;)
      try {
        return await this.commit(durability);
      } catch (error) {
        if (!(error instanceof FaultError) || !this.onFull || !(await this.onFull(error))) throw error;
      }
  }
  /** Everything written so far, in one transaction. "strict": on the disk when it returns. */
  commit(durability: "strict" | "relaxed"): Promise<void> {
    const done = this.#committing.then(() => this.#commitNow(durability));
    this.#committing = done.catch(() => {});
    return done;
  }
  async #commitNow(durability: "strict" | "relaxed"): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const changed = [...this.#dirty];
    this.#touched.clear();
    if (changed.length === 0 && this.#size === this.#sizeStored) return;
    const size = this.#size;
    const fresh = this.#layer === null;
    const layer = this.#layer ?? newId();
    try {
      const tx = this.#db.transaction(["images", "layers", "chunks"], "readwrite", { durability });
      const chunks = tx.objectStore("chunks");
      // A copy: the guest may write on while this is under way.
      const puts: Promise<unknown>[] = changed.map(([index, bytes]) => chunks.put(bytes.slice(), [layer, index]));
      if (fresh) {
        const row = await tx.objectStore("images").get(this.image);
        if (!row) throw new Error("the file was deleted");
        puts.push(tx.objectStore("images").put({ ...row, layer, size }), tx.objectStore("layers").put({ id: layer, image: this.image, parent: null, size }));
      } else if (size !== this.#sizeStored) {
        const row = await tx.objectStore("layers").get(layer);
        const own = await tx.objectStore("images").get(this.image);
        if (row) puts.push(tx.objectStore("layers").put({ ...row, size }));
        if (own) puts.push(tx.objectStore("images").put({ ...own, size }));
      }
      await Promise.all([...puts, tx.done]);
    } catch (error) {
      throw full(this.name, error);
    }
    this.#layer = layer;
    this.#sizeStored = size;
    for (const [index, bytes] of changed) {
      this.#where.set(index, layer);
      // Written again meanwhile? Then it stays dirty.
      if (!this.#touched.has(index)) {
        this.#dirty.delete(index);
        this.#keep(index, bytes);
      }
    }
  }
  /** What is written so far stays as it is in a layer of its own, which is returned (null: nothing was ever written). Writes go to a new one. */
  async freeze(): Promise<string | null> {
    await this.commit("strict");
    const frozen = this.#layer;
    if (frozen !== null) await this.#switch(frozen);
    return frozen;
  }
  /** The file is again as a frozen layer has it. */
  async revert(layer: string | null): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#committing;
    this.#dirty.clear();
    await this.#switch(layer);
  }
  async #switch(parent: string | null): Promise<void> {
    const old = this.#layer;
    const tx = this.#db.transaction(["images", "layers"], "readwrite", { durability: "strict" });
    const row = await tx.objectStore("images").get(this.image);
    if (!row) throw new FaultError("source.library", `${this.name} was deleted from the library.`);
    const below = parent === null ? null : await tx.objectStore("layers").get(parent);
    if (below === undefined) throw new FaultError("library.damaged", `A part of ${this.name} is missing in the library.`, "Restore the file from a copy.");
    const layer = below === null ? null : newId();
    try {
      if (layer !== null && below !== null) await tx.objectStore("layers").put({ id: layer, image: this.image, parent, size: below.size });
      await tx.objectStore("images").put({ ...row, layer, size: below?.size ?? this.#base.size });
      await tx.done;
    } catch (error) {
      throw full(this.name, error);
    }
    this.#layer = layer;
    await this.#index();
    if (old !== null && old !== parent) await dropLayer(this.#db, old);
  }
  *close(): Io<void> {
    if (!this.readOnly) yield* wait(this.commit("strict"));
    this.#release();
  }
}

/** A drive over a library file that can be frozen and taken back: the image in it is opened anew each time. */
export class LibraryDisk implements BlockBackend {
  readonly readOnly = false;
  readonly file: LibraryFile;
  readonly sectors: number;
  readonly #open: (file: LibraryFile) => Promise<BlockBackend>;
  #inner: BlockBackend;
  private constructor(file: LibraryFile, inner: BlockBackend, open: (file: LibraryFile) => Promise<BlockBackend>) {
    this.file = file;
    this.#inner = inner;
    this.sectors = inner.sectors;
    this.#open = open;
  }
  static async open(file: LibraryFile, open: (file: LibraryFile) => Promise<BlockBackend>): Promise<LibraryDisk> {
    return new LibraryDisk(file, await open(file), open);
  }
  read(sector: number, into: Uint8Array): Promise<void> {
    return this.#inner.read(sector, into);
  }
  write(sector: number, from: Uint8Array): Promise<void> {
    return this.#inner.write(sector, from);
  }
  flush(): Promise<void> {
    return this.#inner.flush();
  }
  /** A flush for somebody else than the guest: it fails when storage is full, and does not wait for better times. */
  async settle(): Promise<void> {
    const { onFull } = this.file;
    this.file.onFull = null;
    try {
      await this.#inner.flush();
    } finally {
      this.file.onFull = onFull;
    }
  }
  /** The layer that holds the disk as it is now. */
  async freeze(): Promise<string | null> {
    await this.settle();
    return this.file.freeze();
  }
  async revert(layer: string | null): Promise<void> {
    await this.file.revert(layer);
    this.#inner = await this.#open(this.file);
  }
}
