// Built files against the hash that was recorded when they were built: in the page's sources, and in Node.

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { domainSchema } from "../src/contract/domain.ts";
import { joined } from "../src/contract/bytes.ts";
import { nullBytes } from "./backends/bytes.ts";
import { loadZstd, zstdCompress } from "./backends/compress.ts";
import { CapturePicture } from "./backends/picture.ts";
import { damage, parseRecord } from "./image-record.ts";
import { findFirmware, openMachine } from "./node-machine.ts";
import { CHUNK_BYTES } from "./snapshots/ram-keeper.ts";
import { encodeVm, vmHeadLength } from "./snapshots/vm-file.ts";
import { Sources } from "./sources.ts";

const good = Uint8Array.from({ length: 1024 }, (_, i) => i & 0xff);
const corrupted = good.slice();
corrupted[700] = 0;
const sha256 = createHash("sha256").update(good).digest("hex");
const record = JSON.stringify({ revision: 1, files: { "disk.img": { bytes: good.length, sha256 }, "sub/a": { bytes: good.length, sha256 } } });
const hint = "Run npm run images: a damaged file is built again.";

describe("the record", () => {
  test("what is no record is none", () => {
    for (const text of ["", "<html>", "[]", "null", "7", '{"files":3}']) expect(parseRecord(text)?.size ?? null).toBeNull();
    expect(parseRecord('{"files":{"a":null,"b":{"bytes":"1"}}}')?.size).toBe(0);
  });
  test("length first, then hash", () => {
    const expected = { bytes: 1024, sha256 };
    expect(damage(expected, 1000, "")).toBe("it has 1000 bytes instead of 1024");
    expect(damage(expected, 1024, "00")).toContain("SHA-256");
    expect(damage(expected, 1024, sha256)).toBeNull();
  });
});

describe("in the page", () => {
  const site = (files: { readonly [path: string]: string | Uint8Array }, fresh: { readonly [path: string]: Uint8Array } = {}) => {
    const asked: string[] = [];
    const sources = new Sources("http://site/", {}, async (url, cache) => {
      const path = url.slice("http://site/".length);
      asked.push(`${path}${cache ? ` ${cache}` : ""}`);
      const body = cache === "reload" ? (fresh[path] ?? files[path]) : files[path];
      return body === undefined ? new Response("no", { status: 404 }) : new Response(body as BodyInit);
    }, () => {});
    return { sources, asked };
  };
  test("a good file passes; its record is fetched once", async () => {
    const { sources, asked } = site({ "guests/g/disk.img": good, "guests/g/sub/a": good, "guests/g/built.json": record });
    expect(await sources.bytes("guest:g/disk.img")).toEqual(good);
    expect(await sources.bytes("guest:g/sub/a")).toEqual(good);
    expect(asked.filter((a) => a.includes("built.json"))).toEqual(["guests/g/built.json revalidate"]);
  });
  test.each([
    ["a corrupted byte", corrupted, "is damaged: its SHA-256 is"],
    ["a truncated file", good.slice(0, 1000), "is damaged: it has 1000 bytes instead of 1024."],
  ])("%s is refused, in a guest and in firmware", async (_, bytes, sentence) => {
    const { sources } = site({ "guests/g/disk.img": bytes, "guests/g/built.json": record, "firmware/disk.img": bytes, "firmware/built.json": record });
    for (const source of ["guest:g/disk.img", "firmware:disk.img"])
      await expect(sources.bytes(source)).rejects.toMatchObject({ fault: { code: "image.hash", message: expect.stringContaining(`${source} ${sentence}`), hint } });
  });
  test("a stale copy in a cache is fetched again", async () => {
    const { sources, asked } = site({ "guests/g/disk.img": corrupted, "guests/g/built.json": record }, { "guests/g/disk.img": good });
    expect(await sources.bytes("guest:g/disk.img")).toEqual(good);
    expect(asked).toContain("guests/g/disk.img reload");
  });
  test("a saved machine: its head before it starts, the rest when it is here; a stale copy in a cache is fetched again", async () => {
    await loadZstd();
    const config = domainSchema.parse({ name: "x", memoryMiB: 16, cpu: { model: "qemu64", count: 1, accel: "interp" }, clock: { mode: "wall" }, firmware: {}, boot: {}, vga: "none", serial: [], disks: [], devices: [] });
    const file = joined(encodeVm({ sections: { format: 1, config, sections: [] }, chunks: new Map([[3, { bytes: zstdCompress(new Uint8Array(CHUNK_BYTES).fill(1)) }]]), dateMs: 1, waits: "" }));
    const head = vmHeadLength(file);
    const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    const resume = JSON.stringify({ file: "m.ghvm", bytes: file.length, sha256: hash(file), head: { bytes: head, sha256: hash(file.subarray(0, head)) } });
    const spoilt = (at: number) => file.map((b, i) => (i === at ? b ^ 1 : b));
    const open = (bytes: Uint8Array, fresh: { readonly [path: string]: Uint8Array } = {}, text = resume) => site({ "guests/g/resume.json": text, "guests/g/m.ghvm": bytes }, fresh).sources.savedMachine("guest:g/resume.json", () => null);
    const fault = (sentence: string) => ({ fault: { code: "image.hash", message: expect.stringContaining(`m.ghvm is damaged: ${sentence}`), hint } });
    expect((await (await open(file)).complete()).length).toBe(file.length);
    for (const at of [0, 9, head - 1]) {
      await expect(open(spoilt(at))).rejects.toMatchObject(fault("at its beginning its SHA-256 is"));
      expect(await (await open(spoilt(at), { "guests/g/m.ghvm": file })).complete()).toEqual(file);
    }
    const late = await open(spoilt(head + 5));
    expect(late.vm.chunks.size).toBe(1);
    await expect(late.complete()).rejects.toMatchObject(fault("its SHA-256 is"));
    for (const wrong of [{ bytes: head + 1, sha256: "" }, { bytes: file.length + 1, sha256: "" }, { bytes: head }, null])
      await expect(open(file, {}, JSON.stringify({ ...JSON.parse(resume), head: wrong }))).rejects.toMatchObject({ fault: { code: "image.hash" } });
  });
  test("no record, or not this file in it: no check", async () => {
    const { sources } = site({ "guests/g/disk.img": corrupted, "guests/h/built.json": record, "guests/h/own.img": corrupted, "guests/i/built.json": "<html>", "guests/i/disk.img": corrupted });
    for (const source of ["guest:g/disk.img", "guest:h/own.img", "guest:i/disk.img"]) expect(await sources.bytes(source)).toEqual(corrupted);
  });
});

