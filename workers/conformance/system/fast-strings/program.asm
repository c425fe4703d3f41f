; REP MOVS, STOS and LODS where a processor with ERMS and FSRM copies by cache lines, and must not be told from one that goes element by element
; (SDM 1 7.3.9.3): every distance of an overlap, both directions, elements across pages, addresses that wrap, limits and absent pages
; part of the way, and a copy over the code behind it. What an area of 32 KiB at 30000 holds is shown as a sum that knows each place.
; oracle: Bochs, TCG checks no segment limits
%include "prelude.inc"
AREA equ 0x30000
AREASIZE equ 0x8000
%macro filled 0
  call fill32
%endmacro
%macro result32 0
  cld
  call sum32
  show ebp
  show ecx
  show esi
  show edi
%endmacro
; name, instruction, source, destination, count, std or cld
%macro copy32 6
case %1
  filled
  mov esi, %3
  mov edi, %4
  mov ecx, %5
  mov eax, 0x8192a3b4
  %6
  %2
  result32
done
%endmacro
; A distance between source and destination, up and down, in both directions.
%macro distance 1
  %defstr %%by %1
  %strcat %%n1 "movsb up, ", %%by, " above"
  copy32 %%n1, {rep movsb}, AREA + 0x0ff3, AREA + 0x0ff3 + %1, 0x1234, cld
  %strcat %%n2 "movsb up, ", %%by, " below"
  copy32 %%n2, {rep movsb}, AREA + 0x2ff5 + %1, AREA + 0x2ff5, 0x1234, cld
  %strcat %%n3 "movsb down, ", %%by, " above"
  copy32 %%n3, {rep movsb}, AREA + 0x4ff3, AREA + 0x4ff3 + %1, 0x1234, std
  %strcat %%n4 "movsb down, ", %%by, " below"
  copy32 %%n4, {rep movsb}, AREA + 0x4ff3 + %1, AREA + 0x4ff3, 0x1234, std
  %strcat %%n5 "movsw up, ", %%by, " above"
  copy32 %%n5, {rep movsw}, AREA + 0x0ff3, AREA + 0x0ff3 + %1, 0x913, cld
  %strcat %%n6 "movsd up, ", %%by, " above"
  copy32 %%n6, {rep movsd}, AREA + 0x0ffd, AREA + 0x0ffd + %1, 0x481, cld
  %strcat %%n7 "movsd down, ", %%by, " above"
  copy32 %%n7, {rep movsd}, AREA + 0x5ffd, AREA + 0x5ffd + %1, 0x481, std
%endmacro
main:
  real_setup
  enter32
  distance 0
  distance 1
  distance 2
  distance 3
  distance 4
  distance 7
  distance 15
  distance 16
  distance 17
  distance 63
  distance 64
  distance 65
  distance 255
  distance 4095
  distance 4096
  distance 4097
  copy32 "stosb up", {rep stosb}, 1, AREA + 0xff9, 0x2345, cld
  copy32 "stosb down", {rep stosb}, 1, AREA + 0x6ff9, 0x2345, std
  copy32 "stosw across pages", {rep stosw}, 1, AREA + 0xfff, 0x1801, cld
  copy32 "stosw down across pages", {rep stosw}, 1, AREA + 0x5fff, 0x1801, std
  copy32 "stosd across pages by one", {rep stosd}, 1, AREA + 0xffd, 0xc01, cld
  copy32 "stosd across pages by two", {rep stosd}, 1, AREA + 0xffe, 0xc01, cld
  copy32 "stosd across pages by three", {rep stosd}, 1, AREA + 0xfff, 0xc01, cld
  copy32 "stosd down across pages", {rep stosd}, 1, AREA + 0x5fff, 0xc01, std
  copy32 "repne movsb is rep movsb", {repne movsb}, AREA + 0x123, AREA + 0x3123, 0x777, cld
  copy32 "repne stosd is rep stosd", {repne stosd}, AREA, AREA + 0x3123, 0x777, cld
  copy32 "both prefixes", {db 0xf2, 0xf3, 0xa4}, AREA + 0x123, AREA + 0x3123, 0x777, cld
  copy32 "no count, no access", {rep movsd}, 0xfffffffe, 0xfffffffd, 0, cld
  copy32 "no prefix", movsd, AREA + 0xffe, AREA + 0x1ffd, 5, cld
  copy32 "source wraps at 4 GiB", {rep movsb}, 0xfffffff0, AREA + 0x10, 0x18, cld
