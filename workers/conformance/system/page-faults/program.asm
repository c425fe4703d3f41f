; Demand paging: hundreds of page faults from the same instruction, served by a handler that maps the page and returns. Translated code takes such
; faults another way than interpreted code does, and soon another way than at first. Each line sums up what the handler saw.
%include "prelude.inc"
WINDOW equ 0x400000
%macro unmap 0
  xor eax, eax
  mov edi, PT1
  mov ecx, 1024
  rep stosd
  mov [seen], eax
  mov [faults], eax
  mov eax, cr3
  mov cr3, eax
%endmacro
%macro result 0
  show dword [faults]
  show dword [seen]
%endmacro
main:
  real_setup
  enter32
  paging32 0x80010000 ; with WP
  ; The prelude's handler is for single faults.
  setgate 14, CODE32, ADDR(pager), 0x8e
case "read"
  unmap
  mov esi, WINDOW
  mov ecx, 400
%$loop:
  add edx, [esi + 8]
  add esi, 0x1000
  dec ecx
  jnz %$loop
  result
done
case "write"
  unmap
  mov esi, WINDOW
  mov ecx, 400
%$loop:
  mov [esi + 4], ecx
  add esi, 0x1000
  dec ecx
  jnz %$loop
  result
done
case "read, then write to what is read-only"
  unmap
  mov byte [rights], 5
  mov esi, WINDOW
  mov ecx, 200
%$loop:
  add edx, [esi]
  mov byte [rights], 7
  mov [esi], ecx
  mov byte [rights], 5
  add esi, 0x1000
  dec ecx
  jnz %$loop
  mov byte [rights], 7
  result
done
case "modify"
  unmap
  mov esi, WINDOW
  mov ecx, 400
  stc
%$loop:
  adc dword [esi + 12], 0x7fffffff
  lea esi, [esi + 0x1000]
  dec ecx
  jnz %$loop
  result
done
case "across pages"
  unmap
  mov esi, WINDOW + 0xffe
  mov ecx, 400
%$loop:
  mov [esi], ecx
  add esi, 0x1000
  dec ecx
  jnz %$loop
  result
done
case "push and pop in ring 3"
  unmap
  user_alias
  mov ecx, 200
  mov esi, WINDOW + 200 * 0x1000
%$loop:
  mov esp, esi
  push ecx
  pop eax
  sub esi, 0x1000
  dec ecx
  jnz %$loop
  int 0x30
done
case "what it did"
  result
done
case "string"
  unmap
  mov edi, WINDOW + 0x3f0
  mov ecx, 200 * 0x400
  mov eax, 0x12345678
  rep stosd
  result
done
case "fetch"
  unmap
  mov byte [code], 1
  mov ebx, 300
  mov esi, WINDOW + 0x123
%$loop:
  call esi
  add esi, 0x1000
  dec ebx
  jnz %$loop
  mov byte [code], 0
  result
done
case "read and write in ring 3"
  unmap
  user_alias
  mov esi, WINDOW
  mov ecx, 400
%$loop:
  mov eax, [esi + 0x10]
  mov [esi + 0x1000], ecx
  add esi, 0x2000
  sub ecx, 2
  jnz %$loop
  int 0x30
done
case "what that did"
  result
done
finish

; Maps the page to one of 16 frames and notes error code, address, place and flags.
pager:
  pushad
  push ds
  push es
  mov ax, DATA32
  mov ds, ax
  mov es, ax
  mov eax, cr2
  mov ebx, [esp + 40]
  mov ecx, [seen]
  rol ecx, 5
  xor ecx, eax
  add ecx, ebx
  rol ecx, 3
  add ecx, [esp + 44]
  mov ebx, [esp + 52]
  and ebx, 0x8d5
  xor ecx, ebx
  mov [seen], ecx
  inc dword [faults]
  mov ebx, eax
  shr ebx, 12
  and ebx, 1023
  mov ecx, ebx
  and ecx, 15
  shl ecx, 12
  add ecx, 0x30000
  or cl, [rights]
  mov [PT1 + ebx * 4], ecx
  invlpg [eax]
  cmp byte [code], 0
  je .back
  mov byte [eax], 0xc3
.back:
  pop es
  pop ds
  popad
  add esp, 4
  iretd
align 4
seen: dd 0
faults: dd 0
rights: db 7 ; of the pages that it maps
code: db 0 ; not 0: it puts RET where the fault was
  rom
