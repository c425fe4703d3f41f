// Guest exceptions. A fault is recorded and the wasm stack is unwound to `run`'s caller by a host throw, so that
// instruction code needs no checks: whoever can fault does so before it changes guest state. The throw takes microseconds, so that page faults of
// translated code and of fetches, which are many, are only recorded (mmu.ts: translateSoftly) and delivered from the loop. Intel SDM 3A chapter 6.

import { unwind } from "./host";

export const DE: u32 = 0;
export const DB: u32 = 1;
export const BP: u32 = 3;
export const OF: u32 = 4;
export const BR: u32 = 5;
export const UD: u32 = 6;
export const NM: u32 = 7;
export const DF: u32 = 8;
export const TS: u32 = 10;
export const NP: u32 = 11;
export const SSF: u32 = 12; // #SS
export const GP: u32 = 13;
export const PF: u32 = 14;
export const MF: u32 = 16;
export const AC: u32 = 17;
export const XM: u32 = 19;

/** The recorded fault: vector, error code, or -1 when none is pending. */
export let faultVector: i32 = -1;
export let faultCode: u32 = 0;
export let faultHasCode: bool = false;

export function clearFault(): void {
  faultVector = -1;
}
/** Records an exception with an error code for a caller that delivers it itself. */
export function recordCode(vector: u32, code: u32): void {
  faultVector = vector;
  faultHasCode = true;
  faultCode = code;
}
/** Raises an exception without an error code. Does not return. */
export function raise(vector: u32): void {
  faultVector = vector;
  faultHasCode = false;
  faultCode = 0;
  unwind();
}
/** Raises an exception with an error code. Does not return. */
export function raiseCode(vector: u32, code: u32): void {
  recordCode(vector, code);
  unwind();
}
