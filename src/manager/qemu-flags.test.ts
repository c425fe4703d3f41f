// Command lines as course books, wikis and projects give them; golden faults; round trips.
import { describe, expect, test } from "vitest";
import { FaultError } from "../contract/schema.ts";
import { splitCommandLine } from "./command-line.ts";
import { flagHelp, flagTable, parseCommandLine, parseFlags } from "./qemu-flags.ts";
import { domainToCommandLine, domainToFlags } from "./qemu-flags-print.ts";

/** Accepted lines. Paths and values differ from book to book; the shapes are what people paste. */
const accepted = [
  "qemu-system-x86_64 -m 512 -hda disk.img",
  "qemu-system-i386 -fda floppy.img",
  "qemu-system-i386 -fda boot.bin -boot a",
  "qemu-system-x86_64 boot.bin",
  "qemu-system-x86_64 -drive format=raw,file=boot_sect.bin",
  "qemu-system-i386 -drive file=os.img,index=0,if=floppy,format=raw",
  "qemu -cdrom os.iso",
  "qemu-system-i386 -cdrom myos.iso -boot d -m 64",
  "qemu-system-x86_64 -cdrom debian.iso -hda disk.img -boot order=dc -m 1G",
  "qemu-system-i386 -kernel kernel.bin",
  'qemu-system-i386 -kernel myos.bin -initrd "module1 arg1 arg2,module2" -append "root=/dev/ram"',
  "qemu-system-x86_64 -kernel bzImage -initrd rootfs.cpio.gz -append 'console=ttyS0 quiet' -nographic",
  "qemu-system-x86_64 -kernel arch/x86/boot/bzImage -hda rootfs.img -append \"root=/dev/sda console=ttyS0\" -serial stdio",
  "qemu-system-x86_64 -kernel bzImage -append 'console=ttyS0 panic=1' -no-reboot -nographic -m 256M",
  "qemu-system-x86_64 \\\n  -kernel bzImage \\\n  -append 'earlyprintk=serial,ttyS0' \\\n  -serial mon:stdio \\\n  -display none",
  "qemu-system-i386 -serial mon:stdio -drive file=fs.img,index=1,media=disk,format=raw -drive file=xv6.img,index=0,media=disk,format=raw -smp 1 -m 512",
  "qemu-system-i386 -nographic -drive file=fs.img,index=1,media=disk,format=raw -drive file=xv6.img,index=0,media=disk,format=raw -m 512",
  "qemu-system-i386 -drive file=obj/kern/kernel.img,index=0,media=disk,format=raw -serial mon:stdio -D qemu.log",
  "qemu-system-i386 -device isa-debug-exit -hda pintos.dsk -m 4 -net none -nographic -monitor none",
  "qemu-system-x86_64 -drive format=raw,file=bootimage.bin -device isa-debug-exit,iobase=0xf4,iosize=0x04 -serial stdio -display none",
  "qemu-system-x86_64 -device edu -kernel bzImage -nographic",
  "qemu-system-x86_64 -device edu,id=edu0 -m 1024 -hda hd.img -snapshot",
  "qemu-system-x86_64 -nodefaults -device pc-testdev -device isa-debug-exit,iobase=0xf4,iosize=0x4 -vga none -serial stdio -kernel x86/vmexit.flat -smp 1",
  "qemu-system-x86_64 -debugcon stdio -global isa-debugcon.iobase=0x402 -hda disk.img",
  "qemu-system-x86_64 -debugcon file:debug.log -fda boot.img",
  "qemu-system-i386 -hda kernel.img -d int,cpu_reset -D log.txt -no-reboot",
  "qemu-system-i386 -hda a.img -hdb b.img -hdc c.img -hdd d.img",
  "qemu-system-x86_64 -hda a.img -cdrom b.iso -fda c.img -fdb d.img",
  "qemu-system-x86_64 -boot menu=on,order=cd -hda x.img",
  "qemu-system-x86_64 -boot c -hda x.img -name test-vm",
  "qemu-system-x86_64 -cpu max -hda x.img",
  "qemu-system-x86_64 -cpu qemu64,+sse4.2,-nx -hda x.img",
  "qemu-system-x86_64 -machine pc -hda x.img",
  "qemu-system-x86_64 -M pc,accel=interp -hda x.img",
  "qemu-system-x86_64 -accel jit -hda x.img",
  "qemu-system-x86_64 -icount shift=7 -hda x.img",
  "qemu-system-x86_64 -icount auto -rtc base=2026-01-01,clock=vm -hda x.img",
  "qemu-system-x86_64 -rtc base=localtime -hda x.img",
  "qemu-system-x86_64 -bios bios.bin -hda x.img",
  "qemu-system-i386 -bios none -fda boot.bin",
  "qemu-system-x86_64 -S -monitor stdio -hda x.img",
  "qemu-system-x86_64 -monitor stdio -serial null -hda x.img",
  "qemu-system-x86_64 -serial file:out.txt -serial stdio -hda x.img",
  "qemu-system-x86_64 -serial none -parallel none -hda x.img",
  "qemu-system-x86_64 -vga std -hda x.img",
  "qemu-system-x86_64 -m size=2G -hda x.img",
  "qemu-system-x86_64 -m 1024M -smp cpus=1,sockets=1,cores=1,threads=1 -hda x.img",
  "qemu-system-x86_64 -nic none -hda x.img",
  "qemu-system-x86_64 -no-shutdown -no-reboot -hda x.img",
  "qemu-system-x86_64 -drive file=x.img,format=raw,snapshot=on",
  "qemu-system-x86_64 -drive file=x.iso,media=cdrom,readonly=on",
  "qemu-system-x86_64 -drive if=ide,bus=1,unit=1,file=x.img,format=raw",
  "qemu-system-x86_64 -drive file=a,,b.img,format=raw",
  "qemu-system-x86_64 -drive file=a.qcow2,format=qcow2,cache=none",
  "qemu-system-x86_64 -hda a.vmdk -drive file=b.vdi,cache=unsafe,snapshot=on",
  "qemu-system-x86_64 -drive media=cdrom,index=2",
  "$ qemu-system-i386 -fda dos622.img -boot a -m 16",
  "sudo qemu-system-x86_64 -hda x.img -m 2048",
  "/usr/bin/qemu-system-x86_64 -hda x.img",
  "qemu-system-x86_64 --kernel bzImage --nographic --append console=ttyS0",
  "qemu-system-i386 -hda https://example.org/freedos.img",
  "qemu-system-x86_64 -kernel bzImage -screendump out.png -stats out.json -display none",
  "qemu-system-i386 -L /usr/share/seabios -hda x.img &",
  "guesthouse -m 64 -hda 'my disk.img'",
  "qemu-system-x86_64 -drive if=none,id=disk0,file=a.qcow2,format=qcow2 -device ide-hd,drive=disk0,bus=ide.0",
  "qemu-system-x86_64 -device ide-cd,drive=cd0 -drive if=none,id=cd0,media=cdrom,file=a.iso",
  "qemu-system-x86_64 -nodefaults -device VGA -device isa-serial,chardev=c -chardev file,id=c,path=serial.log -hda x.img",
  "qemu-system-x86_64 -chardev stdio,id=char0,mux=on -serial chardev:char0 -mon chardev=char0,mode=readline -hda x.img",
  "qemu-system-x86_64 -chardev file,path=seabios.log,id=seabios -device isa-debugcon,iobase=0x402,chardev=seabios -hda x.img",
  "qemu-system-i386 -audiodev none,id=snd -machine pcspk-audiodev=snd -hda x.img",
];

