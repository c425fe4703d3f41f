; A boot sector that sets the video mode MODE through the BIOS, fills video memory with a pattern, hides the cursor and stops.
org 0x7c00
bits 16
  cli
  xor ax, ax
  mov ss, ax
  mov sp, 0x7c00
  mov ds, ax
  sti
  mov ax, MODE
  int 0x10
  mov ah, 1          ; no cursor: it would blink
  mov cx, 0x2000
  int 0x10
  mov ax, 0x1003     ; bright backgrounds instead of blinking
  xor bx, bx
  int 0x10
%if MODE >= 0x0d
  mov ax, 0xa000
%elif MODE == 7
  mov ax, 0xb000
%else
  mov ax, 0xb800
%endif
  mov es, ax
%if MODE >= 0x0d && MODE <= 0x12
  mov bl, 1          ; each plane its own pattern
plane:
  mov dx, 0x3c4
  mov al, 2
  mov ah, bl
  out dx, ax
  call fill
  shl bl, 1
  cmp bl, 16
  jne plane
%else
  mov bl, 1
  call fill
%endif
  mov al, 0x55
  out 0xe9, al
stop:
  cli
  hlt
  jmp stop
fill:
  xor di, di
%if MODE <= 3 || MODE == 7
  mov cx, 0x1000     ; text stays in its half
%else
  mov cx, 0x8000
%endif
next:
  mov ax, di
  mov dl, bl
  mul dl
  add al, ah
  xor ax, di
  rol ax, 3
  add ax, di
%if MODE <= 3 || MODE == 7
  ; QEMU repeats the eighth dot for characters B0-DF, a VGA for C0-DF: none of B0-BF here
  mov dh, al
  and dh, 0xf0
  cmp dh, 0xb0
  jne keep
  xor al, 0x10
keep:
%endif
  stosw
  loop next
  ret
  times 510-($-$$) db 0
  dw 0xaa55
