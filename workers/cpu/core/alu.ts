// Integer semantics: values in, value out, flags through flags.ts; generic over the operand size. Written once: the interpreter
// calls these, the translator splices their compiled bodies. Intel SDM 2. Flags that the manual leaves undefined follow what
// recent processors do where that is known (shift OF = MSB ^ CF).

import { raise, DE } from "./fault";
import { ADC1, ADD, AF, CF, OF, SBB1, SUB, Quick, ZF, cf, af, flagBits, setCarryOverflow, setFlagBits, setLazy, setResult, sx } from "./flags";

export function mov<T>(v: T): T {
  return v;
}
export function add<T>(a: T, b: T): T {
  setLazy<T>(ADD, a, b);
  return <T>(a + b);
}
export function sub<T>(a: T, b: T): T {
  setLazy<T>(SUB, a, b);
  return <T>(a - b);
}
export function cmp<T>(a: T, b: T): void {
  setLazy<T>(SUB, a, b);
}
export function and<T>(a: T, b: T): T {
  const r = <T>(a & b);
  setResult<T>(r, 0);
  return r;
}
export function or<T>(a: T, b: T): T {
  const r = <T>(a | b);
  setResult<T>(r, 0);
  return r;
}
export function xor<T>(a: T, b: T): T {
  const r = <T>(a ^ b);
  setResult<T>(r, 0);
  return r;
}
export function test<T>(a: T, b: T): void {
  setResult<T>(<T>(a & b), 0);
}
/** Inline in each of their handlers (isa/generate.ts). */
export class AluInline {
  @inline static inc<T>(a: T): T {
    const r = <T>(a + <T>1);
    const top = <T>(<T>1 << <T>((sizeof<T>() << 3) - 1));
    setResult<T>(r, (Quick.cf() ? CF : 0) | (r == top ? OF : 0) | ((<u32>r & 15) == 0 ? AF : 0));
    return r;
  }
  @inline static dec<T>(a: T): T {
    const r = <T>(a - <T>1);
    const top = <T>(<T>1 << <T>((sizeof<T>() << 3) - 1));
    setResult<T>(r, (Quick.cf() ? CF : 0) | (a == top ? OF : 0) | ((<u32>a & 15) == 0 ? AF : 0));
    return r;
  }
  @inline static adc<T>(a: T, b: T): T {
    if (Quick.cf()) {
      setLazy<T>(ADC1, a, b);
      return <T>(a + b + <T>1);
    }
    setLazy<T>(ADD, a, b);
    return <T>(a + b);
  }
  @inline static sbb<T>(a: T, b: T): T {
    if (Quick.cf()) {
      setLazy<T>(SBB1, a, b);
      return <T>(a - b - <T>1);
    }
    setLazy<T>(SUB, a, b);
    return <T>(a - b);
  }
}
export function neg<T>(a: T): T {
  setLazy<T>(SUB, <T>0, a);
  return <T>(<T>0 - a);
}
export function not<T>(a: T): T {
  return <T>~a;
}

