// Bundles: what goes in comes out, a difference to a base restores to the same RAM, and whatever a stranger changes is a Fault before anything
// is unpacked.
import { describe, expect, test } from "vitest";
import { BUNDLE_FORMAT, type Manifest, manifestSchema } from "../../src/contract/bundle.ts";
import { domainSchema } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { keptIn, mapSources, sourcesOf } from "../../src/contract/sources-of.ts";
import { loadZstd, zstdCompress, zstdDecompress } from "../backends/compress.ts";
import type { State } from "../platform/types.ts";
import { makeTar } from "../backends/tar.ts";
import { noise } from "../backends/testing/noise.ts";
import { BundleWriter, encodeBundle, openBundle, sha256, summarize, unpackBlob, xorInto } from "./bundle.ts";
import { makeState } from "./bundle-save.ts";
import { CHUNK_BYTES, type PackedChunk } from "./ram-keeper.ts";
import { decodeLog, encodeLog } from "./recording.ts";
import { encodeState } from "./state-codec.ts";
import type { VmState } from "./vm-file.ts";

const domain = domainSchema.parse({
  name: "t", memoryMiB: 8, cpu: { model: "qemu64", count: 1, accel: "jit" }, clock: { mode: "wall" }, firmware: {}, boot: { kernel: "library:k", initrd: "library:a x, guest:b/c", resume: "guest:g/resume.json" }, vga: "none",
  disks: [{ at: "ide0-master", media: "disk", source: "library:d" }, { at: "ide0-slave", media: "disk", source: "url:https://example.org/x.img" }],
});
const dice = noise(11);
const page = (seed: number) => Uint8Array.from({ length: CHUNK_BYTES }, (_, i) => (i * seed + (i >> 7)) & 0xff);
const pack = (bytes: Uint8Array): PackedChunk => ({ bytes: zstdCompress(bytes, 1) });
const readOf = (bytes: Uint8Array) => async (at: number, length: number) => bytes.slice(at, at + length);

async function made(base: boolean): Promise<{ readonly bytes: Uint8Array; readonly manifest: Manifest; readonly now: Map<number, Uint8Array>; readonly before: Map<number, PackedChunk> }> {
  await loadZstd();
  const before = new Map([[0, pack(page(1))], [1, pack(page(3))], [2, pack(page(5))], [7, pack(page(9))], [8, pack(page(11))]]);
  // One chunk changed a little, one is new, one became zeros, the rest is shared.
  const little = page(3);
  little[100] = 0xee;
  const plain = new Map([[0, page(1)], [1, little], [2, page(5)], [8, page(11)], [20, page(77)]]);
  const vm: VmState = { sections: { format: 1, config: domain, sections: [] }, chunks: new Map([...plain].map(([n, b]) => [n, n === 1 || n === 20 ? pack(b) : (before.get(n) as PackedChunk)])), dateMs: 5, waits: "" };
  const writer = new BundleWriter(9);
  const state = await makeState(writer, { vm, base: base ? { source: "guest:g/resume.json", sha256: "ab".repeat(32), chunks: before } : null, thumbnail: "" }, 4);
  const disk = await writer.groups([0, 1, 5], 2, (n, into) => {
    into.fill(n + 1);
    return n !== 1;
  });
  const manifest: Manifest = {
    format: BUNDLE_FORMAT, program: "t", dateMs: 6, domain: mapSources(domain, (s) => (s === "library:d" ? "bundle:0" : s)), blobs: writer.blobs,
    files: [{ id: "bundle:0", name: "disk.img", size: 6 * CHUNK_BYTES, base: null, groups: disk }], state, recording: null,
  };
  return { bytes: await encodeBundle(manifest, writer.parts), manifest, now: plain, before };
}
async function ramOf(bytes: Uint8Array, before: ReadonlyMap<number, PackedChunk>): Promise<Map<number, Uint8Array>> {
  const opened = await openBundle(readOf(bytes), bytes.length, true);
  const { manifest } = opened;
  const out = new Map<number, Uint8Array>();
  const offset = (i: number) => opened.start + manifest.blobs.slice(0, i).reduce((n, b) => n + b.bytes, 0);
  for (const [i, blob] of manifest.blobs.entries()) await unpackBlob(bytes.slice(offset(i), offset(i) + blob.bytes), blob);
  const state = manifest.state as NonNullable<Manifest["state"]>;
  if (state.base) for (const [n, packed] of before) if (!state.zeros.includes(n)) out.set(n, zstdDecompress(packed.bytes, CHUNK_BYTES, "t"));
  for (const g of state.groups) {
    const blob = manifest.blobs[g.blob] as Manifest["blobs"][number];
    const plain = await unpackBlob(bytes.slice(offset(g.blob), offset(g.blob) + blob.bytes), blob);
    g.chunks.forEach((n, i) => {
      const piece = plain.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
      const under = state.base ? before.get(n) : undefined;
      if (under) xorInto(piece, zstdDecompress(under.bytes, CHUNK_BYTES, "t"));
      out.set(n, piece);
    });
  }
  return out;
}

