// The page's handle of one machine worker: spawns it, speaks MachineRpc through Comlink, and wraps the shared buffers in rings.
// Also the worker for files of the library. The only file of the page that names workers/.

import { proxy, type Remote, wrap } from "comlink";
import type { BundlePlace, BundleSummary, MadeBundle } from "../contract/bundle.ts";
import type { DomainConfig } from "../contract/domain.ts";
import { pushKey, pushPointer } from "../contract/input.ts";
import { type Attachments, CLONE_WORKER, type FrameView, type MachineNotice, type MachineRpc, type CloneOf, type OpenOptions, type Seed, STATS, type SharedViews } from "../contract/machine.ts";
import { Assembler, type AssemblyWorker } from "./assembler.ts";
import { Ring } from "../contract/ring.ts";
import type { Reply } from "../contract/schema.ts";

const base = () => new URL("./", document.baseURI).href;
type Core = NonNullable<OpenOptions["core"]>;
let core: Promise<Core | null> | null = null;
/** The processor's core, fetched and compiled once for all machines of the page; null: the worker shall try, and say what is wrong. */
export function compiledCore(): Promise<Core | null> {
  core ??= (async () => {
    const response = await fetch(`${base()}core.wasm`);
    if (!response.ok) throw new Error(String(response.status));
    const fetched = await response.arrayBuffer();
    const module = await WebAssembly.compile(fetched);
    // Shared: it goes to every machine, and from there to the translator.
    const bytes = new Uint8Array(new SharedArrayBuffer(fetched.byteLength));
    bytes.set(new Uint8Array(fetched));
    return { module, bytes };
  })().catch(() => {
    core = null;
    return null;
  });
  return core;
}
function startWorker(name = "machine"): Worker {
  return new Worker(new URL("../../workers/machine.worker.ts", import.meta.url), { type: "module", name });
}
/** Workers that have read their program already wait for the next machines: that is a quarter of a start. One always; more while clones are asked for. */
const spares: Worker[] = [];
let sparing: ReturnType<typeof setTimeout> | null = null;
let letting: ReturnType<typeof setTimeout> | null = null;
const SPARE_AFTER_MS = 4000;
const MOST_SPARE = 10;
function startSpare(name?: string): void {
  const worker = startWorker(name);
  // One that could not start is no use to anybody; the next machine says what is wrong.
  worker.onerror = () => {
    const at = spares.indexOf(worker);
    if (at >= 0) spares.splice(at, 1);
  };
  spares.push(worker);
}
export function keepSpareWorker(afterMs = SPARE_AFTER_MS): void {
  if (spares.length > 0 || sparing !== null) return;
  sparing = setTimeout(() => {
    sparing = null;
    if (spares.length === 0) startSpare();
  }, afterMs);
}
/** Somebody is choosing to start so many machines; 0: not any more (those that were started take their workers first). */
export function expectMachines(count: number): void {
  if (letting !== null) clearTimeout(letting);
  letting = null;
  if (count === 0)
    letting = setTimeout(() => {
      while (spares.length > 1) spares.pop()?.terminate();
    }, SPARE_AFTER_MS);
  while (spares.length < Math.min(count, MOST_SPARE)) startSpare(CLONE_WORKER);
}
function takeWorker(): Worker {
  const worker = spares.shift() ?? startWorker();
  keepSpareWorker();
  return worker;
}
export interface SerialRings {
  readonly out: Ring;
  readonly in: Ring;
}
export class MachineClient {
  readonly #worker: Worker;
  readonly #rpc: Remote<MachineRpc>;
  #views: SharedViews | null = null;
  #serial: readonly SerialRings[] = [];
  #input: Ring | null = null;
  #stats: Float64Array | null = null;
  #doorbell: Int32Array | null = null;
  #waiting: { readonly ring: Ring; bytes: Uint8Array }[] = [];
  #feeding = false;
  #closed = false;

