// NASM in WebAssembly: the same bytes as the native program gave for our own sources (their stored bytes), errors with their lines, what a listing
// means, and the limits. Needs images/nasm/build, as the page does; where it was not built, the suite says so and is skipped.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { addressOf, type Assembly, rowAt } from "../../src/contract/assembly.ts";
import { Assembler, type AssemblyWorker } from "../../src/manager/assembler.ts";
import { assemble, readMessages } from "./nasm.ts";

const root = join(import.meta.dirname, "../..");
const wasm = join(root, "images/nasm/build/nasm.wasm");
const built = existsSync(wasm);
if (!built) console.warn("workers/bench: images/nasm/build is not there (npm run images -- nasm); its tests are skipped");
const bytes = built ? readFileSync(wasm) : Buffer.alloc(0);
const module = built ? new WebAssembly.Module(bytes) : (null as unknown as WebAssembly.Module);
const run = (source: string, more: object = {}): Assembly => assemble(module, { source, ...more });
const lines = (assembly: Assembly) => assembly.rows.map((r) => [r.line, r.address.toString(16), r.length, r.offset]);

test("messages: lines, what goes on about the one before, other files, no line", () => {
  const said = "bench.asm:8: error: parser: instruction expected\nbench.asm:4: ... from macro `put' defined here\nbench.asm:3: warning: byte data exceeds bounds [-w+number-overflow]\nx.inc:2: error: no\nnasm: fatal: out of memory!\n";
  expect(readMessages(said)).toEqual([
    { line: 8, severity: "error", message: "parser: instruction expected\n4: from macro `put' defined here" },
    { line: 3, severity: "warning", message: "byte data exceeds bounds [-w+number-overflow]" },
    { line: null, severity: "error", message: "x.inc:2: no" },
    { line: null, severity: "error", message: "out of memory!" },
  ]);
});
describe.runIf(built)("NASM in WebAssembly", () => {
  const lessons = join(root, "public/lessons");
  const programs = readdirSync(lessons, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".asm"));
  test("there are programs to compare", () => expect(programs.length).toBeGreaterThan(8));
  test.each(programs)("lesson %s: the native program's bytes", (name) => {
    const made = run(readFileSync(join(lessons, name), "utf8"));
    expect(made.messages).toEqual([]);
    expect(Buffer.from(made.bytes as Uint8Array).toString("base64")).toBe(readFileSync(join(lessons, name.replace(/\.asm$/, ".b64")), "utf8").replaceAll("\n", ""));
  });
  const sectors = JSON.parse(readFileSync(join(root, "images/first-steps/sectors.json"), "utf8")) as { readonly [name: string]: string };
  test.each(Object.entries(sectors))("first steps %s: the native program's bytes", (name, base64) => {
    expect(Buffer.from(run(readFileSync(join(root, `images/first-steps/${name}.asm`), "utf8")).bytes as Uint8Array).toString("base64")).toBe(base64);
  });
  test("rows: macros belong to their call, repeated lines to themselves, sections lie where the map puts them", () => {
    const made = run(
      ["org 7C00h", "bits 16", "%macro put 2", " mov al, %1", " mov ah, %2", "%endmacro", "start: cli", " put 'A', 7", "%rep 2", " nop", "%endrep", " jmp start", "msg: db 'more bytes than one line of the listing has'", " times 20 db 0", " section .data", "x: dd 5", "y: dd z", " section .bss", "z: resb 16"].join("\n"),
    );
    expect(made.origin).toBe(0x7c00);
    expect(lines(made)).toEqual([
      [7, "7c00", 1, 0],
      [8, "7c01", 4, 1],
      [10, "7c05", 2, 5],
      [12, "7c07", 2, 7],
      [13, "7c09", 43, 9],
      [14, "7c34", 20, 52],
      [16, "7c48", 4, 72],
      [17, "7c4c", 4, 76],
      [19, "7c50", 16, null],
    ]);
    expect(Buffer.from(made.bytes as Uint8Array).readUInt32LE(76)).toBe(0x7c50);
    expect(rowAt(made.rows, 0x7c03)?.line).toBe(8);
    expect(rowAt(made.rows, 0x8000)).toBeNull();
    expect(addressOf(made.rows, 9)).toMatchObject({ line: 10, address: 0x7c05 });
    expect(addressOf(made.rows, 18)).toBeNull();
  });
  test("statements before the source do not count as lines; included files belong to the line that asks", () => {
    const made = run("nop\n%include 'two.inc'\nbadop eax, 1\n", { before: ["bits 64", "org 10000h"], files: { "two.inc": new TextEncoder().encode("inc rax\ndec rax\n") } });
    expect(made).toMatchObject({ bytes: null, messages: [{ line: 3, severity: "error", message: "parser: instruction expected" }] });
    const right = run("nop\n%include 'two.inc'\nhlt", { before: ["bits 64", "org 10000h"], files: { "two.inc": new TextEncoder().encode("inc rax\ndec rax\n") } });
    expect([...(right.bytes as Uint8Array)]).toEqual([0x90, 0x48, 0xff, 0xc0, 0x48, 0xff, 0xc8, 0xf4]);
    expect(lines(right)).toEqual([[1, "10000", 1, 0], [2, "10001", 6, 1], [3, "10007", 1, 7]]);
  });
  test("errors have their lines; a warning does not keep the bytes back", () => {
    const wrong = run("bits 16\n mov eax, [nolabel]\n foo bar\n mov al, 1\n jmp short far\n times 300 nop\nfar:\n%include 'gone.inc'\n");
    expect(wrong.bytes).toBeNull();
    expect(wrong.messages.filter((m) => m.severity === "error").map((m) => m.line)).toEqual(expect.arrayContaining([3, 8]));
    expect(run("bits 16\n mov eax, [nolabel]\n").messages).toMatchObject([{ line: 2, severity: "error", message: expect.stringContaining("nolabel") }]);
    const odd = run("bits 16\n mov al, 1234\n");
    expect(odd.messages).toMatchObject([{ line: 2, severity: "warning" }]);
    expect([...(odd.bytes as Uint8Array)]).toEqual([0xb0, 0xd2]);
  });
  test("nothing of the machine it runs on is there to be read", () => {
    for (const path of ["/etc/passwd", "../package.json"]) expect(run(`incbin '${path}'\n`).bytes?.length ?? 0, path).toBe(0);
  });
  test("a program too large to load is a Fault", { timeout: 60_000 }, () => {
    expect(() => run(`times ${MOST + 1} db 0\n`)).toThrow("The program is larger than 1024 KiB.");
    expect(() => run("resb 1 << 24\ndb 1\n")).toThrow("The program is larger than 1024 KiB.");
  });
  test("a source that never ends is stopped, says so, and the next one is assembled by a new worker", { timeout: 60_000 }, async () => {
    let started = 0;
    const start = (): AssemblyWorker => {
      started++;
      const entry = JSON.stringify(pathToFileURL(join(import.meta.dirname, "assembler.node.ts")).href);
      const worker = new Worker(`import("tsx/esm/api").then(({ register }) => (register(), import(${entry})))`, { eval: true });
      const face: AssemblyWorker = { postMessage: (m) => worker.postMessage(m), terminate: () => void worker.terminate(), onmessage: null, onerror: null };
      worker.on("message", (data) => face.onmessage?.({ data }));
      worker.on("error", (error) => face.onerror?.(error));
      return face;
    };
    const assembler = new Assembler(start, wasm, 4000);
    const first = assembler.assemble({ source: "nop\n" });
    const stuck = assembler.assemble({ source: "%macro a 0\n%rep 65000\n%rep 65000\n%assign x 1\n%endrep\n%endrep\n%endmacro\na\n" });
    const after = assembler.assemble({ source: "hlt\n" });
    expect(await first).toMatchObject({ ok: true, value: { bytes: new Uint8Array([0x90]) } });
    expect(await stuck).toMatchObject({ ok: false, error: { code: "bench.time", message: "The assembler was stopped after 4 seconds." } });
    expect(await after).toMatchObject({ ok: true, value: { bytes: new Uint8Array([0xf4]) } });
    expect(started).toBe(2);
    assembler.close();
  });
  test("where it was not built, the answer says so", async () => {
    const face: AssemblyWorker = {
      onmessage: null,
      onerror: null,
      terminate: () => {},
      postMessage: () => queueMicrotask(() => face.onmessage?.({ data: { begun: { ok: false, error: { code: "bench.missing", message: "no" } } } })),
    };
    expect(await new Assembler(() => face, "guests/nasm/nasm.wasm").assemble({ source: "" })).toMatchObject({ ok: false, error: { code: "bench.missing" } });
  });
});
const MOST = 1 << 20;