describe("a bundle", () => {
  for (const base of [true, false])
    test(base ? "as a difference to a base" : "by itself", async () => {
      const { bytes, now, before, manifest } = await made(base);
      const ram = await ramOf(bytes, before);
      expect([...ram.keys()].sort((a, b) => a - b)).toEqual([...now.keys()].sort((a, b) => a - b));
      for (const [n, plain] of now) expect(Buffer.compare(ram.get(n) as Uint8Array, plain)).toBe(0);
      expect(manifest.state?.zeros).toEqual(base ? [7] : []);
      expect(manifest.state?.groups.flatMap((g) => g.chunks)).toEqual(base ? [1, 20] : [0, 1, 2, 8, 20]);
      const opened = await openBundle(readOf(bytes), bytes.length, true);
      const summary = summarize(opened, sourcesOf(opened.manifest.domain), "https://a.example/m/machine.guesthouse");
      expect(summary.files).toMatchObject([{ name: "disk.img", size: 6 * CHUNK_BYTES, over: "" }]);
      expect(summary.hosts).toEqual(["https://a.example", "https://example.org"]);
      expect(summary.state?.base).toBe(base ? "guest:g/resume.json" : "");
    });
  test("a machine that was reset has nothing to do with its base", async () => {
    await loadZstd();
    const before = new Map([[0, pack(page(1))], [1, pack(page(3))]]);
    const vm: VmState = { sections: { format: 1, config: domain, sections: [] }, chunks: new Map([[0, pack(page(8))], [1, pack(page(7))]]), dateMs: 0, waits: "" };
    const state = await makeState(new BundleWriter(3), { vm, base: { source: "guest:g/resume.json", sha256: "00".repeat(32), chunks: before }, thumbnail: "" }, 4);
    expect(state.base).toBeNull();
    expect(state.zeros).toEqual([]);
  });
});

