// Rows of the instruction table that a program on the host cannot show the truth about, each with its reason. make-*.ts leave them out,
// docs/instructions.md and the page's table print the reason beside the programs of ../system that execute them.

import type { Row } from "../../cpu/isa/row.ts";

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^SYSCALL$/, "enters the host's kernel"],
  [/^INT[13]$/, "enters the host's kernel as a debug trap"],
  [/^(S[GI]DT|SLDT|STR|SMSW)$/, "privileged under UMIP, which the host's kernel sets, and emulated by it"],
];
/** Why there are no captured cases of this row; "" where there are. */
export function notCaptured(row: Row): string {
  return REASONS.find(([op]) => op.test(row.op))?.[1] ?? "";
}
