// The decoder's tables as a custom section of core.wasm, where a build for pages put them (scripts/page-core.ts): computing them takes a worker
// longer than everything else at the start of a machine.

import { decodeTables } from "./isa/tables.ts";

export const DECODE_SECTION = "guesthouse.decode";
let computed: Uint8Array | null = null;

/** Bytes for DECODE_BASE. */
export function decodeTablesOf(core: WebAssembly.Module): Uint8Array {
  const [section] = WebAssembly.Module.customSections(core, DECODE_SECTION);
  if (section) return new Uint8Array(section);
  computed ??= decodeTables();
  return computed;
}
