// VEX forms: AVX, AVX2, FMA, F16C, BMI1, BMI2, VAES. Most come from the SSE rows by rule: the destination that was also a source becomes VEX.vvvv,
// and packed ones get a 256-bit form of two lanes. The rest, and what differs between the lanes, stands here. Letters in README.md.

import type { Row } from "./row.ts";
import { ROWS_SSE } from "./rows-sse.ts";
import { ROWS_V3 } from "./rows-v3.ts";

const rows: Row[] = [];
const add = (...more: Row[]) => rows.push(...more);
const hex = (n: number) => n.toString(16).toUpperCase().padStart(2, "0");

// ---- from the SSE rows ------------------------------------------------------------------------------------------------
/** No VEX form, or one that is written out below. */
const NOT_DERIVED =
  /^(CRC32|MOVNTI|CVTT?P[SD]2PI|CVTPI2P[SD]|PREFETCH\w*|[LMS]FENCE|CLFLUSH|CLWB|LDMXCSR|STMXCSR|BLENDVP[SD]|PBLENDVB|CMP[PS][SD]|PMOV[SZ]XBQ|PCMP[EI]STRM|SHA\w+)$/;
const SCALAR = /^(ADD|SUB|MUL|DIV|MIN|MAX|SQRT|RSQRT|RCP|MOV|ROUND|U?COMI)S[SD]$|^CVTT?S[SD]2|^CVTSI2/;
/** 128 bits only. */
const NARROW =
  /^(MOV[DQ]|MOV[LH]P[SD]|MOVHLPS|MOVLHPS|PINSR\w|PEXTR\w|INSERTPS|EXTRACTPS|PHMINPOSUW|DPPD|PCMP[EI]STR[IM]|AES\w+|PCLMULQDQ|MASKMOVDQU)$/;
/** A 256-bit form that is not its two halves. */
const WHOLE = /^(MOVDDUP|DPPS|MOVMSKP[SD]|PMOVMSKB|PTEST|CVTPD2PS|CVTT?PD2DQ)$/;
const COUNT_SHARED = /^PS(LL|RL|RA)[WDQ]$/;
const IMMEDIATE_PER_LANE: { readonly [op: string]: number } = { SHUFPD: 2, BLENDPD: 2, BLENDPS: 4, MPSADBW: 3 };
const FLOAT = /^(ADD(SUB)?|HADD|H?SUB|MUL|DIV|MIN|MAX|SQRT)[PS][SD]$|^CVT|^DPP|^ROUND|COMIS/;

