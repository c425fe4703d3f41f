// Every other format against a model of bytes and against qemu-img, in both directions; hostile headers are Faults.
import { deflateSync } from "node:zlib";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { FaultError } from "../../../src/contract/schema.ts";
import { NodeFile } from "../byte-file.node.ts";
import { type ByteFile, MemoryFile } from "../byte-file.ts";
import { loadZstd } from "../compress.ts";
import { type Image, RawImage } from "../image.ts";
import { type Io, now } from "../io.ts";
import { hasQemuImg, noise, qemuImg } from "../testing/qemu-img.node.ts";
import { openImage, type Surroundings } from "./index.ts";
import { createQcow2 } from "./qcow2.ts";
import { createVdi } from "./vdi.ts";
import { createVhd, VhdImage } from "./vhd.ts";
import { createVhdx } from "./vhdx.ts";
import { createVmdk } from "./vmdk.ts";

const folder = mkdtempSync(join(tmpdir(), "gh-formats-"));
const SIZE = 6 << 20;
const id = noise(3);
const random = () => new Uint8Array(16).map(() => id() * 256);
const all = (image: Image) => {
  const out = new Uint8Array(image.size);
  now(image.read(0, out));
  return out;
};
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
const beside: Surroundings = {
  *open(name, from, readOnly) {
    return new NodeFile(join(dirname(from.name), name), readOnly ? "read" : "write");
  },
};
const writers: { readonly [name: string]: (file: ByteFile, path: string) => Io<void> } = {
  vdi: (file) => createVdi(file, { size: SIZE, uuid: random }),
  "vdi static": (file) => createVdi(file, { size: SIZE, uuid: random, fixed: true }),
  vpc: (file) => createVhd(file, { size: SIZE, uuid: random, dateMs: 1.7e12, forceSize: true }),
  "vpc geometry": (file) => createVhd(file, { size: SIZE, uuid: random, dateMs: 1.7e12 }),
  "vpc fixed": (file) => createVhd(file, { size: SIZE, uuid: random, dateMs: 1.7e12, forceSize: true, subformat: "fixed" }),
  vhdx: (file) => createVhdx(file, { size: SIZE, random, blockSize: 1 << 20 }),
  "vhdx fixed": (file) => createVhdx(file, { size: SIZE, random, subformat: "fixed" }),
  vmdk: (file, path) => createVmdk(file, { size: SIZE, cid: 0x1234, selfName: path }),
  "vmdk flat": (file, path) => createVmdk(file, { size: SIZE, cid: 0x1234, selfName: path, subformat: "monolithicFlat", flat: { name: `${path.split("/").pop()}-flat`, file: new NodeFile(`${path}-flat`, "create") } }),
};
describe("written by us", () => {
  for (const [name, create] of Object.entries(writers))
    test(name, () => {
      const path = join(folder, name.replaceAll(" ", "-"));
      const file = new NodeFile(path, "create");
      now(create(file, path));
      let image = now(openImage(file, { around: beside, format: name === "vpc fixed" ? "vpc" : undefined }));
      const model = new Uint8Array(image.size);
      expect(image.size).toBeGreaterThanOrEqual(SIZE);
      const dice = noise(name.length);
      for (let step = 0; step < 120; step++) {
        const at = Math.floor((dice() * SIZE) / 512) * 512;
        const piece = new Uint8Array(Math.min(SIZE - at, (1 + Math.floor(dice() * dice() * 700)) * 512)).fill(step & 3 ? step : 0);
        piece[0] = step + 1;
        now(image.write(at, piece));
        model.set(piece, at);
      }
      expect(same(all(image), model)).toBe(true);
      now(image.close());
      image = now(openImage(new NodeFile(path, "read"), { around: beside, format: name === "vpc fixed" ? "vpc" : undefined }));
      expect(same(all(image), model)).toBe(true);
      if (!hasQemuImg) return;
      const format = name.split(" ")[0] as string;
      if (!["vpc"].includes(format) && name !== "vmdk flat") expect(qemuImg("check", "-f", format, path)).toMatchObject({ status: 0 });
      const { stderr } = qemuImg("convert", "-f", format, "-O", "raw", path, `${path}.raw`);
      expect(stderr).toBe("");
      expect(same(new Uint8Array(readFileSync(`${path}.raw`)).subarray(0, model.length), model)).toBe(true);
    });
  test("vmdk streamOptimized", () => {
    const path = join(folder, "stream.vmdk");
    const file = new NodeFile(path, "create");
    now(createVmdk(file, { size: SIZE, cid: 7, selfName: "stream.vmdk", subformat: "streamOptimized" }));
    const image = now(openImage(file));
    const model = new Uint8Array(SIZE).map((_, i) => (i >> 17) & 1 ? i >> 9 : 0);
    for (let at = 0; at < SIZE; at += 65536) now(image.write(at, model.subarray(at, at + 65536)));
    expect(() => now(image.write(1 << 17, new Uint8Array(512).fill(1)))).toThrow(/written once/);
    now(image.close());
    expect(same(all(now(openImage(new NodeFile(path, "read")))), model)).toBe(true);
    if (!hasQemuImg) return;
    expect(qemuImg("check", path).status).toBe(0);
    qemuImg("convert", "-O", "raw", path, `${path}.raw`);
    expect(same(new Uint8Array(readFileSync(`${path}.raw`)), model)).toBe(true);
  });
  test("a differencing VHD reads its parent where nothing was written", () => {
    const parent = new MemoryFile(undefined, false, "parent.vhd");
    now(createVhd(parent, { size: SIZE, uuid: random, dateMs: 1.7e12, forceSize: true }));
    const below = now(openImage(parent));
    const model = new Uint8Array(SIZE).map((_, i) => i >> 9);
    now(below.write(0, model));
    const child = new MemoryFile(undefined, false, "child.vhd");
    now(createVhd(child, { size: SIZE, uuid: random, dateMs: 1.7e12, forceSize: true, parent: { name: "parent.vhd", footer: parent.bytes.slice(0, 512) } }));
    const around: Surroundings = {
      *open(name) {
        expect(name).toBe("parent.vhd");
        return parent;
      },
    };
    const image = now(openImage(child, { around }));
    expect((image as VhdImage).type).toBe("differencing");
    for (const at of [512 * 3, 512 * 4097, SIZE - 512]) {
      now(image.write(at, new Uint8Array(512).fill(0xee)));
      model.fill(0xee, at, at + 512);
    }
    expect(same(all(image), model)).toBe(true);
    expect(same(all(now(openImage(child, { around }))), model)).toBe(true);
  });
  test("the log of a VHDX is replayed", () => {
    const file = new MemoryFile();
    now(createVhdx(file, { size: SIZE, random, blockSize: 1 << 20 }));
    const before = file.bytes.slice();
    const image = now(openImage(file));
    now(image.write(3 << 20, new Uint8Array(4096).fill(7)));
    // Killed here: the table in place is lost, the log is not.
    const cut = file.bytes.slice();
    const batAt = 3 << 20;
    cut.set(before.subarray(batAt, batAt + 4096), batAt);
    expect(() => now(openImage(new MemoryFile(cut.slice(), true)))).toThrow(/log/);
    const again = new MemoryFile(cut);
    expect(all(now(openImage(again)))[(3 << 20) + 5]).toBe(7);
    if (!hasQemuImg) return;
    now(now(openImage(again)).close());
    writeFileSync(join(folder, "replayed.vhdx"), again.bytes);
    expect(qemuImg("check", join(folder, "replayed.vhdx")).status).toBe(0);
  });
});

