; What stays as it was when a fault comes part of the way: registers of POPA, LEAVE, LES, string comparisons and their flags; RF in the saved
; state of a task; large pages in the TLB.
%include "prelude.inc"
PD equ 0x20000
PT0 equ 0x21000
PT1 equ 0x22000
%macro pte 2 ; page of the window at 400000, value
  mov dword [PT1 + (%1) * 4], %2
  invlpg [0x400000 + (%1) * 0x1000]
%endmacro
; A fault handler of its own: registers to 30100, EFLAGS of the frame to 30120, then as ever. What uses a bad stack runs in ring 3.
%macro catch 1
  mov dword [IDT + %1 * 8], (ADDR(caught%1) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + %1 * 8 + 4], (ADDR(caught%1) & 0xffff0000) | 0x8e00
%endmacro
%macro caught_registers 0
  show dword [0x30100]
  show dword [0x30104]
  show dword [0x30118]
  show dword [0x3011c]
%endmacro
main:
  real_setup
  enter32
  mov edi, PD
  xor eax, eax
  mov ecx, 0x3000 / 4
  rep stosd
  mov dword [PD], PT0 | 7
  mov dword [PD + 4], PT1 | 7
  mov edi, PT0
  mov eax, 7
  mov ecx, 1024
.page:
  stosd
  add eax, 0x1000
  loop .page
  mov dword [PT1], 0x31007
  mov dword [PT1 + 4], 0x32007
  mov eax, PD
  mov cr3, eax
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  catch 14
case "popa across into an absent page"
  pte 1, 0x32006
  mov dword [0x31ff8], 0x11111111
  mov dword [0x31ffc], 0x22222222
  user32
  mov edi, 0xd1
  mov esi, 0x51
  mov eax, 0xa1
  mov ecx, 0xc1
  mov esp, 0x400ff8
  popad
done
case "its registers"
  caught_registers
done
case "popa down from an absent page"
  pte 0, 0x31006
  pte 1, 0x32007
  user32
  mov edi, 0xd2
  mov esi, 0x52
  mov eax, 0xa2
  mov ecx, 0xc2
  mov esp, 0x400ff8
  popad
done
case "its registers then"
  caught_registers
  pte 0, 0x31007
done
case "leave from an absent page"
  pte 1, 0x32006
  user32
  mov ebp, 0x401000
  mov esp, 0x8800
  leave
done
case "esp and ebp after it"
  show dword [0x30110]
  show dword [0x30114]
done
case "iret across into an absent page"
  mov dword [0x31ff8], %$there
  mov dword [0x31ffc], UCODE
  user32
  mov eax, 0xa3
  mov esp, 0x400ff8
  iretd
%$there:
done
case "esp after it"
  show dword [0x30110]
done
case "enter with a stack that is absent below"
  user32
  mov ebp, 0x8f00
  pte 0, 0x31006
  pte 1, 0x32007
  mov esp, 0x401004
  enter 8, 0
done
case "esp and ebp after the enter"
  show dword [0x30110]
  show dword [0x30114]
  pte 0, 0x31007
done
case "les from an absent page"
  pte 1, 0x32006
  mov eax, 0xa4
  les eax, [0x400ffe]
done
case "eax after it"
  show dword [0x30100]
done
%macro flags_at 0
  mov eax, [0x30120]
  and eax, 0x8d5
  show eax
%endmacro
%macro comparison 3 ; name, instruction prefix and byte, byte at the left
case %1
  mov edi, 0x31ff0
  mov ecx, 16
  mov al, %3
  rep stosb
  mov edi, 0x33ff0
  mov ecx, 16
  mov al, 0x33
  rep stosb
  mov esi, 0x33ff0
  mov edi, 0x400ff0
  mov ecx, 100
  mov al, 0x33
  push dword 0x8d7
  popfd
  %2
done
 %strcat %%stopped %1, " - where it stopped"
case %%stopped
  show dword [0x30104]
  show dword [0x3011c]
  flags_at
done
%endmacro
  comparison "repe cmpsb of equal bytes into an absent page", repe cmpsb, 0x33
  comparison "repne cmpsb of other bytes into an absent page", repne cmpsb, 0x35
  comparison "repe scasb of equal bytes into an absent page", repe scasb, 0x33
  comparison "repne scasb of other bytes into an absent page", repne scasb, 0x35
