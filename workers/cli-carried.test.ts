// Machines and disks from elsewhere in a terminal: a ".guesthouse" file goes on from where the machine stood, and disks come from a web server, whole,
// by ranges and in content-addressed pieces.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, describe, expect, test } from "vitest";
import { BUNDLE_FORMAT, type Manifest } from "../src/contract/bundle.ts";
import { type DomainConfig, domainSchema } from "../src/contract/domain.ts";
import { mapSources } from "../src/contract/sources-of.ts";
import { encodeBench, encodeLink, inlineLink } from "../src/manager/link.ts";
import { ask, openSent, sentOf } from "./link.node.ts";
import { nullBytes, QueueBytes } from "./backends/bytes.ts";
import { loadZstd } from "./backends/compress.ts";
import { nullPicture } from "./backends/picture.ts";
import { openMachine } from "./node-machine.ts";
import { BundleWriter, encodeBundle } from "./snapshots/bundle.ts";
import { makeState } from "./snapshots/bundle-save.ts";
import { CHUNK_BYTES } from "./snapshots/ram-keeper.ts";
import { captureRecording, encodeLog } from "./snapshots/recording.ts";
import { captureVm } from "./snapshots/save-vm.ts";

const root = join(import.meta.dirname, "..");
const core = process.env.GUESTHOUSE_CORE ?? join(root, "workers/cpu/build/core.wasm");
const folder = mkdtempSync(join(tmpdir(), "gh-carried-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
/** The server of these tests lives in this process, so nothing may block it. */
function run(input: string, ...words: string[]): Promise<Said> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "bin/guesthouse.mjs"), ...words], { cwd: folder, env: { ...process.env, GUESTHOUSE_CORE: core }, timeout: 100_000 });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data) => (stdout += data));
    child.stderr.on("data", (data) => (stderr += data));
    child.on("close", (status) => resolve({ status, stdout, stderr }));
    child.stdin.end(input);
  });
}
/** mov dx,3F8h; mov al,"1"; out dx,al; wait for a byte on COM1; mov al,"2"; out dx,al; mov al,10h; out F4h,al: status 33. */
const waits = [0xba, 0xf8, 0x03, 0xb0, 0x31, 0xee, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, 0xba, 0xf8, 0x03, 0xec, 0xb0, 0x32, 0xee, 0xb0, 0x10, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd];
const leaves = [0xb0, 0x10, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd];
function disk(name: string, code: readonly number[], size = 1 << 20): string {
  const bytes = new Uint8Array(size);
  bytes.set(code);
  bytes.set([0x55, 0xaa], 510);
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}
const domainOf = (path: string): DomainConfig =>
  domainSchema.parse({
    name: "sent", memoryMiB: 16, cpu: { model: "qemu64", count: 1, accel: "interp" }, clock: { mode: "wall" }, firmware: { bios: "none" }, boot: {}, vga: "none", serial: ["console"],
    disks: [{ at: "ide0-master", media: "disk", source: `file:${path}` }],
    devices: [{ type: "isa-debug-exit", id: "exit", options: { iobase: "0xf4", iosize: "4" } }],
  });
/** What Share makes of a machine, where it has run until it said "1", or is off. */
async function bundleOf(path: string, on: boolean): Promise<Uint8Array> {
  await loadZstd();
  const domain = domainOf(path);
  const writer = new BundleWriter(3);
  const bytes = new Uint8Array(readFileSync(path));
  const written = Array.from({ length: bytes.length / CHUNK_BYTES }, (_, n) => n).filter((n) => bytes.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES).some((b) => b !== 0));
  const groups = await writer.groups(written, 1, (n, into) => {
    into.set(bytes.subarray(n * into.length, (n + 1) * into.length));
    return true;
  });
  let state: Manifest["state"] = null;
  if (on) {
    let text = "";
    const serial = new QueueBytes((byte) => void (text += String.fromCharCode(byte)));
    const made = await openMachine(domain, { root, picture: nullPicture, bytes: (id) => (id === "serial0" ? serial : nullBytes) });
    await made.machine.start();
    for (const end = Date.now() + 20_000; text !== "1" && Date.now() < end; ) await new Promise((r) => setTimeout(r, 10));
    state = await makeState(writer, { vm: await captureVm(made.machine, made.keeper), base: null, thumbnail: "" }, 16);
    made.machine.powerOff();
    await made.close();
  }
  const manifest: Manifest = { format: BUNDLE_FORMAT, program: "t", dateMs: 1, domain: mapSources(domain, (s) => (s.startsWith("file:") ? "bundle:0" : s)), files: [{ id: "bundle:0", name: "boot.img", size: bytes.length, base: null, groups }], state, recording: null, blobs: writer.blobs };
  return encodeBundle(manifest, writer.parts);
}