case "lodsb"
  filled
  mov esi, AREA + 0xf80
  mov ecx, 0x181
  mov eax, 0x55555555
  rep lodsb
  show eax
  show ecx
  show esi
done
case "lodsw down across pages"
  filled
  mov esi, AREA + 0x20ff
  mov ecx, 0x181
  mov eax, 0x55555555
  std
  rep lodsw
  cld
  show eax
  show ecx
  show esi
done
case "lodsd across pages"
  filled
  mov esi, AREA + 0xffe
  mov ecx, 1
  rep lodsd
  show eax
  show esi
done
; Segments: 50 is 16 bits of data at 30000, 58 the same with a limit of 3FFF, 60 grows down.
  setdesc 0x50, AREA, 0xffff, 0x93, 0
  setdesc 0x58, AREA, 0x3fff, 0x93, 0
  setdesc 0x60, AREA, 0x3fff, 0x97, 4
%macro selectors 2
  mov ax, %1
  mov ds, ax
  mov ax, %2
  mov es, ax
%endmacro
%macro copy16 8 ; name, instruction, DS, ES, source, destination, count, direction
case %1
  filled
  mov esi, %5
  mov edi, %6
  mov ecx, %7
  selectors %3, %4
  mov eax, 0x8192a3b4
  %8
  %2
  selectors DATA32, DATA32
  result32
done
%endmacro
  copy16 "16-bit addresses, the source wraps", {a16 rep movsb}, 0x50, 0x50, 0xaaaaff00, 0xbbbb1003, 0xcccc0300, cld
  copy16 "16-bit addresses, the destination wraps", {a16 rep movsb}, 0x50, 0x50, 0xaaaa1003, 0xbbbbff80, 0xcccc0300, cld
  copy16 "16-bit addresses, both wrap, down", {a16 rep movsb}, 0x50, 0x50, 0xaaaa0080, 0xbbbb0023, 0xcccc0300, std
  copy16 "16-bit addresses, words wrap", {a16 rep movsw}, 0x50, 0x50, 0xaaaaff00, 0xbbbb1003, 0xcccc0300, cld
  copy16 "16-bit addresses, stosd wraps down", {a16 rep stosd}, 0x50, 0x50, 0xaaaaff00, 0xbbbb0100, 0xcccc0100, std
  copy16 "16-bit count of nothing", {a16 rep movsb}, 0x50, 0x50, 0xaaaaff00, 0xbbbb1003, 0xcccc0000, cld
  copy16 "FS for the source", {fs rep movsb}, 0x58, 0x50, AREA + 0x100, 0x3000, 0x400, cld
  copy16 "FS does not move the destination", {fs rep stosb}, 0x58, 0x50, 0, 0x3000, 0x400, cld
; A limit part of the way: the registers stand at the element that faulted.
%macro stopped 1
  %strcat %%name %1, " - where it stopped"
case %%name
  mov ecx, [0x38104]
  mov esi, [0x38118]
  mov edi, [0x3811c]
  result32
done
%endmacro
%macro limit 8
  copy16 %1, {%2}, %3, %4, %5, %6, %7, %8
  stopped %1
%endmacro
  call catch32
  limit "movsb, the source's limit", {rep movsb}, 0x58, DATA32, 0x3f00, AREA + 0x4000, 0x400, cld
  limit "movsb, the destination's limit", {rep movsb}, DATA32, 0x58, AREA + 0x100, 0x3f80, 0x400, cld
  limit "movsd, an element across the source's limit", {rep movsd}, 0x58, DATA32, 0x3f02, AREA + 0x4000, 0x400, cld
  limit "movsd, an element across the destination's limit", {rep movsd}, DATA32, 0x58, AREA + 0x103, 0x3f81, 0x400, cld
  limit "movsb down to the limit of a segment that grows down", {rep movsb}, 0x60, DATA32, 0x4100, AREA + 0x1000, 0x400, std
  limit "stosd to the limit", {rep stosd}, DATA32, 0x58, 0, 0x3c01, 0x400, cld
  limit "stosw, 16-bit addresses across the end of 64 KiB", {a16 rep stosw}, DATA32, 0x50, 0, 0xff01, 0x400, cld
  limit "lodsd to the limit", {rep lodsd}, 0x58, DATA32, 0x3c02, 0, 0x400, cld
; Code: a copy that writes the instruction behind it, and fills code that ran.
case "movsb over the instruction behind it"
  mov esi, %$other
  mov edi, %$after
  mov ecx, %$end_other - %$other
  rep movsb
%$after:
  mov eax, 0x11111111
  jmp %$shown
%$other:
  mov eax, 0x22222222
