; More of 64-bit mode: PCID and INVPCID, UMIP, IRET between every pair of sizes and rings, SMEP and SMAP with stacks and descriptor tables.
; SDM 3A 4.10.1, 2A IRET, 3A 2.5.
; oracle: Bochs, QEMU 7.2 takes CR3 bit 63 for an address and stops
%include "prelude.inc"
; The page at 400000 is mapped by the first entry of table 25000.
%macro map400 1
  mov qword [abs 0x25000], %1
%endmacro
main:
  real_setup
  enter32
  enter64
; ---- UMIP
case "UMIP sgdt in ring 3"
  mov rax, cr4
  or eax, 0x800
  mov cr4, rax
  user64
  sgdt [rsp - 16]
done
case "UMIP sidt in ring 3"
  user64
  sidt [rsp - 16]
done
case "UMIP sldt in ring 3"
  user64
  sldt eax
done
case "UMIP smsw in ring 3"
  user64
  smsw eax
done
case "UMIP str in ring 3"
  user64
  str eax
done
case "UMIP off, sgdt in ring 3"
  mov rax, cr4
  and eax, ~0x800
  mov cr4, rax
  user64
  sgdt [rsp - 16]
  mov eax, 5
  int 0x30
done
; ---- IRET
%macro frame 5 ; ss, rsp, flags, cs, rip
  push qword %1
  mov rax, %2
  push rax
  push qword %3
  push qword %4
  mov rax, %5
  push rax
%endmacro
case "iretq in ring 0 keeps the frame's stack"
  frame 0, 0x8800, 2, CODE64, %$a
  iretq
%$a:
  mov rax, rsp
  show rax
done
case "iretq with a null ss for ring 3"
  frame 3, 0x80a000, 2, 0x93, USERAT
  iretq
done
case "iretq with ss of ring 0 for ring 3"
  frame DATA32, 0x80a000, 2, 0x93, USERAT
  iretq
done
case "iretq to data"
  frame 0, 0x8800, 2, DATA32, %$e
  iretq
%$e:
done
case "iretq to null"
  frame 0, 0x8800, 2, 0, %$e
  iretq
%$e:
done
case "iretq to a 64-bit ss that is 32-bit data in ring 0"
  frame DATA32, 0x8800, 2, CODE64, %$b
  iretq
%$b:
  mov eax, ss
  show rax
done
case "iretq to compatibility mode, ring 0"
  frame DATA32, 0x8800, 2, CODE32, %$c
  iretq
bits 32
%$c:
  mov eax, esp
  int 0x30
bits 64
done
case "iretd in 64-bit mode"
  push qword 0
  sub rsp, 24
  mov dword [rsp], %$d
  mov dword [rsp + 4], CODE64
  mov dword [rsp + 8], 2
  mov dword [rsp + 12], 0x8800
  mov dword [rsp + 16], 0
  iretd
%$d:
  mov rax, rsp
  show rax
done
case "iretq loads RF, not VM"
  frame 0, 0x8800, 0x30002, CODE64, %$f
  iretq
%$f:
  pushfq
  pop rax
  show rax
done
case "iretq to ring 3 nulls DPL 0 segments"
  mov eax, DATA32
  mov ds, ax
  mov eax, 0x8b
  mov es, ax
  user64
  mov eax, ds
  shl eax, 16
  mov ax, es
  int 0x30
done
case "iretq in ring 3 cannot change IOPL or IF"
  user64
  mov rbx, rsp
  push qword 0x8b
  push rbx
  push qword 0x3202
  push qword 0x93
  lea rax, [rel %$g]
  push rax
  iretq
%$g:
  pushfq
  pop rax
  int 0x30
done
; ---- SMEP and SMAP
case "SMEP with SMAP, call to a user page"
  mov rax, cr4
  or eax, 0x300000
  mov cr4, rax
  mov rax, USERAT + 0x9000
  call rax
done
  mov rax, cr4
  and eax, ~0x300000
  mov cr4, rax
; ---- PCID, last: QEMU does not get past it
case "PCIDE needs CR3 without PCID"
  mov rax, cr4
  or eax, 0x20000
  mov cr4, rax
  mov rax, cr4
  and eax, 0x20000
  show rax
done
  map400 0x30003
  mov dword [abs 0x30000], 0x11111111
  mov dword [abs 0x31000], 0x22222222
case "a page seen under PCID 1"
  mov rax, 0x20001
  mov cr3, rax
  mov eax, [abs 0x400000]
  show rax
done
case "another PCID sees the new entry"
  map400 0x31003
  mov rax, 0x20002
  mov cr3, rax
  mov eax, [abs 0x400000]
  show rax
done
case "back without bit 63 flushes"
  mov rax, 0x20001
  mov cr3, rax
  mov eax, [abs 0x400000]
  show rax
done
case "cr3 reads the PCID, never bit 63"
  mov rax, 0x8000000000020003
  mov cr3, rax
  mov rax, cr3
  show rax
done
case "INVPCID of one address"
  map400 0x30003
  sub rsp, 16
  mov qword [rsp], 3
  mov qword [rsp + 8], 0x400000
  xor ecx, ecx
  invpcid rcx, [rsp]
  mov eax, [abs 0x400000]
  add rsp, 16
  show rax
done
case "INVPCID of one context"
  map400 0x31003
  sub rsp, 16
  mov qword [rsp], 3
  mov qword [rsp + 8], 0
  mov ecx, 1
  invpcid rcx, [rsp]
  mov eax, [abs 0x400000]
  add rsp, 16
  show rax
done
case "INVPCID of all"
  map400 0x30003
  sub rsp, 16
  mov qword [rsp], 0
  mov ecx, 2
  invpcid rcx, [rsp]
  mov eax, [abs 0x400000]
  add rsp, 16
  show rax
done
case "INVPCID of type 4"
  sub rsp, 16
  mov qword [rsp], 0
  mov ecx, 4
  invpcid rcx, [rsp]
done
case "INVPCID with a wide PCID"
  sub rsp, 16
  mov qword [rsp], 0x1000
  xor ecx, ecx
  invpcid rcx, [rsp]
done
case "INVPCID of an address that is not canonical"
  sub rsp, 16
  mov qword [rsp], 1
  mov rax, 0x800000000000
  mov [rsp + 8], rax
  xor ecx, ecx
  invpcid rcx, [rsp]
done
case "INVPCID in ring 3"
  user64
  invpcid rcx, [rsp - 16]
done
case "PCIDE cleared with a PCID in CR3 is allowed"
  mov rax, cr4
  and eax, ~0x20000
  mov cr4, rax
  mov rax, cr3
  show rax
done
case "PCIDE set with a PCID in CR3"
  mov rax, cr4
  or eax, 0x20000
  mov cr4, rax
done
  mov rax, 0x20000
  mov cr3, rax
  finish
  rom
