// Going back in a machine whose time is instructions: checkpoints, and execution again from the one before, with inputs given at the instruction counts (and
// guest times: HLT stands still in instructions) at which they came. A checkpoint is the sections of every device; RAM and disks are kept as what pages and
// sectors held when the checkpoint was taken, copied at their first write after it (copy on write, downwards). Older checkpoints thin out.
// Whoever changes a machine from outside in ways that are not inputs (NMI button, registers and memory set by hand) begins a new history.

import type { DebugStop } from "../../src/contract/debug.ts";
import { FaultError } from "../../src/contract/schema.ts";
import type { PoolMemory } from "../cpu/guest-memory.ts";
import type { Debugger, HistoryHooks } from "../machine/debugger.ts";
import type { Machine } from "../machine/machine.ts";
import { loadSections, saveSections, type Sections } from "../machine/snapshot.ts";
import type { RecordedInput, RecordedInputs } from "./recorded-inputs.ts";

/** Instructions between checkpoints while the machine runs, and to the last one before a moment that was gone to: steps back are short then. */
const INTERVAL = 10_000_000;
const FINE = 50_000;
/** More checkpoints, or more bytes of old pages, are thinned out. */
const MOST_CHECKPOINTS = 96;
const MOST_BYTES = 768 << 20;

export interface TimedInput {
  readonly instructions: number;
  readonly atNs: number;
  readonly input: RecordedInput;
}
interface Checkpoint {
  readonly instructions: number;
  readonly sections: Sections;
  /** Timers in the order in which they were to fire. */
  readonly timers: readonly object[];
  readonly queues: { readonly [id: string]: readonly number[] };
  /** Inputs that had come by then. */
  readonly inputs: number;
  /** What pages and sectors held, of those written before the next checkpoint. */
  readonly pages: Map<number, Uint8Array>;
  readonly sectors: Map<string, Uint8Array>;
}
export interface HistoryInfo {
  readonly from: number;
  readonly now: number;
  /** The latest moment that was reached. */
  readonly to: number;
  readonly checkpoints: number;
  readonly bytes: number;
  readonly inputs: number;
}

export class TimeTravel implements HistoryHooks {
  readonly #machine: Machine;
  readonly #memory: PoolMemory;
  readonly #debug: Debugger;
  readonly #inputs: RecordedInputs;
  readonly interval: number;
  #checkpoints: Checkpoint[] = [];
  #log: TimedInput[] = [];
  /** The next input of the log that the machine has not had. */
  #next = 0;
  #latest = 0;
  #nextCheckpoint = Infinity;
  #bytes = 0;
  #on = false;
  #moving = false;
  /** A triple fault ended the machine. */
  #over = false;
  /** Something changed that is no input; noticed when the machine has taken it. */
  #stale = false;
  /** Where the recording that is replayed ends. */
  #end = Infinity;

