// Adds an export for every function ("f12") and every global ("g3") of a wasm binary, so that translated code (workers/cpu/jit) can call
// what core calls and share its globals. Existing exports stay.

export function exportAll(bytes) {
  let at = 8;
  const u32 = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = bytes[at++];
      value |= (b & 0x7f) << shift;
      if (!(b & 0x80)) return value >>> 0;
    }
  };
  const leb = (n) => {
    const out = [];
    do {
      out.push((n & 127) | (n > 127 ? 128 : 0));
      n >>>= 7;
    } while (n);
    return out;
  };
  const parts = [bytes.subarray(0, 8)];
  let importedFunctions = 0;
  let functions = 0;
  let globals = 0;
  while (at < bytes.length) {
    const start = at;
    const id = bytes[at++];
    const size = u32();
    const end = at + size;
    if (id === 2) {
      const count = u32();
      for (let n = 0; n < count; n++) {
        for (let part = 0; part < 2; part++) {
          const length = u32();
          at += length;
        }
        const kind = bytes[at++];
        if (kind === 0) {
          u32();
          importedFunctions++;
        } else if (kind === 2) {
          const flags = bytes[at++];
          u32();
          if (flags & 1) u32();
        } else throw new Error(`export-all: import kind ${kind}`);
      }
    } else if (id === 3) functions = u32();
    else if (id === 6) globals = u32();
    if (id === 7) {
      const count = u32();
      const rest = bytes.subarray(at, end);
      const extra = [];
      const text = new TextEncoder();
      const all = importedFunctions + functions;
      for (let n = 0; n < all; n++) {
        const name = text.encode(`f${n}`);
        extra.push(...leb(name.length), ...name, 0, ...leb(n));
      }
      for (let n = 0; n < globals; n++) {
        const name = text.encode(`g${n}`);
        extra.push(...leb(name.length), ...name, 3, ...leb(n));
      }
      const head = leb(count + all + globals);
      parts.push(Uint8Array.from([7, ...leb(head.length + rest.length + extra.length), ...head]), rest, Uint8Array.from(extra));
    } else parts.push(bytes.subarray(start, end));
    at = end;
  }
  return Buffer.concat(parts);
}
