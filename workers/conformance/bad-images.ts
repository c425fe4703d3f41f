// Files that are no good, for tests of the sentences about them: a bzImage that ends early, and bare ELF headers.

/** The first 4 KiB of a bzImage (boot protocol 2.15) whose header announces 2560 + 8000000 bytes. */
export function truncatedKernel(): Uint8Array {
  const kernel = new Uint8Array(4096);
  const view = new DataView(kernel.buffer);
  view.setUint8(0x1f1, 4); // setup sectors
  view.setUint32(0x1f4, 500_000, true); // syssize in paragraphs
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint32(0x202, 0x53726448, true); // "HdrS"
  view.setUint16(0x206, 0x20f, true);
  view.setUint8(0x211, 1); // LOADED_HIGH
  view.setUint32(0x238, 2047, true);
  return kernel;
}
/** An ELF file of class 1 (32 bits) or 2 (64 bits) for a machine, padded to 4 KiB; with `multiboot`, a Multiboot header at 1024. */
export function elfHeader(elfClass: 1 | 2, machine: number, multiboot = false): Uint8Array {
  const file = new Uint8Array(4096);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, elfClass, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  if (multiboot) [0x1badb002, 0, -0x1badb002].forEach((word, i) => view.setUint32(1024 + 4 * i, word, true));
  return file;
}
