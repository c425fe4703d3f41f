// One machine behind MachineRpc: fetches what its domain names, builds memory, board and processor, connects the backends to shared
// rings, and answers every error as a Fault. Runs in a worker and, with another fetcher, in Node.

import { joined } from "../src/contract/bytes.ts";
import { PROGRAM, VERSION } from "../src/contract/version.ts";
import { domainSchema, type DomainConfig } from "../src/contract/domain.ts";
import { keptIn } from "../src/contract/sources-of.ts";
import { takeInput } from "../src/contract/input.ts";
import { type CloneOf, type MachineNotice, type MachineRpc, type OpenOptions, type Seed, type SharedViews, STATS, STATS_COUNT } from "../src/contract/machine.ts";
import { Ring } from "../src/contract/ring.ts";
import { type Fault, FaultError, faultOf, type Reply } from "../src/contract/schema.ts";
import { blobFile } from "./backends/block-remote.ts";
import { SpeakerSink } from "./backends/speaker.ts";
import { MemoryBlock, OverlayBlock } from "./backends/block-memory.ts";
import { PrefacedBytes } from "./backends/bytes.ts";
import { later } from "./backends/io.ts";
import { LibraryDisk, type LibraryFile } from "./backends/library-file.ts";
import { isRemote } from "./backends/web-address.ts";
import { createMemory, PoolMemory } from "./cpu/guest-memory.ts";
import type { JitCompiler } from "./cpu/jit/port.ts";
import { type CoreBinary, WasmCpu } from "./cpu/wasm-cpu.ts";
import type { DisplayDevice } from "./devices/vga.ts";
import { createFrameView, FrameSink, framePng, thumbnail } from "./frame-sink.ts";
import { buildBoard, type Board, type FirmwareImages } from "./machine/board.ts";
import { findMultiboot } from "./machine/boot-images.ts";
import { InputHub } from "./machine/input.ts";
import { Machine, type Notice } from "./machine/machine.ts";
import { baseOf, resumeInsteadOfBooting } from "./machine-resume.ts";
import { traceBytes } from "./machine/trace.ts";
import type { LifeContext } from "./monitor/command.ts";
import { lifecycleCommands } from "./monitor/lifecycle.ts";
import { type Monitor, monitorOf } from "./monitor/registry.ts";
import type { MachineTools } from "./machine-tools.ts";
import type { Backends, BlockBackend, BytesBackend } from "./platform/types.ts";
import { RamKeeper } from "./snapshots/ram-keeper.ts";
import { RecordedInputs } from "./snapshots/recorded-inputs.ts";
import { type Fetcher, Sources } from "./sources.ts";
import { part } from "./worker-parts.ts";

const SERIAL_OUT = 1 << 20;
const SERIAL_IN = 1 << 16;
const INPUT_RING = 1 << 13;
const TRACE_CAPACITY = 8192;
const STATS_MS = 250;
const DEBUG_LOG_MOST = 1 << 18;
/** A machine that runs this long reads the rest of its program, so that nothing has to be fetched when somebody asks. */
const TOOLS_AFTER_MS = 5000;

export interface HostEnvironment {
  readonly fetch: Fetcher;
  /** Compiles core.wasm found below `base`. */
  loadCore(base: string): Promise<CoreBinary>;
  /** Opens files of the library, and what a drive wrote over another source; left out where there is no library. */
  readonly library?: { readonly file: typeof LibraryFile.open; readonly overlay: typeof LibraryFile.openOverlay };
  /** Bytes of a file at once, while the guest waits; null where that cannot be done. */
  readonly fetchNow?: (url: string, from: number, to: number) => Uint8Array | null;
  /** Starts the translator's worker. Left out: the processor's thread translates. `trouble` is told why it cannot: the machine is interpreted then. */
  startTranslator?(core: Uint8Array, trouble: (fault: Fault) => void): JitCompiler;
}
const silent: BytesBackend = { write: () => {}, onReadable: () => {}, read: () => -1 };

