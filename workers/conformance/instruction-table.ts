// The instruction table with its conformance cases as data: docs/instructions.md and the page's Help are both made from it (npm run docs).
// For rows without captured cases: why, and the programs of the system suite that execute them.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unpackCases } from "./harness/cases.ts";
import { notCaptured } from "./harness/not-captured.ts";
import { disassemble } from "../cpu/isa/disassemble.ts";
import { ROWS } from "../cpu/isa/expand.ts";
import type { Row } from "../cpu/isa/row.ts";
import { ROWS_INT } from "../cpu/isa/rows-int.ts";
import { ROWS_MMX } from "../cpu/isa/rows-mmx.ts";
import { ROWS_SSE } from "../cpu/isa/rows-sse.ts";
import { ROWS_V3 } from "../cpu/isa/rows-v3.ts";
import { ROWS_VEX } from "../cpu/isa/rows-vex.ts";
import { ROWS_X87 } from "../cpu/isa/rows-x87.ts";

const conformance = import.meta.dirname;
/** Mnemonic, encoding, operands, CPUID feature, cases; without cases also the reason and the programs of the system suite. */
export type InstructionRow = readonly [string, string, string, string, number] | readonly [string, string, string, string, 0, string, string];
export interface InstructionTable {
  readonly rows: number;
  readonly covered: number;
  readonly cases: number;
  /** The page has a text for each id (help.family.*). */
  readonly families: readonly { readonly id: string; readonly name: string; readonly cases: number; readonly rows: readonly InstructionRow[] }[];
}
const FAMILIES = [
  ["integer", "Integer and system", ROWS_INT],
  ["x87", "x87", ROWS_X87],
  ["mmx", "MMX", ROWS_MMX],
  ["sse", "SSE", ROWS_SSE],
  ["v3", "After SSE4.2, without VEX", ROWS_V3],
  ["vex", "VEX: AVX, AVX2, FMA, F16C, BMI", ROWS_VEX],
] as const;

/** Cases per row number: the committed suites' code bytes, read by the disassembler, which works on the same table. */
function casesPerRow(): Map<number, number> {
  const counts = new Map<number, number>();
  for (const suite of ["integer", "x87-sse", "avx"])
    for (const c of unpackCases(readFileSync(join(conformance, suite, "cases.bin")))) {
      const { row } = disassemble(c.code, c.mode === 0 ? 64 : 32, 0n);
      if (row !== null) counts.set(row, (counts.get(row) ?? 0) + 1);
    }
  return counts;
}
/** Programs of the system suite by mnemonic: where it stands as an instruction, or names a case written in bytes. */
export function programsOf(): (row: Pick<Row, "op">) => string {
  const groups = readdirSync(join(conformance, "system")).filter((n) => existsSync(join(conformance, "system", n, "program.asm")));
  const texts = groups.map((name) => ({ name, text: readFileSync(join(conformance, "system", name, "program.asm"), "utf8").replace(/;.*$/gm, "").toLowerCase() }));
  return ({ op }) => texts.filter(({ text }) => new RegExp(`^\\s*(?:[a-z0-9_]+\\s+)?(?:rep\\w* |bytes ")?(?:${op === "INT1" ? "icebp|db 0xf1" : op.toLowerCase()})\\b`, "m").test(text)).map((t) => t.name).join(", ");
}
export function instructionTable(): InstructionTable {
  const counts = casesPerRow();
  const programs = programsOf();
  let n = 0;
  const families = FAMILIES.map(([id, name, list]) => {
    const rows = list.map((row): InstructionRow => {
      const cases = counts.get(n++) ?? 0;
      const head = [row.op, row.enc, row.operands ?? "", row.cpuid ?? ""] as const;
      if (cases > 0) return [...head, cases];
      const reason = notCaptured(row);
      const where = programs(row);
      if (reason === "" || where === "") throw new Error(`${row.op} ${row.enc}: no captured cases, and ${reason === "" ? "no reason in not-captured.ts" : "no program of the system suite executes it"}`);
      return [...head, 0, reason, where];
    });
    return { id, name, cases: rows.reduce((sum, r) => sum + r[4], 0), rows };
  });
  if (n !== ROWS.length) throw new Error("instruction-table: a list of rows is left out");
  return { rows: n, covered: families.reduce((sum, f) => sum + f.rows.filter((r) => r[4] > 0).length, 0), cases: families.reduce((sum, f) => sum + f.cases, 0), families };
}
