// A recording: the machine as it was at the first moment that is known, every input with the moment it came at, and where it ends. Played by the same
// hardware it gives the same states. As a file of its own (terminal): magic, then one value of the state codec; in a bundle (bundle-save.ts) the state is
// the bundle's, and the inputs are a piece beside it.

import { joined } from "../../src/contract/bytes.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { loadZstd } from "../backends/compress.ts";
import type { Machine } from "../machine/machine.ts";
import { bytesField, fields, numberField, SnapshotError } from "../platform/state.ts";
import type { State } from "../platform/types.ts";
import { captureVm, restoreVm, standingStill } from "./save-vm.ts";
import { decodeState, encodeState } from "./state-codec.ts";
import type { RamKeeper } from "./ram-keeper.ts";
import type { RecordedInput } from "./recorded-inputs.ts";
import type { TimedInput, TimeTravel } from "./time-travel.ts";
import { decodeVm, encodeVm, type VmState } from "./vm-file.ts";

const MAGIC = "guesthouse recording 1\n";

/** What came in from the first moment on, when, and where it ends. */
export interface RecordedLog {
  readonly end: number;
  readonly inputs: readonly TimedInput[];
  /** Bytes that had arrived by the first moment and that no device had read. */
  readonly queues: { readonly [id: string]: readonly number[] };
}
/** Goes to the beginning, takes what `capture` makes there, and comes back. Nothing else may run meanwhile: `capture` waits for nothing but itself. */
async function fromTheBeginning<T>(history: TimeTravel, capture: () => Promise<T>): Promise<{ readonly taken: T; readonly log: RecordedLog }> {
  const { from, now, to } = history.info();
  history.goTo(from);
  try {
    const queues = history.queues();
    const taken = await capture();
    return { taken, log: { end: to, inputs: [...history.log], queues } };
  } finally {
    history.goTo(now);
  }
}
/** The machine as it was at the first moment that is known, and what came since. */
export async function captureRecording(machine: Machine, keeper: RamKeeper, history: TimeTravel): Promise<{ readonly vm: VmState; readonly log: RecordedLog }> {
  if (!history.on) throw new FaultError("debug.history", "This machine keeps no checkpoints.", "Type record first.");
  // Loaded now: while the machine stands in its past nobody may speak to it.
  await loadZstd();
  return standingStill(machine, async () => {
    const { taken, log } = await fromTheBeginning(history, () => captureVm(machine, keeper));
    return { vm: taken, log };
  });
}
function logState({ end, inputs, queues }: RecordedLog): { readonly [name: string]: State } {
  return { end, inputs: inputs.map(({ instructions, atNs, input }) => ({ instructions, atNs, input: input as unknown as State })), queues: queues as unknown as State };
}
export const encodeLog = (log: RecordedLog): Uint8Array => encodeState(logState(log));
export async function saveRecording(machine: Machine, keeper: RamKeeper, history: TimeTravel): Promise<Uint8Array> {
  const { vm, log } = await captureRecording(machine, keeper, history);
  const parts = encodeVm(vm);
  const body = encodeState({ vm: joined(parts), ...logState(log) });
  return joined([new TextEncoder().encode(MAGIC), body]);
}
function inputOf(state: State): RecordedInput {
  const from = fields(state, "input");
  const number = (name: string, least: number, most: number) => numberField(from, name, least, most);
  switch (from.kind) {
    case "bytes": {
      const bytes = from.bytes;
      if (typeof from.id !== "string" || !Array.isArray(bytes) || !bytes.every((b) => typeof b === "number" && b >= 0 && b < 256)) throw new SnapshotError("an input is damaged");
      return { kind: "bytes", id: from.id, bytes: bytes as readonly number[] };
    }
    case "key":
      return { kind: "key", scancode: number("scancode", 0, 0xffff), down: from.down === true };
    case "pointer":
      return { kind: "pointer", dx: number("dx", -65536, 65536), dy: number("dy", -65536, 65536), dz: number("dz", -65536, 65536), buttons: number("buttons", 0, 255) };
    default:
      throw new SnapshotError("an input is of no known kind");
  }
}
function logOf(from: { readonly [name: string]: unknown }): RecordedLog {
  const end = numberField(from as never, "end", 0, Number.MAX_SAFE_INTEGER);
  if (!Array.isArray(from.inputs)) throw new SnapshotError("it has no inputs");
  const inputs = (from.inputs as readonly State[]).map((entry): TimedInput => {
    const e = fields(entry, "input");
    return { instructions: numberField(e, "instructions", 0, Number.MAX_SAFE_INTEGER), atNs: numberField(e, "atNs", 0, Number.MAX_SAFE_INTEGER), input: inputOf(e.input as State) };
  });
  const queues = from.queues === undefined ? {} : fields(from.queues as State, "queues");
  for (const bytes of Object.values(queues)) if (!Array.isArray(bytes) || !bytes.every((b) => typeof b === "number" && b >= 0 && b < 256)) throw new SnapshotError("bytes that wait are damaged");
  return { end, inputs, queues: queues as unknown as RecordedLog["queues"] };
}
async function orFault<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw new FaultError("recording.bad", `The recording cannot be used: ${error.message}.`, "It may be damaged, or made by another version.");
  }
}
export const decodeLog = (bytes: Uint8Array): Promise<RecordedLog> => orFault(() => logOf(fields(decodeState(bytes), "recording")));
/** Puts the machine to a state (`restore`) from which on the recording is played: paused, going on plays it. */
export async function play(history: TimeTravel, { inputs, end, queues }: RecordedLog, restore: () => Promise<void>): Promise<void> {
  history.stop();
  await restore();
  history.start(inputs, end, queues);
}
/** Puts the machine to the recording's beginning. Returns the instruction count at which it ends. */
export async function playRecording(machine: Machine, keeper: RamKeeper, history: TimeTravel, bytes: Uint8Array): Promise<number> {
  return orFault(async () => {
    if (new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) throw new SnapshotError("it does not begin as a recording does");
    const from = fields(decodeState(bytes.subarray(MAGIC.length)), "recording");
    const log = logOf(from);
    await play(history, log, () => restoreVm(machine, keeper, decodeVm(bytesField(from, "vm"))));
    return log.end;
  });
}
