; Runs many small system-mode cases, one after the other, and prints what each left (README.md). A 64 KiB ROM; the cases' records (rom.ts) lie at
; CASES. Each case starts from the same tables: everything from 1000 to FFFF is made anew, then the record's pokes change it, then the case's code
; runs in its mode until an interrupt or a fault; the handlers save the state, go back to flat 32-bit code and print it with all memory that changed.
;
; 01000 IDT   02000 GDT   03000 LDT   04000 TSS, 04200 TSS of task 2, 04400 TSS of the double fault   05000 05FFF 06FFF data
; 08000 top of the ring 0 stack, 09000 of rings 1-3   09000 PML4   0A000 PD (32-bit)   0B000 PT of the first MiBs   0C000 PT of the window at 400000
; 0D000 PDPT   0E000 PD (PAE, long)   20000 this image   40000 the case's code   50000 memory as it was before
BASE equ 0x20000 ; out of reach of the cases' real-mode segments
CASES equ 0x2000
CODE equ 0x40000
BEFORE equ 0x50000
SCRATCH equ 0x9f000
IDT equ 0x1000
GDT equ 0x2000
LDT equ 0x3000
TSS equ 0x4000
TSS2 equ 0x4200
TSSDF equ 0x4400
org BASE
%define OFF(x) ((x) - start)
bits 16
start:
  cli
  cld
  mov ax, BASE >> 4
  mov ds, ax
  xor ax, ax
  mov ss, ax
  mov sp, 0x8000
  mov al, 0xff ; no interrupts from outside
  out 0x21, al
  out 0xa1, al
  mov dword [OFF(record)], BASE + CASES
  o32 lgdt [OFF(own_gdtr)]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword 0x08:next_case
bits 32
; ---- one case after the other
next_case:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov esp, SCRATCH
  mov eax, 0x11
  mov cr0, eax
  and byte [gdt_template+0x2d], 0xfd ; a task register, so that there always is one
  mov ax, 0x28
  ltr ax
  and byte [gdt_template+0x2d], 0xfd
  xor eax, eax
  mov fs, ax
  mov gs, ax
  lldt ax
  mov cr4, eax
  mov dr7, eax
  mov dr0, eax
  mov dr1, eax
  mov dr2, eax
  mov dr3, eax
  mov cr2, eax
  mov cr3, eax
  mov eax, 0xffff0ff0
  mov dr6, eax
  mov ecx, 0xc0000080
  xor eax, eax
  xor edx, edx
  wrmsr
  mov ecx, 0x174
  wrmsr
  fninit
  push dword 2
  popfd
  mov esi, [record]
  cmp word [esi], 0
  jne .more
  mov dx, 0x501
  mov al, 1
  out dx, al
.stop:
  hlt
  jmp .stop
.more:
  ; memory from 0 to 1FFFF: real-mode segments reach behind FFFF
  xor edi, edi
  mov ecx, 0x20000 / 4
  xor eax, eax
  rep stosd
  mov esi, gdt_template
  mov edi, GDT
  mov ecx, (gdt_end - gdt_template) / 4
  rep movsd
  mov esi, ldt_template
  mov edi, LDT
  mov ecx, (ldt_end - ldt_template) / 4
  rep movsd
  mov edi, 0x5000
  mov eax, 0x03020100
.pattern:
  stosd
  add eax, 0x04040404
  cmp edi, 0x7000
  jne .pattern
  ; task-state segments
  mov dword [TSS+4], 0x8000
  mov dword [TSS+8], 0x10
  mov dword [TSS+12], 0x8f00
  mov dword [TSS+16], 0x59
  mov dword [TSS+0x64], 0x00680000
  mov dword [TSS+0x68], 0
  mov dword [TSS+0x6c], 0xff00ff00 ; ports 20-3F
  mov dword [TSS+0x70], 0
  mov edi, TSS2
  mov ebx, task2
  call task_segment
  mov edi, TSSDF
  mov ebx, double_fault
  call task_segment
  mov esi, [record]
  cmp byte [esi+2], 5
  jae .tables
  ; gates of 32-bit code
  mov edi, IDT
  mov ebx, stubs32
  mov ecx, 64
