; Segment loads and accesses in 32-bit protected mode: null, limits, rights, presence, expand-down, and what the error codes say.
%include "prelude.inc"
main:
  real_setup
  enter32
  lldt [cs:zero]
  jmp over
zero dw LDTSEL
over:
  mov ax, LDTSEL
  lldt ax
case "null ds load"
  xor eax, eax
  mov ds, ax
  mov ax, DATA32
  mov ds, ax
done
case "read through null es"
  mov eax, 3
  mov es, ax
  mov al, [es:0x30000]
done
case "null ss load"
  xor eax, eax
  mov ss, ax
done
case "selector past the table"
  mov ax, 0x400
  mov ds, ax
done
case "local selector past the table"
  mov ax, 0x104
  mov ds, ax
done
case "system descriptor in ds"
  mov ax, TSSSEL
  mov ds, ax
done
setdesc 0x50, 0, 0xfffff, 0x99, 0xc
case "execute-only code in ds"
  mov ax, 0x50
  mov ds, ax
done
case "code in ss"
  mov ax, CODE32
  mov ss, ax
done
setdesc 0x50, 0, 0xfffff, 0x90, 0xc
case "read-only data in ss"
  mov ax, 0x50
  mov ss, ax
done
case "write to read-only data"
  mov ax, 0x50
  mov es, ax
  mov eax, [es:0x30000]
  mov [es:0x30000], eax
done
setdesc 0x50, 0, 0xfffff, 0x12, 0xc
case "absent segment in es"
  mov ax, 0x50
  mov es, ax
done
case "absent segment in ss"
  mov ax, 0x50
  mov ss, ax
done
setdesc 0x50, 0, 0xfffff, 0xf2, 0xc
case "outer segment in ss"
  mov ax, 0x50
  mov ss, ax
done
case "rpl above dpl"
  mov ax, DATA32 + 3
  mov ds, ax
done
case "rpl above dpl in ss"
  mov ax, DATA32 + 1
  mov ss, ax
done
setdesc 0x50, 0x30000, 0xff, 0x92, 4
case "last byte"
  mov ax, 0x50
  mov es, ax
  mov al, [es:0xff]
done
case "one past the limit"
  mov ax, 0x50
  mov es, ax
  mov al, [es:0x100]
done
case "dword across the limit"
  mov ax, 0x50
  mov es, ax
  mov eax, [es:0xfd]
done
case "dword at the limit"
  mov ax, 0x50
  mov es, ax
  mov dword [es:0xfc], 1
done
case "wraps around"
  mov ax, 0x50
  mov es, ax
  mov al, [es:0xffffffff]
done
case "string past the limit"
  mov ax, 0x50
  mov es, ax
  mov edi, 0xf0
  mov ecx, 0x20
  mov al, 1
  rep stosb
done
case "where the string stopped"
  show edi
  show ecx
done
setdesc 0x50, 0x30000, 0xff, 0x96, 4
case "expand-down at the limit"
  mov ax, 0x50
  mov es, ax
  mov al, [es:0xff]
done
case "expand-down above the limit"
  mov ax, 0x50
  mov es, ax
  mov al, [es:0x100]
done
case "expand-down 32-bit top"
  mov ax, 0x50
  mov es, ax
  mov al, [es:0x100000]
done
setdesc 0x50, 0x30000, 0xff, 0x96, 0
case "expand-down 16-bit top"
  mov ax, 0x50
  mov es, ax
  mov al, [es:0xffff]
done
case "expand-down above 16 bits"
  mov ax, 0x50
  mov es, ax
  mov al, [es:0x10000]
done
case "expand-down word across 16 bits"
  mov ax, 0x50
  mov es, ax
  mov ax, [es:0xffff]
done
setdesc 0x50, 0x30000, 0xff, 0xf2, 4
case "push below a small stack"
  user32
  mov ax, 0x53
  mov ss, ax
  mov esp, 2
  push eax
done
case "read past the stack limit"
  user32
  mov ax, 0x53
  mov ss, ax
  mov ebp, 0x100
  mov al, [ebp]
done
case "read past the limit through ds and ebp"
  user32
  mov ax, 0x53
  mov ds, ax
  mov ebp, 0x100
  mov al, [ds:ebp]
done
setdesc 0x50, 0x30000, 0xff, 0x92, 4
case "gs past the limit"
  mov ax, 0x50
  mov gs, ax
  mov al, [gs:0x200]
done
setdesc 0x50, 0x30000, 0xfffff, 0x92, 0xc
case "accessed bit is set"
  mov ax, 0x50
  mov es, ax
  show dword [GDT+0x54]
done
case "lar"
  mov ax, 0x50
  lar ebx, ax
  show ebx
done
case "lsl"
  mov ax, 0x50
  lsl ebx, ax
  show ebx
