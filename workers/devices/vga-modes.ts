// Register values of text mode 3 (80x25, 720x400, 16 colours) and the default palette, for a machine without a video BIOS.
// From the IBM VGA data book, "Mode tables". Left out: every other mode, which a BIOS or the guest programs itself.

import { makeFont } from "./vga-font.ts";
import type { VgaRegisters } from "./vga-registers.ts";

const MODE3_SEQ = [0x03, 0x00, 0x03, 0x00, 0x02];
const MODE3_CRTC = [
  0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96,
  0xb9, 0xa3, 0xff,
];
const MODE3_GFX = [0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff];
const MODE3_ATTR = [0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0, 0x0f, 8, 0];

/** Programs mode 3, the EGA-compatible 64-colour palette and the font in plane 2, and clears the screen. */
export function presetText(regs: VgaRegisters, memory: Uint8Array): void {
  regs.misc = 0x67;
  regs.seq.set(MODE3_SEQ);
  regs.crtc.set(MODE3_CRTC);
  regs.gfx.set(MODE3_GFX);
  regs.attr.set(MODE3_ATTR);
  regs.attrIndex = 0x20;
  for (let index = 0; index < 64; index++) {
    // rgbRGB: the low three bits weigh two thirds, the high three one third.
    const part = (strong: number, weak: number) => (index & strong ? 42 : 0) + (index & weak ? 21 : 0);
    regs.dac.set([part(4, 32), part(2, 16), part(1, 8)], index * 3);
  }
  for (let cell = 0; cell < 0x4000; cell++) {
    memory[cell * 4] = 0x20;
    memory[cell * 4 + 1] = 0x07;
  }
  const font = makeFont();
  for (let code = 0; code < 256; code++)
    for (let row = 0; row < 16; row++) memory[((code << 5) + row) * 4 + 2] = font[code * 16 + row]!;
  regs.changed = true;
}
