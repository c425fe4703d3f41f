// The ways that pathsOf() draws: one for each open pin, the local APIC's timer, messages, and lines of the 8259 pair; what happens stands first.

import { expect, test } from "vitest";
import type { Interrupts } from "../../../contract/inspect.ts";
import { bits, pathsOf, vectorText } from "./interrupt-words.ts";

const pin = (n: number, vector: number, masked = false, delivery = 0) => ({ pin: n, vector, masked, level: false, waiting: false, delivery, destination: 0 });
const half = (base: number, imr: number) => ({ base, irr: 0, isr: 0, imr, elcr: 0 });
const local = { enabled: true, tpr: 0, ppr: 0, irr: [], isr: [], lvt: [0xec, 0x10000, 0x10000, 0x10700, 0x400, 0xfe], timer: { initial: 0, current: 0 } };
const state = (more: Partial<Interrupts>): Interrupts => ({ pic: [half(0x30, 0xff), half(0x38, 0xff)], ioApic: [], local: null, lines: [], vectors: [], gates: [], taken: 0, ...more });

test("with an I/O APIC: pin 2 is line 0, masked pins have no way, the timer and messages have no pin", () => {
  const ways = pathsOf(state({ local, ioApic: [pin(1, 0x22), pin(2, 0x30), pin(4, 0x23), pin(5, 0x55, true), pin(3, 0x66, false, 4)], vectors: [{ vector: 0x23, by: 1, count: 9 }, { vector: 0xec, by: 1, count: 70 }, { vector: 0x41, by: 1, count: 2 }] }));
  expect(ways).toEqual([
    { vector: 0x23, by: 1, from: { gsi: 4 }, pin: 4, count: 9 },
    { vector: 0x41, by: 1, from: "message", pin: null, count: 2 },
    { vector: 0xec, by: 1, from: "timer", pin: null, count: 70 },
    { vector: 0x22, by: 1, from: { gsi: 1 }, pin: 1, count: 0 },
    { vector: 0x30, by: 1, from: { gsi: 0 }, pin: 2, count: 0 },
  ]);
});
test("with the 8259 pair: open lines and those that were taken; the cascade is none", () => {
  const ways = pathsOf(state({ pic: [half(8, 0b1111_1010), half(0x70, 0b1011_1111)], vectors: [{ vector: 8, by: 0, count: 5 }, { vector: 0x76, by: 0, count: 1 }, { vector: 9, by: 0, count: 3 }] }));
  expect(ways.map((w) => [w.vector, w.from, w.count])).toEqual([[8, { gsi: 0 }, 5], [9, { gsi: 1 }, 3], [0x76, { gsi: 14 }, 1]]);
});
test("vectors and registers as text and numbers", () => {
  expect(vectorText(8)).toBe("0x08");
  expect(bits([1, 0x80000000])).toEqual([0, 63]);
});
