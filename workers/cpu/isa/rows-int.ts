// Integer, control-flow, string and system instructions: one row per form (README.md). Intel SDM 2, opcode maps in appendix A.

import type { Row } from "./row.ts";

const hex = (n: number) => n.toString(16).toUpperCase().padStart(2, "0");
const rows: Row[] = [];
const add = (...r: Row[]) => rows.push(...r);

// ---- the eight ALU operations -----------------------------------------------------------------------------------------
const alu = ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"] as const;
alu.forEach((fn, n) => {
  const op = fn.toUpperCase();
  const w = fn === "cmp" ? "" : "+";
  const lock = fn !== "cmp";
  const logic = fn === "or" || fn === "and" || fn === "xor";
  const flags = logic ? "oszpc?a" : "oszapc";
  const b = n * 8;
  add(
    { op, enc: `${hex(b)} /r`, operands: `${w}Eb Gb`, fn, lock, flags },
    { op, enc: `${hex(b + 1)} /r`, operands: `${w}Ev Gv`, fn, lock, flags },
    { op, enc: `${hex(b + 2)} /r`, operands: `${w}Gb Eb`, fn, flags },
    { op, enc: `${hex(b + 3)} /r`, operands: `${w}Gv Ev`, fn, flags },
    { op, enc: hex(b + 4), operands: `${w}AL Ibs`, fn, flags },
    { op, enc: hex(b + 5), operands: `${w}rAX Iz`, fn, flags },
    { op, enc: `80 /${n}`, operands: `${w}Eb Ibs`, fn, lock, flags },
    { op, enc: `81 /${n}`, operands: `${w}Ev Iz`, fn, lock, flags },
    { op, enc: `82 /${n}`, operands: `${w}Eb Ibs`, fn, lock, mode: "no64", flags },
    { op, enc: `83 /${n}`, operands: `${w}Ev Ibs`, fn, lock, flags },
  );
});
for (const [fn, base, digit] of [
  ["inc", 0x40, 0],
  ["dec", 0x48, 1],
] as const) {
  const op = fn.toUpperCase();
  add(
    { op, enc: `${hex(base)}+r`, operands: "+Zv", fn, mode: "no64", flags: "oszap" },
    { op, enc: `FE /${digit}`, operands: "+Eb", fn, lock: true, flags: "oszap" },
    { op, enc: `FF /${digit}`, operands: "+Ev", fn, lock: true, flags: "oszap" },
  );
}
add(
  { op: "TEST", enc: "84 /r", operands: "Eb Gb", fn: "test", flags: "oszpc?a" },
  { op: "TEST", enc: "85 /r", operands: "Ev Gv", fn: "test", flags: "oszpc?a" },
  { op: "TEST", enc: "A8", operands: "AL Ibs", fn: "test", flags: "oszpc?a" },
  { op: "TEST", enc: "A9", operands: "rAX Iz", fn: "test", flags: "oszpc?a" },
);
for (const digit of [0, 1])
  add(
    { op: "TEST", enc: `F6 /${digit}`, operands: "Eb Ibs", fn: "test", flags: "oszpc?a" },
    { op: "TEST", enc: `F7 /${digit}`, operands: "Ev Iz", fn: "test", flags: "oszpc?a" },
  );
for (const [fn, digit, flags] of [
  ["not", 2, ""],
  ["neg", 3, "oszapc"],
] as const)
  add(
    { op: fn.toUpperCase(), enc: `F6 /${digit}`, operands: "+Eb", fn, lock: true, flags },
    { op: fn.toUpperCase(), enc: `F7 /${digit}`, operands: "+Ev", fn, lock: true, flags },
  );
for (const [fn, digit, op, flags] of [
  ["mul", 4, "MUL", "oc?szap"],
  ["imul1", 5, "IMUL", "oc?szap"],
  ["div", 6, "DIV", "?oszapc"],
  ["idiv", 7, "IDIV", "?oszapc"],
] as const)
  add(
    { op, enc: `F6 /${digit}`, operands: "Eb", fn, flags },
    { op, enc: `F7 /${digit}`, operands: "Ev", fn, flags },
  );
