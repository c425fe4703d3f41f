// The Intel 82077AA floppy controller of a PC with two drives: DMA channel 2, interrupt 6. From Intel 290166 (82077AA).
// Commands complete as soon as the data is there: no motor, step or rotation times. Left out: single-density (FM), scan
// commands, deleted-data marks (kept as data), the tape drive and data-rate checks.

import { boolean, FaultError, object, optional } from "../../src/contract/schema.ts";
import type { BlockBackend, Device, DeviceType, DmaChannel, IrqLine, Slot, State } from "../platform/types.ts";
import { readObject } from "./state-reader.ts";

interface Geometry {
  readonly tracks: number;
  readonly heads: number;
  readonly perTrack: number;
}
const GEOMETRIES: readonly Geometry[] = [
  { tracks: 40, heads: 2, perTrack: 9 },
  { tracks: 80, heads: 2, perTrack: 9 },
  { tracks: 80, heads: 2, perTrack: 15 },
  { tracks: 80, heads: 2, perTrack: 18 },
  { tracks: 80, heads: 2, perTrack: 36 },
];
const KIB = GEOMETRIES.map((g) => (g.tracks * g.heads * g.perTrack) / 2);

/** The format of a medium by its size; a Fault that names the sizes there are. */
export function floppyGeometry(sectors: number): Geometry {
  const found = GEOMETRIES.find((g) => g.tracks * g.heads * g.perTrack === sectors);
  if (!found)
    throw new FaultError(
      "floppy.size",
      `A floppy image of ${sectors * 512} bytes is no format of a PC drive: use ${KIB.join(", ")} KiB.`,
      "Pad it with truncate -s 1440K FILE, or attach it as a disk (-hda).",
    );
  return found;
}

const RQM = 0x80;
const DIO = 0x40;
const NON_DMA = 0x20;
const BUSY = 0x10;
const DOR_RUN = 0x04;
const DOR_DMA = 0x08;

/** Argument bytes by command code (low five bits). */
const ARGUMENTS: ReadonlyMap<number, number> = new Map([
  [0x02, 8], [0x03, 2], [0x04, 1], [0x05, 8], [0x06, 8], [0x07, 1], [0x08, 0], [0x09, 8], [0x0a, 1], [0x0c, 8], [0x0d, 5], [0x0e, 0],
  [0x0f, 2], [0x10, 0], [0x12, 1], [0x13, 3], [0x14, 0], [0x16, 8], [0x17, 1], [0x18, 0], [0x11, 8], [0x19, 8], [0x1d, 8],
]);

class Drive {
  track = 0;
  head = 0;
  changed = true;
  medium: BlockBackend | null;
  geometry: Geometry | null;
  readonly present: boolean;
  constructor(present: boolean, medium: BlockBackend | null) {
    this.present = present || medium !== null;
    this.medium = medium;
    this.geometry = medium === null ? null : floppyGeometry(medium.sectors);
  }
}

/** idle, collecting a command, moving data, giving results. */
type Phase = 0 | 1 | 2 | 3;
const BUFFER = 512;

class Floppy implements Device {
  readonly #slot: Slot;
  readonly #irq: IrqLine;
  readonly #dma: DmaChannel;
  readonly #drives: readonly Drive[];
  #dor = 0;
  #tape = 0;
  #rate = 2;
  #pending = false;
  #phase: Phase = 0;
  readonly #command = new Uint8Array(9);
  #have = 0;
  #want = 0;
  #results: number[] = [];
  /** SENSE INTERRUPT answers waiting: [ST0, track]. */
  #senses: [number, number][] = [];
  // CONFIGURE, SPECIFY, PERPENDICULAR, LOCK
  #specify = [0, 0];
  #config = 0;
  #precompensation = 0;
  #perpendicular = 0;
  #locked = false;
  // the transfer under way
  #cylinder = 0;
  #side = 0;
  #sector = 0;
  #formatLeft = 0;
  readonly #buffer = new Uint8Array(BUFFER);
  #position = 0;
  #waiting = false;
  #generation = 0;

