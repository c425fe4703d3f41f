; VEX and XSAVE as the system sees them: modes, CR4.OSXSAVE, XCR0, CR0.TS, prefixes before VEX, alignment, masked and gathered accesses at
; absent pages, XSETBV's checks, XSAVE areas, CPUID leaf 0Dh.
; cpu: max,vendor=GenuineIntel
%include "prelude.inc"
PT equ 0x25000
%macro pte 3 ; page of the window, low, high
  mov dword [abs PT + (%1) * 8], %2
  mov dword [abs PT + (%1) * 8 + 4], %3
  invlpg [abs 0x400000 + (%1) * 0x1000]
%endmacro
%macro xcr0 1
  xor ecx, ecx
  xor edx, edx
  mov eax, %1
  xsetbv
%endmacro
%macro setcr4 2 ; on, off
  mov rax, cr4
  or rax, %1
  and rax, ~(%2)
  mov cr4, rax
%endmacro
main:
  real_setup
  xor ax, ax
  mov es, ax
  mov word [es:6 * 4], OFF16(undefined)
  mov word [es:6 * 4 + 2], BASE >> 4
case "VEX in real mode"
  db 0xc5, 0xf8, 0x77
done
case "three-byte VEX in real mode"
  db 0xc4, 0xe2, 0x70, 0xf2, 0xc2
done
  enter32
case "32-bit: VEX without OSXSAVE"
  vzeroupper
done
case "32-bit: ANDN needs no state"
  mov ecx, 0xff
  mov edx, 0xf0f0
  andn eax, ecx, edx
  show eax
done
case "32-bit: LDS from a register"
  db 0xc5, 0x00
done
  enter64
case "XGETBV without OSXSAVE"
  xor ecx, ecx
  xgetbv
done
case "XSETBV without OSXSAVE"
  xcr0 3
done
case "XSAVE without OSXSAVE"
  xsave [abs 0x30000]
done
case "CPUID says OSXSAVE is off"
  mov eax, 1
  xor ecx, ecx
  cpuid
  and ecx, 1 << 27
  show rcx
done
setcr4 0x40600, 0
case "CPUID says OSXSAVE is on"
  mov eax, 1
  xor ecx, ecx
  cpuid
  and ecx, 1 << 27
  show rcx
done
case "XCR0 after reset"
  xor ecx, ecx
  xgetbv
  show rax
  show rdx
done
case "VEX with XCR0 1"
  vzeroupper
done
case "XSETBV 0"
  xcr0 0
done
case "XSETBV AVX without SSE"
  xcr0 5
done
case "XSETBV of a bit there is not"
  xor ecx, ecx
  mov edx, 0x10000000
  mov eax, 7
  xsetbv
done
case "XSETBV of XCR5"
  mov ecx, 5
  xor edx, edx
  mov eax, 7
  xsetbv
done
case "XSETBV in ring 3"
  user64
  xcr0 7
done
xcr0 3
case "VEX with XCR0 3"
  vzeroupper
done
case "SSE with XCR0 3"
  addps xmm0, xmm1
done
case "size of the area for XCR0 3"
  mov eax, 0xd
  xor ecx, ecx
  cpuid
  show rbx
done
xcr0 7
case "size of the area for XCR0 7"
  mov eax, 0xd
  xor ecx, ecx
  cpuid
  show rbx
done
case "AVX state in the area"
  mov eax, 0xd
  mov ecx, 2
  cpuid
  show rax
  show rbx
done
case "VEX with XCR0 7"
  vzeroupper
done
case "VEX in ring 3"
  user64
  vaddps ymm0, ymm1, ymm2
  int 0x30
done
mov rax, cr0
or eax, 8
mov cr0, rax
case "VEX with TS"
  vaddps xmm0, xmm1, xmm2
done
case "XSAVE with TS"
  xsave [abs 0x30000]
done
case "BMI with TS"
  blsr eax, ecx
done
clts
mov rax, cr0
or eax, 4
mov cr0, rax
case "VEX with EM"
  vaddps xmm0, xmm1, xmm2
done
case "SSE with EM"
  addps xmm0, xmm1
done
mov rax, cr0
and eax, ~4
mov cr0, rax
case "66 before VEX"
  db 0x66
  vzeroupper
done
case "F2 before VEX"
  db 0xf2
  vzeroupper
done
case "F3 before VEX"
  db 0xf3
  vzeroupper
done
case "LOCK before VEX"
  db 0xf0
  vzeroupper
done
case "REX before VEX"
  db 0x48
  vzeroupper
done
case "segment before VEX"
  db 0x2e
  vzeroupper
done
case "VEX.vvvv where there is no operand"
  db 0xc5, 0xf0, 0x28, 0xc1
done
case "VEX.L of a 128-bit instruction"
  db 0xc5, 0xfd, 0x6e, 0xc0
done
case "VEX map 0"
  db 0xc4, 0xe0, 0x78, 0x58, 0xc0
