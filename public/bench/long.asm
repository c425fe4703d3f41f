; A flat 64-bit program: numbers wider than a register.
        mov rax, 0FFFFFFFFFFFFFFFFh
        mov rbx, 10
        mul rbx                 ; RDX:RAX = RAX * 10, 128 bits
        mov r8, rax
        mov r9, rdx             ; the upper half: 9
        div rbx                 ; and back: RAX = RDX:RAX / 10, RDX = rest

        mov r10, 8000000000000000h
        xor r11, r11
        add r10, r10            ; 2^63 + 2^63: carry
        adc r11, 0              ; the carry goes into the next 64 bits

        mov rdi, 20
        call factorial
        mov r12, rax            ; 20! = 2432902008176640000
        ret

factorial:                      ; RAX = RDI!
        cmp rdi, 1
        ja more
        mov eax, 1              ; writing EAX clears the upper half of RAX
        ret
more:   push rdi
        dec rdi
        call factorial
        pop rdi
        imul rax, rdi
        ret
