// Bytes of a WebAssembly module under construction: numbers, sections, and the few instructions the translator writes itself.

export function leb(value: number): number[] {
  const out: number[] = [];
  let n = value >>> 0;
  do {
    out.push((n & 127) | (n > 127 ? 128 : 0));
    n >>>= 7;
  } while (n);
  return out;
}
export function sleb(value: number): number[] {
  const out: number[] = [];
  let n = value | 0;
  for (;;) {
    const b = n & 127;
    n >>= 7;
    if ((n === 0 && !(b & 64)) || (n === -1 && b & 64)) {
      out.push(b);
      return out;
    }
    out.push(b | 128);
  }
}
export function sleb64(value: bigint): number[] {
  const out: number[] = [];
  let n = BigInt.asIntN(64, value);
  for (;;) {
    const b = Number(n & 127n);
    n >>= 7n;
    if ((n === 0n && !(b & 64)) || (n === -1n && b & 64)) {
      out.push(b);
      return out;
    }
    out.push(b | 128);
  }
}
export const text = (s: string): number[] => [...leb(s.length), ...new TextEncoder().encode(s)];
export const vector = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
export const section = (id: number, body: readonly number[]): number[] => [id, ...leb(body.length), ...body];

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;
/** Instructions that set a local to zero, by type. */
export function zero(type: number): number[] {
  switch (type) {
    case I32:
      return [0x41, 0];
    case I64:
      return [0x42, 0];
    case F32:
      return [0x43, 0, 0, 0, 0];
    case F64:
      return [0x44, 0, 0, 0, 0, 0, 0, 0, 0];
    case V128:
      return [0xfd, 12, ...Array<number>(16).fill(0)];
    default:
      throw new Error(`emit: type ${type}`);
  }
}