done
case "legacy SSE keeps the upper half, VEX.128 clears it"
  mov rax, 0x1111111122222222
  vmovq xmm0, rax
  vinsertf128 ymm0, ymm0, xmm0, 1
  movaps xmm1, xmm0
  vmovaps ymm1, ymm0
  movaps xmm1, xmm2
  vextractf128 xmm3, ymm1, 1
  vmovq rbx, xmm3
  show rbx
  vmovaps xmm1, xmm0
  vextractf128 xmm3, ymm1, 1
  vmovq rbx, xmm3
  show rbx
done
case "VMOVAPS of 32 bytes at 16"
  vmovaps ymm0, [abs 0x30010]
done
case "VMOVUPS of 32 bytes at 1"
  vmovups ymm0, [abs 0x30001]
done
case "VADDPS of 32 bytes at 1"
  vxorps ymm1, ymm1, ymm1
  vaddps ymm0, ymm1, [abs 0x30001]
done
case "ADDPS at 1"
  addps xmm0, [abs 0x30001]
done
pte 2, 0x32003, 0
pte 3, 0, 0
case "32 bytes into an absent page"
  vmovups ymm0, [abs 0x402ff0]
done
case "a store into an absent page changes nothing"
  mov qword [abs 0x32ff8], 0
  vpcmpeqd ymm1, ymm1, ymm1
  vmovups [abs 0x402ff0], ymm1
done
case "first part"
  show qword [abs 0x32ff8]
done
case "VMASKMOVPS skips what is absent"
  vpcmpeqd xmm1, xmm1, xmm1
  mov rax, 0x4000000040000000
  mov [abs 0x32ff8], rax
  vmaskmovps ymm0, ymm1, [abs 0x402ff0]
  vextractf128 xmm2, ymm0, 1
  vmovq rbx, xmm2
  show rbx
  vpextrq rbx, xmm0, 1
  show rbx
done
case "VMASKMOVPS of an absent element"
  vpcmpeqd ymm1, ymm1, ymm1
  vmaskmovps ymm0, ymm1, [abs 0x402ff0]
done
case "VPMASKMOVD stores around an absent page"
  vpcmpeqd xmm1, xmm1, xmm1
  vpcmpeqd xmm2, xmm2, xmm2
  vpmaskmovd [abs 0x402ff0], ymm1, ymm2
  show qword [abs 0x32ff8]
done
case "VPGATHERDD of equal registers"
  db 0xc4, 0xe2, 0x79, 0x90, 0x04, 0x08
done
mov rax, 0x0000000100000000
mov [abs 0x30000], rax
mov rax, 0x0000100000000002
mov [abs 0x30008], rax
case "VPGATHERDD stops at an absent page"
  vmovdqu xmm2, [abs 0x30000]
  vpcmpeqd xmm1, xmm1, xmm1
  vpxor xmm0, xmm0, xmm0
  mov eax, 0x402ff0
  vpgatherdd xmm0, [rax + xmm2 * 4], xmm1
done
case "and keeps what it has"
  vmovq rbx, xmm0
  show rbx
  vpextrq rbx, xmm1, 1
  show rbx
  vmovq rbx, xmm1
  show rbx
done
case "XSAVE at 8"
  xsave [abs 0x30008]
done
case "XRSTOR of a header with a reserved bit"
  mov qword [abs 0x30200], 8
  mov qword [abs 0x30208], 0
  mov qword [abs 0x30210], 0
  mov eax, 7
  xor edx, edx
  xrstor [abs 0x30000]
done
case "XRSTOR of a reserved byte of the header"
  mov qword [abs 0x30200], 0
  mov qword [abs 0x30210], 1
  mov eax, 7
  xor edx, edx
  xrstor [abs 0x30000]
done
case "XSAVE and XRSTOR of AVX state"
  mov qword [abs 0x30200], 0
  mov qword [abs 0x30208], 0
  mov qword [abs 0x30210], 0
  mov rax, 0x123456789abcdef
  vmovq xmm5, rax
  vinsertf128 ymm5, ymm5, xmm5, 1
  mov eax, 4
  xor edx, edx
  xsave [abs 0x30000]
  show qword [abs 0x30200]
  show qword [abs 0x30240 + 5 * 16]
  vzeroall
  xrstor [abs 0x30000]
  vmovq rbx, xmm5
  show rbx
  vextractf128 xmm0, ymm5, 1
  vmovq rbx, xmm0
  show rbx
done
case "XRSTOR without the component initialises it"
  mov qword [abs 0x30200], 0
  mov eax, 4
  xor edx, edx
  xrstor [abs 0x30000]
  vextractf128 xmm0, ymm5, 1
  vmovq rbx, xmm0
  show rbx
done
setcr4 0, 0x10000
case "RDFSBASE without FSGSBASE"
  rdfsbase rax
done
setcr4 0, 0x40000
case "VEX after OSXSAVE is off again"
  vzeroupper
done
finish
bits 16
undefined: ; ip, cs, flags
  puts "#06 ip="
  call hex16
  puts 10
  xor ax, ax
  mov ss, ax
  mov sp, [cs:OFF16(resume_sp)]
  mov ax, BASE >> 4
  mov ds, ax
  jmp [cs:OFF16(resume_ip)]
  rom
