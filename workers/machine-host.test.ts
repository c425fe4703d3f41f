// The worker's host in Node: faults as values, firmware on the screen, notices. Needs a built core.wasm and SeaBIOS; skipped without.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { domainSchema, type DomainConfig } from "../src/contract/domain.ts";
import type { MachineNotice, SharedViews } from "../src/contract/machine.ts";
import { STATS } from "../src/contract/machine.ts";
import { elfHeader, truncatedKernel } from "./conformance/bad-images.ts";
import { WasmCpu } from "./cpu/wasm-cpu.ts";
import { decodeTables } from "./cpu/isa/tables.ts";
import { MachineHost } from "./machine-host.ts";
import { Sources } from "./sources.ts";
import { part } from "./worker-parts.ts";

const core = process.env.CORE_WASM ?? join(import.meta.dirname, "cpu/build/core.wasm");
const bios = "/usr/share/seabios/bios-256k.bin";
const files: { readonly [path: string]: string } = {
  "firmware/bios-256k.bin": bios,
  "firmware/vgabios-stdvga.bin": "/usr/share/seabios/vgabios-stdvga.bin",
};
const base = "http://site/";
const fetcher = async (url: string): Promise<Response> => {
  // No kernel is started here, so the option ROMs may be blank.
  if (/firmware\/(linuxboot|multiboot)_dma\.bin$/.test(url)) return new Response(new Uint8Array(1536));
  if (url === `${base}guests/damaged/vmlinuz`) return new Response(truncatedKernel() as BodyInit);
  if (url === `${base}guests/damaged/built.json`) return new Response(JSON.stringify({ files: { vmlinuz: { bytes: 4096, sha256: "0".repeat(64) } } }));
  const path = files[url.slice(base.length)];
  return path ? new Response(readFileSync(path), { headers: { "content-length": String(readFileSync(path).length) } }) : new Response("no", { status: 404 });
};
const config = (more: { readonly [k: string]: unknown } = {}): DomainConfig =>
  domainSchema.parse({ name: "t", memoryMiB: 32, cpu: { model: "qemu64", count: 1, accel: "interp" }, clock: { mode: "wall" }, firmware: { debug: true }, boot: {}, vga: "std", ...more });
