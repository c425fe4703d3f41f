; Double faults and, as the last case, a triple fault, which resets the machine.
%include "prelude.inc"
main:
  real_setup
  enter32
%macro nogate 1
  mov dword [IDT + (%1) * 8 + 4], 0
%endmacro
%macro regate 1
  mov dword [IDT + (%1) * 8 + 4], (ADDR(stubs32 + 16 * (%1)) & 0xffff0000) | 0x8e00
%endmacro
case "GP without a gate"
  nogate 13
  mov ax, 0x800
  mov ds, ax
done
regate 13
case "NP during GP"
  mov dword [IDT + 13 * 8 + 4], (ADDR(stubs32 + 16 * 13) & 0xffff0000) | 0x0e00
  mov ax, 0x800
  mov ds, ax
done
regate 13
case "UD without a gate"
  nogate 6
  ud2
done
regate 6
case "UD with an absent gate"
  mov dword [IDT + 6 * 8 + 4], (ADDR(stubs32 + 16 * 6) & 0xffff0000) | 0x0e00
  ud2
done
regate 6
case "divide without a gate"
  nogate 0
  xor ecx, ecx
  div ecx
done
regate 0
case "bad inner stack during GP"
  mov dword [TSS + 8], 0x800
  mov dword [IDT + 8 * 8], (ADDR(df_task) & 0xffff) | (0x50 << 16)
  mov dword [IDT + 8 * 8 + 4], 0x8500
  setdesc 0x50, 0x4200, 0x67, 0x89, 0
  mov edi, 0x4200
  xor eax, eax
  mov ecx, 26
  rep stosd
  mov dword [0x4200 + 32], df_task
  mov dword [0x4200 + 36], 2
  mov dword [0x4200 + 56], 0xb000
  mov dword [0x4200 + 72], DATA32
  mov dword [0x4200 + 76], CODE32
  mov dword [0x4200 + 80], DATA32
  mov dword [0x4200 + 84], DATA32
  user32
  hlt
done
case "the task saw"
  show dword [0x30000]
  show dword [0x30004]
done
pushfd
and dword [esp], ~0x4000
popfd
mov dword [TSS + 8], DATA32
; page faults in a row
mov edi, 0x20000
xor eax, eax
mov ecx, 1024
rep stosd
mov dword [0x20000], 0x21003
mov edi, 0x21000
mov eax, 3
mov ecx, 512
.fill:
stosd
add eax, 0x1000
loop .fill
mov eax, 0x20000
mov cr3, eax
mov eax, cr0
or eax, 0x80000000
mov cr0, eax
setdesc 0x50, 0x4200, 0x67, 0x89, 0
case "page fault on an absent stack"
  mov esp, 0x500000
  push eax
done
case "the task saw again"
  show dword [0x30000]
  show dword [0x30004]
done
case "triple fault"
  puts 10
  nogate 8
  nogate 13
  mov ax, 0x800
  mov ds, ax
done
  finish
df_task:
  pop eax
  mov [0x30000], eax
  pushfd
  pop eax
  and eax, 0x7700
  mov [0x30004], eax
  mov eax, cr0
  and eax, ~8
  mov cr0, eax
  mov esp, [resume_sp]
  puts {"double fault task",10}
  jmp [resume_ip]
  rom
