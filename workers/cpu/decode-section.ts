// The decoder's tables as a custom section of core.wasm, where a build for pages put them (scripts/page-core.ts): computing them takes a worker
// longer than everything else at the start of a machine. Node computes them (isa/tables.ts); nothing of the instruction table is read here.

export const DECODE_SECTION = "guesthouse.decode";

/** Bytes for DECODE_BASE. */
export function decodeSectionOf(core: WebAssembly.Module): Uint8Array {
  const [section] = WebAssembly.Module.customSections(core, DECODE_SECTION);
  if (!section) throw new Error("core.wasm came without the decoder's tables");
  return new Uint8Array(section);
}
