; Lesson 4: instructions that are sensitive and do not trap. Ring 3 executes SGDT, SMSW and POPF; what it learned lies at 500h:
; 502h GDT base, 508h machine status word, 50Ch EFLAGS before, 510h EFLAGS after POPF tried to clear IF, 5F0h 1 = done, 5F4h number of #GP.
; The handler of #GP passes over a 7-byte instruction: with CR4.UMIP set, SGDT and SMSW end there. Intel SDM 3A 2.5 (UMIP), 4.
        bits 16
        org 7C00h
TSS     equ 1000h
IDT     equ 2000h
start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov al, 0FFh               ; no interrupt requests here
        out 21h, al
        out 0A1h, al
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
        mov edi, 500h
        mov ecx, 64
        xor eax, eax
        rep stosd
        mov edi, TSS
        mov cl, 26
        rep stosd
        mov dword [TSS + 4], 7000h
        mov byte [TSS + 8], 10h
        mov ax, 28h
        ltr ax
        mov edi, IDT + 13 * 8
        mov eax, 00080000h + handler
        stosd
        mov eax, 8E00h
        stosd
        lidt [idtr]
        push 23h
        push 6000h
        push 202h                  ; IF = 1, IOPL = 0
        push 1Bh
        push user
        iretd
user:   mov ax, 23h
        mov ds, ax
        sgdt [500h]
        smsw [508h]
        pushfd
        pop eax
        mov [50Ch], eax
        and eax, ~200h             ; IF off, please
        push eax
        popfd
        pushfd
        pop dword [510h]
        mov byte [5F0h], 1
        jmp $
handler:
        inc dword [5F4h]
        add dword [esp + 4], 7
        add esp, 4
        iretd
        align 8
gdt:    dq 0
        dq 00CF9A000000FFFFh
        dq 00CF92000000FFFFh
        dq 00CFFA000000FFFFh
        dq 00CFF2000000FFFFh
        dq 0000890010000067h
gdtr:   dw $ - gdt - 1
        dd gdt
idtr:   dw 14 * 8 - 1
        dd IDT
        times 510 - ($ - $$) db 0
        dw 0AA55h
