// QEMU's command line as a face of DomainConfig: one row per flag with its help, and every flag or sub-option that we do not
// support refused by name. From QEMU's invocation manual (docs/system/invocation). The other direction is qemu-flags-print.ts.

import { domainSchema } from "../contract/domain.ts";
import { FaultError } from "../contract/schema.ts";
import { flagsOfCommandLine } from "./command-line.ts";
import { addChardev, addDevice, addDrive, addSerial, attach, badValue, chardevOf, type Draft, type Flag, FLOPPIES, type KnownDevice, type ParsedFlags, placeSerialDevices, pluggableDevices, POSITIONS, setDebugcon, simpleDrive, sourceOf, splitOptions, unsupported, onOff, wholeNumber } from "./qemu-flags-parts.ts";
import { refusedFlags } from "./qemu-flags-refused.ts";

export { type KnownDevice, type ParsedFlags, pluggableDevices, type Session, sourceOf } from "./qemu-flags-parts.ts";

// ---- values of single flags ------------------------------------------------------------------------------------------

function memoryMiB(text: string): number {
  const match = /^(\d+)([kKmMgGtT]?)([iI]?[bB])?$/.exec(text);
  if (!match) return badValue("m", text, "an amount of memory, such as 256, 512M or 1G");
  const unit = (match[2] || "M").toLowerCase();
  return Math.ceil((Number(match[1]) * 1024 ** " kmgt".indexOf(unit)) / 1024 ** 2);
}
function setAccel(draft: Draft, value: string): void {
  const options = splitOptions("accel", value, "accel");
  for (const [key, v] of options) {
    if (key !== "accel") unsupported(`-accel ${key}=`, "Leave it out.");
    if (v === "interp" || v === "jit") draft.domain.cpu.accel = v;
    else if (v.split(":")[0] === "kvm" || v === "hax" || v === "whpx" || v === "hvf" || v === "nvmm" || v === "xen")
      unsupported(`-accel ${v}`, "There is no hardware virtualization here: use interp or jit.");
    else if (v === "tcg") unsupported("-accel tcg", "TCG is QEMU's own translator: use jit (ours) or interp.");
    else badValue("accel", v, "interp or jit");
  }
}
function setMachine(draft: Draft, value: string): void {
  for (const [key, v] of splitOptions("machine", value, "type")) {
    if (key === "type") {
      if (v === "help") draft.session.wants = "machine-help";
      else if (v !== "pc" && v !== "pc-i440fx") unsupported(`-machine ${v}`, "The machine is pc (i440FX and PIIX3); there is no other.");
    } else if (key === "accel") setAccel(draft, v);
    else if (key === "pcspk-audiodev") draft.speakers.push(v);
    else unsupported(`-machine ${key}=`, "Leave it out.");
  }
}
function setBoot(draft: Draft, value: string): void {
  for (const [key, v] of splitOptions("boot", value, "order")) {
    if (key === "order") {
      if (!/^[a-dn]+$/.test(v) || new Set(v).size !== v.length) badValue("boot", v, "a list of the letters a, b, c, d and n, each once");
      draft.domain.boot.order = v;
    } else if (key === "menu") draft.domain.boot.menu = onOff("boot", key, v);
    else unsupported(`-boot ${key}=`, key === "once" ? "Use order=, and change it after the first boot." : "Use order= and menu=.");
  }
}
function setMonitor(draft: Draft, id: string): void {
  const { to, mux } = chardevOf(draft, id);
  if (to === "stdio") draft.monitor = mux ? "mux" : "stdio";
  else if (to === "null") draft.monitor = "none";
  else if (to !== "vc") unsupported("A monitor on a file", "Use -chardev stdio.");
}

// ---- the table -------------------------------------------------------------------------------------------------------