.gate:
  mov eax, ebx
  and eax, 0xffff
  or eax, 0x080000
  stosd
  mov eax, ebx
  mov ax, 0x8e00
  cmp ecx, 64 - 3
  je .open
  cmp ecx, 64 - 4
  je .open
  cmp ecx, 64 - 0x30
  ja .shut
.open:
  or ah, 0x60
.shut:
  stosd
  add ebx, 16
  loop .gate
  mov dword [IDT + 8*8], 0x00500000 ; #DF: task gate
  mov dword [IDT + 8*8 + 4], 0x8500
  mov dword [IDT + 0x35*8], 0x00480000 ; 35: task gate to task 2, open
  mov dword [IDT + 0x35*8 + 4], 0xe500
  mov byte [IDT + 0x36*8 + 5], 0xef ; 36: trap gate
  mov word [IDT + 0x37*8 + 2], 0xa8 ; 37: to conforming code
  mov word [IDT + 0x38*8 + 2], 0x58 ; 38: to ring 1 code
  and byte [IDT + 0x39*8 + 5], 0x7f ; 39: not present
  mov byte [IDT + 0x3a*8 + 5], 0x8e ; 3A: shut
.tables:
  call page_tables
  mov esi, [record]
  movzx edx, byte [esi+3]
  cmp byte [esi+2], 5
  jae .poked
  call pokes
.poked:
  ; code, then the picture of memory
  mov ecx, edx
  lea esi, [esi+56]
  mov edi, CODE
  rep movsb
  mov esi, 0x1000
  mov edi, BEFORE
  mov ecx, 0xf000 / 4
  rep movsd
  mov edi, saved
  mov ecx, (saved_end - saved) / 4
  xor eax, eax
  rep stosd
  lgdt [case_gdtr]
  mov esi, [record]
  movzx eax, byte [esi+2]
  cmp eax, 5
  jae enter_long
  lidt [case_idtr]
  test eax, eax
  jz enter_real
  mov ax, 0x28
  ltr ax
  mov ax, 0x30
  lldt ax
  mov eax, [esi+12]
  mov cr4, eax
  cmp byte [esi+5], 0
  je .unpaged
  mov eax, 0xa000
  cmp byte [esi+5], 1
  je .root
  mov eax, 0xd000
.root:
  mov cr3, eax
.unpaged:
  mov eax, [esi+8]
  mov cr0, eax
  jmp short $+2
  movzx eax, byte [esi+2]
  cmp eax, 4
  je enter_v86
  cmp eax, 2
  je .ring3
  cmp eax, 3
  je .small
  mov esp, 0x8000
  push dword [esi+16]
  push dword 0x08
  push dword CODE
  jmp registers
.small: ; 16-bit code and stack
  mov ax, 0x40
  mov ss, ax
  mov esp, 0x8000
  push dword [esi+16]
  push dword 0x38
  push dword 0
  jmp registers
.ring3:
  mov esp, 0x8000
  push dword 0x23
  push dword 0x9000
  push dword [esi+16]
  push dword 0x1b
  push dword CODE
registers: ; record in ESI; ES DS FS GS, then the general registers, and off
  movzx eax, word [esi+48]
  mov fs, ax
  movzx eax, word [esi+50]
  mov gs, ax
  movzx eax, word [esi+52]
  mov es, ax
  movzx eax, word [esi+54]
  push eax
  mov eax, [esi+20]
  mov ecx, [esi+24]
  mov edx, [esi+28]
  mov ebx, [esi+32]
  mov ebp, [esi+36]
  mov edi, [esi+44]
  mov esi, [esi+40]
  o32 pop ds
  iretd
task_segment:
  mov [edi+0x20], ebx
  mov dword [edi+0x24], 2
  mov dword [edi+0x38], SCRATCH - 0x1000
  mov dword [edi+0x48], 0x10
  mov dword [edi+0x4c], 0x08
  mov dword [edi+0x50], 0x10
  mov dword [edi+0x54], 0x10
  mov dword [edi+0x64], 0x00680000
  mov esi, [record]
  mov eax, 0xa000
  cmp byte [esi+5], 1
  jbe .root2
  mov eax, 0xd000
