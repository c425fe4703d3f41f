; For inputs.browser.test.ts, which holds the assembled bytes (nasm -f bin).
; boot sector: PS/2 wheel mouse, polled; sums of movement, wheel and buttons as hex words at the top of the screen
bits 16
org 0x7c00
start:
  cli
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov sp, 0x7c00
  mov ax, 0xb800
  mov es, ax
  cld
  mov al, 0xa8          ; auxiliary port on
  call command
  mov al, 0x20          ; no interrupts: everything is polled
  call command
  call get
  and al, 0xdc
  mov bl, al
  mov al, 0x60
  call command
  mov al, bl
  call data
  mov si, setup
.next:
  lodsb
  test al, al
  jz packets
  mov bl, al
  mov al, 0xd4
  call command
  mov al, bl
  call data
  call get              ; acknowledge
  jmp .next
packets:
  call show
  call get              ; buttons and signs
  mov [buttons], al
  mov bl, al
  call get
  mov cl, 4
  call widen
  add [x], ax
  call get
  mov cl, 5
  call widen
  add [y], ax
  call get              ; wheel
  cbw
  add [wheel], ax
  jmp packets
widen:                  ; al = low byte, sign in bit cl of bl
  mov ah, bl
  shr ah, cl
  and ah, 1
  neg ah
  ret
show:
  xor di, di
  mov si, x
  mov cx, 4
.word:
  lodsw
  mov dx, ax
  mov bp, 4
.digit:
  rol dx, 4
  mov al, dl
  and al, 15
  cmp al, 10
  sbb al, 0x69
  das
  mov ah, 0x1f
  stosw
  dec bp
  jnz .digit
  mov ax, 0x1f20
  stosw
  loop .word
  ret
command:
  push ax
  call room
  pop ax
  out 0x64, al
  ret
data:
  push ax
  call room
  pop ax
  out 0x60, al
  ret
room:
  in al, 0x64
  test al, 2
  jnz room
  ret
get:
  in al, 0x64
  test al, 1
  jz get
  in al, 0x60
  ret
setup: db 0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf4, 0
x: dw 0
y: dw 0
wheel: dw 0
buttons: dw 0
times 510-($-$$) db 0
dw 0xaa55