export const flagTable: readonly Flag[] = [
  { name: "m", argument: "[size=]SIZE", help: "memory in MiB, or with K, M, G", apply: (d, v) => {
    for (const [key, size] of splitOptions("m", v, "size")) {
      if (key !== "size") unsupported(`-m ${key}=`, "Memory cannot be added later: give all of it as size.");
      d.domain.memoryMiB = memoryMiB(size);
    }
  } },
  { name: "smp", argument: "N", help: "number of processors (1)", apply: (d, v) => {
    for (const [key, n] of splitOptions("smp", v, "cpus")) {
      if (!["cpus", "cores", "threads", "sockets", "dies", "clusters", "maxcpus"].includes(key)) unsupported(`-smp ${key}=`);
      if (wholeNumber("smp", n) !== 1) unsupported(`-smp ${v}`, "This version has one processor: use -smp 1, or leave it out.");
    }
    d.domain.cpu.count = 1;
  } },
  { name: "cpu", argument: "MODEL[,+FLAG][,-FLAG]", help: "processor model and features", apply: (d, v) => {
    if (v === "help" || v === "?") d.session.wants = "cpu-help";
    else if (v.split(",")[0] === "host") unsupported("-cpu host", "The guest's processor is emulated: use -cpu max.");
    else d.domain.cpu.model = v;
  } },
  { name: "kernel", argument: "FILE", help: "boot this Linux bzImage or Multiboot kernel", apply: (d, v) => { d.domain.boot.kernel = sourceOf(v); } },
  { name: "initrd", argument: "FILE", help: "initial RAM disk, or Multiboot modules: \"FILE ARGS,FILE…\"", apply: (d, v) => {
    d.domain.boot.initrd = v.split(",").map((part) => sourceOf(part.trim())).join(",");
  } },
  {
    name: "incoming",
    argument: "file:FILE",
    help: "continue a saved machine (.ghvm) instead of booting",
    apply: (d, v) => {
      if (!v.startsWith("file:")) unsupported(`-incoming ${v.split(":")[0]}:`, "Use -incoming file:NAME.");
      d.domain.boot.resume = sourceOf(v.slice(5));
    },
  },
  { name: "loadvm", argument: "NAME", help: "start from a snapshot of the qcow2 disks", apply: (d, v) => { d.session.loadVm = v; } },
  { name: "append", argument: "TEXT", help: "kernel command line", apply: (d, v) => { d.domain.boot.append = v; } },
  { name: "bios", argument: "FILE", help: "system firmware (none: start the boot sector directly)", apply: (d, v) => {
    d.domain.firmware.bios = v === "none" || v === "seabios" ? v : sourceOf(v);
  } },
  simpleDrive("hda", "ide0-master", "disk", "first IDE disk"),
  simpleDrive("hdb", "ide0-slave", "disk", "second IDE disk"),
  simpleDrive("hdc", "ide1-master", "disk", "third IDE disk"),
  simpleDrive("hdd", "ide1-slave", "disk", "fourth IDE disk"),
  simpleDrive("cdrom", "ide1-master", "cdrom", "CD-ROM (in the place of -hdc)"),
  simpleDrive("fda", "floppy0", "floppy", "first floppy disk"),
  simpleDrive("fdb", "floppy1", "floppy", "second floppy disk"),
  { name: "drive", argument: "file=FILE[,if=ide|floppy|none][,id=ID][,index=N][,media=disk|cdrom][,format=FORMAT][,cache=MODE][,snapshot=on][,readonly=on]", help: "a drive", apply: addDrive },
  { name: "snapshot", help: "keep all disk writes in memory", apply: (d) => { d.snapshotAll = true; } },
  { name: "boot", argument: "[order=]LETTERS[,menu=on]", help: "boot order: a, b floppy; c disk; d CD-ROM; n network", apply: setBoot },
  { name: "serial", argument: "stdio|mon:stdio|file:NAME|chardev:ID|null|none", help: "what the next serial port is connected to", apply: addSerial },
  { name: "monitor", argument: "stdio|none", help: "where the monitor is", apply: (d, v) => {
    if (v === "stdio") d.monitor = "stdio";
    else if (v.startsWith("chardev:")) setMonitor(d, v.slice(8));
    else if (v === "none" || v === "null") d.monitor = "none";
    else if (v !== "vc" && !v.startsWith("vc:")) unsupported(`-monitor ${v.split(":")[0]}`, "Use stdio or none.");
  } },
  { name: "mon", argument: "[chardev=]ID[,mode=readline]", help: "the monitor is on that character device", apply: (d, v) => {
    for (const [key, value] of splitOptions("mon", v, "chardev")) {
      if (key === "chardev") setMonitor(d, value);
      else if (key !== "mode" || value !== "readline") unsupported(`-mon ${key}=${value}`, "The monitor is QEMU's readline one.");
    }
  } },
  { name: "chardev", argument: "stdio|file|null|vc,id=NAME[,mux=on][,path=FILE]", help: "a character device, for -serial chardev:NAME, -mon and -device", apply: addChardev },
  { name: "debugcon", argument: "stdio|file:NAME|chardev:ID", help: "debug console at ports 0xE9 and 0x402", apply: (d, v) => setDebugcon(d, v.startsWith("chardev:") ? chardevOf(d, v.slice(8)).to : v) },
  { name: "parallel", argument: "none", help: "there is no parallel port", apply: (_, v) => {
    if (v !== "none" && v !== "null") unsupported(`-parallel ${v}`, "There is no parallel port: use none.");
  } },
  { name: "net", argument: "none", help: "there is no network yet", apply: (_, v) => {
    if (v !== "none") unsupported(`-net ${v.split(",")[0]}`, "There is no network yet: use -net none.");
  } },
  { name: "nic", argument: "none", help: "there is no network yet", apply: (_, v) => {
    if (v !== "none") unsupported(`-nic ${v.split(",")[0]}`, "There is no network yet: use -nic none.");
  } },
  { name: "audiodev", argument: "none,id=NAME", help: "a terminal is silent; the page plays the PC speaker", apply: (d, v) => {
    for (const [key, value] of splitOptions("audiodev", v, "driver")) {
      if (key === "driver" && value !== "none") unsupported(`-audiodev ${value}`, "A terminal is silent: use none. The page plays the PC speaker by itself.");
      else if (key === "id") d.audio.add(value);
      else if (key !== "driver") unsupported(`-audiodev ${key}=`, "Leave it out.");
    }
  } },
  { name: "nodefaults", help: "no serial port and no display unless asked for", apply: (d) => { d.nodefaults = true; } },
  { name: "nographic", help: "serial port and monitor share the terminal", apply: (d) => { d.nographic = true; } },
  { name: "display", argument: "none", help: "show no picture", apply: (d, v) => {
    if (v !== "none") unsupported(`-display ${v.split(",")[0]}`, "A terminal shows no picture: use none, and -screendump.");
    d.session.display = "none";
  } },
  { name: "vga", argument: "std|none", help: "display adapter", apply: (d, v) => {
    if (v === "std" || v === "none") d.vga = v;
    else unsupported(`-vga ${v}`, "Use std or none.");
  } },
  { name: "device", argument: "TYPE[,OPTION=VALUE…]", help: "add a device (help lists them)", apply: addDevice },
  { name: "global", argument: "DRIVER.PROPERTY=VALUE", help: "default of a -device's option; also isa-debugcon.iobase=0x402 and VGA.romfile=FILE", apply: (d, v) => {
    const match = /^([^.=]+)\.([^=]+)=(.*)$/.exec(v);
    if (!match) return badValue("global", v, "DRIVER.PROPERTY=VALUE");
    const [, driver = "", property = "", to = ""] = match;
    if (driver === "isa-debugcon" && property === "iobase" && (Number(to) === 0x402 || Number(to) === 0xe9)) return;
    if (driver === "VGA" && property === "romfile") d.domain.firmware.vgaBios = to === "seavgabios" ? to : sourceOf(to);
    else if (d.known.some((device) => device.name === driver)) d.globals.push({ driver, property, to });
    else unsupported(`-global ${driver}.${property}`);
  } },
  { name: "no-reboot", help: "leave instead of rebooting", apply: (d) => { d.domain.noReboot = true; } },
  { name: "no-shutdown", help: "stop instead of leaving at power off", apply: (d) => { d.session.noShutdown = true; } },
  { name: "rtc", argument: "[base=utc|localtime|DATE][,clock=host|vm]", help: "start of the clock", apply: (d, v) => {
    for (const [key, value] of splitOptions("rtc", v)) {
      if (key === "base") {
        if (value !== "utc" && value !== "localtime" && !Number.isFinite(Date.parse(value))) badValue("rtc", `base=${value}`, "utc, localtime or a date");
        d.domain.clock.base = value;
      } else if (key === "clock") {
        if (value !== "host" && value !== "vm") unsupported(`-rtc clock=${value}`, "Guest time drives the clock: host (-icount absent) or vm.");
      } else unsupported(`-rtc ${key}=`, "Use base=.");
    }
  } },
  { name: "icount", argument: "shift=N|auto", help: "time follows instructions: 2^N ns each; repeatable", apply: (d, v) => {
    d.domain.clock.mode = "instructions";
    for (const [key, value] of splitOptions("icount", v, "shift")) {
      if (key === "shift") {
        const n = value === "auto" ? 3 : wholeNumber("icount", value);
        if (n > 10) badValue("icount", value, "a whole number from 0 to 10");
        d.domain.clock.shift = n;
      } else unsupported(`-icount ${key}=`, "Use shift=.");
    }
  } },
  { name: "d", argument: "ITEM[,ITEM…]", help: "log items (help lists them); instructions in Intel syntax", apply: (d, v) => {
    if (v === "help" || v === "?") d.session.wants = "debug-help";
    else if (v === "trace:help") d.session.wants = "trace-help";
    else d.session.debugItems = v.split(",").filter((item) => item !== "");
  } },
  { name: "trace", argument: "KIND[,KIND…][,file=FILE]", help: "record events (help lists them); also events=FILE, format=log|csv|perfetto, address=, rate=, every=", apply: (d, v) => {
    if (v === "help" || v === "?") d.session.wants = "trace-help";
    else d.session.traces = [...d.session.traces, v];
  } },
  { name: "D", argument: "FILE", help: "write the log here", apply: (d, v) => { d.session.logFile = v; } },
  { name: "name", argument: "NAME", help: "name of the machine", apply: (d, v) => {
    for (const [key, value] of splitOptions("name", v, "guest")) {
      if (key !== "guest") unsupported(`-name ${key}=`, "Give the name only.");
      d.domain.name = value;
    }
  } },
  { name: "S", help: "do not start before the monitor's cont", apply: (d) => { d.session.startPaused = true; } },
  { name: "s", help: "short for -gdb tcp::1234", apply: (d) => { d.session.gdb = "tcp::1234"; } },
  { name: "gdb", argument: "tcp:[HOST]:PORT", help: "serve gdb there (target remote :PORT)", apply: (d, v) => { d.session.gdb = v === "none" ? "" : v; } },
  { name: "accel", argument: "interp|jit", help: "how guest code runs", apply: setAccel },
  { name: "machine", alias: "M", argument: "pc[,accel=interp|jit][,pcspk-audiodev=ID]", help: "kind of machine", apply: setMachine },
  { name: "L", argument: "DIRECTORY", help: "where firmware is", apply: (d, v) => { d.session.firmwareDirectory = v; } },
  { name: "screendump", argument: "FILE.png", help: "write the last picture at the end (Guesthouse)", apply: (d, v) => { d.session.screendump = v; } },
  { name: "stats", argument: "FILE.json", help: "write counters at the end (Guesthouse)", apply: (d, v) => { d.session.stats = v; } },
  { name: "help", alias: "h", help: "this list", apply: (d) => { d.session.wants = "help"; } },
  { name: "version", help: "version", apply: (d) => { d.session.wants = "version"; } },
];
const byName = new Map<string, Flag>(flagTable.flatMap((flag) => [[flag.name, flag] as const, ...(flag.alias ? [[flag.alias, flag] as const] : [])]));

