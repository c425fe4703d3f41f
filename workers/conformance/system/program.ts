// Runs a bare-metal program (program.bin.z, a 64 KiB ROM) on a whole board with the real core, and compares the lines it prints through port
// E9 with expected.txt. A line is a case: "name: result", with "; note" when the expected result is not QEMU's.

import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { domainSchema } from "../../../src/contract/domain.ts";
import { createMemory, PoolMemory } from "../../cpu/guest-memory.ts";
import { inlineCompiler } from "../../cpu/jit/job.ts";
import { type CoreBinary, WasmCpu } from "../../cpu/wasm-cpu.ts";
import { Board } from "../../machine/board.ts";
import type { BackendSource } from "../../machine/parts.ts";

export interface ExpectedLine {
  readonly name: string;
  readonly text: string;
  readonly note: string;
}
export function parseExpected(text: string): ExpectedLine[] {
  return text.split("\n").filter((l) => l.trim() !== "").map((line) => {
    const [body = "", note = ""] = line.split(/ {2}; /);
    return { name: body.split(": ")[0] ?? body, text: body, note };
  });
}
export function loadProgram(file: URL): Uint8Array {
  return new Uint8Array(inflateSync(readFileSync(file)));
}

export interface Run {
  readonly board: Board;
  readonly cpu: WasmCpu;
  readonly memory: PoolMemory;
  /** What the program printed. */
  readonly output: () => string;
  /** Runs until the program ends, resets, or `most` instructions are done. */
  run(most?: number, slice?: number): "exit" | "reset" | "budget";
}
/** A machine with `rom` as its firmware; guest time is counted in instructions. */
export async function programBoard(core: CoreBinary, rom: Uint8Array, model = "max", memoryMiB = 64, accel: "interp" | "jit" = "interp"): Promise<Run> {
  const memory = new PoolMemory(createMemory());
  let cpu: WasmCpu | undefined;
  const printed: number[] = [];
  const backends = ((kind: string, id: string) => {
    if (kind === "bytes") return { write: (b: number) => void (id === "e9" && printed.push(b)), onReadable: () => {}, read: () => -1 };
    if (kind === "picture") return { frame: () => {}, text: () => {}, refreshNs: Number.POSITIVE_INFINITY };
    if (kind === "input") return { onKey: () => {}, onPointer: () => {} };
    return null;
  }) as unknown as BackendSource;
  const config = domainSchema.parse({
    name: "conformance", memoryMiB, cpu: { model, count: 1, accel: "interp" }, clock: { mode: "instructions", shift: 3 }, firmware: {}, boot: {}, vga: "none", serial: [],
    devices: [{ type: "isa-debug-exit", options: { iobase: 0x501, iosize: 2 } }], noReboot: true,
  });
  const board = new Board(config, {
    cpuFactory: (host) => {
      // Translate at once and one by one: the tests want the translator to see everything.
      cpu = new WasmCpu({ core, memory, host, model, accel, compiler: inlineCompiler(core.bytes), tuning: { threshold: 1, leastBatch: 1 } });
      return cpu;
    },
    memory,
    backends,
    firmware: { bios: rom },
  });
  await board.prepare();
  board.reset();
  const made = cpu as WasmCpu;
  return {
    board,
    cpu: made,
    memory,
    output: () => Buffer.from(printed).toString("latin1"),
    run: (most = 50_000_000, slice = 100_000) => runBoard(board, made, most, slice),
  };
}
/** Runs a board in clock mode "instructions" for up to `most` instructions, at most `slice` at a time, until it ends, resets or waits for ever. */
export function runBoard(board: Board, cpu: WasmCpu, most: number, slice: number): "exit" | "reset" | "budget" {
  const { clock } = board;
  const end = cpu.instructions() + most;
  let idle = 0;
  const asked = (): "exit" | "reset" | null => (board.request === null ? null : board.request.what === "exit" ? "exit" : "reset");
  while (cpu.instructions() < end && idle < 100_000) {
    const now = clock.now();
    clock.timers.runDue(now);
    const before = asked();
    if (before) return before;
    const next = clock.timers.next();
    const budget = Math.max(1, Math.min(slice, end - cpu.instructions(), Math.ceil((next - now) / 2 ** clock.shift)));
    const exit = cpu.run(budget);
    if (exit.reason === "shutdown") return "reset";
    const after = asked();
    if (after) return after;
    if (exit.reason === "halt") {
      idle++;
      if (clock.timers.next() === Number.POSITIVE_INFINITY) return "budget";
      clock.skipTo(clock.timers.next());
    }
  }
  return "budget";
}
export interface GroupResult {
  readonly passed: string[];
  readonly problems: { readonly name: string; readonly detail: string }[];
}
export async function runGroup(core: CoreBinary, dir: URL, accel: "interp" | "jit" = "interp"): Promise<GroupResult> {
  const source = readFileSync(new URL("program.asm", dir), "utf8");
  const run = await programBoard(core, loadProgram(new URL("program.bin.z", dir)), /^; guest cpu: (.*)$/m.exec(source)?.[1] ?? "max", 64, accel);
  const end = run.run(50_000_000, accel === "jit" ? 500 : 100_000);
  const got = run.output().split("\n").filter((l) => l !== "");
  if (end !== "exit") got.push(end === "reset" ? "(reset)" : "(no end)");
  const expected = parseExpected(readFileSync(new URL("expected.txt", dir), "utf8"));
  const passed: string[] = [];
  const problems: { name: string; detail: string }[] = [];
  const byName = new Map(got.map((l) => [l.split(": ")[0] ?? l, l]));
  for (const e of expected) {
    const g = byName.get(e.name);
    if (g === e.text) passed.push(e.name);
    else problems.push({ name: e.name, detail: `got "${g ?? "nothing"}", expected "${e.text}"` });
  }
  const known = new Set(expected.map((e) => e.name));
  for (const [name, l] of byName) if (!known.has(name)) problems.push({ name, detail: `unexpected line "${l}"` });
  return { passed, problems };
}
