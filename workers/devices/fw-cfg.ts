// QEMU firmware configuration device: selector, data port and DMA interface (QEMU docs/specs/fw_cfg.rst).
// The board adds items and files before power-on; they follow from the domain, so a snapshot holds only the reading position.
// Left out: writable files (a DMA write answers with the error bit).

import { object } from "../../src/contract/schema.ts";
import { fields, numberField } from "../platform/state.ts";
import type { Device, DeviceType, Slot, State } from "../platform/types.ts";

export const FW_CFG = {
  SIGNATURE: 0x00, ID: 0x01, UUID: 0x02, RAM_SIZE: 0x03, NOGRAPHIC: 0x04, NB_CPUS: 0x05, MACHINE_ID: 0x06,
  KERNEL_ADDR: 0x07, KERNEL_SIZE: 0x08, KERNEL_CMDLINE: 0x09, INITRD_ADDR: 0x0a, INITRD_SIZE: 0x0b, BOOT_DEVICE: 0x0c,
  NUMA: 0x0d, BOOT_MENU: 0x0e, MAX_CPUS: 0x0f, KERNEL_ENTRY: 0x10, KERNEL_DATA: 0x11, INITRD_DATA: 0x12,
  CMDLINE_ADDR: 0x13, CMDLINE_SIZE: 0x14, CMDLINE_DATA: 0x15, SETUP_ADDR: 0x16, SETUP_SIZE: 0x17, SETUP_DATA: 0x18,
  FILE_DIR: 0x19, FILE_FIRST: 0x20, ACPI_TABLES: 0x8000, SMBIOS_ENTRIES: 0x8001, IRQ0_OVERRIDE: 0x8002, HPET: 0x8004,
} as const;

const DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16;

export class FwCfg implements Device<State> {
  private readonly items = new Map<number, Uint8Array>();
  private readonly files: { name: string; data: Uint8Array }[] = [];
  private readonly waiting: (() => void)[] = [];
  private selector = 0;
  private position = 0;
  private dmaHigh = 0;
  private readonly slot: Slot;

  constructor(slot: Slot) {
    this.slot = slot;
    this.items.set(FW_CFG.SIGNATURE, new TextEncoder().encode("QEMU"));
    this.addU32(FW_CFG.ID, 3); // traditional and DMA interface
    slot.pio.map(0x510, 2, {
      read: (offset) => (offset === 1 ? this.next() : 0),
      write: (offset, width, value) => {
        if (offset === 0 && width >= 2) this.select(value & 0xffff);
        else if (offset === 0) this.select(value & 0xff);
      },
    });
    slot.pio.map(0x514, 8, {
      // "QEMU CFG", big endian
      read: (offset, width) => {
        const text = [0x51, 0x45, 0x4d, 0x55, 0x20, 0x43, 0x46, 0x47];
        let value = 0;
        for (let i = 0; i < width; i++) value += (text[(offset + i) & 7] as number) * 2 ** (8 * i);
        return value;
      },
      write: (offset, width, value) => {
        if (width !== 4) return;
        const swapped = swap32(value);
        if (offset === 0) this.dmaHigh = swapped;
        else if (offset === 4) {
          const physical = this.dmaHigh * 2 ** 32 + swapped;
          this.dmaHigh = 0;
          this.transfer(physical);
        }
      },
    });
    this.rebuildDirectory();
  }
  /** Adds more when the guest first looks: what a machine that goes on from a saved state never reads is not made. */
  later(fill: () => void): void {
    this.waiting.push(fill);
  }
  private fill(): void {
    for (const fill of this.waiting.splice(0)) fill();
  }
  add(key: number, data: Uint8Array): void {
    this.items.set(key, data);
  }
  addU16(key: number, value: number): void {
    this.items.set(key, Uint8Array.of(value & 0xff, value >> 8));
  }
  addU32(key: number, value: number): void {
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, value, true);
    this.items.set(key, data);
  }
  /** Adds or replaces a named file. Keys follow the sorted order of names, as in QEMU. */
  addFile(name: string, data: Uint8Array): void {
    const found = this.files.find((f) => f.name === name);
    if (found) found.data = data;
    else this.files.push({ name, data });
    this.rebuildDirectory();
  }
  file(name: string): Uint8Array | null {
    this.fill();
    return this.files.find((f) => f.name === name)?.data ?? null;
  }
  fileNames(): readonly string[] {
    this.fill();
    return this.files.map((f) => f.name);
  }
  private rebuildDirectory(): void {
    this.files.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const directory = new Uint8Array(4 + 64 * this.files.length);
    const view = new DataView(directory.buffer);
    view.setUint32(0, this.files.length);
    this.files.forEach((f, i) => {
      const at = 4 + 64 * i;
      view.setUint32(at, f.data.length);
      view.setUint16(at + 4, FW_CFG.FILE_FIRST + i);
      directory.set(new TextEncoder().encode(f.name).subarray(0, 55), at + 8);
      this.items.set(FW_CFG.FILE_FIRST + i, f.data);
    });
    this.items.set(FW_CFG.FILE_DIR, directory);
  }
  private select(key: number): void {
    this.selector = key;
    this.position = 0;
  }
  private next(): number {
    this.fill();
    const item = this.items.get(this.selector);
    if (item === undefined || this.position >= item.length) return 0;
    return item[this.position++] as number;
  }
  private transfer(physical: number): void {
    this.fill();
    const request = new Uint8Array(16);
    this.slot.ram.read(physical, request);
    const view = new DataView(request.buffer);
    const control = view.getUint32(0);
    let length = view.getUint32(4);
    let target = view.getUint32(8) * 2 ** 32 + view.getUint32(12);
    if (control & DMA_SELECT) this.select(control >>> 16);
    let result = 0;
    const item = this.items.get(this.selector) ?? new Uint8Array(0);
    if (control & DMA_READ) {
      this.slot.trace("dma.transfer", target, length, 1);
      const have = Math.min(length, Math.max(0, item.length - this.position));
      if (have > 0) {
        this.slot.ram.write(target, item.subarray(this.position, this.position + have));
        this.position += have;
        target += have;
        length -= have;
      }
      const zeros = new Uint8Array(Math.min(length, 65536));
      while (length > 0 && length <= 2 ** 31) {
        const part = Math.min(length, zeros.length);
        this.slot.ram.write(target, zeros.subarray(0, part));
        target += part;
        length -= part;
      }
    } else if (control & DMA_WRITE) {
      this.slot.missing("fw_cfg write");
      result = DMA_ERROR;
    } else if (control & DMA_SKIP) this.position = Math.min(item.length, this.position + length);
    view.setUint32(0, result);
    this.slot.ram.write(physical, request.subarray(0, 4));
  }
  reset(): void {
    this.select(0);
    this.dmaHigh = 0;
  }
  save(): State {
    return { selector: this.selector, position: this.position, dmaHigh: this.dmaHigh };
  }
  load(state: State): void {
    const f = fields(state, "fw-cfg");
    this.selector = numberField(f, "selector", 0, 0xffff);
    this.position = numberField(f, "position");
    this.dmaHigh = numberField(f, "dmaHigh");
  }
}
function swap32(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

export const fwCfg = {
  name: "fw-cfg",
  summary: "QEMU firmware configuration device",
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): FwCfg => new FwCfg(slot),
} satisfies DeviceType<object, State>;
