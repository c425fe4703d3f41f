// Which files a domain names, wherever in it they are named.

import type { DomainConfig } from "./domain.ts";

/** Every source that a domain names. */
export function sourcesOf(config: DomainConfig): readonly string[] {
  const initrds = config.boot.initrd.split(",").map((m) => m.trim().split(" ")[0] as string);
  return [config.boot.kernel, config.boot.resume, ...initrds, config.firmware.bios, config.firmware.vgaBios, ...config.disks.map((d) => d.source)].filter((s) => s !== "");
}
/** The same domain with other sources; `change` is asked for each name, also those in lists of RAM disks. */
export function mapSources(config: DomainConfig, change: (source: string) => string): DomainConfig {
  const one = (source: string) => (source === "" ? "" : change(source));
  const list = (text: string) => text.split(",").map((m) => m.replace(/^(\s*)(\S+)/, (_, space: string, source: string) => space + change(source))).join(",");
  return {
    ...config,
    boot: { ...config.boot, kernel: one(config.boot.kernel), initrd: config.boot.initrd === "" ? "" : list(config.boot.initrd), resume: one(config.boot.resume) },
    firmware: { ...config.firmware, bios: one(config.firmware.bios), vgaBios: one(config.firmware.vgaBios) },
    disks: config.disks.map((d) => ({ ...d, source: one(d.source) })),
  };
}
/** Whether a guest's writes to a drive are meant to last. */
export const isWritten = (disk: DomainConfig["disks"][number]): boolean => disk.source !== "" && !disk.readOnly && disk.media !== "cdrom" && !disk.snapshot;
/**
 * Where a page keeps what a drive writes: in the file of the library itself, or in an overlay of its own over a source that is only read. Null:
 * nowhere. Machines driven by instructions keep writes in memory, since the browser's database answers when it likes.
 */
export function keptIn(config: DomainConfig, disk: DomainConfig["disks"][number]): "library" | "overlay" | null {
  if (!isWritten(disk)) return null;
  if (disk.source.startsWith("library:")) return "library";
  return config.clock.mode === "wall" ? "overlay" : null;
}