add(
  { op: "IMUL", enc: "0F AF /r", operands: "+Gv Ev", fn: "imul", flags: "oc?szap" },
  { op: "IMUL", enc: "69 /r", operands: "=Gv Ev Iz", fn: "imul", flags: "oc?szap" },
  { op: "IMUL", enc: "6B /r", operands: "=Gv Ev Ibs", fn: "imul", flags: "oc?szap" },
);
// ---- shifts and rotates -----------------------------------------------------------------------------------------------
for (const [op, fn, digit] of [
  ["ROL", "rol", 0],
  ["ROR", "ror", 1],
  ["RCL", "rcl", 2],
  ["RCR", "rcr", 3],
  ["SHL", "shl", 4],
  ["SHR", "shr", 5],
  ["SAL", "shl", 6],
  ["SAR", "sar", 7],
] as const) {
  const rotate = digit < 4;
  // OF is defined for a count of one only; with more it is what processors do, not what the manual says.
  const one = rotate ? "oc" : "oszpc?a";
  const many = rotate ? "c?o" : "szpc?oa";
  add(
    { op, enc: `D0 /${digit}`, operands: "+Eb one", fn, flags: one },
    { op, enc: `D1 /${digit}`, operands: "+Ev one", fn, flags: one },
    { op, enc: `D2 /${digit}`, operands: "+Eb CL", fn, flags: many },
    { op, enc: `D3 /${digit}`, operands: "+Ev CL", fn, flags: many },
    { op, enc: `C0 /${digit}`, operands: "+Eb Ib", fn, flags: many },
    { op, enc: `C1 /${digit}`, operands: "+Ev Ib", fn, flags: many },
  );
}
add(
  { op: "SHLD", enc: "0F A4 /r", operands: "+Ev Gv Ib", fn: "shld", flags: "szpc?oa" },
  { op: "SHLD", enc: "0F A5 /r", operands: "+Ev Gv CL", fn: "shld", flags: "szpc?oa" },
  { op: "SHRD", enc: "0F AC /r", operands: "+Ev Gv Ib", fn: "shrd", flags: "szpc?oa" },
  { op: "SHRD", enc: "0F AD /r", operands: "+Ev Gv CL", fn: "shrd", flags: "szpc?oa" },
);
// ---- moves ------------------------------------------------------------------------------------------------------------
add(
  { op: "MOV", enc: "88 /r", operands: "=Eb Gb", fn: "mov" },
  { op: "MOV", enc: "89 /r", operands: "=Ev Gv", fn: "mov" },
  { op: "MOV", enc: "8A /r", operands: "=Gb Eb", fn: "mov" },
  { op: "MOV", enc: "8B /r", operands: "=Gv Ev", fn: "mov" },
  { op: "MOV", enc: "B0+r", operands: "=Zb Ibs", fn: "mov" },
  { op: "MOV", enc: "B8+r", operands: "=Zv Iv", fn: "mov" },
  { op: "MOV", enc: "C6 /0", operands: "=Eb Ibs", fn: "mov" },
  { op: "MOV", enc: "C7 /0", operands: "=Ev Iz", fn: "mov" },
  { op: "MOV", enc: "A0", operands: "=AL Ob", fn: "movFromOffset", raw: true },
  { op: "MOV", enc: "A1", operands: "=rAX Ov", fn: "movFromOffset", raw: true },
  { op: "MOV", enc: "A2", operands: "=Ob AL", fn: "movToOffset", raw: true },
  { op: "MOV", enc: "A3", operands: "=Ov rAX", fn: "movToOffset", raw: true },
  { op: "MOVZX", enc: "0F B6 /r", operands: "=Gv Eb", fn: "movzx8" },
  { op: "MOVZX", enc: "0F B7 /r", operands: "=Gv Ew", fn: "movzx16" },
  { op: "MOVSX", enc: "0F BE /r", operands: "=Gv Eb", fn: "movsx8" },
  { op: "MOVSX", enc: "0F BF /r", operands: "=Gv Ew", fn: "movsx16" },
  { op: "MOVSXD", enc: "63 /r", operands: "=Gv Ed", fn: "movsxd", mode: "only64" },
  { op: "ARPL", enc: "63 /r", operands: "+Ew Gw", fn: "arpl", sized: false, mode: "no64", flags: "z" },
  { op: "LEA", enc: "8D /r:m", operands: "=Gv M", fn: "lea", raw: true },
  { op: "XCHG", enc: "86 /r:r", operands: "+Eb +Gb", fn: "xchgReg", raw: true },
  { op: "XCHG", enc: "87 /r:r", operands: "+Ev +Gv", fn: "xchgReg", raw: true },
  { op: "XCHG", enc: "86 /r:m", operands: "+Eb +Gb", fn: "xchgMem", raw: true, lock: true },
  { op: "XCHG", enc: "87 /r:m", operands: "+Ev +Gv", fn: "xchgMem", raw: true, lock: true },
  { op: "XCHG", enc: "90+r", operands: "+Zv +rAX", fn: "xchgAccumulator", raw: true },
  { op: "PAUSE", enc: "F3 90", fn: "pause", raw: true },
  { op: "XLAT", enc: "D7", operands: "X", fn: "xlat", raw: true },
  { op: "BSWAP", enc: "0F C8+r", operands: "+Zv", fn: "byteSwap" },
  { op: "CBW", enc: "98", operands: "+rAX", fn: "extendAccumulator", raw: true },
  { op: "CWD", enc: "99", operands: "+rAX", fn: "extendDouble", raw: true },
  { op: "SALC", enc: "D6", fn: "salc", raw: true, mode: "no64" },
  { op: "LAHF", enc: "9F", fn: "lahfOp", raw: true },
  { op: "SAHF", enc: "9E", fn: "sahfOp", raw: true, flags: "szapc" },
);
const codes = ["O", "NO", "B", "NB", "E", "NE", "BE", "NBE", "S", "NS", "P", "NP", "L", "NL", "LE", "NLE"];
codes.forEach((c, n) => {
  add(
    { op: `J${c}`, enc: hex(0x70 + n), operands: "Jb", fn: `j${n}`, raw: true, end: true, size64: "force" },
    { op: `J${c}`, enc: `0F ${hex(0x80 + n)}`, operands: "Jz", fn: `j${n}`, raw: true, end: true, size64: "force" },
    { op: `CMOV${c}`, enc: `0F ${hex(0x40 + n)} /r`, operands: "+Gv Ev", fn: `cmov${n}`, cpuid: "cmov" },
    { op: `SET${c}`, enc: `0F ${hex(0x90 + n)} /r`, operands: "=Eb", fn: `set${n}`, sized: false },
  );
});
// ---- bits -------------------------------------------------------------------------------------------------------------
add(
  { op: "BSF", enc: "0F BC /r:r", operands: "+Gv Ev", fn: "bsfReg", raw: true, flags: "z?oszapc" },
  { op: "BSF", enc: "0F BC /r:m", operands: "+Gv Ev", fn: "bsfMem", raw: true, flags: "z?oszapc" },
  { op: "BSR", enc: "0F BD /r:r", operands: "+Gv Ev", fn: "bsrReg", raw: true, flags: "z?oszapc" },
  { op: "BSR", enc: "0F BD /r:m", operands: "+Gv Ev", fn: "bsrMem", raw: true, flags: "z?oszapc" },
  { op: "POPCNT", enc: "F3 0F B8 /r", operands: "=Gv Ev", fn: "popcount", cpuid: "popcnt", flags: "oszapc" },
);
for (const [op, fn, opcode, digit, kind] of [
  ["BT", "bt", 0xa3, 4, 0],
  ["BTS", "bts", 0xab, 5, 1],
  ["BTR", "btr", 0xb3, 6, 2],
  ["BTC", "btc", 0xbb, 7, 3],
] as const) {
  const w = kind ? "+" : "";
  const lock = kind > 0;
  add(
    { op, enc: `0F ${hex(opcode)} /r:r`, operands: `${w}Ev Gv`, fn, flags: "c?oszap" },
    { op, enc: `0F ${hex(opcode)} /r:m`, operands: `${w}Ev Gv`, fn: "bitString", raw: true, param: kind, lock, flags: "c?oszap" },
    { op, enc: `0F BA /${digit}`, operands: `${w}Ev Ibs`, fn, lock, flags: "c?oszap" },
  );
}
add(
  { op: "CMPXCHG", enc: "0F B0 /r:r", operands: "+Eb Gb", fn: "cmpxchgReg", raw: true, flags: "oszapc" },
  { op: "CMPXCHG", enc: "0F B1 /r:r", operands: "+Ev Gv", fn: "cmpxchgReg", raw: true, flags: "oszapc" },
  { op: "CMPXCHG", enc: "0F B0 /r:m", operands: "+Eb Gb", fn: "cmpxchgMem", raw: true, lock: true, flags: "oszapc" },
  { op: "CMPXCHG", enc: "0F B1 /r:m", operands: "+Ev Gv", fn: "cmpxchgMem", raw: true, lock: true, flags: "oszapc" },
  { op: "XADD", enc: "0F C0 /r:r", operands: "+Eb +Gb", fn: "xaddReg", raw: true, flags: "oszapc" },
  { op: "XADD", enc: "0F C1 /r:r", operands: "+Ev +Gv", fn: "xaddReg", raw: true, flags: "oszapc" },
  { op: "XADD", enc: "0F C0 /r:m", operands: "+Eb +Gb", fn: "xaddMem", raw: true, lock: true, flags: "oszapc" },
  { op: "XADD", enc: "0F C1 /r:m", operands: "+Ev +Gv", fn: "xaddMem", raw: true, lock: true, flags: "oszapc" },
  { op: "CMPXCHG8B", enc: "0F C7 /1:m", operands: "My", fn: "cmpxchg8or16", raw: true, lock: true, cpuid: "cx8", flags: "z" },
);
// ---- decimal ----------------------------------------------------------------------------------------------------------
add(
  { op: "DAA", enc: "27", operands: "+AX", fn: "daa", sized: false, mode: "no64", flags: "szapc?o" },
  { op: "DAS", enc: "2F", operands: "+AX", fn: "das", sized: false, mode: "no64", flags: "szapc?o" },
  { op: "AAA", enc: "37", operands: "+AX", fn: "aaa", sized: false, mode: "no64", flags: "ac?oszp" },
  { op: "AAS", enc: "3F", operands: "+AX", fn: "aas", sized: false, mode: "no64", flags: "ac?oszp" },
  { op: "AAM", enc: "D4", operands: "+AX Ib", fn: "aam", sized: false, mode: "no64", flags: "szp?oac" },
  { op: "AAD", enc: "D5", operands: "+AX Ib", fn: "aad", sized: false, mode: "no64", flags: "szp?oac" },
);
// ---- stack ------------------------------------------------------------------------------------------------------------
add(
  { op: "PUSH", enc: "50+r", operands: "Zv", fn: "push", size64: "default" },
  { op: "POP", enc: "58+r", operands: "=Zv", fn: "popReg", raw: true, size64: "default" },
  { op: "PUSH", enc: "68", operands: "Iz", fn: "push", size64: "default" },
  { op: "PUSH", enc: "6A", operands: "Ibs", fn: "push", size64: "default" },
  { op: "PUSH", enc: "FF /6", operands: "Ev", fn: "push", size64: "default" },
  { op: "POP", enc: "8F /0:r", operands: "=Ev", fn: "popReg", raw: true, size64: "default" },
  { op: "POP", enc: "8F /0:m", operands: "=Ev", fn: "popMem", raw: true, size64: "default" },
  { op: "PUSHA", enc: "60", operands: "v", fn: "pusha", raw: true, mode: "no64" },
  { op: "POPA", enc: "61", operands: "v", fn: "popa", raw: true, mode: "no64" },
  { op: "PUSHF", enc: "9C", operands: "v", fn: "pushf", raw: true, size64: "default" },
  { op: "POPF", enc: "9D", operands: "v", fn: "popf", raw: true, size64: "default" },
  { op: "ENTER", enc: "C8", operands: "v Iwb", fn: "enter", raw: true, size64: "default" },
  { op: "LEAVE", enc: "C9", operands: "v", fn: "leave", raw: true, size64: "default" },
);
for (const [name, n, push, pop, mode] of [
  ["ES", 0, "06", "07", "no64"],
  ["CS", 1, "0E", "", "no64"],
  ["SS", 2, "16", "17", "no64"],
  ["DS", 3, "1E", "1F", "no64"],
  ["FS", 4, "0F A0", "0F A1", undefined],
  ["GS", 5, "0F A8", "0F A9", undefined],
] as const) {
  const m = mode ? { mode } : {};
  add({ op: `PUSH ${name}`, enc: push, operands: "v", fn: "pushSeg", raw: true, param: n, size64: "default", ...m });
  if (pop) add({ op: `POP ${name}`, enc: pop, operands: "v", fn: "popSeg", raw: true, param: n, size64: "default", end: true, ...m });
}
// ---- control flow -----------------------------------------------------------------------------------------------------
add(
  { op: "JMP", enc: "EB", operands: "Jb", fn: "jmpRel", raw: true, end: true, size64: "force" },
  { op: "JMP", enc: "E9", operands: "Jz", fn: "jmpRel", raw: true, end: true, size64: "force" },
  { op: "CALL", enc: "E8", operands: "Jz", fn: "callRel", raw: true, end: true, size64: "force" },
  { op: "JMP", enc: "FF /4", operands: "Ev", fn: "jmpTo", end: true, size64: "force" },
  { op: "CALL", enc: "FF /2", operands: "Ev", fn: "callTo", end: true, size64: "force" },
  { op: "RET", enc: "C3", operands: "v", fn: "ret", raw: true, end: true, size64: "force" },
  { op: "RET", enc: "C2", operands: "v Iw", fn: "retImm", raw: true, end: true, size64: "force" },
  { op: "LOOPNE", enc: "E0", operands: "X Jb", fn: "loop", raw: true, param: 0, end: true, size64: "force" },
  { op: "LOOPE", enc: "E1", operands: "X Jb", fn: "loop", raw: true, param: 1, end: true, size64: "force" },
  { op: "LOOP", enc: "E2", operands: "X Jb", fn: "loop", raw: true, param: 2, end: true, size64: "force" },
  { op: "JRCXZ", enc: "E3", operands: "X Jb", fn: "loop", raw: true, param: 3, end: true, size64: "force" },
  { op: "JMPF", enc: "EA", operands: "v Ap", fn: "jmpFarImm", raw: true, end: true, mode: "no64" },
  { op: "CALLF", enc: "9A", operands: "v Ap", fn: "callFarImm", raw: true, end: true, mode: "no64" },
  { op: "JMPF", enc: "FF /5:m", operands: "Mv", fn: "jmpFarMem", raw: true, end: true },
  { op: "CALLF", enc: "FF /3:m", operands: "Mv", fn: "callFarMem", raw: true, end: true },
  { op: "RETF", enc: "CB", operands: "v", fn: "retFar", raw: true, end: true },
  { op: "RETF", enc: "CA", operands: "v Iw", fn: "retFar", raw: true, end: true },
  { op: "IRET", enc: "CF", operands: "v", fn: "iretOp", raw: true, end: true },
  { op: "INT", enc: "CD", operands: "Ib", fn: "intImm", raw: true, end: true },
  { op: "INT3", enc: "CC", fn: "int3", raw: true, end: true },
  { op: "INTO", enc: "CE", fn: "into", raw: true, end: true, mode: "no64" },
  { op: "INT1", enc: "F1", fn: "int1", raw: true, end: true },
  { op: "BOUND", enc: "62 /r:m", operands: "Gv Mv", fn: "bound", raw: true, mode: "no64" },
  { op: "UD2", enc: "0F 0B", fn: "undefinedOpcode", raw: true, end: true },
  { op: "UD1", enc: "0F B9 /r", operands: "Gv Ev", fn: "undefinedOpcode", raw: true, sized: false, end: true },
  { op: "UD0", enc: "0F FF /r", operands: "Gv Ev", fn: "undefinedOpcode", raw: true, sized: false, end: true },
  { op: "LES", enc: "C4 /r:m", operands: "=Gv Mv", fn: "loadFarPointer", raw: true, param: 0, end: true, mode: "no64" },
  { op: "LDS", enc: "C5 /r:m", operands: "=Gv Mv", fn: "loadFarPointer", raw: true, param: 3, end: true, mode: "no64" },
  { op: "LSS", enc: "0F B2 /r:m", operands: "=Gv Mv", fn: "loadFarPointer", raw: true, param: 2, end: true },
  { op: "LFS", enc: "0F B4 /r:m", operands: "=Gv Mv", fn: "loadFarPointer", raw: true, param: 4 },
  { op: "LGS", enc: "0F B5 /r:m", operands: "=Gv Mv", fn: "loadFarPointer", raw: true, param: 5 },
);
// ---- strings (they may restart themselves: they end blocks) -------------------------------------------------------------
for (const [op, fn, opcode] of [
  ["MOVS", "movs", 0xa4],
  ["CMPS", "cmps", 0xa6],
  ["STOS", "stos", 0xaa],
  ["LODS", "lods", 0xac],
  ["SCAS", "scas", 0xae],
] as const)
  add(
    { op: `${op}B`, enc: hex(opcode), operands: "X b", fn, raw: true, end: true, ...(fn === "cmps" || fn === "scas" ? { flags: "oszapc" } : {}) },
    { op, enc: hex(opcode + 1), operands: "X v", fn, raw: true, end: true, ...(fn === "cmps" || fn === "scas" ? { flags: "oszapc" } : {}) },
  );
