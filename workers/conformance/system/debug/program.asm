; Single-step, breakpoints on execution and data, DR6, general detect, interrupt shadows of MOV SS, RF.
%include "prelude.inc"
main:
  real_setup
  enter32
  mov dword [IDT + 8], (ADDR(db_handler) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 12], (ADDR(db_handler) & 0xffff0000) | 0x8e00
%macro begin 1
  case %1
  mov dword [0x30000], 0
  mov edi, 0x30010
%endmacro
%macro report 0
  mov ecx, [0x30000]
  show ecx
  mov esi, 0x30010
%%next:
  test ecx, ecx
  jz %%end
  show dword [esi]
  show dword [esi+4]
  add esi, 8
  dec ecx
  jmp %%next
%%end:
  done
%endmacro
%macro tf 0
  pushfd
  or dword [esp], 0x100
  popfd
%endmacro
%macro notf 0
  pushfd
  and dword [esp], ~0x100
  popfd
%endmacro
begin "single step"
  tf
  nop
  inc eax
  notf
  nop
report
begin "single step over a repeated string"
  push edi
  mov ecx, 3
  mov ebx, 0x31000
  xchg edi, ebx
  tf
  rep stosb
  notf
  pop edi
report
begin "single step over mov ss"
  mov ax, ss
  tf
  mov ss, ax
  nop
  nop
  notf
report
begin "single step into int"
  mov dword [IDT + 0x31 * 8], (ADDR(int_handler) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 0x31 * 8 + 4], (ADDR(int_handler) & 0xffff0000) | 0x8e00
  tf
  int 0x31
  nop
  notf
report
begin "single step over a jump"
  tf
  jmp short %$j
  nop
%$j:
  notf
report
begin "single step over popf"
  tf
  pushfd
  popfd
  notf
report
begin "execution breakpoint"
  mov eax, %$b
  mov dr0, eax
  mov eax, 0x403
  mov dr7, eax
  nop
%$b:
  nop
  nop
  xor eax, eax
  mov dr7, eax
report
begin "two breakpoints at one address"
  mov eax, %$b
  mov dr1, eax
  mov dr2, eax
  mov eax, 0x43c
  mov dr7, eax
%$b:
  nop
  xor eax, eax
  mov dr7, eax
report
begin "write watchpoint"
  mov eax, 0x32000
  mov dr0, eax
  mov eax, 0x000d0402
  mov dr7, eax
  mov eax, [0x32000]
  mov [0x31ffc], eax
  mov [0x32000], eax
  mov [0x32003], al
  mov [0x32004], al
  mov [0x31ffe], eax
  xor eax, eax
  mov dr7, eax
report
begin "read watchpoint"
  mov eax, 0x32001
  mov dr3, eax
  mov eax, 0x30000480
  mov dr7, eax
  mov eax, [0x32000]
  mov al, [0x32000]
  mov al, [0x32001]
  mov [0x32001], al
  xor eax, eax
  mov dr7, eax
report
begin "watchpoint of a disabled register"
  mov eax, 0x00010400
  mov dr7, eax
  mov [0x32000], al
  xor eax, eax
  mov dr7, eax
report
begin "watchpoint on a push"
  mov eax, esp
  sub eax, 4
  mov dr1, eax
  mov eax, 0x00d00404
  mov dr7, eax
  push ebx
  pop ebx
  xor eax, eax
  mov dr7, eax
report
begin "watchpoint in a repeated string"
  mov eax, 0x32008
  mov dr0, eax
  mov eax, 0x000d0402
  mov dr7, eax
  push edi
  mov edi, 0x32000
  mov ecx, 5
  mov eax, [esp]
  xchg eax, edi
  xchg eax, edi
  pop edi
  mov ebx, 0x32000
  xchg ebx, edi
  rep stosd
  xchg ebx, edi
  xor eax, eax
  mov dr7, eax
report
begin "general detect"
  mov eax, 0x2400
  mov dr7, eax
  mov eax, dr0
  xor eax, eax
  mov dr7, eax
report
case "dr6 dr7 fixed bits"
  xor eax, eax
  mov dr6, eax
  mov eax, dr6
  show eax
  mov eax, -1
  mov dr6, eax
  mov eax, dr6
  show eax
  mov eax, 0x0000d000
  mov dr7, eax
  mov eax, dr7
  show eax
  xor eax, eax
  mov dr7, eax
done
case "dr4 is dr6"
  mov eax, 0x0000f00f
  mov dr6, eax
  db 0x0f, 0x21, 0xe0
  show eax
done
case "dr4 with CR4.DE"
  mov eax, cr4
  or eax, 8
  mov cr4, eax
  db 0x0f, 0x21, 0xe0
done
mov eax, cr4
and eax, ~8
mov cr4, eax
case "dr access in ring 3"
  user32
  mov eax, dr0
done
case "iret with TF to ring 3"
  mov ax, UDATA
  mov ds, ax
  mov es, ax
  push dword UDATA
  push dword 0xa000
  push dword 0x102
  push dword UCODE
  push dword %$u
  iretd
%$u:
  nop
  mov eax, 0x10
  int 0x30
done
case "RF suppresses a breakpoint"
  mov dword [0x30000], 0
  mov edi, 0x30010
  mov eax, %$b
  mov dr0, eax
  mov eax, 0x402
  mov dr7, eax
  push dword 0x10002
  push cs
  push dword %$b
  iretd
%$b:
  nop
  xor eax, eax
  mov dr7, eax
  show dword [0x30000]
done
case "faults push RF"
  mov dword [IDT + 6 * 8], (ADDR(ud_handler) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 6 * 8 + 4], (ADDR(ud_handler) & 0xffff0000) | 0x8e00
  ud2
  show dword [0x30000]
done
case "traps do not push RF"
  mov dword [IDT + 3 * 8], (ADDR(bp_handler) & 0xffff) | (CODE32 << 16)
  mov dword [IDT + 3 * 8 + 4], (ADDR(bp_handler) & 0xffff0000) | 0x8e00
  int3
  show dword [0x30000]
done
  finish
db_handler: ; records EIP and DR6
  push eax
  inc dword [0x30000]
  mov eax, [esp+4]
  mov [edi], eax
  mov eax, dr6
  mov [edi+4], eax
  add edi, 8
  xor eax, eax
  mov dr6, eax
  or dword [esp+12], 0x10000
  cmp dword [0x30000], 12
  jb .go
  and dword [esp+12], ~0x100
.go:
  pop eax
  test byte [esp+4], 3
  jz .same
  and dword [esp+8], ~0x100
.same:
  iretd
int_handler:
  nop
  iretd
ud_handler:
  push eax
  mov eax, [esp+12]
  and eax, 0x10000
  mov [0x30000], eax
  pop eax
  add dword [esp], 2
  iretd
bp_handler:
  push eax
  mov eax, [esp+12]
  and eax, 0x10000
  mov [0x30000], eax
  pop eax
  iretd
  rom
