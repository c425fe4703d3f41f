; Lesson 12: one loop for two engines. 32-bit protected mode; a million turns of five instructions, the sum at 5F4h, 1 at 5F0h when done.
        bits 16
        org 7C00h
start:  cli
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
        mov dword [5F0h], 0
        mov ecx, 1000000
        xor eax, eax
again:  add eax, ecx
        xor eax, 55h
        rol eax, 1
        dec ecx
        jnz again
        mov [5F4h], eax
        mov byte [5F0h], 1
done:   jmp done
        align 8
gdt:    dq 0
        dq 00CF9A000000FFFFh
        dq 00CF92000000FFFFh
gdtr:   dw $ - gdt - 1
        dd gdt
        times 510 - ($ - $$) db 0
        dw 0AA55h
