// Runs a case file on core.wasm and prints failures by mnemonic. npx tsx run.ts core.wasm cases.bin [mnemonic] [shown per mnemonic].

import { readFileSync } from "node:fs";
import { CHECK_TRANSCENDENTAL, compare, lastPlaces, unpackCases } from "./cases.ts";
import { Machine } from "./machine.ts";

const [wasm = "", file = "", only = "", shown = "2"] = process.argv.slice(2);
const machine = new Machine(readFileSync(wasm));
const failures = new Map<string, number>();
const totals = new Map<string, number>();
let passed = 0;
let failed = 0;
const places = new Map<string, Map<number, number>>();
for (const c of unpackCases(readFileSync(file))) {
  if (only && c.name !== only) continue;
  totals.set(c.name, (totals.get(c.name) ?? 0) + 1);
  const r = machine.run(c.mode, c.code, c.before);
  const problem = compare(c, r.vector, r.after);
  if (c.check === CHECK_TRANSCENDENTAL && c.vector === 255 && r.vector === 255) {
    const d = lastPlaces(c.after, r.after);
    const m = places.get(c.name) ?? new Map<number, number>();
    m.set(d, (m.get(d) ?? 0) + 1);
    places.set(c.name, m);
  }
  if (problem === "") passed++;
  else {
    failed++;
    const n = (failures.get(c.name) ?? 0) + 1;
    failures.set(c.name, n);
    if (n <= Number(shown)) console.log(`${c.name} ${Buffer.from(c.code).toString("hex")} mode ${c.mode} v${c.vector}: ${problem}`);
    if (only && n <= Number(shown)) {
      const v = new DataView(c.before.buffer, c.before.byteOffset);
      const st = [0, 1].map((i) => Buffer.from(c.before.subarray(144 + 32 + i * 16, 144 + 42 + i * 16)).reverse().toString("hex")).join(" ");
      console.log(`   fcw ${v.getUint16(144, true).toString(16)} fsw ${v.getUint16(146, true).toString(16)} tags ${c.before[148]?.toString(16)} mxcsr ${v.getUint32(168, true).toString(16)} st ${st}`);
    }
  }
}
console.log([...failures].map(([n, k]) => `${n} ${k}/${totals.get(n)}`).join(", "));
for (const [n, m] of places) console.log(`  ${n} last places: ${[...m].sort((a, b) => a[0] - b[0]).map(([d, k]) => `${d}:${k}`).join(" ")}`);
console.log(`${passed} passed, ${failed} failed`);
