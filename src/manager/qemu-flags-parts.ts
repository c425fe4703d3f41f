// What the flags of QEMU's command line are made of: the draft they fill, values and options, drives, devices and character devices. From QEMU's
// invocation manual (docs/system/invocation) and the defaults of its `pc` machine. The table of flags is qemu-flags.ts.

import { CACHE_MODES, DISK_FORMATS, type DomainConfig } from "../contract/domain.ts";
import { FaultError } from "../contract/schema.ts";
import { refusedInterfaces } from "./qemu-flags-refused.ts";

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

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type Disk = DomainConfig["disks"][number];
export interface Draft {
  readonly domain: Mutable<Omit<DomainConfig, "cpu" | "clock" | "firmware" | "boot" | "serial" | "disks" | "devices" | "vga">> & {
    cpu: Mutable<DomainConfig["cpu"]>;
    clock: Mutable<DomainConfig["clock"]>;
    firmware: Mutable<DomainConfig["firmware"]>;
    boot: Mutable<DomainConfig["boot"]>;
  };
  readonly session: Mutable<Session>;
  readonly disks: Map<Disk["at"], Disk>;
  readonly drives: (() => void)[];
  /** Drives of if=none by id, those that a -device has, and what places them. */
  readonly loose: Map<string, Omit<Disk, "at"> & { readonly said: boolean }>;
  readonly taken: Set<string>;
  readonly driveDevices: (() => void)[];
  readonly chardevs: Map<string, CharacterDevice>;
  readonly serialDevices: { readonly to: string; readonly index: number | null }[];
  readonly devices: { type: string; id: string; options: { [name: string]: string } }[];
  /** -global: options of every -device of that type that does not say otherwise. */
  readonly globals: { driver: string; property: string; to: string }[];
  vga: DomainConfig["vga"] | null;
  serial: string[] | null;
  monitor: Session["monitor"] | null;
  nographic: boolean;
  nodefaults: boolean;
  snapshotAll: boolean;
  /** Audio devices by id, and those that the PC speaker shall use. */
  readonly audio: Set<string>;
  readonly speakers: string[];
  readonly known: readonly KnownDevice[];
}
export interface Flag {
  readonly name: string;
  readonly alias?: string;
  /** Name of the argument; absent for a switch. */
  readonly argument?: string;
  readonly help: string;
  apply(draft: Draft, value: string): void;
}

// ---- helpers ---------------------------------------------------------------------------------------------------------

