// Between a machine whose time is instructions and the world: everything that comes in (bytes, keys, the mouse) passes here, so that it can be noted with
// the moment it came at and given again at the same one; what disks held before they were written is noted too. While nobody records, all of it passes.
// A machine is exact only with disks that answer at once (files, memory).

import type { BackendSource } from "../machine/parts.ts";
import type { BlockBackend, BytesBackend, InputBackend } from "../platform/types.ts";

export type RecordedInput =
  | { readonly kind: "bytes"; readonly id: string; readonly bytes: readonly number[] }
  | { readonly kind: "key"; readonly scancode: number; readonly down: boolean }
  | { readonly kind: "pointer"; readonly dx: number; readonly dy: number; readonly dz: number; readonly buttons: number };

class RecordedBytes implements BytesBackend {
  readonly #behind: BytesBackend;
  readonly #inputs: RecordedInputs;
  readonly #listeners: (() => void)[] = [];
  /** Arrived, not yet read by the device. */
  queue: number[] = [];
  constructor(id: string, behind: BytesBackend, inputs: RecordedInputs) {
    this.#behind = behind;
    this.#inputs = inputs;
    behind.onReadable(() => {
      const bytes: number[] = [];
      for (let byte = behind.read(); byte >= 0; byte = behind.read()) bytes.push(byte);
      if (bytes.length > 0) inputs.arrived({ kind: "bytes", id, bytes });
    });
  }
  write(byte: number): void {
    // What is executed again was seen before.
    if (!this.#inputs.silent) this.#behind.write(byte);
  }
  onReadable(listener: () => void): void {
    this.#listeners.push(listener);
  }
  read(): number {
    return this.queue.shift() ?? -1;
  }
  give(bytes: readonly number[]): void {
    this.queue.push(...bytes);
    for (const listener of this.#listeners) listener();
  }
}
class RecordedDisk implements BlockBackend {
  readonly #behind: BlockBackend;
  readonly #inputs: RecordedInputs;
  readonly #id: string;
  readonly readSync?: (sector: number, into: Uint8Array) => void;
  readonly writeSync?: (sector: number, from: Uint8Array) => void;
  readonly flushSync?: () => void;
  constructor(id: string, behind: BlockBackend, inputs: RecordedInputs) {
    this.#id = id;
    this.#behind = behind;
    this.#inputs = inputs;
    const { readSync, writeSync, flushSync } = behind;
    if (readSync) this.readSync = (sector, into) => readSync.call(behind, sector, into);
    if (writeSync)
      this.writeSync = (sector, from) => {
        this.#note(sector, from.length / 512);
        writeSync.call(behind, sector, from);
      };
    if (flushSync) this.flushSync = () => flushSync.call(behind);
  }
  get sectors(): number {
    return this.#behind.sectors;
  }
  get readOnly(): boolean {
    return this.#behind.readOnly;
  }
  get exact(): boolean {
    return this.#behind.readSync !== undefined && (this.#behind.readOnly || this.#behind.writeSync !== undefined);
  }
  read(sector: number, into: Uint8Array): Promise<void> {
    return this.#behind.read(sector, into);
  }
  write(sector: number, from: Uint8Array): Promise<void> {
    return this.#behind.write(sector, from);
  }
  flush(): Promise<void> {
    return this.#behind.flush();
  }
  #note(sector: number, count: number): void {
    const { onDiskWrite } = this.#inputs;
    if (onDiskWrite === null) return;
    for (let n = sector; n < sector + count; n++)
      onDiskWrite(this.#id, n, () => {
        const old = new Uint8Array(512);
        this.#behind.readSync?.(n, old);
        return old;
      });
  }
  restore(sector: number, bytes: Uint8Array): void {
    this.#behind.writeSync?.(sector, bytes);
  }
}

export class RecordedInputs {
  readonly #bytes = new Map<string, RecordedBytes>();
  readonly #disks = new Map<string, RecordedDisk>();
  readonly #keys: ((scancode: number, down: boolean) => void)[] = [];
  readonly #pointers: ((dx: number, dy: number, dz: number, buttons: number) => void)[] = [];
  readonly #inputs = new Map<InputBackend, InputBackend>();
  /** Output is executed again: nobody is to see it twice. */
  silent = false;
  /** Told of everything that arrives, before the devices. */
  onInput: ((input: RecordedInput) => void) | null = null;
  /** Told before a sector is written; `old` reads what it holds. */
  onDiskWrite: ((id: string, sector: number, old: () => Uint8Array) => void) | null = null;

  /** The backends with this between. */
  around(source: BackendSource): BackendSource {
    return (kind, id) => {
      if (kind === "bytes") {
        let made = this.#bytes.get(id);
        if (!made) {
          made = new RecordedBytes(id, source("bytes", id), this);
          this.#bytes.set(id, made);
        }
        return made as never;
      }
      if (kind === "block") {
        const disk = source("block", id);
        if (disk === null) return null as never;
        let made = this.#disks.get(id);
        if (!made) {
          made = new RecordedDisk(id, disk, this);
          this.#disks.set(id, made);
        }
        return made as never;
      }
      if (kind === "speaker") {
        const real = source("speaker", id);
        // What is executed again was heard before.
        return { tone: (atNs: number, hz: number) => (this.silent ? undefined : real.tone(atNs, hz)) } as never;
      }
      if (kind === "input") {
        const real = source("input", id);
        let made = this.#inputs.get(real);
        if (!made) {
          real.onKey((scancode, down) => this.arrived({ kind: "key", scancode, down }));
          real.onPointer((dx, dy, dz, buttons) => this.arrived({ kind: "pointer", dx, dy, dz, buttons }));
          made = { onKey: (listener) => void this.#keys.push(listener), onPointer: (listener) => void this.#pointers.push(listener) };
          this.#inputs.set(real, made);
        }
        return made as never;
      }
      return source(kind, id);
    };
  }
  arrived(input: RecordedInput): void {
    this.onInput?.(input);
    this.give(input);
  }
  /** To the devices. */
  give(input: RecordedInput): void {
    if (input.kind === "bytes") this.#bytes.get(input.id)?.give(input.bytes);
    else if (input.kind === "key") for (const listener of this.#keys) listener(input.scancode, input.down);
    else for (const listener of this.#pointers) listener(input.dx, input.dy, input.dz, input.buttons);
  }
  /** Do all disks answer at once? */
  get exact(): boolean {
    return [...this.#disks.values()].every((d) => d.exact);
  }
  queues(): { readonly [id: string]: readonly number[] } {
    return Object.fromEntries([...this.#bytes].map(([id, b]) => [id, [...b.queue]]));
  }
  setQueues(queues: { readonly [id: string]: readonly number[] }): void {
    for (const [id, bytes] of this.#bytes) bytes.queue = [...(queues[id] ?? [])];
  }
  restoreSector(id: string, sector: number, bytes: Uint8Array): void {
    this.#disks.get(id)?.restore(sector, bytes);
  }
}
