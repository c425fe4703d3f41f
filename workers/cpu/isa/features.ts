// CPUID feature numbers: word * 32 + bit. Words: 0 = leaf 1 EDX, 1 = leaf 1 ECX, 2 = leaf 7 ECX, 3 = leaf 7 EBX,
// 4 = 80000001h EDX, 5 = 80000001h ECX, 6 = leaf 0Dh subleaf 1 EAX, 7 = leaf 7 EDX. The core's FEATURES words are in this order. Intel SDM 2A CPUID, AMD APM 3.

export const FEATURES: { readonly [name: string]: number } = {
  fpu: 0, vme: 1, de: 2, pse: 3, tsc: 4, msr: 5, pae: 6, mce: 7, cx8: 8, apic: 9, sep: 11, mtrr: 12, pge: 13, mca: 14, cmov: 15, pat: 16,
  pse36: 17, clflush: 19, mmx: 23, fxsr: 24, sse: 25, sse2: 26, ss: 27, ht: 28,
  sse3: 32, pclmulqdq: 33, monitor: 35, vmx: 37, ssse3: 41, fma: 44, cx16: 45, pcid: 49, sse41: 51, sse42: 52, x2apic: 53, movbe: 54, popcnt: 55,
  "tsc-deadline": 56, aes: 57, xsave: 58, avx: 60, f16c: 61, rdrand: 62, hypervisor: 63,
  umip: 66, vaes: 73, vpclmulqdq: 74, rdpid: 86,
  fsgsbase: 96, "tsc-adjust": 97, bmi1: 99, avx2: 101, smep: 103, bmi2: 104, erms: 105, invpcid: 106, rdseed: 114, adx: 115, smap: 116,
  clflushopt: 119, clwb: 120, sha: 125,
  fsrm: 228,
  syscall: 139, nx: 148, mmxext: 150, pdpe1gb: 154, rdtscp: 155, lm: 157,
  "lahf-lm": 160, abm: 165, "3dnowprefetch": 168,
  xsaveopt: 192, xsavec: 193, xgetbv1: 194, xsaves: 195,
};
