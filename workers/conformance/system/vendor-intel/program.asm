; SYSCALL, SYSRET, SYSENTER and SYSEXIT on Intel processors: the first two know 64-bit code only.
; cpu: max,vendor=GenuineIntel
; oracle: Bochs, TCG 7.2 lets SYSCALL through in compatibility mode
%include "vendors.inc"
