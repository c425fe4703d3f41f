// The disassembler against what objdump -Mintel prints for the same bytes (spelling of sizes aside).
import { describe, expect, it } from "vitest";
import { disassemble } from "./disassemble.ts";

const bytes = (hex: string) => Uint8Array.from(hex.split(" ").map((b) => Number.parseInt(b, 16)));
describe("disassemble", () => {
  const cases: readonly (readonly [16 | 32 | 64, string, string])[] = [
    [64, "48 89 d8", "mov rax, rbx"],
    [64, "8b 44 24 08", "mov eax, dword [rsp+0x8]"],
    [64, "48 8b 05 10 00 00 00", "mov rax, qword [rip+0x10]"],
    [64, "65 48 8b 04 25 28 00 00 00", "mov rax, qword gs:[0x28]"],
    [64, "e8 fb ff ff ff", "call 0x1000"],
    [64, "74 02", "je 0x1004"],
    [64, "f3 48 a5", "rep movsq"],
    [64, "0f 58 c1", "addps xmm0, xmm1"],
    [64, "f2 41 0f 10 47 10", "movsd xmm0, qword [r15+0x10]"],
    [64, "d9 e8", "fld1"],
    [64, "f0 0f b1 0a", "lock cmpxchg dword [rdx], ecx"],
    [64, "0f 01 f8", "swapgs"],
    [64, "41 b4 05", "mov r12b, 0x5"],
    [64, "40 88 f0", "mov al, sil"],
    [32, "40", "inc eax"],
    [32, "ea 00 10 00 00 08 00", "jmpf 0x8:0x1000"],
    [16, "ea 5b e0 00 f0", "jmpf 0xf000:0xe05b"],
    [16, "8b 46 fe", "mov ax, word [bp-0x2]"],
    [16, "66 b8 78 56 34 12", "mov eax, 0x12345678"],
    [16, "cd 10", "int 0x10"],
    [64, "0f 0b", "ud2"],
    [64, "06", "(bad)"],
    [64, "c5 f9 58 c1", "vaddpd xmm0, xmm0, xmm1"],
    [64, "c5 fd 58 c1", "vaddpd ymm0, ymm0, ymm1"],
    [64, "c4 e2 fd 92 0c 85 00 00 00 00", "vgatherdpd ymm1, ymm0, [xmm0*4]"],
    [64, "c4 e3 71 4a 4a 42 e0", "vblendvps xmm1, xmm1, [rdx+0x42], xmm14"],
    [64, "c4 e2 f8 f2 c3", "andn rax, rax, rbx"],
    [64, "f3 0f bc c1", "tzcnt eax, ecx"],
    [64, "66 c5 f9 58 c1", "(bad)"],
    [32, "c5 f9 58 c1", "vaddpd xmm0, xmm0, xmm1"],
    [32, "c5 08", "lds ecx, dword [eax]"],
  ];
  for (const [bits, hex, text] of cases)
    it(`${bits}-bit ${hex}`, () => {
      const d = disassemble(bytes(hex), bits, 0x1000n);
      expect(d.text).toBe(text);
      if (text !== "(bad)") expect(d.length).toBe(hex.split(" ").length);
    });
  it("says (bad) when bytes run out", () => {
    expect(disassemble(bytes("48 8b"), 64, 0n)).toMatchObject({ text: "(bad)", row: null });
  });
});
