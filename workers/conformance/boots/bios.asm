; For bios.boot.ts, which holds the assembled bytes (nasm -f bin): what the BIOS tells a boot sector, on COM1.
bits 16
org 0x7c00
  cli
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov sp, 0x7c00
  jmp 0:start
start:
  mov bl, dl
  mov al, [letter]
  call putc
  mov bh, 0
  mov cx, bx
  call hex
  mov cx, [0x410]
  call hex
  mov si, 0x400
next:
  mov cx, [si]
  add si, 2
  call hex
  cmp si, 0x408
  jne next
stop:
  hlt
  jmp stop
hex:                    ; CX as four digits and a blank
  mov di, 4
digit:
  rol cx, 4
  mov al, cl
  and al, 15
  cmp al, 10
  sbb al, 0x69
  das
  call putc
  dec di
  jnz digit
  mov al, ' '
putc:                   ; AL on COM1
  mov ah, al
  mov dx, 0x3fd
wait_:
  in al, dx
  test al, 0x20
  jz wait_
  mov dx, 0x3f8
  mov al, ah
  out dx, al
  ret
letter: db '?'
