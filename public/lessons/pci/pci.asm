; Lesson 9: finding PCI functions. The program asks all 32 devices of bus 0, all 8 functions, for vendor and device through ports CF8h and CFCh. What
; answers is kept at 600h: vendor and device, then 32 bits with device * 8 + function; their number at 5F0h. PCI Local Bus 3.0, 3.2.2.3.2 and 6.1.
        bits 16
        org 7C00h
start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7C00h
        mov dword [5F0h], 0
        mov di, 600h
        xor ebx, ebx            ; device * 8 + function
next:   mov eax, ebx
        shl eax, 8
        or eax, 80000000h       ; enable
        mov dx, 0CF8h
        out dx, eax
        mov dx, 0CFCh
        in eax, dx
        cmp ax, 0FFFFh          ; nobody
        je none
        stosd
        mov eax, ebx
        stosd
        inc byte [5F0h]
none:   inc bx
        cmp bx, 256
        jb next
        mov byte [5F1h], 1
stop:   hlt
        jmp stop
        times 510 - ($ - $$) db 0
        dw 0AA55h
