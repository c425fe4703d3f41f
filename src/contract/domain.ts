// One plain object describes a machine. QEMU flags, libvirt XML, the form and the link are faces of it (architecture 7).

import { boolean, choice, FaultError, type Infer, integer, list, object, optional, type Schema, string } from "./schema.ts";

/** All RAM of a machine, its video memory and its ROMs lie in one WebAssembly memory of 4 GiB. */
export const MOST_MEMORY_MIB = 3584;
function memory(): Schema<number> {
  const plain = integer("RAM in MiB", 1, MOST_MEMORY_MIB);
  return {
    ...plain,
    parse: (input, path) => {
      try {
        return plain.parse(input, path);
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        throw new FaultError(error.fault.code, error.fault.message, `A machine can have 1 to ${MOST_MEMORY_MIB} MiB (${MOST_MEMORY_MIB / 1024} GiB) of memory: the pool it is taken from ends there.`);
      }
    },
  };
}

export const device = object("a device by type, with its options", {
  type: string("device type, as in the registry"),
  id: optional(string("id, unique in the machine"), ""),
  options: optional({ summary: "options of the type", kind: { type: "object", fields: {} }, parse: (v) => v as Readonly<Record<string, unknown>> }, {} as Readonly<Record<string, unknown>>),
});
/** Formats that image files can have; "auto" looks. */
export const DISK_FORMATS = ["auto", "raw", "qcow2", "vmdk", "vdi", "vpc", "vhdx", "qed", "parallels", "cloop", "cow"] as const;
export const CACHE_MODES = ["writeback", "none", "unsafe", "writethrough", "directsync"] as const;
export const disk = object("a drive", {
  /** "ide0-master" … "ide1-slave", "floppy0", "floppy1" */
  at: choice("where it is attached", ["ide0-master", "ide0-slave", "ide1-master", "ide1-slave", "floppy0", "floppy1"]),
  media: choice("kind of medium", ["disk", "cdrom", "floppy"]),
  /** Names a source for the block backends: "file:PATH", "library:ID", "url:HTTP…", "chunks:HTTP…#sha256=HASH", "memory:BYTES", "" = empty drive. */
  source: string("where the bytes come from"),
  format: optional(choice("image format", DISK_FORMATS), "auto" as const),
  /** As QEMU's cache=: whether writes wait for the disk below, and whether the guest's flushes count. */
  cache: optional(choice("when a write is done", CACHE_MODES), "writeback" as const),
  readOnly: optional(boolean("refuse writes"), false),
  /** Writes go to memory and are lost at the end. */
  snapshot: optional(boolean("keep writes in memory only"), false),
});
export const domainSchema = object("a machine", {
  name: string("name"),
  memoryMiB: memory(),
  cpu: object("processor", {
    model: string("CPU model name, with +flag,-flag"),
    count: integer("processors", 1, 1),
    accel: choice("how guest code runs", ["interp", "jit"]),
  }),
  clock: object("time", {
    mode: choice("what drives guest time", ["wall", "instructions"]),
    /** instructions mode: one instruction lasts 2^shift ns (QEMU's -icount shift=N). */
    shift: optional(integer("log2 of ns per instruction", 0, 10), 3),
    base: optional(string("RTC start: utc, localtime or an ISO date"), "utc"),
  }),
  firmware: object("what runs first", {
    /** "seabios", "none" (the boot sector of the first disk is put at 0:7C00), or a source string. */
    bios: optional(string("system firmware"), "seabios"),
    vgaBios: optional(string("video firmware"), "seavgabios"),
    debug: optional(boolean("show firmware messages of port 0x402"), false),
  }),
  boot: object("what to boot", {
    order: optional(string("letters a c d n, as QEMU's -boot order"), "cad"),
    menu: optional(boolean("offer SeaBIOS' boot menu"), false),
    kernel: optional(string("bzImage or Multiboot 1 ELF (source)"), ""),
    initrd: optional(string("initial RAM disk or multiboot modules (source, comma separated with arguments)"), ""),
    append: optional(string("kernel command line"), ""),
    resume: optional(string("saved machine that power-on continues instead of booting (source)"), ""),
  }),
  vga: choice("display adapter", ["std", "none"]),
  serial: optional(list("backends of COM1-COM4: console, null, file:PATH, stdio, none", string("backend")), ["console"] as readonly string[]),
  disks: optional(list("drives", disk), [] as readonly Infer<typeof disk>[]),
  devices: optional(list("further devices", device), [] as readonly Infer<typeof device>[]),
  noReboot: optional(boolean("power off instead of reset"), false),
});
export type DomainConfig = Infer<typeof domainSchema>;
