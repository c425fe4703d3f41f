// Debian 12, 32-bit: the stock linux-image-686-pae kernel and static BusyBox. Licences: GPL-2 (both).

import { debianGuest } from "../lib/debian-guest.ts";

export const recipe = debianGuest({
  id: "debian-i386",
  architecture: "i386",
  metapackage: "linux-image-686-pae",
  title: { en: "Debian 12 (32-bit)", "zh-CN": "Debian 12（32 位）" },
  summary: {
    en: "The stock Debian 686-pae kernel with BusyBox: three-level page tables, 32-bit system calls.",
    "zh-CN": "Debian 原版 686-pae 内核与 BusyBox：三级页表、32 位系统调用。",
  },
});
