// An installed region for people: the guest's instructions, each with the WebAssembly that was made of it, in the order of the function. The text is
// wasmparser's; calls and globals of core have the names that core exports them by.

import { BinaryReader, DefaultNameResolver, WasmDisassembler } from "wasmparser";
import { compileRegion, type Mark } from "./compile.ts";
import { CoreCode } from "./core-code.ts";
import { CoreFunctions } from "./core-functions.ts";
import { Ir } from "./ir.ts";
import { buildModule, ImportTable } from "./module.ts";
import { type RegionSource, regionOf } from "./region.ts";

export interface ShownInstruction {
  /** Distance from the region's entry in bytes, and bytes of the instruction; null: the function's own beginning and ends. */
  readonly guest: { readonly delta: number; readonly length: number } | null;
  readonly wasm: readonly string[];
}
export interface ShownRegion {
  /** Bytes of the function. */
  readonly size: number;
  readonly parts: readonly ShownInstruction[];
}

/** Null: nothing of it can be translated. */
export function showRegion(core: Uint8Array, source: RegionSource): ShownRegion | null {
  const code = new CoreCode(core);
  const imports = new ImportTable();
  const marks: Mark[] = [];
  const compiled = compileRegion(new CoreFunctions(code), new Ir(), imports, regionOf(source), marks);
  if (!compiled) return null;
  const bytes = buildModule(code, [compiled], imports);
  const lines = text(bytes, new CoreNames(code, imports));
  const start = bytes.length - compiled.body.length;
  const parts: { guest: ShownInstruction["guest"]; wasm: string[] }[] = [{ guest: null, wasm: [] }];
  let next = 0;
  for (const { line, offset } of lines) {
    if (offset < start) continue;
    for (let mark = marks[next]; mark && mark.at + start <= offset; mark = marks[++next]) parts.push({ guest: mark.length ? { delta: mark.delta, length: mark.length } : null, wasm: [] });
    (parts[parts.length - 1] as { wasm: string[] }).wasm.push(line);
  }
  return { size: compiled.body.length, parts };
}
/** Imports by the names under which core exports them; those that have none by their numbers. */
class CoreNames extends DefaultNameResolver {
  private readonly named: ReadonlyMap<string, string>;
  private readonly functions: readonly number[];
  private readonly globals: readonly number[];
  constructor(code: CoreCode, { functions, globals }: ImportTable) {
    super();
    this.named = code.names();
    this.functions = [...functions.keys()];
    this.globals = [...globals.keys()];
  }
  override getFunctionName(index: number, isImport: boolean, isRef: boolean): string {
    return this.name("f", this.functions[index]) ?? super.getFunctionName(index, isImport, isRef);
  }
  override getGlobalName(index: number, isRef: boolean): string {
    return this.name("g", this.globals[index]) ?? super.getGlobalName(index, isRef);
  }
  private name(kind: "f" | "g", index: number | undefined): string | null {
    return index === undefined ? null : `$${this.named.get(`${kind}${index}`) ?? `${kind}${index}`}`;
  }
}
function text(bytes: Uint8Array, names: CoreNames): { readonly line: string; readonly offset: number }[] {
  const reader = new BinaryReader();
  reader.setData(bytes.slice().buffer, 0, bytes.length);
  const disassembler = new WasmDisassembler();
  disassembler.addOffsets = true;
  disassembler.nameResolver = names;
  disassembler.disassembleChunk(reader);
  const { lines, offsets } = disassembler.getResult();
  return lines.map((line, n) => ({ line, offset: (offsets as number[])[n] as number }));
}