interface SerialPort {
  readonly out: Ring;
  readonly in: Ring;
  readable: (() => void) | null;
}
interface Opened {
  readonly board: Board;
  readonly machine: Machine;
  readonly cpu: WasmCpu;
  readonly memory: PoolMemory;
  /** Commands for the life of the machine, which a start needs; all of them are among the tools. */
  readonly life: Monitor;
  tools: Promise<MachineTools> | null;
  loadTools(): Promise<MachineTools>;
  readonly input: InputHub;
  readonly inputRing: Ring;
  readonly serial: readonly SerialPort[];
  readonly stats: Float64Array;
  readonly picture: FrameSink;
  /** Was the picture watched at the last poke? */
  shown: boolean;
}

export class MachineHost implements MachineRpc {
  readonly #environment: HostEnvironment;
  readonly #listeners: ((notice: MachineNotice) => void)[] = [];
  #opened: Opened | null = null;
  #debugLog = "";
  /** Sources whose web server does not answer. */
  readonly #silent = new Set<string>();
  #hostStarted = 0;
  #ticker: ReturnType<typeof setInterval> | null = null;
  #preloading: ReturnType<typeof setTimeout> | null = null;

  constructor(environment: HostEnvironment) {
    this.#environment = environment;
  }
  async watch(listener: (notice: MachineNotice) => void): Promise<void> {
    this.#listeners.push(listener);
  }
  async open(options: OpenOptions): Promise<Reply<SharedViews>> {
    try {
      if (this.#opened) throw new FaultError("machine.open", "This machine is open already.");
      return { ok: true, value: await this.#open(options) };
    } catch (error) {
      return { ok: false, error: crashOf(error) };
    }
  }
  async execute(name: string, args: { readonly [name: string]: unknown }): Promise<Reply<unknown>> {
    const opened = this.#opened;
    if (!opened) return notOpen();
    // In order: what follows a command that waits for the tools waits with it.
    if (opened.tools === null && LIFE.has(name)) return opened.life.execute(name, args);
    return this.#withMonitor((monitor) => monitor.execute(name, args));
  }
  async type(line: string): Promise<Reply<string>> {
    return this.#withMonitor((monitor) => monitor.type(line));
  }
  async complete(line: string): Promise<readonly string[]> {
    const opened = this.#opened;
    return opened ? (await this.#tools(opened)).monitor.complete(line) : [];
  }
  #tools(opened: Opened): Promise<MachineTools> {
    opened.tools ??= opened.loadTools().catch((error: unknown) => {
      opened.tools = null;
      throw error;
    });
    return opened.tools;
  }
  async #withMonitor<T>(run: (monitor: Monitor) => Promise<Reply<T>>): Promise<Reply<T>> {
    if (!this.#opened) return notOpen();
    let tools: MachineTools;
    try {
      tools = await this.#tools(this.#opened);
    } catch (error) {
      return { ok: false, error: crashOf(error) };
    }
    return run(tools.monitor);
  }
  async poke(): Promise<void> {
    const opened = this.#opened;
    if (!opened) return;
    takeInput(
      opened.inputRing,
      (scancode, down) => opened.input.key(scancode, down),
      (dx, dy, dz, buttons) => opened.input.pointer(dx, dy, dz, buttons),
    );
    for (const port of opened.serial) if (port.in.length > 0) port.readable?.();
    // A display that nobody watched has not been drawn.
    if (opened.picture.watched && !opened.shown) (opened.board.device("vga") as DisplayDevice | null)?.refresh();
    opened.shown = opened.picture.watched;
    opened.machine.wake();
  }
  /** Stops the clockwork of this host (tests; a worker is terminated instead). */
  close(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
    if (this.#preloading !== null) clearTimeout(this.#preloading);
    this.#opened?.machine.powerOff();
  }

  async #open(options: OpenOptions): Promise<SharedViews> {
    const config = domainSchema.parse(options.config, "machine");
    let said = 0;
    const sources = new Sources(options.base, options.attachments, this.#environment.fetch, (what, loaded, total) => {
      const now = performance.now();
      if (now - said < 100 && loaded !== total) return;
      said = now;
      this.#say({ state: "off", reason: "progress", progress: { what, loaded, total } });
    }, (source, fault) => this.#trouble(source, fault));
    let fetching: ReturnType<Sources["savedMachine"]> | null = null;
    const known = config.boot.resume === "" ? null : () => (fetching ??= sources.savedMachine(config.boot.resume, this.#environment.fetchNow ?? (() => null)));
    const { seed } = options;
    const arriving = seed ? null : known?.();
    arriving?.catch(() => {}); // said at power-on
    // A machine that resumes needs kernel and RAM disk only for its next reset: they come afterwards.
    const plain: DomainConfig = known || seed ? { ...config, boot: { ...config.boot, kernel: "" } } : config;
    const [core, firmware, disks] = await Promise.all([options.core ?? this.#core(options.base), seed?.firmware ?? loadFirmware(plain, sources), loadDisks(config, sources, this.#environment, options.machine)]);
    if (arriving) await arriving.then(() => {}, () => {});

    const views: SharedViews = {
      frame: createFrameView(),
      serial: [],
      input: Ring.create(INPUT_RING).buffer as SharedArrayBuffer,
      stats: new SharedArrayBuffer(STATS_COUNT * 8),
      trace: new SharedArrayBuffer(traceBytes(TRACE_CAPACITY)),
      doorbell: new SharedArrayBuffer(4),
    };
    const ports: SerialPort[] = [];
    const portOf = new Map<string, SerialPort>();
    config.serial.forEach((backend, index) => {
      // There is no terminal behind stdio in a page: it means the console here.
      if (backend === "console" || backend === "stdio") {
        const port: SerialPort = { out: Ring.create(SERIAL_OUT), in: Ring.create(SERIAL_IN), readable: null };
        ports.push(port);
        portOf.set(`serial${index}`, port);
      } else if (backend !== "null" && backend !== "none")
        throw new FaultError("serial.backend", `The serial port cannot go to "${backend}" in a browser.`, "Choose console or null.");
    });
    (views as { serial: SharedViews["serial"] }).serial = ports.map((p) => ({ out: p.out.buffer as SharedArrayBuffer, in: p.in.buffer as SharedArrayBuffer }));

    // A resumed guest reads the date before anything that is typed.
    let first: PrefacedBytes | null = null;
    const input = new InputHub();
    const picture = new FrameSink(views.frame);
    const speaker = new SpeakerSink((tones) => this.#say({ state: this.#opened?.machine.state ?? "off", reason: "sound", tones }));
    const bytes = (id: string): BytesBackend => {
      const port = portOf.get(id);
      if (port)
        return {
          write: (byte) => void port.out.push(byte),
          onReadable: (listener) => {
            port.readable = listener;
          },
          read: () => port.in.shift(),
        };
      if (id === "debugcon" && config.firmware.debug)
        return { ...silent, write: (byte) => this.#debug(byte) };
      return silent;
    };
    const backends = <K extends keyof Backends>(kind: K, id: string): Backends[K] => {
      const make: { readonly [P in keyof Backends]: () => Backends[P] } = {
        block: () => disks.get(id) ?? null,
        bytes: () => {
          if (id !== "serial0" || !known) return bytes(id);
          first = new PrefacedBytes(bytes(id));
          return first;
        },
        picture: () => picture,
        input: () => input,
        speaker: () => speaker,
      };
      return make[kind]();
    };

    const inputs = new RecordedInputs();
    const exact = config.clock.mode === "instructions";
    const memory = new PoolMemory(createPool());
    const compiler = config.cpu.accel === "jit" ? await this.#translator(core) : undefined;
    let cpu: WasmCpu | null = null;
    const board = buildBoard(config, {
      cpuFactory: (host) => {
        cpu = new WasmCpu({ core, memory, host, model: config.cpu.model, accel: config.cpu.accel, compiler });
        return cpu;
      },
      memory,
      backends: exact ? inputs.around(backends) : backends,
      firmware,
      trace: { buffer: views.trace, capacity: TRACE_CAPACITY },
      doorbell: new Int32Array(views.doorbell),
      // The page rings before each message; what else comes (a disk's answer to a guest that only ticks) may wait a little.
      eventLoopEveryMs: 52,
      mostLateMs: 50,
    });
    if (!cpu) throw new Error("the board made no processor");
    const machine = new Machine(board);
    const keeper = new RamKeeper(memory);
    if (known || seed)
      resumeInsteadOfBooting({
        machine, keeper, config, seed, known,
        loadBootFiles: async () => board.addBootFiles(await loadFirmware(config, sources)),
        say: (line) => first?.say(line),
        print: (text) => {
          for (const byte of new TextEncoder().encode(text)) ports[0]?.out.push(byte);
        },
        failed: (error) => {
          machine.powerOff();
          this.#say({ state: "crashed", reason: "error", error: crashOf(error) });
        },
      });
    // Storage is full: the machine stops, and the write is tried again when it goes on.
    const whenFull = async ({ fault }: FaultError): Promise<boolean> => {
      if (machine.state === "running") {
        machine.pause("io-error");
        this.#say({ state: machine.state, reason: "io-error", error: fault });
      } else if (machine.last.reason !== "io-error") return false;
      await new Promise<void>((resolve) => {
        const stop = machine.onState(({ state }) => {
          if (state !== "running") return;
          stop();
          resolve();
        });
      });
      return true;
    };
    for (const disk of disks.values()) if (disk instanceof LibraryDisk) disk.file.onFull = whenFull;
    const stats = new Float64Array(views.stats);
    const id = options.machine;
    const library =
      id === undefined || !this.#environment.library
        ? null
        : {
            id, config, machine, keeper, disks,
            base: () => baseOf(config, known),
            thumbnail: () => thumbnail(views.frame),
            cloned: (clones: readonly CloneOf[], from: Seed | null) => this.#say({ state: machine.state, reason: "clone", clones, ...(from ? { seed: from } : {}) }),
          };
    const saveFile = (name: string, bytes: Uint8Array) => this.#say({ state: machine.state, reason: "file", file: { name, bytes } });
    const screendump = async (name: string) => {
      (board.device("vga") as DisplayDevice | null)?.refresh();
      const bytes = await framePng(views.frame);
      if (!bytes) throw new FaultError("screendump.empty", "There is no picture to save.", "The machine has no display, or nothing was shown yet.");
      saveFile(name, bytes);
    };
    const lives: LifeContext = { board, machine, input, version: VERSION, debugLog: () => this.#debugLog };
    const made = cpu as WasmCpu;
    const loadTools = async () => (await part(() => import("./machine-tools.ts"))).makeTools({ ...lives, cpu: made, memory, keeper, inputs: exact ? inputs : null, library, saveFile, screendump });
    const opened: Opened = {
      board, machine, cpu, memory, input, inputRing: new Ring(views.input), serial: ports, stats, picture, shown: false,
      life: monitorOf(lives, lifecycleCommands), tools: null, loadTools,
    };
    // Checkpoints are taken from the first instruction on.
    if (exact) await this.#tools(opened);
    this.#opened = opened;
    machine.onState((notice) => this.#onState(notice));
    this.#writeStats();
    this.#ticker = setInterval(() => {
      this.#writeStats();
      if (this.#opened && (this.#opened.inputRing.length > 0 || ports.some((p) => p.in.length > 0))) void this.poke();
    }, STATS_MS);
    return views;
  }
  async #translator({ bytes }: CoreBinary): Promise<JitCompiler> {
    const apart = this.#environment.startTranslator?.(bytes, (error) => this.#say({ state: this.#opened?.machine.state ?? "off", reason: "trouble", error }));
    return apart ?? (await part(() => import("./cpu/jit/job.ts"))).inlineCompiler(bytes);
  }
  async #core(base: string): Promise<CoreBinary> {
    try {
      return await this.#environment.loadCore(base);
    } catch (error) {
      if (error instanceof FaultError) throw error;
      throw new FaultError("core.load", `The processor core could not be loaded: ${error instanceof Error ? error.message : String(error)}`, "Guesthouse needs a current browser with WebAssembly tail calls (Chrome 112, Firefox 121, Safari 18.2).");
    }
  }
  /** A web server that does not answer is said once, until it answers again. */
  #trouble(source: string, error: FaultError | null): void {
    if (error === null) this.#silent.delete(source);
    else if (!this.#silent.has(source)) {
      this.#silent.add(source);
      this.#say({ state: this.#opened?.machine.state ?? "off", reason: "trouble", error: error.fault });
    }
  }
  #debug(byte: number): void {
    this.#debugLog = (this.#debugLog + String.fromCharCode(byte)).slice(-DEBUG_LOG_MOST);
  }
  #onState(notice: Notice): void {
    if (notice.state === "running" && notice.reason === "start") {
      this.#hostStarted = performance.now();
      this.#preloadTools();
    }
    this.#writeStats();
    const { state, reason, exitStatus } = notice;
    const said: { -readonly [K in keyof MachineNotice]: MachineNotice[K] } = { state, reason };
    if (exitStatus !== undefined) said.exitStatus = exitStatus;
    if (state === "crashed") {
      said.error = crashOf(notice.error);
      said.report = this.#report(notice.error);
    }
    this.#say(said);
  }
  #preloadTools(): void {
    const opened = this.#opened;
    if (!opened || this.#preloading !== null || opened.tools) return;
    this.#preloading = setTimeout(() => {
      // Whoever asks for them later is told why they did not come.
      void this.#tools(opened).catch(() => {});
    }, TOOLS_AFTER_MS);
  }
  #say(notice: MachineNotice): void {
    for (const listener of this.#listeners) listener(notice);
  }
  #writeStats(): void {
    const o = this.#opened;
    if (!o) return;
    const { stats, board, machine, cpu, memory } = o;
    const counters = cpu.counters();
    const { trace } = board;
    stats[STATS.instructions] = counters.instructions;
    stats[STATS.guestNs] = board.clock.now();
    stats[STATS.busyMs] = machine.busyMs;
    stats[STATS.hostMs] = this.#hostStarted ? performance.now() - this.#hostStarted : 0;
    stats[STATS.pio] = trace.count("pio.read") + trace.count("pio.write");
    stats[STATS.mmio] = trace.count("mmio.read") + trace.count("mmio.write");
    stats[STATS.interrupts] = counters.interrupts;
    stats[STATS.tlbFills] = counters.tlbFills;
    stats[STATS.memoryBytes] = memory.used;
    stats[STATS.deferredBytes] = memory.deferred;
    stats[STATS.diskBytes] = board.diskBytes;
    stats[STATS.serialBytes] = trace.count("serial.byte") + trace.count("serial.in");
  }
  /** What a bug report needs: version, error, registers, last trace events. */
  #report(error: unknown): string {
    const lines = [`${PROGRAM} crash report`, `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
    const o = this.#opened;
    if (!o) return lines.join("\n");
    try {
      const r = o.cpu.registers();
      const hex = (v: bigint) => v.toString(16).padStart(16, "0");
      const names = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
      lines.push(`rip ${hex(r.rip)} eflags ${hex(r.eflags)} cpl ${r.cpl}${r.halted ? " halted" : ""}`);
      for (let i = 0; i < 16; i += 4) lines.push(names.slice(i, i + 4).map((n, k) => `${n.padEnd(3)} ${hex(r.gpr[i + k] ?? 0n)}`).join("  "));
      lines.push(`cr0 ${hex(r.cr0)}  cr2 ${hex(r.cr2)}  cr3 ${hex(r.cr3)}  cr4 ${hex(r.cr4)}  efer ${hex(r.efer)}`);
      lines.push(`instructions ${o.cpu.instructions()}  guest ns ${o.board.clock.now()}`);
      lines.push(`missing ${[...o.board.missing].map(([what, n]) => `${what} (${n})`).join(", ") || "nothing"}`);
      lines.push("last events:");
      for (const e of o.board.trace.recent(50)) lines.push(`  ${e.atNs} ${e.kind} ${e.a.toString(16)} ${e.b.toString(16)} ${e.c.toString(16)}`);
    } catch (second) {
      lines.push(`(the rest of the report failed: ${String(second)})`);
    }
    return lines.join("\n");
  }
}
const LIFE: ReadonlySet<string> = new Set(lifecycleCommands.flatMap((c) => [c.name, ...(c.aliases ?? [])]));
function notOpen<T>(): Reply<T> {
  return { ok: false, error: { code: "machine.closed", message: "This machine is not open." } };
}
/** Our own bugs: the page shows a report to send. */
const crashOf = (error: unknown) => faultOf(error, "This is a bug in Guesthouse: please send the report.");
function createPool(): WebAssembly.Memory {
  try {
    return createMemory();
  } catch (error) {
    throw new FaultError("memory.host", `The browser refused memory for a machine: ${error instanceof Error ? error.message : String(error)}`, "Close other machines or tabs.");
  }
}
async function loadFirmware(config: DomainConfig, sources: Sources): Promise<FirmwareImages> {
  const { firmware, boot } = config;
  const get = (source: string) => (source ? sources.bytes(source) : Promise.resolve(undefined));
  const name = (text: string, known: string, file: string) => (text === known ? `firmware:${file}` : text === "none" ? "" : text);
  // One RAM disk for Linux, modules with arguments for Multiboot: both are lists of sources with commas.
  const wanted = boot.kernel ? boot.initrd.split(",").map((m) => m.trim()).filter((m) => m !== "") : [];
  const [bios, vgaBios, kernel, initrds] = await Promise.all([
    get(name(firmware.bios, "seabios", "bios-256k.bin")),
    config.vga === "std" ? get(name(firmware.vgaBios, "seavgabios", "vgabios-stdvga.bin")) : undefined,
    get(boot.kernel),
    Promise.all(wanted.map(async (commandLine) => ({ commandLine, bytes: await sources.bytes(commandLine.split(" ")[0] as string) }))),
  ]);
  const images: { -readonly [K in keyof FirmwareImages]: FirmwareImages[K] } = { bios: bios ?? null, vgaBios, kernel };
  if (!kernel) return images;
  if (findMultiboot(kernel)) {
    images.multiboot = await get("firmware:multiboot_dma.bin");
    images.modules = initrds;
  } else {
    images.linuxboot = await get("firmware:linuxboot_dma.bin");
    if (initrds.length > 0) images.initrd = archives(initrds.map((i) => i.bytes));
  }
  return images;
}
/** Linux takes several archives one after another, each at a multiple of four bytes. */
const archives = (parts: readonly Uint8Array[]) => (parts.length === 1 ? (parts[0] as Uint8Array) : joined(parts.flatMap((part) => [part, new Uint8Array(-part.length & 3)])));
/** A file of the library is written where it is, unless the drive says otherwise; writes over anything else are kept as contract/sources-of.ts says. */
async function loadDisks(config: DomainConfig, sources: Sources, { library }: HostEnvironment, machine: string | undefined): Promise<Map<string, BlockBackend>> {
  const disks = new Map<string, BlockBackend>();
  if (config.disks.every((d) => d.source === "")) return disks;
  const { openDrive } = await part(() => import("./backends/sources.ts"));
  await Promise.all(
    config.disks.map(async (disk) => {
      const { at, source, media, readOnly, format, cache } = disk;
      if (disks.has(at)) throw new FaultError("disk.twice", `Two drives are attached at ${at}.`);
      if (source === "") return;
      const attached = sources.attached(source);
      const fixed = readOnly || media === "cdrom";
      const how = media === "cdrom" && format === "auto" ? "raw" : format;
      const kept = library ? keptIn(config, disk) : null;
      const keep = async (file: LibraryFile) => {
        try {
          disks.set(at, await LibraryDisk.open(file, (f) => openDrive(f, { format: how, cache })));
        } catch (error) {
          await later(file.close());
          throw error;
        }
      };
      if (kept === "library" && library) await keep(await library.file(source.slice("library:".length), false));
      else if (source.startsWith("library:") && library) {
        const base = await openDrive(await library.file(source.slice("library:".length), true), { readOnly: true, format: how });
        disks.set(at, fixed ? base : new OverlayBlock(base));
      } else if (attached instanceof Blob) {
        // A sentence about the file names it as the person knows it.
        const file = blobFile(attached, attached instanceof File ? attached.name : source);
        const base = await openDrive(file, { readOnly: true, format: how });
        disks.set(at, fixed ? base : new OverlayBlock(base));
      } else if (kept === "overlay" && library && machine !== undefined && attached === undefined) {
        const { file, fingerprint } = await sources.file(source);
        await keep(await library.overlay(machine, at, source, file, fingerprint));
      } else if (attached === undefined && isRemote(source)) {
        const base = await openDrive((await sources.file(source)).file, { readOnly: true, format: how });
        disks.set(at, fixed ? base : new OverlayBlock(base));
      } else {
        const bytes = await sources.bytes(source);
        disks.set(at, new MemoryBlock(bytes, fixed, source));
      }
    }),
  );
  return disks;
}
