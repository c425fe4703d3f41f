// Command lines of qemu-img: short options (with values glued or apart), long options, operands; and how it reads and prints sizes.

export class ImgError extends Error {
  readonly status: number;
  constructor(message: string, status = 1) {
    super(message);
    this.name = "ImgError";
    this.status = status;
  }
}
export const TRY_HELP = "Try 'qemu-img --help' for more information";

export interface Parsed {
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}
/** `spec`: "O: c p output: shrink" — a colon means that a value follows; one letter is short, more are long. */
export function parseArgs(args: readonly string[], spec: string): Parsed {
  const takes = new Map(spec.split(" ").map((s) => [s.replace(":", ""), s.endsWith(":")]));
  const options = new Map<string, string[]>();
  const operands: string[] = [];
  const add = (name: string, value: string) => options.set(name, [...(options.get(name) ?? []), value]);
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as string;
    if (word === "--") {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (word.startsWith("--")) {
      const [name = "", glued] = [word.slice(2).split("=")[0], word.includes("=") ? word.slice(word.indexOf("=") + 1) : undefined];
      const wants = takes.get(name);
      if (wants === undefined) throw new ImgError(`unrecognized option '${word}'\n${TRY_HELP}`);
      if (wants && glued === undefined && i + 1 >= args.length) throw new ImgError(`option '--${name}' requires an argument\n${TRY_HELP}`);
      add(name, wants ? (glued ?? (args[++i] as string)) : "");
    } else if (word.startsWith("-") && word.length > 1) {
      for (let k = 1; k < word.length; k++) {
        const name = word[k] as string;
        const wants = takes.get(name);
        if (wants === undefined) throw new ImgError(`unrecognized option '-${name}'\n${TRY_HELP}`);
        if (!wants) {
          add(name, "");
          continue;
        }
        const glued = word.slice(k + 1);
        if (glued === "" && i + 1 >= args.length) throw new ImgError(`option requires an argument -- '${name}'\n${TRY_HELP}`);
        add(name, glued === "" ? (args[++i] as string) : glued);
        break;
      }
    } else operands.push(word);
  }
  return { options, operands };
}
export const last = (parsed: Parsed, ...names: readonly string[]): string | undefined => names.map((n) => parsed.options.get(n)?.at(-1)).find((v) => v !== undefined);

/** "10M", "1.5G", "4096" in bytes; null when it is no size. */
export function sizeOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([bBkKmMgGtTpPeE]?)$/.exec(text);
  if (!match) return null;
  const value = Number(match[1]) * 1024 ** Math.max(0, " kmgtpe".indexOf((match[2] || " ").toLowerCase()));
  return Number.isFinite(value) && value < 2 ** 63 ? Math.floor(value) : null;
}
/** "a=1,b=2" with ",," for a comma inside. */
export function keyValues(texts: readonly string[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const text of texts)
    for (const part of text.replaceAll(",,", "\0").split(",")) {
      const at = part.indexOf("=");
      if (part !== "") out.set(at < 0 ? part : part.slice(0, at), at < 0 ? "on" : part.slice(at + 1).replaceAll("\0", ","));
    }
  return out;
}
