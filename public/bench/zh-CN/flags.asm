; 平坦的 32 位程序。单步执行，观察 EAX 和标志位。
        xor eax, eax            ; 0，ZF 置位
        mov ecx, 100
sum:    add eax, ecx            ; 100 + 99 + ... + 1
        loop sum                ; ECX 递减；LOOP 不改变标志位
        mov ebx, eax            ; 5050

        mov al, 7Fh
        add al, 1               ; 127 + 1：OF 和 SF 置位，CF 不置位
        seto dl                 ; DL = 1
        mov al, 0FFh
        add al, 1               ; 255 + 1：CF 和 ZF 置位，OF 不置位
        setc dh                 ; DH = 1
        cmp ebx, 5050           ; 相等：ZF
        ret                     ; 回到实验台