.root2:
  mov [edi+0x1c], eax
  ret
enter_v86:
  mov esp, 0x8000
  push dword 0 ; GS FS DS ES
  push dword 0
  push dword 0x0500
  push dword 0x0500
  push dword 0x0000
  push dword 0x8f00
  mov eax, [esi+16]
  or eax, 0x20000
  push eax
  push dword CODE >> 4
  push dword 0
  mov eax, [esi+20]
  mov ecx, [esi+24]
  mov edx, [esi+28]
  mov ebx, [esi+32]
  mov ebp, [esi+36]
  mov edi, [esi+44]
  mov esi, [esi+40]
  iretd
enter_real:
  ; the interrupt table at 0
  xor edi, edi
  mov eax, ((BASE >> 4) << 16) + OFF(stubs16)
  mov ecx, 64
.vector:
  stosd
  add eax, 8
  loop .vector
  lidt [real_idtr]
  jmp 0xb0:OFF(.sixteen)
bits 16
.sixteen:
  mov ax, 0xb8
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov eax, cr0
  and al, 0xfe
  mov cr0, eax
  jmp (BASE >> 4):OFF(.real)
.real:
  xor ax, ax
  mov ss, ax
  mov sp, 0x8000
  mov fs, ax
  mov gs, ax
  mov ax, BASE >> 4
  mov ds, ax
  mov esi, [OFF(record)]
  sub esi, BASE
  push word [si+16]
  push word CODE >> 4
  push word 0
  push word 0x0500
  push word 0x0500
  mov eax, [si+20]
  mov ecx, [si+24]
  mov edx, [si+28]
  mov ebx, [si+32]
  mov ebp, [si+36]
  mov edi, [si+44]
  mov esi, [si+40]
  pop ds
  pop es
  iret
bits 32
; the record's pokes: bits of words to turn over
pokes:
  mov esi, [record]
  movzx ecx, byte [esi+4]
  movzx edx, byte [esi+3]
  lea edi, [esi+56+edx]
  jecxz .none
.poke:
  movzx eax, word [edi]
  mov ebx, [edi+2]
  xor [eax], ebx
  add edi, 6
  loop .poke
.none:
  ret
; ---- page tables, all kinds: identity for the first MiB, the window at 400000 shows the two data pages eight times
bits 32
page_tables:
  mov esi, [record]
  mov bl, [esi+5]
  cmp byte [esi+2], 5
  jb .short
  mov bl, 3
.short:
  cmp bl, 1
  ja .wide
  mov edi, 0xb000
  mov eax, 0x67
  mov ecx, 256
.first:
  stosd
  add eax, 0x1000
  loop .first
  mov edi, 0xc000
  mov ecx, 8
.window:
  mov eax, 0x5007
  stosd
  mov eax, 0x6007
  stosd
  loop .window
  mov dword [0xa000], 0xb067
  mov dword [0xa004], 0xc007
  ret
.wide:
  mov edi, 0xb000
  mov eax, 0x67
  mov ecx, 256
.first8:
  mov [edi], eax
  add edi, 8
  add eax, 0x1000
  loop .first8
  mov edi, 0xc000
  mov ecx, 8
.window8:
  mov dword [edi], 0x5007
  mov dword [edi+8], 0x6007
  add edi, 16
  loop .window8
  mov dword [0xe000], 0xb067
  mov dword [0xe010], 0xc007
  mov eax, 0xe001
  cmp bl, 3
  jne .pae
  or eax, 0x66
.pae:
  mov [0xd000], eax
  mov dword [0x9000], 0xd067
  ret
; ---- 64-bit mode and compatibility mode
enter_long:
  mov edi, IDT
  mov ebx, stubs64
  mov ecx, 64
.gate:
  mov eax, ebx
  and eax, 0xffff
  or eax, 0x480000
  stosd
  mov eax, ebx
  mov ax, 0x8e00
  cmp ecx, 64 - 3
  je .open
  cmp ecx, 64 - 4
  je .open
  cmp ecx, 64 - 0x30
  ja .shut
