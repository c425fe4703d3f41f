// Direct kernel boot through fw_cfg and the option ROMs linuxboot_dma.bin and multiboot_dma.bin, with the keys QEMU sets.
// Linux: Documentation/arch/x86/boot.rst (protocol 2.15). Multiboot: Multiboot Specification 0.6.96.
// Left out: 64-bit and PVH entry, SETUP_DATA list, Multiboot video mode request.

import { FaultError } from "../../src/contract/schema.ts";
import type { DomainConfig } from "../../src/contract/domain.ts";
import { FW_CFG, type FwCfg } from "../devices/fw-cfg.ts";
import type { FirmwareImages } from "./parts.ts";

/** Top of low memory that firmware keeps for ACPI tables. */
const ACPI_DATA = 0x28000;

export function addBootImages(fwCfg: FwCfg, config: DomainConfig, images: FirmwareImages, lowMemory: number): void {
  const kernel = images.kernel;
  if (!kernel) return;
  const multiboot = findMultiboot(kernel);
  const rom = multiboot ? images.multiboot : images.linuxboot;
  const name = multiboot ? "multiboot_dma.bin" : "linuxboot_dma.bin";
  if (multiboot) addMultiboot(fwCfg, config, images, kernel, multiboot, lowMemory);
  else addLinux(fwCfg, config, images, kernel, lowMemory);
  if (!rom) throw new FaultError("boot.rom", `Booting a kernel directly needs ${name}.`, "It comes with Debian's package qemu-system-data.");
  fwCfg.addFile(`genroms/${name}`, rom);
  fwCfg.addFile("bootorder", new TextEncoder().encode(`/rom@genroms/${name}\0`));
}

const text = (s: string) => new TextEncoder().encode(`${s}\0`);

function refuseElf(view: DataView): void {
  if (view.byteLength < 20 || view.getUint32(0) !== 0x7f454c46) return;
  const machine = view.getUint16(18, view.getUint8(5) !== 2);
  const known: { readonly [n: number]: string } = { 3: "i386", 8: "MIPS", 20: "PowerPC", 40: "ARM", 62: "x86-64", 183: "AArch64", 243: "RISC-V" };
  if (machine === 3 || machine === 62)
    throw new FaultError("boot.kernel.elf", "The kernel is an ELF file without a Multiboot header.", "For Linux give the bzImage (arch/x86/boot/bzImage), not vmlinux.");
  throw new FaultError("boot.kernel.machine", `The kernel is an ELF file for ${known[machine] ?? `machine ${machine}`}, not for a PC.`, "Give a kernel built for x86.");
}

function tooLarge(what: string, bytes: number, config: DomainConfig): never {
  throw new FaultError("boot.kernel.memory", `The ${what} (${bytes} bytes) does not fit in ${config.memoryMiB} MiB of memory.`, "Give the machine more memory.");
}

