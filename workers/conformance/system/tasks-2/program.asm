; #TS, #NP, #SS and #GP have task gates, as they should: their tasks print the error code and what was saved of the task that could not start.
; Faults while a task switch loads the new task (they are raised in the new task, SDM 3A 7.3) and the debug trap of the TSS's T bit.
; oracle: Bochs, TCG raises these in the old task and has no T bit
%include "prelude.inc"
TSS2 equ 0x4200
TSS3 equ 0x4400
TSS16 equ 0x4600
SEL2 equ 0x50
SEL3 equ 0x58
SEL16 equ 0x60
GATE equ 0x68
%macro newtask 3 ; tss, eip, flags
  mov edi, %1
  xor eax, eax
  mov ecx, 26
  rep stosd
  mov dword [%1 + 4], 0x7000
  mov dword [%1 + 8], DATA32
  mov dword [%1 + 32], %2
  mov dword [%1 + 36], %3
  mov dword [%1 + 40], 0xa1
  mov dword [%1 + 44], 0xc1
  mov dword [%1 + 56], 0xb000
  mov dword [%1 + 60], 0xb0b0
  mov dword [%1 + 72], DATA32
  mov dword [%1 + 76], CODE32
  mov dword [%1 + 80], DATA32
  mov dword [%1 + 84], DATA32
  mov dword [%1 + 88], UDATA
  mov dword [%1 + 92], 0
  mov dword [%1 + 0x64], 0x680000
%endmacro
%macro fresh 0
  setdesc SEL2, TSS2, 0x67, 0x89, 0
  setdesc SEL3, TSS3, 0x67, 0x89, 0
  setdesc SEL16, TSS16, 0x2b, 0x81, 0
  setdesc TSSSEL, TSS, 0x67, 0x89, 0
  mov ax, TSSSEL
  ltr ax
  pushfd
  and dword [esp], ~0x4000
  popfd
  clts
%endmacro

%macro faulttask 2 ; vector, tss
  newtask %2, fault%1, 2
  setdesc 0x90 + (%1 - 10) * 8, %2, 0x67, 0x89, 0
  mov dword [IDT + %1 * 8], (0x90 + (%1 - 10) * 8) << 16
  mov dword [IDT + %1 * 8 + 4], 0xe500
%endmacro
%macro tasks 0
  faulttask 10, 0x4700
  faulttask 11, 0x4800
  faulttask 12, 0x4900
  faulttask 13, 0x4a00
%endmacro
; A switch to TSS2 with one word of it changed; what the handler prints is in the new task, whose own stack it uses.
%macro bad 4 ; name, offset in the TSS, value, width
fresh
tasks
newtask TSS2, target, 2
case %1
  mov %4 [TSS2 + %2], %3
  jmp SEL2:0
done
%endmacro
main:
  real_setup
  enter32
  mov dword [GDT + GATE], SEL2 << 16
  mov dword [GDT + GATE + 4], 0xe500
  ; 60 is data that is absent, 70 code that is absent, 78 code for ring 3 that conforms
  bad "cs null", 76, 0, word
  bad "cs is data", 76, DATA32, word
  bad "cs past the table", 76, 0x400, word
  bad "cs with a wrong rpl", 76, CODE32 | 1, word
  setdesc 0x70, 0, 0xfffff, 0x1b, 0xc
  bad "cs absent", 76, 0x70, word
  setdesc 0x78, 0, 0xfffff, 0xfe, 0xc
  bad "cs conforming of ring 3 in ring 0", 76, 0x78, word
  bad "ss null", 80, 0, word
  bad "ss is code", 80, CODE32, word
  bad "ss of ring 3", 80, UDATA, word
  bad "ss with a wrong rpl", 80, DATA32 | 1, word
  setdesc 0x70, 0, 0xfffff, 0x13, 0xc
  bad "ss absent", 80, 0x70, word
  setdesc 0x70, 0, 0xfffff, 0x91, 0xc
  bad "ss read only", 80, 0x70, word
  bad "es past the table", 72, 0x400, word
  bad "es is a system segment", 72, TSSSEL, word
  setdesc 0x70, 0, 0xfffff, 0x99, 0xc
  bad "ds is code that cannot be read", 84, 0x70, word
  setdesc 0x70, 0, 0xfffff, 0x13, 0xc
  bad "fs absent", 88, 0x70, word
  bad "gs null", 92, 0, word
  bad "gs with a wrong rpl", 92, DATA32 | 3, word
  bad "ldt is data", 96, DATA32, word
  bad "ldt in the ldt", 96, 4, word
  bad "ldt past the table", 96, 0x400, word
  setdesc 0x70, LDT, 0xff, 0x02, 0
  bad "ldt absent", 96, 0x70, word
  fresh
  tasks
  setdesc 0x70, 0, 0xffff, 0x9b, 4
  newtask TSS2, 0x20000, 2
case "eip past a small limit"
  mov word [TSS2 + 76], 0x70
  jmp SEL2:0
done
fresh
newtask TSS2, task_flags, 0xffffffff & ~0x20100
case "flags that a task may set"
  call SEL2:0
  show dword [0x30000]
done
fresh
newtask TSS2, target, 0x23002
case "a virtual-8086 task"
  mov dword [TSS2 + 32], OFF16(v86_target)
  mov dword [TSS2 + 76], BASE >> 4
  mov dword [TSS2 + 80], 0
  mov dword [TSS2 + 84], 0x3000
  jmp SEL2:0
done
fresh
newtask TSS2, task_back, 2
case "T bit by call"
  mov eax, 0xffff0ff0
  mov dr6, eax
  or byte [TSS2 + 100], 1
  call SEL2:0
done
case "its DR6"
  mov eax, dr6
  show eax
done
fresh
newtask TSS2, task_back, 2
case "T bit by jump"
  or byte [TSS2 + 100], 1
  jmp SEL2:0
done
fresh
newtask TSS2, task_back, 2
case "T bit by task gate"
  or byte [TSS2 + 100], 1
  call GATE:0
done
fresh
newtask TSS2, task_back, 2
case "T bit of the task returned to"
  or byte [TSS + 100], 1
  call SEL2:0
done
  mov byte [TSS + 100], 0
fresh
newtask TSS2, task_back, 2
case "local enables of DR7 end, global ones stay"
  mov eax, 0x4ff
  mov dr7, eax
  call SEL2:0
  mov eax, dr7
  show eax
done
  xor eax, eax
  mov dr7, eax
  finish
%macro faulthandler 2
fault%1:
  puts {"#",%2,"("}
  call hex16in32
  puts ") eip="
  push dword [TSS2 + 32]
  call hex32
  puts " cs="
  push dword [TSS2 + 76]
  call hex16in32
  puts " ss="
  push dword [TSS2 + 80]
  call hex16in32
  puts 10
  mov esp, [resume_sp]
  jmp [resume_ip]
%endmacro
  faulthandler 10, "0A"
  faulthandler 11, "0B"
  faulthandler 12, "0C"
  faulthandler 13, "0D"
target:
  puts {"runs",10}
  mov esp, [resume_sp]
  jmp [resume_ip]
  nop
  hlt
task_back:
  iretd
  jmp task_back
task_flags:
  pushfd
  pop dword [0x30000]
  and dword [0x30000], 0x3fffff
  iretd
v86_target:
bits 16
  mov ax, cs
  mov ds, ax
  hlt
bits 32
  rom
