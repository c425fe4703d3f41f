// The IDE function of the PIIX3 (8086:7010): two channels at the legacy addresses with interrupts 14 and 15, and bus-master
// DMA in BAR 4. From Intel 290550 (PIIX3), the bus-master IDE specification 1.0 and ATA/ATAPI-6 clause 7.
// Parts: ide-drive, ata-disk, atapi-cdrom. Left out: native PCI mode, transfer timing, the slave timing registers' effect.

import { choice, object, optional } from "../../src/contract/schema.ts";
import type { BlockBackend, Device, DeviceType, GuestRam, IrqLine, PciFunction, Region, Slot, State } from "../platform/types.ts";
import { AtaDisk } from "./ata-disk.ts";
import { AtapiCdrom } from "./atapi-cdrom.ts";
import { BSY, DRQ, type DriveBus, type IdeDrive, STEP } from "./ide-drive.ts";
import { readObject } from "./state-reader.ts";

const BM_START = 0x01;
const BM_TO_MEMORY = 0x08;
const BM_ACTIVE = 0x01;
const BM_ERROR = 0x02;
const BM_INTERRUPT = 0x04;
const NIEN = 0x02;
const SRST = 0x04;
const HOB = 0x80;
const PRD_LAST = 0x80000000;

class Channel implements DriveBus {
  readonly drives: (IdeDrive | null)[] = [null, null];
  readonly #slot: Slot;
  readonly #irq: IrqLine;
  readonly #dma: GuestRam;
  #chosen = 0;
  #control = 0;
  #pending = false;
  // bus master
  #command = 0;
  #bmStatus = 0;
  #table = 0;
  #entry = 0;
  #entryAddress = 0;
  #entryLeft = 0;
  #entryLast = false;
  #waiting: IdeDrive | null = null;

  constructor(slot: Slot, irq: IrqLine, dma: GuestRam) {
    this.#slot = slot;
    this.#irq = irq;
    this.#dma = dma;
  }

  reset(): void {
    for (const drive of this.drives) drive?.reset();
    this.#chosen = this.#control = this.#command = this.#bmStatus = this.#table = 0;
    this.#entry = this.#entryAddress = this.#entryLeft = 0;
    this.#entryLast = false;
    this.#waiting = null;
    this.#lower();
  }
  get #drive(): IdeDrive | null {
    return this.drives[this.#chosen] ?? null;
  }

  // ---- interrupt ----------------------------------------------------------------------------------------------------

