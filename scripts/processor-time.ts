// Processor time of processes as Linux tells it (/proc), for bench.ts and idle.ts. Elsewhere there is none to tell: null.

import { readdirSync, readFileSync } from "node:fs";

const TICKS_A_SECOND = 100;

/** Seconds of each process below this one (a browser's), by process id and kind ("browser", "renderer", "gpu-process", …); null where /proc is absent. */
export function descendants(): ReadonlyMap<string, number> | null {
  if (process.platform !== "linux") return null;
  const parents = new Map<number, { readonly parent: number; readonly ticks: number }>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      parents.set(Number(name), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
    } catch {
      // ended meanwhile
    }
  }
  const out = new Map<string, number>();
  for (const [id, { ticks, parent }] of parents) {
    for (let at = parent; at > 1; at = parents.get(at)?.parent ?? 0)
      if (at === process.pid) {
        out.set(`${id} ${kind(id)}`, ticks / TICKS_A_SECOND);
        break;
      }
  }
  return out;
}
/** Seconds of all processes below this one. */
export function descendantsSeconds(): number | null {
  const all = descendants();
  return all && [...all.values()].reduce((sum, s) => sum + s, 0);
}
function kind(id: number): string {
  try {
    const words = readFileSync(`/proc/${id}/cmdline`, "utf8").split(/[\0 ]/);
    const type = words.find((w) => w.startsWith("--type="))?.slice(7);
    return type ? (words.find((w) => w.startsWith("--utility-sub-type="))?.slice(19) ?? type) : "browser";
  } catch {
    return "?";
  }
}
/** Seconds of each thread of one process, by thread id and name. */
export function threads(id: number): ReadonlyMap<string, number> {
  const out = new Map<string, number>();
  for (const name of readdirSync(`/proc/${id}/task`)) {
    try {
      const text = readFileSync(`/proc/${id}/task/${name}/stat`, "utf8");
      const fields = text.replace(/^.*\) /s, "").split(" ");
      out.set(`${name} ${text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"))}`, (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND);
    } catch {
      // ended meanwhile
    }
  }
  return out;
}