function addLinux(fwCfg: FwCfg, config: DomainConfig, images: FirmwareImages, kernel: Uint8Array, lowMemory: number): void {
  const view = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  refuseElf(view);
  if (kernel.length < 0x400) throw new FaultError("boot.kernel.truncated", `The kernel has only ${kernel.length} bytes.`, "Was the download complete?");
  if (view.getUint16(0x1fe, true) !== 0xaa55)
    throw new FaultError("boot.kernel.format", "The kernel is neither a Linux bzImage nor a Multiboot 1 kernel.", "A compressed or EFI-only image has to be unpacked first.");
  const protocol = view.getUint32(0x202, true) === 0x53726448 ? view.getUint16(0x206, true) : 0;
  const loadFlags = protocol >= 0x200 ? view.getUint8(0x211) : 0;
  const command = text(config.boot.append);
  const paddedCommand = (command.length + 15) & ~15;
  let realAddress = 0x10000;
  let commandAddress = 0x20000;
  let protectedAddress = 0x100000;
  if (protocol < 0x200 || !(loadFlags & 1)) {
    realAddress = 0x90000;
    commandAddress = 0x9a000 - paddedCommand;
    protectedAddress = 0x10000;
  } else if (protocol < 0x202) {
    realAddress = 0x90000;
    commandAddress = 0x9a000 - paddedCommand;
  }
  const limit = protocol >= 0x206 ? view.getUint32(0x238, true) : 255;
  if (command.length - 1 > Math.max(255, limit))
    throw new FaultError("boot.append.long", `The kernel command line has ${command.length - 1} characters; this kernel takes ${limit}.`);

  const setupSectors = view.getUint8(0x1f1) || 4;
  const setupSize = (setupSectors + 1) * 512;
  if (setupSize >= kernel.length) throw new FaultError("boot.kernel.truncated", "The kernel file ends inside its setup code.", "Was the download complete?");
  if (protocol >= 0x204) {
    // syssize counts 16-byte paragraphs of protected-mode code.
    const wanted = setupSize + view.getUint32(0x1f4, true) * 16;
    if (kernel.length + 16 < wanted) throw new FaultError("boot.kernel.truncated", `The kernel has ${kernel.length} bytes; its header announces ${wanted}.`, "Was the download complete?");
  }
  if (protectedAddress + kernel.length - setupSize > lowMemory) tooLarge("kernel", kernel.length - setupSize, config);
  const setup = kernel.slice(0, setupSize);
  const header = new DataView(setup.buffer);
  if (protocol >= 0x202) header.setUint32(0x228, commandAddress, true);
  else {
    header.setUint16(0x20, 0xa33f, true);
    header.setUint16(0x22, commandAddress - realAddress, true);
  }
  const vga = /(?:^|\s)vga=(\S+)/.exec(config.boot.append)?.[1];
  if (vga !== undefined) {
    const named: { readonly [k: string]: number } = { normal: 0xffff, ext: 0xfffe, ask: 0xfffd };
    header.setUint16(0x1fa, named[vga] ?? (Number(vga) & 0xffff), true);
  }
  if (protocol >= 0x200) header.setUint8(0x210, 0xb0);
  if (protocol >= 0x201) {
    header.setUint8(0x211, loadFlags | 0x80);
    header.setUint16(0x224, commandAddress - realAddress - 0x200, true);
  }
  const initrd = images.initrd;
  if (initrd) {
    if (protocol < 0x200) throw new FaultError("boot.initrd.old", "This kernel is too old to take an initial RAM disk.");
    let most = 0x37ffffff;
    if (protocol >= 0x20c && header.getUint16(0x236, true) & 2) most = 0xffffffff;
    else if (protocol >= 0x203) most = header.getUint32(0x22c, true);
    if (most >= lowMemory - ACPI_DATA) most = lowMemory - ACPI_DATA - 1;
    if (initrd.length >= most - protectedAddress - (kernel.length - setupSize))
      throw new FaultError("boot.initrd.memory", `The initial RAM disk (${initrd.length} bytes) does not fit in ${config.memoryMiB} MiB of memory.`, "Give the machine more memory.");
    const address = Math.floor((most - initrd.length) / 4096) * 4096;
    fwCfg.addU32(FW_CFG.INITRD_ADDR, address);
    fwCfg.addU32(FW_CFG.INITRD_SIZE, initrd.length);
    fwCfg.add(FW_CFG.INITRD_DATA, initrd);
    header.setUint32(0x218, address, true);
    header.setUint32(0x21c, initrd.length, true);
  }
  fwCfg.addU32(FW_CFG.CMDLINE_ADDR, commandAddress);
  fwCfg.addU32(FW_CFG.CMDLINE_SIZE, command.length);
  fwCfg.add(FW_CFG.CMDLINE_DATA, command);
  fwCfg.addU32(FW_CFG.KERNEL_ADDR, protectedAddress);
  fwCfg.addU32(FW_CFG.KERNEL_SIZE, kernel.length - setupSize);
  fwCfg.add(FW_CFG.KERNEL_DATA, kernel.subarray(setupSize));
  fwCfg.addU32(FW_CFG.SETUP_ADDR, realAddress);
  fwCfg.addU32(FW_CFG.SETUP_SIZE, setup.length);
  fwCfg.add(FW_CFG.SETUP_DATA, setup);
}

