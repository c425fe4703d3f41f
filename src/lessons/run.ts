// One student's way through a lesson: opens its machines, begins steps, checks them, plays answers, keeps progress. Knows no page and no Node: both
// give it a host. Somebody who comes back to a step in the middle gets the machine as the earlier steps leave it: their answers are played first.

import { type Fault, FaultError, faultOf } from "../contract/schema.ts";
import { type Checked, checkAll, counters, evaluate, take } from "./check.ts";
import { StepEvents } from "./events.ts";
import { type Action, asksAnswer, everyPredicate, type LessonMachineData, type Predicate, type Step } from "./format.ts";
import type { LessonMachine } from "./machine.ts";
import type { Lesson } from "./read.ts";
import { emptyProgress, type Progress, type StepRecord } from "./results.ts";

export interface LessonHost {
  /** A new machine of the lesson, paused or running as it says; the one before is gone. */
  open(name: string, machine: LessonMachineData): Promise<LessonMachine>;
  /** Between two actions of "show me", so that one can follow. */
  pace?(action: Action): Promise<void>;
  now(): number;
  wait(ms: number): Promise<void>;
}
export interface RunState {
  readonly step: number;
  /** What it is doing for the student. */
  readonly busy: "opening" | "catching-up" | "showing" | null;
  /** Of the last look at the step. */
  readonly checked: readonly Checked[];
  readonly passed: boolean;
  /** An answer was handed in, and it did not pass. */
  readonly refused: boolean;
  /** The action that is being shown. */
  readonly action: Action | null;
  readonly fault: Fault | null;
  readonly progress: Progress;
}
const POLL_MS = 50;

export class LessonRun {
  readonly lesson: Lesson;
  readonly #host: LessonHost;
  readonly #listener: (state: RunState) => void;
  #machine: LessonMachine | null = null;
  #machineName = "";
  #events: StepEvents | null = null;
  #before: { readonly [name: string]: number } = {};
  #answer: string | null = null;
  #turn = 0;
  #looking = false;
  state: RunState;

