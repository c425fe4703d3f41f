// `guesthouse`: the same machine from a terminal, with QEMU's flags. Exit status as QEMU's: 0 at power off, 2v+1 from isa-debug-exit,
// 1 for what cannot be done ("guesthouse: sentence" and a hint on stderr).
// Left out: a window; the monitor's history.

import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { VERSION } from "../src/contract/version.ts";
import type { DomainConfig } from "../src/contract/domain.ts";
import { type Fault, FaultError } from "../src/contract/schema.ts";
import { isWritten } from "../src/contract/sources-of.ts";
import { flagHelp, type ParsedFlags, parseFlags, pluggableDevices } from "../src/manager/qemu-flags.ts";
import type { RemoteOptions } from "./backends/block-remote.ts";
import { isRemote } from "./backends/web-address.ts";
import { fileFault } from "./backends/byte-file.node.ts";
import { QueueBytes, nullBytes } from "./backends/bytes.ts";
import { ByteGatherer, fileBytes, writeAll } from "./backends/bytes.node.ts";
import { CapturePicture } from "./backends/picture.ts";
import { writePng } from "./backends/png.node.ts";
import { cpuModels } from "./cpu/models.ts";
import { deviceType } from "./devices/index.ts";
import type { DisplayDevice } from "./devices/vga.ts";
import type { Notice } from "./machine/machine.ts";
import { type NodeMachine, openMachine } from "./node-machine.ts";
import { parseGdbAddress, startGdbServer } from "./gdb/server.node.ts";
import { imgMain } from "./img/img.node.ts";
import { type DebugItems, debugHelp, parseDebugItems, startDebugLog, traceHelp } from "./debug-log.ts";
import type { CarriedMachine } from "./snapshots/carried.node.ts";
import { HOSTED_DISK, saveHosted } from "./snapshots/hosted-save.node.ts";
import { openSent, type Sent, sentOf, YES } from "./link.node.ts";
import { parseTrace, startTrace } from "./trace-file.ts";
import { createMonitor, type Monitor } from "./monitor/index.ts";
import type { BytesBackend } from "./platform/types.ts";

const CTRL_A = 0x01;
const CTRL_C = 0x03;

function showHelp(wants: string): void {
  const lines: { readonly [wants: string]: () => string } = {
    help: () => `guesthouse [flags] [disk image]\nguesthouse img COMMAND …   disk images, as qemu-img (guesthouse img --help)\nguesthouse FILE.guesthouse [-yes] [flags]   a machine that somebody sent goes on here: what it contains is shown, and you are asked before it starts; what it writes stays in memory\nguesthouse LINK [-yes] [flags]   the same for a link; @FILE: one that lies in a file, -: on standard input\nguesthouse chunks FILE FOLDER   a disk image in pieces for any web server\n\n${flagHelp()}\n\nIn the terminal: Ctrl-A x leaves, Ctrl-A c switches to the monitor, Ctrl-A h helps.`,
    version: () => `guesthouse ${VERSION}`,
    "device-help": () => pluggableDevices.filter((d) => deviceType(d.name)).map((d) => `${d.name.padEnd(20)}${d.summary}`).join("\n"),
    "debug-help": debugHelp,
    "trace-help": traceHelp,
    "cpu-help": () => cpuModels.map((m) => m.name).join("\n"),
    "machine-help": () => "pc                  i440FX and PIIX3 (default)",
  };
  console.log(lines[wants]?.() ?? "");
}

/** Standard input and output shared by a serial port and the monitor, with QEMU's Ctrl-A keys. */
class Terminal {
  readonly serial: QueueBytes;
  readonly #gather = new ByteGatherer((bytes) => writeAll(1, bytes));
  readonly #mux: boolean;
  readonly #quit: () => void;
  #monitor: Monitor | null = null;
  #onMonitor: boolean;
  #escape = false;
  #line = "";
  #busy: Promise<void> = Promise.resolve();

