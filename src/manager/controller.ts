// Everything the page can do, in one place: list guests and files, add, start, pause and remove machines, follow their workers, make and
// open links. It tells a Sink what to show and knows nothing of React or the store.

import type { BenchProgram } from "../contract/assembly.ts";
import { BUNDLE_ENDING, type BundlePlace, type BundleSummary, type MadeBundle } from "../contract/bundle.ts";
import { type DomainConfig, domainSchema } from "../contract/domain.ts";
import { type Attachments, type CloneOf, isOn, type MachineNotice, type MachineState, type Seed } from "../contract/machine.ts";
import { type Fault, FaultError, type Reply, reply } from "../contract/schema.ts";
import { splitCommandLine } from "./command-line.ts";
import { type Guest, loadGuests } from "./guests.ts";
import { attachmentsOf, beginImport, describeSnapshot, holding, type ImageRow, listImages, listMachines, listSnapshots, openLibrary, removeImage, removeMachine, removeSnapshot, renameImage, runImport, type SavedMachine, type SnapshotRow, saveMachine } from "./library.ts";
import { decodeBench, decodeLink, encodeBench, encodeLink, HOSTED_MANIFEST, hostedLink, inlineLink, isBenchLink, isLink, placeOf } from "./link.ts";
import { saveAs } from "./save-as.ts";
import { type SoundContext, Speaker } from "./speaker.ts";
import { cloneMachine, compiledCore, exportAppliance, expectMachines, exportFromLibrary, imgInLibrary, importAppliance, importBundle, inspectBundle, keepSpareWorker, MachineClient, makeTar, packMachine } from "./machine-client.ts";

export interface MachineRow {
  readonly id: string;
  readonly config: DomainConfig;
  readonly state: MachineState | "opening";
  /** Why it is in this state ("poweroff", "exit", …). */
  readonly reason: string;
  readonly progress: { readonly loaded: number; readonly total: number; readonly since: number } | null;
  readonly report: string | null;
  readonly exitStatus: number | null;
  /** A clone: the name of the machine whose memory and disks it shares until they are touched. */
  readonly cloneOf: string | null;
  /** Of a lesson: not kept, and not in the list. */
  readonly passing: boolean;
  /** Changes whenever a new worker stands behind the machine. */
  readonly session: number;
}
/** Files that describe a machine of another program, or hold one. */
export const isAppliance = (name: string): boolean => /\.(ova|ovf|vmx|vbox|vmc)$/i.test(name);
/** A file on its way into the library, in this tab. */
export interface ImportState {
  readonly bytes: number;
  readonly running: boolean;
}
/** An appliance on its way into the library: how much of the work is done, 0 to 1. */
export interface ApplianceState {
  readonly name: string;
  readonly part: number;
}
export interface Sink {
  appliances(arriving: readonly ApplianceState[]): void;
  imports(imports: { readonly [image: string]: ImportState }): void;
  machines(list: readonly MachineRow[]): void;
  images(list: readonly ImageRow[]): void;
  guests(list: readonly Guest[]): void;
  select(id: string): void;
  fault(fault: Fault): void;
  offer(offer: Offer | null): void;
}
/** A machine that a link or a file brought: shown, and started only when the person says so. */
export type Offer =
  | { readonly kind: "domain"; readonly config: DomainConfig }
  | { readonly kind: "bench"; readonly program: BenchProgram }
  | { readonly kind: "hosted"; readonly place: BundlePlace & { readonly kind: "hosted" } }
  | { readonly kind: "bundle"; readonly place: BundlePlace; readonly summary: BundleSummary };
export interface Shared {
  readonly made: MadeBundle;
  /** Null when it does not fit into a link. */
  readonly link: string | null;
}

/** A link opens the page as it begins: not in the lesson or the language that this page's address names. */
const linkTo = (fragment: string): string => new URL(fragment, new URL("./", document.baseURI)).href;