const until = async (what: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> => {
  const end = Date.now() + ms;
  while (!(await what())) {
    if (Date.now() > end) throw new Error("waited too long");
    await new Promise((r) => setTimeout(r, 20));
  }
};
function screenText(views: SharedViews): string {
  const header = new Int32Array(views.frame.header);
  const [, , , , columns = 0, rows = 0] = header;
  const text = new Uint16Array(views.frame.text);
  return Array.from({ length: rows }, (_, y) => String.fromCharCode(...text.subarray(y * columns, (y + 1) * columns)).trimEnd()).join("\n");
}
let host: MachineHost | null = null;
const make = () => {
  host = new MachineHost({ fetch: fetcher, loadCore: async () => ({ module: new WebAssembly.Module(readFileSync(core)), bytes: new Uint8Array(readFileSync(core)), decode: decodeTables() }) });
  return host;
};
afterEach(() => host?.close());

describe("sources", () => {
  const sources = new Sources(base, { "library:a": new Uint8Array([1, 2]) }, fetcher, () => {});
  test("attached, memory", async () => {
    expect(await sources.bytes("library:a")).toEqual(new Uint8Array([1, 2]));
    expect((await sources.bytes("memory:1024")).length).toBe(1024);
  });
  test.each([
    ["guest:../../secret", "source.path"], ["guest:a?b", "source.path"], ["guest:none/vmlinuz", "source.missing"], ["library:b", "source.library"],
    ["file:/etc/passwd", "source.file"], ["javascript:1", "source.unknown"], ["url:ftp://x", "source.url"], ["memory:-1", "source.memory"], ["x", "source.unknown"],
  ])("%s is refused", async (source, code) => {
    await expect(sources.bytes(source)).rejects.toMatchObject({ fault: { code } });
  });
});

test("a part of the program that does not come is a fault", async () => {
  await expect(part(() => Promise.reject(new TypeError("Failed to fetch")))).rejects.toMatchObject({ fault: { code: "program.part", message: expect.stringContaining("Failed to fetch") } });
  expect(await part(async () => 5)).toBe(5);
});
describe.skipIf(!existsSync(core) || !existsSync(bios))("machine host", () => {
  test("a machine starts without its tools; commands that need them say so when they do not come, and work when they do", async () => {
    const started = make();
    expect(await started.open({ config: config(), base, attachments: {} })).toMatchObject({ ok: true });
    vi.doMock("./machine-tools.ts", () => {
      throw new Error("not on the server");
    });
    try {
      expect(await started.execute("start", { paused: true })).toMatchObject({ ok: true });
      expect(await started.execute("info status", {})).toMatchObject({ ok: true, value: { state: "paused" } });
      expect(await started.execute("info registers", {})).toMatchObject({ ok: false, error: { code: "program.part" } });
      expect(await started.type("info registers")).toMatchObject({ ok: false, error: { code: "program.part" } });
      expect(await started.execute("info status", {})).toMatchObject({ ok: true });
    } finally {
      vi.doUnmock("./machine-tools.ts");
    }
    expect(await started.execute("info registers", {})).toMatchObject({ ok: true });
    expect(await started.complete("info reg")).toEqual(["info registers"]);
    // In order: a pause behind a command that waited for them.
    expect(await Promise.all([started.execute("cont", {}), started.execute("stop", {}), started.type("info status")])).toMatchObject([{ ok: true }, { ok: true }, { ok: true, value: expect.stringContaining("paused") }]);
  });
  test("faults are values", async () => {
    expect(await make().execute("stop", {})).toMatchObject({ ok: false, error: { code: "machine.closed" } });
    const bad = await make().open({ config: { ...config(), memoryMiB: 0 }, base, attachments: {} });
    expect(bad).toMatchObject({ ok: false, error: { code: "schema.invalid" } });
    const missing = await make().open({ config: config({ boot: { kernel: "guest:nothing/vmlinuz" } }), base, attachments: {} });
    expect(missing).toMatchObject({ ok: false, error: { code: "source.missing" } });
    const serial = await make().open({ config: config({ serial: ["file:/x"] }), base, attachments: {} });
    expect(serial).toMatchObject({ ok: false, error: { code: "serial.backend" } });
  });
  const disk = (source: string, at = "ide0-master", media = "disk") => ({ disks: [{ at, media, source }] });
  const blob = (bytes: number) => new File([new Uint8Array(bytes)], "my disk.img");
  test.each<[string, { readonly [k: string]: unknown }, { readonly [source: string]: Uint8Array | Blob }, string, RegExp, RegExp]>([
    ["a truncated kernel", { boot: { kernel: "library:k" } }, { "library:k": truncatedKernel() }, "boot.kernel.truncated", /has 4096 bytes; its header announces 8002560/, /download/],
    ["a disk of a wrong size", disk("library:d"), { "library:d": blob(700) }, "block.size", /^my disk.img has 700 bytes/, /truncate/],
    ["an empty disk", disk("library:d"), { "library:d": blob(0) }, "block.empty", /^my disk.img is empty/, /copied/],
    ["a floppy of no format", disk("library:d", "floppy0", "floppy"), { "library:d": blob(1536) }, "", /1536 bytes is no format/, /1440K/],
    ["an ELF for ARM", { boot: { kernel: "library:k" } }, { "library:k": elfHeader(1, 40) }, "boot.kernel.machine", /for ARM/, /x86/],
    ["a Multiboot ELF of 64 bits", { boot: { kernel: "library:k" } }, { "library:k": elfHeader(2, 62, true) }, "boot.multiboot.elf64", /64-bit/, /elf32-i386/],
    ["a Multiboot ELF for ARM", { boot: { kernel: "library:k" } }, { "library:k": elfHeader(1, 40, true) }, "boot.kernel.machine", /for ARM/, /x86/],
    ["more memory than there is", { memoryMiB: 4096 }, {}, "schema.invalid", /from 1 to 3584, got 4096/, /3.5 GiB/],
    ["a bad CPU flag", { cpu: { model: "qemu64,+nonsense", count: 1, accel: "interp" } }, {}, "cpu.flag", /"\+nonsense"/, /\+flag/],
    ["a damaged image", { boot: { kernel: "guest:damaged/vmlinuz" } }, {}, "image.hash", /^guest:damaged\/vmlinuz is damaged/, /npm run images/],
  ])("%s is a fault with code, sentence and hint; the same host then opens a good machine", async (_, more, attachments, code, sentence, hint) => {
    const h = make();
    const reply = await h.open({ config: { ...config(), ...more } as DomainConfig, base, attachments });
    if (reply.ok) throw new Error("it was opened");
    if (code) expect(reply.error.code).toBe(code);
    expect(reply.error.message).toMatch(sentence);
    expect(reply.error.hint).toMatch(hint);
    expect(await h.execute("stop", {})).toMatchObject({ ok: false, error: { code: "machine.closed" } });
    expect(await h.open({ config: config(), base, attachments: {} })).toMatchObject({ ok: true });
  });
  test("a bug of ours ends in crashed, with a report", async () => {
    const h = make();
    const notices: MachineNotice[] = [];
    await h.watch((n) => void notices.push(n));
    await h.open({ config: config(), base, attachments: {} });
    const broken = vi.spyOn(WasmCpu.prototype, "run").mockImplementation(() => {
      throw new Error("core bug 7");
    });
    await h.execute("start", {});
    await until(() => notices.some((n) => n.state === "crashed"));
    broken.mockRestore();
    const last = notices.at(-1);
    expect(last).toMatchObject({ reason: "error", error: { code: "bug", message: "core bug 7" } });
    expect(last?.report).toMatch(/rip [0-9a-f]{16}[\s\S]*cr0[\s\S]*last events/);
  });
  test("firmware runs, writes text, pauses, resets, powers off", async () => {
    const h = make();
    const notices: MachineNotice[] = [];
    await h.watch((n) => void notices.push(n));
    const reply = await h.open({ config: config(), base, attachments: {} });
    if (!reply.ok) throw new Error(reply.error.message);
    const stats = new Float64Array(reply.value.stats);
    // The page looks at the picture.
    new Int32Array(reply.value.frame.header)[11] = 1;
    expect(await h.execute("start", {})).toMatchObject({ ok: true });
    await until(() => screenText(reply.value).includes("SeaBIOS"));
    await h.execute("stop", {});
    const at = stats[STATS.instructions] as number;
    await new Promise((r) => setTimeout(r, 250));
    expect(stats[STATS.instructions]).toBe(at);
    expect(await h.type("info status")).toEqual({ ok: true, value: "VM status: paused (pause)" });
    await h.execute("cont", {});
    await until(() => (stats[STATS.instructions] as number) > at);
    await h.execute("system_reset", {});
    await h.execute("quit", {});
    expect(notices.map((n) => n.reason)).toEqual(expect.arrayContaining(["progress", "start", "pause", "resume", "poweroff"]));
    expect(await h.type("info debugcon")).toMatchObject({ ok: true, value: expect.stringContaining("SeaBIOS") });
  });
});
