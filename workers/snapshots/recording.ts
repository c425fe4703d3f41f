// A recording as a file: the machine as it was at the first moment that is known, every input with the moment it came at, and where it ends. Played by the
// same hardware it gives the same states. Magic, then one value of the state codec.

import { FaultError } from "../../src/contract/schema.ts";
import type { Machine } from "../machine/machine.ts";
import { bytesField, fields, numberField, SnapshotError } from "../platform/state.ts";
import type { State } from "../platform/types.ts";
import { captureVm, restoreVm } from "./save-vm.ts";
import { decodeState, encodeState } from "./state-codec.ts";
import type { RamKeeper } from "./ram-keeper.ts";
import type { RecordedInput } from "./recorded-inputs.ts";
import type { TimedInput, TimeTravel } from "./time-travel.ts";
import { decodeVm, encodeVm } from "./vm-file.ts";

const MAGIC = "guesthouse recording 1\n";

/** Goes to the beginning, saves the machine there, and comes back. */
export async function saveRecording(machine: Machine, keeper: RamKeeper, history: TimeTravel): Promise<Uint8Array> {
  const state = () => machine.state;
  const ran = state() === "running";
  if (ran) machine.pause("snapshot");
  try {
    const { from, now, to } = history.info();
    history.goTo(from);
    const vm = encodeVm(await captureVm(machine, keeper));
    history.goTo(now);
    const size = vm.reduce((sum, part) => sum + part.length, 0);
    const whole = new Uint8Array(size);
    let at = 0;
    for (const part of vm) {
      whole.set(part, at);
      at += part.length;
    }
    const body = encodeState({ vm: whole, end: to, inputs: history.log.map(({ instructions, atNs, input }) => ({ instructions, atNs, input: input as unknown as State })) });
    const head = new TextEncoder().encode(MAGIC);
    const out = new Uint8Array(head.length + body.length);
    out.set(head);
    out.set(body, head.length);
    return out;
  } finally {
    if (ran && state() === "paused") machine.resume();
  }
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
/** Puts the machine to the recording's beginning, paused; going on plays it. Returns the instruction count at which it ends. */
export async function playRecording(machine: Machine, keeper: RamKeeper, history: TimeTravel, bytes: Uint8Array): Promise<number> {
  try {
    if (new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) throw new SnapshotError("it does not begin as a recording does");
    const from = fields(decodeState(bytes.subarray(MAGIC.length)), "recording");
    const end = numberField(from, "end", 0, Number.MAX_SAFE_INTEGER);
    if (!Array.isArray(from.inputs)) throw new SnapshotError("it has no inputs");
    const log = (from.inputs as readonly State[]).map((entry): TimedInput => {
      const e = fields(entry, "input");
      return { instructions: numberField(e, "instructions", 0, Number.MAX_SAFE_INTEGER), atNs: numberField(e, "atNs", 0, Number.MAX_SAFE_INTEGER), input: inputOf(e.input as State) };
    });
    history.stop();
    await restoreVm(machine, keeper, decodeVm(bytesField(from, "vm")));
    history.start(log, end);
    return end;
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw new FaultError("recording.bad", `The recording cannot be used: ${error.message}.`, "It may be damaged, or made by another version.");
  }
}