describe.skipIf(!existsSync(core))("a machine that somebody sent", () => {
  const file = (name: string, bytes: Uint8Array) => {
    writeFileSync(join(folder, name), bytes);
    return name;
  };
  test("a recording is played", async () => {
    await loadZstd();
    const domain = domainSchema.parse({ name: "seen", memoryMiB: 16, cpu: { model: "qemu64", count: 1, accel: "interp" }, clock: { mode: "instructions", shift: 3 }, firmware: {}, boot: {}, vga: "none", serial: ["console"], disks: [], devices: [] });
    const made = await openMachine(domain, { root, picture: nullPicture, bytes: () => nullBytes });
    await made.machine.start({ paused: true });
    made.machine.advance(100_000);
    made.history?.start();
    made.machine.advance(150_000);
    const { vm, log } = await captureRecording(made.machine, made.keeper, made.history as NonNullable<typeof made.history>);
    const writer = new BundleWriter(3);
    const state = await makeState(writer, { vm, base: null, thumbnail: "" }, 16);
    const manifest: Manifest = { format: BUNDLE_FORMAT, program: "t", dateMs: 1, domain, files: [], state, recording: { log: await writer.add(encodeLog(log)), instructions: 50_000, inputs: 0 }, blobs: writer.blobs };
    await made.close();
    const said = await run("\x01cinfo record\nquit\n", file("seen.guesthouse", await encodeBundle(manifest, writer.parts)), "-yes");
    expect(said.stderr).toContain("with what happened then (50000 instructions)");
    expect(said.stdout).toContain("instructions 100000 to ");
  });
  test("goes on where it stood", async () => {
    const said = await run("x", file("running.guesthouse", await bundleOf(disk("waits.img", waits), true)), "-yes");
    expect(said.stderr).toMatch(/^guesthouse: sent, 16 MiB, as it stood on \d{4}-\d\d-\d\d \d\d:\d\d; what it writes stays in memory\nguesthouse: {3}boot.img, 1048576 bytes\n$/);
    expect(said).toMatchObject({ status: 33, stdout: "2" });
  }, 120_000);
  test("starts, when it was off", async () => {
    const bytes = await bundleOf(disk("leaves.img", leaves), false);
    const before = bytes.slice();
    const shown = "guesthouse: sent, 16 MiB; what it writes stays in memory\nguesthouse:   boot.img, 1048576 bytes\n";
    const asked = await run("", file("off.guesthouse", bytes));
    expect(asked).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("[link.ask]") });
    expect(asked.stderr.slice(0, shown.length)).toBe(shown);
    expect(await run("", "off.guesthouse", "-yes")).toMatchObject({ status: 33, stderr: shown });
    expect(new Uint8Array(readFileSync(join(folder, "off.guesthouse")))).toEqual(before);
    expect(await run("", "off.guesthouse", "-m", "64")).toMatchObject({ status: 1, stderr: expect.stringContaining("[flags.bundle]") });
    expect(await run("", file("cut.guesthouse", bytes.slice(0, -1)))).toMatchObject({ status: 1, stderr: expect.stringContaining("[bundle.bad]") });
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    // Its only piece is damaged: the boot sector cannot be read, so nothing starts from it.
    expect(await run("", file("damaged.guesthouse", bytes), "-yes")).toMatchObject({ status: 1, stderr: expect.stringContaining("a piece does not have the hash") });
    expect(await run("", "none.guesthouse")).toMatchObject({ status: 1, stderr: expect.stringContaining("[file.open]") });
  }, 120_000);
});

