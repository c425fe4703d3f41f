; First steps 2: real mode -> protected mode -> long mode. Each mode leaves a line on the screen. Intel SDM 3A 9.9 and 10.8.5.
        bits 16
        org 7C00h
PML4    equ 1000h
PDPT    equ 2000h
PD      equ 3000h
start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7C00h
        mov ax, 0B800h
        mov es, ax
        mov si, real
        xor di, di
        call print16
        lgdt [gdtr]
        mov eax, cr0
        or al, 1                ; CR0.PE
        mov cr0, eax
        jmp 08h:protected
print16:
        lodsb
        test al, al
        jz .end
        mov ah, 0Fh
        stosw
        jmp print16
.end:   ret

        bits 32
protected:
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 7C00h
        mov esi, prot
        mov edi, 0B8000h + 160
        call print32
        mov edi, PML4           ; page tables: one 1 GiB range in 2 MiB pages would do; the first 2 MiB is enough here
        mov ecx, 3 * 1024
        xor eax, eax
        rep stosd
        mov dword [PML4], PDPT | 3
        mov dword [PDPT], PD | 3
        mov dword [PD], 83h     ; present, writable, 2 MiB
        mov eax, PML4
        mov cr3, eax
        mov eax, cr4
        or al, 20h              ; CR4.PAE
        mov cr4, eax
        mov ecx, 0C0000080h     ; EFER
        rdmsr
        or ah, 1                ; EFER.LME
        wrmsr
        mov eax, cr0
        or eax, 80000000h       ; CR0.PG: long mode is active from here
        mov cr0, eax
        jmp 18h:long64
print32:
        lodsb
        test al, al
        jz .end
        mov ah, 0Eh
        stosw
        jmp print32
.end:   ret

        bits 64
long64: mov rsi, lng
        mov rdi, 0B8000h + 320
print:  lodsb
        test al, al
        jz stop
        mov ah, 0Ah
        stosw
        jmp print
stop:   hlt
        jmp stop

real:   db "16-bit real mode", 0
prot:   db "32-bit protected mode", 0
lng:    db "64-bit long mode", 0
        align 8
gdt:    dq 0
        dq 00CF9A000000FFFFh    ; 08: 32-bit code
        dq 00CF92000000FFFFh    ; 10: data
        dq 00AF9A000000FFFFh    ; 18: 64-bit code
gdtr:   dw $ - gdt - 1
        dd gdt
        times 510 - ($ - $$) db 0
        dw 0AA55h
