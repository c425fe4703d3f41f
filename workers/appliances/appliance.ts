// Machines of other programs as domains: what their descriptions say (OVF, .vmx, .vbox, .vmc), which files they name, and, by name, what Guesthouse does not
// have. The files are told apart by their last name: a folder above them means nothing here.

import { type DomainConfig, domainSchema, MOST_MEMORY_MIB } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";

export interface Appliance {
  /** Sources are "appliance:NAME" for the files that come with it. */
  readonly domain: DomainConfig;
  readonly files: readonly string[];
  /** What it asks for and does not get, in words. */
  readonly missing: readonly string[];
}
export const SOURCE = "appliance:";
export const bad = (what: string, why: string) => new FaultError("appliance.bad", `${what} cannot be read: ${why}.`, "It may be damaged, or belong to another program.");
export const baseName = (path: string): string => path.split(/[\\/]/).pop() ?? path;

type At = DomainConfig["disks"][number]["at"];
export interface Drive {
  readonly media: "disk" | "cdrom" | "floppy";
  /** "" for an empty drive. */
  readonly file: string;
  /** Where it wants to be; another free place is taken when that is none of ours. */
  readonly at?: string;
}
/** Collects what a description says and puts drives where they can be. */
export class Builder {
  name = "";
  memoryMiB = 256;
  readonly missing: string[] = [];
  readonly #drives: Drive[] = [];
  lack(what: string): void {
    if (!this.missing.includes(what)) this.missing.push(what);
  }
  processors(count: number): void {
    if (count > 1) this.lack(`${count} processors (it gets one)`);
  }
  memory(mib: number, what: string): void {
    if (!Number.isFinite(mib) || mib < 1) throw bad(what, "its size of memory is none");
    if (mib > MOST_MEMORY_MIB) this.lack(`${mib} MiB of memory (it gets ${MOST_MEMORY_MIB})`);
    this.memoryMiB = Math.min(MOST_MEMORY_MIB, Math.max(1, Math.floor(mib)));
  }
  drive(drive: Drive): void {
    this.#drives.push(drive);
  }
  finish(what: string): Appliance {
    const ide: readonly At[] = ["ide0-master", "ide0-slave", "ide1-master", "ide1-slave"];
    const floppies: readonly At[] = ["floppy0", "floppy1"];
    const taken = new Map<At, Drive>();
    const place = (drive: Drive, wishes: readonly At[]) => {
      const at = wishes.find((w) => !taken.has(w));
      if (at) taken.set(at, drive);
      else this.lack(`${drive.media === "floppy" ? "a floppy drive" : drive.media === "cdrom" ? "a CD drive" : "a disk"}${drive.file ? ` (${drive.file})` : ""}: there are four IDE and two floppy places`);
    };
    const wished = this.#drives.filter((d) => ide.includes(d.at as At));
    for (const d of wished) place(d, [d.at as At, ...ide]);
    for (const d of this.#drives) if (!wished.includes(d)) place(d, d.media === "floppy" ? floppies : d.media === "cdrom" ? ["ide1-master", "ide1-slave", "ide0-slave", "ide0-master"] : ide);
    const disks = [...taken].map(([at, d]) => ({ at, media: d.media, source: d.file === "" ? "" : SOURCE + d.file, readOnly: d.media === "cdrom" }));
    let domain: DomainConfig;
    try {
      domain = domainSchema.parse({ name: this.name.trim() || what, memoryMiB: this.memoryMiB, cpu: { model: "qemu64", count: 1, accel: "jit" }, clock: { mode: "wall" }, firmware: {}, boot: {}, vga: "std", disks, devices: [{ type: "vmgenid" }] });
    } catch (error) {
      throw error instanceof FaultError ? bad(what, error.fault.message) : error;
    }
    return { domain, files: [...new Set(disks.flatMap((d) => (d.source === "" ? [] : [d.source.slice(SOURCE.length)])))], missing: this.missing };
  }
}
