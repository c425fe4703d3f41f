; 平坦的 32 位程序：中断控制器、定时器和一个处理程序。
; PIT 每秒滴答一百次，屏幕上数到十次。
PIC1    equ 20h
PIC2    equ 0A0h
        lidt [idtr]
        mov eax, tick           ; 向量 20h 的中断门
        mov word [idt + 20h * 8], ax
        mov word [idt + 20h * 8 + 2], 08h
        mov word [idt + 20h * 8 + 4], 8E00h
        shr eax, 16
        mov word [idt + 20h * 8 + 6], ax

        mov al, 11h             ; ICW1：两片控制器，从头开始
        out PIC1, al
        out PIC2, al
        mov al, 20h             ; ICW2：线 0-7 对应向量 20h-27h
        out PIC1 + 1, al
        mov al, 28h
        out PIC2 + 1, al
        mov al, 4               ; ICW3：第二片接在线 2 上
        out PIC1 + 1, al
        mov al, 2
        out PIC2 + 1, al
        mov al, 1               ; ICW4：8086 模式
        out PIC1 + 1, al
        out PIC2 + 1, al
        mov al, 0FEh            ; 只开放线 0，即定时器
        out PIC1 + 1, al
        mov al, 0FFh
        out PIC2 + 1, al

        mov al, 34h             ; PIT 通道 0，先低字节后高字节，模式 2
        out 43h, al
        mov ax, 11932           ; 1193182 Hz / 11932 = 100 Hz
        out 40h, al
        mov al, ah
        out 40h, al
        sti
asleep: hlt                     ; 睡到中断到来
        cmp dword [ticks], 10
        jb asleep
        cli
        mov eax, [ticks]
        ret

tick:   push eax
        inc dword [ticks]
        mov eax, [ticks]
        add eax, 0E00h + "0" - 1
        mov [0B8000h], ax       ; 0 到 9，黄色
        mov al, 20h             ; 中断结束
        out PIC1, al
        pop eax
        iret

ticks:  dd 0
idtr:   dw 21h * 8 - 1
        dd idt
        align 8
idt:    times 21h dq 0
