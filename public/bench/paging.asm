; A flat 32-bit program that turns paging on: the first 4 MiB stay where they are, and
; the address 40000000h leads to the text screen. Try "walk 0x40000000" in the monitor.
DIR     equ 100000h             ; page directory
LOW_    equ 101000h             ; page table for 0 to 4 MiB
HIGH_   equ 102000h             ; page table for 40000000h
        mov edi, DIR
        mov ecx, 3 * 1024
        xor eax, eax
        rep stosd               ; nothing is present

        mov edi, LOW_
        mov eax, 3              ; frame 0, present and writable
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
        mov word [40000000h], 4F50h ; "P" appears on the screen
        mov ebx, [0B8000h]
        and ebx, 0FFFFh
        ret
