// NASM's listing (-l) and map ([map sections symbols]) of a flat binary as rows and labels: which line made the bytes at which address. The listing counts offsets within
// sections and names no section, so its section directives are followed; the map says where each section begins. From NASM's manual 2.1.3 and 8.1.4.

import type { AssembledRow, AssembledSymbol } from "../../src/contract/assembly.ts";

interface Section {
  readonly vstart: number;
  readonly start: number;
  readonly bytes: boolean;
}
const MOST_ROWS = 50_000;
const MOST_SYMBOLS = 20_000;

export function readListing(listing: string, map: string): { readonly origin: number; readonly rows: readonly AssembledRow[]; readonly symbols: readonly AssembledSymbol[] } {
  const origin = Number.parseInt(/-- Program origin -+\s+([0-9A-F]+)/.exec(map)?.[1] ?? "0", 16);
  const sections = new Map<string, Section>();
  const summary = map.slice(map.indexOf("-- Sections (summary)"), map.indexOf("-- Sections (detailed)"));
  for (const [, vstart, start, kind, name] of summary.matchAll(/^ +([0-9A-F]+) +([0-9A-F]+) +[0-9A-F]+ +[0-9A-F]+ +(progbits|nobits) +(\S+)$/gm))
    sections.set(name as string, { vstart: Number.parseInt(vstart as string, 16), start: Number.parseInt(start as string, 16), bytes: kind === "progbits" });
  const rows: AssembledRow[] = [];
  let section = ".text";
  /** The last line of the source itself, and what it says. */
  let outer = 0;
  let outerText = "";
  for (const text of listing.split("\n")) {
    const [, number, offset, made, level, words] = /^ *(\d+) (?:([0-9A-F]{8,16}) (\S+(?: [0-9A-F]+h>)?)|) *(?:<(\d+)>)?(.*)$/.exec(text) ?? [];
    if (number === undefined) continue;
    if (level === undefined) {
      outer = Number(number);
      if ((words ?? "").trim() !== "") outerText = (words ?? "").trim();
    }
    const directive = /^\s*\[?\s*(?:section|segment)\s+([.\w$@]+)/i.exec((words ?? "").replace(/^\s*[\w.$@?]+:/, ""));
    if (directive) section = directive[1] as string;
    if (/^\s*\[?\s*absolute\b/i.test(words ?? "")) section = "absolute";
    if (offset === undefined || made === undefined || rows.length >= MOST_ROWS) continue;
    const place = sections.get(section);
    if (!place) continue;
    // Lines that %rep repeats have their own number; what a macro or an included file makes belongs to the line that asks for it.
    const line = level === undefined || /^%endrep/i.test(outerText) ? Number(number) : outer;
    const at = Number.parseInt(offset, 16);
    const length = lengthOf(made);
    const last = rows.at(-1);
    const address = place.vstart + at;
    if (last && last.line === line && last.address + last.length === address) rows[rows.length - 1] = { ...last, length: last.length + length };
    else if (length > 0) rows.push({ line, address, length, offset: place.bytes && !made.startsWith("<res") ? place.start - origin + at : null });
  }
  return { origin, rows, symbols: labelsOf(map) };
}
/** Real and virtual address and name, by section; names of macros' own labels ("..@") are nobody's to know. */
function labelsOf(map: string): AssembledSymbol[] {
  const symbols: AssembledSymbol[] = [];
  for (const [, address, name] of map.slice(Math.max(0, map.indexOf("-- Symbols --"))).matchAll(/^ +[0-9A-F]+ +([0-9A-F]+) {2}(\S+)$/gm))
    if (symbols.length < MOST_SYMBOLS && !(name as string).startsWith("..@")) symbols.push({ name: name as string, address: Number.parseInt(address as string, 16) });
  return symbols;
}
/** Bytes that a listing's column stands for: "68656C-", "[0000]", "00<rep 1B4h>", "<res 10h>". */
function lengthOf(made: string): number {
  const reserved = /^<res ([0-9A-F]+)h>/.exec(made);
  if (reserved) return Number.parseInt(reserved[1] as string, 16);
  const [, pattern = "", times = "1"] = /^([^<]*)(?:<rep ([0-9A-F]+)h>)?/.exec(made) ?? [];
  return (pattern.replace(/[^0-9A-F]/g, "").length / 2) * Number.parseInt(times, 16);
}
