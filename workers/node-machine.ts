// Builds a machine from a domain in Node: files as disks, firmware from images/ or the system, the core from workers/cpu/build.
// Left out: everything of a page (workers/machine-host.ts does that).

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { Worker } from "node:worker_threads";
import type { DomainConfig } from "../src/contract/domain.ts";
import { FaultError } from "../src/contract/schema.ts";
import { PrefacedBytes } from "./backends/bytes.ts";
import type { RemoteOptions } from "./backends/block-remote.ts";
import { loadZstd } from "./backends/compress.ts";
import { OverlayBlock } from "./backends/block-memory.ts";
import { type ByteFile, readAll } from "./backends/byte-file.ts";
import { fileFault, NodeFile } from "./backends/byte-file.node.ts";
import { nullSpeaker } from "./backends/speaker.ts";
import { openDrive, type Openers, openSource, sharedOpeners, type SourceOptions } from "./backends/sources.ts";
import { webAddress } from "./backends/web-address.ts";
import { closeChain, type Image } from "./backends/image.ts";
import { later } from "./backends/io.ts";
import { damage, damagedFault, parseRecord, parseSavedRecord } from "./image-record.ts";
import { createMemory, PoolMemory } from "./cpu/guest-memory.ts";
import { decodeTables } from "./cpu/isa/tables.ts";
import { inlineCompiler } from "./cpu/jit/job.ts";
import { type JitCompiler, workerCompiler } from "./cpu/jit/port.ts";
import * as regions from "./cpu/jit/region.ts";
import { type CoreBinary, WasmCpu } from "./cpu/wasm-cpu.ts";
import { type BackendSource, type Board, buildBoard, type FirmwareImages } from "./machine/board.ts";
import { findMultiboot } from "./machine/boot-images.ts";
import { InputHub } from "./machine/input.ts";
import { Debugger } from "./machine/debugger.ts";
import { Machine } from "./machine/machine.ts";
import { traceBytes } from "./machine/trace.ts";
import { Qcow2Store } from "./snapshots/qcow2-store.ts";
import { restoreVm, resumeLine } from "./snapshots/save-vm.ts";
import type { CarriedMachine } from "./snapshots/carried.node.ts";
import { decodeVm } from "./snapshots/vm-file.ts";
import { namedFile, namedSurroundings } from "./snapshots/named-file.node.ts";
import { play } from "./snapshots/recording.ts";
import { RamKeeper } from "./snapshots/ram-keeper.ts";
import { RecordedInputs } from "./snapshots/recorded-inputs.ts";
import { TimeTravel } from "./snapshots/time-travel.ts";
import type { BlockBackend, BytesBackend, PictureBackend } from "./platform/types.ts";

export interface NodeParts {
  /** Of disks on web servers. */
  readonly remote?: RemoteOptions;
  /** A machine that somebody sent, whose domain this is. */
  readonly carried?: CarriedMachine;
  /** The project's directory. */
  readonly root: string;
  /** Directory of firmware before the usual ones; "" for none. */
  readonly firmwareDirectory?: string;
  /** The translator's worker: a file to run, or its text. Left out: the processor's thread translates. */
  readonly jitWorker?: { readonly file: string } | { readonly text: string };
  /** Bytes of core.wasm; read from workers/cpu/build when left out. */
  readonly core?: Uint8Array;
  bytes(id: string): BytesBackend;
  readonly picture: PictureBackend;
  /** Of the translator, for tests. */
  readonly tuning?: { readonly threshold: number; readonly leastBatch: number };
  readonly traceCapacity?: number;
  /** Instructions between checkpoints, for tests. */
  readonly checkpointEvery?: number;
}
export interface NodeMachine {
  readonly machine: Machine;
  readonly board: Board;
  readonly cpu: WasmCpu;
  readonly input: InputHub;
  readonly debug: Debugger;
  /** Only where time is instructions. */
  readonly history?: TimeTravel;
  /** The images behind the drives, by place. */
  readonly images: ReadonlyMap<string, Image>;
  readonly keeper: RamKeeper;
  readonly snapshots: Qcow2Store;
  /** Writes what is still in memory and closes the images. */
  close(): Promise<void>;
}