export class Controller {
  readonly #sink: Sink;
  readonly #clients = new Map<string, MachineClient>();
  /** Files that arrive or could go on arriving: this tab has them. */
  /** Machines of lessons: what they are made of, and whether they begin paused. */
  readonly #passing = new Map<string, { readonly attachments: Attachments; readonly paused: boolean }>();
  readonly #appliances = new Set<{ readonly name: string; part: number }>();
  readonly #imports = new Map<string, { readonly file: File; bytes: number; running: boolean; stop: boolean }>();
  readonly #speaker: Speaker;
  #rows: readonly MachineRow[] = [];
  #sessions = 0;

  constructor(sink: Sink, sound: boolean) {
    this.#sink = sink;
    this.#speaker = new Speaker(sound, () => new AudioContext() as SoundContext, () => navigator.userActivation?.hasBeenActive ?? true);
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => this.#speaker.touched(), { passive: true, capture: true, once: true });
  }
  /** Are the machines' speakers heard? */
  sound(on: boolean): void {
    this.#speaker.on = on;
  }
  async load(): Promise<void> {
    const base = new URL("./", document.baseURI).href;
    // Ready before the first click.
    void compiledCore().then(() => keepSpareWorker(0));
    await Promise.all([
      loadGuests(base).then((list) => this.#sink.guests(list)),
      this.#try(async () => {
        this.#sink.images(await listImages());
        const saved = await listMachines((fault) => this.#sink.fault(fault));
        this.#set([...saved.map((m) => newRow(m.id, m.config)), ...this.#rows.filter((r) => !saved.some((m) => m.id === r.id))]);
      }),
    ]);
    // A link that is opened in this tab changes the address only.
    addEventListener("hashchange", () => void this.openFragment(location.hash));
    await this.openFragment(location.hash);
  }
  client(id: string): MachineClient | null {
    return this.#clients.get(id) ?? null;
  }
  row(id: string): MachineRow | undefined {
    return this.#rows.find((r) => r.id === id);
  }

  // ---- machines ------------------------------------------------------------------------------------------------------

