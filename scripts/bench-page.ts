// What the benchmarks need of a browser: Guesthouse's page with a guest that boots from the start instead of going on from its saved state, and a page
// with v86.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { findFirmware } from "../workers/node-machine.ts";

const root = join(import.meta.dirname, "..");
const v86Folder = join(root, "node_modules/v86");

export interface Guest {
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
  readonly memoryMiB: number;
}
export function firmware(name: string): Uint8Array {
  const bytes = findFirmware(name, root);
  if (!bytes) throw new Error(`${name} not found: apt install seabios`);
  return bytes;
}

/** What Node and the page give v86 alike; `acpi` stays off, v86's default. */
export function v86Options(guest: Guest, jit: boolean): { readonly [name: string]: unknown } {
  return {
    memory_size: guest.memoryMiB * 1024 * 1024,
    vga_memory_size: 8 * 1024 * 1024,
    cmdline: guest.append,
    autostart: true,
    disable_speaker: true,
    ...(jit ? {} : { disable_jit: true }),
  };
}
/** v86 with a screen, as on its own page; one button so that loading the page is not timed in either engine. */
export function v86Site(guest: Guest): string {
  const folder = mkdtempSync(join(os.tmpdir(), "guesthouse-bench-v86-"));
  // serveFolder knows .js as a module's type.
  copyFileSync(join(v86Folder, "build/libv86.mjs"), join(folder, "libv86.js"));
  copyFileSync(join(v86Folder, "build/v86.wasm"), join(folder, "v86.wasm"));
  writeFileSync(join(folder, "bios.bin"), firmware("bios.bin"));
  writeFileSync(join(folder, "vgabios.bin"), firmware("vgabios-stdvga.bin"));
  copyFileSync(guest.kernel, join(folder, "vmlinuz"));
  copyFileSync(guest.initrd, join(folder, "initrd.gz"));
  writeFileSync(
    join(folder, "index.html"),
    `<!doctype html><meta charset="utf-8"><title>v86</title><button id="start">start</button>
<div id="screen"><div style="white-space: pre; font: 14px monospace; line-height: 14px"></div><canvas style="display: none"></canvas></div>
<script type="module">
import { V86 } from "./libv86.js";
globalThis.seen = ""; globalThis.instructions = 0;
document.getElementById("start").onclick = () => {
  const url = (name) => ({ url: new URL(name, location.href).href });
  const emulator = new V86({ ...${JSON.stringify(v86Options(guest, true))}, wasm_path: "v86.wasm", screen: { container: document.getElementById("screen") },
    bios: url("bios.bin"), vga_bios: url("vgabios.bin"), bzimage: url("vmlinuz"), initrd: url("initrd.gz") });
  emulator.add_listener("serial0-output-byte", (byte) => { globalThis.seen = (globalThis.seen + String.fromCharCode(byte)).slice(-40000); });
  globalThis.send = (text) => emulator.serial0_send(text);
  let last = 0;
  emulator.add_listener("emulator-started", () => setInterval(() => {
    const now = emulator.get_instruction_counter();
    globalThis.instructions += (now - last) >>> 0;
    last = now;
  }, 100));
};
globalThis.ready = true;
</script>`,
  );
  return folder;
}
/** Builds the page into `folder`. `other`: an initrd and command line in place of the guest's own. */
export function bootingSite(folder: string, id: string, other?: { readonly initrd: string; readonly append: string }): void {
  execFileSync(process.execPath, [join(root, "node_modules/vite/bin/vite.js"), "build", "--outDir", folder, "--emptyOutDir", "--logLevel", "warn"], { cwd: root, stdio: "inherit" });
  const list = join(folder, "guests/index.json");
  const rows = JSON.parse(readFileSync(list, "utf8")) as { id: string; config: { boot: { initrd: string; append: string; resume: string } } }[];
  const boot = rows.find((r) => r.id === id)?.config.boot;
  if (!boot) throw new Error(`${id} is no built guest: npm run images`);
  boot.resume = "";
  if (other) {
    const bytes = readFileSync(other.initrd);
    writeFileSync(join(folder, "guests", id, "bench.initrd.gz"), bytes);
    const record = join(folder, "guests", id, "built.json");
    const built = JSON.parse(readFileSync(record, "utf8")) as { files: { [name: string]: unknown } };
    built.files["bench.initrd.gz"] = { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
    writeFileSync(record, JSON.stringify(built));
    Object.assign(boot, { initrd: `guest:${id}/bench.initrd.gz`, append: other.append });
  }
  writeFileSync(list, JSON.stringify(rows));
}
