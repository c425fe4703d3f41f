; 32-bit and PAE paging: error codes (P W U RSVD I), accessed and dirty bits, WP, PSE, NX, SMEP, SMAP, global pages, INVLPG, CR3 reloads.
%include "prelude.inc"
%macro pte 2 ; page of the window, value
  mov dword [PT1 + (%1) * 4], %2
  invlpg [0x400000 + (%1) * 0x1000]
%endmacro
main:
  real_setup
  enter32
  paging32 0x80000000
case "not present read"
  mov eax, [0x400123]
done
case "not present write"
  mov [0x400123], eax
done
case "directory entry absent"
  mov eax, [0xc0000000]
done
case "fetch from absent page"
  mov eax, 0x401000
  call eax
done
pte 0, 0x30001
case "read sets A"
  mov eax, [0x400000]
  show dword [PT1]
done
case "write to read-only page with WP clear"
  mov [0x400000], eax
  show dword [PT1]
done
mov eax, cr0
or eax, 0x10000
mov cr0, eax
pte 0, 0x30001
case "write to read-only page with WP set"
  mov [0x400000], eax
done
case "A after the refused write"
  show dword [PT1]
done
pte 0, 0x30003
case "write sets A and D"
  mov [0x400000], eax
  show dword [PT1]
done
pte 0, 0x30003
case "modify sets A and D"
  inc dword [0x400000]
  show dword [PT1]
done
pte 0, 0x30003
mov eax, [0x400000]
case "write after a read sets D"
  mov [0x400000], eax
  show dword [PT1]
done
case "directory A bit"
  show dword [PD+4]
done
case "user read of a supervisor page"
  user_alias
  mov eax, [0x400000]
done
case "user write to a supervisor page"
  user_alias
  mov [0x400000], eax
done
case "user read of an absent page"
  user_alias
  mov eax, [0x402000]
done
pte 0, 0x30005
case "user write to a read-only page"
  user_alias
  mov [0x400000], eax
done
case "user read of a read-only page"
  user_alias
  mov eax, [0x400000]
  mov eax, 1
  int 0x30
done
case "user jump to a supervisor page"
  user_alias
  mov eax, 0x10000
  jmp eax
done
pte 0, 0x30007
and dword [PD+4], ~2
mov eax, cr3
mov cr3, eax
case "directory without W"
  mov [0x400000], eax
done
or dword [PD+4], 2
and dword [PD+4], ~4
mov eax, cr3
mov cr3, eax
case "directory without U"
  user_alias
  mov eax, [0x400000]
done
or dword [PD+4], 4
mov eax, cr3
mov cr3, eax
pte 0, 0x30007
pte 1, 0x31007
pte 2, 0
mov dword [0x30000], 0x11111111
mov dword [0x31ffc], 0x22222222
case "dword across into an absent page"
  mov eax, [0x401ffe]
done
case "write across into an absent page changes nothing"
  mov dword [0x401ffe], 0x55667788
done
case "the first half"
  show dword [0x401ffc]
done
case "string into an absent page"
  mov edi, 0x401ff0
  mov ecx, 8
  mov eax, 0x33333333
  rep stosd
done
case "where it stopped"
  show edi
  show ecx
done
case "pusha across into an absent page"
  user_alias
  mov esp, 0x403010
  pushad
done
case "push to an absent page leaves esp"
  user_alias
  mov esp, 0x403000
  push eax
done
case "call to an absent stack leaves esp and eip"
  user_alias
  mov esp, 0x403000
  call %$end
done
; code across pages
mov dword [0x31ffe], 0x90b8
case "instruction across into an absent page"
  mov eax, 0x401ffe
  call eax
done
pte 2, 0x32007
mov dword [0x32000], 0xc3123456
case "instruction across pages"
  mov eax, 0x401ffe
  call eax
  show eax
done
mov word [0x31ffe], 0x90b8
mov dword [0x32000], 0xc3654321
case "changed second half"
  mov eax, 0x401ffe
  call eax
  show eax
done
; stale entries
pte 5, 0x35007
mov dword [0x35000], 0x5
mov dword [0x36000], 0x6
mov eax, [0x405000]
case "INVLPG drops an entry"
  mov dword [PT1 + 20], 0x36007
  invlpg [0x405000]
  show dword [0x405000]
done
case "CR3 reload drops an entry"
  mov eax, [0x405000]
  mov dword [PT1 + 20], 0x35007
  mov eax, cr3
  mov cr3, eax
  show dword [0x405000]
