// The ways SeaBIOS boots: a floppy, a disk and a CD (El Torito, no emulation), in the order that -boot says; and what it tells of the machine: drive
// number, equipment word and COM ports in the BIOS data area. The boot sector prints them on COM1 through the UART and on the debug port.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseFlags } from "../../../src/manager/qemu-flags.ts";
import { Stage } from "./stage.ts";

const folder = mkdtempSync(join(tmpdir(), "guesthouse-bios-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** bios.asm: prints a letter, DL, the equipment word at 40:10h and the COM ports at 40:0 as hex words on COM1, then halts. */
const CODE = Buffer.from("+jHAjtiO0LwAfOoPfAAAiNOgYXzoOQC3AInZ6BsAiw4QBOgUAL4ABIsMg8YC6AkAgf4IBHXy9Ov9vwQAwcEEiMgkDzwKHGkv6AUAT3XusCCIxLr9A+yoIHT7uvgDiODuwz8=", "base64");
function sector(letter: string): Uint8Array {
  const out = new Uint8Array(512);
  out.set(CODE);
  out.set([letter.charCodeAt(0)], CODE.length - 1);
  out.set([0x55, 0xaa], 510);
  return out;
}
function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}
function image(name: string, length: number): string {
  const bytes = new Uint8Array(length);
  bytes.set(sector(name));
  return file(`${name}.img`, bytes);
}
/** A CD with nothing but an El Torito boot record, its catalogue and a boot image of four sectors of 512 bytes. */
function cd(name: string): string {
  const bytes = new Uint8Array(64 * 2048);
  const view = new DataView(bytes.buffer);
  const text = (at: number, t: string) => bytes.set(new TextEncoder().encode(t), at);
  for (const [block, type] of [[16, 1], [17, 0], [18, 255]] as const) {
    view.setUint8(block * 2048, type);
    text(block * 2048 + 1, "CD001");
    view.setUint8(block * 2048 + 6, 1);
  }
  text(17 * 2048 + 7, "EL TORITO SPECIFICATION");
  view.setUint32(17 * 2048 + 0x47, 19, true);
  const catalogue = 19 * 2048;
  view.setUint8(catalogue, 1);
  view.setUint16(catalogue + 30, 0xaa55, true);
  let sum = 0;
  for (let n = 0; n < 32; n += 2) sum += view.getUint16(catalogue + n, true);
  view.setUint16(catalogue + 28, -sum & 0xffff, true);
  view.setUint8(catalogue + 32, 0x88);
  view.setUint16(catalogue + 38, 4, true);
  view.setUint32(catalogue + 40, 20, true);
  bytes.set(sector(name), 20 * 2048);
  return file(`${name}.iso`, bytes);
}

describe("SeaBIOS boots", () => {
  const drives = ["-fda", image("A", 1_474_560), "-hda", image("C", 1 << 20), "-cdrom", cd("D"), "-serial", "vc", "-serial", "null", "-serial", "null", "-serial", "null"];
  it.each([
    ["a", /^A0000 /],
    ["c", /^C0080 /],
    ["d", /^D00e0 /i],
    ["dc", /^D00e0 /i],
    ["ca", /^C0080 /],
  ])("in the order %s", async (order, said) => {
    const stage = await Stage.open(parseFlags(["-m", "32", "-boot", order, ...drives]).domain);
    await stage.node.machine.start();
    // A letter, the drive, and six words.
    await stage.until(() => /[ACD](?:[0-9a-f]{4} ){6}$/i.test(stage.text()), 25, "the boot sector's words");
    const line = /[ACD](?:[0-9a-f]{4} ){6}$/i.exec(stage.text())?.[0] as string;
    expect(line).toMatch(said);
    const words = line.slice(1).trim().split(" ").map((w) => Number.parseInt(w, 16));
    // A floppy drive, a coprocessor, a PS/2 mouse, four serial ports.
    expect((words[1] as number) & 0xe07).toBe(0x807);
    expect(words.slice(2)).toEqual([0x3f8, 0x2f8, 0x3e8, 0x2e8]);
    expect(stage.missing()).toEqual([]);
    stage.node.machine.powerOff();
  }, 120_000);
});
