// The debugger of a machine: breakpoints of every kind with conditions, and steps. It sees the machine through the loop's hooks (machine.ts) and core's
// lists (workers/cpu/watch.ts): with nothing set, nothing in core is different. Conditions are evaluated here, in the worker; a breakpoint whose
// condition does not hold goes on at once.
// Left out: watching what devices write by DMA.

import type { BreakWhat, Breakpoint, DebugStop } from "../../src/contract/debug.ts";
import { FaultError } from "../../src/contract/schema.ts";
import type { Exit } from "../cpu/cpu.ts";
import { type Disassembled, disassemble } from "../cpu/isa/disassemble.ts";
import { noStops, type StopCause } from "../cpu/watch.ts";
import type { WasmCpu } from "../cpu/wasm-cpu.ts";
import type { Board } from "./board.ts";
import { compile, type Expression } from "./expression.ts";
import { type Looked, readMemory, surroundings } from "./look.ts";
import type { LoopHooks, Machine } from "./machine.ts";
import { Symbols } from "./symbols.ts";
import { modeNames } from "../../src/contract/trace.ts";
import { CpuTrace } from "./trace-cpu.ts";

interface Point extends Breakpoint {
  enabled: boolean;
  hits: number;
  ignore: number;
  readonly test: Expression | null;
}
/** Where a run of the debugger is to end. */
type Plan =
  | { readonly kind: "count"; readonly target: number }
  /** At an address, with the stack back at `sp` or above (a call that returned, not a deeper one). */
  | { readonly kind: "at"; readonly address: bigint; readonly sp: bigint }
  | { readonly kind: "interrupt" }
  /** Until the function that had `sp` has returned: by single steps, over calls. */
  | { readonly kind: "finish"; readonly sp: bigint; over: bigint | null; overSp: bigint; returns: boolean };
export interface BreakOptions {
  readonly condition?: string;
  readonly temporary?: boolean;
  readonly ignore?: number;
}
/** What time travel adds to the loop. */
export interface HistoryHooks {
  before(): void;
  room(): number;
  /** The recording that is replayed is over. */
  ended(): boolean;
}
const hex = (v: bigint | number) => `0x${v.toString(16)}`;

export class Debugger implements LoopHooks {
  readonly looked: Looked;
  readonly trace: CpuTrace;
  /** Names of addresses, once somebody gave or found some. */
  readonly symbols = new Symbols();
  private readonly machine: Machine;
  private readonly board: Board;
  private readonly cpu: WasmCpu;
  private readonly points = new Map<number, Point>();
  /** Breakpoints behind each entry of core's list of data. */
  private dataPoints: readonly Point[] = [];
  private port: { readonly port: number; readonly write: boolean; readonly value: number } | null = null;
  private plan: Plan | null = null;
  private nextId = 1;
  private stopped: DebugStop | null = null;
  /** Time travel executes again: told what breakpoints would do; true ends the run there. */
  scan: ((stop: { readonly breakpoints: readonly number[]; readonly detail: string }) => boolean) | null = null;
  /** Checkpoints and replay, when they are kept. */
  history: HistoryHooks | null = null;

  constructor(machine: Machine, cpu: WasmCpu) {
    this.machine = machine;
    this.board = machine.board;
    this.cpu = cpu;
    this.looked = { cpu, memory: machine.board.memory };
    this.trace = new CpuTrace(machine.board.trace, cpu);
    this.trace.onPoints = () => this.update();
    machine.hooks = this;
    machine.onState(({ state, reason }) => {
      if (state === "running") {
        this.stopped = null;
        // Going on from a breakpoint executes its instruction.
        if (reason === "resume") cpu.watch.pass();
      } else if (reason !== "break") this.setPlan(null);
    });
  }

  // ---- breakpoints ---------------------------------------------------------------------------------------------------