case "repe cmpsb at an absent page at once"
  mov esi, 0x30000
  mov edi, 0x401000
  mov ecx, 5
  push dword 0x8d7
  popfd
  repe cmpsb
done
case "its flags"
  flags_at
done
case "rep movsb, what it wrote and where it stopped"
  mov byte [0x31fff], 0
  mov esi, 0x30200
  mov dword [0x30200], 0x44434241
  mov edi, 0x400ffd
  mov ecx, 5
  rep movsb
done
case "rep movsb then"
  show dword [0x30104]
  show dword [0x30118]
  show dword [0x3011c]
  show dword [0x31ffc]
done
case "rep stosd backwards into an absent page"
  pte 0, 0x31006
  pte 1, 0x32007
  mov edi, 0x401004
  mov ecx, 5
  mov eax, 0x55aa55aa
  std
  rep stosd
done
  cld
case "rep stosd then"
  show dword [0x30104]
  show dword [0x3011c]
  show dword [0x32000]
  show dword [0x32004]
  pte 0, 0x31007
done
; ---- large pages in the TLB
case "a large page, INVLPG of another part of it drops all"
  mov dword [PD + 8], 0x87
  mov eax, [0x810000]
  mov dword [PD + 8], PT1 | 7
  mov dword [PT1 + 16 * 4], 0x30007
  mov dword [0x30000], 0x5151
  invlpg [0x9ff000]
  mov eax, [0x810000]
  show eax
done
case "INVLPG of any part drops a global one too"
  mov eax, cr4
  or eax, 0x80
  mov cr4, eax
  mov dword [PD + 8], 0x187
  invlpg [0x800000]
  mov eax, [0x830004]
  mov dword [PD + 8], 0
  mov eax, cr3
  mov cr3, eax
  invlpg [0xbff000]
  mov eax, [0x830004]
done
  mov eax, cr4
  and eax, ~0x80
  mov cr4, eax
  mov dword [PT1 + 16 * 4], 0
case "D of a large page is set by the first write"
  mov dword [PD + 8], 0x87
  invlpg [0x800000]
  mov eax, [0x830000]
  mov ecx, [PD + 8]
  mov dword [0x830008], 1
  mov edx, [PD + 8]
  show ecx
  show edx
done
; ---- RF in what a task switch saves
TSS2 equ 0x4200
%macro fresh 1 ; where the new task begins
  mov edi, TSS2
  xor eax, eax
  mov ecx, 26
  rep stosd
  mov dword [TSS2 + 28], PD
  mov dword [TSS2 + 32], %1
  mov dword [TSS2 + 36], 2
  mov dword [TSS2 + 56], 0xb000
  mov dword [TSS2 + 72], DATA32
  mov dword [TSS2 + 76], CODE32
  mov dword [TSS2 + 80], DATA32
  mov dword [TSS2 + 84], DATA32
  mov dword [TSS2 + 0x64], 0x680000
  setdesc 0x50, TSS2, 0x67, 0x89, 0
  setdesc TSSSEL, TSS, 0x67, 0x89, 0
  mov ax, TSSSEL
  ltr ax
%endmacro
%macro with_rf 0
  pushfd
  or dword [esp], 0x10000
  push dword CODE32
  push dword %%next
  iretd
%%next:
%endmacro
case "jump to a task two instructions after an IRET with RF"
  fresh %$there
  with_rf
  nop
  jmp 0x50:0
%$there:
  mov eax, [TSS + 36]
  and eax, 0x10000
  show eax
  clts
done
case "call to a task two instructions after an IRET with RF"
  fresh %$there
  with_rf
  nop
  call 0x50:0
%$there:
  mov eax, [TSS + 36]
  and eax, 0x10000
  show eax
  pushfd
  and dword [esp], ~0x4000
  popfd
  clts
done
  finish
caught14:
  mov [0x30100], eax
  mov [0x30104], ecx
  mov [0x30108], edx
  mov [0x3010c], ebx
  mov [0x30114], ebp
  mov [0x30118], esi
  mov [0x3011c], edi
  mov eax, [esp + 12]
  mov [0x30120], eax
  mov eax, [esp + 16] ; from ring 3
  mov [0x30110], eax
  mov eax, [0x30100]
  jmp stubs32 + 14 * 16
  rom
