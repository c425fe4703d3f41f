; First steps 4: an interrupt request. The timer chip (PIT, ports 40h-43h) pulls IRQ 0, the interrupt controller (PIC, port 20h) turns it into
; vector 8, the processor calls the handler of vector 8, which counts on the screen. Between ticks the processor sleeps in HLT.
        bits 16
        org 7C00h
start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7C00h
        mov word [8 * 4], tick
        mov [8 * 4 + 2], ax
        mov al, 11h             ; PIC: initialise, edge triggered, cascade, ICW4
        out 20h, al
        mov al, 8               ; vectors 8-15
        out 21h, al
        mov al, 4
        out 21h, al
        mov al, 1
        out 21h, al
        mov al, 0FEh            ; let IRQ 0 through, only that
        out 21h, al
        mov al, 34h             ; PIT channel 0, mode 2, low byte then high byte
        out 43h, al
        mov ax, 11932           ; 1193182 Hz / 11932 = 100 Hz
        out 40h, al
        mov al, ah
        out 40h, al
        mov ax, 0B800h
        mov es, ax
        mov si, text
        xor di, di
        mov ah, 0Fh
next:   lodsb
        test al, al
        jz ready
        stosw
        jmp next
ready:   sti
idle:   hlt
        jmp idle
tick:   push ax
        push bx
        push di
        inc word [count]
        mov ax, [count]
        mov di, 160 + 8
digit:  xor dx, dx
        mov bx, 10
        div bx
        add dl, '0'
        mov dh, 0Ah
        mov [es:di], dx
        sub di, 2
        test ax, ax
        jnz digit
        mov al, 20h             ; end of interrupt
        out 20h, al
        pop di
        pop bx
        pop ax
        iret
text:   db "IRQ 0, a hundred times a second:", 0
count:  dw 0
        times 510 - ($ - $$) db 0
        dw 0AA55h
