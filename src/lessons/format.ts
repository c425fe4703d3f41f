// What a lesson is: plain data that a teacher writes as YAML, read by read.ts. Machines, steps, and for each step what must hold of the machine
// (predicates), what shows the answer (actions) and answers that must not pass. Both languages of checks and actions are closed sets: nothing in a
// lesson is executed as code. Left out: checks on pictures, and more than one machine at a time.

import { boolean, choice, FaultError, type Infer, integer, list, object, optional, type Schema, string } from "../contract/schema.ts";
import { modeNames, traceNames } from "../contract/trace.ts";

export const LESSON_FORMAT = 1;

/** An object that has exactly one of these fields. */
type OneOf<F> = { readonly [K in keyof F & string]: { readonly kind: K; readonly of: F[K] extends Schema<infer T> ? T : never } }[keyof F & string];
function oneOf<F extends { readonly [name: string]: Schema<unknown> }>(summary: string, fields: F): Schema<OneOf<F>> {
  return {
    summary,
    kind: { type: "object", fields },
    parse: (input, path = "value") => {
      const names = typeof input === "object" && input !== null && !Array.isArray(input) ? Object.keys(input) : [];
      const [name] = names;
      if (names.length !== 1 || name === undefined) throw new FaultError("schema.invalid", `${path}: expected one of ${Object.keys(fields).join(", ")}`);
      const schema = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (!schema) throw new FaultError("schema.unknown", `${path}: unknown field "${name}"`, `Known: ${Object.keys(fields).join(", ")}`);
      return { kind: name, of: schema.parse((input as { readonly [k: string]: unknown })[name], `${path}.${name}`) } as OneOf<F>;
    },
  };
}
function record<T>(summary: string, item: Schema<T>): Schema<{ readonly [name: string]: T }> {
  return {
    summary,
    kind: { type: "object", fields: {} },
    parse: (input, path = "value") => {
      if (typeof input !== "object" || input === null || Array.isArray(input)) throw new FaultError("schema.invalid", `${path}: expected names with values`);
      return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, item.parse(value, `${path}.${name}`)]));
    },
  };
}
function word(summary: string): Schema<string> {
  const plain = string(summary);
  return {
    ...plain,
    parse: (input, path = "value") => {
      const text = plain.parse(input, path);
      if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(text)) throw new FaultError("schema.invalid", `${path}: expected small letters, digits and -, got ${JSON.stringify(text)}`);
      return text;
    },
  };
}
/** An expression of the monitor; a number is one. */
function expression(summary: string): Schema<string> {
  return {
    summary,
    kind: { type: "string" },
    parse: (input, path = "value") => {
      if (typeof input === "number" && Number.isSafeInteger(input)) return input < 0 ? `0 - ${-input}` : String(input);
      if (typeof input === "string" && input.trim() !== "" && input.length <= 400) return input;
      throw new FaultError("schema.invalid", `${path}: expected a number or an expression, got ${JSON.stringify(input)}`, "Numbers of more than 53 bits in quotes.");
    },
  };
}
/** A number, or the first and the last of a range. */
const range: Schema<readonly [number, number]> = {
  summary: "a number, or two: the first and the last",
  kind: { type: "string" },
  parse: (input, path = "value") => {
    const both = Array.isArray(input) ? input : [input, input];
    if (both.length !== 2 || !both.every((n) => typeof n === "number" && Number.isFinite(n))) throw new FaultError("schema.invalid", `${path}: expected a number or [first, last], got ${JSON.stringify(input)}`);
    return both as unknown as readonly [number, number];
  },
};
function nonEmpty<T>(schema: Schema<readonly T[]>): Schema<readonly T[]> {
  return {
    ...schema,
    parse: (input, path = "value") => {
      const got = schema.parse(input, path);
      if (got.length === 0) throw new FaultError("schema.invalid", `${path}: expected at least one`);
      return got;
    },
  };
}

// ---- machines ----------------------------------------------------------------------------------------------------------

export const machineSchema = object("a machine of the lesson", {
  program: optional(word("file of the lesson whose bytes are the disk; without firmware its first sector is put at 0:7C00"), ""),
  guest: optional(word("id of a guest of the catalogue, instead of a program"), ""),
  firmware: optional(choice("what runs first", ["none", "seabios"]), "none" as const),
  memoryMiB: optional(integer("RAM in MiB", 1, 2048), 16),
  cpu: optional(string("CPU model, with +flag,-flag"), "qemu64"),
  accel: optional(choice("how guest code runs", ["interp", "jit"]), "jit" as const),
  clock: optional(choice("what drives guest time", ["wall", "instructions"]), "wall" as const),
  start: optional(choice("whether it runs at the beginning", ["paused", "running"]), "paused" as const),
});

// ---- predicates --------------------------------------------------------------------------------------------------------

