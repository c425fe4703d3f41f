// CPU models as data: vendor, family, features, caches. `-cpu NAME,+flag,-flag` picks and changes one; the result is the list of CPUID
// leaves that core reads and the feature words that gate instructions. Intel SDM 2A CPUID; AMD APM 3 appendix E.

import { FaultError } from "../../src/contract/schema.ts";
import { FEATURES } from "./isa/features.ts";

export interface CpuModel {
  readonly name: string;
  readonly summary: string;
  readonly vendor: "GenuineIntel" | "AuthenticAMD";
  readonly brand: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  readonly features: readonly string[];
}
/** What every 64-bit PC processor has. */
const base = [
  ..."fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 hypervisor".split(" "),
  ..."syscall nx lm".split(" "),
];
const haswell = [
  ..."vme sse3 ssse3 cx16 sse41 sse42 popcnt x2apic lahf-lm rdtscp tsc-deadline pcid smep invpcid fsgsbase".split(" "),
  ..."pclmulqdq aes movbe xsave xsaveopt avx avx2 fma f16c bmi1 bmi2 abm rdrand erms".split(" "),
];
export const cpuModels: readonly CpuModel[] = [
  {
    name: "qemu64",
    summary: "A plain 64-bit processor with SSE2 and SSE3, like QEMU's default",
    vendor: "AuthenticAMD",
    brand: "Guesthouse Virtual CPU (qemu64)",
    family: 15,
    model: 107,
    stepping: 1,
    features: [...base, "vme", "sse3", "cx16", "x2apic", "lahf-lm", "pcid", "umip", "smep", "smap", "tsc-deadline"],
  },
  {
    name: "Nehalem",
    summary: "Intel Core of 2008: SSE4.2, POPCNT",
    vendor: "GenuineIntel",
    brand: "Intel Core i7 9xx (Nehalem Class Core i7)",
    family: 6,
    model: 26,
    stepping: 3,
    features: [...base, "vme", "sse3", "ssse3", "cx16", "sse41", "sse42", "popcnt", "x2apic", "lahf-lm", "rdtscp", "tsc-deadline"],
  },
  {
    name: "Haswell",
    summary: "Intel Core of 2013, the model of x86-64-v3: AVX2, FMA, BMI1, BMI2, LZCNT, MOVBE, AES",
    vendor: "GenuineIntel",
    brand: "Intel Core Processor (Haswell, no TSX)",
    family: 6,
    model: 60,
    stepping: 4,
    features: [...base, ...haswell],
  },
  {
    name: "EPYC",
    summary: "AMD EPYC of 2017: what Haswell has, and ADX, SHA, RDSEED, XSAVEC, SMAP",
    vendor: "AuthenticAMD",
    brand: "AMD EPYC Processor",
    family: 23,
    model: 1,
    stepping: 2,
    features: [
      ...base,
      ...haswell.filter((f) => !["erms", "invpcid", "pcid", "tsc-deadline"].includes(f)),
      ..."adx rdseed sha smap clflushopt xsavec xgetbv1 mmxext 3dnowprefetch pdpe1gb".split(" "),
    ],
  },
  {
    name: "max",
    summary: "Everything that this emulator implements",
    vendor: "GenuineIntel",
    brand: "Guesthouse Virtual CPU (max)",
    family: 6,
    model: 60,
    stepping: 1,
    features: [
      ...base,
      ...haswell,
      ..."adx rdseed sha smap umip clflushopt clwb xsavec xgetbv1 xsaves vaes vpclmulqdq rdpid fsrm tsc-adjust pdpe1gb 3dnowprefetch".split(" "),
    ],
  },
];
/** Features that the instruction table and the core implement: a flag outside this set is refused by name. */
const implemented = new Set<string>([...(cpuModels.find((m) => m.name === "max") as CpuModel).features, "ss", "ht", "mmxext", "monitor"]);
/** What a feature cannot be without. `+flag` brings it, `-flag` takes away what needs it. */
const needs: { readonly [feature: string]: string } = {
  sse2: "sse", sse3: "sse2", ssse3: "sse3", sse41: "ssse3", sse42: "sse41", aes: "sse2", pclmulqdq: "sse2", sha: "sse2", avx: "xsave", avx2: "avx", fma: "avx",
  f16c: "avx", vaes: "avx", vpclmulqdq: "avx", xsaveopt: "xsave", xsavec: "xsave", xgetbv1: "xsavec", xsaves: "xsavec", fsrm: "erms",
};

export interface CpuChoice {
  readonly model: CpuModel;
  readonly features: ReadonlySet<string>;
  /** Feature words in the order of isa/features.ts (8 of them). */
  readonly words: Uint32Array;
  /** CPUID records of six u32: leaf, subleaf (0xffffffff any), eax, ebx, ecx, edx; ended by 0xfffffffe twice. */
  readonly cpuid: Uint32Array;
  /** EDX at reset, leaf 1 EAX. */
  readonly signature: number;
}

