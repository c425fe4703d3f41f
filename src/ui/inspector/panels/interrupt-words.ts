// What is wired to the interrupt lines of a PC (workers/machine/board.ts), and how vectors and registers of 256 bits are written.

import type { Interrupts } from "../../../contract/inspect.ts";

/** Names of chips, the same in every language. */
export const LINES: { readonly [gsi: number]: string } = { 0: "PIT / HPET", 1: "i8042 ⌨", 2: "8259 ↔", 3: "COM2", 4: "COM1", 6: "FDC", 7: "LPT1", 8: "RTC", 9: "ACPI", 10: "PCI", 11: "PCI", 12: "i8042 PS/2", 13: "FPU", 14: "IDE 0", 15: "IDE 1" };
export const vectorText = (v: number) => `0x${v.toString(16).padStart(2, "0")}`;
/** Numbers of the bits that are set. */
export const bits = (words: readonly number[]) => words.flatMap((word, n) => Array.from({ length: 32 }, (_, b) => ((word >>> b) & 1 ? n * 32 + b : -1)).filter((v) => v >= 0));
export const isTimer = (i: Interrupts, vector: number) => i.local !== null && ((i.local.lvt[0] ?? 0) & 0x100ff) === vector;

/** The way of one vector through the chips. */
export interface Path {
  readonly vector: number;
  /** Who gives the vector to the processor: 0 the 8259 pair, 1 the local APIC. */
  readonly by: 0 | 1;
  readonly count: number;
  /** Where it comes from: a line (its global number), the local APIC's own timer, or a message of a device. */
  readonly from: { readonly gsi: number } | "timer" | "message";
  readonly pin: number | null;
}
/** Line 0 arrives at pin 2 of the I/O APIC. */
const gsiOfPin = (pin: number) => (pin === 2 ? 0 : pin);
/** Vectors that were taken or that could be now, each with its way. */
export function pathsOf(i: Interrupts): readonly Path[] {
  const counts = new Map(i.vectors.map((v) => [`${v.vector}/${v.by}`, v.count] as const));
  const out = new Map<string, Path>();
  const add = (path: Omit<Path, "count">) => {
    const key = `${path.vector}/${path.by}/${path.pin ?? JSON.stringify(path.from)}`;
    if (!out.has(key)) out.set(key, { ...path, count: counts.get(`${path.vector}/${path.by}`) ?? 0 });
  };
  const lineOf = (vector: number) => {
    const half = i.pic.findIndex((p) => (vector & 0xf8) === (p.base & 0xf8));
    return half < 0 ? null : half * 8 + (vector & 7);
  };
  for (const p of i.ioApic) if (!p.masked && p.delivery < 2) add({ vector: p.vector, by: 1, from: { gsi: gsiOfPin(p.pin) }, pin: p.pin });
  for (const { vector, by } of i.vectors) {
    if (by === 0) {
      const line = lineOf(vector);
      if (line !== null) add({ vector, by, from: { gsi: line }, pin: line });
    } else if (isTimer(i, vector)) add({ vector, by, from: "timer", pin: null });
    else if (!i.ioApic.some((p) => p.vector === vector && !p.masked)) add({ vector, by, from: "message", pin: null });
  }
  // Lines of the 8259 pair that are open: the cascade is none.
  i.pic.forEach((p, n) => {
    for (let line = 0; line < 8; line++) if (!((p.imr >> line) & 1) && !(n === 0 && line === 2)) add({ vector: (p.base & 0xf8) | line, by: 0, from: { gsi: n * 8 + line }, pin: n * 8 + line });
  });
  // Those that happen stand above those that only could.
  return [...out.values()].sort((a, b) => Number(b.count > 0) - Number(a.count > 0) || a.vector - b.vector || a.by - b.by);
}
