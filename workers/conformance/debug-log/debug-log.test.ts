// -d int, mmu, cpu_reset, in_asm, exec, cpu against QEMU's own words; items that are refused; nothing is reported when nothing is asked.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseDebugItems, startDebugLog } from "../../debug-log.ts";
import { coreBinary } from "../harness/core-wasm.ts";
import { loadProgram, programBoard } from "../system/program.ts";

const here = new URL(".", import.meta.url);
async function log(...items: string[]): Promise<string> {
  const translated = items.includes("jit");
  const run = await programBoard(coreBinary(), loadProgram(new URL("program.bin.z", here)), "max", 64, translated ? "jit" : "interp");
  let text = "";
  const stop = startDebugLog(parseDebugItems(items), run.board, run.cpu, (more) => {
    text += more;
  });
  if (items.includes("cpu_reset")) run.board.reset();
  expect(translated ? run.run(50_000_000, 500) : run.run()).toBe("exit");
  stop();
  return text;
}
const qemu = (item: string) => readFileSync(new URL(`qemu-${item}.txt`, here), "utf8");
/** Without what is TCG's own (README.md). */
const common = (text: string) =>
  text
    .split("\n")
    .filter((l) => !/^(FS |GS |TR |FCW=)/.test(l))
    .map((l) => l.replace(/CCO=\w+/, "CCO").replace(/EDX=\w+$/, "EDX"));

describe("-d as QEMU's", () => {
  it("int", async () => {
    const ours = await log("int");
    expect(common(ours)).toEqual(common(qemu("int")));
    expect(ours).toContain("TR =0028 00004000 00000067 00008b00 DPL=0 TSS32-busy");
  });
  it("mmu: the guest's own writes (QEMU also counts its two resets)", async () => {
    expect((await log("mmu")).split("\n")).toEqual(qemu("mmu").split("\n").slice(2));
  });
  it("cpu_reset", async () => {
    expect(common(await log("cpu_reset"))).toEqual(common(qemu("cpu_reset")));
  });
  it("in_asm: the same instructions at the same addresses", async () => {
    const text = await log("in_asm");
    expect(text.startsWith("----------------\nIN: \n0xfffffff0:  ea 00 ff 00 f0           jmp")).toBe(true);
    expect(text).toContain("\n0x000fff02:  b8 00 f0                 mov      ax, 0xf000\n");
    const ours = [...new Set(text.match(/^0x[0-9a-f]+: {2}[0-9a-f]{2}(?: [0-9a-f]{2})*(?= |$)/gm))].sort();
    expect(ours).toEqual(qemu("in_asm").trim().split("\n"));
  });
  it("jit: each region with its blocks; an interpreted machine has none", async () => {
    const text = await log("jit");
    const regions = text.split(/^JIT: /m).slice(1);
    expect(regions.length).toBeGreaterThan(3);
    for (const region of regions) {
      const [, count] = /^region from 0x[0-9a-f]+, (?:16|32|64)-bit: \d+ blocks, (\d+) instructions, \d+ bytes of WebAssembly\n/.exec(region) ?? [];
      expect(region.match(/^0x[0-9a-f]{8,}: {2}\S/gm)).toHaveLength(Number(count));
    }
    expect(regions.some((r) => / 64-bit: /.test(r))).toBe(true);
  });
  it("exec and cpu: a line and a state for each block", async () => {
    const text = await log("exec", "cpu");
    expect(text).toMatch(/^Trace 0: 0x0 \[00000000ffff0000\/00000000fffffff0\/00000040\/ff000000\] \nEAX=00000000 EBX=00000000 /);
    const lines = text.split("\n");
    expect(lines.filter((l) => l.startsWith("Trace 0:")).length).toBe(lines.filter((l) => l.startsWith("CR0=")).length);
    // In 64-bit mode: PE, LMA, CS64 and the wide registers.
    expect(text).toMatch(/Trace 0: 0x0 \[0{16}\/0000000000010[0-9a-f]{3}\/0040c290\/ff000000\] \nRAX=/);
  });
  it("trace:PATTERN names kinds of the trace bus; what is unknown or not ours is refused by name", () => {
    expect(parseDebugItems(["trace:pio.*", "int"]).kinds).toEqual(["pio.read", "pio.write"]);
    expect(() => parseDebugItems(["out_asm"])).toThrow(/-d out_asm is not supported/);
    expect(() => parseDebugItems(["trace:nothing"])).toThrow(/-d trace:nothing is not supported/);
    expect(() => parseDebugItems(["fly"])).toThrow(/-d fly is not supported/);
  });
});
