; Hardware task switches: JMP, CALL, IRET, task gates by JMP and by interrupt, busy bits, NT, back links, a 16-bit TSS, bad TSSs.
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
%macro busy 0
  movzx eax, byte [GDT + TSSSEL + 5]
  movzx ebx, byte [GDT + SEL2 + 5]
  show eax
  show ebx
%endmacro
main:
  real_setup
  enter32
  mov dword [GDT + GATE], SEL2 << 16
  mov dword [GDT + GATE + 4], 0xe500
  newtask TSS2, task_back, 2
  fresh
case "call to a task and iret back"
  mov ebx, 0x12345678
  call SEL2:0
  show ebx
done
case "what the task saw"
  show dword [0x30000]
  show dword [0x30004]
  show dword [0x30008]
  show dword [0x3000c]
done
case "busy bits after the return"
  busy
done
case "saved state of the returned task"
  show dword [TSS2 + 32]
  show dword [TSS2 + 36]
  show dword [TSS2 + 40]
done
case "call again continues behind the iret"
  call SEL2:0
done
fresh
newtask TSS2, task_jump, 2
case "jump to a task and jump back"
  jmp SEL2:0
  busy
done
case "flags in the jumped-to task"
  show dword [0x30000]
  show dword [TSS2]
done
fresh
newtask TSS2, task_back, 2
case "task gate by call"
  call GATE:0
  busy
done
fresh
newtask TSS2, task_back, 2
case "task gate by interrupt"
  mov dword [IDT + 0x31 * 8], SEL2 << 16
  mov dword [IDT + 0x31 * 8 + 4], 0xe500
  int 0x31
  busy
done
fresh
newtask TSS2, task_error, 2
case "task gate with an error code"
  mov dword [IDT + 13 * 8], SEL2 << 16
  mov dword [IDT + 13 * 8 + 4], 0x8500
  mov ax, 0x999 * 8
  mov ds, ax
  show dword [0x30010]
done
mov dword [IDT + 13 * 8], ((stubs32 - start + BASE + 13 * 16) & 0xffff) | (CODE32 << 16)
mov dword [IDT + 13 * 8 + 4], ((stubs32 - start + BASE + 13 * 16) & 0xffff0000) | 0x8e00
fresh
case "jump to the own busy task"
  jmp TSSSEL:0
done
case "call to a busy task"
  or byte [GDT + SEL2 + 5], 2
  call SEL2:0
done
case "iret with NT to a task that is not busy"
  mov word [TSS], SEL3
  pushfd
  or dword [esp], 0x4000
  popfd
  iretd
done
fresh
case "iret with NT and a null link"
  mov word [TSS], 0
  pushfd
  or dword [esp], 0x4000
  popfd
  iretd
done
fresh
case "absent tss"
  and byte [GDT + SEL2 + 5], 0x7f
  call SEL2:0
done
fresh
case "tss too small"
  mov byte [GDT + SEL2], 0x66
  call SEL2:0
done
fresh
case "tss with dpl 0 from ring 3"
  user32
  call SEL2 + 3:0
done
case "task gate to data"
  mov dword [GDT + GATE], DATA32 << 16
  call GATE:0
done
case "task gate to a local tss"
  mov dword [GDT + GATE], (SEL2 + 4) << 16
  call GATE:0
done
mov dword [GDT + GATE], SEL2 << 16
fresh
newtask TSS2, task_back, 2
case "task gate from ring 3"
  user32
  call GATE + 3:0
  mov eax, 0x33
  int 0x30
done
; a 16-bit task
fresh
mov edi, TSS16
xor eax, eax
mov ecx, 11
rep stosd
mov word [TSS16 + 2], 0x7000
mov word [TSS16 + 4], DATA32
mov word [TSS16 + 14], 0x100
mov word [TSS16 + 16], 2
mov word [TSS16 + 18], 0x1616
mov word [TSS16 + 26], 0xb000
mov word [TSS16 + 34], DATA32
mov word [TSS16 + 36], CODE32
mov word [TSS16 + 38], 0x70
setdesc 0x70, 0, 0xffff, 0x92, 0
mov word [TSS16 + 40], DATA32
mov byte [0x100], 0xe9
mov dword [0x101], task_16 - 0x105
case "16-bit task"
  mov eax, 0x12345678
  mov ecx, 0x55
  call SEL16:0
  show eax
  show ecx
done
case "what the 16-bit task saw"
  show dword [0x30000]
  show dword [0x30004]
  show dword [TSS16]
done
; bad selectors in the new task: the fault is in the new task
fresh
newtask TSS2, task_back, 2
mov word [TSS2 + 84], 0x800
case "bad ds in the new task"
  jmp SEL2:0
done
fresh
newtask TSS2, task_user, 0x202
mov word [TSS2 + 76], UCODE
mov word [TSS2 + 80], UDATA
mov word [TSS2 + 72], UDATA
mov word [TSS2 + 84], UDATA
mov dword [TSS2 + 56], 0xa000
case "jump to a ring 3 task"
  jmp SEL2:0
done
fresh
case "CR0.TS after a switch"
  newtask TSS2, task_back, 2
  call SEL2:0
  mov eax, cr0
  and eax, 8
  show eax
done
  finish
task_back:
  mov [0x30000], eax
  pushfd
  pop dword [0x30004]
  mov ax, fs
  movzx eax, ax
  mov [0x30008], eax
  movzx eax, word [TSS2]
  mov [0x3000c], eax
  mov eax, 0xeeee
  iretd
  jmp task_back
task_jump:
  pushfd
  pop dword [0x30000]
  jmp TSSSEL:0
task_error:
  mov eax, [esp]
  mov [0x30010], eax
  add esp, 4
  ; go on behind the instruction that faulted
  add dword [TSS + 32], 2
  mov word [TSS + 84], DATA32
  iretd
task_16:
  movzx eax, ax
  mov [0x30000], eax
  pushfd
  pop dword [0x30004]
  iretd
task_user:
  mov eax, 0x77
  int 0x30
  rom
