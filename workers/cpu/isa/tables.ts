// The decoder's tables as bytes, in the layout that core/decode.ts reads at DECODE_BASE: opcode maps (64-bit mode first, then legacy), groups by
// ModRM, rows. Built at start from the same rows as the handlers, so the two cannot disagree.

import { allHandlers, featureNumber, handlerOf, immediateKind, parseEncoding, parseOperands, ROWS, recipeOf, slots } from "./expand.ts";

export const MAPS_OFFSET = 0;
export const LEGACY_MAPS_OFFSET = 0x2000;
export const GROUPS_OFFSET = 0x4000;
export const ROWS_OFFSET = 0x1c000;
/** VEX maps: 2 values of W, 2 of L, maps 0F 0F38 0F3A, 4 prefixes, 256 opcodes, u16 each. */
export const VEX_OFFSET = 0x3a000;
export const HANDLERS_OFFSET = 0x40000;
const GROUP_ENTRIES = 72;

/** Bytes for DECODE_BASE up to HANDLERS_OFFSET (the core fills in the handler table itself). */
export function decodeTables(): Uint8Array {
  const bytes = new Uint8Array(HANDLERS_OFFSET);
  const view = new DataView(bytes.buffer);
  const handlerIndex = new Map([...allHandlers().keys()].map((name, i) => [name, i] as const));

  // Rows: row number + 1, so that 0 means "nothing".
  ROWS.forEach((row, n) => {
    const at = ROWS_OFFSET + (n + 1) * 32;
    const enc = parseEncoding(row.enc);
    const ops = parseOperands(row.operands);
    // Control registers take no memory operand whatever mod says.
    const noEa = ops.some((o) => o.letter === "R");
    for (let s = 0; s < 3; s++)
      for (const form of [0, 1]) {
        const memory = form === 0 && enc.modrm && !noEa;
        const h = handlerOf(row, memory, s);
        view.setUint16(at + (form * 3 + s) * 2, h ? (handlerIndex.get(h.name) ?? 0xffff) : 0xffff, true);
      }
    bytes[at + 12] = immediateKind(ops);
    bytes[at + 13] =
      (enc.modrm ? 1 : 0) |
      (row.end ? 2 : 0) |
      (row.mode === "no64" ? 4 : 0) |
      (row.mode === "only64" ? 8 : 0) |
      (row.size64 === "default" ? 16 : 0) |
      (row.size64 === "force" ? 32 : 0) |
      (row.lock ? 64 : 0) |
      (noEa ? 128 : 0);
    for (const form of [0, 1]) {
      const list = slots(ops, form === 0 && enc.modrm && !noEa);
      list.forEach((o, i) => {
        bytes[at + 14 + form * 3 + i] = recipeOf(o);
      });
    }
    bytes[at + 22] = featureNumber(row.cpuid);
    // VVVV: the prefix's register field names an operand; VSIB; the mandatory prefix is ignored without the feature.
    bytes[at + 23] = (ops.some((o) => o.letter === "H" || o.letter === "B") ? 1 : 0) | (row.vsib ? 2 : 0) | (row.prefixOptional ? 4 : 0);
    view.setUint16(at + 24, n, true);
  });

  // Which prefixes are claimed explicitly by rows of an opcode.
  const explicit = new Map<number, Set<number>>();
  for (const row of ROWS) {
    const e = parseEncoding(row.enc);
    if (e.prefix === null) continue;
    if (e.vex) continue;
    const key = (e.map << 8) | e.opcode;
    explicit.set(key, (explicit.get(key) ?? new Set()).add(e.prefix));
  }
  let groups = 0;
  const groupAt = (slot: number): number => {
    const old = view.getUint16(slot, true);
    if (old & 0x8000) return GROUPS_OFFSET + (old & 0x7fff) * GROUP_ENTRIES * 2;
    const g = GROUPS_OFFSET + groups * GROUP_ENTRIES * 2;
    for (let k = 0; k < GROUP_ENTRIES; k++) view.setUint16(g + k * 2, old, true);
    view.setUint16(slot, 0x8000 | groups++, true);
    return g;
  };
  ROWS.forEach((row, n) => {
    const e = parseEncoding(row.enc);
    if (e.vex === null) return;
    for (const w of e.vex.w === 2 ? [0, 1] : [e.vex.w])
      for (const l of e.vex.l === 2 ? [0, 1] : [e.vex.l]) {
        const slot = VEX_OFFSET + ((((w * 2 + l) * 3 + (e.map - 1)) * 4 + (e.prefix ?? 0)) * 256 + e.opcode) * 2;
        if (e.digit === null && e.only === null) {
          if (view.getUint16(slot, true) !== 0) throw new Error(`isa: ${row.op} ${row.enc}: the opcode is taken`);
          view.setUint16(slot, n + 1, true);
          continue;
        }
        const g = groupAt(slot);
        for (let k = 0; k < GROUP_ENTRIES; k++) {
          const reg = k < 8 ? k : ((k - 8) >> 3) & 7;
          if ((e.only === "m" && k >= 8) || (e.only === "r" && k < 8) || (e.digit !== null && reg !== e.digit)) continue;
          view.setUint16(g + k * 2, n + 1, true);
        }
      }
  });
  const place = (base: number, long: boolean) => {
    ROWS.forEach((row, n) => {
      if (row.mode === (long ? "no64" : "only64")) return;
      const e = parseEncoding(row.enc);
      if (e.vex !== null) return;
      const simd = row.guard === "sse" || row.guard === "mmx";
      // Without a mandatory prefix: SIMD rows take exactly none; others take every prefix that no row of this opcode claims for the same ModRM.
      const prefixes = e.prefix !== null ? [e.prefix] : simd ? [0] : [0, 1, 2, 3];
      for (const prefix of prefixes)
        for (let i = 0; i < (e.plusR ? 8 : 1); i++) {
          const slot = base + (((e.map * 4 + prefix) << 8) | (e.opcode + i)) * 2;
          const weak = e.prefix === null && prefix !== 0;
          const old = view.getUint16(slot, true);
          if (!e.modrm || (e.digit === null && e.exact === null && e.only === null)) {
            if (old === 0) view.setUint16(slot, n + 1, true);
            else if (old & 0x8000) {
              // Fill what the group leaves open.
              const g = GROUPS_OFFSET + (old & 0x7fff) * GROUP_ENTRIES * 2;
              for (let k = 0; k < GROUP_ENTRIES; k++) {
                const had = ROWS[view.getUint16(g + k * 2, true) - 1];
                // A row that claims the prefix goes before one that merely allows it.
                if (!had || (e.prefix !== null && !weak && parseEncoding(had.enc).prefix === null)) view.setUint16(g + k * 2, n + 1, true);
              }
            } else if (!weak && e.prefix !== null) view.setUint16(slot, n + 1, true);
            continue;
          }
          const g = groupAt(slot);
          for (let k = 0; k < GROUP_ENTRIES; k++) {
            const memory = k < 8;
            const modrm = memory ? k << 3 : 0xc0 | (k - 8);
            if (e.only === "m" && !memory) continue;
            if (e.only === "r" && memory) continue;
            if (e.digit !== null && ((modrm >> 3) & 7) !== e.digit) continue;
            if (e.exact !== null && (memory || modrm !== e.exact)) continue;
            const had = view.getUint16(g + k * 2, true);
            if (weak && had !== 0 && explicit.get((e.map << 8) | e.opcode)?.has(prefix)) continue;
            view.setUint16(g + k * 2, n + 1, true);
          }
        }
    });
  };
  // Rows with a mandatory prefix first would also do; exact ModRM rows come after digit rows in the lists, so later wins.
  place(MAPS_OFFSET, true);
  place(LEGACY_MAPS_OFFSET, false);
  if (GROUPS_OFFSET + groups * GROUP_ENTRIES * 2 > ROWS_OFFSET) throw new Error(`isa: ${groups} groups do not fit`);
  if (ROWS_OFFSET + (ROWS.length + 1) * 32 > VEX_OFFSET) throw new Error(`isa: ${ROWS.length} rows do not fit`);
  return bytes;
}
