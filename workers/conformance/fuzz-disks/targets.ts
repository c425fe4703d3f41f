// What npm run fuzz:disks feeds with strangers' bytes: every image format (opened, looked at, read, checked, repaired, written), saved machines, bundles
// and links. A target may throw a FaultError and nothing else, ends soon, and takes little memory. Also the seeds that inputs are bred from.

import { MOST_LINK } from "../../../src/contract/bundle.ts";
import { domainSchema } from "../../../src/contract/domain.ts";
import { FaultError } from "../../../src/contract/schema.ts";
import { sourcesOf } from "../../../src/contract/sources-of.ts";
import { decodeLink, encodeLink, placeOf } from "../../../src/manager/link.ts";
import { MemoryFile } from "../../backends/byte-file.ts";
import { loadZstd } from "../../backends/compress.ts";
import { formats, openImage } from "../../backends/formats/index.ts";
import { createQcow2 } from "../../backends/formats/qcow2.ts";
import { createVdi } from "../../backends/formats/vdi.ts";
import { createVhd } from "../../backends/formats/vhd.ts";
import { createVhdx } from "../../backends/formats/vhdx.ts";
import { createVmdk } from "../../backends/formats/vmdk.ts";
import type { Image } from "../../backends/image.ts";
import { type Io, now } from "../../backends/io.ts";
import { noise } from "../../backends/testing/noise.ts";
import { BundleWriter, encodeBundle, openBundle, summarize, unpackBlob } from "../../snapshots/bundle.ts";
import { decodeState, encodeState } from "../../snapshots/state-codec.ts";
import { decodeVm, encodeVm } from "../../snapshots/vm-file.ts";
import { SnapshotError } from "../../platform/state.ts";

export interface Target {
  readonly name: string;
  seeds(): Promise<readonly Uint8Array[]>;
  run(input: Uint8Array): Promise<void>;
}
const SIZE = 1 << 20;
/** Larger disks are real, but reading all of one says nothing new. */
const MOST_READ = 4 << 20;
/** An image may put a block anywhere in its file; here a far one is refused, so that memory stays for the next input. */
const MOST_GROWN = 256 << 20;
const pattern = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
const fixed = () => new Uint8Array(16).fill(0x5a);