  constructor(mux: boolean, onMonitor: boolean, quit: () => void) {
    this.#mux = mux;
    this.#onMonitor = onMonitor;
    this.#quit = quit;
    this.serial = new QueueBytes((byte) => this.#gather.push(byte));
  }
  start(monitor: Monitor): void {
    this.#monitor = monitor;
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdin.on("data", (data: Buffer) => this.#typed(data));
    process.stdin.on("error", () => {});
    process.stdin.resume();
    if (this.#onMonitor) this.#print("Guesthouse monitor: type help for the list of commands.\n(guesthouse) ");
  }
  stop(): void {
    this.#gather.flush();
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.pause();
  }
  #print(text: string): void {
    for (const byte of new TextEncoder().encode(process.stdin.isTTY ? text.replaceAll("\n", "\r\n") : text)) this.#gather.push(byte);
  }
  #typed(data: Uint8Array): void {
    const toGuest: number[] = [];
    for (const byte of data) {
      if (this.#mux && this.#escape) {
        this.#escape = false;
        // Lines piped in before it get their answers first.
        if (byte === 0x78) return void this.#busy.finally(this.#quit);
        if (byte === 0x63) {
          this.#onMonitor = !this.#onMonitor;
          this.#print(this.#onMonitor ? "\nGuesthouse monitor: Ctrl-A c goes back.\n(guesthouse) " : "\n");
        } else if (byte === 0x68 || byte === 0x3f)
          this.#print("\nCtrl-A h  this help\nCtrl-A x  leave\nCtrl-A c  switch between serial port and monitor\nCtrl-A Ctrl-A  sends Ctrl-A\n");
        else if (byte === CTRL_A) toGuest.push(CTRL_A);
      } else if (this.#mux && byte === CTRL_A) this.#escape = true;
      else if (!this.#mux && byte === CTRL_C && process.stdin.isTTY) return this.#quit();
      else if (this.#onMonitor) this.#edit(byte);
      else toGuest.push(byte);
    }
    if (toGuest.length > 0) this.serial.feed(toGuest);
  }
  #edit(byte: number): void {
    if (byte === 13 || byte === 10) {
      const line = this.#line;
      this.#line = "";
      if (process.stdin.isTTY) this.#print("\n");
      this.#busy = this.#busy.then(async () => {
        const reply = await this.#monitor?.type(line);
        if (reply?.ok && reply.value !== "") this.#print(`${reply.value}\n`);
        else if (reply && !reply.ok) this.#print(`${reply.error.message}${reply.error.hint ? ` ${reply.error.hint}` : ""} [${reply.error.code}]\n`);
        this.#print("(guesthouse) ");
      });
    } else if (byte === 127 || byte === 8) {
      if (this.#line !== "") this.#print("\b \b");
      this.#line = this.#line.slice(0, -1);
    } else if (byte === 9) {
      const found = this.#monitor?.complete(this.#line) ?? [];
      const only = found.length === 1 ? `${found[0]} ` : null;
      if (only?.startsWith(this.#line)) {
        this.#print(only.slice(this.#line.length));
        this.#line = only;
      } else if (found.length > 1) this.#print(`\n${found.join("  ")}\n(guesthouse) ${this.#line}`);
    } else if (byte >= 32) {
      this.#line += String.fromCharCode(byte);
      if (process.stdin.isTTY) this.#print(String.fromCharCode(byte));
    }
  }
}

function readBytesOf(file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    throw fileFault(file, error);
  }
}
function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw fileFault(file, error);
  }
}
function traceTarget(file: string): { write(text: string): void; close(): void } {
  if (file === "") return { write: (text) => void process.stderr.write(text), close: () => {} };
  let handle: number;
  try {
    handle = openSync(file, "w");
  } catch (error) {
    throw fileFault(file, error);
  }
  return { write: (text) => void writeSync(handle, text), close: () => closeSync(handle) };
}
/** -d, into -D's file or onto standard error. */
function startLog(made: NodeMachine, items: DebugItems, file: string): () => void {
  const target = file === "" ? null : fileBytes(file);
  const write = (text: string) => {
    if (target) for (const byte of new TextEncoder().encode(text)) target.backend.write(byte);
    else process.stderr.write(text);
  };
  const stop = startDebugLog(items, made.board, made.cpu, write);
  return () => {
    stop();
    target?.close();
  };
}

