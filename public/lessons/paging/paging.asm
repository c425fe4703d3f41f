; Lesson 5: three formats of page tables for one address. Linear 400000h leads to 20000h by two levels (32-bit paging), to 21000h by three (PAE), to
; 22000h by four. Each key pressed takes the machine to the next format. Intel SDM 3A 4.3, 4.4, 4.5.
        bits 16
        org 7C00h
start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov al, 60h                ; keyboard controller: translate to scan code set 1, no interrupts
        out 64h, al
        mov al, 40h
        out 60h, al
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
        mov edi, 10000h
        mov ecx, 0A000h / 4
        xor eax, eax
        rep stosd
        mov edi, 11000h            ; 32-bit: page directory 10000h, table of the first 4 MiB 11000h
        mov al, 7
        mov cx, 1024
fill:   stosd
        add eax, 1000h
        loop fill
        mov dword [10000h], 11000h | 7
        mov dword [10004h], 12000h | 7
        mov dword [12000h], 20000h | 7
        mov dword [13000h], 14000h | 1       ; PAE: pointers 13000h, directory 14000h, table 15000h
        mov dword [14000h], 87h              ; the first 2 MiB as one page
        mov dword [14010h], 15000h | 7
        mov dword [15000h], 21000h | 7
        mov dword [16000h], 17000h | 7       ; four levels: 16000h, 17000h, 18000h, 19000h
        mov dword [17000h], 18000h | 7
        mov dword [18000h], 87h
        mov dword [18010h], 19000h | 7
        mov dword [19000h], 22000h | 7
        mov eax, 10000h
        mov cr3, eax
        call on
        call key
        mov eax, 13000h
        call switch
        call key
        mov ecx, 0C0000080h
        rdmsr
        or ah, 1                   ; EFER.LME; taken with the next PG
        push eax
        mov eax, cr0
        and eax, 7FFFFFFFh
        mov cr0, eax
        pop eax
        wrmsr
        mov eax, 16000h
        call switch
        jmp 18h:long64
switch: mov ebx, cr0               ; CR3 = EAX, PAE on, paging off and on
        and ebx, 7FFFFFFFh
        mov cr0, ebx
        mov cr3, eax
        mov eax, cr4
        or al, 20h
        mov cr4, eax
on:     mov eax, cr0
        or eax, 80000000h
        mov cr0, eax
        mov eax, [400000h]         ; use it, so that the entries are marked accessed
        ret
key:    in al, 64h
        test al, 1
        jz key
        in al, 60h
        test al, 80h               ; let go of a key: not counted
        jnz key
        ret
        bits 64
long64: mov eax, [400000h]
stop:   hlt
        jmp stop
        align 8
gdt:    dq 0
        dq 00CF9A000000FFFFh
        dq 00CF92000000FFFFh
        dq 00AF9A000000FFFFh
gdtr:   dw $ - gdt - 1
        dd gdt
        times 510 - ($ - $$) db 0
        dw 0AA55h
