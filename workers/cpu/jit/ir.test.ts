// Which branches are said to be one-sided.

import { expect, test } from "vitest";
import { Ir } from "./ir.ts";

const IF = 0x04;
const BR_IF = 0x0d;
/** What the engine is told of a function: branch opcode and expected condition, in order. */
function told(build: (ir: Ir) => void): [number, number][] {
  const ir = new Ir();
  ir.clear();
  build(ir);
  ir.op0(0x0b);
  const body = ir.encode(new Uint8Array(0), [], [1, 1]);
  return Array.from({ length: ir.hints.length / 2 }, (_, n) => [body[ir.hints[2 * n] as number] as number, ir.hints[2 * n + 1] as number]);
}
const block = (ir: Ir) => void ir.op1(0x02, 0x40);
const decided = (ir: Ir, op: number, immediate: number) => {
  ir.op1(0x20, 0);
  ir.op1(op, immediate);
};
const cold = (ir: Ir) => {
  ir.cold();
  ir.op0(0x00);
};

test("a cold arm", () => {
  expect(told((ir) => {
    decided(ir, IF, 0x40);
    cold(ir);
    ir.op0(0x0b);
  })).toEqual([[IF, 0]]);
});
test("a cold second arm", () => {
  expect(told((ir) => {
    decided(ir, IF, 0x40);
    ir.op0(0x05);
    cold(ir);
    ir.op0(0x0b);
  })).toEqual([[IF, 1]]);
});
test("what comes behind an arm that always leaves", () => {
  expect(told((ir) => {
    block(ir);
    decided(ir, IF, 0x40);
    ir.op1(0x0c, 1);
    ir.op0(0x0b);
    cold(ir);
    ir.op0(0x0b);
  })).toEqual([[IF, 1]]);
});
test("what comes behind a br_if", () => {
  expect(told((ir) => {
    block(ir);
    decided(ir, BR_IF, 0);
    cold(ir);
    ir.op0(0x0b);
  })).toEqual([[BR_IF, 1]]);
});
test("where two branches may have left before, only the last is told of, and nothing of the arm around them", () => {
  expect(told((ir) => {
    block(ir);
    decided(ir, IF, 0x40);
    decided(ir, BR_IF, 1);
    decided(ir, BR_IF, 1);
    cold(ir);
    ir.op0(0x0b);
    ir.op0(0x0b);
  })).toEqual([[BR_IF, 1]]);
  expect(told((ir) => {
    block(ir);
    decided(ir, IF, 0x40);
    block(ir);
    decided(ir, BR_IF, 2);
    ir.op0(0x0b);
    cold(ir);
    ir.op0(0x0b);
    ir.op0(0x0b);
  })).toEqual([]);
});
test("nothing is cold: nothing is told", () => {
  expect(told((ir) => {
    decided(ir, IF, 0x40);
    ir.op0(0x0b);
  })).toEqual([]);
});
