// What the form for a machine needs besides the schema: a first draft, guesses for dropped files, and a pasted QEMU command line whose
// file names are matched with the files in the library.

import { type DomainConfig, domainSchema } from "../contract/domain.ts";
import { type Fault, FaultError } from "../contract/schema.ts";
import type { ImageRow } from "./library.ts";
import { parseCommandLine } from "./qemu-flags.ts";

export function emptyConfig(name: string): DomainConfig {
  return domainSchema.parse({ name, memoryMiB: 256, cpu: { model: "qemu64", count: 1, accel: "jit" }, clock: { mode: "wall" }, firmware: {}, boot: {}, vga: "std", devices: [{ type: "vmgenid" }] });
}
/** Puts a file where its name and size say it belongs. */
export function withImage(config: DomainConfig, image: ImageRow): DomainConfig {
  const source = `library:${image.id}`;
  const name = image.name.toLowerCase();
  if (/vmlinu[xz]|bzimage|^kernel|\.elf$/.test(name)) return { ...config, boot: { ...config.boot, kernel: source } };
  if (/initr|\.cpio|rootfs.*gz/.test(name)) return { ...config, boot: { ...config.boot, initrd: source } };
  const free = (places: readonly DomainConfig["disks"][number]["at"][]) => places.find((at) => !config.disks.some((d) => d.at === at)) ?? (places[0] as DomainConfig["disks"][number]["at"]);
  const floppy = image.size <= 2_949_120 && !/\.(qcow2?|vmdk|vdi|vhdx?|vpc|qed|hdd|cloop)$/.test(name);
  const cdrom = name.endsWith(".iso");
  const disk = {
    at: cdrom ? free(["ide1-master", "ide1-slave"]) : floppy ? free(["floppy0", "floppy1"]) : free(["ide0-master", "ide0-slave", "ide1-slave"]),
    media: cdrom ? ("cdrom" as const) : floppy ? ("floppy" as const) : ("disk" as const),
    source, format: "auto" as const, cache: "writeback" as const, readOnly: cdrom, snapshot: false,
  };
  return { ...config, disks: [...config.disks.filter((d) => d.at !== disk.at), disk] };
}
export type Parsed = { readonly ok: true; readonly config: DomainConfig } | { readonly ok: false; readonly error: Fault };
export function fromCommandLine(text: string, images: readonly ImageRow[]): Parsed {
  try {
    const { domain } = parseCommandLine(text);
    const match = (source: string): string => {
      const name = /^file:(?:.*\/)?([^/]+)$/.exec(source)?.[1];
      const image = name === undefined ? undefined : images.findLast((i) => i.name === name);
      return image ? `library:${image.id}` : source;
    };
    const initrd = domain.boot.initrd.split(",").map((m) => [match(m.split(" ")[0] as string), ...m.split(" ").slice(1)].join(" ")).join(",");
    return {
      ok: true,
      config: {
        ...domain,
        serial: domain.serial.map((s) => (s === "stdio" ? "console" : s.startsWith("file:") ? "null" : s)),
        boot: { ...domain.boot, kernel: match(domain.boot.kernel), initrd },
        disks: domain.disks.map((d) => ({ ...d, source: match(d.source) })),
      },
    };
  } catch (error) {
    if (error instanceof FaultError) return { ok: false, error: error.fault };
    throw error;
  }
}
