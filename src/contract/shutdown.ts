// What a processor says after a triple fault (Intel SDM 3A 6.15, interrupt 8): the exceptions of its last instruction, each of which came of the one
// before it. A PC is reset then; a machine that does not reboot stays as it was.

export interface RaisedException {
  readonly vector: number;
  readonly code: number | null;
  /** What a page fault's access touched. */
  readonly touched: number | null;
  /** Linear address of the instruction, signed as all linear addresses. */
  readonly address: number;
  /** Instructions executed by then. */
  readonly instructions: number;
}
export interface Shutdown {
  /** Since power-on. */
  readonly count: number;
  readonly instructions: number;
  /** Linear address of the instruction. */
  readonly address: bigint;
  /** Oldest first; empty: an interrupt could not be delivered. */
  readonly raised: readonly RaisedException[];
}
const NP = 11;
const GP = 13;
/** Error codes of selectors and gates (SDM 3A 6.13): bit 0, the event came from outside of the program; bit 1, the index is of the IDT. */
const EXTERNAL = 1;
const IN_IDT = 2;

/** What began it. */
export interface Fatal extends Omit<RaisedException, "instructions"> {
  /** The vector whose entry of the IDT could not be used: INT n, or an interrupt of a device. */
  readonly gate: number | null;
  /** It was an interrupt of a device. */
  readonly external: boolean;
}
export function fatalOf({ raised }: Pick<Shutdown, "raised">): Fatal | null {
  const first = raised[0];
  if (!first) return null;
  const { vector, code, touched, address } = first;
  const gate = (vector === GP || vector === NP) && code !== null && (code & IN_IDT) !== 0;
  return { vector, code, address, touched, gate: gate ? (code as number) >> 3 : null, external: gate && ((code as number) & EXTERNAL) !== 0 };
}