export function unsupported(what: string, hint?: string): never {
  throw new FaultError("flags.unsupported", `${what} is not supported.`, hint);
}
export function badValue(flag: string, value: string, expected: string): never {
  throw new FaultError("flags.value", `-${flag}: "${value}" is not ${expected}.`);
}
/** "a=b,c,d=e,,f": doubled commas stand for one. A word without = gets `on`, or is the value of `first` at the start. */
export function splitOptions(flag: string, text: string, first?: string): Map<string, string> {
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
export function onOff(flag: string, key: string, value: string): boolean {
  if (["on", "yes", "true", "y"].includes(value)) return true;
  if (["off", "no", "false", "n"].includes(value)) return false;
  return badValue(flag, `${key}=${value}`, "on or off");
}
export function wholeNumber(flag: string, value: string): number {
  return /^(\d+|0x[0-9a-f]+)$/i.test(value) ? Number(value) : badValue(flag, value, "a whole number");
}
/** A file name or a source; a name with a colon that is no source of ours is a file. */
export function sourceOf(name: string): string {
  if (name === "") return "";
  if (/^https?:\/\//.test(name)) return `url:${name}`;
  return /^(file|url|chunks|memory|library|guest|firmware):/.test(name) ? name : `file:${name}`;
}
export const POSITIONS = ["ide0-master", "ide0-slave", "ide1-master", "ide1-slave"] as const;
export const FLOPPIES = ["floppy0", "floppy1"] as const;

export function attach(draft: Draft, at: Disk["at"], disk: Omit<Disk, "at" | "format" | "cache"> & Partial<Disk>): void {
  if (draft.disks.has(at)) throw new FaultError("flags.drive-twice", `Two drives want the place ${at}.`, "Give each its own index=.");
  draft.disks.set(at, { format: "auto", cache: "writeback", ...disk, at });
}
export function simpleDrive(name: string, at: Disk["at"], media: Disk["media"], help: string): Flag {
  return {
    name,
    argument: "FILE",
    help,
    apply: (draft, file) => attach(draft, at, { media, source: sourceOf(file), readOnly: media === "cdrom", snapshot: false }),
  };
}
export function addSerial(draft: Draft, value: string): void {
  draft.serial ??= [];
  if (draft.serial.length === 4) throw new FaultError("flags.serial", "A PC has four serial ports.", "Leave the fifth -serial out.");
  const [kind] = value.split(/[:,]/);
  if (kind === "chardev") {
    const { to } = chardevOf(draft, value.slice("chardev:".length));
    draft.serial.push(to === "vc" ? "console" : to);
  } else if (value === "stdio") draft.serial.push("stdio");
  else if (value === "mon:stdio") {
    draft.serial.push("stdio");
    draft.monitor = "mux";
  } else if (value === "null" || value === "none") draft.serial.push(value);
  else if (value === "vc" || value.startsWith("vc:")) draft.serial.push("console");
  else if (value.startsWith("file:") && value.length > 5) draft.serial.push(value);
  else unsupported(`-serial ${kind}`, "Use stdio, mon:stdio, file:NAME, null or none.");
}
export function addDrive(draft: Draft, value: string): void {
  const o = splitOptions("drive", value, "file");
  const given = new Map(o);
  const take = (key: string) => {
    const v = o.get(key);
    o.delete(key);
    return v;
  };
  const file = take("file") ?? "";
  const face = take("if") ?? "ide";
  if (Object.hasOwn(refusedInterfaces, face)) unsupported(`-drive if=${face}`, refusedInterfaces[face]);
  if (face !== "ide" && face !== "floppy" && face !== "none") badValue("drive", `if=${face}`, "ide, floppy or none");
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
  const id = take("id");
  for (const key of o.keys()) unsupported(`-drive ${key}=`, "Leave it out.");
  const disk = { media: media as Disk["media"], source: sourceOf(file), readOnly, snapshot, format: (format ?? "auto") as Disk["format"], cache: cache as Disk["cache"] };
  if (face === "none") {
    if (id === undefined) throw new FaultError("flags.drive-id", "-drive if=none needs an id=.", "Name it, and say which -device has it: -device ide-hd,drive=ID.");
    if (draft.loose.has(id)) throw new FaultError("flags.drive-id", `Two drives are called "${id}".`, "Give each its own id=.");
    draft.loose.set(id, { ...disk, said: given.has("readonly") || given.has("read-only") });
    return;
  }
  const places: readonly Disk["at"][] = face === "floppy" ? FLOPPIES : POSITIONS;
  let place: number | null = null;
  if (index !== undefined) place = wholeNumber("drive", index);
  else if (bus !== undefined || unit !== undefined)
    place = face === "floppy" ? wholeNumber("drive", unit ?? "0") : wholeNumber("drive", bus ?? "0") * 2 + wholeNumber("drive", unit ?? "0");
  if (place !== null && place >= places.length)
    throw new FaultError("flags.drive-index", `-drive: there is no place ${place} on ${face}.`, `Use 0 to ${places.length - 1}.`);
  // Drives without a place fill what the others leave.
  if (place !== null) attach(draft, places[place] as Disk["at"], disk);
  else draft.drives.push(() => attach(draft, freePlace(draft, places, face), disk));
}
function freePlace(draft: Draft, places: readonly Disk["at"][], face: string): Disk["at"] {
  const free = places.find((at) => !draft.disks.has(at));
  if (free === undefined) throw new FaultError("flags.drive-full", `There are more than ${places.length} ${face} drives.`);
  return free;
}
/** -device ide-hd, ide-cd and floppy: the drive of -drive if=none,id= at a place of a bus. After all drives that -drive itself places. */
function addDriveDevice(draft: Draft, type: "ide-hd" | "ide-cd" | "floppy", o: Map<string, string>): void {
  const take = (key: string) => {
    const v = o.get(key);
    o.delete(key);
    return v;
  };
  const name = take("drive");
  const bus = take("bus");
  const unit = take("unit");
  take("id");
  for (const key of o.keys()) unsupported(`-device ${type},${key}=`, key === "bootindex" ? "Use -boot order=." : "Leave it out.");
  if (name === undefined && type === "ide-hd") throw new FaultError("flags.drive-id", "-device ide-hd needs a drive.", "Write -drive if=none,id=ID,file=FILE -device ide-hd,drive=ID.");
  const media = type === "ide-hd" ? "disk" : type === "ide-cd" ? "cdrom" : "floppy";
  const places: readonly Disk["at"][] = type === "floppy" ? FLOPPIES : POSITIONS;
  const busNumber = bus === undefined ? null : /^(?:ide|floppy-bus)\.(\d+)$/.exec(bus)?.[1];
  if (busNumber === undefined) badValue("device", `bus=${bus}`, "ide.0 or ide.1");
  const index = busNumber === null && (unit === undefined || type !== "floppy") ? null : (type === "floppy" ? 0 : Number(busNumber ?? 0) * 2) + wholeNumber("device", unit ?? "0");
  draft.driveDevices.push(() => {
    const drive = name === undefined ? null : draft.loose.get(name);
    if (drive === undefined) throw new FaultError("flags.drive-id", `There is no drive "${name}".`, `Give -drive if=none,id=${name},file=FILE too.`);
    if (drive !== null && draft.taken.has(name as string)) throw new FaultError("flags.drive-id", `Two devices want the drive "${name}".`, "Give each its own.");
    draft.taken.add(name as string);
    // A bus without a unit: its first free one; neither: the first free place.
    const wanted = index === null || (busNumber !== null && unit === undefined && type !== "floppy") ? places.filter((_, n) => busNumber === null || n >> 1 === Number(busNumber)) : [places[index]];
    if (wanted[0] === undefined) throw new FaultError("flags.drive-index", `-device ${type}: there is no place ${bus ?? ""} ${unit ?? ""}.`, `Buses are ide.0 and ide.1, units 0 and 1.`);
    const at = wanted.length === 1 ? (wanted[0] as Disk["at"]) : freePlace(draft, wanted as readonly Disk["at"][], type);
    const { said = false, ...disk } = drive ?? { source: "", snapshot: false, readOnly: true, format: "auto" as const, cache: "writeback" as const };
    attach(draft, at, { ...disk, media, readOnly: media === "cdrom" && !said ? true : disk.readOnly });
  });
}
// ---- character devices -----------------------------------------------------------------------------------------------

export interface CharacterDevice {
  /** "stdio", "null", "vc" or "file:NAME", as -serial has them. */
  readonly to: string;
  /** Several may share it. */
  readonly mux: boolean;
}
export function addChardev(draft: Draft, value: string): void {
  const o = splitOptions("chardev", value, "backend");
  const backend = o.get("backend") ?? "";
  const id = o.get("id");
  if (id === undefined) throw new FaultError("flags.chardev", "-chardev needs an id=.", "Write -chardev stdio,id=NAME.");
  if (draft.chardevs.has(id)) throw new FaultError("flags.chardev", `Two character devices are called "${id}".`, "Give each its own id=.");
  const known: { readonly [backend: string]: readonly string[] } = { stdio: ["mux", "signal"], file: ["path", "mux"], null: ["mux"], vc: ["mux", "width", "height", "cols", "rows"] };
  if (!Object.hasOwn(known, backend)) unsupported(`-chardev ${backend}`, "Use stdio, file, null or vc.");
  for (const key of o.keys()) if (key !== "backend" && key !== "id" && !known[backend]?.includes(key)) unsupported(`-chardev ${backend},${key}=`, "Leave it out.");
  const path = o.get("path") ?? "";
  if (backend === "file" && path === "") throw new FaultError("flags.chardev", "-chardev file needs a path=.", `Write -chardev file,id=${id},path=FILE.`);
  draft.chardevs.set(id, { to: backend === "file" ? `file:${path}` : backend, mux: onOff("chardev", "mux", o.get("mux") ?? "off") });
}
/** The character device that a flag names. */
export function chardevOf(draft: Draft, id: string): CharacterDevice {
  const found = draft.chardevs.get(id);
  if (!found) throw new FaultError("flags.chardev", `There is no character device "${id}".`, `Give -chardev stdio,id=${id} too.`);
  return found;
}
export function setDebugcon(draft: Draft, to: string): void {
  if (to !== "stdio" && to !== "null" && to !== "none" && !/^file:./.test(to)) unsupported(`-debugcon ${to.split(":")[0]}`, "Use stdio or file:NAME.");
  draft.session.debugcon = to === "null" || to === "none" ? "" : to;
  draft.domain.firmware.debug = draft.session.debugcon !== "";
}
/** -device isa-serial: the ports in their order, or the one of index=. */
function addSerialDevice(draft: Draft, o: Map<string, string>): void {
  for (const key of o.keys()) if (!["chardev", "index", "id"].includes(key)) unsupported(`-device isa-serial,${key}=`, "COM1 to COM4 are where a PC has them: use index=0 to 3.");
  const chardev = o.get("chardev");
  if (chardev === undefined) throw new FaultError("flags.chardev", "-device isa-serial needs a chardev=.", "Write -chardev stdio,id=c -device isa-serial,chardev=c.");
  const index = o.get("index");
  const { to } = chardevOf(draft, chardev);
  draft.serialDevices.push({ to: to === "vc" ? "console" : to, index: index === undefined ? null : wholeNumber("device", index) });
}
/** The ports of -device isa-serial beside those of -serial. */
export function placeSerialDevices(draft: Draft): void {
  for (const { to, index } of draft.serialDevices) {
    const ports = (draft.serial ??= []);
    let at = index ?? ports.indexOf("none");
    if (at < 0) at = ports.length;
    if (at > 3) throw new FaultError("flags.serial", "A PC has four serial ports.", "Use index=0 to 3.");
    while (ports.length <= at) ports.push("none");
    if (ports[at] !== "none") throw new FaultError("flags.serial", `Two serial ports want to be COM${at + 1}.`, "Give each its own index=.");
    ports[at] = to;
  }
}
function addDebugConsole(draft: Draft, id: string, o: Map<string, string>): boolean {
  const chardev = o.get("chardev");
  const port = Number(o.get("iobase") ?? 0xe9);
  if (chardev !== undefined) {
    const { to } = chardevOf(draft, chardev);
    if (draft.session.debugcon !== "" && draft.session.debugcon !== to) unsupported("A second place for debug consoles", "Let all of them use one chardev.");
    setDebugcon(draft, to);
    o.delete("chardev");
  }
  // A machine has those two anyway.
  return !((port === 0x402 || port === 0xe9) && !o.has("readback") && id === "" && (chardev !== undefined || port === 0x402));
}
export function addDevice(draft: Draft, value: string): void {
  const o = splitOptions("device", value, "driver");
  const type = o.get("driver") ?? "";
  o.delete("driver");
  if (type === "help" || type === "?") {
    draft.session.wants = "device-help";
    return;
  }
  if (type === "ide-hd" || type === "ide-cd" || type === "floppy") return addDriveDevice(draft, type, o);
  if (type === "isa-serial") return addSerialDevice(draft, o);
  if (type === "VGA") {
    for (const key of o.keys()) if (key !== "id") unsupported(`-device VGA,${key}=`, "Leave it out.");
    draft.vga = "std";
    return;
  }
  if (!draft.known.some((device) => device.name === type)) {
    const hints: { readonly [start: string]: string } = {
      virtio: "virtio devices come later.",
      "ide-": "Use ide-hd or ide-cd.",
      "pci-serial": "Use isa-serial.",
      e1000: "There is no network yet.",
      rtl8139: "There is no network yet.",
      usb: "There is no USB controller.",
    };
    const hint = Object.entries(hints).find(([start]) => type.startsWith(start))?.[1];
    unsupported(`-device ${type}`, hint ?? `Known: ${draft.known.map((device) => device.name).join(", ")}`);
  }
  const id = o.get("id") ?? "";
  o.delete("id");
  if (type === "isa-debugcon" && !addDebugConsole(draft, id, o)) return;
  draft.devices.push({ type, id, options: Object.fromEntries(o) });
}
