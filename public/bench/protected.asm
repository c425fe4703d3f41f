; A boot sector that leaves real mode: a table of segments, CR0.PE, and a far jump.
        cli
        xor ax, ax
        mov ds, ax
        lgdt [gdtr]             ; where the table is
        mov eax, cr0
        or al, 1                ; PE: protected mode
        mov cr0, eax
        jmp 08h:protected       ; CS = entry 1 of the table, code of 32 bits

        bits 32
protected:
        mov ax, 10h             ; entry 2: data
        mov ds, ax
        mov ss, ax
        mov esp, 7C00h
        mov word [0B8000h], 2F50h ; "P": one linear address, no segments to add
        mov eax, 12345678h
stop:   hlt
        jmp stop

        align 8
gdt:    dq 0                    ; entry 0 is never used
        dq 00CF9A000000FFFFh    ; 08: code, base 0, limit 4 GiB
        dq 00CF92000000FFFFh    ; 10: data, the same
gdtr:   dw $ - gdt - 1
        dd gdt