interface MultibootHeader {
  readonly offset: number;
  readonly flags: number;
}
/** The Multiboot 1 header in the first 8 KiB, or null. */
export function findMultiboot(kernel: Uint8Array): MultibootHeader | null {
  const view = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  for (let offset = 0; offset + 12 <= Math.min(kernel.length, 8192); offset += 4) {
    if (view.getUint32(offset, true) !== 0x1badb002) continue;
    const flags = view.getUint32(offset + 4, true);
    if ((0x1badb002 + flags + view.getUint32(offset + 8, true)) % 2 ** 32 === 0) return { offset, flags };
  }
  return null;
}

const page = (n: number) => (n + 4095) & ~4095;

function addMultiboot(fwCfg: FwCfg, config: DomainConfig, images: FirmwareImages, kernel: Uint8Array, header: MultibootHeader, lowMemory: number): void {
  const view = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  const { entry, address, image } = header.flags & 0x10000 ? loadPlain(kernel, view, header.offset) : loadElf(kernel, view);

  const modules = images.modules ?? (images.initrd ? [{ bytes: images.initrd, commandLine: config.boot.initrd }] : []);
  const kernelName = config.boot.kernel.replace(/^file:/, "") || "kernel";
  const commandLine = text(`${kernelName} ${config.boot.append}`);
  const loader = text("guesthouse");
  const strings = modules.map((m) => text(m.commandLine));
  // Layout after the kernel, as QEMU: module structures, strings, boot loader name, then each module on its own pages.
  const tableAt = page(image.length);
  let at = tableAt + 16 * modules.length;
  const stringAt = strings.map((s) => {
    const here = at;
    at += s.length;
    return here;
  });
  const commandAt = at;
  at += commandLine.length;
  const loaderAt = at;
  at = page(at + loader.length);
  const moduleAt = modules.map((m) => {
    const here = at;
    at = page(at + m.bytes.length);
    return here;
  });
  if (address + at > lowMemory - ACPI_DATA) tooLarge(modules.length > 0 ? "kernel with its modules" : "kernel", at, config);
  const blob = new Uint8Array(at);
  const out = new DataView(blob.buffer);
  blob.set(image);
  modules.forEach((m, i) => {
    const start = moduleAt[i] as number;
    blob.set(m.bytes, start);
    blob.set(strings[i] as Uint8Array, stringAt[i] as number);
    out.setUint32(tableAt + 16 * i, address + start, true);
    out.setUint32(tableAt + 16 * i + 4, address + start + m.bytes.length, true);
    out.setUint32(tableAt + 16 * i + 8, address + (stringAt[i] as number), true);
  });
  blob.set(commandLine, commandAt);
  blob.set(loader, loaderAt);

  const info = new Uint8Array(88);
  const mbi = new DataView(info.buffer);
  mbi.setUint32(0, 0x1 | 0x2 | 0x4 | 0x8 | 0x40 | 0x200, true);
  mbi.setUint32(12, 0x8000ffff, true);
  mbi.setUint32(16, address + commandAt, true);
  mbi.setUint32(20, modules.length, true);
  mbi.setUint32(24, address + tableAt, true);
  mbi.setUint32(48, 0x9000, true); // the option ROM puts the memory map there
  mbi.setUint32(64, address + loaderAt, true);

  fwCfg.addU32(FW_CFG.KERNEL_ENTRY, entry);
  fwCfg.addU32(FW_CFG.KERNEL_ADDR, address);
  fwCfg.addU32(FW_CFG.KERNEL_SIZE, blob.length);
  fwCfg.add(FW_CFG.KERNEL_DATA, blob);
  fwCfg.addU32(FW_CFG.INITRD_ADDR, 0x9500);
  fwCfg.addU32(FW_CFG.INITRD_SIZE, info.length);
  fwCfg.add(FW_CFG.INITRD_DATA, info);
}