.open:
  or ah, 0x60
.shut:
  stosd
  xor eax, eax
  stosd
  stosd
  add ebx, 16
  loop .gate
  mov byte [IDT + 8*16 + 4], 1 ; #DF: its own stack
  mov byte [IDT + 0x35*16 + 4], 2 ; 35: another
  mov byte [IDT + 0x36*16 + 5], 0xef
  mov word [IDT + 0x37*16 + 2], 0xa8
  mov word [IDT + 0x38*16 + 2], 0x08 ; 38: 32-bit code, which is refused
  and byte [IDT + 0x39*16 + 5], 0x7f
  mov byte [IDT + 0x3a*16 + 5], 0x8e
  ; this mode's selectors: 28 and 30 are twice as long, 48 is 64-bit code
  mov edi, TSS
  xor eax, eax
  mov ecx, 26
  rep stosd
  mov dword [TSS+4], 0x8000
  mov dword [TSS+12], 0x8f00
  mov dword [TSS+0x24], SCRATCH - 0x1000 ; IST1
  mov dword [TSS+0x2c], 0x7e00 ; IST2
  mov dword [TSS+0x64], 0x00680000
  mov dword [GDT+0x28], 0x4000006b
  mov dword [GDT+0x2c], 0x00008900
  mov dword [GDT+0x30], 0
  mov dword [GDT+0x34], 0
  mov dword [GDT+0x48], 0x0000ffff
  mov dword [GDT+0x4c], 0x00af9b00
  mov dword [GDT+0x50], 0x0000ffff
  mov dword [GDT+0x54], 0x00affb00
  mov dword [GDT+0x88], 0x00480000 + gate64 - BASE ; one gate of 64 bits
  mov dword [GDT+0x8c], BASE + 0xec00
  mov dword [GDT+0x90], 0
  mov dword [GDT+0x94], 0
  ; the picture again, with these
  call pokes
  mov esi, 0x1000
  mov edi, BEFORE
  mov ecx, 0xf000 / 4
  rep movsd
  mov esi, [record]
  mov eax, [esi+12]
  or eax, 0x20
  mov cr4, eax
  mov eax, 0x9000
  mov cr3, eax
  mov ecx, 0xc0000080
  mov eax, 0x901
  xor edx, edx
  wrmsr
  mov eax, [esi+8]
  or eax, 0x80000000
  mov cr0, eax
  jmp 0x48:.long
bits 64
.long:
  lidt [abs long_idtr]
  mov ax, 0x28
  ltr ax
  xor eax, eax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov ecx, 0xc0000081 ; STAR LSTAR CSTAR SFMASK
  xor eax, eax
  mov edx, 0x00430048
  wrmsr
  inc ecx
  mov eax, syscall64
  xor edx, edx
  wrmsr
  inc ecx
  wrmsr
  inc ecx
  mov eax, 0x700
  wrmsr
  mov ecx, 0xc0000100 ; FS, GS, kernel GS base
  mov eax, 0x5100
  wrmsr
  inc ecx
  mov eax, 0x5200
  wrmsr
  inc ecx
  mov eax, 0x5300
  wrmsr
  mov ecx, 0xc0000103
  xor eax, eax
  wrmsr
  mov rsp, 0x8000
  mov esi, [abs record]
  movzx eax, byte [rsi+2]
  cmp eax, 6
  je .ring3
  cmp eax, 7
  je .compatible
  push 0
  push 0x8000
  mov eax, [rsi+16]
  push rax
  push 0x48
  push CODE
  jmp .off
.ring3:
  push 0x23
  push 0x9000
  mov eax, [rsi+16]
  push rax
  push 0x53
  push CODE
  jmp .off
.compatible:
  push 0x23
  push 0x9000
  mov eax, [rsi+16]
  push rax
  push 0x1b
  push CODE
  movzx eax, word [rsi+54]
  mov ds, ax
  movzx eax, word [rsi+52]
  mov es, ax
