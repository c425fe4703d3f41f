// What every drive on an IDE channel has in common: the task file with its "previous content" halves, the data buffer behind
// the data port, the status bits, and requests to the block backend (at once when it can, else with BSY until it is done).
// From ATA/ATAPI-6 (T13 1410D), clauses 6, 7 and 9. Left out: overlap, queueing, security.

import type { BlockBackend, Slot, State } from "../platform/types.ts";
import { readObject } from "./state-reader.ts";

export const BSY = 0x80;
export const DRDY = 0x40;
export const DF = 0x20;
export const DSC = 0x10;
export const DRQ = 0x08;
export const ERR = 0x01;
export const ABRT = 0x04;
export const IDNF = 0x10;
export const UNC = 0x40;
/** Largest piece moved between backend and guest at once. */
export const BUFFER_BYTES = 128 * 512;

/** The channel as its drives see it. */
export interface DriveBus {
  raise(): void;
  /** Asks for a DMA transfer: the drive's `dmaReady` is called when the bus master is started. */
  requestDma(drive: IdeDrive): void;
  /** Moves bytes along the PRD table; returns how many fitted. */
  dmaToMemory(bytes: Uint8Array): number;
  dmaFromMemory(bytes: Uint8Array): number;
  /** The transfer is over, well or not. */
  dmaDone(ok: boolean): void;
}

/** The step a drive is in; a number so that it can be saved and taken up again. */
export const STEP = { none: 0, in: 1, out: 2, packet: 3, dmaWait: 4, loading: 5, storing: 6, dmaIn: 7, dmaOut: 8, flushing: 9 } as const;
export type Step = (typeof STEP)[keyof typeof STEP];

export abstract class IdeDrive {
  status = 0;
  error = 1;
  feature = 0;
  /** sector count, LBA low, mid, high; and what they held before the last write (LBA48). */
  count = 1;
  low = 1;
  mid = 0;
  high = 0;
  readonly previous = new Uint8Array(5);
  select = 0xa0;
  command = 0;
  readonly buffer = new Uint8Array(BUFFER_BYTES);
  position = 0;
  end = 0;
  step: Step = STEP.none;
  protected readonly slot: Slot;
  protected readonly bus: DriveBus;
  protected readonly words: Uint16Array;
  protected readonly doubles: Uint32Array;
  /** Raised by reset and load: late answers of an earlier life are dropped. */
  private generation = 0;

  constructor(slot: Slot, bus: DriveBus) {
    this.slot = slot;
    this.bus = bus;
    this.words = new Uint16Array(this.buffer.buffer);
    this.doubles = new Uint32Array(this.buffer.buffer);
  }

  abstract readonly medium: BlockBackend | null;
  abstract execute(command: number): void;
  /** The guest has read (or written) the whole buffer. */
  protected abstract drained(): void;
  protected abstract filled(): void;
  /** The bus master runs and this drive asked for it. */
  abstract dmaReady(): void;
  /** Takes up a step that waited for the backend when the state was saved. */
  protected abstract resume(step: Step): void;
  abstract setSignature(): void;
  protected abstract saveMore(): State;
  protected abstract loadMore(state: State): void;
  protected abstract resetMore(): void;

  reset(): void {
    this.generation++;
    this.step = STEP.none;
    this.position = this.end = 0;
    this.feature = 0;
    this.command = 0;
    this.previous.fill(0);
    this.select = 0xa0;
    this.resetMore();
    this.setSignature();
  }

  // ---- data port ----------------------------------------------------------------------------------------------------

  readData(width: number): number {
    if (this.step !== STEP.in || !(this.status & DRQ)) return 0;
    const at = this.position;
    let value: number;
    if (width === 4 && (at & 3) === 0) {
      value = this.doubles[at >> 2]!;
      this.position = at + 4;
    } else if (width === 4) {
      value = (this.words[at >> 1]! | (this.words[(at >> 1) + 1]! << 16)) >>> 0;
      this.position = at + 4;
    } else {
      value = this.words[at >> 1]!;
      this.position = at + 2;
    }
    if (this.position >= this.end) this.drained();
    return value;
  }
  writeData(width: number, value: number): void {
    if ((this.step !== STEP.out && this.step !== STEP.packet) || !(this.status & DRQ)) return;
    const at = this.position;
    this.words[at >> 1] = value;
    if (width === 4) this.words[(at >> 1) + 1] = value >>> 16;
    this.position = at + (width === 4 ? 4 : 2);
    if (this.position >= this.end) this.filled();
  }
  /** Offers `length` bytes of the buffer to the guest. */
  protected offer(length: number): void {
    this.step = STEP.in;
    this.position = 0;
    this.end = length;
    this.status = DRDY | DSC | DRQ;
  }
  /** Asks the guest for `length` bytes. */
  protected want(length: number, step: Step): void {
    this.step = step;
    this.position = 0;
    this.end = length;
    this.status = DRDY | DSC | DRQ;
  }

