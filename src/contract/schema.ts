// One description per input gives its parser, static type, help text and form field.

/** A value a person (or a link, a file, a flag) gave us that cannot be used: stable code, sentence, hint. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}
export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Fault };

/** Carries a Fault through code that throws; caught at the seams and turned into a Reply. Never crosses Comlink. */
export class FaultError extends Error {
  readonly fault: Fault;
  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.name = "FaultError";
    this.fault = hint === undefined ? { code, message } : { code, message, hint };
  }
}

/** What is said of an error that was caught at a seam: its own Fault, or that it is our bug. */
export function faultOf(error: unknown, hint = "This is a bug in Guesthouse."): Fault {
  return error instanceof FaultError ? error.fault : { code: "bug", message: error instanceof Error ? error.message : String(error), hint };
}
/** Runs `work`; a FaultError becomes a Reply, our own bugs become one with code "bug". */
export async function reply<T>(work: () => T | Promise<T>): Promise<Reply<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: faultOf(error) };
  }
}

/** `parse` returns the value or throws a FaultError whose message names `path`. */
export interface Schema<T> {
  readonly summary: string;
  readonly kind: SchemaKind;
  parse(input: unknown, path?: string): T;
}
/** What a form needs to draw the field. */
export type SchemaKind =
  | { readonly type: "string" | "boolean" }
  | { readonly type: "integer"; readonly min: number; readonly max: number }
  | { readonly type: "choice"; readonly values: readonly string[] }
  | { readonly type: "list"; readonly item: Schema<unknown> }
  | { readonly type: "object"; readonly fields: { readonly [name: string]: Schema<unknown> } };
export type Infer<S> = S extends Schema<infer T> ? T : never;

function bad(path: string, expected: string, input: unknown): never {
  const shown = typeof input === "string" ? JSON.stringify(input) : String(input);
  throw new FaultError("schema.invalid", `${path}: expected ${expected}, got ${shown}`);
}

export function string(summary: string): Schema<string> {
  return {
    summary,
    kind: { type: "string" },
    parse: (input, path = "value") => (typeof input === "string" ? input : bad(path, "text", input)),
  };
}
export function boolean(summary: string): Schema<boolean> {
  return {
    summary,
    kind: { type: "boolean" },
    parse: (input, path = "value") => {
      if (input === true || input === "on" || input === "true") return true;
      if (input === false || input === "off" || input === "false") return false;
      return bad(path, "on or off", input);
    },
  };
}
export function integer(summary: string, min: number, max: number): Schema<number> {
  return {
    summary,
    kind: { type: "integer", min, max },
    parse: (input, path = "value") => {
      const n = typeof input === "string" && input.trim() !== "" ? Number(input) : input;
      if (typeof n !== "number" || !Number.isInteger(n) || n < min || n > max)
        return bad(path, `a whole number from ${min} to ${max}`, input);
      return n;
    },
  };
}
export function choice<const V extends readonly string[]>(summary: string, values: V): Schema<V[number]> {
  return {
    summary,
    kind: { type: "choice", values },
    parse: (input, path = "value") =>
      typeof input === "string" && values.includes(input)
        ? (input as V[number])
        : bad(path, `one of ${values.join(", ")}`, input),
  };
}
export function list<T>(summary: string, item: Schema<T>): Schema<readonly T[]> {
  return {
    summary,
    kind: { type: "list", item },
    parse: (input, path = "value") =>
      Array.isArray(input) ? input.map((v, i) => item.parse(v, `${path}[${i}]`)) : bad(path, "a list", input),
  };
}
/** Wraps a schema so that an absent value becomes `fallback`. */
export function optional<T, F>(schema: Schema<T>, fallback: F): Schema<T | F> {
  return {
    summary: schema.summary,
    kind: schema.kind,
    parse: (input, path) => (input === undefined || input === null ? fallback : schema.parse(input, path)),
  };
}
/** An object with exactly these fields: an unknown one is refused by name. */
export function object<F extends { readonly [name: string]: Schema<unknown> }>(
  summary: string,
  fields: F,
): Schema<{ readonly [K in keyof F]: Infer<F[K]> }> {
  return {
    summary,
    kind: { type: "object", fields },
    parse: (input, path = "value") => {
      if (typeof input !== "object" || input === null || Array.isArray(input)) return bad(path, "an object", input);
      const given = input as { readonly [name: string]: unknown };
      for (const name of Object.keys(given))
        if (!Object.hasOwn(fields, name))
          throw new FaultError("schema.unknown", `${path}: unknown field "${name}"`, `Known: ${Object.keys(fields).join(", ")}`);
      const out: { [name: string]: unknown } = {};
      for (const [name, schema] of Object.entries(fields)) out[name] = schema.parse(given[name], `${path}.${name}`);
      return out as { readonly [K in keyof F]: Infer<F[K]> };
    },
  };
}