.off:
  mov eax, [rsi+20]
  mov ecx, [rsi+24]
  mov edx, [rsi+28]
  mov ebx, [rsi+32]
  mov ebp, [rsi+36]
  mov edi, [rsi+44]
  mov esi, [rsi+40]
  xor r8d, r8d
  xor r9d, r9d
  xor r10d, r10d
  xor r11d, r11d
  xor r12d, r12d
  xor r13d, r13d
  xor r14d, r14d
  xor r15d, r15d
  iretq
; ---- handlers: kind (1 real, 2 protected, 3 long, 4 another task), then the state, into `saved`
%macro stubs 1
 %assign n 0
 %rep 64
  align 16
  %if n == 8 || (n >= 10 && n <= 14) || n == 17 || n == 21
  %else
   push byte 0
  %endif
   push byte n
   jmp near common%1
  %assign n n+1
 %endrep
%endmacro
bits 16
  align 8
stubs16:
 %assign n 0
 %rep 64
  align 8
  push word n
  jmp near common16
  %assign n n+1
 %endrep
common16:
  push ds
  push word BASE >> 4
  pop ds
  mov [OFF(saved_gpr)+0], eax
  mov [OFF(saved_gpr)+4], ecx
  mov [OFF(saved_gpr)+8], edx
  mov [OFF(saved_gpr)+12], ebx
  mov [OFF(saved_gpr)+20], ebp
  mov [OFF(saved_gpr)+24], esi
  mov [OFF(saved_gpr)+28], edi
  pop ax
  mov [OFF(saved_seg)+6], ax
  pop ax
  movzx eax, ax
  mov [OFF(saved_vector)], eax
  mov dword [OFF(saved_error)], 0
  pop ax
  movzx eax, ax
  mov [OFF(saved_ip)], eax
  pop ax
  mov [OFF(saved_seg)+2], ax
  pop ax
  movzx eax, ax
  mov [OFF(saved_flags)], eax
  mov [OFF(saved_gpr)+16], esp
  mov [OFF(saved_seg)+0], es
  mov [OFF(saved_seg)+4], ss
  mov [OFF(saved_seg)+8], fs
  mov [OFF(saved_seg)+10], gs
  mov dword [OFF(saved_kind)], 1
  o32 lgdt [OFF(own_gdtr)]
  mov eax, cr0
  mov [OFF(saved_cr0)], eax
  mov eax, 0x11
  mov cr0, eax
  jmp dword 0x08:report
bits 32
  align 16
stubs32:
  stubs 32
common32:
  push ds
  push dword 0x10
  o32 pop ds
  mov [saved_gpr+0], eax
  mov [saved_gpr+4], ecx
  mov [saved_gpr+8], edx
  mov [saved_gpr+12], ebx
  mov [saved_gpr+20], ebp
  mov [saved_gpr+24], esi
  mov [saved_gpr+28], edi
  pop eax
  mov [saved_seg+6], ax
  pop dword [saved_vector]
  pop dword [saved_error]
  pop dword [saved_ip]
  pop eax
  mov [saved_seg+2], ax
  pop dword [saved_flags]
  mov [saved_seg+0], es
  mov [saved_seg+8], fs
  mov [saved_seg+10], gs
  test dword [saved_flags], 0x20000
  jnz .v86
  test al, 3
  jnz .outer
  mov [saved_seg+4], ss
  mov [saved_gpr+16], esp
  jmp .saved
.outer:
  mov ecx, cs
  xor eax, ecx
  test al, 3
  mov [saved_seg+4], ss
  mov [saved_gpr+16], esp
  jz .saved
  pop dword [saved_gpr+16]
  pop eax
  mov [saved_seg+4], ax
  jmp .saved
.v86:
  pop dword [saved_gpr+16]
  pop eax
  mov [saved_seg+4], ax
  pop eax
  mov [saved_seg+0], ax
  pop eax
  mov [saved_seg+6], ax
  pop eax
  mov [saved_seg+8], ax
  pop eax
  mov [saved_seg+10], ax
.saved:
  mov dword [saved_kind], 2
  jmp to_flat
task2: ; reached by a task switch
  mov dword [saved_kind], 4
  mov dword [saved_vector], 0x40
  jmp task_state
double_fault:
  pop dword [saved_error]
  mov dword [saved_kind], 4
  mov dword [saved_vector], 8
