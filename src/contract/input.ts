// Input events in the shared ring, 8 bytes each: kind, down, code low, code high | for pointers kind, buttons, dx (i16), dy (i16), dz (i8), spare.

import type { Ring } from "./ring.ts";

export const INPUT_KEY = 1;
export const INPUT_POINTER = 2;

/** `scancode`: PS/2 set 1, 0xE0-prefixed as 0xE0xx. False when the ring is full. */
export function pushKey(ring: Ring, scancode: number, down: boolean): boolean {
  if (ring.free < 8) return false;
  for (const b of [INPUT_KEY, down ? 1 : 0, scancode & 255, (scancode >> 8) & 255, 0, 0, 0, 0]) ring.push(b);
  return true;
}
export function pushPointer(ring: Ring, dx: number, dy: number, dz: number, buttons: number): boolean {
  if (ring.free < 8) return false;
  for (const b of [INPUT_POINTER, buttons, dx & 255, (dx >> 8) & 255, dy & 255, (dy >> 8) & 255, dz & 255, 0]) ring.push(b);
  return true;
}
/** Calls the listeners for each whole event in the ring. */
export function takeInput(
  ring: Ring,
  key: (scancode: number, down: boolean) => void,
  pointer: (dx: number, dy: number, dz: number, buttons: number) => void,
): void {
  while (ring.length >= 8) {
    const e = ring.drain(8);
    const [kind = 0, second = 0, a = 0, b = 0, c = 0, d = 0, z = 0] = e;
    if (kind === INPUT_KEY) key(a | (b << 8), second !== 0);
    else if (kind === INPUT_POINTER) pointer(((a | (b << 8)) << 16) >> 16, ((c | (d << 8)) << 16) >> 16, (z << 24) >> 24, second);
  }
}
