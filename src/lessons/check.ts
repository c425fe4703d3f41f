// Whether a step's predicates hold of the machine as it stands and of the events since the step began. Each answer says what was seen, which is the
// evidence in a student's results. Looks only: nothing here changes the guest.

import type { CodeListing } from "../contract/inspect.ts";
import { type Fault, FaultError, type Reply } from "../contract/schema.ts";
import type { modeNames } from "../contract/trace.ts";
import { fits, type StepEvents } from "./events.ts";
import type { Predicate } from "./format.ts";
import type { LessonMachine } from "./machine.ts";

export interface Checked {
  readonly kind: Predicate["kind"];
  readonly holds: boolean;
  /** What the machine showed, for the results. */
  readonly seen: string;
  /** The predicate could not be looked at. */
  readonly fault?: Fault;
}
export interface Looked {
  readonly machine: LessonMachine;
  readonly events: StepEvents;
  /** Counters when the step began. */
  readonly before: { readonly [name: string]: number };
  /** What the student wrote, null before it was handed in. */
  readonly answer: string | null;
}
interface Bounds {
  readonly is: string | null;
  readonly not: string | null;
  readonly atLeast: string | null;
  readonly atMost: string | null;
}
const hex = (v: bigint) => `0x${v.toString(16)}`;
export function take<T>(answer: Reply<unknown>): T {
  if (answer.ok) return answer.value as T;
  throw new FaultError(answer.error.code, answer.error.message, answer.error.hint);
}
export async function evaluate(machine: LessonMachine, text: string): Promise<bigint> {
  return BigInt(take<string>(await machine.execute("print", { what: text })));
}
async function bounded(machine: LessonMachine, value: bigint, bounds: Bounds): Promise<boolean> {
  const limit = (text: string) => evaluate(machine, text);
  return (
    (bounds.is === null || value === (await limit(bounds.is))) &&
    (bounds.not === null || value !== (await limit(bounds.not))) &&
    (bounds.atLeast === null || value >= (await limit(bounds.atLeast))) &&
    (bounds.atMost === null || value <= (await limit(bounds.atMost)))
  );
}
export async function counters(machine: LessonMachine): Promise<{ readonly [name: string]: number }> {
  return take<{ [name: string]: number }>(await machine.execute("info stats"));
}
async function modeOf(machine: LessonMachine): Promise<(typeof modeNames)[number]> {
  const cr0 = await evaluate(machine, "$cr0");
  if (!(cr0 & 1n)) return "real";
  if ((await evaluate(machine, "$eflags")) & 0x20000n) return "virtual-8086";
  const { bits } = take<CodeListing>(await machine.execute("disassemble", { address: "$rip", count: 1 }));
  if (bits === 64) return "64-bit";
  if ((await evaluate(machine, "$efer")) & 0x400n) return "compatibility";
  return bits === 32 ? "protected 32-bit" : "protected 16-bit";
}
/** The parts of plain data that a path names; "*" is every one. */
export function partsOf(data: unknown, path: string): readonly unknown[] {
  let found: readonly unknown[] = [data];
  for (const name of path === "" ? [] : path.split("."))
    found = found.flatMap((v) => {
      if (typeof v !== "object" || v === null) return [];
      if (name === "*") return Object.values(v);
      return Object.hasOwn(v, name) ? [(v as { readonly [k: string]: unknown })[name]] : [];
    });
  return found;
}
async function partFits(machine: LessonMachine, part: unknown, bounds: Bounds): Promise<boolean> {
  if (typeof part === "number" && Number.isInteger(part)) return bounded(machine, BigInt(part), bounds);
  if (typeof part === "bigint") return bounded(machine, part, bounds);
  if (typeof part === "boolean") return bounded(machine, part ? 1n : 0n, bounds);
  const text = part === null || part === undefined ? "none" : String(part);
  return (bounds.is === null || text === bounds.is) && (bounds.not === null || text !== bounds.not) && bounds.atLeast === null && bounds.atMost === null;
}
const shown = (part: unknown): string => (typeof part === "bigint" ? hex(part) : typeof part === "object" && part !== null ? "…" : String(part));
/** A student's number: 4096, 0x1000, 1000h. */
export function numberOf(text: string): bigint | null {
  const t = text.trim().replaceAll("_", "").toLowerCase();
  if (/^(0x[0-9a-f]+|\d+)$/.test(t)) return BigInt(t);
  const h = /^([0-9a-f]+)h$/.exec(t);
  return h ? BigInt(`0x${h[1]}`) : null;
}

