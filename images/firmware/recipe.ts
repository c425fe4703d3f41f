// Firmware as QEMU's pc has it: SeaBIOS and its VGA BIOS from Debian's package seabios, and the two option ROMs that load a kernel through
// fw_cfg (linuxboot_dma, multiboot_dma) from qemu-system-data. Licences: LGPL-3 (SeaBIOS), GPL-2 (QEMU's option ROMs).

import { need, unpack } from "../lib/debian.ts";
import type { Recipe } from "../lib/guest.ts";

export const recipe: Recipe = {
  id: "firmware",
  revision: 1,
  packages: true,
  async build({ source, write, used }) {
    const seabios = await source.fetch("seabios", "amd64");
    used(seabios);
    const bios = await unpack(seabios, (p) => p.startsWith("usr/share/seabios/"));
    write("bios-256k.bin", need(bios, "usr/share/seabios/bios-256k.bin", seabios));
    write("vgabios-stdvga.bin", need(bios, "usr/share/seabios/vgabios-stdvga.bin", seabios));
    const qemu = await source.fetch("qemu-system-data", "amd64");
    used(qemu);
    const roms = await unpack(qemu, (p) => /^usr\/share\/qemu\/(linuxboot|multiboot)_dma\.bin$/.test(p));
    write("linuxboot_dma.bin", need(roms, "usr/share/qemu/linuxboot_dma.bin", qemu));
    write("multiboot_dma.bin", need(roms, "usr/share/qemu/multiboot_dma.bin", qemu));
    return [];
  },
};
