; A boot sector. SeaBIOS has put it at 0000:7C00h and jumped there in real mode.
; It greets twice: through the BIOS, and by writing into the video memory itself.
        cld
        xor ax, ax
        mov ds, ax              ; our data lies in segment 0
        mov si, greeting
next:   lodsb                   ; AL = the next character
        test al, al
        jz screen
        mov ah, 0Eh             ; BIOS: write a character
        mov bx, 7
        int 10h
        jmp next

screen: mov ax, 0B800h          ; the text screen: a character, then its colour
        mov es, ax
        mov word [es:0], 1E48h  ; "H", yellow on blue
        mov word [es:2], 1E69h  ; "i"
stop:   cli
        hlt
        jmp stop

greeting: db "Hello from 7C00h", 0
