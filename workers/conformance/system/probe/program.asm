; Registers that Linux and Xen read on their way up, with the values that QEMU gives its processors (Linux arch/x86/kernel/cpu, Xen xen/arch/x86).
; cpu: max,vendor=GenuineIntel
%include "prelude.inc"
%macro read 2
case %1
  mov ecx, %2
  rdmsr
  show eax
  show edx
done
%endmacro
main:
  real_setup
  enter32
case "microcode revision - written 0, CPUID, read"
  mov ecx, 0x8b
  xor eax, eax
  xor edx, edx
  wrmsr
  mov eax, 1
  cpuid
  mov ecx, 0x8b
  rdmsr
  show eax
done
case "microcode loader"
  mov ecx, 0x79
  xor eax, eax
  xor edx, edx
  wrmsr
done
read "platform id", 0x17
case "machine check capabilities, no error count"
  mov ecx, 0x179
  rdmsr
done
read "machine check status", 0x17a
read "temperature", 0x19c
read "speculation control", 0x48
read "RAPL units", 0x606
read "SMI count", 0x34
read "misc feature enables", 0x140
read "platform info", 0xce
read "debug control", 0x1d9
case "MISC_ENABLE says fast strings"
  mov ecx, 0x1a0
  rdmsr
  and eax, 1
  show eax
done
case "feature control, written when unlocked"
  mov ecx, 0x3a
  rdmsr
done
  finish
  rom
