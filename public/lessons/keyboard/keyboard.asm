; Lesson 6: the keyboard's interrupt. IRQ 1 is vector 9; the handler keeps each byte of port 60h at 500h and counts them at 4FEh.
; 8259A data sheet; Intel SDM 3A 6.
        bits 16
        org 7C00h
COUNT   equ 4FEh
BYTES   equ 500h
start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7C00h
        mov word [COUNT], ax
        mov word [9 * 4], handler
        mov [9 * 4 + 2], ax
        mov al, 11h             ; both 8259s: ICW1
        out 20h, al
        mov al, 8               ; ICW2: vectors from 8
        out 21h, al
        mov al, 4
        out 21h, al
        mov al, 1
        out 21h, al
        mov al, 0FDh            ; mask everything but IRQ 1
        out 21h, al
        mov al, 60h             ; keyboard controller: command byte
        out 64h, al
        mov al, 41h             ; translate to set 1, interrupt when a byte is there
        out 60h, al
        sti
idle:   hlt
        jmp idle
handler:
        push ax
        push bx
        in al, 60h
        mov bx, [COUNT]
        and bx, 127
        mov [BYTES + bx], al
        inc word [COUNT]
        mov al, 20h             ; end of interrupt
        out 20h, al
        pop bx
        pop ax
        iret
        times 510 - ($ - $$) db 0
        dw 0AA55h