describe("from strangers", () => {
  test("any changed byte is a Fault, and so is every shorter file", async () => {
    const { bytes, before } = await made(true);
    for (let i = 0; i < 400; i++) {
      const bad = bytes.slice();
      const at = Math.floor(dice() * bad.length);
      bad[at] = (bad[at] as number) ^ (1 + Math.floor(dice() * 255));
      // Bytes 20 to 23 are spare.
      if (at >= 20 && at < 24) continue;
      await expect(ramOf(bad, before), `byte ${at}`).rejects.toBeInstanceOf(FaultError);
    }
    for (let i = 0; i < 60; i++) await expect(ramOf(bytes.slice(0, Math.floor(dice() * bytes.length)), before)).rejects.toBeInstanceOf(FaultError);
  });
  test("a list of contents that fits its hash but not itself", async () => {
    const { manifest } = await made(true);
    const state = manifest.state as NonNullable<Manifest["state"]>;
    const file = manifest.files[0] as Manifest["files"][number];
    const wrong: readonly unknown[] = [
      { ...manifest, blobs: [] },
      { ...manifest, extra: 1 },
      { ...manifest, blobs: manifest.blobs.map((b) => ({ ...b, plain: 2 ** 30 })) },
      { ...manifest, state: { ...state, head: 99 } },
      { ...manifest, state: { ...state, thumbnail: "javascript:alert(1)" } },
      { ...manifest, state: { ...state, thumbnail: "data:image/svg+xml;base64,AAAA" } },
      { ...manifest, state: { ...state, groups: [{ blob: 0, chunks: [1, 1] }] } },
      { ...manifest, state: { ...state, groups: [{ blob: 0, chunks: [2 ** 30, 1] }] } },
      { ...manifest, recording: { log: 99, instructions: 1, inputs: 0 } },
      { ...manifest, state: null, recording: { log: 0, instructions: 1, inputs: 0 } },
      { ...manifest, files: [file, file] },
      { ...manifest, files: [{ ...file, id: "../x" }] },
      { ...manifest, files: [{ ...file, size: 2 ** 50 }] },
      { ...manifest, files: [{ ...file, groups: [{ blob: 1, chunks: [6, 0] }] }] },
      { ...manifest, files: [{ ...file, id: "ide0-master", base: { source: "url:https://elsewhere.example/", fingerprint: "1" } }] },
      { ...manifest, domain: { ...manifest.domain, memoryMiB: 1e9 } },
    ];
    for (const one of wrong) {
      const bytes = await encodeBundle(one as Manifest, []);
      await expect(openBundle(readOf(bytes), bytes.length, false), JSON.stringify(one).slice(0, 60)).rejects.toBeInstanceOf(FaultError);
    }
    const good = await encodeBundle(manifest, []);
    expect((await openBundle(readOf(good), good.length, false)).manifest).toEqual(manifestSchema.parse(manifest));
  });
  test("another format is told apart from damage", async () => {
    const { bytes } = await made(false);
    const newer = bytes.slice();
    newer[8] = 9;
    await expect(openBundle(readOf(newer), newer.length, true)).rejects.toMatchObject({ fault: { code: "bundle.version" } });
  });
});

test("inputs of a recording come back as they were; damaged ones are refused by name", async () => {
  const log = { end: 1234, inputs: [{ instructions: 7, atNs: 56, input: { kind: "key", scancode: 30, down: true } }, { instructions: 9, atNs: 72, input: { kind: "bytes", id: "serial0", bytes: [65, 13] } }], queues: { serial0: [66] } } as const;
  const bytes = encodeLog(log);
  expect(await decodeLog(bytes)).toEqual(log);
  // One of the terminal, which had no queues, is still read.
  expect((await decodeLog(encodeState({ end: 5, inputs: [] }))).queues).toEqual({});
  for (const wrong of [{ end: -1, inputs: [] }, { end: 5 }, { end: 5, inputs: [{ instructions: 1, atNs: 1, input: { kind: "nmi" } }] }, { end: 5, inputs: [], queues: { serial0: [256] } }])
    await expect(decodeLog(encodeState(wrong as State)), JSON.stringify(wrong)).rejects.toMatchObject({ fault: { code: "recording.bad" } });
});
test("sources are renamed wherever a domain names them, and drives know where their writes go", () => {
  const renamed = mapSources(domain, (s) => s.replace("library:", "bundle:"));
  expect(sourcesOf(renamed)).toEqual(["bundle:k", "guest:g/resume.json", "bundle:a", "guest:b/c", "seabios", "seavgabios", "bundle:d", "url:https://example.org/x.img"]);
  expect(renamed.boot.initrd).toBe("bundle:a x, guest:b/c");
  expect(domain.disks.map((d) => keptIn(domain, d))).toEqual(["library", "overlay"]);
  expect(domain.disks.map((d) => keptIn({ ...domain, clock: { ...domain.clock, mode: "instructions" } }, d))).toEqual(["library", null]);
  expect(keptIn(domain, { ...(domain.disks[1] as (typeof domain.disks)[number]), readOnly: true })).toBeNull();
});
test("an archive holds what was put into it", async () => {
  const parts = await makeTar([{ name: "machine.guesthouse", bytes: Uint8Array.of(1, 2, 3) }, { name: "chunks/x", bytes: page(3) }]);
  const tar = Buffer.concat(parts);
  expect(tar.length % 512).toBe(0);
  expect(tar.subarray(0, 18).toString()).toBe("machine.guesthouse");
  expect([...tar.subarray(512, 516)]).toEqual([1, 2, 3, 0]);
  expect(await sha256(tar.subarray(1536, 1536 + CHUNK_BYTES))).toBe(await sha256(page(3)));
});
