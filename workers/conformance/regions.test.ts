// Golden files: what the translator makes of a dozen small pieces of code, as WebAssembly text beside the guest's instructions. A change of core's handlers or of
// the translator shows here: read the difference, then `npx vitest run -u workers/conformance/regions.test.ts`.

import binaryen from "binaryen";
import { expect, test } from "vitest";
import { CoreCode } from "../cpu/jit/core-code.ts";
import { disassemble } from "../cpu/isa/disassemble.ts";
import { DATA_LINEAR, STATE_SIZE } from "./harness/cases.ts";
import { coreBinary } from "./harness/core-wasm.ts";
import { Translated } from "./harness/translated.ts";

const PIECES: readonly (readonly [string, 32 | 64, string])[] = [
  ["move", 64, "4889d8"],
  ["add-with-dead-flags", 64, "4801d84829c8"],
  ["compare-and-branch", 64, "39d87c02ffc0"],
  ["countdown-loop", 64, "ffc975fc"],
  ["load", 64, "8b4308"],
  ["load-32", 32, "8b4308"],
  ["store", 64, "894308"],
  ["read-modify-write", 64, "014308"],
  ["push-pop", 64, "505b"],
  ["call-return", 64, "e803000000eb02c3"],
  ["shift-by-constant", 64, "c1e805"],
  ["vector-add", 64, "660ffec1"],
  ["divide", 64, "f7f3"],
];
const core = coreBinary();
/** Core's functions and globals by export name; those that have none are numbered by whatever core is today, so they are left out. */
const names = new CoreCode(core.bytes).names();

function text(bytes: Uint8Array): string {
  const module = binaryen.readBinary(bytes);
  const all = module.emitText();
  module.dispose();
  return all.replace(/"core" "([fg]\d+)"/g, (_, n: string) => `"core" "${names.get(n) ?? n[0]}"`);
}
function listing(code: Uint8Array, bits: 32 | 64): string {
  const lines: string[] = [];
  for (let at = 0; at < code.length; ) {
    const { length, text: line } = disassemble(code.subarray(at), bits, BigInt(at));
    lines.push(`;; ${at.toString(16).padStart(2, "0")}  ${line}`);
    at += Math.max(1, length);
  }
  return lines.join("\n");
}
test.each(PIECES)("the region made of %s", async (name, bits, hex) => {
  const code = Uint8Array.from(Buffer.from(hex, "hex"));
  const before = new Uint8Array(STATE_SIZE);
  const view = new DataView(before.buffer);
  for (let r = 0; r < 16; r++) view.setBigUint64(r * 8, BigInt(DATA_LINEAR) + 0x40n, true);
  // A processor of its own, so that no piece moves another's records.
  const translated = new Translated(core, false);
  // UD2 behind it: the region ends there.
  translated.run(bits === 64 ? 0 : 1, Uint8Array.of(...code, 0x0f, 0x0b), before);
  const [first] = translated.modules();
  expect(first).toBeDefined();
  await expect(`${listing(code, bits)}\n${text(first as Uint8Array)}`).toMatchFileSnapshot(`./regions/${name}.wat`);
});