function readBytes(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw fileFault(path, error);
  }
}
/** Bytes of a built file, refused when built.json in its folder says that they are others. */
function checkedBytes(folder: string, name: string, shown: string): Uint8Array {
  const bytes = readBytes(join(folder, name));
  const file = join(folder, "built.json");
  const expected = existsSync(file) ? parseRecord(readFileSync(file, "utf8"))?.get(name) : undefined;
  if (!expected) return bytes;
  const detail = damage(expected, bytes.length, createHash("sha256").update(bytes).digest("hex"));
  if (detail !== null) throw damagedFault(shown, detail);
  return bytes;
}
/** As checkedBytes, for a path of builtPath. */
function checkedBuilt(path: string, root: string, source: string): Uint8Array {
  const [id = "", , ...name] = relative(join(root, "images"), path).split(sep);
  if (!existsSync(path)) throw new FaultError("source.missing", `${source} is not built.`, "Run npm run images.");
  return checkedBytes(join(root, "images", id, "build"), name.join("/"), source);
}
/** "guest:debian-amd64/vmlinuz" and "firmware:bios-256k.bin" are built files of images/. */
function builtPath(root: string, source: string): string | null {
  const match = /^(guest|firmware):([\w.+-]+(?:\/[\w.+-]+)*)$/.exec(source);
  if (!match || match[2]?.split("/").includes("..")) return null;
  const [first = "", ...rest] = match[1] === "firmware" ? ["firmware", match[2] as string] : (match[2] as string).split("/");
  return join(root, "images", first, "build", ...rest);
}
async function sourceBytes(source: string, parts: NodeParts): Promise<Uint8Array> {
  const built = builtPath(parts.root, source);
  if (built !== null) return checkedBuilt(built, parts.root, source);
  if (source.startsWith("file:")) return readBytes(source.slice(5));
  if (/^(url|chunks|bundle):/.test(source)) {
    const file = await openFile(source, parts);
    return readAll(file);
  }
  const disk = await openDisk(source, parts, { readOnly: true, format: "raw" });
  if (disk === null) throw new FaultError("source.empty", "A source is empty.");
  const bytes = new Uint8Array(disk.sectors * 512);
  await disk.read(0, bytes);
  return bytes;
}
/** Files by the kind of their source. */
const fileOpeners = ({ root, remote, carried }: NodeParts): Openers => ({
  file: (path, noWrites) => new NodeFile(path, noWrites ? "read" : "write"),
  url: (rest) => later(namedFile(webAddress(rest), "read", remote)),
  chunks: (rest) => later(namedFile(`chunks:${rest}`, "read", remote)),
  guest: (rest) => {
    const path = builtPath(root, `guest:${rest}`);
    if (path === null) throw new FaultError("source.path", `"guest:${rest}" is not a built file.`, "Write guest:ID/NAME.");
    checkedBuilt(path, root, `guest:${rest}`);
    return new NodeFile(path, "read");
  },
  ...(carried ? { bundle: (rest: string) => carried.file(`bundle:${rest}`) } : {}),
});
function openDisk(source: string, parts: NodeParts, options: SourceOptions): Promise<BlockBackend | null> {
  return openSource(source, { ...options, around: namedSurroundings(parts.remote) }, fileOpeners(parts));
}
/** A file that is only read. */
async function openFile(source: string, parts: NodeParts): Promise<ByteFile> {
  const [kind = "", ...rest] = source.split(":");
  const all: Openers = { ...sharedOpeners, ...fileOpeners(parts) };
  const file = await (Object.hasOwn(all, kind) ? all[kind] : undefined)?.(rest.join(":"), true);
  if (!file || "sectors" in file) throw new FaultError("source.kind", `"${source}" is not a source this place can open.`);
  return kind === "memory" ? Object.assign(file, { fingerprint: String(file.size) }) : file;
}
/** A drive of a machine that somebody sent: writes stay in memory. */
async function openCarried(disk: DomainConfig["disks"][number], carried: CarriedMachine, parts: NodeParts, options: SourceOptions): Promise<BlockBackend | null> {
  const over = disk.source === "" ? null : await carried.written(disk.at, () => openFile(disk.source, parts));
  if (!over) return openDisk(disk.source, parts, { ...options, snapshot: !disk.readOnly });
  return new OverlayBlock(await openDrive(over, { ...options, readOnly: true, around: namedSurroundings(parts.remote) }));
}

