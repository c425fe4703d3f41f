// Kills a writing process at random points (SIGKILL) and looks at what is left: the image is in order (leaked clusters are allowed), and every
// acknowledged write is there. CRASHES=200 npx vitest run workers/backends/testing/crash for the long run; a few here.
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { NodeFile } from "../byte-file.node.ts";
import { loadZstd } from "../compress.ts";
import { openImage } from "../formats/index.ts";
import { createQcow2 } from "../formats/qcow2.ts";
import { createVdi } from "../formats/vdi.ts";
import { createVhd } from "../formats/vhd.ts";
import { createVhdx } from "../formats/vhdx.ts";
import { createVmdk } from "../formats/vmdk.ts";
import type { Image } from "../image.ts";
import { now } from "../io.ts";
import { operation } from "./crash-operations.ts";
import { noise } from "./noise.ts";
import { hasQemuImg, qemuImg } from "./qemu-img.node.ts";

const ROUNDS = Math.max(1, Math.floor(Number(process.env.CRASHES ?? 12) / 6));
const SIZE = 8 << 20;
const folder = mkdtempSync(join(tmpdir(), "gh-crash-"));
const child = join(folder, "child.cjs");
beforeAll(async () => {
  await loadZstd();
  await build({ entryPoints: [join(import.meta.dirname, "crash-child.node.ts")], bundle: true, platform: "node", format: "cjs", target: "node20", outfile: child, logLevel: "error" });
}, 120_000);

/** Runs the child for a random while, kills it; the number of the last acknowledged operation and an upper bound of what was begun. */
function killed(path: string, format: string, seed: number, from: number, ms: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, [child, path, format, String(seed), String(from)], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    running.stdout.on("data", (data: Buffer) => {
      if (text === "") setTimeout(() => running.kill("SIGKILL"), ms);
      text += data.toString();
    });
    running.on("error", reject);
    running.on("exit", (code, signal) => {
      if (signal !== "SIGKILL") return reject(new Error(`the child ended by itself: ${code}`));
      const lines = text.split("\n").slice(0, -1).filter((l) => l !== "open");
      resolve(lines.length > 0 ? Number(lines.at(-1)) : from - 1);
    });
  });
}
const uuid = () => crypto.getRandomValues(new Uint8Array(16));
const kinds: { readonly [name: string]: { readonly format: string; make(file: NodeFile, path: string): void } } = {
  qcow2: { format: "qcow2", make: (f) => now(createQcow2(f, { size: SIZE, clusterSize: 4096 })) },
  "qcow2 lazy": { format: "qcow2", make: (f) => now(createQcow2(f, { size: SIZE, clusterSize: 16384, lazyRefcounts: true })) },
  vdi: { format: "vdi", make: (f) => now(createVdi(f, { size: SIZE, uuid })) },
  vpc: { format: "vpc", make: (f) => now(createVhd(f, { size: SIZE, uuid, dateMs: 1e12, forceSize: true })) },
  vhdx: { format: "vhdx", make: (f) => now(createVhdx(f, { size: SIZE, random: uuid, blockSize: 1 << 20 })) },
  vmdk: { format: "vmdk", make: (f, path) => now(createVmdk(f, { size: SIZE, cid: 1, selfName: path })) },
};
describe("killed while writing", () => {
  for (const [name, { format, make }] of Object.entries(kinds))
    test(`${name}, ${ROUNDS} times`, async () => {
      const path = join(folder, name.replace(" ", "-"));
      const file = new NodeFile(path, "create");
      make(file, path);
      now(file.close());
      const dice = noise(name.length * 13 + ROUNDS);
      /** Per sector: the number of the acknowledged operation that wrote it (0 none); what came after may be there too. */
      const sure = new Uint32Array(SIZE / 512);
      for (let round = 0; round < ROUNDS; round++) {
        const seed = round + 1;
        const acknowledged = await killed(path, format, seed, 0, Math.floor(dice() * 150));
        for (let n = 0; n <= acknowledged; n++) {
          const op = operation(seed, n, SIZE);
          for (let s = 0; s < op.bytes.length / 512; s++) sure[op.at / 512 + s] = op.kind === "write" ? n + 1 : 0;
        }
        // Only what was not acknowledged may differ: find it by looking at everything after.
        const later = new Map<number, Set<number>>();
        for (let n = acknowledged + 1; n < acknowledged + 4000; n++) {
          const op = operation(seed, n, SIZE);
          for (let s = 0; s < op.bytes.length / 512; s++) {
            const sector = op.at / 512 + s;
            let set = later.get(sector);
            if (!set) later.set(sector, (set = new Set()));
            set.add(op.kind === "write" ? n + 1 : 0);
          }
        }
        if (hasQemuImg && format !== "vpc") {
          const copy = `${path}.copy`;
          copyFileSync(path, copy);
          // A VHDX with a log wants it replayed: QEMU does that with -r.
          const { status, stdout, stderr } = qemuImg("check", "-f", format, ...(format === "vhdx" || name === "qcow2 lazy" ? ["-r", "all"] : []), copy);
          expect([0, 3], `${stdout}${stderr}`).toContain(status);
        }
        const image: Image = now(openImage(new NodeFile(path, "write"), { format }));
        if (image.check) expect(now(image.check("none")).corruptions).toBe(0);
        const disk = new Uint8Array(SIZE);
        now(image.read(0, disk));
        const view = new DataView(disk.buffer);
        for (let sector = 0; sector < sure.length; sector++) {
          const found = view.getUint32(sector * 512, true);
          if (found !== sure[sector] && !later.get(sector)?.has(found)) throw new Error(`${name}, round ${round}: sector ${sector} holds operation ${found}, acknowledged was ${sure[sector]}`);
          sure[sector] = found;
        }
        now(image.close());
      }
    }, ROUNDS * 20_000 + 60_000);
});
