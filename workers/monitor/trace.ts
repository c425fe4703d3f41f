// Commands of the trace bus: which kinds are on and what they let through, what was seen, and the ring as a file.

import { FaultError, choice, integer, optional, string } from "../../src/contract/schema.ts";
import { matchKinds, type TraceFilter, traceKinds, type TraceName, traceNames } from "../../src/contract/trace.ts";
import { pointsOf } from "../machine/trace-cpu.ts";
import { exportTrace, TRACE_FORMATS, traceLine } from "../machine/trace-export.ts";
import type { TraceBus } from "../machine/trace.ts";
import { type AnyCommand, command } from "./command.ts";

/** The kinds that a comma-separated list of patterns names. */
export function kindsOf(patterns: readonly string[]): readonly TraceName[] {
  const found = matchKinds(patterns);
  if ("unknown" in found) throw new FaultError("trace.unknown", `There is no trace event "${found.unknown}".`, `Known: ${traceNames.join(", ")}.`);
  return found.kinds;
}
function number(key: string, text: string): number {
  const negative = text.startsWith("-");
  const value = /^-?(0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? BigInt(negative ? text.slice(1) : text) : null;
  if (value === null) throw new FaultError("trace.filter", `${key}=${text} is not a number.`, "Decimal or 0x….");
  // Canonical addresses of the upper half are negative numbers on the bus.
  return Number(negative ? -value : value >> 47n ? BigInt.asIntN(64, value) : value);
}
/** "address=0x3f8-0x3ff", "cpu=0", "rate=1000", "every=100". */
export function parseFilter(words: readonly string[]): TraceFilter {
  const filter: { -readonly [K in keyof TraceFilter]: TraceFilter[K] } = {};
  for (const word of words) {
    const m = /^(address|cpu|rate|every)=(.+)$/.exec(word);
    if (!m) throw new FaultError("trace.filter", `"${word}" is not a filter.`, "address=FROM-TO, cpu=N, rate=N (a second of guest time), every=N.");
    const [, key, value] = m as unknown as [string, string, string];
    if (key === "address") {
      const [from, to] = value.split(/(?<=\w)-/) as [string, string | undefined];
      filter.from = number(key, from);
      filter.to = to === undefined ? filter.from : number(key, to);
    } else {
      const n = number(key, value);
      if (n < (key === "cpu" ? 0 : 1)) throw new FaultError("trace.filter", `${key}=${value} is too small.`);
      filter[key as "cpu" | "rate" | "every"] = n;
    }
  }
  return filter;
}
/** Switches kinds on; "insn.at" without addresses is a Fault before anything changes (a pattern that means more leaves it out). */
export function traceOn(trace: TraceBus, kinds: readonly TraceName[], filter: TraceFilter): void {
  const at = kinds.includes("insn.at") && (kinds.length === 1 || filter.from !== undefined);
  if (at) pointsOf(filter);
  for (const kind of kinds) if (kind !== "insn.at" || at) trace.set(kind, true, filter);
}
const filterText = (f: TraceFilter) =>
  [f.from === undefined ? "" : `address=${f.from}${f.to === f.from ? "" : `-${f.to}`}`, ...(["cpu", "rate", "every"] as const).map((k) => (f[k] === undefined ? "" : `${k}=${f[k]}`))].filter((t) => t !== "").join(" ");

export const traceCommands: readonly AnyCommand[] = [
  command({
    name: "trace on",
    summary: "record events: trace on irq,cpu.handler; trace on pio.* address=0x3f8-0x3ff rate=1000",
    args: { kinds: string("kinds separated by commas, with * and ?; a family by its name"), filter: optional(string("address=FROM-TO cpu=N rate=N every=N"), "") },
    run: ({ board }, { kinds, filter }) => {
      const names = kindsOf(kinds.split(","));
      traceOn(board.trace, names, parseFilter(filter.split(/\s+/).filter((w) => w !== "")));
      return names;
    },
    print: (names) => `on: ${names.join(", ")}`,
  }),
  command({
    name: "trace off",
    summary: "record events no longer; all kinds when none is named",
    args: { kinds: optional(string("kinds separated by commas, with * and ?"), "*") },
    run: ({ board }, { kinds }) => {
      for (const kind of kindsOf(kinds.split(","))) if (board.trace.isOn(kind)) board.trace.set(kind, false);
    },
  }),
  command({
    name: "trace list",
    summary: "kinds of events, which are on and how many were seen",
    args: {},
    run: ({ board: { trace } }) =>
      traceNames.map((name) => ({ name, on: trace.isOn(name), count: trace.count(name), limited: trace.limited(name), cost: traceKinds[name].cost, filter: trace.filterOf(name), summary: traceKinds[name].summary })),
    print: (rows) => rows.map((r) => `${r.on ? "*" : " "} ${r.name.padEnd(15)} ${String(r.count).padStart(12)}  ${r.cost.padEnd(5)}  ${r.summary}${r.on ? ` ${filterText(r.filter)}` : ""}`).join("\n"),
  }),
  command({
    name: "trace info",
    summary: "the ring of events: its size, what was written, what a rate kept out",
    args: {},
    run: ({ board: { trace } }) => ({ capacity: trace.capacity, written: trace.end, kept: Math.min(trace.end, trace.capacity), limited: traceNames.reduce((sum, n) => sum + trace.limited(n), 0), on: trace.on }),
    print: (i) => `${i.kept} of ${i.written} events kept (the ring holds ${i.capacity}), ${i.limited} kept out by a rate\non: ${i.on.join(", ") || "nothing"}`,
  }),
  command({
    name: "trace show",
    summary: "the newest events",
    args: { count: optional(integer("how many", 1, 10000), 20) },
    run: ({ board: { trace } }, { count }) => trace.recent(count),
    print: (events) => events.map(traceLine).join("\n"),
  }),
  command({
    name: "trace save",
    summary: "write the events in the ring to a file: log, csv, or perfetto (opens in ui.perfetto.dev)",
    args: { file: string("file name"), format: optional(choice("format", TRACE_FORMATS), "perfetto" as const) },
    run: async ({ board: { trace }, saveFile }, { file, format }) => {
      if (!saveFile) throw new FaultError("file.unavailable", "This console cannot write files.", "Use the page, or the program guesthouse in a terminal.");
      const events = trace.recent();
      await saveFile(file, new TextEncoder().encode(exportTrace(format, events, Math.max(0, trace.end - trace.capacity))));
      return events.length;
    },
    print: (n) => `${n} events`,
  }),
];