function countMask<T>(c: u8): u32 {
  return <u32>c & (sizeof<T>() == 8 ? 63 : 31);
}
function msb<T>(v: T): u32 {
  return <u32>(v >> <T>((sizeof<T>() << 3) - 1)) & 1;
}
export function shl<T>(a: T, c: u8): T {
  const n = countMask<T>(c);
  if (!n) return a;
  const bits = <u32>sizeof<T>() << 3;
  let r: T;
  let carry: u32;
  if (n <= bits) {
    carry = <u32>((<u64>a >> <u64>(bits - n)) & 1);
    r = n == bits ? <T>0 : <T>(a << <T>n);
  } else {
    carry = 0;
    r = <T>0;
  }
  setResult<T>(r, carry | ((msb<T>(r) ^ carry) << 11));
  return r;
}
export function shr<T>(a: T, c: u8): T {
  const n = countMask<T>(c);
  if (!n) return a;
  const bits = <u32>sizeof<T>() << 3;
  const carry = n <= bits ? <u32>((<u64>a >> <u64>(n - 1)) & 1) : 0;
  const r = n >= bits ? <T>0 : <T>(a >> <T>n);
  // OF = MSB of the original for a shift by one; the same formula (two top bits of the result) for others.
  const overflow = n == 1 ? msb<T>(a) : 0;
  setResult<T>(r, carry | (overflow << 11));
  return r;
}
export function sar<T>(a: T, c: u8): T {
  const n = countMask<T>(c);
  if (!n) return a;
  const v = <i64>sx<T>(a);
  const s = min<u32>(n, 63);
  const carry = <u32>((v >> <i64>(s - 1)) & 1);
  const r = <T>(v >> <i64>s);
  setResult<T>(r, carry);
  return r;
}
function setRotate(carry: u32, overflow: u32): void {
  setCarryOverflow(carry | (overflow << 11));
}
export function rol<T>(a: T, c: u8): T {
  const m = countMask<T>(c);
  if (!m) return a;
  const bits = <u32>sizeof<T>() << 3;
  const n = m & (bits - 1);
  const r = n ? <T>((a << <T>n) | (a >> <T>(bits - n))) : a;
  const carry = <u32>r & 1;
  setRotate(carry, msb<T>(r) ^ carry);
  return r;
}
export function ror<T>(a: T, c: u8): T {
  const m = countMask<T>(c);
  if (!m) return a;
  const bits = <u32>sizeof<T>() << 3;
  const n = m & (bits - 1);
  const r = n ? <T>((a >> <T>n) | (a << <T>(bits - n))) : a;
  const carry = msb<T>(r);
  setRotate(carry, carry ^ (<u32>(r >> <T>(bits - 2)) & 1));
  return r;
}
export function rcl<T>(a: T, c: u8): T {
  let n = countMask<T>(c);
  const bits = <u32>sizeof<T>() << 3;
  if (sizeof<T>() < 4) n %= bits + 1;
  if (!n) return a;
  let r = a;
  let carry: u32 = cf() ? 1 : 0;
  for (; n > 0; n--) {
    const out = msb<T>(r);
    r = <T>((r << <T>1) | <T>carry);
    carry = out;
  }
  setRotate(carry, msb<T>(r) ^ carry);
  return r;
}
export function rcr<T>(a: T, c: u8): T {
  let n = countMask<T>(c);
  const bits = <u32>sizeof<T>() << 3;
  if (sizeof<T>() < 4) n %= bits + 1;
  if (!n) return a;
  let r = a;
  let carry: u32 = cf() ? 1 : 0;
  for (; n > 0; n--) {
    const out = <u32>r & 1;
    r = <T>((r >> <T>1) | (<T>carry << <T>(bits - 1)));
    carry = out;
  }
  setRotate(carry, msb<T>(r) ^ (<u32>(r >> <T>(bits - 2)) & 1));
  return r;
}
export function shld<T>(a: T, b: T, c: u8): T {
  const n = countMask<T>(c);
  if (!n) return a;
  const bits = <u32>sizeof<T>() << 3;
  let r: T;
  let carry: u32;
  if (sizeof<T>() == 2) {
    // Counts past 16 (undefined in the manual) take bits from b, then from a again, as processors do.
    const wide = (<u64>a << 32) | (<u64>b << 16) | <u64>a;
    const s = wide << <u64>n;
    r = <T>(s >> 32);
    carry = <u32>((wide >> <u64>(48 - n)) & 1);
  } else {
    r = <T>((a << <T>n) | (b >> <T>(bits - n)));
    carry = <u32>(a >> <T>(bits - n)) & 1;
  }
  setResult<T>(r, carry | ((msb<T>(r) ^ msb<T>(a)) << 11));
  return r;
}
export function shrd<T>(a: T, b: T, c: u8): T {
  const n = countMask<T>(c);
  if (!n) return a;
  const bits = <u32>sizeof<T>() << 3;
  let r: T;
  let carry: u32;
  if (sizeof<T>() == 2) {
    const wide = (<u64>a << 32) | (<u64>b << 16) | <u64>a;
    r = <T>(wide >> <u64>n);
    carry = <u32>((wide >> <u64>(n - 1)) & 1);
  } else {
    r = <T>((a >> <T>n) | (b << <T>(bits - n)));
    carry = <u32>(a >> <T>(n - 1)) & 1;
  }
  setResult<T>(r, carry | ((msb<T>(r) ^ msb<T>(a)) << 11));
  return r;
}

/** High 64 bits of a 64x64 unsigned product. */
export function mulHighU(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const p00 = a0 * b0;
  const p01 = a0 * b1;
  const p10 = a1 * b0;
  const mid = (p00 >> 32) + (p01 & 0xffffffff) + (p10 & 0xffffffff);
  return a1 * b1 + (p01 >> 32) + (p10 >> 32) + (mid >> 32);
}
export function mulHighS(a: i64, b: i64): i64 {
  let h = <i64>mulHighU(<u64>a, <u64>b);
  if (a < 0) h -= b;
  if (b < 0) h -= a;
  return h;
}
/** Truncating signed multiply (two- and three-operand IMUL). */
export function imul<T>(a: T, b: T): T {
  let overflow: bool;
  let r: T;
  if (sizeof<T>() == 8) {
    const low = <i64>a * <i64>b;
    overflow = mulHighS(<i64>a, <i64>b) != low >> 63;
    r = <T>low;
  } else {
    const wide = <i64>sx<T>(a) * <i64>sx<T>(b);
    r = <T>wide;
    overflow = <i64>sx<T>(r) != wide;
  }
  setResult<T>(r, overflow ? CF | OF : 0);
  return r;
}

