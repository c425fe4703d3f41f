// What is behind every monitor: commands by name, one parser, one help and one completion. `execute` takes a name and named arguments (the
// page, tests), `type` a line of text (the console). Neither throws for what a person did wrong: that is a Fault in the Reply.

import { FaultError, type Reply, reply } from "../../src/contract/schema.ts";
import { type AnyCommand, command } from "./command.ts";

export interface Monitor {
  execute(name: string, args: { readonly [name: string]: unknown }): Promise<Reply<unknown>>;
  type(line: string): Promise<Reply<string>>;
  complete(line: string): readonly string[];
  readonly commands: readonly { readonly name: string; readonly aliases?: readonly string[]; readonly summary: string; readonly args: { readonly [name: string]: unknown } }[];
}

/** Words, with "double" or 'single' quotes; keeps where each began so that the last argument can take the rest of the line. */
export function splitWords(line: string): readonly { readonly text: string; readonly at: number }[] {
  const words: { text: string; at: number }[] = [];
  for (const match of line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\S+/g)) {
    const quoted = match[1] !== undefined ? match[1].replace(/\\(.)/g, "$1") : match[2];
    words.push({ text: quoted ?? match[0], at: match.index });
  }
  return words;
}

/** A monitor of these commands and `help`. `C`: what they work on. */
export function monitorOf<C extends { readonly history?: { disturbed(): void } }>(context: C, declared: readonly AnyCommand<C>[]): Monitor {
  interface HelpRow {
    readonly name: string;
    readonly args: readonly string[];
    readonly summary: string;
  }
  const help: AnyCommand<C> = command({
    name: "help",
    aliases: ["?"],
    summary: "list the commands",
    args: {},
    run: (): HelpRow[] => commands.map((c) => ({ name: c.name, args: Object.keys(c.args), summary: c.summary })),
    print: (rows: readonly HelpRow[]) => {
      const heads = rows.map((r) => [r.name, ...r.args.map((a) => `<${a}>`)].join(" "));
      const width = Math.max(...heads.map((h) => h.length));
      return rows.map((r, i) => `${(heads[i] as string).padEnd(width)}  ${r.summary}`).join("\n");
    },
  });
  const commands: AnyCommand<C>[] = [...declared, help].sort((a, b) => (a.name < b.name ? -1 : 1));
  const byName = new Map<string, AnyCommand<C>>();
  for (const c of commands)
    for (const name of [c.name, ...(c.aliases ?? [])]) {
      if (byName.has(name)) throw new Error(`monitor: two commands are called ${name}`);
      byName.set(name, c);
    }

  const find = (name: string): AnyCommand<C> => {
    const found = byName.get(name);
    if (found) return found;
    const family = commands.filter((c) => c.name.startsWith(`${name.split(" ")[0]} `));
    if (family.length) throw new FaultError("command.unknown", `"${name}" is not complete or not known.`, `Try: ${family.map((c) => c.name).join(", ")}.`);
    throw new FaultError("command.unknown", `There is no command "${name}".`, "Type help for the list.");
  };
  const parseArgs = (c: AnyCommand<C>, given: { readonly [name: string]: unknown }): { [name: string]: unknown } => {
    for (const name of Object.keys(given))
      if (!Object.hasOwn(c.args, name)) throw new FaultError("command.argument", `${c.name} has no argument "${name}".`);
    const out: { [name: string]: unknown } = {};
    for (const [name, schema] of Object.entries(c.args)) out[name] = (schema as AnyCommand["args"][string]).parse(given[name], name);
    return out;
  };
  const run = (c: AnyCommand<C>, given: { readonly [name: string]: unknown }): unknown => {
    const result: unknown = c.run(context, parseArgs(c, given));
    if (c.disturbs) context.history?.disturbed();
    return result;
  };

  return {
    commands,
    execute: (name, args) => reply(() => run(find(name), args)),
    type: (typed) =>
      reply(async () => {
        // QEMU's formats may stand against the name: x/2i, xp/4wx, print/x.
        const line = typed.replace(/^\s*([a-z]+)\//, (all, name: string) => (byName.has(name) ? `${name} /` : all));
        const words = splitWords(line);
        if (words.length === 0) return "";
        const [first, second] = words.map((w) => w.text) as [string, string | undefined];
        const two = second !== undefined && byName.has(`${first} ${second}`);
        const c = find(two ? `${first} ${second}` : byName.has(first) || second === undefined ? first : `${first} ${second}`);
        const rest = words.slice(two ? 2 : 1);
        const names = Object.keys(c.args);
        if (rest.length > names.length && names.length === 0)
          throw new FaultError("command.argument", `${c.name} takes no arguments.`);
        const given: { [name: string]: unknown } = {};
        names.forEach((name, i) => {
          const word = rest[i];
          if (!word) return;
          const takesRest = i === names.length - 1 && rest.length > names.length;
          if (takesRest && c.args[name]?.kind.type !== "string") throw new FaultError("command.argument", `${c.name}: too many arguments.`);
          given[name] = takesRest ? line.slice(word.at).trim() : word.text;
        });
        const result = await run(c, given);
        if (result === undefined || (result === null && !c.print)) return "";
        return c.print ? c.print(result) : typeof result === "string" ? result : JSON.stringify(result, (_, v) => (typeof v === "bigint" ? `0x${v.toString(16)}` : v), 2);
      }),
    complete: (line) => {
      const text = line.replace(/^\s+/, "");
      return [...byName.keys()].filter((name) => name.startsWith(text)).sort();
    },
  };
}
