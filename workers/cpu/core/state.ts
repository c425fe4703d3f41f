// The vCPU block and its accessors. `vcpu`, the base of the processor's block, is a parameter of the build: a constant that lands in the
// instructions' own offsets (ADR 0011). More processors need a core built for each block.

import { CPL, GPR, VCPU_BASE, XMM, FPR } from "./layout";

/** Address of the running vCPU's state block. */
export const vcpu: usize = VCPU_BASE;

// Handy aliases for hand-written code: register numbers.
export const RAX: u32 = 0;
export const RCX: u32 = 1;
export const RDX: u32 = 2;
export const RBX: u32 = 3;
export const RSP: u32 = 4;
export const RBP: u32 = 5;
export const RSI: u32 = 6;
export const RDI: u32 = 7;

export const ES: u32 = 0;
export const CS: u32 = 1;
export const SS: u32 = 2;
export const DS: u32 = 3;
export const FS: u32 = 4;
export const GS: u32 = 5;
export const LDTR: u32 = 6;
export const TR: u32 = 7;

/** Register accessors. Static methods, because function-level decorators are not TypeScript (house-style 4). */
export class Regs {
  @inline static get(n: u32): u64 {
    return load<u64>(vcpu + (n << 3), GPR);
  }
  @inline static set(n: u32, v: u64): void {
    store<u64>(vcpu + (n << 3), v, GPR);
  }
  @inline static cpl(): u32 {
    return load<u32>(vcpu, CPL);
  }
  /** Address of XMM/YMM register n (32 bytes, XMM in the low 16). */
  @inline static xmm(n: u32): usize {
    return vcpu + XMM + (n << 5);
  }
  /** Address of *physical* x87 register n (16 bytes: significand u64, sign and exponent u16 at +8). MMn is its significand. */
  @inline static fpr(physical: u32): usize {
    return vcpu + FPR + (physical << 4);
  }
}