/** Places of firmware files, first found wins. */
export function findFirmware(name: string, root: string, first = ""): Uint8Array | null {
  const places = [first, process.env.GUESTHOUSE_FIRMWARE ?? "", join(root, "images/firmware/build"), "/usr/share/seabios", "/usr/share/qemu"];
  for (const place of places) if (place !== "" && existsSync(join(place, name))) return checkedBytes(place, name, join(place, name));
  return null;
}
async function loadFirmware(config: DomainConfig, parts: NodeParts): Promise<FirmwareImages> {
  const find = (name: string) => findFirmware(name, parts.root, parts.firmwareDirectory);
  const needed = (name: string): Uint8Array => {
    const bytes = find(name);
    if (!bytes) throw new FaultError("firmware.missing", `The firmware file ${name} was not found.`, "Run npm run images, or name a directory with -L.");
    return bytes;
  };
  const { bios, vgaBios } = config.firmware;
  const kernel = config.boot.kernel ? await sourceBytes(config.boot.kernel, parts) : undefined;
  let initrd: Uint8Array | undefined;
  let modules: FirmwareImages["modules"];
  if (kernel && config.boot.initrd) {
    if (findMultiboot(kernel))
      modules = await Promise.all(
        config.boot.initrd.split(",").map(async (text) => {
          const [source = "", ...words] = text.trim().split(/\s+/);
          return { bytes: await sourceBytes(source, parts), commandLine: [source.replace(/^file:/, ""), ...words].join(" ") };
        }),
      );
    else initrd = await sourceBytes(config.boot.initrd, parts);
  }
  return {
    bios: bios === "none" ? null : bios === "seabios" ? needed("bios-256k.bin") : await sourceBytes(bios, parts),
    vgaBios:
      config.vga === "none" || bios === "none" || vgaBios === "none"
        ? undefined
        : vgaBios === "seavgabios"
          ? needed("vgabios-stdvga.bin")
          : await sourceBytes(vgaBios, parts),
    linuxboot: kernel ? (find("linuxboot_dma.bin") ?? undefined) : undefined,
    multiboot: kernel ? (find("multiboot_dma.bin") ?? undefined) : undefined,
    kernel,
    initrd,
    modules,
  };
}

/** A saved machine, or the one that a record (".json") beside it names. */
async function savedMachine(source: string, parts: NodeParts): Promise<Uint8Array> {
  const bytes = await sourceBytes(source, parts);
  if (!source.endsWith(".json")) return bytes;
  const record = parseSavedRecord(new TextDecoder().decode(bytes), source);
  const beside = `${source.slice(0, source.lastIndexOf("/") + 1)}${record.file}`;
  const found = await sourceBytes(beside, parts);
  const detail = damage(record, found.length, createHash("sha256").update(found).digest("hex"));
  if (detail !== null) throw damagedFault(beside, detail);
  return found;
}

let compiled: CoreBinary | null = null;
function coreBinary(parts: NodeParts): CoreBinary {
  if (compiled && !parts.core) return compiled;
  const path = process.env.GUESTHOUSE_CORE ?? join(parts.root, "workers/cpu/build/core.wasm");
  if (!parts.core && !existsSync(path)) throw new FaultError("core.missing", "The processor core is not built.", "Run node scripts/build-core.mjs.");
  const bytes = parts.core ?? readBytes(path);
  compiled = { module: new WebAssembly.Module(bytes as BufferSource), bytes, decode: decodeTables() };
  return compiled;
}

