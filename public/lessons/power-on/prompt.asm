; Lesson 1: what the firmware starts. A boot sector that prints a prompt and reads a line with the BIOS (INT 10h, INT 16h).
; The line is kept at 0:0600h, its length at 0:05FEh. Assemble: nasm -f bin prompt.asm
        bits 16
        org 7C00h
LENGTH  equ 5FEh
LINE    equ 600h
start:  cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7C00h
        sti
        cld
        mov si, hello
        call print
prompt: mov word [LENGTH], 0
        mov si, ready
        call print
key:    xor ah, ah              ; wait for a key: AL = its character
        int 16h
        mov ah, 0Eh             ; show it
        xor bx, bx
        int 10h
        cmp al, 13
        je enter
        mov bx, [LENGTH]
        cmp bx, 64
        jae key
        mov [LINE + bx], al
        inc word [LENGTH]
        jmp key
enter:  mov bx, [LENGTH]
        mov byte [LINE + bx], 0
        mov si, feed
        call print
        jmp prompt
print:  lodsb
        test al, al
        jz .end
        mov ah, 0Eh
        xor bx, bx
        int 10h
        jmp print
.end:   ret
hello:  db "Loaded by the firmware, running at 0:7C00", 13, 10, 0
ready:  db "> ", 0
feed:   db 10, 0
        times 510 - ($ - $$) db 0
        dw 0AA55h