  constructor(lesson: Lesson, host: LessonHost, progress: Progress | null = null, listener: (state: RunState) => void = () => {}) {
    this.lesson = lesson;
    this.#host = host;
    this.#listener = listener;
    this.state = { step: 0, busy: null, checked: [], passed: false, refused: false, action: null, fault: null, progress: progress ?? emptyProgress(lesson) };
  }
  get machine(): LessonMachine | null {
    return this.#machine;
  }
  get step(): Step {
    return this.lesson.steps[this.state.step] as Step;
  }
  get answer(): string {
    return this.#answer ?? "";
  }
  /** Which machine a step has: its own, or that of the last step that named one. */
  #machineOf(index: number): string {
    for (let n = index; n >= 0; n--) {
      const name = this.lesson.steps[n]?.machine ?? "";
      if (name !== "") return name;
    }
    return Object.keys(this.lesson.machines)[0] as string;
  }
  /** The step from which on the machine of a step is the same one. */
  #origin(index: number): number {
    let n = index;
    while (n > 0 && !this.lesson.steps[n]?.fresh && this.#machineOf(n - 1) === this.#machineOf(n)) n--;
    return n;
  }

  /** Goes to a step. With `keep` the machine stays as it is, when it is the right one (the next step after one that passed). */
  async go(index: number, keep = false): Promise<void> {
    const turn = ++this.#turn;
    const stays = keep && this.#machine !== null && this.#origin(index) !== index && this.#machineName === this.#machineOf(index);
    await this.#leave();
    this.#set({ step: index, busy: stays ? null : "opening", checked: [], passed: false, refused: false, action: null, fault: null });
    try {
      if (!stays) {
        const origin = this.#origin(index);
        await this.#open(index);
        for (let n = origin; n < index && turn === this.#turn; n++) {
          this.#set({ busy: "catching-up" });
          await this.#begin(this.lesson.steps[n] as Step);
          await this.#play((this.lesson.steps[n] as Step).show, turn, false);
          await this.#reached((this.lesson.steps[n] as Step).check, turn);
          await this.#leave();
        }
      }
      if (turn !== this.#turn) return;
      await this.#begin(this.step);
      this.#record({});
      this.#set({ busy: null });
    } catch (error) {
      if (turn === this.#turn) this.#set({ busy: null, fault: faultOf(error) });
    }
  }
  /** The same step again, from the beginning. */
  restart(): Promise<void> {
    return this.go(this.state.step);
  }
  async #open(index: number): Promise<void> {
    this.#machineName = this.#machineOf(index);
    this.#machine = await this.#host.open(this.#machineName, this.lesson.machines[this.#machineName] as LessonMachineData);
  }
  async #begin(step: Step): Promise<void> {
    const machine = this.#machine as LessonMachine;
    this.#answer = null;
    this.#events = await StepEvents.begin(machine, []);
    await this.#play(step.begin, this.#turn, false);
    this.#before = await counters(machine);
    this.#events = await StepEvents.begin(machine, step.check);
  }
  async #leave(): Promise<void> {
    const events = this.#events;
    this.#events = null;
    await events?.end().catch(() => undefined);
  }
  async close(): Promise<void> {
    this.#turn++;
    await this.#leave();
  }

  /** Events are copied before they are overwritten: to be called often while the machine runs. */
  poll(): void {
    this.#events?.poll();
  }
  async #look(list: readonly Predicate[]): Promise<readonly Checked[]> {
    const machine = this.#machine;
    const events = this.#events;
    if (!machine || !events) return [];
    return checkAll(list, { machine, events, before: this.#before, answer: this.#answer });
  }
  /** Looks whether the step holds now; remembers it when it does. Steps with a question look when the answer is handed in. */
  async check(): Promise<boolean> {
    if (this.state.passed || this.#looking || (this.state.busy !== null && this.state.busy !== "showing")) return this.state.passed;
    if (asksAnswer(this.step) && this.#answer === null) return false;
    const turn = this.#turn;
    this.#looking = true;
    try {
      const checked = await this.#look(this.step.check);
      if (turn !== this.#turn || checked.length === 0) return false;
      const passed = checked.every((c) => c.holds);
      if (passed) this.#record({ passed: true, checked });
      this.#set({ checked, passed });
      return passed;
    } finally {
      this.#looking = false;
    }
  }
  /** Hands an answer in. */
  async hand(answer: string): Promise<boolean> {
    this.#answer = answer;
    this.#record({ try: true });
    const passed = await this.check();
    this.#set({ refused: !passed });
    if (!passed) this.#answer = null;
    return passed;
  }
  hint(): void {
    this.#record({ hint: true });
    this.#set({});
  }
  /** "Show me": does the step's answer, so that one can watch. */
  async show(): Promise<boolean> {
    if (this.state.busy !== null) return false;
    const turn = this.#turn;
    this.#record({ shown: true });
    this.#set({ busy: "showing", fault: null });
    try {
      await this.#play(this.step.show, turn, true);
      return await this.#settled(turn);
    } catch (error) {
      if (turn === this.#turn) this.#set({ fault: faultOf(error) });
      return false;
    } finally {
      if (turn === this.#turn) this.#set({ busy: null, action: null });
    }
  }
  /** Plays any actions (a wrong answer, in tests) and says whether the step holds after them. */
  async tried(actions: readonly Action[]): Promise<boolean> {
    await this.#play(actions, this.#turn, false);
    return this.#settled(this.#turn, 400);
  }
  async #settled(turn: number, ms = 2000): Promise<boolean> {
    for (const end = this.#host.now() + ms; turn === this.#turn; await this.#host.wait(POLL_MS)) {
      if (await this.check()) return true;
      if (this.#host.now() > end) break;
    }
    return false;
  }

  async #play(actions: readonly Action[], turn: number, paced: boolean): Promise<void> {
    for (const action of actions) {
      if (turn !== this.#turn) return;
      if (paced) {
        this.#set({ action });
        await this.#host.pace?.(action);
      }
      await this.#act(action, turn);
    }
  }
  async #act(action: Action, turn: number): Promise<void> {
    const machine = this.#machine;
    if (!machine) return;
    switch (action.kind) {
      case "monitor":
        return void take(await machine.type(action.of));
      case "keys":
        for (const keys of action.of.split(/\s+/).filter((k) => k !== "")) {
          take(await machine.execute("sendkey", { keys }));
          await this.#host.wait(POLL_MS);
        }
        return;
      case "serial":
        return machine.serial(action.of);
      case "answer":
        // A number is the machine's, in the words of a student.
        this.#answer = /^[a-z]+$/i.test(action.of) ? action.of : `0x${(await evaluate(machine, action.of)).toString(16)}`;
        return;
      case "until":
        return this.#reached(withoutAnswer(action.of.check), turn, action.of.seconds);
      case "wait":
        return this.#host.wait(action.of);
      case "panel":
        return machine.panel(action.of.name, action.of.at);
    }
  }

  /** Waits until all of it holds. */
  async #reached(check: readonly Predicate[], turn: number, seconds = 20): Promise<void> {
    for (const end = this.#host.now() + seconds * 1000; turn === this.#turn; await this.#host.wait(POLL_MS)) {
      const seen = await this.#look(check);
      if (seen.length === check.length && seen.every((c) => c.holds)) return;
      if (this.#host.now() > end) throw new FaultError("lesson.waited", "The machine did not get there.", "Restart the step.");
    }
  }
  #record(what: { readonly passed?: true; readonly checked?: readonly Checked[]; readonly try?: true; readonly hint?: true; readonly shown?: true }): void {
    const { progress, step } = this.state;
    const { id } = this.lesson.steps[step] as Step;
    const old: StepRecord = progress.steps[id] ?? { passedAt: null, tries: 0, hints: 0, shown: false, seen: [] };
    const next: StepRecord = {
      passedAt: what.passed ? (old.passedAt ?? this.#host.now()) : old.passedAt,
      tries: old.tries + (what.try ? 1 : 0),
      hints: old.hints + (what.hint ? 1 : 0),
      // Shown after it was passed is only looking again.
      shown: old.shown || (what.shown === true && old.passedAt === null),
      seen: what.passed && old.passedAt === null ? (what.checked ?? []).map((c) => c.seen) : old.seen,
    };
    this.state = { ...this.state, progress: { ...progress, step, steps: { ...progress.steps, [id]: next } } };
  }
  #set(change: Partial<RunState>): void {
    this.state = { ...this.state, ...change };
    this.#listener(this.state);
  }
}
const withoutAnswer = (list: readonly Predicate[]) => list.filter((p) => !everyPredicate([p]).some((q) => q.kind === "answer"));