describe("accepted", () => {
  for (const line of accepted)
    test(line.replaceAll("\n", " "), () => {
      const { domain } = parseCommandLine(line);
      expect(parseFlags(domainToFlags(domain)).domain).toEqual(domain);
      expect(parseCommandLine(domainToCommandLine(domain)).domain).toEqual(domain);
    });
  test("there are sixty", () => expect(accepted.length).toBeGreaterThanOrEqual(60));
});

describe("meaning", () => {
  test("drives", () => {
    const { domain } = parseCommandLine("qemu -drive file=b.img,format=raw -hda a.img -cdrom c.iso -fda f.img -snapshot");
    expect(domain.disks.map((d) => [d.at, d.media, d.source, d.readOnly, d.snapshot])).toEqual([
      ["ide0-master", "disk", "file:a.img", false, true],
      ["ide0-slave", "disk", "file:b.img", false, true],
      ["ide1-master", "cdrom", "file:c.iso", true, false],
      ["floppy0", "floppy", "file:f.img", false, true],
    ]);
  });
  test("drives without an interface go where their -device says", () => {
    const places = (line: string) => parseCommandLine(`qemu ${line}`).domain.disks.map((d) => [d.at, d.media, d.source, d.readOnly]);
    const d = "-drive if=none,id=d,file=d.img -drive if=none,id=e,file=e.iso,cache=unsafe";
    // In the order of the flags, behind what -hda and -drive placed.
    expect(places(`${d} -device ide-hd,drive=d -device ide-cd,drive=e -hda a.img`)).toEqual([
      ["ide0-master", "disk", "file:a.img", false],
      ["ide0-slave", "disk", "file:d.img", false],
      ["ide1-master", "cdrom", "file:e.iso", true],
    ]);
    expect(places(`${d} -device ide-hd,drive=d,bus=ide.1,unit=1 -device ide-hd,drive=e,bus=ide.1`)).toEqual([
      ["ide1-master", "disk", "file:e.iso", false],
      ["ide1-slave", "disk", "file:d.img", false],
    ]);
    expect(places("-device ide-cd,unit=1,bus=ide.1")).toEqual([["ide1-slave", "cdrom", "", true]]);
    expect(places("-drive if=none,id=f,file=f.img -device floppy,drive=f,unit=1")).toEqual([["floppy1", "floppy", "file:f.img", false]]);
  });
  test("character devices", () => {
    const what = (line: string) => {
      const { session: s, domain } = parseCommandLine(`qemu ${line}`);
      return [domain.serial, s.monitor, s.debugcon, domain.devices.length];
    };
    // Wherever -chardev stands.
    expect(what("-serial chardev:c -mon c -chardev stdio,id=c,mux=on")).toEqual([["stdio"], "mux", "", 0]);
    expect(what("-nodefaults -chardev stdio,id=m -mon chardev=m")).toEqual([[], "stdio", "", 0]);
    expect(what("-nodefaults -chardev stdio,id=m,mux=on -mon chardev=m")).toEqual([[], "stdio", "", 0]);
    expect(what("-nodefaults -chardev file,id=c,path=a.log -chardev null,id=n -device isa-serial,chardev=c,index=2 -device isa-serial,chardev=n")).toEqual([["null", "none", "file:a.log"], "none", "", 0]);
    expect(what("-chardev file,id=c,path=a.log -device isa-debugcon,iobase=0x402,chardev=c")).toEqual([["console"], "none", "file:a.log", 0]);
    expect(what("-chardev stdio,id=c -device isa-debugcon,iobase=0x510,chardev=c")).toEqual([["console"], "none", "stdio", 1]);
    expect(parseCommandLine("qemu -nodefaults -device VGA").domain.vga).toBe("std");
  });
  test("terminal", () => {
    const session = (line: string) => {
      const { session: s, domain } = parseCommandLine(line);
      return [s.monitor, s.serialOnStdio, domain.serial];
    };
    expect(session("qemu -nographic")).toEqual(["mux", true, ["stdio"]]);
    expect(session("qemu -nographic -monitor none")).toEqual(["none", true, ["stdio"]]);
    expect(session("qemu -nographic -serial mon:stdio")).toEqual(["mux", true, ["stdio"]]);
    expect(session("qemu -serial stdio")).toEqual(["none", true, ["stdio"]]);
    expect(session("qemu -nodefaults")).toEqual(["none", false, []]);
    expect(session("qemu")).toEqual(["none", false, ["console"]]);
  });
  test("memory", () => {
    for (const [text, mib] of [["256", 256], ["512M", 512], ["1G", 1024], ["size=1.5G", 0], ["65536K", 64]] as const)
      if (mib) expect(parseFlags(["-m", text]).domain.memoryMiB).toBe(mib);
      else expect(() => parseFlags(["-m", text])).toThrow("amount of memory");
  });
  test("the rest", () => {
    const { domain, session } = parseCommandLine("qemu -kernel k -append 'a b' -icount shift=0 -d int,exec -D l -device edu,id=e,x=1 -S -debugcon stdio");
    expect(domain.boot).toMatchObject({ kernel: "file:k", append: "a b" });
    expect(domain.clock).toEqual({ mode: "instructions", shift: 0, base: "utc" });
    expect(domain.devices).toEqual([{ type: "edu", id: "e", options: { x: "1" } }]);
    expect(session).toMatchObject({ debugItems: ["int", "exec"], logFile: "l", startPaused: true, debugcon: "stdio" });
  });
  test("-global is the default of a device's options", () => {
    const { domain } = parseCommandLine("qemu -global isa-debug-exit.iobase=0xf4 -device isa-debug-exit,id=a -device isa-debug-exit,iobase=0x600 -global isa-debug-exit.iobase=0x501 -global edu.dma_mask=1");
    expect(domain.devices.map((d) => d.options)).toEqual([{ iobase: "0x501" }, { iobase: "0x600" }]);
  });
  test("every flag has help", () => {
    for (const flag of flagTable) expect(flag.help.length).toBeGreaterThan(3);
    expect(flagHelp()).toContain("-kernel FILE");
  });
});

