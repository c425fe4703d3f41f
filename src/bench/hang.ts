// A real-mode program that goes round in an exception: real mode enters the handler that the table at address 0 names (Intel SDM 3A 20.1.4), SeaBIOS puts
// handlers of its own there that know nothing of exceptions, and they return to the instruction that raised it (a fault; SDM 3A 6.5). Seen on the trace
// bus: the exception, the way into firmware, and the same again.

import type { TraceEvent } from "../contract/trace.ts";

/** Where the BIOS lies, as its handlers are entered (real mode reaches the last 64 KiB as F000:0000). */
const FIRMWARE = [0xe0000, 0xfffff] as const;
/** So often without an end. */
const ROUNDS = 3;
/** The vectors that the master 8259 has under a BIOS: lines 0 to 7. */
const FIRST_IRQ = 8;

export interface Hang {
  readonly vector: number;
  /** Linear address of the instruction. */
  readonly address: number;
  readonly handler: number;
  /** The line whose handler SeaBIOS has at this vector. */
  readonly irq: number | null;
}
/** The events: exceptions and handlers, as they came last. */
export function hangOf(events: readonly TraceEvent[]): Hang | null {
  let found: Hang | null = null;
  let rounds = 0;
  let before: TraceEvent | null = null;
  for (const event of events) {
    if (event.kind !== "cpu.exception" && event.kind !== "cpu.handler") continue;
    const raised = before;
    before = event;
    if (event.kind === "cpu.exception" || raised?.kind !== "cpu.exception" || raised.a !== event.a) continue;
    const { a: vector, c: handler } = event;
    if (handler < FIRMWARE[0] || handler > FIRMWARE[1]) {
      found = null;
      continue;
    }
    const same: boolean = found !== null && found.vector === vector && found.address === raised.ip;
    rounds = same ? rounds + 1 : 1;
    found = { vector, address: raised.ip, handler, irq: vector >= FIRST_IRQ && vector < FIRST_IRQ + 8 ? vector - FIRST_IRQ : null };
  }
  return rounds >= ROUNDS ? found : null;
}