const tell = (text: string) => void process.stderr.write(`guesthouse: ${text}\n`);
const tellFault = ({ message, code, hint }: Fault) => tell(`${message} [${code}]${hint ? `\n  ${hint}` : ""}`);
/** How disks on web servers are read; says what a person should know of them. */
function remoteOptions(disks: DomainConfig["disks"]): RemoteOptions {
  const lost = disks.find((d) => isRemote(d.source) && isWritten(d));
  if (lost) tell(`what is written to ${lost.at} stays in memory; to keep it: guesthouse img create -f qcow2 -F raw -b ${lost.source.replace(/^url:/, "")} FILE`);
  let silent = false;
  let said = performance.now();
  return {
    progress: (loaded, total) => {
      if (performance.now() - said < 1000) return;
      said = performance.now();
      tell(`${Math.floor(loaded / 2 ** 20)}${total > 0 ? ` of ${Math.ceil(total / 2 ** 20)}` : ""} MiB of a disk whose server does not send pieces`);
    },
    trouble: (fault) => {
      if (fault && !silent) tellFault(fault.fault);
      silent = fault !== null;
    },
  };
}
/** A machine that somebody sent, as a file or a link: its hardware is in it, so only flags of the session are left. */
async function runSent(sent: Sent, words: readonly string[], root: string): Promise<number> {
  const devices = pluggableDevices.filter((d) => deviceType(d.name));
  const { domain: given, session } = parseFlags(words.filter((w) => w !== YES), devices);
  const { domain: none } = parseFlags([], devices);
  if (session.wants !== "machine") {
    showHelp(session.wants);
    return 0;
  }
  if (JSON.stringify(given) !== JSON.stringify(none) || session.loadVm !== "") throw new FaultError("flags.bundle", `The hardware of ${sent.kind === "link" ? "the link" : sent.path} is in it.`, "Leave flags for hardware out; its console is this terminal, with the monitor behind Ctrl-A c. -S, -gdb, -d, -trace and -stats are fine.");
  const opened = await openSent(sent, words.includes(YES), { input: process.stdin, output: process.stderr }, tell);
  return opened ? run({ domain: opened.domain, session }, root, opened.carried) : 1;
}
async function chunksMain(words: readonly string[]): Promise<number> {
  const [file, folder, ...more] = words;
  if (file === undefined || folder === undefined || more.length > 0) throw new FaultError("flags.value", "guesthouse chunks wants a disk image and a folder.", "guesthouse chunks disk.qcow2 site/disk");
  const { sha256, pieces, bytes } = await saveHosted(file, folder);
  console.log(`${pieces} pieces, ${bytes} bytes in ${folder}; put the folder on a web server, then name the disk\nchunks:ADDRESS/${HOSTED_DISK}#sha256=${sha256}`);
  return 0;
}

