// Debian 12, 64-bit: the stock linux-image-amd64 kernel and static BusyBox. Licences: GPL-2 (both).

import { debianGuest } from "../lib/debian-guest.ts";

export const recipe = debianGuest({
  id: "debian-amd64",
  architecture: "amd64",
  metapackage: "linux-image-amd64",
  title: { en: "Debian 12 (64-bit)", "zh-CN": "Debian 12（64 位）" },
  summary: {
    en: "The stock Debian kernel for 64-bit PCs with BusyBox: a shell on the serial console and on the screen.",
    "zh-CN": "Debian 原版 64 位内核与 BusyBox：串口和屏幕上各有一个命令行。",
  },
});
