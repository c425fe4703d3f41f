// Names of addresses: read from a System.map (or what nm prints), an ELF file's symbol table, or found in a running Linux (kallsyms.ts). One table per
// machine; an address belongs to the nearest name below it.

import type { SymbolAt } from "../../src/contract/inspect.ts";
import { FaultError } from "../../src/contract/schema.ts";

/** Farther from a name than this, an address is nobody's. */
const FARTHEST = 0x100000n;

export class Symbols {
  private addresses: BigUint64Array = new BigUint64Array(0);
  private names: readonly string[] = [];
  private readonly byName = new Map<string, bigint>();
  /** Where they are from, in a word; "" while there are none. */
  from = "";

  get count(): number {
    return this.names.length;
  }
  set(list: readonly (readonly [address: bigint, name: string])[], from: string): void {
    const sorted = [...list].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.addresses = BigUint64Array.from(sorted, ([a]) => a);
    this.names = sorted.map(([, name]) => name);
    this.byName.clear();
    for (const [address, name] of sorted) if (!this.byName.has(name)) this.byName.set(name, address);
    this.from = from;
  }
  address(name: string): bigint | null {
    return this.byName.get(name) ?? null;
  }
  at(address: bigint): SymbolAt | null {
    const { addresses } = this;
    let low = 0;
    let high = addresses.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if ((addresses[middle] as bigint) <= address) low = middle + 1;
      else high = middle - 1;
    }
    if (high < 0) return null;
    const offset = address - (addresses[high] as bigint);
    // The first of several names for one address.
    while (high > 0 && addresses[high - 1] === addresses[high]) high--;
    return offset < FARTHEST ? { name: this.names[high] as string, offset: Number(offset) } : null;
  }
  /** Names that begin so, for completion and search. */
  find(start: string, most: number): readonly { readonly name: string; readonly address: bigint }[] {
    const out: { name: string; address: bigint }[] = [];
    for (const [name, address] of this.byName) {
      if (!name.startsWith(start)) continue;
      out.push({ name, address });
      if (out.length >= most) break;
    }
    return out;
  }
}
/** "ffffffff81000000 T _text" lines. */
export function parseSystemMap(text: string): [bigint, string][] {
  const out: [bigint, string][] = [];
  for (const line of text.split("\n")) {
    const m = /^([0-9a-fA-F]{8,16})\s+[A-Za-z]\s+(\S+)/.exec(line);
    if (m && !/^0+$/.test(m[1] as string)) out.push([BigInt(`0x${m[1]}`), m[2] as string]);
  }
  if (out.length === 0) throw new FaultError("symbols.none", "There are no symbols in this file.", "A System.map, what nm prints, or an ELF file with a symbol table.");
  return out;
}
const STT_NOTYPE = 0;
const STT_FUNC = 2;
/** Functions and labels of an ELF file (System V ABI, Symbol Table). */
export function parseElfSymbols(bytes: Uint8Array): [bigint, string][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out: [bigint, string][] = [];
  try {
    const wide = bytes[4] === 2;
    const long = (at: number) => (wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
    const sections = long(wide ? 40 : 32);
    const size = view.getUint16(wide ? 58 : 46, true);
    const count = view.getUint16(wide ? 60 : 48, true);
    const field = (n: number, at32: number, at64: number) => long(sections + n * size + (wide ? at64 : at32));
    for (let n = 0; n < count; n++) {
      if (view.getUint32(sections + n * size + 4, true) !== 2) continue; // SHT_SYMTAB
      const strings = field(view.getUint32(sections + n * size + (wide ? 40 : 24), true), 16, 24);
      const [from, length] = [field(n, 16, 24), field(n, 20, 32)];
      const entry = wide ? 24 : 16;
      for (let at = from; at + entry <= from + length; at += entry) {
        const type = view.getUint8(at + (wide ? 4 : 12)) & 15;
        const section = view.getUint16(at + (wide ? 6 : 14), true);
        if ((type !== STT_NOTYPE && type !== STT_FUNC) || section === 0) continue;
        const name = strings + view.getUint32(at, true);
        let end = name;
        while (bytes[end]) end++;
        const text = new TextDecoder().decode(bytes.slice(name, end));
        if (text !== "" && !text.startsWith("$")) out.push([wide ? view.getBigUint64(at + 8, true) : BigInt(view.getUint32(at + 4, true)), text]);
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FaultError("symbols.damaged", "This ELF file is damaged or cut short.", "A System.map, what nm prints, or an ELF file with a symbol table.");
  }
  if (out.length === 0) throw new FaultError("symbols.none", "There are no symbols in this file.", "A System.map, what nm prints, or an ELF file with a symbol table.");
  return out;
}