for (const row of [...ROWS_SSE, ...ROWS_V3]) {
  if ((row.guard !== "sse" && row.op !== "MASKMOVDQU") || NOT_DERIVED.test(row.op)) continue;
  const m = /^(?:(66|F2|F3|NP) )?(0F(?: 38| 3A)?) (.+)$/.exec(row.enc);
  if (!m) throw new Error(`isa: no VEX form of ${row.enc}`);
  const { unaligned, ...rest } = row;
  let operands = row.operands ?? "";
  if (/^\+Udq Ib/.test(operands)) operands = operands.replace("+Udq", "=Hdq Udq");
  else operands = operands.replace(/^\+([VU])dq /, "=$1dq Hdq ");
  if (row.op === "MASKMOVDQU") operands = row.operands ?? "";
  const enc = (l: string) => `VEX.${l}.${m[1] && m[1] !== "NP" ? `${m[1]}.` : ""}${(m[2] ?? "").replace(" ", "")}.WIG ${m[3]}`;
  const mustAlign = !unaligned && /^(MOVAP[SD]|MOVDQA|MOVNT\w+)$/.test(row.op);
  const common = { ...rest, op: `V${row.op}`, guard: "avx" as const, ...(mustAlign ? { aligned: true } : {}), ...(FLOAT.test(row.op) ? { mxcsr: true } : {}) };
  const ownFeature = row.cpuid === "aes" || row.cpuid === "pclmulqdq";
  const cpuid = ownFeature ? (row.cpuid as string) : "avx";
  if (/^P(INSR|EXTR)D$/.test(row.op)) {
    // The quadword form does not exist outside 64-bit mode.
    add({ ...common, enc: enc("128").replace("WIG", "W0"), operands, cpuid });
    add({ ...common, op: `V${row.op.slice(0, -1)}Q`, enc: enc("128").replace("WIG", "W1"), operands, cpuid, mode: "only64" });
    continue;
  }
  if (SCALAR.test(row.op)) {
    add({ ...common, enc: enc("LIG"), operands, cpuid });
    continue;
  }
  add({ ...common, enc: enc("128"), operands, cpuid });
  if (NARROW.test(row.op) || WHOLE.test(row.op)) continue;
  const integer = /^(P|MOVNTDQA)/.test(row.op);
  if (COUNT_SHARED.test(row.op)) operands = operands.replace("Wdq", "Wdq*");
  const shift = IMMEDIATE_PER_LANE[row.op];
  add({ ...common, enc: enc("256"), operands, cpuid: integer ? "avx2" : "avx", lanes: 2, ...(shift ? { immShift: shift } : {}) });
}
/** Both widths of one form. */
function both(row: Row, wide: Partial<Row> = {}): void {
  add({ guard: "avx", sized: false, ...row }, { guard: "avx", sized: false, ...row, enc: row.enc.replace(".128.", ".256."), lanes: 2, ...wide });
}
function only(row: Row): void {
  add({ guard: "avx", sized: false, ...row });
}

// ---- 256-bit forms that are not their two halves ------------------------------------------------------------------------
only({ op: "VMOVDDUP", enc: "VEX.256.F2.0F.WIG 12 /r", operands: "=Vdq Wdq", fn: "movddupLane", lanes: 2, cpuid: "avx" });
only({ op: "VDPPS", enc: "VEX.256.66.0F3A.WIG 40 /r", operands: "=Vdq Hdq Wdq Ib", fn: "vdpps", lanes: 2, addresses: true, cpuid: "avx" });
only({ op: "VMOVMSKPS", enc: "VEX.256.0F.WIG 50 /r:r", operands: "=Gd Udq", fn: "vmovmskps", lanes: 2, addresses: true, cpuid: "avx" });
only({ op: "VMOVMSKPD", enc: "VEX.256.66.0F.WIG 50 /r:r", operands: "=Gd Udq", fn: "vmovmskpd", lanes: 2, addresses: true, cpuid: "avx" });
only({ op: "VPMOVMSKB", enc: "VEX.256.66.0F.WIG D7 /r:r", operands: "=Gd Udq", fn: "vpmovmskb", lanes: 2, addresses: true, cpuid: "avx2" });
only({ op: "VPTEST", enc: "VEX.256.66.0F38.WIG 17 /r", operands: "Vdq Wdq", fn: "vptest", lanes: 2, addresses: true, param: 2, cpuid: "avx", flags: "oszapc" });
only({ op: "VCVTPD2PS", enc: "VEX.256.66.0F.WIG 5A /r", operands: "=Vq Wdq", fn: "vcvtpd2ps", lanes: 2, addresses: true, cpuid: "avx" });
only({ op: "VCVTPD2DQ", enc: "VEX.256.F2.0F.WIG E6 /r", operands: "=Vq Wdq", fn: "vcvtpd2dq", lanes: 2, addresses: true, cpuid: "avx" });
only({ op: "VCVTTPD2DQ", enc: "VEX.256.66.0F.WIG E6 /r", operands: "=Vq Wdq", fn: "vcvttpd2dq", lanes: 2, addresses: true, cpuid: "avx" });
for (const [kind, opcode] of [["S", "22"], ["Z", "32"]] as const)
  both({ op: `VPMOV${kind}XBQ`, enc: `VEX.128.66.0F38.WIG ${opcode} /r`, operands: "=Vdq Ww", fn: `pmov${kind.toLowerCase()}xbq`, cpuid: "avx" }, { cpuid: "avx2" });