  list(): readonly Breakpoint[] {
    return [...this.points.values()].map(({ test, ...point }) => point);
  }
  add(what: BreakWhat, { condition = "", temporary = false, ignore = 0 }: BreakOptions = {}): Breakpoint {
    const point: Point = { id: this.nextId, what, condition, temporary, ignore, enabled: true, hits: 0, test: condition === "" ? null : compile(condition) };
    this.points.set(point.id, point);
    try {
      this.update();
    } catch (error) {
      this.points.delete(point.id);
      throw error;
    }
    this.nextId++;
    // Plain data: the compiled condition cannot travel to the page.
    const { test, ...shown } = point;
    return shown;
  }
  remove(id: number): void {
    this.find(id);
    this.points.delete(id);
    this.update();
  }
  removeAll(): void {
    this.points.clear();
    this.update();
  }
  enable(id: number, on: boolean): void {
    this.find(id).enabled = on;
    this.update();
  }
  setIgnore(id: number, count: number): void {
    this.find(id).ignore = count;
  }
  private find(id: number): Point {
    const point = this.points.get(id);
    if (!point) throw new FaultError("debug.unknown", `There is no breakpoint ${id}.`, "info breakpoints lists them.");
    return point;
  }
  /** Tells core and the board what to look for. */
  private update(): void {
    const on = [...this.points.values()].filter((p) => p.enabled);
    const { plan } = this;
    const planned = plan?.kind === "at" ? plan.address : plan?.kind === "finish" ? plan.over : null;
    const data = on.filter((p) => p.what.kind === "data");
    this.dataPoints = data;
    const kinds = new Set(on.map((p) => p.what.kind));
    this.cpu.watch.set({
      ...noStops,
      execute: [
        ...on.flatMap(({ what }) => (what.kind === "execute" ? [{ address: what.address, physical: what.physical }] : [])),
        ...[...this.trace.points, ...(planned === null ? [] : [planned])].map((address) => ({ address, physical: false })),
      ],
      data: data.flatMap(({ what }) => (what.kind === "data" ? [{ address: what.address, length: what.length, read: what.access !== "write", write: what.access !== "read", physical: what.physical }] : [])),
      vectors: on.flatMap(({ what }) => (what.kind === "vector" ? [what.vector] : [])),
      anyInterrupt: kinds.has("interrupt") || plan?.kind === "interrupt",
      mode: kinds.has("mode"),
      ring: kinds.has("ring"),
      cr3: kinds.has("cr3"),
    });
    this.board.onPort = kinds.has("port") ? (port, width, write, value) => this.portTouched(port, width, write, value) : null;
  }
  private portTouched(port: number, width: number, write: boolean, value: number): void {
    for (const { what, enabled } of this.points.values()) {
      if (!enabled || what.kind !== "port" || port > what.to || port + width <= what.from || (what.access !== "access" && (what.access === "write") !== write)) continue;
      this.port = { port, write, value };
      this.cpu.watch.request();
      return;
    }
  }

  // ---- running -------------------------------------------------------------------------------------------------------

  /** Why the machine stands, when the debugger stopped it. */
  get stop(): DebugStop | null {
    return this.stopped;
  }
  private setPlan(plan: Plan | null): void {
    if (this.plan === null && plan === null) return;
    this.plan = plan;
    this.update();
  }
  private go(plan: Plan): void {
    if (this.machine.state !== "paused") throw new FaultError("debug.running", "The machine is not paused.", "Type stop first.");
    this.setPlan(plan);
    this.machine.resume();
  }
  /** `count` instructions, into whatever they call. */
  step(count = 1): void {
    this.go({ kind: "count", target: this.cpu.instructions() + count });
  }
  /** One instruction; a call, INT or repeated string instruction is one. */
  next(): void {
    const { text, length } = this.instruction();
    if (!/^(call|int|rep|loop)/i.test(text)) this.step();
    else this.go({ kind: "at", address: BigInt.asUintN(64, this.cpu.linearIp() + BigInt(length)), sp: this.sp() });
  }
  /** Out of the running function. */
  finish(): void {
    this.go({ kind: "finish", sp: this.sp(), over: null, overSp: 0n, returns: false });
    this.planFinish();
  }
  /** To an address. */
  runTo(address: bigint): void {
    this.go({ kind: "at", address: BigInt.asUintN(64, address), sp: 0n });
  }
  /** To the handler of the next hardware interrupt. */
  toInterrupt(): void {
    this.go({ kind: "interrupt" });
  }
  private sp(): bigint {
    return this.cpu.registers().gpr[4] as bigint;
  }
  /** The instruction that comes next. */
  instruction(): Disassembled {
    const at = this.cpu.linearIp();
    const page = 4096 - Number(at & 0xfffn);
    const bytes = readMemory(this.looked, at, 15) ?? readMemory(this.looked, at, Math.min(15, page)) ?? new Uint8Array(1);
    return disassemble(bytes, this.cpu.codeBits(), at);
  }

  // ---- the loop's hooks ----------------------------------------------------------------------------------------------

