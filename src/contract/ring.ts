// A byte ring for one writer and one reader over shared memory: serial output, serial input, keys. Layout: Int32 head (next write), Int32 tail
// (next read), Int32 lost (bytes dropped because the ring was full), Int32 spare, then `capacity` bytes (a power of two).

const HEADER = 16;

export class Ring {
  readonly buffer: ArrayBufferLike;
  private readonly head: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly mask: number;

  constructor(buffer: ArrayBufferLike) {
    this.buffer = buffer;
    this.head = new Int32Array(buffer, 0, 4);
    this.bytes = new Uint8Array(buffer, HEADER);
    this.mask = this.bytes.length - 1;
    if ((this.bytes.length & this.mask) !== 0) throw new Error("ring: capacity must be a power of two");
  }
  static create(capacity: number): Ring {
    return new Ring(new SharedArrayBuffer(HEADER + capacity));
  }
  get length(): number {
    return (Atomics.load(this.head, 0) - Atomics.load(this.head, 1)) | 0;
  }
  get free(): number {
    return this.bytes.length - this.length;
  }
  /** Bytes dropped so far because nobody read them. */
  get lost(): number {
    return Atomics.load(this.head, 2);
  }
  /** Appends one byte; false (and counted) when the ring is full. */
  push(byte: number): boolean {
    const at = Atomics.load(this.head, 0);
    if (((at - Atomics.load(this.head, 1)) | 0) > this.mask) {
      Atomics.add(this.head, 2, 1);
      return false;
    }
    this.bytes[at & this.mask] = byte;
    Atomics.store(this.head, 0, (at + 1) | 0);
    return true;
  }
  /** Appends as many bytes as fit; returns how many. */
  write(data: Uint8Array): number {
    let n = 0;
    while (n < data.length && this.free > 0 && this.push(data[n] as number)) n++;
    return n;
  }
  /** Takes one byte, or -1. */
  shift(): number {
    const at = Atomics.load(this.head, 1);
    if (at === Atomics.load(this.head, 0)) return -1;
    const byte = this.bytes[at & this.mask] as number;
    Atomics.store(this.head, 1, (at + 1) | 0);
    return byte;
  }
  /** Takes everything there is (a copy). */
  drain(most = Infinity): Uint8Array {
    const n = Math.min(this.length, most);
    const out = new Uint8Array(n);
    const at = Atomics.load(this.head, 1);
    for (let i = 0; i < n; i++) out[i] = this.bytes[(at + i) & this.mask] as number;
    Atomics.store(this.head, 1, (at + n) | 0);
    return out;
  }
}
