// Each CPUID feature stands before what it promises: without it every row that names it is #UD (or what the plain opcode means, where the manual says the
// prefix is ignored); what no row names is refused by ring 0's registers and tables (system/features), or has its reason here. Models give only what there is.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { disassemble } from "../cpu/isa/disassemble.ts";
import { ROWS } from "../cpu/isa/expand.ts";
import { FEATURES } from "../cpu/isa/features.ts";
import { chooseCpu, cpuModels } from "../cpu/models.ts";
import { type Case, unpackCases } from "./harness/cases.ts";
import { coreWasm } from "./harness/core-wasm.ts";
import { Machine } from "./harness/machine.ts";
import { notCaptured } from "./harness/not-captured.ts";

const UD = 6;
/** Lines of system/features (or of another program) that are there because of the feature. */
const SYSTEM: { readonly [feature: string]: string } = {
  vme: "features/CR4.VME", de: "features/CR4.DE", pse: "features/CR4.PSE", mce: "features/CR4.MCE", pge: "features/CR4.PGE", mtrr: "features/MTRRCAP, read", pat: "features/PAT, read",
  "tsc-deadline": "features/TSC_DEADLINE, read", x2apic: "features/x2APIC mode", cx16: "features/cmpxchg16b", pcid: "features/CR4.PCIDE", smep: "features/CR4.SMEP",
  umip: "features/CR4.UMIP", "tsc-adjust": "features/TSC_ADJUST, read", syscall: "features/EFER.SCE", nx: "features/EFER.NXE", pdpe1gb: "features/a page of 1 GiB", "lahf-lm": "features/lahf in 64-bit code",
  pse36: "features-2/bit 13", xgetbv1: "xsave/XGETBV 1, all initial",
};
/** Nothing to refuse. */
const BARE: { readonly [feature: string]: string } = {
  pae: "part of every model; long mode needs it",
  lm: "EFER.LME and the registers of long mode (SWAPGS, FS and GS base): 64-bit guests boot with it only",
  apic: "the APIC is a device of the board",
  mca: "machine-check registers answer zero with or without it",
  ss: "self-snoop: nothing a program can tell",
  ht: "how CPUID counts processors",
  hypervisor: "leaf 40000000h is there",
  mmxext: "AMD's name for instructions that are SSE's, and gated as those",
  erms: "strings are no different (system/fast-strings)",
  fsrm: "strings are no different (system/fast-strings)",
  "3dnowprefetch": "PREFETCH and PREFETCHW are no-operations on processors before it (APM 3)",
  vmx: "no model has it",
};
const cases = ["integer", "x87-sse", "avx"].flatMap((suite) => [...unpackCases(readFileSync(new URL(`${suite}/cases.bin`, import.meta.url)))]);
/** Rows that are #UD in ring 3 (SYSENTER: on AMD) with their feature too: lines of system/features. */
const RING_0 = ["STAC", "CLAC", "MONITOR", "MWAIT", "SYSENTER"];
/** For each row a case that is not #UD by itself, nor #GP for its 16 bytes. */
const example = new Map<number, Case>();
for (const c of cases) {
  if (c.vector === UD || c.code.length > 15) continue;
  const { row } = disassemble(c.code, c.mode === 0 ? 64 : 32, 0n);
  if (row !== null && !example.has(row)) example.set(row, c);
}
const everything = new Uint32Array(8).fill(0xffffffff);
const without = (feature: string): Uint32Array => {
  const words = everything.slice();
  const n = FEATURES[feature] as number;
  words[n >> 5] = (words[n >> 5] as number) & ~(1 << (n & 31));
  return words;
};

describe("CPUID features", () => {
  test("a row without its feature is #UD, or what its opcode means without the prefix", () => {
    const machine = new Machine(coreWasm());
    const wrong: string[] = [];
    let refused = 0;
    ROWS.forEach((row, n) => {
      if (row.cpuid === undefined || row.cpuid === "fpu") return;
      const c = example.get(n);
      if (!c) {
        // Those that a program cannot be asked about.
        if (notCaptured(row) === "" && !RING_0.includes(row.op)) wrong.push(`${row.op} ${row.enc}: no case to try`);
        return;
      }
      machine.setFeatures(everything);
      const on = machine.run(c.mode, c.code, c.before).vector;
      machine.setFeatures(without(row.cpuid));
      const off = machine.run(c.mode, c.code, c.before).vector;
      if (on === UD || (off === UD) === (row.prefixOptional === true)) wrong.push(`${row.op} ${row.enc}, ${row.cpuid}: vector ${on} with it, ${off} without`);
      refused++;
    });
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(1100);
  });
  test("every feature has rows, lines of a system program, or a reason", () => {
    const named = new Set(ROWS.map((r) => r.cpuid));
    const known = [...Object.keys(SYSTEM), ...Object.keys(BARE)];
    expect(Object.keys(FEATURES).filter((f) => !named.has(f) && !known.includes(f))).toEqual([]);
    expect(known.filter((f) => FEATURES[f] === undefined)).toEqual([]);
    const missing = Object.entries(SYSTEM).filter(([, at]) => {
      const [group = "", ...name] = at.split("/");
      return !readFileSync(new URL(`system/${group}/expected.txt`, import.meta.url), "utf8").includes(`${name.join("/")}: `);
    });
    expect(missing).toEqual([]);
    const lines = readFileSync(new URL("system/features/expected.txt", import.meta.url), "utf8");
    expect(RING_0.filter((op) => !lines.includes(`\n${op.toLowerCase()}: #06`))).toEqual([]);
  });
  test("rows name features that CPUID shows, and the model max shows every one that is implemented", () => {
    const max = chooseCpu("max").features;
    const unknown = ROWS.filter((r) => r.cpuid !== undefined && FEATURES[r.cpuid] === undefined);
    expect(unknown).toEqual([]);
    // MONITOR and MWAIT are there for +monitor; a guest of ours idles by HLT.
    expect([...new Set(ROWS.flatMap((r) => (r.cpuid === undefined || max.has(r.cpuid) ? [] : [r.cpuid])))]).toEqual(["monitor"]);
  });
  test("no model shows a feature without what it stands on", () => {
    for (const { name } of cpuModels) {
      const { features } = chooseCpu(name);
      // Taking nothing away by name must take nothing away: "+f" brings what f needs.
      for (const f of features) expect([...chooseCpu(`${name},+${f}`).features].sort(), `${name}: ${f}`).toEqual([...features].sort());
    }
  });
});