function made(create: (file: MemoryFile) => Io<void>, write = true): Uint8Array {
  const file = new MemoryFile();
  now(create(file));
  if (write) {
    const image = now(openImage(file, { alone: true }));
    for (const at of [0, 70_000 - (70_000 % 512), SIZE - 4096]) now(image.write(at, pattern(4096)));
    now(image.flush());
    now(image.close());
  }
  return file.bytes.slice();
}
const imageSeeds: { readonly [format: string]: () => readonly Uint8Array[] } = {
  qcow2: () => [
    made((f) => createQcow2(f, { size: SIZE, clusterSize: 4096 })),
    made((f) => createQcow2(f, { size: SIZE, version: 2 })),
    made((f) => createQcow2(f, { size: SIZE, backingName: "base.img", backingFormat: "raw" }), false),
  ],
  vdi: () => [made((f) => createVdi(f, { size: SIZE, uuid: fixed }))],
  vpc: () => [made((f) => createVhd(f, { size: SIZE, uuid: fixed, dateMs: 1.7e12, forceSize: true }))],
  vhdx: () => [made((f) => createVhdx(f, { size: SIZE, random: fixed, blockSize: 1 << 20 }))],
  vmdk: () => [made((f) => createVmdk(f, { size: SIZE, cid: 0x1234, selfName: "t.vmdk" }))],
};
/** Headers of the formats that we only read. */
function readOnlySeed(name: string): Uint8Array {
  const out = new Uint8Array(64 << 10);
  const v = new DataView(out.buffer);
  const text = (at: number, s: string) => out.set(new TextEncoder().encode(s), at);
  if (name === "qed") {
    text(0, "QED\0");
    [65536, 4, 1].forEach((n, i) => v.setUint32(4 + 4 * i, n, true));
    v.setBigUint64(40, 65536n, true);
    v.setBigUint64(48, BigInt(SIZE), true);
  } else if (name === "parallels") {
    text(0, "WithoutFreeSpace");
    [2, 16, 4, 63, 33, 2016].forEach((n, i) => v.setUint32(16 + 4 * i, n, true));
  } else if (name === "cloop") {
    text(0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n");
    v.setUint32(128, 65536);
    v.setUint32(132, 4);
  } else {
    text(0, "OOOM");
    v.setUint32(4, 2);
    v.setBigUint64(1036, BigInt(SIZE));
    v.setUint32(1044, 512);
  }
  return out;
}
function exerciseImage(image: Image, dice: () => number): void {
  const size = Math.min(image.size, MOST_READ);
  for (let i = 0; i < 6 && size > 0; i++) {
    const at = Math.floor((dice() * size) / 512) * 512;
    const length = Math.min(size - at, 65536);
    if (length <= 0) continue;
    now(image.read(at, new Uint8Array(length)));
    now(image.extent(at, length));
  }
  if (image.size > MOST_READ) now(image.read(Math.floor((image.size - 4096) / 512) * 512, new Uint8Array(4096)));
  if (image.specific) now(image.specific());
  if (image.check) now(image.check("none"));
}
const imageTarget = (name: string): Target => ({
  name,
  seeds: async () => imageSeeds[name]?.() ?? [readOnlySeed(name)],
  run: async (input) => {
    const dice = noise(input.length + (input[input.length >> 1] ?? 0));
    const attempt = (work: () => void) => {
      try {
        work();
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
      }
    };
    attempt(() => {
      const image = now(openImage(new MemoryFile(input.slice(), true, "t"), { format: name, alone: true, readOnly: true }));
      exerciseImage(image, dice);
      now(image.close());
    });
    attempt(() => {
      const image = now(openImage(new MemoryFile(input.slice(), false, "t", MOST_GROWN), { format: name, alone: true }));
      if (image.readOnly || image.size === 0) return;
      for (let i = 0; i < 4; i++) {
        const at = Math.floor((dice() * Math.min(image.size, MOST_READ)) / 512) * 512;
        now(image.write(at, pattern(Math.min(4096, image.size - at))));
      }
      now(image.flush());
      now(image.close());
    });
    if (name === "qcow2")
      attempt(() => {
        const image = now(openImage(new MemoryFile(input.slice(), false, "t", MOST_GROWN), { format: name, alone: true, repairing: true }));
        if (image.check) now(image.check("all"));
        now(image.close());
      });
  },
});

const domain = domainSchema.parse({ name: "t", memoryMiB: 8, cpu: { model: "qemu64", count: 1, accel: "jit" }, clock: { mode: "wall" }, firmware: {}, boot: { kernel: "bundle:0" }, vga: "none", disks: [{ at: "ide0-master", media: "disk", source: "url:https://example.org/x" }] });
const states = { config: "x", list: [1, -2, 3n, "text", null, true, Uint8Array.of(1, 2, 3)], deep: { a: { b: { c: [1, 2] } } } };
async function bundleSeed(): Promise<{ readonly bytes: Uint8Array; readonly json: string; readonly parts: readonly Uint8Array[] }> {
  const writer = new BundleWriter(3);
  const groups = await writer.groups([0, 1], 2, (n, into) => {
    into.set(pattern(65536 - n));
    return true;
  });
  const head = await writer.add(pattern(3000));
  const manifest = {
    format: 1, program: "t", dateMs: 1, domain, blobs: writer.blobs,
    files: [{ id: "bundle:0", name: "k", size: 131072, base: null, groups }, { id: "ide0-master", name: "url", size: 131072, base: { source: "url:https://example.org/x", fingerprint: "1" }, groups }],
    state: { head, dateMs: 1, base: { source: "guest:x/resume.json", fingerprint: "a".repeat(64) }, groups, zeros: [9], thumbnail: "" }, recording: null,
  };
  return { bytes: await encodeBundle(manifest, writer.parts), json: JSON.stringify(manifest), parts: writer.parts };
}
async function exerciseBundle(bytes: Uint8Array): Promise<void> {
  const read = async (at: number, length: number) => bytes.slice(at, at + length);
  const opened = await openBundle(read, bytes.length, true);
  summarize(opened, sourcesOf(opened.manifest.domain), null);
  let at = opened.start;
  for (const blob of opened.manifest.blobs) {
    await unpackBlob(await read(at, blob.bytes), blob);
    at += blob.bytes;
  }
}
const others: readonly Target[] = [
  { name: "bundle", seeds: async () => [(await bundleSeed()).bytes], run: exerciseBundle },
  {
    // The list of contents changed, with the hash that it then has.
    name: "bundle-manifest",
    seeds: async () => [new TextEncoder().encode((await bundleSeed()).json)],
    run: async (input) => {
      let manifest: unknown;
      try {
        manifest = JSON.parse(new TextDecoder().decode(input));
      } catch {
        return;
      }
      await exerciseBundle(await encodeBundle(manifest as never, (await bundleSeed()).parts));
    },
  },
  {
    name: "saved-machine",
    seeds: async () => [Buffer.concat(encodeVm({ sections: { format: 1, config: domain, sections: [{ device: "x", type: "y", version: 1, state: states }] }, chunks: new Map([[3, { bytes: pattern(900) }]]), dateMs: 1, waits: "", hot: { pages: Uint32Array.of(48), bytes: pattern(4096) } }))],
    run: async (input) => void decodeVm(input),
  },
  {
    name: "state",
    seeds: async () => [encodeState(states)],
    run: async (input) => {
      try {
        decodeState(input);
      } catch (error) {
        if (!(error instanceof SnapshotError)) throw error;
      }
    },
  },
  {
    name: "link",
    seeds: async () => [await encodeLink({ ...domain, boot: { ...domain.boot, kernel: "guest:a/b" } }), "#m=R1VFU1RIU0U", `#at=${encodeURIComponent("https://example.org/a")}&sha256=${"0".repeat(64)}`].map((s) => new TextEncoder().encode(s)),
    run: async (input) => {
      const text = new TextDecoder("latin1").decode(input).slice(0, MOST_LINK);
      if (placeOf(text) === null) await decodeLink(text);
    },
  },
];
export const targets: readonly Target[] = [...formats.filter((f) => f.name !== "raw").map((f) => imageTarget(f.name)), ...others];
/** Runs one input; what comes back is a finding. */
export async function tryInput(target: Target, input: Uint8Array): Promise<Error | null> {
  await loadZstd();
  try {
    await target.run(input);
    return null;
  } catch (error) {
    return error instanceof FaultError ? null : error instanceof Error ? error : new Error(String(error));
  }
}
