; SYSCALL, SYSRET, SYSENTER and SYSEXIT on AMD's processors: the last two are not there in long mode.
; cpu: max,vendor=AuthenticAMD
; bochs: ryzen
; guest cpu: EPYC
%include "vendors.inc"
