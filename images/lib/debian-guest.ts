// The two Debian guests differ in architecture and kernel flavour only: stock kernel, an initramfs of static BusyBox with the modules that the
// labs need, shells on the serial console and on the VGA screen.

import { domainSchema } from "../../src/contract/domain.ts";
import { need, unpack } from "./debian.ts";
import type { Recipe, Text } from "./guest.ts";
import reseed from "./reseed.json" with { type: "json" };
import { type Entry, makeInitramfs, moduleEntries } from "./initramfs.ts";

/** What the labs use (mission map groups 4, 6, 9): loaded by the person with modprobe, none by itself. */
const MODULES = [
  "kvm", "kvm-intel", "kvm-amd", "virtio*", "9p", "9pnet*", "overlay", "e1000", "loop", "bridge", "tun", "dm-mod", "dm-snapshot", "nbd", "ata_piix",
  "ata_generic", "sd_mod", "sr_mod", "cdrom", "isofs", "ext4", "vfat", "nls_ascii", "nls_cp437", "veth", "macvlan", "macvtap", "msr", "cpuid", "psmouse", "floppy",
];
const INIT = `#!/bin/busybox sh
# First process: mounts, then BusyBox init with shells on the serial console and on the screen.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm /run
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
hostname guesthouse
ifconfig lo 127.0.0.1 2>/dev/null
exec /bin/init
`;
const INITTAB = `::sysinit:/etc/rc
ttyS0::respawn:/etc/shell
tty1::respawn:/etc/shell
::ctrlaltdel:/bin/reboot -f
::shutdown:/bin/umount -a -r
`;
const RC = `#!/bin/sh
dmesg -n 3
/etc/generation &
`;
/**
 * The right time after going on from a saved state, a clone or a link. The kernel reseeds its random numbers by itself when the generation ID changes,
 * but leaves its clock alone; the ACPI event counts in gpe05. The wait starts no process: reading from the pipe that nobody writes to times out.
 */
const GENERATION = `#!/bin/sh
file=/sys/firmware/acpi/interrupts/gpe05
mkfifo /run/never
exec 3<>/run/never
read -r old rest < $file
while true; do
  read -r -t 3 line <&3
  read -r now rest < $file
  [ "$now" = "$old" ] && continue
  old=$now
  hwclock -s -u
done
`;
/** What the snapshot that starts the guest at once is made of: see resume.ts. */
export const RESUME_FLAG = "guesthouse.resume";
const greeting = (version: string) => `echo
echo "BOOT-OK ${version}"
echo "Type commands here. poweroff -f ends the machine."
`;
const SHELL = `#!/bin/sh
export PS1='\\w # ' HOME=/root TERM=vt100 PATH=/bin:/sbin:/usr/bin:/usr/sbin
cd /root
# init has made this a session with its terminal already; a second setsid would fork, and init would start shell after shell.
if [ "$(tty)" = /dev/ttyS0 ] && [ ! -e /run/resumes ] && grep -q ${RESUME_FLAG} /proc/cmdline; then
  ENV=/etc/resumes exec /bin/sh
fi
${greeting("$(uname -srm)")}exec /bin/sh
`;
/** What the interactive shell reads as it begins: whoever resumes goes on in it, with no program left to start. */
const RESUMES = `unset ENV
: > /run/resumes
version=$(uname -srm)
# The snapshot is taken while reseed waits. Free memory is filled with zeros first: they take no space in it.
mkdir -p /run/zeros
mount -t tmpfs -o size=$(($(grep MemFree /proc/meminfo | tr -dc 0-9) - 12000))k zeros /run/zeros
dd if=/dev/zero of=/run/zeros/z bs=64k 2>/dev/null
umount /run/zeros
rmdir /run/zeros
stty -echo
echo GUESTHOUSE-WAITS
# Whoever resumes it sends the date and fresh randomness as the first line.
reseed || echo "The clock or the random numbers are still those of the saved machine."
${greeting("$version")}unset version
`;
const text = (content: string, path: string, mode: number): Entry => ({ path, kind: "file", bytes: Buffer.from(content), mode });

export function debianGuest(options: {
  readonly id: string;
  readonly architecture: "amd64" | "i386";
  readonly metapackage: string;
  readonly title: Text;
  readonly summary: Text;
}): Recipe {
  const { id, architecture, metapackage } = options;
  return {
    id,
    revision: 10,
    packages: true,
    async build({ source, write, used }) {
      const kernel = await source.fetch(metapackage, architecture, /^linux-image-\d/);
      used(kernel);
      const files = await unpack(kernel, (p) => p.startsWith("boot/vmlinuz") || p.startsWith("boot/System.map") || p.startsWith("lib/modules/"));
      const vmlinuz = [...files].find(([path]) => path.startsWith("boot/vmlinuz"))?.[1];
      write("vmlinuz", vmlinuz ?? need(files, "boot/vmlinuz", kernel));
      const busybox = await source.fetch("busybox-static", architecture);
      used(busybox);
      const userland = await unpack(busybox, (p) => p === "bin/busybox" || p === "usr/bin/busybox");
      const binary = userland.get("bin/busybox") ?? need(userland, "usr/bin/busybox", busybox);
      const entries: Entry[] = [
        ...["dev", "proc", "sys", "tmp", "root", "run", "mnt", "etc", "sbin", "usr/bin", "usr/sbin"].map((path): Entry => ({ path, kind: "directory" })),
        { path: "bin/busybox", kind: "file", bytes: binary, mode: 0o755 },
        { path: "bin/sh", kind: "link", target: "busybox" },
        text(INIT, "init", 0o755),
        text(INITTAB, "etc/inittab", 0o644),
        text(RC, "etc/rc", 0o755),
        text(GENERATION, "etc/generation", 0o755),
        text(SHELL, "etc/shell", 0o755),
        text(RESUMES, "etc/resumes", 0o644),
        { path: "bin/reseed", kind: "file", bytes: Buffer.from(reseed.reseed, "base64"), mode: 0o755 },
        text("root:x:0:0:root:/root:/bin/sh\n", "etc/passwd", 0o644),
        text("root:x:0:\n", "etc/group", 0o644),
        ...moduleEntries(files, MODULES),
      ];
      write("initrd.gz", makeInitramfs(entries));
      const config = domainSchema.parse({
        name: id,
        memoryMiB: 512,
        cpu: { model: "qemu64", count: 1, accel: "jit" },
        clock: { mode: "wall" },
        firmware: {},
        boot: {
          kernel: `guest:${id}/vmlinuz`,
          initrd: `guest:${id}/initrd.gz`,
          append: "console=tty0 console=ttyS0 quiet mitigations=off no_timer_check",
        },
        vga: "std",
        devices: [{ type: "vmgenid" }],
      });
      return [{ id, title: options.title, summary: options.summary, config, resumes: true }];
    },
  };
}
