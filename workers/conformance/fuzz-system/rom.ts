// Cases into a ROM behind the driver (driver.asm), and what its lines say. The same ROM runs on our board, in QEMU and in Bochs.

import { assemble, MODE_NAMES, type SystemCase, widthOf } from "./forms.ts";
import { disassemble } from "../../cpu/isa/disassemble.ts";

const CASES = 0x2000;
const END = 0xff00;
const HEAD = 56;

/** A case as the driver reads it; the code is fixed, so a record is also how found cases are stored. */
export function recordOf(c: SystemCase): Uint8Array {
  const code = assemble(c);
  const length = (HEAD + code.length + c.pokes.length * 6 + 3) & ~3;
  const b = new Uint8Array(length);
  const v = new DataView(b.buffer);
  v.setUint16(0, length, true);
  b[2] = c.mode;
  b[3] = code.length;
  b[4] = c.pokes.length;
  b[5] = c.paging;
  v.setUint32(8, c.cr0, true);
  v.setUint32(12, c.cr4, true);
  v.setUint32(16, c.flags, true);
  c.registers.forEach((r, i) => v.setUint32(20 + i * 4, r, true));
  c.segments.forEach((s, i) => v.setUint16(48 + i * 2, s, true));
  b.set(code, HEAD);
  c.pokes.forEach(([at, bits], i) => {
    v.setUint16(HEAD + code.length + i * 6, at, true);
    v.setUint32(HEAD + code.length + i * 6 + 2, bits, true);
  });
  return b;
}
/** As many records as fit, numbered from 0. */
export function buildRom(driver: Uint8Array, records: readonly Uint8Array[]): { readonly rom: Uint8Array; readonly count: number } {
  const rom = driver.slice();
  let at = CASES;
  let count = 0;
  for (const record of records) {
    if (at + record.length + 2 > END) break;
    rom.set(record, at);
    new DataView(rom.buffer).setUint16(at + 6, count, true);
    at += record.length;
    count++;
  }
  return { rom, count };
}
/** Runs a ROM; lines, with "(reset)" or "(no end)" behind them where it did not end well. */
export type Runner = (rom: Uint8Array) => string[] | Promise<string[]>;
/** What each case left: its line, "(reset)", or "(no end)". A case that ends the machine is answered by a new one for those behind it. */
export async function runRecords(driver: Uint8Array, records: readonly Uint8Array[], run: Runner): Promise<string[]> {
  const answers: string[] = [];
  while (answers.length < records.length) {
    const { rom, count } = buildRom(driver, records.slice(answers.length));
    const lines = await run(rom);
    const done = byCase(lines);
    let n = 0;
    for (; n < count; n++) {
      const line = done.get(n);
      // One that broke off has no full stop.
      if (!line?.endsWith(" .")) break;
      answers.push(line.slice(0, -2));
    }
    if (n === count) continue;
    const how = lines.at(-1) === "(no end)" ? "(no end)" : "(reset)";
    // Killed, an oracle may keep its last lines to itself: ask about this one alone.
    if (how === "(reset)" || n === 0) answers.push(how);
    else answers.push(...(await runRecords(driver, [records[answers.length] as Uint8Array], run)));
  }
  return answers;
}
const FIELDS = ["kind", "vector", "error", "ip", "ip.high", "flags", "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "cs:es", "ds:ss", "gs:fs", "cr0", "gs.base", "efer", "dr6", "dr7", "cr2", "cr3", "cr4", "tr", "ldtr"] as const;

/** The line of each case by number, without the number. */
export function byCase(lines: readonly string[]): Map<number, string> {
  const out = new Map<number, string>();
  for (const l of lines) {
    const m = /^([0-9A-F]+): (.*)$/.exec(l);
    if (m) out.set(Number.parseInt(m[1] as string, 16), m[2] as string);
  }
  return out;
}
/** What differs between two lines, in words. */
export function difference(mine: string, theirs: string): string {
  if (mine === theirs) return "";
  const parse = (line: string) => {
    const [state = "", memory = ""] = line.split(" |");
    return { state: state.trim().split(" "), memory: new Map(memory.trim().split(" ").filter((w) => w !== "").map((w) => w.split("=") as [string, string])) };
  };
  if (!mine.includes("|") || !theirs.includes("|")) return `${mine.slice(0, 40)} instead of ${theirs.slice(0, 40)}`;
  const [a, b] = [parse(mine), parse(theirs)];
  const out: string[] = [];
  FIELDS.forEach((name, i) => {
    if (a.state[i] !== b.state[i]) out.push(`${name}=${a.state[i]} not ${b.state[i]}`);
  });
  for (const at of new Set([...a.memory.keys(), ...b.memory.keys()])) if (a.memory.get(at) !== b.memory.get(at)) out.push(`[${at}]=${a.memory.get(at) ?? "same"} not ${b.memory.get(at) ?? "same"}`);
  return out.join(", ");
}
/** A record for a person. */
export function listing(record: Uint8Array): string {
  const v = new DataView(record.buffer, record.byteOffset);
  const [mode = 0, length = 0, count = 0, paging = 0] = [record[2], record[3], record[4], record[5]];
  const hex = (n: number) => n.toString(16).toUpperCase();
  const head = `${MODE_NAMES[mode]}, paging ${["off", "32-bit", "PAE", "4 levels"][paging]}, cr0=${hex(v.getUint32(8, true))} cr4=${hex(v.getUint32(12, true))} flags=${hex(v.getUint32(16, true))} fs gs es ds=${[48, 50, 52, 54].map((o) => hex(v.getUint16(o, true))).join(" ")} eax..edi=${[0, 1, 2, 3, 4, 5, 6].map((i) => hex(v.getUint32(20 + i * 4, true))).join(" ")}`;
  const lines = [head];
  for (let i = 0; i < count; i++) lines.push(`  [${hex(v.getUint16(HEAD + length + i * 6, true))}] ^= ${hex(v.getUint32(HEAD + length + i * 6 + 2, true))}`);
  for (let at = 0; at < length; ) {
    const d = disassemble(record.subarray(HEAD + at, HEAD + length), widthOf(mode), BigInt(0x40000 + at));
    lines.push(`  ${hex(0x40000 + at)} ${Buffer.from(record.subarray(HEAD + at, HEAD + at + d.length)).toString("hex").padEnd(22)} ${d.text}`);
    at += d.length;
  }
  return lines.join("\n");
}
