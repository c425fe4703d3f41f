; A flat 32-bit program: interrupt controller, timer and a handler. Ten ticks of the PIT,
; a hundred in a second, are counted on the screen.
PIC1    equ 20h
PIC2    equ 0A0h
        lidt [idtr]
        mov eax, tick           ; an interrupt gate for vector 20h
        mov word [idt + 20h * 8], ax
        mov word [idt + 20h * 8 + 2], 08h
        mov word [idt + 20h * 8 + 4], 8E00h
        shr eax, 16
        mov word [idt + 20h * 8 + 6], ax

        mov al, 11h             ; ICW1: both controllers, from the beginning
        out PIC1, al
        out PIC2, al
        mov al, 20h             ; ICW2: lines 0-7 are vectors 20h-27h
        out PIC1 + 1, al
        mov al, 28h
        out PIC2 + 1, al
        mov al, 4               ; ICW3: the second one hangs on line 2
        out PIC1 + 1, al
        mov al, 2
        out PIC2 + 1, al
        mov al, 1               ; ICW4: 8086 mode
        out PIC1 + 1, al
        out PIC2 + 1, al
        mov al, 0FEh            ; only line 0, the timer
        out PIC1 + 1, al
        mov al, 0FFh
        out PIC2 + 1, al

        mov al, 34h             ; PIT channel 0, low byte then high byte, mode 2
        out 43h, al
        mov ax, 11932           ; 1193182 Hz / 11932 = 100 Hz
        out 40h, al
        mov al, ah
        out 40h, al
        sti
asleep: hlt                     ; sleep until an interrupt
        cmp dword [ticks], 10
        jb asleep
        cli
        mov eax, [ticks]
        ret

tick:   push eax
        inc dword [ticks]
        mov eax, [ticks]
        add eax, 0E00h + "0" - 1
        mov [0B8000h], ax       ; 0 to 9, yellow
        mov al, 20h             ; end of interrupt
        out PIC1, al
        pop eax
        iret

ticks:  dd 0
idtr:   dw 21h * 8 - 1
        dd idt
        align 8
idt:    times 21h dq 0
