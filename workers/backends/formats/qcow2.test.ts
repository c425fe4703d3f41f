// qcow2 against a model of bytes and, where it is installed, against qemu-img: random writes, zeros, compression, snapshots, resizing.
import { mkdtempSync, writeFileSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MemoryFile } from "../byte-file.ts";
import { NodeFile } from "../byte-file.node.ts";
import { loadZstd } from "../compress.ts";
import { RawImage } from "../image.ts";
import { now } from "../io.ts";
import { hasQemuImg, noise, qemuImg } from "../testing/qemu-img.node.ts";
import { createQcow2, Qcow2Image, type Qcow2Options } from "./qcow2.ts";
import { applySnapshot, createSnapshot, deleteSnapshot, findSnapshot, loadVmState, saveVmState } from "./qcow2-snapshots.ts";

const folder = mkdtempSync(join(tmpdir(), "gh-qcow2-"));
const made = (options: Qcow2Options, bytes = new MemoryFile()) => {
  now(createQcow2(bytes, options));
  return { bytes, image: now(Qcow2Image.open(bytes)) };
};
const all = (image: { size: number; read(at: number, into: Uint8Array): Generator<Promise<unknown>, void, unknown> }) => {
  const out = new Uint8Array(image.size);
  now(image.read(0, out));
  return out;
};
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
let files = 0;
/** What qemu-img says of the bytes, and the disk as it reads it. */
function judge(bytes: Uint8Array): { readonly check: string; readonly disk: Uint8Array | null } {
  if (!hasQemuImg) return { check: "", disk: null };
  const path = join(folder, `f${files++}.qcow2`);
  writeFileSync(path, bytes);
  const { status, stdout, stderr } = qemuImg("check", path);
  const raw = `${path}.raw`;
  const converted = qemuImg("convert", "-O", "raw", path, raw);
  return { check: status === 0 ? "" : stdout + stderr + converted.stderr, disk: converted.status === 0 ? new Uint8Array(readFileSync(raw)) : null };
}

const shapes: readonly (readonly [string, Qcow2Options])[] = [
  ["plain", { size: 3 << 20 }],
  ["version 2", { size: 3 << 20, version: 2 }],
  ["512-byte clusters", { size: 700 << 10, clusterSize: 512 }],
  ["1-bit refcounts", { size: 1 << 20, clusterSize: 1024, refcountBits: 1 }],
  ["64-bit refcounts", { size: 1 << 20, clusterSize: 512, refcountBits: 64 }],
  ["lazy refcounts", { size: 3 << 20, lazyRefcounts: true, clusterSize: 4096 }],
  ["zstd", { size: 3 << 20, compression: "zstd" }],
  ["2 MiB clusters", { size: 5 << 20, clusterSize: 2 << 20 }],
  ["odd end", { size: (1 << 20) + 512 * 7, clusterSize: 4096 }],
];
describe("a model of bytes", () => {
  for (const [name, options] of shapes)
    test(name, async () => {
      await loadZstd();
      const random = noise(name.length * 77 + 1);
      const backing = options.refcountBits === 64 ? new Uint8Array(options.size / 2).map((_, i) => i * 7 + (i >> 8)) : null;
      const { bytes, image } = made({ ...options, ...(backing ? { backingName: "base.raw", backingFormat: "raw" } : {}) });
      if (backing) image.backing = new RawImage(new MemoryFile(backing, true));
      const model = new Uint8Array(options.size);
      if (backing) model.set(backing);
      const saved = new Map<string, Uint8Array>();
      const snapshots = (options.refcountBits ?? 16) > 1;
      const cluster = image.clusterSize;
      for (let step = 0; step < 300; step++) {
        const at = Math.floor((random() * options.size) / 512) * 512;
        const length = Math.min(options.size - at, (1 + Math.floor(random() * random() * 300)) * 512);
        const kind = random();
        if (kind < 0.6) {
          const piece = new Uint8Array(length).map(() => (random() < 0.5 ? step : random() * 256));
          now(image.write(at, piece));
          model.set(piece, at);
        } else if (kind < 0.7) {
          if (!now(image.writeZeroes(at, length))) now(image.write(at, new Uint8Array(length)));
          model.fill(0, at, at + length);
        } else if (kind < 0.8) {
          const from = Math.floor(at / cluster) * cluster;
          const piece = new Uint8Array(Math.min(cluster, options.size - from)).map((_, i) => (i >> 7) + step);
          now(image.writeCompressed(from, piece));
          model.set(piece, from);
        } else if (kind < 0.85) now(image.flush());
        else if (kind < 0.88 && snapshots && saved.size < 5) {
          const tag = `s${step}`;
          now(createSnapshot(image, { name: tag, dateMs: 1e12 }));
          saved.set(tag, model.slice());
        } else if (kind < 0.9 && saved.size > 0) {
          const [tag, was] = [...saved][Math.floor(random() * saved.size)] as [string, Uint8Array];
          now(applySnapshot(image, findSnapshot(image, tag)!));
          model.set(was);
        } else if (kind < 0.91 && saved.size > 0) {
          const tag = [...saved.keys()][Math.floor(random() * saved.size)] as string;
          now(deleteSnapshot(image, findSnapshot(image, tag)!));
          saved.delete(tag);
        } else if (kind < 0.95) {
          const got = new Uint8Array(length);
          now(image.read(at, got));
          if (!same(got, model.subarray(at, at + length))) throw new Error(`step ${step}: ${at}+${length} differs`);
        }
      }
      expect(same(all(image), model)).toBe(true);
      now(image.close());
      const again = now(Qcow2Image.open(new MemoryFile(bytes.bytes.slice())));
      if (backing) again.backing = new RawImage(new MemoryFile(backing, true));
      expect(same(all(again), model)).toBe(true);
      const report = now(again.check("none"));
      expect(report.lines).toEqual([]);
      if (!backing) {
        const { check, disk } = judge(bytes.bytes);
        expect(check).toBe("");
        if (disk) expect(same(disk, model)).toBe(true);
      } else if (hasQemuImg) {
        writeFileSync(join(folder, "base.raw"), backing);
        const { check, disk } = judge(bytes.bytes);
        expect(check).toBe("");
        if (disk) expect(same(disk, model)).toBe(true);
      }
      for (const [tag, was] of saved) {
        now(applySnapshot(again, findSnapshot(again, tag)!));
        expect(same(all(again), was)).toBe(true);
      }
      expect(now(again.check("none")).lines).toEqual([]);
    });
});

