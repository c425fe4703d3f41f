; 引导扇区。SeaBIOS 把它装到 0000:7C00h，并在实模式下跳到那里。
; 它问候两次：一次通过 BIOS，一次直接写显存。
        cld
        xor ax, ax
        mov ds, ax              ; 我们的数据在段 0
        mov si, greeting
next:   lodsb                   ; AL = 下一个字符
        test al, al
        jz screen
        mov ah, 0Eh             ; BIOS：输出一个字符
        mov bx, 7
        int 10h
        jmp next

screen: mov ax, 0B800h          ; 文本屏幕：先是字符，再是颜色
        mov es, ax
        mov word [es:0], 1E48h  ; “H”，蓝底黄字
        mov word [es:2], 1E69h  ; “i”
stop:   cli
        hlt
        jmp stop

greeting: db "Hello from 7C00h", 0
