// The other direction: DomainConfig to flags. parseFlags(domainToFlags(d)).domain equals d.

import type { DomainConfig } from "../contract/domain.ts";

const comma = (text: string) => text.replaceAll(",", ",,");
const nameOf = (source: string) => (source.startsWith("file:") && !/^(file|url|memory|library|guest|firmware|https?):/.test(source.slice(5)) ? source.slice(5) : source);
const INDEX: { readonly [at: string]: number } = { "ide0-master": 0, "ide0-slave": 1, "ide1-master": 2, "ide1-slave": 3, floppy0: 0, floppy1: 1 };

export function domainToFlags(domain: DomainConfig): string[] {
  const out: string[] = [];
  const flag = (name: string, value?: string) => out.push(`-${name}`, ...(value === undefined ? [] : [value]));
  if (domain.name !== "guest") flag("name", comma(domain.name));
  flag("m", `${domain.memoryMiB}M`);
  if (domain.cpu.model !== "qemu64") flag("cpu", domain.cpu.model);
  if (domain.cpu.accel !== "jit") flag("accel", domain.cpu.accel);
  if (domain.clock.mode === "instructions") flag("icount", `shift=${domain.clock.shift}`);
  if (domain.clock.base !== "utc") flag("rtc", `base=${domain.clock.base}`);
  if (domain.firmware.bios !== "seabios") flag("bios", nameOf(domain.firmware.bios));
  if (domain.firmware.vgaBios !== "seavgabios") flag("global", `VGA.romfile=${nameOf(domain.firmware.vgaBios)}`);
  if (domain.firmware.debug) flag("debugcon", "stdio");
  const boot = [...(domain.boot.order === "cad" ? [] : [`order=${domain.boot.order}`]), ...(domain.boot.menu ? ["menu=on"] : [])];
  if (boot.length > 0) flag("boot", boot.join(","));
  if (domain.boot.kernel) flag("kernel", nameOf(domain.boot.kernel));
  if (domain.boot.initrd) flag("initrd", domain.boot.initrd.split(",").map(nameOf).join(","));
  if (domain.boot.append) flag("append", domain.boot.append);
  if (domain.boot.resume) flag("incoming", `file:${nameOf(domain.boot.resume)}`);
  flag("vga", domain.vga);
  if (domain.serial.length === 0) flag("nodefaults");
  for (const port of domain.serial) flag("serial", port === "console" ? "vc" : port);
  for (const disk of domain.disks) {
    const parts = disk.source === "" ? [] : [`file=${comma(nameOf(disk.source))}`];
    parts.push(`if=${disk.media === "floppy" ? "floppy" : "ide"}`, `index=${INDEX[disk.at] ?? 0}`);
    if (disk.media === "cdrom") parts.push("media=cdrom");
    if (disk.format !== "auto") parts.push(`format=${disk.format}`);
    if (disk.cache !== "writeback") parts.push(`cache=${disk.cache}`);
    if (disk.readOnly !== (disk.media === "cdrom")) parts.push(`readonly=${disk.readOnly ? "on" : "off"}`);
    if (disk.snapshot) parts.push("snapshot=on");
    flag("drive", parts.join(","));
  }
  for (const device of domain.devices) {
    const options = Object.entries(device.options).map(([key, value]) => `,${key}=${comma(String(value))}`);
    flag("device", `${device.type}${device.id ? `,id=${device.id}` : ""}${options.join("")}`);
  }
  if (domain.noReboot) flag("no-reboot");
  return out;
}

/** As one line that a shell takes. */
export function domainToCommandLine(domain: DomainConfig): string {
  const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  return ["qemu-system-x86_64", ...domainToFlags(domain)].map(quote).join(" ");
}