  constructor(machine: Machine, memory: PoolMemory, debug: Debugger, inputs: RecordedInputs, interval = INTERVAL) {
    this.#machine = machine;
    this.#memory = memory;
    this.#debug = debug;
    this.#inputs = inputs;
    this.interval = interval;
    machine.onState(({ state, reason }) => {
      const over = this.#over;
      this.#over = state === "off" && reason === "shutdown";
      if (!this.#on || this.#moving) return;
      // A triple fault leaves the machine as it was: one can go back from there, until it starts anew.
      if (state === "crashed" || (state === "off" && !this.#over) || (over && reason === "start")) this.stop();
      else if (reason === "load") this.restart();
    });
  }
  get on(): boolean {
    return this.#on;
  }
  get log(): readonly TimedInput[] {
    return this.#log;
  }
  /** Bytes that came and that no device has read yet. */
  queues(): { readonly [id: string]: readonly number[] } {
    return this.#inputs.queues();
  }
  #count(): number {
    return this.#machine.board.cpu.instructions();
  }

  // ---- recording -----------------------------------------------------------------------------------------------------

  /** Keeps checkpoints from now on. `log`: inputs that are to come, of a recording; `queues`: bytes that have come and that no device has read. */
  start(log: readonly TimedInput[] = [], end = Infinity, queues: { readonly [id: string]: readonly number[] } | null = null): void {
    const { clock } = this.#machine.board;
    if (clock.mode !== "instructions") throw new FaultError("history.clock", "Only a machine whose time is instructions can go back.", "Start it with -icount shift=3.");
    if (!this.#inputs.exact) throw new FaultError("history.disk", "A disk of this machine does not answer at once, so that it is not repeatable.", "Use files in a terminal, or disks in memory (snapshot=on).");
    if (this.#machine.state === "off") throw new FaultError("history.off", "The machine is off.", "Start it first (with -S it waits before the first instruction).");
    this.#on = true;
    this.#end = end;
    this.#log = [...log];
    this.#next = 0;
    if (queues) this.#inputs.setQueues(queues);
    this.#inputs.onInput = (input) => this.#arrived(input);
    this.#inputs.onDiskWrite = (id, sector, old) => {
      const last = this.#checkpoints[this.#checkpoints.length - 1];
      const key = `${id} ${sector}`;
      if (!last || last.sectors.has(key)) return;
      last.sectors.set(key, old());
      this.#bytes += 512;
    };
    this.#debug.history = this;
    this.restart();
  }
  stop(): void {
    this.#on = false;
    this.#checkpoints = [];
    this.#log = [];
    this.#next = this.#bytes = 0;
    this.#nextCheckpoint = Infinity;
    this.#inputs.onInput = this.#inputs.onDiskWrite = null;
    this.#memory.watchFirstWrites(null);
    this.#debug.history = null;
  }
  /** Something changes that is no input (NMI, a register set by hand): nothing before this moment can be executed again. */
  disturbed(): void {
    if (!this.#on) return;
    this.#stale = true;
    // What comes was recorded for a machine that was not disturbed.
    this.#log.length = this.#next;
    this.#end = Infinity;
    if (this.#machine.state === "paused" && this.#machine.board.request === null) this.restart();
  }
  restart(): void {
    if (!this.#on) return;
    this.#stale = false;
    this.#log = this.#log.slice(this.#next);
    this.#next = 0;
    this.#checkpoints = [];
    this.#bytes = 0;
    this.#latest = this.#count();
    this.#take();
  }
  info(): HistoryInfo {
    return { from: this.#checkpoints[0]?.instructions ?? 0, now: this.#count(), to: Math.max(this.#latest, this.#count()), checkpoints: this.#checkpoints.length, bytes: this.#bytes, inputs: this.#log.length };
  }
  #arrived(input: RecordedInput): void {
    // A machine in its past that is spoken to takes another way from here.
    if (this.#next < this.#log.length || this.#end !== Infinity) {
      this.#log.length = this.#next;
      this.#end = Infinity;
      this.#latest = this.#count();
    }
    this.#log.push({ instructions: this.#count(), atNs: this.#machine.board.clock.now(), input });
    this.#next = this.#log.length;
  }
  #take(): void {
    const { board } = this.#machine;
    const instructions = this.#count();
    this.#checkpoints.push({ instructions, sections: saveSections(board), timers: board.clock.timers.order(), queues: this.#inputs.queues(), inputs: this.#next, pages: new Map(), sectors: new Map() });
    this.#nextCheckpoint = instructions + this.interval;
    this.#memory.watchFirstWrites((page) => {
      const last = this.#checkpoints[this.#checkpoints.length - 1] as Checkpoint;
      if (last.pages.has(page) || !this.#memory.hasRam(page)) return;
      last.pages.set(page, this.#memory.frame(page).slice());
      this.#bytes += 4096;
    });
    if (this.#checkpoints.length > MOST_CHECKPOINTS || this.#bytes > MOST_BYTES) this.#thin();
  }
  /** Of the older half, every second goes into the one before it. */
  #thin(): void {
    const half = this.#checkpoints.length >> 1;
    const kept: Checkpoint[] = [];
    this.#checkpoints.forEach((checkpoint, n) => {
      const before = kept[kept.length - 1];
      if (n % 2 === 0 || n >= half || !before) {
        kept.push(checkpoint);
        return;
      }
      for (const [page, bytes] of checkpoint.pages)
        if (before.pages.has(page)) this.#bytes -= 4096;
        else before.pages.set(page, bytes);
      for (const [key, bytes] of checkpoint.sectors)
        if (before.sectors.has(key)) this.#bytes -= 512;
        else before.sectors.set(key, bytes);
    });
    this.#checkpoints = kept;
  }

  // ---- the loop's hooks ----------------------------------------------------------------------------------------------

  before(): void {
    if (this.#stale && this.#machine.board.request === null) this.restart();
    const n = this.#count();
    for (let due = this.#log[this.#next]; due !== undefined && (n > due.instructions || (n === due.instructions && this.#machine.board.clock.now() >= due.atNs)); due = this.#log[this.#next]) {
      this.#next++;
      this.#inputs.give(due.input);
    }
    if (n >= this.#nextCheckpoint) this.#take();
  }
  ended(): boolean {
    if (this.#count() < this.#end || this.#moving) return false;
    this.#end = Infinity;
    return true;
  }
  room(): number {
    const n = this.#count();
    const due = this.#log[this.#next];
    return Math.min(this.#nextCheckpoint - n, this.#end > n ? this.#end - n : Infinity, due !== undefined && due.instructions > n ? due.instructions - n : Infinity);
  }

  // ---- going back ----------------------------------------------------------------------------------------------------

  /** The machine as it was at a checkpoint; what came later is forgotten. */
  #restore(index: number): void {
    const memory = this.#memory;
    for (let n = this.#checkpoints.length - 1; n >= index; n--) {
      const { pages, sectors } = this.#checkpoints[n] as Checkpoint;
      for (const [page, bytes] of pages) memory.putFrame(page, bytes);
      for (const [key, bytes] of sectors) {
        const [id, sector] = key.split(" ") as [string, string];
        this.#inputs.restoreSector(id, Number(sector), bytes);
      }
      this.#bytes -= pages.size * 4096 + sectors.size * 512;
      pages.clear();
      sectors.clear();
    }
    const { sections, timers, queues, inputs, instructions } = this.#checkpoints[index] as Checkpoint;
    this.#checkpoints.length = index + 1;
    this.#nextCheckpoint = instructions + this.interval;
    this.#inputs.setQueues(queues);
    this.#next = inputs;
    const { board } = this.#machine;
    loadSections(board, sections);
    board.clock.timers.reorder(timers);
    board.request = null;
    // Pages that were just put back are clean again.
    this.#memory.watchFirstWrites(this.#memory.firstWrite);
  }
  /** Executes again up to a moment; what breakpoints see on the way goes to `seen`. */
  #forward(to: number, seen: (stop: { readonly breakpoints: readonly number[]; readonly detail: string }) => boolean): boolean {
    this.#inputs.silent = true;
    this.#debug.scan = seen;
    try {
      return this.#machine.advance(to);
    } finally {
      this.#debug.scan = null;
      this.#inputs.silent = false;
    }
  }
  #stand(): void {
    if (!this.#on) throw new FaultError("debug.history", "This machine keeps no checkpoints.", "Type record first.");
    if (this.#stale) this.restart();
    if (this.#machine.state === "running") throw new FaultError("debug.running", "The machine is not paused.", "Type stop first.");
    this.#latest = Math.max(this.#latest, this.#count());
    this.#move(() => this.#machine.standAgain());
  }
  #move<T>(work: () => T): T {
    this.#moving = true;
    try {
      return work();
    } finally {
      this.#moving = false;
    }
  }
  /** To the moment after `instructions` instructions, back or forth. Clipped to what is known. */
  goTo(instructions: number): DebugStop {
    this.#stand();
    return this.#move(() => {
      const first = this.#checkpoints[0] as Checkpoint;
      const to = Math.max(instructions, first.instructions);
      this.#seek(to);
      return this.#debug.stoppedBy(instructions < first.instructions ? "start" : "back", instructions < first.instructions ? "the beginning of what is known" : "");
    });
  }
  #seek(to: number): void {
    if (to < this.#count()) {
      let index = this.#checkpoints.length - 1;
      while (index > 0 && (this.#checkpoints[index] as Checkpoint).instructions > to) index--;
      this.#restore(index);
      if (to - this.#count() > 2 * FINE) {
        this.#forward(to - FINE, () => false);
        this.#take();
      }
    }
    this.#forward(to, () => false);
  }
  /** `count` instructions back. */
  stepBack(count = 1): DebugStop {
    this.#stand();
    return this.goTo(this.#count() - count);
  }
  /** Back to the last moment at which a breakpoint stopped the machine, or would have. */
  continueBack(): DebugStop {
    this.#stand();
    return this.#move(() => {
      let end = this.#count();
      for (let index = this.#checkpoints.length - 1; index >= 0; index--) {
        const { instructions } = this.#checkpoints[index] as Checkpoint;
        if (instructions >= end) continue;
        this.#restore(index);
        let hit: { at: number; ip: bigint; breakpoints: readonly number[]; detail: string } | null = null;
        const note = ({ breakpoints, detail }: { readonly breakpoints: readonly number[]; readonly detail: string }) => {
          if (this.#count() < end) hit = { at: this.#count(), ip: this.#debug.looked.cpu.linearIp(), breakpoints, detail };
          return false;
        };
        this.#forward(end, note);
        if (hit !== null) {
          const { at, ip, breakpoints, detail } = hit as { at: number; ip: bigint; breakpoints: readonly number[]; detail: string };
          this.#seek(at);
          // The same count may be seen before and after an interrupt was delivered.
          if (this.#debug.looked.cpu.linearIp() !== ip) this.#forward(at + 1, () => this.#count() === at && this.#debug.looked.cpu.linearIp() === ip);
          return this.#debug.stoppedBy("back", detail, breakpoints);
        }
        end = instructions;
      }
      const first = this.#checkpoints[0] as Checkpoint;
      this.#seek(first.instructions);
      return this.#debug.stoppedBy("start", "the beginning of what is known");
    });
  }
}
