; For speaker.browser.test.ts, which holds the assembled bytes (nasm -f bin): a tone of 1000 Hz for 18 timer ticks, silence for 18, and again.
bits 16
org 0x7c00
start:
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov sp, 0x7c00
  sti
again:
  mov al, 0xb6          ; channel 2, both bytes, mode 3
  out 0x43, al
  mov ax, 1193
  out 0x42, al
  mov al, ah
  out 0x42, al
  in al, 0x61
  or al, 3
  out 0x61, al
  mov al, '1'
  call show
  in al, 0x61
  and al, 0xfc
  out 0x61, al
  mov al, '0'
  call show
  jmp again
show:                   ; a digit at the top left, and 18 ticks
  mov bx, 0xb800
  mov es, bx
  mov [es:0], al
  mov cx, 18
.tick:
  mov dx, [0x46c]
.same:
  hlt
  cmp dx, [0x46c]
  je .same
  loop .tick
  ret
times 510 - ($ - $$) db 0
dw 0xaa55