/** A worker that ends with the process, and whose bugs stop it loudly. */
function startJitWorker(core: Uint8Array, source: NonNullable<NodeParts["jitWorker"]>): JitCompiler {
  const worker = "file" in source ? new Worker(source.file) : new Worker(source.text, { eval: true });
  const fail = (reason: unknown) => {
    throw reason instanceof Error ? reason : new Error(`translator: ${String(reason)}`);
  };
  worker.on("error", fail);
  const compiler = workerCompiler(
    core,
    {
      post: (message) => worker.postMessage(message),
      listen: (listener) => void worker.on("message", listener),
    },
    fail,
  );
  worker.unref();
  return { ...compiler, apart: true, regions: () => regions };
}

export async function openMachine(config: DomainConfig, parts: NodeParts): Promise<NodeMachine> {
  const disks = new Map<string, BlockBackend | null>();
  const images = new Map<string, Image>();
  for (const disk of config.disks) {
    const how: SourceOptions = {
      readOnly: disk.readOnly,
      snapshot: disk.snapshot,
      format: disk.media === "cdrom" && disk.format === "auto" ? "raw" : disk.format,
      cache: disk.cache,
      opened: (image) => images.set(disk.at, image),
    };
    disks.set(disk.at, await (parts.carried ? openCarried(disk, parts.carried, parts, how) : openDisk(disk.source, parts, how)));
  }
  const firmware = await loadFirmware(config, parts);
  const input = new InputHub();
  // A resumed guest reads the date before anything that is typed.
  let first: PrefacedBytes | null = null;
  const bytes = (id: string): BytesBackend => {
    if (id !== "serial0" || config.boot.resume === "") return parts.bytes(id);
    first = new PrefacedBytes(parts.bytes(id));
    return first;
  };
  const make = {
    block: (id: string) => disks.get(id) ?? null,
    bytes,
    picture: () => parts.picture,
    input: () => input,
    speaker: () => nullSpeaker,
  };
  const inputs = new RecordedInputs();
  const exact = config.clock.mode === "instructions";
  const plain: BackendSource = (kind, id) => make[kind](id) as never;
  const backends = exact ? inputs.around(plain) : plain;
  const memory = new PoolMemory(createMemory());
  const core = coreBinary(parts);
  const compiler = config.cpu.accel !== "jit" ? undefined : parts.jitWorker ? startJitWorker(core.bytes, parts.jitWorker) : inlineCompiler(core.bytes);
  const capacity = parts.traceCapacity ?? 4096;
  const board = buildBoard(config, {
    cpuFactory: (host) => new WasmCpu({ core, memory, host, model: config.cpu.model, accel: config.cpu.accel, compiler, tuning: parts.tuning }),
    memory,
    backends,
    firmware,
    trace: { buffer: new ArrayBuffer(traceBytes(capacity)), capacity },
    // Nobody rings it: the terminal's input comes through the event loop, whose turn comes every few milliseconds.
    doorbell: new Int32Array(new SharedArrayBuffer(4)),
  });
  const machine = new Machine(board);
  const debug = new Debugger(machine, board.cpu as WasmCpu);
  const history = exact ? new TimeTravel(machine, memory, debug, inputs, parts.checkpointEvery) : null;
  const close = async () => {
    for (const image of images.values()) await later(closeChain(image));
  };
  const keeper = new RamKeeper(memory);
  const arrived = await parts.carried?.state(async (source) => {
    const saved = await savedMachine(source, parts);
    await loadZstd();
    return { source, sha256: createHash("sha256").update(saved).digest("hex"), chunks: decodeVm(saved).chunks };
  });
  const recorded = arrived && history ? await parts.carried?.recording() : null;
  if (arrived)
    machine.onStart = async () => {
      const restore = () => restoreVm(machine, keeper, arrived);
      if (recorded && history) await play(history, recorded, restore);
      else await restore();
      return true;
    };
  else if (config.boot.resume !== "") {
    const saved = await savedMachine(config.boot.resume, parts);
    machine.onStart = async () => {
      await loadZstd();
      const vm = decodeVm(saved);
      await restoreVm(machine, keeper, vm);
      if (vm.waits === "ask-time") first?.say(resumeLine());
      return true;
    };
  }
  return { machine, board, cpu: board.cpu as WasmCpu, input, debug, ...(history ? { history } : {}), images, keeper, snapshots: new Qcow2Store(machine, keeper, images), close };
}
