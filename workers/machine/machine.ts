// The life of one machine: off, paused, running or crashed, and the loop that runs it in slices of about two milliseconds.
// The same loop serves Node and a worker: between slices it yields to the event loop, in HLT it sleeps (sleep.ts) until the next
// timer, and anything that raises an interrupt or arms an earlier timer wakes it. Left out: more than one processor.

import { FaultError } from "../../src/contract/schema.ts";
import type { Exit } from "../cpu/cpu.ts";
import type { Board, Request } from "./board.ts";
import { Sleep } from "./sleep.ts";
import { TickWatch } from "./tick-watch.ts";
import { loadSections, saveSections, type Sections } from "./snapshot.ts";

export type MachineState = "off" | "paused" | "running" | "crashed";
export interface Notice {
  readonly state: MachineState;
  /** Why it stopped: "poweroff", "reset" with noReboot, "shutdown" (triple fault with noReboot), "exit", "break", "pause", "error". */
  readonly reason: string;
  readonly exitStatus?: number;
  readonly error?: unknown;
  readonly breakIp?: bigint;
}

/** What a debugger, a tracer or a replay has to say in the loop. Asked once per run of the processor, never inside one. */
export interface LoopHooks {
  /** Before timers and processor have their turn. */
  before(): void;
  /** Instructions after which it wants its turn; at least 1, Infinity when it does not care. */
  room(): number;
  /** After a run; true: the machine pauses here. */
  ran(exit: Exit): boolean;
}

const SLICE_MS = 2;
const LEAST_BUDGET = 500;
/** Translated code does it in a fifth of a millisecond, interpreted code in three: what became hot meanwhile is translated no later. */
const MOST_BUDGET = 250_000;
/** Instructions per host millisecond: less is measured only when somebody else had the processor. */
const LEAST_RATE = 5000;
/** A guest whose slices take less of the time is idle; looked at over so long. */
const IDLE_SHARE = 0.2;
const SHARE_MS = 200;
/** What an idle guest does between two halts is a tick or a key, however often it comes, and not worth translating: a compile costs as much as seconds of ticks. */
const SHORT_WAKE = 100_000;
/** Waits shorter than this are not worth a trip through the event loop's timers. */
const SHORT_WAIT_NS = 60_000;

const hasImmediate = typeof (globalThis as { setImmediate?: unknown }).setImmediate === "function";
/** Runs `job` after pending messages and I/O had their turn, without the 4 ms that browsers add to nested timeouts. */
function makeSoon(job: () => void): () => void {
  if (hasImmediate) return () => void (globalThis as unknown as { setImmediate(f: () => void): void }).setImmediate(job);
  const channel = new MessageChannel();
  channel.port1.onmessage = job;
  return () => channel.port2.postMessage(null);
}

export class Machine {
  readonly board: Board;
  private current: MachineState = "off";
  private readonly listeners: ((notice: Notice) => void)[] = [];
  private readonly hostNow: () => number;
  private readonly soon: () => void;
  private soonPending = false;
  private readonly sleep: Sleep;
  private readonly tick: TickWatch;
  private inSlice = false;
  /** Guest time at which the current run of the processor is expected to end. */
  private runEndsNs = Infinity;
  /** Instructions per host millisecond, as measured. */
  private rate = 20_000;
  /** Host time until which there is nothing to do; the event loop has its turn meanwhile. */
  private restUntilMs = 0;
  /** Share of host time spent in slices, of the last tenths of a second. */
  private busyShare = 1;
  private sliceEndedMs = 0;
  /** Instructions at the last halt. */
  private haltedAt = 0;
  private turnEndedMs = 0;
  /** The hooks ended the last turn. */
  private hookStopped = false;
  /** advance(): where it ends. */
  private advanceTo = Infinity;
  private prepared = false;
  private asleep = false;
  /** What woke the machine: it resumes at the next slice. */
  private waking: "rtc" | "other" | null = null;
  private starting = false;
  private lastNotice: Notice = { state: "off", reason: "new" };
  /** Asked at power-on: puts the machine into a saved state and says true, or false to boot. */
  onStart: (() => Promise<boolean>) | null = null;
  /** What a reset has to wait for (files that firmware will ask for), once. */
  resetAfter: (() => Promise<void>) | null = null;
  /** The debugger, when there is one. */
  hooks: LoopHooks | null = null;
  /** Host milliseconds spent running guest code and devices (for idle load). */
  busyMs = 0;