  // ---- ends ---------------------------------------------------------------------------------------------------------

  /** Command finished well, with an interrupt. */
  protected succeed(): void {
    this.rest();
    this.bus.raise();
  }
  protected rest(): void {
    this.step = STEP.none;
    this.status = DRDY | DSC;
  }
  protected fail(error: number): void {
    this.step = STEP.none;
    this.status = DRDY | DSC | ERR;
    this.error = error;
    this.bus.raise();
  }

  // ---- backend ------------------------------------------------------------------------------------------------------

  /** Reads or writes sectors; `then` is told whether that went well. BSY is set meanwhile. */
  protected transfer(write: boolean, sector: number, bytes: Uint8Array, waiting: Step, then: (ok: boolean) => void): void {
    const disk = this.medium;
    if (disk === null || sector < 0 || sector + bytes.length / 512 > disk.sectors || (write && disk.readOnly)) {
      then(false);
      return;
    }
    this.slot.trace(write ? "block.write" : "block.read", sector, bytes.length / 512);
    const atOnce = write ? disk.writeSync : disk.readSync;
    if (atOnce) {
      let ok = true;
      try {
        atOnce.call(disk, sector, bytes);
      } catch {
        ok = false; // the host's file failed: an unrecoverable medium error for the guest
      }
      then(ok);
      return;
    }
    this.await(write ? disk.write(sector, bytes) : disk.read(sector, bytes), waiting, then);
  }
  protected await(work: Promise<void>, waiting: Step, then: (ok: boolean) => void): void {
    this.step = waiting;
    this.status = BSY | (this.status & (DRDY | DSC));
    const generation = ++this.generation;
    const finish = (ok: boolean) => {
      if (generation !== this.generation) return;
      this.status &= ~BSY;
      then(ok);
    };
    work.then(
      () => finish(true),
      () => finish(false),
    );
  }
  /** Cancels what waits for the backend or the bus master. */
  cancel(): void {
    this.generation++;
    this.step = STEP.none;
  }

  // ---- state --------------------------------------------------------------------------------------------------------

  save(): State {
    const used = Math.max(this.end, this.step >= STEP.loading ? BUFFER_BYTES : 0);
    return {
      registers: [this.status, this.error, this.feature, this.count, this.low, this.mid, this.high, this.select, this.command],
      previous: this.previous.slice(),
      buffer: this.buffer.slice(0, used),
      position: this.position,
      end: this.end,
      step: this.step,
      more: this.saveMore(),
    };
  }
  load(state: State, where: string): void {
    const from = readObject(state, where);
    const registers = from.integers("registers", 9, 255);
    const previous = from.bytes("previous", 5);
    const buffer = from.blob("buffer", BUFFER_BYTES);
    const end = from.integer("end", BUFFER_BYTES);
    const position = from.integer("position", end);
    const step = from.integer("step", STEP.flushing) as Step;
    this.loadMore(from.part("more"));
    this.generation++;
    [this.status, this.error, this.feature, this.count, this.low, this.mid, this.high, this.select, this.command] =
      registers as unknown as [number, number, number, number, number, number, number, number, number];
    this.previous.set(previous);
    this.buffer.fill(0);
    this.buffer.set(buffer);
    this.end = end & ~1;
    this.position = Math.min(position & ~1, this.end);
    this.step = step;
    if (step >= STEP.loading) this.resume(step);
  }
}

/** Text in IDENTIFY data: the first letter is in the high byte of each word. */
export function putText(into: Uint8Array, word: number, length: number, text: string): void {
  const padded = text.padEnd(length, " ");
  for (let i = 0; i < length; i++) into[word * 2 + (i ^ 1)] = padded.charCodeAt(i) & 0x7f;
}
