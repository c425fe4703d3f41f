// share: the machine packed for somebody else. The page makes a link, a file or a folder of it; the console says what it comes to. clone: more
// machines of this one, which go on from where it is.

import type { MadeBundle } from "../../src/contract/bundle.ts";
import type { CloneOf } from "../../src/contract/machine.ts";
import { boolean, choice, FaultError, integer, optional } from "../../src/contract/schema.ts";
import { type AnyCommand, CARRIAGES, command } from "./command.ts";

export const shareCommands: readonly AnyCommand[] = [
  command({
    name: "share",
    summary: "pack the machine for a link, a file or a web server",
    args: { carriage: optional(choice("link, file or hosted", CARRIAGES), "link" as const), state: optional(boolean("with memory and devices"), true), recording: optional(boolean("as it was when record was typed, with everything since"), false) },
    run: (context, { carriage, state, recording }): Promise<MadeBundle> => {
      if (!context.share) throw new FaultError("share.nowhere", "Machines are shared from the page.", "In a terminal, savevm keeps a machine in its qcow2 disks.");
      return context.share(carriage, state, recording);
    },
    print: ({ bytes, summary, chunks }: MadeBundle) =>
      [
        `${bytes.length} bytes${chunks.length > 0 ? ` and ${chunks.length} chunks, ${summary.bytes} bytes in all` : ""}; use Share to send it`,
        ...summary.files.map((f) => `${f.name}: ${f.size} bytes, ${f.bytes} packed${f.over ? `, over ${f.over}` : ""}`),
        ...(summary.state ? [`memory and devices: ${summary.state.bytes} packed${summary.state.base ? `, over ${summary.state.base}` : ""}`] : []),
        ...(summary.recording ? [`recording: ${summary.recording.instructions} instructions, ${summary.recording.inputs} inputs`] : []),
      ].join("\n"),
  }),
  command({
    name: "clone",
    summary: "make more machines of this one, as it is now; linked ones share disks until somebody writes",
    args: { kind: optional(choice("linked or full", ["linked", "full"]), "linked" as const), count: optional(integer("how many", 1, 32), 1) },
    run: (context, { kind, count }): Promise<readonly CloneOf[]> => {
      if (!context.clone) throw new FaultError("clone.nowhere", "Machines are cloned in the page.", "In a terminal: guesthouse img create -b DISK -F qcow2 makes a linked disk.");
      return context.clone(kind, count);
    },
    print: (clones: readonly CloneOf[]) => `${clones.length} ${clones.length === 1 ? "clone" : "clones"}`,
  }),
];
