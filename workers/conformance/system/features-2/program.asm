; Pages of 4 MiB on a processor without PSE-36: bits 13 to 21 of the directory entry are reserved (SDM 3A 4.3, table 4-4).
; cpu: max,-pse36
; guest cpu: max,-pse36
%include "prelude.inc"
%macro large 2
case %1
  mov dword [0x20004], %2
  invlpg [0x400000]
  mov eax, [0x401000]
done
%endmacro
main:
  real_setup
  enter32
  mov dword [0x20000], 0x87
  mov eax, 0x20000
  mov cr3, eax
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  large "no bit", 0x83
  large "bit 12 is PAT", 0x1083
  large "bit 13", 0x2083
  large "bit 20", 0x100083
  large "bit 21", 0x200083
  finish
rom
