// `guesthouse LINK`: what a "Share" link holds goes on in a terminal. Links come from strangers: what one contains is shown, and nothing is fetched or
// started before the person says yes (or wrote -yes). Left out: programs of the assembly bench ("#asm="), which the page's editor shows.

import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import type { BundleSummary } from "../src/contract/bundle.ts";
import type { DomainConfig } from "../src/contract/domain.ts";
import { FaultError } from "../src/contract/schema.ts";
import { sourcesOf } from "../src/contract/sources-of.ts";
import { decodeLink, isBenchLink, isLink, placeOf } from "../src/manager/link.ts";
import { type CarriedMachine, carriedMachine } from "./snapshots/carried.node.ts";

export const YES = "-yes";

/** The fragment of a word that is a link, or null. */
export function linkOf(word: string): string | null {
  const at = word.indexOf("#");
  return at >= 0 && isLink(word.slice(at)) ? word.slice(at) : null;
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
export function told(domain: DomainConfig, summary?: BundleSummary): string {
  const state = summary?.state ? `, as it stood on ${when(summary.state.dateMs)}` : "";
  const seen = summary?.recording ? `, with what happened then (${summary.recording.instructions} instructions)` : "";
  return `${domain.name}, ${domain.memoryMiB} MiB${state}${seen}; what it writes stays in memory`;
}
/** What it brings and what starting it will ask for: files of its own, then everything else that its hardware names. */
export function contents(domain: DomainConfig, summary?: BundleSummary): readonly string[] {
  const files = (summary?.files ?? []).map((f) => `  ${f.name}, ${f.size} bytes${f.over === "" ? "" : ` written over ${f.over}`}`);
  // Words like "seabios" are images that come with Guesthouse.
  const named = new Set(sourcesOf(domain).filter((s) => s.includes(":") && !s.startsWith("bundle:")));
  return [...files, ...[...named].map((s) => `  ${s}`)];
}
/** The machine of a link; null when the person said no. */
export async function openLink(link: string, yes: boolean, person: Person, tell: (text: string) => void): Promise<{ readonly domain: DomainConfig; readonly carried?: CarriedMachine } | null> {
  const agreed = async (question: string) => yes || (await ask(question, person));
  if (isBenchLink(link)) throw new FaultError("link.program-here", "The link holds a program of the assembly bench, not a machine.", "Open it in a browser.");
  const place = placeOf(link);
  // What lies on somebody's server is not even looked at without being asked.
  if (place?.kind === "hosted" && !(await agreed(`The machine lies at ${place.url}. Look at it?`))) return null;
  const carried = place ? await carriedMachine(place, "the link") : undefined;
  const domain = carried ? carried.domain : await decodeLink(link);
  tell(told(domain, carried?.summary));
  for (const line of contents(domain, carried?.summary)) tell(line);
  return (await agreed("Start it?")) ? { domain, ...(carried ? { carried } : {}) } : null;
}
