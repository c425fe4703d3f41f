// QEMU's command line as a face of DomainConfig: one row per flag with its help, and every flag or sub-option that we do not
// support refused by name. From QEMU's invocation manual (docs/system/invocation). The other direction is qemu-flags-print.ts.

import { CACHE_MODES, DISK_FORMATS, type DomainConfig, domainSchema } from "../contract/domain.ts";
import { FaultError } from "../contract/schema.ts";
import { flagsOfCommandLine } from "./command-line.ts";
import { refusedFlags, refusedInterfaces } from "./qemu-flags-refused.ts";

/** What a command line says about the session around the machine. */
export interface Session {
  /** stdio: the monitor is on the terminal. mux: it shares the terminal with a serial port (Ctrl-A c). */
  readonly monitor: "none" | "stdio" | "mux";
  readonly serialOnStdio: boolean;
  /** Where the debug consoles at 0x402 and 0xE9 go: "" nowhere, "stdio", or "file:NAME". */
  readonly debugcon: string;
  readonly debugItems: readonly string[];
  readonly logFile: string;
  /** Where gdb is served: "tcp::1234", "" for nowhere. */
  readonly gdb: string;
  /** -trace, as given. */
  readonly traces: readonly string[];
  readonly screendump: string;
  readonly stats: string;
  readonly startPaused: boolean;
  /** Snapshot to start from, "" for none. */
  readonly loadVm: string;
  readonly noShutdown: boolean;
  readonly display: "none" | "default";
  /** Directory with firmware (-L), "" for the usual places. */
  readonly firmwareDirectory: string;
  readonly wants: "machine" | "help" | "version" | "device-help" | "debug-help" | "trace-help" | "cpu-help" | "machine-help";
}
export interface ParsedFlags {
  readonly domain: DomainConfig;
  readonly session: Session;
}
export interface KnownDevice {
  readonly name: string;
  readonly summary: string;
}
export const pluggableDevices: readonly KnownDevice[] = [
  { name: "edu", summary: "QEMU's teaching device (PCI)" },
  { name: "isa-debug-exit", summary: "ends the emulator with status 2v+1" },
  { name: "isa-debugcon", summary: "debug console at a port" },
  { name: "pc-testdev", summary: "test device of kvm-unit-tests" },
];

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Disk = DomainConfig["disks"][number];
interface Draft {
  readonly domain: Mutable<Omit<DomainConfig, "cpu" | "clock" | "firmware" | "boot" | "serial" | "disks" | "devices" | "vga">> & {
    cpu: Mutable<DomainConfig["cpu"]>;
    clock: Mutable<DomainConfig["clock"]>;
    firmware: Mutable<DomainConfig["firmware"]>;
    boot: Mutable<DomainConfig["boot"]>;
  };
  readonly session: Mutable<Session>;
  readonly disks: Map<Disk["at"], Disk>;
  readonly drives: (() => void)[];
  readonly devices: { type: string; id: string; options: { [name: string]: string } }[];
  /** -global: options of every -device of that type that does not say otherwise. */
  readonly globals: { driver: string; property: string; to: string }[];
  vga: DomainConfig["vga"] | null;
  serial: string[] | null;
  monitor: Session["monitor"] | null;
  nographic: boolean;
  nodefaults: boolean;
  snapshotAll: boolean;
  readonly known: readonly KnownDevice[];
}
interface Flag {
  readonly name: string;
  readonly alias?: string;
  /** Name of the argument; absent for a switch. */
  readonly argument?: string;
  readonly help: string;
  apply(draft: Draft, value: string): void;
}

// ---- helpers ---------------------------------------------------------------------------------------------------------