both({ op: "VCMPPS", enc: "VEX.128.0F.WIG C2 /r", operands: "=Vdq Hdq Wdq Ib", fn: "vcmpps", cpuid: "avx", mxcsr: true });
both({ op: "VCMPPD", enc: "VEX.128.66.0F.WIG C2 /r", operands: "=Vdq Hdq Wdq Ib", fn: "vcmppd", cpuid: "avx", mxcsr: true });
only({ op: "VCMPSS", enc: "VEX.LIG.F3.0F.WIG C2 /r", operands: "=Vdq Hdq Wd Ib", fn: "vcmpss", cpuid: "avx", mxcsr: true });
only({ op: "VCMPSD", enc: "VEX.LIG.F2.0F.WIG C2 /r", operands: "=Vdq Hdq Wq Ib", fn: "vcmpsd", cpuid: "avx", mxcsr: true });
both({ op: "VBLENDVPS", enc: "VEX.128.66.0F3A.W0 4A /r", operands: "=Vdq Hdq Wdq Ldq", fn: "vblendvps", cpuid: "avx" });
both({ op: "VBLENDVPD", enc: "VEX.128.66.0F3A.W0 4B /r", operands: "=Vdq Hdq Wdq Ldq", fn: "vblendvpd", cpuid: "avx" });
both({ op: "VPBLENDVB", enc: "VEX.128.66.0F3A.W0 4C /r", operands: "=Vdq Hdq Wdq Ldq", fn: "vpblendvb", cpuid: "avx" }, { cpuid: "avx2" });
only({ op: "VPCMPESTRM", enc: "VEX.128.66.0F3A.WIG 60 /r", operands: "Vdq Wdq Ib", fn: "vpcmpestrm", cpuid: "avx", flags: "oszapc" });
only({ op: "VPCMPISTRM", enc: "VEX.128.66.0F3A.WIG 62 /r", operands: "Vdq Wdq Ib", fn: "vpcmpistrm", cpuid: "avx", flags: "oszapc" });
only({ op: "VLDMXCSR", enc: "VEX.LZ.0F.WIG AE /2:m", operands: "Md", fn: "ldmxcsr", cpuid: "avx" });
only({ op: "VSTMXCSR", enc: "VEX.LZ.0F.WIG AE /3:m", operands: "=Md", fn: "stmxcsr", cpuid: "avx" });
only({ op: "VZEROUPPER", enc: "VEX.128.0F.WIG 77", fn: "vzeroupper", raw: true, cpuid: "avx" });
only({ op: "VZEROALL", enc: "VEX.256.0F.WIG 77", fn: "vzeroall", raw: true, cpuid: "avx" });

// ---- broadcasts and permutes --------------------------------------------------------------------------------------------
both({ op: "VBROADCASTSS", enc: "VEX.128.66.0F38.W0 18 /r:m", operands: "=Vdq Wd*", fn: "broadcastd", cpuid: "avx" });
both({ op: "VBROADCASTSS", enc: "VEX.128.66.0F38.W0 18 /r:r", operands: "=Vdq Wd*", fn: "broadcastd", cpuid: "avx2" });
only({ op: "VBROADCASTSD", enc: "VEX.256.66.0F38.W0 19 /r:m", operands: "=Vdq Wq*", fn: "broadcastq", lanes: 2, cpuid: "avx" });
only({ op: "VBROADCASTSD", enc: "VEX.256.66.0F38.W0 19 /r:r", operands: "=Vdq Wq*", fn: "broadcastq", lanes: 2, cpuid: "avx2" });
only({ op: "VBROADCASTF128", enc: "VEX.256.66.0F38.W0 1A /r:m", operands: "=Vdq Wdq*", fn: "movVdq", lanes: 2, cpuid: "avx" });
only({ op: "VBROADCASTI128", enc: "VEX.256.66.0F38.W0 5A /r:m", operands: "=Vdq Wdq*", fn: "movVdq", lanes: 2, cpuid: "avx2" });
for (const [size, opcode] of [["b", 0x78], ["w", 0x79], ["d", 0x58], ["q", 0x59]] as const)
  both({ op: `VPBROADCAST${size.toUpperCase()}`, enc: `VEX.128.66.0F38.W0 ${hex(opcode)} /r`, operands: `=Vdq W${size}*`, fn: `broadcast${size}`, cpuid: "avx2" });
