; LOCK legality, the instruction length limit, UMIP, RDTSC with CR4.TSD, undefined opcodes, prefixes, CPUID, RDPMC, MSRs.
%include "prelude.inc"
main:
  real_setup
  enter32
%macro bytes 2+
case %1
  mov ebx, 0x30000
  mov esi, 0x30000
  mov edi, 0x30000
  mov ecx, 1
  db %2
done
%endmacro
bytes "lock add register", 0xf0, 0x01, 0xc0
bytes "lock add memory", 0xf0, 0x01, 0x03
bytes "lock add register from memory", 0xf0, 0x03, 0x03
bytes "lock cmp memory", 0xf0, 0x39, 0x03
bytes "lock mov", 0xf0, 0x89, 0x03
bytes "lock test", 0xf0, 0x85, 0x03
bytes "lock xchg", 0xf0, 0x87, 0x03
bytes "lock not", 0xf0, 0xf7, 0x13
bytes "lock mul", 0xf0, 0xf7, 0x23
bytes "lock inc", 0xf0, 0xff, 0x03
bytes "lock push", 0xf0, 0xff, 0x33
bytes "lock shl", 0xf0, 0xd1, 0x23
bytes "lock bt", 0xf0, 0x0f, 0xba, 0x23, 1
bytes "lock bts", 0xf0, 0x0f, 0xba, 0x2b, 1
bytes "lock bts register", 0xf0, 0x0f, 0xab, 0xc0
bytes "lock xadd", 0xf0, 0x0f, 0xc1, 0x03
bytes "lock cmpxchg", 0xf0, 0x0f, 0xb1, 0x03
bytes "lock cmpxchg8b", 0xf0, 0x0f, 0xc7, 0x0b
bytes "lock nop", 0xf0, 0x90
bytes "lock movs", 0xf0, 0xa5
bytes "lock fld", 0xf0, 0xd9, 0x03
bytes "lock cpuid", 0xf0, 0x0f, 0xa2
bytes "fourteen prefixes", 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x90
bytes "fifteen prefixes", 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x90
bytes "long mov of 15 bytes", 0x2e, 0x2e, 0x2e, 0x2e, 0x3e, 0xc7, 0x05, 0, 0, 3, 0, 1, 2, 3, 4
bytes "long mov of 16 bytes", 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x3e, 0xc7, 0x05, 0, 0, 3, 0, 1, 2, 3, 4
bytes "lea register", 0x8d, 0xc0
bytes "les register", 0xc4, 0xc0
bytes "bound register", 0x62, 0xc0
bytes "mov to cs", 0x8e, 0xc8
bytes "mov from segment 6", 0x8c, 0xf0
bytes "mov to segment 7", 0x8e, 0xf8
bytes "jmp far register", 0xff, 0xe8
bytes "group 5 slash 7", 0xff, 0xf8
bytes "group 4 slash 2", 0xfe, 0xd0
bytes "pop group slash 1", 0x8f, 0xc8
bytes "c6 slash 1", 0xc6, 0x08, 0
bytes "0f ba slash 3", 0x0f, 0xba, 0x18, 0
bytes "cmpxchg8b register", 0x0f, 0xc7, 0xc8
bytes "lgdt register", 0x0f, 0x01, 0xd0
bytes "invlpg register 3", 0x0f, 0x01, 0xfb
bytes "syscall in 32-bit mode with SCE clear", 0x0f, 0x05
bytes "swapgs in 32-bit mode", 0x0f, 0x01, 0xf8
bytes "ud0", 0x0f, 0xff, 0xc0
bytes "ud1", 0x0f, 0xb9, 0xc0
bytes "0f 04", 0x0f, 0x04
bytes "rsm", 0x0f, 0xaa
bytes "sgdt register", 0x0f, 0x01, 0xc0, 0x90
bytes "multi-byte nop", 0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0
bytes "82 alias", 0x82, 0x03, 1
bytes "mov cr5", 0x0f, 0x20, 0xe8
bytes "mov cr8 by lock", 0xf0, 0x0f, 0x20, 0xc0
bytes "aam 0", 0xd4, 0
case "salc"
  stc
  db 0xd6
  movzx eax, al
  show eax
done
case "rdtsc grows"
  rdtsc
  mov ebx, eax
  mov ecx, 1000
  loop $
  rdtsc
  sub eax, ebx
  seta al
  movzx eax, al
  show eax
done
case "rdtsc in ring 3"
  user32
  rdtsc
  mov eax, 1
  int 0x30
done
mov eax, cr4
or eax, 4
mov cr4, eax
case "rdtsc in ring 3 with TSD"
  user32
  rdtsc
done
case "rdtsc in ring 0 with TSD"
  rdtsc
done
case "rdpmc in ring 3"
  user32
  xor ecx, ecx
  rdpmc
done
case "sgdt in ring 3"
  user32
  sgdt [0x30000]
  mov eax, 1
  int 0x30
done
case "smsw in ring 3"
  user32
  smsw eax
  and eax, 1
  int 0x30
done
mov eax, cr4
or eax, 0x800
mov cr4, eax
case "UMIP sgdt"
  user32
  sgdt [0x30000]
done
case "UMIP sidt"
  user32
  sidt [0x30000]
done
case "UMIP sldt"
  user32
  sldt ax
done
case "UMIP str"
  user32
  str ax
done
case "UMIP smsw"
  user32
  smsw ax
done
case "UMIP in ring 0"
  sgdt [0x30000]
  str ax
done
case "rdmsr in ring 3"
  user32
  mov ecx, 0x1b
  rdmsr
done
case "wbinvd in ring 3"
  user32
  wbinvd
done
case "invlpg in ring 3"
  user32
  invlpg [0]
done
case "lmsw cannot clear PE"
  xor eax, eax
  lmsw ax
  smsw eax
  and eax, 1
  show eax
done
case "efer reserved"
  mov ecx, 0xc0000080
  mov eax, 0x2
  xor edx, edx
  wrmsr
done
case "apic base"
  mov ecx, 0x1b
  rdmsr
  show eax
done
case "cpuid has tsc msr cx8 apic sep"
  mov eax, 1
  cpuid
  and edx, 0xb30
  show edx
done
case "cpuid beyond the last leaf does not fault"
  mov eax, 0x7fffffff
  cpuid
done
case "mwait in ring 3"
  user32
  xor ecx, ecx
  mwait
done
case "sldt str sizes"
  mov eax, -1
  str eax
  show eax
  mov eax, -1
  str ax
  show eax
done
case "mov from segment sizes"
  mov eax, -1
  mov eax, ds
  show eax
  mov eax, -1
  mov ax, ds
  show eax
done
case "push of a segment"
  push dword -1
  pop eax
  push ds
  pop eax
  and eax, 0xffff
  show eax
done
case "arpl"
  mov eax, 0x10
  mov ebx, 3
  arpl ax, bx
  setz bl
  show eax
  show ebx
done
case "x87 through NE"
  mov eax, cr0
  or eax, 0x20
  mov cr0, eax
  fninit
  fldz
  fnstcw [0x30000]
  and word [0x30000], 0xfffb
  fldcw [0x30000]
  fld1
  fdivrp
  fldz
  fdivp
  fwait
done
  finish
  rom
