// Sources that lie on somebody's web server. Apart from sources.ts, which reads every image format: most machines start without a disk.

import { FaultError } from "../../src/contract/schema.ts";

/** Bytes on somebody's web server. */
export const isRemote = (source: string) => /^(url|chunks):/.test(source);
export function webAddress(text: string): string {
  if (!/^https?:\/\//.test(text)) throw new FaultError("source.url", `"${text}" is not a web address.`, "Write url:https://…");
  return text;
}