  before(): void {
    this.history?.before();
  }
  room(): number {
    const { plan } = this;
    let room = Math.min(this.trace.room(), this.history?.room() ?? Infinity);
    if (plan?.kind === "count") room = Math.min(room, plan.target - this.cpu.instructions());
    else if (plan?.kind === "finish" && plan.over === null) room = 1;
    return Math.max(1, room);
  }
  ran(exit: Exit): boolean {
    this.trace.ran();
    const cause = exit.reason === "break" ? this.cpu.watch.takeCause() : null;
    if (this.scan !== null) {
      const seen = cause === null ? null : this.hit(cause);
      const end = seen !== null && this.scan(seen);
      if (cause !== null) this.cpu.watch.pass();
      return end;
    }
    const stop = (cause === null ? null : this.hit(cause)) ?? this.planDone(cause) ?? (this.history?.ended() ? ({ reason: "end", breakpoints: [], detail: "the end of the recording" } as const) : null);
    if (cause !== null) this.cpu.watch.pass();
    if (stop === null) return false;
    this.plan = null;
    this.stopped = { ...stop, instructions: this.cpu.instructions(), atNs: this.board.clock.now() };
    for (const id of stop.breakpoints) if (this.points.get(id)?.temporary) this.points.delete(id);
    this.update();
    return true;
  }
  /** A stop that something else decided (time travel). */
  stoppedBy(reason: DebugStop["reason"], detail: string, breakpoints: readonly number[] = []): DebugStop {
    this.stopped = { reason, detail, breakpoints, instructions: this.cpu.instructions(), atNs: this.board.clock.now() };
    return this.stopped;
  }
  /** The breakpoints that `cause` belongs to and whose conditions hold. */
  hit(cause: StopCause): Omit<DebugStop, "instructions" | "atNs"> | null {
    if (cause.kind === "execute") this.trace.reached(cause.address);
    const touched = cause.kind === "data" ? this.dataPoints[cause.point]?.what : undefined;
    const found = [...this.points.values()].filter((p) => p.enabled && this.belongs(p.what, cause, touched));
    const hits: number[] = [];
    const base = { detail: this.words(cause, touched), ...(touched?.kind === "data" ? { data: { address: touched.address, access: touched.access } } : {}) };
    for (const point of found) {
      try {
        if (point.test !== null && point.test(surroundings(this.looked)) === 0n) continue;
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        return { ...base, reason: "error", breakpoints: [point.id], detail: `condition of breakpoint ${point.id}: ${error.fault.message}` };
      }
      point.hits++;
      if (point.ignore > 0) point.ignore--;
      else hits.push(point.id);
    }
    this.port = null;
    return hits.length > 0 ? { ...base, reason: "breakpoint", breakpoints: hits } : null;
  }
  private belongs(what: BreakWhat, cause: StopCause, touched: BreakWhat | undefined): boolean {
    switch (cause.kind) {
      case "execute":
        return what.kind === "execute" && (what.physical ? this.cpu.translate(cause.address) === what.address : BigInt.asUintN(64, what.address) === cause.address);
      case "data":
        return what.kind === "data" && touched?.kind === "data" && what.address === touched.address && what.physical === touched.physical && (what.access === "access" || (what.access === "write") === cause.write);
      case "vector":
        return (what.kind === "vector" && what.vector === cause.vector) || what.kind === "interrupt";
      case "host":
        return what.kind === "port" && this.port !== null && this.port.port <= what.to && this.port.port + 4 > what.from;
      default:
        return what.kind === cause.kind;
    }
  }
  private words(cause: StopCause, touched: BreakWhat | undefined): string {
    switch (cause.kind) {
      case "execute":
        return `about to execute ${hex(cause.address)}`;
      case "data":
        return `${cause.write ? "wrote" : "read"} ${touched?.kind === "data" ? `${touched.length} watched bytes at ${hex(touched.address)}` : "watched memory"}`;
      case "vector":
        return `in the handler of vector ${hex(cause.vector)}`;
      case "mode":
        return `mode changed from ${modeNames[cause.before]} to ${modeNames[cause.now]}`;
      case "ring":
        return `ring changed from ${cause.before} to ${cause.now}`;
      case "cr3":
        return `CR3 is now ${hex(cause.value)}`;
      case "host":
        return this.port ? `${this.port.write ? "wrote" : "read"} ${hex(this.port.value)} ${this.port.write ? "to" : "from"} port ${hex(this.port.port)}` : "port";
    }
  }
  private planDone(cause: StopCause | null): Omit<DebugStop, "instructions" | "atNs"> | null {
    const { plan } = this;
    if (plan === null) return null;
    const done = { reason: "step", breakpoints: [], detail: "" } as const;
    switch (plan.kind) {
      case "count":
        return this.cpu.instructions() >= plan.target ? done : null;
      case "at":
        return cause?.kind === "execute" && cause.address === plan.address && this.sp() >= plan.sp ? done : null;
      case "interrupt":
        return cause?.kind === "vector" ? { ...done, detail: this.words(cause, undefined) } : null;
      case "finish":
        if (plan.over !== null) {
          if (!(cause?.kind === "execute" && cause.address === plan.over && this.sp() >= plan.overSp)) return null;
          plan.over = null;
        } else if (plan.returns && this.sp() > plan.sp) return done;
        this.planFinish();
        return null;
    }
  }
  /** Looks at the next instruction of a function that is to be left: over calls, watching for its return. */
  private planFinish(): void {
    const { plan } = this;
    if (plan?.kind !== "finish") return;
    const { text, length } = this.instruction();
    plan.returns = /^i?ret/i.test(text) || /^sys(ret|exit)/i.test(text);
    const before = plan.over;
    plan.over = /^call/i.test(text) ? BigInt.asUintN(64, this.cpu.linearIp() + BigInt(length)) : null;
    plan.overSp = this.sp();
    if (plan.over !== before) this.update();
  }
}
