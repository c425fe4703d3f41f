// Which files a domain names, wherever in it they are named.

import type { DomainConfig } from "../contract/domain.ts";

/** Every source that a domain names. */
export function sourcesOf(config: DomainConfig): readonly string[] {
  const initrds = config.boot.initrd.split(",").map((m) => m.trim().split(" ")[0] as string);
  return [config.boot.kernel, config.boot.resume, ...initrds, config.firmware.bios, config.firmware.vgaBios, ...config.disks.map((d) => d.source)].filter((s) => s !== "");
}
