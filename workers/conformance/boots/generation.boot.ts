// A Debian that goes on from a saved state, twice: each has random numbers of its own at once (generation ID), and the right time within seconds
// (the guest's own /etc/generation). Skipped when the guest's saved machine was not built.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { QueueBytes } from "../../backends/bytes.ts";
import { CapturePicture } from "../../backends/picture.ts";
import { loadZstd } from "../../backends/compress.ts";
import { jitWorker } from "../../jit-bundle.node.ts";
import { openMachine } from "../../node-machine.ts";
import { makeSeed, seedVm } from "../../snapshots/clone.ts";
import { captureVm, restoreVm, resumeLine } from "../../snapshots/save-vm.ts";
import { decodeVm, type VmState } from "../../snapshots/vm-file.ts";

const root = join(import.meta.dirname, "../../..");
const GUEST = process.env.BOOT_GUEST ?? "debian-amd64";
const record = join(root, "images", GUEST, "build/resume.json");
const file = existsSync(record) ? join(root, "images", GUEST, "build", (JSON.parse(readFileSync(record, "utf8")) as { file: string }).file) : "";

async function open(vm: VmState) {
  let text = "";
  const serial = new QueueBytes((byte) => {
    text += String.fromCharCode(byte);
  });
  const made = await openMachine({ ...vm.sections.config, boot: { ...vm.sections.config.boot, resume: "" } }, { root, jitWorker, bytes: (port) => (port === "serial0" ? serial : new QueueBytes()), picture: new CapturePicture() });
  await restoreVm(made.machine, made.keeper, vm);
  made.machine.resume();
  const until = async (what: RegExp): Promise<RegExpExecArray> => {
    for (const end = Date.now() + 60_000; ; await new Promise((r) => setTimeout(r, 20))) {
      const found = what.exec(text);
      if (found) return found;
      if (Date.now() > end) throw new Error(`waited too long: ${JSON.stringify(text.slice(-400))}`);
    }
  };
  return { ...made, until, type: (line: string) => serial.feed(new TextEncoder().encode(line)) };
}
describe.skipIf(file === "" || !existsSync(file))(`${GUEST} goes on twice`, () => {
  test("two of one saved state have random numbers of their own, and the time of now", async () => {
    await loadZstd();
    const first = await open(decodeVm(new Uint8Array(readFileSync(file))));
    first.type(resumeLine());
    await first.until(/~ # /);
    // A clock that is a day behind, as after a day in the library.
    first.type("date -u -s @$(($(date +%s)-86400)) > /dev/null; echo SE''T\n");
    await first.until(/SET/);
    const vm = await captureVm(first.machine, first.keeper);
    const seed = makeSeed(first.machine, first.keeper);
    first.machine.powerOff();
    await first.close();
    const seen: string[] = [];
    for (const state of [vm, vm, seedVm(seed)]) {
      const one = await open(state);
      one.type("echo R=$(head -c 8 /dev/urandom | hexdump -e '8/1 \"%02x\"')=\n");
      seen.push((await one.until(/R=([0-9a-f]{16})=/))[1] as string);
      await new Promise((r) => setTimeout(r, 5000));
      one.type("echo D=$(date +%s)=\n");
      const said = Number((await one.until(/D=(\d{9,})=/))[1]);
      expect(Math.abs(said - Date.now() / 1000)).toBeLessThan(10);
      one.machine.powerOff();
      await one.close();
    }
    expect(new Set(seen).size).toBe(3);
  }, 240_000);
});
