; Self-modifying code: the next instruction, later in the block, an earlier block, across pages, through an alias, by string instructions.
%include "prelude.inc"
main:
  real_setup
  enter32
case "next instruction"
  mov byte [%$p + 1], 0x22
%$p:
  mov al, 0x11
  movzx eax, al
  show eax
done
case "later in the block"
  xor eax, eax
  xor ebx, ebx
  mov byte [%$p], 0x43 ; inc ebx
  inc eax
  inc eax
%$p:
  inc eax
  show eax
  show ebx
done
case "in a loop"
  xor eax, eax
  mov ecx, 100
%$l:
%$p:
  add eax, 1
  inc byte [%$p + 2]
  loop %$l
  show eax
done
case "a called function"
  mov ecx, 5
  xor edx, edx
%$l:
  call func
  add edx, eax
  inc dword [func + 1]
  loop %$l
  show edx
done
case "the modifying instruction itself"
  mov ecx, 3
%$l:
  mov byte [%$l + 6], 0x90 ; its own immediate
  loop %$l
  mov al, [%$l + 6]
  movzx eax, al
  show eax
done
case "by string instruction over itself"
  mov edi, %$p
  mov ecx, 16
  mov al, 0x40 ; inc eax
  xor ebx, ebx
  cld
  rep stosb
  nop
%$p:
  times 16 inc ebx
  movzx eax, al
  show eax
  show ebx
done
case "across two pages"
  mov edi, 0x30ffe
  mov byte [edi], 0xb8
  mov dword [edi+1], 0x11111111
  mov byte [edi+5], 0xc3
  call edi
  mov ebx, eax
  mov byte [0x31001], 0x22
  call edi
  show ebx
  show eax
done
case "first byte of an instruction across pages"
  mov byte [0x30ffe], 0xb9
  mov edi, 0x30ffe
  call edi
  show ecx
done
case "a jump into the middle"
  mov byte [0x32000], 0xb8
  mov dword [0x32001], 0xc3c34342
  mov byte [0x32005], 0xc3
  mov edi, 0x32000
  call edi
  mov edx, 0
  mov ebx, 0
  inc edi
  call edi
  show eax
  show edx
  show ebx
done
case "through an alias"
  mov edi, 0x20000
  xor eax, eax
  mov ecx, 1024
  rep stosd
  mov dword [0x20000], 0x000083
  mov dword [0x20004], 0x000083
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mov eax, 0x20000
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  call func
  mov ebx, eax
  mov dword [0x400000 + func + 1], 0x77777777
  call func
  show eax
done
case "remapped page"
  mov dword [0x36000], 0xc301b0 ; mov al, 1
  mov dword [0x37000], 0xc302b0
  mov dword [0x20004], 0x22003
  mov edi, 0x22000
  xor eax, eax
  mov ecx, 1024
  rep stosd
  mov dword [0x22000], 0x36003
  mov eax, cr3
  mov cr3, eax
  mov edi, 0x400000
  call edi
  movzx ebx, al
  mov dword [0x22000], 0x37003
  invlpg [0x400000]
  call edi
  movzx eax, al
  show ebx
  show eax
done
case "a write next to code does not disturb it"
  mov ecx, 1000
  xor eax, eax
%$l:
  inc dword [%$data]
  add eax, [%$data]
  loop %$l
  jmp %$o
%$data: dd 0
%$o:
  show eax
done
  finish
func:
  mov eax, 0x1000
  ret
  rom
