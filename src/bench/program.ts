// From what somebody wrote on the bench to a disk that a machine starts from. A boot sector is taken as it is (SeaBIOS loads it to 7C00h). A flat program
// gets a boot sector of ours in front, which reads it to 10000h by programmed I/O (ATA-6 9.4), enters 32-bit or 64-bit mode (Intel SDM 3A 9.9, 9.8.5)
// with flat segments, a stack and SSE, and calls it. Left out: programs larger than 448 KiB, more than one sector by itself for boot sectors.

import type { Assembly, AssemblyRequest, BenchMode } from "../contract/assembly.ts";
import { type DomainConfig, domainSchema } from "../contract/domain.ts";
import { FaultError } from "../contract/schema.ts";

/** Where a program's first byte is executed, and where a flat one returns to. */
export const ENTRY: { readonly [M in BenchMode]: number } = { boot: 0x7c00, flat32: 0x10000, flat64: 0x10000 };
export const DONE = 0x7df8;
const SECTOR = 512;
const MOST_FLAT = 448 * 1024;
/** push 7DF8h, ret: a program that runs over its end goes where one that returns goes. Both sizes of code read these bytes the same way. */
const OVER_THE_END = [0x68, 0xf8, 0x7d, 0x00, 0x00, 0xc3];

/** The request that assembles a source in its mode: bits and origin are given, unless the source names its own origin. */
export function requestOf(mode: BenchMode, source: string, files: ReadonlyMap<string, Uint8Array> = new Map()): AssemblyRequest {
  const bits = { boot: 16, flat32: 32, flat64: 64 }[mode];
  const own = /^[^;\n]*\borg\s+\S/im.test(source);
  return { source, before: [`bits ${bits}`, ...(own ? [] : [`org 0x${ENTRY[mode].toString(16)}`])], files: Object.fromEntries(files) };
}
/** What the loader is assembled from; null for a boot sector, which needs none. */
export function loaderOf(mode: BenchMode, program: Assembly): AssemblyRequest | null {
  if (mode === "boot") return null;
  const sectors = Math.ceil(((program.bytes?.length ?? 0) + OVER_THE_END.length) / SECTOR);
  return { source: LOADER, before: [`%define SECTORS ${sectors}`, `%define MODE ${mode === "flat32" ? 32 : 64}`] };
}
/** The disk, from the assembled program and the assembled loader. */
export function diskOf(mode: BenchMode, program: Assembly, loader: Assembly | null): Uint8Array {
  const { bytes, origin } = program;
  if (!bytes || (loader && !loader.bytes)) throw new Error("a disk of a program that was not assembled");
  if (origin !== ENTRY[mode])
    throw new FaultError("bench.origin", `The source begins at ${origin.toString(16)}h; in this mode a program is put to ${ENTRY[mode].toString(16)}h.`, "Leave org out: the bench gives it.");
  if (!loader) {
    const signed = bytes.length >= SECTOR && bytes[510] === 0x55 && bytes[511] === 0xaa;
    if (!signed && bytes.length > 510) throw new FaultError("bench.sector", `A boot sector has 510 bytes for a program; this one has ${bytes.length}.`, "Make it smaller, or choose a flat program.");
    const disk = new Uint8Array(Math.max(1, Math.ceil(bytes.length / SECTOR)) * SECTOR);
    disk.set(bytes);
    disk.set([0x55, 0xaa], 510);
    return disk;
  }
  if (bytes.length > MOST_FLAT) throw new FaultError("bench.large", `The program is larger than ${MOST_FLAT / 1024} KiB.`, "Look at times, resb and align: their counts are in bytes.");
  const disk = new Uint8Array(SECTOR + Math.ceil((bytes.length + OVER_THE_END.length) / SECTOR) * SECTOR);
  disk.set(loader.bytes as Uint8Array);
  disk.set(bytes, SECTOR);
  disk.set(OVER_THE_END, SECTOR + bytes.length);
  return disk;
}
export const DISK = "bench:program";
/** The machine that runs it. Time is instructions: a run is the same each time, and a step does not let the timer run away. */
export function benchMachine(mode: BenchMode, source: string = DISK): DomainConfig {
  return domainSchema.parse({
    name: "bench",
    memoryMiB: 32,
    cpu: { model: "qemu64", count: 1, accel: "jit" },
    clock: { mode: "instructions" },
    firmware: mode === "boot" ? {} : { bios: "none", vgaBios: "none" },
    boot: { order: "c" },
    vga: "std",
    disks: [{ at: "ide0-master", media: "disk", source, format: "raw", snapshot: true }],
    noReboot: true,
  });
}
const LOADER = `
        bits 16
        org 7C00h
PROGRAM equ 10000h
STACK   equ 90000h
PML4    equ 1000h
PDPT    equ 2000h
PD      equ 3000h               ; four of them, for 4 GiB
        cli
        cld
        xor ax, ax
        mov ds, ax
        in al, 92h
        or al, 2                ; A20
        out 92h, al
        lgdt [gdtr]
        mov eax, cr0
        or al, 1                ; PE
        mov cr0, eax
        jmp 08h:flat
        bits 32
flat:   mov ax, 10h
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        mov esp, STACK
        mov dx, 3F6h
        mov al, 2               ; nIEN: no interrupt shall wait for the program
        out dx, al
        mov edi, PROGRAM
        mov ebx, 1
sector: mov dx, 1F7h
busy:   in al, dx
        test al, 80h            ; BSY
        jnz busy
        mov dx, 1F2h
        mov al, 1
        out dx, al
        mov eax, ebx
        mov cl, 3
address: inc edx                ; 1F3h to 1F5h: LBA
        out dx, al
        shr eax, 8
        dec cl
        jnz address
        inc edx
        mov al, 0E0h            ; LBA, master
        out dx, al
        inc edx
        mov al, 20h             ; READ SECTORS
        out dx, al
data:   in al, dx
        test al, 80h
        jnz data
        test al, 8              ; DRQ
        jz data
        mov dx, 1F0h
        mov ecx, 256
        rep insw
        inc ebx
        cmp ebx, SECTORS
        jbe sector
        mov eax, cr4
        or eax, 600h            ; OSFXSR, OSXMMEXCPT
        mov cr4, eax
        mov eax, cr0
        and al, ~4              ; EM
        or al, 22h              ; MP, NE
        mov cr0, eax
%if MODE = 64
        mov edi, PML4
        mov ecx, 2 * 1024
        xor eax, eax
        rep stosd
        mov dword [PML4], PDPT | 3
        mov edi, PDPT
        mov eax, PD | 3
next:   mov [edi], eax
        add edi, 8
        add eax, 1000h
        cmp eax, (PD + 4 * 1000h) | 3
        jne next
        mov edi, PD
        mov eax, 83h            ; 2 MiB pages, writable
        mov ecx, 2048
page:   mov [edi], eax
        mov dword [edi + 4], 0
        add edi, 8
        add eax, 200000h
        loop page
        mov eax, PML4
        mov cr3, eax
        mov eax, cr4
        or al, 20h              ; PAE
        mov cr4, eax
        mov ecx, 0C0000080h
        rdmsr
        or ah, 1                ; LME
        wrmsr
        mov eax, cr0
        or eax, 80000000h       ; PG
        mov cr0, eax
        jmp 18h:wide
        bits 64
wide:
%endif
        xor eax, eax
        xor ebx, ebx
        xor ecx, ecx
        xor edx, edx
        xor esi, esi
        xor edi, edi
        xor ebp, ebp
        push 2
%if MODE = 64
        popfq
%else
        popfd
%endif
        call PROGRAM
        jmp done
        align 8
gdt:    dq 0
        dq 00CF9A000000FFFFh    ; 08: code, 32-bit
        dq 00CF92000000FFFFh    ; 10: data
        dq 00AF9A000000FFFFh    ; 18: code, 64-bit
gdtr:   dw $ - gdt - 1
        dd gdt
        times 1F8h - ($ - $$) db 0
done:   cli
rest:   hlt
        jmp rest
        times 510 - ($ - $$) db 0
        dw 0AA55h
`;
