; A boot sector that reads, for each digit that comes on COM1, the first sector of that MiB of its disk through the BIOS and answers READn=x, the
; sector's first byte, or FAIL. nasm -f bin; e2e/remote.browser.test.ts has the bytes.
org 7c00h
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 7c00h
  mov [drive], dl
next:
  mov dx, 3fdh
wait_byte:
  in al, dx
  test al, 1
  jz wait_byte
  mov dx, 3f8h
  in al, dx
  mov [digit], al
  sub al, '0'
  xor ah, ah
  shl ax, 11
  mov [lba], ax
  mov word [packet + 2], 1 ; the BIOS says there how many it read
  mov ah, 42h
  mov dl, [drive]
  mov si, packet
  int 13h
  mov si, failed
  jc say
  mov al, [8000h]
  mov [value], al
  mov si, good
say:
  lodsb
  test al, al
  jz next
  mov dx, 3f8h
  out dx, al
  jmp say
packet: dw 10h, 1, 8000h, 0
lba: dd 0, 0
good: db "READ"
digit: db "0="
value: db "x", 13, 10, 0
failed: db "FAIL", 13, 10, 0
drive: db 0
times 510-($-$$) db 0
dw 0aa55h
