; A boot sector that uses every window of pc-testdev and prints what it reads to COM1: the latch at E0 and E8 in all widths, the page flush at E4,
; interrupt lines at 2000 (seen as requests of the 8259), the memory at FF000000 (through a 4 GiB segment). Ends by isa-debug-exit at F4.
org 0x7c00
bits 16
  cli
  cld
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7c00
  lgdt [gdtr]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  mov bx, 8
  mov fs, bx
  and al, 0xfe
  mov cr0, eax
  mov ebp, 0xff000000
  mov si, accesses
access:
  lodsb
  test al, al
  jz last
  mov cl, al
  lodsw
  mov dx, ax
  test cl, cl
  js store
  xor eax, eax
  test cl, 6
  jnz .more
  in al, dx
.more:
  test cl, 2
  jz .most
  in ax, dx
.most:
  test cl, 4
  jz .print
  in eax, dx
.print:
  call hex
  jmp access
store:
  lodsd
  test cl, 6
  jnz .more
  out dx, al
.more:
  test cl, 2
  jz .most
  out dx, ax
.most:
  test cl, 4
  jz access
  out dx, eax
  jmp access
last:
  ; Both 8259 as a PC's firmware sets them, all masked and edge-triggered; the serial port quiet.
  mov si, pics
  mov cx, 12
  xor dh, dh
.pic:
  lodsw
  mov dl, ah
  cmp dl, 0xd0
  jb .low
  mov dh, 4
.low:
  out dx, al
  xor dh, dh
  loop .pic
  mov cl, 3
irqs:
  movzx dx, cl
  add dx, 0x2000
  mov al, 1
  out dx, al
  call requests
  mov al, 0
  out dx, al
  call requests
  add cl, 4
  cmp cl, 12
  jb irqs
  call show32
  mov eax, 0x11223344
  mov [fs:ebp], eax
  movzx eax, byte [fs:ebp+1]
  call hex
  movzx eax, word [fs:ebp+2]
  call hex
  mov byte [fs:ebp+3], 0x99
  call show32
  mov word [fs:ebp+5], 0xbeef
  mov eax, [fs:ebp+3]
  call hex
  mov dword [fs:ebp+0xfffc], 0x01020304
  mov eax, [fs:ebp+0xfffc]
  call hex
  mov al, 0x10
  out 0xf4, al
  hlt
; Requests of both 8259, slave first.
requests:
  mov al, 0x0a
  out 0x20, al
  out 0xa0, al
  in al, 0xa0
  mov ah, al
  in al, 0x20
  and eax, 0xfeee ; not the timer, the serial port that prints, the clock
  jmp hex
show32:
  mov eax, [fs:ebp]
  jmp hex
hex:
  pushad
  mov cx, 8
.digit:
  rol eax, 4
  push eax
  and al, 15
  cmp al, 10
  sbb al, 0x69
  das
  call put
  pop eax
  loop .digit
  mov al, 10
  call put
  popad
  ret
put:
  push ax
  mov dx, 0x3fd
.wait:
  in al, dx
  test al, 0x20
  jz .wait
  pop ax
  mov dx, 0x3f8
  out dx, al
  ret
pics dw 0x2011, 0x2108, 0x2104, 0x2101, 0xa011, 0xa170, 0xa102, 0xa101, 0x21ff, 0xa1ff, 0xd000, 0xd100
; Width (8x: a write), port, value written.
accesses:
  db 0x84
  dw 0xe0
  dd 0x12345678
  db 4
  dw 0xe0
  db 2
  dw 0xe0
  db 2
  dw 0xe2
  db 1
  dw 0xe1
  db 1
  dw 0xe3
  db 0x81
  dw 0xe1
  dd 0xab
  db 4
  dw 0xe0
  db 0x82
  dw 0xe2
  dd 0xcdef
  db 4
  dw 0xe0
  db 0x82
  dw 0xe1
  dd 0x1122
  db 4
  dw 0xe0
  db 2
  dw 0xe1
  db 1
  dw 0xe8
  db 0x81
  dw 0xe8
  dd 0x55
  db 4
  dw 0xe0
  db 1
  dw 0xe9
  db 4
  dw 0xe8
  db 2
  dw 0xea
  db 0x81
  dw 0xe9
  dd 0x66
  db 4
  dw 0xe0
  db 0x84
  dw 0xe8
  dd 0xcafebabe
  db 4
  dw 0xe0
  db 0x84
  dw 0xe4
  dd 1
  db 4
  dw 0xe4
  db 1
  dw 0xe4
  db 1
  dw 0x2000
  db 0
align 4
gdt dq 0, 0x00cf92000000ffff
gdtr dw 15
  dd gdt
times 510-($-$$) db 0
dw 0xaa55
