; What a processor without a CPUID feature refuses where no row of the instruction table says so: bits of CR4 and EFER, registers, kinds of pages,
; instructions with a feature only in 64-bit code (SDM 3A 2.5, 4.1.4, SDM 4 table 2-2). ../features.test.ts has those that a row names.
; cpu: max,-fsgsbase,-smep,-smap,-pcid,-xsave,-xsaveopt,-xsavec,-xgetbv1,-xsaves,-avx,-avx2,-fma,-f16c,-tsc-deadline,-x2apic,-cx16,-lahf_lm,-pdpe1gb,-tsc_adjust,-rdtscp,-rdpid,-nx,-syscall
; bochs: athlon64_clawhammer
; oracle: Bochs, an Athlon 64 of 2003 has none of these; TCG 7.2 lets most pass
; guest cpu: max,-de,-pse,-pse36,-vme,-mce,-pge,-fsgsbase,-smep,-smap,-umip,-pcid,-xsave,-mtrr,-pat,-tsc-deadline,-x2apic,-sep,-cx16,-lahf-lm,-pdpe1gb,-tsc-adjust,-rdtscp,-rdpid,-nx,-syscall
%include "prelude.inc"
%macro cr4_bit 2
case %1
  mov eax, cr4
  or eax, 1 << %2
  mov cr4, eax
done
%endmacro
%macro register 2
 %strcat %%in %1, ", read"
 %strcat %%out %1, ", written"
case %%in
  mov ecx, %2
  rdmsr
done
case %%out
  mov ecx, %2
  xor eax, eax
  xor edx, edx
  wrmsr
done
%endmacro
main:
  real_setup
  enter32
case "CPUID 1, EDX"
  mov eax, 1
  cpuid
  and edx, 0x0103509d ; VME DE PSE MCE SEP MTRR PGE PAT, FXSR
  show edx
done
  cr4_bit "CR4.VME", 0
  cr4_bit "CR4.PVI", 1
  cr4_bit "CR4.TSD, which is there", 2
  cr4_bit "CR4.DE", 3
  cr4_bit "CR4.PSE", 4
  cr4_bit "CR4.MCE", 6
  cr4_bit "CR4.PGE", 7
  cr4_bit "CR4.OSFXSR, which is there", 9
  cr4_bit "CR4.UMIP", 11
  cr4_bit "CR4.LA57", 12
  cr4_bit "CR4.VMXE", 13
  cr4_bit "CR4.SMXE", 14
  cr4_bit "CR4.FSGSBASE", 16
  cr4_bit "CR4.OSXSAVE", 18
  cr4_bit "CR4.SMEP", 20
  cr4_bit "CR4.SMAP", 21
  cr4_bit "CR4.PKE", 22
  register "TSC", 0x10
  register "TSC_ADJUST", 0x3b
  register "MTRRCAP", 0xfe
  register "a variable MTRR", 0x200
  register "a fixed MTRR", 0x250
  register "the MTRRs' default type", 0x2ff
  register "SYSENTER_CS", 0x174
  register "SYSENTER_ESP", 0x175
  register "SYSENTER_EIP", 0x176
  register "PAT", 0x277
  register "TSC_DEADLINE", 0x6e0
  register "XSS", 0xda0
  register "STAR", 0xc0000081
  register "LSTAR", 0xc0000082
  register "SFMASK", 0xc0000084
  register "TSC_AUX", 0xc0000103
case "EFER.SCE"
  mov ecx, 0xc0000080
  mov eax, 1
  xor edx, edx
  wrmsr
done
case "EFER.NXE"
  mov ecx, 0xc0000080
  mov eax, 0x800
  xor edx, edx
  wrmsr
done
case "x2APIC mode"
  mov ecx, 0x1b
  mov eax, 0xfee00d00
  xor edx, edx
  wrmsr
done
case "lahf in 32-bit code"
  mov eax, 0x4500
  sahf
  lahf
  and eax, 0xff00
  show eax
done
; SCE is not there: the macro of the prelude must not ask for it.
  mov edi, 0x20000
  xor eax, eax
  mov ecx, 0x6000 / 4
  rep stosd
  mov dword [0x20000], 0x21007
  mov dword [0x21000], 0x22007
  mov dword [0x22000], 0x24003
  mov edi, 0x24000
  mov eax, 3
  mov ecx, 512
.page:
  mov [edi], eax
  add eax, 0x1000
  add edi, 8
  loop .page
  mov eax, cr4
  or eax, 0x620
  mov cr4, eax
  mov eax, 0x20000
  mov cr3, eax
  mov ecx, 0xc0000080
  mov eax, 0x100
  xor edx, edx
  wrmsr
  mov eax, cr0
  or eax, 0x80010002
  mov cr0, eax
  jmp CODE64:.long
bits 64
.long:
  xor eax, eax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov rsp, 0x9000
  mov edi, IDT
  mov eax, stubs64
  mov ecx, 64
.gate:
  mov edx, eax
  and edx, 0xffff
  or edx, CODE64 << 16
  mov [rdi], edx
  mov edx, eax
  mov dx, 0x8e00
  mov [rdi+4], edx
  mov qword [rdi+8], 0
  add eax, 16
  add edi, 16
  loop .gate
  lidt [abs idtr64]
case "lahf in 64-bit code"
  lahf
done
case "sahf in 64-bit code"
  sahf
done
case "cmpxchg16b"
  cmpxchg16b [abs 0x30000]
done
case "cmpxchg8b, which is there"
  cmpxchg8b [abs 0x30000]
done
case "CR4.PCIDE"
  mov rax, cr4
  or eax, 1 << 17
  mov cr4, rax
done
case "a page of 1 GiB"
  mov dword [abs 0x21008], 0x83
  mov eax, [abs 0x40030000]
done
case "NX in a page table"
  mov byte [abs 0x24000 + 0x40 * 8 + 7], 0x80
  invlpg [abs 0x40000]
  mov eax, [abs 0x40000]
done
case "syscall"
  syscall
done
case "sysret"
  o64 sysret
done
case "sysenter"
  sysenter
done
case "rdtscp"
  rdtscp
done
case "xgetbv"
  xor ecx, ecx
  xgetbv
done
case "stac"
  stac
done
case "clac"
  clac
done
case "monitor"
  mov eax, 0x30000
  xor ecx, ecx
  xor edx, edx
  monitor
done
case "mwait"
  xor eax, eax
  xor ecx, ecx
  mwait
done
  finish
rom
