; INS and OUTS at registers that keep what is written (the DMA pages at 81-83, PCI's address at CF8): counts, directions, segments, limits, the
; permission map; MONITOR and INVD, which show little.
; cpu: max
; guest cpu: max,+monitor
%include "prelude.inc"
%macro where 0
  show ecx
  show esi
  show edi
%endmacro
%macro strings 3 ; ESI, EDI, ECX
  mov esi, %1
  mov edi, %2
  mov ecx, %3
%endmacro
main:
  real_setup
  enter32
  cld
  mov dword [0x30000], 0x44332211
  mov dword [0x30004], 0x88776655
case "outsb"
  mov dx, 0x81
  strings 0x30001, 0x30100, 7
  outsb
  in al, 0x81
  and eax, 0xff
  show eax
  where
done
case "rep outsb leaves the last one"
  mov dx, 0x81
  strings 0x30000, 0x30100, 3
  rep outsb
  in al, 0x81
  and eax, 0xff
  show eax
  where
done
case "rep outsb of none"
  mov dx, 0x81
  strings 0x30004, 0x30100, 0
  rep outsb
  in al, 0x81
  and eax, 0xff
  show eax
  where
done
case "outsw is two ports"
  mov dx, 0x81
  strings 0x30004, 0x30100, 1
  outsw
  in al, 0x81
  mov bl, al
  in al, 0x82
  mov bh, al
  and ebx, 0xffff
  show ebx
  where
done
case "outsd to the address of PCI, insd back"
  mov dword [0x30010], 0x80000008
  mov dx, 0xcf8
  strings 0x30010, 0x30100, 1
  outsd
  insd
  show dword [0x30100]
  where
done
case "outsb through another segment"
  setdesc 0x50, 0x30000, 0xf, 0x92, 4
  mov ax, 0x50
  mov fs, ax
  mov dx, 0x81
  strings 2, 0x30100, 1
  fs outsb
  in al, 0x81
  and eax, 0xff
  show eax
done
case "insb"
  mov al, 0x5a
  out 0x81, al
  mov dx, 0x81
  mov dword [0x30100], 0
  strings 0x30000, 0x30101, 9
  insb
  show dword [0x30100]
  where
done
case "rep insb"
  mov dword [0x30100], 0
  mov dx, 0x81
  strings 0x30000, 0x30100, 3
  rep insb
  show dword [0x30100]
  where
done
case "rep insb downward"
  mov dword [0x30100], 0
  mov dx, 0x81
  strings 0x30000, 0x30103, 2
  std
  rep insb
  cld
  show dword [0x30100]
  where
done
case "rep insw with a 16-bit address"
  mov dword [0x300], 0
  mov al, 0xa5
  out 0x82, al
  mov dx, 0x81
  strings 0xffff0000, 0xffff0300, 0xffff0002
  a16 rep insw
  show dword [0x300]
  where
done
case "rep insb past the limit"
  setdesc 0x50, 0x30100, 0xf, 0x92, 4
  mov ax, 0x50
  mov es, ax
  mov dx, 0x81
  strings 0, 0xe, 4
  rep insb
done
case "where it stopped"
  show ecx
  show edi
done
case "rep outsb past the limit"
  setdesc 0x50, 0x30000, 0xf, 0x92, 4
  mov ax, 0x50
  mov fs, ax
  mov dx, 0x81
  strings 0xe, 0, 4
  fs rep outsb
done
case "insb into read-only data"
  setdesc 0x50, 0x30100, 0xf, 0x90, 4
  mov ax, 0x50
  mov es, ax
  mov dx, 0x81
  strings 0, 0, 1
  insb
done
case "insb in ring 3 without permission"
  user32
  mov dx, 0x81
  mov edi, 0x30100
  insb
done
case "outsd in ring 3 without permission"
  user32
  mov dx, 0xcf8
  mov esi, 0x30100
  outsd
done
case "rep of none in ring 3 without permission"
  user32
  mov dx, 0x81
  xor ecx, ecx
  mov edi, 0x30100
  rep insb
done
case "with the permission of the map"
  mov word [TSS + 0x66], 0x68
  mov edi, TSS + 0x68
  mov ecx, 0x21
  mov al, 0xff
  rep stosb
  mov byte [TSS + 0x68 + 0x10], 0xfd
  setdesc TSSSEL, TSS, 0x68 + 0x20, 0x89, 0
  mov ax, TSSSEL
  ltr ax
  user32
  mov dx, 0x81
  mov edi, 0x30100
  insb
  movzx eax, byte [0x30100]
  int 0x30
done
case "two ports, one permitted"
  user32
  mov dx, 0x81
  mov edi, 0x30100
  insw
done
case "MONITOR"
  mov eax, 0x30000
  xor ecx, ecx
  xor edx, edx
  monitor
done
case "MONITOR with an extension"
  mov eax, 0x30000
  mov ecx, 1
  xor edx, edx
  monitor
done
case "MONITOR in ring 3"
  user32
  xor ecx, ecx
  monitor
done
case "INVD"
  invd
done
case "INVD in ring 3"
  user32
  invd
done
  finish
  rom