  raise(): void {
    this.#pending = true;
    this.#bmStatus |= BM_INTERRUPT;
    this.#irq.set((this.#control & NIEN) === 0);
  }
  #lower(): void {
    this.#pending = false;
    this.#irq.set(false);
  }

  // ---- command block ------------------------------------------------------------------------------------------------

  readonly commandBlock: Region = {
    read: (offset, width) => {
      if (offset === 0) return width === 1 ? (this.#drive?.readData(2) ?? 0) & 0xff : (this.#drive?.readData(width) ?? 0);
      let value = 0;
      for (let i = 0; i < width; i++) value |= this.#readRegister(offset + i) << (8 * i);
      return value >>> 0;
    },
    write: (offset, width, value) => {
      if (offset === 0) this.#drive?.writeData(width === 1 ? 2 : width, value);
      else for (let i = 0; i < width; i++) this.#writeRegister(offset + i, (value >>> (8 * i)) & 0xff);
    },
  };
  readonly controlBlock: Region = {
    read: () => this.#drive?.status ?? 0,
    write: (_offset, _width, value) => this.#writeControl(value & 0xff),
  };

  #readRegister(offset: number): number {
    const drive = this.#drive;
    if (drive === null) return 0;
    const old = (this.#control & HOB) !== 0;
    switch (offset) {
      case 1:
        return old ? drive.previous[0]! : drive.error;
      case 2:
        return old ? drive.previous[1]! : drive.count;
      case 3:
        return old ? drive.previous[2]! : drive.low;
      case 4:
        return old ? drive.previous[3]! : drive.mid;
      case 5:
        return old ? drive.previous[4]! : drive.high;
      case 6:
        return drive.select | 0xa0;
      case 7:
        this.#lower();
        return drive.status;
      default:
        return 0xff;
    }
  }
  #writeRegister(offset: number, value: number): void {
    this.#control &= ~HOB;
    if (offset === 7) {
      this.#execute(value);
      return;
    }
    if (offset === 6) this.#chosen = (value >> 4) & 1;
    for (const drive of this.drives) {
      if (drive === null || drive.status & (BSY | DRQ)) {
        // Both drives latch the device register; the rest is ignored during a command.
        if (drive !== null && offset === 6 && !(drive.status & BSY)) drive.select = value;
        continue;
      }
      switch (offset) {
        case 1:
          drive.previous[0] = drive.feature;
          drive.feature = value;
          break;
        case 2:
          drive.previous[1] = drive.count;
          drive.count = value;
          break;
        case 3:
          drive.previous[2] = drive.low;
          drive.low = value;
          break;
        case 4:
          drive.previous[3] = drive.mid;
          drive.mid = value;
          break;
        case 5:
          drive.previous[4] = drive.high;
          drive.high = value;
          break;
        case 6:
          drive.select = value;
          break;
        default:
          break;
      }
    }
  }
  #execute(command: number): void {
    this.#lower();
    if (command === 0x90) {
      for (const drive of this.drives) {
        drive?.cancel();
        drive?.setSignature();
      }
      this.#chosen = 0;
      this.raise();
      return;
    }
    const drive = this.#drive;
    if (drive === null) return;
    if (drive.status & (BSY | DRQ) && command !== 0x08) return;
    drive.command = command;
    drive.execute(command);
  }
  #writeControl(value: number): void {
    const was = this.#control;
    this.#control = value & (HOB | SRST | NIEN);
    if (value & SRST && !(was & SRST)) {
      this.#waiting = null;
      for (const drive of this.drives) {
        if (drive === null) continue;
        drive.cancel();
        drive.status = BSY;
      }
      this.#lower();
    } else if (!(value & SRST) && was & SRST) {
      for (const drive of this.drives) {
        if (drive === null) continue;
        drive.select = 0xa0;
        drive.setSignature();
      }
      this.#chosen = 0;
    }
    if (this.#pending) this.#irq.set((value & NIEN) === 0);
  }

  // ---- bus master ---------------------------------------------------------------------------------------------------

  readMaster(offset: number, width: number): number {
    if (offset === 4 && width === 4) return this.#table;
    let value = 0;
    for (let i = 0; i < width; i++) {
      const at = offset + i;
      const byte =
        at === 0 ? this.#command : at === 2 ? this.#bmStatus : at >= 4 ? (this.#table >>> (8 * (at - 4))) & 0xff : 0;
      value |= byte << (8 * i);
    }
    return value >>> 0;
  }
  writeMaster(offset: number, width: number, value: number): void {
    if (offset >= 4) {
      const shift = 8 * (offset - 4);
      const mask = (width === 4 ? 0xffffffff : ((1 << (8 * width)) - 1) << shift) >>> 0;
      this.#table = (((this.#table & ~mask) | ((value << shift) & mask)) & ~3) >>> 0;
      return;
    }
    for (let i = 0; i < width; i++) {
      const byte = (value >>> (8 * i)) & 0xff;
      if (offset + i === 0) this.#startStop(byte);
      else if (offset + i === 2)
        // Interrupt and error are cleared by ones; the "drive can do DMA" bits are plain.
        this.#bmStatus = (this.#bmStatus & BM_ACTIVE) | (byte & 0x60) | (this.#bmStatus & ~byte & (BM_INTERRUPT | BM_ERROR));
    }
  }
  #startStop(value: number): void {
    const starts = (value & BM_START) !== 0 && !(this.#command & BM_START);
    this.#command = value & (BM_START | BM_TO_MEMORY);
    if (!(value & BM_START)) {
      this.#bmStatus &= ~BM_ACTIVE;
      return;
    }
    if (!starts) return;
    this.#bmStatus |= BM_ACTIVE;
    this.#entry = this.#table;
    this.#entryLeft = 0;
    this.#entryLast = false;
    this.#tryDma();
  }
  requestDma(drive: IdeDrive): void {
    this.#waiting = drive;
    this.#tryDma();
  }
  #tryDma(): void {
    const drive = this.#waiting;
    if (drive === null || drive.step !== STEP.dmaWait || !(this.#bmStatus & BM_ACTIVE)) return;
    this.#waiting = null;
    drive.dmaReady();
  }
  /** Walks the PRD table; `move` does one contiguous piece. */
  #walk(bytes: Uint8Array, move: (address: number, piece: Uint8Array) => void): number {
    let done = 0;
    while (done < bytes.length) {
      if (this.#entryLeft === 0) {
        if (this.#entryLast || this.#entry - this.#table >= 0x10000) break;
        const raw = new Uint8Array(8);
        this.#dma.read(this.#entry, raw);
        const view = new DataView(raw.buffer);
        const size = view.getUint32(4, true);
        this.#entry += 8;
        this.#entryAddress = (view.getUint32(0, true) & ~1) >>> 0;
        this.#entryLeft = size & 0xfffe || 0x10000;
        this.#entryLast = (size & PRD_LAST) !== 0;
      }
      const n = Math.min(this.#entryLeft, bytes.length - done);
      move(this.#entryAddress, bytes.subarray(done, done + n));
      this.#entryAddress += n;
      this.#entryLeft -= n;
      done += n;
    }
    return done;
  }
  dmaToMemory(bytes: Uint8Array): number {
    return this.#walk(bytes, (address, piece) => {
      this.#slot.trace("dma.transfer", address, piece.length, 1);
      this.#dma.write(address, piece);
    });
  }
  dmaFromMemory(bytes: Uint8Array): number {
    return this.#walk(bytes, (address, piece) => {
      this.#slot.trace("dma.transfer", address, piece.length, 0);
      this.#dma.read(address, piece);
    });
  }
  dmaDone(ok: boolean): void {
    // Active stays set when the table describes more memory than the drive had data.
    if (!ok || (this.#entryLast && this.#entryLeft === 0)) this.#bmStatus &= ~BM_ACTIVE;
    if (!ok) this.#bmStatus |= BM_ERROR;
  }

  // ---- state --------------------------------------------------------------------------------------------------------

  save(): State {
    return {
      bytes: [this.#chosen, this.#control, this.#command, this.#bmStatus, this.#pending ? 1 : 0, this.#entryLast ? 1 : 0],
      prd: [this.#table, this.#entry, this.#entryAddress, this.#entryLeft],
      waiting: this.#waiting === null ? 2 : this.drives.indexOf(this.#waiting),
      drives: this.drives.map((drive) => drive?.save() ?? null),
    };
  }
  load(state: State, where: string): void {
    const from = readObject(state, where);
    const small = from.integers("bytes", 6, 255);
    const prd = from.integers("prd", 4, 0x1ffffffff);
    const waiting = from.integer("waiting", 2);
    const drives = from.part("drives");
    if (!Array.isArray(drives) || drives.length !== 2) from.integers("drives", 2, 0);
    this.#chosen = small[0]! & 1;
    this.#control = small[1]!;
    this.#command = small[2]! & 9;
    this.#bmStatus = small[3]! & 0x67;
    this.#pending = small[4] !== 0;
    this.#entryLast = small[5] !== 0;
    this.#table = (prd[0]! & ~3) >>> 0;
    [this.#entry, this.#entryAddress, this.#entryLeft] = [prd[1]!, prd[2]!, Math.min(prd[3]!, 0x10000)];
    this.#waiting = this.drives[waiting] ?? null;
    this.drives.forEach((drive, i) => {
      const saved = (drives as readonly State[])[i] ?? null;
      if ((drive === null) !== (saved === null)) from.integers(`drives[${i}]`, 0, 0);
      if (drive !== null) drive.load(saved, `${where}.drive${i}`);
    });
    this.#irq.set(this.#pending && !(this.#control & NIEN));
  }
}

const kind = () => optional(choice("what is attached", ["none", "disk", "cdrom"]), "none" as const);
const options = object("PIIX3 IDE: drives by position", {
  "ide0-master": kind(),
  "ide0-slave": kind(),
  "ide1-master": kind(),
  "ide1-slave": kind(),
});
type IdeOptions = ReturnType<typeof options.parse>;
const POSITIONS = ["ide0-master", "ide0-slave", "ide1-master", "ide1-slave"] as const;

/** The controller, with what the monitor needs for CD drives. */
export interface IdeController extends Device {
  /** Puts a medium in the CD drive at `position` (null: takes it out). False when there is no CD drive. */
  changeMedium(position: string, medium: BlockBackend | null): boolean;
}

class Ide implements IdeController {
  readonly #channels: readonly [Channel, Channel];
  readonly #pci: PciFunction;

  constructor(slot: Slot, given: IdeOptions) {
    const config = new Uint8Array(256);
    config.set([0x86, 0x80, 0x10, 0x70]);
    config[0x06] = 0x80;
    config[0x07] = 0x02;
    config[0x09] = 0x80;
    config[0x0a] = 0x01;
    config[0x0b] = 0x01;
    config[0x41] = 0x80; // both channels decode, so that a machine without firmware finds its disks
    config[0x43] = 0x80;
    this.#pci = slot.pci(config);
    this.#pci.writable(0x40, new Uint8Array(4).fill(0xff));
    this.#pci.writable(0x44, Uint8Array.of(0xff));
    const [a, b] = [new Channel(slot, slot.irq(14), this.#pci.dma), new Channel(slot, slot.irq(15), this.#pci.dma)];
    this.#channels = [a, b];
    POSITIONS.forEach((position, i) => {
      const what = given[position];
      const channel = this.#channels[(i >> 1) as 0 | 1];
      const medium = what === "none" ? null : slot.backend("block", position);
      if (what === "cdrom") channel.drives[i & 1] = new AtapiCdrom(slot, channel, medium, `GH0000${i + 1}`);
      else if (what === "disk" && medium !== null) channel.drives[i & 1] = new AtaDisk(slot, channel, medium, `GH0000${i + 1}`);
    });
    slot.pio.map(0x1f0, 8, a.commandBlock);
    slot.pio.map(0x3f6, 1, a.controlBlock);
    slot.pio.map(0x170, 8, b.commandBlock);
    slot.pio.map(0x376, 1, b.controlBlock);
    this.#pci.bar(4, "io", 16, {
      read: (offset, width) => (offset < 8 ? a : b).readMaster(offset & 7, width),
      write: (offset, width, value) => (offset < 8 ? a : b).writeMaster(offset & 7, width, value),
    });
  }
  changeMedium(position: string, medium: BlockBackend | null): boolean {
    const i = POSITIONS.indexOf(position as (typeof POSITIONS)[number]);
    const drive = i < 0 ? null : this.#channels[(i >> 1) as 0 | 1].drives[i & 1];
    if (!(drive instanceof AtapiCdrom)) return false;
    drive.change(medium);
    return true;
  }
  reset(): void {
    for (const channel of this.#channels) channel.reset();
  }
  save(): State {
    return { channels: this.#channels.map((channel) => channel.save()) };
  }
  load(state: State): void {
    const list = readObject(state, "ide").part("channels");
    if (!Array.isArray(list) || list.length !== 2) readObject(null, "ide.channels");
    this.#channels.forEach((channel, i) => channel.load((list as readonly State[])[i] ?? null, `ide${i}`));
  }
}

export const ide: DeviceType<IdeOptions, State> = {
  name: "piix3-ide",
  summary: "PIIX3 IDE controller with bus-master DMA",
  options,
  version: 1,
  create: (slot, given) => new Ide(slot, given),
};
