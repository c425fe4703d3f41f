; Virtual-8086 mode extensions (CR4.VME) and protected-mode virtual interrupts (CR4.PVI): VIF and VIP instead of IF for CLI, STI, PUSHF, POPF
; and IRET, INT n through the redirection bitmap of the TSS. SDM 3B 20.3. QEMU's TCG has neither: its lines are CR4's #GP; Bochs is the oracle.
; oracle: Bochs, QEMU's TCG has no VME and PVI
%include "prelude.inc"
%macro v86 1-2 0 ; iopl, further flags; goes on in V86 mode at 1000:here
  push dword 0 ; gs
  push dword 0x1111 ; fs
  push dword BASE >> 4 ; ds
  push dword 0x3000 ; es
  push dword 0 ; ss
  push dword 0xa000
  push dword 0x20002 | ((%1) << 12) | (%2)
  push dword BASE >> 4
  push dword OFF16(%%here)
  iretd
bits 16
%%here:
%endmacro
%macro leave86 0
bits 16
  hlt
bits 32
done
%endmacro
; What the V86 program left at 30000, and FLAGS with VIF and VIP as the last exception pushed them.
%macro seen 1-2 0x6fe4
case %1
  show dword [0x30000]
  show dword [0x30004]
  mov eax, [%2]
  and eax, 0x1a7700
  show eax
done
%endmacro
VIF equ 0x80000
VIP equ 0x100000
main:
  real_setup
  enter32
  ; a TSS with the redirection bitmap at 68 and the I/O map at 88
  mov word [TSS+0x66], 0x88
  mov dword [GDT + TSSSEL], 0x400000ff
  mov dword [GDT + TSSSEL + 4], 0x00008900
  mov ax, TSSSEL
  ltr ax
  mov byte [TSS + 0x68 + (0x30 >> 3)], 1
  mov byte [TSS + 0x68 + (0x32 >> 3)], 1 | 4
  mov byte [TSS + 0xff], 0xff
  mov dword [0x31 * 4], ((BASE >> 4) << 16) | OFF16(service)
  mov dword [0x33 * 4], ((BASE >> 4) << 16) | OFF16(service_iret)
  mov dword [0x30000], 0
  mov dword [0x30004], 0
case "cr4 takes VME and PVI"
  mov eax, cr4
  or eax, 3
  mov cr4, eax
  mov eax, cr4
  and eax, 3
  show eax
done
case "sti sets VIF"
  v86 0
  sti
  leave86
seen "sti seen"
case "cli clears VIF"
  v86 0, VIF
  cli
  leave86
seen "cli seen"
case "sti with VIP"
  v86 0, VIP
  sti
  nop
bits 32
done
seen "sti with VIP seen"
case "cli with VIP"
  v86 0, VIP | VIF
  cli
  leave86
seen "cli with VIP seen"
case "pushf shows VIF as IF"
  v86 0, VIF
  pushf
  pop word [es:0]
  leave86
seen "pushf seen"
case "pushf with VIF clear and IF set"
  v86 0, 0x200
  pushf
  pop word [es:0]
  cli
  leave86
seen "pushf without VIF seen"
case "pushfd"
  v86 0
  pushfd
bits 32
done
case "popf sets VIF, not IF"
  v86 0
  push word 0x7202
  popf
  leave86
seen "popf seen"
case "popf clears VIF"
  v86 0, VIF
  push word 0x0ad7
  and word [ss:0x9ffe], 0xfdff
  popf
  leave86
seen "popf clearing seen"
case "popf of IF with VIP"
  v86 0, VIP
  push word 0x0202
  popf
bits 32
done
case "popf of TF"
  v86 0
  push word 0x0102
  popf
bits 32
done
case "popfd"
  v86 0
  push dword 0x0202
  popfd
bits 32
done
case "iret sets VIF"
  v86 0
  push word 0x7202
  push word BASE >> 4
  push word OFF16(%$i)
  iret
%$i:
  leave86
seen "iret seen"
case "iret of IF with VIP"
  v86 0, VIP
  push word 0x0202
  push word BASE >> 4
  push word OFF16(%$p)
  iret
%$p:
  leave86
case "iretd with IOPL 0"
  v86 0
  iretd
bits 32
done
case "int through the program's table"
  v86 0, VIF
  int 0x31
  leave86
seen "int seen"
case "int and iret through the program's table"
  v86 0, VIF
  int 0x33
  leave86
seen "int and iret seen"
case "int through the program's table with IOPL 3"
  v86 3, 0
  int 0x31
  leave86
seen "int with IOPL 3 seen"
case "int that the bitmap keeps, IOPL 0"
  v86 0
  int 0x32
bits 32
done
case "int that the bitmap keeps, IOPL 3"
  v86 3
  mov eax, 0x77
  int 0x30
bits 32
done
case "int3 is not redirected"
  v86 0
  int3
bits 32
done
case "int 3 in two bytes is"
  mov dword [3 * 4], ((BASE >> 4) << 16) | OFF16(service)
  v86 0
  db 0xcd, 3
  leave86
seen "int 3 seen"
case "bitmap beyond the segment"
  mov word [TSS+0x66], 0x1000
  v86 0
  int 0x31
bits 32
done
mov word [TSS+0x66], 0x88
case "VME off, sti faults"
  mov eax, cr4
  and al, 0xfe
  mov cr4, eax
  v86 0
  sti
bits 32
done
case "PVI, sti in ring 3"
  user32
  sti
  mov eax, 1
  int 0x30
bits 32
done
seen "PVI sti seen", 0x6ff4
case "PVI, cli in ring 3"
  pushfd
  or dword [esp], VIF
  popfd
  user32
  cli
  mov eax, 2
  int 0x30
bits 32
done
seen "PVI cli seen", 0x6ff4
case "PVI, pushf does not show VIF as IF"
  user32
  sti
  pushfd
  pop eax
  and eax, 0x200
  int 0x30
bits 32
done
case "PVI off, sti in ring 3"
  mov eax, cr4
  and al, 0xfc
  mov cr4, eax
  user32
  sti
bits 32
done
  finish
bits 16
service: ; in V86 mode: what INT pushed
  mov bp, sp
  mov ax, [bp+4]
  mov [es:0], ax
  mov ax, [bp]
  sub ax, OFF16(main)
  pushf
  pop word [es:4]
  hlt
service_iret:
  mov bp, sp
  mov ax, [bp+4]
  mov [es:0], ax
  iret
  rom