async function run({ domain, session }: ParsedFlags, root: string, carried?: CarriedMachine): Promise<number> {
  const logged = parseDebugItems(session.debugItems);
  const gdbAddress = session.gdb === "" ? null : parseGdbAddress(session.gdb);
  const traces = session.traces.map((text) => parseTrace(text, (file) => readText(file)));
  // A terminal has no window: the page's console is the terminal here, with the monitor behind Ctrl-A c.
  const consolePort = domain.serial.findIndex((port) => port === "stdio" || port === "console");
  const serialOnTerminal = consolePort >= 0 && session.monitor !== "stdio";
  const mux = session.monitor === "mux" || domain.serial[consolePort] === "console";
  const closers: (() => void)[] = [];
  let leave = () => {};
  const terminal = new Terminal(mux, !serialOnTerminal && session.monitor === "stdio", () => leave());
  const debugOutput = new ByteGatherer((bytes) => writeAll(2, bytes));
  closers.push(() => debugOutput.flush());
  const fileOf = (name: string): BytesBackend => {
    const { backend, close } = fileBytes(name);
    closers.push(close);
    return backend;
  };
  let debugBackend: BytesBackend | null = null;
  const bytes = (id: string): BytesBackend => {
    const port = /^serial(\d)$/.exec(id)?.[1];
    if (port === undefined) {
      if (session.debugcon === "stdio") return { ...nullBytes, write: (byte) => debugOutput.push(byte) };
      if (session.debugcon.startsWith("file:")) {
        debugBackend ??= fileOf(session.debugcon.slice(5));
        return debugBackend;
      }
      return nullBytes;
    }
    const backend = domain.serial[Number(port)] ?? "null";
    if (serialOnTerminal && Number(port) === consolePort) return terminal.serial;
    return backend.startsWith("file:") ? fileOf(backend.slice(5)) : nullBytes;
  };
  const picture = new CapturePicture();
  const worker = process.env.GUESTHOUSE_JIT_WORKER;
  const made = await openMachine(domain, {
    ...(carried ? { carried } : {}),
    remote: remoteOptions(carried ? [] : domain.disks),
    ...(worker ? { jitWorker: { file: worker } } : {}),
    root,
    firmwareDirectory: session.firmwareDirectory,
    bytes,
    picture,
    traceCapacity: traces.length > 0 || logged.kinds.length > 0 || logged.items.has("guest_errors") ? 1 << 18 : 4096,
  });
  const { machine, board, cpu, input, debug, history, keeper } = made;
  const dump = (file: string) => {
    (board.device("vga") as DisplayDevice | null)?.refresh();
    if (file.endsWith(".txt")) writeFileSync(file, `${(picture.rows ?? []).map((row) => row.trimEnd()).join("\n")}\n`);
    else writePng(file, picture);
  };
  if (session.loadVm !== "")
    machine.onStart = async () => {
      await made.snapshots.load(session.loadVm);
      return true;
    };
  const monitor = createMonitor({ board, machine, cpu, input, debug, keeper, ...(history ? { history } : {}), version: VERSION, leave: () => leave(), readFile: readBytesOf, screendump: dump, saveFile: (name, bytes) => writeFileSync(name, bytes), snapshots: made.snapshots });

  let status = 0;
  const finished = new Promise<void>((resolve) => {
    leave = resolve;
    machine.onState((notice: Notice) => {
      if (notice.state === "crashed") {
        status = 1;
        const { error } = notice;
        process.stderr.write(`guesthouse: the machine crashed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
        resolve();
      } else if (notice.state === "off") {
        status = notice.exitStatus ?? 0;
        if (!(session.noShutdown && notice.reason === "poweroff")) resolve();
      }
    });
  });
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const)
    process.on(signal, () => {
      process.stderr.write(`guesthouse: terminating on signal ${number}\n`);
      leave();
    });
  const stopLog = session.debugItems.length > 0 ? startLog(made, logged, session.logFile) : null;
  const gdb = gdbAddress && (await startGdbServer(gdbAddress, {
    machine, board, cpu, debug,
    monitor: async (line) => {
      const reply = await monitor.type(line);
      return reply.ok ? reply.value : `${reply.error.message}${reply.error.hint ? ` ${reply.error.hint}` : ""}`;
    },
    back: history ? async (how) => (how === "step" ? history.stepBack() : history.continueBack()) : null,
    changed: () => history?.disturbed(),
    kill: () => leave(),
  }));
  const stopTrace = traces.length > 0 ? startTrace(board.trace, traces, traceTarget) : null;
  const usesTerminal = serialOnTerminal || session.monitor !== "none";
  if (usesTerminal) terminal.start(monitor);
  const started = performance.now();
  // Nothing else may keep Node alive while the guest sleeps.
  const alive = setInterval(() => {}, 1 << 30);
  try {
    await machine.start({ paused: session.startPaused });
    await finished;
    if (machine.state === "running") machine.pause();
    if (session.screendump) dump(session.screendump);
    if (session.stats) writeFileSync(session.stats, `${JSON.stringify(statistics(made, (performance.now() - started) / 1000), null, 2)}\n`);
  } finally {
    clearInterval(alive);
    gdb?.close();
    stopLog?.();
    stopTrace?.();
    terminal.stop();
    for (const close of closers) close();
    await made.close();
  }
  return status;
}

function statistics({ machine, board, cpu }: NodeMachine, seconds: number): object {
  const counters = cpu.counters();
  const { trace } = board;
  return {
    instructions: counters.instructions,
    seconds,
    busySeconds: machine.busyMs / 1000,
    guestSeconds: board.clock.now() / 1e9,
    mips: machine.busyMs > 0 ? counters.instructions / machine.busyMs / 1000 : 0,
    tlbFills: counters.tlbFills,
    interrupts: counters.interrupts,
    exceptions: counters.exceptions,
    blocksDecoded: counters.blocksDecoded,
    pio: trace.count("pio.read") + trace.count("pio.write"),
    mmio: trace.count("mmio.read") + trace.count("mmio.write"),
    missing: Object.fromEntries(board.missing),
  };
}

async function main(): Promise<number> {
  const root = process.env.GUESTHOUSE_ROOT ?? join(dirname(process.argv[1] ?? "."), "..");
  if (process.argv[2] === "img") return await imgMain(process.argv.slice(3));
  const [first = "", ...rest] = process.argv.slice(2);
  try {
    if (first === "chunks") return await chunksMain(rest);
    const sent = await sentOf(first, process.stdin);
    if (sent) return await runSent(sent, rest, root);
    const parsed = parseFlags(process.argv.slice(2), pluggableDevices.filter((d) => deviceType(d.name)));
    if (parsed.session.wants !== "machine") {
      showHelp(parsed.session.wants);
      return 0;
    }
    return await run(parsed, root);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    tellFault(error.fault);
    return 1;
  }
}

main().then(
  (status) => {
    process.exit(status);
  },
  (error: unknown) => {
    process.stderr.write(`guesthouse: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(70);
  },
);
