; Lesson 10: one sector by bus-master DMA, step by step. The PIIX3's IDE function (00:01.1) gets its bus-master registers at C000h; the table of one
; region (PRD) is at 2000h and names 512 bytes at 3000h; the sector's number is the byte at 600h. At the end 604h holds the bus-master status.
; Programming Interface for Bus Master IDE Controller 1.0; ATA READ DMA (C8h).
        bits 16
        org 7C00h
BM      equ 0C000h
start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7C00h
        mov byte [600h], 1
        mov dword [604h], 0
        mov di, 3000h
        mov cx, 256
        rep stosw
        mov ebx, 80000920h      ; BAR 4
        mov ecx, BM | 1
        call config
        mov bl, 04h             ; command: I/O space and bus master
        mov ecx, 5
        call config
        mov dword [2000h], 3000h ; the region's address
        mov dword [2004h], 80000200h ; 512 bytes, end of table
        mov dx, BM + 4
        mov eax, 2000h
        out dx, eax             ; where the table is
        mov dx, BM + 2
        mov al, 6
        out dx, al              ; clear interrupt and error
        mov dx, 1F6h
        mov al, 0E0h            ; drive 0, LBA
        out dx, al
        mov dx, 1F2h
        mov al, 1               ; one sector
        out dx, al
        inc dx
        mov al, [600h]          ; its number
        out dx, al
        inc dx
        xor al, al
        out dx, al
        inc dx
        out dx, al
        mov dx, 1F7h
        mov al, 0C8h            ; READ DMA
        out dx, al
        mov dx, BM
        mov al, 9               ; start, to memory
        out dx, al
        mov dx, BM + 2
busy:   in al, dx
        test al, 4              ; the drive's interrupt came
        jz busy
        mov [604h], al
        mov dx, BM
        mov al, 8               ; stop
        out dx, al
        mov dx, 1F7h
        in al, dx               ; status: takes the drive's interrupt back
        mov [605h], al
stop:   hlt
        jmp stop
config: mov dx, 0CF8h
        mov eax, ebx
        out dx, eax
        mov dx, 0CFCh
        mov eax, ecx
        out dx, eax
        ret
        times 510 - ($ - $$) db 0
        dw 0AA55h
        db "SECTOR ONE: carried by the disk controller itself"
        times 1024 - ($ - $$) db 0
        db "SECTOR TWO: you changed the number"
        times 1536 - ($ - $$) db 0
