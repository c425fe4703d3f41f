// PIIX4 power management function, 8086:7113 (Intel 82371AB 290562, chapter 7) as QEMU's pc has it: PM1 event and control blocks at the base
// of config 0x40, ACPI timer, GPE0 at 0xAFE0, SMI command port 0xB2, SMBus host without devices at the base of config 0x90.
// Wires: "poweroff", "sleep". Pins: "power-button", "sleep-button", "generation" (vmgenid), "woken" (after suspend; high: by the clock's alarm). Left out: SMM (config 0x5B says it is set up), device monitors.

import { object } from "../../src/contract/schema.ts";
import { byteRegion } from "../platform/bus.ts";
import { pciHeader } from "../platform/pci-bus.ts";
import { fields, numberField, timeField, timeOrNull } from "../platform/state.ts";
import type { Clock, Device, DeviceType, IrqLine, Mapping, PciFunction, Region, Slot, State, Timer } from "../platform/types.ts";

const PM_TIMER_HZ = 3579545;
const STS_TIMER = 0x0001, STS_GLOBAL = 0x0020, STS_POWER = 0x0100, STS_SLEEP = 0x0200, STS_RTC = 0x0400, STS_WAKE = 0x8000;
const CNT_SCI_EN = 1, CNT_SLP_EN = 0x2000;
const ACPI_ENABLE = 0xf1, ACPI_DISABLE = 0xf0;

class Piix4Pm implements Device<State> {
  private status = 0;
  private enable = 0;
  private control = 0;
  private gpeStatus = 0;
  private gpeEnable = 0;
  private apmControl = 0;
  private apmStatus = 0;
  private readonly smb = new Uint8Array(16);
  /** Overflow of bit 23 up to which TMROF_STS has been set. */
  private seenOverflow = 0;
  private pmMapping: Mapping | null = null;
  private pmAt = -1;
  private smbMapping: Mapping | null = null;
  private smbAt = -1;
  private readonly pmRegion: Region;
  private readonly smbRegion: Region;
  private readonly clock: Clock;
  private readonly sci: IrqLine;
  private readonly poweroff: IrqLine;
  private readonly sleep: IrqLine;
  private readonly timer: Timer;
  private readonly function: PciFunction;
  private readonly slot: Slot;

