// No row may be decoded and silently do nothing: for each one some captured case tells it from a NOP of the same length, or it stands here with its
// reason, or a program needs ring 0 to see what it does and the programs of the system suite execute it. And what no row describes is #UD and counted.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { disassemble } from "../cpu/isa/disassemble.ts";
import { ROWS } from "../cpu/isa/expand.ts";
import { BASES_COUNT, baseState, compare, MEMORY, RIP, SELECTORS, unpackCases } from "./harness/cases.ts";
import { coreBinary, coreWasm } from "./harness/core-wasm.ts";
import { Machine } from "./harness/machine.ts";
import { notCaptured } from "./harness/not-captured.ts";
import { programsOf } from "./instruction-table.ts";
import { programBoard } from "./system/program.ts";

/** Mnemonics that change nothing a program can see of itself, and why. */
const NOTHING: readonly (readonly [RegExp, string])[] = [
  [/^(NOP|PAUSE|ENDBR\w*)$/, "do nothing, by their description"],
  [/^PREFETCH\w*$/, "hints to a cache that is not there"],
  [/^(CLFLUSH(OPT)?|CLWB)$/, "check their address; there is no cache to flush"],
  [/^[LMS]FENCE$/, "order what is in order"],
  [/^(FNOP|FENI|FDISI|FSETPM)$/, "do nothing since the 387, but for #NM"],
  [/^FWAIT$/, "raises what is pending (system/fpu), nothing else"],
];
/** They fault in a program, whose cases hold the fault: what they do is seen by the system suite's programs. */
const IN_RING_0 = "INT INSB INS OUTSB OUTS IN OUT CLI STI HLT CLAC STAC MOV LLDT LTR LGDT LIDT LMSW INVLPG SWAPGS MONITOR MWAIT CLTS SYSRET SYSENTER SYSEXIT INVD WBINVD WRMSR RDMSR RDPMC RSM INVPCID XSETBV XSAVES XRSTORS".split(" ");
const UNDEFINED = ["UD0", "UD1", "UD2"];

describe("rows of the instruction table", () => {
  const seen = new Map<number, { faults: number; effects: number }>();
  /** Selectors and bases are reported behind a case only: those of one that changed none, by mode. */
  const kept = new Map<number, Uint8Array>();
  for (const suite of ["integer", "x87-sse", "avx"])
    for (const c of unpackCases(readFileSync(new URL(`${suite}/cases.bin`, import.meta.url)))) {
      const { row } = disassemble(c.code, c.mode === 0 ? 64 : 32, 0n);
      if (row === null) continue;
      if (ROWS[row]?.op === "NOP" && !kept.has(c.mode)) kept.set(c.mode, c.after.slice(SELECTORS, MEMORY));
      const entry = seen.get(row) ?? { faults: 0, effects: 0 };
      seen.set(row, entry);
      if (c.vector !== 255) {
        entry.faults++;
        continue;
      }
      if (entry.effects) continue;
      const idle = c.before.slice();
      new DataView(idle.buffer).setBigUint64(RIP, BigInt(c.code.length), true);
      if (c.after[BASES_COUNT] || c.after[SELECTORS + 4]) idle.set(kept.get(c.mode) ?? [], SELECTORS);
      if (compare({ ...c, check: 0 }, 255, idle) !== "") entry.effects++;
    }
  const idle = ROWS.flatMap((row, n) => (seen.get(n)?.effects ? [] : [{ row, n }]));

  test("what its cases show no effect of is named, with its reason", () => {
    const unexplained = idle.filter(({ row }) => !NOTHING.some(([op]) => op.test(row.op)) && !IN_RING_0.includes(row.op) && !UNDEFINED.includes(row.op) && notCaptured(row) === "");
    expect(unexplained.map(({ row }) => `${row.op} ${row.enc}`)).toEqual([]);
  });
  test("the names are no longer than need be", () => {
    const ops = new Set(idle.map(({ row }) => row.op));
    expect([...IN_RING_0, ...UNDEFINED].filter((op) => !ops.has(op))).toEqual([]);
    expect(NOTHING.filter(([op]) => ![...ops].some((o) => op.test(o)))).toEqual([]);
    // What faults in a program has its faults captured.
    expect(idle.filter(({ row, n }) => [...IN_RING_0, ...UNDEFINED].includes(row.op) && !seen.get(n)?.faults).map(({ row }) => `${row.op} ${row.enc}`)).toEqual([]);
  });
  test("each of those for ring 0 stands in a program of the system suite", () => {
    const programs = programsOf();
    // The assembler's names of the rows with an operand size.
    const written = (op: string) => (op === "INS" || op === "OUTS" ? `${op}D` : op);
    expect(IN_RING_0.filter((op) => programs({ op: written(op) }) === "")).toEqual([]);
  });
});

/** First bytes of every opcode of four maps that no row begins with, ModRM 00 behind; prefixes and escapes aside. */
function undescribed(): Uint8Array[] {
  const out: Uint8Array[] = [];
  const skipped = new Set([0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0xc4, 0xc5, 0x62, ...Array.from({ length: 16 }, (_, i) => 0x40 + i)]);
  for (const map of [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]])
    for (let op = 0; op < 256; op++) {
      if (map.length === 0 && skipped.has(op)) continue;
      if (map.length === 1 && (op === 0x38 || op === 0x3a)) continue;
      const code = Uint8Array.of(...map, op, 0x00, 0, 0, 0, 0, 0, 0, 0, 0);
      if (disassemble(code, 64, 0n).row === null) out.push(code);
    }
  return out;
}
describe("what no row describes", () => {
  const codes = undescribed();
  test("there is a good deal of it", () => expect(codes.length).toBeGreaterThan(300));
  test("is #UD, and nothing changes", () => {
    const machine = new Machine(coreWasm(), false, false);
    const before = baseState();
    const wrong = codes.filter((code) => machine.run(0, code, before).vector !== 6);
    expect(wrong.map((c) => Buffer.from(c).toString("hex"))).toEqual([]);
  });
  test("is counted in info missing", async () => {
    // A ROM that begins with one. Its handler is at 0:0, where memory is zero: ADD [BX+SI],AL.
    const rom = new Uint8Array(0x10000);
    rom.set([0x0f, 0x24, 0xc0], 0xfff0);
    const board = await programBoard(coreBinary(), rom, "max", 16, "interp");
    board.run(20);
    expect([...board.board.missing.keys()]).toEqual(["opcode 0F 24"]);
  });
});
