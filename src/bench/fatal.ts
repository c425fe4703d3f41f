// Why a program of the bench shut its processor down: an exception that no handler took becomes a double fault, that one a shutdown (Intel SDM 3A 6.15,
// interrupt 8). The trace bus has the exceptions of that last instruction; the first of them is what happened, the others are what came of it.

import type { TraceEvent } from "../contract/trace.ts";

export interface Fatal {
  readonly vector: number;
  /** Linear address of the instruction. */
  readonly address: number;
  readonly code: number | null;
  /** What a page fault's access touched. */
  readonly touched: number | null;
  /** The vector whose entry of the IDT could not be used: INT n, or an interrupt of a device. */
  readonly gate: number | null;
}
const NP = 11;
const GP = 13;
const PF = 14;
/** Error codes of selectors and gates (SDM 3A 6.13): bit 1 says that the index is of the IDT. */
const IN_IDT = 2;

export function fatalOf(events: readonly TraceEvent[]): Fatal | null {
  const exceptions = events.filter((e) => e.kind === "cpu.exception");
  const last = exceptions.at(-1);
  if (!last) return null;
  let first = last;
  for (let n = exceptions.length - 1; n >= 0; n--) {
    const event = exceptions[n] as TraceEvent;
    if (event.instructions !== last.instructions || event.ip !== last.ip) break;
    first = event;
  }
  const code = first.b < 0 ? null : first.b;
  const selector = (first.a === GP || first.a === NP) && code !== null && (code & IN_IDT) !== 0;
  return { vector: first.a, address: first.ip, code, touched: first.a === PF ? first.c : null, gate: selector ? (code as number) >> 3 : null };
}
