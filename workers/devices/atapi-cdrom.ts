// An ATAPI CD/DVD-ROM: PACKET commands of MMC by PIO and DMA, one data track, medium change. From ATA/ATAPI-6 clause 8.23,
// SFF-8020i and MMC-5. Left out: audio, subchannels, writing, region codes.

import type { BlockBackend, Slot, State } from "../platform/types.ts";
import { ABRT, BUFFER_BYTES, type DriveBus, DRDY, DRQ, DSC, ERR, IdeDrive, putText, STEP, type Step } from "./ide-drive.ts";
import { readObject } from "./state-reader.ts";

const BLOCK = 2048;
const RAW = 2352;
/** Sense key, additional code, qualifier. */
type Sense = readonly [number, number, number];
const NO_SENSE: Sense = [0, 0, 0];
const NO_MEDIUM: Sense = [2, 0x3a, 0];
const MEDIUM_ERROR: Sense = [3, 0x11, 0];
const BAD_COMMAND: Sense = [5, 0x20, 0];
const OUT_OF_RANGE: Sense = [5, 0x21, 0];
const BAD_FIELD: Sense = [5, 0x24, 0];
const CHANGED: Sense = [6, 0x28, 0];
const LOCKED: Sense = [5, 0x53, 2];

export class AtapiCdrom extends IdeDrive {
  #medium: BlockBackend | null;
  readonly #serial: string;
  #packet = new Uint8Array(12);
  #sense: Sense = NO_SENSE;
  /** A new medium was put in and has not been reported. */
  #attention = false;
  /** For GET EVENT STATUS: 0 none, 2 new medium, 3 removed. */
  #event = 0;
  #locked = false;
  #open = false;
  #block = 0;
  #left = 0;
  #raw = false;
  #dma = false;
  #limit = 0;
  /** Bytes of the reply in the buffer not yet offered. */
  #offered = 0;
  #filled = 0;

