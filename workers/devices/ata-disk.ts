// An ATA disk: PIO, multiple and DMA transfers with CHS, 28- and 48-bit addresses. From ATA/ATAPI-6 (T13 1410D) clause 8.
// Left out: SMART (aborted), security, queued commands, host protected area beyond READ NATIVE MAX.

import type { BlockBackend, Slot, State } from "../platform/types.ts";
import { ABRT, BUFFER_BYTES, type DriveBus, DRDY, DSC, IDNF, IdeDrive, putText, STEP, type Step, UNC } from "./ide-drive.ts";
import { readObject } from "./state-reader.ts";

const MAX_MULTIPLE = 16;

export class AtaDisk extends IdeDrive {
  readonly medium: BlockBackend;
  readonly #serial: string;
  #cylinders: number;
  #heads = 16;
  #perTrack = 63;
  #multiple = MAX_MULTIPLE;
  /** Word 62/63/88 of IDENTIFY: the chosen transfer mode. */
  #mode = 0x45;
  #writeCache = true;
  // the transfer under way
  #sector = 0;
  #left = 0;
  #perBlock = 1;
  #extended = false;

  constructor(slot: Slot, bus: DriveBus, medium: BlockBackend, serial: string) {
    super(slot, bus);
    this.medium = medium;
    this.#serial = serial;
    this.#cylinders = this.#defaultCylinders();
    this.reset();
  }
  #defaultCylinders(): number {
    return Math.max(1, Math.min(16383, Math.floor(this.medium.sectors / (16 * 63))));
  }

  protected override resetMore(): void {
    this.#heads = 16;
    this.#perTrack = 63;
    this.#cylinders = this.#defaultCylinders();
    this.#multiple = MAX_MULTIPLE;
    this.#mode = 0x45;
    this.#writeCache = true;
    this.#sector = this.#left = 0;
    this.#perBlock = 1;
    this.#extended = false;
  }
  override setSignature(): void {
    this.count = this.low = this.error = 1;
    this.mid = this.high = 0;
    this.select &= 0xf0;
    this.status = DRDY | DSC;
  }

  override execute(command: number): void {
    this.error = 0;
    switch (command) {
      case 0xec:
        this.#identify();
        break;
      case 0x20:
      case 0x21:
        this.#beginRead(false, 1);
        break;
      case 0x24:
        this.#beginRead(true, 1);
        break;
      case 0xc4:
        this.#multipleOr(() => this.#beginRead(false, this.#multiple));
        break;
      case 0x29:
        this.#multipleOr(() => this.#beginRead(true, this.#multiple));
        break;
      case 0x30:
      case 0x31:
      case 0x3c:
        this.#beginWrite(false, 1);
        break;
      case 0x34:
        this.#beginWrite(true, 1);
        break;
      case 0xc5:
      case 0xcd:
        this.#multipleOr(() => this.#beginWrite(false, this.#multiple));
        break;
      case 0x39:
        this.#multipleOr(() => this.#beginWrite(true, this.#multiple));
        break;
      case 0xc8:
      case 0xc9:
      case 0xca:
      case 0xcb:
        if (this.#locate(false)) this.#beginDma();
        break;
      case 0x25:
      case 0x35:
        if (this.#locate(true)) this.#beginDma();
        break;
      case 0x40:
      case 0x41:
        if (this.#locate(false)) this.#verified();
        break;
      case 0x42:
        if (this.#locate(true)) this.#verified();
        break;
      case 0xc6:
        if (this.count === 0 || this.count > MAX_MULTIPLE || this.count & (this.count - 1)) this.fail(ABRT);
        else {
          this.#multiple = this.count;
          this.succeed();
        }
        break;
      case 0x91:
        this.#perTrack = this.count || 63;
        this.#heads = (this.select & 15) + 1;
        this.#cylinders = Math.max(1, Math.min(16383, Math.floor(this.medium.sectors / (this.#heads * this.#perTrack))));
        this.succeed();
        break;
      case 0xef:
        this.#setFeatures();
        break;
      case 0xe7:
      case 0xea:
        this.#flush();
        break;
      case 0xf8:
        this.#report(Math.min(this.medium.sectors, 0x0fffffff) - 1, false);
        break;
      case 0x27:
        this.#report(this.medium.sectors - 1, true);
        break;
      case 0xe5:
      case 0x98:
        this.count = 0xff; // active or idle
        this.succeed();
        break;
      case 0x70:
      case 0xe0:
      case 0xe1:
      case 0xe2:
      case 0xe3:
      case 0xe6:
      case 0x94:
      case 0x95:
      case 0x96:
      case 0x97:
      case 0x99:
        this.succeed();
        break;
      default:
        if (command >= 0x10 && command <= 0x1f) this.succeed();
        else {
          // IDENTIFY PACKET, NOP, DEVICE RESET, SMART, SECURITY…: an ATA disk without them aborts, and software probes for that.
          if (![0xa1, 0xa0, 0x00, 0x08, 0xb0, 0xf5, 0xda].includes(command)) this.slot.missing(`ata command ${command.toString(16)}`);
          this.fail(ABRT);
        }
    }
  }
  /** A backend that answers at once has flushed when the call returns; waiting a tick would make time unrepeatable. */
  #flush(): void {
    if (this.medium.flushSync) {
      let ok = true;
      try {
        this.medium.flushSync();
      } catch {
        ok = false; // what is not durable is not acknowledged
      }
      return ok ? this.succeed() : this.fail(ABRT);
    }
    const done = this.medium.flush();
    if (this.medium.writeSync) {
      done.catch(() => this.slot.missing("flush error after the fact"));
      this.succeed();
    } else this.await(done, STEP.flushing, (ok) => (ok ? this.succeed() : this.fail(ABRT)));
  }
  #multipleOr(run: () => void): void {
    if (this.#multiple === 0) this.fail(ABRT);
    else run();
  }

  // ---- addresses ----------------------------------------------------------------------------------------------------

  /** Reads the address and count of the task file; false (and an error) when they are off the disk. */
  #locate(extended: boolean): boolean {
    this.#extended = extended;
    const p = this.previous;
    if (extended) {
      this.#left = (this.count | (p[1]! << 8)) || 0x10000;
      this.#sector = this.low + this.mid * 0x100 + this.high * 0x10000 + p[2]! * 0x1000000 + p[3]! * 0x100000000 + p[4]! * 0x10000000000;
    } else {
      this.#left = this.count || 0x100;
      if (this.select & 0x40) this.#sector = (this.low | (this.mid << 8) | (this.high << 16)) + (this.select & 15) * 0x1000000;
      else {
        if (this.low === 0 || this.low > this.#perTrack || (this.select & 15) >= this.#heads) {
          this.fail(IDNF);
          return false;
        }
        this.#sector = ((this.mid | (this.high << 8)) * this.#heads + (this.select & 15)) * this.#perTrack + this.low - 1;
      }
    }
    if (this.#sector + this.#left > this.medium.sectors) {
      this.fail(IDNF);
      return false;
    }
    return true;
  }
  /** The task file shows the sector reached. */
  #showSector(sector: number): void {
    if (this.#extended) {
      this.low = sector & 0xff;
      this.mid = (sector >>> 8) & 0xff;
      this.high = (sector >>> 16) & 0xff;
      this.previous[2] = Math.floor(sector / 0x1000000) & 0xff;
      this.previous[3] = Math.floor(sector / 0x100000000) & 0xff;
      this.previous[4] = Math.floor(sector / 0x10000000000) & 0xff;
    } else if (this.select & 0x40) {
      this.low = sector & 0xff;
      this.mid = (sector >>> 8) & 0xff;
      this.high = (sector >>> 16) & 0xff;
      this.select = (this.select & 0xf0) | ((sector >>> 24) & 15);
    } else {
      const cylinder = Math.floor(sector / (this.#heads * this.#perTrack));
      const rest = sector % (this.#heads * this.#perTrack);
      this.mid = cylinder & 0xff;
      this.high = (cylinder >> 8) & 0xff;
      this.select = (this.select & 0xf0) | Math.floor(rest / this.#perTrack);
      this.low = (rest % this.#perTrack) + 1;
    }
  }
  #advance(sectors: number): void {
    this.#sector += sectors;
    this.#left -= sectors;
    this.#showSector(this.#left > 0 ? this.#sector : this.#sector - 1);
    this.count = this.#left & 0xff;
    if (this.#extended) this.previous[1] = (this.#left >> 8) & 0xff;
  }
  #report(sector: number, extended: boolean): void {
    this.#extended = extended;
    if (!extended) this.select |= 0x40;
    this.#showSector(sector);
    this.succeed();
  }
  #verified(): void {
    this.#advance(this.#left);
    this.succeed();
  }

  // ---- PIO ----------------------------------------------------------------------------------------------------------

  #beginRead(extended: boolean, perBlock: number): void {
    if (!this.#locate(extended)) return;
    this.#perBlock = perBlock;
    this.#loadBlock();
  }
  #loadBlock(): void {
    const n = Math.min(this.#left, this.#perBlock);
    this.transfer(false, this.#sector, this.buffer.subarray(0, n * 512), STEP.loading, (ok) => {
      if (!ok) return this.fail(UNC);
      this.#advance(n);
      this.offer(n * 512);
      this.bus.raise();
    });
  }
  protected override drained(): void {
    if (this.command === 0xec || this.#left === 0) this.rest();
    else this.#loadBlock();
  }
  #beginWrite(extended: boolean, perBlock: number): void {
    if (!this.#locate(extended)) return;
    if (this.medium.readOnly) return this.fail(ABRT);
    this.#perBlock = perBlock;
    this.want(Math.min(this.#left, perBlock) * 512, STEP.out);
  }
  protected override filled(): void {
    this.#storeBlock();
  }
  #storeBlock(): void {
    const n = this.end / 512;
    this.transfer(true, this.#sector, this.buffer.subarray(0, this.end), STEP.storing, (ok) => {
      if (!ok) return this.fail(ABRT);
      this.#advance(n);
      if (this.#left === 0) return this.succeed();
      this.want(Math.min(this.#left, this.#perBlock) * 512, STEP.out);
      this.bus.raise();
    });
  }

  // ---- DMA ----------------------------------------------------------------------------------------------------------

  #beginDma(): void {
    if (this.#writes() && this.medium.readOnly) return this.fail(ABRT);
    this.step = STEP.dmaWait;
    this.status = DRDY | DSC | 0x08;
    this.bus.requestDma(this);
  }
  #writes(): boolean {
    return [0xca, 0xcb, 0x35].includes(this.command);
  }
  override dmaReady(): void {
    if (this.#writes()) this.#dmaOut();
    else this.#dmaIn();
  }
  #dmaIn(): void {
    const n = Math.min(this.#left, BUFFER_BYTES / 512);
    const piece = this.buffer.subarray(0, n * 512);
    this.transfer(false, this.#sector, piece, STEP.dmaIn, (ok) => {
      if (!ok) return this.#dmaEnd(false);
      if (this.bus.dmaToMemory(piece) < piece.length) return this.#dmaEnd(false);
      this.#advance(n);
      if (this.#left > 0) this.#dmaIn();
      else this.#dmaEnd(true);
    });
  }
  #dmaOut(): void {
    const n = Math.min(this.#left, BUFFER_BYTES / 512);
    const piece = this.buffer.subarray(0, n * 512);
    if (this.bus.dmaFromMemory(piece) < piece.length) return this.#dmaEnd(false);
    this.#dmaStore(n);
  }
  #dmaStore(n: number): void {
    this.end = n * 512;
    this.transfer(true, this.#sector, this.buffer.subarray(0, n * 512), STEP.dmaOut, (ok) => {
      if (!ok) return this.#dmaEnd(false);
      this.#advance(n);
      if (this.#left > 0) this.#dmaOut();
      else this.#dmaEnd(true);
    });
  }
  #dmaEnd(ok: boolean): void {
    this.bus.dmaDone(ok);
    if (ok) this.succeed();
    else this.fail(ABRT);
  }
  protected override resume(step: Step): void {
    if (step === STEP.loading) this.#loadBlock();
    else if (step === STEP.storing) this.#storeBlock();
    else if (step === STEP.dmaIn) this.#dmaIn();
    else if (step === STEP.dmaOut) this.#dmaStore(this.end / 512);
    else if (step === STEP.flushing) this.execute(0xe7);
  }

  // ---- features and identity ----------------------------------------------------------------------------------------

  #setFeatures(): void {
    switch (this.feature) {
      case 0x02:
      case 0x82:
        this.#writeCache = this.feature === 0x02;
        break;
      case 0x03: {
        const kind = this.count >> 3;
        const known = kind === 0 || kind === 1 || (kind === 4 && (this.count & 7) < 3) || (kind === 8 && (this.count & 7) < 6);
        if (!known) return this.fail(ABRT);
        if (kind >= 4) this.#mode = this.count;
        break;
      }
      case 0x05:
      case 0x42:
      case 0x55:
      case 0x66:
      case 0x67:
      case 0x85:
      case 0x96:
      case 0x9a:
      case 0xaa:
      case 0xc2:
      case 0xcc:
        break;
      default:
        return this.fail(ABRT);
    }
    this.succeed();
  }

  #identify(): void {
    const b = this.buffer;
    b.fill(0, 0, 512);
    const w = (word: number, value: number) => {
      b[word * 2] = value;
      b[word * 2 + 1] = value >> 8;
    };
    const total = this.medium.sectors;
    const lba28 = Math.min(total, 0x0fffffff);
    const addressable = Math.min(this.#cylinders * this.#heads * this.#perTrack, lba28);
    w(0, 0x0040);
    w(1, Math.max(1, Math.min(16383, Math.floor(total / 1008))));
    w(3, 16);
    w(6, 63);
    putText(b, 10, 20, this.#serial);
    putText(b, 23, 8, "1.0");
    putText(b, 27, 40, "GUESTHOUSE HARDDISK");
    w(47, 0x8000 | MAX_MULTIPLE);
    w(48, 1);
    w(49, 0x0b00);
    w(51, 0x0200);
    w(53, 7);
    w(54, this.#cylinders);
    w(55, this.#heads);
    w(56, this.#perTrack);
    w(57, addressable);
    w(58, addressable >>> 16);
    if (this.#multiple) w(59, 0x100 | this.#multiple);
    w(60, lba28);
    w(61, lba28 >>> 16);
    const [kind, level] = [this.#mode >> 3, this.#mode & 7];
    w(63, 0x07 | (kind === 4 ? 0x100 << level : 0));
    w(64, 3);
    for (const word of [65, 66, 67, 68]) w(word, 120);
    w(80, 0x70);
    w(81, 0x16);
    w(82, 0x4020);
    w(83, 0x7400);
    w(84, 0x4000);
    w(85, 0x4000 | (this.#writeCache ? 0x20 : 0));
    w(86, 0x3400);
    w(87, 0x4000);
    w(88, 0x3f | (kind === 8 ? 0x100 << level : 0));
    w(93, 0x6001 | (this.select & 0x10 ? 0x0100 : 0));
    w(100, total);
    w(101, Math.floor(total / 0x10000));
    w(102, Math.floor(total / 0x100000000));
    this.#left = 0;
    this.offer(512);
    this.bus.raise();
  }

  // ---- state --------------------------------------------------------------------------------------------------------

  protected override saveMore(): State {
    return {
      geometry: [this.#cylinders, this.#heads, this.#perTrack],
      multiple: this.#multiple,
      mode: this.#mode,
      writeCache: this.#writeCache,
      sector: this.#sector,
      left: this.#left,
      perBlock: this.#perBlock,
      extended: this.#extended,
    };
  }
  protected override loadMore(state: State): void {
    const from = readObject(state, "ata");
    const [cylinders, heads, perTrack] = from.integers("geometry", 3, 0xffff) as [number, number, number];
    this.#cylinders = Math.max(1, cylinders);
    this.#heads = Math.max(1, heads & 31);
    this.#perTrack = Math.max(1, perTrack & 0xff);
    this.#multiple = from.integer("multiple", MAX_MULTIPLE);
    this.#mode = from.integer("mode", 0xff);
    this.#writeCache = from.flag("writeCache");
    this.#sector = from.integer("sector", Number.MAX_SAFE_INTEGER);
    this.#left = from.integer("left", 0x10000);
    this.#perBlock = Math.max(1, from.integer("perBlock", MAX_MULTIPLE));
    this.#extended = from.flag("extended");
  }
}