  constructor(board: Board) {
    this.board = board;
    this.hostNow = board.parts.hostNowMs ?? (() => performance.now());
    this.soon = makeSoon(() => {
      this.soonPending = false;
      this.loop();
    });
    this.tick = new TickWatch(board.parts.mostLateMs);
    this.sleep = new Sleep(board.parts.doorbell ?? null, this.hostNow, () => this.loop(), board.parts.eventLoopEveryMs);
    board.onWake = () => this.wake();
    board.onWakeEvent = (cause) => this.wakeUp(cause);
    board.clock.timers.onEarlier = (atNs) => {
      if (!this.inSlice) this.wake();
      else if (atNs < this.runEndsNs) board.cpu.kick();
    };
  }
  get state(): MachineState {
    return this.current;
  }
  get last(): Notice {
    return this.lastNotice;
  }
  /** Returns what ends it. */
  onState(listener: (notice: Notice) => void): () => void {
    this.listeners.push(listener);
    return () => {
      const at = this.listeners.indexOf(listener);
      if (at >= 0) this.listeners.splice(at, 1);
    };
  }

  // ---- control -------------------------------------------------------------------------------------------------------

  /** Power on. `paused` stops before the first instruction. */
  async start(options: { readonly paused?: boolean } = {}): Promise<void> {
    if (this.current !== "off") return;
    if (this.starting) return;
    this.starting = true;
    this.board.cpu.poweredOn?.();
    try {
      await this.prepare();
      if (this.onStart && (await this.onStart())) {
        if (!options.paused) this.enter("running", "start");
        return;
      }
      await this.resetAfter?.();
      this.resetAfter = null;
    } finally {
      this.starting = false;
    }
    this.board.reset();
    this.enter(options.paused ? "paused" : "running", "start");
  }
  pause(reason = "pause"): void {
    if (this.current === "running") this.enter("paused", reason);
  }
  resume(): void {
    if (this.current === "paused") this.enter("running", "resume");
  }
  reset(): void {
    if (this.current === "running") this.board.ask({ what: "reset" });
    else if (this.current === "paused") {
      this.asleep = false;
      this.board.reset();
    }
  }
  powerOff(): void {
    this.asleep = false;
    if (this.current !== "off") this.enter("off", "poweroff");
  }
  /** ACPI power button. */
  powerDown(): void {
    this.board.powerButton();
    this.wake();
  }
  /** ACPI sleep button. */
  sleepButton(): void {
    this.board.sleepButton();
    this.wake();
  }
  /** Suspended to RAM: devices and timers live, the processor does not. */
  get suspended(): boolean {
    return this.asleep;
  }
  /** Ends suspend to RAM (a key, the clock's alarm, system_wakeup). False when the machine is not suspended. */
  wakeUp(cause: "rtc" | "other" = "other"): boolean {
    if (!this.asleep || this.current !== "running") return false;
    this.asleep = false;
    this.waking = cause;
    this.wake();
    return true;
  }
  nmi(): void {
    this.board.nmi();
    this.wake();
  }
  /** Ends a sleep: call after anything from outside that the guest may want to see. */
  wake(): void {
    this.restUntilMs = 0;
    if (this.current !== "running" || this.inSlice || this.soonPending) return;
    this.sleep.outside();
    this.tick.disturbed();
    this.soonPending = true;
    this.soon();
  }
  /** Resolves when the machine is off, crashed or paused. */
  stopped(): Promise<Notice> {
    if (this.current !== "running") return Promise.resolve(this.lastNotice);
    return new Promise((resolve) => {
      const listener = (notice: Notice) => {
        if (notice.state === "running") return;
        this.listeners.splice(this.listeners.indexOf(listener), 1);
        resolve(notice);
      };
      this.listeners.push(listener);
    });
  }
  /** Power on and run to the end. */
  async run(): Promise<Notice> {
    await this.start();
    return this.stopped();
  }
  save(): Sections {
    // A saved machine begins with its processor: one that is suspended has none to go on with.
    if (this.asleep) throw new FaultError("snapshot.suspended", "The guest is suspended to RAM and cannot be saved.", "Wake it first (system_wakeup, or a key).");
    return saveSections(this.board);
  }
  /** What power-on needs, for a machine that is loaded instead of started. */
  async prepare(): Promise<void> {
    if (!this.prepared) await this.board.prepare();
    this.prepared = true;
  }
  /** Loads device and processor state; RAM is the caller's. Leaves the machine paused. `tell`: the guest hears that it goes on from a saved state. */
  load(snapshot: Sections, tell = true): void {
    if (this.current === "running") this.pause();
    loadSections(this.board, snapshot);
    this.board.request = null;
    this.board.catchUpDate();
    this.board.newGeneration(tell);
    if (this.current !== "paused") this.enter("paused", "load");
  }

