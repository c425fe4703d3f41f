; 64-bit mode: paging (NX, SMEP, SMAP, reserved bits, canonical addresses), interrupts and IST, SYSCALL, SYSENTER, SWAPGS, compatibility
; mode, gates, descriptor checks, page-straddling data.
; cpu: max,vendor=GenuineIntel
%include "prelude.inc"
PT equ 0x25000
%macro pte 3 ; page of the window, low, high
  mov dword [abs PT + (%1) * 8], %2
  mov dword [abs PT + (%1) * 8 + 4], %3
  invlpg [abs 0x400000 + (%1) * 0x1000]
%endmacro
main:
  real_setup
  enter32
  enter64
case "state"
  mov rax, cr0
  and eax, 0x80000001
  show rax
  mov ecx, 0xc0000080
  rdmsr
  and eax, 0x500
  show rax
done
case "upper halves are kept"
  mov rax, 0x1122334455667788
  mov eax, eax
  show rax
done
case "not present read"
  mov rax, [abs 0x400123]
done
case "not present write"
  mov [abs 0x400123], rax
done
case "upper half absent"
  mov rax, 0xffff800000000000
  mov rax, [rax]
done
case "not canonical read"
  mov rax, 0x0000800000000000
  mov rax, [rax]
done
case "not canonical through rsp"
  mov rbp, 0xfff0000000000000
  mov rax, [rbp]
done
case "not canonical across"
  mov rax, 0x00007ffffffffffc
  mov rax, [rax]
done
case "not canonical push in ring 3"
  user64
  mov rsp, 0x0000800000000008
  push rax
done
case "not canonical jump"
  mov rax, 0x0000800000000000
  jmp rax
done
case "not canonical ret"
  mov rax, 0x0000800000000000
  push rax
  ret
done
case "not canonical iret"
  xor eax, eax
  push rax
  push 0x9000
  pushfq
  push CODE64
  mov rax, 0x0000800000000000
  push rax
  iretq
done
pte 0, 0x30001, 0
case "read-only write"
  mov [abs 0x400000], rax
done
pte 0, 0x30003, 0
case "A and D"
  mov [abs 0x400000], rax
  show qword [abs PT]
done
case "user read of supervisor page"
  user64
  mov rax, [abs 0x400000]
done
pte 0, 0x35007, 0x80000000
mov byte [abs 0x35000], 0xc3
case "NX fetch"
  mov eax, 0x400000
  call rax
done
case "NX fetch in ring 3"
  user64
  mov eax, 0x400000
  jmp rax
done
pte 1, 0x30003, 0x00080000
case "reserved bit 51"
  mov rax, [abs 0x401000]
done
pte 1, 0x30003, 0x00100000
case "ignored bit 52"
  mov rax, [abs 0x401000]
done
mov dword [abs 0x22000 + 3 * 8], 0x002083
case "large page reserved bit"
  mov rax, [abs 0x600000]
done
mov dword [abs 0x20000 + 8], 0x21083
case "PML4 reserved PS"
  mov rax, 0x8000000000
  mov rax, [rax]
done
mov dword [abs 0x20000 + 8], 0
pte 0, 0x35007, 0
mov rax, cr4
or eax, 0x100000
mov cr4, rax
case "SMEP"
  mov eax, 0x400000
  call rax
done
mov rax, cr4
xor eax, 0x300000
mov cr4, rax
case "SMAP"
  mov rax, [abs 0x400000]
done
case "SMAP with AC"
  stac
  mov al, [abs 0x400000]
  clac
done
mov rax, cr4
and eax, ~0x200000
mov cr4, rax
pte 2, 0x32003, 0
pte 3, 0, 0
mov dword [abs 0x32ffc], 0x22222222
case "qword across into an absent page"
  mov rax, [abs 0x402ffa]
done
case "write across changes nothing"
  mov qword [abs 0x402ffa], -1
done
case "first part"
  mov eax, [abs 0x32ffc]
  show rax
done
case "xmm across into an absent page"
  movups xmm0, [abs 0x402ff4]
done
case "cmpxchg16b across"
  cmpxchg16b [abs 0x402ff8]
done
case "fxsave across"
  fxsave [abs 0x402f00]
done
pte 3, 0x33003, 0
case "qword across pages"
  mov rax, 0x1122334455667788
  mov [abs 0x402ffb], rax
  mov rax, [abs 0x402ffb]
  show rax
done
case "locked across pages"
  lock inc qword [abs 0x402ffb]
  mov rax, [abs 0x402ffb]
  show rax
done
; interrupts
case "int 31 in ring 0"
  mov rbp, rsp
  mov rax, (ADDR(int_frame) & 0xffff) | (CODE64 << 16) | ((ADDR(int_frame) & 0xffff0000) << 32) | (0xee << 40)
  mov [abs IDT + 0x31 * 16], rax
  mov rsp, 0x8ff5
  int 0x31
  mov rsp, rbp
