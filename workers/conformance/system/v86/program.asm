; Virtual-8086 mode: entry and exit, INT and IRET with IOPL 3 and 0, sensitive instructions, faults into ring 0, 64 KiB limits, I/O map.
%include "prelude.inc"
%macro v86 1 ; iopl; goes on in V86 mode at 1000:here
  push dword 0 ; gs
  push dword 0x1111 ; fs
  push dword BASE >> 4 ; ds
  push dword 0x3000 ; es
  push dword 0 ; ss
  push dword 0xa000
  push dword 0x20002 | ((%1) << 12)
  push dword BASE >> 4
  push dword OFF16(%%here)
  iretd
bits 16
%%here:
%endmacro
%macro back 0
bits 16
  int 0x30
bits 32
done
%endmacro
main:
  real_setup
  enter32
case "enter and leave"
  v86 3
  mov ax, cs
  shl eax, 16
  mov ax, fs
  back
case "segment loads"
  v86 3
  mov ax, 0x1234
  mov es, ax
  mov ax, es
  back
case "addresses"
  mov dword [0x12350], 0xabcdef01
  v86 3
  mov ax, 0x1234
  mov es, ax
  mov eax, [es:0x10]
  back
case "cli with IOPL 3"
  v86 3
  cli
  back
case "cli with IOPL 0"
  v86 0
  cli
  nop
bits 32
done
case "sti with IOPL 0"
  v86 0
  sti
bits 32
done
case "pushf with IOPL 0"
  v86 0
  pushf
bits 32
done
case "popf with IOPL 0"
  v86 0
  popf
bits 32
done
case "iret with IOPL 0"
  v86 0
  iret
bits 32
done
case "int with IOPL 0"
  v86 0
  int 0x31
bits 32
done
case "int 3 with IOPL 0"
  v86 0
  int3
bits 32
done
case "pushf with IOPL 3"
  v86 3
  push word 0x7002
  popf
  pushf
  pop ax
  movzx eax, ax
  back
case "iret with IOPL 3"
  v86 3
  push word 0x3002
  push cs
  push word OFF16(%$v)
  iret
%$v:
  mov eax, 0x99
  back
case "hlt"
  v86 3
  hlt
bits 32
done
case "mov cr0"
  v86 3
  mov eax, cr0
bits 32
done
case "lgdt"
  v86 3
  lgdt [0]
bits 32
done
case "str"
  v86 3
  str ax
bits 32
done
case "arpl"
  v86 3
  arpl ax, ax
bits 32
done
case "smsw"
  v86 3
  smsw ax
  movzx eax, ax
  back
case "in without permission"
  v86 3
  in al, 0x60
bits 32
done
case "past 64 KiB"
  v86 3
  mov eax, 0x10000
  mov bl, [eax]
bits 32
done
case "word at FFFF"
  v86 3
  mov ax, [0xffff]
bits 32
done
case "stack past 64 KiB"
  v86 3
  mov ebp, 0x10000
  mov al, [ebp]
bits 32
done
case "divide"
  v86 3
  xor cx, cx
  div cx
bits 32
done
case "ud2"
  v86 0
  ud2
bits 32
done
case "far jump"
  v86 3
  jmp (BASE >> 4):OFF16(%$v)
%$v:
  mov eax, 0x44
  back
case "far call"
  v86 3
  call (BASE >> 4):OFF16(%$v)
%$v:
  pop ax
  pop dx
  shl eax, 16
  mov ax, dx
  back
case "data segments are null in the handler"
  mov dword [IDT + 0x32 * 8], (ADDR(seg_handler) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 0x32 * 8 + 4], (ADDR(seg_handler) & 0xffff0000) | 0xee00
  v86 3
  int 0x32
bits 32
done
case "frame of the handler"
  show dword [0x30000]
  show dword [0x30004]
  show dword [0x30008]
  show dword [0x3000c]
done
case "return from the handler to V86"
  mov dword [IDT + 0x33 * 8], (ADDR(ret_handler) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 0x33 * 8 + 4], (ADDR(ret_handler) & 0xffff0000) | 0xee00
  v86 3
  mov ax, 0x2222
  mov gs, ax
  int 0x33
  mov ax, gs
  shl eax, 16
  mov ax, cs
  back
case "gate to ring 3 from V86"
  mov dword [IDT + 0x34 * 8], UCODE << 16
  mov dword [IDT + 0x34 * 8 + 4], 0xee00
  v86 3
  int 0x34
bits 32
done
case "gate with DPL 0"
  v86 3
  int 0x35
bits 32
done
case "page fault in V86"
  ; with paging: 30000 not present
  mov edi, 0x20000
  xor eax, eax
  mov ecx, 1024
  rep stosd
  mov dword [0x20000], 0x21007
  mov edi, 0x21000
  mov eax, 7
  mov ecx, 1024
%$fill:
  stosd
  add eax, 0x1000
  loop %$fill
  mov dword [0x21000 + 0x30 * 4], 0
  mov eax, 0x20000
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  v86 3
  mov ax, 0x3000
  mov es, ax
  mov [es:4], ax
bits 32
done
  finish
bits 32
seg_handler:
  mov ax, DATA32
  mov ecx, ds
  mov ebx, gs
  mov ds, ax
  mov [0x30000], ecx
  mov [0x30004], ebx
  mov eax, [esp+24]
  mov [0x30008], eax
  mov eax, [esp+28]
  mov [0x3000c], eax
  int 0x30
ret_handler:
  iretd
  rom