describe.skipIf(!existsSync(core))("a link", () => {
  const page = "https://example.org/guesthouse/";
  test("goes on where it stood, when it is said that it may", async () => {
    const link = page + inlineLink(await bundleOf(disk("waits.img", waits), true));
    const no = await run("", link);
    expect(no).toMatchObject({ status: 1, stdout: "" });
    expect(no.stderr).toMatch(/^guesthouse: sent, 16 MiB, as it stood on .*; what it writes stays in memory\nguesthouse: {3}boot.img, 1048576 bytes\nguesthouse: .*\[link.ask\]/);
    expect(await run("x", link, "-yes")).toMatchObject({ status: 33, stdout: "2" });
    expect(await run("", link, "-yes", "-m", "64")).toMatchObject({ status: 1, stderr: expect.stringContaining("[flags.bundle]") });
    expect(await run("", link.slice(0, -40), "-yes")).toMatchObject({ status: 1, stderr: expect.stringMatching(/\[(bundle|link).bad\]/) });
  }, 120_000);
  test("may be longer than a shell passes: in a file, or on standard input with what is typed behind it", async () => {
    // A disk that cannot be packed makes it long.
    const bytes = new Uint8Array(1 << 19);
    for (let n = 0; n < bytes.length; n += 32) bytes.set(createHash("sha256").update(String(n)).digest(), n);
    const path = disk("long.img", [], bytes.length);
    bytes.set(readFileSync(disk("waits.img", waits)).subarray(0, 512));
    writeFileSync(path, bytes);
    const link = page + inlineLink(await bundleOf(path, true));
    expect(link.length).toBeGreaterThan(600_000);
    writeFileSync(join(folder, "link.txt"), `${link}\n`);
    expect(await run("x", "@link.txt", "-yes")).toMatchObject({ status: 33, stdout: "2" });
    expect(await run(`${link}\nx`, "-", "-yes")).toMatchObject({ status: 33, stdout: "2" });
    expect(await run(link, "-")).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("[link.ask]") });
    expect(await run("no link\n", "-", "-yes")).toMatchObject({ status: 1, stderr: expect.stringMatching(/Standard input holds no link.*\[link.none\]/) });
    expect(await run("", "@long.img", "-yes")).toMatchObject({ status: 1, stderr: expect.stringContaining("[link.none]") });
    expect(await run("", "@none.txt", "-yes")).toMatchObject({ status: 1, stderr: expect.stringContaining("[file.open]") });
    await expect(sentOf("-", Object.assign(new PassThrough(), { isTTY: true }))).rejects.toMatchObject({ fault: { code: "link.terminal" } });
  }, 120_000);
  test("of hardware alone starts; one of the assembly bench is refused", async () => {
    const server = createServer((_, response) => void response.end(readFileSync(disk("leaves.img", leaves))));
    const port = await new Promise<number>((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
    const source = `url:http://127.0.0.1:${port}/leaves.img`;
    const domain = mapSources(domainOf("x"), (s) => (s.startsWith("file:") ? source : s));
    const started = await run("", page + (await encodeLink(domain)), "-yes");
    server.close();
    expect(started).toMatchObject({ status: 33, stderr: expect.stringContaining(`guesthouse:   ${source}\n`) });
    expect(await run("", page + (await encodeBench({ mode: "boot", source: "nop" })), "-yes")).toMatchObject({ status: 1, stderr: expect.stringContaining("[link.program-here]") });
  }, 120_000);
  test("asks on a terminal", async () => {
    const answer = async (text: string) => {
      const input = Object.assign(new PassThrough(), { isTTY: true });
      const output = new PassThrough();
      input.end(text);
      return [await ask("Start it?", { input, output }), String(output.read())];
    };
    expect(await answer("y\n")).toEqual([true, "guesthouse: Start it? [y/N] "]);
    expect(await answer("\n")).toEqual([false, "guesthouse: Start it? [y/N] "]);
    expect(await openSent({ kind: "link", link: `#at=${encodeURIComponent("https://nowhere.invalid/m.guesthouse")}&sha256=${"0".repeat(64)}` }, false, { input: Object.assign(new PassThrough().end("n\n") as PassThrough, { isTTY: true }), output: new PassThrough() }, () => {})).toBe(null);
  });
});

describe.skipIf(!existsSync(core))("a disk on a web server", () => {
  const asked: string[] = [];
  let ranges = true;
  const server = createServer((request, response) => {
    asked.push(request.url as string);
    const path = join(folder, request.url as string);
    if (!existsSync(path)) return void response.writeHead(404).end();
    const bytes = readFileSync(path);
    const range = ranges ? /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") : null;
    if (!range) return void response.end(bytes);
    const part = bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    response.writeHead(206, { "Content-Range": `bytes ${range[1]}-${Number(range[1]) + part.length - 1}/${bytes.length}` });
    response.end(part);
  });
  const address = new Promise<string>((resolve) => server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)));
  afterAll(() => server.close());
  const boot = async (source: string, ...more: string[]) => run("", "-bios", "none", "-drive", `file=${source}`, "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-m", "16", ...more);
  test("boots by ranges, whole, and in pieces", async () => {
    const base = await address;
    disk("leaves.img", leaves);
    const lost = /what is written to ide0-master stays in memory; to keep it: guesthouse img create -f qcow2 -F raw -b /;
    expect(await boot(`${base}/leaves.img`)).toMatchObject({ status: 33, stderr: expect.stringMatching(lost) });
    ranges = false;
    expect(await boot(`${base}/leaves.img`, "-snapshot")).toMatchObject({ status: 33, stderr: "" });
    ranges = true;
    const made = await run("", "chunks", "leaves.img", "site");
    const source = /chunks:ADDRESS(\S+)/.exec(made.stdout)?.[1];
    expect(made).toMatchObject({ status: 0, stdout: expect.stringMatching(/^1 pieces, \d+ bytes in site; put/) });
    asked.length = 0;
    expect(await boot(`chunks:${base}/site${source}`, "-snapshot")).toMatchObject({ status: 33, stderr: "" });
    expect(asked).toEqual(["/site/disk.guesthouse", expect.stringMatching(/^\/site\/chunks\/[0-9a-f]{64}$/)]);
    expect(await boot(`chunks:${base}/site/disk.guesthouse`)).toMatchObject({ status: 1, stderr: expect.stringContaining("[chunks.address]") });
    expect(await boot(`${base}/none.img`)).toMatchObject({ status: 1, stderr: expect.stringContaining("[url.status]") });
  }, 120_000);
  test("img looks at it, and makes a disk here that stands on it", async () => {
    const base = await address;
    const info = await run("", "img", "info", `${base}/leaves.img`);
    expect(info).toMatchObject({ status: 0, stdout: expect.stringMatching(/file format: raw\nvirtual size: 1 MiB/) });
    expect(await run("", "img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", `${base}/leaves.img`, "mine.qcow2")).toMatchObject({ status: 0 });
    expect(await boot("mine.qcow2")).toMatchObject({ status: 33, stderr: "" });
  }, 120_000);
});