both({ op: "VPERMILPS", enc: "VEX.128.66.0F38.W0 0C /r", operands: "=Vdq Hdq Wdq", fn: "vpermilps", cpuid: "avx" });
both({ op: "VPERMILPD", enc: "VEX.128.66.0F38.W0 0D /r", operands: "=Vdq Hdq Wdq", fn: "vpermilpd", cpuid: "avx" });
both({ op: "VPERMILPS", enc: "VEX.128.66.0F3A.W0 04 /r", operands: "=Vdq Wdq Ib", fn: "pshufd", cpuid: "avx" });
both({ op: "VPERMILPD", enc: "VEX.128.66.0F3A.W0 05 /r", operands: "=Vdq Wdq Ib", fn: "vpermilpdImm", cpuid: "avx" }, { immShift: 2 });
both({ op: "VTESTPS", enc: "VEX.128.66.0F38.W0 0E /r", operands: "Vdq Wdq", fn: "vtestps", addresses: true, param: 1, cpuid: "avx", flags: "oszapc" }, { param: 2 });
both({ op: "VTESTPD", enc: "VEX.128.66.0F38.W0 0F /r", operands: "Vdq Wdq", fn: "vtestpd", addresses: true, param: 1, cpuid: "avx", flags: "oszapc" }, { param: 2 });
for (const [suffix, opcodes, cpuid] of [["F128", ["06", "18", "19"], "avx"], ["I128", ["46", "38", "39"], "avx2"]] as const) {
  const [permute, insert, extract] = opcodes;
  only({ op: `VPERM2${suffix}`, enc: `VEX.256.66.0F3A.W0 ${permute} /r`, operands: "=Vdq Hdq Wdq Ib", fn: "vperm2x128", lanes: 2, addresses: true, cpuid });
  only({ op: `VINSERT${suffix}`, enc: `VEX.256.66.0F3A.W0 ${insert} /r`, operands: "=Vdq Hdq Wdq* Ib", fn: "vinsertx128", lanes: 2, addresses: true, cpuid });
  only({ op: `VEXTRACT${suffix}`, enc: `VEX.256.66.0F3A.W0 ${extract} /r`, operands: "=Wdq* Vdq Ib", fn: "vextractx128", lanes: 2, addresses: true, cpuid });
}
only({ op: "VPERMQ", enc: "VEX.256.66.0F3A.W1 00 /r", operands: "=Vdq Wdq Ib", fn: "vpermq", lanes: 2, addresses: true, cpuid: "avx2" });
only({ op: "VPERMPD", enc: "VEX.256.66.0F3A.W1 01 /r", operands: "=Vdq Wdq Ib", fn: "vpermq", lanes: 2, addresses: true, cpuid: "avx2" });
only({ op: "VPERMD", enc: "VEX.256.66.0F38.W0 36 /r", operands: "=Vdq Hdq Wdq", fn: "vpermd", lanes: 2, addresses: true, cpuid: "avx2" });
only({ op: "VPERMPS", enc: "VEX.256.66.0F38.W0 16 /r", operands: "=Vdq Hdq Wdq", fn: "vpermd", lanes: 2, addresses: true, cpuid: "avx2" });
both({ op: "VPBLENDD", enc: "VEX.128.66.0F3A.W0 02 /r", operands: "=Vdq Hdq Wdq Ib", fn: "blendps", cpuid: "avx2" }, { immShift: 4 });
for (const [op, opcode, w] of [["VPSRLVD", "45", 0], ["VPSRLVQ", "45", 1], ["VPSRAVD", "46", 0], ["VPSLLVD", "47", 0], ["VPSLLVQ", "47", 1]] as const)
  both({ op, enc: `VEX.128.66.0F38.W${w} ${opcode} /r`, operands: "=Vdq Hdq Wdq", fn: op.toLowerCase(), cpuid: "avx2" });

