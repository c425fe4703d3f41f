// A listing of instructions around an address: with symbols, breakpoints, and marks of what the processor has decoded or translated. Going back is a
// guess on x86: of the starts that lead to the address without an undefined opcode, the one with the most instructions (from a symbol's start when known).

import type { CodeLine, CodeListing, SymbolAt } from "../../src/contract/inspect.ts";
import { disassemble } from "../cpu/isa/disassemble.ts";
import type { Debugger } from "./debugger.ts";
import { hostOf, type Looked, readMemory } from "./look.ts";
import type { Symbols } from "./symbols.ts";

const LONGEST = 15;
function bytesAt(looked: Looked, address: bigint): Uint8Array | null {
  const page = 4096 - Number(address & 0xfffn);
  return readMemory(looked, address, LONGEST) ?? (page < LONGEST ? readMemory(looked, address, page) : null);
}
/** The address `count` instructions before `address`, or as far as can be told. */
export function before(looked: Looked, address: bigint, count: number, bits: 16 | 32 | 64, symbolStart: bigint | null): bigint {
  const reach = BigInt(Math.min(count * 6 + LONGEST, 1024));
  let from = address > reach ? address - reach : 0n;
  if (symbolStart !== null && symbolStart < address && symbolStart > from) from = symbolStart;
  let bytes = readMemory(looked, from, Number(address - from) + LONGEST) ?? readMemory(looked, from, Number(address - from));
  if (!bytes) {
    // The page of the address itself.
    from = address & ~0xfffn;
    bytes = readMemory(looked, from, Number(address - from));
  }
  if (!bytes) return address;
  const sweep = (start: number): number[] | null => {
    const starts: number[] = [];
    const end = Number(address - from);
    let at = start;
    while (at < end) {
      const { length, row } = disassemble((bytes as Uint8Array).subarray(at, at + LONGEST), bits, from + BigInt(at));
      if (row === null) return null;
      starts.push(at);
      at += length;
    }
    return at === end ? starts : null;
  };
  let best: number[] = [];
  for (let start = 0; start < Math.min(32, Number(address - from)); start++) {
    const starts = sweep(start);
    if (starts && starts.length > best.length) best = starts;
    if (starts && start === 0 && from === symbolStart) break;
  }
  if (best.length === 0) return address;
  return from + BigInt(best[Math.max(0, best.length - count)] as number);
}
function targetOf(text: string, base: bigint, symbols: Symbols): SymbolAt | null {
  const [, address] = /^(?:j\w+|call|loop\w*|xbegin) (0x[0-9a-f]+)$/.exec(text) ?? [];
  return address === undefined ? null : symbols.at(base + BigInt(address));
}
export function listing(debug: Debugger, address: bigint, count: number, back: number): CodeListing {
  const { looked, symbols } = debug;
  const { cpu } = looked;
  const bits = cpu.codeBits();
  const base = bits === 64 ? 0n : (cpu.segments().segments[1]?.base ?? 0n);
  const known = symbols.at(address);
  let at = back > 0 ? before(looked, address, back, bits, known ? address - BigInt(known.offset) : null) : address;
  const lines: CodeLine[] = [];
  const points = debug.list().filter((p) => p.what.kind === "execute");
  const code = cpu.codeMarks();
  for (let n = 0; n < count + back; n++) {
    const bytes = bytesAt(looked, at);
    if (!bytes) return { ip: cpu.linearIp(), bits, base, lines, unmapped: at };
    const d = disassemble(bytes, bits, at);
    const physical = cpu.translate(at);
    const host = hostOf(looked, at);
    lines.push({
      address: at,
      bytes: bytes.slice(0, d.length),
      text: d.text,
      symbol: symbols.at(at),
      target: targetOf(d.text, base, symbols),
      breakpoints: points.filter(({ what }) => what.kind === "execute" && (what.physical ? what.address === physical : BigInt.asUintN(64, what.address) === at)).map((p) => p.id),
      code: host === null ? null : code(host),
    });
    at = BigInt.asUintN(64, at + BigInt(d.length));
  }
  return { ip: cpu.linearIp(), bits, base, lines, unmapped: null };
}
