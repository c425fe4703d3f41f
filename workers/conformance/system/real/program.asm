; Real mode: wrap at 64 KiB, limits, unreal mode, A20, far transfers, IVT limit, stack wrap, 32-bit operands, HLT with interrupts.
%include "prelude.inc"
main:
  real_setup
%macro vector 2
  mov word [es:(%1) * 4], OFF16(%2)
  mov word [es:(%1) * 4 + 2], BASE >> 4
%endmacro
  xor ax, ax
  mov es, ax
%assign v 0
%rep 14
  mov word [es:v * 4], OFF16(trap0) + v * 8
  mov word [es:v * 4 + 2], BASE >> 4
%assign v v+1
%endrep
  vector 0x31, int31
case "word at FFFF"
  mov ax, [0xffff]
done
case "dword at FFFD"
  mov eax, [0xfffd]
done
case "32-bit address past the limit"
  mov ebx, 0x10000
  mov al, [ebx]
done
case "index wraps"
  mov si, 0xfff0
  mov bx, 0x20
  mov byte [cs:0x10], 0x5a
  mov al, [cs:bx+si]
  xor ah, ah
  show ax
done
case "stack past the limit"
  mov bp, sp
  mov ebx, 0x10000
  mov al, [ss:ebx]
done
case "push at 0 wraps"
  mov bp, sp
  xor sp, sp
  push word 0x1234
  mov ax, sp
  mov sp, bp
  show ax
done
case "pusha"
  mov ax, 1
  mov cx, 2
  mov bp, sp
  pusha
  mov si, sp
  mov ax, [ss:si+14]
  mov cx, [ss:si+12]
  mov bx, [ss:si+6]
  sub bx, bp
  mov sp, bp
  show ax
  show cx
  show bx
done
case "divide"
  xor cx, cx
  div cx
done
case "bound"
  mov word [0xf000], 5
  mov word [0xf002], 6
  mov ax, 9
  bound ax, [0xf000]
done
case "ud2"
  ud2
done
case "lldt is undefined"
  lldt ax
done
case "int and iret"
  mov ax, 0x1111
  int 0x31
  show ax
done
case "into"
  mov al, 0x7f
  inc al
  into
done
case "IF and TF in the handler"
  push word 0x0202
  popf
  int 0x31
  cli
  mov ax, [cs:OFF16(flags)]
  and ax, 0x300
  show ax
done
case "far call and return"
  call (BASE >> 4):OFF16(far_target)
  show ax
done
case "retf n"
  mov bp, sp
  push word 7
  push cs
  push word OFF16(%$r)
  retf 2
%$r:
  mov ax, bp
  sub ax, sp
  show ax
done
case "32-bit flags image"
  pushfd
  pop eax
  shr eax, 16
  show ax
done
case "segment wrap at 1 MiB with A20"
  mov ax, 0xffff
  mov es, ax
  mov dword [es:0x20010], 0
done
case "high memory area"
  in al, 0x92
  or al, 2
  and al, 0xfe
  out 0x92, al
  mov ax, 0xffff
  mov es, ax
  xor ax, ax
  mov fs, ax
  mov word [fs:0x600], 0x1111
  mov word [es:0x610], 0x2222
  mov ax, [fs:0x600]
  show ax
done
case "A20 off"
  in al, 0x92
  and al, 0xfc
  out 0x92, al
  mov ax, [es:0x610]
  show ax
  in al, 0x92
  or al, 2
  and al, 0xfe
  out 0x92, al
  mov ax, [es:0x610]
  show ax
done
case "unreal mode"
  o32 lgdt [OFF16(gdtr_real)]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  mov bx, 8
  mov fs, bx
  and al, 0xfe
  mov cr0, eax
  mov ebx, 0x200000
  mov dword [fs:ebx], 0xabcd
  mov ax, [fs:ebx]
  show ax
done
case "the limit stays after a load"
  xor ax, ax
  mov fs, ax
  mov ebx, 0x200000
  mov ax, [fs:ebx]
  show ax
done
case "other segments keep 64 KiB"
  mov ebx, 0x200000
  mov al, [es:ebx]
done
case "smsw"
  smsw ax
  and ax, 1
  show ax
done
case "lmsw sets PE"
  mov ax, 1
  lmsw ax
  mov eax, cr0
  and al, 0xfe
  mov cr0, eax
  show ax
done
case "cpuid in real mode"
  xor eax, eax
  cpuid
  cmp eax, 1
  setae al
  xor ah, ah
  show ax
done
case "string wrap"
  mov ax, 0x3000
  mov es, ax
  mov di, 0xfffe
  mov cx, 4
  mov al, 0x77
  cld
  rep stosb
  mov ax, [es:0]
  show di
  show ax
done
case "word string at FFFF"
  mov ax, 0x3000
  mov es, ax
  mov di, 0xffff
  stosw
done
case "ivt limit"
  o32 lidt [OFF16(idtr_short)]
  int 0x31
done
  o32 lidt [OFF16(idtr_real)]
  finish
far_target:
  mov ax, 0x5678
  retf
int31:
  pushf
  pop word [cs:OFF16(flags)]
  mov ax, 0x2222
  iret
flags dw 0
gdtr_real:
  dw 15
  dd gdt_unreal
idtr_short:
  dw 0x3f
  dd 0
  align 8
gdt_unreal:
  dq 0, 0x00cf93000000ffff
  align 8
trap0:
%assign v 0
%rep 14
  align 8
  push word v
  jmp near trapped
%assign v v+1
%endrep
trapped: ; vector, ip, cs, flags
  puts "#"
  call hex16
  puts " ip="
  call hex16
  puts 10
  xor ax, ax
  mov ss, ax
  mov sp, [cs:OFF16(resume_sp)]
  mov ax, BASE >> 4
  mov ds, ax
  jmp [cs:OFF16(resume_ip)]
  rom
