; Call gates (16- and 32-bit, with parameters, inner privilege), interrupt and trap gates, stack switches, returns to outer privilege,
; conforming code, in 32-bit protected mode.
%include "prelude.inc"
R1CODE equ 0x59
R1DATA equ 0x61
main:
  real_setup
  enter32
  setdesc 0x58, 0, 0xfffff, 0xba, 0xc
  setdesc 0x60, 0, 0xfffff, 0xb2, 0xc
  mov dword [TSS + 12], 0xb000
  mov dword [TSS + 16], R1DATA
  jmp cases
; gate targets
gate_show: ; in the privilege of the gate
  mov eax, cs
  mov edx, ss
  shl edx, 16
  mov dx, ax
  mov eax, edx
  int 0x30
gate_params:
  mov ax, DATA32
  mov ds, ax
  mov eax, [esp+8]
  add eax, [esp+12]
  mov ecx, [esp+16]
  mov [0x30000], ecx
  mov ecx, esp
  mov [0x30004], ecx
  retf 8
gate16:
  mov ax, DATA32
  mov ds, ax
  mov [0x30004], esp
  movzx eax, word [esp+4]
  o16 retf 2
cases:
callgate 0x68, CODE32, ADDR(gate_show), 0xec, 0
callgate 0x70, CODE32, ADDR(gate_params), 0xec, 2
callgate 0x78, R1CODE & ~3, ADDR(gate_show), 0xec, 0
case "call through a gate from ring 3"
  user32
  call 0x6b:0
done
case "call through a gate to ring 1"
  user32
  call 0x7b:0
done
case "call through a gate in ring 0"
  call 0x68:0
done
case "jump through a gate in ring 0"
  jmp 0x68:0
done
case "jump through a gate to inner privilege"
  user32
  jmp 0x6b:0
done
case "parameters"
  user32
  push dword 0x11
  push dword 0x2200
  call 0x73:0
  mov ecx, esp
  shl ecx, 16
  add eax, ecx
  int 0x30
done
case "inner stack"
  show dword [0x30000]
  show dword [0x30004]
done
mov byte [GDT + 0x68 + 5], 0x8c
case "gate DPL below CPL"
  user32
  call 0x6b:0
done
mov byte [GDT + 0x68 + 5], 0xec
case "gate DPL below RPL"
  mov byte [GDT + 0x68 + 5], 0xac
  call 0x6b:0
done
mov byte [GDT + 0x68 + 5], 0x6c
case "absent gate"
  user32
  call 0x6b:0
done
callgate 0x68, DATA32, 0, 0xec, 0
case "gate to data"
  user32
  call 0x6b:0
done
callgate 0x68, 0, 0, 0xec, 0
case "gate to null"
  user32
  call 0x6b:0
done
callgate 0x68, 0x800, 0, 0xec, 0
case "gate past the table"
  user32
  call 0x6b:0
done
callgate 0x68, UCODE, 0, 0xec, 0
case "gate to outer code"
  call 0x68:0
done
callgate 0x68, CODE32, ADDR(gate_show), 0xec, 0
mov dword [TSS + 16], 0
case "null inner stack"
  user32
  call 0x7b:0
done
mov dword [TSS + 16], R1DATA - 1
case "inner stack with wrong rpl"
  user32
  call 0x7b:0
done
mov dword [TSS + 16], DATA32 + 1
case "inner stack with wrong dpl"
  user32
  call 0x7b:0
done
mov dword [TSS + 16], R1CODE
case "inner stack is code"
  user32
  call 0x7b:0
done
mov dword [TSS + 16], 0x801
case "inner stack past the table"
  user32
  call 0x7b:0
done
mov dword [TSS + 16], R1DATA
and byte [GDT + 0x60 + 5], 0x7f
case "inner stack absent"
  user32
  call 0x7b:0
done
setdesc 0x60, 0, 0xff, 0xb2, 4
case "inner stack too small"
  user32
  call 0x7b:0
done
setdesc 0x60, 0, 0xfffff, 0xb2, 0xc
mov byte [GDT + TSSSEL], 11
and byte [GDT + TSSSEL + 5], 0xfd
mov ax, TSSSEL
ltr ax
case "TSS too short for ring 1"
  user32
  call 0x7b:0
