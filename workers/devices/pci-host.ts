// 82441FX (i440FX) host bridge: PCI configuration mechanism #1, PAM shadowing, reset control (Intel 290549, 290550 for 0xCF9).
// The ports 0xCF8-0xCFB and the PIIX3's reset control register 0xCF9 overlap, so both are decoded here.
// Left out: SMRAM (no system-management mode), DRAM row registers (kept, without effect), AGP.

import { object } from "../../src/contract/schema.ts";
import { pciHeader } from "../platform/pci-bus.ts";
import { fields, numberField } from "../platform/state.ts";
import type { Device, DeviceType, IrqLine, PciFunction, Slot, State, Width } from "../platform/types.ts";

class PciHost implements Device<State> {
  private address = 0;
  private resetControl = 0;
  private readonly pam = new Uint8Array(7);
  private readonly function: PciFunction;
  private readonly slot: Slot;
  private readonly resetWire: IrqLine;

  constructor(slot: Slot) {
    this.slot = slot;
    this.resetWire = slot.wire("reset");
    this.function = slot.pci(pciHeader({ vendor: 0x8086, device: 0x1237, revision: 2, classCode: 0x060000, command: 0x0106, status: 0x0280 }));
    this.function.writable(0x40, new Uint8Array(0xc0).fill(0xff));
    this.function.onConfigWrite((offset, width) => {
      if (offset < 0x60 && offset + width > 0x59) this.applyPam();
      if (offset <= 0x72 && offset + width > 0x72 && (this.function.config[0x72] as number) & 0x48) slot.missing("i440fx SMRAM");
    });
    slot.pio.map(0xcf8, 4, {
      read: (offset, width) => {
        if (offset === 0 && width === 4) return this.address;
        if (offset === 1 && width === 1) return this.resetControl;
        return width === 1 ? 0xff : width === 2 ? 0xffff : 0xffffffff;
      },
      write: (offset, width, value) => {
        if (offset === 0 && width === 4) this.address = (value & 0x80fffffc) >>> 0;
        else if (offset === 1 && width === 1) {
          // RCPU (bit 2) rising resets; SRST (bit 1) chooses hard or soft, both reset the whole machine here.
          const rises = value & 4 && !(this.resetControl & 4);
          this.resetControl = value & 2;
          if (rises) {
            this.resetWire.set(true);
            this.resetWire.set(false);
          }
        }
      },
    });
    slot.pio.map(0xcfc, 4, {
      read: (offset, width) => {
        if (!this.selected()) return width === 1 ? 0xff : width === 2 ? 0xffff : 0xffffffff;
        return slot.chipset.pciRead((this.address >>> 8) & 0xff, (this.address & 0xfc) | offset, width as 1 | 2 | 4);
      },
      write: (offset, width: Width, value) => {
        if (this.selected()) slot.chipset.pciWrite((this.address >>> 8) & 0xff, (this.address & 0xfc) | offset, width as 1 | 2 | 4, value);
      },
    });
  }
  /** Enabled, and bus 0: there are no bridges. */
  private selected(): boolean {
    return this.address >= 0x80000000 && ((this.address >>> 16) & 0xff) === 0;
  }
  private applyPam(): void {
    for (let i = 0; i < 7; i++) {
      const value = (this.function.config[0x59 + i] as number) & 0x33;
      const before = this.pam[i] as number;
      if (value === before) continue;
      this.pam[i] = value;
      if (i === 0) {
        this.shadow(0xf0000, 0x10000, value >> 4);
        continue;
      }
      const base = 0xc0000 + (i - 1) * 0x8000;
      if ((value & 3) !== (before & 3)) this.shadow(base, 0x4000, value & 3);
      if (value >> 4 !== before >> 4) this.shadow(base + 0x4000, 0x4000, value >> 4);
    }
  }
  private shadow(base: number, length: number, bits: number): void {
    this.slot.chipset.shadow(base, length, bits & 1 ? "ram" : "bus", bits & 2 ? "ram" : "bus");
  }
  reset(): void {
    this.address = 0;
    this.resetControl = 0;
    const config = this.function.config;
    config.fill(0, 0x40);
    config[0x50] = 0;
    config[0x51] = 1; // PMCCFG high: as QEMU
    config[0x57] = 1; // DRAM refresh rate
    config[0x72] = 2;
    this.applyPam();
  }
  save(): State {
    return { address: this.address, resetControl: this.resetControl };
  }
  load(state: State): void {
    const f = fields(state, "pci-host");
    this.address = numberField(f, "address");
    this.resetControl = numberField(f, "resetControl", 0, 255);
    this.applyPam();
  }
}

export const pciHost = {
  name: "i440fx",
  summary: "82441FX host bridge",
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): PciHost => new PciHost(slot),
} satisfies DeviceType<object, State>;
