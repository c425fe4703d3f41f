// Boot sectors of our own, each showing one thing; they need no firmware and no package. sectors.json holds the assembled bytes (base64) so that a
// machine without an assembler can build them; first-steps.test.ts checks them against the sources where nasm is installed. Licence: ours.

import { domainSchema } from "../../src/contract/domain.ts";
import type { Recipe, Text } from "../lib/guest.ts";
import sectors from "./sectors.json" with { type: "json" };

const steps: { readonly [name in keyof typeof sectors]: { readonly title: Text; readonly summary: Text } } = {
  "vga-text": {
    title: { en: "First steps 1: text on the screen", "zh-CN": "第一步 1：屏幕上的文字" },
    summary: { en: "A boot sector writes characters into video memory.", "zh-CN": "引导扇区把字符写进显存。" },
  },
  modes: {
    title: { en: "First steps 2: three modes", "zh-CN": "第一步 2：三种模式" },
    summary: { en: "Real mode, protected mode, long mode, one after the other.", "zh-CN": "实模式、保护模式、长模式依次切换。" },
  },
  paging: {
    title: { en: "First steps 3: paging", "zh-CN": "第一步 3：分页" },
    summary: { en: "A linear address that is mapped to the screen.", "zh-CN": "把一个线性地址映射到屏幕。" },
  },
  irq: {
    title: { en: "First steps 4: an interrupt", "zh-CN": "第一步 4：中断" },
    summary: { en: "The timer interrupts a hundred times a second.", "zh-CN": "定时器每秒中断一百次。" },
  },
  "ring3-fault": {
    title: { en: "First steps 5: a fault from ring 3", "zh-CN": "第一步 5：来自第 3 级的异常" },
    summary: { en: "A privileged instruction at level 3 ends in #GP.", "zh-CN": "第 3 级执行特权指令，引发 #GP。" },
  },
};

export const recipe: Recipe = {
  id: "first-steps",
  revision: 2,
  packages: false,
  async build({ write }) {
    return Object.entries(steps).map(([name, { title, summary }]) => {
      write(`${name}.img`, Buffer.from(sectors[name as keyof typeof sectors], "base64"));
      const config = domainSchema.parse({
        name,
        memoryMiB: 16,
        cpu: { model: "qemu64", count: 1, accel: "jit" },
        clock: { mode: "wall" },
        firmware: { bios: "none", vgaBios: "none" },
        boot: {},
        vga: "std",
        serial: ["console"],
        disks: [{ at: "ide0-master", media: "disk", source: `guest:first-steps/${name}.img`, readOnly: true }],
      });
      return { id: `first-steps-${name}`, title, summary, config };
    });
  },
};
