// Guest time between two looks at the host's clock. Asking the host costs a hundred guest instructions, and kernels read the TSC at every change of task: so the core
// goes on by itself from what it was last told. Where time is instructions that is exact. Where it is the host's, a look is good for WINDOW instructions (some
// microseconds, what a browser's clock resolves), passed at three quarters of the pace seen last, and time never goes back.

import { nowNs } from "./host";
import { TIME_ASKED, TIME_FOLLOWED } from "./layout";
import { retired } from "./run";

const WINDOW: u64 = 4096;
/** How time passes: TIME_ASKED, TIME_FOLLOWED, or 2^scale ns with each instruction. */
let scale: u32 = TIME_ASKED;
/** What the host said when so many instructions were done; known: since the run began. */
let told: u64 = 0;
let toldAt: u64 = 0;
let known: bool = false;
/** TIME_FOLLOWED: 1/256 ns with each instruction, and the latest time that anybody was given. */
let pace: u64 = 64;
let latest: u64 = 0;

export function setTimeScale(n: u32): void {
  scale = n;
  forgetTime(true);
}
/** A run begins: the host's clock moved on. `all`: so may the machine, to another time. */
export function forgetTime(all: bool): void {
  known = false;
  if (all) latest = 0;
}
function ask(at: u64): u64 {
  const t = <u64>nowNs();
  if (known && t > told && at > toldAt) {
    const seen = (((t - told) << 8) / (at - toldAt)) * 3 / 4;
    pace = max<u64>(32, min<u64>(1024, seen));
  }
  told = t;
  toldAt = at;
  known = true;
  return t;
}
/** Guest nanoseconds. */
export function guestNs(): u64 {
  if (scale == TIME_ASKED) return <u64>nowNs();
  const at = retired();
  if (scale != TIME_FOLLOWED) return known ? told + ((at - toldAt) << scale) : ask(at);
  const t = known && at - toldAt < WINDOW ? told + (((at - toldAt) * pace) >> 8) : ask(at);
  if (t > latest) latest = t;
  return latest;
}