describe("written by qemu-img", () => {
  if (!hasQemuImg) return;
  const raw = join(folder, "in.raw");
  const content = new Uint8Array(SIZE);
  const dice = noise(9);
  for (let i = 0; i < 30; i++) content.fill(dice() * 256, Math.floor(dice() * SIZE), Math.floor(dice() * SIZE));
  writeFileSync(raw, content);
  const kinds: readonly (readonly string[])[] = [
    ["vdi"], ["vdi", "-o", "static=on"], ["vpc"], ["vpc", "-o", "force_size=on"], ["vpc", "-o", "subformat=fixed,force_size=on"], ["vhdx"], ["vhdx", "-o", "subformat=fixed"], ["vhdx", "-o", "block_size=1M"],
    ["vmdk"], ["vmdk", "-o", "subformat=streamOptimized"], ["vmdk", "-o", "subformat=monolithicFlat"], ["vmdk", "-o", "subformat=twoGbMaxExtentSparse"], ["vmdk", "-o", "zeroed_grain=on"], ["qed"], ["qed", "-o", "cluster_size=4k"], ["parallels"],
  ];
  for (const [format = "", ...options] of kinds)
    test([format, ...options].join(" "), () => {
      const path = join(folder, `q-${format}-${options.join("").replace(/\W/g, "")}`);
      expect(qemuImg("convert", "-O", format, ...options, raw, path).stderr).toBe("");
      const image = now(openImage(new NodeFile(path, "read"), { around: beside, format: options.join().includes("fixed") && format === "vpc" ? "vpc" : undefined }));
      expect(image.format).toBe(format);
      expect(same(all(image).subarray(0, SIZE), content)).toBe(true);
      if (image.readOnly && ["qed", "parallels"].includes(format)) expect(() => now(image.write(0, new Uint8Array(512)))).toThrow(FaultError);
    });
});

