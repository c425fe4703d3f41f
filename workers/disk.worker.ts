// Entry of the worker that works on files of the library: qemu-img and export. One is started for each task.

import { expose } from "comlink";
import { FaultError, type Reply } from "../src/contract/schema.ts";
import { exportFile, type ImgAnswer, imgInLibrary } from "./img/library-host.ts";

async function reply<T>(work: Promise<T>): Promise<Reply<T>> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    return { ok: false, error: error instanceof FaultError ? error.fault : { code: "bug", message: error instanceof Error ? error.message : String(error), hint: "This is a bug in Guesthouse." } };
  }
}
expose({
  img: (words: readonly string[]): Promise<Reply<ImgAnswer>> => reply(imgInLibrary(words)),
  exportFile: (id: string, format: string): Promise<Reply<Blob>> => reply(exportFile(id, format)),
});
