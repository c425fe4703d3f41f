// Disks behind the drives: sizes, overlays, files, ranges over HTTP, sources.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FaultError } from "../../src/contract/schema.ts";
import { MemoryFile } from "./byte-file.ts";
import { NodeFile } from "./byte-file.node.ts";
import { MemoryBlock, OverlayBlock } from "./block-memory.ts";
import { blobFile, httpFile } from "./block-remote.ts";
import { QueueBytes } from "./bytes.ts";
import { blockOf, RawImage } from "./image.ts";
import { now } from "./io.ts";
import { openSource, parseSize } from "./sources.ts";

const pattern = (sectors: number) => new Uint8Array(sectors * 512).map((_, i) => i + (i >> 9));
const at = (sectors: number, sector: number, count = 1) => [...pattern(sectors).subarray(sector * 512, (sector + count) * 512)];
const fault = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  return null;
};

describe("disks", () => {
  test("odd sizes are faults", () => {
    expect(fault(() => new MemoryBlock(new Uint8Array(513)))?.code).toBe("block.size");
    expect(fault(() => new MemoryBlock(new Uint8Array(0)))?.code).toBe("block.empty");
  });
  test("overlay reads through and keeps writes", async () => {
    const base = new MemoryBlock(pattern(300), true);
    const overlay = new OverlayBlock(base);
    overlay.writeSync(127, new Uint8Array(1024).fill(9));
    const got = new Uint8Array(2048);
    overlay.readSync?.(126, got);
    expect([...got]).toEqual([...at(300, 126), ...new Array(1024).fill(9), ...at(300, 129)]);
    expect([...base.bytes]).toEqual([...pattern(300)]);
    await overlay.read(126, got.fill(0));
    expect(got[600]).toBe(9);
  });
  test("file", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "gh-")), "disk");
    writeFileSync(path, pattern(8));
    const disk = blockOf(new RawImage(new NodeFile(path, "write")));
    const got = new Uint8Array(512);
    disk.readSync?.(3, got);
    expect([...got]).toEqual(at(8, 3));
    await disk.write(4, new Uint8Array(512).fill(1));
    await disk.flush();
    expect(readFileSync(path)[4 * 512]).toBe(1);
    await disk.close();
    expect(fault(() => new NodeFile("/no/such/file", "read"))?.message).toBe("Cannot open /no/such/file: there is no such file.");
    expect(fault(() => new NodeFile("/tmp", "read"))?.code).toBe("file.open");
  });
  test("blob and HTTP", async () => {
    const bytes = pattern(2000);
    const blob = blockOf(new RawImage(blobFile(new Blob([bytes]))));
    const got = new Uint8Array(1024);
    await blob.read(511, got);
    expect([...got]).toEqual(at(2000, 511, 2));
    let asked = 0;
    const server = async (_url: string, init: { readonly headers?: { readonly [k: string]: string } }) => {
      asked++;
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(init.headers?.Range ?? "") ?? [];
      const part = bytes.slice(Number(from), Number(to) + 1);
      return { ok: true, status: 206, headers: { get: (name: string) => (name === "Content-Range" ? `bytes ${from}-${to}/${bytes.length}` : null) }, arrayBuffer: async () => part.buffer };
    };
    const disk = blockOf(new RawImage(await httpFile("http://x/disk", { fetch: server })));
    expect(disk.sectors).toBe(2000);
    await disk.read(511, got.fill(0));
    expect([...got]).toEqual(at(2000, 511, 2));
    await disk.read(512, got);
    expect(asked).toBe(3);
  });
});

describe("sources", () => {
  test("sizes", () => {
    expect(["1", "512", "4K", "64M", "2G", "x", "0"].map(parseSize)).toEqual([1, 512, 4096, 67108864, 2147483648, null, null]);
  });
  test("memory, overlay, read only, unknown", async () => {
    const disk = await openSource("memory:1M");
    expect(disk?.sectors).toBe(2048);
    expect((await openSource("memory:1M", { readOnly: true }))?.readOnly).toBe(true);
    expect(await openSource("")).toBe(null);
    await expect(openSource("tape:x")).rejects.toThrow('"tape:x" is not a source');
    const base = new MemoryBlock(pattern(4));
    const snapshot = await openSource("given:1", { snapshot: true }, { given: () => base });
    await snapshot?.write(0, new Uint8Array(512));
    expect(base.bytes[1]).toBe(1);
  });
});

test("queue", () => {
  const sent: number[] = [];
  const queue = new QueueBytes((byte) => sent.push(byte));
  let told = 0;
  queue.onReadable(() => told++);
  queue.feed([1, 2]);
  queue.write(7);
  expect([queue.read(), queue.read(), queue.read(), told, sent]).toEqual([1, 2, -1, 1, [7]]);
});
test("a file in memory grows to its limit and no further, and a write that was refused changed nothing", () => {
  const file = new MemoryFile(new Uint8Array(0), false, "small", 10_000);
  now(file.write(0, new Uint8Array(6000).fill(1)));
  now(file.write(9999, Uint8Array.of(2)));
  expect(file.size).toBe(10_000);
  const before = file.bytes.slice();
  expect(fault(() => now(file.write(9999, Uint8Array.of(3, 3))))).toMatchObject({ code: "block.memory", message: expect.stringContaining("10001") });
  expect(fault(() => now(file.truncate(2 ** 33)))).toMatchObject({ code: "block.memory" });
  expect(file.bytes).toEqual(before);
  // More than one array can have, with the usual limit.
  expect(fault(() => now(new MemoryFile().write(2 ** 32, Uint8Array.of(1))))).toMatchObject({ code: "block.memory" });
});
