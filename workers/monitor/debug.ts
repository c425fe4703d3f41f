// Commands of the debugger: breakpoints, watched data, steps. Names as gdb's where it has them; addresses and conditions are expressions of the monitor.

import type { Access, BreakWhat, Breakpoint, DebugStop } from "../../src/contract/debug.ts";
import { boolean, choice, FaultError, integer, optional, string } from "../../src/contract/schema.ts";
import { setRegister } from "../cpu/edit-registers.ts";
import { writeMemory } from "../machine/look.ts";
import { type AnyCommand, command, type MonitorContext } from "./command.ts";
import { evaluate, hex } from "./format.ts";

const FAMILIES = ["interrupt", "mode", "ring", "cr3"] as const;
/** "… if CONDITION" */
function splitCondition(text: string): { readonly rest: string; readonly condition: string } {
  const m = /^(.*?)(?:(?:^|\s+)if\s+(.+))?$/.exec(text.trim());
  return { rest: (m?.[1] ?? "").trim(), condition: m?.[2] ?? "" };
}
const breakHelp = "For example: break 0xffffffff81000000, break phys 0x7c00, break port 0x3f8-0x3ff write, break vector 14, break interrupt|mode|ring|cr3, each with … if $rax == 5.";
/** What `break` may name. */
function parseBreak(context: MonitorContext, text: string): BreakWhat {
  const [first = "", ...rest] = text.split(/\s+/);
  const tail = rest.join(" ");
  const family = FAMILIES.find((f) => f === first);
  if (family && tail === "") return { kind: family };
  if (first === "vector") {
    const vector = Number(evaluate(context, tail));
    if (vector > 255) throw new FaultError("debug.vector", `0x${vector.toString(16)} is not a vector.`, "Vectors go from 0 to 255.");
    return { kind: "vector", vector };
  }
  if (first === "port") {
    const m = /^(.*?)(?:\s+(read|write|access))?$/.exec(tail);
    const [from, to = from] = (m?.[1] ?? "").split("-").map((t) => Number(evaluate(context, t)));
    if (from === undefined || to === undefined || to > 0xffff || from > to) throw new FaultError("debug.port", `"${tail}" is not a range of ports.`, "break port 0x60, break port 0x3f8-0x3ff write.");
    return { kind: "port", from, to, access: (m?.[2] as Access | undefined) ?? "access" };
  }
  if (first === "phys") return { kind: "execute", address: evaluate(context, tail), physical: true };
  if (text === "") throw new FaultError("monitor.argument", "An address is missing.", breakHelp);
  return { kind: "execute", address: evaluate(context, text), physical: false };
}
export function whatText(what: BreakWhat): string {
  switch (what.kind) {
    case "execute":
      return `${what.physical ? "phys " : ""}0x${hex(what.address, 0)}`;
    case "data":
      return `${what.access === "access" ? "access to" : what.access} ${what.length} bytes at ${what.physical ? "phys " : ""}0x${hex(what.address, 0)}`;
    case "port":
      return `port 0x${what.from.toString(16)}${what.to === what.from ? "" : `-0x${what.to.toString(16)}`} ${what.access}`;
    case "vector":
      return `vector 0x${what.vector.toString(16)}`;
    default:
      return what.kind;
  }
}
const line = (b: Breakpoint) =>
  `${String(b.id).padEnd(4)}${b.enabled ? "y" : "n"}  ${whatText(b.what)}${b.condition ? ` if ${b.condition}` : ""}${b.temporary ? " (once)" : ""}${b.ignore ? ` (ignore ${b.ignore})` : ""}, ${b.hits} hits`;

