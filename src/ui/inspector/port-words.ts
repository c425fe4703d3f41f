// Port accesses in words: which chip answers and what the access means to it, from the data sheets of a PC's chips (8254, 8259A, 8042, MC146818, 16550A,
// 8237, PCI configuration, IDE, VGA, ACPI). Some chips have registers that remember (index registers, latches): `PortReader` follows them from event to
// event, so it must see a port's events in order. What it does not know it leaves to the number.

import type { Key } from "../../i18n/index.ts";

export interface PortWords {
  /** Name of the chip, the same in every language. */
  readonly chip: string;
  readonly key: Key | null;
  readonly values: { readonly [name: string]: string | number };
}
interface Range {
  readonly from: number;
  readonly to: number;
  readonly chip: string;
}
const RANGES: readonly Range[] = [
  { from: 0x00, to: 0x0f, chip: "DMA 1" }, { from: 0x20, to: 0x21, chip: "8259 master" }, { from: 0x40, to: 0x43, chip: "PIT" }, { from: 0x60, to: 0x60, chip: "i8042" },
  { from: 0x61, to: 0x61, chip: "speaker / NMI" }, { from: 0x64, to: 0x64, chip: "i8042" }, { from: 0x70, to: 0x71, chip: "RTC / CMOS" }, { from: 0x80, to: 0x8f, chip: "DMA page / POST" },
  { from: 0x92, to: 0x92, chip: "port 92h" }, { from: 0xa0, to: 0xa1, chip: "8259 slave" }, { from: 0xb2, to: 0xb3, chip: "APM" }, { from: 0xc0, to: 0xdf, chip: "DMA 2" }, { from: 0xe9, to: 0xe9, chip: "debug console" },
  { from: 0xf0, to: 0xf1, chip: "FPU" }, { from: 0x170, to: 0x177, chip: "IDE 1" }, { from: 0x1f0, to: 0x1f7, chip: "IDE 0" }, { from: 0x2e8, to: 0x2ef, chip: "COM4" }, { from: 0x2f8, to: 0x2ff, chip: "COM2" }, { from: 0x376, to: 0x376, chip: "IDE 1" },
  { from: 0x3b0, to: 0x3df, chip: "VGA" }, { from: 0x3e8, to: 0x3ef, chip: "COM3" }, { from: 0x3f0, to: 0x3f5, chip: "FDC" }, { from: 0x3f6, to: 0x3f6, chip: "IDE 0" }, { from: 0x3f7, to: 0x3f7, chip: "FDC" }, { from: 0x3f8, to: 0x3ff, chip: "COM1" },
  { from: 0x402, to: 0x402, chip: "debug console" }, { from: 0x4d0, to: 0x4d1, chip: "8259 ELCR" }, { from: 0x510, to: 0x51b, chip: "fw_cfg" }, { from: 0x600, to: 0x63f, chip: "ACPI PM" }, { from: 0x700, to: 0x70f, chip: "SMBus" }, { from: 0xafe0, to: 0xafe3, chip: "ACPI GPE" }, { from: 0xcf9, to: 0xcf9, chip: "reset" }, { from: 0xcf8, to: 0xcff, chip: "PCI" },
];
/** Ports that a person names: a port, a range, or a chip; null for everything (or nothing that is known). */
export function portsNamed(text: string): { readonly from: number; readonly to: number } | null {
  const wanted = text.trim().toLowerCase();
  const numbers = /^(?:0x)?([0-9a-f]{2,4})(?:-(?:0x)?([0-9a-f]{1,4}))?$/.exec(wanted);
  if (numbers) {
    const from = Number.parseInt(numbers[1] as string, 16);
    return { from, to: Math.max(from, Number.parseInt((numbers[2] ?? numbers[1]) as string, 16)) };
  }
  const chips = wanted === "" ? [] : RANGES.filter((r) => r.chip.toLowerCase().includes(wanted));
  return chips.length === 0 ? null : { from: Math.min(...chips.map((r) => r.from)), to: Math.max(...chips.map((r) => r.to)) };
}
const RTC_REGISTERS: { readonly [n: number]: string } = { 0: "seconds", 2: "minutes", 4: "hours", 6: "weekday", 7: "day", 8: "month", 9: "year", 10: "A", 11: "B", 12: "C", 13: "D", 15: "shutdown" };
const ATA_COMMANDS = new Map<number, string>([
  [0x20, "READ SECTORS"], [0x24, "READ SECTORS EXT"], [0x30, "WRITE SECTORS"], [0x34, "WRITE SECTORS EXT"], [0xa0, "PACKET"], [0xa1, "IDENTIFY PACKET DEVICE"], [0xc8, "READ DMA"], [0x25, "READ DMA EXT"], [0xca, "WRITE DMA"], [0x35, "WRITE DMA EXT"], [0xe7, "FLUSH CACHE"], [0xec, "IDENTIFY DEVICE"], [0xef, "SET FEATURES"], [0xc6, "SET MULTIPLE"], [0xc4, "READ MULTIPLE"], [0xc5, "WRITE MULTIPLE"],
]);
const UART_READ = ["RBR", "IER", "IIR", "LCR", "MCR", "LSR", "MSR", "SCR"];
const UART_WRITE = ["THR", "IER", "FCR", "LCR", "MCR", "LSR", "MSR", "SCR"];
const IDE_READ = ["data", "error", "sector count", "LBA low", "LBA mid", "LBA high", "device", "status"];
const IDE_WRITE = ["data", "features", "sector count", "LBA low", "LBA mid", "LBA high", "device", "command"];
const hex = (v: number, digits: number) => v.toString(16).padStart(digits, "0");