  constructor(slot: Slot) {
    this.slot = slot;
    this.clock = slot.clock;
    this.sci = slot.irq(9);
    this.poweroff = slot.wire("poweroff");
    this.sleep = slot.wire("sleep");
    this.timer = slot.clock.timer(() => this.update());
    this.function = slot.pci(pciHeader({ vendor: 0x8086, device: 0x7113, revision: 3, classCode: 0x068000, status: 0x0280, interruptPin: 1 }));
    this.function.writable(0x40, new Uint8Array(0xc0).fill(0xff));
    this.function.onConfigWrite(() => this.remap());
    this.pmRegion = {
      read: (offset, width) => {
        if (offset >= 8 && offset < 12) return width === 4 ? this.pmTimer() : (this.pmTimer() >>> ((offset - 8) * 8)) & (width === 1 ? 0xff : 0xffff);
        let value = 0;
        for (let i = 0; i < width; i++) value |= this.readByte(offset + i) << (8 * i);
        return value >>> 0;
      },
      write: (offset, width, value) => this.writePm(offset, width, value),
    };
    this.smbRegion = byteRegion((o) => this.smb[o] as number, (o, v) => this.writeSmb(o, v));
    slot.pio.map(0xafe0, 4, byteRegion(
      (o) => (o < 2 ? this.gpeStatus >> (8 * o) : this.gpeEnable >> (8 * (o - 2))) & 0xff,
      (o, v) => {
        if (o < 2) this.gpeStatus &= ~(v << (8 * o));
        else this.gpeEnable = (this.gpeEnable & ~(0xff << (8 * (o - 2)))) | (v << (8 * (o - 2)));
        this.update();
      },
    ));
    slot.pio.map(0xb2, 2, byteRegion(
      (o) => (o === 0 ? this.apmControl : this.apmStatus),
      (o, v) => {
        if (o === 1) {
          this.apmStatus = v;
          return;
        }
        this.apmControl = v;
        if (v === ACPI_ENABLE) this.control |= CNT_SCI_EN;
        else if (v === ACPI_DISABLE) this.control &= ~CNT_SCI_EN;
        // Without SMM no handler runs, as in QEMU with smm=off.
        else slot.missing("SMI through port B2");
      },
    ));
    slot.pin("power-button", () => this.event(STS_POWER));
    slot.pin("sleep-button", () => this.event(STS_SLEEP));
    slot.pin("rtc-alarm", (high) => {
      if (high) this.event(STS_RTC);
    });
    // GPE0 bit 5, where QEMU has it too.
    slot.pin("generation", (high) => {
      if (!high) return;
      this.gpeStatus |= 1 << 5;
      this.update();
    });
    slot.pin("woken", (byAlarm) => {
      this.status |= STS_WAKE | (byAlarm ? STS_RTC : 0);
    });
    this.reset();
  }
  private ticks(): number {
    return Math.floor((this.clock.now() / 1e9) * PM_TIMER_HZ);
  }
  private pmTimer(): number {
    return this.ticks() % 0x1000000;
  }
  private account(): void {
    const overflow = Math.floor(this.ticks() / 0x800000);
    if (overflow > this.seenOverflow) this.status |= STS_TIMER;
    this.seenOverflow = overflow;
  }
  private event(bit: number): void {
    this.status |= bit;
    this.update();
  }
  private update(): void {
    this.account();
    const wanted = this.status & this.enable & (STS_TIMER | STS_GLOBAL | STS_POWER | STS_SLEEP | STS_RTC);
    this.sci.set(wanted !== 0 || (this.gpeStatus & this.gpeEnable) !== 0);
    if (this.enable & STS_TIMER && !(this.status & STS_TIMER)) {
      const next = (Math.floor(this.ticks() / 0x800000) + 1) * 0x800000;
      this.timer.arm(Math.ceil(((next + 1) / PM_TIMER_HZ) * 1e9));
    } else this.timer.cancel();
  }
  private readByte(offset: number): number {
    if (offset < 2) {
      this.account();
      return (this.status >> (8 * offset)) & 0xff;
    }
    if (offset < 4) return (this.enable >> (8 * (offset - 2))) & 0xff;
    if (offset < 6) return (this.control >> (8 * (offset - 4))) & 0xff;
    return 0;
  }
  private writePm(offset: number, width: number, value: number): void {
    for (let i = 0; i < width; i++) {
      const at = offset + i;
      const byte = (value >>> (8 * i)) & 0xff;
      if (at < 2) {
        this.account();
        this.status &= ~(byte << (8 * at));
      } else if (at < 4) this.enable = (this.enable & ~(0xff << (8 * (at - 2)))) | (byte << (8 * (at - 2)));
      else if (at < 6) this.control = (this.control & ~(0xff << (8 * (at - 4)))) | (byte << (8 * (at - 4)));
    }
    this.update();
    if (offset < 6 && offset + width > 5 && this.control & CNT_SLP_EN) {
      const type = (this.control >> 10) & 7;
      this.control &= ~CNT_SLP_EN;
      const wire = type === 0 || type === 2 ? this.poweroff : this.sleep;
      wire.set(true);
      wire.set(false);
    }
  }
  private writeSmb(offset: number, value: number): void {
    if (offset === 0) this.smb[0] = (this.smb[0] as number) & ~(value & 0x1e);
    else if (offset === 2) {
      this.smb[2] = value & 0x1f;
      // Nothing answers on our bus: device error at once.
      if (value & 0x40) this.smb[0] = 0x04;
    } else this.smb[offset] = value;
  }
  private remap(): void {
    const config = this.function.config;
    config[0x40] = ((config[0x40] as number) & 0xc0) | 1;
    config[0x42] = config[0x43] = 0;
    config[0x90] = ((config[0x90] as number) & 0xf0) | 1;
    const word = (at: number) => (config[at] as number) | ((config[at + 1] as number) << 8);
    const pm = (config[0x80] as number) & 1 ? word(0x40) & 0xffc0 : -1;
    const smb = (config[0xd2] as number) & 1 ? word(0x90) & 0xfff0 : -1;
    if (pm !== this.pmAt) {
      this.pmMapping?.remove();
      this.pmMapping = pm > 0 ? this.place(pm, 64, this.pmRegion) : null;
      this.pmAt = pm;
    }
    if (smb !== this.smbAt) {
      this.smbMapping?.remove();
      this.smbMapping = smb > 0 ? this.place(smb, 16, this.smbRegion) : null;
      this.smbAt = smb;
    }
  }
  /** The guest chooses these addresses; if something else is there, we are not. */
  private place(base: number, length: number, region: Region): Mapping | null {
    try {
      return this.slot.pio.map(base, length, region);
    } catch {
      this.slot.trace("guest.odd", base);
      return null;
    }
  }
  reset(): void {
    const config = this.function.config;
    config.fill(0, 0x40);
    config[0x40] = 1;
    config[0x5b] = 2; // APMC_EN: system management is set up, as far as firmware is concerned
    config[0x5f] = 0x10;
    config[0x63] = 0x60;
    config[0x67] = 0x98;
    config[0x90] = 1;
    this.status = this.enable = this.control = this.gpeStatus = this.gpeEnable = this.apmControl = this.apmStatus = 0;
    this.smb.fill(0);
    this.seenOverflow = Math.floor(this.ticks() / 0x800000);
    this.remap();
    this.update();
  }
  save(): State {
    return {
      status: this.status, enable: this.enable, control: this.control, gpeStatus: this.gpeStatus, gpeEnable: this.gpeEnable,
      apmControl: this.apmControl, apmStatus: this.apmStatus, smb: [...this.smb], seenOverflow: this.seenOverflow, due: this.timer.due,
    };
  }
  load(state: State): void {
    const f = fields(state, "piix4-pm");
    const get = (name: string) => numberField(f, name, 0, 0xffff);
    this.status = get("status");
    this.enable = get("enable");
    this.control = get("control");
    this.gpeStatus = get("gpeStatus");
    this.gpeEnable = get("gpeEnable");
    this.apmControl = get("apmControl");
    this.apmStatus = get("apmStatus");
    const smb = f.smb;
    if (Array.isArray(smb)) smb.slice(0, 16).forEach((v, i) => (this.smb[i] = Number(v)));
    this.seenOverflow = timeField(f, "seenOverflow");
    this.remap();
    const due = timeOrNull(f, "due");
    if (due === null) this.timer.cancel();
    else this.timer.arm(due);
    this.sci.set((this.status & this.enable & 0x721) !== 0 || (this.gpeStatus & this.gpeEnable) !== 0);
  }
}

export const piix4Pm = {
  name: "piix4-pm",
  summary: "PIIX4 power management: ACPI timer, power button, soft-off",
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): Piix4Pm => new Piix4Pm(slot),
} satisfies DeviceType<object, State>;
