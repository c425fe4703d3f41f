// Which of the exceptions that core kept belong to a shutdown; that core keeps them is seen in workers/bench/examples.test.ts.

import { expect, test } from "vitest";
import { RAISED, RAISED_COUNT, RAISED_MOST, RAISED_SIZE, VCPU_BASE } from "./core/layout.ts";
import { forgetExceptions, lastExceptions } from "./last-exceptions.ts";

const memory = () => new DataView(new ArrayBuffer(VCPU_BASE + RAISED + RAISED_MOST * RAISED_SIZE));
/** As core/watch.ts noteException. */
function raise(view: DataView, vector: number, instructions: number, address = 0x10000n, code = -1): void {
  const count = view.getUint32(VCPU_BASE + RAISED_COUNT, true);
  view.setUint32(VCPU_BASE + RAISED_COUNT, count + 1, true);
  const at = VCPU_BASE + RAISED + (count % RAISED_MOST) * RAISED_SIZE;
  view.setUint32(at, vector, true);
  view.setInt32(at + 4, code, true);
  view.setBigUint64(at + 8, 0x5000n, true);
  view.setBigUint64(at + 16, address, true);
  view.setBigUint64(at + 24, BigInt(instructions), true);
}
test("the chain is what the last instruction raised, oldest first", () => {
  const view = memory();
  expect(lastExceptions(view)).toEqual([]);
  raise(view, 14, 5);
  raise(view, 6, 9, 0x20000n);
  raise(view, 13, 9, 0x10000n, 0x52);
  expect(lastExceptions(view)).toEqual([{ vector: 13, code: 0x52, touched: null, address: 0x10000, instructions: 9 }]);
  raise(view, 8, 9, 0x10000n, 0);
  expect(lastExceptions(view).map((e) => e.vector)).toEqual([13, 8]);
});
test("kept in turn: after many the last ones are there, signed, a page fault with what it touched", () => {
  const view = memory();
  for (let n = 0; n < 1001; n++) raise(view, 3, n);
  raise(view, 14, 2000, 0xffff_ffff_8100_0000n, 2);
  raise(view, 8, 2000, 0xffff_ffff_8100_0000n, 0);
  const address = Number(BigInt.asIntN(64, 0xffff_ffff_8100_0000n));
  expect(lastExceptions(view)).toEqual([
    { vector: 14, code: 2, touched: 0x5000, address, instructions: 2000 },
    { vector: 8, code: 0, touched: null, address, instructions: 2000 },
  ]);
  forgetExceptions(view);
  expect(lastExceptions(view)).toEqual([]);
});