interface Loaded {
  readonly entry: number;
  readonly address: number;
  readonly image: Uint8Array;
}
const MOST_IMAGE = 0x40000000;
function badMultiboot(detail: string): never {
  throw new FaultError("boot.multiboot", `The Multiboot kernel cannot be loaded: ${detail}.`, "Is the file complete, and linked for Multiboot 1?");
}

/** The header gives the addresses (a.out kludge). */
function loadPlain(kernel: Uint8Array, view: DataView, at: number): Loaded {
  if (at + 32 > kernel.length) badMultiboot("its header is truncated");
  const [headerAddress, load, loadEnd, bssEnd, entry] = [12, 16, 20, 24, 28].map((o) => view.getUint32(at + o, true)) as [number, number, number, number, number];
  if (headerAddress < load) badMultiboot("load_addr is above header_addr");
  const from = at - (headerAddress - load);
  if (from < 0) badMultiboot("its header lies before its beginning");
  if (loadEnd && loadEnd < load) badMultiboot("load_end_addr is below load_addr");
  const size = loadEnd ? loadEnd - load : kernel.length - from;
  if (from + size > kernel.length) badMultiboot("the file is shorter than load_end_addr says");
  if (bssEnd && bssEnd < load + size) badMultiboot("bss_end_addr is below the end of the file");
  const total = bssEnd ? bssEnd - load : size;
  if (total > MOST_IMAGE) badMultiboot("it is larger than 1 GiB");
  const image = new Uint8Array(total);
  image.set(kernel.subarray(from, from + size));
  return { entry, address: load, image };
}
function loadElf(kernel: Uint8Array, view: DataView): Loaded {
  if (kernel.length < 52 || view.getUint32(0) !== 0x7f454c46) badMultiboot("it is not an ELF file and its header has no addresses");
  if (view.getUint8(4) !== 1 || view.getUint16(18, true) === 62)
    throw new FaultError("boot.multiboot.elf64", "The Multiboot kernel is a 64-bit ELF file.", "Multiboot 1 starts 32-bit ELF files; objcopy -O elf32-i386 converts one.");
  if (view.getUint16(18, true) !== 3) refuseElf(view);
  const entry = view.getUint32(24, true);
  const table = view.getUint32(28, true);
  const size = view.getUint16(42, true);
  const count = view.getUint16(44, true);
  const segments: { offset: number; physical: number; file: number; memory: number }[] = [];
  let low = Infinity;
  let high = 0;
  let entryPhysical = entry;
  for (let i = 0; i < count; i++) {
    const at = table + i * size;
    if (size < 32 || at + 32 > kernel.length) badMultiboot("its program headers are truncated");
    if (view.getUint32(at, true) !== 1) continue;
    const [offset, virtual, physical, file, memory] = [4, 8, 12, 16, 20].map((o) => view.getUint32(at + o, true)) as [number, number, number, number, number];
    if (memory === 0) continue;
    if (offset + file > kernel.length || file > memory) badMultiboot("a segment lies outside the file");
    if (entry >= virtual && entry < virtual + memory) entryPhysical = entry - virtual + physical;
    segments.push({ offset, physical, file, memory });
    low = Math.min(low, physical);
    high = Math.max(high, physical + memory);
  }
  if (segments.length === 0) badMultiboot("it has nothing to load");
  if (high - low > MOST_IMAGE) badMultiboot("its segments are more than 1 GiB apart");
  const image = new Uint8Array(high - low);
  for (const s of segments) image.set(kernel.subarray(s.offset, s.offset + s.file), s.physical - low);
  return { entry: entryPhysical, address: low, image };
}