/** What a step shows: why and where the machine stands. */
interface Where {
  readonly state: string;
  readonly stop: DebugStop | null;
  readonly linear: bigint;
  readonly text: string;
}
export function where({ machine, debug, cpu }: MonitorContext): Where {
  return { state: machine.state, stop: debug.stop, linear: cpu.linearIp(), text: machine.state === "off" ? "" : debug.instruction().text };
}
export function whereText({ state, stop, linear, text }: Where): string {
  if (state !== "paused") return `The machine is ${state}.`;
  const why = stop === null ? "" : stop.reason === "breakpoint" || stop.reason === "error" ? `Breakpoint ${stop.breakpoints.join(", ")}: ${stop.detail}\n` : stop.detail ? `${stop.detail}\n` : "";
  return `${why}0x${hex(linear, 0)}:  ${text}`;
}
/** Waits a moment for a step to end; a guest that sleeps may take long. */
async function settled(context: MonitorContext, ms = 2000): Promise<Where> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([context.machine.stopped(), new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
  return where(context);
}
function watchCommand(name: string, access: Access, summary: string): AnyCommand {
  return command({
    name,
    summary,
    args: { what: string("address, or phys ADDRESS; then /LENGTH (1 to 4096, 4 when left out) and if CONDITION") },
    run: (context, { what }) => {
      const { rest, condition } = splitCondition(what);
      const m = /^(phys\s+)?(.*?)(?:\s*\/(\d+))?$/.exec(rest);
      const length = Number(m?.[3] ?? 4);
      if (length < 1 || length > 4096) throw new FaultError("debug.length", `${length} bytes cannot be watched.`, "1 to 4096.");
      return context.debug.add({ kind: "data", address: evaluate(context, m?.[2] ?? ""), length, access, physical: m?.[1] !== undefined }, { condition });
    },
    print: (b) => `Watchpoint ${b.id}: ${whatText(b.what)}`,
  });
}
function breakCommand(name: string, aliases: readonly string[], temporary: boolean, summary: string): AnyCommand {
  return command({
    name,
    aliases,
    summary,
    args: { what: optional(string("address, phys ADDRESS, port FROM-TO read|write|access, vector N, interrupt, mode, ring or cr3; then if CONDITION"), "") },
    run: (context, { what }) => {
      const { rest, condition } = splitCondition(what === "" ? "$rip" : what);
      return context.debug.add(parseBreak(context, rest), { condition, temporary });
    },
    print: (b) => `Breakpoint ${b.id}: ${whatText(b.what)}`,
  });
}

export const debugCommands: readonly AnyCommand[] = [
  breakCommand("break", ["b"], false, "stop before an instruction, at ports, vectors, mode, ring or CR3 changes: break 0x7c00 if $eax == 5"),
  breakCommand("tbreak", [], true, "a breakpoint that goes when it stopped the machine"),
  watchCommand("watch", "write", "stop when memory was written: watch 0xb8000 /2 if u8[0xb8000] == 0x41"),
  watchCommand("rwatch", "read", "stop when memory was read"),
  watchCommand("awatch", "access", "stop when memory was read or written"),
  command({
    name: "delete",
    aliases: ["d"],
    summary: "delete a breakpoint; all of them when none is named",
    args: { id: optional(integer("number", 0, 1e9), 0) },
    run: ({ debug }, { id }) => (id === 0 ? debug.removeAll() : debug.remove(id)),
  }),
  command({
    name: "breakpoint",
    summary: "switch a breakpoint on or off, or pass over its next hits",
    args: { id: integer("number", 1, 1e9), on: optional(boolean("on or off"), true), ignore: optional(integer("hits to pass over", 0, 1e15), 0) },
    run: ({ debug }, { id, on, ignore }) => {
      debug.enable(id, on);
      debug.setIgnore(id, ignore);
    },
  }),
  command({
    name: "info breakpoints",
    aliases: ["info break", "info b"],
    summary: "breakpoints and watched data",
    args: {},
    run: ({ debug }) => debug.list(),
    print: (list) => (list.length ? ["No  On What", ...list.map(line)].join("\n") : "There are no breakpoints."),
  }),
  command({
    name: "info stop",
    summary: "why the debugger stopped the machine, and the next instruction",
    args: {},
    run: (context) => where(context),
    print: whereText,
  }),
  command({
    name: "stepi",
    aliases: ["si", "step", "s"],
    summary: "execute one instruction, or as many as given",
    args: { count: optional(integer("instructions", 1, 1e12), 1) },
    run: (context, { count }) => {
      context.debug.step(count);
      return settled(context);
    },
    print: whereText,
  }),
  command({
    name: "nexti",
    aliases: ["ni", "next", "n"],
    summary: "execute one instruction; a call, an INT or a repeated string instruction is one",
    args: {},
    run: (context) => {
      context.debug.next();
      return settled(context);
    },
    print: whereText,
  }),
  command({
    name: "finish",
    summary: "run until the running function has returned",
    args: {},
    run: (context) => {
      context.debug.finish();
      return settled(context);
    },
    print: whereText,
  }),
  command({
    name: "until",
    summary: "run to an address, or to the handler of the next interrupt: until interrupt",
    args: { where: string("address, or interrupt") },
    run: (context, { where: to }) => {
      if (to === "interrupt") context.debug.toInterrupt();
      else context.debug.runTo(evaluate(context, to));
      return settled(context);
    },
    print: whereText,
  }),
  command({
    name: "set",
    disturbs: true,
    summary: "set a register: set $rax 5",
    args: { register: string("register, with or without $"), value: string("value") },
    run: (context, { register, value }) => {
      const v = evaluate(context, value);
      if (context.machine.state === "running") throw new FaultError("debug.running", "The machine is not paused.", "Type stop first.");
      if (!setRegister(context.cpu, context.board.memory, register.replace(/^\$/, "").toLowerCase(), v)) throw new FaultError("expression.register", `There is no register ${register} that can be set.`, "General registers, rip, eflags, cr0, cr2, cr3, cr4.");
    },
  }),
  command({
    name: "poke",
    disturbs: true,
    summary: "write memory: poke 0x7c00 8 0x90",
    args: { address: string("linear address, or p: and a physical one"), bits: choice("width in bits", ["8", "16", "32", "64"]), value: string("value") },
    run: (context, { address, bits, value }) => {
      const physical = address.startsWith("p:");
      const at = evaluate(context, physical ? address.slice(2) : address);
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, evaluate(context, value), true);
      if (!writeMemory({ cpu: context.cpu, memory: context.board.memory }, at, bytes.subarray(0, Number(bits) / 8), physical)) throw new FaultError("monitor.unmapped", `Nothing is mapped at 0x${hex(at, 0)}.`);
    },
  }),
];
