// The shape of a row of the instruction table. See README.md for the letters.

export interface Row {
  /** Mnemonic, as the manual prints it. */
  readonly op: string;
  readonly enc: string;
  readonly operands?: string;
  /** Semantics in core, "name" (generic over the operand size when `sized`). */
  readonly fn: string;
  /** The function takes the decoded record (usize) and does its own operand access. */
  readonly raw?: boolean;
  /** A constant passed as the last argument (condition code, segment number, ...). */
  readonly param?: number;
  /** Instantiate `fn<T>` with the type of the first operand (default: when that operand is a general register, memory or accumulator one). */
  readonly sized?: boolean;
  /** Checks before operands are touched. */
  readonly guard?: "x87" | "x87nowait" | "mmx" | "sse" | "priv" | "avx" | "vex";
  /** 16-byte memory operands need no alignment. */
  readonly unaligned?: boolean;
  /** Without its CPUID feature the mandatory prefix is ignored (TZCNT is BSF there), instead of #UD. */
  readonly prefixOptional?: boolean;
  // VEX rows only (expand-vex.ts):
  /** 128-bit lanes: `fn` runs once for each, on that lane's part of the operands. */
  readonly lanes?: 1 | 2;
  /** The immediate of the second lane starts this many bits higher. */
  readonly immShift?: number;
  /** Order of the operands as arguments, when `fn` wants another. */
  readonly order?: readonly number[];
  /** `fn` may raise SIMD floating-point exceptions: both lanes report at once. */
  readonly mxcsr?: boolean;
  /** `fn` takes the addresses of its vector operands, destination first, and writes all 32 bytes itself. */
  readonly addresses?: boolean;
  /** VEX memory operands that must be aligned to their size. */
  readonly aligned?: boolean;
  /** The memory operand's index is a vector register. */
  readonly vsib?: boolean;
  /** Ends a decoded block (control flow, mode changes). */
  readonly end?: boolean;
  /** Operand size defaults to 64 in 64-bit mode (d64) or is always 64 there (f64). */
  readonly size64?: "default" | "force";
  /** Valid only in 64-bit mode / only outside it. */
  readonly mode?: "only64" | "no64";
  readonly lock?: boolean;
  /** CPUID feature that must be present, else #UD. */
  readonly cpuid?: string;
  /** Flags written (for documentation and tests), letters of oszapc; undefined ones after "?". */
  readonly flags?: string;
}
