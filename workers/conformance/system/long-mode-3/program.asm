; Pages of 1 GiB, and call gates of 64 bits: levels, stacks, returns (SDM 3A 4.5, 5.8.3.1, 5.8.5.1).
%include "prelude.inc"
%macro pdpte 2 ; low, high
  mov dword [abs 0x21008], %1
  mov dword [abs 0x2100c], %2
  invlpg [abs 0x40000000]
%endmacro
GATE equ 0x180
%macro gate 4 ; selector of the code, offset, access, upper type
  mov dword [abs GDT + GATE], (ADDR(%2) & 0xffff) | ((%1) << 16)
  mov dword [abs GDT + GATE + 4], (ADDR(%2) & 0xffff0000) | ((%3) << 8)
  mov dword [abs GDT + GATE + 8], 0
  mov dword [abs GDT + GATE + 12], %4
%endmacro
%macro through 1 ; selector
  mov dword [abs 0x30000], 0x12345678
  mov dword [abs 0x30004], %1
  user64
  call far [abs USERAT + 0x30000]
  mov eax, 0x77
  int 0x30
%endmacro
main:
  real_setup
  enter32
  enter64
case "CPUID says so"
  mov eax, 0x80000001
  cpuid
  and edx, 1 << 26
  show rdx
done
case "a page of 1 GiB"
  pdpte 0x83, 0
  mov qword [abs 0x30100], 0x5678
  mov rax, [abs 0x40030100]
  show rax
done
case "A and D"
  mov eax, [abs 0x21008]
  show rax
  mov dword [abs 0x40030108], 1
  mov eax, [abs 0x21008]
  show rax
done
case "its far end"
  mov rax, [abs 0x43fffff8] ; the last bytes of RAM
  mov rax, 0x80000000
  mov rax, [rax]
done
case "across its end"
  mov rax, 0x7ffffffc
  mov [rax], rax
done
case "read only"
  pdpte 0x81, 0
  mov [abs 0x40030100], eax
done
case "reserved bit 13"
  pdpte 0x2083, 0
  mov eax, [abs 0x40030100]
done
case "reserved bit 29"
  pdpte 0x20000083, 0
  mov eax, [abs 0x40030100]
done
case "bit 12 is PAT"
  pdpte 0x1083, 0
  mov eax, [abs 0x40030100]
done
case "supervisor only"
  pdpte 0x83, 0
  user64
  mov eax, [abs 0x40030100]
done
case "for users"
  pdpte 0x87, 0
  user64
  mov eax, [abs 0x40030100]
  int 0x30
done
case "no execution"
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x800
  wrmsr
  pdpte 0x87, 0x80000000
  mov rax, 0x40000000 + BASE
  jmp rax
done
case "INVLPG of any part drops all"
  pdpte 0x83, 0
  mov eax, [abs 0x40030100]
  mov dword [abs 0x21008], 0
  invlpg [abs 0x7fff0000]
  mov eax, [abs 0x40030100]
done
case "PS in the PML4 entry is reserved"
  mov dword [abs 0x20008], 0x87
  mov rax, 0x8000000000
  mov eax, [rax]
done
  mov dword [abs 0x20008], 0
; ---- call gates
mov dword [abs 0x22000 + 4 * 8], 0x87
case "through a gate to ring 0"
  mov qword [abs TSS+4], 0x7000
  gate CODE64, inner, 0xec00, 0
  through GATE | 3
done
case "what it saw"
  show qword [abs 0x30200]
  show qword [abs 0x30208]
  show qword [abs 0x30210]
  show qword [abs 0x30218]
  show qword [abs 0x30220]
  show qword [abs 0x30228]
done
case "and back by RETF"
  gate CODE64, inner_back, 0xec00, 0
  through GATE | 3
done
case "RETF with a count"
  gate CODE64, inner_count, 0xec00, 0
  mov dword [abs 0x30000], 0
  mov dword [abs 0x30004], GATE | 3
  user64
  push 1
  push 2
  call far [abs USERAT + 0x30000]
  mov rax, rsp
  int 0x30
done
case "the gate's DPL"
  gate CODE64, inner, 0x8c00, 0
  through GATE | 3
done
case "absent"
  gate CODE64, inner, 0x6c00, 0
  through GATE | 3
done
case "a type in the upper half"
  gate CODE64, inner, 0xec00, 0x100
  through GATE | 3
done
case "an upper half with bits above the type"
  gate CODE64, inner, 0xec00, 0xffffe000
  through GATE | 3
done
case "to 32-bit code"
  gate CODE32, inner, 0xec00, 0
  through GATE | 3
done
case "to data"
  gate DATA32, inner, 0xec00, 0
  through GATE | 3
done
case "to null"
  gate 0, inner, 0xec00, 0
  through GATE | 3
done
case "to an address that is not canonical"
  gate CODE64, inner, 0xec00, 0
  mov dword [abs GDT + GATE + 8], 0x8000
  through GATE | 3
done
case "the new stack is not canonical"
  gate CODE64, inner, 0xec00, 0
  mov dword [abs TSS+8], 0x8000
  through GATE | 3
done
  mov dword [abs TSS+8], 0
case "the new stack is absent"
  mov qword [abs TSS+4], 0x400800
  gate CODE64, inner, 0xec00, 0
  mov dword [abs IDT + 14 * 16 + 4], 0x8e01 | (ADDR(stubs64 + 14 * 16) & 0xffff0000) ; IST 1
  mov qword [abs TSS+0x24], 0x7000
  through GATE | 3
done
  mov qword [abs TSS+4], 0x7000
case "JMP through a gate to an inner ring"
  gate CODE64, inner, 0xec00, 0
  mov dword [abs 0x30000], 0
  mov dword [abs 0x30004], GATE | 3
  user64
  jmp far [abs USERAT + 0x30000]
done
case "in ring 0, no stack switch"
  gate CODE64, inner_same, 0xec00, 0
  mov dword [abs 0x30004], GATE
  mov rbx, rsp
  call far [abs 0x30000]
%$back:
done
case "JMP in ring 0"
  gate CODE64, inner_jump, 0xec00, 0
  mov rbx, rsp
  mov [abs 0x30230], rbx
  jmp far [abs 0x30000]
done
case "from compatibility mode"
  gate CODE64, inner, 0xec00, 0
  push 0x8b
  push USERAT + 0xa000
  push 2
  push 0x83
  push USERAT + %$compat
  iretq
bits 32
%$compat:
  call GATE | 3:0
bits 64
done
case "to 64-bit code of ring 3 from ring 3"
  gate 0x93, USERAT + inner_user, 0xec00, 0
  through GATE | 3
done
  finish
inner: ; the frame on the new stack, and SS
  pop rax
  mov [abs 0x30200], rax
  pop rax
  mov [abs 0x30208], rax
  pop rax
  mov [abs 0x30210], rax
  pop rax
  mov [abs 0x30218], rax
  mov [abs 0x30220], rsp
  mov eax, ss
  mov [abs 0x30228], rax
  mov eax, cs
  int 0x30
inner_back:
  o64 retf
inner_count:
  o64 retf 16
inner_same:
  sub rbx, rsp
  show rbx
  pop rax
  pop rax
  show rax
  int 0x30
inner_jump:
  sub rbx, rsp
  show rbx
  int 0x30
inner_user:
  mov eax, cs
  int 0x30
  rom
