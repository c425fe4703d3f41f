// Events as files: text as -d prints them, CSV, and Chrome's trace event format in JSON, which ui.perfetto.dev and chrome://tracing open
// ("Trace Event Format", Google 2016): rings, modes, address spaces, halts and handlers are slices on tracks of their own, the rest are instants.
// Each exporter is told events in order and gives text; nothing is kept but what is open.

import { modeNames, type TraceEvent, traceField, type TraceForm, type TraceKind, traceKinds } from "../../src/contract/trace.ts";

export const TRACE_FORMATS = ["log", "csv", "perfetto"] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];
export interface TraceExporter {
  head(): string;
  event(event: TraceEvent): string;
  lost(count: number): string;
  tail(): string;
}
const kindOf = (event: TraceEvent): TraceKind => traceKinds[event.kind];
const address = (v: number) => `0x${BigInt.asUintN(64, BigInt(v)).toString(16)}`;
/** Fields of an event with their labels (up to the first colon or comma) and values as text. */
function fields(event: TraceEvent): readonly (readonly [label: string, text: string])[] {
  const kind = kindOf(event);
  const forms: readonly (TraceForm | undefined)[] = kind.as ?? [];
  return ([["a", event.a], ["b", event.b], ["c", event.c]] as const).flatMap(([name, value], n) => {
    const label = kind[name];
    return label === undefined ? [] : [[(label.split(/[:,(=]/)[0] as string).trim(), traceField(forms[n], value)] as const];
  });
}

/** One line per event, as -d and `trace` in the terminal print it. */
export function traceLine(event: TraceEvent): string {
  return `${(event.atNs / 1e9).toFixed(9)} ${event.kind} ${fields(event).map(([label, text]) => `${label}=${text}`).join(" ")}${event.ip ? ` @${address(event.ip)}` : ""}`.replace(/ +/g, " ");
}
const log: TraceExporter = {
  head: () => "",
  event: (event) => `${traceLine(event)}\n`,
  lost: (count) => `(${count} events lost)\n`,
  tail: () => "",
};
const csv: TraceExporter = {
  head: () => "ns,instructions,cpu,kind,a,b,c,ip\n",
  event: (e) => `${e.atNs},${e.instructions},${e.cpu},${e.kind},${e.a},${e.b},${e.c},${address(e.ip)}\n`,
  lost: (count) => `# ${count} events lost\n`,
  tail: () => "",
};

/** Tracks, in the order they are shown. */
const TRACKS = ["ring", "mode", "address space", "halt", "handlers", "processor", "memory", "interrupt lines", "ports", "devices", "translator"] as const;
const TRACK_OF: { readonly [family: string]: number } = { cpu: 5, insn: 5, tlb: 6, page: 6, irq: 7, pio: 8, mmio: 8, block: 9, dma: 9, serial: 9, guest: 9, device: 9, code: 10, jit: 10 };
function perfetto(): TraceExporter {
  let first = true;
  let end = 0;
  const json = (entry: object) => {
    const text = `${first ? "" : ",\n"}${JSON.stringify(entry)}`;
    first = false;
    return text;
  };
  /** What is open on the tracks of slices: since when, and its name. */
  const open = new Map<number, { readonly ts: number; readonly name: string }>();
  const handlers: { readonly ts: number; readonly name: string }[] = [];
  const slice = (tid: number, ts: number, until: number, name: string) => json({ name, ph: "X", ts, dur: Math.max(0, until - ts), pid: 1, tid });
  const change = (tid: number, ts: number, name: string | null, before?: string): string => {
    const was = open.get(tid);
    const text = was ? slice(tid, was.ts, ts, was.name) : before === undefined ? "" : slice(tid, 0, ts, before);
    if (name === null) open.delete(tid);
    else open.set(tid, { ts, name });
    return text;
  };
  const tracks = (): string =>
    [json({ name: "process_name", ph: "M", pid: 1, args: { name: "Guesthouse" } }), ...TRACKS.flatMap((name, tid) => [
      json({ name: "thread_name", ph: "M", pid: 1, tid, args: { name } }),
      json({ name: "thread_sort_index", ph: "M", pid: 1, tid, args: { sort_index: tid } }),
    ])].join("");
  return {
    head: () => `{"displayTimeUnit":"ns","traceEvents":[\n${tracks()}`,
    event: (e) => {
      const ts = e.atNs / 1000;
      end = ts;
      switch (e.kind) {
        case "cpu.ring":
          return change(0, ts, `ring ${e.a}`, `ring ${e.b}`);
        case "cpu.mode":
          return change(1, ts, modeNames[e.a] ?? `mode ${e.a}`);
        case "cpu.cr3":
          return change(2, ts, `CR3 ${address(e.a)}`, `CR3 ${address(e.b)}`);
        case "cpu.halt":
          return change(3, ts, "HLT");
        case "cpu.wake":
          return change(3, ts, null);
        case "cpu.handler":
          handlers.push({ ts, name: `vector 0x${e.a.toString(16)}` });
          return "";
        case "cpu.iret": {
          const left = handlers.pop();
          return left ? slice(4, left.ts, ts, left.name) : "";
        }
        default: {
          const args: { [name: string]: string | number } = { instructions: e.instructions, ip: address(e.ip) };
          for (const [label, text] of fields(e)) args[label] = text;
          return json({ name: e.kind, ph: "i", s: "t", ts, pid: 1, tid: TRACK_OF[e.kind.split(".")[0] as string] ?? 5, args });
        }
      }
    },
    lost: (count) => json({ name: `${count} events lost`, ph: "i", s: "g", ts: end, pid: 1, tid: 5 }),
    tail: () => {
      const left = [...open].map(([tid, { ts, name }]) => slice(tid, ts, end, name)).concat(handlers.map(({ ts, name }) => slice(4, ts, end, name)));
      return `${left.join("")}\n]}\n`;
    },
  };
}
export function traceExporter(format: TraceFormat): TraceExporter {
  return format === "perfetto" ? perfetto() : format === "csv" ? csv : log;
}
/** A whole trace as one file. */
export function exportTrace(format: TraceFormat, events: readonly TraceEvent[], lost = 0): string {
  const to = traceExporter(format);
  return [to.head(), ...(lost > 0 ? [to.lost(lost)] : []), ...events.map((e) => to.event(e)), to.tail()].join("");
}
