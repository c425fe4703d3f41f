// Takes an appliance into the library: an OVA is unpacked, hashes of its manifest are checked, the files that the description names are stored, and the
// domain names them. Nothing is kept when something is wrong. Disks packed for the way (streamOptimized VMDK) become qcow2, which can be written.

import { FaultError } from "../../src/contract/schema.ts";
import { mapSources } from "../../src/contract/sources-of.ts";
import type { DomainConfig } from "../../src/contract/domain.ts";
import { deleteImage, newId, openLibrary, storageReason } from "../../src/contract/storage.ts";
import { readTar } from "../backends/tar.ts";
import { imgInLibrary } from "../img/library-host.ts";
import { bad, baseName } from "./appliance.ts";
import { isDescription, parseDescription, SOURCE } from "./index.ts";
import { parseManifest } from "./ovf.ts";

export interface NamedBlob {
  readonly name: string;
  readonly blob: Blob;
}
export interface ImportedAppliance {
  readonly domain: DomainConfig;
  readonly missing: readonly string[];
}
/** The browser hashes only what lies in memory as a whole. */
const MOST_HASHED = 1 << 30;

/** Told how much of the work is done, 0 to 1. */
export type Done = (part: number) => void;
/** Hashing takes this part of the work, storing that, writing packed disks anew the rest. */
const HASHED = 0.3;
const STORED = 0.5;

export async function checkManifest(manifest: NamedBlob, files: readonly NamedBlob[], done: Done = () => {}): Promise<readonly string[]> {
  const unchecked: string[] = [];
  const all = files.reduce((sum, f) => sum + f.blob.size, 0);
  let bytes = 0;
  for (const [name, { algorithm, hash }] of parseManifest(await manifest.blob.text(), manifest.name)) {
    const file = files.find((f) => baseName(f.name) === name);
    if (!file) throw bad(manifest.name, `it names ${name}, which is not there`);
    if (file.blob.size > MOST_HASHED) {
      unchecked.push(`the hash of ${name} (more than 1 GiB)`);
      continue;
    }
    const found = Array.from(new Uint8Array(await crypto.subtle.digest(algorithm, await file.blob.arrayBuffer())), (b) => b.toString(16).padStart(2, "0")).join("");
    bytes += file.blob.size;
    done(Math.min(1, bytes / all));
    if (found !== hash) throw new FaultError("appliance.hash", `${name} is damaged: its ${algorithm} is ${found.slice(0, 12)}… instead of ${hash.slice(0, 12)}….`, "Copy the appliance again.");
  }
  return unchecked;
}
/** What is in the appliance; `files` are those that it names, by name. */
export async function readAppliance(given: readonly NamedBlob[], done?: Done): Promise<ImportedAppliance & { readonly files: ReadonlyMap<string, Blob> }> {
  let files = given;
  const ova = given.find((f) => f.name.toLowerCase().endsWith(".ova"));
  if (ova) files = await readTar(ova.blob, ova.name);
  const description = files.find((f) => isDescription(f.name));
  if (!description) throw bad((ova ?? given[0])?.name ?? "The appliance", "no description of a machine is in it");
  const manifest = files.find((f) => f.name.toLowerCase().endsWith(".mf"));
  const unchecked = manifest ? await checkManifest(manifest, files, done) : [];
  const { domain, files: wanted, missing } = parseDescription(baseName(description.name), new Uint8Array(await description.blob.arrayBuffer()));
  const found = new Map<string, Blob>();
  for (const name of wanted) {
    const file = files.find((f) => baseName(f.name) === name);
    if (!file) throw new FaultError("appliance.file", `${description.name} needs the file ${name}.`, "Drop both into the page together.");
    found.set(name, file.blob);
  }
  const signed = files.some((f) => f.name.toLowerCase().endsWith(".cert")) ? ["its signature (not checked)"] : [];
  return { domain, missing: [...missing, ...unchecked, ...signed], files: found };
}
export async function importAppliance(given: readonly NamedBlob[], done: Done = () => {}): Promise<ImportedAppliance> {
  done(0);
  const { domain, missing, files } = await readAppliance(given, (part) => done(part * HASHED));
  done(HASHED);
  const ids = new Map([...files.keys()].map((name) => [SOURCE + name, newId()]));
  try {
    const tx = (await openLibrary()).transaction("images", "readwrite", { durability: "strict" });
    await Promise.all([...[...files].map(([name, blob]) => tx.store.put({ id: ids.get(SOURCE + name) as string, name, size: blob.size, addedAt: Date.now(), blob })), tx.done]);
  } catch (error) {
    throw new FaultError("library.full", `The appliance could not be stored: ${storageReason(error)}.`, "Nothing of it was kept. The browser's storage may be full.");
  }
  done(STORED);
  for (const [n, { source, media }] of domain.disks.entries()) {
    const whole = (part: number) => done(STORED + ((n + part) / domain.disks.length) * (1 - STORED));
    const id = ids.get(source);
    const blob = files.get(source.slice(SOURCE.length));
    if (media === "disk" && id !== undefined && blob && (await isStream(blob))) ids.set(source, await writable(id, source.slice(SOURCE.length), whole));
    whole(1);
  }
  return { domain: mapSources(domain, (s) => (ids.has(s) ? `library:${ids.get(s)}` : s)), missing };
}
/** A VMDK of packed grains, made to be sent: what is in it cannot be written again. */
async function isStream(blob: Blob): Promise<boolean> {
  const head = new DataView(await blob.slice(0, 12).arrayBuffer());
  return head.byteLength === 12 && head.getUint32(0) === 0x4b444d56 && (head.getUint32(8, true) & 0x10000) !== 0;
}
/** The same disk as qcow2 in its place; its id. */
async function writable(id: string, name: string, done: Done): Promise<string> {
  const db = await openLibrary();
  const made = `${newId()}.qcow2`;
  const { status, err } = await imgInLibrary(["convert", "-p", "-O", "qcow2", id, made], (text) => {
    const percent = /\(\s*([\d.]+)\/100%\)/.exec(text)?.[1];
    if (percent !== undefined) done(Number(percent) / 100);
  });
  const row = (await db.getAll("images")).find((r) => r.name === made);
  if (status !== 0 || !row) {
    await deleteImage(db, id);
    if (row) await deleteImage(db, row.id);
    throw new FaultError("appliance.bad", `${name} cannot be used: ${err.replace(/^qemu-img: /, "").trim()}`, "It may be damaged, or the browser's storage may be full. Nothing of it was kept.");
  }
  const tx = db.transaction("images", "readwrite");
  const current = await tx.store.get(row.id);
  if (current) await tx.store.put({ ...current, name: `${name.replace(/\.vmdk$/i, "")}.qcow2` });
  await tx.done;
  await deleteImage(db, id);
  return row.id;
}
