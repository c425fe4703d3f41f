; /bin/reseed of the Debian guests, in which a guest is saved: waits for a line on the terminal (seconds since 1970, then randomness), sets the clock,
; takes the line as 256 bits of fresh entropy that the kernel uses at once (ioctls RNDADDENTROPY and RNDRESEEDCRNG of random(4)) and lets the
; terminal echo again. One process that is there already: a guest that goes on is at its prompt after a tenth of the instructions that date and
; stty would take. The kernel's generator is made to count as seeded before: that rewrites kernel code (a static key), a fifth of the way to the prompt,
; and nobody draws from it until the line is here. A static 32-bit Linux program without libraries: it runs on both guests.
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
        mov eax, 5              ; open("/dev/urandom", O_RDWR)
        mov ebx, path
        mov ecx, 2
        xor edx, edx
        int 0x80
        test eax, eax
        js fail
        mov [random], eax
        mov ebx, eax
        mov eax, 3              ; read(fd, data, 32)
        mov ecx, data
        mov edx, 32
        int 0x80
        mov dword [size], 32
        call credit
        js fail
        mov eax, 3              ; read(0, data, 512)
        xor ebx, ebx
        mov ecx, data
        mov edx, 512
        int 0x80
        test eax, eax
        jle fail
        mov [size], eax
        mov esi, data           ; seconds in decimal
        xor ebx, ebx
        xor eax, eax
digit:  lodsb
        sub al, '0'
        cmp al, 9
        ja number
        imul ebx, ebx, 10
        add ebx, eax
        jmp digit
number: mov [seconds], ebx
        mov eax, 404            ; clock_settime64(CLOCK_REALTIME, seconds)
        xor ebx, ebx
        mov ecx, seconds
        int 0x80
        test eax, eax
        js fail
        call credit
        js fail
        mov ebx, [random]
        mov eax, 54             ; ioctl(fd, RNDRESEEDCRNG)
        mov ecx, 0x5207
        xor edx, edx
        int 0x80
        test eax, eax
        js fail
        xor edi, edi
        jmp echo
fail:
        mov edi, 1
echo:
        mov eax, 54             ; ioctl(0, TCGETS, terminal)
        xor ebx, ebx
        mov ecx, 0x5401
        mov edx, terminal
        int 0x80
        or dword [terminal + 12], 8 ; c_lflag: ECHO
        mov eax, 54             ; ioctl(0, TCSETS, terminal)
        mov ecx, 0x5402
        int 0x80
        mov ebx, edi
        mov eax, 1
        int 0x80
credit: mov ebx, [random]
        mov eax, 54             ; ioctl(fd, RNDADDENTROPY, pool)
        mov ecx, 0x40085203
        mov edx, pool
        int 0x80
        test eax, eax
        ret
path:   db "/dev/urandom", 0
        align 4
random: dd 0
seconds: dd 0, 0, 0, 0           ; struct timespec of 64 bits
terminal: times 60 db 0
pool:   dd 256                  ; bits
size:   dd 0
data:
file_size equ $ - header