// ---- masked moves and gathers (parameter: 1 = 64-bit elements, 2 = 64-bit indices, 4 = 256 bits) -------------------------
for (const [op, load, store, w, cpuid] of [
  ["VMASKMOVPS", "2C", "2E", 0, "avx"],
  ["VMASKMOVPD", "2D", "2F", 0, "avx"],
  ["VPMASKMOVD", "8C", "8E", 0, "avx2"],
  ["VPMASKMOVQ", "8C", "8E", 1, "avx2"],
] as const) {
  const wide = op.endsWith("D") && op !== "VPMASKMOVD" ? 1 : op.endsWith("Q") ? 1 : 0;
  both({ op, enc: `VEX.128.66.0F38.W${w} ${load} /r:m`, operands: "=Vdq Hdq M", fn: "vmaskmovLoad", raw: true, param: wide, cpuid }, { param: wide | 4 });
  both({ op, enc: `VEX.128.66.0F38.W${w} ${store} /r:m`, operands: "M Hdq Vdq", fn: "vmaskmovStore", raw: true, param: wide, cpuid }, { param: wide | 4 });
}
for (const [op, opcode, w, kind] of [
  ["VPGATHERDD", "90", 0, 0],
  ["VPGATHERDQ", "90", 1, 1],
  ["VPGATHERQD", "91", 0, 2],
  ["VPGATHERQQ", "91", 1, 3],
  ["VGATHERDPS", "92", 0, 0],
  ["VGATHERDPD", "92", 1, 1],
  ["VGATHERQPS", "93", 0, 2],
  ["VGATHERQPD", "93", 1, 3],
] as const)
  both({ op, enc: `VEX.128.66.0F38.W${w} ${opcode} /r:m`, operands: kind === 2 ? "+Vq +Hq M" : "+Vdq +Hdq M", fn: "vgather", raw: true, vsib: true, param: kind, cpuid: "avx2" }, { param: kind | 4 });

// ---- FMA, F16C, VAES ------------------------------------------------------------------------------------------------------
for (const [order, base] of [["132", 0x90], ["213", 0xa0], ["231", 0xb0]] as const)
  for (const [suffix, w, scalar] of [["ps", 0, "d"], ["pd", 1, "q"]] as const) {
    const packed = [["FMADDSUB", 6, 4], ["FMSUBADD", 7, 8], ["FMADD", 8, 0], ["FMSUB", 10, 2], ["FNMADD", 12, 1], ["FNMSUB", 14, 3]] as const;
    for (const [op, low, kind] of packed) {
      const enc = (l: string, opcode: number) => `VEX.${l}.66.0F38.W${w} ${hex(opcode)} /r`;
      both({ op: `V${op}${order}${suffix.toUpperCase()}`, enc: enc("128", base + low), operands: "+Vdq Hdq Wdq", fn: `fma${order}${suffix}`, param: kind, mxcsr: true, cpuid: "fma" });
      if (kind > 3) continue;
      const s = suffix.replace("p", "s");
      only({ op: `V${op}${order}${s.toUpperCase()}`, enc: enc("LIG", base + low + 1), operands: `+Vdq Hdq W${scalar}`, fn: `fma${order}${s}`, param: kind, mxcsr: true, cpuid: "fma" });
    }
  }
