// The parts list of QEMU's `pc` (i440FX + PIIX3) and all wiring between the parts. Devices know nothing of each other: what is
// connected to what is said here and nowhere else. Left out: SMM, hot plug, more than one processor.

import { FaultError } from "../../src/contract/schema.ts";
import type { DomainConfig } from "../../src/contract/domain.ts";
import type { Interrupts } from "../../src/contract/inspect.ts";
import type { TraceName } from "../../src/contract/trace.ts";
import type { Cpu, CpuHost, GuestMemory } from "../cpu/cpu.ts";
import { deviceType } from "../devices/index.ts";
import { debugConsole, type DebugExit } from "../devices/debug-ports.ts";
import { fpuError } from "../devices/fpu-error.ts";
import { FW_CFG, type FwCfg, fwCfg } from "../devices/fw-cfg.ts";
import { i8042 } from "../devices/i8042.ts";
import { ioApic } from "../devices/io-apic.ts";
import { localApic } from "../devices/local-apic.ts";
import { pciHost } from "../devices/pci-host.ts";
import { pic } from "../devices/pic.ts";
import { piix3 } from "../devices/piix3.ts";
import { pit } from "../devices/pit.ts";
import { rtc } from "../devices/rtc.ts";
import { VmGenId } from "../devices/vmgenid.ts";
import { uart } from "../devices/uart.ts";
import { MemoryBus, PortBus } from "../platform/bus.ts";
import { PciBus } from "../platform/pci-bus.ts";
import type {
  Backends, Chipset, Device, DeviceType, DmaChannel, DmaController, IrqLine, MappedRam, PciFunction, Slot, State,
} from "../platform/types.ts";
import { Junction, Wire } from "../platform/wire.ts";
import { addBootImages } from "./boot-images.ts";
import { addFirmwareTables } from "./firmware-tables.ts";
import { MachineClock } from "./clock.ts";
import { fillCmos } from "./cmos.ts";
import type { BoardParts, FirmwareImages } from "./parts.ts";
import { TraceBus, traceKind } from "./trace.ts";

export type { BackendSource, BoardParts, FirmwareImages } from "./parts.ts";

// biome-ignore lint/suspicious/noExplicitAny: the board holds devices of every type
type AnyType = DeviceType<any, any>;
export interface BoardDevice {
  readonly id: string;
  readonly type: AnyType;
  readonly device: Device<State>;
  /** PCI device << 3 | function, or -1. */
  readonly devfn: number;
}
/** What the board asks the machine for; each is carried out between two slices, never inside an instruction. */
export type Request = { readonly what: "reset" | "poweroff" | "sleep" } | { readonly what: "exit"; readonly status: number };

const MIB = 1 << 20;
const PIO_READ = traceKind("pio.read");
const PIO_WRITE = traceKind("pio.write");
const MMIO_READ = traceKind("mmio.read");
const MMIO_WRITE = traceKind("mmio.write");
const IRQ_LINE = traceKind("irq.line");

/** Where RAM is: QEMU's pc keeps 3.5 GiB below 4 GiB, or 3 GiB when there is more. */
export function memoryLayout(memoryMiB: number): { readonly low: number; readonly high: number } {
  const total = memoryMiB * MIB;
  if (total < 0xe0000000) return { low: total, high: 0 };
  return { low: 0xc0000000, high: total - 0xc0000000 };
}

