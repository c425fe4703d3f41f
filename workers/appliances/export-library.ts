// The OVA of a machine whose disks are in the browser's library.

import type { DomainConfig } from "../../src/contract/domain.ts";
import { openLibrary } from "../../src/contract/storage.ts";
import { openDrive } from "../backends/sources.ts";
import { LibraryFile } from "../backends/library-file.ts";
import { makeTar } from "../backends/tar.ts";
import { exportFile } from "../img/library-host.ts";
import { type ExportedDrive, makeOva, notExported } from "./export.ts";

export interface ExportedAppliance {
  readonly ova: Blob;
  readonly missing: readonly string[];
}
export async function exportAppliance(domain: DomainConfig): Promise<ExportedAppliance> {
  const stem = domain.name.replace(/[^A-Za-z0-9_-]+/g, "_").replace(/^_+|_+$/g, "") || "machine";
  const drives: ExportedDrive[] = [];
  const db = await openLibrary();
  for (const { at, media, source, format } of domain.disks) {
    if (!source.startsWith("library:")) continue;
    const id = source.slice("library:".length);
    const name = (await db.get("images", id))?.name ?? id;
    const file = await LibraryFile.open(id, true);
    const capacity = media === "disk" ? (await openDrive(file, { readOnly: true, format })).sectors * 512 : file.size;
    const blob = media === "disk" ? await exportFile(id, "vmdk", ["-o", "subformat=streamOptimized", ...(format === "auto" ? [] : ["-f", format])]) : await exportFile(id, "");
    drives.push({ at, media, name: media === "disk" ? `${stem}-disk${drives.length + 1}.vmdk` : `${stem}-${name.replace(/[^A-Za-z0-9._-]+/g, "_")}`, capacity, bytes: new Uint8Array(await blob.arrayBuffer()) });
  }
  return { ova: new Blob((await makeTar(await makeOva(domain, drives, stem))) as BlobPart[], { type: "application/ovf" }), missing: notExported(domain) };
}
