; First steps 1: text on the VGA screen. In text mode a character cell is two bytes at B8000h: the code, then the colour.
; Nothing else is needed: no operating system, no BIOS call.
        bits 16
        org 7C00h
start:  cld
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7C00h
        mov ax, 0B800h
        mov es, ax
        xor di, di
        mov ax, 1F20h           ; blue background, blank
        mov cx, 80 * 25
        rep stosw
        mov si, text
        mov di, (11 * 80 + 20) * 2
        mov ah, 1Eh             ; yellow on blue
next:   lodsb
        test al, al
        jz colours
        stosw
        jmp next
colours:
        mov di, (14 * 80 + 32) * 2
        xor bx, bx
again:  mov ax, 0DBh            ; a full block in each of the 16 colours
        mov ah, bl
        stosw
        inc bx
        cmp bx, 16
        jb again
stop:   hlt
        jmp stop
text:   db "Hello from a boot sector of 512 bytes!", 0
        times 510 - ($ - $$) db 0
        dw 0AA55h
