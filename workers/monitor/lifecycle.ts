// Commands for the life of a machine, named as in QEMU's monitor where QEMU has them: power, pause, reset, keys, NMI, status.

import { boolean, optional, string } from "../../src/contract/schema.ts";
import { type AnyCommand, type Command, command as declare, type LifeContext } from "./command.ts";

const command = <A, R>(declared: Command<A, R, LifeContext>) => declare(declared);

export const lifecycleCommands: readonly AnyCommand<LifeContext>[] = [
  command({
    name: "start",
    summary: "power on; start on: stop before the first instruction",
    args: { paused: optional(boolean("stop before the first instruction"), false) },
    run: ({ machine }, { paused }) => machine.start({ paused }),
  }),
  command({
    name: "stop",
    summary: "pause the machine",
    args: {},
    run: ({ machine }) => machine.pause(),
  }),
  command({
    name: "cont",
    aliases: ["c"],
    summary: "resume a paused machine",
    args: {},
    run: ({ machine }) => machine.resume(),
  }),
  command({
    name: "system_reset",
    disturbs: true,
    summary: "reset, as by the button on the case",
    args: {},
    run: ({ machine }) => machine.reset(),
  }),
  command({
    name: "system_powerdown",
    disturbs: true,
    summary: "press the ACPI power button: the guest may shut down",
    args: {},
    run: ({ machine }) => machine.powerDown(),
  }),
  command({
    name: "system_sleep",
    disturbs: true,
    summary: "press the ACPI sleep button: the guest may suspend",
    args: {},
    run: ({ machine }) => machine.sleepButton(),
  }),
  command({
    name: "system_wakeup",
    disturbs: true,
    summary: "wake the guest from suspend to RAM",
    args: {},
    run: ({ machine }) => machine.wakeUp(),
    print: (woken) => (woken ? "" : "The guest is not suspended."),
  }),
  command({
    name: "quit",
    aliases: ["q"],
    summary: "power off at once",
    args: {},
    run: ({ machine, leave }) => {
      machine.powerOff();
      leave?.();
    },
  }),
  command({
    name: "sendkey",
    summary: "press and release keys together: sendkey ctrl-alt-delete",
    args: { keys: string("key names joined by -") },
    run: ({ input, machine }, { keys }) => {
      input.sendKey(keys);
      machine.wake();
    },
  }),
  command({
    name: "nmi",
    disturbs: true,
    summary: "send a non-maskable interrupt",
    args: {},
    run: ({ machine }) => machine.nmi(),
  }),
  command({
    name: "info status",
    summary: "running, paused, off or crashed",
    args: {},
    run: ({ machine }) => ({ state: machine.state, reason: machine.last.reason, suspended: machine.suspended }),
    print: ({ state, reason, suspended }) => suspended ? "VM status: paused (suspended)" : `VM status: ${state}${state === "running" ? "" : ` (${reason})`}`,
  }),
  command({
    name: "info version",
    summary: "version of Guesthouse",
    args: {},
    run: ({ version }) => version,
    print: (version) => `Guesthouse ${version}`,
  }),
  command({
    name: "info missing",
    summary: "behaviours of real hardware that the guest asked for and we lack",
    args: {},
    run: ({ board }) => [...board.missing].map(([what, count]) => ({ what, count })),
    print: (list) => (list.length ? list.map((m) => `${String(m.count).padStart(8)}  ${m.what}`).join("\n") : "Nothing is missing so far."),
  }),
  command({
    name: "info debugcon",
    summary: "what firmware wrote to port 0x402",
    args: {},
    run: ({ debugLog }) => debugLog?.() ?? "",
    print: (text) => text || "Nothing was written, or firmware messages are off (firmware.debug).",
  }),
];