  constructor(listener: (notice: MachineNotice) => void) {
    this.#worker = takeWorker();
    this.#rpc = wrap<MachineRpc>(this.#worker);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      listener({ state: "crashed", reason: "error", error: { code: "bug", message: event.message || "The machine's worker stopped.", hint: "This is a bug in Guesthouse." } });
    };
    void this.#rpc.watch(proxy(listener));
  }
  async open(config: DomainConfig, attachments: Attachments, machine: string, seed?: Seed): Promise<Reply<SharedViews>> {
    const core = await compiledCore();
    const reply = (await this.#rpc.open({ config, base: base(), attachments, machine, ...(seed ? { seed } : {}), ...(core ? { core } : {}) })) as Reply<SharedViews>;
    if (reply.ok) {
      const views = reply.value;
      this.#views = views;
      this.#serial = views.serial.map((s) => ({ out: new Ring(s.out), in: new Ring(s.in) }));
      this.#input = new Ring(views.input);
      this.#stats = new Float64Array(views.stats);
      this.#doorbell = new Int32Array(views.doorbell);
    }
    return reply;
  }
  get frame(): FrameView | null {
    return this.#views?.frame ?? null;
  }
  get serial(): readonly SerialRings[] {
    return this.#serial;
  }
  /** The trace bus (contract/trace.ts has its reader). */
  get trace(): SharedArrayBuffer | null {
    return this.#views?.trace ?? null;
  }
  get closed(): boolean {
    return this.#closed;
  }
  stat(name: keyof typeof STATS): number {
    return this.#stats?.[STATS[name]] ?? 0;
  }
  execute(name: string, args: { readonly [name: string]: unknown } = {}): Promise<Reply<unknown>> {
    this.#ring();
    return this.#rpc.execute(name, args) as Promise<Reply<unknown>>;
  }
  type(line: string): Promise<Reply<string>> {
    this.#ring();
    return this.#rpc.type(line) as Promise<Reply<string>>;
  }
  complete(line: string): Promise<readonly string[]> {
    this.#ring();
    return this.#rpc.complete(line) as Promise<readonly string[]>;
  }
  key(scancode: number, down: boolean): void {
    if (this.#input && pushKey(this.#input, scancode, down)) this.poke();
  }
  pointer(dx: number, dy: number, dz: number, buttons: number): void {
    if (this.#input && pushPointer(this.#input, dx, dy, dz, buttons)) this.poke();
  }
  /** Text for a serial port. What does not fit yet is fed as the guest reads. */
  sendSerial(port: number, text: string): void {
    const rings = this.#serial[port];
    if (!rings) return;
    this.#waiting.push({ ring: rings.in, bytes: new TextEncoder().encode(text) });
    this.#feed();
  }
  close(): void {
    this.#closed = true;
    this.#worker.terminate();
  }
  /** The worker may be blocked in a short sleep: it shall look at its messages. */
  #ring(): void {
    if (!this.#doorbell) return;
    Atomics.store(this.#doorbell, 0, 1);
    Atomics.notify(this.#doorbell, 0);
  }
  /** Something in shared memory changed that the machine shall see. */
  poke(): void {
    this.#ring();
    if (!this.#closed) void this.#rpc.poke();
  }
  #feed(): void {
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0] as { readonly ring: Ring; bytes: Uint8Array };
      next.bytes = next.bytes.subarray(next.ring.write(next.bytes));
      if (next.bytes.length > 0) break;
      this.#waiting.shift();
    }
    this.poke();
    if (this.#waiting.length > 0 && !this.#feeding && !this.#closed) {
      this.#feeding = true;
      setTimeout(() => {
        this.#feeding = false;
        this.#feed();
      }, 20);
    }
  }
}

/** The bench's assembler, in a worker of its own. */
export function startAssembler(): Assembler {
  const start = () => new Worker(new URL("../../workers/bench.worker.ts", import.meta.url), { type: "module", name: "assembler" });
  return new Assembler(start as () => AssemblyWorker, `${base()}guests/nasm/nasm.wasm`);
}
/** What a worker for files of the library answers (workers/disk.worker.ts). */
interface DiskRpc {
  img(words: readonly string[]): Promise<Reply<{ readonly status: number; readonly out: string; readonly err: string }>>;
  exportFile(id: string, format: string): Promise<Reply<Blob>>;
  pack(domain: DomainConfig, machine: string, carriage: "link" | "file" | "hosted"): Promise<Reply<MadeBundle>>;
  clone(domain: DomainConfig, machine: string, kind: "linked" | "full", count: number): Promise<Reply<readonly CloneOf[]>>;
  appliance(files: readonly { readonly name: string; readonly blob: Blob }[], done: (part: number) => void): Promise<Reply<{ readonly domain: DomainConfig; readonly missing: readonly string[] }>>;
  ova(domain: DomainConfig): Promise<Reply<{ readonly ova: Blob; readonly missing: readonly string[] }>>;
  tar(files: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Promise<Reply<Blob>>;
  inspect(place: BundlePlace, base: string): Promise<Reply<BundleSummary>>;
  unpack(place: BundlePlace, base: string, name: string, progress: (loaded: number, total: number) => void): Promise<Reply<ImportedMachine>>;
}
export interface ImportedMachine {
  readonly machine: string;
  readonly domain: DomainConfig;
  readonly snapshot: string | null;
}
/** Runs one task on files of the library in a worker of its own. */
async function withDiskWorker<T>(task: (rpc: Remote<DiskRpc>) => Promise<Reply<T>>): Promise<Reply<T>> {
  const worker = new Worker(new URL("../../workers/disk.worker.ts", import.meta.url), { type: "module", name: "disk" });
  try {
    return await task(wrap<DiskRpc>(worker));
  } finally {
    worker.terminate();
  }
}
/** qemu-img over the library. */
export function imgInLibrary(words: readonly string[]): ReturnType<DiskRpc["img"]> {
  return withDiskWorker(async (rpc) => (await rpc.img(words)) as Awaited<ReturnType<DiskRpc["img"]>>);
}
export function exportFromLibrary(id: string, format: string): Promise<Reply<Blob>> {
  return withDiskWorker(async (rpc) => (await rpc.exportFile(id, format)) as Reply<Blob>);
}
/** A machine that is off, packed for somebody else. */
export function packMachine(domain: DomainConfig, machine: string, carriage: "link" | "file" | "hosted"): Promise<Reply<MadeBundle>> {
  return withDiskWorker(async (rpc) => (await rpc.pack(domain, machine, carriage)) as Reply<MadeBundle>);
}
/** An appliance (OVA, OVF, .vmx, .vbox, .vmc with their disks) into the library. */
export function importAppliance(files: readonly { readonly name: string; readonly blob: Blob }[], done: (part: number) => void): ReturnType<DiskRpc["appliance"]> {
  return withDiskWorker(async (rpc) => (await rpc.appliance(files, proxy(done))) as Awaited<ReturnType<DiskRpc["appliance"]>>);
}
export function exportAppliance(domain: DomainConfig): ReturnType<DiskRpc["ova"]> {
  return withDiskWorker(async (rpc) => (await rpc.ova(domain)) as Awaited<ReturnType<DiskRpc["ova"]>>);
}
/** Clones of a machine that is off. */
export function cloneMachine(domain: DomainConfig, machine: string, kind: "linked" | "full", count: number): Promise<Reply<readonly CloneOf[]>> {
  return withDiskWorker(async (rpc) => (await rpc.clone(domain, machine, kind, count)) as Reply<readonly CloneOf[]>);
}
export function makeTar(files: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Promise<Reply<Blob>> {
  return withDiskWorker(async (rpc) => (await rpc.tar(files)) as Reply<Blob>);
}
export function inspectBundle(place: BundlePlace): Promise<Reply<BundleSummary>> {
  return withDiskWorker(async (rpc) => (await rpc.inspect(place, base())) as Reply<BundleSummary>);
}
export function importBundle(place: BundlePlace, name: string, progress: (loaded: number, total: number) => void): Promise<Reply<ImportedMachine>> {
  return withDiskWorker(async (rpc) => (await rpc.unpack(place, base(), name, proxy(progress))) as Reply<ImportedMachine>);
}
