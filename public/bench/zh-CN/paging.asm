; 打开分页的平坦 32 位程序：最低的 4 MiB 留在原处，
; 地址 40000000h 则通向文本屏幕。请在监视器中试试 "walk 0x40000000"。
DIR     equ 100000h             ; 页目录
LOW_    equ 101000h             ; 0 到 4 MiB 的页表
HIGH_   equ 102000h             ; 40000000h 的页表
        mov edi, DIR
        mov ecx, 3 * 1024
        xor eax, eax
        rep stosd               ; 全部不存在

        mov edi, LOW_
        mov eax, 3              ; 页框 0，存在且可写
        mov ecx, 1024
one:    stosd
        add eax, 1000h
        loop one
        mov dword [HIGH_], 0B8000h | 3
        mov dword [DIR], LOW_ | 3
        mov dword [DIR + (40000000h >> 22) * 4], HIGH_ | 3

        mov eax, DIR
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h       ; PG
        mov cr0, eax
        mov word [40000000h], 4F50h ; 屏幕上出现 “P”
        mov ebx, [0B8000h]
        and ebx, 0FFFFh
        ret