task_state:
  xor eax, eax
  mov edi, saved_gpr
  mov ecx, 8
  rep stosd
  mov [saved_ip], eax
  pushfd
  pop dword [saved_flags]
  mov edi, saved_seg
  mov ecx, 3
  rep stosd
to_flat:
  mov eax, cr0
  mov [saved_cr0], eax
  mov eax, 0x11
  mov cr0, eax
  lgdt [cs:own_gdtr]
  jmp 0x08:report
gate32: ; behind the call gates
  int 0x34
bits 16
gate16:
  int 0x34
bits 64
gate64:
  int 0x34
syscall64: ; as an interrupt with vector 41: RCX has RIP, R11 the flags
  mov [abs saved_gpr+0], eax
  mov [abs saved_ip], ecx
  mov [abs saved_flags], r11d
  mov [abs saved_seg+2], cs
  mov [abs saved_seg+4], ss
  mov [abs saved_gpr+16], esp
  mov dword [abs saved_vector], 0x41
  mov dword [abs saved_error], 0
  jmp after64
  align 16
stubs64:
  stubs 64
common64:
  mov [abs saved_gpr+0], eax
  pop rax
  mov [abs saved_vector], eax
  pop rax
  mov [abs saved_error], eax
  pop rax
  mov [abs saved_ip], eax
  shr rax, 32
  mov [abs saved_iph], eax
  pop rax
  mov [abs saved_seg+2], ax
  pop rax
  mov [abs saved_flags], eax
  pop rax
  mov [abs saved_gpr+16], eax
  pop rax
  mov [abs saved_seg+4], ax
after64:
  mov [abs saved_gpr+4], ecx
  mov [abs saved_gpr+8], edx
  mov [abs saved_gpr+12], ebx
  mov [abs saved_gpr+20], ebp
  mov [abs saved_gpr+24], esi
  mov [abs saved_gpr+28], edi
  mov [abs saved_seg+0], es
  mov [abs saved_seg+6], ds
  mov [abs saved_seg+8], fs
  mov [abs saved_seg+10], gs
  mov ecx, 0xc0000101
  rdmsr
  mov [abs saved_gs], eax
  mov ecx, 0xc0000080
  rdmsr
  mov [abs saved_efer], eax
  mov dword [abs saved_kind], 3
  mov rsp, SCRATCH
  mov rax, cr0
  mov [abs saved_cr0], eax
  push 0x08
  push .compatible
  o64 retf
bits 32
.compatible:
  mov eax, 0x11
  mov cr0, eax
  lgdt [cs:own_gdtr]
  jmp 0x08:report
; ---- the line: what was saved, and the words between 1000 and FFFF that changed
report:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov esp, SCRATCH
  cld
  mov eax, dr6
  mov [saved_dr6], eax
  mov eax, dr7
  mov [saved_dr7], eax
  xor eax, eax
  mov dr7, eax
  mov esi, [record]
  movzx eax, word [esi+6]
  call hex
  mov al, ':'
  out 0xe9, al
  mov esi, saved
  mov ecx, (saved_end - saved) / 4
.word:
  mov al, ' '
  out 0xe9, al
  lodsd
  call hex
  loop .word
  mov ebx, cr2
  call word_
  mov ebx, cr3
  call word_
  mov ebx, cr4
  call word_
  str ebx
  call word_
  sldt ebx
  call word_
  mov al, ' '
  out 0xe9, al
  mov al, '|'
  out 0xe9, al
  mov esi, 0x1000
  mov edx, 48
.compare:
  mov edi, esi
  add edi, BEFORE - 0x1000
  mov ecx, 0x10000
  sub ecx, esi
  shr ecx, 2
  jz .end
  repe cmpsd
  je .end
  mov al, ' '
  out 0xe9, al
  lea eax, [esi-4]
  push esi
  call hex
  mov al, '='
  out 0xe9, al
  mov eax, [esi-4]
  call hex
  pop esi
  dec edx
  jnz .compare
.end:
  mov al, ' '
  out 0xe9, al
  mov al, '.'
  out 0xe9, al
  mov al, 10
  out 0xe9, al
  mov esi, [record]
  movzx eax, word [esi]
  add [record], eax
  jmp next_case
