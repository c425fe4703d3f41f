// A person's file on its way into the library: in pieces, each stored with the count of what has arrived, so that an import can pause, go on,
// and go on after the tab was closed (the person chooses the file once more, since a page cannot keep it open). Small files go in at once.

import { FaultError } from "../contract/schema.ts";
import { type ImageRow, type Library, newId, PIECE_BYTES, storageReason } from "../contract/storage.ts";

/** What a run of an import ended with. */
export type Ending = "done" | "paused";

/** The row of a new file. Small ones are stored already; of others nothing has arrived. */
export async function beginImport(db: Library, file: File): Promise<ImageRow> {
  if (file.size === 0) throw new FaultError("library.empty", `"${file.name}" is empty.`);
  const row: ImageRow = { id: newId(), name: file.name, size: file.size, addedAt: Date.now() };
  const small = file.size <= PIECE_BYTES;
  const stored: ImageRow = small ? row : { ...row, arriving: { bytes: 0, modified: file.lastModified } };
  try {
    // Asked once there is something to lose; the browser may refuse.
    void navigator.storage?.persist?.();
    await db.put("images", small ? { ...row, blob: file } : stored);
  } catch (error) {
    throw fullFault(file.name, 0, file.size, error);
  }
  return stored;
}
/** Stores what is missing of a file, until all is there or `stopped` says so. */
export async function runImport(db: Library, row: ImageRow, file: File, progress: (bytes: number) => void, stopped: () => boolean): Promise<Ending> {
  if (!row.arriving) return "done";
  let { bytes } = row.arriving;
  const { modified } = row.arriving;
  if (!(await isSame(db, row, file))) throw new FaultError("library.other-file", `${file.name} is not the file whose import began: ${row.name}, ${row.size} bytes.`, "Choose the same file again, unchanged; or delete what has arrived and add this one.");
  progress(bytes);
  while (bytes < row.size) {
    if (stopped()) return "paused";
    const end = Math.min(row.size, bytes + PIECE_BYTES);
    let piece: Blob;
    try {
      // Read here: a file that has gone is said to be gone, not that storage is full.
      piece = new Blob([await file.slice(bytes, end).arrayBuffer()]);
    } catch {
      throw new FaultError("library.unreadable", `${file.name} can no longer be read.`, "It was changed, moved or taken out. What has arrived is kept: choose the file again to go on.");
    }
    const last = end === row.size;
    try {
      const tx = db.transaction(["images", "pieces"], "readwrite", { durability: last ? "strict" : "relaxed" });
      // Renamed meanwhile, or deleted.
      const now = await tx.objectStore("images").get(row.id);
      if (!now) {
        tx.abort();
        await tx.done.catch(() => {});
        return "paused";
      }
      const { arriving: _, ...whole } = now;
      await Promise.all([
        tx.objectStore("pieces").put(piece, [row.id, bytes / PIECE_BYTES]),
        tx.objectStore("images").put(last ? { ...whole, pieces: Math.ceil(row.size / PIECE_BYTES) } : { ...whole, arriving: { bytes: end, modified } }),
        tx.done,
      ]);
    } catch (error) {
      throw fullFault(row.name, bytes, row.size, error);
    }
    bytes = end;
    progress(bytes);
  }
  return "done";
}
/** Size and time agree, and so does the piece that arrived last. */
async function isSame(db: Library, row: ImageRow, file: File): Promise<boolean> {
  const { bytes, modified } = row.arriving as NonNullable<ImageRow["arriving"]>;
  if (file.size !== row.size || file.lastModified !== modified) return false;
  if (bytes === 0) return true;
  const from = bytes - PIECE_BYTES;
  const kept = await db.get("pieces", [row.id, from / PIECE_BYTES]);
  if (!kept) return false;
  const [a, b] = (await Promise.all([kept.arrayBuffer(), file.slice(from, bytes).arrayBuffer()])).map((x) => new Uint8Array(x)) as [Uint8Array, Uint8Array];
  return a.length === b.length && a.every((x, i) => x === b[i]);
}
function fullFault(name: string, bytes: number, size: number, error: unknown): FaultError {
  const mib = (n: number) => Math.ceil(n / 2 ** 20);
  return new FaultError("library.full", `"${name}" could not be stored: ${storageReason(error)}, after ${mib(bytes)} of ${mib(size)} MiB.`, "What has arrived is kept, and so is everything else. Delete files or snapshots and resume, or delete what has arrived.");
}
