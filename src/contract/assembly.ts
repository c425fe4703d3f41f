// What the bench's assembler takes and gives (workers/bench). Addresses are numbers: a flat program lies below 2^53.

/** How a program of the bench is run: as a boot sector, or flat on a bare machine. */
export const BENCH_MODES = ["boot", "flat32", "flat64"] as const;
export type BenchMode = (typeof BENCH_MODES)[number];
/** What is on the bench, and in a link to it. */
export interface BenchProgram {
  readonly mode: BenchMode;
  readonly source: string;
}
export interface AssemblyRequest {
  readonly source: string;
  /** Statements before the source's first line, which do not count as lines: "org 7C00h". */
  readonly before?: readonly string[];
  /** Files that the source may include, by name. */
  readonly files?: { readonly [name: string]: Uint8Array };
}
export interface SourceMessage {
  /** Line of the source, from 1; null for what has none (memory, a missing file of the command line). */
  readonly line: number | null;
  readonly severity: "error" | "warning";
  /** NASM's own words. */
  readonly message: string;
}
/** Bytes that a line of the source made: one row for each run of addresses, in the listing's order. What a macro makes belongs to the line that calls it. */
export interface AssembledRow {
  readonly line: number;
  readonly address: number;
  readonly length: number;
  /** Where they stand in the output; null for reserved space behind its end. */
  readonly offset: number | null;
}
export interface AssembledSymbol {
  readonly name: string;
  readonly address: number;
}
export interface Assembly {
  /** Null when there are errors. */
  readonly bytes: Uint8Array | null;
  /** Where the output's first byte belongs (org). */
  readonly origin: number;
  readonly rows: readonly AssembledRow[];
  /** Labels with their whole names ("sum.loop"); constants (equ) are none. */
  readonly symbols: readonly AssembledSymbol[];
  readonly messages: readonly SourceMessage[];
}
/** The row whose bytes hold an address; of two, the first. */
export function rowAt(rows: readonly AssembledRow[], address: number): AssembledRow | null {
  return rows.find((r) => address >= r.address && address < r.address + r.length) ?? null;
}
/** The first address of a line, or of the next line that has one: where a breakpoint on it stands. */
export function addressOf(rows: readonly AssembledRow[], line: number): { readonly line: number; readonly address: number } | null {
  let best: AssembledRow | null = null;
  for (const row of rows) if (row.line >= line && row.offset !== null && (best === null || row.line < best.line)) best = row;
  return best;
}
