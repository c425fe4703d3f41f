; 离开实模式的引导扇区：段描述符表、CR0.PE 和一次远跳转。
        cli
        xor ax, ax
        mov ds, ax
        lgdt [gdtr]             ; 表在哪里
        mov eax, cr0
        or al, 1                ; PE：保护模式
        mov cr0, eax
        jmp 08h:protected       ; CS = 表的第 1 项，32 位代码

        bits 32
protected:
        mov ax, 10h             ; 第 2 项：数据
        mov ds, ax
        mov ss, ax
        mov esp, 7C00h
        mov word [0B8000h], 2F50h ; “P”：一个线性地址，不必再加段
        mov eax, 12345678h
stop:   hlt
        jmp stop

        align 8
gdt:    dq 0                    ; 第 0 项从不使用
        dq 00CF9A000000FFFFh    ; 08：代码，基址 0，界限 4 GiB
        dq 00CF92000000FFFFh    ; 10：数据，同上
gdtr:   dw $ - gdt - 1
        dd gdt