export function flagHelp(): string {
  return flagTable
    .map((flag) => {
      const left = `-${flag.name}${flag.alias ? ` or -${flag.alias}` : ""}${flag.argument ? ` ${flag.argument}` : ""}`;
      return left.length < 30 ? `${left.padEnd(31)}${flag.help}` : `${left}\n${" ".repeat(31)}${flag.help}`;
    })
    .join("\n");
}

// ---- parsing ---------------------------------------------------------------------------------------------------------

export function parseFlags(words: readonly string[], known: readonly KnownDevice[] = pluggableDevices): ParsedFlags {
  const draft: Draft = {
    domain: {
      name: "guest",
      memoryMiB: 128,
      cpu: { model: "qemu64", count: 1, accel: "jit" },
      clock: { mode: "wall", shift: 3, base: "utc" },
      firmware: { bios: "seabios", vgaBios: "seavgabios", debug: false },
      boot: { order: "cad", menu: false, kernel: "", initrd: "", append: "", resume: "" },
      noReboot: false,
    },
    session: {
      monitor: "none",
      serialOnStdio: false,
      debugcon: "",
      debugItems: [],
      logFile: "",
      traces: [],
      gdb: "",
      screendump: "",
      stats: "",
      startPaused: false,
      loadVm: "",
      noShutdown: false,
      display: "default",
      firmwareDirectory: "",
      wants: "machine",
    },
    disks: new Map(),
    drives: [],
    loose: new Map(),
    taken: new Set(),
    driveDevices: [],
    chardevs: new Map(),
    serialDevices: [],
    devices: [],
    globals: [],
    vga: null,
    serial: null,
    monitor: null,
    nographic: false,
    nodefaults: false,
    snapshotAll: false,
    audio: new Set(),
    speakers: [],
    known,
  };
  const said: (() => void)[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (!word.startsWith("-") || word === "-") {
      said.push(() => attach(draft, "ide0-master", { media: "disk", source: sourceOf(word), readOnly: false, snapshot: false }));
      continue;
    }
    const name = word.replace(/^--?/, "");
    const flag = byName.get(name);
    if (!flag) {
      if (Object.hasOwn(refusedFlags, name)) unsupported(`-${name}`, refusedFlags[name]);
      const near = [...byName.keys()].find((other) => other.length > 2 && (other.startsWith(name) || name.startsWith(other)));
      throw new FaultError("flags.unknown", `There is no flag -${name}.`, near ? `Did you mean -${near}?` : "See -help.");
    }
    let value = "";
    if (flag.argument !== undefined) {
      const next = words[++i];
      if (next === undefined) throw new FaultError("flags.argument", `-${name} needs an argument: ${flag.argument}.`);
      value = next;
    }
    // What others name comes first, wherever it stands.
    if (name === "chardev") flag.apply(draft, value);
    else said.push(() => flag.apply(draft, value));
  }
  for (const apply of said) apply();
  for (const place of [...draft.drives, ...draft.driveDevices]) place();
  placeSerialDevices(draft);
  for (const id of draft.loose.keys()) if (!draft.taken.has(id)) throw new FaultError("flags.drive-id", `No device has the drive "${id}".`, `Add -device ide-hd,drive=${id}, or leave if=none out.`);
  for (const id of draft.speakers) if (!draft.audio.has(id)) throw new FaultError("flags.audiodev", `There is no audio device "${id}".`, `Give -audiodev none,id=${id} too.`);
  // As QEMU's: the last one counts, and a device's own option more.
  for (const { driver, property, to } of draft.globals.toReversed()) for (const device of draft.devices) if (device.type === driver) device.options[property] ??= to;
  return finish(draft);
}

