// The last exceptions that core raised, so that a shutdown can be explained afterwards: an exception whose handler cannot be entered makes a double
// fault, that one a shutdown (Intel SDM 3A 6.15, interrupt 8). Core keeps them in memory (core/watch.ts noteException); nobody is called for them.

import type { RaisedException } from "../../src/contract/shutdown.ts";
import { RAISED, RAISED_COUNT, RAISED_MOST, RAISED_SIZE, VCPU_BASE } from "./core/layout.ts";

const PAGE_FAULT = 14;

/** Those of the last instruction that raised one, oldest first. */
export function lastExceptions(memory: DataView): readonly RaisedException[] {
  const count = memory.getUint32(VCPU_BASE + RAISED_COUNT, true);
  const kept = Array.from({ length: Math.min(count, RAISED_MOST) }, (_, back): RaisedException => {
    const at = VCPU_BASE + RAISED + ((count - 1 - back) % RAISED_MOST) * RAISED_SIZE;
    const vector = memory.getUint32(at, true);
    const code = memory.getInt32(at + 4, true);
    return {
      vector,
      code: code < 0 ? null : code,
      touched: vector === PAGE_FAULT ? Number(memory.getBigInt64(at + 8, true)) : null,
      address: Number(memory.getBigInt64(at + 16, true)),
      instructions: Number(memory.getBigUint64(at + 24, true)),
    };
  });
  const last = kept[0];
  return kept.filter((e) => e.instructions === last?.instructions && e.address === last.address).reverse();
}
/** A machine that goes back raises them again. */
export function forgetExceptions(memory: DataView): void {
  memory.setUint32(VCPU_BASE + RAISED_COUNT, 0, true);
}
