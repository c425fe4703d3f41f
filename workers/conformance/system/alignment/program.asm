; Alignment checks: CR0.AM, EFLAGS.AC and ring 3 together; which accesses ask for which alignment (SDM 3A 6.15 Interrupt 17, table 6-7), what comes
; before, and what is never checked.
; oracle: Bochs, TCG 7.2 checks no alignment
%include "prelude.inc"
; In ring 3 with AC on.
%macro checked 0
  user32
  pushfd
  or dword [esp], 0x40000
  popfd
%endmacro
%macro bad 2+ ; name, instruction
case %1
  checked
  %2
  int 0x30
done
%endmacro
main:
  real_setup
  enter32
  mov eax, cr0
  or eax, 0x40000
  and eax, ~4
  mov cr0, eax
  mov eax, cr4
  or eax, 0x600
  mov cr4, eax
  fninit
bad "byte", mov al, [0x30001]
bad "word at 1", mov ax, [0x30001]
bad "word at 2", mov ax, [0x30002]
bad "dword at 1", mov eax, [0x30001]
bad "dword at 2", mov eax, [0x30002]
bad "dword at 4", mov eax, [0x30004]
bad "store of a word at 3", mov [0x30003], ax
bad "store of a dword at 6", mov [0x30006], eax
bad "modify a dword at 6", add [0x30006], eax
bad "lock modify a dword at 6", lock add [0x30006], eax
bad "xchg at 5", xchg [0x30005], eax
bad "movzx of a word at 5", movzx eax, word [0x30005]
bad "bt with a register, word of bit 8", bt word [0x30001], cx
bad "cmpxchg8b at 4", cmpxchg8b [0x30004]
bad "cmpxchg8b at 8", cmpxchg8b [0x30008]
bad "movq at 4", movq mm0, [0x30004]
bad "movd at 2", movd mm0, [0x30002]
bad "movlps at 4", movlps xmm0, [0x30004]
bad "movss at 2", movss xmm0, [0x30002]
bad "movsd at 4", movsd xmm0, [0x30004]
bad "movaps at 8", movaps xmm0, [0x30008]
bad "fld of a single at 2", fld dword [0x30002]
bad "fld of a double at 4", fld qword [0x30004]
bad "fld of an extended at 4", fld tword [0x30004]
bad "fld of an extended at 8", fld tword [0x30008]
bad "fild of a word at 1", fild word [0x30001]
bad "fild of a dword at 2", fild dword [0x30002]
bad "fild of a qword at 4", fild qword [0x30004]
bad "fnstcw at 1", fnstcw [0x30001]
bad "fnstenv at 2", fnstenv [0x30002]
bad "fldenv at 4", fnstenv [0x30004]
bad "fnsave at 2", fnsave [0x30002]
bad "fxsave at 8", fxsave [0x30008]
bad "stmxcsr at 2", stmxcsr [0x30002]
bad "les at 2", les eax, [0x30002]
bad "bound at 2", bound eax, [0x30002]
bad "jmp far at 2", jmp far [0x30002]
bad "jmp near at 2", jmp [0x30002]
bad "sidt at 1", sidt [0x30001]
%macro stack 2+
case %1
  checked
  mov esp, 0x30102
  %2
  mov esp, 0x30104
  int 0x30
done
%endmacro
stack "push at 2", push eax
stack "pushw at 2", push ax
stack "pop at 2", pop eax
stack "pusha at 2", pushad
stack "popa at 2", popad
stack "pushf at 2", pushfd
stack "call at 2", call nowhere
stack "ret at 2", ret
stack "enter at 2", enter 4, 0
stack "iret at 2", iretd
case "leave at 2"
  checked
  mov ebp, 0x30102
  leave
done
case "movsd of dwords at 4 to 2"
  checked
  mov esi, 0x30004
  mov edi, 0x30102
  movsd
done
case "rep movsd from 2, none done"
  checked
  mov esi, 0x30002
  mov edi, 0x30104
  mov ecx, 3
  rep movsd
done
case "scasw at 1"
  checked
  mov edi, 0x30101
  scasw
done
case "xlat and lodsb never"
  checked
  mov ebx, 0x30001
  xlatb
  mov esi, 0x30003
  lodsb
  int 0x30
done
case "descriptor tables are not checked"
  mov dword [LDT + 1], 0x0000ffff
  mov dword [LDT + 5], 0x00cff300
  setdesc LDTSEL, LDT + 1, 0xf, 0x82, 0
  mov ax, LDTSEL
  lldt ax
  checked
  mov ax, 7
  mov es, ax
  mov eax, [es:0x30004]
  int 0x30
done
case "the stack of an inner ring is not checked"
  mov dword [TSS+4], 0x7002
  checked
  int 0x30
done
  mov dword [TSS+4], 0x7000
case "AC off"
  pushfd
  and dword [esp], ~0x40000
  popfd
  user32
  mov eax, [0x30001]
  int 0x30
done
case "AM off"
  mov eax, cr0
  and eax, ~0x40000
  mov cr0, eax
  checked
  mov eax, [0x30001]
  int 0x30
done
  mov eax, cr0
  or eax, 0x40000
  mov cr0, eax
case "ring 0"
  pushfd
  or dword [esp], 0x40000
  popfd
  mov eax, [0x30001]
done
case "a segment's limit comes before"
  setdesc 0x50, 0x30000, 0xf, 0xf2, 4
  checked
  mov ax, 0x53
  mov fs, ax
  mov eax, [fs:0xd]
done
case "inside the limit"
  checked
  mov ax, 0x53
  mov fs, ax
  mov eax, [fs:0xa]
done
case "popf sets it, the next access is checked"
  user32
  pushfd
  or dword [esp], 0x40000
  popfd
  mov eax, [0x30001]
done
case "stac is not for ring 3"
  user32
  stac
done
case "virtual-8086 mode is ring 3"
  push dword 0
  push dword 0
  push dword 0x3000
  push dword 0x3000
  push dword 0
  push dword 0xa000
  push dword 0x60202
  push dword BASE >> 4
  push dword OFF16(in_v86)
  mov dword [TSS+4], 0x7000
  iretd
done
  finish
nowhere:
  ret
bits 16
in_v86:
  mov ax, [2]
  mov ax, [1]
  rom
