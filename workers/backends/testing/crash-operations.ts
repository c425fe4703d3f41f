// The operations of the crash suite: number n of a seed is the same for whoever asks.

import { noise } from "./noise.ts";

export interface Operation {
  readonly kind: "write" | "zero" | "flush";
  readonly at: number;
  readonly bytes: Uint8Array;
}
export function operation(seed: number, n: number, size: number): Operation {
  const dice = noise(seed * 1_000_003 + n);
  const kind = dice();
  if (kind < 0.15) return { kind: "flush", at: 0, bytes: new Uint8Array(0) };
  const at = Math.floor((dice() * size) / 512) * 512;
  const length = Math.min(size - at, (1 + Math.floor(dice() * dice() * 200)) * 512);
  if (kind < 0.25) return { kind: "zero", at, bytes: new Uint8Array(length) };
  const bytes = new Uint8Array(length);
  // Every sector tells who wrote it.
  for (let s = 0; s < length; s += 512) {
    bytes.fill((n * 7 + s / 512) & 0xff, s, s + 512);
    new DataView(bytes.buffer).setUint32(s, n + 1, true);
  }
  return { kind: "write", at, bytes };
}
