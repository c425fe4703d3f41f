; 平坦的 64 位程序：比寄存器更宽的数。
        mov rax, 0FFFFFFFFFFFFFFFFh
        mov rbx, 10
        mul rbx                 ; RDX:RAX = RAX * 10，共 128 位
        mov r8, rax
        mov r9, rdx             ; 高半部分：9
        div rbx                 ; 再除回来：RAX = RDX:RAX / 10，RDX = 余数

        mov r10, 8000000000000000h
        xor r11, r11
        add r10, r10            ; 2^63 + 2^63：进位
        adc r11, 0              ; 进位加到后面的 64 位

        mov rdi, 20
        call factorial
        mov r12, rax            ; 20! = 2432902008176640000
        ret

factorial:                      ; RAX = RDI!
        cmp rdi, 1
        ja more
        mov eax, 1              ; 写 EAX 会清零 RAX 的高半部分
        ret
more:   push rdi
        dec rdi
        call factorial
        pop rdi
        imul rax, rdi
        ret
