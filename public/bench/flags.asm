; A flat 32-bit program. Step through it and watch EAX and the flags.
        xor eax, eax            ; 0, and ZF is set
        mov ecx, 100
sum:    add eax, ecx            ; 100 + 99 + ... + 1
        loop sum                ; ECX counts down; LOOP leaves the flags alone
        mov ebx, eax            ; 5050

        mov al, 7Fh
        add al, 1               ; 127 + 1: OF and SF are set, CF is not
        seto dl                 ; DL = 1
        mov al, 0FFh
        add al, 1               ; 255 + 1: CF and ZF are set, OF is not
        setc dh                 ; DH = 1
        cmp ebx, 5050           ; equal: ZF
        ret                     ; back to the bench
