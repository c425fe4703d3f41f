// Numbers as the monitor prints and reads them.

import { compile } from "../machine/expression.ts";
import { surroundings } from "../machine/look.ts";
import type { MonitorContext } from "./command.ts";

export function hex(value: bigint, width: number): string {
  return BigInt.asUintN(64, value).toString(16).padStart(width, "0");
}
/** Evaluates an expression (machine/expression.ts) on the machine as it stands, or the name of a symbol. */
export function evaluate({ cpu, board, debug }: MonitorContext, text: string): bigint {
  const named = debug.symbols.address(text.trim());
  if (named !== null) return named;
  return compile(text)(surroundings({ cpu, memory: board.memory }));
}
