; Calls and returns that translated code may take for matched pairs: returns elsewhere, deep recursion, callers that change, move or lose their
; page while they wait, faults and interrupts inside. Functions stand in pages of their own, so that calls leave the caller's region.
%include "prelude.inc"
main:
  real_setup
  enter32
case "nested across pages"
  mov ecx, 300
  xor eax, eax
  mov edx, 7
%$l:
  call first
  add eax, edx
  loop %$l
  show eax
  show edx
done
case "recursion deeper than any stack of callers"
  mov ecx, 20
  xor eax, eax
%$l:
  push ecx
  mov ecx, 200
  call down
  pop ecx
  loop %$l
  show eax
done
case "a return to where the caller said"
  mov ecx, 300
  xor eax, eax
%$l:
  push %$back
  jmp second
  inc eax
%$back:
  add eax, 2
  loop %$l
  show eax
done
case "a return behind the call's own"
  mov ecx, 300
  xor eax, eax
%$l:
  call skips
  inc eax
  inc eax
  loop %$l
  show eax
done
case "a function that drops its caller"
  mov ecx, 300
  xor eax, eax
%$l:
  call outer
  loop %$l
  show eax
done
case "a jump written over the return"
  mov ecx, 300
  xor eax, eax
  mov ebx, second
%$l:
  call thunk
  add eax, edx
  mov edx, 1
  loop %$l
  show eax
done
case "two targets in turn"
  mov ecx, 301
  xor eax, eax
  mov edx, 3
%$l:
  test cl, 1
  mov ebx, second
  jz %$even
  mov ebx, third
%$even:
  call ebx
  lea eax, [eax + edx]
  loop %$l
  show eax
done
case "the caller is written while it waits"
  mov ecx, 300
  xor eax, eax
%$l:
  mov edi, %$p + 1
  call patches
%$p:
  add al, 1
  loop %$l
  movzx eax, al
  show eax
done
case "the callee is written before it is called again"
  mov ecx, 300
  xor eax, eax
%$l:
  call constant
  add eax, edx
  inc dword [constant + 1]
  loop %$l
  show eax
done
case "a fault inside, repaired"
  setgate 6, CODE32, ADDR(%$handler), 0x8e
  mov ecx, 100
  xor eax, eax
%$l:
  call faulty
  inc eax
  loop %$l
  jmp %$shown
%$handler:
  add dword [esp], 2
  add eax, 0x100
  iretd
%$shown:
  show eax
done
case "an interrupt inside that returns elsewhere"
  setgate 0x30, CODE32, ADDR(%$handler), 0x8e
  mov ecx, 100
  xor eax, eax
%$l:
  mov esi, esp
  call interrupts
  add eax, 0x10000 ; never
%$out:
  mov esp, esi
  inc eax
  loop %$l
  jmp %$shown
%$handler:
  mov dword [esp], %$out
  iretd
%$shown:
  show eax
done
; Two pages with code that differs, seen at 0x400000 by turns: the callee, which is elsewhere, exchanges them.
case "the caller's page is exchanged while it waits"
  mov edi, 0x20000
  xor eax, eax
  mov ecx, 2048
  rep stosd
  mov dword [0x20000], 0x21003
  mov dword [0x20004], 0x22003
  mov edi, 0x21000
  mov eax, 3
%$map:
  mov [edi], eax
  add edi, 4
  add eax, 0x1000
  cmp eax, 0x400000
  jb %$map
  mov dword [0x22000], 0x40003
  ; 0x40000: call [0x7f000]; add eax, 1; ret   0x41000: the same with 0x100
  mov edi, 0x40000
  mov ebx, 1
%$copy:
  mov word [edi], 0x15ff
  mov dword [edi + 2], 0x7f000
  mov byte [edi + 6], 0x05
  mov [edi + 7], ebx
  mov byte [edi + 11], 0xc3
  shl ebx, 8
  add edi, 0x1000
  cmp edi, 0x42000
  jb %$copy
  mov dword [0x7f000], exchange
  mov eax, 0x20000
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  mov ecx, 101
  xor eax, eax
  mov esi, 0x400000
%$l:
  call esi
  loop %$l
  show eax
done
case "the same by CR3"
  mov dword [0x7f000], reload
  mov ecx, 101
  xor eax, eax
%$l:
  call esi
  loop %$l
  show eax
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
done
  finish

align 4096
first:
  push eax
  call second
  call third
  pop eax
  ret
down:
  inc eax
  dec ecx
  jz .end
  call up
.end:
  ret
skips:
  inc dword [esp]
  ret
outer:
  call drops
  add eax, 0x10000 ; never
  ret
thunk:
  call .set
.hang:
  jmp .hang
.set:
  mov [esp], ebx
  ret
patches:
  inc byte [edi]
  ret
constant:
  mov edx, 5
  ret
align 4096
second:
  add edx, 2
  ret
up:
  add eax, 2
  dec ecx
  jz .end
  call down
  add eax, 1
.end:
  ret
drops:
  add esp, 4
  inc eax
  ret
faulty:
  inc eax
  ud2
  ret
interrupts:
  inc eax
  int 0x30
  ret
exchange:
  xor dword [0x22000], 0x1000
  invlpg [esi]
  ret
reload:
  xor dword [0x22000], 0x1000
  mov edx, cr3
  mov cr3, edx
  ret
align 4096
third:
  add edx, 4
  ret
  rom
