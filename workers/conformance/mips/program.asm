; Three endless loops for mips.ts: byte 0x7000 of memory, poked before the start, says which.
%include "../system/prelude.inc"
main:
  real_setup
  enter32
  in al, 0x60 ; not used: leaves the choice to memory
  mov al, [0x7000]
  cmp al, 1
  je sieve
  cmp al, 2
  je calls
arith:
  mov ecx, 12345
.loop:
  add eax, ecx
  xor ebx, eax
  lea edx, [eax+ebx*4+7]
  rol edx, 5
  sub esi, edx
  imul edi, esi, 17
  adc ebx, 3
  dec ecx
  jnz .loop
  jmp arith
sieve:
  mov edi, 0x100000
  mov ecx, 0x10000
  mov al, 1
  cld
  rep stosb
  mov esi, 2
.outer:
  cmp byte [0x100000 + esi], 0
  je .next
  lea edi, [esi+esi]
.inner:
  cmp edi, 0x10000
  jae .next
  mov byte [0x100000 + edi], 0
  add edi, esi
  jmp .inner
.next:
  inc esi
  cmp esi, 0x10000
  jb .outer
  jmp sieve
calls:
  mov eax, 20
  call fib
  jmp calls
fib:
  cmp eax, 2
  jb .leaf
  push eax
  dec eax
  call fib
  xchg eax, [esp]
  sub eax, 2
  call fib
  pop edx
  add eax, edx
.leaf:
  ret
  rom
