; x87 errors: #MF with CR0.NE, interrupt 13 through FERR# and port F0 without. SDM 1 8.7 and D.2, IBM PC/AT.
; oracle: Bochs, QEMU 7.2's TCG aborts at FERR#
%include "prelude.inc"
main:
  real_setup
  enter32
  mov dword [0xfee000f0], 0x1ff
  mov dword [0xfee00350], 0x700
  mov al, 0x11
  out 0x20, al
  out 0xa0, al
  mov al, 0x20
  out 0x21, al
  mov al, 0x28
  out 0xa1, al
  mov al, 4
  out 0x21, al
  mov al, 2
  out 0xa1, al
  mov al, 1
  out 0x21, al
  out 0xa1, al
  mov al, 0xfb
  out 0x21, al
  mov al, 0xdf
  out 0xa1, al
  mov dword [IDT + 0x2d * 8], (ADDR(irq13) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 0x2d * 8 + 4], (ADDR(irq13) & 0xffff0000) | 0x8e00
%macro overdue 0 ; leaves an unmasked zero divide pending
  fninit
  fldcw [zeroonly]
  fld1
  fldz
  fdivp
%endmacro
case "NE set, #MF at the next waiting instruction"
  mov eax, cr0
  or al, 0x20
  mov cr0, eax
  overdue
  fwait
done
case "fnclex clears it"
  fnclex
  fwait
done
case "NE clear, interrupt 13"
  mov eax, cr0
  and al, 0xdf
  mov cr0, eax
  mov dword [0x30000], 0
  overdue
  sti
  fwait
  nop
  nop
  cli
  show dword [0x30000]
  fnclex
done
case "NE clear, interrupts off, it waits"
  mov dword [0x30000], 0
  overdue
  fwait
  show dword [0x30000]
  sti
  nop
  nop
  cli
  show dword [0x30000]
  fnclex
done
case "IGNNE lets instructions pass"
  mov dword [0x30000], 0
  overdue
  fwait
  mov al, 0
  out 0xf0, al
  sti
  fldz
  nop
  fwait
  nop
  cli
  show dword [0x30000]
  fnstsw ax
  and eax, 0x80
  show eax
  fnclex
done
case "a second error after fnclex interrupts again"
  mov dword [0x30000], 0
  overdue
  sti
  fwait
  nop
  cli
  fnclex
  overdue
  sti
  fwait
  nop
  cli
  show dword [0x30000]
  fnclex
done
case "a masked error does not"
  mov dword [0x30000], 0
  fninit
  fld1
  fldz
  fdivp
  sti
  fwait
  nop
  cli
  show dword [0x30000]
done
  finish
irq13:
  push eax
  inc dword [0x30000]
  mov al, 0
  out 0xf0, al
  mov al, 0x20
  out 0xa0, al
  out 0x20, al
  pop eax
  iretd
zeroonly dw 0x37b
  rom
