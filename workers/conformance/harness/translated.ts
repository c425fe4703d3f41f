// Runs instruction cases on a whole processor with the translator: once interpreted, so that the code becomes hot and is translated, then
// translated. The code ends in UD2; faults are seen before they are delivered.

import * as L from "../../cpu/core/layout.ts";
import type { CpuHost } from "../../cpu/cpu.ts";
import { createMemory, PoolMemory } from "../../cpu/guest-memory.ts";
import { inlineCompiler } from "../../cpu/jit/job.ts";
import { type CoreBinary, WasmCpu } from "../../cpu/wasm-cpu.ts";
import { CODE_LINEAR, DATA_LINEAR, MEMORY, MEMORY_SIZE } from "./cases.ts";
import { TIMEOUT } from "./machine.ts";
import { CODE_START, DATA_LENGTH, DATA_START, enterCase, leaveCase, MAPPED, writeTables } from "./registers.ts";

const CODE_ROOM = 192;
const NOTHING = new Uint8Array(DATA_LENGTH);
class Faulted extends Error {}

export class Translated {
  private readonly memory = new PoolMemory(createMemory());
  private readonly cpu: WasmCpu;
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private readonly made: Uint8Array[] = [];
  private outcome: { vector: number; after: Uint8Array } | null = null;

  constructor(core: CoreBinary, low = true) {
    for (const [start, length] of MAPPED) this.memory.addRam(start, length);
    writeTables((physical, bytes) => this.memory.write(physical, bytes), low);
    this.memory.write(CODE_START, new Uint8Array(DATA_LENGTH).fill(0xcc));
    const host = { nowNs: () => 0, readTpr: () => 0, missing: () => {}, apicMsrRead: () => null, apicMsrWrite: () => false, pioRead: () => 0xff, pioWrite: () => {}, mmioRead: () => 0xff, mmioWrite: () => {}, acknowledge: () => 0, writeTpr: () => {}, ferr: () => {} } satisfies CpuHost;
    this.cpu = new WasmCpu({ core, memory: this.memory, host, model: "max", accel: "jit", compiler: inlineCompiler(core.bytes), tuning: { threshold: 1, leastBatch: 1 } });
    this.cpu.translator?.onModule((_, result) => void this.made.push(result.bytes));
    this.view = new DataView(this.memory.memory.buffer);
    this.bytes = new Uint8Array(this.memory.memory.buffer);
    for (let i = 0; i < 8; i++) this.view.setUint32(L.VCPU_BASE + L.FEATURES + i * 4, 0xffffffff, true);
    this.cpu.onFault((vector) => {
      this.outcome = { vector, after: leaveCase(this.view, this.bytes, this.cpu.linearIp(), this.cpu.registers().eflags) };
      throw new Faulted();
    });
  }
  /** Bytes of the modules made since the last call. */
  modules(): Uint8Array[] {
    return this.made.splice(0);
  }
  /** How many blocks were translated so far. */
  translated(): number {
    return this.cpu.translator?.stats.functions ?? 0;
  }
  run(mode: number, code: Uint8Array, before: Uint8Array, times = 2): { vector: number; after: Uint8Array } {
    const room = new Uint8Array(CODE_ROOM).fill(0xcc);
    room.set(code);
    this.memory.write(CODE_LINEAR, room);
    for (let n = 0; n < times; n++) {
      this.memory.write(DATA_START, NOTHING);
      this.memory.write(DATA_LINEAR, before.subarray(MEMORY, MEMORY + MEMORY_SIZE));
      enterCase(this.view, this.bytes, mode, before);
      this.cpu.registersReplaced();
      this.outcome = null;
      try {
        this.cpu.run(5000);
      } catch (error) {
        if (!(error instanceof Faulted)) throw error;
      }
      this.cpu.translator?.drain();
    }
    const end = this.outcome as { vector: number; after: Uint8Array } | null;
    if (!end) return { vector: TIMEOUT, after: before.slice() };
    this.memory.read(DATA_LINEAR, end.after.subarray(MEMORY, MEMORY + MEMORY_SIZE));
    // The INT3 behind the code, for which there is no gate: it has completed. The same bytes as exec.c puts there: a sequence may read them.
    const rip = new DataView(end.after.buffer).getBigUint64(136, true);
    return rip === BigInt(code.length) ? { vector: 255, after: end.after } : end;
  }
}
