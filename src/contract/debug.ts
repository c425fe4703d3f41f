// What the debugger's commands take and give: breakpoints of every kind and why a machine stopped. The work is done in workers/machine/debugger.ts.

export type Access = "read" | "write" | "access";
export type BreakWhat =
  /** An instruction is about to be executed; linear in whatever address space runs, or physical. */
  | { readonly kind: "execute"; readonly address: bigint; readonly physical: boolean }
  /** Memory was touched by an instruction (behind it; a repeated string instruction stops behind its run). */
  | { readonly kind: "data"; readonly address: bigint; readonly length: number; readonly access: Access; readonly physical: boolean }
  /** A port from..to was accessed. */
  | { readonly kind: "port"; readonly from: number; readonly to: number; readonly access: Access }
  /** The handler of an exception, interrupt or INT n is entered. */
  | { readonly kind: "vector"; readonly vector: number }
  /** The handler of any hardware interrupt is entered. */
  | { readonly kind: "interrupt" }
  /** Mode, privilege level or address space changed. */
  | { readonly kind: "mode" | "ring" | "cr3" };

export interface Breakpoint {
  readonly id: number;
  readonly what: BreakWhat;
  /** An expression (workers/machine/expression.ts) that has to be other than 0; "" for none. */
  readonly condition: string;
  readonly enabled: boolean;
  /** Goes when it stops the machine. */
  readonly temporary: boolean;
  /** Hits still to be passed over. */
  readonly ignore: number;
  readonly hits: number;
}
export interface DebugStop {
  /** "breakpoint", "step" (a step, next, finish or run-to is done), "back" (reverse execution), "start" and "end" (the first moment that is known, the last of a recording), "error" (a condition cannot be evaluated). */
  readonly reason: "breakpoint" | "step" | "back" | "start" | "end" | "error";
  /** Numbers of the breakpoints. */
  readonly breakpoints: readonly number[];
  /** What happened, in words for the monitor. */
  readonly detail: string;
  readonly data?: { readonly address: bigint; readonly access: Access };
  readonly instructions: number;
  readonly atNs: number;
}
