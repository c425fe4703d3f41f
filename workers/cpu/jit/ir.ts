// A function under construction: instructions in parallel arrays that can still be taken back (a constant whose use was folded away), then encoded.
// One buffer is reused for every function.

const NOP = -1;
const RAW = -2;
/** Bytes decided when the whole region is known: spills, loads at entry. */
const LATE = -3;
/** A branch to one of the outer blocks. */
const OUT = -4;
/** What follows is seldom reached. */
const COLD = -5;
const I32C = 0x41;
const I64C = 0x42;
const CAPACITY = 1 << 18;
const LIKELY = 1;
const UNLIKELY = 2;
/** Behind these comes nothing: unreachable, br, return, return_call, and branches to outer blocks. */
const LEAVES = new Set([0x00, 0x0c, 0x0f, 0x12, OUT]);
/** An open block, loop or if, while hints are found. */
interface Structure {
  readonly at: number;
  /** In the second arm. */
  otherwise: boolean;
  /** The branch that left unless what follows it was to be reached; -1: something else came between. */
  previous: number;
  /** Some way out of it other than its end was passed. */
  ways: boolean;
}

export class Ir {
  count = 0;
  private readonly op = new Int32Array(CAPACITY);
  private readonly a = new Int32Array(CAPACITY);
  private readonly b = new Int32Array(CAPACITY);
  private wide: bigint[] = [];
  private late: (() => void)[] = [];
  /** By instruction, once `decide` was there: what it is expected to find. */
  private readonly expected = new Int8Array(CAPACITY);
  /** Of the function encoded last, pairs: offset of an `if` or `br_if` in its body, and 1 when it is expected to find true, else 0. */
  hints: number[] = [];
  private out = new Uint8Array(1 << 20);
  private at = 0;

