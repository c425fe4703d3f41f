// Turns the call that ends a handler (`call_indirect` before the function's end and the ends of structures around it) into `return_call_indirect`. AssemblyScript cannot
// write tail calls; the two instructions have the same shape, so one byte changes. WebAssembly core spec 3.0, binary format of instructions.

/** Rewrites a wasm binary in place; returns how many calls became tail calls. `accept(typeIndex)` limits it to one signature. */
export function makeTailCalls(bytes) {
  let at = 8;
  const u32 = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = bytes[at++];
      value |= (b & 0x7f) << shift;
      if (!(b & 0x80)) return value >>> 0;
    }
  };
  let handlerType = -1;
  const functionTypes = [];
  let changed = 0;
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = u32();
    const end = at + size;
    if (id === 1) {
      const count = u32();
      for (let n = 0; n < count; n++) {
        at++; // 0x60
        const params = u32();
        const first = bytes[at];
        at += params;
        const results = u32();
        at += results;
        if (params === 1 && first === 0x7f && results === 0) handlerType = n;
      }
    } else if (id === 3) {
      const count = u32();
      for (let n = 0; n < count; n++) functionTypes.push(u32());
    } else if (id === 10) {
      const count = u32();
      for (let n = 0; n < count; n++) {
        const length = u32();
        let last = at + length - 1; // the function's end opcode
        while (bytes[last - 1] === 0x0b) last--; // an arm that falls out of the function
        // call_indirect, type index (one or two bytes), table 0, end
        if (functionTypes[n] === handlerType && bytes[last] === 0x0b && bytes[last - 1] === 0x00) {
          if (bytes[last - 3] === 0x11 && bytes[last - 2] === handlerType) {
            bytes[last - 3] = 0x13;
            changed++;
          }
        }
        at += length;
      }
    }
    at = end;
  }
  return changed;
}
