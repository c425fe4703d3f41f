; The end of the code segment: straight-line code that runs past it faults at the first instruction that does not fit whole, wherever the
; block of instructions began. SDM 3A 5.3. TCG does not check limits of code; Bochs does.
; oracle: Bochs, TCG does not check code limits inside a block
%include "prelude.inc"
; Selector 50: code with a limit, at a place of its own each time, because Bochs keeps decoded code by its address whatever the limit.
%assign place 0x40000
%macro codeseg 2 ; limit, flags
  %assign place place + 0x100
  mov edi, place
  mov esi, ADDR(code)
  mov ecx, code_end - code
  rep movsb
  setdesc 0x50, place, %1, 0x9b, %2
%endmacro
%macro atlimit 3 ; name, limit, flags
codeseg %2, %3
case %1
  xor eax, eax
  xor ebx, ebx
  jmp 0x50:0
done
%strcat %%what %1, ", what ran"
case %%what
  show eax
  show ebx
done
%endmacro
main:
  real_setup
  enter32
  atlimit "all of it", 0xff, 4
  atlimit "limit before the first", 0, 4
  atlimit "limit inside the first", 1, 4
  atlimit "limit behind the second", 3, 4
  atlimit "limit inside the third", 6, 4
  atlimit "limit at the last byte of the third", 8, 4
  atlimit "limit inside the fourth", 9, 4
; The same code under two limits, the processor's own question.
case "one place under a wide limit"
  codeseg 0xff, 4
  xor eax, eax
  jmp 0x50:0
done
case "the same place under a narrow one"
  mov byte [GDT + 0x50], 8
  xor eax, eax
  jmp 0x50:0
done
case "and under the wide one"
  mov byte [GDT + 0x50], 0xff
  xor eax, eax
  jmp 0x50:0
done
case "the jump itself past the limit"
  codeseg 0x0f, 4
  jmp 0x50:0x10
done
case "a relative jump past the limit"
  codeseg 0x42, 4
  jmp 0x50:0x40
done
case "16-bit code at FFFF"
  setdesc 0x58, 0x50000, 0xffff, 0x9b, 0
  mov byte [0x5fffe], 0x40
  mov byte [0x5ffff], 0x40
  jmp 0x58:0xfffe
done
case "16-bit code across FFFF"
  mov byte [0x5fffe], 0x40
  mov byte [0x5ffff], 0xb8
  jmp 0x58:0xfffe
done
case "page granular limit"
  setdesc 0x50, 0x70000, 0, 0x9b, 0xc
  mov byte [0x70ffe], 0x40
  mov byte [0x70fff], 0x40
  mov byte [0x71000], 0xf4
  jmp 0x50:0xffe
done
  finish
bits 32
code:
  inc ax ; two bytes each: 66 40
  inc ax
  mov ebx, 0x12345678
  inc ax
  int 0x30
  times 0x40 - ($ - code) db 0x90
  jmp short $ + 0x20
  times 0x80 - ($ - code) db 0x90
code_end:
  rom
