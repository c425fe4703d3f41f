; Lesson 8: port I/O and memory-mapped I/O. In 32-bit protected mode the program reads register 50h of the CMOS RAM through ports 70h and 71h into 500h,
; and the main counter of the HPET at FED000F0h into 504h, again and again. MC146818A data sheet; IA-PC HPET specification 1.0a.
        bits 16
        org 7C00h
start:  cli
        cld
        xor ax, ax
        mov ds, ax
        lgdt [gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 08h:protected
        bits 32
protected:
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 7C00h
        xor eax, eax
        mov [500h], eax
        mov [504h], eax
        or dword [0FED00010h], 1   ; ENABLE_CNF: the counter runs
again:  mov al, 50h
        out 70h, al                ; index
        in al, 71h                 ; data
        mov [500h], al
        mov eax, [0FED000F0h]      ; the same instruction as for RAM
        mov [504h], eax
        mov ecx, 20000
wait1:  loop wait1
        jmp again
        align 8
gdt:    dq 0
        dq 00CF9A000000FFFFh
        dq 00CF92000000FFFFh
gdtr:   dw $ - gdt - 1
        dd gdt
        times 510 - ($ - $$) db 0
        dw 0AA55h