  /** A machine that a triple fault ended stands where it was, for somebody who goes back from there. */
  standAgain(): void {
    if (this.current === "off" && this.lastNotice.reason === "shutdown") this.enter("paused", "back");
  }

  private enter(state: MachineState, reason: string, more: Partial<Notice> = {}): void {
    this.current = state;
    this.restUntilMs = 0;
    if (state === "running") {
      this.board.clock.resume();
      this.soonPending = true;
      this.soon();
    } else {
      this.board.clock.pause();
      this.board.cpu.kick();
      this.sleep.cancel();
    }
    this.lastNotice = { state, reason, ...more };
    for (const listener of [...this.listeners]) listener(this.lastNotice);
  }

  // ---- the loop ------------------------------------------------------------------------------------------------------

  private loop(): void {
    if (this.current !== "running" || this.inSlice) return;
    this.sleep.entered();
    let waitMs: number;
    do {
      try {
        waitMs = this.restUntilMs === 0 ? 0 : this.restUntilMs - this.hostNow();
        this.restUntilMs = 0;
        if (waitMs <= 0) waitMs = this.runSlice();
      } catch (error) {
        this.inSlice = false;
        this.enter("crashed", "error", { error });
        return;
      }
      if (this.current !== "running" || this.soonPending) return;
      // Infinity: nothing will happen until somebody wakes us.
      if (waitMs === Infinity) return;
      const untilMs = waitMs <= 0 ? 0 : this.hostNow() + waitMs;
      const how = waitMs <= 0 ? "busy" : this.sleep.wait(waitMs);
      if (how === "later") return;
      if (how === "busy") {
        this.restUntilMs = untilMs;
        this.soonPending = true;
        this.soon();
        return;
      }
    } while (this.current === "running");
  }
  /**
   * Runs for about two host milliseconds. Returns how many milliseconds may be slept before the next slice: 0 for none,
   * Infinity when only an outside event can wake the guest.
   */
  runSlice(): number {
    const { board } = this;
    const started = this.hostNow();
    this.turnEndedMs = started;
    this.inSlice = true;
    let wait = 0;
    try {
      do {
        const left = this.turn(started + SLICE_MS - this.turnEndedMs);
        if (left !== null) {
          wait = left;
          break;
        }
      } while (this.turnEndedMs < started + SLICE_MS && this.current === "running");
    } finally {
      this.inSlice = false;
      this.runEndsNs = Infinity;
      const ended = this.hostNow();
      this.busyMs += ended - started;
      const spanMs = ended - this.sliceEndedMs;
      if (spanMs > 0) this.busyShare += ((ended - started) / spanMs - this.busyShare) * Math.min(1, spanMs / SHARE_MS);
      this.sliceEndedMs = ended;
    }
    if (board.request !== null && this.current === "running") wait = 0;
    return wait;
  }
  /**
   * One turn: what is due, then one run of the processor. Null: go on with the next. Else the slice ends, and that many milliseconds may be
   * slept (see runSlice).
   */
  private turn(sliceMs: number): number | null {
    const { board } = this;
    const { clock, cpu } = board;
    const { timers } = clock;
    this.hooks?.before();
    const now = clock.now();
    timers.runDue(now);
    if (board.request !== null && !this.take(board.request)) return 0;
    if (this.waking !== null) {
      board.resumeFromSuspend(this.waking);
      this.waking = null;
    }
    if (this.asleep) {
      const due = timers.next();
      const wait = due === Infinity ? Infinity : Math.max(0, (due - clock.now()) / 1e6);
      if (clock.mode === "instructions" && due !== Infinity) clock.skipTo(due);
      return wait;
    }
    const next = timers.next();
    let budget: number;
    if (clock.mode === "instructions") {
      budget = Math.ceil((next - now) / 2 ** clock.shift);
      this.runEndsNs = next;
    } else {
      const leftMs = Math.min(sliceMs, (next - now) / 1e6);
      budget = Math.ceil(this.rate * leftMs);
      this.runEndsNs = now + leftMs * 1e6;
    }
    budget = Math.max(clock.mode === "instructions" ? 1 : LEAST_BUDGET, Math.min(MOST_BUDGET, budget));
    if (clock.mode === "instructions") budget = Math.min(budget, Math.ceil(this.rate * SLICE_MS));
    if (this.hooks !== null) budget = Math.min(budget, this.hooks.room());
    budget = Math.min(budget, this.advanceTo - cpu.instructions());
    const before = cpu.instructions();
    const began = this.turnEndedMs;
    cpu.idle = this.busyShare < IDLE_SHARE && before - this.haltedAt < SHORT_WAKE;
    const exit = cpu.run(budget);
    this.turnEndedMs = this.hostNow();
    const ran = cpu.instructions() - before;
    if (ran > 2000 && this.turnEndedMs > began) this.rate = Math.max(LEAST_RATE, this.rate * 0.8 + (ran / (this.turnEndedMs - began)) * 0.2);
    if (exit.reason === "shutdown") {
      // A triple fault ends in a reset, as the chipset of a PC does.
      if (!this.take({ what: "reset" }, "shutdown")) return 0;
    }
    if (this.hooks !== null ? this.hooks.ran(exit) : exit.reason === "break") {
      this.hookStopped = true;
      if (this.current === "running") this.enter("paused", "break", exit.reason === "break" ? { breakIp: exit.ip } : {});
      return 0;
    }
    if (exit.reason === "halt" && board.request === null) {
      this.haltedAt = before + ran;
      const due = timers.next();
      const current = clock.now();
      if (due > current) {
        if (clock.mode === "instructions") {
          if (due === Infinity) return Infinity;
          clock.skipTo(due);
        } else if (due - current > SHORT_WAIT_NS) return due === Infinity ? Infinity : (this.tick.until(due, timers.nextStrict(), cpu.instructions()) - current) / 1e6;
      }
    }
    return null;
  }
  /**
   * A paused machine whose time is instructions goes on until so many are executed, at once and without sleeping (replay). False: it ended or
   * can do nothing more before that.
   */
  advance(to: number): boolean {
    const { clock, cpu } = this.board;
    if (clock.mode !== "instructions" || this.current !== "paused") throw new Error("only a paused machine that counts instructions can be advanced");
    this.inSlice = true;
    this.hookStopped = false;
    this.advanceTo = to;
    try {
      while (cpu.instructions() < to) {
        this.turnEndedMs = this.hostNow();
        const left = this.turn(SLICE_MS);
        if (this.current !== "paused" || left === Infinity) return false;
        if (this.hookStopped) {
          this.hookStopped = false;
          return false;
        }
      }
    } finally {
      this.inSlice = false;
      this.advanceTo = this.runEndsNs = Infinity;
    }
    return true;
  }
  /** Carries out what the guest asked for; false when the machine stops running. */
  private take(request: Request, cause: string = request.what): boolean {
    this.board.request = null;
    switch (request.what) {
      case "reset":
        this.asleep = false;
        if (this.board.config.noReboot) {
          this.enter("off", cause);
          return false;
        }
        if (this.resetAfter) {
          const files = this.resetAfter();
          this.resetAfter = null;
          this.enter("paused", "reset");
          files.then(
            () => {
              if (this.current !== "paused") return;
              this.board.reset();
              this.enter("running", "reset");
            },
            (error: unknown) => this.enter("crashed", "error", { error }),
          );
          return false;
        }
        this.board.reset();
        return true;
      case "poweroff":
        this.enter("off", "poweroff");
        return false;
      case "exit":
        this.enter("off", "exit", { exitStatus: request.status });
        return false;
      case "sleep":
        this.board.suspend();
        this.asleep = true;
        return true;
    }
  }
}