  clear(): void {
    this.count = 0;
    this.wide = [];
    this.late = [];
  }
  /** Back to an earlier state: everything emitted since is forgotten. */
  rewind(count: number): void {
    this.count = count;
  }
  get full(): boolean {
    return this.count > CAPACITY - 4096;
  }
  private push(op: number, a: number, b: number): number {
    const n = this.count++;
    this.op[n] = op;
    this.a[n] = a;
    this.b[n] = b;
    return n;
  }
  /** Bytes of core.wasm as they are. */
  raw(start: number, stop: number): number {
    return this.push(RAW, start, stop);
  }
  /** An instruction without immediates, or with up to two LEB128 ones. */
  op0(op: number): number {
    return this.push(op, -1, -1);
  }
  op1(op: number, a: number): number {
    return this.push(op, a, -1);
  }
  op2(op: number, a: number, b: number): number {
    return this.push(op, a, b);
  }
  i32(value: number): number {
    return this.push(I32C, value | 0, -1);
  }
  i64(value: bigint): number {
    this.wide.push(value);
    return this.push(I64C, this.wide.length - 1, -1);
  }
  /** Calls `write` when the function is encoded; it may emit with w* methods. */
  later(write: () => void): void {
    this.late.push(write);
    this.push(LATE, this.late.length - 1, -1);
  }
  /** Branches to an outer block of the function by name, however deep this is. */
  outer(name: "bail" | "leave"): number {
    return this.push(OUT, name === "bail" ? 0 : 1, -1);
  }
  /** What follows, up to the end of its arm or block, is seldom reached: the branch that decides it says so (see `hints`). */
  cold(): void {
    this.push(COLD, -1, -1);
  }
  /** The last instruction before `n` that was not taken back; -1: none. */
  before(n: number): number {
    let i = n - 1;
    while (i >= 0 && (this.op[i] === NOP || this.op[i] === COLD)) i--;
    return i;
  }
  drop(n: number): void {
    this.op[n] = NOP;
  }
  opAt(n: number): number {
    return n >= 0 ? (this.op[n] as number) : NOP;
  }
  immediateAt(n: number): number {
    return this.a[n] as number;
  }
  wideAt(n: number): bigint {
    return this.wide[this.a[n] as number] as bigint;
  }
  offsetAt(n: number): number {
    return this.b[n] as number;
  }
  replace(n: number, op: number, a = -1, b = -1): void {
    this.op[n] = op;
    this.a[n] = a;
    this.b[n] = b;
  }
  /** While the function is encoded: bytes written so far. */
  get position(): number {
    return this.at;
  }
  /**
   * Finds for every cold place the branch that decides whether it is reached: the `if` around it, or the `if` or `br_if` before it that leaves otherwise. Where there may
   * have been another way out on the way there, none is to blame.
   */
  private decide(core: Uint8Array): void {
    const { op, expected } = this;
    expected.fill(0, 0, this.count);
    const open: Structure[] = [{ at: -1, otherwise: false, previous: -1, ways: false }];
    for (let i = 0; i < this.count; i++) {
      const top = open[open.length - 1] as Structure;
      switch (op[i]) {
        case 0x02:
        case 0x03:
        case 0x04:
          open.push({ at: i, otherwise: false, previous: -1, ways: false });
          break;
        case 0x05:
          top.otherwise = true;
          top.previous = -1;
          break;
        case 0x0b: {
          open.pop();
          const around = open[open.length - 1];
          if (!around) break;
          const leaves = op[top.at] === 0x04 && !top.otherwise && LEAVES.has(op[this.before(i)] as number);
          around.ways ||= ((top.ways || top.previous >= 0) && !leaves) || around.previous >= 0;
          around.previous = leaves ? top.at : -1;
          break;
        }
        case 0x0d:
          top.ways ||= top.previous >= 0;
          top.previous = i;
          break;
        case 0x0c:
        case 0x0f:
          top.ways = true;
          break;
        case RAW:
          if (core[this.a[i] as number] === 0x0e) top.ways = true;
          break;
        case COLD:
          if (top.previous >= 0) expected[top.previous] = LIKELY;
          else if (op[top.at] === 0x04 && !top.ways) expected[top.at] = top.otherwise ? LIKELY : UNLIKELY;
          break;
      }
    }
  }
  // ---- encoding -------------------------------------------------------------------------------------------------------
  wByte(v: number): void {
    this.out[this.at++] = v;
  }
  wLeb(v: number): void {
    let n = v >>> 0;
    while (n > 127) {
      this.out[this.at++] = (n & 127) | 128;
      n >>>= 7;
    }
    this.out[this.at++] = n;
  }
  wI32(v: number): void {
    this.wByte(I32C);
    let n = v | 0;
    for (;;) {
      const b = n & 127;
      n >>= 7;
      if ((n === 0 && !(b & 64)) || (n === -1 && b & 64)) {
        this.out[this.at++] = b;
        return;
      }
      this.out[this.at++] = b | 128;
    }
  }
  wI64(v: bigint): void {
    if (v >= -0x40000000n && v < 0x40000000n) {
      // Small values without BigInt arithmetic: the same LEB128 as an i32.
      const opcode = this.at;
      this.wI32(Number(v));
      this.out[opcode] = I64C;
      return;
    }
    this.wByte(I64C);
    let n = BigInt.asIntN(64, v);
    for (;;) {
      const b = Number(n & 127n);
      n >>= 7n;
      if ((n === 0n && !(b & 64)) || (n === -1n && b & 64)) {
        this.out[this.at++] = b;
        return;
      }
      this.out[this.at++] = b | 128;
    }
  }
  /** The function's code section entry: its size, locals (types by number, parameters not included) and instructions. `outer`: how deep the outer blocks are, from 1. */
  encode(core: Uint8Array, locals: readonly number[], outer: readonly [bail: number, leave: number]): Uint8Array {
    this.at = 0;
    this.decide(core);
    this.hints = [];
    // Runs of equal types.
    const runs: [number, number][] = [];
    for (const t of locals) {
      const last = runs[runs.length - 1];
      if (last && last[1] === t) last[0]++;
      else runs.push([1, t]);
    }
    this.wLeb(runs.length);
    for (const [n, t] of runs) {
      this.wLeb(n);
      this.wByte(t);
    }
    let depth = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.at > this.out.length - 4096) {
        const bigger = new Uint8Array(this.out.length * 2);
        bigger.set(this.out);
        this.out = bigger;
      }
      const op = this.op[i] as number;
      const a = this.a[i] as number;
      if (op === NOP || op === COLD) continue;
      if (op === RAW) {
        for (let p = a; p < (this.b[i] as number); p++) this.out[this.at++] = core[p] as number;
      } else if (op === LATE) (this.late[a] as () => void)();
      else if (op === OUT) {
        this.wByte(0x0c);
        this.wLeb(depth - (outer[a] as number));
      }
      else if (op === I32C) this.wI32(a);
      else if (op === I64C) this.wI64(this.wide[a] as bigint);
      else {
        if (op === 0x02 || op === 0x03 || op === 0x04) depth++;
        else if (op === 0x0b) depth--;
        if ((op === 0x04 || op === 0x0d) && this.expected[i]) this.hints.push(this.at, this.expected[i] === LIKELY ? 1 : 0);
        if (op >= 0xfc00) {
          this.wByte(op >> 8);
          this.wLeb(op & 0xff);
        } else this.wByte(op);
        if (a >= 0) {
          this.wLeb(a);
          if ((this.b[i] as number) >= 0) this.wLeb(this.b[i] as number);
        }
      }
    }
    return this.out.slice(0, this.at);
  }
}
