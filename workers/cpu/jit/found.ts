// What the dispatcher's table (LOOKUP_BASE, core/run.ts) says of a linear address.

import { LOOKUP_BASE, LOOKUP_SLOT_SIZE, SLOT_KEY, SLOT_LINEAR } from "../core/layout.ts";

/** In the dispatcher's key: CPL 3. */
const KEY_USER = 8;
/** Execute.slot() of core/run.ts. */
export function slotOf(linear: bigint): number {
  const page = Number((linear >> 12n) & 0xffffffn);
  const low = Number(linear & 0xfffn);
  return LOOKUP_BASE + (((page ^ (page >> 8)) & 255) << 12) + ((low ^ (low >> 5)) & 0x7f) * LOOKUP_SLOT_SIZE;
}
/** Whether the dispatcher's table has a linear address as user code's. */
export function userCode(view: DataView, linear: bigint): boolean {
  const slot = slotOf(linear);
  return view.getBigUint64(slot + SLOT_LINEAR, true) === linear && (view.getUint32(slot + SLOT_KEY, true) & KEY_USER) !== 0;
}