// 128/64 division: quotient returned, remainder and overflow here.
export let divRemainder: u64 = 0;
/** Unsigned (hi:lo) / d with hi < d. Leaves the remainder in divRemainder. */
export function divide128(hi: u64, lo: u64, d: u64): u64 {
  if (hi == 0) {
    divRemainder = lo % d;
    return lo / d;
  }
  // Knuth D with 32-bit digits.
  const s = clz<u64>(d);
  const v = d << s;
  const v1 = v >> 32;
  const v0 = v & 0xffffffff;
  const un32 = s ? (hi << s) | (lo >> (64 - s)) : hi;
  const un10 = lo << s;
  const un1 = un10 >> 32;
  const un0 = un10 & 0xffffffff;
  let q1 = un32 / v1;
  let rhat = un32 - q1 * v1;
  while (q1 >> 32 || q1 * v0 > ((rhat << 32) | un1)) {
    q1--;
    rhat += v1;
    if (rhat >> 32) break;
  }
  const un21 = (un32 << 32) + un1 - q1 * v;
  let q0 = un21 / v1;
  rhat = un21 - q0 * v1;
  while (q0 >> 32 || q0 * v0 > ((rhat << 32) | un0)) {
    q0--;
    rhat += v1;
    if (rhat >> 32) break;
  }
  divRemainder = ((un21 << 32) + un0 - q0 * v) >> s;
  return (q1 << 32) + q0;
}

/** 16-bit BSWAP is undefined; processors give zero. */
export function byteSwap<T>(v: T): T {
  if (sizeof<T>() == 2) return <T>0;
  return bswap<T>(v);
}
export function movzx8<T>(v: u8): T {
  return <T>v;
}
export function movzx16<T>(v: u16): T {
  return <T>v;
}
export function movsx8<T>(v: u8): T {
  return <T>sx<u8>(v);
}
export function movsx16<T>(v: u16): T {
  return <T>sx<u16>(v);
}
export function movsxd<T>(v: u32): T {
  return <T>sx<u32>(v);
}
export function popcount<T>(v: T): T {
  setFlagBits(v == <T>0 ? ZF : 0);
  return <T>popcnt<u64>(<u64>v);
}
function setCarry(c: u32): void {
  setFlagBits((flagBits() & ~CF) | c);
}
export function bt<T>(a: T, b: T): void {
  setCarry(<u32>((<u64>a >> (<u64>b & ((sizeof<T>() << 3) - 1))) & 1));
}
export function bts<T>(a: T, b: T): T {
  const n = <u64>b & ((sizeof<T>() << 3) - 1);
  setCarry(<u32>((<u64>a >> n) & 1));
  return <T>(<u64>a | ((<u64>1) << n));
}
export function btr<T>(a: T, b: T): T {
  const n = <u64>b & ((sizeof<T>() << 3) - 1);
  setCarry(<u32>((<u64>a >> n) & 1));
  return <T>(<u64>a & ~((<u64>1) << n));
}
export function btc<T>(a: T, b: T): T {
  const n = <u64>b & ((sizeof<T>() << 3) - 1);
  setCarry(<u32>((<u64>a >> n) & 1));
  return <T>(<u64>a ^ ((<u64>1) << n));
}

// BCD adjustments (not in 64-bit mode): AX in, AX out.
export function daa(ax: u16): u16 {
  const al = <u32>ax & 0xff;
  const carry = cf();
  let r = al;
  let c: u32 = 0;
  let a: u32 = 0;
  if ((al & 15) > 9 || af()) {
    r += 6;
    c = carry || r > 0xff ? CF : 0;
    a = AF;
  }
  if (al > 0x99 || carry) {
    r += 0x60;
    c = CF;
  } else if (!a) c = 0;
  setResult<u8>(<u8>r, c | a);
  return <u16>((<u32>ax & 0xff00) | (r & 0xff));
}
export function das(ax: u16): u16 {
  const al = <u32>ax & 0xff;
  const carry = cf();
  let r = al;
  let c: u32 = 0;
  let a: u32 = 0;
  if ((al & 15) > 9 || af()) {
    c = carry || al < 6 ? CF : 0;
    r -= 6;
    a = AF;
  }
  if (al > 0x99 || carry) {
    r -= 0x60;
    c = CF;
  }
  setResult<u8>(<u8>r, c | a);
  return <u16>((<u32>ax & 0xff00) | (r & 0xff));
}
export function aaa(ax: u16): u16 {
  let r = ax;
  let bits: u32 = 0;
  if ((ax & 15) > 9 || af()) {
    r = <u16>(ax + 0x106);
    bits = CF | AF;
  }
  r &= 0xff0f;
  setResult<u8>(<u8>r, bits);
  return r;
}
export function aas(ax: u16): u16 {
  let r = ax;
  let bits: u32 = 0;
  if ((ax & 15) > 9 || af()) {
    r = <u16>(ax - 0x106);
    bits = CF | AF;
  }
  r &= 0xff0f;
  setResult<u8>(<u8>r, bits);
  return r;
}
export function aam(ax: u16, base: u8): u16 {
  if (!base) raise(DE);
  const al = <u8>ax;
  const low = <u8>(al % base);
  setResult<u8>(low, 0);
  return (<u16>(al / base) << 8) | low;
}
export function aad(ax: u16, base: u8): u16 {
  const r = <u8>(<u32>(ax & 0xff) + <u32>(ax >> 8) * <u32>base);
  setResult<u8>(r, 0);
  return r;
}
