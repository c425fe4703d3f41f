; XSAVE's family where the areas, the formats and the checks meet: XGETBV of XINUSE, init optimization, compacted areas, XRSTOR's checks of the header, XSS
; (SDM 1 chapter 13). The areas of x87, SSE and AVX lie at 30000.
; cpu: max,vendor=GenuineIntel
; oracle: Bochs, TCG 7.2 has no XSAVEC and no XSAVES, and its XINUSE is all that is enabled
%include "prelude.inc"
AREA equ 0x30000
%macro mask 1
  mov eax, %1
  xor edx, edx
%endmacro
%macro filled 0 ; the area full of CC, its header zero
  mov rdi, AREA
  mov ecx, 0x400
  mov al, 0xcc
  rep stosb
  mov rdi, AREA + 512
  mov ecx, 64
  xor eax, eax
  rep stosb
%endmacro
%macro initial 0
  fninit
  vzeroall
  push 0x1f80
  ldmxcsr [rsp]
  pop rax
%endmacro
%macro header 0
  show qword [abs AREA + 512]
  show qword [abs AREA + 520]
%endmacro
main:
  real_setup
  enter32
  enter64
  mov rax, cr4
  or eax, 0x40600
  mov cr4, rax
  xor ecx, ecx
  mask 7
  xsetbv
case "leaf 0Dh, 1"
  mov eax, 0xd
  mov ecx, 1
  cpuid
  and eax, 0xf
  show rax
  show rbx
done
case "leaf 0Dh, 2"
  mov eax, 0xd
  mov ecx, 2
  cpuid
  show rax
  show rbx
  show rcx
done
case "XGETBV 1, all initial"
  initial
  mov ecx, 1
  xgetbv
  and eax, 6
  show rax
done
case "XGETBV 1, AVX in use"
  initial
  vpcmpeqd ymm3, ymm3, ymm3
  mov ecx, 1
  xgetbv
  and eax, 6
  show rax
done
case "XGETBV 1, x87 in use"
  initial
  fld1
  mov ecx, 1
  xgetbv
  show rax
done
case "XGETBV 2"
  mov ecx, 2
  xgetbv
done
case "XSAVE writes what is initial"
  initial
  fld1
  filled
  mask 7
  xsave [abs AREA]
  and dword [abs AREA + 512], 6
  header
  show qword [abs AREA + 576]
done
case "XSAVEOPT leaves it"
  initial
  fld1
  filled
  mask 7
  xsaveopt [abs AREA]
  header
  show qword [abs AREA + 576]
  show qword [abs AREA + 160]
done
case "XSAVEOPT keeps the bits of what it was not asked for"
  initial
  fld1
  filled
  mov qword [abs AREA + 512], 4
  mask 3
  xsaveopt [abs AREA]
  header
done
case "XSAVEC"
  initial
  fld1
  filled
  mov rax, 0x1122334455667788
  vmovq xmm2, rax
  mask 7
  xsavec [abs AREA]
  header
  show qword [abs AREA + 160 + 32]
  show qword [abs AREA + 576]
done
case "XSAVEC of AVX alone"
  initial
  vpcmpeqd ymm3, ymm3, ymm3
  filled
  mask 4
  xsavec [abs AREA]
  header
  show qword [abs AREA + 576 + 48]
  show qword [abs AREA + 24]
done
case "XSAVEC with another MXCSR"
  initial
  push 0x1fc0
  ldmxcsr [rsp]
  pop rax
  filled
  mask 2
  xsavec [abs AREA]
  header
  show qword [abs AREA + 24]
done
case "XSAVES"
  initial
  fld1
  filled
  vpcmpeqd xmm3, xmm3, xmm3
  mask 7
  xsaves [abs AREA]
  header
done
case "XSAVES, leaving the header as it was not"
  initial
  filled
  mov qword [abs AREA + 512], 7
  mov qword [abs AREA + 528], 9
  mask 6
  xsaves [abs AREA]
  header
  show qword [abs AREA + 528]
done
case "XSAVEC in ring 3 is fine"
  mov eax, 7
  xor edx, edx
  user64
  mov eax, 7
  xsavec [abs USERAT + AREA]
  int 0x30
done
case "XSAVES in ring 3"
  user64
  xsaves [abs USERAT + AREA]
done
case "XRSTORS in ring 3"
  user64
  xrstors [abs USERAT + AREA]
done
case "XSAVEC at 16"
  mask 7
  xsavec [abs AREA + 16]
done
case "XSAVEOPT with TS"
  mov rax, cr0
  or eax, 8
  mov cr0, rax
  mask 7
  xsaveopt [abs AREA]
