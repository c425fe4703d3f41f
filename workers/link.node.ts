// `guesthouse LINK`, `guesthouse FILE.guesthouse`: a machine that somebody sent goes on in a terminal. It comes from a stranger: what it contains is
// shown, and nothing is fetched or started before the person says yes (or wrote -yes). Shells pass words of 128 KiB at most, so a link may also lie in a
// file ("@FILE") or come on standard input ("-"). Left out: programs of the assembly bench ("#asm="), which the page's editor shows.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import type { BundleSummary } from "../src/contract/bundle.ts";
import type { DomainConfig } from "../src/contract/domain.ts";
import { FaultError } from "../src/contract/schema.ts";
import { sourcesOf } from "../src/contract/sources-of.ts";
import { decodeLink, isBenchLink, isLink, placeOf } from "../src/manager/link.ts";
import { fileFault } from "./backends/byte-file.node.ts";
import { bundleFilePlace, type CarriedMachine, carriedMachine, isBundleName } from "./snapshots/carried.node.ts";

export const YES = "-yes";

/** The fragment of a word that is a link, or null. */
function linkOf(word: string): string | null {
  const at = word.indexOf("#");
  return at >= 0 && isLink(word.slice(at)) ? word.slice(at) : null;
}
/** A machine that somebody sent: a link (its fragment), or the path of a file. */
export type Sent = { readonly kind: "link"; readonly link: string } | { readonly kind: "file"; readonly path: string };
/** What the first word of a command line names, when that is a machine that somebody sent; else null. */
export async function sentOf(word: string, input: Person["input"]): Promise<Sent | null> {
  if (isBundleName(word)) return { kind: "file", path: word };
  const fromElsewhere = word === "-" || /^@./.test(word);
  const text = word === "-" ? await firstLine(input) : fromElsewhere ? textOf(word.slice(1)) : word;
  const link = linkOf(text.trim());
  if (link !== null) return { kind: "link", link };
  if (!fromElsewhere) return null;
  throw new FaultError("link.none", `${word === "-" ? "Standard input" : word.slice(1)} holds no link to a machine.`, "Give the whole address that Share shows, with what follows its #.");
}
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fileFault(path, error);
  }
}
/** What follows the line stays there: it is typed into the guest. */
function firstLine(input: Person["input"]): Promise<string> {
  if (input.isTTY) throw new FaultError("link.terminal", "A terminal passes lines of 4095 characters at most: a link may be longer.", "Save it in a file: guesthouse @FILE.");
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const done = (rest: Buffer | null) => {
      input.off("data", heard).off("end", ended).off("error", reject);
      input.pause();
      if (rest && rest.length > 0) input.unshift(rest);
      resolve(Buffer.concat(parts).toString("utf8"));
    };
    const heard = (data: Buffer) => {
      const end = data.indexOf(10);
      parts.push(end < 0 ? data : data.subarray(0, end));
      if (end >= 0) done(data.subarray(end + 1));
    };
    const ended = () => done(null);
    input.on("data", heard).on("end", ended).on("error", reject);
  });
}
export interface Person {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
}
/** Asks, and says whether the answer was yes. A Fault where nobody sits who could answer. */
export async function ask(question: string, { input, output }: Person): Promise<boolean> {
  if (!input.isTTY) throw new FaultError("link.ask", "A machine that somebody sent starts only when you say so.", `Add ${YES} when nobody can be asked.`);
  const lines = createInterface({ input, output });
  try {
    return /^y(es)?$/i.test((await lines.question(`guesthouse: ${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
const when = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
/** What a machine is, in one line. */
function told(domain: DomainConfig, summary?: BundleSummary): string {
  const state = summary?.state ? `, as it stood on ${when(summary.state.dateMs)}` : "";
  const seen = summary?.recording ? `, with what happened then (${summary.recording.instructions} instructions)` : "";
  return `${domain.name}, ${domain.memoryMiB} MiB${state}${seen}; what it writes stays in memory`;
}
/** What it brings and what starting it will ask for: files of its own, then everything else that its hardware names. */
function contents(domain: DomainConfig, summary?: BundleSummary): readonly string[] {
  const files = (summary?.files ?? []).map((f) => `  ${f.name}, ${f.size} bytes${f.over === "" ? "" : ` written over ${f.over}`}`);
  // Words like "seabios" are images that come with Guesthouse.
  const named = new Set(sourcesOf(domain).filter((s) => s.includes(":") && !s.startsWith("bundle:")));
  return [...files, ...[...named].map((s) => `  ${s}`)];
}
/** The machine that was sent; null when the person said no. */
export async function openSent(sent: Sent, yes: boolean, person: Person, tell: (text: string) => void): Promise<{ readonly domain: DomainConfig; readonly carried?: CarriedMachine } | null> {
  const agreed = async (question: string) => yes || (await ask(question, person));
  if (sent.kind === "link" && isBenchLink(sent.link)) throw new FaultError("link.program-here", "The link holds a program of the assembly bench, not a machine.", "Open it in a browser.");
  const place = sent.kind === "file" ? await bundleFilePlace(sent.path) : placeOf(sent.link);
  // What lies on somebody's server is not even looked at without being asked.
  if (place?.kind === "hosted" && !(await agreed(`The machine lies at ${place.url}. Look at it?`))) return null;
  const carried = place ? await carriedMachine(place, sent.kind === "file" ? sent.path : "the link") : undefined;
  const domain = carried ? carried.domain : await decodeLink(sent.kind === "link" ? sent.link : "");
  tell(told(domain, carried?.summary));
  for (const line of contents(domain, carried?.summary)) tell(line);
  return (await agreed("Start it?")) ? { domain, ...(carried ? { carried } : {}) } : null;
}