both({ op: "VCVTPH2PS", enc: "VEX.128.66.0F38.W0 13 /r", operands: "=Vdq Wq", fn: "cvtph2ps", mxcsr: true, cpuid: "f16c" });
both({ op: "VCVTPS2PH", enc: "VEX.128.66.0F3A.W0 1D /r", operands: "=Wq Vdq Ib", fn: "vcvtps2ph", addresses: true, mxcsr: true, param: 1, cpuid: "f16c" }, { param: 2 });
for (const [op, opcode] of [["VAESENC", "DC"], ["VAESENCLAST", "DD"], ["VAESDEC", "DE"], ["VAESDECLAST", "DF"]] as const)
  only({ op, enc: `VEX.256.66.0F38.WIG ${opcode} /r`, operands: "=Vdq Hdq Wdq", fn: op.slice(1).toLowerCase(), lanes: 2, cpuid: "vaes" });
only({ op: "VPCLMULQDQ", enc: "VEX.256.66.0F3A.WIG 44 /r", operands: "=Vdq Hdq Wdq Ib", fn: "pclmulqdq", lanes: 2, cpuid: "vpclmulqdq" });

// ---- BMI1, BMI2 -----------------------------------------------------------------------------------------------------------
const bmi = (row: Row) => add({ guard: "vex", ...row });
bmi({ op: "ANDN", enc: "VEX.LZ.0F38.WIG F2 /r", operands: "=Gy By Ey", fn: "andn", cpuid: "bmi1", flags: "oszc?ap" });
bmi({ op: "BLSR", enc: "VEX.LZ.0F38.WIG F3 /1", operands: "=By Ey", fn: "blsr", cpuid: "bmi1", flags: "oszc?ap" });
bmi({ op: "BLSMSK", enc: "VEX.LZ.0F38.WIG F3 /2", operands: "=By Ey", fn: "blsmsk", cpuid: "bmi1", flags: "oszc?ap" });
bmi({ op: "BLSI", enc: "VEX.LZ.0F38.WIG F3 /3", operands: "=By Ey", fn: "blsi", cpuid: "bmi1", flags: "oszc?ap" });
bmi({ op: "BEXTR", enc: "VEX.LZ.0F38.WIG F7 /r", operands: "=Gy Ey By", fn: "bextr", cpuid: "bmi1", flags: "ozc?sap" });
bmi({ op: "BZHI", enc: "VEX.LZ.0F38.WIG F5 /r", operands: "=Gy Ey By", fn: "bzhi", cpuid: "bmi2", flags: "oszc?ap" });
bmi({ op: "PDEP", enc: "VEX.LZ.F2.0F38.WIG F5 /r", operands: "=Gy By Ey", fn: "pdep", cpuid: "bmi2" });
bmi({ op: "PEXT", enc: "VEX.LZ.F3.0F38.WIG F5 /r", operands: "=Gy By Ey", fn: "pext", cpuid: "bmi2" });
bmi({ op: "MULX", enc: "VEX.LZ.F2.0F38.WIG F6 /r:r", operands: "=Gy =By Ey", fn: "mulxReg", raw: true, cpuid: "bmi2" });
bmi({ op: "MULX", enc: "VEX.LZ.F2.0F38.WIG F6 /r:m", operands: "=Gy =By Ey", fn: "mulxMem", raw: true, cpuid: "bmi2" });
bmi({ op: "RORX", enc: "VEX.LZ.F2.0F3A.WIG F0 /r", operands: "=Gy Ey Ib", fn: "rorx", cpuid: "bmi2" });
bmi({ op: "SARX", enc: "VEX.LZ.F3.0F38.WIG F7 /r", operands: "=Gy Ey By", fn: "sarx", cpuid: "bmi2" });
bmi({ op: "SHLX", enc: "VEX.LZ.66.0F38.WIG F7 /r", operands: "=Gy Ey By", fn: "shlx", cpuid: "bmi2" });
bmi({ op: "SHRX", enc: "VEX.LZ.F2.0F38.WIG F7 /r", operands: "=Gy Ey By", fn: "shrx", cpuid: "bmi2" });

export const ROWS_VEX: readonly Row[] = rows;
