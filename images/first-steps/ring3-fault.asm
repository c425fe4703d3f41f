; First steps 5: a fault from ring 3. The program goes to privilege level 3 and tries LGDT, which only level 0 may do. The processor raises
; #GP (vector 13) with error code 0 and switches to the level-0 stack of the TSS; the handler shows both. Intel SDM 3A 5.9 and 6.12.
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
        mov edi, 1000h          ; TSS at 1000h: only ESP0 and SS0 matter
        mov ecx, 26
        xor eax, eax
        rep stosd
        mov dword [1004h], 7000h
        mov dword [1008h], 10h
        mov ax, 28h
        ltr ax
        mov edi, 2000h + 13 * 8 ; IDT at 2000h: vector 13 -> handler, 32-bit interrupt gate
        mov eax, 00080000h + handler
        stosd
        mov eax, 8E00h
        stosd
        lidt [idtr]
        push 23h                ; SS, ESP, EFLAGS, CS, EIP of ring 3
        push 6000h
        push 2
        push 1Bh
        push user
        iretd
user:   mov ax, 23h
        mov ds, ax
        lgdt [gdtr]             ; not allowed here
        jmp $
handler:
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov edi, 0B8000h
        mov esi, text
        call print
        mov al, [esp + 8]       ; CS of the interrupted program: the low two bits are its level
        and al, 3
        call digit
        mov esi, errtext
        call print
        mov al, [esp]
        call digit
stop:   hlt
        jmp stop
digit:  add al, '0'
        mov ah, 0Ch
        stosw
        ret
print:  lodsb
        test al, al
        jz .end
        mov ah, 0Fh
        stosw
        jmp print
.end:   ret
text:   db "#GP: LGDT refused at level ", 0
errtext: db ", error code ", 0
        align 8
gdt:    dq 0
        dq 00CF9A000000FFFFh    ; 08 code 0
        dq 00CF92000000FFFFh    ; 10 data 0
        dq 00CFFA000000FFFFh    ; 18 code 3
        dq 00CFF2000000FFFFh    ; 20 data 3
        dq 0000890010000067h    ; 28 TSS at 1000h
gdtr:   dw $ - gdt - 1
        dd gdt
idtr:   dw 14 * 8 - 1
        dd 2000h
        times 510 - ($ - $$) db 0
        dw 0AA55h