test("a snapshot of a machine keeps its state behind the disk", () => {
  const { bytes, image } = made({ size: 1 << 20 });
  now(image.write(0, new Uint8Array(512).fill(1)));
  const state = new Uint8Array(300_000).map((_, i) => i * 3);
  now(saveVmState(image, [state.subarray(0, 100_000), state.subarray(100_000)], { name: "vm", dateMs: 1.7e12, vmClockNs: 5e9 }));
  now(image.write(0, new Uint8Array(512).fill(2)));
  now(image.close());
  const again = now(Qcow2Image.open(new MemoryFile(bytes.bytes.slice())));
  expect(again.snapshots[0]).toMatchObject({ id: "1", name: "vm", vmStateSize: 300_000, vmClockNs: 5e9 });
  expect(same(now(loadVmState(again, again.snapshots[0]!)), state)).toBe(true);
  expect(all(again)[0]).toBe(2);
  now(applySnapshot(again, again.snapshots[0]!));
  expect(all(again)[0]).toBe(1);
  expect(judge(bytes.bytes).check).toBe("");
});

describe("files of qemu-img", () => {
  if (!hasQemuImg) return;
  const raw = join(folder, "in.raw");
  const random = noise(5);
  const content = new Uint8Array(4 << 20);
  for (let i = 0; i < 40; i++) content.fill(random() * 256, Math.floor(random() * content.length), Math.floor(random() * content.length));
  for (let i = 0; i < 100000; i++) content[Math.floor(random() * content.length)] = random() * 256;
  writeFileSync(raw, content);
  for (const options of [[], ["-c"], ["-c", "-o", "compression_type=zstd"], ["-c", "-o", "cluster_size=4k"], ["-o", "compat=0.10"], ["-o", "refcount_bits=8,cluster_size=512"], ["-o", "lazy_refcounts=on"]])
    test(options.join(" ") || "default", async () => {
      await loadZstd();
      const path = join(folder, `q${files++}.qcow2`);
      expect(qemuImg("convert", "-O", "qcow2", ...options, raw, path).stderr).toBe("");
      const image = now(Qcow2Image.open(new NodeFile(path, "write")));
      expect(same(all(image), content)).toBe(true);
      expect(now(image.check("none")).lines).toEqual([]);
      now(image.write(12345 * 64, new Uint8Array(65536 * 3).fill(0x5a)));
      now(image.close());
      expect(qemuImg("check", path).status).toBe(0);
    });
});
