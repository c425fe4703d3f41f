; Model-specific registers as kernels probe them: TSC and TSC_ADJUST, MTRRs, PAT, microcode, and registers that are not there (SDM 3A 11.11, 11.12, 17.17, 9.11; 4).
; oracle: Bochs, TCG 7.2 faults for no register it does not know, checks no value of an MTRR and has no TSC_ADJUST
%include "prelude.inc"
%macro read 1
  mov ecx, %1
  rdmsr
  show eax
  show edx
%endmacro
%macro write 3 ; register, high, low
  mov ecx, %1
  mov edx, %2
  mov eax, %3
  wrmsr
%endmacro
%macro readback 4 ; name, register, high, low
case %1
  write %2, %3, %4
  read %2
done
%endmacro
main:
  real_setup
  enter32
case "TSC_ADJUST after reset"
  read 0x3b
done
readback "TSC_ADJUST is written", 0x3b, 0x12, 0x345678
case "and moves the TSC"
  write 0x3b, 0, 0
  rdtsc
  mov esi, eax
  mov edi, edx
  write 0x3b, 0x100, 0
  rdtsc
  sub eax, esi
  sbb edx, edi
  show edx
done
case "a write of the TSC moves TSC_ADJUST"
  write 0x3b, 0, 0
  rdtsc
  mov edi, edx
  lea edx, [edi + 0x40]
  mov ecx, 0x10
  xor eax, eax
  wrmsr
  mov ecx, 0x3b
  rdmsr
  add edx, 1 ; 3F and something, or 40
  shr edx, 1
  show edx
done
  write 0x3b, 0, 0
case "CPUID says TSC_ADJUST"
  mov eax, 7
  xor ecx, ecx
  cpuid
  and ebx, 2
  show ebx
done
case "MTRRCAP"
  mov ecx, 0xfe
  rdmsr
  and eax, 0x5ff
  show eax
done
case "MTRRCAP is read only"
  write 0xfe, 0, 0x508
done
readback "default type", 0x2ff, 0, 0xc06
readback "default type off", 0x2ff, 0, 0
case "default type 2"
  write 0x2ff, 0, 0xc02
done
case "default type 3"
  write 0x2ff, 0, 3
done
case "default type 7"
  write 0x2ff, 0, 7
done
case "default type with a reserved bit"
  write 0x2ff, 0, 0x1006
done
case "default type with an upper bit"
  write 0x2ff, 1, 6
done
readback "variable range, base", 0x200, 0, 0xc0000006
readback "variable range, mask", 0x201, 0xf, 0xc0000800
case "base with type 2"
  write 0x202, 0, 0xc0000002
done
case "base with bit 8"
  write 0x202, 0, 0xc0000106
done
case "base beyond the physical addresses"
  write 0x202, 0x80000000, 6
done
case "mask with bit 0"
  write 0x203, 0, 0xc0000801
done
case "mask with bit 10"
  write 0x203, 0, 0xc0000c00
done
case "mask beyond the physical addresses"
  write 0x203, 0x80000000, 0x800
done
readback "the eighth range", 0x20e, 0, 0x1000
readback "fixed 64K", 0x250, 0x06060606, 0x06060606
readback "fixed 16K", 0x258, 0x06060606, 0x05040100
readback "fixed 16K, A0000", 0x259, 0, 0
readback "fixed 4K, C0000", 0x268, 0x05050505, 0x05050505
readback "fixed 4K, F8000", 0x26f, 0x05050505, 0x06060606
case "fixed with type 2"
  write 0x250, 0, 0x02060606
done
case "fixed with type 7"
  write 0x269, 0x07000000, 0
done
case "between the fixed ones"
  mov ecx, 0x251
  rdmsr
done
case "PAT"
  read 0x277
done
readback "PAT with write-combining", 0x277, 0x00070106, 0x00070106
case "PAT type 2"
  write 0x277, 0x00070106, 0x00070206
done
case "PAT type 3"
  write 0x277, 0x03070106, 0x00070106
done
case "PAT type 8"
  write 0x277, 0, 8
done
case "PAT after those"
  read 0x277
done
case "APIC base"
  mov ecx, 0x1b
  rdmsr
  show eax
done
case "APIC base, a reserved bit"
  write 0x1b, 0, 0xfee00901
done
readback "SYSENTER_CS", 0x174, 0, 0x1234
readback "EFER, SCE and NXE", 0xc0000080, 0, 0x801
case "EFER, bit 1"
  write 0xc0000080, 0, 2
done
case "EFER, bit 16"
  write 0xc0000080, 0, 0x10000
done
case "EFER, LMA by hand"
  write 0xc0000080, 0, 0x400
  mov ecx, 0xc0000080
  rdmsr
  and eax, 0x400
  show eax
done
case "LSTAR not canonical"
  write 0xc0000082, 0x8000, 0
done
case "KERNEL_GS_BASE not canonical"
  write 0xc0000102, 0xff000000, 0
done
case "SYSENTER_EIP not canonical"
  write 0x176, 0x8000, 0
done
case "a register that is not there"
  mov ecx, 0x12345
  rdmsr
done
case "a write to one"
  write 0x12345, 0, 0
done
case "VMX capabilities without VMX"
  mov ecx, 0x4ff
  rdmsr
done
case "in ring 3"
  user32
  mov ecx, 0x277
  rdmsr
done
case "write in ring 3"
  user32
  write 0x277, 0, 0
done
  finish
  rom
