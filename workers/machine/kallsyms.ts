// The symbol table that a running Linux keeps of itself (CONFIG_KALLSYMS), found in the guest's memory: no file is needed, and KASLR is no obstacle. After
// linux/scripts/kallsyms.c and kernel/kallsyms.c, all orders from 4.20 on: names compressed with 256 tokens, marked every 256 names (since 6.2, and 6.1 of
// the stable trees, followed by three bytes for each name), addresses as 32-bit offsets from a base. The token table is found by its digits, the rest
// from there, each step checked against the next. Left out: 32-bit kernels, modules (they have tables of their own).

import { FaultError } from "../../src/contract/schema.ts";
import { type Looked, readMemory } from "./look.ts";

const PAGE = 4096n;
/** x86-64 kernels lie in the last 2 GiB, at 2 MiB boundaries (Documentation/arch/x86/x86_64/mm.rst). */
const KERNEL = 0xffffffff80000000n;
const KERNEL_END = 0xffffffffc0000000n;
const MOST = 96 << 20;
const TOKENS = 256;
const none = (): FaultError => new FaultError("symbols.linux", "No Linux with a symbol table of its own was found in memory.", "A 64-bit Linux that has started, built with CONFIG_KALLSYMS.");
const align = (n: number, to: number) => Math.ceil(n / to) * to;

/** The kernel's image in memory around an address of it, from its first mapped page on. */
function image(looked: Looked, inside: bigint): Uint8Array {
  const { cpu } = looked;
  let base = inside & ~0x1fffffn;
  while (base > KERNEL && cpu.translate(base - 0x200000n) !== null) base -= 0x200000n;
  const parts: Uint8Array[] = [];
  for (let at = base, n = 0; at < KERNEL_END && n < MOST; at += PAGE, n += Number(PAGE)) {
    // Pages that were freed after the start (.init) leave holes; a long one is the end.
    const part = readMemory(looked, at, Number(PAGE));
    parts.push(part ?? new Uint8Array(Number(PAGE)));
    if (!part && parts.length > 4096 && parts.slice(-512).every((p) => p.every((b) => b === 0))) break;
  }
  const out = new Uint8Array(parts.length * Number(PAGE));
  parts.forEach((p, n) => out.set(p, n * Number(PAGE)));
  return out;
}
interface Tokens {
  readonly start: number;
  readonly indexEnd: number;
  readonly texts: readonly string[];
}
/** The 256 tokens, and the table of where each begins that follows them. */
function findTokens(bytes: Uint8Array): Tokens | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const digits = "0123456789".split("").flatMap((c) => [c.charCodeAt(0), 0]);
  outer: for (let at = bytes.indexOf(0x30, 1); at >= 0 && at + 20 < bytes.length; at = bytes.indexOf(0x30, at + 1)) {
    for (let k = 0; k < 20; k++) if (bytes[at + k] !== digits[k]) continue outer;
    // 48 tokens lie before "0".
    let zeros = 0;
    let start = at;
    while (start > 0 && at - start < 4096) {
      if (bytes[start - 1] === 0 && ++zeros > 48) break;
      start--;
    }
    if (zeros <= 48 || start % 4) continue;
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
  }
  return null;
}
/** Length of a name at `at`, and where it begins: one byte, or two where the first has bit 7 (6.1 on). */
function nameLength(bytes: Uint8Array, at: number): { readonly length: number; readonly from: number } {
  const first = bytes[at] as number;
  return first & 0x80 ? { length: (first & 0x7f) | ((bytes[at + 1] as number) << 7), from: at + 2 } : { length: first, from: at + 1 };
}
/** Where the names begin and how many there are, looked for before the tokens. */
function findNames(bytes: Uint8Array, view: DataView, tokens: number): { readonly names: number; readonly count: number } | null {
  const u32 = (at: number) => view.getUint32(at, true);
  /** The names that `groups` markers from `markers` on belong to; their number stands eight bytes before the first. */
  const namesOf = (markers: number, groups: number, known: number | null): { readonly names: number; readonly count: number } | null => {
    const last = markers - u32(markers + (groups - 1) * 4);
    for (let at = last & ~7; at > 8 && at > last - 256 * 64; at -= 8) {
      const n = u32(at - 8);
      if ((known === null ? Math.ceil(n / 256) !== groups : n !== known) || u32(at - 4) !== 0) continue;
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
    const at = tokens - align(count * 3, 8) - align(many * 4, 8);
    if (at < 16) return null;
    if (u32(at) !== 0 || u32(at + 4) < 512 || u32(at + 4) > 256 * 128 || u32(at + (many - 1) * 4) >= at) continue;
    const here = namesOf(at, many, count);
    if (here) return here;
  }
  return null;
}
/** Symbols in the bytes of a kernel's image. */
export function kallsyms(bytes: Uint8Array): (readonly [bigint, string])[] {
  const tokens = findTokens(bytes);
  if (!tokens) throw none();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found = findNames(bytes, view, tokens.start);
  if (!found) throw none();
  const { names, count } = found;
  // To 6.3: offsets and base before the count; from 6.4 on behind the token index.
  const isBase = (at: number) => at >= 0 && at + 8 <= bytes.length && view.getBigUint64(at, true) >= KERNEL && view.getBigUint64(at, true) < KERNEL_END;
  const after = align(tokens.indexEnd, 8);
  let offsets: number;
  let base: number;
  if (isBase(names - 16)) {
    base = names - 16;
    offsets = base - align(count * 4, 8);
  } else if (isBase(after + align(count * 4, 8))) {
    offsets = after;
    base = after + align(count * 4, 8);
  } else throw none();
  const from = view.getBigUint64(base, true);
  let negative = 0;
  for (let n = 0; n < count; n++) if (view.getInt32(offsets + n * 4, true) < 0) negative++;
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
/** Finds the running Linux by the handler of its page faults. */
export function linuxSymbols(looked: Looked): (readonly [bigint, string])[] {
  const { cpu } = looked;
  const { efer } = cpu.registers();
  const { idt } = cpu.segments();
  const gate = efer & 0x400n ? readMemory(looked, idt.base + 14n * 16n, 16) : null;
  if (!gate) throw none();
  const g = new DataView(gate.buffer);
  const handler = BigInt(g.getUint16(0, true)) | (BigInt(g.getUint16(6, true)) << 16n) | (BigInt(g.getUint32(8, true)) << 32n);
  if (handler < KERNEL || handler >= KERNEL_END) throw none();
  return kallsyms(image(looked, handler));
}