  /** Adds a machine to the list and selects it. */
  async add(wanted: DomainConfig): Promise<void> {
    await this.#try(() => saveMachine(this.#added(wanted)));
  }
  /** It starts while the browser keeps it. */
  async addAndStart(wanted: DomainConfig): Promise<void> {
    await this.#try(async () => {
      const added = this.#added(wanted);
      await Promise.all([this.start(added.id), saveMachine(added)]);
    });
  }
  #added(wanted: DomainConfig): SavedMachine {
    const config = { ...domainSchema.parse(wanted, "machine"), name: this.#freeName(wanted.name) };
    const id = crypto.randomUUID().slice(0, 8);
    this.#set([...this.#rows, newRow(id, config)]);
    this.#sink.select(id);
    return { id, config, createdAt: Date.now() };
  }
  /** A machine that is not kept: a new one, or another in the place of one. Powered on, and shown when `select` says so; its id, or the Fault that was shown. */
  async startPassing(id: string | null, wanted: DomainConfig, attachments: Attachments, paused: boolean, select = true): Promise<string | Fault> {
    const config = domainSchema.parse(wanted, "machine");
    const known = id !== null && this.row(id) ? id : crypto.randomUUID().slice(0, 8);
    this.#close(known);
    this.#passing.set(known, { attachments, paused });
    if (known !== id) this.#set([...this.#rows, { ...newRow(known, config), passing: true }]);
    else this.#patch(known, { config, state: "off", reason: "new" });
    if (select) this.#sink.select(known);
    return (await this.start(known)) ?? known;
  }
  async update(id: string, wanted: DomainConfig): Promise<boolean> {
    const done = await this.#try(async () => {
      const config = domainSchema.parse(wanted, "machine");
      this.#close(id);
      this.#patch(id, { config, state: "off", reason: "new" });
      if (!this.#passing.has(id)) await saveMachine({ id, config, createdAt: Date.now() });
      return true;
    });
    return done === true;
  }
  async remove(id: string): Promise<void> {
    this.#close(id);
    this.#set(this.#rows.filter((r) => r.id !== id));
    this.#passing.delete(id);
    await this.#try(() => removeMachine(id));
  }
  /** Powers on; with a snapshot, continues it instead. Why it did not, or null; the Fault is shown already. */
  async start(id: string, snapshot: string | null = null, seed?: Seed): Promise<Fault | null> {
    const row = this.row(id);
    if (!row || row.state === "opening" || (row.state === "running" && snapshot === null)) return null;
    if (row.state === "paused" && snapshot === null) {
      await this.execute(id, "cont");
      return null;
    }
    if (row.state === "crashed") this.#close(id);
    const on = async (run: (name: string, args?: { readonly [name: string]: unknown }) => Promise<unknown>) => {
      if (snapshot === null) await run("start", { paused: this.#passing.get(id)?.paused ?? false });
      else {
        await run("loadvm", { name: snapshot });
        await run("cont");
      }
    };
    const open = this.#clients.get(id);
    if (open) {
      await on((name, args) => this.execute(id, name, args));
      return null;
    }
    return this.#shown(async () => {
      this.#patch(id, { state: "opening", reason: "open", report: null, exitStatus: null, progress: null });
      let client: MachineClient | null = null;
      try {
        const attachments = { ...(await attachmentsOf(row.config)), ...this.#passing.get(id)?.attachments };
        const session = ++this.#sessions;
        client = new MachineClient((notice) => this.#onNotice(id, session, notice));
        this.#clients.set(id, client);
        this.#patch(id, { session });
        take(await client.open(row.config, attachments, id, seed));
        // The views exist from here on: let the panels look again.
        this.#patch(id, { session: ++this.#sessions, progress: null });
        const opened = client;
        await on(async (name, args) => take(await opened.execute(name, args)));
      } catch (error) {
        if (client && this.#clients.get(id) === client) this.#close(id);
        if (this.row(id)) this.#patch(id, { state: "off", reason: "error", progress: null });
        throw error;
      }
    });
  }
  /** A command of the monitor; a Fault is shown. */
  async execute(id: string, name: string, args: { readonly [name: string]: unknown } = {}): Promise<boolean> {
    const client = this.#clients.get(id);
    if (!client) return false;
    const reply = await client.execute(name, args);
    if (!reply.ok) this.#sink.fault(reply.error);
    return reply.ok;
  }
  /** Gives up a machine that is still fetching its files. */
  cancel(id: string): void {
    this.#close(id);
    this.#patch(id, { state: "off", reason: "cancelled", progress: null });
  }

  // ---- files ---------------------------------------------------------------------------------------------------------

  /** Keeps a file in the library, or goes on with it when a part has arrived; null while it is paused. A machine that somebody sent is shown instead. */
  async addFile(file: File): Promise<ImageRow | null> {
    if (file.name.toLowerCase().endsWith(BUNDLE_ENDING)) {
      await this.look({ kind: "bytes", bytes: file, from: "file" });
      return null;
    }
    return this.#try(async () => {
      const begun = (await listImages()).find((i) => i.arriving && i.name === file.name && i.size === file.size && i.arriving.modified === file.lastModified);
      return this.#import(begun ?? (await beginImport(await openLibrary(), file)), file);
    });
  }
  pauseImport(id: string): void {
    const known = this.#imports.get(id);
    if (known) known.stop = true;
  }
  /** Goes on with an import; after a reload the person has chosen the file again. */
  async resumeImport(id: string, chosen?: File): Promise<void> {
    const file = chosen ?? this.#imports.get(id)?.file;
    if (file)
      await this.#try(async () => {
        const row = (await listImages()).find((i) => i.id === id);
        if (row) await this.#import(row, file);
      });
  }
  async #import(row: ImageRow, file: File): Promise<ImageRow | null> {
    this.#sink.images(await listImages());
    if (!row.arriving) return row;
    if (this.#imports.get(row.id)?.running) return null;
    const mine = { file, bytes: row.arriving.bytes, running: true, stop: false };
    const tell = () => this.#sink.imports(Object.fromEntries([...this.#imports].map(([id, { bytes, running }]) => [id, { bytes, running }])));
    this.#imports.set(row.id, mine);
    tell();
    try {
      const ending = await holding(row, async () =>
        runImport(
          await openLibrary(),
          row,
          file,
          (bytes) => {
            mine.bytes = bytes;
            tell();
          },
          () => mine.stop,
        ),
      );
      if (ending === "paused") return null;
      this.#imports.delete(row.id);
      const { arriving: _, ...whole } = row;
      return whole;
    } catch (error) {
      // Another file, or one that has gone, is no use for going on.
      if (error instanceof FaultError && error.fault.code !== "library.full") this.#imports.delete(row.id);
      throw error;
    } finally {
      mine.running = false;
      tell();
      this.#sink.images(await listImages());
    }
  }
  /** Files that belong together, when one of them describes a machine of another program: the machine as a draft; null when they are just files. */
  async addAppliance(files: readonly File[]): Promise<DomainConfig | null> {
    const mine = { name: files.find((f) => isAppliance(f.name))?.name ?? "", part: 0 };
    const tell = () => this.#sink.appliances([...this.#appliances].map((a) => ({ ...a })));
    this.#appliances.add(mine);
    tell();
    const done = await this.#try(async () => {
      const { domain, missing } = take(
        await importAppliance(
          files.map((f) => ({ name: f.name, blob: f })),
          (part) => {
            mine.part = part;
            tell();
          },
        ),
      );
      this.#sink.images(await listImages());
      if (missing.length > 0) this.#sink.fault({ code: "appliance.partial", message: `${domain.name} asks for what Guesthouse does not have: ${missing.join("; ")}.`, hint: "The machine is set up without it." });
      return domain;
    });
    this.#appliances.delete(mine);
    tell();
    return done;
  }
  /** The machine's disks and hardware as an OVA for other programs. */
  async exportAppliance(config: DomainConfig): Promise<Blob | null> {
    return this.#try(async () => {
      const { ova, missing } = take(await exportAppliance(config));
      if (missing.length > 0) this.#sink.fault({ code: "appliance.without", message: `Not in the OVA: ${missing.join("; ")}.` });
      return ova;
    });
  }
  async removeFile(id: string): Promise<void> {
    await this.#try(async () => {
      await removeImage(id);
      this.#sink.images(await listImages());
    });
  }

  /** An empty disk in the library. */
  async newDisk(name: string, format: string, mib: number): Promise<void> {
    await this.#try(async () => {
      const { status, err } = take(await imgInLibrary(["create", "-q", "-f", format, name, `${mib}M`]));
      if (status !== 0) throw new FaultError("image.option", err.replace(/^qemu-img: /, "").trim());
      this.#sink.images(await listImages());
    });
  }
  /** A line of `img` (qemu-img's words) over the files of the library. */
  async img(line: string): Promise<Reply<{ readonly status: number; readonly out: string; readonly err: string }>> {
    const answered = await reply(async () => {
      const words = splitCommandLine(line);
      if (words[0] === "guesthouse") words.shift();
      if (words[0] === "img" || words[0] === "qemu-img") words.shift();
      return take(await imgInLibrary(words));
    });
    this.#sink.images(await listImages());
    return answered;
  }
  /** The file as it is ("") or in another format, ready to be saved. */
  async exportFile(id: string, format: string): Promise<Blob | null> {
    return this.#try(async () => take(await exportFromLibrary(id, format)));
  }
  async renameFile(id: string, name: string): Promise<void> {
    await this.#try(async () => {
      await renameImage(id, name);
      this.#sink.images(await listImages());
    });
  }

  // ---- snapshots -----------------------------------------------------------------------------------------------------

  async snapshots(id: string): Promise<readonly SnapshotRow[]> {
    return (await this.#try(() => listSnapshots(id))) ?? [];
  }
  async saveSnapshot(id: string, name: string): Promise<boolean> {
    return this.execute(id, "savevm", { name });
  }
  /** Through the machine while it is open, so that it knows; else in the library. */
  async removeSnapshot(id: string, snapshot: string): Promise<void> {
    if (this.#clients.has(id)) await this.execute(id, "delvm", { name: snapshot });
    else await this.#try(() => removeSnapshot(snapshot));
  }
  async describeSnapshot(snapshot: string, change: { readonly name?: string; readonly notes?: string }): Promise<void> {
    await this.#try(() => describeSnapshot(snapshot, change));
  }

  // ---- clones --------------------------------------------------------------------------------------------------------

  /** Somebody looks at the question how many clones to make; 0: not any more. */
  expectClones(count: number): void {
    expectMachines(count);
  }
  /** More machines of this one; those of a machine that is on go on from where it is. */
  async clone(id: string, kind: "linked" | "full", count: number): Promise<boolean> {
    const row = this.row(id);
    if (!row) return false;
    if (this.#clients.has(id)) return this.execute(id, "clone", { kind, count });
    return (await this.#try(async () => this.#cloned(row, take(await cloneMachine(row.config, id, kind, count)), undefined))) !== null;
  }
  async #cloned(from: MachineRow, clones: readonly CloneOf[], seed: Seed | undefined): Promise<true> {
    const rows = clones.map(({ machine, domain }) => {
      const row = { ...newRow(machine, { ...domain, name: this.#freeName(from.config.name) }), cloneOf: from.config.name };
      this.#set([...this.#rows, row]);
      return row;
    });
    this.#sink.images(await listImages());
    // All at once: each has a worker of its own.
    if (seed) for (const row of rows) void this.start(row.id, null, seed);
    await Promise.all(rows.map((row, i) => saveMachine({ id: row.id, config: row.config, createdAt: Date.now() + i })));
    return true;
  }

  // ---- links ---------------------------------------------------------------------------------------------------------

  /** The machine packed for a link, a file or a web server; its running state with it when it is on and `state` says so. */
  async share(id: string, carriage: "link" | "file" | "hosted", state: boolean, recording = false): Promise<Shared | null> {
    return this.#try(async () => {
      const row = this.row(id);
      if (!row) throw new FaultError("machine.closed", "This machine is not open.");
      const address = (fragment: string | null) => (fragment === null ? null : linkTo(fragment));
      const on = isOn(row.state);
      const client = this.#clients.get(id);
      const made = take((client && on ? await client.execute("share", { carriage, state, recording: state && recording }) : await packMachine(row.config, id, carriage)) as Reply<MadeBundle>);
      // A machine without disks of its own is a shorter link as a domain alone.
      const plain = carriage === "link" && made.summary.state === null && made.summary.files.length === 0;
      return { made, link: carriage !== "link" ? null : address(plain ? await encodeLink(row.config) : inlineLink(made.bytes)) };
    });
  }
  /** The folder for a web server as one archive, and the link that names it there. */
  async hosted(made: MadeBundle, folder: string): Promise<{ readonly archive: Blob; readonly link: string } | null> {
    return this.#try(async () => {
      const link = linkTo(hostedLink(folder, made.sha256));
      return { archive: take(await makeTar([{ name: HOSTED_MANIFEST, bytes: made.bytes }, ...made.chunks])), link };
    });
  }
  /** A link to a program of the bench. */
  async shareProgram(program: BenchProgram): Promise<string | null> {
    return this.#try(async () => linkTo(await encodeBench(program)));
  }
  async openFragment(fragment: string): Promise<void> {
    if (!isLink(fragment)) return;
    // Taken out of the address, so that a reload does not ask again.
    history.replaceState(null, "", location.pathname + location.search);
    await this.#try(async () => {
      if (isBenchLink(fragment)) return this.#sink.offer({ kind: "bench", program: await decodeBench(fragment) });
      const place = placeOf(fragment);
      // What lies on somebody's server is not even looked at without being asked.
      if (place?.kind === "hosted") this.#sink.offer({ kind: "hosted", place });
      else if (place) this.#sink.offer({ kind: "bundle", place, summary: take(await inspectBundle(place)) });
      else this.#sink.offer({ kind: "domain", config: await decodeLink(fragment) });
    });
  }
  /** A machine's file, or a link's web server when the person agreed: shows what it holds. */
  async look(place: BundlePlace): Promise<void> {
    await this.#try(async () => this.#sink.offer({ kind: "bundle", place, summary: take(await inspectBundle(place)) }));
  }
  /** Takes an offered machine into the library as one's own; starts it, in the state that it came in. */
  async accept(offer: Offer, start: boolean, progress: (loaded: number, total: number) => void = () => {}): Promise<boolean> {
    if (offer.kind === "hosted" || offer.kind === "bench") return false;
    if (offer.kind === "domain") {
      if (start) await this.addAndStart(offer.config);
      else await this.add(offer.config);
      return true;
    }
    const done = await this.#try(async () => {
      const made = take(await importBundle(offer.place, this.#freeName(offer.summary.domain.name), progress));
      this.#set([...this.#rows, newRow(made.machine, made.domain)]);
      this.#sink.images(await listImages());
      this.#sink.select(made.machine);
      return made;
    });
    if (done && start) void this.start(done.machine, done.snapshot);
    return done !== null;
  }

  // --------------------------------------------------------------------------------------------------------------------

  #onNotice(id: string, session: number, notice: MachineNotice): void {
    const row = this.row(id);
    if (!row || !this.#clients.has(id) || session > this.#sessions) return;
    if (notice.reason === "clone" && notice.clones) {
      const { clones, seed } = notice;
      return void this.#try(() => this.#cloned(row, clones, seed));
    }
    if (notice.reason === "file" && notice.file) {
      const { name, bytes } = notice.file;
      return saveAs(new Blob([bytes as BlobPart]), name);
    }
    // A disk on a web server that cannot be read: the machine goes on.
    if (notice.reason === "trouble") {
      if (notice.error) this.#sink.fault(notice.error);
      return;
    }
    if (notice.reason === "sound") {
      if (notice.tones) this.#speaker.tones(id, notice.tones);
      return;
    }
    if (notice.reason === "progress" && notice.progress) {
      if (row.state !== "opening") return;
      const { loaded, total } = notice.progress;
      this.#patch(id, { progress: { loaded, total, since: row.progress?.since ?? performance.now() } });
      return;
    }
    this.#speaker.state(id, notice.state === "running");
    this.#patch(id, { state: notice.state, reason: notice.reason, progress: null, report: notice.report ?? null, exitStatus: notice.exitStatus ?? null });
    if (notice.error) this.#sink.fault(notice.error);
  }
  #freeName(name: string): string {
    const taken = new Set(this.#rows.map((r) => r.config.name));
    if (!taken.has(name)) return name;
    const stem = name.replace(/ \d+$/, "");
    let n = 2;
    while (taken.has(`${stem} ${n}`)) n++;
    return `${stem} ${n}`;
  }
  #close(id: string): void {
    this.#clients.get(id)?.close();
    this.#clients.delete(id);
    this.#speaker.forget(id);
  }
  #patch(id: string, change: Partial<MachineRow>): void {
    this.#set(this.#rows.map((r) => (r.id === id ? { ...r, ...change } : r)));
  }
  #set(rows: readonly MachineRow[]): void {
    this.#rows = rows;
    this.#sink.machines(rows);
  }
  /** Shows a fault instead of throwing it; null then. A bug is shown too, and logged. */
  async #try<T>(work: () => Promise<T>): Promise<T | null> {
    let value: T | null = null;
    await this.#shown(async () => {
      value = await work();
    });
    return value;
  }
  /** The fault that was shown, or null. */
  async #shown(work: () => Promise<unknown>): Promise<Fault | null> {
    try {
      await work();
      return null;
    } catch (error) {
      if (!(error instanceof FaultError)) console.error(error);
      const fault = error instanceof FaultError ? error.fault : { code: "bug", message: error instanceof Error ? error.message : String(error) };
      this.#sink.fault(fault);
      return fault;
    }
  }
}
function newRow(id: string, config: DomainConfig): MachineRow {
  return { id, config, state: "off", reason: "new", progress: null, report: null, exitStatus: null, cloneOf: null, passing: false, session: 0 };
}
function take<T>(answer: Reply<T>): T {
  if (answer.ok) return answer.value;
  throw new FaultError(answer.error.code, answer.error.message, answer.error.hint);
}