done
mov eax, cr4
or eax, 0x80
mov cr4, eax
mov dword [PT1 + 20], 0x36107
invlpg [0x405000]
mov eax, [0x405000]
case "INVLPG drops a global entry"
  mov dword [PT1 + 20], 0x35107
  invlpg [0x405000]
  show dword [0x405000]
done
case "CR4.PGE drops global entries"
  mov eax, [0x405000]
  mov dword [PT1 + 20], 0x36007
  mov eax, cr4
  xor eax, 0x80
  mov cr4, eax
  show dword [0x405000]
done
; large pages
mov dword [PD + 12], 0x000083
mov eax, cr3
mov cr3, eax
case "large page"
  mov dword [0xc30004], 0x77
  show dword [0x30004]
  show dword [PD + 12]
done
mov dword [PD + 12], 0x200083
mov eax, cr3
mov cr3, eax
case "large page reserved bit"
  mov eax, [0xc00000]
done
case "stack page absent in ring 3"
  user_alias
  mov esp, 0x404000
  push eax
done
; SMEP and SMAP
mov dword [0x35000], 0xc3
pte 5, 0x35007
mov eax, cr4
or eax, 0x100000
mov cr4, eax
case "SMEP"
  mov eax, 0x405000
  call eax
done
mov eax, cr4
xor eax, 0x300000
mov cr4, eax
case "SMAP read"
  mov eax, [0x405000]
done
case "SMAP write"
  mov [0x405000], eax
done
case "SMAP with AC"
  stac
  mov eax, [0x405000]
  clac
done
case "SMAP after CLAC"
  mov eax, [0x405000]
done
case "SMAP implicit access"
  stac
  lgdt [gdtr]
  mov ax, DATA32
  mov ds, ax
  clac
done
mov eax, cr4
and eax, ~0x200000
mov cr4, eax
case "fetch without SMEP"
  mov eax, 0x405000
  call eax
done
; PAE
mov eax, cr0
and eax, 0x7fffffff
mov cr0, eax
PDPT equ 0x28000
PDA equ 0x29000
PTA equ 0x2a000
mov edi, PDPT
xor eax, eax
mov ecx, 0xc00
rep stosd
mov dword [PDPT], PDA + 1
mov dword [PDA], 0x000083
mov dword [PDA + 16], PTA + 7
mov dword [PDA + 32], 0x000087
mov eax, cr4
or eax, 0x20
mov cr4, eax
mov eax, PDPT
mov cr3, eax
mov ecx, 0xc0000080
rdmsr
or eax, 0x800
wrmsr
mov eax, cr0
or eax, 0x80000000
mov cr0, eax
%macro ptea 3 ; page, low, high
  mov dword [PTA + (%1) * 8], %2
  mov dword [PTA + (%1) * 8 + 4], %3
  invlpg [0x400000 + (%1) * 0x1000]
%endmacro
case "PAE not present"
  mov eax, [0x400000]
done
ptea 0, 0x30003, 0
case "PAE A and D"
  mov [0x400000], eax
  show dword [PTA]
done
ptea 0, 0x35007, 0x80000000
case "PAE NX in ring 0"
  mov eax, 0x400000
  call eax
done
case "PAE NX in ring 3"
  user_alias
  mov eax, 0x400000
  jmp eax
done
case "PAE NX data"
  show dword [0x400000]
done
ptea 1, 0x30003, 0x00100000
case "PAE reserved bit"
  mov eax, [0x401000]
done
ptea 1, 0x30007, 0x00100000
case "PAE reserved bit from ring 3"
  user_alias
  mov [0x401000], eax
done
mov dword [PDA + 24], 0x002087
case "PAE large reserved bit"
  mov eax, [0x600000]
done
case "PAE PDPT entry absent"
  mov eax, [0x40000000]
done
mov dword [PDPT + 8], PDA + 1
case "PAE PDPT is read at CR3 load"
  mov eax, [0x40030000]
done
mov eax, cr3
mov cr3, eax
case "PAE after CR3 load"
  mov eax, [0x40030000]
done
mov dword [PDPT + 8], PDA + 0x1e7
case "PAE PDPT reserved bits"
  mov eax, cr3
  mov cr3, eax
done
mov dword [PDPT + 8], 0
mov ecx, 0xc0000080
rdmsr
and eax, ~0x800
wrmsr
ptea 0, 0x35007, 0x80000000
case "PAE NX bit with NXE clear"
  mov eax, [0x400000]
done
  finish
  rom
