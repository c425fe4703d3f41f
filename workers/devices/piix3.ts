// 82371SB (PIIX3) PCI-to-ISA bridge: interrupt routing PIRQA-D to ISA interrupts (Intel 290550, 2.2.7 PIRQRC).
// The edge/level registers live with the 8259 pair, the reset control register 0xCF9 with the host bridge (overlapping ports).
// Left out: X-bus chip selects, DMA aliases, APM timers (kept as bytes without effect).

import { object } from "../../src/contract/schema.ts";
import { pciHeader } from "../platform/pci-bus.ts";
import { fields, numberField } from "../platform/state.ts";
import type { Device, DeviceType, IrqLine, PciFunction, Slot, State } from "../platform/types.ts";

class Piix3 implements Device<State> {
  private readonly function: PciFunction;
  private readonly lines: IrqLine[] = [];
  /** Levels of PIRQA-D, one bit each. */
  private levels = 0;

  constructor(slot: Slot) {
    this.function = slot.pci(pciHeader({ vendor: 0x8086, device: 0x7000, classCode: 0x060100, command: 7, status: 0x0200, multifunction: true }));
    this.function.writable(0x40, new Uint8Array(0xc0).fill(0xff));
    for (let line = 0; line < 16; line++) this.lines.push(slot.irq(line));
    this.function.onConfigWrite((offset, width) => {
      if (offset < 0x64 && offset + width > 0x60) this.route();
    });
    for (let i = 0; i < 4; i++)
      slot.pin(`pirq${"abcd"[i]}`, (high) => {
        this.levels = high ? this.levels | (1 << i) : this.levels & ~(1 << i);
        this.route();
      });
  }
  private route(): void {
    let high = 0;
    for (let i = 0; i < 4; i++) {
      const route = this.function.config[0x60 + i] as number;
      if (!(route & 0x80) && this.levels & (1 << i)) high |= 1 << (route & 15);
    }
    for (let line = 0; line < 16; line++) (this.lines[line] as IrqLine).set((high & (1 << line)) !== 0);
  }
  reset(): void {
    const config = this.function.config;
    config.fill(0, 0x40);
    config[4] = 7;
    config[5] = 0;
    config[6] = 0;
    config[7] = 2;
    config[0x4c] = 0x4d;
    config[0x4e] = 0x03;
    config.fill(0x80, 0x60, 0x64);
    config[0x69] = 0x02;
    config[0x70] = 0x80;
    config[0x76] = config[0x77] = 0x0c;
    config[0x78] = 0x02;
    config[0xa0] = 0x08;
    this.route();
  }
  save(): State {
    return { levels: this.levels };
  }
  load(state: State): void {
    this.levels = numberField(fields(state, "piix3"), "levels", 0, 15);
    this.route();
  }
}

export const piix3 = {
  name: "piix3",
  summary: "82371SB PCI-to-ISA bridge",
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): Piix3 => new Piix3(slot),
} satisfies DeviceType<object, State>;