done
mov byte [GDT + TSSSEL], 0x67
and byte [GDT + TSSSEL + 5], 0xfd
mov ax, TSSSEL
ltr ax
; 16-bit gate
callgate 0x68, CODE16, 0, 0xe4, 1
mov word [GDT + 0x68], ADDR(gate16)
mov dword [GDT + 0x68 + 4], 0xe401
setdesc 0x38, 0, 0xfffff, 0x9a, 0xc
mov word [GDT + 0x68], 0x100
mov byte [0x100], 0xe9 ; jmp gate16
mov dword [0x101], gate16 - 0x105
case "16-bit gate with a parameter"
  user32
  push word 0x4321
  call 0x6b:0
  int 0x30
done
case "16-bit inner stack"
  show dword [0x30004]
done
; interrupt gates
setgate 0x31, CODE32, ADDR(gate_show), 0xee
setgate 0x32, R1CODE & ~3, ADDR(gate_show), 0xee
setgate 0x33, CODE32, ADDR(gate_flags), 0xef
setgate 0x34, CODE32, ADDR(gate_flags), 0xee
setgate 0x35, UCODE, ADDR(gate_show), 0xee
case "interrupt from ring 3 to ring 0"
  user32
  int 0x31
done
case "interrupt from ring 3 to ring 1"
  user32
  int 0x32
done
case "interrupt from ring 0 to ring 1"
  int 0x32
done
case "interrupt to outer code"
  int 0x35
done
case "interrupt from ring 3 to ring 3"
  user32
  int 0x35
done
case "trap gate keeps IF"
  sti
  int 0x33
  cli
done
case "interrupt gate clears IF"
  sti
  int 0x34
  cli
done
cli
case "NT TF cleared by gates"
  pushfd
  or dword [esp], 0x4000
  popfd
  int 0x34
done
pushfd
and dword [esp], ~0x4000
popfd
setdesc 0x50, 0, 0xfffff, 0x9e, 0xc
setgate 0x36, 0x50, ADDR(gate_show), 0xee
case "interrupt to conforming code"
  user32
  int 0x36
done
; 16-bit interrupt gate
setgate 0x37, CODE32, 0, 0xe6
mov word [IDT + 0x37 * 8], 0x200
mov byte [0x200], 0xe9
mov dword [0x201], gate_int16 - 0x205
case "16-bit interrupt gate"
  user32
  int 0x37
done
case "16-bit frame"
  show dword [0x30000]
  show dword [0x30004]
  show dword [0x30008]
done
; returns
case "iret to ring 3 keeps ring 3 segments"
  mov ax, UDATA
  mov es, ax
  mov fs, ax
  mov ax, DATA32
  mov gs, ax
  push dword UDATA
  push dword 0xa000
  pushfd
  push dword UCODE
  push dword %$there
  iretd
%$there:
  mov eax, fs
  shl eax, 16
  mov ax, gs
  int 0x30
done
case "iret from ring 3 cannot change IOPL or IF"
  user32
  pushfd
  or dword [esp], 0x3200
  push cs
  push dword %$there
  iretd
%$there:
  pushfd
  pop eax
  int 0x30
done
case "popf in ring 3 cannot change IOPL or IF"
  user32
  push dword 0x3246
  popfd
  pushfd
  pop eax
  int 0x30
done
case "popf with IOPL 3"
  pushfd
  or dword [esp], 0x3000
  popfd
  user32
  push dword 0x0246
  popfd
  pushfd
  pop eax
  int 0x30
done
push dword 2
popfd
case "retf to ring 3 with parameters"
  push dword UDATA
  push dword 0xa000
  push dword 0
  push dword UCODE
  push dword %$there
  retf 4
%$there:
  mov eax, esp
  int 0x30
done
case "iret to ring 1 and on to ring 3"
  push dword R1DATA
  push dword 0xb000
  pushfd
  push dword R1CODE
  push dword %$one
  iretd
%$one:
  push dword UDATA
  push dword 0xa000
  push dword 2
  push dword UCODE
  push dword %$three
  iretd
%$three:
  mov eax, cs
  int 0x30
done
case "iret to ring 1 with rpl 3 stack"
  push dword UDATA
  push dword 0xb000
  pushfd
  push dword R1CODE
  push dword 0
  iretd
done
  finish
gate_flags:
  pushfd
  pop eax
  and eax, 0xff00
  int 0x30
gate_int16:
  mov ax, DATA32
  mov ds, ax
  mov eax, [esp]
  mov [0x30000], eax
  mov eax, [esp+4]
  mov [0x30004], eax
  mov eax, [esp+8]
  mov [0x30008], eax
  int 0x30
  rom
