// What `npm run images` wrote down about the files that it built (images/<id>/build/built.json: length and SHA-256), and the check of a
// file against it. No record, or no line for a file in it, means no check: a person may put files of their own there.

import { FaultError } from "../src/contract/schema.ts";

export interface FileRecord {
  readonly bytes: number;
  readonly sha256: string;
}
export type ImageRecord = ReadonlyMap<string, FileRecord>;

/** The files of a built.json; null when the text is none. */
export function parseRecord(text: string): ImageRecord | null {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return null;
  }
  const files = (given as { readonly files?: unknown } | null)?.files;
  if (typeof files !== "object" || files === null) return null;
  const record = new Map<string, FileRecord>();
  for (const [name, file] of Object.entries(files as { readonly [name: string]: Partial<FileRecord> | null }))
    if (typeof file?.bytes === "number" && typeof file.sha256 === "string") record.set(name, { bytes: file.bytes, sha256: file.sha256.toLowerCase() });
  return record;
}
/** Says what is wrong with a file, or null. The hash is asked for only when the length is right. */
export function damage(expected: FileRecord, bytes: number, sha256: string): string | null {
  if (bytes !== expected.bytes) return `it has ${bytes} bytes instead of ${expected.bytes}`;
  return sha256 === expected.sha256 ? null : `its SHA-256 is ${sha256.slice(0, 12)}… instead of ${expected.sha256.slice(0, 12)}…`;
}
export function damagedFault(name: string, detail: string): FaultError {
  return new FaultError("image.hash", `${name} is damaged: ${detail}.`, "Run npm run images: a damaged file is built again.");
}

/** The record of a guest's saved machine (resume.json): its file lies beside it. */
export interface SavedRecord extends FileRecord {
  readonly file: string;
  /** Its beginning, which a start needs at once and trusts before the rest is here: bytes and hash. */
  readonly head: FileRecord;
}
export function parseSavedRecord(text: string, name: string): SavedRecord {
  const given = ((): Partial<SavedRecord> | null => {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  })();
  if (typeof given?.file !== "string" || !/^[\w.-]+$/.test(given.file) || typeof given.bytes !== "number" || !(given.bytes > 16 && given.bytes < 2 ** 32) || typeof given.sha256 !== "string")
    throw damagedFault(name, "it is not the record of a saved machine");
  const { bytes, sha256 } = given.head ?? {};
  if (typeof bytes !== "number" || !(bytes >= 16 && bytes <= given.bytes) || typeof sha256 !== "string") throw damagedFault(name, "it does not say what its machine begins with");
  return { file: given.file, bytes: given.bytes, sha256: given.sha256.toLowerCase(), head: { bytes, sha256: sha256.toLowerCase() } };
}