function finish(draft: Draft): ParsedFlags {
  const { session } = draft;
  if (draft.nographic) {
    session.display = "none";
    if (draft.serial === null && !draft.nodefaults) {
      if (draft.monitor === "stdio") draft.serial = ["null"];
      else {
        draft.serial = ["stdio"];
        draft.monitor ??= "mux";
      }
    }
  }
  const serial = draft.serial ?? (draft.nodefaults ? [] : ["console"]);
  session.serialOnStdio = serial.includes("stdio");
  // A shared terminal that no port shares is the monitor's.
  session.monitor = draft.monitor === "mux" && !session.serialOnStdio ? "stdio" : (draft.monitor ?? "none");
  if (serial.filter((port) => port === "stdio").length > 1 || (session.monitor === "stdio" && session.serialOnStdio))
    throw new FaultError("flags.stdio", "Two things want the terminal.", "Use -serial mon:stdio to share it between serial port and monitor.");
  const order = [...POSITIONS, ...FLOPPIES];
  const disks = [...draft.disks.values()]
    .sort((a, b) => order.indexOf(a.at) - order.indexOf(b.at))
    .map((disk) => (draft.snapshotAll && disk.source !== "" && !disk.readOnly ? { ...disk, snapshot: true } : disk));
  if (draft.domain.boot.append !== "" && draft.domain.boot.kernel === "")
    throw new FaultError("flags.append", "-append only works with -kernel.", "With a boot loader, edit the kernel's command line there.");
  if (draft.domain.boot.initrd !== "" && draft.domain.boot.kernel === "") throw new FaultError("flags.initrd", "-initrd only works with -kernel.");
  const domain = domainSchema.parse(
    { ...draft.domain, vga: draft.vga ?? (draft.nodefaults ? "none" : "std"), serial, disks, devices: draft.devices },
    "machine",
  );
  return { domain, session };
}

/** A whole command line as found in a book, with or without the program's name. */
export function parseCommandLine(text: string, known?: readonly KnownDevice[]): ParsedFlags {
  return parseFlags(flagsOfCommandLine(text), known);
}
