// A small builder of ACPI Machine Language (ACPI 6.4, chapter 20): just the terms our DSDT uses. Every function returns bytes.

export type Aml = Uint8Array;

export function bytes(...parts: (Aml | number)[]): Aml {
  let length = 0;
  for (const p of parts) length += typeof p === "number" ? 1 : p.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const p of parts) {
    if (typeof p === "number") out[at++] = p;
    else {
      out.set(p, at);
      at += p.length;
    }
  }
  return out;
}
export function le(value: number, size: number): Aml {
  return Uint8Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 0xff);
}
/** PkgLength counts itself (20.2.4). */
function packaged(body: Aml): Aml {
  const n = body.length;
  if (n + 1 < 64) return bytes(n + 1, body);
  if (n + 2 < 1 << 12) return bytes(0x40 | ((n + 2) & 15), (n + 2) >> 4, body);
  const total = n + 3;
  return bytes(0x80 | (total & 15), (total >> 4) & 0xff, total >> 12, body);
}
/** A path such as `\_SB.PCI0` or `LNKA`; segments are padded with underscores. */
export function name(path: string): Aml {
  const root = path.startsWith("\\");
  const segments = (root ? path.slice(1) : path).split(".").filter((s) => s !== "");
  const coded = segments.map((s) => new TextEncoder().encode(s.padEnd(4, "_")));
  const prefix = root ? [0x5c] : [];
  if (coded.length === 0) return bytes(...prefix, 0);
  if (coded.length === 1) return bytes(...prefix, ...coded);
  if (coded.length === 2) return bytes(...prefix, 0x2e, ...coded);
  return bytes(...prefix, 0x2f, coded.length, ...coded);
}
export function int(value: number): Aml {
  if (value === 0 || value === 1) return bytes(value);
  if (value < 0x100) return bytes(0x0a, value);
  if (value < 0x10000) return bytes(0x0b, le(value, 2));
  if (value < 2 ** 32) return bytes(0x0c, le(value, 4));
  return bytes(0x0e, le(value, 8));
}
export const str = (s: string): Aml => bytes(0x0d, new TextEncoder().encode(s), 0);
/** "PNP0A03" as a compressed id (19.3.4). */
export function eisa(id: string): Aml {
  const letter = (i: number) => id.charCodeAt(i) - 0x40;
  const high = (letter(0) << 10) | (letter(1) << 5) | letter(2);
  const low = Number.parseInt(id.slice(3), 16);
  return bytes(0x0c, high >> 8, high & 0xff, low >> 8, low & 0xff);
}
export const nameDef = (path: string, value: Aml): Aml => bytes(0x08, name(path), value);
export const scope = (path: string, ...terms: Aml[]): Aml => bytes(0x10, packaged(bytes(name(path), ...terms)));
export const device = (path: string, ...terms: Aml[]): Aml => bytes(0x5b, 0x82, packaged(bytes(name(path), ...terms)));
export const processor = (path: string, id: number): Aml => bytes(0x5b, 0x83, packaged(bytes(name(path), id, le(0, 4), 0)));
export const method = (path: string, args: number, serialized: boolean, ...terms: Aml[]): Aml =>
  bytes(0x14, packaged(bytes(name(path), args | (serialized ? 8 : 0), ...terms)));
export const pkg = (...elements: Aml[]): Aml => bytes(0x12, packaged(bytes(elements.length, ...elements)));
export const buffer = (data: Aml): Aml => bytes(0x11, packaged(bytes(int(data.length), data)));
/** Space: 0 memory, 1 I/O, 2 PCI configuration. */
export const region = (path: string, space: number, offset: number, length: number): Aml =>
  bytes(0x5b, 0x80, name(path), space, int(offset), int(length));
/** Byte access, no lock, preserve. */
export const byteField = (of: string, ...entries: [name: string, bits: number][]): Aml =>
  bytes(0x5b, 0x81, packaged(bytes(name(of), 1, ...entries.map(([n, bits]) => bytes(name(n), packedBits(bits))))));
/** A field's length uses the PkgLength coding, without counting itself. */
const packedBits = (bits: number): Aml => (bits < 64 ? bytes(bits) : bytes(0x40 | (bits & 15), bits >> 4));
export const notify = (path: string, value: number): Aml => bytes(0x86, name(path), int(value));
export const ret = (value: Aml): Aml => bytes(0xa4, value);
export const store = (value: Aml, target: Aml): Aml => bytes(0x70, value, target);
export const or = (a: Aml, b: Aml, target: Aml): Aml => bytes(0x7d, a, b, target);
export const and = (a: Aml, b: Aml, target: Aml = bytes(0)): Aml => bytes(0x7b, a, b, target);
export const less = (a: Aml, b: Aml): Aml => bytes(0x95, a, b);
export const iff = (condition: Aml, ...terms: Aml[]): Aml => bytes(0xa0, packaged(bytes(condition, ...terms)));
export const createDword = (source: Aml, offset: number, path: string): Aml => bytes(0x8a, source, int(offset), name(path));
export const arg = (n: number): Aml => bytes(0x68 + n);
export const call = (path: string, ...args: Aml[]): Aml => bytes(name(path), ...args);

// ---- resource descriptors (6.4) --------------------------------------------------------------------------------------

export const resources = (...items: Aml[]): Aml => buffer(bytes(...items, 0x79, 0));
export const io = (base: number, length: number, align = 1): Aml => bytes(0x47, 1, le(base, 2), le(base, 2), align, length);
/** ISA interrupt: edge, active high, exclusive. */
export const irqNoFlags = (line: number): Aml => bytes(0x22, le(1 << line, 2));
export const dma8 = (channel: number): Aml => bytes(0x2a, 1 << channel, 0);
/** Level, active high, shared, consumer. */
export const interrupts = (...lines: number[]): Aml =>
  bytes(0x89, le(2 + 4 * lines.length, 2), 0x09, lines.length, ...lines.map((l) => le(l, 4)));
export const memory32Fixed = (base: number, length: number, writable: boolean): Aml => bytes(0x86, le(9, 2), writable ? 1 : 0, le(base, 4), le(length, 4));
/** Word address space: type 0 memory, 1 I/O, 2 bus numbers; fixed limits, positive decode. */
export const wordSpace = (type: number, flags: number, low: number, high: number): Aml =>
  bytes(0x88, le(13, 2), type, 0x0c, flags, le(0, 2), le(low, 2), le(high, 2), le(0, 2), le(high - low + 1, 2));
export const dwordMemory = (cacheable: boolean, low: number, high: number): Aml =>
  bytes(0x87, le(23, 2), 0, 0x0c, cacheable ? 3 : 1, le(0, 4), le(low, 4), le(high, 4), le(0, 4), le(high - low + 1, 4));
