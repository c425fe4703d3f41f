// Locals of the functions being copied into each other, and where they live in the region's function.

import type { Known } from "./stack.ts";

export class Frame {
  /** The region's locals, -1: none yet. */
  locals: number[] = [];
  known: Known[] = [];
  /** Not 0: an address in the register part of the state. */
  address: number[] = [];
  gets: number[] = [];
  /** Triples: local, instruction of the set, instruction of its constant (-1 none, -2 a tee). */
  sets: number[] = [];
  private params: readonly number[] = [];
  private rest: readonly number[] = [];

  open(params: readonly number[], rest: readonly number[]): void {
    this.params = params;
    this.rest = rest;
    const n = params.length + rest.length;
    this.sets.length = 0;
    for (let i = 0; i < n; i++) {
      this.locals[i] = -1;
      this.known[i] = undefined;
      this.address[i] = 0;
      this.gets[i] = 0;
    }
  }
  type(n: number): number {
    return (n < this.params.length ? this.params[n] : this.rest[n - this.params.length]) as number;
  }
}
/** Frames of the functions that are open, innermost last; each is used again and again. */
export class Frames {
  private readonly all: Frame[] = [];
  private depth = 0;
  open(params: readonly number[], rest: readonly number[]): Frame {
    let frame = this.all[this.depth];
    if (!frame) {
      frame = new Frame();
      this.all.push(frame);
    }
    this.depth++;
    frame.open(params, rest);
    return frame;
  }
  close(): void {
    this.depth--;
  }
  /** After a copy that was given up. */
  clear(): void {
    this.depth = 0;
  }
}
