; Lesson 2: real mode -> protected mode -> IA-32e mode. Intel SDM 3A 9.9 (switching to protected mode) and 9.8.5 (to IA-32e mode).
; Each mode writes one letter into video memory at B8000h. Assemble: nasm -f bin modes.asm
        bits 16
        org 7C00h
PML4    equ 1000h
PDPT    equ 2000h
PD      equ 3000h
start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7C00h
        mov ax, 0B800h
        mov es, ax
        mov word [es:0], 0F52h  ; "R"
        lgdt [gdtr]
        mov eax, cr0
        or al, 1                ; CR0.PE
        mov cr0, eax            ; protected mode, and CS is still what it was
        jmp 08h:protected

        bits 32
protected:
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 7C00h
        mov word [0B8002h], 0E50h ; "P"
        mov edi, PML4
        mov ecx, 3 * 1024
        xor eax, eax
        rep stosd
        mov dword [PML4], PDPT | 3
        mov dword [PDPT], PD | 3
        mov dword [PD], 83h     ; present, writable, 2 MiB at 0
        mov eax, PML4
        mov cr3, eax
        mov eax, cr4
        or al, 20h              ; CR4.PAE
        mov cr4, eax
        mov ecx, 0C0000080h     ; IA32_EFER
        rdmsr
        or ah, 1                ; LME: IA-32e mode is wanted
        wrmsr
        mov eax, cr0
        or eax, 80000000h       ; CR0.PG
        mov cr0, eax            ; LMA is set by the processor now; CS.L is still 0
        jmp 18h:long64

        bits 64
long64: mov rax, 123456789ABCDEF0h
        mov word [0B8004h], 0A4Ch ; "L"
stop:   hlt
        jmp stop

        align 8
gdt:    dq 0
        dq 00CF9A000000FFFFh    ; 08: code, base 0, limit 4 GiB, D = 1
        dq 00CF92000000FFFFh    ; 10: data
        dq 00AF9A000000FFFFh    ; 18: code, L = 1
gdtr:   dw $ - gdt - 1
        dd gdt
        times 510 - ($ - $$) db 0
        dw 0AA55h
