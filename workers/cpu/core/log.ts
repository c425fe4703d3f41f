// What -d asks core to report (workers/debug-log.ts prints it as QEMU does): blocks before they run, interrupts, CR0. Off it costs a branch where
// an interrupt is delivered, and nothing where code runs: blocks are reported through the attention word.

import { logEvent } from "./host";
import { ATTENTION, ATTENTION_LOG, SCRATCH_BASE } from "./layout";
import { vcpu } from "./state";

export const LOG_BLOCKS: u32 = 1;
export const LOG_INTERRUPTS: u32 = 2;
export const LOG_CR0: u32 = 4;

// Events, with what a and b mean.
export const EVENT_BLOCK: u32 = 0; // instructions, bytes
export const EVENT_EXCEPTION: u32 = 1; // vector under delivery or -1, new vector
export const EVENT_HARDWARE: u32 = 2; // vector
export const EVENT_DELIVER: u32 = 3; // vector | 256 for INT n, error code
export const EVENT_CR0: u32 = 4; // value

let mask: u32 = 0;
export function logs(what: u32): bool {
  return (mask & what) != 0;
}
export function setLogging(what: u32): void {
  mask = what;
  keepLogging();
}
/** After the attention word was written anew. */
export function keepLogging(): void {
  const a = load<u32>(vcpu, ATTENTION);
  store<u32>(vcpu, mask & LOG_BLOCKS ? a | ATTENTION_LOG : a & ~ATTENTION_LOG, ATTENTION);
}
/** `ip` is the instruction pointer that a reader wants to see: the instruction's own. */
export function report(event: u32, a: u32, b: u32, ip: u64): void {
  store<u64>(SCRATCH_BASE, ip);
  logEvent(event, a, b);
}
