// Entry of the worker that works on the library: qemu-img and export, machines packed and unpacked. One is started for each task.

import { expose } from "comlink";
import type { BundlePlace, BundleSummary, MadeBundle } from "../src/contract/bundle.ts";
import type { DomainConfig } from "../src/contract/domain.ts";
import type { CloneOf } from "../src/contract/machine.ts";
import { type Reply, reply } from "../src/contract/schema.ts";
import { type ExportedAppliance, exportAppliance } from "./appliances/export-library.ts";
import { type ImportedAppliance, importAppliance, type NamedBlob } from "./appliances/import.ts";
import { makeTar, type TarFile } from "./backends/tar.ts";
import { exportFile, type ImgAnswer, imgInLibrary } from "./img/library-host.ts";
import { fetchNow, pageFetch } from "./page-fetch.ts";
import { type BundleEnvironment, type ImportedMachine, importBundle, inspectBundle } from "./snapshots/bundle-load.ts";
import { type Carriage, makeBundle } from "./snapshots/bundle-save.ts";
import { type CloneKind, cloneIdle } from "./snapshots/clone.ts";
import { Sources } from "./sources.ts";

function environment(base: string, progress?: (loaded: number, total: number) => void): BundleEnvironment {
  return {
    fetch: (url) => fetch(url, { credentials: "omit", referrerPolicy: "no-referrer" }),
    base: async (source) => {
      const { vm, sha256, complete } = await new Sources(base, {}, pageFetch, () => {}).savedMachine(source, fetchNow);
      await complete();
      return { source, sha256, chunks: vm.chunks };
    },
    ...(progress ? { progress } : {}),
  };
}
expose({
  img: (words: readonly string[]): Promise<Reply<ImgAnswer>> => reply(() => imgInLibrary(words)),
  exportFile: (id: string, format: string): Promise<Reply<Blob>> => reply(() => exportFile(id, format)),
  pack: (domain: DomainConfig, machine: string, carriage: Carriage): Promise<Reply<MadeBundle>> => reply(() => makeBundle(domain, machine, carriage, null)),
  clone: (domain: DomainConfig, machine: string, kind: CloneKind, count: number): Promise<Reply<readonly CloneOf[]>> => reply(() => cloneIdle(domain, machine, kind, count)),
  appliance: (files: readonly NamedBlob[], done: (part: number) => void): Promise<Reply<ImportedAppliance>> => reply(() => importAppliance(files, done)),
  ova: (domain: DomainConfig): Promise<Reply<ExportedAppliance>> => reply(() => exportAppliance(domain)),
  tar: (files: readonly TarFile[]): Promise<Reply<Blob>> => reply(() => makeTar(files).then((parts) => new Blob(parts as BlobPart[], { type: "application/x-tar" }))),
  inspect: (place: BundlePlace, base: string): Promise<Reply<BundleSummary>> => reply(() => inspectBundle(place, environment(base))),
  unpack: (place: BundlePlace, base: string, name: string, progress: (loaded: number, total: number) => void): Promise<Reply<ImportedMachine>> => reply(() => importBundle(place, environment(base, progress), name)),
});
