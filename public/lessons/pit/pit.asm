; Lesson 7: the programmable interval timer. Channel 0 in mode 2 divides 1193182 Hz by 11932: IRQ 0 a hundred times a second. The handler counts at
; 500h and on the screen. 8254 data sheet.
        bits 16
        org 7C00h
COUNT   equ 500h
start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7C00h
        mov [COUNT], ax
        mov word [8 * 4], tick
        mov [8 * 4 + 2], ax
        mov al, 11h
        out 20h, al
        mov al, 8
        out 21h, al
        mov al, 4
        out 21h, al
        mov al, 1
        out 21h, al
        mov al, 0FEh            ; IRQ 0 only
        out 21h, al
        mov al, 34h             ; channel 0, low then high byte, mode 2
        out 43h, al
        mov ax, 11932
        out 40h, al
        mov al, ah
        out 40h, al
        mov ax, 0B800h
        mov es, ax
        xor di, di
        mov ax, 0720h
        mov cx, 80 * 25
        rep stosw
        sti
idle:   hlt
        jmp idle
tick:   pusha
        inc word [COUNT]
        mov ax, [COUNT]
        mov di, 12
        mov bx, 10
digit:  xor dx, dx
        div bx
        add dl, '0'
        mov dh, 0Ah
        mov [es:di], dx
        sub di, 2
        test ax, ax
        jnz digit
        mov al, 20h
        out 20h, al
        popa
        iret
        times 510 - ($ - $$) db 0
        dw 0AA55h
