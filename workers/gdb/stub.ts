// gdb's remote serial protocol (gdb manual, appendix E) over any byte stream: one machine, one thread per processor. The debugger (machine/debugger.ts) does
// the work; Z0 and Z1 are the same, since no byte of the guest is changed. Addresses are linear ones of the context that runs; rip is the offset in CS,
// as QEMU's stub has it. While one instruction is stepped on a machine that follows the host's clock, interrupts wait (QEMU's sstep NOIRQ).
// Left out: more than one client, file I/O, non-stop mode, registers of devices in `m`.

import type { Access, DebugStop } from "../../src/contract/debug.ts";
import { FaultError } from "../../src/contract/schema.ts";
import type { WasmCpu } from "../cpu/wasm-cpu.ts";
import type { Board } from "../machine/board.ts";
import type { Debugger } from "../machine/debugger.ts";
import { readMemory, writeMemory } from "../machine/look.ts";
import type { Machine } from "../machine/machine.ts";
import { type GdbTarget, readRegisters, target32, target64, writeRegister } from "./registers.ts";

const PACKET_SIZE = 0x4000;
const SIGINT = "02";
const SIGTRAP = "05";

const text = (data: Uint8Array) => new TextDecoder("latin1").decode(data);
const hexOf = (bytes: Uint8Array) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
function bytesOf(hex: string): Uint8Array | null {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) return null;
  return Uint8Array.from({ length: hex.length / 2 }, (_, n) => Number.parseInt(hex.slice(n * 2, n * 2 + 2), 16));
}
const checksum = (body: string) => {
  let sum = 0;
  for (let n = 0; n < body.length; n++) sum = (sum + body.charCodeAt(n)) & 255;
  return sum.toString(16).padStart(2, "0");
};
/** In replies and binary data these bytes are escaped. */
function escaped(data: string): string {
  return data.replace(/[#$}*]/g, (c) => `}${String.fromCharCode(c.charCodeAt(0) ^ 0x20)}`);
}
function unescaped(data: string): Uint8Array {
  const out: number[] = [];
  for (let n = 0; n < data.length; n++) out.push(data[n] === "}" ? data.charCodeAt(++n) ^ 0x20 : data.charCodeAt(n));
  return Uint8Array.from(out);
}

export interface GdbParts {
  readonly machine: Machine;
  readonly board: Board;
  readonly cpu: WasmCpu;
  readonly debug: Debugger;
  /** A line of the monitor (`monitor …` of gdb); what it prints. */
  monitor(line: string): Promise<string>;
  /** Back one instruction, or to the last breakpoint, on machines that keep checkpoints; null: this one does not. */
  readonly back: ((how: "step" | "continue") => Promise<DebugStop>) | null;
  /** gdb wrote registers or memory. */
  changed(): void;
  /** The session is over: `kill` ends the machine. */
  kill(): void;
}
/** One connection. `send` takes bytes for gdb. */
export class GdbStub {
  readonly #parts: GdbParts;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #target: GdbTarget;
  readonly #points = new Map<string, number>();
  #input = "";
  #acks = true;
  /** gdb waits for a stop. */
  #waiting = false;
  #interrupted = false;
  #hwbreak = false;
  #work: Promise<void> = Promise.resolve();
  #open = true;
  readonly #listener = () => this.#stateChanged();

  constructor(parts: GdbParts, send: (bytes: Uint8Array) => void) {
    this.#parts = parts;
    this.#send = send;
    this.#target = parts.cpu.hasLongMode() ? target64 : target32;
    parts.machine.onState(this.#listener);
    // A client finds the machine standing.
    if (parts.machine.state === "running") parts.machine.pause("gdb");
  }
  /** Bytes from gdb. */
  receive(bytes: Uint8Array): void {
    this.#input += text(bytes);
    for (;;) {
      const c = this.#input[0];
      if (c === undefined) return;
      if (c === "+" || c === "-") this.#input = this.#input.slice(1);
      else if (c === "\x03") {
        this.#input = this.#input.slice(1);
        this.#interrupted = true;
        if (this.#parts.machine.state === "running") this.#parts.machine.pause("gdb");
      } else if (c === "$") {
        const end = this.#input.indexOf("#");
        if (end < 0 || this.#input.length < end + 3) {
          if (this.#input.length > PACKET_SIZE * 4) this.#input = "";
          return;
        }
        const body = this.#input.slice(1, end);
        const sum = this.#input.slice(end + 1, end + 3).toLowerCase();
        this.#input = this.#input.slice(end + 3);
        if (sum !== checksum(body)) {
          if (this.#acks) this.#raw("-");
          continue;
        }
        if (this.#acks) this.#raw("+");
        this.#work = this.#work.then(() => this.#packet(body));
      } else this.#input = this.#input.slice(1);
    }
  }
  /** The connection is gone: what gdb set goes, the machine runs on. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#clear();
    if (this.#parts.machine.state === "paused") this.#parts.machine.resume();
  }
  /** Everything received so far has been answered. */
  settled(): Promise<void> {
    return this.#work;
  }
  #raw(data: string): void {
    if (this.#open) this.#send(Uint8Array.from(data, (c) => c.charCodeAt(0)));
  }
  #reply(body: string): void {
    this.#raw(`$${body}#${checksum(body)}`);
  }
  #clear(): void {
    for (const id of this.#points.values()) if (this.#parts.debug.list().some((b) => b.id === id)) this.#parts.debug.remove(id);
    this.#points.clear();
  }

  // ---- stops ---------------------------------------------------------------------------------------------------------

  #stateChanged(): void {
    if (!this.#waiting || !this.#open) return;
    const { state, last } = this.#parts.machine;
    if (state === "running") return;
    // A reset that waits for files, or a snapshot being taken, goes on by itself.
    if (state === "paused" && (last.reason === "reset" || last.reason === "snapshot")) return;
    this.#waiting = false;
    this.#parts.board.holdInterrupts(false);
    this.#reply(state === "paused" ? this.#stopped(this.#parts.debug.stop) : `W${(last.exitStatus ?? 0).toString(16).padStart(2, "0")}`);
    this.#interrupted = false;
  }
  #stopped(stop: DebugStop | null): string {
    const signal = this.#interrupted || stop === null ? SIGINT : SIGTRAP;
    let why = "";
    if (stop?.reason === "start") why = "replaylog:begin;";
    else if (stop?.data) why = `${{ write: "watch", read: "rwatch", access: "awatch" }[stop.data.access]}:${stop.data.address.toString(16)};`;
    else if (stop?.reason === "breakpoint" && this.#hwbreak) why = "hwbreak:;";
    return `T${signal}${why}thread:01;`;
  }

  // ---- packets -------------------------------------------------------------------------------------------------------

  async #packet(body: string): Promise<void> {
    if (!this.#open) return;
    try {
      const reply = await this.#answer(body);
      if (reply !== null) this.#reply(reply);
    } catch (error) {
      // A person's mistake is an error number for gdb; what it says goes to the console where there is one.
      if (!(error instanceof FaultError)) throw error;
      this.#reply("E22");
    }
  }
  /** The reply, or null when it comes later or not at all. */
  async #answer(body: string): Promise<string | null> {
    const { machine, cpu, board, debug } = this.#parts;
    const rest = body.slice(1);
    switch (body[0]) {
      case "?":
        return machine.state === "off" ? "W00" : this.#stopped(debug.stop ?? { reason: "step", breakpoints: [], detail: "", instructions: 0, atNs: 0 });
      case "g":
        return readRegisters(cpu, this.#target).map(hexOf).join("");
      case "G": {
        let at = 0;
        for (const register of this.#target.registers) {
          const bytes = bytesOf(rest.slice(at, at + register.bits / 4));
          at += register.bits / 4;
          if (bytes === null || bytes.length !== register.bits / 8) return "E22";
          writeRegister(cpu, board.memory, register, bytes);
        }
        this.#parts.changed();
        return "OK";
      }
      case "p":
        return hexOf(readRegisters(cpu, this.#target)[Number.parseInt(rest, 16)] ?? new Uint8Array(0)) || "E14";
      case "P": {
        const [number = "", value = ""] = rest.split("=");
        const register = this.#target.registers[Number.parseInt(number, 16)];
        const bytes = bytesOf(value);
        if (!register || !bytes || bytes.length !== register.bits / 8 || !writeRegister(cpu, board.memory, register, bytes)) return "E14";
        this.#parts.changed();
        return "OK";
      }
      case "m": {
        const [address, length] = this.#range(rest);
        const bytes = readMemory(debug.looked, address, Math.min(length, PACKET_SIZE / 2));
        // What can be read before a page that is not there.
        const part = bytes ?? readMemory(debug.looked, address, Math.min(length, 4096 - Number(address & 0xfffn)));
        return part ? hexOf(part) : "E14";
      }
      case "M":
      case "X": {
        const colon = rest.indexOf(":");
        const [address, length] = this.#range(rest.slice(0, colon));
        const data = body[0] === "M" ? bytesOf(rest.slice(colon + 1)) : unescaped(rest.slice(colon + 1));
        if (data === null || data.length !== length || (length > 0 && !writeMemory(debug.looked, address, data))) return "E14";
        if (length > 0) this.#parts.changed();
        return "OK";
      }
      case "c":
      case "C":
      case "s":
      case "S": {
        const at = /^[cs]([0-9a-f]+)$/.exec(body)?.[1];
        if (at) writeRegister(cpu, board.memory, { name: "rip", bits: 64, type: "" }, bytesOf(at.padStart(16, "0"))?.reverse() ?? new Uint8Array(8));
        return this.#resume(body[0].toLowerCase() === "s");
      }
      case "b":
        return body === "bs" ? this.#back("step") : body === "bc" ? this.#back("continue") : "";
      case "Z":
      case "z":
        return this.#point(body);
      case "H":
      case "T":
        // Threads are processors, numbered from 1; 0 and -1 mean any.
        return /^(?:H[gcm])?(?:0|1|01|-1)$/.test(body[0] === "T" ? rest : body) ? "OK" : "E22";
      case "D":
        this.#clear();
        this.#waiting = false;
        if (machine.state === "paused") machine.resume();
        return "OK";
      case "k":
        this.#parts.kill();
        return null;
      case "v":
        return this.#verbose(body);
      case "q":
      case "Q":
        return this.#query(body);
      default:
        return "";
    }
  }
  #range(text: string): [bigint, number] {
    const [address = "", length = ""] = text.split(",");
    if (!/^[0-9a-fA-F]+$/.test(address) || !/^[0-9a-fA-F]+$/.test(length)) throw new FaultError("gdb.packet", "A packet is not understood.");
    return [BigInt(`0x${address}`), Number.parseInt(length, 16)];
  }
  #resume(step: boolean): null {
    const { machine, board, cpu, debug } = this.#parts;
    this.#waiting = true;
    this.#interrupted = false;
    if (step) {
      board.holdInterrupts(board.clock.mode === "wall" && !cpu.registers().halted);
      debug.step(1);
    } else if (machine.state === "off") void machine.start();
    else machine.resume();
    return null;
  }
  async #back(how: "step" | "continue"): Promise<string> {
    const { back } = this.#parts;
    if (back === null) throw new FaultError("debug.history", "This machine keeps no checkpoints.", "Start it with -icount shift=3 and type record.");
    return this.#stopped(await back(how));
  }
  #point(body: string): string {
    const { debug } = this.#parts;
    const m = /^([Zz])([0-4]),([0-9a-fA-F]+),([0-9a-fA-F]+)/.exec(body);
    if (!m) return "";
    const key = m.slice(2, 5).join();
    const known = this.#points.get(key);
    if (m[1] === "z") {
      if (known !== undefined) debug.remove(known);
      this.#points.delete(key);
      return "OK";
    }
    if (known !== undefined) return "OK";
    const address = BigInt(`0x${m[3]}`);
    const type = Number(m[2]);
    const access = (["write", "read", "access"] as const)[type - 2] as Access;
    const { id } = debug.add(type < 2 ? { kind: "execute", address, physical: false } : { kind: "data", address, length: Number.parseInt(m[4] as string, 16), access, physical: false });
    this.#points.set(key, id);
    return "OK";
  }
  #verbose(body: string): string | null {
    if (body === "vCont?") return "vCont;c;C;s;S";
    if (body.startsWith("vCont;")) {
      const action = /^vCont;([cs])/i.exec(body)?.[1]?.toLowerCase();
      return action === undefined ? "E22" : this.#resume(action === "s");
    }
    if (body.startsWith("vKill")) {
      this.#parts.kill();
      return "OK";
    }
    return "";
  }
  async #query(body: string): Promise<string> {
    const { monitor, back } = this.#parts;
    if (body.startsWith("qSupported")) {
      this.#hwbreak = body.includes("hwbreak+");
      return `PacketSize=${PACKET_SIZE.toString(16)};qXfer:features:read+;vContSupported+;QStartNoAckMode+;hwbreak+${back ? ";ReverseStep+;ReverseContinue+" : ""}`;
    }
    if (body === "QStartNoAckMode") {
      this.#acks = false;
      return "OK";
    }
    if (body === "qC") return "QC01";
    if (body === "qfThreadInfo") return "m01";
    if (body === "qsThreadInfo") return "l";
    if (body.startsWith("qThreadExtraInfo,")) return hexOf(new TextEncoder().encode(`CPU#0 [${this.#parts.cpu.registers().halted ? "halted" : "running"}]`));
    if (body.startsWith("qAttached")) return "1";
    if (body.startsWith("qSymbol")) return "OK";
    if (body.startsWith("qRcmd,")) {
      const line = bytesOf(body.slice(6));
      if (line === null) return "E22";
      return hexOf(new TextEncoder().encode(`${await monitor(new TextDecoder().decode(line))}\n`));
    }
    const xfer = /^qXfer:features:read:target\.xml:([0-9a-f]+),([0-9a-f]+)$/.exec(body);
    if (xfer) {
      const from = Number.parseInt(xfer[1] as string, 16);
      const piece = this.#target.xml.slice(from, from + Number.parseInt(xfer[2] as string, 16));
      return `${from + piece.length >= this.#target.xml.length ? "l" : "m"}${escaped(piece)}`;
    }
    return "";
  }
}