class BoardSlot implements Slot {
  readonly id: string;
  readonly pio: PortBus;
  readonly mmio: MemoryBus;
  readonly clock: MachineClock["timers"];
  readonly ram: GuestMemory;
  readonly chipset: Chipset;
  private readonly board: Board;
  private readonly devfn: number;
  /** Its place among the board's devices. */
  private readonly index: number;
  constructor(board: Board, id: string, devfn: number) {
    this.board = board;
    this.index = board.devices.length;
    this.id = id;
    this.devfn = devfn;
    this.pio = board.pio;
    this.mmio = board.mmio;
    this.clock = board.clock.timers;
    this.ram = board.memory;
    this.chipset = board.chipset;
  }
  irq(line: number): IrqLine {
    return this.board.irqSource(line);
  }
  wire(name: string): IrqLine {
    return this.board.wireOf(`${this.id}.${name}`);
  }
  pin(name: string, listener: (high: boolean) => void): void {
    this.board.addPin(`${this.id}.${name}`, listener);
  }
  pci(config: Uint8Array): PciFunction {
    return this.board.addPci(this.devfn, config);
  }
  dma(channel: number): DmaChannel {
    return this.board.dmaChannel(channel);
  }
  message(address: number, data: number): void {
    this.board.message(address, data);
  }
  memory(length: number, kind: "ram" | "rom"): MappedRam {
    return this.board.memory.allocate(length, kind);
  }
  backend<K extends keyof Backends>(kind: K, id: string): Backends[K] {
    return this.board.parts.backends(kind, id);
  }
  trace(kind: TraceName, a = 0, b = 0, c = 0): void {
    if (kind === "block.read" || kind === "block.write") this.board.diskBytes += b * 512;
    this.board.trace.emitName(kind, a, b, c, this.index);
  }
  missing(what: string): void {
    this.board.noteMissing(what);
  }
}

export class Board {
  readonly config: DomainConfig;
  readonly parts: BoardParts;
  readonly memory: GuestMemory;
  readonly clock: MachineClock;
  readonly trace: TraceBus;
  readonly pio = new PortBus();
  readonly mmio = new MemoryBus();
  readonly pci = new PciBus(this.pio, this.mmio);
  readonly devices: BoardDevice[] = [];
  /** Behaviours of real parts that we lack and that were asked for: name to count. */
  readonly missing = new Map<string, number>();
  readonly chipset: Chipset;
  readonly cpu: Cpu;
  readonly fwCfg: FwCfg;
  /** Bytes that drives read and wrote. */
  diskBytes = 0;
  /** The machine: something happened that ends suspend to RAM. */
  onWakeEvent: ((cause: "rtc" | "other") => void) | null = null;
  /** A missing behaviour was asked for, the first time. */
  onMissing: ((what: string) => void) | null = null;
  /** What the guest asked for; the machine takes it after each run. */
  request: Request | null = null;
  /** The machine: something happened that ends a sleep. */
  onWake: (() => void) | null = null;
  /** The debugger: the guest accessed a port. */
  onPort: ((port: number, width: number, write: boolean, value: number) => void) | null = null;
  /** Without firmware: the first sector of the first drive, loaded by `prepare`. */
  private bootSector: Uint8Array | null = null;
  private bootDrive = 0x80;

  private readonly junctions: Junction[] = Array.from({ length: 24 }, () => new Junction());
  private readonly pirqs: Junction[] = Array.from({ length: 4 }, () => new Junction());
  private generation: VmGenId | null = null;
  private readonly wires = new Map<string, Wire>();
  private readonly pins = new Map<string, (high: boolean) => void>();
  private readonly local: ReturnType<typeof localApic.create>;
  private readonly dualPic: ReturnType<typeof pic.create>;
  private picInt = false;
  /** How often the processor acknowledged each vector: from the 8259 pair, then from the local APIC. */
  private readonly acknowledged = [new Float64Array(256), new Float64Array(256)] as const;
  private held = false;