add(
  { op: "INSB", enc: "6C", operands: "X b", fn: "ins", raw: true, end: true },
  { op: "INS", enc: "6D", operands: "X z", fn: "ins", raw: true, end: true },
  { op: "OUTSB", enc: "6E", operands: "X b", fn: "outs", raw: true, end: true },
  { op: "OUTS", enc: "6F", operands: "X z", fn: "outs", raw: true, end: true },
  { op: "IN", enc: "E4", operands: "=AL Ib", fn: "inImm" },
  { op: "IN", enc: "E5", operands: "=eAXz Ib", fn: "inImm" },
  { op: "IN", enc: "EC", operands: "=AL DX", fn: "inDx" },
  { op: "IN", enc: "ED", operands: "=eAXz DX", fn: "inDx" },
  { op: "OUT", enc: "E6", operands: "Ib AL", fn: "outImm" },
  { op: "OUT", enc: "E7", operands: "Ib eAXz", fn: "outImm" },
  { op: "OUT", enc: "EE", operands: "DX AL", fn: "outDx" },
  { op: "OUT", enc: "EF", operands: "DX eAXz", fn: "outDx" },
);
// ---- flags ------------------------------------------------------------------------------------------------------------
add(
  { op: "CLC", enc: "F8", fn: "carry", raw: true, param: 0, flags: "c" },
  { op: "STC", enc: "F9", fn: "carry", raw: true, param: 1, flags: "c" },
  { op: "CMC", enc: "F5", fn: "carry", raw: true, param: 2, flags: "c" },
  { op: "CLD", enc: "FC", fn: "setDirection", raw: true, param: 0 },
  { op: "STD", enc: "FD", fn: "setDirection", raw: true, param: 1 },
  { op: "CLI", enc: "FA", fn: "cli", raw: true },
  { op: "STI", enc: "FB", fn: "sti", raw: true },
  { op: "HLT", enc: "F4", fn: "hlt", raw: true, end: true },
  { op: "CLAC", enc: "0F 01 CA", fn: "setAc", raw: true, param: 0, cpuid: "smap" },
  { op: "STAC", enc: "0F 01 CB", fn: "setAc", raw: true, param: 1, cpuid: "smap" },
  { op: "NOP", enc: "0F 1F /r", operands: "Ev", fn: "nop", raw: true, sized: false },
  ...["/0:r", "/1:r", "/2:r", "/3:r", "/4", "/5", "/6", "/7"].map((form): Row => ({ op: "NOP", enc: `0F 18 ${form}`, operands: "Ev", fn: "nop", raw: true, sized: false })),
  { op: "NOP", enc: "0F 19 /r", operands: "Ev", fn: "nop", raw: true, sized: false },
  { op: "NOP", enc: "0F 1A /r", operands: "Ev", fn: "nop", raw: true, sized: false },
  { op: "NOP", enc: "0F 1B /r", operands: "Ev", fn: "nop", raw: true, sized: false },
  { op: "NOP", enc: "0F 1C /r", operands: "Ev", fn: "nop", raw: true, sized: false },
  { op: "NOP", enc: "0F 1D /r", operands: "Ev", fn: "nop", raw: true, sized: false },
  { op: "NOP", enc: "0F 1E /r", operands: "Ev", fn: "nop", raw: true, sized: false },
  { op: "PREFETCHW", enc: "0F 0D /r", operands: "Ev", fn: "nop", raw: true, sized: false },
);
// ---- system -----------------------------------------------------------------------------------------------------------
add(
  { op: "MOV", enc: "8C /r:r", operands: "=Ev Sw", fn: "movRegSeg", raw: true },
  { op: "MOV", enc: "8C /r:m", operands: "=Mw Sw", fn: "movMemSeg", raw: true, sized: false },
  { op: "MOV", enc: "8E /r:r", operands: "=Sw Ew", fn: "movSegReg", raw: true, sized: false, end: true },
  { op: "MOV", enc: "8E /r:m", operands: "=Sw Mw", fn: "movSegMem", raw: true, sized: false, end: true },
  { op: "MOV", enc: "0F 20 /r", operands: "=Rv Cd", fn: "movFromCr", raw: true, size64: "force" },
  { op: "MOV", enc: "0F 22 /r", operands: "=Cd Rv", fn: "movToCr", raw: true, size64: "force", end: true },
  { op: "MOV", enc: "0F 21 /r", operands: "=Rv Dd", fn: "movFromDr", raw: true, size64: "force" },
  { op: "MOV", enc: "0F 23 /r", operands: "=Dd Rv", fn: "movToDr", raw: true, size64: "force", end: true },
  { op: "SLDT", enc: "0F 00 /0:r", operands: "=Ev", fn: "sldtReg", raw: true, param: 6 },
  { op: "SLDT", enc: "0F 00 /0:m", operands: "=Mw", fn: "sldtMem", raw: true, sized: false, param: 6 },
  { op: "STR", enc: "0F 00 /1:r", operands: "=Ev", fn: "sldtReg", raw: true, param: 7 },
  { op: "STR", enc: "0F 00 /1:m", operands: "=Mw", fn: "sldtMem", raw: true, sized: false, param: 7 },
  { op: "LLDT", enc: "0F 00 /2", operands: "Ew", fn: "lldt", sized: false },
  { op: "LTR", enc: "0F 00 /3", operands: "Ew", fn: "ltr", sized: false },
  { op: "VERR", enc: "0F 00 /4", operands: "Ew", fn: "verify", sized: false, param: 0, flags: "z" },
  { op: "VERW", enc: "0F 00 /5", operands: "Ew", fn: "verify", sized: false, param: 1, flags: "z" },
  { op: "SGDT", enc: "0F 01 /0:m", operands: "M", fn: "sgdt", raw: true, sized: false },
  { op: "SIDT", enc: "0F 01 /1:m", operands: "M", fn: "sidt", raw: true, sized: false },
  { op: "LGDT", enc: "0F 01 /2:m", operands: "M", fn: "loadTable", raw: true, sized: false, param: 0, end: true },
  { op: "LIDT", enc: "0F 01 /3:m", operands: "M", fn: "loadTable", raw: true, sized: false, param: 1, end: true },
  { op: "SMSW", enc: "0F 01 /4:r", operands: "=Ev", fn: "smsw" },
  { op: "SMSW", enc: "0F 01 /4:m", operands: "=Mw", fn: "smsw" },
  { op: "LMSW", enc: "0F 01 /6", operands: "Ew", fn: "lmsw", sized: false, end: true },
  { op: "INVLPG", enc: "0F 01 /7:m", operands: "M", fn: "invlpg", raw: true, sized: false, end: true },
  { op: "SWAPGS", enc: "0F 01 F8", fn: "swapgs", raw: true, mode: "only64" },
  { op: "RDTSCP", enc: "0F 01 F9", fn: "rdtscp", raw: true, cpuid: "rdtscp" },
  { op: "MONITOR", enc: "0F 01 C8", operands: "X", fn: "monitor", raw: true, cpuid: "monitor" },
  { op: "MWAIT", enc: "0F 01 C9", fn: "mwait", raw: true, cpuid: "monitor", end: true },
  { op: "LAR", enc: "0F 02 /r:r", operands: "+Gv Ew", fn: "larReg", raw: true, flags: "z" },
  { op: "LAR", enc: "0F 02 /r:m", operands: "+Gv Ew", fn: "larMem", raw: true, flags: "z" },
  { op: "LSL", enc: "0F 03 /r:r", operands: "+Gv Ew", fn: "lslReg", raw: true, flags: "z" },
  { op: "LSL", enc: "0F 03 /r:m", operands: "+Gv Ew", fn: "lslMem", raw: true, flags: "z" },
  { op: "SYSCALL", enc: "0F 05", fn: "syscall", raw: true, end: true },
  { op: "CLTS", enc: "0F 06", fn: "clts", raw: true, guard: "priv" },
  { op: "SYSRET", enc: "0F 07", operands: "v", fn: "sysret", raw: true, end: true },
  { op: "INVD", enc: "0F 08", fn: "invd", raw: true },
  { op: "WBINVD", enc: "0F 09", fn: "invd", raw: true },
  { op: "WRMSR", enc: "0F 30", fn: "wrmsr", raw: true, end: true, cpuid: "msr" },
  { op: "RDTSC", enc: "0F 31", fn: "rdtsc", raw: true, cpuid: "tsc" },
  { op: "RDMSR", enc: "0F 32", fn: "rdmsr", raw: true, cpuid: "msr" },
  { op: "RDPMC", enc: "0F 33", fn: "rdpmc", raw: true },
  { op: "SYSENTER", enc: "0F 34", fn: "sysenter", raw: true, end: true, cpuid: "sep" },
  { op: "SYSEXIT", enc: "0F 35", operands: "v", fn: "sysexit", raw: true, end: true, cpuid: "sep" },
  { op: "CPUID", enc: "0F A2", fn: "cpuid", raw: true },
  { op: "RSM", enc: "0F AA", fn: "rsm", raw: true, end: true },
  { op: "INVPCID", enc: "66 0F 38 82 /r:m", operands: "Gv M", fn: "invpcid", raw: true, sized: false, end: true, cpuid: "invpcid" },
  { op: "RDFSBASE", enc: "F3 0F AE /0:r", operands: "=Ey", fn: "fsgsBase", raw: true, param: 0, cpuid: "fsgsbase", mode: "only64" },
  { op: "RDGSBASE", enc: "F3 0F AE /1:r", operands: "=Ey", fn: "fsgsBase", raw: true, param: 1, cpuid: "fsgsbase", mode: "only64" },
  { op: "WRFSBASE", enc: "F3 0F AE /2:r", operands: "Ey", fn: "fsgsBase", raw: true, param: 2, cpuid: "fsgsbase", mode: "only64" },
  { op: "WRGSBASE", enc: "F3 0F AE /3:r", operands: "Ey", fn: "fsgsBase", raw: true, param: 3, cpuid: "fsgsbase", mode: "only64" },
);

export const ROWS_INT: readonly Row[] = rows;