done
  clts
case "XSAVE of nothing writes the header alone"
  initial
  filled
  mov qword [abs AREA + 512], 7
  mask 0
  xsave [abs AREA]
  header
  show qword [abs AREA]
done
case "XRSTOR of a compacted area"
  initial
  vpcmpeqd ymm3, ymm3, ymm3
  filled
  mask 7
  xsavec [abs AREA]
  vzeroall
  mask 7
  xrstor [abs AREA]
  vextracti128 xmm1, ymm3, 1
  vmovq rbx, xmm1
  show rbx
done
case "XRSTORS of a compacted area"
  vzeroall
  mask 7
  xrstors [abs AREA]
  vextracti128 xmm1, ymm3, 1
  vmovq rbx, xmm1
  show rbx
done
case "XRSTORS of a standard area"
  initial
  filled
  mask 7
  xsave [abs AREA]
  mask 7
  xrstors [abs AREA]
done
%macro compacted 0
  initial
  filled
  mask 7
  xsavec [abs AREA]
  mask 7
%endmacro
case "compacted, a component outside XCR0"
  compacted
  or dword [abs AREA + 520], 0x200
  xrstor [abs AREA]
done
case "compacted, present without being in the layout"
  compacted
  mov dword [abs AREA + 520], 3
  mov dword [abs AREA + 512], 4
  xrstor [abs AREA]
done
case "compacted, a reserved byte"
  compacted
  mov byte [abs AREA + 575], 1
  xrstor [abs AREA]
done
case "standard, byte 24 of the header"
  initial
  filled
  mov qword [abs AREA + 24], 0x1f80
  mov byte [abs AREA + 512 + 24], 1
  mask 7
  xrstor [abs AREA]
done
case "standard, byte 8 of the header"
  initial
  filled
  mov qword [abs AREA + 24], 0x1f80
  mov byte [abs AREA + 512 + 8], 1
  mask 7
  xrstor [abs AREA]
done
case "a component outside XCR0"
  initial
  filled
  mov dword [abs AREA + 512], 8
  mask 7
  xrstor [abs AREA]
done
case "reserved bits of MXCSR"
  initial
  filled
  mov dword [abs AREA + 24], 0x10000
  mov dword [abs AREA + 512], 2
  mask 2
  xrstor [abs AREA]
done
case "MXCSR comes with AVX, in the standard format"
  initial
  filled
  mov dword [abs AREA + 24], 0x1fc0
  mask 4
  xrstor [abs AREA]
  push 0
  stmxcsr [rsp]
  pop rbx
  show rbx
done
case "MXCSR comes though SSE is initial"
  initial
  filled
  mov dword [abs AREA + 24], 0x1fa0
  mask 2
  xrstor [abs AREA]
  push 0
  stmxcsr [rsp]
  pop rbx
  show rbx
done
case "compacted, initial SSE resets MXCSR"
  compacted
  push 0x1fc0
  ldmxcsr [rsp]
  pop rbx
  mov eax, 2
  mov dword [abs AREA + 512], 0
  xrstor [abs AREA]
  push 0
  stmxcsr [rsp]
  pop rbx
  show rbx
done
case "across into an absent page"
  mov dword [abs 0x25000], 0x30007
  mov dword [abs 0x25008], 0
  invlpg [abs 0x400000]
  invlpg [abs 0x401000]
  initial
  filled
  mask 7
  xsave [abs 0x400f00]
done
case "XRSTOR across into an absent page"
  mask 7
  xrstor [abs 0x400f00]
done
case "x87 initialised by XRSTOR"
  initial
  fld1
  fld1
  push 0x27f
  fldcw [rsp]
  pop rax
  filled
  mov qword [abs AREA + 24], 0x1f80
  mask 1
  xrstor [abs AREA]
  sub rsp, 32
  fnstenv [rsp]
  mov eax, [rsp]
  and eax, 0xffff
  show rax
  mov eax, [rsp + 8]
  and eax, 0xffff
  show rax
  add rsp, 32
done
case "IA32_XSS"
  mov ecx, 0xda0
  rdmsr
  show rax
done
case "IA32_XSS, a user component"
  mov ecx, 0xda0
  mask 4
  wrmsr
done
case "XSETBV with EDX"
  xor ecx, ecx
  mov eax, 7
  mov edx, 1
  xsetbv
done
case "without XSAVE's switch"
  mov rax, cr4
  and eax, ~0x40000
  mov cr4, rax
  mask 7
  xsavec [abs AREA]
done
  finish
  rom
