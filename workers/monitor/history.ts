// Commands that go back in time, on machines whose time is instructions (-icount): record, reverse-stepi, reverse-continue, goto.

import { choice, FaultError, integer, optional, string } from "../../src/contract/schema.ts";
import { playRecording, saveRecording } from "../snapshots/recording.ts";
import type { TimeTravel } from "../snapshots/time-travel.ts";
import { type AnyCommand, command, type MonitorContext } from "./command.ts";
import { where, whereText } from "./debug.ts";

function historyOf({ history }: MonitorContext): TimeTravel {
  if (!history) throw new FaultError("history.clock", "Only a machine whose time is instructions can go back.", "Start it with -icount shift=3.");
  return history;
}
export const historyCommands: readonly AnyCommand[] = [
  command({
    name: "record",
    summary: "keep checkpoints and inputs from now on, so that the machine can go back; record off ends it",
    args: { what: optional(choice("on or off", ["on", "off"]), "on" as const) },
    run: (context, { what }) => {
      const history = historyOf(context);
      if (what === "off") history.stop();
      else if (!history.on) history.start();
    },
  }),
  command({
    name: "info record",
    summary: "what is known of the machine's past: moments, checkpoints, memory they take",
    args: {},
    run: (context) => (historyOf(context).on ? historyOf(context).info() : null),
    print: (i) => (i === null ? "Nothing is recorded: type record." : `instructions ${i.from} to ${i.to}, now at ${i.now}\n${i.checkpoints} checkpoints, ${(i.bytes / 1048576).toFixed(1)} MiB of old pages, ${i.inputs} inputs`),
  }),
  command({
    name: "record_save",
    summary: "write the recording to a file that anybody can replay",
    args: { file: string("file name") },
    run: async (context, { file }) => {
      const { machine, keeper, saveFile } = context;
      const history = historyOf(context);
      if (!saveFile || !keeper) throw new FaultError("file.unavailable", "This console cannot write files.", "Use the page, or the program guesthouse in a terminal.");
      const bytes = await saveRecording(machine, keeper, history);
      await saveFile(file, bytes);
      return bytes.length;
    },
    print: (n) => `${(n / 1048576).toFixed(1)} MiB`,
  }),
  command({
    name: "replay",
    summary: "put the machine to the beginning of a recording; cont plays it",
    args: { file: string("file name") },
    run: async (context, { file }) => {
      const { machine, keeper, readFile } = context;
      if (!readFile || !keeper) throw new FaultError("file.unavailable", "This console cannot read files.", "Use the program guesthouse in a terminal.");
      return playRecording(machine, keeper, historyOf(context), await readFile(file));
    },
    print: (end) => `The recording ends at instruction ${end}.`,
  }),
  command({
    name: "reverse-stepi",
    aliases: ["rsi", "reverse-step"],
    summary: "go back one instruction, or as many as given",
    args: { count: optional(integer("instructions", 1, 1e15), 1) },
    run: (context, { count }) => {
      historyOf(context).stepBack(count);
      return where(context);
    },
    print: whereText,
  }),
  command({
    name: "reverse-continue",
    aliases: ["rc"],
    summary: "go back to the last moment at which a breakpoint stops the machine",
    args: {},
    run: (context) => {
      historyOf(context).continueBack();
      return where(context);
    },
    print: whereText,
  }),
  command({
    name: "goto",
    summary: "go to a moment, given as the number of instructions executed by then",
    args: { instructions: integer("instructions", 0, Number.MAX_SAFE_INTEGER) },
    run: (context, { instructions }) => {
      historyOf(context).goTo(instructions);
      return where(context);
    },
    print: whereText,
  }),
];