done
case "its frame"
  show qword [abs 0x30000]
  show qword [abs 0x30008]
  show qword [abs 0x30010]
done
case "int 31 in ring 3"
  user64
  int 0x31
  int 0x30
done
case "its frame again"
  show qword [abs 0x30000]
  show qword [abs 0x30008]
  show qword [abs 0x30010]
done
mov qword [abs TSS + 36], 0x6000
mov byte [abs IDT + 0x31 * 16 + 4], 1
case "IST in ring 0"
  int 0x31
  show qword [abs 0x30000]
done
case "IST in ring 3"
  user64
  int 0x31
  int 0x30
done
case "IST frame"
  show qword [abs 0x30000]
  show qword [abs 0x30008]
done
case "int without rights"
  user64
  int 0x32
done
mov word [abs IDT + 0x32 * 16 + 2], CODE32
case "gate to 32-bit code"
  int 0x32
done
mov word [abs IDT + 0x32 * 16 + 2], DATA32
case "gate to data"
  int 0x32
done
mov word [abs IDT + 0x32 * 16 + 2], CODE64
mov byte [abs IDT + 0x32 * 16 + 5], 0x85
case "task gate"
  int 0x32
done
mov byte [abs IDT + 0x32 * 16 + 5], 0x0e
case "absent gate"
  int 0x32
done
mov byte [abs IDT + 0x32 * 16 + 5], 0x8e
mov dword [abs IDT + 0x32 * 16 + 8], 0x8000
case "gate to a not canonical address"
  int 0x32
done
; segments
case "null ss in ring 0"
  xor eax, eax
  mov ss, ax
done
case "null ss in ring 3"
  user64
  xor eax, eax
  mov ss, ax
done
case "null ds is usable"
  xor eax, eax
  mov ds, ax
  mov eax, [abs 0x30000]
done
case "fs base"
  mov ecx, 0xc0000100
  mov eax, 0x30000
  xor edx, edx
  wrmsr
  mov qword [abs 0x30010], 0x5555
  mov rax, [fs:0x10]
  show rax
done
case "fs base not canonical"
  mov ecx, 0xc0000100
  mov eax, 0
  mov edx, 0x8000
  wrmsr
done
case "swapgs"
  mov ecx, 0xc0000101
  mov eax, 0x1000
  xor edx, edx
  wrmsr
  mov ecx, 0xc0000102
  mov eax, 0x2000
  wrmsr
  swapgs
  mov ecx, 0xc0000101
  rdmsr
  show rax
  mov ecx, 0xc0000102
  rdmsr
  show rax
done
case "swapgs in ring 3"
  user64
  swapgs
done
case "far jump to code with L and D"
  mov dword [abs GDT + 0x50], 0xffff
  mov dword [abs GDT + 0x54], 0x00ef9b00
  mov dword [abs 0x30000], %$end
  mov dword [abs 0x30004], 0x50
  jmp far [abs 0x30000]
done
case "ltr of a 32-bit busy tss"
  mov ax, TSSSEL
  ltr ax
done
case "lldt of data"
  mov ax, DATA32
  lldt ax
done
; compatibility mode
case "compatibility mode in ring 0"
  mov dword [abs 0x30000], %$compat
  mov dword [abs 0x30004], CODE32
  jmp far [abs 0x30000]
bits 32
%$compat:
  mov ax, DATA32
  mov ss, ax
  mov ds, ax
  dec eax
  inc eax
  jmp CODE64:%$long
bits 64
%$long:
done
case "compatibility mode in ring 3"
  push 0x8b
  push USERAT + 0xa000
  pushfq
  push 0x83
  push USERAT + %$compat3
  iretq
bits 32
%$compat3:
  mov eax, 0x80000000
  inc eax
  int 0x30
bits 64
done
case "fault in compatibility mode"
  push 0x8b
  push USERAT + 0xa000
  pushfq
  push 0x83
  push USERAT + %$compat4
  iretq
bits 32
%$compat4:
  mov eax, [0x400000]
bits 64
done
; SYSCALL
mov ecx, 0xc0000081
xor eax, eax
mov edx, 0x00800048
wrmsr
mov ecx, 0xc0000082
mov eax, syscall_entry
xor edx, edx
wrmsr
mov ecx, 0xc0000084
mov eax, 0x4700
wrmsr
setdesc 0x50, 0, 0xfffff, 0x93, 0xc
case "syscall and sysret"
  user64
  std
  mov r10, 0x1234
  syscall
  pushfq
  pop rax
  shl rax, 16
  mov ax, cs
  int 0x30
done
case "what syscall saw"
  show qword [abs 0x30000]
  show qword [abs 0x30008]
  show qword [abs 0x30010]
  show qword [abs 0x30018]
done
case "sysret to 32-bit code"
  mov ecx, USERAT + %$c
  mov r11d, 2
  o32 sysret
bits 32
%$c:
  mov eax, ss
  shl eax, 16
  mov ax, cs
  int 0x30
bits 64
done
case "sysret in ring 3"
  user64
  o64 sysret