function unsupported(what: string, hint?: string): never {
  throw new FaultError("flags.unsupported", `${what} is not supported.`, hint);
}
function badValue(flag: string, value: string, expected: string): never {
  throw new FaultError("flags.value", `-${flag}: "${value}" is not ${expected}.`);
}
/** "a=b,c,d=e,,f": doubled commas stand for one. A word without = gets `on`, or is the value of `first` at the start. */
function splitOptions(flag: string, text: string, first?: string): Map<string, string> {
  const out = new Map<string, string>();
  const parts = text.replaceAll(",,", "\0").split(",").map((part) => part.replaceAll("\0", ","));
  parts.forEach((part, i) => {
    if (part === "") return;
    const equals = part.indexOf("=");
    let [key, value] = equals < 0 ? [part, "on"] : [part.slice(0, equals), part.slice(equals + 1)];
    if (i === 0 && first !== undefined && equals < 0) [key, value] = [first, part];
    else if (equals < 0 && key.startsWith("no")) [key, value] = [key.slice(2), "off"];
    if (out.has(key)) throw new FaultError("flags.twice", `-${flag}: ${key}= is given twice.`);
    out.set(key, value);
  });
  return out;
}
function onOff(flag: string, key: string, value: string): boolean {
  if (["on", "yes", "true", "y"].includes(value)) return true;
  if (["off", "no", "false", "n"].includes(value)) return false;
  return badValue(flag, `${key}=${value}`, "on or off");
}
function wholeNumber(flag: string, value: string): number {
  return /^(\d+|0x[0-9a-f]+)$/i.test(value) ? Number(value) : badValue(flag, value, "a whole number");
}
/** A file name or a source; a name with a colon that is no source of ours is a file. */
export function sourceOf(name: string): string {
  if (name === "") return "";
  if (/^https?:\/\//.test(name)) return `url:${name}`;
  return /^(file|url|memory|library|guest|firmware):/.test(name) ? name : `file:${name}`;
}
function memoryMiB(text: string): number {
  const match = /^(\d+)([kKmMgGtT]?)([iI]?[bB])?$/.exec(text);
  if (!match) return badValue("m", text, "an amount of memory, such as 256, 512M or 1G");
  const unit = (match[2] || "M").toLowerCase();
  return Math.ceil((Number(match[1]) * 1024 ** " kmgt".indexOf(unit)) / 1024 ** 2);
}
const POSITIONS = ["ide0-master", "ide0-slave", "ide1-master", "ide1-slave"] as const;
const FLOPPIES = ["floppy0", "floppy1"] as const;

function attach(draft: Draft, at: Disk["at"], disk: Omit<Disk, "at" | "format" | "cache"> & Partial<Disk>): void {
  if (draft.disks.has(at)) throw new FaultError("flags.drive-twice", `Two drives want the place ${at}.`, "Give each its own index=.");
  draft.disks.set(at, { format: "auto", cache: "writeback", ...disk, at });
}
function simpleDrive(name: string, at: Disk["at"], media: Disk["media"], help: string): Flag {
  return {
    name,
    argument: "FILE",
    help,
    apply: (draft, file) => attach(draft, at, { media, source: sourceOf(file), readOnly: media === "cdrom", snapshot: false }),
  };
}
function addSerial(draft: Draft, value: string): void {
  draft.serial ??= [];
  if (draft.serial.length === 4) throw new FaultError("flags.serial", "A PC has four serial ports.", "Leave the fifth -serial out.");
  const [kind] = value.split(/[:,]/);
  if (value === "stdio") draft.serial.push("stdio");
  else if (value === "mon:stdio") {
    draft.serial.push("stdio");
    draft.monitor = "mux";
  } else if (value === "null" || value === "none") draft.serial.push(value);
  else if (value === "vc" || value.startsWith("vc:")) draft.serial.push("console");
  else if (value.startsWith("file:") && value.length > 5) draft.serial.push(value);
  else unsupported(`-serial ${kind}`, "Use stdio, mon:stdio, file:NAME, null or none.");
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
function addDrive(draft: Draft, value: string): void {
  const o = splitOptions("drive", value, "file");
  const take = (key: string) => {
    const v = o.get(key);
    o.delete(key);
    return v;
  };
  const file = take("file") ?? "";
  const face = take("if") ?? "ide";
  if (Object.hasOwn(refusedInterfaces, face)) unsupported(`-drive if=${face}`, refusedInterfaces[face]);
  if (face !== "ide" && face !== "floppy") badValue("drive", `if=${face}`, "ide or floppy");
  const media = face === "floppy" ? "floppy" : (take("media") ?? "disk");
  if (media !== "disk" && media !== "cdrom" && media !== "floppy") badValue("drive", `media=${media}`, "disk or cdrom");
  const format = take("format");
  const known: readonly string[] = DISK_FORMATS;
  if (format !== undefined && (format === "auto" || !known.includes(format)))
    unsupported(`-drive format=${format}`, `Known: ${known.slice(1).join(", ")}.`);
  const cache = take("cache") ?? "writeback";
  if (!(CACHE_MODES as readonly string[]).includes(cache)) badValue("drive", `cache=${cache}`, CACHE_MODES.join(", "));
  const readOnly = onOff("drive", "readonly", take("readonly") ?? take("read-only") ?? (media === "cdrom" ? "on" : "off"));
  const snapshot = onOff("drive", "snapshot", take("snapshot") ?? "off");
  const index = take("index");
  const bus = take("bus");
  const unit = take("unit");
  take("id");
  for (const key of o.keys()) unsupported(`-drive ${key}=`, "Leave it out.");
  const places: readonly Disk["at"][] = face === "floppy" ? FLOPPIES : POSITIONS;
  let place: number | null = null;
  if (index !== undefined) place = wholeNumber("drive", index);
  else if (bus !== undefined || unit !== undefined)
    place = face === "floppy" ? wholeNumber("drive", unit ?? "0") : wholeNumber("drive", bus ?? "0") * 2 + wholeNumber("drive", unit ?? "0");
  if (place !== null && place >= places.length)
    throw new FaultError("flags.drive-index", `-drive: there is no place ${place} on ${face}.`, `Use 0 to ${places.length - 1}.`);
  const disk = { media: media as Disk["media"], source: sourceOf(file), readOnly, snapshot, format: (format ?? "auto") as Disk["format"], cache: cache as Disk["cache"] };
  // Drives without a place fill what the others leave.
  if (place !== null) attach(draft, places[place] as Disk["at"], disk);
  else
    draft.drives.push(() => {
      const free = places.find((at) => !draft.disks.has(at));
      if (free === undefined) throw new FaultError("flags.drive-full", `There are more than ${places.length} ${face} drives.`);
      attach(draft, free, disk);
    });
}
function addDevice(draft: Draft, value: string): void {
  const o = splitOptions("device", value, "driver");
  const type = o.get("driver") ?? "";
  o.delete("driver");
  if (type === "help" || type === "?") {
    draft.session.wants = "device-help";
    return;
  }
  if (!draft.known.some((device) => device.name === type)) {
    const hints: { readonly [start: string]: string } = {
      virtio: "virtio devices come later.",
      VGA: "Use -vga std.",
      "ide-": "Use -drive with index=.",
      "isa-serial": "Use -serial.",
      e1000: "There is no network yet.",
      rtl8139: "There is no network yet.",
      usb: "There is no USB controller.",
    };
    const hint = Object.entries(hints).find(([start]) => type.startsWith(start))?.[1];
    unsupported(`-device ${type}`, hint ?? `Known: ${draft.known.map((device) => device.name).join(", ")}`);
  }
  const id = o.get("id") ?? "";
  o.delete("id");
  draft.devices.push({ type, id, options: Object.fromEntries(o) });
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
  { name: "drive", argument: "file=FILE[,if=ide|floppy][,index=N][,media=disk|cdrom][,format=FORMAT][,cache=MODE][,snapshot=on][,readonly=on]", help: "a drive", apply: addDrive },
  { name: "snapshot", help: "keep all disk writes in memory", apply: (d) => { d.snapshotAll = true; } },
  { name: "boot", argument: "[order=]LETTERS[,menu=on]", help: "boot order: a, b floppy; c disk; d CD-ROM; n network", apply: setBoot },
  { name: "serial", argument: "stdio|mon:stdio|file:NAME|null|none", help: "what the next serial port is connected to", apply: addSerial },
  { name: "monitor", argument: "stdio|none", help: "where the monitor is", apply: (d, v) => {
    if (v === "stdio") d.monitor = "stdio";
    else if (v === "none" || v === "null") d.monitor = "none";
    else if (v !== "vc" && !v.startsWith("vc:")) unsupported(`-monitor ${v.split(":")[0]}`, "Use stdio or none.");
  } },
  { name: "debugcon", argument: "stdio|file:NAME", help: "debug console at ports 0xE9 and 0x402", apply: (d, v) => {
    if (v !== "stdio" && v !== "null" && v !== "none" && !/^file:./.test(v)) unsupported(`-debugcon ${v.split(":")[0]}`, "Use stdio or file:NAME.");
    d.session.debugcon = v === "null" || v === "none" ? "" : v;
    d.domain.firmware.debug = d.session.debugcon !== "";
  } },
  { name: "parallel", argument: "none", help: "there is no parallel port", apply: (_, v) => {
    if (v !== "none" && v !== "null") unsupported(`-parallel ${v}`, "There is no parallel port: use none.");
  } },
  { name: "net", argument: "none", help: "there is no network yet", apply: (_, v) => {
    if (v !== "none") unsupported(`-net ${v.split(",")[0]}`, "There is no network yet: use -net none.");
  } },
  { name: "nic", argument: "none", help: "there is no network yet", apply: (_, v) => {
    if (v !== "none") unsupported(`-nic ${v.split(",")[0]}`, "There is no network yet: use -nic none.");
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
  { name: "machine", alias: "M", argument: "pc[,accel=interp|jit]", help: "kind of machine", apply: setMachine },
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
    devices: [],
    globals: [],
    vga: null,
    serial: null,
    monitor: null,
    nographic: false,
    nodefaults: false,
    snapshotAll: false,
    known,
  };
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (!word.startsWith("-") || word === "-") {
      attach(draft, "ide0-master", { media: "disk", source: sourceOf(word), readOnly: false, snapshot: false });
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
    flag.apply(draft, value);
  }
  for (const place of draft.drives) place();
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
  session.monitor = draft.monitor ?? "none";
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
