; Non-maskable interrupts, sent by the local APIC to itself: blocked from delivery to the next IRET, also one that returns from a fault inside
; the handler, or that faults; one more is kept meanwhile (SDM 3A 6.7.1).
%include "prelude.inc"
COUNT equ 0x30000   ; NMIs so far
SEEN equ 0x30004    ; COUNT near the end of the first handler
DEEPEST equ 0x30008
DEPTH equ 0x3000c
INSIDE equ 0x30010  ; what the first handler does
FLAGS equ 0x30014
; A loop, so that what waits at a jump arrives too.
%macro wait_ 0
  push ecx
  mov ecx, 200
%%turn:
  dec ecx
  jnz %%turn
  pop ecx
%endmacro
%macro send 0
  mov dword [0xfee00300], 0x4400
  wait_
%endmacro
%macro fresh 1 ; what the first handler does
  mov dword [COUNT], 0
  mov dword [SEEN], 0
  mov dword [DEEPEST], 0
  mov dword [DEPTH], 0
  mov dword [FLAGS], 0
  mov dword [INSIDE], %1
%endmacro
%macro report 0
  show dword [COUNT]
  show dword [SEEN]
  show dword [DEEPEST]
%endmacro
main:
  real_setup
  enter32
  mov dword [0xfee000f0], 0x1ff
  mov eax, [0xfee00020]
  and eax, 0xff000000
  mov [0xfee00310], eax
  mov dword [IDT + 2 * 8], (ADDR(nmi) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 2 * 8 + 4], (ADDR(nmi) & 0xffff0000) | 0x8e00
  mov dword [IDT + 0x32 * 8], (ADDR(back) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 0x32 * 8 + 4], (ADDR(back) & 0xffff0000) | 0x8e00
  mov dword [IDT + 6 * 8], (ADDR(undefined) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 6 * 8 + 4], (ADDR(undefined) & 0xffff0000) | 0x8e00
case "arrives with IF clear"
  fresh nothing
  cli
  send
  report
done
case "arrives in ring 3"
  fresh nothing
  mov dword [TSS+4], 0x7000
  user32
  send
  mov eax, [COUNT]
  int 0x30
done
case "a second one waits for the IRET"
  fresh one
  send
  report
done
case "of two more one is kept"
  fresh two
  send
  report
done
case "the IRET of an interrupt inside ends the blocking"
  fresh interrupt
  send
  report
done
case "the IRET of a fault inside ends the blocking"
  fresh fault
  send
  report
done
case "RETF does not end the blocking"
  fresh retf_
  send
  report
done
case "POPF does not end the blocking"
  fresh popf_
  send
  report
done
case "and the next one comes again"
  fresh nothing
  send
  send
  report
done
case "an IRET that faults ends the blocking"
  fresh badreturn
  send
  report
done
case "a task switch by IRET ends the blocking"
  fresh nothing
  mov edi, 0x4200
  xor eax, eax
  mov ecx, 26
  rep stosd
  mov dword [0x4200 + 32], nmitask
  mov dword [0x4200 + 36], 2
  mov dword [0x4200 + 56], 0xb000
  mov dword [0x4200 + 72], DATA32
  mov dword [0x4200 + 76], CODE32
  mov dword [0x4200 + 80], DATA32
  mov dword [0x4200 + 84], DATA32
  mov dword [0x4200 + 100], 0x680000
  setdesc 0x50, 0x4200, 0x67, 0x89, 0
  mov dword [IDT + 2 * 8], 0x50 << 16
  mov dword [IDT + 2 * 8 + 4], 0x8500
  send
  report
  clts
done
  mov dword [IDT + 2 * 8], (ADDR(nmi) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 2 * 8 + 4], (ADDR(nmi) & 0xffff0000) | 0x8e00
case "sent to all but itself"
  fresh nothing
  mov dword [0xfee00300], 0xc4400
  wait_
  report
done
case "pushes the flags, clears TF and IF, keeps no RF"
  fresh nothing
  pushfd
  or dword [esp], 0x10200
  push dword CODE32
  push dword %$go
  iretd
%$go:
  send
  cli
  mov eax, [FLAGS]
  and eax, 0x10300
  show eax
done
  finish
nmi:
  push ds
  push eax
  push ecx
  mov ax, DATA32
  mov ds, ax
  inc dword [COUNT]
  inc dword [DEPTH]
  mov eax, [DEPTH]
  cmp eax, [DEEPEST]
  jbe .deep
  mov [DEEPEST], eax
.deep:
  mov eax, [esp + 20]
  mov [FLAGS], eax
  cmp dword [COUNT], 1
  jne .end
  call [INSIDE]
  mov eax, [COUNT]
  mov [SEEN], eax
.end:
  dec dword [DEPTH]
  pop ecx
  pop eax
  pop ds
  iretd
nothing:
  ret
one:
  send
  ret
two:
  send
  send
  ret
interrupt:
  send
  int 0x32
  wait_
  ret
fault:
  send
  ud2
  wait_
  ret
retf_:
  send
  push cs
  call .far
  wait_
  ret
.far:
  retf
popf_:
  send
  pushfd
  popfd
  wait_
  ret
badreturn: ; the code selector is data: #GP in the IRET, whose handler counts and goes on
  mov dword [IDT + 13 * 8], (ADDR(.caught) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 13 * 8 + 4], (ADDR(.caught) & 0xffff0000) | 0x8e00
  send
  pushfd
  push dword DATA32
  push dword .caught
  iretd
.caught: ; error code, EIP, CS, EFLAGS, and the frame that was bad
  wait_
  add esp, 16 + 12
  ret
back:
  iretd
undefined:
  add dword [esp], 2
  iretd
nmitask:
  inc dword [COUNT]
  cmp dword [COUNT], 1
  jne .back
  mov dword [0xfee00300], 0x4400
  wait_
  mov eax, [COUNT]
  mov [SEEN], eax
.back:
  iretd
  jmp nmitask
  rom
