; /bin/reseed of the Debian guests: takes what it reads from standard input as 256 bits of fresh entropy and makes the kernel use it at once
; (ioctls RNDADDENTROPY and RNDRESEEDCRNG of random(4)). A static 32-bit Linux program without libraries: it runs on both guests.
; nasm -f bin reseed.asm; reseed.json holds the result, debian.test.ts compares them where nasm is installed.
bits 32
org 0x08048000
header:
        db 0x7f, "ELF", 1, 1, 1, 0
        times 8 db 0
        dw 2, 3
        dd 1, start, program - header, 0, 0
        dw 52, 32, 1, 0, 0, 0
program:
        dd 1, 0, header, header, file_size, file_size + 1024, 7, 4096
start:
        mov eax, 3              ; read(0, data, 512)
        xor ebx, ebx
        mov ecx, data
        mov edx, 512
        int 0x80
        test eax, eax
        jle fail
        mov [size], eax
        mov eax, 5              ; open("/dev/urandom", O_RDWR)
        mov ebx, path
        mov ecx, 2
        xor edx, edx
        int 0x80
        test eax, eax
        js fail
        mov esi, eax
        mov ebx, eax
        mov eax, 54             ; ioctl(fd, RNDADDENTROPY, pool)
        mov ecx, 0x40085203
        mov edx, pool
        int 0x80
        test eax, eax
        js fail
        mov ebx, esi
        mov eax, 54             ; ioctl(fd, RNDRESEEDCRNG)
        mov ecx, 0x5207
        xor edx, edx
        int 0x80
        test eax, eax
        js fail
        xor ebx, ebx
        jmp exit
fail:
        mov ebx, 1
exit:
        mov eax, 1
        int 0x80
path:   db "/dev/urandom", 0
        align 4
pool:   dd 256                  ; bits
size:   dd 0
data:
file_size equ $ - header
