// The bench's examples, assembled by NASM in WebAssembly and run on a machine in Node to their end; what they leave in registers and memory is checked.

import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hangOf } from "../../src/bench/hang.ts";
import { benchMachine, diskOf, DONE, ENTRY, loaderOf, requestOf } from "../../src/bench/program.ts";
import { addressOf, type BenchMode, rowAt } from "../../src/contract/assembly.ts";
import type { CodeListing } from "../../src/contract/inspect.ts";
import { fatalOf, type Shutdown } from "../../src/contract/shutdown.ts";
import { CapturePicture } from "../backends/picture.ts";
import { createMonitor } from "../monitor/index.ts";
import { openMachine } from "../node-machine.ts";
import { assemble } from "./nasm.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "public/bench");
const wasm = join(root, "images/nasm/build/nasm.wasm");
const built = existsSync(wasm);
if (!built) console.warn("workers/bench: images/nasm/build is not there (npm run images -- nasm); its tests are skipped");
const firmware = existsSync(join(root, "images/firmware/build")) || existsSync("/usr/share/seabios");
const module = built ? new WebAssembly.Module(readFileSync(wasm)) : (null as unknown as WebAssembly.Module);
const rows = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as { readonly id: string; readonly mode: BenchMode; readonly title: { readonly [l: string]: string } }[];

