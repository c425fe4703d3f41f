// memtest86+ from Debian's package: a program without an operating system that tests memory and shows it on the VGA screen. Licence: GPL-2.

import { domainSchema } from "../../src/contract/domain.ts";
import { unpack } from "../lib/debian.ts";
import type { Recipe } from "../lib/guest.ts";
import { FaultError } from "../../src/contract/schema.ts";

const config = (id: string, file: string) =>
  domainSchema.parse({
    name: id,
    memoryMiB: 64,
    cpu: { model: "qemu64", count: 1, accel: "jit" },
    clock: { mode: "wall" },
    firmware: {},
    boot: { kernel: `guest:memtest86+/${file}`, append: "console=ttyS0,115200" },
    vga: "std",
  });

export const recipe: Recipe = {
  id: "memtest86+",
  revision: 2,
  packages: true,
  async build({ source, write, used }) {
    const pkg = await source.fetch("memtest86+", "amd64");
    used(pkg);
    const files = await unpack(pkg, (p) => p.startsWith("boot/") || p.startsWith("usr/lib/memtest86+/"));
    // A bzImage-shaped binary for 64-bit PCs; its name moved between versions.
    const found = [...files].find(([p, b]) => /memtest86\+x64\.bin$|memtest86\+?\.bin$/.test(p) && b.length > 100000);
    if (!found) throw new FaultError("images.layout", `memtest86+ ${pkg.version} holds no bzImage: ${[...files.keys()].join(", ")}`);
    write("memtest.bin", found[1]);
    return [
      {
        id: "memtest86+",
        title: { en: "Memtest86+", "zh-CN": "Memtest86+ 内存测试" },
        summary: { en: "Tests the machine's memory without an operating system.", "zh-CN": "不需要操作系统的内存测试程序。" },
        config: config("memtest86+", "memtest.bin"),
      },
    ];
  },
};
