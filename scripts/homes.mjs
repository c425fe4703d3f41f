// Replaces the names of a wasm binary by what the translator (workers/cpu/jit) needs of them: for every function of core, whether it leaves the
// guest's general registers alone (bit 0), and whether it is a slow path (bit 1). That follows from the file a function stands in, with the exceptions named here.

/** Files of core whose functions never read or write general registers; they may fault, do I/O and change flags. */
const NO_REGISTERS = new Set([
  "alu", "avx-float", "blocks", "crypto", "fault", "float-core", "float80", "flags", "mmu", "mmx", "operands", "sse-float", "sse-int", "time", "watch", "x87", "x87-math", "x87-state",
]);
/** What fast paths call when they do not apply: not worth copying. */
const COLD = /slow|exact|Fault$|^segmentLinear$/i;
/** Functions of these files that do. */
const EXCEPTIONS = /storeMasked|maskmov|explicitLength|storeIndex|pcmp[ei]str|Stack[.#]/i;
export const HOMES = "guesthouse.homes";
/** Functions of mmu.ts that translated code replaces (core/region.ts): name and index, as JSON. */
const ACCESS = /\/mmu\/((?:read|write)Slow(?:128|<u\d+>)|modifySlow|probeWrite)$/;
export const ACCESSES = "guesthouse.accesses";

/** `keepNames`: for reading with tools. */
export function addHomes(bytes, keepNames) {
  let at = 8;
  const u32 = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = bytes[at++];
      value |= (b & 0x7f) << shift;
      if (!(b & 0x80)) return value >>> 0;
    }
  };
  const text = () => {
    const length = u32();
    at += length;
    return new TextDecoder().decode(bytes.subarray(at - length, at));
  };
  const parts = [bytes.subarray(0, 8)];
  const names = new Map();
  while (at < bytes.length) {
    const start = at;
    const id = bytes[at++];
    const end = u32() + at;
    let keep = true;
    if (id === 0) {
      const name = text();
      if (name === "name") {
        keep = keepNames;
        while (at < end) {
          const sub = bytes[at++];
          const subEnd = u32() + at;
          if (sub === 1) for (let n = u32(); n > 0; n--) names.set(u32(), text());
          at = subEnd;
        }
      } else keep = false;
    }
    if (keep) parts.push(bytes.subarray(start, end));
    at = end;
  }
  if (names.size === 0) throw new Error("homes: the binary has no names");
  const flags = new Uint8Array(Math.max(...names.keys()) + 1);
  for (const [n, name] of names) {
    const home = /^workers\/cpu\/core\/([^/]+)\//.exec(name)?.[1] ?? "";
    if (!NO_REGISTERS.has(home) || EXCEPTIONS.test(name)) continue;
    const own = name.slice(name.lastIndexOf("/") + 1).replace(/<.*/, "");
    flags[n] = COLD.test(own) ? 3 : 1;
  }
  const accesses = {};
  for (const [n, name] of names) {
    const access = ACCESS.exec(name)?.[1];
    if (access !== undefined) accesses[access] = n;
  }
  const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)]);
  for (const [title, content] of [
    [HOMES, flags],
    [ACCESSES, new TextEncoder().encode(JSON.stringify(accesses))],
  ]) {
    const label = new TextEncoder().encode(title);
    parts.push(Uint8Array.from([0, ...leb(1 + label.length + content.length), label.length, ...label]), content);
  }
  return Buffer.concat(parts);
}
