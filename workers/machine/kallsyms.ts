// The symbol table that a running Linux keeps of itself (CONFIG_KALLSYMS), found in the guest's memory: no file is needed, and KASLR is no obstacle. After
// linux/scripts/kallsyms.c and kernel/kallsyms.c, all orders from 4.20 on: names compressed with 256 tokens, marked every 256 names (since 6.2, and 6.1 of
// the stable trees, followed by three bytes for each name), addresses as 32-bit offsets from a base. The token table is found by its digits, the rest
// from there, each step checked against the next. 32-bit kernels write words of four bytes instead of eight. Left out: modules (they have tables of
// their own).

import { FaultError } from "../../src/contract/schema.ts";
import { kernelView } from "./linux-view.ts";
import { type Looked, readMemory, type Readable } from "./look.ts";

const PAGE = 4096n;
const MOST = 96 << 20;
const CHUNK = 0x200000n;
/** Size of a word, where a kernel may lie, and whether its pages are looked for below the address that is known. */
export interface Layout {
  readonly word: 4 | 8;
  readonly from: bigint;
  readonly to: bigint;
}
/** x86-64 kernels lie in the last 2 GiB, at 2 MiB boundaries (Documentation/arch/x86/x86_64/mm.rst). */
const LONG: Layout = { word: 8, from: 0xffffffff80000000n, to: 0xffffffffc0000000n };
/** 32-bit ones lie above PAGE_OFFSET, which is a choice of whoever builds one (1 to 3.5 GiB; usually 3), in the mapping of all low memory. */
export const NARROW: Layout = { word: 4, from: 0x40000000n, to: 0xfff00000n };
const TOKENS = 256;
const none = (): FaultError => new FaultError("symbols.linux", "No Linux with a symbol table of its own was found in memory.", "A Linux that has started, built with CONFIG_KALLSYMS.");
const align = (n: number, to: number) => Math.ceil(n / to) * to;

