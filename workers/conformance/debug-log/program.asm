; A short walk for -d: real mode, protected mode, a far call, ring 3 and back by INT, a fault, 64-bit mode, a page fault, the end.
%include "prelude.inc"
main:
  real_setup
  mov ax, 0x1234
  add ax, 1
  mov dword [es:0], 0
  enter32
  call CODE32:far_one
  mov ebx, 5
case "ring 3"
  user32
  mov eax, 0x11
  int 0x30
done
case "divide"
  xor ecx, ecx
  mov eax, 1
  cdq
  div ecx
done
  enter64
case "page fault"
  mov rax, 0x123456789a
  mov [rax], ebx
done
  finish
bits 32
far_one:
  inc ebx
  retf
  rom