%$end_other:
%$shown:
  show eax
done
case "stosb over code that ran"
  mov ebx, 3
%$again:
  xor eax, eax
%$code:
  inc eax
  inc eax
  inc eax
  inc eax
  show eax
  mov edi, %$code
  mov ecx, ebx
  mov al, 0x90
  rep stosb
  dec ebx
  jnz %$again
done
; More than one stretch, in memory of its own: 20000h elements, and a copy that catches up with itself.
case "many"
  mov edi, 0x100000
  mov ecx, 0x20001
  mov eax, 0x01020304
  rep stosd
  show ecx
  show edi
  mov esi, 0x100001
  mov edi, 0x200003
  mov ecx, 0x30003
  rep movsb
  show esi
  show edi
  mov eax, [0x22fff0]
  show eax
  mov eax, [0x230003]
  show eax
  mov dword [0x300000], 0x04030201
  mov esi, 0x300000
  mov edi, 0x300004
  mov ecx, 0x20000
  rep movsd
  mov eax, [0x37fffe]
  show eax
  mov eax, [0x380002]
  show eax
done
case "many down"
  mov edi, 0x17fffc
  mov ecx, 0x1ffff
  mov eax, 0x0a0b0c0d
  std
  rep stosd
  cld
  show ecx
  show edi
  mov eax, [0x100006]
  show eax
done
case "to the ROM"
  mov esi, AREA
  mov edi, 0xffff8000
  mov eax, [edi]
  mov ecx, 0x100
  rep movsb
  sub eax, [0xffff8000]
  show eax
  show edi
done
  enter64
%macro pte 2 ; page of the window at 400000, value
  mov qword [abs 0x25000 + (%1) * 8], %2
  invlpg [abs 0x400000 + (%1) * 0x1000]
%endmacro
%macro result64 0
  cld
  call sum64
  show rbp
  show rcx
  show rsi
  show rdi
%endmacro
%macro copy64 6
case %1
  call fill64
  mov rsi, %3
  mov rdi, %4
  mov rcx, %5
  mov rax, 0xf1e2d3c48192a3b4
  %6
  %2
  result64
done
%endmacro
%macro stop64 1
  %strcat %%name %1, " - where it stopped"
case %%name
  mov rcx, [abs 0x38108]
  mov rsi, [abs 0x38130]
  mov rdi, [abs 0x38138]
  result64
done
%endmacro
%macro fault64 6
  copy64 %1, {%2}, %3, %4, %5, %6
  stop64 %1
%endmacro
  call catch64
  copy64 "movsq up, 1 above", {rep movsq}, AREA + 0xff9, AREA + 0xffa, 0x333, cld
  copy64 "movsq up, 7 above", {rep movsq}, AREA + 0xff9, AREA + 0x1000, 0x333, cld
  copy64 "movsq up, 8 above", {rep movsq}, AREA + 0xff9, AREA + 0x1001, 0x333, cld
  copy64 "movsq up, 9 below", {rep movsq}, AREA + 0x1002, AREA + 0xff9, 0x333, cld
  copy64 "movsq down, 7 above", {rep movsq}, AREA + 0x4ff9, AREA + 0x5000, 0x333, std
  copy64 "stosq across pages", {rep stosq}, 0, AREA + 0xffb, 0x733, cld
  copy64 "stosq down across pages", {rep stosq}, 0, AREA + 0x5ffb, 0x733, std
  copy64 "lodsq", {rep lodsq}, AREA + 0xffb, 0, 0x133, cld
  copy64 "32-bit addresses", {a32 rep movsb}, 0x1111111100000000 + AREA + 0xff0, 0x2222222200000000 + AREA + 0x2ff5, 0x3333333300000444, cld
  copy64 "32-bit addresses, the source wraps", {a32 rep movsb}, 0xfffffff0, AREA + 0x2ff5, 0x18, cld
  copy64 "GS adds its base", {gs rep movsb}, AREA + 0xff0, AREA + 0x2ff5, 0x111, cld
  pte 0, 0x30007
  pte 1, 0x31006
  fault64 "movsb, an absent source", {rep movsb}, 0x400f00, AREA + 0x4003, 0x400, cld
  fault64 "movsq, an element across an absent source", {rep movsq}, 0x400f03, AREA + 0x4003, 0x400, cld
  fault64 "movsb down, an absent source", {rep movsb}, 0x40010f, AREA + 0x4003, 0x400, std
  fault64 "movsb, an absent destination", {rep movsb}, AREA + 0x4003, 0x400f00, 0x400, cld
  fault64 "movsd, an element across an absent destination", {rep movsd}, AREA + 0x4003, 0x400f02, 0x400, cld
  fault64 "movsb, both absent at the same element", {rep movsb}, 0x400f00, 0x400f00, 0x400, cld
  fault64 "movsb, the destination first", {rep movsb}, 0x400e00, 0x400f00, 0x400, cld
  fault64 "movsw, the source in front of the destination", {rep movsw}, 0x400f80, 0x400f00, 0x400, cld
  fault64 "stosq, an element across an absent page", {rep stosq}, 0, 0x400f05, 0x400, cld
  fault64 "lodsb, an absent page", {rep lodsb}, 0x400f05, 0, 0x400, cld
  pte 1, 0x31005
  fault64 "stosb, a read-only page", {rep stosb}, 0, 0x400f05, 0x400, cld
  fault64 "movsb, a read-only page as source", {rep movsb}, 0x400f05, AREA + 0x4003, 0x400, cld
  fault64 "stosb, the end of the lower half", {rep stosb}, 0, 0x00007fffffffffff, 0x10, cld
  fault64 "stosb, nothing at an address that is not canonical", {rep stosb}, 0, 0x0000800000000000, 0, cld
  fault64 "movsb, a source that is not canonical", {rep movsb}, 0x0000800000000000, AREA, 0x10, cld