interface Registers {
  readonly registers: { readonly gpr: readonly bigint[]; readonly rip: bigint; readonly cr0: bigint; readonly eflags: bigint; readonly cpl: number };
  readonly vector: { readonly xmm: readonly (readonly [bigint, bigint])[] };
  readonly bits: number;
  readonly linearIp: bigint;
}
async function until(done: () => boolean, what: string): Promise<void> {
  for (let n = 0; !done(); n++) {
    if (n > 3000) throw new Error(`did not happen: ${what}`);
    await new Promise((r) => setTimeout(r, 10));
  }
}
async function start(mode: BenchMode, source: string) {
  const program = assemble(module, requestOf(mode, source));
  expect(program.messages).toEqual([]);
  const loader = loaderOf(mode, program);
  const disk = diskOf(mode, program, loader && assemble(module, loader));
  const file = join(mkdtempSync(join(tmpdir(), "bench-")), "disk.img");
  writeFileSync(file, disk);
  const open = await openMachine(benchMachine(mode, `file:${file}`), { root, picture: new CapturePicture(), bytes: () => ({ write: () => {}, onReadable: () => {}, read: () => -1 }), traceCapacity: 1 << 12 });
  const { machine, board, cpu, input, debug, history } = open;
  const monitor = createMonitor({ board, machine, cpu, input, debug, version: "test", ...(history ? { history } : {}) });
  await machine.start({ paused: true });
  const ask = async (name: string, args: { readonly [n: string]: unknown } = {}) => {
    const said = await monitor.execute(name, args);
    if (!said.ok) throw new Error(said.error.message);
    return said.value;
  };
  return {
    program,
    machine,
    trace: board.trace,
    ask,
    registers: async () => (await ask("info registers")) as Registers,
    memory: async (at: number, length: number): Promise<number[]> => {
      const said = await monitor.type(`xp /${length}xb 0x${at.toString(16)}`);
      if (!said.ok) throw new Error(said.error.message);
      return said.value.split("\n").flatMap((l) => (l.split(":")[1] ?? "").trim().split(/\s+/).map(Number));
    },
    runTo: async (address: number) => {
      await ask("tbreak", { what: `0x${address.toString(16)}` });
      await ask("cont");
      await until(() => machine.state !== "running", `stop at ${address.toString(16)}`);
      expect(machine.state).toBe("paused");
      expect((await ask("info registers") as Registers).linearIp).toBe(BigInt(address));
    },
    close: async () => {
      machine.powerOff();
      await open.close();
    },
  };
}
type Started = Awaited<ReturnType<typeof start>>;
/** Runs to the HLT of a boot sector's last lines. */
const toHlt = async (m: Started, source: string) => m.runTo(addressOf(m.program.rows, source.split("\n").findIndex((l) => /^\s*(?:stop:)?\s*hlt/.test(l)) + 1)?.address as number);
const checks: { readonly [id: string]: (m: Started, source: string) => Promise<void> } = {
  hello: async (m, source) => {
    await toHlt(m, source);
    expect(await m.memory(0xb8000, 4)).toEqual([0x48, 0x1e, 0x69, 0x1e]);
    const screen = String.fromCharCode(...(await m.memory(0xb8000, 4000)).filter((_, n) => n % 2 === 0));
    expect(screen).toContain("Hello from 7C00h");
  },
  flags: async (m) => {
    await m.runTo(DONE);
    const { gpr, eflags } = (await m.registers()).registers;
    expect([gpr[3], gpr[2], gpr[1]]).toEqual([5050n, 0x0101n, 0n]);
    expect(eflags & 0x40n).toBe(0x40n);
  },
  timer: async (m) => {
    await m.runTo(DONE);
    expect((await m.registers()).registers.gpr[0]).toBe(10n);
    expect(await m.memory(0xb8000, 2)).toEqual([0x39, 0x0e]);
  },
  protected: async (m, source) => {
    await toHlt(m, source);
    const { registers, bits } = await m.registers();
    expect([registers.gpr[0], registers.cr0 & 1n, bits]).toEqual([0x12345678n, 1n, 32]);
    expect(await m.memory(0xb8000, 2)).toEqual([0x50, 0x2f]);
  },
  paging: async (m) => {
    await m.runTo(DONE);
    const { registers } = await m.registers();
    expect([registers.gpr[3], registers.cr0 >> 31n]).toEqual([0x4f50n, 1n]);
    expect((await m.ask("walk", { address: "0x40000000" })) as object).toMatchObject({ physical: 0xb8000n });
  },
  long: async (m) => {
    await m.runTo(DONE);
    const { registers, bits } = await m.registers();
    const { gpr } = registers;
    expect([gpr[8], gpr[9], gpr[10], gpr[11], gpr[12], gpr[2], bits]).toEqual([0xfffffffffffffff6n, 9n, 0n, 1n, 2432902008176640000n, 0n, 64]);
  },
  sse: async (m) => {
    await m.runTo(DONE);
    const { registers, vector } = await m.registers();
    expect([registers.gpr[0], registers.gpr[3]]).toEqual([70n, 136n]);
    expect(Buffer.from(new BigUint64Array([vector.xmm[5]?.[0] as bigint]).buffer).readDoubleLE(0)).toBe(Math.SQRT2);
  },
};
test("every example is in the list and is checked", () => {
  expect(rows.map((r) => r.id).sort()).toEqual(readdirSync(folder).filter((f) => f.endsWith(".asm")).map((f) => f.slice(0, -4)).sort());
  expect(Object.keys(checks).sort()).toEqual(rows.map((r) => r.id).sort());
  for (const row of rows) expect(Object.keys(row.title), row.id).toEqual(["en", "zh-CN"]);
});
test("the Chinese examples are the same programs with other comments", () => {
  const code = (text: string) => text.split("\n").map((line) => line.replace(/;.*$/, "").trimEnd());
  for (const { id } of rows) {
    const [english, chinese] = [readFileSync(join(folder, `${id}.asm`), "utf8"), readFileSync(join(folder, "zh-CN", `${id}.asm`), "utf8")];
    expect(code(chinese), id).toEqual(code(english));
    // Each comment that has words has Chinese ones.
    for (const [n, line] of english.split("\n").entries()) {
      const words = /;.*?([a-z]{3,}.*)$/.exec(line)?.[1];
      if (words !== undefined && !/^[A-Z0-9 =:!]+$/.test(words)) expect(chinese.split("\n")[n], `${id}, line ${n + 1}`).toMatch(/;.*\p{Script=Han}/u);
    }
  }
});
describe.runIf(built)("examples", () => {
  for (const { id, mode } of rows)
    test.runIf(mode !== "boot" || firmware)(id, async () => {
      const source = readFileSync(join(folder, `${id}.asm`), "utf8");
      const m = await start(mode, source);
      try {
        await m.runTo(ENTRY[mode]);
        // The first instruction's line, and a step leads to another one.
        const first = rowAt(m.program.rows, ENTRY[mode])?.line as number;
        expect(source.split("\n")[first - 1]).toMatch(/^\s+\w/);
        await checks[id]?.(m, source);
      } finally {
        await m.close();
      }
    });
  test("a program that runs over its end comes to the same place as one that returns", async () => {
    for (const mode of ["flat32", "flat64"] as const) {
      const m = await start(mode, "inc eax\n");
      await m.runTo(DONE);
      expect((await m.registers()).registers.gpr[0]).toBe(1n);
      await m.close();
    }
  });
  test.each([
    ["flat32", "nop\nud2\nret\n", { vector: 6, address: 0x10001, code: null, touched: null, gate: null }],
    ["flat64", "xor ecx, ecx\ndiv ecx\nret\n", { vector: 0, address: 0x10002, code: null, touched: null, gate: null }],
    ["flat64", "mov rax, 0x123456789a\nmov [rax], al\nret\n", { vector: 14, address: 0x1000a, code: 2, touched: 0x123456789a, gate: null }],
    ["flat32", "int 0x80\nret\n", { vector: 13, address: 0x10000, gate: 0x80 }],
    ["flat32", "mov ax, 0x50\nmov ds, ax\nret\n", { vector: 13, address: 0x10004, code: 0x50, gate: null }],
  ] as const)("an exception without a handler is named: %s %j", async (mode, source, fatal) => {
    const m = await start(mode, source);
    await m.ask("record");
    await m.ask("cont");
    await until(() => m.machine.state === "off", "the shutdown");
    expect(m.machine.last.reason).toBe("shutdown");
    // Nothing was traced: the processor itself remembers.
    expect(m.trace.recent(100)).toEqual([]);
    const shutdown = (await m.ask("info shutdown")) as Shutdown;
    expect(fatalOf(shutdown)).toMatchObject(fatal);
    expect(shutdown).toMatchObject({ count: 1, address: BigInt(fatal.address) });
    expect(shutdown.raised.at(-1)).toMatchObject({ vector: 8, code: 0 });
    // The registers stay, and one can go back from there.
    const then = await m.registers();
    expect(then.linearIp).toBe(BigInt(fatal.address));
    expect(await m.ask("info registers", { when: "shutdown" })).toEqual(then);
    await m.ask("reverse-stepi");
    expect(m.machine.state).toBe("paused");
    await m.ask("stepi");
    expect({ ...(await m.registers()).registers, cr2: 0 }).toEqual({ ...then.registers, cr2: 0 });
    await m.ask("cont");
    await until(() => m.machine.state === "off", "the same shutdown again");
    expect(((await m.ask("info shutdown")) as Shutdown).raised.map((e) => e.vector)).toEqual(shutdown.raised.map((e) => e.vector));
    // Another life knows nothing of it.
    await m.machine.start({ paused: true });
    expect(await m.ask("info shutdown")).toBeNull();
    expect(await m.ask("info record")).toBeNull();
    await m.close();
  });
  test.runIf(firmware).each([
    ["nop\nud2\nhlt\n", { vector: 6, address: 0x7c01, irq: null }],
    ["xor cx, cx\ndiv cx\nhlt\n", { vector: 0, address: 0x7c02, irq: null }],
    ["mov bx, 0xffff\nmov ax, [bx]\nhlt\n", { vector: 13, address: 0x7c03, irq: 5 }],
  ] as const)("an exception in which SeaBIOS leaves a real-mode program is told: %j", async (source, hang) => {
    const m = await start("boot", source);
    await m.ask("trace on", { kinds: "cpu.exception,cpu.handler", filter: "" });
    await m.ask("cont");
    await until(() => hangOf(m.trace.recent(64)) !== null, "going round");
    expect(m.machine.state).toBe("running");
    expect(hangOf(m.trace.recent(64))).toMatchObject(hang);
    await m.close();
  });
  test("labels are the machine's symbols, and a program goes back line by line from its end", async () => {
    const source = "start:  mov ecx, 3\n.loop:  call twice\n        loop .loop\n        ret\ntwice:  add eax, 2\n        ret\n";
    const m = await start("flat32", source);
    expect(m.program.symbols).toEqual([{ name: "start", address: 0x10000 }, { name: "start.loop", address: 0x10005 }, { name: "twice", address: 0x1000d }]);
    await m.ask("symbols", { file: "bench.asm", content: m.program.symbols.map(({ name, address }) => `${address.toString(16).padStart(8, "0")} t ${name}`).join("\n") });
    await m.ask("record");
    await m.ask("tbreak", { what: "twice" });
    await m.ask("cont");
    await until(() => m.machine.state === "paused", "twice");
    expect((await m.registers()).linearIp).toBe(0x1000dn);
    const { lines: code } = (await m.ask("disassemble", { address: "start.loop", count: 2 })) as CodeListing;
    expect(code).toMatchObject([
      { text: "call 0x1000d", symbol: { name: "start.loop", offset: 0 }, target: { name: "twice", offset: 0 } },
      { text: "loop 0x10005", symbol: { name: "start.loop", offset: 5 }, target: { name: "start.loop", offset: 0 } },
    ]);
    await m.runTo(DONE);
    const lines: (number | null)[] = [];
    for (let n = 0; n < 9; n++) {
      await m.ask("reverse-stepi");
      lines.push(rowAt(m.program.rows, Number((await m.registers()).linearIp))?.line ?? null);
    }
    expect(lines).toEqual([null, 4, 3, 6, 5, 2, 3, 6, 5]);
    expect((await m.registers()).registers.gpr.slice(0, 2)).toEqual([2n, 2n]);
    await m.close();
  });
  test("files beside the source are included; one that is not there is named at its line", () => {
    const files = new Map([["two.inc", new TextEncoder().encode("two equ 2\n")], ["data.bin", new Uint8Array([1, 2, 3])]]);
    const source = '%include "two.inc"\nmov al, two\nincbin "data.bin"\n';
    expect(assemble(module, requestOf("flat32", source, files)).bytes).toEqual(new Uint8Array([0xb0, 2, 1, 2, 3]));
    expect(assemble(module, requestOf("flat32", source)).messages).toMatchObject([
      { line: 1, severity: "error", message: expect.stringContaining("two.inc") },
      { line: 3, severity: "error", message: expect.stringContaining("data.bin") },
    ]);
  });
  test("a program as large as can be loaded arrives whole", async () => {
    const m = await start("flat64", "mov rax, [last]\nret\ntimes 448 * 1024 - 8 - ($ - $$) db 90h\nlast: dq 1122334455667788h\n");
    await m.runTo(DONE);
    expect((await m.registers()).registers.gpr[0]).toBe(0x1122334455667788n);
    await m.close();
  });
  test("what cannot be a disk is a Fault", () => {
    const make = (mode: BenchMode, source: string) => diskOf(mode, assemble(module, requestOf(mode, source)), null);
    expect(() => make("boot", "times 511 nop\n")).toThrow("A boot sector has 510 bytes for a program; this one has 511.");
    expect(() => make("boot", "org 100h\nnop\n")).toThrow("The source begins at 100h; in this mode a program is put to 7c00h.");
    expect(make("boot", "nop\n").length).toBe(512);
    expect(make("boot", "times 510 nop\ndw 0AA55h\ntimes 512 db 1\n").length).toBe(1024);
    const flat = assemble(module, requestOf("flat32", "times 448 * 1024 + 1 db 0\n"));
    expect(() => diskOf("flat32", flat, assemble(module, loaderOf("flat32", flat) as never))).toThrow("The program is larger than 448 KiB.");
  });
});