done
case "sysret not canonical"
  mov rcx, 0x0000800000000000
  mov r11d, 2
  o64 sysret
done
mov ecx, 0xc0000080
rdmsr
and eax, ~1
wrmsr
case "syscall with SCE clear"
  syscall
done
mov ecx, 0xc0000080
rdmsr
or eax, 1
wrmsr
; SYSENTER
case "sysenter with a null selector"
  mov ecx, 0x174
  xor eax, eax
  xor edx, edx
  wrmsr
  sysenter
done
case "sysenter and sysexit"
  mov ecx, 0x174
  mov eax, 0x150
  xor edx, edx
  wrmsr
  mov ecx, 0x175
  mov eax, 0x7000
  wrmsr
  mov ecx, 0x176
  mov eax, sysenter_entry
  wrmsr
  mov dword [abs GDT + 0x150], 0x0000ffff
  mov dword [abs GDT + 0x154], 0x00af9b00
  mov dword [abs GDT + 0x158], 0x0000ffff
  mov dword [abs GDT + 0x15c], 0x00cf9300
  mov dword [abs GDT + 0x160], 0x0000ffff
  mov dword [abs GDT + 0x164], 0x00cffb00
  mov dword [abs GDT + 0x168], 0x0000ffff
  mov dword [abs GDT + 0x16c], 0x00cff300
  mov dword [abs GDT + 0x170], 0x0000ffff
  mov dword [abs GDT + 0x174], 0x00affb00
  mov dword [abs GDT + 0x178], 0x0000ffff
  mov dword [abs GDT + 0x17c], 0x00cff300
  user64
  sysenter
done
case "call gate to 64-bit code"
  mov dword [abs GDT + 0x180], (ADDR(callgate_entry) & 0xffff) | (CODE64 << 16)
  mov dword [abs GDT + 0x184], (ADDR(callgate_entry) & 0xffff0000) | 0xec00
  mov qword [abs GDT + 0x188], 0
  mov dword [abs 0x30000], 0
  mov dword [abs 0x30004], 0x183
  user64
  call far [abs USERAT + 0x30000]
  int 0x30
done
case "call gate with a bad upper half"
  mov dword [abs GDT + 0x18c], 0x1f00
  mov dword [abs 0x30000], 0
  mov dword [abs 0x30004], 0x180
  call far [abs 0x30000]
done
case "iret to 16-bit"
  push 0x8b
  push USERAT + 0xa000
  push 2
  push 0x93
  push USERAT + %$there
  iretq
%$there:
  mov rax, rsp
  int 0x30
done
case "iret with NT"
  pushfq
  or dword [rsp], 0x4000
  popfq
  iretq
done
pushfq
and dword [rsp], ~0x4000
popfq
case "cr8"
  mov eax, 5
  mov cr8, rax
  xor eax, eax
  mov rax, cr8
  show rax
  xor eax, eax
  mov cr8, rax
done
case "push and pop sizes"
  mov rbp, rsp
  push word 0x1234
  mov rax, rbp
  sub rax, rsp
  mov rsp, rbp
  show rax
done
case "enter leave"
  mov rbp, rsp
  enter 16, 1
  mov rax, rbp
  leave
  sub rax, rsp
  show rax
done
case "address size prefix wraps"
  mov rax, 0x100030000
  mov qword [abs 0x30000], 0x99
  mov rax, [eax]
  show rax
done
case "lods beyond 4 GiB with address size prefix"
  mov rsi, 0x500030000
  a32 lodsq
  show rax
  show rsi
done
case "clear PG in 64-bit mode"
  mov rax, cr0
  btr rax, 31
  mov cr0, rax
done
case "clear PAE in 64-bit mode"
  mov rax, cr4
  btr rax, 5
  mov cr4, rax
done
case "clear LME with paging"
  mov ecx, 0xc0000080
  rdmsr
  btr eax, 8
  wrmsr
done
case "cr3 reserved bits"
  mov rax, 0x0010000000020000
  mov cr3, rax
done
  finish
int_frame:
  push rax
  mov rax, rsp
  add rax, 8
  mov [abs 0x30000], rax
  mov rax, [rsp+32]
  mov [abs 0x30008], rax
  mov rax, [rsp+40]
  mov [abs 0x30010], rax
  pop rax
  iretq
syscall_entry:
  mov [abs 0x30000], rcx
  mov [abs 0x30008], r11
  pushfq
  pop qword [abs 0x30010]
  xor eax, eax
  mov ax, cs
  shl eax, 16
  mov ax, ss
  mov [abs 0x30018], rax
  o64 sysret
sysenter_entry:
  mov rax, rsp
  shl rax, 16
  mov ax, cs
  shl rax, 16
  mov ax, ss
  mov rdx, USERAT + sysexit_target
  mov rcx, USERAT + 0xa000
  o64 sysexit
sysexit_target:
  int 0x30
callgate_entry:
  mov rax, rsp
  shl rax, 16
  mov ax, ss
  int 0x30
  rom
