; First steps 3: paging. The linear page 400000h is mapped to the screen's memory at B8000h; a write there shows on the screen, and
; the accessed and dirty bits of the entry say so. Intel SDM 3A 4.3 (32-bit paging).
        bits 16
        org 7C00h
DIR     equ 1000h
LOW4M   equ 2000h
HIGH4M  equ 3000h
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
        mov edi, DIR
        mov ecx, 3 * 1024
        xor eax, eax
        rep stosd
        mov edi, LOW4M          ; identity map of the first 4 MiB
        mov eax, 3
        mov ecx, 1024
fill:   stosd
        add eax, 1000h
        loop fill
        mov dword [DIR], LOW4M | 3
        mov dword [DIR + 4], HIGH4M | 3
        mov dword [HIGH4M], 0B8000h | 3
        mov eax, DIR
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax
        mov esi, text
        mov edi, 400000h        ; not the screen's address: a linear address that is mapped to it
        call print
        mov eax, [HIGH4M]       ; accessed (20h) and dirty (40h) are set now
        mov ebx, eax
        mov edi, 400000h + 160
        mov esi, ebits
        call print
        mov eax, ebx
        shr eax, 4
        and al, 0Fh             ; bits 7-4: PAT D A PCD
        add al, '0'
        mov ah, 0Eh
        stosw
stop:   hlt
        jmp stop
print:  lodsb
        test al, al
        jz .end
        mov ah, 0Fh
        stosw
        jmp print
.end:   ret
text:   db "written at linear 400000h, seen at physical B8000h", 0
ebits:  db "entry bits 7-4 (dirty = 4, accessed = 2): ", 0
        align 8
gdt:    dq 0
        dq 00CF9A000000FFFFh
        dq 00CF92000000FFFFh
gdtr:   dw $ - gdt - 1
        dd gdt
        times 510 - ($ - $$) db 0
        dw 0AA55h
