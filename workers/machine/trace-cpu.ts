// Connects the processor to the trace bus: asks core for exactly the kinds that are on, ends runs at milestones, sets points at the addresses
// of insn.at. Guest time and the order of events do not depend on what is traced: runs may end anywhere, and a point changes nothing.

import { FaultError } from "../../src/contract/schema.ts";
import type { TraceFilter } from "../../src/contract/trace.ts";
import type { WasmCpu } from "../cpu/wasm-cpu.ts";
import { type TraceBus, traceKind } from "./trace.ts";

const MILESTONE = traceKind("insn.milestone");
const AT = traceKind("insn.at");
const MOST_POINTS = 64;
const DEFAULT_EVERY = 1_000_000;

export class CpuTrace {
  private readonly trace: TraceBus;
  private readonly cpu: WasmCpu;
  private every = 0;
  private last = -1;
  /** Addresses where insn.at wants to be told. */
  points: ReadonlySet<bigint> = new Set();
  /** The points changed. */
  onPoints: () => void = () => {};

  constructor(trace: TraceBus, cpu: WasmCpu) {
    this.trace = trace;
    this.cpu = cpu;
    cpu.onTrace = (name, a, b, c) => trace.emitName(name, a, b, c);
    trace.onChange = () => this.changed();
    cpu.translator?.onModule((sources, result) => trace.emitName("jit.module", sources.length, result.bytes.length, Math.round((result.translateMs + result.compileMs) * 1000)));
  }
  private changed(): void {
    const { trace } = this;
    this.cpu.watch.report(trace.on);
    this.every = trace.isOn("insn.milestone") ? (trace.filterOf("insn.milestone").every ?? DEFAULT_EVERY) : 0;
    const before = this.points;
    this.points = trace.isOn("insn.at") ? pointsOf(trace.filterOf("insn.at")) : new Set();
    if (this.points.size > 0 || before.size > 0) this.onPoints();
  }
  room(): number {
    return this.every === 0 ? Infinity : this.every - (this.cpu.instructions() % this.every);
  }
  ran(): void {
    if (this.every === 0) return;
    const n = this.cpu.instructions();
    if (n % this.every !== 0 || n === this.last) return;
    this.last = n;
    this.trace.emit(MILESTONE, n);
  }
  /** The instruction at `address` is about to run. */
  reached(address: bigint): void {
    if (this.points.has(address)) this.trace.emit(AT, Number(BigInt.asIntN(64, address)));
  }
}
/** The addresses of a filter; a Fault when it names none or too many. */
export function pointsOf({ from, to }: TraceFilter): ReadonlySet<bigint> {
  if (from === undefined) throw new FaultError("trace.address", "insn.at needs addresses.", "For example: trace on insn.at address=0xffffffff81000000.");
  const last = to ?? from;
  if (last - from >= MOST_POINTS) throw new FaultError("trace.address", `insn.at takes at most ${MOST_POINTS} addresses.`, "Use insn.milestone, or a breakpoint with a condition.");
  return new Set(Array.from({ length: last - from + 1 }, (_, n) => BigInt.asUintN(64, BigInt(from + n))));
}