  constructor(slot: Slot, bus: DriveBus, medium: BlockBackend | null, serial: string) {
    super(slot, bus);
    this.#medium = medium;
    this.#serial = serial;
    this.reset();
  }
  override get medium(): BlockBackend | null {
    return this.#open ? null : this.#medium;
  }
  get #blocks(): number {
    return this.medium === null ? 0 : this.medium.sectors >> 2;
  }

  /** From outside: another disc, or none. */
  change(medium: BlockBackend | null): void {
    this.#medium = medium;
    this.#open = false;
    this.#attention = medium !== null;
    this.#event = medium === null ? 3 : 2;
    if (medium === null) this.#locked = false;
  }

  protected override resetMore(): void {
    this.#packet.fill(0);
    this.#sense = NO_SENSE;
    this.#attention = false;
    this.#event = 0;
    this.#locked = this.#open = this.#raw = this.#dma = false;
    this.#block = this.#left = this.#limit = this.#offered = this.#filled = 0;
  }
  override setSignature(): void {
    this.count = this.low = this.error = 1;
    this.mid = 0x14;
    this.high = 0xeb;
    this.select &= 0xf0;
    this.status = 0;
  }

  override execute(command: number): void {
    switch (command) {
      case 0xa1:
        this.#identify();
        break;
      case 0xa0:
        this.#dma = (this.feature & 1) !== 0;
        this.#limit = this.mid | (this.high << 8);
        this.error = 0;
        this.count = 1; // command packet wanted
        this.want(12, STEP.packet);
        break;
      case 0x08:
        this.cancel();
        this.setSignature();
        break;
      case 0xec:
      case 0x20:
        this.setSignature();
        this.fail(ABRT);
        break;
      case 0xef:
        if (![0x03, 0x02, 0x82, 0x55, 0xaa, 0x66, 0xcc, 0x95, 0x31].includes(this.feature)) this.fail(ABRT);
        else this.succeed();
        break;
      case 0xe5:
        this.count = 0xff;
        this.succeed();
        break;
      case 0xe0:
      case 0xe1:
      case 0xe2:
      case 0xe3:
      case 0xe6:
      case 0xe7:
        this.succeed();
        break;
      case 0xda:
      case 0x00:
        this.fail(ABRT);
        break;
      default:
        this.slot.missing(`atapi drive command ${command.toString(16)}`);
        this.fail(ABRT);
    }
  }

  // ---- phases -------------------------------------------------------------------------------------------------------

  protected override filled(): void {
    this.#packet.set(this.buffer.subarray(0, 12));
    this.step = STEP.none;
    this.#run();
  }
  #finish(): void {
    this.count = 3;
    this.succeed();
  }
  #check(sense: Sense): void {
    this.#sense = sense;
    this.count = 3;
    this.step = STEP.none;
    this.status = DRDY | DSC | ERR;
    this.error = (sense[0] << 4) | ABRT;
    this.bus.raise();
  }
  /** The first `length` bytes of the buffer go to the guest, cut to what the command allows. */
  #reply(length: number, allowed: number): void {
    const n = Math.min(length, allowed);
    this.#sense = NO_SENSE;
    this.#left = 0;
    this.#filled = n;
    this.#offered = 0;
    if (n === 0) this.#finish();
    else if (this.#dma) {
      this.step = STEP.dmaWait;
      this.status = DRDY | DSC | DRQ;
      this.bus.requestDma(this);
    } else this.#offerPiece();
  }
  /** One DRQ block of at most the byte count limit. */
  #offerPiece(): void {
    const limit = this.#limit === 0 || this.#limit === 0xffff ? 0xfffe : this.#limit;
    let n = Math.min(this.#filled - this.#offered, limit);
    if (n < this.#filled - this.#offered) n &= ~1;
    this.mid = n & 0xff;
    this.high = n >> 8;
    this.count = 2;
    this.step = STEP.in;
    this.position = this.#offered;
    this.end = this.#offered + n + (n & 1);
    this.#offered += n;
    this.status = DRDY | DSC | DRQ;
    this.bus.raise();
  }
  protected override drained(): void {
    if (this.command === 0xa1) this.rest();
    else if (this.#offered < this.#filled) this.#offerPiece();
    else if (this.#left > 0) this.#loadBlocks();
    else this.#finish();
  }
  override dmaReady(): void {
    if (this.#left > 0) this.#loadBlocks();
    else this.#dmaPiece();
  }
  #dmaPiece(): void {
    if (this.bus.dmaToMemory(this.buffer.subarray(0, this.#filled)) < this.#filled) {
      this.bus.dmaDone(false);
      this.#check(MEDIUM_ERROR);
    } else if (this.#left > 0) this.#loadBlocks();
    else {
      this.bus.dmaDone(true);
      this.#finish();
    }
  }

  // ---- reading ------------------------------------------------------------------------------------------------------

  #read(block: number, count: number, raw: boolean): void {
    if (this.medium === null) return this.#check(NO_MEDIUM);
    if (block + count > this.#blocks) return this.#check(OUT_OF_RANGE);
    this.#sense = NO_SENSE;
    this.#block = block;
    this.#left = count;
    this.#raw = raw;
    if (count === 0) this.#finish();
    else if (this.#dma) {
      this.step = STEP.dmaWait;
      this.status = DRDY | DSC | DRQ;
      this.bus.requestDma(this);
    } else this.#loadBlocks();
  }
  #loadBlocks(): void {
    const n = this.#raw ? 1 : Math.min(this.#left, BUFFER_BYTES / BLOCK);
    const at = this.#raw ? 16 : 0;
    this.transfer(false, this.#block * 4, this.buffer.subarray(at, at + n * BLOCK), STEP.loading, (ok) => {
      if (!ok) {
        if (this.#dma) this.bus.dmaDone(false);
        return this.#check(MEDIUM_ERROR);
      }
      if (this.#raw) this.#frame();
      this.#block += n;
      this.#left -= n;
      this.#filled = this.#raw ? RAW : n * BLOCK;
      this.#offered = 0;
      if (this.#dma) this.#dmaPiece();
      else this.#offerPiece();
    });
  }
  /** Sync, header and (empty) error codes around a block, for READ CD of whole frames. */
  #frame(): void {
    const b = this.buffer;
    b.fill(0xff, 1, 11);
    b[0] = b[11] = 0;
    this.#putMsf(12, this.#block + 150);
    b[15] = 1;
    b.fill(0, 16 + BLOCK, RAW);
  }
  #putMsf(at: number, frames: number): void {
    this.buffer[at] = Math.floor(frames / 75 / 60);
    this.buffer[at + 1] = Math.floor(frames / 75) % 60;
    this.buffer[at + 2] = frames % 75;
  }
  protected override resume(step: Step): void {
    if (step === STEP.loading) this.#loadBlocks();
    else this.rest();
  }

  // ---- packets ------------------------------------------------------------------------------------------------------

  #run(): void {
    const p = this.#packet;
    const be16 = (at: number) => (p[at]! << 8) | p[at + 1]!;
    const be32 = (at: number) => ((p[at]! << 24) | (p[at + 1]! << 16) | (p[at + 2]! << 8) | p[at + 3]!) >>> 0;
    const b = this.buffer;
    const operation = p[0]!;
    // A changed medium is reported once, by every command but INQUIRY, REQUEST SENSE and GET EVENT STATUS.
    if (this.#attention && ![0x12, 0x03, 0x4a, 0x46].includes(operation)) {
      this.#attention = false;
      return this.#check(CHANGED);
    }
    b.fill(0, 0, 1024);
    switch (operation) {
      case 0x00: // TEST UNIT READY
        if (this.medium === null) this.#check(NO_MEDIUM);
        else this.#finish();
        break;
      case 0x03: // REQUEST SENSE
        if (this.#attention) {
          this.#attention = false;
          this.#sense = CHANGED;
        }
        b[0] = 0x70;
        b[2] = this.#sense[0];
        b[7] = 10;
        b[12] = this.#sense[1];
        b[13] = this.#sense[2];
        this.#reply(18, p[4]!);
        break;
      case 0x12: // INQUIRY
        b[0] = 0x05;
        b[1] = 0x80;
        b[3] = 0x21;
        b[4] = 31;
        this.#text(8, 8, "GUESTHSE");
        this.#text(16, 16, "DVD-ROM");
        this.#text(32, 4, "1.0");
        this.#reply(36, p[4]!);
        break;
      case 0x1b: // START STOP UNIT
        this.#startStop(p[4]!);
        break;
      case 0x1e:
        this.#locked = (p[4]! & 1) !== 0;
        this.#finish();
        break;
      case 0x25: // READ CAPACITY
        if (this.medium === null) return this.#check(NO_MEDIUM);
        this.#put32(0, Math.max(0, this.#blocks - 1));
        this.#put32(4, BLOCK);
        this.#reply(8, 8);
        break;
      case 0x28:
        this.#read(be32(2), be16(7), false);
        break;
      case 0xa8:
        this.#read(be32(2), be32(6), false);
        break;
      case 0xbe: {
        const fields = p[9]! & 0xf8;
        const count = (p[6]! << 16) | (p[7]! << 8) | p[8]!;
        if (fields === 0 || count === 0) this.#finish();
        else if (fields === 0x10) this.#read(be32(2), count, false);
        else if (fields === 0xf8) this.#read(be32(2), count, true);
        else this.#check(BAD_FIELD);
        break;
      }
      case 0x2b: // SEEK
        if (this.medium === null) this.#check(NO_MEDIUM);
        else if (be32(2) >= this.#blocks) this.#check(OUT_OF_RANGE);
        else this.#finish();
        break;
      case 0x43:
        this.#readToc(p[2]! & 15 || p[9]! >> 6, (p[1]! & 2) !== 0, p[6]!, be16(7));
        break;
      case 0x46:
        this.#configuration(be16(7), be16(2));
        break;
      case 0x4a:
        this.#eventStatus((p[1]! & 1) !== 0, p[4]!, be16(7));
        break;
      case 0x51: // READ DISC INFORMATION
        if (this.medium === null) return this.#check(NO_MEDIUM);
        b[1] = 32;
        b[2] = 0x0e; // complete, last session complete
        b[3] = b[4] = b[5] = b[6] = 1;
        b[7] = 0x20;
        this.#reply(34, be16(7));
        break;
      case 0x1a:
        this.#modeSense(p[2]!, p[4]!, 4);
        break;
      case 0x5a:
        this.#modeSense(p[2]!, be16(7), 8);
        break;
      case 0xbd: // MECHANISM STATUS
        b[1] = this.#open ? 0x10 : 0;
        b[5] = 1;
        this.#reply(8, be16(8));
        break;
      case 0xbb: // SET CD SPEED
      case 0xa7: // SET READ AHEAD
      case 0x35: // SYNCHRONIZE CACHE
        this.#finish();
        break;
      case 0xad: // READ DISC STRUCTURE
        if (this.medium === null) this.#check(NO_MEDIUM);
        else this.#check(BAD_FIELD);
        break;
      case 0x52: // READ TRACK INFORMATION
        if (this.medium === null) return this.#check(NO_MEDIUM);
        b[1] = 34;
        b[2] = b[3] = 1;
        b[5] = 4;
        b[6] = 1;
        this.#put32(24, this.#blocks);
        this.#reply(36, be16(7));
        break;
      default:
        this.slot.missing(`atapi packet ${operation.toString(16)}`);
        this.#check(BAD_COMMAND);
    }
  }
  #put32(at: number, value: number): void {
    new DataView(this.buffer.buffer).setUint32(at, value);
  }
  #text(at: number, length: number, text: string): void {
    for (let i = 0; i < length; i++) this.buffer[at + i] = i < text.length ? text.charCodeAt(i) : 0x20;
  }
  #startStop(bits: number): void {
    const eject = (bits & 3) === 2;
    if (eject && this.#locked) return this.#check(LOCKED);
    if (eject) {
      if (!this.#open) this.#event = 3;
      this.#open = true;
    } else if ((bits & 3) === 3 && this.#open) {
      this.#open = false;
      this.#attention = this.#medium !== null;
      this.#event = 2;
    }
    this.#finish();
  }

  #readToc(format: number, msf: boolean, track: number, allowed: number): void {
    if (this.medium === null) return this.#check(NO_MEDIUM);
    const b = this.buffer;
    const address = (at: number, block: number) => {
      if (msf) {
        b[at] = 0;
        this.#putMsf(at + 1, block + 150);
      } else this.#put32(at, block);
    };
    let length = 0;
    if (format === 0) {
      if (track > 1 && track !== 0xaa) return this.#check(BAD_FIELD);
      b[2] = b[3] = 1;
      let at = 4;
      for (const [number, block] of track <= 1 ? [[1, 0], [0xaa, this.#blocks]] as const : [[0xaa, this.#blocks]] as const) {
        b[at + 1] = 0x14;
        b[at + 2] = number;
        address(at + 4, block);
        at += 8;
      }
      length = at;
    } else if (format === 1) {
      b[2] = b[3] = 1;
      b[5] = 0x14;
      b[6] = 1;
      address(8, 0);
      length = 12;
    } else if (format === 2) {
      b[2] = b[3] = 1;
      let at = 4;
      for (const point of [0xa0, 0xa1, 0xa2, 1]) {
        b[at] = 1;
        b[at + 1] = 0x14;
        b[at + 3] = point;
        if (point === 0xa0 || point === 0xa1) b[at + 8] = 1;
        else this.#putMsf(at + 8, (point === 0xa2 ? this.#blocks : 0) + 150);
        at += 11;
      }
      length = at;
    } else return this.#check(BAD_FIELD);
    b[0] = (length - 2) >> 8;
    b[1] = (length - 2) & 0xff;
    this.#reply(length, allowed);
  }
  #configuration(allowed: number, first: number): void {
    const b = this.buffer;
    const dvd = this.#blocks > 360_000;
    const profile = this.medium === null ? 0 : dvd ? 0x10 : 0x08;
    b[6] = profile >> 8;
    b[7] = profile & 0xff;
    let at = 8;
    if (first === 0) {
      b.set([0, 0, 3, 8, 0x00, 0x10, profile === 0x10 ? 1 : 0, 0, 0x00, 0x08, profile === 0x08 ? 1 : 0, 0], at);
      at += 12;
    }
    if (first <= 1) {
      b.set([0, 1, 11, 8, 0, 0, 0, 2, 1, 0, 0, 0], at); // core: ATAPI
      at += 12;
    }
    if (first <= 3) {
      b.set([0, 3, 3, 4, 0x29, 0, 0, 0], at); // removable: tray, eject, lock
      at += 8;
    }
    this.#put32(0, at - 4);
    this.#reply(at, allowed);
  }
  #eventStatus(polled: boolean, classes: number, allowed: number): void {
    const b = this.buffer;
    if (!polled) return this.#check(BAD_FIELD);
    b[3] = 0x10;
    if (classes & 0x10) {
      b[1] = 6;
      b[2] = 4;
      b[4] = this.#event;
      b[5] = (this.#open ? 1 : 0) | (this.medium === null ? 0 : 2);
      this.#event = 0;
      this.#reply(8, allowed);
    } else {
      b[1] = 2;
      b[2] = 0x80;
      this.#reply(4, allowed);
    }
  }
  #modeSense(selector: number, allowed: number, header: number): void {
    const b = this.buffer;
    const page = selector & 0x3f;
    if (selector >> 6 === 3) return this.#check([5, 0x39, 0]);
    if (![0x01, 0x0e, 0x2a, 0x3f].includes(page)) return this.#check(BAD_FIELD);
    let at = header;
    if (page === 0x01 || page === 0x3f) {
      b.set([0x01, 6, 0, 5], at);
      at += 8;
    }
    if (page === 0x0e || page === 0x3f) {
      b.set([0x0e, 14, 4, 0, 0, 0, 0, 75, 1, 255, 2, 255], at);
      at += 16;
    }
    if (page === 0x2a || page === 0x3f) {
      b.set([0x2a, 0x12, 0x3b, 0, 0x70, 0, 0x29 | (this.#locked ? 2 : 0), 0, 706 >> 8, 706 & 0xff, 0, 2, 2, 0, 706 >> 8, 706 & 0xff], at);
      at += 20;
    }
    const medium = this.#open ? 0x71 : this.medium === null ? 0x70 : 0x01;
    if (header === 8) {
      b[0] = (at - 2) >> 8;
      b[1] = (at - 2) & 0xff;
      b[2] = medium;
    } else {
      b[0] = at - 1;
      b[1] = medium;
    }
    this.#reply(at, allowed);
  }

  #identify(): void {
    const b = this.buffer;
    b.fill(0, 0, 512);
    const w = (word: number, value: number) => {
      b[word * 2] = value;
      b[word * 2 + 1] = value >> 8;
    };
    w(0, 0x85c0);
    putText(b, 10, 20, this.#serial);
    putText(b, 23, 8, "1.0");
    putText(b, 27, 40, "GUESTHOUSE DVD-ROM");
    w(48, 1);
    w(49, 0x0b00);
    w(53, 7);
    w(63, 0x07);
    w(64, 3);
    w(65, 0xb4);
    w(66, 0xb4);
    w(67, 0x12c);
    w(68, 0xb4);
    w(80, 0x1e);
    w(82, 0x4010);
    w(83, 0x4000);
    w(84, 0x4000);
    w(85, 0x4010);
    w(87, 0x4000);
    w(88, 0x203f);
    this.error = 0;
    this.offer(512);
    this.bus.raise();
  }

  // ---- state --------------------------------------------------------------------------------------------------------

  protected override saveMore(): State {
    return {
      packet: this.#packet.slice(),
      sense: Array.from(this.#sense),
      flags: [this.#attention, this.#locked, this.#open, this.#raw, this.#dma].map((f) => (f ? 1 : 0)),
      event: this.#event,
      block: this.#block,
      left: this.#left,
      limit: this.#limit,
      offered: this.#offered,
      filled: this.#filled,
    };
  }
  protected override loadMore(state: State): void {
    const from = readObject(state, "atapi");
    this.#packet.set(from.bytes("packet", 12));
    const sense = from.integers("sense", 3, 255);
    const flags = from.integers("flags", 5, 1);
    this.#sense = [sense[0]! & 15, sense[1]!, sense[2]!];
    [this.#attention, this.#locked, this.#open, this.#raw, this.#dma] = flags.map((f) => f === 1) as [boolean, boolean, boolean, boolean, boolean];
    this.#event = from.integer("event", 3);
    this.#block = from.integer("block", 0xffffffff);
    this.#left = from.integer("left", 0xffffffff);
    this.#limit = from.integer("limit", 0xffff);
    this.#filled = from.integer("filled", BUFFER_BYTES);
    this.#offered = Math.min(from.integer("offered", BUFFER_BYTES), this.#filled);
  }
}
