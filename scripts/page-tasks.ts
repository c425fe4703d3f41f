// The tasks of a page's own thread, out of a trace of Chromium (trace event format): how much processor time each took, and on what. A busy host
// makes any task last long; it does not make the thread compute more, so that processor time is what the page's own code is judged by.

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  /** Processor time of the thread, in microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly [name: string]: unknown };
}
export interface PageTask {
  readonly cpuMs: number;
  readonly wallMs: number;
  /** What the time went to, most first: layout, scripts by function, compiling, collecting garbage. */
  readonly parts: readonly string[];
}
export const TRACED = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "v8"] as const;
const TASKS = new Set(["RunTask", "ThreadControllerImpl::RunTask"]);
const isMain = (e: TraceEvent) => e.ph === "M" && e.name === "thread_name" && (e.args as { readonly name?: string } | undefined)?.name === "CrRendererMain";

function wordsOf({ name, args }: TraceEvent): string {
  const data = (args?.data ?? {}) as { readonly functionName?: string; readonly url?: string; readonly type?: string };
  const place = data.url ? data.url.split("/").at(-1) : "";
  return [name, data.functionName, data.type, place].filter((x) => x).join(" ");
}
/** The task of the page's thread that computed longest; null when it did nothing. `origin`: of the page; a browser has renderers of its own. */
export function longestTask(trace: Uint8Array, origin: string): PageTask | null {
  const { traceEvents } = JSON.parse(new TextDecoder().decode(trace)) as { readonly traceEvents: readonly TraceEvent[] };
  const key = (e: TraceEvent) => `${e.pid}/${e.tid}`;
  const mains = new Set(traceEvents.filter(isMain).map(key));
  const ours = new Set(traceEvents.filter((e) => mains.has(key(e)) && JSON.stringify(e.args ?? {}).includes(origin)).map(key));
  const tasks = traceEvents.filter((e) => e.ph === "X" && TASKS.has(e.name) && ours.has(key(e)));
  if (tasks.length === 0) return null;
  const longest = tasks.reduce((a, b) => ((b.tdur ?? 0) > (a.tdur ?? 0) ? b : a));
  const end = longest.ts + (longest.dur ?? 0);
  const inside = traceEvents.filter((e) => e.ph === "X" && key(e) === key(longest) && e !== longest && !TASKS.has(e.name) && e.ts >= longest.ts && e.ts < end && (e.tdur ?? 0) > 2000);
  const parts = inside.sort((a, b) => (b.tdur ?? 0) - (a.tdur ?? 0)).slice(0, 6);
  return { cpuMs: (longest.tdur ?? 0) / 1000, wallMs: (longest.dur ?? 0) / 1000, parts: parts.map((e) => `${((e.tdur ?? 0) / 1000).toFixed(0)} ms ${wordsOf(e)}`) };
}