describe("in Node", () => {
  const root = mkdtempSync(join(tmpdir(), "gh-record-"));
  const put = (id: string, name: string, bytes: Uint8Array | string) => {
    mkdirSync(join(root, "images", id, "build"), { recursive: true });
    writeFileSync(join(root, "images", id, "build", name), bytes);
  };
  const open = (more: object) => {
    const config = domainSchema.parse({ name: "t", memoryMiB: 16, cpu: { model: "qemu64", count: 1, accel: "interp" }, clock: { mode: "wall" }, firmware: { bios: "none" }, boot: {}, vga: "none", ...more });
    return openMachine(config, { root, picture: new CapturePicture(), bytes: () => nullBytes });
  };
  const disk = (source: string) => ({ disks: [{ at: "ide0-master", media: "disk", source }] });
  test("a corrupted byte in a disk, a kernel and firmware", async () => {
    put("g", "disk.img", corrupted);
    put("g", "built.json", record);
    const fault = { fault: { code: "image.hash", message: expect.stringContaining("guest:g/disk.img is damaged: its SHA-256 is"), hint } };
    await expect(open(disk("guest:g/disk.img"))).rejects.toMatchObject(fault);
    await expect(open({ boot: { kernel: "guest:g/disk.img" } })).rejects.toMatchObject(fault);
    expect(() => findFirmware("disk.img", root, join(root, "images/g/build"))).toThrow(/disk.img is damaged/);
  });
  test("a good one, and one without a record, get past the check", async () => {
    put("h", "disk.img", good);
    put("h", "built.json", record);
    put("i", "disk.img", corrupted);
    expect(findFirmware("disk.img", root, join(root, "images/h/build"))).toEqual(good);
    for (const id of ["h", "i"]) await expect(open({ boot: { kernel: `guest:${id}/disk.img` } })).rejects.not.toMatchObject({ fault: { code: "image.hash" } });
  });
});
