// Commands on memory and ports: x and xp dump memory (or disassemble) at a linear or physical address, print evaluates, i and o access a port.

import { FaultError, optional, string } from "../../src/contract/schema.ts";
import { disassemble } from "../cpu/isa/disassemble.ts";
import { type AnyCommand, command, type MonitorContext } from "./command.ts";
import { evaluate, hex } from "./format.ts";

interface Format {
  readonly count: number;
  readonly letter: string;
  readonly size: 1 | 2 | 4 | 8;
}
/** QEMU's /fmt: count, one of x d u o c i, size b h w g. */
function parseFormat(text: string): Format {
  const m = /^\/(\d*)([xduoci]?)([bhwg]?)$|^\/(\d*)([bhwg]?)([xduoci]?)$/.exec(text || "/");
  if (!m) throw new FaultError("monitor.format", `"${text}" is not a format.`, "For example /16xb, /4xg, /10i.");
  const count = Number(m[1] ?? m[4] ?? "") || 1;
  if (count > 4096) throw new FaultError("monitor.format", `${count} is too many.`, "At most 4096 at once.");
  const size = { b: 1, h: 2, w: 4, g: 8 }[m[3] || m[5] || "w"] as 1 | 2 | 4 | 8;
  return { count, letter: m[2] || m[6] || "x", size };
}
/** Splits "/fmt expression" or "expression". */
function split(what: string): { format: Format; expression: string } {
  const m = /^\s*(\/\S*)?\s*(.*)$/.exec(what);
  const expression = m?.[2] ?? "";
  if (!expression) throw new FaultError("monitor.argument", "An address is missing.", "For example x /10i $rip.");
  return { format: parseFormat(m?.[1] ?? ""), expression };
}
/** Registers of devices as the processor would read them, `width` bytes at a time where they are aligned (a read may have effects, as on the real bus). */
function readBus(context: MonitorContext, from: number, out: Uint8Array, width: 1 | 2 | 4): void {
  const view = new DataView(out.buffer, out.byteOffset, out.length);
  for (let done = 0; done < out.length; ) {
    const w = (from + done) % width === 0 && out.length - done >= width ? width : 1;
    const value = context.board.mmio.read(from + done, w);
    if (w === 4) view.setUint32(done, value, true);
    else if (w === 2) view.setUint16(done, value, true);
    else view.setUint8(done, value);
    done += w;
  }
}
/** Bytes at a linear or physical address; null where nothing is mapped. */
function readAt(context: MonitorContext, address: bigint, length: number, physical: boolean, width: 1 | 2 | 4 = 1): Uint8Array | null {
  const out = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const linear = BigInt.asUintN(64, address + BigInt(done));
    const n = Math.min(length - done, 4096 - Number(linear & 0xfffn));
    const at = physical ? linear : context.cpu.translate(linear);
    if (at === null) return done ? out.subarray(0, done) : null;
    const part = out.subarray(done, done + n);
    if (context.board.memory.readable(Number(at))) context.board.memory.read(Number(at), part);
    else readBus(context, Number(at), part, width);
    done += n;
  }
  return out;
}
function dump(context: MonitorContext, what: string, physical: boolean): string {
  const { format, expression } = split(what);
  const address = evaluate(context, expression);
  const width = context.cpu.codeBits() === 64 || address > 0xffffffffn ? 16 : 8;
  const lines: string[] = [];
  if (format.letter === "i") {
    let at = address;
    for (let n = 0; n < format.count; n++) {
      const bytes = readAt(context, at, 15, physical);
      if (!bytes) {
        lines.push(`${hex(at, width)}: cannot access memory`);
        break;
      }
      const d = disassemble(bytes, context.cpu.codeBits(), at);
      const raw = [...bytes.subarray(0, d.length)].map((b) => hex(BigInt(b), 2)).join(" ");
      lines.push(`0x${hex(at, width)}:  ${raw.padEnd(24)} ${d.text}`);
      at = BigInt.asUintN(64, at + BigInt(d.length));
    }
    return lines.join("\n");
  }
  const perLine = format.letter === "c" ? 32 : Math.max(1, 16 / format.size);
  const bytes = readAt(context, address, format.count * format.size, physical, format.size === 8 ? 4 : format.size);
  if (!bytes) throw new FaultError("monitor.unmapped", `Nothing is mapped at 0x${hex(address, width)}.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const value = (i: number): bigint =>
    format.size === 8 ? view.getBigUint64(i * 8, true) : BigInt(format.size === 4 ? view.getUint32(i * 4, true) : format.size === 2 ? view.getUint16(i * 2, true) : view.getUint8(i));
  const show = (v: bigint): string => {
    switch (format.letter) {
      case "d":
        return BigInt.asIntN(format.size * 8, v).toString();
      case "u":
        return v.toString();
      case "o":
        return `0${v.toString(8)}`;
      case "c":
        return v >= 32n && v < 127n ? String.fromCharCode(Number(v)) : ".";
      default:
        return `0x${hex(v, format.size * 2)}`;
    }
  };
  const have = Math.floor(bytes.length / format.size);
  for (let i = 0; i < have; i += perLine) {
    const items = Array.from({ length: Math.min(perLine, have - i) }, (_, k) => show(value(i + k)));
    lines.push(`${hex(address + BigInt(i * format.size), width)}: ${items.join(format.letter === "c" ? "" : " ")}`);
  }
  if (have < format.count) lines.push("(the rest is not mapped)");
  return lines.join("\n");
}
function port(context: MonitorContext, text: string): { width: 1 | 2 | 4; address: number } {
  const m = /^(?:\/([bhw])\s+)?(.*)$/.exec(text.trim());
  const address = evaluate(context, m?.[2] ?? "");
  if (address > 0xffffn) throw new FaultError("monitor.port", `0x${address.toString(16)} is not a port.`, "Ports go from 0 to 0xffff.");
  return { width: { b: 1, h: 2, w: 4 }[m?.[1] ?? "b"] as 1 | 2 | 4, address: Number(address) };
}

export const memoryCommands: readonly AnyCommand[] = [
  command({
    name: "x",
    summary: "dump memory at a linear address: x /16xb 0xb8000, x /10i $rip",
    args: { what: string("/format and address") },
    run: (context, { what }) => dump(context, what, false),
  }),
  command({
    name: "xp",
    summary: "dump memory at a physical address",
    args: { what: string("/format and address") },
    run: (context, { what }) => dump(context, what, true),
  }),
  command({
    name: "print",
    aliases: ["p"],
    summary: "evaluate an expression: print $rsp+8",
    args: { what: string("/format and expression") },
    run: (context, { what }) => {
      const { format, expression } = split(what);
      const v = evaluate(context, expression);
      return format.letter === "d" ? BigInt.asIntN(64, v).toString() : format.letter === "u" ? v.toString() : format.letter === "o" ? `0${v.toString(8)}` : `0x${v.toString(16)}`;
    },
  }),
  command({
    name: "i",
    disturbs: true,
    summary: "read a port: i /b 0x64",
    args: { what: string("/size and port") },
    run: (context, { what }) => {
      const { width, address } = port(context, what);
      return { port: address, width, value: context.board.pio.read(address, width) };
    },
    print: ({ port: p, width, value }) => `port${"bh w"[width - 1] ?? "w"}[0x${p.toString(16).padStart(4, "0")}] = 0x${value.toString(16).padStart(width * 2, "0")}`,
  }),
  command({
    name: "o",
    disturbs: true,
    summary: "write a port: o /b 0x80 0x12",
    args: { port: string("/size and port, then the value"), value: optional(string("value"), "") },
    run: (context, { port: first, value }) => {
      const words = `${first} ${value}`.trim().split(/\s+/);
      const last = words.pop();
      if (!last || words.length === 0) throw new FaultError("monitor.argument", "A port and a value are needed.", "For example o /b 0x80 0x12.");
      const { width, address } = port(context, words.join(" "));
      context.board.pio.write(address, width, Number(BigInt.asUintN(width * 8, evaluate(context, last))));
      context.machine.wake();
    },
  }),
  command({
    name: "screendump",
    summary: "save the screen as a PNG file",
    args: { file: string("file name") },
    run: async (context, { file }) => {
      if (!context.screendump) throw new FaultError("screendump.unavailable", "This console cannot write files.", "Use the screenshot button of the page, or the program guesthouse in a terminal.");
      await context.screendump(file);
    },
  }),
];