/** Parses `NAME,+flag,-flag`. Throws FaultError "cpu.model" or "cpu.flag". */
export function chooseCpu(text: string): CpuChoice {
  const [name = "", ...changes] = text.split(",").map((t) => t.trim());
  const wanted = name === "" || name === "default" ? "qemu64" : name;
  const model = cpuModels.find((m) => m.name.toLowerCase() === wanted.toLowerCase());
  if (!model)
    throw new FaultError("cpu.model", `There is no CPU model "${name}".`, `Known models: ${cpuModels.map((m) => m.name).join(", ")}.`);
  const features = new Set(model.features);
  for (const change of changes) {
    const m = /^(?:([+-])(.+)|(.+)=(on|off))$/.exec(change);
    const flag = (m?.[2] ?? m?.[3] ?? change).replace(/_/g, "-").replace(/^sse4-([12])$/, "sse4$1").replace(/^pni$/, "sse3").replace(/^sse4\.([12])$/, "sse4$1");
    if (!m || FEATURES[flag] === undefined)
      throw new FaultError("cpu.flag", `There is no CPU flag "${change}".`, "Write +flag or -flag, for example Nehalem,+x2apic,-sse42.");
    const on = m[1] ? m[1] === "+" : m[4] === "on";
    if (on && !implemented.has(flag))
      throw new FaultError("cpu.flag", `The CPU flag "${flag}" is known but not implemented here.`, "Leave it out, or choose the model max for everything there is.");
    if (on) for (let f: string | undefined = flag; f !== undefined; f = needs[f]) features.add(f);
    else drop(features, flag);
  }
  const words = new Uint32Array(8);
  for (const f of features) {
    const n = FEATURES[f];
    if (n === undefined) throw new Error(`models: ${f} has no number`);
    words[n >> 5] = ((words[n >> 5] as number) | (1 << (n & 31))) >>> 0;
  }
  const signature = signatureOf(model);
  return { model, features, words, cpuid: leaves(model, words, signature), signature };
}
function drop(features: Set<string>, flag: string): void {
  features.delete(flag);
  for (const [f, needed] of Object.entries(needs)) if (needed === flag && features.has(f)) drop(features, f);
}
function signatureOf(m: CpuModel): number {
  const family = Math.min(m.family, 15);
  const extendedFamily = m.family >= 15 ? m.family - 15 : 0;
  return ((extendedFamily << 20) | ((m.model >> 4) << 16) | (family << 8) | ((m.model & 15) << 4) | m.stepping) >>> 0;
}
function ascii(text: string): number[] {
  const bytes = new Uint8Array(Math.ceil(text.length / 4) * 4);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return [...new Uint32Array(bytes.buffer)];
}
function leaves(m: CpuModel, w: Uint32Array, signature: number): Uint32Array {
  const ANY = 0xffffffff;
  const out: number[] = [];
  const leaf = (n: number, sub: number, a: number, b: number, c: number, d: number) => out.push(n, sub, a, b, c, d);
  const [v0 = 0, v1 = 0, v2 = 0] = ascii(m.vendor);
  const word = (n: number) => w[n] as number;
  const intel = m.vendor === "GenuineIntel";
  leaf(0, ANY, 13, v0, v2, v1);
  // EBX: CLFLUSH line 64 bytes, one logical processor.
  leaf(1, ANY, signature, (8 << 8) | (1 << 16), word(1), word(0));
  if (intel) {
    leaf(2, ANY, 0x00000001, 0, 0x4d, 0x002c307d);
    // 32 KiB data, 32 KiB instruction, 4 MiB unified.
    leaf(4, 0, 0x121, 0x01c0003f, 63, 1);
    leaf(4, 1, 0x122, 0x01c0003f, 63, 1);
    leaf(4, 2, 0x143, 0x03c0003f, 4095, 1);
  }
  leaf(5, ANY, 0, 0, 3, 0);
  leaf(7, 0, 0, word(3), word(2), word(7));
  leaf(0xb, 0, 0, 1, 0x100, 0);
  leaf(0xb, 1, 0, 1, 0x201, 0);
  if (word(1) & (1 << 26)) {
    // XSAVE components: x87, SSE, and AVX (256 bytes at 576). The core fills in the size for what XCR0 enables.
    const avx = (word(1) & (1 << 28)) !== 0;
    leaf(0xd, 0, avx ? 7 : 3, 0, avx ? 832 : 576, 0);
    leaf(0xd, 1, word(6), 0, 0, 0);
    if (avx) leaf(0xd, 2, 256, 576, 0, 0);
  }
  leaf(0x40000000, ANY, 0x40000000, ...(ascii("GuesthouseVM") as [number, number, number]));
  leaf(0x80000000, ANY, 0x80000008, v0, v2, v1);
  // AMD repeats most of leaf 1 EDX here.
  const mirrored = intel ? 0 : word(0) & 0x0183f3ff;
  leaf(0x80000001, ANY, signature, 0, word(5), (word(4) | mirrored) >>> 0);
  const brand = ascii(m.brand.padEnd(48, "\0").slice(0, 48));
  for (let n = 0; n < 3; n++) leaf(0x80000002 + n, ANY, ...(brand.slice(n * 4, n * 4 + 4) as [number, number, number, number]));
  leaf(0x80000005, ANY, 0x01ff01ff, 0x01ff01ff, 0x40020140, 0x40020140);
  leaf(0x80000006, ANY, 0, 0x42004200, 0x02008140, 0);
  leaf(0x80000007, ANY, 0, 0, 0, 0x100); // invariant TSC
  leaf(0x80000008, ANY, 0x3028, 0, 0, 0); // 40 physical, 48 linear bits
  out.push(0xfffffffe, 0xfffffffe, 0, 0, 0, 0);
  return new Uint32Array(out.map((x) => x >>> 0));
}