word_:
  mov al, ' '
  out 0xe9, al
  mov eax, ebx
hex: ; EAX without leading zeros
  pushad
  mov ebx, eax
  mov ecx, 8
  xor ah, ah
.digit:
  rol ebx, 4
  mov al, bl
  and al, 15
  or ah, al
  jnz .print
  cmp ecx, 1
  jne .skip
.print:
  mov ah, 1
  cmp al, 10
  sbb al, 0x69
  das
  out 0xe9, al
  mov ah, 1
.skip:
  loop .digit
  popad
  ret
  align 8
gdt_template:
  dq 0
  dq 0x00cf9b000000ffff ; 08 code32
  dq 0x00cf93000000ffff ; 10 data32
  dq 0x00cffb000000ffff ; 18 user code32
  dq 0x00cff3000000ffff ; 20 user data32
  dq 0x000089004000007f ; 28 TSS
  dq 0x00008200300000ff ; 30 LDT
  dq 0x00009b040000ffff ; 38 code16 at 40000, the case's code
  dq 0x000093000000ffff ; 40 data16 at 0
  dq 0x0000890042000067 ; 48 TSS of task 2
  dq 0x0000890044000067 ; 50 TSS of #DF
  dq 0x00cfbb000000ffff ; 58 ring 1 code
  dq 0x00cfb3000000ffff ; 60 ring 1 data
  dq 0x0040f00050000fff ; 68 user data, read-only, 5000-5FFF
  dq 0x0040f20050000fff ; 70 user data, 5000-5FFF
  dq 0x0040f60050000fff ; 78 user data, expand-down, 6000-
  dq 0x0040720050000fff ; 80 not present
  dw gate32 - BASE, 0x08, 0xec00, BASE >> 16 ; 88 call gate
  dw gate32 - BASE, 0x08, 0xec03, BASE >> 16 ; 90 call gate with three parameters
  dw gate16 - BASE, 0xb0, 0xe402, 0 ; 98 call gate of 16 bits with two
  dq 0x0000e50000480000 ; A0 task gate
  dq 0x00cf9f000000ffff ; A8 conforming code
  dq 0x00009b020000ffff ; B0 16-bit code at 20000, for the way to real mode
  dq 0x000093000000ffff ; B8 16-bit data, likewise
  dq 0x00cff8000000ffff ; C0 user code, execute only
  dq 0x004092005000000f ; C8 data of 16 bytes
gdt_end:
ldt_template:
  dq 0x00cff3000000ffff ; 04 user data
  dq 0x00cffb000000ffff ; 0C user code
  dq 0x0040f30050000fff ; 14 user data, 5000-5FFF
  dq 0x00cf93000000ffff ; 1C data
ldt_end:
own_gdtr:
  dw gdt_end - gdt_template - 1
  dd gdt_template
case_gdtr:
  dw 0xff
  dd GDT
case_idtr:
  dw 64*8 - 1
  dd IDT
long_idtr:
  dw 64*16 - 1
  dq IDT
real_idtr:
  dw 64*4 - 1
  dd 0
  align 4
record dd 0
saved:
saved_kind dd 0
saved_vector dd 0
saved_error dd 0
saved_ip dd 0
saved_iph dd 0
saved_flags dd 0
saved_gpr times 8 dd 0
saved_seg times 6 dw 0 ; ES CS SS DS FS GS
saved_cr0 dd 0
saved_gs dd 0
saved_efer dd 0
saved_dr6 dd 0
saved_dr7 dd 0
saved_end:
  times CASES - ($ - start) db 0
  times 0xff00 - ($ - start) db 0
bits 16
reset: ; at F000:FF00
  cli
  cld
  mov ax, 0xf000
  mov ds, ax
  mov ax, BASE >> 4
  mov es, ax
  xor si, si
  xor di, di
  mov cx, 0x8000
  rep movsw
  jmp (BASE >> 4):0
  times 0xfff0 - ($ - start) db 0x90
  jmp 0xf000:0xff00
  times 0x10000 - ($ - start) db 0