describe("faults", () => {
  const golden: readonly [string, string, string][] = [
    ["qemu -smp 4", "flags.unsupported", "-smp 4 is not supported."],
    ["qemu -enable-kvm", "flags.unsupported", "-enable-kvm is not supported."],
    ["qemu -accel kvm", "flags.unsupported", "-accel kvm is not supported."],
    ["qemu -accel tcg", "flags.unsupported", "-accel tcg is not supported."],
    ["qemu -machine q35", "flags.unsupported", "-machine q35 is not supported."],
    ["qemu -M pc,usb=on", "flags.unsupported", "-machine usb= is not supported."],
    ["qemu -cpu host", "flags.unsupported", "-cpu host is not supported."],
    ["qemu -drive file=a,if=virtio", "flags.unsupported", "-drive if=virtio is not supported."],
    ["qemu -drive file=a.img,format=bochs", "flags.unsupported", "-drive format=bochs is not supported."],
    ["qemu -drive file=a,aio=threads", "flags.unsupported", "-drive aio= is not supported."],
    ["qemu -drive file=a,index=4", "flags.drive-index", "-drive: there is no place 4 on ide."],
    ["qemu -hdc a -cdrom b", "flags.drive-twice", "Two drives want the place ide1-master."],
    ["qemu -device virtio-net-pci", "flags.unsupported", "-device virtio-net-pci is not supported."],
    ["qemu -netdev user,id=n", "flags.unsupported", "-netdev is not supported."],
    ["qemu -net nic", "flags.unsupported", "-net nic is not supported."],
    ["qemu -chardev socket,id=c,path=x", "flags.unsupported", "-chardev socket is not supported."],
    ["qemu -chardev stdio", "flags.chardev", "-chardev needs an id=."],
    ["qemu -chardev file,id=c", "flags.chardev", "-chardev file needs a path=."],
    ["qemu -chardev stdio,id=c -chardev null,id=c", "flags.chardev", 'Two character devices are called "c".'],
    ["qemu -serial chardev:c", "flags.chardev", 'There is no character device "c".'],
    ["qemu -device isa-serial", "flags.chardev", "-device isa-serial needs a chardev=."],
    ["qemu -chardev null,id=c -serial null -device isa-serial,chardev=c,index=0", "flags.serial", "Two serial ports want to be COM1."],
    ["qemu -drive if=none,file=a", "flags.drive-id", "-drive if=none needs an id=."],
    ["qemu -drive if=none,file=a,id=d", "flags.drive-id", 'No device has the drive "d".'],
    ["qemu -device ide-hd,drive=d", "flags.drive-id", 'There is no drive "d".'],
    ["qemu -device ide-hd", "flags.drive-id", "-device ide-hd needs a drive."],
    ["qemu -drive if=none,file=a,id=d -device ide-hd,drive=d -device ide-cd,drive=d", "flags.drive-id", 'Two devices want the drive "d".'],
    ["qemu -drive if=none,file=a,id=d -device ide-hd,drive=d,bus=ide.2", "flags.drive-index", "-device ide-hd: there is no place ide.2 ."],
    ["qemu -hda b -drive if=none,file=a,id=d -device ide-hd,drive=d,bus=ide.0,unit=0", "flags.drive-twice", "Two drives want the place ide0-master."],
    ["qemu -drive if=none,file=a,id=d -device ide-hd,drive=d,bootindex=1", "flags.unsupported", "-device ide-hd,bootindex= is not supported."],
    ["qemu -audiodev alsa,id=a", "flags.unsupported", "-audiodev alsa is not supported."],
    ["qemu -machine pc,pcspk-audiodev=a", "flags.audiodev", 'There is no audio device "a".'],
    ["qemu -serial pty", "flags.unsupported", "-serial pty is not supported."],
    ["qemu -serial stdio -monitor stdio", "flags.stdio", "Two things want the terminal."],
    ["qemu -boot once=d", "flags.unsupported", "-boot once= is not supported."],
    ["qemu -boot x", "flags.value", '-boot: "x" is not a list of the letters a, b, c, d and n, each once.'],
    ["qemu -m lots", "flags.value", '-m: "lots" is not an amount of memory, such as 256, 512M or 1G.'],
    ["qemu -m 64G", "schema.invalid", "machine.memoryMiB: expected a whole number from 1 to 3584, got 65536"],
    ["qemu -vga cirrus", "flags.unsupported", "-vga cirrus is not supported."],
    ["qemu -display gtk", "flags.unsupported", "-display gtk is not supported."],
    ["qemu -append x", "flags.append", "-append only works with -kernel."],
    ["qemu -kernel", "flags.argument", "-kernel needs an argument: FILE."],
    ["qemu -frobnicate", "flags.unknown", "There is no flag -frobnicate."],
    ["qemu-system-riscv64 -kernel k", "flags.machine", "qemu-system-riscv64 emulates another kind of computer."],
    ["qemu -hda $DISK", "flags.shell", "The command line uses a variable, which only a shell can run."],
    ["qemu -hda a | tee log", "flags.shell", "The command line uses a pipe, which only a shell can run."],
    ["qemu -hda 'a", "flags.quote", "The command line has a ' without its partner."],
    ["qemu -icount shift=99", "flags.value", '-icount: "99" is not a whole number from 0 to 10.'],
    ["qemu -global e1000.mac=x", "flags.unsupported", "-global e1000.mac is not supported."],
  ];
  for (const [line, code, message] of golden)
    test(line, () => {
      try {
        parseCommandLine(line);
      } catch (error) {
        expect(error).toBeInstanceOf(FaultError);
        expect((error as FaultError).fault).toMatchObject({ code, message });
        return;
      }
      throw new Error("was accepted");
    });
});

test("words", () => {
  expect(splitCommandLine(`a 'b c' "d \\"e" f\\ g ''`)).toEqual(["a", "b c", 'd "e', "f g", ""]);
});