/** The kernel's image in memory around an address of its code, from its first mapped page on; a 32-bit one from the code on, whose tables lie behind it. */
function image(view: Readable, inside: bigint, layout: Layout): { readonly bytes: Uint8Array; readonly from: bigint } {
  let base = inside & ~(CHUNK - 1n);
  if (layout.word === 8) while (base > layout.from && view.cpu.translate(base - CHUNK) !== null) base -= CHUNK;
  const parts: Uint8Array[] = [];
  for (let at = base, n = 0; at < layout.to && n < MOST; at += PAGE, n += Number(PAGE)) {
    // Pages that were freed after the start (.init) leave holes; a long one is the end.
    const part = readMemory(view, at, Number(PAGE));
    parts.push(part ?? new Uint8Array(Number(PAGE)));
    if (!part && parts.length > 4096 && parts.slice(-512).every((p) => p.every((b) => b === 0))) break;
  }
  const out = new Uint8Array(parts.length * Number(PAGE));
  parts.forEach((p, n) => out.set(p, n * Number(PAGE)));
  return { bytes: out, from: base };
}
interface Tokens {
  readonly start: number;
  readonly indexEnd: number;
  readonly texts: readonly string[];
}
/** The 256 tokens from `start` on, where the table of where each begins follows them. */
function tokensFrom(bytes: Uint8Array, view: DataView, start: number): Tokens | null {
  const starts: number[] = [];
  const texts: string[] = [];
  let end = start;
  for (let n = 0; n < TOKENS && end < bytes.length; n++) {
    starts.push(end - start);
    let text = "";
    while (bytes[end]) text += String.fromCharCode(bytes[end++] as number);
    texts.push(text);
    end++;
  }
  for (const index of [align(end, 2), align(end, 4), align(end, 8)]) {
    if (index + TOKENS * 2 <= bytes.length && starts.every((s, n) => view.getUint16(index + n * 2, true) === s)) return { start, indexEnd: index + TOKENS * 2, texts };
  }
  return null;
}
/** Found by its digits: the tokens of single characters stand in order. */
function findTokens(bytes: Uint8Array): Tokens | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const digits = "0123456789".split("").flatMap((c) => [c.charCodeAt(0), 0]);
  outer: for (let at = bytes.indexOf(0x30, 1); at >= 0 && at + 20 < bytes.length; at = bytes.indexOf(0x30, at + 1)) {
    for (let k = 0; k < 20; k++) if (bytes[at + k] !== digits[k]) continue outer;
    // 48 tokens lie before "0", each with a zero behind it.
    let zeros = 0;
    let start = at;
    while (start > 0 && at - start < 4096 && zeros < 48) if (bytes[--start] === 0) zeros++;
    // The first one's text reaches down to what lies before the table, which may end with any byte: the index knows where the table begins.
    for (; zeros === 48 && at - start < 4096; start--) {
      const found = start % 4 ? null : tokensFrom(bytes, view, start);
      if (found) return found;
      if (start === 0 || bytes[start - 1] === 0) break;
    }
  }
  return null;
}
/** Length of a name at `at`, and where it begins: one byte, or two where the first has bit 7 (6.1 on). */
function nameLength(bytes: Uint8Array, at: number): { readonly length: number; readonly from: number } {
  const first = bytes[at] as number;
  return first & 0x80 ? { length: (first & 0x7f) | ((bytes[at + 1] as number) << 7), from: at + 2 } : { length: first, from: at + 1 };
}
/** Where the names begin and how many there are, looked for before the tokens. */
function findNames(bytes: Uint8Array, view: DataView, tokens: number, word: 4 | 8): { readonly names: number; readonly count: number } | null {
  const u32 = (at: number) => view.getUint32(at, true);
  /** The names that `groups` markers from `markers` on belong to; their number stands a word before the first. */
  const namesOf = (markers: number, groups: number, known: number | null): { readonly names: number; readonly count: number } | null => {
    const last = markers - u32(markers + (groups - 1) * 4);
    for (let at = last & ~(word - 1); at > word && at > last - 256 * 64; at -= word) {
      const n = u32(at - word);
      if ((known === null ? Math.ceil(n / 256) !== groups : n !== known) || (word === 8 && u32(at - 4) !== 0)) continue;
      let p = at;
      for (let k = 0; k < 256; k++) {
        const { length, from } = nameLength(bytes, p);
        p = from + length;
      }
      if (p - at === u32(markers + 4)) return { names: at, count: n };
    }
    return null;
  };
  // Markers: rising offsets into the names, the first is 0. Right before the tokens, but for padding …
  let end = tokens;
  while (end > 4 && u32(end - 4) === 0) end -= 4;
  let markers = end - 4;
  while (markers > 4 && u32(markers) !== 0 && u32(markers - 4) < u32(markers)) markers -= 4;
  const groups = (end - markers) / 4;
  const plain = groups >= 2 && u32(markers) === 0 ? namesOf(markers, groups, null) : null;
  if (plain) return plain;
  // … or before three bytes for each of so many names.
  for (let count = 257; count < 1 << 20; count++) {
    const many = Math.ceil(count / 256);
    const at = tokens - align(count * 3, word) - align(many * 4, word);
    if (at < 16) return null;
    if (u32(at) !== 0 || u32(at + 4) < 512 || u32(at + 4) > 256 * 128 || u32(at + (many - 1) * 4) >= at) continue;
    const here = namesOf(at, many, count);
    if (here) return here;
  }
  return null;
}
/** Are these so many unsigned offsets that never fall? */
function rising(view: DataView, at: number, count: number): boolean {
  for (let n = 1; n < count; n++) if (view.getUint32(at + n * 4, true) < view.getUint32(at + n * 4 - 4, true)) return false;
  return true;
}
/** Symbols in the bytes of a kernel's image. */
export function kallsyms(bytes: Uint8Array, { word, from: low, to: high }: Layout = LONG): (readonly [bigint, string])[] {
  const tokens = findTokens(bytes);
  if (!tokens) throw none();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found = findNames(bytes, view, tokens.start, word);
  if (!found) throw none();
  const { names, count } = found;
  // To 6.3: offsets and base before the count; from 6.4 on behind the token index.
  const valueAt = (at: number) => (word === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true)));
  const isBase = (at: number) => at >= 0 && at + word <= bytes.length && valueAt(at) >= low && valueAt(at) < high;
  const after = align(tokens.indexEnd, word);
  let offsets: number;
  let base: number;
  const behind = after + align(count * 4, word);
  // With words of four bytes the count after 6.4 stands where an address may, so what is behind is asked first.
  if (word === 4 && isBase(behind) && rising(view, after, count)) [offsets, base] = [after, behind];
  else if (isBase(names - 2 * word)) {
    base = names - 2 * word;
    offsets = base - align(count * 4, word);
  } else if (isBase(behind)) [offsets, base] = [after, behind];
  else throw none();
  const from = valueAt(base);
  let negative = 0;
  // Only x86-64 has CONFIG_KALLSYMS_ABSOLUTE_PERCPU.
  for (let n = 0; word === 8 && n < count; n++) if (view.getInt32(offsets + n * 4, true) < 0) negative++;
  // CONFIG_KALLSYMS_ABSOLUTE_PERCPU: per-processor symbols are absolute, all others negative.
  const perCpu = negative > count / 2;
  const out: (readonly [bigint, string])[] = [];
  let p = names;
  for (let n = 0; n < count; n++) {
    const { length, from: first } = nameLength(bytes, p);
    let text = "";
    for (let k = 0; k < length; k++) text += tokens.texts[bytes[first + k] as number];
    p = first + length;
    const offset = view.getInt32(offsets + n * 4, true);
    if (perCpu && offset >= 0) continue;
    out.push([perCpu ? from - 1n - BigInt(offset) : from + BigInt(offset >>> 0), text.slice(1)]);
  }
  return out;
}
/** The image of the running Linux, found by the handler of its page faults; null where no such kernel runs. */
export function kernelImage(looked: Looked): { readonly bytes: Uint8Array; readonly from: bigint; readonly layout: Layout } | null {
  const { cpu } = looked;
  const { cr0, efer } = cpu.registers();
  const { idt } = cpu.segments();
  const layout = efer & 0x400n ? LONG : NARROW;
  const view = kernelView(looked);
  const gate = cr0 & 0x80000000n ? readMemory(view, idt.base + 14n * BigInt(layout.word * 2), layout.word * 2) : null;
  if (!gate) return null;
  const g = new DataView(gate.buffer);
  const low = BigInt(g.getUint16(0, true)) | (BigInt(g.getUint16(6, true)) << 16n);
  const handler = layout.word === 8 ? low | (BigInt(g.getUint32(8, true)) << 32n) : low;
  return handler < layout.from || handler >= layout.to ? null : { ...image(view, handler, layout), layout };
}
export function linuxSymbols(looked: Looked): (readonly [bigint, string])[] {
  const found = kernelImage(looked);
  if (!found) throw none();
  return kallsyms(found.bytes, found.layout);
}
