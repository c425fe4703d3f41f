// -trace of the terminal (and -d trace:…): kinds go on before the machine starts, and every event is written as it comes. The writer reads the ring in
// the machine's own thread whenever half of it is full, so nothing is lost; it costs the guest the time that writing takes.
// QEMU's syntax where it fits: -trace [enable=]PATTERN[,PATTERN…][,events=FILE][,file=FILE]; ours are format=, address=, cpu=, rate= and every=.

import { FaultError } from "../src/contract/schema.ts";
import type { TraceFilter, TraceName } from "../src/contract/trace.ts";
import { TRACE_FORMATS, type TraceFormat, traceExporter } from "./machine/trace-export.ts";
import type { TraceBus } from "./machine/trace.ts";
import { kindsOf, parseFilter, traceOn } from "./monitor/trace.ts";

export interface TraceWish {
  readonly kinds: readonly TraceName[];
  readonly filter: TraceFilter;
  /** "": standard error. */
  readonly file: string;
  readonly format: TraceFormat;
}
/** Understands one -trace; `readText` gives the contents of an events= file. */
export function parseTrace(text: string, readText: (file: string) => string): TraceWish {
  const patterns: string[] = [];
  const filters: string[] = [];
  let file = "";
  let format: TraceFormat | null = null;
  for (const part of text.split(",").filter((p) => p !== "")) {
    const m = /^(\w+)=(.*)$/.exec(part);
    if (!m) patterns.push(part);
    else if (m[1] === "enable") patterns.push(m[2] as string);
    else if (m[1] === "events") patterns.push(...readText(m[2] as string).split(/\s*\n\s*/).filter((l) => l !== "" && !l.startsWith("#")));
    else if (m[1] === "file") file = m[2] as string;
    else if (m[1] === "format") {
      if (!(TRACE_FORMATS as readonly string[]).includes(m[2] as string)) throw new FaultError("flags.value", `-trace: "${m[2]}" is not a format.`, `One of ${TRACE_FORMATS.join(", ")}.`);
      format = m[2] as TraceFormat;
    } else filters.push(part);
  }
  if (patterns.length === 0) throw new FaultError("trace.unknown", "-trace names no events.", "For example -trace irq,cpu.handler,file=trace.json; -trace help lists them.");
  return { kinds: kindsOf(patterns), filter: parseFilter(filters), file, format: format ?? (file.endsWith(".json") ? "perfetto" : file.endsWith(".csv") ? "csv" : "log") };
}
/** Starts writing; the events of all wishes share the ring, each writer takes its kinds. Returns what writes the rest. */
export function startTrace(trace: TraceBus, wishes: readonly TraceWish[], open: (file: string) => { write(text: string): void; close(): void }): () => void {
  const writers = wishes.map((wish) => {
    traceOn(trace, wish.kinds, wish.filter);
    const out = open(wish.file);
    const exporter = traceExporter(wish.format);
    out.write(exporter.head());
    return { out, exporter, kinds: new Set(wish.kinds) };
  });
  let next = trace.end;
  const drain = () => {
    const { events, end, lost } = trace.since(next);
    next = end;
    for (const { out, exporter, kinds } of writers) {
      const text = [...(lost > 0 ? [exporter.lost(lost)] : []), ...events.filter((e) => kinds.has(e.kind)).map((e) => exporter.event(e))].join("");
      if (text !== "") out.write(text);
    }
  };
  trace.onHalf = drain;
  const timer = setInterval(drain, 20);
  return () => {
    clearInterval(timer);
    trace.onHalf = null;
    drain();
    for (const { out, exporter } of writers) {
      out.write(exporter.tail());
      out.close();
    }
  };
}
