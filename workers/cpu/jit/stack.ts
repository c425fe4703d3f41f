// What is known about the operand stack of the code being copied: for each value its kind, its constant, and the instruction that pushed it. One object
// serves every function, so that nothing is allocated on the way.

import type { Ir } from "./ir.ts";

/** A constant (i32: a number, i64: a bigint), or not known. */
export type Known = number | bigint | undefined;
export const UNKNOWN = 0;
export const CONST = 1;
/** An i32 address in the register part of the state, not known exactly. */
export const REGISTER_ADDRESS = 2;

export class Stack {
  height = 0;
  private readonly kinds: number[] = [];
  private readonly values: Known[] = [];
  /** Instructions that pushed constants. */
  private readonly irs: number[] = [];
  private readonly ir: Ir;
  constructor(ir: Ir) {
    this.ir = ir;
  }
  push(kind: number, value: Known, ir: number): void {
    const n = this.height++;
    this.kinds[n] = kind;
    this.values[n] = value;
    this.irs[n] = ir;
  }
  unknown(): void {
    this.push(UNKNOWN, undefined, -1);
  }
  constant(v: number | bigint): void {
    this.push(CONST, v, typeof v === "number" ? this.ir.i32(v) : this.ir.i64(v));
  }
  pop(): void {
    this.height--;
  }
  kindAt(fromTop: number): number {
    return this.kinds[this.height - 1 - fromTop] ?? UNKNOWN;
  }
  constAt(fromTop: number): Known {
    const n = this.height - 1 - fromTop;
    return this.kinds[n] === CONST ? this.values[n] : undefined;
  }
  irAt(fromTop: number): number {
    return this.irs[this.height - 1 - fromTop] as number;
  }
  /** Pops a constant and takes its instruction back. */
  takeBack(): void {
    this.ir.drop(this.irAt(0));
    this.height--;
  }
  /** The same with the constant below the top. */
  takeBackBelow(): void {
    this.ir.drop(this.irAt(1));
    const below = this.height - 2;
    this.kinds[below] = this.kinds[below + 1] as number;
    this.values[below] = this.values[below + 1];
    this.irs[below] = this.irs[below + 1] as number;
    this.height--;
  }
  /** The constant on top stays as an instruction and is no longer known. */
  forgetTop(): void {
    this.kinds[this.height - 1] = UNKNOWN;
  }
}
