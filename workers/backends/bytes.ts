// Byte streams behind serial ports and debug consoles: nothing, a pair of queues (tests, the monitor), and the page's rings.

import type { Ring } from "../../src/contract/ring.ts";
import type { BytesBackend } from "../platform/types.ts";

export const nullBytes: BytesBackend = { write: () => {}, onReadable: () => {}, read: () => -1 };

/** Output goes to a function; input is fed by the program. */
export class QueueBytes implements BytesBackend {
  readonly #output: (byte: number) => void;
  readonly #listeners: (() => void)[] = [];
  #input: number[] = [];
  #at = 0;
  constructor(output: (byte: number) => void = () => {}) {
    this.#output = output;
  }
  write(byte: number): void {
    this.#output(byte);
  }
  onReadable(listener: () => void): void {
    this.#listeners.push(listener);
  }
  read(): number {
    if (this.#at >= this.#input.length) return -1;
    const byte = this.#input[this.#at++] as number;
    if (this.#at === this.#input.length) {
      this.#input = [];
      this.#at = 0;
    }
    return byte;
  }
  /** Bytes for the guest. */
  feed(bytes: Iterable<number>): void {
    for (const byte of bytes) this.#input.push(byte & 0xff);
    for (const listener of this.#listeners) listener();
  }
}

/** In front of another stream: what is said here, the guest reads first. */
export class PrefacedBytes implements BytesBackend {
  readonly #behind: BytesBackend;
  #listener: () => void = () => {};
  #preface: number[] = [];
  constructor(behind: BytesBackend) {
    this.#behind = behind;
  }
  write(byte: number): void {
    this.#behind.write(byte);
  }
  onReadable(listener: () => void): void {
    this.#listener = listener;
    this.#behind.onReadable(listener);
  }
  read(): number {
    return this.#preface.shift() ?? this.#behind.read();
  }
  say(text: string): void {
    this.#preface.push(...new TextEncoder().encode(text));
    this.#listener();
  }
}

/** Over two rings in shared memory; whoever owns the worker calls `poll` when the other side wrote. */
export class RingBytes implements BytesBackend {
  readonly #out: Ring;
  readonly #in: Ring;
  readonly #listeners: (() => void)[] = [];
  constructor(out: Ring, input: Ring) {
    this.#out = out;
    this.#in = input;
  }
  write(byte: number): void {
    this.#out.push(byte);
  }
  onReadable(listener: () => void): void {
    this.#listeners.push(listener);
  }
  read(): number {
    return this.#in.shift();
  }
  poll(): void {
    if (this.#in.length > 0) for (const listener of this.#listeners) listener();
  }
}
