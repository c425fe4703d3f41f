// Constant arithmetic of WebAssembly's integer instructions, as far as compiled handlers need it. Core specification 4.3.2.

const s = (v: bigint) => BigInt.asIntN(64, v);
const u = (v: bigint) => BigInt.asUintN(64, v);

/** i32 binary instruction, or null. Values are signed. */
export function fold32(op: number, x: number, y: number): number | null {
  switch (op) {
    case 0x46:
      return x === y ? 1 : 0;
    case 0x47:
      return x !== y ? 1 : 0;
    case 0x48:
      return x < y ? 1 : 0;
    case 0x49:
      return x >>> 0 < y >>> 0 ? 1 : 0;
    case 0x4a:
      return x > y ? 1 : 0;
    case 0x4b:
      return x >>> 0 > y >>> 0 ? 1 : 0;
    case 0x4c:
      return x <= y ? 1 : 0;
    case 0x4d:
      return x >>> 0 <= y >>> 0 ? 1 : 0;
    case 0x4e:
      return x >= y ? 1 : 0;
    case 0x4f:
      return x >>> 0 >= y >>> 0 ? 1 : 0;
    case 0x6a:
      return (x + y) | 0;
    case 0x6b:
      return (x - y) | 0;
    case 0x6c:
      return Math.imul(x, y);
    case 0x71:
      return x & y;
    case 0x72:
      return x | y;
    case 0x73:
      return x ^ y;
    case 0x74:
      return x << (y & 31);
    case 0x75:
      return x >> (y & 31);
    case 0x76:
      return (x >>> (y & 31)) | 0;
    default:
      return null;
  }
}
/** i64 comparison: 0 or 1; or null. */
export function compare64(op: number, x: bigint, y: bigint): number | null {
  switch (op) {
    case 0x51:
      return x === y ? 1 : 0;
    case 0x52:
      return x !== y ? 1 : 0;
    case 0x53:
      return x < y ? 1 : 0;
    case 0x54:
      return u(x) < u(y) ? 1 : 0;
    case 0x55:
      return x > y ? 1 : 0;
    case 0x56:
      return u(x) > u(y) ? 1 : 0;
    case 0x57:
      return x <= y ? 1 : 0;
    case 0x58:
      return u(x) <= u(y) ? 1 : 0;
    case 0x59:
      return x >= y ? 1 : 0;
    case 0x5a:
      return u(x) >= u(y) ? 1 : 0;
    default:
      return null;
  }
}
/** i64 binary instruction, or null. Values are signed. */
export function fold64(op: number, x: bigint, y: bigint): bigint | null {
  switch (op) {
    case 0x7c:
      return s(x + y);
    case 0x7d:
      return s(x - y);
    case 0x7e:
      return s(x * y);
    case 0x83:
      return x & y;
    case 0x84:
      return x | y;
    case 0x85:
      return x ^ y;
    case 0x86:
      return s(x << (y & 63n));
    case 0x87:
      return x >> (y & 63n);
    case 0x88:
      return s(u(x) >> (y & 63n));
    default:
      return null;
  }
}
/** Conversions and tests of one constant: the result and whether it is an i64; null for others. */
export function fold1(op: number, v: number | bigint): { readonly value: number | bigint } | null {
  if (typeof v === "number")
    switch (op) {
      case 0x45:
        return { value: v === 0 ? 1 : 0 };
      case 0xac:
        return { value: BigInt(v) };
      case 0xad:
        return { value: BigInt(v >>> 0) };
      case 0xc0:
        return { value: (v << 24) >> 24 };
      case 0xc1:
        return { value: (v << 16) >> 16 };
      default:
        return null;
    }
  switch (op) {
    case 0x50:
      return { value: v === 0n ? 1 : 0 };
    case 0xa7:
      return { value: Number(BigInt.asIntN(32, v)) };
    case 0xc2:
      return { value: BigInt.asIntN(8, v) };
    case 0xc3:
      return { value: BigInt.asIntN(16, v) };
    case 0xc4:
      return { value: BigInt.asIntN(32, v) };
    default:
      return null;
  }
}
/** `x op 0 = x` (the constant on the right), and whether `0 op x = x` too. */
export function identity(op: number, right: number | bigint, commutes: boolean): boolean {
  const zero = right === 0 || right === 0n;
  if (!zero) return false;
  switch (op) {
    case 0x6a:
    case 0x72:
    case 0x73:
    case 0x7c:
    case 0x84:
    case 0x85:
      return true;
    case 0x6b:
    case 0x74:
    case 0x75:
    case 0x76:
    case 0x7d:
    case 0x86:
    case 0x87:
    case 0x88:
      return !commutes;
    default:
      return false;
  }
}
/** Stack effect of a plain instruction: operands taken, and the type it leaves (0 none). Null: not plain. */
export function arity(op: number): { readonly take: number; readonly leave: number } | null {
  const I32 = 0x7f;
  const I64 = 0x7e;
  const F32 = 0x7d;
  const F64 = 0x7c;
  const V = 0x7b;
  if (op >= 0x45 && op <= 0x5a) return { take: op === 0x45 || op === 0x50 ? 1 : 2, leave: I32 };
  if (op >= 0x5b && op <= 0x66) return { take: 2, leave: I32 };
  if (op >= 0x67 && op <= 0x69) return { take: 1, leave: I32 };
  if (op >= 0x6a && op <= 0x78) return { take: 2, leave: I32 };
  if (op >= 0x79 && op <= 0x7b) return { take: 1, leave: I64 };
  if (op >= 0x7c && op <= 0x8a) return { take: 2, leave: I64 };
  if (op >= 0x8b && op <= 0x91) return { take: 1, leave: F32 };
  if (op >= 0x92 && op <= 0x98) return { take: 2, leave: F32 };
  if (op >= 0x99 && op <= 0x9f) return { take: 1, leave: F64 };
  if (op >= 0xa0 && op <= 0xa6) return { take: 2, leave: F64 };
  if (op >= 0xa7 && op <= 0xab) return { take: 1, leave: I32 };
  if (op >= 0xac && op <= 0xb1) return { take: 1, leave: I64 };
  if (op >= 0xb2 && op <= 0xb6) return { take: 1, leave: F32 };
  if (op >= 0xb7 && op <= 0xbb) return { take: 1, leave: F64 };
  if (op === 0xbc || op === 0xc0 || op === 0xc1) return { take: 1, leave: I32 };
  if (op === 0xbd || (op >= 0xc2 && op <= 0xc4)) return { take: 1, leave: I64 };
  if (op === 0xbe) return { take: 1, leave: F32 };
  if (op === 0xbf) return { take: 1, leave: F64 };
  if (op >= 0xfc00 && op <= 0xfc07) return { take: 1, leave: op <= 0xfc03 ? I32 : I64 };
  if (op === 0xfc0a || op === 0xfc0b) return { take: 3, leave: 0 };
  if (op >= 0xfd00) return vectorArity(op - 0xfd00, V);
  return null;
}
function vectorArity(n: number, v: number): { readonly take: number; readonly leave: number } | null {
  const I32 = 0x7f;
  const I64 = 0x7e;
  if (n <= 10 || n === 92 || n === 93) return { take: 1, leave: v }; // loads
  if (n === 11) return { take: 2, leave: 0 };
  if (n === 12) return { take: 0, leave: v };
  if (n === 13 || n === 14) return { take: 2, leave: v };
  if (n >= 15 && n <= 20) return { take: 1, leave: v };
  switch (n) {
    case 21:
    case 22:
    case 24:
    case 25:
    case 27:
      return { take: 1, leave: I32 };
    case 29:
      return { take: 1, leave: I64 };
    case 31:
      return { take: 1, leave: 0x7d };
    case 33:
      return { take: 1, leave: 0x7c };
    case 23:
    case 26:
    case 28:
    case 30:
    case 32:
    case 34:
      return { take: 2, leave: v };
  }
  if (n >= 35 && n <= 76) return { take: 2, leave: v };
  if (n === 77) return { take: 1, leave: v };
  if (n >= 78 && n <= 81) return { take: 2, leave: v };
  if (n === 82) return { take: 3, leave: v };
  if (n === 83) return { take: 1, leave: I32 };
  if (n >= 84 && n <= 87) return { take: 2, leave: v };
  if (n >= 88 && n <= 91) return { take: 2, leave: 0 };
  if (n === 94 || n === 95) return { take: 1, leave: v };
  // all_true and bitmask of the four integer shapes.
  if ([99, 100, 131, 132, 163, 164, 195, 196].includes(n)) return { take: 1, leave: I32 };
  // abs, neg, popcnt, extensions, extadd_pairwise, ceil, floor, trunc, nearest, sqrt, conversions.
  const one = new Set([
    96, 97, 98, 103, 104, 105, 106, 116, 117, 122, 124, 125, 126, 127, 128, 129, 135, 136, 137, 138, 148, 160, 161, 167, 168, 169, 170, 192, 193, 199,
    200, 201, 202, 224, 225, 227, 236, 237, 239, 248, 249, 250, 251, 252, 253, 254, 255,
  ]);
  return one.has(n) ? { take: 1, leave: v } : { take: 2, leave: v };
}