async function holds(p: Predicate, looked: Looked): Promise<Omit<Checked, "kind">> {
  const { machine, events } = looked;
  switch (p.kind) {
    case "value": {
      const value = await evaluate(machine, p.of.of);
      return { holds: await bounded(machine, value, p.of), seen: `${p.of.of} = ${hex(value)}` };
    }
    case "mode": {
      const mode = await modeOf(machine);
      return { holds: mode === p.of, seen: mode };
    }
    case "ring": {
      const ring = await evaluate(machine, "$cpl");
      return { holds: ring === BigInt(p.of), seen: `CPL ${ring}` };
    }
    case "state": {
      const { state } = take<{ readonly state: string }>(await machine.execute("info status"));
      return { holds: state === p.of, seen: state };
    }
    case "text": {
      const { at, is, step } = p.of;
      const { bytes } = take<{ readonly bytes: readonly number[] }>(await machine.execute("memory", { address: at, length: is.length * step }));
      const text = Array.from({ length: is.length }, (_, n) => String.fromCharCode(Math.max(0, bytes[n * step] as number))).join("");
      return { holds: text === is, seen: JSON.stringify(text) };
    }
    case "look": {
      const { command, args, path } = p.of;
      const length = path.endsWith(".length");
      const data = take<unknown>(await machine.execute(command, args));
      const found = partsOf(data, length ? path.slice(0, -".length".length) : path).map((v) => (length ? (Array.isArray(v) ? v.length : 0) : v));
      let fitting = false;
      for (const part of found) fitting ||= await partFits(machine, part, p.of);
      return { holds: fitting, seen: `${command} ${path} = ${found.slice(0, 8).map(shown).join(", ") || "nothing"}` };
    }
    case "events": {
      const { atLeast, atMost } = p.of;
      const n = events.count(p.of);
      const sure = events.lost === 0 || atMost === null || (!p.of.a && !p.of.b && !p.of.c);
      return { holds: sure && n >= (atLeast ?? (atMost === null ? 1 : 0)) && n <= (atMost ?? Infinity), seen: `${p.of.kind}: ${n}${events.lost ? `, ${events.lost} lost` : ""}` };
    }
    case "sequence": {
      let at = 0;
      for (const event of events.kept) {
        const next = p.of[at];
        if (next && fits(event, next)) at++;
      }
      return { holds: at === p.of.length, seen: p.of.map((e, n) => `${n < at ? "+" : "-"}${e.kind}`).join(" ") };
    }
    case "interval": {
      const last = events.matching(p.of).slice(-p.of.over - 1);
      if (last.length <= p.of.over) return { holds: false, seen: `${last.length} of ${p.of.over + 1} events` };
      const mean = ((last.at(-1)?.atNs ?? 0) - (last[0]?.atNs ?? 0)) / p.of.over;
      return { holds: Math.abs(mean - p.of.ns) <= (p.of.ns * p.of.within) / 100, seen: `${Math.round(mean)} ns` };
    }
    case "count": {
      const now = (await counters(machine))[p.of.of] ?? 0;
      const grown = now - (looked.before[p.of.of] ?? 0);
      return { holds: await bounded(machine, BigInt(Math.max(0, grown)), p.of), seen: `${p.of.of} +${grown}` };
    }
    case "answer": {
      const { answer } = looked;
      if (answer === null) return { holds: false, seen: "no answer" };
      const word = answer.trim().toLowerCase().replace(/\s+/g, " ");
      if (p.of.text?.some((t) => t.toLowerCase() === word)) return { holds: true, seen: answer };
      if (p.of.is === null) return { holds: false, seen: answer };
      const value = numberOf(answer);
      return { holds: value !== null && value === (await evaluate(machine, p.of.is)), seen: answer };
    }
    case "any":
    case "none": {
      const inside = await checkAll(p.of, looked);
      const some = inside.some((c) => c.holds);
      const fault = inside.find((c) => c.fault)?.fault;
      // What could not be looked at is not known to be false.
      return { holds: p.kind === "any" ? some : !some && !fault, seen: inside.map((c) => c.seen).join("; "), ...(fault ? { fault } : {}) };
    }
  }
}
/** All predicates, one by one. A predicate that the machine answers with a Fault (nothing is mapped there yet) does not hold. */
export async function checkAll(list: readonly Predicate[], looked: Looked): Promise<readonly Checked[]> {
  looked.events.poll();
  const out: Checked[] = [];
  for (const p of list) {
    try {
      out.push({ kind: p.kind, ...(await holds(p, looked)) });
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      out.push({ kind: p.kind, holds: false, seen: error.fault.message, fault: error.fault });
    }
  }
  return out;
}