  constructor(config: DomainConfig, parts: BoardParts) {
    this.config = config;
    this.parts = parts;
    this.memory = parts.memory;
    this.clock = new MachineClock(config.clock.mode, config.clock.shift, parts.hostNowMs);
    this.trace = parts.trace ? new TraceBus(parts.trace.capacity, parts.trace.buffer) : new TraceBus();
    this.trace.now = () => this.clock.now();
    this.trace.instructions = () => this.cpu.instructions();
    this.trace.address = () => this.cpu.linearAddress?.() ?? 0;
    this.chipset = {
      pciRead: (devfn, offset, width) => this.pci.read(devfn, offset, width),
      pciWrite: (devfn, offset, width, value) => this.pci.write(devfn, offset, width, value),
      shadow: (physical, length, reads, writes) => this.memory.setShadow(physical, length, reads, writes),
    };
    this.cpu = parts.cpuFactory(this.cpuHost());
    this.clock.instructions = () => this.cpu.instructions();

    const { low, high } = memoryLayout(config.memoryMiB);
    this.memory.addRam(0, low);
    if (high > 0) this.memory.addRam(0x100000000, high);
    this.memory.setShadow(0xa0000, 0x60000, "bus", "bus");

    // ---- chipset
    this.add("i440fx", pciHost, {}, 0x00);
    this.add("piix3", piix3, {}, 0x08);
    this.dualPic = this.add("pic", pic, {});
    this.local = this.add("lapic", localApic, {});
    const io = this.add("ioapic", ioApic, {});
    this.add("pit", pit, {});
    const clockChip = this.add("rtc", rtc, { baseSeconds: this.baseSeconds() });
    this.add("i8042", i8042, {});
    this.fwCfg = this.add("fw-cfg", fwCfg, {});
    this.addNamed("dma", "dma8237", {});
    this.addNamed("pm", "piix4-pm", {}, 0x0b);
    this.addNamed("hpet", "hpet", {});
    this.add("fpu-error", fpuError, {});
    this.add("debugcon", debugConsole, { iobase: 0x402, readback: 0xe9 });
    // pc-testdev has port E9 too, unless somebody listens to it.
    if (!(config.devices.some((d) => d.type === "pc-testdev") && !config.firmware.debug) && !config.devices.some((d) => d.type === "isa-debugcon")) this.add("e9", debugConsole, { iobase: 0xe9, readback: 0xe9 });

    // ---- disks, display, serial ports
    const drives = config.disks.filter((d) => d.at.startsWith("ide")).map((d) => [d.at, d.media === "cdrom" ? "cdrom" : "disk"] as const);
    this.addNamed("ide", "piix3-ide", Object.fromEntries(drives), 0x09);
    const floppies = config.disks.filter((d) => d.media === "floppy").map((d) => [d.at, true] as const);
    this.addNamed("fdc", "isa-fdc", Object.fromEntries(floppies));
    if (config.vga === "std") this.addNamed("vga", "vga", { rom: parts.firmware.vgaBios ?? null, preset: parts.firmware.bios ? "none" : "text" }, 0x10);
    config.serial.forEach((backend, index) => {
      if (backend !== "none" && index < 4) this.add(`serial${index}`, uart, uart.options.parse({ index }));
    });

    // ---- whatever the domain adds
    let nextSlot = 3;
    config.devices.forEach((wanted, n) => {
      const type = deviceType(wanted.type);
      if (!type) throw new FaultError("device.unknown", `There is no device type "${wanted.type}".`, "See -device help.");
      const options = { ...wanted.options } as Record<string, unknown>;
      if (wanted.type === "pc-testdev" && (config.firmware.debug || config.devices.some((d) => d.type === "isa-debugcon"))) options.latch2 ??= 1;
      let devfn = nextSlot << 3;
      if (options.addr !== undefined) {
        const [device, fn] = String(options.addr).split(".");
        devfn = (Number.parseInt(device ?? "", 16) << 3) | (fn === undefined ? 0 : Number.parseInt(fn, 16));
        if (!(devfn >= 0 && devfn < 256)) throw new FaultError("device.addr", `"${String(options.addr)}" is not a PCI address.`, "Write addr=4 or addr=4.0.");
        delete options.addr;
        if (this.pci.at(devfn)) throw new FaultError("device.addr", `PCI address ${String(wanted.options.addr)} is taken.`);
      } else while (this.pci.at(devfn)) devfn = ++nextSlot << 3;
      const id = wanted.id || `${wanted.type}${n}`;
      if (this.devices.some((d) => d.id === id)) throw new FaultError("device.id", `Two devices are called "${id}".`);
      const made = this.add(id, type, type.options.parse(options, wanted.type), devfn);
      if (made instanceof VmGenId) {
        if (this.generation) throw new FaultError("device.one", "A machine has one vmgenid at most.");
        this.generation = made;
        this.connect(`${id}.changed`, "pm.generation");
      }
      if (wanted.type === "isa-debug-exit") (made as DebugExit).onExit = (status) => this.ask({ what: "exit", status });
      if (this.pci.at(nextSlot << 3)) nextSlot++;
    });

    // ---- wires
    for (let line = 0; line < 24; line++) {
      const output = (this.junctions[line] as Junction).output;
      const picPin = this.pins.get(`pic.irq${line}`);
      const ioPin = this.pins.get(`ioapic.pin${line}`);
      if (picPin) output.connect(picPin);
      if (ioPin && line !== 0 && line !== 2) output.connect(ioPin);
      output.connect((high) => this.trace.emit(IRQ_LINE, line, high ? 1 : 0));
    }
    // QEMU's override: interrupt 0 arrives at pin 2 (as does line 2, which the 8259 pair has no room for); pin 0 is left free.
    const pin2 = new Junction();
    for (const line of [0, 2]) {
      const source = pin2.source();
      (this.junctions[line] as Junction).output.connect((high) => source.set(high));
    }
    this.connectTo(pin2.output, "ioapic.pin2");
    for (let i = 0; i < 4; i++) this.connectTo((this.pirqs[i] as Junction).output, `piix3.pirq${"abcd"[i]}`);
    this.wireOf("pic.int").connect((high) => {
      this.picInt = high;
      this.pins.get("lapic.lint0")?.(high);
      this.updateIntr();
    });
    this.wireOf("lapic.int").connect(() => this.updateIntr());
    this.wireOf("lapic.nmi").connect((high) => high && this.cpu.nmi());
    this.wireOf("lapic.init").connect((high) => high && this.cpu.init());
    this.local.onEoi = (vector) => io.eoi(vector);
    this.local.onStartup = (page) => this.cpu.startup(page);
    this.local.onExtIntChange = () => this.updateIntr();
    this.wireOf("i8042.a20").connect((high) => this.cpu.setA20(high));
    for (const source of ["i8042", "i440fx"]) this.wireOf(`${source}.reset`).connect((high) => high && this.ask({ what: "reset" }));
    this.wireOf("pm.poweroff").connect((high) => high && this.ask({ what: "poweroff" }));
    this.wireOf("pm.sleep").connect((high) => high && this.ask({ what: "sleep" }));
    // What wakes a suspended machine: a key or the mouse, and the alarm of the real-time clock.
    const input = parts.backends("input", "board");
    input.onKey((_, down) => down && this.onWakeEvent?.("other"));
    input.onPointer(() => this.onWakeEvent?.("other"));
    (this.junctions[8] as Junction).output.connect((high) => high && this.onWakeEvent?.("rtc"));
    this.connect("hpet.legacy", "pit.disable");
    this.connect("hpet.legacy", "rtc.disable");

    this.newGeneration(false);

    // ---- what firmware reads
    fillCmos(clockChip, config, low, high, (id) => this.diskAt(id)?.sectors ?? 0);
    this.mapFirmware();
    this.fwCfg.later(() => addFirmwareTables(this, low, high));
    this.addBootFiles(parts.firmware);
    this.fwCfg.addU32(FW_CFG.IRQ0_OVERRIDE, 1);

    this.clock.timers.onEarlier = () => this.onWake?.();
  }