const bounds = {
  is: optional(expression("equal to"), null),
  not: optional(expression("other than"), null),
  atLeast: optional(expression("this or more"), null),
  atMost: optional(expression("this or less"), null),
};
const eventFields = {
  kind: choice("kind of event", traceNames as unknown as readonly [string, ...string[]]),
  a: optional(range, null),
  b: optional(range, null),
  c: optional(range, null),
};
/** Commands that only look; their results may be asked for parts. */
export const LOOKS = ["walk", "info interrupts", "info pci", "info gdt", "info idt", "info tss", "info jit", "info breakpoints", "info stop", "info status", "info tlb"] as const;
const predicateFields = {
  value: object("an expression on registers and memory, now", { of: expression("expression of the monitor"), ...bounds }),
  mode: choice("operating mode of the processor, now", modeNames),
  ring: integer("privilege level, now", 0, 3),
  state: choice("of the machine, now", ["off", "paused", "running", "crashed"]),
  text: object("characters in memory, now", { at: string("address; p: before a physical one"), is: string("ASCII"), step: optional(integer("bytes from one to the next (2 in video memory)", 1, 16), 1) }),
  look: object("a part of what a looking command gives, now", { command: choice("command", LOOKS), args: optional(record("its arguments", string("argument")), {} as { readonly [name: string]: string }), path: string("names and numbers with dots; * is any, length how many"), ...bounds }),
  events: object("events since the step began", { ...eventFields, atLeast: optional(integer("this or more", 0, 1e15), null), atMost: optional(integer("this or less", 0, 1e15), null) }),
  sequence: nonEmpty(list("events since the step began, in this order", object("an event", eventFields))),
  interval: object("mean guest time between events of a kind since the step began", { ...eventFields, ns: integer("nanoseconds", 1, 1e12), within: optional(integer("percent", 1, 90), 5), over: optional(integer("over so many of the newest", 2, 1000), 10) }),
  count: object("by how much a counter grew since the step began", { of: choice("counter", ["instructions", "interrupts", "exceptions", "tlbFills"]), ...bounds }),
  answer: object("what the student wrote", { is: optional(expression("equal to this value of the machine"), null), text: optional(list("or one of these words", string("word")), null) }),
} as const;
/** Predicates may hold predicates. */
function predicates(): Schema<readonly Predicate[]> {
  return list("what must hold, all of it", lazy(() => predicateSchema));
}
function lazy<T>(of: () => Schema<T>): Schema<T> {
  return { summary: "a predicate", kind: { type: "object", fields: {} }, parse: (input, path) => of().parse(input, path) };
}
type Plain = OneOf<typeof predicateFields>;
export type Predicate = Plain | { readonly kind: "any" | "none"; readonly of: readonly Predicate[] };
const predicateSchema: Schema<Predicate> = oneOf("a predicate", {
  ...predicateFields,
  any: lazy(() => nonEmpty(predicates())),
  none: lazy(() => nonEmpty(predicates())),
}) as Schema<Predicate>;
export type EventPattern = { readonly kind: string; readonly a: readonly [number, number] | null; readonly b: readonly [number, number] | null; readonly c: readonly [number, number] | null };

// ---- actions -----------------------------------------------------------------------------------------------------------

export const actionSchema = oneOf("an action", {
  monitor: string("a line of the monitor"),
  keys: string("keys pressed one after the other, as sendkey names them: h i ret"),
  serial: string("text for the first serial port"),
  answer: expression("what is written into the answer's field"),
  until: object("waits until this holds", { check: nonEmpty(predicates()), seconds: optional(integer("at most", 1, 300), 20) }),
  wait: integer("milliseconds", 1, 60_000),
  panel: object("opens a panel of the inspector", { name: choice("panel", ["registers", "code", "memory", "walk", "tlb", "tables", "interrupts", "ports", "pci", "map", "timeline", "dashboard", "breakpoints"]), at: optional(string("address"), "") }),
});
export type Action = Infer<typeof actionSchema>;

// ---- the lesson --------------------------------------------------------------------------------------------------------

export const stepSchema = object("a step", {
  id: word("name, one of its kind in the lesson"),
  machine: optional(word("which machine; that of the step before when left out"), ""),
  fresh: optional(boolean("begin with the machine as it was at the beginning"), false),
  begin: optional(list("done when the step begins", actionSchema), [] as readonly Action[]),
  check: nonEmpty(predicates()),
  show: nonEmpty(list("shows the answer", actionSchema)),
  wrong: optional(list("what must not pass, each a list of actions", nonEmpty(list("actions", actionSchema))), [] as readonly (readonly Action[])[]),
});
export const lessonSchema = object("a lesson", {
  format: integer("version of this format", 1, LESSON_FORMAT),
  id: word("name of the lesson"),
  version: integer("grows with every change", 1, 1e6),
  minutes: integer("how long it takes", 1, 600),
  machines: record("machines by name", machineSchema),
  steps: nonEmpty(list("steps in order", stepSchema)),
  /** In a lesson of one file: texts by language, and files in base64. */
  text: optional(record("texts by language", string("Markdown")), {} as { readonly [language: string]: string }),
  files: optional(record("files", string("base64")), {} as { readonly [name: string]: string }),
});
export type LessonData = Infer<typeof lessonSchema>;
export type Step = LessonData["steps"][number];
export type LessonMachineData = Infer<typeof machineSchema>;

/** Every predicate of a list, those inside others too. */
export function everyPredicate(list: readonly Predicate[]): readonly Predicate[] {
  return list.flatMap((p) => (p.kind === "any" || p.kind === "none" ? [p, ...everyPredicate(p.of)] : [p]));
}
/** The events that a list of predicates is about. */
export function patternsOf(list: readonly Predicate[]): readonly EventPattern[] {
  return everyPredicate(list).flatMap((p): readonly EventPattern[] => (p.kind === "events" || p.kind === "interval" ? [p.of] : p.kind === "sequence" ? p.of : []));
}
export const asksAnswer = (step: Step): boolean => everyPredicate(step.check).some((p) => p.kind === "answer");