; Two pages of one frame: the copy overlaps where the addresses do not.
  pte 1, 0x30007
  copy64 "one frame twice, 1 above", {rep movsb}, 0x400003, 0x401004, 0x400, cld
  copy64 "one frame twice, 1 below", {rep movsb}, 0x400004, 0x401003, 0x400, cld
  copy64 "one frame twice, 8 above, down", {rep movsb}, 0x400a03, 0x401a0b, 0x400, std
  finish
bits 32
fill32:
  push eax
  push ecx
  push edi
  mov edi, AREA
  mov ecx, 0x9000 / 4
  mov eax, 0x12345679
.next:
  mov [edi], eax
  imul eax, eax, 1664525
  add eax, 1013904223
  add edi, 4
  dec ecx
  jnz .next
  pop edi
  pop ecx
  pop eax
  ret
sum32:
  push esi
  push ecx
  mov esi, AREA
  mov ecx, AREASIZE / 4
  xor ebp, ebp
.next:
  rol ebp, 5
  add ebp, [esi]
  imul ebp, ebp, 69069
  add esi, 4
  dec ecx
  jnz .next
  pop ecx
  pop esi
  ret
; #GP and #SS keep the registers at 38100 and then do as ever.
catch32:
  mov eax, .keep13
  mov edi, IDT + 13 * 8
  call .put
  mov eax, .keep12
  mov edi, IDT + 12 * 8
.put:
  mov [edi], ax
  mov word [edi + 2], CODE32
  mov word [edi + 4], 0x8e00
  shr eax, 16
  mov [edi + 6], ax
  ret
.keep13:
  call .keep
  jmp stubs32 + 13 * 16
.keep12:
  call .keep
  jmp stubs32 + 12 * 16
.keep:
  push ds
  push eax
  mov ax, DATA32
  mov ds, ax
  pop eax
  mov [0x38104], ecx
  mov [0x38118], esi
  mov [0x3811c], edi
  pop ds
  ret
bits 64
fill64:
  push rax
  mov edi, AREA
  mov ecx, 0x8000 / 4
  mov eax, 0x12345679
.next:
  mov [rdi], eax
  imul eax, eax, 1664525
  add eax, 1013904223
  add edi, 4
  dec ecx
  jnz .next
  pop rax
  ret
sum64:
  push rsi
  push rcx
  mov esi, AREA
  mov ecx, AREASIZE / 4
  xor ebp, ebp
.next:
  rol ebp, 5
  add ebp, [rsi]
  imul ebp, ebp, 69069
  add esi, 4
  dec ecx
  jnz .next
  pop rcx
  pop rsi
  ret
catch64:
  mov eax, .keep13
  mov edi, IDT + 13 * 16
  call .put
  mov eax, .keep14
  mov edi, IDT + 14 * 16
.put:
  mov [rdi], ax
  shr eax, 16
  mov [rdi + 6], ax
  ret
.keep13:
  call .keep
  jmp stubs64 + 13 * 16
.keep14:
  call .keep
  jmp stubs64 + 14 * 16
.keep:
  mov [abs 0x38108], rcx
  mov [abs 0x38130], rsi
  mov [abs 0x38138], rdi
  ret
rom