  // ---- building ------------------------------------------------------------------------------------------------------

  private add<O, D extends Device<State>>(id: string, type: { readonly name: string; create(slot: Slot, options: O): D }, options: O, devfn = -1): D {
    const device = type.create(new BoardSlot(this, id, devfn), options);
    this.devices.push({ id, type: type as unknown as AnyType, device, devfn });
    return device;
  }
  /** Kernel, RAM disk and modules for the firmware: with the board, or later when the machine was resumed from a saved state. */
  addBootFiles(firmware: FirmwareImages): void {
    addBootImages(this.fwCfg, this.config, firmware, memoryLayout(this.config.memoryMiB).low);
  }
  /** Adds a type of the registry by name, when this build has it. */
  private addNamed(id: string, name: string, options: object, devfn = -1): Device | null {
    const type = deviceType(name);
    return type ? this.add(id, type, type.options.parse(options, name), devfn) : null;
  }
  device(id: string): Device<State> | null {
    return this.devices.find((d) => d.id === id)?.device ?? null;
  }
  irqSource(line: number): IrqLine {
    const junction = this.junctions[line];
    if (!junction) throw new Error(`no interrupt line ${line}`);
    return junction.source();
  }
  /** How often each global system interrupt 0-23 went high. */
  irqCounts(): readonly number[] {
    return this.junctions.map((j) => j.rises);
  }
  /** How often the processor acknowledged each vector that it ever did. */
  vectorCounts(): Interrupts["vectors"] {
    return this.acknowledged.flatMap((counts, by) => [...counts].flatMap((count, vector) => (count > 0 ? [{ vector, by: by as 0 | 1, count }] : [])));
  }
  irqLevels(): readonly boolean[] {
    return this.junctions.map((j) => j.output.level);
  }
  wireOf(name: string): Wire {
    let wire = this.wires.get(name);
    if (!wire) {
      wire = new Wire();
      this.wires.set(name, wire);
    }
    return wire;
  }
  addPin(name: string, listener: (high: boolean) => void): void {
    this.pins.set(name, listener);
  }
  private connect(wire: string, pin: string): void {
    this.connectTo(this.wireOf(wire), pin);
  }
  private connectTo(wire: Wire, pin: string): void {
    const listener = this.pins.get(pin);
    if (!listener) throw new Error(`no pin ${pin}`);
    wire.connect(listener);
  }
  addPci(devfn: number, config: Uint8Array): PciFunction {
    if (devfn < 0) throw new Error("this device has no PCI slot");
    const pin = (config[0x3d] as number) || 1;
    // PIRQ = (slot + pin - 1) & 3 with pins counted from 0, as QEMU's pci_slot_get_pirq.
    const pirq = ((devfn >> 3) + (pin - 1) - 1) & 3;
    return this.pci.add(devfn, config, (this.pirqs[pirq] as Junction).source(), this.memory);
  }
  dmaChannel(channel: number): DmaChannel {
    const controller = this.device("dma") as unknown as DmaController | null;
    if (!controller) throw new Error("no DMA controller");
    return controller.channel(channel);
  }
  message(address: number, data: number): void {
    if (Math.floor(address / 0x100000) === 0xfee) this.local.message(address, data);
    else {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, data, true);
      this.memory.write(address, bytes);
    }
  }
  noteMissing(what: string): void {
    const count = (this.missing.get(what) ?? 0) + 1;
    this.missing.set(what, count);
    if (count === 1) this.onMissing?.(what);
    this.trace.emitName("device.missing");
  }
  private baseSeconds(): number {
    const { base, mode } = this.config.clock;
    const dateMs = this.parts.hostDateMs?.() ?? Date.now();
    if (base === "utc" || base === "localtime") {
      // A repeatable machine starts at a fixed date unless the domain gives one.
      if (mode === "instructions") return Date.UTC(2026, 0, 1) / 1000;
      const shift = base === "localtime" ? new Date(dateMs).getTimezoneOffset() * 60 : 0;
      return Math.floor(dateMs / 1000) - shift;
    }
    const parsed = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(base) || !base.includes("T") ? base : `${base}Z`);
    if (!Number.isFinite(parsed)) throw new FaultError("clock.base", `"${base}" is not a date.`, "Write utc, localtime or 2026-01-31T12:00:00.");
    return Math.floor(parsed / 1000);
  }
  private diskAt(id: string): Backends["block"] {
    return this.config.disks.some((d) => d.at === id) ? this.parts.backends("block", id) : null;
  }
  private mapFirmware(): void {
    const bios = this.parts.firmware.bios;
    if (!bios) return;
    if (bios.length === 0 || bios.length % 65536 !== 0 || bios.length > 16 * MIB)
      throw new FaultError("firmware.size", `The BIOS has ${bios.length} bytes.`, "It must be a multiple of 64 KiB, at most 16 MiB.");
    const rom = this.memory.allocate(bios.length, "rom");
    rom.bytes.set(bios);
    rom.map(0x100000000 - bios.length);
    // The last 128 KiB also answer below 1 MiB while the PAM registers send those reads to the bus.
    const length = Math.min(bios.length, 0x20000);
    const low = this.memory.allocate(length, "rom");
    low.bytes.set(bios.subarray(bios.length - length));
    low.map(0x100000 - length);
  }

  // ---- the processor's side ------------------------------------------------------------------------------------------

  private cpuHost(): CpuHost {
    const { trace, pio, mmio } = this;
    return {
      pioRead: (port, width) => {
        const value = pio.read(port, width);
        trace.emit(PIO_READ, port, value, width);
        if (this.onPort !== null) this.onPort(port, width, false, value);
        return value;
      },
      pioWrite: (port, width, value) => {
        trace.emit(PIO_WRITE, port, value, width);
        if (this.onPort !== null) this.onPort(port, width, true, value);
        pio.write(port, width, value);
      },
      mmioRead: (physical, width) => {
        const value = mmio.read(physical, width);
        trace.emit(MMIO_READ, physical, value, width);
        return value;
      },
      mmioWrite: (physical, width, value) => {
        trace.emit(MMIO_WRITE, physical, value, width);
        mmio.write(physical, width, value);
      },
      acknowledge: () => {
        const fromLocal = this.local.hasDeliverable();
        const vector = fromLocal ? this.local.acknowledge() : this.dualPic.acknowledge();
        const counts = this.acknowledged[fromLocal ? 1 : 0];
        counts[vector] = (counts[vector] as number) + 1;
        if (!fromLocal) this.updateIntr();
        return vector;
      },
      readTpr: () => this.local.taskPriority,
      writeTpr: (value) => {
        this.local.taskPriority = value;
      },
      apicMsrRead: (index) => this.local.msrRead(index),
      apicMsrWrite: (index, value) => this.local.msrWrite(index, value),
      nowNs: () => this.clock.now(),
      time: this.clock.mode === "instructions" ? this.clock.shift : "host",
      ferr: (asserted) => this.pins.get("fpu-error.ferr")?.(asserted),
      missing: (what) => this.noteMissing(what),
    };
  }
  /** A debugger steps one instruction: interrupts wait meanwhile. */
  holdInterrupts(on: boolean): void {
    if (on === this.held) return;
    this.held = on;
    this.updateIntr();
  }
  private updateIntr(): void {
    const high = this.local.hasDeliverable() || (this.picInt && this.local.acceptsExtInt());
    this.cpu.intr.set(high && !this.held);
    if (high) this.onWake?.();
  }
  ask(request: Request): void {
    this.request = request;
    this.cpu.kick();
    this.onWake?.();
  }
  /** The NMI button: through LINT1 when the local APIC is on. */
  nmi(): void {
    if (!this.local.hardwareEnabled) this.cpu.nmi();
    else {
      this.pins.get("lapic.lint1")?.(true);
      this.pins.get("lapic.lint1")?.(false);
    }
    this.onWake?.();
  }
  /** Presses the ACPI power button. */
  powerButton(): void {
    this.pins.get("pm.power-button")?.(true);
  }
  sleepButton(): void {
    this.pins.get("pm.sleep-button")?.(true);
  }

  /** After a snapshot was loaded: the real-time clock shows the host's date again, where it did before. */
  catchUpDate(): void {
    const { base, mode } = this.config.clock;
    if (mode === "wall" && (base === "utc" || base === "localtime")) (this.device("rtc") as ReturnType<typeof rtc.create>).setTime(this.baseSeconds());
  }

  /** The machine goes on from a saved state, perhaps one of several that do: it gets another identity (not where runs are to be repeatable). */
  newGeneration(tell = true): void {
    if (this.config.clock.mode === "wall") this.generation?.renew(crypto.getRandomValues(new Uint8Array(16)), tell);
  }

  // ---- power and reset -----------------------------------------------------------------------------------------------

  /** Loads what booting without firmware needs. Called once before the first reset. */
  async prepare(): Promise<void> {
    if (this.parts.firmware.bios || this.bootSector) return;
    const first = this.config.disks.find((d) => d.source !== "" && d.media !== "cdrom");
    if (!first) throw new FaultError("boot.nothing", "There is no firmware and no disk to boot from.", "Give a disk or a floppy, or leave -bios out.");
    const disk = this.diskAt(first.at);
    if (!disk) throw new FaultError("boot.nothing", `The drive ${first.at} is empty.`);
    const sector = new Uint8Array(512);
    if (disk.readSync) disk.readSync(0, sector);
    else await disk.read(0, sector);
    this.bootSector = sector;
    this.bootDrive = first.at.startsWith("floppy") ? first.at === "floppy1" ? 1 : 0 : 0x80;
  }
  /** Suspend to RAM: firmware finds in CMOS 0Fh that the next reset is a resume, as QEMU's real-time clock leaves it. */
  suspend(): void {
    this.pio.write(0x70, 1, 0x0f);
    this.pio.write(0x71, 1, 0xfe);
    this.pio.write(0x70, 1, 0);
  }
  /** Wakes from suspend to RAM: a reset that leaves RAM where firmware put itself (PAM) and says WAK_STS and why. */
  resumeFromSuspend(cause: "rtc" | "other"): void {
    const pam = Array.from({ length: 7 }, (_, i) => this.pci.read(0, 0x59 + i, 1));
    this.reset();
    pam.forEach((value, i) => this.pci.write(0, 0x59 + i, 1, value));
    this.pins.get("pm.woken")?.(cause === "rtc");
  }
  /** Hard reset of everything; RAM keeps its contents. */
  reset(): void {
    this.request = null;
    this.pci.reset();
    for (const { device } of this.devices) device.reset();
    this.cpu.reset();
    this.cpu.setA20(this.wireOf("i8042.a20").level);
    this.trace.emitName("cpu.reset");
    if (this.bootSector) {
      this.memory.write(0x7c00, this.bootSector);
      if (!this.cpu.start) throw new Error("this processor cannot start without firmware");
      this.cpu.start(0, 0x7c00, this.bootDrive);
    }
    this.updateIntr();
  }

  // ---- looking inside ------------------------------------------------------------------------------------------------

  /** Ports, ranges and functions as text lines: the golden file of the board test, and `info mtree`. */
  describe(): string[] {
    const hex = (n: number, digits: number) => n.toString(16).padStart(digits, "0");
    const lines: string[] = [];
    for (const e of this.pio.list()) lines.push(`port ${hex(e.base, 4)}-${hex(e.base + e.length - 1, 4)}`);
    for (const e of this.mmio.list()) lines.push(`mmio ${hex(e.base, 8)}-${hex(e.base + e.length - 1, 8)}`);
    for (const f of this.pci.list()) {
      lines.push(`pci 00:${hex(f.devfn >> 3, 2)}.${f.devfn & 7} ${hex(f.read(0, 2), 4)}:${hex(f.read(2, 2), 4)} class ${hex(f.read(10, 2), 4)}`);
      for (const b of f.list()) lines.push(`  bar${b.index} ${b.kind} ${b.length}`);
    }
    for (const d of this.devices) lines.push(`device ${d.id} (${d.type.name})`);
    return lines;
  }
}

export function buildBoard(config: DomainConfig, parts: BoardParts): Board {
  return new Board(config, parts);
}