done
case "lar of the tss"
  mov ax, TSSSEL
  lar ebx, ax
  show ebx
done
case "verr verw"
  mov ebx, 0
  mov ax, CODE32
  verr ax
  setz bl
  verw ax
  setz bh
  show ebx
done
case "far jump to data"
  jmp DATA32:0
done
case "far jump to null"
  jmp 0:0
done
case "far jump beyond the table"
  jmp 0x800:0
done
setdesc 0x50, 0, 0xfffff, 0x1a, 0xc
case "far jump to absent code"
  jmp 0x50:0x1000
done
setdesc 0x50, 0, 0xff, 0x9a, 4
case "far jump past the limit"
  jmp 0x50:0x1000
done
case "far jump to outer code"
  jmp UCODE:%$here
%$here:
done
setdesc 0x50, 0, 0xfffff, 0xfe, 0xc
case "far jump to outer conforming code"
  jmp 0x53:%$here
%$here:
done
setdesc 0x50, 0, 0xfffff, 0x9e, 0xc
case "conforming code from ring 3"
  user32
  jmp 0x53:%$here
%$here:
  mov eax, cs
  int 0x30
done
case "far call and return"
  call CODE32:%$there
  jmp %$out
%$there:
  mov eax, [esp+4]
  retf
%$out:
  show eax
done
case "retf to inner code"
  user32
  push dword CODE32
  push dword 0
  retf
done
case "iret to data"
  pushfd
  push dword DATA32
  push dword 0
  iretd
done
case "iret to outer with bad ss"
  push dword DATA32
  push dword 0xa000
  pushfd
  push dword UCODE
  push dword 0
  iretd
done
case "retf to outer"
  push dword UDATA
  push dword 0xa000
  push dword UCODE
  push dword %$here
  retf
%$here:
  mov eax, cs
  shl eax, 16
  mov ax, ds
  int 0x30
done
case "privileged in ring 3 hlt"
  user32
  hlt
done
case "privileged in ring 3 mov cr"
  user32
  mov eax, cr0
done
case "privileged in ring 3 lgdt"
  user32
  lgdt [gdtr]
done
case "cli in ring 3"
  user32
  cli
done
case "in without permission"
  user32
  in al, 0x60
done
mov dword [TSS+0x66], 0x68
mov dword [TSS+0x68], 0xffffffff
mov dword [TSS+0x68+0x60/8], 0xfffffffe
mov dword [TSS+0x68+0x60/8+4], 0xffffffff
mov byte [GDT+TSSSEL], 0x8f
and byte [GDT+TSSSEL+5], 0xfd
mov ax, TSSSEL
ltr ax
case "in permitted by the map"
  user32
  mov dx, 0x60
  in al, dx
  mov eax, 1
  int 0x30
done
case "word in across the map"
  user32
  mov dx, 0x60
  in ax, dx
done
case "int without rights"
  user32
  int 0x31
done
case "int past the table"
  int 0x80
done
mov word [IDT+0x31*8+4], 0x0e00
case "absent gate"
  int 0x31
done
mov word [IDT+0x31*8+4], 0x8c00
case "call gate in the idt"
  int 0x31
done
setgate 0x31, DATA32, 0, 0x8e
case "gate to data"
  int 0x31
done
setgate 0x31, 0, 0, 0x8e
case "gate to null"
  int 0x31
done
case "into"
  mov al, 0x7f
  inc al
  into
done
case "bound"
  mov eax, 5
  mov dword [0x30000], 6
  mov dword [0x30004], 9
  bound eax, [0x30000]
done
case "divide"
  xor ecx, ecx
  div ecx
done
case "int3"
  int3
done
case "icebp"
  db 0xf1
done
case "ud2"
  ud2
done
case "device not available"
  mov eax, cr0
  or al, 8
  mov cr0, eax
  fld1
done
clts
case "ltr of a busy tss"
  mov ax, TSSSEL
  ltr ax
done
case "ltr of data"
  mov ax, DATA32
  ltr ax
done
case "lldt of null"
  xor eax, eax
  lldt ax
done
case "local selector without a table"
  mov ax, 4
  mov ds, ax
done
case "cr0 NW without CD"
  mov eax, cr0
  and eax, ~0x40000000
  or eax, 0x20000000
  mov cr0, eax
done
case "cr1"
  mov eax, 0
  db 0x0f, 0x22, 0xc8
done
case "unknown msr"
  mov ecx, 0x12345
  rdmsr
done
case "alignment check in ring 3"
  mov eax, cr0
  or eax, 0x40000
  mov cr0, eax
  user32
  pushfd
  or dword [esp], 0x40000
  popfd
  mov eax, [0x30001]
done
case "alignment check off in ring 0"
  mov eax, [0x30001]
done
  finish
  rom