export class PortReader {
  private readonly pit: { access: number; high: boolean; mode: number }[] = [0, 1, 2].map(() => ({ access: 3, high: false, mode: 0 }));
  private rtcIndex = 0;
  private pciAddress = 0;
  private readonly dlab: { [base: number]: boolean } = {};
  private readonly icw: { step: number; needs4: boolean; single: boolean }[] = [0, 1].map(() => ({ step: 0, needs4: false, single: false }));
  private ccb = 0;

  words(port: number, write: boolean, value: number, width: number): PortWords {
    const chip = RANGES.find((r) => port >= r.from && port <= r.to)?.chip ?? "";
    const say = (key: Key, values: PortWords["values"] = {}): PortWords => ({ chip, key, values });
    const nothing: PortWords = { chip, key: null, values: {} };
    if (port >= 0x40 && port <= 0x42) {
      const channel = port - 0x40;
      const c = this.pit[channel] as (typeof this.pit)[number];
      const high = c.access === 2 || (c.access === 3 && c.high);
      if (c.access === 3) c.high = !c.high;
      const values = { channel, mode: c.mode, value };
      return write ? say(high ? "insp.port.pitHigh" : "insp.port.pitLow", values) : say(high ? "insp.port.pitReadHigh" : "insp.port.pitReadLow", values);
    }
    if (port === 0x43 && write) {
      const channel = value >> 6;
      if (channel === 3) return say("insp.port.pitReadBack");
      const access = (value >> 4) & 3;
      if (access === 0) return say("insp.port.pitLatch", { channel });
      const mode = (value >> 1) & 7;
      Object.assign(this.pit[channel] as object, { access, high: false, mode: mode > 5 ? mode - 4 : mode });
      return say((["insp.port.pitSetLow", "insp.port.pitSetHigh", "insp.port.pitSetBoth"] as const)[access - 1] as Key, { channel, mode: mode > 5 ? mode - 4 : mode });
    }
    if (port === 0x20 || port === 0xa0) {
      const half = port === 0x20 ? 0 : 1;
      if (!write) return say("insp.port.picRead");
      if (value & 0x10) {
        this.icw[half] = { step: 1, needs4: (value & 1) !== 0, single: (value & 2) !== 0 };
        return say("insp.port.picIcw1");
      }
      if (value & 8) return say("insp.port.picOcw3");
      return value & 0x20 ? (value & 0x40 ? say("insp.port.picEoi", { line: (value & 7) + half * 8 }) : say("insp.port.picEoiAny")) : say("insp.port.picOcw2");
    }
    if (port === 0x21 || port === 0xa1) {
      const state = this.icw[port === 0x21 ? 0 : 1] as (typeof this.icw)[number];
      if (!write || state.step === 0) return say(write ? "insp.port.picMask" : "insp.port.picMaskRead", { mask: value.toString(2).padStart(8, "0") });
      const step = state.step;
      state.step = step === 1 && !state.single ? 2 : step < 3 && state.needs4 ? 3 : 0;
      return step === 1 ? say("insp.port.picIcw2", { vector: hex(value, 2) }) : step === 2 ? say("insp.port.picIcw3") : say("insp.port.picIcw4");
    }
    if (port === 0x60) {
      if (!write) return say("insp.port.kbdRead", { value: hex(value, 2) });
      const command = this.ccb;
      this.ccb = 0;
      return command === 0x60 ? say("insp.port.kbdCommandByte", { value: hex(value, 2) }) : command === 0xd4 ? say("insp.port.kbdMouse", { value: hex(value, 2) }) : command === 0xd1 ? say("insp.port.kbdOutput", { value: hex(value, 2) }) : say("insp.port.kbdKeyboard", { value: hex(value, 2) });
    }
    if (port === 0x64) {
      if (!write) return say("insp.port.kbdStatus", { full: value & 1, busy: (value >> 1) & 1 });
      this.ccb = value;
      return say("insp.port.kbdCommand", { value: hex(value, 2) });
    }
    if (port === 0x70 && write) {
      this.rtcIndex = value & 0x7f;
      return say("insp.port.rtcIndex", { register: RTC_REGISTERS[this.rtcIndex] ?? hex(this.rtcIndex, 2) });
    }
    if (port === 0x71) return say(write ? "insp.port.rtcWrite" : "insp.port.rtcRead", { register: RTC_REGISTERS[this.rtcIndex] ?? hex(this.rtcIndex, 2), value: hex(value, 2) });
    if (port === 0xcf8 && write && width === 4) {
      this.pciAddress = value >>> 0;
      return say("insp.port.pciAddress", { at: this.pciName(), register: hex(this.pciAddress & 0xfc, 2) });
    }
    if (port >= 0xcfc && port <= 0xcff) return say(write ? "insp.port.pciWrite" : "insp.port.pciRead", { at: this.pciName(), register: hex((this.pciAddress & 0xfc) + (port & 3), 2), value: hex(value >>> 0, width * 2) });
    for (const base of [0x3f8, 0x2f8, 0x3e8, 0x2e8])
      if (port >= base && port < base + 8) {
        const n = port - base;
        const open = this.dlab[base] ?? false;
        if (n === 3 && write) this.dlab[base] = (value & 0x80) !== 0;
        if (n === 0 && !open) return say(write ? "insp.port.uartSend" : "insp.port.uartTake", { character: value >= 32 && value < 127 ? String.fromCharCode(value) : `0x${hex(value, 2)}` });
        const register = n < 2 && open ? (n ? "DLM" : "DLL") : (write ? UART_WRITE : UART_READ)[n];
        return say(write ? "insp.port.registerWrite" : "insp.port.registerRead", { register: register ?? "", value: hex(value, 2) });
      }
    for (const base of [0x1f0, 0x170])
      if (port >= base && port < base + 8) {
        const n = port - base;
        if (n === 7 && write) return say("insp.port.ideCommand", { command: ATA_COMMANDS.get(value) ?? hex(value, 2) });
        return say(write ? "insp.port.registerWrite" : "insp.port.registerRead", { register: (write ? IDE_WRITE : IDE_READ)[n] as string, value: hex(value, width * 2) });
      }
    if (port === 0x80 && write) return say("insp.port.post", { value: hex(value, 2) });
    if (port === 0x3d4 && write) return say("insp.port.vgaIndex", { register: hex(value & 255, 2) });
    if (port === 0x608) return say("insp.port.pmTimer");
    return nothing;
  }
  private pciName(): string {
    const a = this.pciAddress;
    return `${hex((a >>> 16) & 255, 2)}:${hex((a >>> 11) & 31, 2)}.${(a >>> 8) & 7}`;
  }
}
