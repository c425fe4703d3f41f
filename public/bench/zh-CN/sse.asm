; 平坦的 64 位程序：一次算四个数。
        movaps xmm0, [a]
        movaps xmm1, [b]
        mulps xmm0, xmm1        ; 1*5, 2*6, 3*7, 4*8
        movhlps xmm2, xmm0
        addps xmm0, xmm2        ; 5+21, 12+32
        movss xmm2, xmm0
        shufps xmm0, xmm0, 55h
        addss xmm0, xmm2
        cvttss2si eax, xmm0     ; 70

        movdqa xmm3, [bytes]
        pxor xmm4, xmm4
        psadbw xmm3, xmm4       ; 每八个字节求和
        movd ebx, xmm3
        pextrw ecx, xmm3, 4
        add ebx, ecx            ; 1 + 2 + ... + 16 = 136
        sqrtsd xmm5, [two]
        ret

        align 16
a:      dd 1.0, 2.0, 3.0, 4.0
b:      dd 5.0, 6.0, 7.0, 8.0
bytes:  db 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
two:    dq 2.0