describe("made by hand", () => {
  test("cloop", () => {
    const content = new Uint8Array(4 * 65536).map((_, i) => i >> 10);
    const blocks = [0, 1, 2, 3].map((n) => deflateSync(content.subarray(n * 65536, (n + 1) * 65536)));
    const head = new Uint8Array(136 + 5 * 8);
    head.set(new TextEncoder().encode("#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n"));
    const v = new DataView(head.buffer);
    v.setUint32(128, 65536);
    v.setUint32(132, 4);
    let at = head.length;
    blocks.forEach((b, i) => {
      v.setUint32(136 + i * 8 + 4, at);
      at += b.length;
    });
    v.setUint32(136 + 4 * 8 + 4, at);
    const image = now(openImage(new MemoryFile(new Uint8Array(Buffer.concat([head, ...blocks])), true)));
    expect(image.format).toBe("cloop");
    expect(same(all(image), content)).toBe(true);
  });
  test("cow", () => {
    const bytes = new Uint8Array(1056 + 2);
    const v = new DataView(bytes.buffer);
    v.setUint32(0, 0x4f4f4f4d);
    v.setUint32(4, 2);
    bytes.set(new TextEncoder().encode("base"), 8);
    v.setUint32(1044, 16 * 512);
    v.setUint32(1048, 512);
    bytes[1056] = 0b100;
    const file = new Uint8Array(1536 + 16 * 512);
    file.set(bytes);
    file.fill(5, 1536 + 2 * 512, 1536 + 3 * 512);
    const base = new Uint8Array(16 * 512).fill(1);
    const image = now(openImage(new MemoryFile(file, true), { around: { *open() { return new MemoryFile(base, true, "base"); } } }));
    base.fill(5, 2 * 512, 3 * 512);
    expect(same(all(image), base)).toBe(true);
  });
});

test("damaged and hostile files end in a Fault or in wrong data, never in a crash or a hang", async () => {
  await loadZstd();
  const dice = noise(77);
  const small = 1 << 20;
  const makers: ((file: ByteFile) => Io<void>)[] = [
    (f) => createQcow2(f, { size: small, clusterSize: 4096 }), (f) => createQcow2(f, { size: small, clusterSize: 4096, compression: "zstd" }), (f) => createVdi(f, { size: small, uuid: random }),
    (f) => createVhd(f, { size: small, uuid: random, dateMs: 0, forceSize: true }), (f) => createVhdx(f, { size: small, random, blockSize: 1 << 20 }), (f) => createVmdk(f, { size: small, cid: 1, selfName: "x" }),
  ];
  for (const make of makers) {
    const file = new MemoryFile();
    now(make(file));
    const image = now(openImage(file));
    for (let i = 0; i < 20; i++) now(image.write(Math.floor(dice() * 200) * 512 * 8, new Uint8Array(4096).fill(i + 1)));
    if (image.writeCompressed) now(image.writeCompressed(0, new Uint8Array(4096).fill(3)));
    now(image.close());
    const good = file.bytes.slice();
    // Metadata is at the start in all of them: damage it most.
    const heads = image.format === "vhdx" ? [0, 65536, 131072, 196608, 1 << 20, 2 << 20, (2 << 20) + 65536, 3 << 20] : [0, 0, 512, 4096, 8192, 12288, 16384];
    for (let round = 0; round < 250; round++) {
      const bad = good.slice(0, dice() < 0.1 ? Math.floor(dice() * good.length) : good.length);
      for (let n = 1 + Math.floor(dice() * 4); n > 0 && bad.length > 0; n--) {
        const at = Math.min(bad.length - 1, (heads[Math.floor(dice() * heads.length)] as number) + Math.floor(dice() * (dice() < 0.7 ? 128 : 2048)));
        bad[at] = dice() < 0.3 ? 0xff : dice() < 0.5 ? 0 : dice() * 256;
      }
      try {
        const opened = now(openImage(new MemoryFile(bad), { format: image.format }));
        const out = new Uint8Array(4096);
        for (let at = 0; at < Math.min(opened.size, small); at += 65536) now(opened.read(at, out));
        if (opened.check) now(opened.check("none"));
        if (opened.size > 0) now(opened.write(0, out.subarray(0, 512).fill(round)));
        now(opened.flush());
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
      }
    }
  }
}, 120_000);
test("raw has holes where a sparse file has zeros", () => {
  const path = join(folder, "sparse.raw");
  const file = new NodeFile(path, "create");
  now(file.truncate(1 << 20));
  now(file.write(65536, new Uint8Array(4096).fill(1)));
  const image = new RawImage(file);
  expect(now(image.extent(0, 1 << 20))).toMatchObject({ length: 65536, zero: true });
  expect(now(image.extent(65536, (1 << 20) - 65536))).toMatchObject({ length: 4096, zero: false, data: true });
});
