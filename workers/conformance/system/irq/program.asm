; Interrupts from the PIT through the PIC: HLT wakes up, STI and MOV SS shadows, masked interrupts, priorities, spurious end, NMI-free.
%include "prelude.inc"
main:
  real_setup
  enter32
  ; what firmware does for the first processor: the 8259 reaches it through LINT0 as ExtINT (SDM 3A 11.5.1, "virtual wire")
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
  mov al, 0xff
  out 0xa1, al
  out 0x21, al
  mov dword [IDT + 0x20 * 8], (ADDR(timer) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 0x20 * 8 + 4], (ADDR(timer) & 0xffff0000) | 0x8e00
%macro oneshot 1
  mov al, 0x30
  out 0x43, al
  mov al, (%1) & 0xff
  out 0x40, al
  mov al, (%1) >> 8
  out 0x40, al
%endmacro
case "hlt wakes up"
  mov dword [0x30000], 0
  mov al, 0xfe
  out 0x21, al
  oneshot 2000
  sti
  hlt
  cli
  show dword [0x30000]
done
case "hlt returns behind itself"
  mov dword [0x30004], 0
  oneshot 2000
  sti
  hlt
%$h:
  cli
  mov eax, [0x30004]
  sub eax, %$h
  show eax
done
case "masked at the controller"
  mov dword [0x30000], 0
  mov al, 0xff
  out 0x21, al
  oneshot 1000
  sti
  mov ecx, 2000000
  loop $
  cli
  show dword [0x30000]
done
case "pending when unmasked"
  mov al, 0xfe
  out 0x21, al
  sti
  nop
  nop
  cli
  show dword [0x30000]
done
case "sti shadow"
  mov dword [0x30000], 0
  oneshot 1000
  mov ecx, 2000000
  loop $
  sti
  inc eax
%$s:
  nop
  nop
  cli
  mov eax, [0x30004]
  sub eax, %$s
  show eax
done
case "sti cli opens no window"
  mov dword [0x30000], 0
  oneshot 1000
  mov ecx, 2000000
  loop $
  sti
  cli
  show dword [0x30000]
done
case "interrupt in ring 3"
  mov dword [0x30000], 0
  pushfd
  or dword [esp], 0x3000
  popfd
  oneshot 2000
  user32
  sti
%$w:
  jmp %$w
bits 32
done
mov dword [IDT + 0x20 * 8], (ADDR(timer) & 0xffff) | (CODE32 << 16)
mov al, 0x20
out 0x20, al
case "periodic"
  mov dword [0x30000], 0
  mov al, 0x34
  out 0x43, al
  mov al, 0
  out 0x40, al
  mov al, 8
  out 0x40, al
  sti
%$l:
  hlt
  cmp dword [0x30000], 5
  jb %$l
  cli
  show dword [0x30000]
  mov al, 0xff
  out 0x21, al
done
case "isr and irr"
  oneshot 100
  mov ecx, 2000000
  loop $
  mov al, 0x0a
  out 0x20, al
  in al, 0x20
  and eax, 1
  show eax
  mov al, 0x0b
  out 0x20, al
  in al, 0x20
  and eax, 1
  show eax
done
; The BIOS's own vector for the timer: a fault of its delivery is an ordinary one (SDM 3A table 6-4: interrupts are benign, whatever their vector).
case "vector 8 from a device, its gate not present"
  mov al, 0x11
  out 0x20, al
  mov al, 8
  out 0x21, al
  mov al, 4
  out 0x21, al
  mov al, 1
  out 0x21, al
  mov al, 0xfe
  out 0x21, al
  and dword [IDT + 8 * 8 + 4], ~0x8000
  oneshot 1000
  sti
  hlt
  cli
done
  finish
timer:
  push eax
  inc dword [0x30000]
  mov eax, [esp+4]
  mov [0x30004], eax
  mov al, 0x20
  out 0x20, al
  test byte [esp+8], 3
  jz .same
  mov eax, [esp+8]
  push dword eax
  push eax
  mov ax, DATA32
  mov ds, ax
  mov es, ax
  puts "from "
  call hex16in32
  puts 10
  mov ax, DATA32
  mov ss, ax
  mov esp, [resume_sp]
  jmp [resume_ip]
.same:
  pop eax
  iretd
  rom