  constructor(slot: Slot, present: readonly boolean[]) {
    this.#slot = slot;
    this.#irq = slot.irq(6);
    this.#dma = slot.dma(2);
    this.#drives = [0, 1].map((n) => new Drive(present[n] ?? false, slot.backend("block", `floppy${n}`)));
    slot.pio.map(0x3f0, 6, {
      read: (offset, width) => (width === 1 ? this.#read(offset) : this.#read(offset) | (this.#read(offset + 1) << 8)),
      write: (offset, width, value) => {
        this.#write(offset, value & 0xff);
        if (width > 1) this.#write(offset + 1, (value >>> 8) & 0xff);
      },
    });
    slot.pio.map(0x3f7, 1, {
      read: () => (this.#drive?.changed && this.#motorOn ? 0x80 : 0) | 0,
      write: (_offset, _width, value) => {
        this.#rate = value & 3;
      },
    });
    this.reset();
  }

  reset(): void {
    this.#dor = this.#tape = 0;
    this.#rate = 2;
    for (const drive of this.#drives) {
      drive.track = drive.head = 0;
      drive.changed = true;
    }
    this.#specify = [0, 0];
    this.#config = 0;
    this.#precompensation = this.#perpendicular = 0;
    this.#locked = false;
    this.#softReset();
    this.#senses = [];
  }
  #softReset(): void {
    this.#generation++;
    this.#waiting = false;
    this.#phase = 0;
    this.#have = this.#want = 0;
    this.#results = [];
    this.#senses = [];
    if (!this.#locked) this.#config &= 0x40;
    this.#lower();
  }
  get #drive(): Drive | undefined {
    return this.#drives[this.#dor & 3];
  }
  get #motorOn(): boolean {
    return (this.#dor & (0x10 << (this.#dor & 3))) !== 0;
  }
  #raise(): void {
    this.#pending = true;
    this.#irq.set((this.#dor & DOR_DMA) !== 0);
  }
  #lower(): void {
    this.#pending = false;
    this.#irq.set(false);
  }

  // ---- registers ----------------------------------------------------------------------------------------------------

  #read(offset: number): number {
    switch (offset) {
      case 0:
        return (this.#pending ? 0x80 : 0) | (this.#drive?.track === 0 ? 0 : 0x10);
      case 1:
        return 0xc0 | (this.#dor & 1 ? 0x20 : 0) | (this.#dor & 0x30 ? (this.#dor >> 4) & 3 : 0);
      case 2:
        return this.#dor;
      case 3:
        return this.#tape;
      case 4:
        return this.#mainStatus();
      case 5:
        return this.#readFifo();
      default:
        return 0xff;
    }
  }
  #write(offset: number, value: number): void {
    switch (offset) {
      case 2: {
        const was = this.#dor;
        this.#dor = value;
        if (!(value & DOR_RUN)) this.#softReset();
        else if (!(was & DOR_RUN)) this.#afterReset();
        if (this.#pending) this.#irq.set((value & DOR_DMA) !== 0);
        break;
      }
      case 3:
        this.#tape = value & 3;
        break;
      case 4:
        this.#rate = value & 3;
        if (value & 0x80) {
          this.#softReset();
          this.#afterReset();
        }
        break;
      case 5:
        this.#writeFifo(value);
        break;
      default:
        break;
    }
  }
  #afterReset(): void {
    for (const [n, drive] of [0, 1, 2, 3].map((i) => [i, this.#drives[i]] as const)) this.#senses.push([0xc0 | n, drive?.track ?? 0]);
    this.#raise();
  }
  #mainStatus(): number {
    if (!(this.#dor & DOR_RUN)) return 0;
    if (this.#waiting) return BUSY;
    switch (this.#phase) {
      case 0:
        return RQM;
      case 1:
        return RQM | BUSY;
      case 2:
        return RQM | BUSY | NON_DMA | (this.#reads ? DIO : 0);
      default:
        return RQM | DIO | BUSY;
    }
  }
  get #code(): number {
    return this.#command[0]! & 0x1f;
  }
  get #reads(): boolean {
    return [0x02, 0x06, 0x0c].includes(this.#code);
  }

  #readFifo(): number {
    if (this.#phase === 2 && this.#reads && !this.#waiting) {
      const value = this.#buffer[this.#position++]!;
      if (this.#position === BUFFER) this.#sectorDone(BUFFER, false);
      return value;
    }
    if (this.#phase !== 3) return 0;
    this.#lower();
    const value = this.#results.shift() ?? 0;
    if (this.#results.length === 0) this.#phase = 0;
    return value;
  }
  #writeFifo(value: number): void {
    if (!(this.#dor & DOR_RUN) || this.#waiting) return;
    if (this.#phase === 2 && !this.#reads) {
      this.#buffer[this.#position++] = value;
      if (this.#code === 0x0d ? this.#position === 4 : this.#position === BUFFER) this.#store();
      return;
    }
    if (this.#phase === 3) return;
    if (this.#phase === 0) {
      const wanted = ARGUMENTS.get(value & 0x1f);
      this.#command[0] = value;
      if (wanted === undefined || (value & 0x1f) === 0x18 && value !== 0x18) return this.#invalid();
      this.#have = 0;
      this.#want = wanted;
      this.#phase = 1;
    } else this.#command[++this.#have] = value;
    if (this.#have === this.#want) this.#execute();
  }
  #result(...bytes: number[]): void {
    this.#results = bytes;
    this.#phase = bytes.length > 0 ? 3 : 0;
  }
  #invalid(): void {
    this.#result(0x80);
  }

  // ---- commands -----------------------------------------------------------------------------------------------------

  #execute(): void {
    const c = this.#command;
    const unit = c[1]! & 3;
    switch (this.#code) {
      case 0x03:
        this.#specify = [c[1]!, c[2]!];
        this.#result();
        break;
      case 0x04: {
        const drive = this.#drives[unit];
        this.#dor = (this.#dor & ~3) | unit;
        if (drive) drive.head = (c[1]! >> 2) & 1;
        const st3 = (c[1]! & 7) | 0x28 | (drive?.track === 0 ? 0x10 : 0) | (drive?.medium?.readOnly ? 0x40 : 0);
        this.#result(st3);
        break;
      }
      case 0x07:
        this.#step(unit, 0, 0);
        break;
      case 0x0f: {
        const drive = this.#drives[unit];
        const relative = (c[0]! & 0x80) !== 0;
        const target = relative ? (drive?.track ?? 0) + (c[0]! & 0x40 ? c[2]! : -c[2]!) : c[2]!;
        this.#step(unit, Math.max(0, target), (c[1]! >> 2) & 1);
        break;
      }
      case 0x08: {
        const sense = this.#senses.shift();
        this.#lower();
        if (sense) this.#result(...sense);
        else this.#invalid();
        break;
      }
      case 0x0a:
        this.#readId(unit);
        break;
      case 0x0d:
        this.#beginFormat(unit);
        break;
      case 0x0e:
        this.#result(
          this.#drives[0]?.track ?? 0, this.#drives[1]?.track ?? 0, 0, 0, this.#specify[0]!, this.#specify[1]!, 0,
          (this.#locked ? 0x80 : 0) | this.#perpendicular, this.#config, this.#precompensation,
        );
        break;
      case 0x10:
        this.#result(0x90);
        break;
      case 0x12:
        this.#perpendicular = c[1]! & 0x3f;
        this.#result();
        break;
      case 0x13:
        this.#config = c[2]! & 0x7f;
        this.#precompensation = c[3]!;
        this.#result();
        break;
      case 0x14:
        this.#locked = (c[0]! & 0x80) !== 0;
        this.#result(this.#locked ? 0x10 : 0);
        break;
      case 0x17:
        this.#result(c[1]!);
        break;
      case 0x18:
        this.#result(0x41);
        break;
      case 0x11:
      case 0x19:
      case 0x1d:
        this.#slot.missing("floppy scan");
        this.#finish(0x40, 0x04, 0);
        break;
      default:
        this.#beginTransfer(unit);
    }
  }
  #step(unit: number, track: number, head: number): void {
    const drive = this.#drives[unit];
    this.#dor = (this.#dor & ~3) | unit;
    const there = drive?.present ?? false;
    if (drive?.present) {
      drive.track = Math.min(track, 84);
      drive.head = head;
      if (drive.medium !== null) drive.changed = false;
    }
    // A drive that is not there never shows track 0: equipment check after recalibrate.
    this.#senses = [[0x20 | (!there && this.#code === 0x07 ? 0x50 : 0) | (head << 2) | unit, drive?.track ?? track]];
    this.#result();
    this.#raise();
  }
  #readId(unit: number): void {
    this.#dor = (this.#dor & ~3) | unit;
    const drive = this.#drives[unit];
    this.#side = (this.#command[1]! >> 2) & 1;
    if (!drive?.geometry) {
      this.#cylinder = drive?.track ?? 0;
      this.#sector = 1;
      return this.#finish(0x40, 0x01, 0);
    }
    drive.head = this.#side;
    this.#cylinder = drive.track;
    // The sector that comes by next.
    const turn = (this.#slot.clock.now() % 200_000_000) / 200_000_000;
    this.#sector = 1 + Math.floor(turn * drive.geometry.perTrack);
    if (drive.track >= drive.geometry.tracks) this.#finish(0x40, 0x01, 0);
    else this.#finish(0, 0, 0);
  }

  // ---- transfers ----------------------------------------------------------------------------------------------------

  get #useDma(): boolean {
    return (this.#specify[1]! & 1) === 0;
  }
  #beginTransfer(unit: number): void {
    const c = this.#command;
    this.#dor = (this.#dor & ~3) | unit;
    this.#cylinder = c[2]!;
    this.#side = c[3]! & 1;
    this.#sector = c[4]!;
    const drive = this.#drives[unit];
    if (!drive?.geometry || !drive.medium) return this.#finish(0x40, 0x01, 0);
    drive.head = this.#side;
    if (this.#cylinder !== drive.track && this.#cylinder < drive.geometry.tracks) drive.track = this.#cylinder; // implied seek
    if (!this.#reads && this.#code !== 0x16 && drive.medium.readOnly) return this.#finish(0x40, 0x02, 0);
    if (this.#code === 0x02) this.#sector = 1;
    this.#next();
  }
  /** Linear sector, or -1 when the address is not on the medium. */
  #linear(): number {
    const g = this.#drive?.geometry;
    if (!g || this.#cylinder >= g.tracks || this.#side >= g.heads || this.#sector < 1 || this.#sector > g.perTrack) return -1;
    return (this.#cylinder * g.heads + this.#side) * g.perTrack + this.#sector - 1;
  }
  /** Starts the sector at the current address. */
  #next(): void {
    const at = this.#linear();
    if (at < 0 || this.#command[5] !== 2) return this.#finish(0x40, 0x04, 0);
    this.#position = 0;
    if (this.#reads || this.#code === 0x16) {
      this.#transfer(false, at, () => {
        if (this.#code === 0x16) this.#sectorDone(BUFFER, false);
        else if (this.#useDma) this.#sectorDone(this.#dma.transfer(this.#buffer, true), this.#dma.terminal);
        else this.#serveByProgram();
      });
    } else if (this.#useDma) {
      this.#buffer.fill(0);
      const moved = this.#dma.transfer(this.#buffer, false);
      if (moved === 0) return this.#finish(0x40, 0x10, 0); // overrun: nobody serves the request
      const terminal = this.#dma.terminal;
      this.#transfer(true, at, () => this.#sectorDone(moved, terminal));
    } else this.#serveByProgram();
  }
  #serveByProgram(): void {
    this.#phase = 2;
    this.#raise();
  }
  #store(): void {
    if (this.#code === 0x0d) return this.#formatSector();
    this.#lower();
    this.#transfer(true, this.#linear(), () => this.#sectorDone(BUFFER, false));
  }
  #transfer(write: boolean, sector: number, then: () => void): void {
    const medium = this.#drive?.medium;
    if (!medium || sector < 0) return this.#finish(0x40, 0x04, 0);
    this.#slot.trace(write ? "block.write" : "block.read", sector, 1);
    const atOnce = write ? medium.writeSync : medium.readSync;
    if (atOnce) {
      try {
        atOnce.call(medium, sector, this.#buffer);
      } catch {
        return this.#finish(0x40, 0x20, 0x20);
      }
      return then();
    }
    this.#waiting = true;
    const generation = ++this.#generation;
    const done = (ok: boolean) => {
      if (generation !== this.#generation) return;
      this.#waiting = false;
      if (ok) then();
      else this.#finish(0x40, 0x20, 0x20);
    };
    (write ? medium.write(sector, this.#buffer) : medium.read(sector, this.#buffer)).then(
      () => done(true),
      () => done(false),
    );
  }
  /** One sector went through; `moved` bytes of it, `terminal` when the DMA count ended with it. */
  #sectorDone(moved: number, terminal: boolean): void {
    const endOfTrack = this.#command[6]!;
    const multi = (this.#command[0]! & 0x80) !== 0;
    const wasLast = this.#sector >= endOfTrack;
    if (moved === 0) return this.#finish(0x40, 0x10, 0);
    // The address after this sector, also what the result shows (data sheet, table 5-6).
    if (!wasLast) this.#sector++;
    else {
      this.#sector = 1;
      if (multi) {
        if (this.#side === 1) this.#cylinder++;
        this.#side ^= 1;
      } else this.#cylinder++;
    }
    const drive = this.#drive;
    if (drive) drive.head = this.#side;
    if (terminal || moved < BUFFER) return this.#finish(0, 0, 0);
    if (this.#code === 0x16 && this.#command[1]! & 0x80) return this.#finish(0, 0, 0);
    // Without TC the end of the cylinder is an error for DMA, and the way a program's transfer ends.
    if (wasLast && (!multi || this.#side === 0)) return this.#finish(this.#code === 0x16 ? 0 : 0x40, this.#code === 0x16 ? 0 : 0x80, 0);
    this.#next();
  }

  #beginFormat(unit: number): void {
    const c = this.#command;
    this.#dor = (this.#dor & ~3) | unit;
    const drive = this.#drives[unit];
    this.#side = (c[1]! >> 2) & 1;
    this.#cylinder = drive?.track ?? 0;
    this.#sector = 1;
    if (!drive?.geometry) return this.#finish(0x40, 0x01, 0);
    if (drive.medium?.readOnly) return this.#finish(0x40, 0x02, 0);
    this.#formatLeft = c[3]!;
    this.#formatNext();
  }
  #formatNext(): void {
    if (this.#formatLeft === 0) return this.#finish(0, 0, 0);
    this.#position = 0;
    if (!this.#useDma) return this.#serveByProgram();
    const moved = this.#dma.transfer(this.#buffer.subarray(0, 4), false);
    if (moved < 4) return this.#finish(0x40, 0x10, 0);
    this.#formatSector();
  }
  #formatSector(): void {
    [this.#cylinder, this.#side, this.#sector] = [this.#buffer[0]!, this.#buffer[1]! & 1, this.#buffer[2]!];
    this.#buffer.fill(this.#command[5]!);
    this.#formatLeft--;
    this.#transfer(true, this.#linear(), () => this.#formatNext());
  }

  #finish(st0: number, st1: number, st2: number): void {
    const unit = this.#dor & 3;
    this.#waiting = false;
    this.#result(st0 | (this.#side << 2) | unit, st1, st2, this.#cylinder & 0xff, this.#side, this.#sector, 2);
    this.#raise();
  }

  // ---- media and state ----------------------------------------------------------------------------------------------

  /** Puts a medium into a drive (null: takes it out). False when there is no such drive. */
  changeMedium(position: string, medium: BlockBackend | null): boolean {
    const drive = this.#drives[position === "floppy0" ? 0 : position === "floppy1" ? 1 : 2];
    if (!drive?.present) return false;
    drive.geometry = medium === null ? null : floppyGeometry(medium.sectors);
    drive.medium = medium;
    drive.changed = true;
    return true;
  }
  save(): State {
    return {
      small: [
        this.#dor, this.#tape, this.#rate, this.#pending ? 1 : 0, this.#phase, this.#have, this.#want, this.#specify[0]!, this.#specify[1]!,
        this.#config, this.#precompensation, this.#perpendicular, this.#locked ? 1 : 0, this.#cylinder & 0xff, this.#side, this.#sector,
        this.#formatLeft, this.#waiting ? 1 : 0,
      ],
      command: this.#command.slice(),
      results: Uint8Array.from(this.#results),
      senses: Uint8Array.from(this.#senses.flat()),
      drives: this.#drives.flatMap((d) => [d.track, d.head, d.changed ? 1 : 0]),
      buffer: this.#buffer.slice(),
      position: this.#position,
    };
  }
  load(state: State): void {
    const from = readObject(state, "floppy");
    const s = from.integers("small", 18, 255);
    const command = from.bytes("command", 9);
    const results = from.blob("results", 16);
    const senses = from.blob("senses", 8);
    const drives = from.integers("drives", 6, 255);
    const buffer = from.bytes("buffer", BUFFER);
    const position = from.integer("position", BUFFER - 1);
    this.#generation++;
    [this.#dor, this.#tape, this.#rate] = [s[0]!, s[1]! & 3, s[2]! & 3];
    this.#pending = s[3] !== 0;
    this.#phase = (s[4]! & 3) as Phase;
    this.#have = Math.min(s[5]!, 8);
    this.#want = Math.min(Math.max(s[6]!, this.#have), 8);
    this.#specify = [s[7]!, s[8]!];
    [this.#config, this.#precompensation, this.#perpendicular] = [s[9]!, s[10]!, s[11]!];
    this.#locked = s[12] !== 0;
    [this.#cylinder, this.#side, this.#sector, this.#formatLeft] = [s[13]!, s[14]! & 1, s[15]!, s[16]!];
    this.#command.set(command);
    this.#results = [...results];
    this.#senses = [];
    for (let i = 0; i + 1 < senses.length; i += 2) this.#senses.push([senses[i]!, senses[i + 1]!]);
    this.#drives.forEach((d, i) => {
      [d.track, d.head, d.changed] = [drives[3 * i]!, drives[3 * i + 1]! & 1, drives[3 * i + 2] !== 0];
    });
    this.#buffer.set(buffer);
    this.#position = position;
    this.#irq.set(this.#pending && (this.#dor & DOR_DMA) !== 0);
    // A sector that waited for its backend: a read starts again, a write of the saved buffer ends the command as an error,
    // for its DMA cannot be repeated; drivers retry.
    this.#waiting = false;
    if (s[17] !== 0) {
      if (this.#reads) this.#next();
      else this.#finish(0x40, 0x10, 0);
    }
  }
}

const options = object("floppy drives", {
  floppy0: optional(boolean("drive A is there even without a medium"), false),
  floppy1: optional(boolean("drive B is there even without a medium"), false),
});
type FloppyOptions = ReturnType<typeof options.parse>;
export type FloppyController = Device & { changeMedium(position: string, medium: BlockBackend | null): boolean };

export const floppy = {
  name: "isa-fdc",
  summary: "82077AA floppy controller",
  options,
  version: 1,
  create: (slot: Slot, given: FloppyOptions): FloppyController => new Floppy(slot, [given.floppy0, given.floppy1]),
} satisfies DeviceType<FloppyOptions, State>;
