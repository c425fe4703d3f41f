; Lesson 3: privilege levels. The program enters ring 3 by IRET and executes LGDT there; #GP leads to the handler, which returns to wherever the
; saved EIP says. Behind the LGDT the program writes "OK" to 600h. Intel SDM 3A 5.9 (privileged instructions), 6.12 (exception handling).
        bits 16
        org 7C00h
TSS     equ 1000h
IDT     equ 2000h
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
        mov edi, TSS
        mov ecx, 26
        xor eax, eax
        rep stosd
        mov dword [TSS + 4], 7000h ; ESP0
        mov dword [TSS + 8], 10h   ; SS0
        mov ax, 28h
        ltr ax
        mov dword [600h], 0
        mov edi, IDT + 13 * 8      ; #GP: 32-bit interrupt gate
        mov eax, 00080000h + handler
        stosd
        mov eax, 8E00h
        stosd
        lidt [idtr]
        push 23h                   ; SS, ESP, EFLAGS, CS, EIP for IRET
        push 6000h
        push 2
        push 1Bh
        push user
        iretd
user:   mov ax, 23h
        mov ds, ax
        lgdt [gdtr]                ; privileged: 7 bytes, 0F 01 15 and an address
        mov word [600h], "OK"
wait3:  jmp wait3
handler:                           ; on the stack: error code, EIP, CS, EFLAGS, ESP, SS
        nop
        add esp, 4
        iretd
        align 8
gdt:    dq 0
        dq 00CF9A000000FFFFh       ; 08 code, DPL 0
        dq 00CF92000000FFFFh       ; 10 data, DPL 0
        dq 00CFFA000000FFFFh       ; 18 code, DPL 3
        dq 00CFF2000000FFFFh       ; 20 data, DPL 3
        dq 0000890010000067h       ; 28 TSS
gdtr:   dw $ - gdt - 1
        dd gdt
idtr:   dw 14 * 8 - 1
        dd IDT
        times 510 - ($ - $$) db 0
        dw 0AA55h
