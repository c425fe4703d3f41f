// BMI1, BMI2, LZCNT, ADX, MOVBE, RDPID, RDRAND and RDSEED. Intel SDM 2. Values in, value out where the form allows.
// RDRAND's numbers come from a generator stirred by guest time: repeatable with the instruction clock.

import { mulHighU } from "./alu";
import { CF, flagBits, OF, setFlagBits, setResult, ZF } from "./flags";
import { nowNs } from "./host";
import { MSR_TSC_AUX, RANDOM, REC_R0, REC_R1, REC_R2 } from "./layout";
import { codeSize } from "./mode";
import { Mem } from "./mmu";
import { Ea, Reg } from "./operands";
import { RDX, vcpu } from "./state";

export function andn<T>(b: T, e: T): T {
  const r = <T>(~b & e);
  setResult<T>(r, 0);
  return r;
}
export function bextr<T>(e: T, control: T): T {
  const start = <u64>control & 0xff;
  const length = (<u64>control >> 8) & 0xff;
  let r: u64 = start > 63 ? 0 : <u64>e >> start;
  if (length < 64) r &= (<u64>1 << length) - 1;
  setFlagBits(<T>r == <T>0 ? ZF : 0);
  return <T>r;
}
export function blsr<T>(e: T): T {
  const r = <T>(e & (e - <T>1));
  setResult<T>(r, e == <T>0 ? CF : 0);
  return r;
}
export function blsmsk<T>(e: T): T {
  const r = <T>(e ^ (e - <T>1));
  setResult<T>(r, e == <T>0 ? CF : 0);
  return r;
}
export function blsi<T>(e: T): T {
  const r = <T>((<T>0 - e) & e);
  setResult<T>(r, e == <T>0 ? 0 : CF);
  return r;
}
export function bzhi<T>(e: T, index: T): T {
  const n = <u64>index & 0xff;
  const bits = <u64>sizeof<T>() << 3;
  const r = n < bits ? <T>(<u64>e & ((<u64>1 << n) - 1)) : e;
  setResult<T>(r, n < bits ? 0 : CF);
  return r;
}
export function pdep<T>(b: T, mask: T): T {
  let m = <u64>mask;
  let from = <u64>b;
  let r: u64 = 0;
  while (m != 0) {
    const lowest = m & (0 - m);
    if (from & 1) r |= lowest;
    from >>= 1;
    m ^= lowest;
  }
  return <T>r;
}
export function pext<T>(b: T, mask: T): T {
  let m = <u64>mask;
  let r: u64 = 0;
  let to: u64 = 1;
  while (m != 0) {
    const lowest = m & (0 - m);
    if (<u64>b & lowest) r |= to;
    to <<= 1;
    m ^= lowest;
  }
  return <T>r;
}
function multiply<T>(r: usize, b: T): void {
  const a = load<T>(vcpu + (RDX << 3));
  if (sizeof<T>() == 8) {
    const low = <u64>a * <u64>b;
    const high = mulHighU(<u64>a, <u64>b);
    Reg.write<T>(r, REC_R1, <T>low);
    Reg.write<T>(r, REC_R0, <T>high);
  } else {
    const product = <u64>a * <u64>b;
    Reg.write<T>(r, REC_R1, <T>product);
    Reg.write<T>(r, REC_R0, <T>(product >> 32));
  }
}
/** RDX times the operand: the low half to the second register, then the high half to the first; no flags. */
export function mulxReg<T>(r: usize): void {
  multiply<T>(r, Reg.read<T>(r, REC_R2));
}
export function mulxMem<T>(r: usize): void {
  multiply<T>(r, Mem.read<T>(Ea.toRead(r, sizeof<T>())));
}
export function rorx<T>(e: T, imm: u8): T {
  return rotr<T>(e, <T>imm);
}
// Counts of the shifts without flags are taken modulo the operand size, as wasm does.
export function shlx<T>(e: T, n: T): T {
  return <T>(e << n);
}
export function shrx<T>(e: T, n: T): T {
  return <T>(e >> n);
}
export function sarx<T>(e: T, n: T): T {
  if (sizeof<T>() == 8) return <T>(<i64>e >> <i64>n);
  return <T>(<i32>e >> <i32>n);
}
export function tzcnt<T>(v: T): T {
  const bits = <u64>sizeof<T>() << 3;
  const n: u64 = v == <T>0 ? bits : ctz<u64>(<u64>v);
  setFlagBits((v == <T>0 ? CF : 0) | (n == 0 ? ZF : 0));
  return <T>n;
}
export function lzcnt<T>(v: T): T {
  const n = clz<u64>(<u64>v) - (64 - (<u64>sizeof<T>() << 3));
  setFlagBits((v == <T>0 ? CF : 0) | (n == 0 ? ZF : 0));
  return <T>n;
}
/** a + b + the flag `bit`; only that flag changes. */
function addChain<T>(a: T, b: T, bit: u32): T {
  const f = flagBits();
  const c = <T>(f & bit ? 1 : 0);
  const part = <T>(a + b);
  const r = <T>(part + c);
  setFlagBits(part < a || r < part ? f | bit : f & ~bit);
  return r;
}
export function adcx<T>(a: T, b: T): T {
  return addChain<T>(a, b, CF);
}
export function adox<T>(a: T, b: T): T {
  return addChain<T>(a, b, OF);
}
export function movbe<T>(v: T): T {
  return bswap<T>(v);
}
function random(): u64 {
  let z = load<u64>(vcpu, RANDOM) + 0x9e3779b97f4a7c15 + <u64>nowNs();
  store<u64>(vcpu, z, RANDOM);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
/** RDRAND and RDSEED always have a number ready. */
export function rdrand<T>(): T {
  setFlagBits(CF);
  return <T>random();
}
export function rdpid(r: usize): void {
  const v = load<u64>(vcpu, MSR_TSC_AUX);
  if (codeSize == 2) Reg.write<u64>(r, REC_R0, v);
  else Reg.write<u32>(r, REC_R0, <u32>v);
}
