// Inputs that the makers of case files share: MXCSR values, and the flags that a row leaves undefined.

import type { Row } from "../../cpu/isa/row.ts";
import type { Random } from "./encode.ts";

/** Mostly everything masked; rounding modes, FTZ, DAZ, sticky flags and unmasked exceptions otherwise. */
export function mxcsr(rng: Random): bigint {
  const masks = rng.below(3) ? 0x1f80 : rng.below(64) << 7;
  const how = rng.below(4);
  if (how < 2) return BigInt(0x1f80 | (how ? 0x20 : 0));
  return BigInt(masks | (rng.below(4) << 13) | (rng.one(4) ? 0x8000 : 0) | (rng.one(4) ? 0x40 : 0) | (rng.one(2) ? 0x20 : 0) | (rng.one(8) ? rng.below(64) : 0));
}
const FLAG_BITS: { readonly [letter: string]: number } = { c: 1, p: 4, a: 0x10, z: 0x40, s: 0x80, o: 0x800 };
/** EFLAGS bits after the "?" of `row.flags`. */
export function ignoredFlags(row: Row): number {
  let bits = 0;
  for (const letter of row.flags?.split("?")[1] ?? "") bits |= FLAG_BITS[letter] ?? 0;
  return bits;
}
